"""How much of out-of-fold losses was expected, and what is left of them."""

from __future__ import annotations

import numpy as np

from skdrift.performance._column_residuals import learn_residuals

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


def residual_fields(
    codes: np.ndarray, residuals: np.ndarray, half: np.ndarray, groups: np.ndarray
) -> dict[str, np.ndarray]:
    """What single columns say of the residuals; with blocks, what holds in a half.

    Parameters
    ----------
    codes : ndarray of uint8 of shape (n_columns, n_rows)
    residuals : ndarray of float of shape (n_values, n_rows)
    half : ndarray of bool of shape (n_rows,)
    groups : ndarray of int of shape (n_rows,)
    """
    in_blocks = np.bincount(groups).max() > 1
    found = learn_residuals(codes, residuals, half if in_blocks else None)
    return {
        "residual_columns": found.columns,
        "residual_means": found.means,
        "residual_counts": found.counts,
        "residual_variances": found.variances,
    }


def strata_of(losses: np.ndarray) -> np.ndarray:
    """Deciles of the expected losses."""
    return np.quantile(losses, np.arange(1, N_STRATA) / N_STRATA)
