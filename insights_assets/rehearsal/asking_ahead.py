"""What labels would be under another prompt: the model is asked about a sample of the texts that it labelled, inside the budget.

Belongs here: drawing texts, asking, joining the answers as the cascade does, and what asking the rest would cost. Does not belong here: sending
(`labels/model`), what follows from other labels.
The records that open tickets rest on are asked first and in full; then texts by the hash of their words, so that every preview draws alike and none
prefers what is easy. Replies are kept like any others: what was asked here is not paid again by a promotion. Answers that were put off (budget,
outage) shrink the sample; nothing is guessed for them.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

from insights_assets.canonical.tables import FEEDBACK, PRODUCTS
from insights_assets.engine.bounds import arrow_on_driver
from insights_assets.labels.asking import MOST_RECORDS, client_of
from insights_assets.labels.build import INPUTS, corrected_row, corrections_of, labeller_of
from insights_assets.labels.cascade_tables import LABEL_DECISIONS
from insights_assets.labels.joining import join
from insights_assets.labels.label_set import load_label_set
from insights_assets.labels.model.label import ModelLabel, label_texts, questions_of
from insights_assets.labels.model.outcomes import KEPT_FOR
from insights_assets.labels.model.request import Candidates, LabelPrompt
from insights_assets.labels.reviewed_replies import replies_about
from insights_assets.labels.tables import FEEDBACK_LABELS
from insights_assets.labels.trust import trust_of
from insights_assets.rehearsal.change import ChangeError
from insights_assets.rehearsal.findings import Finding
from insights_assets.rehearsal.flips import Looked

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

    from insights_assets.labels.model.client import ModelClient
    from insights_assets.labels.prompts import Prompt
    from insights_assets.resources.step import Step

#: Texts whose stored replies are looked up to say how many would have to be paid; beyond it the share of these stands for all.
LOOKED_UP = 2_000
_FIELDS = tuple(dict.fromkeys(("feedback_id", *INPUTS, "customer_key")))


@dataclass(frozen=True)
class AskedAhead:
    """`changed`: label rows that would be other ones. `drawn`: records of the random sample. `is_whole`: every text was answered."""

    changed: list[dict[str, Any]]
    drawn: frozenset[str]
    answered: frozenset[str]
    looked: Looked
    is_whole: bool
    cost: Finding


def ask_ahead(step: Step, prompt: Prompt, first: date, *, sample: int, evidence: Collection[str]) -> AskedAhead:
    """Ask about at most `sample` texts beside those of `evidence` (record ids), of records received from `first` on."""
    from insights_assets.resources.language_model import connect

    connection = connect(step.settings)
    if connection is None:
        raise ChangeError("a prompt speaks to a model, and none is named: set INSIGHTS_MODEL and where it is (docs/language-model.md)")
    try:
        client = client_of(connection, step)
        asked = LabelPrompt.of(prompt, load_label_set(str(prompt.front_matter["label_set"])), connection)
        return _ask(step, client, asked, first, sample, evidence)
    finally:
        connection.close()


def _ask(step: Step, client: ModelClient, prompt: LabelPrompt, first: date, sample: int, evidence: Collection[str]) -> AskedAhead:
    texts, population = _texts(step, first)
    candidates = Candidates(step.read_pandas(PRODUCTS).to_dict("records"))
    named = _records(step, first, ids=evidence)
    drawn_keys = texts[:sample]
    drawn = _records(step, first, keys=drawn_keys)
    free = _free_share(client, prompt, candidates, _records(step, first, keys=texts, one_each=True))
    unpaid = round(population * (1.0 - free))
    records = list({row["feedback_id"]: row for row in (*named, *drawn)}.values())
    labels = _labels(step, client, prompt, candidates, records)
    answered = frozenset(labels)
    open_keys = {row["text_key"] for row in drawn if row["feedback_id"] not in answered}
    counted = frozenset(row["feedback_id"] for row in drawn if row["text_key"] not in open_keys)
    looked_texts = len({row["text_key"] for row in drawn} - open_keys)
    looked = Looked(len(counted), looked_texts, population)
    changed = [labels[one] for one in sorted(labels)]
    return AskedAhead(changed, counted, answered, looked, looked_texts == population, _cost(client, prompt, candidates, records, unpaid, population))


def _texts(step: Step, first: date) -> tuple[list[str], int]:
    """Keys of the texts the model labelled, in the order of drawing, at most LOOKED_UP of them; and how many there are."""
    from pyspark.sql import functions as F

    keys = step.lake.scratch("preview_texts", _by_model(step, first).select("text_key").distinct())
    order = F.crc32(F.concat(F.lit("preview|"), F.col("text_key")).cast("binary"))
    return keys.orderBy(order, "text_key").limit(LOOKED_UP).toArrow().column(0).to_pylist(), keys.count()


def _by_model(step: Step, first: date) -> DataFrame:
    """Labels that rest on a reply of the model, with the key of their text."""
    from pyspark.sql import functions as F

    labels = step.read(FEEDBACK_LABELS).where((F.col("prompt_version") != "none") & (F.col("received_day") >= F.lit(first)))
    return labels.select("feedback_id", "input_hash", "received_day").join(step.read(LABEL_DECISIONS).where("text_key IS NOT NULL").select("feedback_id", "text_key"), "feedback_id")


def _records(
    step: Step, first: date, *, ids: Collection[str] | None = None, keys: Sequence[str] | None = None, one_each: bool = False
) -> list[dict[str, Any]]:  # fmt: skip
    """Records of the model with what is asked about, by id or by text, in the order of their ids. `one_each`: any one record of a text."""
    wanted = sorted(ids if ids is not None else keys or ())
    if not wanted:
        return []
    name = "feedback_id" if ids is not None else "text_key"
    some = step.lake.spark.createDataFrame([(one,) for one in wanted], f"{name} string")
    mine = _by_model(step, first).join(some, name, "left_semi")
    mine = mine.dropDuplicates(["text_key"]) if one_each else mine
    rows = arrow_on_driver(step.read(FEEDBACK).select(*_FIELDS).join(mine, "feedback_id"), "records of the texts a preview asks about", MOST_RECORDS)
    return sorted(rows.to_pylist(), key=lambda row: row["feedback_id"])


def _labels(step: Step, client: ModelClient, prompt: LabelPrompt, candidates: Candidates, records: Sequence[Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    """feedback_id -> the label the record would have; none where the question was put off."""
    labeller, corrections = labeller_of(step), corrections_of(step)
    trust = trust_of(*replies_about(step, labeller, client, prompt, candidates))
    found = {}
    asked = label_texts(records, client, prompt, candidates, rules_version=labeller.versions["rules_version"])
    for record, local, said in zip(records, labeller.label_records(records), asked, strict=True):
        row = _joined(local, said, trust)
        if row is not None:
            row = corrected_row(row, corrections) if record["feedback_id"] in corrections else row
            stamp = {"input_hash": record["input_hash"], "received_day": record["received_day"], "run_id": step.run_id, "labelled_at": step.clock()}
            found[str(record["feedback_id"])] = {name: {**row, **stamp}.get(name) for name in FEEDBACK_LABELS.column_names}
    return found


def _joined(local: Any, said: ModelLabel, trust: Any) -> dict[str, Any] | None:
    """As the cascade joins them: an answer that is settled but no label leaves the local one."""
    if said.row is not None:
        return join(local.row, local.hits, said.row, trust)[0]
    return dict(local.row) if said.outcome in KEPT_FOR else None


# -- what it costs -------------------------------------------------------------------------------------------------------


def _free_share(client: ModelClient, prompt: LabelPrompt, candidates: Candidates, records: Sequence[Mapping[str, Any]]) -> float:
    """Share of these questions that has a stored reply: free."""
    keys = {question.cache_key for question in questions_of(records, prompt, candidates)}
    return len(client.replies.known(keys, client.time.now())) / len(keys) if keys else 1.0


def _cost(client: ModelClient, prompt: LabelPrompt, candidates: Candidates, records: Sequence[Mapping[str, Any]], unpaid: int, population: int) -> Finding:
    """What asking every text would take, of which what this preview paid is done."""
    calls = [row for row in client.ledger.calls(run_id=client.run_id) if row.prompt_version == prompt.prompt.version_id]
    billed = [row for row in calls if row.cost > 0 or row.input_tokens > 0]
    left = max(0, unpaid - len({row.cache_key for row in billed}))
    spent, used = round(sum(row.cost for row in calls), 6), sum(row.input_tokens + row.output_tokens for row in calls)
    if billed:
        each, tokens = [row.cost for row in billed], sum(row.input_tokens + row.output_tokens for row in billed) / len(billed)
        money, bound = sum(each) / len(each), "about"
        error = math.sqrt(sum((one - money) ** 2 for one in each) / max(1, len(each) - 1) / len(each))
    else:
        most = [client.estimate(question) for question in questions_of(records[:50], prompt, candidates)]
        money, tokens, error, bound = max((one.money for one in most), default=0.0), float(max((one.tokens for one in most), default=0)), 0.0, "at most"
    whole = round(left * money, 4)
    low, high = round(left * max(0.0, money - 1.96 * error), 4), round(left * (money + 1.96 * error), 4)
    words = (
        f"bringing it into force would ask {left:,} of {population:,} texts: {bound} {left * tokens:,.0f} tokens, {whole:.2f} {client.prices.currency}; "
        f"{population - left:,} are answered already and free; this preview made {len(calls):,} calls for {spent:.4f} {client.prices.currency}"
    )
    if client.stopped or client.budget.exhausted:
        words += f". {client.stopped or client.budget.exhausted}"
    return Finding(
        "cost", "model", "costs" if left else "free", words, before=spent, after=whole, low=low, high=high, calls_count=left, tokens=round(left * tokens), cost=whole,
        currency=client.prices.currency, count=len(calls), sampled_count=used, population_count=population,
    )


def free_of_calls(step: Step, first: date, *, asks_anew: bool) -> Finding:
    """What a change costs that asks nothing now. `asks_anew`: texts of the model would be asked again, as another label set makes them."""
    from insights_assets.labels.model.ledger import Ledger
    from insights_assets.labels.model.prices import load_prices

    prices = load_prices(step.settings.model_prices)
    texts = _texts(step, first)[1] if asks_anew else 0
    if not texts:
        told = "no model call: rules and classifier work here, and stored replies stay as they are"
        return Finding("cost", "model", "free", told, calls_count=0, tokens=0, cost=0.0, currency=prices.currency, population_count=0)
    calls = [row for row in Ledger(step.operations, prices).calls() if row.is_usage_known and row.input_tokens]
    tokens = sum(row.input_tokens + row.output_tokens for row in calls) / len(calls) if calls else 0.0
    money = sum(row.cost for row in calls) / len(calls) if calls else 0.0
    words = f"a model would be asked about {texts:,} texts anew: about {texts * tokens:,.0f} tokens, {texts * money:.2f} {prices.currency}, by what {len(calls):,} calls took so far"
    return Finding("cost", "model", "costs", words, calls_count=texts, tokens=round(texts * tokens), cost=round(texts * money, 4), currency=prices.currency, population_count=texts)
