"""How a batch differs from training, as far as corrections of learned losses ask."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class BatchShift:
    """How a batch differs from training.

    Attributes
    ----------
    beyond : ndarray of float of shape (n_term_columns,)
        How far each column with terms moved beyond chance, in [0, 1]; see
        `beyond_chance`.
    terms : ndarray of float of shape (8, n_terms) or None
        What the models of each half lack where the batch lies, by training rows that
        were kept; see `terms_by_density`.
    effective_share : float
        Kept rows of equal weight that speak for `terms`, as a share of them all.
    note : str
        How kept rows were used, or why not; empty where none are kept.
    """

    beyond: np.ndarray
    terms: np.ndarray | None = None
    effective_share: float = 1.0
    note: str = ""
