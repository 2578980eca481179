"""One small summary for each block of training rows: what a batch is ranked among."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Literal

import numpy as np

from skdrift._core.cells import Column
from skdrift._core.frame import Table
from skdrift.profile._block_statistics import (
    Statistic,
    block_statistics,
    legendre_scores,
)
from skdrift.profile._cells import LevelCells, NumberCells
from skdrift.profile._count import comparable_column, match_columns
from skdrift.profile._profile import Profile, cells_by_feature
from skdrift.profile._rows import RowCells, row_cells
from skdrift.profile._stored import plain

Origin = Literal["groups", "row order"]
PLAIN: dict[str, type[np.generic]] = {"kept": np.int32, "values": np.float16}


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class BlockValues:
    """Summaries of the blocks of training.

    Stored as the list of its fields.

    Attributes
    ----------
    origin : {"groups", "row order"}
        What the blocks are: groups of the user, or pieces of the row order.
    n_blocks : int
        Blocks of training.
    block_rows : float
        Rows of a block: the median.
    kept : ndarray of int32 of shape (n_kept,)
        Which statistics are not zero in every block.
    values : ndarray of float16 of shape (n_stored, n_kept)
        Statistics of at most 300 blocks.
    """

    origin: Origin
    n_blocks: int
    block_rows: float
    kept: np.ndarray
    values: np.ndarray

    @classmethod
    def of(
        cls, values: np.ndarray, origin: Origin, n_blocks: int, block_rows: float
    ) -> BlockValues:
        """Values of shape (n_stored, n_statistics), in half precision."""
        used = np.flatnonzero((values != 0).any(axis=0))
        return cls(
            origin=origin,
            n_blocks=n_blocks,
            block_rows=float(block_rows),
            kept=used.astype(np.int32),
            values=values[:, used].astype(np.float16),
        )

    def matrix(self, n_statistics: int) -> np.ndarray:
        """All statistics, of shape (n_stored, n_statistics)."""
        full = np.zeros((len(self.values), n_statistics))
        full[:, self.kept] = self.values
        return full

    def __setstate__(self, state: Sequence[object]) -> None:
        for field, value in zip(fields(self), state, strict=True):
            dtype = PLAIN.get(field.name)
            own = value if dtype is None else plain(value, dtype)
            object.__setattr__(self, field.name, own)


def values_of_blocks(
    table: Table,
    blocks: np.ndarray,
    reference: Profile,
    *,
    n_blocks: int | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """Statistics of blocks of rows.

    Parameters
    ----------
    table : Table
        Rows of the blocks.
    blocks : ndarray of int of shape (n_rows,)
        Number of each row's block.
    reference : Profile
        Of all rows of training.
    n_blocks : int or None
        How many there are; None: none beyond the last one that has a row.

    Returns
    -------
    values : ndarray of float of shape (n_blocks, n_statistics)
        NaN where a block has no value of a column.
    sizes : ndarray of int of shape (n_blocks,)
    """
    grid = reference.grid
    places = match_columns(table, grid).positions.tolist()
    cells = cells_by_feature(grid)
    if n_blocks is None:
        n_blocks = int(blocks.max()) + 1
    sizes = np.bincount(blocks, minlength=n_blocks)
    statistics = block_statistics(reference)
    by_column: dict[int, list[int]] = {}
    for number, statistic in enumerate(statistics):
        by_column.setdefault(statistic.position, []).append(number)
    values = np.full((n_blocks, len(statistics)), np.nan)
    for position, numbers in by_column.items():
        column = comparable_column(
            table.column(places[position]), grid.families[position]
        )
        if column is None:
            continue
        rows = row_cells(column, grid.families[position], cells[position])
        own = _ColumnBlocks(rows, blocks, sizes, cells[position], reference)
        for number in numbers:
            values[:, number] = own.value(statistics[number])
    return values, sizes


class _ColumnBlocks:
    """Blocks of one column."""

    def __init__(
        self,
        rows: RowCells,
        blocks: np.ndarray,
        sizes: np.ndarray,
        cells: Sequence[NumberCells | LevelCells],
        reference: Profile,
    ) -> None:
        self.rows = rows
        self.blocks = blocks
        self.sizes = sizes
        self.cells = cells
        self.reference = reference
        self.shares = [self._shares(place) for place in range(len(cells))]

    def _shares(self, place: int) -> tuple[np.ndarray, np.ndarray]:
        """Counts of each block in the cells, and how many these are."""
        found, width = self.rows.cells[place], self.cells[place].n_cells
        there = found >= 0
        counts = np.bincount(
            self.blocks[there] * width + found[there],
            minlength=len(self.sizes) * width,
        ).reshape(-1, width)
        return counts, counts.sum(axis=1)

    def value(self, statistic: Statistic) -> np.ndarray:
        name = statistic.name
        if name in ("missing", "infinite"):
            mask = self.rows.missing if name == "missing" else self.rows.infinite
            n = len(self.sizes)
            return _divided(
                np.bincount(self.blocks[mask], minlength=n), np.maximum(self.sizes, 1)
            )
        counts, totals = self.shares[statistic.aspect]
        empty = np.where(totals > 0, 0.0, np.nan)
        totals = np.maximum(totals, 1)
        if statistic.scores is not None:
            return _divided(counts @ statistic.scores, totals) + empty
        if name == "unseen":
            alone = counts * (counts == counts.sum(axis=0))
            return _divided(alone[:, :-1].sum(axis=1), totals) + empty
        if name == "mean":
            finite = np.isfinite(self.rows.values)
            scaled = (self.rows.values[finite] - statistic.centre) / statistic.scale
            sums = np.bincount(
                self.blocks[finite], weights=scaled, minlength=len(self.sizes)
            )
            means: np.ndarray = np.clip(_divided(sums, totals), -1e4, 1e4) + empty
            return means
        if name == "outside":
            return _divided(self._outside(), totals) + empty
        return _divided(self._repeated(), totals) + empty

    def _outside(self) -> np.ndarray:
        """Rows of each block beyond the range of all others."""
        finite = np.isfinite(self.rows.values)
        values, blocks = self.rows.values[finite], self.blocks[finite]
        found = np.zeros(len(self.sizes))
        for sign in (1.0, -1.0):
            ends = np.full(len(self.sizes), -np.inf)
            np.maximum.at(ends, blocks, sign * values)
            best = int(np.argmax(ends))
            others = np.delete(ends, best).max(initial=-np.inf)
            found[best] += int((sign * values[blocks == best] > others).sum())
        return found

    def _repeated(self) -> np.ndarray:
        """Most rows of each block that share a value which no other block has."""
        finite = np.isfinite(self.rows.values)
        values, blocks = self.rows.values[finite], self.blocks[finite]
        found = np.zeros(len(self.sizes))
        ordered = np.sort(values)
        if not (ordered[1:] == ordered[:-1]).any():
            return found
        distinct, inverse = np.unique(values, return_inverse=True)
        cells = self.cells[0]
        assert isinstance(cells, NumberCells)
        pairs, counts = np.unique(blocks * len(distinct) + inverse, return_counts=True)
        totals = np.bincount(inverse)
        block, value = pairs // len(distinct), pairs % len(distinct)
        enough = max(5, 0.002 * len(values))
        tracked = np.isin(distinct, cells.points[cells.tracked].astype(np.float64))
        new = ~tracked[value] | (totals[value] - counts < enough)
        if cells.discrete:
            new = totals[value] == counts
        new &= counts >= (1 if cells.discrete else 5)
        np.maximum.at(found, block[new], counts[new])
        return found


def _divided(sums: np.ndarray, counts: np.ndarray) -> np.ndarray:
    return np.asarray(sums / counts, dtype=np.float64)


def values_of_batch(
    current: Profile,
    reference: Profile,
    statistics: Sequence[Statistic],
    repeated: Sequence[int],
    *,
    n_rows: float,
) -> np.ndarray:
    """Statistics of a batch as a whole; NaN where a column has no value.

    Ranks are those in training and batch together, as those of a block of training are
    in all blocks, itself among them: in training alone a batch would lie further out
    than blocks do.

    Parameters
    ----------
    current, reference : Profile
        On one grid.
    statistics : sequence of Statistic
        Of the reference.
    repeated : sequence of int
        For each column how often the most frequent value occurs that the grid does
        not track.
    n_rows : float
        Rows that the batch counts for among those of training, at most.
    """
    found = []
    start = _first_places(current)
    infinite = current.n_negative_infinite + current.n_positive_infinite
    terms: dict[int, np.ndarray] = {}
    for statistic in statistics:
        position, name = statistic.position, statistic.name
        n_read = int(current.n_read[position])
        if name in ("missing", "infinite"):
            events = current.n_missing if name == "missing" else infinite
            found.append(events[position] / n_read if n_read else np.nan)
            continue
        place = start[position] + statistic.aspect
        counts = current.counts[place]
        total = int(counts.sum())
        if not total:
            found.append(np.nan)
        elif statistic.term:
            if place not in terms:
                weight = min(1.0, n_rows / total)
                terms[place] = _mean_scores(counts, reference.counts[place], weight)
            found.append(float(terms[place][statistic.term - 1]))
        elif statistic.scores is not None:
            found.append(float(counts @ statistic.scores) / total)
        elif name == "unseen":
            found.append(counts[-1] / total)
        elif name == "outside":
            found.append((counts[0] + counts[-1]) / total)
        elif name == "mean":
            with np.errstate(over="ignore"):
                moved = (current.mean[position] - statistic.centre) / statistic.scale
            found.append(float(np.clip(moved, -1e4, 1e4)))
        else:
            found.append(repeated[position] / total)
    return np.array(found, dtype=np.float64)


def _mean_scores(
    counts: np.ndarray, reference: np.ndarray, weight: float
) -> np.ndarray:
    """Mean scores of a batch over those of training, by ranks in both."""
    scores = np.stack(legendre_scores(reference + weight * counts))
    means = scores @ counts / counts.sum() - scores @ reference / reference.sum()
    return np.asarray(means, dtype=np.float64)


def _first_places(profile: Profile) -> dict[int, int]:
    first: dict[int, int] = {}
    for place, cells in enumerate(profile.grid.cells):
        first.setdefault(cells.feature, place)
    return first


def middle_ranks(
    column: Column | None, reference: Profile, position: int
) -> np.ndarray:
    """Mid-rank of each row of a column in training, in (-1, 1); 0 where missing."""
    cells = cells_by_feature(reference.grid)[position]
    if column is None or not cells:
        return np.zeros(0 if column is None else column.n_rows)
    place = _first_places(reference)[position]
    counts = reference.counts[place]
    ranks = 2 * (np.cumsum(counts) - counts / 2) / max(int(counts.sum()), 1) - 1
    found = row_cells(column, reference.grid.families[position], cells).cells[0]
    return np.where(found >= 0, ranks[found], 0.0)
