"""Label shift is rejected as rarely as promised, and other shifts more often."""

from __future__ import annotations

import numpy as np
import pytest
from measure_label_shift import (
    LEVELS,
    MODELS,
    SIZES,
    SMALL_TREE,
    drawn,
    estimated,
    fitted,
    moved,
)
from scipy.stats import binom, kstest
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis

from skdrift.stats import mixture_test

FITS = 9
FITS_OF_POWER = 10
SEEN = [
    ("all rows, two columns by 0.5", (0.5, 0.5), 0.9),
    ("all rows, two columns by 0.5", (0.25, 0.25, 0.25, 0.25), 0.7),
    ("one class, two columns by 0.5", (0.5, 0.5), 0.9),
    ("one class, two columns by 1.0", (0.25, 0.25, 0.25, 0.25), 0.9),
]
TABLES = ((0.3, 0.25, 0.2, 0.15, 0.05, 0.05), (0.05, 0.05, 0.15, 0.2, 0.25, 0.3))


@pytest.mark.slow
@pytest.mark.parametrize("shares", [(0.5, 0.5), (0.1, 0.9), (0.01, 0.99)])
@pytest.mark.parametrize("n_rows", SIZES)
def test_pvalues_of_mixtures_are_uniform(shares, n_rows):
    rng = np.random.default_rng([n_rows, int(100 * shares[0])])
    laws = np.array(TABLES)
    pvalues = []
    for _ in range(100):
        sizes = rng.multinomial(500, [0.9, 0.1])
        tables = [rng.multinomial(n, p) for n, p in zip(sizes, laws, strict=True)]
        counts = rng.multinomial(n_rows, np.array(shares) @ laws)
        pvalues.append(mixture_test(tables, counts, n_draws=99, rng=rng).pvalue)
    p = np.array(pvalues)
    assert kstest(p - rng.uniform(0, 0.01, len(p)), "uniform").pvalue > 0.001
    for level in (0.05, 0.2):
        assert (p <= level).sum() <= binom(len(p), level).ppf(0.999)


@pytest.mark.slow
@pytest.mark.parametrize(("was", "now"), LEVELS)
def test_pvalues_are_uniform_where_only_priors_move(was, now):
    """A small tree's answers differ from fold to fold; it takes no part in the test."""
    pvalues = []
    for seed in range(FITS):
        rng = np.random.default_rng([seed, 17])
        wrapped = fitted(SMALL_TREE["tree of depth 3"], *drawn(was, 2_000, rng))
        for size in SIZES:
            pvalues.append(estimated(wrapped, drawn(now, size, rng)[0]).pvalue)
    for p in np.array(pvalues).reshape(FITS, len(SIZES)).T:
        assert (p <= 0.05).sum() <= binom(FITS, 0.05).ppf(0.999)
        assert (p <= 0.5).sum() <= binom(FITS, 0.5).ppf(0.999)
        assert (p <= 0.5).sum() >= binom(FITS, 0.5).ppf(0.001)


@pytest.mark.slow
def test_the_interval_covers_and_the_error_is_a_fraction_of_that_of_no_change():
    covered, errors = [], []
    for seed in range(FITS):
        rng = np.random.default_rng([seed, 19])
        wrapped = fitted(MODELS["LogisticRegression"], *drawn((0.9, 0.1), 2_000, rng))
        X, y = drawn((0.7, 0.3), 1_000, rng)
        found = estimated(wrapped, X)
        covered.append(found.low[1] <= 0.3 <= found.high[1])
        errors.append(abs(found.priors[1] - y.mean()))
    assert np.mean(errors) < 0.1 * 0.2
    # At least as often as a coverage of 93 % would give in 99.9 % of such runs.
    assert np.sum(covered) >= binom(FITS, 0.93).ppf(0.001)


@pytest.mark.slow
def test_a_spread_of_all_rows_is_not_taken_for_label_shift():
    n = 0
    for seed in range(FITS):
        rng = np.random.default_rng([seed, 23])
        wrapped = fitted(MODELS["LogisticRegression"], *drawn((0.5, 0.5), 2_000, rng))
        X, y = drawn((0.5, 0.5), 1_000, rng)
        n += estimated(wrapped, moved(X, y, "all rows, spread by 1.5")).pvalue <= 0.05
    assert n >= 0.7 * FITS


@pytest.mark.slow
@pytest.mark.parametrize(("kind", "priors", "least"), SEEN)
def test_columns_that_moved_are_not_taken_for_label_shift(kind, priors, least):
    n = 0
    for seed in range(FITS_OF_POWER):
        rng = np.random.default_rng([seed, 31])
        wrapped = fitted(MODELS["LogisticRegression"], *drawn(priors, 2_000, rng))
        X, y = drawn(priors, 1_000, rng)
        n += estimated(wrapped, moved(X, y, kind)).pvalue <= 0.05
    assert n >= least * FITS_OF_POWER


def test_the_pvalue_does_not_depend_on_the_model():
    rng = np.random.default_rng(37)
    X, y = drawn((0.9, 0.1), 600, rng)
    later = drawn((0.7, 0.3), 300, rng)[0]
    models = (MODELS["LogisticRegression"], SMALL_TREE["tree of depth 3"])
    first, second = (estimated(fitted(own, X, y), later) for own in models)
    assert first.pvalue == second.pvalue
    assert first.priors != second.priors


@pytest.mark.slow
def test_columns_chosen_by_labels_of_training_do_not_spoil_the_level():
    """Of 150 columns, of which 147 are noise, 30 are chosen by some of the rows."""
    pvalues = []
    for seed in range(FITS):
        rng = np.random.default_rng([seed, 41])
        X, y = drawn((0.5, 0.5), 1_000, rng)
        later = drawn((0.1, 0.9), 1_000, rng)[0]
        X = np.hstack([X[:, :3], rng.normal(size=(1_000, 147))])
        later = np.hstack([later[:, :3], rng.normal(size=(1_000, 147))])
        model = LinearDiscriminantAnalysis(solver="lsqr", shrinkage=0.5)
        pvalues.append(estimated(fitted(model, X, y), later).pvalue)
    assert (np.array(pvalues) <= 0.05).sum() <= binom(FITS, 0.05).ppf(0.999)
