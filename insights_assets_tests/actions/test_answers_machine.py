"""Any order of asking, pressing, replaying, waiting and asking again: what is decided is decided once, by who may, with its audit entry."""

from __future__ import annotations

import tempfile
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, invariant, rule

from insights_assets.actions.approvals import ask_again, issue_token, request_approval
from insights_assets.actions.inbox import Answer, Outcome, take
from insights_assets.actions.model import PlannedAction
from insights_assets.resources.operations import open_operations
from insights_assets.resources.operations.judgements import RefusedJudgement
from insights_assets.shop import load_shop
from insights_assets_tests.actions.conftest import AS_OF, NOW

ACTIONS = tuple(PlannedAction(f"INS-{n}", kind, tier, "support", "desk", "awaiting_approval") for n, (kind, tier) in enumerate((("macro", 1), ("copy_change", 2))))
PEOPLE = ("ada.support@h.test", "bob.product@h.test", "eve.nobody@h.test")
MAY = {"macro": {PEOPLE[0]}, "copy_change": {PEOPLE[1]}}
SHOP = load_shop()
SHOP = replace(SHOP, owners={team: replace(owner, people=(f"{'ada' if team == 'support' else 'bob'}.{team}@h.test",)) for team, owner in SHOP.owners.items()})


class Answering(RuleBasedStateMachine):
    """The database against a model: who decided what, which buttons are spent, which events were seen."""

    tokens = Bundle("tokens")
    events = Bundle("events")

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.now: datetime = NOW
        self.operations = open_operations(Path(self.folder.name) / "operations.db", clock=lambda: self.now)
        self.operations.migrate()
        self.decided: dict[str, tuple[str, str]] = {}
        self.spent: set[str] = set()
        self.outcomes: dict[str, Outcome] = {}
        self.count = 0
        for action in ACTIONS:
            request_approval(self.operations, SHOP, action)
        self.until = {action.action_id: NOW + timedelta(hours=SHOP.policy.answers.approval_hours[action.tier]) for action in ACTIONS}

    def teardown(self) -> None:
        self.operations.close()
        self.folder.cleanup()

    @rule(target=tokens, action=st.sampled_from(ACTIONS), act=st.sampled_from(("approve", "reject")), hours=st.integers(1, 12))
    def button(self, action: PlannedAction, act: str, hours: int) -> tuple[str, str, str, datetime]:
        until = self.now + timedelta(hours=hours)
        return issue_token(self.operations, act, action.action_id, expires_at=until), act, action.action_id, until

    @rule(target=events, token=tokens, person=st.sampled_from(PEOPLE), is_foreign=st.sampled_from((False, False, False, True)))
    def press(self, token: tuple[str, str, str, datetime], person: str, is_foreign: bool) -> Answer:
        """Press a button; a foreign one is held against another action than its own."""
        self.count += 1
        action, act = next(one for one in ACTIONS if (one.action_id == token[2]) != is_foreign), token[1]
        answer = Answer(f"e{self.count}", act, action.action_id, person, "slack", self.now, token=token[0])
        good = token[1:3] == (act, action.action_id) and token[0] not in self.spent and self.now < token[3]
        self._answered(answer, action, may=good and person in MAY[action.kind])
        return answer

    @rule(target=events, person=st.sampled_from(PEOPLE), action=st.sampled_from(ACTIONS), act=st.sampled_from(("approve", "reject")), through=st.sampled_from(("console", "command", "jira")))
    def decide(self, person: str, action: PlannedAction, act: str, through: str) -> Answer:
        self.count += 1
        answer = Answer(f"e{self.count}", act, action.action_id, person, through, self.now)
        self._answered(answer, action, may=person in MAY[action.kind])
        return answer

    def _answered(self, answer: Answer, action: PlannedAction, *, may: bool) -> None:
        before = self.decided.get(action.action_id)
        wanted = ("approved" if answer.act == "approve" else "rejected", answer.person)
        open_ = before is None and self.now < self.until[action.action_id]
        outcome = take(self.operations, SHOP, answer, as_of=AS_OF)
        assert outcome.is_taken == (may and (open_ or before == wanted)), outcome.said
        if outcome.is_taken:
            self.decided[action.action_id] = wanted
            self.spent |= {answer.token} - {""}
        self.outcomes[answer.event_id] = outcome

    @rule(answer=events, later=st.booleans())
    def replay(self, answer: Answer, later: bool) -> None:
        again = replace(answer, at=self.now, act="reject") if later else answer
        audited = self.operations.audit.count()
        assert take(self.operations, SHOP, again, as_of=AS_OF) == self.outcomes[answer.event_id]
        assert self.operations.audit.count() == audited

    @rule(hours=st.integers(1, 30))
    def wait(self, hours: int) -> None:
        self.now += timedelta(hours=hours)

    @rule(action=st.sampled_from(ACTIONS), person=st.sampled_from(PEOPLE))
    def again(self, action: PlannedAction, person: str) -> None:
        may = action.action_id not in self.decided and self.now >= self.until[action.action_id] and person != PEOPLE[2]
        try:
            row = ask_again(self.operations, SHOP, action.action_id, action.tier, by=person, through="console")
        except RefusedJudgement:
            assert not may
            return
        assert may and row.expires_at is not None
        self.until[action.action_id] = row.expires_at

    @invariant()
    def what_is_decided_is_decided_once(self) -> None:
        for row in self.operations.approvals.all():
            decided = self.decided.get(row.action_id)
            assert (decided is None) == (row.state in ("waiting", "expired"))
            if decided is not None:
                assert (row.state, row.decided_by) == decided and row.decided_by in MAY[row.kind]

    @invariant()
    def every_answer_is_in_the_log(self) -> None:
        rows = self.operations.audit.rows()
        assert sum(row.action == "refused" for row in rows) == sum(not outcome.is_taken for outcome in self.outcomes.values())
        assert sum(row.action in ("approve", "reject") for row in rows) == sum(outcome.is_taken for outcome in self.outcomes.values())
        assert self.operations.audit.verify_chain().holds


Answering.TestCase.settings = settings(max_examples=40, stateful_step_count=30, deadline=None, suppress_health_check=list(HealthCheck))
TestAnswering = Answering.TestCase
