"""Model health: confidence held to what is material, drift by the two-run rule, regression between evaluations, accuracy by its gate."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from insights_assets.health.model import accuracy_metrics, alert_metric, confidence_metrics, drift_metric, prompt_regression_metric

AS_OF = date(2026, 11, 22)


def labels(now: float, before: float, unsure: float = 0.10) -> list[dict[str, Any]]:
    rows = []
    for back in range(56):
        mean, share = (now, unsure) if back < 28 else (before, 0.10)
        rows.append({"day": AS_OF - timedelta(days=back), "labels": 100, "confidence": 100 * (mean + back % 2 * 0.002), "unsure": round(100 * share) + back % 2})
    return rows


def test_a_material_fall_of_confidence_is_red_and_a_small_one_is_not() -> None:
    fallen = confidence_metrics(labels(0.80, 0.85), AS_OF)[0]
    assert fallen.state == "red" and fallen.z is not None and fallen.z > 3, "a fall is a positive z: worse"
    assert confidence_metrics(labels(0.84, 0.85), AS_OF)[0].state == "green", "a hundredth is no material fall, however sure"
    assert confidence_metrics(labels(0.90, 0.85), AS_OF)[0].state == "green"
    assert confidence_metrics(labels(0.85, 0.85, unsure=0.2), AS_OF)[1].state == "red"
    assert [metric.state for metric in confidence_metrics([], AS_OF)] == ["not_available"] * 2


def window(day: date, *, material: bool, measure: str = "top_three_topics", answer: str = "judged", rule: str = "top_three") -> list[dict[str, Any]]:
    base = {"as_of_day": day, "subject": "all", "figure": 0.5, "reference": 0.42, "z": 4.0, "records": 2_000, "explained_by": None, "answer": answer, "is_material": False, "reason": ""}
    head = {**base, "measure": "window", "rule": "window", "figure": 2_000.0, "reference": None, "reason": "1,200 of 2,000 records" if answer == "too_few" else ""}
    return [head, {**base, "measure": measure, "rule": rule, "is_material": material, "reason": f"top-three share moved 8.0 points on {day}"}]


def test_drift_is_red_only_when_it_lasts() -> None:
    first, second = AS_OF - timedelta(days=14), AS_OF
    assert drift_metric([], 2).says == "not available: needs a judged window in anomalies.drift"
    assert drift_metric(window(second, material=False), 2).state == "green"
    once = drift_metric([*window(first, material=False), *window(second, material=True)], 2)
    assert (once.state, round(once.value or 0, 6)) == ("amber", 8.0)
    twice = drift_metric([*window(first, material=True), *window(second, material=True)], 2)
    assert twice.state == "red" and "twice in a row" in twice.says
    few = drift_metric(window(second, material=False, answer="too_few"), 2)
    assert (few.state, few.value, few.says) == ("too_few", None, "1,200 of 2,000 records")


def evaluation(through: int, f1: float, gate: str = "pass", version: str = "clf-1", role: str = "active") -> dict[str, Any]:
    return {"topic": "micro", "role": role, "model_version": version, "last_correction_id": through, "f1": f1, "gate": gate, "records": 400}


def test_regression_is_between_evaluations_of_what_labels() -> None:
    assert prompt_regression_metric([]).state == "not_available"
    assert prompt_regression_metric([evaluation(1, 0.9)]).state == "too_few"
    assert prompt_regression_metric([evaluation(1, 0.90), evaluation(2, 0.895)]).state == "green"
    assert prompt_regression_metric([evaluation(1, 0.90), evaluation(2, 0.85, version="clf-2")]).state == "amber"
    ill = prompt_regression_metric([evaluation(1, 0.90), evaluation(2, 0.70, "fail")])
    assert (ill.state, round(ill.value or 0, 2)) == ("red", -0.2)
    beside = [evaluation(1, 0.90), evaluation(2, 0.89), evaluation(2, 0.50, "fail", "clf-9", role="candidate")]
    assert prompt_regression_metric(beside).state == "green", "a candidate that is worse is not in force"


def quality(topic: str, gate: str, n: int = 100) -> dict[str, Any]:
    return {"topic": topic, "gate": gate, "precision": 0.9, "recall": 0.8, "f1": 0.85, "reviewed_count": n}


def test_accuracy_follows_the_gate() -> None:
    assert accuracy_metrics([])[0].state == "not_available"
    assert accuracy_metrics([quality("micro", "too_few", 0)])[0].state == "not_available"
    assert accuracy_metrics([quality("micro", "pass"), quality("other", "too_few")])[0].state == "green"
    one = accuracy_metrics([quality("micro", "pass"), quality("sizing_issue", "fail")])[0]
    assert one.state == "amber" and "1 topic is below what is wanted (sizing issue)" in one.says
    assert accuracy_metrics([quality("micro", "fail")])[0].state == "red"
    assert accuracy_metrics([quality("micro", "too_few")])[0].state == "too_few"


def test_the_precision_of_alerts_is_a_metric_once_people_judged() -> None:
    row = {
        "grouping": "all", "name": "all", "judged_count": 20, "confirmed_count": 15, "precision": 0.75, "precision_low": 0.53, "precision_high": 0.89,
        "unknown_count": 2, "answer": "pass",
    }  # fmt: skip
    found = alert_metric([{**row, "grouping": "owner", "name": "quality"}, row])
    assert (found.state, found.value, found.low, found.sample_count) == ("green", 0.75, 0.53, 20)
    assert found.says == "15 of 20 judged were right (75 %, 95 % interval 53 to 89 %); 2 ended without an answer"
    assert alert_metric([{**row, "answer": "fail"}]).state == "red"
    assert alert_metric([{**row, "answer": "too_few"}]).state == "too_few"
    assert alert_metric([{**row, "judged_count": 0}]).state == alert_metric([]).state == "not_available"
