"""Two-sample tests and effects on ordered cells.

A column is a row of counts over cells in increasing order. Values within a cell
are tied; a value that repeats is a cell of its own. Every null law here is
conditional on the pooled counts, so ties are part of it: what is random is only
which rows of the pooled sample became the current one. Cells that are empty in
both samples change nothing.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

from skdrift.stats import hypergeometric
from skdrift.stats.counts import (
    CountTest,
    Effect,
    FloatArray,
    check_counts,
    check_share,
    shares,
)
from skdrift.stats.multiplicity import combine_pvalues
from skdrift.stats.quadratic import noncentral_chi2_sf, weighted_chi2_sf

_N_EIGENVALUES = 5
_RARE_ROWS = 10.0
_MAX_KURTOSIS = 0.5
_RESOLVED = 10.0
_DENOMINATOR = 70.0
# Squared length of a difference, over its squared Kolmogorov-Smirnov distance d, as
# (at d -> 0, growth with d): for a shift and a change of scale of a normal, at the
# worst proportion of the sample sizes.
_AD_SHIFT, _AD_SCALE, _SMOOTH = (3.02, 0.8), (4.62, 15.0), (30.6, 135.0)


def anderson_darling(
    reference: ArrayLike, current: ArrayLike, *, tolerance: float = 0.0
) -> CountTest:
    r"""Two-sample Anderson-Darling test on ordered cells.

    .. math:: A^2 = \frac{T-1}{T} \frac{nm}{T} \sum_j h_j
        \frac{(F_j - G_j)^2}{H_j (1 - H_j) - h_j / 4}, \quad T = n + m,

    with mid-rank distribution functions F, G, H of reference, current and pooled
    sample and h the pooled shares: the mid-rank form of Scholz and Stephens (1987),
    before normalisation. Its denominator is the variance of the numerator at every
    cell, so that its mean is exactly 1 whatever the ties and the sample sizes, which
    the right-continuous form has not.

    Given the pooled counts, the null law of equal distributions tends to
    :math:`\sum \lambda_i \chi^2_1` with the eigenvalues of the covariance of the
    scores between cells (1/2, 1/6, 1/12, ... without ties). The leading ones are
    computed, the others enter by their sum and sum of squares.

    Where fewer than ten rows off the most frequent cell are expected in the smaller
    sample that limit is far, and the p-value is not taken below Fisher's exact one
    for this cell against all others.

    Parameters
    ----------
    reference, current : array-like of int, shape (p, c)
        Counts over ordered cells.
    tolerance : float, default=0
        The null hypothesis is a shift or a change of scale with a
        Kolmogorov-Smirnov distance of at most this. The noncentrality is that of a
        normal column: of its shift on the leading term, and what its change of
        scale has beyond that on the second.

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
    """
    pooled = _Pooled.of(*check_counts(reference, current))
    tolerance = check_share(tolerance, "tolerance")
    return pooled.answer(*_anderson_darling(pooled, tolerance))


def smooth(
    reference: ArrayLike,
    current: ArrayLike,
    *,
    n_terms: int = 4,
    tolerance: float = 0.0,
) -> CountTest:
    r"""Neyman's smooth test of two samples on ordered cells.

    The pooled mid-ranks H, as 2H - 1, are put into the first Legendre polynomials;
    with :math:`\Delta` the difference of their means between the samples and V their
    covariance in the pooled one,

    .. math:: S = \frac{T-1}{T} \frac{nm}{T}\, \Delta^T V^{+} \Delta,

    which under the null hypothesis of equal distributions tends to chi-square with
    rank(V) degrees of freedom. The four terms answer to location, spread, asymmetry
    and tails: the test sees changes that Anderson-Darling's is weak for.

    Directions that a few rare rows make (their fourth moment is above half the rows
    of the smaller sample) are left out, since their means are not normal, and the
    p-value has the same lower bound as that of `anderson_darling`.

    Parameters
    ----------
    reference, current : array-like of int, shape (p, c)
        Counts over ordered cells.
    n_terms : int, default=4
        Number of polynomials.
    tolerance : float, default=0
        The null hypothesis is a shift or a change of scale with a
        Kolmogorov-Smirnov distance of at most this; the noncentrality is that of a
        normal column.

    Returns
    -------
    CountTest
        Larger = further apart. Statistic 0 and p-value 1 where no direction is left;
        NaN where a sample has no rows.

    Raises
    ------
    ParameterError
        If the counts or the tolerance are out of their range.

    References
    ----------
    Neyman, J. (1937). "Smooth test" for goodness of fit. Skandinavisk
    Aktuarietidskrift 20, 149-199.
    """
    pooled = _Pooled.of(*check_counts(reference, current))
    tolerance = check_share(tolerance, "tolerance")
    return pooled.answer(*_smooth(pooled, n_terms, tolerance))


def kolmogorov_smirnov(
    reference: ArrayLike,
    current: ArrayLike,
    *,
    confidence: float = 0.95,
    tolerance: float = 0.0,
) -> Effect:
    r"""Kolmogorov-Smirnov distance on the boundaries of ordered cells.

    The interval inverts the two-sample law,
    :math:`d \pm \sqrt{-\tfrac12 \ln(\beta/2) / N}` with N = nm/(n+m). The p-value is
    that of "the distance is at most `tolerance`": the asymptotic tail, with Stephens'
    correction for small samples, of d - tolerance, which no truth within the
    tolerance exceeds. Ties make it conservative.

    Parameters
    ----------
    reference, current : array-like of int, shape (p, c)
        Counts over ordered cells.
    confidence : float, default=0.95
        Level of the interval, 1 - beta.
    tolerance : float, default=0
        Largest distance that the null hypothesis allows.

    Returns
    -------
    Effect
        In [0, 1]; larger = further apart. `direction` is 1 where the current sample
        is the higher one at the largest difference. NaN where a sample has no rows.

    Raises
    ------
    ParameterError
        If the counts, the confidence or the tolerance are out of their range.
    """
    pooled = _Pooled.of(*check_counts(reference, current))
    beta = 1.0 - check_share(confidence, "confidence")
    tolerance = check_share(tolerance, "tolerance")
    distance, direction = _largest_difference(pooled)
    half = np.sqrt(-0.5 * np.log(0.5 * beta) / pooled.size)
    return Effect(
        value=distance,
        low=np.maximum(distance - half, 0.0),
        high=np.minimum(distance + half, 1.0),
        direction=direction,
        pvalue=_kolmogorov_tail(distance - tolerance, pooled.size),
    )


def distribution_change(
    reference: ArrayLike, current: ArrayLike, *, tolerance: float = 0.0
) -> CountTest:
    """Has the distribution over ordered cells changed by more than the tolerance?

    `anderson_darling` and `smooth` on the same counts, combined by
    `combine_pvalues`. With N tolerance² above 10 the samples are so large that the
    Kolmogorov-Smirnov distance itself tells a change beyond the tolerance from one
    within it, whatever its shape; the p-value is then not taken below the one of
    `kolmogorov_smirnov`.

    Parameters
    ----------
    reference, current : array-like of int, shape (p, c)
        Counts over ordered cells.
    tolerance : float, default=0
        Kolmogorov-Smirnov distance that the null hypothesis allows.

    Returns
    -------
    CountTest
        `statistic` is Anderson-Darling's; NaN where a sample has no rows.

    Raises
    ------
    ParameterError
        If the counts or the tolerance are out of their range.
    """
    pooled = _Pooled.of(*check_counts(reference, current))
    tolerance = check_share(tolerance, "tolerance")
    statistic, first = _anderson_darling(pooled, tolerance)
    _, second = _smooth(pooled, 4, tolerance)
    pvalue = combine_pvalues(np.stack([first, second]))
    resolved = np.nan_to_num(pooled.size) * tolerance**2 > _RESOLVED
    if resolved.any():
        distance, _ = _largest_difference(pooled)
        bound = _kolmogorov_tail(distance - tolerance, pooled.size)
        pvalue = np.where(resolved, np.maximum(pvalue, bound), pvalue)
    return pooled.answer(statistic, pvalue)


@dataclass(frozen=True, slots=True)
class _Pooled:
    """The pooled sample of each feature, and the difference of the two."""

    n: FloatArray  # (p,) rows of the reference
    m: FloatArray  # (p,) rows of the current sample
    size: FloatArray  # (p,) n m / (n + m)
    share: FloatArray  # (p, c) pooled share of each cell, 0 in an empty table
    below: FloatArray  # (p, c) pooled share below the middle of the cell
    variance: FloatArray  # (p, c) variance of a row's score "below the middle"
    gap: FloatArray  # (p, c) share in reference minus share in current
    difference: FloatArray  # (p, c) the gap, summed up to the middle of the cell
    floor: FloatArray  # (p,) lower bound of p-values where few rows can differ

    @classmethod
    def of(cls, reference: FloatArray, current: FloatArray) -> _Pooled:
        n, reference_share = shares(reference)
        m, current_share = shares(current)
        pooled = reference + current
        total = np.maximum(n + m, 1.0)
        share = pooled / total[:, None]
        upper = np.minimum(np.cumsum(pooled, axis=1) / total[:, None], 1.0)
        lower = np.maximum(upper - share, 0.0)
        gap = reference_share - current_share
        variance = lower * (1 - lower) + upper * (1 - upper) + 2 * lower * (1 - upper)
        return cls(
            n=n,
            m=m,
            size=np.where((n > 0) & (m > 0), n / total * m, np.nan),
            share=share,
            below=0.5 * (lower + upper),
            # H (1 - H) - h / 4 as a sum of positive terms, so without cancellation.
            variance=0.25 * variance,
            gap=gap,
            difference=np.cumsum(gap, axis=1) - 0.5 * gap,
            floor=_rare_rows_floor(pooled, current),
        )

    def answer(self, statistic: FloatArray, pvalue: FloatArray) -> CountTest:
        return CountTest(
            statistic=statistic,
            pvalue=np.maximum(pvalue, self.floor),
            n_reference=self.n.astype(np.int64),
            n_current=self.m.astype(np.int64),
        )


def _rare_rows_floor(pooled: FloatArray, current: FloatArray) -> FloatArray:
    total, m = pooled.sum(axis=1), current.sum(axis=1)
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


def _anderson_darling(
    pooled: _Pooled, tolerance: float
) -> tuple[FloatArray, FloatArray]:
    weight = np.divide(
        pooled.share,
        pooled.variance,
        out=np.zeros_like(pooled.share),
        where=pooled.variance > 0,
    )
    correction = 1.0 - 1.0 / np.maximum(pooled.n + pooled.m, 1.0)
    statistic = correction * pooled.size * (weight * pooled.difference**2).sum(axis=1)
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
    size: FloatArray, eigenvalues: FloatArray, tolerance: float
) -> FloatArray:
    """What the tolerated change adds to the terms of Anderson-Darling's law.

    Parameters
    ----------
    size : ndarray of shape (p,)
        n m / (n + m).
    eigenvalues : ndarray of shape (p, r)
        Weights of the terms, falling.
    tolerance : float
        Kolmogorov-Smirnov distance.

    Returns
    -------
    ndarray of shape (p, r)
    """
    result = np.zeros_like(eigenvalues)
    if tolerance == 0.0:
        return result
    shift = _squared_length(_AD_SHIFT, tolerance) * np.nan_to_num(size)
    scale = _squared_length(_AD_SCALE, tolerance) * np.nan_to_num(size)
    one = eigenvalues[:, 1] < 1e-3 * eigenvalues[:, 0]
    lengths = (np.where(one, scale, shift), np.where(one, 0.0, scale - shift))
    for k, length in enumerate(lengths):
        np.divide(
            length, eigenvalues[:, k], out=result[:, k], where=eigenvalues[:, k] > 0
        )
    return result


def _squared_length(coefficients: tuple[float, float], distance: float) -> float:
    at_zero, growth = coefficients
    return (at_zero + growth * min(distance, 0.3)) * distance**2


def _eigenvalues(pooled: _Pooled, weight: FloatArray) -> FloatArray:
    """Largest eigenvalues of the covariance M of the weighted scores, (p, r)."""
    root = np.sqrt(weight)
    # The Legendre functions G solve the case without ties; the quotients of
    # G' M M G and G' M G are those of M on the span of G after half a power step.
    _, start = _legendre(pooled.below, _N_EIGENVALUES)
    start *= (root * pooled.variance)[:, None]
    image = _covariance_times(pooled, root, start)
    transposed = np.swapaxes(image, 1, 2)
    below, above = start @ transposed, image @ transposed
    # Few cells span fewer dimensions than there are functions.
    scale = _inverse_root(np.einsum("pii->pi", below))
    scale = scale[:, :, None] * scale[:, None, :]
    values, vectors = np.linalg.eigh(below * scale)
    whiten = vectors * _inverse_root(values)[:, None, :]
    reduced = np.swapaxes(whiten, 1, 2) @ (above * scale) @ whiten
    return np.maximum(np.linalg.eigvalsh(reduced)[:, ::-1], 0.0)


def _inverse_root(values: FloatArray) -> FloatArray:
    """1 / sqrt, and 0 where a value is rounding error beside the largest."""
    floor = 1e-10 * values.max(axis=1, keepdims=True)
    kept = (values > floor) & (values > 0)
    return np.where(kept, 1.0 / np.sqrt(np.where(kept, values, 1.0)), 0.0)


def _covariance_times(
    pooled: _Pooled, root: FloatArray, vectors: FloatArray
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


def _trace_of_square(pooled: _Pooled, weight: FloatArray) -> FloatArray:
    below = pooled.below
    left = np.cumsum(weight * below**2, axis=1)
    pairs = (weight[:, 1:] * (1.0 - below[:, 1:]) ** 2 * left[:, :-1]).sum(axis=1)
    return 2.0 * pairs + ((weight * pooled.variance) ** 2).sum(axis=1)


def _smooth(
    pooled: _Pooled, n_terms: int, tolerance: float
) -> tuple[FloatArray, FloatArray]:
    scores, _ = _legendre(pooled.below, n_terms)
    scores *= np.sqrt(2.0 * np.arange(1, n_terms + 1) + 1.0)[:, None]
    scores -= scores @ pooled.share[:, :, None]
    weighted = scores * pooled.share[:, None]
    values, vectors = np.linalg.eigh(weighted @ np.swapaxes(scores, 1, 2))
    known = values > 1e-9
    vectors = vectors / np.sqrt(np.where(known, values, 1.0))[:, None, :]
    scores = np.swapaxes(vectors, 1, 2) @ scores
    fourth = np.square(np.square(scores)) @ pooled.share[:, :, None]
    smaller = np.minimum(pooled.n, pooled.m)
    kept = known & (fourth[:, :, 0] <= _MAX_KURTOSIS * smaller[:, None])
    scores *= kept[:, :, None]
    delta = (scores @ pooled.gap[:, :, None])[:, :, 0]
    correction = 1.0 - 1.0 / np.maximum(pooled.n + pooled.m, 1.0)
    statistic = correction * pooled.size * np.square(delta).sum(axis=1)
    rank = kept.sum(axis=1)
    normal = _as_if_normal(statistic, _skewness(pooled, scores))
    if tolerance == 0.0:
        pvalue = special.chdtrc(np.maximum(rank, 1), normal)
    else:
        length = _squared_length(_SMOOTH, tolerance) * np.nan_to_num(pooled.size)
        pvalue = noncentral_chi2_sf(normal, rank, length)
    return statistic, np.where(rank > 0, pvalue, 1.0 + 0.0 * statistic)


def _skewness(pooled: _Pooled, scores: FloatArray) -> FloatArray:
    """Mardia's skewness of the difference of the two means of the scores."""
    p, k, c = scores.shape
    pairs = (scores[:, :, None] * scores[:, None]).reshape(p, k * k, c)
    third = pairs @ np.swapaxes(scores * pooled.share[:, None], 1, 2)
    # The third cumulant of a mean falls with the square of its rows; that of a
    # difference of two means is 0 where they have as many.
    smaller, larger = np.minimum(pooled.n, pooled.m), np.maximum(pooled.n, pooled.m)
    total = np.maximum(pooled.n + pooled.m, 1.0)
    balance = (1.0 - smaller / np.maximum(larger, 1.0)) ** 2 * larger / total
    return np.square(third).sum(axis=(1, 2)) * balance / np.maximum(smaller, 1.0)


def _as_if_normal(statistic: FloatArray, skewness: FloatArray) -> FloatArray:
    # Means of few skewed rows leave the normal tail; the tail of a ratio with
    # _DENOMINATOR / skewness degrees of freedom below follows them (simulated).
    bend = skewness / _DENOMINATOR
    return np.log1p(bend * statistic) / np.where(bend > 1e-12, bend, 1.0) + np.where(
        bend > 1e-12, 0.0, statistic
    )


def _legendre(below: FloatArray, degree: int) -> tuple[FloatArray, FloatArray]:
    """Legendre polynomials of 2H - 1 of degrees 1 to `degree`, and derivatives."""
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


def _largest_difference(pooled: _Pooled) -> tuple[FloatArray, np.ndarray]:
    at_boundaries = pooled.difference + 0.5 * pooled.gap
    place = np.argmax(np.abs(at_boundaries), axis=1)
    largest = at_boundaries[np.arange(place.size), place]
    # More of the reference below a boundary: the current sample is the higher one.
    direction = np.where(np.abs(largest) > 1e-12, np.sign(largest), 0.0)
    return np.minimum(np.abs(largest), 1.0), np.nan_to_num(direction).astype(np.int8)


def _kolmogorov_tail(distance: FloatArray, size: FloatArray) -> FloatArray:
    root = np.sqrt(size)
    return special.kolmogorov(np.maximum(distance, 0.0) * (root + 0.12 + 0.11 / root))
