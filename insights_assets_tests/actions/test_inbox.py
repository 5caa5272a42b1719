"""Answers of people: every role and team against every act and surface, one-shot tokens, one count an event, all of it in one transaction."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from insights_assets.actions import inbox
from insights_assets.actions.approvals import ask_again, buttons_for, buttons_of, issue_token, request_approval
from insights_assets.actions.inbox import Answer, Outcome, take
from insights_assets.actions.model import PlannedAction
from insights_assets.actions.roles import approving_teams, deciding_team
from insights_assets.resources.operations import Operations, open_operations
from insights_assets.resources.operations.judgements import RefusedJudgement
from insights_assets.resources.operations.models import ApprovalToken
from insights_assets.shop import Shop
from insights_assets.shop.model import ACTION_KINDS
from insights_assets_tests.actions.conftest import AS_OF, NOW
from insights_assets_tests.hands import Hands

MACRO = PlannedAction("INS-b1", "macro", 2, "support", "desk", "awaiting_approval")
HOLD = PlannedAction("INS-7f3a", "promo_hold", 1, "marketing", "desk", "planned")
TICKET = PlannedAction("INS-7f3a", "defect_ticket", 1, "quality", "jira:QA", "planned")
#: One person a team, by addresses that can exist, so that nobody is an operator unless named.
STAFF = ("quality", "supply_chain", "support", "product", "merchandising", "marketing", "finance", "web")
THROUGH = ("console", "command", "jira", "slack")


@pytest.fixture
def clock() -> Hands:
    return Hands(NOW)


@pytest.fixture
def operations(tmp_path: Path, clock: Hands) -> Iterator[Operations]:
    found = open_operations(tmp_path / "operations.db", clock=clock)
    found.migrate()
    found.outbox.want([{"idempotency_key": "k1", "action_id": TICKET.action_id, "insight_id": TICKET.insight_id, "kind": TICKET.kind, "destination": "jira:QA", "payload": {}}])
    yield found
    found.close()


@pytest.fixture
def staffed(shop: Shop) -> Shop:
    """The sample shop with real people: ada.<team>@hearth.test in each team."""
    return replace(shop, owners={team: replace(owner, people=(f"ada.{team}@hearth.test",)) for team, owner in shop.owners.items()})


@pytest.fixture
def say(operations: Operations, staffed: Shop, tmp_path: Path) -> Callable[..., Outcome]:
    count = iter(range(10_000))

    def answer(act: str, subject: str, person: str, through: str = "command", *, shop: Shop = staffed, event_id: str = "", operators: Any = None, **more: Any) -> Outcome:
        found = Answer(event_id or f"e{next(count)}", act, subject, person, through, operations.clock(), **more)
        return take(operations, shop, found, home=tmp_path, as_of=AS_OF, operators=operators)

    return answer


def placed(operations: Operations, **changes: Any) -> str:
    given = {"reason": "breaks", "by": "policy", "revenue_share": 0.02, "placed_on": None, "expires_on": None, **changes}
    return operations.holds.make("H-1", HOLD.action_id, HOLD.insight_id, ["GL-100"], **given).hold_id


def held(tmp_path: Path) -> int:
    return (tmp_path / "desk" / "holds.csv").read_text().count("\n") - 1


# -- roles and teams ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("through", THROUGH)
@pytest.mark.parametrize("team", [*STAFF, "stranger"])
@pytest.mark.parametrize("kind", ACTION_KINDS)
def test_every_role_decides_what_its_team_approves_and_nothing_else(
    operations: Operations, staffed: Shop, say: Callable[..., Outcome], kind: str, team: str, through: str
) -> None:
    action = replace(MACRO, kind=kind)
    request_approval(operations, staffed, action)
    token = issue_token(operations, "approve", action.action_id, expires_at=NOW + timedelta(hours=1)) if through == "slack" else ""
    found = say("approve", action.action_id, f"Ada.{team}@hearth.test", through, token=token)
    may = kind in staffed.owners[team].approves if team in staffed.owners else False
    assert found.is_taken == may, found.said
    row = operations.approvals.get(action.action_id)
    assert row is not None
    assert (row.state, row.decided_through) == (("approved", through) if may else ("waiting", None))
    if not may:
        assert "no team of owners.yaml names" in found.said if team == "stranger" else "does not approve" in found.said
        assert [(r.action, r.subject) for r in operations.audit.rows()] == [("refused", action.action_id)]
        if token:  # a refusal uses no button up: who may press it still can
            assert say("approve", action.action_id, f"ada.{approving_teams(staffed, kind)[0]}@hearth.test", through, token=token).is_taken or not approving_teams(staffed, kind) if approving_teams(staffed, kind) else True


def test_who_is_asked_is_a_team_that_approves(shop: Shop) -> None:
    assert deciding_team(shop, "macro", "support") == "support"
    assert deciding_team(shop, "copy_change", "quality") == "product", "the team it escalates to"
    assert deciding_team(shop, "escalation", "web") == "quality", "the first that approves it"


@pytest.mark.parametrize("through", THROUGH)
def test_the_sample_shop_names_nobody_so_its_machine_is_trusted_and_no_network_is(
    operations: Operations, shop: Shop, say: Callable[..., Outcome], through: str
) -> None:
    request_approval(operations, shop, MACRO)
    token = issue_token(operations, "approve", MACRO.action_id, expires_at=NOW + timedelta(hours=1))
    found = say("approve", MACRO.action_id, "sue", through, shop=shop, token=token)
    assert found.is_taken == (through in ("console", "command")), found.said


def test_named_operators_act_for_every_team_on_this_machine_alone(operations: Operations, staffed: Shop, say: Callable[..., Outcome]) -> None:
    request_approval(operations, staffed, MACRO)
    assert "INSIGHTS_OPERATORS" in say("approve", MACRO.action_id, "sue", "console").said
    assert not say("approve", MACRO.action_id, "tom", "console", operators=["Sue"]).is_taken
    assert not say("approve", MACRO.action_id, "sue", "jira", operators=["Sue"]).is_taken
    assert say("approve", MACRO.action_id, "sue", "console", operators=["Sue"]).is_taken
    assert not say("approve", MACRO.action_id, "  ", "console", operators=["Sue"]).is_taken


# -- tokens ------------------------------------------------------------------------------------------------------------


def test_a_token_works_once_for_its_act_and_subject_until_its_time(operations: Operations, clock: Hands, say: Callable[..., Outcome], staffed: Shop) -> None:
    other = replace(MACRO, insight_id="INS-b2")
    for action in (MACRO, other):
        request_approval(operations, staffed, action)
    token = issue_token(operations, "approve", MACRO.action_id, expires_at=NOW + timedelta(hours=1))
    ada = "ada.support@hearth.test"
    assert "belongs to something else" in say("approve", other.action_id, ada, "slack", token=token).said, "foreign"
    assert "belongs to something else" in say("reject", MACRO.action_id, ada, "slack", token=token).said
    assert "not known any more" in say("approve", MACRO.action_id, ada, "slack", token="forged").said
    assert "not known any more" in say("approve", MACRO.action_id, ada, "slack").said, "Slack brings one always"
    assert say("approve", MACRO.action_id, ada, "slack", token=token).is_taken
    assert "used already, by ada.support" in say("approve", MACRO.action_id, "ada.support@hearth.test", "slack", token=token).said, "replayed"
    late = issue_token(operations, "approve", other.action_id, expires_at=NOW + timedelta(hours=1))
    clock.now = NOW + timedelta(hours=1)
    assert "time is over" in say("approve", other.action_id, ada, "slack", token=late).said, "expired"
    # a token that a surface brings is looked at even where none is needed
    assert not say("approve", other.action_id, ada, "console", token=late).is_taken
    assert operations.approvals.get(other.action_id).state == "waiting"  # type: ignore[union-attr]


def test_only_the_hash_of_a_token_is_kept(operations: Operations, tmp_path: Path) -> None:
    token = issue_token(operations, "approve", MACRO.action_id, expires_at=NOW + timedelta(hours=1))
    assert len(token) >= 43
    with operations.reading() as session:
        (row,) = session.query(ApprovalToken).all()
    operations.close()
    stored = b"".join(path.read_bytes() for path in tmp_path.glob("operations.db*"))
    assert row.token_sha256.encode() in stored and token.encode() not in stored


def test_two_buttons_of_one_question_decide_it_once(operations: Operations, staffed: Shop, say: Callable[..., Outcome]) -> None:
    request_approval(operations, staffed, MACRO)
    yes, no = buttons_of(operations, staffed, _row(MACRO), is_interactive=True)
    assert (yes.act, no.act) == ("approve", "reject")
    assert say("approve", yes.subject, "ada.support@hearth.test", "slack", token=yes.token).is_taken
    found = say("reject", no.subject, "ada.support@hearth.test", "slack", token=no.token)
    assert not found.is_taken and "already approved by ada.support@hearth.test" in found.said
    assert buttons_of(operations, staffed, _row(MACRO), is_interactive=True) == ()


def _row(action: PlannedAction) -> dict[str, Any]:
    return {"action_id": action.action_id, "insight_id": action.insight_id, "kind": action.kind, "tier": action.tier}


def test_buttons_follow_what_is_so_now(operations: Operations, staffed: Shop, say: Callable[..., Outcome]) -> None:
    assert buttons_of(operations, staffed, _row(TICKET), is_interactive=False) == ()
    assert [(b.act, b.subject, b.token) for b in buttons_of(operations, staffed, _row(TICKET), is_interactive=True)] == [
        ("confirm", "INS-7f3a", ""), ("dismiss", "INS-7f3a", ""), ("snooze", "INS-7f3a", ""),
    ]  # fmt: skip
    placed(operations)
    (place,) = buttons_of(operations, staffed, _row(HOLD), is_interactive=True)
    assert (place.act, place.subject) == ("place", "H-1")
    beside = buttons_of(operations, staffed, _row(replace(TICKET, kind="notification")), is_interactive=True)
    assert [(b.act, b.subject) for b in beside][:1] == [("place", "H-1")], "an alert carries what waits about its insight"
    assert buttons_for(operations, staffed, {"slack", "desk"})({**_row(HOLD), "destination": "slack:#m"})[0].act == "place"
    assert buttons_for(operations, staffed, {"desk"})({**_row(HOLD), "destination": "slack:#m"}) == (), "not connected: on the desk nobody presses"
    assert buttons_for(operations, staffed, {"jira", "slack"})({**_row(HOLD), "destination": "jira:QA"}) == ()
    assert say("place", place.subject, "ada.marketing@hearth.test", "slack", token=place.token).is_taken
    (release,) = buttons_of(operations, staffed, _row(HOLD), is_interactive=True)
    assert (release.act, release.subject) == ("release", "H-1") and release.token
    assert say("release", release.subject, "ada.quality@hearth.test", "slack", token=release.token).is_taken
    assert buttons_of(operations, staffed, _row(HOLD), is_interactive=True) == ()
    assert say("confirm", TICKET.insight_id, "ada.web@hearth.test", "slack").is_taken
    assert buttons_of(operations, staffed, _row(TICKET), is_interactive=True) == ()


# -- once, and whole ---------------------------------------------------------------------------------------------------


def test_the_same_event_again_gives_the_first_outcome_and_does_nothing(operations: Operations, clock: Hands, say: Callable[..., Outcome], staffed: Shop) -> None:
    request_approval(operations, staffed, MACRO)
    first = say("approve", MACRO.action_id, "ada.support@hearth.test", "jira", event_id="jira:77")
    clock.now = NOW + timedelta(days=30)
    for act in ("approve", "reject"):
        assert say(act, MACRO.action_id, "ada.support@hearth.test", "jira", event_id="jira:77") == first
    refused = say("approve", "ACT-none", "ada.support@hearth.test", event_id="x")
    assert say("approve", "ACT-none", "ada.support@hearth.test", event_id="x") == refused and not refused.is_taken
    assert [row.action for row in operations.audit.rows()] == ["refused", "approve"]
    assert len(operations.answers.all()) == 2


@pytest.mark.parametrize("fails", ["append_within", "note"])
def test_a_decision_without_its_audit_entry_or_note_did_not_happen(
    operations: Operations, staffed: Shop, say: Callable[..., Outcome], monkeypatch: pytest.MonkeyPatch, fails: str
) -> None:
    request_approval(operations, staffed, MACRO)
    token = issue_token(operations, "approve", MACRO.action_id, expires_at=NOW + timedelta(hours=1))

    def died(*_: Any, **__: Any) -> None:
        raise RuntimeError("died here")

    with monkeypatch.context() as broken:
        broken.setattr(operations.audit if fails == "append_within" else operations.answers, fails, died)
        with pytest.raises(RuntimeError, match="died here"):
            say("approve", MACRO.action_id, "ada.support@hearth.test", "slack", token=token, event_id="s1")
    assert operations.approvals.get(MACRO.action_id).state == "waiting"  # type: ignore[union-attr]
    assert (operations.audit.count(), operations.answers.all()) == (0, [])
    assert say("approve", MACRO.action_id, "ada.support@hearth.test", "slack", token=token, event_id="s1").is_taken, "the token is as good as before"
    assert operations.audit.verify_chain().holds


# -- expiry ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("tier", "hours"), [(1, 24), (2, 72), (3, 168)])
def test_an_approval_runs_out_by_its_tier_and_only_a_person_asks_again(
    operations: Operations, staffed: Shop, clock: Hands, say: Callable[..., Outcome], tier: int, hours: int
) -> None:
    action = replace(MACRO, tier=tier)
    request_approval(operations, staffed, action)
    clock.now = NOW + timedelta(hours=hours)
    found = say("approve", action.action_id, "ada.support@hearth.test")
    assert not found.is_taken and "ask again first" in found.said
    request_approval(operations, staffed, action)
    assert operations.approvals.get(action.action_id).state == "expired", "a run does not ask again"  # type: ignore[union-attr]
    with pytest.raises(RefusedJudgement, match="no team"):
        ask_again(operations, staffed, action.action_id, tier, by="policy", through="command")
    row = ask_again(operations, staffed, action.action_id, tier, by="ada.web@hearth.test", through="console")
    assert (row.state, row.expires_at) == ("waiting", clock.now + timedelta(hours=hours))
    assert say("approve", action.action_id, "ada.support@hearth.test").is_taken
    with pytest.raises(RefusedJudgement, match="only an expired approval"):
        ask_again(operations, staffed, action.action_id, tier, by="ada.web@hearth.test", through="console")


# -- holds -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("act", ["place", "approve"])
def test_a_hold_shows_in_its_desired_state_when_the_answer_is_given(
    operations: Operations, staffed: Shop, tmp_path: Path, say: Callable[..., Outcome], act: str
) -> None:
    placed(operations)
    request_approval(operations, staffed, replace(HOLD, state="awaiting_approval"))
    assert not say(act, HOLD.action_id, "ada.support@hearth.test").is_taken
    assert say(act, HOLD.action_id, "ada.marketing@hearth.test").is_taken
    assert held(tmp_path) == 1
    assert operations.approvals.get(HOLD.action_id).state == "approved", "one answer settles both"  # type: ignore[union-attr]
    assert say("release", "H-1", "ada.product@hearth.test", reason="fixed").is_taken
    assert held(tmp_path) == 0


def test_a_hold_is_extended_by_a_second_person_alone(operations: Operations, say: Callable[..., Outcome]) -> None:
    placed(operations)
    marketing, quality, product = (f"ada.{team}@hearth.test" for team in ("marketing", "quality", "product"))
    assert say("place", "H-1", marketing).is_taken
    assert not say("extend", "H-1", "ada.web@hearth.test").is_taken, "another team"
    assert say("extend", "H-1", quality, until=date(2026, 12, 4)).is_taken
    assert "needs a second person" in say("extend", "H-1", quality).said, "who asked"
    assert "needs a second person" in say("extend", "H-1", marketing).said, "who placed it"
    assert say("extend", "H-1", product).is_taken
    (hold,) = operations.holds.all()
    assert (hold.expires_on, hold.extensions, hold.extension_asked_by) == (date(2026, 12, 4), 1, None)


# -- verdicts and stamps -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("through", THROUGH)
def test_verdicts_come_from_everywhere_and_keep_where_they_came_from(operations: Operations, say: Callable[..., Outcome], through: str) -> None:
    web = "ada.web@hearth.test"
    assert not say("dismiss", TICKET.action_id, web, through).is_taken, "without a reason"
    assert say("dismiss", TICKET.action_id, web, through, reason="a test batch").is_taken
    assert say("confirm", TICKET.insight_id, web, through).is_taken
    given = [(v.insight_id, v.verdict, v.reason, v.given_by, v.given_through) for v in operations.verdicts.history()]
    assert given == [("INS-7f3a", "dismissed", "a test batch", web, through), ("INS-7f3a", "confirmed", None, web, through)]
    assert "there is no insight" in say("confirm", "INS-zz", web, through).said
    assert not say("duplicate", TICKET.insight_id, web, through).is_taken, "of which?"
    found = say("snooze", TICKET.insight_id, web, through)
    assert found.is_taken == (through in ("jira", "slack")), "a button names no day, a form does"


def test_a_destination_reports_stages_once_and_a_close_without_a_verdict_is_said(operations: Operations, clock: Hands, say: Callable[..., Outcome]) -> None:
    for hours, act in enumerate(("acknowledge", "start", "fix", "acknowledge")):
        clock.now = NOW + timedelta(hours=hours)
        assert say(act, TICKET.action_id, "dev@elsewhere.test", "jira").is_taken, "who may move the ticket there may report it"
    found = say("close", TICKET.action_id, "dev@elsewhere.test", "jira")
    assert "nobody has said whether it was right" in found.said
    stamps = operations.answers.stamps()[TICKET.action_id]
    assert {stage: row.at for stage, row in stamps.items()} == {
        "acknowledge": NOW, "start": NOW + timedelta(hours=1), "fix": NOW + timedelta(hours=2), "close": NOW + timedelta(hours=3),
    }  # fmt: skip
    assert "there is no action" in say("fix", "ACT-zz", "dev@elsewhere.test", "jira").said
    assert not say("fix", TICKET.action_id, "dev@elsewhere.test", "console").is_taken, "on the console a person is known or an operator"
    assert not say("explode", TICKET.action_id, "ada.web@hearth.test").is_taken
    assert set(inbox.ACTS) == {"approve", "reject", "confirm", "dismiss", "duplicate", "snooze", "release", "place", "extend", "acknowledge", "start", "fix", "close", "unknown"}
