"""Reads databricks.yml as `databricks bundle` does as far as it matters here: includes, targets, variables; and what its jobs must hold by the code.

`python -m insights_assets_tests.contract.bundle_reading` writes bundle/resources/jobs.yml anew from the declared heavy steps.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml
from dagster_pipes import encode_param

from insights_assets.flow import STAGES
from insights_assets.resources import table_assets
from insights_assets.resources.job_tasks import ENTRY_POINT, PACKAGE
from insights_assets.resources.waves import upstream_of

ROOT = Path(__file__).resolve().parents[2]
TARGETS = ("dev", "staging", "prod")
_REFERENCE = re.compile(r"\$\{([a-z_.]+)\}")
#: Job -> which of the heavy steps: Dagster labels in between, so the two halves cannot be one job.
JOBS = {"heavy_to_feedback": False, "heavy_after_labels": True}
_HEAD = """\
# Written by `python -m insights_assets_tests.contract.bundle_reading` from the steps that are declared heavy; a test holds it to them.
# The heavy steps by hand, with the words of a run that did not come to its end: `--request` and the days stand on that run's page. Dagster submits
# its own runs of the same tasks and needs none of this. Never beside a running one: both would write the same tables.
"""


def bundle(target: str, principal: str = "11111111-2222-3333-4444-555555555555") -> dict[str, Any]:
    """The bundle of one target with its includes, every `${…}` resolved. Raises KeyError for a variable nobody declares."""
    whole = yaml.safe_load((ROOT / "databricks.yml").read_text(encoding="utf-8"))
    for pattern in whole.pop("include"):
        for path in sorted(ROOT.glob(pattern)):
            for kind, found in yaml.safe_load(path.read_text(encoding="utf-8"))["resources"].items():
                whole.setdefault("resources", {}).setdefault(kind, {}).update(found)
    chosen = whole["targets"][target]
    values = {f"var.{name}": one.get("default") for name, one in whole["variables"].items()}
    values |= {f"var.{name}": value for name, value in chosen.get("variables", {}).items()}
    values |= {"var.pipeline_principal": principal, "bundle.name": whole["bundle"]["name"], "bundle.target": target}
    whole["workspace"] = {**whole["workspace"], **chosen.get("workspace", {})}
    return dict(_resolved({**whole, **{name: chosen[name] for name in ("run_as", "permissions") if name in chosen}, "targets": None}, values))


def _resolved(node: Any, values: dict[str, Any]) -> Any:
    if isinstance(node, dict):
        return {name: _resolved(value, values) for name, value in node.items()}
    if isinstance(node, list):
        return [_resolved(value, values) for value in node]
    return _REFERENCE.sub(lambda found: str(values[found[1]]), node) if isinstance(node, str) else node


def strings(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        for value in node.values():
            yield from strings(value)
    elif isinstance(node, list):
        for value in node:
            yield from strings(value)
    elif isinstance(node, str):
        yield node


def heavy_steps() -> dict[str, set[str]]:
    """Heavy step -> the heavy steps whose tables it reads, by any number of light ones in between only where they are of another job."""
    from insights_assets.definitions import stage_parts

    for stage in STAGES:
        stage_parts(stage.name)
    return upstream_of(table_assets.BODIES, set(table_assets.HEAVY))


def after_labels() -> set[str]:
    """Heavy steps that wait, by whatever way, for a step that Dagster does itself in `labels`."""
    every = upstream_of(table_assets.BODIES, set(table_assets.BODIES))
    light = {name for name in every if name.startswith("labels__") and name not in table_assets.HEAVY}

    def waits(step: str, seen: frozenset[str] = frozenset()) -> bool:
        return step not in seen and any(one in light or waits(one, seen | {step}) for one in every[step])

    return {step for step in table_assets.HEAVY if waits(step)}


def jobs_by_the_code() -> dict[str, Any]:
    """What bundle/resources/jobs.yml has to hold."""
    upstream, late = heavy_steps(), after_labels()
    found = {}
    for name, is_late in JOBS.items():
        steps = _in_order({step: {one for one in upstream[step] if (one in late) == is_late} for step in upstream if (step in late) == is_late})
        found[name] = {
            "name": f"insights {name.replace('_', ' ')} (${{bundle.target}})", "description": "The graph's heavy steps by hand; Dagster submits its own runs.",
            "max_concurrent_runs": 1, "queue": {"enabled": False}, "tags": {"product": "insights", "environment": "${bundle.target}"},
            "permissions": [{"level": "CAN_MANAGE_RUN", "group_name": "insights-${bundle.target}-data-engineer"}],
            "parameters": [{"name": one, "default": value} for one, value in PARAMETERS.items()],
            "environments": [{"environment_key": "insights", "spec": {"environment_version": "${var.environment_version}", "dependencies": ["../../dist/insights_assets-*.whl"]}}],
            "tasks": [_task(step, needs) for step, needs in steps.items()],
        }  # fmt: skip
    return {"resources": {"jobs": found}}


def _in_order(upstream: dict[str, set[str]]) -> dict[str, list[str]]:
    from graphlib import TopologicalSorter

    sorter = TopologicalSorter({step: sorted(needs) for step, needs in sorted(upstream.items())})
    return {step: sorted(upstream[step]) for step in sorter.static_order()}


def _pipes() -> dict[str, str]:
    """What Dagster Pipes reads in each task: a context of no assets, and messages into the task's own folder, where nobody waits for them."""
    data: dict[str, Any] = {
        "asset_keys": [], "code_version_by_asset_key": {}, "provenance_by_asset_key": {}, "partition_key": None, "partition_key_range": None,
        "partition_time_window": None, "run_id": "by hand", "job_name": None, "retry_number": 0, "extras": {},
    }  # fmt: skip
    return {"pipes_context": encode_param({"data": data}), "pipes_messages": encode_param({"path": "/tmp"})}


PARAMETERS: dict[str, str] = {"from_day": "start", "to_day": "", "request": "{}", **_pipes()}
ARGUMENTS = ["--step", "{{task.name}}", *(word for name in ("from_day", "to_day", "request") for word in (f"--{name.replace('_', '-')}", f"{{{{job.parameters.{name}}}}}"))]
ARGUMENTS += [word for name in ("context", "messages") for word in (f"--dagster-pipes-{name}", f"{{{{job.parameters.pipes_{name}}}}}")]


def _task(step: str, needs: list[str]) -> dict[str, Any]:
    task: dict[str, Any] = {"task_key": step, "environment_key": "insights", "max_retries": 0, "timeout_seconds": 7200}
    if needs:
        task["depends_on"] = [{"task_key": one} for one in needs]
    return {**task, "python_wheel_task": {"package_name": PACKAGE, "entry_point": ENTRY_POINT, "parameters": copy.copy(ARGUMENTS)}}


if __name__ == "__main__":
    text = yaml.safe_dump(jobs_by_the_code(), sort_keys=False, width=150)
    (ROOT / "bundle" / "resources" / "jobs.yml").write_text(_HEAD + text, encoding="utf-8")
