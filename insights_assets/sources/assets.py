"""Assets of the stage: per source one step that appends what is new to raw and brings bronze up to date."""

from insights_assets.resources.step import Step
from insights_assets.resources.table_assets import Check, table_assets
from insights_assets.sources.catalogue import SOURCES, Source
from insights_assets.sources.ingest import ingest
from insights_assets.sources.removed import restore_append_only
from insights_assets.sources.tables import BRONZE, RAW, REMOVED_ROWS


@table_assets(
    REMOVED_ROWS,
    checks=(Check("raw_is_append_only", REMOVED_ROWS, "Every raw table refuses edits; where one did not, it does so again from here on (R35)."),),
)  # fmt: skip
def removed_rows(step: Step) -> None:
    """Before anything is taken in: raw tables are append-only, whatever ended halfway before this run."""
    lifted = restore_append_only(step, RAW.values())
    step.check("raw_is_append_only", not lifted, restored=lifted)


def _source_assets(source: Source):
    def body(step: Step) -> None:
        report = ingest(step, source)
        step.note(RAW[source.name], files_read=report.files_read, files_known=report.files_known, lines_appended=report.lines_appended)
        step.note(BRONZE[source.name], records_new_or_changed=report.records_changed, days_touched=report.days_touched)

    body.__name__ = source.name
    body.__doc__ = source.sentence
    return table_assets(RAW[source.name], BRONZE[source.name], reads=(REMOVED_ROWS,))(body)


ASSETS = [removed_rows, *(_source_assets(source) for source in SOURCES)]
