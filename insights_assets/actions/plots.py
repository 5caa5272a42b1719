"""Small plots as inline SVG: the same input gives the same bytes, with no date, address or script in them.

Belongs here: drawing. Does not belong here: choosing what is drawn. matplotlib is imported when the first plot is
drawn.
"""

from __future__ import annotations

import io
import re
from collections.abc import Sequence
from datetime import date
from typing import TYPE_CHECKING

from insights_assets.actions.wording import short_day

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_UNUSED = re.compile(r"<\?xml.*?\?>|<!DOCTYPE.*?>|<metadata>.*?</metadata>", re.DOTALL)
INK, ACCENT, QUIET = "#334155", "#b91c1c", "#94a3b8"


def daily_plot(daily: Sequence[tuple[date, int]], usual_per_day: float, onset: date | None, label: str) -> str:
    """Complaints a day as bars, those since the onset in red, the usual level dashed; one SVG element with a text
    label.
    """
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    with rc_context({"svg.hashsalt": label, "svg.fonttype": "none", "font.family": "sans-serif", "font.size": 7}):
        figure = Figure(figsize=(4.2, 1.05), layout="constrained")
        axes = figure.add_subplot()
        positions = range(len(daily))
        colours = [ACCENT if onset is not None and day >= onset else QUIET for day, _ in daily]
        axes.bar(positions, [n for _, n in daily], color=colours, width=0.8)
        axes.axhline(usual_per_day, color=INK, linewidth=0.8, linestyle=(0, (3, 2)))
        axes.set_xlim(-0.6, len(daily) - 0.4)
        axes.set_ylim(0, max([n for _, n in daily] + [1, usual_per_day]) * 1.15)
        ticks = [n for n in positions if n % 7 == (len(daily) - 1) % 7]
        axes.set_xticks(ticks, [short_day(daily[n][0]) for n in ticks])
        return drawn(figure, axes, label)


def drawn(figure: Figure, axes: Axes, label: str) -> str:
    """A small plot of counts as inline SVG, its axes as plain as every plot's; the same figure gives the same bytes."""
    from matplotlib.ticker import MaxNLocator

    axes.yaxis.set_major_locator(MaxNLocator(nbins=3, integer=True))
    axes.tick_params(length=2, colors=INK)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    out = io.StringIO()
    figure.savefig(out, format="svg", metadata={"Date": None, "Creator": None, "Format": None, "Type": None})
    return inline(out.getvalue(), label)


def inline(svg: str, label: str) -> str:
    """The figure as one element of a page, with words for who cannot see it."""
    import html

    body = _UNUSED.sub("", svg).strip()
    return body.replace("<svg ", f'<svg role="img" aria-label="{html.escape(label, quote=True)}" ', 1)
