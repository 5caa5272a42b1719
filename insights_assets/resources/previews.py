"""What an asset's page shows of its table beside counts: a small table, a plot, a link. Values people read, never raw text.

Belongs here: turning rows that a body has in its hands into Dagster metadata. Does not belong here: reading tables, choosing
what is worth showing (a stage's `assets.py`). Texts are cut and made inert; no column of the raw tier is ever handed in.
Dagster's UI shows Markdown of less than 1,000 characters in place and hides a longer one behind a button, so both fit into that.
"""

import base64
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from itertools import pairwise
from typing import Any

import dagster as dg

SHOWN_IN_PLACE = 990
CELL_CHARACTERS = 72
#: Days of a plot: as many as fit.
DAYS_SHOWN = 56
_BAR = 24


class Link(str):
    """A Markdown link that the house made itself: the one cell that is not escaped."""

    @classmethod
    def to(cls, words: str, address: str) -> "Link":
        return cls(f"[{words}]({address})")


def table(rows: Iterable[Mapping[str, Any]], columns: Mapping[str, str]) -> dg.MarkdownMetadataValue:
    """Rows as a Markdown table; `columns` is heading -> name in the row. Rows that do not fit are counted."""
    found = list(rows)
    lines = ["|".join(columns), "|".join("-" for _ in columns)]
    size = sum(len(line) + 1 for line in lines)
    left = len(found)
    for row in found:
        line = "|".join(_cell(row.get(name)) for name in columns.values())
        if size + len(line) + 24 > SHOWN_IN_PLACE:
            break
        lines.append(line)
        size += len(line) + 1
        left -= 1
    if not found:
        return dg.MetadataValue.md("no rows")
    return dg.MetadataValue.md("\n".join(lines) + (f"\n\nand {left:,} more" if left else ""))


def link(address: str) -> dg.UrlMetadataValue:
    """An address as something to click."""
    return dg.MetadataValue.url(address)


def share_of(value: float, most: float) -> str:
    """A bar of block characters, so that a table shows sizes at a glance."""
    return "█" * max(1, round(_BAR * value / most)) if most > 0 and value > 0 else ""


def days(values: Sequence[tuple[date, float]], caption: str) -> dg.MarkdownMetadataValue:
    """The last days as a line above zero, with the highest value and the first and last date."""
    shown = list(values)[-DAYS_SHOWN:]
    if len(shown) < 2:
        return dg.MetadataValue.md(f"{caption}: fewer than two days")
    most = max(value for _, value in shown) or 1.0
    heights = [round(60 * value / most) for _, value in shown]
    steps = "".join(f"l8 {before - after}" for before, after in pairwise(heights))
    wide = 8 * (len(shown) - 1)
    texts = "".join(
        f"<text x='{x}' y='{y}'{anchor}>{said}</text>"
        for x, y, anchor, said in (
            (0, 14, "", f"{most:,.0f}"), (0, 76, "", "0"), (40, 94, "", _day(shown[0][0])), (40 + wide, 94, " text-anchor='end'", _day(shown[-1][0])),
        )
    )  # fmt: skip
    svg = (
        f"<svg xmlns='http://www.w3.org/2000/svg' width='{wide + 60}' height='98' font-size='12' font-family='sans-serif'><path fill='#fff' d='M0 0h{wide + 60}v98H0'/>"
        f"<path fill='#cbd5e1' stroke='#334155' d='M40 76v-{heights[0]}{steps}V76z'/>{texts}</svg>"
    )
    return dg.MetadataValue.md(f"{caption}\n\n![plot](data:image/svg+xml;base64,{base64.b64encode(svg.encode()).decode()})")


def reliability(points: Sequence[tuple[float, float]], caption: str) -> dg.MarkdownMetadataValue:
    """Points of (stated, right) against the diagonal on which a statement is as sure as it should be."""
    if not points:
        return dg.MetadataValue.md(f"{caption}: nothing to show yet")
    dots = "".join(f"M{round(160 * stated)} {round(160 - 160 * right)}h0" for stated, right in points)
    svg = (
        "<svg xmlns='http://www.w3.org/2000/svg' width='176' height='176' viewBox='-8 -8 176 176'><path fill='#fff' stroke='#999' d='M0 0h160v160H0zM0 160 160 0'/>"
        f"<path stroke='#1d4ed8' stroke-width='9' stroke-linecap='round' d='{dots}'/></svg>"
    )
    return dg.MetadataValue.md(f"{caption}\n\n![plot](data:image/svg+xml;base64,{base64.b64encode(svg.encode()).decode()})")


def _day(day: date) -> str:
    return f"{day.day} {day:%b}"


def _cell(value: Any) -> str:
    if value is None:
        return "–"
    if isinstance(value, Link):
        return str(value)
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:,.2f}".rstrip("0").rstrip(".")
    if isinstance(value, int):
        return f"{value:,}"
    text = " ".join(str(value).split())
    cut = text if len(text) <= CELL_CHARACTERS else f"{text[: CELL_CHARACTERS - 1]}…"
    return "".join(f"\\{c}" if c in "\\`*_[]<>|#~" else c for c in cut)
