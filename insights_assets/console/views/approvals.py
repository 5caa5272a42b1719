"""*Approvals*: what waits for a person, with what a yes does and how to take it back; holds; what was decided.

Belongs here: the order on the page. Does not belong here: words (`waiting.py`), deciding (`actions/inbox.py` through `answering.py`).
"""

from __future__ import annotations

from datetime import timedelta

import streamlit as st

from insights_assets.actions import wording
from insights_assets.actions.approvals import ask_again
from insights_assets.actions.commands import write_desired_state
from insights_assets.actions.escaping import inert, plain
from insights_assets.actions.model import text_of
from insights_assets.console import frame
from insights_assets.console.answering import answer, draw_person, refuse
from insights_assets.console.cards import KINDS, owner_name
from insights_assets.console.elements import TIER_COLOURS, grid, pairs, say
from insights_assets.console.links import insight_link
from insights_assets.console.opening import Opened
from insights_assets.console.reading import ActionRows
from insights_assets.console.waiting import HeldNow, Waiting, head_words, held_now, took_words, waiting, waits_words
from insights_assets.resources.operations.judgements import RefusedJudgement
from insights_assets.resources.operations.models import Approval

INSIGHT_PAGE = "views/insight.py"
REASON_CHARACTERS = 400
EVERYBODY = "every team"
#: Decisions that stand in the table at the end.
DECIDED_SHOWN = 50


def draw(found: Opened) -> None:
    rows, operations, shop = frame.action_rows(found), found.operations, found.shop
    now, as_of = operations.clock(), found.reader.publication.as_of_day
    approvals, holds = operations.approvals.all(), operations.holds.all()
    entries = waiting(approvals, holds, rows.tickets, rows.drafts, shop, as_of, now, insights=rows.insights, names=rows.names)
    left, right = st.columns([4, 1.3], vertical_alignment="top")
    with left, st.container(key="heading-approvals"):
        st.header("Approvals", anchor=False)
        say(head_words(entries, shop), "lead", "waiting-count")
    with right:
        draw_person(found)
    frame.show_notice()
    for entry in chosen(entries, found):
        draw_waiting(found, entry)
    draw_holds(found, held_now(holds, rows.tickets, shop, rows.names))
    draw_expired(found, [row for row in approvals if row.state == "expired" or (row.state == "waiting" and row.expires_at is not None and row.expires_at <= now)], rows)
    draw_decided(found, [row for row in approvals if row.state in ("approved", "rejected")], rows)


def chosen(entries: list[Waiting], found: Opened) -> list[Waiting]:
    """What the chosen team decides; the choice is only there where there is one."""
    teams = [team for team in found.shop.owners if any(team in entry.deciders for entry in entries)]
    if len(teams) < 2:
        return entries
    team = st.selectbox("For", [EVERYBODY, *teams], format_func=lambda name: name if name == EVERYBODY else owner_name(name, found.shop), key="approvals-team", width=260)
    return [entry for entry in entries if team in (EVERYBODY, *entry.deciders)]


def draw_waiting(found: Opened, entry: Waiting) -> None:
    key, is_hold = entry.subject, entry.kind == "promo_hold"
    with st.container(border=True, key=f"card-{key}"):
        head(entry.title, entry.insight_id, key)
        with st.container(horizontal=True, gap="small"):
            st.badge(f"Tier {int(entry.tier)}", color=TIER_COLOURS.get(entry.tier, "gray"))
            name = KINDS.get(entry.kind, "action")
            st.badge(name, color="blue")
        say(waits_words(entry, found.shop, found.operations.clock()), "quiet", f"waits-{key}")
        pairs(
            [("Why", entry.grounds), ("How sure", entry.sure), ("Asked because", entry.why), ("If you approve", entry.effect), ("To undo it", entry.undo)], f"effect-{key}"
        )
        if entry.texts:
            with st.expander("What it says", expanded=False):
                for n, (heading, text) in enumerate(entry.texts):
                    say(heading, "step", f"text-heading-{key}-{n}")
                    say(text, "body", f"text-{key}-{n}")
        with st.form(f"decide-{key}", border=False):
            reason = st.text_input("Reason, kept with the decision", key=f"reason-{key}", max_chars=REASON_CHARACTERS)
            with st.container(horizontal=True, gap="small"):
                yes = st.form_submit_button("Place the hold" if is_hold else "Approve", key=f"yes-{key}", type="primary")
                no = st.form_submit_button("Do not hold" if is_hold else "Reject", key=f"no-{key}")
        if yes or no:
            answer(found, entry.yes if yes else entry.no, key, reason=reason)


def head(title: str, insight_id: str, key: str) -> None:
    left, right = st.columns([5, 1], vertical_alignment="top")
    with left:
        say(title, "title", f"title-{key}")
    with right, st.container(horizontal=True, horizontal_alignment="right"):
        if insight_link(insight_id) and insight_id.startswith("INS-"):
            st.page_link(INSIGHT_PAGE, label="Open", icon=":material/arrow_forward:", query_params={"insight": insight_id})


def draw_holds(found: Opened, held: list[HeldNow]) -> None:
    st.subheader("Products out of paid promotion", anchor=False)
    if not held:
        st.caption("No hold is running.")
    for entry in held:
        draw_hold(found, entry)
    draw_desired_state(found)


def draw_hold(found: Opened, entry: HeldNow) -> None:
    hold = entry.hold
    key = hold.hold_id
    with st.container(border=True, key=f"card-{key}"):
        head(entry.title, hold.insight_id, key)
        say(entry.products, "step", f"products-{key}")
        say(f"{key} · {entry.bounds}", "quiet", f"bounds-{key}")
        say(entry.extension, "lead", f"extension-{key}")
        with st.container(horizontal=True, gap="small", vertical_alignment="center"):
            with st.popover("Release"), st.form(f"release-form-{key}", border=False):
                reason = st.text_input("Why, if you like", key=f"release-reason-{key}", max_chars=REASON_CHARACTERS)
                released = st.form_submit_button("Release now", key=f"release-{key}")
            if entry.extension and st.button("Confirm the later end", key=f"confirm-extension-{key}"):
                answer(found, "extend", key)
            asked, until = False, None
            if hold.expires_on is not None and not entry.extension:
                with st.popover("Ask to extend"), st.form(f"extend-form-{key}", border=False):
                    later = hold.expires_on + timedelta(days=found.shop.policy.holds.extension_days)
                    until = st.date_input("Hold until", later, min_value=hold.expires_on + timedelta(days=1), key=f"extend-until-{key}")
                    st.caption("A second person confirms it.")
                    asked = st.form_submit_button("Ask", key=f"extend-{key}")
        if released:
            answer(found, "release", key, reason=reason)
        if asked and until is not None:
            answer(found, "extend", key, until=until)


def draw_desired_state(found: Opened) -> None:
    """The file that others read, as it is on the disk now."""
    path = found.settings.home / "desk" / "holds.csv"
    if not path.is_file():
        write_desired_state(found.settings.home, found.operations, found.shop)
    text = path.read_text(encoding="utf-8")
    held = max(0, len(text.splitlines()) - 1)
    with st.expander(f"desk/holds.csv as it is now: {int(held)} held"):
        st.caption("Shops and feeds read this file as the desired state: what is not in it is not held.")
        st.code(text, language=None)


def draw_expired(found: Opened, rows: list[Approval], actions: ActionRows) -> None:
    if not rows:
        return
    tickets = {row["action_id"]: row for row in actions.tickets}
    st.subheader("Ran out unanswered", anchor=False)
    st.caption("Nobody decided in time, so nothing was done. Only a person asks again.")
    for row in rows:
        ticket = tickets.get(row.action_id, {})
        with st.container(border=True, key=f"card-expired-{row.action_id}"):
            say(plain(text_of(ticket.get("title")), 160) or row.insight_id, "step", f"expired-title-{row.action_id}")
            ended = f", ran out {wording.moment(row.expires_at, found.shop.zone)}" if row.expires_at else ""
            say(f"{KINDS.get(row.kind, row.kind)} for {owner_name(row.team, found.shop)} · asked {wording.moment(row.requested_at, found.shop.zone)}{ended}", "quiet", f"expired-{row.action_id}")
            if st.button("Ask again", key=f"again-{row.action_id}"):
                again(found, row, int(ticket.get("tier") or 1))


def again(found: Opened, row: Approval, tier: int) -> None:
    try:
        asked = ask_again(found.operations, found.shop, row.action_id, tier, by=frame.person(), through="console", operators=found.settings.operators)
    except RefusedJudgement as refused:
        refuse(str(refused), f"again-{row.action_id}")
        return
    until = f" until {wording.moment(asked.expires_at, found.shop.zone)}" if asked.expires_at else ""
    frame.leave_notice(f"{row.action_id} waits again{until}")
    st.rerun()


def draw_decided(found: Opened, rows: list[Approval], actions: ActionRows) -> None:
    st.subheader("Decided", anchor=False)
    if not rows:
        st.caption("Nothing has been decided yet.")
        return
    titles = {row["action_id"]: plain(text_of(row["title"]), 160) for row in actions.tickets}
    rows = sorted(rows, key=lambda row: (row.decided_at or row.requested_at, row.action_id), reverse=True)[:DECIDED_SHOWN]
    shown = [
        {
            "decided": row.state, "kind": KINDS.get(row.kind, row.kind), "by": inert(row.decided_by or "", 60), "through": row.decided_through or "not kept",
            "on": row.decided_at.astimezone(found.shop.zone) if row.decided_at else None, "after": took_words(row), "why": plain(row.reason or "", 200),
            "what": titles.get(row.action_id) or row.insight_id,
        }
        for row in rows
    ]  # fmt: skip
    grid(shown, "decided", {"what": st.column_config.TextColumn(width="large"), "on": st.column_config.DatetimeColumn(format="ddd D MMM YYYY, HH:mm")})


draw(frame.opened())
