"""Laws that every statistic of ordered cells obeys, and their oracles."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from scipy import stats

from skdrift.exceptions import ParameterError
from skdrift.stats import (
    anderson_darling,
    distribution_change,
    kolmogorov_smirnov,
    smooth,
)
from skdrift.stats.anderson import _eigenvalues
from skdrift.stats.pooled import PooledSample

TESTS = {
    "anderson_darling": anderson_darling,
    "smooth": smooth,
    "distribution_change": distribution_change,
    "kolmogorov_smirnov": kolmogorov_smirnov,
}
FORMS = {
    "continuous": lambda rng, size: rng.normal(size=size),
    "rounded": lambda rng, size: rng.normal(size=size).round(1),
    "counts": lambda rng, size: rng.poisson(0.4, size=size).astype(float),
    "mostly zero": lambda rng, size: np.where(
        rng.random(size) < 0.8, 0.0, rng.exponential(size=size)
    ),
}


def answer(function, reference, current, **options):
    result = function(reference, current, **options)
    if function is kolmogorov_smirnov:
        return np.stack([result.value, result.low, result.high, result.pvalue])
    return np.stack([result.statistic, result.pvalue])


@pytest.fixture(params=FORMS)
def counts(request, counts_of_values):
    rng = np.random.default_rng(sum(map(ord, request.param)))
    x = FORMS[request.param](rng, 300)
    y = FORMS[request.param](rng, 120)
    return counts_of_values(
        x, y + (request.param == "counts") * (rng.random(120) < 0.1)
    )


@pytest.fixture(params=TESTS)
def function(request):
    return TESTS[request.param]


@pytest.mark.parametrize("tolerance", [0.0, 0.02])
def test_empty_cells_change_nothing(function, counts, tolerance):
    rng = np.random.default_rng(1)
    places = np.sort(rng.integers(0, counts[0].shape[1] + 1, size=50))
    padded = [np.insert(c, places, 0, axis=1) for c in counts]
    np.testing.assert_allclose(
        answer(function, *padded, tolerance=tolerance),
        answer(function, *counts, tolerance=tolerance),
        rtol=1e-7,
    )


@pytest.mark.parametrize("tolerance", [0.0, 0.02])
def test_samples_can_be_swapped(function, counts, tolerance):
    np.testing.assert_allclose(
        answer(function, *counts, tolerance=tolerance),
        answer(function, *counts[::-1], tolerance=tolerance),
        rtol=1e-7,
    )


def test_order_of_cells_can_be_reversed(function, counts):
    mirrored = [c[:, ::-1] for c in counts]
    np.testing.assert_allclose(
        answer(function, *mirrored), answer(function, *counts), rtol=1e-7
    )


def test_direction_turns_with_the_samples_and_with_the_order(counts):
    seen = kolmogorov_smirnov(*counts).direction
    assert seen != 0
    assert kolmogorov_smirnov(*counts[::-1]).direction == -seen
    assert kolmogorov_smirnov(*(c[:, ::-1] for c in counts)).direction == -seen


def test_current_sample_that_is_higher_has_direction_one(counts_of_values):
    assert kolmogorov_smirnov(*counts_of_values([1.0, 2.0], [3.0, 4.0])).direction == 1


def test_features_do_not_touch_each_other(function):
    rng = np.random.default_rng(2)
    reference = rng.integers(0, 9, size=(6, 12))
    current = rng.integers(0, 9, size=(6, 12))
    reference[2] = 0
    together = answer(function, reference, current)
    apart = [
        answer(function, reference[i : i + 1], current[i : i + 1]) for i in range(6)
    ]
    np.testing.assert_allclose(together, np.hstack(apart), rtol=1e-9)


def test_no_rows_give_nan_and_no_warning(function):
    empty, some = np.zeros((1, 4), dtype=int), np.array([[1, 0, 5, 2]])
    for pair in ((empty, some), (some, empty), (empty, empty)):
        assert np.isnan(answer(function, *pair)).all()
    assert answer(function, empty[:0], some[:0]).shape[1] == 0


def test_one_occupied_cell_is_no_evidence(function):
    result = answer(function, [[0, 7, 0]], [[0, 3, 0]])
    assert result[0] == 0.0
    assert result[-1] == 1.0


def test_equal_proportions_are_no_evidence(function):
    result = answer(function, [[10, 20, 30]], [[1, 2, 3]])
    np.testing.assert_allclose(result[0], 0.0, atol=1e-12)
    np.testing.assert_allclose(result[-1], 1.0, atol=1e-3)


def test_evidence_grows_with_the_shift(function):
    cells = np.arange(64)
    tables = [
        np.floor(5_000 * stats.norm.pdf((cells - 32 - s) / 8) / 8) for s in range(8)
    ]
    pvalues = [answer(function, tables[0][None], t[None])[-1, 0] for t in tables]
    assert (np.diff(pvalues) < 0).all()
    assert pvalues[0] == pytest.approx(1.0, abs=1e-3)


def test_evidence_falls_with_the_tolerance(function, counts):
    pvalues = [
        answer(function, *counts, tolerance=t)[-1, 0]
        for t in (0, 0.001, 0.01, 0.05, 0.3)
    ]
    assert (np.diff(pvalues) >= -1e-6).all()


def test_overwhelming_evidence_does_not_underflow(function):
    result = answer(function, [[500, 0]], [[0, 500]])
    assert 0.0 < result[-1, 0] < 1e-30


@pytest.mark.parametrize(
    "bad", [[[1, -1]], [[0.5, 1.0]], [[np.nan, 1.0]], [["1", "2"]]]
)
def test_counts_that_are_no_counts_are_refused(function, bad):
    with pytest.raises(ParameterError, match="reference must hold whole numbers"):
        function(bad, [[1, 2]])


@pytest.mark.parametrize("shape", [(2,), (1, 3), (2, 2), (1, 1, 2)])
def test_shapes_that_do_not_fit_are_refused(function, shape):
    with pytest.raises(ParameterError, match="shape"):
        function([[1, 2]], np.ones(shape, dtype=int))


@pytest.mark.parametrize("tolerance", [-0.1, 1.0, np.nan])
def test_tolerance_out_of_its_range_is_refused(function, tolerance):
    with pytest.raises(ParameterError, match="tolerance must be"):
        function([[1, 2]], [[2, 1]], tolerance=tolerance)


def midrank_statistic(x, y):
    """Undo the normalisation of `scipy.stats.anderson_ksamp`.

    Scholz and Stephens (1987), equations 5 and 6.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        normalised = stats.anderson_ksamp([x, y], variant="midrank").statistic
    total, inverse = x.size + y.size, 1 / x.size + 1 / y.size
    h = (1 / np.arange(1, total)).sum()
    g = sum(
        (1 / ((total - i) * np.arange(i + 1, total))).sum() for i in range(1, total - 1)
    )
    a = (4 * g - 6) + (10 - 6 * g) * inverse
    b = (2 * g - 4) * 4 + 16 * h + (2 * g - 14 * h - 4) * inverse - 8 * h + 4 * g - 6
    c = (
        (6 * h + 2 * g - 2) * 4
        + (4 * h - 4 * g + 6) * 2
        + (2 * h - 6) * inverse
        + 4 * h
    )
    d = (2 * h + 6) * 4 - 8 * h
    variance = (a * total**3 + b * total**2 + c * total + d) / (
        (total - 1) * (total - 2) * (total - 3)
    )
    return normalised * np.sqrt(variance) + 1.0


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(("n", "m"), [(30, 30), (200, 45)])
def test_anderson_darling_equals_scipy_midrank(form, n, m, counts_of_values):
    rng = np.random.default_rng(n + m)
    x, y = FORMS[form](rng, n), FORMS[form](rng, m)
    np.testing.assert_allclose(
        anderson_darling(*counts_of_values(x, y)).statistic, midrank_statistic(x, y)
    )


@pytest.mark.parametrize("form", FORMS)
def test_kolmogorov_smirnov_equals_scipy(form, counts_of_values):
    rng = np.random.default_rng(3)
    x, y = FORMS[form](rng, 400), FORMS[form](rng, 300) * 1.2
    effect = kolmogorov_smirnov(*counts_of_values(x, y))
    scipy = stats.ks_2samp(x, y, method="asymp")
    np.testing.assert_allclose(effect.value, scipy.statistic)
    np.testing.assert_allclose(effect.pvalue, scipy.pvalue, atol=0.03)


def test_kolmogorov_smirnov_interval_holds_the_truth():
    rng = np.random.default_rng(4)
    cells = np.arange(200)
    p, q = (stats.norm.pdf((cells - 100 - s) / 25) for s in (0, 8))
    p, q = p / p.sum(), q / q.sum()
    truth = np.abs(np.cumsum(p - q)).max()
    effect = kolmogorov_smirnov(
        rng.multinomial(3000, p, 4000), rng.multinomial(500, q, 4000)
    )
    covered = np.mean((effect.low <= truth) & (truth <= effect.high))
    assert 0.94 <= covered <= 0.995


def test_leading_eigenvalues_equal_those_of_the_full_matrix():
    rng = np.random.default_rng(5)
    for n_cells, concentration in ((2, 1.0), (5, 0.5), (30, 0.1), (60, 3.0)):
        h = rng.dirichlet(np.full(n_cells, concentration))
        pooled = PooledSample.of(
            rng.multinomial(900, h, 1).astype(float), rng.multinomial(400, h, 1) * 1.0
        )
        used = pooled.variance[0] > 0
        below, share = pooled.below[0][used], pooled.share[0][used]
        variance = pooled.variance[0][used]
        covariance = np.minimum.outer(below, below) - np.outer(below, below)
        np.fill_diagonal(covariance, variance)
        weight = share / variance
        full = np.linalg.eigvalsh(np.sqrt(np.outer(weight, weight)) * covariance)[::-1]
        ratio = np.divide(
            pooled.share,
            pooled.variance,
            out=np.zeros_like(pooled.share),
            where=pooled.variance > 0,
        )
        leading = _eigenvalues(pooled, ratio)[0]
        first = min(2, full.size)
        np.testing.assert_allclose(leading[:first], full[:first], rtol=3e-3, atol=1e-8)


@pytest.mark.parametrize("function", [anderson_darling, smooth])
@pytest.mark.parametrize("form", FORMS)
def test_pvalue_equals_that_of_random_splits(function, form, counts_of_values):
    rng = np.random.default_rng(6)
    pooled = FORMS[form](rng, 240)
    table = counts_of_values(pooled)[0][0]
    splits = rng.multivariate_hypergeometric(table, 90, size=10_000)
    null = function(table - splits, splits)
    for level in (0.2, 0.05, 0.01):
        chosen = np.argsort(null.statistic)[-int(level * 10_000)]
        assert null.pvalue[chosen] == pytest.approx(level, rel=0.2, abs=0.01)
