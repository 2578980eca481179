"""Hotelling's statistic with a ridge: laws, level and power."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from skdrift.exceptions import ParameterError
from skdrift.stats import regularized_hotelling


def equicorrelated(d, correlation):
    return (1 - correlation) * np.eye(d) + correlation * np.ones((d, d))


def pvalues(correlation, d, repeats, *, moved=0.0, random_signs=False, **options):
    rng = np.random.default_rng(d)
    matrix = equicorrelated(d, correlation)
    z = rng.multivariate_normal(np.zeros(d), matrix, repeats, method="cholesky")
    signs = rng.choice([-1.0, 1.0], z.shape) if random_signs else 1.0
    return np.array(
        [regularized_hotelling(row, matrix, **options)[1] for row in z + moved * signs]
    )


@pytest.mark.parametrize("correlation", [0.0, 0.3, 0.7, 0.95])
@pytest.mark.parametrize("d", [5, 20, 100])
def test_size_is_the_level_under_any_correlation(correlation, d, assert_size):
    found = pvalues(correlation, d, 1500)
    for level in (0.1, 0.05, 0.01):
        assert_size(found, level)
        assert np.mean(found <= level) >= 0.5 * level


@pytest.mark.parametrize("random_signs", [True, False])
@pytest.mark.parametrize("correlation", [0.0, 0.3, 0.7, 0.95])
def test_size_at_the_border_of_the_tolerance(correlation, random_signs, assert_size):
    for moved in (0.5, 2.0):
        found = pvalues(
            correlation,
            20,
            800,
            moved=moved,
            random_signs=random_signs,
            tolerated=moved,
        )
        for level in (0.05, 0.01):
            assert_size(found, level)


@pytest.mark.parametrize(
    ("d", "moved", "correlation", "least"),
    [(20, 1.5, 0.0, 0.95), (100, 1.0, 0.0, 0.98), (20, 1.5, 0.7, 0.98)],
)
def test_many_small_moves_are_found_that_none_shows(d, moved, correlation, least):
    found = pvalues(correlation, d, 400, moved=moved, random_signs=True)
    assert np.mean(found <= 0.01) >= least
    assert 2 * d * stats.norm.sf(moved) > 1.0  # by Bonferroni none is found


@pytest.mark.parametrize(("d", "n"), [(60, 300), (200, 800)])
def test_a_correlation_of_few_rows_keeps_the_level(d, n, assert_size):
    rng = np.random.default_rng(n)
    found = []
    for _ in range(10):
        estimate = np.corrcoef(rng.normal(size=(n, d)), rowvar=False)
        found += [
            regularized_hotelling(z, estimate, n_rows=n)[1]
            for z in rng.normal(size=(20, d))
        ]
    assert_size(np.array(found), 0.05)
    assert stats.kstest(found, "uniform").pvalue > 1e-3


def test_order_and_signs_of_the_columns_do_not_matter():
    rng = np.random.default_rng(1)
    rows = rng.normal(size=(50, 6)) @ rng.normal(size=(6, 6))
    matrix, z = np.corrcoef(rows, rowvar=False), rng.normal(size=6)
    limits = rng.random(6)
    expected = regularized_hotelling(z, matrix, tolerated=limits)
    order, signs = rng.permutation(6), rng.choice([-1.0, 1.0], 6)
    turned = matrix * np.outer(signs, signs)
    for other in (
        regularized_hotelling(
            z[order], matrix[np.ix_(order, order)], tolerated=limits[order]
        ),
        regularized_hotelling(z * signs, turned, tolerated=limits),
    ):
        np.testing.assert_allclose(other, expected, rtol=1e-9)


def test_evidence_falls_with_the_tolerance():
    z, matrix = np.full(10, 2.0), equicorrelated(10, 0.2)
    found = [
        regularized_hotelling(z, matrix, tolerated=t)[1]
        for t in (0, 0.1, 0.5, 2.0, 9.0)
    ]
    assert (np.diff(found) >= 0).all()
    assert found[0] < 0.05 < found[-1]


def test_no_column_is_no_evidence():
    assert regularized_hotelling([], np.empty((0, 0))) == (0.0, 1.0)


@pytest.mark.parametrize("shape", [(3, 2), (2, 2), (9,)])
def test_shapes_that_do_not_fit_are_refused(shape):
    with pytest.raises(ParameterError, match=r"correlation \(d, d\)"):
        regularized_hotelling([0.0] * 3, np.ones(shape))


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_values_that_are_not_finite_are_refused(bad):
    with pytest.raises(ParameterError, match="finite"):
        regularized_hotelling([bad, 0.0], np.eye(2))
