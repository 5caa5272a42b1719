"""Tables of what stands behind every figure: drift of the inputs, error-corrected shares, the trust certificate."""

from __future__ import annotations

from insights_assets.lake.spec import Column, TableSpec

_RUN = (Column("run_id", "string", "Run that wrote the row", volatile=True),)


def _column(name: str, type_: str, description: str, unit: str | None = None) -> Column:
    return Column(name, type_, description, unit=unit, tier="aggregate")


def _key(name: str, type_: str, description: str) -> Column:
    return Column(name, type_, description, tier="aggregate", nullable=False)


DRIFT = TableSpec(
    stage="anomalies", name="drift", key=("as_of_day", "measure", "subject"), write="replace_days", partition_by="as_of_day", medallion="gold",
    grain="one row per judged window, measure and subject",
    description="Whether what comes in still looks like before: shares of topics and themes, confidence, texts far from the reference, unknown words. "
    "Days are pooled into windows until enough records came (R103); each window is judged once.",
    columns=(
        _key("as_of_day", "date", "Last day of the window"),
        _key("measure", "string", "window, top_three_topics, top_three_themes, topic_share, theme_share, mean_confidence, unsure_share, far_share, unknown_words or launch_words"),
        _key("subject", "string", "Topic, theme id or calendar event it is about; all for all"),
        _column("window_start", "date", "First day of the window"),
        _column("reference_start", "date", "First day it is compared with"),
        _column("reference_end", "date", "Last day it is compared with"),
        _column("figure", "double", "The measure in the window", "0 to 1; records for window"),
        _column("reference", "double", "The same before", "0 to 1"),
        _column("z", "double", "Change in standard deviations, spread from run to run included"),
        _column("p_value", "double", "Two-sided", "0 to 1"),
        _column("records", "bigint", "Records (or texts looked at) in the window", "records"),
        _column("reference_records", "bigint", "The same in the reference", "records"),
        _column("rule", "string", "Rule of R103 it counts for: top_three, confidence, shares, novelty, vocabulary or launch"),
        _column("answer", "string", "judged, or too_few"),
        _column("is_material", "boolean", "More than the policy calls usual"),
        _column("explained_by", "string", "Insight that says why: the world changed, not the labels"),
        _column("reason", "string", "In words"),
        _column("model_version", "string", "Classifier whose confidence and topics were compared"),
        *_RUN,
    ),
)

CORRECTED_SHARES = TableSpec(
    stage="anomalies", name="corrected_shares", key=("topic", "week_start"), write="replace_all", medallion="gold", grain="one row per topic and week",
    description="The weekly share of each topic, corrected for the labels' own errors as far as reviewed records tell (Rogan and Gladen 1978).",
    columns=(
        _key("topic", "string", "Topic of the label set"),
        _key("week_start", "date", "Monday"),
        _column("records", "bigint", "Records of the week that are labelled", "records"),
        _column("labelled_count", "bigint", "Of those, labelled with the topic", "records"),
        _column("observed_share", "double", "labelled_count / records", "0 to 1"),
        _column("corrected_share", "double", "observed x precision / recall; empty while too few are reviewed", "0 to 1"),
        _column("corrected_low", "double", "2.5 % bound", "0 to 1"),
        _column("corrected_high", "double", "97.5 % bound", "0 to 1"),
        _column("reviewed_count", "bigint", "Reviewed records that the correction rests on", "records"),
        _column("answer", "string", "corrected, or too_few"),
        *_RUN,
    ),
)

TRUST_CERTIFICATE = TableSpec(
    stage="anomalies", name="trust_certificate", key=("as_of_day", "condition"), write="replace_days", partition_by="as_of_day", medallion="gold",
    grain="one row per as-of day and condition, and one for all of them",
    description="Whether the inputs of that day's figures are sound. The answer of `overall` is what answers and publishing go by.",
    columns=(
        _key("as_of_day", "date", "The shop's day"),
        _key("condition", "string", "An affirmative sentence in one word, e.g. records_accounted; overall for all"),
        _column("answer", "string", "pass, fail or too_few"),
        _column("figure", "double", "What was measured"),
        _column("limit", "double", "What it is held against"),
        _column("records", "bigint", "Over how many records", "records"),
        _column("stops_publication", "boolean", "A fail holds the whole publication back; any other fail makes answers untrusted"),
        _column("reason", "string", "In words"),
        *_RUN,
    ),
)

SOUNDNESS = (DRIFT, CORRECTED_SHARES, TRUST_CERTIFICATE)
