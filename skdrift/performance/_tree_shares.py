"""How far learned trees go beyond the plain model: as far as rows not seen allow."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from skdrift.performance._boosting import Trees, sum_of_trees
from skdrift.performance._halves import N_HALVES

N_ROUNDS = 24
ROUNDS = (3, 6, 12, 24)
WEIGHTS = (1.0, 0.75, 0.5)
LEAST_BOOSTED = 300
Loss = Callable[[np.ndarray], np.ndarray]
"""Loss of each row, (n_losses, n_rows), given summed trees, (n_outputs, n_rows)."""


def best_shares(
    trees: Sequence[Trees],
    codes: np.ndarray,
    halves: np.ndarray,
    loss: Loss,
    groups: np.ndarray,
    *,
    joint: bool,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Rounds and weight of each output with the least loss on rows not seen.

    The weight is 0 where the gain is less than its standard error, by groups of rows.

    Returns
    -------
    rounds, weights : ndarray of shape (n_outputs,)
    total : ndarray of shape (n_outputs, n_rows)
        The sum that they give, by models that have not seen the row.
    """
    n_outputs = trees[0].values.shape[2]
    shape = (n_outputs, codes.shape[1])
    rounds, weights = np.zeros(n_outputs, dtype=np.int64), np.zeros(n_outputs)
    total, best = np.zeros(shape), np.zeros(shape)
    plain = loss(total)
    least = np.zeros(len(plain))
    others = [np.flatnonzero(~half) for half in halves]
    asked = [codes.take(rows, axis=1) for rows in others]
    done = 0
    for until in ROUNDS:
        if until > len(trees[0].values):
            break
        for rows, coded, own in zip(others, asked, trees, strict=True):
            part = Trees(
                own.features[done:until], own.cuts[done:until], own.values[done:until]
            )
            total[:, rows] += sum_of_trees(coded, part) / (N_HALVES // 2)
        done = until
        for weight in WEIGHTS:
            gains = plain - loss(weight * total)
            for output, gain in enumerate(gains):
                if gain.mean() <= least[output] or not _wins(gain, groups):
                    continue
                least[output] = gain.mean()
                chosen = slice(None) if joint else slice(output, output + 1)
                rounds[chosen], weights[chosen] = until, weight
                best[chosen] = weight * total[chosen]
    return rounds, weights, best


def _wins(gain: np.ndarray, groups: np.ndarray) -> bool:
    sums = np.bincount(groups, gain - gain.mean())
    return bool(gain.sum() > np.sqrt((sums**2).sum()))


def stored_trees(
    trees: Sequence[Trees], rounds: np.ndarray, weights: np.ndarray
) -> dict[str, np.ndarray]:
    """As many rounds as `best_shares` says; their weight is part of the values."""
    n = int(rounds.max(initial=0))
    values = np.stack([own.values[:n] for own in trees])
    kept = np.arange(n)[:, None] < rounds
    return {
        "features": np.stack([own.features[:n] for own in trees]),
        "cuts": np.stack([own.cuts[:n] for own in trees]),
        "values": (values * (kept * weights)[None, :, None, :]).astype(np.float16),
    }
