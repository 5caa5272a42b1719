"""docs/databricks/start.md typed from its first command to its last: a workspace, a catalog, jobs, and the first ticket in Jira.

Behind it: one stand-in workspace with the tables really there (`whole_workspace.py`), the stand-ins of Jira, Slack and Azure OpenAI, one shell.
Only what is named in `instead` is not as the page has it: addresses and tokens, where volumes lie, and how large the sample shop is.
"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from insights_assets_tests import commanding
from insights_assets_tests.contract.azure_openai_brains import oracle
from insights_assets_tests.contract.azure_openai_server import KEY, AzureOpenAI
from insights_assets_tests.contract.jira_server import JiraServer
from insights_assets_tests.contract.jira_world import EMAIL
from insights_assets_tests.contract.jira_world import TOKEN as JIRA_TOKEN
from insights_assets_tests.contract.page_walk import Typed, install, walk
from insights_assets_tests.contract.slack_server import BOT_TOKEN, SlackServer
from insights_assets_tests.contract.whole_workspace import WholeWorkspace

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1500)]
ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "databricks" / "start.md"
TOKEN, CATALOG = "dapi-a-token-that-nobody-may-see", "insights_dev"
#: What the wheel is built of, and what the page copies.
REPOSITORY = ("pyproject.toml", "setup.py", "README.md", "LICENSE", "prompts", "shop", "insights_assets")


def machine(folder: Path, workspace: WholeWorkspace) -> dict[str, str]:
    """A machine with this repository, set up, and Databricks' command line; gives its environment."""
    for name in REPOSITORY:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, folder / name)
    install(folder, {
        "bin/make": f'exec {shutil.which("make")} --dry-run --no-print-directory -C {ROOT} "$@"',
        "bin/databricks": commanding.line("databricks", "insights_assets_tests.contract.databricks_cli"),
        ".venv/bin/python": f'exec {sys.executable} "$@"',
        ".venv/bin/insights": f'export PYTHONPATH={ROOT} {workspace.variable}; {commanding.line("insights", "insights_assets_tests.contract.sail_catalog")}',
    })
    (folder / ".venv/bin/activate").write_text(f"export PATH={folder}/.venv/bin:$PATH\n", encoding="utf-8")
    return {"PATH": f"{folder}/bin:{os.environ['PATH']}", "HOME": str(folder), "LANG": "C.UTF-8", "INSIGHTS_DATABRICKS_POLL_SECONDS": "0.3"}


@pytest.fixture(scope="module")
def hour(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SimpleNamespace]:
    """The page, typed."""
    folder, place = tmp_path_factory.mktemp("machine"), tmp_path_factory.mktemp("workspace")
    with WholeWorkspace(place, TOKEN, CATALOG) as workspace, JiraServer() as jira, SlackServer() as slack, AzureOpenAI(oracle()) as model:
        instead = {
            "https://adb-1234567890123456.7.azuredatabricks.net": workspace.url, "dapi0123456789abcdef0123456789abcdef": TOKEN,
            "sc://adb-1234567890123456.7.azuredatabricks.net:443/;token=$DATABRICKS_TOKEN;x-databricks-cluster-id=0123-456789-abcdefgh": workspace.remote,
            "/Volumes/": f"{place}/Volumes/", "--days 90 --records 6000 --seed 7": "--days 75 --records 1500 --seed 11 --last-day 2026-11-22",
            "https://yourshop.atlassian.net": jira.url, "insights@yourshop.example": EMAIL, "the-token-of-that-account": JIRA_TOKEN, "xoxb-the-bot-token": BOT_TOKEN,
            "https://yourshop.openai.azure.com": model.url, "the-key-of-the-resource": KEY,
        }  # fmt: skip
        environment = {**machine(folder, workspace), "INSIGHTS_SLACK_URL": slack.api, "INSIGHTS_AS_OF": "2026-11-22"}  # the shop's today, whatever day the test is run
        found = walk(PAGE, folder, instead, environment, 1400)
        yield SimpleNamespace(typed=found, workspace=workspace, jira=jira, slack=slack, model=model, folder=folder)


def said(hour: SimpleNamespace, command: str) -> list[Typed]:
    found = [one for one in hour.typed if one.on_page.startswith(command)]
    assert found, f"the page no longer has `{command}`"
    return found


def test_the_page_ends_with_a_ticket_in_jira_and_the_same_key_on_the_screen(hour: SimpleNamespace) -> None:
    assert hour.jira.issues and hour.jira.problems == []
    keys = [issue.key for issue in hour.jira.issues]
    assert len(set(keys)) == len(keys) and all(issue.project.key == "QUAL" for issue in hour.jira.issues)
    (tickets,) = said(hour, "insights show tickets")
    assert any(key in tickets.output for key in keys), tickets.output[-1500:]
    assert any(issue.files for issue in hour.jira.issues), "with its evidence"


def test_heavy_steps_ran_as_jobs_of_the_workspace_on_tables_of_the_catalog(hour: SimpleNamespace) -> None:
    runs = list(hour.workspace.runs.values())
    assert runs and all(run.result == "SUCCESS" for run in runs), [(run.run_id, run.result) for run in runs]
    assert {"canonical__feedback", "labels__labelled_feedback", "anomalies__topic_series"} <= {task.key for task in runs[0].tasks}, "one run, one job run"
    assert not [one for one in (hour.folder / "first" / "lake").rglob("*") if one.is_file()], "no table lies in the home"
    wheels = list((hour.workspace.folder / "Volumes" / CATALOG / "files" / "wheels").glob("insights_assets-*.whl"))
    assert len(wheels) == 1 and {one for run in runs for one in run.payload["environments"][0]["spec"]["dependencies"]} == {str(wheels[0])}


def test_the_doctor_said_at_each_step_what_the_page_promises(hour: SimpleNamespace) -> None:
    alone, signed_in, whole, with_jira, with_slack, with_model = said(hour, "insights doctor")
    assert "FAIL" not in alone.output and "sign-in" not in alone.output
    failed = [line.split()[1] for line in signed_in.output.splitlines() if line.startswith("FAIL")]
    assert signed_in.code == 1 and failed == ["catalog", *failed[1:]] and "ok    sign-in" in signed_in.output, signed_in.output
    assert "FAIL" not in whole.output
    assert "may write to QUAL" in with_jira.output and "may write to #quality-alerts" in with_slack.output
    assert "labels-mini at" in with_model.output


def test_the_model_was_asked_and_alerts_may_go_to_slack(hour: SimpleNamespace) -> None:
    assert hour.model.chats and {one.status for one in hour.model.chats} == {200}
    assert hour.slack.problems == []


def test_no_secret_is_on_the_screen_or_in_what_jobs_are_given(hour: SimpleNamespace) -> None:
    key = hour.workspace.secrets["insights", "customer_key"]
    for one in hour.typed:
        assert not any(secret in one.output for secret in (TOKEN, JIRA_TOKEN, BOT_TOKEN, KEY, key)), one.on_page
    assert not any(key in str(run.payload) or TOKEN in str(run.payload) for run in hour.workspace.runs.values())
