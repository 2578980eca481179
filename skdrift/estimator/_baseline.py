"""Baseline: what `fit` learned, without a row of the training data."""

from __future__ import annotations

from dataclasses import dataclass

from skdrift.performance._expectation import FoldScores
from skdrift.profile import Profile


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Baseline:
    """What `fit` learned of the training data and of the model.

    Attributes
    ----------
    reference : Profile
        Of the training rows.
    outputs : Profile or None
        Of the model's answers for rows that it was not fitted on; None without a
        cross-validation pass.
    scores : tuple of FoldScores
        One for each scorer.
    pass_name : str
        Where the scores come from: ``"5 folds"``, ``"calibration set"`` or ``""``.
    notes : tuple of str
        What could not be learned, and why.
    """

    reference: Profile
    outputs: Profile | None
    scores: tuple[FoldScores, ...]
    pass_name: str
    notes: tuple[str, ...]

    def __repr__(self) -> str:
        return (
            f"Baseline(n_rows={self.reference.n_rows}, "
            f"n_features={self.reference.grid.n_features}, "
            f"scores={len(self.scores)})"
        )
