"""The frame every page stands in: which home is open, who is looking, what was just recorded.

Belongs here: what pages share on the screen, and what they keep between looks. Does not belong here: anything of one page.
What a publication holds never changes, so rows read once are kept for some minutes per publication; what people judge is read anew
at every look.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import streamlit as st

from insights_assets.console import reading
from insights_assets.console.cards import Judgements
from insights_assets.console.elements import notice, say
from insights_assets.console.opening import Closed, Opened, machine_user, open_console, read_settings
from insights_assets.console.reading import InsightRows, TodayRows

#: Rows are kept so long: an erasure publishes anew, and nothing of before may linger.
KEPT_SECONDS = 600
PERSON = "person"


def opened() -> Opened:
    """The open home; where there is none the page says why, what to do, and ends."""
    settings = read_settings()
    found = settings if isinstance(settings, Closed) else open_console(settings, person() or "console")
    if isinstance(found, Closed):
        st.header("Nothing to show yet", anchor=False)
        say(found.sentence, "lead", "closed-sentence")
        say(found.detail, "quiet", "closed-detail")
        st.write("What helps, in a terminal:")
        st.code(found.command, language=None)
        st.stop()
    return found


def person() -> str:
    """The name that judgements are recorded under: as written on the page, else the user of this machine."""
    return str(st.session_state.get(PERSON, machine_user())).strip()


def ask_person() -> None:
    """The field for that name. It is no login: the console listens on this machine only and trusts who sits at it."""
    st.session_state.setdefault(PERSON, machine_user())
    st.text_input("Your name, for what you judge", key=PERSON, max_chars=60, help="Recorded with each verdict. Not a login.")


def judgements(found: Opened) -> Judgements:
    """What people said so far."""
    operations, as_of = found.operations, found.reader.publication.as_of_day
    return Judgements(operations.verdicts.latest(), operations.verdicts.snoozed(as_of), operations.holds.all())


def today_rows(found: Opened) -> TodayRows:
    return _today_rows(found.reader, *_name(found))


def insight_rows(found: Opened, insight: dict[str, Any], topics: tuple[str, ...], places: tuple[tuple[str, str], ...]) -> InsightRows:
    home, number = _name(found)
    return _insight_rows(
        found.reader, insight, topics=topics, places=places, insight_id=insight["insight_id"], home=home, publication=number
    )  # fmt: skip


def with_records(today: TodayRows, rows: InsightRows) -> TodayRows:
    """The rows of *Today* with the records of one more insight among the evidence."""
    return replace(today, evidence={**today.evidence, **{row["feedback_id"]: row for row in rows.records}})


def trace_of(found: Opened, insight_id: str) -> dict[str, Any]:
    """The governance trace of an insight: records down to file and line, themes, score, versions."""
    return _trace(found.reader, insight_id, *_name(found))


def leave_notice(text: str) -> None:
    """Say something on top of the page at its next look."""
    st.session_state["notice"] = text


def show_notice() -> None:
    if text := st.session_state.pop("notice", ""):
        notice(str(text), "recorded")


def _name(found: Opened) -> tuple[str, int]:
    """What makes a publication another one: its home and number."""
    return str(found.settings.home), found.reader.publication.publication_id


@st.cache_resource(ttl=KEPT_SECONDS, max_entries=4, show_spinner="Reading what was published …")
def _today_rows(_reader: Any, home: str, publication: int) -> TodayRows:
    return reading.read_today(_reader)


@st.cache_resource(ttl=KEPT_SECONDS, max_entries=32, show_spinner="Reading the insight's records …")
def _insight_rows(_reader: Any, _insight: Any, *, topics: Any, places: Any, insight_id: str, home: str, publication: int) -> InsightRows:
    return reading.read_insight(_reader, _insight, topics, places)


@st.cache_resource(ttl=KEPT_SECONDS, max_entries=32, show_spinner=False)
def _trace(_reader: Any, insight_id: str, home: str, publication: int) -> dict[str, Any]:
    from insights_assets.governance.trace import trace

    return trace(_reader, insight_id).answer
