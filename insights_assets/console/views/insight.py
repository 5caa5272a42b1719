"""*Insight*: one issue whole: every record, the series that rang, causes, money, what happened when, and the trace to file and line.

Belongs here: the order on the page. `?insight=INS-…` names the insight; without it the page asks. Does not belong here: reading
and words (the modules of `console/`), and a proof before there is one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import streamlit as st

from insights_assets.actions.model import Issue
from insights_assets.console import details, frame, plots
from insights_assets.console.cards import Card, Judgements, make_card
from insights_assets.console.drawing import draw_open
from insights_assets.console.elements import grid, say
from insights_assets.console.evidence import evidence_table
from insights_assets.console.links import asset_link, path_of, run_link
from insights_assets.console.named import facets, facets_words
from insights_assets.console.opening import Opened
from insights_assets.console.people import place_of
from insights_assets.console.reading import InsightRows, TodayRows
from insights_assets.console.timeline import timeline

Row = dict[str, Any]


@dataclass(frozen=True)
class Shown:
    """The insight on the page, with everything read for it."""

    found: Opened
    card: Card
    row: Row
    rows: InsightRows
    today: TodayRows
    judged: Judgements


def draw(found: Opened) -> None:
    publication, judged = found.reader.publication, frame.judgements(found)
    today = frame.today_rows(found)
    by_id = {row["insight_id"]: row for row in today.insights}
    if not by_id:
        st.header("No insight yet", anchor=False)
        st.write("The published run found nothing that rises. What the detector would have seen stands on Today.")
        st.code(f"insights show insights --home {found.settings.home}", language=None)
        return
    row = choose(by_id)
    if row is None:
        return
    card = make_card(row, today, found.shop, publication.as_of_day, judged)
    place = place_of(card.issue, today.issue_days)
    rows = frame.insight_rows(found, row, (card.issue.topic, place.topic), details.places_of(card.issue, place))
    if not card.records:
        # Today keeps records of open insights only; here they are at hand for every one.
        today = frame.with_records(today, rows)
        card = make_card(row, today, found.shop, publication.as_of_day, judged)
    frame.show_notice()
    with st.container(key=f"card-{card.insight_id}"):
        draw_open(found, card, {other: str(entry["title"]) for other, entry in by_id.items()})
    draw_rest(Shown(found, card, row, rows, today, judged))


def choose(by_id: dict[str, Row]) -> Row | None:
    """The insight of the address, or the one that is picked; None where the address names none that is published."""
    asked = st.query_params.get("insight", "")
    ids = sorted(by_id, key=lambda i: (not Issue.from_row(by_id[i]).is_open, by_id[i]["tier"], -(by_id[i]["risk_per_day_p10"] or 0.0), i))
    if asked and asked not in by_id:
        st.header("No such insight", anchor=False)
        say(f"The published run knows no insight {asked[:64]!r}. It may be of another home, or of a run that is not published.", "lead", "unknown")
        st.code("insights show insights", language=None)
        st.page_link("views/today.py", label="Back to Today", icon=":material/today:")
        return None
    left, right = st.columns([3, 1], vertical_alignment="bottom")
    with left:
        picked = st.selectbox("Insight", ids, index=ids.index(asked) if asked else 0, format_func=lambda i: f"{by_id[i]['title']} · {i}")
    with right:
        frame.ask_person()
    if picked is not None and picked != asked:
        st.query_params["insight"] = picked
    return by_id[picked or ids[0]]


def draw_rest(shown: Shown) -> None:
    issue, row, rows = shown.card.issue, shown.row, shown.rows
    causes = [cause for cause in shown.today.root_causes if cause["insight_id"] == issue.insight_id]
    st.subheader("Why it was flagged", anchor=False)
    say(details.score_words(issue, row), "body", "score")
    draw_series(issue, rows)
    st.subheader("Cause and comparison", anchor=False)
    if causes:
        grid(details.compared_rates(causes), "rates", _RATES, height="content")
    else:
        st.caption("No rate was compared: safety reports stand for themselves, and without orders there is no rate.")
    st.subheader("Money", anchor=False)
    st.caption("Money at risk a day = people over usual x affected orders for each who writes x cost per order x the factors below; every one is stored.")
    grid(details.money_parts(row), "money", {"value": st.column_config.NumberColumn(format="localized")}, height="content")
    draw_named(rows)
    draw_timeline(shown)
    st.subheader(f"All records: {len(rows.records)}", anchor=False)
    st.caption("Redacted. Marked ones stand for the others above. At most 500 are kept with an insight.")
    grid(evidence_table(issue, rows.records, shown.found.shop.zone), "evidence", _EVIDENCE, height=320 if len(rows.records) > 8 else "auto")
    draw_trace(shown)
    draw_proof()


def draw_series(issue: Issue, rows: InsightRows) -> None:
    series = details.judged_series(issue, rows)
    if not series:
        st.caption("No monitored series stands behind it: its reports were judged one by one.")
        return
    picked = st.selectbox("Monitored series, most unusual first", range(len(series)), format_func=lambda n: series[n].name, key=f"series-{issue.insight_id}")
    chosen = series[picked or 0]
    last = chosen.days[-1]
    st.caption(
        f"Dashed: what is usual a day, and the alarms (z about {last.z_alarm:.1f}, running excess {last.cusum_alarm:.1f}). Behind: the state of the "
        "series' incident. While it runs the series is not tested again, so its running excess stands still."
    )
    for n, panel in enumerate(plots.series_plots(chosen.days)):
        st.altair_chart(panel, key=f"judged-{issue.insight_id}-{n}", alt=plots.series_words(chosen.days))


def draw_named(rows: InsightRows) -> None:
    st.subheader("What people name", anchor=False)
    found = facets(rows.records, rows.details)
    if not found:
        st.caption("Its records name no part, carrier, product or place.")
        return
    say(facets_words(found), "body", "named")
    grid(found, "named", _NAMED, height="content" if len(found) <= 12 else 320)


def draw_timeline(shown: Shown) -> None:
    found, judged, insight_id = shown.found, shown.judged, shown.card.insight_id
    st.subheader("What happened when", anchor=False)
    history = [verdict for verdict in found.operations.verdicts.history() if verdict.insight_id == insight_id]
    snoozes = [snooze for snooze in judged.snoozes.values() if snooze.insight_id == insight_id]
    holds = [hold for hold in judged.holds if hold.insight_id == insight_id]
    actions = [action for action in shown.today.actions if action["insight_id"] == insight_id]
    moments = timeline(
        shown.card.issue, shown.row, actions=actions, deliveries=shown.rows.deliveries, judged=[*history, *snoozes, *holds], zone=found.shop.zone
    )  # fmt: skip
    for column, clock, name in zip(st.columns(2, gap="large"), ("shop", "house"), ("In the shop", "In this house"), strict=True):
        with column:
            st.caption(name)
            mine = [moment for moment in moments if moment.clock == clock]
            if mine:
                grid([{"when": moment.at, "what": moment.what} for moment in mine], f"timeline-{clock}", _TIMELINE)
            else:
                st.caption("Nothing yet.")


def draw_trace(shown: Shown) -> None:
    found, card, rows = shown.found, shown.card, shown.rows
    st.subheader("Trace", anchor=False)
    with st.spinner("Following the records to their files …"):
        answer = frame.trace_of(found, card.insight_id)
    grid(details.traced_records(answer, rows.rules), "trace")
    say(details.theme_words(answer), "body", "themes")
    st.caption("Each asset on its path, in Dagster (open while `insights dev` runs)")
    pinned = found.reader.publication.table_versions
    sources = [str(record["source"]) for record in rows.records]
    # Names of our own tables and their versions: nothing from data, so Markdown is safe here.
    with st.container(key="heading-path"):
        for way in path_of(sources, pinned):
            st.markdown(" → ".join(f"[{name}]({asset_link(name)}) v{int(pinned[name])}" for name in way))
    with st.container(horizontal=True, gap="small"):
        for label, run in (("Run that wrote it", card.run_id), ("Run that published it", found.reader.publication.run_id)):
            if link := run_link(run):
                st.link_button(label, link, icon=":material/open_in_new:")
    st.code(f"insights trace {card.insight_id} --home {found.settings.home}", language=None)


def draw_proof() -> None:
    st.subheader("Proof", anchor=False)
    st.info(
        "Not there yet. A proof will rebuild the ticket offline, from the hashes of the raw records to its text, and say *equal* or *differs at "
        "step k*. Until then the trace above is what there is: it names every record, label version, file and line, and the table versions "
        "that were published, but nothing replays them."
    )


_RATES = {
    "where": st.column_config.TextColumn(width="large"),
    "share of orders": st.column_config.NumberColumn(format="%.2f %%"),
    "orders": st.column_config.NumberColumn(format="localized"),
    "chance if alike": st.column_config.NumberColumn(format="%.2g"),
}
_NAMED = {
    "named": st.column_config.TextColumn(width="medium"),
    "share of people": st.column_config.NumberColumn(format="%.1f %%"),
}
_EVIDENCE = {
    "exemplar": st.column_config.CheckboxColumn(width="small"),
    "said at": st.column_config.DatetimeColumn(format="ddd D MMM, HH:mm"),
    "what was said": st.column_config.TextColumn(width="large"),
    "confidence": st.column_config.NumberColumn(format="%.2f"),
}
_TIMELINE = {"when": st.column_config.TextColumn(width=140), "what": st.column_config.TextColumn(width="large")}

draw(frame.opened())
