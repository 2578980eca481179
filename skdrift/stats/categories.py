"""Pearson's two-sample test on cells without an order."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from skdrift.exceptions import ParameterError
from skdrift.stats import hypergeometric
from skdrift.stats.counts import CountTest, FloatArray, check_counts, check_shares
from skdrift.stats.multiplicity import combine_pvalues
from skdrift.stats.quadratic import noncentral_chi2_sf
from skdrift.stats.rare_cells import pool_rare_cells
from skdrift.stats.variation import distance_and_noise, is_resolved

_SMALL = 0.06
_FEW_ROWS = 25.0


def chi_square(
    reference: ArrayLike,
    current: ArrayLike,
    *,
    min_expected: float = 5.0,
    tolerance: ArrayLike = 0.0,
) -> CountTest:
    r"""Pearson's chi-square test of two samples on cells without an order.

    Cells that expect fewer than `min_expected` rows in the smaller sample are put
    together. If they are 30 or more, with 100 or more rows in each sample, that is
    one cell, and the proportions among them are tested apart: Pearson's statistic
    of many sparse cells against a gamma variable with its exact first two moments
    to leading order, combined with the other p-value by `combine_pvalues`. If they
    are fewer, they are put together, in the order of their pooled counts, into
    groups that expect about twice `min_expected`, or one if they are too few for
    that: at most ten groups, or as many as there are other cells. All this looks at
    pooled counts only, so the null law is that of the table that results. When two
    cells are left the p-value is Fisher's exact one; when one is left there is
    nothing to test and it is 1.

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
    resolves the tolerance, and the p-value is McDiarmid's bound for it, which holds
    for every change within the tolerance, in one level or spread over all.

    Parameters
    ----------
    reference, current : array-like of int, shape (p, c)
        Counts; the order of cells does not matter.
    min_expected : float, default=5
        Smallest expected count of a cell of its own.
    tolerance : float or array-like of shape (p,), default=0
        Total variation distance that the null hypothesis allows.

    Returns
    -------
    CountTest
        `statistic` is that of the table in which rare cells are put together; larger
        = further apart. NaN where a sample has no rows.

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
    tolerance = check_shares(tolerance, "tolerance")
    if not min_expected > 0:
        raise ParameterError(f"min_expected must be positive, got {min_expected!r}.")
    *pair, rare_pvalue = pool_rare_cells(ref, cur, min_expected, tolerance)
    table = _Table.of(*pair)
    statistic, pvalue = table.pearson(tolerance)
    tested = np.isfinite(rare_pvalue)
    alone = tested & (table.n_cells < 2)
    both = np.flatnonzero(tested & ~alone)
    pvalue[alone] = rare_pvalue[alone]
    pvalue[both] = combine_pvalues([pvalue[both], rare_pvalue[both]])
    if tolerance.any():
        resolved, bound = _distance_bound(ref, cur, tolerance)
        pvalue = np.where(resolved, bound, pvalue)
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

    def pearson(self, tolerance: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Statistic and p-value; 1 where fewer than two cells are occupied."""
        contributions = self.contributions()
        statistic = contributions.sum(axis=1)
        added = self.size * self.tolerated(tolerance)
        pvalue = _chi2_tail(statistic, self.n_cells - 1, added)
        small = np.flatnonzero((pvalue < _SMALL) & (self.n_cells > 2))
        if small.size:
            excess = self.rows(small).excess_of_largest(contributions[small])
            pvalue[small] = _chi2_tail(
                statistic[small] - excess, self.n_cells[small] - 1, added[small]
            )
        two = np.flatnonzero(self.n_cells == 2)
        if two.size:
            exact = self.rows(two).exact_two_cells()
            bound = np.where(added[two] > 0, pvalue[two], 0.0)
            pvalue[two] = np.maximum(bound, exact)
        return statistic, np.where(self.n_cells > 1, pvalue, 1.0)

    def contributions(self) -> FloatArray:
        difference = self.current / self.m[:, None] - self.reference / self.n[:, None]
        square = difference**2 * (self.n * self.m)[:, None]
        return np.divide(
            square, self.pooled, out=np.zeros_like(square), where=self.pooled > 0
        )

    def tolerated(self, tolerance: FloatArray) -> FloatArray:
        share = self.pooled / (self.n + self.m)[:, None]
        moved = np.minimum(share, tolerance.reshape(-1, 1)) ** 2
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
    reference: FloatArray, current: FloatArray, tolerance: FloatArray
) -> tuple[NDArray[np.bool_], FloatArray]:
    plain, noise, _, size = distance_and_noise(reference, current)
    beyond = np.maximum(plain - noise - tolerance, 0.0)
    return is_resolved(size, noise, tolerance), np.exp(-2.0 * size * beyond**2)
