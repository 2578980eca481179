"""`estimate_score`: what it takes, what it gives, and what it refuses."""

from __future__ import annotations

import copy
import warnings

import numpy as np
import pandas as pd
import pytest
import scipy.sparse
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.cluster import KMeans
from sklearn.dummy import DummyClassifier, DummyRegressor
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.metrics import f1_score, get_scorer, make_scorer
from sklearn.model_selection import LeaveOneOut, ShuffleSplit
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import NearestCentroid
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder
from sklearn.svm import LinearSVC

import skdrift
from skdrift import DriftAwareEstimator, EstimatedScore, PerformanceEstimate
from skdrift._core.frame import read_table
from skdrift.exceptions import EstimatorError, NotFittedError, ParameterError
from skdrift.performance._class_scores import BINARY_SCORERS, MULTICLASS_SCORERS
from skdrift.performance._error_scores import REGRESSION_SCORERS
from skdrift.performance._estimating import expected_batch


def classes(n, shift=0.0, seed=0, n_classes=2):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, 4))
    X[:, 0] += shift
    scores = np.outer(X[:, 0] + 0.7 * X[:, 1] ** 2, np.arange(n_classes)) * 1.5
    scores[:, 1 : n_classes - 1] += 2.0
    return X, np.argmax(scores + rng.gumbel(size=scores.shape) * 1.5, axis=1)


def values(n, shift=0.0, seed=0):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, 4))
    X[:, 0] += shift
    return X, X[:, 0] - X[:, 1] + (0.2 + np.abs(X[:, 0])) * rng.normal(size=n)


def near(score: EstimatedScore, realised: float) -> bool:
    """Whether a realised score is within twice the interval's half width."""
    middle, half = (score.low + score.high) / 2, (score.high - score.low) / 2
    return abs(realised - middle) <= 2 * half


@pytest.mark.parametrize("shift", [0.0, 1.0])
@pytest.mark.parametrize(
    ("model", "draw", "names"),
    [
        (LogisticRegression(), classes, BINARY_SCORERS),
        (GaussianNB(), classes, BINARY_SCORERS),
        (LinearRegression(), values, REGRESSION_SCORERS),
    ],
)
def test_scores_have_the_names_and_about_the_values_of_scikit_learn(
    model, draw, names, shift
):
    wrapped = DriftAwareEstimator(model).fit(*draw(3_000))
    X, y = draw(2_000, shift, seed=1)
    estimate = wrapped.estimate_score(X)
    assert isinstance(estimate, PerformanceEstimate)
    assert list(estimate) == [*names, "score"]
    assert estimate.n_rows == 2_000
    assert not estimate.extrapolates
    for name in names:
        score = estimate[name]
        assert score.low < score.value < score.high
        if name != "neg_mean_absolute_percentage_error":  # labels near 0
            assert near(score, get_scorer(name)(wrapped.estimator_, X, y)), name


def test_more_classes_are_one_against_the_rest():
    wrapped = DriftAwareEstimator(LogisticRegression())
    wrapped.fit(*classes(3_000, n_classes=3))
    X, y = classes(2_000, 0.5, seed=1, n_classes=3)
    estimate = wrapped.estimate_score(X)
    assert list(estimate) == [*MULTICLASS_SCORERS, "score"]
    assert set(wrapped.estimator_.predict(X)) == {0, 1, 2}
    for name in MULTICLASS_SCORERS:
        assert near(estimate[name], get_scorer(name)(wrapped.estimator_, X, y)), name


def test_a_score_follows_where_the_promise_stands_still():
    wrapped = DriftAwareEstimator(LinearRegression()).fit(*values(4_000))
    X, y = values(2_000, 1.5, seed=1)
    estimate = wrapped.estimate_score(X)["neg_mean_absolute_error"]
    realised = -np.abs(y - wrapped.estimator_.predict(X)).mean()
    assert abs(estimate.value - realised) < 0.4 * abs(estimate.plain - realised)


def test_scorers_of_the_pass_are_estimated_too_or_say_why_not():
    scoring = {"wide": get_scorer("jaccard"), "own": lambda model, X, y: 0.5}
    wrapped = DriftAwareEstimator(GaussianNB(), scoring=scoring).fit(*classes(500))
    estimate = wrapped.estimate_score(classes(200, seed=1)[0])
    assert 0.0 < estimate["wide"].value < 1.0
    assert np.isnan(estimate["own"].value)
    assert estimate["own"].reason
    regressor = DriftAwareEstimator(LinearRegression(), scoring="neg_max_error")
    estimate = regressor.fit(*values(500)).estimate_score(values(99, seed=1)[0])
    assert "absolute, squared and relative" in estimate["neg_max_error"].reason
    with pytest.raises(KeyError, match="there are"):
        estimate["accuracy"]


def test_the_answer_names_its_assumption():
    estimate = (
        DriftAwareEstimator(GaussianNB())
        .fit(*classes(300))
        .estimate_score(classes(50, seed=1)[0])
    )
    assert "P(y | X)" in estimate.assumption
    assert "concept drift is not seen" in str(estimate)
    assert "roc_auc" in str(estimate)


class OnlyLabels(ClassifierMixin, BaseEstimator):
    """Classifier by the sign of the first column."""

    def fit(self, X, y):
        self.classes_ = np.unique(y)
        return self

    def predict(self, X):
        return self.classes_[(np.asarray(X)[:, 0] > 0).astype(int)]


@pytest.mark.parametrize(
    ("model", "ranks", "shares"),
    [
        (LinearSVC(), True, False),
        (OnlyLabels(), False, False),
        (GaussianNB(), True, True),
    ],
)
def test_without_probabilities_what_cannot_be_had_says_so(model, ranks, shares):
    wrapped = DriftAwareEstimator(model).fit(*classes(2_000))
    X, y = classes(1_000, 0.5, seed=1)
    estimate = wrapped.estimate_score(X)
    assert near(estimate["accuracy"], wrapped.score(X, y))
    assert np.isfinite(estimate["roc_auc"].value) == ranks
    assert np.isfinite(estimate["neg_log_loss"].value) == shares
    for name in ("roc_auc", "neg_log_loss"):
        assert bool(estimate[name].reason) == np.isnan(estimate[name].value)


@pytest.mark.parametrize("labels", [["no", "yes"], [False, True], [3, 7]])
def test_classes_have_any_names(labels):
    X, y = classes(1_000)
    names = np.array(labels)
    wrapped = DriftAwareEstimator(GaussianNB()).fit(X, names[y])
    plain = DriftAwareEstimator(GaussianNB()).fit(X, y)
    batch = classes(300, seed=1)[0]
    a, b = wrapped.estimate_score(batch), plain.estimate_score(batch)
    for name in ("accuracy", "roc_auc", "neg_log_loss"):
        assert a[name].value == pytest.approx(b[name].value)
    if labels[0] == "no":
        assert "pos_label" in a["f1"].reason  # as in scikit-learn


@pytest.mark.parametrize(
    "model", [NearestCentroid(), DummyClassifier(), DummyRegressor()]
)
def test_plain_models_are_estimated(model):
    wrapped = DriftAwareEstimator(model).fit(*classes(400))
    assert all(
        isinstance(score, EstimatedScore)
        for score in wrapped.estimate_score(classes(100, seed=1)[0]).values()
    )


def test_what_it_takes_is_said():
    X, y = classes(100)
    with pytest.raises(NotFittedError):
        DriftAwareEstimator(GaussianNB()).estimate_score(X)
    for model in (
        DriftAwareEstimator(GaussianNB(), performance=None).fit(X, y),
        DriftAwareEstimator(GaussianNB(), cv=None).fit(X, y),
        DriftAwareEstimator(KMeans(2, n_init=1)).fit(X),
    ):
        with pytest.raises(EstimatorError, match="performance='auto'"):
            model.estimate_score(X)
    two = DriftAwareEstimator(LinearRegression()).fit(X, np.column_stack([y, y]))
    with pytest.raises(EstimatorError, match=r"2 outputs; .* one model for each"):
        two.estimate_score(X)
    few = DriftAwareEstimator(LinearRegression(), cv=2).fit(X[:10], y[:10])
    with pytest.raises(EstimatorError, match="20 out-of-fold rows or more, got 10"):
        few.estimate_score(X)
    with pytest.raises(ParameterError, match="performance must be 'auto' or None"):
        DriftAwareEstimator(GaussianNB(), performance="boosted").fit(X, y)


def test_folds_of_one_class_are_left_out():
    X, y = classes(300)
    order = np.argsort(y, kind="stable")
    splits = [(order[:60], order[60:120]), (np.arange(200), np.arange(200, 300))]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        wrapped = DriftAwareEstimator(LogisticRegression(), cv=splits).fit(X[:, :], y)
    assert wrapped.baseline_.losses.n_rows == 100
    assert 0.5 < wrapped.estimate_score(X)["accuracy"].value < 1.0


@pytest.mark.parametrize("cv", [ShuffleSplit(5, random_state=0), LeaveOneOut()])
def test_any_splitter_will_do(cv):
    X, y = classes(120)
    wrapped = DriftAwareEstimator(GaussianNB(), cv=cv, scoring="accuracy").fit(X, y)
    assert 0.5 < wrapped.estimate_score(X)["accuracy"].value <= 1.0


def test_a_calibration_set_will_do():
    model = GaussianNB().fit(*classes(500))
    wrapped = DriftAwareEstimator(FrozenEstimator(model)).fit(*classes(800, seed=1))
    X, y = classes(1_000, 0.5, seed=2)
    assert near(wrapped.estimate_score(X)["accuracy"], (model.predict(X) == y).mean())


def test_blocks_are_kept_together():
    X, y = classes(1_000)
    X += np.repeat(np.random.default_rng(0).normal(size=(50, 4)), 20, axis=0)
    groups = np.repeat(np.arange(50), 20)
    wrapped = DriftAwareEstimator(GaussianNB()).fit(X, y, groups=groups)
    assert wrapped.baseline_.losses.in_blocks
    assert "whole blocks" in str(wrapped.estimate_score(X))


def test_tables_of_any_kind(tmp_path):
    X, y = classes(600)
    frame = pd.DataFrame(X, columns=list("abcd"))
    frame["level"] = pd.Categorical(np.where(X[:, 0] > 0, "up", "down"))
    frame["text"] = np.where(X[:, 1] > 0, "long text of words", "short")
    model = make_pipeline(OneHotEncoder(handle_unknown="ignore"), LogisticRegression())
    wrapped = DriftAwareEstimator(model).fit(frame, y)
    batch = frame.head(200).copy()
    batch["text"] = "never seen"
    batch.loc[batch.index[:50], "a"] = np.nan
    assert np.isfinite(wrapped.estimate_score(batch)["accuracy"].value)
    sparse = scipy.sparse.random(400, 150, 0.05, format="csr", random_state=0)
    linear = DriftAwareEstimator(LogisticRegression()).fit(sparse, y[:400])
    assert np.isfinite(linear.estimate_score(sparse)["f1"].value)
    texts = np.array([f"word{k % 7} word{k % 3}" for k in range(400)], dtype=object)
    words = make_pipeline(TfidfVectorizer(), LogisticRegression())
    column = pd.DataFrame({"text": texts})
    chosen = make_pipeline(_FirstColumn(), words)
    model = DriftAwareEstimator(chosen).fit(column, np.arange(400) % 3 == 0)
    assert model.estimate_score(column)["accuracy"].value > 0.9


class _FirstColumn(BaseEstimator):
    def fit(self, X, y=None):
        self.fitted_ = True
        return self

    def transform(self, X):
        return X.iloc[:, 0]


def test_a_column_that_is_gone_fails_as_the_model_does_or_counts_as_missing():
    X, y = classes(400)
    frame = pd.DataFrame(X, columns=list("abcd"))
    wrapped = DriftAwareEstimator(GaussianNB()).fit(frame, y)
    with pytest.raises(ValueError, match="feature names"):
        wrapped.estimate_score(frame.drop(columns="b"))
    labels = DriftAwareEstimator(OnlyLabels()).fit(frame, y)
    assert np.isfinite(labels.estimate_score(frame.drop(columns="b"))["accuracy"].value)


def test_a_score_that_asks_for_more_than_the_model_gives_says_what():
    X, y = classes(400)
    margins = DriftAwareEstimator(LinearSVC()).fit(X, y).estimate_score(X)
    assert margins["neg_log_loss"].reason == "LinearSVC has no predict_proba"
    named = DriftAwareEstimator(LogisticRegression()).fit(X, np.array(["n", "y"])[y])
    reason = named.estimate_score(X)["f1"].reason
    assert reason.endswith("scoring={'f1': make_scorer(f1_score, pos_label='y')}")
    told = {"f1": make_scorer(f1_score, pos_label="y")}
    named.set_params(scoring=told).fit(X, np.array(["n", "y"])[y])
    plain = DriftAwareEstimator(LogisticRegression()).fit(X, y).estimate_score(X)
    assert named.estimate_score(X)["f1"].value == plain["f1"].value


def test_the_models_own_score_has_the_bounds_of_the_accuracy():
    score = DriftAwareEstimator(LogisticRegression()).fit(*classes(400))
    few = score.estimate_score(classes(2)[0])
    assert (few["score"].low, few["score"].high) == (
        few["accuracy"].low,
        few["accuracy"].high,
    )
    assert 0 <= few["score"].low < few["score"].high <= 1


def test_no_row_and_one_row():
    wrapped = DriftAwareEstimator(GaussianNB()).fit(*classes(500))
    nothing = wrapped.estimate_score(np.zeros((0, 4)))
    assert "no rows" in nothing["accuracy"].reason
    one = wrapped.estimate_score(np.zeros((1, 4)))
    assert 0.0 <= one["accuracy"].low <= one["accuracy"].value <= 1.0
    assert one["roc_auc"].reason
    regressor = DriftAwareEstimator(LinearRegression()).fit(*values(500))
    assert np.isfinite(
        regressor.estimate_score(np.zeros((1, 4)))["neg_mean_squared_error"].value
    )


def test_a_batch_beyond_training_is_said_to_be_there():
    wrapped = DriftAwareEstimator(LinearRegression()).fit(*values(2_000))
    for shift, n in ((4.0, 500), (8.0, 5)):
        estimate = wrapped.estimate_score(values(n, shift, seed=1)[0])
        assert estimate.extrapolates
        assert "extrapolate" in str(estimate)
    assert wrapped.estimate_score(values(500, seed=1)[0]).effective_sample_size > 1_500


def test_a_batch_in_a_corner_of_training_extrapolates_too():
    X, y = values(2_000)
    wrapped = DriftAwareEstimator(LinearRegression()).fit(X, y)
    corner = X[np.argsort(X[:, 0])[-10:]].repeat(40, axis=0)
    estimate = wrapped.estimate_score(corner)
    assert estimate.share_outside == 0.0
    assert estimate.effective_sample_size < 100
    assert estimate.extrapolates
    assert "at most" in estimate.notes[0]


@pytest.mark.parametrize("target", [np.zeros(300), np.full(300, 5.0)])
def test_a_model_without_errors_promises_none(target):
    X = np.random.default_rng(0).normal(size=(300, 2))
    wrapped = DriftAwareEstimator(LinearRegression()).fit(X, target)
    estimate = wrapped.estimate_score(X)
    assert abs(estimate["neg_mean_absolute_error"].value) < 1e-6


@pytest.mark.parametrize("size", [1e60, 1e300])
def test_errors_without_finite_powers_are_a_reason(size):
    X, y = values(300)
    model = DriftAwareEstimator(
        DummyRegressor(strategy="median"),
        scoring="neg_mean_absolute_error",
        blocks=None,
        keep_reference=100,
    )
    with np.errstate(over="ignore", invalid="ignore"):  # the moments of the scores
        model.fit(X, size * y)
    assert model.baseline_.losses.reason.endswith("divide the target by a constant")
    with pytest.raises(EstimatorError, match=r"as large as \d\S*e\+"):
        model.estimate_score(X)


@pytest.mark.parametrize("size", [1e30, 1e-160, 1e-300])
def test_large_and_tiny_errors_are_estimated(size):
    X, y = values(600)
    model = DriftAwareEstimator(LinearRegression(), blocks=None).fit(X, size * y)
    score = model.estimate_score(X + np.eye(4)[0])["neg_mean_absolute_error"]
    assert score.low < score.value < score.high <= 0.0


def test_answers_of_any_size_warn_of_nothing():
    X, y = values(600)
    model = DriftAwareEstimator(LinearRegression(), blocks=None).fit(X, y)
    batch, known = X[:100].copy(), model.baseline_
    batch[0] = 1e200
    expected = expected_batch(
        known.losses, known.reference, model.estimator_, batch, read_table(batch)
    )
    names = ("r2", "neg_mean_absolute_error")
    found, other = expected.scores(
        model.estimator_, {name: get_scorer(name) for name in names}
    )
    assert np.isnan(found.value)
    assert found.reason
    assert other.low < other.value < other.high < 0.0


def test_estimating_changes_nothing_and_survives_the_artifact(tmp_path):
    wrapped = DriftAwareEstimator(HistGradientBoostingRegressor(max_iter=20))
    wrapped.fit(*values(1_000))
    before = copy.deepcopy(wrapped.baseline_.losses.values)
    X = values(300, 0.5, seed=1)[0]
    expected = wrapped.estimate_score(X)
    assert np.array_equal(before, wrapped.baseline_.losses.values)
    skdrift.dump(wrapped, tmp_path / "model.skops")
    again = skdrift.load(
        tmp_path / "model.skops",
        trusted=[
            "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor",
        ],
    )
    assert again.estimate_score(X) == expected


def test_what_is_kept_does_not_grow_with_the_rows(tmp_path):
    sizes = []
    for n in (2_000, 8_000):
        wrapped = DriftAwareEstimator(LinearRegression(), blocks=None).fit(*values(n))
        losses = wrapped.baseline_.losses
        arrays = [getattr(losses, name) for name in losses.__slots__]
        sizes.append(sum(a.nbytes for a in arrays if isinstance(a, np.ndarray)))
    assert sizes[1] <= sizes[0] * 1.5 < 100_000


class Nonsense(BaseEstimator):
    """Regressor that answers with texts."""

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.estimator_type = "regressor"
        return tags

    def fit(self, X, y):
        self.fitted_ = True
        return self

    def predict(self, X):
        return np.array(["a"] * len(X))


def test_a_model_that_answers_with_nonsense_is_fitted_and_says_why_not():
    X, y = values(100)
    wrapped = DriftAwareEstimator(Nonsense(), scoring={"none": lambda m, X, y: 0.0})
    wrapped.fit(X, y)
    with pytest.raises(EstimatorError, match="cannot be read"):
        wrapped.estimate_score(X)
