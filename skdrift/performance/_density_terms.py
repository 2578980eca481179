"""What learned losses lack where a batch lies, by training rows that were kept.

Kept rows are weighted by how much more of a batch than of training there is, and the
models are held against those that they have not seen: only one of losses and weights
has to be right (Robins, Rotnitzky and Zhao 1994).
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from skdrift._core.rows import spread_evenly
from skdrift.performance._batch_shift import BatchShift
from skdrift.performance._column_terms import (
    fit_class_terms,
    fit_error_terms,
    inside_bounds,
)
from skdrift.performance._expected_rows import expected_by_half
from skdrift.performance._halves import N_HALVES
from skdrift.performance._loss_models import LossModels
from skdrift.performance._output_codes import with_output
from skdrift.performance._reference_rows import ReferenceRows
from skdrift.performance._row_losses import errors_of
from skdrift.performance._shared_region import (
    LEAST_OVERLAP,
    LEAST_ROWS,
    shares_of_batch,
)

MOST_TOLD_APART = 10_000


def with_density(
    shift: BatchShift, models: LossModels, kept: ReferenceRows, codes: np.ndarray
) -> BatchShift:
    """The same, and what the models of each half lack where the batch lies.

    Without it, if so few rows are kept or speak for the batch that nothing is known.

    Parameters
    ----------
    shift : BatchShift
    models : LossModels
    kept : ReferenceRows
    codes : ndarray of uint8 of shape (n_used, n_rows)
        Of the columns of the batch.
    """
    drawn = spread_evenly(codes.shape[1], MOST_TOLD_APART)
    if min(len(drawn), kept.n_rows) < LEAST_ROWS:
        why = f"it takes {LEAST_ROWS} of them and of the batch"
        return replace(shift, note=f"kept rows were not used: {why}")
    shares, of_batch = shares_of_batch(
        kept.codes, codes[:, drawn], kept.groups, np.arange(len(drawn))
    )
    ratio = shares / (1.0 - shares)
    effective = float(ratio.sum() ** 2 / (ratio**2).sum())
    overlap = 2.0 * float((1.0 - of_batch).mean())
    if overlap < LEAST_OVERLAP or effective < LEAST_ROWS:
        why = "hardly any of them are like the batch"
        return replace(shift, note=f"kept rows were not used: {why}")
    # As much as they are worth together, beside the rows of the prior.
    weights = ratio * (effective / ratio.sum())
    return replace(
        shift,
        terms=_terms(models, kept, weights, shift),
        effective_share=effective / kept.n_rows,
        note=f"{kept.n_rows:,} kept rows were weighted by density, worth "
        f"{effective:,.0f} rows like the batch",
    )


def _terms(
    models: LossModels, kept: ReferenceRows, weights: np.ndarray, shift: BatchShift
) -> np.ndarray:
    known = kept.out_of_fold(models.response, models.n_classes)
    line, codes = with_output(known, kept.codes, models.edges)
    found = []
    for half in range(N_HALVES):
        rows = np.flatnonzero(~kept.seen_by(half))
        labels, answers = known.labels[rows], known.answers[rows]
        of_rows, of_one = codes[:, rows], np.zeros((1, len(rows)), dtype=np.uint8)
        _, expected = expected_by_half(
            models, half, of_rows, line[rows], answers, shift
        )
        if models.n_classes:
            right, shares = np.eye(models.n_classes)[labels].T, inside_bounds(expected)
            terms = fit_class_terms(of_one, right, shares, answers, weights[rows])
        else:
            errors, spread = errors_of(labels, answers), float(models.factors[3])
            terms = fit_error_terms(of_one, errors, expected, spread, weights[rows])
        found.append(terms[0, 0])
    return np.stack(found)
