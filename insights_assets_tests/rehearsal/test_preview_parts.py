"""The parts of a change preview: what a word names, what a label set does to labels, when a trend leaves its interval, how insights are paired."""

from __future__ import annotations

import dataclasses
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from insights_assets.anomalies.versions import Ratio
from insights_assets.labels.label_set import load_label_set
from insights_assets.labels.models import shipped_version
from insights_assets.labels.prompts import prompt_text
from insights_assets.labels.renaming import fresh_topics, renamed_row, successors
from insights_assets.labels.rules import load_rules
from insights_assets.rehearsal.change import ChangeError, read_change
from insights_assets.rehearsal.flips import Looked
from insights_assets.rehearsal.insight_changes import insight_findings
from insights_assets.rehearsal.preview import Preview
from insights_assets.rehearsal.preview_report import render
from insights_assets.rehearsal.ticket_evidence import ticket_findings
from insights_assets.rehearsal.trends import trend_finding, weeks_of, wobble
from insights_assets.resources.operations import Operations, open_operations
from insights_assets.shop import load_shop

LAST = date(2026, 11, 22)


@pytest.fixture
def operations(tmp_path: Path) -> Operations:
    made = open_operations(tmp_path / "operations.db")
    made.migrate()
    return made


def test_words_name_changes(tmp_path: Path, operations: Operations) -> None:
    prompt = read_change("v1", tmp_path, operations)
    assert (prompt.kind, prompt.version[:19], prompt.against[:19]) == ("prompt", "label_feedback/v1@" + prompt.version[18], "label_feedback/v3@" + prompt.against[18])
    assert read_change("label_feedback/v1", tmp_path, operations).prompt == prompt.prompt
    assert read_change("label_sets/v1", tmp_path, operations).label_set == load_label_set()
    assert read_change(shipped_version(), tmp_path, operations).classifier is not None
    draft = tmp_path / "set.yaml"
    draft.write_text(prompt_text("label_sets/v1.yaml").replace("version: v1", "version: v2"))
    assert read_change(str(draft), tmp_path, operations).version.startswith("label_sets/v2@")
    rules = tmp_path / "rules.yaml"
    rules.write_text((Path(__file__).parents[2] / "insights_assets" / "labels" / "rules.yaml").read_text())
    assert (read_change(str(rules), tmp_path, operations).kind, read_change(str(rules), tmp_path, operations).against) == ("rules", f"rules {load_rules().version}")


@pytest.mark.parametrize(("word", "told"), [
    ("v9", "names no change: give a prompt (v1, v2, v3), a label set (label_sets/v1), a classifier"), ("candidate", "no classifier was trained in this home yet"),
    ("local@0", "not among the home's models"), ("label_sets/v9", "there are v1"), ("nosuch.yaml", "is not there"),
])  # fmt: skip
def test_words_that_name_nothing_say_what_there_is(tmp_path: Path, operations: Operations, word: str, told: str) -> None:
    with pytest.raises(ChangeError) as raised:
        read_change(word, tmp_path, operations)
    assert told in str(raised.value)


def test_files_that_are_none_say_why(tmp_path: Path, operations: Operations) -> None:
    path = tmp_path / "x.yaml"
    for text, told in (("a: 1", "neither `rules` nor `topics`"), ("rules: [{id: r}]", "x.yaml"), ("topics: {}", "x.yaml"), ("a: [", "not readable as YAML")):
        path.write_text(text)
        with pytest.raises(ChangeError, match=told.replace(".", r"\.")):
            read_change(str(path), tmp_path, operations)


def label(*topics: str, tags: tuple[str, ...] = ()) -> dict[str, Any]:
    written = [{"topic": topic, "confidence": 0.9 - n / 10, "quote": topic, "start": 0, "end": 1, "sentiment": "negative"} for n, topic in enumerate(topics)]
    return {"topics": written, "primary_topic": topics[0], "confidence": 0.9, "sentiment": "negative", "risk_tags": list(tags)}


def test_a_label_set_renames_merges_and_drops() -> None:
    old = load_label_set()
    kept = tuple(dataclasses.replace(one, deprecated_to="missing_accessories") if one.topic == "wrong_item" else one for one in old.topics if one.topic != "price_value")
    new = dataclasses.replace(old, version="v2", topics=(*kept, dataclasses.replace(kept[0], topic="packaging_waste")))
    names = successors(old, new)
    assert (names["wrong_item"], names["price_value"], names["safety"]) == ("missing_accessories", None, "safety") and fresh_topics(old, new) == ("packaging_waste",)
    tags = frozenset({"churn_risk"})
    merged = renamed_row(label("wrong_item", "missing_accessories"), names, tags)
    assert [one["topic"] for one in merged["topics"]] == ["missing_accessories"] and merged["topics"][0]["quote"] == "wrong_item", "the surer of two stays"
    assert renamed_row(label("price_value"), names, tags)["primary_topic"] == "other"
    assert renamed_row(label("price_value", "safety", tags=("churn_risk", "refund_risk")), names, tags)["risk_tags"] == ["churn_risk"]


def test_the_interval_of_a_count_holds_what_chance_does() -> None:
    import numpy as np

    rng = np.random.default_rng(1)
    for mean, dispersion in ((5, 0.0), (40, 0.0), (40, 0.05), (400, 0.05)):
        drawn = rng.poisson(mean, 4000) if not dispersion else rng.negative_binomial(1 / dispersion, 1 / (1 + dispersion * mean), 4000)
        low, high = wobble(mean, dispersion)
        inside = float(((drawn >= low) & (drawn <= high)).mean())
        assert 0.93 <= inside <= 0.985, (mean, dispersion, inside)
    assert wobble(0, 0.05)[0] == 0.0 and 2.0 < wobble(0, 0.05)[1] < 5.0


def daily(people: float) -> dict[date, float]:
    return {LAST - timedelta(days=n): people for n in range(70)}


def test_a_trend_leaves_its_interval_or_holds() -> None:
    same = trend_finding("safety", weeks_of(daily(5), LAST, 0.05, after=daily(5)))
    half = trend_finding("safety", weeks_of(daily(5), LAST, 0.05, after=daily(2)))
    assert same is not None and half is not None
    assert (same.answer, same.count, half.answer, half.count) == ("holds", 0, "leaves", 8) and half.share == 0.4 and half.before == 280
    assert "280 people in 8 weeks would be 112 (0.40 x); 8 of 8 weeks leave their interval" in half.words
    assert trend_finding("safety", weeks_of({}, LAST, 0.05, after={})) is None
    unsure = trend_finding("safety", weeks_of(daily(5), LAST, 0.05, ratio=Ratio(0.7, 0.04)), Ratio(0.7, 0.04))
    assert unsure is not None and unsure.answer == "may_leave" and unsure.low is not None and unsure.low < 0.5 < 1.0 < (unsure.high or 0)
    sure = trend_finding("safety", weeks_of(daily(5), LAST, 0.05, ratio=Ratio(0.3, 0.001)), Ratio(0.3, 0.001))
    assert sure is not None and sure.answer == "leaves"


def insight(name: str, **more: Any) -> dict[str, Any]:
    base = {"insight_id": name, "topic": "safety", "title": f"Title {name}", "tier": 2, "state": "active", "opened_day": LAST, "scope": {}, "cause": {"sku": "A"}, "customers_count": 9}
    return {**base, **more}


def test_insights_are_paired_by_id_and_by_place() -> None:
    before = [insight("A"), insight("B", cause={"sku": "B"}), insight("C", cause={"sku": "C"}), insight("D", cause={"sku": "D"})]
    after = [
        insight("A"), insight("B2", cause={"sku": "B"}, opened_day=LAST - timedelta(days=2)), insight("D", cause={"sku": "D"}, state="resolved"), insight("E", cause={"sku": "E"}, tier=1)
    ]
    found = {one.subject: one for one in insight_findings(before, after)}
    assert {name: one.answer for name, one in found.items()} == {"C": "vanishes", "E": "appears", "B": "moves", "D": "moves", "A": "stays"}
    assert "seen on 2026-11-20 instead of 2026-11-22" in found["B"].words and "over instead of running" in found["D"].words and "with its alert" in found["E"].words


def test_tickets_lose_what_no_longer_says_it() -> None:
    tickets = [
        {"action_id": "T1", "kind": "defect_ticket", "title": "One", "of_topic": "safety", "records": ["a", "b", "c"]},
        {"action_id": "T2", "kind": "macro", "title": "Two", "of_topic": "app_or_site_problem", "records": ["s"]},
    ]
    before = {("a", "safety"), ("b", "safety"), ("c", "safety"), ("s", "cart_abandonment")}
    lost, kept = ticket_findings(tickets, before, {("a", "safety"), ("b", "praise"), ("s", "cart_abandonment")})
    assert (lost.subject, lost.answer, lost.before, lost.after, lost.sample_ids) == ("T1", "loses_most", 3.0, 1.0, ("b", "c"))
    assert "would keep 1 of the 3 records it rests on" in lost.words and (kept.answer, kept.share) == ("keeps", 1.0)


def test_a_sample_has_an_interval_and_the_whole_has_none() -> None:
    assert Looked(100).interval(0.5) == (None, None)
    low, high = Looked(100, 50, 500).interval(0.5)
    assert low is not None and high is not None and 0.3 < low < 0.5 < high < 0.7
    assert Looked(100, 500, 500).interval(0.5) == (None, None)


def test_the_page_is_the_same_every_time_and_its_quotes_are_inert(tmp_path: Path, operations: Operations) -> None:
    finding = trend_finding("sizing_issue", weeks_of(daily(5), LAST, 0.05, after=daily(2)))
    from insights_assets.rehearsal.findings import Finding

    assert finding is not None
    flip = Finding("flip", "a -> b", "flips", "3 records", sample_ids=("F1",), quotes=("<script>see http://evil.test</script>",))
    made = Preview("PRV-1", read_change("label_sets/v1", tmp_path, operations), LAST, (Finding("summary", "all", "changes", "3 records flip"), flip, finding))
    def once() -> str:
        return render(made, load_shop(None))

    page = once()
    assert page == once() and "<svg" in page and "<script>" not in page and "http://" not in page.replace("http://www.w3.org", "") and "3 records flip" in page
