"""How far apart pieces of training are, by the time between them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import ArrayLike
from scipy import optimize, special

from skdrift.stats.counts import FloatArray

_GRID = 512
_PATHS = 400
_LEAST_EXPECTED = 5.0
_WEIGHT_POWER = 1.5
_PERMUTATIONS = 999
_BEYOND_PIECES = 1.5
TINY = 1e-12


def squared_shifts(counts: FloatArray, *, ordered: bool) -> FloatArray:
    r"""Squared shifts between all pairs of pieces, in standard deviations.

    The distance d of two pieces (Kolmogorov-Smirnov on ordered cells, total variation
    on others) is squared, what independent rows have by chance is taken off, and the
    root is read as the shift :math:`2 \Phi^{-1}((1+d)/2)` of a normal column, for
    which both distances are :math:`2\Phi(\delta/2) - 1`. Unlike distances, shifts
    have no upper end, so that they can grow with time.

    Parameters
    ----------
    counts : ndarray of shape (P, c)
        Of each piece over the cells.
    ordered : bool
        Whether the cells have an order.

    Returns
    -------
    ndarray of shape (P * (P - 1) / 2,)
        In the order of ``numpy.triu_indices(P, 1)``; negative where two pieces are
        closer than expected by chance, NaN where a piece has no rows.
    """
    if not ordered:
        counts = _without_rare(counts)
    n = counts.sum(axis=1)
    first, second = np.triu_indices(len(counts), 1)
    shares = counts / np.where(n > 0, n, np.nan)[:, None]
    pooled = counts.sum(axis=0) / max(float(counts.sum()), 1.0)
    total = np.where(n[first] + n[second] > 0, n[first] + n[second], 1.0)
    size = n[first] / total * n[second]
    gap = shares[first] - shares[second]
    if ordered:
        distance = np.abs(np.cumsum(gap, axis=1)).max(axis=1)
        noise = _bridge_square(pooled)
    else:
        distance = 0.5 * np.abs(gap).sum(axis=1)
        noise = _variation_square(pooled)
    square = distance**2 - noise / np.where(size > 0, size, np.nan)
    reach = np.minimum(np.sqrt(np.abs(square)), 1.0 - 0.5 / total)
    return np.asarray(np.sign(square) * np.square(shift_of_distance(reach)))


def shift_of_distance(distance: ArrayLike) -> FloatArray:
    """Shift of a normal column, in standard deviations, with a distance below 1."""
    return np.asarray(2.0 * special.ndtri(0.5 * (1.0 + np.asarray(distance))))


def distance_of_shift(shift: ArrayLike) -> FloatArray:
    """Kolmogorov-Smirnov distance and total variation of a normal column's shift."""
    return np.asarray(special.erf(np.asarray(shift) / np.sqrt(8.0)))


def _without_rare(counts: FloatArray) -> FloatArray:
    """Counts with all cells together that expect fewer than five rows in a piece."""
    rare = counts.sum(axis=0) < _LEAST_EXPECTED * len(counts)
    rest = counts[:, rare].sum(axis=1, keepdims=True)
    return np.hstack([counts[:, ~rare], rest])


@cache
def _bridges() -> FloatArray:
    """Squares of Brownian bridges at the points k / 512."""
    steps = np.random.default_rng(0).normal(size=(_PATHS, _GRID)) / np.sqrt(_GRID)
    path = np.hstack([np.zeros((_PATHS, 1)), np.cumsum(steps, axis=1)])
    return np.asarray(np.square(path - np.linspace(0.0, 1.0, _GRID + 1) * path[:, -1:]))


def _bridge_square(pooled: FloatArray) -> float:
    """Mean of N times the squared distance of two samples of one distribution."""
    places = np.unique(np.rint(np.cumsum(pooled) * _GRID).astype(np.int64))
    return float(_bridges()[:, np.clip(places, 0, _GRID)].max(axis=1).mean())


def _variation_square(pooled: FloatArray) -> float:
    variance = pooled * (1.0 - pooled)
    mean = np.sqrt(variance).sum() / np.sqrt(2.0 * np.pi)
    return float(mean**2 + 0.25 * (1.0 - 2.0 / np.pi) * variance.sum())


@dataclass(frozen=True, slots=True, kw_only=True)
class Variogram:
    """Expected squared shift between two pieces, by the time between them.

    Attributes
    ----------
    nugget, walk, trend : float
        Not negative: a, b and c of a + b lag + c lag².
    largest : float
        How far the piece that is furthest from all others is from them.
    """

    nugget: float
    walk: float
    trend: float
    largest: float


def fit_variogram(
    squares: FloatArray, times: FloatArray, *, grows: bool, least_trend: float = 0.0
) -> Variogram:
    """Fit the variogram of pieces by least squares with weights lag^-1.5.

    Parameters
    ----------
    squares : ndarray of shape (P * (P - 1) / 2,)
        Of `squared_shifts`.
    times : ndarray of shape (P,)
        Mean time of each piece, rising from about 0 to about 1.
    grows : bool
        Whether the walk and the trend are fitted; otherwise the nugget alone.
    least_trend : float, default=0
        Squared shift by unit of time that is known otherwise.
    """
    n_pieces = len(times)
    first, second = np.triu_indices(n_pieces, 1)
    lag = np.abs(times[second] - times[first])
    known = np.isfinite(squares) & (lag > 0)
    nugget, walk, trend = 0.0, 0.0, 0.0
    if grows and known.any():
        weight = lag[known] ** -_WEIGHT_POWER
        # Pieces are means over a stretch of time: a walk is less between them.
        design = np.stack(
            [np.ones_like(weight), lag[known] - 1 / (3 * n_pieces), lag[known] ** 2]
        )
        nugget, walk, trend = optimize.nnls(
            (design * weight).T, squares[known] * weight
        )[0].tolist()
    elif known.any():
        nugget = max(float(squares[known].mean()), 0.0)
    return Variogram(
        nugget=nugget,
        walk=walk,
        trend=max(trend, least_trend),
        largest=_largest(squares, n_pieces, nugget),
    )


def _largest(squares: FloatArray, n_pieces: int, nugget: float) -> float:
    """Distance of the furthest piece from the mean of the others."""
    full = np.full((n_pieces, n_pieces), np.nan)
    full[np.triu_indices(n_pieces, 1)] = squares
    known = ~np.isnan(full)
    sums = np.nansum(full, axis=0) + np.nansum(full, axis=1)
    counts = known.sum(axis=0) + known.sum(axis=1)
    means = sums[counts > 0] / counts[counts > 0]
    return float(np.sqrt(max(means.max(initial=0.0) - 0.5 * nugget, 0.0)))


def tolerated_distance(
    variogram: Variogram,
    times: FloatArray,
    time: float,
    *,
    level: float,
    counts_nugget: bool,
) -> float:
    r"""Distance from all pieces together that one more piece stays within.

    With :math:`\bar\tau` the mean time of the pieces, the trend moves it by
    :math:`\sqrt c\,|t - \bar\tau|`, and what has no direction has the variance

    .. math:: V = b \Bigl(\tfrac1P \sum_i |t - \tau_i|
        - \tfrac1{2P^2}\sum_{ij}|\tau_i - \tau_j| + (t - \bar\tau)^2\Bigr)
        + \tfrac a2 \bigl(1 + \tfrac1P\bigr),

    in which the square is that of a trend that a walk alone pretends. The shift is
    :math:`\sqrt c\,|t - \bar\tau| + t_{P-2}\sqrt V` with Student's quantile. Without
    walk and trend it is not more than 1.5 times that of the furthest piece.

    Parameters
    ----------
    variogram : Variogram
    times : ndarray of shape (P,)
    time : float
        Of the batch, in the same units.
    level : float
        Probability that a further piece is beyond.
    counts_nugget : bool
        Whether what pieces differ by at any lag is tolerated.

    Returns
    -------
    float
        In [0, 1].
    """
    n_pieces = len(times)
    away = time - float(times.mean())
    apart = np.abs(times[:, None] - times).mean()
    since = float(np.abs(time - times).mean() - 0.5 * apart)
    variance = variogram.walk * (max(since, 0.0) + away**2)
    if counts_nugget:
        variance += 0.5 * variogram.nugget * (1.0 + 1.0 / n_pieces)
    quantile = float(special.stdtrit(max(n_pieces - 2, 1), 1.0 - 0.5 * level))
    spread = quantile * np.sqrt(variance)
    if not variogram.walk and not variogram.trend:
        spread = min(spread, _BEYOND_PIECES * variogram.largest)
    return float(distance_of_shift(np.sqrt(variogram.trend) * abs(away) + spread))


def slopes_of(
    values: FloatArray, times: FloatArray, variance: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Linear trends of the means of pieces, and p-values of "there is none".

    Two-sided; Student's t with P - 2 degrees of freedom; the variance of a piece's
    mean is that around the line, and not below that of independent rows.

    Parameters
    ----------
    values : ndarray of shape (P, s)
        Means of the pieces; NaN where a piece has no rows.
    times : ndarray of shape (P,)
    variance : ndarray of shape (s,)
        Of the mean of one piece of independent rows.

    Returns
    -------
    slopes : ndarray of shape (s,)
        By unit of time.
    pvalues : ndarray of shape (s,)
        1 where fewer than five pieces have rows.
    """
    known = ~np.isnan(values)
    n = known.sum(axis=0)
    divisor = np.maximum(n, 1)
    filled = np.where(known, values, 0.0)
    centre = np.where(known, times[:, None], 0.0).sum(axis=0) / divisor
    x = np.where(known, times[:, None] - centre, 0.0)
    y = np.where(known, filled - filled.sum(axis=0) / divisor, 0.0)
    spread = np.square(x).sum(axis=0)
    slope = (x * y).sum(axis=0) / np.maximum(spread, TINY)
    residual = np.square(y - slope * x).sum(axis=0) / np.maximum(n - 2, 1)
    error = np.sqrt(np.maximum(residual, variance) / np.maximum(spread, TINY))
    t = np.divide(np.abs(slope), error, out=np.zeros_like(slope), where=error > 0)
    pvalue = 2.0 * special.stdtr(np.maximum(n - 2, 1), -t)
    return slope, np.where((n >= 5) & (spread > TINY), pvalue, 1.0)


def growth_pvalues(squares: FloatArray, times: FloatArray) -> FloatArray:
    """P-values of "pieces that are further apart in time differ no more" (Mantel).

    The sum of lag times squared shift is ranked among its values for 999 random
    orders of the pieces: exact if the pieces are exchangeable, however much they
    differ.

    Parameters
    ----------
    squares : ndarray of shape (P * (P - 1) / 2, p)
        Of `squared_shifts`, one column a feature.
    times : ndarray of shape (P,)

    Returns
    -------
    ndarray of shape (p,)

    References
    ----------
    Mantel, N. (1967). The detection of disease clustering and a generalized
    regression approach. Cancer Research 27, 209-220.
    """
    first, second = np.triu_indices(len(times), 1)
    rng = np.random.default_rng(0)
    orders = np.array([times, *(rng.permutation(times) for _ in range(_PERMUTATIONS))])
    lags = np.abs(orders[:, first] - orders[:, second])
    known = np.where(np.isnan(squares), 0.0, squares)
    found = lags @ known
    slack = 1e-9 * np.abs(found).max(axis=0, initial=0.0)
    return np.asarray((found >= found[0] - slack).mean(axis=0))
