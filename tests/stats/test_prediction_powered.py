"""The prediction-powered mean: unbiased, as sure as it says, never much worse."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from skdrift.exceptions import ParameterError
from skdrift.stats.prediction_powered import (
    equivalent_rows,
    powered_mean,
    powered_share,
)


def _batch(rng, m=400, slope=1.0, noise=1.0):
    f = rng.normal(size=m)
    return f, slope * f + noise * rng.normal(size=m)


def test_all_labels_give_the_mean_without_an_interval():
    f, values = _batch(np.random.default_rng(0))
    found = powered_mean(values, f, f.mean(), len(f))
    assert found.value == pytest.approx(values.mean(), abs=1e-12)
    assert found.high - found.low < 1e-7


def test_right_predictions_need_hardly_a_label():
    f, _ = _batch(np.random.default_rng(0))
    found = powered_mean(f[:20], f[:20], f.mean(), len(f))
    assert found.value == pytest.approx(f.mean())
    assert found.weight == pytest.approx(1.0)


@pytest.mark.parametrize("slope", [0.0, -1.0])
def test_useless_predictions_are_left_out(slope):
    f, values = _batch(np.random.default_rng(1), m=4_000, slope=slope)
    found = powered_mean(values[:2_000], f[:2_000], f.mean(), len(f))
    assert found.weight < 0.05


def test_it_is_the_regression_estimate_with_its_limits():
    f, values = _batch(np.random.default_rng(2), slope=0.7)
    known, own = values[:30], f[:30]
    fit = stats.linregress(own, known)
    found = powered_mean(known, own, f.mean(), len(f))
    assert found.weight == pytest.approx(fit.slope)
    assert found.value == pytest.approx(fit.intercept + fit.slope * f.mean())
    # scipy: standard errors of slope and intercept at the mean of the labelled rows.
    shift = f.mean() - own.mean()
    at_mean = fit.intercept_stderr**2 - fit.stderr**2 * own.mean() ** 2
    squares = ((own - own.mean()) ** 2).sum()
    of_row = fit.stderr**2 * squares
    error = np.sqrt(at_mean + fit.stderr**2 * shift**2 - of_row / len(f))
    assert found.high - found.value == pytest.approx(stats.t(28).ppf(0.975) * error)


@pytest.mark.parametrize("slope", [0.0, 0.5, 1.0, 3.0])
@pytest.mark.parametrize("n", [12, 40])
def test_limits_cover_the_mean_of_the_batch(n, slope):
    rng = np.random.default_rng(3)
    covered, error, alone = 0, [], []
    for _ in range(1_000):
        f, values = _batch(rng, slope=slope)
        found = powered_mean(values[:n], f[:n], f.mean(), len(f))
        covered += found.low <= values.mean() <= found.high
        error.append(found.value - values.mean())
        alone.append(values[:n].mean() - values.mean())
    assert covered >= stats.binom(1_000, 0.95).ppf(0.0005)
    # A weight that is kept at 1 has less error than it is given.
    assert slope > 1 or covered <= stats.binom(1_000, 0.95).ppf(0.9995)
    bias = np.mean(error) / (np.std(error) / np.sqrt(1_000))
    assert abs(bias) < 3.5
    assert np.std(error) <= np.std(alone) * (1.0 + 1.0 / (n - 3))


def test_the_rows_that_it_is_worth():
    assert equivalent_rows(50, 1_000, 0.0) == pytest.approx(50)
    assert equivalent_rows(50, 1_000, 1.0) == pytest.approx(1_000)
    assert equivalent_rows(1_000, 1_000, 0.3) == pytest.approx(1_000)
    assert 50 < equivalent_rows(50, 1_000, 0.3) < equivalent_rows(60, 1_000, 0.3)
    assert equivalent_rows(50, 1_000, 0.0, excess=0.01) < 50


def test_a_share_of_one_is_not_certain():
    found = powered_mean(np.ones(20), np.zeros(20), 0.0, 10_000_000)
    low, high = powered_share(found)
    own = stats.binomtest(20, 20).proportion_ci(method="exact")
    assert (low, high) == (pytest.approx(own.low, abs=1e-4), 1.0)


def test_a_share_without_predictions_has_the_limits_of_clopper_and_pearson():
    values = np.r_[np.ones(33), np.zeros(7)]
    found = powered_mean(values, np.zeros(40), 0.0, 10_000_000)
    own = stats.binomtest(33, 40).proportion_ci(method="exact")
    assert powered_share(found) == pytest.approx((own.low, own.high), abs=1e-4)


def test_few_rows_of_anything():
    one = powered_mean([2.0], [1.0], 5.0, 10)
    assert one.value == 2.0
    assert np.isnan(one.low)
    constant = powered_mean(np.arange(20.0), np.full(20, 3.0), 3.0, 100)
    assert constant.weight == 0.0
    for n_rows in (0, 2):
        with pytest.raises(ParameterError, match="labelled rows"):
            powered_mean([1.0] * 3, [1.0] * 3, 1.0, n_rows)
    with pytest.raises(ParameterError, match="labelled rows"):
        powered_mean([], [], 1.0, 5)


def test_a_known_variance_is_not_undercut():
    f, values = _batch(np.random.default_rng(0))
    narrow = powered_mean(values[:20] * 0.0, f[:20], f.mean(), 400)
    wide = powered_mean(values[:20] * 0.0, f[:20], f.mean(), 400, least_variance=1.0)
    assert narrow.high == narrow.low
    assert wide.high - wide.low > 0.5
