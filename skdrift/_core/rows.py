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
        kept = kept if columns is None else kept[:, columns]
        # Some rows of a few diagonals are many diagonals: scipy warns of them.
        return kept if values.format == "dia" else kept.asformat(values.format)
    if columns is not None:
        return np.asarray(values)[np.ix_(rows, columns)]
    if hasattr(values, "iloc"):
        return values.iloc[rows]
    if isinstance(values, list | tuple):
        return [values[row] for row in rows.tolist()]
    if isinstance(values, np.ndarray):
        return values[rows]
    if hasattr(values, "schema") and hasattr(values, "num_rows"):
        return _arrow_rows(values, rows)
    native = nw.from_native(
        values, eager_only=True, allow_series=True, pass_through=True
    )
    if native is values and not isinstance(native, nw.DataFrame | nw.Series):
        return np.asarray(values)[rows]
    kept = native[rows.tolist()] if isinstance(native, nw.Series) else native[rows]
    return kept if native is values else nw.to_native(kept)


def spread_evenly(n_rows: int, most: int) -> np.ndarray:
    """Positions of at most so many rows, evenly spread."""
    if n_rows <= most:
        return np.arange(n_rows)
    return np.linspace(0, n_rows - 1, most).round().astype(np.int64)


def _arrow_rows(values: Any, rows: np.ndarray) -> Any:
    """Rows of a pyarrow table or batch, also of types that cannot be taken (views)."""
    try:
        return values.take(rows)
    except NotImplementedError:
        import pyarrow as pa  # noqa: PLC0415  (optional library)
    runs = np.split(rows, np.flatnonzero(np.diff(rows) != 1) + 1)
    cuts = [values.slice(int(run[0]), len(run)) for run in runs if len(run)]
    if hasattr(values, "to_batches"):
        return pa.concat_tables([values.slice(0, 0), *cuts])
    table = pa.Table.from_batches(cuts, values.schema).combine_chunks()
    return next(iter(table.to_batches()), values.slice(0, 0))


def without_column(table: Any, name: str) -> Any:
    """A data frame without one of its columns, in the library it came in."""
    frame = nw.from_native(table, eager_only=True)
    return nw.to_native(frame.drop(name))


def one_of_neighbours(n_rows: int, step: int) -> np.ndarray:
    """Positions of one row, drawn at random, of each `step` neighbours.

    Not every `step`-th row: of hourly rows every 24th shows one hour of the day. The
    draw is the same for the same number of rows.
    """
    starts = np.arange(0, n_rows, step)
    lengths = np.minimum(step, n_rows - starts)
    return np.asarray(starts + np.random.default_rng(0).integers(lengths))
