"""Between two runs: what waits in the outbox is sent when its time comes, without a whole run.

Belongs here: the sensor, and the job that drains with the published texts. Does not belong here: how a drain goes (`outbox/`). Texts
live in the lake, so the job reads the tables of the last publication; what no published run has written is not sent by it.
No `from __future__ import annotations`: Dagster reads annotations.
"""

from collections.abc import Mapping
from contextlib import closing
from typing import Any

import dagster as dg

from insights_assets.actions.deliver import destinations_of, outgoing_of, send_waiting
from insights_assets.actions.tables import ARTICLES, DELIVERIES, MACROS, NOTICES, PLANNED_ACTIONS
from insights_assets.lake.unity import address_of, open_lake
from insights_assets.resources.house import House
from insights_assets.resources.operations.outbox_people import standing
from insights_assets.settings import Settings

DELIVER_WAITING = "deliver_waiting"
#: Tables whose rows become messages.
TEXTS = (PLANNED_ACTIONS, NOTICES, MACROS, ARTICLES)
#: How often the sensor looks whether anything is due.
INTERVAL_SECONDS = 60


@dg.op(name="send_what_waits", description="Sends what waits in the outbox and looks up what is unknown, with the texts of the last published run.")
def send_what_waits(context: dg.OpExecutionContext, house: House) -> None:
    step = house.step(reads=TEXTS, writes=(), run_id=context.run.run_id, log=context.log)
    publication = step.operations.latest_publication()
    if publication is None:
        context.log.info("nothing has been published yet, so there is nothing to send")
        return
    # As people see it now: a table of a run that its checks stopped is not sent by the back door.
    published = open_lake(address_of(step.lake), lambda: step.lake.spark, versions=publication.table_versions)
    rows = {spec: [dict(row) for row in published.read_arrow(spec).to_pylist()] if published.exists(spec) else [] for spec in TEXTS}
    there = destinations_of(step.settings, step.shop)
    outgoing = outgoing_of(step.operations, step.shop, there, rows[PLANNED_ACTIONS], rows[NOTICES], [*rows[MACROS], *rows[ARTICLES]])
    report = send_waiting(step.operations, there, outgoing, step.run_id, crash_at=step.settings.crash_at)
    metadata = {**standing(step.operations).as_facts(step.clock()), **{name: value for name, value in report.as_dict().items() if value}}
    context.log_event(dg.AssetObservation(asset_key=dg.AssetKey(DELIVERIES.key_path), metadata=metadata))


@dg.job(name=DELIVER_WAITING, description="Sends what waits in the outbox, without a whole run.", executor_def=dg.in_process_executor)
def deliver_waiting() -> None:
    send_what_waits()


def outbox_sensor(_jobs: Mapping[str, Any], settings: Settings) -> dg.SensorDefinition:
    """Starts the job when something in the outbox is due."""

    @dg.sensor(
        name="outbox_sensor", job=deliver_waiting, minimum_interval_seconds=INTERVAL_SECONDS, default_status=dg.DefaultSensorStatus.RUNNING,
        description="Starts deliver_waiting when something that waits in the outbox is due; never two at a time.",
    )
    def sense(context: dg.SensorEvaluationContext) -> dg.RunRequest | dg.SkipReason:
        return due(context.instance, settings)

    return sense


def due(instance: dg.DagsterInstance, settings: Settings) -> dg.RunRequest | dg.SkipReason:
    """A run request when something is due and no run holds the home, otherwise the reason why not."""
    from insights_assets.resources.operations import open_operations

    if settings.operations_url is None and not (settings.home / "operations.db").exists():
        return dg.SkipReason("no run of this home yet")
    with closing(open_operations(settings.operations_target)) as operations:  # a sensor's process lives long: no connection is left open
        operations.migrate()
        if operations.latest_publication() is None:
            return dg.SkipReason("nothing has been published yet")
        stands, now = standing(operations), operations.clock()
    if stands.is_settled:
        return dg.SkipReason("nothing waits in the outbox" + (f"; {stands.dead} dead letters wait for people" if stands.dead else ""))
    if stands.next_at is not None and stands.next_at > now:
        return dg.SkipReason(f"{stands.waiting + stands.unknown} in the outbox; the next is due at {stands.next_at:%Y-%m-%d %H:%M} UTC")
    if runs := instance.get_runs(filters=dg.RunsFilter(statuses=list(_UNDER_WAY)), limit=1):
        return dg.SkipReason(f"a run of {runs[0].job_name} holds the home; what is due is looked at again after it")
    return dg.RunRequest(run_key=None)  # each drain computes what is due; one too many changes nothing


_UNDER_WAY = (
    dg.DagsterRunStatus.QUEUED, dg.DagsterRunStatus.NOT_STARTED, dg.DagsterRunStatus.STARTING, dg.DagsterRunStatus.STARTED, dg.DagsterRunStatus.CANCELING,
)  # fmt: skip
