"""Topics that the label set lacks, as a list a person can act on: what a model called them, and the themes that gather under `other`.

Belongs here: which records speak of which candidate, figures and quotes of each. Does not belong here: one spelling of a name (`candidate_names`),
finding themes (`walk`), making a new label set, which people do.

A record speaks of a candidate where the model named one, or where it lies in a theme of complaints that no topic names. A name whose records lie
mostly in one such theme is that theme's, so that several words for one thing are one row. Copies are left out. A candidate that fewer records or customers
speak of than `FEWEST_RECORDS` and `FEWEST_CUSTOMERS` is not written: its words could be one person's.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from insights_assets.canonical.tables import FEEDBACK
from insights_assets.clusters.candidate_names import aliases, candidate_id, normal_name, theme_of_names
from insights_assets.clusters.complaints import NO_TOPIC
from insights_assets.clusters.tables import THEME_MEMBERS, THEMES
from insights_assets.labels.cascade_tables import LABEL_DECISIONS
from insights_assets.labels.prompt_versions import active_label_set
from insights_assets.labels.tables import FEEDBACK_LABELS

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

    from insights_assets.resources.step import Step

FEWEST_RECORDS, FEWEST_CUSTOMERS = 3, 2
MOST_QUOTES, LONGEST_QUOTE = 3, 160
#: Distinct names a model gave that are looked at, most used first; and rows that are kept, largest first.
MOST_NAMES, MOST_CANDIDATES = 5_000, 200
BY_MODEL, BY_THEME, BY_BOTH = "model", "theme", "both"


def candidate_rows(step: Step) -> list[dict[str, Any]]:
    """Rows of `clusters.topic_candidates`, largest first."""
    from pyspark.sql import functions as F

    themes = _themes(step)
    said = step.read(LABEL_DECISIONS).where("new_topic_candidate IS NOT NULL").select("feedback_id", F.col("new_topic_candidate").alias("name"))
    in_force = step.read(FEEDBACK_LABELS).where("label_source <> 'person'").select("feedback_id")
    members = step.read(THEME_MEMBERS).where(F.col("theme_id").isin(sorted(themes))).select("feedback_id", "theme_id")
    named = said.join(in_force, "feedback_id", "left_semi").join(members, "feedback_id", "full_outer")
    counted = named.where("name IS NOT NULL").groupBy("name", "theme_id").count().orderBy(F.desc("count"), "name", "theme_id").limit(MOST_NAMES).toArrow().to_pylist()
    if not counted and not themes:
        return []
    place = {one["name"]: normal_name(one["name"]) for one in counted}
    home = theme_of_names((place[one["name"]], _standing(themes, one["theme_id"]), one["count"]) for one in counted)
    groups = [(name, home.get(key) or f"name:{key}") for name, key in place.items()]
    grouped = _with_groups(step, named, groups, themes)
    rows = _figures(step, grouped)
    quotes = _quotes(step, grouped, [row["candidate"] for row in rows])
    spelt: dict[str, Counter[str]] = {}
    for one in counted:
        spelt.setdefault(home.get(place[one["name"]]) or f"name:{place[one['name']]}", Counter())[one["name"]] += one["count"]
    label_set = active_label_set(step.operations)
    known = aliases(label_set, {topic: policy.title for topic, policy in step.shop.policy.topics.items()})
    total = step.lake.row_count(FEEDBACK_LABELS)
    return [_row(row, themes, spelt.get(row["candidate"], Counter()), quotes.get(row["candidate"], []), known, total, label_set.version) for row in rows]


def _themes(step: Step) -> dict[str, dict[str, Any]]:
    """Themes of complaints without a topic, by id, with the one that stands for each since people merged some."""
    rows = step.read(THEMES).where("is_topic_candidate").select("theme_id", "name", "merged_into").toArrow().to_pylist()
    return {row["theme_id"]: row for row in rows}


def _standing(themes: dict[str, dict[str, Any]], theme_id: str | None) -> str | None:
    """The theme that takes a theme's records, however often it was merged."""
    seen: set[str] = set()
    while theme_id is not None and theme_id not in seen and (into := (themes.get(theme_id) or {}).get("merged_into")):
        seen.add(theme_id)
        theme_id = into
    return theme_id


def _with_groups(step: Step, named: DataFrame, groups: list[tuple[str, str]], themes: dict[str, dict[str, Any]]) -> DataFrame:
    """(feedback_id, candidate, is_named): the candidate a record speaks of."""
    from pyspark.sql import functions as F

    spark = step.lake.spark
    of_name = spark.createDataFrame(groups, "name string, by_name string")
    of_theme = spark.createDataFrame([(one, str(_standing(themes, one))) for one in sorted(themes)], "theme_id string, by_theme string")
    both = named.join(of_name, "name", "left").join(of_theme, "theme_id", "left")
    return both.select("feedback_id", F.coalesce("by_name", "by_theme").alias("candidate"), F.col("name").isNotNull().alias("is_named")).where(F.col("candidate").isNotNull())


def _figures(step: Step, grouped: DataFrame) -> list[dict[str, Any]]:
    from pyspark.sql import functions as F

    feedback = step.read(FEEDBACK).where("text IS NOT NULL AND duplicate_weight > 0").select("feedback_id", "customer_key", "language", "channel", "received_day")
    found = feedback.join(grouped, "feedback_id").groupBy("candidate").agg(
        F.count("*").alias("records_count"), F.countDistinct("customer_key").alias("customers_count"), F.sum(F.col("is_named").cast("int")).alias("named_count"),
        F.min("received_day").alias("first_seen_day"), F.max("received_day").alias("last_seen_day"),
        F.sort_array(F.collect_set("language")).alias("languages"), F.sort_array(F.collect_set("channel")).alias("channels"),
    )
    enough = found.where((F.col("records_count") >= FEWEST_RECORDS) & (F.col("customers_count") >= FEWEST_CUSTOMERS))
    rows: list[dict[str, Any]] = enough.orderBy(F.desc("records_count"), "candidate").limit(MOST_CANDIDATES).toArrow().to_pylist()
    return rows


def _quotes(step: Step, grouped: DataFrame, groups: list[str]) -> dict[str, list[dict[str, Any]]]:
    """Some quotes of each candidate, newest first and each of another customer: the part that no topic fits, else how the redacted text begins."""
    from pyspark.sql import functions as F
    from pyspark.sql.window import Window

    if not groups:
        return {}
    texts = step.read(FEEDBACK).where("text IS NOT NULL AND duplicate_weight > 0").select("feedback_id", "customer_key", "text", "received_day")
    first = F.get("topics", F.lit(0))  # a person may have said that none fits: an index would fail on it
    labels = step.read(FEEDBACK_LABELS).select("feedback_id", F.when(first["topic"] == NO_TOPIC, first["quote"]).alias("quote"))
    words = F.substring(F.coalesce("quote", "text"), 1, LONGEST_QUOTE)
    mine = grouped.where(F.col("candidate").isin(groups)).join(texts, "feedback_id").join(labels, "feedback_id", "left").withColumn("quote", words)
    newest = Window.partitionBy("candidate", "customer_key").orderBy(F.desc("received_day"), "feedback_id")
    each = mine.withColumn("of_customer", F.row_number().over(newest)).where("of_customer = 1")
    nth = F.row_number().over(Window.partitionBy("candidate").orderBy(F.desc("received_day"), "feedback_id"))
    rows = each.withColumn("place", nth).where(F.col("place") <= MOST_QUOTES).select("candidate", "place", "feedback_id", "quote").toArrow().to_pylist()
    found: dict[str, list[dict[str, Any]]] = {}
    for row in sorted(rows, key=lambda one: (one["candidate"], one["place"])):
        found.setdefault(row["candidate"], []).append(row)
    return found


def _row(
    row: dict[str, Any], themes: dict[str, dict[str, Any]], spelt: Counter[str], quotes: list[dict[str, Any]], known: dict[str, str], total: int, version: str
) -> dict[str, Any]:
    group, names = row["candidate"], [name for name, _ in sorted(spelt.items(), key=lambda one: (-one[1], one[0]))]
    theme = themes.get(group)
    by = BY_MODEL if theme is None else BY_BOTH if row["named_count"] else BY_THEME
    named = names[0] if names else str(theme["name"]) if theme else group
    same = next((known[key] for name in (*names, named) if (key := normal_name(name)) in known), None)
    return {
        "candidate_id": candidate_id("theme" if theme else "name", group), "name": named, "other_names": names[1:6], "found_by": by,
        "theme_id": group if theme else None, "theme_name": theme["name"] if theme else None, "known_as": same,
        **{name: row[name] for name in ("records_count", "customers_count", "named_count", "first_seen_day", "last_seen_day", "languages", "channels")},
        "share": round(row["records_count"] / total, 6) if total else None, "quotes": [one["quote"] for one in quotes], "evidence_ids": [one["feedback_id"] for one in quotes],
        "label_set_version": version,
    }
