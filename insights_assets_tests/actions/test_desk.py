"""The desk: each action arrives once, atomically, and a crash between any two steps is made good by the next run."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from insights_assets.actions.deliver import deliver as deliver_all
from insights_assets.actions.desk import Desk
from insights_assets.actions.destinations.desk import DeskDestination, path_of
from insights_assets.actions.destinations.port import Message
from insights_assets.actions.outbox import Outgoing
from insights_assets.resources.operations import Operations


class Killed(BaseException):
    """The process died here."""


def document(content: str = "text\n", number: int = 1, part: str = "", destination: str = "desk") -> Outgoing:
    key = f"key-{number}:{part}" if part else f"key-{number}"
    kind = "macro" if part else "defect_ticket"
    return Outgoing(Message(key, f"ACT-{number}", f"INS-{number}", kind, 2, "quality", "title", content), destination, 2)


def deliver(operations: Operations, desk: Desk, documents: list[Outgoing], run_id: str) -> int:
    return deliver_all(operations, {"desk": DeskDestination(desk)}, documents, run_id).arrived


def files(root: Path) -> dict[str, str]:
    return {p.relative_to(root).as_posix(): p.read_text() for p in sorted(root.rglob("*")) if p.is_file()}


def test_an_action_arrives_once_and_the_same_bytes_are_not_written_twice(
    tmp_path: Path, operations: Operations
) -> None:
    desk = Desk(tmp_path / "desk")
    assert deliver(operations, desk, [document()], "run-1") == 1
    before = (desk.root / "tickets/INS-1.md").stat().st_mtime_ns
    assert deliver(operations, desk, [document()], "run-2") == 0
    assert (desk.root / "tickets/INS-1.md").stat().st_mtime_ns == before
    (only,) = operations.outbox.deliveries()
    assert (only.outcome, only.external_id, only.run_id) == ("created", "tickets/INS-1.md", "run-1")


def test_a_changed_text_replaces_its_file_and_is_an_update(tmp_path: Path, operations: Operations) -> None:
    desk = Desk(tmp_path / "desk")
    deliver(operations, desk, [document()], "run-1")
    deliver(operations, desk, [document("newer\n")], "run-2")
    assert files(desk.root) == {"tickets/INS-1.md": "newer\n"}
    assert [row.outcome for row in operations.outbox.deliveries()] == ["created", "updated"]


def test_languages_of_one_action_are_files_of_their_own(tmp_path: Path, operations: Operations) -> None:
    desk = Desk(tmp_path / "desk")
    deliver(operations, desk, [document(part="en"), document(part="de")], "run-1")
    assert set(files(desk.root)) == {"macros/INS-1-en.md", "macros/INS-1-de.md"}


def test_a_destination_that_is_not_connected_falls_back_and_says_so(tmp_path: Path, operations: Operations) -> None:
    deliver(operations, Desk(tmp_path / "desk"), [document(destination="jira:QUAL")], "run-1")
    (row,) = operations.outbox.deliveries()
    assert row.note == "jira:QUAL is not connected: delivered to the desk"


def test_customer_words_stay_out_of_the_operational_database(tmp_path: Path, operations: Operations) -> None:
    deliver(operations, Desk(tmp_path / "desk"), [document("a very private sentence\n")], "run-1")
    operations.close()
    assert b"private sentence" not in b"".join(p.read_bytes() for p in tmp_path.glob("operations.db*"))


@pytest.mark.parametrize("step", ["want", "claim", "start", "put-before", "put-after", "delivered"])
@pytest.mark.parametrize("fail_at", [1, 2, 3])
def test_a_process_killed_at_any_step_leaves_one_delivery_each(
    tmp_path: Path, operations: Operations, monkeypatch: pytest.MonkeyPatch, step: str, fail_at: int
) -> None:
    desk = Desk(tmp_path / "desk")
    documents = [document(number=n) for n in range(1, 4)]
    calls = {"n": 0}

    def dying(real: Callable[..., object], after: bool) -> Callable[..., object]:
        def call(*args: object, **named: object) -> object:
            calls["n"] += 1
            if calls["n"] < fail_at:
                return real(*args, **named)
            if after:
                real(*args, **named)
            raise Killed

        return call

    target, name = {"want": (operations.outbox, "want"), "claim": (operations.outbox, "claim"), "start": (operations.outbox, "start"),
                    "delivered": (operations.outbox, "delivered")}.get(step, (desk, "put"))  # fmt: skip
    with monkeypatch.context() as patch:
        patch.setattr(target, name, dying(getattr(target, name), step.endswith("after")))
        if (step == "want" and fail_at > 1) or (step == "claim" and fail_at > 2):
            deliver(operations, desk, documents, "run-1")  # called once or twice a run: nothing dies
        else:
            with pytest.raises(Killed):
                deliver(operations, desk, documents, "run-1")
    deliver(operations, desk, documents, "run-2")
    assert set(files(desk.root)) == {f"tickets/INS-{n}.md" for n in (1, 2, 3)}
    assert sorted(row.action_id for row in operations.outbox.deliveries()) == ["ACT-1", "ACT-2", "ACT-3"]
    assert all(row.state == "delivered" for row in operations.outbox.all())


def test_paths_do_not_lead_out_of_the_desk(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="leads out"):
        Desk(tmp_path / "desk").put("../operations.db", b"x")
    assert ".." not in path_of(Message("k", "a", "../../x", "defect_ticket", 2, "quality", "t", "b"))
