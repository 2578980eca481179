"""How small a change can be seen, and how many rows it takes."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

from skdrift.exceptions import ParameterError
from skdrift.stats.anderson import noncentrality
from skdrift.stats.counts import FloatArray, check_share, check_shares, check_whole
from skdrift.stats.quadratic import weighted_chi2_sf

_DEGREES = np.arange(1.0, 9.0)
_EIGENVALUES = 1.0 / (_DEGREES * (_DEGREES + 1.0))
_REST_MEAN = 1.0 / 9.0
_REST_VARIANCE = 2.0 * (np.pi**2 / 3.0 - 3.0 - float((_EIGENVALUES**2).sum()))
# Squared Legendre coefficients of the shift of a normal, over its squared
# Kolmogorov-Smirnov distance.
_SHIFT = np.array([6.0, 0.0, 0.21043, 0.0, 0.04194, 0.0, 0.01431, 0.0])
# A combined test rejects a shift as Anderson-Darling's does at this share of its
# level (simulated).
_COMBINED = 0.55
_STEPS = 9
_GRID = 13
_ROUNDS = 2


def detectable_effect(
    n_reference: ArrayLike,
    n_current: ArrayLike,
    *,
    alpha: float,
    n_hypotheses: int,
    power: float = 0.8,
    tolerance: ArrayLike = 0.0,
) -> FloatArray:
    """Kolmogorov-Smirnov distance of a shift that `distribution_change` finds.

    The change is the shift of a normal column without ties, and the test is one of
    `n_hypotheses` that share in alpha equally.

    Parameters
    ----------
    n_reference, n_current : array-like of int
        Rows of the two samples.
    alpha : float
        Family-wise level.
    n_hypotheses : int
        Hypotheses in the family.
    power : float, default=0.8
        Probability that the change is found.
    tolerance : float or array-like, default=0
        Distance that the null hypothesis allows.

    Returns
    -------
    ndarray
        Distances in [0, 1] of the broadcast shape, larger = only larger changes are
        seen; 1 where none is; NaN where a sample has no rows.

    Raises
    ------
    ParameterError
        If alpha or power are not in (0, 1) or the counts are not whole numbers.

    Examples
    --------
    >>> from skdrift.stats import detectable_effect
    >>> detectable_effect(3000, [100, 1000], alpha=0.05, n_hypotheses=20).round(2)
    array([0.17, 0.06])
    """
    level = hypothesis_level(alpha, n_hypotheses, power) * _COMBINED
    n, m, tolerated = np.broadcast_arrays(
        check_whole(n_reference, "n_reference"),
        check_whole(n_current, "n_current"),
        check_shares(tolerance, "tolerance"),
    )
    known = (n > 0) & (m > 0)
    size = np.where(known, n, 1.0) / np.where(known, n + m, 1.0) * m
    size = np.where(known, size, 1.0).ravel()
    least = tolerated.ravel()
    critical = _critical(size, level, least)
    found = _root(
        lambda d: _reached(d, size, critical) - special.ndtri(power),
        least,
        np.minimum(1.0, 2.0 * least + 12.0 / np.sqrt(size)),
    )
    return np.where(known, found.reshape(n.shape), np.nan)


def rows_needed(
    effect: ArrayLike,
    n_reference: ArrayLike,
    *,
    alpha: float,
    n_hypotheses: int,
    power: float = 0.8,
    tolerance: float = 0.0,
) -> FloatArray:
    """Rows of a batch that `distribution_change` needs to find a shift.

    Parameters
    ----------
    effect : array-like of float
        Kolmogorov-Smirnov distance of the shift.
    n_reference : array-like of int
        Rows of the reference.
    alpha, n_hypotheses, power, tolerance
        See `detectable_effect`.

    Returns
    -------
    ndarray
        Numbers of rows, rounded up, of the broadcast shape; inf where no number
        would do, since the reference itself has too few or the effect is below some
        1.25 times the tolerance.

    Raises
    ------
    ParameterError
        If alpha or power are not in (0, 1) or the counts are not whole numbers.

    Examples
    --------
    >>> from skdrift.stats import rows_needed
    >>> needed = rows_needed([0.01, 0.1], 3000, alpha=0.05, n_hypotheses=20)
    >>> bool(needed[0] == float("inf")), bool(200 < needed[1] < 400)
    (True, True)
    """
    level = hypothesis_level(alpha, n_hypotheses, power) * _COMBINED
    tolerance = check_share(tolerance, "tolerance")
    d, n = np.broadcast_arrays(
        np.asarray(effect, dtype=np.float64), check_whole(n_reference, "n_reference")
    )
    size = np.full(d.shape, np.inf)
    above = d > tolerance
    if above.any():
        size[above] = _size(d[above], level, power, tolerance)
    enough = size < n
    rows = np.ceil(np.where(enough, size, 0.0) * n / np.where(enough, n - size, 1.0))
    return np.where(np.isnan(d), np.nan, np.where(enough, rows, np.inf))


def hypothesis_level(alpha: float, n_hypotheses: int, power: float) -> float:
    """Level of one hypothesis of a family.

    Raises
    ------
    ParameterError
        If alpha or power are not in (0, 1), or there is no hypothesis.
    """
    for name, value in (("alpha", alpha), ("power", power)):
        if not 0.0 < value < 1.0:
            raise ParameterError(f"{name} must be in (0, 1), got {value!r}.")
    if n_hypotheses < 1:
        raise ParameterError(f"n_hypotheses must be at least 1, got {n_hypotheses!r}.")
    return alpha / n_hypotheses


def _tail(x: FloatArray, added: FloatArray) -> FloatArray:
    return weighted_chi2_sf(
        x,
        np.broadcast_to(_EIGENVALUES, added.shape),
        noncentrality=added,
        rest_mean=_REST_MEAN,
        rest_variance=_REST_VARIANCE,
    )


def _reached(d: FloatArray, size: FloatArray, critical: FloatArray) -> FloatArray:
    """Power against a shift of distance d, as a normal quantile."""
    attained = _tail(critical, (size * d**2)[:, None] * _SHIFT)
    quantile = special.ndtri(np.clip(attained, 1e-300, 1.0 - 1e-15))
    return np.asarray(quantile, dtype=np.float64)


def _critical(size: FloatArray, level: float, tolerance: FloatArray) -> FloatArray:
    """Statistic that is exceeded with probability `level` under the null."""
    if not tolerance.any() and size.size > 1:
        return np.full(size.shape, _critical(size[:1], level, tolerance[:1])[0])
    added = noncentrality(size, np.tile(_EIGENVALUES, (size.size, 1)), tolerance)
    mean = 1.0 + (added * _EIGENVALUES).sum(axis=1)
    return _root(
        lambda x: np.log(level) - np.log(np.maximum(_tail(x, added), 1e-300)),
        mean,
        (np.sqrt(mean) + np.sqrt(1.0 - np.log(level))) ** 2,
    )


def _size(d: FloatArray, level: float, power: float, tolerance: float) -> FloatArray:
    # Power rises with the root of the size: narrow a grid of roots around the wanted.
    low, high = 0.2 / d, 12.0 / (d - tolerance)
    for _ in range(_ROUNDS):
        grid = np.geomspace(low, high, _GRID, axis=1)
        sizes = np.square(grid).ravel()
        critical = _critical(sizes, level, np.full(sizes.shape, tolerance))
        reached = _reached(np.repeat(d, _GRID), sizes, critical).reshape(grid.shape)
        enough = reached >= special.ndtri(power)
        after = np.argmax(enough, axis=1).clip(1)
        rows = np.arange(d.size)
        low, high = grid[rows, after - 1], grid[rows, after]
        f_low, f_high = reached[rows, after - 1], reached[rows, after]
    part = (special.ndtri(power) - f_low) / np.where(f_high > f_low, f_high - f_low, 1)
    root = low + np.clip(part, 0.0, 1.0) * (high - low)
    return np.where(enough.any(axis=1), np.square(root), np.inf)


def _root(
    function: Callable[[FloatArray], FloatArray], low: FloatArray, high: FloatArray
) -> FloatArray:
    """Find the root of a rising function in [low, high] by the Illinois method.

    The end of the interval where there is none in it.
    """
    f_low, f_high = function(low), function(high)
    outside = np.where(f_low >= 0, low, np.where(f_high <= 0, high, np.nan))
    side = np.zeros(low.shape)
    x = low
    for _ in range(_STEPS):
        rise = np.where(f_high > f_low, f_high - f_low, 1.0)
        x = np.clip((low * f_high - high * f_low) / rise, low, high)
        value = function(x)
        now = np.where(value > 0, 1.0, -1.0)
        f_low = np.where(now > 0, np.where(side > 0, 0.5, 1.0) * f_low, value)
        f_high = np.where(now > 0, value, np.where(side < 0, 0.5, 1.0) * f_high)
        low, high = np.where(now > 0, low, x), np.where(now > 0, x, high)
        side = now
    return np.where(np.isnan(outside), x, outside)
