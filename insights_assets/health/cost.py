"""What a year costs, by records a year: seconds from benchmarks, tokens from the ledger, prices from a table of assumptions.

Belongs here: the fit, the model and its sentences. Does not belong here: measuring (`make bench` writes the file that is read), reading a home, any
price (`cost.yaml`, or a copy of it). A figure beyond three times what was measured says that it is drawn out, and how far.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from importlib import resources
from pathlib import Path
from typing import Any

import yaml

from insights_assets.labels.model.prices import Prices, Usage

_HOUR, _YEAR_DAYS = 3600.0, 365
#: How far beyond the largest measured size a figure is given without a word about it.
FAR = 3.0


class CostInput(ValueError):
    """A table of assumptions or a benchmark that cannot be used; names the file and the field."""


@dataclass(frozen=True)
class Assumptions:
    """The values of `cost.yaml` by `section.name`, with who said each and when."""

    rows: Mapping[str, Mapping[str, Any]]

    def __getitem__(self, name: str) -> float:
        return float(self.rows[name]["value"])

    @property
    def currency(self) -> str:
        return str(self.rows["currency"]["value"])


def load_assumptions(path: Path | None = None) -> Assumptions:
    """The packaged table, or a copy of it. Every value of the packaged one must be there, with its source and date."""
    packaged = _flat(yaml.safe_load(resources.files("insights_assets.health").joinpath("cost.yaml").read_text(encoding="utf-8")))
    rows = packaged if path is None else _flat(yaml.safe_load(path.read_text(encoding="utf-8")))
    for name in packaged:
        row = rows.get(name)
        if not isinstance(row, Mapping) or not {"value", "source", "as_of"} <= set(row):
            raise CostInput(f"{path or 'cost.yaml'}: {name} needs value, source and as_of")
        if name != "currency" and (isinstance(row["value"], bool) or not isinstance(row["value"], int | float) or row["value"] < 0):
            raise CostInput(f"{path or 'cost.yaml'}: {name} must be a number of at least 0, got {row['value']!r}")
    for name in ("work.busy_share", "databricks.cores_a_node", "databricks.fewest_nodes", "one_machine.cores", "one_machine.memory_gib", "one_machine.least", "one_machine.hours_a_day", "work.history_days"):
        if not rows[name]["value"]:
            raise CostInput(f"{path or 'cost.yaml'}: {name} must be above 0")
    return Assumptions(rows)


def _flat(document: Any) -> dict[str, Any]:
    if not isinstance(document, Mapping):
        return {}
    found: dict[str, Any] = {}
    for name, value in document.items():
        if isinstance(value, Mapping) and "value" not in value:
            found.update({f"{name}.{inner}": row for inner, row in value.items()})
        else:
            found[name] = value
    return found


@dataclass(frozen=True)
class Growth:
    """y = a * n ** b through measured points: least squares on logarithms. One point has the slope 1.

    Small sizes are mostly what every run costs whatever its size, which makes the slope small and would make a large size cheap. So beyond the largest size a
    line of a fixed part and a part a record is drawn too, and the larger of the two counts.
    """

    factor: float
    slope: float
    largest: float
    fixed: float = 0.0
    a_record: float = 0.0

    def at(self, records: float) -> float:
        if records <= 0:
            return 0.0
        power = float(self.factor * records**self.slope)
        return power if records <= self.largest else max(power, self.fixed + self.a_record * records)


def fit(points: Sequence[tuple[float, float]]) -> Growth:
    """>>> round(fit([(10, 100), (100, 1000)]).slope, 6), round(fit([(10, 100), (100, 1000)]).at(1000), 3)
    (1.0, 10000.0)
    """
    known = [(math.log(n), math.log(y)) for n, y in points if n > 0 and y > 0]
    if not known:
        return Growth(0.0, 1.0, max((n for n, _ in points), default=0.0))
    middle_n, middle_y = sum(n for n, _ in known) / len(known), sum(y for _, y in known) / len(known)
    spread = sum((n - middle_n) ** 2 for n, _ in known)
    slope = sum((n - middle_n) * (y - middle_y) for n, y in known) / spread if spread > 0 else 1.0
    return Growth(math.exp(middle_y - slope * middle_n), slope, max(n for n, _ in points), *_line([(n, y) for n, y in points if n > 0]))


def _line(points: Sequence[tuple[float, float]]) -> tuple[float, float]:
    """(fixed part, part a record) by least squares, neither below nothing."""
    middle_n, middle_y = sum(n for n, _ in points) / len(points), sum(y for _, y in points) / len(points)
    spread = sum((n - middle_n) ** 2 for n, _ in points)
    a_record = max(0.0, sum((n - middle_n) * (y - middle_y) for n, y in points) / spread) if spread > 0 else middle_y / middle_n
    fixed = middle_y - a_record * middle_n
    return (fixed, a_record) if fixed >= 0 else (0.0, middle_y / middle_n)


@dataclass(frozen=True)
class Measured:
    """Rows of a benchmark's file (`python -m benchmarks.loop … --folder DIR` writes DIR/bench.json)."""

    rows: tuple[Mapping[str, Any], ...]

    @cached_property
    def sizes(self) -> list[int]:
        return sorted(int(row["records"]) for row in self.rows)

    def growth(self, *path: str) -> Growth:
        return fit([(float(row["records"]), float(_inside(row, path))) for row in self.rows])

    def steps(self) -> list[tuple[str, Growth]]:
        """Growth of each step's seconds in a first run, the longest of the largest size first."""
        largest = max(self.rows, key=lambda row: row["records"])
        names = sorted(largest["first"]["by_step"], key=lambda name: -largest["first"]["by_step"][name])
        return [(name, fit([(float(row["records"]), float(row["first"]["by_step"].get(name, 0.0))) for row in self.rows])) for name in names]


def load_measured(path: Path | None = None) -> Measured:
    text = path.read_text(encoding="utf-8") if path else resources.files("insights_assets.health").joinpath("measured.json").read_text(encoding="utf-8")
    where = str(path or "measured.json")
    try:
        rows = json.loads(text)
        measured = Measured(tuple(rows))
        for row in measured.rows:
            for needed in (("records",), ("lake_gib",), *((run, "cpu_seconds") for run in ("first", "again", "next_day")), ("first", "peak_gib"), ("first", "by_step")):
                _inside(row, needed)
    except (ValueError, TypeError, KeyError) as error:
        raise CostInput(f"{where} is no file of `make bench` (bench.json): {error}") from None
    if not measured.rows:
        raise CostInput(f"{where} has no measured size")
    return measured


def _inside(row: Any, path: Sequence[str]) -> Any:
    for name in path:
        row = row[name]
    return row


@dataclass(frozen=True)
class Way:
    """One way to run it, a year of it. `why_not` is empty where it can be run."""

    name: str
    money: Mapping[str, float]
    dbu: float
    why_not: str

    @property
    def total(self) -> float:
        return round(sum(self.money.values()), 2)


@dataclass(frozen=True)
class Estimate:
    """A year at a number of records."""

    records_a_year: int
    cpu_hours: float
    cpu_seconds_a_day: float
    peak_gib: float
    lake_gib: float
    calls: int
    tokens: Mapping[str, int]
    model_money: float
    ways: tuple[Way, ...]
    beyond_measured: float
    hours_a_day_on_one_machine: float

    @property
    def cheapest(self) -> Way | None:
        return min((way for way in self.ways if not way.why_not), key=lambda way: way.total, default=None)


def estimate(
    records_a_year: int, measured: Measured, given: Assumptions, prices: Prices, *, tokens: Mapping[str, float] | None = None, model_name: str = "gpt-4.1-mini"
) -> Estimate:
    """A year's cost. `tokens`: input, cached and output of a call as a ledger has them, in place of the assumed ones; `model_name` sets their price."""
    history = records_a_year * given["work.history_days"] / _YEAR_DAYS
    idle, day = measured.growth("again", "cpu_seconds").at(history), measured.growth("next_day", "cpu_seconds").at(history)
    a_day = (given["work.runs_a_day"] * idle + max(0.0, day - idle)) * given["work.engine_factor"]
    cpu_hours = a_day * _YEAR_DAYS / _HOUR
    peak, lake = measured.growth("first", "peak_gib").at(history), measured.growth("lake_gib").at(history) * _YEAR_DAYS / given["work.history_days"]
    size = {name: float((tokens or {}).get(name, given[f"model.{name}"])) for name in ("input_tokens", "cached_tokens", "output_tokens")}
    calls = int(records_a_year * given["model.text_share"] * given["model.distinct_share"] * given["model.sent_share"])
    used = {name: int(calls * value) for name, value in size.items()}
    money = prices.cost(Usage(used["input_tokens"], used["cached_tokens"], used["output_tokens"]), snapshot=None, deployment=model_name)
    hours_a_day = a_day / given["one_machine.cores"] / _HOUR
    store = lake * given["storage.copies"] * given["storage.price_a_gib_month"] * 12
    return Estimate(
        records_a_year, round(cpu_hours, 1), round(a_day, 1), round(peak, 2), round(lake, 2), calls, used, round(money, 2),
        (_one_machine(given, store, money, peak, hours_a_day), _jobs(given, store, money, cpu_hours)),
        round(history / max(measured.sizes), 1), round(hours_a_day, 2),
    )


def _one_machine(given: Assumptions, store: float, model: float, peak: float, hours_a_day: float) -> Way:
    least, most = given["one_machine.least"], given["one_machine.most"]
    wanted = max(peak * given["one_machine.memory_to_spare"] / given["one_machine.memory_gib"], hours_a_day / given["one_machine.hours_a_day"])
    size = least
    while size < wanted and size < most:
        size *= 2
    why = []
    if peak * given["one_machine.memory_to_spare"] > most * given["one_machine.memory_gib"]:
        why.append(f"needs {peak * given['one_machine.memory_to_spare']:,.0f} GiB, the largest machine has {most * given['one_machine.memory_gib']:,.0f}")
    if hours_a_day > most * given["one_machine.hours_a_day"]:
        why.append(f"a day's work takes {hours_a_day / most:,.0f} h on the largest machine")
    machine = size * given["one_machine.machine_an_hour"] * 24 * _YEAR_DAYS
    return Way("embedded on one machine, tables stored on Databricks", {"machine": round(machine, 2), "storage": round(store, 2), "model": round(model, 2)}, 0.0, "; ".join(why))


def _jobs(given: Assumptions, store: float, model: float, cpu_hours: float) -> Way:
    runs = given["work.runs_a_day"] * _YEAR_DAYS
    node_hours = max(cpu_hours / given["databricks.cores_a_node"] / given["work.busy_share"], 0.0)
    starts = runs * given["databricks.fewest_nodes"] * given["databricks.start_minutes"] / 60
    dbu = node_hours * given["databricks.dbu_a_node_hour"]
    machine = (node_hours + starts) * given["databricks.machine_a_node_hour"]
    small = given["one_machine.least"] * given["one_machine.machine_an_hour"] * 24 * _YEAR_DAYS  # Dagster, PostgreSQL and the console stay up
    money = {
        "dbu": round(dbu * given["databricks.price_a_dbu"], 2), "machine": round(machine, 2), "Dagster's own machine": round(small, 2), "storage": round(store, 2),
        "model": round(model, 2),
    }  # fmt: skip
    return Way("heavy steps as Databricks jobs", money, round(dbu, 1), "")
