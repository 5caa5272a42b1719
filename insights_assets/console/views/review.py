"""*Review*: one record at a time, is its label right? Keys for everything; who answers; how much is left.

Belongs here: the order on the page, its keys, what it keeps between looks. Does not belong here: words and rounds
(`review_rounds.py`), what answers lead to (the next run's labels).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import streamlit as st

from insights_assets.actions.escaping import inert, plain
from insights_assets.console import frame, reading
from insights_assets.console.elements import pairs, say
from insights_assets.console.opening import Opened
from insights_assets.console.review_rounds import (
    AGREE_KEY,
    CHOICE_KEYS,
    ROUND,
    SKIP_KEY,
    TOPIC_KEYS,
    UNDO_KEY,
    Asked,
    Round,
    asked,
    draft_of,
    label_words,
    make_round,
    record_answer,
    take_back,
    toggled,
)
from insights_assets.labels.label_set import LabelSet, load_label_set
from insights_assets.labels.review import NO_TOPIC
from insights_assets.resources.operations.judgements import RefusedJudgement

Row = dict[str, Any]
NO_TOPIC_WORDS = "None of these"
#: Session state: drafts by record, records put off, the record to show first, rounds that were begun, what was refused.
DRAFTS, SKIPPED, FIRST, BEGUN, REFUSED = "review-drafts", "review-skipped", "review-first", "review-begun", "review-refused"


def draw(found: Opened) -> None:
    queue = review_rows(found.reader, str(found.settings.home), found.reader.publication.run_id)
    corrections, skipped = found.operations.corrections.all(), st.session_state.setdefault(SKIPPED, set())
    now = make_round(queue, corrections, frame.person(), skipped, st.session_state.get(FIRST))
    left, right = st.columns([4, 1.3], vertical_alignment="top")
    with left, st.container(key="heading-review"):
        st.header("Review", anchor=False)
        say(now.words if now.left else "Is the label right? You say so, one record at a time.", "lead", "review-progress")
    with right:
        frame.ask_person()
    if not queue:
        draw_nothing(found)
        return
    if now.total:
        st.progress(now.done / now.total)
    if now.left and (now.done or not round_ended(now)):
        draw_record(found, queue, now, skipped)
    elif now.left:
        draw_round_end(found, queue, now)
    else:
        draw_all_done(found, queue)


@st.cache_resource(ttl=frame.KEPT_SECONDS, max_entries=4, show_spinner="Reading what is asked …")
def review_rows(_reader: Any, home: str, publication: str) -> list[Row]:
    """The queue of a publication."""
    return reading.rows(_reader, "labels.review_queue")


@st.cache_resource(ttl=frame.KEPT_SECONDS, max_entries=16, show_spinner="Reading the records …")
def review_records(_reader: Any, ids: tuple[str, ...], home: str, publication: str) -> dict[str, Row]:
    """The records of a part of the queue with their labels, which hold the quotes."""
    return {row["feedback_id"]: row for row in reading.read_records(_reader, ids)}


def round_ended(now: Round) -> bool:
    """Whether a whole round lies behind this person and the next was not begun."""
    return bool(st.session_state.get(BEGUN, 0)) and now.done == 0


def draw_nothing(found: Opened) -> None:
    st.subheader("Nothing to review", anchor=False)
    st.write("The published run drew no records. Each run draws them anew from the texts of the last eight weeks: at random, the least certain, the most urgent.")
    st.code(f"insights run --home {found.settings.home}", language=None)


def draw_all_done(found: Opened, queue: list[Row]) -> None:
    st.subheader("Everything that was asked is answered", anchor=False)
    st.write("Thank you. The next run takes your answers over into the labels and draws new records.")
    draw_undo(found, queue)
    st.caption("How right the labels are by what was reviewed, in a terminal:")
    st.code(f"insights review report --home {found.settings.home}", language=None)


def draw_round_end(found: Opened, queue: list[Row], now: Round) -> None:
    st.subheader(f"A round of {int(ROUND)} is done", anchor=False)
    st.write("A good place to stop. Every beginning of the list is a fair sample, so nothing is lost by it.")
    with st.container(horizontal=True, gap="small"):
        if st.button("Read on", key="review-on", type="primary", shortcut=AGREE_KEY):
            st.session_state[BEGUN] = 0
            st.rerun()
        draw_undo(found, queue)
    say(f"{now.total + now.later:,} more wait", "quiet", "review-more")


def draw_record(found: Opened, queue: list[Row], now: Round, skipped: set[str]) -> None:
    row, label_set, titles = now.left[0], load_label_set(), topic_titles(found)
    feedback_id = str(row["feedback_id"])
    # The records of the whole round are read at once, and only when it begins.
    ids = tuple(sorted(str(one["feedback_id"]) for one in sorted(queue, key=lambda one: one["place"] or 0)[_chunk(queue, feedback_id)]))
    records = review_records(found.reader, ids, str(found.settings.home), found.reader.publication.run_id)
    shown = asked(row, records.get(feedback_id), titles)
    drafts = st.session_state.setdefault(DRAFTS, {})
    draft = drafts.setdefault(feedback_id, draft_of(row))
    with st.container(border=True, key="card-review"):
        say(shown.about, "quiet", "review-about")
        draw_text(shown)
        draw_label(shown, feedback_id in skipped)
    draw_choices(found, row, draft, label_set, titles)
    draw_acts(found, queue, row, draft, skipped)


def _chunk(queue: list[Row], feedback_id: str) -> slice:
    place = next(n for n, one in enumerate(sorted(queue, key=lambda one: one["place"] or 0)) if one["feedback_id"] == feedback_id)
    return slice(place - place % ROUND, place - place % ROUND + ROUND)


def draw_text(shown: Asked) -> None:
    """The redacted text; what shows the label's topics is marked. Each piece is text and nothing else."""
    with st.container(key="marked-text"):
        for n, (piece, is_quote) in enumerate(shown.parts):
            with st.container(key=f"{'quoted' if is_quote else 'plain'}-piece-{n}"):
                st.text(piece)


def draw_label(shown: Asked, is_again: bool) -> None:
    if is_again:
        st.caption("Skipped before.")
    if shown.is_blind:
        st.caption("Read blind: the label is shown after your answer, to see how much it sways us.")
    else:
        pairs([("Label", " · ".join(part for part in shown.label if part))], "review-label")


def draw_choices(found: Opened, row: Row, draft: Mapping[str, Any], label_set: LabelSet, titles: Mapping[str, str]) -> None:
    feedback_id = str(row["feedback_id"])
    st.caption("Topics: what it is about; several where several are said")
    with st.container(horizontal=True, gap="small", key="choices-topics"):
        for n, topic in enumerate(label_set.topic_ids):
            key = TOPIC_KEYS[n] if n < len(TOPIC_KEYS) else None
            chosen = topic in draft["topics"]
            st.button(
                titles[topic], key=f"topic-{topic}-{feedback_id}", shortcut=key, type="primary" if chosen else "secondary", help=label_set.topic(topic).definition,
                on_click=_toggle, args=(feedback_id, topic),
            )  # fmt: skip
    with st.container(horizontal=True, gap="medium", key="choices-both"):
        for field in ("sentiment", "urgency"):
            with st.container(width="content", key=f"choices-{field}"):
                st.caption("Feeling" if field == "sentiment" else "Urgency")
                with st.container(horizontal=True, gap="small"):
                    for value, key in CHOICE_KEYS[field].items():
                        st.button(
                            value.capitalize(), key=f"{field}-{value}-{feedback_id}", shortcut=key, type="primary" if draft[field] == value else "secondary",
                            on_click=_choose, args=(feedback_id, field, value),
                        )  # fmt: skip


def draw_acts(found: Opened, queue: list[Row], row: Row, draft: Mapping[str, Any], skipped: set[str]) -> None:
    feedback_id = str(row["feedback_id"])
    is_same = not row.get("is_blind") and dict(draft) == draft_of(row)
    with st.container(horizontal=True, gap="small", key="acts-review"):
        st.button(
            "Agree" if is_same else "Save", key=f"save-{feedback_id}", type="primary", shortcut=AGREE_KEY, disabled=not draft["topics"], on_click=_save,
            args=(found, row),
        )  # fmt: skip
        st.button("Skip", key=f"skip-{feedback_id}", shortcut=SKIP_KEY, on_click=_skip, args=(feedback_id,))
        draw_undo(found, queue)
    if refused := st.session_state.pop(REFUSED, ""):
        with st.container(key="refused-review"):
            st.text(refused)
    frame.show_notice()


def draw_undo(found: Opened, queue: list[Row]) -> None:
    st.button("Undo", key="review-undo", shortcut=UNDO_KEY, help="Takes your last answer here back and shows its record again.", on_click=_undo, args=(found, queue))


def topic_titles(found: Opened) -> dict[str, str]:
    """Every topic's name as the shop says it, else as the label set does; `other` as what it means to a reader."""
    policy = found.shop.policy.topics
    return {topic: NO_TOPIC_WORDS if topic in NO_TOPIC else plain(policy[topic].title, 40) if topic in policy else topic.replace("_", " ").capitalize() for topic in load_label_set().topic_ids}


# A key may be pressed before the next record is drawn. It then belongs to a record whose draft is gone, and does nothing: above all
# it must not answer that record once more.


def _toggle(feedback_id: str, topic: str) -> None:
    drafts = st.session_state[DRAFTS]
    if feedback_id in drafts:
        drafts[feedback_id] = toggled(drafts[feedback_id], topic)


def _choose(feedback_id: str, field: str, value: str) -> None:
    drafts = st.session_state[DRAFTS]
    if feedback_id in drafts:
        drafts[feedback_id] = {**drafts[feedback_id], field: value}


def _skip(feedback_id: str) -> None:
    st.session_state[SKIPPED].add(feedback_id)
    st.session_state[DRAFTS].pop(feedback_id, None)
    st.session_state.pop(FIRST, None)


def _save(found: Opened, row: Row) -> None:
    feedback_id, by = str(row["feedback_id"]), frame.person()
    draft = st.session_state[DRAFTS].get(feedback_id)
    if draft is None:
        return
    try:
        record_answer(found.operations, row, draft, by=by)
    except RefusedJudgement as refused:
        st.session_state[REFUSED] = inert(str(refused), 300)
        return
    titles = topic_titles(found)
    words = ", ".join(titles.get(topic, topic) for topic in draft["topics"])
    told = f"Kept as {inert(by, 60)}: {words}"
    if row.get("is_blind") and row.get("topics"):
        told += f". The label said: {label_words(row, titles)[0]}"
    frame.leave_notice(told)
    st.session_state[DRAFTS].pop(feedback_id, None)
    st.session_state.pop(FIRST, None)
    st.session_state[BEGUN] = 1


def _undo(found: Opened, queue: list[Row]) -> None:
    back = take_back(found.operations, queue, by=frame.person())
    if back is None:
        frame.leave_notice("There is no answer of yours here to take back")
        return
    feedback_id, draft = back
    st.session_state.setdefault(DRAFTS, {})[feedback_id] = draft
    st.session_state[FIRST] = feedback_id
    st.session_state[BEGUN] = 0
    frame.leave_notice("Taken back; its record is shown again")


draw(frame.opened())
