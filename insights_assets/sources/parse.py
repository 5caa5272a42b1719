"""From a payload to typed values: what each kind of field accepts, and the reason when it does not fit.

Pure functions of a payload and the source's declaration; the clock of the run arrives as a bound. R39: every time is UTC, the
original text is kept by the caller.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import orjson

from insights_assets.shop.model import SourceMapping
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


def parse(record: Mapping[str, Any], source: Source, mapping: SourceMapping, latest: datetime) -> dict[str, Any]:
    """Typed values of a (mapped) record. `latest` is the end of the run's as-of day: events after it are impossible dates,
    with two days' grace for clocks and zones. Raises Reject at the first field that does not fit."""
    return parser_of(source, mapping, latest)(record)


def parser_of(source: Source, mapping: SourceMapping, latest: datetime) -> Callable[[Mapping[str, Any]], dict[str, Any]]:
    """The parse function of one source, with everything decided that does not depend on the record."""
    latest_allowed = latest + timedelta(days=2)
    readers = [
        (field.name, field.required, field.kind != "text", 1_000 if field.kind in ("id", "word") else 0, _reader(field, source, mapping, latest_allowed))
        for field in source.fields
    ]

    def parse_record(record: Mapping[str, Any]) -> dict[str, Any]:
        out: dict[str, Any] = {}
        get = record.get
        for name, required, strips, plain_to, read in readers:
            value = get(name)
            if strips and type(value) is str:
                value = value.strip()
                if plain_to and 0 < len(value) <= plain_to and value.isprintable():  # most words and ids: nothing to read in them
                    out[name] = value
                    continue
            if value is None or value == "":
                if required:
                    raise Reject(name, "is empty but required")
                out[name] = None
            else:
                out[name] = read(value)
        return out

    return parse_record


def _reader(spec: Field, source: Source, mapping: SourceMapping, latest_allowed: datetime) -> Callable[[Any], Any]:
    """How one field is read from a value that is there."""
    name = spec.name
    if spec.kind in ("id", "word", "text"):
        limit = MAX_TEXT if spec.kind == "text" else 1_000

        def read_text(value: Any) -> str:
            if not isinstance(value, str):
                if isinstance(value, (dict, list)):
                    raise Reject(name, "is a list or an object, not a text")
                # A file that stores ids as numbers turns 17 into 17.0 as soon as one of them is empty.
                value = str(int(value) if isinstance(value, float) and value.is_integer() else value)
            if len(value) > limit:
                raise Reject(name, f"has {len(value)} characters; at most {limit} may")
            if "\x00" in value:
                raise Reject(name, "holds a NUL character")
            return str(value)

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
    except (TypeError, ValueError, OverflowError):
        raise Reject(spec.name, f"{value!s:.40} is not a number") from None
    if number != number or number in (float("inf"), float("-inf")):
        raise Reject(spec.name, f"{value!s:.40} is not a number")
    if (spec.low is not None and number < spec.low) or (spec.high is not None and number > spec.high):
        raise Reject(spec.name, f"{value!s:.40} is outside {spec.low:g} to {'any' if spec.high is None else format(spec.high, 'g')}")
    if spec.kind == "int":
        if number != int(number):
            raise Reject(spec.name, f"{value!s:.40} is not a whole number")
        if abs(number) >= 2**53:
            raise Reject(spec.name, f"{value!s:.40} is larger than any count can be")
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


_PATTERNS = ("%d/%m/%Y %H:%M:%S", "%d.%m.%Y %H:%M", "%b %d, %Y %H:%M", "%a, %d %b %Y %H:%M:%S %z")


def parse_time(value: Any, mapping: SourceMapping, name: str = "time") -> datetime:
    """Any time a source may write, as UTC: ISO-8601 with any offset, epoch seconds or milliseconds, or the mapped form.

    A time without an offset is taken in the mapping's time zone. A column whose form is mapped is read in that form alone.
    """
    if isinstance(value, datetime):
        return _aware(value, mapping)
    form = mapping.times.get(name)
    if form is not None:
        return _in_form(value, form, mapping, name)
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return _epoch(float(value), name)
    text = str(value).strip()
    # Before ISO: fromisoformat takes ten bare digits for a date of the year 1768 and an hour.
    if text.replace(".", "", 1).isdecimal() and len(text.partition(".")[0]) >= 9:
        return _epoch(float(text), name)
    try:
        return _aware(datetime.fromisoformat(text), mapping)
    except ValueError:
        pass
    except OverflowError:
        raise Reject(name, f"impossible date {text[:40]}") from None
    for pattern in _PATTERNS:
        try:
            return _aware(datetime.strptime(text, pattern), mapping)
        except ValueError:
            continue
    raise Reject(name, f"{text[:40]!r} is not a time; use ISO-8601 or epoch, or name its form below times in shop/sources.yaml")


def _in_form(value: Any, form: str, mapping: SourceMapping, name: str) -> datetime:
    text = str(value).strip()
    try:
        if form == "iso":
            return _aware(datetime.fromisoformat(text), mapping)
        if form.startswith("epoch"):
            number = float(text)
            return _epoch_of(number / 1000 if form == "epoch_milliseconds" else number, number, name)
        return _aware(datetime.strptime(text, form), mapping)
    except (ValueError, OverflowError) as error:
        if isinstance(error, Reject):
            raise
        raise Reject(name, f"{text[:40]!r} is not a time of the form {form}, which shop/sources.yaml names for it") from None


def _epoch(number: float, name: str) -> datetime:
    return _epoch_of(number / 1000 if abs(number) >= 1e11 else number, number, name)


def _epoch_of(seconds: float, written: float, name: str) -> datetime:
    try:
        return datetime.fromtimestamp(seconds, UTC)
    except (OverflowError, OSError, ValueError):
        raise Reject(name, f"impossible date {written!s:.40}") from None


def _aware(moment: datetime, mapping: SourceMapping) -> datetime:
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC if mapping.time_zone in (None, "UTC") else ZoneInfo(mapping.time_zone))
    return moment.astimezone(UTC)
