"""Public sets: reading labelled text that nobody here wrote, so that the local path is measured on what users really have.

Belongs here: where each set lies below a data folder, which of its labels stand for which of our topics, tones and
urgencies. Does not belong here: figures (`public_evaluation`). No text of these sets is training text, and no rule or
phrase was written from one; their licences do not all allow it.

The map of foreign labels was read against our label set; what was changed and why stands at each set.
"""

from __future__ import annotations

import csv
import json
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

#: Names of the map that are called otherwise in label set v1.
OUR_NAME = {"returns_and_warranty": "returns_and_refunds", "usability": "usability_confusion", "lost_item": "shipping_delay"}
#: A reason to be charged something that was not understood; the other intents of banking77 are about cards and transfers.
BANKING_CHARGES = frozenset({
    "card_payment_fee_charged", "cash_withdrawal_charge", "transaction_charged_twice", "transfer_fee_charged", "card_payment_not_recognised",
    "direct_debit_payment_not_recognised", "extra_charge_on_statement", "card_payment_wrong_exchange_rate", "wrong_exchange_rate_for_cash_withdrawal",
    "top_up_by_card_charge", "top_up_by_bank_transfer_charge", "exchange_charge", "cash_withdrawal_not_recognised",
})
#: Intents that our label set gives a topic although the map leaves them out: asking how to cancel or return is `returns_and_refunds`, and
#: an account that cannot be made or entered is `app_or_site_problem`. Judged with and without this correction.
BITEXT_CORRECTED = {
    "cancel_order": "returns_and_refunds", "check_refund_policy": "returns_and_refunds", "registration_problems": "app_or_site_problem",
}


@dataclass(frozen=True, slots=True)
class PublicText:
    """A text with the topics (or the one tone, or urgency) that its set says it has."""

    text: str
    language: str
    truth: frozenset[str]


@dataclass(frozen=True)
class PublicSet:
    """One set, ready to be judged: only `names` are judged, everything else a label says is left alone."""

    name: str
    source: str
    texts: tuple[PublicText, ...]
    names: tuple[str, ...]


def topic_map(folder: Path) -> dict[str, list[tuple[str, str, str]]]:
    """dataset -> (label pattern, sentiment or nothing, our topic), from `topic_map.csv`."""
    found: defaultdict[str, list[tuple[str, str, str]]] = defaultdict(list)
    with (folder / "topic_map.csv").open(newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            topic = OUR_NAME.get(row["topic"], row["topic"])
            found[row["dataset"]] += [(label, row["sentiment"], topic) for label in row["label"].split("|")]
    return dict(found)


def topic_sets(folder: Path) -> list[PublicSet]:
    """Every set with topics that is there."""
    known = topic_map(folder)
    readers: list[tuple[str, str, Callable[[], Iterable[PublicText]]]] = [
        ("mabsa_phone", "reviews", lambda: _aspects(folder / "mabsa_phone/en.jsonl", known["mabsa_phone"], _mabsa)),
        ("oats_amazon_ff", "reviews", lambda: _aspects(folder / "oats_amazon_ff/train.jsonl", known["oats_amazon_ff"], _oats)),
        ("acos_laptop", "reviews", lambda: _aspects(folder / "acos_laptop/train.jsonl", known["acos_laptop"], _acos)),
        ("absa_mens_tshirt", "reviews", lambda: _tshirts(folder / "absa_mens_tshirt/train.jsonl", known["absa_mens_tshirt"])),
        ("bitext", "support_tickets", lambda: _intents(folder / "bitext_support_intents", known["bitext_support_intents"], {})),
        ("bitext, map corrected", "support_tickets", lambda: _intents(folder / "bitext_support_intents", known["bitext_support_intents"], BITEXT_CORRECTED)),
        ("banking77", "support_tickets", lambda: _banking(folder / "banking77/train.csv")),
        # The map has bugs of an app as product_quality; label set v1 gives an app that does not work its own topic.
        ("google_play", "reviews", lambda: _apps(folder / "google_play_app_reviews/reviews.csv")),
    ]
    sets = []
    for name, source, read in readers:
        try:
            texts = tuple(read())
        except FileNotFoundError:
            continue
        count: defaultdict[str, int] = defaultdict(int)
        for one in texts:
            for topic in one.truth:
                count[topic] += 1
        sets.append(PublicSet(name, source, texts, tuple(sorted(topic for topic, n in count.items() if n >= FEWEST_POSITIVES))))
    return sets


FEWEST_POSITIVES = 10  # a topic with fewer texts is not judged
_UMSAB = {"english": "en", "german": "de", "french": "fr", "spanish": "es", "portuguese": "pt"}
TONES = ("negative", "neutral", "positive")


def tone_sets(folder: Path) -> list[PublicSet]:
    """Every set with a tone that is there: tweets a language, tweets to airlines, reviews of clothes by their stars."""
    sets = []
    path = folder / "umsab_tweets_8lang/val_train.csv"
    if path.exists():
        rows = _rows(path)
        for spoken, language in _UMSAB.items():
            own = tuple(PublicText(row["text"], language, frozenset({row["label"]})) for row in rows if row["lang"] == spoken)
            sets.append(PublicSet(f"umsab {language}", "social", own, TONES))
    path = folder / "airline_tweets/tweets.csv"
    if path.exists():
        own = tuple(PublicText(row["text"], "en", frozenset({row["airline_sentiment"]})) for row in _rows(path) if row["airline_sentiment"] in TONES)
        sets.append(PublicSet("airline_tweets", "social", own, TONES))
    path = folder / "womens_clothing_reviews/reviews.csv"
    if path.exists():
        own = tuple(
            PublicText(f"{row['Title']}. {row['ReviewText']}" if row["Title"] else row["ReviewText"], "en", frozenset({_stars(int(row["Rating"]))}))
            for row in _rows(path) if row["ReviewText"] and (row["Rating"] or "").isdigit()
        )
        sets.append(PublicSet("womens_clothing", "reviews", own, TONES))
    return sets


def urgency_set(folder: Path) -> PublicSet | None:
    """Tickets of an IT desk; the set's own scale goes from 0 (now) to 3 (whenever). Truth is `urgent` for 0 and 1."""
    path = folder / "it_tickets_urgency/tickets.csv"
    if not path.exists():
        return None
    texts = tuple(
        PublicText(f"{row['title']}. {row['body']}".strip(". "), "en", frozenset({"urgent"} if row["urgency"] in ("0", "1") else ()))
        for row in _rows(path) if row["body"]
    )
    return PublicSet("it_tickets", "support_tickets", texts, ("urgent",))


def _stars(rating: int) -> str:
    return "negative" if rating <= 2 else "neutral" if rating == 3 else "positive"


def _rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def _mabsa(row: Mapping[str, list[list[str]]]) -> Iterable[tuple[str, str]]:
    return ((category, tone) for _, category, tone in row["triplets"])


def _oats(row: Mapping[str, list[list[str]]]) -> Iterable[tuple[str, str]]:
    return ((quad[1], quad[2]) for quad in row["quads"])


def _acos(row: Mapping[str, list[Mapping[str, str]]]) -> Iterable[tuple[str, str]]:
    return ((quad["category"], quad["sentiment"]) for quad in row["quads"] or ())


def _aspects(path: Path, known: list[tuple[str, str, str]], of: Callable[..., Iterable[tuple[str, str]]]) -> Iterable[PublicText]:
    for line in path.read_text("utf-8").splitlines():
        row = json.loads(line)
        topics = frozenset(
            topic for category, tone in of(row) for label, wanted, topic in known if tone == wanted and fnmatchcase(category, label)
        )
        yield PublicText(row["text"], "en", topics)


def _tshirts(path: Path, known: list[tuple[str, str, str]]) -> Iterable[PublicText]:
    """One line a term; a text with several terms is one text."""
    topics: defaultdict[str, set[str]] = defaultdict(set)
    for line in path.read_text("utf-8").splitlines():
        row = json.loads(line)
        words = set(row["term"].lower().split())
        topics[row["text"]] |= {topic for label, wanted, topic in known if row["sentiment"] == wanted and label in words}
    return (PublicText(text, "en", frozenset(found)) for text, found in topics.items())


def _intents(folder: Path, known: list[tuple[str, str, str]], more: Mapping[str, str]) -> Iterable[PublicText]:
    topics = {label: topic for label, _, topic in known} | dict(more)
    for row in _rows(folder / "train.csv") + _rows(folder / "dev.csv"):
        yield PublicText(row["utterance"], "en", frozenset({topics[row["intent"]]} if row["intent"] in topics else ()))


def _banking(path: Path) -> Iterable[PublicText]:
    return (PublicText(row["text"], "en", frozenset({"billing_confusion"} if row["category"] in BANKING_CHARGES else ())) for row in _rows(path))


def _apps(path: Path) -> Iterable[PublicText]:
    topics = {"feature request": "feature_request", "bug report": "app_or_site_problem"}
    return (PublicText(row["review"], "en", frozenset({topics[row["label"]]} if row["label"] in topics else ())) for row in _rows(path) if row["label"])
