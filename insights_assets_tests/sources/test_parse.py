"""Payload to typed values: every accepted form of time and number, and the reason of every refusal."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from insights_assets.shop import SourceMapping
from insights_assets.sources.catalogue import BY_NAME
from insights_assets.sources.mapping import record_ref
from insights_assets.sources.parse import Reject, parse, parse_time

PLAIN = SourceMapping("reviews")
LATEST = datetime(2026, 11, 23, 22, 59, 59, tzinfo=UTC)
REVIEW = {"review_id": "R1", "created_at": "2026-11-01T10:00:00+02:00", "rating": "4", "body": "fine"}


@given(st.datetimes(datetime(2001, 1, 1), datetime(2026, 11, 22)), st.integers(-14 * 60, 14 * 60))
def test_a_time_is_the_same_moment_in_every_form(naive: datetime, offset: int) -> None:
    moment = naive.replace(microsecond=0, tzinfo=timezone(timedelta(minutes=offset)))
    seconds = int(moment.timestamp())
    forms = [moment.isoformat(), str(seconds), seconds, moment.strftime("%Y-%m-%d %H:%M:%S%z")]
    if seconds >= 1_000_000_000:
        forms += [seconds * 1000, str(seconds * 1000), f"{seconds}.0"]
    assert {parse_time(form, PLAIN) for form in forms} == {moment.astimezone(UTC)}


def test_a_time_without_zone_is_taken_in_the_mapped_zone() -> None:
    assert parse_time("2026-07-01T12:00:00", SourceMapping("reviews", time_zone="Europe/Berlin")) == datetime(2026, 7, 1, 10, tzinfo=UTC)
    formed = SourceMapping("reviews", times={"created_at": "%d.%m.%Y um %H", "day": "epoch_milliseconds"})
    assert parse_time("01.07.2026 um 12", formed, "created_at") == datetime(2026, 7, 1, 12, tzinfo=UTC)
    assert parse_time("86400000", formed, "day") == datetime(1970, 1, 2, tzinfo=UTC)
    with pytest.raises(Reject, match=r"not a time of the form .*, which shop/sources\.yaml names"):
        parse_time("2026-07-01T12:00:00", formed, "created_at")


@pytest.mark.parametrize(
    ("change", "field", "reason"),
    [
        ({"created_at": None}, "created_at", "is empty but required"),
        ({"created_at": "soon"}, "created_at", "is not a time"),
        ({"created_at": "1970-01-01"}, "created_at", "impossible date"),
        ({"created_at": "2027-01-01"}, "created_at", "impossible date"),
        ({"rating": "11"}, "rating", "outside 1 to 5"),
        ({"rating": "four"}, "rating", "is not a number"),
        ({"rating": "nan"}, "rating", "is not a number"),
        ({"body": "x" * 100_001}, "body", "at most 100000"),
        ({"helpful_count": "1.5"}, "helpful_count", "whole number"),
        ({"verified_purchase": "perhaps"}, "verified_purchase", "true or false"),
    ],
)
def test_a_refusal_names_field_and_reason(change: dict, field: str, reason: str) -> None:
    with pytest.raises(Reject) as refused:
        parse({**REVIEW, **change}, BY_NAME["reviews"], PLAIN, LATEST)
    assert refused.value.field_name == field
    assert reason in refused.value.reason


def test_lists_come_in_every_form() -> None:
    base = {"sku": "A", "name": "Lamp"}
    for form in (["lamp", "light"], "lamp|light", "lamp;light", '["lamp", "light"]'):
        assert parse({**base, "aliases": form}, BY_NAME["products"], PLAIN, LATEST)["aliases"] == ["lamp", "light"]


def test_a_record_of_several_keys_is_named_by_all() -> None:
    assert record_ref({"order_id": "O1", "sku": "A"}, BY_NAME["orders"]) == "O1|A"
    assert record_ref({"order_id": "O1"}, BY_NAME["orders"]) is None
