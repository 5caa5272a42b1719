"""Answering on a page: the act of an answer as the person whose name stands there, and who that person is in this shop.

Belongs here: handing an answer to `actions/inbox.py`, showing what became of it. Does not belong here: verdicts' buttons (`judging.py`),
any rule of who may answer (`actions/roles.py`).
"""

from __future__ import annotations

from datetime import date

import streamlit as st

from insights_assets.actions.destinations.hold_state import publish
from insights_assets.actions.escaping import inert
from insights_assets.actions.inbox import HOLD_ACTS, take_here
from insights_assets.actions.roles import names_real_people, person_of
from insights_assets.console import frame
from insights_assets.console.elements import say
from insights_assets.console.opening import Opened
from insights_assets.resources.operations.judgements import RefusedJudgement
from insights_assets.shop.model import Shop

KIND_WORDS = {
    "defect_ticket": "tickets", "notification": "alerts", "promo_hold": "promotion holds", "macro": "reply macros", "article": "help articles",
    "copy_change": "copy changes", "escalation": "escalations",
}  # fmt: skip


def answer(found: Opened, act: str, subject: str, *, reason: str = "", until: date | None = None) -> None:
    """Answer, then draw the page anew so that it shows what is so; a refusal is said where it was asked for."""
    outcome = take_here(
        found.operations, found.shop, act, subject, by=frame.person(), through="console", reason=reason, until=until, home=found.settings.home,
        as_of=found.reader.publication.as_of_day, operators=found.settings.operators,
    )  # fmt: skip
    if not outcome.is_taken:
        refuse(outcome.said, f"{act}-{subject}")
        return
    told = publish(found.operations, found.shop, found.settings, found.reader.publication.as_of_day) if act in (*HOLD_ACTS, "approve") else []
    frame.leave_notice("\n".join([inert(outcome.said, 300), *(inert(sentence, 300) for sentence in told)]))
    st.rerun()


def refuse(said: str, key: str) -> None:
    with st.container(key=f"refused-{key}"):
        st.text(inert(said, 300))


def draw_person(found: Opened) -> None:
    """The field for the name, and what this shop lets that name do."""
    frame.ask_person()
    say(role_words(found.shop, frame.person(), found.settings.operators), "quiet", "role")


def role_words(shop: Shop, name: str, operators: tuple[str, ...] | None) -> str:
    """What somebody may decide, in a sentence."""
    try:
        person = person_of(shop, name, "console", operators)
    except RefusedJudgement as refused:
        return inert(str(refused), 200)
    if person.is_operator and not names_real_people(shop):
        return "You decide for every team: owners.yaml names nobody real yet."
    if person.is_operator:
        return "You decide for every team, as operator."
    kinds = sorted({kind for team in person.teams for kind in shop.owners[team].approves})
    teams = " and ".join(shop.owners[team].name for team in person.teams)
    return f"{inert(teams, 80)}: you decide on {', '.join(KIND_WORDS[kind] for kind in kinds) or 'nothing that waits'}."
