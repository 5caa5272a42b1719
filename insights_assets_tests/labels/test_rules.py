"""The two rules of the brief and the safety rule: what fires them, what must not, in five languages."""

from __future__ import annotations

import pytest

from insights_assets.labels.rules import return_topic, text_hits


def targets(text: str, *, has_sku: bool = False) -> set[str]:
    return {hit.target for hit in text_hits(text, has_sku=has_sku)}


@pytest.mark.parametrize("text", ["I want a refund for this.", "Geld zurück bitte!", "Je veux être remboursé", "Quiero la devolución", "Quero o reembolso"])
def test_r53_refund_with_a_sku_is_a_potential_defect_and_a_refund_risk(text: str) -> None:
    assert {"potential_defect", "refund_risk"} <= targets(text, has_sku=True)
    assert not {"potential_defect", "refund_risk"} & targets(text, has_sku=False)


def test_r53_a_sku_without_refund_language_is_neither() -> None:
    assert not {"potential_defect", "refund_risk"} & targets("The lamp is lovely.", has_sku=True)


@pytest.mark.parametrize("text", [
    "Works on arrival but fails after three days.", "It worked fine and then, two weeks later, it stopped charging.", "Died after a week.",
    "Nach zwei Wochen geht nicht mehr.", "Au bout de trois jours il ne marche plus.", "A los pocos días dejó de funcionar.", "Depois de duas semanas parou de funcionar.",
])
def test_r54_fails_after_days_goes_to_the_quality_team(text: str) -> None:
    assert "quality_review" in targets(text)


@pytest.mark.parametrize("text", ["It arrived after three days, perfect.", "Delivery took three days and works great.", "I ordered three days ago.", "Nach drei Tagen geliefert, alles gut."])
def test_r54_unrelated_days_do_not(text: str) -> None:
    assert "quality_review" not in targets(text)


@pytest.mark.parametrize("text", ["Smoke came out of the plug", "I got a shock when I touched it", "Es stieg Rauch auf", "La batterie a gonflé", "Saltaron chispas", "A bateria inchou e queimou a mesa"])
def test_danger_is_safety(text: str) -> None:
    assert "safety" in targets(text)


@pytest.mark.parametrize("text", ["The smoke glass looks lovely", "No smoke, no smell, just light", "You cut my discount", "It began to cut out", "Ich brauche eine Rechnung", "un coup de tête"])
def test_harmless_words_are_not(text: str) -> None:
    assert "safety" not in targets(text)


def test_return_codes_stand_for_topics() -> None:
    assert return_topic("Too Small") == "sizing_issue"
    assert return_topic("DAMAGED") == "damaged_on_arrival"
    assert return_topic("who knows") is None
