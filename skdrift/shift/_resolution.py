"""What a batch can show, column by column, and how many rows it takes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from skdrift._core.result import FeatureRow
from skdrift.profile._cells import LevelCells
from skdrift.profile._profile import Profile
from skdrift.shift._compare import DISTRIBUTION_SHARE
from skdrift.shift._distribution import TV
from skdrift.stats import (
    detectable_effect,
    detectable_variation,
    rows_needed,
    rows_needed_for_variation,
)
from skdrift.stats.counts import FloatArray


def with_detectable(
    rows: Sequence[FeatureRow],
    reference: Profile,
    current: Profile,
    *,
    n_compared: int,
    alpha: float,
    min_effect: float,
    at_least: Mapping[int, float],
    tolerance: FloatArray | None = None,
) -> tuple[FeatureRow, ...]:
    """Rows that say which effect the batch would show in four of five cases.

    Parameters
    ----------
    rows : sequence of FeatureRow
        One for each column.
    reference, current : Profile
        On one grid.
    n_compared : int
        Columns that share the level.
    alpha : float
        Family-wise level.
    min_effect : float
        Tolerated difference, in probability mass.
    at_least : mapping of int to float
        By the position of a column, what blocks of rows allow.
    tolerance : ndarray of shape (n_features,) or None
        What is tolerated of each column; None: `min_effect` of all.
    """
    own = np.full(len(rows), min_effect) if tolerance is None else tolerance
    effects = np.full(len(rows), np.nan)
    tested = [p for p, row in enumerate(rows) if row.effect_name]
    by_level = [p for p in tested if rows[p].effect_name == TV]
    by_number = [p for p in tested if rows[p].effect_name != TV]
    n, m = reference.n_finite(), current.n_finite()
    level = alpha * DISTRIBUTION_SHARE
    for n_tests in sorted({_n_tests(reference, p) for p in tested}):
        columns = [p for p in by_number if _n_tests(reference, p) == n_tests]
        if columns:
            kinds, back = np.unique(
                np.stack([n[columns], m[columns], own[columns]]),
                axis=1,
                return_inverse=True,
            )
            found = detectable_effect(
                kinds[0],
                kinds[1],
                alpha=level,
                n_hypotheses=n_compared * n_tests,
                tolerance=kinds[2],
            )
            effects[columns] = found[np.ravel(back)]
        for position in by_level:
            if _n_tests(reference, position) == n_tests:
                effects[position] = detectable_variation(
                    _level_counts(reference, position),
                    m[position],
                    alpha=level,
                    n_hypotheses=n_compared * n_tests,
                    tolerance=float(own[position]),
                )[0]
    for position in set(at_least) & set(tested):
        effects[position] = max(effects[position], at_least[position])
    return tuple(
        replace(row, detectable_effect=float(effect))
        for row, effect in zip(rows, effects, strict=True)
    )


def rows_for_effect(
    reference: Profile,
    effect: float,
    *,
    power: float,
    alpha: float,
    min_effect: float,
) -> FloatArray:
    """Rows of a batch in which an effect is found in each column, its missing included.

    Parameters
    ----------
    reference : Profile
    effect : float
        Kolmogorov–Smirnov distance, or total variation where all cells are levels.
    power : float
        Probability that it is found.
    alpha, min_effect : float
        See `with_detectable`.

    Returns
    -------
    ndarray of shape (n_features,)
        Infinite where no number of rows would do, NaN where the column is not tested.
    """
    grid = reference.grid
    needed = np.full(grid.n_features, np.nan)
    n = reference.n_finite()
    tested = [p for p in range(grid.n_features) if not grid.untested[p] and n[p]]
    options = {
        "alpha": alpha * DISTRIBUTION_SHARE,
        "tolerance": min_effect,
        "power": power,
    }
    for position in tested:
        n_hypotheses = len(tested) * _n_tests(reference, position)
        if _is_of_levels(reference, position):
            counts = _level_counts(reference, position)
            rows = rows_needed_for_variation(
                effect, counts, n_hypotheses=n_hypotheses, **options
            )[0]
        else:
            rows = rows_needed(
                effect,
                int(n[position]),
                n_hypotheses=n_hypotheses,
                **options,
            )
        needed[position] = float(rows)
    with np.errstate(invalid="ignore"):
        missing = reference.n_missing / np.maximum(reference.n_read, 1)
    return np.asarray(np.ceil(needed / np.maximum(1.0 - missing, 1e-9) - 1e-9))


def _n_tests(reference: Profile, position: int) -> int:
    """Tests that share the level of a column: two for a text."""
    return max(1, sum(cells.feature == position for cells in reference.grid.cells))


def _is_of_levels(reference: Profile, position: int) -> bool:
    own = [cells for cells in reference.grid.cells if cells.feature == position]
    return all(isinstance(cells, LevelCells) for cells in own)


def _level_counts(reference: Profile, position: int) -> np.ndarray:
    places = [
        place
        for place, cells in enumerate(reference.grid.cells)
        if cells.feature == position and isinstance(cells, LevelCells)
    ]
    return np.asarray(reference.counts[places[0]][None, :].astype(np.int64))
