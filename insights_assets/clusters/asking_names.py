"""The model's step of the themes: each theme is asked about once, and its name stands from then on.

Belongs here: which themes are asked about, their quotes, what is stored. Does not belong here: what is asked and which answer holds
(`model_names`), sending (`labels/model`). Nothing is loaded of this where no model is named.

A question that was put off (outage, limits, budget) is asked by the next run. Whatever else came of one is final: the name by the model, or the
local one. A theme's name changes at most once, from the local one to the model's.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from insights_assets.canonical.tables import FEEDBACK
from insights_assets.clusters.model_names import LEAST_QUOTES, TASK, Said, ThemeName, question_about, quotes_of
from insights_assets.clusters.tables import THEME_MEMBERS, THEME_NAMES
from insights_assets.clusters.themes import Book, Theme
from insights_assets.labels.asking import client_of
from insights_assets.labels.model.outcomes import KEPT_FOR, Outcome
from insights_assets.labels.model.task_prompt import TaskPrompt
from insights_assets.labels.prompt_versions import active_prompt

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

    from insights_assets.labels.model.questions import Answer
    from insights_assets.resources.step import Step

#: Themes one run asks about at most; the rest waits for the next ones. And members that are looked at for a theme's quotes.
MOST_THEMES, MEMBERS_LOOKED_AT = 40, 60
#: The home's fact that says how many themes wait for an answer.
OPEN_NAMES = "model:open_theme_names"
TOO_FEW = "too_few_quotes"


@dataclass(frozen=True)
class Named:
    """The book with its names, and what was done for them."""

    book: Book
    rows: tuple[dict[str, Any], ...] = ()
    notes: Mapping[str, int] = field(default_factory=dict)


def naming_state(step: Step) -> str:
    """What names depend on beside tables; a run that follows one with open questions never equals another."""
    settings = step.settings
    if settings.model == "none":
        return ""
    is_open = int(step.operations.facts.get(OPEN_NAMES) or 0)
    return f"{settings.model_endpoint or settings.model} {settings.model_deployment} {step.run_id if is_open else ''}"


def name_themes(step: Step, book: Book, said: DataFrame) -> Named:
    """Ask about the themes nobody asked about yet. `said`: the complaints, as `known_complaints` has them."""
    from insights_assets.resources.language_model import connect

    stored = {row["theme_id"]: row for row in step.read(THEME_NAMES).select("theme_id", "name", "local_name").toArrow().to_pylist()}
    book, known = _with_stored(book, stored), stored.keys()
    waiting = sorted((theme for theme in book if theme.theme_id not in known and theme.merged_into is None), key=lambda one: (-one.born_day.toordinal(), one.theme_id))
    chosen = waiting[:MOST_THEMES]
    if not chosen:
        step.operations.facts.put(OPEN_NAMES, "0")
        return Named(book)
    connection = connect(step.settings)
    if connection is None:
        return Named(book)
    try:
        client = client_of(connection, step)
        prompt = TaskPrompt.of(active_prompt(step.operations, TASK), connection)
        quotes = _quotes(step, chosen, said)
        asked = [theme for theme in chosen if len(quotes[theme.theme_id]) >= LEAST_QUOTES]
        questions = {
            theme.theme_id: question_about(theme.topic, theme.top_terms, quotes[theme.theme_id], prompt, [one.name for one in book if one.topic == theme.topic and one is not theme])
            for theme in asked
        }
        answers = {answer.cache_key: answer for answer in client.ask(questions.values())}
    finally:
        connection.close()
    rows = [_row(theme, TOO_FEW, step) for theme in chosen if theme.theme_id not in questions]
    for theme in asked:
        answer = answers[questions[theme.theme_id].cache_key]
        if answer.outcome not in KEPT_FOR:
            continue
        book, row = _settled(book, theme, answer, quotes[theme.theme_id], prompt.prompt.version_id, step)
        rows.append(row)
    left = len(waiting) - len(rows)
    step.operations.facts.put(OPEN_NAMES, str(left))
    taken = sum(row["name"] is not None for row in rows)
    return Named(book, tuple(rows), {"names_asked": len(asked), "names_by_model": taken, "names_left_local": len(rows) - taken, "names_waiting": left})


def _with_stored(book: Book, stored: Mapping[str, Mapping[str, Any]]) -> Book:
    """The book with names that a run stored and did not live to write into the themes."""
    late = [replace(theme, name=row["name"]) for theme in book if (row := stored.get(theme.theme_id)) and row["name"] and theme.name == row["local_name"]]
    return book.with_themes(late) if late else book


def _settled(book: Book, theme: Theme, answer: Answer, quotes: Sequence[Said], prompt_version: str, step: Step) -> tuple[Book, dict[str, Any]]:
    """The book and the row that an answer gives. Two themes named alike in one run: the first one keeps the name."""
    value, outcome, detail = answer.value, answer.outcome.value, answer.detail
    is_name = answer.outcome is Outcome.OK and isinstance(value, ThemeName)
    if is_name and any(one.topic == theme.topic and one.name == value.title and one.theme_id != theme.theme_id for one in book):
        is_name, outcome, detail = False, Outcome.QUOTE_MISMATCH.value, "title taken"
    row = _row(theme, outcome, step) | {"detail": detail, "prompt_version": prompt_version, "model_version": answer.snapshot, "cache_key": answer.cache_key}
    if not is_name:
        return book, row
    row |= {"name": value.title, "description": value.description, "evidence_ids": [quotes[number].feedback_id for number in value.evidence]}
    return book.with_themes([replace(theme, name=value.title)]), row


def _row(theme: Theme, outcome: str, step: Step) -> dict[str, Any]:
    empty = dict.fromkeys(THEME_NAMES.column_names)
    return empty | {"theme_id": theme.theme_id, "local_name": theme.name, "outcome": outcome, "run_id": step.run_id}


def _quotes(step: Step, themes: Sequence[Theme], said: DataFrame) -> dict[str, list[Said]]:
    """The quotes of each theme: of what it was founded on, the nearest to its centre first, so that every run would choose alike."""
    from pyspark.sql import functions as F
    from pyspark.sql.window import Window

    wanted = step.lake.spark.createDataFrame([(theme.theme_id, theme.born_day) for theme in themes], "theme_id string, born_day date")
    members = step.read(THEME_MEMBERS).where("counts AND theme_id IS NOT NULL").select("feedback_id", "theme_id", "similarity", "known_day").join(wanted, "theme_id")
    nearest = Window.partitionBy("theme_id").orderBy(F.col("similarity").desc_nulls_last(), "feedback_id")
    near = members.where("known_day <= born_day").withColumn("place", F.row_number().over(nearest)).where(F.col("place") <= MEMBERS_LOOKED_AT)
    near = step.lake.scratch("clusters_to_name", near.select("theme_id", "feedback_id", "place"))
    people = step.read(FEEDBACK).select("feedback_id", "customer_key").join(near.select("feedback_id"), "feedback_id", "left_semi")
    rows = near.join(said.select("feedback_id", "words"), "feedback_id").join(people, "feedback_id").toArrow().to_pylist()
    step.lake.clear_scratch("clusters_to_name")
    found: dict[str, list[tuple[str, str, str]]] = {theme.theme_id: [] for theme in themes}
    for row in sorted(rows, key=lambda one: (one["theme_id"], one["place"])):
        found[row["theme_id"]].append((row["feedback_id"], row["customer_key"] or row["feedback_id"], row["words"]))
    return {theme_id: quotes_of(some) for theme_id, some in found.items()}
