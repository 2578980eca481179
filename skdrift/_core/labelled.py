"""Labels of which some are not there yet."""

from __future__ import annotations

from typing import Any

import narwhals.stable.v2 as nw
import numpy as np
import scipy.sparse

from skdrift._core.keys import is_missing
from skdrift._core.rows import take_rows

NUMBERS_AND_TIMES = "biufMm"


def labelled_rows(y: Any) -> np.ndarray:
    """Which rows have a label.

    NaN, NaT, None, ``pandas.NA``, nulls and masked entries are no labels; with
    several outputs a row has a label if it has all of them.

    Parameters
    ----------
    y : array-like, series, data frame or sparse matrix of n_rows

    Returns
    -------
    ndarray of bool of shape (n_rows,)
    """
    if scipy.sparse.issparse(y):
        return _of_sparse(y)
    if isinstance(y, np.ndarray):
        return ~_missing(y)
    if isinstance(y, list | tuple):
        return ~_missing(_objects(y))
    if hasattr(y, "iloc") and getattr(y, "ndim", 1) == 2:
        columns = [labelled_rows(y.iloc[:, place]) for place in range(y.shape[1])]
        return np.all(columns, axis=0) if columns else np.ones(len(y), dtype=bool)
    native = nw.from_native(y, eager_only=True, allow_series=True, pass_through=True)
    if isinstance(native, nw.Series):
        return ~_missing_in_series(native)
    if isinstance(native, nw.DataFrame):
        columns = [~_missing_in_series(column) for column in native.iter_columns()]
        return np.all(columns, axis=0) if columns else np.ones(len(native), dtype=bool)
    values = np.asarray(y)
    return ~_missing(values) if values.ndim else np.ones(len(y), dtype=bool)


def known_labels(y: Any, rows: np.ndarray) -> Any:
    """Labels of rows that have one, as what they are.

    Where the container only made room for missing entries (objects, nullable types,
    masks), numbers and times come back as plain arrays of their own type.

    Parameters
    ----------
    y : array-like, series, data frame or sparse matrix
    rows : ndarray of int
        Positions of rows with a label.
    """
    kept = take_rows(y, rows)
    if scipy.sparse.issparse(kept):
        return kept
    if hasattr(kept, "iloc"):
        types = [kept.dtype] if kept.ndim == 1 else list(kept.dtypes)
        if all(isinstance(own, np.dtype) and own.kind != "O" for own in types):
            return kept
    if isinstance(kept, np.ma.MaskedArray):
        kept = kept.data
    values = _objects(kept) if isinstance(kept, list) else np.asarray(kept)
    if values.dtype.kind != "O" or not values.size:
        return values
    try:
        plain = np.array(values.tolist())
    except ValueError:  # labels of unequal length
        return values
    fits = plain.shape == values.shape and plain.dtype.kind in NUMBERS_AND_TIMES
    return plain if fits else values


def _objects(values: list[Any] | tuple[Any, ...]) -> np.ndarray:
    """A list as an array of its labels, or of lists of them."""
    widths = {len(row) if isinstance(row, list | tuple) else -1 for row in values}
    if len(widths) == 1 and min(widths) >= 0:
        rows = np.empty((len(values), widths.pop()), dtype=object)
        for place, row in enumerate(values):
            rows[place] = row
        return rows
    cells = np.empty(len(values), dtype=object)
    for place, cell in enumerate(values):
        cells[place] = cell
    return cells


def _of_sparse(y: Any) -> np.ndarray:
    known = np.ones(y.shape[0], dtype=bool)
    if y.dtype.kind in "fc":
        stored = y.tocoo()
        known[stored.coords[0][np.isnan(stored.data)]] = False
    return known


def _missing(values: np.ndarray) -> np.ndarray:
    """Rows of an array with a missing entry."""
    found = np.zeros(values.shape, dtype=bool)
    if isinstance(values, np.ma.MaskedArray):
        found |= np.ma.getmaskarray(values)
        values = values.data
    if values.dtype.kind in "fc":
        found |= np.isnan(values)
    elif values.dtype.kind in "Mm":
        found |= np.isnat(values)
    elif values.dtype.kind in "OT":
        cells = values.astype(object).ravel().tolist()
        found |= np.reshape([_is_none(cell) for cell in cells], values.shape)
    return np.asarray(found.any(axis=tuple(range(1, found.ndim))))


def _is_none(cell: Any) -> bool:
    """Whether a cell of objects is missing; one that holds a row if any of it is."""
    if isinstance(cell, np.ndarray):
        return bool(_missing(np.atleast_1d(cell)).any())
    return is_missing(cell)


def _missing_in_series(series: Any) -> np.ndarray:
    native = nw.to_native(series)
    if isinstance(getattr(native, "dtype", None), np.dtype):
        return _missing(np.asarray(native))
    found = np.asarray(series.is_null().to_numpy(), dtype=bool)
    if series.dtype.is_float():
        nan = series.is_nan().fill_null(False).to_numpy()
        found = found | np.asarray(nan, dtype=bool)
    return found
