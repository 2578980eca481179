"""What the models of all halves expect of single rows."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from skdrift._core.rows import spread_evenly
from skdrift.performance._answered_batch import AnsweredBatch
from skdrift.performance._boosting import sum_of_trees
from skdrift.performance._calibration import calibrated
from skdrift.performance._halves import N_HALVES
from skdrift.performance._loss_models import (
    LossModels,
    calibrator_of,
    class_shares,
    half_errors,
    half_shares,
    recalibrated,
    scaled_errors,
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
        four errors.
    halves : list of ndarray of float of shape (n_values, n_compared)
        Of each half, for some of the rows.
    compared : ndarray of int of shape (n_compared,)
        Their positions.
    """

    mean: np.ndarray
    plain: np.ndarray
    halves: list[np.ndarray]
    compared: np.ndarray


def corrected_classes(models: LossModels, batch: AnsweredBatch) -> ExpectedRows:
    """Probability of each class of a batch, by the mean of the halves as corrected."""
    n = len(batch.answers)
    compared = spread_evenly(n, MOST_COMPARED)
    plain, shares = np.zeros((models.n_classes, n)), np.zeros((models.n_classes, n))
    by_half = []
    for half in range(N_HALVES):
        base, own = half_shares(models, half, batch.line, batch.codes)
        if len(models.corrections):
            own = recalibrated(own, models.corrections[half], batch.answers)
        plain += base / N_HALVES
        shares += own / N_HALVES
        by_half.append(own[:, compared])
    return ExpectedRows(mean=shares, plain=plain, halves=by_half, compared=compared)


def expected_classes(
    models: LossModels, codes: np.ndarray, line: np.ndarray
) -> ExpectedRows:
    """Probability of each class, for rows that are coded."""
    n = len(line)
    compared = spread_evenly(n, MOST_COMPARED)
    plain = np.zeros((models.n_classes, n))
    total = np.zeros((models.values.shape[-1], n))
    by_half = []
    for half in range(N_HALVES):
        base = np.log(calibrated(calibrator_of(models, half), line)).T
        raised = np.zeros_like(total)
        if models.weights.any():
            raised = sum_of_trees(codes, models.trees(half))
        plain += base / N_HALVES
        total += raised / N_HALVES
        by_half.append(class_shares(base[:, compared], raised[:, compared]))
    return ExpectedRows(
        mean=class_shares(plain, total),
        plain=class_shares(plain, np.zeros_like(total)),
        halves=by_half,
        compared=compared,
    )


def corrected_row_errors(models: LossModels, batch: AnsweredBatch) -> ExpectedRows:
    """Expected errors of a batch, by the mean of the halves as corrected."""
    n = len(batch.answers)
    compared = spread_evenly(n, MOST_COMPARED)
    errors = np.zeros((len(ERRORS), n))
    by_half = []
    for half in range(N_HALVES):
        own = half_errors(models, half, batch.codes)
        errors += own / N_HALVES
        by_half.append(own[:, compared])
    plain = np.tile(models.tables.mean(axis=0)[:, None], n)
    return ExpectedRows(mean=errors, plain=plain, halves=by_half, compared=compared)


def expected_row_errors(models: LossModels, codes: np.ndarray) -> ExpectedRows:
    """Expected errors, for rows that are coded."""
    n = codes.shape[1]
    compared = spread_evenly(n, MOST_COMPARED)
    total = np.zeros((len(ERRORS), n))
    by_half = []
    for half in range(N_HALVES):
        own = np.zeros_like(total)
        if models.weights.any():
            own = sum_of_trees(codes, models.trees(half))
        total += own / N_HALVES
        by_half.append(scaled_errors(models, own[:, compared], models.tables[half]))
    means = models.tables.mean(axis=0)
    return ExpectedRows(
        mean=scaled_errors(models, total, means),
        plain=scaled_errors(models, np.zeros_like(total), means),
        halves=by_half,
        compared=compared,
    )
