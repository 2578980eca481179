"""Laws of coded rows."""

from __future__ import annotations

import numpy as np
import pandas as pd
import polars as pl
import pytest
import scipy.sparse

from skdrift import Profile
from skdrift._core.frame import read_table
from skdrift.performance._row_codes import (
    MISSING,
    N_CODES,
    code_edges,
    coded_columns,
    number_codes,
    row_codes,
)
from skdrift.profile import Grid


def frame(n=500, seed=0):
    rng = np.random.default_rng(seed)
    return pd.DataFrame(
        {
            "number": rng.normal(size=n),
            "count": rng.poisson(2.0, size=n),
            "level": rng.choice(["a", "b", "c"], p=[0.6, 0.3, 0.1], size=n),
            "flag": rng.random(n) < 0.3,
            "constant": 1.0,
        }
    )


def profile_of(X):
    return Profile.count(X, Grid.learn(X))


def coded(X, reference):
    return row_codes(read_table(X), reference, coded_columns(reference))


def test_the_shares_of_training_are_those_of_its_codes():
    X = frame()
    reference = profile_of(X)
    found = coded(X, reference)
    for own, shares in zip(found.codes, found.shares, strict=True):
        counted = np.bincount(own, minlength=N_CODES) / len(X)
        assert np.allclose(counted, shares)
    assert not found.outside.any()


def test_codes_rise_with_numbers_and_fewer_rows_share_one_in_the_tails():
    X = frame(20_000)
    found = coded(X, profile_of(X))
    order = np.argsort(X["number"].to_numpy())
    codes = found.codes[0][order].astype(int)
    assert (np.diff(codes) >= 0).all()
    counts = np.bincount(codes)[1:]
    assert counts[0] < counts[len(counts) // 2] / 5 > counts[-1]


def test_what_training_never_had_is_missing_or_outside():
    X = frame()
    reference = profile_of(X)
    batch = X.head(4).copy()
    batch["number"] = [np.nan, np.inf, 99.0, 0.0]
    batch["level"] = ["a", "new", "b", None]
    found = coded(batch, reference)
    places = [reference.grid.labels[p] for p in coded_columns(reference)]
    number, level = (found.codes[places.index(name)] for name in ("number", "level"))
    assert number[0] == number[1] == MISSING < number[3] < number[2]
    assert level[1] == level[3] == MISSING
    assert level[0] == 1
    assert found.outside.tolist() == [False, True, True, False]


def test_columns_are_found_by_name_and_one_that_is_gone_is_missing():
    X = frame()
    reference = profile_of(X)
    shuffled = X[["level", "flag", "number", "count", "constant"]].assign(extra=1)
    assert np.array_equal(coded(shuffled, reference).codes, coded(X, reference).codes)
    without = coded(X.drop(columns="number"), reference)
    assert not without.codes[0].any()
    assert without.codes[1].any()


def test_containers_give_the_same_codes():
    X = frame().drop(columns="constant")
    reference = profile_of(X)
    assert np.array_equal(
        coded(pl.from_pandas(X), reference).codes, coded(X, reference).codes
    )
    dense = np.where(np.arange(600).reshape(200, 3) % 4, 0.0, 1.5)
    dense[:, 2] = np.arange(200)
    reference = profile_of(dense)
    found = coded(scipy.sparse.csr_matrix(dense), reference)
    assert np.array_equal(found.codes, coded(dense, reference).codes)


def test_no_rows_have_no_codes():
    X = frame()
    assert coded(X.head(0), profile_of(X)).codes.shape[1] == 0


@pytest.mark.parametrize(
    "values", [np.full(9, 2.0), np.array([np.nan]), np.arange(5.0)]
)
def test_edges_take_constants_and_nothing(values):
    codes = number_codes(values, code_edges(values))
    assert ((codes == MISSING) == np.isnan(values)).all()
