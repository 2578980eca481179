"""What the models of all halves expect of single rows."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from skdrift._core.rows import spread_evenly
from skdrift.performance._batch_shift import BatchShift
from skdrift.performance._column_terms import (
    beyond_chance,
    raised_errors,
    raised_shares,
    sum_of_terms,
)
from skdrift.performance._halves import N_HALVES
from skdrift.performance._loss_models import (
    LossModels,
    half_errors,
    half_shares,
    recalibrated,
    rescaled,
)
from skdrift.performance._row_losses import ERRORS

MOST_COMPARED = 4_000


@dataclass(frozen=True, slots=True, eq=False)
class ExpectedRows:
    """What the models expect of single rows.

    Attributes
    ----------
    mean, plain : ndarray of float of shape (n_values, n_rows)
        Of all halves together, and without trees: probability of each class, or the
        four errors. Probabilities sum to 1; those of single rows can leave [0, 1], see
        `raised_shares`.
    halves : list of ndarray of float of shape (n_values, n_compared)
        Of each half, for some of the rows.
    compared : ndarray of int of shape (n_compared,)
        Their positions.
    """

    mean: np.ndarray
    plain: np.ndarray
    halves: list[np.ndarray]
    compared: np.ndarray


def expected_rows(
    models: LossModels,
    codes: np.ndarray,
    line: np.ndarray,
    answers: np.ndarray,
    shift: BatchShift,
    unseen: np.ndarray | None = None,
) -> ExpectedRows:
    """What is expected of rows, by the mean of the halves as corrected.

    Parameters
    ----------
    models : LossModels
    codes : ndarray of uint8 of shape (n_columns, n_rows)
        Of the columns, followed by those of the output.
    line : ndarray of float of shape (n_rows, n_outputs)
        Output on a line, see `output_line`.
    answers : ndarray of shape (n_rows,)
    shift : BatchShift
    unseen : ndarray of bool of shape (8, n_rows) or None
        By which halves a row is to be judged: those that were not learned from it;
        None for all.
    """
    n = codes.shape[1]
    compared = spread_evenly(n, MOST_COMPARED)
    n_values = models.n_classes or len(ERRORS)
    plain, mean, by_half = np.zeros((n_values, n)), np.zeros((n_values, n)), []
    for half in range(N_HALVES):
        base, own = expected_by_half(models, half, codes, line, answers, shift)
        part = np.full(n, 1.0) if unseen is None else 2.0 * unseen[half]
        part /= N_HALVES
        plain += part * base
        mean += part * own
        by_half.append(own[:, compared])
    return ExpectedRows(mean=mean, plain=plain, halves=by_half, compared=compared)


def shift_of_columns(models: LossModels, codes: np.ndarray) -> BatchShift:
    """How a batch differs from training in the columns that have terms.

    Parameters
    ----------
    models : LossModels
    codes : ndarray of uint8 of shape (n_columns, n_rows)
        Of the columns of the batch, followed by those of the output.
    """
    asked = codes[models.term_columns]
    return BatchShift(beyond=beyond_chance(asked, models.term_counts))


def expected_by_half(
    models: LossModels,
    half: int,
    codes: np.ndarray,
    line: np.ndarray,
    answers: np.ndarray,
    shift: BatchShift,
) -> tuple[np.ndarray, np.ndarray]:
    """What one half expects of rows: by its plain model, and by all that it learned.

    Parameters
    ----------
    models : LossModels
    half : int
    codes, line, answers, shift
        As for `expected_rows`.

    Returns
    -------
    plain : ndarray of float of shape (n_classes, n_rows), or (4, 1)
    expected : ndarray of float of shape (n_values, n_rows)
    """
    # Models stored before corrections were learned have none.
    corrected = len(models.corrections) > 0
    if models.n_classes:
        plain, own = half_shares(models, half, line, codes)
        if corrected:
            own = recalibrated(own, models.corrections[half], answers)
    else:
        plain, own = models.tables[half][:, None], half_errors(models, half, codes)
        if corrected:
            own = rescaled(own, models.corrections[half])
    moved = np.flatnonzero(shift.beyond)
    if not len(moved) and shift.terms is None:
        return plain, own
    asked = codes[models.term_columns[moved]]
    total = sum_of_terms(asked, models.terms[half, moved], shift.beyond[moved])
    if shift.terms is not None:
        total += shift.terms[half][:, None]
    if models.n_classes:
        return plain, raised_shares(own, total, answers)
    return plain, raised_errors(own, total, float(models.factors[3]))
