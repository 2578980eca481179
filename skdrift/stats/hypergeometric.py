"""Exact tails of the hypergeometric distribution, vectorised and of any size.

X is the number of the `marked` rows among the `drawn` ones, when `drawn` of
`total` rows are drawn without replacement: how many of the pooled events fell
into the current sample, given that rows were shared out at random.
"""

from __future__ import annotations

import numpy as np
from scipy import special

from skdrift.stats.counts import FloatArray

_NEGLIGIBLE = 1e-17
_FIRST_CHUNK, _LAST_CHUNK = 32, 4096


def log_pmf(
    x: FloatArray, marked: FloatArray, drawn: FloatArray, total: FloatArray
) -> FloatArray:
    """Logarithm of P(X = x); -inf outside the support. Arrays of one shape."""
    inside = (x >= np.maximum(0.0, marked + drawn - total)) & (
        x <= np.minimum(marked, drawn)
    )
    x = np.where(inside, x, np.maximum(0.0, marked + drawn - total))
    log_choose = _log_choose(marked, x) + _log_choose(total - marked, drawn - x)
    return np.where(inside, log_choose - _log_choose(total, drawn), -np.inf)


def upper_tail(
    x: FloatArray, marked: FloatArray, drawn: FloatArray, total: FloatArray
) -> FloatArray:
    """P(X >= x), to a relative accuracy of about 1e-9. Arrays of one shape."""
    mode = np.floor((marked + 1.0) * (drawn + 1.0) / (total + 2.0))
    above = x > mode
    # Sum from the point away from the mode, where terms fall from the first on.
    start = np.where(above, x, marked - x + 1.0)
    group = np.where(above, drawn, total - drawn)
    tail = _falling_tail(start, marked, group, total)
    return np.clip(np.where(above, tail, 1.0 - tail), 0.0, 1.0)


def log_all_drawn(k: FloatArray, drawn: FloatArray, total: FloatArray) -> FloatArray:
    """Logarithm of the probability that k given rows are all drawn; -inf if k > drawn.

    ``drawn`` of ``total`` rows are drawn without replacement.
    """
    possible = k <= drawn
    k = np.where(possible, k, 0.0)
    log = (
        special.gammaln(drawn + 1.0)
        - special.gammaln(drawn - k + 1.0)
        - special.gammaln(total + 1.0)
        + special.gammaln(total - k + 1.0)
    )
    return np.where(possible, np.minimum(log, 0.0), -np.inf)


def binomial_upper_tail(
    x: FloatArray, trials: FloatArray, rate: FloatArray | float
) -> FloatArray:
    """P(X >= x) for X binomial; 1 for x <= 0, 0 for x > trials."""
    inside = (x > 0) & (x <= trials)
    a = np.where(inside, x, 1.0)
    b = np.where(inside, trials - x + 1.0, 1.0)
    return np.where(inside, special.betainc(a, b, rate), np.where(x > 0, 0.0, 1.0))


def two_sided(
    x: FloatArray, marked: FloatArray, drawn: FloatArray, total: FloatArray
) -> FloatArray:
    """Fisher's two-sided p-value: the mass of all values no likelier than x."""
    mode = np.floor((marked + 1.0) * (drawn + 1.0) / (total + 2.0))
    # Mirror so that x lies above the mode.
    mirrored = x < mode
    x = np.where(mirrored, marked - x, x)
    drawn = np.where(mirrored, total - drawn, drawn)
    mode = np.where(mirrored, marked - mode, mode)
    own = upper_tail(x, marked, drawn, total)
    other = _no_likelier_below(x, mode, marked, drawn, total)
    floor = np.maximum(0.0, marked + drawn - total)
    below = np.where(
        other >= floor,
        _falling_tail(marked - np.maximum(other, floor), marked, total - drawn, total),
        0.0,
    )
    return np.where(x == mode, 1.0, np.minimum(own + below, 1.0))


def _log_choose(n: FloatArray, k: FloatArray) -> FloatArray:
    log = special.gammaln(n + 1.0)
    log -= special.gammaln(k + 1.0)
    log -= special.gammaln(n - k + 1.0)
    return np.asarray(log, dtype=np.float64)


def _no_likelier_below(
    x: FloatArray,
    mode: FloatArray,
    marked: FloatArray,
    drawn: FloatArray,
    total: FloatArray,
) -> FloatArray:
    # Bisection for the largest y <= mode with pmf(y) <= pmf(x); lowest - 1 if none.
    # The slack is the rounding error of the logarithms of factorials.
    limit = log_pmf(x, marked, drawn, total) + 1e-7 + 1e-14 * total
    low = np.maximum(0.0, marked + drawn - total) - 1.0
    high = mode + 1.0
    n_steps = int(np.ceil(np.log2(max(float(np.max(high - low, initial=1.0)), 2.0))))
    for _ in range(n_steps + 1):
        middle = np.floor(0.5 * (low + high))
        fits = log_pmf(middle, marked, drawn, total) <= limit
        low = np.where(fits, middle, low)
        high = np.where(fits, high, middle)
    return low


def _falling_tail(
    x: FloatArray, marked: FloatArray, drawn: FloatArray, total: FloatArray
) -> FloatArray:
    """P(X >= x) for x at or above the mode, by the ratios of successive terms."""
    first = np.exp(log_pmf(x, marked, drawn, total))
    series = np.ones_like(first)
    term = np.where(first > 0, 1.0, 0.0)
    active = np.flatnonzero(term)
    done, length = 0, _FIRST_CHUNK
    while active.size:
        at = x[active, None] + np.arange(done, done + length)
        k, d, t = (v[active, None] for v in (marked, drawn, total))
        ratio = (k - at) * (d - at) / ((at + 1.0) * (t - k - d + at + 1.0))
        # At the end of the support a factor is 0, and stays so.
        terms = term[active, None] * np.cumprod(np.maximum(ratio, 0.0), axis=1)
        series[active] += terms.sum(axis=1)
        term[active] = terms[:, -1]
        active = active[terms[:, -1] > _NEGLIGIBLE * series[active]]
        done, length = done + length, min(2 * length, _LAST_CHUNK)
    return first * series
