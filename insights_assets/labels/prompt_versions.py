"""Which version of a prompt or label set is in force in a home, and how it changes: a row of `activations`, never an edited file.

Belongs here: the active version, promotion, the way back. Does not belong here: whether a version deserves it (its gate), what changes by it
(the preview), the files themselves (`prompts`, `label_set`).
Going back is another activation. Replies of the earlier version are still stored, so it costs no call.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from insights_assets.labels.label_set import load_label_set
from insights_assets.labels.prompts import LABEL_SETS, PromptError, label_set_versions, load_prompt, prompt_text, prompt_versions

if TYPE_CHECKING:
    from insights_assets.labels.prompts import Prompt
    from insights_assets.resources.operations import Operations
    from insights_assets.resources.operations.models import Activation


class NothingToGoBackTo(ValueError):
    """There is no earlier version in this home."""


def kind_of(task: str) -> str:
    """Name under which activations of a task are kept."""
    return f"prompt:{task}"


def versions_of(task: str) -> tuple[str, ...]:
    """Versions of a task, or of the label sets, that have a file."""
    return label_set_versions() if task == LABEL_SETS else prompt_versions(task)


def active_version(operations: Operations | None, task: str) -> str:
    """The version in force: the home's activation, else the one ACTIVE names for a new home."""
    row = operations.activations.active(kind_of(task)) if operations is not None else None
    return row.version if row is not None else prompt_text(f"{task}/ACTIVE").strip()


def active_prompt(operations: Operations | None, task: str) -> Prompt:
    """The prompt in force."""
    return load_prompt(task, active_version(operations, task))


def promote(operations: Operations, task: str, version: str, *, by: str, reason: str) -> Activation:
    """Bring a version into force. It must be whole, and written for the label set that is in force."""
    if version not in versions_of(task):
        raise PromptError(f"prompts/{task}/{version} does not exist; there are {', '.join(versions_of(task))}")
    if task == LABEL_SETS:
        load_label_set(version)
    else:
        wanted, there = str(load_prompt(task, version).front_matter["label_set"]), active_version(operations, LABEL_SETS)
        if wanted != there:
            raise PromptError(f"prompts/{task}/{version}.md is written for label set {wanted}, but {there} is in force; promote label_sets {wanted} first")
    before = active_version(operations, task)
    if operations.activations.active(kind_of(task)) is None and before != version:
        # The default was in force without a row; it gets one, so that there is something to go back to.
        operations.activations.activate(kind_of(task), before, by="the product", reason="the default of a new home")
    return operations.activations.activate(kind_of(task), version, by=by, reason=reason)


def rollback(operations: Operations, task: str, *, by: str, reason: str) -> Activation:
    """Bring the version before the present one back into force."""
    row = operations.activations.active(kind_of(task))
    if row is None or row.previous_version is None:
        raise NothingToGoBackTo(f"{task}: no earlier version was in force in this home")
    return promote(operations, task, row.previous_version, by=by, reason=reason)
