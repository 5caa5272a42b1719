"""The smallest excess that would have been seen: the estimate is the detector's own threshold, no more and no less."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from insights_assets.anomalies.detectors import DetectorSettings
from insights_assets.anomalies.statistics import signed_root, upper_tail
from insights_assets.console.quiet import DAYS, TOPICS_SHOWN, people_needed, smallest_visible

SETTINGS = DetectorSettings()


def judged(topic: str, expected: float, **changes: Any) -> dict[str, Any]:
    return {"topic": topic, "expected": expected, "window_days": 7, "dispersion": 0.05, "scale_3d": 1.15, "p_bound": SETTINGS.p_max, "state": "none", **changes}


def opens(people: int, usual: float, dispersion: float, scale: float) -> bool:
    """The scan's three conditions, said once more."""
    z = float(signed_root(np.array(people), np.array(usual), np.array(dispersion / DAYS + SETTINGS.drift))) / scale
    likely = float(upper_tail(z, len(SETTINGS.windows)))
    return likely <= SETTINGS.p_max and people >= SETTINGS.support and people >= SETTINGS.lift * usual


@pytest.mark.parametrize("usual", [0.2, 1.0, 9.0, 60.0, 900.0])
def test_one_person_fewer_would_not_have_been_seen(usual: float) -> None:
    needed = people_needed(usual, 0.05, 1.15, SETTINGS.p_max)
    assert needed is not None
    assert opens(needed, usual, 0.05, 1.15)
    assert not opens(needed - 1, usual, 0.05, 1.15)


def test_quieter_topics_need_fewer_people_but_a_higher_multiple() -> None:
    few, many = people_needed(3.0, 0.05, 1.15, SETTINGS.p_max), people_needed(30.0, 0.05, 1.15, SETTINGS.p_max)
    assert few is not None and many is not None
    assert few < many
    assert few / 3.0 > many / 30.0


def test_noisier_topics_need_more_people() -> None:
    calm, noisy = people_needed(9.0, 0.0, 1.0, SETTINGS.p_max), people_needed(9.0, 0.5, 1.5, SETTINGS.p_max)
    assert calm is not None and noisy is not None
    assert noisy > calm


def test_a_topic_so_busy_that_nothing_would_show_has_no_answer() -> None:
    assert people_needed(4_900.0, 0.5, 1.8, SETTINGS.p_max) is None


def test_busiest_topics_come_first_and_running_incidents_are_left_out() -> None:
    rows = [judged(f"topic_{n}", 7.0 * (n + 1)) for n in range(9)]
    rows.append(judged("burning", 7_000.0, state="active"))
    rows.append(judged("watched", 6_000.0, state="watching"))
    found = smallest_visible(rows)
    assert [entry.topic for entry in found] == [f"topic_{n}" for n in range(8, 8 - TOPICS_SHOWN, -1)]
    assert found[0].usual == pytest.approx(9 * DAYS)


def test_the_window_of_the_stored_row_does_not_change_what_is_usual() -> None:
    week, day = smallest_visible([judged("a", 14.0)])[0], smallest_visible([judged("a", 2.0, window_days=1)])[0]
    assert week == day


def test_rows_that_say_nothing_are_left_out() -> None:
    assert smallest_visible([judged("a", 0.0), judged("b", 3.0, window_days=None)]) == ()
