"""The asset bundle holds together: fields that Databricks' own model of bundles knows, tasks and arguments the code has, files and entry points that are there.

`databricks bundle validate` needs the CLI and a workspace, which are not here: nothing of this has been deployed.
"""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import subprocess
import sys
import time
import urllib.request
import zipfile
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import yaml
from databricks.bundles.apps import App
from databricks.bundles.jobs import Job
from databricks.bundles.secret_scopes import SecretScope
from databricks.bundles.volumes import Volume

from insights_assets.governance.unity.roles import BY_NAME, ROLES, group_of
from insights_assets.lake.unity import FILES_SCHEMA, VOLUMES, WHEELS, volume_path
from insights_assets.resources import table_assets
from insights_assets.resources.job_request import JobRequest
from insights_assets.settings import Settings
from insights_assets_tests.contract.bundle_reading import JOBS, ROOT, TARGETS, bundle, heavy_steps, jobs_by_the_code, strings
from insights_assets_tests.contract.workspace_server import WorkspaceServer

KINDS: dict[str, Any] = {"jobs": Job, "volumes": Volume, "secret_scopes": SecretScope, "apps": App}


@pytest.fixture(params=TARGETS)
def whole(request: pytest.FixtureRequest) -> dict[str, Any]:
    return bundle(request.param) | {"target": request.param}


def test_every_field_is_one_that_bundles_have_and_of_its_type(whole: dict[str, Any]) -> None:
    assert set(whole["resources"]) == set(KINDS)
    for kind, found in whole["resources"].items():
        for one in found.values():
            assert refused(kind, one) is None


def refused(kind: str, one: dict[str, Any]) -> str | None:
    """What Databricks' own model of bundles has against a resource. It takes a number for a text and the other way round; read back they differ."""
    try:
        read = KINDS[kind].from_dict(one).as_dict()
    except (TypeError, ValueError) as error:
        return f"{type(error).__name__}: {error}"
    return None if read == one else "a value is read as one of another type"


@pytest.mark.parametrize("kind", KINDS)
def test_any_field_that_is_misspelled_or_of_another_type_is_refused(kind: str) -> None:
    """Each field of each resource broken on purpose, one after the other: the check above would not be one if it took them."""
    for name, one in bundle("dev")["resources"][kind].items():
        broken = [*_broken(one)]
        assert len(broken) > 5
        for where, wrong in broken:
            assert refused(kind, wrong), f"{kind}.{name}: {where}"


#: Beside what stands in them (an app's environment, a job's tags), keys of these are the bundle's own words.
FREE = ("tags",)


def _broken(node: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """(where, the whole with that one fault): a key misspelled, a value of another type."""
    if isinstance(node, dict):
        for key, value in node.items():
            if key not in FREE:
                yield f"{path}.{key} misspelled", {**{k: v for k, v in node.items() if k != key}, f"{key}_": value}
                yield f"{path}.{key} of another type", {**node, key: [{"x": 1}] if not isinstance(value, list) else {"x": 1}}
                for where, wrong in _broken(value, f"{path}.{key}"):
                    yield where, {**node, key: wrong}
    elif isinstance(node, list) and node and isinstance(node[0], dict):
        for where, wrong in _broken(node[0], f"{path}[0]"):
            yield where, [wrong, *node[1:]]


#: The words of a bundle's file beside its resources, by the published reference; the package models resources alone.
WORDS = {
    "": {"artifacts", "bundle", "experimental", "include", "permissions", "presets", "python", "resources", "run_as", "scripts", "sync", "targets", "variables", "workspace"},
    "bundle": {"cluster_id", "compute_id", "databricks_cli_version", "deployment", "git", "name", "uuid"},
    "artifacts.*": {"build", "dynamic_version", "executable", "files", "path", "type"},
    "sync": {"exclude", "include", "paths"},
    "variables.*": {"default", "description", "lookup", "type"},
    "workspace": {"artifact_path", "auth_type", "client_id", "file_path", "host", "profile", "resource_path", "root_path", "state_path"},
    "targets.*": {"artifacts", "bundle", "cluster_id", "compute_id", "default", "git", "mode", "permissions", "presets", "resources", "run_as", "sync", "variables", "workspace"},
    "run_as": {"group_name", "service_principal_name", "user_name"},
    "permissions.*": {"group_name", "level", "service_principal_name", "user_name"},
}


def misspelled(whole: dict[str, Any]) -> list[str]:
    """Words of the bundle's file that the reference does not have."""
    found = [name for name in whole if name not in WORDS[""]]
    for part in (whole, *whole["targets"].values()):
        for name, words in WORDS.items():
            held = part.get(name.removesuffix(".*")) or {}
            each = (held if isinstance(held, list) else held.values()) if name.endswith(".*") else [held]
            found += [f"{name}: {word}" for one in each if isinstance(one, dict) for word in one if word not in words]
    return found


def test_the_files_own_words_are_those_of_the_reference() -> None:
    whole = yaml.safe_load((ROOT / "databricks.yml").read_text(encoding="utf-8"))
    assert misspelled(whole) == []
    faults: list[dict[str, Any]] = [{"synch": {}}, {"workspace": {"artefact_path": "x"}}, {"targets": {"dev": {"modus": "development"}}}, {"artifacts": {"wheel": {"builds": "x"}}}]
    for fault in faults:
        assert misspelled({**whole, **fault}), fault


def test_every_variable_is_declared_and_used_and_none_is_left() -> None:
    text = "".join((ROOT / path).read_text(encoding="utf-8") for path in ("databricks.yml", "bundle/resources/jobs.yml", "bundle/resources/workspace.yml"))
    declared = set(yaml.safe_load((ROOT / "databricks.yml").read_text(encoding="utf-8"))["variables"])
    assert set(re.findall(r"\$\{var\.(\w+)\}", text)) == declared
    for target in TARGETS:
        assert not [value for value in strings(bundle(target)) if "${" in value or value.endswith("None")]


def test_targets_share_nothing() -> None:
    names = [{one["name"] for kind, found in bundle(target)["resources"].items() for one in found.values() if kind != "volumes"} for target in TARGETS]
    catalogs = {bundle(target)["resources"]["volumes"]["jobs"]["catalog_name"] for target in TARGETS}
    assert len(catalogs) == len(TARGETS) and not (names[0] & names[1] or names[1] & names[2] or names[0] & names[2])
    assert bundle("prod")["run_as"] == {"service_principal_name": "11111111-2222-3333-4444-555555555555"}


def test_groups_are_the_roles_and_only_who_may_gets_near_text_and_keys(whole: dict[str, Any]) -> None:
    target, resources = whole["target"], whole["resources"]
    known = {group_of(target, role.name) for role in ROLES}
    assert {value for value in strings(whole) if value.startswith(f"insights-{target}-")} <= known
    for one in resources["apps"]["console"]["permissions"]:
        assert BY_NAME[one["group_name"].removeprefix(f"insights-{target}-")].tier == "summary", "the console shows redacted text"
    readers = {name: [one["group_name"] for one in scope["permissions"]] for name, scope in resources["secret_scopes"].items()}
    assert readers == {"pipeline": [group_of(target, "pipeline")], "console": [group_of(target, "console")]}


def test_volumes_of_the_data_are_bootstraps(whole: dict[str, Any]) -> None:
    volume = whole["resources"]["volumes"]["jobs"]
    assert volume["schema_name"] == FILES_SCHEMA and volume["name"] not in VOLUMES
    assert whole["workspace"]["artifact_path"] == volume_path(volume["catalog_name"], WHEELS)


def test_the_jobs_are_the_declared_heavy_steps() -> None:
    """Written anew by `python -m insights_assets_tests.contract.bundle_reading`."""
    assert yaml.safe_load((ROOT / "bundle/resources/jobs.yml").read_text(encoding="utf-8")) == jobs_by_the_code()
    jobs = bundle("dev")["resources"]["jobs"]
    tasks = [task["task_key"] for name in JOBS for task in jobs[name]["tasks"]]
    assert sorted(tasks) == sorted(table_assets.HEAVY)
    upstream = heavy_steps()
    for name in JOBS:
        done: set[str] = set()
        mine = {task["task_key"] for task in jobs[name]["tasks"]}
        for task in jobs[name]["tasks"]:
            assert upstream[task["task_key"]] & mine == {one["task_key"] for one in task.get("depends_on", [])} <= done
            done.add(task["task_key"])


def test_a_tasks_arguments_are_what_the_entry_point_reads(monkeypatch: pytest.MonkeyPatch) -> None:
    from dagster_pipes import PipesCliArgsParamsLoader

    sent = JobRequest("canonical__feedback", "run-1", "unity:insights_dev", None, date(2026, 11, 22), None, "check", {"profile": "databricks"})
    words = dict(zip(sent.to_arguments()[::2], sent.to_arguments()[1::2], strict=True))
    given = {"from_day": words["--from-day"], "to_day": words["--to-day"], "request": words["--request"]}
    job = bundle("dev")["resources"]["jobs"]["heavy_to_feedback"]
    values = {one["name"]: one["default"] for one in job["parameters"]} | given
    task = next(one for one in job["tasks"] if one["task_key"] == sent.step)
    arguments = [_filled(word, values, task["task_key"]) for word in task["python_wheel_task"]["parameters"]]
    assert JobRequest.from_arguments(arguments) == sent
    monkeypatch.setattr(sys, "argv", ["insights-step", *arguments])
    loader = PipesCliArgsParamsLoader()
    assert loader.is_dagster_pipes_process() and loader.load_context_params()["data"]["run_id"] == "by hand" and loader.load_messages_params()["path"] == "/tmp"


def _filled(word: str, values: dict[str, str], task: str) -> str:
    found = re.fullmatch(r"\{\{(job\.parameters|task)\.(\w+)\}\}", word)
    return word if found is None else task if found[1] == "task" else values[found[2]]


def test_files_that_are_named_are_there() -> None:
    whole = yaml.safe_load((ROOT / "databricks.yml").read_text(encoding="utf-8"))
    build = ROOT / whole["artifacts"]["wheel"]["build"]
    assert os.access(build, os.X_OK) and (ROOT / whole["sync"]["paths"][0]).is_dir()
    assert all(list(ROOT.glob(pattern)) for pattern in whole["include"])
    app = (ROOT / "bundle" / "resources" / bundle("dev")["resources"]["apps"]["console"]["source_code_path"]).resolve()
    assert {"app.yaml", "start.py", "requirements.txt"} <= {path.name for path in app.iterdir()}


def test_the_app_alone_says_what_the_bundle_says_for_dev() -> None:
    alone = yaml.safe_load((ROOT / "bundle/app/app.yaml").read_text(encoding="utf-8"))
    assert alone == bundle("dev")["resources"]["apps"]["console"]["config"]
    settings = {f"INSIGHTS_{name.upper()}" for name in Settings.model_fields} | {"INSIGHTS_SECRETS_SCOPE"}
    assert {one["name"] for one in alone["env"]} <= settings


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tree as git has it (and as it is changed), with the wheel that the bundle's own script builds there."""
    tree = tmp_path_factory.mktemp("bundle") / "tree"
    listed = subprocess.run(["git", "ls-files", "-co", "--exclude-standard"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.splitlines()
    for name in listed:
        if (ROOT / name).is_file() and not name.startswith(("insights_assets_tests/", "docs/")):
            (tree / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, tree / name)
    made = subprocess.run(
        ["bundle/build_wheel.sh"], cwd=tree, env={**os.environ, "PYTHON": sys.executable, "PIP_WHEEL": "--no-build-isolation --no-index"}, capture_output=True, text=True, timeout=300, check=False
    )  # fmt: skip
    assert made.returncode == 0, made.stderr
    return tree


@pytest.mark.slow
def test_the_wheel_holds_entry_points_and_all_the_product_reads(built: Path) -> None:
    (wheel,) = (built / "dist").glob("*.whl")
    assert [path.name for path in (built / "bundle/app").glob("*.whl")] == [wheel.name]
    assert f"./{wheel.name}" in (ROOT / "bundle/app/requirements.txt").read_text(encoding="utf-8").splitlines()
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
        points = archive.read(next(name for name in names if name.endswith("entry_points.txt"))).decode()
        version = archive.read(next(name for name in names if name.endswith("METADATA"))).decode()
    for job in bundle("dev")["resources"]["jobs"].values():
        for task in job["tasks"]:
            wheel_task = task["python_wheel_task"]
            assert f"Name: {wheel_task['package_name']}\n" in version and f"{wheel_task['entry_point']} = " in points
    for spelled in re.findall(r"= ([\w.]+):\w+", points):
        assert f"{spelled.replace('.', '/')}.py" in names
    tracked = subprocess.run(["git", "ls-files", "insights_assets"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.splitlines()
    assert not [name for name in tracked if (ROOT / name).is_file() and name not in names and not name.endswith(".in")]
    assert {"insights_shop/shop.yaml", "insights_prompts/label_feedback/ACTIVE"} <= names
    assert not [name for name in names if name.startswith("insights_assets_tests")]


def _start() -> Any:
    spec = importlib.util.spec_from_file_location("app_start", ROOT / "bundle" / "app" / "start.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_apps_secrets_are_read_as_the_app_and_a_missing_one_stops_it(monkeypatch: pytest.MonkeyPatch) -> None:
    with WorkspaceServer() as server:
        monkeypatch.setenv("DATABRICKS_HOST", server.url)
        monkeypatch.setenv("DATABRICKS_TOKEN", "a-token")
        server.values = {"s/operations_url": "postgresql+psycopg://ops", "s/spark_remote": "sc://w:443/;token=ü"}
        assert _start().secrets("s") == {"INSIGHTS_OPERATIONS_URL": "postgresql+psycopg://ops", "INSIGHTS_SPARK_REMOTE": "sc://w:443/;token=ü"}
        assert server.methods == {"GET"} and not any("customer_key" in path for _, path in server.calls)
        del server.values["s/spark_remote"]
        with pytest.raises(Exception, match="does not exist"):
            _start().secrets("s")


@pytest.mark.slow
def test_the_app_starts_the_console_on_the_platforms_port(tmp_path: Path) -> None:
    """The process the platform would start, until the page answers."""
    import socket

    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with WorkspaceServer() as server:
        server.values = {"s/operations_url": f"sqlite:///{tmp_path / 'operations.db'}", "s/spark_remote": "sc://nowhere:443"}
        given = {"DATABRICKS_HOST": server.url, "DATABRICKS_TOKEN": "a-token", "DATABRICKS_APP_PORT": str(port), "INSIGHTS_SECRETS_SCOPE": "s", "HOME": str(tmp_path), "PATH": os.environ["PATH"]}
        process = subprocess.Popen([sys.executable, "start.py"], cwd=ROOT / "bundle" / "app", env=given, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        try:
            assert _answers(f"http://127.0.0.1:{port}/_stcore/health", process) == "ok"
        finally:
            process.kill()
            process.wait()


def _answers(url: str, process: subprocess.Popen[str], seconds: float = 120) -> str:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        assert process.poll() is None, process.stdout.read() if process.stdout else ""
        try:
            with urllib.request.urlopen(url, timeout=5) as answer:
                return str(answer.read().decode())
        except OSError:
            time.sleep(0.3)
    raise TimeoutError(f"{url} does not answer")
