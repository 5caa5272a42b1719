"""Names and addresses that were told after a record was written: which stored feedback has to be identified and redacted again.

A ticket that says "it is me, Jana" from an address nobody knew keeps the name until the order of that address tells whose it is.
Belongs here: the days on which that happened. Not here: who is who (`identity.py`), what redaction finds (`redaction/`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import date
from typing import TYPE_CHECKING

from insights_assets.canonical.identity import CONTACT_SOURCES, contacts, pseudonym
from insights_assets.canonical.tables import CONVERSATIONS, FEEDBACK
from insights_assets.sources.tables import BRONZE

if TYPE_CHECKING:
    import pyarrow as pa
    from pyspark.sql import DataFrame

    from insights_assets.canonical.enrich import EnrichSettings
    from insights_assets.resources.step import Step

_KEYED = "customer_id string, name string, email string, customer_key string, email_key string"
_CONTACT = ("customer_id", "name", "email")


def days(step: Step, settings: EnrichSettings) -> set[date]:
    """Days of stored feedback of people of whom a name or an address was told since the last success, where that changes what is stored."""
    from pyspark.sql import functions as F

    came, earlier = {}, {}
    for name in CONTACT_SOURCES:
        rows, changed = step.read(BRONZE[name]), step.changed_days(BRONZE[name])
        if changed == set():
            earlier[name] = rows
            continue
        if changed is not None:
            is_new = F.col("received_day").isin(sorted(changed))
        elif step.previous_as_of is not None:
            # A job knows no last success. What became known since the last published run is nearly that: a name mended in an old record is missed.
            is_new = F.col("known_day") >= F.lit(step.previous_as_of)
        else:
            is_new = F.lit(True)
        came[name], earlier[name] = rows.where(is_new), rows.where(~is_new)
    if not came:
        return set()
    feedback, names = step.read(FEEDBACK), ("feedback_told", "feedback_told_anew")
    try:
        told = step.lake.scratch(names[0], _of_who_spoke(step.lake.narrow(contacts(came).distinct()), feedback, settings))
        new = step.lake.scratch(names[1], _not_told_before(told, earlier))
        if not new.limit(1).count():
            return set()
        found = _of_new_customers(feedback, new).union(_that_speaks_of(feedback, step.read(CONVERSATIONS), new, settings, step.lake.narrow))
        return set(found.distinct().toArrow().column(0).to_pylist())
    finally:
        step.lake.clear_scratch(*names)  # names and addresses of people


def _of_who_spoke(came: DataFrame, feedback: DataFrame, settings: EnrichSettings) -> DataFrame:
    """Contacts with the pseudonyms of records of that customer and of records of the address alone, where there is feedback by one of them."""
    from pyspark.sql import functions as F

    told = came.mapInArrow(_keyer(settings.secret), _KEYED)
    keys = feedback.where("customer_key IS NOT NULL").select("customer_key").distinct()
    by_address = told.join(keys.select(F.col("customer_key").alias("email_key")), "email_key", "left_semi")
    return told.join(keys, "customer_key", "left_semi").unionByName(by_address).distinct()


def _not_told_before(came: DataFrame, earlier: Mapping[str, DataFrame]) -> DataFrame:
    """Those of the contacts that no earlier row of any source states."""
    from pyspark.sql import functions as F

    # As one text, since the names and addresses of a contact may be null and nulls do not meet in a join.
    contact = F.concat_ws("\x1f", *(F.coalesce(name, F.lit("")) for name in _CONTACT)).alias("contact")
    told = contacts(earlier).join(came.select("customer_id").distinct(), "customer_id", "left_semi").select(contact).distinct()
    return came.withColumn("contact", contact).join(told, "contact", "left_anti").drop("contact")


def _of_new_customers(feedback: DataFrame, new: DataFrame) -> DataFrame:
    """received_day of feedback that is known by an address alone and is now a customer's."""
    from pyspark.sql import functions as F

    owned = new.where("email_key IS NOT NULL").select(F.col("email_key").alias("customer_key")).distinct()
    return feedback.select("customer_key", "received_day").join(owned, "customer_key", "left_semi").select("received_day")


def _that_speaks_of(feedback: DataFrame, turns: DataFrame, new: DataFrame, settings: EnrichSettings, narrow: Callable[[DataFrame], DataFrame]) -> DataFrame:
    """received_day of feedback and of conversations' turns in whose stored words stands what is now known of their customer."""
    who = new.select("customer_key", "name", "email").distinct()
    spoken = feedback.select("feedback_id", "received_day", "customer_key", "text").join(who, "customer_key")
    said = spoken.where("text IS NOT NULL").select("received_day", "text", "name", "email").unionByName(
        turns.select("feedback_id", "received_day", "text").join(spoken.drop("text", "customer_key"), ["feedback_id", "received_day"]).select("received_day", "text", "name", "email")
    )
    return narrow(said).mapInArrow(_finder(settings.product_words), "received_day date")


def _keyer(secret: bytes) -> Callable[[Iterator[pa.RecordBatch]], Iterator[pa.RecordBatch]]:
    def key_batches(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        import pyarrow as pa

        for batch in batches:
            columns = [batch.column(name) for name in _CONTACT]
            keys = [pa.array([pseudonym(secret, f"customer:{value}") for value in columns[0].to_pylist()], pa.string())]
            keys.append(pa.array([pseudonym(secret, f"email:{value}") if value else None for value in columns[2].to_pylist()], pa.string()))
            yield pa.RecordBatch.from_arrays([*columns, *keys], names=[*_CONTACT, "customer_key", "email_key"])

    return key_batches


def _finder(product_words: frozenset[str]) -> Callable[[Iterator[pa.RecordBatch]], Iterator[pa.RecordBatch]]:
    def find(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        import pyarrow as pa

        from insights_assets.canonical.redaction import Known, Redactor

        redactor = Redactor(product_words=product_words)
        for batch in batches:
            days = [
                row["received_day"] for row in batch.to_pylist()
                if redactor.knows_in(row["text"], Known(names=_given(row["name"]), emails=_given(row["email"])))
            ]
            yield pa.RecordBatch.from_arrays([pa.array(days, pa.date32())], names=["received_day"])

    return find


def _given(value: str | None) -> tuple[str, ...]:
    return (value,) if value else ()
