"""Plot of *Loop time*: the hours of each stage, half of the actions within the dark bar, nine of ten within the light one.

Belongs here: what the plot looks like, and the sentence that says it to somebody who cannot see it. Does not belong here: counting.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import altair as alt

INK, HALF, MOST = "#1b2430", "#3c6794", "#c3d3e4"
#: What a stage is called on the page: what happens until it is reached.
STAGE_WORDS = {
    "arrival": "from the customer's word until it reached us", "label": "until its topic was known", "detect": "until the issue was seen",
    "decide": "until it was decided what to do", "approve": "until somebody approved", "route": "until it was where people work",
    "acknowledge": "until somebody took it up", "start": "until work began", "fix": "until it was fixed",
}  # fmt: skip
CLOCK_WORDS = {"shop": "the shop's calendar", "wall": "the clock of this house"}
ROW_HEIGHT = 46


def stage_values(summary: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """One value a stage, in the order of the loop, for all actions together."""
    rows = {row["stage"]: row for row in summary if row["grouping"] == "all" and row["stage"] in STAGE_WORDS}
    return [
        {
            "stage": STAGE_WORDS[stage], "half": rows[stage]["p50_hours"], "most": rows[stage]["p90_hours"],
            "count": rows[stage]["action_count"], "clock": CLOCK_WORDS.get(rows[stage]["clock"], ""),
            "says": f"{hours_words(rows[stage]['p50_hours'])} · {hours_words(rows[stage]['p90_hours'])}",
        }
        for stage in STAGE_WORDS
        if stage in rows
    ]  # fmt: skip


def stages_plot(values: Sequence[Mapping[str, Any]]) -> alt.LayerChart:
    """A bar a stage, named above it, with its figures at the end."""
    import altair as alt

    top = max((value["most"] for value in values), default=0.0)
    y = alt.Y("stage:N", sort=None, title=None, axis=None, scale=alt.Scale(paddingInner=0.55, paddingOuter=0.3))
    base = alt.Chart(alt.Data(values=list(values)))
    scale = alt.Scale(domain=[0, max(top * 1.45, 1e-6)])
    tips = [
        alt.Tooltip("stage:N"), alt.Tooltip("half:Q", title="half within, hours (p50)", format=".1f"), alt.Tooltip("most:Q", title="nine of ten within, hours (p90)", format=".1f"),
        alt.Tooltip("count:Q", title="actions"), alt.Tooltip("clock:N", title="by"),
    ]  # fmt: skip
    most = base.mark_bar(height=11, color=MOST).encode(x=alt.X("most:Q", title=None, axis=None, scale=scale), y=y, tooltip=tips)
    half = base.mark_bar(height=11, color=HALF).encode(x=alt.X("half:Q", scale=scale), y=y, tooltip=tips)
    names = base.mark_text(align="left", dy=-14, color=INK, fontSize=12, limit=420).encode(x=alt.value(0), y=y, text="stage:N")
    figures = base.mark_text(align="left", dx=6, color=INK, fontSize=12).encode(x="most:Q", y=y, text="says:N")
    return alt.layer(most, half, names, figures).properties(height=ROW_HEIGHT * len(values) + 10).configure_view(stroke=None)


def stages_words(values: Sequence[Mapping[str, Any]]) -> str:
    """The plot in a sentence."""
    said = [f"{value['stage']}: half within {hours_words(value['half'])}, nine of ten within {hours_words(value['most'])}" for value in values]
    return "; ".join(said) or "No stage has been stamped yet."


def hours_words(hours: float | None) -> str:
    """`31 h`, `4.5 h`, `12 min`; a dash where there is none."""
    if hours is None:
        return "–"
    if hours * 60 < 0.5:
        return "< 1 min"
    if hours < 1:
        return f"{hours * 60:.0f} min"
    return f"{hours:,.1f} h" if hours < 10 else f"{hours:,.0f} h"
