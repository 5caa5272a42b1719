"""Reads bootstrap's SQL again with sqlglot, knowing nothing of roles or specs: what a group sees follows from the text alone."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

import sqlglot
from sqlglot import exp

from insights_assets.governance.unity.statements import Statement

_PART = re.compile(r"`((?:[^`]|``)+)`")


def parts(name: str) -> tuple[str, ...]:
    return tuple(part.replace("``", "`") for part in _PART.findall(name))


@dataclass
class Script:
    """What the statements say, by kind."""

    let_through: dict[str, set[str]] = field(default_factory=dict)
    views: dict[tuple[str, ...], tuple[tuple[str, ...], dict[str, str | None]]] = field(default_factory=dict)
    granted: dict[tuple[str, ...], dict[str, set[str]]] = field(default_factory=dict)
    masks: dict[tuple[str, ...], str] = field(default_factory=dict)

    def may(self, group: str, right: str, *name: str) -> bool:
        """Whether a group holds a right on an object, or on what the object is in."""
        return any(right in self.granted.get(name[:length], {}).get(group, ()) for length in range(1, len(name) + 1))

    def selects(self, group: str, *name: str) -> bool:
        """SELECT reaches an object only with the two USE rights."""
        return self.may(group, "USE CATALOG", name[0]) and self.may(group, "USE SCHEMA", *name[:2]) and self.may(group, "SELECT", *name)

    def clear(self, group: str, *table: str) -> set[str]:
        """Columns of a table that a group reads as they are, from the table itself or from views of it."""
        found: set[str] = set()
        for view, (source, columns) in self.views.items():
            if source == table and self.selects(group, *view):
                found |= {name for name, function in columns.items() if function is None or group in self.let_through[function]}
        if self.selects(group, *table):
            found |= {name for view, (source, columns) in self.views.items() if source == table for name in columns if (*table, name) not in self.masks}
        return found


def read(statements: list[Statement]) -> Script:
    script = Script()
    for one in statements:
        if one.kind == "function" and one.subject.startswith("may_read"):
            script.let_through[one.subject] = set(re.findall(r"is_account_group_member\('([^']+)'\)", one.sql))
        elif one.kind == "mask":
            made = re.fullmatch(r"ALTER TABLE (\S+) ALTER COLUMN (\S+) SET MASK (\S+)", one.sql)
            assert made
            script.masks[(*parts(made[1]), *parts(made[2]))] = parts(made[3])[-1]
        elif one.kind == "view":
            name, source, columns = _view(one.sql)
            script.views[name] = (source, columns)
        elif one.kind == "grant":
            made = re.fullmatch(r"GRANT ([A-Z, ]+) ON [A-Z]+ (\S+) TO (\S+)", one.sql)
            assert made, one.sql
            script.granted.setdefault(parts(made[2]), {}).setdefault(parts(made[3])[0], set()).update(right.strip() for right in made[1].split(","))
    return script


def _view(sql: str) -> tuple[tuple[str, ...], tuple[str, ...], dict[str, str | None]]:
    """Name, the one table it reads, and by output column the function that masks it."""
    made = sqlglot.parse_one(sql, dialect="databricks")
    head, select = made.find(exp.Schema), made.expression
    assert head is not None and isinstance(select, exp.Select)
    names = [one.name for one in head.expressions]
    columns: dict[str, str | None] = {}
    for name, shown in zip(names, select.expressions, strict=True):
        assert shown.alias_or_name == name
        case = shown.find(exp.Case)
        assert {one.name for one in shown.find_all(exp.Column)} - {"security"} == {name} or case is not None
        columns[name] = re.findall(r"may_read_\w+", shown.sql(dialect="databricks"))[0] if case is not None else None
        if case is not None:
            assert case.args.get("default") is None, "whom a mask does not let through sees NULL"
    tables = list(select.find_all(exp.Table))
    assert len(tables) == 1
    return _name(made.find(exp.Table)), _name(tables[0]), columns


def _name(table: exp.Table | None) -> tuple[str, ...]:
    assert table is not None
    return (table.catalog, table.db, table.name)
