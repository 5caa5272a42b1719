"""Building the stage's tables: which days need work, and the rows of those days. Called by the assets with a `Step`.

Work to do is computed from the tables, so a lost tick or a repeated run changes nothing. A day is rebuilt whole.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

from insights_assets.canonical import late_contacts, lineage, orders, slices
from insights_assets.canonical.copies import judge, said, said_before, weigh
from insights_assets.canonical.enrich import EnrichSettings, enrich
from insights_assets.canonical.identity import CONTACT_SOURCES, contacts, contacts_of, customer_by_email, customer_secret, known_values, pseudonyms
from insights_assets.canonical.tables import CONVERSATIONS, DUPLICATES, FEEDBACK, FEEDBACK_TEXT, ORDERS, PRODUCTS, SESSIONS, SHIPMENTS
from insights_assets.canonical.voices import FEEDBACK_SOURCES, voices
from insights_assets.lake.changes import days_that_differ
from insights_assets.sources.tables import BRONZE

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

    from insights_assets.lake.spec import TableSpec
    from insights_assets.resources.step import Step


#: Records, and lines of orders or parcels, of new days that go through the engine at once: what its joins hold grows with them, whatever history is.
RECORDS_AT_ONCE, LINES_AT_ONCE = 500_000, 2_000_000


@dataclass(frozen=True)
class BuildReport:
    """Days rebuilt and rows written by one building step."""

    days: int
    rows: int


def parts_of(days: set[date], rows_of: Mapping[date, int], at_most: int) -> list[set[date]]:
    """The days in order of time, in parts of at most so many rows. A day is never cut, so one that has more is a part of its own.

    >>> [sorted(part) for part in parts_of({1, 2, 3, 4}, {1: 4, 2: 4, 3: 9, 4: 1}, 8)]
    [[1, 2], [3], [4]]
    """
    parts: list[set[date]] = []
    rows = 0
    for day in sorted(days):
        rows += rows_of.get(day, 0)
        if not parts or rows > at_most:
            parts.append(set())
            rows = rows_of.get(day, 0)
        parts[-1].add(day)
    return parts


def touched_days(wanted: DataFrame, stored: DataFrame, key: list[str], among: set[date] | None = None) -> set[date]:
    """Days (of those `among`, where they are known) on which wanted and stored rows differ by (key, payload_sha256, received_day), either way."""
    return days_that_differ(wanted, stored, [*key, "payload_sha256"], among)


def changed_days(step: Step, *specs: TableSpec) -> set[date] | None:
    """`Step.changed_days` for tables whose rows are wanted or not by their own day alone: a slice looks at other tables too, so then it is None."""
    return None if step.shop.slice.limits else step.changed_days(*specs)


def _came(step: Step, spec: TableSpec) -> DataFrame | None:
    """Rows of a table on days that were rewritten since the body's last success, which looked at the others; None where there are none."""
    days = step.changed_days(spec)
    return step.read(spec) if days is None else _on(step.read(spec), days) if days else None


def _known(step: Step, spec: TableSpec) -> DataFrame:
    """Bronze rows that were known by the end of the as-of day."""
    from pyspark.sql import functions as F

    return step.read(spec).where(F.col("known_at") <= F.lit(step.as_of_end))


def _on(frame: DataFrame, days: set[date]) -> DataFrame:
    from pyspark.sql import functions as F

    return frame.where(F.col("received_day").isin(sorted(days)))


def secret_of(step: Step) -> bytes:
    given = step.settings.customer_key_secret
    return customer_secret(step.settings.home, given.get_secret_value() if given else None)


def build_products(step: Step) -> BuildReport:
    result = step.write(PRODUCTS, orders.products(step.read(BRONZE["products"])))
    return BuildReport(0, result.rows)


def build_sessions(step: Step) -> BuildReport:
    wanted = orders.sessions(_known(step, BRONZE["clickstream"])).select(*SESSIONS.column_names)
    wanted = step.lake.scratch("sessions", slices.sessions_in(step.shop.slice, wanted))
    return _rebuild(step, SESSIONS, wanted, ["session_id"])


def build_orders(step: Step) -> BuildReport:
    bronze = slices.order_lines_in(step.shop.slice, _known(step, BRONZE["orders"]), step.read(PRODUCTS))
    keyed = bronze.select("order_id", orders.normal_sku().alias("sku"), "payload_sha256", "received_day")
    days = touched_days(keyed, step.read(ORDERS), ["order_id", "sku"], changed_days(step, BRONZE["orders"], ORDERS)) | _told_otherwise(step)
    if not days:
        return BuildReport(0, 0)
    written = 0
    for part in parts_of(days, step.lake.rows_by_day(BRONZE["orders"]), LINES_AT_ONCE):
        todo = _on(bronze, part)
        identities = pseudonyms(step.lake.narrow(todo), secret_of(step))
        rows = orders.orders(todo, step.read(BRONZE["fx"]), step.read(PRODUCTS), identities, step.shop.reporting_currency)
        written += step.write(ORDERS, rows.select(*ORDERS.column_names), days=part).rows
    return BuildReport(len(days), written)


def _told_otherwise(step: Step) -> set[date]:
    """Days of stored orders that the catalogue or the rates, where those changed since, give another product line or amount."""
    from pyspark.sql import functions as F

    stored, parts = step.read(ORDERS), []
    if not step.as_left(PRODUCTS):
        parts.append(orders.of_another_line(stored, step.read(PRODUCTS)))
    rates = _came(step, BRONZE["fx"])
    since = None if rates is None else rates.select(F.min("happened_day")).toArrow().column(0)[0].as_py()
    if since is not None:
        parts.append(orders.priced_otherwise(stored, step.read(BRONZE["fx"]), since, step.shop.reporting_currency))
    return _days_of(parts)


def _days_of(parts: list[DataFrame]) -> set[date]:
    """The days that these frames of one column hold, asked in one question, or in none where there are no frames."""
    return set(_all_of(parts).distinct().toArrow().column(0).to_pylist()) if parts else set()


def build_shipments(step: Step) -> BuildReport:
    bronze = slices.parcels_in(step.shop.slice, _known(step, BRONZE["fulfilments"]), step.read(ORDERS))
    stored = step.read(SHIPMENTS)
    days = touched_days(bronze, stored, ["fulfilment_id"], changed_days(step, BRONZE["fulfilments"], SHIPMENTS))
    came = _came(step, ORDERS)
    days |= _days_of([orders.of_other_orders(stored, came)] if came is not None else [])
    if not days:
        return BuildReport(0, 0)
    written = 0
    for part in parts_of(days, step.lake.rows_by_day(BRONZE["fulfilments"]), LINES_AT_ONCE):
        rows = orders.shipments(_on(bronze, part), step.read(ORDERS))
        written += step.write(SHIPMENTS, rows.select(*SHIPMENTS.column_names), days=part).rows
    return BuildReport(len(days), written)


def _rebuild(step: Step, spec: TableSpec, wanted: DataFrame, key: list[str]) -> BuildReport:
    days = touched_days(wanted, step.read(spec), key)
    if not days:
        return BuildReport(0, 0)
    result = step.write(spec, _on(wanted, days), days=days)
    return BuildReport(len(days), result.rows)


def usable(frame: DataFrame) -> DataFrame:
    """Voices that say something: text, rating, score, reason or signal, and not mostly empty (R74)."""
    return frame.where(f"NOT ({NULL_HEAVY})")


NULL_HEAVY = (
    "is_null_heavy OR (text_original IS NULL AND turns IS NULL AND rating IS NULL AND nps IS NULL AND reason_code IS NULL AND signal IS NULL)"
)


def all_voices(step: Step) -> DataFrame:
    bronze = {name: _known(step, BRONZE[name]) for name in FEEDBACK_SOURCES}
    return slices.voices_in(step.shop.slice, voices(bronze, step.read(SESSIONS)), step.read(ORDERS), step.read(SHIPMENTS), step.read(PRODUCTS))


def build_feedback(step: Step) -> BuildReport:
    """Feedback, its raw-tier text, its conversations and its duplicates, for the days that need work.

    Days go through in parts, so that memory does not grow with how many there are; who repeats whom is judged once, over all of them. Killed
    between two parts, a run leaves whole days behind, and the next one goes on with the others.
    """
    from pyspark.sql import functions as F

    wanted = usable(all_voices(step))
    stored = step.read(FEEDBACK)
    among = changed_days(step, *(BRONZE[name] for name in FEEDBACK_SOURCES), SESSIONS, FEEDBACK)
    days = touched_days(wanted, stored.select(F.col("source"), "record_ref", "payload_sha256", "received_day"), ["source", "record_ref"], among)
    catalogue = None if step.as_left(PRODUCTS) else step.read(PRODUCTS)
    days |= _days_of(lineage.told_otherwise(stored, _came(step, ORDERS), _came(step, SHIPMENTS), catalogue))
    if step.lake.row_count(FEEDBACK):
        days |= late_contacts.days(step, _enrich_settings(step))
    if not days:
        return BuildReport(0, 0)
    parts = parts_of(days, _arrivals(step), RECORDS_AT_ONCE)
    people = contacts({name: step.read(BRONZE[name]) for name in CONTACT_SOURCES})
    if len(parts) > 1:  # looked through for each of them
        people = step.lake.scratch("feedback_contacts", people.distinct())
    # What a day brings is looked at several times, and to plan the seven sources anew each time takes longer than to read them.
    is_read_again = len(parts) > 1 or step.lake.row_count(FEEDBACK) > 0
    enriched = [_enriched(step, _on(wanted, part), people, f"feedback_enriched_{number}", is_read_again=is_read_again) for number, part in enumerate(parts)]
    texts = step.lake.scratch("feedback_said", _all_of([said(rows) for rows in enriched]))
    before = step.lake.scratch("feedback_said_before", said_before(texts, stored.where(~F.col("received_day").isin(sorted(days)))))
    judged = step.lake.scratch("feedback_judged", judge(texts, before, step.lake.meet))
    rows = sum(_write_feedback(step, frame, judged, part) for frame, part in zip(enriched, parts, strict=True))
    step.lake.clear_scratch("feedback_contacts", "feedback_new", "feedback_people", "feedback_said", "feedback_said_before", "feedback_judged", "feedback_weighed", *(f"feedback_enriched_{n}" for n in range(len(parts))))
    return BuildReport(len(days), rows)


def _arrivals(step: Step) -> dict[date, int]:
    """Records of a day, of all sources of feedback, by the log. Of clicks those are the sessions, which are several clicks each."""
    arrived: Counter[date] = Counter()
    for name in FEEDBACK_SOURCES:
        arrived.update(step.lake.rows_by_day(SESSIONS if name == "clickstream" else BRONZE[name]))
    return arrived


def _enriched(step: Step, rows: DataFrame, people: DataFrame, name: str, *, is_read_again: bool) -> DataFrame:
    """What a record says by itself, put down: identity, language, redacted text, text hash."""
    if is_read_again:
        rows = step.lake.scratch("feedback_new", rows)
        people = step.lake.scratch("feedback_people", contacts_of(people, rows))
    else:
        people = people.distinct()
    return step.lake.scratch(name, enrich(step.lake.narrow(_identified(rows, people)), _enrich_settings(step)))


def _write_feedback(step: Step, enriched: DataFrame, judged: DataFrame, days: set[date]) -> int:
    """The rows of some days in their four tables; `feedback` last, since a day counts as done by it."""
    from pyspark.sql import functions as F

    judged = _on(judged, days)
    joined = lineage.attach_orders(enriched, step.read(ORDERS), step.read(SHIPMENTS), step.read(PRODUCTS))
    weighed = step.lake.scratch("feedback_weighed", weigh(joined, judged))
    versions = {name: step.lake.version(BRONZE[name]) or 0 for name in FEEDBACK_SOURCES}
    raw_version = F.create_map(*[part for name, version in versions.items() for part in (F.lit(name), F.lit(version).cast("bigint"))])
    rows = weighed.withColumns({
        "kind": F.when(F.col("signal").isNotNull(), "signal").when(F.col("text").isNotNull(), "text").otherwise("rating"),
        "raw_table": F.concat(F.lit("sources."), "source", F.lit("_raw")), "raw_version": raw_version[F.col("source")],
        "ingested_at": F.lit(step.clock()).cast("timestamp"), "run_id": F.lit(step.run_id),
    })
    step.write(FEEDBACK_TEXT, weighed.where("text_original IS NOT NULL").select("feedback_id", F.col("text_original").alias("text"), "redactions", "received_day"), days=days)
    step.write(CONVERSATIONS, _turns(weighed), days=days)
    step.write(DUPLICATES, _duplicates(judged), days=days)
    return step.write(FEEDBACK, rows.select(*FEEDBACK.column_names), days=days).rows


def _all_of(frames: list[DataFrame]) -> DataFrame:
    first, *others = frames
    for frame in others:
        first = first.unionByName(frame)
    return first


def _identified(rows: DataFrame, people: DataFrame) -> DataFrame:
    from pyspark.sql import functions as F

    by_email = rows.join(customer_by_email(people), "customer_email", "left")
    one = by_email.withColumn("customer_id", F.coalesce("customer_id", "email_customer_id")).drop("email_customer_id")
    return one.join(known_values(people), "customer_id", "left")


def _enrich_settings(step: Step) -> EnrichSettings:
    words: set[str] = set()
    for row in step.read(PRODUCTS).select("name", "aliases").toArrow().to_pylist():
        for phrase in (row["name"] or "", *(row["aliases"] or ())):
            words.update(part for part in phrase.lower().split() if len(part) > 2)
    return EnrichSettings(secret_of(step), tuple(step.shop.languages), frozenset(words))


def _turns(rows: DataFrame) -> DataFrame:
    from pyspark.sql import functions as F

    exploded = rows.where("turns_redacted IS NOT NULL").select("conversation_id", "feedback_id", "received_day", F.posexplode("turns_redacted").alias("turn", "said"))
    return exploded.select(
        "conversation_id", "feedback_id", F.col("turn").cast("int").alias("turn"), F.lower(F.col("said.speaker")).alias("speaker"),
        F.col("said.said_at_text").alias("said_at_text"), F.col("said.text").alias("text"), "received_day",
    )


def _duplicates(judged: DataFrame) -> DataFrame:
    """From the judged rows alone: none of them lacks its group, so no filter stands between a null and the table's NOT NULL."""
    from pyspark.sql import functions as F

    return judged.select("feedback_id", "duplicate_group", F.col("duplicate_reason").alias("reason"), (F.col("weight") > 0).alias("counts"), "received_day")
