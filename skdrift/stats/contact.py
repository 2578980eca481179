"""Test of a tolerated Kolmogorov-Smirnov distance on the contact sets."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from skdrift.exceptions import ParameterError
from skdrift.stats.counts import CountTest, FloatArray, check_counts, shares

# Of Dette, Kokot and Aue's log(N) / sqrt(N); by simulation it keeps the level.
_WIDTH = 0.25
_NEARLY_ONE = 1.0 - 1e-9


def contact_set(
    reference: ArrayLike, current: ArrayLike, *, tolerance: ArrayLike
) -> CountTest:
    r"""Test whether the Kolmogorov-Smirnov distance is at most the tolerance.

    With distribution functions F, G at the boundaries of the cells, d their largest
    difference and :math:`N = nm/(n+m)`, only boundaries at which the difference is
    nearly as large as d could have made it exceed the tolerance by chance:

    .. math:: E^{\pm} = \{k : \pm (F_k - G_k) \ge d - 0.25 \log N / \sqrt N\}.

    The p-value is the probability that the Gaussian noise of :math:`\pm(F - G)`,

    .. math:: \tfrac{N}{n} F_j (1 - F_k) + \tfrac{N}{m} G_j (1 - G_k), \quad j \le k,

    reaches :math:`\sqrt N (d - \delta)` anywhere on :math:`E^{\pm}`; it is bounded by
    the sum over these boundaries, minus what neighbours have in common (Hunter
    1976), which is close where it is small. The tail of the whole process, as in
    `kolmogorov_smirnov`, is safe too and never finds what this test does not, but for
    the looseness of the bound.

    Parameters
    ----------
    reference, current : array-like of int, shape (p, c)
        Counts over ordered cells.
    tolerance : array-like of float, broadcast to (p,)
        Largest distance that the null hypothesis allows, in [0, 1). It is meant for
        tolerances that the samples resolve, from :math:`N \delta^2 = 4` on: below,
        and above all at 0, other tests find more.

    Returns
    -------
    CountTest
        `statistic` is the distance; larger = further apart. The p-value is 1 where
        it is at most the tolerance, and NaN where a sample has no rows.

    Raises
    ------
    ParameterError
        If the counts or a tolerance are out of their range.

    References
    ----------
    Dette, H., Kokot, K. and Aue, A. (2020). Functional data analysis in the Banach
    space of continuous functions. Annals of Statistics 48, 1168-1192.

    Hunter, D. (1976). An upper bound for the probability of a union. Journal of
    Applied Probability 13, 597-603.

    Examples
    --------
    >>> from skdrift.stats import contact_set
    >>> result = contact_set([[500, 300, 200]], [[300, 300, 400]], tolerance=0.1)
    >>> f"{result.statistic[0]:.2f}, p = {result.pvalue[0]:.1e}"
    '0.20, p = 1.8e-06'
    """
    ref, cur = check_counts(reference, current)
    delta = np.asarray(tolerance, dtype=np.float64)
    bad = ~((delta >= 0.0) & (delta < 1.0))
    if bad.any():
        raise ParameterError(
            f"tolerance must be in [0, 1), got {delta[bad][:5].tolist()}; give it as "
            "a share."
        )
    if delta.ndim > 1 or (delta.ndim == 1 and delta.shape != (len(ref),)):
        raise ParameterError(
            "tolerance must be a number or one for each feature, got shape "
            f"{delta.shape} for {len(ref)} features."
        )
    (n, before), (m, now) = shares(ref), shares(cur)
    distance, pvalue = contact_tail(before, now, n, m, delta)
    return CountTest(
        statistic=distance,
        pvalue=pvalue,
        n_reference=n.astype(np.int64),
        n_current=m.astype(np.int64),
    )


def contact_tail(
    before: FloatArray,
    now: FloatArray,
    n: FloatArray,
    m: FloatArray,
    tolerance: ArrayLike,
) -> tuple[FloatArray, FloatArray]:
    """Distance and p-value from shares of the cells, (p, c), and rows, (p,)."""
    below, below_now = np.cumsum(before, axis=1)[:, :-1], np.cumsum(now, axis=1)[:, :-1]
    gap = below - below_now
    known = (n > 0) & (m > 0)
    distance = np.where(known, np.abs(gap).max(axis=1, initial=0.0), np.nan)
    pvalue = np.where(known, 1.0, np.nan)
    delta = np.broadcast_to(np.asarray(tolerance, dtype=np.float64), n.shape)
    for row in np.flatnonzero(known & (distance > delta)):
        pvalue[row] = _tail(
            gap[row],
            below[row],
            below_now[row],
            float(n[row]),
            float(m[row]),
            float(delta[row]),
        )
    return distance, pvalue


def _tail(
    gap: FloatArray,
    below: FloatArray,
    below_now: FloatArray,
    n: float,
    m: float,
    tolerance: float,
) -> float:
    size = n * m / (n + m)
    distance = np.abs(gap).max()
    least = distance - _WIDTH * max(np.log(size), 0.0) / np.sqrt(size)
    height = np.sqrt(size) * (distance - tolerance)
    total = 0.0
    for side in (gap, -gap):
        touched = np.flatnonzero(side >= least)
        if touched.size:
            total += _reaches(
                height, below[touched], below_now[touched], m / (n + m), n / (n + m)
            )
    return min(total, 1.0)


def _reaches(
    height: float,
    below: FloatArray,
    below_now: FloatArray,
    weight: float,
    weight_now: float,
) -> float:
    """Bound of the probability that the noise is as high at any of the boundaries."""
    variance = weight * below * (1 - below) + weight_now * below_now * (1 - below_now)
    spread = np.sqrt(np.maximum(variance, 1e-12))
    level = np.maximum(height / spread, 1e-9)
    alone = float(special.ndtr(-level).sum())
    shared = weight * below[:-1] * (1 - below[1:])
    shared = shared + weight_now * below_now[:-1] * (1 - below_now[1:])
    correlation = np.clip(shared / (spread[:-1] * spread[1:]), 0.0, _NEARLY_ONE)
    return alone - float(_both_reach(level[:-1], level[1:], correlation).sum())


def _both_reach(
    first: FloatArray, second: FloatArray, correlation: FloatArray
) -> NDArray[np.float64]:
    """P(X >= first, Y >= second) of correlated normal X and Y, both limits above 0.

    By Owen's T function (Owen 1956).
    """
    rest = np.sqrt(1.0 - correlation**2)
    return np.asarray(
        0.5 * (special.ndtr(-first) + special.ndtr(-second))
        - special.owens_t(first, (second / first - correlation) / rest)
        - special.owens_t(second, (first / second - correlation) / rest),
        dtype=np.float64,
    )
