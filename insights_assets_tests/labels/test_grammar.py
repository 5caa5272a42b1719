"""The phrase grammar: every branch has its turn, the same seed gives the same phrases, mistakes are shown."""

from __future__ import annotations

import pytest

from insights_assets.labels.grammar import GrammarError, expansions, parse

SLOTS = {"thing": ("lamp", "chair")}


def expand(line: str, least: int = 1, most: int = 20, seed: str = "s") -> list[str]:
    return expansions(parse(line), SLOTS, seed, least, most)


def test_every_branch_appears() -> None:
    found = " | ".join(expand("it [broke|snapped|died|tore] [today|twice|]"))
    assert all(word in found for word in ("broke", "snapped", "died", "tore", "today", "twice"))


def test_nested_choices_and_slots() -> None:
    found = expand("a [big [red|blue]|small] {thing}", least=12)
    assert {"lamp", "chair"} == {text.split()[-1] for text in found}
    assert any("big red" in text for text in found) and any("big blue" in text for text in found)


def test_left_out_words_leave_no_holes() -> None:
    assert all("  " not in text and " ," not in text and text == text.strip() for text in expand("[|so] late [, again|] [!|]"))


def test_the_seed_decides() -> None:
    line = "[a|b|c|d] [e|f|g|h] {thing}"
    assert expand(line) == expand(line)
    assert expand(line, seed="other") != expand(line)


@pytest.mark.parametrize("line", ["[open", "close]", "{slot", "[a|b] ]"])
def test_unbalanced_lines_are_refused_and_shown(line: str) -> None:
    with pytest.raises(GrammarError) as error:
        parse(line)
    assert line in str(error.value)


def test_an_unknown_slot_is_named() -> None:
    with pytest.raises(GrammarError, match="gadget"):
        expand("my {gadget}")
