"""Assets of the stage: per source one step that appends what is new to raw and brings bronze up to date."""

from insights_assets.resources.step import Step
from insights_assets.resources.table_assets import table_assets
from insights_assets.sources.catalogue import SOURCES, Source
from insights_assets.sources.ingest import ingest
from insights_assets.sources.tables import BRONZE, RAW


def _source_assets(source: Source):
    def body(step: Step) -> None:
        report = ingest(step, source)
        step.note(RAW[source.name], files_read=report.files_read, files_known=report.files_known, lines_appended=report.lines_appended)
        step.note(BRONZE[source.name], records_new_or_changed=report.records_changed, days_touched=report.days_touched)

    body.__name__ = source.name
    body.__doc__ = source.sentence
    return table_assets(RAW[source.name], BRONZE[source.name])(body)


ASSETS = [_source_assets(source) for source in SOURCES]
