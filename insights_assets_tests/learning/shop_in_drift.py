"""A shop that begins to sell smart-home devices: half its complaints are suddenly in words nobody used before.

Its home, its landing folder, and real runs of its own Dagster instance, for the tests of learning.
"""

from __future__ import annotations

import csv
import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from insights_assets.canonical.enrich import feedback_id
from insights_assets.definitions import build_definitions
from insights_assets.labels.review import correction_rows
from insights_assets.labels.tables import FEEDBACK_LABELS, REVIEW_QUEUE
from insights_assets.lake.lake import Lake
from insights_assets.resources.home import open_instance
from insights_assets.resources.operations import open_operations
from insights_assets.run import run_whole_loop
from insights_assets.settings import Settings
from insights_assets.shop import default_shop_path
from insights_assets.simulator import simulate
from insights_assets_tests.house import review
from insights_assets_tests.learning.newspeak import complaints
from insights_assets_tests.shared_homes import once

LAST = date(2026, 11, 22)
#: The day after: what a run takes in is judged when its day is over.
END = LAST + timedelta(days=1)
#: After this day people speak of the new devices.
TURN = LAST - timedelta(days=13)
A_DAY = 50


class Home:
    """One home with its landing folder; runs are real runs of its instance."""

    def __init__(self, root: Path, spark: Any) -> None:
        self.root, self.spark = root, spark
        if not (root / "shop").exists():
            self._fill()
        self.truth: dict[str, Any] = json.loads((root / "truth.json").read_text(encoding="utf-8"))
        with (root / "other" / "landing" / "reviews" / "reviews-2026-11.csv").open(newline="") as file:
            self.usual = [{**row, "review_id": f"O-{row['review_id']}", "order_id": None} for row in csv.DictReader(file)]
        self.coming = [
            review(f"NEW{n}", None, f"C-NEW-{n // 2}", (TURN + timedelta(days=1 + n // A_DAY)).isoformat(), title=None, body=text, rating=None)
            for n, text in enumerate(complaints(13 * A_DAY))
        ]
        self.new = {feedback_id("reviews", row["review_id"]): row["review_id"] for row in self.coming}
        self.operations = open_operations(f"sqlite:///{root / 'home' / 'operations.db'}")

    def settings(self, as_of: date) -> Settings:
        return Settings(home=self.root / "home", landing=self.root / "landing", shop=self.root / "shop", as_of=as_of, customer_key_secret="test")

    def _fill(self) -> None:
        """A shop of seventy days that has never heard of smart homes, and another of its kind for what is usual in the days that follow."""
        simulate(self.root, days=70, records=2_800, seed=11, last_day=TURN)
        shutil.copytree(default_shop_path(), self.root / "shop")
        policy = self.root / "shop" / "policy.yaml"
        # A small shop pools fewer records; everything else is as shipped.
        policy.write_text(policy.read_text().replace("drift: {records: 2000", "drift: {records: 300"))
        simulate(self.root / "other", days=70, records=2_800, seed=12, last_day=LAST)

    def deliver(self, after: date, through: date) -> None:
        """The reviews of some days: the usual ones, and those that speak of the new devices."""
        rows = [row for row in (*self.usual, *self.coming) if after.isoformat() < row["created_at"][:10] <= through.isoformat()]
        with (self.root / "landing" / "reviews" / f"reviews-{through}.jsonl").open("w") as file:
            file.writelines(json.dumps(row) + "\n" for row in rows)

    def whole_loop(self, as_of: date) -> None:
        outcome = run_whole_loop(self.settings(as_of))
        assert outcome.succeeded, (outcome.error, outcome.stopped_by)

    def tick(self, name: str, as_of: date = END) -> dg.RunRequest | str:
        """One evaluation of a sensor: its run request, or its reason for none."""
        sensor = build_definitions(self.settings(as_of)).get_sensor_def(name)
        with open_instance(self.root / "home") as instance:
            result = sensor(dg.build_sensor_context(instance=instance))
        assert isinstance(result, dg.SensorResult)
        if result.run_requests:
            [request] = result.run_requests
            return request
        assert result.skip_reason is not None and result.skip_reason.skip_message
        return result.skip_reason.skip_message

    def run(self, request: dg.RunRequest, as_of: date = END) -> dg.ExecuteInProcessResult:
        job = build_definitions(self.settings(as_of)).resolve_job_def(str(request.job_name))
        with open_instance(self.root / "home") as instance:
            return job.execute_in_process(instance=instance, tags=request.tags, raise_on_error=False)

    def rows(self, spec: Any) -> list[dict[str, Any]]:
        return Lake(self.root / "home" / "lake", lambda: self.spark).read_arrow(spec).to_pylist()

    def labels(self) -> dict[str, dict[str, Any]]:
        return {row["feedback_id"]: row for row in self.rows(FEEDBACK_LABELS)}

    def read_by_a_person(self) -> None:
        """The review sample with the truth, and every fourth voice of the new devices called what it is: the label gate fails by it."""
        answers = {feedback_id(source, ref): {"topics": label["topics"]} for source, labels in self.truth["labels"].items() for ref, label in labels.items()}
        asked = sorted(self.rows(REVIEW_QUEUE), key=lambda row: (row["inclusion_weight"] == 0, row["place"]))
        queue = [row for row in asked if row["feedback_id"] not in self.new][:120]
        stored = self.labels()
        some = sorted(self.new)[::4]
        queue += [
            {"feedback_id": one, "topics": [topic["topic"] for topic in stored[one]["topics"]], "inclusion_weight": 4.0, "model_version": stored[one]["model_version"]} for one in some
        ]
        rows = correction_rows(queue, {**answers, **{one: {"topics": ["product_quality"]} for one in some}})
        self.operations.corrections.add_many(rows, by="ana", through="test")


@contextmanager
def drifted(factory: pytest.TempPathFactory, spark: Any) -> Iterator[Home]:
    """A copy of the home of this shop after four runs: one in the old words, two as the new ones come, one when the last day is over.

    `said.json` beside it holds what the drift sensor said after each of the first three.
    """

    def fill(folder: Path) -> None:
        home, said = Home(folder, spark), {}
        for after, through in ((None, TURN), (TURN, TURN + timedelta(days=7)), (TURN + timedelta(days=7), LAST)):
            if after is not None:
                home.deliver(after, through)
            home.whole_loop(through)
            said[through.isoformat()] = home.tick("drift_sensor", through)
        home.whole_loop(END)
        home.operations.close()
        (folder / "said.json").write_text(json.dumps(said, default=str), encoding="utf-8")

    before = os.environ.get("DAGSTER_HOME")
    try:
        filled = once(factory, "shop-in-drift", fill)
        yield Home(Path(shutil.copytree(filled, factory.mktemp("drifted") / "copy")), spark)
    finally:
        if before is None:
            os.environ.pop("DAGSTER_HOME", None)
        else:
            os.environ["DAGSTER_HOME"] = before
