"""A batch as the learned models see it: its codes, and what the model answers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from skdrift.performance._calibration import on_line
from skdrift.performance._loss_models import LossModels
from skdrift.performance._output_codes import output_codes


@dataclass(frozen=True, slots=True, eq=False)
class AnsweredBatch:
    """A batch as the models see it.

    Attributes
    ----------
    codes : ndarray of uint8 of shape (n_columns, n_rows)
        Of the columns, followed by those of the output.
    line : ndarray of float of shape (n_rows, n_outputs)
        Output on a line, see `output_line`.
    answers : ndarray of shape (n_rows,)
        Number of the class, or the value, that `predict` gave.
    outputs : ndarray of float of shape (n_rows, n_outputs)
    labels : ndarray of shape (n_rows,)
        What `predict` gave.
    decisions : ndarray of float of shape (n_rows, n_classes) or None
    """

    codes: np.ndarray
    line: np.ndarray
    answers: np.ndarray
    outputs: np.ndarray
    labels: np.ndarray
    decisions: np.ndarray | None

    def take(self, rows: np.ndarray) -> AnsweredBatch:
        """Some of the rows."""
        return AnsweredBatch(
            self.codes[:, rows],
            self.line[rows],
            self.answers[rows],
            self.outputs[rows],
            self.labels[rows],
            None if self.decisions is None else self.decisions[rows],
        )


def answered_batch(
    models: LossModels, estimator: Any, X: Any, codes: np.ndarray
) -> AnsweredBatch:
    """Ask a fitted model for the rows of a table that is coded."""
    labels = np.asarray(estimator.predict(X)).reshape(-1)
    decisions = None
    if not models.n_classes:
        outputs = labels.astype(np.float64)[:, None]
        line, answers = outputs, outputs[:, 0]
    else:
        answers = class_numbers(labels, estimator.classes_)
        outputs = response_of(estimator, models, X, answers)
        line = outputs
        if models.response != "predict":
            line = on_line(outputs, models.response)
        decisions = _decisions_of(estimator, models, X)
    own = output_codes(line, answers, models.edges, models.n_classes)
    codes = np.vstack([codes, own])
    return AnsweredBatch(codes, line, answers, outputs, labels, decisions)


def response_of(
    estimator: Any, models: LossModels, X: Any, answers: np.ndarray
) -> np.ndarray:
    """Output of a classifier, one column for each score."""
    if models.response == "predict":
        return np.eye(models.n_classes)[answers]
    outputs = np.asarray(getattr(estimator, models.response)(X), dtype=np.float64)
    return outputs.reshape(len(answers), -1)


def _decisions_of(estimator: Any, models: LossModels, X: Any) -> np.ndarray | None:
    """What scikit-learn ranks more than two classes by, if the response is another."""
    asked = models.n_classes > 2 and models.response == "predict_proba"
    if not (asked and hasattr(estimator, "decision_function")):
        return None
    found = np.asarray(estimator.decision_function(X), dtype=np.float64)
    return found if found.ndim == 2 and found.shape[1] == models.n_classes else None


def class_numbers(labels: np.ndarray, classes: Any) -> np.ndarray:
    """Number of each label's class; -1 for a label that is no class."""
    names, labels = np.asarray(classes), np.asarray(labels)
    alike = labels.dtype == names.dtype and labels.dtype.kind in "biuf"
    if alike and labels.ndim == 1 and len(names):
        order = np.argsort(names)
        place = names.searchsorted(labels, sorter=order)
        nearest = order[np.minimum(place, len(names) - 1)]
        return np.where(names[nearest] == labels, nearest, -1)
    numbers = {name: number for number, name in enumerate(names.tolist())}
    found = [numbers.get(name, -1) for name in labels.tolist()]
    return np.array(found, dtype=np.int64)
