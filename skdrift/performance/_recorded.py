"""A fitted model that answers for each held-out row once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from sklearn.base import ClassifierMixin, RegressorMixin
from sklearn.metrics import accuracy_score, get_scorer, make_scorer
from sklearn.pipeline import Pipeline
from sklearn.utils import get_tags

from skdrift._core.rows import take_rows

RESPONSES = frozenset(
    {"predict", "predict_proba", "predict_log_proba", "decision_function"}
)
_MADE_SCORER = type(make_scorer(accuracy_score))


class OwnScore:
    """Scorer that is the estimator's own `score`."""

    def __call__(self, estimator: Any, X: Any, y: Any, **params: Any) -> float:
        return float(estimator.score(X, y, **params))


class RecordedModel:
    """Stand-in for a fitted model in scorers: its table are row positions.

    The model is asked once for each kind of response, for all rows; scoring parts of
    the rows then costs no prediction.

    Parameters
    ----------
    estimator : fitted estimator
    X : table
        The held-out rows.
    """

    def __init__(self, estimator: Any, X: Any) -> None:
        self._estimator = estimator
        self._X = X
        self._answers: dict[str, Any] = {}

    def __sklearn_tags__(self) -> Any:
        return get_tags(self._estimator)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        found = getattr(self._estimator, name)
        if name not in RESPONSES:
            return found

        def respond(rows: np.ndarray) -> Any:
            if name not in self._answers:
                self._answers[name] = found(self._X)
            answer = self._answers[name]
            if isinstance(answer, list):
                return [part[rows] for part in answer]
            return take_rows(answer, rows)

        respond.__name__ = name
        return respond


def recordable(scorer: Callable[..., float], estimator: Any) -> Any:
    """A scorer that asks a model for responses only, or None if there is none.

    Scorers of `make_scorer` are such; an estimator's own `score` is where it is the
    accuracy or the R² of scikit-learn's mixins. Any other callable may look at the
    table itself.
    """
    if isinstance(scorer, _MADE_SCORER):
        return scorer
    if not isinstance(scorer, OwnScore):
        return None
    last = estimator
    while isinstance(last, Pipeline):
        last = last.steps[-1][1]
    score = getattr(type(last), "score", None)
    if score is ClassifierMixin.score:
        return get_scorer("accuracy")
    return get_scorer("r2") if score is RegressorMixin.score else None
