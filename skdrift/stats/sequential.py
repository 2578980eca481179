"""Tests that may be looked at after every loss: bets against a bound of the risk.

Nothing here depends on how many losses will come. Sums are of logarithms, so that no
evidence is too large or too small for a number.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from skdrift.exceptions import ParameterError
from skdrift.stats.counts import FloatArray, check_share
from skdrift.stats.scores import score_interval

MOST_OF_THE_RISK = 0.9
LARGEST_GAIN = 1e200
CHUNK = 1 << 16


def bet_sizes(risk: float, variance: float, effects: ArrayLike) -> FloatArray:
    r"""Stakes that gain most against some rises of a mean loss.

    .. math:: \lambda = \min\Bigl(\frac{\delta}{v + \delta^2}, \frac{0.9}{r_0}\Bigr)

    for a rise by :math:`\delta` at the variance v: what gains most for a small rise.
    With at most :math:`0.9 / r_0` no loss of 0 takes more than nine tenths of what
    was won.

    Parameters
    ----------
    risk : float
        Bound r0 of the mean loss, above 0.
    variance : float
        Of a single loss, at least 0; it decides the power, not the level.
    effects : array-like of shape (k,)
        Rises, above 0, in units of the loss.

    Returns
    -------
    ndarray of shape (k,)

    Raises
    ------
    ParameterError
        If `risk` or an effect is not above 0, or `variance` is negative.
    """
    rises = np.asarray(effects, dtype=np.float64)
    if not (np.isfinite(risk) and risk > 0):
        raise ParameterError(f"risk must be a finite number above 0, got {risk!r}.")
    if not (np.isfinite(variance) and variance >= 0):
        raise ParameterError(
            f"variance must be a finite number of at least 0, got {variance!r}."
        )
    if not (np.isfinite(rises).all() and (rises > 0).all()):
        raise ParameterError(f"effects must be above 0, got {rises[:5]}.")
    return np.minimum(rises / (variance + rises**2), MOST_OF_THE_RISK / risk)


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What some bets on a rise have won so far; frozen, of a size that never grows.

    Attributes
    ----------
    n_losses : int
        Losses so far.
    log_wealth : tuple of float
        Logarithm of what each bet has won, all starts together; -inf before the first.
    rises : tuple of float
        What each bet has won, as a logarithm, since it was lowest; at least 0.
    since : tuple of int
        Position of the last loss at which each was lowest; 0 before the first.
    """

    n_losses: int
    log_wealth: tuple[float, ...]
    rises: tuple[float, ...]
    since: tuple[int, ...]

    @classmethod
    def of_nothing(cls, n_bets: int) -> Evidence:
        """Evidence before the first loss."""
        return cls(
            n_losses=0,
            log_wealth=(-np.inf,) * n_bets,
            rises=(0.0,) * n_bets,
            since=(0,) * n_bets,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Crossing:
    """The first loss at which the limit was reached.

    Attributes
    ----------
    index : int
        Which of the losses.
    since : int
        Position of the last loss before the rise of the bet that had won most: where
        the mean loss changed, as estimated.
    """

    index: int
    since: int


def follow(
    evidence: Evidence,
    losses: FloatArray,
    positions: NDArray[np.int64],
    *,
    risk: float,
    bets: FloatArray,
    log_limit: float,
    restarts: bool,
) -> tuple[Evidence, float, Crossing | None]:
    r"""Take further losses into account.

    Each bet keeps :math:`M_t = (M_{t-1} + \pi_t)(1 + \lambda (\ell_t - r_0))`. The
    hypothesis is :math:`E[\ell_t \mid \text{past}] \le r_0` for all t.

    With `restarts` :math:`\pi_t = 1`: M, averaged over the bets, is an e-detector
    (Shiryaev–Roberts; Shin, Ramdas & Rinaldo 2023). While the hypothesis holds, M - t
    is a supermartingale, so a limit of c is reached after c losses or more on average.

    Without, the :math:`\pi_t` add up to 1: half at the first loss, half over all
    later starts, :math:`\sum_{s > t} \pi_s = \frac{1}{2 \log_2 (t + 2)}`. M plus that
    rest is a nonnegative supermartingale that starts at 1, and reaches
    :math:`1 / \alpha` ever with probability at most alpha (Ville 1939). Bets that
    start late lose nothing while nothing happens.

    The recursion is computed in closed form for many losses at once: with
    :math:`C_t = \sum_{i \le t} \log(1 + \lambda(\ell_i - r_0))`,

    .. math:: \log M_t = C_t + \log\Bigl(M_0 + \sum_{s \le t} \pi_s e^{-C_{s-1}}\Bigr)

    by cumulative sums of exponentials, in logarithms.

    Parameters
    ----------
    evidence : Evidence
    losses : ndarray of shape (n,)
        Finite and at least 0, in the order of arrival.
    positions : ndarray of int of shape (n,)
        Names of the losses for `since`, above 0.
    risk : float
        Bound r0 of the mean loss.
    bets : ndarray of shape (k,)
        Stakes, in [0, 1 / r0); fixed before the losses are seen.
    log_limit : float
        Logarithm of the limit.
    restarts : bool

    Returns
    -------
    evidence : Evidence
    log_value : float
        Logarithm of the average over the bets after the last loss.
    crossing : Crossing or None
        At the first of these losses with which the limit is reached.

    References
    ----------
    Shin, J., Ramdas, A. and Rinaldo, A. (2023). E-detectors: a nonparametric framework
    for sequential change detection. New England Journal of Statistics in Data Science.

    Ville, J. (1939). Étude critique de la notion de collectif. Gauthier-Villars.
    """
    crossing = None
    log_value = value_of(evidence, restarts=restarts)
    for start in range(0, len(losses), CHUNK):
        part, names = losses[start : start + CHUNK], positions[start : start + CHUNK]
        factors = np.minimum((part[:, None] - risk) * bets, LARGEST_GAIN)
        gains = np.cumsum(np.log1p(factors), axis=0)
        paths = _wealth_paths(evidence, gains, restarts)
        values = _averages(evidence.n_losses, paths, restarts)
        if crossing is None:
            at = int(np.argmax(values >= log_limit))
            if values[at] >= log_limit:
                found = _after(evidence, gains[: at + 1], paths[at], names)
                since = found.since[int(np.argmax(found.log_wealth))]
                crossing = Crossing(index=start + at, since=since)
        evidence = _after(evidence, gains, paths[-1], names)
        log_value = float(values[-1])
    return evidence, log_value, crossing


def value_of(evidence: Evidence, *, restarts: bool) -> float:
    """Logarithm of the average over the bets."""
    wealth = np.array(evidence.log_wealth)[None]
    return float(_averages(evidence.n_losses - 1, wealth, restarts)[0])


def _wealth_paths(evidence: Evidence, gains: FloatArray, restarts: bool) -> FloatArray:
    """Logarithm of M after each loss, of shape (n, k)."""
    n, n_bets = gains.shape
    starts = np.zeros(n) if restarts else _log_starts(evidence.n_losses, n)
    terms = np.empty((n + 1, n_bets))
    terms[0] = evidence.log_wealth
    terms[1] = starts[0]
    terms[2:] = starts[1:, None] - gains[:-1]
    return gains + np.logaddexp.accumulate(terms, axis=0)[1:]


def _log_starts(n_before: int, n: int) -> FloatArray:
    """Logarithm of the share of the starts at each of the next losses."""
    t = np.arange(n_before + 1, n_before + n + 1, dtype=np.float64)
    # 1 / log2(t + 1) - 1 / log2(t + 2) without the difference of near numbers
    steps = np.log1p(1.0 / (t + 1.0)) / (np.log2(t + 1.0) * np.log2(t + 2.0))
    share = 0.5 * steps / np.log(2.0)
    share[t == 1] += 0.5
    return np.asarray(np.log(share))


def _averages(n_before: int, paths: FloatArray, restarts: bool) -> FloatArray:
    """Logarithm of the average over the bets after each loss, with the rest."""
    average = np.logaddexp.reduce(paths, axis=1) - np.log(paths.shape[1])
    if restarts:
        return np.asarray(average)
    t = np.arange(n_before + 1, n_before + len(paths) + 1, dtype=np.float64)
    rest = np.where(t > 0, 0.5 / np.log2(np.maximum(t, 1.0) + 2.0), 1.0)
    return np.asarray(np.logaddexp(average, np.log(rest)))


def _after(
    evidence: Evidence,
    gains: FloatArray,
    wealth: FloatArray,
    positions: NDArray[np.int64],
) -> Evidence:
    """Evidence after the losses of `gains`; of equally low places the last counts."""
    rises, since = np.array(evidence.rises), np.array(evidence.since)
    paths = rises + gains
    lowest = np.minimum(paths.min(axis=0), 0.0)
    fell = paths.min(axis=0) <= 0.0
    places = positions[len(gains) - 1 - np.argmin(paths[::-1], axis=0)]
    return Evidence(
        n_losses=evidence.n_losses + len(gains),
        log_wealth=tuple(wealth.tolist()),
        rises=tuple((paths[-1] - lowest).tolist()),
        since=tuple(np.where(fell, places, since).tolist()),
    )


def share_upper_bound(share: float, n: float, alpha: float) -> float:
    """Upper confidence bound of a probability (Clopper & Pearson 1934), one-sided.

    Parameters
    ----------
    share : float
        Of the n rows, in [0, 1].
    n : float
        Rows, above 0; need not be whole.
    alpha : float
        Probability of a bound below the truth, at most.

    Raises
    ------
    ParameterError
        If an argument is outside its range.
    """
    check_share(alpha, "alpha")
    if not 0 <= share <= 1:
        raise ParameterError(f"share must be in [0, 1], got {share!r}.")
    if not n > 0:
        raise ParameterError(f"n must be above 0, got {n!r}.")
    misses = n * (1.0 - share)
    if misses <= 0:
        return 1.0
    return float(special.betaincinv(n * share + 1.0, misses, 1.0 - alpha))


def mean_upper_bound(
    mean: float,
    variance: float,
    n: float,
    alpha: float,
    *,
    degrees_of_freedom: float = np.inf,
    skewness: float = 0.0,
    n_folds: float = 1e12,
) -> float:
    """Upper confidence bound of a mean, one-sided, by the law of `score_interval`.

    Student's with a correction for skewness (Johnson 1978): asymptotic, so for few
    values with heavy tails the bound is below the truth more often than `alpha`.

    Parameters
    ----------
    mean, variance, skewness : float
        Of the n values.
    n : float
        Values behind the mean.
    alpha : float
        Probability of a bound below the truth.
    degrees_of_freedom : float, default=inf
        Of `variance`.
    n_folds : float
        Folds that the values are from; the default stands for one independent set.
    """
    check_share(alpha, "alpha")
    found = score_interval(
        -mean,
        variance,
        n,
        n_folds,
        np.inf,
        degrees_of_freedom=degrees_of_freedom,
        level=max(1.0 - 2.0 * alpha, 1e-12),
        row_skewness=-skewness,
    )
    return max(mean, -float(found.low))
