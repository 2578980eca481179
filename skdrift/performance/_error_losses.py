"""Learning the expected errors of a regressor from its out-of-fold answers."""

from __future__ import annotations

from typing import Any

import numpy as np

from skdrift.performance._boosting import Gradient, boost
from skdrift.performance._explained_losses import (
    explained_fields,
    strata_of,
)
from skdrift.performance._loss_models import expected_errors
from skdrift.performance._out_of_fold_rows import OutOfFold
from skdrift.performance._row_losses import ERRORS, errors_of
from skdrift.performance._tree_shares import (
    LEAST_BOOSTED,
    N_ROUNDS,
    best_shares,
    stored_trees,
)

LARGEST_RATIO = 30.0
N_QUANTILES = 101


def learn_error_losses(
    known: OutOfFold,
    line: np.ndarray,
    codes: np.ndarray,
    halves: np.ndarray,
    groups: np.ndarray,
    rng: np.random.Generator,
) -> dict[str, Any]:
    """Fields of `LossModels` that are learned of regressors.

    Parameters
    ----------
    known : OutOfFold
    line : ndarray of float of shape (n_known, n_outputs)
        See `output_line`.
    codes : ndarray of uint8 of shape (n_columns, n_known)
        Of the columns, followed by those of the output.
    halves : ndarray of bool of shape (8, n_known)
    groups : ndarray of int of shape (n_known,)
    rng : Generator
    """
    errors = errors_of(known.labels, known.answers)
    spread = float(np.sqrt(errors[1].mean())) or 1.0
    means = np.stack([errors[:, half].mean(axis=1) for half in halves])
    least = np.array([1e-9 * spread, 1e-18 * spread**2, 1e-12])
    means[:, :3] = np.maximum(means[:, :3], least)
    n_rounds = N_ROUNDS if len(line) >= LEAST_BOOSTED else 0
    trees = [
        boost(
            np.compress(half, codes, axis=1),
            _error_gradient(_standardised(errors[:, half], own, spread)),
            len(ERRORS),
            n_rounds=n_rounds,
            rng=rng,
        )
        for half, own in zip(halves, means, strict=True)
    ]
    overall = means.mean(axis=0)
    standard = _standardised(errors, overall, spread)

    def loss(total: np.ndarray) -> np.ndarray:
        total = np.clip(total, -5.0, 5.0)
        gamma = standard[:3] * np.exp(-total[:3]) + total[:3]
        square = 0.5 * (standard[3:] - total[3:]) ** 2
        return np.vstack([gamma, square])

    rounds, weights, total = best_shares(
        trees, codes, halves, loss, groups, joint=False
    )
    expected = expected_errors(total, overall, spread)
    ratio = errors[:3].mean(axis=1) / expected[:3].mean(axis=1)
    factors = np.append(np.clip(ratio, 0.5, 2.0), spread)
    expected[:3] *= factors[:3, None]
    in_sizes = errors[3] / np.sqrt(expected[1])
    levels = (np.arange(N_QUANTILES) + 0.5) / N_QUANTILES
    of_halves = [known.labels[half] for half in halves]
    return {
        "tables": means,
        "weights": weights,
        "factors": factors,
        "quantiles": np.quantile(in_sizes, levels),
        "strata": strata_of(expected[1]),
        "half_means": np.array(
            [[labels.mean(), (labels**2).mean()] for labels in of_halves]
        ),
        **explained_fields(errors[:3], expected[:3]),
        **stored_trees(trees, rounds, weights),
    }


def _standardised(errors: np.ndarray, means: np.ndarray, spread: float) -> np.ndarray:
    """Sizes as multiples of their mean, the signed error in units of the spread."""
    sizes = np.minimum(errors[:3] / means[:3, None], LARGEST_RATIO)
    signed = np.clip((errors[3:] - means[3]) / spread, -5.0, 5.0)
    return np.vstack([sizes, signed])


def _error_gradient(standard: np.ndarray) -> Gradient:
    """Of a gamma deviance with a log link, and of half the squared distance."""

    def gradient(total: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        slope = np.empty_like(total)
        slope[:3] = standard[:3] * np.exp(-total[:3]) - 1.0
        slope[3] = standard[3] - total[3]
        return slope, np.ones_like(total)

    return gradient
