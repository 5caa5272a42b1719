"""Assets of the stage: embeddings, then themes with their members."""

from importlib import import_module

from insights_assets.canonical.tables import FEEDBACK, PRODUCTS
from insights_assets.clusters.build import build_themes
from insights_assets.clusters.register import MERGES
from insights_assets.clusters.tables import EMBEDDINGS, THEME_MEMBERS, THEME_NAMES, THEMES
from insights_assets.clusters.vectors import embed_new_texts, frozen_model
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


ASSETS = [embeddings, themes]
