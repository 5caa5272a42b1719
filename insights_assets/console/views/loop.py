"""*Loop time*: the promise counted, where the hours go by stage, team and tier, and why each late action was late.

Belongs here: the order on the page. Does not belong here: counting (`actions/loop_promise.py`), the plot (`loop_plots.py`).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import streamlit as st

from insights_assets.actions.escaping import plain
from insights_assets.actions.loop_promise import WHOLE, LateAction, LoopResult, judge_loop, last_actions, promise_words, summary_rows
from insights_assets.actions.loop_time import PROMISED, Stamps, hours_by_stage, stamps_of
from insights_assets.actions.model import text_of
from insights_assets.console import frame
from insights_assets.console.cards import KINDS, owner_name
from insights_assets.console.elements import grid, say
from insights_assets.console.links import insight_link
from insights_assets.console.loop_plots import hours_words, stage_values, stages_plot, stages_words
from insights_assets.console.opening import Opened
from insights_assets.console.reading import ActionRows

INSIGHT_PAGE = "views/insight.py"
HOURS = st.column_config.NumberColumn(format="%.1f h")
HALF, MOST = "half within", "9 of 10 within"
WITHIN = {
    HALF: st.column_config.NumberColumn(format="%.1f h", help="The median (p50): half of the actions took no longer."),
    MOST: st.column_config.NumberColumn(format="%.1f h", help="The 90th percentile (p90): nine of ten took no longer."),
}
ANSWERS = {"pass": ("kept", "green"), "fail": ("not kept", "red"), "too_few": ("too few to judge", "blue")}


def draw(found: Opened) -> None:
    rows, promise, now = frame.action_rows(found), found.shop.policy.loop, found.operations.clock()
    stamps = stamps_of(rows.loop, {row["action_id"]: row["state"] for row in rows.tickets}, {row.action_id for row in found.operations.approvals.all()})
    result = judge_loop(stamps, promise, now)
    st.header("Loop time", anchor=False)
    say(f"From the first complaint to the action where people work, as of the run of {found.reader.publication.as_of_day:%a %d %b %Y}", "quiet", "as-of")
    if not result.counted:
        st.write("No action has arrived yet, so there is nothing to count. It fills by itself once an issue is found and its ticket is sent; what waits stands on Tickets and Approvals.")
        return
    draw_promise(result, found, last_actions(stamps, promise, now))
    draw_stages(rows)
    draw_groups(summary_rows(stamps, promise, now), found)
    draw_late(result, rows, found)
    draw_listed(stamps, result, rows, found)


def draw_promise(result: LoopResult, found: Opened, counted: list[tuple[Stamps, float]]) -> None:
    with st.container(border=True, key="card-promise"):
        with st.container(horizontal=True, gap="small", vertical_alignment="center"):
            say(f"{result.late} of the last {result.counted} late", "shop", "promise-count")
            state, colour = ANSWERS[result.answer]
            st.badge(state, color=colour)  # type: ignore[arg-type]
        say(promise_words(result, found.shop.policy.loop), "body", "promise")
        ate = f" · most hours of {'the late ones' if result.late else 'all'} went into {PROMISED[result.slowest_stage]}" if result.slowest_stage else ""
        say(f"Half within {hours_words(result.p50_hours)}, nine of ten within {hours_words(result.p90_hours)}{ate}", "quiet", "promise-hours")
        replayed = sum(stamp.is_replayed for stamp, _ in counted)
        if replayed:
            many = "were" if replayed != 1 else "was"
            say(f"{replayed} of them {many} found in days replayed from before this house first ran: their hours to detection are what would have been.", "quiet", "promise-replayed")


def draw_stages(rows: ActionRows) -> None:
    values = stage_values(rows.summary)
    if not values:
        return
    st.subheader("Where the hours go", anchor=False)
    st.caption(
        "Dark bar and first figure: half of the actions took no longer (the median, p50). Light bar and second figure: nine of ten took no longer (p90). "
        "Until an issue is seen the shop's calendar counts, afterwards the clock of this house; point at a bar to see which."
    )
    st.altair_chart(stages_plot(values), key="stages", alt=stages_words(values))


def draw_groups(summary: list[dict[str, Any]], found: Opened) -> None:
    left, right = st.columns(2, gap="large")
    for column, grouping, heading in ((left, "team", "team"), (right, "tier", "tier")):
        with column:
            say(f"By {heading}: from the first complaint to where people work", "title", f"by-{grouping}")
            shown = []
            for row in summary:
                if row["grouping"] == grouping and row["stage"] == WHOLE:
                    name = owner_name(row["name"], found.shop) if grouping == "team" else f"Tier {row['name']}"
                    shown.append({heading: name, "actions": row["action_count"], "late": row["late_count"], HALF: row["p50_hours"], MOST: row["p90_hours"]})
            if shown:
                grid(shown, f"groups-{grouping}", WITHIN, height="content")
            else:
                st.caption("Nothing has arrived yet.")


def draw_late(result: LoopResult, rows: ActionRows, found: Opened) -> None:
    st.subheader("Late, and what ate the hours", anchor=False)
    if not result.late_actions:
        st.caption("None of the counted actions was late.")
        return
    titles = {row["insight_id"]: plain(text_of(row["title"]), 160) for row in [*rows.insights, *rows.tickets]}
    for n, (why, together) in enumerate(same_reason(result.late_actions, found)):
        stamp = together[0].stamps
        with st.container(border=True, key=f"card-late-{n}"):
            left, right = st.columns([5, 1], vertical_alignment="top")
            with left:
                say(titles.get(stamp.insight_id) or stamp.insight_id, "step", f"late-title-{n}")
            with right, st.container(horizontal=True, horizontal_alignment="right"):
                if insight_link(stamp.insight_id) and stamp.insight_id.startswith("INS-"):
                    st.page_link(INSIGHT_PAGE, label="Open", icon=":material/arrow_forward:", query_params={"insight": stamp.insight_id})
            say(why, "body", f"late-why-{n}")
            actions = [f"{KINDS.get(late.stamps.kind, late.stamps.kind)} for {owner_name(late.stamps.owner, found.shop)}" for late in together]
            say(f"Tier {stamp.tier} · {' · '.join(actions)}", "quiet", f"late-about-{n}")


def same_reason(late_actions: Iterable[LateAction], found: Opened) -> list[tuple[str, list[LateAction]]]:
    """Late actions of one issue that were late for one reason stand together."""
    together: dict[tuple[str, str], list[LateAction]] = {}
    for late in late_actions:
        why = late.words(found.shop.policy.loop.promise_hours, found.shop.zone)
        together.setdefault((late.stamps.insight_id, why), []).append(late)
    return [(why, mine) for (_, why), mine in together.items()]


def draw_listed(stamps: list[Stamps], result: LoopResult, rows: ActionRows, found: Opened) -> None:
    """Below the promise's number the actions are listed one by one; above it they stand in an expander."""
    titles = {row["insight_id"]: plain(text_of(row["title"]), 160) for row in [*rows.insights, *rows.tickets]}
    now = found.operations.clock()
    shown = []
    for stamp, hours in reversed(last_actions(stamps, found.shop.policy.loop, now)):
        spent = hours_by_stage(stamp, now)
        stage = max(sorted(spent), key=lambda name: spent[name], default="")
        shown.append(
            {
                "issue": titles.get(stamp.insight_id) or stamp.insight_id, "took": hours, "most of it": PROMISED.get(stage, ""), "there": spent.get(stage),
                "action": KINDS.get(stamp.kind, stamp.kind), "team": owner_name(stamp.owner, found.shop), "tier": stamp.tier,
            }
        )  # fmt: skip
    with st.expander(f"The last {int(result.counted)} one by one", expanded=result.answer == "too_few"):
        grid(shown, "listed", {"issue": st.column_config.TextColumn(width=400), "took": HOURS, "there": HOURS, "action": st.column_config.TextColumn(width=120)})


draw(frame.opened())
