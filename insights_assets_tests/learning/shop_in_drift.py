"""A shop that begins to sell smart-home devices: half its complaints are suddenly in words nobody used before.

Its home, its landing folder, and real runs of its own Dagster instance, for the tests of learning.
"""

from __future__ import annotations

import csv
import json
import shutil
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import dagster as dg

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
        self.truth = self._fill()
        self.operations = open_operations(f"sqlite:///{root / 'home' / 'operations.db'}")

    def settings(self, as_of: date) -> Settings:
        return Settings(home=self.root / "home", landing=self.root / "landing", shop=self.root / "shop", as_of=as_of, customer_key_secret="test")

    def _fill(self) -> dict[str, Any]:
        """A shop of seventy days that has never heard of smart homes."""
        simulate(self.root, days=70, records=2_800, seed=11, last_day=TURN)
        shutil.copytree(default_shop_path(), self.root / "shop")
        policy = self.root / "shop" / "policy.yaml"
        # A small shop pools fewer records; everything else is as shipped.
        policy.write_text(policy.read_text().replace("drift: {records: 2000", "drift: {records: 300"))
        # What is usual goes on: the reviews that another shop of the same kind gets in these days.
        simulate(self.root / "other", days=70, records=2_800, seed=12, last_day=LAST)
        with (self.root / "other" / "landing" / "reviews" / "reviews-2026-11.csv").open(newline="") as file:
            self.usual = [{**row, "review_id": f"O-{row['review_id']}", "order_id": None} for row in csv.DictReader(file)]
        self.coming = [
            review(f"NEW{n}", None, f"C-NEW-{n // 2}", (TURN + timedelta(days=1 + n // A_DAY)).isoformat(), title=None, body=text, rating=None)
            for n, text in enumerate(complaints(13 * A_DAY))
        ]
        self.new = {feedback_id("reviews", row["review_id"]): row["review_id"] for row in self.coming}
        truth: dict[str, Any] = json.loads((self.root / "truth.json").read_text())
        return truth

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
