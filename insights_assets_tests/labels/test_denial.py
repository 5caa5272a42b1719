"""Denial: trouble that did not happen is not heard as trouble; good things that are denied are."""

from __future__ import annotations

import pytest

from insights_assets.labels.denial import DENIED, DenialReader
from insights_assets.labels.features import cut
from insights_assets.labels.words import tokenise


def heard(text: str, language: str) -> list[str]:
    tokens, vocabulary = tokenise([text])
    numbers = DenialReader(language).heard(tokens.word, cut(tokens).of_token, vocabulary)
    return [vocabulary.words[number] for number in numbers]


@pytest.mark.parametrize(("text", "language", "word"), [
    ("The app, for once, did not crash", "en", "crash"), ("no damage at all", "en", "damage"), ("never had a problem", "en", "problem"),
    ("kam nicht zu spät an", "de", "spat"), ("keine Kratzer", "de", "kratzer"), ("aucun retard", "fr", "retard"),
    ("ne me gêne pas, sans défaut", "fr", "defaut"), ("ningún golpe", "es", "golpe"), ("sem nenhum atraso", "pt", "atraso"),
])
def test_denied_trouble_is_not_heard(text: str, language: str, word: str) -> None:
    words = heard(text, language)
    assert DENIED in words and word not in words


@pytest.mark.parametrize(("text", "language"), [
    ("it does not work", "en"), ("not only late", "en"), ("nothing but problems", "en"), ("it is broken", "en"), ("no reply. broken box", "en"),
    ("funktioniert nicht", "de"), ("pas content", "fr"), ("no funciona", "es"), ("não funciona", "pt"),
])
def test_other_denials_stay_as_they_are(text: str, language: str) -> None:
    assert DENIED not in heard(text, language)
