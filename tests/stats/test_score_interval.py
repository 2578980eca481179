"""The interval of a realised score: formula, coverage and p-value."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import special, stats

from skdrift.exceptions import ParameterError
from skdrift.stats import score_interval, score_pvalue
from skdrift.stats.scores import normal_deviate, pearson_deviate


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


# --- skewed rows --------------------------------------------------------------


@pytest.mark.parametrize("skewness", [-4.0, -0.8, -1.1e-4, 1e-3, 0.5, 1.0])
def test_the_pearson_law_is_scipy_s_and_its_inverse_undoes_it(skewness):
    z = np.array([-2.5, -2.0, -0.5, 0.0, 1.0, 2.0])
    at = pearson_deviate(z, np.float64(skewness))
    np.testing.assert_allclose(
        stats.pearson3(skewness).cdf(at), special.ndtr(z), rtol=1e-5
    )
    np.testing.assert_allclose(normal_deviate(at, np.float64(skewness)), z, atol=1e-6)


def test_beyond_the_end_of_the_pearson_law_there_is_nothing():
    z = normal_deviate(np.array([-2.1, 2.1]), np.array([1.0, -1.0]))
    assert z.tolist() == [-np.inf, np.inf]


def test_without_skewness_the_law_is_the_one_without():
    arguments = (2.0, 9.0, 400, 5, 100)
    for skewness in (0.0, 1e-9, -1e-9):
        interval = score_interval(*arguments, 12.0, row_skewness=skewness)
        plain = score_interval(*arguments, 12.0)
        np.testing.assert_allclose(
            [interval.low, interval.high], [plain.low, plain.high]
        )
        pvalue = score_pvalue(
            1.0, *arguments, degrees_of_freedom=12.0, row_skewness=skewness
        )
        plain = score_pvalue(1.0, *arguments, degrees_of_freedom=12.0)
        np.testing.assert_allclose(pvalue, plain)


@pytest.mark.parametrize("skewness", [-1e3, -8.0, -2.0, 2.0, 8.0, 1e3])
@pytest.mark.parametrize(("n", "m"), [(300, 1), (300, 30), (300, 10_000), (30, 30)])
@pytest.mark.parametrize("freedom", [5.0, np.inf])
def test_limits_of_skewed_rows_have_the_two_halves_of_the_rest(skewness, n, m, freedom):
    arguments = (-1.0, 2.0, n, 5, m)
    interval = score_interval(*arguments, freedom, row_skewness=skewness)
    assert interval.low < interval.high
    for limit, half in ((interval.low, 0.025), (interval.high, 0.975)):
        pvalue = score_pvalue(
            limit, *arguments, degrees_of_freedom=freedom, row_skewness=skewness
        )
        np.testing.assert_allclose(pvalue, half, rtol=1e-3)


def test_skewness_turned_round_turns_the_interval_round():
    up = score_interval(0.0, 1.0, 300, 5, 50, 40.0, row_skewness=2.0)
    down = score_interval(0.0, 1.0, 300, 5, 50, 40.0, row_skewness=-2.0)
    np.testing.assert_allclose([up.low, up.high], [-down.high, -down.low])


@pytest.mark.parametrize("m", [1, 3])
def test_a_single_row_of_scores_with_rare_high_ones_is_no_certainty(m, assert_size):
    rng = np.random.default_rng(m)
    scores = rng.exponential(size=(20_000, m)).mean(axis=1)
    pvalues = score_pvalue(scores, 1.0, 1.0, 300, 5, m, row_skewness=2.5)
    assert_size(pvalues, 0.002)
    assert_size(pvalues, 0.05)


def test_a_long_tail_of_losses_asks_for_more_before_it_is_news():
    arguments = (-2.0, -1.0, 2.0, 3000, 5, 30)
    pvalues = score_pvalue(*arguments, row_skewness=[-2.8, 0.0, 2.8])
    assert (np.diff(pvalues) < 0).all()


def _pvalues_of_losses(losses, n, m, trials):
    """By the functions, with the moments of the reference rows; and normal ones."""
    known, realised = -losses((trials, n)), -losses((trials, m)).mean(axis=1)
    centred = known - known.mean(axis=1, keepdims=True)
    second, third, fourth = ((centred**power).mean(axis=1) for power in (2, 3, 4))
    arguments = (realised, known.mean(axis=1), second * n / (n - 1), n, 1e13, m)
    freedom = np.minimum(2 * n / (fourth / second**2 - 1), n - 1)
    skewed = score_pvalue(
        *arguments, degrees_of_freedom=freedom, row_skewness=third / second**1.5
    )
    return skewed, score_pvalue(*arguments)


LOSSES = {
    "squared normal": lambda rng, size: rng.normal(size=size) ** 2,
    "absolute normal": lambda rng, size: np.abs(rng.normal(size=size)),
    "exponential": lambda rng, size: rng.exponential(size=size),
    "the larger the better": lambda rng, size: -rng.exponential(size=size),
}


@pytest.mark.parametrize("name", LOSSES)
@pytest.mark.parametrize(("n", "m"), [(300, 30), (300, 1000), (3000, 100)])
def test_pvalues_of_skewed_losses_are_uniform_and_keep_small_levels(
    name, n, m, assert_size
):
    rng = np.random.default_rng(n + m)
    trials = 4_000
    parts = [
        _pvalues_of_losses(lambda size: LOSSES[name](rng, size), n, m, 500)
        for _ in range(trials // 500)
    ]
    skewed, _ = (np.concatenate(part) for part in zip(*parts, strict=True))
    assert_size(skewed, 0.002, slack=2.0)
    assert_size(skewed, 0.05, slack=1.2)
    for level in (0.05, 0.25, 0.5, 0.75, 0.95):
        assert abs((skewed <= level).mean() - level) < 0.025


def test_the_normal_law_is_too_ready_to_alarm_where_the_skewed_one_is_not():
    rng = np.random.default_rng(0)
    skewed, normal = _pvalues_of_losses(
        lambda size: rng.normal(size=size) ** 2, 1000, 30, 4_000
    )
    assert (normal <= 0.002).mean() > 0.006
    assert (skewed <= 0.002).mean() < 0.004
