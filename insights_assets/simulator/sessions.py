"""Visits of the shop's site: the `clickstream` source.

Belongs here: sessions that were abandoned or met an error (each is one feedback record), healthy ones that end in a
purchase, and what a bad release adds. Events of a session follow one of a few paths.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from insights_assets.simulator.catalogue import REGION_NAMES
from insights_assets.simulator.plan import DAY_SECONDS, stream
from insights_assets.simulator.world import World, wanted_counts

# A path is a list of (event, page).
PATHS: tuple[tuple[tuple[str, str], ...], ...] = (
    (("view", "product"), ("add_to_cart", "product")),
    (("view", "search"), ("view", "product"), ("add_to_cart", "product")),
    (("view", "product"), ("add_to_cart", "product"), ("checkout", "checkout")),
    (("view", "product"), ("view", "product"), ("add_to_cart", "product"), ("checkout", "checkout")),
    (("view", "search"), ("error", "search")),
    (("view", "product"), ("error", "product")),
    (("view", "account"), ("error", "account")),
    (("view", "product"), ("add_to_cart", "product"), ("checkout", "checkout"), ("error", "checkout")),
    (
        ("view", "product"),
        ("add_to_cart", "product"),
        ("checkout", "checkout"),
        ("error", "checkout"),
        ("checkout", "checkout"),
        ("error", "checkout"),
    ),
    (("view", "product"), ("add_to_cart", "product"), ("checkout", "checkout"), ("purchase", "confirmation")),
    (
        ("view", "search"),
        ("view", "product"),
        ("view", "product"),
        ("add_to_cart", "product"),
        ("checkout", "checkout"),
        ("purchase", "confirmation"),
    ),
)
USUAL_SHARES = np.array([0.36, 0.29, 0.15, 0.10, 0.03, 0.03, 0.02, 0.02, 0.0])
RELEASE_SHARES = np.array([0.0, 0.0, 0.14, 0.16, 0.0, 0.0, 0.0, 0.46, 0.24])  # of the sessions that a bad release adds
ERROR_PATHS, ABANDONED_PATHS, HEALTHY_PATHS = range(4, 9), range(0, 4), range(9, 11)
HEALTHY_SHARE = 0.34  # beside the troubled ones
RELEASE_EXCESS = 290.0  # troubled sessions at the reference size


@dataclass(frozen=True)
class Sessions:
    """One session a row."""

    at: np.ndarray
    path: np.ndarray
    region: np.ndarray
    customer: np.ndarray  # -1 when nobody was signed in
    product: np.ndarray
    incident: np.ndarray
    ref: np.ndarray

    @property
    def is_troubled(self) -> np.ndarray:
        return self.path < HEALTHY_PATHS.start


def draw_sessions(world: World, extra_day: int | None) -> Sessions:
    """All sessions of a window; troubled ones exactly as many as wanted."""
    plan, lines, clock = world.plan, world.lines, world.shop.clock
    block: str | int = "history" if extra_day is None else extra_day
    rng = stream(plan.seed, "sessions", block)
    window = world.window(extra_day)
    troubled = wanted_counts(world, extra_day)["clickstream"]
    bad = _release_sessions(world, window, rng)
    count = max(troubled - len(bad), 0)
    able = np.flatnonzero((lines.ordered_at >= window[0]) & (lines.ordered_at < window[1]))
    healthy = round(troubled * HEALTHY_SHARE)
    rows = able[rng.integers(0, len(able), size=count + healthy)]
    # A troubled visit is near in time to the orders of its day, but no order of its own.
    at = lines.ordered_at[rows] + np.where(np.arange(len(rows)) < count, rng.integers(-5_400, 5_400, len(rows)), -240)
    at = np.clip(at, window[0], window[1] - 1_200)
    path = np.concatenate(
        [
            rng.choice(9, size=count, p=USUAL_SHARES),
            rng.integers(HEALTHY_PATHS.start, HEALTHY_PATHS.stop, size=healthy),
        ]
    )
    number = next((i for i, incident in enumerate(world.shop.incidents) if incident.kind == "checkout_release"), -1)
    at = np.concatenate([at, bad])
    bad_rows = able[rng.integers(0, len(able), size=len(bad))]
    rows = np.concatenate([rows, bad_rows])
    path = np.concatenate([path, rng.choice(9, size=len(bad), p=RELEASE_SHARES)])
    incident = np.concatenate([np.full(count + healthy, -1), np.full(len(bad), number)])
    order = np.lexsort((rows, at))
    at, rows, path, incident = at[order], rows[order], path[order], incident[order]
    signed_in = (rng.random(len(rows)) < 0.45) | (path >= HEALTHY_PATHS.start)
    day = clock.day_of(at)
    position = np.arange(len(day)) - np.searchsorted(day, day) + 1
    days = np.array([f"SE{plan.day(int(d)):%y%m%d}-" for d in range(int(day.max()) + 1)])
    ref = np.char.add(days[day], np.char.mod("%05d", position))
    customer = np.where(signed_in, lines.customer[rows], -1)
    return Sessions(at, path, lines.region[rows], customer, lines.product[rows], incident, ref)


def _release_sessions(world: World, window: tuple[int, int], rng: np.random.Generator) -> np.ndarray:
    """Instants of the sessions that the bad release adds in a window."""
    found = [incident for incident in world.shop.incidents if incident.kind == "checkout_release"]
    if not found:
        return np.empty(0, dtype=np.int64)
    incident, plan = found[0], world.plan
    end = incident.end if incident.end is not None else plan.days
    a_day = plan.excess(RELEASE_EXCESS) / max(end - incident.start, 1)
    parts = []
    for day in range(incident.start, len(world.shop.clock.starts) - 1 if incident.end is None else end):
        start = int(world.shop.clock.starts[day])
        if window[0] <= start < window[1]:
            parts.append(start + (rng.uniform(0.33, 0.97, int(rng.poisson(a_day))) * DAY_SECONDS).astype(np.int64))
    return np.concatenate(parts) if parts else np.empty(0, dtype=np.int64)


def event_table(world: World, sessions: Sessions, rows: np.ndarray) -> pa.Table:
    """The events of some sessions, as the `clickstream` source has them: times in epoch milliseconds."""
    lengths = np.array([len(path) for path in PATHS])[sessions.path[rows]]
    which = np.repeat(rows, lengths)
    step = np.arange(len(which)) - np.repeat(np.cumsum(lengths) - lengths, lengths)
    path = sessions.path[which]
    events = np.array([[p[s][0] if s < len(p) else "" for s in range(6)] for p in PATHS])[path, step]
    pages = np.array([[p[s][1] if s < len(p) else "" for s in range(6)] for p in PATHS])[path, step]
    pace = 14 + (sessions.at[which] * 7 + which) % 71
    at = sessions.at[which] * 1_000 + step * pace * 1_000 + which % 997
    customers, customer_row = np.unique(sessions.customer[which], return_inverse=True)
    keys = pa.array([None if c < 0 else world.shop.customers.key(int(c)) for c in customers])
    suffix = np.array([f"-{i + 1}" for i in range(6)])[step]
    return pa.table(
        {
            "event_id": pa.array(np.char.add(sessions.ref[which], suffix)),
            "occurred_at": pa.array(at),
            "session_id": pa.array(sessions.ref[which]),
            "customer_id": pa.DictionaryArray.from_arrays(pa.array(customer_row.astype(np.int32)), keys).cast(
                pa.string()
            ),
            "event": pa.array(events),
            "sku": pa.array([p.sku for p in world.shop.catalogue.products]).take(
                pa.array(sessions.product[which].astype(np.int32))
            ),
            "page": pa.array(pages),
            "region": pa.array(list(REGION_NAMES)).take(pa.array(sessions.region[which].astype(np.int32))),
        }
    )


def session_labels(sessions: Sessions, incident_id: str | None) -> dict[str, dict[str, object]]:
    """Truth about sessions: those that met an error, and all that an incident added."""
    labels: dict[str, dict[str, object]] = {}
    errors = np.isin(sessions.path, list(ERROR_PATHS))
    for row in np.flatnonzero(errors | (sessions.incident >= 0)):
        labels[str(sessions.ref[row])] = {
            "topics": ["app_or_site_problem"] if errors[row] else [],
            "sentiment": "negative",
            "families": [],
            "incident": incident_id if sessions.incident[row] >= 0 else None,
        }
    return labels
