"""Invalid rows are answered otherwise, valid ones as ever; nothing else changes."""

from __future__ import annotations

import json
import pickle
import warnings

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
import scipy.sparse
import sklearn
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.cluster import KMeans
from sklearn.compose import make_column_transformer
from sklearn.cross_decomposition import CCA
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.dummy import DummyClassifier, DummyRegressor
from sklearn.ensemble import (
    HistGradientBoostingClassifier,
    IsolationForest,
    RandomForestClassifier,
)
from sklearn.frozen import FrozenEstimator
from sklearn.impute import SimpleImputer
from sklearn.linear_model import BayesianRidge, LinearRegression, LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.multiclass import OneVsRestClassifier
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from sklearn.tree import DecisionTreeClassifier

from skdrift import (
    DriftAwareEstimator,
    DriftWarning,
    InvalidInputError,
    InvalidInputWarning,
    SkdriftError,
)
from skdrift.exceptions import EstimatorError, NotFittedError, ParameterError
from skdrift.report import DriftReport

RNG = np.random.default_rng(0)
N = 300
X = RNG.normal(size=(N, 4))
VALUES = X @ [1.0, 2.0, 0.0, -1.0]
LABELS = np.array(["high", "low", "mid"])[np.digitize(VALUES, [-1.0, 1.0])]
CODES = np.digitize(VALUES, [-1.0, 1.0])
SETS = (X[:, :3] > 0.3).astype(int)
METHODS = ("predict", "predict_proba", "predict_log_proba", "decision_function")


def batch(n: int = 12) -> tuple[np.ndarray, np.ndarray]:
    """Rows, and the mask of those that are invalid."""
    rows = np.random.default_rng(1).normal(size=(n, 4))
    rows[1, 2] = np.nan
    rows[4, 0] = 1e9
    rows[7, 1] = -np.inf
    invalid = np.zeros(n, dtype=bool)
    invalid[[1, 4, 7]] = True
    return rows, invalid


def abstaining(estimator, y, **settings):
    settings = {"abstain_value": -1, "on_shift": "ignore", "cv": None, **settings}
    wrapper = DriftAwareEstimator(estimator, on_invalid="abstain", **settings)
    return wrapper.fit(X, y)


def falling_back(estimator, fallback, y, **settings):
    settings = {"on_shift": "ignore", "cv": None, **settings}
    return DriftAwareEstimator(
        estimator, on_invalid="fallback", fallback=fallback, **settings
    ).fit(X, y)


@pytest.fixture(autouse=True)
def no_warning():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


# --- valid rows, order and length ----------------------------------------------

CLASSIFIERS = {
    "logistic": (LogisticRegression(), LABELS),
    "naive Bayes": (GaussianNB(), CODES),
    "two classes": (LinearDiscriminantAnalysis(), CODES > 0),
    "forest": (RandomForestClassifier(5, random_state=0), LABELS),
    "label sets, neighbours": (KNeighborsClassifier(), SETS),
    "label sets, network": (MLPClassifier(max_iter=2000, tol=0.05), SETS),
    "label sets, one by one": (OneVsRestClassifier(LogisticRegression()), SETS),
    "several outputs": (
        DecisionTreeClassifier(random_state=0),
        np.column_stack([CODES, CODES > 0]),
    ),
}


def parts(answer):
    return answer if isinstance(answer, list) else [answer]


PAIRS = [
    (name, method)
    for name, (estimator, _) in CLASSIFIERS.items()
    for method in METHODS
    if hasattr(estimator, method)
]


@pytest.mark.parametrize("policy", ["abstain", "fallback"])
@pytest.mark.parametrize(("name", "method"), PAIRS)
@np.errstate(divide="ignore")  # logarithms of the models' own
def test_a_classifier_answers_valid_rows_alone_and_keeps_length_and_form(
    name, method, policy
):
    estimator, y = CLASSIFIERS[name]
    model = (
        abstaining(estimator, y)
        if policy == "abstain"
        else falling_back(
            estimator, make_pipeline(SimpleImputer(), clone(estimator)), y
        )
    )
    rows, invalid = batch()
    if policy == "fallback":
        rows = np.where(np.isinf(rows), -1e6, rows)
    bare = getattr(model.estimator_, method)(rows[~invalid])
    got = getattr(model, method)(rows)
    assert type(got) is type(bare)
    for ours, theirs in zip(parts(got), parts(bare), strict=True):
        assert ours.shape == (len(rows), *theirs.shape[1:])
        np.testing.assert_array_equal(ours[~invalid], theirs)
    nobody = getattr(model, method)(rows[invalid])
    for ours, all_rows in zip(parts(nobody), parts(got), strict=True):
        assert ours.dtype == all_rows.dtype
        np.testing.assert_array_equal(ours, all_rows[invalid])


@pytest.mark.parametrize("y", [VALUES, np.column_stack([VALUES, -VALUES])])
def test_a_regressor_abstains_with_nan_for_the_whole_row(y):
    model = abstaining(LinearRegression(), y, abstain_value=None)
    rows, invalid = batch()
    got = model.predict(rows)
    assert got.shape == (len(rows), *y.shape[1:])
    np.testing.assert_array_equal(
        got[~invalid], model.estimator_.predict(rows[~invalid])
    )
    assert np.isnan(got[invalid]).all()
    assert np.isnan(model.predict(rows[invalid])).all()
    assert model.predict(rows[invalid]).shape == (3, *y.shape[1:])


@pytest.mark.parametrize("policy", ["abstain", "fallback"])
def test_without_an_invalid_row_the_answer_is_the_bare_model_s_bit_for_bit(policy):
    rows = batch()[0][[0, 2, 3]]
    model = abstaining(LinearRegression(), VALUES, abstain_value=None)
    if policy == "fallback":
        model = falling_back(LinearRegression(), DummyRegressor(), VALUES)
    got, report = model.predict(rows, return_report=True)
    assert got.tobytes() == model.estimator_.predict(rows).tobytes()
    assert report.rejected is None


def test_integer_predictions_become_floats_only_for_invalid_rows():
    class Whole(LinearRegression):
        def predict(self, X):
            return super().predict(X).round().astype(np.int64)

    model = abstaining(Whole(), VALUES, abstain_value=None)
    rows, invalid = batch()
    assert model.predict(rows[~invalid]).dtype == np.int64
    assert model.predict(rows).dtype == np.float64
    told = abstaining(Whole(), VALUES, abstain_value=-999)
    assert told.predict(rows).dtype == np.int64
    assert (told.predict(rows)[invalid] == -999).all()


@given(mask=st.lists(st.booleans(), min_size=1, max_size=40))
@settings(max_examples=40, deadline=None)
def test_any_pattern_of_invalid_rows_keeps_the_order(mask):
    invalid = np.array(mask)
    rows = np.random.default_rng(2).normal(size=(len(mask), 4))
    rows[invalid, 3] = np.nan
    got = ABSTAINER.predict(rows)
    np.testing.assert_array_equal(np.isnan(got), invalid)
    if not invalid.all():
        known = ABSTAINER.estimator_.predict(rows[~invalid])
        np.testing.assert_array_equal(got[~invalid], known)


ABSTAINER = abstaining(LinearRegression(), VALUES, abstain_value=None)


def test_an_answer_that_is_a_pair_keeps_both_parts():
    rows, invalid = batch()
    for model in (
        abstaining(BayesianRidge(), VALUES, abstain_value=0.0),
        falling_back(BayesianRidge(), DummyRegressor(), VALUES),
    ):
        mean, deviation = model.predict(rows, return_std=True)
        bare = model.estimator_.predict(rows[~invalid], return_std=True)
        np.testing.assert_array_equal(mean[~invalid], bare[0])
        np.testing.assert_array_equal(deviation[~invalid], bare[1])
        assert np.isfinite(mean).all()
        assert np.isnan(deviation[invalid]).all()
        assert len(model.predict(rows[invalid], return_std=True)) == 2


def test_what_a_method_is_given_for_each_row_is_cut_like_the_rows():
    class Offset(LinearRegression):
        def predict(self, X, offset=0.0, scale=1.0):
            return super().predict(X) * scale + offset

    model = abstaining(Offset(), VALUES, abstain_value=None)
    rows, invalid = batch()
    offset = np.arange(12.0)
    got = model.predict(rows, offset=offset, scale=2.0)
    bare = model.estimator_.predict(rows[~invalid])
    np.testing.assert_allclose(got[~invalid], 2 * bare + offset[~invalid])


# --- what an abstention says ---------------------------------------------------

LABEL_TYPES = [
    (LABELS, "a label longer than any class", "U"),
    (LABELS, "low", "U"),
    (LABELS, "", "U"),
    (LABELS, -1, "O"),
    (LABELS.astype(object), "unknown", "O"),
    (CODES, -1, "i"),
    (CODES, np.int64(7), "i"),
    (CODES, 0.5, "O"),
    (CODES, float("nan"), "O"),
    (CODES, "unknown", "O"),
    (CODES, 2**80, "O"),
    (CODES.astype(np.int8), 100_000, "i"),
    (CODES.astype(np.int8), 2, "i"),
    (CODES.astype(np.uint64), -1, "O"),
    (CODES.astype(float), -1, "f"),
    (CODES > 0, True, "b"),
    (CODES > 0, -1, "O"),
    (CODES > 0, "?", "O"),
]


@pytest.mark.parametrize(("y", "value", "kind"), LABEL_TYPES)
def test_no_label_is_cut_or_converted(y, value, kind):
    model = abstaining(DecisionTreeClassifier(random_state=0), y, abstain_value=value)
    rows, invalid = batch()
    got = model.predict(rows)
    assert got.dtype.kind == kind
    for label in got[invalid].tolist():
        assert label == value or (label != label and value != value)
        assert isinstance(label, bool) == isinstance(value, bool)
    bare = model.estimator_.predict(rows[~invalid])
    assert got[~invalid].tolist() == bare.tolist()
    assert list(map(type, got[~invalid].tolist())) == list(map(type, bare.tolist()))


def test_the_type_of_labels_is_the_narrowest_that_holds_all():
    rows, _ = batch()
    small = abstaining(GaussianNB(), CODES.astype(np.int8), abstain_value=2)
    assert small.predict(rows).dtype == np.int8


def test_class_priors_are_the_shares_of_training():
    model = abstaining(LogisticRegression(), LABELS, abstain_value="?")
    rows, invalid = batch()
    shares = [np.mean(label == LABELS) for label in model.classes_]
    np.testing.assert_allclose(model.class_prior_, shares)
    np.testing.assert_allclose(model.predict_proba(rows)[invalid], [shares] * 3)
    np.testing.assert_allclose(
        model.predict_log_proba(rows)[invalid], np.log([shares] * 3)
    )
    assert np.isnan(model.decision_function(rows)[invalid]).all()


def test_a_weight_of_two_is_a_row_twice_in_the_class_priors():
    weights = np.arange(N) % 3 + 1
    model = DriftAwareEstimator(
        LogisticRegression(), cv=None, on_invalid="abstain", abstain_value="?"
    )
    weighted = clone(model).fit(X, LABELS, sample_weight=weights).class_prior_
    repeated = clone(model).fit(
        np.repeat(X, weights, axis=0), np.repeat(LABELS, weights)
    )
    np.testing.assert_allclose(weighted, repeated.class_prior_)


def test_class_priors_of_a_frozen_model_follow_its_classes():
    frozen = FrozenEstimator(LogisticRegression().fit(X, LABELS))
    wrapper = DriftAwareEstimator(
        frozen, on_invalid="abstain", abstain_value="?", cv=None
    )
    some = LABELS != "mid"
    model = wrapper.fit(X[some], LABELS[some])
    place = list(model.classes_).index("mid")
    assert model.class_prior_[place] == 0
    np.testing.assert_allclose(model.class_prior_.sum(), 1)
    assert model.predict_log_proba(batch()[0])[1, place] == -np.inf
    with pytest.raises(ParameterError, match="labels of classes that the model knows"):
        wrapper.fit(X, np.full(N, "other"))
    with pytest.raises(ParameterError, match="needs y, for the class priors"):
        wrapper.fit(X)


# --- what a fallback says --------------------------------------------------------


def test_the_fallback_answers_invalid_rows_as_it_would_alone():
    fallback = HistGradientBoostingClassifier(max_iter=5, random_state=0)
    model = falling_back(LogisticRegression(), fallback, LABELS)
    alone = clone(fallback).fit(X, LABELS)
    rows, invalid = batch()
    for method in ("predict", "predict_proba"):
        got = getattr(model, method)(rows)
        np.testing.assert_array_equal(
            got[invalid], getattr(alone, method)(rows[invalid])
        )
    assert not hasattr(fallback, "classes_")
    assert model.fallback_ is not fallback


def test_the_fallback_is_fitted_with_the_weights_if_it_takes_them():
    weights = np.where(LABELS == "low", 5.0, 1.0)
    model = DriftAwareEstimator(
        LogisticRegression(),
        cv=None,
        on_invalid="fallback",
        fallback=DummyClassifier(strategy="prior"),
    ).fit(X, LABELS, sample_weight=weights)
    alone = DummyClassifier(strategy="prior").fit(X, LABELS, sample_weight=weights)
    np.testing.assert_array_equal(model.fallback_.class_prior_, alone.class_prior_)
    neighbours = clone(model).set_params(fallback=KNeighborsClassifier())
    neighbours.fit(X, LABELS, sample_weight=weights)


@pytest.mark.parametrize("prefit", ["frozen", "cv"])
def test_a_fitted_fallback_is_taken_as_it_is(prefit):
    fallback = DummyRegressor(strategy="constant", constant=7.0).fit(X, VALUES)
    estimator, cv = LinearRegression(), None
    if prefit == "frozen":
        fallback = FrozenEstimator(fallback)
    else:
        estimator, cv = estimator.fit(X, VALUES), "prefit"
    model = falling_back(estimator, fallback, VALUES, cv=cv)
    assert model.fallback_ is fallback
    assert (model.predict(batch()[0])[[1, 4, 7]] == 7.0).all()
    with pytest.raises(NotFittedError, match="takes a fitted estimator"):
        falling_back(
            LinearRegression().fit(X, VALUES), DummyRegressor(), VALUES, cv="prefit"
        )


@pytest.mark.parametrize("method", ["predict_proba", "predict_log_proba"])
def test_probabilities_of_a_fallback_of_other_classes_are_put_into_the_model_s_order(
    method,
):
    two = np.where(LABELS == "mid", "low", LABELS)
    fallback = FrozenEstimator(DummyClassifier(strategy="prior").fit(X, two))
    model = falling_back(LogisticRegression(), fallback, LABELS)
    got = getattr(model, method)(batch()[0])[1]
    alone = dict(
        zip(fallback.classes_, getattr(fallback, method)(X[:1])[0], strict=True)
    )
    nothing = 0.0 if method == "predict_proba" else -np.inf
    assert got.tolist() == [alone.get(label, nothing) for label in model.classes_]


def test_a_fallback_that_knows_a_class_more_is_refused_for_probabilities():
    four = np.where(np.arange(N) % 7 == 0, "zero", LABELS)
    fallback = FrozenEstimator(DummyClassifier().fit(X, four))
    model = falling_back(LogisticRegression(), fallback, LABELS)
    with pytest.raises(EstimatorError, match="must know the classes of the estimator"):
        model.predict_proba(batch()[0])


def test_a_method_that_the_fallback_lacks_is_an_error_only_where_it_is_needed():
    model = falling_back(LogisticRegression(), DummyClassifier(), LABELS)
    rows, invalid = batch()
    model.decision_function(rows[~invalid])
    with pytest.raises(
        EstimatorError, match=r"DummyClassifier has no decision_function"
    ):
        model.decision_function(rows)


def test_a_fallback_of_another_form_is_refused_and_a_column_is_flattened():
    class Column(DummyRegressor):
        def predict(self, X):
            return super().predict(X).reshape(-1, 1)

    class Short(DummyRegressor):
        def predict(self, X):
            return super().predict(X)[:1]

    class Wide(DummyRegressor):
        def predict(self, X):
            return np.tile(super().predict(X)[:, None], 2)

    rows, _ = batch()
    assert falling_back(LinearRegression(), Column(), VALUES).predict(rows).shape == (
        12,
    )
    for fallback in (Short(), Wide()):
        model = falling_back(LinearRegression(), fallback, VALUES)
        with pytest.raises(EstimatorError, match="must"):
            model.predict(rows)


def test_the_fallback_s_own_error_goes_through():
    model = falling_back(LinearRegression(), LinearRegression(), VALUES)
    with pytest.raises(ValueError, match="Input X contains NaN"):
        model.predict(batch()[0])


# --- tables of every kind ---------------------------------------------------------

FRAME = pd.DataFrame(X, columns=list("abcd")).assign(
    town=pd.Categorical(RNG.choice(["Rome", "Oslo"], N))
)
TABLES = {
    "pandas": lambda frame: frame,
    "pandas, labelled rows": lambda frame: frame.set_axis(["same"] * len(frame)),
    "polars": pl.from_pandas,
    "pyarrow": lambda frame: pa.Table.from_pandas(frame, preserve_index=False),
}


@pytest.mark.parametrize("container", TABLES)
def test_rows_of_any_frame_are_kept_from_the_model(container):
    read = TABLES[container]
    columns = make_column_transformer(
        (OneHotEncoder(handle_unknown="ignore", sparse_output=False), ["town"]),
        ("passthrough", list("abcd")),
    )
    model = DriftAwareEstimator(
        make_pipeline(columns, LogisticRegression()),
        cv=None,
        on_invalid="abstain",
        abstain_value="?",
        on_shift="ignore",
    )
    if container == "pyarrow":
        model.set_params(estimator=ArrowNaive())
    model.fit(read(FRAME), LABELS)
    rows = FRAME.iloc[:6].astype({"town": object})
    rows.loc[2, "town"] = "Lima"
    rows.loc[4, "b"] = 1e9
    got, report = model.predict(read(rows), return_report=True)
    assert np.flatnonzero(got == "?").tolist() == [2, 4]
    assert report.rejected.rows == (2, 4)
    assert report.rejected.reasons == (
        ("town: a category that training did not have",),
        ("b: above the range of training",),
    )


class ArrowNaive(ClassifierMixin, BaseEstimator):
    """Classifier of pyarrow tables."""

    def fit(self, X, y):
        self.classes_ = np.unique(y)
        return self

    def predict(self, X):
        assert isinstance(X, pa.Table)
        return np.full(X.num_rows, self.classes_[0])


@pytest.mark.parametrize("form", ["csr", "csc", "coo"])
def test_rows_of_a_sparse_table_are_kept_from_the_model(form):
    dense = X * (np.abs(X) > 0.5)
    sparse = scipy.sparse.csr_array(dense)
    model = DriftAwareEstimator(
        LinearRegression(), cv=None, on_invalid="abstain", on_shift="ignore"
    ).fit(sparse, VALUES)
    rows = dense[:5].copy()
    rows[3, 1] = 1e6
    got = model.predict(scipy.sparse.csr_array(rows).asformat(form))
    assert np.flatnonzero(np.isnan(got)).tolist() == [3]


def test_lists_of_rows_are_taken():
    rows, invalid = batch()
    np.testing.assert_array_equal(np.isnan(ABSTAINER.predict(rows.tolist())), invalid)


@pytest.mark.parametrize("change", ["missing column", "unreadable column"])
def test_where_a_column_is_missing_or_unreadable_every_row_is_invalid(change):
    model = DriftAwareEstimator(
        LinearRegression(), cv=None, on_invalid="abstain", on_shift="ignore"
    ).fit(FRAME[list("abcd")], VALUES)
    rows = FRAME[list("abcd")].iloc[:40]
    rows = rows.drop(columns="b") if change[0] == "m" else rows.assign(b="text")
    got, report = model.predict(rows, return_report=True)
    assert np.isnan(got).all()
    assert len(got) == 40
    assert report.rejected.n_rows == 40
    word = "does not have" if change[0] == "m" else "of a type"
    assert all(
        why[0].startswith("b: ") and word in why[0] for why in report.rejected.reasons
    )


def test_what_cannot_be_read_but_has_rows_is_invalid_as_a_whole():
    twice = pd.DataFrame(X[:5], columns=["a", "b", "c", "c"])
    got, report = ABSTAINER.predict(twice, return_report=True)
    assert np.isnan(got).all()
    assert len(got) == 5
    assert "cannot be read" in report.rejected.reasons[4][0]
    for nothing in ("three texts", None, 5, X[0], [1, 2]):
        with pytest.raises(SkdriftError):
            ABSTAINER.predict(nothing)


def test_a_form_that_fit_could_not_learn_is_missed_only_where_every_row_is_invalid():
    class NotForFew(LinearRegression):
        def predict(self, X):
            if len(X) < 3:
                raise ValueError("too few")
            return super().predict(X)

    model = abstaining(NotForFew(), VALUES, abstain_value=None)
    rows, invalid = batch()
    np.testing.assert_array_equal(np.isnan(model.predict(rows)), invalid)
    with pytest.raises(EstimatorError, match="NotForFew failed on two rows"):
        model.predict(rows[invalid])


def test_no_row_is_as_the_bare_model_takes_it():
    with pytest.raises(ValueError, match="0 sample"):
        ABSTAINER.predict(np.empty((0, 4)))


# --- warnings, reports, limits ----------------------------------------------------


def test_invalid_rows_are_told_in_the_report_and_not_warned_of():
    model = DriftAwareEstimator(LinearRegression(), cv=None, on_invalid="abstain")
    model.fit(X, VALUES)
    rows, invalid = batch(100)
    _, report = model.predict(rows, return_report=True)
    rejected = report.rejected
    assert (rejected.policy, rejected.n_rows) == ("abstain", 3)
    assert rejected.rows == tuple(np.flatnonzero(invalid).tolist())
    flags = model.flag(rows)
    assert rejected.reasons == tuple(map(flags.reasons, rejected.rows))
    assert {finding.code for finding in report.findings} >= {"DA401", "DA403", "DA404"}
    assert "Rejected rows: 3 of 100, answered by an abstention" in str(report)
    assert DriftReport.from_json(json.dumps(json.loads(report.to_json()))) == report
    assert "above the range of training" in report._repr_html_()


def test_shift_is_still_warned_of():
    model = DriftAwareEstimator(LinearRegression(), cv=None, on_invalid="abstain")
    model.fit(X, VALUES)
    moved = X * 0.3 + 1.0
    moved[3, 0] = np.nan
    with pytest.warns(DriftWarning) as caught:
        model.predict(moved)
    assert not isinstance(caught[0].message, InvalidInputWarning)
    assert caught[0].filename == __file__


def test_the_report_lists_a_thousand_rows_and_counts_all():
    rows = np.full((1_500, 4), np.nan)
    got, report = ABSTAINER.predict(rows, return_report=True)
    assert np.isnan(got).all()
    assert report.rejected.n_rows == 1_500
    assert report.rejected.rows == tuple(range(1_000))
    assert DriftReport.from_json(report.to_json()) == report


def test_rows_outside_the_sample_are_rejected_too():
    rows = np.random.default_rng(3).normal(size=(500, 4))
    rows[333, 1] = np.inf
    model = clone(ABSTAINER).set_params(max_check_rows=30).fit(X, VALUES)
    assert np.flatnonzero(np.isnan(model.predict(rows))).tolist() == [333]


POLICIES = ["warn", "raise", "ignore", "abstain", "fallback"]


@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize(("limit", "raises"), [(0.2, True), (0.25, False), (0, True)])
def test_more_invalid_rows_than_allowed_raise_under_any_policy(policy, limit, raises):
    model = DriftAwareEstimator(
        HistGradientBoostingClassifier(max_iter=2),
        cv=None,
        on_invalid=policy,
        on_shift="ignore",
        abstain_value="?",
        fallback=HistGradientBoostingClassifier(max_iter=2),
        max_invalid_share=limit,
    ).fit(X, LABELS)
    rows, invalid = batch()
    model.predict(rows[~invalid])
    if raises:
        with pytest.raises(
            InvalidInputError, match=r"3 of 12 rows \(25.0%\)"
        ) as caught:
            model.predict(rows)
        assert caught.value.report.n_rows == 12
        assert f"max_invalid_share={limit}" in str(caught.value)
    elif policy in ("warn", "raise"):
        with (
            warnings.catch_warnings(),
            pytest.raises((InvalidInputWarning, ValueError)),
        ):
            model.predict(rows)
    else:
        assert len(model.predict(rows)) == 12


def test_a_transform_is_the_bare_model_s_and_warns():
    model = abstaining(LinearDiscriminantAnalysis(), LABELS, abstain_value="?")
    rows = X[:5].copy()
    rows[2, 1] = 1e3
    with pytest.warns(InvalidInputWarning):
        got = model.transform(rows)
    np.testing.assert_array_equal(got, model.estimator_.transform(rows))
    pair = abstaining(CCA(1), VALUES[:, None], abstain_value=None)
    assert len(pair.transform(X, VALUES[:, None])) == 2


# --- parameters --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("estimator", "options", "error", "text"),
    [
        (
            LogisticRegression(),
            {"on_invalid": "abstain"},
            ParameterError,
            "abstain_value",
        ),
        (
            LogisticRegression(),
            {"on_invalid": "abstain", "abstain_value": ["a"]},
            ParameterError,
            "single label",
        ),
        (
            LinearRegression(),
            {"on_invalid": "abstain", "abstain_value": "none"},
            ParameterError,
            "number or None",
        ),
        (
            LinearRegression(),
            {"on_invalid": "fallback"},
            ParameterError,
            "fallback=None",
        ),
        (
            LinearRegression(),
            {"on_invalid": "fallback", "fallback": DummyRegressor},
            EstimatorError,
            "fallback must be an instance",
        ),
        (
            LinearRegression(),
            {"on_invalid": "fallback", "fallback": 7},
            EstimatorError,
            "got 7",
        ),
        (
            LinearRegression(),
            {"on_invalid": "fallback", "fallback": DummyClassifier()},
            EstimatorError,
            "must be a regressor",
        ),
        (KMeans(2), {"on_invalid": "abstain"}, ParameterError, "classifiers and regr"),
        (
            StandardScaler(),
            {"on_invalid": "fallback"},
            ParameterError,
            "StandardScaler",
        ),
        (
            IsolationForest(),
            {"on_invalid": "abstain"},
            ParameterError,
            "IsolationForest",
        ),
        (
            LinearRegression(),
            {"on_invalid": "drop"},
            ParameterError,
            "'abstain'.*'drop'",
        ),
        (LinearRegression(), {"on_shift": "abstain"}, ParameterError, "on_shift must"),
        (LinearRegression(), {"max_invalid_share": 1.0}, ParameterError, "below 1"),
        (LinearRegression(), {"max_invalid_share": "x"}, ParameterError, "got 'x'"),
    ],
)
def test_a_wrong_parameter_is_refused_at_fit_with_its_remedy(
    estimator, options, error, text
):
    y = LABELS if isinstance(estimator, LogisticRegression) else VALUES
    model = DriftAwareEstimator(estimator, cv=None, **options)
    with pytest.raises(error, match=text):
        model.fit(X, y)
    assert not hasattr(model, "estimator_")


def test_a_policy_set_after_fit_asks_for_another_fit():
    model = DriftAwareEstimator(LinearRegression(), cv=None, fallback=DummyRegressor())
    model.fit(X, VALUES)
    rows, invalid = batch()
    for policy in ("abstain", "fallback"):
        model.set_params(on_invalid=policy)
        model.predict(rows[~invalid])
        with pytest.raises(NotFittedError, match="call fit again"):
            model.predict(rows)


def test_another_fit_forgets_what_the_first_learned():
    model = abstaining(
        LogisticRegression(), LABELS, novelty=IsolationForest(n_estimators=5)
    )
    assert {"class_prior_", "empty_answers_", "novelty_"} <= vars(model).keys()
    model.set_params(on_invalid="warn", novelty=None).fit(X, LABELS)
    kept = {name for name in vars(model) if name.endswith("_") and name[0] != "_"}
    assert kept == {"estimator_", "baseline_", "n_features_in_"}


def test_a_search_over_policies_clones_and_sets_them():
    search = GridSearchCV(
        DriftAwareEstimator(
            LogisticRegression(), cv=None, fallback=DummyClassifier(), abstain_value="?"
        ),
        {
            "on_invalid": ["ignore", "abstain", "fallback"],
            "fallback__strategy": ["prior", "most_frequent"],
        },
        cv=2,
    ).fit(X, LABELS)
    assert len(search.cv_results_["params"]) == 6
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()
    again = clone(search.best_estimator_)
    assert again.get_params()["fallback__strategy"] in ("prior", "most_frequent")


def test_routed_weights_reach_the_model_and_the_fallback():
    with sklearn.config_context(enable_metadata_routing=True):
        model = DriftAwareEstimator(
            LogisticRegression().set_fit_request(sample_weight=True),
            cv=None,
            on_invalid="fallback",
            fallback=DummyClassifier(strategy="prior"),
        ).fit(X, LABELS, sample_weight=np.where(LABELS == "low", 3.0, 1.0))
        _, report = make_pipeline(model).predict(batch()[0], return_report=True)
    assert report.rejected.policy == "fallback"
    place = list(model.classes_).index("low")
    low = np.mean(LABELS == "low")
    np.testing.assert_allclose(
        model.fallback_.class_prior_[place], 3 * low / (1 + 2 * low)
    )


def test_a_wrapper_saved_before_these_parameters_has_their_defaults():
    model = DriftAwareEstimator(LinearRegression(), cv=None).fit(X, VALUES)
    state = dict(model.__getstate__())
    for name in ("fallback", "abstain_value", "max_invalid_share", "novelty"):
        del state[name]
    old = DriftAwareEstimator.__new__(DriftAwareEstimator)
    old.__setstate__(state)
    rows = batch()[0][[0, 2]]
    np.testing.assert_array_equal(old.predict(rows), model.predict(rows))
    assert old.get_params().keys() == model.get_params().keys()
    assert old.flag(rows).pvalues is None


@pytest.mark.parametrize("policy", ["abstain", "fallback"])
def test_a_pickled_model_answers_the_same(policy):
    model = abstaining(LogisticRegression(), LABELS, abstain_value="?")
    if policy == "fallback":
        model = falling_back(LogisticRegression(), DummyClassifier(), LABELS)
    again = pickle.loads(pickle.dumps(model))
    rows = batch()[0]
    np.testing.assert_array_equal(again.predict(rows), model.predict(rows))
    np.testing.assert_array_equal(again.predict_proba(rows), model.predict_proba(rows))


def test_scores_are_the_bare_model_s():
    model = falling_back(LogisticRegression(), DummyClassifier(), LABELS)
    assert model.score(X, LABELS) == model.estimator_.score(X, LABELS)
    report = model.check(batch()[0])
    assert report.rejected is None


def test_neighbours_of_two_outputs_fall_back_together():
    y = np.column_stack([VALUES, -VALUES])
    model = falling_back(KNeighborsRegressor(), DummyRegressor(), y)
    got = model.predict(batch()[0])
    np.testing.assert_allclose(got[1], y.mean(axis=0))
    assert got.shape == (12, 2)
