"""The test of a tolerated distance on its contact sets: laws, level and power."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import optimize, stats

from skdrift.exceptions import ParameterError
from skdrift.stats import anderson_darling, contact_set, kolmogorov_smirnov
from skdrift.stats.contact import _both_reach, _reaches

EDGES = stats.norm.ppf(np.linspace(0, 1, 129))
UNIFORM = np.full(128, 1 / 128)


def distance_of(shares):
    return np.abs(np.cumsum(shares) - np.cumsum(UNIFORM)).max()


def shares_of(kind, distance):
    """Shares of 128 cells, equal in training, at a Kolmogorov-Smirnov distance."""
    if kind == "shift":
        shift = 2 * stats.norm.ppf(0.5 + distance / 2)
        return np.diff(stats.norm.cdf(EDGES - shift))
    if kind == "ends":  # from the lowest cells into the highest
        below = np.maximum(np.linspace(0, 1, 129)[1:-1] - distance, 0.0)
        return np.diff(np.concatenate([[0.0], below, [1.0]]))
    low, high = (1e-3, 1.0) if kind == "narrower" else (1.0, 100.0)
    factor = optimize.brentq(
        lambda f: distance_of(np.diff(stats.norm.cdf(EDGES / f))) - distance, low, high
    )
    return np.diff(stats.norm.cdf(EDGES / factor))


KINDS = ["shift", "wider", "narrower", "ends"]


def drawn(kind, distance, n, m, repeats, seed=0):
    rng = np.random.default_rng(seed)
    return (
        rng.multinomial(n, UNIFORM, repeats),
        rng.multinomial(m, shares_of(kind, distance), repeats),
    )


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("tolerance", [0.01, 0.05, 0.2])
@pytest.mark.parametrize(("n", "m"), [(10_000, 500), (10_000, 10_000), (100, 100)])
def test_size_at_the_border_is_at_most_the_level(kind, tolerance, n, m, assert_size):
    found = contact_set(*drawn(kind, tolerance, n, m, 500), tolerance=tolerance).pvalue
    for level in (0.1, 0.05, 0.01):
        assert_size(found, level)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("tolerance", "m"), [(0.1, 1000), (0.2, 300)])
def test_more_is_found_than_by_the_tail_of_the_distance(kind, tolerance, m):
    size = 10_000 * m / (10_000 + m)
    counts = drawn(kind, tolerance + 1.2 / np.sqrt(size), 10_000, m, 300)
    found, found_by_distance = (
        np.mean(function(*counts, tolerance=tolerance).pvalue <= 0.05)
        for function in (contact_set, kolmogorov_smirnov)
    )
    assert found >= max(0.5, found_by_distance + 0.02)


@pytest.mark.parametrize("kind", ["shift", "narrower"])
def test_tests_of_a_column_find_a_change_beyond_a_large_tolerance(kind):
    counts = drawn(kind, 0.2, 10_000, 2000, 300)
    found = anderson_darling(*counts, tolerance=0.1).pvalue
    assert np.mean(found <= 1e-4) >= 0.95


def test_the_bound_is_above_the_probability_and_near_it():
    rng = np.random.default_rng(3)
    below = np.linspace(0.3, 0.7, 40)
    steps = np.sqrt(np.diff(below, prepend=0.0, append=1.0))
    walks = np.cumsum(steps * rng.normal(size=(100_000, 41)), axis=1)
    highest = (walks[:, :-1] - below * walks[:, -1:]).max(axis=1)
    for height in (0.9, 1.2, 1.5):
        truth = np.mean(highest >= height)
        assert truth <= _reaches(height, below, below, 0.3, 0.7) <= 2.1 * truth


def test_the_probability_of_both_is_that_of_the_bivariate_normal():
    first, second, r = np.array([0.3, 1.0, 2.0]), np.array([0.5, 0.2, 2.1]), 0.8
    truth = [
        stats.multivariate_normal([0, 0], [[1, r], [r, 1]]).cdf([-a, -b])
        for a, b in zip(first, second, strict=True)
    ]
    np.testing.assert_allclose(
        _both_reach(first, second, np.full(3, r)), truth, atol=1e-6
    )


def test_each_feature_has_its_own_tolerance():
    counts = drawn("shift", 0.1, 5000, 5000, 3)
    together = contact_set(*counts, tolerance=[0.0, 0.05, 0.5]).pvalue
    alone = [
        contact_set(counts[0][i : i + 1], counts[1][i : i + 1], tolerance=t).pvalue[0]
        for i, t in enumerate([0.0, 0.05, 0.5])
    ]
    np.testing.assert_array_equal(together, alone)
    assert together[0] < together[1] < together[2] == 1.0


def test_samples_can_be_swapped_and_the_order_of_cells_turned():
    reference, current = drawn("ends", 0.1, 4000, 1000, 5)
    expected = contact_set(reference, current, tolerance=0.05).pvalue
    turned = reference[:, ::-1], current[:, ::-1]
    for pair in ((current, reference), turned):
        np.testing.assert_allclose(
            contact_set(*pair, tolerance=0.05).pvalue, expected, rtol=1e-6
        )


def test_no_rows_one_cell_and_no_features():
    result = contact_set([[0, 0], [5, 5]], [[1, 2], [0, 0]], tolerance=0.1)
    assert np.isnan(result.pvalue).all()
    assert np.isnan(result.statistic).all()
    assert contact_set([[9]], [[4]], tolerance=0.0).pvalue == 1.0
    assert (
        contact_set(np.empty((0, 3)), np.empty((0, 3)), tolerance=0.1).pvalue.size == 0
    )


def test_all_of_a_sample_in_one_cell():
    result = contact_set([[500, 0]], [[0, 500]], tolerance=0.9)
    assert 0.0 <= result.pvalue[0] < 1e-3


@pytest.mark.parametrize("tolerance", [-0.1, 1.0, np.nan, [0.1, 2.0]])
def test_tolerance_out_of_its_range_is_refused(tolerance):
    with pytest.raises(ParameterError, match="tolerance must be"):
        contact_set([[1, 2]] * 2, [[2, 1]] * 2, tolerance=tolerance)


def test_tolerances_of_other_features_are_refused():
    with pytest.raises(ParameterError, match="one for each feature"):
        contact_set([[1, 2]] * 2, [[2, 1]] * 2, tolerance=[0.1, 0.1, 0.1])
