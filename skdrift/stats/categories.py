"""Two-sample tests and effects on cells without an order."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

from skdrift.exceptions import ParameterError
from skdrift.stats import hypergeometric
from skdrift.stats.counts import (
    CountTest,
    Effect,
    FloatArray,
    check_counts,
    check_share,
    shares,
)
from skdrift.stats.quadratic import noncentral_chi2_sf

_GROUPS_OF_RARE_CELLS = 10
_NEWTON_STEPS = 12


def chi_square(
    reference: ArrayLike,
    current: ArrayLike,
    *,
    min_expected: float = 5.0,
    tolerance: float = 0.0,
) -> CountTest:
    r"""Pearson's chi-square test of two samples on cells without an order.

    Cells that expect fewer than `min_expected` rows in the smaller sample are put
    together, in the order of their pooled counts, into groups that expect about
    twice as many: at most ten groups, or as many as there are other cells. The
    grouping looks at pooled counts only, so the null law is that of the grouped
    table. When two cells are left the p-value is Fisher's exact one; when one is
    left there is nothing to test and it is 1.

    With a tolerance the law is noncentral, :math:`N \varphi^2` with
    :math:`N = nm/(n+m)` and

    .. math:: \varphi^2 = \frac{2}{B} \sum_j \frac{\min(\delta, h_j)^2}{h_j},

    the mean, over all pairs of the B cells, of the effect of moving the mass
    :math:`\delta` (at most all there is) from one cell into the other; h are the
    pooled shares. With two cells it is the exact effect of a total variation
    distance :math:`\delta`; it is at most :math:`2\delta`, so that many small cells
    do not make the test blind.

    Parameters
    ----------
    reference, current : array-like of int, shape (p, c)
        Counts; the order of cells does not matter.
    min_expected : float, default=5
        Smallest expected count of a cell of its own.
    tolerance : float, default=0
        Total variation distance that the null hypothesis allows.

    Returns
    -------
    CountTest
        Larger = further apart.

    Raises
    ------
    ParameterError
        If the counts or the tolerance are out of their range.
    """
    ref, cur = check_counts(reference, current)
    tolerance = check_share(tolerance, "tolerance")
    if not min_expected > 0:
        raise ParameterError(f"min_expected must be positive, got {min_expected!r}.")
    ref, cur = _group_rare_cells(ref, cur, min_expected)
    n, m = ref.sum(axis=1), cur.sum(axis=1)
    known = (n > 0) & (m > 0)
    safe_n, safe_m = np.where(known, n, 1.0), np.where(known, m, 1.0)
    total = safe_n + safe_m
    pooled = ref + cur
    occupied = (pooled > 0) & known[:, None]
    n_cells = occupied.sum(axis=1)
    square = (cur / safe_m[:, None] - ref / safe_n[:, None]) ** 2
    statistic = (
        safe_n
        * safe_m
        * np.divide(square, pooled, out=np.zeros_like(square), where=occupied).sum(
            axis=1
        )
    )
    noncentrality = np.zeros(n.shape)
    if tolerance > 0.0:
        share = pooled / total[:, None]
        moved = np.minimum(share, tolerance) ** 2
        effect = np.divide(moved, share, out=np.zeros_like(moved), where=occupied)
        noncentrality = (
            safe_n / total * safe_m * effect.sum(axis=1) * 2.0 / np.maximum(n_cells, 1)
        )
    pvalue = _chi2_tail(statistic, n_cells - 1, noncentrality)
    two = np.flatnonzero(n_cells == 2)
    if two.size:
        pvalue[two] = np.maximum(
            np.where(noncentrality[two] > 0, pvalue[two], 0.0),
            _two_cells(ref[two], cur[two]),
        )
    nan = np.where(known, 0.0, np.nan)
    return CountTest(
        statistic=statistic + nan,
        pvalue=np.where(n_cells > 1, pvalue, 1.0) + nan,
        n_reference=n.astype(np.int64),
        n_current=m.astype(np.int64),
    )


def _chi2_tail(
    statistic: FloatArray, df: np.ndarray, noncentrality: FloatArray
) -> FloatArray:
    pvalue = special.chdtrc(np.maximum(df, 1), statistic)
    shifted = np.flatnonzero(noncentrality > 0)
    if shifted.size:
        pvalue[shifted] = noncentral_chi2_sf(
            statistic[shifted], df[shifted], noncentrality[shifted]
        )
    return pvalue


def _two_cells(reference: FloatArray, current: FloatArray) -> FloatArray:
    pooled = reference + current
    first = np.argmax(pooled > 0, axis=1)
    rows = np.arange(first.size)
    return hypergeometric.two_sided(
        current[rows, first],
        pooled[rows, first],
        current.sum(axis=1),
        pooled.sum(axis=1),
    )


def _group_rare_cells(
    reference: FloatArray, current: FloatArray, min_expected: float
) -> tuple[FloatArray, FloatArray]:
    n, m = reference.sum(axis=1), current.sum(axis=1)
    total = np.maximum(n + m, 1.0)
    expected = (reference + current) * (np.minimum(n, m) / total)[:, None]
    rare = (expected > 0) & (expected < min_expected)
    rows = np.flatnonzero(rare.any(axis=1))
    if rows.size == 0:
        return reference, current
    reference, current = reference.copy(), current.copy()
    for i in rows:
        target = _targets(expected[i], rare[i], min_expected)
        for counts in (reference, current):
            counts[i] = np.bincount(
                target, weights=counts[i], minlength=counts.shape[1]
            )
    return reference, current


def _targets(expected: FloatArray, rare: np.ndarray, min_expected: float) -> np.ndarray:
    """Cell that each cell is counted in; rare ones share their group's first."""
    target = np.arange(expected.size)
    cells = np.flatnonzero(rare)
    cells = cells[np.argsort(expected[cells], kind="stable")]
    reached = np.cumsum(expected[cells])
    others = np.flatnonzero(expected >= min_expected)
    limit = max(_GROUPS_OF_RARE_CELLS, others.size)
    # Ends of rare cells are less than min_expected apart, so that a stretch of
    # twice that holds at least min_expected; the last stretch may not be full.
    width = max(2.0 * min_expected, reached[-1] / limit)
    n_groups = max(int(reached[-1] // width), 1)
    group = np.minimum((reached / width).astype(np.int64), n_groups - 1)
    first = np.searchsorted(group, np.arange(n_groups))
    target[cells] = cells[first[group]]
    if reached[-1] < min_expected and others.size:
        target[cells] = others[np.argmin(expected[others])]
    return target


def total_variation(
    reference: ArrayLike, current: ArrayLike, *, confidence: float = 0.95
) -> Effect:
    r"""Total variation distance, its null mean taken off, with an interval.

    The plain distance of two samples is not near 0 when nothing changed: its mean
    is then about :math:`\tfrac12 \sum_j \sqrt{2/\pi}\, s_j` with
    :math:`s_j^2 = h_j(1-h_j)/N`. `value` is the distance minus this. The interval
    takes the plain distance to lie within :math:`\sqrt{\ln(2/\beta)/(2N)}` of its
    mean (McDiarmid's inequality), and inverts the two bounds of that mean given the
    true distance: at most the truth plus the null mean, at least the mean of the
    folded normals :math:`|\mu_j + s_j Z|` whose :math:`\mu_j` are spread as evenly
    as they can be.

    Parameters
    ----------
    reference, current : array-like of int, shape (p, c)
        Counts; the order of cells does not matter.
    confidence : float, default=0.95
        Level of the interval, 1 - beta.

    Returns
    -------
    Effect
        In [0, 1]; larger = further apart; no direction, no p-value. NaN where a
        sample has no rows.
    """
    ref, cur = check_counts(reference, current)
    beta = 1.0 - check_share(confidence, "confidence")
    n, p = shares(ref)
    m, q = shares(cur)
    _, h = shares(ref + cur)
    known = (n > 0) & (m > 0)
    size = np.where(known, n * m, np.nan) / np.where(known, n + m, 1.0)
    plain = 0.5 * np.abs(p - q).sum(axis=1)
    spread = 0.5 * np.sqrt(np.maximum(h * (1.0 - h), 0.0) / size[:, None]).sum(axis=1)
    noise = np.sqrt(2.0 / np.pi) * spread
    half = np.sqrt(np.log(2.0 / beta) / (2.0 * size))
    low = np.clip(plain - noise - half, 0.0, 1.0)
    high = np.clip(_unfold(plain + half, spread), 0.0, 1.0)
    value = np.clip(plain - noise, 0.0, 1.0)
    return Effect(
        value=value,
        low=low,
        high=np.maximum(high, value),
        direction=np.zeros(n.shape, dtype=np.int8),
        pvalue=np.full(n.shape, np.nan),
    )


def _unfold(mean: FloatArray, spread: FloatArray) -> FloatArray:
    """The x with mean of |x + spread Z| = mean; 0 where noise alone exceeds it."""
    noisy = spread > 0
    target = np.divide(mean, spread, out=np.zeros_like(mean), where=noisy)
    r = target.copy()
    for _ in range(_NEWTON_STEPS):
        density = np.sqrt(2.0 / np.pi) * np.exp(-0.5 * r * r)
        slope = 2.0 * special.ndtr(r) - 1.0
        r = np.maximum(r - (density + r * slope - target) / np.maximum(slope, 0.01), 0)
    return np.where(noisy, spread * r, mean)
