"""From a heavy step that Dagster has reached to its results by way of a job: which steps go along, what they are asked, who attaches.

Imported only where heavy steps are jobs. See `waves.py` for what goes together and `jobs.py` for what is promised.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import dagster as dg

from insights_assets.resources import table_assets
from insights_assets.resources.job_gate import gate_name
from insights_assets.resources.job_request import KEY_VARIABLE, SENT_SETTINGS, JobRequest, key_check
from insights_assets.resources.job_tasks import JobNotPossible
from insights_assets.resources.jobs import JobRuns
from insights_assets.resources.memo import code_hash, recall
from insights_assets.resources.receipts import Result
from insights_assets.resources.step import Step
from insights_assets.resources.waves import between, later_waves, upstream_of, wave_of, work_key
from insights_assets.settings import Settings


def run_as_job(context: dg.AssetExecutionContext, runs: JobRuns, step: Step, name: str) -> list[Result]:
    """The results of one heavy step, from its task of the wave that it belongs to."""
    if context.retry_number:
        runs.give_back(name)
    steps = _steps_of(context)
    upstream, done = upstream_of(table_assets.BODIES, steps), _done(context, steps)

    def work_of(chosen: Sequence[str]) -> str:
        return _work(step, chosen)

    wave = runs.wave_with(name)
    if wave is not None:
        tasks = done | set(wave.steps)
        if not runs.lets_begin(context, wave, name, work_of, lambda one: upstream[one] <= tasks):
            wave = None
    if wave is None:
        heavy = (steps & set(table_assets.HEAVY)) - runs.under_way
        chosen = wave_of(name, heavy, upstream, done, lambda other: _can_skip(step, other))
        later = later_waves(set(chosen), heavy, upstream, done | runs.under_way) if _may_wait(step.settings) else ()
        requests = [request_for(one, step, lake=runs.lake_name) for one in chosen]
        requests += [replace(request_for(one, step, lake=runs.lake_name), gate=gate_name(number)) for number, wave in enumerate(later, 1) for one in wave]
        tables = {one.step: ["/".join(spec.key_path) for spec in table_assets.BODIES[one.step][2]] for one in requests}
        wave = runs.launch(context, work_of, requests, upstream, tables)
    return runs.attach(context, wave, name)


def _may_wait(settings: Settings) -> bool:
    """Whether later tasks may wait in the same job: not where each task has a cluster of its own, which would stand idle meanwhile."""
    return settings.databricks_wait_minutes > 0 and not settings.databricks_cluster


def request_for(name: str, step: Step, *, lake: str) -> JobRequest:
    """The request of one heavy step on this home."""
    settings = step.settings
    if settings.customer_key_secret is not None:
        secret = settings.customer_key_secret.get_secret_value()
    elif settings.customer_key_path.exists():
        secret = settings.customer_key_path.read_text(encoding="ascii").strip()
    else:
        raise JobNotPossible(
            f"{name} needs the customer key in the job too: set {KEY_VARIABLE} here and put the same value as customer_key into the secret "
            f"scope {settings.databricks_secret_scope}"
        )
    shop = settings.job_shop or (str(settings.shop) if settings.shop else None)
    return JobRequest(
        step=name, run_id=step.run_id, lake=lake, shop=shop, as_of=step.as_of, previous_as_of=step.previous_as_of, key_check=key_check(secret),
        settings=settings.model_dump(mode="json", include=set(SENT_SETTINGS)), secret_scope=settings.databricks_secret_scope,
    )


def _steps_of(context: dg.AssetExecutionContext) -> set[str]:
    """The table-writing steps of this run: those of its job, or those that were chosen to be run again."""
    keys = context.run.step_keys_to_execute
    return ({node.name for node in context.job_def.nodes} & set(table_assets.BODIES)) & (set(keys) if keys else set(table_assets.BODIES))


def _done(context: dg.AssetExecutionContext, steps: set[str]) -> set[str]:
    """Steps that ended well in this run, by its own event log. One whose blocking check failed is none of them."""
    found = context.instance.all_logs(context.run.run_id, of_type=dg.DagsterEventType.STEP_SUCCESS)
    return {entry.step_key for entry in found if entry.step_key} & steps


def _can_skip(step: Step, other: str) -> bool:
    memo = table_assets.HEAVY[other].memo
    _, reads, writes = table_assets.BODIES[other]
    view = replace(step, reads=frozenset(reads), writes=frozenset(writes), results={}, notes={}, outcomes=[])
    return memo is not None and recall(view, other, memo)


def _work(step: Step, chosen: Sequence[str]) -> str:
    """All that the outcome of a wave depends on, as it is now."""
    bodies = [table_assets.BODIES[name] for name in chosen if name in table_assets.BODIES]
    everywhere = upstream_of(table_assets.BODIES, set(table_assets.BODIES))
    # What Dagster's own steps make of the wave's tables for its later tasks is no input of the wave.
    bodies_between = [table_assets.BODIES[name] for name in between(set(chosen) & set(everywhere), everywhere)]
    written = {spec for _, _, writes in [*bodies, *bodies_between] for spec in writes}
    read: set[Any] = {spec for _, reads, _ in bodies for spec in reads} - written
    return work_key({
        "steps": sorted(chosen), "tables": {str(spec): step.lake.version(spec) for spec in read}, "as_of": step.as_of, "previous_as_of": step.previous_as_of,
        "code": code_hash(), "shop": step.shop.sha256, "settings": step.settings.model_dump(mode="json", include=set(SENT_SETTINGS)),
    })
