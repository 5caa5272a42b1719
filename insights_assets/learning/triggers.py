"""What leads to a review, a training, a verdict on a candidate, a relabelling: pure decisions with a reason a person can read.

Belongs here: the state machine of learning (R98 to R104, R160). Does not belong here: reading tables (`signals.py`), Dagster
(`sensors.py`, `schedules.py`). A decision names a key; what was answered for a key is not asked again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from insights_assets.anomalies.drift_rule import JudgedWindow, lasting
from insights_assets.shop.watching import RetrainingLimits

MODEL_REVIEW, TRAIN_CANDIDATE, JUDGE_CANDIDATE, RELABEL = "model_review", "train_candidate", "judge_candidate", "relabel"


@dataclass(frozen=True)
class Signals:
    """What the last run saw. `failed_topics`: topic (or micro) -> why its label gate failed."""

    as_of: date
    windows: tuple[JudgedWindow, ...] = ()
    failed_topics: Mapping[str, str] | None = None
    topics: frozenset[str] = frozenset()
    reviewed: int = 0
    last_correction_id: int = 0
    launches_lately: int = 0
    seasons: tuple[str, ...] = ()


@dataclass(frozen=True)
class History:
    """What was done before. Days are the shop's; `since` is the home's first day."""

    since: date
    reviewed_through: date | None = None
    trained_day: date | None = None
    trained_reviewed: int = 0
    waiting_candidate: str | None = None
    gate_answer: str | None = None
    activation: int | None = None
    relabel_left: int | None = None


@dataclass(frozen=True)
class Decision:
    """A job to start under a key, or None with the reason why not."""

    job: str | None
    reason: str
    key: str = ""

    @property
    def fires(self) -> bool:
        return self.job is not None


def decide_review(signals: Signals, history: History, runs: int) -> Decision:
    """The rule of consecutive runs (R103). A window that a review looked at opens no second one."""
    if not signals.windows:
        return Decision(None, "no window was judged yet: records are pooled until there are enough")
    found = lasting(signals.windows, runs)
    last = signals.windows[-1].last
    if found:
        said = "; ".join(one.reason for one in found)
        if history.reviewed_through is not None and history.reviewed_through >= last:
            return Decision(None, f"{said}; the model review of {history.reviewed_through} looked at it")
        return Decision(MODEL_REVIEW, said, f"drift:{last.isoformat()}")
    material = [reason for reasons in signals.windows[-1].material.values() for reason in reasons.values()]
    if material:
        return Decision(None, f"{material[0]}, in the window up to {last}; the same must last for {runs} windows in a row")
    return Decision(None, f"nothing material in the window up to {last}")


def decide_training(signals: Signals, history: History, limits: RetrainingLimits, runs: int) -> Decision:
    """What happened that the classifier should learn from (R99 to R102); the gate decides later whether it may replace the active one."""
    causes = _causes(signals, runs)
    if not causes:
        return Decision(None, "no label gate failed, no launch brought new words, no topic's share shifted twice")
    key, _ = causes[0]
    return _with_enough(Decision(TRAIN_CANDIDATE, "; ".join(reason for _, reason in causes), key), signals, history, limits)


def decide_schedule(signals: Signals, history: History, limits: RetrainingLimits) -> Decision:
    """The base interval: monthly, twice a month while a season runs or much is launched (R98, R160)."""
    busy = [f"season {name!r}" for name in signals.seasons]
    if signals.launches_lately >= limits.launches_busy:
        busy.append(f"{signals.launches_lately} launches in four weeks")
    interval = limits.every_days_busy if busy else limits.every_days
    last = history.trained_day or history.since
    due = last + timedelta(days=interval)
    pace = f"every {interval} days{f' because of {busy[0]}' if busy else ''}"
    if signals.as_of < due:
        return Decision(None, f"{pace}: next on {due}")
    return _with_enough(Decision(TRAIN_CANDIDATE, f"{pace}: due since {due}", f"schedule:{due.isoformat()}"), signals, history, limits)


def next_step(signals: Signals, history: History, limits: RetrainingLimits, runs: int) -> Decision:
    """What the retraining sensor starts next: what was begun is finished before anything is trained anew."""
    if history.activation is not None and history.relabel_left != 0:
        left = "days" if history.relabel_left is None else f"{history.relabel_left} days"
        return Decision(RELABEL, f"a version came into force; {left} may hold labels that it would change", f"relabel:{history.activation}:{history.relabel_left}")
    if history.waiting_candidate is not None and history.gate_answer in (None, "pass"):
        waits = "waits for its gate" if history.gate_answer is None else "passed its gate and is not in force yet"
        return Decision(JUDGE_CANDIDATE, f"{history.waiting_candidate} was trained and {waits}", f"judge:{history.waiting_candidate}:{history.gate_answer or ''}")
    decision = decide_training(signals, history, limits, runs)
    if not decision.fires and history.waiting_candidate is not None and history.gate_answer is not None:
        answer = str(history.gate_answer).replace("_", " ")
        return Decision(None, f"{decision.reason}; the last candidate's gate said {answer}")
    return decision


def _causes(signals: Signals, runs: int) -> list[tuple[str, str]]:
    """(key, reason) of every trigger, the gravest first."""
    found = []
    failed = signals.failed_topics or {}
    if failed:
        named = "; ".join(f"{'all topics' if topic == 'micro' else topic}: {reason}" for topic, reason in sorted(failed.items()))
        found.append((f"gate:{signals.last_correction_id}", f"label gate failed ({named})"))
    if signals.windows:
        last = signals.windows[-1]
        for event, reason in last.material.get("launch", {}).items():
            found.append((f"launch:{event}", f"launch language: {reason}"))
        shifted = [one.reason for one in lasting(_topics_only(signals), runs) if one.rule == "shares"]
        if shifted:
            found.append((f"shift:{last.last.isoformat()}", f"label shift: {shifted[0]}"))
    return found


def _topics_only(signals: Signals) -> Sequence[JudgedWindow]:
    """Windows with the shares of topics alone: themes say how the world speaks, topics what the labels say."""
    return [
        JudgedWindow(window.last, {"shares": {subject: reason for subject, reason in window.material.get("shares", {}).items() if subject in signals.topics}})
        for window in signals.windows
    ]


def _with_enough(decision: Decision, signals: Signals, history: History, limits: RetrainingLimits) -> Decision:
    new = signals.reviewed - history.trained_reviewed
    if new < limits.new_reviewed:
        return Decision(None, f"{decision.reason}; but {max(new, 0)} of {limits.new_reviewed} records were reviewed since the last training: there is nothing to learn from")
    return decision
