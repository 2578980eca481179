"""Rows of a batch beyond the range of the reference."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from skdrift.exceptions import ParameterError
from skdrift.stats import hypergeometric
from skdrift.stats.counts import FloatArray, check_share, check_shares, check_whole
from skdrift.stats.rates import RateTest, check_events, tolerated_rate, wilson

IMPOSSIBLE = 1e-12
"""Probability below which an event needs no share in alpha."""


def out_of_range(
    below: ArrayLike,
    above: ArrayLike,
    n_reference: ArrayLike,
    n_current: ArrayLike,
    *,
    ties_below: ArrayLike = 1,
    ties_above: ArrayLike = 1,
    tolerance: ArrayLike = 0.01,
    small_absolute: ArrayLike = 0.0005,
    confidence: float = 0.95,
) -> RateTest:
    """Test if more rows leave the reference's range than its own next rows would.

    The largest of n rows is exceeded by fresh ones of the same distribution: their
    number among m is at least k if and only if the k largest of all n + m are all
    fresh, which has probability C(n + m - k, n) / C(n + m, n). This is the
    beta-binomial (m; 1, n) tail, exact for every continuous distribution and
    conservative with ties. The p-value is twice the smaller of the two sides, and
    not below the binomial tail of the tolerated rate, which is the natural one,
    1/(n+1), but at least `small_absolute` and at most `tolerance`.

    Parameters
    ----------
    below, above : array-like of int, shape (p,)
        Current rows below the minimum and above the maximum of the reference.
    n_reference, n_current : array-like of int, shape (p,)
        Rows of the two samples.
    ties_below, ties_above : array-like of int, default=1
        Rows of both samples that equal the reference's minimum and maximum. An
        extreme that is tied this often cannot be left by chance, so that the
        hypothesis is idle and need not share in alpha (see `weighted_holm`).
    tolerance, small_absolute : float or array-like of shape (p,)
        See `rate_change`; tolerance 0 leaves the exact test alone.
    confidence : float, default=0.95
        Level of Wilson's interval of the rate.

    Returns
    -------
    RateTest
        `difference` is the rate of rows out of range minus its expectation
        2 / (n + 1); `direction` is 1 where most of them lie above, -1 below.

    Raises
    ------
    ParameterError
        If a count is negative, or below + above exceeds the current rows.

    Examples
    --------
    >>> from skdrift.stats import out_of_range
    >>> out_of_range([0], [6], [1000], [100]).pvalue.round(6)
    array([1.e-06])
    """
    tolerance = check_shares(tolerance, "tolerance")
    small_absolute = check_shares(small_absolute, "small_absolute")
    confidence = check_share(confidence, "confidence")
    nothing = np.zeros(np.shape(below), dtype=np.int64)
    _, n, low, m = check_events(nothing, n_reference, below, n_current)
    high = np.broadcast_to(check_whole(above, "above"), low.shape)
    if (low + high > m).any():
        raise ParameterError(
            "below + above must be at most n_current, got "
            f"{(low + high)[low + high > m][:5].tolist()}."
        )
    known = (n > 0) & (m > 0)
    n, m = np.where(known, n, 1.0), np.where(known, m, 1.0)
    low, high = np.where(known, low, 0.0), np.where(known, high, 0.0)
    rate = tolerated_rate(1.0 / (n + 1.0), tolerance, small_absolute)
    sides = [np.maximum(_exceeded(k, n, m), _beyond(k, m, rate)) for k in (low, high)]
    pvalue = np.minimum(1.0, 2.0 * np.minimum(*sides))
    idle = _cannot_leave(ties_below, n, m) & _cannot_leave(ties_above, n, m)
    idle &= pvalue > IMPOSSIBLE
    expected = np.minimum(2.0 / (n + 1.0), 1.0)
    rate_low, rate_high = wilson(low + high, m, confidence)
    nan = np.where(known, 0.0, np.nan)
    return RateTest(
        pvalue=pvalue + nan,
        smallest=np.where(idle | ~known, 1.0, 0.0),
        difference=(low + high) / m - expected + nan,
        low=rate_low - expected + nan,
        high=rate_high - expected + nan,
        direction=np.sign(high - low).astype(np.int8),
    )


def _exceeded(k: FloatArray, n: FloatArray, m: FloatArray) -> FloatArray:
    return np.asarray(np.exp(hypergeometric.log_all_drawn(k, m, n + m)))


def _beyond(k: FloatArray, m: FloatArray, rate: FloatArray) -> FloatArray:
    return hypergeometric.binomial_upper_tail(k, m, rate)


def _cannot_leave(ties: ArrayLike, n: FloatArray, m: FloatArray) -> NDArray[np.bool_]:
    """All rows that share an extreme would have to be current ones."""
    tied = np.broadcast_to(np.asarray(ties, dtype=np.float64), n.shape)
    return _exceeded(np.minimum(tied, n + m), n, m) <= IMPOSSIBLE
