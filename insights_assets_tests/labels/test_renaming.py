"""One mapping of topics between label sets: it ends in the set, never turns in circles, and reviews keep their meaning through it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from insights_assets.labels.label_set import LabelSet, load_label_set
from insights_assets.labels.renaming import Reworded, reworded, topics_in
from insights_assets.labels.review import measured, standing

V1 = load_label_set()
NAMES = V1.topic_ids
KEPT = frozenset({"praise", "other"})
GONE = ("a_topic_of_long_ago",)


@st.composite
def label_sets(draw: st.DrawFn) -> LabelSet:
    """A later set: some topics retired in favour of later-listed ones (never in a circle), some dropped, a new one."""
    order = draw(st.permutations([topic for topic in V1.topics if topic.topic not in KEPT]))
    kept = [topic for topic in order if draw(st.integers(0, 4))]
    topics = []
    for place, topic in enumerate(kept):
        later = kept[place + 1 :]
        into = draw(st.sampled_from([None, None, *(one.topic for one in later)])) if later else None
        topics.append(replace(topic, deprecated_to=into))
    fresh = replace(V1.topics[0], topic="packaging_waste", deprecated_to=None)
    always = [topic for topic in V1.topics if topic.topic in KEPT]
    return LabelSet("v2", V1.schema_version, (*topics, fresh, *always), V1.risk_tags)


said = st.lists(st.sampled_from([*NAMES, *GONE]), max_size=5)


@settings(max_examples=300, deadline=None)
@given(label_sets(), said)
def test_topics_end_in_the_set_once_each_and_stay_there(label_set: LabelSet, topics: list[str]) -> None:
    found = topics_in(label_set, topics)
    assert set(found) <= set(label_set.topic_ids) and len(set(found)) == len(found)
    assert topics_in(label_set, found) == found, "read again it is the same"
    assert set(topics_in(label_set, reversed(topics))) == set(found), "the order of speaking does not matter"
    assert set(found) == {now for topic in topics for now in topics_in(label_set, [topic])}, "each topic goes its own way"


@settings(max_examples=200, deadline=None)
@given(label_sets(), said, st.data())
def test_a_further_set_is_reached_by_steps_or_at_once(second: LabelSet, topics: list[str], data: st.DataObject) -> None:
    """A set that goes on from another keeps its retired topics, so both ways lead to the same words."""
    living = [topic for topic in second.topics if topic.deprecated_to is None and topic.topic not in KEPT]
    gone = data.draw(st.sampled_from(living))
    into = data.draw(st.sampled_from(sorted(topic for topic in second.topic_ids if topic != gone.topic)))
    third = LabelSet("v3", second.schema_version, tuple(replace(one, deprecated_to=into) if one.topic == gone.topic else one for one in second.topics), second.risk_tags)
    assert set(topics_in(third, topics_in(second, topics))) == set(topics_in(third, topics))


def test_the_set_the_words_are_of_changes_nothing() -> None:
    assert topics_in(V1, NAMES) == NAMES and topics_in(V1, ["praise", "praise"]) == ("praise",)


# -- reviews ---------------------------------------------------------------------------------------------------------


def correction(number: int, value: Any, asked: Any = None, field: str = "topics", by: str = "ana") -> Any:
    before = {"value": asked} if asked is not None else None
    return Reworded(number, f"f{number % 10}", field, {"value": value}, before, None, by, datetime(2026, 11, 1, tzinfo=UTC), "test")


def later_set() -> LabelSet:
    topics = [replace(one, deprecated_to="product_quality") if one.topic == "sizing_issue" else one for one in V1.topics if one.topic != "billing_confusion"]
    return LabelSet("v2", V1.schema_version, tuple(topics), V1.risk_tags)


def test_reviews_of_an_old_set_count_for_the_topics_that_took_over() -> None:
    asked = {"topics": ["product_quality", "sizing_issue"], "confidences": {"product_quality": 0.6, "sizing_issue": 0.9}, "weight": 1.0, "model_version": "m"}
    rows = [reworded(row, later_set()) for row in (correction(1, ["sizing_issue"], asked), correction(2, ["praise"], {"topics": ["billing_confusion"], "weight": 1.0, "model_version": "m"}))]
    [first, second] = measured(rows, {}, None)
    assert (first.said, first.right) == (frozenset({"product_quality"}), frozenset({"product_quality"})) and first.asked["confidences"] == {"product_quality": 0.9}
    assert (second.said, second.right) == (frozenset(), frozenset({"praise"})), "what the label said and no set says any more is nothing said"


def test_an_answer_of_which_nothing_is_left_is_no_answer_and_the_rest_of_the_record_stands() -> None:
    rows = [reworded(row, later_set()) for row in (correction(1, ["billing_confusion"], {"topics": [], "weight": 1.0}), correction(11, "negative", field="sentiment"))]
    [found] = standing(rows).values()
    assert found.right is None and found.answers["sentiment"].value == {"value": "negative"} and not measured(rows, {}, None)


def test_an_empty_answer_and_one_that_was_taken_back_stay_what_they_are() -> None:
    for value in ([], None, ["other"]):
        row = correction(1, value)
        assert reworded(row, later_set()) is row


@settings(max_examples=150, deadline=None)
@given(label_sets(), said, said)
def test_a_review_is_reworded_by_the_one_mapping(label_set: LabelSet, value: list[str], shown: list[str]) -> None:
    found = reworded(correction(1, value, {"topics": shown, "weight": 2.0}), label_set)
    assert tuple(found.value["value"] or ()) == topics_in(label_set, value)
    assert found.previous_value is not None and tuple(found.previous_value["value"]["topics"]) == topics_in(label_set, shown)
    again = reworded(found, label_set)
    assert again is found or (again.value, again.previous_value) == (found.value, found.previous_value)
