"""What of the labels can wait, and the batches it waits in: half the price for questions that nobody needs within the hour.

Belongs here: which texts can wait, submitting their questions, the look that a run and the sensor take at open batches. Does not belong here: the
wire (`model/batch`, `model/batch_results`), what becomes of an answer (`asking`).
Meanwhile the local label stands, and the record's decision says `waits_for_batch`. Danger never waits. What a batch did not answer by our own
deadline, or ended without, is asked one by one; nothing goes round twice.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import closing
from datetime import date
from typing import TYPE_CHECKING, Any

from insights_assets.labels.model.batch import submit
from insights_assets.labels.model.batch_results import poll
from insights_assets.labels.model.batch_rows import BatchReport, is_anything_at_the_server, left_keys, open_keys, waited_since
from insights_assets.labels.prompt_versions import active_prompt
from insights_assets.labels.routing import EXPLORED, SEVERE

if TYPE_CHECKING:
    from insights_assets.labels.model.client import ModelClient
    from insights_assets.labels.model.questions import Question
    from insights_assets.resources.operations import Operations
    from insights_assets.settings import Settings

#: Prompts whose questions go by batch.
TASKS = ("label_feedback",)


def patient_texts(chosen: Sequence[Mapping[str, Any]], as_of: date, settings: Settings) -> frozenset[str]:
    """Keys of the chosen texts, which stand in the order of asking, that can wait: the random share, what had a model's answer before (another prompt
    asks it anew), what was received long ago, and what is beyond the number that a run asks at once."""
    if settings.model_batch_deployment is None:
        return frozenset()
    patient, at_once = set(), 0
    for one in chosen:
        if one["rank"] == SEVERE:
            continue
        if one["rank"] == EXPLORED or one["settled"] == 1 or (as_of - one["newest"]).days > settings.model_batch_days or at_once >= settings.model_batch_above:
            patient.add(one["text_key"])
        else:
            at_once += 1
    return frozenset(patient)


def look(client: ModelClient, operations: Operations, settings: Settings) -> BatchReport:
    """Look at open batches: take in what is there, cancel what is late or asked under a prompt that is in force no more. Asks nobody where none is open."""
    if client.connection.sdk is None or not is_anything_at_the_server(operations, client.time.now()):
        return BatchReport()
    return poll(operations, client, batch_hours=settings.model_batch_hours, in_force={task: active_prompt(operations, task).version_id for task in TASKS})


def waited_for(client: ModelClient, operations: Operations, settings: Settings) -> frozenset[str]:
    """Questions that are not asked now because a batch has them."""
    return open_keys(operations, since=waited_since(client, settings.model_batch_hours))


def put_off(client: ModelClient, operations: Operations, settings: Settings, questions: Sequence[Question], seen: BatchReport) -> tuple[frozenset[str], BatchReport]:
    """Submit what can wait. Gives the questions that are not to be asked now, and what was done; `seen`: the run's look at the batches before."""
    waiting = waited_for(client, operations, settings)
    since = waited_since(client, settings.model_batch_hours)
    left = left_keys(operations, at=client.time.now(), since=since)
    if client.connection.batch_deployment is None or not questions:
        return waiting, BatchReport()
    some = [one for one in questions if one.cache_key not in left and one.cache_key not in waiting]
    known = client.replies.known([one.cache_key for one in some], client.time.now())
    some = [one for one in some if one.cache_key not in known]
    if len(some) < settings.model_batch_least:
        return waiting, BatchReport()
    report = BatchReport(is_unreachable=True) if seen.is_unreachable else submit(client, operations, some)
    waiting = waited_for(client, operations, settings)
    if report.is_unreachable:
        # Not asked at the full price because the Batch API rests: the next run submits them.
        waiting |= {one.cache_key for one in some}
    return waiting, report


def look_at_home(settings: Settings) -> str:
    """The sensor's look, in a sentence. Takes results in, so that they are safe and the deadline is kept between runs; the next run makes labels of them."""
    from insights_assets.labels.model.client import ModelClient
    from insights_assets.resources.clock import wall_clock
    from insights_assets.resources.language_model import connect
    from insights_assets.resources.operations import open_operations

    if settings.model in ("none", "ai_functions"):
        return "no model is named that takes batches"
    if settings.operations_url is None and not (settings.home / "operations.db").exists():
        return "no run of this home yet"
    with closing(open_operations(settings.operations_target)) as operations:
        operations.migrate()
        if not is_anything_at_the_server(operations, wall_clock()):
            return "no batch is open"
        connection = connect(settings)
        assert connection is not None
        with closing(connection):
            report = look(ModelClient(connection, operations, settings, "model_batches"), operations, settings)
    return in_words(report)


def in_words(report: BatchReport) -> str:
    """What a look brought, for people."""
    counts = (
        (report.submitted_count, "submitted"), (report.adopted_count, "found again"), (report.ended_count, "ended"), (report.cancelled_count, "cancelled"),
        (report.open_count, "open"),
    )  # fmt: skip
    told = ", ".join(f"{count} {word}" for count, word in counts if count)
    answers = f"; {report.answered_count} questions answered, {report.unanswered_count} left to be asked one by one" if report.ended_count else ""
    return "; ".join([f"batches: {told or 'none'}{answers}", *report.sentences])
