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

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

import narwhals.stable.v2 as nw
import numpy as np
import scipy.sparse

from skdrift._core.cells import array_column, refuse_complex
from skdrift._core.columns import ArrayColumn, Column, Levels, Numbers, SparseColumn
from skdrift._core.frame_pandas import pandas_column
from skdrift._core.frame_series import series_column
from skdrift._core.keys import is_missing
from skdrift._core.rows import one_of_neighbours
from skdrift.exceptions import InputError, InputTypeError

__all__ = ["Column", "Levels", "Numbers", "Table", "is_chunk_iterator", "read_table"]

LAZY_REMEDY = "call .collect() (polars), .compute() (dask) or .toPandas() (Spark) first"
CACHE_LINE = 64
MOST_TOGETHER = 8
ROWS_AT_A_TIME = 4096
FEW_ROWS_AS_OBJECTS = 4
FEW_COLUMNS = 2  # for which to make a series of every column does not pay
PLAIN_DTYPES = frozenset(
    {nw.Float64, nw.Float32, nw.Int64, nw.Int32, nw.String, nw.Boolean}
)


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

    @property
    def cluster(self) -> int:
        """How many neighbouring columns are best read together."""
        return 1

    def read(self, positions: Sequence[int]) -> list[Column]:
        """Columns at `positions`."""
        return [self.column(position) for position in positions]

    def one_of(self, step: int) -> Table:
        """Table of one row, drawn at random, of each `step` neighbours."""
        return self._taken(one_of_neighbours(self.n_rows, step))

    def _taken(self, rows: np.ndarray) -> Table:
        raise NotImplementedError

    def number_block(self) -> np.ndarray | None:
        """Whole table as one plain float or integer array, if it is one."""
        return None

    def few_cells(self) -> Sequence[Sequence[Any]] | None:
        """Rows as Python objects, where that is much faster than to read columns."""
        return None


class ArrayTable(Table):
    """A two-dimensional numpy array."""

    __slots__ = ("values",)

    def __init__(self, values: np.ndarray) -> None:
        super().__init__(*values.shape)
        self.values = values

    def column(self, position: int) -> Column:
        return array_column(self.values[:, position], self.labels[position])

    @property
    def cluster(self) -> int:
        values = self.number_block()
        if values is None or len(values) < ROWS_AT_A_TIME:
            return 1
        row_step, column_step = map(abs, values.strides)
        if not 0 < column_step < row_step:  # 0: one column, or the same one repeated
            return 1
        return min(max(1, CACHE_LINE // column_step), MOST_TOGETHER)

    def read(self, positions: Sequence[int]) -> list[Column]:
        if len(positions) < 2 or self.cluster < 2:
            return super().read(positions)
        return [
            ArrayColumn(values, owned=True)
            for values in _gather(self.values, list(positions))
        ]

    def _taken(self, rows: np.ndarray) -> Table:
        return ArrayTable(self.values[rows])

    def number_block(self) -> np.ndarray | None:
        values = self.values
        plain = values.dtype.kind in "fiu" and values.dtype.itemsize <= 8
        masked = isinstance(values, np.ma.MaskedArray)
        usable = plain and not masked and values.dtype.isnative
        return values if usable and values.dtype != np.float16 else None


def _gather(values: np.ndarray, positions: list[int]) -> np.ndarray:
    """Copy of some columns, each contiguous, that takes every cache line once."""
    gathered = np.empty((len(positions), len(values)), dtype=values.dtype)
    for start in range(0, len(values), ROWS_AT_A_TIME):
        stop = start + ROWS_AT_A_TIME
        gathered[:, start:stop] = values[start:stop, positions].T
    return gathered


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

    def _taken(self, rows: np.ndarray) -> Table:
        return SparseTable(self.matrix.tocsr()[rows])


class PandasTable(Table):
    """A pandas data frame."""

    __slots__ = ("_n_asked", "_series", "frame")

    def __init__(self, frame: Any, names: tuple[str, ...] | None) -> None:
        n_rows, n_features = frame.shape
        super().__init__(n_rows, n_features, names, index=frame.index)
        self.frame = frame
        self._series: list[Any] | None = None
        self._n_asked = 0

    def column(self, position: int) -> Column:
        label = self.labels[position]
        if self._series is None and self._n_asked < FEW_COLUMNS:
            self._n_asked += 1
            return pandas_column(self.frame.iloc[:, position], label)
        if self._series is None:
            self._series = [series for _, series in self.frame.items()]
        return pandas_column(self._series[position], label)

    def _taken(self, rows: np.ndarray) -> Table:
        return PandasTable(self.frame.iloc[rows], self.names)

    def few_cells(self) -> Sequence[Sequence[Any]] | None:
        if self.n_rows > FEW_ROWS_AS_OBJECTS:
            return None
        try:
            cells = self.frame.to_numpy()
        except (TypeError, ValueError, OverflowError):  # categories without a hash
            return None
        # Of times, numpy would make integers.
        return None if cells.dtype.kind in "mM" else [*map(tuple, cells.tolist())]


class FrameTable(Table):
    """A data frame of another library, read through narwhals."""

    __slots__ = ("_series", "frame")

    def __init__(self, frame: Any, names: tuple[str, ...] | None) -> None:
        index = getattr(nw.to_native(frame), "index", None)
        super().__init__(len(frame), len(frame.columns), names, index=index)
        self.frame = frame
        self._series: list[Any] | None = None

    def column(self, position: int) -> Column:
        if self._series is None:
            self._series = list(self.frame.iter_columns())
        return series_column(self._series[position], self.labels[position])

    def _taken(self, rows: np.ndarray) -> Table:
        return FrameTable(self.frame[rows], self.names)

    def few_cells(self) -> Sequence[Sequence[Any]] | None:
        if self.n_rows > FEW_ROWS_AS_OBJECTS:
            return None
        plain = all(dtype in PLAIN_DTYPES for dtype in self.frame.schema.values())
        return self.frame.rows() if plain else None


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
        table = _read_sparse(X)
    elif isinstance(X, list | tuple):
        table = _read_lists(X)
    else:
        table = _read_frame(X, strict=strict)
    if table.n_features == 0:
        raise InputError(
            f"X has no columns: 0 feature(s) (shape=({table.n_rows}, 0)) while a "
            "minimum of 1 is required."
        )
    return table


def is_chunk_iterator(X: Any) -> bool:
    """Whether `X` is an iterator of tables rather than a table."""
    return isinstance(X, Iterator)


def _read_array(X: np.ndarray) -> Table:
    if isinstance(X, np.matrix):
        raise InputTypeError(
            "X must not be a numpy.matrix, whose rows stay two-dimensional: pass "
            "numpy.asarray(X)"
        )
    if X.dtype.kind == "V":
        raise InputError(
            f"X must not be a structured array (dtype {str(X.dtype)[:80]}), whose "
            "fields scikit-learn cannot read: pass a data frame, or X.view of one "
            "plain dtype"
        )
    refuse_complex(X.dtype, "X")
    if X.ndim != 2:
        raise InputError(
            f"X must have 2 dimensions (rows, columns), got shape {X.shape}. Reshape "
            "your data: X.reshape(-1, 1) for one column, X.reshape(1, -1) for one row"
        )
    return ArrayTable(X)


def _read_sparse(X: Any) -> Table:
    if X.ndim != 2:
        raise InputError(f"X must have 2 dimensions, got a sparse {X.ndim}-D array")
    refuse_complex(X.dtype, "X")
    if X.dtype.kind not in "fiub":
        raise InputTypeError(
            f"a sparse X must hold numbers or booleans, got dtype {X.dtype}; pass a "
            "data frame"
        )
    return SparseTable(X)


def _read_lists(X: Sequence[Any]) -> Table:
    widths = {_width(row) for row in X}
    if len(widths) != 1 or -1 in widths:
        got = f"rows of lengths {sorted(widths)[:5]}" if X else "an empty list"
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


def _width(row: Any) -> int:
    if isinstance(row, list | tuple):
        return len(row)
    return len(row) if isinstance(row, np.ndarray) and row.ndim == 1 else -1


def _read_frame(X: Any, *, strict: bool) -> Table:
    X = nw.to_native(X, pass_through=True)
    if nw.dependencies.is_pandas_dataframe(X):
        return PandasTable(X, _column_names(X.columns, strict=strict))
    kind = type(X).__name__
    # Asking a lazy frame for its columns would make it work them out.
    framed = kind == "LazyFrame" or hasattr(X, "columns")
    if kind in {"Series", "ChunkedArray"} and not framed:
        raise InputTypeError(
            f"X must be a table, got a {kind}; make it a frame of one column: "
            "X.to_frame()"
        )
    if hasattr(X, "__array__") and not framed and not isinstance(X, type):
        return _read_array(np.asarray(X))
    names = _column_names(_listed_names(X), strict=strict)
    try:
        if kind == "RecordBatch":
            frame = nw.from_arrow(X, backend="pyarrow")
        else:
            frame = nw.from_native(X, eager_only=True)
    except TypeError as error:
        raise InputTypeError(
            f"X must be an array, a sparse matrix or an eager data frame, got "
            f"{type(X).__module__}.{type(X).__qualname__}; {_remedy(X)}"
        ) from error
    return FrameTable(frame, names)


def _remedy(X: Any) -> str:
    lazy = any(hasattr(X, method) for method in ("collect", "compute", "toPandas"))
    return LAZY_REMEDY if lazy else "put the data into one of these"


def _listed_names(X: Any) -> Sequence[Any]:
    """Column names, where they can be had without any work."""
    if isinstance(X, dict | type) or type(X).__name__ == "LazyFrame":
        return ()
    if hasattr(X, "schema") and hasattr(X.schema, "names"):
        return list(X.schema.names() if callable(X.schema.names) else X.schema.names)
    columns = getattr(X, "columns", ())
    return () if callable(columns) else list(columns)


def _column_names(columns: Any, *, strict: bool) -> tuple[str, ...] | None:
    """Names of the columns; None if they are no texts."""
    names = list(columns)
    texts = [name for name in names if isinstance(name, str)]
    if len(texts) < len(names):
        nested = [name for name in names if isinstance(name, tuple)]
        if nested:
            raise InputError(
                f"column names must be texts, got nested names {nested[:5]}; flatten "
                "them: X.columns = ['_'.join(map(str, name)) for name in X.columns]"
            )
    unnamed = [j for j, name in enumerate(names) if is_missing(name) or name == ""]
    if unnamed:
        raise InputError(
            f"every column must have a name, got none at the positions {unnamed[:5]}; "
            "name them, or pass an array"
        )
    if len(set(names)) < len(names):
        twice = [str(name) for name, count in Counter(names).items() if count > 1]
        raise InputError(
            f"column names must be unique, got more than one of {sorted(twice)[:5]}; "
            "rename or drop the duplicates"
        )
    if strict and 0 < len(texts) < len(names):
        kinds = sorted({type(name).__name__ for name in names})
        raise InputTypeError(
            f"column names must all be texts or all be other types, got {kinds}; "
            "convert them: X.columns = X.columns.astype(str)"
        )
    return tuple(map(str, names)) if texts else None
