"""Page elements for text from data. Everything customers, sources, teams or judges wrote reaches a page through here.

Belongs here: showing such text as text: never as Markdown or HTML, in no label, in no tooltip that renders Markdown. Does not
belong here: what is shown. Streamlit's own text calls (`st.write`, `st.markdown`, `st.caption`, headings, labels of widgets and
expanders, messages) render Markdown; pages give them fixed words only.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import Any, Literal

import streamlit as st

from insights_assets.actions import wording

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


#: Rows that a narrow screen shows.
NARROW_ROWS = 20


def grid(rows: Sequence[Mapping[str, Any]], key: str, columns: Mapping[str, Any] | None = None, height: int | Literal["auto", "content"] = "auto") -> None:
    """Rows from data in a grid, whose cells hold text, numbers and days and render nothing; on a telephone as lines, since columns would be cut there.

    The style sheet shows one of the two.
    """
    with st.container(key=f"wide-{_key(key)}"):
        st.dataframe(list(rows), key=key, hide_index=True, width="stretch", height=height, placeholder="–", column_config=dict(columns or {}))
    if rows:
        with st.container(key=f"narrow-{_key(key)}"):
            st.text(narrow_words(rows, columns or {}))


def narrow_words(rows: Sequence[Mapping[str, Any]], columns: Mapping[str, Any]) -> str:
    """Each row as a line of its first text and a line of the rest with their names."""
    head = next((name for name in rows[0] if any(_is_text(row[name]) for row in rows)), next(iter(rows[0])))
    said = []
    for row in rows[:NARROW_ROWS]:
        rest = [words for name, value in row.items() if name != head and (words := _cell_words(name, value, columns.get(name)))]
        said.append("\n".join(part for part in (str(row[head] if row[head] is not None else "–"), " · ".join(rest)) if part))
    more = [f"and {len(rows) - NARROW_ROWS} more, on a wider screen"] if len(rows) > NARROW_ROWS else []
    return "\n\n".join([*said, *more])


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and not value.startswith(("/", "http"))


def _cell_words(name: str, value: Any, column: Any) -> str:
    """A cell with its name; empty where it says nothing or is a link, which text cannot be."""
    if value is None or value == "" or value is False:
        return ""
    if isinstance(value, str):
        return f"{name}: {value}" if _is_text(value) else ""
    if value is True:
        return name
    if isinstance(value, datetime):
        return f"{name}: {wording.day(value.date())}, {value:%H:%M}"
    if isinstance(value, date):
        return f"{name}: {wording.day(value)}"
    form = ((column or {}).get("type_config") or {}).get("format") if isinstance(column, dict) else None
    if form == "percent":
        return f"{name}: {wording.share(float(value))}"
    if isinstance(form, str) and form.startswith("%"):
        return f"{name}: {form % value}"
    return f"{name}: {value:,.4g}" if isinstance(value, float) and abs(value) < 1000 else f"{name}: {value:,.0f}"


def notice(text: str, key: str) -> None:
    """What was just recorded, with the words a person wrote in it."""
    with st.container(key=f"notice-{_key(key)}"):
        st.text(text)


def _key(key: str) -> str:
    return "".join(character if character.isalnum() or character in "-_" else "-" for character in key)
