"""*Review* in a real browser: keys answer, a quote is marked inside inert text, undo, mouse and keys together, a telephone's width.

Needs chromium and its driver; skips with the reason where they are missing.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.keys import Keys
from streamlit.testing.v1 import AppTest

from insights_assets.labels.review import values_in_force
from insights_assets.resources.operations import open_operations
from insights_assets_tests.console.browsing import APP, look, said, serving, until
from insights_assets_tests.console.homes import feedback_id
from insights_assets_tests.console.test_browser import FOUND, hosts
from insights_assets_tests.labels.review_homes import ASKED, build_review_home
from insights_assets_tests.shared_homes import once

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def written_home(tmp_path_factory: pytest.TempPathFactory, spark: Any) -> Path:
    return once(tmp_path_factory, "review", partial(build_review_home, spark=spark))


@pytest.fixture
def review_home(written_home: Path, tmp_path: Path) -> Path:
    shutil.copytree(written_home, tmp_path / "home")
    return tmp_path / "home"


@pytest.fixture
def address(review_home: Path, tmp_path: Path) -> Iterator[str]:
    with serving(review_home, tmp_path) as found:
        yield found


def press(browser: Any, *keys: str) -> None:
    for key in keys:
        ActionChains(browser).send_keys(key).perform()


def primary(browser: Any) -> set[str]:
    return {button.text.split("\n")[0] for button in browser.find_elements("css selector", '[data-testid="stBaseButton-primary"]') if button.is_displayed()}


def ready(browser: Any, done: int, number: str) -> None:
    """The record is on the page with its own buttons."""
    until(lambda: f"{done} of {len(ASKED)}, about" in said(browser) and browser.find_elements("css selector", f".st-key-save-{feedback_id(number)}"), f"record {number}")


def test_records_are_answered_with_keys_marked_inert_and_taken_back(browser: Any, address: str, review_home: Path) -> None:
    operations = open_operations(review_home / "operations.db")
    look(browser, f"{address}/review")
    name = browser.find_element("css selector", '[data-testid="stTextInput"] input')
    name.send_keys(Keys.CONTROL, "a")
    name.send_keys("susan", Keys.ENTER)
    time.sleep(2)
    assert len(operations.corrections.all()) == 1, "letters of a name are no keys, and its Enter answers nothing"
    browser.execute_script("document.activeElement.blur()")
    assert [piece.text for piece in browser.find_elements("css selector", '[class*="st-key-quoted-"]')] == ["Still waiting for my parcel."]

    ready(browser, 0, "C1")
    press(browser, Keys.ENTER)
    ready(browser, 1, "D0")
    in_force = values_in_force(operations.corrections.all())
    assert in_force[feedback_id("C1")] == {"topics": ["shipping_delay"], "sentiment": "negative", "urgency": "normal"}

    for key, chosen in (("5", "Product fails"), ("g", "Neutral"), ("n", "High")):
        press(browser, key)
        until(lambda chosen=chosen: chosen in primary(browser), chosen)  # type: ignore[misc]
    press(browser, "2")
    until(lambda: primary(browser) == {"Product fails", "Neutral", "High", "Save"}, "what was chosen")
    press(browser, Keys.ENTER)
    ready(browser, 2, "W1")
    assert values_in_force(operations.corrections.all())[feedback_id("D0")] == {"topics": ["product_quality"], "sentiment": "neutral", "urgency": "high"}

    until(lambda: "Read blind" in said(browser), "a blind record")
    assert "% sure" not in said(browser) and not browser.find_elements("css selector", '[class*="st-key-quoted-"]')
    press(browser, "o")
    until(lambda: {"Praise", "Save"} <= primary(browser), "praise, ready to be saved")
    press(browser, Keys.ENTER)
    ready(browser, 3, "D1")
    until(lambda: "Kept as susan: Praise. The label said: Wanted feature (93 % sure)" in said(browser), "what was kept")

    press(browser, "u")
    ready(browser, 2, "W1")
    assert feedback_id("W1") not in values_in_force(operations.corrections.all())
    until(lambda: primary(browser) >= {"Praise"}, "what was answered, there to be changed")
    press(browser, "s")
    ready(browser, 2, "D1")
    assert {row.corrected_by for row in operations.corrections.all()} == {"bob", "susan"}
    found = browser.execute_script(FOUND)
    assert found["shown"] >= 1 and (found["active"], found["markup"], found["title"]) == ([], [], "Insights")
    assert hosts(browser) == {address.removeprefix("http://")}


def test_a_click_and_then_enter_keeps_what_was_clicked(browser: Any, address: str, review_home: Path) -> None:
    look(browser, f"{address}/review")
    ready(browser, 0, "C1")
    browser.find_element("css selector", f".st-key-topic-sizing_issue-{feedback_id('C1')} button").click()
    until(lambda: {"Sizing is off", "Late delivery", "Save"} <= primary(browser), "both topics, ready to be saved")
    press(browser, Keys.ENTER)
    ready(browser, 1, "D0")
    operations = open_operations(review_home / "operations.db")
    assert values_in_force(operations.corrections.all())[feedback_id("C1")]["topics"] == ["shipping_delay", "sizing_issue"]


def test_every_hostile_text_is_inert_on_a_telephone(browser: Any, address: str) -> None:
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", {"width": 390, "height": 1400, "deviceScaleFactor": 1, "mobile": True})
    look(browser, f"{address}/review")
    shown = 0
    for place, number in enumerate(ASKED[:10]):
        until(lambda number=number: browser.find_elements("css selector", f".st-key-save-{feedback_id(number)}"), f"record {number}")  # type: ignore[misc]
        time.sleep(0.3)
        found = browser.execute_script(FOUND)
        assert (found["active"], found["markup"], found["title"]) == ([], [], "Insights"), number
        assert browser.execute_script("return document.documentElement.scrollWidth") == 390, "nothing sticks out"
        shown += number.startswith("D")
        assert ("HOSTILE" in browser.find_element("css selector", ".st-key-marked-text").text) == number.startswith("D"), place
        press(browser, "s")
    assert shown == 7


def test_without_a_queue_the_page_says_why_and_what_to_do(tmp_path: Path, spark: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    build_review_home(tmp_path / "home", spark, empty=True)
    monkeypatch.setenv("INSIGHTS_HOME", str(tmp_path / "home"))
    app = AppTest.from_file(str(APP), default_timeout=120).switch_page("views/review.py").run()
    assert not app.exception and [header.value for header in app.subheader] == ["Nothing to review"]
    assert any("insights run" in code.value for code in app.code)
