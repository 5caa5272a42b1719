"""Readers hold whatever they are given: no bytes make them raise, no line is dropped in silence, no file fills the memory."""

from __future__ import annotations

import gzip
import io
import json
import resource
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from insights_assets.shop import SourceMapping
from insights_assets.sources.catalogue import SOURCES, Source
from insights_assets.sources.csv_lines import csv_lines
from insights_assets.sources.files import SUFFIXES, read_lines
from insights_assets.sources.lines import Line, numbered_lines
from insights_assets.sources.parse import Reject, parse
from insights_assets.sources.vendors import plain, translator_of
from insights_assets_tests.sources.test_parse import LATEST

NOISE = st.one_of(
    st.binary(max_size=400),
    st.text(st.sampled_from('ab,;"\n\r\t|{}[]:0 \u00e9\x00'), max_size=200).map(str.encode),
    st.lists(st.sampled_from([b'id,body\n', b'1,x\n', b'"2","y"\n', b'3,"z\n', b'{"id": 1}\n', b'{"id": ', b'\xff\n', b'\n', b'a,b,c\r\n', b'"', b'\xef\xbb\xbf'])).map(b"".join),
)


@pytest.mark.parametrize("suffix", SUFFIXES)
@settings(max_examples=60, deadline=None)
@given(content=NOISE)
def test_no_bytes_make_a_reader_raise(tmp_path_factory: pytest.TempPathFactory, suffix: str, content: bytes) -> None:
    path = tmp_path_factory.mktemp("noise") / f"a{suffix}"
    path.write_bytes(gzip.compress(content) if suffix.endswith(".gz") else content)
    for line in read_lines(path):
        assert (line.record is None) == (line.reason is not None)
        assert line.record is None or isinstance(line.record, dict)
        assert "\x00" not in line.text and len(line.text) <= 4_000


def read_csv(content: bytes) -> list[Line]:
    return list(csv_lines(numbered_lines(io.BytesIO(content), "utf-8"), None, ()))


LINE = st.text(st.characters(blacklist_categories=("Cs", "Cc"), blacklist_characters='"\u0085\u2028\u2029'), max_size=12)


@settings(max_examples=200, deadline=None)
@given(st.lists(st.tuples(LINE, LINE), max_size=12), st.lists(st.sampled_from([b'7,"open\n', b"only one\n", b"1,2,3\n", b"\xff,\xfe\n", b"a\x00,b\n"]), max_size=4), st.randoms(use_true_random=False))
@example([("", "")], [b'7,"open\n'], None)
def test_every_line_is_a_record_or_has_its_reason(good: list[tuple[str, str]], bad: list[bytes], random: Any) -> None:
    """Bad lines anywhere among good ones cost themselves alone: counts reconcile, and line numbers are those of the file."""
    rows = [f"k{n},{a.replace(',', ' ')}".encode() + b"\n" for n, (a, _) in enumerate(good)]
    lines = [*rows, *bad]
    if random is not None:
        random.shuffle(lines)
    found = read_csv(b"id,body\n" + b"".join(lines))
    read = {line.number: line.record for line in found if line.record is not None}
    told = {line.number for line in found if line.record is None}
    for number, raw in enumerate(lines, 2):
        assert (number in read) == (raw in rows) and (number in told) == (raw not in rows), (number, raw)


JSON = st.recursive(st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20), lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3), max_leaves=8)


@pytest.mark.parametrize("source", SOURCES, ids=lambda source: source.name)
@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_a_record_of_anything_is_typed_or_refused(source: Source, data: st.DataObject) -> None:
    record = data.draw(st.dictionaries(st.sampled_from([*source.field_names, "id", "requester_id", "type", "conversation_parts"]), JSON, max_size=8))
    try:
        values = parse(record, source, SourceMapping(source.name), LATEST)
    except Reject as refused:
        assert refused.reason
        return
    assert set(values) == set(source.field_names)
    assert all(values[field.name] is not None for field in source.fields if field.required)


VENDOR_KEYS = ("id", "requester_id", "type", "source", "contacts", "conversation_parts", "via", "_sideloads", "tags", "statistics", "description", "satisfaction_rating")


@settings(max_examples=300, deadline=None)
@given(st.dictionaries(st.sampled_from(VENDOR_KEYS), JSON, max_size=8), st.sampled_from(["support_tickets", "chats"]))
@example({"id": 1, "requester_id": 2, "via": "email", "_sideloads": []}, "support_tickets")
@example({"type": "conversation", "id": 3, "source": "x", "conversation_parts": [1], "contacts": 5, "statistics": True}, "chats")
def test_a_vendors_record_of_anything_is_translated(record: dict[str, Any], source: str) -> None:
    translate = translator_of(source)
    assert translate is not None
    assert isinstance(translate(record), dict)


@settings(max_examples=200, deadline=None)
@given(st.dictionaries(st.sampled_from(["tickets", "users", "comments", "audits", "conversations", "data"]), st.lists(st.dictionaries(st.sampled_from(["id", "ticket_id", "requester_id", "author_id", "events"]), JSON, max_size=4) | JSON, max_size=4)))
def test_a_page_of_anything_gives_its_records(tmp_path_factory: pytest.TempPathFactory, document: dict[str, Any]) -> None:
    path = tmp_path_factory.mktemp("page") / "a.json"
    path.write_text(json.dumps(document, allow_nan=False) if "NaN" not in json.dumps(document) and "Infinity" not in json.dumps(document) else "{}", encoding="utf-8")
    for line in read_lines(path):
        assert (line.record is None) == (line.reason is not None)


@given(st.text(st.sampled_from("<>/ab&;p!-= \n"), max_size=60))
def test_html_of_anything_is_text(text: str) -> None:
    assert "<p>" not in plain(text)


@pytest.mark.slow
def test_a_million_lines_with_one_bad_one_take_seconds_and_little_memory(tmp_path: Path) -> None:
    path = tmp_path / "million.csv"
    with open(path, "w", encoding="utf-8") as file:
        file.write("review_id,created_at,rating,body,sku\n")
        for number in range(1_000_000):
            file.write(f'R{number},2026-11-01,2,"never closed,S\n' if number == 777_777 else f"R{number},2026-11-01,2,The lamp number {number} came in pieces,S\n")
    program = textwrap.dedent("""
        import json, resource, sys, time
        from pathlib import Path
        from insights_assets.sources.files import read_lines
        before, began, good, bad = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.process_time(), 0, []
        for line in read_lines(Path(sys.argv[1])):
            good += line.record is not None
            if line.record is None:
                bad.append([line.number, line.reason])
        grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024
        print(json.dumps({"good": good, "bad": bad, "seconds": time.process_time() - began, "megabytes": grown}))
    """)
    said = json.loads(subprocess.run([sys.executable, "-c", program, str(path)], capture_output=True, text=True, check=True).stdout)
    assert said["good"] == 999_999 and said["bad"] == [[777_779, "a quote opens here and does not close"]]
    assert said["seconds"] < 20 and said["megabytes"] < 50, said


@pytest.mark.slow
def test_a_line_without_end_is_told_and_never_held_whole(tmp_path: Path) -> None:
    path = tmp_path / "endless.csv"
    with open(path, "wb") as file:
        file.write(b"id,body\n1,fine\n2,")
        for _ in range(64):
            file.write(b"x" * (4 << 20))
        file.write(b"\n3,fine\n")
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    found = list(read_lines(path))
    assert [(line.number, line.record is not None) for line in found] == [(2, True), (3, False), (4, True)]
    assert (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024 < 200
