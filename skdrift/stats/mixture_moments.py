"""Whether the means of a sample are those of a mixture of classes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from scipy import linalg, optimize, special

from skdrift.exceptions import ParameterError
from skdrift.stats.counts import FloatArray

POOLED_ROWS = 5.0
"""Rows of all classes together that the covariance of each class is drawn to."""
MOST_ITERATIONS = 60
LEAST_SHARE = 1e-6
LEAST_LEFT = 0.05
"""Of a moment's variance: directions with less left after the fit tell nothing."""
TINY = 1e-300


@dataclass(frozen=True, slots=True)
class MomentTest:
    """Whether the means of a sample are those of a mixture.

    Attributes
    ----------
    pvalue : float
        Of all moments together; small: no mixture has such means.
    pvalues : ndarray of float of shape (n_parts,)
        Of each part of the moments by itself, not adjusted for their number; NaN
        where the classes' shares are chosen by what the part says.
    shares : ndarray of float of shape (n_classes,)
        Of each class in the sample, as they fit best; sum to 1.
    statistic : float
        Of `pvalue`; larger = fits less.
    freedom : int
        Moments that the shares are not chosen by.
    explained : float
        Part of the difference between the sample and classes as they were sampled
        that other shares account for, in [0, 1]; NaN if there is no difference
        beyond chance.
    """

    pvalue: float
    pvalues: FloatArray
    shares: FloatArray
    statistic: float
    freedom: int
    explained: float


@dataclass(frozen=True, slots=True)
class _Known:
    """Moments of the classes, and of the sample."""

    means: FloatArray
    covariances: FloatArray
    sizes: FloatArray
    sample: FloatArray
    n_rows: float
    kurtosis: FloatArray

    def rest(self, shares: FloatArray) -> FloatArray:
        return np.asarray(self.sample - shares @ self.means)

    def factors(self, shares: FloatArray) -> FloatArray:
        """Of each class's covariance in the variance of `rest`."""
        return np.asarray(shares / self.n_rows + shares**2 / self.sizes)

    def variance(self, shares: FloatArray) -> FloatArray:
        """Of `rest`: rows of the sample, and those that the classes are known from."""
        within = np.tensordot(self.factors(shares), self.covariances, 1)
        away = self.means - shares @ self.means
        return np.asarray(within + (away.T * shares) @ away / self.n_rows)


def mixture_moments_test(
    means: ArrayLike,
    covariances: ArrayLike,
    sizes: ArrayLike,
    sample: ArrayLike,
    n_rows: float,
    parts: ArrayLike,
    kurtosis: ArrayLike = 3.0,
) -> MomentTest:
    r"""Test whether the means of a sample are those of a mixture of classes.

    The hypothesis is that moments of the sample have the expectation
    :math:`\sum_c \pi_c \mu_c` for some shares :math:`\pi`; the means :math:`\mu_c` and
    covariances of the classes are known from samples. With the difference
    :math:`r(\pi)` and its covariance :math:`V(\pi)`, to which the rows of the sample
    and those of each class add, the statistic is

    .. math:: J = \min_\pi r(\pi)^\top V(\pi)^{-1} r(\pi) .

    Under the hypothesis it is about :math:`\chi^2` with as many degrees of freedom as
    there are moments, less one for each class with a share above 0 but the first
    (Hansen 1982; the weight follows the shares, Hansen, Heaton and Yaron 1996: where
    shares are hardly determined it is then smaller, not larger). As
    covariances are estimated too it is compared with the law of Hotelling's statistic,
    with the degrees of freedom of a sum of covariance matrices (Nel and van der Merwe
    1986).

    Parameters
    ----------
    means : array-like of shape (n_classes, n_moments)
    covariances : array-like of shape (n_classes, n_moments, n_moments)
        Of the rows of each class; drawn to that of all rows by as much as 5 rows.
    sizes : array-like of shape (n_classes,)
        Rows that each class is known from, at least 1.
    sample : array-like of shape (n_moments,)
        Means of the sample.
    n_rows : float
        Rows of the sample, at least 1.
    parts : array-like of int of shape (n_moments,)
        Part that each moment belongs to, from 0.
    kurtosis : array-like of float, broadcast to (n_moments,)
        Fourth moment of the rows about their mean, over the squared variance; 3 for a
        normal law. The larger, the less do rows tell of the variance (Box 1953).

    Returns
    -------
    MomentTest
        ``pvalue`` is NaN with fewer moments than classes, or with so few rows of the
        classes that their covariance has no inverse.

    Raises
    ------
    ParameterError
        If shapes do not fit, a number is not finite, or a size is below 1.

    References
    ----------
    Box, G. E. P. (1953). "Non-normality and tests on variances". Biometrika 40,
    318-335.

    Hansen, L. P. (1982). "Large sample properties of generalized method of moments
    estimators". Econometrica 50, 1029-1054.

    Hansen, L. P., Heaton, J. and Yaron, A. (1996). "Finite-sample properties of some
    alternative GMM estimators". Journal of Business & Economic Statistics 14, 262-280.

    Nel, D. G. and van der Merwe, C. A. (1986). "A solution to the multivariate
    Behrens-Fisher problem". Communications in Statistics - Theory and Methods 15,
    3719-3735.

    Examples
    --------
    >>> import numpy as np
    >>> from skdrift.stats import mixture_moments_test
    >>> means = [[0.0, 0.0, 0.0], [1.0, 1.0, 0.0]]
    >>> covariances = [np.eye(3), np.eye(3)]
    >>> def tested(sample):
    ...     return mixture_moments_test(
    ...         means, covariances, [500, 500], sample, 200, [0, 1, 2]
    ...     )
    >>> found = tested([0.7, 0.7, 0.0])
    >>> found.pvalue > 0.5, float(found.shares[1].round(2))
    (True, 0.7)
    >>> bool(tested([0.7, 0.1, 0.0]).pvalue < 0.001)
    True
    """
    known, groups = _checked(means, covariances, sizes, sample, n_rows, parts, kurtosis)
    n_classes, n_moments = known.means.shape
    n_parts = int(groups.max(initial=-1)) + 1
    nothing = np.full(n_classes, np.nan)
    untested = MomentTest(np.nan, np.full(n_parts, np.nan), nothing, np.nan, 0, np.nan)
    if n_moments < n_classes:
        return untested
    shares = _best_shares(known)
    free = shares > LEAST_SHARE
    freedom = n_moments - int(free.sum()) + 1
    variance = known.variance(shares)
    chosen = (known.means[free] - known.means[free][:1])[1:]
    statistic = _statistic(known, shares)
    degrees = _degrees(known, shares, variance, slice(None))
    if degrees <= n_moments + 1:
        return untested
    left = _left(variance, chosen)
    before = known.sizes / known.sizes.sum()
    return MomentTest(
        pvalue=_tail(statistic, freedom, degrees),
        pvalues=np.array(
            [
                _tail_of_part(known, shares, variance, left, groups == part)
                for part in range(n_parts)
            ]
        ),
        shares=shares,
        statistic=statistic,
        freedom=freedom,
        explained=_explained(_statistic(known, before), n_moments, statistic, freedom),
    )


def _checked(
    means: ArrayLike,
    covariances: ArrayLike,
    sizes: ArrayLike,
    sample: ArrayLike,
    n_rows: float,
    parts: ArrayLike,
    kurtosis: ArrayLike,
) -> tuple[_Known, np.ndarray]:
    mu = np.asarray(means, dtype=np.float64)
    sigma = np.asarray(covariances, dtype=np.float64)
    n = np.asarray(sizes, dtype=np.float64)
    mean = np.asarray(sample, dtype=np.float64)
    groups = np.asarray(parts)
    q = mu.shape[-1]
    shapes = [mu.shape, sigma.shape, n.shape, mean.shape, groups.shape]
    wanted = [(len(n), q), (len(n), q, q), (len(n),), (q,), (q,)]
    if shapes != wanted or not len(n):
        raise ParameterError(
            "means, covariances, sizes, sample and parts must have shapes (k, q), "
            f"(k, q, q), (k,), (q,) and (q,), got {shapes}"
        )
    if not all(np.isfinite(x).all() for x in (mu, sigma, mean)):
        raise ParameterError("means, covariances and sample must be finite")
    if not ((n >= 1).all() and n_rows >= 1):
        raise ParameterError(
            f"sizes and n_rows must be at least 1, got {n.min()} and {n_rows}"
        )
    weights = n / n.sum()
    away = mu - weights @ mu
    whole = np.tensordot(weights, sigma, 1) + (away.T * weights) @ away
    kept = (n / (n + POOLED_ROWS))[:, None, None]
    sigma = kept * sigma + (1.0 - kept) * whole
    tails = np.broadcast_to(np.asarray(kurtosis, dtype=np.float64), mean.shape)
    return _Known(mu, sigma, n, mean, n_rows, tails), groups


def _statistic(known: _Known, shares: FloatArray) -> float:
    rest = known.rest(shares)
    return float(rest @ linalg.solve(known.variance(shares), rest, assume_a="pos"))


def _best_shares(known: _Known) -> FloatArray:
    """Shares of the least statistic, at least 0."""
    k = len(known.means)
    if k == 1:
        return np.ones(1)
    start = known.sizes / known.sizes.sum()
    scale = max(1.0, _statistic(known, start))

    def loss(shares: FloatArray) -> tuple[float, FloatArray]:
        inside = np.maximum(shares, 0.0)
        rest = known.rest(inside)
        solved = linalg.solve(known.variance(inside), rest, assume_a="pos")
        away = known.means - inside @ known.means
        within = np.einsum("i,cij,j->c", solved, known.covariances, solved)
        slope = 1.0 / known.n_rows + 2.0 * inside / known.sizes
        slope = slope * within + (away @ solved) ** 2 / known.n_rows
        gradient = -2.0 * known.means @ solved - slope
        return float(rest @ solved) / scale, gradient / scale

    found = optimize.minimize(
        loss,
        start,
        jac=True,
        method="SLSQP",
        bounds=[(0.0, 1.0)] * k,
        constraints={
            "type": "eq",
            "fun": lambda shares: shares.sum() - 1.0,
            "jac": lambda _: np.ones(k),
        },
        options={"maxiter": MOST_ITERATIONS, "ftol": 1e-3 / scale},
    ).x
    found = np.maximum(found, 0.0)
    found[found < LEAST_SHARE] = 0.0
    return np.asarray(found / found.sum())


def _degrees(
    known: _Known, shares: FloatArray, variance: FloatArray, inside: Any
) -> float:
    """Degrees of freedom of a sum of covariance matrices, each estimated.

    Of the moments `inside`; `variance` is theirs.
    """
    q = len(variance)
    inverse = linalg.inv(variance)
    used = 0.0
    tails = max(float(known.kurtosis[inside].mean()) - 1.0, 1.0)
    rows = 2.0 / tails * (known.sizes - 1.0) + POOLED_ROWS
    for factor, own, n in zip(
        known.factors(shares), known.covariances, rows, strict=True
    ):
        part = factor * (inverse @ own[inside][:, inside])
        used += (np.trace(part @ part) + np.trace(part) ** 2) / n
    return float((q + q**2) / max(used, TINY))


def _left(variance: FloatArray, chosen: FloatArray) -> FloatArray:
    """Covariance of the rest, after shares were chosen along (n_chosen, n_moments)."""
    if not len(chosen):
        return variance
    solved = linalg.solve(variance, chosen.T, assume_a="pos")
    return np.asarray(variance - chosen.T @ linalg.pinvh(chosen @ solved) @ chosen)


def _tail_of_part(
    known: _Known,
    shares: FloatArray,
    variance: FloatArray,
    left: FloatArray,
    inside: np.ndarray,
) -> float:
    """p-value of some moments, in directions that the shares leave open."""
    if not inside.any():
        return np.nan
    at = np.ix_(inside, inside)
    degrees = _degrees(known, shares, variance[at], inside)
    rest = known.rest(shares)
    # In units of what the part would vary by if shares were known.
    root = linalg.cholesky(variance[at], lower=True)
    own = linalg.solve_triangular(root, rest[inside], lower=True)
    half = linalg.solve_triangular(root, left[at], lower=True)
    law = linalg.solve_triangular(root, half.T, lower=True)
    values, vectors = linalg.eigh(law)
    kept = values > LEAST_LEFT
    if not kept.any():
        return np.nan
    along = (vectors.T @ own)[kept]
    return _tail(float((along**2 / values[kept]).sum()), int(kept.sum()), degrees)


def _tail(statistic: float, freedom: int, degrees: float) -> float:
    """Of Hotelling's statistic."""
    last = degrees - freedom + 1.0
    scaled = statistic * last / (degrees * freedom)
    return float(special.fdtrc(freedom, last, max(scaled, 0.0)))


def _explained(
    whole: float, whole_freedom: int, statistic: float, freedom: int
) -> float:
    beyond = whole - whole_freedom
    if beyond <= 2.0 * np.sqrt(2.0 * whole_freedom):
        return float("nan")
    return float(np.clip(1.0 - max(statistic - freedom, 0.0) / beyond, 0.0, 1.0))
