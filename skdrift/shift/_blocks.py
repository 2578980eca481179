"""Level of a batch where training rows come in blocks."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from scipy import special

from skdrift.profile._block_statistics import Statistic, block_statistics
from skdrift.profile._blocks import BlockValues, values_of_batch
from skdrift.profile._count import Novelty
from skdrift.profile._profile import Profile
from skdrift.stats.blocks import BlockTest, block_test, tail_pvalue


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class BatchBlocks:
    """Blocks of training, and what is known of those of a batch.

    Attributes
    ----------
    values : BlockValues
    n_rows : int
        Rows of the whole batch.
    n_blocks : int or None
        Blocks of the batch; None if nobody said.
    beside : ndarray of shape (n_parts,) or None
        Largest statistic in each part of training of what is compared beside: the
        batch is then ranked among the largest of both.
    labels : ndarray of int of shape (n_compared,), or None
        Block of each row that is compared; None if nobody said.
    """

    values: BlockValues
    n_rows: int
    n_blocks: int | None = None
    beside: np.ndarray | None = None
    labels: np.ndarray | None = None

    @property
    def told(self) -> bool:
        """Whether somebody said which rows are one block."""
        return self.labels is not None and self.values.origin == "groups"

    def labels_of(self, n_rows: int) -> np.ndarray:
        """Block of each of the rows that are compared; stretches if nobody said."""
        if self.labels is not None and self.told:
            return self.labels
        return np.arange(n_rows) * self.assumed() // max(n_rows, 1)

    def assumed(self) -> int:
        """Blocks that the batch is taken for."""
        if self.n_blocks is not None and self.values.origin == "groups":
            return max(1, self.n_blocks)
        ratio = self.n_rows / self.values.block_rows
        if self.values.origin == "row order":
            return max(1, math.floor(ratio))
        return 1 if ratio <= 1.5 else math.ceil(ratio)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rank:
    """How unusual one column is among blocks of training.

    Attributes
    ----------
    pvalue : float
        Share of the parts of training whose most unusual column is as unusual; a
        Pareto tail beyond all of them.
    own : float
        The same of this column alone.
    beyond : bool
        Whether no part of training is as unusual.
    inflation : float
        Variance over that of independent rows.
    """

    pvalue: float
    own: float
    beyond: bool
    inflation: float


@dataclass(frozen=True, slots=True, kw_only=True)
class BlockLevel:
    """Ranks of a batch's columns and events among the blocks of training.

    Attributes
    ----------
    columns : dict of int to Rank
        Distributions, by the position of the column.
    events : dict of (str, int) to Rank
        By code and position.
    n_reference, n_current : int
        Blocks of training, and those that the batch is taken for.
    n_like : int
        Parts of training of the batch's size that share no block.
    test : BlockTest
        Of all statistics.
    scores, shares : dict of int to list of int
        By the position of a column, which statistics show a shift: the first scores
        of numbers, or the shares of levels.
    """

    columns: dict[int, Rank]
    events: dict[tuple[str, int], Rank]
    n_reference: int
    n_current: int
    n_like: int
    test: BlockTest
    scores: dict[int, list[int]]
    shares: dict[int, list[int]]

    @property
    def largest(self) -> np.ndarray:
        """Largest statistic in each part of training, of shape (n_parts,)."""
        return self.test.largest

    def detectable(self, alpha: float, power: float) -> dict[int, float]:
        """Smallest effect that is found, by the position of the column.

        Kolmogorov–Smirnov distance of a normal column that is shifted, or total
        variation of levels: the change of the share of one.
        """
        needed = self.test.detectable(alpha, power)
        levels = {p: min(1.0, needed[slots].max()) for p, slots in self.shares.items()}
        numbers = {
            p: _distance(needed[slots].max()) for p, slots in self.scores.items()
        }
        return levels | numbers

    def inflation(self) -> float:
        """Median over the columns."""
        found = [rank.inflation for rank in self.columns.values()]
        return float(np.median(found)) if found else 1.0


def block_level(
    reference: Profile,
    current: Profile,
    novelty: Sequence[Novelty],
    blocks: BatchBlocks,
    used: Callable[[Statistic], bool] = lambda statistic: True,
) -> BlockLevel:
    """Rank a batch among blocks of training, column by column.

    The p-value of a column is adjusted for all that is compared: it is the share of
    the parts of training in which *any* column or event deviates as much.

    Parameters
    ----------
    reference, current : Profile
        On one grid.
    novelty : sequence of Novelty
        Of each column of the batch.
    blocks : BatchBlocks
    used : callable
        Which statistics count.
    """
    statistics = block_statistics(reference)
    batch = values_of_batch(
        current,
        reference,
        statistics,
        [new.count for new in novelty],
        n_rows=blocks.assumed() * blocks.values.block_rows,
    )
    batch = batch.astype(np.float16).astype(np.float64)
    return _level(statistics, batch, reference, blocks, used)


def _level(
    statistics: Sequence[Statistic],
    batch: np.ndarray,
    reference: Profile,
    blocks: BatchBlocks,
    used: Callable[[Statistic], bool] = lambda statistic: True,
) -> BlockLevel:
    chosen = np.array([used(statistic) for statistic in statistics], dtype=bool)
    known = np.flatnonzero(chosen & ~np.isnan(batch))
    compared = [statistics[place] for place in known.tolist()]
    matrix = blocks.values.matrix(len(statistics))
    test = block_test(
        matrix[:, known],
        batch[known],
        limits=np.array([statistic.limit for statistic in compared]),
        row_variance=np.array([statistic.variance for statistic in compared]),
        n_blocks=blocks.assumed(),
        n_rows=blocks.n_rows,
        n_reference=reference.n_rows,
        block_rows=blocks.values.block_rows,
        contiguous=blocks.values.origin == "row order",
    )
    by_column, by_event = _members(compared)
    largest = test.largest
    if blocks.beside is not None:
        largest = np.maximum(largest, blocks.beside)
    return BlockLevel(
        columns={
            position: _rank(test, largest, np.array(members))
            for position, members in by_column.items()
        },
        events={
            event: _rank(test, largest, np.array(members))
            for event, members in by_event.items()
        },
        n_reference=blocks.values.n_blocks,
        n_current=blocks.assumed(),
        n_like=test.n_like,
        test=test,
        scores=_slots(compared, lambda statistic: statistic.term == 1),
        shares=_slots(compared, lambda statistic: statistic.name == "share"),
    )


def largest_of_parts(
    reference: Profile,
    blocks: BatchBlocks,
    used: Callable[[Statistic], bool] = lambda statistic: True,
) -> np.ndarray:
    """Largest statistic in each part of training, as `block_level` has it."""
    statistics = block_statistics(reference)
    nothing = np.zeros(len(statistics))
    return _level(statistics, nothing, reference, blocks, used).largest


def rows_for_effect_in_blocks(
    reference: Profile,
    values: BlockValues,
    effect: float,
    *,
    power: float,
    alpha: float,
) -> np.ndarray:
    """Rows of a batch of usual blocks in which an effect is found in each column.

    Parameters
    ----------
    reference : Profile
    values : BlockValues
        Blocks of training.
    effect : float
        Kolmogorov–Smirnov distance of a shifted normal column, or total variation.
    power : float
        Probability that it is found.
    alpha : float
        Level for all columns together.

    Returns
    -------
    ndarray of shape (n_features,)
        Whole blocks; infinite where a quarter of the blocks of training would not do,
        since parts of training that are longer cannot be compared with the rest of
        it; NaN where nothing is compared.
    """
    sizes = sorted({int(b) for b in np.geomspace(1, max(1, len(values.values) // 4))})
    needed = np.full(reference.grid.n_features, np.nan)
    for n_blocks in reversed(sizes):
        level = _level_of_usual(reference, values, n_blocks)
        for position, seen in level.detectable(alpha, power).items():
            if seen <= effect:
                needed[position] = math.ceil(n_blocks * values.block_rows)
            elif math.isnan(needed[position]):
                needed[position] = math.inf
    return needed


def _level_of_usual(
    reference: Profile, values: BlockValues, n_blocks: int
) -> BlockLevel:
    """Level of a batch of usual blocks that is as training on the whole."""
    statistics = block_statistics(reference)
    matrix = values.matrix(len(statistics))
    seen = ~np.isnan(matrix).all(axis=0)
    mean = np.full(len(statistics), np.nan)
    mean[seen] = np.nanmean(matrix[:, seen], axis=0)
    usual = BatchBlocks(
        values=values, n_rows=round(n_blocks * values.block_rows), n_blocks=n_blocks
    )
    return _level(statistics, mean, reference, usual)


def _slots(
    compared: Sequence[Statistic], meant: Callable[[Statistic], bool]
) -> dict[int, list[int]]:
    found: dict[int, list[int]] = {}
    for slot, statistic in enumerate(compared):
        if meant(statistic):
            found.setdefault(statistic.position, []).append(slot)
    return found


def _distance(score: float) -> float:
    r"""Kolmogorov–Smirnov distance of a shifted normal column, by its mean score.

    The score :math:`\sqrt 3 (2 P(X < Y) - 1)` of a shift by :math:`\delta` is
    :math:`\sqrt 3 (2 \Phi(\delta / \sqrt 2) - 1)`.
    """
    above = (1.0 + score / np.sqrt(3.0)) / 2.0
    if above >= 1.0:
        return 1.0
    shift = np.sqrt(2.0) * special.ndtri(above)
    return float(2.0 * special.ndtr(shift / 2.0) - 1.0)


def _members(
    compared: Sequence[Statistic],
) -> tuple[dict[int, list[int]], dict[tuple[str, int], list[int]]]:
    by_column: dict[int, list[int]] = {}
    by_event: dict[tuple[str, int], list[int]] = {}
    for slot, statistic in enumerate(compared):
        if statistic.code:
            key = (statistic.code, statistic.position)
            by_event.setdefault(key, []).append(slot)
        else:
            by_column.setdefault(statistic.position, []).append(slot)
    return by_column, by_event


def _rank(test: BlockTest, largest: np.ndarray, members: np.ndarray) -> Rank:
    statistic = float(test.statistic[members].max())
    pvalue = tail_pvalue(statistic, largest)
    return Rank(
        pvalue=pvalue,
        own=min(pvalue, test.pvalue(statistic, members)),
        beyond=bool(statistic > largest.max()),
        inflation=_inflation(test.inflation[members]),
    )


def _inflation(found: np.ndarray) -> float:
    known = found[~np.isnan(found)]
    return max(1.0, float(known.mean())) if len(known) else 1.0
