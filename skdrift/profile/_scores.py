"""Scores of rows: where a cell lies among training's, whatever the unit.

A *slot* is one column of scores. A column on a number line has normal scores of its
mid-ranks in training's counts and, where it has enough distinct values, normal scores
of how far it lies from the median; a column of levels has the indicators of its
frequent levels. All are looked up in tables over the cells of the grid, so no
monotone transform of a column changes them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import ndtri

from skdrift._core.cells import Column, display_key
from skdrift._core.frame import Table
from skdrift.profile._cells import HIDDEN, LevelCells, NumberCells
from skdrift.profile._count import comparable_column, match_columns, renamed_levels
from skdrift.profile._profile import Profile
from skdrift.profile._search import places_among

SCORED_KINDS = frozenset({"numeric", "datetime", "boolean", "categorical"})
MOST_SLOTS = 500
MOST_LEVELS = 5
LEAST_SHARE = 0.02
LEAST_DISTINCT = 4
MOST_ALIKE = 0.95
ROWS_OF_KURTOSIS = 4.0


@dataclass(frozen=True, slots=True, eq=False)
class Slot:
    """One column of scores.

    Attributes
    ----------
    feature : int
        Position of the column of the grid.
    label : str
        Name of the column and, of an indicator, the level.
    near : ndarray of float of shape (n_cells,)
        Score of each cell.
    far : ndarray of float of shape (n_cells,), or None
        Score of the distance from the median; None where it says nothing new.
    kurtosis : tuple of float
        Of both scores over the rows of training; 3 for a normal one.
    """

    feature: int
    label: str
    near: np.ndarray
    far: np.ndarray | None
    kurtosis: tuple[float, float]


def rows_for_pairs(slots: Sequence[Slot], kind: int) -> np.ndarray:
    """Rows that it takes to judge each pair of slots.

    So many that products of rare scores are no handful; infinite for two slots of one
    column.

    Parameters
    ----------
    slots : sequence of Slot
    kind : {0, 1}
        Of the scores, or of the distances from the median.

    Returns
    -------
    ndarray of shape (n_pairs,)
        In the order of `numpy.triu_indices`.
    """
    one, two = np.triu_indices(len(slots), 1)
    feature = np.array([slot.feature for slot in slots], dtype=np.intp)
    kurtosis = np.array([slot.kurtosis[kind] for slot in slots])
    rows = ROWS_OF_KURTOSIS * kurtosis[one] * kurtosis[two]
    return np.where(feature[one] != feature[two], rows, np.inf)


def score_slots(reference: Profile) -> tuple[Slot, ...]:
    """Slots of training's columns, in their order; at most 500."""
    slots: list[Slot] = []
    grid = reference.grid
    for cells, counts in zip(grid.cells, reference.counts, strict=True):
        kind = grid.kinds[cells.feature]
        if kind not in SCORED_KINDS or grid.untested[cells.feature]:
            continue
        if np.count_nonzero(counts) < 2:
            continue
        label = grid.labels[cells.feature]
        if isinstance(cells, LevelCells):
            slots += _level_slots(cells, counts, label)
        else:
            slots.append(_number_slot(cells.feature, counts, label))
    return tuple(slots[:MOST_SLOTS])


def _number_slot(feature: int, counts: np.ndarray, label: str) -> Slot:
    n = int(counts.sum())
    below = (np.cumsum(counts) - 0.5 * counts) / n
    near = _normal_scores(below, n)
    distance = np.abs(2.0 * below - 1.0).round(9)
    _, place = np.unique(distance, return_inverse=True)
    alike = np.bincount(place, weights=counts)
    far = _normal_scores(((np.cumsum(alike) - 0.5 * alike) / n)[place], n)
    kurtosis = _kurtosis(near, counts), _kurtosis(far, counts)
    if np.count_nonzero(counts) < LEAST_DISTINCT or _alike(near, far, counts):
        return Slot(feature, label, near, None, kurtosis)
    return Slot(feature, label, near, far, kurtosis)


def _normal_scores(below: np.ndarray, n: int) -> np.ndarray:
    return np.asarray(ndtri(np.clip(below, 0.5 / n, 1.0 - 0.5 / n)), dtype=np.float64)


def _level_slots(cells: LevelCells, counts: np.ndarray, label: str) -> list[Slot]:
    n = int(counts.sum())
    shares = counts / n
    known = [
        place
        for place in range(min(len(cells.keys), MOST_LEVELS))
        if LEAST_SHARE <= shares[place] <= 1.0 - LEAST_SHARE
        and not cells.keys[place].startswith(HIDDEN)
    ]
    if len(known) > 1 and counts[known].sum() == n:
        known.pop()  # the others say it
    slots = []
    for place in known:
        share = shares[place]
        scores = np.zeros(cells.n_cells)
        scores[place] = 1.0
        scores = (scores - share) / np.sqrt(share * (1.0 - share))
        name = f"{label}={display_key(cells.keys[place])[:40]!r}"
        kurtosis = _kurtosis(scores, counts)
        slots.append(Slot(cells.feature, name, scores, None, (kurtosis, kurtosis)))
    return slots


def _alike(near: np.ndarray, far: np.ndarray, counts: np.ndarray) -> bool:
    """Whether the second score is one of no spread, or a copy of the first."""
    weights = counts / counts.sum()
    a, b = near - weights @ near, far - weights @ far
    spreads = (weights @ a**2) * (weights @ b**2)
    return bool(spreads < 1e-12 or (weights @ (a * b)) ** 2 > MOST_ALIKE**2 * spreads)


def _kurtosis(scores: np.ndarray, counts: np.ndarray) -> float:
    weights = counts / counts.sum()
    apart = scores - weights @ scores
    spread = float(weights @ apart**2)
    return float(weights @ apart**4) / spread**2 if spread > 0 else np.inf


def score_rows(
    table: Table, reference: Profile, slots: Sequence[Slot]
) -> tuple[np.ndarray, np.ndarray]:
    """Scores of the rows of a table.

    Returns
    -------
    near : ndarray of float of shape (n_rows, n_slots)
    far : ndarray of float of shape (n_rows, n_far)
        Of the slots that have them. NaN where a cell is missing or infinite, or the
        column is missing or cannot be read.
    """
    near = np.full((len(slots), table.n_rows), np.nan)
    far = np.full((sum(s.far is not None for s in slots), table.n_rows), np.nan)
    places = match_columns(table, reference.grid).positions
    by_feature = {cells.feature: cells for cells in reference.grid.cells}
    wanted = sorted({slot.feature for slot in slots if places[slot.feature] >= 0})
    found: dict[int, np.ndarray] = {}
    columns = table.read([int(places[feature]) for feature in wanted])
    for feature, column in zip(wanted, columns, strict=True):
        family = reference.grid.families[feature]
        readable = comparable_column(column, family)
        if readable is not None:
            found[feature] = _cells_of(readable, by_feature[feature], family)
    n_far = 0
    for row, slot in enumerate(slots):
        cells = found.get(slot.feature)
        if cells is not None:
            near[row] = np.append(slot.near, np.nan)[cells]
        if slot.far is not None:
            if cells is not None:
                far[n_far] = np.append(slot.far, np.nan)[cells]
            n_far += 1
    return near.T, far.T


def _cells_of(
    column: Column, cells: NumberCells | LevelCells, family: str
) -> np.ndarray:
    """Cell of each row; -1 where there is no value."""
    if isinstance(cells, LevelCells):
        renamed = renamed_levels(family, column.family)
        keys = column.keys()
        known: dict[str | None, int] = {
            key: -1 if key is None else cells.place(renamed.get(key, key))
            for key in set(keys)
        }
        return np.array([known[key] for key in keys], dtype=np.intp)
    values = _values_of(column)
    points = cells.points
    if cells.single or values.dtype == np.float32:
        with np.errstate(over="ignore"):
            values, points = values.astype(np.float32), points.astype(np.float32)
    left = places_among(points, values)
    same = points[np.minimum(left, len(points) - 1)] == values
    return np.where(np.isfinite(values), 2 * left + same, -1)


def _values_of(column: Column) -> np.ndarray:
    numbers = column.numbers()
    values = numbers.values
    if values.dtype != np.float32:
        values = values.astype(np.float64)
    elif numbers.missing is not None:
        values = values.copy()
    if numbers.missing is not None:
        values[numbers.missing] = np.nan
    if numbers.rows is None:
        return values
    spread = np.zeros(column.n_rows, dtype=values.dtype)
    spread[numbers.rows] = values
    return spread
