"""Not doing again what cannot come out differently: a body whose inputs, code and shop are those of its last success is skipped.

A hint, never the truth: it is written after the body's writes, so a crash between the two only means that the body runs again,
and a run over an empty memory gives the same tables. A body is remembered only when its asset declares what else it depends on.

A body that is not skipped may ask what its memory still saves it: which days of its tables are as they were at its last success
(`last_success`, `Step.changed_days`).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from insights_assets.lake.crash import crash_here
from insights_assets.lake.rewritten import Seen, seen_now

if TYPE_CHECKING:
    from insights_assets.resources.step import Step

@dataclass(frozen=True)
class LastSuccess:
    """A body's last success with the code, shop, settings and all else that it has now: its as-of day and the tables as it left them."""

    as_of: date
    tables: dict[str, Seen]


#: What a body depends on beside its tables, the as-of day, the code and the shop, as text.
Dependence = Callable[["Step"], str]


def nothing_else(_step: Step) -> str:
    """For bodies that are functions of their tables alone."""
    return ""


@cache
def code_hash() -> str:
    """Hash of the package's code and prompts: any change of either makes every body run again."""
    digest = hashlib.sha256()
    root = Path(__file__).resolve().parents[1]
    prompts = root.parent / "prompts"
    for folder in (root, prompts):
        for path in sorted(folder.rglob("*")):
            if path.suffix in (".py", ".yaml", ".md") and path.is_file():
                digest.update(path.name.encode())
                digest.update(path.read_bytes())
    return digest.hexdigest()


def recall(step: Step, name: str, depends: Dependence) -> bool:
    """Whether the body may be skipped; then its check outcomes are those of the last time."""
    stored = step.operations.facts.get(f"memo:{name}")
    if stored is None:
        return False
    memory = json.loads(stored)
    if memory["inputs"] != _inputs(step, depends) or memory["outputs"] != _versions(step, step.writes):
        return False
    for outcome in memory["outcomes"]:
        step.check(outcome["name"], outcome["passed"], **outcome["metadata"])
    return True


def remember(step: Step, name: str, depends: Dependence, began: str | None = None) -> None:
    """Keep what the body saw and left behind. Failed checks are not kept: they are asked again.

    `began`: what it depended on when it began. Where that is another now (somebody corrected a label meanwhile), no day counts as done.
    """
    if any(not outcome.passed for outcome in step.outcomes):
        return
    outcomes = [{"name": o.name, "passed": o.passed, "metadata": o.metadata} for o in step.outcomes]
    memory = {"inputs": _inputs(step, depends), "outputs": _versions(step, step.writes), "outcomes": outcomes}
    if began in (None, memory["inputs"]["else"]) or step.operations.facts.get(f"memo:{name}") is None:
        memory["ids"] = _ids(step)  # a first run may choose defaults, and nobody corrects what was never published
    try:
        text = json.dumps(memory, sort_keys=True)
    except TypeError:
        return  # a check with metadata that only Dagster can hold: simply run again next time
    crash_here(step.settings.crash_at, f"memo.{name}:before")
    step.operations.facts.put(f"memo:{name}", text)
    crash_here(step.settings.crash_at, f"memo.{name}:after")


def last_success(step: Step, name: str, depends: Dependence) -> LastSuccess | None:
    """What the body saw and left at its last success; None where it is not known or anything but its tables and the day is another now."""
    stored = step.operations.facts.get(f"memo:{name}")
    memory = json.loads(stored) if stored is not None else {}
    if "ids" not in memory:
        return None
    then, now = memory["inputs"], _inputs(step, depends)
    if any(then[key] != now[key] for key in now if key not in ("tables", "as_of")):
        return None
    versions = {**then["tables"], **memory["outputs"]}
    tables = {table: Seen(versions[table], table_id) for table, table_id in memory["ids"].items() if versions.get(table) is not None}
    return LastSuccess(date.fromisoformat(then["as_of"]), tables)


def _ids(step: Step) -> dict[str, str]:
    """Table -> its id, of the tables of the body that are there."""
    seen = {str(spec): seen_now(step.lake, spec) for spec in sorted({*step.reads, *step.writes}, key=str)}
    return {table: one.table_id for table, one in seen.items() if one is not None}


def _inputs(step: Step, depends: Dependence) -> dict[str, Any]:
    return {
        "tables": _versions(step, [spec for spec in step.reads if spec not in step.writes]), "as_of": step.as_of.isoformat(), "code": code_hash(),
        "shop": step.shop.sha256, "settings": [step.settings.profile, step.settings.model], "else": depends(step),
    }


def _versions(step: Step, specs: Any) -> dict[str, int | None]:
    return {str(spec): step.lake.version(spec) for spec in sorted(specs, key=str)}
