"""Neyman's smooth test of two samples on ordered cells."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

from skdrift.exceptions import ParameterError
from skdrift.stats.counts import CountTest, FloatArray, check_counts, check_shares
from skdrift.stats.pooled import PooledSample, legendre, squared_length
from skdrift.stats.quadratic import noncentral_chi2_sf

_MAX_FOURTH_MOMENT = 0.5
_DENOMINATOR = 70.0
# Of a change of scale of a normal, at the worst proportion of the sample sizes; that
# of its shift is a fifth.
_SCALE = (30.6, 135.0)


def smooth(
    reference: ArrayLike,
    current: ArrayLike,
    *,
    n_terms: int = 4,
    tolerance: ArrayLike = 0.0,
) -> CountTest:
    r"""Neyman's smooth test of two samples on ordered cells.

    The pooled mid-ranks H, as 2H - 1, are put into the first Legendre polynomials;
    with :math:`\Delta` the difference of their means between the samples and V their
    covariance in the pooled one,

    .. math:: S = \frac{T-1}{T} \frac{nm}{T}\, \Delta^T V^{+} \Delta,
        \quad T = n + m,

    which under equal distributions tends to chi-square with rank(V) degrees of
    freedom. The four terms answer to location, spread, asymmetry and tails: the test
    sees changes that Anderson-Darling's is weak for.

    Few rows beside many leave the normal tail, because the scores are skew: the
    p-value takes S to be a ratio whose denominator has 70 degrees of freedom over
    Mardia's skewness of :math:`\Delta`. Directions that a few rare rows make (their
    fourth moment is above half the rows of the smaller sample) are left out, and
    the p-value has the same lower bounds as that of `anderson_darling`.

    Parameters
    ----------
    reference, current : array-like of int, shape (p, c)
        Counts over ordered cells.
    n_terms : int, default=4
        Number of polynomials.
    tolerance : float or array-like of shape (p,), default=0
        The null hypothesis is a shift or a change of scale with a
        Kolmogorov-Smirnov distance of at most this; the noncentrality is that of a
        normal column's change of scale, five times that of its shift.

    Returns
    -------
    CountTest
        Larger = further apart. Statistic 0 and p-value 1 where no direction is left;
        NaN where a sample has no rows.

    Raises
    ------
    ParameterError
        If the counts, the tolerance or the number of terms are out of their range.

    References
    ----------
    Neyman, J. (1937). "Smooth test" for goodness of fit. Skandinavisk
    Aktuarietidskrift 20, 149-199.

    Examples
    --------
    >>> from skdrift.stats import smooth
    >>> result = smooth([[25, 25, 25, 25]], [[40, 10, 10, 40]])
    >>> f"{result.statistic[0]:.2f}, p = {result.pvalue[0]:.1e}"
    '19.68, p = 2.0e-04'
    """
    pooled = PooledSample.of(*check_counts(reference, current))
    tolerance = check_shares(tolerance, "tolerance")
    if n_terms < 1:
        raise ParameterError(f"n_terms must be at least 1, got {n_terms!r}.")
    return pooled.answer(*statistic_and_pvalue(pooled, n_terms, tolerance), tolerance)


def statistic_and_pvalue(
    pooled: PooledSample, n_terms: int, tolerance: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Statistic and p-value, before the lower bounds of the pooled sample."""
    scores = _independent_scores(pooled, n_terms)
    delta = (scores @ pooled.gap[:, :, None])[:, :, 0]
    statistic = pooled.finite * pooled.size * np.square(delta).sum(axis=1)
    rank = scores.any(axis=2).sum(axis=1)
    normal = _as_if_normal(statistic, _skewness(pooled, scores))
    if not tolerance.any():
        pvalue = special.chdtrc(np.maximum(rank, 1), normal)
    else:
        length = squared_length(_SCALE, tolerance) * np.nan_to_num(pooled.size)
        pvalue = noncentral_chi2_sf(normal, rank, length)
    return statistic, np.where(rank > 0, pvalue, 1.0 + 0.0 * statistic)


def _independent_scores(pooled: PooledSample, n_terms: int) -> FloatArray:
    """Scores of each cell, (p, k, c), uncorrelated over the pooled rows.

    Mean 0 and variance 1; a direction that is not used is 0.
    """
    scores, _ = legendre(pooled.below, n_terms)
    scores *= np.sqrt(2.0 * np.arange(1, n_terms + 1) + 1.0)[:, None]
    share = pooled.share[:, :, None]
    scores -= scores @ share
    values, vectors = np.linalg.eigh(
        (scores * pooled.share[:, None]) @ np.swapaxes(scores, 1, 2)
    )
    known = values > 1e-9
    vectors = vectors / np.sqrt(np.where(known, values, 1.0))[:, None, :]
    scores = np.swapaxes(vectors, 1, 2) @ scores
    fourth = (np.square(np.square(scores)) @ share)[:, :, 0]
    smaller = np.minimum(pooled.n, pooled.m)
    kept = known & (fourth <= _MAX_FOURTH_MOMENT * smaller[:, None])
    return scores * kept[:, :, None]


def _skewness(pooled: PooledSample, scores: FloatArray) -> FloatArray:
    """Mardia's skewness of the difference of the two means of the scores."""
    p, k, c = scores.shape
    pairs = (scores[:, :, None] * scores[:, None]).reshape(p, k * k, c)
    third = pairs @ np.swapaxes(scores * pooled.share[:, None], 1, 2)
    # The third cumulant of a mean falls with the square of its rows; that of a
    # difference of two means is 0 where they have as many.
    total = np.maximum(pooled.n + pooled.m, 1.0)
    balance = np.square((pooled.n - pooled.m) / total) / np.maximum(pooled.size, 0.5)
    return np.asarray(np.square(third).sum(axis=(1, 2)) * balance, dtype=np.float64)


def _as_if_normal(statistic: FloatArray, skewness: FloatArray) -> FloatArray:
    # (1 + S / v) ** (-v / 2), the tail of a ratio with v degrees of freedom below,
    # as exp(-S' / 2); v was found by simulation.
    bend = np.nan_to_num(skewness) / _DENOMINATOR
    bent = np.log1p(bend * statistic) / np.where(bend > 1e-9, bend, 1.0)
    return np.where(bend > 1e-9, bent, statistic)
