"""Quarantine: a batch split into rows without and rows with a reason to reject."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.sparse

from skdrift._core.frame import read_table
from skdrift._core.frame_edit import NewColumn, rebuild_table
from skdrift._core.rows import take_rows
from skdrift.exceptions import InputError

__all__ = ["Quarantine", "split_rows"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Quarantine:
    """A batch in two parts; together they are its rows, each in its order.

    Attributes
    ----------
    clean : table of shape (n_clean, n_features)
        Rows to answer, as they came: library, types and row labels.
    rejected : table of shape (n_rejected, n_features), or one column more
        The other rows; those of a data frame have a column of reasons.
    rows : ndarray of int of shape (n_rejected,)
        Positions of the rejected rows in the batch.
    reasons : tuple of str of length n_rejected
        Why each of them was rejected, in words.
    """

    clean: Any
    rejected: Any
    rows: np.ndarray
    reasons: tuple[str, ...]

    def __repr__(self) -> str:
        return f"Quarantine(n_rejected={len(self.rows)})"


def split_rows(
    X: Any, rejects: np.ndarray, reasons: Sequence[str], name: str
) -> Quarantine:
    """Split a batch by a mask of its rows.

    Parameters
    ----------
    X : table of shape (n_rows, n_features)
    rejects : ndarray of bool of shape (n_rows,)
    reasons : sequence of str
        One for each rejected row.
    name : str
        Of the column of reasons that a data frame gets.

    Raises
    ------
    InputError
        If `X` has another number of rows, or a column called `name`.
    """
    table = read_table(X, strict=False)
    if table.n_rows != len(rejects):
        raise InputError(
            f"X must be the batch that was flagged, of {len(rejects)} rows, got "
            f"{table.n_rows} rows"
        )
    framed = _is_frame(X)
    if framed and name in table.labels:
        raise InputError(
            f"X has a column {name!r} already, the name of the column of reasons: "
            "pass another name as reason=..."
        )
    rows = np.flatnonzero(rejects)
    return Quarantine(
        clean=_same_container(X, np.flatnonzero(~rejects)),
        rejected=_with_reasons(X, rows, reasons, name)
        if framed
        else _same_container(X, rows),
        rows=rows,
        reasons=tuple(reasons),
    )


def _is_frame(X: Any) -> bool:
    return not (
        isinstance(X, np.ndarray | list | tuple)
        or scipy.sparse.issparse(X)
        or not hasattr(X, "columns")
    )


def _with_reasons(X: Any, rows: np.ndarray, reasons: Sequence[str], name: str) -> Any:
    """Rows of a data frame, and their reasons as the last column."""
    if not len(rows) and X.shape[0]:
        # Of no text at all the type of a column cannot be told.
        one = _with_reasons(X, np.arange(1), [""], name)
        return _same_container(one, rows)
    rejected = _same_container(X, rows)
    texts = NewColumn(name, np.array(reasons, dtype=object))
    return rebuild_table(rejected, [*range(rejected.shape[1]), texts])


def _same_container(X: Any, rows: np.ndarray) -> Any:
    """Rows of a table in the container itself."""
    if isinstance(X, tuple):
        return tuple(take_rows(X, rows))
    return take_rows(X, rows)
