"""Identity: ids that follow from what founded a theme, centres that move slowly, merges that only people decide."""

from __future__ import annotations

from datetime import date

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from insights_assets.clusters.discovery import Group, centre, groups
from insights_assets.clusters.embeddings import on_grid, similarity
from insights_assets.clusters.register import decide_merge, read_book, rows_of, with_decisions
from insights_assets.clusters.tables import THEMES
from insights_assets.clusters.themes import (
    MERGE_CANDIDATE,
    Book,
    Theme,
    founded,
    merge_candidates,
    merged,
    moved,
    rebased,
    theme_id_of,
    widened,
)

DAY = date(2026, 8, 16)


def around(direction: int, count: int, spread: float = 0.3, seed: int = 0) -> np.ndarray:
    """Vectors near one axis of 32."""
    rows = np.random.default_rng([seed, direction]).standard_normal((count, 32)) * spread / np.sqrt(32)
    rows[:, direction] += 1.0
    return on_grid(rows)


def theme(name: str, direction: int, topic: str = "safety", **changes: object) -> Theme:
    given = {
        "theme_id": name,
        "name": name,
        "topic": topic,
        "centroid": centre(around(direction, 20)),
        "threshold": 0.6,
        "born_day": DAY,
    }
    return Theme(**{**given, "founding_texts": 20, "model_id": "m", **changes})  # type: ignore[arg-type]


def group_of(vectors: np.ndarray) -> Group:
    middle = centre(vectors)
    return Group(np.arange(len(vectors)), middle, similarity(vectors, middle)[:, 0])


@given(
    st.lists(st.text("abcdef0123456789", min_size=4, max_size=8), min_size=1, max_size=20, unique=True), st.randoms()
)
def test_an_id_follows_from_topic_day_and_founding_texts_alone(hashes: list[str], chance: object) -> None:
    shuffled = sorted(hashes, key=lambda _: chance.random())  # type: ignore[attr-defined]
    name = theme_id_of("safety", DAY, hashes)
    assert name == theme_id_of("safety", DAY, shuffled)
    assert name != theme_id_of("other", DAY, hashes)
    assert name != theme_id_of("safety", date(2026, 8, 17), hashes)
    assert name != theme_id_of("safety", DAY, [*hashes, "one more"])
    assert len(name) == 11
    assert name.startswith("TH-")


def test_a_taken_id_is_not_given_twice() -> None:
    first = theme_id_of("safety", DAY, ["a"])
    second = theme_id_of("safety", DAY, ["a"], taken=[first])
    assert second != first
    assert theme_id_of("safety", DAY, ["a"], taken=[first]) == second


def test_a_known_id_stays_what_it_was() -> None:
    """The id is a promise to tickets and links: a change of its recipe must be a decision, not an accident."""
    assert theme_id_of("damaged_on_arrival", date(2026, 11, 1), ["aa", "bb"]) == "TH-bd729664"


def test_of_two_themes_in_reach_the_nearer_takes_the_text_and_thresholds_hold() -> None:
    places = Book().with_themes([theme("TH-a", 0, threshold=0.9), theme("TH-b", 1, threshold=0.2)]).places()["safety"]
    texts = on_grid(np.eye(32)[[0, 1, 2]] + 0.3 * np.eye(32)[[1, 0, 3]])
    best, near = places.nearest(texts)
    assert [places.theme_ids[b] if b >= 0 else None for b in best] == ["TH-a", "TH-b", None]
    assert near[2] < 0.2
    strict = Book().with_themes([theme("TH-a", 0, threshold=0.99), theme("TH-b", 1, threshold=0.2)]).places()["safety"]
    assert strict.theme_ids[strict.nearest(texts)[0][0]] == "TH-b", (
        "the nearest theme refuses it, the next one has room"
    )


def test_a_centre_moves_slowly_and_not_for_a_few() -> None:
    before = theme("TH-a", 0)
    assert moved(before, around(1, 2)) is before
    after = moved(before, around(1, 50))
    assert after.theme_id == before.theme_id
    assert 0.98 < float(similarity(before.centroid, after.centroid)[0, 0]) < 1.0
    assert float(similarity(after.centroid, centre(around(1, 50)))[0, 0]) > float(
        similarity(before.centroid, centre(around(1, 50)))[0, 0]
    )


def test_a_group_beside_a_theme_widens_it_and_one_apart_founds_another() -> None:
    book = Book().with_themes([theme("TH-a", 0, threshold=0.95)])
    beside = on_grid(around(0, 20).astype(float) + 0.5 * np.eye(32)[1])
    wider = widened(book, "safety", beside, centre(beside), floor=0.5)
    assert wider is not None
    assert (wider.theme_id, wider.threshold < 0.95) == ("TH-a", True)
    assert (similarity(beside, wider.centroid)[:, 0] >= wider.threshold).mean() >= 0.9
    apart = around(5, 20)
    assert widened(book, "safety", apart, centre(apart), floor=0.5) is None
    assert widened(book, "other", beside, centre(beside), floor=0.5) is None, (
        "another topic's theme is none of its business"
    )


def test_a_founding_set_is_mostly_inside_its_own_threshold_and_kin_is_named() -> None:
    book = Book().with_themes([theme("TH-a", 0)])
    vectors = on_grid(around(0, 40, spread=1.2).astype(float) + 0.9 * np.eye(32)[1])
    new = founded(book, "safety", DAY, group_of(vectors), [f"h{n}" for n in range(40)], floor=0.1, model_id="m")
    assert (similarity(vectors, new.centroid)[:, 0] >= new.threshold).mean() >= 0.94
    assert new.parent == "TH-a"
    assert founded(book, "safety", DAY, group_of(around(7, 40)), ["h"], floor=0.1, model_id="m").parent is None
    assert founded(book, "safety", DAY, group_of(around(7, 40)), ["h"], floor=0.99, model_id="m").threshold == 0.99


def test_a_merge_hands_over_what_comes_later_and_rings_are_refused() -> None:
    book = Book().with_themes([theme("TH-a", 0), theme("TH-b", 1), theme("TH-c", 2), theme("TH-x", 3, topic="other")])
    book = merged(merged(book, "TH-a", "TH-b"), "TH-b", "TH-c")
    places = book.places()["safety"]
    assert set(places.theme_ids) == {"TH-c"}
    assert places.theme_ids[places.nearest(around(0, 1))[0][0]] == "TH-c"
    assert set(book.themes) == {"TH-a", "TH-b", "TH-c", "TH-x"}, "no id is ever lost"
    with pytest.raises(ValueError, match="ring"):
        merged(book, "TH-c", "TH-a")
    with pytest.raises(ValueError, match="topics"):
        merged(book, "TH-x", "TH-a")
    with pytest.raises(LookupError, match="TH-nope"):
        merged(book, "TH-nope", "TH-a")


def test_near_twins_are_proposed_and_nothing_more() -> None:
    book = Book().with_themes(
        [
            theme("TH-a", 0),
            theme("TH-b", 0, centroid=centre(around(0, 9, seed=4)), born_day=date(2026, 9, 1)),
            theme("TH-c", 5),
        ]
    )
    ((younger, older, near),) = merge_candidates(book)
    assert (younger, older) == ("TH-b", "TH-a")
    assert near >= MERGE_CANDIDATE
    assert book.themes["TH-b"].merged_into is None
    assert merge_candidates(merged(book, "TH-b", "TH-a")) == []


def test_decisions_wait_for_their_theme_and_are_carried_out_once() -> None:
    class Facts(dict[str, str]):
        def put(self, key: str, value: str) -> None:
            self[key] = value

    facts = Facts()
    decide_merge(facts, "TH-b", "TH-a")
    decide_merge(facts, "TH-b", "TH-a")
    decide_merge(facts, "TH-z", "TH-a")
    book = with_decisions(Book().with_themes([theme("TH-a", 0), theme("TH-b", 1)]), facts)
    assert book.themes["TH-b"].merged_into == "TH-a"
    assert with_decisions(book, facts) == book
    assert with_decisions(Book().with_themes([theme("TH-a", 0)]), facts).themes.keys() == {"TH-a"}


def test_a_book_comes_back_from_its_rows() -> None:
    import pandas as pd

    book = merged(
        Book().with_themes([theme("TH-a", 0, top_terms=("x", "y"), parent="TH-b"), theme("TH-b", 1)]), "TH-b", "TH-a"
    )
    frame = pd.DataFrame(rows_of(book, DAY, {"TH-a": (7, DAY)}, "run"), columns=THEMES.column_names)
    again, judged = read_book(frame)
    assert judged == DAY
    assert frame.set_index("theme_id").loc["TH-b", "size"] == 0
    for name, before in book.themes.items():
        after = again.themes[name]
        assert np.array_equal(after.centroid, before.centroid)
        assert (after.name, after.parent, after.merged_into, after.top_terms) == (
            before.name,
            before.parent,
            before.merged_into,
            before.top_terms,
        )
    assert read_book(frame.iloc[:0]) == (Book(), None)


def test_a_theme_moves_to_another_model_with_its_members() -> None:
    there = around(4, 30)
    after = rebased(theme("TH-a", 0), there, floor=0.3, model_id="new")
    assert (after.theme_id, after.name, after.model_id) == ("TH-a", "TH-a", "new")
    assert (similarity(there, after.centroid)[:, 0] >= after.threshold).mean() >= 0.9
    empty = rebased(theme("TH-a", 0), there[:0], floor=0.3, model_id="new")
    assert (similarity(there, empty.centroid)[:, 0] < empty.threshold).all()


def test_groups_are_found_trimmed_and_ordered() -> None:
    stray = around(9, 1)
    vectors = np.concatenate([around(0, 40), around(1, 25), stray, np.zeros((3, 32), dtype=np.float32)])
    found = groups(vectors, least=15, floor=0.6)
    assert [set(group.rows.tolist()) for group in found] == [set(range(40)), set(range(40, 65))]
    assert groups(vectors, least=50, floor=0.6) == []
    assert groups(vectors[:10], least=15, floor=0.6) == []
