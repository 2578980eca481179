"""Rows of anything that holds one entry for each row."""

from __future__ import annotations

from typing import Any

import narwhals.stable.v2 as nw
import numpy as np
import scipy.sparse


def take_rows(values: Any, rows: np.ndarray, columns: np.ndarray | None = None) -> Any:
    """Rows of a table, of labels or of weights, in the container they came in.

    Parameters
    ----------
    values : array-like, sparse matrix, series or data frame, or None
    rows : ndarray of int
        Positions.
    columns : ndarray of int or None
        Positions of columns to keep as well (a precomputed kernel).
    """
    if values is None:
        return None
    if scipy.sparse.issparse(values):
        kept = values.tocsr()[rows]
        return kept if columns is None else kept[:, columns]
    if columns is not None:
        return np.asarray(values)[np.ix_(rows, columns)]
    if hasattr(values, "iloc"):
        return values.iloc[rows]
    if isinstance(values, list | tuple):
        return [values[row] for row in rows.tolist()]
    if isinstance(values, np.ndarray):
        return values[rows]
    native = nw.from_native(
        values, eager_only=True, allow_series=True, pass_through=True
    )
    if native is values:
        return np.asarray(values)[rows]
    return nw.to_native(native[rows.tolist()] if _is_series(native) else native[rows])


def _is_series(native: Any) -> bool:
    return isinstance(native, nw.Series)
