"""Names without a model: what many say here and few elsewhere, readable, one of a kind."""

from __future__ import annotations

from random import Random

from insights_assets.clusters.naming import Term, name_of, top_terms
from insights_assets.clusters.stop_words import STOP_WORDS
from insights_assets_tests.clusters.speech import say


def told(trouble: str, count: int = 60) -> list[str]:
    chance = Random(4)
    return [say(trouble, chance) for _ in range(count)]


def test_a_name_is_of_the_theme_and_not_of_its_topic() -> None:
    glass = name_of(top_terms(told("glass"), told("leak")), "damaged_on_arrival")
    leak = name_of(top_terms(told("leak"), told("glass")), "damaged_on_arrival")
    assert "glass" in glass
    assert "bottle" in leak
    assert "glass" not in leak
    both = [f"{text} So annoying, and damaged." for text in told("glass")]
    assert "damaged" not in name_of(
        top_terms(both, [f"{text} So annoying, and damaged." for text in told("leak")]), "x"
    )


def test_function_words_and_redaction_marks_never_name_a_theme() -> None:
    lines = [f"It was not what I had and [NAME PERSON] did the {word}" for word in ("hinge", "hinge", "hinge", "hinge")]
    terms = top_terms(lines, ["something else entirely"])
    shown = {word for term in terms for word in term.words}
    assert "hinge" in shown
    assert not shown & STOP_WORDS
    assert not shown & {"name", "person"}


def test_words_are_shown_as_customers_write_them() -> None:
    terms = top_terms(["Die Größe fällt klein aus"] * 5, ["Der Rabatt fehlt"] * 5)
    assert any("größe" in term.shown for term in terms)
    assert any(term.words == ("grose", "fallt") for term in terms)


def test_a_pair_does_not_cross_the_end_of_a_sentence() -> None:
    terms = top_terms(["Broken zipper. Refund pending"] * 6, [])
    assert ("broken", "zipper") in {term.words for term in terms}
    assert ("zipper", "refund") not in {term.words for term in terms}


def test_product_names_come_after_what_went_wrong() -> None:
    lines = ["lumenta cracked"] * 10
    assert top_terms(lines, [])[0].words == ("lumenta", "cracked")
    singles = [term.words[0] for term in top_terms(lines, [], quiet_words={"lumenta"}) if len(term.words) == 1]
    assert singles == ["cracked", "lumenta"]


def test_names_are_one_of_a_kind_and_never_empty() -> None:
    terms = [Term(("a1",), "zip", 3.0), Term(("b1",), "seam", 2.0), Term(("c1",), "hem", 1.0)]
    first = name_of(terms, "x")
    second = name_of(terms, "x", [first])
    assert (first, second) == ("zip / seam", "zip / seam / hem")
    assert name_of(terms, "x", [first, second]) == "zip / seam / hem (2)"
    assert name_of([], "product_quality") == "product quality"
    assert top_terms([], []) == []
