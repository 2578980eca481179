"""Tests of the rate of an event: missing, infinite, out of range."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from skdrift.exceptions import ParameterError
from skdrift.stats import hypergeometric
from skdrift.stats.counts import FloatArray, check_share, check_whole


@dataclass(frozen=True, slots=True, kw_only=True)
class RateTest:
    """Result of a test of rates, one entry a feature.

    Attributes
    ----------
    pvalue : ndarray of shape (p,)
        Of the hypothesis that the rate changed by no more than the tolerance.
    smallest : ndarray of shape (p,)
        Smallest p-value that the pooled counts leave possible, for
        `weighted_holm`; 1 where there is no event in either sample.
    difference : ndarray of shape (p,)
        Rate in the current sample minus rate expected, in shares of rows.
    low, high : ndarray of shape (p,)
        Confidence limits of `difference`.
    direction : ndarray of shape (p,), int8
        1 where the rate rose, -1 where it fell, 0 where it is the same.
    """

    pvalue: FloatArray
    smallest: FloatArray
    difference: FloatArray
    low: FloatArray
    high: FloatArray
    direction: NDArray[np.int8]


def rate_change(
    k_reference: ArrayLike,
    n_reference: ArrayLike,
    k_current: ArrayLike,
    n_current: ArrayLike,
    *,
    tolerance: float = 0.01,
    small_absolute: float = 0.0005,
    alternative: Literal["two-sided", "greater"] = "two-sided",
    confidence: float = 0.95,
) -> RateTest:
    """Has the rate of an event changed by more than the tolerance?

    The tolerated change is the reference's own rate, but at least `small_absolute`
    and at most `tolerance`: a rate may double, by no more than one point. The
    p-value is the largest of

    - Fisher's exact one, for "the rates are equal": given the number of events in
      both samples, how many fall into the current one is hypergeometric;
    - the score test of Farrington and Manning for "the difference is at most the
      tolerated one";
    - for a rise, the binomial tail of the current count at the tolerated change
      alone, which is exact where the reference has no event and the score test has
      too few.

    A maximum of p-values is valid if one is, so equal rates are rejected with
    probability of at most the level, in samples of any size.

    Parameters
    ----------
    k_reference, n_reference, k_current, n_current : array-like of int, shape (p,)
        Events and rows.
    tolerance : float, default=0.01
        Largest tolerated change; 0 leaves Fisher's test alone.
    small_absolute : float, default=0.0005
        Tolerated change of an event that the reference hardly has.
    alternative : {"two-sided", "greater"}, default="two-sided"
        ``"greater"`` looks for a rise only.
    confidence : float, default=0.95
        Level of Newcombe's interval of the difference.

    Returns
    -------
    RateTest
        NaN where a sample has no rows.

    Raises
    ------
    ParameterError
        If a count is negative or larger than its number of rows.

    References
    ----------
    Farrington, C. P. and Manning, G. (1990). Test statistics and sample size
    formulae for comparative binomial trials with null hypothesis of non-zero risk
    difference or non-unity relative risk. Statistics in Medicine 9, 1447-1454.

    Newcombe, R. G. (1998). Interval estimation for the difference between
    independent proportions. Statistics in Medicine 17, 873-890.
    """
    if alternative not in ("two-sided", "greater"):
        raise ParameterError(
            f"alternative must be 'two-sided' or 'greater', got {alternative!r}."
        )
    tolerance = check_share(tolerance, "tolerance")
    small_absolute = check_share(small_absolute, "small_absolute")
    a, n, b, m = _check_events(k_reference, n_reference, k_current, n_current)
    known = (n > 0) & (m > 0)
    full = [np.where(known, v, w) for v, w in ((a, 0), (n, 1), (b, 0), (m, 1))]
    pvalue = _rate_pvalue(*full, tolerance, small_absolute, alternative)
    smallest = _smallest_rate_pvalue(*full, tolerance, small_absolute, alternative)
    low, high = _newcombe(*full, confidence)
    difference = full[2] / full[3] - full[0] / full[1]
    nan = np.where(known, 0.0, np.nan)
    return RateTest(
        pvalue=pvalue + nan,
        smallest=np.where(known, smallest, 1.0),
        difference=difference + nan,
        low=low + nan,
        high=high + nan,
        direction=np.where(known, np.sign(difference), 0).astype(np.int8),
    )


def _check_events(
    k_reference: ArrayLike,
    n_reference: ArrayLike,
    k_current: ArrayLike,
    n_current: ArrayLike,
) -> tuple[FloatArray, ...]:
    names = ("k_reference", "n_reference", "k_current", "n_current")
    given = (k_reference, n_reference, k_current, n_current)
    values = [check_whole(v, name) for v, name in zip(given, names, strict=True)]
    try:
        values = [np.array(v) for v in np.broadcast_arrays(*map(np.atleast_1d, values))]
    except ValueError as error:
        raise ParameterError(
            f"{', '.join(names)} must have one shape, got {[v.shape for v in values]}."
        ) from error
    for k, n, name in ((0, 1, "reference"), (2, 3, "current")):
        wrong = values[k] > values[n]
        if wrong.any():
            raise ParameterError(
                f"k_{name} must be at most n_{name}, got "
                f"{values[k][wrong][:5].tolist()} of {values[n][wrong][:5].tolist()}."
            )
    return tuple(values)


def _rate_pvalue(
    a: FloatArray,
    n: FloatArray,
    b: FloatArray,
    m: FloatArray,
    tolerance: float,
    small_absolute: float,
    alternative: str,
) -> FloatArray:
    if alternative == "greater":
        exact = hypergeometric.upper_tail(b, a + b, m, n + m)
    else:
        exact = hypergeometric.two_sided(b, a + b, m, n + m)
    if tolerance == 0.0:
        return exact
    delta = np.clip(a / n, min(small_absolute, tolerance), tolerance)
    rises = b / m >= a / n
    score = _farrington_manning(
        np.where(rises, a, b),
        np.where(rises, n, m),
        np.where(rises, b, a),
        np.where(rises, m, n),
        delta,
    )
    alone = hypergeometric.binomial_upper_tail(b, m, delta)
    beyond = np.where(rises, np.maximum(score, alone), score)
    if alternative == "greater":
        beyond = np.where(rises, beyond, 1.0)
    return np.maximum(exact, beyond)


def _farrington_manning(
    a: FloatArray, n: FloatArray, b: FloatArray, m: FloatArray, delta: FloatArray
) -> FloatArray:
    """P-value of "rate b/m exceeds rate a/n by at most delta", one-sided."""
    p, q = b / m, a / n
    theta = n / m
    c3 = 1.0 + theta
    c2 = -(1.0 + theta + p + theta * q + delta * (theta + 2.0))
    c1 = delta**2 + delta * (2.0 * p + theta + 1.0) + p + theta * q
    c0 = -p * delta * (1.0 + delta)
    v = c2**3 / (27.0 * c3**3) - c2 * c1 / (6.0 * c3**2) + c0 / (2.0 * c3)
    u = np.sign(v) * np.sqrt(np.maximum(c2**2 / (9.0 * c3**2) - c1 / (3.0 * c3), 0.0))
    cosine = np.divide(v, u**3, out=np.ones_like(u), where=u != 0)
    angle = (np.pi + np.arccos(np.clip(cosine, -1.0, 1.0))) / 3.0
    restricted = np.clip(2.0 * u * np.cos(angle) - c2 / (3.0 * c3), delta, 1.0)
    lower = restricted - delta
    variance = restricted * (1.0 - restricted) / m + lower * (1.0 - lower) / n
    z = np.divide(
        p - q - delta,
        np.sqrt(variance),
        out=np.where(p - q > delta, np.inf, -np.inf),
        where=variance > 0,
    )
    return special.ndtr(-z)


def _smallest_rate_pvalue(
    a: FloatArray,
    n: FloatArray,
    b: FloatArray,
    m: FloatArray,
    tolerance: float,
    small_absolute: float,
    alternative: str,
) -> FloatArray:
    events = a + b
    most = np.minimum(events, m)
    smallest = _rate_pvalue(
        events - most, n, most, m, tolerance, small_absolute, alternative
    )
    if alternative == "two-sided":
        fewest = np.maximum(events - n, 0.0)
        other = _rate_pvalue(
            events - fewest, n, fewest, m, tolerance, small_absolute, alternative
        )
        smallest = np.minimum(smallest, other)
    return smallest


def _newcombe(
    a: FloatArray, n: FloatArray, b: FloatArray, m: FloatArray, confidence: float
) -> tuple[FloatArray, FloatArray]:
    z = float(special.ndtri(0.5 + 0.5 * check_share(confidence, "confidence")))
    p, q = b / m, a / n
    p_low, p_high = _wilson(b, m, z)
    q_low, q_high = _wilson(a, n, z)
    low = p - q - np.hypot(p - p_low, q_high - q)
    high = p - q + np.hypot(p_high - p, q - q_low)
    return np.maximum(low, -1.0), np.minimum(high, 1.0)


def _wilson(k: FloatArray, n: FloatArray, z: float) -> tuple[FloatArray, FloatArray]:
    middle = (k + 0.5 * z * z) / (n + z * z)
    half = z / (n + z * z) * np.sqrt(k * (n - k) / n + 0.25 * z * z)
    return np.maximum(middle - half, 0.0), np.minimum(middle + half, 1.0)


def out_of_range(
    below: ArrayLike,
    above: ArrayLike,
    n_reference: ArrayLike,
    n_current: ArrayLike,
    *,
    ties_below: ArrayLike = 1,
    ties_above: ArrayLike = 1,
    tolerance: float = 0.01,
    small_absolute: float = 0.0005,
    confidence: float = 0.95,
) -> RateTest:
    """Do more rows leave the reference's range than its own next rows would?

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
    tolerance, small_absolute : float
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
    """
    tolerance = check_share(tolerance, "tolerance")
    small_absolute = check_share(small_absolute, "small_absolute")
    low, n, high, m = _check_events(
        np.zeros_like(np.asarray(below)), n_reference, below, n_current
    )
    low = high
    high = check_whole(np.broadcast_to(np.asarray(above), low.shape), "above")
    if (low + high > m).any():
        raise ParameterError(
            "below + above must be at most n_current, got "
            f"{(low + high)[low + high > m][:5].tolist()}."
        )
    known = (n > 0) & (m > 0)
    n, m = np.where(known, n, 1.0), np.where(known, m, 1.0)
    low, high = np.where(known, low, 0.0), np.where(known, high, 0.0)
    sides = []
    for k in (low, high):
        pvalue = _all_drawn(k, m, n + m)
        if tolerance > 0.0:
            rate = np.clip(1.0 / (n + 1.0), min(small_absolute, tolerance), tolerance)
            beyond = hypergeometric.binomial_upper_tail(k, m, rate)
            pvalue = np.maximum(pvalue, beyond)
        sides.append(pvalue)
    pvalue = np.minimum(1.0, 2.0 * np.minimum(*sides))
    # With so many ties the event itself is impossible for all purposes.
    idle = np.ones(n.shape, dtype=bool)
    for ties in (ties_below, ties_above):
        tied = np.broadcast_to(np.asarray(ties, dtype=np.float64), n.shape)
        idle &= _all_drawn(np.minimum(tied, n + m), m, n + m) <= IMPOSSIBLE
    z = float(special.ndtri(0.5 + 0.5 * check_share(confidence, "confidence")))
    expected = np.minimum(2.0 / (n + 1.0), 1.0)
    rate_low, rate_high = _wilson(low + high, m, z)
    nan = np.where(known, 0.0, np.nan)
    return RateTest(
        pvalue=pvalue + nan,
        smallest=np.where(idle & (pvalue > IMPOSSIBLE) | ~known, 1.0, 0.0),
        difference=(low + high) / m - expected + nan,
        low=rate_low - expected + nan,
        high=rate_high - expected + nan,
        direction=np.sign(high - low).astype(np.int8),
    )


IMPOSSIBLE = 1e-12


def _all_drawn(k: FloatArray, drawn: FloatArray, total: FloatArray) -> FloatArray:
    """Probability that k given rows of `total` are all among the `drawn` ones."""
    possible = k <= drawn
    k = np.where(possible, k, 0.0)
    log = (
        special.gammaln(drawn + 1.0)
        - special.gammaln(drawn - k + 1.0)
        - special.gammaln(total + 1.0)
        + special.gammaln(total - k + 1.0)
    )
    return np.where(possible, np.exp(np.minimum(log, 0.0)), 0.0)
