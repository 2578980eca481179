"""Scores of blocks: what folds sum up, and what follows for a batch."""

from __future__ import annotations

import pickle
from dataclasses import fields
from typing import Any

import numpy as np
import pytest
from sklearn.dummy import DummyClassifier
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.metrics import get_scorer
from sklearn.model_selection import GroupKFold, KFold, cross_val_predict

from skdrift.performance._block_scores import BatchPart, scores_of_parts
from skdrift.performance._cross_validation import cross_validate_folds
from skdrift.performance._expectation import (
    FoldScores,
    expected_score,
    fold_scores,
    realised_pvalue,
)
from skdrift.performance._row_scores import from_scale

RNG = np.random.default_rng(0)
N_BLOCKS, SIZE = 20, 30
CODES = np.repeat(np.arange(N_BLOCKS), SIZE)
X = RNG.normal(size=(N_BLOCKS * SIZE, 2))
LEVELS = RNG.normal(size=N_BLOCKS)[CODES]
VALUES = 1000.0 + X[:, 0] + LEVELS + RNG.normal(size=len(X))
BINARY = (X[:, 0] + LEVELS + RNG.normal(size=len(X)) > 0).astype(int)
TWO = np.column_stack([VALUES, 3.0 * X[:, 1] + RNG.normal(size=len(X))])


def learned(
    model: Any, y: np.ndarray, scorer: Any, *, cv: Any = None, codes: Any = CODES
) -> FoldScores:
    splits = list(cv.split(X) if cv else GroupKFold(5).split(X, y, CODES))
    results = cross_validate_folds(
        model,
        X,
        y,
        splits,
        {"s": get_scorer(scorer)},
        fit_params={},
        score_params={},
        n_jobs=None,
        seed=0,
        labels=codes,
    )
    return fold_scores("s", list(results))


def part(b: int = 1, *, in_order: bool = False) -> BatchPart:
    return BatchPart(n_blocks=b, n_reference=N_BLOCKS, in_order=in_order)


@pytest.mark.parametrize("y", [VALUES, TWO], ids=["one", "two"])
@pytest.mark.parametrize(
    "scorer", ["r2", "neg_root_mean_squared_error", "neg_mean_absolute_error"]
)
def test_parts_have_the_scores_that_the_scorer_gives(
    y: np.ndarray, scorer: str
) -> None:
    score = learned(LinearRegression(), y, scorer)
    answers = cross_val_predict(
        LinearRegression(), X, y, groups=CODES, cv=GroupKFold(5)
    )
    weights = np.eye(N_BLOCKS)
    weights[0, :5] = 1.0
    found = from_scale(scores_of_parts(score.blocks, weights), score.scale)
    for row, value in zip(weights, found, strict=True):
        inside = np.flatnonzero(row[CODES])
        own = get_scorer(scorer)._score_func(y[inside], answers[inside])
        own = own if scorer == "r2" else -own
        assert value == pytest.approx(own, rel=1e-4, abs=1e-5)
    assert len(score.block_rows) == N_BLOCKS
    assert np.asarray(score.block_terms).dtype == np.float32


def test_a_block_in_several_folds_is_joined() -> None:
    shuffled = KFold(5, shuffle=True, random_state=0)
    score = learned(LinearRegression(), VALUES, "r2", cv=shuffled)
    answers = cross_val_predict(LinearRegression(), X, VALUES, cv=shuffled)
    found = from_scale(scores_of_parts(score.blocks, np.eye(N_BLOCKS)), score.scale)
    own = get_scorer("r2")._score_func(VALUES[:SIZE], answers[:SIZE])
    assert found[0] == pytest.approx(own, rel=1e-4)
    assert score.block_rows.tolist() == [SIZE] * N_BLOCKS


def test_rows_of_no_block_are_left_out() -> None:
    codes = np.where(CODES < 8, CODES, -1)
    score = learned(LinearRegression(), VALUES, "neg_mean_squared_error", codes=codes)
    assert len(score.block_rows) == 8
    assert score.n_rows == len(X)


def test_a_score_without_rows_is_that_of_single_blocks() -> None:
    score = learned(LogisticRegression(), BINARY, "roc_auc")
    assert score.block_kind == "score"
    promise = expected_score(score, SIZE, 0.95, part())
    counted = f"blocks, 1 against {N_BLOCKS}"
    assert promise.basis.startswith(counted)
    scored = len(score.block_rows)
    assert (f"{scored} of them scored" in promise.basis) == (scored < N_BLOCKS)


def test_small_blocks_are_scored_by_folds_of_whole_ones() -> None:
    codes = np.arange(len(X)) // 10
    in_order = learned(
        LogisticRegression(), BINARY, "roc_auc", cv=KFold(5), codes=codes
    )
    assert in_order.block_kind == "folds"
    promise = expected_score(in_order, 10, 0.95, part())
    assert promise.basis.startswith("blocks by the 5 folds")
    shuffled = KFold(5, shuffle=True, random_state=0)
    cut = learned(LogisticRegression(), BINARY, "roc_auc", cv=shuffled, codes=codes)
    assert cut.block_kind == ""
    promise = expected_score(cut, 10, 0.95, part())
    assert promise.basis.startswith("rows, not blocks")
    rows = expected_score(cut, 10, 0.95)
    assert (promise.low, promise.high) == (rows.low, rows.high)


@pytest.mark.parametrize("in_order", [False, True])
@pytest.mark.parametrize("b", [1, 3, 50])
@pytest.mark.parametrize("scorer", ["r2", "neg_mean_absolute_error"])
def test_limits_and_pvalues_are_of_one_law(
    scorer: str, b: int, *, in_order: bool
) -> None:
    score = learned(LinearRegression(), VALUES, scorer)
    own = part(b, in_order=in_order)
    promise = expected_score(score, b * SIZE, 0.9, own)
    rows = expected_score(score, b * SIZE, 0.9)
    assert promise.low <= rows.low
    assert promise.high >= rows.high
    assert realised_pvalue(score, promise.low, b * SIZE, own) == pytest.approx(0.05)
    realised = promise.low - 0.1
    at_rows = realised_pvalue(score, realised, b * SIZE)
    assert realised_pvalue(score, realised, b * SIZE, own) >= at_rows


def test_a_faultless_model_has_a_law_of_rows_still() -> None:
    score = learned(DummyClassifier(), np.zeros(len(X)), "accuracy")
    assert score.value == 1.0
    expected = realised_pvalue(score, 0.9, SIZE)
    assert realised_pvalue(score, 0.9, SIZE, part()) == expected
    perfect = learned(LinearRegression(), X[:, 0], "r2")
    promise = expected_score(perfect, SIZE, 0.95, part())
    assert promise.value == pytest.approx(1.0)


def test_without_labels_nothing_of_blocks_is_kept() -> None:
    score = learned(LinearRegression(), VALUES, "r2", codes=None)
    assert (score.block_kind, score.block_terms, score.block_rows) == ("", (), ())
    assert expected_score(score, SIZE, 0.95).basis == ""


def test_states_of_before_load_and_count_rows() -> None:
    score = learned(LinearRegression(), VALUES, "r2")
    names = [field.name for field in fields(FoldScores)]
    state = score.__getstate__()[: names.index("block_kind")]
    old = FoldScores.__new__(FoldScores)
    old.__setstate__(state)
    assert expected_score(old, SIZE, 0.95) == expected_score(score, SIZE, 0.95)
    assert "rows, not blocks" in expected_score(old, SIZE, 0.95, part()).basis
    back = pickle.loads(pickle.dumps(score))
    for b in (1, 5):
        promise = expected_score(score, SIZE, 0.95, part(b))
        assert expected_score(back, SIZE, 0.95, part(b)) == promise
