"""Weights, groups and other arguments reach whoever asked, with routing on and off."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
import pytest
import sklearn
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.cluster import KMeans
from sklearn.compose import TransformedTargetRegressor
from sklearn.ensemble import AdaBoostClassifier
from sklearn.exceptions import UnsetMetadataPassedError
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics import accuracy_score, get_scorer, make_scorer
from sklearn.model_selection import (
    GridSearchCV,
    GroupKFold,
    KFold,
    StratifiedGroupKFold,
    cross_val_score,
    cross_validate,
)
from sklearn.multioutput import MultiOutputRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier

from skdrift import DriftAwareEstimator

N_ROWS = 90
RNG = np.random.default_rng(0)
ROWS = RNG.normal(size=(N_ROWS, 3))
ROWS[:, 2] = np.arange(N_ROWS)  # a row says where it stood
LABELS = (ROWS[:, 0] + RNG.normal(scale=0.5, size=N_ROWS) > 0).astype(int)
VALUES = ROWS[:, 0] + RNG.normal(scale=0.5, size=N_ROWS)
WEIGHTS = np.arange(N_ROWS) + 1.0
DAYS = np.repeat(np.arange(9), 10)


@pytest.fixture(params=[False, True], ids=["routing off", "routing on"])
def routing(request: pytest.FixtureRequest) -> Iterator[bool]:
    with sklearn.config_context(enable_metadata_routing=request.param):
        yield request.param


@pytest.fixture
def routing_on() -> Iterator[None]:
    with sklearn.config_context(enable_metadata_routing=True):
        yield


def wrap(estimator: Any, **settings: Any) -> DriftAwareEstimator:
    return DriftAwareEstimator(
        estimator, **({"on_invalid": "ignore", "on_shift": "ignore"} | settings)
    )


class Recorder(ClassifierMixin, BaseEstimator):
    """Classifier that writes down what each of its methods was given."""

    log: list[tuple[str, np.ndarray, dict[str, Any]]] = []

    def fit(self, X: Any, y: Any, sample_weight: Any = None, tag: Any = None) -> Any:
        self._note("fit", X, sample_weight=sample_weight, tag=tag)
        self.classes_ = np.unique(y)
        return self

    def predict(self, X: Any, extra: Any = None) -> np.ndarray:
        self._note("predict", X, extra=extra)
        return np.full(len(X), self.classes_[0])

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        self._note("score", X, sample_weight=sample_weight)
        return 0.5

    def _note(self, method: str, X: Any, **given: Any) -> None:
        Recorder.log.append((method, np.asarray(X)[:, 2].astype(int), given))


@pytest.fixture
def log() -> list[tuple[str, np.ndarray, dict[str, Any]]]:
    Recorder.log.clear()
    return Recorder.log


def recorder() -> Recorder:
    """Recorder that asks for all that it can be given, where asking matters."""
    if not sklearn.get_config()["enable_metadata_routing"]:
        return Recorder()
    return (
        Recorder()
        .set_fit_request(sample_weight=True, tag=True)
        .set_score_request(sample_weight=True)
        .set_predict_request(extra=True)
    )


def of_method(log: Any, method: str) -> list[tuple[np.ndarray, dict[str, Any]]]:
    return [(rows, given) for name, rows, given in log if name == method]


@pytest.mark.parametrize("container", [np.asarray, list, pd.Series])
def test_weights_go_with_their_rows_into_every_fit(
    routing: bool, log: Any, container: Any
) -> None:
    model = wrap(recorder(), cv=KFold(3, shuffle=True, random_state=0))
    model.fit(ROWS, LABELS, sample_weight=container(WEIGHTS), tag="mine")
    fits = of_method(log, "fit")
    assert [len(rows) for rows, _ in fits] == [90, 60, 60, 60]
    for rows, given in fits:
        np.testing.assert_array_equal(np.asarray(given["sample_weight"]), rows + 1.0)
        assert given["tag"] == "mine"


def test_only_with_routing_is_the_own_score_weighted(routing: bool, log: Any) -> None:
    wrap(recorder(), cv=KFold(3)).fit(ROWS, LABELS, sample_weight=WEIGHTS)
    scores = of_method(log, "score")
    assert scores
    for rows, given in scores:
        if routing:
            np.testing.assert_array_equal(given["sample_weight"], rows + 1.0)
        else:
            assert given["sample_weight"] is None


def test_weighted_fold_scores_are_those_of_cross_validate(routing_on: None) -> None:
    logistic = LogisticRegression().set_fit_request(sample_weight=True)
    weighted = get_scorer("accuracy").set_score_request(sample_weight=True)
    plain = get_scorer("accuracy").set_score_request(sample_weight=False)
    scoring = {"weighted": weighted, "plain": plain}
    params = {"sample_weight": WEIGHTS}
    ours = wrap(logistic, cv=KFold(3), scoring=scoring).fit(ROWS, LABELS, **params)
    theirs = cross_validate(
        logistic, ROWS, LABELS, cv=KFold(3), scoring=scoring, params=params
    )
    got = {score.scorer: score.folds for score in ours.baseline_.scores}
    assert got["weighted"] == tuple(theirs["test_weighted"])
    assert got["plain"] == tuple(theirs["test_plain"])
    assert got["weighted"] != got["plain"]


def test_weights_change_the_model_as_they_change_the_bare_one(routing: bool) -> None:
    ridge = Ridge()
    if routing:
        ridge = ridge.set_fit_request(sample_weight=True)
        ridge = ridge.set_score_request(sample_weight=True)
    ours = wrap(ridge, cv=3).fit(ROWS, VALUES, sample_weight=WEIGHTS)
    theirs = clone(ridge).fit(ROWS, VALUES, sample_weight=WEIGHTS)
    np.testing.assert_array_equal(ours.estimator_.coef_, theirs.coef_)
    assert ours.score(ROWS, VALUES, sample_weight=WEIGHTS) == theirs.score(
        ROWS, VALUES, sample_weight=WEIGHTS
    )


def test_routing_reaches_folds_in_other_processes(routing_on: None) -> None:
    pipeline = make_pipeline(
        StandardScaler().set_fit_request(sample_weight=True),
        Ridge().set_fit_request(sample_weight=False),
    )
    scorer = get_scorer("r2").set_score_request(sample_weight=True)
    one, other = (
        wrap(pipeline, cv=3, scoring=scorer, n_jobs=n_jobs).fit(
            ROWS, VALUES, sample_weight=WEIGHTS
        )
        for n_jobs in (None, 2)
    )
    assert one.baseline_.scores[0].folds == other.baseline_.scores[0].folds
    assert np.isfinite(other.baseline_.scores[0].folds).all()


# --- groups -------------------------------------------------------------------


@pytest.mark.parametrize("cv", [3, GroupKFold(3)])
def test_groups_keep_their_rows_together(routing: bool, cv: Any) -> None:
    ours = wrap(LogisticRegression(), cv=cv).fit(ROWS, LABELS, groups=DAYS)
    same = StratifiedGroupKFold(3) if cv == 3 else cv
    expected = [
        clone(LogisticRegression())
        .fit(ROWS[train], LABELS[train])
        .score(ROWS[test], LABELS[test])
        for train, test in same.split(ROWS, LABELS, DAYS)
    ]
    assert list(ours.baseline_.scores[0].folds) == expected


def test_groups_come_through_a_pipeline(routing: bool) -> None:
    pipeline = make_pipeline(
        StandardScaler(), wrap(LogisticRegression(), cv=GroupKFold(3))
    )
    name = "groups" if routing else "driftawareestimator__groups"
    pipeline.fit(ROWS, LABELS, **{name: DAYS})
    assert len(pipeline[-1].baseline_.scores[0].folds) == 3


def test_groups_and_weights_reach_a_search_inside(routing: bool, log: Any) -> None:
    search = GridSearchCV(recorder(), {}, cv=GroupKFold(3))
    model = wrap(search, cv=2)
    model.fit(ROWS, LABELS, groups=DAYS, sample_weight=WEIGHTS)
    fits = of_method(log, "fit")
    assert len(fits) == 3 + 1 + 2
    for rows, given in fits:
        np.testing.assert_array_equal(given["sample_weight"], rows + 1.0)


def test_a_search_around_splits_by_groups_and_the_wrapper_does_too(
    routing: bool,
) -> None:
    search = GridSearchCV(
        wrap(LogisticRegression(), cv=2), {"estimator__C": [0.1, 1.0]}, cv=GroupKFold(3)
    )
    search.fit(ROWS, LABELS, groups=DAYS)
    bare = GridSearchCV(LogisticRegression(), {"C": [0.1, 1.0]}, cv=GroupKFold(3))
    bare.fit(ROWS, LABELS, groups=DAYS)
    np.testing.assert_array_equal(
        search.cv_results_["mean_test_score"], bare.cv_results_["mean_test_score"]
    )


def test_groups_can_be_asked_for_under_another_name(routing_on: None) -> None:
    model = wrap(LogisticRegression(), cv=GroupKFold(3))
    pipeline = make_pipeline(StandardScaler(), model.set_fit_request(groups="day"))
    pipeline.fit(ROWS, LABELS, day=DAYS)
    assert len(pipeline[-1].baseline_.scores[0].folds) == 3


# --- answers ------------------------------------------------------------------


@pytest.mark.parametrize("method", ["predict", "predict_proba", "decision_function"])
def test_a_report_is_given_beside_any_answer(routing: bool, method: str) -> None:
    model = wrap(LogisticRegression()).fit(ROWS, LABELS)
    answer, report = getattr(model, method)(ROWS, return_report=True)
    np.testing.assert_array_equal(answer, getattr(model, method)(ROWS))
    assert report.n_rows == N_ROWS


@pytest.mark.parametrize("depth", [1, 2])
def test_a_report_comes_through_pipelines(routing: bool, depth: int) -> None:
    model: Any = wrap(LogisticRegression())
    for _ in range(depth):
        model = make_pipeline(StandardScaler(), model)
    model.fit(ROWS, LABELS)
    for method in ("predict", "predict_proba", "predict_log_proba"):
        answer, report = getattr(model, method)(ROWS, return_report=True)
        np.testing.assert_array_equal(answer, getattr(model, method)(ROWS))
        assert report.n_rows == N_ROWS


def test_a_report_of_a_transformer_comes_through_a_pipeline(routing_on: None) -> None:
    # Without routing a pipeline's transform takes no arguments at all.
    pipeline = make_pipeline(StandardScaler(), wrap(StandardScaler())).fit(ROWS)
    answer, report = pipeline.transform(ROWS, return_report=True)
    assert answer.shape == ROWS.shape
    assert report.n_rows == N_ROWS


def test_arguments_of_an_answer_reach_the_model_beside_the_report(
    routing: bool,
) -> None:
    process = GaussianProcessRegressor(alpha=0.5)
    if routing:
        process = process.set_predict_request(return_std=True)
    model = wrap(process, cv=2).fit(ROWS, VALUES)
    (mean, spread), report = model.predict(ROWS, return_std=True, return_report=True)
    bare = GaussianProcessRegressor(alpha=0.5).fit(ROWS, VALUES)
    expected_mean, expected_spread = bare.predict(ROWS, return_std=True)
    np.testing.assert_array_equal(mean, expected_mean)
    np.testing.assert_array_equal(spread, expected_spread)
    assert report.n_rows == N_ROWS


def test_arguments_of_an_answer_go_through_wrappers_of_wrappers_and_pipelines(
    routing: bool, log: Any
) -> None:
    model = make_pipeline(StandardScaler(with_mean=False), wrap(wrap(recorder())))
    model.fit(ROWS, LABELS)
    log.clear()
    _, report = model.predict(ROWS, extra="mine", return_report=True)
    assert [given["extra"] for _, given in of_method(log, "predict")] == ["mine"]
    assert report.n_rows == N_ROWS


def test_a_wrapper_around_a_pipeline_routes_to_its_steps(routing_on: None) -> None:
    scaler = StandardScaler().set_fit_request(sample_weight=True)
    ridge = Ridge().set_fit_request(sample_weight=True)
    pipeline = make_pipeline(scaler, ridge.set_score_request(sample_weight=True))
    ours = wrap(pipeline, cv=3).fit(ROWS, VALUES, sample_weight=WEIGHTS)
    theirs = clone(pipeline).fit(ROWS, VALUES, sample_weight=WEIGHTS)
    np.testing.assert_array_equal(
        ours.estimator_[-1].coef_,
        theirs[-1].coef_,
    )
    bare = cross_val_score(
        pipeline, ROWS, VALUES, cv=3, params={"sample_weight": WEIGHTS}
    )
    assert ours.baseline_.scores[0].folds == tuple(bare)


def test_weights_under_another_name_reach_fits_and_scores(routing_on: None) -> None:
    ridge = Ridge().set_fit_request(sample_weight="trust")
    ridge = ridge.set_score_request(sample_weight="trust")
    ours = wrap(ridge, cv=3).fit(ROWS, VALUES, trust=WEIGHTS)
    bare = cross_val_score(ridge, ROWS, VALUES, cv=3, params={"trust": WEIGHTS})
    assert ours.baseline_.scores[0].folds == tuple(bare)


@pytest.mark.parametrize(
    "around", [TransformedTargetRegressor, MultiOutputRegressor, None]
)
def test_a_meta_estimator_around_routes_weights_through_the_wrapper(
    routing_on: None, around: Any
) -> None:
    ridge = Ridge().set_fit_request(sample_weight=True)
    ridge = ridge.set_score_request(sample_weight=True)
    build = around or (lambda model: GridSearchCV(model, {}, cv=2))
    y = np.column_stack([VALUES, VALUES]) if around is MultiOutputRegressor else VALUES
    ours = build(wrap(ridge, cv=2)).fit(ROWS, y, sample_weight=WEIGHTS)
    theirs = build(ridge).fit(ROWS, y, sample_weight=WEIGHTS)
    np.testing.assert_array_equal(ours.predict(ROWS), theirs.predict(ROWS))


# --- what is neither classifier nor regressor ---------------------------------


@pytest.mark.parametrize(
    ("estimator", "method"),
    [
        (StandardScaler(), "fit"),
        (StandardScaler(), "fit_transform"),
        (KMeans(2, n_init=1, random_state=0), "fit"),
        (KMeans(2, n_init=1, random_state=0), "fit_predict"),
        (KMeans(2, n_init=1, random_state=0), "fit_transform"),
    ],
)
def test_weights_reach_a_model_that_has_no_pass(
    routing: bool, estimator: Any, method: str
) -> None:
    estimator = clone(estimator)
    if routing:
        estimator.set_fit_request(sample_weight=True)
    ours = wrap(estimator)
    getattr(ours, method)(ROWS, sample_weight=WEIGHTS)
    theirs = clone(estimator)
    getattr(theirs, method)(ROWS, sample_weight=WEIGHTS)
    for name in ("mean_", "cluster_centers_"):
        if hasattr(theirs, name):
            np.testing.assert_array_equal(
                getattr(ours.estimator_, name), getattr(theirs, name)
            )


# --- nobody asked -------------------------------------------------------------


def test_what_nobody_asked_for_raises_scikit_learns_own_error(routing_on: None) -> None:
    model = wrap(Ridge())
    with pytest.raises(UnsetMetadataPassedError, match="sample_weight"):
        model.fit(ROWS, VALUES, sample_weight=WEIGHTS)
    with pytest.raises(TypeError, match="unknown"):
        model.fit(ROWS, VALUES, unknown=WEIGHTS)
    assert not hasattr(model, "estimator_")
    model.fit(ROWS, VALUES)
    with pytest.raises(UnsetMetadataPassedError, match="return_std"):
        wrap(GaussianProcessRegressor()).fit(ROWS, VALUES).predict(
            ROWS, return_std=True
        )
    with pytest.raises(UnsetMetadataPassedError, match="sample_weight"):
        model.score(ROWS, VALUES, sample_weight=WEIGHTS)


def test_a_scorer_that_did_not_say_raises_scikit_learns_own_error(
    routing_on: None,
) -> None:
    ridge = Ridge().set_fit_request(sample_weight=True)
    with pytest.raises(UnsetMetadataPassedError, match="score"):
        wrap(ridge).fit(ROWS, VALUES, sample_weight=WEIGHTS)
    with pytest.raises(UnsetMetadataPassedError, match="score"):
        wrap(ridge, scoring="r2").fit(ROWS, VALUES, sample_weight=WEIGHTS)
    wrap(ridge, cv=None).fit(ROWS, VALUES, sample_weight=WEIGHTS)


def test_without_routing_the_bare_models_error_comes_through() -> None:
    with pytest.raises(TypeError) as bare:
        DecisionTreeClassifier().fit(ROWS, LABELS, unknown=WEIGHTS)
    with pytest.raises(TypeError) as wrapped:
        wrap(DecisionTreeClassifier()).fit(ROWS, LABELS, unknown=WEIGHTS)
    assert str(wrapped.value) == str(bare.value)


def test_groups_beside_a_model_that_knows_no_routing_at_all(routing: bool) -> None:
    model = wrap(AdaBoostClassifier(n_estimators=2, random_state=0), cv=GroupKFold(3))
    if routing:
        with pytest.raises(NotImplementedError, match="AdaBoost"):
            model.fit(ROWS, LABELS, groups=DAYS)
    else:
        model.fit(ROWS, LABELS, groups=DAYS)
        assert len(model.baseline_.scores[0].folds) == 3


def test_a_made_scorer_without_weights_is_called_without_them(routing: bool) -> None:
    calls: list[dict[str, Any]] = []

    def measure(y_true: Any, y_pred: Any, **given: Any) -> float:
        calls.append(given)
        return float(accuracy_score(y_true, y_pred))

    scorer = make_scorer(measure)
    logistic = LogisticRegression()
    if routing:
        logistic.set_fit_request(sample_weight=True)
        scorer = scorer.set_score_request(sample_weight=False)
    wrap(logistic, cv=2, scoring=scorer).fit(ROWS, LABELS, sample_weight=WEIGHTS)
    assert calls
    assert calls == [{}] * len(calls)


# --- times --------------------------------------------------------------------


def test_times_come_through_a_pipeline_and_stop_at_the_wrapper(routing: bool) -> None:
    times = np.arange(len(ROWS))
    model = make_pipeline(StandardScaler(), wrap(LogisticRegression()))
    name = "time" if routing else "driftawareestimator__time"
    model.fit(ROWS, LABELS, **{name: times})
    trend = model[-1].baseline_.trend
    assert trend.n_rows == len(ROWS)
    assert trend.span == len(ROWS) - 1
