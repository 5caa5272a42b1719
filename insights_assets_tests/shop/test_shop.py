"""`shop/` is checked when it is read: every fault is named with file, line and field, and what to do (R129, R140, R162,
R163).
"""

from __future__ import annotations

import shutil
from dataclasses import FrozenInstanceError
from pathlib import Path

import pytest

from insights_assets.shop import ShopError, default_shop_path, load_shop
from insights_assets.shop.policy_file import TIERS, _fits


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of the sample shop that a test may break."""
    return Path(shutil.copytree(default_shop_path(), tmp_path / "shop", ignore=shutil.ignore_patterns("__pycache__")))


def change(folder: Path, file: str, old: str, new: str) -> int:
    """Replace one text and give the line (1-based) where it was."""
    path = folder / file
    text = path.read_text(encoding="utf-8")
    assert text.count(old) >= 1, f"{old!r} is not in {file}"
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    return text[: text.index(old)].count("\n") + 1


def test_the_sample_shop_loads_and_holds_what_the_design_promises() -> None:
    shop = load_shop()
    assert (shop.reporting_currency, shop.shop_time_zone) == ("USD", "Europe/Berlin")
    assert shop.languages == ("en", "de", "fr", "es", "pt")
    assert set(shop.owners) == {
        "quality",
        "supply_chain",
        "support",
        "product",
        "merchandising",
        "marketing",
        "finance",
        "web",
    }
    assert all(owner.alert_budget_per_week == 5 for owner in shop.owners.values())
    assert shop.use_case().question == "What is driving negative reviews on top-selling SKUs this month?"
    assert [case.enabled for case in shop.use_cases] == [True, False]
    assert shop.warnings == ()
    assert shop.policy.tiers[1].risk_share_of_daily_margin == 0.005
    assert shop.policy.tiers[2].risk_share_of_daily_margin == 0.0005
    assert shop.policy.gates["promo_hold"].topic_precision == 0.90
    assert shop.sources == {}


def test_the_shop_is_frozen_and_its_digest_follows_its_files(folder: Path) -> None:
    before = load_shop(folder)
    with pytest.raises(FrozenInstanceError):
        before.name = "Other"  # type: ignore[misc]
    assert load_shop(folder).sha256 == before.sha256
    change(folder, "shop.yaml", "name: Hearth & Lane", "name: Another name")
    assert load_shop(folder).sha256 != before.sha256


def test_every_topic_tier_and_owner_has_a_decision_and_a_destination() -> None:
    policy = load_shop().policy
    for topic, entry in policy.topics.items():
        for tier in TIERS:
            rows = [row for row in policy.decisions if row.when is None and _fits(row, topic, tier, entry.owner)]
            assert rows, (topic, tier)
            if tier == 3:
                assert "notification" not in rows[0].actions, topic
    assert all(owner.ticket_destination for owner in load_shop().owners.values())


def test_every_label_of_the_label_set_needs_a_policy(folder: Path) -> None:
    load_shop(folder, label_topics=["shipping_delay", "safety"])
    with pytest.raises(
        ShopError, match=r"policy.yaml:\d+: topics: has no line for the label 'smell'; give it an owner"
    ):
        load_shop(folder, label_topics=["shipping_delay", "smell"])


FAULTS = [
    ("shop.yaml", "reporting_currency: USD", "reporting_currency: dollars", "reporting_currency", "three capital letters"),
    ("shop.yaml", "Europe/Berlin", "Europe/Atlantis", "shop_time_zone", "IANA"),
    ("shop.yaml", "languages: [en", "languages: [xx", "languages[0]", "use one of"),
    ("shop.yaml", "brief_readers:", "breif_readers:", "breif_readers", "did you mean 'brief_readers'"),
    ("owners.yaml", "alert_budget_per_week: 5", "alert_budget_per_week: many", "alert_budget_per_week", "whole number"),
    ("owners.yaml", "destination: {tickets: desk, alerts: desk}", "destination: {alerts: desk}", "tickets", "add it"),
    ("owners.yaml", "{tickets: desk", "{tickets: pigeon", "destination.tickets", "jira:PROJECT"),
    ("owners.yaml", "escalates_to: product", "escalates_to: nobody", "escalates_to", "use one of"),
    ("policy.yaml", "    owner: supply_chain", "    ownr: supply_chain", "shipping_delay.ownr", "did you mean 'owner'"),
    ("policy.yaml", "    owner: supply_chain", "    owner: supply_team", "shipping_delay.owner", "did you mean"),
    ("policy.yaml", "Move new parcels for {region}", "Move new parcels for {city}", "next_steps.carrier", "{region}"),
    ("policy.yaml", "risk_share_of_daily_margin: 0.0005", "risk_share_of_daily_margin: 0.05", "tiers.2", "lower it"),
    ("policy.yaml", "topic_precision: 0.90", "topic_precision: 90", "gates.promo_hold.topic_precision", "from 0 to 1"),
    ("policy.yaml", "availability], tiers: [3], owners: any, actions: [copy_change]}",
     "availability], tiers: [3], owners: any, actions: [notification]}", "actions", "tier 3 informs only"),
    ("policy.yaml", "- {topics: [praise], tiers: any", "- {topics: [praised], tiers: any", "topics[0]", "did you mean 'praise'"),
    ("policy.yaml", 'due_at: "12:00"', "due_at: noon", "due_at", '"12:00"'),
    ("policy.yaml", "p_refund: 0.12", "p_refund: yes", "p_refund", "number from 0 to 1"),
    ("sources.yaml", "sources: {}", "sources: {review: {}}", "sources.review", "use one of reviews"),
    ("sources.yaml", "sources: {}", "sources: {reviews: {times: {created_at: sometime}}}", "created_at", "epoch_seconds"),
    ("sources.yaml", "sources: {}", "sources: {reviews: {columns: {a: body, b: body}}}", "columns", "one column to each name"),
    ("use_cases/negative_reviews_on_top_sellers.yaml", "told: [product", "told: [everyone", "told[0]", "use one of"),
    ("use_cases/negative_reviews_on_top_sellers.yaml", "rank_by: risk_per_day", "rank_by: mood", "rank_by", "use one of"),
    ("use_cases/negative_reviews_on_top_sellers.yaml", "enabled: true", "enabled: false", "enabled", "set enabled: true"),
    ("replies.yaml", 'thanks: "thank you for telling us about {about}', 'thanks: "thank you, {name}, for {about}', "thanks", "{about}"),
]  # fmt: skip


@pytest.mark.parametrize(("file", "old", "new", "field", "advice"), FAULTS, ids=[f"{f[0]}-{f[3]}" for f in FAULTS])
def test_a_fault_is_named_with_file_line_field_and_advice(
    folder: Path, file: str, old: str, new: str, field: str, advice: str
) -> None:
    line = change(folder, file, old, new)
    with pytest.raises(ShopError) as caught:
        load_shop(folder)
    error = caught.value
    assert error.file == f"shop/{file}"
    assert abs(error.line - line) <= 1, f"{error} but the change is on line {line}"
    assert field in error.field
    assert advice in error.advice
    assert str(error).startswith(f"shop/{file}:{error.line}: ")


@pytest.mark.parametrize(
    ("text", "line", "problem"),
    [
        ("name: [1, 2\nnext: 3\n", 2, "not valid YAML"),
        ("name: a\nname: b\n", 2, "duplicate key"),
        ("- a\n", 1, "is a list"),
    ],
)
def test_yaml_that_cannot_be_read_names_its_line(folder: Path, text: str, line: int, problem: str) -> None:
    (folder / "shop.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(ShopError, match=problem) as caught:
        load_shop(folder)
    assert caught.value.line == line


def test_a_missing_file_or_folder_says_so(folder: Path, tmp_path: Path) -> None:
    (folder / "owners.yaml").unlink()
    with pytest.raises(ShopError, match=r"shop/owners.yaml:1: the file: there is no such file"):
        load_shop(folder)
    with pytest.raises(ShopError, match="there is no such folder"):
        load_shop(tmp_path / "nowhere")


def test_a_topic_without_decision_is_refused(folder: Path) -> None:
    change(
        folder,
        "policy.yaml",
        "  - {topics: [other], tiers: [1, 2], owners: any, actions: [defect_ticket, notification]}",
        "",
    )
    with pytest.raises(ShopError, match="nothing is decided for other, tier 1, owner support"):
        load_shop(folder)


def test_a_row_that_cannot_be_reached_is_refused(folder: Path) -> None:
    path = folder / "policy.yaml"
    path.write_text(
        path.read_text(encoding="utf-8") + "  - {topics: [praise], tiers: [2], owners: any, actions: [copy_change]}\n",
        encoding="utf-8",
    )
    with pytest.raises(ShopError, match="can never be reached") as caught:
        load_shop(folder)
    assert caught.value.line == path.read_text(encoding="utf-8").count("\n")


def test_a_second_use_case_warns_with_its_line(folder: Path) -> None:
    line = change(folder, "use_cases/repeated_support_questions.yaml", "enabled: false", "enabled: true")
    shop = load_shop(folder)
    assert len(shop.enabled_use_cases) == 2
    (warning,) = shop.warnings
    assert warning.startswith(
        f"shop/use_cases/repeated_support_questions.yaml:{line}: repeated_support_questions is enabled before"
    )
    assert "negative_reviews_on_top_sellers has met its gates" in warning


def test_places_are_said_as_people_say_them() -> None:
    shop = load_shop()
    assert shop.spoken({"region": "uk", "product_line": "bed_bath_table", "sku": "a_b"}) == {"region": "the UK", "product_line": "bed bath table", "sku": "a_b"}
    assert shop.spoken({"region": "rj"}) == {"region": "RJ"} and shop.spoken({"region": "north"}) == {"region": "north"}


def test_owner_and_next_step_follow_the_finest_cause() -> None:
    policy = load_shop().policy
    assert policy.owner_of("missing_accessories") == "supply_chain"
    assert policy.owner_of("missing_accessories", {"packaging_batch": "LEJ-PB07"}) == "quality"
    batch = {"packaging_batch": "LEJ-PB07", "warehouse": "WH-LEJ"}
    assert policy.next_step("damaged_on_arrival", batch) == "Stop batch LEJ-PB07 and inspect 20 units"
    # the carrier's sentence also needs a region: without one a coarser sentence is used, never a half-filled one
    assert "{" not in policy.next_step("shipping_delay", {"carrier": "Swift"})


def test_a_mapping_reads_as_written(folder: Path) -> None:
    mapping = """sources:
  reviews:
    files: ["order_reviews*.csv"]
    columns: {review_score: rating}
    constants: {channel: marketplace}
    values: {channel: {site: storefront}}
    times: {created_at: "%Y-%m-%d"}
    time_zone: America/Sao_Paulo
    delimiter: ";"
    encoding: cp1252
    joins:
      - {file: "orders.csv", on: order_id, columns: {customer_id: customer_id}}
"""
    (folder / "sources.yaml").write_text(mapping, encoding="utf-8")
    reviews = load_shop(folder).sources["reviews"][0]
    assert reviews.columns == {"review_score": "rating"}
    assert reviews.values == {"channel": {"site": "storefront"}}
    assert (reviews.delimiter, reviews.encoding, reviews.time_zone) == (";", "cp1252", "America/Sao_Paulo")
    assert reviews.joins[0].columns == {"customer_id": "customer_id"}


def test_the_slice_limits_by_column(folder: Path) -> None:
    change(folder, "shop.yaml", "region: []", "region: [DE, AT]")
    assert load_shop(folder).slice.limits == {"region": ("DE", "AT")}
