"""Things named are found with their place in five languages; what is personal or looks like an order is none of them."""

from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from insights_assets.labels.concepts import LANGUAGES
from insights_assets.labels.entities import CATALOGUE, MOST_ENTITIES, EntityFinder
from insights_assets.labels.entity_words import KINDS, EntityWordsError, load_entity_words, parse_entity_words
from insights_assets.labels.field_curves import Curve, FieldCurves
from insights_assets.labels.label_details import details_of, joined, plain_name

PRODUCTS = (
    {"sku": "LMP-100", "name": "Aurora desk lamp", "aliases": ["Aurora lamp"]}, {"sku": "LMP-200", "name": "Borea desk lamp", "aliases": ["desk lamp"]},
    {"sku": "LMP-300", "name": "Cirro desk lamp", "aliases": ["desk lamp"]},
)  # fmt: skip
#: Negative words rise with their distance; critical is right nine times in ten; of other words nothing was counted.
CURVES = FieldCurves(Curve({"negative": (0.0, 3.0)}), Curve({"critical": (math.log(9.0), 0.0)}))
FINDER = EntityFinder(load_entity_words(), PRODUCTS, carriers=["Kranich Express", "Velopost"], places=["the eastern US"], competitors=["Lampenwelt"])


def named(text: str, language: str | None = "en") -> list[tuple[str, str, str]]:
    return [(one.kind, one.name, text[one.span.start : one.span.end]) for one in FINDER.find(text, language)]


@pytest.mark.parametrize(("language", "text", "wanted"), [
    ("en", "The zip of my Aurora lamp broke, DHL shrugged.", [("part", "zip", "zip"), ("product", "Aurora desk lamp", "Aurora lamp"), ("carrier", "DHL", "DHL")]),
    ("en", "LMP-200: the handle came off on May 3rd, 2026.", [("product", "Borea desk lamp", "LMP-200"), ("part", "handle", "handle"), ("date", "2026-05-03", "May 3rd, 2026")]),
    ("en", "Cheaper at Lampenwelt by $12.50 in the eastern US", [("competitor", "Lampenwelt", "Lampenwelt"), ("amount", "12.50 USD", "$12.50"), ("place", "the eastern US", "eastern US")]),
    ("de", "Das Netzkabel fehlt, Reißverschluss kaputt, 1.234,50 € bezahlt", [("part", "cable", "Netzkabel"), ("part", "zip", "Reißverschluss"), ("amount", "1234.50 EUR", "1.234,50 €")]),
    ("de", "Kranich Express kam am 12.05.2026 nicht", [("carrier", "Kranich Express", "Kranich Express"), ("date", "2026-05-12", "12.05.2026")]),
    ("fr", "La fermeture éclair a lâché le 3 mai, Colissimo en Allemagne", [("part", "zip", "fermeture éclair"), ("date", "--05-03", "3 mai"), ("carrier", "Colissimo", "Colissimo"), ("place", "Germany", "Allemagne")]),
    ("es", "La tapa llegó rota el 12 de mayo de 2026 por Correos", [("part", "lid", "tapa"), ("date", "2026-05-12", "12 de mayo de 2026"), ("carrier", "Correos", "Correos")]),
    ("pt", "A tampa partiu, paguei 25 euros", [("part", "lid", "tampa"), ("amount", "25.00 EUR", "25 euros")]),
])  # fmt: skip
def test_what_is_named_is_found_with_its_place(language: str, text: str, wanted: list[tuple[str, str, str]]) -> None:
    assert named(text, language) == wanted


@pytest.mark.parametrize(("language", "text"), [
    ("en", "How do you handle my case? Ups and downs, please cover the rest. I may 4 times call."),
    ("de", "Ups, das war es im Anschluss an die Kontrollen. Ich griff nicht ein."),
    ("fr", "Mon dossier est en attente, vis-à-vis de vous."),
    ("en", "Order 4711-2026 and tracking 00340434161094 for LL-261105-00012, call 030 1234567"),
    ("en", "I am [name], [address], [email], card [card]; born 12 May 2012, my birthday is May 12, 2014"),
    ("en", "It was 03/04/2026, or April?"),
    ("en", "Only us, who lock up at 12.50"),
])  # fmt: skip
def test_what_is_no_thing_or_is_personal_is_not_found(language: str, text: str) -> None:
    assert named(text, language) == []


def test_what_redaction_put_there_is_no_thing_even_where_it_reads_like_one() -> None:
    assert named("[DHL cable] and [UPS]") == [] and named("the [cable]") == []


def test_a_name_of_several_products_is_named_by_itself() -> None:
    assert named("my desk lamp wobbles") == [("product", "desk lamp", "desk lamp")]
    assert FINDER.find("my desk lamp", "en")[0].source == CATALOGUE


def test_a_language_that_is_not_read_has_names_only() -> None:
    assert [kind for kind, _, _ in named("Kabel zip zipper velopost 25 € Aurora lamp, Germany", "sv")] == ["carrier", "amount", "product"]


@settings(max_examples=300, deadline=None)
@given(st.lists(st.one_of(st.text(st.characters(codec="utf-8"), max_size=20), st.sampled_from(
    ["the zip ", "LMP-100", " Aurora lamp ", "[name]", "12.05.2026 ", "$12", "1.234,50 €", "DHL", "ß", "İ", "\u200b", "Netzkabel ", "3 mai ", "\n", "may 4", "Kranich Express"]
)), max_size=14).map("".join), st.sampled_from([*LANGUAGES, None, "sv"]))
def test_whatever_the_text_places_are_real_apart_and_of_a_kind_on_the_list(text: str, language: str | None) -> None:
    found = FINDER.find(text, language)
    assert found == FINDER.find(text, language) and len(found) <= MOST_ENTITIES
    edge = 0
    for one in found:
        assert edge <= one.span.start < one.span.end <= len(text) and one.kind in KINDS and one.name and 0.5 <= one.confidence < 1
        edge = one.span.end


def test_a_models_things_join_and_what_is_known_here_stands() -> None:
    text = "The zip and the valance of my Aurora lamp, sent to Smallville, from Allemagne"
    found = [{"kind": k, "name": n, "quote": q, "start": text.index(q), "end": text.index(q) + len(q), "source": "lexicon", "confidence": 0.85} for k, n, q in named(text)]
    said = [{"kind": kind, "quote": quote, "start": text.index(quote), "end": text.index(quote) + len(quote), "confidence": 0.9}
            for kind, quote in (("part", "zip"), ("part", "the valance"), ("part", "Aurora"), ("place", "Smallville"), ("competitor", "Allemagne"))]
    rows, dropped = joined(found, said, FINDER, "en")
    assert [(row["kind"], row["name"], row["source"], row["confidence"]) for row in rows] == [
        ("part", "zip", "lexicon", 0.9), ("part", "valance", "model", 0.9), ("product", "Aurora desk lamp", "lexicon", 0.85), ("competitor", "allemagne", "model", 0.9),
    ]
    assert dropped == 1, "a town is no place: it may be somebody's address"
    assert plain_name("Der Zierrand") == "zierrand"


def test_each_field_has_its_confidence() -> None:
    row = {
        "feedback_id": "f", "text": "the zip broke", "language": "en", "topics": [{"topic": "safety", "confidence": 0.93}], "sentiment": "negative", "sentiment_score": -0.8,
        "urgency": "critical", "sku_source": "conflict", "risk_tags": ["refund_risk"], "label_source": "rule", "confidence": 0.93, "said": None, "dropped": None,
    }
    found = details_of(row, FINDER, CURVES)
    assert (found["sentiment_confidence"], found["urgency_confidence"], found["sku_confidence"]) == (CURVES.sentiment.sure("negative", 0.5, "en"), 0.9, 0.5)
    assert found["risk_tags"] == [{"tag": "refund_risk", "confidence": 0.9}] and [one["quote"] for one in found["entities"]] == ["zip"]
    calm = details_of({**row, "text": None, "urgency": "normal", "sku_source": None, "risk_tags": None, "confidence": 0.3, "sentiment_score": None}, FINDER, CURVES)
    assert (calm["sentiment_confidence"], calm["urgency_confidence"], calm["sku_confidence"], calm["entities"]) == (None, 0.5, None, [])


def test_a_lexicon_that_cannot_be_used_says_where() -> None:
    with pytest.raises(EntityWordsError, match=r"parts\.zip\.xx"):
        parse_entity_words({"parts": {"zip": {"xx": ["zip"]}}, "carriers": {}, "places": {}, "competitors": {}, "before": {}})
    with pytest.raises(EntityWordsError, match="carriers"):
        parse_entity_words({"parts": {}})
