"""The client against real HTTP: every outcome has its name, nothing is lost, nothing is paid twice, and both ledgers agree."""

from __future__ import annotations

import dataclasses
import hashlib
import logging
from collections import Counter
from datetime import timedelta
from pathlib import Path

import pytest
from azure.core.credentials import AccessToken
from azure.core.exceptions import ClientAuthenticationError

from insights_assets.labels.model.label import questions_of
from insights_assets.labels.model.outcomes import Outcome
from insights_assets.labels.model.pace import OUTAGE_AFTER
from insights_assets.labels.model.report import run_report
from insights_assets.labels.model.request import Candidates
from insights_assets.labels.model.rounds import TRIES
from insights_assets.resources.language_model import connect
from insights_assets.settings import Settings
from insights_assets_tests.contract.azure_openai_brains import oracle
from insights_assets_tests.contract.azure_openai_faults import RATE_LIMITS, WITH_A_REPLY, WITHOUT_A_REPLY
from insights_assets_tests.contract.azure_openai_server import KEY, SNAPSHOT, AzureOpenAI
from insights_assets_tests.contract.azure_openai_spec import Description
from insights_assets_tests.labels.model.desk import Desk, complaints, open_desk

FAULTS = {**WITH_A_REPLY, **WITHOUT_A_REPLY}


def same_ledgers(desk: Desk) -> None:
    """Our ledger and the server's, token for token; calls whose reply was lost are known to be unknown."""
    ours = desk.client().ledger.calls()
    reached = [one for one in desk.server.billed if one.reply_reached_client]
    lost = [one for one in desk.server.billed if not one.reply_reached_client]
    counted = [row for row in ours if row.is_usage_known and row.input_tokens]
    assert Counter((row.request_id if row.batch_line is None else row.batch_line.split(":")[0], row.input_tokens, row.cached_tokens, row.output_tokens)
                   for row in counted) == Counter((one.batch_id or one.request_id, one.prompt_tokens, one.cached_tokens, one.completion_tokens) for one in reached)
    unknown = [row for row in ours if not row.is_usage_known]
    assert len(unknown) >= len(lost), "a reply that was lost after it was paid is in the ledger as unknown"
    assert all(row.estimated_tokens >= 1 for row in unknown)


def test_an_answer_becomes_a_row_and_the_second_run_asks_nothing(desk: Desk) -> None:
    records = complaints(30)
    first = desk.label(records)
    assert [one.outcome for one in first] == [Outcome.OK] * 30
    row = first[0].row
    assert row is not None
    assert row["topics"][0]["quote"] == records[0]["text"][row["topics"][0]["start"] : row["topics"][0]["end"]]
    assert (row["label_source"], row["model_version"], row["prompt_version"]) == ("model", SNAPSHOT, desk.prompt.prompt.version_id)
    assert len(desk.server.chats) == 30
    again = desk.label(records, desk.client("run-2"))
    assert len(desk.server.chats) == 30, "a rerun costs nothing"
    assert [one.row for one in again] == [one.row for one in first]
    assert all(one.was_stored for one in again)
    same_ledgers(desk)


def test_a_thousand_people_with_the_same_words_are_one_request_and_all_are_noted(desk: Desk) -> None:
    same = [{**complaints(1)[0], "feedback_id": f"f{number}", "customer_key": f"c{number}", "rating": float(number % 5 + 1)} for number in range(1000)]
    labels = desk.label(same)
    assert len(labels) == 1000 and len(desk.server.chats) == 1
    assert len({one.row["sentiment_score"] for one in labels if one.row}) > 1, "the stars are each record's own"
    replies = desk.client().replies
    assert replies.forget("c1") == 0, "others said it too"
    assert sum(replies.forget(f"c{number}") for number in range(1000)) == 1
    desk.label(same[:1], desk.client("run-2"))
    assert len(desk.server.chats) == 2, "what was forgotten is not stored any more"


@pytest.mark.parametrize("name", sorted(FAULTS))
def test_every_fault_has_its_outcome_and_stops_only_what_it_must(desk: Desk, name: str) -> None:
    desk.server.faults = lambda number, _body: name if number >= 1 else None
    client = desk.client(model_concurrency=1, model_concurrency_most=1)
    labels = desk.label(complaints(4), client)
    outcomes = [one.outcome.value for one in labels]
    assert outcomes == ["ok", *[FAULTS[name]] * 3]
    assert all((one.row is None) == (one.outcome is not Outcome.OK) for one in labels)
    asked = len(desk.server.chats)
    if FAULTS[name] in ("auth", "deployment_missing"):
        assert client.stopped and "INSIGHTS_MODEL_" in client.stopped and "keep their local labels" in client.stopped
        assert asked == 2, "the rest is not sent"
    elif name in ("500", "502", "408", "drop", "reset", "empty_choices", "wrong_types"):
        assert asked >= 1 + TRIES
    else:
        assert asked == 4 and client.stopped is None
    same_ledgers(desk)
    desk.server.faults = lambda *_: None
    later = desk.label(complaints(4), desk.client("run-2"))
    is_kept = FAULTS[name] not in ("transport", "auth", "deployment_missing")
    assert [one.outcome.value for one in later] == (["ok", *[FAULTS[name]] * 3] if is_kept else ["ok"] * 4)


def test_a_refusal_is_asked_again_after_seven_days(desk: Desk) -> None:
    desk.server.faults = lambda number, _body: "refused" if number == 0 else None
    record = complaints(1)
    assert desk.label(record)[0].outcome is Outcome.REFUSED
    desk.server.time.sleep_until(desk.server.time.now() + timedelta(days=6))
    assert desk.label(record, desk.client("r2"))[0].outcome is Outcome.REFUSED
    desk.server.time.sleep_until(desk.server.time.now() + timedelta(days=1, seconds=1))
    assert desk.label(record, desk.client("r3"))[0].outcome is Outcome.OK


def test_a_third_of_all_calls_rate_limited_in_every_form_loses_nothing_and_waits_as_told(desk: Desk) -> None:
    def fault(number: int, _body: object) -> str | None:
        drawn = hashlib.sha256(str(number).encode()).digest()
        return RATE_LIMITS[drawn[1] % len(RATE_LIMITS)] if drawn[0] < 77 else None

    desk.server.faults = fault
    client = desk.client()
    labels = desk.label(complaints(300), client)
    assert [one.outcome for one in labels] == [Outcome.OK] * 300
    assert desk.server.too_early == []
    assert set(desk.server.fault_counts) == set(RATE_LIMITS), "each form was met, 130 s among them"
    share = sum(desk.server.fault_counts.values()) / len(desk.server.chats)
    assert 0.27 <= share <= 0.4
    assert desk.server.time.slept.total_seconds() >= 130 * 3
    same_ledgers(desk)


def test_a_pause_is_for_everybody_and_one_requests_wait_is_its_own(desk: Desk) -> None:
    desk.server.faults = lambda number, _body: {5: "429:seconds:30", 9: "503:seconds:20"}.get(number)
    began = desk.server.time.now()
    labels = desk.label(complaints(12), desk.client(model_concurrency=1, model_concurrency_most=1))
    assert {one.outcome for one in labels} == {Outcome.OK} and desk.server.too_early == []
    after = [(arrived - began).total_seconds() for arrived in desk.server.arrivals]
    assert after[5] < 1 <= 30 <= after[6], "nothing is sent while the server wants quiet"
    assert after[10] < after[9] + 1, "a busy server is not a limit: the others go on"
    assert after[-1] >= after[9] + 20


def test_where_the_wait_is_longer_than_a_run_may_wait_the_next_run_asks_the_rest(desk: Desk) -> None:
    desk.server.faults = lambda number, _body: "429:seconds:130" if number >= 10 else None
    client = desk.client(model_wait_seconds=60.0, model_concurrency=1, model_concurrency_most=1)
    labels = desk.label(complaints(20), client)
    assert Counter(one.outcome for one in labels) == {Outcome.OK: 10, Outcome.RATE_LIMITED_DEFERRED: 10}
    assert client.stopped and "INSIGHTS_MODEL_WAIT_SECONDS" in client.stopped
    assert len(desk.server.chats) == 11
    desk.server.faults = lambda *_: None
    assert [one.outcome for one in desk.label(complaints(20), desk.client("run-2"))] == [Outcome.OK] * 20
    assert len(desk.server.chats) == 21, "only the rest was asked"


def test_a_server_that_says_zero_for_ever_does_not_hold_the_run_for_ever(desk: Desk) -> None:
    desk.server.faults = lambda *_: "429:seconds:0"
    client = desk.client(model_wait_seconds=300.0)
    assert {one.outcome for one in desk.label(complaints(5), client)} == {Outcome.RATE_LIMITED_DEFERRED}
    assert len(desk.server.chats) < 400


def test_a_deployment_that_takes_none_of_our_requests_is_left_alone(desk: Desk) -> None:
    desk.server.faults = lambda *_: "400"
    client = desk.client(model_concurrency=1, model_concurrency_most=1)
    assert {one.outcome for one in desk.label(complaints(50), client)} == {Outcome.TRANSPORT}
    assert len(desk.server.chats) == OUTAGE_AFTER
    assert client.stopped and "request not accepted: unsupported_value" in client.stopped


def test_the_report_has_the_runs_figures_and_its_sentences(desk: Desk) -> None:
    desk.server.faults = lambda number, _body: {1: "refused", 2: "filter_down"}.get(number)
    client = desk.client(model_concurrency=1, model_concurrency_most=1)
    desk.label(complaints(10), client)
    report = run_report(client)
    assert (report.calls_count, report.input_tokens) == (10, sum(one.prompt_tokens for one in desk.server.billed))
    assert report.answers == {"ok": 9, "refused": 1} and report.snapshots == (SNAPSHOT,)
    prompt, cached, completion = (sum(getattr(one, name) for one in desk.server.billed) for name in ("prompt_tokens", "cached_tokens", "completion_tokens"))
    assert report.cost == pytest.approx(((prompt - cached) * 0.40 + cached * 0.10 + completion * 1.60) / 1e6, abs=1e-5)
    assert report.cost_per_thousand(100) == pytest.approx(10 * report.cost, abs=1e-4)
    assert "filter was down for 1 calls" in " ".join(report.sentences)
    assert report.metadata()["model_ok"] == 9
    desk.connection = dataclasses.replace(desk.connection, snapshot="gpt-4.1-mini-2099-01-01")
    other = desk.client("run-2")
    desk.label(complaints(1), other)
    assert "INSIGHTS_MODEL_SNAPSHOT expects gpt-4.1-mini-2099-01-01" in " ".join(run_report(other).sentences)


def test_the_pace_follows_a_real_limit_of_tokens_a_minute(desk: Desk) -> None:
    desk.server.tokens_a_minute = 60_000
    client = desk.client(model_concurrency=8)
    labels = desk.label(complaints(80), client)
    assert [one.outcome for one in labels] == [Outcome.OK] * 80
    assert desk.server.too_early == []
    assert desk.server.fault_counts["429 by rate"] < 40, "the headers slow it down before most refusals"
    same_ledgers(desk)


def test_concurrency_grows_with_good_answers_up_to_its_most(server: AzureOpenAI, tmp_path: Path) -> None:
    server.seconds_a_reply = 0.03
    desk = open_desk(server, tmp_path, model_concurrency=2, model_concurrency_most=6)
    client = desk.client()
    desk.label(complaints(80), client)
    assert 3 <= server.most_in_flight <= 6
    assert client.pace.limit >= 4


def test_a_total_outage_ends_the_questions_after_a_few_and_the_backlog_drains_later(desk: Desk) -> None:
    desk.server.faults = lambda *_: "500"
    client = desk.client()
    labels = desk.label(complaints(200), client)
    assert {one.outcome for one in labels} == {Outcome.TRANSPORT} and len(labels) == 200
    assert len(desk.server.chats) <= OUTAGE_AFTER + client.pace.limit * TRIES + 8
    assert client.stopped and "does not answer" in client.stopped
    desk.server.faults = lambda *_: None
    assert {one.outcome for one in desk.label(complaints(200), desk.client("run-2"))} == {Outcome.OK}
    same_ledgers(desk)


def test_nobody_listens_at_all(server: AzureOpenAI, tmp_path: Path) -> None:
    desk = open_desk(server, tmp_path, model_endpoint="http://127.0.0.1:9")
    client = desk.client()
    assert {one.outcome for one in desk.label(complaints(50), client)} == {Outcome.TRANSPORT}
    assert client.stopped is not None


def test_a_slow_reply_is_a_transport_fault_after_the_timeout(server: AzureOpenAI, tmp_path: Path) -> None:
    server.faults = lambda number, _body: "slow:1.5" if number == 0 else None
    desk = open_desk(server, tmp_path, model_timeout_seconds=0.4)
    labels = desk.label(complaints(2), desk.client(model_concurrency=1, model_concurrency_most=1))
    assert [one.outcome for one in labels] == [Outcome.OK, Outcome.OK]
    rows = desk.client().ledger.calls()
    assert [row.detail for row in rows if row.outcome == "transport"] == ["timeout"]
    assert [row.is_usage_known for row in rows].count(False) == 1, "the slow one may have been paid"


@pytest.mark.parametrize("at_once", [1, 16])
def test_the_budget_is_hard_for_run_and_day(desk: Desk, at_once: int) -> None:
    client = desk.client(model_tokens_per_run=60_000, model_concurrency_most=at_once, model_concurrency=at_once)
    labels = desk.label(complaints(60), client)
    spent = sum(one.prompt_tokens + one.completion_tokens for one in desk.server.billed)
    counts = Counter(one.outcome for one in labels)
    assert 50_000 <= spent <= 60_000, "used up as far as an estimate reaches, and never passed"
    assert counts[Outcome.BUDGET] == 60 - counts[Outcome.OK] == client.budget.refused_count
    assert client.budget.exhausted and "used up" in client.budget.exhausted
    dear = desk.client("run-2", model_cost_per_day=client.ledger.spent(day=desk.server.time.now().date()).money)
    assert {one.outcome for one in desk.label(complaints(60), dear)} == {Outcome.OK, Outcome.BUDGET}
    assert len(desk.server.chats) == counts[Outcome.OK], "the day's money was gone: only stored answers were given"


def test_what_a_killed_process_left_in_flight_counts_as_spent(desk: Desk) -> None:
    client = desk.client()
    question = next(questions_of(complaints(1), desk.prompt, Candidates([])))
    client.ledger.sent(run_id="run-0", task="label_feedback", prompt_version="p", cache_key=question.cache_key, attempt=1, deployment="d",
                       estimate=client.estimate(question), at=desk.server.time.now())
    assert client.ledger.spent(run_id="run-0").tokens == question.estimate_tokens


def test_what_is_sent_and_what_comes_back_fit_the_vendors_description(desk: Desk, shared: Path) -> None:
    names = [None, *WITH_A_REPLY, "filtered_prompt", "context_length", "500", "429:seconds:3", "jailbreak_noted", "filter_down"]
    desk.server.faults = lambda number, _body: names[number] if number < len(names) else None
    desk.label(complaints(30), desk.client(model_concurrency=1, model_concurrency_most=1))
    description = Description(shared)
    assert description.wrong(desk.server.chats) == []
    hot = dataclasses.replace(desk.server.chats[0], body={**desk.server.chats[0].body, "temperature": "hot", "tempreature": 1})
    assert len(description.wrong([hot])) >= 2, "the check can fail"


def test_the_static_part_comes_first_and_is_read_from_the_vendors_cache(desk: Desk) -> None:
    desk.label(complaints(40), desk.client(model_concurrency=1, model_concurrency_most=1))
    bodies = [one.body for one in desk.server.chats]
    assert len({body["messages"][0]["content"] for body in bodies}) == 1
    assert len({body["prompt_cache_key"] for body in bodies}) == 4
    assert all(body["response_format"]["json_schema"]["strict"] is True and "tools" not in body for body in bodies)
    cached = sum(one.cached_tokens for one in desk.server.billed) / sum(one.prompt_tokens for one in desk.server.billed)
    assert cached > 0.5


def test_a_filter_that_was_down_and_a_noted_attack_are_kept_with_the_answer(desk: Desk) -> None:
    desk.server.faults = lambda number, _body: ("jailbreak_noted", "filter_down")[number]
    noted, down = desk.label(complaints(2), desk.client(model_concurrency=1, model_concurrency_most=1))
    assert noted.outcome is Outcome.OK and noted.is_suspect and "jailbreak" in str(noted.detail)
    assert "unfiltered" in str(down.detail)


def test_no_secret_and_no_text_of_a_customer_in_logs_or_ledger(desk: Desk, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_LOG", "debug")
    for name in ("openai", "httpx2", "httpcore2"):
        caplog.set_level(logging.DEBUG, logger=name)  # as somebody who looks for a fault would
    desk.connection = connect(desk.settings, strict=True)  # type: ignore[assignment]
    names = [None, "invalid_json", "500", "filtered_prompt", "wrong_types", "html", "400", "429:seconds:3"]
    desk.server.faults = lambda number, _body: names[number] if number < len(names) else None
    with caplog.at_level(logging.DEBUG):
        labels = desk.label(complaints(12), desk.client(model_concurrency=1, model_concurrency_most=1))
    rows = " ".join(str(row.as_dict()) for row in desk.client().ledger.calls()) + " ".join(str(one.detail) for one in labels)
    for word in (KEY, "broke", "You read one piece"):
        assert word not in caplog.text and word not in rows
    assert [record.message for record in caplog.records if record.name.startswith(("openai", "httpx2", "httpcore2"))] == [], "whatever level they were set to"
    assert "broke" in "".join(desk.server.raw_log), "the search would find what is there"


def test_a_compatible_server_gets_its_own_dialect(server: AzureOpenAI, tmp_path: Path) -> None:
    desk = open_desk(server, tmp_path, model="compatible", model_endpoint=f"{server.url}/serving/v1", model_reply_format="json_object")
    assert [one.outcome for one in desk.label(complaints(3))] == [Outcome.OK] * 3
    body = server.chats[0].body
    assert server.chats[0].path == "/serving/v1/chat/completions"
    assert body["response_format"] == {"type": "json_object"} and "max_tokens" in body and "prompt_cache_key" not in body
    assert "additionalProperties" in body["messages"][0]["content"], "the schema is in the prompt instead"


def test_entra_signs_in_with_its_scope_and_a_refused_sign_in_is_one_sentence(server: AzureOpenAI, tmp_path: Path) -> None:
    class Credential:
        def __init__(self, broken: bool = False) -> None:
            self.scopes: list[str] = []
            self.broken = broken

        def get_token(self, *scopes: str, **_: object) -> AccessToken:
            if self.broken:
                raise ClientAuthenticationError("no managed identity")
            self.scopes.extend(scopes)
            return AccessToken("token-of-entra", 4_000_000_000)

    server.keys = {"token-of-entra"}
    credential = Credential()
    desk = open_desk(server, tmp_path)
    settings = Settings(**{**desk.settings.model_dump(), "model_key": None, "model_auth": "entra"})
    desk.connection = connect(settings, strict=True, credential=credential)  # type: ignore[assignment]
    assert desk.label(complaints(1))[0].outcome is Outcome.OK
    assert credential.scopes[0] == "https://ai.azure.com/.default"
    desk.connection = connect(settings, credential=Credential(broken=True))  # type: ignore[assignment]
    client = desk.client("run-2")
    assert desk.label(complaints(5), client)[-1].outcome is Outcome.AUTH
    assert client.stopped and "Cognitive Services OpenAI User" in client.stopped


def test_the_first_reply_stays(desk: Desk) -> None:
    record = complaints(1)
    first = desk.label(record)[0]
    desk.server.brain = oracle({record[0]["text"]: {"never": "seen"}})
    client = desk.client("run-2")
    kept = client.replies.keep(str(first.cache_key), task="t", prompt_version="p", outcome=Outcome.OK, detail=None, content="{}", snapshot=None, subjects=(),
                               at=desk.server.time.now())
    assert kept is not None and kept.content != "{}"
    assert desk.label(record, client)[0].row == first.row
