"""How blocks of training are distributed, as far as what is stored of them says."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from skdrift.profile._block_statistics import Statistic, block_statistics
from skdrift.profile._blocks import BlockValues
from skdrift.profile._cells import NumberCells
from skdrift.profile._profile import Profile
from skdrift.stats import tilted_shares

N_DRAWS = 500
SEED = 0


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class BlockShares:
    """Shares of the cells of one column in parts of training.

    Attributes
    ----------
    shares : ndarray of float of shape (n_parts, n_cells)
        Each row sums to 1 for numbers; NaN for levels whose share is not stored.
    n_blocks : int
        Blocks of training.
    n_together : int
        Blocks of a part.
    smooth : bool
        Whether shares are of a smooth density: true for numbers.
    """

    shares: np.ndarray
    n_blocks: int
    n_together: int
    smooth: bool


def block_shares(
    reference: Profile, blocks: BlockValues, place: int, n_together: int = 1
) -> BlockShares | None:
    """Shares of cells in each block of training, or in parts of several blocks.

    Of a level the share is stored, if it is one of the most frequent. Of numbers the
    means of four Legendre scores are: the shares are those nearest to training's that
    have these means (see `tilted_shares`).

    Parameters
    ----------
    reference : Profile
        Of training.
    blocks : BlockValues
    place : int
        Which of the grid's cells.
    n_together : int, default=1
        Blocks of a part, at most a quarter of those stored. Of more than one, parts
        are runs of neighbours where blocks are pieces of the row order, and 500
        random choices otherwise.

    Returns
    -------
    BlockShares or None
        None where nothing is stored of these cells.
    """
    cells = reference.grid.cells[place]
    first = next(
        number
        for number, other in enumerate(reference.grid.cells)
        if other.feature == cells.feature
    )
    name = "score" if isinstance(cells, NumberCells) else "share"
    statistics = block_statistics(reference)
    chosen = [
        number
        for number, statistic in enumerate(statistics)
        if (statistic.position, statistic.aspect, statistic.name)
        == (cells.feature, place - first, name)
    ]
    values = blocks.matrix(len(statistics))[:, chosen]
    values = values[np.isfinite(values).all(axis=1)]
    if not values.size:
        return None
    n_together = max(1, min(n_together, len(values) // 4))
    means = part_means(values, n_together, contiguous=blocks.origin == "row order")
    counts = reference.counts[place]
    share = counts / counts.sum()
    own = [statistics[number] for number in chosen]
    smooth = name == "score"
    return BlockShares(
        shares=(_smooth if smooth else _stored)(means, own, share),
        n_blocks=blocks.n_blocks,
        n_together=n_together,
        smooth=smooth,
    )


def part_means(values: np.ndarray, size: int, *, contiguous: bool) -> np.ndarray:
    """Means over parts of `size` blocks, of shape (n_parts, d).

    Parameters
    ----------
    values : ndarray of shape (n_blocks, d)
    size : int
    contiguous : bool
        Whether parts are runs of neighbours; else 500 random ones.
    """
    if size == 1:
        return values
    if contiguous:
        sums = np.vstack([np.zeros((1, values.shape[1])), np.cumsum(values, axis=0)])
        return np.asarray((sums[size:] - sums[:-size]) / size, dtype=np.float64)
    rng = np.random.default_rng(SEED)
    drawn = [rng.choice(len(values), size, replace=False) for _ in range(N_DRAWS)]
    return np.array([values[rows].mean(axis=0) for rows in drawn])


def _smooth(means: np.ndarray, own: list[Statistic], share: np.ndarray) -> np.ndarray:
    return tilted_shares(share, np.array([each.scores for each in own]), means)


def _stored(means: np.ndarray, own: list[Statistic], share: np.ndarray) -> np.ndarray:
    found = np.full((len(means), len(share)), np.nan)
    for moved, statistic in zip(means.T, own, strict=True):
        assert statistic.scores is not None
        cell = int(np.argmax(statistic.scores))
        found[:, cell] = np.clip(share[cell] + moved, 0.0, 1.0)
    return found
