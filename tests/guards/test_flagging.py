"""Flags: deterministic, row by row, whatever the container."""

from __future__ import annotations

import numpy as np
import pandas as pd
import polars as pl
import pytest
import scipy.sparse
from scipy.stats import t as student

from skdrift._core.frame import read_table
from skdrift.guards._findings import flag_findings, merge_flags
from skdrift.guards._flagging import flag_columns, flags_of
from skdrift.guards._flags import FLAG_CODES
from skdrift.profile import Profile
from skdrift.profile._profile import count_table, learn_profile

NAMES = {entry.name: entry.number for entry in FLAG_CODES}


def learned(X: object, **settings: object) -> Profile:
    options = {"categorical_features": None, "n_cells": 64, "min_category_count": 1}
    return learn_profile(read_table(X), **{**options, **settings})


def training(rng: np.random.Generator, n: int = 500) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "x": rng.normal(size=n),
            "gaps": np.where(rng.random(n) < 0.1, np.nan, rng.uniform(size=n)),
            "n": rng.integers(0, 10, n),
            "c": rng.choice(["a", "b", "c"], n).astype(object),
            "b": rng.random(n) < 0.5,
            "t": np.datetime64("2024-01-01")
            + rng.permutation(n).astype("timedelta64[h]"),
        }
    )


def bad_rows(frame: pd.DataFrame) -> tuple[pd.DataFrame, np.ndarray]:
    """Rows with one bad cell each, and the flags that they should have."""
    batch = frame.iloc[:8].reset_index(drop=True).astype({"n": float})
    expected = np.zeros(batch.shape, dtype=int)
    for row, column, value, name in [
        (0, "x", 1e9, "above"),
        (1, "x", -np.inf, "infinite"),
        (2, "x", np.nan, "missing"),
        (3, "n", -50.0, "below"),
        (4, "c", "zzz", "unseen"),
        (5, "c", None, "missing"),
        (6, "t", pd.Timestamp("1900-01-01"), "below"),
    ]:
        batch.loc[row, column] = value
        expected[row, batch.columns.get_loc(column)] = NAMES[name]
    batch.loc[7, "gaps"] = np.nan
    return batch, expected


READERS = {
    "pandas": lambda frame: frame,
    "polars": lambda frame: pl.from_pandas(frame, nan_to_null=False),
    "arrow": lambda frame: pl.from_pandas(frame, nan_to_null=False).to_arrow(),
}


@pytest.mark.parametrize("container", READERS)
def test_each_bad_cell_has_its_flag_and_no_other_has_one(container):
    frame = training(np.random.default_rng(0))
    batch, expected = bad_rows(frame)
    read = READERS[container]
    flags = flags_of(read_table(read(batch)), learned(read(frame)))
    np.testing.assert_array_equal(flags.codes, expected)
    np.testing.assert_array_equal(flags.rows(), expected.any(axis=1))
    assert flags.codes.dtype == np.uint8


def test_a_profile_of_the_same_rows_changes_no_flag():
    frame = training(np.random.default_rng(1))
    batch, _ = bad_rows(frame)
    reference = learned(frame)
    table = read_table(batch)
    counted, _ = count_table(table, reference.grid)
    plain = flag_columns(table, reference)
    known = flag_columns(table, reference, counted)
    assert plain.keys() == known.keys()
    for position, flags in plain.items():
        np.testing.assert_array_equal(flags, known[position])


def test_many_rows_are_flagged_as_few_are():
    frame = training(np.random.default_rng(2), 2000)
    batch, expected = bad_rows(frame)
    many = pd.concat([batch] * 200, ignore_index=True)
    flags = flags_of(read_table(many), learned(frame))
    np.testing.assert_array_equal(flags.codes, np.tile(expected, (200, 1)))


def test_training_rows_have_no_flag():
    frame = training(np.random.default_rng(3))
    assert not flags_of(read_table(frame), learned(frame)).codes.any()
    array = frame[["x", "gaps", "n"]].to_numpy()
    assert not flag_columns(read_table(array), learned(array))


def test_sparse_rows_are_flagged_as_dense_ones():
    rng = np.random.default_rng(4)
    X = rng.normal(size=(300, 4)) * (rng.random((300, 4)) < 0.3)
    batch = X[:20].copy()
    batch[3, 1], batch[5, 2], batch[7, 0] = 50.0, np.nan, -np.inf
    dense = flags_of(read_table(batch), learned(X)).codes
    sparse = flags_of(
        read_table(scipy.sparse.csr_array(batch)), learned(scipy.sparse.csr_array(X))
    ).codes
    np.testing.assert_array_equal(dense, sparse)
    assert (dense > 0).sum() == 3


def test_zeros_that_are_not_stored_are_flagged_where_training_is_far_from_them():
    X = scipy.sparse.csr_array(np.random.default_rng(5).uniform(100, 101, (200, 2)))
    batch = scipy.sparse.csr_array(np.array([[100.5, 0.0], [0.0, 100.5]]))
    codes = flags_of(read_table(batch), learned(X)).codes
    np.testing.assert_array_equal(codes, [[0, NAMES["below"]], [NAMES["below"], 0]])


def test_a_boolean_column_takes_zeros_and_ones_and_flags_anything_else():
    frame = pd.DataFrame({"b": np.random.default_rng(6).random(100) < 0.5})
    batch = pd.DataFrame({"b": [0, 1, 2]})
    codes = flags_of(read_table(batch), learned(frame)).codes[:, 0]
    np.testing.assert_array_equal(codes, [0, 0, NAMES["unseen"]])


def test_a_column_of_another_type_is_unreadable_and_a_missing_one_has_no_flag():
    frame = training(np.random.default_rng(7))
    batch = frame.iloc[:3].assign(x=["one", "two", "three"]).drop(columns="n")
    codes = flags_of(read_table(batch), learned(frame)).codes
    assert (codes[:, 0] == NAMES["unreadable"]).all()
    assert not codes[:, 1:].any()


def test_a_hidden_category_is_known_and_not_named():
    frame = pd.DataFrame({"c": ["a"] * 50 + ["rare"]})
    reference = learned(frame, min_category_count=5)
    batch = pd.DataFrame({"c": ["rare", "a", "new"]})
    codes = flags_of(read_table(batch), reference).codes[:, 0]
    np.testing.assert_array_equal(codes, [0, 0, NAMES["unseen"]])
    assert "rare" not in str(reference.to_dict())


def test_the_frame_has_one_row_for_each_flag_and_the_batch_s_row_labels():
    frame = training(np.random.default_rng(8))
    batch, expected = bad_rows(frame)
    batch.index = [f"row {k}" for k in range(len(batch))]
    flags = flags_of(read_table(batch), learned(frame))
    table = flags.to_frame()
    assert len(table) == (expected > 0).sum()
    assert list(table.loc["row 4", ["feature", "code", "flag"]]) == [
        "c",
        "DA402",
        "unseen",
    ]
    assert flags.reasons(4) == ("c: a category that training did not have",)
    assert flags.reasons(7) == ()


def test_findings_count_the_rows_and_name_the_levels():
    frame = training(np.random.default_rng(9))
    batch, _ = bad_rows(frame)
    reference = learned(frame)
    table = read_table(batch)
    notes = flag_findings(table, reference, flag_columns(table, reference))
    by_key = {(note.code, note.features[0]): note for note in notes}
    assert by_key["DA402", "c"].n_rows == 1
    assert "'zzz'" in by_key["DA402", "c"].message
    assert "1900" not in by_key["DA403", "t"].message
    assert "2024-01-01" in by_key["DA403", "t"].message
    assert {note.severity for note in notes} == {"note"}
    assert merge_flags([], notes) == notes


TAILS = {
    "normal": lambda rng, n: rng.normal(size=n),
    "uniform": lambda rng, n: rng.uniform(size=n),
    "exponential": lambda rng, n: rng.exponential(size=n),
    "student t, 3": lambda rng, n: student.rvs(3, size=n, random_state=rng),
    "lognormal": lambda rng, n: rng.lognormal(size=n),
}


@pytest.mark.parametrize("tail", TAILS)
@pytest.mark.parametrize(("n", "rate"), [(50, 3e-4), (300, 1e-4), (3000, 3e-5)])
def test_fresh_rows_of_the_same_distribution_are_hardly_ever_flagged(tail, n, rate):
    rng = np.random.default_rng(10)
    flagged = 0
    for _ in range(100):
        reference = learned(TAILS[tail](rng, n)[:, None])
        fresh = TAILS[tail](rng, 5000)[:, None]
        flagged += int(flags_of(read_table(fresh), reference).rows().sum())
    assert flagged <= 100 * 5000 * rate + 3 * np.sqrt(100 * 5000 * rate)


def test_booleans_stand_for_zeros_and_ones_in_a_declared_category():
    X = np.random.default_rng(11).integers(0, 2, (100, 1))
    reference = learned(pd.DataFrame(X, columns=["c"]), categorical_features=["c"])
    batch = pd.DataFrame({"c": [True, False]})
    assert not flags_of(read_table(batch), reference).codes.any()


def test_limits_beyond_the_range_of_32_bit_values_flag_without_a_warning():
    X = np.array([[0.0], [3.3e38]] * 50, dtype=np.float32)
    assert not flags_of(read_table(X), learned(X)).codes.any()
