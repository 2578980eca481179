"""Laws of the tests of dependence between columns."""

from __future__ import annotations

from dataclasses import fields

import numpy as np
import pytest
from scipy import stats as scipy_stats

from skdrift.exceptions import ParameterError
from skdrift.stats import (
    FeatureSums,
    PairSums,
    chi_square_sum_tail,
    correlation_change,
    feature_mean_change,
    sum_of_changes,
    wave_features,
)


def rows_with_gaps(n: int, d: int, seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    rows = rng.normal(size=(n, d)) + rng.normal(size=(n, 1))
    rows[rng.random(rows.shape) < 0.2] = np.nan
    return rows


def pair_of(i: int, j: int, d: int) -> int:
    first, second = np.triu_indices(d, 1)
    return int(np.flatnonzero((first == i) & (second == j))[0])


@pytest.mark.parametrize("gaps", [False, True])
def test_sums_of_two_sets_of_rows_add_up(gaps):
    rows = rows_with_gaps(200, 4, 0)
    rows = rows if gaps else np.nan_to_num(rows)
    whole = PairSums.of(rows)
    merged = PairSums.of(rows[:70]).merge(PairSums.of(rows[70:]))
    for field in fields(PairSums):
        np.testing.assert_allclose(
            getattr(merged, field.name), getattr(whole, field.name), rtol=1e-10
        )
    waves = wave_features(np.nan_to_num(rows), np.ones((4, 3)))
    both = FeatureSums.of(waves[:70]).merge(FeatureSums.of(waves[70:]))
    assert both.n == 200
    np.testing.assert_allclose(both.products, FeatureSums.of(waves).products, rtol=1e-6)


def test_the_order_of_rows_is_irrelevant():
    rows = rows_with_gaps(200, 4, 1)
    other = np.random.default_rng(0).permutation(rows)
    first, second = (PairSums.of(r).correlations() for r in (rows, other))
    np.testing.assert_allclose(first.value, second.value, rtol=1e-9)
    np.testing.assert_allclose(first.variance, second.variance, rtol=1e-9)


def test_a_pair_is_symmetric_and_reversing_a_column_reverses_its_correlation():
    rows = rows_with_gaps(300, 3, 2)
    found = PairSums.of(rows).correlations()
    swapped = PairSums.of(rows[:, ::-1] * [1, 1, -1]).correlations()
    place = pair_of(0, 2, 3)
    np.testing.assert_allclose(swapped.value[place], -found.value[place])
    np.testing.assert_allclose(swapped.variance[place], found.variance[place])


def test_a_correlation_is_that_of_the_rows_that_have_both():
    rows = rows_with_gaps(300, 3, 3)
    found = PairSums.of(rows).correlations()
    for place, (i, j) in enumerate(zip(*np.triu_indices(3, 1), strict=True)):
        both = ~np.isnan(rows[:, [i, j]]).any(axis=1)
        a, b = scipy_stats.zscore(rows[both][:, [i, j]]).T
        r = np.corrcoef(a, b)[0, 1]
        influence = a * b - 0.5 * r * (a**2 + b**2)
        assert found.n[place] == both.sum()
        np.testing.assert_allclose(found.value[place], r)
        np.testing.assert_allclose(found.variance[place], influence.var())


@pytest.mark.parametrize("factor", [(3.0, 0.5), (1e-6, 1e6)])
def test_units_change_nothing(factor):
    rows = rows_with_gaps(200, 2, 4)
    found = PairSums.of(rows).correlations()
    moved = PairSums.of(rows * factor + [1e-6, 2.0]).correlations()
    np.testing.assert_allclose(moved.value, found.value, rtol=1e-4)
    np.testing.assert_allclose(moved.variance, found.variance, rtol=1e-3)


def test_a_column_that_does_not_vary_has_no_correlation():
    rows = np.random.default_rng(0).normal(size=(100, 3))
    rows[:, 1] = 7.0
    found = PairSums.of(rows).correlations()
    assert np.isnan(found.value[[0, 2]]).all()
    assert np.isfinite(found.value[1])
    change = correlation_change(found, found)
    assert np.isnan(change.pvalue[[0, 2]]).all()
    assert change.pvalue[1] == 1.0


def test_a_pair_that_is_one_column_twice_is_judged():
    a = np.random.default_rng(0).normal(size=(500, 1))
    twice = PairSums.of(np.hstack([a, a])).correlations()
    apart = PairSums.of(np.hstack([a, a[::-1]])).correlations()
    assert correlation_change(twice, twice).pvalue[0] == 1.0
    assert correlation_change(twice, apart).pvalue[0] < 1e-12


def test_the_sign_is_that_of_current_less_reference_and_the_interval_holds_it():
    rng = np.random.default_rng(0)
    common = rng.normal(size=(2000, 1))
    before = PairSums.of(rng.normal(size=(2000, 2))).correlations()
    now = PairSums.of(rng.normal(size=(2000, 2)) + common).correlations()
    change = correlation_change(before, now)
    assert change.low[0] < 0.5 < change.high[0]
    assert change.low[0] < change.difference[0] < change.high[0]
    back = correlation_change(now, before)
    np.testing.assert_allclose(back.difference, -change.difference)
    np.testing.assert_allclose(back.pvalue, change.pvalue)


def test_intervals_of_equal_samples_are_as_wide_as_those_of_nearly_equal_ones():
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(500, 2)) + 3 * rng.normal(size=(500, 1))
    found, near = PairSums.of(rows), PairSums.of(rows[:499])
    equal = correlation_change(found.correlations(), found.correlations())
    almost = correlation_change(found.correlations(), near.correlations())
    assert equal.difference[0] == 0.0
    widths = [(change.high - change.low)[0] for change in (equal, almost)]
    assert widths[0] == pytest.approx(widths[1], rel=0.1)


def test_a_larger_tolerance_never_lowers_a_pvalue():
    first = PairSums.of(rows_with_gaps(400, 5, 5)).correlations()
    second = PairSums.of(rows_with_gaps(300, 5, 6)).correlations()
    tolerances = (0.0, 0.01, 0.05, 0.3)
    pvalues = [
        correlation_change(first, second, tolerance=t).pvalue for t in tolerances
    ]
    assert (np.diff(pvalues, axis=0) >= 0).all()
    assert (pvalues[-1] == 1.0).all()


def test_a_trifling_change_in_huge_samples_is_tolerated():
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(400_000, 2))
    before = PairSums.of(rows).correlations()
    rows[:, 1] += 0.008 * rows[:, 0]
    now = PairSums.of(rows).correlations()
    assert correlation_change(before, now).pvalue[0] < 0.01
    assert correlation_change(before, now, tolerance=0.01).pvalue[0] == 1.0


def shared_volatility(n: int, d: int, rng: np.random.Generator) -> np.ndarray:
    return rng.normal(size=(n, d)) * np.exp(0.5 * rng.normal(size=(n, 1)))


def test_pvalues_of_pairs_are_uniform_where_volatility_is_shared():
    rng = np.random.default_rng(0)
    pvalues = []
    for _ in range(400):
        before, now = (
            PairSums.of(shared_volatility(n, 2, rng)).correlations() for n in (400, 200)
        )
        pvalues.append(correlation_change(before, now).pvalue[0])
    assert scipy_stats.kstest(pvalues, "uniform").pvalue > 0.01


def test_pvalues_of_the_sum_over_dependent_pairs_are_uniform():
    rng = np.random.default_rng(1)
    pvalues = []
    for _ in range(300):
        samples = [
            rng.normal(size=(n, 5)) + rng.normal(size=(n, 1)) for n in (800, 400)
        ]
        before, now = (PairSums.of(rows).correlations() for rows in samples)
        change = correlation_change(before, now)
        pvalues.append(sum_of_changes(change, samples[1], now, np.ones(10, bool)))
    assert scipy_stats.kstest(pvalues, "uniform").pvalue > 0.01


def test_pvalues_of_the_waves_are_uniform():
    rng = np.random.default_rng(2)
    frequencies = rng.normal(size=(4, 16))
    pvalues = []
    for _ in range(300):
        sums = [
            FeatureSums.of(wave_features(rng.normal(size=(n, 4)), frequencies))
            for n in (800, 400)
        ]
        pvalues.append(feature_mean_change(*sums)[1])
    assert scipy_stats.kstest(pvalues, "uniform").pvalue > 0.01


def test_many_small_changes_are_found_together():
    rng = np.random.default_rng(3)
    before = PairSums.of(rng.normal(size=(3000, 20))).correlations()
    rows = rng.normal(size=(1000, 20)) + 0.3 * rng.normal(size=(1000, 1))
    now = PairSums.of(rows).correlations()
    change = correlation_change(before, now, tolerance=0.01)
    together = sum_of_changes(change, rows, now, np.ones(len(now.value), bool))
    assert together < 1e-6 < change.pvalue.min() * len(now.value)


def test_a_change_that_no_correlation_shows_is_found_by_waves():
    rng = np.random.default_rng(4)
    frequencies = rng.normal(size=(3, 64))
    signs = rng.choice([-1.0, 1.0], size=(2000, 3))
    signs[:, 2] = signs[:, 0] * signs[:, 1]
    size = np.abs(rng.normal(size=(2000, 3)))
    before = FeatureSums.of(wave_features(rng.normal(size=(2000, 3)), frequencies))
    now = FeatureSums.of(wave_features(signs * size, frequencies))
    assert feature_mean_change(before, now, tolerance=0.01)[1] < 1e-6


@pytest.mark.parametrize("weights", [[1.0] * 5, [3.0, 1.0, 0.5, 0.1]])
def test_the_tail_of_a_sum_of_chi_squares_is_that_of_draws(weights):
    w = np.array(weights)
    rng = np.random.default_rng(0)
    draws = rng.chisquare(1, size=(200_000, len(w))) @ w
    moments = [(w**k).sum() for k in (1, 2, 3)]
    for level in (0.5, 0.05, 0.01):
        value = np.quantile(draws, 1 - level)
        assert chi_square_sum_tail(value, *moments) == pytest.approx(level, rel=0.1)


def test_nothing_is_said_of_samples_that_are_too_small():
    waves = FeatureSums.of(np.zeros((1, 2)))
    assert np.isnan(feature_mean_change(waves, waves)).all()
    rows = np.random.default_rng(0).normal(size=(50, 3))
    found = PairSums.of(rows).correlations()
    change = correlation_change(found, found)
    assert np.isnan(sum_of_changes(change, rows, found, np.ones(3, bool)))


def test_features_without_spread_do_not_differ():
    waves = FeatureSums.of(np.ones((10, 2)))
    assert feature_mean_change(waves, waves) == (0.0, 1.0)


def test_what_cannot_be_compared_is_refused():
    two, three = (PairSums.of(np.eye(4)[:, :d]).correlations() for d in (2, 3))
    with pytest.raises(ParameterError, match="same columns"):
        correlation_change(two, three)
    with pytest.raises(ParameterError, match="same features"):
        feature_mean_change(FeatureSums.of(np.eye(3)), FeatureSums.of(np.eye(2)))
    with pytest.raises(ParameterError, match="n_rows, n_columns"):
        PairSums.of(np.zeros(3))
