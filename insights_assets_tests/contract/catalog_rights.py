"""Who holds what in the stand-in's catalog: GRANT and REVOKE read from SQL, kept in a file where the catalog has one, asked before rows move.

Belongs here: rights on catalog, schemas, tables (views are tables, as the permissions API has them) and volumes, and how they are inherited. Does
not belong here: what should be granted (`governance/unity/roles.py`), any expectation.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Self

NAME = r"((?:`(?:[^`]|``)+`\.?)+)"
_WORDS = re.compile(rf"(GRANT|REVOKE) ([A-Z, ]+) ON (\w+) {NAME} (?:TO|FROM) {NAME}")
Object = tuple[str, ...]


def parts(name: str) -> Object:
    return tuple(part.replace("``", "`") for part in re.findall(r"`((?:[^`]|``)+)`", name))


class Rights(dict[Object, dict[str, set[str]]]):
    """(kind, name's parts) -> group -> rights, in the words of the permissions API (USE_SCHEMA)."""

    path: Path | None = None

    @classmethod
    def at(cls, path: Path) -> Self:
        """Those that a file has; what is taken is written there."""
        found = cls()
        found.path = path
        for kind, name, group, rights in json.loads(path.read_text(encoding="utf-8")) if path.exists() else ():
            found.setdefault((kind, *name), {})[group] = set(rights)
        return found

    def take(self, sql: str, groups: Iterable[str] | None = None) -> bool:
        """Carry out a GRANT or REVOKE; False where the statement is none. Raises LookupError for a group that is not among `groups`."""
        made = _WORDS.fullmatch(sql)
        if made is None:
            return False
        (group,) = parts(made[5])
        if groups is not None and group not in groups:
            raise LookupError(group)
        held = self.setdefault(("table" if made[3] == "VIEW" else made[3].lower(), *parts(made[4])), {}).setdefault(group, set())
        rights = {right.strip().replace(" ", "_") for right in made[2].split(",")}
        if made[1] == "GRANT":
            held |= rights
        else:
            held -= rights
        self.keep()
        return True

    def keep(self) -> None:
        if self.path is not None:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            rows = [(kind, name, group, sorted(rights)) for (kind, *name), held in self.items() for group, rights in held.items() if rights]
            self.path.write_text(json.dumps(rows), encoding="utf-8")

    def may(self, groups: Iterable[str], right: str, *name: str) -> bool:
        """Whether one of the groups holds a right on an object or on what it is in."""
        holders = [self.get((kind, *name[:length]), {}) for kind, length in (("catalog", 1), ("schema", 2), ("table", 3), ("volume", 3)) if length <= len(name)]
        return any(right in held.get(group, ()) or "ALL_PRIVILEGES" in held.get(group, ()) for held in holders for group in groups)

    def lacking(self, groups: Iterable[str], right: str, *table: str) -> str | None:
        """The right that is missing to do so with a table: the two USE rights count too."""
        groups = tuple(groups)
        wanted = (("USE_CATALOG", table[:1]), ("USE_SCHEMA", table[:2]), (right, table))
        return next((f"{one.replace('_', ' ')} on {'.'.join(name)}" for one, name in wanted if not self.may(groups, one, *name)), None)
