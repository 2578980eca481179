"""What score to expect of a batch, from cross-validation: means and shares."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

from skdrift.exceptions import ParameterError
from skdrift.stats.counts import FloatArray, check_share


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoreInterval:
    """Interval for the realised mean score of a batch.

    Attributes
    ----------
    value : ndarray
        Mean score of the held-out rows.
    low, high : ndarray
        Limits for the batch's realised mean.
    standard_error : ndarray
        Of realised minus expected.
    """

    value: FloatArray
    low: FloatArray
    high: FloatArray
    standard_error: FloatArray


def score_interval(
    mean: ArrayLike,
    row_variance: ArrayLike,
    n_reference: ArrayLike,
    n_folds: ArrayLike,
    n_current: ArrayLike,
    degrees_of_freedom: ArrayLike = np.inf,
    level: float = 0.95,
    *,
    row_skewness: ArrayLike = 0.0,
) -> ScoreInterval:
    r"""Interval for the mean score that a batch of fresh rows will realise.

    .. math:: SE^2 = \sigma^2 \frac{K}{K - 1} \frac{1}{n} + \frac{\sigma^2}{m}
                  = \sigma^2 (b + a)

    The first term is the error of the cross-validated mean, whose per-row scores
    are asymptotically uncorrelated for a stable learner (Bayle et al. 2020); the
    factor K/(K-1) covers what the folds share. The second is the batch's own. Rows
    must be independent: for blocks of rows it is far too narrow.

    With the skewness :math:`\gamma` of the per-row scores, T = (realised - mean) / SE
    has, to the first order and with the variance estimated from the same reference
    rows as the mean (as Johnson 1978 for one sample),

    .. math:: E[T] = \frac{\gamma b}{2 \sqrt{a + b}}, \qquad
              \mathrm{skewness}(T) = \frac{\gamma (a + 2 b)}{\sqrt{a + b}}.

    T is taken for a shifted gamma (Pearson type III) of that mean and skewness, kept
    within [-4, 1], turned into a normal deviate, and this into Student's.

    Parameters
    ----------
    mean, row_variance : array-like
        Mean and variance of the per-row scores of the held-out rows.
    n_reference, n_current : array-like of int
        Rows of training and of the batch.
    n_folds : array-like of int
        Folds, at least 2.
    degrees_of_freedom : array-like of float, default=inf
        Of the estimate `row_variance`: limits are Student's with so many, normal
        with infinitely many.
    level : float, default=0.95
        Coverage.
    row_skewness : array-like, default=0
        Third standardised moment of the per-row scores; negative where a few rows
        score far below the others.

    Returns
    -------
    ScoreInterval
        Arrays of the broadcast shape; NaN where a sample has no rows.

    Raises
    ------
    ParameterError
        If a variance is negative, or there are fewer than two folds.

    References
    ----------
    Bayle, P., Bayle, A., Janson, L. and Mackey, L. (2020). Cross-validation
    confidence intervals for test error. Advances in Neural Information Processing
    Systems 33.

    Johnson, N. J. (1978). Modified t tests and confidence intervals for asymmetrical
    populations. Journal of the American Statistical Association 73, 536-544.
    """
    upper = 0.5 + 0.5 * check_share(level, "level")
    freedom = np.asarray(degrees_of_freedom, dtype=np.float64)
    quantile = np.where(
        np.isinf(freedom), special.ndtri(upper), special.stdtrit(freedom, upper)
    )
    law = _law_of_difference(
        mean, row_variance, n_reference, n_folds, n_current, row_skewness
    )
    low, high = (
        law.center + law.error * (law.shift + pearson_deviate(limit, law.skewness))
        for limit in (-quantile, quantile)
    )
    return ScoreInterval(value=law.center, low=low, high=high, standard_error=law.error)


def score_pvalue(
    realised: ArrayLike,
    mean: ArrayLike,
    row_variance: ArrayLike,
    n_reference: ArrayLike,
    n_folds: ArrayLike,
    n_current: ArrayLike,
    *,
    degrees_of_freedom: ArrayLike = np.inf,
    row_skewness: ArrayLike = 0.0,
) -> FloatArray:
    """Probability of a realised mean score this low or lower if nothing changed.

    One-sided: small = the batch scores worse than cross-validation promised. With
    no variance at all it is 0 below the mean and 1 at or above it. The law is that
    of `score_interval`: its limits have the two halves of the rest.

    Parameters
    ----------
    realised : array-like
        Mean score of the batch.
    mean, row_variance, n_reference, n_folds, n_current, degrees_of_freedom
        See `score_interval`.
    row_skewness : array-like, default=0
        See `score_interval`.

    Returns
    -------
    ndarray
        P-values; NaN where a sample has no rows.

    Raises
    ------
    ParameterError
        See `score_interval`.
    """
    law = _law_of_difference(
        mean, row_variance, n_reference, n_folds, n_current, row_skewness
    )
    difference = np.asarray(realised, dtype=np.float64) - law.center
    certain = np.where(difference < 0, -np.inf, np.inf)
    deviate = np.divide(
        difference,
        law.error,
        out=np.where(np.isnan(difference + law.error), np.nan, certain),
        where=law.error > 0,
    )
    z = normal_deviate(deviate - law.shift, law.skewness)
    freedom = np.asarray(degrees_of_freedom, dtype=np.float64)
    pvalue = np.where(np.isinf(freedom), special.ndtr(z), special.stdtr(freedom, z))
    return np.asarray(pvalue, dtype=np.float64)


# Beyond -4 the law is nearly a point; the lower end that a positive skewness puts at
# -2 / skewness is an estimate, and an alarm must not take it for a certainty.
_SKEWNESSES = (-4.0, 1.0)


@dataclass(frozen=True, slots=True)
class _Law:
    """Of realised minus promised: (realised - center) / error is about Pearson III."""

    center: FloatArray
    error: FloatArray
    shift: FloatArray
    skewness: FloatArray


def _law_of_difference(
    mean: ArrayLike,
    row_variance: ArrayLike,
    n_reference: ArrayLike,
    n_folds: ArrayLike,
    n_current: ArrayLike,
    row_skewness: ArrayLike,
) -> _Law:
    given = (mean, row_variance, n_reference, n_folds, n_current, row_skewness)
    center, variance, n, k, m, skewness = np.broadcast_arrays(
        *(np.asarray(value, dtype=np.float64) for value in given)
    )
    if (variance < 0).any():
        raise ParameterError(
            f"row_variance must be at least 0, got {variance[variance < 0][:5]}."
        )
    _check_folds(k)
    of_reference = k / (k - 1.0) / np.where(n > 0, n, np.nan)
    of_batch = 1.0 / np.where(m > 0, m, np.nan)
    spread = np.sqrt(of_reference + of_batch)
    # Of the reference mean; where it is above 1 the expansion no longer holds.
    own = np.clip(skewness * np.sqrt(of_reference), -1.0, 1.0) * np.sqrt(of_reference)
    return _Law(
        center=np.array(center),
        error=np.sqrt(variance) * spread,
        shift=0.5 * own / spread,
        skewness=np.clip((skewness * of_batch + 2.0 * own) / spread, *_SKEWNESSES),
    )


def _check_folds(n_folds: FloatArray) -> None:
    few = n_folds < 2
    if few.any():
        raise ParameterError(f"n_folds must be at least 2, got {n_folds[few][:5]}.")


_REACH = 20.0
_MOST_TERMS = 4096


def accuracy_interval(
    share: ArrayLike,
    n_reference: ArrayLike,
    n_folds: ArrayLike,
    n_current: ArrayLike,
    level: float = 0.95,
) -> ScoreInterval:
    r"""Interval for the share of right answers in a batch of fresh rows.

    With `accuracy_pvalue` one law: the limits are the lowest and the highest share
    whose one-sided p-value, of a share as low or as high, is above half the rest.

    Parameters
    ----------
    share : array-like
        Share of the held-out rows that were answered right, in [0, 1].
    n_reference, n_folds, n_current
        See `score_interval`.
    level : float, default=0.95
        Coverage is at least that.

    Returns
    -------
    ScoreInterval
        Arrays of the broadcast shape; NaN where a sample has no rows.

    Raises
    ------
    ParameterError
        If a share is outside [0, 1], or there are fewer than two folds.
    """
    rest = 0.5 * (1.0 - check_share(level, "level"))
    right, n, m = _effective(share, n_reference, n_folds, n_current)
    most_wrong = _each(_highest, m, n - right, right, rest)
    most_right = _each(_highest, m, right, n - right, rest)
    known = right / n
    return ScoreInterval(
        value=known,
        low=1.0 - most_wrong / m,
        high=most_right / m,
        standard_error=np.sqrt(known * (1.0 - known) * (1.0 / n + 1.0 / m)),
    )


def accuracy_pvalue(
    realised: ArrayLike,
    share: ArrayLike,
    n_reference: ArrayLike,
    n_folds: ArrayLike,
    n_current: ArrayLike,
) -> FloatArray:
    r"""Probability of a share of right answers this low or lower if nothing changed.

    Fisher's exact one-sided test of the wrong answers in the batch against those in
    the held-out rows, with :math:`n (K - 1) / K` held-out rows in place of n for
    what the folds share. Written as what it equals (Altham 1969): the tail of the
    beta-binomial law of the wrong answers among m rows whose rate is Beta(w + 1, r),
    given w wrong and r right ones; so w and r need not be whole numbers. Never above
    the level for independent rows, and below it where few errors are expected.

    Parameters
    ----------
    realised : array-like
        Share of right answers in the batch.
    share, n_reference, n_folds, n_current
        See `accuracy_interval`.

    Returns
    -------
    ndarray
        P-values; NaN where a sample has no rows.

    Raises
    ------
    ParameterError
        If a share is outside [0, 1], or there are fewer than two folds.

    References
    ----------
    Altham, P. M. E. (1969). Exact Bayesian analysis of a 2x2 contingency table, and
    Fisher's "exact" significance test. Journal of the Royal Statistical Society B 31,
    261-269.
    """
    right, n, m = _effective(share, n_reference, n_folds, n_current)
    realised = np.asarray(realised, dtype=np.float64)
    wrong = np.ceil(m * (1.0 - realised) * (1.0 - 1e-9) - 1e-9)
    return _each(_tail, wrong, m, n - right, right)


def _effective(
    share: ArrayLike, n_reference: ArrayLike, n_folds: ArrayLike, n_current: ArrayLike
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Right answers among the effective held-out rows, these, and the batch's rows."""
    share, n, k, m = np.broadcast_arrays(
        *(
            np.asarray(value, dtype=np.float64)
            for value in (share, n_reference, n_folds, n_current)
        )
    )
    outside = (share < 0) | (share > 1)
    if outside.any():
        raise ParameterError(f"share must be in [0, 1], got {share[outside][:5]}.")
    _check_folds(k)
    n = np.where(n > 0, n * (1.0 - 1.0 / k), np.nan)
    return share * n, n, np.where(m > 0, m, np.nan)


def _each(function: Callable[..., float], *values: ArrayLike) -> FloatArray:
    return np.asarray(np.vectorize(function, otypes=[np.float64])(*values))


def _highest(m: float, hits: float, misses: float, rest: float) -> float:
    """Largest k with P(X >= k) above `rest`, by bisection."""
    low, high = 0.0, np.floor(m) + 1.0
    while high - low > 1.0:
        middle = np.floor(0.5 * (low + high))
        if _tail(middle, m, hits, misses) > rest:
            low = middle
        else:
            high = middle
    return low if np.isfinite(m + hits + misses) else np.nan


def _tail(k: float, m: float, hits: float, misses: float) -> float:
    """P(X >= k), X beta-binomial: of m rows at a rate that is Beta(hits + 1, misses).

    The probabilities are summed; where they are many, by the midpoint rule.
    """
    if not np.isfinite(k + m + hits + misses):
        return np.nan
    if k <= 0 or misses <= 0:
        return 1.0
    if k > m:
        return 0.0
    a, b = hits + 1.0, misses
    mean = m * a / (a + b)
    reach = np.ceil(
        _REACH * np.sqrt(mean * b / (a + b) * (a + b + m) / (a + b + 1.0)) + 400.0
    )
    above = k > mean
    first, last = (k, min(m, k + reach)) if above else (max(0.0, k - reach), k - 1.0)
    n_terms = int(last - first) + 1
    n_cells = min(n_terms, _MOST_TERMS)
    width = n_terms / n_cells
    at = first - 0.5 + width * (np.arange(n_cells) + 0.5)
    log = (
        special.betaln(at + a, m - at + b)
        - special.betaln(a, b)
        - special.betaln(at + 1.0, m - at + 1.0)
        - np.log1p(m)
    )
    mass = min(width * float(np.exp(log).sum()), 1.0)
    return mass if above else 1.0 - mass


_NEARLY_NORMAL = 1e-4


def normal_deviate(deviate: FloatArray, skewness: FloatArray) -> FloatArray:
    """The normal deviate of the same probability as one of Pearson type III.

    Type III is a gamma law shifted and scaled to mean 0 and variance 1, mirrored for a
    negative skewness; the normal law at skewness 0. Beyond its end it is infinite.
    """
    skewed = np.abs(skewness) > _NEARLY_NORMAL
    shape = 4.0 / np.where(skewed, skewness, 1.0) ** 2
    mirrored = skewness < 0
    upwards = np.where(mirrored, -deviate, deviate)
    at = np.maximum(shape + upwards * np.sqrt(shape), 0.0)
    below, above = special.gammainc(shape, at), special.gammaincc(shape, at)
    below, above = np.where(mirrored, above, below), np.where(mirrored, below, above)
    # From the smaller tail, which keeps its digits.
    z = np.where(below < above, special.ndtri(below), -special.ndtri(above))
    return np.where(skewed, z, deviate)


def pearson_deviate(z: FloatArray, skewness: FloatArray) -> FloatArray:
    """Inverse of `normal_deviate`."""
    skewed = np.abs(skewness) > _NEARLY_NORMAL
    shape = 4.0 / np.where(skewed, skewness, 1.0) ** 2
    upwards = np.where(skewness < 0, -z, z)
    at = np.where(
        upwards < 0,
        special.gammaincinv(shape, special.ndtr(upwards)),
        special.gammainccinv(shape, special.ndtr(-upwards)),
    )
    pearson = np.sign(skewness) * (at - shape) / np.sqrt(shape)
    return np.where(skewed, pearson, z)
