"""The calendar of the rules: births need texts and weeks (or a sudden many), the past never changes, day by day equals
all at once.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import numpy as np
import pytest

from insights_assets.clusters.learning_words import learn
from insights_assets.clusters.themes import Book
from insights_assets.clusters.walk import ALERT_TEXTS, Heard, Rules, Timeline, walk
from insights_assets.clusters.word_space import WordSpace
from insights_assets_tests.clusters.speech import MONDAY, heard_of, spoken

WEEKS = 6
DAYS = 7 * WEEKS
STEADY = {"glass": [2] * DAYS, "leak": [2] * DAYS, "courier": [2] * DAYS}


@pytest.fixture(scope="module")
def space() -> WordSpace:
    return learn(
        [
            row["text"]
            for row in spoken({name: [4] * DAYS for name in ("glass", "leak", "courier", "customs")}, days=DAYS, seed=2)
        ]
    )


def walked(heard: Heard, days: int, *, book: Book | None = None, first: int = 0) -> tuple[Book, Timeline]:
    rules = Rules(floor=0.45, model_id="m")
    return walk(book or Book(), heard, MONDAY + timedelta(days=first), MONDAY + timedelta(days=days - 1), rules)


def day(number: int) -> date:
    return MONDAY + timedelta(days=number)


def until(heard: Heard, days: int) -> Heard:
    keep = heard.days < (MONDAY + timedelta(days=days)).toordinal()
    return Heard(*(getattr(heard, name)[keep] for name in Heard.__dataclass_fields__))


def placed(heard: Heard, timeline: Timeline, book: Book) -> list[Any]:
    out: list[Any] = [None] * len(heard)
    for number in sorted(set(heard.days.tolist())):
        for topic in sorted(set(heard.topics[heard.days == number])):
            rows = np.flatnonzero((heard.days == number) & (heard.topics == topic))
            found = timeline.place(topic, number, heard.vectors[rows])
            for row, theme in zip(rows, found.theme_ids, strict=True):
                out[row] = theme
    assert {theme for theme in out if theme} <= set(book.themes)
    return out


def test_a_theme_needs_two_weeks(space: WordSpace) -> None:
    heard = heard_of(spoken(STEADY, days=DAYS), space)
    assert len(walked(until(heard, 7), 7)[0]) == 0, "one week of texts is no theme yet"
    book, _ = walked(until(heard, 14), 14)
    assert {theme.born_day for theme in book} == {day(13)}
    assert {theme.topic for theme in book} == {"damaged_on_arrival", "shipping_delay"}


def test_a_theme_needs_fifteen_texts(space: WordSpace) -> None:
    few = heard_of(spoken({"courier": [1, 1, 0] * 6 + [0] * DAYS}, days=28), space)
    assert len(few) <= 14
    assert len(walked(few, 28)[0]) == 0
    assert len(walked(heard_of(spoken({"courier": [1] * 28}, days=28), space), 28)[0]) == 1


def test_a_sudden_many_do_not_wait_for_sunday(space: WordSpace) -> None:
    burst = [0] * 22 + [14] * 4 + [0] * 10
    heard = heard_of(spoken({**STEADY, "customs": burst}, days=36), space)
    book, _ = walked(until(heard, 26), 26)
    assert day(26).isoweekday() != 1, "the burst ends within a week"
    sudden = [theme for theme in book if theme.born_day > day(21)]
    assert [(theme.topic, theme.born_day.isoweekday() != 7) for theme in sudden] == [("shipping_delay", True)]
    assert sudden[0].founding_texts >= ALERT_TEXTS


def test_the_same_burst_spread_out_is_no_alarm(space: WordSpace) -> None:
    slow = [0] * 21 + [4, 4, 4, 4]
    heard = heard_of(spoken({**STEADY, "customs": slow}, days=25), space)
    assert max(theme.born_day for theme in walked(heard, 25)[0]) <= day(20)


def test_later_texts_never_change_what_was_said_of_earlier_days(space: WordSpace) -> None:
    heard = heard_of(spoken({**STEADY, "customs": [0] * 28 + [6] * 14}, days=DAYS), space)
    early, early_line = walked(until(heard, 28), 28)
    late, late_line = walked(heard, DAYS)
    assert len(late) > len(early)
    for theme in early:
        assert replace(late.themes[theme.theme_id], centroid=theme.centroid, threshold=theme.threshold) == theme
    first = until(heard, 14)
    assert placed(first, early_line, early) == placed(first, late_line, late)


def test_day_by_day_gives_what_all_at_once_gives(space: WordSpace) -> None:
    heard = heard_of(spoken({**STEADY, "customs": [0] * 20 + [5] * 22}, days=DAYS), space)
    whole, line = walked(heard, DAYS)
    book, theme_ids = Book(), heard.theme_ids.copy()
    for number in range(DAYS):
        known = until(replace(heard, theme_ids=theme_ids), number + 1)
        book, step = walked(known, number + 1, book=book, first=number)
        for row in range(len(known)):
            looked_back = theme_ids[row] is None
            if looked_back:
                todays = heard.days[row] == day(number).toordinal()
                found = step.place(
                    heard.topics[row], int(heard.days[row]), heard.vectors[row : row + 1], retry_only=not todays
                )
                theme_ids[row] = found.theme_ids[0]
    assert [theme.theme_id for theme in book] == [theme.theme_id for theme in whole]
    assert len(whole) >= 4
    for theme in whole:
        assert np.array_equal(book.themes[theme.theme_id].centroid, theme.centroid)
        assert book.themes[theme.theme_id].threshold == theme.threshold
    assert theme_ids.tolist() == placed(heard, line, whole)


def test_founding_texts_join_the_theme_they_founded(space: WordSpace) -> None:
    rows = spoken(STEADY, days=14)
    heard = heard_of(rows, space)
    book, line = walked(heard, 14)
    themes = placed(heard, line, book)
    assert sum(theme is not None for theme in themes) >= 0.85 * len(heard)
    found = line.place("shipping_delay", int(heard.days[0]), heard.vectors[heard.topics == "shipping_delay"][:1])
    assert date.fromordinal(int(found.since_days[0])) == day(13), "given by the birth that looked back"
    assert found.similarities[0] == np.round(found.similarities[0], 4)


def test_a_text_older_than_four_weeks_is_not_looked_back_on(space: WordSpace) -> None:
    rows = spoken({"courier": [1] + [0] * 30 + [3] * 11}, days=DAYS)
    heard = heard_of(rows, space)
    book, line = walked(heard, DAYS)
    assert len(book) == 1
    themes = placed(heard, line, book)
    assert themes[0] is None
    assert sum(theme is not None for theme in themes[1:]) >= 0.85 * len(themes[1:])


def test_a_quiet_stretch_changes_nothing(space: WordSpace) -> None:
    heard = heard_of(spoken(STEADY, days=14), space)
    book, _ = walked(heard, 14)
    after, line = walked(
        replace(heard, theme_ids=np.array(["TH-x"] * len(heard), dtype=object)), DAYS, book=book, first=14
    )
    assert after is book
    assert line.births == ()
