"""Scores as functions of means of rows: what a row adds, realised and expected."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from sklearn.metrics import get_scorer, make_scorer, zero_one_loss

from skdrift.performance._loss_models import LossModels
from skdrift.performance._out_of_fold_rows import OutOfFold
from skdrift.performance._row_losses import (
    CLASS_VALUES,
    class_values,
    errors_of,
    values_by_class,
)

Means = Literal["mean", "root", "determination"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoreForm:
    """What a score is of the means of rows.

    Attributes
    ----------
    classes : bool
        Whether it is a classifier's.
    index : int
        Row of `class_values`, or of the errors of regressors.
    means : {"mean", "root", "determination"}
        The mean; minus the root of the mean square; or R², of the means of the squared
        error, of the label and of its square.
    offset : float
        Added to the mean.
    """

    classes: bool
    index: int
    means: Means = "mean"
    offset: float = 0.0

    def value(self, means: np.ndarray) -> float:
        """Score, given the means of the terms, of shape (n_terms,)."""
        if self.means == "mean":
            return float(means[0]) + self.offset
        if self.means == "root":
            return -float(np.sqrt(max(means[0], 0.0)))
        variance = means[2] - means[1] ** 2
        return float(1.0 - means[0] / variance) if variance > 0 else np.nan

    def gradient(self, means: np.ndarray) -> np.ndarray:
        """Slope of `value`, of shape (n_terms,); 0 where it has none."""
        if self.means == "mean":
            return np.ones(1)
        if self.means == "root":
            return np.array([-0.5 / np.sqrt(means[0]) if means[0] > 0 else 0.0])
        variance = means[2] - means[1] ** 2
        if not variance > 0:
            return np.zeros(3)
        ratio = means[0] / variance**2
        return np.array([-1.0 / variance, -2.0 * means[1] * ratio, ratio])

    def terms(self, rows: OutOfFold) -> np.ndarray:
        """Terms of labelled rows, of shape (n_rows, n_terms)."""
        if self.classes:
            values = class_values(
                rows.labels, rows.answers, rows.outputs, rows.response, rows.n_classes
            )
            return values[self.index][:, None]
        errors = errors_of(rows.labels, rows.answers)[self.index]
        return self._of_errors(errors, rows.labels, rows.labels**2)

    def expected_of_errors(self, errors: np.ndarray, answers: np.ndarray) -> np.ndarray:
        """Terms that expected errors, of shape (4, n_rows), stand for."""
        label = answers + errors[3]
        square = answers**2 + 2.0 * answers * errors[3] + errors[1]
        return self._of_errors(errors[self.index], label, square)

    def _of_errors(
        self, errors: np.ndarray, label: np.ndarray, square: np.ndarray
    ) -> np.ndarray:
        if self.means == "determination":
            return np.column_stack([errors, label, square])
        return (-errors if self.means == "mean" else errors)[:, None]

    def values_by_class(self, rows: OutOfFold) -> np.ndarray:
        """What each row gives if its label is that of each class: (n_classes, n)."""
        return values_by_class(rows)[:, self.index]

    def losses(self, terms: np.ndarray) -> np.ndarray:
        """One loss for each row, larger = worse, in the units of the shown score."""
        if self.classes and self.index == CLASS_VALUES.index("accuracy"):
            return np.asarray(1.0 - terms[:, 0])
        return np.asarray(terms[:, 0] if self.means != "mean" else -terms[:, 0])

    def halves(self, models: LossModels) -> np.ndarray | None:
        """Out-of-fold score of each half of the rows: (8,); None if unknown."""
        means = self._means_of_halves(models)
        if means is None:
            return None
        found = np.array([self.value(own) for own in means])
        return found if np.isfinite(found).all() else None

    def _means_of_halves(self, models: LossModels) -> np.ndarray | None:
        kept = models.half_means
        if not self.classes:
            errors = models.tables[:, self.index]
            if self.means == "determination":
                return np.column_stack([errors, kept]) if kept.ndim == 2 else None
            return (-errors if self.means == "mean" else errors)[:, None]
        if kept.ndim != 3:
            return None
        own = np.where(kept[:, 0] > 0, kept[:, 1 + self.index], 0.0)
        return np.asarray((kept[:, 0] * own).sum(axis=1))[:, None]


def form_of(scorer: Any) -> ScoreForm | None:
    """Form of a scorer of scikit-learn; None for any other score."""
    return _FORMS.get(repr(scorer))


def _of_class(index: int, offset: float = 0.0) -> ScoreForm:
    return ScoreForm(classes=True, index=index, offset=offset)


def _of_error(index: int, means: Means = "mean") -> ScoreForm:
    return ScoreForm(classes=False, index=index, means=means)


CLASS_FORMS = {
    "accuracy": _of_class(CLASS_VALUES.index("accuracy")),
    "neg_log_loss": _of_class(CLASS_VALUES.index("neg_log_loss")),
    "neg_brier_score": _of_class(CLASS_VALUES.index("neg_brier_score")),
}
ERROR_FORMS = {
    "neg_mean_absolute_error": _of_error(0),
    "neg_mean_squared_error": _of_error(1),
    "neg_root_mean_squared_error": _of_error(1, "root"),
    "neg_mean_absolute_percentage_error": _of_error(2),
    "r2": _of_error(1, "determination"),
}
_FORMS = {
    repr(get_scorer(name)): form
    for name, form in {**CLASS_FORMS, **ERROR_FORMS}.items()
}
_FORMS[repr(make_scorer(zero_one_loss, greater_is_better=False))] = _of_class(0, -1.0)
