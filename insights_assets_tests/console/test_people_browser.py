"""Approving, releasing and judging in a real browser: the desired-state file and the precision change before the person's eyes.

Needs chromium and its driver; skips with the reason where they are missing.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from selenium.webdriver.common.keys import Keys

from insights_assets.resources.operations import open_operations
from insights_assets_tests.console.browsing import look, said, serving, until
from insights_assets_tests.console.homes import DAMAGE
from insights_assets_tests.console.people_homes import HELD
from insights_assets_tests.console.test_browser import FOUND, hosts

pytestmark = pytest.mark.slow
H31 = "H-31"


@pytest.fixture
def address(people_home: Path, tmp_path: Path) -> Iterator[str]:
    with serving(people_home, tmp_path) as found:
        yield found


def click(browser: Any, key: str, button: str = "button") -> None:
    """Press what carries this key; a popover's own key is not known, so its label is pressed by hand."""
    element = browser.find_element("css selector", f".st-key-{key} {button}")
    browser.execute_script("arguments[0].scrollIntoView({block: 'center'})", element)
    time.sleep(0.3)
    element.click()


def release(browser: Any, hold_id: str) -> None:
    card = browser.find_element("css selector", f".st-key-card-{hold_id}")
    popover = next(button for button in card.find_elements("css selector", "button") if button.text.startswith("Release"))
    browser.execute_script("arguments[0].scrollIntoView({block: 'center'})", popover)
    popover.click()
    until(lambda: bool(browser.find_elements("css selector", f".st-key-release-{hold_id} button")), "the form to release")
    click(browser, f"release-{hold_id}")


def test_a_hold_is_approved_seen_in_its_file_and_released_until_the_file_is_empty(browser: Any, address: str, people_home: Path) -> None:
    file = people_home / "desk" / "holds.csv"
    header = file.read_text().splitlines()[0]
    look(browser, f"{address}/approvals")
    name = browser.find_element("css selector", '[data-testid="stTextInput"] input')
    name.send_keys(Keys.CONTROL, "a")
    name.send_keys("ada", Keys.ENTER)
    time.sleep(1)
    assert HELD not in file.read_text()
    click(browser, f"yes-{HELD}")
    until(lambda: f"{HELD} holds 2 products until Mon 30 Nov" in said(browser), "that the hold is placed")
    assert sum(line.startswith(("LMP-1,", "LMP-2,")) for line in file.read_text().splitlines() if HELD in line) == 2
    assert "desk/holds.csv as it is now: 3 held" in said(browser)
    for hold_id, left in ((HELD, 1), (H31, 0)):
        release(browser, hold_id)
        until(lambda hold_id=hold_id: f"{hold_id} is released by ada" in said(browser), "that the hold is released")  # type: ignore[misc]
        until(lambda left=left: f"desk/holds.csv as it is now: {left} held" in said(browser), "the shorter file")  # type: ignore[misc]
    assert file.read_text().splitlines() == [header], "emptied, not removed"
    operations = open_operations(people_home / "operations.db")
    assert [(row.action, row.actor) for row in operations.audit.rows()][:3] == [("hold_release", "ada"), ("hold_release", "ada"), ("hold_place", "ada")]


def test_a_verdict_is_given_and_the_precision_changes(browser: Any, address: str, people_home: Path) -> None:
    look(browser, f"{address}/tickets")
    assert "Nobody has judged one yet" in said(browser)
    click(browser, f"confirm-{DAMAGE}")
    until(lambda: "1 of 1 judged were right (100 %, 95 % interval 21 to 100 %)" in said(browser), "the new precision")
    given = open_operations(people_home / "operations.db").verdicts.latest()[DAMAGE]
    assert (given.verdict, given.given_through) == ("confirmed", "console")


@pytest.mark.parametrize("page", ["approvals", "tickets", "loop"])
def test_pages_are_inert_ask_no_other_host_and_fit_a_telephone(browser: Any, address: str, page: str) -> None:
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", {"width": 390, "height": 1400, "deviceScaleFactor": 1, "mobile": True})
    look(browser, f"{address}/{page}")
    found = browser.execute_script(FOUND)
    assert (found["active"], found["markup"], found["title"]) == ([], [], "Insights")
    assert set(found["elsewhere"]) <= {"TD", "CODE", "SPAN"}
    assert browser.execute_script("return document.documentElement.scrollWidth") == 390, "nothing sticks out"
    assert hosts(browser) == {address.removeprefix("http://")}
