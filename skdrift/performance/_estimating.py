"""Estimating: from a batch and what was learned out of fold to expected scores."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from sklearn.metrics import get_scorer

from skdrift._core.frame import Table, read_table
from skdrift.performance._answered_batch import AnsweredBatch, answered_batch
from skdrift.performance._batch_shift import BatchShift
from skdrift.performance._class_scores import (
    BINARY_SCORERS,
    MULTICLASS_SCORERS,
    expected_class_scores,
)
from skdrift.performance._cross_validation import Scorer
from skdrift.performance._density_terms import with_density
from skdrift.performance._error_scores import REGRESSION_SCORERS, expected_error_scores
from skdrift.performance._estimate import (
    EstimatedScore,
    PerformanceEstimate,
    effective_size,
    nothing_known,
    support_notes,
)
from skdrift.performance._expected_rows import (
    ExpectedRows,
    expected_rows,
    shift_of_columns,
)
from skdrift.performance._loss_models import LossModels, uncertainty
from skdrift.performance._out_of_fold_rows import OutOfFold
from skdrift.performance._recorded import recordable
from skdrift.performance._reference_rows import ReferenceRows
from skdrift.performance._row_codes import row_codes
from skdrift.performance._row_losses import values_by_class
from skdrift.profile import Profile


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ExpectedBatch:
    """A batch, the model's answers for it, and what is expected of each row.

    Attributes
    ----------
    models : LossModels
    answered : AnsweredBatch
    shift : BatchShift
    rows : ExpectedRows
    effective_sample_size, share_outside : float
        As in `PerformanceEstimate`.
    """

    models: LossModels
    answered: AnsweredBatch
    shift: BatchShift
    rows: ExpectedRows
    effective_sample_size: float
    share_outside: float

    def scores(
        self, estimator: Any, scorers: Mapping[str, Scorer]
    ) -> list[EstimatedScore]:
        """Scores to expect of the rows, without labels."""
        known = {
            name: recordable(scorer, estimator) or scorer
            for name, scorer in scorers.items()
        }
        if self.models.n_classes:
            return expected_class_scores(
                self.models, estimator, self.answered, self.rows, known
            )
        return expected_error_scores(self.models, self.answered, self.rows, known)

    def take(self, rows: np.ndarray) -> ExpectedBatch:
        """Some of the rows, expected as among all."""
        answered = self.answered.take(rows)
        expected = _expected_rows(self.models, answered, self.shift)
        return replace(self, answered=answered, rows=expected)

    def losses(self, index: int) -> np.ndarray | None:
        """Expected loss of each row; None where the model does not say.

        Parameters
        ----------
        index : int
            Place in `LossModels.explained`.
        """
        mean, answered = self.rows.mean, self.answered
        if not self.models.n_classes:
            return mean[index]
        if not index:
            at = np.arange(mean.shape[1])
            return np.asarray(1.0 - mean[answered.answers, at])
        if self.models.response != "predict_proba":
            return None
        unlabelled = OutOfFold(
            rows=np.arange(mean.shape[1]),
            response=self.models.response,
            outputs=answered.outputs,
            labels=np.full(mean.shape[1], -1),
            answers=answered.answers,
            n_classes=self.models.n_classes,
        )
        values = values_by_class(unlabelled)[:, index]
        return np.asarray(-(mean * values).sum(axis=0))


def expected_batch(
    models: LossModels,
    reference: Profile,
    estimator: Any,
    X: Any,
    table: Table,
    kept: ReferenceRows | None = None,
) -> ExpectedBatch:
    """Ask a model about the rows of a batch, and expect its losses.

    Parameters
    ----------
    models : LossModels
    reference : Profile
        Of the training rows.
    estimator : fitted estimator
    X : table of shape (n_rows, n_features)
        What `estimator` is given.
    table : Table
        The same rows, at least one.
    kept : ReferenceRows or None
        Rows of training to weight by density.
    """
    coded = row_codes(table, reference, models.positions)
    answered = answered_batch(models, estimator, X, coded.codes)
    shift = shift_of_columns(models, answered.codes)
    if kept is not None:
        shift = with_density(shift, models, kept, coded.codes)
    rows = _expected_rows(models, answered, shift)
    losses = uncertainty(rows.mean) if models.n_classes else rows.mean[1]
    strata = models.strata.searchsorted(losses)
    even = np.full((1, len(models.strata) + 1), 1.0 / (len(models.strata) + 1))
    n = reference.n_rows
    effective = min(
        effective_size(coded.shares, coded.codes, n),
        effective_size(even, strata[None, :], n),
        shift.effective_share * n,
    )
    return ExpectedBatch(
        models=models,
        answered=answered,
        shift=shift,
        rows=rows,
        effective_sample_size=effective,
        share_outside=float(coded.outside.mean()),
    )


def _expected_rows(
    models: LossModels,
    answered: AnsweredBatch,
    shift: BatchShift,
) -> ExpectedRows:
    return expected_rows(
        models,
        answered.codes,
        answered.line,
        answered.answers,
        shift,
    )


def estimate_performance(
    models: LossModels,
    reference: Profile,
    estimator: Any,
    X: Any,
    scorers: Mapping[str, Scorer],
    kept: ReferenceRows | None = None,
) -> PerformanceEstimate:
    """Scores to expect of a batch without labels.

    Parameters
    ----------
    models : LossModels
    reference : Profile
        Of the training rows.
    estimator : fitted estimator
    X : table of shape (n_rows, n_features)
    scorers : mapping of str to scorer
        Of the pass, beside the usual ones.
    kept : ReferenceRows or None
        Rows of training to weight by density.

    Raises
    ------
    InputError, InputTypeError
        If `X` is no table.
    """
    table = read_table(X, strict=False)
    known: dict[str, Scorer] = {
        name: get_scorer(name) for name in _usual_scorers(models)
    }
    known.update(scorers)
    if not table.n_rows:
        scores = [nothing_known(name, "the batch has no rows") for name in known]
        return _answer(scores, table, 0.0, 0.0, [_basis(models)])
    batch = expected_batch(models, reference, estimator, X, table, kept)
    with warnings.catch_warnings():
        # A class that nobody is taken for has no precision: scikit-learn's 0.
        warnings.simplefilter("ignore")
        scores = batch.scores(estimator, known)
    notes = [note for note in (_basis(models), batch.shift.note) if note]
    return _answer(
        scores, table, batch.effective_sample_size, batch.share_outside, notes
    )


def _answer(
    scores: list[EstimatedScore],
    table: Table,
    effective: float,
    outside: float,
    notes: Sequence[str],
) -> PerformanceEstimate:
    support = support_notes(effective, outside) if table.n_rows else ()
    return PerformanceEstimate(
        scores=tuple(scores),
        n_rows=table.n_rows,
        effective_sample_size=effective,
        share_outside=outside,
        extrapolates=bool(support),
        notes=(*support, *notes),
    )


def _basis(models: LossModels) -> str:
    rows = f"learned from {models.n_rows:,} out-of-fold rows"
    if models.in_blocks:
        rows += ", in halves of whole blocks"
    if models.n_classes:
        plain, better = "calibrated confidence", "P(y | output, X)"
    else:
        plain, better = "the errors of cross-validation", "a model of the errors by row"
    if not models.weights.any():
        return f"{plain} alone, since {better} did no better out of fold; {rows}"
    return f"{plain} with {better}, which did better out of fold; {rows}"


def _usual_scorers(models: LossModels) -> tuple[str, ...]:
    if not models.n_classes:
        return REGRESSION_SCORERS
    return BINARY_SCORERS if models.n_classes == 2 else MULTICLASS_SCORERS
