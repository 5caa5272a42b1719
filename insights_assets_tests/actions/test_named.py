"""What an issue's records name is counted by people, and the ticket says which part when enough of them say it."""

from __future__ import annotations

from typing import Any

from insights_assets.actions.named import Named, named_by_issue, named_things, parts_of
from insights_assets.actions.ticket_form import MARKDOWN
from insights_assets.actions.tickets import MAX_LINES, render_ticket
from insights_assets.console.named import facets, facets_words
from insights_assets.shop import Shop
from insights_assets_tests.actions.conftest import LAMPS, complaint_records
from insights_assets_tests.actions.test_tickets import facts_of


def thing(kind: str, name: str, source: str = "lexicon") -> dict[str, Any]:
    return {"kind": kind, "name": name, "source": source, "quote": name, "start": 0, "end": len(name), "confidence": 0.9}


def details(*rows: tuple[str, list[dict[str, Any]]]) -> list[dict[str, Any]]:
    return [{"feedback_id": feedback_id, "entities": things} for feedback_id, things in rows]


PEOPLE = {"a": "c1", "b": "c1", "c": "c2", "d": "c3", "e": "c4"}
SAID = details(
    ("a", [thing("part", "zip"), thing("part", "zip"), thing("carrier", "DHL")]), ("b", [thing("part", "zip")]), ("c", [thing("part", "zip"), thing("competitor", "kowalczyk", "model")]),
    ("d", [thing("part", "lid"), thing("part", "valance", "model")]), ("e", [thing("part", "valance", "model")]), ("unknown", [thing("part", "zip")]),
)  # fmt: skip


def test_people_are_counted_not_mentions_and_what_one_text_alone_says_by_a_model_is_not_shown() -> None:
    assert named_things(SAID, PEOPLE) == (
        Named("part", "valance", 2, 2, 0.5), Named("part", "zip", 2, 3, 0.5), Named("part", "lid", 1, 1, 0.25), Named("carrier", "DHL", 1, 1, 0.25),
    )  # fmt: skip
    assert named_things([], {}) == () and named_things(details(("a", [])), PEOPLE) == ()


def test_a_ticket_names_the_parts_that_enough_people_name_and_none_of_the_products_own_name(shop: Shop) -> None:
    named = (Named("part", "shade", 9, 9, 0.22), Named("part", "lid", 8, 8, 0.19), Named("part", "zip", 3, 3, 0.9), Named("carrier", "DHL", 30, 30, 0.9))
    assert [one.name for one in parts_of("damaged_on_arrival", named)] == ["shade"]
    assert parts_of("damaged_on_arrival", named, {"lampshade", "shades"}) == () and parts_of("shipping_delay", named) == ()
    with_parts = render_ticket(facts_of(LAMPS, shop, parts=(*named[:1], Named("part", "<b>x</b> [y](z)", 5, 5, 0.2))), MARKDOWN)
    assert "Parts named: shade (9 people), " in with_parts and "<b>" not in with_parts and "[y](z)" not in with_parts
    assert len(with_parts.splitlines()) <= MAX_LINES and "Parts named" not in render_ticket(facts_of(LAMPS, shop), MARKDOWN)


def test_each_issue_has_its_own() -> None:
    evidence = {"INS-1": complaint_records(topic="damaged_on_arrival")}
    first = evidence["INS-1"][0].feedback_id
    assert named_by_issue({**evidence, "INS-2": []}, details((first, [thing("part", "shade")])))["INS-1"][0].people == 1
    assert named_by_issue({"INS-2": []}, []) == {"INS-2": ()}


def test_the_page_lists_parts_and_carriers_first_and_is_plain() -> None:
    records = [{"feedback_id": one, "customer_key": who} for one, who in PEOPLE.items()]
    found = facets(records, [*SAID, *details(("a", [thing("date", f"--05-{day:02d}") for day in range(1, 9)]))])
    assert [row["kind"] for row in found] == ["part", "part", "part", "carrier", "day", "day", "day"]
    assert found[0] == {"kind": "part", "named": "valance", "people": 2, "records": 2, "share of people": 50.0}
    assert facets_words(found).startswith("Most named part: valance (2 people); most named carrier: DHL (1 people).")
    assert facets_words([]) == "No part and no carrier is named." and facets([], []) == []
