"""What `policy.yaml` may not say about calling people, and what a shop without those sections gets instead."""

from __future__ import annotations

import re
import shutil
from datetime import UTC, datetime, time
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from insights_assets.shop import ShopError, default_shop_path, load_shop
from insights_assets.shop.alerting import AlertLimits, DigestTime, EscalationRules, QuietHours, next_time

DEFECT_ROW = "  - {topics: [damaged_on_arrival, product_quality, missing_accessories, wrong_item], tiers: [2], owners: any,\n"
FAULTS = [
    ("policy.yaml", "new_per_channel_and_hour: 5", "new_per_channel_and_hour: 0", "alerts.new_per_channel_and_hour", "from 1 to 1000"),
    ("policy.yaml", "kept_for_urgent: 2", "kept_for_urgent: 5", "alerts.kept_for_urgent", "less than new_per_channel_and_hour"),
    ("policy.yaml", "again_at_growth: 0.5", "again_at_growth: 0", "alerts.again_at_growth", "from 0.01"),
    ("policy.yaml", "again_after_hours: 24", "again_after: 24", "alerts.again_after", "did you mean 'again_after_hours'"),
    ("policy.yaml", "flapping: {changes: 4", "flapping: {changes: 2", "alerts.flapping.changes", "from 3"),
    ("policy.yaml", 'until: "07:00"', 'until: "20:00"', "quiet_hours", "differ from `from`"),
    ("policy.yaml", 'from: "20:00"', "from: late", "quiet_hours.from", '"12:00"'),
    ("policy.yaml", 'digest: {at: "09:00"}', 'digest: {at: "06:00"}', "digest.at", "from 07:00 to 20:00"),
    ("policy.yaml", "escalation: {steps: 2", "escalation: {steps: 0", "escalation.steps", "from 1 to 5"),
    ("policy.yaml", "respond_within_hours: 24, due_within_hours: 60", "respond_within_hours: 24, due_within_hours: 12", "tiers.2.due_within_hours", "respond_within"),
    ("policy.yaml", "respond_within_hours: 72", "respond_within_hours: 2", "tiers.3.respond_within_hours", "urgent to calm"),
    ("policy.yaml", "tickets: 20, customers: 15", "tickets: 10, customers: 15", "repeated_issue.customers", "at most the number"),
    ("policy.yaml", "topic_precision: 0.90, evidence_records: 8", "topic_precision: 0.90, evidence_records: 0", "gates.promo_hold.evidence_records", "at least 1"),
    ("policy.yaml", "late_at_most: 5", "late_at_most: 51", "loop.late_at_most", "of_last"),
    ("policy.yaml", "promoted_share_of_revenue: 0.30", "promoted_share_of_revenue: 30", "holds.promoted_share_of_revenue", "from 0 to 1"),
    # the decision table
    ("policy.yaml", "notify: quality, actions: [defect_ticket, notification, promo_hold]", "notify: qualitty, actions: [defect_ticket, notification, promo_hold]",
     "notify", "did you mean 'quality'"),
    ("policy.yaml", "tiers: [2], owners: [supply_chain], notify", "tiers: [2], owners: [supply], notify", "owners[0]", "did you mean 'supply_chain'"),
    ("policy.yaml", "- {topics: [feature_request], tiers: [1, 2], owners: any, actions: [defect_ticket]}",
     "- {topics: [feature_request], tiers: [1, 2], owners: any, notify: product, actions: [defect_ticket]}", "notify", "add `notification`"),
    ("policy.yaml", "- {topics: [customer_service], tiers: [1, 2], owners", "- {topics: [customer_service], tiers: any, owners", "actions", "tier 3 informs only"),
    ("policy.yaml", "tiers: [3], owners: any, actions: [article]}", "tiers: [3], owners: any, actions: [promo_hold]}", "actions", "take `promo_hold` out"),
    ("policy.yaml", DEFECT_ROW, DEFECT_ROW + "     actions: [defect_ticket]}\n" + DEFECT_ROW.replace("product_quality", "customer_service"), "decisions[",
     "take the topic or the tier out of one of the two rows"),
    # R129: no topic without owner and destination
    ("policy.yaml", "    owner: web\n    title", "    title", "topics.app_or_site_problem.owner", "add it"),
    ("owners.yaml", "destination: {tickets: desk, alerts: desk}", "destination: {tickets: desk}", "destination.alerts", "add it"),
    ("owners.yaml", "escalates_to: product", "escalates_to: quality", "quality.escalates_to", "name another team"),
]  # fmt: skip


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return Path(shutil.copytree(default_shop_path(), tmp_path / "shop", ignore=shutil.ignore_patterns("__pycache__")))


@pytest.mark.parametrize(("file", "old", "new", "field", "advice"), FAULTS, ids=[f"{n}-{f[3]}" for n, f in enumerate(FAULTS)])
def test_a_fault_is_named_with_file_line_field_and_advice(folder: Path, file: str, old: str, new: str, field: str, advice: str) -> None:
    path = folder / file
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(ShopError) as caught:
        load_shop(folder)
    assert field in caught.value.field and advice in caught.value.advice
    assert re.match(rf"shop/{file}:\d+: ", str(caught.value))
    first = text[: text.index(old)].count("\n") + 1
    assert first - 3 <= caught.value.line <= first + 4, "the line is where the fault is"


def test_a_row_that_decides_a_cell_again_names_the_row_that_wins(folder: Path) -> None:
    path = folder / "policy.yaml"
    text = path.read_text(encoding="utf-8")
    path.write_text(text + "  - {topics: [customer_service, other], tiers: [1], owners: [web], actions: [defect_ticket]}\n", encoding="utf-8")
    with pytest.raises(ShopError, match="can never be reached"):
        load_shop(folder)
    rest = "  - {topics: any, tiers: any, owners: any, actions: [defect_ticket]}\n"
    path.write_text(text.replace("  - {topics: [other], tiers: [1, 2], owners: any, actions: [defect_ticket, notification]}\n", rest), encoding="utf-8")
    assert load_shop(folder).policy.decisions[-1].topics is None, "a row for the rest overlaps nothing"


def test_a_shop_without_the_sections_keeps_their_defaults(folder: Path) -> None:
    path = folder / "policy.yaml"
    lines = path.read_text(encoding="utf-8").splitlines()
    without, skipping = [], False
    for line in lines:
        if not line.startswith((" ", "#")):
            skipping = line.partition(":")[0] in ("alerts", "quiet_hours", "digest", "escalation")
        if not skipping and "promoted_share_of_revenue" not in line:
            without.append(line)
    path.write_text("\n".join(without) + "\n", encoding="utf-8")
    policy, shipped = load_shop(folder).policy, load_shop().policy
    assert (policy.alerts, policy.quiet_hours, policy.digest, policy.escalation) == (AlertLimits(), QuietHours(), DigestTime(), EscalationRules())
    assert (policy.alerts, policy.quiet_hours, policy.digest, policy.escalation) == (shipped.alerts, shipped.quiet_hours, shipped.digest, shipped.escalation)
    assert policy.holds == shipped.holds


def test_a_shop_that_is_quiet_at_nine_gets_its_digest_when_that_ends(folder: Path) -> None:
    path = folder / "policy.yaml"
    text = path.read_text(encoding="utf-8").replace('until: "07:00"', 'until: "10:00"')
    path.write_text(re.sub(r"(?m)^digest: .*\n", "", text), encoding="utf-8")
    assert load_shop(folder).policy.digest.at == time(10)


@pytest.mark.parametrize(
    ("at", "ends"),
    [
        ("2026-11-23T18:59", None),  # 19:59 in Berlin
        ("2026-11-23T19:00", "2026-11-24T06:00"),
        ("2026-11-24T05:59", "2026-11-24T06:00"),
        ("2026-11-24T06:00", None),
        ("2026-10-24T22:00", "2026-10-25T06:00"),  # the night in which clocks change
    ],
)
def test_quiet_hours_go_over_midnight_on_the_shops_clock(at: str, ends: str | None) -> None:
    found = QuietHours().end_after(datetime.fromisoformat(at).replace(tzinfo=UTC), ZoneInfo("Europe/Berlin"))
    assert (found.strftime("%Y-%m-%dT%H:%M") if found else None) == ends


def test_the_next_time_is_later_than_now() -> None:
    zone = ZoneInfo("Europe/Berlin")
    assert next_time(datetime(2026, 11, 23, 8, 0, tzinfo=UTC), time(9), zone) == datetime(2026, 11, 24, 8, 0, tzinfo=UTC)
