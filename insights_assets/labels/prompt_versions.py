"""Which version of a prompt or label set is in force in a home, and how it changes: a row of `activations`, never an edited file.

Belongs here: the active version, promotion, the way back. Does not belong here: whether a version deserves it (its gate), what changes by it
(the preview), the files themselves (`prompts`, `label_set`).
This is the one place that says what is in force: labelling, asking, checks, reviews and previews all read it here. The ACTIVE files are a new home's default,
which the first run that labels writes down, so that another release of the prompts changes nothing in a home by itself. A prompt of labels is written
for one label set, so the two change together. Going back is another activation. Replies of the earlier version are still stored, so it costs no call.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from insights_assets.labels.label_set import load_label_set
from insights_assets.labels.prompts import LABEL_SETS, PromptError, label_set_versions, load_prompt, prompt_tasks, prompt_text, prompt_versions

if TYPE_CHECKING:
    from insights_assets.labels.label_set import LabelSet
    from insights_assets.labels.prompts import Prompt
    from insights_assets.resources.operations import Operations
    from insights_assets.resources.operations.models import Activation

#: The task whose prompt is filled from the label set.
LABELLING = "label_feedback"
DEFAULT_BY, DEFAULT_REASON = "the product", "the default of a new home"


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


def active_label_set(operations: Operations | None) -> LabelSet:
    """The label set in force."""
    return load_label_set(active_version(operations, LABEL_SETS))


def keep_defaults(operations: Operations) -> None:
    """Write down what ACTIVE names where a home has no row yet: from then on only `promote` and `rollback` decide."""
    for task in (*prompt_tasks(), LABEL_SETS):
        if operations.activations.active(kind_of(task)) is None:
            operations.activations.activate(kind_of(task), active_version(operations, task), by=DEFAULT_BY, reason=DEFAULT_REASON)


def promote(operations: Operations, task: str, version: str, *, by: str, reason: str) -> Activation:
    """Bring a version into force. It must be whole, and written for the label set that is in force; a label set brings its prompt with it."""
    if version not in versions_of(task):
        raise PromptError(f"prompts/{task}/{version} does not exist; there are {', '.join(versions_of(task))}")
    if task == LABEL_SETS:
        return _promote_label_set(operations, version, by, reason)
    wanted, there = _label_set_of(task, version), active_version(operations, LABEL_SETS)
    if task == LABELLING and wanted != there:
        raise PromptError(f"prompts/{task}/{version}.md is written for label set {wanted}, but {there} is in force; promote label_sets {wanted}, which brings a prompt for it")
    load_prompt(task, version)
    return _activate(operations, task, version, by, reason)


def rollback(operations: Operations, task: str, *, by: str, reason: str) -> Activation:
    """Bring the version before the present one back into force."""
    row = operations.activations.active(kind_of(task))
    if row is None or row.previous_version is None:
        raise NothingToGoBackTo(f"{task}: no earlier version was in force in this home")
    if task == LABELLING and _label_set_of(task, row.previous_version) != active_version(operations, LABEL_SETS):
        raise PromptError(f"{task}/{row.previous_version} came to an end with its label set {_label_set_of(task, row.previous_version)}: roll back {LABEL_SETS}, which brings it back too")
    return promote(operations, task, row.previous_version, by=by, reason=reason)


def _promote_label_set(operations: Operations, version: str, by: str, reason: str) -> Activation:
    """A label set and the prompt that asks for it, at once: labels of two sets are never mixed, and no run finds one without the other."""
    load_label_set(version)
    prompt = prompt_for(operations, version)
    with operations.writing():
        if prompt != active_version(operations, LABELLING):
            _activate(operations, LABELLING, prompt, by, f"with {LABEL_SETS} {version}: {reason}")
        return _activate(operations, LABEL_SETS, version, by, reason)


def named_prompt(operations: Operations, word: str) -> str:
    """The version of the prompt of labels that a word names: `v4`, `label_feedback/v4`, or `label_sets/v2` for the one that would come with that set."""
    task, _, version = word.rpartition("/")
    if task == LABEL_SETS:
        load_label_set(version)
        return prompt_for(operations, version)
    if task not in ("", LABELLING):
        raise PromptError(f"{word}: only versions of {LABELLING}, or of {LABEL_SETS} with a prompt, are evaluated")
    return version


def prompt_for(operations: Operations, label_set: str) -> str:
    """The prompt of labels for a label set: the one in force if it is, else the one that was in force with it last, else the newest that is written for it."""
    there = versions_of(LABELLING)
    been = [row.version for row in reversed(operations.activations.history(kind_of(LABELLING)))]
    for version in (active_version(operations, LABELLING), *been, *reversed(there)):
        if version in there and _label_set_of(LABELLING, version) == label_set:
            return version
    raise PromptError(f"no version of {LABELLING} is written for label set {label_set}: add one whose front matter says `label_set: {label_set}`, then promote")


def _label_set_of(task: str, version: str) -> str:
    return str(load_prompt(task, version).front_matter["label_set"])


def _activate(operations: Operations, task: str, version: str, by: str, reason: str) -> Activation:
    before = active_version(operations, task)
    if operations.activations.active(kind_of(task)) is None and before != version:
        # The default was in force without a row; it gets one, so that there is something to go back to.
        operations.activations.activate(kind_of(task), before, by=DEFAULT_BY, reason=DEFAULT_REASON)
    return operations.activations.activate(kind_of(task), version, by=by, reason=reason)
