"""Assets of the stage: embeddings, themes with their members, and what no topic names."""

from importlib import import_module

import pandas as pd

from insights_assets.canonical.tables import FEEDBACK, PRODUCTS
from insights_assets.clusters.build import build_themes
from insights_assets.clusters.register import MERGES
from insights_assets.clusters.tables import EMBEDDINGS, THEME_MEMBERS, THEME_NAMES, THEMES, TOPIC_CANDIDATES
from insights_assets.clusters.topic_candidates import FEWEST_CUSTOMERS, FEWEST_RECORDS, candidate_rows
from insights_assets.clusters.vectors import embed_new_texts, frozen_model
from insights_assets.labels.cascade_tables import LABEL_DECISIONS
from insights_assets.labels.prompt_versions import active_version
from insights_assets.labels.prompts import LABEL_SETS
from insights_assets.labels.tables import FEEDBACK_LABELS
from insights_assets.resources import previews, reading_ahead
from insights_assets.resources.step import Step
from insights_assets.resources.table_assets import Check, table_assets


@reading_ahead.ahead
def graph_library(_step: Step) -> None:
    """What finding new themes needs; it brings a plotting library with it."""
    import_module("igraph")


def model_and_merges(step: Step) -> str:
    """What themes depend on beside their tables: the frozen model, people's decisions to merge, open questions about names."""
    merges = f"{frozen_model(step)} {step.operations.facts.get(MERGES)}"
    if step.settings.model == "none":
        return merges
    from insights_assets.clusters.asking_names import naming_state

    return f"{merges} {naming_state(step)}"


@table_assets(EMBEDDINGS, reads=(FEEDBACK, FEEDBACK_LABELS, PRODUCTS), memo=frozen_model)
def embeddings(step: Step) -> None:
    """Where the words of each complaint lie; equal words once."""
    report = embed_new_texts(step)
    step.note(
        EMBEDDINGS,
        model_id=report.model_id or "none yet: too few texts to learn from",
        texts_embedded=report.texts_embedded,
        texts_without_known_words=report.texts_without_words,
    )


@table_assets(
    THEMES,
    THEME_MEMBERS,
    THEME_NAMES,
    reads=(FEEDBACK, FEEDBACK_LABELS, PRODUCTS, EMBEDDINGS),
    checks=(
        Check(
            "theme_ids_kept", THEMES, "Every theme of the last run is still there under its id (R62).", blocking=True
        ),
        Check("members_in_themes", THEME_MEMBERS, "Every member's theme is a row of clusters.themes.", blocking=True),
    ),
    memo=model_and_merges,
)
def themes(step: Step) -> None:
    """What is said in other words, grouped into themes that keep their identity; and the theme of each complaint."""
    report = build_themes(step)
    facts = (
        step.read(THEME_MEMBERS)
        .selectExpr(
            "count(*) n", "count(theme_id) themed", "count(distinct theme_id) used", "collect_set(theme_id) ids"
        )
        .toArrow()
        .to_pylist()[0]
    )
    lost = sorted(report.ids_before - report.ids_after)
    stray = sorted(set(facts["ids"] or ()) - report.ids_after)
    step.check("theme_ids_kept", not lost, lost=lost)
    step.check("members_in_themes", not stray, unknown=stray[:20])
    step.note(
        THEMES,
        preview=previews.table(_largest(step), {"Theme": "name", "Topic": "topic", "Complaints": "size", "Since": "born_day"}),
        days_judged=report.days_judged,
        **report.naming,
        themes_born=report.themes_born,
        themes=len(report.ids_after),
        proposed_merges=[f"{a} into {b} ({near})" for a, b, near in report.merge_candidates],
    )
    step.note(
        THEME_MEMBERS,
        days_rewritten=report.days_rewritten,
        complaints=facts["n"],
        in_a_theme_share=round(facts["themed"] / max(facts["n"], 1), 4),
    )


def _largest(step: Step) -> list[dict[str, object]]:
    found: list[dict[str, object]] = step.read(THEMES).select("name", "topic", "size", "born_day").toArrow().to_pylist()
    return sorted(found, key=lambda row: (-int(str(row["size"] or 0)), str(row["name"])))


def label_set_in_force(step: Step) -> str:
    """What candidates depend on beside their tables and the shop."""
    return active_version(step.operations, LABEL_SETS)


@table_assets(
    TOPIC_CANDIDATES,
    reads=(FEEDBACK, FEEDBACK_LABELS, LABEL_DECISIONS, THEMES, THEME_MEMBERS),
    checks=(
        Check(
            "candidates_are_of_several_people", TOPIC_CANDIDATES, "Every candidate has at least 3 records of at least 2 customers.", blocking=True
        ),
        Check(
            "candidate_quotes_are_substrings", TOPIC_CANDIDATES, "Every quote is an exact part of its record's redacted text.", blocking=True
        ),
    ),
    memo=label_set_in_force,
)
def topic_candidates(step: Step) -> None:
    """What people speak of that no topic names: a list to decide on, from the model's words and from themes."""
    from pyspark.sql import functions as F

    rows = candidate_rows(step)
    step.write(TOPIC_CANDIDATES, pd.DataFrame(rows, columns=TOPIC_CANDIDATES.column_names))
    few = [row["candidate_id"] for row in rows if row["records_count"] < FEWEST_RECORDS or row["customers_count"] < FEWEST_CUSTOMERS]
    quoted = {(one, quote) for row in rows for one, quote in zip(row["evidence_ids"], row["quotes"], strict=True)}
    wanted = sorted({one for one, _ in quoted})
    texts = step.read(FEEDBACK).where(F.col("feedback_id").isin(wanted)).select("feedback_id", "text").limit(len(wanted)).toArrow().to_pylist() if wanted else []
    said = {row["feedback_id"]: row["text"] or "" for row in texts}
    false = sum(quote not in said.get(one, "") for one, quote in quoted)
    step.check("candidates_are_of_several_people", not few, too_few=few[:20])
    step.check("candidate_quotes_are_substrings", false == 0, quotes_not_found=false)
    columns = {"Candidate": "name", "Records": "records_count", "Customers": "customers_count", "Last seen": "last_seen_day", "Known as": "known_as"}
    step.note(TOPIC_CANDIDATES, preview=previews.table(rows, columns), candidates=len(rows), known_already=sum(row["known_as"] is not None for row in rows))


ASSETS = [embeddings, themes, topic_candidates]
