"""Rows of a table cut into chunks: by labels, or so many at a time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from skdrift._core.checks import check_at_least
from skdrift._core.columns import Column
from skdrift._core.frame import Table
from skdrift._core.keys import MICROSECONDS, display_key, is_missing, key_number
from skdrift._core.rows import without_column
from skdrift._core.times import one_column
from skdrift.exceptions import ParameterError
from skdrift.report._numbers import rows as counted_rows

CHUNK_SIZE: Final = 500
MOST_CHUNKS: Final = 1_000
_NUMBERS: Final = frozenset({"integer", "float", "decimal"})
_TIMES: Final = frozenset({"datetime", "datetime with zone"})


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Chunks:
    """Rows of a table, cut into chunks.

    Attributes
    ----------
    labels : ndarray of shape (n_chunks,)
        What each chunk is called: datetime64, numbers or texts.
    rows : tuple of ndarray of int
        Positions of the rows of each chunk.
    by : str
        What the labels are.
    notes : tuple of str
        What was left out.
    """

    labels: np.ndarray
    rows: tuple[np.ndarray, ...]
    by: str
    notes: tuple[str, ...] = ()


def cut(table: Table, by: Any, chunk_size: int | None) -> Chunks:
    """Chunks of a table, by labels or by so many rows.

    Raises
    ------
    ParameterError
        If both are given, `by` has not one label for each row or too many different
        ones, or `chunk_size` is no positive integer.
    """
    if by is None:
        size = CHUNK_SIZE if chunk_size is None else chunk_size
        check_at_least("chunk_size", size, 1)
        starts = np.arange(0, table.n_rows, size)
        _check_number(len(starts), f"chunk_size={size!r} makes", "take larger chunks")
        rows = np.split(np.arange(table.n_rows), starts[1:]) if len(starts) else []
        by_text = f"first row of chunks of {counted_rows(size)}"
        return Chunks(labels=starts, rows=tuple(rows), by=by_text)
    if chunk_size is not None:
        raise ParameterError(
            "by and chunk_size cannot both be given, got chunk_size="
            f"{chunk_size!r}: leave out one of them"
        )
    name = by if isinstance(by, str) else str(getattr(by, "name", None) or "")
    return _cut_by(_label_column(table, by), name)


def _cut_by(column: Column, name: str) -> Chunks:
    keys = column.keys()
    known = [key for key in dict.fromkeys(keys) if key is not None]
    _check_number(
        len(known), "by has", "pass labels such as months, or chunk_size instead"
    )
    places: dict[str | None, int] = {key: place for place, key in enumerate(known)}
    codes = np.fromiter((places.get(key, -1) for key in keys), np.int64, len(keys))
    labels = _labels(column.family, known)
    order = np.argsort(labels, kind="stable")
    if labels.dtype.kind not in "fM":
        order = np.arange(len(labels))
    by_code = np.argsort(codes, kind="stable")
    ends = np.searchsorted(codes[by_code], np.arange(len(labels) + 1))
    n_without = int(ends[0])
    notes: tuple[str, ...] = ()
    if n_without:
        notes = (f"{counted_rows(n_without)} without a label are left out",)
    return Chunks(
        labels=labels[order],
        rows=tuple(by_code[ends[code] : ends[code + 1]] for code in order),
        by=name,
        notes=notes,
    )


def _labels(family: str, keys: Sequence[str]) -> np.ndarray:
    if family in _TIMES:
        instants = np.array([key_number(key) for key in keys]).astype(np.int64)
        return instants.view(MICROSECONDS)
    if family in _NUMBERS:
        return np.array([key_number(key) for key in keys])
    return np.array([display_key(key) for key in keys], dtype=object)


def _check_number(n_chunks: int, what: str, remedy: str) -> None:
    if n_chunks > MOST_CHUNKS:
        raise ParameterError(
            f"at most {MOST_CHUNKS:,} chunks can be drawn, {what} {n_chunks:,}: "
            f"{remedy}"
        )


def _label_column(table: Table, by: Any) -> Column:
    if isinstance(by, str):
        if by not in table.labels:
            raise ParameterError(
                "by must be the name of a column of X, or have one label for each "
                f"row, got {by!r:.100}; the columns are {list(table.labels[:5])}"
            )
        column: Column | None = table.column(table.labels.index(by))
    else:
        column = one_column(_starts_of_periods(by), "by")
    if column is None or column.n_rows != table.n_rows:
        got = f"{column.n_rows:,} labels" if column else f"a {type(by).__name__}"
        raise ParameterError(
            "by must be the name of a column of X, or have one label for each of the "
            f"{table.n_rows:,} rows, got {got}"
        )
    if column.problem:
        raise ParameterError(f"by cannot be read: {column.problem}")
    return column


def _starts_of_periods(by: Any) -> Any:
    """Periods of pandas as the instants at which they start."""
    if not str(getattr(by, "dtype", "")).startswith("period["):
        return by
    never = np.datetime64("NaT")
    starts = [
        never if is_missing(period) else period.start_time.to_datetime64()
        for period in by
    ]
    return np.array(starts, dtype=MICROSECONDS)


def without_label(X: Any, table: Table, by: Any, known: Sequence[str]) -> Any:
    """`X` without the column that cuts it, where the model does not know it."""
    named = isinstance(by, str) and table.names is not None
    return without_column(X, by) if named and by not in known else X
