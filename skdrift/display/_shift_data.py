"""What a picture of one column needs, from two profiles on one grid."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from skdrift._core.keys import display_key, key_number
from skdrift._core.result import FeatureRow
from skdrift.profile import Grid, Profile
from skdrift.profile._block_shares import block_shares
from skdrift.profile._blocks import BlockValues
from skdrift.profile._cells import LevelCells, NumberCells
from skdrift.report._numbers import percent

_KS: Final = "KS distance"
MOST_BARS: Final = 24
BAND: Final = (0.05, 0.95)
MANY_BARS: Final = 12  # of a column that has more levels than MOST_BARS


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Distributions:
    """Both samples of one column, as shares.

    Attributes
    ----------
    aspect : {"value", "length", "shape", ""}
        What of the column is shown; empty if nothing of it was counted.
    values : ndarray of shape (n_points,)
        Ascending; a value that stands twice is a jump. Empty for levels.
    levels : tuple of str
        Names of the levels: numbers and dates ascending, others by their share of
        the reference. Empty for columns of numbers.
    new : ndarray of bool of shape (n_levels,)
        Levels that training never had.
    reference, current : ndarray of shape (n_points,) or (n_levels,)
        Share of the rows at or below each of `values`, or in each of `levels`;
        all NaN where a sample has no row with a value.
    n_reference, n_current : int
        Rows with a value.
    level_cells : ndarray of int of shape (n_levels,)
        Cell of the grid of each level; -1 where it is none of training.
    """

    aspect: str
    values: np.ndarray
    levels: tuple[str, ...]
    new: np.ndarray
    reference: np.ndarray
    current: np.ndarray
    n_reference: int
    n_current: int
    level_cells: np.ndarray = field(default_factory=lambda: np.zeros(0, dtype=int))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class BlockBand:
    """Where 90 % of the blocks of training lie, or of parts of several blocks.

    Attributes
    ----------
    parts : ndarray of shape (n_parts, n_points) or (n_parts, n_levels)
        Those of `Distributions`, for each part; NaN for levels that are not stored.
    n_blocks : int
        Blocks of training.
    n_together : int
        Blocks of a part.
    """

    parts: np.ndarray
    n_blocks: int
    n_together: int

    def ends(self, found: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """5 % and 95 % quantiles over the parts; NaN where one is."""
        low, high = np.quantile(found, BAND, axis=0)
        return low, high


def distributions_of(
    reference: Profile, current: Profile, position: int, row: FeatureRow
) -> Distributions:
    """Both samples of the column at `position`; of a text what `row` speaks of."""
    chosen = shown_place(reference.grid, position, row)
    if chosen is None:
        nothing = np.zeros(0)
        return Distributions(
            aspect="",
            values=nothing,
            levels=(),
            new=np.zeros(0, dtype=bool),
            reference=nothing,
            current=nothing,
            n_reference=0,
            n_current=0,
        )
    cells = reference.grid.cells[chosen]
    before, now = reference.counts[chosen], current.counts[chosen]
    if isinstance(cells, NumberCells):
        known = cells.aspect == "value"
        ends = [
            float(end[position])
            for profile in (reference, current)
            for end in (profile.smallest, profile.largest)
            if known and np.isfinite(end[position])
        ]
        return _of_numbers(cells, before, now, ends)
    return _of_levels(cells, before, now, current.unseen[chosen])


def shown_place(grid: Grid, position: int, row: FeatureRow) -> int | None:
    """Which of the grid's cells are drawn of a column; None if there are none."""
    places = [
        place for place, cells in enumerate(grid.cells) if cells.feature == position
    ]
    of_levels = bool(row.effect_name) and row.effect_name != _KS
    for place in places:
        if isinstance(grid.cells[place], LevelCells) == of_levels:
            return place
    return places[0] if places else None


def block_band(
    reference: Profile,
    blocks: BlockValues | None,
    position: int,
    row: FeatureRow,
    shown: Distributions,
    n_together: int,
) -> BlockBand | None:
    """How blocks of training scatter; None where rows count, or nothing is stored."""
    place = shown_place(reference.grid, position, row)
    if blocks is None or place is None:
        return None
    found = block_shares(reference, blocks, place, n_together)
    if found is None:
        return None
    if found.smooth:
        start = np.zeros((len(found.shares), 1))
        parts = np.hstack([start, np.cumsum(found.shares, axis=1)])
    else:
        known = np.where(shown.level_cells >= 0, shown.level_cells, 0)
        parts = np.where(shown.level_cells >= 0, found.shares[:, known], np.nan)
    return BlockBand(parts=parts, n_blocks=found.n_blocks, n_together=found.n_together)


def largest_levels(
    shown: Distributions, most: int
) -> tuple[np.ndarray, list[str], str]:
    """Places and names of the levels that are drawn; what to say of the rest."""
    names = [
        f"{level} (new)" if new else level
        for level, new in zip(shown.levels, shown.new, strict=True)
    ]
    before, now = shown.reference, shown.current
    if len(names) <= most:
        return np.arange(len(names)), names, ""
    first, second = np.nan_to_num(before), np.nan_to_num(now)
    size = np.maximum(first, second) + np.abs(second - first)
    kept = np.sort(np.argsort(-size, kind="stable")[: min(most, MANY_BARS) - 1])
    rest = np.setdiff1d(np.arange(len(names)), kept)
    together = " → ".join(percent(float(s[rest].sum())) for s in (before, now))
    text = f"{len(rest):,} others together: {together}"
    return kept, [names[place] for place in kept], text


def _of_numbers(
    cells: NumberCells, before: np.ndarray, now: np.ndarray, ends: Sequence[float]
) -> Distributions:
    points = cells.points.astype(np.float64)
    ends = [*ends, points[0], points[-1]]
    values = np.concatenate([[min(ends)], np.repeat(points, 2), [max(ends)]])
    return Distributions(
        aspect=cells.aspect,
        values=values,
        levels=(),
        new=np.zeros(0, dtype=bool),
        reference=_cumulative(before),
        current=_cumulative(now),
        n_reference=int(before.sum()),
        n_current=int(now.sum()),
    )


def _of_levels(
    cells: LevelCells, before: np.ndarray, now: np.ndarray, unseen: dict[str, int]
) -> Distributions:
    new = sorted(unseen, key=lambda key: (-unseen[key], key))
    keys = [*cells.keys, *new]
    counts = np.array(
        [
            [*before[:-1], *[0] * len(new)],
            [*now[:-1], *[unseen[key] for key in new]],
        ],
        dtype=np.int64,
    )
    numbers = np.array([key_number(key) for key in keys])
    order = np.arange(len(keys))
    if np.isfinite(numbers).all():
        order = np.argsort(numbers, kind="stable")
    names = [display_key(keys[place]) for place in order]
    is_new = (order >= len(cells.keys)).tolist()
    counts = counts[:, order]
    level_cells = np.where(is_new, -1, order)
    rest = [before[-1], now[-1] - sum(unseen.values())]
    if any(rest):
        level_cells = np.append(level_cells, -1)
        names.append("any other")
        is_new.append(False)
        counts = np.column_stack([counts, rest])
    return Distributions(
        aspect=cells.aspect,
        values=np.zeros(0),
        levels=tuple(names),
        new=np.array(is_new, dtype=bool),
        reference=_shares(counts[0]),
        current=_shares(counts[1]),
        n_reference=int(before.sum()),
        n_current=int(now.sum()),
        level_cells=level_cells,
    )


def _shares(counts: np.ndarray) -> np.ndarray:
    total = counts.sum()
    return counts / total if total else np.full(len(counts), np.nan)


def _cumulative(counts: np.ndarray) -> np.ndarray:
    """Share at or below the lowest value, each point (before and at it), the highest.

    Between two points the rows of an open interval are taken as evenly spread.
    """
    total = counts.sum()
    if not total:
        return np.full(len(counts) + 1, np.nan)
    return np.concatenate([[0.0], np.cumsum(counts) / total])
