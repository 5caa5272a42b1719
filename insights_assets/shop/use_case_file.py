"""`use_cases/*.yaml`: one business question a file, with everything that was decided about it (R139, R162).

Belongs here: reading and checking such a file. Does not belong here: answering the question (`actions/answer.py`).
"""

from __future__ import annotations

from insights_assets.shop.model import ACTION_KINDS, UseCase
from insights_assets.shop.reading import Node

MEASURES = ("negative_review_share", "support_load", "refund_volume", "conversion", "first_response_time")


def read_use_case(node: Node, teams: tuple[str, ...], topics: tuple[str, ...], sources: tuple[str, ...]) -> UseCase:
    """The use case, checked against the teams of owners.yaml and the topics of policy.yaml."""
    top = node.mapping(
        (
            "id",
            "enabled",
            "order",
            "question",
            "owner",
            "decided_on",
            "slice",
            "topics",
            "rank_by",
            "causes_shown",
            "told",
            "updates",
            "thresholds",
            "success",
        )
    )
    part = top["slice"].mapping(("sources", "top_selling_share", "period"))
    limits = top["thresholds"].mapping(("negative_rating_at_most", "records_at_least", "reviewed_labels"))
    success = top["success"].mapping(("measure", "baseline_days", "target_change", "horizon_days"))
    for name in ("topics", "told", "updates"):
        if not top[name].value:
            top[name].fail(
                "is empty", "name at least one: an answer nobody gets or that changes nothing is not a use case"
            )
    return UseCase(
        id=top["id"].text(),
        enabled=top["enabled"].flag(),
        order=top["order"].whole(1, 1000),
        question=top["question"].text(),
        owner=top["owner"].choice(teams),
        decided_on=top["decided_on"].day(),
        sources=part["sources"].texts(sources),
        top_selling_share=part["top_selling_share"].number(0.01, 1),
        period=part["period"].choice(("month", "week", "days_28")),
        topics=top["topics"].texts(topics),
        rank_by=top["rank_by"].choice(("risk_per_day", "records")),
        causes_shown=top["causes_shown"].whole(1, 50),
        told=top["told"].texts(teams),
        updates=top["updates"].texts(ACTION_KINDS),
        negative_rating_at_most=limits["negative_rating_at_most"].whole(1, 4),
        records_at_least=limits["records_at_least"].whole(1, 100_000),
        reviewed_labels=limits["reviewed_labels"].whole(0, 100_000),
        measure=success["measure"].choice(MEASURES),
        baseline_days=success["baseline_days"].whole(1, 730),
        target_change=success["target_change"].number(-1, 10),
        horizon_days=success["horizon_days"].whole(1, 730),
    )
