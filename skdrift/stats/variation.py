"""Total variation distance of two samples, as an effect."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from skdrift.stats.counts import (
    Effect,
    FloatArray,
    check_counts,
    check_share,
    shares,
)

_NEWTON_STEPS = 12
_RESOLVED = 10.0


def total_variation(
    reference: ArrayLike, current: ArrayLike, *, confidence: float = 0.95
) -> Effect:
    r"""Total variation distance, its null mean taken off, with an interval.

    The plain distance of two samples is not near 0 when nothing changed: its mean
    is then about :math:`\tfrac12 \sum_j \sqrt{2/\pi}\, s_j` with
    :math:`s_j^2 = h_j(1-h_j)/N`. `value` is the distance minus this. The interval
    takes the plain distance to lie within :math:`\sqrt{\ln(2/\beta)/(2N)}` of its
    mean (McDiarmid's inequality), and inverts the two bounds of that mean given the
    true distance: at most the truth plus the null mean, at least the mean of the
    folded normals :math:`|\mu_j + s_j Z|` whose :math:`\mu_j` are spread as evenly
    as they can be.

    Parameters
    ----------
    reference, current : array-like of int, shape (p, c)
        Counts; the order of cells does not matter.
    confidence : float, default=0.95
        Level of the interval, 1 - beta.

    Returns
    -------
    Effect
        In [0, 1]; larger = further apart; no direction, no p-value. NaN where a
        sample has no rows.
    """
    ref, cur = check_counts(reference, current)
    beta = 1.0 - check_share(confidence, "confidence")
    plain, noise, spread, size = distance_and_noise(ref, cur)
    half = np.sqrt(np.log(2.0 / beta) / (2.0 * size))
    low = np.clip(plain - noise - half, 0.0, 1.0)
    high = np.clip(_unfold(plain + half, spread), 0.0, 1.0)
    value = np.clip(plain - noise, 0.0, 1.0)
    return Effect(
        value=value,
        low=low,
        high=np.maximum(high, value),
        direction=np.zeros(plain.shape, dtype=np.int8),
        pvalue=np.full(plain.shape, np.nan),
    )


def distance_and_noise(
    reference: FloatArray, current: FloatArray
) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
    """Plain total variation, its null mean, half the sum of the s_j, and N."""
    n, p = shares(reference)
    m, q = shares(current)
    _, h = shares(reference + current)
    known = (n > 0) & (m > 0)
    size = np.where(known, n, np.nan) / np.where(known, n + m, 1.0) * m
    plain = 0.5 * np.abs(p - q).sum(axis=1)
    spread = 0.5 * np.sqrt(np.maximum(h * (1.0 - h), 0.0)).sum(axis=1) / np.sqrt(size)
    return plain, np.sqrt(2.0 / np.pi) * spread, spread, size


def is_resolved(
    size: FloatArray, noise: FloatArray, tolerance: FloatArray | float
) -> NDArray[np.bool_]:
    """Whether the distance of samples tells a tolerated change from a larger one.

    Parameters
    ----------
    size : ndarray of shape (p,)
        Rows of both, :math:`nm/(n+m)`.
    noise : ndarray of shape (p,)
        Null mean of the distance.
    tolerance : float or ndarray of shape (p,)
    """
    found = (size * np.square(tolerance) > _RESOLVED) & (noise < tolerance)
    return np.asarray(found, dtype=np.bool_)


def _unfold(mean: FloatArray, spread: FloatArray) -> FloatArray:
    """Find x with E|x + spread Z| = mean; 0 where noise alone exceeds it."""
    noisy = spread > 0
    target = np.divide(mean, spread, out=np.zeros_like(mean), where=noisy)
    r = target.copy()
    for _ in range(_NEWTON_STEPS):
        density = np.sqrt(2.0 / np.pi) * np.exp(-0.5 * r * r)
        slope = 2.0 * special.ndtr(r) - 1.0
        r = np.maximum(r - (density + r * slope - target) / np.maximum(slope, 0.01), 0)
    return np.where(noisy, spread * r, mean)
