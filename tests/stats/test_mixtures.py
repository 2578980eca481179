"""Shares of classes, and whether any mixture of them fits a sample."""

from __future__ import annotations

import numpy as np
import pytest

from skdrift.exceptions import ParameterError
from skdrift.stats import mixing_shares, mixture_test


@pytest.mark.parametrize("seed", range(5))
def test_shares_have_no_slope_left_where_they_are_inside(seed):
    """The likelihood is concave: the derivative is 1 for classes with a share."""
    rng = np.random.default_rng(seed)
    f = rng.gamma(1.0, size=(200, 3))
    shares = mixing_shares(f)
    slope = (f / (f @ shares)[:, None]).mean(axis=0)
    assert shares.sum() == pytest.approx(1.0)
    assert (slope < 1.0 + 1e-3).all()
    assert slope[shares > 0.01] == pytest.approx(1.0, abs=1e-3)


def test_classes_that_do_not_overlap_are_counted():
    f = np.repeat(np.eye(3), [10, 30, 60], axis=0)
    assert mixing_shares(f) == pytest.approx([0.1, 0.3, 0.6], abs=1e-5)
    assert mixing_shares(f[:10]) == pytest.approx([1.0, 0.0, 0.0], abs=1e-3)


def test_a_weight_of_two_is_the_row_twice_and_factors_of_rows_do_not_count():
    rng = np.random.default_rng(0)
    f = rng.gamma(1.0, size=(40, 2))
    weights = rng.integers(0, 3, size=(2, 40))
    found = mixing_shares(f, weights)
    for own, expected in zip(weights, found, strict=True):
        scaled = np.repeat(f, own, axis=0) * rng.uniform(1e-9, 9.0, (own.sum(), 1))
        assert mixing_shares(scaled) == pytest.approx(expected, abs=1e-4)


def test_rows_and_samples_without_weight_leave_even_shares():
    assert mixing_shares(np.zeros((0, 4))) == pytest.approx([0.25] * 4)
    assert mixing_shares(np.zeros((3, 2))) == pytest.approx([0.5, 0.5])


@pytest.mark.parametrize("bad", [[[1.0, -1.0]], [[np.nan, 1.0]], [1.0, 2.0], [[]]])
def test_densities_that_are_none_are_refused(bad):
    with pytest.raises(ParameterError, match="densities"):
        mixing_shares(bad)
    with pytest.raises(ParameterError, match="weights"):
        mixing_shares([[1.0, 2.0]], [1.0, 2.0])


def test_a_mixture_fits_whatever_its_shares_are():
    tables = np.array([[400, 300, 200, 100], [100, 200, 300, 400]])
    rng = np.random.default_rng(0)
    for share in (0.0, 0.3, 1.0):
        counts = np.round(share * tables[0] + (1 - share) * tables[1])
        found = mixture_test(tables, counts, n_draws=199, rng=rng)
        assert found.pvalue > 0.5
        assert found.shares == pytest.approx([share, 1 - share], abs=0.02)
        assert found.statistic < 1.0


def test_what_no_mixture_gives_is_rejected_and_little_of_it_explained():
    tables = np.array([[400, 300, 200, 100], [100, 200, 300, 400]])
    rng = np.random.default_rng(0)
    found = mixture_test(tables, [300, 50, 50, 300], n_draws=199, rng=rng)
    assert found.pvalue == 1 / 200
    assert found.explained < 0.2
    moved = mixture_test(tables, [100, 80, 60, 35], n_draws=199, rng=rng)
    assert moved.explained > 0.9
    alike = mixture_test(tables, [50, 50, 50, 50], n_draws=199, rng=rng)
    assert np.isnan(alike.explained)


@pytest.mark.parametrize(
    ("tables", "counts"),
    [
        ([[5, 5, 5], [5, 5, 5]], [0, 0, 0]),
        ([[5, 5, 5], [0, 0, 0]], [1, 1, 1]),
        ([[5, 5], [9, 1]], [3, 3]),
        ([[5, 5, 0], [9, 1, 0]], [3, 3, 0]),
    ],
)
def test_what_cannot_be_tested_is_nan(tables, counts):
    found = mixture_test(tables, counts, n_draws=99, rng=np.random.default_rng(0))
    assert np.isnan(found.pvalue)
    assert found.n_draws == 0


def test_one_row_and_many_classes_are_tested():
    rng = np.random.default_rng(0)
    one = mixture_test([[9, 5, 1], [1, 5, 9]], [0, 1, 0], n_draws=99, rng=rng)
    assert one.pvalue > 0.05
    tables = rng.integers(0, 5, size=(50, 100))
    many = mixture_test(tables, tables.sum(axis=0), n_draws=19, rng=rng)
    assert many.pvalue > 0.2


def test_shapes_and_negative_counts_are_refused():
    rng = np.random.default_rng(0)
    with pytest.raises(ParameterError, match="same cells"):
        mixture_test([[1, 2, 3]], [1, 2], n_draws=9, rng=rng)
    with pytest.raises(ParameterError, match="at least 0"):
        mixture_test([[1, 2, -3]], [1, 2, 3], n_draws=9, rng=rng)
