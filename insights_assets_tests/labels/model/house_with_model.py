"""A small home whose labels stage asks the stand-in: easy texts that the local path knows, hard ones that only the oracle knows."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

from insights_assets.canonical.tables import FEEDBACK
from insights_assets.labels.cascade_tables import LABEL_DECISIONS
from insights_assets.labels.tables import FEEDBACK_LABELS
from insights_assets.resources.table_assets import BODIES
from insights_assets_tests.contract.azure_openai_brains import Reply, oracle, reply
from insights_assets_tests.contract.azure_openai_server import DEPLOYMENT, KEY, AzureOpenAI, Brain
from insights_assets_tests.house import PRODUCTS, TestHouse, filled_home, order, review

DAY = date(2026, 11, 10)
#: Text and right topic; the local path is right about these, and sure.
EASY = (
    ("The parcel still has not arrived and tracking has not moved for two weeks.", "shipping_delay"),
    ("Far too small, the jumper squeezes my shoulders.", "sizing_issue"),
    ("The glass was shattered when I opened the parcel.", "damaged_on_arrival"),
    ("Love it, perfect quality and it arrived early.", "praise"),
    ("I was charged twice for the same order.", "billing_confusion"),
)
NUMBERS = ("one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve")
#: Words the local path never met; what is right is known to the oracle alone.
HARD = tuple(
    (f"Verily my lamp {verb} thrice betwixt moonrise {number}, forsooth a wretched contraption.", "product_quality")
    for verb, number in zip(("sputtered", "guttered", "dwindled", "flickered", "wavered", "dimmed"), NUMBERS, strict=False)
)


def answers() -> dict[str, Reply]:
    """The oracle's labels: every text's right topic with the whole text as its quote."""
    tone = {"praise": "positive"}
    return {text: reply([(topic, text)], sentiment=tone.get(topic, "negative")) for text, topic in (*easy(), *HARD)}


def easy() -> list[tuple[str, str]]:
    """Forty-odd easy texts, each its own."""
    return [(text if not number else f"{text} Order number {NUMBERS[number]}.", topic) for number in range(8) for text, topic in EASY]


def texts() -> list[tuple[str, str]]:
    return [*easy(), *HARD]


def open_house(tmp_path: Path, spark: Any, server: AzureOpenAI, *, called: str = "home", **settings: Any) -> TestHouse:
    """The home with its records taken in, labels not yet made."""
    return asking(filled_home("house-with-model", tmp_path, lambda home: taken_in(home, spark), called=called), spark, server, **settings)


def asking(home: Path, spark: Any, server: AzureOpenAI, **settings: Any) -> TestHouse:
    """A home with its records taken in, whose labels stage asks this server."""
    server.deployments.add(DEPLOYMENT)
    given = {
        "model": "azure", "model_endpoint": server.url, "model_deployment": DEPLOYMENT, "model_key": KEY, "model_wait_seconds": 20.0, "model_timeout_seconds": 5.0,
        "model_exploration": 0.0, **settings,
    }
    return TestHouse(home, spark, as_of=DAY, previous_as_of=DAY, **given)


def taken_in(home: Path, spark: Any) -> TestHouse:
    house = TestHouse(home, spark, as_of=DAY)
    house.put("products", "products.jsonl", PRODUCTS)
    house.put("orders", "orders-2026-11.jsonl", [order("O1", "KNT-2", "C1")])
    put(house, "r-2026-11.jsonl", dict(texts()))
    house.run("sources", "canonical")
    return house


def put(house: TestHouse, name: str, said: Mapping[str, str], day: str | None = None) -> None:
    """A landing file of reviews with these texts, over three days."""
    house.put("reviews", name, [
        review(f"{name}-{number}", None, f"C{number}", day=day or f"2026-11-0{5 + number % 3}", title=None, body=text, rating=5 if topic == "praise" else 2)
        for number, (text, topic) in enumerate(said.items())
    ])


def label(house: TestHouse, run_id: str) -> Any:
    """One run of the body that labels; gives its step."""
    import insights_assets.labels.assets  # noqa: F401 - fills BODIES

    step = house.step("labels__feedback_labels", run_id)
    BODIES["labels__feedback_labels"][0](step)
    return step


def rows(house: TestHouse) -> dict[str, dict[str, Any]]:
    """text -> label row without what differs between runs."""
    volatile = {column.name for column in FEEDBACK_LABELS.columns if column.volatile}
    said = {row["feedback_id"]: row["text"] for row in house.rows(FEEDBACK)}
    return {said[row["feedback_id"]]: {name: value for name, value in row.items() if name not in volatile} for row in house.rows(FEEDBACK_LABELS)}


def decisions(house: TestHouse) -> dict[str, dict[str, Any]]:
    """text -> decision."""
    said = {row["feedback_id"]: row["text"] for row in house.rows(FEEDBACK)}
    return {said[row["feedback_id"]]: row for row in house.rows(LABEL_DECISIONS)}


def knowing() -> Brain:
    return oracle(answers())
