"""The door out for tables: a table like the one given, of edited columns.

`rebuild_table` gives back the library and the class that it was given, with some
cells written and columns reordered, dropped or added. Nothing else in skdrift knows
which library a table came from. What was given is never changed; columns that are
not edited may share their memory with it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from importlib import import_module
from typing import Any

import narwhals.stable.v2 as nw
import numpy as np
import scipy.sparse

from skdrift._core.frame_edit_array import (
    array_of_lists,
    rebuild_array,
    rebuild_sparse,
)
from skdrift._core.frame_edit_arrow import rebuild_arrow, rebuild_other
from skdrift._core.frame_edit_pandas import rebuild_pandas, result_name
from skdrift._core.frame_edit_plan import EditedColumn, NewColumn, Plan, source_of
from skdrift._core.frame_edit_polars import rebuild_polars
from skdrift.exceptions import InputError

__all__ = ["EditedColumn", "NewColumn", "Plan", "rebuild_table"]


def rebuild_table(X: Any, plan: Plan, *, names: Sequence[str] | None = None) -> Any:
    """Table of the same library and class, of other columns.

    Parameters
    ----------
    X : array-like, sparse matrix or data frame of shape (n_rows, n_features)
        Whatever `read_table` accepts. It is not changed.
    plan : sequence of int, EditedColumn or NewColumn
        The columns of the result, in order; an integer is the column of `X` at that
        position, untouched.
    names : sequence of str, or None
        Names of all columns of the result, where `X` is a frame; None keeps the
        names of the columns. Arrays and sparse matrices have no names.

    Returns
    -------
    table of shape (n_rows, len(plan))
        A list of rows becomes an array. Frames keep the type of every column that
        can hold its new values. An array has one type for all: the narrowest one
        that holds everything exactly, floats excepted, into which numbers are
        rounded.

    Raises
    ------
    InputError
        If two columns would have one name, or the type of a column (polars, pyarrow,
        sparse) cannot hold a value.
    """
    if isinstance(X, np.ndarray):
        return rebuild_array(X, plan)
    if scipy.sparse.issparse(X):
        return rebuild_sparse(X, plan)
    if isinstance(X, list | tuple):
        return rebuild_array(array_of_lists(X), plan)
    native = nw.to_native(X, pass_through=True)
    if native is not X:
        edited = rebuild_table(native, plan, names=names)
        package = type(X).__module__.removesuffix(".dataframe")
        return import_module(package).from_native(edited, eager_only=True)
    if nw.dependencies.is_pandas_dataframe(X):
        _check_names(plan, X.columns, names)
        return rebuild_pandas(X, plan, names)
    if hasattr(X, "__array__") and not hasattr(X, "columns"):
        return rebuild_array(np.asarray(X), plan)
    return _rebuild_frame(X, plan, names)


def _rebuild_frame(X: Any, plan: Plan, names: Sequence[str] | None) -> Any:
    if nw.dependencies.is_polars_dataframe(X):
        _check_names(plan, X.columns, names)
        return rebuild_polars(X, plan, names)
    if hasattr(X, "schema") and hasattr(X, "num_rows"):
        _check_names(plan, X.schema.names, names)
        return rebuild_arrow(X, plan, names)
    if nw.dependencies.is_pandas_like_dataframe(X):
        frame = nw.from_native(X, eager_only=True).to_pandas()
        return type(X)(rebuild_table(frame, plan, names=names))
    _check_names(plan, list(X.columns), names)
    return rebuild_other(X, plan, names)


def _check_names(plan: Plan, columns: Any, names: Sequence[str] | None) -> None:
    new: list[Any] = list(map(source_of, plan)) if names is None else list(names)
    if len(new) != len(plan):
        raise InputError(
            f"names must hold one name for each of {len(plan)} columns, got {len(new)}"
        )
    # The names of X are known to be unique; to list them takes pandas a while.
    if names is None and (min(new, default=0) < 0 or len(set(new)) < len(new)):
        old = list(columns)
        new = [result_name(item, old) for item in plan]
    if len(set(new)) < len(new):
        twice = sorted(str(name) for name, n in Counter(new).items() if n > 1)
        raise InputError(
            f"column names must be unique, the result would have more than one of "
            f"{twice[:5]}; give the columns other names"
        )
