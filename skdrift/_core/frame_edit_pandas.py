"""pandas tables, edited: untouched columns are shared, not copied."""

from __future__ import annotations

import copy
import datetime as dt
from collections.abc import Sequence
from typing import Any

import numpy as np

from skdrift._core.frame_edit_arrow import arrow_edited
from skdrift._core.frame_edit_cells import Cells, as_objects
from skdrift._core.frame_edit_fit import OBJECT, encodable, fitted, write
from skdrift._core.frame_edit_plan import (
    Change,
    NewColumn,
    Plan,
    changes_of,
    source_of,
)
from skdrift._core.keys import is_missing, value_key
from skdrift.exceptions import InputError

FEW_CELLS = 20_000
MANY_BLOCKS = 100  # from here on pandas warns of a fragmented frame
UNITS = frozenset({"s", "ms", "us", "ns"})


def rebuild_pandas(X: Any, plan: Plan, names: Sequence[Any] | None) -> Any:
    """Frame of another plan, of the same class and with the same rows."""
    # A new column begins as a copy of the first, whatever that may be.
    positions = [max(0, source_of(item)) for item in plan]
    result = _selected(X, positions)
    changes = changes_of(plan, len(X))
    for change in changes:
        item = plan[change.place]
        if isinstance(item, NewColumn):
            values = _new_values(item, change.cells, X.index)
        else:
            values = _edited_values(X[X.columns[positions[change.place]]], change)
        result.isetitem(change.place, values)
    if names is None and any(isinstance(item, NewColumn) for item in plan):
        names = [result_name(item, X.columns) for item in plan]
    if names is not None:
        result.columns = _column_index(X.columns, names)
    return result.copy() if len(changes) > MANY_BLOCKS else result


def result_name(item: Any, names: Any) -> Any:
    """Name of a column of the result, given the names of X."""
    return item.name if isinstance(item, NewColumn) else names[source_of(item)]


def _column_index(columns: Any, names: Sequence[Any]) -> Any:
    import pandas as pd  # noqa: PLC0415  (optional library)

    texts = all(isinstance(name, str) for name in names)
    dtype = columns.dtype if texts and _holds_texts(columns.dtype) else None
    return pd.Index(names, dtype=dtype, name=columns.name, tupleize_cols=False)


def _holds_texts(dtype: Any) -> bool:
    return dtype == OBJECT or type(dtype).__name__ == "StringDtype"


def _selected(X: Any, positions: list[int]) -> Any:
    """Frame of some columns of X, which shares them where that is worth while."""
    import pandas as pd  # noqa: PLC0415  (optional library)

    if positions == list(range(X.shape[1])):
        return X.copy(deep=False)
    plain = type(X) is pd.DataFrame
    if not plain or X.size < FEW_CELLS or len(positions) > MANY_BLOCKS:
        return X.take(positions, axis=1)
    series = [series for _, series in X.items()]
    shared = {place: series[position] for place, position in enumerate(positions)}
    result = pd.DataFrame(shared, index=X.index, copy=False)
    result.columns = X.columns.take(positions)
    result.attrs = copy.deepcopy(X.attrs)
    return result


def _edited_values(series: Any, change: Change) -> Any:
    """Values of a column after an edit, in a form that pandas takes as it is."""
    dtype, rows, cells = series.dtype, change.rows, change.cells
    if isinstance(dtype, np.dtype):
        return _edited_numpy(series, rows, cells)
    name = type(dtype).__name__
    if name == "CategoricalDtype":
        return _edited_categorical(series.array, rows, cells)
    if name == "DatetimeTZDtype":
        values = _edited_zoned(series, rows, cells)
    elif name == "SparseDtype":
        return _edited_sparse(series, rows, cells)
    elif name == "StringDtype":
        values = _edited_text(series, rows, cells)
    elif name == "ArrowDtype":
        values = _edited_arrow(series, rows, cells)
    elif hasattr(dtype, "numpy_dtype"):
        values = _edited_nullable(series, rows, cells)
    else:
        values = _edited_extension(series, rows, cells)
    return _edited_objects(series, rows, cells) if values is None else values


def _edited_numpy(series: Any, rows: np.ndarray, cells: Cells) -> Any:
    values = series.to_numpy()
    cells = _in_pandas_units(cells)
    dtype = fitted(values.dtype, cells, lambda: [_others(values, rows)])
    if dtype == OBJECT:
        return _edited_objects(series, rows, cells)
    edited = values.astype(dtype)
    write(edited, rows, cells)
    return edited


def _edited_objects(series: Any, rows: np.ndarray, cells: Cells) -> Any:
    """Series of Python objects, as which anything can be written."""
    import pandas as pd  # noqa: PLC0415  (optional library)

    objects = np.array(series.astype(object).to_numpy(), dtype=object)
    if series.dtype == OBJECT:
        written = cells.as_given()
    else:
        written = cells.objects(_missing_mark(series.dtype))
    if cells.families & {"datetime", "duration"}:
        written = written.copy()
        written[:] = [_pandas_time(cell) for cell in written]
    objects[rows] = written
    return pd.Series(objects, index=series.index, dtype=object)


def _pandas_time(cell: Any) -> Any:
    """Time of pandas in place of one of numpy."""
    import pandas as pd  # noqa: PLC0415  (optional library)

    if isinstance(cell, np.datetime64 | np.timedelta64):
        kind = pd.Timestamp if isinstance(cell, np.datetime64) else pd.Timedelta
        try:
            return kind(cell)
        except ValueError:  # beyond what pandas counts
            return cell
    return cell


def _missing_mark(dtype: Any) -> Any:
    """What stands for a missing cell once a column holds objects."""
    if isinstance(dtype, np.dtype):
        return np.nan if dtype.kind in "iuf" else None
    return dtype.na_value


def _others(values: np.ndarray, rows: np.ndarray) -> np.ndarray:
    return np.delete(values, rows)


def _in_pandas_units(cells: Cells) -> Cells:
    """Cells whose times have a unit that pandas knows."""
    array = cells.array
    if array.dtype.kind not in "mM" or np.datetime_data(array.dtype)[0] in UNITS:
        return cells
    return Cells(array.astype(f"{array.dtype.kind}8[s]"), cells.families, cells.missing)


def _edited_categorical(array: Any, rows: np.ndarray, cells: Cells) -> Any:
    """Categorical with some cells written; what is no category becomes one."""
    import pandas as pd  # noqa: PLC0415  (optional library)

    categories = array.categories
    known = {_identity(c): code for code, c in enumerate(categories.tolist())}
    zone = getattr(categories.dtype, "tz", None)
    added: list[Any] = []
    written = np.full(len(cells.array), -1, dtype=np.int64)
    for place, cell in enumerate(as_objects(cells.array)):
        if is_missing(cell):
            continue
        key = _identity(cell)
        if key not in known:
            known[key] = len(known)
            added.append(_category(cell, zone))
        written[place] = known[key]
    dtype = array.dtype
    if added:
        together = [*categories.tolist(), *added]
        dtype = pd.CategoricalDtype(
            _category_index(categories, together), ordered=array.ordered
        )
    codes = array.codes.astype(np.int64)
    codes[rows] = written
    return pd.Categorical.from_codes(codes, dtype=dtype)


def _category_index(categories: Any, together: list[Any]) -> Any:
    """Index of categories, of the type they had if it will do."""
    import pandas as pd  # noqa: PLC0415  (optional library)

    if all(isinstance(category, str) for category in together):
        return pd.Index(together, dtype=categories.dtype)
    return pd.Index(together, tupleize_cols=False)


def _category(cell: Any, zone: Any) -> Any:
    """Value as a category beside others, which may be of a time zone."""
    cell = _pandas_time(cell)
    if zone is not None and isinstance(cell, dt.datetime):
        aware = cell if cell.tzinfo is not None else cell.replace(tzinfo=dt.UTC)
        return aware.astimezone(zone)
    return cell.item() if isinstance(cell, np.generic) else cell


def _identity(value: Any) -> Any:
    """What makes two values the same category: pandas takes True for 1."""
    if isinstance(value, complex | np.complexfloating):
        return value
    try:
        if isinstance(value, bool | np.bool_):
            return value_key(int(value))
        return value_key(value)
    except (TypeError, ValueError, OverflowError):
        return value


def _edited_zoned(series: Any, rows: np.ndarray, cells: Cells) -> Any:
    import pandas as pd  # noqa: PLC0415  (optional library)

    values = np.asarray(series, dtype=f"datetime64[{series.dtype.unit}]")
    cells = _in_pandas_units(cells)
    dtype = fitted(values.dtype, cells, lambda: [_others(values, rows)])
    if dtype == OBJECT:
        return None
    edited = values.astype(dtype)
    write(edited, rows, cells)
    instants = pd.DatetimeIndex(edited).tz_localize("UTC")
    return instants.tz_convert(series.dtype.tz).array


def _edited_sparse(series: Any, rows: np.ndarray, cells: Cells) -> Any:
    import pandas as pd  # noqa: PLC0415  (optional library)

    dense = np.asarray(series.array)
    dense = pd.Series(dense, index=series.index, dtype=dense.dtype)
    edited = _edited_numpy(dense, rows, cells)
    values = edited.to_numpy() if isinstance(edited, pd.Series) else edited
    fill = series.dtype.fill_value
    if values.dtype != dense.dtype and values.dtype.kind != "f":
        fill = None
    return pd.arrays.SparseArray(values, fill_value=fill)


def _edited_text(series: Any, rows: np.ndarray, cells: Cells) -> Any:
    if not cells.families <= {"string"}:
        return None
    texts = cells.listed()
    if not all(text is None or encodable(text) for text in texts):
        return None
    return _set(series.array.copy(), rows, texts)


def _edited_arrow(series: Any, rows: np.ndarray, cells: Cells) -> Any:
    import pandas as pd  # noqa: PLC0415  (optional library)
    import pyarrow as pa  # noqa: PLC0415  (optional library)

    array = pa.array(series.array)
    try:
        edited = arrow_edited(array, rows, cells, str(series.name))
    except InputError:
        return None
    return pd.arrays.ArrowExtensionArray(edited)


def _edited_nullable(series: Any, rows: np.ndarray, cells: Cells) -> Any:
    """Column of pandas' numbers or booleans that carry a mask."""
    import pandas as pd  # noqa: PLC0415  (optional library)

    array, was = series.array, series.dtype.numpy_dtype
    mask = np.array(array.isna(), dtype=bool)
    values = array.to_numpy(dtype=was, na_value=was.type(0))
    dtype = fitted(was, cells, lambda: [_others(values, rows)], container_missing=True)
    if dtype == OBJECT:
        return None
    edited = values.astype(dtype)
    present, values = cells.present(rows)
    if len(present):
        write(edited, present, values)
    mask[rows] = False if cells.missing is None else cells.missing
    kinds = {"b": pd.arrays.BooleanArray, "f": pd.arrays.FloatingArray}
    return kinds.get(dtype.kind, pd.arrays.IntegerArray)(edited, mask)


def _edited_extension(series: Any, rows: np.ndarray, cells: Cells) -> Any:
    try:
        return _set(series.array.copy(), rows, cells.listed())
    except (TypeError, ValueError):
        return None


def _set(array: Any, rows: np.ndarray, listed: list[Any]) -> Any:
    cells = [array.dtype.na_value if cell is None else cell for cell in listed]
    if len(cells) == 1:
        array[rows] = cells[0]
    else:
        array[rows] = cells
    return array


def _new_values(item: NewColumn, cells: Cells, index: Any) -> Any:
    import pandas as pd  # noqa: PLC0415  (optional library)

    if item.categories is not None:
        empty = pd.Categorical([None] * len(index), categories=item.categories)
        return _edited_categorical(empty, np.arange(len(index)), cells)
    array = _in_pandas_units(cells).array
    if array.dtype.kind != "O":
        return array.copy()
    texts = all(encodable(cell) for cell in array if isinstance(cell, str))
    dtype = None if texts and len(array) else object
    return pd.Series(array.tolist(), index=index, dtype=dtype)
