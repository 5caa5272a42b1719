"""A record under the contract's names: what `shop/sources.yaml` says of its file is applied here, step by step.

Pure functions of a record and its mapping. Does not belong here: checking the mapping (`shop/sources_file.py`), fetching joined columns
(`joins.py`), reading typed values (`parse.py`).
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from fnmatch import fnmatchcase
from functools import cache
from typing import Any

import orjson

from insights_assets.shop.model import Derived, SourceMapping
from insights_assets.sources.catalogue import BY_NAME, Source
from insights_assets.sources.vendors import translator_of

#: Where a composed payload keeps what joins fetched, and the further rows of its file with the same id.
JOINED, REPEATED = "_joined", "_repeated"
#: A name that begins so lies elsewhere in the landing folder than in the source's own folder.
ELSEWHERE = "/"
Record = Mapping[str, Any]


def blocks_of(shop: Any, source: str) -> tuple[SourceMapping, ...]:
    """The shop's mapping blocks of a source; none where its files already use our names."""
    return tuple(shop.sources.get(source, ()))


def block_of(name: str, source: str, blocks: Sequence[SourceMapping]) -> SourceMapping:
    """The block that reads a file of that name: the first that fits, or the plain reading."""
    return next((block for block in blocks if fits(name, block)), _plain(source))


@cache
def _plain(source: str) -> SourceMapping:
    return SourceMapping(source)


def fits(name: str, block: SourceMapping) -> bool:
    """Whether the block takes a file (named below the source's folder, or from ELSEWHERE)."""
    inner = name_in_folder(name, block)
    return inner is not None and (not block.files or any(fnmatchcase(inner, pattern) for pattern in block.files))


def name_in_folder(name: str, block: SourceMapping) -> str | None:
    """The file's name below the block's folder; None where it lies in another folder."""
    if block.folder is None:
        return None if name.startswith(ELSEWHERE) else name
    prefix = ELSEWHERE + (f"{block.folder}/" if block.folder else "")
    return name[len(prefix) :] if name.startswith(prefix) else None


def is_plain(mapping: SourceMapping) -> bool:
    """Whether records of the block are read under their own names."""
    return not (mapping.columns or mapping.derived or mapping.values or mapping.constants or mapping.joins or mapping.repeats)


def digest_of(mapping: SourceMapping) -> str:
    """Identifies what a block says; empty where it says nothing. A payload read under another mapping is another version of its record."""
    said = {name: value for name, value in asdict(mapping).items() if name not in ("source", "place", "folder", "files") and value and value != "utf-8"}
    return hashlib.sha256(orjson.dumps(said, option=orjson.OPT_SORT_KEYS, default=str)).hexdigest()[:12] if said else ""


def expected_columns(mapping: SourceMapping) -> tuple[str, ...]:
    """Columns that a file of the block must have: those it maps or makes others of, unless a join brings them."""
    brought = {name for join in mapping.joins for name in join.columns.values()}
    named = [*mapping.columns, *(name for one in mapping.derived.values() for name in one.columns), *(name for join in mapping.joins for name in join.on)]
    return tuple(dict.fromkeys(name for name in named if name not in brought))


def mapper_of(mapping: SourceMapping) -> Callable[[Record], Record]:
    """The function that puts a record of the block under the contract's names."""
    if is_plain(mapping):
        translate = translator_of(mapping.source)
        return translate or (lambda record: record)
    return lambda record: _mapped(record, mapping)


def view(record: Record, mapping: SourceMapping) -> dict[str, Any]:
    """The record with what joins fetched in place."""
    out = dict(record)
    if mapping.repeats:
        out.pop(REPEATED, None)
    if mapping.joins:
        out.update(out.pop(JOINED, None) or {})
    return out


def _mapped(record: Record, mapping: SourceMapping) -> Record:
    out = _row(record, mapping)
    further = record.get(REPEATED) if mapping.repeats else None
    for name, how in mapping.repeats.items():
        rows = [out, *(_row(row, mapping) for row in further or ())]
        if how == "count":
            out[name] = len(rows)
        elif further:
            out[name] = _sum([row.get(name) for row in rows])
    return out


def _row(record: Record, mapping: SourceMapping) -> dict[str, Any]:
    came = view(record, mapping)
    # A column that is mapped to one name must not also be read under its old one.
    out = {name: value for name, value in came.items() if name not in mapping.columns}
    out.update({ours: came.get(theirs) for theirs, ours in mapping.columns.items()})
    out.update({ours: derive(came, how) for ours, how in mapping.derived.items()})
    for name, words in mapping.values.items():
        text = plain_text(out.get(name))
        if text is not None:
            out[name] = words.get(text, words.get("*", out[name]))
    for name, constant in mapping.constants.items():
        if out.get(name) is None or out.get(name) == "":
            out[name] = constant
    return out


def derive(record: Record, how: Derived) -> Any:
    """One column made of others; None where all of them are empty. What is no number is left for `parse.py` to refuse."""
    texts = [text for name in how.columns if (text := plain_text(record.get(name))) is not None]
    if not texts:
        return None
    first, argument = texts[0], how.argument
    if how.way == "concat":
        return str(argument).join(texts)
    if how.way in ("before", "after"):
        head, mark, tail = first.partition(str(argument))
        return head if how.way == "before" or not mark else tail
    if how.way == "multiply":
        try:
            return round(float(first) * float(argument or 1), 10)
        except ValueError:
            return first
    return {"first": first, "lower": first.lower(), "upper": first.upper()}[how.way]


def plain_text(value: Any) -> str | None:
    """A value as the text of an id or word: outer blanks off, no `.0` behind whole numbers that a file stored as floats; None where empty."""
    if type(value) is str:  # nearly always, and asked of every record
        return value.strip() or None
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return None if value is None else str(value).strip() or None


def _sum(values: Sequence[Any]) -> Any:
    try:
        return sum(float(value) for value in values if value not in (None, ""))
    except (TypeError, ValueError):
        return next(value for value in values if value not in (None, ""))


def record_ref(record: Record, source: Source) -> str | None:
    """The (mapped) record's own id as text; several id columns are joined by `|`. None where one is missing."""
    if len(source.record_id) == 1:
        return plain_text(record.get(source.record_id[0]))
    parts = [plain_text(record.get(name)) for name in source.record_id]
    return None if None in parts else "|".join(str(part) for part in parts)


def missing_id(source: Source) -> str:
    return f"{', '.join(source.record_id)} is empty but required"


def source_of(mapping: SourceMapping) -> Source:
    return BY_NAME[mapping.source]
