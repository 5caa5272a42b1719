"""*Review*: one record at a time, is its label right? Keys for everything; who answers; how much is left.

Belongs here: the order on the page, its keys, what it keeps between looks. Does not belong here: words and rounds
(`review_rounds.py`), topics that the list lacks (`candidates.py`), what answers lead to (the next run's labels).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import streamlit as st

from insights_assets.actions.escaping import inert, plain
from insights_assets.console import frame, reading
from insights_assets.console.candidates import draw_candidates
from insights_assets.console.elements import grid, notice, pairs, say
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
from insights_assets.labels.label_set import LabelSet
from insights_assets.labels.prompt_versions import active_label_set
from insights_assets.labels.review import NO_TOPIC
from insights_assets.resources.operations.judgements import RefusedJudgement

Row = dict[str, Any]
NO_TOPIC_WORDS = "None of these"
DESK = "review-desk"


@dataclass
class Desk:
    """What lies before a reader between looks: answers begun, records put off, the one to show first, what was just told.

    Callbacks change this object and never touch Streamlit's session state: every touch of that may end a callback half-way when the
    next key is already waiting, and the key that called it would be lost.
    """

    drafts: dict[str, dict[str, Any]] = field(default_factory=dict)
    skipped: set[str] = field(default_factory=set)
    first: str | None = None
    has_answered: bool = False
    told: str = ""
    refused: str = ""


def draw(found: Opened) -> None:
    queue = review_rows(found.reader, str(found.settings.home), found.reader.publication.run_id)
    desk: Desk = st.session_state.setdefault(DESK, Desk())
    now = make_round(queue, found.operations.corrections.all(), frame.person(), desk.skipped, desk.first)
    left, right = st.columns([4, 1.3], vertical_alignment="top")
    with left, st.container(key="heading-review"):
        st.header("Review", anchor=False)
        say(now.words if now.left else "Is the label right? You say so, one record at a time.", "lead", "review-progress")
    with right:
        frame.ask_person()
    draw_queue(found, queue, now, desk)
    draw_candidates(found, topic_titles(found))


def draw_queue(found: Opened, queue: list[Row], now: Round, desk: Desk) -> None:
    if not queue:
        draw_nothing(found)
        return
    if now.total:
        st.progress(now.done / now.total)
    if now.left and (now.done or not desk.has_answered):
        draw_record(found, queue, now, desk)
    elif now.left:
        draw_round_end(found, queue, now, desk)
    else:
        draw_all_done(found, queue, desk)


@st.cache_resource(ttl=frame.KEPT_SECONDS, max_entries=4, show_spinner="Reading what is asked …")
def review_rows(_reader: Any, home: str, publication: str) -> list[Row]:
    """The queue of a publication."""
    return reading.rows(_reader, "labels.review_queue")


@st.cache_resource(ttl=frame.KEPT_SECONDS, max_entries=16, show_spinner="Reading the records …")
def review_records(_reader: Any, ids: tuple[str, ...], home: str, publication: str) -> dict[str, Row]:
    """The records of a part of the queue with their labels, which hold the quotes."""
    return {row["feedback_id"]: row for row in reading.read_records(_reader, ids)}


def draw_nothing(found: Opened) -> None:
    st.subheader("Nothing to review", anchor=False)
    st.write("The published run drew no records. Each run draws them anew from the texts of the last eight weeks: at random, the least certain, the most urgent.")
    st.code(f"insights run --home {found.settings.home}", language=None)


def draw_all_done(found: Opened, queue: list[Row], desk: Desk) -> None:
    st.subheader("Everything that was asked is answered", anchor=False)
    st.write("Thank you. The next run takes your answers over into the labels and draws new records.")
    draw_undo(found, queue, desk)
    st.caption("How right the labels are by what was reviewed, in a terminal:")
    st.code(f"insights review report --home {found.settings.home}", language=None)


def draw_round_end(found: Opened, queue: list[Row], now: Round, desk: Desk) -> None:
    st.subheader(f"A round of {int(ROUND)} is done", anchor=False)
    st.write("A good place to stop. Every beginning of the list is a fair sample, so nothing is lost by it.")
    with st.container(horizontal=True, gap="small"):
        if st.button("Read on", key="review-on", type="primary", shortcut=AGREE_KEY):
            desk.has_answered = False
            st.rerun()
        draw_undo(found, queue, desk)
    say(f"{now.total + now.later:,} more wait", "quiet", "review-more")


def draw_record(found: Opened, queue: list[Row], now: Round, desk: Desk) -> None:
    row, label_set, titles = now.left[0], active_label_set(found.operations), topic_titles(found)
    feedback_id = str(row["feedback_id"])
    # The records of the whole round are read at once, and only when it begins.
    ids = tuple(sorted(str(one["feedback_id"]) for one in sorted(queue, key=lambda one: one["place"] or 0)[_chunk(queue, feedback_id)]))
    records = review_records(found.reader, ids, str(found.settings.home), found.reader.publication.run_id)
    shown = asked(row, records.get(feedback_id), titles)
    draft = desk.drafts.setdefault(feedback_id, draft_of(row))
    with st.container(border=True, key="card-review"):
        say(shown.about, "quiet", "review-about")
        draw_text(shown)
        draw_label(shown, feedback_id in desk.skipped)
    draw_choices(row, draft, label_set, titles, desk)
    draw_acts(found, queue, row, draft, desk)
    draw_meanings(label_set, titles)


def _chunk(queue: list[Row], feedback_id: str) -> slice:
    place = next(n for n, one in enumerate(sorted(queue, key=lambda one: one["place"] or 0)) if one["feedback_id"] == feedback_id)
    return slice(place - place % ROUND, place - place % ROUND + ROUND)


def draw_text(shown: Asked) -> None:
    """The redacted text; what shows the label's topics is marked. Each piece is text and nothing else."""
    before = ""
    with st.container(key="marked-text"):
        for n, (piece, is_quote) in enumerate(shown.parts):
            # Streamlit cuts blanks at both ends of a text; the style sheet puts the one between two pieces back.
            gap = "spaced" if before.endswith(" ") or (before and piece.startswith(" ")) else "close"
            with st.container(key=f"{'quoted' if is_quote else 'plain'}-{gap}-piece-{n}"):
                st.text(piece)
            before = piece


def draw_label(shown: Asked, is_again: bool) -> None:
    if is_again:
        st.caption("Skipped before.")
    if shown.is_blind:
        st.caption("Read blind: the label is shown after your answer, to see how much it sways us.")
    else:
        pairs([("Label", " · ".join(part for part in shown.label if part))], "review-label")


def draw_choices(row: Row, draft: Mapping[str, Any], label_set: LabelSet, titles: Mapping[str, str], desk: Desk) -> None:
    feedback_id = str(row["feedback_id"])
    st.caption("Topics: what it is about; several where several are said")
    with st.container(horizontal=True, gap="small", key="choices-topics"):
        for n, topic in enumerate(label_set.topic_ids):
            key = TOPIC_KEYS[n] if n < len(TOPIC_KEYS) else None
            chosen = topic in draft["topics"]
            st.button(
                titles[topic], key=f"topic-{topic}-{feedback_id}", shortcut=key, type="primary" if chosen else "secondary",
                on_click=_toggle, args=(desk, feedback_id, topic),
            )  # fmt: skip
    with st.container(horizontal=True, gap="medium", key="choices-both"):
        for name in ("sentiment", "urgency"):
            with st.container(width="content", key=f"choices-{name}"):
                st.caption("Feeling" if name == "sentiment" else "Urgency")
                with st.container(horizontal=True, gap="small"):
                    for value, key in CHOICE_KEYS[name].items():
                        st.button(
                            value.capitalize(), key=f"{name}-{value}-{feedback_id}", shortcut=key, type="primary" if draft[name] == value else "secondary",
                            on_click=_choose, args=(desk, feedback_id, name, value),
                        )  # fmt: skip


def draw_acts(found: Opened, queue: list[Row], row: Row, draft: Mapping[str, Any], desk: Desk) -> None:
    feedback_id = str(row["feedback_id"])
    is_same = not row.get("is_blind") and dict(draft) == draft_of(row)
    with st.container(horizontal=True, gap="small", key="acts-review"):
        st.button(
            "Agree" if is_same else "Save", key=f"save-{feedback_id}", type="primary", shortcut=AGREE_KEY, disabled=not draft["topics"], on_click=_save,
            args=(found, row, desk, frame.person()),
        )  # fmt: skip
        st.button("Skip", key=f"skip-{feedback_id}", shortcut=SKIP_KEY, on_click=_skip, args=(desk, feedback_id))
        draw_undo(found, queue, desk)
    if desk.refused:
        with st.container(key="refused-review"):
            st.text(desk.refused)
    if desk.told:
        notice(desk.told, "review")


def draw_meanings(label_set: LabelSet, titles: Mapping[str, str]) -> None:
    with st.expander("What the topics mean"):
        entries = [label_set.topic(topic) for topic in label_set.topic_ids]
        rows = [{"topic": titles[one.topic], "means": one.definition, "also": one.include, "not": one.exclude} for one in entries]
        grid(rows, "review-meanings", {name: st.column_config.TextColumn(width="large") for name in ("means", "also", "not")})


def draw_undo(found: Opened, queue: list[Row], desk: Desk) -> None:
    st.button("Undo", key="review-undo", shortcut=UNDO_KEY, on_click=_undo, args=(found, queue, desk, frame.person()))


def topic_titles(found: Opened) -> dict[str, str]:
    """Every topic's name as the shop says it, else as the label set does; `other` as what it means to a reader."""
    policy = found.shop.policy.topics
    return {topic: NO_TOPIC_WORDS if topic in NO_TOPIC else plain(policy[topic].title, 40) if topic in policy else topic.replace("_", " ").capitalize() for topic in active_label_set(found.operations).topic_ids}


# A button with a key has no tooltip: Streamlit draws such a button twice, and both hear the key.
# A key may be pressed before the next record is drawn. It then belongs to a record whose draft is gone, and does nothing: above all
# it must not answer that record once more.


def _toggle(desk: Desk, feedback_id: str, topic: str) -> None:
    if feedback_id in desk.drafts:
        desk.drafts[feedback_id] = toggled(desk.drafts[feedback_id], topic)


def _choose(desk: Desk, feedback_id: str, name: str, value: str) -> None:
    if feedback_id in desk.drafts:
        desk.drafts[feedback_id] = {**desk.drafts[feedback_id], name: value}


def _skip(desk: Desk, feedback_id: str) -> None:
    desk.skipped.add(feedback_id)
    desk.drafts.pop(feedback_id, None)
    desk.first, desk.told, desk.refused = None, "", ""


def _save(found: Opened, row: Row, desk: Desk, by: str) -> None:
    feedback_id = str(row["feedback_id"])
    draft = desk.drafts.get(feedback_id)
    if draft is None:
        return
    try:
        record_answer(found.operations, row, draft, by=by)
    except RefusedJudgement as refused:
        desk.refused = inert(str(refused), 300)
        return
    titles = topic_titles(found)
    desk.told = f"Kept as {inert(by, 60)}: {', '.join(titles.get(topic, topic) for topic in draft['topics'])}"
    if row.get("is_blind") and row.get("topics"):
        desk.told += f". The label said: {label_words(row, titles)[0]}"
    desk.drafts.pop(feedback_id, None)
    desk.first, desk.refused, desk.has_answered = None, "", True


def _undo(found: Opened, queue: list[Row], desk: Desk, by: str) -> None:
    back = take_back(found.operations, queue, by=by)
    if back is None:
        desk.told = "There is no answer of yours here to take back"
        return
    desk.first, desk.drafts[back[0]] = back
    desk.has_answered, desk.told = False, "Taken back; its record is shown again"


draw(frame.opened())
