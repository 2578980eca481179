"""Casting: a column of another type, read as training had it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

import numpy as np

from skdrift._core.cells import Column
from skdrift._core.frame_cells import UNREAD
from skdrift._core.keys import instant, key_value
from skdrift.guards._column_guard import ColumnGuard

TRUE, FALSE = frozenset({"true", "1"}), frozenset({"false", "0"})
NOTHING = frozenset({"", "nan", "none", "null", "na", "n/a", "<na>", "nat"})
EXACT = 2**53
DTYPES = {
    "integer": np.dtype(np.int64),
    "float": np.dtype(np.float64),
    "decimal": np.dtype(np.float64),
    "boolean": np.dtype(bool),
    "datetime": np.dtype("datetime64[us]"),
    "datetime with zone": np.dtype("datetime64[us]"),
    "duration": np.dtype("timedelta64[us]"),
}


def cast_column(column: Column, guard: ColumnGuard) -> tuple[np.ndarray, np.ndarray]:
    """Read the cells of a column as the type that training had.

    Texts become numbers, booleans and instants (ISO 8601) where they spell one, and
    missing where they spell a missing value or nothing; numbers and instants become
    texts. What becomes of a cell does not depend on the others.

    Returns
    -------
    values : ndarray of shape (n_rows,)
        Of training's type; of floats or objects where a cell is missing and that type
        has no missing value.
    failed : ndarray of bool of shape (n_rows,)
        Cells that hold a value which cannot be read; they are missing in `values`.
    """
    n_rows = column.n_rows
    read = READERS.get(guard.rule.family, _unread)
    keys = column.keys()
    known: dict[str, Any] = {}
    failed: set[str | None] = set()
    for key in set(keys) - {None}:
        assert key is not None
        if key.startswith(UNREAD):
            failed.add(key)
            continue
        try:
            known[key] = read(key_value(key))
        except (ValueError, TypeError, OverflowError):
            failed.add(key)
    values = [None if key is None else known.get(key) for key in keys]
    mask = np.fromiter((key in failed for key in keys), bool, n_rows)
    return _typed(values, guard.rule.family), mask


def filled_column(guard: ColumnGuard, n_rows: int, value: Any) -> np.ndarray:
    """Column of one value, or of missing cells (None), of training's type."""
    return _typed([value] * n_rows, guard.rule.family)


def _typed(cells: list[Any], family: str) -> np.ndarray:
    dtype = DTYPES.get(family)
    missing = [cell is None for cell in cells]
    if dtype is None or (dtype.kind == "b" and any(missing)):
        values = np.empty(len(cells), dtype=object)
        values[:] = cells
        return values
    if dtype.kind == "i" and (any(missing) or not _fits(cells)):
        present = [cell for cell in cells if cell is not None]
        exact = all(abs(cell) <= EXACT for cell in present)
        dtype = np.dtype(object if _fits(present) and not exact else np.float64)
    if dtype.kind in "Mm":
        nothing = np.array("NaT", dtype=dtype)
        return np.array(
            [nothing if cell is None else cell for cell in cells], dtype=dtype
        )
    return np.array([np.nan if cell is None else cell for cell in cells], dtype=dtype)


def _fits(cells: list[Any]) -> bool:
    return all(-(2**63) <= cell < 2**63 and int(cell) == cell for cell in cells)


def _as_number(value: Any) -> Any:
    if isinstance(value, str):
        text = value.strip()
        if text.casefold() in NOTHING:
            return None
        if not text.isascii() or "_" in text:
            raise ValueError(text)
        try:
            value = int(text)
        except ValueError:
            return float(text)
    if isinstance(value, int | np.bool_):
        whole = int(value)
        return whole if -(2**63) <= whole < 2**64 else float(whole)
    if isinstance(value, float):
        return value
    raise TypeError(type(value).__name__)


def _as_boolean(value: Any) -> bool | None:
    text = str(value).strip().casefold()
    if isinstance(value, str) and text in NOTHING:
        return None
    if text in TRUE or (isinstance(value, float) and value == 1):
        return True
    if text in FALSE or (isinstance(value, float) and value == 0):
        return False
    raise ValueError(text[:50])


def _as_text(value: Any) -> str:
    if isinstance(value, bytes):
        return value.decode("utf-8")
    return str(value)


def _as_instant(value: Any) -> np.datetime64 | None:
    if isinstance(value, np.datetime64):
        return value
    if not isinstance(value, str):
        raise TypeError(type(value).__name__)
    text = value.strip()
    if text.casefold() in NOTHING:
        return None
    return np.datetime64(instant(dt.datetime.fromisoformat(text)), "us")


def _as_span(value: Any) -> np.timedelta64:
    if not isinstance(value, np.timedelta64):
        raise TypeError(type(value).__name__)
    return value


def _as_bytes(value: Any) -> bytes:
    if not isinstance(value, str):
        raise TypeError(type(value).__name__)
    return value.encode()


def _unread(value: Any) -> Any:
    raise TypeError(type(value).__name__)


READERS: dict[str, Callable[[Any], Any]] = {
    "integer": _as_number,
    "float": _as_number,
    "decimal": _as_number,
    "boolean": _as_boolean,
    "string": _as_text,
    "bytes": _as_bytes,
    "datetime": _as_instant,
    "datetime with zone": _as_instant,
    "duration": _as_span,
}
