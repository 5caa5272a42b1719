"""One record of each feedback source as its columns.

Belongs here: the columns of reviews, support_tickets, chats, surveys, returns and social. Not here: which records there
are and what is true about them (`feedback_rows.py`), faults (`mess.py`).
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from insights_assets.simulator.catalogue import REGIONS
from insights_assets.simulator.entries import Columns, Entry, EntryWriter
from insights_assets.simulator.wording.compose import Case, Said
from insights_assets.simulator.wording.slips import Personal, slip

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


class ColumnWriter(EntryWriter):
    """Makes the columns of records; a method a source, named like it."""

    def reviews(self, entry: Entry) -> Columns:
        chance = self.chance
        rating = self._rating(entry.case)
        said = Said([], [])
        personal: list[Personal] = []
        if entry.case.topic:
            said = self._words(entry, "long")
            personal = self._personal(entry, 0.015) if entry.known is None else []
        body = " ".join(said.sentences + [p.sentence for p in personal])
        mood = (
            entry.case.mood
            if entry.case.topic
            else ("positive" if rating >= 4 else "neutral" if rating == 3 else "negative")
        )
        title = self.composer.phrase(entry.case, f"title_{mood}") if entry.case.topic and chance.random() < 0.8 else ""
        channel = ("web" if chance.random() < 0.7 else "app") if chance.random() < 0.85 else "marketplace"
        region = REGIONS[entry.region]
        row = {
            "review_id": entry.ref,
            "created_at": entry.local,
            "channel": channel if entry.case.topic != "app_or_site_problem" else "app",
            "rating": rating,
            "title": title,
            "body": body,
            "sku": entry.case.product.sku if entry.has_order and chance.random() < 0.97 else "",
            "order_id": self._order_reference(entry, 0.08),
            **self._person(entry, 0.03),
            "region": region.name,
            "locale": f"{entry.case.language}-{_COUNTRY[region.name]}",
            "verified_purchase": "true" if entry.has_order else "false",
            "syndicated_from": "partner-shop" if channel == "marketplace" and chance.random() < 0.4 else "",
            "incentivised": "true" if entry.case.mood == "positive" and chance.random() < 0.04 else "false",
            "helpful_count": int(chance.random() ** 4 * 12),
        }
        return Columns(row, said, self._sentiment(entry.case, rating), _given(personal))

    def support_tickets(self, entry: Entry) -> Columns:
        chance, composer = self.chance, self.composer
        reference = self._order_reference(entry, 0.10)
        said = self._words(entry, "long")
        personal = self._personal(entry, 0.10)
        pieces = list(said.sentences)
        if entry.known is None:
            if chance.random() < 0.55:
                pieces.insert(0, composer.phrase(entry.case, "greeting") + "\n")
            if reference and chance.random() < 0.3:
                pieces.append(composer.phrase(entry.case, "order_mention", order=reference))
        pieces += [p.sentence for p in personal]
        given = _given(personal)
        if entry.known is None and chance.random() < 0.45:
            pieces.append("\n" + composer.phrase(entry.case, "signoff"))
            if chance.random() < 0.6:
                name = self.shop.customers.name(entry.customer)
                pieces.append("\n" + name)
                given.append(("name", name))
        answered = entry.at + int(900 + chance.random() ** 2 * 90_000)
        solved = answered + int(3_600 + chance.random() ** 2 * 500_000)
        is_answered, is_solved = answered < self.last_instant, solved < self.last_instant and chance.random() < 0.93
        updated = solved if is_solved else (answered if is_answered else entry.at)
        replies = 1 + int(chance.random() ** 2 * 6) if is_answered else 0
        state = "solved" if is_solved else ("pending" if is_answered and chance.random() < 0.5 else "open")
        priority = ("low", "normal", "normal", "normal", "high")[int(chance.random() * 5)]
        if entry.case.topic == "safety" and chance.random() < 0.6:
            priority = "urgent"
        satisfied = {"negative": 2, "neutral": 4, "positive": 5}[entry.case.mood]
        row = {
            "ticket_id": entry.ref,
            "created_at": entry.local,
            "updated_at": _utc(updated),
            "channel": "email" if chance.random() < 0.6 else ("web_form" if chance.random() < 0.8 else "phone"),
            "subject": composer.phrase(entry.case, f"subject_{entry.case.mood}", order=reference or "?"),
            "description": " ".join(pieces).replace(" \n", "\n").replace("\n ", "\n"),
            "status": state,
            "priority": priority,
            "tags": [["order"], [], ["web"], ["follow_up"], []][int(chance.random() * 5)],
            "order_id": reference or None,
            "sku": entry.case.product.sku if reference and chance.random() < 0.35 else None,
            **self._person(entry, 0.10),
            "region": REGIONS[entry.region].name,
            "first_response_at": _utc(answered) if is_answered else None,
            "solved_at": _utc(solved) if is_solved else None,
            "team": ("orders", "care", "returns", "tech")[int(chance.random() * 4)],
            "assignee": f"agent-{1 + int(chance.random() * 14):02d}" if is_answered else None,
            "replies": replies,
            "handle_seconds": int(120 + replies * (180 + chance.random() * 420)) if is_answered else None,
            "reopened_count": 1 if is_solved and chance.random() < 0.06 else 0,
            "csat": max(1, min(5, satisfied + int(chance.random() * 3) - 1))
            if is_solved and chance.random() < 0.3
            else None,
        }
        return Columns(row, said, entry.case.mood, given)

    def chats(self, entry: Entry) -> Columns:
        chance, composer = self.chance, self.composer
        reference = self._order_reference(entry, 0.18)
        said = composer.say(entry.case, "medium")
        personal = self._personal(entry, 0.07)
        spoken: list[tuple[str, str]] = []
        if chance.random() < 0.6:
            spoken.append(("customer", composer.phrase(entry.case, "chat_hello")))
        spoken.append(("agent", composer.phrase(entry.case, "agent_hello")))
        for place, sentence in enumerate(said.sentences):
            spoken.append(("customer", slip(sentence, chance)))
            if place == 0:
                spoken.append(("agent", composer.phrase(entry.case, "agent_ask")))
                if reference and chance.random() < 0.5:
                    spoken.append(("customer", reference))
        spoken += [("customer", p.sentence) for p in personal]
        spoken.append(("agent", composer.phrase(entry.case, "agent_end")))
        if chance.random() < 0.5:
            spoken.append(("customer", composer.phrase(entry.case, "chat_end")))
        turns, clock = [], entry.local
        for speaker, text in spoken:
            turns.append({"speaker": speaker, "at": clock, "text": text})
            clock += int(15_000 + chance.random() * 70_000)
        row = {
            "chat_id": entry.ref,
            "started_at": entry.local,
            "turns": turns,
            "order_id": reference or None,
            **self._person(entry, 0.2),
            "region": REGIONS[entry.region].name,
        }
        return Columns(row, said, entry.case.mood, _given(personal))

    def surveys(self, entry: Entry) -> Columns:
        chance = self.chance
        rating = self._rating(entry.case)
        score = min(
            10, max(0, 2 * rating + (0 if rating == 5 else int(chance.random() * 3) - 1) - (1 if rating <= 2 else 0))
        )
        said = self._words(entry, "short") if entry.case.topic else Said([], [])
        region = REGIONS[entry.region]
        row = {
            "response_id": entry.ref,
            "responded_at": entry.local,
            "score": score,
            "verbatim": " ".join(said.sentences),
            "order_id": self._order_reference(entry, 0.12),
            "customer_id": self.shop.customers.key(entry.customer) if chance.random() < 0.8 else "",
            "region": region.name,
            "locale": f"{entry.case.language}-{_COUNTRY[region.name]}",
            "kind": ("nps", "nps", "csat", "post_purchase")[int(chance.random() * 4)],
            "sku": entry.case.product.sku if entry.has_order and chance.random() < 0.6 else "",
        }
        return Columns(row, said, self._sentiment(entry.case, rating), [])

    def returns(self, entry: Entry) -> Columns:
        chance = self.chance
        silent = not entry.case.topic or (entry.case.topic != "other" and chance.random() < 0.25)
        said = Said([], []) if silent else self._words(entry, "short")
        region = REGIONS[entry.region]
        cents = int(self.shop.catalogue.price_cents[entry.region, entry.product])
        codes = REASON_CODES.get(entry.case.topic or "other", ("other",))
        code = codes[int(chance.random() * len(codes))] if chance.random() < 0.92 else "other"
        refunded = entry.at + int((3 + chance.random() * 8) * 86_400)
        is_refunded = refunded < self.last_instant
        row = {
            "return_id": entry.ref,
            "requested_at": entry.local,
            "order_id": self._order_reference(entry, 0.01),
            "sku": entry.case.product.sku,
            "reason_code": code,
            "comment": " ".join(said.sentences),
            "refund_amount": f"{cents * int(self.lines.quantity[entry.line]) / 100:.2f}",
            "currency": region.currency,
            "customer_id": self.shop.customers.key(entry.customer),
            "region": region.name,
            "refunded_at": _utc(refunded) if is_refunded else "",
            "disposition": ("restock", "scrap", "inspect", "restock")[int(chance.random() * 4)] if is_refunded else "",
        }
        return Columns(row, said, "neutral" if not entry.case.topic else entry.case.mood, [])

    def social(self, entry: Entry) -> Columns:
        chance = self.chance
        region = REGIONS[entry.region]
        language = entry.case.language
        if entry.is_flood:
            language = "en"
            said, handle = self._flood_words(entry.case), f"@dealwatch_{1 + int(chance.random() * 3)}"
        else:
            said = self._words(entry, "medium")
            handle = f"@{self.shop.customers.handle(entry.customer)}"
        text = " ".join(said.sentences)
        if entry.known is None and not entry.is_flood and chance.random() < 0.55:
            text = f"{text} {self.composer.phrase(entry.case, 'social_tail')}"
        network = ("instagram", "facebook", "x", "tiktok")[int(chance.random() * 4)]
        row = {
            "post_id": entry.ref,
            "posted_at": entry.local,
            "network": network,
            "author_handle": handle,
            "text": text,
            "region": region.name if chance.random() < 0.9 else None,
            "locale": f"{language}-{_COUNTRY[region.name]}",
            "url": f"https://social.example.net/{network}/{entry.ref}",
        }
        return Columns(row, said, entry.case.mood, [])

    def _flood_words(self, case: Case) -> Said:
        if not self.flood_text:
            english = replace(case, language="en", currency="USD", mood="negative")
            self.flood_text = self.composer.phrase(english, f"flood_{case.topic}")
        ending = ("", "", " !!", " #boycott", " pls rt", " wow")[int(self.chance.random() * 6)]
        return Said([self.flood_text + ending], [])


def _given(personal: list[Personal]) -> list[tuple[str, str]]:
    return [(one.kind, one.value) for one in personal]


def _utc(instant: int) -> str:
    return f"{np.datetime64(instant, 's')}Z"
