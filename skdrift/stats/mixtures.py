"""Mixtures of classes: their shares, and whether any mixture fits a sample."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

from skdrift.exceptions import ParameterError
from skdrift.stats.counts import FloatArray

ENOUGH = 1e-6
MOST_STEPS = 120
FIT_CYCLES = 30
LAW_CYCLES = 100
LONGEST = 64.0
LEAST_KEPT = 0.1
MOST_AT_ONCE = 2_000_000
"""Numbers in one chunk of simulated tables."""
POOLED_ROWS = 1e-3
TINY = 1e-300
Step = Callable[[FloatArray], FloatArray]


@dataclass(frozen=True, slots=True)
class MixtureTest:
    """Whether a sample is a mixture of classes.

    Attributes
    ----------
    pvalue : float
        Small: no mixture of the classes' laws fits. NaN where nothing can be tested.
    shares : ndarray of float of shape (n_classes,)
        Of each class in the sample, as they fit best; sum to 1.
    statistic : float
        Likelihood ratio G² of the best mixture; larger = fits less.
    explained : float
        Part of the difference between sample and classes as they were sampled that
        other shares of the classes account for, in [0, 1]; NaN if there is no
        difference beyond chance.
    n_draws : int
        Simulated samples; no p-value is below ``1 / (n_draws + 1)``.
    """

    pvalue: float
    shares: FloatArray
    statistic: float
    explained: float
    n_draws: int


def mixing_shares(
    densities: ArrayLike, weights: ArrayLike | None = None, start: ArrayLike = ()
) -> FloatArray:
    r"""Maximum-likelihood shares of classes of known densities.

    The shares :math:`\pi` maximise :math:`\sum_i w_i \log \sum_c \pi_c f_{ic}`, which
    is concave: expectation–maximisation with the extrapolation of Varadhan and Roland.
    Each density may have an unknown factor that is the same for all classes: posterior
    probabilities divided by the priors that they were learned with will do.

    Parameters
    ----------
    densities : array-like of shape (n_rows, n_classes)
        At least 0.
    weights : array-like of shape (n_rows,) or (n_samples, n_rows), or None
        How often each row counts; one row for each of several samples.
    start : array-like of shape (n_classes,), optional
        Where to begin; even shares unless told otherwise.

    Returns
    -------
    ndarray of float of shape (n_classes,) or (n_samples, n_classes)
        Rows sum to 1.

    Raises
    ------
    ParameterError
        If shapes do not fit, or a density or weight is negative or not finite.

    References
    ----------
    Saerens, M., Latinne, P. and Decaestecker, C. (2002). "Adjusting the outputs of a
    classifier to new a priori probabilities". Neural Computation 14, 21-41.

    Varadhan, R. and Roland, C. (2008). "Simple and globally convergent methods for
    accelerating the convergence of any EM algorithm". Scandinavian Journal of
    Statistics 35, 335-353.

    Examples
    --------
    >>> from skdrift.stats import mixing_shares
    >>> mixing_shares([[1, 0], [1, 0], [0, 1], [1, 1]]).round(2)
    array([0.67, 0.33])
    """
    f = np.asarray(densities, dtype=np.float64)
    if f.ndim != 2 or f.shape[1] < 1 or not (np.isfinite(f).all() and (f >= 0).all()):
        raise ParameterError(
            "densities must be a table of finite numbers of at least 0, one row for "
            f"each row and one column for each class, got shape {f.shape}"
        )
    w = np.ones(len(f)) if weights is None else np.asarray(weights, dtype=np.float64)
    if w.shape[-1:] != f.shape[:1] or w.ndim > 2 or not (w >= 0).all():
        raise ParameterError(
            f"weights must have {len(f)} entries of at least 0, one for each row, got "
            f"shape {w.shape}"
        )
    largest = f.max(axis=1, initial=0.0, keepdims=True)
    f = f / np.where(largest > 0, largest, 1.0)
    w2 = np.atleast_2d(w) * (largest[:, 0] > 0)
    total = np.maximum(w2.sum(axis=1, keepdims=True), TINY)
    k = f.shape[1]
    begin = np.asarray(start, dtype=np.float64) if np.size(start) else np.full(k, 1 / k)
    shares = np.tile(begin, (len(w2), 1))

    def step(at: FloatArray) -> FloatArray:
        mixed = np.maximum(at @ f.T, TINY)
        return np.asarray(at * ((w2 / mixed) @ f) / total)

    if w2.any():
        shares = _accelerated(step, shares)
    return shares if w.ndim == 2 else shares[0]


def _accelerated(step: Step, shares: FloatArray) -> FloatArray:
    for _ in range(MOST_STEPS):
        first = step(shares)
        ahead, second = _ahead(shares, first, step, (1,))
        if np.abs(second - first).max() < ENOUGH:
            return second
        shares = step(_scaled(np.maximum(ahead, LEAST_KEPT * second)))
    return shares


def _ahead(
    at: FloatArray, first: FloatArray, step: Step, axes: tuple[int, ...]
) -> tuple[FloatArray, FloatArray]:
    """Extrapolation from two steps, and where the second ends.

    It may be outside of what shares can be. One that is 0 stays 0 in later steps, so
    the caller keeps a part of the second step.
    """
    second = step(first)
    move, bend = first - at, second - 2.0 * first + at
    squares = [(part**2).sum(axis=axes, keepdims=True) for part in (move, bend)]
    length = np.sqrt(squares[0] / np.maximum(squares[1], TINY))
    length = np.clip(length, 1.0, LONGEST)
    return at + 2.0 * length * move + length**2 * bend, second


def mixture_test(
    tables: ArrayLike, counts: ArrayLike, *, n_draws: int, rng: np.random.Generator
) -> MixtureTest:
    r"""Test whether a sample is a mixture of classes known from samples themselves.

    The hypothesis is that the sample's law is :math:`\sum_c \pi_c P_c` with some
    shares :math:`\pi`. Laws and shares are fitted to tables and sample together, so
    that the error of the tables counts; G² is compared with that of tables and samples
    simulated from the fit (a parametric bootstrap), each fitted in the same way. Under
    the hypothesis p-values are uniform up to the error of the fit, for few rows and
    empty cells too.

    Parameters
    ----------
    tables : array-like of int of shape (n_classes, n_cells)
        Rows of each class in each cell.
    counts : array-like of int of shape (n_cells,)
        Rows of the sample.
    n_draws : int
        Simulated samples.
    rng : Generator

    Returns
    -------
    MixtureTest
        ``pvalue`` is NaN without a row of the sample or of some class, and with no
        more cells than classes, which some mixture fits always.

    Raises
    ------
    ParameterError
        If shapes do not fit, or a count is negative.

    Examples
    --------
    >>> import numpy as np
    >>> from skdrift.stats import mixture_test
    >>> tables = [[60, 30, 10], [10, 30, 60]]
    >>> rng = np.random.default_rng(0)
    >>> mixture_test(tables, [20, 30, 50], n_draws=199, rng=rng).pvalue > 0.5
    True
    >>> mixture_test(tables, [45, 10, 45], n_draws=199, rng=rng).pvalue
    0.005
    """
    known = np.asarray(tables, dtype=np.float64)
    sample = np.asarray(counts, dtype=np.float64)
    if known.ndim != 2 or sample.shape != known.shape[1:]:
        raise ParameterError(
            "tables and counts must have the same cells, got shapes "
            f"{known.shape} and {sample.shape}"
        )
    if (known < 0).any() or (sample < 0).any():
        raise ParameterError("tables and counts must be at least 0")
    n_classes = len(known)
    used = (known.sum(axis=0) + sample) > 0
    known, sample = known[:, used], sample[used]
    if not sample.sum() or not known.sum(axis=1).all() or known.shape[1] <= n_classes:
        unknown = np.full(n_classes, np.nan)
        return MixtureTest(float("nan"), unknown, float("nan"), float("nan"), 0)
    _, _, statistic = _fit(known[None], sample[None])
    laws, shares, _ = _fit(known[None], sample[None], LAW_CYCLES)
    law = _scaled(laws[0])
    mixed = _scaled(shares[0] @ law)
    n_least = 1
    done = 0
    at_once = max(1, MOST_AT_ONCE // known.size)
    sizes = known.sum(axis=1).astype(np.int64)
    while done < n_draws:
        n = min(at_once, n_draws - done)
        drawn = np.stack(
            [rng.multinomial(m, p, size=n) for m, p in zip(sizes, law, strict=True)],
            axis=1,
        )
        samples = rng.multinomial(int(sample.sum()), mixed, size=n)
        _, _, found = _fit(drawn.astype(np.float64), samples.astype(np.float64))
        n_least += int((found >= statistic[0] - 1e-9).sum())
        done += n
    return MixtureTest(
        pvalue=n_least / (n_draws + 1),
        shares=shares[0],
        statistic=float(statistic[0]),
        explained=_explained(known, sample, float(statistic[0])),
        n_draws=n_draws,
    )


def _scaled(shares: FloatArray) -> FloatArray:
    return np.asarray(shares / shares.sum(axis=-1, keepdims=True))


def _fit(
    tables: FloatArray, samples: FloatArray, n_cycles: int = FIT_CYCLES
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Laws, shares and G² of (n_draws, n_classes, n_cells) and (n_draws, n_cells).

    The number of cycles is fixed: the statistic of a simulated sample has to be the
    same function as that of the observed one.
    """
    n = tables.sum(axis=2, keepdims=True)
    m = samples.sum(axis=1, keepdims=True)
    n_classes, n_cells = tables.shape[1:]

    def step(at: FloatArray) -> FloatArray:
        laws, shares = at[:, :, :n_cells], at[:, :, n_cells]
        mixed = np.matmul(shares[:, None], laws)[:, 0]
        ratio = np.divide(samples, mixed, out=np.zeros_like(mixed), where=mixed > 0)
        parts = shares[:, :, None] * laws * ratio[:, None]
        sizes = parts.sum(axis=2, keepdims=True)
        return np.concatenate([(tables + parts) / (n + sizes), sizes / m[:, None]], 2)

    pooled = _scaled(tables.sum(axis=1) + samples)
    laws = (tables + POOLED_ROWS * pooled[:, None]) / (n + POOLED_ROWS)
    at = np.concatenate([laws, np.full((*tables.shape[:2], 1), 1.0 / n_classes)], 2)
    for _ in range(n_cycles):
        ahead, second = _ahead(at, step(at), step, (1, 2))
        ahead = np.maximum(ahead, LEAST_KEPT * second)
        ahead[:, :, :n_cells] = _scaled(ahead[:, :, :n_cells])
        ahead[:, :, n_cells] = _scaled(ahead[:, :, n_cells])
        at = step(ahead)
    laws, shares = at[:, :, :n_cells], at[:, :, n_cells]
    mixed = np.matmul(shares[:, None], laws)[:, 0]
    statistic = 2.0 * (
        (special.xlogy(samples, samples) - special.xlogy(samples, m * mixed)).sum(1)
        + (special.xlogy(tables, tables) - special.xlogy(tables, n * laws)).sum((1, 2))
    )
    return laws, shares, np.maximum(statistic, 0.0)


def _explained(tables: FloatArray, sample: FloatArray, statistic: float) -> float:
    """Part of G² beyond its mean that vanishes when shares are fitted."""
    pooled = tables.sum(axis=0)
    both = _scaled(pooled + sample)
    whole = 2.0 * sum(
        float((special.xlogy(x, x) - special.xlogy(x, x.sum() * both)).sum())
        for x in (pooled, sample)
    )
    n_cells, n_classes = len(sample), len(tables)
    beyond = whole - (n_cells - 1)
    if beyond <= 2.0 * np.sqrt(2.0 * (n_cells - 1)):
        return float("nan")
    left = max(statistic - (n_cells - n_classes), 0.0)
    return float(np.clip(1.0 - left / beyond, 0.0, 1.0))
