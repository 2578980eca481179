"""The wrapper stands wherever scikit-learn takes an estimator, and takes any itself."""

from __future__ import annotations

from typing import Any

import joblib
import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin, clone, is_classifier
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import (
    ColumnTransformer,
    TransformedTargetRegressor,
    make_column_transformer,
)
from sklearn.decomposition import PCA
from sklearn.ensemble import (
    BaggingClassifier,
    BaggingRegressor,
    RandomForestClassifier,
    StackingClassifier,
    StackingRegressor,
    VotingClassifier,
    VotingRegressor,
)
from sklearn.experimental import enable_halving_search_cv  # noqa: F401
from sklearn.feature_selection import RFE, SelectFromModel
from sklearn.frozen import FrozenEstimator
from sklearn.inspection import permutation_importance
from sklearn.linear_model import LinearRegression, LogisticRegression, Ridge
from sklearn.model_selection import (
    FixedThresholdClassifier,
    GridSearchCV,
    HalvingGridSearchCV,
    RandomizedSearchCV,
    TunedThresholdClassifierCV,
    cross_val_predict,
    cross_val_score,
    cross_validate,
    learning_curve,
)
from sklearn.multiclass import OneVsOneClassifier, OneVsRestClassifier
from sklearn.multioutput import (
    ClassifierChain,
    MultiOutputClassifier,
    MultiOutputRegressor,
    RegressorChain,
)
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import FeatureUnion, Pipeline, make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from sklearn.semi_supervised import SelfTrainingClassifier

from skdrift import DriftAwareEstimator, DriftWarning

N_ROWS = 120
RNG = np.random.default_rng(0)
ROWS = RNG.normal(size=(N_ROWS, 3))
TABLE = pd.DataFrame(ROWS, columns=list("abc")).assign(
    town=RNG.choice(["Rome", "Oslo"], N_ROWS)
)
NOISE = RNG.normal(scale=0.4, size=N_ROWS)
BINARY = (ROWS[:, 0] + NOISE > 0).astype(int)
CLASSES = np.array(["low", "middle", "high"])[
    np.digitize(ROWS[:, 0] + NOISE, [-0.5, 0.5])
]
VALUES = ROWS @ [1.0, -2.0, 0.5] + NOISE
LABEL_SETS = np.column_stack([BINARY, ROWS[:, 1] > 0]).astype(int)
PAIRS = np.column_stack([VALUES, ROWS[:, 1] ** 2])


def wrap(estimator: Any, **settings: Any) -> DriftAwareEstimator:
    """Wrapper that is silent: what it has to say of tiny folds is not the subject."""
    settings = {"cv": 2, "on_invalid": "ignore", "on_shift": "ignore"} | settings
    return DriftAwareEstimator(estimator, **settings)


def answers(model: Any, X: Any) -> dict[str, np.ndarray]:
    return {
        method: np.asarray(getattr(model, method)(X))
        for method in ("predict", "predict_proba", "decision_function", "transform")
        if hasattr(model, method)
    }


def assert_equal_answers(one: Any, other: Any, X: Any) -> None:
    ours, theirs = answers(one, X), answers(other, X)
    assert ours.keys() == theirs.keys()
    assert ours
    for method, values in theirs.items():
        np.testing.assert_array_equal(ours[method], values)


LOGISTIC, RIDGE = LogisticRegression(), Ridge()

AROUND: dict[str, tuple[Any, Any, Any]] = {
    "Pipeline": (lambda e: make_pipeline(StandardScaler(), e), LOGISTIC, CLASSES),
    "Pipeline of transformers": (
        lambda e: Pipeline([("pca", e), ("ridge", Ridge())]),
        PCA(2),
        VALUES,
    ),
    "ColumnTransformer": (
        lambda e: make_pipeline(
            ColumnTransformer([("first", e, [0, 1])], remainder="passthrough"),
            LogisticRegression(),
        ),
        StandardScaler(),
        BINARY,
    ),
    "FeatureUnion": (
        lambda e: FeatureUnion([("scaled", e), ("pca", PCA(1))]),
        StandardScaler(),
        None,
    ),
    "GridSearchCV": (
        lambda e: GridSearchCV(e, grid_of(e, C=[0.1, 1.0]), cv=2),
        LOGISTIC,
        BINARY,
    ),
    "RandomizedSearchCV": (
        lambda e: RandomizedSearchCV(
            e, grid_of(e, alpha=[0.1, 1.0, 9.0]), n_iter=2, cv=2, random_state=0
        ),
        RIDGE,
        VALUES,
    ),
    "HalvingGridSearchCV": (
        lambda e: HalvingGridSearchCV(
            e, grid_of(e, C=[0.1, 1.0, 9.0]), cv=2, random_state=0
        ),
        LOGISTIC,
        BINARY,
    ),
    "StackingClassifier": (
        lambda e: StackingClassifier([("a", e), ("b", GaussianNB())], cv=2),
        LOGISTIC,
        CLASSES,
    ),
    "Stacking, the last": (
        lambda e: StackingClassifier([("b", GaussianNB())], final_estimator=e, cv=2),
        LOGISTIC,
        CLASSES,
    ),
    "StackingRegressor": (
        lambda e: StackingRegressor([("a", e), ("b", LinearRegression())], cv=2),
        RIDGE,
        VALUES,
    ),
    "VotingClassifier": (
        lambda e: VotingClassifier([("a", e), ("b", GaussianNB())], voting="soft"),
        LOGISTIC,
        CLASSES,
    ),
    "VotingRegressor": (
        lambda e: VotingRegressor([("a", e), ("b", LinearRegression())]),
        RIDGE,
        VALUES,
    ),
    "BaggingClassifier": (
        lambda e: BaggingClassifier(e, n_estimators=3, random_state=0),
        KNeighborsClassifier(),
        CLASSES,
    ),
    "BaggingRegressor": (
        lambda e: BaggingRegressor(
            e, n_estimators=3, max_features=2, max_samples=0.9, random_state=0
        ),
        TransformedTargetRegressor(Ridge()),
        VALUES,
    ),
    "CalibratedClassifierCV": (
        lambda e: CalibratedClassifierCV(e, cv=2),
        LOGISTIC,
        CLASSES,
    ),
    "OneVsRestClassifier": (OneVsRestClassifier, LOGISTIC, CLASSES),
    "OneVsRest of label sets": (OneVsRestClassifier, LOGISTIC, LABEL_SETS),
    "OneVsOneClassifier": (OneVsOneClassifier, LOGISTIC, CLASSES),
    "MultiOutputClassifier": (MultiOutputClassifier, LOGISTIC, LABEL_SETS),
    "MultiOutputRegressor": (MultiOutputRegressor, RIDGE, PAIRS),
    "ClassifierChain": (lambda e: ClassifierChain(e, cv=2), LOGISTIC, LABEL_SETS),
    "RegressorChain": (RegressorChain, RIDGE, PAIRS),
    "TransformedTargetRegressor": (
        lambda e: TransformedTargetRegressor(e, func=np.arcsinh, inverse_func=np.sinh),
        RIDGE,
        VALUES,
    ),
    "TunedThresholdClassifierCV": (
        lambda e: TunedThresholdClassifierCV(e, thresholds=5, cv=2),
        LOGISTIC,
        BINARY,
    ),
    "FixedThresholdClassifier": (
        lambda e: FixedThresholdClassifier(e, threshold=0.7),
        LOGISTIC,
        BINARY,
    ),
    "SelfTrainingClassifier": (
        SelfTrainingClassifier,
        LOGISTIC,
        np.where(np.arange(N_ROWS) % 3, BINARY, -1),
    ),
    "RFE": (
        lambda e: RFE(
            e,
            n_features_to_select=1,
            importance_getter="estimator_.coef_" if is_wrapped(e) else "coef_",
        ),
        RIDGE,
        VALUES,
    ),
    "SelectFromModel": (
        lambda e: SelectFromModel(
            e,
            importance_getter=(
                "estimator_.feature_importances_" if is_wrapped(e) else "auto"
            ),
        ),
        RandomForestClassifier(5, random_state=0),
        CLASSES,
    ),
}


def is_wrapped(estimator: Any) -> bool:
    return isinstance(estimator, DriftAwareEstimator)


def grid_of(estimator: Any, **grid: Any) -> dict[str, Any]:
    prefix = "estimator__" if is_wrapped(estimator) else ""
    return {prefix + name: values for name, values in grid.items()}


@pytest.mark.parametrize("name", AROUND)
def test_inside_a_meta_estimator_the_wrapper_changes_nothing(name: str) -> None:
    build, estimator, y = AROUND[name]
    ours = build(wrap(estimator)).fit(ROWS, y)
    theirs = build(estimator).fit(ROWS, y)
    assert_equal_answers(ours, theirs, ROWS)
    if hasattr(theirs, "score"):
        assert ours.score(ROWS, y) == theirs.score(ROWS, y)


@pytest.mark.parametrize("name", ["Pipeline", "StackingClassifier", "VotingRegressor"])
def test_a_clone_of_a_meta_estimator_around_the_wrapper_is_as_good(name: str) -> None:
    build, estimator, y = AROUND[name]
    ours = build(wrap(estimator))
    again = clone(clone(ours).fit(ROWS, y))
    assert_equal_answers(again.fit(ROWS, y), ours.fit(ROWS, y), ROWS)


@pytest.mark.parametrize(
    ("estimator", "y"), [(LOGISTIC, CLASSES), (RIDGE, VALUES)], ids=["class", "value"]
)
def test_cross_validation_of_the_wrapper_gives_the_bare_models_scores(
    estimator: Any, y: Any
) -> None:
    ours, theirs = wrap(estimator), estimator
    np.testing.assert_array_equal(
        cross_val_score(ours, ROWS, y, cv=3), cross_val_score(theirs, ROWS, y, cv=3)
    )
    np.testing.assert_array_equal(
        cross_val_predict(ours, ROWS, y, cv=3),
        cross_val_predict(theirs, ROWS, y, cv=3),
    )
    kept = cross_validate(
        ours, ROWS, y, cv=3, return_estimator=True, return_train_score=True
    )
    expected = cross_validate(theirs, ROWS, y, cv=3, return_train_score=True)
    for name in ("test_score", "train_score"):
        np.testing.assert_array_equal(kept[name], expected[name])
    assert all(model.check(ROWS).n_rows == N_ROWS for model in kept["estimator"])
    np.testing.assert_array_equal(
        learning_curve(ours, ROWS, y, cv=3, shuffle=True, random_state=0)[2],
        learning_curve(theirs, ROWS, y, cv=3, shuffle=True, random_state=0)[2],
    )


def test_the_wrappers_own_parameters_can_be_searched() -> None:
    search = GridSearchCV(
        wrap(LOGISTIC), {"alpha": [0.01, 0.05], "estimator__C": [0.1, 1.0]}, cv=2
    ).fit(ROWS, BINARY)
    assert len(search.cv_results_["params"]) == 4
    assert search.best_estimator_.check(ROWS).alpha == search.best_params_["alpha"]


def test_permutation_importance_sees_through_the_wrapper() -> None:
    ours = permutation_importance(
        wrap(RIDGE).fit(ROWS, VALUES), ROWS, VALUES, random_state=0
    )
    theirs = permutation_importance(
        clone(RIDGE).fit(ROWS, VALUES), ROWS, VALUES, random_state=0
    )
    np.testing.assert_array_equal(ours.importances, theirs.importances)


def test_a_wrapper_in_the_middle_of_a_pipeline_looks_at_what_reaches_it() -> None:
    looking = wrap(PCA(2), on_shift="warn", on_invalid="ignore")
    model = make_pipeline(StandardScaler(), looking, Ridge()).fit(ROWS, VALUES)
    with pytest.warns(DriftWarning):
        model.predict(ROWS + 2.0)


@pytest.mark.parametrize("steps", [1, 2])
def test_a_report_comes_through_a_pipeline(steps: int) -> None:
    model: Any = wrap(LOGISTIC)
    for _ in range(steps):
        model = make_pipeline(StandardScaler(), model)
    model.fit(ROWS, BINARY)
    answer, report = model.predict(ROWS, return_report=True)
    np.testing.assert_array_equal(answer, model.predict(ROWS))
    assert report.n_rows == N_ROWS


# --- what may be inside -------------------------------------------------------

WITHIN: dict[str, tuple[Any, Any, Any]] = {
    "Pipeline": (make_pipeline(StandardScaler(), LOGISTIC), ROWS, CLASSES),
    "Pipeline with a table": (
        make_pipeline(
            make_column_transformer(
                (OneHotEncoder(), ["town"]), remainder=StandardScaler()
            ),
            LOGISTIC,
        ),
        TABLE,
        CLASSES,
    ),
    "GridSearchCV": (GridSearchCV(LOGISTIC, {"C": [0.1, 1.0]}, cv=2), ROWS, CLASSES),
    "GridSearchCV of a pipeline": (
        GridSearchCV(
            make_pipeline(StandardScaler(), RIDGE), {"ridge__alpha": [0.1, 9.0]}, cv=2
        ),
        ROWS,
        VALUES,
    ),
    "HalvingGridSearchCV": (
        HalvingGridSearchCV(LOGISTIC, {"C": [0.1, 1.0]}, cv=2, random_state=0),
        ROWS,
        BINARY,
    ),
    "FrozenEstimator": (FrozenEstimator(clone(RIDGE).fit(ROWS, VALUES)), ROWS, VALUES),
    "TransformedTargetRegressor": (
        TransformedTargetRegressor(RIDGE, transformer=StandardScaler()),
        ROWS,
        VALUES,
    ),
    "StackingClassifier": (
        StackingClassifier([("a", LOGISTIC), ("b", GaussianNB())], cv=2),
        ROWS,
        CLASSES,
    ),
    "VotingRegressor": (VotingRegressor([("a", RIDGE)]), ROWS, VALUES),
    "BaggingClassifier": (
        BaggingClassifier(LOGISTIC, n_estimators=2, random_state=0),
        ROWS,
        CLASSES,
    ),
    "CalibratedClassifierCV": (CalibratedClassifierCV(LOGISTIC, cv=2), ROWS, CLASSES),
    "OneVsRestClassifier": (OneVsRestClassifier(LOGISTIC), ROWS, LABEL_SETS),
    "MultiOutputRegressor": (MultiOutputRegressor(RIDGE), ROWS, PAIRS),
    "ClassifierChain": (ClassifierChain(LOGISTIC), ROWS, LABEL_SETS),
    "TunedThresholdClassifierCV": (
        TunedThresholdClassifierCV(LOGISTIC, thresholds=5, cv=2),
        ROWS,
        BINARY,
    ),
    "the wrapper itself": (wrap(LOGISTIC), ROWS, CLASSES),
    "the wrapper itself in a pipeline": (
        make_pipeline(wrap(StandardScaler()), wrap(RIDGE)),
        ROWS,
        VALUES,
    ),
}


@pytest.mark.parametrize("name", WITHIN)
def test_around_any_meta_estimator_the_wrapper_changes_nothing(name: str) -> None:
    estimator, X, y = WITHIN[name]
    ours = wrap(estimator).fit(X, y)
    theirs = clone(estimator).fit(X, y)
    assert_equal_answers(ours, theirs, X)
    assert is_classifier(ours) == is_classifier(theirs)
    assert ours.n_features_in_ == X.shape[1]
    assert all(np.isfinite(score.folds).all() for score in ours.baseline_.scores)
    assert len(ours.baseline_.scores) == 1
    assert ours.check(X).ok


@pytest.mark.parametrize("name", WITHIN)
def test_what_is_inside_is_not_touched(name: str) -> None:
    estimator, X, y = WITHIN[name]
    inside = clone(estimator)
    before = joblib.hash(inside)
    model = wrap(inside).fit(X, y)
    assert model.estimator is inside
    assert joblib.hash(inside) == before


def test_a_wrapper_of_a_wrapper_passes_everything_on() -> None:
    model = wrap(wrap(LOGISTIC)).fit(ROWS, CLASSES)
    answer, report = model.predict(ROWS, return_report=True)
    np.testing.assert_array_equal(
        answer, clone(LOGISTIC).fit(ROWS, CLASSES).predict(ROWS)
    )
    assert report.n_rows == N_ROWS
    np.testing.assert_array_equal(model.classes_, np.unique(CLASSES))
    assert model.estimator_.estimator_.coef_.shape == (3, 3)


def test_parameters_of_what_is_inside_are_reached_by_name() -> None:
    model = wrap(make_pipeline(StandardScaler(), LogisticRegression()))
    model.set_params(estimator__logisticregression__C=0.5, alpha=0.05)
    assert model.get_params()["estimator__logisticregression__C"] == 0.5
    assert model.alpha == 0.05


class FitCounter(ClassifierMixin, BaseEstimator):
    """Classifier that counts the fits of all its clones."""

    n_fits = 0

    def __init__(self, strength: float = 1.0) -> None:
        self.strength = strength

    def fit(self, X: Any, y: Any) -> FitCounter:
        FitCounter.n_fits += 1
        self.classes_ = np.unique(y)
        return self

    def predict(self, X: Any) -> np.ndarray:
        return np.full(len(X), self.classes_[0])


def test_a_search_inside_is_searched_once() -> None:
    FitCounter.n_fits = 0
    search = GridSearchCV(FitCounter(), {"strength": [1.0, 2.0, 3.0]}, cv=4)
    wrap(search, cv=5).fit(ROWS, BINARY)
    assert FitCounter.n_fits == 3 * 4 + 1 + 5
