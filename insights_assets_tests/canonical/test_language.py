"""Language: right where it can be, "other" for foreign texts, "und" for too little to go by."""

from __future__ import annotations

import csv
import json
import re
from collections import Counter, defaultdict
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from insights_assets.canonical.language import OTHER, UNDETERMINED, LanguageDetector

SHARED = Path(__file__).resolve().parents[3] / "shared"
DETECTOR = LanguageDetector()


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("The lamp arrived broken and nobody answers", "en"),
        ("Die Lampe kam leider zerbrochen an", "de"),
        ("La lampe est arrivée cassée et personne ne répond", "fr"),
        ("La lámpara llegó rota y nadie contesta", "es"),
        ("O candeeiro chegou partido e ninguém responde", "pt"),
        ("THE LAMP ARRIVED BROKEN AND NOBODY ANSWERS", "en"),
        ("[name] schreibt: die Lieferung an [address] fehlt noch immer", "de"),
        ("Siehe https://shop.example/en/the/broken/lamp/page wo bleibt mein Paket", "de"),
    ],
)
def test_the_five_languages(text: str, language: str) -> None:
    found, probability = DETECTOR.detect(text, None)
    assert found == language
    assert 0.5 <= probability <= 1


@pytest.mark.parametrize(
    "text",
    [
        "De lamp is kapot aangekomen en niemand reageert op mijn mails",
        "Lampa przyszła uszkodzona i nikt nie odpowiada",
        "ランプが壊れて届きました。返事がありません。",
        "Lampan kom trasig och ingen svarar på mina mejl",
        "Лампа пришла разбитой, и никто не отвечает",
        "La lampada è arrivata rotta e nessuno risponde",
    ],
)
def test_other_languages_are_routed_not_guessed(text: str) -> None:
    assert DETECTOR.detect(text, None)[0] == OTHER


@pytest.mark.parametrize(
    "text",
    [
        "",
        "ok",
        "super!!",
        "12345 67890",
        "👍👍👍👍👍👍👍👍",
        "[name] [email] [address]",
        "a b c d",
        "https://shop.example/lamps/broken",
    ],
)
def test_too_few_letters_are_undetermined(text: str) -> None:
    assert DETECTOR.detect(text, "de-DE") == (UNDETERMINED, 0.0)


TEXTS = st.lists(st.tuples(st.text(max_size=300), st.sampled_from([None, "de-AT", "pt_BR", "xx"])), max_size=12)


@settings(max_examples=60, deadline=None)
@given(TEXTS)
def test_a_batch_is_answered_as_each_text_by_itself(rows: list[tuple[str, str | None]]) -> None:
    together = DETECTOR.detect_many([text for text, _ in rows], [hint for _, hint in rows])
    assert [(name, round(share, 9)) for name, share in together] == [
        (name, round(share, 9)) for name, share in (DETECTOR.detect(text, hint) for text, hint in rows)
    ]


def test_a_locale_tips_short_texts_and_never_long_ones() -> None:
    assert DETECTOR.detect("tamanho grande", "pt-BR")[0] == "pt"
    assert DETECTOR.detect("Die Lampe kam leider zerbrochen an, niemand antwortet", "pt_PT")[0] == "de"
    without, with_hint = (DETECTOR.detect("Material perfecto", hint) for hint in (None, "es"))
    assert with_hint[0] == "es"
    assert without[0] != "es" or with_hint[1] > without[1]


def test_a_foreign_locale_speaks_for_other() -> None:
    # One word of Dutch that German shares: the locale decides.
    text = "kapotte lamp"
    assert DETECTOR.detect(text, "nl-NL")[0] == OTHER


def test_configured_languages_limit_the_answer() -> None:
    text = "La lampe est arrivée cassée et personne ne répond"
    assert LanguageDetector(("en", "de")).detect(text, None)[0] == OTHER
    assert (
        LanguageDetector(("en", "de", "nl")).detect("De lamp is kapot aangekomen en niemand reageert", None)[0] == "nl"
    )


def test_unknown_or_missing_languages_are_named() -> None:
    with pytest.raises(ValueError, match="does not know xx"):
        LanguageDetector(("en", "xx")).detect("The lamp arrived broken", None)
    with pytest.raises(ValueError, match="no languages configured"):
        LanguageDetector(())


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=200), st.sampled_from([None, "", "de", "xx-YY", "-", "nl_NL"]))
def test_every_text_gets_an_answer_of_the_closed_list_and_the_same_twice(text: str, hint: str | None) -> None:
    found, probability = DETECTOR.detect(text, hint)
    assert found in (*DETECTOR.languages, OTHER, UNDETERMINED)
    assert 0.0 <= probability <= 1.0
    assert DETECTOR.detect(text, hint) == (found, probability)


def _samples() -> dict[str, list[tuple[str, str]]]:
    """(language, text) of each public set that is there."""
    sets: dict[str, list[tuple[str, str]]] = defaultdict(list)
    with (SHARED / "data/lingua_langid/langid.csv").open(encoding="utf-8") as file:
        for row in csv.DictReader(file):
            sets[f"lingua {row['kind']}"].append((row["lang"], row["text"]))
    for language in ("en", "de", "fr", "es", "pt", "nl", "ja", "zh"):
        with (SHARED / f"data/mabsa_phone/{language}.jsonl").open(encoding="utf-8") as file:
            for line in list(file)[:400]:
                text = json.loads(line)["text"]
                sets["reviews"].append((language, text))
                sets["review sentences"] += [(language, part) for part in re.split(r"(?<=[.!?])\s+", text)[:3]]
    return sets


@pytest.mark.measure
def test_measure_language_on_public_sets(capsys: pytest.CaptureFixture[str]) -> None:
    if not (SHARED / "data/lingua_langid/langid.csv").exists():
        pytest.skip("the public data beside the repository (../shared/data) is not there")
    figures: dict[tuple[str, bool], Counter[str]] = defaultdict(Counter)
    for name, rows in _samples().items():
        answers = DETECTOR.detect_many([text for _, text in rows], [None] * len(rows))
        for (language, _), (found, _) in zip(rows, answers, strict=True):
            ours = language in DETECTOR.languages
            right = found == language or (not ours and found in (OTHER, UNDETERMINED))
            figures[name, ours][
                found if found in (OTHER, UNDETERMINED) and ours else "right" if right else "wrong"
            ] += 1
    with capsys.disabled():
        print()
        for (name, ours), counts in sorted(figures.items()):
            shares = ", ".join(f"{kind} {count / counts.total():.3f}" for kind, count in sorted(counts.items()))
            print(f"  {name:22s} {'ours ' if ours else 'other'} n={counts.total():5d}  {shares}")
    for name in ("reviews", "review sentences", "lingua sentences"):
        assert figures[name, True]["right"] / figures[name, True].total() >= 0.92
        assert figures[name, True]["wrong"] / figures[name, True].total() <= 0.015
        assert figures[name, False]["right"] / figures[name, False].total() >= 0.97
