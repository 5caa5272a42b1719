"""Redaction against public data: what it finds of planted personal data, and how much of clean text it changes."""

from __future__ import annotations

import csv
import json
import re
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from insights_assets.canonical.redaction import Known, Redactor

SHARED = Path(__file__).resolve().parents[3] / "shared"
REDACTOR = Redactor()
#: Which token stands for an entity of the public set; the others (countries, ages) are not personal alone.
EXPECTED = {
    "EMAIL_ADDRESS": "email",
    "PHONE_NUMBER": "phone",
    "CREDIT_CARD": "card",
    "US_SSN": "id",
    "US_DRIVER_LICENSE": "id",
    "IP_ADDRESS": "id",
    "STREET_ADDRESS": "address",
    "PERSON": "name",
}

pytestmark = pytest.mark.measure


def _need(path: str) -> Path:
    file = SHARED / "data" / path
    if not file.exists():
        pytest.skip(f"the public data beside the repository (../shared/data/{path}) is not there")
    return file


def test_measure_planted_personal_data(capsys: pytest.CaptureFixture[str]) -> None:
    rows = json.loads(_need("presidio_synth_pii/synth_v2.json").read_text(encoding="utf-8"))
    planted: Counter[str] = Counter()
    found: Counter[str] = Counter()
    tokens: Counter[str] = Counter()
    false: Counter[str] = Counter()
    for row in rows:
        result = REDACTOR.redact(row["full_text"], Known(), ())
        tokens.update(result.counts)
        for span in row["spans"]:
            kind = span["entity_type"]
            # Found: no word or number of it is left over and above what the rest of the row says.
            rest = row["full_text"].replace(span["entity_value"], " ")
            words = [word for word in re.findall(r"\w+", span["entity_value"]) if len(word) > 1 and word not in rest]
            planted[kind] += 1
            found[kind] += bool(words) and not any(re.search(rf"\b{re.escape(word)}\b", result.text) for word in words)
        if not any(
            span["entity_type"] in (*EXPECTED, "GPE", "ZIP_CODE", "TITLE", "DATE_TIME") for span in row["spans"]
        ):
            false.update(result.counts)
    with capsys.disabled():
        print()
        for kind in EXPECTED:
            print(f"  {kind:18s} recall {found[kind] / planted[kind]:.3f} (n={planted[kind]})")
        print(f"  tokens {dict(tokens)}, of them in rows without personal data {dict(false)}")
    for kind in ("EMAIL_ADDRESS", "PHONE_NUMBER", "CREDIT_CARD", "US_SSN", "IP_ADDRESS"):
        assert found[kind] / planted[kind] >= 0.97, kind
    assert found["STREET_ADDRESS"] / planted["STREET_ADDRESS"] >= 0.3
    assert false.total() == 0


def _wnut() -> Iterator[tuple[str, bool]]:
    """Each post and whether a person is marked in it."""
    words: list[str] = []
    has_person = False
    for line in [*_need("wnut17_noisy_entities/emerging.dev.conll").read_text(encoding="utf-8").split("\n"), ""]:
        word, _, tag = line.partition("\t")
        if word.strip():
            words.append(word)
            has_person = has_person or tag.strip().endswith("person")
        elif words:
            yield re.sub(r" ([.,!?;:')])", r"\1", " ".join(words)), has_person
            words, has_person = [], False


def _clean_texts() -> Iterator[tuple[str, str]]:
    yield from (("wnut posts without a person", text) for text, has_person in _wnut() if not has_person)
    for name, path, column in (
        ("clothing reviews", "womens_clothing_reviews/reviews.csv", "ReviewText"),
        ("banking questions", "banking77/train.csv", "text"),
        ("app reviews", "google_play_app_reviews/reviews.csv", "review"),
        ("Brazilian reviews", "olist_orders/order_reviews.csv", "review_comment_message"),
    ):
        with _need(path).open(encoding="utf-8") as file:
            yield from (
                (name, row[column]) for _, row in zip(range(3000), csv.DictReader(file), strict=False) if row[column]
            )
    for language in ("en", "de", "fr", "es", "pt"):
        with _need(f"mabsa_phone/{language}.jsonl").open(encoding="utf-8") as file:
            yield from ((f"phone reviews {language}", json.loads(line)["text"]) for line in file)


def test_measure_how_little_clean_text_changes(capsys: pytest.CaptureFixture[str]) -> None:
    seen: Counter[str] = Counter()
    changed: Counter[str] = Counter()
    seconds: Counter[str] = Counter()
    letters: Counter[str] = Counter()
    for name, text in _clean_texts():
        start = time.process_time()
        result = REDACTOR.redact(text, Known(), ())
        seconds[name] += time.process_time() - start
        seen[name] += 1
        letters[name] += len(text)
        changed[name] += bool(result.counts)
    with capsys.disabled():
        print()
        for name in seen:
            share, rate = changed[name] / seen[name], seen[name] / seconds[name]
            print(f"  {name:28s} n={seen[name]:5d} altered {share:.4f}", end="")
            print(f"  {rate:7,.0f} texts of {letters[name] / seen[name]:.0f} characters a CPU-second")
    # Phone reviews hold real sign-offs and addresses of sellers, so a share of what changes there is right.
    assert all(changed[name] / seen[name] <= 0.02 for name in seen)


def test_measure_persons_in_real_posts(capsys: pytest.CaptureFixture[str]) -> None:
    rows = [text for text, has_person in _wnut() if has_person]
    touched = sum(bool(REDACTOR.redact(text, Known(), ()).counts.get("name")) for text in rows)
    with capsys.disabled():
        print(f"\n  posts that speak of a person: {len(rows)}, with a name replaced: {touched}")
        print("  (most are of public persons, without a cue)")
    assert touched >= 10
