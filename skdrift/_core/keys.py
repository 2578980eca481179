"""Keys: texts that name the levels of a column.

A text is its own key. Everything else is marked by a leading NUL, a letter for its
type and a colon, so that ``1`` and ``"1"`` stay apart while ``1`` and ``1.0`` are
one. `display_key` turns a key into something to show.
"""

from __future__ import annotations

import ast
import datetime as dt
import decimal
from typing import Any

import numpy as np

MICROSECONDS = "datetime64[us]"
SPAN_MICROSECONDS = "timedelta64[us]"
MOST_MICROSECONDS = 9 * 10**18
COARSE_UNITS = frozenset({"Y", "M", "W", "D", "h", "m", "s", "ms"})
MISSING_TYPE_NAMES = frozenset({"NoneType", "NAType", "NaTType"})
_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)


def text_key(text: str) -> str:
    """Key of a text level: the text itself, unless it begins with the mark."""
    return f"\0s:{text}" if text[:1] == "\0" else text


def number_key(value: float | np.integer | np.floating) -> str:
    """Key of a number: ``1``, ``1.0`` and ``numpy.int8(1)`` share one."""
    if isinstance(value, int | np.integer):
        return f"\0n:{int(value)}"
    as_float = float(value)
    return f"\0n:{int(as_float)}" if as_float.is_integer() else f"\0n:{as_float!r}"


def boolean_key(value: bool) -> str:
    """Key of a boolean level."""
    return "\0b:True" if value else "\0b:False"


def datetime_key(microseconds: int) -> str:
    """Key of an instant, given as microseconds since 1970 (UTC)."""
    return f"\0t:{np.datetime64(microseconds, 'us')}"


def duration_key(microseconds: int) -> str:
    """Key of a span of time."""
    return f"\0d:{np.timedelta64(microseconds, 'us')}"


def value_key(value: Any) -> str:
    """Key of any supported cell that is not missing."""
    if isinstance(value, str):
        return text_key(value)
    if isinstance(value, bool | np.bool_):
        return boolean_key(bool(value))
    if isinstance(value, bytes):
        return f"\0y:{value!r}"
    if isinstance(value, dt.date | np.datetime64):
        return datetime_key(instant(value))
    if isinstance(value, dt.timedelta | np.timedelta64):
        return duration_key(span(value))
    return number_key(value if isinstance(value, int | np.integer) else float(value))


def display_key(key: str) -> str:
    """Turn a key into the text that names the level in a report."""
    if key[:1] != "\0":
        return key
    tag, _, text = key[1:].partition(":")
    return f"(hidden {text[:8]})" if tag == "h" else text


def key_number(key: str) -> float:
    """Return the number behind a key, microseconds for times; NaN if there is none."""
    tag, text = key[:3], key[3:]
    if tag == "\0n:":
        return float(text)
    if tag == "\0b:":
        return float(text == "True")
    if tag == "\0t:":
        return float(instant(np.datetime64(text)))
    return float(text.split()[0]) if tag == "\0d:" else float("nan")


def instant(value: dt.date | np.datetime64) -> int:
    """Microseconds since 1970 (UTC); a datetime without a zone is taken as UTC."""
    if isinstance(value, dt.datetime) and value.tzinfo is not None:
        return span(value - _EPOCH)
    if isinstance(value, np.datetime64):
        return int(microseconds_of(np.asarray(value)))
    return int(np.datetime64(value, "us").astype(np.int64))


def span(value: dt.timedelta | np.timedelta64) -> int:
    """Microseconds of a span of time; months and years at their average length."""
    if isinstance(value, np.timedelta64):
        return int(microseconds_of(np.asarray(value)))
    exact = (value.days * 86_400 + value.seconds) * 1_000_000 + value.microseconds
    return min(max(exact, -MOST_MICROSECONDS), MOST_MICROSECONDS)


def microseconds_of(times: np.ndarray) -> np.ndarray:
    """Microseconds of instants since 1970, or of spans, of any unit.

    What lies beyond 285,000 years is moved there: numpy would let it overflow.
    """
    unit = MICROSECONDS if times.dtype.kind == "M" else SPAN_MICROSECONDS
    if np.datetime_data(times.dtype)[0] in COARSE_UNITS:
        ends = np.array([-MOST_MICROSECONDS, MOST_MICROSECONDS]).view(unit)
        times = np.clip(times, *ends.astype(times.dtype))
    return times.astype(unit).view(np.int64)


def is_missing(value: Any) -> bool:
    """Whether one cell of an object column is missing."""
    if value is None or type(value).__name__ in MISSING_TYPE_NAMES:
        return True
    if isinstance(value, float | np.floating):
        return bool(value != value)
    if isinstance(value, decimal.Decimal):
        return value.is_nan()
    if isinstance(value, np.datetime64 | np.timedelta64):
        return bool(np.isnat(value))
    return False


def key_value(key: str) -> Any:
    """Return the value behind a key: the inverse of `value_key`.

    Whole numbers are integers, instants and spans numpy's; NaN for a hidden level.
    """
    if key[:1] != "\0":
        return key
    tag, text = key[:3], key[3:]
    if tag == "\0s:":
        return text
    if tag == "\0n:":
        return int(text) if text.lstrip("-").isdigit() else float(text)
    if tag == "\0b:":
        return text == "True"
    if tag == "\0t:":
        return np.datetime64(text, "us")
    if tag == "\0d:":
        return np.timedelta64(int(text.split()[0]), "us")
    return ast.literal_eval(text) if tag == "\0y:" else float("nan")
