"""Building `anomalies.drift`: which windows are new, what is read for them, and their rows. Called with a `Step`.

Belongs here: reading and writing. Does not belong here: the statistics (`drift.py`). Work is computed from the table: a window
that is stored is never judged again, so what a later delivery or relabelling brings changes no judgement of the past. Only whole
days are pooled; the as-of day may still grow. The driver holds counts by day and a sample of texts, never all of them.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

import numpy as np

from insights_assets.anomalies import drift
from insights_assets.anomalies.drift import Counts, Window
from insights_assets.anomalies.soundness_tables import DRIFT
from insights_assets.anomalies.tables import INSIGHTS
from insights_assets.canonical.tables import FEEDBACK, PRODUCTS
from insights_assets.clusters.embeddings import unpack
from insights_assets.clusters.tables import EMBEDDINGS, THEME_MEMBERS, THEMES
from insights_assets.engine.bounds import arrow_on_driver
from insights_assets.labels.models import active_file, active_version
from insights_assets.labels.tables import FEEDBACK_LABELS
from insights_assets.sources.tables import BRONZE

if TYPE_CHECKING:
    import pandas as pd

    from insights_assets.resources.step import Step

#: Texts of a window that stand for the others, as many from each day: those with the smallest hashes, a fair sample and always the same.
TEXTS_A_WINDOW, LEAST_A_DAY = 250, 20
#: New language is looked for so long after a launch.
LAUNCH_DAYS = 28


@dataclass(frozen=True)
class Readings:
    """What the days in question hold: counts by day, and samples of vectors and texts."""

    topics: pd.DataFrame
    themes: pd.DataFrame
    born: Mapping[str, date]
    topic_of: Mapping[str, str]
    names: Mapping[str, str]
    vectors: Mapping[date, np.ndarray]
    unknown: Mapping[date, list[tuple[str | None, float]]]
    launches: Sequence[Mapping[str, Any]]
    insights: Sequence[Mapping[str, Any]]
    model_version: str


def build_drift(step: Step) -> list[dict[str, Any]]:
    """Judge the windows that have become full since the last run; returns their rows."""
    import pandas as pd
    from pyspark.sql import functions as F

    limits = step.shop.policy.learning.drift
    stored = stored_windows(step.read_pandas(DRIFT))
    labelled = step.read(FEEDBACK).where(F.col("text").isNotNull() & (F.col("duplicate_weight") > 0) & (F.col("known_day") < F.lit(step.as_of)))
    if stored:  # what is known since; the windows before stay as they were judged
        labelled = labelled.where(F.col("known_day") > F.lit(stored[-1].last))
    by_day = labelled.groupBy("known_day").count().toArrow().to_pylist()
    new = drift.plan_windows({row["known_day"]: row["count"] for row in by_day}, stored, step.as_of - timedelta(days=1), limits.records)
    if not new:
        return []
    windows = [*stored, *new]
    numbers = range(len(stored), len(windows))
    references = {number: drift.reference_of(windows, number, limits.reference_days) for number in numbers}
    first = min((window.first for reference in references.values() for window in reference), default=new[0].first)
    usual_days = sorted(sum(window.first <= row["known_day"] <= window.last for row in by_day) for window in new)[len(new) // 2]
    a_day = max(LEAST_A_DAY, TEXTS_A_WINDOW // usual_days)
    readings = _read(step, first, new[-1].last, a_day)
    rows: list[dict[str, Any]] = []
    for number in numbers:
        window, reference = windows[number], references[number]
        span = {"reference_start": reference[0].first if reference else None, "reference_end": reference[-1].last if reference else None}
        rows += [
            {**_rounded(judged), **span, "as_of_day": window.last, "window_start": window.first, "model_version": readings.model_version, "run_id": step.run_id}
            for judged in judge_window(window, reference, readings, limits)
        ]
    step.write(DRIFT, pd.DataFrame(rows, columns=DRIFT.column_names), days=[window.last for window in new])
    return rows


def stored_windows(rows: pd.DataFrame) -> list[Window]:
    """The windows that were judged, in order."""
    own = rows[rows["measure"] == "window"].sort_values("as_of_day")
    return [Window(first, last, int(records)) for first, last, records in zip(own["window_start"], own["as_of_day"], own["records"], strict=True)]


def judge_window(window: Window, reference: Sequence[Window], readings: Readings, limits: Any) -> list[dict[str, Any]]:
    """All rows of one window."""
    head = drift.row("window", "window", figure=float(window.records), records=window.records)
    if not reference:
        return [{**head, "answer": "too_few", "reason": "the first window: it is what later ones are compared with"}]
    before = Window(reference[0].first, reference[-1].last, sum(one.records for one in reference))
    now, then = _counts(readings, window), _counts(readings, before)
    # A theme is large in the days it was found in; only of those found before the reference is the share of usual days known.
    known = frozenset(theme for theme, born in readings.born.items() if born <= before.first)
    told = _explained(readings, window)
    by_theme = {theme: insight for theme, topic in readings.topic_of.items() if (insight := told.get(topic))}
    rows = [
        {**head, "reason": f"{window.records:,} records of {window.first} to {window.last}", "reference_records": before.records},
        *drift.judge_top_three("top_three_topics", now.topics, then.topics, limits),
        *drift.judge_top_three("top_three_themes", now.themes, then.themes, limits, known, readings.names),
        *drift.judge_shares("topic_share", now.topics, then.topics, told),
        *drift.judge_shares("theme_share", now.themes, then.themes, by_theme, known, readings.names),
        *drift.judge_confidence(now, then, limits),
        drift.judge_far(_vectors(readings, before), _vectors(readings, window)),
    ]
    return [*rows, *_words(readings, window, before)]


def _words(readings: Readings, window: Window, before: Window) -> list[dict[str, Any]]:
    """Unknown words of all texts, and of those about what was launched lately."""
    now = [pair for day in _days(window) for pair in readings.unknown.get(day, ())]
    then = np.array([share for day in _days(before) for _, share in readings.unknown.get(day, ())])
    rows = [drift.judge_words("unknown_words", "vocabulary", "all", np.array([share for _, share in now]), then)]
    for event in readings.launches:
        if window.first - timedelta(days=LAUNCH_DAYS) <= event["day"] <= window.last:
            skus = set(event["skus"] or ())
            own = np.array([share for sku, share in now if sku in skus])
            rows.append(drift.judge_words("launch_words", "launch", str(event["event_id"]), own, then, drift.LEAST_LAUNCH_TEXTS))
    return rows


def _counts(readings: Readings, window: Window) -> Counts:
    topics = readings.topics[(readings.topics["day"] >= window.first) & (readings.topics["day"] <= window.last)]
    themes = readings.themes[(readings.themes["day"] >= window.first) & (readings.themes["day"] <= window.last)]
    own = topics[topics["is_active_model"]]
    return Counts(
        records=int(topics["records"].sum()), topics=_summed(topics, "topic"), themes=_summed(themes, "theme_id"),
        confident=int(own["records"].sum()), confidence=float(own["confidence"].sum()) / 10_000, unsure=int(own["unsure"].sum()),
    )


def _summed(frame: pd.DataFrame, name: str) -> dict[str, int]:
    return {str(key): int(count) for key, count in frame.groupby(name)["records"].sum().items()}


def _explained(readings: Readings, window: Window) -> dict[str, str]:
    """Topic -> an insight that was running in the window: its rise is known and followed there."""
    found: dict[str, str] = {}
    for insight in readings.insights:
        onset, seen = insight["onset_day"], insight["last_seen_day"]
        if onset is not None and onset <= window.last and (seen is None or seen >= window.first):
            found.setdefault(insight["topic"], insight["insight_id"])
    return found


def _vectors(readings: Readings, window: Window) -> np.ndarray:
    found = [readings.vectors[day] for day in _days(window) if day in readings.vectors]
    return np.concatenate(found) if found else np.zeros((0, 1), dtype=np.float32)


def _days(window: Window) -> list[date]:
    return [window.first + timedelta(days=n) for n in range((window.last - window.first).days + 1)]


def _rounded(row: Mapping[str, Any]) -> dict[str, Any]:
    """Shares to 4 decimals, statistics to 6 significant digits."""
    out = dict(row)
    for name in ("figure", "reference"):
        out[name] = None if out[name] is None else round(float(out[name]), 4)
    for name in ("z", "p_value"):
        out[name] = None if out[name] is None else float(f"{float(out[name]):.6g}")
    return out


# -- reading -----------------------------------------------------------------------------------------------------------


def _read(step: Step, first: date, last: date, a_day: int) -> Readings:
    from pyspark.sql import functions as F

    between = F.col("known_day").between(F.lit(first), F.lit(last))
    feedback = step.read(FEEDBACK).where(F.col("text").isNotNull() & (F.col("duplicate_weight") > 0) & between)
    version = active_version(step.settings.home, step.operations)
    is_active = (F.col("label_source") == "classifier") & (F.col("model_version") == version)
    confidence = F.round(F.col("confidence") * 10_000).cast("bigint")
    key = ["feedback_id", "received_day"]
    labels = step.read(FEEDBACK_LABELS).select(
        *key, F.col("primary_topic").alias("topic"), is_active.alias("is_active_model"), confidence.alias("confidence"),
        (F.col("confidence") < step.shop.policy.learning.drift.unsure_below).cast("bigint").alias("unsure"),
    )  # fmt: skip
    topics = feedback.select(*key, F.col("known_day").alias("day")).join(labels, key).groupBy("day", "topic", "is_active_model").agg(
        F.count("*").alias("records"), F.sum("confidence").alias("confidence"), F.sum("unsure").alias("unsure")
    )  # fmt: skip
    members = step.read(THEME_MEMBERS).where(F.col("counts") & between)
    themes = members.where("theme_id IS NOT NULL").groupBy(F.col("known_day").alias("day"), "theme_id").agg(F.count("*").alias("records"))
    known = step.read(THEMES).select("theme_id", "topic", "name", "born_day").toArrow().to_pylist()
    running = step.read(INSIGHTS).select("insight_id", "topic", "onset_day", "last_seen_day").toArrow().to_pylist()
    return Readings(
        topics=topics.toPandas(), themes=themes.toPandas(), born={row["theme_id"]: row["born_day"] for row in known},
        topic_of={row["theme_id"]: row["topic"] for row in known}, names={row["theme_id"]: f"theme {row['name']!r}" for row in known}, vectors=_sampled_vectors(step, members, a_day), unknown=_unknown_words(step, feedback, a_day),
        launches=_launches(step), insights=sorted(running, key=lambda row: row["insight_id"]), model_version=version,
    )  # fmt: skip


def _sampled_vectors(step: Step, members: Any, a_day: int) -> dict[date, np.ndarray]:
    from pyspark.sql import functions as F
    from pyspark.sql.window import Window as Over

    space = step.read(EMBEDDINGS).groupBy("model_id", "dimensions").count().orderBy(F.desc("count")).limit(1).toArrow().to_pylist()
    if not space:
        return {}
    stored = step.read(EMBEDDINGS).where(F.col("model_id") == space[0]["model_id"]).select("text_hash", "vector")
    order = Over.partitionBy("known_day").orderBy("text_hash")
    drawn = members.select("known_day", "text_hash").distinct().withColumn("place", F.row_number().over(order)).where(F.col("place") <= a_day)
    table = arrow_on_driver(drawn.join(stored, "text_hash").select("known_day", "text_hash", "vector"), "sampled vectors").sort_by([("known_day", "ascending"), ("text_hash", "ascending")])
    days = table.column("known_day").to_pylist()
    vectors = unpack(table.column("vector").to_pylist(), space[0]["dimensions"])
    found: dict[date, list[int]] = {}
    for place, day in enumerate(days):
        found.setdefault(day, []).append(place)
    return {day: vectors[places] for day, places in found.items()}


def _unknown_words(step: Step, feedback: Any, a_day: int) -> dict[date, list[tuple[str | None, float]]]:
    """Day -> (SKU, share of words that the active classifier does not know) of a sample of its texts."""
    from pyspark.sql import functions as F
    from pyspark.sql.window import Window as Over

    order = Over.partitionBy("known_day").orderBy("text_hash")
    first = feedback.groupBy("known_day", "text_hash", "language").agg(F.min("text").alias("text"), F.min("sku").alias("sku"))
    drawn = first.withColumn("place", F.row_number().over(order)).where(F.col("place") <= a_day)
    rows = arrow_on_driver(drawn.select("known_day", "text_hash", "language", "text", "sku"), "sampled texts").to_pylist()
    known, quiet = known_words(step), product_names(step)
    found: dict[date, list[tuple[str | None, float]]] = {}
    for row in sorted(rows, key=lambda row: (row["known_day"], row["text_hash"])):
        share = unknown_share(row["text"], known.get(row["language"]), quiet)
        if share is not None:
            found.setdefault(row["known_day"], []).append((row["sku"], share))
    return found


def known_words(step: Step) -> dict[str, frozenset[str]]:
    """Language -> words of the active classifier, from the text beside its arrays."""
    path = active_file(step.settings.home, step.operations).with_suffix(".json")
    spaces = json.loads(path.read_text(encoding="utf-8"))["spaces"]
    return {language: frozenset(parts["words"]) | frozenset(parts["function_words"]) for language, parts in spaces.items()}


def product_names(step: Step) -> frozenset[str]:
    """Words of product names: they say which product it is, not that language is new."""
    from insights_assets.labels.words import tokenise

    rows = step.read(PRODUCTS).select("name", "aliases").toArrow().to_pylist()
    return frozenset(tokenise(name for row in rows for name in (row["name"], *(row["aliases"] or ())) if name)[1].words)


def unknown_share(text: str, known: frozenset[str] | None, quiet: frozenset[str]) -> float | None:
    """Share of a text's words that are unknown; None for texts too short to say, or of a language without a classifier."""
    from insights_assets.labels.words import TOKEN, fold, word_of

    if known is None:
        return None
    words = [word_of(token) for token in TOKEN.findall(fold(text)) if len(token) > 2 and token[0].isalpha()]
    spoken = [word for word in words if word not in quiet]
    return sum(word not in known for word in spoken) / len(spoken) if len(spoken) >= 3 else None


def _launches(step: Step) -> list[dict[str, Any]]:
    """Launches of the calendar."""
    from pyspark.sql import functions as F

    events = step.read(BRONZE["calendar"]).where((F.lower("kind") == "launch") & (F.col("happened_day") < F.lit(step.as_of)))
    rows: list[dict[str, Any]] = events.select("event_id", F.col("happened_day").alias("day"), "skus").toArrow().to_pylist()
    return sorted(rows, key=lambda row: (row["day"], row["event_id"]))
