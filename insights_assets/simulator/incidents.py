"""What goes wrong in the sample shop, and when: the planted incidents.

Belongs here: the kinds of incident, the choice of place and time by the seed, and the reading of an incidents file.
Not here: how an incident turns into complaints (`cases.py`) or what else was planted to mislead (`decoys.py`).
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from insights_assets.simulator.catalogue import CARRIER_SHARES, CARRIERS, REGION_NAMES, REGIONS, WAREHOUSES, Catalogue
from insights_assets.simulator.logistics import Batch, stretched
from insights_assets.simulator.plan import SimulationPlan, stream
from insights_assets.simulator.wording.grammar import TOPICS

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
    extra: dict[str, Any] = field(default_factory=dict)

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
    incidents = default_incidents(plan, catalogue, batches) if path is None else read_incidents(path, plan, catalogue, batches)
    for incident in incidents:
        if "packaging_batch" in incident.cause:
            end = incident.end if incident.end is not None else plan.days + 10
            batches = stretched(batches, incident.cause["packaging_batch"], end, weight=3.0)
    return incidents, batches


def default_incidents(plan: SimulationPlan, catalogue: Catalogue, batches: list[Batch]) -> list[Incident]:
    """The nine of the sample shop; places and days vary with the seed."""
    last = plan.days - 1
    # kind, earliest and latest start before the last day, length in days (None: still open on the last day)
    timing: list[tuple[str, int, int, int | None]] = [
        ("damaged_batch", 24, 22, None),
        ("carrier_delay", 37, 33, 15),
        ("sizing_supplier", 48, 44, 18),
        ("billing_policy", 30, 27, 18),
        ("checkout_release", 10, 8, None),
        ("missing_batch", 30, 27, None),
        ("late_failure", 38, 34, None),
        ("feature_ramp", 40, 36, None),
        ("safety_pair", 6, 5, None),
    ]
    rng = stream(plan.seed, "incidents")
    incidents: list[Incident] = []
    for number, (kind, earliest, latest, length) in enumerate(timing, start=1):
        start = last - int(rng.integers(latest, earliest + 1))
        end = None if length is None else start + length
        incidents.append(_make(number, kind, {}, start, end, None, plan, catalogue, batches, incidents, rng))
    return incidents


def _make(
    number: int,
    kind: str,
    cause: dict[str, str],
    start: int,
    end: int | None,
    excess: float | None,
    plan: SimulationPlan,
    catalogue: Catalogue,
    batches: list[Batch],
    earlier: list[Incident],
    rng: np.random.Generator,
) -> Incident:
    shape = KINDS[kind]
    whole = dict(cause)
    for attribute in shape.attributes:
        if attribute not in whole:
            whole[attribute] = _pick(attribute, kind, whole, start, catalogue, batches, earlier, rng)
    if "packaging_batch" in whole:
        batch = next(batch for batch in batches if batch.code == whole["packaging_batch"])
        whole["warehouse"] = WAREHOUSES[batch.warehouse]
        start = max(start, batch.start)
    if "sku" in whole:
        whole["product_line"] = catalogue.products[catalogue.sku_index(whole["sku"])].line
    wanted = excess if excess is not None else shape.excess
    size = wanted if kind == "safety_pair" or excess is not None else plan.excess(wanted)
    ordered = {name: whole[name] for name in CAUSE_ATTRIBUTES if name in whole}
    return Incident(
        f"I{number}-{kind}", kind, shape.topic, ordered, start, end, size,
        profile=shape.profile, has_order=shape.has_order, tier=shape.tier, flavour=shape.flavour,
    )  # fmt: skip


def _pick(
    attribute: str,
    kind: str,
    cause: dict[str, str],
    start: int,
    catalogue: Catalogue,
    batches: list[Batch],
    earlier: list[Incident],
    rng: np.random.Generator,
) -> str:
    """A value for one attribute of the cause that other incidents do not use already."""
    used = {incident.cause.get(attribute) for incident in earlier}
    if attribute == "warehouse":
        # The large incident needs a warehouse that sends enough of its line to be large.
        choices = WAREHOUSES[:2] if kind == "damaged_batch" else WAREHOUSES
        free = [name for name in choices if name not in used]
        return str(rng.choice(free))
    if attribute == "packaging_batch":
        home = WAREHOUSES.index(cause["warehouse"])
        return next(batch.code for batch in batches if batch.warehouse == home and batch.start >= start)
    if attribute == "carrier":
        return str(rng.choice(CARRIERS))
    if attribute == "region":
        if kind == "carrier_delay" and "carrier" in cause:  # a lane with enough parcels to be seen
            shares = CARRIER_SHARES[:, CARRIERS.index(cause["carrier"])] * [region.share for region in REGIONS]
            return REGION_NAMES[int(rng.choice(np.argsort(shares)[-2:]))]
        return str(rng.choice(REGION_NAMES))
    if attribute == "product_line":
        choices = {
            "damaged_batch": ["glass lamps"],
            "missing_batch": ["craft kits"],
            "sizing_supplier": ["knitwear", "footwear"],
            "late_failure": ["small appliances", "chargers"],
            "safety_pair": ["small appliances", "chargers"],
            "feature_ramp": ["small appliances", "chargers", "bedding", "footwear", "ceramic kitchenware"],
        }.get(kind, list(catalogue.line_names))
        free = [name for name in choices if name not in used] or choices
        return str(rng.choice(free))
    line = cause["product_line"]
    # A failing product must sell enough to be seen; a safety report needs no volume.
    skus = catalogue.flagships(line) if kind == "late_failure" else catalogue.of_line(line)
    free = [catalogue.products[i].sku for i in skus if catalogue.products[i].sku not in used]
    return str(rng.choice(free))


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
    rng = stream(plan.seed, "incidents")
    incidents: list[Incident] = []
    for number, item in enumerate(items, start=1):
        where = f"item {number}"
        if not isinstance(item, dict):
            raise fail(where, "must be a map with kind, onset and what else it needs")
        unknown = set(item) - {"kind", "topic", "cause", "onset", "end", "excess"}
        if unknown:
            raise fail(f"{where}, field '{min(map(str, unknown))}'", "is not known; known: kind, topic, cause, onset, end, excess")
        kind = item.get("kind")
        if kind not in KINDS:
            raise fail(f"{where}, field 'kind'", f"must be one of {', '.join(KINDS)}, not {kind!r}")
        topic = item.get("topic", KINDS[kind].topic)
        if topic not in TOPICS:
            raise fail(f"{where}, field 'topic'", f"must be one of {', '.join(TOPICS)}, not {topic!r}")
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
        made = _make(number, kind, {k: str(v) for k, v in cause.items()}, onset, end, excess, plan, catalogue, batches, incidents, rng)
        incidents.append(replace(made, topic=topic))
    return incidents


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
            raise fail(f"{where}.warehouse'", f"batch {batch.code} belongs to {WAREHOUSES[batch.warehouse]}, not {cause['warehouse']!r}")
    if "sku" in cause and "product_line" in cause:
        line = catalogue.products[catalogue.sku_index(str(cause["sku"]))].line
        if line != cause["product_line"]:
            raise fail(f"{where}.product_line'", f"{cause['sku']} belongs to {line}, not {cause['product_line']!r}")
