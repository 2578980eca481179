"""Shares of right answers: Fisher's exact test, and the interval of the same law."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from skdrift.exceptions import ParameterError
from skdrift.stats import accuracy_interval, accuracy_pvalue

APART = 1e13  # so many folds share nothing


@pytest.mark.parametrize(
    ("n", "wrong", "m"),
    [(20, 0, 5), (300, 15, 30), (300, 299, 30), (3000, 150, 1000), (50, 7, 400)],
)
def test_pvalues_of_whole_counts_are_fisher_s(n: int, wrong: int, m: int) -> None:
    k = np.arange(m + 1)
    pvalues = accuracy_pvalue(1 - k / m, 1 - wrong / n, n, APART, m)
    expected = stats.hypergeom.sf(k - 1, n + m, wrong + k, m)
    np.testing.assert_allclose(pvalues, expected, rtol=1e-8, atol=1e-12)


@pytest.mark.parametrize("folds", [2, 5])
def test_folds_take_off_their_part_of_the_rows(folds: int) -> None:
    n = 100 * folds
    pvalue = accuracy_pvalue(0.8, 0.9, n, folds, 50)
    left = n - 100
    assert pvalue == pytest.approx(accuracy_pvalue(0.8, 0.9, left, APART, 50))


@pytest.mark.parametrize(("share", "n", "m"), [(0.95, 3e4, 1e6), (0.5, 1e6, 1e5)])
def test_large_batches_are_as_exact_as_scipy(share: float, n: float, m: float) -> None:
    error = np.sqrt(share * (1 - share) * (1.25 / n + 1 / m))
    k = np.round(m * (1 - share) + m * error * np.array([-2.0, 0.5, 3.0]))
    law = stats.betabinom(int(m), 0.8 * n * (1 - share) + 1, 0.8 * n * share)
    pvalues = accuracy_pvalue(1 - k / m, share, n, 5, m)
    np.testing.assert_allclose(pvalues, law.sf(k - 1), rtol=1e-4)


@pytest.mark.parametrize("share", [0.0, 0.3, 0.95, 1.0])
@pytest.mark.parametrize("m", [1, 2, 30, 500])
def test_the_interval_holds_what_has_more_than_half_the_rest(
    share: float, m: int
) -> None:
    interval = accuracy_interval(share, 300, 5, m, level=0.9)
    shares = 1 - np.arange(m + 1) / m
    low = accuracy_pvalue(shares, share, 300, 5, m)
    high = accuracy_pvalue(1 - shares, 1 - share, 300, 5, m)
    inside = (shares > interval.low - 1e-9) & (shares < interval.high + 1e-9)
    assert (inside == ((low > 0.05) & (high > 0.05))).all()
    assert interval.low <= interval.value <= interval.high or m < 30


@pytest.mark.parametrize("share", [0.8, 0.95, 0.99])
@pytest.mark.parametrize(("n", "m"), [(300, 30), (300, 1000), (3000, 100)])
def test_pvalues_are_never_below_the_level_too_often(
    share: float, n: int, m: int, assert_size
) -> None:
    rng = np.random.default_rng(n + m)
    trials = 4_000
    known, realised = rng.binomial(n, share, trials), rng.binomial(m, share, trials)
    pvalues = accuracy_pvalue(realised / m, known / n, n, APART, m)
    for level in (0.002, 0.05):
        assert_size(pvalues, level)


def test_without_an_error_in_training_the_first_one_is_no_certainty() -> None:
    assert accuracy_pvalue(0.95, 1.0, 100, APART, 20) == pytest.approx(20 / 120)
    assert accuracy_pvalue([1.0, 0.0], [1.0, 0.0], 100, 5, 20).tolist() == [1.0, 1.0]


def test_fewer_right_answers_have_smaller_pvalues() -> None:
    pvalues = accuracy_pvalue(np.linspace(0, 1, 51), 0.9, 200, 5, 50)
    assert (np.diff(pvalues) >= 0).all()
    assert pvalues[0] < 1e-20


def test_no_rows_give_nan() -> None:
    assert np.isnan(accuracy_interval(0.5, [0, 100], 5, [100, 0]).low).all()
    assert np.isnan(accuracy_pvalue(0.4, 0.5, [0, 100], 5, [100, 0])).all()
    assert np.isnan(accuracy_pvalue(np.nan, 0.5, 100, 5, 10))


def test_arguments_out_of_their_range_are_refused() -> None:
    with pytest.raises(ParameterError, match=r"share must be in \[0, 1\], got \[1.5\]"):
        accuracy_pvalue(0.5, 1.5, 100, 5, 10)
    with pytest.raises(ParameterError, match="n_folds must be at least 2"):
        accuracy_interval(0.5, 100, 1, 10)
    with pytest.raises(ParameterError, match="level must be in"):
        accuracy_interval(0.5, 100, 5, 10, level=1.0)
