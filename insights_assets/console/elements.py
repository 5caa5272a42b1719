"""Page elements for text from data. Everything customers, sources, teams or judges wrote reaches a page through here.

Belongs here: showing such text as text: never as Markdown or HTML, in no label, in no tooltip that renders Markdown. Does not
belong here: what is shown. Streamlit's own text calls (`st.write`, `st.markdown`, `st.caption`, headings, labels of widgets and
expanders, messages) render Markdown; pages give them fixed words only.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal

import streamlit as st

Look = Literal["title", "lead", "body", "quiet", "quote", "step", "shop"]
#: Fixed words for what an insight can be; anything else is said as it is not known.
STATE_COLOURS: Mapping[str, Literal["red", "orange", "blue", "green", "gray"]] = {
    "open": "red",
    "active": "red",
    "watching": "orange",
    "resolved": "green",
}
TIER_COLOURS: Mapping[int, Literal["red", "orange", "gray"]] = {1: "red", 2: "orange", 3: "gray"}


def say(text: str, look: Look, key: str) -> None:
    """Text from data, as text. `key` is unique on the page; with the look it is what the style sheet knows the text by."""
    if text:
        with st.container(key=f"look-{look}-{_key(key)}"):
            st.text(text)


def say_lines(lines: Iterable[str], look: Look, key: str) -> None:
    """Several lines of one look in one element."""
    say("\n".join(lines), look, key)


def pairs(entries: Sequence[tuple[str, str]], key: str) -> None:
    """Fixed names with texts from data beside them, one pair a line; entries without text are left out."""
    for n, (name, text) in enumerate(entry for entry in entries if entry[1]):
        left, right = st.columns([1, 5], gap="small")
        with left:
            st.caption(name)
        with right:
            say(text, "body", f"{key}-{n}")


def badges(tier: int, state: str, *, provisional: bool = False, urgent: bool = False) -> None:
    """Tier and state in fixed words."""
    with st.container(horizontal=True, gap="small"):
        st.badge(f"Tier {int(tier)}", color=TIER_COLOURS.get(int(tier), "gray"))
        st.badge(state if state in STATE_COLOURS else "state not known", color=STATE_COLOURS.get(state, "gray"))
        if urgent:
            st.badge("safety: reaches a person at once", color="red")
        if provisional:
            st.badge("provisional", color="blue")


def grid(rows: Sequence[Mapping[str, Any]], key: str, columns: Mapping[str, Any] | None = None, height: int | Literal["auto", "content"] = "auto") -> None:
    """Rows from data in a grid, whose cells hold text, numbers and days and render nothing."""
    st.dataframe(list(rows), key=key, hide_index=True, width="stretch", height=height, placeholder="–", column_config=dict(columns or {}))


def notice(text: str, key: str) -> None:
    """What was just recorded, with the words a person wrote in it."""
    with st.container(key=f"notice-{_key(key)}"):
        st.text(text)


def _key(key: str) -> str:
    return "".join(character if character.isalnum() or character in "-_" else "-" for character in key)
