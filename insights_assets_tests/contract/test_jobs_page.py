"""docs/databricks/jobs.md: the settings it names exist, the sentences it explains are said by the code, the steps it lists are the heavy ones."""

from __future__ import annotations

import re
from pathlib import Path

from insights_assets import definitions
from insights_assets.resources import table_assets
from insights_assets.settings import Settings

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "databricks" / "jobs.md").read_text(encoding="utf-8")


def test_every_setting_on_the_page_exists() -> None:
    named = set(re.findall(r"INSIGHTS_[A-Z_]+", PAGE))
    assert len(named) > 10
    assert {name for name in named if name.removeprefix("INSIGHTS_").lower() not in Settings.model_fields} == set()


def test_every_sentence_that_is_explained_is_said() -> None:
    said = "".join(path.read_text(encoding="utf-8") for path in [ROOT / "insights_assets/job.py", *(ROOT / "insights_assets/resources").glob("*.py")])
    said += "Timed out after"  # the SDK's own
    explained = re.findall(r"^\| \*(.+?)\* \|", PAGE, re.MULTILINE)
    assert len(explained) >= 8
    parts = [part.strip(" ,:") for sentence in explained for part in re.split(r"…|\{…\}|\d+|0:05:00", sentence)]
    assert [part for part in parts if len(part) > 12 and part not in said] == []


def test_the_heavy_steps_are_those_the_page_lists() -> None:
    assert definitions.build_definitions()
    sentence = re.search(r"Heavy is what goes from lake to lake[^:]*: ([^(]+)\(", PAGE)
    assert sentence is not None
    listed = {word.strip().replace(" ", "_") for word in re.split(r",|\n", sentence[1]) if word.strip()}
    assert listed == {name.partition("__")[2] for name in table_assets.HEAVY}
