"""One record of a feedback source as its columns: what a customer wrote, with what the system around it adds.

Belongs here: the columns of reviews, support_tickets, chats, surveys, returns and social, ratings and states that fit
the case, and the truth about each record. Not here: which records there are (`reports.py`), files (`files.py`), faults
(`mess.py`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from random import Random
from typing import Any

import numpy as np

from insights_assets.simulator.cases import FLOOD, NO_INCIDENT, NO_TOPIC, SAFETY_ALONE, Cases
from insights_assets.simulator.catalogue import CARRIERS, LANGUAGES, REGIONS
from insights_assets.simulator.plan import SHOP_TIME_ZONE, stream
from insights_assets.simulator.reports import SOURCE, Reports
from insights_assets.simulator.shop_files import iso_strings, order_id
from insights_assets.simulator.wording.compose import Case, Composer, Said
from insights_assets.simulator.wording.grammar import TOPICS
from insights_assets.simulator.wording.slips import personal_sentence, slip
from insights_assets.simulator.world import FRESH, World

PREFIX = {"reviews": "RV", "support_tickets": "TK", "chats": "CH", "surveys": "SV", "returns": "RT", "social": "SO"}
ID_COLUMN = {
    "reviews": "review_id", "support_tickets": "ticket_id", "chats": "chat_id", "surveys": "response_id",
    "returns": "return_id", "social": "post_id",
}  # fmt: skip
TIME_COLUMN = {
    "reviews": "created_at", "support_tickets": "created_at", "chats": "started_at", "surveys": "responded_at",
    "returns": "requested_at", "social": "posted_at",
}  # fmt: skip
CALM_TOPICS = frozenset({"praise", "other", "feature_request"})
# What people say in each place when nothing is wrong: lukewarm words, questions, reasons to give something back.
OTHER_FLAVOURS = {"reviews": "meh", "surveys": "meh", "support_tickets": "ask", "chats": "ask", "returns": "back", "social": "ask"}
_COUNTRY = {"us-east": "US", "us-west": "US", "uk": "GB", "de": "DE", "fr": "FR", "es": "ES", "pt": "PT"}
REASON_CODES: dict[str, tuple[str, ...]] = {
    "damaged_on_arrival": ("damaged", "damaged", "damaged", "other"),
    "missing_accessories": ("incomplete", "incomplete", "other"),
    "wrong_item": ("wrong_item", "wrong_item", "not_as_described"),
    "product_quality": ("defective", "defective", "quality", "not_as_described"),
    "sizing_issue": ("does_not_fit", "does_not_fit", "does_not_fit", "other"),
    "usability_confusion": ("other", "not_as_described"),
    "other": ("changed_mind", "changed_mind", "gift", "ordered_two", "changed_mind"),
}


@dataclass(frozen=True)
class Told:
    """One record: its columns, its time and what is true about it."""

    ref: str
    at: int
    day: int
    row: dict[str, Any]
    label: dict[str, Any]
    personal: list[tuple[str, str]]


class Teller:
    """Tells the records of one source in the order of time."""

    def __init__(self, world: World, source: str, block: str | int, shared: dict[int, Said]) -> None:
        self.world = world
        self.source = source
        self.chance = Random(int(stream(world.plan.seed, "tell", source, block).integers(0, 2**62)))
        self.composer = Composer(self.chance, world.catalogue)
        self.shared = shared
        self.incident_ids = {number: incident.incident_id for number, incident in enumerate(world.incidents)}
        self.incident_ids |= {FRESH + number: incident.incident_id for number, incident in enumerate(world.fresh)}
        self.incident_ids |= {SAFETY_ALONE: "safety_alone", FLOOD: "decoy-flood"}
        self.flood_text = ""
        self.last_instant = 0

    def records(self, cases: Cases, reports: Reports, window_end: int) -> Iterator[Told]:
        """Every record of this source among the reports."""
        mine = np.flatnonzero(reports.source == SOURCE[self.source])
        mine = mine[np.lexsort((reports.case[mine], reports.at[mine]))]
        at = reports.at[mine]
        day = self.world.clock.day_of(at)
        position = np.arange(len(mine)) - np.searchsorted(day, day) + 1
        number = reports.case[mine]
        words_shared = reports.repeats[mine] | reports.is_shared[mine]
        region = cases.region[number]
        local = _local_times(self.world, at, region, self.source)
        self.last_instant = window_end
        make: Callable[..., tuple[dict[str, Any], Said, str, list[tuple[str, str]]]] = getattr(self, f"_{self.source}")
        for i in range(len(mine)):
            case_number = int(number[i])
            date = self.world.plan.day(int(day[i]))
            ref = f"{PREFIX[self.source]}{date:%y%m%d}-{position[i]:04d}"
            case = self._case(cases, case_number)
            known = self.shared.get(case_number) if words_shared[i] else None
            row, said, sentiment, personal = make(ref, int(at[i]), local[i], cases, case_number, case, known)
            if words_shared[i] and known is None and said.sentences:
                self.shared[case_number] = said
            topics = [case.topic] + ([case.second] if case.second else []) if case.topic else []
            if case.is_mixed:
                topics.append("praise")
            incident = int(cases.incident[case_number])
            label = {
                "topics": topics,
                "sentiment": sentiment,
                "families": said.families,
                "incident": None if incident == NO_INCIDENT else self.incident_ids[incident],
            }
            yield Told(ref, int(at[i]), int(day[i]), row, label, personal)

    def _case(self, cases: Cases, number: int) -> Case:
        topic = int(cases.topic[number])
        second = int(cases.second[number])
        customer = int(cases.customer[number])
        name = TOPICS[topic] if topic != NO_TOPIC else ""
        incident = int(cases.incident[number])
        flavour = self.world.incidents[incident].flavour if 0 <= incident < len(self.world.incidents) else None
        if name == "other":
            flavour = OTHER_FLAVOURS[self.source]
        line = int(cases.line[number])
        carrier = CARRIERS[self.world.lines.carrier[line]] if line >= 0 else CARRIERS[0]
        mood = "positive" if name == "praise" else ("neutral" if name in CALM_TOPICS or not name else "negative")
        return Case(
            topic=name,
            second=TOPICS[second] if second != NO_TOPIC else None,
            product=self.world.catalogue.products[int(cases.product[number])],
            language=LANGUAGES[int(self.world.customers.language[customer])],
            currency=REGIONS[int(cases.region[number])].currency,
            carrier=carrier,
            mood=mood,
            is_mixed=bool(cases.is_mixed[number]),
            flavour=flavour,
        )

    # what several sources share

    def _words(self, case: Case, length: str, known: Said | None) -> Said:
        if known is not None:
            return known
        said = self.composer.say(case, length)
        return Said([slip(" ".join(said.sentences), self.chance)], said.families)

    def _order_reference(self, cases: Cases, number: int, missing: float) -> str:
        """The order as the customer gives it: mostly right, sometimes left out, sometimes mistyped."""
        line = int(cases.line[number])
        draw = self.chance.random()
        if line < 0 or not cases.has_order[number] or draw < missing:
            return ""
        lines = self.world.lines
        right = order_id(self.world.plan, int(lines.day[line]), int(lines.order_number[line]))
        if draw < missing + 0.03:
            return right[:-2] if self.chance.random() < 0.5 else f"{right[:-5]}9{right[-4:]}"
        return right

    def _rating(self, case: Case) -> int:
        draw = self.chance.random()
        if case.is_mixed:
            table = ((0.36, 2), (0.86, 3), (1.0, 4))
        elif case.mood == "negative":
            table = ((0.50, 1), (0.83, 2), (0.96, 3), (0.99, 4), (1.0, 5))
        elif case.mood == "positive":
            table = ((0.68, 5), (0.97, 4), (0.99, 3), (1.0, 1))
        elif case.topic == "feature_request":
            table = ((0.18, 5), (0.66, 4), (0.98, 3), (1.0, 2))
        elif case.topic == "other":
            table = ((0.12, 5), (0.45, 4), (0.95, 3), (1.0, 2))
        else:  # a rating without words
            table = ((0.55, 5), (0.84, 4), (0.94, 3), (0.97, 2), (1.0, 1))
        return next(value for edge, value in table if draw < edge)

    def _sentiment(self, case: Case, rating: int) -> str:
        if not case.topic:
            return "positive" if rating >= 4 else ("neutral" if rating == 3 else "negative")
        if case.is_mixed:
            return "negative" if rating <= 2 else "neutral"
        return case.mood

    def _personal(self, cases: Cases, number: int, case: Case, share: float) -> list[tuple[str, str, str]]:
        if self.chance.random() >= share:
            return []
        kinds = ["phone", "email", "address", "name"]
        if case.topic in ("billing_confusion", "returns_and_refunds"):
            kinds = ["card", "iban", "phone", "card", "iban"]
        kind = kinds[int(self.chance.random() * len(kinds))]
        region = REGIONS[int(cases.region[number])].name
        made = personal_sentence(kind, int(cases.customer[number]), self.world.customers, region, case.language, self.chance)
        return [(made.sentence, made.kind, made.value)]

    def _person(self, cases: Cases, number: int, unknown: float) -> dict[str, str]:
        customer = int(cases.customer[number])
        customers = self.world.customers
        key = "" if self.chance.random() < unknown else customers.key(customer)
        return {"customer_id": key, "customer_name": customers.name(customer), "customer_email": customers.email(customer)}

    # the sources

    def _reviews(self, ref: str, at: int, local: str, cases: Cases, number: int, case: Case, known: Said | None) -> Any:
        chance = self.chance
        rating = self._rating(case)
        said = Said([], [])
        personal: list[tuple[str, str, str]] = []
        if case.topic:
            said = self._words(case, "long", known)
            personal = self._personal(cases, number, case, 0.015) if known is None else []
        body = " ".join(said.sentences + [p[0] for p in personal])
        mood = case.mood if case.topic else ("positive" if rating >= 4 else "neutral" if rating == 3 else "negative")
        title = self.composer.phrase(case, f"title_{mood}") if case.topic and chance.random() < 0.8 else ""
        has_order = bool(cases.has_order[number])
        channel = ("web" if chance.random() < 0.7 else "app") if chance.random() < 0.85 else "marketplace"
        region = REGIONS[int(cases.region[number])]
        row = {
            "review_id": ref,
            "created_at": local,
            "channel": channel if case.topic != "app_or_site_problem" else "app",
            "rating": rating,
            "title": title,
            "body": body,
            "sku": case.product.sku if has_order and chance.random() < 0.97 else "",
            "order_id": self._order_reference(cases, number, 0.08),
            **self._person(cases, number, 0.03),
            "region": region.name,
            "locale": f"{case.language}-{_COUNTRY[region.name]}",
            "verified_purchase": "true" if has_order else "false",
            "syndicated_from": "partner-shop" if channel == "marketplace" and chance.random() < 0.4 else "",
            "incentivised": "true" if case.mood == "positive" and chance.random() < 0.04 else "false",
            "helpful_count": int(chance.random() ** 4 * 12),
        }
        return row, said, self._sentiment(case, rating), [(kind, value) for _, kind, value in personal]

    def _support_tickets(self, ref: str, at: int, local: str, cases: Cases, number: int, case: Case, known: Said | None) -> Any:
        chance, composer = self.chance, self.composer
        reference = self._order_reference(cases, number, 0.10)
        said = self._words(case, "long", known)
        personal = self._personal(cases, number, case, 0.10)
        pieces = list(said.sentences)
        if known is None:
            if chance.random() < 0.55:
                pieces.insert(0, composer.phrase(case, "greeting") + "\n")
            if reference and chance.random() < 0.3:
                pieces.append(composer.phrase(case, "order_mention", order=reference))
        pieces += [p[0] for p in personal]
        given = [(kind, value) for _, kind, value in personal]
        if known is None and chance.random() < 0.45:
            pieces.append("\n" + composer.phrase(case, "signoff"))
            if chance.random() < 0.6:
                name = self.world.customers.name(int(cases.customer[number]))
                pieces.append("\n" + name)
                given.append(("name", name))
        urgent = case.topic == "safety"
        answered = at + int(900 + chance.random() ** 2 * 90_000)
        solved = answered + int(3_600 + chance.random() ** 2 * 500_000)
        is_answered, is_solved = answered < self.last_instant, solved < self.last_instant and chance.random() < 0.93
        updated = solved if is_solved else (answered if is_answered else at)
        replies = 1 + int(chance.random() ** 2 * 6) if is_answered else 0
        state = "solved" if is_solved else ("pending" if is_answered and chance.random() < 0.5 else "open")
        priority = "urgent" if urgent and chance.random() < 0.6 else ("low", "normal", "normal", "normal", "high")[int(chance.random() * 5)]
        satisfied = {"negative": 2, "neutral": 4, "positive": 5}[case.mood]
        row = {
            "ticket_id": ref,
            "created_at": local,
            "updated_at": _utc(updated),
            "channel": "email" if chance.random() < 0.6 else ("web_form" if chance.random() < 0.8 else "phone"),
            "subject": composer.phrase(case, f"subject_{case.mood}", order=reference or "?"),
            "description": " ".join(pieces).replace(" \n", "\n").replace("\n ", "\n"),
            "status": state,
            "priority": priority,
            "tags": [["order"], [], ["web"], ["follow_up"], []][int(chance.random() * 5)],
            "order_id": reference or None,
            "sku": case.product.sku if reference and chance.random() < 0.35 else None,
            **self._person(cases, number, 0.10),
            "region": REGIONS[int(cases.region[number])].name,
            "first_response_at": _utc(answered) if is_answered else None,
            "solved_at": _utc(solved) if is_solved else None,
            "team": ("orders", "care", "returns", "tech")[int(chance.random() * 4)],
            "assignee": f"agent-{1 + int(chance.random() * 14):02d}" if is_answered else None,
            "replies": replies,
            "handle_seconds": int(120 + replies * (180 + chance.random() * 420)) if is_answered else None,
            "reopened_count": 1 if is_solved and chance.random() < 0.06 else 0,
            "csat": max(1, min(5, satisfied + int(chance.random() * 3) - 1)) if is_solved and chance.random() < 0.3 else None,
        }
        return row, said, self._sentiment(case, 1 if case.mood == "negative" else 4), given

    def _chats(self, ref: str, at: int, local: int, cases: Cases, number: int, case: Case, known: Said | None) -> Any:
        chance, composer = self.chance, self.composer
        reference = self._order_reference(cases, number, 0.18)
        said = composer.say(case, "medium")
        personal = self._personal(cases, number, case, 0.07)
        spoken: list[tuple[str, str]] = []
        if chance.random() < 0.6:
            spoken.append(("customer", composer.phrase(case, "chat_hello")))
        spoken.append(("agent", composer.phrase(case, "agent_hello")))
        for place, sentence in enumerate(said.sentences):
            spoken.append(("customer", slip(sentence, chance)))
            if place == 0:
                spoken.append(("agent", composer.phrase(case, "agent_ask")))
                if reference and chance.random() < 0.5:
                    spoken.append(("customer", reference))
        spoken += [("customer", p[0]) for p in personal]
        spoken.append(("agent", composer.phrase(case, "agent_end")))
        if chance.random() < 0.5:
            spoken.append(("customer", composer.phrase(case, "chat_end")))
        turns, clock = [], local
        for speaker, text in spoken:
            turns.append({"speaker": speaker, "at": clock, "text": text})
            clock += int(15_000 + chance.random() * 70_000)
        row = {
            "chat_id": ref,
            "started_at": local,
            "turns": turns,
            "order_id": reference or None,
            **self._person(cases, number, 0.2),
            "region": REGIONS[int(cases.region[number])].name,
        }
        return row, said, self._sentiment(case, 1 if case.mood == "negative" else 4), [(k, v) for _, k, v in personal]

    def _surveys(self, ref: str, at: int, local: int, cases: Cases, number: int, case: Case, known: Said | None) -> Any:
        chance = self.chance
        rating = self._rating(case)
        score = min(10, max(0, 2 * rating + (0 if rating == 5 else int(chance.random() * 3) - 1) - (1 if rating <= 2 else 0)))
        said = self._words(case, "short", known) if case.topic else Said([], [])
        region = REGIONS[int(cases.region[number])]
        row = {
            "response_id": ref,
            "responded_at": local,
            "score": score,
            "verbatim": " ".join(said.sentences),
            "order_id": self._order_reference(cases, number, 0.12),
            "customer_id": self.world.customers.key(int(cases.customer[number])) if chance.random() < 0.8 else "",
            "region": region.name,
            "locale": f"{case.language}-{_COUNTRY[region.name]}",
            "kind": ("nps", "nps", "csat", "post_purchase")[int(chance.random() * 4)],
            "sku": case.product.sku if cases.has_order[number] and chance.random() < 0.6 else "",
        }
        return row, said, self._sentiment(case, rating), []

    def _returns(self, ref: str, at: int, local: str, cases: Cases, number: int, case: Case, known: Said | None) -> Any:
        chance = self.chance
        silent = not case.topic or (case.topic != "other" and chance.random() < 0.25)
        said = Said([], []) if silent else self._words(case, "short", known)
        line = int(cases.line[number])
        lines = self.world.lines
        region = REGIONS[int(cases.region[number])]
        cents = int(self.world.catalogue.price_cents[int(cases.region[number]), int(cases.product[number])])
        codes = REASON_CODES.get(case.topic or "other", ("other",))
        code = codes[int(chance.random() * len(codes))] if chance.random() < 0.92 else "other"
        refunded = at + int((3 + chance.random() * 8) * 86_400)
        is_refunded = refunded < self.last_instant
        row = {
            "return_id": ref,
            "requested_at": local,
            "order_id": self._order_reference(cases, number, 0.01),
            "sku": case.product.sku,
            "reason_code": code,
            "comment": " ".join(said.sentences),
            "refund_amount": f"{cents * int(lines.quantity[line]) / 100:.2f}",
            "currency": region.currency,
            "customer_id": self.world.customers.key(int(cases.customer[number])),
            "region": region.name,
            "refunded_at": _utc(refunded) if is_refunded else "",
            "disposition": ("restock", "scrap", "inspect", "restock")[int(chance.random() * 4)] if is_refunded else "",
        }
        return row, said, "neutral" if not case.topic else case.mood, []

    def _social(self, ref: str, at: int, local: str, cases: Cases, number: int, case: Case, known: Said | None) -> Any:
        chance = self.chance
        region = REGIONS[int(cases.region[number])]
        customer = int(cases.customer[number])
        language = case.language
        if int(cases.incident[number]) == FLOOD:
            language = "en"
            said, handle = self._flood_words(case), f"@dealwatch_{1 + int(chance.random() * 3)}"
        else:
            said = self._words(case, "medium", known)
            handle = f"@{self.world.customers.handle(customer)}"
        text = " ".join(said.sentences)
        if known is None and int(cases.incident[number]) != FLOOD and chance.random() < 0.55:
            text = f"{text} {self.composer.phrase(case, 'social_tail')}"
        network = ("instagram", "facebook", "x", "tiktok")[int(chance.random() * 4)]
        row = {
            "post_id": ref,
            "posted_at": local,
            "network": network,
            "author_handle": handle,
            "text": text,
            "region": region.name if chance.random() < 0.9 else None,
            "locale": f"{language}-{_COUNTRY[region.name]}",
            "url": f"https://social.example.net/{network}/{ref}",
        }
        return row, said, self._sentiment(case, 1 if case.mood == "negative" else 4), []

    def _flood_words(self, case: Case) -> Said:
        if not self.flood_text:
            english = Case(case.topic, None, case.product, "en", "USD", case.carrier, "negative")
            self.flood_text = self.composer.phrase(english, f"flood_{case.topic}")
        ending = ("", "", " !!", " #boycott", " pls rt", " wow")[int(self.chance.random() * 6)]
        return Said([self.flood_text + ending], [])


def _utc(instant: int) -> str:
    return f"{np.datetime64(instant, 's')}Z"


def _local_times(world: World, at: np.ndarray, region: np.ndarray, source: str) -> list[Any]:
    """Times in the manner of each source: offsets of the region, of the shop, none, or an epoch."""
    if source == "chats":
        return [int(value) * 1_000 for value in at]
    if source == "surveys":
        return [int(value) for value in at]
    if source == "support_tickets":
        return list(iso_strings(at, np.zeros(len(at), dtype=np.int64), zulu=True))
    if source == "returns":
        return [value.replace("T", " ") for value in iso_strings(at, world.clock.offset_at(SHOP_TIME_ZONE, at))]
    offset = np.zeros(len(at), dtype=np.int64)
    for number, place in enumerate(REGIONS):
        here = np.flatnonzero(region == number)
        offset[here] = world.clock.offset_at(place.zone, at[here])
    return list(iso_strings(at, offset))
