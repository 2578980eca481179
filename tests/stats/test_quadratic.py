"""Weighted sums of chi-squares against scipy, published quantiles and simulation."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from skdrift.stats.quadratic import noncentral_chi2_sf, weighted_chi2_sf

DEGREES = np.arange(1, 6)
ANDERSON = 1.0 / (DEGREES * (DEGREES + 1.0))
REST_MEAN = 1.0 - ANDERSON.sum()
REST_VARIANCE = 2.0 * (np.pi**2 / 3.0 - 3.0 - (ANDERSON**2).sum())


def anderson_tail(x):
    return weighted_chi2_sf(
        x,
        np.tile(ANDERSON, (len(x), 1)),
        rest_mean=REST_MEAN,
        rest_variance=REST_VARIANCE,
    )


@pytest.mark.parametrize("df", [1, 2, 4, 30])
def test_equal_weights_are_chi_square_in_any_tail(df):
    x = np.array([0.05, 0.5, 1.0, 5.0, 20.0, 100.0, 600.0])
    exact = stats.chi2.sf(x, df)
    np.testing.assert_allclose(
        weighted_chi2_sf(x, np.ones((x.size, df))), exact, rtol=1e-4, atol=0.0
    )
    assert exact[-1] < 1e-80


@pytest.mark.parametrize("scale", [1e-6, 3.0, 1e6])
def test_scale_of_weights_is_the_scale_of_the_variable(scale):
    x = np.array([0.5, 2.0, 9.0])
    weights = np.tile([1.0, 0.3], (3, 1))
    np.testing.assert_allclose(
        weighted_chi2_sf(scale * x, scale * weights), weighted_chi2_sf(x, weights)
    )


@pytest.mark.parametrize("noncentrality", [0.3, 10.0, 1e3, 1e5])
@pytest.mark.parametrize("df", [1, 4, 99])
def test_noncentral_chi_square_equals_scipy(df, noncentrality):
    mean, spread = df + noncentrality, np.sqrt(2 * df + 4 * noncentrality)
    x = mean + spread * np.array([-1.0, 0.0, 1.0, 3.0, 6.0])
    x = np.maximum(x, 0.1)
    np.testing.assert_allclose(
        noncentral_chi2_sf(x, df, noncentrality),
        stats.ncx2.sf(x, df, noncentrality),
        rtol=2e-4,
    )


@pytest.mark.parametrize("noncentrality", [400.0, 5e3, 2e4, 1e5])
@pytest.mark.parametrize("df", [1, 4])
def test_tail_of_what_is_far_below_the_mean_is_one(df, noncentrality):
    x = noncentrality * np.array([1e-6, 0.001, 0.05, 0.1, 0.3, 0.5, 0.7])
    np.testing.assert_allclose(
        noncentral_chi2_sf(x, df, noncentrality),
        stats.ncx2.sf(x, df, noncentrality),
        atol=1e-5,
    )


def test_anderson_darling_law_has_its_published_quantiles():
    # Upper tail points that every table of the limit law gives.
    quantiles = np.array([1.248, 1.933, 2.492, 3.878])
    levels = np.array([0.25, 0.10, 0.05, 0.01])
    np.testing.assert_allclose(anderson_tail(quantiles), levels, rtol=0.002)


def test_weighted_sum_equals_simulation():
    rng = np.random.default_rng(0)
    weights, shift = np.array([1.0, 0.45, 0.2]), np.array([0.7, 0.0, 1.5])
    normal = rng.normal(size=(400_000, 3)) + np.sqrt(shift)
    draws = normal**2 @ weights + rng.gamma(2.0, 0.1, size=400_000)
    x = np.array([1.0, 4.0, 8.0, 14.0])
    tail = weighted_chi2_sf(
        x,
        np.tile(weights, (4, 1)),
        noncentrality=shift,
        rest_mean=0.2,
        rest_variance=0.02,
    )
    observed = (draws[:, None] > x).mean(axis=0)
    error = np.sqrt(observed / draws.size)
    assert (np.abs(tail - observed) < 4.5 * error).all()


def test_tail_falls_and_stays_in_its_bounds():
    x = np.linspace(1e-4, 60.0, 800)
    tail = anderson_tail(x)
    assert (np.diff(tail) <= 1e-9).all()
    assert ((tail >= 0.0) & (tail <= 1.0)).all()
    assert anderson_tail(np.array([0.0, -1.0])).tolist() == [1.0, 1.0]
    assert np.isnan(anderson_tail(np.array([np.nan]))).all()
