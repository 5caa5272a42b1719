"""The rules of the brief, safety, churn, fraud, codes and a shop's own patterns: what fires them, and what must not."""

from __future__ import annotations

import copy

import pytest
import yaml

from insights_assets.labels.label_set import load_label_set
from insights_assets.labels.rules import (
    RISK_TAG,
    TOPIC,
    RuleError,
    SkuPattern,
    load_rules,
    parse_rules,
    rating_hit,
    signal_hit,
)
from insights_assets.labels.words import fold, tokenise

RULES = load_rules()


def targets(text: str, language: str) -> set[str]:
    return {hit.target for hit in RULES.text_hits(fold(text), language)}


REFUND = [
    ("I want a refund for this.", "en"), ("Give me my money back", "en"), ("Geld zurück bitte!", "de"), ("Ich verlange die Rückerstattung", "de"),
    ("Je veux être remboursé", "fr"), ("Quiero el reembolso", "es"), ("Quero o reembolso", "pt"), ("Quero o meu dinheiro de volta", "pt"),
]


@pytest.mark.parametrize(("text", "language"), REFUND)
def test_r53_refund_language_asks_for_a_product(text: str, language: str) -> None:
    hits = [hit for hit in RULES.text_hits(fold(text), language) if hit.rule_id == "r53_refund_with_product"]
    assert {hit.target for hit in hits} == {"potential_defect", "refund_risk"}
    assert all(hit.needs_sku for hit in hits)


@pytest.mark.parametrize(("text", "language"), [
    ("I am not asking for a refund", "en"), ("The refund was quick and easy", "en"), ("no refund needed", "en"), ("The lamp is lovely.", "en"),
    ("Ich will keine Rückerstattung", "de"), ("Je ne demande pas de remboursement", "fr"), ("no quiero reembolso", "es"), ("não quero reembolso", "pt"),
])
def test_r53_denied_or_settled_refunds_do_not(text: str, language: str) -> None:
    assert not {"refund_risk", "potential_defect"} & targets(text, language)


FAILS = [
    ("Works on arrival but fails after three days.", "en"), ("It worked fine and then, two weeks later, it stopped charging.", "en"), ("Died after a week.", "en"),
    ("lasted two days", "en"), ("Perfect out of the box, but the third time I used it the motor quit", "en"), ("after only three washes the seam came apart", "en"),
    ("It ran for 3 days, now nothing works", "en"), ("was great at first, then it wouldn't turn on", "en"), ("did not last two weeks", "en"), ("two days later it's dead", "en"),
    ("Nach zwei Wochen geht nicht mehr.", "de"), ("Funktionierte anfangs, nach drei Tagen kaputt", "de"), ("hielt keine drei Tage", "de"), ("Hat nur zwei Wochen gehalten", "de"),
    ("Au bout de trois jours il ne marche plus.", "fr"), ("A tenu deux semaines", "fr"), ("cassé en deux jours", "fr"), ("Marche à la réception, en panne au bout de trois jours", "fr"),
    ("A los pocos días dejó de funcionar.", "es"), ("Duró dos semanas", "es"), ("Se rompió a la semana", "es"), ("Iba bien tres días y luego se paró", "es"),
    ("Depois de duas semanas parou de funcionar.", "pt"), ("Durou duas semanas", "pt"), ("Quebrou em uma semana", "pt"), ("Funcionava quando chegou, mas parou depois de três dias", "pt"),
]


@pytest.mark.parametrize(("text", "language"), FAILS)
def test_r54_works_then_fails_goes_to_the_quality_team(text: str, language: str) -> None:
    assert "quality_review" in targets(text, language)


@pytest.mark.parametrize(("text", "language"), [
    ("It arrived after three days, perfect.", "en"), ("Delivery took three days and the box was broken", "en"), ("I ordered three days ago.", "en"),
    ("I waited three days for a reply", "en"), ("We go on holiday in three days", "en"), ("It has been with us for a year and never broke", "en"),
    ("Your site stopped working after two days", "en"), ("used it for three days on a trip, great", "en"),
    ("Nach drei Tagen geliefert, alles gut.", "de"), ("Lieferung nach drei Tagen, Karton kaputt", "de"), ("läuft seit zwei Jahren einwandfrei", "de"),
    ("Livré après trois jours", "fr"), ("Reçu en trois jours, carton déchiré", "fr"), ("Llegó a los tres días", "es"), ("Chegou em três dias", "pt"),
])
def test_r54_unrelated_days_do_not(text: str, language: str) -> None:
    assert "quality_review" not in targets(text, language)


@pytest.mark.parametrize(("text", "language"), [
    ("Smoke came out of the plug", "en"), ("I got a shock when I touched it", "en"), ("It burned my hand", "en"), ("the battery is swollen", "en"),
    ("My baby nearly choked on it", "en"), ("the chair collapsed with my son on it", "en"), ("I got an electric shock", "en"),
    ("Es stieg Rauch aus dem Stecker", "de"), ("Ich habe einen Stromschlag bekommen", "de"), ("Der Akku ist aufgebläht", "de"),
    ("La batterie a gonflé", "fr"), ("J'ai pris une décharge électrique", "fr"), ("Salieron chispas del enchufe", "es"), ("La batería explotó", "es"),
    ("A bateria inchou", "pt"), ("Levei um choque", "pt"),
])
def test_danger_is_safety_and_critical(text: str, language: str) -> None:
    hits = [hit for hit in RULES.text_hits(fold(text), language) if hit.target == "safety"]
    assert hits and hits[0].kind == TOPIC and hits[0].urgency == "critical"
    assert hits[0].span is not None and fold(text)[hits[0].span.start : hits[0].span.end]


@pytest.mark.parametrize(("text", "language"), [
    ("The smoke glass looks lovely", "en"), ("No smoke, no smell, just light", "en"), ("You cut my discount", "en"), ("It began to cut out", "en"),
    ("a fire sale", "en"), ("It does not get hot and nobody was hurt", "en"), ("the price is shocking", "en"), ("this lamp is fire", "en"),
    ("Ich brauche eine Rechnung", "de"), ("rauchgrau und schön", "de"), ("un coup de tête", "fr"), ("pas dangereux du tout", "fr"), ("no es peligroso", "es"), ("não é perigoso", "pt"),
])
def test_harmless_words_are_not(text: str, language: str) -> None:
    assert "safety" not in targets(text, language)


@pytest.mark.parametrize(("text", "language"), [
    ("I will never order here again", "en"), ("You just lost a customer", "en"), ("I am closing my account", "en"), ("Nie wieder!", "de"), ("Das war meine letzte Bestellung", "de"),
    ("Plus jamais", "fr"), ("C'était ma dernière commande", "fr"), ("No vuelvo a comprar aquí", "es"), ("Nunca mais compro", "pt"),
])
def test_leaving_is_churn_risk(text: str, language: str) -> None:
    assert "churn_risk" in targets(text, language)


@pytest.mark.parametrize(("text", "language"), [("I'll never be without it, never had a better lamp", "en"), ("nie wieder ohne", "de"), ("I will be back", "en")])
def test_staying_is_not(text: str, language: str) -> None:
    assert "churn_risk" not in targets(text, language)


@pytest.mark.parametrize(("text", "language"), [
    ("My account was hacked", "en"), ("This is a counterfeit", "en"), ("an unauthorised charge on my card", "en"), ("I never placed this order", "en"),
    ("Das ist Betrug", "de"), ("Mein Konto wurde gehackt", "de"), ("C'est une contrefaçon", "fr"), ("Es una falsificación", "es"), ("meu cartão foi clonado", "pt"),
])
def test_fraud_is_fraud_like(text: str, language: str) -> None:
    assert "fraud_like" in targets(text, language)


@pytest.mark.parametrize("text", ["not a scam at all", "a fake discount", "the card was charged"])
def test_annoying_is_not_fraud(text: str) -> None:
    assert "fraud_like" not in targets(text, "en")


@pytest.mark.parametrize(("code", "topic"), [
    ("Too Small", "sizing_issue"), ("DAMAGED", "damaged_on_arrival"), ("defective", "product_quality"), ("wrong_item", "wrong_item"), ("missing parts", "missing_accessories"),
    ("arrived_too_late", "shipping_delay"), ("not_as_described", "product_quality"), ("changed_mind", "other"), ("who knows", "other"), ("better price found", "price_value"),
])
def test_return_codes_stand_for_topics(code: str, topic: str) -> None:
    assert RULES.reason_hit(code).target == topic


def test_signals_and_bare_ratings() -> None:
    assert signal_hit("error").target == "app_or_site_problem"
    assert signal_hit("abandoned").target == "other"
    assert [rating_hit(stars, None).target for stars in (1, 3, 4, 5)] == ["other", "other", "praise", "praise"]
    assert [rating_hit(None, score).target for score in (0, 8, 9)] == ["other", "other", "praise"]


def test_a_shops_own_pattern_is_for_its_sku_alone() -> None:
    text = "the tilt lock slips"
    own = RULES.with_sku_patterns([SkuPattern("CHR-1", r"tilt lock (?:slips|gives)", TOPIC, "product_quality")])
    assert [hit.target for hit in own.sku_hits(text, "CHR-1")] == ["product_quality"]
    assert own.sku_hits(text, "CHR-2") == [] and RULES.sku_hits(text, "CHR-1") == []
    assert own.version != RULES.version


def test_trigger_words_never_hide_a_rule() -> None:
    """The mask is a short cut: it may let a rule run in vain, never keep one from running."""
    for text, language in [*REFUND, *FAILS]:
        tokens, vocabulary = tokenise([text])
        mask = int(RULES.candidates(tokens, vocabulary.words, language)[0])
        assert RULES.text_hits(fold(text), language, mask) == RULES.text_hits(fold(text), language)


def test_targets_are_in_the_label_set() -> None:
    label_set = load_label_set()
    for rule in RULES.rules:
        assert set(rule.targets) <= set(label_set.topic_ids if rule.kind == TOPIC else label_set.risk_tag_ids)
        assert rule.kind in (TOPIC, RISK_TAG) and rule.requirement.startswith("R")
    assert {topic for topic, _ in RULES.reason_codes} <= set(label_set.topic_ids)


def test_broken_rules_are_named() -> None:
    document = {"version": "t", "rules": [{"id": "x", "kind": TOPIC, "targets": ["safety"], "requirement": "R1", "triggers": {}, "patterns": {"en": ["a("]}}], "reason_codes": {}}
    with pytest.raises(RuleError, match=r"rule x: patterns\.en"):
        parse_rules(document)
    for field, value, message in (("kind", "mood", "kind"), ("patterns", {"xx": ["a"]}, "xx")):
        broken = copy.deepcopy(document)
        broken["rules"][0]["patterns"] = {"en": ["a"]}
        broken["rules"][0][field] = value
        with pytest.raises(RuleError, match=message):
            parse_rules(yaml.safe_load(yaml.safe_dump(broken)))
    del document["rules"][0]["requirement"]
    with pytest.raises(RuleError, match="requirement"):
        parse_rules(document)


@pytest.mark.parametrize(("text", "language"), [
    ("Never received it.", "en"), ("my order hasn't arrived", "en"), ("It was never delivered!!", "en"), ("Nichts erhalten", "de"), ("Das Paket ist nicht angekommen", "de"),
    ("jamais reçu", "fr"), ("Le colis n'est pas arrivé", "fr"), ("No he recibido nada", "es"), ("nunca llegó", "es"), ("Não recebi", "pt"), ("o produto ainda não chegou", "pt"),
    ("Até agora não foi entregue e ninguém dá retorno", "pt"), ("Estou aguardando o produto", "pt"), ("n recebi nada", "pt"),
    ("Still waiting for my order", "en"), ("where is my parcel", "en"), ("I want my package!", "en"), ("Warte immer noch auf meine Bestellung", "de"), ("wo bleibt mein Paket?", "de"),
    ("j'attends toujours ma commande", "fr"), ("où est mon colis ?", "fr"), ("sigo esperando mi pedido", "es"), ("¿Dónde está mi paquete?", "es"), ("no lo han enviado", "es"),
    ("Entrega não efetuada", "pt"), ("não fizeram a entrega", "pt"), ("Estou aguardando", "pt"), ("Demora muito", "pt"), ("muito demorado!", "pt"), ("Cadê o produto???", "pt"),
    ("Quero meu produto, é uma falta de respeito", "pt"), ("extravio do meu pedido", "pt"), ("paguei em maio e até agora nada", "pt"), ("Fiz o pedido e não veio.", "pt"),
    ("não aguento mais esperar pelo meu produto", "pt"), ("Sem resposta e não recebi o produto", "pt"), ("os correios estão demorando demais", "pt"), ("não enviaram", "pt"),
])
def test_a_parcel_waited_for_is_a_delay_in_the_barest_words(text: str, language: str) -> None:
    assert "shipping_delay" in targets(text, language)


@pytest.mark.parametrize(("text", "language"), [
    ("I never received a refund", "en"), ("have not received any reply", "en"), ("the charger never arrived", "en"), ("It did not arrive damaged", "en"), ("It arrived, all well", "en"),
    ("Ich habe keine Antwort und nichts von der Erstattung gehört", "de"), ("Die Anleitung ist nicht angekommen", "de"), ("pas reçu de remboursement", "fr"),
    ("no he recibido el reembolso", "es"), ("não recebi o estorno", "pt"), ("o manual não chegou", "pt"), ("Recebi antes do prazo", "pt"), ("Chegou no prazo", "pt"),
    ("still waiting for my refund", "en"), ("where is my order number", "en"), ("Ich warte auf eine Antwort", "de"), ("j'attends une réponse à ma commande", "fr"), ("espero respuesta", "es"),
    ("aguardo retorno", "pt"), ("Entrega sem demora", "pt"), ("não demorou nada", "pt"), ("demora no atendimento", "pt"), ("estorno demorado", "pt"), ("utilização demorada", "pt"),
    ("até agora nada de resposta", "pt"), ("quero meu produto trocado", "pt"), ("o produto não veio conforme o anúncio", "pt"), ("não recebi o produto certo", "pt"),
    ("valeu a pena esperar o produto", "pt"), ("não enviaram o manual", "pt"), ("espero que o produto dure", "pt"), ("a chaleira demora para ferver", "pt"),
])
def test_what_is_waited_for_and_is_no_parcel_is_no_delay(text: str, language: str) -> None:
    assert "shipping_delay" not in targets(text, language)
