"""How small a change of categories can be seen, and how many rows it takes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from skdrift.stats.counts import FloatArray, check_counts, check_share, check_whole
from skdrift.stats.power import hypothesis_level
from skdrift.stats.variation import is_resolved

_MIN_EXPECTED = 5.0
_MOST_GROUPS = 10.0
_MANY_RARE, _LEAST_ROWS = 30, 100  # from there on rare levels are tested apart
_WEIGHT = 0.3  # of the batch in the variance, at least (simulated)
_COUNT = 1.0  # what is lost since counts are whole numbers (simulated)
_ROUNDS = 12
_GRID, _STEPS = 64, 24
_MOST_ROWS = 1e9


def detectable_variation(
    reference: ArrayLike,
    n_current: ArrayLike,
    *,
    alpha: float,
    n_hypotheses: int,
    power: float = 0.8,
    tolerance: float = 0.0,
) -> FloatArray:
    r"""Total variation distance of a change that `chi_square` finds.

    Of all changes of one distance the least visible is meant: a part of the levels
    with half of the rows (or the most frequent level, if it has more) loses, the
    others win, each in proportion to its share. Its noncentrality is
    :math:`N d^2 / (P (1 - P))` with P the pooled share of that part; every other
    change of the distance is seen at least as well. Levels that expect fewer than
    five rows in the smaller sample count in groups, as in `chi_square`.

    Parameters
    ----------
    reference : array-like of int, shape (p, c)
        Counts of the levels in the reference.
    n_current : array-like of int, shape (p,) or ()
        Rows of the current sample.
    alpha : float
        Family-wise level.
    n_hypotheses : int
        Hypotheses in the family.
    power : float, default=0.8
        Probability that the change is found.
    tolerance : float, default=0
        Total variation distance that the null hypothesis allows.

    Returns
    -------
    ndarray of shape (p,)
        Distances in [0, 1], larger = only larger changes are seen; 1 where none is;
        NaN where a sample has no rows.

    Raises
    ------
    ParameterError
        If alpha or power are not in (0, 1) or the counts are not whole numbers.

    Examples
    --------
    >>> from skdrift.stats import detectable_variation
    >>> settings = {"alpha": 0.05, "n_hypotheses": 20}
    >>> detectable_variation([[1500, 1000, 500]] * 2, [100, 1000], **settings).round(2)
    array([0.22, 0.08])
    """
    counts, _ = check_counts(reference, reference)
    rows = np.broadcast_to(check_whole(n_current, "n_current"), counts.shape[:1])
    level = hypothesis_level(alpha, n_hypotheses, power)
    return _detectable(counts, rows, level, power, check_share(tolerance, "tolerance"))


def rows_needed_for_variation(
    effect: ArrayLike,
    reference: ArrayLike,
    *,
    alpha: float,
    n_hypotheses: int,
    power: float = 0.8,
    tolerance: float = 0.0,
) -> FloatArray:
    """Rows of a batch that `chi_square` needs to find any change of a distance.

    Parameters
    ----------
    effect : array-like of float, shape (p,) or ()
        Total variation distance of the change.
    reference : array-like of int, shape (p, c)
        Counts of the levels in the reference.
    alpha, n_hypotheses, power, tolerance
        See `detectable_variation`.

    Returns
    -------
    ndarray of shape (p,)
        Numbers of rows, rounded up; inf where no number up to a billion would do.

    Raises
    ------
    ParameterError
        If alpha or power are not in (0, 1) or the counts are not whole numbers.

    Examples
    --------
    >>> from skdrift.stats import rows_needed_for_variation
    >>> settings = {"alpha": 0.05, "n_hypotheses": 20}
    >>> needed = rows_needed_for_variation(0.1, [[1500, 1000, 500]], **settings)
    >>> bool(500 < needed[0] < 800)
    True
    """
    counts, _ = check_counts(reference, reference)
    wanted = np.broadcast_to(np.asarray(effect, dtype=np.float64), counts.shape[:1])
    level = hypothesis_level(alpha, n_hypotheses, power)
    tolerance = check_share(tolerance, "tolerance")

    def enough(log_rows: FloatArray) -> NDArray[np.bool_]:
        seen = _detectable(counts, np.exp(log_rows), level, power, tolerance)
        return np.asarray(seen <= wanted)

    grid = np.linspace(0.0, np.log(_MOST_ROWS), _GRID)
    first = np.array([enough(np.full(len(counts), at)) for at in grid])
    possible = first.any(axis=0) & (wanted > tolerance)
    place = np.argmax(first, axis=0)
    low, high = grid[np.maximum(place - 1, 0)], grid[place]
    for _ in range(_STEPS):
        middle = (low + high) / 2.0
        does = enough(middle)
        low, high = np.where(does, low, middle), np.where(does, middle, high)
    rows = np.where(possible, np.ceil(np.exp(high) - 1e-4), np.inf)
    return np.where(np.isnan(wanted) | (counts.sum(axis=1) == 0), np.nan, rows)


def _detectable(
    counts: FloatArray, m: FloatArray, level: float, power: float, tolerance: float
) -> FloatArray:
    total = counts.sum(axis=1)
    known = (total > 0) & (m > 0)
    n, m = np.where(known, total, 1.0), np.where(known, m, 1.0)
    shares = counts / n[:, None]
    size = n / (n + m) * m
    cells = _Cells.of(shares, np.minimum(n, m), tolerance)
    freedom = np.maximum(cells.n_cells - 1.0, 1.0)
    own_level = level * cells.level
    critical = special.chndtrix(1.0 - own_level, freedom, size * cells.tolerated)
    added = special.chndtrinc(critical, freedom, 1.0 - power) / size / cells.visible
    part = np.maximum(shares.max(axis=1), 0.5)
    # The variance depends on the distance itself: less than that of the batch, more
    # than the pooled one where the batch is small.
    weight = np.maximum(m / (n + m), _WEIGHT)
    distance = np.sqrt(added / 4.0)
    for _ in range(_ROUNDS):
        moved = np.maximum(part - weight * np.minimum(distance, part), 0.5)
        distance = np.sqrt(np.maximum(added * moved * (1.0 - moved), 0.0))
    distance = np.maximum(distance + _COUNT / m, _fewest(n, m, level, power))
    # Where the distance itself resolves the tolerance, by the bound of `chi_square`.
    each = np.sqrt(np.maximum(shares * (1.0 - shares), 0.0))
    spread = each.sum(axis=1) / 2.0 / np.sqrt(size)
    noise = np.sqrt(2.0 / np.pi) * spread
    beyond = np.sqrt(np.log(1.0 / level) / 2.0) + special.ndtri(power) / 2.0
    by_bound = tolerance + noise + beyond / np.sqrt(size)
    distance = np.where(is_resolved(size, noise, tolerance), by_bound, distance)
    found = np.where(np.isnan(distance), 1.0, np.clip(distance, tolerance, 1.0))
    return np.where(known, found, np.nan)


def _fewest(n: FloatArray, m: FloatArray, level: float, power: float) -> FloatArray:
    """Share of rows that a level new to the batch must have, whatever else there is."""
    least = np.ceil(np.log(level) / np.log(m / (n + m)))
    rows = least + special.ndtri(power) * np.sqrt(least) + 0.5
    return np.asarray(rows / m, dtype=np.float64)


@dataclass(frozen=True, slots=True)
class _Cells:
    """What `chi_square` makes of the levels, by their expected counts."""

    n_cells: FloatArray  # (p,) cells that are compared
    tolerated: FloatArray  # (p,) squared effect of the tolerated change
    visible: FloatArray  # (p,) part of a change that groups of rare levels leave
    level: FloatArray  # (p,) part of the level that the test has

    @classmethod
    def of(cls, shares: FloatArray, smaller: FloatArray, tolerance: float) -> _Cells:
        own = shares * smaller[:, None] >= _MIN_EXPECTED
        rare = ~own & (shares > 0)
        n_rare = rare.sum(axis=1)
        rest = np.where(rare, shares, 0.0).sum(axis=1)
        groups = np.floor(rest * smaller / (2.0 * _MIN_EXPECTED))
        groups = np.clip(groups, rest > 0, _MOST_GROUPS)
        apart = (n_rare >= _MANY_RARE) & (smaller >= _LEAST_ROWS)
        visible = np.where(n_rare > 0, groups / np.maximum(n_rare, 1), 1.0)
        visible = np.where(apart, 1.0, np.minimum(visible, 1.0))
        groups = np.where(apart, n_rare, groups)
        n_cells = np.maximum(own.sum(axis=1) + groups, 2.0)
        each = np.where(groups > 0, rest / np.maximum(groups, 1.0), 0.0)
        moved = np.where(own, shares, 0.0)
        squares = np.minimum(moved, tolerance) ** 2 / np.where(own, shares, 1.0)
        squares = squares.sum(axis=1)
        squares += groups * np.minimum(each, tolerance) ** 2 / np.where(each, each, 1.0)
        return cls(
            n_cells=n_cells,
            tolerated=2.0 * squares / n_cells,
            visible=(1.0 - rest) + rest * visible,
            level=np.where(apart, 0.5, 1.0),
        )
