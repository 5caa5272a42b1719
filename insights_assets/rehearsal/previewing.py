"""A preview that was asked for, from the word to the rows and the report on the desk.

Belongs here: the day it is worked out for, which previews are kept, where the report lies. Does not belong here: the working out (`preview`).
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from insights_assets.rehearsal.change import read_change
from insights_assets.rehearsal.preview import Preview, preview_change
from insights_assets.rehearsal.preview_report import render
from insights_assets.rehearsal.tables import CHANGE_PREVIEWS
from insights_assets.rehearsal.wanted import Wanted

if TYPE_CHECKING:
    from insights_assets.resources.step import Step

#: Previews that are kept, the newest.
KEPT = 20
REPORTS = "change_previews"


def preview_wanted(step: Step, wanted: Wanted) -> tuple[Preview, str]:
    """The preview, and where its report lies in the home. Judged up to the day of what was published last."""
    published = step.operations.latest_publication()
    as_of = published.as_of_day if published is not None else step.as_of
    change = read_change(wanted.word, step.settings.home, step.operations)
    found = preview_change(replace(step, as_of=as_of), change, sample=wanted.sample, days=wanted.days)
    path = step.settings.home / "desk" / REPORTS / f"{found.preview_id}.html"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(render(found, step.shop), encoding="utf-8")
    return found, f"desk/{REPORTS}/{path.name}"


def rows_to_keep(step: Step, found: Preview) -> list[dict[str, Any]]:
    """Rows of the new preview and of the newest others; the same preview asked for again takes its own place."""
    others = [row for row in step.read(CHANGE_PREVIEWS).toArrow().to_pylist() if row["preview_id"] != found.preview_id]
    latest = sorted({(row["previewed_at"], row["preview_id"]) for row in others}, reverse=True)[: KEPT - 1]
    kept = {one for _, one in latest}
    return [*(row for row in others if row["preview_id"] in kept), *found.rows(previewed_at=step.clock(), run_id=step.run_id)]
