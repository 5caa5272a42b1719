"""From a payload to typed values: what each kind of field accepts, and the reason when it does not fit.

Pure functions of a payload and the source's declaration; the clock of the run arrives as a bound. R39: every time is UTC, the
original text is kept by the caller.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import orjson

from insights_assets.sources.catalogue import MAX_TEXT, Field, Source

_EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)
_TRUE = frozenset({"true", "t", "yes", "y", "1", "1.0"})
_FALSE = frozenset({"false", "f", "no", "n", "0", "0.0"})
_SEPARATORS = ("|", ";", ",")


class Reject(ValueError):
    """A record cannot be used: which field, and why in words a data engineer can act on."""

    def __init__(self, field_name: str, reason: str) -> None:
        super().__init__(f"{field_name}: {reason}" if field_name else reason)
        self.field_name = field_name
        self.reason = reason


@dataclass(frozen=True)
class Mapping_:
    """How one source's own column names map to the contract's. Values: `ours -> theirs`; constants fill what a source lacks."""

    columns: Mapping[str, str] = field(default_factory=dict)
    constants: Mapping[str, Any] = field(default_factory=dict)
    time_formats: tuple[str, ...] = ()
    time_zone: str = "UTC"


def mapped(record: Mapping[str, Any], mapping: Mapping_) -> Mapping[str, Any]:
    """The record under the contract's names; columns nobody mapped keep theirs."""
    if not mapping.columns and not mapping.constants:
        return record
    out = dict(record)
    for ours, theirs in mapping.columns.items():
        out[ours] = record.get(theirs)
    for ours, value in mapping.constants.items():
        if out.get(ours) in (None, ""):
            out[ours] = value
    return out


def record_ref(record: Mapping[str, Any], source: Source) -> str | None:
    """The record's own id as text; several id columns are joined by `|`. None where one is missing."""
    parts = []
    for name in source.record_id:
        value = record.get(name)
        text = "" if value is None else str(value).strip()
        if not text:
            return None
        parts.append(text)
    return "|".join(parts)


def parse(record: Mapping[str, Any], source: Source, mapping: Mapping_, latest: datetime) -> dict[str, Any]:
    """Typed values of a (mapped) record. `latest` is the end of the run's as-of day: events after it are impossible dates,
    with two days' grace for clocks and zones. Raises Reject at the first field that does not fit."""
    return parser_of(source, mapping, latest)(record)


def parser_of(source: Source, mapping: Mapping_, latest: datetime) -> Callable[[Mapping[str, Any]], dict[str, Any]]:
    """The parse function of one source, with everything decided that does not depend on the record."""
    latest_allowed = latest + timedelta(days=2)
    readers = [(field.name, field.required, field.kind != "text", _reader(field, source, mapping, latest_allowed)) for field in source.fields]

    def parse_record(record: Mapping[str, Any]) -> dict[str, Any]:
        out: dict[str, Any] = {}
        get = record.get
        for name, required, strips, read in readers:
            value = get(name)
            if strips and isinstance(value, str):
                value = value.strip()
            if value is None or value == "":
                if required:
                    raise Reject(name, "is empty but required")
                out[name] = None
            else:
                out[name] = read(value)
        return out

    return parse_record


def _reader(spec: Field, source: Source, mapping: Mapping_, latest_allowed: datetime) -> Callable[[Any], Any]:
    """How one field is read from a value that is there."""
    name = spec.name
    if spec.kind in ("id", "word", "text"):
        limit = MAX_TEXT if spec.kind == "text" else 1_000

        def read_text(value: Any) -> str:
            text = value if isinstance(value, str) else str(value)
            if len(text) > limit:
                raise Reject(name, f"has {len(text)} characters; at most {limit} may")
            return text

        return read_text
    if spec.kind == "time":
        may_be_future = source.is_future_allowed or name == "promised_at"

        def read_time(value: Any) -> datetime:
            moment = parse_time(value, mapping, name)
            if moment < _EARLIEST or (not may_be_future and moment >= latest_allowed):
                raise Reject(name, f"impossible date {value!s:.40}")
            return moment

        return read_time
    if spec.kind in ("int", "double"):
        return lambda value: _number(value, spec)
    if spec.kind == "bool":
        return lambda value: _truth(value, name)
    if spec.kind == "words":
        return lambda value: _words(value, name)
    return lambda value: _turns(value, name)


def _truth(value: Any, name: str) -> bool:
    text = str(value).strip().lower()
    if text in _TRUE:
        return True
    if text in _FALSE:
        return False
    raise Reject(name, f"{value!s:.40} is not true or false")


def _number(value: Any, spec: Field) -> float | int:
    try:
        number = float(value)
    except (TypeError, ValueError):
        raise Reject(spec.name, f"{value!s:.40} is not a number") from None
    if number != number or number in (float("inf"), float("-inf")):
        raise Reject(spec.name, f"{value!s:.40} is not a number")
    if (spec.low is not None and number < spec.low) or (spec.high is not None and number > spec.high):
        raise Reject(spec.name, f"{value!s:.40} is outside {spec.low:g} to {'any' if spec.high is None else format(spec.high, 'g')}")
    if spec.kind == "int":
        if number != int(number):
            raise Reject(spec.name, f"{value!s:.40} is not a whole number")
        return int(number)
    return number


def _words(value: Any, name: str) -> list[str]:
    if isinstance(value, str):
        text = value.strip()
        if text.startswith("["):
            try:
                value = orjson.loads(text)
            except orjson.JSONDecodeError:
                raise Reject(name, "is not a valid list") from None
        else:
            separator = next((s for s in _SEPARATORS if s in text), None)
            value = text.split(separator) if separator else [text]
    if not isinstance(value, list):
        raise Reject(name, "is not a list")
    return [str(item).strip() for item in value if str(item).strip()]


def _turns(value: Any, name: str) -> list[dict[str, str | None]]:
    if isinstance(value, str):
        try:
            value = orjson.loads(value)
        except orjson.JSONDecodeError:
            raise Reject(name, "is not a valid list of turns") from None
    if not isinstance(value, list):
        raise Reject(name, "is not a list of turns")
    turns = []
    for turn in value:
        if not isinstance(turn, dict) or turn.get("text") is None:
            raise Reject(name, "has a turn without text")
        text = str(turn["text"])
        if len(text) > MAX_TEXT:
            raise Reject(name, f"has a turn of {len(text)} characters; at most {MAX_TEXT} may")
        turns.append({"speaker": _opt(turn.get("speaker")), "at": _opt(turn.get("at")), "text": text})
    return turns


def _opt(value: Any) -> str | None:
    return None if value is None else str(value)


def parse_time(value: Any, mapping: Mapping_, name: str = "time") -> datetime:
    """Any time a source may write, as UTC: ISO-8601 with any offset, epoch seconds or milliseconds, or a mapped format.

    A time without an offset is taken in the mapping's time zone.
    """
    if isinstance(value, datetime):
        return _aware(value, mapping)
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return _epoch(float(value), name)
    text = str(value).strip()
    # Before ISO: fromisoformat takes ten bare digits for a date of the year 1768 and an hour.
    if text.replace(".", "", 1).isdigit() and len(text.partition(".")[0]) >= 9:
        return _epoch(float(text), name)
    try:
        return _aware(datetime.fromisoformat(text), mapping)
    except ValueError:
        pass
    for pattern in (*mapping.time_formats, "%d/%m/%Y %H:%M:%S", "%d.%m.%Y %H:%M", "%b %d, %Y %H:%M", "%a, %d %b %Y %H:%M:%S %z"):
        try:
            return _aware(datetime.strptime(text, pattern), mapping)
        except ValueError:
            continue
    raise Reject(name, f"{text[:40]!r} is not a time; use ISO-8601 or epoch, or name its format in shop/sources.yaml")


def _epoch(number: float, name: str) -> datetime:
    try:
        return datetime.fromtimestamp(number / 1000 if abs(number) >= 1e11 else number, UTC)
    except (OverflowError, OSError, ValueError):
        raise Reject(name, f"impossible date {number:.0f}") from None


def _aware(moment: datetime, mapping: Mapping_) -> datetime:
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC if mapping.time_zone == "UTC" else ZoneInfo(mapping.time_zone))
    return moment.astimezone(UTC)
