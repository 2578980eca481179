"""How far the mean scores of a batch's columns are from those of training."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy import special

from skdrift.profile import Profile
from skdrift.profile._cells import LevelCells
from skdrift.profile._scores import ROWS_OF_KURTOSIS, Slot
from skdrift.stats.counts import FloatArray

LEAST_ROWS = 100
MOST_ALIKE = 0.9
_TINY = 1e-9

Kind = Literal["shift", "change of spread"]


@dataclass(frozen=True, slots=True, eq=False)
class Moves:
    """Differences of mean scores, one entry a slot.

    Attributes
    ----------
    deviate : ndarray of float of shape (n_slots,)
        In standard errors; NaN where there are too few rows.
    tolerated : ndarray of float of shape (n_slots,)
        Largest expectation of it that is tolerated.
    size : ndarray of float of shape (n_slots,)
        nm / (n + m).
    known : ndarray of float of shape (n_slots,)
        Share of the rows of training that have a score.
    """

    deviate: np.ndarray
    tolerated: np.ndarray
    size: np.ndarray
    known: np.ndarray


@dataclass(frozen=True, slots=True, eq=False)
class _Cells:
    """Cells of all slots, one after the other.

    Attributes
    ----------
    before, now : ndarray of float of shape (n_cells,)
        Counts in training and in the batch.
    starts, lengths : ndarray of int of shape (n_slots,)
        Of each slot.
    """

    before: np.ndarray
    now: np.ndarray
    starts: np.ndarray
    lengths: np.ndarray

    def sums(self, values: np.ndarray) -> np.ndarray:
        """Sum over the cells of each slot."""
        return np.asarray(np.add.reduceat(values, self.starts))

    def below(self, counts: np.ndarray) -> np.ndarray:
        """Share of a slot's rows at or below each cell."""
        summed = np.cumsum(counts)
        earlier = np.append(0.0, summed)[self.starts]
        rows = np.maximum(self.sums(counts), 1.0)
        return np.asarray((summed - self.each(earlier)) / self.each(rows))

    def each(self, values: np.ndarray) -> np.ndarray:
        """Value of its slot for every cell."""
        return np.repeat(values, self.lengths)


def mean_moves(
    slots: Sequence[Slot],
    kind: Kind,
    reference: Profile,
    current: Profile,
    tolerance: FloatArray,
) -> Moves:
    """Compare mean scores of a batch with those of training.

    Scores are normal scores of mid-ranks in both samples together: given these, only
    which rows are the batch's is random, so that the deviates have variance 1
    whatever the ties and the proportion of the samples. Of a level the score is its
    indicator. Distances from the median that nearly are the values once more, as in
    a column that is mostly 0, take no part; that is seen in both samples, since what
    training alone would choose is not independent of the deviate.

    Parameters
    ----------
    slots : sequence of Slot
        At least one.
    kind : {"shift", "change of spread"}
        Scores of the values, or of their distances from the median.
    reference, current : Profile
        On one grid.
    tolerance : ndarray of float of shape (n_features,)
        Tolerated difference of each column, in probability mass.
    """
    cell_places = {cells.feature: at for at, cells in enumerate(reference.grid.cells)}
    places = [cell_places[slot.feature] for slot in slots]
    lengths = np.array([len(slot.near) for slot in slots])
    before, now = (
        np.concatenate([profile.counts[place] for place in places]).astype(np.float64)
        for profile in (reference, current)
    )
    cells = _Cells(before, now, np.append(0, np.cumsum(lengths)[:-1]), lengths)
    levels = np.array(
        [isinstance(reference.grid.cells[place], LevelCells) for place in places]
    )
    near = _near(cells)
    score = near if kind == "shift" else _far(cells)
    given = np.concatenate([slot.near for slot in slots])
    score = np.where(cells.each(levels), given, score)
    n, m = cells.sums(before), cells.sums(now)
    rows, rows_now = np.maximum(n, 1.0), np.maximum(m, 1.0)
    total = rows + rows_now
    difference = cells.sums(now * score) / rows_now - cells.sums(before * score) / rows
    pooled = before + now
    centre = cells.sums(pooled * score) / total
    variance = cells.sums(pooled * score**2) / total - centre**2
    place = 0 if kind == "shift" else 1
    kurtosis = np.array([slot.kurtosis[place] for slot in slots])
    known = np.minimum(n, m) >= np.maximum(LEAST_ROWS, ROWS_OF_KURTOSIS * kurtosis)
    known &= variance > _TINY
    if kind == "change of spread":
        known &= np.abs(_correlation(cells, near, score)) <= MOST_ALIKE
    exact = np.where(known, variance, 1.0) * total / (total - 1.0)
    error = np.sqrt(exact * (1.0 / rows + 1.0 / rows_now))
    allowed = tolerance[[slot.feature for slot in slots]]
    return Moves(
        deviate=np.where(known, difference / error, np.nan),
        tolerated=allowed * _reach(cells, score, levels) / error,
        size=rows * rows_now / total,
        known=n / max(reference.n_rows, 1),
    )


def _normal_scores(cells: _Cells, below: np.ndarray) -> np.ndarray:
    least = cells.each(0.5 / np.maximum(cells.sums(cells.before + cells.now), 1.0))
    return np.asarray(special.ndtri(np.clip(below, least, 1.0 - least)))


def _mid_ranks(cells: _Cells) -> np.ndarray:
    pooled = cells.before + cells.now
    rows = np.maximum(cells.sums(pooled), 1.0)
    return np.asarray(cells.below(pooled) - 0.5 * pooled / cells.each(rows))


def _near(cells: _Cells) -> np.ndarray:
    return _normal_scores(cells, _mid_ranks(cells))


def _far(cells: _Cells) -> np.ndarray:
    """Normal scores of the distance from the median; as far is a tie."""
    distance = np.abs(2.0 * _mid_ranks(cells) - 1.0).round(9)
    slot = np.repeat(np.arange(len(cells.lengths)), cells.lengths)
    order = np.lexsort((distance, slot))
    pooled = (cells.before + cells.now)[order]
    first = np.append(True, np.diff(distance[order]) != 0)
    first[cells.starts] = True
    group = np.cumsum(first) - 1
    alike = np.bincount(group, weights=pooled)
    earlier = np.append(0.0, np.cumsum(alike))
    of_slot = cells.each(np.append(0.0, np.cumsum(pooled))[cells.starts])
    rows = cells.each(np.maximum(cells.sums(cells.before + cells.now), 1.0))
    below = np.empty(len(distance))
    below[order] = (earlier[group] + 0.5 * alike[group] - of_slot) / rows
    return _normal_scores(cells, below)


def _correlation(cells: _Cells, a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Of two scores of each slot, over the rows of both samples."""
    pooled = cells.before + cells.now
    rows = np.maximum(cells.sums(pooled), 1.0)

    def moment(x: np.ndarray, y: np.ndarray) -> np.ndarray:
        means = (cells.sums(pooled * z) / rows for z in (x, y, x * y))
        first, second, product = means
        return np.asarray(product - first * second)

    scale = np.sqrt(np.maximum(moment(a, a) * moment(b, b), _TINY**2))
    return np.asarray(moment(a, b) / scale)


def _reach(cells: _Cells, score: np.ndarray, levels: np.ndarray) -> np.ndarray:
    """Change of each mean score at a distance of 1, as far as it goes like a normal's.

    On a number line the larger one of a shift and of a change of spread, with the
    largest difference of the distribution functions at the boundaries of the cells;
    of a level all rows that move leave or enter it.
    """
    below = cells.below(cells.before + cells.now)
    inside = (below > _TINY) & (below < 1.0 - _TINY)
    # No boundary lies between the last cell of a slot and the first of the next.
    inside[cells.starts + cells.lengths - 1] = False
    boundary = special.ndtri(np.where(inside, below, 0.5))
    density = np.where(inside, np.exp(-0.5 * boundary**2), 0.0)
    step = np.append(np.diff(score), 0.0)
    found = []
    for shape in (density, boundary * density):
        largest = np.maximum.reduceat(np.abs(shape), cells.starts)
        change = np.abs(cells.sums(shape * step))
        found.append(np.where(largest > _TINY, change / np.maximum(largest, _TINY), 0))
    whole = np.maximum.reduceat(score, cells.starts)
    whole = whole - np.minimum.reduceat(score, cells.starts)
    return np.where(levels, whole, np.maximum(*found))
