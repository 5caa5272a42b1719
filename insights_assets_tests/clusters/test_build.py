"""The stage on a home: reruns change nothing, days one by one give what all at once gives, a killed run heals, ids
outlive models.
"""

from __future__ import annotations

import shutil
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from insights_assets.canonical.tables import FEEDBACK, PRODUCTS
from insights_assets.clusters import vectors
from insights_assets.clusters.learning_words import learn
from insights_assets.clusters.register import decide_merge
from insights_assets.clusters.tables import EMBEDDINGS, THEME_MEMBERS, THEMES
from insights_assets.clusters.vectors import MODEL_FILE
from insights_assets.clusters.word_space import WordSpace
from insights_assets.labels.tables import FEEDBACK_LABELS
from insights_assets.lake.spec import TableSpec
from insights_assets_tests.clusters.speech import MONDAY, hash_of, spoken
from insights_assets_tests.house import TestHouse

pytestmark = pytest.mark.slow

DAYS = 35
STEADY = {name: [2] * DAYS for name in ("glass", "leak", "courier", "fingerprint")}
LAST = MONDAY + timedelta(days=DAYS - 1)


@pytest.fixture(scope="module")
def rows() -> list[dict[str, Any]]:
    return spoken({**STEADY, "customs": [0] * 14 + [3] * 21}, days=DAYS)


def house_of(home: Path, spark: Any, rows: list[dict[str, Any]], as_of: date = LAST) -> TestHouse:
    house = TestHouse(home, spark, as_of=as_of)
    deliver(house, rows, as_of)
    return house


def deliver(house: TestHouse, rows: list[dict[str, Any]], as_of: date, **changes: dict[str, Any]) -> None:
    """Write canonical feedback and labels of the rows known by a day, as the earlier stages would; `changes` by
    feedback_id.
    """
    house.as_of = as_of
    rows = [{**row, **changes.get(row["feedback_id"], {})} for row in rows if row["day"] <= as_of]
    days = sorted({row["day"] for row in rows})
    feedback, labels = [], []
    for row in rows:
        noon = datetime.combine(row["day"], time(12), UTC)
        known = blank(FEEDBACK) | {
            "feedback_id": row["feedback_id"],
            "source": "reviews",
            "record_ref": row["feedback_id"],
            "kind": "text",
            "channel": "storefront",
            "occurred_at": noon,
            "received_at": noon,
            "known_at": noon,
            "occurred_day": row["day"],
            "known_day": row["day"],
            "received_day": row["day"],
            "language": "en",
            "text": row["text"],
            "order_ref_status": "missing",
            "duplicate_weight": row.get("weight", 1.0),
            "text_hash": hash_of(row["text"]),
            "raw_table": "sources.reviews_raw",
            "payload_sha256": hash_of(row["feedback_id"]),
        }
        feedback.append(known)
        quote = row.get("quote", row["text"])
        topics = [
            {"topic": "praise", "confidence": 0.9, "quote": "nice", "start": 0, "end": 4, "sentiment": "positive"}
        ]
        if row["topic"] != "other":
            topics.append(
                {
                    "topic": row["topic"],
                    "confidence": 0.9,
                    "quote": quote,
                    "start": 0,
                    "end": len(quote),
                    "sentiment": "negative",
                }
            )
        label = blank(FEEDBACK_LABELS) | {
            "feedback_id": row["feedback_id"],
            "topics": topics,
            "primary_topic": row["topic"],
            "sentiment": row.get("sentiment", "negative"),
            "urgency": "normal",
            "label_source": "classifier",
            "label_set_version": "v1",
            "rules_version": "r1",
            "received_day": row["day"],
        }
        labels.append(label)
    house.lake.write(FEEDBACK, pd.DataFrame(feedback), days=days)
    house.lake.write(FEEDBACK_LABELS, pd.DataFrame(labels), days=days)
    house.lake.ensure(PRODUCTS)


def blank(spec: TableSpec) -> dict[str, Any]:
    """A row of nulls, and of empty strings where a text may not be null."""
    return {column.name: "" if column.type == "string" and not column.nullable else None for column in spec.columns}


def contents(house: TestHouse) -> dict[str, list[dict[str, Any]]]:
    """The stage's tables as the design compares them: rows by key without volatile columns."""
    out = {}
    for spec in (EMBEDDINGS, THEMES, THEME_MEMBERS):
        table = house.lake.read_arrow(spec).select(spec.stable_columns)
        out[spec.name] = table.sort_by([(name, "ascending") for name in spec.key]).to_pylist()
    return out


def versions(house: TestHouse) -> list[int | None]:
    return [house.lake.version(spec) for spec in (EMBEDDINGS, THEMES, THEME_MEMBERS)]


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory, spark: Any, rows: list[dict[str, Any]]) -> TestHouse:
    house = house_of(tmp_path_factory.mktemp("built"), spark, rows)
    steps = house.run("clusters")
    assert all(outcome.passed for step in steps.values() for outcome in step.outcomes)
    return house


def test_every_trouble_becomes_one_theme(built: TestHouse, rows: list[dict[str, Any]]) -> None:
    trouble = {row["feedback_id"]: row["trouble"] for row in rows}
    members = built.rows(THEME_MEMBERS)
    assert len(members) == len(rows)
    themed = [row for row in members if row["theme_id"]]
    assert len(themed) >= 0.9 * len(rows)
    of_theme: dict[str, set[str]] = {}
    for row in themed:
        of_theme.setdefault(row["theme_id"], set()).add(trouble[row["feedback_id"]])
    assert all(len(troubles) == 1 for troubles in of_theme.values()), of_theme
    assert {next(iter(troubles)) for troubles in of_theme.values()} == set(trouble.values())


def test_a_theme_says_what_it_is_and_how_large(built: TestHouse, rows: list[dict[str, Any]]) -> None:
    themes = built.rows(THEMES)
    members = built.rows(THEME_MEMBERS)
    trouble = {row["feedback_id"]: row["trouble"] for row in rows}
    for theme in themes:
        own = [row for row in members if row["theme_id"] == theme["theme_id"]]
        assert theme["size"] == len(own)
        assert theme["last_seen_day"] == max(row["known_day"] for row in own)
        assert theme["is_topic_candidate"] == (theme["topic"] == "other")
        assert len({trouble[name] for name in theme["exemplar_ids"]}) == 1
        assert len(theme["exemplar_ids"]) == 5
    names: dict[str, str] = {}
    for theme in themes:
        told = trouble[theme["exemplar_ids"][0]]
        names[told] = f"{names.get(told, '')} {theme['name']}"
    assert "customs" in names["customs"]
    assert "paint" in names["fingerprint"]
    assert len({theme["name"] for theme in themes}) == len(themes)


def test_a_rerun_writes_nothing(built: TestHouse) -> None:
    before, tables = versions(built), contents(built)
    built.run("clusters", run_id="run-2")
    assert versions(built) == before
    assert contents(built) == tables


def test_two_homes_learn_the_same_words_and_find_the_same_themes(
    built: TestHouse, tmp_path: Path, spark: Any, rows: list[dict[str, Any]]
) -> None:
    twin = house_of(tmp_path / "home", spark, rows[::-1])
    twin.run("clusters", run_id="another")
    assert contents(twin) == contents(built)


def test_days_one_by_one_give_what_all_at_once_gives(
    built: TestHouse, tmp_path: Path, spark: Any, rows: list[dict[str, Any]]
) -> None:
    house = house_of(tmp_path / "home", spark, rows, MONDAY + timedelta(days=9))
    (house.settings.home / "models").mkdir(parents=True)
    shutil.copy(built.settings.home / "models" / MODEL_FILE, house.settings.home / "models")
    for number in (9, 13, 14, 20, 24, 27, 28, 33, 34):
        deliver(house, rows, MONDAY + timedelta(days=number))
        house.run("clusters")
    mine, theirs = contents(house), contents(built)
    assert mine["themes"] == theirs["themes"]
    assert mine["theme_members"] == theirs["theme_members"]
    assert mine["embeddings"] == theirs["embeddings"]


def test_a_run_killed_between_members_and_themes_heals(
    built: TestHouse, tmp_path: Path, spark: Any, rows: list[dict[str, Any]]
) -> None:
    house = house_of(tmp_path / "home", spark, rows, MONDAY + timedelta(days=16))
    (house.settings.home / "models").mkdir(parents=True)
    shutil.copy(built.settings.home / "models" / MODEL_FILE, house.settings.home / "models")
    house.run("clusters")
    deliver(house, rows, LAST)
    version = house.lake.version(THEMES)
    house.run("clusters")
    house.lake._delta(THEMES).restore(version)  # the members of this run are there, its themes are not
    house.run("clusters")
    assert contents(house) == contents(built)


def test_a_record_with_another_topic_is_compared_anew_and_a_lost_one_leaves(
    built: TestHouse, tmp_path: Path, rows: list[dict[str, Any]]
) -> None:
    home = tmp_path / "home"
    shutil.copytree(built.settings.home, home)
    house = TestHouse(home, built.lake.spark, as_of=LAST)
    glass = [row["feedback_id"] for row in rows if row["trouble"] == "glass"][-2:]
    deliver(
        house,
        rows,
        LAST,
        **{glass[0]: {"topic": "shipping_delay"}, glass[1]: {"sentiment": "positive", "topic": "other"}},
    )
    house.run("clusters")
    members = {row["feedback_id"]: row for row in house.rows(THEME_MEMBERS)}
    before = {row["feedback_id"]: row for row in built.rows(THEME_MEMBERS)}
    assert members[glass[0]]["topic"] == "shipping_delay"
    assert members[glass[0]]["theme_id"] != before[glass[0]]["theme_id"]
    assert glass[1] not in members
    others = set(before) - set(glass)
    assert {name: members[name]["theme_id"] for name in others} == {name: before[name]["theme_id"] for name in others}
    assert {row["theme_id"]: row["name"] for row in house.rows(THEMES)} == {
        row["theme_id"]: row["name"] for row in built.rows(THEMES)
    }


def test_a_new_model_keeps_the_ids_and_their_meaning(
    built: TestHouse, tmp_path: Path, rows: list[dict[str, Any]]
) -> None:
    home = tmp_path / "home"
    shutil.copytree(built.settings.home, home)
    house = TestHouse(home, built.lake.spark, as_of=LAST)
    learn([row["text"] for row in rows][::2]).save(home / "models" / MODEL_FILE)
    new = WordSpace.load(home / "models" / MODEL_FILE).model_id
    more = [{**row, "feedback_id": f"N{row['feedback_id']}", "day": LAST} for row in spoken(STEADY, days=10, seed=9)]
    deliver(house, [*rows, *more], LAST)
    house.run("clusters")
    themes = {row["theme_id"]: row for row in house.rows(THEMES)}
    before = {row["theme_id"]: row for row in built.rows(THEMES)}
    assert {theme["model_id"] for theme in themes.values()} == {new}
    assert set(themes) == set(before)
    assert {row["model_id"] for row in house.rows(EMBEDDINGS)} == {new, before[next(iter(before))]["model_id"]}
    trouble = {row["feedback_id"]: row["trouble"] for row in [*rows, *more]}
    meaning = {row["theme_id"]: trouble[row["feedback_id"]] for row in built.rows(THEME_MEMBERS) if row["theme_id"]}
    fresh = [row for row in house.rows(THEME_MEMBERS) if row["feedback_id"].startswith("N")]
    right = [row for row in fresh if row["theme_id"] and meaning[row["theme_id"]] == trouble[row["feedback_id"]]]
    assert len(right) >= 0.8 * len(fresh), (len(right), len(fresh))


def test_a_merge_that_somebody_decided_takes_the_later_records(
    built: TestHouse, tmp_path: Path, rows: list[dict[str, Any]]
) -> None:
    home = tmp_path / "home"
    shutil.copytree(built.settings.home, home)
    house = TestHouse(home, built.lake.spark, as_of=LAST)
    glass, leak = (next(t["theme_id"] for t in built.rows(THEMES) if word in t["name"]) for word in ("glass", "bottle"))
    decide_merge(house.operations.facts, leak, glass)
    more = [
        {**row, "feedback_id": f"N{row['feedback_id']}"}
        for row in spoken({"leak": [3] * DAYS}, days=DAYS, seed=9)
        if row["day"] == LAST
    ]
    deliver(house, [*rows, *more], LAST)
    house.run("clusters")
    themes = {row["theme_id"]: row for row in house.rows(THEMES)}
    assert themes[leak]["merged_into"] == glass
    members = {row["feedback_id"]: row["theme_id"] for row in house.rows(THEME_MEMBERS)}
    assert {members[row["feedback_id"]] for row in more} == {glass}
    old = {row["feedback_id"]: row["theme_id"] for row in built.rows(THEME_MEMBERS)}
    assert {name: members[name] for name in old} == old, "what was said of the past stays"


def test_too_few_texts_give_no_themes_and_no_model(tmp_path: Path, spark: Any, rows: list[dict[str, Any]]) -> None:
    house = house_of(tmp_path / "home", spark, rows[: vectors.LEAST_LEARN_TEXTS // 4])
    steps = house.run("clusters")
    assert "too few" in steps["clusters__embeddings"].notes[EMBEDDINGS]["model_id"]
    assert house.rows(THEMES) == house.rows(THEME_MEMBERS) == []
    assert not (house.settings.home / "models").exists()


def test_copies_neither_found_nor_enlarge_a_theme(tmp_path: Path, spark: Any, rows: list[dict[str, Any]]) -> None:
    copies = [
        {**row, "feedback_id": f"C{n}", "weight": 0.0}
        for n, row in enumerate(r for r in rows if r["trouble"] == "leak")
    ]
    others = [row for row in rows if row["trouble"] not in ("leak",)]
    house = house_of(tmp_path / "home", spark, [*others, *copies])
    house.run("clusters")
    assert not any("bottle" in theme["name"] for theme in house.rows(THEMES))
    by_id = {row["feedback_id"]: row for row in house.rows(THEME_MEMBERS)}
    assert all(
        by_id[row["feedback_id"]]["theme_id"] is None and not by_id[row["feedback_id"]]["counts"] for row in copies
    )
