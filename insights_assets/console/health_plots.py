"""Plots of *Health*: one small line a metric, week by week.

Belongs here: what the line looks like, and the sentence that says it to somebody who cannot see it. Does not belong here: which
metrics are drawn.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import TYPE_CHECKING, Any

from insights_assets.actions import wording

if TYPE_CHECKING:
    import altair as alt

INK, FAINT, LINE = "#1b2430", "#5b6675", "#3c6794"
_AXIS = {"grid": False, "labelColor": FAINT, "titleColor": FAINT, "tickColor": "#c9d0d9", "domainColor": "#c9d0d9"}
#: Weeks below which a line says nothing.
WEEKS_AT_LEAST = 3


def trend_of(row: Mapping[str, Any]) -> list[tuple[date, float]]:
    """The stored weeks of a metric."""
    return [(point["day"], float(point["value"])) for point in row.get("trend") or () if point["value"] is not None]


def trend_plot(points: Sequence[tuple[date, float]], unit: str, height: int = 96) -> alt.LayerChart:
    """Week by week; the last point is marked."""
    import altair as alt

    values = [{"day": f"{day.isoformat()}T00:00:00", "value": value} for day, value in points]
    is_share = unit.endswith("0 to 1")
    axis = alt.Axis(tickCount=3, format=".0%" if is_share else "~s", minExtent=34, maxExtent=34, **_AXIS)
    base = alt.Chart(alt.Data(values=values)).encode(
        x=alt.X("day:T", title=None, axis=alt.Axis(format="%-d %b", labelAngle=0, tickCount=4, labelOverlap=True, **_AXIS)),
        y=alt.Y("value:Q", title=None, axis=axis, scale=alt.Scale(zero=False, nice=True)),
        tooltip=[alt.Tooltip("day:T", title="week up to", format="%a %d %b"), alt.Tooltip("value:Q", format=".1%" if is_share else ",.1f")],
    )
    line = base.mark_line(color=LINE, strokeWidth=1.8, point=alt.OverlayMarkDef(size=16, color=LINE))
    last = base.transform_filter(f"datum.day == '{values[-1]['day']}'").mark_point(color=INK, filled=True, size=60) if values else base.mark_point()
    return alt.layer(line, last).properties(height=height).configure_view(stroke=None)


def trend_words(points: Sequence[tuple[date, float]], unit: str) -> str:
    """The line in a sentence."""
    if not points:
        return "No weeks are known."
    shape = wording.share if unit.endswith("0 to 1") else wording.count
    values = [value for _, value in points]
    return f"{len(points)} weeks up to {wording.day(points[-1][0])}: from {shape(values[0])} to {shape(values[-1])}; lowest {shape(min(values))}, highest {shape(max(values))}."
