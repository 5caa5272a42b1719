"""Nothing collects more than a stated bound onto the driver: the bound itself, and every place in the package that collects."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

import insights_assets
from insights_assets.engine.bounds import TooMuchForTheDriver, arrow_on_driver, pandas_on_driver

PACKAGE = Path(insights_assets.__file__).parent
LISTED = yaml.safe_load((Path(__file__).parent / "driver_bounds.yaml").read_text(encoding="utf-8"))
COLLECTS = frozenset({"toPandas", "toArrow", "collect", "toLocalIterator"})
#: The bound's own place, and the simulator, which has no engine.
ELSEWHERE = ("engine/bounds.py", "simulator/")


def _chain(node: ast.AST) -> list[str]:
    """The methods that a call is the last of: `frame.where(…).limit(9).toArrow()` gives toArrow, limit, where."""
    names = []
    while True:
        if isinstance(node, ast.Call):
            node = node.func
        elif isinstance(node, ast.Attribute):
            names.append(node.attr)
            node = node.value
        elif isinstance(node, ast.Subscript):
            node = node.value
        else:
            return names


def _places(tree: ast.AST, function: str = "") -> Iterator[tuple[str, list[str]]]:
    """(function, methods before) of every call that collects."""
    for child in ast.iter_child_nodes(tree):
        inside = child.name if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef) and not function else function
        if isinstance(child, ast.Call) and isinstance(child.func, ast.Attribute) and child.func.attr in COLLECTS and not child.args:
            yield inside, _chain(child)
        yield from _places(child, inside)


def _functions(tree: ast.Module) -> Iterator[ast.AST]:
    """Top-level functions and methods, each on its own."""
    for node in tree.body:
        yield from node.body if isinstance(node, ast.ClassDef) else [node]


def unbounded(source: str) -> set[str]:
    """Functions that collect a frame with no limit in sight."""
    found = set()
    for part in _functions(ast.parse(source)):
        for function, methods in _places(ast.Module([part], [])):
            if "limit" not in methods:
                found.add(function or "<module>")
    return found


def everywhere() -> dict[str, set[str]]:
    found = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        name = path.relative_to(PACKAGE).as_posix()
        if not name.startswith(ELSEWHERE) and (functions := unbounded(path.read_text(encoding="utf-8"))):
            found[name] = functions
    return found


def test_every_place_that_collects_names_its_bound() -> None:
    listed = {name: set(places) for name, places in LISTED["places"].items()}
    found = everywhere()
    new = {f"{name}: {function}" for name, functions in found.items() for function in functions - listed.get(name, set())}
    assert not new, f"collects onto the driver without a bound; use engine/bounds.py, or say in driver_bounds.yaml why it does not grow: {sorted(new)}"
    gone = {f"{name}: {function}" for name, functions in listed.items() for function in functions - found.get(name, set())}
    assert not gone, f"driver_bounds.yaml names places that collect nothing any more: {sorted(gone)}"


def test_reasons_are_of_the_closed_list_and_what_is_left_is_known() -> None:
    reasons = {f"{name}: {function}": reason for name, places in LISTED["places"].items() for function, reason in places.items()}
    assert set(reasons.values()) <= set(LISTED["kinds"])
    assert {place for place, reason in reasons.items() if reason == "left"} == {"governance/reader.py: rows", "lake/lake.py: read_arrow", "lake/lake.py: _as_arrow"}


def test_the_search_sees_what_it_should() -> None:
    source = "\n".join((
        "def a(f): return f.where('x').toPandas()", "def b(f): return f.limit(9).toArrow()", "def c(f): return f.agg(1).toArrow()",
        "def d(f): return f.groupBy('x').agg(1).collect()", "class K:\n    def e(self, f): return [r for r in f.toLocalIterator()]", "def g(f): return f.take(3)",
    ))  # fmt: skip
    assert unbounded(source) == {"a", "c", "d", "e"}


@pytest.mark.slow
@pytest.mark.parametrize("collect", [arrow_on_driver, pandas_on_driver])
def test_the_bound_lets_through_what_fits_and_stops_one_row_more(spark: Any, collect: Any) -> None:
    assert len(collect(spark.range(5), "things", 5)) == 5
    with pytest.raises(TooMuchForTheDriver, match=r"things: more than 5 rows .* fewer days"):
        collect(spark.range(6), "things", 5)
