"""Eight halves of the rows, in complementary pairs.

Models are learned from each half. Each row is then known to four models that have not
seen it, and the eight differ from each other as much as models of all rows would from
one sample to another.
"""

from __future__ import annotations

import numpy as np

N_HALVES = 8


def halves_of(groups: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Halves of the rows in complementary pairs, whole groups each.

    Returns
    -------
    ndarray of bool of shape (8, n_rows)
    """
    sizes = np.bincount(groups)
    halves = np.empty((N_HALVES, len(groups)), dtype=bool)
    for pair in range(N_HALVES // 2):
        order = rng.permutation(len(sizes))
        before = np.cumsum(sizes[order]) - sizes[order] / 2
        first = np.empty(len(sizes), dtype=bool)
        first[order] = before < len(groups) / 2
        halves[2 * pair] = first[groups]
        halves[2 * pair + 1] = ~first[groups]
    return halves


def of_others(values: np.ndarray, halves: np.ndarray) -> np.ndarray:
    """Mean over the models that have not seen a row, of shape (n_outputs, n_rows)."""
    return np.asarray(
        sum(np.where(half, 0.0, own) for own, half in zip(values, halves, strict=True))
        / (N_HALVES // 2)
    )
