"""The plot counts what the sentence beside it counts: people in the place of the insight, each once."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pandas as pd

from insights_assets.actions.model import Issue
from insights_assets.console.people import Place, daily_people, place_of, usual_per_day
from insights_assets_tests.console.homes import AS_OF, ONSET, insight

CUTS = ("product_line", "sku", "region", "warehouse", "packaging_batch", "carrier", "channel")


def mention(number: int, day: date, person: str, **changes: Any) -> dict[str, Any]:
    base = {"feedback_id": f"f{number}", "topic": "damaged_on_arrival", "person": person, "day": day, "known_day": day, "confidence": 0.9}
    return {**base, **dict.fromkeys(CUTS), "packaging_batch": "PB07", **changes}


def days_of(rows: list[dict[str, Any]], place: Place) -> dict[date, int]:
    counted = daily_people(pd.DataFrame(rows), place, ONSET, AS_OF)
    return {entry.day: entry.people for entry in counted}


BATCH = Place("damaged_on_arrival", {"packaging_batch": "PB07"})


def test_days_without_anybody_are_there_with_zero() -> None:
    found = days_of([mention(1, AS_OF, "a")], BATCH)
    assert list(found) == [ONSET + timedelta(days=n) for n in range(7)]
    assert sum(found.values()) == found[AS_OF] == 1


def test_a_person_counts_once_in_two_weeks_and_again_after() -> None:
    early = AS_OF - timedelta(days=20)
    rows = [mention(1, ONSET, "a"), mention(2, AS_OF, "a"), mention(3, early, "b"), mention(4, AS_OF, "b")]
    assert days_of(rows, BATCH) == {ONSET + timedelta(days=n): int(n in (0, 6)) for n in range(7)}


def test_a_person_who_names_the_batch_only_later_is_counted_on_the_first_day() -> None:
    rows = [mention(1, ONSET, "a", packaging_batch=None), mention(2, AS_OF, "a")]
    found = days_of(rows, BATCH)
    assert (found[ONSET], found[AS_OF]) == (1, 0)


def test_other_places_and_topics_do_not_count() -> None:
    rows = [mention(1, AS_OF, "a", packaging_batch="PB05"), mention(2, AS_OF, "b", topic="sizing_issue"), mention(3, AS_OF, "c")]
    assert days_of(rows, BATCH)[AS_OF] == 1


def test_safety_counts_its_reports_and_nothing_else() -> None:
    rows = [mention(1, AS_OF, "a", topic="safety"), mention(2, AS_OF, "a", topic="safety"), mention(3, AS_OF, "b", topic="safety")]
    found = days_of(rows, Place("safety", {}, frozenset({"f1", "f2"})))
    assert found[AS_OF] == 2


def test_nothing_is_drawn_where_mentions_cannot_be_known() -> None:
    assert daily_people(None, BATCH, ONSET, AS_OF) == ()


def test_an_issue_is_measured_in_its_cause_only_when_that_is_certain() -> None:
    row = insight("INS-1", "damaged_on_arrival", "t", scope={"warehouse": "WH"}, cause={"warehouse": "WH", "packaging_batch": "PB07"})
    certain = Issue.from_row({**row, "cause_status": "tied"})
    unsure = Issue.from_row({**row, "cause_status": "possible"})
    assert place_of(certain, []).attributes == {"warehouse": "WH", "packaging_batch": "PB07"}
    assert place_of(unsure, []).attributes == {"warehouse": "WH"}


def test_the_last_day_of_the_issue_says_where_and_by_which_topic() -> None:
    issue = Issue.from_row(insight("INS-1", "app_or_site_problem", "t", scope={"region": "de", "warehouse": "WH"}))
    base: dict[str, Any] = {"insight_id": "INS-1", "signal_topic": "app_or_site_problem", "cell": {}, "scope": {}, "reports": None}
    days = [{**base, "as_of_day": ONSET}, {**base, "as_of_day": AS_OF, "signal_topic": "cart_abandonment", "scope": {"region": "de"}}]
    place = place_of(issue, days)
    assert (place.topic, dict(place.attributes), place.only) == ("cart_abandonment", {"region": "de"}, None)


def test_usual_a_day_is_unknown_where_nothing_is_usual() -> None:
    row = insight("INS-1", "safety", "t", expected_count=8.0, window_start=AS_OF - timedelta(days=3), window_end=AS_OF)
    assert usual_per_day(Issue.from_row(row)) == 2.0
    assert usual_per_day(Issue.from_row({**row, "expected_count": 0.0})) is None
    assert usual_per_day(Issue.from_row({**row, "window_start": None})) is None
