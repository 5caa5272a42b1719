"""YAML with places: every value knows its file, line and field, so that an error can say where it is and what to do.

Belongs here: reading one file and taking typed values out of it. Does not belong here: what the fields mean (`load.py`
and the modules beside it).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from difflib import get_close_matches
from pathlib import Path
from typing import Any, NoReturn


class ShopError(ValueError):
    """What `shop/` says cannot be used. The message reads `file:line: field: what is wrong; what to do`."""

    def __init__(self, file: str, line: int, field: str, problem: str, advice: str) -> None:
        self.file, self.line, self.field, self.problem, self.advice = file, line, field, problem, advice
        super().__init__(f"{file}:{line}: {field or 'the file'}: {problem}; {advice}")


@dataclass(frozen=True)
class Node:
    """One value of a YAML file with its place. `field` is the dotted path from the top of the file."""

    file: str
    line: int
    field: str
    value: Any

    def fail(self, problem: str, advice: str) -> NoReturn:
        raise ShopError(self.file, self.line, self.field, problem, advice)

    # -- mappings ------------------------------------------------------------------------------------------------------

    def mapping(self, required: Iterable[str] = (), optional: Iterable[str] = ()) -> dict[str, Node]:
        """The entries of a mapping with exactly these keys; unknown keys are refused with the nearest known one."""
        entries = self.entries()
        required, known = list(required), [*required, *optional]
        for key, node in entries.items():
            if key not in known:
                near = get_close_matches(key, known, 1)
                advice = f"did you mean {near[0]!r}?" if near else f"remove it; known here: {', '.join(sorted(known))}"
                node.fail("unknown key", advice)
        for key in required:
            if key not in entries:
                Node(self.file, self.line, _join(self.field, key), None).fail("is missing", "add it")
        return entries

    def entries(self) -> dict[str, Node]:
        """The entries of a mapping with any keys; keys are text."""
        if not isinstance(self.value, dict):
            self.fail(f"is {_kind(self.value)}", "write `key: value` lines here")
        places = getattr(self.value, "lc", None)
        found: dict[str, Node] = {}
        for key, value in self.value.items():
            line = places.key(key)[0] + 1 if places is not None and places.data and key in places.data else self.line
            found[str(key)] = Node(self.file, line, _join(self.field, str(key)), value)
        return found

    # -- lists ---------------------------------------------------------------------------------------------------------

    def items(self) -> Iterator[Node]:
        """The items of a list."""
        if not isinstance(self.value, list):
            self.fail(f"is {_kind(self.value)}", "write a list: [a, b]")
        places = getattr(self.value, "lc", None)
        for index, value in enumerate(self.value):
            line = (
                places.item(index)[0] + 1 if places is not None and places.data and index in places.data else self.line
            )
            yield Node(self.file, line, f"{self.field}[{index}]", value)

    def texts(self, known: Sequence[str] | None = None) -> tuple[str, ...]:
        """A list of texts, each of them one of `known` where that is given; none twice."""
        found = tuple(item.choice(known) if known is not None else item.text() for item in self.items())
        for text in found:
            if found.count(text) > 1:
                self.fail(f"names {text!r} twice", "name it once")
        return found

    # -- single values -------------------------------------------------------------------------------------------------

    def text(self) -> str:
        if not isinstance(self.value, str) or not self.value.strip():
            self.fail(f"is {_kind(self.value)}", "write a text; put it in quotes if it looks like a number or a date")
        return str(self.value)

    def choice(self, known: Sequence[str]) -> str:
        text = self.text()
        if text not in known:
            near = get_close_matches(text, known, 1)
            self.fail(
                f"{text!r} is not known", f"did you mean {near[0]!r}?" if near else f"use one of {', '.join(known)}"
            )
        return text

    def number(self, low: float, high: float) -> float:
        if isinstance(self.value, bool) or not isinstance(self.value, (int, float)):
            self.fail(f"is {_kind(self.value)}", f"write a number from {low:g} to {high:g}")
        if not low <= self.value <= high:
            self.fail(f"{self.value} is out of range", f"write a number from {low:g} to {high:g}")
        return float(self.value)

    def whole(self, low: int, high: int) -> int:
        if isinstance(self.value, bool) or not isinstance(self.value, int):
            self.fail(f"is {_kind(self.value)}", f"write a whole number from {low} to {high}")
        return int(self.number(low, high))

    def flag(self) -> bool:
        if not isinstance(self.value, bool):
            self.fail(f"is {_kind(self.value)}", "write true or false")
        return bool(self.value)

    def day(self) -> date:
        if not isinstance(self.value, date):
            self.fail(f"is {_kind(self.value)}", "write a date like 2026-08-03, without quotes")
        return date(self.value.year, self.value.month, self.value.day)

    def each(self, convert: Callable[[Node], Any]) -> dict[str, Any]:
        """The entries of a mapping, each converted."""
        return {key: convert(node) for key, node in self.entries().items()}


def read_yaml(path: Path, root: Path) -> Node:
    """The top of a YAML file. Fails with file and line on a missing file, a syntax error or a key given twice."""
    from ruamel.yaml import YAML
    from ruamel.yaml.error import MarkedYAMLError, YAMLError

    name = path.relative_to(root.parent).as_posix() if path.is_relative_to(root.parent) else str(path)
    try:
        value = YAML(typ="rt").load(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ShopError(
            name, 1, "", "there is no such file", "copy it from the sample shop that the package carries"
        ) from None
    except UnicodeDecodeError as error:
        raise ShopError(name, 1, "", f"is not UTF-8 (byte {error.start})", "save it as UTF-8") from error
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = mark.line + 1 if mark is not None else 1
        problem = " ".join(str(error.problem or error).split())
        raise ShopError(
            name, line, "", f"is not valid YAML ({problem})", "check indentation, quotes and brackets on this line"
        ) from error
    except YAMLError as error:
        raise ShopError(name, 1, "", f"is not valid YAML ({error})", "check the file") from error
    return Node(name, 1, "", value)


def _join(field: str, key: str) -> str:
    return f"{field}.{key}" if field else key


def _kind(value: Any) -> str:
    if value is None:
        return "empty"
    if isinstance(value, bool):
        return f"{str(value).lower()} (true/false)"
    if isinstance(value, dict):
        return "a mapping"
    if isinstance(value, list):
        return "a list"
    return f"{str(value)!r}"
