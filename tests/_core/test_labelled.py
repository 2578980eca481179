"""Which rows have a label, in whatever they are kept."""

from __future__ import annotations

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
import scipy.sparse

from skdrift._core.labelled import known_labels, labelled_rows

NAN = float("nan")
CONTAINERS = {
    "floats": np.array([1.0, NAN, 0.0]),
    "list": [1, None, 0],
    "tuple": (1.0, NAN, 0.0),
    "list of texts": ["a", None, "b"],
    "texts": np.array(["a", None, "b"], dtype=object),
    "times": np.array(["2020-01-01", "NaT", "2021-01-01"], dtype="M8[s]"),
    "mask": np.ma.masked_array([1, 2, 0], [False, True, False]),
    "pandas floats": pd.Series([1.0, NAN, 0.0], index=[7, 7, 3]),
    "pandas Int64": pd.Series([1, pd.NA, 0], dtype="Int64"),
    "pandas Float64": pd.Series([1.5, pd.NA, 0], dtype="Float64"),
    "pandas boolean": pd.Series([True, pd.NA, False], dtype="boolean"),
    "pandas string": pd.Series(["a", None, "b"], dtype="string"),
    "pandas objects": pd.Series([True, None, False], dtype=object),
    "pandas category": pd.Series(["a", None, "b"], dtype="category"),
    "pandas times": pd.Series([pd.Timestamp("2020"), pd.NaT, pd.Timestamp("2021")]),
    "arrow of pandas": pd.Series([1, None, 0], dtype="int64[pyarrow]"),
    "polars nulls": pl.Series([1, None, 0]),
    "polars NaN": pl.Series([1.0, NAN, 0.0]),
    "polars texts": pl.Series(["a", None, "b"]),
    "polars objects": pl.Series([1, None, 2], dtype=pl.Object),
    "arrow": pa.array([1, None, 0]),
    "arrow chunks": pa.chunked_array([[1], [None, 0]]),
    "two outputs": np.array([[1.0, 2.0], [NAN, 1.0], [1.0, 2.0]]),
    "list of two outputs": [[1, 2], [None, 2], [1, 3]],
    "pandas frame": pd.DataFrame({"a": [1, None, 2], "b": [1, 2, 3]}),
    "twice one name": pd.DataFrame([[1, 2], [1, None], [3, 4]], columns=["a", "a"]),
    "polars frame": pl.DataFrame({"a": [1, None, 2], "b": [1, 2, 3]}),
    "arrow table": pa.table({"a": [1, None, 2], "b": [1, 2, 3]}),
    "sparse": scipy.sparse.csr_matrix([[1, 0], [NAN, 0], [0, 1.0]]),
}


@pytest.mark.parametrize("y", CONTAINERS.values(), ids=CONTAINERS)
def test_what_is_missing_is_no_label(y):
    labelled = labelled_rows(y)
    assert labelled.tolist() == [True, False, True]
    known = known_labels(y, np.flatnonzero(labelled))
    dense = known.toarray() if scipy.sparse.issparse(known) else np.asarray(known)
    assert len(dense) == 2
    texts = all(isinstance(cell, str) for cell in dense.ravel().tolist())
    assert texts or dense.dtype.kind != "O"


@pytest.mark.parametrize(
    "y",
    [
        np.array([0, 1]),
        np.array(["nan", ""]),
        ["NA", "None"],
        pd.Series([True, False]),
        [(1,), (1, 2)],
        [np.zeros(2), np.ones(2)],
        np.array([np.inf, -np.inf]),
    ],
)
def test_what_is_there_is_a_label(y):
    assert labelled_rows(y).all()


def test_labels_of_several_types_stay_as_they_are():
    known = known_labels(["a", 1, None], np.array([0, 1]))
    assert known.tolist() == ["a", 1]
    assert known_labels(pd.Series([1.0, NAN]), np.array([0])).dtype == np.float64


@pytest.mark.parametrize("shape", [(0,), (0, 2), (0, 0)])
def test_no_rows_have_no_labels(shape):
    assert labelled_rows(np.zeros(shape)).shape == (0,)
