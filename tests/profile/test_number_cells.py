"""Counts in the cells of a number line, against a recount value by value."""

from __future__ import annotations

import bisect
import math

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from skdrift._core.cells import Numbers
from skdrift.profile import Grid, Profile
from skdrift.profile._cells import NumberCells, learn_number_cells
from skdrift.profile._sorted import SortedNumbers, sort_numbers

DTYPES = ("f8", "f4", "i8", "u8", "i4", "u2", "i1")


def learn(values, n_cells=8) -> NumberCells:
    cells = learn_number_cells(
        sort_numbers(Numbers(values)), feature=0, aspect="value", n_cells=n_cells
    )
    assert isinstance(cells, NumberCells)
    return cells


def recount(cells: NumberCells, values: np.ndarray) -> list[int]:
    """Place every finite value by Python's comparisons, which are exact."""
    points = cells.points.tolist()
    single = cells.single or values.dtype == np.float32
    if single:
        with np.errstate(over="ignore"):
            points = cells.points.astype(np.float32).tolist()
            rounded = values.astype(np.float32).tolist()
        values = rounded
    else:
        values = values.tolist()
    counts = [0] * cells.n_cells
    for value in values:
        left = bisect.bisect_left(points, value)
        right = bisect.bisect_right(points, value)
        # Points that round to one value: the last of them stands for it.
        counts[2 * right - 1 if left < right else 2 * left] += 1
    return counts


def finite(values: np.ndarray) -> np.ndarray:
    return values[np.isfinite(values)]


def arrays(dtypes=DTYPES):
    special = {
        "f8": [
            0.0,
            -0.0,
            5e-324,
            1e308,
            -1e308,
            2.0**53,
            2.0**53 + 2,
            2.0**63,
            2.0**64,
            0.1,
        ],
        "f4": [0.0, -0.0, 1e-45, 3.4e38, 2.0**24, 16777218.0, float(np.float32(0.1))],
        "i8": [2**53, 2**53 + 1, 2**63 - 1, -(2**63), 0, -(2**53) - 1],
        "u8": [2**53 + 1, 2**63 - 1, 2**63, 2**64 - 1, 2**64 - 2, 0],
    }

    def of(dtype):
        kind = np.dtype(dtype)
        if kind.kind == "f":
            plain = st.floats(
                allow_nan=False, allow_infinity=False, width=8 * kind.itemsize
            )
        else:
            limits = np.iinfo(kind)
            plain = st.integers(int(limits.min), int(limits.max))
        small = st.integers(0, 3).map(kind.type)
        elements = st.one_of(plain, small, st.sampled_from(special.get(dtype, [0, 1])))
        return hnp.arrays(kind, st.integers(1, 40), elements=elements)

    return st.sampled_from(dtypes).flatmap(of)


@given(arrays(), arrays())
def test_counts_are_those_of_a_recount_for_every_pair_of_types(training, batch):
    cells = learn(training)
    found = cells.count(sort_numbers(Numbers(batch)))
    assert found.tolist() == recount(cells, batch)
    assert found.sum() == len(batch)


@given(arrays())
def test_training_lies_on_and_between_its_own_points(training):
    cells = learn(training)
    counts = cells.count(sort_numbers(Numbers(training)))
    assert counts[0] == counts[-1] == 0
    assert (cells.points[1:] > cells.points[:-1]).all()
    low, high = float(training.min()), float(training.max())
    assert cells.points[0] == low
    assert cells.points[-1] == high
    assert cells.lower <= float(low)
    assert cells.upper >= float(high)
    assert counts[1::2][cells.tracked].min(initial=1) >= 1


@given(arrays())
def test_points_of_whole_numbers_are_exact(training):
    cells = learn(training, n_cells=64)
    values = {int(v) for v in training.tolist()} if training.dtype.kind != "f" else None
    if values is not None:
        assert {int(point) for point in cells.points.tolist()} == values
        assert cells.points.dtype.itemsize == 8


@given(arrays(("f8", "f4", "i4")), st.integers(0, 30), st.integers(0, 60))
def test_zeros_that_are_not_stored_count_like_zeros(stored, n_zeros, more):
    dense = np.concatenate([stored, np.zeros(n_zeros, stored.dtype)])
    thin = SortedNumbers(np.sort(stored), n_zeros)
    full = SortedNumbers(np.sort(dense))
    assert thin.n == full.n
    ranks = np.arange(full.n)
    np.testing.assert_array_equal(thin.at(ranks), full.at(ranks))
    for at_least in (1, 2, 5):
        for mine, theirs in zip(thin.runs(at_least), full.runs(at_least), strict=True):
            np.testing.assert_array_equal(mine, theirs)
    points = np.unique(np.concatenate([stored, [0], [more]]).astype(stored.dtype))
    for mine, theirs in zip(thin.around(points), full.around(points), strict=True):
        np.testing.assert_array_equal(mine, theirs)
    np.testing.assert_allclose(thin.moments(), full.moments(), rtol=1e-9, atol=1e-300)


@given(
    hnp.arrays(
        np.float64,
        st.integers(1, 50),
        elements=st.floats(-1e6, 1e6) | st.sampled_from([np.nan, np.inf, -np.inf]),
    ),
    st.integers(0, 5),
)
def test_missing_and_infinite_values_are_taken_off(values, n_masked):
    mask = np.arange(len(values)) < n_masked
    found = sort_numbers(Numbers(values, mask))
    seen = values[~mask]
    np.testing.assert_array_equal(found.values, np.sort(finite(seen)))
    assert found.n_missing == np.isnan(seen).sum() + mask.sum()
    assert found.n_negative_infinite == np.isneginf(seen).sum()
    assert found.n_positive_infinite == np.isposinf(seen).sum()


@given(arrays())
def test_moments_are_those_of_numpy(values):
    mean, m2, low, high = sort_numbers(Numbers(values)).moments()
    exact = [int(v) if values.dtype.kind != "f" else float(v) for v in values.tolist()]
    assert (low, high) == (float(min(exact)), float(max(exact)))
    scale = max(1.0, abs(low), abs(high))
    scaled = np.array([v / scale for v in exact])
    assert mean / scale == pytest.approx(scaled.mean(), abs=1e-12)
    if math.isfinite(m2):
        relative = m2 / scale / scale
        assert relative == pytest.approx(
            ((scaled - scaled.mean()) ** 2).sum(), abs=1e-9
        )


def test_moments_are_exact_to_rounding_far_from_zero():
    values = np.random.default_rng(0).normal(1e9, 1.0, 100_000)
    mean, m2, *_ = sort_numbers(Numbers(values)).moments()
    assert mean == pytest.approx(values.mean(), rel=1e-14)
    assert m2 == pytest.approx(values.var() * len(values), rel=1e-9)


def test_huge_and_tiny_values_never_overflow_into_a_warning():
    X = np.array([[1e308], [-1e308], [5e-324], [1.7e308], [-1.7e308], [0.0]] * 20)
    profile = Profile.count(X, Grid.learn(X))
    merged = profile.merge(profile)
    assert merged.mean[0] == profile.mean[0]
    assert np.isposinf(merged.m2[0])
    one_sided = Profile.count(X[:1], profile.grid).merge(
        Profile.count(X[1:2], profile.grid)
    )
    assert one_sided.mean[0] == 0.0


@pytest.mark.parametrize("dtype", ["f8", "f4", "i8", "i1", "u8"])
def test_sorting_leaves_the_values_alone_unless_they_are_owned(dtype):
    values = np.array([3, 1, 2], dtype=dtype)
    sort_numbers(Numbers(values))
    assert values.tolist() == [3, 1, 2]
    sort_numbers(Numbers(values, owned=True))
    assert values.tolist() == [1, 2, 3]


def test_a_32_bit_reference_counts_a_64_bit_batch_as_if_it_were_rounded():
    rng = np.random.default_rng(0)
    exact = rng.integers(0, 40, 2000) / 10
    single = exact.astype(np.float32)
    grid = Grid.learn(single.reshape(-1, 1))
    np.testing.assert_array_equal(
        Profile.count(exact.reshape(-1, 1), grid).counts[0],
        Profile.count(single.reshape(-1, 1), grid).counts[0],
    )
    other = Grid.learn(exact.reshape(-1, 1))
    np.testing.assert_array_equal(
        Profile.count(single.reshape(-1, 1), other).counts[0],
        Profile.count(exact.reshape(-1, 1), other).counts[0],
    )


def test_sparse_counts_are_those_of_the_dense_table_whatever_the_dtype():
    rng = np.random.default_rng(0)
    for dtype in (np.float32, np.float64, np.int8, np.uint16, np.int64):
        dense = (rng.normal(size=(500, 3)) * 3).astype(np.int8).astype(dtype)
        grid = Grid.learn(dense)
        np.testing.assert_array_equal(
            Profile.count(sp.csr_array(dense), grid).counts[0],
            Profile.count(dense, grid).counts[0],
        )


def test_a_value_is_tracked_if_it_stands_out():
    rng = np.random.default_rng(0)
    values = rng.normal(size=5000)
    values[:100] = 0.25
    cells = learn(values, n_cells=128)
    assert cells.points[cells.tracked].tolist() == [0.25]
    assert not cells.discrete
    assert cells.untracked == 1


def test_a_column_of_few_values_is_discrete():
    cells = learn(np.random.default_rng(0).integers(0, 20, 5000), n_cells=128)
    assert cells.discrete
    assert cells.points[cells.tracked].tolist() == list(range(20))


def test_a_grid_never_has_more_points_than_two_for_each_cell():
    rng = np.random.default_rng(0)
    for values in (
        rng.integers(0, 1000, 50_000),
        rng.integers(0, 200, 50_000),
        np.round(rng.normal(size=50_000), 1),
        rng.poisson(3, 50_000),
    ):
        for n_cells in (2, 10, 128):
            assert len(learn(values, n_cells).points) <= 3 * n_cells + 1


def test_points_that_are_one_32_bit_number_share_its_count():
    close = np.array([1.0, 1.0 + 1e-12, 1.0 + 2e-12, 2.0])
    cells = learn(close)
    batch = sort_numbers(Numbers(np.array([1.0, 1.0, 1.5], dtype=np.float32)))
    assert cells.count(batch).tolist() == [0, 0, 0, 0, 0, 2, 1, 0, 0]


@pytest.mark.parametrize(
    ("points", "values", "counts"),
    [
        (
            np.array([2**63 - 1, 2**64 - 1], dtype=np.uint64),
            np.array([2**63 - 1], dtype=np.int64),
            [0, 1, 0, 0, 0],
        ),
        (
            np.array([0.0, 2.0**63]),
            np.array([2**63 - 1, 5], dtype=np.int64),
            [0, 0, 2, 0, 0],
        ),
        (
            np.array([-1.0, 3.0]),
            np.array([0, 2**64 - 1], dtype=np.uint64),
            [0, 0, 1, 0, 1],
        ),
        (
            np.array([2**53 + 1, 2**53 + 2]),
            np.array([2.0**53, 2.0**53 + 2]),
            [1, 0, 0, 1, 0],
        ),
        (
            np.array([2**63, 2**64 - 1], dtype=np.uint64),
            np.array([-(2**63), 2**63 - 1], dtype=np.int64),
            [2, 0, 0, 0, 0],
        ),
    ],
)
def test_values_at_the_ends_of_their_type_are_placed_exactly(points, values, counts):
    cells = learn(points)
    assert cells.count(sort_numbers(Numbers(values))).tolist() == counts


@pytest.mark.parametrize("seed", range(10))
def test_no_value_is_tracked_because_training_has_too_many_of_it_by_chance(seed):
    rng = np.random.default_rng(seed)
    rounded = rng.normal(900, 200, 3000).round()
    assert not learn(rounded).tracked.any()
    sentinel = np.where(rng.random(3000) < 0.04, -200.0, rounded)
    cells = learn(sentinel)
    assert cells.points[cells.tracked].tolist() == [-200.0]
