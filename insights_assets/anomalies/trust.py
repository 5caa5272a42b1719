"""The trust certificate: what an answer rests on, condition by condition, and whether it may be relied on (promise 10).

Belongs here: pure judgements from counts to pass, fail or too few with a reason. Does not belong here: reading tables
(`build_trust.py`), what follows (the check on the table, `insights answer`).

Two conditions hold the publication back when they fail: a record that cannot be accounted for, and a contact detail in text that
people would read. The others make answers untrusted and say why; the figures stay visible, since hiding a quarantine of 6 % would
also hide the ticket that tells of it. Too few is neither: figures are provisional.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Any

from insights_assets.anomalies.drift_rule import OF_THE_LABELS, JudgedWindow, lasting
from insights_assets.shop.model import Acceptance

OVERALL = "overall"
#: Conditions whose fail holds the publication back.
STOPPING = ("records_accounted", "no_contact_details_in_text")


def condition(name: str, answer: str, reason: str, *, figure: float | None = None, limit: float | None = None, records: int | None = None) -> dict[str, Any]:
    """A row of the certificate."""
    return {
        "condition": name, "answer": answer, "figure": None if figure is None else round(float(figure), 4), "limit": limit, "records": records,
        "stops_publication": name in STOPPING, "reason": reason,
    }  # fmt: skip


def sources(rows: Sequence[Mapping[str, Any]], limit: float, least: int) -> list[dict[str, Any]]:
    """Is every record accounted for, and is little of any source in quarantine? Rows of `canonical.source_completeness`."""
    came = sum(row["raw_count"] for row in rows)
    lost = sum(abs(row["unexplained_count"]) for row in rows)
    named = ", ".join(f"{row['source']} {row['unexplained_count']}" for row in rows if row["unexplained_count"])
    accounted = condition(
        "records_accounted", "fail" if lost else "pass" if came else "too_few", f"{lost} records are in neither or both of typed and quarantined: {named}" if lost else f"all {came:,} records",
        figure=lost, limit=0, records=came,
    )  # fmt: skip
    measured = [row for row in rows if row["raw_count"] >= least]
    worst = max(measured, key=lambda row: (row["quarantine_share"] or 0.0, row["source"]), default=None)
    if worst is None:
        return [accounted, condition("quarantine_share_small", "too_few", f"no source has {least} records", limit=limit, records=came)]
    share = float(worst["quarantine_share"] or 0.0)
    return [accounted, condition(
        "quarantine_share_small", "fail" if share > limit else "pass", f"{100 * share:.1f} % of {worst['source']} is in quarantine, the most of any source",
        figure=share, limit=limit, records=worst["raw_count"],
    )]  # fmt: skip


def deliveries(findings: Sequence[Mapping[str, Any]], wanted: Sequence[str]) -> dict[str, Any]:
    """Do the sources that the question is about still deliver? Rows of `anomalies.data_findings`."""
    silent = sorted({row["source"] for row in findings if row["kind"] == "source_silent" and not row["is_over"] and row["source"] in wanted})
    return condition("sources_deliver", "fail" if silent else "pass", f"silent: {', '.join(silent)}" if silent else f"{', '.join(wanted)} deliver as usual", figure=len(silent), limit=0)


def redaction(found: int, texts: int) -> dict[str, Any]:
    """Did redaction leave a contact detail in text?"""
    reason = f"{found} texts still hold an e-mail address or card number" if found else f"none in {texts:,} texts"
    return condition("no_contact_details_in_text", "fail" if found else "pass" if texts else "too_few", reason, figure=found, limit=0, records=texts)


def falls_short(row: Mapping[str, Any], acceptance: Acceptance) -> bool:
    """Whether a label gate failed because precision or recall is lower than wanted, not only because it is not proven yet.

    The gate asks for the lower bound of the interval; with little reviewed that fails although the figure itself is fine.
    """
    return row["gate"] == "fail" and (float(row["precision"]) < acceptance.label_precision_low or float(row["recall"]) < acceptance.label_recall_low)


def label_gate(rows: Iterable[Mapping[str, Any]], topics: Sequence[str], acceptance: Acceptance) -> list[dict[str, Any]]:
    """The labels' own gates: over all topics, and those of the question. Rows of `labels.label_quality`.

    One failed topic makes its own row fail; the answer as a whole fails with the gate over all topics, because the share of a
    failed topic can still be corrected by what reviewers found. A gate that is only not proven yet is too few.
    """

    def judged(name: str, row: Mapping[str, Any]) -> dict[str, Any]:
        answer, reason = row["gate"], row["reason"]
        if answer == "fail" and not falls_short(row, acceptance):
            answer, reason = "too_few", f"not proven yet: {reason}"
        return condition(name, answer, reason, figure=row["f1"], records=row["reviewed_count"])

    by_topic = {row["topic"]: row for row in rows}
    whole = by_topic.get("micro")
    found = [judged("labels_hold_their_gate", whole) if whole else condition("labels_hold_their_gate", "too_few", "nothing is reviewed", records=0)]
    return found + [judged(f"label_gate:{topic}", by_topic[topic]) for topic in topics if topic in by_topic]


def drift(windows: Sequence[JudgedWindow], runs: int, reviewed_through: date | None) -> dict[str, Any]:
    """Do the labels still meet what they were made for? A shift of shares is the world's; lasting doubt or new words are the labels'."""
    if len(windows) < 2:
        return condition("labels_fit_the_language", "too_few", "no window was compared with an earlier one yet", records=len(windows))
    found = [one for one in lasting(windows, runs) if one.rule in OF_THE_LABELS]
    last = windows[-1].last
    if not found:
        return condition("labels_fit_the_language", "pass", f"confidence, novelty and unknown words up to {last} do not differ lastingly", figure=0, limit=0)
    said = "; ".join(one.reason for one in found)
    if reviewed_through is not None and reviewed_through >= last:
        return condition("labels_fit_the_language", "pass", f"{said}; reviewed up to {reviewed_through}", figure=len(found), limit=0)
    return condition("labels_fit_the_language", "fail", f"{said}; the model review is due", figure=len(found), limit=0)


def corrected(rows: Sequence[Mapping[str, Any]], topics: Sequence[str]) -> dict[str, Any]:
    """Can the shares of the question's topics be corrected for the labels' errors?"""
    can = {row["topic"] for row in rows if row["answer"] == "corrected"} & set(topics)
    reason = f"{len(can)} of {len(topics)} topics have 30 reviewed records on both sides"
    return condition("shares_are_corrected", "pass" if topics and len(can) == len(topics) else "too_few", reason, figure=len(can), limit=len(topics))


def overall(conditions: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """All of them together: one fail fails, else one too few is too few. Rows of single topics inform and do not count."""
    counted = [row for row in conditions if ":" not in row["condition"]]
    failed = [row for row in counted if row["answer"] == "fail"]
    few = [row for row in counted if row["answer"] == "too_few"]
    answer = "fail" if failed else "too_few" if few else "pass"
    reason = "; ".join(f"{row['condition'].replace('_', ' ')}: {row['reason']}" for row in failed or few) or f"{len(counted)} conditions hold"
    return {**condition(OVERALL, answer, reason), "stops_publication": any(row["stops_publication"] for row in failed)}
