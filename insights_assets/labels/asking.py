"""The model's step of the labels: which records of a run go to the language model, and what becomes of the answers.

Belongs here: what stands although a model is named, choosing texts, asking, and the frames that `build` writes. Does not belong here: risk and
order (`routing`), joining two labels (`joining`), sending (`model`), labelling by rules and classifier (`build`).

Nothing here fails a run: a record whose question came to nothing keeps its local label, and its decision says why. A question that was put off
(outage, limits, budget, an open batch) is open: the record's day is looked at again by the next run, which asks it anew. The driver holds what one
run may ask, never more.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from insights_assets.canonical.tables import FEEDBACK, PRODUCTS
from insights_assets.labels import batching, relabel, routing
from insights_assets.labels.cascade_tables import DOUBT_COLUMNS, LABEL_CONFLICTS, LABEL_DECISIONS
from insights_assets.labels.detail_tables import MODEL_ENTITIES
from insights_assets.labels.joining import join
from insights_assets.labels.model.batch_rows import BatchReport, unfinished_count
from insights_assets.labels.model.client import ModelClient
from insights_assets.labels.model.label import ModelLabel, label_texts, questions_of
from insights_assets.labels.model.outcomes import KEPT_FOR, Outcome
from insights_assets.labels.model.report import run_report
from insights_assets.labels.model.request import Candidates, LabelPrompt
from insights_assets.labels.prompt_versions import active_label_set, active_prompt
from insights_assets.labels.reviewed_replies import replies_about
from insights_assets.labels.tables import FEEDBACK_LABELS
from insights_assets.labels.trust import Trust, trust_of

if TYPE_CHECKING:
    import pyarrow as pa
    from pyspark.sql import Column, DataFrame, SparkSession

    from insights_assets.labels.cascade import Labeller
    from insights_assets.resources.language_model import Connection
    from insights_assets.resources.step import Step
    from insights_assets.settings import Settings

TASK = "label_feedback"
#: What one run may hold on the driver; what is over is put off like what is over the budget.
MOST_TEXTS, MOST_RECORDS = 20_000, 100_000
#: The home's fact that says how many questions are open.
OPEN_QUESTIONS = "model:open_questions"
_SETTLED = tuple(sorted(outcome.value for outcome in KEPT_FOR))
_ASKED = ("feedback_id", "text", "language", "customer_key", "sku", "sku_source", "rating", "nps", "order_id", "reason_code")
Corrected = Callable[[Mapping[str, Any]], Mapping[str, Any]]


@dataclass(frozen=True)
class Answered:
    """What the model's step makes of a run's records: label rows, decisions and conflicts, each complete for the records of the run."""

    rows: DataFrame
    decisions: DataFrame
    conflicts: DataFrame
    entities: DataFrame


@dataclass
class Asking:
    """One run's model step."""

    step: Step
    client: ModelClient
    prompt: LabelPrompt
    trust: Trust
    local_version: str
    rules_version: str
    severe_skus: frozenset[str]
    candidates: Candidates
    #: What this run's look at the batches brought.
    batches: BatchReport
    notes: dict[str, Any] = field(default_factory=dict)

    @property
    def basis(self) -> str:
        """What a label of the model rests on: asked again, or only joined again from the stored reply, when it changes."""
        return f"{self.prompt.fingerprint[:16]}/{self.trust.digest}"

    # -- what stands ----------------------------------------------------------------------------------------------------

    def stored(self, labels: DataFrame, versions: dict[str, str], due: Sequence[Any]) -> tuple[DataFrame, Column]:
        """Stored labels beside their decision, and which of them stand."""
        from pyspark.sql import functions as F

        names = ("is_for_model", "outcome", "basis", "local_version", "input_hash", "cache_key")
        decided = self.step.read(LABEL_DECISIONS).select("feedback_id", "received_day", *(F.col(name).alias(f"decided_{name}") for name in names))
        both = labels.join(decided, ["feedback_id", "received_day"], "left")
        version = F.coalesce("decided_local_version", "model_version")
        both, under_way = self._under_way(both)
        settled = (F.col("decided_basis") == self.basis) & (F.col("decided_outcome").isin(list(_SETTLED)) | under_way)
        settled &= (F.col("decided_outcome") != Outcome.OK.value) | (F.col("prompt_version") != "none") | (F.col("label_source") == "person")
        stands = relabel.stands(self.step, versions, due, version) & (F.col("decided_input_hash") == F.col("input_hash"))
        return both, F.coalesce(stands & (~F.col("decided_is_for_model") | settled), F.lit(False))

    def _under_way(self, both: DataFrame) -> tuple[DataFrame, Column]:
        """Whether a record waits for a batch that is still open: nothing is done for it until the batch has ended."""
        from pyspark.sql import functions as F

        waiting = sorted(batching.waited_for(self.client, self.step.operations, self.step.settings))
        if not waiting:
            return both, F.lit(False)
        keys = self.step.lake.spark.createDataFrame([(key,) for key in waiting], "decided_cache_key string").withColumn("has_batch", F.lit(True))
        both = both.join(keys, "decided_cache_key", "left")
        return both, F.coalesce((F.col("decided_outcome") == Outcome.WAITS_FOR_BATCH.value) & F.col("has_batch"), F.lit(False))

    # -- asking ---------------------------------------------------------------------------------------------------------

    def answer(self, labelled: DataFrame, corrected: Corrected) -> Answered:
        """Ask about the records that are worth it. `labelled`: local labels with `hits` and `DOUBT_COLUMNS`."""
        chosen = self._choose(labelled)
        asked, total = [], 0
        for one in chosen:
            total += one["records"]
            if total <= MOST_RECORDS:
                asked.append(one)
        records = self._records(labelled, asked)
        labels = self._said(records, batching.patient_texts(asked, self.step.as_of, self.step.settings))
        rows, outcomes, conflicts, entities = [], [], [], []
        for record, label in zip(records, labels, strict=True):
            outcomes.append(_outcome_row(label))
            if label.entities is not None:
                entities.append({
                    "feedback_id": label.feedback_id, "entities": list(label.entities), "dropped_count": label.entities_dropped, "cache_key": label.cache_key,
                    "received_day": record["local"]["received_day"],
                })  # fmt: skip
            if label.row is not None:
                row, against = join(record["local"], record["local"]["hits"], label.row, self.trust)
                rows.append({**corrected(row), "input_hash": record["local"]["input_hash"], "received_day": record["local"]["received_day"]})
                conflicts += [{**one, "received_day": record["local"]["received_day"]} for one in against]
        self._note(chosen, labels_count=len(outcomes), conflicts=conflicts)
        self.notes.update(entities_named=sum(len(one["entities"]) for one in entities), entities_dropped=sum(one["dropped_count"] for one in entities))
        return self._frames(labelled, chosen, rows, outcomes, conflicts, entities)

    def _said(self, records: Sequence[Mapping[str, Any]], patient: Collection[str]) -> list[ModelLabel]:
        """What the model says of each record, in their order. What cannot wait is asked first, and so has the first call on the budget."""
        step, given = self.step, [{name: one["given"][name] for name in _ASKED} for one in records]
        later = [record for one, record in zip(records, given, strict=True) if one["local"]["text_key"] in patient]
        ids = {record["feedback_id"] for record in later}
        found = self._ask([record for record in given if record["feedback_id"] not in ids], batching.waited_for(self.client, step.operations, step.settings))
        if later:
            waiting, report = batching.put_off(self.client, step.operations, step.settings, list(questions_of(later, self.prompt, self.candidates)), self.batches)
            self.batches = self.batches.plus(report) if report.submitted_count or report.sentences else self.batches
            found.update(self._ask(later, waiting))
        return [found[record["feedback_id"]] for record in given]

    def _ask(self, records: Sequence[Mapping[str, Any]], in_batches: Collection[str]) -> dict[str, ModelLabel]:
        labels = label_texts(records, self.client, self.prompt, self.candidates, rules_version=self.rules_version, in_batches=in_batches)
        return {label.feedback_id: label for label in labels}

    def _choose(self, labelled: DataFrame) -> list[dict[str, Any]]:
        """Texts that go to the model, in the order of asking: those that went before, then new ones as far as the share allows."""
        from pyspark.sql import functions as F

        settings = self.step.settings
        by_person = F.col("label_source") == "person"
        texts = labelled.where("text_key IS NOT NULL").groupBy("text_key").agg(
            F.max(F.when(by_person, F.lit(-1.0)).otherwise(F.col("risk"))).alias("risk"),
            F.max((F.col("is_severe") & ~by_person).cast("int")).alias("severe"), F.max(F.col("is_exploration").cast("int")).alias("explored"),
            F.count("*").alias("records"), F.max("received_day").alias("newest"),
        )
        was_settled = F.col("outcome").isin(list(_SETTLED)) & (F.col("basis") != self.basis)
        decided = self.step.read(LABEL_DECISIONS).where("text_key IS NOT NULL").groupBy("text_key").agg(
            F.max(F.col("is_for_model").cast("int")).alias("went"), F.max((F.col("local_version") == self.local_version).cast("int")).alias("looked_at"),
            F.max(F.coalesce(was_settled.cast("int"), F.lit(0))).alias("settled"),
        )
        known = decided.agg(F.count("*").alias("texts"), F.coalesce(F.sum("went"), F.lit(0)).alias("went")).toArrow().to_pylist()[0]
        both = self.step.lake.scratch("texts", texts.join(decided, "text_key", "left"))
        new_count = both.where("went IS NULL").count()
        rank = F.when(F.col("severe") == 1, F.lit(routing.SEVERE)).when(F.col("explored") == 1, F.lit(routing.EXPLORED)).otherwise(F.lit(routing.RISKY))
        ranked = both.withColumns({"rank": rank, "less": -F.col("risk")})
        order = ("rank", "less", "text_key")
        again = ranked.where("went = 1").orderBy(*order).limit(MOST_TEXTS).toArrow().to_pylist()
        more = min(MOST_TEXTS, routing.allowance(known["texts"] + new_count, known["went"], settings.model_share))
        fresh = ranked.where("coalesce(went, 0) = 0 AND coalesce(looked_at, 0) = 0").where((F.col("risk") >= routing.LEAST_RISK) | ((F.col("explored") == 1) & (F.col("risk") >= 0)))
        new = fresh.orderBy(*order).limit(more).toArrow().to_pylist() if more else []
        found = sorted([*again, *new], key=lambda one: (one["rank"], one["less"], one["text_key"]))
        by_risk = [one["risk"] for one in new if one["rank"] == routing.RISKY]
        self.notes.update(
            texts_looked_at=new_count, texts_sent_before=len(again), texts_sent_new=len(new), risk_threshold=round(min(by_risk), 4) if by_risk else None,
            texts_severe=sum(one["rank"] == routing.SEVERE for one in new), texts_exploration=sum(one["explored"] == 1 for one in new),
        )
        return found

    def _records(self, labelled: DataFrame, asked: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
        """The records of the chosen texts with what is asked about and their local label, in the order of asking."""
        from pyspark.sql import functions as F

        if not asked:
            return []
        keys = self.step.lake.spark.createDataFrame([(one["text_key"],) for one in asked], "text_key string")
        mine = labelled.join(keys, "text_key", "left_semi")
        days = sorted(mine.select("received_day").distinct().toArrow().column(0).to_pylist())
        given = self.step.read(FEEDBACK).where(F.col("received_day").isin(days)).select(*_ASKED).join(mine.select("feedback_id"), "feedback_id", "left_semi")
        said = {row["feedback_id"]: row for row in given.toArrow().to_pylist()}
        place = {one["text_key"]: number for number, one in enumerate(asked)}
        local = sorted(mine.toArrow().to_pylist(), key=lambda row: (place[row["text_key"]], row["feedback_id"]))
        return [{"given": said[row["feedback_id"]], "local": row} for row in local]

    # -- frames ---------------------------------------------------------------------------------------------------------

    def _frames(
        self, labelled: DataFrame, chosen: Sequence[Mapping[str, Any]], rows: Sequence[Mapping[str, Any]], outcomes: Sequence[Mapping[str, Any]],
        conflicts: Sequence[Mapping[str, Any]], entities: Sequence[Mapping[str, Any]],
    ) -> Answered:
        from pyspark.sql import functions as F

        spark, lake = self.step.lake.spark, self.step.lake
        names = [column.name for column in FEEDBACK_LABELS.columns if not column.volatile]
        by_model = lake.scratch("by_model", _frame(spark, FEEDBACK_LABELS.arrow_schema, names, rows))
        labels = labelled.select(*names).join(by_model.select("feedback_id"), "feedback_id", "left_anti").unionByName(by_model)
        keys = spark.createDataFrame([(one["text_key"], True) for one in chosen], "text_key string, now boolean")
        went = self.step.read(LABEL_DECISIONS).where("text_key IS NOT NULL AND is_for_model").select("text_key").distinct().withColumn("before", F.lit(True))
        told = _frame(spark, LABEL_DECISIONS.arrow_schema, list(_OUTCOME_COLUMNS), outcomes)
        for_model = F.coalesce("now", "before", F.lit(False))
        outcome = F.when(for_model, F.coalesce("outcome", F.lit(Outcome.BUDGET.value)))
        is_ok = F.coalesce(F.col("outcome") == Outcome.OK.value, F.lit(False))
        decisions = labelled.select("feedback_id", "label_source", *DOUBT_COLUMNS, "input_hash", "received_day").join(keys, "text_key", "left").join(went, "text_key", "left")
        decisions = decisions.join(told, "feedback_id", "left").select(
            "feedback_id", F.when(F.col("label_source") == "person", "person").when(is_ok, "model").otherwise(F.col("label_source")).alias("step"), "text_key", "risk",
            "is_severe", "is_exploration", for_model.alias("is_for_model"), "why", outcome.alias("outcome"), "detail", "is_suspect", "new_topic_candidate",
            F.when(is_ok, F.lit(self.trust.basis)).alias("confidence_basis"), F.when(for_model, F.lit(self.basis)).alias("basis"), "cache_key",
            F.lit(self.local_version).alias("local_version"), "input_hash", "received_day",
        )
        named = _frame(spark, MODEL_ENTITIES.arrow_schema, MODEL_ENTITIES.column_names, entities)
        return Answered(labels, decisions, _frame(spark, LABEL_CONFLICTS.arrow_schema, LABEL_CONFLICTS.column_names, conflicts), named)

    # -- telling --------------------------------------------------------------------------------------------------------

    def _note(self, chosen: Sequence[Mapping[str, Any]], *, labels_count: int, conflicts: Sequence[Mapping[str, Any]]) -> None:
        won = Counter(one["winner"] for one in conflicts)
        self.notes.update(records_asked=labels_count, texts_sent=len(chosen), conflicts=len(conflicts), conflicts_won_by_rules=won["rule"])

    def close(self) -> None:
        """Keep how many questions are open, so that the next run is not skipped, and drop the scratch frames."""
        from pyspark.sql import functions as F

        open_count = self.step.read(LABEL_DECISIONS).where(F.col("is_for_model") & ~F.col("outcome").isin(list(_SETTLED))).count()
        self.step.operations.facts.put(OPEN_QUESTIONS, str(open_count))
        self.step.lake.clear_scratch("texts", "by_model")
        report, seen = run_report(self.client), self.batches
        batches = {"batches_submitted": seen.submitted_count, "batches_open": unfinished_count(self.step.operations), "batches_ended": seen.ended_count, "batches_answered": seen.answered_count}
        self.notes.update(batches if any(batches.values()) else {})
        self.notes.update(report.metadata(), questions_open=open_count, model_prompt=self.prompt.prompt.version_id, confidence=self.trust.basis)
        sentences = [*report.sentences, *seen.sentences]
        if sentences:
            self.notes["model_says"] = "; ".join(sentences)
            self.step.log.warning("; ".join(sentences))


def open_asking(step: Step, labeller: Labeller) -> Asking | None:
    """The model's step as settings name it; None where no model is named."""
    from insights_assets.resources.language_model import connect

    connection = connect(step.settings)
    if connection is None:
        return None
    products = step.read_pandas(PRODUCTS)
    rows = products.to_dict("records")
    client = client_of(connection, step)
    batches = batching.look(client, step.operations, step.settings)
    if batches.ended_count:
        client = client_of(connection, step)  # whose budget knows what the batches really cost
    prompt = LabelPrompt.of(active_prompt(step.operations, TASK), active_label_set(step.operations), connection)
    candidates = Candidates(rows)
    reviewed, said = replies_about(step, labeller, client, prompt, candidates)
    flagships = frozenset(str(row["sku"]) for row in rows if row.get("is_flagship") is True)
    versions = labeller.versions
    return Asking(step, client, prompt, trust_of(reviewed, said), versions["model_version"], versions["rules_version"], flagships, candidates, batches)


def client_of(connection: Connection, step: Step) -> ModelClient:
    """The client that settings name: over HTTP from here, or as a statement of the engine that the step works on."""
    if step.settings.model != "ai_functions":
        return ModelClient(connection, step.operations, step.settings, step.run_id)
    from insights_assets.labels.model.ai_functions import AiFunctionsClient, refuse_without_function

    spark = engine_of(step.settings, step.lake.spark)
    refuse_without_function(spark)
    return AiFunctionsClient(connection, step.operations, step.settings, step.run_id).on(spark)


def engine_of(settings: Settings, working_on: SparkSession) -> SparkSession:
    """The engine that could have the function: with heavy_steps=connect the remote one, which the labels themselves are not made on."""
    if settings.heavy_steps != "connect" or settings.spark_remote is None:
        return working_on
    from pyspark.sql import SparkSession as Sessions

    from insights_assets.engine.session import spark_config

    return Sessions.builder.config(map=dict(spark_config(settings.spark_remote))).create()


def model_state(step: Step) -> str:
    """What labels depend on when a model is named, as text; a run with open questions never equals another."""
    settings = step.settings
    if settings.model == "none":
        return ""
    prompt = active_prompt(step.operations, TASK).version_id
    is_open = int(step.operations.facts.get(OPEN_QUESTIONS) or 0) or unfinished_count(step.operations)
    parts = (prompt, settings.model_endpoint or settings.model, settings.model_deployment, settings.model_snapshot, settings.model_reply_format, settings.model_reasoning_effort, settings.model_share)
    return "|".join(str(part) for part in (*parts, step.run_id if is_open else ""))


_OUTCOME_COLUMNS = ("feedback_id", "outcome", "detail", "is_suspect", "new_topic_candidate", "cache_key")


def _outcome_row(label: ModelLabel) -> dict[str, Any]:
    return {
        "feedback_id": label.feedback_id, "outcome": label.outcome.value, "detail": label.detail, "is_suspect": label.is_suspect,
        "new_topic_candidate": label.new_topic_candidate, "cache_key": label.cache_key,
    }


def _frame(spark: Any, schema: pa.Schema, names: Sequence[str], rows: Sequence[Mapping[str, Any]]) -> DataFrame:
    """Some rows in columns of a table's types."""
    import pyarrow as pa

    from insights_assets.lake.conform import arrow_to_spark

    kinds = {one.name: one.type for one in schema}
    return arrow_to_spark(pa.table({name: pa.array([row[name] for row in rows], kinds[name]) for name in names}), spark)
