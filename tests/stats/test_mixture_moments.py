"""Laws of the test of a mixture by means."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import binom, kstest

from skdrift.exceptions import ParameterError
from skdrift.stats import mixture_moments_test

N_MOMENTS = 6
PARTS = np.repeat([0, 1, 2], 2)


def laws(n_classes, seed=0):
    rng = np.random.default_rng(seed)
    means = 0.7 * rng.normal(size=(n_classes, N_MOMENTS))
    roots = np.eye(N_MOMENTS) + 0.3 * rng.normal(size=(n_classes, N_MOMENTS, N_MOMENTS))
    return means, roots


def rows(law, shares, n, rng):
    means, roots = law
    y = rng.choice(len(means), n, p=shares)
    noise = rng.normal(size=(n, N_MOMENTS))
    return means[y] + np.einsum("nij,nj->ni", roots[y], noise), y


def known(X, y, n_classes):
    groups = [X[y == number] for number in range(n_classes)]
    return (
        [own.mean(axis=0) for own in groups],
        [np.cov(own.T) for own in groups],
        [len(own) for own in groups],
    )


def compared(training, batch, n_classes):
    sample = batch.mean(axis=0)
    return mixture_moments_test(*known(*training, n_classes), sample, len(batch), PARTS)


@pytest.mark.parametrize(
    ("was", "now", "n_rows"),
    [
        ((0.5, 0.5), (0.2, 0.8), 100),
        ((0.9, 0.1), (0.0, 1.0), 1_000),
        ((0.97, 0.03), (0.6, 0.4), 3_000),
        ((0.4, 0.3, 0.2, 0.1), (0.1, 0.2, 0.3, 0.4), 300),
    ],
)
def test_pvalues_of_mixtures_are_uniform(was, now, n_rows):
    law = laws(len(was))
    together, parts = [], []
    for seed in range(200):
        rng = np.random.default_rng([seed, n_rows])
        training = rows(law, was, 1_000, rng)
        found = compared(training, rows(law, now, n_rows, rng)[0], len(was))
        together.append(found.pvalue)
        parts.append(found.pvalues)
    for p in np.column_stack([together, parts]).T:
        assert (p <= 0.05).sum() <= binom(len(p), 0.05).ppf(0.999)
    assert kstest(together, "uniform").pvalue > 0.001


def test_classes_that_are_alike_make_the_test_no_less_exact():
    """Shares are then not determined: the statistic is smaller, not larger."""
    means, roots = laws(2)
    law = means * 0.02, roots[[0, 0]]
    pvalues = []
    for seed in range(200):
        rng = np.random.default_rng([seed, 5])
        training = rows(law, (0.8, 0.2), 1_000, rng)
        batch = rows(law, (0.5, 0.5), 500, rng)[0]
        pvalues.append(compared(training, batch, 2).pvalue)
    assert (np.array(pvalues) <= 0.05).sum() <= binom(200, 0.05).ppf(0.999)


def test_a_mean_that_no_mixture_has_is_found_and_its_part_named():
    rng = np.random.default_rng(1)
    law = laws(2)
    training = rows(law, (0.5, 0.5), 1_000, rng)
    batch = rows(law, (0.3, 0.7), 1_000, rng)[0]
    batch[:, 4] += 0.5
    found = compared(training, batch, 2)
    assert found.pvalue < 1e-6
    assert found.pvalues.argmin() == 2
    assert found.explained < 0.9


def test_shares_and_what_they_explain():
    rng = np.random.default_rng(2)
    law = laws(3)
    training = rows(law, (0.5, 0.3, 0.2), 2_000, rng)
    batch, y = rows(law, (0.2, 0.0, 0.8), 2_000, rng)
    found = compared(training, batch, 3)
    assert found.shares == pytest.approx(np.bincount(y) / len(y), abs=0.05)
    assert found.shares.sum() == pytest.approx(1.0)
    assert (found.shares >= 0).all()
    assert found.explained > 0.9
    assert N_MOMENTS - 2 <= found.freedom <= N_MOMENTS
    same = compared(training, rows(law, (0.5, 0.3, 0.2), 2_000, rng)[0], 3)
    assert np.isnan(same.explained)


def test_the_order_of_classes_and_the_scale_of_moments_do_not_matter():
    rng = np.random.default_rng(3)
    law = laws(3)
    means, covariances, sizes = map(
        np.array, known(*rows(law, (0.5, 0.3, 0.2), 500, rng), 3)
    )
    sample = rows(law, (0.2, 0.4, 0.4), 300, rng)[0].mean(axis=0)
    found = mixture_moments_test(means, covariances, sizes, sample, 300, PARTS)
    turned = mixture_moments_test(
        means[::-1], covariances[::-1], sizes[::-1], sample, 300, PARTS
    )
    scale = np.array([1.0, 10.0, 0.1, 3.0, 1.0, 0.01])
    scaled = mixture_moments_test(
        means * scale,
        covariances * np.outer(scale, scale),
        sizes,
        sample * scale,
        300,
        PARTS,
    )
    for other in (turned, scaled):
        assert other.pvalue == pytest.approx(found.pvalue, abs=1e-3)
        assert other.pvalues == pytest.approx(found.pvalues, abs=1e-2)
    assert turned.shares[::-1] == pytest.approx(found.shares, abs=1e-3)


def test_heavier_tails_ask_for_more():
    means, covariances = np.zeros((1, 2)), [np.eye(2)]
    light, heavy = (
        mixture_moments_test(means, covariances, [40], [0.6, 0.6], 40, [0, 1], tails)
        for tails in (3.0, 12.0)
    )
    assert light.statistic == heavy.statistic
    assert light.pvalue < heavy.pvalue < 1.0
    assert heavy.shares == 1.0


def test_fewer_moments_than_classes_and_hardly_a_row_test_nothing():
    eye = np.eye(2)
    few = mixture_moments_test(
        np.zeros((3, 2)), [eye] * 3, [50] * 3, [0, 0], 10, [0, 1]
    )
    assert np.isnan(few.pvalue)
    lone = mixture_moments_test(
        np.zeros((1, 9)), [np.eye(9)], [1], np.zeros(9), 10, np.arange(9)
    )
    assert np.isnan([lone.pvalue, *lone.pvalues]).all()


@pytest.mark.parametrize(
    ("changed", "match"),
    [
        ({"sizes": [50]}, "shapes"),
        ({"sample": [0.0]}, "shapes"),
        ({"sample": [np.nan, 0.0]}, "finite"),
        ({"sizes": [0, 50]}, "at least 1"),
        ({"n_rows": 0}, "at least 1"),
    ],
)
def test_what_is_no_moment_is_refused(changed, match):
    given = {
        "means": np.zeros((2, 2)),
        "covariances": [np.eye(2)] * 2,
        "sizes": [50, 50],
        "sample": [0.0, 0.0],
        "n_rows": 10,
        "parts": [0, 1],
    }
    with pytest.raises(ParameterError, match=match):
        mixture_moments_test(**(given | changed))
