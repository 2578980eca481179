"""Distribution tests of all columns of a batch at once."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np

from skdrift.profile._cells import LevelCells, NumberCells
from skdrift.profile._count import Novelty
from skdrift.profile._profile import Profile
from skdrift.shift._columns import (
    Block,
    Pair,
    atom_pairs,
    blocks_of,
    level_pairs,
    number_pairs,
)
from skdrift.shift._describe import (
    cell_values,
    coarse_bins,
    level_direction,
    number_direction,
    quartiles,
)
from skdrift.stats import (
    anderson_darling,
    chi_square,
    combine_pvalues,
    hellinger,
    jensen_shannon,
    kolmogorov_smirnov,
    new_atom,
    population_stability_index,
    smooth,
    total_variation,
    total_variation_distance,
    wasserstein,
)
from skdrift.stats.counts import FloatArray

NEW_ATOM_SHARE = 0.05
CONFIDENCE = 0.95
KS, TV = "KS distance", "total variation"


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """One column's cells, compared.

    Attributes
    ----------
    effect, low, high : float
        Kolmogorov–Smirnov distance or total variation, with its interval.
    effect_name : str
    pvalue : float
    sign : int
        1 where the batch is higher, -1 where it is lower.
    direction : str
    distances : tuple of float
        PSI, Jensen–Shannon, Hellinger, total variation, Wasserstein-1.
    """

    effect: float
    low: float
    high: float
    effect_name: str
    pvalue: float
    sign: int
    direction: str
    distances: tuple[float, float, float, float, float]


def compare_distributions(
    reference: Profile,
    current: Profile,
    novelty: Sequence[Novelty],
    *,
    tolerance: FloatArray,
    columns: Collection[int] | None = None,
    repeated: bool = True,
) -> dict[int, Comparison]:
    """Compare every column that can be, by the position of its cells in the grid.

    The p-value of an ordered column is that of the Anderson–Darling and the smooth
    test and, where training has repeated values, of a chi-square test of them,
    combined; a value that repeats only in the batch has 5 % of the level for itself.

    Parameters
    ----------
    reference, current : Profile
        On one grid.
    novelty : sequence of Novelty
        Of each column of the batch.
    tolerance : ndarray of float of shape (n_features,)
        Difference that is allowed of each column, in probability mass.
    columns : collection of int or None
        Which columns; None: all.
    repeated : bool, default=True
        Whether repeated values are tested by themselves.
    """

    def chosen(pairs: Sequence[Pair]) -> list[Block]:
        cells = reference.grid.cells
        return blocks_of(
            [p for p in pairs if columns is None or cells[p.place].feature in columns]
        )

    atoms: dict[int, float] = {}
    if repeated:
        pairs = chosen(atom_pairs(reference, current, novelty))
        atoms = _atom_pvalues(pairs, reference, tolerance)
    found: dict[int, Comparison] = {}
    for block in chosen(number_pairs(reference, current)):
        own = _of_places(block, reference, tolerance)
        pvalues = _ordered_pvalues(block, atoms, own)
        if repeated:
            new = _new_atom_pvalues(block, reference, novelty, own)
            pvalues = np.minimum(
                1.0, np.fmin(pvalues / (1 - NEW_ATOM_SHARE), new / NEW_ATOM_SHARE)
            )
        found.update(_compare_numbers(block, reference, current, pvalues))
    for block in chosen(level_pairs(reference, current)):
        found.update(
            _compare_levels(block, reference, _of_places(block, reference, tolerance))
        )
    return found


def _atom_pvalues(
    blocks: Sequence[Block], reference: Profile, tolerance: FloatArray
) -> dict[int, float]:
    found: dict[int, float] = {}
    for block in blocks:
        own = _of_places(block, reference, tolerance)
        test = chi_square(block.reference, block.current, tolerance=own)
        found.update(zip(block.places, test.pvalue.tolist(), strict=True))
    return found


def _ordered_pvalues(
    block: Block, atoms: dict[int, float], tolerance: FloatArray
) -> np.ndarray:
    before, now = block.reference, block.current
    pvalues = np.stack(
        [
            anderson_darling(before, now, tolerance=tolerance).pvalue,
            smooth(before, now, tolerance=tolerance).pvalue,
        ]
    )
    two = combine_pvalues(pvalues)
    third = np.array([atoms.get(place, np.nan) for place in block.places])
    three = combine_pvalues(np.vstack([pvalues, third]))
    return np.where(np.isnan(third), two, three)


def _compare_numbers(
    block: Block, reference: Profile, current: Profile, pvalues: np.ndarray
) -> dict[int, Comparison]:
    before, now = block.reference, block.current
    effect = kolmogorov_smirnov(before, now, confidence=CONFIDENCE)
    distances = _binned_distances(*coarse_bins(before, now))
    values = _cell_values(block, reference, current)
    directions = _directions(block, values, reference)
    features = [reference.grid.cells[place].feature for place in block.places]
    n_finite = np.maximum(reference.n_finite()[features], 1)
    scale = np.sqrt(reference.m2[features] / n_finite)
    moved = wasserstein(values, before, now, scale=scale)
    return {
        place: Comparison(
            effect=float(effect.value[row]),
            low=float(effect.low[row]),
            high=float(effect.high[row]),
            effect_name=KS,
            pvalue=float(pvalues[row]),
            sign=int(effect.direction[row]),
            direction=directions[row],
            distances=(*distances[row], float(moved[row])),
        )
        for row, place in enumerate(block.places)
    }


def _of_places(block: Block, reference: Profile, tolerance: FloatArray) -> FloatArray:
    """Tolerances of the columns that a block's cells are of."""
    features = [reference.grid.cells[place].feature for place in block.places]
    return tolerance[features]


def _new_atom_pvalues(
    block: Block, reference: Profile, novelty: Sequence[Novelty], tolerance: FloatArray
) -> np.ndarray:
    counts = np.zeros(len(block.places), dtype=np.int64)
    at_most = np.zeros_like(counts)
    for row, place in enumerate(block.places):
        cells = reference.grid.cells[place]
        assert isinstance(cells, NumberCells)
        if cells.aspect == "value":
            counts[row] = novelty[cells.feature].count
        at_most[row] = _untracked_bound(cells, reference)
    n, m = block.reference.sum(axis=1), block.current.sum(axis=1)
    return new_atom(counts, n, m, at_most_in_reference=at_most, tolerance=tolerance)


def _untracked_bound(cells: NumberCells, reference: Profile) -> int:
    """Largest count of an untracked value among all reference rows."""
    if reference.n_rows <= reference.grid.n_rows:
        return cells.untracked
    ratio = reference.n_rows / max(reference.grid.n_rows, 1)
    ceiling = cells.untracked + 5 * np.sqrt(cells.untracked) + 10
    return int(np.ceil(ratio * ceiling))


def _cell_values(block: Block, reference: Profile, current: Profile) -> np.ndarray:
    values = np.zeros(block.reference.shape)
    for row, place in enumerate(block.places):
        cells = reference.grid.cells[place]
        assert isinstance(cells, NumberCells)
        known = cells.aspect == "value"
        lowest = current.smallest[cells.feature] if known else np.inf
        highest = current.largest[cells.feature] if known else -np.inf
        own = cell_values(cells, lowest, highest)
        values[row, : cells.n_cells] = own
        values[row, cells.n_cells :] = own[-1]
    return values


def _directions(block: Block, values: np.ndarray, reference: Profile) -> list[str]:
    before, now = (quartiles(c, values) for c in (block.reference, block.current))
    texts = []
    for row, place in enumerate(block.places):
        cells = reference.grid.cells[place]
        kind = reference.grid.kinds[cells.feature]
        text = number_direction(before[row], now[row], kind)
        texts.append(text if cells.aspect == "value" else f"length: {text}")
    return texts


def _compare_levels(
    block: Block, reference: Profile, tolerance: FloatArray
) -> dict[int, Comparison]:
    before, now = block.reference, block.current
    test = chi_square(before, now, tolerance=tolerance)
    effect = total_variation(before, now, confidence=CONFIDENCE)
    distances = _binned_distances(before, now)
    found = {}
    for row, place in enumerate(block.places):
        cells = reference.grid.cells[place]
        assert isinstance(cells, LevelCells)
        text = level_direction(before[row], now[row], cells)
        found[place] = Comparison(
            effect=float(effect.value[row]),
            low=float(effect.low[row]),
            high=float(effect.high[row]),
            effect_name=TV,
            pvalue=float(test.pvalue[row]),
            sign=0,
            direction=text if cells.aspect == "value" else f"shape: {text}",
            distances=(*distances[row], float("nan")),
        )
    return found


def _binned_distances(
    before: np.ndarray, now: np.ndarray
) -> list[tuple[float, float, float, float]]:
    columns = [
        population_stability_index(before, now),
        jensen_shannon(before, now),
        hellinger(before, now),
        total_variation_distance(before, now),
    ]
    return [tuple(row) for row in np.array(columns).T.tolist()]
