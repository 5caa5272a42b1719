"""Names nobody told us: found in a name's context, while product words, marks and ordinary words stay."""

from __future__ import annotations

import pytest

from insights_assets.canonical.redaction import Known, Redactor

WORDS = ("Jordan", "Chelsea", "Vireo", "Nocturno")


def redact(text: str) -> str:
    return Redactor(product_words=WORDS).redact(text, Known(), ()).text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("My name is Ottilie Entwistle and I wait", "My name is [name] and I wait"),
        ("my name is ahmed and i wait", "my name is [name] and i wait"),
        ("Ich heiße Anneliese Zschoche.", "Ich heiße [name]."),
        ("Mein Name ist Öztürk.", "Mein Name ist [name]."),
        ("je m'appelle Maëlle Piquemal.", "je m'appelle [name]."),
        ("me llamo Iker Calatayud y espero", "me llamo [name] y espero"),
        ("o meu nome é João da Silva e espero", "o meu nome é [name] e espero"),
        ("Kind regards,\nKeisha Castellano", "Kind regards,\n[name]"),
        ("Mit freundlichen Grüßen\nSvenja Osterloh", "Mit freundlichen Grüßen\n[name]"),
        ("Cordialement, Thibault Rousselot", "Cordialement, [name]"),
        ("Un saludo,\nUnai Pedraza", "Un saludo,\n[name]"),
        ("Atenciosamente,\nAdnailde", "Atenciosamente,\n[name]"),
        ("Thanks! - Damien", "Thanks! - [name]"),
        ("Mrs. Trevelyan called, Herr Kaczmarek too", "Mrs. [name] called, Herr [name] too"),
        ("Hi Sarah, where is it", "Hi [name], where is it"),
        ("I'm Anna Kowalska from Leeds", "I'm [name] from Leeds"),
        ("Kevin from your support said no", "[name] from your support said no"),
        ("Michael Taylor told me so", "[name] told me so"),
        ("Name: Ottilie Entwistle\nOrder: 12", "Name: [name]\nOrder: 12"),
    ],
)
def test_names_in_the_context_of_a_name(text: str, expected: str) -> None:
    assert redact(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "The Jordan jacket and the Chelsea boot",
        "Regards, Jordan",
        "Dr. Martens and Calvin Klein",
        "Hi Team, Dear Customer Service",
        "Thanks, Great product",
        "Best regards, Customer Support",
        "I am Very disappointed",
        "This is Excellent",
        "Hallo Zusammen",
        "Mr. Coffee makes coffee",
        "Will it work? May I ask? Grace period",
        "Hi Rose Gold lamp is broken",
        "I love April",
        "rose gold, brown leather, black friday",
        "Bonjour Madame, Monsieur",
        "my name was spelt wrong",
        "Paris and Florence are nice",
        "Sehr geehrte Damen und Herren",
        "The Nocturno lamp by Vireo",
        "Danke.\nFreundliche Grüße\nMfG",
        "Un saludo\nAtentamente",
        "All the best.\nBest",
        "Thank you!\nMay I have your order number?",
    ],
)
def test_product_words_marks_and_ordinary_words_stay(text: str) -> None:
    assert redact(text) == text
