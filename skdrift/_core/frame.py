"""The one door for tables.

`read_table` takes what scikit-learn takes (and polars and pyarrow besides) and
gives a `Table`: named columns that convert only when asked. Nothing else in
skdrift knows which library a table came from. The input is never changed.

Accepted: two-dimensional numpy arrays (numbers, booleans, times, texts, objects;
masked arrays too), lists of lists, pandas, polars and pyarrow tables and whatever
else narwhals reads eagerly, scipy sparse matrices and arrays. A sparse table is
never made dense as a whole; arrays that live on another device are copied to
numpy.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import narwhals.stable.v2 as nw
import numpy as np
import scipy.sparse

from skdrift._core.cells import (
    ArrayColumn,
    CodedColumn,
    Column,
    Levels,
    Numbers,
    SparseColumn,
    TextColumn,
    count_texts,
    object_column,
    text_key,
    value_key,
    zoned_column,
)
from skdrift.exceptions import InputError, InputTypeError

LAZY_REMEDY = "call .collect() (polars), .compute() (dask) or .toPandas() (Spark) first"


class Table:
    """Named columns over rows.

    Attributes
    ----------
    n_rows, n_features : int
    names : tuple of str, or None
        Column names if all of them are texts; None for arrays and integer names,
        whose columns are known by their position, as in scikit-learn.
    labels : tuple of str
        What to call each column in a message: its name, or ``"x0"``, ``"x1"``, …
    index : object
        Row labels of the container, or None.
    """

    __slots__ = ("index", "labels", "n_features", "n_rows", "names")

    def __init__(
        self,
        n_rows: int,
        n_features: int,
        names: tuple[str, ...] | None = None,
        labels: tuple[str, ...] | None = None,
        index: Any = None,
    ) -> None:
        self.n_rows = n_rows
        self.n_features = n_features
        self.names = names
        self.labels = labels or names or tuple(f"x{j}" for j in range(n_features))
        self.index = index

    def column(self, position: int) -> Column:
        """Column at `position`."""
        raise NotImplementedError

    def every(self, step: int) -> Table:
        """Table of the rows 0, `step`, 2 `step`, …"""
        raise NotImplementedError

    def number_block(self) -> np.ndarray | None:
        """Whole table as one plain float or integer array, if it is one."""
        return None


class ArrayTable(Table):
    """A two-dimensional numpy array."""

    __slots__ = ("values",)

    def __init__(self, values: np.ndarray) -> None:
        super().__init__(*values.shape)
        self.values = values

    def column(self, position: int) -> Column:
        cells = self.values[:, position]
        kind = cells.dtype.kind
        if kind == "O":
            return object_column(np.asarray(cells), self.labels[position])
        mask = None
        if isinstance(cells, np.ma.MaskedArray):
            mask = np.ma.getmaskarray(cells)
            cells = cells.data
        if kind in "UT":
            texts = cells.tolist()
            return TextColumn(
                texts if mask is None else [None if m else t for t, m in zip(texts, mask, strict=True)]
            )
        if kind == "S":
            return object_column(cells.astype(object), self.labels[position])
        return ArrayColumn(cells, mask if mask is not None and mask.any() else None)

    def every(self, step: int) -> Table:
        return ArrayTable(self.values[::step])

    def number_block(self) -> np.ndarray | None:
        values = self.values
        plain = values.dtype.kind in "fiu" and values.dtype.itemsize <= 8
        masked = isinstance(values, np.ma.MaskedArray)
        usable = plain and not masked and values.dtype.isnative
        return values if usable and values.dtype != np.float16 else None


class SparseTable(Table):
    """A sparse matrix or array, held by columns."""

    __slots__ = ("matrix",)

    def __init__(self, matrix: Any) -> None:
        super().__init__(*matrix.shape)
        columns = matrix.tocsc()
        if not columns.has_canonical_format:
            columns = columns.copy()
            columns.sum_duplicates()
        self.matrix = columns

    def column(self, position: int) -> Column:
        start, stop = self.matrix.indptr[position : position + 2]
        return SparseColumn(
            self.matrix.data[start:stop], self.matrix.indices[start:stop], self.n_rows
        )

    def every(self, step: int) -> Table:
        return SparseTable(self.matrix.tocsr()[::step])


class FrameTable(Table):
    """A data frame, read through narwhals."""

    __slots__ = ("frame",)

    def __init__(self, frame: Any, names: list[Any], *, strict: bool) -> None:
        texts = all(isinstance(name, str) for name in names)
        super().__init__(
            len(frame),
            len(names),
            tuple(map(str, names)) if texts or _some_text(names) else None,
            tuple(map(str, names)) if texts or _some_text(names) else None,
            getattr(nw.to_native(frame), "index", None),
        )
        self.frame = frame

    def column(self, position: int) -> Column:
        return series_column(self.frame[:, position], self.labels[position])

    def every(self, step: int) -> Table:
        return FrameTable(
            self.frame.gather_every(step), list(self.frame.columns), strict=False
        )


class SeriesTextColumn(Column):
    """Texts of a data frame, counted by the library they live in."""

    __slots__ = ("series",)

    def __init__(self, series: Any, declared: bool) -> None:
        super().__init__("string", len(series), declared=declared)
        self.series = series

    def levels(self) -> Levels:
        table = self.series.alias("level").value_counts(sort=False, name="n")
        found = count_texts(
            zip(
                table.get_column("level").to_list(),
                table.get_column("n").to_list(),
                strict=True,
            )
        )
        return Levels(found.counts, self.n_rows - sum(found.counts.values()))

    def keys(self) -> Sequence[str | None]:
        return [
            text_key(cell) if isinstance(cell, str) else None
            for cell in self.series.to_list()
        ]


def read_table(X: Any, *, strict: bool = True) -> Table:
    """Read anything that is a table.

    Parameters
    ----------
    X : array-like, sparse matrix or data frame of shape (n_rows, n_features)
    strict : bool
        Whether column names that mix texts and other types are refused, as at
        ``fit``; otherwise they are read as texts.

    Raises
    ------
    InputTypeError
        If `X` is no table, or of a type that cannot be read (complex numbers, lazy
        frames, series).
    InputError
        If `X` is no two-dimensional table, has no columns, or its column names are
        duplicated, empty, nested or of mixed types.
    """
    if isinstance(X, np.ndarray):
        table: Table = _read_array(X)
    elif scipy.sparse.issparse(X):
        if X.ndim != 2:
            raise InputError(f"X must have 2 dimensions, got a sparse {X.ndim}-D array")
        _refuse_complex(X.dtype)
        table = SparseTable(X)
    elif isinstance(X, list | tuple):
        table = _read_lists(X)
    else:
        table = _read_frame(X, strict=strict)
    if table.n_features == 0:
        raise InputError(
            f"X has no columns (shape {(table.n_rows, 0)}); at least one is needed"
        )
    return table


def is_chunk_iterator(X: Any) -> bool:
    """Whether `X` is an iterator of tables rather than a table."""
    return isinstance(X, Iterator)


def series_column(series: Any, label: str) -> Column:
    """Column of a narwhals series."""
    native = nw.to_native(series)
    dtype = getattr(native, "dtype", None)
    if isinstance(dtype, np.dtype):
        cells = np.asarray(native)
        if dtype.kind == "O":
            return object_column(cells, label)
        _refuse_complex(dtype, label)
        return ArrayColumn(cells)
    kind = series.dtype
    n_rows = len(series)
    if kind == nw.Categorical or kind == nw.Enum:
        return _category_column(series, native, label)
    if kind == nw.String:
        return SeriesTextColumn(series, declared=False)
    if kind.is_numeric() or kind == nw.Boolean:
        return _number_series(series)
    if kind == nw.Datetime or kind == nw.Date or kind == nw.Duration:
        return _time_series(series)
    if kind == nw.Binary:
        return object_column(_objects(series.to_list()), label)
    if kind == nw.Unknown and str(dtype).startswith("Sparse"):
        return ArrayColumn(np.asarray(native))
    if kind == nw.Unknown and series.null_count() == n_rows:
        return Column("null", n_rows)
    return Column(
        "unsupported",
        n_rows,
        problem=(
            f"column {label!r} has type {dtype if dtype is not None else kind}, which "
            "has no order and no levels to count: expand it, or convert it to "
            "numbers, texts or datetimes"
        ),
    )


def _objects(cells: Sequence[Any]) -> np.ndarray:
    out = np.empty(len(cells), dtype=object)
    out[:] = cells
    return out


def _category_column(series: Any, native: Any, label: str) -> Column:
    accessor = getattr(native, "cat", None)
    if hasattr(accessor, "codes"):
        found = object_column(
            np.asarray(accessor.categories, dtype=object), label
        )
        if found.problem:
            return found
        keys = [value_key(level) for level in accessor.categories.tolist()]
        return CodedColumn(accessor.codes.to_numpy(), keys, found.family)
    return SeriesTextColumn(series.cast(nw.String), declared=True)


def _number_series(series: Any) -> Column:
    if series.dtype.is_decimal():
        series = series.cast(nw.Float64)
    if not series.null_count():
        return ArrayColumn(_plain(series.to_numpy(), series))
    missing = np.asarray(series.is_null().to_numpy(), dtype=bool)
    filled = series.fill_null(False if series.dtype == nw.Boolean else 0)
    return ArrayColumn(_plain(filled.to_numpy(), series), missing)


def _plain(values: np.ndarray, series: Any) -> np.ndarray:
    if values.dtype.kind != "O":
        return values
    return values.astype(bool if series.dtype == nw.Boolean else np.float64)


def _time_series(series: Any) -> Column:
    if series.dtype == nw.Date:
        series = series.cast(nw.Datetime("us"))
    spans = series.dtype == nw.Duration
    zoned = not spans and series.dtype.time_zone is not None
    counted = (
        series.dt.total_microseconds() if spans else series.dt.timestamp("us")
    )
    missing = np.asarray(counted.is_null().to_numpy(), dtype=bool)
    ticks = np.asarray(counted.fill_null(0).to_numpy()).astype(np.int64)
    values = ticks.view("timedelta64[us]" if spans else "datetime64[us]").copy()
    values[missing] = np.timedelta64("NaT") if spans else np.datetime64("NaT")
    return zoned_column(values) if zoned else ArrayColumn(values)


def _read_array(X: np.ndarray) -> Table:
    if isinstance(X, np.matrix):
        raise InputTypeError(
            "X must not be a numpy.matrix, whose rows stay two-dimensional: pass "
            "numpy.asarray(X)"
        )
    if X.dtype.kind == "V":
        raise InputError(
            f"X must not be a structured array (dtype {str(X.dtype)[:80]}), whose fields "
            "scikit-learn cannot read: pass a data frame, or X.view of one plain dtype"
        )
    _refuse_complex(X.dtype)
    if X.ndim != 2:
        raise InputError(
            f"X must have 2 dimensions (rows, columns), got shape {X.shape}. Reshape "
            "your data: X.reshape(-1, 1) for one column, X.reshape(1, -1) for one row"
        )
    return ArrayTable(X)


def _refuse_complex(dtype: np.dtype, label: str = "") -> None:
    if dtype.kind == "c":
        where = f"column {label!r}" if label else "X"
        raise InputTypeError(
            f"Complex data not supported: {where} has dtype {dtype}; pass real and "
            "imaginary parts as two columns"
        )


def _read_lists(X: Sequence[Any]) -> Table:
    widths = {len(row) if isinstance(row, list | tuple | np.ndarray) else -1 for row in X}
    if len(widths) != 1 or -1 in widths:
        got = "rows of lengths " + str(sorted(widths)[:5]) if X else "an empty list"
        if -1 in widths:
            got = f"a list of {type(X[0]).__name__}"
        raise InputTypeError(
            f"X must be a table: a list of rows of equal length, got {got}"
        )
    values = np.empty((len(X), widths.pop()), dtype=object)
    for position, row in enumerate(X):
        for place, cell in enumerate(row):
            values[position, place] = cell
    return ArrayTable(values)


def _read_frame(X: Any, *, strict: bool) -> Table:
    if hasattr(X, "__array__") and not hasattr(X, "columns") and not _is_series(X):
        return _read_array(np.asarray(X))
    if _is_series(X):
        raise InputTypeError(
            f"X must be a table, got a {type(X).__name__}; make it a frame of one "
            "column: X.to_frame()"
        )
    names = _column_names(X, strict=strict)
    try:
        frame = nw.from_native(X, eager_only=True)
    except TypeError as error:
        raise InputTypeError(
            f"X must be an array, a sparse matrix or an eager data frame, got "
            f"{type(X).__module__}.{type(X).__qualname__}; {LAZY_REMEDY}"
        ) from error
    return FrameTable(frame, names, strict=strict)


def _is_series(X: Any) -> bool:
    return type(X).__name__ in {"Series", "ChunkedArray"} and not hasattr(X, "columns")


def _column_names(X: Any, *, strict: bool) -> list[Any]:
    if type(X).__name__ == "LazyFrame":
        return []
    columns = getattr(X, "column_names", None)
    if columns is None:
        columns = getattr(X, "columns", ())
    names = [] if callable(columns) else list(columns)
    nested = [name for name in names if isinstance(name, tuple)]
    if nested:
        raise InputError(
            f"column names must be texts, got nested names {nested[:5]}; flatten "
            "them: X.columns = ['_'.join(map(str, name)) for name in X.columns]"
        )
    empty = [name for name in names if name is None or name != name or name == ""]
    if empty:
        raise InputError(
            f"column names must not be empty, got {empty[:5]}; name every column"
        )
    if len(set(names)) < len(names):
        twice = sorted({str(name) for name in names if names.count(name) > 1})
        raise InputError(
            f"column names must be unique, got more than one of {twice[:5]}; rename or "
            "drop the duplicates"
        )
    if strict and _some_text(names) and not all(isinstance(n, str) for n in names):
        kinds = sorted({type(name).__name__ for name in names})
        raise InputTypeError(
            f"column names must all be texts or all be other types, got {kinds}; "
            "convert them: X.columns = X.columns.astype(str)"
        )
    return names


def _some_text(names: Sequence[Any]) -> bool:
    return any(isinstance(name, str) for name in names)


__all__ = ["Column", "Levels", "Numbers", "Table", "is_chunk_iterator", "read_table"]
