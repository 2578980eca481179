"""Baseline: what `fit` learned; it holds rows of training only on request."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from skdrift.performance._expectation import FoldScores
from skdrift.performance._loss_models import LossModels
from skdrift.performance._optimism import ScoreOptimism
from skdrift.performance._reference_rows import ReferenceRows
from skdrift.profile import Profile
from skdrift.profile._blocks import BlockValues
from skdrift.profile._stored import restore_fields
from skdrift.shift import Dependence, Trend


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Baseline:
    """What `fit` learned of the training data and of the model.

    Stored as the list of its fields: new ones come last and have a default.

    Attributes
    ----------
    reference : Profile
        Of the training rows.
    outputs : Profile or None
        Of the model's answers for rows that it was not fitted on; None without a
        cross-validation pass.
    scores : tuple of FoldScores
        One for each scorer: what reports promise.
    pass_name : str
        Where the scores come from: ``"5 folds"``, ``"5 folds of whole blocks"``,
        ``"calibration set"`` or ``""``.
    notes : tuple of str
        What could not be learned, and why; and what the level counts.
    blocks : BlockValues or None
        Summaries of blocks of rows, where the level of an alarm counts these.
    dependence : Dependence or None
        Between the columns; None where it is not compared.
    trend : Trend or None
        When rows are from and how columns move with time; None without ``time``.
    output_tolerance : ndarray of float of shape (n_outputs,), or None
        How far the answers of one fold's model are from those of the others; NaN
        where that is not known, None in models saved before it was learned.
    output_blocks : BlockValues or None
        Summaries of the outputs in `blocks`.
    optimism : tuple of ScoreOptimism
        Where `cv` parts blocks: what it scores, beside folds of whole blocks. If one of
        them is certainly too good, `scores` and `outputs` are of the latter.
    losses : LossModels or None
        What estimates scores without labels; None with ``performance=None``, and
        without a cross-validation pass.
    reference_rows : ReferenceRows or None
        Training rows that ``keep_reference`` keeps; None without it.
    """

    reference: Profile
    outputs: Profile | None
    scores: tuple[FoldScores, ...]
    pass_name: str
    notes: tuple[str, ...]
    blocks: BlockValues | None = None
    dependence: Dependence | None = None
    trend: Trend | None = None
    output_tolerance: np.ndarray | None = None
    output_blocks: BlockValues | None = None
    optimism: tuple[ScoreOptimism, ...] = ()
    losses: LossModels | None = None
    reference_rows: ReferenceRows | None = None

    def __setstate__(self, state: Sequence[object]) -> None:
        restore_fields(self, state)

    def __repr__(self) -> str:
        return (
            f"Baseline(n_rows={self.reference.n_rows}, "
            f"n_features={self.reference.grid.n_features}, "
            f"scores={len(self.scores)})"
        )
