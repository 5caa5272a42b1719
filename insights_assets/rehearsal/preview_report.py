"""A change preview as one page for people: the sentence first, then what would be other than it is, with the lines that bend drawn.

Belongs here: the page and its drawings. Does not belong here: any figure. The same preview gives the same bytes; quotes are redacted and inert.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from insights_assets.actions.escaping import inert
from insights_assets.actions.plots import ACCENT, INK, QUIET, drawn
from insights_assets.actions.wording import day as day_words
from insights_assets.actions.wording import short_day

if TYPE_CHECKING:
    from collections.abc import Sequence

    from jinja2 import Template

    from insights_assets.rehearsal.findings import Finding
    from insights_assets.rehearsal.preview import Preview
    from insights_assets.rehearsal.trends import Week
    from insights_assets.shop.model import Shop

#: Lines that are drawn, and rows of each part that are listed.
DRAWN, LISTED = 6, 40
_QUIET = frozenset({"holds", "stays", "keeps"})
_HEADINGS = {
    "flip": "Records that would get another label", "trend": "Trend lines", "insight": "Insights and their alerts", "ticket": "Open tickets and their evidence", "cost": "Cost",
}


def render(preview: Preview, shop: Shop) -> str:
    """The page as HTML."""
    from markupsafe import Markup

    parts = []
    for kind, heading in _HEADINGS.items():
        mine = [one for one in preview.findings if one.finding == kind]
        told = [one for one in mine if one.answer not in _QUIET or kind in ("flip", "cost")]
        drawn = [one for one in told if one.weeks][:DRAWN]
        parts.append({
            "heading": heading, "rows": [_row(one, shop) for one in told[:LISTED]], "more": max(0, len(told) - LISTED), "quiet": len(mine) - len(told),
            "plots": [{"title": _title(one.subject, shop), "svg": Markup(trend_plot(one.weeks, one.subject))} for one in drawn],  # noqa: S704 drawn here
        })  # fmt: skip
    head = {
        "id": preview.preview_id, "version": preview.change.version, "against": preview.change.against, "as_of": f"{day_words(preview.as_of)} {preview.as_of.year}",
        "summary": preview.findings[0].words, "parts": parts, "shop": inert(shop.name),
    }
    return _template().render(preview=head)


def _row(one: Finding, shop: Shop) -> dict[str, Any]:
    return {
        "answer": one.answer.replace("_", " "), "words": one.words, "quotes": [inert(quote, 200) for quote in one.quotes[:3]], "ids": list(one.sample_ids[:3]),
        "is_loud": one.answer in ("leaves", "vanishes", "appears", "loses_most", "loses"),
    }


def _title(topic: str, shop: Shop) -> str:
    known = shop.policy.topics.get(topic)
    return known.title if known is not None else topic.replace("_", " ")


def trend_plot(weeks: Sequence[Week], label: str) -> str:
    """Weeks under the old labels with their interval as a band, under the new ones as a red line."""
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    with rc_context({"svg.hashsalt": label, "svg.fonttype": "none", "font.family": "sans-serif", "font.size": 7}):
        figure = Figure(figsize=(4.2, 1.3), layout="constrained")
        axes = figure.add_subplot()
        places = list(range(len(weeks)))
        axes.fill_between(places, [week.low for week in weeks], [week.high for week in weeks], color=QUIET, alpha=0.35, linewidth=0)
        axes.plot(places, [week.before for week in weeks], color=INK, linewidth=1.1)
        axes.plot(places, [week.after for week in weeks], color=ACCENT, linewidth=1.1, marker="o", markersize=2.5)
        if any(week.after_low != week.after_high for week in weeks):
            axes.fill_between(places, [week.after_low for week in weeks], [week.after_high for week in weeks], color=ACCENT, alpha=0.15, linewidth=0)
        axes.set_ylim(0, max([week.high for week in weeks] + [week.after_high for week in weeks] + [1.0]) * 1.1)
        axes.set_xticks(places[::2], [short_day(weeks[place].week_day) for place in places[::2]])
        return drawn(figure, axes, f"People a week who speak of {label}: grey under the labels in force with their interval, red under the change")


@cache
def _template() -> Template:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(loader=FileSystemLoader(Path(__file__).parent), autoescape=True, undefined=StrictUndefined, keep_trailing_newline=True)
    return environment.get_template("change_preview.html.j2")
