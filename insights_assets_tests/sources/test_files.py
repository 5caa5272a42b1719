"""Landing files line by line: a bad line costs itself and nothing else."""

from __future__ import annotations

import csv
import gzip
import io
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from insights_assets.sources.files import Line, delivered_day, read_lines


def lines_of(path: Path) -> tuple[list[dict], list[Line]]:
    found = list(read_lines(path))
    return [line.record for line in found if line.record is not None], [line for line in found if line.record is None]


def test_one_bad_line_in_a_csv_costs_one_line(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    good = "\n".join(f'{i},"text, {i}"' for i in range(1000))
    path.write_bytes(b"id,body\n" + good.encode() + b'\n7,"no end of quote\n' + b"8,fine\n9,\xff\xfe\n10,a,b\n11,last\n")
    records, bad = lines_of(path)
    assert len(records) == 1002
    assert records[-1] == {"id": "11", "body": "last"}
    assert [(line.number, line.reason.split(" at ")[0]) for line in bad] == [
        (1002, "a quote opens here and does not close"), (1004, "not UTF-8"), (1005, "3 fields, the header has 2")
    ]


def test_quoted_fields_may_hold_line_ends(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text('id,body\n1,"two\nlines, and ""quotes"""\n2,x\n')
    records, bad = lines_of(path)
    assert not bad
    assert records[0]["body"] == 'two\nlines, and "quotes"'


@settings(max_examples=150, deadline=None)
@given(st.lists(st.tuples(st.text(st.characters(blacklist_categories=("Cs", "Cc")), max_size=20), st.text(st.characters(blacklist_characters="\x00\r", blacklist_categories=("Cs",)), max_size=40)), min_size=1, max_size=20))
def test_whatever_a_csv_writer_writes_is_read_back(tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[str, str]]) -> None:
    path = tmp_path_factory.mktemp("csv") / "a.csv"
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer)
    writer.writerow(["id", "body"])
    rows = [(f"k{a}", b) for a, b in rows]
    writer.writerows(rows)
    path.write_bytes(buffer.getvalue().encode())
    records, bad = lines_of(path)
    assert not bad
    assert [(r["id"], r["body"]) for r in records] == rows


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("a.csv", b"", "the file is empty"),
        ("a.jsonl", b'{"id": 1}\n{"id": \n[1]\n', "not valid JSON"),
        ("a.csv.gz", gzip.compress(b"id,body\n1,x\n", mtime=0)[:-12], "ends early"),
        ("a.parquet", b"PAR1 nothing", "not a readable parquet file"),
        ("a.xlsx", b"PK", "unknown format"),
        ("a.csv", "id,body\n1,x\n".encode("utf-16"), "header line is not UTF-8"),
        ("a.csv", b"id,id\n1,x\n", "names a column twice"),
    ],
)
def test_a_bad_file_says_why(tmp_path: Path, name: str, content: bytes, reason: str) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    _, bad = lines_of(path)
    assert any(reason in (line.reason or "") for line in bad), bad


def test_only_a_full_date_says_when_a_file_was_delivered() -> None:
    assert delivered_day("reviews-2026-10-14-late.jsonl").isoformat() == "2026-10-14"
    assert delivered_day("reviews-2026-10.csv") is None
    assert delivered_day("reviews-2026-13-40.csv") is None
