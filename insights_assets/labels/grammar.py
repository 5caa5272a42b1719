"""The phrase grammar of the training corpus: how one line of YAML becomes many phrasings.

Belongs here: parsing and expanding lines (`[a|b]` chooses, `[|a]` may be left out, `{slot}` draws a word).
Does not belong here: which lines there are (`corpus/*.yaml`), how phrases become whole texts (`corpus.py`).
"""

from __future__ import annotations

import random
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

_TIDY = ((re.compile(r"\s+([,.!?;:])"), r"\1"), (re.compile(r"\s{2,}"), " "), (re.compile(r"^[\s,;]+|[\s,;]+$"), ""))


class GrammarError(ValueError):
    """A line that cannot be parsed; the message shows it."""


@dataclass(frozen=True, slots=True)
class Choice:
    """One of several sequences."""

    branches: tuple[Sequence[object], ...]


@dataclass(frozen=True, slots=True)
class Slot:
    """A word drawn from a named list."""

    name: str


def parse(line: str) -> Sequence[object]:
    """Turn a line into a sequence of texts, slots and choices.

    >>> len(parse("the [big|small] {product}"))
    4
    """
    position, nodes = _sequence(line, 0, nested=False)
    if position != len(line):
        raise GrammarError(f"unbalanced ] in {line!r}")
    return nodes


def expansions(nodes: Sequence[object], slots: Mapping[str, Sequence[str]], seed: str, least: int, most: int) -> list[str]:
    """Different expansions, the same ones for the same seed, in which every branch of every choice has its turn.

    Branches go round in a shuffled order, so that a line with nine words for one thing teaches all nine; `least` and
    `most` bound the number of rounds, which otherwise follows the widest choice.
    """
    draw = random.Random(seed)
    turns: dict[int, list[int]] = {}
    found: dict[str, None] = {}
    for _ in range(max(least, min(most, _widest(nodes)))):
        parts: list[str] = []
        _collect(nodes, slots, draw, parts, turns)
        text = "".join(parts)
        for pattern, replacement in _TIDY:
            text = pattern.sub(replacement, text)
        if text:
            found.setdefault(text)
    return list(found)


def _widest(nodes: Sequence[object]) -> int:
    """Rounds until every branch of the widest choice, branches inside branches included, had its turn."""
    choices = [node for node in nodes if isinstance(node, Choice)]
    return max((sum(_widest(branch) for branch in node.branches) for node in choices), default=1)


def _sequence(line: str, position: int, nested: bool) -> tuple[int, list[object]]:
    nodes: list[object] = []
    plain: list[str] = []

    def flush() -> None:
        if plain:
            nodes.append("".join(plain))
            plain.clear()

    while position < len(line):
        letter = line[position]
        if letter == "[":
            flush()
            position, choice = _choice(line, position + 1)
            nodes.append(choice)
        elif letter == "{":
            end = line.find("}", position)
            if end < 0:
                raise GrammarError(f"unclosed {{ in {line!r}")
            flush()
            nodes.append(Slot(line[position + 1 : end]))
            position = end + 1
        elif letter == "]" or (letter == "|" and nested):
            break
        else:
            plain.append(letter)
            position += 1
    flush()
    return position, nodes


def _choice(line: str, position: int) -> tuple[int, Choice]:
    branches: list[Sequence[object]] = []
    while True:
        position, nodes = _sequence(line, position, nested=True)
        branches.append(nodes)
        if position >= len(line):
            raise GrammarError(f"unclosed [ in {line!r}")
        position += 1
        if line[position - 1] == "]":
            return position, Choice(tuple(branches))


def _collect(
    nodes: Sequence[object], slots: Mapping[str, Sequence[str]], draw: random.Random, parts: list[str],
    turns: dict[int, list[int]],
) -> None:
    for node in nodes:
        if isinstance(node, Slot):
            if node.name not in slots:
                raise GrammarError(f"no slot named {node.name!r}")
            parts.append(draw.choice(slots[node.name]))
        elif isinstance(node, Choice):
            if not turns.get(id(node)):  # a new round of this choice, in a new order
                turns[id(node)] = draw.sample(range(len(node.branches)), len(node.branches))
            _collect(node.branches[turns[id(node)].pop()], slots, draw, parts, turns)
        else:
            parts.append(str(node))
