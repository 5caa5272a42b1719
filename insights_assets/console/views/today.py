"""*Today*: what needs somebody now, by tier, with the records behind it; when nothing does, what would have been seen.

Belongs here: the order on the page. Does not belong here: reading, words and layout of a card (the modules of `console/`).
"""

from __future__ import annotations

import streamlit as st

from insights_assets.console import frame
from insights_assets.console.drawing import draw_card
from insights_assets.console.elements import grid, say
from insights_assets.console.links import insight_link, run_link
from insights_assets.console.opening import Opened
from insights_assets.console.overview import Finding, Header, Past, Today, make_today
from insights_assets.console.quiet import DAYS, SmallestVisible

#: How many cards of Tier 2 stand open; the others show title, figures and step, and open on a click. Tier 1 is never folded.
UNFOLDED = 3


def draw(found: Opened) -> None:
    today = make_today(frame.today_rows(found), found.shop, found.reader.publication, frame.judgements(found))
    draw_header(today.header)
    frame.show_notice()
    titles = {card.insight_id: card.title for card in today.cards} | {past.insight_id: past.title for past in today.past}
    if today.is_quiet:
        st.subheader("Nothing needs anybody today", anchor=False)
        st.write("Every open insight is dismissed, a duplicate or asleep." if today.aside else "No insight is open.")
        st.write("That is only worth something beside what would have been seen:")
        draw_visible(today.visible, found)
    for tier, cards in today.tiers.items():
        if not cards:
            continue
        with st.container(key=f"heading-tier-{tier}"):
            st.subheader(f"Tier {tier}", anchor=False)
            say(_tier_words(found, tier, len(cards)), "quiet", f"tier-{tier}")
        for n, card in enumerate(cards):
            draw_card(found, card, titles, folded=tier > 2 or (tier == 2 and n >= UNFOLDED))
    draw_findings(today)
    if today.aside:
        with st.expander(f"Open, but out of the way: {len(today.aside)} dismissed, duplicate or asleep"):
            for card in today.aside:
                draw_card(found, card, titles, folded=True)
    if not today.is_quiet:
        with st.expander("What would have been seen elsewhere: the smallest excess"):
            draw_visible(today.visible, found)
    draw_past(today.past)


def draw_header(header: Header) -> None:
    left, right = st.columns([4, 1.3], vertical_alignment="top")
    with left, st.container(key="heading-page"):
        say(header.shop, "shop", "shop")
        say(header.question, "lead", "question")
        say(header.open, "step", "open")
        say(f"As of {header.as_of} · {header.published} from run {header.run_id[:8]}", "quiet", "published")
        if link := run_link(header.run_id):
            st.link_button("This run in Dagster", link, type="tertiary", icon=":material/open_in_new:")
    with right:
        frame.ask_person()
    if header.provisional:
        with st.container(key="provisional"):
            st.text(header.provisional)


def _tier_words(found: Opened, tier: int, number: int) -> str:
    policy = found.shop.policy.tiers[tier]
    return f"{policy.name}: {number} open; the owner answers within {policy.respond_within_hours} h"


def draw_visible(visible: tuple[SmallestVisible, ...], found: Opened) -> None:
    if not visible:
        st.caption("Not available: no day was judged yet, or every topic has an open incident.")
        return
    st.caption(
        f"An estimate from the stored statistics of the last judged day, not a measurement: so many people in {DAYS} days would have opened an "
        "incident on the busiest topics that are quiet now. Only planted incidents measure it."
    )
    topics = found.shop.policy.topics
    rows = [
        {
            "topic": topics[entry.topic].title if entry.topic in topics else entry.topic.replace("_", " "),
            f"usual in {DAYS} days": entry.usual,
            "would have been seen from": entry.needed,
            "times the usual": round(entry.times, 1),
        }
        for entry in visible
    ]
    grid(rows, "visible")


def draw_findings(today: Today) -> None:
    if not today.findings and not today.old_findings:
        return
    st.subheader("About the data, not about the shop", anchor=False)
    if not today.findings:
        st.caption("Every source delivers as usual.")
    for n, finding in enumerate(today.findings):
        _draw_finding(finding, f"finding-{n}")
    if today.old_findings:
        with st.expander(f"Earlier: {len(today.old_findings)}"):
            for n, finding in enumerate(today.old_findings):
                _draw_finding(finding, f"old-finding-{n}")


def _draw_finding(finding: Finding, key: str) -> None:
    with st.container(border=True, key=f"card-{key}"):
        say(f"{finding.kind}, {finding.days}" + ("" if finding.is_over else ", still so"), "step", f"{key}-kind")
        say(finding.text, "body", f"{key}-text")


def draw_past(past: tuple[Past, ...]) -> None:
    st.subheader("Resolved", anchor=False)
    if not past:
        st.caption("Nothing has been resolved yet.")
        return
    rows = [
        {
            "insight": entry.title, "tier": entry.tier, "began": entry.began, "last seen": entry.last_seen, "people": entry.people,
            "times the usual": entry.lift, "verdict": entry.judged or "not judged", "page": insight_link(entry.insight_id),
        }
        for entry in past
    ]  # fmt: skip
    columns = {
        "insight": st.column_config.TextColumn(width="large"),
        "times the usual": st.column_config.NumberColumn(format="%.1f"),
        "page": st.column_config.LinkColumn(display_text=r"insight=(.+)$"),
        "began": st.column_config.DateColumn(format="ddd D MMM YYYY"),
        "last seen": st.column_config.DateColumn(format="ddd D MMM YYYY"),
    }
    grid(rows, "past", columns)


draw(frame.opened())
