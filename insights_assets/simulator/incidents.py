"""What goes wrong in the sample shop, and when: the planted incidents.

Belongs here: the kinds of incident, the choice of place and time by the seed, and the reading of an incidents file.
Not here: how an incident turns into complaints (`cases.py`) or what else was planted to mislead (`decoys.py`).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from insights_assets.simulator.catalogue import CARRIER_SHARES, CARRIERS, REGION_NAMES, REGIONS, WAREHOUSES, Catalogue
from insights_assets.simulator.logistics import Batch, stretched
from insights_assets.simulator.plan import SimulationPlan, stream
from insights_assets.simulator.wording.grammar import TOPICS

INCIDENT_TOPICS: tuple[str, ...] = tuple(topic for topic in TOPICS if topic not in ("praise", "other"))
CAUSE_ATTRIBUTES: tuple[str, ...] = ("warehouse", "packaging_batch", "carrier", "region", "product_line", "sku")


@dataclass(frozen=True)
class IncidentKind:
    """What incidents of one kind have in common."""

    topic: str
    attributes: tuple[str, ...]
    profile: str = "flat"  # flat, decay or ramp: how the rate moves over its life
    has_order: bool = True  # whether the people who complain have an order to name
    excess: float = 80.0
    tier: int | None = None
    flavour: str | None = None  # restricts the phrasing families to those that fit


KINDS: dict[str, IncidentKind] = {
    "damaged_batch": IncidentKind(
        "damaged_on_arrival", ("warehouse", "packaging_batch", "product_line"), excess=115.0, tier=1
    ),
    "carrier_delay": IncidentKind("shipping_delay", ("carrier", "region"), excess=75.0),
    "sizing_supplier": IncidentKind("sizing_issue", ("product_line",), excess=135.0),
    "billing_policy": IncidentKind("billing_confusion", (), profile="decay", excess=130.0),
    "checkout_release": IncidentKind("app_or_site_problem", (), has_order=False, excess=85.0),
    "missing_batch": IncidentKind("missing_accessories", ("warehouse", "packaging_batch", "product_line"), excess=45.0),
    "late_failure": IncidentKind("product_quality", ("product_line", "sku"), excess=66.0, flavour="after"),
    "feature_ramp": IncidentKind("feature_request", ("product_line",), profile="ramp", excess=85.0),
    "safety_pair": IncidentKind("safety", ("product_line", "sku"), excess=2.0, tier=1),
}


@dataclass(frozen=True)
class Incident:
    """One planted incident before it met any customer."""

    incident_id: str
    kind: str
    topic: str
    cause: dict[str, str]
    start: int  # day on which its cause began
    end: int | None  # first day without its cause; None when it lasts
    excess: float
    profile: str = "flat"
    has_order: bool = True
    tier: int | None = None
    flavour: str | None = None

    @property
    def anchor(self) -> str:
        """Which instant of an order line decides whether the cause could reach it."""
        return "shipped" if {"warehouse", "packaging_batch", "carrier"} & set(self.cause) else "ordered"


class IncidentsFileError(ValueError):
    """An incidents file that cannot be used; says file, item and field."""


def plan_incidents(
    plan: SimulationPlan, catalogue: Catalogue, batches: list[Batch], path: Path | None = None
) -> tuple[list[Incident], list[Batch]]:
    """The incidents of this run, and the batch schedule as they bend it."""
    incidents = (
        default_incidents(plan, catalogue, batches) if path is None else read_incidents(path, plan, catalogue, batches)
    )
    for incident in incidents:
        if "packaging_batch" in incident.cause:
            end = incident.end if incident.end is not None else plan.days + 10
            batches = stretched(batches, incident.cause["packaging_batch"], end, weight=3.0)
    return incidents, batches


# Kind, earliest and latest start before the last day, length in days (None: still open on the last day).
TIMING: tuple[tuple[str, int, int, int | None], ...] = (
    ("damaged_batch", 24, 22, None),
    ("carrier_delay", 37, 33, 15),
    ("sizing_supplier", 48, 44, 18),
    ("billing_policy", 30, 27, 18),
    ("checkout_release", 10, 8, None),
    ("missing_batch", 30, 27, None),
    ("late_failure", 38, 34, None),
    ("feature_ramp", 40, 36, None),
    ("safety_pair", 6, 5, None),
)
# Lines in which a kind of incident makes sense.
LINES_OF_KIND: dict[str, tuple[str, ...]] = {
    "damaged_batch": ("glass lamps",),
    "missing_batch": ("craft kits",),
    "sizing_supplier": ("knitwear", "footwear"),
    "late_failure": ("small appliances", "chargers"),
    "safety_pair": ("small appliances", "chargers"),
    "feature_ramp": ("small appliances", "chargers", "bedding", "footwear", "ceramic kitchenware"),
}


class Planner:
    """Makes incidents one after the other; what one uses, the next leaves alone."""

    def __init__(self, plan: SimulationPlan, catalogue: Catalogue, batches: list[Batch]) -> None:
        self.plan = plan
        self.catalogue = catalogue
        self.batches = batches
        self.rng = stream(plan.seed, "incidents")
        self.made: list[Incident] = []

    def make(
        self,
        kind: str,
        start: int,
        end: int | None,
        *,
        cause: dict[str, str] | None = None,
        excess: float | None = None,
    ) -> Incident:
        """One more incident; attributes that the cause leaves open are chosen by the seed."""
        shape = KINDS[kind]
        whole = dict(cause or {})
        for attribute in shape.attributes:
            if attribute not in whole:
                whole[attribute] = self._pick(attribute, kind, whole, start)
        if "packaging_batch" in whole:
            batch = next(batch for batch in self.batches if batch.code == whole["packaging_batch"])
            whole["warehouse"] = WAREHOUSES[batch.warehouse]
            start = max(start, batch.start)
        if "sku" in whole:
            whole["product_line"] = self.catalogue.products[self.catalogue.sku_index(whole["sku"])].line
        size = excess if excess is not None else shape.excess
        if excess is None and kind != "safety_pair":
            size = self.plan.excess(size)
        incident = Incident(
            incident_id=f"I{len(self.made) + 1}-{kind}",
            kind=kind,
            topic=shape.topic,
            cause={name: whole[name] for name in CAUSE_ATTRIBUTES if name in whole},
            start=start,
            end=end,
            excess=size,
            profile=shape.profile,
            has_order=shape.has_order,
            tier=shape.tier,
            flavour=shape.flavour,
        )
        self.made.append(incident)
        return incident

    def _pick(self, attribute: str, kind: str, cause: dict[str, str], start: int) -> str:
        choices: list[str] | tuple[str, ...]
        if attribute == "warehouse":
            # The large incident needs a warehouse that sends enough of its line to be large.
            choices = WAREHOUSES[:2] if kind == "damaged_batch" else WAREHOUSES
        elif attribute == "packaging_batch":
            home = WAREHOUSES.index(cause["warehouse"])
            choices = [batch.code for batch in self.batches if batch.warehouse == home and batch.start >= start][:1]
        elif attribute == "carrier":
            choices = CARRIERS
        elif attribute == "region":
            choices = self._busy_regions(cause.get("carrier"))
        elif attribute == "product_line":
            choices = LINES_OF_KIND.get(kind, self.catalogue.line_names)
        else:
            choices = self._skus(kind, cause["product_line"])
        used = {incident.cause.get(attribute) for incident in self.made}
        return str(self.rng.choice([name for name in choices if name not in used] or list(choices)))

    def _busy_regions(self, carrier: str | None) -> list[str]:
        """Regions to which a carrier takes enough parcels for a delay to be seen."""
        if carrier is None:
            return list(REGION_NAMES)
        shares = CARRIER_SHARES[:, CARRIERS.index(carrier)] * [region.share for region in REGIONS]
        return [REGION_NAMES[i] for i in np.argsort(shares)[-2:]]

    def _skus(self, kind: str, line: str) -> list[str]:
        """A failing product must sell enough to be seen; a safety report needs no volume."""
        found = self.catalogue.flagships(line) if kind == "late_failure" else self.catalogue.of_line(line)
        return [self.catalogue.products[i].sku for i in found]


def default_incidents(plan: SimulationPlan, catalogue: Catalogue, batches: list[Batch]) -> list[Incident]:
    """The nine of the sample shop; places and days vary with the seed."""
    planner = Planner(plan, catalogue, batches)
    for kind, earliest, latest, length in TIMING:
        start = plan.days - 1 - int(planner.rng.integers(latest, earliest + 1))
        planner.make(kind, start, None if length is None else start + length)
    return planner.made


def read_incidents(path: Path, plan: SimulationPlan, catalogue: Catalogue, batches: list[Batch]) -> list[Incident]:
    """Incidents from a YAML list of {kind, topic?, cause?, onset, end?, excess?}."""

    def fail(where: str, why: str) -> IncidentsFileError:
        return IncidentsFileError(f"{path}: {where}: {why}")

    try:
        items = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise fail("file", f"cannot be read as YAML: {error}") from error
    if not isinstance(items, list) or not items:
        raise fail("file", "must be a list of incidents with at least one item")
    planner = Planner(plan, catalogue, batches)
    for number, item in enumerate(items, start=1):
        where = f"item {number}"
        if not isinstance(item, dict):
            raise fail(where, "must be a map with kind, onset and what else it needs")
        unknown = set(item) - {"kind", "topic", "cause", "onset", "end", "excess"}
        if unknown:
            raise fail(
                f"{where}, field '{min(map(str, unknown))}'",
                "is not known; known: kind, topic, cause, onset, end, excess",
            )
        kind = item.get("kind")
        if kind not in KINDS:
            raise fail(f"{where}, field 'kind'", f"must be one of {', '.join(KINDS)}, not {kind!r}")
        topic = item.get("topic", KINDS[kind].topic)
        if topic not in INCIDENT_TOPICS:
            raise fail(f"{where}, field 'topic'", f"must be one of {', '.join(INCIDENT_TOPICS)}, not {topic!r}")
        onset = item.get("onset")
        if not _is_whole(onset) or not 0 <= onset < plan.days:
            raise fail(f"{where}, field 'onset'", f"must be a day offset from 0 to {plan.days - 1}, not {onset!r}")
        end = item.get("end")
        if end is not None and (not _is_whole(end) or end <= onset):
            raise fail(f"{where}, field 'end'", f"must be a day offset after onset ({onset}), not {end!r}")
        excess = item.get("excess")
        if excess is not None and (isinstance(excess, bool) or not isinstance(excess, int | float) or excess <= 0):
            raise fail(f"{where}, field 'excess'", f"must be a number above 0, not {excess!r}")
        cause = item.get("cause") or {}
        if not isinstance(cause, dict):
            raise fail(f"{where}, field 'cause'", "must be a map of attribute to value")
        _check_cause(cause, f"{where}, field 'cause", catalogue, batches, fail)
        made = planner.make(kind, onset, end, cause={k: str(v) for k, v in cause.items()}, excess=excess)
        planner.made[-1] = replace(made, topic=topic)
    return planner.made


def _is_whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _check_cause(cause: dict[str, Any], where: str, catalogue: Catalogue, batches: list[Batch], fail: Any) -> None:
    known: dict[str, tuple[str, ...]] = {
        "warehouse": WAREHOUSES,
        "packaging_batch": tuple(batch.code for batch in batches),
        "carrier": CARRIERS,
        "region": REGION_NAMES,
        "product_line": catalogue.line_names,
        "sku": tuple(product.sku for product in catalogue.products),
    }
    for attribute, value in cause.items():
        if attribute not in known:
            raise fail(f"{where}.{attribute}'", f"is not an attribute; known: {', '.join(known)}")
        if value not in known[attribute]:
            shown = ", ".join(known[attribute][:12]) + (", ..." if len(known[attribute]) > 12 else "")
            raise fail(f"{where}.{attribute}'", f"must be one of {shown}, not {value!r}")
    if "packaging_batch" in cause and "warehouse" in cause:
        batch = next(b for b in batches if b.code == cause["packaging_batch"])
        if WAREHOUSES[batch.warehouse] != cause["warehouse"]:
            raise fail(
                f"{where}.warehouse'",
                f"batch {batch.code} belongs to {WAREHOUSES[batch.warehouse]}, not {cause['warehouse']!r}",
            )
    if "sku" in cause and "product_line" in cause:
        line = catalogue.products[catalogue.sku_index(str(cause["sku"]))].line
        if line != cause["product_line"]:
            raise fail(f"{where}.product_line'", f"{cause['sku']} belongs to {line}, not {cause['product_line']!r}")
