"""Issues, evidence and a home for the tests of the stage, made here and the same every time."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from insights_assets.actions.finish import Inputs
from insights_assets.actions.model import CauseRow, Evidence, Issue, PlannedAction, Product
from insights_assets.actions.policy import plan
from insights_assets.resources.operations import Operations, open_operations
from insights_assets.shop import Shop, load_shop

AS_OF = date(2026, 11, 23)
NOW = datetime(2026, 11, 23, 20, 0, tzinfo=UTC)
UNTIL = datetime(2026, 11, 23, 22, 59, 59, tzinfo=UTC)



def plan_actions(*given: Any, **more: Any) -> list[PlannedAction]:
    """The actions of `policy.plan` alone, without where alerts belong."""
    return plan(*given, **more)[0]


LAMPS = Issue(
    insight_id="INS-7f3a",
    topic="damaged_on_arrival",
    tier=1,
    owner="quality",
    title="Arrived damaged: glass lamps from WH-LEJ, packaging batch LEJ-PB07",
    state="active",
    risk_per_day=1938.4,
    risk_per_day_p10=1211.0,
    currency="USD",
    harm_at=datetime(2026, 11, 27, 22, 59, tzinfo=UTC),
    harm_reason="promotion Black Week starts",
    customers_count=41,
    scope={"product_line": "glass lamps", "warehouse": "WH-LEJ", "packaging_batch": "LEJ-PB07"},
    cause={"warehouse": "WH-LEJ", "packaging_batch": "LEJ-PB07"},
    cause_status="cause",
    onset_day=date(2026, 11, 17),
    last_seen_day=date(2026, 11, 22),
    first_said_at=datetime(2026, 11, 17, 15, 59, 59, tzinfo=UTC),
    detected_at=datetime(2026, 11, 18, 22, 59, 59, tzinfo=UTC),
    window_start=date(2026, 11, 17),
    window_end=date(2026, 11, 22),
    observed_count=41,
    expected_count=7.0,
    lift=5.86,
    p_value=1 / 28_000,
    recommended_step="Stop batch LEJ-PB07 and inspect 20 units",
)
CAUSES = (
    CauseRow("INS-7f3a", 0, "cause", {"warehouse": "WH-LEJ", "packaging_batch": "LEJ-PB07"}, observed=41, rate=0.041),
    CauseRow("INS-7f3a", 1, "outside", {"product_line": "glass lamps", "warehouse": "WH-LEJ"}, "other packaging batches of WH-LEJ and glass lamps",
             "packaging_batch", rate=0.006),
    CauseRow("INS-7f3a", 2, "inside", {"carrier": "Swift"}, "Swift", "carrier", rate=0.039, p_value=0.6),
    CauseRow("INS-7f3a", 3, "inside", {"carrier": "Postal"}, "Postal", "carrier", rate=0.042, p_value=0.4),
    CauseRow("INS-7f3a", 4, "inside", {"carrier": "Heron"}, "Heron", "carrier", rate=0.041, p_value=0.5),
)  # fmt: skip
WORDS = (
    "The glass shade was shattered when I opened the box",
    "Two of three lamps came in pieces, glass everywhere",
    "Opened the parcel and the glass was broken again",
    "La lampe est arrivée cassée, il y avait du verre partout",
    "Die Lampe kam zerbrochen an, überall Glas im Karton",
    "Lamp broken, no padding around the glass at all",
    "Glass of the lamp cracked from top to bottom in the box",
    "The shade was in splinters, the box had no padding",
    "Broken glass again, second lamp that arrives like this",
    "Everything in the parcel was smashed, glass and socket",
)
PRODUCTS = {
    "GL-100": Product("GL-100", "Aurora glass lamp", "glass lamps", True),
    "GL-200": Product("GL-200", "Nimbus glass lamp", "glass lamps"),
}


def complaint_records(
    number: int = 10,
    *,
    topic: str = "damaged_on_arrival",
    sku: str = "GL-100",
    prefix: str = "R",
    confidence: float = 0.96,
) -> list[Evidence]:
    """Records of different customers, two hours apart, newest last."""
    return [
        Evidence(
            feedback_id=f"{prefix.lower()}{n:04d}",
            source="reviews",
            record_ref=f"{prefix}-{1000 + n}",
            text=WORDS[n % len(WORDS)],
            occurred_at=datetime(2026, 11, 17, 16, tzinfo=UTC) + timedelta(hours=2 * n),
            customer_key=f"{prefix}-customer-{n}",
            sku=sku,
            language="fr" if n % 10 == 3 else "de" if n % 10 == 4 else "en",
            received_at=datetime(2026, 11, 17, 17, tzinfo=UTC) + timedelta(hours=2 * n),
            quotes={topic: WORDS[n % len(WORDS)]},
            confidences={topic: confidence},
        )
        for n in range(number)
    ]


@pytest.fixture(scope="session")
def shop() -> Shop:
    return load_shop()


@pytest.fixture
def issue() -> Callable[..., Issue]:
    """The lamp issue with some fields changed."""
    return lambda **changes: replace(LAMPS, **changes)


@pytest.fixture
def operations(tmp_path: Path) -> Iterator[Operations]:
    found = open_operations(tmp_path / "operations.db", clock=lambda: NOW)
    found.migrate()
    yield found
    found.close()


@pytest.fixture
def inputs(shop: Shop) -> Callable[..., Inputs]:
    """What a run reads, with the lamp issue as the only one unless told otherwise."""

    def make(**changes: Any) -> Inputs:
        given: dict[str, Any] = {
            "issues": [LAMPS],
            "causes": {LAMPS.insight_id: CAUSES},
            "evidence": {LAMPS.insight_id: complaint_records()},
            "products": PRODUCTS,
            "revenue_share": {"GL-100": 0.04, "GL-200": 0.03},
            "repeated": [],
            "known": {},
            "known_drafts": {},
            "shop": shop,
            "as_of": AS_OF,
            "until": UNTIL,
        }
        return Inputs(**{**given, **changes})

    return make
