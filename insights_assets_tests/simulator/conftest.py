"""One small simulated shop for all tests of the simulator, and a reader of what it wrote."""

from __future__ import annotations

import csv
import gzip
import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from insights_assets.simulator import SimulationReport, simulate

LAST_DAY = date(2026, 11, 22)
IDS = {
    "reviews": "review_id",
    "support_tickets": "ticket_id",
    "chats": "chat_id",
    "surveys": "response_id",
    "returns": "return_id",
    "social": "post_id",
}
TEXTS = {
    "reviews": ("title", "body"),
    "support_tickets": ("subject", "description"),
    "surveys": ("verbatim",),
    "returns": ("comment",),
    "social": ("text",),
}


def read_rows(path: Path) -> Iterator[dict[str, Any]]:
    """Rows of one landing file; broken lines are left out."""
    if path.suffix == ".parquet":
        yield from pq.read_table(path).to_pylist()
        return
    text = gzip.decompress(path.read_bytes()).decode() if path.suffix == ".gz" else path.read_text(encoding="utf-8")
    if ".csv" in path.name:
        for row in csv.DictReader(text.splitlines()):
            if None not in row.values():
                yield row
        return
    for line in text.splitlines():
        try:
            yield json.loads(line)
        except json.JSONDecodeError:
            continue


@dataclass(frozen=True)
class Simulated:
    """A folder that the simulator filled."""

    out: Path
    report: SimulationReport

    @property
    def landing(self) -> Path:
        return self.out / "landing"

    @cached_property
    def truth(self) -> dict[str, Any]:
        return json.loads(self.report.truth_file.read_text(encoding="utf-8"))

    def files(self, source: str) -> list[Path]:
        return sorted((self.landing / source).iterdir())

    def rows(self, source: str) -> list[dict[str, Any]]:
        return [row for path in self.files(source) for row in read_rows(path)]

    def records(self, source: str) -> dict[str, dict[str, Any]]:
        """Rows of a feedback source by id, broken ones left out."""
        known = self.truth["labels"][source]
        return {row[IDS[source]]: row for row in self.rows(source) if row[IDS[source]] in known}

    @cached_property
    def texts(self) -> list[tuple[str, str, str, dict[str, Any]]]:
        """(source, ref, text, label) of every record with words."""
        found = []
        for source, columns in TEXTS.items():
            for ref, row in self.records(source).items():
                label = self.truth["labels"][source][ref]
                if label["families"]:
                    found.append((source, ref, " ".join(row[column] or "" for column in columns), label))
        for ref, row in self.records("chats").items():
            label = self.truth["labels"]["chats"][ref]
            said = " ".join(turn["text"] for turn in row["turns"] if turn["speaker"] == "customer")
            found.append(("chats", ref, said, label))
        return found


def simulated(out: Path, records: int = 3_000, **settings: Any) -> Simulated:
    return Simulated(out, simulate(out, records=records, last_day=LAST_DAY, **settings))


@pytest.fixture(scope="session")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Simulated:
    """The sample shop at a twelfth of its size: large enough for rates, small enough for a test."""
    return simulated(tmp_path_factory.mktemp("shop"), records=4_000)
