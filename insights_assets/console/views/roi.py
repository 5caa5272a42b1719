"""*ROI*: what the loop earned and cost, and before against after, each number with where it comes from.

Belongs here: the order on the page. Does not belong here: any figure (the health stage wrote them). What is not proven has no number.
"""

from __future__ import annotations

import streamlit as st

from insights_assets.actions import wording
from insights_assets.console import frame
from insights_assets.console.elements import grid, pairs, say
from insights_assets.console.opening import Opened
from insights_assets.health.report import PART_TITLES, Row, roi_day


def draw(found: Opened) -> None:
    rows = roi_day(frame.roi_rows(found))
    st.header("ROI", anchor=False)
    if not rows:
        st.write("Not available: no published run has measured it yet.")
        return
    say(f"As of {rows[0]['as_of_day']:%a %d %b %Y}; only effects that were proven count as a benefit", "quiet", "as-of")
    parts = {part: [row for row in rows if row["part"] == part] for part in PART_TITLES}
    draw_result(parts["result"])
    draw_before_after(parts["before_after"])
    left, right = st.columns(2, gap="large")
    with left:
        draw_lines("benefit", parts["benefit"])
    with right:
        draw_lines("cost", parts["cost"])
    with st.expander("Where each number comes from"):
        pairs([(row["title"], row["source"]) for row in rows], "sources")


def draw_result(rows: list[Row]) -> None:
    for column, row in zip(st.columns(max(len(rows), 1), gap="medium"), rows, strict=False):
        with column, st.container(border=True, key=f"card-result-{row['line']}"):
            say(row["title"], "quiet", f"result-{row['line']}-title")
            say(figure(row), "shop", f"result-{row['line']}")
            say(row["says"], "quiet", f"result-{row['line']}-says")


def figure(row: Row) -> str:
    """The number of a result, or that there is none."""
    if row["value"] is None:
        return "–"
    return f"{row['value']:.1f} x" if row["unit"] == "times" else f"{wording.money(row['value'])} {row['unit']}"


def draw_before_after(rows: list[Row]) -> None:
    say(PART_TITLES["before_after"], "title", "before-after")
    grid(
        [{"what": row["title"], "before": row["before"], "after": row["after"], "unit": row["unit"], "in words": row["says"]} for row in rows],
        "before-after-grid",
        {"before": st.column_config.NumberColumn(format="%.3g"), "after": st.column_config.NumberColumn(format="%.3g"), "in words": st.column_config.TextColumn(width="large")},
    )


def draw_lines(part: str, rows: list[Row]) -> None:
    say(PART_TITLES[part], "title", f"part-{part}")
    for row in rows:
        with st.container(key=f"record-{part}-{row['line']}"):
            say(row["title"], "step", f"{part}-{row['line']}")
            say(row["says"], "body" if row["value"] is not None else "quiet", f"{part}-{row['line']}-says")


draw(frame.opened())
