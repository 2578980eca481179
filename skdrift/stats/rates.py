"""Test of the rate of an event, such as a missing value."""

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
    """Test for a change of the rate of an event beyond the tolerance.

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
    confidence = check_share(confidence, "confidence")
    a, n, b, m = check_events(k_reference, n_reference, k_current, n_current)
    known = (n > 0) & (m > 0)
    a, b = np.where(known, a, 0.0), np.where(known, b, 0.0)
    n, m = np.where(known, n, 1.0), np.where(known, m, 1.0)
    rule = _Rule(tolerance, small_absolute, alternative)
    low, high = _newcombe(a, n, b, m, confidence)
    difference = b / m - a / n
    nan = np.where(known, 0.0, np.nan)
    return RateTest(
        pvalue=rule.pvalue(a, n, b, m) + nan,
        smallest=np.where(known, rule.smallest(a, n, b, m), 1.0),
        difference=difference + nan,
        low=low + nan,
        high=high + nan,
        direction=np.sign(difference).astype(np.int8),
    )


def check_events(
    k_reference: ArrayLike,
    n_reference: ArrayLike,
    k_current: ArrayLike,
    n_current: ArrayLike,
) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
    """Give events and rows of both samples as floats of one shape, checked.

    Raises
    ------
    ParameterError
        If a count is negative, not whole or larger than its number of rows, or the
        shapes do not fit.
    """
    names = ("k_reference", "n_reference", "k_current", "n_current")
    given = (k_reference, n_reference, k_current, n_current)
    values = [check_whole(v, name) for v, name in zip(given, names, strict=True)]
    try:
        a, n, b, m = np.broadcast_arrays(*map(np.atleast_1d, values))
    except ValueError as error:
        raise ParameterError(
            f"{', '.join(names)} must have one shape, got {[v.shape for v in values]}."
        ) from error
    for k, rows, name in ((a, n, "reference"), (b, m, "current")):
        wrong = k > rows
        if wrong.any():
            raise ParameterError(
                f"k_{name} must be at most n_{name}, got "
                f"{k[wrong][:5].tolist()} of {rows[wrong][:5].tolist()}."
            )
    return a, n, b, m


def tolerated_rate(
    natural: FloatArray, tolerance: ArrayLike, small_absolute: ArrayLike
) -> FloatArray:
    """Give the rate that is tolerated beyond a natural one: as much again, in bounds.

    At least `small_absolute`, at most `tolerance`; all 0 with tolerance 0.
    """
    return np.clip(natural, np.minimum(small_absolute, tolerance), tolerance)


@dataclass(frozen=True, slots=True)
class _Rule:
    """How events a of n and b of m become a p-value."""

    tolerance: float
    small_absolute: float
    alternative: str

    def pvalue(
        self, a: FloatArray, n: FloatArray, b: FloatArray, m: FloatArray
    ) -> FloatArray:
        if self.alternative == "greater":
            exact = hypergeometric.upper_tail(b, a + b, m, n + m)
        else:
            exact = hypergeometric.two_sided(b, a + b, m, n + m)
        if self.tolerance == 0.0:
            return exact
        delta = tolerated_rate(a / n, self.tolerance, self.small_absolute)
        rises = b * n >= a * m
        # Where the tolerated change is the reference's rate, its error counts twice.
        doubles = rises & (delta > self.small_absolute) & (delta < self.tolerance)
        score = _farrington_manning(
            np.where(rises, a, b),
            np.where(rises, n, m),
            np.where(rises, b, a),
            np.where(rises, m, n),
            delta,
            np.where(doubles, 2.0, 1.0),
        )
        alone = hypergeometric.binomial_upper_tail(b, m, delta)
        beyond = np.where(rises, np.maximum(score, alone), score)
        if self.alternative == "greater":
            beyond = np.where(rises, beyond, 1.0)
        return np.maximum(exact, beyond)

    def smallest(
        self, a: FloatArray, n: FloatArray, b: FloatArray, m: FloatArray
    ) -> FloatArray:
        """Smallest p-value that a + b events in n + m rows leave possible."""
        events = a + b
        most = np.minimum(events, m)
        smallest = self.pvalue(events - most, n, most, m)
        if self.alternative == "greater":
            return smallest
        fewest = np.maximum(events - n, 0.0)
        return np.minimum(smallest, self.pvalue(events - fewest, n, fewest, m))


def _farrington_manning(
    a: FloatArray,
    n: FloatArray,
    b: FloatArray,
    m: FloatArray,
    delta: FloatArray,
    slope: FloatArray,
) -> FloatArray:
    """P-value of "rate b/m exceeds rate a/n by at most delta", one-sided.

    `slope` is the derivative of a/n + delta by a/n.
    """
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
    variance = (
        restricted * (1.0 - restricted) / m + slope**2 * lower * (1.0 - lower) / n
    )
    z = np.divide(
        p - q - delta,
        np.sqrt(variance),
        out=np.where(p - q > delta, np.inf, -np.inf),
        where=variance > 0,
    )
    return np.asarray(special.ndtr(-z), dtype=np.float64)


def _newcombe(
    a: FloatArray, n: FloatArray, b: FloatArray, m: FloatArray, confidence: float
) -> tuple[FloatArray, FloatArray]:
    p, q = b / m, a / n
    p_low, p_high = wilson(b, m, confidence)
    q_low, q_high = wilson(a, n, confidence)
    low = p - q - np.hypot(p - p_low, q_high - q)
    high = p - q + np.hypot(p_high - p, q - q_low)
    return np.maximum(low, -1.0), np.minimum(high, 1.0)


def wilson(
    k: FloatArray, n: FloatArray, confidence: float
) -> tuple[FloatArray, FloatArray]:
    """Wilson's interval of a rate, k events in n rows."""
    z = float(special.ndtri(0.5 + 0.5 * confidence))
    middle = (k + 0.5 * z * z) / (n + z * z)
    half = z / (n + z * z) * np.sqrt(k * (n - k) / n + 0.25 * z * z)
    # At 0 and n the limits are exact, but for rounding.
    low = np.where(k > 0, np.maximum(middle - half, 0.0), 0.0)
    high = np.where(k < n, np.minimum(middle + half, 1.0), 1.0)
    return low, high
