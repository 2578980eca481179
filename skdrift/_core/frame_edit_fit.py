"""Which numpy type holds what a column holds already and what is to be written."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from skdrift._core.frame_edit_cells import DOUBLE, NUMBERS, Cells
from skdrift.exceptions import InputError

INTEGERS = (np.dtype(np.int64), np.dtype(np.uint64))
OBJECT = np.dtype(object)
EXACT_IN_DOUBLE = 2**53

Existing = Callable[[], Iterable[np.ndarray]]


def fitted(
    dtype: np.dtype,
    cells: Cells,
    existing: Existing,
    *,
    container_missing: bool = False,
    boolean_is_number: bool = False,
) -> np.dtype:
    """Type that holds the values of a column and those to be written, exactly.

    Parameters
    ----------
    dtype : dtype
        Type of the column.
    cells : Cells
    existing : callable
        Gives the values that stay, as arrays; called only if they matter.
    container_missing : bool
        Whether the container itself marks missing cells, so that the type need not.
    boolean_is_number : bool
        Whether booleans may become numbers beside numbers.

    Returns
    -------
    dtype
        `dtype` itself wherever it will do; object where nothing else does. Floats
        stay floats: what is written into them is rounded.
    """
    marked = container_missing or hasattr(dtype, "na_object")
    absent = cells.missing is not None and not marked
    kind = dtype.kind
    if kind == "b":
        return _fitted_boolean(dtype, cells, absent, boolean_is_number)
    if kind in "iu":
        return _fitted_integer(dtype, cells, absent, existing)
    if kind == "f":
        return _fitted_float(dtype, cells)
    if kind in "mM":
        return _fitted_time(dtype, cells, existing)
    if kind in "UST":
        return _fitted_text(dtype, cells, absent)
    return OBJECT


def write(
    column: np.ndarray, rows: np.ndarray | slice, cells: Cells, missing: Any = None
) -> None:
    """Write values into an array that can hold them.

    Parameters
    ----------
    column : ndarray of shape (n_rows,)
        Of a type that `fitted` gave.
    missing : object
        What stands for a missing cell in an array of objects.
    """
    kind = column.dtype.kind
    if kind in "biu":
        column[rows] = cells.whole()
    elif kind == "f":
        with np.errstate(over="ignore"):
            column[rows] = cells.floats()
    elif kind in "mM":
        column[rows] = cells.times(kind)
    else:
        column[rows] = cells.objects(missing)


def unwritable(label: str, kind: Any, cells: Cells, remedy: str = "") -> InputError:
    """Error for a value that a column cannot hold."""
    remedy = remedy or (
        "give a value of the column's own type, or convert the column first"
    )
    return InputError(
        f"column {label!r} of type {kind} cannot hold the value {cells.example()}: "
        f"{remedy}"
    )


def _fitted_boolean(
    dtype: np.dtype, cells: Cells, absent: bool, is_number: bool
) -> np.dtype:
    whole = None if absent else cells.whole()
    if whole is not None and ((whole == 0) | (whole == 1)).all():
        return dtype
    if not is_number:
        return OBJECT
    return _fitted_integer(INTEGERS[0], cells, absent, tuple)


def _fitted_integer(
    dtype: np.dtype, cells: Cells, absent: bool, existing: Existing
) -> np.dtype:
    if not cells.families <= NUMBERS:
        return OBJECT
    whole = cells.whole()
    if whole is not None and not absent:
        if _inside(whole, dtype):
            return dtype
        for wider in INTEGERS:
            if _inside(whole, wider) and (
                np.can_cast(dtype, wider) or _all_inside(existing(), wider)
            ):
                return wider
    huge = whole is None and cells.families <= {"integer", "boolean"}
    if huge or cells.floats() is None:
        return OBJECT
    if whole is not None and not exact_in_double([whole]):
        return OBJECT
    small = dtype.itemsize < 8 or exact_in_double(existing())
    return DOUBLE if small else OBJECT


def _fitted_float(dtype: np.dtype, cells: Cells) -> np.dtype:
    floats = cells.floats()
    if floats is None:
        return OBJECT
    if floats.dtype.itemsize <= dtype.itemsize:
        return dtype
    with np.errstate(over="ignore"):
        narrowed = floats.astype(dtype)
    lost = np.isinf(narrowed) & ~np.isinf(floats)
    return floats.dtype.newbyteorder("=") if lost.any() else dtype


def _fitted_time(dtype: np.dtype, cells: Cells, existing: Existing) -> np.dtype:
    times = cells.times(dtype.kind)
    if times is None:
        return OBJECT
    if held(times, dtype):
        return dtype
    try:
        finer = np.result_type(dtype, times.dtype)
    except TypeError:
        return OBJECT
    for wider in (finer, times.dtype):
        if held(times, wider) and all(held(old, wider) for old in existing()):
            return wider
    return OBJECT


def _fitted_text(dtype: np.dtype, cells: Cells, absent: bool) -> np.dtype:
    family = "bytes" if dtype.kind == "S" else "string"
    if absent or not cells.families <= {family}:
        return OBJECT
    texts = [cell for cell in cells.array if isinstance(cell, str | bytes)]
    if dtype.kind == "T":
        return dtype if all(map(encodable, texts)) else OBJECT
    # numpy takes the zeros at the end of a text for padding.
    if any(text[-1:] in ("\0", b"\0") for text in texts):
        return OBJECT
    longest = max(map(len, texts), default=0)
    return np.result_type(dtype, np.dtype(f"{dtype.kind}{max(longest, 1)}"))


def held(times: np.ndarray, dtype: np.dtype) -> bool:
    """Whether a type of instants or spans holds all of some exactly."""
    if times.dtype == dtype:
        return True
    present = times[~np.isnat(times)]
    try:
        back = present.astype(dtype).astype(times.dtype)
    except (OverflowError, ValueError):
        return False
    return bool((back == present).all())


def exact_in_double(arrays: Iterable[np.ndarray]) -> bool:
    """Whether a float holds all of some integers exactly."""
    return all(
        array.size == 0
        or (array.max() <= EXACT_IN_DOUBLE and array.min() >= -EXACT_IN_DOUBLE)
        for array in arrays
    )


def encodable(text: Any) -> bool:
    """Whether a text has a form in UTF-8: one with half a surrogate pair has none."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _inside(whole: np.ndarray, dtype: np.dtype) -> bool:
    if whole.size == 0 or whole.dtype.kind == "b":
        return True
    ends = np.iinfo(dtype)
    return bool(int(whole.min()) >= ends.min and int(whole.max()) <= ends.max)


def _all_inside(arrays: Iterable[np.ndarray], dtype: np.dtype) -> bool:
    return all(_inside(array, dtype) for array in arrays)
