"""*Health* and *ROI* through Streamlit's own test runner: colours, sentences, what is not available, and text from data as text."""

from __future__ import annotations

import shutil
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from insights_assets.console.health_plots import trend_plot, trend_words
from insights_assets.health.before_after import detection
from insights_assets.health.metric import Metric, not_available
from insights_assets.health.roi import Costs, before_after_lines, benefit_lines, cost_lines, result_lines
from insights_assets.lake.lake import Lake
from insights_assets.resources.operations import open_operations
from insights_assets.tables import all_tables
from insights_assets_tests.console.homes import AS_OF, HOSTILE_NAME, NOW, RUN_ID, write

pytestmark = pytest.mark.slow
APP = Path(__file__).resolve().parents[2] / "insights_assets" / "console" / "app.py"
WEEKS = tuple((AS_OF - timedelta(days=7 * back), 0.1 + 0.01 * back) for back in range(8, -1, -1))


def measured(home: Path, spark: Any) -> None:
    """Health rows of the day into a published home, and one more publication."""
    lake = Lake(home / "lake", lambda: spark)
    of_run = {"measured_run_id": RUN_ID, "job": "whole_loop", "outcome": "succeeded", "as_of_day": AS_OF, "started_at": NOW}
    pipeline = Metric("run_seconds", "green", "12 s from start to here", "Dagster's run record", 12.0, "seconds").row(**of_run)
    write(lake, "health.pipeline_health", [{name: value for name, value in pipeline.items() if name != "trend"}])
    write(lake, "health.model_health", [not_available("topic_drift", "anomalies.drift", "anomalies.drift").row(as_of_day=AS_OF)])
    negative = Metric("negative_review_share", "red", "30.0 % of 200 reviews are negative", "canonical.feedback", 0.3, "0 to 1", z=5.0, trend=WEEKS)
    write(lake, "health.business_health", [negative.row(as_of_day=AS_OF, sku="all"), negative.row(as_of_day=AS_OF, sku=HOSTILE_NAME)])
    write(lake, "health.layers", [
        {"as_of_day": AS_OF, "layer": "technical", "state": "green", "says": "well"}, {"as_of_day": AS_OF, "layer": "model", "state": "not_available", "says": "-"},
        {"as_of_day": AS_OF, "layer": "business", "state": "red", "says": "ill", "red_metrics": ["negative_review_share"]},
    ])  # fmt: skip
    write(lake, "health.alarms", [{"alarm_id": "a", "kind": "business_red_behind_green_pipeline", "raised_day": AS_OF, "says": f"Business is red {HOSTILE_NAME}"}])
    benefits, costs = benefit_lines("USD"), cost_lines(Costs(500.0, None, 0, 0.0), "USD")
    parts = [benefits, costs, result_lines(benefits, costs, "USD"), before_after_lines(detection([], 504), None, None, None)]
    write(lake, "health.roi", [line.row(position, as_of_day=AS_OF) for lines in parts for position, line in enumerate(lines)])
    operations = open_operations(home / "operations.db", clock=lambda: NOW)
    operations.record_publication("1f3c2a1b-5d6e-4f70-8a9b-0c1d2e3f4a5b", AS_OF, {str(s): v for s in all_tables() if (v := lake.version(s)) is not None})
    operations.close()


@pytest.fixture
def health_home(written_homes: dict[str, Path], tmp_path: Path, spark: Any, monkeypatch: pytest.MonkeyPatch) -> Path:
    home = Path(shutil.copytree(written_homes["busy"], tmp_path / "home"))
    measured(home, spark)
    monkeypatch.setenv("INSIGHTS_HOME", str(home))
    return home


def look(page: str) -> AppTest:
    app = AppTest.from_file(str(APP), default_timeout=120).run()
    return app.switch_page(f"views/{page}.py").run()


def texts(app: AppTest) -> str:
    return "\n".join(str(element.value) for element in app.text)


def test_health_shows_three_layers_the_alarm_and_what_is_missing(health_home: Path) -> None:
    app = look("health")
    assert not app.exception
    said = texts(app)
    for words in ("Pipeline", "Labels", "Business", "30.0 % of 200 reviews are negative", "Topics that shift: not available: needs anomalies.drift", f"Business is red {HOSTILE_NAME}"):
        assert words in said, said
    rendered = "\n".join(str(element.value) for element in (*app.markdown, *app.caption, *app.header, *app.subheader))
    assert "HOSTILE" not in rendered, "text from data reached something that renders it"
    assert list(app.dataframe[0].value["product"]) == [HOSTILE_NAME]
    assert list(app.dataframe[-1].value["seconds"]) == [12.0]


def test_roi_holds_no_number_that_was_not_measured(health_home: Path) -> None:
    app = look("roi")
    assert not app.exception
    said = texts(app)
    assert said.count("not measurable yet: needs actions.effects") == 7  # six benefits and their sum
    assert "3.5 times, for comparison only; no figure here is made from it" in said
    table = app.dataframe[0].value
    assert list(table["what"]) == ["Issue detection time", "Average remediation delay", "Support load", "Revenue leakage"]
    assert table["before"].iloc[0] == 504 and table["after"].isna().all()


def test_pages_of_a_home_that_was_never_measured_say_so(home: Path) -> None:
    for page in ("health", "roi"):
        app = look(page)
        assert not app.exception
        assert "Not available: no published run has measured it yet." in "\n".join(element.value for element in app.markdown)


def test_a_trend_is_drawn_and_said() -> None:
    assert trend_words(WEEKS, "0 to 1") == "9 weeks up to Mon 23 Nov: from 18.0 % to 10.0 %; lowest 10.0 %, highest 18.0 %."
    assert trend_words((), "0 to 1") == "No weeks are known."
    assert trend_plot(WEEKS, "0 to 1").to_dict()["layer"]
