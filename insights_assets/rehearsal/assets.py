"""Assets of the stage: what a change would do, worked out when somebody asks."""

import pandas as pd

from insights_assets.actions.tables import ACTION_TICKETS
from insights_assets.anomalies.tables import ANOMALIES, COMPLAINT_LAGS, EXPOSURE_SERIES, INSIGHTS, ISSUE_DAYS, SERIES_DAYS, TOPIC_SERIES
from insights_assets.canonical.tables import FEEDBACK, ORDERS, PRODUCTS, SESSIONS, SHIPMENTS
from insights_assets.labels.cascade_tables import LABEL_DECISIONS
from insights_assets.labels.tables import FEEDBACK_LABELS, LABEL_QUALITY, LABEL_VERSIONS
from insights_assets.labels.version_tables import RELABELLED
from insights_assets.rehearsal.preview import Preview
from insights_assets.rehearsal.previewing import preview_wanted, rows_to_keep
from insights_assets.rehearsal.tables import CHANGE_PREVIEWS
from insights_assets.rehearsal.wanted import tell, what_is_wanted
from insights_assets.resources import previews
from insights_assets.resources.step import Step
from insights_assets.resources.table_assets import table_assets
from insights_assets.sources.tables import BRONZE

_SHOWN = {"What": "subject", "Answer": "answer", "Before": "before", "After": "after"}


@table_assets(
    CHANGE_PREVIEWS,
    reads=(
        FEEDBACK, PRODUCTS, SHIPMENTS, ORDERS, SESSIONS, BRONZE["calendar"], FEEDBACK_LABELS, LABEL_QUALITY, LABEL_VERSIONS, LABEL_DECISIONS, RELABELLED, TOPIC_SERIES,
        SERIES_DAYS, EXPOSURE_SERIES, COMPLAINT_LAGS, ANOMALIES, ISSUE_DAYS, INSIGHTS, ACTION_TICKETS, CHANGE_PREVIEWS,
    ),
)  # fmt: skip
def change_previews(step: Step) -> None:
    """What the change that was asked for would do: flips, trends, insights, tickets and cost. Reads live tables, writes to copies."""
    wanted = what_is_wanted(step.operations)
    if wanted is None:
        step.note(CHANGE_PREVIEWS, previewed="nothing was asked for, and no candidate waits: `insights prompts preview VERSION`")
        return
    found, report = preview_wanted(step, wanted)
    rows = rows_to_keep(step, found)
    step.write(CHANGE_PREVIEWS, pd.DataFrame(rows, columns=CHANGE_PREVIEWS.column_names))
    tell(step.operations, found.preview_id)
    _note(step, found, report)


def _note(step: Step, found: Preview, report: str) -> None:
    moved = [one for one in found.findings if one.finding in ("trend", "insight", "ticket") and one.answer not in ("holds", "stays", "keeps")]
    table = previews.table([{"subject": one.subject, "answer": one.answer.replace("_", " "), "before": one.before, "after": one.after} for one in moved], _SHOWN)
    summary = found.findings[0]
    step.note(
        CHANGE_PREVIEWS, preview_id=found.preview_id, version=found.change.version, against=found.change.against, in_words=summary.words, moved=table, report=report,
        records_flipped=summary.count or 0, calls_to_make=summary.calls_count or 0, cost_to_make=summary.cost or 0.0,
    )


ASSETS = [change_previews]
