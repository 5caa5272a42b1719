"""Who is who (R40): one keyed pseudonym per person across sources, and the known personal values that redaction looks for first.

A record's person is its customer id; else the customer whose e-mail it carries; else the e-mail or the author's handle itself.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from insights_assets.engine.bounds import in_few_batches

if TYPE_CHECKING:
    import pyarrow as pa
    from pyspark.sql import DataFrame

_KEY_BYTES = 32
#: Sources whose records state whose name and address they bear.
CONTACT_SOURCES = ("orders", "reviews", "support_tickets", "chats")


def customer_secret(home: Path, given: str | None) -> bytes:
    """The key of the pseudonyms: the given one, else the home's own, made once and readable by its owner only."""
    if given:
        return given.encode()
    path = home / "keys" / "customer_key"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        unfinished = path.with_suffix(".new")
        unfinished.write_text(secrets.token_hex(_KEY_BYTES), encoding="ascii")
        unfinished.chmod(0o600)
        unfinished.replace(path)
    return path.read_text(encoding="ascii").strip().encode()


def pseudonym(secret: bytes, identity: str) -> str:
    """HMAC-SHA-256 of an identity, 24 hex digits."""
    return hmac.new(secret, identity.encode(), hashlib.sha256).hexdigest()[:24]


def contacts(bronze: Mapping[str, DataFrame]) -> DataFrame:
    """(customer_id, name, e-mail) of every record of any source that states them, as often as it is stated."""
    from functools import reduce

    from pyspark.sql import functions as F

    parts = [
        in_few_batches(frame.where("customer_id IS NOT NULL").select("customer_id", F.trim("customer_name").alias("name"), F.lower(F.trim("customer_email")).alias("email")))
        for frame in bronze.values()
        if {"customer_id", "customer_name", "customer_email"} <= set(frame.columns)
    ]
    return reduce(lambda left, right: left.unionByName(right), parts)


def contacts_of(people: DataFrame, voices: DataFrame) -> DataFrame:
    """The contacts that the voices can need, each once: of their customers, and of those who own their e-mail addresses.

    What is asked of all contacts then costs what the new voices are, not what the shop's history is.
    """
    from pyspark.sql import functions as F

    emails = voices.where("customer_email IS NOT NULL").select(F.col("customer_email").alias("email")).distinct()
    owners = people.join(emails, "email", "left_semi").select("customer_id")
    wanted = voices.where("customer_id IS NOT NULL").select("customer_id").unionByName(owners).distinct()
    # Whoever shares an address with a voice stays too: the smallest id of an address is its one customer.
    return people.join(wanted, "customer_id", "left_semi").distinct()


def known_values(people: DataFrame) -> DataFrame:
    """Per customer the names and e-mails that are his or hers."""
    from pyspark.sql import functions as F

    return people.groupBy("customer_id").agg(F.collect_set("name").alias("known_names"), F.collect_set("email").alias("known_emails"))


def customer_by_email(people: DataFrame) -> DataFrame:
    """The one customer of an e-mail address; the smallest id where several claim it, so that the choice is stable."""
    from pyspark.sql import functions as F

    return people.where("email IS NOT NULL").groupBy(F.col("email").alias("customer_email")).agg(F.min("customer_id").alias("email_customer_id"))


def pseudonyms(customer_ids: DataFrame, secret: bytes) -> DataFrame:
    """(customer_id, customer_key) for distinct ids."""
    return customer_ids.where("customer_id IS NOT NULL").select("customer_id").distinct().mapInArrow(_keyer(secret), "customer_id string, customer_key string")


def _keyer(secret: bytes) -> Callable[[Iterator[pa.RecordBatch]], Iterator[pa.RecordBatch]]:
    def key_batches(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        import pyarrow as pa

        for batch in batches:
            ids = batch.column(0).to_pylist()
            keys = [pseudonym(secret, f"customer:{one}") for one in ids]
            yield pa.RecordBatch.from_arrays([pa.array(ids, pa.string()), pa.array(keys, pa.string())], names=["customer_id", "customer_key"])

    return key_batches
