"""Rows in unseen categories: exact laws, size and power."""

from __future__ import annotations

from itertools import combinations
from math import comb

import numpy as np
import pytest

from skdrift.exceptions import ParameterError
from skdrift.stats import unseen


def split(rng, share, n, m):
    """Counts of one column, and those of its further rows."""
    return rng.multinomial(n, share), rng.multinomial(m, share)


def test_one_category_of_k_rows_is_exact():
    # All k rows of the one rare category are current ones.
    for k in (1, 3, 10):
        result = unseen([900, 0], [100 - k, k], tolerance=0.0)
        exact = comb(1000 - k, 900) / comb(1000, 900)
        np.testing.assert_allclose(result.pvalue, exact, rtol=1e-6)
        np.testing.assert_allclose(result.expected, k * exact, rtol=1e-6)
        assert result.count == k


def test_pvalue_is_the_tail_of_an_independent_sum():
    reference = np.array([50, 30, 5, 1, 2, 0, 0, 0])
    current = np.array([20, 10, 1, 1, 0, 1, 1, 2])
    n, m, pooled = reference.sum(), current.sum(), reference + current
    missed = [comb(n + m - c, n) / comb(n + m, n) for c in pooled]
    tail = sum(
        np.prod([missed[i] if i in chosen else 1 - missed[i] for i in range(8)])
        for size in range(9)
        for chosen in combinations(range(8), size)
        if pooled[list(chosen)].sum() >= 4
    )
    result = unseen(reference, current, tolerance=0.0)
    np.testing.assert_allclose(result.pvalue, tail, rtol=1e-6)
    np.testing.assert_allclose(result.expected, np.dot(missed, pooled), rtol=1e-6)


def test_empty_cells_and_order_of_categories_change_nothing():
    rng = np.random.default_rng(0)
    reference, current = split(rng, rng.dirichlet(np.full(200, 0.2)), 400, 150)
    order = rng.permutation(200)
    first = unseen(reference, current)
    second = unseen(
        np.append(reference[order], [0, 0]), np.append(current[order], [0, 0])
    )
    assert first == second


def test_evidence_grows_with_the_rows_and_falls_with_the_tolerance():
    pvalues = [unseen([500, 20, 0], [200, 5, k]).pvalue for k in range(12)]
    assert (np.diff(pvalues) < 0).all()
    assert pvalues[0] == 1.0
    by_tolerance = [
        unseen([500, 20, 0], [200, 5, 6], tolerance=t).pvalue for t in (0, 1e-4, 0.01)
    ]
    assert (np.diff(by_tolerance) > 0).all()


def test_far_tails_do_not_underflow_and_large_batches_are_fast():
    result = unseen([3_000_000, 0], [800_000, 200_000])
    assert result.pvalue == 0.0 or result.pvalue < 1e-200
    rng = np.random.default_rng(1)
    share = rng.dirichlet(np.full(5000, 0.05))
    large = unseen(*split(rng, share, 1_000_000, 1_000_000))
    assert 0.0 < large.pvalue <= 1.0
    assert 0.0 < unseen([900, 0], [70, 130]).pvalue < 1e-80


def test_column_of_frequent_categories_leaves_the_family():
    assert unseen([2000, 1000], [700, 300]).smallest == 1.0
    assert unseen([0, 0], [0, 0]).smallest == 1.0
    rare = unseen([2000, 1, 1, 1, 2], [300, 0, 0, 0, 0])
    assert rare.pvalue == 1.0
    assert 0.0 < rare.smallest < 0.01


def test_smallest_pvalue_is_a_lower_bound_over_all_splits():
    rng = np.random.default_rng(2)
    pooled = np.array([60, 12, 4, 3, 2, 1, 1, 1])
    splits = rng.multivariate_hypergeometric(pooled, 20, size=500)
    results = [unseen(pooled - s, s) for s in splits]
    assert len({r.smallest for r in results}) == 1
    assert all(r.smallest <= r.pvalue for r in results)


def test_smallest_pvalue_is_near_the_one_of_all_rare_rows():
    # Two rows of one and one of another category, all current.
    least = unseen([60, 0, 0], [17, 2, 1], tolerance=0.0).pvalue
    seen = unseen([57, 2, 1], [20, 0, 0], tolerance=0.0)
    assert 0.1 * least <= seen.smallest <= least


def test_certain_when_the_impossible_happened():
    result = unseen([1000, 0], [700, 300])
    assert result.smallest == result.pvalue < 1e-30


def test_no_rows_give_nan():
    for pair in (([0, 0], [1, 2]), ([1, 2], [0, 0])):
        result = unseen(*pair)
        assert np.isnan(result.pvalue)
        assert np.isnan(result.rate)


@pytest.mark.parametrize(
    ("concentration", "cells", "n", "m"),
    [(0.05, 400, 3000, 300), (0.5, 2000, 300, 3000), (1.0, 3000, 1000, 1000)],
)
def test_size_is_at_most_the_level(concentration, cells, n, m, assert_size):
    rng = np.random.default_rng(3)
    share = rng.dirichlet(np.full(cells, concentration))
    pvalue = np.array(
        [unseen(*split(rng, share, n, m), tolerance=0.0).pvalue for _ in range(600)]
    )
    for level in (0.1, 0.05, 0.01):
        assert_size(pvalue, level)


@pytest.mark.slow
def test_size_at_one_in_a_hundred_is_between_nothing_and_twelve(assert_size):
    rng = np.random.default_rng(4)
    for cells in (100, 1000):
        share = 1 / np.arange(1, cells + 1) ** 1.5
        share /= share.sum()
        pvalue = np.array(
            [
                unseen(*split(rng, share, 2000, 500), tolerance=0.0).pvalue
                for _ in range(8000)
            ]
        )
        assert_size(pvalue, 0.01)
        assert_size(pvalue, 0.001)
        assert np.mean(pvalue <= 0.1) > 0.005


def test_two_percent_of_a_new_category_are_found():
    rng = np.random.default_rng(5)
    share = rng.dirichlet(np.full(30, 1.0))
    found = 0
    for _ in range(200):
        reference = rng.multinomial(3000, share)
        new = rng.binomial(1000, 0.02)
        result = unseen(
            np.append(reference, 0), np.append(rng.multinomial(1000 - new, share), new)
        )
        found += result.pvalue <= 0.05 * 0.2 / 20
    assert found >= 199


@pytest.mark.parametrize(
    ("reference", "current", "message"),
    [
        ([[1]], [[1]], "one-dimensional"),
        ([1, 2], [1], "one-dimensional and of one length"),
        ([-1], [1], "at least 0"),
        ([1], [0.5], "whole numbers"),
    ],
)
def test_what_is_no_count_is_refused(reference, current, message):
    with pytest.raises(ParameterError, match=message):
        unseen(reference, current)
