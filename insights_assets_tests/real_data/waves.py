"""What was heard of late delivery in the public shop, beside what its delivery dates say: `python -m insights_assets_tests.real_data.waves` (after `make olist`).

Belongs here: the figures and the plot of docs/examples/olist.md, read from a home that `make olist` made. The delivery dates are the judge's. Does not belong
here: running the shop (`olist.py`), any expectation (`test_olist.py`).
"""

from __future__ import annotations

import argparse
import csv
import sys
from collections import Counter
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from insights_assets_tests.real_data.olist import DATA, ROOT, WAVES

PLOT = ROOT / "docs" / "images" / "olist-waves.png"
TOPIC = "shipping_delay"
#: The months in which the wave of November 2017 is heard: told apart, so that labels which only fit them would show.
WAVE_MONTHS = (date(2017, 11, 1), date(2018, 1, 31))
IN_TIME, LATE, NEVER = "in time", "late", "never"
USUAL_DAYS = 56


@dataclass(frozen=True)
class Review:
    """One review as the judge sees it: when it was written, whether it has words, and what became of its parcel."""

    record_ref: str
    day: date
    has_words: bool
    fate: str


def reviews(data: Path) -> list[Review]:
    """All reviews with the fate of their parcels, by the dates that the pipeline never fetches."""
    with open(data / "orders.csv", encoding="utf-8", newline="") as stream:
        orders = {row["order_id"]: row for row in csv.DictReader(stream)}
    found = []
    with open(data / "order_reviews.csv", encoding="utf-8", newline="") as stream:
        for row in csv.DictReader(stream):
            order = orders[row["order_id"]]
            delivered, promised = order["order_delivered_customer_date"][:10], order["order_estimated_delivery_date"][:10]
            fate = NEVER if not delivered else LATE if delivered > promised else IN_TIME
            words = bool((row["review_comment_title"] + row["review_comment_message"]).strip())
            found.append(Review(f"{row['review_id']}/{row['order_id']}", date.fromisoformat(row["review_answer_timestamp"][:10]), words, fate))
    return found


def table(home: Path, name: str) -> Any:
    """A table of the home as pandas, without an engine."""
    from deltalake import DeltaTable

    return DeltaTable(str(home / "lake" / name)).to_pyarrow_table().to_pandas()


def heard(home: Path) -> set[str]:
    """record_ref of the reviews that were labelled as complaints of late delivery."""
    labels, feedback = table(home, "labels/feedback_labels"), table(home, "canonical/feedback")
    late = {row.feedback_id for row in labels.itertuples() if any(one["topic"] == TOPIC and one["sentiment"] == "negative" for one in row.topics)}
    return {row.record_ref for row in feedback.itertuples() if row.feedback_id in late}


def shares(given: list[Review], labelled: set[str]) -> list[tuple[str, str, int, int]]:
    """(months, fate, reviews with words, of them labelled as late delivery), the wave's months apart."""
    counts: Counter[tuple[bool, str, bool]] = Counter(
        (WAVE_MONTHS[0] <= one.day <= WAVE_MONTHS[1], one.fate, one.record_ref in labelled) for one in given if one.has_words
    )
    return [
        ("wave" if inside else "others", fate, counts[inside, fate, True] + counts[inside, fate, False], counts[inside, fate, True])
        for inside in (False, True) for fate in (LATE, NEVER, IN_TIME)
    ]  # fmt: skip


def truth_of(insight: dict[str, Any], given: list[Review]) -> tuple[int, int, float]:
    """(reviews in the insight's days until it was detected, of them of parcels late or never delivered, the usual share of those in the 56 days before)."""
    first, last = insight["onset_day"], insight["opened_day"]
    inside = [one.fate != IN_TIME for one in given if first <= one.day <= last]
    before = [one.fate != IN_TIME for one in given if first - timedelta(days=USUAL_DAYS) <= one.day < first]
    return len(inside), sum(inside), sum(before) / max(len(before), 1)


def draw(home: Path, given: list[Review], insights: list[dict[str, Any]], path: Path) -> None:
    """Three rows over the same weeks: what was heard, how unlikely each day was, what the delivery dates say."""
    import matplotlib as mpl

    mpl.use("Agg")
    import matplotlib.pyplot as plt

    from insights_assets.anomalies.statistics import z_of

    first, last = date(2017, 8, 1), date(2018, 6, 30)
    judged = table(home, "anomalies/anomalies")
    judged = judged[(judged["topic"] == TOPIC) & (judged["attribute"] == "all")].sort_values("as_of_day")
    judged = judged[(judged["as_of_day"] >= first) & (judged["as_of_day"] <= last)]
    series = table(home, "anomalies/topic_series")
    series = series[(series["topic"] == TOPIC) & (series["attribute"] == "all")]
    weeks = [first - timedelta(days=first.weekday()) + timedelta(days=7 * n) for n in range((last - first).days // 7 + 1)]

    def by_week(days: Any) -> list[int]:
        counts = Counter(day - timedelta(days=day.weekday()) for day in days)
        return [counts[week] for week in weeks]

    figure, (told, unlikely, true) = plt.subplots(3, 1, figsize=(10, 6.4), sharex=True, height_ratios=(2, 2, 2), layout="constrained")
    people = [day for day, count in zip(series["day"], series["observed"], strict=True) for _ in range(int(count))]
    told.bar(weeks, by_week(people), width=6, align="edge", color="#4c78a8")
    told.set_title("Heard: people a week who write of late or missing parcels", loc="left", fontsize=9)
    unlikely.plot(judged["as_of_day"], judged["z_peak"], color="#4c78a8", linewidth=0.9, label="most unlikely window of 1, 3 or 7 days, z")
    unlikely.plot(judged["as_of_day"], [z_of(p, 3) for p in judged["p_bound"]], color="#4c78a8", linestyle="--", linewidth=0.9, label="opens at")
    unlikely.plot(judged["as_of_day"], judged["cusum"], color="#e45756", linewidth=0.9, label="running excess")
    unlikely.plot(judged["as_of_day"], judged["cusum_bound"], color="#e45756", linestyle="--", linewidth=0.9, label="opens at")
    unlikely.set_ylim(-1, 6)
    unlikely.legend(fontsize=7, ncol=4, loc="upper left", frameon=False)
    unlikely.set_title("Judged: each day with what was known by its end", loc="left", fontsize=9)
    late, never = by_week(one.day for one in given if one.fate == LATE), by_week(one.day for one in given if one.fate == NEVER)
    true.bar(weeks, late, width=6, align="edge", color="#e45756", label="delivered late")
    true.bar(weeks, never, width=6, bottom=late, align="edge", color="#bab0ac", label="never delivered")
    true.legend(fontsize=7, ncol=2, loc="upper left", frameon=False)
    true.set_title("True: reviews a week by what the delivery dates say, which the pipeline never saw", loc="left", fontsize=9)
    for one in insights:
        if one["topic"] == TOPIC and first <= one["opened_day"] <= last:
            for axis in (told, unlikely, true):
                axis.axvline(one["opened_day"], color="black", linewidth=0.8, linestyle=":")
            told.annotate(f" {one['opened_day']:%d %b}", (one["opened_day"], told.get_ylim()[1] * 0.92), fontsize=7)
    for axis in (told, unlikely, true):
        axis.set_xlim(first, last)
        axis.spines[["top", "right"]].set_visible(False)
        axis.tick_params(labelsize=7)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=110, metadata={"Software": None})
    plt.close(figure)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--data", type=Path, default=DATA, help="folder with the eight CSV files")
    parser.add_argument("--home", type=Path, default=ROOT / "olist", help="home that `make olist` made")
    parser.add_argument("--plot", type=Path, default=PLOT, help="where to draw")
    given = parser.parse_args()
    if not (given.home / "lake" / "anomalies").is_dir():
        print(f"{given.home} holds no run yet: `make olist` first, or name a home with --home", file=sys.stderr)
        return 2
    said = reviews(given.data)
    insights = table(given.home, "anomalies/insights").sort_values("opened_day").to_dict("records")
    print("Reviews with words, by what became of the parcel, and how many are heard as late delivery:")
    for months, fate, count, labelled in shares(said, heard(given.home)):
        print(f"  {months:<8} {fate:<8} {count:>5} {labelled:>5}  {labelled / max(count, 1):.2f}")
    print("\nEach insight of late delivery beside the delivery dates (reviews from its onset until it was told; of parcels late or never delivered; usual):")
    for one in insights:
        if one["topic"] == TOPIC:
            count, bad, usual = truth_of(one, said)
            wave = next((name for name, (start, end) in WAVES.items() if start <= one["opened_day"] <= end), "")
            print(f"  {one['opened_day']} from {one['onset_day']}: {count:>3} reviews, {bad:>3} late or never ({bad / max(count, 1):.2f}, usual {usual:.2f}) {wave}")
    draw(given.home, said, insights, given.plot)
    print(f"\nDrawn: {given.plot}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
