"""The tables of the actions stage. Texts are redacted and inert (tier summary); wall-clock stamps and run ids are
volatile.
"""

from __future__ import annotations

from insights_assets.actions.people_tables import ALERT_PRECISION, LOOP_SUMMARY
from insights_assets.lake.spec import Column, TableSpec

_RUN = (Column("run_id", "string", "Run that first wrote the row", volatile=True),)
_ACTION = (
    Column("action_id", "string", "ACT- and 12 hex characters of the idempotency key", nullable=False),
    Column(
        "insight_id", "string", "Issue it belongs to: an insight, or a repeated support issue (REP-…)", nullable=False
    ),
    Column("kind", "string", "defect_ticket, notification, promo_hold, macro, article, copy_change or escalation"),
    Column("tier", "int", "1 act now, 2 this week, 3 improve"),
    Column("owner", "string", "Team that carries it out"),
    Column("destination", "string", "Where it goes: desk, jira:PROJECT or slack:#channel"),
    Column("state", "string", "planned, proposed, awaiting_approval, approved, rejected, digest, grouped, inhibited, delivered or ended"),
    Column("state_reason", "string", "Which gate, budget or person the state follows from"),
)
_TEXT = (
    Column("topic", "string", "Topic of the issue"),
    Column("title", "string", "Topic, product, cause"),
    Column("body", "string", "The ticket, alert or task as Markdown; quotes redacted, text from data inert"),
    Column("due_at", "timestamp", "When the next step is due", unit="UTC"),
    Column("is_provisional", "boolean", "Made while too few records were reviewed"),
    Column("decided_day", "date", "The shop's day on which it was decided"),
    Column("policy_sha256", "string", "Digest of the shop's files it was decided under"),
)
_LIFE = (
    Column("issue_state", "string", "open, reopened, flapping or closed, when it was last looked at"),
    Column("reopened_count", "int", "How often the issue came back within the policy's days; the action stays the same"),
    Column("links_to", "string", "An earlier issue, closed for longer, that this one repeats"),
    Column("told_with", "string", "Of an alert: the issue whose message, or the digest, tells of it"),
    Column("not_before", "timestamp", "When it goes out, after the quiet hours", unit="UTC", volatile=True),
)

PLANNED_ACTIONS = TableSpec(
    stage="actions",
    name="planned_actions",
    grain="one row per issue and kind of action, for ever",
    key=("action_id",),
    write="upsert_small",
    medallion="gold",
    public=False,
    description="What the policy decided, before anything is delivered; a blocking check stands before the desk.",
    columns=(
        *_ACTION,
        Column("idempotency_key", "string", "hash(insight_id, kind)", nullable=False),
        *_TEXT,
        *_LIFE,
        Column("policy_line", "int", "Line of policy.yaml that decided it"),
        Column("hold_id", "string", "Hold this action made, for promo_hold"),
        Column("created_at", "timestamp", "When the row was first written", unit="UTC", volatile=True),
        *_RUN,
    ),
)

ACTION_TICKETS = TableSpec(
    stage="actions",
    name="action_tickets",
    grain="one row per issue and kind of action, for ever",
    key=("action_id",),
    write="upsert_small",
    medallion="gold",
    description="Every action with where it is: the table people and destinations look at (R91, R92).",
    columns=(
        *_ACTION,
        Column("external_id", "string", "Its name at the destination; on the desk the file's path"),
        Column("idempotency_key", "string", "hash(insight_id, kind)", nullable=False),
        Column("proof_sha256", "string", "Hash of the replayable proof; empty until proofs are made"),
        *_TEXT,
        *_LIFE,
        Column("created_at", "timestamp", "When it was decided", unit="UTC", volatile=True),
        Column("approved_at", "timestamp", "When a person approved it", unit="UTC", volatile=True),
        Column("delivered_at", "timestamp", "When it first arrived", unit="UTC", volatile=True),
        *_RUN,
    ),
)

DELIVERIES = TableSpec(
    stage="actions",
    name="deliveries",
    grain="one row per version of an action that arrived",
    key=("delivery_id",),
    write="upsert_small",
    medallion="gold",
    description="The ledger of what arrived where: the first delivery of each action, and later versions of it.",
    columns=(
        Column("delivery_id", "string", "Idempotency key and content hash, shortened", nullable=False),
        Column("idempotency_key", "string", "Key of the action (and its language)", nullable=False),
        Column("action_id", "string", nullable=False),
        Column("insight_id", "string"),
        Column("kind", "string"),
        Column("destination", "string"),
        Column("external_id", "string", "Name at the destination"),
        Column("content_sha256", "string", "Hash of what was delivered"),
        Column("outcome", "string", "created or updated"),
        Column("note", "string", "Why it went elsewhere, if it did"),
        Column("delivered_at", "timestamp", unit="UTC", volatile=True),
        *_RUN,
    ),
)

NOTICES = TableSpec(
    stage="actions",
    name="notices",
    grain="one row per message that is no issue's own",
    key=("action_id",),
    write="upsert_small",
    medallion="gold",
    description="A channel's digest of a day, and tickets nobody answered, told to the next team (R97, R134).",
    columns=(
        Column("action_id", "string", "DIG- or ESC- and 8 hex characters", nullable=False),
        Column("insight_id", "string", "The same: it is about several issues", nullable=False),
        Column("kind", "string", "digest or unanswered"),
        Column("tier", "int", "The most urgent of what it tells"),
        Column("owner", "string", "Team it goes to"),
        Column("destination", "string", "Where it goes: desk or slack:#channel"),
        Column("state", "string", "planned"),
        Column("state_reason", "string"),
        Column("idempotency_key", "string", "hash(action_id)", nullable=False),
        Column("topic", "string", "Empty: several"),
        Column("title", "string"),
        Column("body", "string", "Markdown, inert"),
        Column("issues_count", "int", "Issues it tells of"),
        Column("due_at", "timestamp", unit="UTC", volatile=True),
        Column("not_before", "timestamp", "When it goes out", unit="UTC", volatile=True),
        Column("created_at", "timestamp", unit="UTC", volatile=True),
        *_RUN,
    ),
)

PROMO_HOLDS = TableSpec(
    stage="actions",
    name="promo_holds",
    grain="one row per hold",
    key=("hold_id",),
    write="replace_all",
    medallion="gold",
    description="Temporary promotion holds: proposed, active, released, expired; capped, reversible (R93, R125, R131).",
    columns=(
        Column("hold_id", "string", "What a person types to undo it", nullable=False),
        Column("action_id", "string", nullable=False),
        Column("insight_id", "string"),
        Column("skus", "array<string>", "Products out of paid promotion"),
        Column("state", "string", "proposed, active, released or expired"),
        Column("reason", "string", "What is wrong with the products"),
        Column("state_reason", "string", "Why it is only proposed, smaller, or ended"),
        Column("revenue_share", "double", "Of the last 28 days", unit="0 to 1"),
        Column("placed_on", "date", "The shop's day"),
        Column("expires_on", "date", "Last day, the shop's"),
        Column("released_by", "string"),
        Column("placed_by", "string", "Policy, or the person who placed it"),
        Column("ended_on", "date", "The shop's day on which it ended"),
        Column("extensions", "int", "How often two people moved its end"),
        Column("days_held", "int", "Days on which its products were off promotion", unit="days"),
        Column("daily_revenue", "double", "What its products brought a day, the 28 days before", unit="reporting currency per day"),
        Column("is_wrong", "boolean", "Its issue was dismissed"),
        Column("wrong_cost", "double", "Of a wrong hold; see cost_basis", unit="reporting currency"),
        Column("currency", "string", "Reporting currency"),
        Column("cost_basis", "string", "How wrong_cost was reckoned, assumption included"),
        Column("placed_at", "timestamp", unit="UTC", volatile=True),
        Column("released_at", "timestamp", unit="UTC", volatile=True),
    ),
)

_DRAFT = (
    Column("draft_id", "string", "Action id and language", nullable=False),
    Column("action_id", "string", nullable=False),
    Column("insight_id", "string"),
    Column("topic", "string"),
    Column("language", "string", "Language of the customers it answers"),
    Column("title", "string"),
    Column("text", "string", "Markdown, from the shop's sentences; quotes redacted and inert"),
    Column("state", "string", "awaiting_approval, approved or rejected"),
)
MACROS = TableSpec(
    stage="actions",
    name="macros",
    grain="one row per macro and language",
    key=("draft_id",),
    write="upsert_small",
    medallion="gold",
    description="Replies for the service team, drafted from approved sentences; each waits for a person (R94, R132).",
    columns=_DRAFT,
)
ARTICLES = TableSpec(
    stage="actions",
    name="articles",
    grain="one row per article and language",
    key=("draft_id",),
    write="upsert_small",
    medallion="gold",
    description="Help articles that quote what customers ask; each waits for a person (R94, R127).",
    columns=_DRAFT,
)

QUEUES = TableSpec(
    stage="actions",
    name="queues",
    grain="one row per queue and item",
    key=("queue", "item_id"),
    write="replace_all",
    medallion="gold",
    description="Operations' queues: quality_review (R54), escalation (R123), approval (R94); not label review.",
    columns=(
        Column("queue", "string", "quality_review, escalation or approval", nullable=False),
        Column("item_id", "string", "feedback_id or action_id", nullable=False),
        Column("owner", "string", "Team whose queue it is"),
        Column("insight_id", "string"),
        Column("source", "string"),
        Column("record_ref", "string"),
        Column("sku", "string"),
        Column("occurred_at", "timestamp", unit="UTC"),
        Column("due_at", "timestamp", unit="UTC"),
        Column("summary", "string", "Redacted words of the record, or the action's title"),
        Column("why", "string", "Rule or gate that put it here"),
        Column("state", "string", "waiting or decided"),
    ),
)

APPROVALS = TableSpec(
    stage="actions",
    name="approvals",
    grain="one row per action that needs a person",
    key=("action_id",),
    write="replace_all",
    medallion="gold",
    description="Who was asked, who decided, when and why (R56, R158).",
    columns=(
        Column("action_id", "string", nullable=False),
        Column("insight_id", "string"),
        Column("kind", "string"),
        Column("team", "string", "Team that decides"),
        Column("state", "string", "waiting, approved, rejected or expired"),
        Column("requested_at", "timestamp", unit="UTC", volatile=True),
        Column("decided_at", "timestamp", unit="UTC", volatile=True),
        Column("decided_by", "string"),
        Column("reason", "string"),
    ),
)

VERDICTS = TableSpec(
    stage="actions",
    name="verdicts",
    grain="one row per judgement a person gave",
    key=("verdict_id",),
    write="replace_all",
    medallion="gold",
    description="Whether insights were right: the only source of alert precision. The latest of an insight counts.",
    columns=(
        Column("verdict_id", "bigint", nullable=False),
        Column("insight_id", "string", nullable=False),
        Column("verdict", "string", "confirmed, dismissed, duplicate or unknown"),
        Column("reason", "string"),
        Column("duplicate_of", "string"),
        Column("given_by", "string"),
        Column("given_at", "timestamp", unit="UTC", volatile=True),
        Column("given_through", "string", "command, console, jira or slack"),
        Column("is_latest", "boolean", "The one that counts"),
    ),
)

EXECUTIVE_BRIEF = TableSpec(
    stage="actions",
    name="executive_brief",
    grain="one row per week and place",
    key=("week", "rank"),
    write="upsert_small",
    medallion="gold",
    description="The weekly brief's five pain points, ranked by score, with movement (R65). The page is on the desk.",
    columns=(
        Column("week", "string", "ISO week of the shop's day, e.g. 2026-W48", nullable=False),
        Column("rank", "int", "1 to 5", nullable=False),
        Column("as_of_day", "date", "Day up to which the week was known"),
        Column("insight_id", "string", "Empty for a steady topic"),
        Column("topic", "string"),
        Column("title", "string"),
        Column("is_steady", "boolean", "A topic by its volume, not a rising issue"),
        Column("score", "double", "Money at risk; 0 for steady topics", unit="reporting currency per day"),
        Column("risk_per_day", "double", unit="reporting currency per day"),
        Column("currency", "string"),
        Column("customers_this_week", "int", unit="distinct customers a day, summed"),
        Column("customers_last_week", "int", unit="distinct customers a day, summed"),
        Column("previous_rank", "int", "Place in the brief of the week before"),
        Column("movement", "string", "In words"),
        Column("owner", "string"),
        Column("next_step", "string"),
    ),
)

LOOP_TIME = TableSpec(
    stage="actions",
    name="loop_time",
    grain="one row per action and stage it reached",
    key=("action_id", "stage"),
    write="upsert_small",
    medallion="gold",
    description="When each action reached each stage, by which clock, and the hours it took (R2, R96, R152).",
    columns=(
        Column("action_id", "string", nullable=False),
        Column(
            "stage",
            "string",
            "event, arrival, label, detect, decide, approve, route, acknowledge, start or fix",
            nullable=False,
        ),
        Column("insight_id", "string"),
        Column("kind", "string"),
        Column("owner", "string"),
        Column("tier", "int"),
        Column("at", "timestamp", unit="UTC", volatile=True),
        Column("clock", "string", "shop: when it happened; wall: when this house worked"),
        Column("hours", "double", "Since the stage before on the same clock", unit="hours", volatile=True),
        Column("is_replayed", "boolean", "Detected in days before the house first ran"),
    ),
)

TABLES = (
    PLANNED_ACTIONS, NOTICES, ACTION_TICKETS, DELIVERIES, PROMO_HOLDS, MACROS, ARTICLES, QUEUES, APPROVALS, VERDICTS,
    EXECUTIVE_BRIEF, LOOP_TIME, LOOP_SUMMARY, ALERT_PRECISION,
)  # fmt: skip
