"""The interval of a realised score: formula, coverage and p-value."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from skdrift.exceptions import ParameterError
from skdrift.stats import score_interval, score_pvalue


def test_interval_equals_its_formula_and_broadcasts():
    interval = score_interval(0.8, 0.16, 1000, 5, np.array([50, 5000]), level=0.9)
    error = np.sqrt(0.16 * (1.25 / 1000 + 1 / np.array([50, 5000])))
    np.testing.assert_allclose(interval.standard_error, error)
    np.testing.assert_allclose(
        interval.high - interval.value, stats.norm.isf(0.05) * error
    )
    np.testing.assert_allclose(
        interval.value - interval.low, interval.high - interval.value
    )


@pytest.mark.parametrize(
    ("n", "folds", "m"), [(500, 5, 200), (2000, 10, 2000), (300, 5, 3000)]
)
def test_interval_covers_the_realised_score(n, folds, m):
    """Cross-validated mean against fresh rows, for a model that is a mean.

    Squared error of predicting the mean of the other folds; the final model is the
    mean of all rows.
    """
    rng = np.random.default_rng(0)
    covered = 0
    for _ in range(2000):
        y = rng.normal(size=n)
        fold = np.arange(n) % folds
        sums = np.bincount(fold, weights=y)
        sizes = np.bincount(fold)
        others = (y.sum() - sums) / (n - sizes)
        losses = (y - others[fold]) ** 2
        realised = np.mean((rng.normal(size=m) - y.mean()) ** 2)
        interval = score_interval(losses.mean(), losses.var(), n, folds, m)
        covered += interval.low <= realised <= interval.high
    assert 0.93 <= covered / 2000 <= 0.97


def test_pvalue_agrees_with_the_interval_and_is_one_sided():
    arguments = (0.8, 0.16, 1000, 5, 300)
    interval = score_interval(*arguments)
    np.testing.assert_allclose(score_pvalue(interval.low, *arguments), 0.025)
    np.testing.assert_allclose(score_pvalue(interval.high, *arguments), 0.975)
    np.testing.assert_allclose(score_pvalue(0.8, *arguments), 0.5)


def test_without_variance_the_pvalue_is_certain():
    assert score_pvalue([0.9, 1.0], 1.0, 0.0, 100, 5, 10).tolist() == [0.0, 1.0]


def test_no_rows_give_nan():
    assert np.isnan(score_interval(0.5, 0.1, 100, 5, 0).low)
    assert np.isnan(score_pvalue(0.4, 0.5, 0.1, 0, 5, 10))
    assert np.isnan(score_pvalue(np.nan, 0.5, 0.0, 10, 5, 10))


def test_arguments_out_of_their_range_are_refused():
    with pytest.raises(ParameterError, match="row_variance must be at least 0"):
        score_interval(0.5, -0.1, 100, 5, 10)
    with pytest.raises(ParameterError, match="n_folds must be at least 2"):
        score_interval(0.5, 0.1, 100, 1, 10)
    with pytest.raises(ParameterError, match="level must be in"):
        score_interval(0.5, 0.1, 100, 5, 10, level=1.0)


@pytest.mark.parametrize("freedom", [1.0, 4.0, 45.0])
def test_few_degrees_of_freedom_give_student_s_limits_and_p_values(freedom):
    law = stats.t(freedom)
    wide = score_interval(2.0, 9.0, 400, 5, 100, degrees_of_freedom=freedom)
    half = law.ppf(0.975) * wide.standard_error
    np.testing.assert_allclose([wide.low, wide.high], [2.0 - half, 2.0 + half])
    pvalue = score_pvalue(1.0, 2.0, 9.0, 400, 5, 100, degrees_of_freedom=freedom)
    np.testing.assert_allclose(pvalue, law.cdf(-1.0 / wide.standard_error))


def test_infinitely_many_degrees_of_freedom_are_the_normal_law():
    normal = score_interval(2.0, 9.0, 400, 5, 100)
    student = score_interval(2.0, 9.0, 400, 5, 100, degrees_of_freedom=1e9)
    np.testing.assert_allclose(student.low, normal.low)
