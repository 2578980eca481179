"""Kolmogorov-Smirnov effect and the combined test of ordered cells."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from skdrift.stats import anderson, neyman
from skdrift.stats.counts import (
    CountTest,
    Effect,
    check_counts,
    check_share,
    check_shares,
)
from skdrift.stats.multiplicity import combine_pvalues
from skdrift.stats.pooled import PooledSample, kolmogorov_tail

_N_TERMS = 4


def kolmogorov_smirnov(
    reference: ArrayLike,
    current: ArrayLike,
    *,
    confidence: float = 0.95,
    tolerance: ArrayLike = 0.0,
) -> Effect:
    r"""Kolmogorov-Smirnov distance on the boundaries of ordered cells.

    The interval inverts the two-sample law,
    :math:`d \pm \sqrt{-\tfrac12 \ln(\beta/2) / N}` with N = nm/(n+m). The p-value is
    that of "the distance is at most `tolerance`": the asymptotic tail, with Stephens'
    correction for small samples, of d - tolerance, which no truth within the
    tolerance exceeds. Ties make both conservative.

    Parameters
    ----------
    reference, current : array-like of int, shape (p, c)
        Counts over ordered cells.
    confidence : float, default=0.95
        Level of the interval, 1 - beta.
    tolerance : float or array-like of shape (p,), default=0
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

    Examples
    --------
    >>> from skdrift.stats import kolmogorov_smirnov
    >>> effect = kolmogorov_smirnov([[50, 30, 20]], [[30, 30, 40]])
    >>> f"{effect.value[0]:.2f} ({effect.low[0]:.2f} to {effect.high[0]:.2f})"
    '0.20 (0.01 to 0.39)'
    """
    pooled = PooledSample.of(*check_counts(reference, current))
    beta = 1.0 - check_share(confidence, "confidence")
    tolerance = check_shares(tolerance, "tolerance")
    distance, direction = pooled.largest_difference()
    half = np.sqrt(-0.5 * np.log(0.5 * beta) / pooled.size)
    return Effect(
        value=distance,
        low=np.maximum(distance - half, 0.0),
        high=np.minimum(distance + half, 1.0),
        direction=direction,
        pvalue=kolmogorov_tail(distance - tolerance, pooled.size),
    )


def distribution_change(
    reference: ArrayLike, current: ArrayLike, *, tolerance: ArrayLike = 0.0
) -> CountTest:
    """Test for a change of the distribution over ordered cells.

    `anderson_darling` and `smooth` on the same counts, their p-values combined by
    `combine_pvalues`.

    Parameters
    ----------
    reference, current : array-like of int, shape (p, c)
        Counts over ordered cells.
    tolerance : float or array-like of shape (p,), default=0
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
    pooled = PooledSample.of(*check_counts(reference, current))
    tolerance = check_shares(tolerance, "tolerance")
    statistic, first = anderson.statistic_and_pvalue(pooled, tolerance)
    _, second = neyman.statistic_and_pvalue(pooled, _N_TERMS, tolerance)
    combined = combine_pvalues(np.stack([first, second]))
    return pooled.answer(statistic, combined, tolerance)
