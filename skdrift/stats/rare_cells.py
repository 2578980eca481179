"""Cells that expect too few rows for Pearson's statistic."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import special

from skdrift.stats.counts import FloatArray

_GROUPS_OF_RARE_CELLS = 10
_MANY_CELLS = 30
_MANY_ROWS = 100


def pool_rare_cells(
    reference: FloatArray,
    current: FloatArray,
    min_expected: float,
    tolerance: FloatArray,
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Put rare cells together, and test what that hides.

    Parameters
    ----------
    reference, current : ndarray of shape (p, c)
        Counts.
    min_expected : float
        A cell is rare if it expects fewer rows in the smaller sample.
    tolerance : ndarray of shape () or (p,)
        Total variation distance that the null hypothesis allows.

    Returns
    -------
    reference, current : ndarray of shape (p, c)
        Counts of the table in which rare cells are put together.
    pvalue : ndarray of shape (p,)
        Of the proportions among the rare cells, given their sum in each sample;
        NaN where they are too few for a test of their own.
    """
    n, m = reference.sum(axis=1), current.sum(axis=1)
    tolerance = np.broadcast_to(tolerance, n.shape)
    total = np.maximum(n + m, 1.0)
    expected = (reference + current) * (np.minimum(n, m) / total)[:, None]
    rare = (expected > 0) & (expected < min_expected)
    pvalue = np.full(n.shape, np.nan)
    rows = np.flatnonzero(rare.any(axis=1))
    if rows.size == 0:
        return reference, current, pvalue
    reference, current = reference.copy(), current.copy()
    for i in rows:
        few = reference[i, rare[i]], current[i, rare[i]]
        pvalue[i] = _proportions_pvalue(*few, tolerance[i] * total[i])
        target = np.arange(expected.shape[1])
        if np.isnan(pvalue[i]):
            target = _targets(expected[i], rare[i], min_expected)
        else:
            target[rare[i]] = np.argmax(rare[i])
        for counts in (reference, current):
            counts[i] = np.bincount(
                target, weights=counts[i], minlength=counts.shape[1]
            )
    return reference, current, pvalue


def _proportions_pvalue(
    reference: FloatArray, current: FloatArray, tolerated_rows: float
) -> float:
    """P-value of equal proportions of many rare cells, (c,) counts each.

    Pearson's statistic of them is a sum of many small parts: its law is near a gamma
    of the same mean and variance, those of hypergeometric counts.
    """
    n, m, pooled = reference.sum(), current.sum(), reference + current
    c, total = pooled.size, n + m
    if c < _MANY_CELLS or min(n, m) < _MANY_ROWS:
        return np.nan
    p = m / total
    pq = p * (1.0 - p)
    variance = 2.0 * (c - 1.0) + (1.0 / pq - 6.0) * (1.0 / pooled).sum()
    variance -= c**2 * (1.0 / pq - 4.0) / total
    if variance < 0.5 * c:
        return np.nan
    statistic = ((current - pooled * p) ** 2 / pooled).sum() / pq
    moved = (np.minimum(pooled, tolerated_rows) ** 2 / pooled).mean()
    added = 2.0 * moved * pq
    mean, variance = (c - 1.0) * total / (total - 1.0) + added, variance + 4.0 * added
    return float(special.gammaincc(mean**2 / variance, statistic * mean / variance))


def _targets(
    expected: FloatArray, rare: NDArray[np.bool_], min_expected: float
) -> NDArray[np.intp]:
    """Cell that each cell is counted in; rare ones share their group's first."""
    target = np.arange(expected.size)
    cells = np.flatnonzero(rare)
    # Cells of equal size stay together: to part them by their place would part those
    # that only one of the samples has.
    _, size_class = np.unique(expected[cells], return_inverse=True)
    reached = np.cumsum(np.bincount(size_class, weights=expected[cells]))
    limit = max(_GROUPS_OF_RARE_CELLS, int((expected >= min_expected).sum()))
    width = max(2.0 * min_expected, reached[-1] / limit)
    stops: list[int] = []
    start = 0.0
    while start + width <= reached[-1]:
        stops.append(int(np.searchsorted(reached, start + width)))
        start = reached[stops[-1]]
    group = np.searchsorted(stops, size_class).clip(0, max(len(stops) - 1, 0))
    order = np.argsort(group, kind="stable")
    first = order[np.searchsorted(group[order], np.arange(group.max() + 1))]
    target[cells] = cells[first[group]]
    return target
