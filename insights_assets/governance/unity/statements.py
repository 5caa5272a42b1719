"""The SQL that makes a catalog: schemas, volumes, functions, tables, tags, views and grants, in the order in which they can be run.

Belongs here: text, from TableSpecs and roles alone; the same input gives the same text. Does not belong here: what a catalog already holds
and running anything (`applying.py`). Each statement may be run again: it makes what is missing and replaces functions and views.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from insights_assets.flow import STAGES
from insights_assets.governance.unity.roles import INTERNALS_SCHEMA, SECURITY_SCHEMA, Environment, Grant, grants, group_of, readers_of, view_name, view_schema
from insights_assets.lake.ddl import comment, create_table, literal, quoted
from insights_assets.lake.spec import Column, TableSpec
from insights_assets.lake.tiers import TIERS, Tier
from insights_assets.lake.unity import FILES_SCHEMA, LANDING, SCRATCH, WHEELS

_VOLUMES = {
    LANDING: "Files that sources deliver, one folder a source; raw tier",
    SCRATCH: "Frames kept between the steps of a run, and context and messages of jobs; raw tier, only the pipeline reads it",
    WHEELS: "Wheels, and what else jobs run",
}
#: A tier that not everybody has, so that its columns are masked.
MASKED: tuple[Tier, ...] = ("summary", "raw")


@dataclass(frozen=True)
class Statement:
    """One statement: what kind of object, which one, and its SQL without a semicolon."""

    kind: str
    subject: str
    sql: str


@dataclass(frozen=True)
class Plan:
    """What to make. `table_masks` puts masks on the tables too, which takes their time travel away."""

    catalog: str
    env: Environment = "dev"
    managed_location: str | None = None
    table_masks: bool = False


def bootstrap(plan: Plan, specs: Iterable[TableSpec]) -> list[Statement]:
    """Everything, in order."""
    specs = tuple(specs)
    return [
        *_catalog(plan), *_schemas(plan, specs), *_volumes(plan), *_functions(plan, specs),
        *(Statement("table", str(spec), create_table(spec, table_name(plan, spec))) for spec in specs),
        *(statement for spec in specs for statement in _tags(plan, spec)),
        *(statement for spec in specs if plan.table_masks for statement in _masks(plan, spec)),
        *(_view(plan, spec) for spec in specs),
        *(_grant(plan, grant) for grant in grants(specs)),
    ]  # fmt: skip


def as_text(statements: Iterable[Statement]) -> str:
    """A script: each statement under a line that names it, ended by a semicolon."""
    return "\n".join(f"-- {statement.kind} {statement.subject}\n{statement.sql};\n" for statement in statements)


def table_name(plan: Plan, spec: TableSpec) -> str:
    return quoted(plan.catalog, spec.stage, spec.name)


def mask_function(tier: Tier, kind: str) -> str:
    """The mask of a column type, as a name: `mask_raw_string`, `mask_raw_array_struct_3`."""
    plain = "".join(char if char.isalnum() else " " for char in kind.replace(" ", ""))
    words = plain.split()
    return f"mask_{tier}_{words[0]}" if len(words) == 1 else f"mask_{tier}_{words[0]}_{words[1]}_{(len(words) - 2) // 2}"


def _catalog(plan: Plan) -> Iterator[Statement]:
    where = f" MANAGED LOCATION {literal(plan.managed_location)}" if plan.managed_location else ""
    yield Statement("catalog", plan.catalog, f"CREATE CATALOG IF NOT EXISTS {quoted(plan.catalog)}{where} COMMENT {literal(f'Customer feedback in, finished action out ({plan.env})')}")
    # It keeps minima and maxima of columns as it sees fit, of text too, where an erased value would stay; the product's own maintenance keeps none.
    yield Statement("catalog", plan.catalog, f"ALTER CATALOG {quoted(plan.catalog)} DISABLE PREDICTIVE OPTIMIZATION")


def schemas(specs: Iterable[TableSpec]) -> dict[str, str]:
    """The schemas of an installation with what each is for: stages, views of each, internals, volumes, functions."""
    sentences = {stage.name: stage.sentence for stage in STAGES}
    sentences |= {view_schema(spec): f"What people read of {spec.stage}: views that mask what the reader's tier does not cover" for spec in specs}
    sentences |= {
        INTERNALS_SCHEMA: "Tables that are not public, as masked views for data engineers", FILES_SCHEMA: "Volumes", SECURITY_SCHEMA: "Who may read which tier",
    }  # fmt: skip
    return sentences


def _schemas(plan: Plan, specs: tuple[TableSpec, ...]) -> Iterator[Statement]:
    for schema, sentence in schemas(specs).items():
        yield Statement("schema", schema, f"CREATE SCHEMA IF NOT EXISTS {quoted(plan.catalog, schema)} COMMENT {literal(sentence)}")


def _volumes(plan: Plan) -> Iterator[Statement]:
    for volume, sentence in _VOLUMES.items():
        yield Statement("volume", volume, f"CREATE VOLUME IF NOT EXISTS {quoted(plan.catalog, FILES_SCHEMA, volume)} COMMENT {literal(sentence)}")


def _functions(plan: Plan, specs: tuple[TableSpec, ...]) -> Iterator[Statement]:
    for tier in MASKED:
        name = quoted(plan.catalog, SECURITY_SCHEMA, f"may_read_{tier}")
        sql = f"CREATE OR REPLACE FUNCTION {name}() RETURNS BOOLEAN COMMENT {literal(f'Whether the reader may see the {tier} tier')} RETURN {_member(plan, tier)}"
        yield Statement("function", f"may_read_{tier}", sql)
    if plan.table_masks:
        for kind in sorted({column.type for spec in specs for column in spec.columns if column.tier == "raw"}):
            name = mask_function("raw", kind)
            # No call of may_read_raw: a mask that stands alone can be read alone.
            sql = (
                f"CREATE OR REPLACE FUNCTION {quoted(plan.catalog, SECURITY_SCHEMA, name)}(value {kind}) RETURNS {kind} "
                f"COMMENT {literal('NULL unless the reader may see the raw tier')} RETURN CASE WHEN {_member(plan, 'raw')} THEN value END"
            )
            yield Statement("function", name, sql)


def _member(plan: Plan, tier: Tier) -> str:
    return " OR ".join(f"is_account_group_member({literal(group_of(plan.env, role))})" for role in readers_of(tier))


def _tags(plan: Plan, spec: TableSpec) -> Iterator[Statement]:
    tier = max((column.tier for column in spec.columns), key=TIERS.index)
    kept = str(spec.retention_days) if spec.retention_days is not None else "until_erased"
    tags = {"insights_tier": tier, "insights_medallion": spec.medallion, "insights_retention_days": kept, "insights_owner": spec.owner}
    yield Statement("tag", str(spec), f"ALTER TABLE {table_name(plan, spec)} SET TAGS ({', '.join(f'{literal(k)} = {literal(v)}' for k, v in tags.items())})")
    for column in spec.columns:
        if column.tier == "raw":
            sql = f"ALTER TABLE {table_name(plan, spec)} ALTER COLUMN {quoted(column.name)} SET TAGS ('insights_tier' = 'raw')"
            yield Statement("tag", f"{spec}.{column.name}", sql)


def _masks(plan: Plan, spec: TableSpec) -> Iterator[Statement]:
    for column in spec.columns:
        if column.tier == "raw":
            function = quoted(plan.catalog, SECURITY_SCHEMA, mask_function("raw", column.type))
            yield Statement("mask", f"{spec}.{column.name}", f"ALTER TABLE {table_name(plan, spec)} ALTER COLUMN {quoted(column.name)} SET MASK {function}")


def _view(plan: Plan, spec: TableSpec) -> Statement:
    name = quoted(plan.catalog, view_schema(spec), view_name(spec))
    heads = [f"{quoted(column.name)} COMMENT {literal(comment(column))}" for column in spec.columns]
    rows = ",\n".join(f"  {_shown(plan, column)}" for column in spec.columns)
    sql = (
        f"CREATE OR REPLACE VIEW {name} (\n  " + ",\n  ".join(heads) + f"\n) COMMENT {literal(spec.description or spec.grain)} AS\n"
        f"SELECT\n{rows}\nFROM {table_name(plan, spec)}"
    )  # fmt: skip
    return Statement("view", f"{view_schema(spec)}.{view_name(spec)}", sql)


def _shown(plan: Plan, column: Column) -> str:
    name = quoted(column.name)
    if column.tier not in MASKED:
        return name
    return f"CASE WHEN {quoted(plan.catalog, SECURITY_SCHEMA, f'may_read_{column.tier}')}() THEN {name} END AS {name}"


def _grant(plan: Plan, grant: Grant) -> Statement:
    where = quoted(plan.catalog, *grant.parts)
    sql = f"GRANT {', '.join(grant.privileges)} ON {grant.kind} {where} TO {quoted(group_of(plan.env, grant.role))}"
    return Statement("grant", f"{'.'.join(grant.parts) or plan.catalog} to {grant.role}", sql)
