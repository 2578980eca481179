"""Tail probabilities of weighted sums of chi-squares."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from skdrift.stats.counts import FloatArray

_STEP = 0.22
_NODES = _STEP * np.arange(40)
_BISECTIONS = 16
_FAR_BELOW = 14.0


def weighted_chi2_sf(
    x: ArrayLike,
    weights: ArrayLike,
    *,
    noncentrality: ArrayLike = 0.0,
    rest_mean: ArrayLike = 0.0,
    rest_variance: ArrayLike = 0.0,
) -> FloatArray:
    r"""Survival function of a weighted sum of independent chi-squares.

    .. math:: Q = \sum_j w_j (Z_j + \sqrt{\nu_j})^2 + R, \quad Z_j \sim N(0, 1),

    with ``R`` an independent gamma variable that stands for the many terms of
    small weight, given by its mean and variance.

    The moment generating function of Q is closed, and
    :math:`P(Q > x) = \frac{1}{2\pi i}\int \exp(K(s) - sx)\, ds / s`. The path is a
    hyperbola through the saddle point of the integrand, curved as the path of
    steepest descent is there, and opened around the branch cut; the trapezoidal
    rule on it converges exponentially and keeps *relative* accuracy (about 1e-6)
    in tails of any size, where inversion on the real axis (Imhof) is left with
    rounding errors of 1e-16.

    Parameters
    ----------
    x : array-like of shape (p,)
        Points.
    weights : array-like of shape (p, r)
        Non-negative weights; zeros are harmless.
    noncentrality : array-like, broadcast to (p, r)
        The :math:`\nu_j`.
    rest_mean, rest_variance : array-like, broadcast to (p,)
        Mean and variance of ``R``; its scale, variance over mean, is cut to
        twice the smallest weight so that it stays a tail lighter than the rest.

    Returns
    -------
    ndarray of shape (p,)
        Probabilities in [0, 1]; NaN where `x` is; 1 where `x` <= 0.
    """
    x = np.atleast_1d(np.asarray(x, dtype=np.float64))
    weights = np.atleast_2d(np.asarray(weights, dtype=np.float64))
    result = np.where(np.isnan(x), np.nan, np.where(x > 0, 0.0, 1.0))
    largest = weights.max(axis=1)
    nu = np.broadcast_to(np.asarray(noncentrality, dtype=np.float64), weights.shape)
    mean = np.broadcast_to(np.asarray(rest_mean, dtype=np.float64), x.shape)
    var = np.broadcast_to(np.asarray(rest_variance, dtype=np.float64), x.shape)
    far = _far_below(x, weights, nu, mean, var)
    result[far] = 1.0
    todo = np.flatnonzero((x > 0) & (largest > 0) & ~far)
    if todo.size == 0:
        return result
    scale = largest[todo]
    w = weights[todo] / scale[:, None]
    tail = _tail(
        x[todo] / scale,
        w,
        nu[todo] * (w > 0),
        *_gamma(mean[todo] / scale, var[todo] / scale**2, w),
    )
    result[todo] = np.clip(tail, 0.0, 1.0)
    return result


def _far_below(
    x: FloatArray, w: FloatArray, nu: FloatArray, mean: FloatArray, variance: FloatArray
) -> NDArray[np.bool_]:
    """Where the tail is 1 but for 1e-6, and the path would start near a pole.

    By the lower bound of Laurent and Massart (2000, lemma 1).
    """
    below = (w * (1.0 + nu)).sum(axis=1) + mean - x
    spread = (w**2 * (2.0 + 4.0 * nu)).sum(axis=1) + variance
    far = (below > 0) & (below**2 > 2.0 * _FAR_BELOW * spread) & (x > 0)
    return np.asarray(far, dtype=np.bool_)


def noncentral_chi2_sf(
    x: FloatArray, df: ArrayLike, noncentrality: ArrayLike
) -> FloatArray:
    """Survival function of the noncentral chi-square, accurate in the far tail.

    Parameters
    ----------
    x : ndarray of shape (p,)
        Points.
    df : array-like of int, broadcast to (p,)
        Degrees of freedom; less than one is taken as one.
    noncentrality : array-like, broadcast to (p,)
        The mean of the variable minus `df`.

    Returns
    -------
    ndarray of shape (p,)
    """
    others = np.maximum(np.asarray(df, dtype=np.float64) - 1.0, 0.0)
    length = np.broadcast_to(np.asarray(noncentrality, dtype=np.float64), x.shape)
    return weighted_chi2_sf(
        x,
        np.ones((x.size, 1)),
        noncentrality=length[:, None],
        # A central chi-square is a gamma variable.
        rest_mean=others,
        rest_variance=2.0 * others,
    )


def _gamma(
    mean: FloatArray, variance: FloatArray, w: FloatArray
) -> tuple[FloatArray, FloatArray]:
    positive = (mean > 1e-12) & (variance > 1e-14)
    smallest = np.where(w > 0, w, np.inf).min(axis=1)
    scale = np.where(positive, variance / np.where(positive, mean, 1.0), 1.0)
    scale = np.minimum(scale, 2.0 * smallest)
    return np.where(positive, mean / scale, 0.0), scale


def _tail(
    x: FloatArray,
    w: FloatArray,
    nu: FloatArray,
    shape: FloatArray,
    theta: FloatArray,
) -> FloatArray:
    saddle = _saddle_point(x, w, nu, shape, theta)
    d = 1.0 / (1.0 - 2.0 * w * saddle[:, None])
    g = theta / (1.0 - theta * saddle)
    wd = w * d
    second = (2 * wd**2 + 4 * nu * wd**2 * d).sum(axis=1) + shape * g**2 + 1 / saddle**2
    third = (
        (8 * wd**3 + 24 * nu * wd**3 * d).sum(axis=1) + 2 * shape * g**3 - 2 / saddle**3
    )
    width = 1.0 / np.sqrt(second)
    bend = np.clip(third / (3 * second) * width, 0.1, 1.0)
    sinh, cosh = np.sinh(_NODES), np.cosh(_NODES)
    s = saddle[:, None] + width[:, None] * (bend[:, None] * (cosh - 1.0) + 1j * sinh)
    slope = width[:, None] * (cosh - 1j * bend[:, None] * sinh)
    exponent = -s * x[:, None] - shape[:, None] * np.log1p(-theta[:, None] * s)
    divisor = s.copy()
    for j in range(w.shape[1]):
        factor = 1.0 - 2.0 * w[:, j, None] * s
        divisor *= np.sqrt(factor)
        if nu[:, j].any():
            exponent += nu[:, j, None] * w[:, j, None] * s / factor
    values = (np.exp(exponent) / divisor * slope).real
    values[:, 0] *= 0.5
    return np.asarray(values.sum(axis=1) * (_STEP / np.pi), dtype=np.float64)


def _saddle_point(
    x: FloatArray,
    w: FloatArray,
    nu: FloatArray,
    shape: FloatArray,
    theta: FloatArray,
) -> FloatArray:
    # The root of K'(s) - x - 1/s in (0, 1/2), where it rises from -inf to inf.
    low = np.full(x.shape, -50.0)
    high = np.full(x.shape, 50.0)
    s = np.empty_like(x)
    for _ in range(_BISECTIONS):
        middle = 0.5 * (low + high)
        s = 0.5 / (1.0 + np.exp(-middle))
        d = 1.0 / (1.0 - 2.0 * w * s[:, None])
        value = (w * d * (1.0 + nu * d)).sum(axis=1)
        value += shape * theta / (1.0 - theta * s) - x - 1.0 / s
        high = np.where(value > 0, middle, high)
        low = np.where(value > 0, low, middle)
    return s
