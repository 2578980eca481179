"""Family-wise error of weighted Holm with Tarone's rule, combined p-values."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import stats

from skdrift.exceptions import ParameterError
from skdrift.stats import combine_pvalues, rate_change, weighted_holm

PROBABILITIES = arrays(
    float,
    st.integers(1, 12),
    elements=st.just(0.0) | st.floats(1e-30, 1.0),
)


def holm_by_definition(pvalues, weights, alpha):
    """Reject one hypothesis after the other; the set that is rejected."""
    remaining, rejected = set(range(len(pvalues))), set()
    while remaining:
        total = sum(weights[i] for i in remaining)
        best = min(remaining, key=lambda i: pvalues[i] / weights[i])
        if pvalues[best] > alpha * weights[best] / total:
            break
        rejected.add(best)
        remaining.remove(best)
    return rejected


@given(PROBABILITIES, st.integers(0, 10_000), st.sampled_from([0.01, 0.05, 0.3]))
def test_rejections_are_those_of_the_definition(pvalues, seed, alpha):
    pvalues = pvalues**3
    weights = np.random.default_rng(seed).uniform(0.1, 3.0, pvalues.size)
    adjusted = weighted_holm(pvalues, weights, alpha=alpha)
    clear = np.abs(adjusted / alpha - 1) > 1e-9
    rejected = holm_by_definition(pvalues, weights, alpha)
    for i in np.flatnonzero(clear):
        assert (adjusted[i] <= alpha) == (i in rejected)


@given(PROBABILITIES, st.floats(0.5, 100.0))
def test_only_proportions_of_weights_matter_and_order_does_not(pvalues, factor):
    weights = np.linspace(1.0, 2.0, pvalues.size)
    adjusted = weighted_holm(pvalues, weights, alpha=0.05)
    np.testing.assert_allclose(
        weighted_holm(pvalues, factor * weights, alpha=0.05), adjusted
    )
    np.testing.assert_allclose(
        weighted_holm(pvalues[::-1], weights[::-1], alpha=0.05)[::-1], adjusted
    )
    assert (adjusted >= pvalues).all()


def tarone_by_definition(smallest, weights, alpha):
    """Members of the smallest W that holds the weight of its family."""
    limits = np.array(
        [
            alpha * w / s if s > 0 else np.inf
            for s, w in zip(smallest, weights, strict=True)
        ]
    )
    for total in np.sort(np.concatenate([np.cumsum(np.sort(weights)), limits, [1e-9]])):
        for candidate in (total, total * (1 + 1e-9)):
            family = limits >= candidate
            if np.isfinite(candidate) and weights[family].sum() <= candidate * (
                1 + 1e-12
            ):
                return family
    return np.isinf(limits)


@given(PROBABILITIES, st.booleans())
def test_family_is_the_one_of_tarones_rule(smallest, equal):
    smallest = np.where(smallest < 0.3, 0.0, smallest**4)
    weights = np.ones(smallest.size) if equal else np.linspace(1.0, 3.0, smallest.size)
    alpha = 0.05
    adjusted = weighted_holm(
        np.zeros(smallest.size), weights, smallest=smallest, alpha=alpha
    )
    family = tarone_by_definition(smallest, weights, alpha)
    weight = weights[family].sum()
    np.testing.assert_array_equal(adjusted == 1.0, ~family)
    assert (smallest[family] <= alpha * weights[family] / max(weight, 1e-300)).all()


def test_idle_hypotheses_cost_nothing():
    pvalues = np.append([0.02, 0.011], np.ones(40))
    smallest = np.append([0.0, 0.0], np.ones(40))
    weights = np.ones(42)
    kept = weighted_holm(pvalues, weights, smallest=smallest, alpha=0.05)
    np.testing.assert_allclose(kept[:2], [0.022, 0.022])
    assert (kept[2:] == 1.0).all()
    assert (weighted_holm(pvalues, weights, alpha=0.05)[:2] > 0.05).all()


def test_nan_leaves_the_family_and_stays():
    adjusted = weighted_holm([0.01, np.nan, 0.04], [1, 5, 1], alpha=0.05)
    np.testing.assert_allclose(adjusted, [0.02, np.nan, 0.04])
    assert np.isnan(weighted_holm([np.nan], [1], smallest=[0.5], alpha=0.05)).all()
    assert weighted_holm([], [], alpha=0.05).shape == (0,)


@pytest.mark.parametrize("correlation", [0.0, 0.7, 0.99])
def test_family_wise_error_is_at_most_alpha(correlation, assert_size):
    rng = np.random.default_rng(0)
    common = rng.normal(size=(6000, 1))
    z = np.sqrt(correlation) * common + np.sqrt(1 - correlation) * rng.normal(
        size=(6000, 15)
    )
    pvalues = 2 * stats.norm.sf(np.abs(z))
    # Three false hypotheses, which Holm may use up first.
    pvalues[:, :3] = 1e-9
    weights = np.append(np.full(9, 4.0), np.full(6, 0.5))
    smallest_adjusted = [
        weighted_holm(row, weights, alpha=0.05)[3:].min() for row in pvalues
    ]
    assert_size(np.array(smallest_adjusted), 0.05)


def test_family_wise_error_with_discrete_pvalues_is_at_most_alpha(assert_size):
    rng = np.random.default_rng(1)
    rates = np.array([0.0, 0.0003, 0.001, 0.003, 0.01, 0.05, 0.0005, 0.002])
    minima = []
    for _ in range(3000):
        test = rate_change(
            rng.binomial(1000, rates),
            1000,
            rng.binomial(300, rates),
            300,
            tolerance=0.0,
        )
        adjusted = weighted_holm(
            test.pvalue, np.linspace(1, 2, 8), smallest=test.smallest, alpha=0.05
        )
        minima.append(adjusted.min())
    assert_size(np.array(minima), 0.05)


def test_arguments_out_of_their_range_are_refused():
    with pytest.raises(ParameterError, match=r"weights must be positive, got \[0\.0\]"):
        weighted_holm([0.1, 0.2], [1.0, 0.0], alpha=0.05)
    with pytest.raises(ParameterError, match="alpha must be in"):
        weighted_holm([0.1], [1.0], alpha=0.0)
    with pytest.raises(ParameterError, match="one length"):
        weighted_holm([0.1], [1.0, 2.0], alpha=0.05)
    with pytest.raises(ParameterError, match="smallest must have the shape"):
        weighted_holm([0.1], [1.0], smallest=[0.1, 0.2], alpha=0.05)
    with pytest.raises(ParameterError, match="pvalues must have shape"):
        combine_pvalues([0.1, 0.2])


@pytest.mark.parametrize("k", [2, 3])
@pytest.mark.parametrize("correlation", [0.0, 0.5, 0.9, 1.0])
def test_combined_pvalue_holds_its_level(k, correlation, assert_size):
    rng = np.random.default_rng(2)
    common = rng.normal(size=(1, 200_000))
    z = np.sqrt(correlation) * common
    z = z + np.sqrt(1 - correlation) * rng.normal(size=(k, 200_000))
    combined = combine_pvalues(2 * stats.norm.sf(np.abs(z)))
    for level in (0.05, 0.01, 0.001, 0.0001):
        assert_size(combined, level, slack=1.03 if level == 0.05 else 1.0)


def test_combined_pvalue_is_between_the_least_and_bonferroni_for_small_ones():
    p = np.array([[1e-20, 1e-6, 0.001, 0.02], [1.0, 0.3, 0.001, 0.04]])
    combined = combine_pvalues(p)
    assert (combined > p.min(axis=0)).all()
    assert (combined <= 2.2 * p.min(axis=0)).all()
    assert combined[2] < 1.1 * p[0, 2]


def test_combination_of_one_and_of_nan():
    np.testing.assert_array_equal(combine_pvalues([[0.2, 0.0]]), [0.2, 0.0])
    assert np.isnan(combine_pvalues([[np.nan], [0.01]])).all()
    assert combine_pvalues([[0.0], [1.0]]) < 1e-290
    assert combine_pvalues([[1.0], [1.0]]) == 1.0
