"""The console in a real browser: a ticket's link on a fresh server, nothing from other hosts, hostile text inert in the page itself.

Needs chromium and its driver; skips with the reason where they are missing.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from selenium.webdriver.common.keys import Keys

from insights_assets.resources.operations import open_operations
from insights_assets_tests.console.browsing import look, serving
from insights_assets_tests.console.homes import DAMAGE

pytestmark = pytest.mark.slow
#: Elements whose own text carries the corpus, and where it would have become something.
FOUND = """
const leaves = [...document.querySelectorAll('body *')].filter(e => e.children.length === 0 && /HOSTILE/.test(e.textContent));
return {
  shown: leaves.filter(e => e.closest('[data-testid="stText"]')).length,
  elsewhere: leaves.filter(e => !e.closest('[data-testid="stText"], canvas, svg, [data-testid="stSelectbox"]')).map(e => e.tagName),
  active: [...document.querySelectorAll('a, img, iframe, script, object, form')].map(e => e.href || e.src || e.action || '')
    .filter(u => /evil|javascript:/.test(u)),
  markup: [...document.querySelectorAll('b, i, strong, em, h1, h2, h3, del, mark, .katex, [data-testid="stText"] *')]
    .filter(e => /HOSTILE|E=mc/.test(e.textContent) && !['DIV', 'SPAN', 'P', 'PRE'].includes(e.tagName)).map(e => e.outerHTML.slice(0, 120)),
  title: document.title,
};
"""


@pytest.fixture
def address(home: Path, tmp_path: Path) -> Iterator[str]:
    with serving(home, tmp_path) as found:
        yield found


def hosts(browser: Any) -> set[str]:
    """Hosts the pages asked for anything, the browser's own pages apart."""
    asked = set()
    for entry in browser.get_log("performance"):
        message = json.loads(entry["message"])["message"]
        url = str(message.get("params", {}).get("request", {}).get("url") or message.get("params", {}).get("url") or "")
        if message["method"] in ("Network.requestWillBeSent", "Network.webSocketCreated") and url.startswith(("http", "ws")):
            asked.add(url.split("/")[2])
    return asked


def test_a_fresh_server_shows_a_tickets_link_in_its_frame_inert_and_without_other_hosts(browser: Any, address: str) -> None:
    look(browser, f"{address}/insight?insight={DAMAGE}")  # the first request this server ever gets
    navigation = browser.find_elements("css selector", '[data-testid="stTopNavLink"]')
    # the icon of each is a ligature, whose letters are text too
    assert [entry.text.splitlines()[-1] for entry in navigation] == ["Today", "Approvals", "Tickets", "Insight", "Review", "Loop time", "Health", "ROI"]
    assert "Why it was flagged" in browser.find_element("tag name", "body").text
    found = browser.execute_script(FOUND)
    assert found["shown"] >= 6
    assert (found["active"], found["markup"], found["title"]) == ([], [], "Insight · Insights")

    look(browser, f"{address}/?insight={DAMAGE}")
    assert browser.current_url == f"{address}/insight?insight={DAMAGE}"

    look(browser, f"{address}/")
    assert "Tier 1" in browser.find_element("tag name", "body").text
    found = browser.execute_script(FOUND)
    assert found["shown"] >= 8
    assert (found["active"], found["markup"], found["title"]) == ([], [], "Today · Insights")
    assert set(found["elsewhere"]) <= {"TD"}  # cells of a grid, told to screen readers
    assert hosts(browser) == {address.removeprefix("http://")}


def test_a_click_on_confirm_is_stored_with_who_gave_it(browser: Any, address: str, home: Path) -> None:
    look(browser, f"{address}/")
    name = browser.find_element("css selector", '[data-testid="stTextInput"] input')
    name.send_keys(Keys.CONTROL, "a")
    name.send_keys("ada", Keys.ENTER)
    time.sleep(1)
    browser.find_element("css selector", f".st-key-confirm-{DAMAGE} button").click()
    for _ in range(40):
        time.sleep(0.5)
        if f"{DAMAGE} is confirmed" in browser.find_element("tag name", "body").text:
            break
    assert f"Recorded as ada: {DAMAGE} is confirmed" in browser.find_element("tag name", "body").text
    stored = open_operations(home / "operations.db").verdicts.latest()[DAMAGE]
    assert (stored.verdict, stored.given_by, stored.given_through) == ("confirmed", "ada", "console")
    look(browser, f"{address}/insight?insight={DAMAGE}")
    assert "So far: confirmed by ada" in browser.find_element("tag name", "body").text
