"""The K-fold pass of `fit`: what it learns, what it refuses, what it leaves alone."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy.sparse import csr_matrix
from scipy.stats import binom
from scipy.stats import t as student
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin, clone
from sklearn.cluster import KMeans
from sklearn.dummy import DummyRegressor
from sklearn.ensemble import HistGradientBoostingRegressor, RandomForestClassifier
from sklearn.exceptions import EfficiencyWarning
from sklearn.exceptions import NotFittedError as SklearnNotFittedError
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression, Ridge, RidgeClassifier
from sklearn.metrics import make_scorer, mean_pinball_loss
from sklearn.model_selection import (
    GridSearchCV,
    GroupKFold,
    KFold,
    LeaveOneGroupOut,
    RandomizedSearchCV,
    ShuffleSplit,
    StratifiedGroupKFold,
    StratifiedKFold,
    TimeSeriesSplit,
    cross_val_predict,
    cross_val_score,
)
from sklearn.multiclass import OneVsRestClassifier
from sklearn.multioutput import MultiOutputClassifier
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC
from sklearn.tree import DecisionTreeClassifier

from skdrift import BaselineWarning, DriftAwareEstimator, Profile
from skdrift.exceptions import EstimatorError, NotFittedError, ParameterError

N_ROWS = 150
RNG = np.random.default_rng(0)
ROWS = RNG.normal(size=(N_ROWS, 3))
TABLE = pd.DataFrame(ROWS, columns=list("abc"))
NOISE = RNG.normal(scale=0.5, size=N_ROWS)
BINARY = (ROWS[:, 0] + NOISE > 0).astype(int)
CLASSES = np.array(["low", "middle", "high"])[
    np.digitize(ROWS[:, 0] + NOISE, [-0.5, 0.5])
]
VALUES = ROWS @ [1.0, -2.0, 0.5] + NOISE
LABEL_SETS = np.column_stack([BINARY, ROWS[:, 1] > 0]).astype(int)
WORDS = np.column_stack([CLASSES, CLASSES[::-1]])
PAIRS = np.column_stack([VALUES, ROWS[:, 1] ** 2])
DAYS = np.repeat(np.arange(15), 10)


def learned(estimator: Any, X: Any, y: Any, **settings: Any) -> Any:
    """Baseline of a fit that has nothing to complain of."""
    return DriftAwareEstimator(estimator, **settings).fit(X, y).baseline_


def learned_with_a_warning(
    estimator: Any, X: Any, y: Any, match: str, **settings: Any
) -> Any:
    with pytest.warns(BaselineWarning, match=match):
        baseline = learned(estimator, X, y, **settings)
    assert any(match in note for note in baseline.notes)
    return baseline


def folds(baseline: Any) -> dict[str, list[float]]:
    return {score.scorer: list(score.folds) for score in baseline.scores}


# --- the scores are those of cross_val_score ----------------------------------

SCORED = {
    "own accuracy": (LogisticRegression(), BINARY, None),
    "own accuracy of a pipeline": (
        make_pipeline(StandardScaler(), LogisticRegression()),
        CLASSES,
        None,
    ),
    "own R²": (Ridge(), VALUES, None),
    "own score of label sets": (KNeighborsClassifier(), LABEL_SETS, None),
    "own score of several outputs": (
        MultiOutputClassifier(LogisticRegression()),
        LABEL_SETS,
        None,
    ),
    "own R² of several outputs": (Ridge(), PAIRS, None),
    "probabilities": (GaussianNB(), CLASSES, "neg_log_loss"),
    "one class against the rest": (LogisticRegression(), CLASSES, "roc_auc_ovr"),
    "decisions": (RidgeClassifier(), BINARY, "roc_auc"),
    "decisions of label sets": (
        RandomForestClassifier(5, random_state=0),
        LABEL_SETS,
        "average_precision",
    ),
    "errors": (
        HistGradientBoostingRegressor(max_iter=3),
        VALUES,
        "neg_mean_absolute_error",
    ),
    "made": (Ridge(), VALUES, make_scorer(mean_pinball_loss, alpha=0.9)),
    "callable": (Ridge(), VALUES, lambda model, X, y: float(model.predict(X)[0])),
}


@pytest.mark.parametrize("container", [np.asarray, TABLE.__class__, list])
@pytest.mark.parametrize("case", SCORED)
def test_fold_scores_are_those_of_cross_val_score(
    case: str, container: Callable[[Any], Any]
) -> None:
    estimator, y, scoring = SCORED[case]
    X = ROWS.tolist() if container is list else container(ROWS)
    y = y.tolist() if container is list and y.ndim == 1 else y
    splits = list(KFold(4, shuffle=True, random_state=0).split(ROWS))
    baseline = learned(estimator, X, y, cv=splits, scoring=scoring)
    (got,) = folds(baseline).values()
    assert got == cross_val_score(estimator, X, y, cv=splits, scoring=scoring).tolist()
    assert baseline.scores[0].value == pytest.approx(np.mean(got))
    assert baseline.scores[0].n_rows == N_ROWS
    assert baseline.pass_name == "4 folds"


@pytest.mark.parametrize(
    "scoring",
    [
        ["accuracy", "neg_log_loss"],
        ("accuracy", "neg_log_loss"),
        {"accuracy": "accuracy", "neg_log_loss": "neg_log_loss"},
    ],
)
def test_several_scorers_give_what_each_gives_alone(scoring: Any) -> None:
    model = LogisticRegression()
    together = folds(learned(model, ROWS, BINARY, cv=3, scoring=scoring))
    assert list(together) == ["accuracy", "neg_log_loss"]
    for name in together:
        alone = folds(learned(model, ROWS, BINARY, cv=3, scoring=name))
        assert together[name] == alone[name]


def test_a_precomputed_kernel_is_split_on_both_sides() -> None:
    kernel = ROWS @ ROWS.T
    model = SVC(kernel="precomputed")
    got = folds(learned(model, kernel, BINARY, cv=3))["score"]
    assert got == cross_val_score(model, kernel, BINARY, cv=3).tolist()
    near = np.exp(-((ROWS[:, None] - ROWS[None]) ** 2).sum(axis=2))
    neighbors = KNeighborsClassifier(metric="precomputed")
    dense = folds(learned(neighbors, 1 - near, BINARY, cv=3))["score"]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", EfficiencyWarning)  # rows are not sorted
        sparse = learned(neighbors, csr_matrix(1.5 - near), BINARY, cv=3)
    assert folds(sparse)["score"] == pytest.approx(dense, abs=0.1)


@pytest.mark.parametrize("index", [range(N_ROWS)[::-1], [0] * N_ROWS])
def test_row_labels_play_no_part(index: Any) -> None:
    labels = pd.Series(BINARY, index=index)
    weights = pd.Series(np.arange(N_ROWS) + 1.0, index=range(N_ROWS, 0, -1))
    model = DriftAwareEstimator(LogisticRegression(), cv=3)
    got = model.fit(TABLE.set_axis(index), labels, sample_weight=weights).baseline_
    expected = model.fit(TABLE, BINARY, sample_weight=weights.to_numpy()).baseline_
    assert folds(got) == folds(expected)


# --- the forms of cv ----------------------------------------------------------

FORMS: dict[str, tuple[Any, Any]] = {
    "integer": (3, StratifiedKFold(3)),
    "numpy integer": (np.int64(3), StratifiedKFold(3)),
    "splitter": (KFold(3), KFold(3)),
    "iterable": (list(KFold(3).split(ROWS)), KFold(3)),
    "generator": (KFold(3).split(ROWS), KFold(3)),
    "masks": (
        [
            (~mask, mask)
            for mask in (np.arange(N_ROWS) % 3 == 0, np.arange(N_ROWS) % 3 == 1)
        ],
        [
            (np.flatnonzero(np.arange(N_ROWS) % 3 != k), np.arange(k, N_ROWS, 3))
            for k in (0, 1)
        ],
    ),
    "overlapping": (
        ShuffleSplit(3, random_state=0),
        list(ShuffleSplit(3, random_state=0).split(ROWS)),
    ),
    "forward in time": (TimeSeriesSplit(3), TimeSeriesSplit(3)),
}


@pytest.mark.parametrize("container", [np.asarray, pd.DataFrame, list])
@pytest.mark.parametrize("form", [form for form in FORMS if form != "generator"])
def test_every_form_of_cv_gives_the_folds_that_it_stands_for(
    form: str, container: Callable[[Any], Any]
) -> None:
    cv, same = FORMS[form]
    X = ROWS.tolist() if container is list else container(ROWS)
    got = folds(learned(LogisticRegression(), X, BINARY, cv=cv))["score"]
    expected = cross_val_score(LogisticRegression(), ROWS, BINARY, cv=same)
    assert got == expected.tolist()


def test_a_generator_of_splits_serves_one_fit_and_the_next_says_so() -> None:
    model = DriftAwareEstimator(LogisticRegression(), cv=KFold(3).split(ROWS))
    got = folds(model.fit(ROWS, BINARY).baseline_)["score"]
    expected = cross_val_score(LogisticRegression(), ROWS, BINARY, cv=KFold(3))
    assert got == expected.tolist()
    with pytest.warns(BaselineWarning, match="cv gives no splits"):
        model.fit(ROWS, BINARY)


def test_the_splitter_is_asked_once() -> None:
    class Counting(KFold):
        asked = 0

        def split(self, X: Any, y: Any = None, groups: Any = None) -> Any:
            Counting.asked += 1
            return super().split(X, y, groups)

    learned(LogisticRegression(), ROWS, BINARY, cv=Counting(3))
    assert Counting.asked == 1


def test_no_cv_learns_the_features_alone_with_a_single_fit() -> None:
    recorder = Recorder()
    baseline = learned(recorder, ROWS, BINARY, cv=None)
    assert (baseline.scores, baseline.outputs, baseline.pass_name) == ((), None, "")
    assert baseline.reference.n_rows == N_ROWS
    assert recorder.log == [N_ROWS]


def test_the_model_is_fitted_on_all_rows_and_once_for_each_fold() -> None:
    recorder = Recorder()
    learned(recorder, ROWS, BINARY, cv=KFold(3))
    assert recorder.log == [N_ROWS, 100, 100, 100]


class Recorder(ClassifierMixin, BaseEstimator):
    """Classifier that writes down how many rows each fit was given."""

    def __init__(self, log: Any = None) -> None:
        self.log = SharedList() if log is None else log

    def fit(self, X: Any, y: Any) -> Recorder:
        self.log.append(len(X))
        self.classes_ = np.unique(y)
        return self

    def predict(self, X: Any) -> np.ndarray:
        return np.full(len(X), self.classes_[0])


class SharedList(list[int]):
    """List that clones share."""

    def __deepcopy__(self, memo: Any) -> SharedList:
        return self


def test_folds_side_by_side_give_what_they_give_one_by_one() -> None:
    one = learned(GaussianNB(), ROWS, CLASSES, cv=3)
    other = learned(GaussianNB(), ROWS, CLASSES, cv=3, n_jobs=2)
    assert folds(one) == folds(other)
    assert one.outputs.to_dict() == other.outputs.to_dict()
    assert one.scores[0].row_variance == other.scores[0].row_variance


# --- groups -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("estimator", "y", "cv", "same"),
    [
        (LogisticRegression(), BINARY, 3, StratifiedGroupKFold(3)),
        (Ridge(), VALUES, 3, GroupKFold(3)),
        (KNeighborsClassifier(), LABEL_SETS, 3, GroupKFold(3)),
        (LogisticRegression(), BINARY, GroupKFold(5), GroupKFold(5)),
        (Ridge(), VALUES, LeaveOneGroupOut(), LeaveOneGroupOut()),
    ],
)
def test_folds_of_groups_are_of_whole_groups(
    estimator: Any, y: np.ndarray, cv: Any, same: Any
) -> None:
    model = DriftAwareEstimator(estimator, cv=cv).fit(ROWS, y, groups=DAYS)
    expected = cross_val_score(estimator, ROWS, y, groups=DAYS, cv=same)
    assert folds(model.baseline_)["score"] == expected.tolist()


@pytest.mark.parametrize(
    ("groups", "blocks"), [(None, "auto"), (None, None), (DAYS[:-1], None)]
)
def test_groups_that_are_missing_or_too_few_are_said(groups: Any, blocks: Any) -> None:
    model = DriftAwareEstimator(LogisticRegression(), cv=GroupKFold(3), blocks=blocks)
    with pytest.warns(BaselineWarning, match="no cross-validated score: ValueError"):
        model.fit(ROWS, BINARY, groups=groups)
    assert model.baseline_.scores == ()


def test_groups_of_another_length_cannot_be_blocks() -> None:
    model = DriftAwareEstimator(LogisticRegression(), cv=GroupKFold(3))
    with pytest.raises(ParameterError, match=r"150 rows, got shape \(149,\)"):
        model.fit(ROWS, BINARY, groups=DAYS[:-1])


# --- models that are fitted already -------------------------------------------


@pytest.mark.parametrize("how", ["prefit", "frozen"])
def test_a_fitted_model_is_not_fitted_again_and_the_rows_are_its_calibration_set(
    how: str,
) -> None:
    fitted = LogisticRegression().fit(ROWS[:75], BINARY[:75])
    before = fitted.coef_.copy()
    if how == "prefit":
        model = DriftAwareEstimator(fitted, cv="prefit")
    else:
        model = DriftAwareEstimator(FrozenEstimator(fitted))
    model.fit(ROWS[75:], BINARY[75:])
    baseline = model.baseline_
    np.testing.assert_array_equal(fitted.coef_, before)
    np.testing.assert_array_equal(model.predict(ROWS), fitted.predict(ROWS))
    assert baseline.pass_name == "calibration set"
    assert folds(baseline) == {"score": [fitted.score(ROWS[75:], BINARY[75:])]}
    assert baseline.outputs.n_rows == baseline.reference.n_rows == 75


@pytest.mark.parametrize("how", ["prefit", "frozen"])
def test_a_model_that_is_said_to_be_fitted_and_is_not_is_refused(how: str) -> None:
    estimator = LogisticRegression()
    wrapped = estimator if how == "prefit" else FrozenEstimator(estimator)
    with pytest.raises(NotFittedError, match="LogisticRegression"):
        DriftAwareEstimator(wrapped, cv="prefit").fit(ROWS, BINARY)


def test_fitting_and_answering_at_once_with_a_fitted_model_only_answers() -> None:
    scaler, clusters = StandardScaler().fit(ROWS[:75]), KMeans(2, n_init=1).fit(ROWS)
    np.testing.assert_array_equal(
        DriftAwareEstimator(scaler, cv="prefit").fit_transform(ROWS),
        scaler.transform(ROWS),
    )
    np.testing.assert_array_equal(
        DriftAwareEstimator(clusters, cv="prefit").fit_predict(ROWS),
        clusters.predict(ROWS),
    )


def test_a_fitted_model_without_labels_gets_the_features_alone() -> None:
    fitted = LogisticRegression().fit(ROWS, BINARY)
    baseline = learned(fitted, ROWS, None, cv="prefit")
    assert baseline.scores == ()
    assert baseline.reference.n_rows == N_ROWS


# --- searches -----------------------------------------------------------------


def test_a_search_is_searched_once_and_the_folds_take_its_best_parameters() -> None:
    log: list[tuple[int, int]] = []

    class Depth(DecisionTreeClassifier):
        def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Any:
            log.append((self.max_depth, len(X)))
            return super().fit(X, y, sample_weight)

    # The constructor of the subclass is its parent's, which clone reads.
    search = GridSearchCV(Depth(random_state=0), {"max_depth": [1, 2, 4]}, cv=2)
    model = DriftAwareEstimator(search, cv=KFold(5)).fit(ROWS, CLASSES)
    best = model.estimator_.best_params_["max_depth"]
    assert len(log) == 3 * 2 + 1 + 5
    assert log[-5:] == [(best, 120)] * 5
    expected = cross_val_score(
        DecisionTreeClassifier(max_depth=best, random_state=0),
        ROWS,
        CLASSES,
        cv=KFold(5),
    )
    assert folds(model.baseline_)["score"] == expected.tolist()


@pytest.mark.parametrize(
    ("scoring", "refit"),
    [("neg_log_loss", True), (["accuracy", "neg_log_loss"], "neg_log_loss")],
)
def test_the_own_score_of_a_search_is_what_it_chose_by(
    scoring: Any, refit: Any
) -> None:
    search = RandomizedSearchCV(
        LogisticRegression(),
        {"C": [0.1, 1.0]},
        n_iter=2,
        scoring=scoring,
        refit=refit,
        cv=2,
    )
    model = DriftAwareEstimator(search, cv=3).fit(ROWS, BINARY)
    expected = cross_val_score(
        model.estimator_.best_estimator_, ROWS, BINARY, cv=3, scoring="neg_log_loss"
    )
    assert folds(model.baseline_)["score"] == expected.tolist()
    realised = model.check(ROWS, BINARY).expected_score["score"].realised
    assert realised == model.score(ROWS, BINARY)


def test_groups_reach_a_search_over_folds_of_whole_groups() -> None:
    search = GridSearchCV(LogisticRegression(), {"C": [0.1, 1.0]}, cv=GroupKFold(3))
    model = DriftAwareEstimator(search, cv=3).fit(ROWS, BINARY, groups=DAYS)
    bare = clone(search).fit(ROWS, BINARY, groups=DAYS)
    np.testing.assert_array_equal(
        model.estimator_.cv_results_["mean_test_score"],
        bare.cv_results_["mean_test_score"],
    )
    assert len(model.baseline_.scores[0].folds) == 3


# --- out-of-fold outputs ------------------------------------------------------


def counted_outputs(outputs: Profile, columns: dict[str, Any]) -> Profile:
    return Profile.count(pd.DataFrame(columns), outputs.grid)


def assert_same_counts(one: Profile, other: Profile) -> None:
    assert one.n_rows == other.n_rows
    for ours, theirs in zip(one.counts, other.counts, strict=True):
        np.testing.assert_array_equal(ours, theirs)
    np.testing.assert_array_equal(one.n_missing, other.n_missing)


@pytest.mark.parametrize("y", [BINARY, CLASSES], ids=["binary", "several classes"])
def test_outputs_of_a_classifier_are_those_of_cross_val_predict(y: np.ndarray) -> None:
    outputs = learned(LogisticRegression(), ROWS, y, cv=KFold(3)).outputs
    model, cv = LogisticRegression(), KFold(3)
    chances = cross_val_predict(model, ROWS, y, cv=cv, method="predict_proba")
    expected = {"predict": cross_val_predict(model, ROWS, y, cv=cv)} | {
        f"predict_proba[{name}]": chances[:, k] for k, name in enumerate(np.unique(y))
    }
    assert set(outputs.grid.names) == set(expected)
    assert_same_counts(outputs, counted_outputs(outputs, expected))


def test_outputs_of_a_classifier_without_probabilities_are_its_decisions() -> None:
    model, cv = RidgeClassifier(), KFold(3)
    outputs = learned(model, ROWS, CLASSES, cv=cv).outputs
    decisions = cross_val_predict(
        model, ROWS, CLASSES, cv=cv, method="decision_function"
    )
    expected = {"predict": cross_val_predict(model, ROWS, CLASSES, cv=cv)} | {
        f"decision_function[{name}]": decisions[:, k]
        for k, name in enumerate(np.unique(CLASSES))
    }
    assert set(outputs.grid.names) == set(expected)
    assert_same_counts(outputs, counted_outputs(outputs, expected))


@pytest.mark.parametrize("y", [VALUES, PAIRS], ids=["one", "two"])
def test_outputs_of_a_regressor_are_those_of_cross_val_predict(y: np.ndarray) -> None:
    outputs = learned(Ridge(), ROWS, y, cv=KFold(3)).outputs
    answers = cross_val_predict(Ridge(), ROWS, y, cv=KFold(3))
    columns = (
        {"predict": answers}
        if answers.ndim == 1
        else {f"predict[{k}]": answers[:, k] for k in range(answers.shape[1])}
    )
    assert outputs.grid.names == tuple(columns)
    assert_same_counts(outputs, counted_outputs(outputs, columns))


@pytest.mark.parametrize(
    ("estimator", "y"),
    [
        (MultiOutputClassifier(LogisticRegression()), LABEL_SETS),
        (KNeighborsClassifier(), LABEL_SETS),
        (DecisionTreeClassifier(random_state=0), WORDS),
    ],
)
def test_outputs_of_several_labels_are_one_column_each(estimator: Any, y: Any) -> None:
    scoring = lambda model, X, y: float(np.mean(model.predict(X) == y))  # noqa: E731
    outputs = learned(estimator, ROWS, y, cv=3, scoring=scoring).outputs
    assert outputs.grid.names == ("predict[0]", "predict[1]")
    assert outputs.n_rows == N_ROWS


@pytest.mark.parametrize("X", [ROWS, TABLE], ids=["array", "frame"])
def test_sparse_label_sets_are_judged_as_dense_ones(X: Any) -> None:
    model = OneVsRestClassifier(LogisticRegression())
    sparse = learned(model, X, csr_matrix(LABEL_SETS), cv=KFold(3))
    dense = learned(model, X, LABEL_SETS, cv=KFold(3))
    assert folds(sparse) == folds(dense)
    for one, other in zip(sparse.outputs.counts, dense.outputs.counts, strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("estimator", [KMeans(2, n_init=1), StandardScaler()])
def test_what_is_neither_classifier_nor_regressor_gets_the_features_alone(
    estimator: Any,
) -> None:
    baseline = learned(estimator, ROWS, None)
    assert (baseline.scores, baseline.outputs) == ((), None)
    assert baseline.reference.n_rows == N_ROWS


# --- what cannot be learned is said -------------------------------------------


def test_a_scorer_that_fails_on_a_fold_leaves_nan_and_its_reason() -> None:
    def unlucky(model: Any, X: np.ndarray, y: Any) -> float:
        if X[0, 0] == ROWS[0, 0]:
            raise ZeroDivisionError("nothing to divide by")
        return 1.0

    baseline = learned_with_a_warning(
        LogisticRegression(),
        ROWS,
        BINARY,
        "fold 0: ZeroDivisionError: nothing to divide by",
        cv=KFold(3),
        scoring={"unlucky": unlucky, "accuracy": "accuracy"},
    )
    unlucky_scores, accuracy = baseline.scores
    assert np.isnan(unlucky_scores.folds[0])
    assert unlucky_scores.folds[1:] == (1.0, 1.0)
    assert unlucky_scores.value == 1.0
    assert np.isfinite(accuracy.folds).all()
    assert accuracy.reason == ""


@pytest.mark.parametrize("value", [np.nan, np.inf, None, "high"])
def test_a_score_that_is_no_finite_number_is_nan_with_a_reason(value: Any) -> None:
    baseline = learned_with_a_warning(
        Ridge(), ROWS, VALUES, "fold 0", cv=3, scoring=lambda model, X, y: value
    )
    assert np.isnan(baseline.scores[0].folds).all()
    assert np.isnan(baseline.scores[0].value)


def test_a_fold_whose_fit_fails_is_nan_with_the_models_reason() -> None:
    one_class = np.flatnonzero(BINARY)
    splits = [(one_class, np.flatnonzero(BINARY == 0)), *KFold(2).split(ROWS)]
    baseline = learned_with_a_warning(
        LogisticRegression(), ROWS, BINARY, "at least 2 classes", cv=splits
    )
    assert np.isnan(baseline.scores[0].folds[0])
    assert np.isfinite(baseline.scores[0].folds[1:]).all()


def test_a_class_that_a_fold_has_not_seen_is_missing_in_the_outputs() -> None:
    seen = np.flatnonzero(CLASSES != "high")
    splits = [
        (seen, np.flatnonzero(CLASSES == "high")),
        (np.arange(100), np.arange(100, 150)),
    ]
    outputs = learned(GaussianNB(), ROWS, CLASSES, cv=splits).outputs
    place = outputs.grid.names.index("predict_proba[high]")
    assert outputs.n_missing[place] == (CLASSES == "high").sum()


def test_one_class_only_is_learned_where_the_model_learns_it() -> None:
    y = np.zeros(N_ROWS, dtype=int)
    baseline = learned(DecisionTreeClassifier(), ROWS, y, cv=3)
    assert folds(baseline)["score"] == [1.0, 1.0, 1.0]


@pytest.mark.parametrize("n_rows", [1, 2, 4])
def test_fewer_rows_than_folds_are_fitted_without_a_score(n_rows: int) -> None:
    baseline = learned_with_a_warning(
        DecisionTreeClassifier(),
        ROWS[:n_rows],
        BINARY[:n_rows],
        "no cross-validated score",
        cv=5,
    )
    assert (baseline.scores, baseline.reference.n_rows) == ((), n_rows)


@pytest.mark.parametrize(
    "cv",
    [
        [],
        [(1, 2)],
        [([0, 1, 2], [3, 9_999])],
        [("a", "b")],
        [(np.arange(3),)],
    ],
)
def test_splits_that_cannot_be_used_are_said(cv: Any) -> None:
    model = DriftAwareEstimator(DecisionTreeClassifier(), cv=cv)
    with pytest.warns(BaselineWarning):
        model.fit(ROWS, BINARY)
    assert all(np.isnan(score.value) for score in model.baseline_.scores)
    assert model.check(ROWS).ok


def test_the_warning_points_at_the_call_of_fit() -> None:
    model = DriftAwareEstimator(DecisionTreeClassifier(), cv=5)
    with pytest.warns(BaselineWarning) as caught:
        model.fit(ROWS[:3], BINARY[:3])
    assert caught[0].filename == __file__


# --- errors -------------------------------------------------------------------

WRONG: list[tuple[dict[str, Any], str]] = [
    ({"cv": "folds"}, r"cv must be .* got 'folds'"),
    ({"cv": 1}, r"cv must be an integer of at least 2.* got 1"),
    ({"cv": True}, r"cv must be .* got True"),
    ({"cv": 2.5}, r"cv must be .* got 2\.5"),
    ({"alpha": 0}, r"alpha must be a number above 0 and below 1, got 0"),
    ({"alpha": 1.5}, r"alpha must be .* got 1\.5"),
    ({"alpha": "0.05"}, r"alpha must be .* got '0\.05'"),
    ({"alpha": np.nan}, r"alpha must be .* got nan"),
    ({"min_effect": -0.1}, r"min_effect must be .* got -0\.1"),
    ({"stable_bound": 0}, r"stable_bound must be .* got 0"),
    ({"on_invalid": "stop"}, r"on_invalid must be one of .* got 'stop'"),
    ({"on_shift": None}, r"on_shift must be one of .* got None"),
    ({"on_shift": ["warn"]}, r"on_shift must be one of .* got \['warn'\]"),
    ({"max_check_rows": 5}, r"max_check_rows must be .* at least 30, got 5"),
    ({"max_check_rows": 1e4}, r"max_check_rows must be an integer .* got 10000\.0"),
    ({"min_category_count": 0}, r"min_category_count must be .* got 0"),
    ({"scoring": "precison"}, r"scoring must be .* got 'precison'"),
    ({"scoring": 3}, r"scoring must be .* got int"),
    ({"scoring": {"a": "precison"}}, r"scoring must be .*precison"),
    ({"categorical_features": ["z"]}, r"categorical_features .*\['z'\]"),
    ({"categorical_features": [7]}, r"categorical_features .*\[7\]"),
    ({"categorical_features": "a"}, r"categorical_features must be .* got 'a'"),
]


@pytest.mark.parametrize(("wrong", "match"), WRONG, ids=lambda case: str(case)[:40])
def test_a_wrong_parameter_is_named_with_its_rule_and_its_value(
    wrong: dict[str, Any], match: str
) -> None:
    model = DriftAwareEstimator(Recorder()).set_params(**wrong)
    with pytest.raises(ParameterError, match=match):
        model.fit(TABLE, BINARY)
    assert not hasattr(model, "estimator_")


class Tagless:
    """A model that was written without scikit-learn's base class."""

    def fit(self, X: Any, y: Any = None) -> Tagless:
        return self

    def predict(self, X: Any) -> np.ndarray:
        return np.zeros(len(X))


@pytest.mark.parametrize(
    ("wrapped", "match"),
    [
        (Tagless(), "Tagless .* derive it from sklearn.base.BaseEstimator"),
        (LogisticRegression, "instance .*LogisticRegression"),
        (None, "instance .* got None"),
        ("LogisticRegression", "instance .* got 'LogisticRegression'"),
    ],
)
def test_what_is_no_estimator_is_refused_with_the_base_class_to_add(
    wrapped: Any, match: str
) -> None:
    with pytest.raises(EstimatorError, match=match):
        DriftAwareEstimator(wrapped).fit(ROWS, BINARY)


@pytest.mark.parametrize(
    "y",
    [None, np.where(BINARY, np.nan, 0.0), BINARY[:-1], np.array(["a"] * N_ROWS)],
    ids=["none", "NaN", "too few", "one class"],
)
def test_labels_that_the_bare_model_refuses_raise_its_own_error(y: Any) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # of casting NaN
        with pytest.raises((ValueError, TypeError)) as bare:
            LogisticRegression().fit(ROWS, y)
        with pytest.raises(type(bare.value)) as wrapped:
            DriftAwareEstimator(LogisticRegression()).fit(ROWS, y)
    assert str(wrapped.value) == str(bare.value)


class Fragile(RegressorMixin, BaseEstimator):
    """Regressor that fails when it is told to, at one of its fits."""

    def __init__(self, error: Any = None) -> None:
        self.error = error

    def fit(self, X: Any, y: Any) -> Fragile:
        if self.error is not None:
            raise self.error("told to")
        self.mean_ = np.mean(y)
        return self

    def predict(self, X: Any) -> np.ndarray:
        return np.full(len(X), self.mean_)


@pytest.mark.parametrize(
    "error", [ValueError, RuntimeError, MemoryError, KeyboardInterrupt, OSError]
)
def test_a_failing_fit_raises_its_own_error_and_leaves_the_earlier_fit(
    error: type[BaseException],
) -> None:
    model = DriftAwareEstimator(Fragile(), cv=2).fit(TABLE, VALUES)
    before = dict(model.__dict__)
    model.set_params(estimator__error=error)
    with pytest.raises(error, match="told to"):
        model.fit(ROWS[:, :2], VALUES)
    after = dict(model.__dict__)
    assert after.keys() == before.keys()
    assert all(after[name] is before[name] for name in before)
    assert model.predict(TABLE)[0] == pytest.approx(VALUES.mean())
    assert model.check(TABLE).ok


@pytest.mark.parametrize("error", [MemoryError, KeyboardInterrupt])
def test_what_stops_the_pass_stops_fit_and_leaves_the_earlier_fit(
    error: type[BaseException],
) -> None:
    def stopping(model: Any, X: Any, y: Any) -> float:
        raise error("told to")

    model = DriftAwareEstimator(Ridge(), cv=2).fit(TABLE, VALUES)
    before = dict(model.__dict__)
    model.set_params(scoring=stopping)
    with pytest.raises(error, match="told to"):
        model.fit(ROWS, VALUES)
    assert model.estimator_ is before["estimator_"]
    assert model.baseline_ is before["baseline_"]
    assert model.__dict__.keys() == before.keys()


def test_an_unfitted_wrapper_says_so_as_scikit_learn_does() -> None:
    model = DriftAwareEstimator(LogisticRegression())
    for use in (model.predict, model.check, model.flag):
        with pytest.raises(NotFittedError, match="DriftAwareEstimator") as caught:
            use(ROWS)
        assert isinstance(caught.value, SklearnNotFittedError)


# --- the interval -------------------------------------------------------------


def mean_of_the_first_column(model: Any, X: np.ndarray, y: Any) -> float:
    return float(X[:, 0].mean())


@pytest.mark.parametrize(
    ("n_rows", "n_folds", "degrees_of_freedom"),
    [
        (100, 5, 4),  # folds too small for blocks: from fold to fold
        (300, 5, 5 * 2),  # three blocks of twenty rows in each
        (2_000, 5, 5 * 9),
        (2_000, 2, 2 * 9),
    ],
)
def test_the_limits_are_students_and_a_score_on_the_lower_one_has_half_the_rest(
    n_rows: int, n_folds: int, degrees_of_freedom: int
) -> None:
    X = np.random.default_rng(0).normal(size=(n_rows, 1))
    model = DriftAwareEstimator(
        DummyRegressor(), cv=n_folds, scoring=mean_of_the_first_column
    ).fit(X, X[:, 0])
    (learned_score,) = model.baseline_.scores
    assert learned_score.degrees_of_freedom == degrees_of_freedom
    batch = X[:40]
    promise = model.check(batch, batch).expected_score["score"]
    error = np.sqrt(
        learned_score.row_variance * (n_folds / (n_folds - 1) / n_rows + 1 / 40)
    )
    assert promise.value - promise.low == pytest.approx(
        student.ppf(0.975, degrees_of_freedom) * error
    )
    assert promise.high - promise.value == pytest.approx(promise.value - promise.low)
    on_the_limit = batch + promise.low - promise.realised
    score = model.check(on_the_limit, batch).expected_score["score"]
    assert score.pvalue == pytest.approx(0.025)


@pytest.mark.slow
@pytest.mark.parametrize("n_rows", [50, 400])
@pytest.mark.parametrize("kind", ["classifier", "regressor"])
def test_the_interval_holds_the_realised_score_as_often_as_it_says(
    kind: str, n_rows: int
) -> None:
    rng = np.random.default_rng(n_rows)
    n_trials, covered = 300, 0

    def draw(n: int) -> tuple[np.ndarray, np.ndarray]:
        X = rng.normal(size=(n, 3))
        y = X @ [1.0, -1.0, 0.5] + rng.normal(size=n)
        return X, (y > 0).astype(int) if kind == "classifier" else y

    model = DriftAwareEstimator(
        GaussianNB() if kind == "classifier" else Ridge(),
        scoring=None if kind == "classifier" else "neg_mean_absolute_error",
    )
    for _ in range(n_trials):
        model.fit(*draw(300))
        X, y = draw(n_rows)
        (score,) = model.check(X, y).expected_score.values()
        covered += score.low <= score.realised <= score.high
    level = 0.95
    assert covered >= binom.ppf(1e-3, n_trials, level)
    assert covered < n_trials  # an interval that never misses says nothing
