"""How far the parts of a sample are from each other, as a tolerance for one more."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from skdrift.exceptions import ParameterError
from skdrift.stats.anderson import SHIFT, anderson_darling
from skdrift.stats.counts import FloatArray, check_counts
from skdrift.stats.ordered import kolmogorov_smirnov
from skdrift.stats.variation import distance_and_noise

LARGEST = 0.5
# Standard deviation of the statistic without ties under equal distributions.
_NULL_SPREAD = 0.76
# Mean and standard deviation of the square of a Kolmogorov variable.
_NULL_SQUARE = np.pi**2 / 12
_NULL_SQUARE_SPREAD = 0.52
_FEW_PARTS = 3
# Standard deviation of |Z|.
_FOLDED_SPREAD = float(np.sqrt(1.0 - 2.0 / np.pi))


def tolerance_of_parts(parts: ArrayLike) -> float:
    r"""Kolmogorov-Smirnov distance to expect of one more part, on ordered cells.

    Each of the K parts is compared with all others, in two ways, and the larger
    answer counts. `anderson_darling` has a statistic :math:`A_k^2` of mean 1 under
    equal distributions, whatever the ties, and :math:`1 + N_k q_k` otherwise. One
    more part is expected to have

    .. math:: q = \frac{\bar A^2 - 1 + s \sqrt{1 + 1/K}}{\bar N},

    one standard deviation s of the :math:`A_k^2` beyond their mean, and the answer
    is the shift of a normal column with this q. The other way takes the same bound
    of the squared Kolmogorov-Smirnov distances, less their null mean
    :math:`\pi^2 / (12 N_k)`: it is the larger one where parts have values of their
    own, as the answers of small trees. Noise is in s: with few rows the answer is of
    the order of :math:`1/\sqrt{N}` though the parts are alike.

    Parameters
    ----------
    parts : array-like of int, shape (K, c)
        Counts over ordered cells, one row for each part.

    Returns
    -------
    float
        In [0, 0.5]; larger = parts are further apart. NaN where fewer than two parts
        have rows.

    Raises
    ------
    ParameterError
        If `parts` are no counts.

    Examples
    --------
    >>> from skdrift.stats import tolerance_of_parts
    >>> alike = [[250, 250, 250, 250]] * 5
    >>> apart = [[250 + d, 250, 250, 250 - d] for d in (-90, -40, 0, 50, 80)]
    >>> tolerance_of_parts(alike), round(tolerance_of_parts(apart), 2)
    (0.0, 0.15)
    """
    counts, rest = _parts_and_rest(parts)
    if len(counts) < 2:
        return float("nan")
    sizes = _sizes(rest, counts)
    length = _upper(anderson_darling(rest, counts).statistic - 1.0) / sizes.mean()
    distance = kolmogorov_smirnov(rest, counts).value
    excess = np.square(distance) - _NULL_SQUARE / sizes
    square = _upper(excess, _NULL_SQUARE_SPREAD / float(sizes.mean()))
    return min(LARGEST, float(np.sqrt(max(0.0, length / SHIFT[0], square))))


def variation_of_parts(parts: ArrayLike) -> float:
    """Total variation distance to expect of one more part, on cells without an order.

    Of each part to all others, its null mean taken off: the mean over the parts and
    two standard deviations of a further one. Labels of unstable models move together,
    and a few distances then say little about the next: hence two, where squares, as in
    `tolerance_of_parts`, do with one.

    Parameters
    ----------
    parts : array-like of int, shape (K, c)
        Counts, one row for each part.

    Returns
    -------
    float
        In [0, 0.5]. NaN where fewer than two parts have rows.

    Raises
    ------
    ParameterError
        If `parts` are no counts.
    """
    counts, rest = _parts_and_rest(parts)
    if len(counts) < 2:
        return float("nan")
    plain, noise, spread, _ = distance_and_noise(rest, counts)
    by_noise = _FOLDED_SPREAD * float(spread.mean())
    return float(np.clip(_upper(plain - noise, by_noise, times=2.0), 0.0, LARGEST))


def _parts_and_rest(parts: ArrayLike) -> tuple[FloatArray, FloatArray]:
    given = np.asarray(parts)
    if given.ndim != 2:
        raise ParameterError(
            f"parts must have one row of counts for each part, got shape {given.shape}."
        )
    counts, _ = check_counts(given, given)
    counts = counts[counts.sum(axis=1) > 0]
    return counts, counts.sum(axis=0) - counts


def _sizes(reference: FloatArray, current: FloatArray) -> FloatArray:
    n, m = reference.sum(axis=1), current.sum(axis=1)
    return np.asarray(n * m / (n + m), dtype=np.float64)


def _upper(
    values: FloatArray, null_spread: float = _NULL_SPREAD, *, times: float = 1.0
) -> float:
    """Mean and some standard deviations of a further value."""
    spread = times * _spread(values, null_spread)
    return float(values.mean()) + spread * float(np.sqrt(1.0 + 1.0 / len(values)))


def _spread(values: FloatArray, null_spread: float) -> float:
    """Standard deviation; of two parts, which are equally far apart, a guess."""
    if len(values) < _FEW_PARTS:
        return max(null_spread, abs(float(values.mean())))
    return float(np.std(values, ddof=1))
