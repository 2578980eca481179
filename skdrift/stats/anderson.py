"""Anderson and Darling's two-sample test on ordered cells."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from skdrift.stats.counts import CountTest, FloatArray, check_counts, check_shares
from skdrift.stats.pooled import PooledSample, legendre, squared_length
from skdrift.stats.quadratic import weighted_chi2_sf

_N_EIGENVALUES = 5
# Of a normal column, at the worst proportion of the sample sizes.
SHIFT, _SCALE = (3.02, 0.8), (4.62, 15.0)


def anderson_darling(
    reference: ArrayLike, current: ArrayLike, *, tolerance: ArrayLike = 0.0
) -> CountTest:
    r"""Two-sample Anderson-Darling test on ordered cells.

    .. math:: A^2 = \frac{T-1}{T} \frac{nm}{T} \sum_j h_j
        \frac{(F_j - G_j)^2}{H_j (1 - H_j) - h_j / 4}, \quad T = n + m,

    with mid-rank distribution functions F, G, H of reference, current and pooled
    sample and h the pooled shares: the mid-rank form of Scholz and Stephens (1987),
    before normalisation. Its denominator is the variance of the numerator at every
    cell, so that its mean is exactly 1 whatever the ties and the sample sizes; the
    mean of the right-continuous form depends on both.

    Given the pooled counts, the law under equal distributions tends to
    :math:`\sum \lambda_i \chi^2_1` with the eigenvalues of the covariance of the
    scores between cells (1/2, 1/6, 1/12, ... without ties). The leading ones are
    computed, the others enter by their sum and their sum of squares.

    Where fewer than ten rows off the most frequent cell are expected in the smaller
    sample that limit is far, and the p-value is not taken below Fisher's exact one
    for this cell against all others.

    Parameters
    ----------
    reference, current : array-like of int, shape (p, c)
        Counts over ordered cells.
    tolerance : float or array-like of shape (p,), default=0
        The null hypothesis is a shift or a change of scale with a
        Kolmogorov-Smirnov distance of at most this. The noncentrality is that of a
        normal column: of its shift on the leading term, and what its change of
        scale has beyond that on the second. Where nm/(n+m) times the squared
        tolerance is above 4 the p-value is that of `contact_set`, which holds for
        every shape of a change.

    Returns
    -------
    CountTest
        Larger = further apart. A column with one occupied cell has statistic 0 and
        p-value 1; NaN where a sample has no rows.

    Raises
    ------
    ParameterError
        If the counts or the tolerance are out of their range.

    References
    ----------
    Scholz, F. W. and Stephens, M. A. (1987). K-sample Anderson-Darling tests.
    Journal of the American Statistical Association 82, 918-924.

    Examples
    --------
    >>> from skdrift.stats import anderson_darling
    >>> result = anderson_darling([[40, 30, 20, 10]], [[10, 20, 30, 40]])
    >>> f"{result.statistic[0]:.2f}, p = {result.pvalue[0]:.1e}"
    '29.67, p = 3.6e-10'
    """
    pooled = PooledSample.of(*check_counts(reference, current))
    tolerance = check_shares(tolerance, "tolerance")
    return pooled.answer(*statistic_and_pvalue(pooled, tolerance), tolerance)


def statistic_and_pvalue(
    pooled: PooledSample, tolerance: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Statistic and p-value, before the lower bounds of the pooled sample."""
    weight = np.divide(
        pooled.share,
        pooled.variance,
        out=np.zeros_like(pooled.share),
        where=pooled.variance > 0,
    )
    distance = (weight * pooled.difference**2).sum(axis=1)
    statistic = pooled.finite * pooled.size * distance
    eigenvalues = _eigenvalues(pooled, weight)
    rest_mean = (weight * pooled.variance).sum(axis=1) - eigenvalues.sum(axis=1)
    rest_square = _trace_of_square(pooled, weight) - (eigenvalues**2).sum(axis=1)
    pvalue = weighted_chi2_sf(
        statistic,
        eigenvalues,
        noncentrality=noncentrality(pooled.size, eigenvalues, tolerance),
        rest_mean=rest_mean,
        rest_variance=2.0 * rest_square,
    )
    return statistic, pvalue


def noncentrality(
    size: FloatArray, eigenvalues: FloatArray, tolerance: FloatArray
) -> FloatArray:
    """Give what the tolerated change adds to the terms of the law.

    Parameters
    ----------
    size : ndarray of shape (p,)
        n m / (n + m).
    eigenvalues : ndarray of shape (p, r)
        Weights of the terms, falling.
    tolerance : ndarray of shape () or (p,)
        Kolmogorov-Smirnov distance.

    Returns
    -------
    ndarray of shape (p, r)
    """
    result = np.zeros(eigenvalues.shape)
    if not tolerance.any():
        return result
    shift = squared_length(SHIFT, tolerance) * np.nan_to_num(size)
    scale = squared_length(_SCALE, tolerance) * np.nan_to_num(size)
    one = eigenvalues[:, 1] < 1e-3 * eigenvalues[:, 0]
    lengths = (np.where(one, scale, shift), np.where(one, 0.0, scale - shift))
    for k, length in enumerate(lengths):
        positive = (eigenvalues[:, k] > 0) & (length > 0)
        np.divide(length, eigenvalues[:, k], out=result[:, k], where=positive)
    return result


def _eigenvalues(pooled: PooledSample, weight: FloatArray) -> FloatArray:
    """Largest eigenvalues of the covariance M of the weighted scores, (p, r)."""
    root = np.sqrt(weight)
    # The Legendre functions G solve the case without ties; the quotients of
    # G' M M G and G' M G are those of M on the span of G after half a power step.
    _, start = legendre(pooled.below, _N_EIGENVALUES)
    start *= (root * pooled.variance)[:, None]
    image = _covariance_times(pooled, root, start)
    transposed = np.swapaxes(image, 1, 2)
    once, twice = start @ transposed, image @ transposed
    # Few cells span fewer dimensions than there are functions.
    scale = _inverse_root(np.einsum("pii->pi", once))
    scale = scale[:, :, None] * scale[:, None, :]
    values, vectors = np.linalg.eigh(once * scale)
    whiten = vectors * _inverse_root(values)[:, None, :]
    reduced = np.swapaxes(whiten, 1, 2) @ (twice * scale) @ whiten
    eigenvalues = np.linalg.eigvalsh(reduced)[:, ::-1]
    return np.asarray(np.maximum(eigenvalues, 0.0), dtype=np.float64)


def _inverse_root(values: FloatArray) -> FloatArray:
    """1 / sqrt, and 0 where a value is rounding error beside the largest."""
    floor = 1e-10 * values.max(axis=1, keepdims=True)
    kept = (values > floor) & (values > 0)
    return np.where(kept, 1.0 / np.sqrt(np.where(kept, values, 1.0)), 0.0)


def _covariance_times(
    pooled: PooledSample, root: FloatArray, vectors: FloatArray
) -> FloatArray:
    # The covariance of the scores at i < j is H_i (1 - H_j), so that its product
    # with a vector is two cumulative sums.
    lower = (root * pooled.below)[:, None]
    upper = root[:, None] - lower
    left = np.cumsum(lower * vectors, axis=2)
    right = np.cumsum(upper * vectors, axis=2)
    np.subtract(right[:, :, -1:], right, out=right)
    left *= upper
    right *= lower
    left += right
    left -= (0.25 * pooled.share * root**2)[:, None] * vectors
    return left


def _trace_of_square(pooled: PooledSample, weight: FloatArray) -> FloatArray:
    below = pooled.below
    left = np.cumsum(weight * below**2, axis=1)
    pairs = (weight[:, 1:] * (1.0 - below[:, 1:]) ** 2 * left[:, :-1]).sum(axis=1)
    own = ((weight * pooled.variance) ** 2).sum(axis=1)
    return np.asarray(2.0 * pairs + own, dtype=np.float64)
