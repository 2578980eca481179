"""The pooled sample over ordered cells, on which every ordered test is built.

A column is a row of counts over cells in increasing order. Values within a cell
are tied; a value that repeats is a cell of its own. Every null law is conditional
on the pooled counts, so ties are part of it: what is random is only which rows of
the pooled sample became the current one. Cells that are empty in both samples
change nothing.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import special

from skdrift.stats import hypergeometric
from skdrift.stats.contact import contact_tail
from skdrift.stats.counts import CountTest, FloatArray, shares

_RARE_ROWS = 10.0
_RESOLVED = 4.0


@dataclass(frozen=True, slots=True)
class PooledSample:
    """Both samples of each feature, cell by cell.

    Attributes
    ----------
    n, m : ndarray of shape (p,)
        Rows of the reference and of the current sample.
    size : ndarray of shape (p,)
        n m / (n + m); NaN where a sample has no rows.
    finite : ndarray of shape (p,)
        1 - 1 / (n + m): the variance of a mean of rows that are drawn without
        replacement, over its limit.
    share : ndarray of shape (p, c)
        Pooled share of each cell; 0 where there are no rows.
    below : ndarray of shape (p, c)
        Pooled share below the middle of the cell: its mid-rank.
    variance : ndarray of shape (p, c)
        Variance over the pooled rows of "below the middle of the cell".
    gap : ndarray of shape (p, c)
        Share in the reference minus share in the current sample.
    difference : ndarray of shape (p, c)
        The gap, summed up to the middle of the cell.
    floor : ndarray of shape (p,)
        Lower bound of p-values where only few rows can differ.
    """

    n: FloatArray
    m: FloatArray
    size: FloatArray
    finite: FloatArray
    share: FloatArray
    below: FloatArray
    variance: FloatArray
    gap: FloatArray
    difference: FloatArray
    floor: FloatArray

    @classmethod
    def of(cls, reference: FloatArray, current: FloatArray) -> PooledSample:
        """Pool two matrices of counts of one shape (p, c)."""
        n, reference_share = shares(reference)
        m, current_share = shares(current)
        pooled = reference + current
        total = np.maximum(n + m, 1.0)
        share = pooled / total[:, None]
        upper = np.cumsum(pooled, axis=1) / total[:, None]
        lower = np.maximum(upper - share, 0.0)
        gap = reference_share - current_share
        # H (1 - H) - h / 4 as a sum of positive terms, so without cancellation.
        variance = lower * (1 - lower) + upper * (1 - upper) + 2 * lower * (1 - upper)
        return cls(
            n=n,
            m=m,
            size=np.where((n > 0) & (m > 0), n / total * m, np.nan),
            finite=1.0 - 1.0 / total,
            share=share,
            below=0.5 * (lower + upper),
            variance=0.25 * variance,
            gap=gap,
            difference=np.cumsum(gap, axis=1) - 0.5 * gap,
            floor=_rare_rows_floor(pooled, current),
        )

    def answer(
        self, statistic: FloatArray, pvalue: FloatArray, tolerance: FloatArray
    ) -> CountTest:
        """Give the result, its p-value not below what holds in any case.

        That is Fisher's p-value where few rows lie off the most frequent cell. In
        samples so large that the Kolmogorov-Smirnov distance itself resolves the
        tolerance the p-value is that of the contact sets: it holds for every shape
        of a change, and the noncentral laws of one shape then find far less of the
        others.
        """
        resolved = np.nan_to_num(self.size) * tolerance**2 > _RESOLVED
        if resolved.any():
            pvalue = pvalue.copy()
            own = np.broadcast_to(tolerance, self.size.shape)[resolved]
            pvalue[resolved] = self._contact_tail(resolved, own)
        return CountTest(
            statistic=statistic,
            pvalue=np.maximum(pvalue, self.floor),
            n_reference=self.n.astype(np.int64),
            n_current=self.m.astype(np.int64),
        )

    def _contact_tail(
        self, rows: NDArray[np.bool_], tolerance: FloatArray
    ) -> FloatArray:
        n, m, share, gap = self.n[rows], self.m[rows], self.share[rows], self.gap[rows]
        before = share + (m / (n + m))[:, None] * gap
        return contact_tail(before, before - gap, n, m, tolerance)[1]

    def largest_difference(self) -> tuple[FloatArray, NDArray[np.int8]]:
        """Kolmogorov-Smirnov distance, and 1 where the current sample is higher."""
        at_boundaries = self.difference + 0.5 * self.gap
        place = np.argmax(np.abs(at_boundaries), axis=1)
        largest = at_boundaries[np.arange(place.size), place]
        # More of the reference below a boundary: the current sample is the higher.
        sign = np.where(np.abs(largest) > 1e-12, np.sign(largest), 0.0)
        return np.minimum(np.abs(largest), 1.0), np.nan_to_num(sign).astype(np.int8)


def kolmogorov_tail(distance: FloatArray, size: FloatArray) -> FloatArray:
    """Asymptotic two-sample tail with Stephens' correction for small samples."""
    root = np.sqrt(size)
    scaled = np.maximum(distance, 0.0) * (root + 0.12 + 0.11 / root)
    return np.asarray(special.kolmogorov(scaled), dtype=np.float64)


def squared_length(
    coefficients: tuple[float, float], distance: FloatArray
) -> FloatArray:
    """Squared length of a change with a Kolmogorov-Smirnov distance.

    `coefficients` are the ratio to the squared distance when it is small, and the
    growth of the ratio with the distance.
    """
    at_zero, growth = coefficients
    return np.asarray((at_zero + growth * np.minimum(distance, 0.3)) * distance**2)


def legendre(below: FloatArray, degree: int) -> tuple[FloatArray, FloatArray]:
    """Legendre polynomials of 2H - 1, degrees 1 to `degree`, and derivatives.

    Parameters
    ----------
    below : ndarray of shape (p, c)
        H, in [0, 1].
    degree : int
        At least 1.

    Returns
    -------
    values, slopes : ndarray of shape (p, degree, c)
    """
    x = 2.0 * below - 1.0
    values = np.empty((x.shape[0], degree + 1, x.shape[1]))
    slopes = np.empty_like(values)
    values[:, 0], values[:, 1] = 1.0, x
    slopes[:, 0], slopes[:, 1] = 0.0, 1.0
    for k in range(1, degree):
        values[:, k + 1] = (2 * k + 1) * x * values[:, k] - k * values[:, k - 1]
        values[:, k + 1] /= k + 1
        slopes[:, k + 1] = slopes[:, k - 1] + (2 * k + 1) * values[:, k]
    return values[:, 1:], slopes[:, 1:]


def _rare_rows_floor(pooled: FloatArray, current: FloatArray) -> FloatArray:
    total, m = pooled.sum(axis=1), current.sum(axis=1)
    if pooled.shape[1] == 0:
        return np.zeros(total.shape)
    mode = np.argmax(pooled, axis=1)
    rows = np.arange(mode.size)
    off_mode = total - pooled[rows, mode]
    smaller = np.minimum(m, total - m)
    floor = np.zeros(mode.shape)
    rare = np.flatnonzero((off_mode * smaller < _RARE_ROWS * total) & (smaller > 0))
    if rare.size:
        floor[rare] = hypergeometric.two_sided(
            (m - current[rows, mode])[rare], off_mode[rare], m[rare], total[rare]
        )
    return floor
