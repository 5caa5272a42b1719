"""Garbage in every shape among good files: each ends in quarantine with file, line and reason, the run goes on, nothing is lost (R74)."""

from __future__ import annotations

import csv
import gzip
import io
import json
import os
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from insights_assets.canonical.tables import FEEDBACK, QUARANTINE, SOURCE_COMPLETENESS
from insights_assets.sources.tables import BRONZE, RAW
from insights_assets_tests.house import TestHouse

pytestmark = pytest.mark.slow
GOOD = {"review_id": "G", "created_at": "2026-11-01T10:00:00Z", "rating": 2, "body": "The lamp came in pieces.", "sku": "LMP-1", "customer_id": "C1", "region": "de"}


def review(name: str, **change: Any) -> dict[str, Any]:
    return {**GOOD, "review_id": name, "body": f"The lamp came in pieces, said {name}.", **change}


def jsonl(*records: Any) -> bytes:
    return b"".join(json.dumps(record).encode() + b"\n" for record in records)


def csv_of(*records: dict[str, Any], end: str = "\n") -> bytes:
    buffer = io.StringIO(newline="")
    writer = csv.DictWriter(buffer, list(GOOD), lineterminator=end)
    writer.writeheader()
    writer.writerows(records)
    return buffer.getvalue().encode()


def parquet(records: list[dict[str, Any]]) -> bytes:
    import pyarrow as pa
    import pyarrow.parquet as pq

    sink = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(records), sink)
    return sink.getvalue()


#: file name -> (content, good records in it, words that its quarantine rows must say).
CASES: dict[str, tuple[bytes, list[str], list[str]]] = {
    "empty.csv": (b"", [], ["the file is empty"]),
    "header_only.csv": (csv_of(), [], []),
    "truncated.jsonl": (jsonl(review("T1")) + b'{"review_id": "T2", "created_', ["T1"], ["not valid JSON"]),
    "truncated.jsonl.gz": (gzip.compress(jsonl(*(review(f"Z{n}", tags=os.urandom(600).hex()) for n in range(400))))[:-3000], [], ["ends early"]),
    "not_gzip.csv.gz": (csv_of(review("N1")), [], ["cannot be read"]),
    "latin1.csv": (csv_of(review("L1"), review("L2", body="zerbröselt")).decode().encode("latin-1"), ["L1"], ["not UTF-8 at byte"]),
    "utf16.csv": (csv_of(review("U1")).decode().encode("utf-16"), [], ["header line is not UTF-8"]),
    "bom.csv": (b"\xef\xbb\xbf" + csv_of(review("B1")), ["B1"], []),
    "bom.jsonl": (b"\xef\xbb\xbf" + jsonl(review("B2")), ["B2"], []),
    "semicolons.csv": (csv_of(review("S1", body="no comma")).replace(b",", b";"), ["S1"], []),
    "wrong_columns.csv": (b"name,colour\nchair,red\ntable,blue\n", [], ["review_id is empty but required"]),
    "two_headers.csv": (b"review_id,review_id\n1,2\n", [], ["names a column twice"]),
    "huge_field.csv": (csv_of(review("H1"), review("H2", body="x" * 5_000_000), review("H3")), ["H1", "H3"], ["has 5000000 characters; at most 100000"]),
    "huge_line.jsonl": (jsonl(review("H4")) + b'{"a": "' + b"y" * 17_000_000 + b'"}\n' + jsonl(review("H5")), ["H4", "H5"], ["longer than 16777216 bytes"]),
    "nul.csv": (csv_of(review("0A"), review("0B", body="a NUL"), review("0C")).replace(b"a NUL", b"a \x00"), ["0A", "0C"], ["NUL byte"]),
    "nul.jsonl": (jsonl(review("0D", body="a \x00 inside")), [], ["holds a NUL character"]),
    "nan.jsonl": (b'{"review_id": "X1", "rating": NaN}\n{"review_id": "X2", "rating": Infinity}\n' + jsonl(review("X3", rating="Infinity")), [], ["not valid JSON", "is not a number"]),
    "huge_number.jsonl": (jsonl(review("X4", rating=10**400)), [], ["not valid JSON: number is infinity"]),
    "long_ids.jsonl": (jsonl(review("q", review_id=10**30 + 1), review("q", review_id=10**30 + 2)), [str(10**30 + 1), str(10**30 + 2)], []),
    "lists.jsonl": (jsonl([1, 2], "text", 7, None, review("X5")), ["X5"], ["not a JSON object"]),
    "deep.jsonl": (b'{"review_id": ' + b"[" * 5000 + b"]" * 5000 + b"}\n" + jsonl(review("X6")), ["X6"], []),
    "dates.jsonl": (
        jsonl(review("D1", created_at="2026-02-30"), review("D2", created_at="1888-01-01"), review("D3", created_at="2999-01-01T00:00:00Z"), review("D4", created_at=-5),
              review("D5", created_at="9999999999999999"), review("D6", created_at={"at": 1}), review("D7", created_at="0001-01-01T00:00:00+14:00")),
        [], ["is not a time", "impossible date"],
    ),
    "duplicates.csv": (csv_of(review("P1"), review("P1", body="a second version"), review("P1"), review("P2")), ["P1", "P2"], []),
    "mixed_ends.csv": (csv_of(review("M1"), review("M2"), end="\r\n") + csv_of(review("M3")).split(b"\n", 1)[1], ["M1", "M2", "M3"], []),
    "stray_quote.csv": (csv_of(review("Q1")) + b'Q2,2026-11-01,1,"never closed,LMP-1,C1,de\n' + csv_of(*(review(f"Q{n}") for n in range(3, 300))).split(b"\n", 1)[1],
                        ["Q1", *(f"Q{n}" for n in range(3, 300))], ["a quote opens here"]),
    "nested_quotes.csv": (csv_of(review("Q300", body='She said "it ""broke""", twice,\nover two lines')), ["Q300"], []),
    "fields.csv": (csv_of(review("F1")) + b"F2,too,few\n" + b"F3" + b",x" * 40 + b"\n", ["F1"], ["fields, the header has"]),
    "types.parquet": (
        parquet([{**review("W1"), "created_at": date(2026, 11, 1), "rating": Decimal("3.00"), "blob": b"\xff\x00"},
                 {**review("W2"), "created_at": date(1700, 1, 1), "rating": Decimal("2.00"), "blob": b""}]), ["W1"], ["impossible date"],
    ),
    "float_ids.parquet": (parquet([{**review(""), "review_id": 17.0}, {**review(""), "review_id": None}]), ["17"], ["review_id is empty but required"]),
    "broken.parquet": (parquet([review("W3")])[:-20] + b"\x00" * 20, [], ["not a readable parquet file"]),
    "document.json": (json.dumps({"data": [review("J1"), "text"]}).encode(), ["J1"], ["not a JSON object"]),
    "table.xlsx": (b"PK\x03\x04", [], ["unknown format"]),
}


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory, spark: Any) -> Iterator[TestHouse]:
    house = TestHouse(tmp_path_factory.mktemp("garbage"), spark, as_of=date(2026, 11, 20))
    folder = house.landing / "reviews"
    folder.mkdir(parents=True)
    for name, (content, _, _) in CASES.items():
        (folder / name).write_bytes(content)
    elsewhere = house.landing.parent / "elsewhere.jsonl"
    elsewhere.write_bytes(jsonl(review("LINK")))
    (folder / "link.jsonl").symlink_to(elsewhere)
    (folder / "dangling.jsonl").symlink_to(house.landing / "nowhere.jsonl")
    os.mkfifo(folder / "pipe.jsonl")
    (folder / ".hidden.csv").write_text("x")
    (folder / "upload.csv.part").write_text("x")
    (house.landing / "unknown").mkdir()
    (house.landing / "lost.csv").write_text("a\n1\n")
    house.run("sources", "canonical")
    yield house


def quarantined(house: TestHouse, name: str) -> list[dict[str, Any]]:
    return [row for row in house.rows(QUARANTINE) if row["source_file"] == f"reviews/{name}"]


@pytest.mark.parametrize("name", CASES)
def test_each_file_gives_its_good_records_and_the_reason_of_every_bad_one(house: TestHouse, name: str) -> None:
    _, good, words = CASES[name]
    bronze = {row["record_ref"] for row in house.rows(BRONZE["reviews"])}
    assert set(good) <= bronze
    bad = quarantined(house, name)
    for word in words:
        assert any(word in row["reason"] for row in bad), [row["reason"] for row in bad]
    if not words and name != "deep.jsonl":
        assert not bad, [row["reason"] for row in bad]
    assert all(row["line"] is not None for row in bad)


def test_the_count_reconciles_to_the_record(house: TestHouse) -> None:
    row = next(row for row in house.rows(SOURCE_COMPLETENESS) if row["source"] == "reviews")
    assert row["unexplained_count"] == 0, row
    assert row["raw_count"] == len(house.rows(RAW["reviews"])) == row["bronze_count"] + row["superseded_count"] + row["quarantined_count"]
    good = {name for _, names, _ in CASES.values() for name in names} | {"LINK"}
    bronze = {row["record_ref"] for row in house.rows(BRONZE["reviews"])}
    # The truncated archive may give what came before the cut; everything else is known to the record.
    assert good <= bronze and all(name.startswith("Z") for name in bronze - good)
    assert {row["record_ref"] for row in house.rows(FEEDBACK)} == bronze


def test_the_last_version_of_a_duplicate_id_wins(house: TestHouse) -> None:
    row = next(row for row in house.rows(BRONZE["reviews"]) if row["record_ref"] == "P1")
    assert row["body"] == "a second version"
    assert sum(row["record_ref"] == "P1" for row in house.rows(RAW["reviews"])) == 2


def test_what_is_no_file_of_a_source_is_told_by_name(house: TestHouse) -> None:
    told = {row["source_file"]: row["reason"] for row in house.rows(QUARANTINE)}
    assert told["reviews/dangling.jsonl"] == "a link that leads nowhere"
    assert told["reviews/pipe.jsonl"] == "neither a file nor a folder"
    assert told["unknown/"].startswith("unknown folder")
    assert told["lost.csv"].startswith("a file outside a source's folder")
    assert not any("hidden" in str(name) or "part" in str(name) for name in told)


def test_a_second_run_writes_nothing(house: TestHouse) -> None:
    before = {spec: house.lake.version(spec) for spec in (RAW["reviews"], BRONZE["reviews"], QUARANTINE, FEEDBACK)}
    steps = house.run("sources", "canonical", run_id="run-2")
    assert {spec: house.lake.version(spec) for spec in before} == before
    assert steps["sources__reviews"].notes[RAW["reviews"]]["files_read"] == 0
