"""Not doing again what cannot come out differently: a body whose inputs, code and shop are those of its last success is skipped.

A hint, never the truth: it is written after the body's writes, so a crash between the two only means that the body runs again,
and a run over an empty memory gives the same tables. A body is remembered only when its asset declares what else it depends on.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from insights_assets.lake.crash import crash_here

if TYPE_CHECKING:
    from insights_assets.resources.step import Step

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


def remember(step: Step, name: str, depends: Dependence) -> None:
    """Keep what the body saw and left behind. Failed checks are not kept: they are asked again."""
    if any(not outcome.passed for outcome in step.outcomes):
        return
    outcomes = [{"name": o.name, "passed": o.passed, "metadata": o.metadata} for o in step.outcomes]
    memory = {"inputs": _inputs(step, depends), "outputs": _versions(step, step.writes), "outcomes": outcomes}
    try:
        text = json.dumps(memory, sort_keys=True)
    except TypeError:
        return  # a check with metadata that only Dagster can hold: simply run again next time
    crash_here(step.settings.crash_at, f"memo.{name}:before")
    step.operations.facts.put(f"memo:{name}", text)
    crash_here(step.settings.crash_at, f"memo.{name}:after")


def _inputs(step: Step, depends: Dependence) -> dict[str, Any]:
    return {
        "tables": _versions(step, [spec for spec in step.reads if spec not in step.writes]), "as_of": step.as_of.isoformat(), "code": code_hash(),
        "shop": step.shop.sha256, "settings": [step.settings.profile, step.settings.model], "else": depends(step),
    }


def _versions(step: Step, specs: Any) -> dict[str, int | None]:
    return {str(spec): step.lake.version(spec) for spec in sorted(specs, key=str)}
