"""The console's plots, as Altair charts of plain values.

Belongs here: what a plot looks like, and the sentence that says it to somebody who cannot see it. Does not belong here: choosing
what is drawn. Colours differ in lightness as well as hue, and nothing is told by colour alone. Days go in as local midnights, so
that no browser moves them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

from insights_assets.actions import wording
from insights_assets.console.cards import RateLine
from insights_assets.console.people import DayCount

if TYPE_CHECKING:
    import altair as alt

BEFORE, SINCE, INK, FAINT, BAND = "#7f9bb8", "#c2410c", "#1b2430", "#5b6675", "#eef1f5"
STATES = {"open": "#f6c7a8", "active": "#f9dcc8", "watching": "#fdf3d3", "resolved": "#dcefe6"}
PANEL = 140
_AXIS = {"grid": False, "labelColor": FAINT, "titleColor": FAINT, "tickColor": "#c9d0d9", "domainColor": "#c9d0d9"}


@dataclass(frozen=True)
class SeriesDay:
    """One judged day of one series. `state` is none where no incident runs; `usual` and `z` may be unknown."""

    day: date
    observed: int | None
    usual: float | None
    z: float | None
    cusum: float | None
    state: str
    z_alarm: float
    cusum_alarm: float


def daily_plot(days: Sequence[DayCount], usual: float | None, onset: date | None, height: int = 150) -> alt.LayerChart:
    """People a day as bars, those since the onset darker and warmer; what would be usual as a dashed line."""
    import altair as alt

    values = [{"day": _at(d.day), "people": d.people, "when": _since(d.day, onset), "usual": usual} for d in days]
    x = alt.X("day:T", timeUnit="yearmonthdate", title=None, axis=_days_axis())
    base = alt.Chart(alt.Data(values=values))
    tips = [alt.Tooltip("day:T", title="day", format="%a %d %b"), alt.Tooltip("people:Q", title="people")]
    if usual is not None:
        tips.append(alt.Tooltip("usual:Q", title="usual", format=".1f"))
    layers = [
        base.mark_bar().encode(
            x=x,
            y=alt.Y("people:Q", title="people a day", axis=alt.Axis(tickMinStep=1, tickCount=3, **_AXIS)),
            color=alt.Color("when:N", scale=alt.Scale(domain=["before", "since the onset"], range=[BEFORE, SINCE]), legend=None),
            tooltip=tips,
        )
    ]
    if usual is not None and values:
        line = alt.Chart(alt.Data(values=[{"usual": usual}]))
        layers.append(line.mark_rule(strokeDash=[5, 3], color=INK, size=1.4).encode(y="usual:Q"))
    if onset is not None and values:
        mark = alt.Chart(alt.Data(values=[{"day": _at(onset), "text": f"onset {wording.day(onset)}"}]))
        layers.append(mark.mark_rule(color=INK, size=1).encode(x=_at_band_start(alt)))
        text = mark.mark_text(align="right", baseline="top", dx=-4, color=INK, fontSize=11)
        layers.append(text.encode(x=_at_band_start(alt), y=alt.value(0), text="text:N"))
    return alt.layer(*layers).properties(height=height).configure_view(stroke=None)


def daily_caption(usual: float | None, topic: str = "") -> str:
    """What stands above the plot."""
    said = f"People a day {wording.who_say(topic)}, where it happens"
    return said if usual is None else f"{said}; dashed: {usual:.1f} would be usual"


def daily_words(days: Sequence[DayCount], usual: float | None, onset: date | None) -> str:
    """The plot in a sentence."""
    if not days:
        return "No plot: the records or labels that it counts are not published."
    since = [d.people for d in days if onset is not None and d.day >= onset]
    before = [d.people for d in days if onset is None or d.day < onset]
    said = f"{sum(before)} people on the {len(before)} days before"
    if onset is not None:
        said = f"{sum(since)} people on the {len(since)} days since {wording.day(onset)}; " + said
    return said + (f"; {usual:.1f} a day would be usual." if usual is not None else ".")


def rates_plot(rates: Sequence[RateLine]) -> alt.LayerChart:
    """Complaints per order here and in what it is compared with, as bars with their figures."""
    import altair as alt

    shown = rates[:6]
    values = [
        {
            "place": f"{n}", "text": rate.text, "rate": rate.rate, "role": "here" if rate.is_cause else "elsewhere",
            "figure": f"{wording.share(rate.rate)}  ({rate.observed:,} of {rate.lines:,.0f} orders)",
        }
        for n, rate in enumerate(shown)
    ]  # fmt: skip
    top = max((rate.rate for rate in shown), default=0.0)
    y = alt.Y("place:N", sort=None, title=None, axis=None, scale=alt.Scale(paddingInner=0.55, paddingOuter=0.3))
    base = alt.Chart(alt.Data(values=values))
    bars = base.mark_bar(height=10).encode(
        x=alt.X("rate:Q", title=None, axis=None, scale=alt.Scale(domain=[0, max(top * 1.9, 1e-6)])),
        y=y,
        color=alt.Color("role:N", scale=alt.Scale(domain=["here", "elsewhere"], range=[SINCE, BEFORE]), legend=None),
    )
    names = base.mark_text(align="left", dy=-13, color=INK, fontSize=12, limit=420).encode(x=alt.value(0), y=y, text="text:N")
    figures = base.mark_text(align="left", dx=6, color=INK, fontSize=12).encode(x="rate:Q", y=y, text="figure:N")
    return alt.layer(bars, names, figures).properties(height=40 * len(shown) + 12).configure_view(stroke=None)


def rates_words(rates: Sequence[RateLine]) -> str:
    return "; ".join(f"{wording.share(rate.rate)} of orders of {rate.text}" for rate in rates) or "no rates"


def series_plots(days: Sequence[SeriesDay]) -> tuple[alt.LayerChart, ...]:
    """A judged series in three panels over the same days: people and usual, z, running excess; the incident's state behind.

    The alarms are those of the last day: they follow from how many series are watched.

    Three plots, not one of three rows: joined ones do not take the width of the page.
    """
    import altair as alt

    values = [
        {"day": _at(d.day), "people": d.observed, "usual": d.usual, "z": d.z, "cusum": d.cusum, "state": d.state} for d in days
    ]  # fmt: skip
    base = alt.Chart(alt.Data(values=values))
    x = alt.X("day:T", timeUnit="yearmonthdate", title=None, axis=_days_axis())
    tips = [
        alt.Tooltip("day:T", title="day", format="%a %d %b"), alt.Tooltip("people:Q"), alt.Tooltip("usual:Q", format=".1f"),
        alt.Tooltip("z:Q", format=".1f"), alt.Tooltip("cusum:Q", title="running excess", format=".1f"), alt.Tooltip("state:N"),
    ]  # fmt: skip
    shades = alt.Scale(domain=list(STATES), range=list(STATES.values()))
    running = alt.Chart(alt.Data(values=[value for value in values if value["state"] != "none"]))
    people = base.mark_bar(color=BEFORE, size=5).encode(x=x, y=alt.Y("people:Q", title="people", axis=_y_axis()), tooltip=tips)
    middle = alt.X("day:T", timeUnit="yearmonthdate", title=None, axis=_days_axis(), bandPosition=0.5)
    usual = base.mark_line(color=INK, strokeDash=[5, 3], size=1.4).encode(x=middle, y="usual:Q")
    panels = [(people, usual)]
    for name, title, alarm in (("z", "z (calibrated)", days[-1].z_alarm), ("cusum", "running excess", days[-1].cusum_alarm)):
        line = base.mark_line(color=SINCE, size=1.6, point=alt.OverlayMarkDef(size=14, color=SINCE)).encode(
            x=middle, y=alt.Y(f"{name}:Q", title=title, axis=_y_axis()), tooltip=tips
        )
        rule = alt.Chart(alt.Data(values=[{"alarm": alarm}])).mark_rule(color=INK, strokeDash=[2, 2]).encode(y="alarm:Q")
        panels.append((line, rule))
    drawn = []
    for n, panel in enumerate(panels):
        legend = alt.Legend(title="incident", orient="top", direction="horizontal") if n == 0 else None
        band = running.mark_rect().encode(x=x, color=alt.Color("state:N", scale=shades, legend=legend))
        drawn.append(alt.layer(band, *panel).properties(height=PANEL + (34 if n == 0 else 0)).configure_view(stroke=None))
    return tuple(drawn)


def series_words(days: Sequence[SeriesDay]) -> str:
    """The three panels in a sentence."""
    peak = max((d for d in days if d.z is not None), key=lambda d: d.z or 0.0, default=None)
    running = sum(d.state in ("open", "active", "watching") for d in days)
    said = f"{len(days)} judged days, an incident on {running} of them"
    return said + (f"; largest z {peak.z:.1f} on {wording.day(peak.day)}." if peak is not None and peak.z is not None else ".")


def _since(day: date, onset: date | None) -> str:
    return "since the onset" if onset is not None and day >= onset else "before"


def _at(day: date) -> str:
    return f"{day.isoformat()}T00:00:00"


def _days_axis() -> Any:
    import altair as alt

    return alt.Axis(format="%-d %b", labelAngle=0, tickCount={"interval": "week", "step": 1}, labelOverlap=True, **_AXIS)


def _y_axis() -> Any:
    import altair as alt

    return alt.Axis(tickCount=3, minExtent=34, maxExtent=34, **_AXIS)


def _at_band_start(alt: Any) -> Any:
    return alt.X("day:T", timeUnit="yearmonthdate", bandPosition=0)
