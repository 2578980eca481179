"""Cells: columns of Python objects, of which anything may be found in one column."""

from __future__ import annotations

import datetime as dt
import decimal
from collections.abc import Callable
from operator import countOf
from typing import Any

import numpy as np

from skdrift._core.columns import (
    FAMILY_BY_KIND,
    NUMBER_LINE,
    ArrayColumn,
    CodedColumn,
    Column,
    Levels,
    MixedColumn,
    Numbers,
    SparseColumn,
    TextColumn,
)
from skdrift._core.keys import (
    MICROSECONDS,
    MISSING_TYPE_NAMES,
    SPAN_MICROSECONDS,
    boolean_key,
    display_key,
    instant,
    is_missing,
    number_key,
    span,
    text_key,
    value_key,
)
from skdrift.exceptions import ComplexInputError

__all__ = [
    "NUMBER_LINE",
    "ArrayColumn",
    "CodedColumn",
    "Column",
    "Levels",
    "Numbers",
    "SparseColumn",
    "TextColumn",
    "array_column",
    "boolean_key",
    "display_key",
    "number_key",
    "object_column",
    "refuse_complex",
    "text_key",
    "value_key",
]

# timedelta64 derives from integer: it must be asked for first.
CELL_TYPES: tuple[tuple[str, tuple[type, ...]], ...] = (
    ("string", (str,)),
    ("boolean", (bool, np.bool_)),
    ("duration", (dt.timedelta, np.timedelta64)),
    ("datetime", (dt.date, np.datetime64)),
    ("float", (float, np.floating)),
    ("integer", (int, np.integer)),
    ("decimal", (decimal.Decimal,)),
    ("bytes", (bytes,)),
)
# What these functions give, a class that derives from the type cannot override.
PLAIN_CELLS: tuple[tuple[type, Callable[[Any], Any]], ...] = (
    (str, str.__str__),
    (float, float.__float__),
    (int, int.__int__),
    (bytes, bytes.__bytes__),
)
PLAIN_TYPES = frozenset({str, float, int, bytes, bool, np.float64})


def array_column(cells: np.ndarray, label: str) -> Column:
    """Column of a one-dimensional array of any type."""
    if cells.dtype.kind == "c":
        problem = complex_problem(f"column {label!r}", cells.dtype)
        return Column("unsupported", len(cells), problem=problem)
    mask = None
    if isinstance(cells, np.ma.MaskedArray):
        mask, cells = np.ma.getmaskarray(cells), np.asarray(cells.data)
    if cells.dtype.kind in FAMILY_BY_KIND:
        return ArrayColumn(cells, mask if mask is not None and mask.any() else None)
    objects = cells.astype(object)
    if mask is not None:
        objects[mask] = None
    return object_column(objects, label)


def refuse_complex(dtype: np.dtype, what: str) -> None:
    """Refuse complex numbers, which have no order.

    Raises
    ------
    ComplexInputError
    """
    if dtype.kind == "c":
        raise ComplexInputError(complex_problem(what, dtype))


def complex_problem(what: str, dtype: np.dtype) -> str:
    """Why complex numbers cannot be read."""
    return (
        f"Complex data not supported: {what} has dtype {dtype}; pass real and "
        "imaginary parts as two columns"
    )


def cell_family(kind: type) -> str:
    """Family of the cells of one Python type; empty if they cannot be read."""
    if kind.__name__ in MISSING_TYPE_NAMES:
        return "missing"
    return next((name for name, bases in CELL_TYPES if issubclass(kind, bases)), "")


def object_column(cells: np.ndarray, label: str, declared: bool = False) -> Column:
    """Find out what a column of Python objects holds.

    Parameters
    ----------
    cells : ndarray of object of shape (n_rows,)
    label : str
        Name of the column, for error messages.
    declared : bool
        Whether the container calls the column categorical.
    """
    listed = cells.tolist()
    if listed and countOf(map(type, listed), str) == len(listed):
        return TextColumn(listed, declared)
    kinds = set(map(type, listed))
    families = {kind: cell_family(kind) for kind in kinds}
    if "" in families.values():
        return _unsupported(kinds, label, len(listed))
    if any(issubclass(kind, str | float | int | bytes) for kind in kinds - PLAIN_TYPES):
        listed = [_plain_cell(cell) for cell in listed]
    found = set(families.values()) - {"missing"}
    if "string" in found and (found == {"string"} or _no_value_but_texts(listed)):
        texts = [cell if isinstance(cell, str) else None for cell in listed]
        return TextColumn(texts, declared)
    missing = np.fromiter(map(is_missing, listed), dtype=bool, count=len(listed))
    if missing.all():
        return Column("null", len(listed))
    present = [cell for cell in listed if not is_missing(cell)]
    return _present_column(present, missing, listed, label, declared)


def _unsupported(kinds: set[type], label: str, n_rows: int) -> Column:
    bad = sorted({kind.__name__ for kind in kinds if not cell_family(kind)})
    return Column(
        "unsupported",
        n_rows,
        problem=(
            f"column {label!r} holds cells of type {', '.join(bad[:5])}; cells must be "
            "numbers, texts, booleans or times: expand or encode the column, or "
            "convert it to texts"
        ),
    )


def _plain_cell(cell: Any) -> Any:
    for base, plain in PLAIN_CELLS:
        if isinstance(cell, base):
            return plain(cell)
    return cell


def _no_value_but_texts(cells: list[Any]) -> bool:
    return all(isinstance(cell, str) or is_missing(cell) for cell in cells)


def _present_column(
    present: list[Any],
    missing: np.ndarray,
    cells: list[Any],
    label: str,
    declared: bool,
) -> Column:
    families = {cell_family(kind) for kind in set(map(type, present))}
    mask = missing if missing.any() else None
    if "integer" in families:
        together = families == {"integer"}
        problem = _huge_problem(present, label, together=together)
        if problem:
            return Column("unsupported", len(cells), problem=problem)
    if families == {"boolean"}:
        values = _spread(present, missing, np.dtype(bool))
        return ArrayColumn(values, mask, declared)
    if families == {"integer"}:
        whole = [int(cell) for cell in present]
        values = _spread(whole, missing, _integer_dtype(whole))
        return ArrayColumn(values, mask, declared)
    if families <= {"integer", "float", "decimal"}:
        family = "decimal" if "decimal" in families else "float"
        floats = [float(cell) for cell in present]
        values = _spread(floats, missing, np.dtype(np.float64))
        return ArrayColumn(values, mask, declared, family=family)
    if families == {"datetime"}:
        ticks = _spread([instant(cell) for cell in present], missing, np.dtype("i8"))
        zoned = any(getattr(cell, "tzinfo", None) is not None for cell in present)
        family = "datetime with zone" if zoned else "datetime"
        return ArrayColumn(ticks.view(MICROSECONDS), mask, declared, family=family)
    if families == {"duration"}:
        ticks = _spread([span(cell) for cell in present], missing, np.dtype("i8"))
        return ArrayColumn(ticks.view(SPAN_MICROSECONDS), mask, declared)
    return MixedColumn(cells, "bytes" if families == {"bytes"} else "mixed", declared)


def _spread(present: list[Any], missing: np.ndarray, dtype: np.dtype) -> np.ndarray:
    values = np.zeros(len(missing), dtype=dtype)
    values[~missing] = np.array(present, dtype=dtype)
    return values


def _integer_dtype(cells: list[int]) -> np.dtype:
    return np.dtype(np.int64 if max(cells) < 2**63 else np.uint64)


def _huge_problem(cells: list[Any], label: str, *, together: bool) -> str:
    """Why the integers among some cells cannot be read; empty if they can."""
    whole = [int(cell) for cell in cells if isinstance(cell, int | np.integer)]
    low, high = min(whole), max(whole)
    beyond = [end for end in (low, high) if not -(2**63) <= end < 2**64]
    if beyond:
        what = f"the integer {_shown(beyond[0])}, which does not fit in 64 bits"
    elif together and low < 0 and high >= 2**63:
        what = f"the integers {low} and {high}, which do not fit in 64 bits together"
    else:
        return ""
    return f"column {label!r} holds {what}: convert the column to float or to text"


def _shown(number: int) -> str:
    n_bits = number.bit_length()
    return str(number) if n_bits < 200 else f"of {n_bits} bits"
