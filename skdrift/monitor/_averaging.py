"""Losses averaged to blocks of rows, however they arrive."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, slots=True)
class Filled:
    """Blocks that further losses fill.

    Attributes
    ----------
    means : ndarray of float of shape (n_blocks,)
        Mean loss of each block that is full now.
    ends : ndarray of int of shape (n_blocks,)
        Which of the losses was the last of each.
    open_rows : int
        Rows that fill no block yet.
    open_loss : float
        Their mean loss; 0 if there are none.
    """

    means: np.ndarray
    ends: np.ndarray
    open_rows: int
    open_loss: float


def fill_blocks(
    losses: np.ndarray, size: int, open_rows: int, open_loss: float
) -> Filled:
    """Blocks of `size` rows, of which the first is begun by `open_rows`."""
    if size == 1:
        return Filled(losses, np.arange(len(losses)), 0, 0.0)
    ends = np.arange(size - open_rows - 1, len(losses), size)
    if not len(ends):
        mean = joint_mean(open_loss, open_rows, losses)
        return Filled(losses[:0], ends, open_rows + len(losses), mean)
    head = joint_mean(open_loss, open_rows, losses[: ends[0] + 1])
    full = losses[ends[0] + 1 : ends[-1] + 1].reshape(-1, size).mean(axis=1)
    rest = losses[ends[-1] + 1 :]
    mean = float(rest.mean()) if len(rest) else 0.0
    return Filled(np.concatenate([[head], full]), ends, len(rest), mean)


def joint_mean(mean: float, n: int, values: np.ndarray) -> float:
    """Mean of n values of that mean and of further ones."""
    if not len(values):
        return mean
    own = float(values.mean())
    return own if n == 0 else mean + (own - mean) * (len(values) / (n + len(values)))
