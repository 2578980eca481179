"""What the folds promise: one law for the interval and the p-value."""

from __future__ import annotations

import pickle
from typing import Any

import numpy as np
import pytest
from scipy import stats
from sklearn.linear_model import Ridge
from sklearn.metrics import get_scorer
from sklearn.model_selection import KFold, LeaveOneOut
from sklearn.naive_bayes import GaussianNB

from skdrift.performance._cross_validation import FoldResult, cross_validate_folds
from skdrift.performance._expectation import (
    LEAST_ROWS,
    FoldScores,
    expected_score,
    fold_scores,
    realised_pvalue,
)
from skdrift.performance._row_scores import RowScores

RNG = np.random.default_rng(0)
X = RNG.normal(size=(400, 3))
BINARY = (X[:, 0] + 0.7 * RNG.normal(size=400) > 0).astype(int)
VALUES = X @ [1.0, -1.0, 0.5] + RNG.normal(size=400)


def learned(model: Any, y: np.ndarray, scorer: Any, cv: Any = None) -> FoldScores:
    use = get_scorer(scorer)
    results = cross_validate_folds(
        model,
        X[: len(y)],
        y,
        list((cv or KFold(5)).split(X[: len(y)])),
        {"score": use},
        fit_params={},
        score_params={},
        n_jobs=None,
        seed=0,
    )
    return fold_scores("score", list(results))


def one_fold(values: Any, **changes: Any) -> FoldResult:
    values = np.asarray(values, dtype=np.float64)
    rows = RowScores(values=values, **changes)
    score = float(values.mean())
    return FoldResult({"s": score}, {"s": 0.5}, 4, len(values), None, {}, {"s": rows})


SKEWED = [
    (Ridge(), VALUES, "r2"),
    (Ridge(), VALUES, "neg_mean_squared_error"),
    (Ridge(), VALUES, "neg_root_mean_squared_error"),
    (GaussianNB(), BINARY, "neg_log_loss"),
]


@pytest.mark.parametrize(("model", "y", "scorer"), SKEWED)
@pytest.mark.parametrize("m", [5, 30, 1_000])
def test_limits_leave_the_two_halves_of_the_rest(
    model: Any, y: np.ndarray, scorer: str, m: int
) -> None:
    score = learned(model, y, scorer)
    assert score.row_skewness != 0
    promise = expected_score(score, m, 0.9)
    assert promise.low < promise.value < promise.high
    assert realised_pvalue(score, promise.low, m) == pytest.approx(0.05)
    assert realised_pvalue(score, promise.high, m) == pytest.approx(0.95)


@pytest.mark.parametrize("m", [1, 5, 30, 1_000])
def test_a_share_below_its_lower_limit_and_only_that_has_at_most_half_the_rest(
    m: int,
) -> None:
    score = learned(GaussianNB(), BINARY, "accuracy")
    promise = expected_score(score, m, 0.9)
    for wrong in range(m + 1):
        realised = 1.0 - wrong / m
        below = realised < promise.low - 1e-12
        assert below == (realised_pvalue(score, realised, m) <= 0.05)


def test_long_tails_of_losses_reach_further_down_than_up() -> None:
    score = learned(Ridge(), VALUES, "neg_mean_squared_error")
    promise = expected_score(score, 30, 0.95)
    assert promise.value - promise.low > 1.2 * (promise.high - promise.value)


def test_one_error_of_a_faultless_model_is_no_certainty() -> None:
    score = learned(GaussianNB(), (X[:, 0] > 5).astype(int), "accuracy")
    assert score.value == 1.0
    n = 400 * 4 / 5
    for m in (1, 20):
        expected = m / (n + m)
        assert realised_pvalue(score, 1 - 1 / m, m) == pytest.approx(expected)
        assert realised_pvalue(score, 1.0, m) == 1.0


def test_moments_are_those_of_all_rows_together() -> None:
    values = -RNG.exponential(size=300)
    results = [one_fold(part) for part in np.split(values, [100, 150])]
    score = fold_scores("s", results)
    assert score.row_variance == pytest.approx(values.var(ddof=1))
    assert score.row_skewness == pytest.approx(stats.skew(values, bias=False))
    kurtosis = stats.kurtosis(values, fisher=False)
    assert score.degrees_of_freedom == pytest.approx(600 / (kurtosis - 1))
    assert score.n_rows == 300


def test_the_bias_of_folds_goes_off_and_that_of_the_batch_on() -> None:
    values = RNG.normal(size=200)
    results = [one_fold(part, bias=3.0) for part in np.split(values, 2)]
    score = fold_scores("s", results)
    for m in (20, 100, 5_000):
        promise = expected_score(score, m, 1e-6)
        shift = 3.0 * (1 / m - 1 / 100)
        middle = promise.low - score.value
        plain = fold_scores("s", [one_fold(part) for part in np.split(values, 2)])
        unshifted = expected_score(plain, m, 1e-6).low - plain.value
        assert middle - unshifted == pytest.approx(shift)


def test_leave_one_out_knows_its_rows() -> None:
    score = learned(GaussianNB(), BINARY[:60], "accuracy", LeaveOneOut())
    promise = expected_score(score, 30, 0.95)
    assert score.right_score == 1.0
    assert 0 < promise.low < score.value < promise.high <= 1


def test_a_fold_without_rows_or_too_few_rows_leave_it_to_the_blocks() -> None:
    first, second = one_fold(RNG.normal(size=40)), one_fold(RNG.normal(size=40))
    second.rows.clear()
    few = [one_fold(RNG.normal(size=(LEAST_ROWS - 1) // 2)) for _ in range(2)]
    for results in ([first, second], few):
        score = fold_scores("s", results)
        assert (score.row_variance, score.degrees_of_freedom) == (0.5, 6)
        assert (score.row_skewness, score.row_bias) == (0.0, 0.0)
        assert np.isnan(score.right_score)


def test_equal_rows_have_no_variance_and_certain_p_values() -> None:
    score = fold_scores("s", [one_fold(np.full(50, -0.1)) for _ in range(2)])
    assert score.row_skewness == 0.0
    assert realised_pvalue(score, -0.2, 10) < 1e-9
    assert realised_pvalue(score, 0.0, 10) > 1 - 1e-9


OLD_STATE = ["s", (0.7, 0.9), 0.8, 0.16, 18.0, 400, ""]


def test_what_was_stored_without_rows_keeps_its_law() -> None:
    score = FoldScores.__new__(FoldScores)
    score.__setstate__(OLD_STATE)
    error = np.sqrt(0.16 * (2 / 400 + 1 / 50))
    promise = expected_score(score, 50, 0.95)
    half = stats.t(18).ppf(0.975) * error
    assert (promise.low, promise.high) == pytest.approx((0.8 - half, 0.8 + half))
    expected = stats.t(18).cdf((0.7 - 0.8) / error)
    assert realised_pvalue(score, 0.7, 50) == pytest.approx(expected)


def test_a_state_that_lacks_a_field_is_refused() -> None:
    score = FoldScores.__new__(FoldScores)
    with pytest.raises(ValueError, match="lacks 'n_rows'"):
        score.__setstate__(OLD_STATE[:5])


@pytest.mark.parametrize(("model", "y", "scorer"), SKEWED)
def test_stored_scores_come_back_equal(model: Any, y: np.ndarray, scorer: str) -> None:
    score = learned(model, y, scorer)
    state = score.__getstate__()
    assert {type(value) for value in state} <= {float, int, str, tuple}
    back = pickle.loads(pickle.dumps(score))
    assert repr(back) == repr(score)
    assert expected_score(back, 30, 0.95) == expected_score(score, 30, 0.95)
