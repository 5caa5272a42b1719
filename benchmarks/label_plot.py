"""The learning curves as one picture: a small plot a set, reviews as they come beside reviews by the queue, the supervised line dashed.

Belongs here: drawing. Does not belong here: the figures (`label_curve`), the page (`labels`).
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Any

from insights_assets.actions.plots import ACCENT, INK, QUIET, inline

_COLUMNS = 4


def plot(found: Sequence[dict[str, Any]]) -> str:
    """One SVG; the same figures give the same bytes."""
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    with rc_context({"svg.hashsalt": "learning curves", "svg.fonttype": "none", "font.family": "sans-serif", "font.size": 7}):
        rows = -(-len(found) // _COLUMNS)
        figure = Figure(figsize=(8.4, 1.9 * rows + 0.3), layout="constrained")
        panels = figure.subplots(rows, _COLUMNS, squeeze=False, sharex=True)
        for panel in panels.flat[len(found) :]:
            panel.set_axis_off()
        for axes, one in zip(panels.flat, found, strict=False):
            for (way, points), colour in zip(one["curves"].items(), (QUIET, ACCENT), strict=False):
                sizes = [int(size) for size in points]
                means, spreads = ([point[name] for point in points.values()] for name in ("mean", "spread"))
                axes.errorbar(sizes, means, yerr=spreads, color=colour, linewidth=1.2, elinewidth=0.6, capsize=1.5, marker="o", markersize=2.5, label=way)
            axes.axhline(one["supervised"], color=INK, linewidth=0.8, linestyle=(0, (3, 2)), label="supervised")
            axes.set_title(one["set"], fontsize=7, color=INK)
            axes.tick_params(length=2, colors=INK)
            for side in ("top", "right"):
                axes.spines[side].set_visible(False)
        if len(found):
            handles, names = panels.flat[0].get_legend_handles_labels()
            figure.legend(handles, names, loc="outside upper center", ncols=3, frameon=False)
        figure.supxlabel("reviews", fontsize=7, color=INK)
        figure.supylabel("macro-F1", fontsize=7, color=INK)
        out = io.StringIO()
        figure.savefig(out, format="svg", metadata={"Date": None, "Creator": None, "Format": None, "Type": None})
        return inline(out.getvalue(), "Learning curves: macro-F1 of each public set against reviews, as they come and by the queue")
