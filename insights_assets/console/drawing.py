"""How a card is drawn: the same on *Today* and on top of *Insight*.

Belongs here: the card's layout. Does not belong here: its words (`cards.py`), the buttons (`judging.py`), the plots (`plots.py`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import streamlit as st

from insights_assets.console import plots
from insights_assets.console.cards import Card
from insights_assets.console.elements import badges, pairs, say, say_lines
from insights_assets.console.evidence import ShownRecord
from insights_assets.console.judging import judge
from insights_assets.console.opening import Opened

INSIGHT_PAGE = "views/insight.py"
#: People below which the days of an insight are not drawn.
PLOTTED_FROM = 3


def draw_card(found: Opened, card: Card, titles: Mapping[str, str], *, folded: bool = False) -> None:
    """A bordered card. `folded` hides plot, records and buttons until they are asked for; the next step is always there."""
    with st.container(border=True, key=f"card-{card.insight_id}"):
        draw_head(card, link=True)
        if not folded:
            draw_evidence(card)
        draw_step(card)
        if folded:
            with st.expander("Plot, cause, records and verdict"):
                draw_evidence(card)
                draw_rest(found, card, titles, records_open=False)
        else:
            draw_rest(found, card, titles, records_open=card.issue.tier == 1 or not worth_a_plot(card))


def draw_open(found: Opened, card: Card, titles: Mapping[str, str]) -> None:
    """The whole card without a border or a link to itself: the top of its own page."""
    draw_head(card, link=False)
    draw_evidence(card)
    draw_step(card)
    draw_rest(found, card, titles, records_open=True)


def draw_head(card: Card, *, link: bool) -> None:
    """Title, why in a line, money, state, owner, age."""
    issue = card.issue
    left, right = st.columns([5, 1], vertical_alignment="top")
    with left:
        say(card.title, "title", f"title-{card.insight_id}")
    with right, st.container(horizontal=True, horizontal_alignment="right"):
        if link:
            st.page_link(INSIGHT_PAGE, label="Open", icon=":material/arrow_forward:", query_params={"insight": card.insight_id})
    badges(issue.tier, issue.state, provisional=issue.provisional, urgent=card.is_urgent)
    say(card.why, "lead", f"why-{card.insight_id}")
    facts = [card.money, card.since, f"owner {card.owner}", card.aside]
    say(" · ".join(fact for fact in facts if fact), "quiet", f"facts-{card.insight_id}")


def worth_a_plot(card: Card) -> bool:
    """Whether the days say more than the sentence: one or two single reports do not."""
    return sum(day.people for day in card.days) >= PLOTTED_FROM


def draw_evidence(card: Card) -> None:
    """The days beside what is usual, and the place beside what it is compared with."""
    issue, key = card.issue, card.insight_id
    if not worth_a_plot(card):
        if not card.days:
            st.caption(plots.daily_words(card.days, None, None))
        say(card.where, "body", f"where-{key}")
        return
    left, right = st.columns(2, gap="medium")
    with left:
        st.caption(plots.daily_caption(card.usual, issue.topic))
        words = plots.daily_words(card.days, card.usual, issue.onset_day)
        st.altair_chart(plots.daily_plot(card.days, card.usual, issue.onset_day), key=f"daily-{key}", alt=words)
    with right:
        st.caption("Where, and what it is compared with")
        say(card.where, "body", f"where-{key}")
        if len(card.rates) > 1:  # one bar alone compares nothing
            st.altair_chart(plots.rates_plot(card.rates), key=f"rates-{key}", alt=plots.rates_words(card.rates))


def draw_step(card: Card) -> None:
    due = f" · due {card.due}" if card.due else " · no due time: no action was opened"
    say(f"Next: {card.step} · {card.owner}{due}", "step", f"step-{card.insight_id}")


def draw_rest(found: Opened, card: Card, titles: Mapping[str, str], *, records_open: bool) -> None:
    """What was done, the records, the verdict."""
    key = card.insight_id
    pairs([("It hurts", card.harm), ("Actions", "\n".join(card.done) or "none yet"), ("Seen", card.seen)], f"done-{key}")
    draw_records(card.records, len(card.issue.records), key, records_open=records_open)
    judge(found, card, titles)


def draw_records(records: Sequence[ShownRecord], total: int, key: str, *, records_open: bool) -> None:
    """The exact records, in the customers' redacted words."""
    if not records:
        st.caption("No record of it can be shown: its records are not in this publication.")
        return
    with st.expander(f"The records that drive it: {len(records)} of {max(total, len(records))}", expanded=records_open):
        for start in range(0, len(records), 2):
            for column, record in zip(st.columns(2, gap="medium"), records[start : start + 2], strict=False):
                with column, st.container(key=f"record-{key}-{_id(record)}"):
                    say(record.text, "quote" if record.has_words else "quiet", f"words-{key}-{_id(record)}")
                    say_lines((record.heading, record.about, record.feedback_id), "quiet", f"about-{key}-{_id(record)}")


def _id(record: ShownRecord) -> str:
    return record.feedback_id[:24]
