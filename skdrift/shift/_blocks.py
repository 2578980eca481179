"""Level of a batch where training rows come in blocks."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from skdrift.profile._block_statistics import Statistic, block_statistics
from skdrift.profile._blocks import BlockValues, values_of_batch
from skdrift.profile._count import Novelty
from skdrift.profile._profile import Profile
from skdrift.stats.blocks import BlockTest, block_test


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
    """

    values: BlockValues
    n_rows: int
    n_blocks: int | None = None

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
    """

    columns: dict[int, Rank]
    events: dict[tuple[str, int], Rank]
    n_reference: int
    n_current: int
    n_like: int

    def inflation(self) -> float:
        """Median over the columns."""
        found = [rank.inflation for rank in self.columns.values()]
        return float(np.median(found)) if found else 1.0


def block_level(
    reference: Profile,
    current: Profile,
    novelty: Sequence[Novelty],
    blocks: BatchBlocks,
) -> BlockLevel:
    """Rank a batch among blocks of training, column by column.

    The p-value of a column is adjusted for all that is compared: it is the share of
    the parts of training in which *any* column or event deviates as much.
    """
    statistics = block_statistics(reference)
    batch = values_of_batch(current, statistics, [new.count for new in novelty])
    batch = batch.astype(np.float16).astype(np.float64)
    known = np.flatnonzero(~np.isnan(batch))
    n_current = blocks.assumed()
    matrix = blocks.values.matrix(len(statistics))
    test = block_test(
        matrix[:, known],
        batch[known],
        limits=np.array([statistics[place].limit for place in known]),
        row_variance=np.array([statistics[place].variance for place in known]),
        n_blocks=n_current,
        n_rows=current.n_rows,
        n_reference=reference.n_rows,
        block_rows=blocks.values.block_rows,
        contiguous=blocks.values.origin == "row order",
    )
    by_column, by_event = _members(statistics, known)
    return BlockLevel(
        columns={
            position: _rank(test, np.array(members))
            for position, members in by_column.items()
        },
        events={
            event: _rank(test, np.array(members)) for event, members in by_event.items()
        },
        n_reference=blocks.values.n_blocks,
        n_current=n_current,
        n_like=test.n_like,
    )


def _members(
    statistics: Sequence[Statistic], known: np.ndarray
) -> tuple[dict[int, list[int]], dict[tuple[str, int], list[int]]]:
    by_column: dict[int, list[int]] = {}
    by_event: dict[tuple[str, int], list[int]] = {}
    for slot, place in enumerate(known.tolist()):
        statistic = statistics[place]
        if statistic.code:
            key = (statistic.code, statistic.position)
            by_event.setdefault(key, []).append(slot)
        else:
            by_column.setdefault(statistic.position, []).append(slot)
    return by_column, by_event


def _rank(test: BlockTest, members: np.ndarray) -> Rank:
    largest = float(test.statistic[members].max())
    pvalue = test.pvalue(largest)
    beyond = bool(largest > test.largest.max())
    return Rank(
        pvalue=pvalue,
        own=min(pvalue, test.pvalue(largest, members)),
        beyond=beyond,
        inflation=_inflation(test.inflation[members]),
    )


def _inflation(found: np.ndarray) -> float:
    known = found[~np.isnan(found)]
    return max(1.0, float(known.mean())) if len(known) else 1.0
