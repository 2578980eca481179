"""How small a change can be seen, and how many rows it takes."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

from skdrift.exceptions import ParameterError
from skdrift.stats.counts import FloatArray, check_whole
from skdrift.stats.ordered import noncentrality
from skdrift.stats.quadratic import weighted_chi2_sf

_DEGREES = np.arange(1.0, 9.0)
_EIGENVALUES = 1.0 / (_DEGREES * (_DEGREES + 1.0))
# Squared Legendre coefficients of the shift of a normal, over its squared
# Kolmogorov-Smirnov distance; they make up all but a millionth of the statistic.
_SHIFT = np.array([6.0, 0.0, 0.21043, 0.0, 0.04194, 0.0, 0.01431, 0.0])
_REST_MEAN = 1.0 / 9.0
_REST_VARIANCE = 2.0 * (np.pi**2 / 3.0 - 3.0 - float((_EIGENVALUES**2).sum()))
_COMBINED = 2.0
_STEPS = 9


def detectable_effect(
    n_reference: ArrayLike,
    n_current: ArrayLike,
    *,
    alpha: float,
    n_hypotheses: int,
    power: float = 0.8,
    tolerance: float = 0.0,
) -> FloatArray:
    """Kolmogorov-Smirnov distance that `distribution_change` finds.

    The change is the shift of a normal column, and the test is one of
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
    tolerance : float, default=0
        Distance that the null hypothesis allows.

    Returns
    -------
    ndarray
        Distances in [0, 1], larger = worse; 1 where even that would not be found;
        NaN where a sample has no rows.

    Raises
    ------
    ParameterError
        If alpha or power are not in (0, 1) or the counts are not whole numbers.
    """
    level = _level(alpha, n_hypotheses, power)
    n, m = np.broadcast_arrays(
        check_whole(n_reference, "n_reference"), check_whole(n_current, "n_current")
    )
    known = (n > 0) & (m > 0)
    total = np.where(known, n + m, 2.0)
    size = np.where(known, n / total * m, 1.0)
    found = _distance(size.ravel(), level, power, tolerance).reshape(n.shape)
    return np.where(known, found, np.nan)


def rows_needed(
    effect: ArrayLike,
    n_reference: ArrayLike,
    *,
    alpha: float,
    n_hypotheses: int,
    power: float = 0.8,
    tolerance: float = 0.0,
) -> FloatArray:
    """Rows of a batch that `distribution_change` needs to find an effect.

    Parameters
    ----------
    effect : array-like of float
        Kolmogorov-Smirnov distance of a shift.
    n_reference : array-like of int
        Rows of the reference.
    alpha, n_hypotheses, power, tolerance
        See `detectable_effect`.

    Returns
    -------
    ndarray
        Numbers of rows, rounded up; inf where no number would do, since the
        reference itself has too few or the effect is within the tolerance.

    Raises
    ------
    ParameterError
        If alpha or power are not in (0, 1) or the counts are not whole numbers.
    """
    level = _level(alpha, n_hypotheses, power)
    d, n = np.broadcast_arrays(
        np.asarray(effect, dtype=np.float64), check_whole(n_reference, "n_reference")
    )
    size = _size(d.ravel(), level, power, tolerance).reshape(d.shape)
    enough = size < n
    rows = np.ceil(size * n / np.where(enough, n - size, 1.0))
    return np.where(np.isnan(d), np.nan, np.where(enough, rows, np.inf))


def _level(alpha: float, n_hypotheses: int, power: float) -> float:
    for name, value in (("alpha", alpha), ("power", power)):
        if not 0.0 < value < 1.0:
            raise ParameterError(f"{name} must be in (0, 1), got {value!r}.")
    if n_hypotheses < 1:
        raise ParameterError(f"n_hypotheses must be at least 1, got {n_hypotheses!r}.")
    return alpha / n_hypotheses / _COMBINED


def _tail(x: FloatArray, noncentrality: FloatArray) -> FloatArray:
    return weighted_chi2_sf(
        x,
        np.broadcast_to(_EIGENVALUES, noncentrality.shape),
        noncentrality=noncentrality,
        rest_mean=_REST_MEAN,
        rest_variance=_REST_VARIANCE,
    )


def _excess(
    distance: FloatArray, size: FloatArray, level: float, power: float, tolerance: float
) -> FloatArray:
    """Attained minus wanted power, in normal quantiles."""
    nu = (size * distance**2)[:, None] * _SHIFT
    attained = _tail(_critical(size, level, tolerance), nu)
    return special.ndtri(np.clip(attained, 1e-300, 1.0 - 1e-15)) - special.ndtri(power)


def _critical(size: FloatArray, level: float, tolerance: float) -> FloatArray:
    # The law of `anderson_darling` under the tolerated change.
    nu = noncentrality(size, np.tile(_EIGENVALUES, (size.size, 1)), tolerance)
    if tolerance == 0.0:
        nu = nu[:1]

    def excess(x: FloatArray) -> FloatArray:
        return np.log(level) - np.log(np.maximum(_tail(x, nu), 1e-300))

    mean = 1.0 + (nu * _EIGENVALUES).sum(axis=1)
    root = _root(excess, mean, (np.sqrt(mean) + np.sqrt(1.0 - np.log(level))) ** 2)
    return np.broadcast_to(root, size.shape)


def _distance(
    size: FloatArray, level: float, power: float, tolerance: float
) -> FloatArray:
    return _root(
        lambda d: _excess(d, size, level, power, tolerance),
        np.full(size.shape, tolerance),
        np.minimum(1.0, tolerance + 12.0 / np.sqrt(size)),
    )


def _size(
    distance: FloatArray, level: float, power: float, tolerance: float
) -> FloatArray:
    result = np.where(np.isnan(distance), np.nan, np.inf)
    above = distance > tolerance
    d = distance[above]
    if d.size:
        root = _root(
            lambda r: _excess(d, r**2, level, power, tolerance),
            np.full(d.shape, 1.0),
            12.0 / (d - tolerance),
        )
        result[above] = root**2
    return result


def _root(
    function: Callable[[FloatArray], FloatArray], low: FloatArray, high: FloatArray
) -> FloatArray:
    """Find the root of a rising function in [low, high] by the Illinois method.

    The end of the interval where there is none in it.
    """
    f_low, f_high = function(low), function(high)
    outside = np.where(f_low >= 0, low, np.where(f_high <= 0, high, np.nan))
    side = np.zeros(low.shape)
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
