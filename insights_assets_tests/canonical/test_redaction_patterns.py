"""Structured personal data nobody told us, in every written form, and numbers that must stay."""

from __future__ import annotations

import pytest

from insights_assets.canonical.redaction import Known, Redactor

WORDS = ("Jordan", "Chelsea", "Vireo", "Nocturno")


def redact(text: str, protected: tuple[str, ...] = ()) -> str:
    return Redactor(product_words=WORDS, public_handles=("@lampshop",)).redact(text, Known(), protected).text


@pytest.mark.parametrize(
    "value",
    [
        "ann.wood@example.org",
        "ANN+shop@mail.example.co.uk",
        "ann @ example.org",
        "ann (at) example.org",
        "ann [at] example [dot] org",
        "ann at example dot com",
        "ann.wood arroba example punto es",
        "ana arroba example ponto pt",
        "ann@gmail",
        "jörg@example.de",
    ],
)
def test_emails(value: str) -> None:
    assert redact(f"write to {value}, please") == "write to [email], please"


@pytest.mark.parametrize(
    "value",
    [
        "+1 415 555-0132",
        "(415) 555-0132",
        "415-555-0132",
        "1-415-555-0132",
        "415 555 0132",
        "+44 7700 900123",
        "07700 900123",
        "020 7946 0958",
        "0161 496 0123",
        "+49 171 3920011",
        "0171 3920011",
        "030 23125 123",
        "0221/4710-123",
        "(030) 23125 12",
        "06 12 34 56 78",
        "06.12.34.56.78",
        "+33 6 12 34 56 78",
        "0612345678",
        "612 345 678",
        "+34 612 345 678",
        "91 234 56 78",
        "912 345 678",
        "+351 912 345 678",
        "(11) 98765-4321",
        "11 98765-4321",
        "+55 11 98765-4321",
        "0041 44 668 18 00",
        "٠٦ ١٢ ٣٤ ٥٦ ٧٨",
        "０６ １２ ３４ ５６ ７８",
    ],
)
def test_phone_numbers_of_seven_countries(value: str) -> None:
    assert redact(f"it is {value} after six") == "it is [phone] after six"


@pytest.mark.parametrize(
    "text",
    [
        "call me on 5550132",
        "Tel: 5554123",
        "Handy 1713920011",
        "mon portable : 612345678",
        "llámame al 612345678",
        "my number is 4155550132",
    ],
)
def test_numbers_without_form_are_phones_behind_a_word_that_says_so(text: str) -> None:
    assert redact(text).endswith("[phone]")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("my number (0171 3920011), thanks", "my number ([phone]), thanks"),
        ("1) 0171 3920011", "1) [phone]"),
        ("415-555-0132 ext. 12 or 415-555-0133 (office)", "[phone] or [phone] (office)"),
        ("5550132 is my work (555) 013", "5550132 is my work (555) 013"),
        ("00000000000 and +1 23", "00000000000 and +1 23"),
        ("passport C01X00T47 order ORD-7731", "passport [id] order ORD-7731"),
    ],
)
def test_brackets_extensions_and_neighbours(text: str, expected: str) -> None:
    assert redact(text, ("ORD-7731",)) == expected


@pytest.mark.parametrize(
    "text",
    [
        "order 4155550132 never came",
        "Order-Nr. 030 23125 123",
        "tracking number 0612345678",
        "it cost 1,299.00 or 1.299,00 EUR",
        "on 12.11.2023 and 2023-11-12",
        "12/11/2023 14:30",
        "600 000 000 reasons",
        "size 38-40, 120x80x75 cm",
        "EAN 4006381333931",
        "serial 415-555-0132",
        "between 2019 - 2023",
        "5000 1000 mAh",
        "SKU GLA-101-2023-0042",
        "0.5 to 1.25 litres",
        "Bestellung 0171 3920011",
        "pedido 612 345 678",
        "commande n° 06 12 34 56 78",
        "version 10.2.3.4",
        "$415 555 0132",
        "415-555-0132 EUR",
        "111-111-1111",
    ],
)
def test_numbers_that_are_no_phones_stay(text: str) -> None:
    assert redact(text) == text


@pytest.mark.parametrize(
    "value",
    [
        "4111 1111 1111 1111",
        "4111-1111-1111-1111",
        "4111111111111111",
        "5555 5555 5555 4444",
        "3782 822463 10005",
        "6011111111111117",
        "4111.1111.1111.1111",
    ],
)
def test_cards_by_check_digit(value: str) -> None:
    assert redact(f"paid with {value} today") == "paid with [card] today"


def test_a_mistyped_card_is_found_by_its_word_and_an_order_id_is_not_a_card() -> None:
    assert redact("my card 4111 1111 1111 1112 fails") == "my card [card] fails"
    assert redact("parcel 4111111111111112 is lost") == "parcel 4111111111111112 is lost"
    assert redact("ORD-4111111111111111 is lost") == "ORD-4111111111111111 is lost"
    assert redact("order 10442 4111 1111 1111 1111") == "order 10442 [card]"
    assert redact("4111111111111111 is my order", ("4111111111111111",)) == "4111111111111111 is my order"
    assert redact("cvv 123, security code is 4321") == "cvv [card], security code is [card]"


@pytest.mark.parametrize(
    "value",
    [
        "DE89 3704 0044 0532 0130 00",
        "DE89370400440532013000",
        "FR14 2004 1010 0505 0001 3M02 606",
        "es91 2100 0418 4502 0005 1332",
        "PT50000201231234567890154",
    ],
)
def test_ibans_by_check_sum(value: str) -> None:
    assert redact(f"refund to {value} please") == "refund to [iban] please"


def test_a_mistyped_iban_is_found_by_its_word_only() -> None:
    assert redact("IBAN DE89 3704 0044 0532 0130 01.") == "IBAN [iban]."
    assert redact("model DE89 3704 0044 0532 0130 01.") == "model DE89 3704 0044 0532 0130 01."


@pytest.mark.parametrize(
    "value",
    [
        "12 Maple Ridge Road, Dayton, OH 45402",
        "7 Orchard Close, Leeds LS6 2AB",
        "221b Baker Street",
        "4 Old Mill Lane, Albany, NY 12207",
        "1600 W 9th St Apt 4",
        "12 maple road",
        "Bahnhofstraße 12, 04109 Leipzig",
        "Bahnhofstr. 12",
        "bahnhofstrasse 12a",
        "Berliner Straße 5, 10115 Berlin",
        "Am Mühlbach 33, 04109 Leipzig",
        "Lindenallee 7",
        "Schillerplatz 3",
        "12 rue des Tilleuls, 69003 Lyon",
        "3 bis avenue Jean Jaurès, 33000 Bordeaux",
        "5 place Bellecour",
        "8 impasse du Moulin",
        "calle Mayor 5, 3º B, 28013 Madrid",
        "C/ Alcalá 12",
        "Avenida de la Constitución 7, 41001 Sevilla",
        "Plaza España 2",
        "Rua Augusta, 120 - Bela Vista, São Paulo - SP, 01305-000",
        "Rua das Flores 12, 1200-195 Lisboa",
        "Av. Paulista, 1578",
        "Travessa do Carmo 4",
        "P.O. Box 149",
        "Postfach 1234",
    ],
)
def test_street_addresses_in_five_languages(value: str) -> None:
    assert redact(f"Deliver there: {value}. Thanks a lot") == "Deliver there: [address]. Thanks a lot"


@pytest.mark.parametrize(
    "text",
    [
        "it took 3 weeks on the road",
        "I have 2 lamps at my place",
        "Mein Arbeitsplatz 3 ist hell",
        "Der Umweg 12 km",
        "après avoir vu le C11 2021",
        "livré avec 1 an de garantie",
        "5 stars. Great value for the street",
        "via Hong Kong dans les 4 jours",
        "6 Monate Herstellergarantie 6 Monate",
        "am Montag 12 Uhr",
        "size M, 34c/d and a size 4",
        "the 2 drive units",
        "en la calle Mayor. Tengo 5 lámparas",
        "la calle cerrada 3 días",
        "das macht 5 place",
        "12 Lamps. The road is closed",
        "Android 11 avec u.i ver. 3",
    ],
)
def test_sentences_that_only_look_like_addresses_stay(text: str) -> None:
    assert redact(text) == text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("my ssn is 460-89-9847", "my ssn is [id]"),
        ("NI number QQ 12 34 56 C", "NI number QQ 12 34 56 C"),  # QQ is never given out
        ("AB 12 34 56 C", "[id]"),
        ("DNI 12345678Z", "DNI [id]"),
        ("12345678A is a part number", "12345678A is a part number"),
        ("CPF 529.982.247-25", "CPF [id]"),
        ("meu cpf: 52998224725", "meu cpf: [id]"),
        ("1 85 05 78 006 084 91", "[id]"),
        ("1 85 05 78 006 084 36", "1 85 05 78 006 084 36"),
        ("Steuer-ID: 12 345 678 901", "Steuer-ID: [id]"),
        ("passport number is C01X00T47", "passport number is [id]"),
        ("geboren am 12.03.1985 in", "geboren am [id] in"),
        ("IP 192.168.2.11", "IP [id]"),
        ("2001:db8:85a3:0:0:8a2e:370:7334", "[id]"),
        ("at 12:30:45 on v1.2.3.4", "at 12:30:45 on v1.2.3.4"),
    ],
)
def test_numbers_of_persons_and_machines(text: str, expected: str) -> None:
    assert redact(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("https://shop.example/t?email=ann%40example.org&x=1 ok", "https://shop.example/t?[id] ok"),
        ("https://shop.example/lamp?colour=red", "https://shop.example/lamp?colour=red"),
        ("see instagram.com/ann.wood and instagram.com/p/abc", "see instagram.com/[handle] and instagram.com/p/abc"),
        ("https://ann:secret@shop.example/x", "https://[email]/x"),
        ("thanks @ann_w and @lampshop", "thanks [handle] and @lampshop"),
        ("insta: ann.wood_7", "insta: [handle]"),
        ("1080p @60fps, ready @ 5", "1080p @60fps, ready @ 5"),
    ],
)
def test_links_and_handles(text: str, expected: str) -> None:
    assert redact(text) == expected
