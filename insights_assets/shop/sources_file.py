"""`sources.yaml`: how files read whose columns are not already the product's own.

Belongs here: checking the mapping against the catalogue of sources, so that everything it says has an effect. Does not belong here:
applying it (`sources/mapping.py`, `sources/joins.py`).
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import PurePosixPath
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from insights_assets.shop.catalogue import BY_NAME, Source
from insights_assets.shop.model import Derived, Join, SourceMapping
from insights_assets.shop.reading import Node

#: The ways a column may be made of others: way -> (key of its argument or None, how many columns at most).
WAYS: dict[str, tuple[str | None, int]] = {
    "concat": ("with", 8), "first": (None, 8), "lower": (None, 1), "upper": (None, 1), "before": ("mark", 1), "after": ("mark", 1), "multiply": ("by", 1),
}
#: What may be done with rows of one file that carry one record's id.
REPEATS = ("count", "sum")
TIME_FORMS = ("iso", "epoch_seconds", "epoch_milliseconds")
_KEYS = ("folder", "files", "delimiter", "encoding", "joins", "columns", "derived", "repeats", "values", "constants", "times", "time_zone")


def read_sources(node: Node) -> tuple[dict[str, tuple[SourceMapping, ...]], dict[str, str]]:
    """The blocks of each source (the first that fits a file reads it), and files of the landing folder that are left alone with the reason."""
    top = node.mapping(("sources",), ("unused",))
    blocks: dict[str, tuple[SourceMapping, ...]] = {}
    for name, entry in top["sources"].entries().items():
        if name not in BY_NAME:
            entry.fail("is not a source", f"use one of {', '.join(BY_NAME)}")
        listed = list(entry.items()) if isinstance(entry.value, list) else [entry]
        blocks[name] = tuple(_block(one, BY_NAME[name]) for one in listed)
        for one, block in zip(listed[:-1], blocks[name][:-1], strict=True):
            if not block.files:
                one.fail("takes every file, so the blocks after it read nothing", "name its files, or put it last")
    return blocks, top["unused"].each(Node.text) if "unused" in top else {}


def zone_name(node: Node) -> str:
    text = node.text()
    try:
        ZoneInfo(text)
    except (ZoneInfoNotFoundError, ValueError):
        node.fail(f"{text!r} is not a time zone", "write a name of the IANA list, e.g. Europe/Berlin")
    return text


def _block(node: Node, source: Source) -> SourceMapping:
    fields = node.mapping((), _KEYS)
    columns = _columns(fields["columns"], source) if "columns" in fields else {}
    derived = {name: _derived(one) for name, one in _ours(fields, "derived", source).items()}
    joins = tuple(_join(one, source) for one in fields["joins"].items()) if "joins" in fields else ()
    used = {*columns, *(name for one in derived.values() for name in one.columns), *(name for join in joins for name in join.on)}
    if "joins" in fields:
        for one, join in zip(fields["joins"].items(), joins, strict=True):
            for theirs, name in join.columns.items():
                if name not in source.field_names and name not in used:
                    one.entries()["columns"].entries()[theirs].fail(
                        f"{name!r} is no column of {source.name} and nothing uses it", f"use one of {', '.join(source.field_names)}, or take it out"
                    )
    for name in derived:
        if name in columns.values():
            fields["derived"].entries()[name].fail("is also mapped in columns", "say it once")
    folder = _folder(fields["folder"]) if "folder" in fields else None
    files = fields["files"].texts() if "files" in fields else ()
    if folder is not None and not files:
        fields["folder"].fail("is another folder than the source's own", "name the files in it that are this source's: files: [\"…\"]")
    repeats = {name: one.choice(REPEATS) for name, one in _ours(fields, "repeats", source, kinds=("int", "double")).items()}
    values = {name: one.each(Node.text) for name, one in _ours(fields, "values", source).items()}
    constants = {name: _constant(one) for name, one in _ours(fields, "constants", source).items()}
    times = {name: _time_form(one) for name, one in _ours(fields, "times", source, kinds=("time",)).items()}
    return SourceMapping(
        source.name, f"{node.file}:{node.line}", folder, files, _delimiter(fields["delimiter"]) if "delimiter" in fields else None,
        _encoding(fields["encoding"]) if "encoding" in fields else "utf-8", joins, columns, derived, repeats, values, constants, times,
        zone_name(fields["time_zone"]) if "time_zone" in fields else None,
    )  # fmt: skip


def _ours(fields: Mapping[str, Node], key: str, source: Source, kinds: tuple[str, ...] = ()) -> dict[str, Node]:
    """The entries below `key`, whose names must be columns of the source (of those kinds)."""
    if key not in fields:
        return {}
    known = [field.name for field in source.fields if not kinds or field.kind in kinds]
    entries = fields[key].entries()
    for name, entry in entries.items():
        if name not in known:
            which = "a time of" if kinds == ("time",) else "a number of" if kinds else "a column of"
            entry.fail(f"is not {which} {source.name}", f"use one of {', '.join(known)}")
    return entries


def _columns(node: Node, source: Source) -> dict[str, str]:
    columns = node.each(lambda one: one.choice(source.field_names))
    for name, target in columns.items():
        if list(columns.values()).count(target) > 1:
            node.entries()[name].fail(f"{target!r} is mapped from two columns", "map one column to each name; derived: {first: […]} takes the first that is filled")
    return columns


def _join(node: Node, source: Source) -> Join:
    fields = node.mapping(("file", "on", "columns"))
    on_node = fields["on"]
    on = on_node.each(Node.text) if isinstance(on_node.value, dict) else {on_node.text(): on_node.text()}
    columns = fields["columns"].each(Node.text)
    if not columns:
        fields["columns"].fail("names no column", "name what is fetched: {their column: its name in the record}")
    if not on:
        on_node.fail("names no column", "name the shared column")
    return Join(_relative(fields["file"]), on, columns)


def _derived(node: Node) -> Derived:
    ways = [way for way in WAYS if isinstance(node.value, dict) and way in node.value]
    if len(ways) != 1:
        node.fail("is not one of the known ways to make a column", f"write one of {', '.join(WAYS)}, e.g. {{concat: [order_id, line], with: \"-\"}}")
    way = ways[0]
    argument, most = WAYS[way]
    fields = node.mapping((way,) if argument is None else (way, argument))
    listed = fields[way].texts() if isinstance(fields[way].value, list) else (fields[way].text(),)
    if not 1 <= len(listed) <= most:
        fields[way].fail(f"names {len(listed)} columns", f"name 1 to {most}")
    value: str | float | None = None
    if argument == "by":
        value = fields["by"].number(1e-9, 1e9)
    elif argument is not None:
        if not isinstance(fields[argument].value, str):
            fields[argument].fail("is not a text", "write it in quotes; \"\" is allowed for concat")
        value = str(fields[argument].value)
        if way in ("before", "after") and not value:
            fields[argument].fail("is empty", "write the mark at which the text is cut")
    return Derived(way, listed, value)


def _constant(node: Node) -> object:
    if isinstance(node.value, (dict, list)) or node.value is None:
        node.fail("is not a single value", "write a text, number, true or false")
    return str(node.value) if isinstance(node.value, str) else node.value


def _folder(node: Node) -> str:
    text = _relative(node)
    return "" if text == "." else text


def _relative(node: Node) -> str:
    text = node.text().strip().rstrip("/") or "."
    path = PurePosixPath(text)
    if path.is_absolute() or ".." in path.parts:
        node.fail(f"{text!r} leads out of the landing folder", "name it relative to the landing folder")
    return path.as_posix()


def _time_form(node: Node) -> str:
    text = node.text()
    if text not in TIME_FORMS and "%" not in text:
        node.fail(f"{text!r} is not a form of time", f"write {', '.join(TIME_FORMS)} or a pattern like %d.%m.%Y %H:%M")
    return text


def _delimiter(node: Node) -> str:
    if not isinstance(node.value, str) or len(node.value) != 1 or node.value in "\"\r\n" or not node.value.isascii():
        node.fail("is not one character that can part columns", 'write one character in quotes, e.g. ";" or "\\t"')
    return str(node.value)


def _encoding(node: Node) -> str:
    text = node.text()
    try:
        "".encode(text)
    except LookupError:
        node.fail(f"{text!r} is not an encoding of text", "write a name such as utf-8, cp1252 or utf-16")
    return text
