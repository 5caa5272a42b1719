"""From TableSpecs to Dagster assets: one decorator, so that every asset has its docs, owner, kinds, group, tags, schema and check.

The decorated body takes a `Step` and returns nothing; see `step.py`. No `from __future__ import annotations` (Dagster reads them).
"""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import dagster as dg

from insights_assets.lake.spec import TableSpec
from insights_assets.resources.house import House, LakeOnly
from insights_assets.resources.memo import Dependence, last_success, recall, remember
from insights_assets.resources.progress import announced
from insights_assets.resources.step import Step
from insights_assets.resources.waves import HEAVY_LAST


@dataclass(frozen=True)
class Check:
    """A declared check of an asset: an affirmative predicate, e.g. `labels_in_label_set`. The body answers by `step.check`."""

    name: str
    table: TableSpec
    description: str
    blocking: bool = False
    severity: dg.AssetCheckSeverity = dg.AssetCheckSeverity.ERROR


SCHEMA_CHECK = "schema_matches_spec"
SCHEMA_HOLDS = "The stored table has the declared columns and types. Columns of a newer version of the product, which may be null, are named and left alone."
#: Every table-writing body by asset name: what a job on a cluster looks up to run one step.
BODIES: dict[str, tuple[Callable[[Step], None], tuple[TableSpec, ...], tuple[TableSpec, ...]]] = {}


@dataclass(frozen=True)
class HeavyStep:
    """What a job and its launcher have to know of a heavy step beside its body."""

    checks: tuple[Check, ...]
    memo: Dependence | None


#: The heavy ones among the bodies.
HEAVY: dict[str, HeavyStep] = {}
Result = dg.MaterializeResult | dg.AssetCheckResult


#: Numbers of requirements, which documentation of tables may name for engineers, e.g. "(R93, R125)".
_REQUIREMENTS = re.compile(r"\s*\(R\d+(?:, R\d+| and R\d+| to R\d+)*\)")


def for_people(text: str) -> str:
    """A description as Dagster's UI shows it: without the numbers of requirements."""
    return _REQUIREMENTS.sub("", text)


def asset_spec(spec: TableSpec, reads: Sequence[TableSpec], code_version: str, description: str, heavy: bool) -> dg.AssetSpec:
    """The AssetSpec of one table: everything Dagster's UI shows about it before it was ever materialised."""
    columns = [
        dg.TableColumn(
            name=column.name, type=column.type, description=for_people(column.documentation), tags={"tier": column.tier},
            constraints=dg.TableColumnConstraints(nullable=column.nullable and column.name not in spec.key, unique=spec.key == (column.name,)),
        )
        for column in spec.columns
    ]
    return dg.AssetSpec(
        key=dg.AssetKey(spec.key_path),
        deps=[dg.AssetKey(read.key_path) for read in reads if read != spec],
        description=for_people("\n\n".join(part for part in (spec.description or description, f"Grain: {spec.grain}.") if part)),
        group_name=spec.stage,
        owners=[spec.owner],
        kinds={"delta", "spark" if heavy else "python"},
        tags={"medallion": spec.medallion, "visibility": "public" if spec.public else "internal"},
        code_version=code_version,
        metadata={"dagster/column_schema": dg.TableSchema(columns=columns), "key": ", ".join(spec.key), "write": spec.write},
    )


def table_assets(
    *specs: TableSpec,
    reads: Sequence[TableSpec] = (),
    code_version: str = "1",
    checks: Sequence[Check] = (),
    heavy: bool = False,
    after: Sequence[dg.AssetKey] = (),
    memo: Dependence | None = None,
) -> Callable[[Callable[[Step], None]], dg.AssetsDefinition]:
    """Declare the asset(s) that one body writes.

    `reads` are the tables the body may read (its lineage); `heavy` steps may run as jobs on a cluster, so they touch the lake and
    nothing else; `after` orders a body behind assets whose rows it reaches another way; `memo`
    says what else the body depends on, and lets it be skipped when nothing of that changed (see `memo.py`).
    """

    def decorate(body: Callable[[Step], None]) -> dg.AssetsDefinition:
        stage = specs[0].stage
        name = f"{stage}__{body.__name__}"
        own = tuple(read for read in reads if read not in specs)
        BODIES[name] = (body, tuple(reads), specs)
        if heavy:
            HEAVY[name] = HeavyStep(tuple(checks), memo)
        check_specs = [
            dg.AssetCheckSpec(SCHEMA_CHECK, asset=dg.AssetKey(s.key_path), blocking=True, description=SCHEMA_HOLDS)
            for s in specs
        ] + [
            dg.AssetCheckSpec(c.name, asset=dg.AssetKey(c.table.key_path), blocking=c.blocking, description=for_people(c.description)) for c in checks
        ]
        asset_specs = [asset_spec(s, own, code_version, (body.__doc__ or "").strip(), heavy) for s in specs]
        if after:
            asset_specs = [s.merge_attributes(deps=list(after)) for s in asset_specs]

        @dg.multi_asset(name=name, specs=asset_specs, check_specs=check_specs, op_tags={"heavy": str(heavy).lower(), **(HEAVY_LAST if heavy else {})})
        def run_body(context: dg.AssetExecutionContext, house: House) -> Iterator[Result]:
            step = house.step(reads=tuple(reads), writes=specs, run_id=context.run.run_id, log=context.log, heavy=heavy)
            reported: Sequence[Result] = ()
            with announced(name):
                is_launched = heavy and house.is_launched(name)  # its job was told to do it and is waited for, whatever came of its inputs
                for spec in () if is_launched else specs:
                    step.lake.fit(spec)  # before the body compares with what an earlier version of the product stored
                began = memo(step) if memo is not None else None
                known = memo is not None and not is_launched and recall(step, name, memo)
                if known:
                    _recall_notes(context, step, specs)
                elif heavy and house.heavy_steps == "job":
                    reported = house.run_as_job(context, step, name)
                    _take_over(step, reported)
                else:
                    step.last = last_success(step, name, memo) if memo is not None else None
                    body(replace(step, operations=LakeOnly()) if heavy else step)
                if memo is not None and not known:
                    for spec in specs:
                        step.lake.ensure(spec)  # a table that the body had no rows for is part of what is remembered
                    remember(step, name, memo, began)
            yield from reported or results(step, specs, checks)

        return run_body

    return decorate


def results(step: Step, specs: Sequence[TableSpec], checks: Sequence[Check]) -> Iterator[Result]:
    """What a step that ran reports, wherever it ran: a materialisation of each table, its schema check, the declared checks."""
    for spec in specs:
        yield _materialize(step, spec)
    for spec in specs:
        yield _schema_result(step, spec)
    yield from _declared_results(step, checks)


def _take_over(step: Step, reported: Sequence[Result]) -> None:
    """The answers that a job gave to declared checks, so that its step is remembered like any other."""
    for result in reported:
        if isinstance(result, dg.AssetCheckResult) and result.check_name != SCHEMA_CHECK:
            step.check(result.check_name or "", result.passed, **{name: value.value for name, value in result.metadata.items()})


def _recall_notes(context: dg.AssetExecutionContext, step: Step, specs: Sequence[TableSpec]) -> None:
    """A skipped body shows the metadata of its last materialisation: what it would say again."""
    own = {"dagster/row_count", "rows_written", "delta_version"}
    for spec in specs:
        event = context.instance.get_latest_materialization_event(dg.AssetKey(spec.key_path))
        if event is not None and event.asset_materialization is not None:
            step.note(spec, **{name: value for name, value in event.asset_materialization.metadata.items() if name not in own})


def _materialize(step: Step, spec: TableSpec) -> dg.MaterializeResult:
    step.lake.ensure(spec)
    result = step.results.get(spec)
    version = result.version if result else step.lake.version(spec)
    metadata: dict[str, Any] = {
        "dagster/row_count": step.lake.row_count(spec),
        "rows_written": result.rows if result else 0,
        "delta_version": version or 0,
        **step.notes.get(spec, {}),
    }
    return dg.MaterializeResult(asset_key=dg.AssetKey(spec.key_path), metadata=metadata, data_version=dg.DataVersion(f"delta-{version}"))


def _schema_result(step: Step, spec: TableSpec) -> dg.AssetCheckResult:
    found = step.lake.stored_columns(spec)
    wanted = step.lake.declared_columns(spec)
    missing = sorted(set(wanted) - set(found))
    extra = sorted(set(found) - set(wanted))
    changed = sorted(name for name in set(found) & set(wanted) if found[name] != wanted[name])
    return dg.AssetCheckResult(
        check_name=SCHEMA_CHECK, asset_key=dg.AssetKey(spec.key_path), passed=not (missing or changed),
        metadata={"missing_columns": missing, "extra_columns": extra, "changed_types": [f"{n}: {found[n]} for {wanted[n]}" for n in changed]},
    )


def _declared_results(step: Step, checks: Sequence[Check]) -> Iterator[dg.AssetCheckResult]:
    answered = {outcome.name: outcome for outcome in step.outcomes}
    unknown = set(answered) - {check.name for check in checks}
    if unknown:
        raise LookupError(f"checks answered but never declared: {', '.join(sorted(unknown))}")
    for check in checks:
        outcome = answered.get(check.name)
        if outcome is None:
            raise LookupError(f"check {check.name} of {check.table} was declared but the body gave no answer")
        yield dg.AssetCheckResult(
            check_name=check.name, asset_key=dg.AssetKey(check.table.key_path), passed=outcome.passed, severity=check.severity, metadata=outcome.metadata
        )
