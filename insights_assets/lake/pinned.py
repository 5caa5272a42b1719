"""Making an older version of a table readable to the embedded engine, which looks for it behind the newest checkpoint.

Once a table has a checkpoint, the engine (Sail 0.7) reads a version before it only where that version has one of its own; without
one it says "Missing commit file", though every commit is there. A published version is behind the newest checkpoint as soon as
ten commits follow without another publication. `deltalake` reads such a version, and writes the checkpoint that the engine wants.
"""

from __future__ import annotations

import json
from pathlib import Path


def make_readable(table: Path, version: int) -> None:
    """See to a checkpoint at the version where the engine would need one; nothing is done otherwise."""
    log = table / "_delta_log"
    newest = log / "_last_checkpoint"
    if version == 0 or not newest.exists() or version >= int(json.loads(newest.read_text(encoding="utf-8"))["version"]):
        return
    if any(log.glob(f"{version:020}.checkpoint*.parquet")):
        return
    from deltalake import DeltaTable

    DeltaTable(str(table), version=version).create_checkpoint()
