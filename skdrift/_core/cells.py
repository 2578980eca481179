"""Columns: what a table is made of, whatever library it came from.

A `Column` answers three questions and converts only when it is asked:
`numbers()` (the values on a number line), `levels()` (how often each distinct
value occurs) and `keys()` (the level of each row, in order).

Levels are named by *keys*: a text is its own key; everything else is marked by a
leading NUL, its type and its text, so that ``1`` and ``"1"`` stay apart while ``1``
and ``1.0`` are one. `display_key` turns a key into something to show.
"""

from __future__ import annotations

import datetime as dt
import decimal
import numbers as abstract_numbers
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from skdrift.exceptions import InputError

MISSING_TYPE_NAMES = frozenset({"NoneType", "NAType", "NaTType"})
NESTED_TYPES = (list, tuple, dict, set, frozenset, np.ndarray)
NUMBER_LINE = frozenset({"integer", "float", "decimal", "duration"})
MICROSECONDS = "datetime64[us]"
_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)


@dataclass(frozen=True, slots=True)
class Numbers:
    """Values of a column on a number line.

    Attributes
    ----------
    values : ndarray of shape (n_stored,)
        NaN stands for a missing value.
    missing : ndarray of bool of shape (n_stored,), or None
        Further missing values; None where NaN says it all.
    n_zeros : int
        Zeros that are not stored (sparse columns).
    rows : ndarray of int of shape (n_stored,), or None
        Row of each stored value; None where every row is stored.
    """

    values: np.ndarray
    missing: np.ndarray | None = None
    n_zeros: int = 0
    rows: np.ndarray | None = None


@dataclass(frozen=True, slots=True)
class Levels:
    """How often each level of a column occurs, and how many cells are missing."""

    counts: dict[str, int]
    n_missing: int


def text_key(text: str) -> str:
    """Key of a text level: the text itself, unless it begins with the mark."""
    return f"\0s:{text}" if text[:1] == "\0" else text


def number_key(value: float | int) -> str:
    """Key of a number: ``1``, ``1.0`` and ``numpy.int8(1)`` share one."""
    if isinstance(value, abstract_numbers.Integral):
        return f"\0n:{int(value)}"
    as_float = float(value)
    return f"\0n:{int(as_float)}" if as_float.is_integer() else f"\0n:{as_float!r}"


def boolean_key(value: bool) -> str:
    """Key of a boolean level."""
    return "\0b:True" if value else "\0b:False"


def value_key(value: Any) -> str:
    """Key of any supported cell."""
    if isinstance(value, str):
        return text_key(str(value))
    if isinstance(value, bool | np.bool_):
        return boolean_key(bool(value))
    if isinstance(value, bytes):
        return f"\0y:{value.decode('utf-8', 'backslashreplace')}"
    if isinstance(value, abstract_numbers.Real | decimal.Decimal):
        return number_key(value)
    return f"\0{type(value).__name__}:{value}"


def display_key(key: str) -> str:
    """Turn a key into the text that names the level in a report."""
    if key[:1] != "\0":
        return key
    tag, _, text = key[1:].partition(":")
    return f"(hidden {text[:8]})" if tag == "h" else text


def is_missing(value: Any) -> bool:
    """Whether one cell of an object column is missing."""
    if value is None or type(value).__name__ in MISSING_TYPE_NAMES:
        return True
    if isinstance(value, float | np.floating | decimal.Decimal):
        return bool(value != value)
    if isinstance(value, np.datetime64 | np.timedelta64):
        return bool(np.isnat(value))
    return False


class Column:
    """One column, read when asked.

    Attributes
    ----------
    family : str
        ``"integer"``, ``"float"``, ``"decimal"``, ``"duration"``, ``"datetime"``,
        ``"datetime with zone"``, ``"boolean"``, ``"string"``, ``"bytes"``,
        ``"mixed"``, ``"null"`` (nothing but missing) or ``"unsupported"``.
    declared : bool
        Whether the container itself calls the column categorical.
    problem : str
        Why the column cannot be read, and the remedy; empty if it can.
    """

    __slots__ = ("declared", "family", "n_rows", "problem")

    def __init__(
        self, family: str, n_rows: int, *, declared: bool = False, problem: str = ""
    ) -> None:
        self.family = family
        self.n_rows = n_rows
        self.declared = declared
        self.problem = problem

    def numbers(self) -> Numbers:
        """Values on a number line; datetimes as microseconds since 1970 (UTC)."""
        return Numbers(np.full(self.n_rows, np.nan))

    def levels(self) -> Levels:
        """Count of each level."""
        return Levels({}, self.n_rows)

    def keys(self) -> Sequence[str | None]:
        """Level of each row, None where missing."""
        return [None] * self.n_rows


class ArrayColumn(Column):
    """A one-dimensional numpy array of numbers, booleans or times."""

    __slots__ = ("mask", "values")

    def __init__(
        self, values: np.ndarray, mask: np.ndarray | None = None, declared: bool = False
    ) -> None:
        family = {
            "f": "float",
            "i": "integer",
            "u": "integer",
            "b": "boolean",
            "M": "datetime",
            "m": "duration",
        }[values.dtype.kind]
        super().__init__(family, len(values), declared=declared)
        self.values = values
        self.mask = mask

    def numbers(self) -> Numbers:
        values, mask = self.values, self.mask
        kind = values.dtype.kind
        if kind in "Mm":
            absent = np.isnat(values)
            unit = MICROSECONDS if kind == "M" else "timedelta64[us]"
            values = values.astype(unit).astype(np.int64)
            if absent.any():
                mask = absent if mask is None else mask | absent
        elif kind == "b":
            values = values.view(np.uint8)
        else:
            values = native_number_array(values)
        return Numbers(values, mask)

    def levels(self) -> Levels:
        read = self.numbers()
        present = read.values if read.missing is None else read.values[~read.missing]
        if present.dtype.kind == "f":
            present = present[~np.isnan(present)]
        distinct, counts = np.unique(present, return_counts=True)
        key = boolean_key if self.family == "boolean" else number_key
        table = {
            key(value): count
            for value, count in zip(distinct.tolist(), counts.tolist(), strict=True)
        }
        return Levels(table, self.n_rows - len(present))

    def keys(self) -> Sequence[str | None]:
        key = boolean_key if self.family == "boolean" else number_key
        read = self.numbers()
        cells = read.values.tolist()
        if read.missing is not None:
            cells = [
                None if absent else cell
                for cell, absent in zip(cells, read.missing.tolist(), strict=True)
            ]
        return [None if cell is None or cell != cell else key(cell) for cell in cells]


class SparseColumn(Column):
    """Stored entries of one column of a sparse matrix."""

    __slots__ = ("rows", "values")

    def __init__(self, values: np.ndarray, rows: np.ndarray, n_rows: int) -> None:
        super().__init__(
            "float" if values.dtype.kind == "f" else "integer",
            n_rows,
        )
        self.values = values.view(np.uint8) if values.dtype.kind == "b" else values
        self.rows = rows

    def numbers(self) -> Numbers:
        return Numbers(
            native_number_array(self.values),
            None,
            self.n_rows - len(self.values),
            self.rows,
        )

    def levels(self) -> Levels:
        stored = ArrayColumn(self.values).levels()
        counts = Counter(stored.counts)
        n_zeros = self.n_rows - len(self.values)
        if n_zeros:
            counts[number_key(0)] += n_zeros
        return Levels(dict(counts), stored.n_missing)

    def keys(self) -> Sequence[str | None]:
        keys: list[str | None] = [number_key(0)] * self.n_rows
        for row, key in zip(
            self.rows.tolist(), ArrayColumn(self.values).keys(), strict=True
        ):
            keys[row] = key
        return keys


class TextColumn(Column):
    """Texts as a sequence of ``str`` with missing values among them."""

    __slots__ = ("cells",)

    def __init__(self, cells: Sequence[Any], declared: bool = False) -> None:
        super().__init__("string", len(cells), declared=declared)
        self.cells = cells

    def levels(self) -> Levels:
        return count_texts(Counter(self.cells))

    def keys(self) -> Sequence[str | None]:
        return [
            text_key(cell) if isinstance(cell, str) else None for cell in self.cells
        ]


class MixedColumn(Column):
    """Cells of several types, or of a type that has no number line."""

    __slots__ = ("cells",)

    def __init__(self, cells: Sequence[Any], family: str, declared: bool) -> None:
        super().__init__(family, len(cells), declared=declared)
        self.cells = cells

    def levels(self) -> Levels:
        counts = Counter(self.keys())
        n_missing = counts.pop(None, 0)
        return Levels({str(k): v for k, v in counts.items()}, n_missing)

    def keys(self) -> Sequence[str | None]:
        return [None if is_missing(cell) else value_key(cell) for cell in self.cells]


class CodedColumn(Column):
    """Integer codes into a list of level keys; code -1 is missing."""

    __slots__ = ("codes", "level_keys")

    def __init__(self, codes: np.ndarray, level_keys: list[str], family: str) -> None:
        super().__init__(family, len(codes), declared=True)
        self.codes = codes
        self.level_keys = level_keys

    def numbers(self) -> Numbers:
        values = np.array(
            [key_number(key) for key in self.level_keys] + [np.nan], dtype=np.float64
        )
        return Numbers(values[self.codes])

    def levels(self) -> Levels:
        present = np.bincount(
            self.codes.astype(np.int64) + 1, minlength=len(self.level_keys) + 1
        )
        counts = present[1:].tolist()
        table: dict[str, int] = {}
        for key, count in zip(self.level_keys, counts, strict=True):
            if count:
                table[key] = table.get(key, 0) + count
        return Levels(table, int(present[0]))

    def keys(self) -> Sequence[str | None]:
        lookup: list[str | None] = [*self.level_keys, None]
        return [lookup[code] for code in self.codes.tolist()]


def key_number(key: str) -> float:
    """Number behind a key, NaN if there is none."""
    if key[:3] == "\0n:":
        return float(key[3:])
    if key[:3] == "\0b:":
        return float(key == "\0b:True")
    return float("nan")


def native_number_array(values: np.ndarray) -> np.ndarray:
    """Bring numbers to native byte order and at most 64 bits, without a copy if so."""
    dtype = values.dtype
    if dtype.kind == "f" and dtype.itemsize not in (4, 8):
        return values.astype(np.float64)
    return values if dtype.isnative else values.astype(dtype.newbyteorder("="))


def count_texts(counter: Iterable[tuple[Any, int]] | Counter[Any]) -> Levels:
    """Levels of ``(text, count)`` pairs; what is no text is missing."""
    pairs = counter.items() if isinstance(counter, Counter) else counter
    counts: dict[str, int] = {}
    n_missing = 0
    for cell, count in pairs:
        if isinstance(cell, str):
            counts[text_key(cell)] = count
        else:
            n_missing += count
    return Levels(counts, n_missing)


def object_column(cells: np.ndarray, label: str, declared: bool = False) -> Column:
    """Find out what a column of Python objects holds.

    Parameters
    ----------
    cells : ndarray of object of shape (n_rows,)
    label : str
        Name of the column, for error messages.
    declared : bool
        Whether the container calls the column categorical.

    Raises
    ------
    InputError
        If an integer is too large for 64 bits.
    """
    types = set(map(type, cells))
    found = {t for t in types if t.__name__ not in MISSING_TYPE_NAMES}
    if found and all(issubclass(t, str) for t in found):
        return TextColumn(cells.tolist(), declared)
    if found and all(issubclass(t, str | float) for t in found):
        texts = [cell for cell in cells if isinstance(cell, float)]
        if all(cell != cell for cell in texts):
            return TextColumn(cells.tolist(), declared)
    bad = sorted(t.__name__ for t in found if not _is_supported(t))
    if bad:
        return Column(
            "unsupported",
            len(cells),
            problem=(
                f"column {label!r} holds cells of type {', '.join(bad[:5])}; cells must "
                "be numbers, texts, booleans or times: expand or encode the column"
            ),
        )
    missing = np.fromiter(map(is_missing, cells), dtype=bool, count=len(cells))
    if missing.all():
        return Column("null", len(cells))
    present = {type(cell) for cell in cells[~missing]}
    if all(issubclass(t, bool | np.bool_) for t in present):
        values = np.zeros(len(cells), dtype=bool)
        values[~missing] = cells[~missing].astype(bool)
        return ArrayColumn(values, missing if missing.any() else None, declared)
    if all(_is_number(t) for t in present):
        return ArrayColumn(_number_array(cells, missing, label), declared=declared)
    if all(issubclass(t, dt.date | np.datetime64) for t in present):
        return _time_column(cells, missing)
    if all(issubclass(t, dt.timedelta | np.timedelta64) for t in present):
        spans = np.full(len(cells), np.timedelta64("NaT"), dtype="timedelta64[us]")
        spans[~missing] = [np.timedelta64(cell, "us") for cell in cells[~missing]]
        return ArrayColumn(spans)
    family = "bytes" if all(issubclass(t, bytes) for t in present) else "mixed"
    return MixedColumn(cells.tolist(), family, declared)


def _is_number(kind: type) -> bool:
    return issubclass(
        kind, abstract_numbers.Real | decimal.Decimal
    ) and not issubclass(kind, bool | np.bool_)


def _is_supported(kind: type) -> bool:
    return _is_number(kind) or issubclass(
        kind,
        str
        | bytes
        | bool
        | np.bool_
        | dt.date
        | dt.timedelta
        | np.datetime64
        | np.timedelta64,
    )


def _number_array(cells: np.ndarray, missing: np.ndarray, label: str) -> np.ndarray:
    present = cells[~missing]
    whole = all(isinstance(cell, abstract_numbers.Integral) for cell in present)
    if whole:
        for cell in present:
            if not -(2**63) <= cell < 2**64:
                raise InputError(
                    f"column {label!r} holds the integer {str(cell)[:40]}, which does "
                    "not fit in 64 bits: convert the column to float or to text"
                )
    if whole and not missing.any():
        largest = max(present, default=0)
        dtype = np.uint64 if largest >= 2**63 else np.int64
        if dtype is np.int64 or min(present) >= 0:
            return present.astype(dtype)
    values = np.full(len(cells), np.nan)
    values[~missing] = present.astype(np.float64)
    return values


class _ZonedColumn(ArrayColumn):
    """Datetimes that carry a zone, as instants in UTC."""

    __slots__ = ()

    def __init__(self, values: np.ndarray, mask: np.ndarray | None = None) -> None:
        super().__init__(values, mask)
        self.family = "datetime with zone"


def zoned_column(values: np.ndarray) -> Column:
    """Column of instants in UTC that came with a time zone."""
    return _ZonedColumn(values)


def _time_column(cells: np.ndarray, missing: np.ndarray) -> Column:
    stamps = np.full(len(cells), np.datetime64("NaT"), dtype=MICROSECONDS)
    zoned = False
    for row in np.flatnonzero(~missing):
        cell = cells[row]
        if isinstance(cell, dt.datetime) and cell.tzinfo is not None:
            zoned = True
            span = cell - _EPOCH
            stamps[row] = np.datetime64(0, "us") + np.timedelta64(
                span.days * 86_400_000_000 + span.seconds * 10**6 + span.microseconds,
                "us",
            )
        else:
            stamps[row] = np.datetime64(cell, "us")
    return zoned_column(stamps) if zoned else ArrayColumn(stamps)
