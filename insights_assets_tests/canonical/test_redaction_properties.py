"""What holds for every text: idempotence, no known value left, clean characters, protected strings, bounded time."""

from __future__ import annotations

import time
import unicodedata
from random import Random

from hypothesis import example, given, settings
from hypothesis import strategies as st

from insights_assets.canonical.redaction import TOKENS, Known, Redactor, clean

PIECES = st.sampled_from(
    [
        "my name is ",
        "Ann",
        " Wood",
        "Regards, ",
        "\n",
        ". ",
        ", ",
        " ",
        "@",
        "ann",
        "example.org",
        "(at)",
        " dot ",
        "com",
        "+49 ",
        "171 ",
        "3920011",
        "0",
        "12",
        " Main Street",
        "Straße ",
        "rue ",
        "calle ",
        "Mr ",
        "[",
        "]",
        "[name]",
        "[email]",
        "4111 1111 1111 1111",
        "DE89 3704 0044 0532 0130 00",
        "-",
        "'s",
        "https://a.b/?email=",
        "call ",
        "é",
        "e\u0301",
        "\u200b",
        "Rose",
        "Long",
        "ssn ",
        "460-89-9847",
        "name: ",
        "Dr. ",
        "W.",
        "#",
        "order ",
        "ORD-1001",
        "x",
        "İ",
        "ß",
        "\x00",
        "\ud800",
        "０６ １２ ３４ ５６ ７８",
        "👍🏽",
        "here",
        "A",
        "B.",
    ]
)
TEXTS = st.one_of(st.lists(PIECES, max_size=14).map("".join), st.text(max_size=60))
KNOWN = Known(
    names=("Ann Wood", "Rose Long"),
    emails=("ann@example.org",),
    phones=("+49 171 3920011",),
    addresses=("12 Main Street",),
    handles=("@ann",),
)
REDACTOR = Redactor(product_words={"Vireo"})


@settings(max_examples=300, deadline=None)
@given(TEXTS, st.sampled_from([Known(), KNOWN]))
def test_redacting_a_redacted_text_changes_nothing(text: str, known: Known) -> None:
    once = REDACTOR.redact(text, known, ("ORD-1001",))
    again = REDACTOR.redact(once.text, known, ("ORD-1001",))
    assert again.text == once.text
    assert again.counts == {}


@settings(max_examples=200, deadline=None)
@given(TEXTS)
def test_the_result_is_clean_composed_and_encodable(text: str) -> None:
    result = REDACTOR.redact(text, KNOWN, ()).text
    assert unicodedata.is_normalized("NFC", result)
    assert not any(
        unicodedata.category(c) in ("Cs", "Cf") or (unicodedata.category(c) == "Cc" and c not in "\n\t") for c in result
    )
    result.encode("utf-8")
    assert clean(result) == result


@settings(max_examples=300, deadline=None)
@given(TEXTS, TEXTS)
def test_the_known_mailbox_phone_and_full_name_never_survive(before: str, after: str) -> None:
    result = REDACTOR.redact(f"{before} Ann Wood ann@example.org 0171 3920011 {after}", KNOWN, ()).text.lower()
    assert "ann wood" not in result
    assert "ann@example.org" not in result
    assert "0171 3920011" not in result


@settings(max_examples=500, deadline=None)
@given(TEXTS)
@example("０６ １２ ３４ ５６ ７８ssn ")
@example("(at)example.org")
def test_a_protected_order_id_survives_everywhere(text: str) -> None:
    result = REDACTOR.redact(f"{text} ORD-7731 {text}", KNOWN, ("ORD-7731",)).text
    assert "ORD-7731" in result


@settings(max_examples=300, deadline=None)
@given(st.text(max_size=80))
def test_a_text_without_findings_is_only_cleaned(text: str) -> None:
    result = REDACTOR.redact(text, Known(), ())
    assert result.counts or result.text == clean(text)
    assert set(result.counts) <= set(TOKENS)


def test_counts_say_how_many_of_each_kind() -> None:
    result = REDACTOR.redact("Ann and Ann, ann@example.org, 4111 1111 1111 1111", KNOWN, ())
    assert result.text == "[name] and [name], [email], [card]"
    assert result.counts == {"name": 2, "email": 1, "card": 1}


def test_a_thousand_canaries_leave_no_known_value() -> None:
    chance = Random(11)
    firsts = [
        "Ottilie",
        "Thibault",
        "Solène",
        "Jürgen",
        "Mª José",
        "João",
        "Keisha",
        "Saoirse",
        "Øyvind",
        "Zoë",
        "Bo",
        "Anne-Marie",
        "Ryszard",
        "Nguyễn",
    ]
    lasts = [
        "Entwistle",
        "O'Brien",
        "Großmann",
        "de la Vega",
        "Piquemal",
        "Gonçalves",
        "Castellano",
        "van den Berg",
        "Müller-Lüdenscheidt",
        "Łukasz",
        "Li",
    ]
    frames = [
        "{name} here. Mail {email}, ring {phone}.",
        "Lieferung an {address}, {name}",
        "{first}, tel {phone}",
        "je suis {name} ({handle})",
        "{NAME} WANTS A REFUND",
        "soy {name}, vivo en {address}. {email}",
        "{last}, {first}: {phone}",
        "contact {local} at home",
        "{name}'s lamp and {email}",
        "Obrigado,\n{name}\n{phone}\n{address}",
    ]
    leaks: list[str] = []
    for number in range(1000):
        first, last = chance.choice(firsts), chance.choice(lasts)
        local = f"canary.{number}"
        phone = f"0{chance.randrange(150, 180)} {chance.randrange(10**6, 10**7)}"
        address = f"Kanarienweg {number + 1}, {chance.randrange(10000, 99999)} Kanarienstadt"
        known = Known((f"{first} {last}",), (f"{local}@example.com",), (phone,), (address,), (f"@canary_{number}",))
        text = chance.choice(frames).format(
            name=f"{first} {last}",
            NAME=f"{first} {last}".upper(),
            first=first,
            last=last,
            email=f"{local}@example.com",
            local=local,
            phone=phone,
            address=address,
            handle=f"@canary_{number}",
        )
        result = REDACTOR.redact(text, known, ()).text.lower()
        values = (
            f"{first} {last}",
            local,
            phone,
            address.split(",", maxsplit=1)[0],
            f"canary_{number}",
            max(first, last, key=len),
        )
        leaks += [f"{value!r} in {result!r}" for value in values if value.lower() in result]
    assert leaks == []


def test_hostile_texts_take_time_in_proportion_to_their_length() -> None:
    pieces = [
        "a",
        "1 ",
        "@",
        "a@",
        "Mr ",
        "12 Main ",
        "+",
        "A.b ",
        "[",
        "strasse ",
        "http://",
        "4111",
        "Ann ",
        "ORD-1001 a@b.de ",
        "1.",
        "www.a?",
    ]
    for piece in pieces:
        seconds = []
        for size in (8_000, 64_000):
            start = time.process_time()
            REDACTOR.redact(piece * (size // len(piece)), KNOWN, ("ORD-1001",))
            seconds.append(time.process_time() - start)
        # Eight times the text may take eight times as long; a quadratic finder takes sixty-four times.
        assert seconds[1] < max(0.5, 30 * seconds[0]), f"{piece!r}: {seconds}"
