"""Rates of events, rows out of range and new atoms."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from skdrift.exceptions import ParameterError
from skdrift.stats import new_atom, out_of_range, rate_change
from skdrift.stats.rates import _farrington_manning


@st.composite
def tables(draw):
    n, m = draw(st.integers(1, 300)), draw(st.integers(1, 300))
    return draw(st.integers(0, n)), n, draw(st.integers(0, m)), m


@given(tables())
def test_without_tolerance_the_pvalue_is_fishers(table):
    a, n, b, m = table
    seen = rate_change(*table, tolerance=0.0)
    exact = stats.fisher_exact([[a, n - a], [b, m - b]]).pvalue
    np.testing.assert_allclose(seen.pvalue, exact, rtol=1e-6)
    one_sided = rate_change(*table, tolerance=0.0, alternative="greater")
    exact = stats.fisher_exact([[b, m - b], [a, n - a]], alternative="greater").pvalue
    np.testing.assert_allclose(one_sided.pvalue, exact, rtol=1e-6)


@given(tables(), st.sampled_from(["two-sided", "greater"]))
def test_smallest_pvalue_is_attained_and_depends_on_the_sum_alone(table, alternative):
    a, n, b, m = table
    k = np.arange(max(0, a + b - n), min(a + b, m) + 1)
    every = rate_change(a + b - k, n, k, m, alternative=alternative)
    assert np.ptp(every.smallest) <= 1e-9 * every.smallest[0]
    # The score test is not monotone at rates near 1, far below any level.
    if every.smallest[0] > 1e-10:
        np.testing.assert_allclose(every.smallest[0], every.pvalue.min(), rtol=1e-6)
    else:
        assert every.pvalue.min() < 1e-9


@given(tables())
def test_tolerance_raises_the_pvalue_and_the_interval_holds_the_estimate(table):
    pvalues = [
        rate_change(*table, tolerance=t).pvalue[0] for t in (0, 0.001, 0.01, 0.2)
    ]
    assert (np.diff(pvalues) >= -1e-9).all()
    result = rate_change(*table)
    assert result.low[0] <= result.difference[0] <= result.high[0]
    assert result.direction[0] == np.sign(table[2] / table[3] - table[0] / table[1])


def test_idle_hypothesis_has_smallest_one_and_no_rows_give_nan():
    result = rate_change([0, 0, 0], [100, 0, 0], [0, 2, 0], [50, 9, 0])
    assert result.smallest.tolist() == [1.0, 1.0, 1.0]
    assert result.pvalue[0] == 1.0
    assert np.isnan(result.pvalue[1])
    assert np.isnan(result.low[1])


def test_score_test_is_the_restricted_maximum_of_the_likelihood():
    a, n, b, m, delta = 12.0, 400.0, 15.0, 200.0, 0.02
    p = np.linspace(delta + 1e-9, 1 - 1e-9, 2_000_001)
    likelihood = stats.binom.logpmf(b, m, p) + stats.binom.logpmf(a, n, p - delta)
    p = p[np.argmax(likelihood)]
    q = p - delta
    z = (b / m - a / n - delta) / np.sqrt(p * (1 - p) / m + q * (1 - q) / n)
    arrays = (np.array([v]) for v in (a, n, b, m, delta, 1.0))
    np.testing.assert_allclose(
        _farrington_manning(*arrays), stats.norm.sf(z), rtol=1e-4
    )


@pytest.mark.parametrize("rate", [0.0, 0.001, 0.05, 0.5])
@pytest.mark.parametrize(("n", "m"), [(3000, 30), (300, 3000), (10**6, 10**6)])
def test_equal_rates_are_rejected_no_more_than_the_level(rate, n, m, assert_size):
    rng = np.random.default_rng(0)
    a, b = rng.binomial(n, rate, 4000), rng.binomial(m, rate, 4000)
    for tolerance in (0.0, 0.01):
        pvalue = rate_change(a, n, b, m, tolerance=tolerance).pvalue
        for level in (0.05, 0.01, 0.001):
            assert_size(pvalue, level)


@pytest.mark.parametrize("rate", [0.0005, 0.004, 0.02, 0.3])
@pytest.mark.parametrize("n", [10_000, 10**6])
def test_change_within_the_tolerance_is_kept(rate, n):
    rng = np.random.default_rng(1)
    change = np.clip(rate, 0.0005, 0.01)
    a, b = rng.binomial(n, rate, 4000), rng.binomial(n, rate + change, 4000)
    assert np.mean(rate_change(a, n, b, n).pvalue <= 0.05) <= 0.065
    c = rng.binomial(n, max(rate - 0.9 * change, 0.0), 4000)
    assert np.mean(rate_change(a, n, c, n).pvalue <= 0.05) <= 0.06


def test_new_missing_values_are_found():
    rng = np.random.default_rng(2)
    now = rng.binomial(1000, 0.1, 300)
    result = rate_change(np.zeros(300, dtype=int), 3000, now, 1000)
    assert (result.pvalue < 1e-12).all()
    assert (result.low > 0.05).all()


def test_counts_above_the_rows_are_refused():
    with pytest.raises(
        ParameterError, match=r"k_current must be at most n_current, got"
    ):
        rate_change([1], [2], [3], [2])
    with pytest.raises(ParameterError, match="alternative must be"):
        rate_change([1], [2], [1], [2], alternative="less")  # type: ignore[arg-type]
    with pytest.raises(ParameterError, match="one shape"):
        rate_change([1, 2, 3], [5, 5], [1, 1], [9, 9])


@pytest.mark.parametrize(("n", "m"), [(1000, 50), (30, 3000), (10_000, 1_000_000)])
def test_out_of_range_is_the_beta_binomial_tail(n, m):
    k = np.array([1, 2, 5, 20])
    result = out_of_range(np.zeros(4, dtype=int), k, n, m, tolerance=0.0)
    beyond = stats.betabinom.logpmf(np.arange(m + 1), m, 1, n)
    exact = [min(1.0, 2 * np.exp(beyond[i:]).sum()) for i in k]
    np.testing.assert_allclose(result.pvalue, exact, rtol=1e-5)
    assert (result.direction == 1).all()
    mirrored = out_of_range(k, np.zeros(4, dtype=int), n, m, tolerance=0.0)
    np.testing.assert_allclose(mirrored.pvalue, result.pvalue)
    assert (mirrored.direction == -1).all()


@pytest.mark.parametrize("decimals", [8, 1, 0])
@pytest.mark.parametrize(("n", "m"), [(300, 100), (100, 1000)])
def test_fresh_rows_leave_the_range_no_more_often_than_the_level(
    decimals, n, m, assert_size
):
    rng = np.random.default_rng(3)
    x = rng.normal(size=(4000, n)).round(decimals)
    y = rng.normal(size=(4000, m)).round(decimals)
    low, high = x.min(axis=1, keepdims=True), x.max(axis=1, keepdims=True)
    below, above = (y < low).sum(axis=1), (y > high).sum(axis=1)
    for tolerance in (0.0, 0.01):
        pvalue = out_of_range(below, above, n, m, tolerance=tolerance).pvalue
        for level in (0.1, 0.05, 0.01, 0.001):
            assert_size(pvalue, level)


def test_one_row_out_of_range_is_no_alarm_and_many_are():
    result = out_of_range([0] * 3, [1, 10, 100], 3000, 1000)
    assert result.pvalue[0] > 0.1
    assert (result.pvalue[1:] < 1e-5).all()
    assert result.low[2] > 0.05


def test_tied_extremes_leave_the_family_until_they_are_left():
    tied = out_of_range(
        [0, 0], [0, 50], 3000, 100, ties_below=500, ties_above=[400, 400]
    )
    assert tied.smallest[0] == 1.0
    assert tied.smallest[1] == 0.0
    assert out_of_range([0], [0], 3000, 100, ties_below=500).smallest == 0.0


def test_out_of_range_refuses_more_rows_than_there_are():
    with pytest.raises(
        ParameterError, match="below \\+ above must be at most n_current"
    ):
        out_of_range([3], [3], [10], [5])
    assert np.isnan(out_of_range([0], [0], [0], [5]).pvalue).all()


def most_frequent_new_value(x, y, at_most):
    """Largest count in y of a value that x has at most so often."""
    values, counts = np.unique(y, return_counts=True)
    inside = np.isin(x, values)
    known, before = np.unique(x[inside], return_counts=True)
    seen = np.zeros(values.size, dtype=int)
    seen[np.searchsorted(values, known)] = before
    return int(counts[seen <= at_most].max(initial=0))


@pytest.mark.parametrize("decimals", [8, 3, 2])
@pytest.mark.parametrize(
    ("n", "m", "at_most"), [(300, 100, 1), (300, 300, 2), (50, 400, 0)]
)
def test_repeated_values_of_exchangeable_rows_are_no_news(
    decimals, n, m, at_most, assert_size
):
    rng = np.random.default_rng(4)
    counts = [
        most_frequent_new_value(
            rng.normal(size=n).round(decimals),
            rng.normal(size=m).round(decimals),
            at_most,
        )
        for _ in range(1500)
    ]
    pvalue = new_atom(counts, n, m, at_most_in_reference=at_most)
    for level in (0.2, 0.05, 0.01):
        assert_size(pvalue, level)


def test_new_atom_falls_with_the_count_and_finds_a_filled_default():
    pvalue = new_atom(np.arange(60), 3000, 1000, at_most_in_reference=2)
    assert (np.diff(pvalue) <= 0).all()
    assert pvalue[0] == pvalue[1] == 1.0
    assert pvalue[50] < 1e-20
    tolerant = new_atom([50], 3000, 1000, at_most_in_reference=2, tolerance=0.05)
    assert tolerant > 0.4


def test_new_atom_is_exact_where_the_bound_is_sharp():
    # One value, all of its 3 rows current: 3 of 20 among 10 of 20, times 20 / 3.
    bound = 20 / 3 * stats.hypergeom.sf(2, 20, 3, 10)
    np.testing.assert_allclose(new_atom([3], 10, 10, at_most_in_reference=0), bound)
    assert np.isnan(new_atom([0], 0, 10, at_most_in_reference=0)).all()
