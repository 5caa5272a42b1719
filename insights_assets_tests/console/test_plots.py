"""Plots carry what was counted, on the day it was counted, and say it in words too."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from insights_assets.console import plots
from insights_assets.console.cards import RateLine
from insights_assets.console.people import DayCount
from insights_assets.console.plots import SeriesDay
from insights_assets_tests.console.homes import HOSTILE_NAME, ONSET

DAYS = tuple(DayCount(ONSET + timedelta(days=n), people) for n, people in enumerate((1, 0, 6, 7), start=-2))


def values(chart: Any) -> list[dict[str, Any]]:
    """Every inline value of a chart's layers."""
    spec = chart.to_dict()
    found = list(spec.get("data", {}).get("values", []))
    for layer in spec.get("layer", ()):
        found += layer.get("data", {}).get("values", [])
    return found


def test_days_go_in_as_local_midnights_so_that_no_browser_moves_them() -> None:
    days = {row["day"] for row in values(plots.daily_plot(DAYS, 1.0, ONSET)) if "people" in row}
    assert days == {f"{d.day.isoformat()}T00:00:00" for d in DAYS}


def test_bars_since_the_onset_are_told_apart_and_the_usual_is_drawn() -> None:
    drawn = values(plots.daily_plot(DAYS, 1.0, ONSET))
    assert {row["day"][:10]: row["when"] for row in drawn if "people" in row}[ONSET.isoformat()] == "since the onset"
    assert [row["when"] for row in drawn if "people" in row].count("before") == 2
    assert {"usual": 1.0} in drawn
    assert any(row.get("text") == "onset Tue 17 Nov" for row in drawn)
    assert not any(set(row) == {"usual"} for row in values(plots.daily_plot(DAYS, None, ONSET)))
    assert plots.daily_caption(1.0).endswith("; dashed: 1.0 would be usual")
    assert "usual" not in plots.daily_caption(None)


def test_the_plot_in_a_sentence() -> None:
    assert plots.daily_words(DAYS, 1.0, ONSET) == "13 people on the 2 days since Tue 17 Nov; 1 people on the 2 days before; 1.0 a day would be usual."
    assert plots.daily_words((), None, None).startswith("No plot")


def test_rates_show_figure_and_counts_beside_the_bar() -> None:
    rates = (RateLine("batch LEJ-PB07", 0.041, 41, 1000.0, True), RateLine(HOSTILE_NAME, 0.006, 12, 2000.0, False))
    drawn = values(plots.rates_plot(rates))
    assert [row["figure"] for row in drawn][:2] == ["4.1 %  (41 of 1,000 orders)", "0.6 %  (12 of 2,000 orders)"]
    # text from data is a value of the plot, never part of its instructions
    spec = plots.rates_plot(rates).to_dict()
    without = {**spec, "datasets": None, "data": None, "layer": [{**layer, "data": None} for layer in spec["layer"]]}
    assert HOSTILE_NAME not in str(without)


def test_a_series_is_three_panels_over_the_same_days() -> None:
    days = [SeriesDay(date(2026, 11, n), n, 2.0, 0.5 * n, 0.1, "active" if n > 5 else "none", 4.0, 8.0) for n in range(1, 9)]
    panels = plots.series_plots(days)
    assert len(panels) == 3
    assert any(row.get("alarm") == 4.0 for row in values(panels[1]))
    assert any(row.get("alarm") == 8.0 for row in values(panels[2]))
    assert plots.series_words(days) == "8 judged days, an incident on 3 of them; largest z 4.0 on Sun 8 Nov."
