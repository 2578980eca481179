"""Good tables, the containers that hold them, and models to fit on them."""

from __future__ import annotations

import datetime as dt
import pickle
from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import scipy.sparse as sp
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.compose import make_column_selector, make_column_transformer
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from skdrift import DriftAwareEstimator

Columns = dict[Any, list[Any]]

N_TRAINING, N_BATCH = 200, 60


def columns_of(kind: str, n_rows: int, seed: int) -> Columns:
    """Columns of Python cells, drawn from one distribution for each kind of table."""
    rng = np.random.default_rng(seed)
    number = rng.normal(size=n_rows).tolist()
    whole = rng.integers(0, 5, n_rows).tolist()
    if kind == "numbers":
        return {"a": number, "b": whole, "c": rng.lognormal(size=n_rows).tolist()}
    if kind == "texts":
        colours = rng.choice(["red", "green", "blue"], n_rows).tolist()
        return {"a": number, "b": whole, "group": colours}
    if kind == "booleans":
        return {"a": number, "flag": (rng.random(n_rows) < 0.5).tolist()}
    seconds = rng.integers(0, 366 * 86_400, n_rows).tolist()
    start = dt.datetime(2024, 1, 1)
    return {"a": number, "when": [start + dt.timedelta(seconds=s) for s in seconds]}


@cache
def labels_of(kind: str) -> tuple[int, ...]:
    """Labels of the training rows: they follow the first column."""
    noise = np.random.default_rng(9).normal(size=N_TRAINING)
    first = columns_of(kind, N_TRAINING, seed=0)["a"]
    return tuple((np.array(first) + noise > 0).astype(int).tolist())


# --- containers ---------------------------------------------------------------------


def object_array(columns: Columns) -> np.ndarray:
    values = np.empty((len(next(iter(columns.values()))), len(columns)), dtype=object)
    for place, cells in enumerate(columns.values()):
        for row, cell in enumerate(cells):
            values[row, place] = cell
    return values


def plain_array(columns: Columns) -> np.ndarray:
    return np.array(list(columns.values()), dtype=np.float64).T.copy()


def object_frame(columns: Columns) -> pd.DataFrame:
    frame = pd.DataFrame(object_array(columns), dtype=object)
    frame.columns = pd.Index(list(columns), dtype=object)
    return frame


def pandas_frame(columns: Columns) -> pd.DataFrame:
    frame = pd.concat([pd.Series(cells) for cells in columns.values()], axis=1)
    names = list(columns)
    frame.columns = names
    return frame


CONTAINERS: dict[str, Callable[[Columns], Any]] = {
    "array": plain_array,
    "objects": object_array,
    "lists": lambda columns: object_array(columns).tolist(),
    "pandas": pandas_frame,
    "pandas objects": object_frame,
    "pandas nullable": lambda columns: pandas_frame(columns).convert_dtypes(),
    "pandas arrow": lambda columns: pandas_frame(columns).convert_dtypes(
        dtype_backend="pyarrow"
    ),
    "polars": lambda columns: pl.DataFrame(columns),
    "pyarrow": lambda columns: pa.table(columns),
    "csr": lambda columns: sp.csr_array(plain_array(columns)),
}
NAMED = frozenset(
    {
        "pandas",
        "pandas objects",
        "pandas nullable",
        "pandas arrow",
        "polars",
        "pyarrow",
    }
)


def good_table(kind: str, container: str) -> Any:
    return CONTAINERS[container](columns_of(kind, N_TRAINING, seed=0))


def good_batch(kind: str) -> Columns:
    return columns_of(kind, N_BATCH, seed=1)


# --- models -------------------------------------------------------------------------


class Recorder(ClassifierMixin, BaseEstimator):
    """Takes anything, keeps a hold of it for the test, and answers with zeros."""

    given: list[Any] = []

    def fit(self, X: Any, y: Any = None) -> Recorder:
        self.classes_ = np.array([0, 1])
        self.given[:] = [X]
        return self

    def predict(self, X: Any) -> np.ndarray:
        self.given[:] = [X]
        return np.zeros(rows_in(X), dtype=int)


def rows_in(X: Any) -> int:
    shape = getattr(X, "shape", None)
    if shape:
        return int(shape[0])
    return len(X) if hasattr(X, "__len__") else 1


def bare_model(name: str) -> Any:
    if name == "recorder":
        return Recorder()
    if name == "trees":
        return HistGradientBoostingClassifier(max_iter=2, min_samples_leaf=5)
    return make_pipeline(
        make_column_transformer(
            (StandardScaler(), make_column_selector(dtype_include="number")),
            (
                OneHotEncoder(handle_unknown="ignore", sparse_output=False),
                make_column_selector(dtype_exclude="number"),
            ),
        ),
        LogisticRegression(),
    )


def takes(name: str, kind: str, container: str) -> bool:
    """Whether a model can be fitted on good tables of a kind in a container."""
    if name == "recorder":
        return True
    if name == "trees":
        return kind == "numbers" and container != "csr"
    return kind == "texts" and container in {"pandas", "pandas nullable"}


MODELS = ("recorder", "trees", "pipeline")


@cache
def fitted(name: str, kind: str, container: str) -> DriftAwareEstimator:
    """A wrapper that was fitted on a good table."""
    X, y = good_table(kind, container), np.array(labels_of(kind))
    return DriftAwareEstimator(bare_model(name), cv=2).fit(X, y)


# --- the input, byte for byte -------------------------------------------------------


def fingerprint(X: Any) -> Any:
    """What must be the same before and after a call."""
    if isinstance(X, np.ndarray):
        mask = np.ma.getmaskarray(X).tobytes() if np.ma.isMaskedArray(X) else b""
        cells = X.tobytes() if X.dtype.kind != "T" else repr(X.tolist())
        layout = X.dtype.str, X.shape, X.strides, X.flags.writeable
        return layout, cells, mask, _nested(X)
    if isinstance(X, pl.DataFrame):
        return X.schema, [
            list(map(id, column))
            if column.dtype == pl.Object
            else repr(list(column.to_physical()))
            for column in X.get_columns()
        ]
    if sp.issparse(X):
        held = "data", "indices", "indptr", "row", "col", "offsets", "rows"
        parts = [getattr(X, name) for name in held if hasattr(X, name)]
        return type(X), X.shape, [(part.dtype, part.tolist()) for part in parts]
    if isinstance(X, pd.DataFrame):
        columns = [X.iloc[:, place] for place in range(X.shape[1])]
        cells = [
            _buffers(pa.array(column.array))
            if isinstance(column.dtype, pd.ArrowDtype)
            else list(map(repr_of, column.array))
            for column in columns
        ]
        return list(X.columns), pickle.dumps(X.index), list(X.dtypes), cells
    if isinstance(X, pa.Table | pd.Series):
        return pickle.dumps(X)
    if isinstance(X, list | tuple):
        return [id(row) for row in X], _nested(X)
    return id(X)


def _buffers(array: Any) -> list[Any]:
    """Bytes of an Arrow array, whatever values they stand for."""
    chunks = array.chunks if isinstance(array, pa.ChunkedArray) else [array]
    return [
        [buffer and buffer.to_pybytes() for buffer in chunk.buffers()]
        for chunk in chunks
    ]


def _nested(X: Any) -> Any:
    if isinstance(X, np.ndarray) and X.dtype.kind != "O":
        return None
    rows = X.tolist() if isinstance(X, np.ndarray) else X
    return [
        list(map(repr_of, row)) if isinstance(row, list | tuple) else repr_of(row)
        for row in rows
    ]


def repr_of(cell: Any) -> Any:
    """Type and text of a cell; its identity where it cannot be shown."""
    shown = isinstance(
        cell,
        bool | int | float | str | bytes | list | dict | dt.date | dt.timedelta,
    )
    shown = shown or type(cell).__module__.partition(".")[0] in {"numpy", "pandas"}
    return (type(cell), repr(cell)) if shown else (type(cell), id(cell))
