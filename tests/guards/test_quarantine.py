"""Quarantine: two parts of one batch, nothing lost, nothing changed."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
import scipy.sparse
from hypothesis import given, settings
from hypothesis import strategies as st
from pandas.testing import assert_frame_equal
from sklearn.dummy import DummyClassifier

from skdrift import DriftAwareEstimator, Flags
from skdrift.exceptions import InputError, ParameterError
from skdrift.guards import Quarantine

FRAME = pd.DataFrame(
    {
        "n": np.arange(6),
        "x": [0.5, np.nan, np.inf, -0.0, 2.0, 3.0],
        "maybe": pd.array([1, None, 3, 4, None, 6], dtype="Int64"),
        "yes": pd.array([True, None, False, True, None, True], dtype="boolean"),
        "town": pd.Categorical(
            ["Oslo", None, "Rome", "Oslo", "Rome", "Rome"],
            categories=["Rome", "Oslo", "never"],
            ordered=True,
        ),
        "note": ["a", "b", None, "d", "", "f"],
        "object": np.array([1, "1", None, 2.5, True, b"x"], dtype=object),
        "when": pd.date_range("2026-01-01", periods=6, tz="Europe/Rome"),
        "took": pd.to_timedelta(np.arange(6), "s"),
    }
)


def flags_of_rows(mask, n_features=2, **settings):
    codes = np.zeros((len(mask), n_features), np.uint8)
    codes[np.asarray(mask, dtype=bool), 0] = 1
    labels = tuple(f"f{j}" for j in range(n_features))
    return Flags(codes, labels, **settings)


MASKS = st.lists(st.booleans(), min_size=6, max_size=6)
INDEXES = {
    "usual": pd.RangeIndex(6),
    "texts": pd.Index(list("fedcba"), name="id"),
    "duplicate": pd.Index([1, 1, 2, 2, 2, 3]),
    "two levels": pd.MultiIndex.from_product([["u", "v"], [1, 2, 3]]),
    "times": pd.date_range("2026", periods=6),
}


@pytest.mark.parametrize("index", INDEXES)
@given(mask=MASKS)
@settings(max_examples=15, deadline=None)
def test_the_parts_of_a_pandas_frame_are_its_rows(index, mask):
    frame = FRAME.set_axis(INDEXES[index])
    before = frame.copy(deep=True)
    mask = np.array(mask)
    parted = flags_of_rows(mask).quarantine(frame)
    assert_frame_equal(parted.clean, frame.iloc[np.flatnonzero(~mask)])
    assert_frame_equal(
        parted.rejected.drop(columns="reason"), frame.iloc[np.flatnonzero(mask)]
    )
    assert parted.rejected["reason"].tolist() == list(parted.reasons)
    assert parted.rejected.dtypes["reason"] == pd.Series(["a"]).dtype
    assert list(parted.rejected.columns) == [*frame.columns, "reason"]
    np.testing.assert_array_equal(parted.rows, np.flatnonzero(mask))
    assert_frame_equal(frame, before)


@given(mask=MASKS)
@settings(max_examples=15, deadline=None)
def test_the_parts_of_a_polars_frame_are_its_rows(mask):
    frame = pl.DataFrame(
        {
            "n": [1, None, 3, 4, 5, 6],
            "x": [0.5, float("nan"), None, -0.0, 2.0, 3.0],
            "town": pl.Series(["u", None, "v", "u", "v", "v"], dtype=pl.Categorical),
            "kind": pl.Series(["a", "b"] * 3, dtype=pl.Enum(["b", "a"])),
            "day": [dt.date(2026, 1, day) for day in range(1, 7)],
            "list": [[1], [], None, [2, 3], [4], [5]],
        }
    )
    parted = flags_of_rows(mask).quarantine(frame)
    keep = pl.Series(mask)
    assert parted.clean.equals(frame.filter(~keep))
    assert parted.clean.schema == frame.schema
    assert parted.rejected.drop("reason").equals(frame.filter(keep))
    assert parted.rejected.schema == {**frame.schema, "reason": pl.String}
    assert parted.rejected["reason"].to_list() == list(parted.reasons)


@pytest.mark.parametrize("batches", [False, True])
@given(mask=MASKS)
@settings(max_examples=15, deadline=None)
def test_the_parts_of_a_pyarrow_table_are_its_rows(batches, mask):
    table = pa.table(
        {
            "n": pa.chunked_array([[1, None], [3, 4, 5, 6]]),
            "town": pa.array(["u", None, "v", "u", "v", "v"]).dictionary_encode(),
            "x": pa.array([1.0, float("nan"), None, 4.0, 5.0, 6.0], pa.float32()),
            "view": pa.array(["a", "bb", None, "", "e", "f"], pa.string_view()),
        }
    ).replace_schema_metadata({"made": "here"})
    X = table.combine_chunks().to_batches()[0] if batches else table
    parted = flags_of_rows(mask).quarantine(X)
    assert type(parted.clean) is type(parted.rejected) is type(X)
    assert parted.clean.schema == X.schema
    rows = X.to_pylist()
    assert repr(parted.clean.to_pylist()) == repr(
        [row for row, bad in zip(rows, mask, strict=True) if not bad]
    )
    assert parted.rejected.schema.names == [*X.schema.names, "reason"]
    assert parted.rejected.schema.types[:-1] == X.schema.types
    assert pa.types.is_string(parted.rejected.schema.field("reason").type)
    rejected = [row for row, bad in zip(rows, mask, strict=True) if bad]
    for row, why in zip(rejected, parted.reasons, strict=True):
        row["reason"] = why
    assert repr(parted.rejected.to_pylist()) == repr(rejected)


ARRAYS = {
    "floats": np.array([[0.5, np.nan], [np.inf, -0.0], [1, 2], [3, 4], [5, 6], [7, 8]]),
    "float32": np.arange(12, dtype=np.float32).reshape(6, 2),
    "big endian": np.arange(12, dtype=">i2").reshape(6, 2),
    "objects": np.array([["a", 1], [None, 2.5]] * 3, dtype=object),
    "texts": np.array([["a", "bcd"]] * 6),
    "masked": np.ma.masked_equal(np.arange(12).reshape(6, 2), 4),
}


@pytest.mark.parametrize("kind", ARRAYS)
@given(mask=MASKS)
@settings(max_examples=8, deadline=None)
def test_the_parts_of_an_array_are_its_rows(kind, mask):
    X = ARRAYS[kind]
    parted = flags_of_rows(mask).quarantine(X)
    keep = np.array(mask)
    for part, rows in ((parted.clean, ~keep), (parted.rejected, keep)):
        assert type(part) is type(X)
        assert part.dtype == X.dtype
        np.testing.assert_array_equal(part, X[rows])
        if kind == "masked":
            np.testing.assert_array_equal(part.mask, X.mask[rows])
    assert len(parted.reasons) == keep.sum()


@pytest.mark.parametrize("form", ["csr", "csc", "coo", "lil", "dok", "dia", "bsr"])
@pytest.mark.parametrize("make", [scipy.sparse.random_array, None])
def test_the_parts_of_a_sparse_table_are_its_rows(form, make):
    X = scipy.sparse.random_array((6, 2), density=0.5, rng=0).asformat(form)
    X = X if make else scipy.sparse.csr_matrix(X).asformat(form)
    for mask in ([0, 1, 0, 0, 1, 1], [0] * 6, [1] * 6):
        keep = np.array(mask, dtype=bool)
        parted = flags_of_rows(mask).quarantine(X)
        for part, rows in ((parted.clean, ~keep), (parted.rejected, keep)):
            kind = X.tocsr() if form == "dia" else X  # rows have no diagonals
            assert type(part) is type(kind)
            np.testing.assert_array_equal(part.toarray(), X.toarray()[rows])


@pytest.mark.parametrize("container", [list, tuple])
def test_the_parts_of_lists_are_their_rows(container):
    X = container([[1, "a"], [2, None], [3, "c"]])
    parted = flags_of_rows([0, 1, 0]).quarantine(X)
    assert parted.clean == container([[1, "a"], [3, "c"]])
    assert parted.rejected == container([[2, None]])
    assert parted.reasons == ("f0: missing, never so in training",)


# --- reasons ---------------------------------------------------------------------


def test_reasons_name_every_flag_of_a_row():
    codes = np.array([[1, 3], [0, 0], [0, 5]], np.uint8)
    parted = Flags(codes, ("age", "city")).quarantine(pd.DataFrame({"a": [1, 2, 3]}))
    assert parted.rejected["reason"].tolist() == [
        "age: missing, never so in training; "
        "city: a category that training did not have",
        "city: above the range of training",
    ]
    assert parted.rows.tolist() == [0, 2]
    assert isinstance(parted, Quarantine)
    assert repr(parted) == "Quarantine(n_rejected=2)"


def test_a_batch_without_a_column_of_training_is_rejected_as_a_whole():
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(rng.normal(size=(100, 2)), columns=["a", "b"])
    model = DriftAwareEstimator(DummyClassifier(), cv=None)
    model.fit(frame, np.arange(100) % 2)
    flags = model.flag(frame[["a"]].iloc[:3])
    assert flags.absent == ("b",)
    assert flags.rows().all()
    assert not flags.codes.any()
    parted = flags.quarantine(frame[["a"]].iloc[:3])
    assert len(parted.clean) == 0
    assert set(parted.reasons) == {
        "b: a column of training that the batch does not have"
    }
    assert flags.reasons(0) == (parted.reasons[0],)


def test_novel_rows_are_rejected_on_request():
    flags = flags_of_rows([0, 1, 0, 0], pvalues=np.array([0.001, 0.8, 0.9, 0.02]))
    X = np.arange(8).reshape(4, 2)
    assert flags.quarantine(X).rows.tolist() == [1]
    assert flags.quarantine(X, include_novel=0.05).rows.tolist() == [0, 1, 3]
    parted = flags.quarantine(X, include_novel=0.01)
    assert parted.rows.tolist() == [0, 1]
    assert "as a whole (p = 0.001)" in parted.reasons[0]
    assert parted.reasons[1] == "f0: missing, never so in training"
    with pytest.raises(ParameterError, match="novelty='isolation_forest'"):
        flags_of_rows([0, 1]).quarantine(X[:2], include_novel=0.05)


# --- errors ------------------------------------------------------------------------


@pytest.mark.parametrize("read", [lambda f: f, pl.from_pandas, pa.Table.from_pandas])
def test_a_column_of_that_name_asks_for_another_one(read):
    X = read(pd.DataFrame({"reason": [1, 2], "b": [3, 4]}))
    flags = flags_of_rows([0, 1])
    with pytest.raises(InputError, match=r"'reason' already.*reason=\.\.\."):
        flags.quarantine(X)
    parted = flags.quarantine(X, reason="why")
    assert parted.reasons == ("f0: missing, never so in training",)


@pytest.mark.parametrize(
    "X", [np.zeros((3, 2)), pd.DataFrame({"a": []}), [[1], [2], [3]]]
)
def test_another_batch_is_refused(X):
    with pytest.raises(InputError, match="the batch that was flagged, of 2 rows"):
        flags_of_rows([0, 1]).quarantine(X)


def test_a_batch_of_no_row_has_two_empty_parts():
    X = FRAME.iloc[:0]
    parted = Flags(np.zeros((0, 9), np.uint8), tuple(FRAME.columns)).quarantine(X)
    assert_frame_equal(parted.clean, X)
    assert parted.rejected.shape == (0, 10)
    assert parted.reasons == ()
