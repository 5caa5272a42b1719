"""One person across sources: what is known of a voice's customer does not depend on how much history is asked."""

from __future__ import annotations

from typing import Any

import pytest

from insights_assets.canonical.build import _identified
from insights_assets.canonical.identity import contacts_of

pytestmark = pytest.mark.slow
PEOPLE = [
    ("C2", "Anna Berg", "anna@mail.test"), ("C1", "Anna B.", "anna@mail.test"), ("C1", "Anna Berg", "a.berg@mail.test"), ("C3", "Ben Ode", "ben@mail.test"),
    ("C4", None, "cleo@mail.test"), ("C5", "Dora Lux", None), ("C6", "Unasked Person", "unasked@mail.test"), ("C7", "Also Anna", "a.berg@mail.test"),
]
VOICES = [("V1", "C3", None), ("V2", None, "anna@mail.test"), ("V3", "C5", "nobody@mail.test"), ("V4", None, None), ("V5", "C9", "cleo@mail.test"), ("V6", "C7", None)]


def test_the_contacts_of_new_voices_say_what_all_contacts_say(spark: Any) -> None:
    people = spark.createDataFrame(PEOPLE, "customer_id string, name string, email string")
    voices = spark.createDataFrame(VOICES, "record_ref string, customer_id string, customer_email string")

    def answers(known: Any) -> list[tuple[Any, ...]]:
        rows = _identified(voices, known).toArrow().to_pylist()
        return sorted(
            (row["record_ref"], row["customer_id"], tuple(sorted(row["known_names"] or ())), tuple(sorted(row["known_emails"] or ()))) for row in rows
        )

    narrowed = contacts_of(people, voices)
    assert answers(narrowed) == answers(people)
    assert answers(people)[1] == ("V2", "C1", ("Anna B.", "Anna Berg"), ("a.berg@mail.test", "anna@mail.test"))
    assert "C6" not in narrowed.select("customer_id").toArrow().column(0).to_pylist()
