"""How many rows of a batch fall into categories that the reference never had."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

from skdrift.exceptions import ParameterError
from skdrift.stats import hypergeometric
from skdrift.stats.counts import FloatArray, check_share, check_whole
from skdrift.stats.extremes import IMPOSSIBLE
from skdrift.stats.rates import tolerated_rate, wilson

_MAX_TERMS = 1_000_000
_BISECTIONS = 26


@dataclass(frozen=True, slots=True, kw_only=True)
class UnseenTest:
    """Rows in categories that the reference has not, and what is natural.

    Attributes
    ----------
    count : int
        Rows of the current sample in such categories.
    expected : float
        Its mean if the pooled rows had been shared out at random.
    pvalue : float
        Of the hypothesis that the rate is at most the natural one plus the
        tolerance; NaN where a sample has no rows.
    smallest : float
        Smallest p-value that the pooled counts leave possible, roughly from below.
    rate, low, high : float
        Share of the current rows, with Wilson's 95 % interval.
    """

    count: int
    expected: float
    pvalue: float
    smallest: float
    rate: float
    low: float
    high: float


def unseen(
    reference_counts: ArrayLike,
    current_counts: ArrayLike,
    *,
    tolerance: float = 0.01,
    small_absolute: float = 0.0005,
) -> UnseenTest:
    r"""Test if more rows are in unseen categories than of the next training rows.

    Let :math:`c_s` be the pooled count of category s. If rows are shared out at
    random, the reference misses s with probability
    :math:`P_0(c_s) = \binom{n + m - c_s}{n} / \binom{n + m}{n}`, and the number of
    current rows in unseen categories is :math:`K = \sum_s c_s 1\{R_s = 0\}`.
    Categories compete for places, so the indicators are negatively associated and
    K varies less than a sum of independent ones; the p-value is the tail of that
    independent sum, plus as many rows as the tolerated rate brings. It is computed
    to full relative accuracy from the generating function, on a circle through its
    saddle point, or bounded by Chernoff's inequality where that would take too long.

    Parameters
    ----------
    reference_counts, current_counts : array-like of int, shape (c,)
        Counts of one column over all categories of either sample.
    tolerance : float, default=0.01
        Largest tolerated rate beyond the natural one; 0 for the natural one alone.
        The tolerated rate is the natural one, but at least `small_absolute` and at
        most `tolerance`.
    small_absolute : float, default=0.0005
        See above.

    Returns
    -------
    UnseenTest
        Its `smallest` disregards categories that the reference cannot miss by
        chance (probability below 1e-12), so that a column of frequent categories
        leaves the family of `weighted_holm` unless the impossible happened.

    Raises
    ------
    ParameterError
        If the counts are not of one shape (c,), negative or not whole.
    """
    ref = check_whole(reference_counts, "reference_counts")
    cur = check_whole(current_counts, "current_counts")
    if ref.ndim != 1 or ref.shape != cur.shape:
        raise ParameterError(
            "reference_counts and current_counts must be one-dimensional and of one "
            f"length, got shapes {ref.shape} and {cur.shape}."
        )
    tolerance = check_share(tolerance, "tolerance")
    small_absolute = check_share(small_absolute, "small_absolute")
    n, m = ref.sum(), cur.sum()
    count = cur[ref == 0].sum()
    if n == 0 or m == 0:
        nan = float("nan")
        return UnseenTest(
            count=int(count),
            expected=nan,
            pvalue=nan,
            smallest=1.0,
            rate=nan,
            low=nan,
            high=nan,
        )
    sizes, repeats = np.unique(ref + cur, return_counts=True)
    log_missed = hypergeometric.log_all_drawn(sizes, m, n + m)
    possible = np.isfinite(log_missed) & (sizes > 0)
    sizes, log_missed = sizes[possible], log_missed[possible]
    copies = repeats[possible].astype(np.float64)
    expected = (sizes * copies * np.exp(log_missed)).sum()
    rate = float(tolerated_rate(expected / m, tolerance, small_absolute))
    law = _Law.of(sizes, copies, log_missed, float(m), rate)
    pvalue = law.upper_tail(float(count))
    by_chance = log_missed > np.log(IMPOSSIBLE)
    most = min(float(m), float((sizes * copies)[by_chance].sum()))
    low, high = wilson(count, m, 0.95)
    return UnseenTest(
        count=int(count),
        expected=float(expected),
        pvalue=pvalue,
        smallest=min(law.rough_tail(most), pvalue),
        rate=float(count / m),
        low=float(low),
        high=float(high),
    )


@dataclass(frozen=True, slots=True)
class _Law:
    """Sum of independent terms: `copies` times `sizes` with odds exp(`logit`)."""

    sizes: FloatArray
    copies: FloatArray
    logit: FloatArray

    @classmethod
    def of(
        cls,
        sizes: FloatArray,
        copies: FloatArray,
        log_probability: FloatArray,
        m: float,
        rate: float,
    ) -> _Law:
        if rate > 0.0:
            sizes = np.append(sizes, 1.0)
            copies = np.append(copies, m)
            log_probability = np.append(log_probability, np.log(rate))
        log_probability = np.minimum(log_probability, -1e-15)
        logit = log_probability - np.log(-np.expm1(log_probability))
        return cls(sizes, copies, logit)

    def upper_tail(self, k: float) -> float:
        """P(sum >= k); 1 for k <= 0."""
        if k <= 0 or self.sizes.size == 0:
            return 1.0
        s, q, variance = self._tilted(k)
        # Away from the pole at 0 fewer nodes will do, at the cost of two digits.
        s = max(s, 3.0 / np.sqrt(1.0 + variance))
        q = special.expit(self.logit + self.sizes * s)
        bound = np.exp(self._log_bound(k, s))
        used = self.copies * q * self.sizes > 1e-18
        half = int(5.0 * np.sqrt(variance) + 10.0 / s) + 12
        if half * np.count_nonzero(used) > _MAX_TERMS:
            return float(min(1.0, bound))
        # The lower half of the circle mirrors the upper one.
        angle = np.pi * np.arange(half + 1) / half
        turned = np.exp(1j * np.multiply.outer(angle, self.sizes[used]))
        logs = np.log1p(q[used] * (turned - 1.0)) @ self.copies[used]
        values = (np.exp(logs - 1j * k * angle) / -np.expm1(-s - 1j * angle)).real
        mean = (values[1:-1].sum() + 0.5 * (values[0] + values[-1])) / half
        return float(np.clip(bound * mean, 0.0, 1.0))

    def rough_tail(self, k: float) -> float:
        """About half of P(sum >= k), by the saddle point approximation."""
        if k <= 0 or self.sizes.size == 0:
            return 1.0
        s, _, variance = self._tilted(k)
        bound = np.exp(self._log_bound(k, s))
        return float(
            0.5 * min(1.0, bound / -np.expm1(-s) / np.sqrt(1.0 + 6.3 * variance))
        )

    def _log_bound(self, k: float, s: float) -> float:
        growth = np.logaddexp(0.0, self.logit + self.sizes * s)
        growth -= np.logaddexp(0.0, self.logit)
        return float((self.copies * growth).sum() - s * k)

    def _tilted(self, k: float) -> tuple[float, FloatArray, float]:
        """Saddle point of the tail at k, and the terms' law and variance there."""
        # Root of K'(s) - k - 1 / (exp(s) - 1) on s > 0, which rises from -inf.
        low = -40.0
        high = float(np.log(np.max((60.0 - self.logit) / self.sizes).clip(1.0)))
        for _ in range(_BISECTIONS):
            middle = 0.5 * (low + high)
            s = np.exp(middle)
            q = special.expit(self.logit + self.sizes * s)
            value = (self.copies * self.sizes * q).sum() - k + np.exp(-s) / np.expm1(-s)
            low, high = (low, middle) if value > 0 else (middle, high)
        s = float(np.exp(low))
        q = np.asarray(special.expit(self.logit + self.sizes * s))
        variance = (self.copies * self.sizes**2 * q * (1.0 - q)).sum()
        return s, q, float(variance + np.exp(-s) / np.expm1(-s) ** 2)
