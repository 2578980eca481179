"""Level and power of the realised score on few labelled rows, from fit to p-value."""

from __future__ import annotations

import numpy as np
import pytest
from measure_score import draw_classes, draw_values, judged
from scipy.stats import binom
from sklearn.linear_model import Ridge
from sklearn.naive_bayes import GaussianNB

from skdrift import DriftAwareEstimator

N_FITS, N_BATCHES = 40, 50

pytestmark = pytest.mark.slow


def pvalues_of(model, draw, n, m, rng, **change):
    """P-values of batches by scorer, and which scores are inside the interval."""
    sizes = {"n_fits": N_FITS, "n_batches": N_BATCHES}
    return judged(model, draw, n, m, rng, **sizes, **change)


def assert_level_and_coverage(pvalues, inside, level_slack):
    trials = N_FITS * N_BATCHES
    for name, found in pvalues.items():
        hits = (found <= 0.002).sum()
        assert hits <= binom.isf(1e-3, trials, 0.002 * level_slack), name
        assert (found <= 0.05).mean() <= 0.065, name
        assert np.mean(inside[name]) >= 0.93, name


@pytest.mark.parametrize("accuracy", [0.8, 0.95, 0.99])
@pytest.mark.parametrize(("n", "m"), [(300, 30), (3000, 100)])
def test_shares_of_right_answers_keep_the_level(accuracy, n, m):
    rng = np.random.default_rng(m)

    def draw(k, rng):
        return draw_classes(k, rng, accuracy)

    model = DriftAwareEstimator(GaussianNB())
    assert_level_and_coverage(*pvalues_of(model, draw, n, m, rng), 1.0)


@pytest.mark.parametrize(("n", "m"), [(300, 30), (3000, 30), (3000, 300)])
def test_errors_of_values_keep_the_level(n, m):
    model = DriftAwareEstimator(
        Ridge(),
        scoring=[
            "r2",
            "neg_mean_squared_error",
            "neg_mean_absolute_error",
            "neg_root_mean_squared_error",
        ],
    )
    results = pvalues_of(model, draw_values, n, m, np.random.default_rng(n + m))
    assert_level_and_coverage(*results, 1.5)


def test_a_real_drop_is_found_with_a_hundred_rows():
    rng = np.random.default_rng(0)
    ridge = DriftAwareEstimator(Ridge(), scoring="neg_mean_squared_error")
    (found,) = pvalues_of(ridge, draw_values, 3000, 100, rng, noise=1.4)[0].values()
    assert (found <= 0.002).mean() >= 0.9

    def draw(k, rng, flipped=0.0):
        return draw_classes(k, rng, 0.95, flipped)

    bayes = DriftAwareEstimator(GaussianNB())
    (found,) = pvalues_of(bayes, draw, 3000, 100, rng, flipped=0.12)[0].values()
    assert (found <= 0.002).mean() >= 0.6
