"""What can be seen with how many rows, against simulation."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from skdrift.exceptions import ParameterError
from skdrift.stats import detectable_effect, distribution_change, rows_needed


def shift_of(distance):
    return 2 * stats.norm.ppf(0.5 + distance / 2)


@pytest.mark.parametrize("tolerance", [0.0, 0.01])
@pytest.mark.parametrize(("n", "m"), [(3000, 1000), (3000, 100), (20_000, 20_000)])
def test_detectable_effect_is_found_with_the_stated_power(n, m, tolerance):
    alpha, n_hypotheses = 0.05, 10
    d = detectable_effect(
        n, m, alpha=alpha, n_hypotheses=n_hypotheses, tolerance=tolerance
    )
    edges = stats.norm.ppf(np.arange(1, 128) / 128)
    rng = np.random.default_rng(0)
    moved = np.diff(stats.norm.cdf(edges - shift_of(float(d))), prepend=0, append=1)
    result = distribution_change(
        rng.multinomial(n, np.full(128, 1 / 128), 1500),
        rng.multinomial(m, moved, 1500),
        tolerance=tolerance,
    )
    found = np.mean(result.pvalue <= alpha / n_hypotheses)
    assert 0.74 <= found <= 0.86


@pytest.mark.parametrize("tolerance", [0.0, 0.01])
@pytest.mark.parametrize("m", [200, 1000, 20_000])
def test_rows_needed_is_the_inverse_of_the_detectable_effect(m, tolerance):
    options = {"alpha": 0.01, "n_hypotheses": 30, "tolerance": tolerance}
    d = detectable_effect(30_000, m, **options)
    np.testing.assert_allclose(rows_needed(d, 30_000, **options), m, rtol=0.02)


def test_more_rows_and_larger_alpha_see_smaller_effects():
    sizes = np.array([30, 100, 1000, 10_000, 10**6])
    strict = detectable_effect(10_000, sizes, alpha=0.01, n_hypotheses=50)
    loose = detectable_effect(10_000, sizes, alpha=0.05, n_hypotheses=5)
    assert (np.diff(strict) < 0).all()
    assert (loose < strict).all()
    assert ((strict > 0) & (strict < 1)).all()


def test_no_number_of_rows_would_do_beyond_the_reference_or_within_the_tolerance():
    options = {"alpha": 0.05, "n_hypotheses": 20}
    needed = rows_needed([0.2, 0.02, 0.02, 0.0], [500, 500, 10**6, 10**6], **options)
    assert np.isfinite(needed).tolist() == [True, False, True, False]
    within = rows_needed([0.02, 0.021, 0.03, 0.06], 10**6, tolerance=0.02, **options)
    assert np.isfinite(within).tolist() == [False, False, True, True]
    assert within[2] > 10 * within[3]
    assert np.isnan(rows_needed(np.nan, 100, **options))


def test_no_rows_give_nan_and_very_few_see_nothing():
    effect = detectable_effect([0, 100, 3], [10, 0, 3], alpha=0.01, n_hypotheses=100)
    assert np.isnan(effect[:2]).all()
    assert effect[2] == 1.0


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"alpha": 0.0}, "alpha must be in"),
        ({"power": 1.0}, "power must be in"),
        ({"n_hypotheses": 0}, "n_hypotheses must be at least 1"),
        ({"tolerance": 1.5}, "tolerance must be in"),
    ],
)
@pytest.mark.parametrize("function", [detectable_effect, rows_needed])
def test_arguments_out_of_their_range_are_refused(function, change, message):
    options = {"alpha": 0.05, "n_hypotheses": 10} | change
    with pytest.raises(ParameterError, match=message):
        function(10, 10, **options)
