"""The record of rows with answers of models that were not fitted on them."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from skdrift.performance._calibration import Response


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class OutOfFold:
    """What the pass knows of the rows that models were not fitted on.

    Attributes
    ----------
    rows : ndarray of int of shape (n_known,)
        Their positions among the training rows.
    response : {"predict_proba", "decision_function", "predict"}
        What `outputs` are; ``"predict"`` for regressors.
    outputs : ndarray of float of shape (n_known, n_outputs)
        For ``"predict"`` of a classifier one column for each class, 1 at the answer.
    labels : ndarray of int or float of shape (n_known,)
        Number of the class that was right, or the value.
    answers : ndarray of int or float of shape (n_known,)
        Number of the class, or the value, that `predict` gave.
    n_classes : int
        0 for regressors.
    folds : ndarray of int of shape (n_known,)
        Number of the fold that answered; empty where it does not matter.
    """

    rows: np.ndarray
    response: Response
    outputs: np.ndarray
    labels: np.ndarray
    answers: np.ndarray
    n_classes: int
    folds: np.ndarray = field(default_factory=lambda: np.zeros(0, np.int64))

    def take(self, kept: np.ndarray) -> OutOfFold:
        """Some of the rows."""
        return OutOfFold(
            rows=self.rows[kept],
            response=self.response,
            outputs=self.outputs[kept],
            labels=self.labels[kept],
            answers=self.answers[kept],
            n_classes=self.n_classes,
            folds=self.folds[kept] if len(self.folds) else self.folds,
        )
