"""Two-sample tests and effects on cells without an order."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import ArrayLike, NDArray
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
_SMALL = 0.06
_FEW_ROWS = 25.0
_RESOLVED = 10.0


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

    One cell with few rows can make Pearson's statistic by itself, and its tail is
    not normal (four times too many rejections at level 0.0001 for two cells that
    expect 5). So where the p-value is small and the cell that contributes most
    expects fewer than 25 rows, its contribution is replaced by the normal one of
    the same exact (mid-) p-value, if that is less.

    With a tolerance the law is noncentral, :math:`N \varphi^2` with
    :math:`N = nm/(n+m)` and

    .. math:: \varphi^2 = \frac{2}{B} \sum_j \frac{\min(\delta, h_j)^2}{h_j},

    the mean, over all pairs of the B cells, of the effect of moving the mass
    :math:`\delta` (at most all there is) from one cell into the other; h are the
    pooled shares. With two cells it is the exact effect of a total variation
    distance :math:`\delta`; it is at most :math:`2\delta`, so that many small cells
    do not make the test blind. Where :math:`N \delta^2` is above 10 and the sampling
    noise of the total variation distance below :math:`\delta`, this distance itself
    resolves the tolerance, and the p-value is not taken below McDiarmid's bound for
    it, which holds for every change within the tolerance.

    Parameters
    ----------
    reference, current : array-like of int, shape (p, c)
        Counts. The order of cells matters only among rare ones of one pooled count.
    min_expected : float, default=5
        Smallest expected count of a cell of its own.
    tolerance : float, default=0
        Total variation distance that the null hypothesis allows.

    Returns
    -------
    CountTest
        Larger = further apart. NaN where a sample has no rows.

    Raises
    ------
    ParameterError
        If the counts, `min_expected` or the tolerance are out of their range.

    Examples
    --------
    >>> from skdrift.stats import chi_square
    >>> result = chi_square([[60, 30, 10]], [[40, 30, 30]])
    >>> f"{result.statistic[0]:.1f}, p = {result.pvalue[0]:.4f}"
    '14.0, p = 0.0009'
    """
    ref, cur = check_counts(reference, current)
    tolerance = check_share(tolerance, "tolerance")
    if not min_expected > 0:
        raise ParameterError(f"min_expected must be positive, got {min_expected!r}.")
    table = _Table.of(*_group_rare_cells(ref, cur, min_expected))
    contributions = table.contributions()
    statistic = contributions.sum(axis=1)
    noncentrality = table.size * table.tolerated(tolerance)
    pvalue = _chi2_tail(statistic, table.n_cells - 1, noncentrality)
    small = np.flatnonzero((pvalue < _SMALL) & (table.n_cells > 2))
    if small.size:
        excess = table.rows(small).excess_of_largest(contributions[small])
        pvalue[small] = _chi2_tail(
            statistic[small] - excess, table.n_cells[small] - 1, noncentrality[small]
        )
    two = np.flatnonzero(table.n_cells == 2)
    if two.size:
        exact = table.rows(two).exact_two_cells()
        pvalue[two] = np.where(
            noncentrality[two] > 0, np.maximum(pvalue[two], exact), exact
        )
    pvalue = np.where(table.n_cells > 1, pvalue, 1.0)
    if tolerance > 0.0:
        pvalue = np.maximum(pvalue, _distance_bound(ref, cur, tolerance))
    nan = np.where(table.known, 0.0, np.nan)
    return CountTest(
        statistic=statistic + nan,
        pvalue=pvalue + nan,
        n_reference=ref.sum(axis=1).astype(np.int64),
        n_current=cur.sum(axis=1).astype(np.int64),
    )


@dataclass(frozen=True, slots=True)
class _Table:
    """A 2 x c table of counts for each feature."""

    reference: FloatArray  # (p, c)
    current: FloatArray  # (p, c)
    pooled: FloatArray  # (p, c)
    n: FloatArray  # (p,) rows of the reference; 1 in place of 0
    m: FloatArray  # (p,) rows of the current sample; 1 in place of 0
    known: NDArray[np.bool_]  # (p,) both samples have rows
    n_cells: NDArray[np.int64]  # (p,) occupied cells; 0 where not known

    @classmethod
    def of(cls, reference: FloatArray, current: FloatArray) -> _Table:
        n, m = reference.sum(axis=1), current.sum(axis=1)
        known = (n > 0) & (m > 0)
        pooled = reference + current
        return cls(
            reference=reference,
            current=current,
            pooled=pooled,
            n=np.where(known, n, 1.0),
            m=np.where(known, m, 1.0),
            known=known,
            n_cells=np.where(known, (pooled > 0).sum(axis=1), 0),
        )

    @property
    def size(self) -> FloatArray:
        return self.n / (self.n + self.m) * self.m

    def rows(self, index: NDArray[np.int64]) -> _Table:
        return _Table(*(getattr(self, field.name)[index] for field in fields(self)))

    def contributions(self) -> FloatArray:
        difference = self.current / self.m[:, None] - self.reference / self.n[:, None]
        square = difference**2 * (self.n * self.m)[:, None]
        return np.divide(
            square, self.pooled, out=np.zeros_like(square), where=self.pooled > 0
        )

    def tolerated(self, tolerance: float) -> FloatArray:
        share = self.pooled / (self.n + self.m)[:, None]
        moved = np.minimum(share, tolerance) ** 2
        effect = np.divide(moved, share, out=np.zeros_like(moved), where=share > 0)
        mean = effect.sum(axis=1) / np.maximum(self.n_cells, 1)
        return np.asarray(2.0 * mean, dtype=np.float64)

    def excess_of_largest(self, contributions: FloatArray) -> FloatArray:
        """By how much the largest contribution is above what its p-value says."""
        cell = np.argmax(contributions, axis=1)
        at = np.arange(cell.size), cell
        pooled, current, total = self.pooled[at], self.current[at], self.n + self.m
        more = current * total >= pooled * self.m
        count = np.where(more, current, pooled - current)
        drawn = np.where(more, self.m, self.n)
        tail = hypergeometric.upper_tail(count, pooled, drawn, total)
        equal = np.exp(hypergeometric.log_pmf(count, pooled, drawn, total))
        two_sided = np.clip(2.0 * tail - equal, 1e-300, 1.0)
        fair = special.chdtri(1.0, two_sided) * (1.0 - pooled / total)
        few = pooled * np.minimum(self.n, self.m) < _FEW_ROWS * total
        return np.where(few, np.maximum(contributions[at] - fair, 0.0), 0.0)

    def exact_two_cells(self) -> FloatArray:
        at = np.arange(self.n.size), np.argmax(self.pooled > 0, axis=1)
        return hypergeometric.two_sided(
            self.current[at], self.pooled[at], self.m, self.n + self.m
        )


def _chi2_tail(
    statistic: FloatArray, df: NDArray[np.int64], noncentrality: FloatArray
) -> FloatArray:
    pvalue = np.array(special.chdtrc(np.maximum(df, 1), statistic), dtype=np.float64)
    shifted = np.flatnonzero(noncentrality > 0)
    if shifted.size:
        pvalue[shifted] = noncentral_chi2_sf(
            statistic[shifted], df[shifted], noncentrality[shifted]
        )
    return pvalue


def _distance_bound(
    reference: FloatArray, current: FloatArray, tolerance: float
) -> FloatArray:
    plain, noise, _, size = _distance_and_noise(reference, current)
    beyond = np.maximum(plain - noise - tolerance, 0.0)
    resolved = (size * tolerance**2 > _RESOLVED) & (noise < tolerance)
    return np.where(resolved, np.exp(-2.0 * size * beyond**2), 0.0)


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
    # Cells of equal size stay together: to part them by their place would part those
    # that only one of the samples has.
    _, size_class = np.unique(expected[cells], return_inverse=True)
    reached = np.cumsum(np.bincount(size_class, weights=expected[cells]))
    others = np.flatnonzero(expected >= min_expected)
    limit = max(_GROUPS_OF_RARE_CELLS, others.size)
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
    plain, noise, spread, size = _distance_and_noise(ref, cur)
    half = np.sqrt(np.log(2.0 / beta) / (2.0 * size))
    low = np.clip(plain - noise - half, 0.0, 1.0)
    high = np.clip(_unfold(plain + half, spread), 0.0, 1.0)
    value = np.clip(plain - noise, 0.0, 1.0)
    return Effect(
        value=value,
        low=low,
        high=np.maximum(high, value),
        direction=np.zeros(plain.shape, dtype=np.int8),
        pvalue=np.full(plain.shape, np.nan),
    )


def _distance_and_noise(
    reference: FloatArray, current: FloatArray
) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
    """Plain total variation, its null mean, half the sum of the s_j, and N."""
    n, p = shares(reference)
    m, q = shares(current)
    _, h = shares(reference + current)
    known = (n > 0) & (m > 0)
    size = np.where(known, n, np.nan) / np.where(known, n + m, 1.0) * m
    plain = 0.5 * np.abs(p - q).sum(axis=1)
    spread = 0.5 * np.sqrt(np.maximum(h * (1.0 - h), 0.0)).sum(axis=1) / np.sqrt(size)
    return plain, np.sqrt(2.0 / np.pi) * spread, spread, size


def _unfold(mean: FloatArray, spread: FloatArray) -> FloatArray:
    """Find x with E|x + spread Z| = mean; 0 where noise alone exceeds it."""
    noisy = spread > 0
    target = np.divide(mean, spread, out=np.zeros_like(mean), where=noisy)
    r = target.copy()
    for _ in range(_NEWTON_STEPS):
        density = np.sqrt(2.0 / np.pi) * np.exp(-0.5 * r * r)
        slope = 2.0 * special.ndtr(r) - 1.0
        r = np.maximum(r - (density + r * slope - target) / np.maximum(slope, 0.01), 0)
    return np.where(noisy, spread * r, mean)
