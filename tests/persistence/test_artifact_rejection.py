"""A model that rejects rows comes back from a file as it was."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import skops.io
from sklearn.covariance import EllipticEnvelope
from sklearn.dummy import DummyClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier

import skdrift
from skdrift import TRUSTED_TYPES, DriftAwareEstimator

RNG = np.random.default_rng(0)
X = RNG.normal(size=(300, 3))
LABELS = np.where(X[:, 0] > 0, "yes", "no")
SETS = (X > 0).astype(int)
BATCH = np.vstack([X[:5], [[np.nan, 0, 0], [1e9, 0, 0]]])

MODELS = {
    "abstains": (LogisticRegression(), LABELS, {"on_invalid": "abstain"}),
    "abstains for label sets": (
        KNeighborsClassifier(),
        SETS,
        {"on_invalid": "abstain", "abstain_value": -1},
    ),
    "falls back": (
        LogisticRegression(),
        LABELS,
        {"on_invalid": "fallback", "fallback": DummyClassifier()},
    ),
    "novelty": (LogisticRegression(), LABELS, {"novelty": EllipticEnvelope()}),
}


TREES = [
    "sklearn.metrics._dist_metrics.EuclideanDistance64",
    "sklearn.neighbors._kd_tree.KDTree",
]


@pytest.mark.parametrize("name", MODELS)
def test_a_loaded_model_rejects_and_answers_the_same(name: str, tmp_path: Path) -> None:
    estimator, y, options = MODELS[name]
    options = {"abstain_value": "a new label", "on_shift": "ignore", **options}
    model = DriftAwareEstimator(estimator, cv=2, **options).fit(X, y)
    skdrift.dump(model, tmp_path / "model.skops")
    again = skdrift.load(tmp_path / "model.skops", trusted=TREES)
    if name == "novelty":
        np.testing.assert_array_equal(
            again.flag(BATCH).pvalues, model.flag(BATCH).pvalues
        )
        return
    for method in ("predict", "predict_proba"):
        ours, report = getattr(model, method)(BATCH, return_report=True)
        theirs, same = getattr(again, method)(BATCH, return_report=True)
        assert same == report
        assert np.asarray(ours).dtype == np.asarray(theirs).dtype
        np.testing.assert_array_equal(ours, theirs)


def test_novelty_adds_the_trusted_types_of_novelty_and_no_other() -> None:
    model = DriftAwareEstimator(LogisticRegression(), cv=2, novelty=EllipticEnvelope())
    stored = skops.io.dumps(model.fit(X, LABELS))
    found = set(skops.io.get_untrusted_types(data=stored))
    plain = skops.io.dumps(model.set_params(novelty=None).fit(X, LABELS))
    of_novelty = {kind for kind in TRUSTED_TYPES if "._novelty." in kind}
    assert len(of_novelty) == 2
    assert found - set(skops.io.get_untrusted_types(data=plain)) == of_novelty
