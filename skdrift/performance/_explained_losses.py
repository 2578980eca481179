"""How much of out-of-fold losses was expected, and what is left of them."""

from __future__ import annotations

import numpy as np

N_STRATA = 10


def explained_fields(losses: np.ndarray, expected: np.ndarray) -> dict[str, np.ndarray]:
    """How much of the variance of losses was expected, and how skewed the rest is.

    Negative correlations explain nothing.
    """
    losses = losses - losses.mean(axis=1, keepdims=True)
    about = expected - expected.mean(axis=1, keepdims=True)
    own, others = (losses**2).sum(axis=1), (about**2).sum(axis=1)
    product = np.maximum((losses * about).sum(axis=1), 0.0)
    with np.errstate(divide="ignore", invalid="ignore"):
        explained = np.nan_to_num(product**2 / (own * others))
        slope = np.nan_to_num(product / others)
        left = losses - slope[:, None] * about
        third = (left * left**2).sum(axis=1) / (losses * losses**2).sum(axis=1)
    return {
        "explained": explained,
        "third_left": np.clip(np.nan_to_num(third, nan=1.0), 0.0, 1.0),
    }


def strata_of(losses: np.ndarray) -> np.ndarray:
    """Deciles of the expected losses."""
    return np.quantile(losses, np.arange(1, N_STRATA) / N_STRATA)
