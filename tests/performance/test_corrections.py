"""What models lack on rows not seen is added to what they say of a batch."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.linear_model import LogisticRegression
from sklearn.naive_bayes import GaussianNB

from skdrift import DriftAwareEstimator
from skdrift.performance._corrections import _log_corrections
from skdrift.performance._estimate import on_score_line, raised_score
from skdrift.performance._loss_models import recalibrated


def shares_of(rng, k, n):
    raw = rng.gamma(1.0, size=(k, n))
    return raw / raw.sum(axis=0)


@pytest.mark.parametrize("k", [2, 3, 5])
def test_shares_are_right_on_average_for_each_class_that_was_answered(k):
    rng = np.random.default_rng(k)
    shares = shares_of(rng, k, 6_000)
    answers = rng.integers(k, size=6_000)
    right = np.eye(k)[(rng.random(6_000) > 0.3) * rng.integers(k, size=6_000)].T
    found = recalibrated(shares, _log_corrections(shares, right, answers), answers)
    assert np.allclose(found.sum(axis=0), 1.0)
    for answer in range(k):
        own = answers == answer
        assert np.allclose(
            found[:, own].mean(axis=1), right[:, own].mean(axis=1), atol=0.01
        )


def test_shares_that_are_right_stay_and_an_answer_that_is_no_class_is_let_be():
    shares = np.array([[0.25, 0.5, 0.75], [0.75, 0.5, 0.25]])
    table = _log_corrections(shares, np.full((2, 3), 0.5), np.zeros(3, int))
    assert np.allclose(recalibrated(shares, table, np.zeros(3, int)), shares)
    table = np.array([[0.0, 2.0], [1.0, -1.0]])
    assert np.allclose(recalibrated(shares, table, np.full(3, -1)), shares)


@pytest.mark.parametrize(
    ("bounds", "value"),
    [((0, 1), 0.93), ((-np.inf, 0), -0.2), ((-np.inf, 1), -3.0), ((-9, np.inf), 17.0)],
)
def test_a_score_is_raised_on_its_line(bounds, value):
    for wanted in (0.5 * value, 0.9 * value):
        lack = on_score_line(bounds, wanted) - on_score_line(bounds, value)
        assert np.isclose(raised_score(bounds, value, lack), wanted)
    assert raised_score(bounds, value, 0.0) == value


def test_a_share_stays_between_its_bounds():
    for value in (0.0, 0.01, 0.99, 1.0):
        for lack in (-9.0, 9.0):
            assert 0.0 <= raised_score((0.0, 1.0), value, lack) <= 1.0


SCORES = ("accuracy", "f1", "roc_auc", "neg_log_loss", "neg_brier_score")


@pytest.mark.parametrize("model", [GaussianNB(), LogisticRegression()])
def test_a_batch_like_training_is_expected_to_have_the_score_of_cross_validation(model):
    rng = np.random.default_rng(0)

    def draw(n):
        X = np.repeat(rng.normal(size=(n, 2)), 3, axis=1)  # Bayes is far too sure
        y = X[:, 0] + X[:, 3] ** 2 + rng.normal(size=n) > 1.0
        return X, y.astype(int)

    wrapped = DriftAwareEstimator(model, scoring=list(SCORES)).fit(*draw(3_000))
    found = wrapped.estimate_score(draw(20_000)[0])
    for score in wrapped.baseline_.scores:
        assert found[score.scorer].value == pytest.approx(score.value, rel=0.03)


def test_errors_of_a_batch_like_training_are_those_of_cross_validation():
    rng = np.random.default_rng(0)

    def draw(n):
        X = rng.normal(size=(n, 3))
        return X, X[:, 0] + np.exp(X[:, 1]) * rng.standard_t(3, size=n)

    scores = "neg_mean_absolute_error"
    model = HistGradientBoostingRegressor(max_iter=20)
    wrapped = DriftAwareEstimator(model, scoring=scores).fit(*draw(3_000))
    found = wrapped.estimate_score(draw(20_000)[0])
    (promised,) = wrapped.baseline_.scores
    own = found["neg_mean_absolute_error"].value
    assert own == pytest.approx(promised.value, rel=0.04)
