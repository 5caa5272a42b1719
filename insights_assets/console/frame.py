"""The frame every page stands in: which home is open, who is looking, what was just recorded.

Belongs here: what pages share on the screen, and what they keep between looks. Does not belong here: anything of one page.
What a publication holds never changes, so rows read once are kept for some minutes per publication; what people judge is read anew
at every look.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NoReturn

import streamlit as st

from insights_assets.console import reading
from insights_assets.console.cards import Judgements
from insights_assets.console.elements import notice, say
from insights_assets.console.opening import Closed, Opened, machine_user, open_console, read_settings
from insights_assets.console.reading import ActionRows, HealthRows, InsightRows, TodayRows

if TYPE_CHECKING:
    from insights_assets.resources.operations import Operations

log = logging.getLogger(__name__)
#: How often an open page asks whether a newer run was published.
WATCH_SECONDS = 20
#: Rows are kept so long: an erasure publishes anew, and nothing of before may linger.
KEPT_SECONDS = 600
PERSON = "person"
#: The name between looks and pages: Streamlit forgets a field's value with the page that drew it.
_NAME_KEPT = "person-kept"


def opened() -> Opened:
    """The open home; where there is none the page says why, what to do, and ends."""
    before = st.session_state.pop("operations", None)
    if before is not None:
        before.close()
    settings = read_settings()
    found = settings if isinstance(settings, Closed) else open_console(settings, person() or "console")
    if isinstance(found, Closed):
        _stop(found)
    st.session_state["operations"] = found.operations
    watch(found.operations, found.reader.publication.publication_id)
    return found


def _stop(closed: Closed) -> NoReturn:
    st.header("Nothing to show yet", anchor=False)
    say(closed.sentence, "lead", "closed-sentence")
    say(closed.detail, "quiet", "closed-detail")
    st.write("What helps, in a terminal:")
    st.code(closed.command, language=None)
    st.stop()


@st.fragment(run_every=WATCH_SECONDS)
def watch(operations: Operations, shown: int) -> None:
    """Say that a newer run was published; the page changes only when the person wants it to."""
    latest = operations.latest_publication()
    if latest is not None and latest.publication_id != shown:
        with st.container(key="notice-newer", horizontal=True, vertical_alignment="center"):
            st.text("A newer run was published.")
            if st.button("Show it", key="show-newer"):
                st.rerun(scope="app")


def person() -> str:
    """The name that judgements are recorded under: as written on the page, else the user of this machine."""
    return str(st.session_state.get(_NAME_KEPT, machine_user())).strip()


def ask_person() -> None:
    """The field for that name. It is no login: the console listens on this machine only and trusts who sits at it."""
    st.session_state[PERSON] = st.session_state.setdefault(_NAME_KEPT, machine_user())
    st.text_input("Your name, for what you judge", key=PERSON, max_chars=60, on_change=_keep_name, help="Recorded with each verdict and decision. Not a login.")


def _keep_name() -> None:
    st.session_state[_NAME_KEPT] = st.session_state[PERSON]


def judgements(found: Opened) -> Judgements:
    """What people said so far."""
    operations, as_of = found.operations, found.reader.publication.as_of_day
    return Judgements(operations.verdicts.latest(), operations.verdicts.snoozed(as_of), operations.holds.all())


def today_rows(found: Opened) -> TodayRows:
    with _readable(found):
        return _today_rows(found.reader, *_name(found))


def health_rows(found: Opened) -> HealthRows:
    with _readable(found):
        return _health_rows(found.reader, *_name(found))


def action_rows(found: Opened) -> ActionRows:
    with _readable(found):
        return _action_rows(found.reader, *_name(found))


def roi_rows(found: Opened) -> list[dict[str, Any]]:
    with _readable(found):
        return _roi_rows(found.reader, *_name(found))


def insight_rows(found: Opened, insight: dict[str, Any], topics: tuple[str, ...], places: tuple[tuple[str, str], ...]) -> InsightRows:
    home, run_id = _name(found)
    with _readable(found):
        return _insight_rows(
            found.reader, insight, topics=topics, places=places, insight_id=insight["insight_id"], home=home, publication=run_id
        )  # fmt: skip


def with_records(today: TodayRows, rows: InsightRows) -> TodayRows:
    """The rows of *Today* with the records of one more insight among the evidence."""
    return replace(today, evidence={**today.evidence, **{row["feedback_id"]: row for row in rows.records}})


def trace_of(found: Opened, insight_id: str) -> dict[str, Any]:
    """The governance trace of an insight: records down to file and line, themes, score, versions."""
    with _readable(found):
        return _trace(found.reader, insight_id, *_name(found))


def leave_notice(text: str) -> None:
    """Say something on top of the page at its next look."""
    st.session_state["notice"] = text


def show_notice() -> None:
    if text := st.session_state.pop("notice", ""):
        notice(str(text), "recorded")


def _name(found: Opened) -> tuple[str, str]:
    """What makes a publication another one: its home and run (numbers begin anew where a home is made anew)."""
    return str(found.settings.home), found.reader.publication.run_id


@contextmanager
def _readable(found: Opened) -> Iterator[None]:
    """A published table that cannot be read ends the page with what to do, not with a stack of calls."""
    from deltalake.exceptions import DeltaError
    from pyspark.errors import PySparkException

    try:
        yield
    except (PySparkException, DeltaError) as error:
        log.exception("a published table of %s cannot be read", found.settings.home)
        _stop(Closed("A published table cannot be read.", f"{type(error).__name__}: its files may be gone.", "insights doctor"))


@st.cache_resource(ttl=KEPT_SECONDS, max_entries=4, show_spinner="Reading what was published …")
def _today_rows(_reader: Any, home: str, publication: str) -> TodayRows:
    return reading.read_today(_reader)


@st.cache_resource(ttl=KEPT_SECONDS, max_entries=4, show_spinner="Reading what was measured …")
def _health_rows(_reader: Any, home: str, publication: str) -> HealthRows:
    return reading.read_health(_reader)


@st.cache_resource(ttl=KEPT_SECONDS, max_entries=4, show_spinner="Reading what was published …")
def _action_rows(_reader: Any, home: str, publication: str) -> ActionRows:
    return reading.read_actions(_reader)


@st.cache_resource(ttl=KEPT_SECONDS, max_entries=4, show_spinner="Reading what was measured …")
def _roi_rows(_reader: Any, home: str, publication: str) -> list[dict[str, Any]]:
    return reading.read_roi(_reader)


@st.cache_resource(ttl=KEPT_SECONDS, max_entries=32, show_spinner="Reading the insight's records …")
def _insight_rows(_reader: Any, _insight: Any, *, topics: Any, places: Any, insight_id: str, home: str, publication: str) -> InsightRows:
    return reading.read_insight(_reader, _insight, topics, places)


@st.cache_resource(ttl=KEPT_SECONDS, max_entries=32, show_spinner=False)
def _trace(_reader: Any, insight_id: str, home: str, publication: str) -> dict[str, Any]:
    from insights_assets.governance.trace import trace

    return trace(_reader, insight_id).answer
