"""Assets of the stage: products, sessions, orders, shipments, feedback, quarantine, completeness."""

from importlib import import_module

from insights_assets.canonical import build
from insights_assets.canonical.quarantine import completeness as account
from insights_assets.canonical.quarantine import quarantine as set_aside
from insights_assets.canonical.quarantine import stray_names
from insights_assets.canonical.tables import (
    CONVERSATIONS,
    DUPLICATES,
    FEEDBACK,
    FEEDBACK_TEXT,
    ORDERS,
    PRODUCTS,
    QUARANTINE,
    SESSIONS,
    SHIPMENTS,
    SOURCE_COMPLETENESS,
)
from insights_assets.canonical.voices import FEEDBACK_SOURCES
from insights_assets.resources import previews, reading_ahead
from insights_assets.resources.memo import nothing_else
from insights_assets.resources.step import Step
from insights_assets.resources.table_assets import Check, table_assets
from insights_assets.sources.tables import BRONZE, RAW


@reading_ahead.ahead
def language_model(step: Step) -> None:
    """What enriching needs: the language model, and the modules of redaction."""
    import_module("insights_assets.canonical.redaction")
    from insights_assets.canonical.language import LanguageDetector

    LanguageDetector(tuple(step.shop.languages)).read_model()


_VOICES = tuple(BRONZE[name] for name in FEEDBACK_SOURCES)


@table_assets(PRODUCTS, reads=(BRONZE["products"],), memo=nothing_else)
def products(step: Step) -> None:
    """The catalogue as everybody downstream reads it."""
    build.build_products(step)


@table_assets(SESSIONS, reads=(BRONZE["clickstream"],), memo=nothing_else, heavy=True)
def sessions(step: Step) -> None:
    """Sessions from events, with what became of them."""
    report = build.build_sessions(step)
    step.note(SESSIONS, days_rebuilt=report.days)


@table_assets(ORDERS, reads=(BRONZE["orders"], BRONZE["fx"], PRODUCTS), memo=nothing_else, heavy=True)
def orders(step: Step) -> None:
    """Order lines in the reporting currency."""
    report = build.build_orders(step)
    step.note(ORDERS, days_rebuilt=report.days)


@table_assets(SHIPMENTS, reads=(BRONZE["fulfilments"], ORDERS), memo=nothing_else, heavy=True)
def shipments(step: Step) -> None:
    """Parcels with their order line."""
    report = build.build_shipments(step)
    step.note(SHIPMENTS, days_rebuilt=report.days)


@table_assets(
    FEEDBACK, FEEDBACK_TEXT, CONVERSATIONS, DUPLICATES,
    reads=(*_VOICES, BRONZE["orders"], ORDERS, SHIPMENTS, PRODUCTS, SESSIONS),
    heavy=True,
    memo=nothing_else,
    checks=(
        Check("feedback_ids_unique", FEEDBACK, "No two rows share a feedback_id.", blocking=True),
        Check("source_tags_present", FEEDBACK, "Every row says which source and raw table it came by (R72).", blocking=True),
        Check("slice_holds_records", FEEDBACK, "The slice of shop.yaml, where there is one, leaves something to look at (R80).", blocking=False),
    ),
)
def feedback(step: Step) -> None:
    """Every customer voice in one shape, redacted, with its order, shipment, warehouse and batch."""
    reading_ahead.wait()
    report = build.build_feedback(step)
    facts = step.read(FEEDBACK).selectExpr(
        "count(*) n", "count(distinct feedback_id) ids", "count_if(source IS NULL OR raw_table IS NULL) untagged",
        "count_if(order_ref_status = 'broken') broken", "count_if(language IN ('und', 'other')) unknown_language", "count_if(packaging_batch IS NOT NULL) with_batch",
    ).toArrow().to_pylist()[0]
    rows = max(facts["n"], 1)
    by_day = step.read(FEEDBACK).groupBy("occurred_day").count().toArrow().to_pylist()
    step.note(FEEDBACK, plot=previews.days(sorted((row["occurred_day"], row["count"]) for row in by_day), "Customer voices a day"))
    step.check("feedback_ids_unique", facts["n"] == facts["ids"], rows=facts["n"], distinct=facts["ids"])
    step.check("source_tags_present", facts["untagged"] == 0, untagged=facts["untagged"])
    limits = step.shop.slice.limits
    step.check("slice_holds_records", not limits or facts["n"] > 0, **{name: ", ".join(values) for name, values in limits.items()})
    step.note(
        FEEDBACK, days_rebuilt=report.days, broken_order_reference_share=round(facts["broken"] / rows, 4),
        unknown_language_share=round(facts["unknown_language"] / rows, 4), traced_to_batch_share=round(facts["with_batch"] / rows, 4),
    )


@table_assets(QUARANTINE, reads=(*RAW.values(), *BRONZE.values(), SESSIONS, ORDERS, SHIPMENTS, PRODUCTS), memo=stray_names)
def quarantine(step: Step) -> None:
    """Everything that came in and could not be used, with its reason."""
    step.note(QUARANTINE, set_aside_now=set_aside(step))
    reasons = step.read(QUARANTINE).groupBy("source", "reason").count().orderBy("source", "reason").toArrow().to_pylist()
    step.note(QUARANTINE, preview=previews.table(reasons, {"Source": "source", "Reason": "reason", "Records": "count"}))


@table_assets(
    SOURCE_COMPLETENESS,
    reads=(*RAW.values(), *BRONZE.values(), QUARANTINE),
    heavy=True,
    memo=nothing_else,
    checks=(
        Check("records_accounted_for", SOURCE_COMPLETENESS, "Raw rows equal typed, superseded and quarantined ones, source by source.", blocking=True),
        Check("quarantine_share_small", SOURCE_COMPLETENESS, "No source has more than 20 % of its records in quarantine.", blocking=False),
    ),
)
def source_completeness(step: Step) -> None:
    """The count that proves nothing was lost."""
    rows = account(step)
    columns = {"Source": "source", "In": "raw_count", "Kept": "bronze_count", "Replaced": "superseded_count", "Set aside": "quarantined_count"}
    step.note(SOURCE_COMPLETENESS, preview=previews.table(rows, columns))
    lost = {row["source"]: row["unexplained_count"] for row in rows if row["unexplained_count"]}
    step.check("records_accounted_for", not lost, unexplained=lost)
    many = {row["source"]: row["quarantine_share"] for row in rows if row["quarantine_share"] > 0.2}
    step.check("quarantine_share_small", not many, shares=many)


ASSETS = [products, sessions, orders, shipments, feedback, quarantine, source_completeness]
