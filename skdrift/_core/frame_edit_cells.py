"""Cells to write into a table, whatever form they were given in."""

from __future__ import annotations

import datetime as dt
import decimal
from typing import Any

import numpy as np

from skdrift._core.cells import cell_family
from skdrift._core.columns import FAMILY_BY_KIND
from skdrift._core.keys import is_missing
from skdrift.exceptions import InputError

NUMBERS = frozenset({"boolean", "integer", "float", "decimal"})
DOUBLE = np.dtype(np.float64)
NOWHERE = frozenset[str]()


class Cells:
    """Values to write.

    Attributes
    ----------
    array : ndarray of shape (n_cells,) or (1,)
        Booleans, numbers, times or objects; one entry stands for all cells.
    families : frozenset of str
        Families of those that are not missing; ``"other"`` for unknown types.
    missing : ndarray of bool of the shape of `array`, or None
        None if none is missing.
    """

    __slots__ = ("array", "families", "missing")

    def __init__(
        self, array: np.ndarray, families: frozenset[str], missing: np.ndarray | None
    ) -> None:
        self.array = array
        self.families = families
        self.missing = missing

    def present(self, rows: np.ndarray) -> tuple[np.ndarray, Cells]:
        """Those of the rows that get a value, and their values."""
        if self.missing is None:
            return rows, self
        if len(self.array) == 1:
            return rows[: 0 if self.missing[0] else None], self
        kept = ~self.missing
        return rows[kept], Cells(self.array[kept], self.families, None)

    def whole(self) -> np.ndarray | None:
        """Values as integers of at most 64 bits, 0 where missing; None if not whole."""
        if not self.families <= NUMBERS:
            return None
        array = self.array
        if array.dtype.kind in "iub":
            return array
        if array.dtype.kind == "f":
            filled = array if self.missing is None else np.where(self.missing, 0, array)
            inside = np.abs(filled) < 2.0**63
            same = inside.all() and (np.trunc(filled) == filled).all()
            return filled.astype(np.int64) if same else None
        return _integer_array([_integer(cell) for cell in self.objects(0)])

    def floats(self) -> np.ndarray | None:
        """Values as floats, NaN where missing; None if they are no numbers."""
        if not self.families <= NUMBERS:
            return None
        if self.array.dtype.kind == "f":
            return self.array
        if self.array.dtype.kind in "iub":
            return self.array.astype(DOUBLE)
        try:
            return np.array([float(cell) for cell in self.objects(np.nan)], DOUBLE)
        except OverflowError:
            return None

    def times(self, kind: str) -> np.ndarray | None:
        """Values as instants in UTC (kind ``"M"``) or spans of time (``"m"``)."""
        if not self.families <= {"datetime" if kind == "M" else "duration"}:
            return None
        if self.array.dtype.kind == kind:
            return self.array
        absent = np.datetime64("NaT") if kind == "M" else np.timedelta64("NaT")
        try:
            scalars = [
                absent if is_missing(cell) else _time(cell, kind) for cell in self.array
            ]
            times = np.array(scalars, dtype=f"{kind}8")
        except (OverflowError, TypeError, ValueError):
            return None
        # Far from each other in size, one overflows in the unit that the other needs.
        kept = all(
            np.isnat(scalar) or time.astype(scalar.dtype) == scalar
            for time, scalar in zip(times, scalars, strict=True)
        )
        return times if kept else None

    def objects(self, missing: Any) -> np.ndarray:
        """Values as Python objects, with `missing` where one is missing."""
        cells = as_objects(self.array)
        if self.missing is not None:
            cells = cells.copy()
            cells[self.missing] = missing
        return cells

    def as_given(self) -> np.ndarray:
        """Values as Python objects; NaN stays, other missing values are None."""
        cells = as_objects(self.array)
        if self.missing is not None:
            cells = cells.copy()
            for place in np.flatnonzero(self.missing):
                if not isinstance(cells[place], float | np.floating):
                    cells[place] = None
        return cells

    def listed(self) -> list[Any]:
        """Values as plain Python objects (times as given), None where missing."""
        return [_plain(cell) for cell in self.objects(None).tolist()]

    def example(self) -> str:
        """One value to show in a message."""
        shown = [cell for cell in self.listed() if cell is not None][:1]
        text = repr(shown[0] if shown else None)
        return text if len(text) <= 80 else f"{text[:77]}..."


def cells_of(values: Any, n_cells: int) -> Cells:
    """Bring the values of an edit into one form.

    Raises
    ------
    InputError
        If there are several values, and not one for each of the `n_cells` cells.
    """
    if isinstance(values, np.ma.MaskedArray):
        mask, values = np.ma.getmaskarray(values), as_objects(np.ma.getdata(values))
        values = np.where(mask, None, values)
    if isinstance(values, np.ndarray):
        array, several = np.asarray(values), values.ndim > 0
        array = array if several else array.reshape(1)
    else:
        several = isinstance(values, list | tuple)
        given = values if several else (values,)
        array = np.empty(len(given), dtype=object)
        for position, cell in enumerate(given):
            array[position] = cell
    if several and array.shape != (n_cells,):
        raise InputError(
            f"one value or {n_cells} values are needed for {n_cells} cells, got an "
            f"array of shape {array.shape}; give one for each cell"
        )
    if array.dtype.kind in FAMILY_BY_KIND:
        return _typed_cells(array)
    return _object_cells(array if array.dtype.kind == "O" else array.astype(object))


def _typed_cells(array: np.ndarray) -> Cells:
    kind = array.dtype.kind
    family = frozenset({FAMILY_BY_KIND[kind]}) if len(array) else NOWHERE
    if kind in "biu":
        return Cells(array, family, None)
    missing = np.isnat(array) if kind in "mM" else np.isnan(array)
    if not missing.any():
        return Cells(array, family, None)
    return Cells(array, NOWHERE if missing.all() else family, missing)


def _object_cells(array: np.ndarray) -> Cells:
    listed = array.tolist()
    missing = [is_missing(cell) for cell in listed]
    kinds = {type(c) for c, absent in zip(listed, missing, strict=True) if not absent}
    families = frozenset(cell_family(kind) or "other" for kind in kinds)
    return Cells(array, families, np.array(missing) if any(missing) else None)


def as_objects(array: np.ndarray) -> np.ndarray:
    """Cells of an array as Python objects; times stay those of numpy."""
    if array.dtype.kind not in "mM":
        return array.astype(object, copy=False)
    cells = np.empty(array.size, dtype=object)
    for position, cell in enumerate(array.ravel()):
        cells[position] = cell
    return cells.reshape(array.shape)


def _integer(cell: Any) -> int | None:
    """Integer equal to a number; None if there is none."""
    if isinstance(cell, int | np.integer | np.bool_):
        return int(cell)
    if isinstance(cell, decimal.Decimal):
        whole = cell.is_finite() and cell == cell.to_integral_value()
        return int(cell) if whole else None
    return int(cell) if float(cell).is_integer() else None


def _integer_array(integers: list[int | None]) -> np.ndarray | None:
    known = [integer for integer in integers if integer is not None]
    if len(known) < len(integers):
        return None
    low, high = min(known, default=0), max(known, default=0)
    if low >= -(2**63) and high < 2**63:
        return np.array(known, dtype=np.int64)
    return np.array(known, dtype=np.uint64) if low >= 0 and high < 2**64 else None


def _time(cell: Any, kind: str) -> np.datetime64 | np.timedelta64:
    if isinstance(cell, np.datetime64 | np.timedelta64):
        return cell
    if hasattr(cell, "as_unit"):  # of pandas: may be finer than a microsecond
        return cell.to_datetime64() if kind == "M" else cell.to_timedelta64()
    if kind == "m":
        return np.timedelta64(cell, "us")
    if not isinstance(cell, dt.datetime):
        return np.datetime64(cell, "D")
    offset = cell.utcoffset() or dt.timedelta()
    return np.datetime64(cell.replace(tzinfo=None), "us") - np.timedelta64(offset)


def _plain(cell: Any) -> Any:
    """Python object for a scalar of numpy; times stay numpy's."""
    timed = isinstance(cell, np.datetime64 | np.timedelta64)
    return cell.item() if isinstance(cell, np.generic) and not timed else cell
