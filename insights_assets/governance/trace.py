"""Why was this flagged? From a ticket, an insight or a feedback record back to source records, versions and files (R43, R119, R120).

Reads published tables through the tier-enforcing reader, in the default tier: the answer names raw rows by reference and hash, it
does not show customers' unredacted words.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from insights_assets.actions import wording
from insights_assets.canonical.tables import FEEDBACK, ORDERS, SHIPMENTS
from insights_assets.sources.catalogue import BY_NAME
from insights_assets.sources.tables import RAW
from insights_assets.tables import all_tables

if TYPE_CHECKING:
    from insights_assets.governance.reader import Reader
    from insights_assets.lake.spec import TableSpec

#: Records listed in full for an insight; the rest are named by id.
SHOWN_RECORDS = 8


class UnknownId(LookupError):
    """No published ticket, insight or feedback record has this id."""


@dataclass(frozen=True)
class Trace:
    """What stands behind an id: kind is ticket, insight or feedback; `answer` is JSON-ready."""

    kind: str
    answer: dict[str, Any]


def trace(reader: Reader, identifier: str) -> Trace:
    """Everything behind one id. Raises UnknownId."""
    tickets = _find(reader, "actions.action_tickets", identifier, ("action_id", "external_id", "idempotency_key"))
    if tickets:
        return Trace("ticket", {"ticket": tickets[0], **_insight(reader, tickets[0]["insight_id"])})
    if _find(reader, "anomalies.insights", identifier, ("insight_id",)):
        return Trace("insight", _insight(reader, identifier))
    records = _records(reader, [identifier])
    if records:
        return Trace("feedback", records[0])
    raise UnknownId(f"no ticket, insight or feedback record of the last publication is called {identifier!r}; `insights show insights` lists what there is")


def _spec(name: str) -> TableSpec | None:
    return next((spec for spec in all_tables() if str(spec) == name), None)


def _find(reader: Reader, table: str, identifier: str, columns: tuple[str, ...]) -> list[dict[str, Any]]:
    from pyspark.sql import functions as F

    from insights_assets.governance.reader import plain_rows

    spec = _spec(table)
    if spec is None or not reader.lake.exists(spec):
        return []
    view = reader.view(spec)
    present = [name for name in columns if name in view.frame.columns]
    condition = F.lit(False)
    for name in present:
        condition = condition | (F.col(name) == identifier)
    return plain_rows(view.frame.where(condition).toArrow(), view.columns)


def _insight(reader: Reader, insight_id: str) -> dict[str, Any]:
    found = _find(reader, "anomalies.insights", insight_id, ("insight_id",))
    if not found:
        raise UnknownId(f"insight {insight_id!r} is not in the last publication")
    insight = found[0]
    evidence = list(insight["evidence_ids"] or ())
    answer = {
        "insight": {name: value for name, value in insight.items() if name != "evidence_ids"},
        "causes": sorted(_find(reader, "anomalies.root_causes", insight_id, ("insight_id",)), key=lambda row: row.get("rank") or 0),
        "why": {"rule_or_detector": insight.get("detector"), "score": {name: insight.get(name) for name in ("observed_count", "expected_count", "lift", "p_value")}},
        "records": _records(reader, evidence[:SHOWN_RECORDS]),
        "evidence_ids": evidence,
        "tickets": _find(reader, "actions.action_tickets", insight_id, ("insight_id",)),
    }
    answer["themes"] = _themes(reader, evidence)
    return answer


def _themes(reader: Reader, feedback_ids: list[str]) -> list[dict[str, Any]]:
    from pyspark.sql import functions as F

    members, themes = _spec("clusters.theme_members"), _spec("clusters.themes")
    if members is None or themes is None or not (reader.lake.exists(members) and reader.lake.exists(themes)) or not feedback_ids:
        return []
    counts = reader.view(members).frame.where(F.col("feedback_id").isin(feedback_ids)).groupBy("theme_id").agg(F.count("*").alias("records"))
    named = counts.join(reader.view(themes).frame.select("theme_id", "name"), "theme_id", "left").orderBy(F.desc("records"), "theme_id")
    return named.toArrow().to_pylist()


def _records(reader: Reader, feedback_ids: list[str]) -> list[dict[str, Any]]:
    """Each record with its label, order line, shipment, and the raw payload's table, hash, file and line."""
    from pyspark.sql import functions as F

    if not feedback_ids:
        return []
    rows = {row["feedback_id"]: row for row in reader.view(FEEDBACK).frame.where(F.col("feedback_id").isin(feedback_ids)).toArrow().to_pylist()}
    labels = _by_feedback(reader, "labels.feedback_labels", feedback_ids)
    out = []
    for feedback_id in feedback_ids:
        row = rows.get(feedback_id)
        if row is None:
            continue
        names = ("feedback_id", "source", "record_ref", "channel", "occurred_at", "language", "rating", "nps", "text", "order_id", "order_ref_status")
        out.append({
            **{name: row[name] for name in names},
            "order_line": _one(reader, ORDERS, order_id=row["order_id"], sku=row["sku"]),
            "shipment": _one(reader, SHIPMENTS, fulfilment_id=row["fulfilment_id"]),
            "sku": row["sku"], "sku_source": row["sku_source"], "warehouse": row["warehouse"], "packaging_batch": row["packaging_batch"], "carrier": row["carrier"],
            "label": labels.get(feedback_id),
            "raw": _raw(reader, row),
        })
    return out


def _by_feedback(reader: Reader, table: str, ids: list[str]) -> dict[str, dict[str, Any]]:
    from pyspark.sql import functions as F

    spec = _spec(table)
    if spec is None or not reader.lake.exists(spec):
        return {}
    return {row["feedback_id"]: row for row in reader.view(spec).frame.where(F.col("feedback_id").isin(ids)).toArrow().to_pylist()}


def _one(reader: Reader, spec: TableSpec, **where: Any) -> dict[str, Any] | None:
    from pyspark.sql import functions as F

    if any(value is None for value in where.values()):
        return None
    frame = reader.view(spec).frame
    for name, value in where.items():
        frame = frame.where(F.col(name) == value)
    rows = frame.limit(1).toArrow().to_pylist()
    return rows[0] if rows else None


def _raw(reader: Reader, row: dict[str, Any]) -> dict[str, Any]:
    """Where the record's payload lies: raw table, its hash, the file and line that brought it. Sessions are made of many events."""
    found: dict[str, Any] = {"table": row["raw_table"], "payload_sha256": row["payload_sha256"]}
    if row["source"] in BY_NAME and row["source"] != "clickstream":
        stored = _one(reader, RAW[row["source"]], record_ref=row["record_ref"], payload_sha256=row["payload_sha256"])
        if stored:
            found.update(file=f"{row['source']}/{stored['source_file']}", line=stored["line"], ingested_at=stored["ingested_at"])
    return found


def as_text(found: Trace) -> str:
    """The trace for a person, at most a screen."""
    answer = found.answer
    if found.kind == "feedback":
        return "\n".join(_record_lines(answer))
    insight = answer["insight"]
    topic, raised_by = insight["topic"].replace("_", " "), insight["detector"].replace("_", " ")
    lines = [insight["title"], f"  {topic} · Tier {insight['tier']} · {insight['state']} · raised by the {raised_by}"]
    usual = f", {insight['expected_count']:.1f} usual" if insight["expected_count"] is not None else ""
    lift = f", {insight['lift']:.1f} x" if insight["lift"] is not None else ""
    lines.append(f"  {insight['observed_count']:g} people seen{usual}{lift}; began {insight['onset_day']}")
    for cause in answer["causes"][:3]:
        place = ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in dict(cause.get("attributes") or {}).items()) or "the whole shop"
        rate = f": {wording.saying(insight['topic'])}s on {wording.share(cause['rate'])} of orders" if cause.get("rate") is not None else ""
        other = f" (other {str(cause['compared']).replace('_', ' ')})" if cause.get("role") == "outside" and cause.get("compared") else ""
        lines.append(f"  {'cause' if cause.get('role') == 'cause' else 'beside it'}: {place}{other}{rate}")
    for theme in answer["themes"][:3]:
        records = f"{theme['records']} record{'s' if theme['records'] != 1 else ''}"
        lines.append(f"  theme {theme['theme_id']}: {theme['name']} ({records})" if theme["theme_id"] else f"  in no theme: {records}")
    for ticket in answer["tickets"]:
        kind, state = ticket["kind"].replace("_", " "), ticket["state"].replace("_", " ")
        lines.append(f"  action {ticket['action_id']}: {kind} to {ticket['destination']}, {state}")
    lines.append(f"  records ({len(answer['records'])} of {len(answer['evidence_ids'])} exemplars):")
    for record in answer["records"]:
        lines.extend(f"    {line}" for line in _record_lines(record))
    return "\n".join(lines)


def _record_lines(record: dict[str, Any]) -> list[str]:
    raw, label = record["raw"], record["label"] or {}
    text = (record["text"] or f"rating {record['rating'] or record['nps'] or '-'}").replace("\n", " ")
    topics = ", ".join(topic["topic"] for topic in (label.get("topics") or ()))
    return [
        f"{record['feedback_id']} {record['source']} {record['record_ref']} · {record['occurred_at']:%Y-%m-%d %H:%M} UTC · {text[:110]}",
        f"  order {record['order_id'] or '-'} ({record['order_ref_status']}) · SKU {record['sku'] or '-'} (from {record['sku_source'] or 'nowhere'}) · "
        f"{record['warehouse'] or '-'} / batch {record['packaging_batch'] or '-'} / {record['carrier'] or '-'}",
        f"  labels {topics or '-'} by {label.get('label_source', '-')} ({label.get('model_version') or label.get('rules_version') or '-'}); "
        f"raw {raw['table']} {raw['payload_sha256'][:12]} {raw.get('file', '')}{':' + str(raw['line']) if raw.get('line') else ''}",
    ]
