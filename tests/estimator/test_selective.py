"""Selective scores: coverage, and the bare model's score on what it covers."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sklearn.dummy import DummyRegressor
from sklearn.ensemble import HistGradientBoostingRegressor, IsolationForest
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.metrics import accuracy_score, mean_absolute_error, r2_score
from sklearn.preprocessing import StandardScaler

from skdrift import DriftAwareEstimator
from skdrift.exceptions import (
    InputError,
    InputTypeError,
    NotFittedError,
    ParameterError,
)

rng = np.random.default_rng(0)
X = rng.normal(size=(400, 3))
Y = X @ [1.0, -2.0, 0.5] + rng.normal(size=400)


def batch(n=60):
    draw = np.random.default_rng(1)
    rows = draw.normal(size=(n, 3))
    y = rows @ [1.0, -2.0, 0.5] + draw.normal(size=n)
    invalid = np.zeros(n, dtype=bool)
    invalid[[3, 10, 44]] = True
    return rows, y, invalid


def fitted(estimator=None, **settings):
    estimator = LinearRegression() if estimator is None else estimator
    return DriftAwareEstimator(estimator, cv=None, **settings).fit(X, Y)


@pytest.mark.parametrize("policy", ["warn", "abstain", "fallback"])
def test_the_parts_are_the_scores_of_the_bare_model_on_these_rows(policy):
    model = fitted(on_invalid=policy, fallback=DummyRegressor())
    rows, y, invalid = batch()
    rows[invalid, 0] += 1e3
    got = model.selective_score(rows, y)
    bare = model.estimator_
    assert (got.scorer, got.n_rows, got.n_accepted) == ("score", 60, 57)
    assert got.coverage == 57 / 60
    assert got.accepted == r2_score(y[~invalid], bare.predict(rows[~invalid]))
    assert got.rejected == r2_score(y[invalid], bare.predict(rows[invalid]))
    assert got.overall == bare.score(rows, y)
    assert got.reasons == {}


def test_what_the_model_cannot_answer_is_nan_with_a_reason():
    rows, y, invalid = batch()
    rows[invalid, 0] = np.nan
    got = fitted().selective_score(rows, y, scoring="neg_mean_absolute_error")
    assert np.isfinite(got.accepted)
    assert np.isnan([got.rejected, got.overall]).all()
    assert got.reasons.keys() == {"rejected", "overall"}
    assert "contains NaN" in got.reasons["overall"]


def test_without_an_invalid_row_coverage_is_one_and_all_rows_are_accepted():
    rows, y, _ = batch()
    got = fitted().selective_score(rows, y)
    assert (got.coverage, got.accepted) == (1.0, got.overall)
    assert np.isnan(got.rejected)
    assert got.reasons == {"rejected": "there is no such row"}


def test_where_every_row_is_invalid_nothing_is_accepted():
    frame = pd.DataFrame(X, columns=list("abc"))
    model = DriftAwareEstimator(HistGradientBoostingRegressor(max_iter=2), cv=None)
    model.fit(frame, Y)
    got = model.selective_score(frame.assign(b="text"), Y)
    assert (got.coverage, got.n_accepted) == (0.0, 0)
    assert np.isnan(got.accepted)
    none = model.selective_score(frame.iloc[:0], Y[:0])
    assert np.isnan(none.coverage)


@pytest.mark.parametrize(
    ("scoring", "own", "name"),
    [
        (None, None, "score"),
        ("neg_mean_absolute_error", None, "neg_mean_absolute_error"),
        (None, "neg_mean_absolute_error", "neg_mean_absolute_error"),
        (lambda m, X, y: -mean_absolute_error(y, m.predict(X)), None, "score"),
    ],
)
def test_the_scorer_is_the_one_given_or_the_constructor_s(scoring, own, name):
    rows, y, _ = batch()
    model = fitted(scoring=own)
    got = model.selective_score(rows, y, scoring=scoring)
    assert got.scorer == name
    if name != "score" or scoring is not None:
        expected = -mean_absolute_error(y, model.estimator_.predict(rows))
        np.testing.assert_allclose(got.overall, expected)


def test_more_than_one_scorer_or_none_is_refused():
    rows, y, _ = batch()
    with pytest.raises(
        ParameterError, match=r"single scorer, got \['r2', 'neg_max_error'\]"
    ):
        fitted(scoring=["r2", "neg_max_error"]).selective_score(rows, y)
    with pytest.raises(ParameterError, match="an estimator without score"):
        DriftAwareEstimator(StandardScaler(), cv=None).fit(X).selective_score(rows, y)


def test_labels_of_another_length_and_an_unfitted_model_are_refused():
    rows, y, _ = batch()
    model = fitted(novelty=IsolationForest(n_estimators=5, random_state=0))
    for method in (
        model.selective_score,
        lambda X, y: model.score_at_coverage(X, y, [1]),
    ):
        with pytest.raises(InputError, match="got 60 and 59"):
            method(rows, y[:-1])
        with pytest.raises(InputTypeError, match="one label for each row"):
            method(rows, 5)
        with pytest.raises(InputTypeError):
            method(5, y)
    with pytest.raises(NotFittedError):
        DriftAwareEstimator(LinearRegression()).selective_score(rows, y)


# --- score at coverage -------------------------------------------------------------


def test_rows_are_accepted_from_the_least_novel_and_flagged_ones_last():
    model = fitted(novelty=IsolationForest(n_estimators=20, random_state=0))
    rows, y, invalid = batch()
    rows[invalid, 0] += 1e3
    shares = [0.01, 0.25, 0.5, 57 / 60, 1.0]
    got = model.score_at_coverage(rows, y, shares, scoring="neg_mean_absolute_error")
    flags = model.flag(rows)
    order = sorted(range(60), key=lambda k: (flags.rows()[k], -flags.pvalues[k]))
    assert got.n_accepted.tolist() == [1, 15, 30, 57, 60]
    np.testing.assert_array_equal(got.coverages, shares)
    for count, score in zip(got.n_accepted, got.scores, strict=True):
        kept = order[:count]
        expected = -mean_absolute_error(y[kept], model.estimator_.predict(rows[kept]))
        np.testing.assert_allclose(score, expected)
    assert got.reasons == ("",) * 5
    assert not set(order[:57]) & set(np.flatnonzero(invalid).tolist())


def test_a_row_that_the_model_cannot_answer_is_nan_at_full_coverage_alone():
    model = fitted(novelty=IsolationForest(n_estimators=5, random_state=0))
    rows, y, invalid = batch()
    rows[invalid, 0] = np.nan
    got = model.score_at_coverage(rows, y, [0.5, 1.0])
    assert np.isfinite(got.scores[0])
    assert np.isnan(got.scores[1])
    assert got.reasons[0] == ""
    assert "contains NaN" in got.reasons[1]


def test_a_score_where_the_model_extrapolates_falls_with_coverage():
    # Beyond |x| = 2 the rule turns round, of which a line knows nothing.
    draw = np.random.default_rng(2)
    x = draw.normal(size=(3_000, 2))
    label = np.where(np.abs(x).max(axis=1) > 2, x[:, 0] < 0, x[:, 0] > 0)
    model = DriftAwareEstimator(
        LogisticRegression(), cv=None, novelty="isolation_forest"
    ).fit(x[:2_000], label[:2_000])
    got = model.score_at_coverage(
        x[2_000:], label[2_000:], [0.3, 1.0], scoring="accuracy"
    )
    whole = accuracy_score(label[2_000:], model.estimator_.predict(x[2_000:]))
    assert got.scores[1] == whole
    assert got.scores[0] > whole + 0.05


@pytest.mark.parametrize("coverages", [[0.0], [1.1], [-0.5, 0.5], [np.nan], 0.5, ["a"]])
def test_a_coverage_outside_is_refused(coverages):
    model = fitted(novelty=IsolationForest(n_estimators=5, random_state=0))
    with pytest.raises(ParameterError, match="coverages must be"):
        model.score_at_coverage(*batch()[:2], coverages)


def test_a_share_is_rounded_up_but_not_for_an_error_of_arithmetic():
    model = fitted(novelty=IsolationForest(n_estimators=5, random_state=0))
    rows, y = (part[:10] for part in batch()[:2])
    got = model.score_at_coverage(rows, y, [0.1 * 3, 0.31])
    assert got.n_accepted.tolist() == [3, 4]


def test_without_novelty_there_is_no_order_of_rows():
    rows, y, _ = batch()
    with pytest.raises(ParameterError, match="fitted with novelty, got novelty=None"):
        fitted().score_at_coverage(rows, y, [0.5])
