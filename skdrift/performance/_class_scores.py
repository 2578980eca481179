"""Expected scores of a classifier, from the class probabilities of its rows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from sklearn.metrics import get_scorer

from skdrift.performance._answered_batch import AnsweredBatch
from skdrift.performance._cross_validation import FOLD_ERRORS, Scorer, describe
from skdrift.performance._estimate import EstimatedScore, nothing_known
from skdrift.performance._expected_rows import ExpectedRows
from skdrift.performance._known_answers import AnsweredRows, expected_class_score
from skdrift.performance._loss_models import LossModels

BINARY_SCORERS = (
    "accuracy",
    "balanced_accuracy",
    "precision",
    "recall",
    "f1",
    "roc_auc",
    "average_precision",
    "neg_log_loss",
    "neg_brier_score",
)
MULTICLASS_SCORERS = (
    "accuracy",
    "balanced_accuracy",
    "precision_macro",
    "recall_macro",
    "f1_macro",
    "roc_auc_ovr",
    "average_precision",
    "neg_log_loss",
    "neg_brier_score",
)


def expected_class_scores(
    models: LossModels,
    estimator: Any,
    batch: AnsweredBatch,
    expected: ExpectedRows,
    scorers: Mapping[str, Scorer],
) -> list[EstimatedScore]:
    """Each score and its interval, given the class probabilities of the rows.

    A score that scikit-learn has not of this model is not known, with the reason.

    Parameters
    ----------
    models : LossModels
    estimator : fitted classifier
    batch : AnsweredBatch
    expected : ExpectedRows
    scorers : mapping of str to scorer
    """
    answered = AnsweredRows(
        batch.labels, batch.answers, batch.outputs, models.response, batch.decisions
    )
    lacks = dict(zip(models.corrected, models.score_corrections, strict=True))
    scores = []
    for name, scorer in scorers.items():
        reason = _unanswerable(scorer, models, estimator)
        if reason:
            scores.append(nothing_known(name, reason))
            continue
        try:
            with np.errstate(all="ignore"):
                score = expected_class_score(
                    name,
                    scorer,
                    estimator,
                    answered,
                    expected.mean,
                    expected.plain,
                    expected.halves,
                    expected.compared,
                    lacks,
                )
        except FOLD_ERRORS as error:
            score = nothing_known(name, describe(error))
        scores.append(score)
    return scores


def _unanswerable(scorer: Scorer, models: LossModels, estimator: Any) -> str:
    """Why scikit-learn has no such score of this model; empty if it may have."""
    name = _NAMES.get(repr(scorer), "")
    if name in _OF_PROBABILITIES and models.response != "predict_proba":
        return f"{type(estimator).__name__} has no predict_proba"
    classes = np.asarray(estimator.classes_).tolist()
    if models.n_classes == 2 and name in _OF_CLASS_ONE and 1 not in classes:
        metric = f"{name}_score"
        return (
            f"scikit-learn's {name!r} takes classes 0 and 1, got {classes}: pass "
            f"scoring={{{name!r}: make_scorer({metric}, pos_label={classes[1]!r})}}"
        )
    return ""


_NAMES = {repr(get_scorer(name)): name for name in BINARY_SCORERS}
_OF_PROBABILITIES = frozenset({"neg_log_loss", "neg_brier_score"})
_OF_CLASS_ONE = frozenset({"precision", "recall", "f1", "average_precision"})
