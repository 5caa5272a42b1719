"""The gate in front of a promotion: better beyond chance and nowhere worse passes; few records answer too few, never pass."""

from __future__ import annotations

import pytest

from insights_assets.labels.comparison import Paired, binomial_tail, compare

RIGHT = frozenset({"product_quality"})
WRONG = frozenset({"praise"})
NONE: frozenset[str] = frozenset()


def pairs(better: int, worse: int, both: int) -> list[Paired]:
    return [Paired(RIGHT, NONE, RIGHT)] * better + [Paired(NONE, RIGHT, RIGHT)] * worse + [Paired(RIGHT, RIGHT, RIGHT)] * both


def test_the_tail_is_exact() -> None:
    assert binomial_tail(5, 5) == pytest.approx(1 / 32)
    assert binomial_tail(0, 4) == 1.0
    assert binomial_tail(8, 10) == pytest.approx(56 / 1024)


@pytest.mark.parametrize(
    ("better", "worse", "both", "answer"),
    [(12, 0, 60, "pass"), (12, 2, 60, "pass"), (12, 9, 60, "fail"), (0, 12, 60, "fail"), (3, 0, 60, "too_few"), (0, 0, 60, "too_few"), (20, 0, 5, "too_few")],
)
def test_answers(better: int, worse: int, both: int, answer: str) -> None:
    found = compare(pairs(better, worse, both), 30)
    assert found.answer == answer, found.reason
    assert (found.better, found.worse, found.records) == (better, worse, better + worse + both)


def test_a_candidate_that_loses_a_topic_fails_however_much_it_gains() -> None:
    lost = [Paired(NONE, frozenset({"safety"}), frozenset({"safety"}))] * 8 + [Paired(frozenset({"safety"}), frozenset({"safety"}), frozenset({"safety"}))] * 4
    found = compare([*pairs(60, 0, 40), *lost], 30)
    assert found.answer == "fail" and set(found.worse_topics) == {"safety"}
    assert compare(pairs(60, 0, 40), 30).answer == "pass"


def test_it_is_the_same_every_time() -> None:
    assert compare(pairs(9, 3, 50), 30) == compare(pairs(9, 3, 50), 30)
