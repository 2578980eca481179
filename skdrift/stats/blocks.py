"""Level of a batch of rows that come in blocks."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import special

from skdrift.exceptions import ParameterError
from skdrift.stats.counts import FloatArray

N_DRAWS = 500
TAIL_SHARE = 0.1
TAIL_LIMITS = (3.0, 12.0)
LEAST_BALANCED = 50
TINY = 1e-12
TIE = 1e-6


@dataclass(frozen=True, slots=True, kw_only=True)
class BlockTest:
    """How far a batch is from the blocks of training, and how far these are.

    Attributes
    ----------
    statistic : ndarray of shape (d,)
        Distance of the batch in standard deviations between blocks; larger =
        further apart.
    null : ndarray of shape (n_draws, d)
        The same of parts of training, each compared with the rest of it.
    inflation : ndarray of shape (d,)
        Variance of the batch's distance over what independent rows would have; at
        least 1; NaN where rows of training do not vary.
    deviation : ndarray of shape (d,)
        Standard deviation in which `statistic` is measured.
    n_like : int
        Parts of training of the size of the batch that share no block: without a
        model no p-value is below ``1 / (n_like + 1)``.
    largest : ndarray of shape (n_draws,)
        Largest of `null` in each part.
    """

    statistic: FloatArray
    null: FloatArray
    inflation: FloatArray
    deviation: FloatArray
    n_like: int
    largest: FloatArray

    def pvalue(
        self, statistic: float, columns: NDArray[np.intp] | None = None
    ) -> float:
        """P-value of the largest of some statistics.

        Parameters
        ----------
        statistic : float
        columns : ndarray of int, optional
            Which statistics it is the largest of; all by default.
        """
        if columns is None:
            return tail_pvalue(statistic, self.largest)
        return tail_pvalue(statistic, self.null[:, columns].max(axis=1))

    def detectable(self, alpha: float, power: float) -> FloatArray:
        """Smallest distance of each mean whose p-value is at most `alpha`.

        Parameters
        ----------
        alpha : float
            Level for all statistics together.
        power : float
            Probability of it, where the batch's mean has a normal law.

        Returns
        -------
        ndarray of shape (d,)
            In the units of `values`.
        """
        beyond = critical_value(alpha, self.largest) + special.ndtri(power)
        return np.asarray(beyond * self.deviation, dtype=np.float64)


def tail_pvalue(statistic: float, null: FloatArray) -> float:
    """Rank of a statistic among draws, continued by a Pareto tail beyond them.

    Up to the largest of the n draws the p-value is ``(1 + k) / (n + 1)`` with k draws
    that are as large. Beyond it is ``(statistic / largest) ** -v / (n + 1)``: the
    index v is Hill's, of the largest tenth of the draws (at least five), and kept
    between 3 and 12.
    """
    n = len(null)
    n_larger = int((null >= statistic * (1 - TIE)).sum())
    if n_larger or not n:
        return (1 + n_larger) / (n + 1)
    largest, index = _tail(null)
    return float((statistic / largest) ** -index / (n + 1))


def critical_value(alpha: float, null: FloatArray) -> float:
    """Statistic above which `tail_pvalue` is at most `alpha`."""
    n = len(null)
    n_larger = int(np.floor(alpha * (n + 1) + 1e-9)) - 1
    if n_larger >= 0:
        return float(np.sort(null)[max(n - 1 - n_larger, 0)]) if n else 0.0
    if not n:
        return float("inf")
    largest, index = _tail(null)
    return float(largest * (alpha * (n + 1)) ** (-1.0 / index))


def _tail(null: FloatArray) -> tuple[float, float]:
    """Largest of the draws, and index of the Pareto tail beyond it."""
    ordered, n = np.sort(null), len(null)
    k = min(max(5, int(np.ceil(TAIL_SHARE * n))), n - 1)
    largest = max(float(ordered[-1]), TINY)
    spread = 1.0
    if k > 0 and ordered[-k - 1] > 0:
        spread = float(np.log(ordered[-k:] / ordered[-k - 1]).mean())
    return largest, float(np.clip(1.0 / max(spread, TINY), *TAIL_LIMITS))


def block_test(
    values: FloatArray,
    batch: FloatArray,
    *,
    limits: FloatArray,
    row_variance: FloatArray,
    n_blocks: int,
    n_rows: int,
    n_reference: int,
    block_rows: float,
    contiguous: bool,
) -> BlockTest:
    r"""Compare a batch with blocks of which it is, under the null, one or several more.

    Each part S of b blocks of the reference is compared with the K - b others,

    .. math:: T_S = \frac{|\bar v_S - \bar v_{-S}|}
        {\sqrt{s_{-S}^2 (1/b + 1/(K - b))}},

    and the batch with all K in the same way. The variance is that of blocks outside
    of S, with :math:`R^2 / (2 (h + 1))` added to their sum of squares: half a block
    as far off as one can be, which counts the less the more blocks h make up the
    variance, :math:`h = (\sum d^2)^2 / \sum d^4`. It is never below what independent
    rows have. With 50 blocks or more, and b = 1, statistics with tails heavier than
    normal ones are measured in units of the second largest of the other blocks. If
    blocks are exchangeable and b is 1, the rank of the batch's T, or of
    the largest over any set of statistics, is a p-value for every distribution of
    the blocks.

    Parameters
    ----------
    values : ndarray of shape (K, d)
        Of each block of the reference; NaN where a block has none.
    batch : ndarray of shape (d,)
    limits : ndarray of shape (d,)
        Largest possible distance R of a statistic from its mean.
    row_variance : ndarray of shape (d,)
        Variance of a single row.
    n_blocks : int
        Blocks b that the batch is taken for; at most a quarter of K counts.
    n_rows, n_reference : int
        Rows of the batch and of the reference.
    block_rows : float
        Usual rows of a block.
    contiguous : bool
        Whether blocks follow one another in time: the parts are then runs of
        neighbours, else drawn at random (500 of them; all where b is 1).

    Raises
    ------
    ParameterError
        If there are fewer than three blocks.
    """
    total = len(values)
    if total < 3:
        raise ParameterError(f"values must have 3 blocks or more, got {total}.")
    b = max(1, min(n_blocks, total // 4))
    centre = np.nanmean(np.vstack([values, np.zeros_like(batch)]), axis=0)
    centre = np.where(np.isnan(values).all(axis=0), 0.0, _mean_known(values, centre))
    moved = np.nan_to_num(values - centre)
    deviation = np.nan_to_num(batch - centre)
    if contiguous:
        apart, variance = _runs(moved, b, limits)
        own_variance = _run_variance(moved, b, limits)
    else:
        apart, variance = _draws(moved, b, limits)
        own_variance = _spread(
            moved.sum(axis=0), *_powers(moved), total, limits, total
        ) * (1 / b + 1 / total)
    rows = b * block_rows
    floor = row_variance * (1 / rows + 1 / n_reference)
    null = np.abs(apart) / np.sqrt(np.maximum(np.maximum(variance, floor), TINY))
    independent = row_variance * (1 / max(n_rows, 1) + 1 / n_reference)
    within = np.maximum(row_variance - moved.var(axis=0), 0.0)
    fewer = max(0.0, 1 / max(n_rows, 1) - 1 / rows)
    own = np.maximum(own_variance + within * fewer, independent)
    scale = np.sqrt(np.maximum(own, TINY))
    if b == 1 and total >= LEAST_BALANCED:
        null, wider = _balanced(null)
        scale = scale * wider
    null = _single(null)
    inflation = np.where(independent > 0, own / np.maximum(independent, TINY), np.nan)
    return BlockTest(
        statistic=_single(np.abs(deviation) / scale),
        null=null,
        inflation=_single(inflation),
        deviation=_single(scale),
        n_like=total // b,
        largest=null.max(axis=1, initial=0.0),
    )


def _single(values: FloatArray) -> FloatArray:
    """Without the last digits, in which sums differ from one process to another."""
    with np.errstate(over="ignore"):
        return values.astype(np.float32).astype(np.float64)


def _balanced(null: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Each statistic in units of the second largest of the other blocks.

    A few statistics with heavy tails would else make all the alarms. Where the second
    largest is no larger than with a normal law, nothing changes. Also returned is by
    how much the batch's unit grows.
    """
    n = len(null)
    usual = -float(special.ndtri(1.0 / (n + 1)))
    _, second, third = -np.partition(-null, (0, 1, 2), axis=0)[:3]
    of_others = np.where(null >= second, third, second)
    scaled = null / np.maximum(of_others / usual, 1.0)
    return scaled, np.maximum(second / usual, 1.0)


def _mean_known(values: FloatArray, otherwise: FloatArray) -> FloatArray:
    known = ~np.isnan(values)
    n = known.sum(axis=0)
    sums = np.where(known, values, 0.0).sum(axis=0)
    return np.where(n > 0, sums / np.maximum(n, 1), otherwise)


def _powers(moved: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    _, second, third, fourth = _raised(moved)
    return second.sum(axis=0), third.sum(axis=0), fourth.sum(axis=0)


def _raised(moved: FloatArray) -> list[FloatArray]:
    second = moved * moved
    return [moved, second, second * moved, second * second]


def _spread(
    first: FloatArray,
    second: FloatArray,
    third: FloatArray,
    fourth: FloatArray,
    n: int,
    limits: FloatArray,
    total: int,
) -> FloatArray:
    """Variance of n blocks of `total`, from sums of their powers.

    Divided by the same number for parts of the reference as for the batch: an event
    that one block has must not be outranked by the same event of the batch.
    """
    mean = first / n
    squares = np.maximum(second - n * mean**2, 0.0)
    fourths = fourth - 4 * mean * third + 6 * mean**2 * second - 3 * n * mean**4
    fourths = np.maximum(fourths, squares**2 / n)
    prior = _prior(squares, fourths, limits, 1.0)
    return np.asarray((squares + prior) / (total - 1), dtype=np.float64)


def _prior(
    squares: FloatArray, fourths: FloatArray, limits: FloatArray, overlap: float
) -> FloatArray:
    """Square of half a block as far off as one can be, less as more blocks vary."""
    known = fourths > TINY**2
    effective = np.where(known, squares**2 / np.where(known, fourths, 1.0), 0.0)
    half = np.square(limits) / (2 * (effective / overlap + 1))
    return np.asarray(overlap * half, dtype=np.float64)


def _draws(
    moved: FloatArray, b: int, limits: FloatArray
) -> tuple[FloatArray, FloatArray]:
    total = len(moved)
    if b == 1:
        inside = _raised(moved)
    else:
        rng = np.random.default_rng(0)
        chosen = np.zeros((N_DRAWS, total))
        for row in chosen:
            row[rng.choice(total, b, replace=False)] = 1.0
        inside = [chosen @ power for power in _raised(moved)]
    sums = [moved.sum(axis=0), *_powers(moved)]
    first, second, third, fourth = (
        whole - part for whole, part in zip(sums, inside, strict=True)
    )
    n = total - b
    variance = _spread(first, second, third, fourth, n, limits, total)
    return inside[0] / b - first / n, variance * (1 / b + 1 / total)


def _runs(
    moved: FloatArray, b: int, limits: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Each run of b neighbours against the runs that share no block with it."""
    if b == 1:
        return _draws(moved, 1, limits)
    total = len(moved)
    means = _run_means(moved, b)
    n = len(means)
    at = np.arange(n)
    low, high = np.maximum(at - b + 1, 0), np.minimum(at + b, n)
    first, second, third, fourth = (
        sums[-1] - (sums[high] - sums[low]) for sums in map(_summed, _raised(means))
    )
    count = (n - (high - low))[:, None]
    rest = (moved.sum(axis=0) - b * means) / (total - b)
    variance = _overlapping(first, second, third, fourth, count, b, limits, n)
    return means - rest, variance * (1 + b / total)


def _run_variance(moved: FloatArray, b: int, limits: FloatArray) -> FloatArray:
    total = len(moved)
    means = _run_means(moved, b)
    variance = _overlapping(
        means.sum(axis=0), *_powers(means), np.array(len(means)), b, limits, len(means)
    )
    return variance * (1 + b / total)


def _overlapping(
    first: FloatArray,
    second: FloatArray,
    third: FloatArray,
    fourth: FloatArray,
    count: NDArray[np.intp],
    b: int,
    limits: FloatArray,
    n_runs: int,
) -> FloatArray:
    """Variance of means of runs, of which every b overlap."""
    mean = first / count
    squares = np.maximum(second - count * mean**2, 0.0)
    fourths = fourth - 4 * mean * third + 6 * mean**2 * second - 3 * count * mean**4
    fourths = np.maximum(fourths, squares**2 / count)
    apart = max(n_runs / b, 2.0)
    spread = (squares + _prior(squares, fourths, limits, float(b))) / n_runs
    return np.asarray(spread * apart / (apart - 1), dtype=np.float64)


def _run_means(moved: FloatArray, b: int) -> FloatArray:
    sums = _summed(moved)
    return np.asarray((sums[b:] - sums[:-b]) / b, dtype=np.float64)


def _summed(values: FloatArray) -> FloatArray:
    return np.vstack([np.zeros((1, values.shape[1])), np.cumsum(values, axis=0)])


def block_variance_pvalue(
    values: FloatArray,
    sizes: FloatArray,
    row_variance: FloatArray,
    row_kurtosis: FloatArray,
) -> FloatArray:
    r"""P-value of "blocks differ no more than as many independent rows would".

    :math:`Q = \sum_j n_j (\bar v_j - \bar v)^2 / \sigma^2` has mean K - 1 and about
    the variance :math:`2 (K-1) + \kappa \sum_j 1/n_j`; its law is taken for the gamma
    law of both.

    Parameters
    ----------
    values : ndarray of shape (K, d)
    sizes : ndarray of shape (K,)
        Rows of each block.
    row_variance, row_kurtosis : ndarray of shape (d,)
        Variance and excess kurtosis of a row.

    Returns
    -------
    ndarray of shape (d,)
        1 where rows do not vary.
    """
    known = ~np.isnan(values)
    weight = np.where(known, np.maximum(sizes, 1.0)[:, None], 0.0)
    filled = np.where(known, values, 0.0)
    mean = (weight * filled).sum(axis=0) / np.maximum(weight.sum(axis=0), 1.0)
    squares = (weight * np.square(filled - mean)).sum(axis=0)
    varies = row_variance > TINY
    q = squares / np.where(varies, row_variance, 1.0)
    freedom = np.maximum(known.sum(axis=0) - 1, 1)
    inverse = np.where(known, 1.0 / np.maximum(sizes, 1.0)[:, None], 0.0).sum(axis=0)
    variance = np.maximum(2 * freedom + row_kurtosis * inverse, 0.2 * freedom)
    pvalue = special.gammaincc(freedom**2 / variance, q * freedom / variance)
    return np.where(varies, pvalue, 1.0)
