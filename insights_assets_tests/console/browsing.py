"""A console server of a test's own and a real browser that looks at it.

Belongs here: starting both, and looking until a page is settled. Does not belong here: assertions. Without chromium and its driver a
test skips with the reason.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

APP = Path(__file__).resolve().parents[2] / "insights_assets" / "console" / "app.py"
BROWSER = next((path for name in ("chromium", "chromium-browser", "google-chrome") if (path := shutil.which(name))), None)
DRIVER = shutil.which("chromedriver")
SWITCHES = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--window-size=1280,1600",
)  # fmt: skip
SETTLED = """
const app = document.querySelector('[data-testid="stApp"]');
return !!app && app.getAttribute('data-test-script-state') === 'notRunning' && !document.querySelector('[data-testid="stSkeleton"], [data-testid="stSpinner"]');
"""


@contextmanager
def serving(home: Path, folder: Path) -> Iterator[str]:
    """A console server of this test's own, that nobody has opened yet."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "streamlit", "run", str(APP), "--server.port", str(port)]
    with (folder / "server.log").open("wb") as log:
        server = subprocess.Popen(command, cwd=folder, env={**os.environ, "INSIGHTS_HOME": str(home)}, stdout=log, stderr=log)
    try:
        for _ in range(240):
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{port}/_stcore/health", timeout=2):
                    break
            except OSError:
                time.sleep(0.25)
        yield f"http://127.0.0.1:{port}"
    finally:
        server.terminate()
        server.wait(timeout=20)


@contextmanager
def browsing(folder: Path) -> Iterator[Any]:
    if BROWSER is None or DRIVER is None:
        pytest.skip("needs chromium and chromedriver, which are not here")
    from selenium import webdriver
    from selenium.webdriver.chrome.options import Options
    from selenium.webdriver.chrome.service import Service

    options = Options()
    options.binary_location = BROWSER
    for switch in (*SWITCHES, f"--user-data-dir={folder / 'profile'}"):
        options.add_argument(switch)
    options.set_capability("goog:loggingPrefs", {"performance": "ALL"})
    driver = webdriver.Chrome(options=options, service=Service(DRIVER))
    try:
        yield driver
    finally:
        driver.quit()


def look(browser: Any, url: str) -> None:
    browser.get(url)
    for _ in range(240):
        time.sleep(0.5)
        if browser.execute_script(SETTLED):
            time.sleep(1.5)
            return
    raise AssertionError(f"{url} never settled: {browser.title}")


def said(browser: Any) -> str:
    """Every word on the page."""
    return str(browser.find_element("tag name", "body").text)


def until(true: Callable[[], Any], what: str, seconds: float = 40.0) -> None:
    """Look until it is true; a page that is being drawn anew meanwhile is looked at again."""
    from selenium.common.exceptions import StaleElementReferenceException

    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            if true():
                return
        except StaleElementReferenceException:
            pass
        time.sleep(0.25)
    raise AssertionError(f"never saw {what}")
