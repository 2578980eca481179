"""scikit-learn's own checks find nothing on the wrapper that the bare model lacks."""

from __future__ import annotations

import inspect
import sys
import warnings
from typing import Any

import pytest
from sklearn.cluster import DBSCAN, AgglomerativeClustering, KMeans
from sklearn.decomposition import PCA
from sklearn.ensemble import IsolationForest
from sklearn.experimental import enable_halving_search_cv  # noqa: F401
from sklearn.feature_selection import SelectKBest
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.mixture import GaussianMixture
from sklearn.model_selection import (
    GridSearchCV,
    HalvingGridSearchCV,
    RandomizedSearchCV,
)
from sklearn.multioutput import ClassifierChain
from sklearn.neighbors import LocalOutlierFactor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, QuantileTransformer, StandardScaler
from sklearn.svm import OneClassSVM
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor
from sklearn.utils import all_estimators, get_tags
from sklearn.utils.estimator_checks import check_estimator

from skdrift import DriftAwareEstimator

QUICK = {
    "CCA",
    "DummyClassifier",
    "GaussianProcessRegressor",
    "HistGradientBoostingClassifier",
    "KNeighborsClassifier",
    "LinearSVC",
    "MultiTaskLasso",
    "Ridge",
}

# Where a default is too slow, or does not work, on the few rows of the checks.
SETTINGS: dict[str, dict[str, Any]] = {
    "CCA": {"n_components": 1},
    "HistGradientBoostingClassifier": {"max_iter": 5, "min_samples_leaf": 5},
    "HistGradientBoostingRegressor": {"max_iter": 5, "min_samples_leaf": 5},
    "LassoLarsIC": {"noise_variance": 1.0},
    "LogisticRegressionCV": {"Cs": 3},
    "MLPClassifier": {"max_iter": 50},
    "MLPRegressor": {"max_iter": 50},
    "PLSCanonical": {"n_components": 1},
    "PLSRegression": {"n_components": 1},
    "RidgeCV": {"cv": None},
    "RidgeClassifierCV": {"cv": None},
    "SelfTrainingClassifier": {"estimator": LogisticRegression(), "max_iter": 5},
    "TheilSenRegressor": {"max_iter": 5, "max_subpopulation": 100},
    "TunedThresholdClassifierCV": {"thresholds": 5},
}

# Checks that ask for something that no wrapper has, and the reason.
OF_WRAPPERS = {
    "check_classifiers_one_label_sample_weights": (
        "looks for `sample_weight` among the names of the arguments of `fit`, which a "
        "wrapper takes as **params, as a Pipeline does"
    ),
}

# Parameters that mean the same wherever they occur. The checks set `random_state`
# and `alpha` of what they are given, which is the wrapper and not what is in it.
EVERYWHERE: dict[str, Any] = {
    "alpha": 0.01,
    "cv": 2,
    "n_estimators": 5,
    "random_state": 0,
}

PARTS = {
    "classifier": (LogisticRegression(), DecisionTreeClassifier),
    "regressor": (Ridge(), DecisionTreeRegressor),
}

OTHERS = {
    "Pipeline": make_pipeline(StandardScaler(), LogisticRegression()),
    "Pipeline of a regressor": make_pipeline(StandardScaler(), Ridge()),
    "GridSearchCV": GridSearchCV(Ridge(), {"alpha": [0.1, 1.0]}, cv=2),
    "GridSearchCV of a pipeline": GridSearchCV(
        make_pipeline(StandardScaler(), LogisticRegression()),
        {"logisticregression__C": [0.1, 1.0]},
        cv=2,
    ),
    "RandomizedSearchCV": RandomizedSearchCV(
        LogisticRegression(), {"C": [0.1, 1.0]}, n_iter=2, cv=2, random_state=0
    ),
    "HalvingGridSearchCV": HalvingGridSearchCV(
        Ridge(),
        {"alpha": [0.1, 1.0]},
        cv=2,
        min_resources="smallest",
        random_state=0,
    ),
    "StandardScaler": StandardScaler(),
    "PCA": PCA(n_components=1, random_state=0),
    "OneHotEncoder": OneHotEncoder(handle_unknown="ignore"),
    "QuantileTransformer": QuantileTransformer(n_quantiles=10, random_state=0),
    "SelectKBest": SelectKBest(k=1),
    "KMeans": KMeans(n_clusters=2, n_init=2, max_iter=5, random_state=0),
    "AgglomerativeClustering": AgglomerativeClustering(n_clusters=2),
    "DBSCAN": DBSCAN(),
    "GaussianMixture": GaussianMixture(max_iter=5, random_state=0),
    "IsolationForest": IsolationForest(n_estimators=5, random_state=0),
    "LocalOutlierFactor": LocalOutlierFactor(novelty=True),
    "OneClassSVM": OneClassSVM(),
}

QUICK_OTHERS = {"Pipeline", "GridSearchCV", "StandardScaler", "KMeans", "OneClassSVM"}


class Unskipped:
    """An estimator that is checked even where scikit-learn leaves it out."""

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()  # type: ignore[misc]
        tags._skip_test = False
        return tags


def under_another_name(estimator: Any) -> Any:
    """The same estimator, of a class whose name no check knows.

    Some checks make exceptions by name (for `CCA`, `LabelPropagation`, …); what they
    find on the estimator itself is what they find without the exception.
    """
    kind = type(estimator)
    name = f"Renamed{kind.__name__}"
    renamed = type(name, (Unskipped, kind), {"__module__": __name__})
    setattr(sys.modules[__name__], name, renamed)  # where pickle looks for it
    return renamed(**estimator.get_params(deep=False))


def construct(cls: Any, kind: str) -> Any:
    """An instance that is fitted in no time."""
    names = inspect.signature(cls).parameters
    settings = {name: EVERYWHERE[name] for name in names if name in EVERYWHERE}
    part, tree = PARTS[kind]
    if "estimator" in names and names["estimator"].default is inspect.Parameter.empty:
        settings["estimator"] = part
    if "estimators" in names:
        settings["estimators"] = [
            (f"depth {depth}", tree(max_depth=depth, random_state=0))
            for depth in (2, 3)
        ]
    return cls(**(settings | SETTINGS.get(cls.__name__, {})))


def failures(estimator: Any) -> dict[str, Exception]:
    """Checks that an estimator does not pass."""
    return {
        result["check_name"]: result["exception"]
        for result in check_estimator(estimator, on_fail=None, on_skip=None)
        if result["status"] == "failed"
    }


def assert_nothing_new(estimator: Any) -> None:
    with warnings.catch_warnings():
        # Scikit-learn's models warn of the few rows that the checks give them.
        warnings.simplefilter("ignore")
        found = failures(DriftAwareEstimator(estimator, cv=2))
        new = set(found) - set(OF_WRAPPERS)
        if new:
            new -= set(failures(estimator))
        if new:
            new -= set(failures(under_another_name(estimator)))
    assert not new, {name: found[name] for name in new}


def models() -> list[Any]:
    return [
        pytest.param(
            cls,
            kind,
            id=name,
            marks=() if name in QUICK else pytest.mark.slow,
        )
        for kind in PARTS
        for name, cls in all_estimators(type_filter=kind)
    ]


@pytest.mark.parametrize(("cls", "kind"), models())
def test_checks_find_nothing_on_the_wrapper_that_the_bare_model_lacks(
    cls: Any, kind: str
) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # of classes that are to go
        estimator = construct(cls, kind)
    assert_nothing_new(estimator)


@pytest.mark.parametrize(
    "name",
    [
        name if name in QUICK_OTHERS else pytest.param(name, marks=pytest.mark.slow)
        for name in OTHERS
    ],
)
def test_checks_find_nothing_on_the_wrapper_of_any_other_kind_of_estimator(
    name: str,
) -> None:
    assert_nothing_new(OTHERS[name])


@pytest.mark.parametrize(
    "estimator",
    [ClassifierChain(LogisticRegression()), FrozenEstimator(LogisticRegression())],
    ids=["chain", "frozen"],
)
def test_the_wrapper_of_an_estimator_that_no_check_looks_at_is_looked_at(
    estimator: Any,
) -> None:
    inner, outer = get_tags(estimator), get_tags(DriftAwareEstimator(estimator))
    assert inner._skip_test
    assert not outer._skip_test
    assert outer.estimator_type == inner.estimator_type == "classifier"
    assert outer.input_tags == inner.input_tags
    assert outer.target_tags == inner.target_tags
    assert not outer.array_api_support
