"""`insights retention` on a home that ran: dry by itself; applied, no file of the home holds what expired, and nothing brings it back."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from insights_assets_tests import commanding
from insights_assets_tests.house import PRODUCTS, order, review
from insights_assets_tests.scanning import hits

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]
PEOPLE = [(f"Wilhelmina Oldson{n}", f"oldson{n}@mail.test") for n in range(30)]
GONE = [value for person in PEOPLE for value in person] + ["an old sentence about glass"]


def insights(landing: Path, *words: str) -> str:
    environment = {"INSIGHTS_CUSTOMER_KEY_SECRET": "test", "INSIGHTS_LANDING": str(landing), "INSIGHTS_AS_OF": "2026-11-22"}
    done = commanding.insights(*words, environment=environment)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-4000:]
    return done.stdout


def test_what_expired_is_nowhere_in_the_home_and_stays_away(tmp_path: Path) -> None:
    landing, home = tmp_path / "landing", tmp_path / "home"

    def put(source: str, name: str, rows: list[dict[str, Any]]) -> None:
        (landing / source).mkdir(parents=True, exist_ok=True)
        (landing / source / name).write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")

    put("products", "products.jsonl", PRODUCTS)
    put("orders", "orders.jsonl", [order(f"O{n}", "LMP-1", f"C{n}", f"2026-11-{1 + n % 20:02d}") for n in range(40)])
    put("reviews", "old.jsonl", [
        review(f"OLD{n}", None, f"COld{n}", "2024-11-05", customer_name=name, customer_email=email, body=f"{name} here: an old sentence about glass, I am at {email}")
        for n, (name, email) in enumerate(PEOPLE)
    ])  # fmt: skip
    put("reviews", "new.jsonl", [review(f"NEW{n}", f"O{n}", f"C{n}", f"2026-11-{2 + n % 20:02d}") for n in range(30)])
    insights(landing, "run", "--home", str(home))
    assert len({value for _, value in hits([home], GONE)}) == len(GONE)

    dry = json.loads(insights(landing, "retention", "--home", str(home), "--json"))
    assert not dry["applied"] and {row["table_name"]: row["row_count"] for row in dry["tables"]} == {"sources.reviews_raw": 30, "sources.reviews": 30}
    assert len({value for _, value in hits([home], GONE)}) == len(GONE), "a dry run removes nothing"

    applied = json.loads(insights(landing, "retention", "--apply", "--keep-published-days", "0", "--home", str(home), "--json"))
    assert applied["applied"] and all(row["is_applied"] and row["row_count"] == 30 for row in applied["tables"])
    assert hits([home], GONE) == set()

    report = json.loads(insights(landing, "run", "--home", str(home), "--json"))
    assert report["tables"]["canonical.feedback"] == 30 and report["tables"]["sources.removed_rows"] == 30
    assert hits([home], GONE) == set()
    assert "Nothing has outlived its retention." in insights(landing, "retention", "--home", str(home))
    assert "chain holds" in insights(landing, "audit", "verify", "--home", str(home))
