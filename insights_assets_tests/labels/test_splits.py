"""Nobody is on both sides of a split: not a customer, not a text, not a group of copies, also through a third record."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from insights_assets.labels.splits import CALIBRATION_SHARE, GOLDEN_SHARE, SIDES, groups, side_of

KEY = st.one_of(st.none(), st.sampled_from([f"k{n}" for n in range(12)]))
RECORDS = st.lists(st.tuples(KEY, KEY, KEY), max_size=40)


@settings(max_examples=300)
@given(RECORDS)
def test_records_that_share_a_key_are_on_one_side(rows: list[tuple[str | None, ...]]) -> None:
    keyed = [(*row, f"own{number}") for number, row in enumerate(rows)]
    found = groups(keyed)
    sides: dict[str, set[str]] = {}
    for row, group in zip(keyed, found, strict=True):
        for key in row:
            if key:
                sides.setdefault(key, set()).add(side_of(group))
    assert all(len(side) == 1 for side in sides.values())


@settings(max_examples=100)
@given(RECORDS, st.randoms(use_true_random=False))
def test_the_order_of_records_does_not_matter(rows: list[tuple[str | None, ...]], random: object) -> None:
    keyed = [(*row, f"own{number}") for number, row in enumerate(rows)]
    shuffled = list(keyed)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert dict(zip(keyed, groups(keyed), strict=True)) == dict(zip(shuffled, groups(shuffled), strict=True))


def test_unrelated_records_do_not_move_a_group() -> None:
    few = groups([("a", "t1"), ("b", "t1")])
    assert groups([("a", "t1"), ("b", "t1"), ("c", "t9")])[:2] == few


def test_the_sides_have_their_shares() -> None:
    golden = sum(side_of(f"customer:{n}") == "golden" for n in range(5_000)) / 5_000
    assert abs(golden - GOLDEN_SHARE) < 0.03


def test_all_three_sides_have_records_and_calibration_its_share() -> None:
    sides = [side_of(f"customer:{n}") for n in range(5_000)]
    assert set(sides) == set(SIDES) and abs(sides.count("calibration") / 5_000 - CALIBRATION_SHARE) < 0.02
