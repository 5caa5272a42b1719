"""Signals and curves of the classifier's calibration, against loops that say the same slowly."""

from __future__ import annotations

import numpy as np
import pytest

from insights_assets.labels.calibration import CURVE, OF_TEXT, OF_TOPIC, UNSAID, signals_of
from insights_assets.labels.corpus import Row
from insights_assets.labels.features import Clauses
from insights_assets.labels.training import _within

TOPICS = 3
#: Text 0 has two clauses, text 1 none, text 2 three.
OF_CLAUSE = np.array([0, 0, 2, 2, 2])


@pytest.fixture
def drawn() -> tuple[np.ndarray, np.ndarray, np.ndarray, Clauses]:
    draw = np.random.default_rng(7)
    count = len(OF_CLAUSE)
    units = Clauses(of_text=OF_CLAUSE, of_token=np.arange(count), first_token=np.arange(count), **{
        name: np.zeros(count, dtype=np.int64) for name in Clauses.__dataclass_fields__ if name not in ("of_text", "of_token", "first_token")
    })  # fmt: skip
    return draw.normal(size=(count, TOPICS + 2)), draw.normal(size=(3, TOPICS + 2)), draw.normal(size=count), units


def test_a_topic_is_heard_in_its_best_clause_and_by_its_lead(drawn: tuple[np.ndarray, np.ndarray, np.ndarray, Clauses]) -> None:
    clauses, texts, words, units = drawn
    found = signals_of(clauses, texts, words, units, TOPICS)
    for text, mine in ((0, [0, 1]), (2, [2, 3, 4])):
        for topic in range(TOPICS):
            best = max(mine, key=lambda clause: clauses[clause, topic])
            others = [max(clauses[clause, other] for other in range(TOPICS) if other != topic) for clause in mine]
            lead = max(clauses[clause, topic] - other for clause, other in zip(mine, others, strict=True))
            signals = dict(zip(OF_TOPIC, found.of_topic[text, topic], strict=True))
            assert found.evidence[text, topic] == best
            assert signals["best"] == clauses[best, topic] and signals["whole"] == texts[text, topic]
            assert signals["lead"] == pytest.approx(lead)
            assert (signals["clause_negative"], signals["clause_positive"]) == (clauses[best, TOPICS], clauses[best, TOPICS + 1])
    assert (found.of_topic[1, :, 0] == UNSAID).all() and (found.of_topic[1, :, 2] == UNSAID).all(), "a text without a clause says nothing"


def test_a_curve_weighs_every_signal_by_its_own_column(drawn: tuple[np.ndarray, np.ndarray, np.ndarray, Clauses]) -> None:
    found = signals_of(*drawn, TOPICS)
    for number, name in enumerate(CURVE):
        curves = np.zeros((TOPICS, len(CURVE)))
        curves[:, number] = 1.0
        logits = found.logits(curves)
        if name == "bias":
            assert (logits == 1.0).all()
        elif name in OF_TOPIC:
            assert np.allclose(logits, found.of_topic[:, :, OF_TOPIC.index(name)])
        else:
            assert np.allclose(logits, found.of_text[:, [OF_TEXT.index(name)]])
    assert found.inputs(1).shape == (3, len(OF_TOPIC) + len(OF_TEXT))


def test_rows_that_are_not_the_corpus_calibrate_once_by_weights_that_had_not_seen_their_phrasing() -> None:
    rows = [Row(f"text {n}", ("praise",), "positive", "en", (f"phrasing {n % 97}",)) for n in range(400)]
    splits = _within([*rows, Row("of two phrasings", (), "neutral", "en", ("phrasing 1", "phrasing 2"))], 0)
    calibrating = [row for _, unseen in splits for row in unseen]
    assert sorted(row.text for row in calibrating if row in rows) == sorted(row.text for row in rows)
    for seen, unseen in splits:
        assert unseen and not {group for row in seen for group in row.groups} & {group for row in unseen for group in row.groups}
        assert len(seen) > len(rows) / 2
    assert all(unseen for _, unseen in _within(rows[:1], 0)) and len(_within(rows[:1], 0)) == 1, "a quarter without rows is none"
