"""Quotes: few, typical, from different people, and none in which personal data may be left."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from insights_assets.actions.model import Evidence
from insights_assets.actions.quotes import QUOTE_CHARACTERS, choose_quotes, in_context
from insights_assets_tests.actions.conftest import complaint_records

TOPIC = "damaged_on_arrival"


def test_three_different_people_in_different_words() -> None:
    records = complaint_records(10)
    same_person = [replace(r, feedback_id=f"x{n}", customer_key="one") for n, r in enumerate(records)]
    assert len(choose_quotes(TOPIC, records)) == 3
    assert len(choose_quotes(TOPIC, same_person)) == 1
    copies = [replace(r, quotes={TOPIC: records[0].quotes[TOPIC]}) for r in records[:4]]
    assert len(choose_quotes(TOPIC, [*copies, *records[5:6]])) == 2, "the same words are shown once"


def test_the_choice_does_not_depend_on_the_order_of_records() -> None:
    records = complaint_records(10)
    assert choose_quotes(TOPIC, records) == choose_quotes(TOPIC, records[::-1])


def test_a_typical_quote_comes_before_an_odd_one() -> None:
    odd = replace(complaint_records(1)[0], feedback_id="odd", customer_key="odd", quotes={TOPIC: "Zebra quantum marmalade sings"})
    first = choose_quotes(TOPIC, [odd, *complaint_records(8)])
    assert "Zebra" not in first[0].text


@pytest.mark.parametrize(
    "text",
    [
        "Write me at jane.roe@mail.example please, it broke",
        "Call me on +49 170 1234567, it is broken",
        "Paid with 4111 1111 1111 1111 and it broke",
        "My account DE89 3704 0044 0532 0130 00 was charged",
        "short",
    ],
)
def test_a_doubtful_or_empty_quote_is_passed_over(text: str) -> None:
    doubtful = replace(complaint_records(1)[0], quotes={TOPIC: text}, text="")
    assert choose_quotes(TOPIC, [doubtful]) == ()


def test_order_and_product_numbers_are_no_reason_to_pass_over() -> None:
    fine = replace(complaint_records(1)[0], quotes={TOPIC: "Order 10023456 with GL-100 came in pieces"})
    assert len(choose_quotes(TOPIC, [fine])) == 1


@pytest.mark.parametrize(
    ("span", "text", "shown"),
    [
        ("choque elétrico", "Que pena. Apanhei um choque elétrico. Estou desiludida.", "Apanhei um choque elétrico."),
        ("broken glass", "Hm! There was broken glass in it", "There was broken glass in it"),
        ("it broke.", "First day it broke. Bad.", "First day it broke."),
        ("", "No span here. Second.", "No span here. Second."),
        ("Madam,\nI got the wrong one", "Help\nMadam,\nI got the wrong one instead. Bye", "I got the wrong one instead."),
        ("not there", "Other words", "not there"),
        ("needle", f"{'hay ' * 60}needle{' hay' * 60}", None),
    ],
)
def test_a_span_is_shown_in_its_sentence(span: str, text: str, shown: str | None) -> None:
    found = in_context(span, text)
    if shown is None:
        assert "needle" in found and found.startswith("…") and len(found) <= QUOTE_CHARACTERS
    else:
        assert found == shown


def test_a_subject_is_no_part_of_the_sentence_below_it() -> None:
    assert in_context("smoke from", "Urgent, please\nThere was smoke from the kettle. Help") == "There was smoke from the kettle."


def said(words: str, number: int, **changes: Any) -> list[Evidence]:
    """Records of different people with the same words, apart by a number nobody shares."""
    name = words[:8]
    return [
        replace(r, feedback_id=f"{name}{n}", customer_key=f"{name}{n}", text="", quotes={TOPIC: f"{words} {n}"}, **changes)
        for n, r in enumerate(complaint_records(number))
    ]


BROKEN, TORN = "It arrived broken and dented", "The padding was torn in places"


def test_a_sure_label_leads() -> None:
    sure, unsure = said(BROKEN, 3, confidences={TOPIC: 0.99}), said(TORN, 3, confidences={TOPIC: 0.6})
    assert choose_quotes(TOPIC, [*unsure, *sure], 1)[0].text.startswith(BROKEN)
    sure, unsure = said(BROKEN, 3, confidences={TOPIC: 0.6}), said(TORN, 3, confidences={TOPIC: 0.99})
    assert choose_quotes(TOPIC, [*unsure, *sure], 1)[0].text.startswith(TORN)


@pytest.mark.parametrize("reader", ["en", "de"])
def test_the_readers_language_leads(reader: str) -> None:
    both = [*said(BROKEN, 3, language="en"), *said("Zerbrochen und verbeult kam es", 3, language="de")]
    assert choose_quotes(TOPIC, both, 1, language=reader)[0].language == reader


def test_two_who_agree_by_chance_in_another_language_do_not_lead() -> None:
    def said(number: int, language: str, text: str) -> Evidence:
        return replace(complaint_records(1)[0], feedback_id=f"r{number}", customer_key=f"c{number}", language=language, quotes={TOPIC: text}, text=text)

    own = ("broken", "cracked", "shattered", "dented", "chipped")
    english = [said(n, "en", f"{own[n % 5]} shade number{n} inside{n}") for n in range(10)]
    chance = [said(20 + n, "pt", "vidro chegou partido casa") for n in range(2)]
    assert choose_quotes(TOPIC, [*english, *chance], language="en")[0].language == "en"


def test_words_beside_another_complaint_come_last() -> None:
    """A topic among several may be there because it was denied ("the invoice was correct")."""
    beside = said(BROKEN, 3, confidences={TOPIC: 0.99, "shipping_delay": 0.9})
    assert choose_quotes(TOPIC, [*beside, *said(TORN, 3)], 1)[0].text.startswith(TORN)


def test_the_products_own_words_make_nothing_typical() -> None:
    both = [*said("Candle kit and candle kit", 6), *said(BROKEN, 3)]
    assert choose_quotes(TOPIC, both, 1)[0].text.startswith("Candle")
    assert choose_quotes(TOPIC, both, 1, dull={"candle", "kit"})[0].text.startswith(BROKEN)


def test_long_words_are_cut_and_records_without_words_are_left() -> None:
    long = replace(complaint_records(1)[0], quotes={TOPIC: "broken glass " * 40})
    assert len(choose_quotes(TOPIC, [long])[0].text) <= QUOTE_CHARACTERS
    assert choose_quotes(TOPIC, [replace(long, quotes={}, text="")]) == ()
