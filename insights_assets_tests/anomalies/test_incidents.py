"""The incident's life, as properties over any sequence of signals."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from insights_assets.anomalies.incidents import ACTIVE, NO_INCIDENT, NONE, OPEN, RESOLVED, RUNNING, WATCHING, Incident, IncidentRules, advance

SIGNALS = st.lists(st.tuples(st.booleans(), st.booleans()), min_size=1, max_size=120)
RULES = IncidentRules()


def live(signals: list[tuple[bool, bool]]) -> list[Incident]:
    incident, lived = NO_INCIDENT, []
    for day, (alarm, quiet) in enumerate(signals, start=100):
        incident = advance(incident, day, alarm=alarm, quiet=quiet and not alarm)
        lived.append(incident)
    return lived


@given(SIGNALS)
def test_an_incident_closes_after_exactly_five_quiet_days(signals: list[tuple[bool, bool]]) -> None:
    quiet_run = 0
    before = NO_INCIDENT
    for (alarm, quiet), now in zip(signals, live(signals), strict=True):
        quiet_run = quiet_run + 1 if quiet and not alarm else 0
        if before.is_running:
            assert (now.state == RESOLVED) == (quiet_run >= RULES.quiet_days)
            assert now.is_running == (quiet_run < RULES.quiet_days)
            assert now.quiet == quiet_run
        if not before.is_running:
            quiet_run = 0
        before = now


@given(SIGNALS)
def test_only_an_alarm_opens_and_every_alarm_is_heard(signals: list[tuple[bool, bool]]) -> None:
    before = NO_INCIDENT
    for (alarm, _), now in zip(signals, live(signals), strict=True):
        if now.state == OPEN:
            assert alarm and not before.is_running
        if alarm:
            assert now.state in (OPEN, ACTIVE)
        before = now


@given(SIGNALS)
def test_reopening_within_fourteen_days_is_the_same_incident(signals: list[tuple[bool, bool]]) -> None:
    before = NO_INCIDENT
    for day, now in enumerate(live(signals), start=100):
        if now.state == OPEN:
            if before.state == RESOLVED and day - before.closed <= RULES.reopen_days:
                assert now.opened == before.opened and now.reopened == before.reopened + 1
            else:
                assert now.opened == day and now.reopened == 0
        elif now.state in (ACTIVE, WATCHING, RESOLVED):
            assert now.opened == before.opened
        if now.state == NONE:
            assert now == NO_INCIDENT
        before = now


@given(SIGNALS, st.integers(0, 119))
def test_going_on_from_a_stored_state_equals_never_having_stopped(signals: list[tuple[bool, bool]], cut: int) -> None:
    whole = live(signals)
    cut = min(cut, len(signals) - 1)
    kept = whole[cut]
    incident = Incident(kept.state, kept.opened, kept.quiet, kept.closed, kept.reopened)
    for day, (alarm, quiet) in enumerate(signals[cut + 1 :], start=101 + cut):
        incident = advance(incident, day, alarm=alarm, quiet=quiet and not alarm)
    assert incident == whole[-1]


def test_the_five_states_in_order() -> None:
    signals = [(True, False), (False, False), (False, True), (False, False)] + [(False, True)] * 5 + [(False, True)] * 14
    states = [incident.state for incident in live(signals)]
    assert states[:4] == [OPEN, ACTIVE, WATCHING, ACTIVE]
    assert states[4:9] == [WATCHING] * 4 + [RESOLVED]
    assert states[9:22] == [RESOLVED] * 13
    assert set(states[:8]) <= RUNNING
    assert live([*signals, (False, True), (False, True)])[-1] == NO_INCIDENT
