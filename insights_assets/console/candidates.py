"""Topics that the list lacks, as *Review* shows them: where an analyst meets records that no topic fits.

Belongs here: the words of a candidate in a row, drawing the rows. Does not belong here: finding candidates (`clusters.topic_candidates`), making a new
label set.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import streamlit as st

from insights_assets.actions.escaping import inert
from insights_assets.console import frame, reading
from insights_assets.console.elements import grid
from insights_assets.console.opening import Opened

Row = Mapping[str, Any]
_FOUND_BY = {"model": "the language model", "theme": "a theme", "both": "both"}
#: More rows than this scroll.
_AT_ONCE, _HEIGHT = 12, 420


def draw_candidates(found: Opened, titles: Mapping[str, str]) -> None:
    """The rows behind a fold. Names are a machine's words and quotes are customers': cells of a grid render nothing."""
    rows = candidate_rows(found.reader, str(found.settings.home), found.reader.publication.run_id)
    if not rows:
        return
    with st.expander(f"What the list of topics lacks ({len(rows)})", key="review-candidates-fold"):
        st.caption("Named by the language model, or gathered in a theme without a topic; each by at least three records of two customers. A topic comes with a new label set.")
        columns = {"records": st.column_config.NumberColumn(format="localized"), "customers say": st.column_config.TextColumn(width="large")}
        grid(candidate_lines(rows, titles), "review-candidates", columns, height="content" if len(rows) <= _AT_ONCE else _HEIGHT)


@st.cache_resource(ttl=frame.KEPT_SECONDS, max_entries=4, show_spinner="Reading what no topic names …")
def candidate_rows(_reader: Any, home: str, publication: str) -> list[dict[str, Any]]:
    """Candidates of a publication, largest first; none where an earlier version of the product published it."""
    return sorted(reading.rows(_reader, "clusters.topic_candidates"), key=lambda row: (-row["records_count"], row["candidate_id"]))


def candidate_lines(rows: Sequence[Row], titles: Mapping[str, str]) -> list[dict[str, Any]]:
    """Rows in the reader's words."""
    return [
        {
            "it could be called": inert(str(row["name"]), 60), "also": ", ".join(inert(str(name), 40) for name in row["other_names"] or ()),
            "already a topic": titles.get(row["known_as"], row["known_as"]) if row["known_as"] else None, "records": row["records_count"], "people": row["customers_count"],
            "first seen": row["first_seen_day"], "last seen": row["last_seen_day"], "languages": ", ".join(row["languages"] or ()), "channels": ", ".join(row["channels"] or ()),
            "found by": _FOUND_BY.get(row["found_by"], row["found_by"]), "customers say": " · ".join(inert(str(quote), 160) for quote in row["quotes"] or ()),
        }
        for row in rows
    ]
