"""Values the row is known to hold, in the ways people write them. Guessed values are in test_redaction_patterns."""

from __future__ import annotations

import pytest

from insights_assets.canonical.redaction import Known, Redactor

JORG = Known(
    names=("Jörg Weiß",),
    emails=("joerg.weiss77@example.com",),
    phones=("+49 171 3920011",),
    addresses=("Bahnhofstraße 12, 04109 Leipzig",),
    handles=("@joergw",),
)


def redact(text: str, known: Known = JORG, protected: tuple[str, ...] = (), words: tuple[str, ...] = ()) -> str:
    return Redactor(product_words=words).redact(text, known, protected).text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Jörg Weiß ordered a lamp", "[name] ordered a lamp"),
        ("JÖRG WEISS is angry", "[name] is angry"),
        ("joerg weiss and jorg weis", "[name] and [name]"),
        ("Weiß, Jörg", "[name]"),
        ("this is for Jörg only", "this is for [name] only"),
        ("Jörgs Lampe, Jörg's lamp", "[name] Lampe, [name]'s lamp"),
        ("J. Weiß and Jörg W.", "[name] and [name]"),
        ("JoergWeiss wrote", "[name] wrote"),
        ("Weiß auf Schwarz", "Weiß auf Schwarz"),  # the colour, at the start of a sentence
        ("die weiße Lampe ist weiß", "die weiße Lampe ist weiß"),
        ("Jörgensen is somebody else", "Jörgensen is somebody else"),
        ("mail joerg.weiss77@example.com or JOERG.WEISS77 at home", "mail [email] or [email] at home"),
        ("0171 39 200 11, 0049 171/3920011, +49 (0)171 3920011", "[phone], [phone], [phone]"),
        ("comes to Bahnhofstrasse 12 Leipzig", "comes to [address] Leipzig"),
        ("Bahnhofstraße 12, 04109 Leipzig!", "[address]!"),
        ("my street is the Bahnhofstraße", "my street is the [address]"),
        ("follow @joergw or joergw", "follow [handle] or [handle]"),
        ("Joerg\u200b Wei\u00adss", "[name]"),
        ("Jo\u0308rg", "[name]"),
    ],
)
def test_known_values_are_found_however_they_are_written(text: str, expected: str) -> None:
    assert redact(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Will it work? I will not wait.", "Will it work? I will not wait."),
        ("Will Long here", "[name] here"),
        ("it took too long, will you answer", "it took too long, will you answer"),
        ("ask Will about it", "ask [name] about it"),
        ("Thanks,\nWill", "Thanks,\n[name]"),
        ("regards, will", "regards, [name]"),
        ("i am will.", "i am [name]."),
        ("Mr Long", "Mr [name]"),
    ],
)
def test_a_name_that_is_a_word_needs_a_capital_or_the_context_of_a_name(text: str, expected: str) -> None:
    assert redact(text, Known(names=("Will Long",))) == expected


def test_a_short_part_counts_only_beside_the_rest_of_the_name() -> None:
    known = Known(names=("Bo Li",))
    assert (
        redact("Bo Li is here, li bo too, but bo and li are not", known)
        == "[name] is here, [name] too, but bo and li are not"
    )


def test_several_people_and_particles_between_parts() -> None:
    known = Known(names=("Ana de la Cruz", "Maarten van den Berg"))
    assert redact("Ana de la Cruz and Maarten van den Berg live here", known) == "[name] and [name] live here"
    assert redact("van den Bergen is a town", known) == "van den Bergen is a town"


def test_a_customer_named_like_a_product_is_found_by_context_only() -> None:
    known = Known(names=("Jordan Whitfield",))
    text = "The Jordan jacket tore. Jordan Whitfield wants a refund. Regards, Jordan"
    expected = "The Jordan jacket tore. [name] wants a refund. Regards, [name]"
    assert redact(text, known, words=("Jordan", "Chelsea")) == expected


def test_protected_strings_stay_unless_they_are_only_a_part_of_something_proven() -> None:
    known = Known(names=("Ann Vireo",), emails=("ord-1001@example.com",), phones=("5551234567",))
    assert (
        redact("Vireo lamp from order 555-123-4567", known, ("555-123-4567",), ("Vireo",))
        == "Vireo lamp from order 555-123-4567"
    )
    assert redact("ord-1001@example.com about ORD-1001", known, ("ORD-1001",)) == "[email] about ORD-1001"
    assert redact("Ann Vireo wrote", known, ("Vireo",), ("Vireo",)) == "[name] wrote"


def test_mailboxes_and_handles_that_are_ordinary_words_are_found_only_with_their_sign() -> None:
    known = Known(emails=("info@example.com",), handles=("@rose",))
    assert (
        redact("more info on the rose lamp, @rose, info@example.com", known)
        == "more info on the rose lamp, [handle], [email]"
    )


def test_a_phone_number_is_not_found_across_unrelated_numbers() -> None:
    known = Known(phones=("171 3920011",))
    assert redact("I paid 171 and then 39 for 20011 points", known) == "I paid 171 and then 39 for 20011 points"


def test_empty_known_values_change_nothing() -> None:
    assert (
        redact(
            "A fine lamp", Known(names=("", " "), emails=("", "@"), phones=("", "12"), addresses=("",), handles=("@",))
        )
        == "A fine lamp"
    )
