"""Arrays and sparse matrices, edited."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain
from typing import Any

import numpy as np
import scipy.sparse

from skdrift._core.cells import cell_family
from skdrift._core.frame_edit_cells import NUMBERS, as_objects
from skdrift._core.frame_edit_fit import (
    OBJECT,
    exact_in_double,
    fitted,
    unwritable,
    write,
)
from skdrift._core.frame_edit_plan import (
    Change,
    NewColumn,
    Plan,
    changes_nothing,
    changes_of,
    is_edited,
    kept_runs,
    source_of,
)

PLAIN_NUMBERS = NUMBERS - {"decimal"}
HAVE_MISSING = "fmMO"


def array_of_lists(X: Sequence[Any]) -> np.ndarray:
    """Array of a list of rows: of numbers if all cells are, else of objects."""
    kinds = set(map(type, chain.from_iterable(X)))
    if all(cell_family(kind) in PLAIN_NUMBERS for kind in kinds):
        return np.asarray(X)
    cells = np.empty((len(X), len(X[0])), dtype=object)
    for position, row in enumerate(X):
        for place, cell in enumerate(row):
            cells[position, place] = cell
    return cells


def rebuild_array(X: np.ndarray, plan: Plan) -> np.ndarray:
    """Array of another plan; `X` itself if the plan changes nothing."""
    if changes_nothing(plan, X.shape[1]):
        return X
    masked = isinstance(X, np.ma.MaskedArray)
    values = np.ma.getdata(X) if masked else np.asarray(X)
    changes = changes_of(plan, len(values))
    dtype = _array_dtype(values, plan, changes, masked)
    by_column = values.flags.f_contiguous and not values.flags.c_contiguous
    shape = (len(values), len(plan))
    result = np.empty(shape, dtype=dtype, order="F" if by_column else "C")
    for start, stop, first in kept_runs(plan):
        block = values[:, first : first + stop - start]
        result[:, start:stop] = as_objects(block) if dtype == OBJECT else block
    for change in changes:
        column = result[:, change.place]
        if masked:
            _write_present(column, change)
        else:
            _write(column, change, values.dtype)
    if isinstance(X, np.ma.MaskedArray):
        return _masked(X, result, plan, changes)
    return result


def rebuild_sparse(X: Any, plan: Plan) -> Any:
    """Sparse matrix of another plan; `X` itself if the plan changes nothing."""
    if changes_nothing(plan, X.shape[1]):
        return X
    columns = X.tocsc()
    changes = changes_of(plan, X.shape[0])
    dtype = columns.dtype
    for change in changes:
        wider = _wider(dtype, change, lambda: _kept_sparse(columns, plan))
        if wider == OBJECT:
            item = plan[change.place]
            label = item.name if isinstance(item, NewColumn) else f"x{source_of(item)}"
            raise unwritable(label, f"{columns.dtype} (sparse)", change.cells)
        dtype = wider
    blocks = [
        (start, columns[:, first : first + stop - start])
        for start, stop, first in kept_runs(plan, with_edited=False)
    ]
    for change in changes:
        dense = _dense_column(columns, plan[change.place]).astype(dtype)
        write(dense, change.rows, change.cells)
        blocks.append((change.place, type(columns)(dense.reshape(-1, 1))))
    ordered = [block for _, block in sorted(blocks, key=lambda pair: pair[0])]
    stacked = scipy.sparse.hstack(ordered, format="csc", dtype=dtype)
    return stacked.asformat(X.format)


def _wider(dtype: np.dtype, change: Change, existing: Any, masked: bool = False) -> Any:
    return fitted(
        dtype,
        change.cells,
        existing,
        container_missing=masked,
        boolean_is_number=True,
    )


def _array_dtype(
    values: np.ndarray, plan: Plan, changes: list[Change], masked: bool
) -> np.dtype:
    dtype = values.dtype
    for change in changes:
        dtype = _wider(dtype, change, lambda: _kept(values, plan), masked)
    if values.dtype.kind in "iub" and dtype.kind == "f":
        wholes = [change.cells.whole() for change in changes]
        if not exact_in_double([whole for whole in wholes if whole is not None]):
            return OBJECT
    return dtype


def _kept(values: np.ndarray, plan: Plan) -> Iterator[np.ndarray]:
    """Cells of X that are in the result."""
    for start, stop, first in kept_runs(plan, with_edited=False):
        yield values[:, first : first + stop - start]
    for item in plan:
        if is_edited(item):
            yield np.delete(values[:, item.position], item.rows)


def _kept_sparse(columns: Any, plan: Plan) -> Iterator[np.ndarray]:
    for start, stop, first in kept_runs(plan, with_edited=False):
        yield columns[:, first : first + stop - start].data
    for item in plan:
        if is_edited(item):
            yield np.delete(_dense_column(columns, item), item.rows)


def _dense_column(columns: Any, item: Any) -> np.ndarray:
    if isinstance(item, NewColumn):
        return np.zeros(columns.shape[0], dtype=columns.dtype)
    return columns[:, [item.position]].toarray().ravel()


def _write(column: np.ndarray, change: Change, was: np.dtype) -> None:
    """Write what is missing too; an array of objects takes it as it was given."""
    if was == OBJECT:
        column[change.rows] = change.cells.as_given()
    elif column.dtype == OBJECT:
        numbers = was.kind in "biuf" and change.cells.families <= NUMBERS
        missing = np.nan if numbers else None
        write(column, change.rows, change.cells, missing)
    else:
        missing = getattr(column.dtype, "na_object", None)
        write(column, change.rows, change.cells, missing)


def _write_present(column: np.ndarray, change: Change) -> None:
    """Write into the data of a masked array; what is missing is masked later."""
    if change.cells.missing is None or column.dtype.kind in HAVE_MISSING:
        write(column, change.rows, change.cells)
        return
    rows = np.arange(len(column))[change.rows]
    present, cells = change.cells.present(rows)
    if len(present):
        write(column, present, cells)


def _masked(
    X: np.ma.MaskedArray, result: np.ndarray, plan: Plan, changes: list[Change]
) -> np.ma.MaskedArray:
    mask: Any = np.ma.nomask
    any_missing = any(change.cells.missing is not None for change in changes)
    if any_missing or X.mask is not np.ma.nomask:
        mask = np.zeros(result.shape, dtype=bool)
        old = np.ma.getmaskarray(X)
        for start, stop, first in kept_runs(plan):
            mask[:, start:stop] = old[:, first : first + stop - start]
        for change in changes:
            missing = change.cells.missing
            mask[change.rows, change.place] = False if missing is None else missing
    # The default filler of numpy, 1e20, does not fit into half a float.
    with np.errstate(over="ignore"):
        filler = X.fill_value if result.dtype == X.dtype else None
        return np.ma.MaskedArray(result, mask=mask, fill_value=filler)
