"""Columns: what a table is made of, whatever library it came from.

A `Column` answers three questions and converts only when it is asked:
`numbers()` (the values on a number line), `levels()` (how often each distinct
value occurs) and `keys()` (the level of each row, in order).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Sequence, Set
from dataclasses import dataclass
from operator import countOf
from typing import Any

import numpy as np

from skdrift._core.keys import (
    boolean_key,
    datetime_key,
    duration_key,
    is_missing,
    key_number,
    microseconds_of,
    number_key,
    text_key,
    value_key,
)

NUMBER_LINE = frozenset({"integer", "float", "decimal", "duration"})
FAMILY_BY_KIND = {
    "f": "float",
    "i": "integer",
    "u": "integer",
    "b": "boolean",
    "M": "datetime",
    "m": "duration",
}


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
    owned : bool
        Whether `values` is a copy that the reader may overwrite.
    stride : int
        How many rows each value stands for (columns of which a sample was kept).
    """

    values: np.ndarray
    missing: np.ndarray | None = None
    n_zeros: int = 0
    rows: np.ndarray | None = None
    owned: bool = False
    stride: int = 1


@dataclass(frozen=True, slots=True)
class Levels:
    """How often each level of a column occurs, and how many cells are missing."""

    counts: dict[str, int]
    n_missing: int


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

    @property
    def on_line(self) -> bool:
        """Whether the values lie on a number line."""
        return self.family in NUMBER_LINE or self.family.startswith("datetime")

    def numbers(self) -> Numbers:
        """Values on a number line; datetimes as microseconds since 1970 (UTC)."""
        return Numbers(np.full(self.n_rows, np.nan))

    def floats(self) -> np.ndarray:
        """Every cell as a 64-bit float, in a new array; NaN where there is none."""
        numbers = self.numbers()
        values = numbers.values.astype(np.float64)
        if numbers.missing is not None:
            values[numbers.missing] = np.nan
        if numbers.rows is None:
            return values
        spread = np.zeros(self.n_rows)
        spread[numbers.rows] = values
        return spread

    def levels(self) -> Levels:
        """Count of each level."""
        return Levels({}, self.n_rows)

    def keys(self) -> Sequence[str | None]:
        """Level of each row, None where missing."""
        return [None] * self.n_rows

    def possible(self) -> tuple[Collection[str], bool]:
        """Levels that may occur, each once, and whether a cell is missing."""
        levels = self.levels()
        return levels.counts.keys(), levels.n_missing > 0

    def where(self, wanted: Set[str | None]) -> np.ndarray:
        """Mask of the rows whose level is wanted, of shape (n_rows,)."""
        found = map(wanted.__contains__, self.keys())
        return np.fromiter(found, dtype=bool, count=self.n_rows)


class ArrayColumn(Column):
    """A one-dimensional numpy array of numbers, booleans or times.

    Parameters
    ----------
    values : ndarray of shape (n_rows,)
    mask : ndarray of bool of shape (n_rows,), or None
        Missing cells, beside NaN and NaT.
    declared : bool
    family : str
        Where the type of the array does not say it all.
    owned : bool
        Whether `values` is a copy that may be overwritten, once.
    """

    __slots__ = ("mask", "owned", "values")

    def __init__(
        self,
        values: np.ndarray,
        mask: np.ndarray | None = None,
        declared: bool = False,
        *,
        family: str = "",
        owned: bool = False,
    ) -> None:
        found = family or FAMILY_BY_KIND[values.dtype.kind]
        super().__init__(found, len(values), declared=declared)
        self.values = values
        self.mask = mask
        self.owned = owned

    def numbers(self) -> Numbers:
        values, mask = self.values, self.mask
        kind = values.dtype.kind
        if kind in "Mm":
            absent = np.isnat(values)
            values = microseconds_of(values)
            if absent.any():
                mask = absent if mask is None else mask | absent
        else:
            values = number_array(values)
        owned = self.owned or not np.may_share_memory(values, self.values)
        return Numbers(values, mask, owned=owned)

    def levels(self) -> Levels:
        read = self.numbers()
        present = read.values if read.missing is None else read.values[~read.missing]
        if present.dtype.kind == "f":
            present = present[~np.isnan(present)]
        distinct, counts = np.unique(present, return_counts=True)
        key = self._key()
        table = {
            key(value): count
            for value, count in zip(distinct.tolist(), counts.tolist(), strict=True)
        }
        return Levels(table, self.n_rows - len(present))

    def keys(self) -> Sequence[str | None]:
        key = self._key()
        read = self.numbers()
        cells = read.values.tolist()
        if read.missing is not None:
            cells = [
                None if absent else cell
                for cell, absent in zip(cells, read.missing.tolist(), strict=True)
            ]
        return [None if cell is None or cell != cell else key(cell) for cell in cells]

    def _key(self) -> Callable[[Any], str]:
        if self.family == "boolean":
            return boolean_key
        if self.family == "duration":
            return duration_key
        return datetime_key if self.family.startswith("datetime") else number_key


class SparseColumn(Column):
    """Stored entries of one column of a sparse matrix."""

    __slots__ = ("rows", "values")

    def __init__(self, values: np.ndarray, rows: np.ndarray, n_rows: int) -> None:
        super().__init__(FAMILY_BY_KIND[values.dtype.kind], n_rows)
        self.values = values
        self.rows = rows

    def numbers(self) -> Numbers:
        n_zeros = self.n_rows - len(self.values)
        return Numbers(number_array(self.values), None, n_zeros, self.rows)

    def levels(self) -> Levels:
        stored = ArrayColumn(self.values).levels()
        counts = Counter(stored.counts)
        n_zeros = self.n_rows - len(self.values)
        if n_zeros:
            counts[self._zero()] += n_zeros
        return Levels(dict(counts), stored.n_missing)

    def keys(self) -> Sequence[str | None]:
        keys: list[str | None] = [self._zero()] * self.n_rows
        stored = ArrayColumn(self.values).keys()
        for row, key in zip(self.rows.tolist(), stored, strict=True):
            keys[row] = key
        return keys

    def _zero(self) -> str:
        return boolean_key(False) if self.family == "boolean" else number_key(0)


class TextColumn(Column):
    """Texts as a sequence of ``str`` with missing values among them."""

    __slots__ = ("cells",)

    def __init__(self, cells: Sequence[Any], declared: bool = False) -> None:
        super().__init__("string", len(cells), declared=declared)
        self.cells = cells

    def levels(self) -> Levels:
        return count_texts(Counter(self.cells).items(), self.n_rows)

    def keys(self) -> Sequence[str | None]:
        return text_keys(self.cells)

    def possible(self) -> tuple[Collection[str], bool]:
        return distinct_texts(set(self.cells))


class MixedColumn(Column):
    """Cells of several types, or of a type that has no number line."""

    __slots__ = ("cells",)

    def __init__(self, cells: Sequence[Any], family: str, declared: bool) -> None:
        super().__init__(family, len(cells), declared=declared)
        self.cells = cells

    def floats(self) -> np.ndarray:
        keys = self.keys()
        return np.array([np.nan if key is None else key_number(key) for key in keys])

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
        known = [key_number(key) for key in self.level_keys]
        values = np.array([*known, np.nan], dtype=np.float64)
        return Numbers(values[self.codes], owned=True)

    def levels(self) -> Levels:
        n_levels = len(self.level_keys)
        shifted = self.codes.astype(np.int64) + 1
        present = np.bincount(shifted, minlength=n_levels + 1)
        table: Counter[str] = Counter()
        for key, count in zip(self.level_keys, present[1:].tolist(), strict=True):
            if count:
                table[key] += count
        return Levels(dict(table), int(present[0]))

    def keys(self) -> Sequence[str | None]:
        lookup: list[str | None] = [*self.level_keys, None]
        return [lookup[code] for code in self.codes.tolist()]

    def possible(self) -> tuple[Collection[str], bool]:
        return self.level_keys, bool(self.codes.min(initial=0) < 0)

    def where(self, wanted: Set[str | None]) -> np.ndarray:
        levels = [*self.level_keys, None]
        chosen = np.fromiter(map(wanted.__contains__, levels), bool, len(levels))
        return np.asarray(chosen[self.codes])


def number_array(values: np.ndarray) -> np.ndarray:
    """Bring numbers to native byte order and at most 64 bits, without a copy if so."""
    dtype = values.dtype
    if dtype.kind == "b":
        return values.view(np.uint8)
    if dtype.kind == "f" and dtype.itemsize not in (4, 8):
        with np.errstate(over="ignore"):
            return values.astype(np.float64)
    return values if dtype.isnative else values.astype(dtype.newbyteorder("="))


def count_texts(pairs: Iterable[tuple[Any, int]], n_rows: int) -> Levels:
    """Levels of ``(text, count)`` pairs; whatever is no text is missing."""
    counts = {text_key(cell): count for cell, count in pairs if isinstance(cell, str)}
    return Levels(counts, n_rows - sum(counts.values()))


def distinct_texts(cells: Collection[Any]) -> tuple[Collection[str], bool]:
    """Levels of distinct cells, and whether one of them is no text: it is missing."""
    keys = text_keys(cells)
    levels = [key for key in keys if key is not None]
    return levels, len(levels) < len(keys)


def text_keys(cells: Collection[Any]) -> list[str | None]:
    """Level of each cell of a column of texts."""
    if countOf(map(type, cells), str) == len(cells) and "\0" not in "".join(cells):
        return list(cells)
    return [text_key(cell) if isinstance(cell, str) else None for cell in cells]
