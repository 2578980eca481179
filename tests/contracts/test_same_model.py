"""The wrapper answers what the bare model answers, bit for bit."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest
import scipy.sparse
from sklearn.base import clone
from sklearn.cluster import AgglomerativeClustering, KMeans
from sklearn.compose import TransformedTargetRegressor, make_column_transformer
from sklearn.cross_decomposition import CCA, PLSRegression
from sklearn.decomposition import PCA, TruncatedSVD
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.ensemble import (
    HistGradientBoostingClassifier,
    IsolationForest,
    RandomForestClassifier,
    RandomForestRegressor,
    VotingRegressor,
)
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.linear_model import (
    LinearRegression,
    LogisticRegression,
    Ridge,
    RidgeClassifier,
    SGDClassifier,
    SGDOneClassSVM,
)
from sklearn.mixture import GaussianMixture
from sklearn.model_selection import GridSearchCV
from sklearn.multioutput import MultiOutputClassifier
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import (
    KNeighborsClassifier,
    KNeighborsTransformer,
    LocalOutlierFactor,
    NearestNeighbors,
)
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from sklearn.svm import SVC, SVR, OneClassSVM

from skdrift import DriftAwareEstimator, SkdriftWarning
from skdrift.exceptions import NotFittedError

METHODS = (
    "predict",
    "predict_proba",
    "predict_log_proba",
    "decision_function",
    "transform",
    "score_samples",
)

RNG = np.random.default_rng(0)
N_ROWS = 90
DENSE = RNG.normal(size=(N_ROWS, 4)).round(3)
DENSE[DENSE < -0.5] = 0.0
# Rows that training has, rows that it has not, and a row far away from all of them.
BATCH = np.vstack([DENSE[:30], DENSE[30:60] + 0.25, np.full((1, 4), 40.0)])
WORDS = np.array(["low", "middle", "high"])
LABELS = WORDS[np.digitize(DENSE[:, 0] + DENSE[:, 1], [0.0, 1.0])]
VALUES = DENSE @ [1.0, -2.0, 0.5, 0.0] + RNG.normal(size=N_ROWS)
SEVERAL = np.column_stack([DENSE[:, 0] > 0, DENSE[:, 1] > 0.2]).astype(int)
PAIRS = np.column_stack([VALUES, DENSE[:, 1]])

CONTAINERS = {
    "numpy": np.asarray,
    "Fortran": np.asfortranarray,
    "float32": lambda X: X.astype(np.float32),
    "pandas": lambda X: pd.DataFrame(X, columns=list("abcd")),
    "polars": lambda X: pl.DataFrame(X, schema=list("abcd")),
    "CSR array": scipy.sparse.csr_array,
    "CSC matrix": scipy.sparse.csc_matrix,
}
SPARSE = ("CSR array", "CSC matrix")

CLASSIFIERS = {
    "HistGradientBoosting": HistGradientBoostingClassifier(max_iter=3),
    "KNeighbors": KNeighborsClassifier(),
    "LDA": LinearDiscriminantAnalysis(),
    "Logistic": LogisticRegression(),
    "NaiveBayes": GaussianNB(),
    "RandomForest": RandomForestClassifier(n_estimators=4, random_state=0),
    "Ridge": RidgeClassifier(),
    "SGD": SGDClassifier(loss="log_loss", random_state=0),
    "SVC": SVC(),
    "grid": GridSearchCV(LogisticRegression(), {"C": [0.1, 1.0]}, cv=2),
    "pipeline": make_pipeline(
        StandardScaler(with_mean=False), LogisticRegression(), memory=None
    ),
}
REGRESSORS = {
    "GaussianProcess": GaussianProcessRegressor(alpha=0.1),
    "Linear": LinearRegression(),
    "PLS": PLSRegression(n_components=1),
    "RandomForest": RandomForestRegressor(n_estimators=4, random_state=0),
    "SVR": SVR(),
    "target": TransformedTargetRegressor(
        Ridge(), func=np.arcsinh, inverse_func=np.sinh
    ),
    "voting": VotingRegressor([("a", Ridge()), ("b", SVR())]),
}
OTHERS = {
    "GaussianMixture": GaussianMixture(random_state=0),
    "IsolationForest": IsolationForest(n_estimators=4, random_state=0),
    "KMeans": KMeans(n_clusters=3, n_init=1, random_state=0),
    "KNeighborsTransformer": KNeighborsTransformer(),
    "OneClassSVM": OneClassSVM(),
    "PCA": PCA(n_components=2, random_state=0),
    "SGDOneClassSVM": SGDOneClassSVM(random_state=0),
    "StandardScaler": StandardScaler(with_mean=False),
    "TruncatedSVD": TruncatedSVD(n_components=2, random_state=0),
}
DENSE_ONLY = {
    "GaussianMixture",
    "GaussianProcess",
    "HistGradientBoosting",
    "LDA",
    "NaiveBayes",
    "PCA",
    "PLS",
}


def cases() -> list[Any]:
    families = (
        ("classifier", CLASSIFIERS, LABELS),
        ("regressor", REGRESSORS, VALUES),
        ("other", OTHERS, None),
    )
    return [
        pytest.param(estimator, y, container, id=f"{family}-{name}-{container}")
        for family, estimators, y in families
        for name, estimator in estimators.items()
        for container in CONTAINERS
        if container not in SPARSE or name not in DENSE_ONLY
    ]


def assert_same(got: Any, expected: Any) -> None:
    """Same type, same values, same bits."""
    assert type(got) is type(expected)
    if isinstance(expected, list | tuple):
        assert len(got) == len(expected)
        for one, other in zip(got, expected, strict=True):
            assert_same(one, other)
    elif scipy.sparse.issparse(expected):
        assert got.shape == expected.shape
        assert_same(got.tocsr().toarray(), expected.tocsr().toarray())
    elif isinstance(expected, pd.DataFrame | pl.DataFrame):
        assert got.equals(expected)
        assert list(got.columns) == list(expected.columns)
    else:
        one, other = np.asarray(got), np.asarray(expected)
        assert one.dtype == other.dtype
        assert one.shape == other.shape
        if other.dtype == object:
            assert one.tolist() == other.tolist()
        else:
            assert one.tobytes() == other.tobytes()


def fit_both(estimator: Any, X: Any, y: Any) -> tuple[Any, Any]:
    wrapper = DriftAwareEstimator(estimator, cv=2).fit(X, y)
    return wrapper, clone(estimator).fit(X, y)


def answer_quietly(model: Any, method: str, *args: Any, **params: Any) -> Any:
    with warnings.catch_warnings():
        # The batch has a row far away: that it is said is not what is tested here.
        warnings.simplefilter("ignore", SkdriftWarning)
        # So sure is a model of that row that the logarithm of a probability is -inf.
        warnings.simplefilter("ignore", RuntimeWarning)
        return getattr(model, method)(*args, **params)


@pytest.mark.parametrize(("estimator", "y", "container"), cases())
def test_every_answer_is_the_bare_models(
    estimator: Any, y: Any, container: str
) -> None:
    make = CONTAINERS[container]
    X, batch = make(DENSE), make(BATCH)
    wrapper, bare = fit_both(estimator, X, y)
    answered = 0
    for method in METHODS:
        assert hasattr(wrapper, method) == hasattr(bare, method), method
        if hasattr(bare, method):
            expected = answer_quietly(bare, method, batch)
            assert_same(answer_quietly(wrapper, method, batch), expected)
            answered += 1
    assert answered
    if hasattr(bare, "score"):
        assert wrapper.score(X, y) == bare.score(X, y)


@pytest.mark.parametrize(
    ("estimator", "y"),
    [
        pytest.param(RandomForestClassifier(4, random_state=0), SEVERAL, id="labels"),
        pytest.param(MultiOutputClassifier(LogisticRegression()), SEVERAL, id="each"),
        pytest.param(RandomForestRegressor(4, random_state=0), PAIRS, id="pairs"),
        pytest.param(Ridge(), PAIRS, id="linear"),
    ],
)
def test_every_answer_of_several_outputs_is_the_bare_models(
    estimator: Any, y: np.ndarray
) -> None:
    wrapper, bare = fit_both(estimator, DENSE, y)
    assert_same(
        answer_quietly(wrapper, "predict", BATCH),
        bare.predict(BATCH),
    )
    if hasattr(bare, "predict_proba"):
        assert_same(
            answer_quietly(wrapper, "predict_proba", BATCH), bare.predict_proba(BATCH)
        )


@pytest.mark.parametrize("n_rows", [1, 2, 29, 30, 61])
def test_the_answer_is_the_same_whatever_the_size_of_the_batch(n_rows: int) -> None:
    wrapper, bare = fit_both(CLASSIFIERS["Logistic"], DENSE, LABELS)
    batch = BATCH[-n_rows:]
    expected = bare.predict_proba(batch)
    assert_same(answer_quietly(wrapper, "predict_proba", batch), expected)


@pytest.mark.parametrize("method", METHODS[:5])
def test_a_report_beside_the_answer_does_not_change_it(method: str) -> None:
    wrapper, bare = fit_both(LinearDiscriminantAnalysis(), DENSE, LABELS)
    answer, report = answer_quietly(wrapper, method, BATCH, return_report=True)
    assert_same(answer, getattr(bare, method)(BATCH))
    assert report.n_rows == len(BATCH)


@pytest.mark.parametrize(
    ("estimator", "method"),
    [
        (PCA(n_components=2), "fit_transform"),
        (OneHotEncoder(), "fit_transform"),
        (LinearDiscriminantAnalysis(), "fit_transform"),
        (CCA(n_components=1), "fit_transform"),
        (KMeans(n_clusters=3, n_init=1, random_state=0), "fit_predict"),
        (KMeans(n_clusters=3, n_init=1, random_state=0), "fit_transform"),
        (AgglomerativeClustering(), "fit_predict"),
        (LocalOutlierFactor(), "fit_predict"),
        (IsolationForest(n_estimators=4, random_state=0), "fit_predict"),
    ],
)
def test_fitting_and_answering_at_once_is_the_bare_models(
    estimator: Any, method: str
) -> None:
    wrapper = DriftAwareEstimator(estimator, cv=2)
    y = VALUES if isinstance(estimator, CCA) else LABELS
    got = getattr(wrapper, method)(DENSE, y)
    assert_same(got, getattr(clone(estimator), method)(DENSE, y))
    assert wrapper.check(DENSE).ok


def test_labels_are_transformed_too_where_the_bare_model_does() -> None:
    wrapper, bare = fit_both(CCA(n_components=1), DENSE, VALUES)
    assert_same(wrapper.transform(DENSE, VALUES), bare.transform(DENSE, VALUES))
    assert_same(wrapper.transform(DENSE, y=VALUES), bare.transform(DENSE, VALUES))


def test_what_comes_back_through_the_inverse_is_the_bare_models() -> None:
    wrapper, bare = fit_both(PCA(n_components=2), DENSE, None)
    inside = bare.transform(BATCH)
    assert_same(wrapper.inverse_transform(inside), bare.inverse_transform(inside))


@pytest.mark.parametrize("container", ["pandas", "polars"])
def test_set_output_gives_the_table_that_the_bare_transformer_gives(
    container: str,
) -> None:
    X = CONTAINERS["pandas"](DENSE)
    bare = StandardScaler().set_output(transform=container).fit(X)
    before = DriftAwareEstimator(StandardScaler()).set_output(transform=container)
    after = DriftAwareEstimator(StandardScaler()).fit(X).set_output(transform=container)
    for wrapper in (before.fit(X), after):
        assert_same(wrapper.transform(X), bare.transform(X))
        assert_same(wrapper.get_feature_names_out(), bare.get_feature_names_out())


def test_a_table_of_mixed_types_through_a_pipeline_gives_the_bare_models_answer() -> (
    None
):
    X = pd.DataFrame(DENSE, columns=list("abcd")).assign(
        weather=pd.Categorical(RNG.choice(["sun", "rain"], N_ROWS)),
        note=RNG.choice(["x", "y", None], N_ROWS),
        day=pd.date_range("2026-01-01", periods=N_ROWS),
    )
    columns = make_column_transformer(
        (OneHotEncoder(handle_unknown="ignore"), ["weather", "note"]),
        (StandardScaler(), list("abcd")),
    )
    pipeline = make_pipeline(columns, LogisticRegression())
    wrapper, bare = fit_both(pipeline, X, LABELS)
    new = X.assign(weather="snow")
    expected = bare.predict_proba(new)
    assert_same(answer_quietly(wrapper, "predict_proba", new), expected)


def test_extra_arguments_of_an_answer_reach_the_bare_model() -> None:
    wrapper, bare = fit_both(GaussianProcessRegressor(alpha=0.1), DENSE, VALUES)
    got = answer_quietly(wrapper, "predict", BATCH, return_std=True)
    assert_same(got, bare.predict(BATCH, return_std=True))


def test_fitted_attributes_are_the_bare_models() -> None:
    X = CONTAINERS["pandas"](DENSE)
    wrapper, bare = fit_both(LogisticRegression(), X, LABELS)
    assert_same(wrapper.classes_, bare.classes_)
    assert_same(wrapper.feature_names_in_, bare.feature_names_in_)
    assert wrapper.n_features_in_ == bare.n_features_in_
    assert_same(wrapper.estimator_.coef_, bare.coef_)
    clusterer, clusters = fit_both(KMeans(2, n_init=1, random_state=0), DENSE, None)
    assert_same(clusterer.labels_, clusters.labels_)
    detector, outliers = fit_both(SGDOneClassSVM(random_state=0), DENSE, None)
    assert_same(detector.offset_, outliers.offset_)


def test_names_of_an_earlier_fit_are_forgotten() -> None:
    wrapper = DriftAwareEstimator(Ridge(), cv=None)
    wrapper.fit(CONTAINERS["pandas"](DENSE), VALUES)
    wrapper.fit(DENSE, VALUES)
    assert not hasattr(wrapper, "feature_names_in_")


@pytest.mark.parametrize("method", [*METHODS, "fit_predict", "fit_transform", "score"])
@pytest.mark.parametrize(
    "estimator",
    [LogisticRegression(), SVR(), PCA(), KMeans(), NearestNeighbors(), SVC()],
    ids=lambda estimator: type(estimator).__name__,
)
def test_before_fit_the_wrapper_has_the_methods_that_the_bare_model_has(
    estimator: Any, method: str
) -> None:
    wrapper = DriftAwareEstimator(estimator)
    assert hasattr(wrapper, method) == hasattr(estimator, method)
    if not hasattr(estimator, method):
        with pytest.raises(AttributeError) as caught:
            getattr(wrapper, method)
        assert type(estimator).__name__ in str(caught.value.__cause__)
    elif not method.startswith("fit"):
        with pytest.raises(NotFittedError, match="not fitted yet"):
            getattr(wrapper, method)(DENSE)


def test_a_model_that_changes_its_rows_in_place_is_judged_by_what_it_was_given() -> (
    None
):
    X = DENSE + 100.0
    pipeline = make_pipeline(StandardScaler(copy=False), Ridge())
    wrapper = DriftAwareEstimator(pipeline, cv=None, on_invalid="raise").fit(
        X.copy(), VALUES
    )
    expected = clone(pipeline).fit(X.copy(), VALUES).predict(X.copy())
    answer, report = wrapper.predict(X.copy(), return_report=True)
    assert_same(answer, expected)
    assert report.ok
