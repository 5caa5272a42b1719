"""*Tickets*: every action, how it stands, where it is, and whether people found it right.

Belongs here: the order on the page, filters and search. Does not belong here: words (`ticket_list.py`), verdicts (`judging.py`).
"""

from __future__ import annotations

from typing import Any, Literal

import streamlit as st

from insights_assets.actions.precision import precision_rows, precision_words, standings
from insights_assets.console import frame
from insights_assets.console.answering import draw_person
from insights_assets.console.cards import owner_name
from insights_assets.console.elements import TIER_COLOURS, grid, say
from insights_assets.console.judging import judge_insight
from insights_assets.console.links import hosts_of, insight_link
from insights_assets.console.opening import Opened
from insights_assets.console.reading import ActionRows
from insights_assets.console.ticket_list import STATES, Live, TicketCard, TicketLine, count_words, kept, ticket_cards

INSIGHT_PAGE = "views/insight.py"
#: Cards shown at first, and how many more a click shows.
PAGE = 10
EVERY = "all"
SLACK = "https://slack.com"
COLOURS: dict[str, Literal["red", "orange", "blue", "green", "gray"]] = {
    "could not be delivered": "red", "may have arrived": "orange", "waits to be sent": "orange", "waits for approval": "orange", "ran out unanswered": "red",
    "arrived": "blue", "taken up": "blue", "in work": "blue", "done": "green", "approved": "green", "in force": "green",
}  # fmt: skip


def draw(found: Opened) -> None:
    rows, operations = frame.action_rows(found), found.operations
    live = Live(operations.outbox.all(), operations.approvals.all(), operations.answers.stamps(), frame.judgements(found), operations.clock())
    cards = ticket_cards(rows.tickets, rows.insights, live, found.shop, hosts_of((found.settings.jira_url, SLACK)))
    left, right = st.columns([4, 1.3], vertical_alignment="top")
    with left, st.container(key="heading-tickets"):
        st.header("Tickets", anchor=False)
        say(count_words(cards, len(cards)), "lead", "ticket-count")
    with right:
        draw_person(found)
    frame.show_notice()
    draw_precision(found, rows)
    if not cards:
        st.write("No action was opened yet: nothing that was found needed one.")
        return
    shown = filtered(cards, found)
    if not shown:
        st.write("No action fits these filters.")
        return
    titles = {row["insight_id"]: row["title"] or row["insight_id"] for row in rows.insights}
    limit = int(st.session_state.get("tickets-shown", PAGE))
    for card in shown[:limit]:
        draw_card(found, card, titles)
    if len(shown) > limit and st.button(f"Show {min(PAGE, len(shown) - limit)} more", key="tickets-more"):
        st.session_state["tickets-shown"] = limit + PAGE
        st.rerun()


def filtered(cards: list[TicketCard], found: Opened) -> list[TicketCard]:
    owners = {line.owner for card in cards for line in card.lines}
    teams = [owner_name(team, found.shop) for team in found.shop.owners if owner_name(team, found.shop) in owners]
    present = {line.state for card in cards for line in card.lines}
    with st.container(key="filters", horizontal=True, gap="small", vertical_alignment="bottom"):
        team = st.selectbox("Team", [EVERY, *teams], key="tickets-team", width=200)
        tier = st.selectbox("Tier", [EVERY, *sorted({card.tier for card in cards})], key="tickets-tier", width=110)
        state = st.selectbox("State", [EVERY, *[state for state in STATES if state in present]], key="tickets-state", width=220)
        words = st.text_input("Search", key="tickets-search", placeholder="product, topic, id", width=260)
    kept_cards = kept(cards, team="" if team == EVERY else str(team), tier=None if tier == EVERY else int(tier), state="" if state == EVERY else str(state), words=words)
    if len(kept_cards) != len(cards):
        say(count_words(kept_cards, len(cards)), "quiet", "filtered-count")
    return kept_cards


def draw_precision(found: Opened, rows: ActionRows) -> None:
    """Whether alerts were right so far, and by whom and which detector."""
    operations = found.operations
    listed = standings(
        rows.insights, rows.tickets, operations.verdicts.latest(), operations.answers.stamps(), found.shop.policy.answers,
        as_of=found.reader.publication.as_of_day, now=operations.clock(),
    )  # fmt: skip
    table = precision_rows(listed, found.shop.policy.acceptance)
    with st.container(border=True, key="card-precision"):
        say("Were the alerts right?", "step", "precision-question")
        say(_sentence(precision_words(table[0])), "lead", "precision")
        wanted = found.shop.policy.acceptance
        say(
            f"Wanted: {wanted.alerts_confirmed_share * 100:.0f} % of at least {wanted.alerts_closed} judged. A duplicate judges nothing; what ended and nobody judged "
            f"within {found.shop.policy.answers.unknown_after_days} days counts as unknown, never as right.", "quiet", "precision-wanted",
        )  # fmt: skip
        with st.expander("By team and by detector"):
            for grouping, heading in (("owner", "team"), ("detector", "detector")):
                grid([_precision_row(row, heading, found) for row in table if row["grouping"] == grouping], f"precision-{grouping}", _PERCENT)


_PERCENT = {name: st.column_config.NumberColumn(format="%.0f %%") for name in ("right", "95 % from", "to", "unknown share")}


def _percent(share: float | None) -> float | None:
    return None if share is None else share * 100


def _precision_row(row: dict[str, Any], heading: str, found: Opened) -> dict[str, object]:
    name = owner_name(str(row["name"]), found.shop) if heading == "team" else str(row["name"]).replace("_", " ")
    return {
        heading: name, "insights": row["insight_count"], "judged": row["judged_count"], "confirmed": row["confirmed_count"], "right": _percent(row["precision"]),
        "95 % from": _percent(row["precision_low"]), "to": _percent(row["precision_high"]), "unknown": row["unknown_count"],
        "unknown share": _percent(row["unknown_share"]),
    }  # fmt: skip


def draw_card(found: Opened, card: TicketCard, titles: dict[str, str]) -> None:
    key = card.insight_id
    with st.container(border=True, key=f"card-{key}"):
        left, right = st.columns([5, 1], vertical_alignment="top")
        with left:
            say(card.title, "title", f"title-{key}")
        with right, st.container(horizontal=True, horizontal_alignment="right"):
            if card.is_insight and insight_link(key):
                st.page_link(INSIGHT_PAGE, label="Open", icon=":material/arrow_forward:", query_params={"insight": key})
        with st.container(horizontal=True, gap="small"):
            st.badge(f"Tier {int(card.tier)}", color=TIER_COLOURS.get(card.tier, "gray"))
        for line in card.lines:
            draw_line(line)
        if card.is_insight:
            judge_insight(found, key, titles, card.judged)
        else:
            st.caption("A question that customers keep asking: there is nothing to judge, only drafts to approve.")


def draw_line(line: TicketLine) -> None:
    key = line.action_id
    with st.container(key=f"record-{key}"):
        with st.container(horizontal=True, gap="small", vertical_alignment="center"):
            state = line.state
            st.badge(state, color=COLOURS.get(state, "gray"))
            with st.container(key=f"what-{key}", width="content"):
                say(f"{line.kind} for {line.owner}", "body", f"kind-{key}")
            if line.link:
                st.link_button("Open it there", line.link, type="tertiary", icon=":material/open_in_new:")
        say(line.where, "quiet", f"where-{key}")
        say(line.stamps, "quiet", f"stamps-{key}")


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}."


draw(frame.opened())
