"""Expected scores: scikit-learn's where labels are known, their mean where not."""

from __future__ import annotations

import itertools
import warnings

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import fbeta_score, get_scorer, make_scorer

from skdrift.performance._class_scores import BINARY_SCORERS, MULTICLASS_SCORERS
from skdrift.performance._known_answers import (
    AnsweredRows,
    expected_auc,
    expected_class_score,
)

OTHERS = (
    "jaccard_weighted",
    "matthews_corrcoef",
    "f1_weighted",
    "roc_auc_ovr_weighted",
)


def fitted(n_classes, n=300, seed=0):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, 3)).round(1)  # ties
    y = np.argmax(X[:, :1] * np.arange(n_classes) + rng.normal(size=(n, n_classes)), 1)
    return LogisticRegression().fit(X, y), X, y


def answers_of(model, X):
    labels = model.predict(X)
    decisions = model.decision_function(X) if len(model.classes_) > 2 else None
    shares = model.predict_proba(X)
    return AnsweredRows(labels, labels, shares, "predict_proba", decisions)


def expected(scorer, model, X, shares):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return expected_class_score(
            "score",
            scorer,
            model,
            answers_of(model, X),
            shares,
            shares,
            [shares] * 8,
            np.arange(len(X)),
        )


@pytest.mark.parametrize(
    ("n_classes", "name"),
    [
        *((2, name) for name in (*BINARY_SCORERS, *OTHERS[:3])),
        *((3, name) for name in (*MULTICLASS_SCORERS, *OTHERS)),
        *((6, name) for name in ("f1_macro", "accuracy", "roc_auc_ovr")),
    ],
)
def test_with_labels_it_is_the_score_of_scikit_learn(n_classes, name):
    model, X, y = fitted(n_classes)
    shares = np.eye(n_classes)[:, y]
    score = expected(get_scorer(name), model, X, shares)
    assert score.value == pytest.approx(get_scorer(name)(model, X, y), abs=1e-9)
    assert score.high - score.low == pytest.approx(0.0, abs=1e-4)


@pytest.mark.parametrize(
    "name",
    [
        "accuracy",
        "f1",
        "roc_auc",
        "average_precision",
        "neg_log_loss",
        "neg_brier_score",
    ],
)
def test_without_labels_it_is_the_mean_over_labels_and_the_interval_their_spread(name):
    model, X, _ = fitted(2, n=600)
    rng = np.random.default_rng(1)
    hits = np.clip(model.predict_proba(X)[:, 1] + rng.normal(0, 0.1, 600), 0.02, 0.98)
    scorer = get_scorer(name)
    score = expected(scorer, model, X, np.stack([1 - hits, hits]))
    drawn = [scorer(model, X, (rng.random(600) < hits).astype(int)) for _ in range(300)]
    spread = np.std(drawn)
    assert abs(score.value - np.mean(drawn)) < 4 * spread / np.sqrt(300) + 0.1 * spread
    assert 3.92 * spread * 0.75 < score.high - score.low < 3.92 * spread * 1.3


def test_a_scorer_of_ones_own_is_expected_too():
    model, X, y = fitted(2)
    scorer = make_scorer(fbeta_score, beta=2.0)
    score = expected(scorer, model, X, np.eye(2)[:, y])
    assert score.value == pytest.approx(scorer(model, X, y))


def test_the_area_is_the_ratio_of_expected_pairs_by_enumeration():
    order, hits = np.array([0, 1, 1, 2, 3]), np.array([0.2, 0.5, 0.3, 0.9, 0.6])
    won = pairs = 0.0
    for labels in itertools.product([0, 1], repeat=5):
        probability = np.prod(np.where(labels, hits, 1 - hits))
        for i, j in itertools.permutations(range(5), 2):
            if labels[i] and not labels[j]:
                pairs += probability
                won += probability * (
                    (order[i] > order[j]) + (order[i] == order[j]) / 2
                )
    assert expected_auc(order, hits) == pytest.approx(won / pairs)


def test_one_row_or_one_class_has_no_area():
    assert np.isnan(expected_auc(np.array([0]), np.array([0.4])))
    assert np.isnan(expected_auc(np.arange(4), np.ones(4)))
    model, X, _ = fitted(2)
    score = expected(get_scorer("roc_auc"), model, X[:1], np.array([[0.6], [0.4]]))
    assert np.isnan(score.value)
    assert score.reason
