"""scikit-learn's checks of a wrapper that rejects rows: what they cannot ask of it."""

from __future__ import annotations

import warnings

import pytest
from sklearn.dummy import DummyClassifier, DummyRegressor
from sklearn.ensemble import IsolationForest
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.utils.estimator_checks import check_estimator

from skdrift import DriftAwareEstimator

OF_REJECTION = {
    "check_n_features_in_after_fitting": (
        "where a column of training is missing all rows are invalid, which is answered"
    ),
    "check_estimators_nan_inf": "a row with NaN is invalid, which is answered",
}
OF_NOVELTY = {
    "check_estimator_sparse_tag": "a sparse table is refused where novelty is asked for"
}
WRAPPERS = {
    "abstaining regressor": (Ridge(), {"on_invalid": "abstain"}, OF_REJECTION),
    "regressor with a fallback": (
        Ridge(),
        {"on_invalid": "fallback", "fallback": DummyRegressor()},
        OF_REJECTION,
    ),
    "abstaining classifier": (
        LogisticRegression(),
        {"on_invalid": "abstain", "abstain_value": -1},
        OF_REJECTION,
    ),
    "classifier with a fallback": (
        LogisticRegression(),
        {"on_invalid": "fallback", "fallback": DummyClassifier()},
        OF_REJECTION,
    ),
    "novelty": (
        LogisticRegression(),
        {"novelty": IsolationForest(n_estimators=3, random_state=0)},
        OF_NOVELTY,
    ),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", WRAPPERS)
def test_nothing_fails_but_what_a_policy_means_to_answer(name: str) -> None:
    estimator, options, expected = WRAPPERS[name]
    model = DriftAwareEstimator(estimator, cv=None, **options)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        results = check_estimator(model, on_fail=None, on_skip=None)
    failed = {r["check_name"] for r in results if r["status"] == "failed"}
    assert failed == expected.keys()
    assert sum(result["status"] == "passed" for result in results) > 40
