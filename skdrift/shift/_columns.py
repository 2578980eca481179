"""Count vectors of many columns side by side, as matrices padded with zeros."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from skdrift.profile._cells import LevelCells, NumberCells
from skdrift.profile._count import Novelty
from skdrift.profile._profile import Profile

MOST_CELLS_AT_ONCE = 500_000


@dataclass(frozen=True, slots=True, eq=False)
class Pair:
    """Counts of one column's cells in both samples.

    Attributes
    ----------
    place : int
        Position among the grid's cells.
    reference, current : ndarray of int64 of shape (n_cells,)
    """

    place: int
    reference: np.ndarray
    current: np.ndarray


@dataclass(frozen=True, slots=True, eq=False)
class Block:
    """Columns of similar size, padded to one width.

    Attributes
    ----------
    places : tuple of int
        Positions among the grid's cells.
    reference, current : ndarray of int64 of shape (n_columns, width)
    """

    places: tuple[int, ...]
    reference: np.ndarray
    current: np.ndarray


def blocks_of(pairs: Sequence[Pair]) -> list[Block]:
    """Blocks of columns, the narrow ones first, so that little is padding."""
    ordered = sorted(pairs, key=lambda pair: len(pair.reference))
    blocks: list[Block] = []
    start = 0
    while start < len(ordered):
        first = len(ordered[start].reference)
        stop = start + 1
        while stop < len(ordered):
            width = len(ordered[stop].reference)
            if width > 2 * first + 64 or width * (stop - start) > MOST_CELLS_AT_ONCE:
                break
            stop += 1
        part = ordered[start:stop]
        width = len(part[-1].reference)
        reference, current = np.zeros((2, len(part), width), dtype=np.int64)
        for row, pair in enumerate(part):
            reference[row, : len(pair.reference)] = pair.reference
            current[row, : len(pair.current)] = pair.current
        blocks.append(Block(tuple(pair.place for pair in part), reference, current))
        start = stop
    return blocks


def number_pairs(reference: Profile, current: Profile) -> list[Pair]:
    """Cells on a number line that are compared."""
    return [
        Pair(place, reference.counts[place], current.counts[place])
        for place, cells in enumerate(reference.grid.cells)
        if isinstance(cells, NumberCells) and is_compared(reference, current, place)
    ]


def level_pairs(reference: Profile, current: Profile) -> list[Pair]:
    """Cells of levels that are compared; each unseen level is a cell of its own."""
    pairs = []
    for place, cells in enumerate(reference.grid.cells):
        if not isinstance(cells, LevelCells):
            continue
        if not is_compared(reference, current, place):
            continue
        before, now = reference.counts[place], current.counts[place]
        if cells.pooled:
            pairs.append(Pair(place, before, now))
            continue
        new = np.array(list(current.unseen[place].values()), dtype=np.int64)
        pairs.append(
            Pair(
                place,
                np.concatenate([before[:-1], np.zeros_like(new)]),
                np.concatenate([now[:-1], new]),
            )
        )
    return pairs


def atom_pairs(
    reference: Profile, current: Profile, novelty: Sequence[Novelty]
) -> list[Pair]:
    """Repeated values of numeric columns: tracked ones, and what else there is.

    In a discrete column each value that only the batch has is a cell of its own, as
    with categories. In any other column all values that are not tracked are one.
    """
    pairs = []
    for pair in number_pairs(reference, current):
        cells = reference.grid.cells[pair.place]
        assert isinstance(cells, NumberCells)
        if not cells.tracked.any():
            continue
        before = pair.reference[1::2][cells.tracked]
        now = pair.current[1::2][cells.tracked]
        if cells.discrete and before.sum() == pair.reference.sum():
            new = novelty[cells.feature].counts
            if now.sum() + new.sum() != pair.current.sum():
                continue
            rest = np.zeros_like(new), new
        else:
            rest = pair.reference.sum() - before.sum(), pair.current.sum() - now.sum()
        pairs.append(
            Pair(pair.place, np.append(before, rest[0]), np.append(now, rest[1]))
        )
    return pairs


def is_compared(reference: Profile, current: Profile, place: int) -> bool:
    """Whether both samples have values to compare in these cells."""
    position = reference.grid.cells[place].feature
    return (
        not reference.grid.untested[position]
        and bool(reference.counts[place].any())
        and bool(current.counts[place].any())
    )
