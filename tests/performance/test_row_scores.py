"""Contributions of rows: equal to the scorer, right moments, else unknown."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy.sparse import csr_matrix
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics import (
    accuracy_score,
    get_scorer,
    log_loss,
    make_scorer,
    mean_absolute_error,
    zero_one_loss,
)
from sklearn.multioutput import MultiOutputClassifier
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skdrift.performance._cross_validation import FoldResult, judge
from skdrift.performance._recorded import OwnScore
from skdrift.performance._row_scores import from_scale, is_of_scikit_learn, to_scale

N_ROWS = 120
RNG = np.random.default_rng(0)
X = RNG.normal(size=(N_ROWS, 3))
BINARY = (X[:, 0] + RNG.normal(size=N_ROWS) > 0).astype(int)
CLASSES = np.digitize(X[:, 0] + RNG.normal(size=N_ROWS), [-0.5, 0.5])
VALUES = X @ [1.0, -1.0, 0.5] + RNG.normal(size=N_ROWS) + 5.0
TWO_VALUES = np.column_stack([VALUES, 3.0 * X[:, 1] + RNG.normal(size=N_ROWS)])
LABEL_SETS = np.column_stack([BINARY, CLASSES == 1]).astype(int)

CLASSIFIED = [
    "accuracy",
    "neg_log_loss",
    "neg_brier_score",
    make_scorer(accuracy_score),
    make_scorer(zero_one_loss, greater_is_better=False),
]
REGRESSED = [
    "r2",
    "neg_mean_absolute_error",
    "neg_mean_absolute_percentage_error",
    "neg_mean_squared_error",
    "neg_root_mean_squared_error",
    make_scorer(mean_absolute_error, greater_is_better=False),
]


def judged(model: Any, y: Any, scorer: Any, **params: Any) -> FoldResult:
    given = np.asarray(y, dtype=object) if hasattr(y, "columns") else y
    model.fit(X, given)
    scorers = {"score": scorer if callable(scorer) else get_scorer(scorer)}
    return judge(model, X, y, scorers, score_params={"score": params}, seed=0)


@pytest.mark.parametrize(
    "y",
    [
        BINARY,
        CLASSES,
        np.array(["a", "b", "c"])[CLASSES],
        np.array(["a", "b", "c"], dtype=object)[CLASSES],
        pd.Series(np.array(["a", "b", "c"])[CLASSES]),
        pd.Series(CLASSES).astype("category"),
    ],
    ids=["binary", "classes", "texts", "objects", "pandas texts", "categorical"],
)
@pytest.mark.parametrize("scorer", CLASSIFIED, ids=str)
def test_the_mean_of_the_rows_is_the_score_of_a_classifier(scorer: Any, y: Any) -> None:
    result = judged(GaussianNB(), y, scorer)
    rows = result.rows["score"]
    assert rows.values.shape == (N_ROWS,)
    assert rows.values.mean() == pytest.approx(result.scores["score"], abs=1e-12)
    assert (rows.bias, rows.bend) == (0.0, 0.0)


@pytest.mark.parametrize("y", [VALUES, TWO_VALUES, pd.Series(VALUES)], ids=len)
@pytest.mark.parametrize("scorer", REGRESSED, ids=str)
def test_the_mean_of_the_rows_is_the_score_of_a_regressor(scorer: Any, y: Any) -> None:
    result = judged(Ridge(), y, scorer)
    rows = result.rows["score"]
    assert rows.values.shape == (N_ROWS,)
    score = from_scale(rows.values.mean(), rows.scale)
    assert score == pytest.approx(result.scores["score"], abs=1e-12)


@pytest.mark.parametrize(
    ("model", "y", "right"),
    [
        (GaussianNB(), BINARY, 1.0),
        (make_pipeline(StandardScaler(), GaussianNB()), CLASSES, 1.0),
        (Ridge(), VALUES, np.nan),
    ],
)
def test_a_model_s_own_score_is_known_where_it_is_that_of_scikit_learn(
    model: Any, y: np.ndarray, right: float
) -> None:
    result = judged(model, y, OwnScore())
    rows = result.rows["score"]
    score = from_scale(rows.values.mean(), rows.scale)
    assert score == pytest.approx(result.scores["score"])
    np.testing.assert_equal(rows.right_score, right)


def test_right_and_wrong_rows_are_one_apart() -> None:
    for scorer, right in zip((CLASSIFIED[0], CLASSIFIED[-1]), (1.0, 0.0), strict=True):
        rows = judged(GaussianNB(), CLASSES, scorer).rows["score"]
        assert rows.right_score == right
        assert set(rows.values) == {right, right - 1.0}


def named_like(name: str, function: Any) -> Any:
    function.__name__ = name
    return function


@pytest.mark.parametrize(
    ("model", "y", "scorer"),
    [
        (GaussianNB(), BINARY, "f1"),
        (GaussianNB(), BINARY, "roc_auc"),
        (GaussianNB(), BINARY, "balanced_accuracy"),
        (Ridge(), VALUES, "neg_median_absolute_error"),
        (GaussianNB(), BINARY, make_scorer(accuracy_score, normalize=False)),
        (GaussianNB(), BINARY, make_scorer(accuracy_score, greater_is_better=False)),
        (GaussianNB(), BINARY, make_scorer(log_loss)),
        (GaussianNB(), BINARY, lambda model, X, y: model.score(X, y)),
        (
            GaussianNB(),
            BINARY,
            make_scorer(
                named_like("accuracy_score", lambda y, z: np.mean(y == z) ** 2)
            ),
        ),
        (
            MultiOutputClassifier(LogisticRegression()),
            LABEL_SETS,
            make_scorer(mean_absolute_error),
        ),
    ],
)
def test_any_other_scorer_has_no_rows_and_blocks_as_before(
    model: Any, y: np.ndarray, scorer: Any
) -> None:
    result = judged(model, y, scorer)
    assert result.rows == {}
    assert not result.reasons or np.isnan(result.scores["score"])


def test_a_perfect_model_is_no_proof_of_what_its_score_is() -> None:
    y = (X[:, 0] > 0).astype(int)
    model = LogisticRegression(C=1e6)
    exact = judged(model, y, "f1")
    assert exact.scores["score"] == 1.0
    assert exact.rows == {}


def test_weights_have_no_rows() -> None:
    result = judged(Ridge(), VALUES, "r2", sample_weight=np.ones(N_ROWS))
    assert np.isfinite(result.scores["score"])
    assert result.rows == {}


@pytest.mark.parametrize("y", [LABEL_SETS, csr_matrix(LABEL_SETS)], ids=["dense", "sp"])
def test_sets_of_labels_are_right_as_a_whole_or_unknown(y: Any) -> None:
    model = MultiOutputClassifier(LogisticRegression()).fit(X, LABEL_SETS)
    scorers = {"score": get_scorer("accuracy")}
    result = judge(model, X, y, scorers, score_params={}, seed=0)
    if "score" in result.rows:
        mean = result.rows["score"].values.mean()
        assert mean == pytest.approx(result.scores["score"])
    assert isinstance(y, csr_matrix) or "score" in result.rows


def test_a_perfect_or_constant_regression_is_unknown_and_fails_nothing() -> None:
    for y in (X[:, 0], np.ones(N_ROWS)):
        for scorer in ("r2", "neg_root_mean_squared_error"):
            result = judged(Ridge(alpha=0.0), y, scorer)
            rows = result.rows.get("score")
            assert rows is None or np.isfinite(rows.values).all()


@pytest.mark.parametrize("scorer", ["r2", "neg_root_mean_squared_error"])
@pytest.mark.parametrize("n_outputs", [1, 2])
def test_moments_of_a_function_of_means_are_those_of_many_batches(
    scorer: str, n_outputs: int
) -> None:
    """Variance, bias and third moment against batches of 200 rows."""
    rng = np.random.default_rng(1)
    m, n_batches = 200, 3_000

    def draw(n: int) -> tuple[np.ndarray, np.ndarray]:
        x = rng.normal(size=(n, 2))
        return x, (x + rng.exponential(size=(n, 2)))[:, :n_outputs]

    class Identity:
        def predict(self, x: np.ndarray) -> np.ndarray:
            return x[:, :n_outputs]

        def __sklearn_tags__(self) -> Any:
            return Ridge().__sklearn_tags__()

    many, labels = draw(200_000)
    use = get_scorer(scorer)
    rows = judge(Identity(), many, labels, {"s": use}, score_params={}, seed=0).rows[
        "s"
    ]
    scores = np.array([use(Identity(), *draw(m)) for _ in range(n_batches)])
    scores = to_scale(scores, rows.scale)
    centred = rows.values - rows.values.mean()
    variance = float((centred**2).mean())
    assert scores.var() * m == pytest.approx(variance, rel=0.15)
    error = np.sqrt(variance * (1 / (m * n_batches) + 1 / len(many)))
    expected = rows.values.mean() + rows.bias / m
    assert abs(scores.mean() - expected) < 4 * error
    third = float((centred**3).mean()) + rows.bend
    skewness = third / variance**1.5 / np.sqrt(m)
    found = ((scores - scores.mean()) ** 3).mean() / scores.std() ** 3
    assert abs(found - skewness) < 4 * np.sqrt(6 / n_batches) + 0.1


def test_a_scale_and_its_inverse_undo_each_other() -> None:
    scores = np.array([-3.0, 0.0, 0.5, 0.999, 1.0])
    for scale in ("plain", "log_rest"):
        back = from_scale(to_scale(scores, scale), scale)
        np.testing.assert_allclose(back, scores)
    assert (np.diff(to_scale(scores, "log_rest")) > 0).all()


def test_only_a_scorer_of_scikit_learn_itself_needs_no_proof_on_parts() -> None:
    def accuracy_score(y: Any, answers: Any) -> float:
        """The accuracy of all rows, but another share of fewer."""
        return float(np.mean(y == answers)) - 0.1 * (len(y) < N_ROWS)

    own, alike = get_scorer("accuracy"), make_scorer(accuracy_score)
    assert repr(own) == repr(alike)
    assert is_of_scikit_learn(own)
    assert not is_of_scikit_learn(alike)
    model = LogisticRegression()
    assert judged(model, BINARY, own).rows
    assert not judged(model, BINARY, alike).rows


@pytest.mark.parametrize("scorer", ["accuracy", "neg_log_loss", "neg_brier_score"])
def test_the_variance_of_a_row_is_near_that_of_blocks(scorer: str) -> None:
    found = judged(LogisticRegression(), BINARY, scorer)
    by_blocks = judged(
        LogisticRegression(), BINARY, scorer, sample_weight=np.ones(N_ROWS)
    )
    ratio = found.variances["score"] / by_blocks.variances["score"]
    assert 0.2 < ratio < 5.0  # six blocks vary by chance


def test_a_variance_is_on_the_scale_of_the_score() -> None:
    rng = np.random.default_rng(1)
    found = judged(Ridge(), VALUES, "r2")
    model = Ridge().fit(X, VALUES)
    scores = []
    for _ in range(2_000):
        rows = rng.integers(N_ROWS, size=N_ROWS)
        scores.append(model.score(X[rows], VALUES[rows]))
    assert found.variances["score"] / N_ROWS == pytest.approx(np.var(scores), rel=0.3)
