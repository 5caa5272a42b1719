"""Right or wrong? The buttons by which a person judges an insight, and the act of recording it.

Belongs here: confirm, dismiss, duplicate of, snooze, in the words and rules of `actions/verdicts.py`. Does not belong here: what a
verdict leads to (the next run reads it) and any other decision.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta

import streamlit as st

from insights_assets.actions.escaping import inert
from insights_assets.actions.inbox import take_here
from insights_assets.console import frame
from insights_assets.console.cards import Card
from insights_assets.console.elements import say
from insights_assets.console.opening import Opened
from insights_assets.resources.operations.judgements import RefusedJudgement

REASON_CHARACTERS = 400
#: What a button records -> the act of an answer.
ACTS = {"confirmed": "confirm", "dismissed": "dismiss", "duplicate-of": "duplicate", "snooze": "snooze"}


def record(
    found: Opened,
    insight_id: str,
    judgement: str,
    *,
    by: str,
    known: Mapping[str, str],
    reason: str | None = None,
    until: date | None = None,
) -> str:
    """Record a judgement as this person and say in words what was recorded. Raises RefusedJudgement with what to do."""
    if not by.strip():
        raise RefusedJudgement("write your name first: a judgement is recorded with who gave it")
    if until is not None and until <= found.reader.publication.as_of_day:
        raise RefusedJudgement(f"a snooze ends after {found.reader.publication.as_of_day}, the shop's today")
    given = (reason or "").strip()[:REASON_CHARACTERS] or None
    outcome = take_here(
        found.operations, found.shop, ACTS[judgement], insight_id, by=by.strip(), through="console", reason=given or "", until=until, known_insights=known,
        as_of=found.reader.publication.as_of_day, operators=found.settings.operators,
    )  # fmt: skip
    if not outcome.is_taken:
        raise RefusedJudgement(outcome.said)
    return outcome.said


def judge(found: Opened, card: Card, titles: Mapping[str, str]) -> None:
    """The row of buttons of a card. `titles`: every insight there is, by id."""
    judge_insight(found, card.insight_id, titles, card.judged, is_aside=bool(card.aside))


def judge_insight(found: Opened, insight_id: str, titles: Mapping[str, str], judged: str, *, is_aside: bool = False) -> None:
    """The row of buttons of an insight. `judged`: what was said of it so far, in words."""
    as_of = found.reader.publication.as_of_day
    given = found.operations.verdicts.latest().get(insight_id)
    with st.container(horizontal=True, gap="small", vertical_alignment="center"):
        st.markdown("**Right or wrong?**", width="content")
        confirmed = given is not None and given.verdict == "confirmed"
        if st.button("Confirm", key=f"confirm-{insight_id}", help="It is real, and of this topic.", type="primary" if confirmed else "secondary"):
            _take(found, insight_id, "confirmed", titles)
        with st.popover("Dismiss"), st.form(f"dismiss-form-{insight_id}", border=False):
            reason = st.text_input("Why it is not an issue", key=f"dismiss-reason-{insight_id}", max_chars=REASON_CHARACTERS)
            if st.form_submit_button("Dismiss", key=f"dismiss-{insight_id}"):
                _take(found, insight_id, "dismissed", titles, reason=reason)
        others = [other for other in titles if other != insight_id]
        with st.popover("Duplicate of", disabled=not others), st.form(f"duplicate-form-{insight_id}", border=False):
            other = st.selectbox("The insight it repeats", others, format_func=lambda i: f"{i} {titles[i]}", key=f"duplicate-of-{insight_id}")
            if st.form_submit_button("Duplicate", key=f"duplicate-{insight_id}"):
                _take(found, insight_id, "duplicate-of", titles, reason=other)
        with st.popover("Snooze"), st.form(f"snooze-form-{insight_id}", border=False):
            until = st.date_input("Sleeps until", as_of + timedelta(days=7), min_value=as_of + timedelta(days=1), key=f"snooze-until-{insight_id}")
            why = st.text_input("Why, if you like", key=f"snooze-reason-{insight_id}", max_chars=REASON_CHARACTERS)
            if st.form_submit_button("Snooze", key=f"snooze-{insight_id}"):
                _take(found, insight_id, "snooze", titles, reason=why, until=until if isinstance(until, date) else None)
    say(f"So far: {judged}" if judged else "", "quiet", f"judged-{insight_id}")
    if not judged and not is_aside:
        st.caption("Nobody has judged it yet.")


def _take(
    found: Opened, insight_id: str, judgement: str, titles: Mapping[str, str], *, reason: str | None = None, until: date | None = None
) -> None:
    """Record, then draw the page anew so that it shows the judgement at once; a refusal is said where it was asked for."""
    try:
        said = record(found, insight_id, judgement, by=frame.person(), known=titles, reason=reason, until=until)
    except RefusedJudgement as refused:
        with st.container(key=f"refused-{judgement}-{insight_id}"):
            st.text(inert(str(refused), 300))
        return
    frame.leave_notice(f"Recorded as {inert(frame.person(), 60)}: {inert(said, 300)}")
    st.rerun()
