"""The embeddings step: which model the home has, and a vector for every distinct complaint that has none yet.

Belongs here: learning the model once, embedding what is missing. Does not belong here: models (`word_space.py`),
themes.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from insights_assets.canonical.tables import FEEDBACK, PRODUCTS
from insights_assets.clusters.complaints import complaints
from insights_assets.clusters.embeddings import Embedder, pack
from insights_assets.clusters.tables import EMBEDDINGS
from insights_assets.clusters.word_space import WordSpace
from insights_assets.labels.tables import FEEDBACK_LABELS
from insights_assets.labels.words import tokenise

if TYPE_CHECKING:
    import pyarrow as pa
    from pyspark.sql import DataFrame

    from insights_assets.resources.step import Step

#: Texts the local model learns its words from; with fewer than the least it waits for more.
LEARN_TEXTS, LEAST_LEARN_TEXTS = 15_000, 200
MODEL_FILE = "words.npz"


@dataclass(frozen=True)
class EmbeddingReport:
    """What embedding did. `model_id` is None while there are too few texts to learn from."""

    model_id: str | None
    texts_embedded: int
    texts_without_words: int


def embed_new_texts(step: Step) -> EmbeddingReport:
    """Give the words of every complaint a vector of the home's model; equal words once."""
    from pyspark.sql import functions as F

    embedder = active_embedder(step)
    if embedder is None:
        return EmbeddingReport(None, 0, 0)
    stored = step.read(EMBEDDINGS).where(F.col("model_id") == embedder.model_id).select("text_hash")
    wanted = (
        known_complaints(step, step.changed_days(FEEDBACK, FEEDBACK_LABELS) if step.as_left(EMBEDDINGS) else None)
        .groupBy("text_hash")
        .agg(F.min("words").alias("words"))
        .join(stored, "text_hash", "left_anti")
    )
    wanted = step.lake.narrow(wanted)
    new = step.lake.scratch(
        "clusters_embeddings", wanted.mapInArrow(_embed_batches(embedder, step.run_id), EMBEDDINGS.ddl)
    )
    zero = F.lit(bytes(2 * embedder.dimensions))
    told = (
        new.agg(F.count("*").alias("texts"), F.count_if(F.col("vector") == zero).alias("silent"))
        .toArrow()
        .to_pylist()[0]
    )
    if told["texts"]:
        step.write(EMBEDDINGS, new)
    step.lake.clear_scratch("clusters_embeddings")
    return EmbeddingReport(embedder.model_id, told["texts"], told["silent"])


def known_complaints(step: Step, days: Collection[date] | None = None) -> DataFrame:
    """Complaints known by the end of the as-of day; columns of `complaints.COLUMNS`. `days`: of those received on these days alone."""
    from pyspark.sql import functions as F

    known, labels = step.read(FEEDBACK).where(F.col("known_day") <= F.lit(step.as_of)), step.read(FEEDBACK_LABELS)
    if days is not None:
        known, labels = (frame.where(F.col("received_day").isin(sorted(days))) for frame in (known, labels))
    return complaints(known, labels)


def active_embedder(step: Step) -> Embedder | None:
    """The home's model, learned from its first texts and frozen from then on; None while there are fewer than
    LEAST_LEARN_TEXTS.
    """
    path = _model_path(step)
    if path.is_file():
        return WordSpace.load(path)
    from pyspark.sql import functions as F

    from insights_assets.clusters.learning_words import learn

    known = step.read(FEEDBACK).where(F.col("text").isNotNull() & (F.col("known_day") <= F.lit(step.as_of)))
    # Hashes are random, so the first in their order are a fair sample, and the same one in every run.
    sample = (
        known.groupBy("text_hash").agg(F.min("text").alias("text")).orderBy("text_hash").limit(LEARN_TEXTS).toArrow()
    )
    rows = sorted(zip(sample.column("text_hash").to_pylist(), sample.column("text").to_pylist(), strict=True))
    if len(rows) < LEAST_LEARN_TEXTS:
        return None
    space = learn([text for _, text in rows], quiet_words=product_words(step))
    space.save(path)
    return space


def product_words(step: Step) -> frozenset[str]:
    """Folded words of product names and their aliases: they say which product it is, not what is wrong."""
    rows = step.read(PRODUCTS).select("name", "aliases").toArrow().to_pylist()
    names = [name for row in rows for name in (row["name"], *(row["aliases"] or ())) if name]
    return frozenset(word for word in tokenise(names)[1].words if word[0].isalpha())


def frozen_model(step: Step) -> str:
    """What the stage depends on beside its tables: the frozen model's bytes."""
    path = _model_path(step)
    return hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else "none"


def _model_path(step: Step) -> Path:
    return step.settings.home / "models" / MODEL_FILE


def _embed_batches(embedder: Embedder, run_id: str) -> Callable[[Iterator[pa.RecordBatch]], Iterator[pa.RecordBatch]]:
    """For mapInArrow: (text_hash, words) to rows of the embeddings table."""
    model_id, dimensions = embedder.model_id, embedder.dimensions

    def embed(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        import pyarrow as pa

        for batch in batches:
            size = batch.num_rows
            vectors = pack(embedder.embed(batch.column("words").to_pylist()))
            yield pa.RecordBatch.from_arrays(
                [
                    batch.column("text_hash"),
                    pa.array([model_id] * size, pa.string()),
                    pa.array([dimensions] * size, pa.int32()),
                    pa.array(vectors, pa.binary()),
                    pa.array([run_id] * size, pa.string()),
                ],
                names=EMBEDDINGS.column_names,
            )

    return embed
