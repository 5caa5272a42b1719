"""Copies: what counts as the same words, which texts form a group, and who counts in it."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from itertools import combinations
from random import Random

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from insights_assets.canonical.duplicates import (
    Repetition,
    count_repetitions,
    jaccard,
    near_duplicate_groups,
    normalise,
    text_hash,
)

START = datetime(2026, 11, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Arrived broken!!", "arrived   broken"),
        ("So sad, [name]", "so sad"),
        ("pass\u200bword", "password"),
        ("Cafe\u0301", "CAFÉ"),
        ("a_b-c", "a b c"),
        ("👍 👍", "👍👍"),
        ("my mail is [email].", "My mail is"),
        ("İyi", "i\u0307yi"),
    ],
)
def test_case_spaces_signs_and_tokens_do_not_matter(one: str, other: str) -> None:
    assert normalise(one) == normalise(other)
    assert text_hash(one) == text_hash(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("👍", "👎"),
        ("é", "e"),
        ("small", "smalls"),
        ("!", "?"),
        ("की", "का"),
        ("5 stars", "4 stars"),
        ("name", "[name]"),
    ],
)
def test_different_words_stay_different(one: str, other: str) -> None:
    assert normalise(one) != normalise(other)
    assert text_hash(one) != text_hash(other)


def test_the_hash_is_sixteen_hex_digits_and_never_changes() -> None:
    assert text_hash("Arrived broken!") == "b084d0ffa76c6e36"
    assert text_hash("") == "e3b0c44298fc1c14"


@given(st.text(max_size=60))
def test_normalising_twice_changes_nothing(text: str) -> None:
    assert normalise(normalise(text)) == normalise(text)


BASE = "The glass lamp came with a crack across the shade and the box was wet on one side"
NEAR = "The glass lamp came with a crack across the shade and the box was wet on one sidee"
FAR = "The glass lamp came with a crack, please send me another one before Friday evening"


def test_near_copies_join_and_half_copies_do_not() -> None:
    assert jaccard(normalise(BASE), normalise(NEAR)) >= 0.8 > jaccard(normalise(BASE), normalise(FAR))
    assert near_duplicate_groups([BASE, FAR, NEAR, BASE.upper()]) == [0, 1, 0, 0]


def test_empty_and_short_texts() -> None:
    assert near_duplicate_groups([]) == []
    assert near_duplicate_groups(["", "", "ok", "OK!", "no", " ", "👍", "👍"]) == [0, 1, 2, 2, 4, 5, 6, 6]


def test_groups_do_not_chain() -> None:
    # Each text differs from the next by one word of ten; the first and the last share nothing.
    words = [f"word{i:02d}" for i in range(40)]
    chain = [" ".join(words[i : i + 20]) for i in range(20)]
    groups = near_duplicate_groups(chain)
    for one, other in combinations(range(20), 2):
        if groups[one] == groups[other]:
            assert jaccard(normalise(chain[one]), normalise(chain[other])) > 0.6
    assert len(set(groups)) >= 4


def _texts(chance: Random, count: int) -> tuple[list[str], list[tuple[int, int]]]:
    """Invented texts with planted near copies, and which pairs were planted."""
    words = ["".join(chance.choice("aeioubcdfglmnprst") for _ in range(chance.randint(2, 9))) for _ in range(2000)]
    texts = [" ".join(chance.choice(words) for _ in range(chance.randint(8, 24))) for _ in range(count)]
    planted = []
    for _ in range(count // 6):
        source = chance.randrange(count)
        letters = list(texts[source])
        for _ in range(chance.randint(0, 2)):
            letters[chance.randrange(len(letters))] = chance.choice("xyz")
        planted.append((source, len(texts)))
        texts.append("".join(letters).upper() + "!!")
    return texts, planted


def test_planted_copies_are_found_and_every_group_is_proven() -> None:
    texts, planted = _texts(Random(3), 4000)
    groups = near_duplicate_groups(texts)
    close = [(a, b) for a, b in planted if jaccard(normalise(texts[a]), normalise(texts[b])) >= 0.8]
    assert len(close) > 400
    assert sum(groups[a] == groups[b] for a, b in close) / len(close) >= 0.97
    for index, group in enumerate(groups):
        # The group's number is its first member, which is its leader or follows the same one.
        assert groups[group] == group <= index
        assert jaccard(normalise(texts[index]), normalise(texts[group])) >= 0.6


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10**6), st.integers(0, 10**6), st.booleans())
def test_groups_do_not_depend_on_the_order_of_the_input(seed: int, shuffle: int, with_order: bool) -> None:
    texts, _ = _texts(Random(seed), 60)
    # Near copies of near copies are where an order could matter.
    texts += [text[:-1] + "q" for text in texts[-20:]]
    keys: list[tuple[object, ...]] = [(Random(text).random(), i) for i, text in enumerate(texts)]
    turned = list(range(len(texts)))
    Random(shuffle).shuffle(turned)
    straight = near_duplicate_groups(texts, order=keys if with_order else None)
    mixed = near_duplicate_groups([texts[i] for i in turned], order=[keys[i] for i in turned] if with_order else None)
    back = {original: mixed[position] for position, original in enumerate(turned)}
    for one, other in combinations(range(len(texts)), 2):
        assert (straight[one] == straight[other]) == (back[one] == back[other])


def test_with_an_order_a_later_text_never_changes_earlier_groups() -> None:
    texts, _ = _texts(Random(5), 300)
    keys: list[tuple[object, ...]] = [(i,) for i in range(len(texts))]
    assert near_duplicate_groups(texts, order=keys)[:300] == near_duplicate_groups(texts[:300], order=keys[:300])


def weights(records: list[Repetition]) -> dict[str, int]:
    return {name: found.weight for name, found in count_repetitions(records).items()}


def record(
    name: str, day: float = 0, customer: str | None = None, order: str | None = None, group: str = "g"
) -> Repetition:
    return Repetition(name, group, START + timedelta(days=day), customer, order)


def test_the_same_words_of_different_customers_about_different_orders_all_count() -> None:
    records = [record(f"f{i}", 0, f"c{i}", f"o{i}") for i in range(50)]
    assert weights(records) == {f"f{i}": 1 for i in range(50)}


def test_a_customer_and_an_order_count_once_and_the_first_counts() -> None:
    assert weights(
        [
            record("b", 2, "c1", "o2"),
            record("a", 1, "c1", "o1"),
            record("c", 3, "c2", "o1"),
            record("d", 1, "c1", "o9", "other"),
        ]
    ) == {"a": 1, "b": 0, "c": 0, "d": 1}


def test_a_group_is_named_by_the_record_that_counts_and_says_why() -> None:
    found = count_repetitions([record("a", 1, "c1"), record("b", 2, "c1"), record("c", 3, "c2", "o1"), *(record(f"p{i}", 9, f"x{i}", group="h") for i in range(5))])
    assert (found["a"].group, found["a"].reason, found["b"].group) == ("a", "same_customer", "a")
    assert found["c"].group is None
    assert {found[f"p{i}"].group for i in range(5)} == {"p0"}
    assert {found[f"p{i}"].reason for i in range(5)} == {"copied_post"}


def test_reviews_without_an_order_are_no_copied_posts() -> None:
    reviews = [Repetition(f"r{i}", "g", START, f"c{i}", None, is_post=False) for i in range(9)]
    assert sum(weights(reviews).values()) == 9


def test_a_tie_in_time_is_broken_by_the_id() -> None:
    assert weights([record("b", 0, "c"), record("a", 0, "c")]) == {"a": 1, "b": 0}


def test_a_flood_of_copied_posts_counts_once() -> None:
    flood = [record(f"p{i:02d}", i / 24, f"author{i}") for i in range(80)]
    complaint = record("with-order", 1, "c1", "o1")
    found = weights([*flood, complaint])
    assert [name for name, weight in sorted(found.items()) if weight] == ["p00", "with-order"]


def test_four_copies_or_slow_ones_are_independent_voices() -> None:
    assert sum(weights([record(f"p{i}", 0, f"a{i}") for i in range(4)]).values()) == 4
    assert sum(weights([record(f"p{i}", i * 2, f"a{i}") for i in range(9)]).values()) == 9
    assert sum(weights([record(f"p{i}", i * 1.75, f"a{i}") for i in range(5)]).values()) == 1


def test_few_authors_make_copies_however_slowly_they_post() -> None:
    records = [record(f"p{i}", i * 10, f"a{i % 2}") for i in range(8)]
    assert weights(records) == {"p0": 1} | {f"p{i}": 0 for i in range(1, 8)}
    unknown = [record(f"p{i}", i * 10) for i in range(8)]
    assert sum(weights(unknown).values()) == 8


RECORDS = st.lists(
    st.builds(
        record,
        st.uuids().map(str),
        st.floats(0, 30).map(lambda day: round(day, 1)),
        st.sampled_from([None, "c1", "c2", "c3"]),
        st.sampled_from([None, None, "o1", "o2"]),
        st.sampled_from(["g", "h"]),
    ),
    unique_by=lambda item: item.feedback_id,
    max_size=25,
)


@settings(max_examples=120, deadline=None)
@given(RECORDS, st.randoms(use_true_random=False))
@example([record(f"p{i}") for i in range(6)], Random(0))
def test_weights_do_not_depend_on_the_order_of_the_input(records: list[Repetition], chance: Random) -> None:
    found = weights(records)
    turned = list(records)
    chance.shuffle(turned)
    assert weights(turned) == found
    assert set(found.values()) <= {0, 1}
    for group in {item.group for item in records}:
        members = sorted(
            (item for item in records if item.group == group), key=lambda item: (item.occurred_at, item.feedback_id)
        )
        assert found[members[0].feedback_id] == 1
        for key in ("customer_key", "order_id"):
            counted = [value for item in members if found[item.feedback_id] and (value := getattr(item, key))]
            assert len(counted) == len(set(counted))


@pytest.mark.measure
def test_measure_speed_of_near_duplicates(capsys: pytest.CaptureFixture[str]) -> None:
    texts, planted = _texts(Random(1), 30_000)
    start = time.process_time()
    for text in texts:
        text_hash(text)
    hashed = time.process_time()
    groups = near_duplicate_groups(texts)
    grouped = time.process_time()
    close = [(a, b) for a, b in planted if jaccard(normalise(texts[a]), normalise(texts[b])) >= 0.8]
    recall = sum(groups[a] == groups[b] for a, b in close) / len(close)
    with capsys.disabled():
        hash_rate, group_rate = len(texts) / (hashed - start), len(texts) / (grouped - hashed)
        print(f"\n  hash {hash_rate:,.0f}, groups {group_rate:,.0f} texts a CPU-second")
        print(f"  recall of planted copies {recall:.3f} (n={len(close)})")
    assert recall >= 0.97
