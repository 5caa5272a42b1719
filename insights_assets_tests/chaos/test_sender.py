"""How the sender behaves towards destinations: order, pace, waits, outages, dead letters, parents, updates; on both databases."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from datetime import timedelta

import pytest

from insights_assets.actions.destinations.port import Destination, Message, Receipt
from insights_assets.actions.outbox import DrainReport, Outgoing, Patience, drain, want
from insights_assets.resources.operations import Operations
from insights_assets.resources.operations.outbox_people import OPERATOR, RefusedMove, drop, retry, standing, unsettled
from insights_assets_tests.chaos.shift import by_key, outgoing
from insights_assets_tests.chaos.ticket_server import Tickets, TicketServer
from insights_assets_tests.hands import Hands


def send(
    operations: Operations, destinations: Mapping[str, Destination] | TicketServer, items: list[Outgoing], *, patience: Patience | None = None, run_id: str = "r"
) -> DrainReport:
    connected = {"tickets": Tickets(destinations.port)} if isinstance(destinations, TicketServer) else destinations
    want(operations, items, connected)
    clock = operations.clock
    assert isinstance(clock, Hands)
    return drain(operations, connected, by_key(items), worker="w", run_id=run_id, sleep=clock.turn, patience=patience)


def contents(server: TicketServer) -> list[str]:
    return [ticket.content for ticket in server.ledger]


class Shelf:
    """A place that keeps everything and stands where the desk does."""

    name, is_searchable, is_repeatable, settles_after = "desk", True, True, 0.0

    def __init__(self) -> None:
        self.kept: dict[str, str] = {}

    def find(self, message: Message, since: object) -> Receipt | None:
        return Receipt(message.key) if message.key in self.kept else None

    def create(self, message: Message) -> Receipt:
        self.kept[message.key] = message.body
        return Receipt(message.key)

    def update(self, message: Message, external_id: str) -> Receipt:
        return self.create(message)


# -- order and content -------------------------------------------------------------------------------------------------


def test_the_urgent_goes_first_then_the_oldest(operations: Operations, server: TicketServer, clock: Hands) -> None:
    want(operations, [outgoing(1, tier=3)], {})
    clock.turn(60)
    items = [outgoing(1, tier=3), outgoing(2, tier=2), outgoing(3, tier=1), outgoing(4, tier=3), outgoing(5, tier=1)]
    send(operations, server, items)
    assert contents(server) == ["text 3", "text 5", "text 2", "text 1", "text 4"]


def test_a_child_waits_for_its_parent_and_gets_its_name_there(operations: Operations, server: TicketServer, clock: Hands) -> None:
    parent = outgoing(1, tier=3)
    child = outgoing(2, tier=1, parent=parent.message.key)
    server.plan = {parent.message.fingerprint: ("429",)}
    server.retry_after = "60"
    assert send(operations, server, [child, parent]).created == 0
    clock.turn(61)
    assert send(operations, server, [child, parent]).created == 2
    assert [(t.content, t.parent) for t in server.ledger] == [("text 1", ""), ("text 2", "T-1")]


def test_a_child_of_a_dead_letter_goes_alone(operations: Operations, server: TicketServer) -> None:
    parent = outgoing(1)
    child = outgoing(2, tier=1, parent=parent.message.key)
    server.refuse = frozenset({parent.message.fingerprint})
    report = send(operations, server, [child, parent])
    assert (report.dead, report.created) == (1, 1)
    assert [(t.content, t.parent) for t in server.ledger] == [("text 2", "")]


def test_a_changed_text_updates_what_is_there_and_the_same_text_sends_nothing(operations: Operations, server: TicketServer) -> None:
    assert send(operations, server, [outgoing(1)]).created == 1
    assert send(operations, server, [outgoing(1)]).as_dict() == DrainReport().as_dict()
    assert sum(server.writes.values()) == 1
    assert send(operations, server, [outgoing(1, body="newer")]).updated == 1
    assert contents(server) == ["newer 1"]
    assert [row.outcome for row in operations.outbox.deliveries()] == ["created", "updated"]
    (row,) = operations.outbox.all()
    assert (row.external_id, row.sent_to, row.url) == ("T-1", "tickets", f"http://127.0.0.1:{server.port}/T-1")


def test_a_text_that_changed_while_nobody_knew_ends_as_one_ticket_with_the_new_text(operations: Operations, server: TicketServer, clock: Hands) -> None:
    server.plan = {outgoing(1).message.fingerprint: ("lost",)}
    assert send(operations, server, [outgoing(1)]).unknown == 1
    assert send(operations, server, [outgoing(1, body="newer")]).arrived == 0, "it is looked up before anything else"
    clock.turn(61)
    report = send(operations, server, [outgoing(1, body="newer")])
    assert (report.found, report.updated, report.created) == (1, 1, 0)
    assert contents(server) == ["newer 1"]
    assert [row.outcome for row in operations.outbox.deliveries()] == ["created", "updated"]


def test_the_text_of_another_version_is_not_sent_as_this_one(operations: Operations, server: TicketServer) -> None:
    """Between runs the published texts are at hand; a row that wants a newer one waits for the run that publishes it."""
    want(operations, [outgoing(1, body="newer")], {"tickets": Tickets(server.port)})
    published = by_key([outgoing(1)])
    report = drain(operations, {"tickets": Tickets(server.port)}, published, worker="w", run_id="r")
    assert (report.created, report.without_text) == (0, 1)
    assert send(operations, server, [outgoing(1, body="newer")]).created == 1
    assert contents(server) == ["newer 1"]


# -- where things go ---------------------------------------------------------------------------------------------------


def test_what_is_not_connected_goes_to_the_desk_says_so_and_stays_there(operations: Operations, server: TicketServer) -> None:
    desk = Shelf()
    assert send(operations, {"desk": desk}, [outgoing(1)]).created == 1
    (arrived,) = operations.outbox.deliveries()
    assert (arrived.note, desk.kept) == ("tickets:Q is not connected: delivered to the desk", {outgoing(1).message.key: "text 1"})
    both = {"desk": desk, "tickets": Tickets(server.port)}
    assert send(operations, both, [outgoing(1), outgoing(2)]).created == 1
    assert contents(server) == ["text 2"], "connecting a destination floods it with nothing old"
    send(operations, both, [outgoing(1, body="newer"), outgoing(2)])
    assert desk.kept == {outgoing(1).message.key: "newer 1"}


def test_what_is_at_a_destination_that_is_gone_waits_for_it_and_is_not_copied(operations: Operations, server: TicketServer, clock: Hands) -> None:
    desk = Shelf()
    server.plan = {outgoing(2).message.fingerprint: ("lost",)}
    send(operations, {"desk": desk, "tickets": Tickets(server.port)}, [outgoing(1), outgoing(2)])
    clock.turn(600)
    send(operations, {"desk": desk}, [outgoing(1, body="newer"), outgoing(2)])
    assert desk.kept == {}
    assert {row.state for row in operations.outbox.all()} == {"waiting", "unknown"}
    send(operations, {"desk": desk, "tickets": Tickets(server.port)}, [outgoing(1, body="newer"), outgoing(2)])
    assert contents(server) == ["newer 1", "text 2"]


def test_a_place_that_cannot_be_searched_is_sent_to_again(operations: Operations, server: TicketServer, clock: Hands) -> None:
    """At least once, and the docs say so: better told twice than not."""
    blind = Tickets(server.port)
    blind.is_searchable = False
    server.plan = {outgoing(1).message.fingerprint: ("lost",)}
    send(operations, {"tickets": blind}, [outgoing(1)])
    clock.turn(60)
    assert send(operations, {"tickets": blind}, [outgoing(1)]).created == 1
    assert contents(server) == ["text 1", "text 1"] and server.requests["GET"] == 0


# -- pace, limits, outages ---------------------------------------------------------------------------------------------


def test_a_place_gets_one_message_a_second(operations: Operations, server: TicketServer, clock: Hands) -> None:
    slow = Patience(pace={"tickets": 1.0})
    send(operations, server, [outgoing(n) for n in range(5)], patience=slow)
    send(operations, server, [outgoing(n) for n in range(10)], patience=slow)
    gaps = [(later - earlier).total_seconds() for earlier, later in zip(server.sent_at, server.sent_at[1:], strict=False)]
    assert len(server.ledger) == 10 and min(gaps) >= 1.0


@pytest.mark.parametrize("named", ["2", "130", None])
def test_a_rate_limit_is_honoured_for_everything_behind_it(operations: Operations, server: TicketServer, clock: Hands, named: str | None) -> None:
    items = [outgoing(n) for n in range(30)]
    server.plan = {items[4].message.fingerprint: ("429",)}
    server.retry_after = named
    send(operations, server, items)
    refused = server.sent_at[4]
    later = server.sent_at[5:]
    if named is not None:
        assert all(moment >= refused + timedelta(seconds=float(named)) for moment in later)
        assert len(later) == (26 if named == "2" else 0), "a short wait is slept, a long one is left to the next drain"
    clock.turn(200)
    send(operations, server, items)
    assert (len(server.ledger), server.duplicates()) == (30, [])


def test_a_storm_of_rate_limits_is_not_hammered_and_kills_no_letter(operations: Operations, server: TicketServer, clock: Hands) -> None:
    items = [outgoing(n) for n in range(40)]
    server.storm, server.retry_after = "429", "0"
    for _ in range(60):
        send(operations, server, items)
        clock.turn(60)
    assert len(server.sent_at) <= 200 and standing(operations).dead == 0
    server.storm = ""
    for _ in range(5):
        send(operations, server, items)
        clock.turn(400)
    assert (len(server.ledger), server.duplicates()) == (40, [])


@pytest.mark.parametrize("status", ["503", "500"])
def test_an_outage_of_hours_is_probed_not_hammered_and_made_good(operations: Operations, server: TicketServer, clock: Hands, status: str) -> None:
    """Searching goes on working, which says nothing of writing; with 500 every probe is written, and found later."""
    items = [outgoing(n, tier=n % 3 + 1) for n in range(20)]
    server.storm = status
    told: set[str] = set()
    for _ in range(4 * 30):
        told |= set(send(operations, server, items).held_back.values())
        clock.turn(120)
    # Three faults, then one probe after 1, 2, 4, 8 and from there on 15 minutes.
    assert len(server.sent_at) <= 3 + 5 + 4 * 4
    assert any(words.startswith("tickets failed 3 times in a row, last: the server answered 50") for words in told)
    assert standing(operations).dead == 0
    server.storm = ""
    for _ in range(30):
        send(operations, server, items)
        clock.turn(300)
    assert {row.state for row in operations.outbox.all()} == {"delivered"}
    assert (len(server.ledger), server.duplicates()) == (20, [])


def test_a_destination_that_is_down_holds_back_no_other(operations: Operations, server: TicketServer) -> None:
    server.storm = "503"
    desk = Shelf()
    items = [outgoing(n, tier=1) for n in range(10)] + [outgoing(n, tier=3, destination="desk") for n in range(10, 20)]
    report = send(operations, {"tickets": Tickets(server.port), "desk": desk}, items)
    assert report.created == len(desk.kept) == 10 and len(server.sent_at) == 3


class Dripping(Tickets):
    """Takes longer than a call may, and writes in the end."""

    def __init__(self, port: int, until: threading.Event) -> None:
        super().__init__(port)
        self.until = until

    def create(self, message: Message) -> Receipt:
        self.until.wait(10)
        return super().create(message)


def test_a_call_beyond_its_deadline_is_unknown_and_is_found_later(operations: Operations, server: TicketServer, clock: Hands) -> None:
    release = threading.Event()
    items = [outgoing(n) for n in range(3)]
    report = send(operations, {"tickets": Dripping(server.port, release)}, items, patience=Patience(call=0.2))
    assert (report.unknown, report.created) == (1, 0), "its client is busy, so nothing more is asked of it in this drain"
    assert "took" in report.held_back["tickets"]
    release.set()
    for _ in range(200):
        if server.ledger:
            break
        threading.Event().wait(0.02)
    clock.turn(400)
    assert send(operations, server, items).found == 1
    assert (len(server.ledger), server.duplicates()) == (3, [])


def test_a_slow_destination_is_left_to_the_next_drain(operations: Operations, server: TicketServer, clock: Hands) -> None:
    class Slow(Tickets):
        def create(self, message: Message) -> Receipt:
            clock.turn(25)
            return super().create(message)

    items = [outgoing(n) for n in range(20)]
    assert send(operations, {"tickets": Slow(server.port)}, items).created == 5
    assert standing(operations).waiting == 15


def test_a_lease_must_outlast_a_call() -> None:
    with pytest.raises(ValueError, match="orphan"):
        Patience(call=60, lease=100)


# -- dead letters and people -------------------------------------------------------------------------------------------


def test_waits_grow_differ_by_key_and_are_the_same_every_time() -> None:
    patience = Patience()
    waits = [patience.wait("a", tries) for tries in range(1, 12)]
    assert waits == [patience.wait("a", tries) for tries in range(1, 12)] != [patience.wait("b", tries) for tries in range(1, 12)]
    assert all(30 * 2 ** n * 0.75 <= wait <= 30 * 2 ** n * 1.25 for n, wait in enumerate(waits[:6]))
    assert max(waits) <= 3600 * 1.25


def test_a_refused_letter_is_dead_at_once_with_owner_reason_and_audit(operations: Operations, server: TicketServer, clock: Hands) -> None:
    bad = outgoing(1)
    server.refuse = frozenset({bad.message.fingerprint})
    report = send(operations, server, [bad, outgoing(2)])
    assert (report.dead, report.created) == (1, 1)
    (row,) = unsettled(operations)
    assert (row["state"], row["owner"], row["why"]) == ("dead", "quality", "tickets refuses it: project is archived")
    (entry,) = operations.audit.rows()
    assert (entry.actor, entry.action, entry.subject, entry.details["owner"]) == ("outbox", "dead_letter", "ACT-1", "quality")
    clock.turn(86_400)
    newer = outgoing(1, body="newer")
    assert send(operations, server, [newer]).as_dict() == DrainReport().as_dict(), "a dead letter is not tried again by itself, whatever its text becomes"
    server.refuse = frozenset()
    retry(operations, "ACT-1", by="ana")
    assert send(operations, server, [newer]).created == 1
    assert contents(server) == ["text 2", "newer 1"]


def test_a_letter_whose_own_fault_lasts_is_dead_after_its_tries(operations: Operations, server: TicketServer, clock: Hands) -> None:
    """One letter fails for ever while all others arrive: not an outage."""
    bad = outgoing(0)
    server.plan = {bad.message.fingerprint: ("429",) * 99}
    for n in range(1, 40):
        send(operations, server, [bad, outgoing(n)])
        clock.turn(4500)
    (row,) = unsettled(operations)
    assert (row["state"], row["why"]) == ("dead", "tried 10 times; last: too many requests")
    assert server.writes[bad.message.fingerprint] == 10


def test_an_unknown_letter_dies_only_after_it_was_looked_for(operations: Operations, server: TicketServer, clock: Hands) -> None:
    bad = outgoing(0)
    server.plan = {bad.message.fingerprint: ("503",) * 99}
    for n in range(1, 40):
        send(operations, server, [bad, outgoing(n)], patience=Patience(most_tries=3))
        clock.turn(1800)
    (row,) = unsettled(operations)
    assert row["state"] == "dead" and row["why"].startswith("tried 3 times, looked for and not there; last: ")
    assert (server.writes[bad.message.fingerprint], server.requests["GET"]) == (3, 6)


def test_people_let_go_and_take_back(operations: Operations, server: TicketServer, clock: Hands) -> None:
    item = outgoing(1)
    server.plan = {item.message.fingerprint: ("lost",)}
    send(operations, server, [item])
    with pytest.raises(RefusedMove, match="needs a reason"):
        drop(operations, "ACT-1", by="ana", reason=" ")
    with pytest.raises(RefusedMove, match="looked up before any second try"):
        retry(operations, "ACT-1", by="ana")
    drop(operations, "ACT-1", by="ana", reason="done by hand")
    clock.turn(600)
    assert send(operations, server, [outgoing(1, body="newer")]).arrived == 0, "what was let go stays so, whatever its text becomes"
    assert unsettled(operations, ("dropped",))[0]["why"] == "dropped by ana: done by hand"
    with pytest.raises(RefusedMove, match="let go already"):
        drop(operations, "ACT-1", by="ana", reason="again")
    retry(operations, "ACT-1", by="bea")
    report = send(operations, server, [outgoing(1, body="newer")])
    assert (report.found, report.updated, report.created) == (1, 1, 0), "it was let go while nobody knew, so it is looked up first"
    assert contents(server) == ["newer 1"]
    assert [(row.actor, row.action) for row in reversed(operations.audit.rows())] == [("ana", "outbox_drop"), ("bea", "outbox_retry")]
    assert operations.audit.verify_chain().holds
    with pytest.raises(RefusedMove, match="has arrived at tickets as T-1"):
        drop(operations, "ACT-1", by="ana", reason="late")
    with pytest.raises(RefusedMove, match="nothing in the outbox is called"):
        retry(operations, "ACT-9", by="ana")


def test_how_the_outbox_stands(operations: Operations, server: TicketServer, clock: Hands) -> None:
    assert standing(operations).is_settled and standing(operations).oldest_at is None
    server.plan = {outgoing(1).message.fingerprint: ("lost",)}
    server.refuse = frozenset({outgoing(2).message.fingerprint})
    send(operations, server, [outgoing(1), outgoing(2, owner="")])
    want(operations, [outgoing(3)], {})
    clock.turn(7200)
    stands = standing(operations)
    assert (stands.waiting, stands.unknown, stands.dead, stands.by_destination) == (1, 1, 1, {"tickets": 2})
    assert stands.as_facts(clock()) == {"waiting": 1, "unknown": 1, "dead": 1, "oldest_hours": 2.0}
    assert [(row["state"], row["owner"]) for row in unsettled(operations)] == [("dead", OPERATOR), ("unknown", "quality"), ("waiting", "quality")]


# -- together or not at all --------------------------------------------------------------------------------------------


def test_a_decision_and_its_effect_commit_together_or_not_at_all(operations: Operations) -> None:
    from insights_assets.resources.operations.models import TicketStamp

    def decide(*, fail: bool) -> None:
        with operations.writing() as session:
            session.add(TicketStamp(action_id="ACT-1", stage="close", at=operations.clock(), by="ana", through="console"))
            want(operations, [outgoing(1)], {}, session)
            if fail:
                raise RuntimeError("the power went")

    with pytest.raises(RuntimeError, match="power"):
        decide(fail=True)
    assert operations.outbox.all() == []
    decide(fail=False)
    assert [row.state for row in operations.outbox.all()] == ["waiting"]
    with operations.reading() as session:
        assert session.get(TicketStamp, ("ACT-1", "close")) is not None


def test_no_text_is_kept_in_the_operational_database(operations: Operations, server: TicketServer) -> None:
    send(operations, server, [outgoing(1, body="a very private sentence")])
    (row,) = operations.outbox.all()
    assert "private" not in repr(row.as_dict()) and row.payload["at"] == "tickets"
