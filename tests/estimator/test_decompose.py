"""`decompose`: what it takes, what it gives, and what it refuses."""

from __future__ import annotations

import json
import pickle
import warnings

import joblib
import numpy as np
import pandas as pd
import polars as pl
import pytest
import scipy.sparse
from sklearn.base import clone
from sklearn.cluster import KMeans
from sklearn.dummy import DummyClassifier, DummyRegressor
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.metrics import get_scorer
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from sklearn.svm import LinearSVC

import skdrift
from skdrift import DriftAwareEstimator, ScoreDecomposition
from skdrift.exceptions import (
    EstimatorError,
    InputError,
    InputTypeError,
    NotFittedError,
    ParameterError,
)
from skdrift.performance._score_forms import CLASS_FORMS, ERROR_FORMS

MAE = "neg_mean_absolute_error"


def classes(n, flipped=0.0, seed=0, n_classes=2):
    """Labels of a share of the rows with x2 > 0 are those of other rows."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, 4))
    scores = np.outer(X[:, 0] - X[:, 1], np.arange(n_classes)) * 2.0
    y = np.argmax(scores + rng.gumbel(size=scores.shape), axis=1)
    moved = (X[:, 2] > 0) & (rng.random(n) < flipped)
    return X, np.where(moved, n_classes - 1 - y, y)


def values(n, raised=0.0, seed=0):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, 4))
    noise = (0.2 + np.abs(X[:, 0])) * rng.normal(size=n)
    return X, X[:, 0] - X[:, 1] + raised * (X[:, 2] > 0.5) + noise


@pytest.fixture(scope="module")
def regressor():
    return DriftAwareEstimator(LinearRegression(), scoring=["r2", MAE]).fit(
        *values(3_000)
    )


@pytest.fixture(scope="module")
def classifier():
    return DriftAwareEstimator(LogisticRegression()).fit(*classes(3_000))


@pytest.fixture(scope="module")
def keeping():
    model = DriftAwareEstimator(LinearRegression(), scoring=MAE, keep_reference=1_000)
    return model.fit(*values(3_000))


def total(found: ScoreDecomposition) -> float:
    return sum(term.value for term in found.terms)


@pytest.mark.parametrize("name", ERROR_FORMS)
@pytest.mark.parametrize("kept", [False, True])
def test_the_terms_sum_to_the_change_of_the_score_of_regressors(
    regressor, keeping, name, kept
):
    model = keeping if kept else regressor
    X, y = values(700, 2.0, seed=1)
    found = model.decompose(X, y, scorer=name)
    assert found.realised == pytest.approx(get_scorer(name)(model.estimator_, X, y))
    assert total(found) == pytest.approx(found.realised - found.promised)
    assert found.change.value == pytest.approx(found.realised - found.promised)
    assert found.region == ("density" if kept else "support")
    if name != "neg_mean_absolute_percentage_error":  # labels near 0
        assert found.concept.high < 0.0 < found.concept.share
        assert all(one.low <= one.value <= one.high for one in found.terms)


@pytest.mark.parametrize("name", CLASS_FORMS)
@pytest.mark.parametrize("n_classes", [2, 3])
@pytest.mark.parametrize("keep", [None, 1_000])
def test_the_terms_sum_to_the_change_of_the_score_of_classifiers(name, n_classes, keep):
    model = DriftAwareEstimator(LogisticRegression(), keep_reference=keep)
    model.fit(*classes(2_000, n_classes=n_classes))
    X, y = classes(900, 0.8, seed=1, n_classes=n_classes)
    found = model.decompose(X, y, scorer=name)
    assert found.realised == pytest.approx(get_scorer(name)(model.estimator_, X, y))
    assert total(found) == pytest.approx(found.realised - found.promised)
    assert found.concept.high < 0.0
    assert found.rival is not None
    assert sum(one.value for one in found.rival.terms) == pytest.approx(
        found.realised - found.promised
    )


def test_without_a_name_it_is_the_first_score_of_the_pass(regressor, classifier):
    assert regressor.decompose(*values(300, seed=1)).scorer == "r2"
    found = classifier.decompose(*classes(300, seed=1))
    assert found.scorer == "score"
    assert found.promised == pytest.approx(classifier.baseline_.scores[0].value)


def test_nothing_that_moved_is_nothing_that_is_certain(regressor, classifier):
    for model, batch in ((regressor, values), (classifier, classes)):
        found = model.decompose(*batch(1_000, seed=7))
        assert not found.change.is_certain
        assert not found.concept.is_certain
        assert found.segment is None
        assert "within chance" in " ".join(found.notes)


def test_the_segment_is_a_rule_of_columns_as_the_user_names_them():
    X, y = values(3_000)
    names = ["heat", "wind", "rain", "hour"]
    model = DriftAwareEstimator(LinearRegression(), scoring=MAE)
    model.fit(pd.DataFrame(X, columns=names), y)
    X, y = values(2_000, 3.0, seed=1)
    found = model.decompose(pd.DataFrame(X, columns=names), y)
    assert found.segment is not None
    assert "rain > 0.5" in found.segment.rule
    assert found.segment.realised > found.segment.expected
    assert 0 < found.segment.n_rows < len(X)
    assert f"Where: {found.segment}." in str(found)
    assert "MAE" in str(found.segment)


def test_a_segment_of_a_category_and_of_a_flag():
    rng = np.random.default_rng(0)

    def rows(n, raised):
        frame = pd.DataFrame(
            {
                "town": rng.choice(["Rome", "Oslo", "Lima"], n),
                "open": rng.integers(0, 2, n),
                "x": rng.normal(size=n),
            }
        )
        moved = (frame["town"] == "Oslo") & (frame["open"] == 1)
        return frame, frame["x"] + raised * moved + 0.3 * rng.normal(size=n)

    model = make_pipeline(OneHotEncoder(handle_unknown="ignore"), LinearRegression())
    wrapped = DriftAwareEstimator(model, scoring=MAE).fit(*rows(600, 0.0))
    found = wrapped.decompose(*rows(900, 5.0))
    assert found.segment is not None
    assert found.segment.rule in (
        "town = Oslo and open = 1",
        "open = 1 and town = Oslo",
    )


def test_rows_that_moved_everywhere_alike_have_no_segment():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(4_000, 3))
    y = X[:, 0] + rng.normal(size=4_000)
    model = DriftAwareEstimator(LinearRegression(), scoring=MAE).fit(
        X[:2_000], y[:2_000]
    )
    found = model.decompose(X[2_000:], y[2_000:] + 2.0)
    assert found.concept.is_certain
    assert found.segment is None


def test_label_shift_is_told_from_concept_drift():
    rng = np.random.default_rng(0)

    def rows(n, prior):
        y = (rng.random(n) < prior).astype(int)
        return rng.normal(size=(n, 3)) + 0.8 * y[:, None], y

    model = DriftAwareEstimator(LogisticRegression()).fit(*rows(4_000, 0.15))
    found = model.decompose(*rows(2_000, 0.6))
    assert found.rival is not None
    assert found.rival.supported
    assert abs(found.rival.prior.share - 1.0) < 0.15
    assert "Label shift is the better account" in str(found)
    flipped = model.decompose(*(lambda X, y: (X, 1 - y))(*rows(2_000, 0.15)))
    assert flipped.rival is not None
    assert not flipped.rival.supported


def test_all_rows_outside_of_training_leave_concept_drift_unknown(regressor):
    X, y = values(200, seed=1)
    found = regressor.decompose(X + 100.0, y, scorer=MAE)
    assert np.isnan([found.concept.value, found.covariate.value]).all()
    assert found.new_x.value == pytest.approx(found.realised - found.promised)
    assert found.share_outside == 1.0
    assert "cannot be known" in str(found)


def test_a_column_that_was_constant_is_not_part_of_x():
    X, y = values(2_000)
    X[:, 3] = 5.0
    model = DriftAwareEstimator(LinearRegression(), scoring=MAE).fit(X, y)
    X, y = values(500, seed=1)
    found = model.decompose(X, y)
    assert found.share_outside < 0.05
    assert np.isfinite(found.concept.value)


@pytest.mark.parametrize(
    "container",
    [
        lambda X: pd.DataFrame(X, columns=list("abcd")),
        lambda X: pl.DataFrame(X, schema=list("abcd")),
        pd.DataFrame,
        scipy.sparse.csr_matrix,
        lambda X: X.tolist(),
    ],
    ids=["pandas", "polars", "integer names", "sparse", "lists"],
)
def test_the_container_of_the_rows_makes_no_difference(container):
    X, y = values(1_000)
    plain = DriftAwareEstimator(LinearRegression(), scoring=MAE).fit(X, y)
    model = clone(plain).fit(container(X), y)
    batch = values(400, 1.0, seed=1)
    expected = plain.decompose(*batch)
    found = model.decompose(container(batch[0]), batch[1])
    for own, other in zip(found.terms, expected.terms, strict=True):
        assert own.value == pytest.approx(other.value, abs=1e-6)


@pytest.mark.parametrize("make", [list, pd.Series, pl.Series, lambda y: y[:, None]])
def test_the_container_of_the_labels_makes_no_difference(regressor, make):
    X, y = values(300, seed=1)
    assert regressor.decompose(X, make(y)) == regressor.decompose(X, y)


def test_rows_without_a_label_are_left_out_and_counted(regressor, classifier):
    X, y = values(300, seed=1)
    y[:40] = np.nan
    found = regressor.decompose(X, y)
    assert (found.n_rows, found.n_unlabelled) == (260, 40)
    assert found.realised == regressor.decompose(X[40:], y[40:]).realised
    assert "40 rows without a label" in str(found)
    X, y = classes(300, seed=1)
    y = y.astype(object)
    y[:7] = [None, np.nan, pd.NA, None, None, None, None]
    assert classifier.decompose(X, y).n_unlabelled == 7


def test_one_row_has_terms_and_no_interval(regressor, classifier, keeping):
    for model, batch in ((regressor, values), (classifier, classes), (keeping, values)):
        X, y = batch(50, seed=1)
        name = MAE if batch is values else "accuracy"
        found = model.decompose(X[:1], y[:1], scorer=name)
        assert total(found) == pytest.approx(found.realised - found.promised)
        assert np.isnan(found.concept.low)
        assert found.concept.reason


def test_a_constant_loss_is_no_accident():
    X = values(500)[0]
    model = DriftAwareEstimator(DummyRegressor(), scoring=MAE).fit(X, np.ones(500))
    found = model.decompose(X, np.ones(500))
    assert found.realised == found.promised == 0.0
    assert total(found) == pytest.approx(0.0, abs=1e-6)
    assert np.isnan(found.change.share)


def test_one_class_alone_in_a_batch(classifier):
    X, y = classes(400, seed=1)
    found = classifier.decompose(X[y == 1], y[y == 1])
    assert total(found) == pytest.approx(found.realised - found.promised)
    assert isinstance(str(found), str)


def test_classes_that_training_never_had(classifier):
    X, y = classes(400, seed=1)
    y = np.where(np.arange(400) < 100, 7, y)
    found = classifier.decompose(X, y)
    assert found.concept.high < 0.0
    assert "100 rows are of classes" in str(found)
    with pytest.raises(InputError, match="never had: pass scorer='accuracy'"):
        classifier.decompose(X, y, scorer="neg_log_loss")


def test_without_probabilities_there_is_accuracy_alone():
    model = DriftAwareEstimator(LinearSVC()).fit(*classes(1_000))
    batch = classes(500, 0.5, seed=1)
    found = model.decompose(*batch)
    assert found.concept.high < 0.0
    assert isinstance(found.rival, skdrift.LabelShiftTerms)
    with pytest.raises(ParameterError, match="needs predict_proba"):
        model.decompose(*batch, scorer="neg_log_loss")


def test_what_is_asked_wrongly_is_told(regressor, classifier):
    X, y = values(50, seed=1)
    with pytest.raises(ParameterError, match=r"must be None or one of 'r2'.*'nothing'"):
        regressor.decompose(X, y, scorer="nothing")
    with pytest.raises(ParameterError, match="must be None or one of"):
        regressor.decompose(X, y, scorer=3)
    with pytest.raises(InputError, match="same number of rows, got 50 and 49"):
        regressor.decompose(X, y[1:])
    with pytest.raises(InputTypeError, match="one label for each row"):
        regressor.decompose(X, 3.0)
    with pytest.raises(InputError, match="wrap one model for each output"):
        regressor.decompose(X, np.column_stack([y, y]))
    with pytest.raises(InputError, match="no label for any of 50 rows"):
        regressor.decompose(X, np.full(50, np.nan))
    with pytest.raises(InputError, match="no label for any of 0 rows"):
        regressor.decompose(X[:0], y[:0])
    with pytest.raises(InputTypeError, match="must hold numbers"):
        regressor.decompose(X, ["a"] * 50)
    with pytest.raises(InputTypeError):
        regressor.decompose(None, y)
    with pytest.raises(ParameterError, match="groups"):
        regressor.decompose(X, y, groups=[1, 2])
    X, y = classes(50, seed=1)
    with pytest.raises(InputError, match=r"no class of training: got \['"):
        classifier.decompose(X, y.astype(str))


def test_scores_that_are_no_means_are_refused():
    model = DriftAwareEstimator(
        LogisticRegression(), scoring=["roc_auc", "accuracy"]
    ).fit(*classes(500))
    with pytest.raises(ParameterError, match=r"'roc_auc' cannot be taken apart"):
        model.decompose(*classes(100, seed=1))
    assert model.decompose(*classes(100, seed=1), scorer="accuracy").rival is not None


def test_models_of_which_nothing_was_learned_say_why():
    X, y = values(200)
    with pytest.raises(NotFittedError):
        DriftAwareEstimator(LinearRegression()).decompose(X, y)
    for options in ({"performance": None}, {"cv": None}):
        model = DriftAwareEstimator(LinearRegression(), **options).fit(X, y)
        with pytest.raises(EstimatorError, match="no score can be taken apart"):
            model.decompose(X, y)
    several = DriftAwareEstimator(LinearRegression()).fit(X, np.column_stack([y, y]))
    with pytest.raises(EstimatorError, match="wrap one model for each"):
        several.decompose(X, np.column_stack([y, y]))
    with pytest.raises(EstimatorError):
        DriftAwareEstimator(KMeans(2)).fit(X).decompose(X, y)
    one = DriftAwareEstimator(DummyClassifier())
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        one.fit(X, np.zeros(200, dtype=int))
    with pytest.raises(EstimatorError):
        one.decompose(X, np.zeros(200, dtype=int))


def test_many_columns_and_many_categories():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(600, 500))
    y = X[:, 0] + rng.normal(size=600)
    wide = DriftAwareEstimator(DummyRegressor(), scoring=MAE, keep_reference=200)
    assert np.isfinite(wide.fit(X, y).decompose(X[:300], y[:300]).concept.value)
    frame = pd.DataFrame({"id": rng.integers(0, 5_000, 8_000).astype(str)})
    frame["id"] = frame["id"].astype("category")
    y = rng.normal(size=8_000)
    model = DriftAwareEstimator(DummyRegressor(), scoring=MAE).fit(frame, y)
    assert np.isfinite(model.decompose(frame[:500], y[:500]).concept.value)


def test_rows_in_blocks_make_the_intervals_wider():
    rng = np.random.default_rng(0)
    model = DriftAwareEstimator(LinearRegression(), scoring=MAE).fit(*values(2_000))
    X, y = values(800, seed=1)
    days = np.repeat(np.arange(20), 40)
    y = y + rng.normal(size=20)[days]
    alone = model.decompose(X, y).concept
    by_day = model.decompose(X, y, groups=days).concept
    assert by_day.value == alone.value
    assert by_day.high - by_day.low > 1.5 * (alone.high - alone.low)


def test_the_answer_is_plain_numbers_and_pictures_nothing(classifier):
    found = classifier.decompose(*classes(300, 0.9, seed=1))
    again = json.loads(json.dumps(found.to_dict(), allow_nan=False))
    assert again["concept"]["value"] == found.concept.value
    assert again["terms" if "terms" in again else "covariate"]
    table = str(found.terms)
    assert table.splitlines()[1].startswith("concept")
    assert "%" in table
    with pytest.raises(AttributeError):
        found.promised = 0.0


# --- rows that are kept -------------------------------------------------------


@pytest.mark.parametrize("value", [0, 99, -1, 1.5, "all", True, [100]])
def test_keep_reference_is_a_number_of_rows(value):
    model = DriftAwareEstimator(LinearRegression(), keep_reference=value)
    with pytest.raises(ParameterError, match="keep_reference must be an integer"):
        model.fit(*values(200))


@pytest.mark.parametrize(
    ("estimator", "options"),
    [
        (LinearRegression(), {"performance": None}),
        (LinearRegression(), {"cv": None}),
        (KMeans(2), {}),
        (StandardScaler(), {}),
    ],
)
def test_keep_reference_needs_answers_out_of_fold(estimator, options):
    model = DriftAwareEstimator(estimator, keep_reference=100, **options)
    with pytest.raises(ParameterError, match="needs out-of-fold answers"):
        model.fit(*values(200))


def test_no_row_is_kept_unless_asked_for(regressor, keeping):
    assert regressor.baseline_.reference_rows is None
    kept = keeping.baseline_.reference_rows
    assert kept.n_rows == 1_000
    assert kept.codes.dtype == np.uint8
    assert kept.codes.shape == (4, 1_000)
    few = DriftAwareEstimator(LinearRegression(), keep_reference=10_000)
    assert few.fit(*values(300)).baseline_.reference_rows.n_rows == 300


def test_keep_reference_is_a_parameter_like_any_other(keeping):
    assert keeping.get_params()["keep_reference"] == 1_000
    assert clone(keeping).keep_reference == 1_000
    again = clone(keeping).set_params(keep_reference=None).fit(*values(300))
    assert again.baseline_.reference_rows is None


def test_kept_rows_are_stored(keeping, tmp_path):
    batch = values(400, 1.0, seed=1)
    expected = keeping.decompose(*batch)
    skdrift.dump(keeping, tmp_path / "model.skops")
    joblib.dump(keeping, tmp_path / "model.joblib")
    for again in (
        skdrift.load(tmp_path / "model.skops"),
        joblib.load(tmp_path / "model.joblib"),
        pickle.loads(pickle.dumps(keeping)),
    ):
        assert again.decompose(*batch) == expected


def test_losses_stored_before_are_decomposed_all_the_same(classifier):
    again = pickle.loads(pickle.dumps(classifier))
    losses = again.baseline_.losses
    state = losses.__getstate__()
    names = list(losses.__slots__)
    losses.__setstate__(state[: names.index("half_means")])
    again.baseline_.__setstate__(
        [getattr(again.baseline_, name) for name in again.baseline_.__slots__][:-1]
    )
    found = again.decompose(*classes(500, 0.8, seed=1))
    assert total(found) == pytest.approx(found.realised - found.promised)
    assert found.concept.high < 0.0
    assert found.rival is None
    with pytest.raises(ParameterError, match="no out-of-fold value"):
        again.decompose(*classes(500, seed=1), scorer="neg_log_loss")


def test_more_classes_by_naive_bayes_and_prefit():
    X, y = classes(1_500, n_classes=4)
    own = GaussianNB().fit(X[:700], y[:700])
    model = DriftAwareEstimator(own, cv="prefit", keep_reference=400)
    model.fit(X[700:], y[700:])
    found = model.decompose(*classes(800, 0.9, seed=1, n_classes=4))
    assert found.region == "density"
    assert found.concept.high < 0.0
