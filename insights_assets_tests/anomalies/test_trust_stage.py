"""The certificate on a real home: unsound inputs are published with their reason, and `insights answer` ends with 3; a leak is not published."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from insights_assets.anomalies.build_trust import CONTACT
from insights_assets.anomalies.soundness_tables import CORRECTED_SHARES, DRIFT, TRUST_CERTIFICATE
from insights_assets.cli import main
from insights_assets.resources.operations import open_operations
from insights_assets.run import run_whole_loop
from insights_assets.settings import Settings
from insights_assets_tests.house import PRODUCTS, TestHouse, order, review

AS_OF = date(2026, 11, 10)


def fill(house: TestHouse, broken: int) -> None:
    house.put("products", "products.jsonl", PRODUCTS)
    house.put("orders", "orders.jsonl", [order(f"O{n}", "LMP-1", f"C{n}") for n in range(40)])
    house.put("reviews", "reviews.jsonl", [review(f"R{n}", f"O{n}", f"C{n}", body=f"Shattered on arrival, piece {n}.") for n in range(40)])
    house.put("reviews", "broken.jsonl", [{**review(f"B{n}", None, None), "created_at": "yesterday"} for n in range(broken)])


def certificate(house: TestHouse) -> dict[str, dict[str, Any]]:
    return {row["condition"]: row for row in house.rows(TRUST_CERTIFICATE)}


@pytest.mark.slow
@pytest.mark.timeout(400)
def test_unsound_inputs_make_the_answer_untrusted_and_sound_ones_do_not(tmp_path: Path, spark: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path))
    monkeypatch.setenv("INSIGHTS_CUSTOMER_KEY_SECRET", "test")
    for broken, code in ((0, 0), (6, 3)):
        house = TestHouse(tmp_path / f"home{broken}", spark, as_of=AS_OF)
        fill(house, broken)
        outcome = run_whole_loop(Settings(home=house.settings.home, as_of=AS_OF))
        assert outcome.succeeded, outcome.error
        found = certificate(house)
        assert found["records_accounted"]["answer"] == "pass" and found["no_contact_details_in_text"]["answer"] == "pass"
        assert found["quarantine_share_small"]["answer"] == ("fail" if broken else "pass")
        assert found["overall"]["answer"] == ("fail" if broken else "too_few")
        assert house.rows(DRIFT) == [], "forty records fill no window"
        assert {row["answer"] for row in house.rows(CORRECTED_SHARES)} == {"too_few"}
        answered = CliRunner().invoke(main, ["answer", "--home", str(house.settings.home)])
        assert answered.exit_code == code, answered.output
        assert ("NOT TRUSTED: quarantine share small: 13.0 % of reviews" in answered.output) is bool(broken), answered.output


@pytest.mark.slow
@pytest.mark.timeout(400)
def test_a_leak_is_not_published(tmp_path: Path, spark: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path))
    house = TestHouse(tmp_path / "home", spark, as_of=AS_OF)
    fill(house, 0)
    # A redactor that overlooks everything: what the certificate is for.
    monkeypatch.setattr("insights_assets.anomalies.build_trust.CONTACT", "Shattered")
    outcome = run_whole_loop(house.settings)
    assert outcome.stopped_by is not None and outcome.stopped_by.name == "inputs_may_be_published"
    assert open_operations(house.settings.operations_target).latest_publication() is None
    assert not (house.settings.home / "desk" / "tickets").exists(), "and nothing was written to a desk"
    assert certificate(house)["overall"]["stops_publication"]


@pytest.mark.parametrize(
    ("text", "leaks"),
    [("write to ana.b@mail.test please", True), ("card 4111 1111 1111 1111 was charged", True), ("paid 4111111111111111", True), ("@lumen_and_loom please answer", False),
     ("[email] and [card]", False), ("order LL-261017-00066", False), ("tracking 00340434161094021501123456", False)],
)  # fmt: skip
def test_what_counts_as_a_contact_detail(spark: Any, text: str, leaks: bool) -> None:
    from pyspark.sql import functions as F

    [row] = spark.createDataFrame([(text,)], "text string").select(F.col("text").rlike(CONTACT).alias("leaks")).toArrow().to_pylist()
    assert row["leaks"] is leaks
