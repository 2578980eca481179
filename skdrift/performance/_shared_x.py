"""The x that training and batch share, and what each row of it weighs."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from skdrift.performance._batch_shift import BatchShift
from skdrift.performance._decomposed_rows import (
    DecomposedRows,
    normed,
    stored_rows,
)
from skdrift.performance._loss_models import LossModels
from skdrift.performance._reference_rows import ReferenceRows
from skdrift.performance._score_forms import ScoreForm
from skdrift.performance._shared_region import (
    LEAST_OVERLAP,
    LEAST_ROWS,
    shares_of_batch,
)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SharedX:
    """The x that training and batch share.

    Attributes
    ----------
    region : {"support", "density"}
    weights : ndarray of float of shape (n_rows,)
        Of the rows of the batch; their sum is 1, or 0 where nothing is shared.
    stored, stored_weights
        Rows of training and their weights, with ``"density"``.
    effective : float
        Rows that the region rests on.
    note : str
        Why rows that are kept are not used; empty otherwise.
    """

    region: Literal["support", "density"]
    weights: np.ndarray
    effective: float
    stored: DecomposedRows | None = None
    stored_weights: np.ndarray | None = None
    note: str = ""


def find_shared(
    form: ScoreForm,
    models: LossModels,
    kept: ReferenceRows | None,
    rows: DecomposedRows,
    inside: np.ndarray,
    varied: np.ndarray,
    shift: BatchShift,
) -> SharedX:
    """Rows inside the range of training, or by density if rows are kept.

    Parameters
    ----------
    form : ScoreForm
    models : LossModels
    kept : ReferenceRows or None
    rows : DecomposedRows
        Of the batch.
    inside : ndarray of bool of shape (n_rows,)
        Rows in the range of training.
    varied : ndarray of int
        Columns that had two values or more in training.
    shift : BatchShift
        Of the batch.
    """
    weights = normed(inside.astype(np.float64))
    plain = SharedX(region="support", weights=weights, effective=float(inside.sum()))
    if kept is None:
        return plain
    if inside.sum() < LEAST_ROWS or kept.n_rows < LEAST_ROWS:
        why = f"of fewer than {LEAST_ROWS} rows no shared x can be learned by density"
        return replace(plain, note=why)
    stored = stored_rows(form, models, kept, shift)
    asked = np.flatnonzero(np.isin(models.positions, varied))
    of_reference, of_batch = shares_of_batch(
        kept.codes[asked], rows.codes[asked], stored.blocks, rows.blocks
    )
    left = inside * (1.0 - of_batch)
    overlap = 2.0 * float(left.mean())
    weights, stored_weights = normed(left), normed(of_reference)
    effective = min(effective_rows(weights), effective_rows(stored_weights))
    if overlap < LEAST_OVERLAP or effective < LEAST_ROWS:
        why = (
            "a classifier tells nearly all rows of the batch from those of training "
            f"(overlap {overlap:.2f}): hardly any x is shared by density, so the terms "
            "are from learned losses, which extrapolate"
        )
        return replace(plain, note=why)
    return SharedX(
        region="density",
        weights=weights,
        effective=effective,
        stored=stored,
        stored_weights=stored_weights,
    )


def effective_rows(weights: np.ndarray) -> float:
    """How many rows of equal weight vary as much in their mean."""
    square = float((weights**2).sum())
    return float(weights.sum()) ** 2 / square if square > 0 else 0.0
