"""The themes step: which days want judging and which records want a theme, computed from the tables.

Belongs here: moving frames between the lake and the plain functions. Does not belong here: the functions themselves.

The driver holds the themes and, while it judges days, at most SAMPLE_ROWS distinct texts with their vectors (about
1 KB each); every record is placed by the engine. Where a topic has more texts a day, those with the smallest hashes
stand for the rest: a fair sample, and the same one in every run of as many days.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

import numpy as np

from insights_assets.canonical.tables import FEEDBACK
from insights_assets.clusters.embeddings import Embedder, unpack
from insights_assets.clusters.members import compare, stored_members, write_members
from insights_assets.clusters.naming import name_of, top_terms
from insights_assets.clusters.register import read_book, rows_of, with_decisions
from insights_assets.clusters.tables import EMBEDDINGS, THEME_MEMBERS, THEME_NAMES, THEMES
from insights_assets.clusters.themes import Book, Theme, merge_candidates, rebased
from insights_assets.clusters.vectors import active_embedder, known_complaints, product_words
from insights_assets.clusters.walk import BUFFER_DAYS, Heard, Names, Rules, Timeline, walk
from insights_assets.engine.bounds import arrow_on_driver
from insights_assets.labels.tables import FEEDBACK_LABELS

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

    from insights_assets.clusters.asking_names import Named
    from insights_assets.resources.step import Step

SAMPLE_ROWS = 200_000
SAMPLE_PER_TOPIC_DAY = 80
TOPICS_EXPECTED = 20
#: Members that place a theme in the space of another model.
REBASE_TEXTS = 200


@dataclass(frozen=True)
class ThemeReport:
    """What the step did, and the ids that were there before it."""

    days_judged: int = 0
    themes_born: int = 0
    days_rewritten: int = 0
    ids_before: frozenset[str] = frozenset()
    ids_after: frozenset[str] = frozenset()
    merge_candidates: tuple[tuple[str, str, float], ...] = ()
    naming: Mapping[str, int] = field(default_factory=dict)


def build_themes(step: Step) -> ThemeReport:
    """Judge the whole days since the last run, place what is new, write the members and then the themes.

    Members first: a run killed between the two finds the themes as they were, judges the same days to the same themes,
    and their members are already there.
    """
    from pyspark.sql import functions as F

    embedder = active_embedder(step)
    if embedder is None:
        return ThemeReport()
    vectors = step.read(EMBEDDINGS).where(F.col("model_id") == embedder.model_id).select("text_hash", "vector")
    stored, judged = read_book(step.read_pandas(THEMES))
    book = with_decisions(_in_space_of(embedder, stored, step.read(THEME_MEMBERS), vectors), step.operations.facts)
    last = step.as_of - timedelta(days=1)  # the as-of day may still grow
    looked_at = _days_to_look_at(step, judged)
    said = step.lake.scratch("clusters_complaints", known_complaints(step, looked_at))
    first = judged + timedelta(days=1) if judged else _first_day(said, last)
    timeline = Timeline((first.toordinal(),), (book.places(),))
    if first <= last:
        heard = _heard(said, vectors, stored_members(step, looked_at), (first, last), embedder.dimensions)
        naming = _names(heard, book, product_words(step))
        book, timeline = walk(book, heard, first, last, Rules(embedder.similarity_floor, embedder.model_id, naming))
    compared = compare(step, said, vectors, timeline, (book, stored_members(step, looked_at)))
    days = write_members(step, said, compared, looked_at)
    named = _named(step, book, said if looked_at is None else known_complaints(step))
    book = named.book if named is not None else book
    _write_themes(step, book, max(last, judged or last))
    step.lake.clear_scratch("clusters_complaints", "clusters_placed")
    return ThemeReport(
        days_judged=max(0, (last - first).days + 1),
        themes_born=len(book) - len(stored),
        days_rewritten=len(days),
        ids_before=frozenset(stored.themes),
        ids_after=frozenset(book.themes),
        merge_candidates=tuple(merge_candidates(book)[:10]),
        naming=named.notes if named is not None else {},
    )


def _named(step: Step, book: Book, said: DataFrame) -> Named | None:
    """The book with names by the model; nothing of it is loaded where none is named. Names are written before the themes that bear them."""
    import pandas as pd

    if step.settings.model == "none":
        return None
    from insights_assets.clusters.asking_names import name_themes

    named = name_themes(step, book, said)
    if named.rows:
        step.write(THEME_NAMES, pd.DataFrame(list(named.rows), columns=THEME_NAMES.column_names))
    return named


def _days_to_look_at(step: Step, judged: date | None) -> list[date] | None:
    """Days of receipt on which a complaint can be new, gone, or in a theme that it was not in; None for all of them.

    Those rewritten since the last success, and those of what became known in the weeks that a new theme looks back on.
    """
    from pyspark.sql import functions as F

    changed = step.changed_days(FEEDBACK, FEEDBACK_LABELS, THEME_MEMBERS)
    if judged is None or changed is None or not step.as_left(THEMES):
        return None
    lately = step.read(FEEDBACK).where(F.col("known_day") > F.lit(judged - timedelta(days=BUFFER_DAYS))).select("received_day").distinct()
    return sorted({*changed, *lately.toArrow().column(0).to_pylist()})


def _first_day(said: DataFrame, default: date) -> date:
    found: date | None = said.selectExpr("min(known_day)").toArrow().column(0)[0].as_py()
    return found or default


def _heard(
    said: DataFrame, vectors: DataFrame, members: DataFrame, judged: tuple[date, date], dimensions: int
) -> Heard:
    """Distinct texts of the days to judge (first, last) and of the four weeks before, with the themes found then.

    A theme given by a day that is to be judged (a killed run left it there) is left out, so that it is judged alike.
    """
    from pyspark.sql import functions as F
    from pyspark.sql.window import Window

    first, last = judged
    start = first - timedelta(days=BUFFER_DAYS)
    per_day = max(1, min(SAMPLE_PER_TOPIC_DAY, SAMPLE_ROWS // (TOPICS_EXPECTED * ((last - start).days + 1))))
    before = members.where(F.col("since_day") < F.lit(first)).select("feedback_id", "text_hash", "topic", "theme_id")
    by_hash = Window.partitionBy("known_day", "topic").orderBy("text_hash")
    frame = (
        said.where(F.col("counts") & F.col("known_day").between(F.lit(start), F.lit(last)))
        .join(before, ["feedback_id", "text_hash", "topic"], "left")
        .groupBy("known_day", "topic", "text_hash")
        .agg(
            F.min("feedback_id").alias("feedback_id"),
            F.min("words").alias("words"),
            F.max("theme_id").alias("theme_id"),
        )
        .withColumn("place", F.row_number().over(by_hash))
        .where(F.col("place") <= per_day)
        .join(vectors, "text_hash")
    )
    table = arrow_on_driver(frame, "complaints to group into themes").sort_by([(name, "ascending") for name in ("known_day", "topic", "text_hash")])
    column = {name: np.array(table.column(name).to_pylist(), dtype=object) for name in table.column_names}
    return Heard(
        days=np.array([day.toordinal() for day in column["known_day"]], dtype=np.int64),
        topics=column["topic"],
        text_hashes=column["text_hash"],
        feedback_ids=column["feedback_id"],
        texts=column["words"],
        vectors=unpack(column["vector"], dimensions),
        theme_ids=column["theme_id"],
    )


def _names(heard: Heard, book: Book, quiet_words: frozenset[str]) -> Names:
    """Names a newborn theme by its texts against the others of its topic; no two themes of a topic share a name."""
    taken: dict[str, set[str]] = {}
    for theme in book:
        taken.setdefault(theme.topic, set()).add(theme.name)

    def name(theme: Theme, inside: Any, outside: Any) -> Theme:
        terms = top_terms(heard.texts[inside].tolist(), heard.texts[outside].tolist(), quiet_words)
        own = taken.setdefault(theme.topic, set())
        given = name_of(terms, theme.topic, own)
        own.add(given)
        return replace(theme, name=given, top_terms=tuple(term.shown for term in terms))

    return name


def _in_space_of(embedder: Embedder, book: Book, members: DataFrame, vectors: DataFrame) -> Book:
    """The book in the space of the active model: themes of another model are placed anew by their members, ids
    unchanged.
    """
    from pyspark.sql import functions as F
    from pyspark.sql.window import Window

    foreign = [theme for theme in book if theme.model_id != embedder.model_id]
    if not foreign:
        return book
    first_of = Window.partitionBy("theme_id").orderBy("text_hash")
    texts = members.where("theme_id IS NOT NULL").select("theme_id", "text_hash").distinct().join(vectors, "text_hash")
    rows = texts.withColumn("place", F.row_number().over(first_of)).where(F.col("place") <= REBASE_TEXTS)
    packed: dict[str, list[tuple[str, bytes]]] = {}
    for row in rows.select("theme_id", "text_hash", "vector").toArrow().to_pylist():
        packed.setdefault(row["theme_id"], []).append((row["text_hash"], row["vector"]))
    floor, model_id = embedder.similarity_floor, embedder.model_id
    return book.with_themes(
        rebased(
            theme,
            unpack([vector for _, vector in sorted(packed.get(theme.theme_id, []))], embedder.dimensions),
            floor=floor,
            model_id=model_id,
        )
        for theme in foreign
    )


def _write_themes(step: Step, book: Book, judged_through: date) -> None:
    import pandas as pd
    from pyspark.sql import functions as F

    if not len(book):
        return
    counted = step.read(THEME_MEMBERS).where("theme_id IS NOT NULL").groupBy("theme_id")
    found = (
        counted.agg(F.sum(F.col("counts").cast("bigint")).alias("size"), F.max("known_day").alias("seen"))
        .toArrow()
        .to_pylist()
    )
    sizes = {row["theme_id"]: (int(row["size"]), row["seen"]) for row in found}
    rows = rows_of(book, judged_through, sizes, step.run_id)
    step.write(THEMES, pd.DataFrame(rows, columns=THEMES.column_names))
