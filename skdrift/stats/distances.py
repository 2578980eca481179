"""Distances of two count vectors, feature by feature."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

import numpy as np
from numpy.typing import ArrayLike

from skdrift.exceptions import ParameterError
from skdrift.stats.counts import FloatArray, check_counts, shares


def population_stability_index(reference: ArrayLike, current: ArrayLike) -> FloatArray:
    r"""Population stability index, sampling noise taken off.

    :math:`\sum (q_j - p_j) \ln(q_j / p_j)` over the B cells that are occupied in
    either sample, with one half added to every count; minus its mean when nothing
    changed, (B - 1)(1/n + 1/m), and at least 0.

    Parameters
    ----------
    reference, current : array-like of int, shape (p, c)
        Counts.

    Returns
    -------
    ndarray of shape (p,)
        In [0, inf); larger = further apart. NaN where a sample has no rows.
    """
    ref, cur = check_counts(reference, current)
    occupied = ref + cur > 0
    n, _ = shares(ref)
    m, _ = shares(cur)
    known = (n > 0) & (m > 0)
    n_cells = occupied.sum(axis=1)
    q = (
        np.where(occupied, cur + 0.5, 1.0)
        / np.where(known, m + 0.5 * n_cells, 1.0)[:, None]
    )
    p = (
        np.where(occupied, ref + 0.5, 1.0)
        / np.where(known, n + 0.5 * n_cells, 1.0)[:, None]
    )
    index = (np.where(occupied, q - p, 0.0) * np.log(q / p)).sum(axis=1)
    noise = (n_cells - 1.0) * (
        1.0 / np.where(known, n, 1.0) + 1.0 / np.where(known, m, 1.0)
    )
    return np.where(known, np.maximum(index - noise, 0.0), np.nan)


def jensen_shannon(reference: ArrayLike, current: ArrayLike) -> FloatArray:
    """Jensen-Shannon distance: the root of the divergence in bits.

    Parameters
    ----------
    reference, current : array-like of int, shape (p, c)
        Counts.

    Returns
    -------
    ndarray of shape (p,)
        In [0, 1]; larger = further apart. NaN where a sample has no rows.
    """
    p, q = _shares_of_both(reference, current)
    middle = 0.5 * (p + q)
    divergence = np.zeros(p.shape[0])
    for share in (p, q):
        ratio = np.divide(share, middle, out=np.ones_like(share), where=share > 0)
        divergence += 0.5 * (share * np.log2(ratio)).sum(axis=1)
    return np.asarray(np.sqrt(np.clip(divergence, 0.0, 1.0)), dtype=np.float64)


def hellinger(reference: ArrayLike, current: ArrayLike) -> FloatArray:
    """Hellinger distance.

    Parameters
    ----------
    reference, current : array-like of int, shape (p, c)
        Counts.

    Returns
    -------
    ndarray of shape (p,)
        In [0, 1]; larger = further apart. NaN where a sample has no rows.
    """
    p, q = _shares_of_both(reference, current)
    square = 0.5 * ((np.sqrt(p) - np.sqrt(q)) ** 2).sum(axis=1)
    return np.asarray(np.sqrt(np.clip(square, 0.0, 1.0)), dtype=np.float64)


def total_variation_distance(reference: ArrayLike, current: ArrayLike) -> FloatArray:
    """Total variation distance: the mass that would have to move.

    Parameters
    ----------
    reference, current : array-like of int, shape (p, c)
        Counts.

    Returns
    -------
    ndarray of shape (p,)
        In [0, 1]; larger = further apart. NaN where a sample has no rows. Sampling
        noise is included; `total_variation` takes it off.
    """
    p, q = _shares_of_both(reference, current)
    return np.asarray(0.5 * np.abs(p - q).sum(axis=1), dtype=np.float64)


def _shares_of_both(
    reference: ArrayLike, current: ArrayLike
) -> tuple[FloatArray, FloatArray]:
    ref, cur = check_counts(reference, current)
    return shares(ref)[1], shares(cur)[1]


DISTANCES: Mapping[str, Callable[[ArrayLike, ArrayLike], FloatArray]] = (
    MappingProxyType(
        {
            "hellinger": hellinger,
            "jensen_shannon": jensen_shannon,
            "psi": population_stability_index,
            "total_variation": total_variation_distance,
        }
    )
)
"""Distances that need no order of the cells: name to function."""


def wasserstein(
    points: ArrayLike,
    reference: ArrayLike,
    current: ArrayLike,
    *,
    scale: ArrayLike = 1.0,
) -> FloatArray:
    """Wasserstein-1 distance: how far mass has to move, times how much of it.

    Parameters
    ----------
    points : array-like of float, shape (p, c)
        A value for each cell, not falling along a row. Points of cells that are
        empty in both samples are not looked at.
    reference, current : array-like of int, shape (p, c)
        Counts.
    scale : array-like of float, shape (p,), default=1
        Unit of the result, such as the reference's standard deviation. Where it is
        0 or not finite the result is NaN, unless the samples agree.

    Returns
    -------
    ndarray of shape (p,)
        In units of `scale`; larger = further apart. NaN where a sample has no rows.

    Raises
    ------
    ParameterError
        If the shapes differ or the points of occupied cells fall.
    """
    ref, cur = check_counts(reference, current)
    place = np.asarray(points, dtype=np.float64)
    if place.shape != ref.shape:
        raise ParameterError(
            f"points must have the shape of the counts, {ref.shape}, got {place.shape}."
        )
    _, p = shares(ref)
    _, q = shares(cur)
    occupied = ref + cur > 0
    reached = np.maximum.accumulate(np.where(occupied, place, -np.inf), axis=1)
    if (occupied & (place < reached)).any():
        raise ParameterError("points must not fall along a row; sort the cells.")
    first = np.where(occupied, place, np.inf).min(axis=1, initial=np.inf)
    reached = np.where(np.isneginf(reached), first[:, None], reached)
    finite = np.isfinite(reached)
    reached = np.where(finite, reached, 0.0)
    # The distance between two floats can be too large for a float.
    huge = np.abs(reached).max(axis=1, initial=0.0) > 1e300
    shrink = np.where(huge, 2.0**-64, 1.0)
    steps = np.diff(reached * shrink[:, None], axis=1)
    steps[~(finite[:, 1:] & finite[:, :-1])] = 0.0
    gap = np.abs(np.cumsum(p - q, axis=1))[:, :-1]
    gap[gap < 1e-12] = 0.0
    distance = (gap * steps).sum(axis=1)
    unit = shrink * np.asarray(scale, dtype=np.float64)
    usable = np.isfinite(unit) & (unit > 0)
    scaled = np.full(distance.shape, np.nan)
    with np.errstate(over="ignore"):
        np.divide(distance, unit, out=scaled, where=usable)
    return np.where(~usable & (distance == 0.0), 0.0, scaled)
