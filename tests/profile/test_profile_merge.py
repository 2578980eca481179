"""Profiles add up: the laws of `merge`."""

from __future__ import annotations

import datetime as dt
import functools

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
from hypothesis import given, settings
from hypothesis import strategies as st

from skdrift.exceptions import GridMismatchError
from skdrift.profile import Grid, Profile
from skdrift.profile import _cells as cells_module

NAMES = ("float", "whole", "word", "truth", "time", "code", "free", "nothing")
EXTREMES = (np.nan, np.inf, -np.inf, 0.0, -0.0, 1e300, -1e300, 5e-324)


def reference() -> pd.DataFrame:
    rng = np.random.default_rng(0)
    n = 400
    return pd.DataFrame(
        {
            "float": rng.normal(size=n),
            "whole": rng.integers(0, 9, n),
            "word": rng.choice(["a", "b", "c", "rare"], n, p=[0.5, 0.3, 0.199, 0.001]),
            "truth": rng.random(n) < 0.5,
            "time": pd.Timestamp("2020-01-01")
            + pd.to_timedelta(rng.integers(0, 10**6, n), unit="s"),
            "code": pd.Categorical(rng.integers(0, 4, n)),
            "free": [f"text {i} {i % 7}" for i in range(n)],
            "nothing": np.full(n, np.nan),
        }
    )


REFERENCE = reference()
GRID = Grid.learn(REFERENCE)

rows = st.lists(
    st.tuples(
        st.one_of(st.floats(-3, 3), st.sampled_from(EXTREMES)),
        st.one_of(st.none(), st.integers(-2, 12)),
        st.one_of(st.none(), st.sampled_from(["a", "b", "new", "", "\ud800", "\0"])),
        st.one_of(st.none(), st.booleans()),
        st.one_of(
            st.none(), st.datetimes(dt.datetime(2019, 12, 1), dt.datetime(2020, 2, 1))
        ),
        st.one_of(st.none(), st.integers(0, 6)),
        st.one_of(st.none(), st.text(max_size=5)),
        st.one_of(st.none(), st.integers(0, 3)),
    ),
    max_size=12,
)


def table_of(cells) -> np.ndarray:
    table = np.empty((len(cells), len(NAMES)), dtype=object)
    for row, values in enumerate(cells):
        table[row] = values
    return table


def count(cells) -> Profile:
    return Profile.count(table_of(cells), GRID)


def assert_moments_agree(one: Profile, other: Profile) -> None:
    for name in ("mean", "m2"):
        a, b = getattr(one, name), getattr(other, name)
        scale = np.fmax(np.abs(one.smallest), np.abs(one.largest))
        with np.errstate(over="ignore"):
            power = scale if name == "mean" else scale * scale * max(one.n_rows, 1)
        np.testing.assert_array_equal(np.isnan(a), np.isnan(b))
        np.testing.assert_array_equal(np.isinf(a), np.isinf(b))
        usable = np.isfinite(a) & np.isfinite(power)
        assert (np.abs(a[usable] - b[usable]) <= 1e-12 * power[usable] + 1e-12).all()


def test_the_grid_has_one_column_of_each_kind():
    assert GRID.kinds == (
        "numeric",
        "numeric",
        "categorical",
        "boolean",
        "datetime",
        "categorical",
        "text",
        "empty",
    )


@given(rows, rows)
def test_merging_commutes(assert_same_counts, one, other):
    a, b = count(one), count(other)
    assert_same_counts(a.merge(b), b.merge(a))
    assert_moments_agree(a.merge(b), b.merge(a))
    assert a.merge(b).families == b.merge(a).families


@given(rows, rows, rows)
def test_merging_is_associative(assert_same_counts, one, two, three):
    a, b, c = count(one), count(two), count(three)
    left, right = a.merge(b).merge(c), a.merge(b.merge(c))
    assert_same_counts(left, right)
    assert_moments_agree(left, right)
    assert left.families == right.families


@given(rows)
def test_an_empty_profile_changes_nothing(assert_identical, cells):
    profile, empty = count(cells), Profile.empty(GRID)
    assert_identical(profile.merge(empty), profile)
    assert_identical(empty.merge(profile), profile)


@given(rows, st.integers(1, 5))
def test_chunks_add_up_to_the_whole(assert_same_counts, cells, size):
    chunks = [cells[start : start + size] for start in range(0, len(cells), size)]
    whole = count(cells)
    pieces = functools.reduce(Profile.merge, map(count, chunks), Profile.empty(GRID))
    assert_same_counts(pieces, whole)
    assert_moments_agree(pieces, whole)
    streamed = Profile.count(map(table_of, chunks), GRID)
    assert_same_counts(streamed, whole)


@given(rows)
@settings(max_examples=50)
def test_every_read_row_is_in_one_cell_or_missing_or_infinite(cells):
    profile = count(cells)
    assert (profile.n_read <= profile.n_rows).all()
    finite = profile.n_finite()
    for place, counts in zip(GRID.cells, profile.counts, strict=True):
        assert counts.sum() == finite[place.feature]
    for place, new in zip(GRID.cells, profile.unseen, strict=True):
        if isinstance(place, cells_module.LevelCells) and not place.pooled:
            assert sum(new.values()) == profile.counts[GRID.cells.index(place)][-1]


@given(rows, st.randoms(use_true_random=False))
def test_the_order_of_the_rows_does_not_matter(assert_same_counts, cells, random):
    shuffled = list(cells)
    random.shuffle(shuffled)
    assert_same_counts(count(shuffled), count(cells))


@given(rows)
@settings(max_examples=30)
def test_a_row_twice_counts_twice(cells):
    once, twice = count(cells), count([*cells, *cells])
    for mine, theirs in zip(once.counts, twice.counts, strict=True):
        np.testing.assert_array_equal(2 * mine, theirs)
    np.testing.assert_array_equal(2 * once.n_missing, twice.n_missing)


def test_merged_moments_agree_with_numpy():
    rng = np.random.default_rng(0)
    parts = [
        rng.normal(mean, 2, n) for mean, n in ((0, 10), (1e6, 1000), (-5, 3), (1e6, 1))
    ]
    whole = np.concatenate(parts).reshape(-1, 1)
    grid = Grid.learn(whole)
    merged = Profile.count((part.reshape(-1, 1) for part in parts), grid)
    assert merged.mean[0] == pytest.approx(whole.mean(), rel=1e-13)
    assert merged.m2[0] == pytest.approx(whole.var() * len(whole), rel=1e-12)
    assert (merged.smallest[0], merged.largest[0]) == (whole.min(), whole.max())


def test_profiles_on_different_grids_do_not_add_up():
    values = np.arange(40.0).reshape(-1, 1)
    words = np.array([["a"], ["b"]])
    for one, other in (
        (Grid.learn(values), Grid.learn(values + 1)),
        (Grid.learn(words), Grid.learn(np.array([["a"], ["c"]]))),
        (Grid.learn(words), Grid.learn(np.array([["b"], ["b"], ["a"]]))),
        (Grid.learn(values.astype(np.float32)), Grid.learn(values)),
        (
            Grid.learn(pd.DataFrame({"a": [1.0]})),
            Grid.learn(pd.DataFrame({"b": [1.0]})),
        ),
    ):
        assert one.fingerprint() != other.fingerprint()
        with pytest.raises(GridMismatchError, match="same grid"):
            Profile.empty(one).merge(Profile.empty(other))


def test_a_grid_learned_again_is_the_same_grid():
    again = Grid.learn(REFERENCE)
    assert again is not GRID
    assert again.fingerprint() == GRID.fingerprint()
    merged = Profile.count(REFERENCE, GRID).merge(Profile.count(REFERENCE, again))
    assert merged.n_rows == 2 * len(REFERENCE)


def test_missing_extra_and_reordered_columns_are_matched_by_name():
    other = REFERENCE[["time", "word", "float"]].assign(extra=1)
    profile = Profile.count(other, GRID)
    expected = Profile.count(REFERENCE, GRID)
    np.testing.assert_array_equal(profile.counts[0], expected.counts[0])
    absent = [
        NAMES.index(name) for name in ("whole", "truth", "code", "free", "nothing")
    ]
    assert profile.n_read[absent].tolist() == [0] * 5
    assert profile.families[NAMES.index("whole")] == ""


def test_a_column_of_a_type_that_cannot_be_compared_is_counted_in_no_row():
    odd = REFERENCE.assign(float="text", word=1.5, truth=[[1]] * len(REFERENCE))
    profile = Profile.count(odd, GRID)
    unread = [NAMES.index(name) for name in ("float", "word", "truth")]
    assert profile.n_read[unread].tolist() == [0, 0, 0]
    assert [profile.families[j] for j in unread] == ["string", "float", "unsupported"]


def test_booleans_and_0_and_1_are_compared():
    truths = np.array([[True], [False], [False]] * 20)
    for one, other in ((truths, truths * 1.0), (truths * 1, truths)):
        grid = Grid.learn(one, categorical_features=[0])
        np.testing.assert_array_equal(
            Profile.count(one, grid).counts[0], Profile.count(other, grid).counts[0]
        )
        assert Profile.count(other, grid).unseen == ({},)
    numeric = Grid.learn(np.arange(50).reshape(-1, 1))
    assert Profile.count(truths, numeric).counts[0].sum() == 60


def test_sparse_chunks_add_up_to_the_dense_whole(assert_same_counts):
    dense = np.random.default_rng(0).integers(0, 3, (200, 4)).astype(float)
    grid = Grid.learn(dense)
    parts = (sp.csr_array(dense[start : start + 30]) for start in range(0, 200, 30))
    assert_same_counts(Profile.count(parts, grid), Profile.count(dense, grid))


def test_unseen_levels_are_bounded_and_still_add_up(monkeypatch, assert_same_counts):
    monkeypatch.setattr(cells_module, "MOST_UNSEEN", 20)
    grid = Grid.learn(np.array([["a"], ["b"]]))
    rng = np.random.default_rng(0)
    texts = [f"new {k}" for k in rng.integers(0, 60, 500)]
    chunks = [
        np.array(texts[i : i + 50], dtype=object).reshape(-1, 1)
        for i in range(0, 500, 50)
    ]
    whole = Profile.count(np.array(texts, dtype=object).reshape(-1, 1), grid)
    assert len(whole.unseen[0]) == 20
    assert whole.counts[0][-1] == 500
    assert all(texts.count(text) == n for text, n in whole.unseen[0].items())
    forward = Profile.count(iter(chunks), grid)
    backward = Profile.count(iter(chunks[::-1]), grid)
    assert_same_counts(forward, whole)
    assert_same_counts(backward, whole)
