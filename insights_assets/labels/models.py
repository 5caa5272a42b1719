"""Which classifier is in force, where its file lies, and how it changes: the shipped one, a promoted one, and back again.

Belongs here: the activation rows of kind `classifier` and the files they name. Does not belong here: training (`learning`),
whether a candidate is better (`comparison.py`), labelling anything again (`relabel.py`). Going back is one more activation, so
the history of what was in force is never rewritten.
"""

from __future__ import annotations

import json
import shutil
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from insights_assets.resources.operations import Operations
    from insights_assets.resources.operations.models import Activation

KIND, CANDIDATE_KIND = "classifier", "classifier_candidate"
SHIPPED = Path(__file__).parent / "shipped" / "classifier.npz"


class NothingToGoBackTo(LookupError):
    """The first classifier of a home is in force; there is none before it."""


def model_file(home: Path, version: str) -> Path:
    """Where a home keeps a version; its text lies beside it with `.json`."""
    return home / "models" / f"{version.replace('@', '-')}.npz"


@cache
def shipped_version() -> str:
    """Version of the classifier that comes with the package."""
    return str(json.loads(SHIPPED.with_suffix(".json").read_text(encoding="utf-8"))["model_version"])


def active_version(home: Path, operations: Operations) -> str:
    """The version that labels new records."""
    active = operations.activations.active(KIND)
    return active.version if active is not None else shipped_version()


def active_file(home: Path, operations: Operations) -> Path:
    """The file of that version."""
    active = operations.activations.active(KIND)
    return SHIPPED if active is None else model_file(home, active.version)


def versions_in_force(operations: Operations) -> tuple[str, ...]:
    """Every version that was ever in force here, oldest first: labels made by one of them stand until they are made again."""
    found = dict.fromkeys(row.version for row in operations.activations.history(KIND))
    return tuple(found) or (shipped_version(),)


def candidate_version(operations: Operations) -> str | None:
    """The newest version that was trained here, promoted or not."""
    candidate = operations.activations.active(CANDIDATE_KIND)
    return candidate.version if candidate is not None else None


def promote(home: Path, operations: Operations, version: str, *, by: str, reason: str) -> Activation:
    """Bring a version into force. Before the first change the shipped one is kept in the home, so that there is a way back."""
    path = model_file(home, version)
    if not path.is_file():
        raise FileNotFoundError(f"{path.name} is not in the home's models/; train it first (job train_candidate)")
    if operations.activations.active(KIND) is None:
        kept = model_file(home, shipped_version())
        kept.parent.mkdir(parents=True, exist_ok=True)
        for suffix in (".json", ".npz"):  # the arrays last: a file without them is not found, and is written again
            shutil.copyfile(SHIPPED.with_suffix(suffix), kept.with_suffix(suffix))
        operations.activations.activate(KIND, shipped_version(), by="package", reason="the classifier that came with the package")
    return operations.activations.activate(KIND, version, by=by, reason=reason)


def rollback(home: Path, operations: Operations, *, by: str, reason: str) -> Activation:
    """Bring the version before the present one back into force."""
    active = operations.activations.active(KIND)
    if active is None or active.previous_version is None:
        raise NothingToGoBackTo("the first classifier of this home is in force; there is none to go back to")
    return promote(home, operations, active.previous_version, by=by, reason=reason)
