"""What score to expect of a batch, from cross-validation."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

from skdrift.exceptions import ParameterError
from skdrift.stats.counts import FloatArray, check_share


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoreInterval:
    """Interval for the realised mean score of a batch.

    Attributes
    ----------
    value : ndarray
        Mean score of the held-out rows.
    low, high : ndarray
        Limits for the batch's realised mean.
    standard_error : ndarray
        Of realised minus expected.
    """

    value: FloatArray
    low: FloatArray
    high: FloatArray
    standard_error: FloatArray


def score_interval(
    mean: ArrayLike,
    row_variance: ArrayLike,
    n_reference: ArrayLike,
    n_folds: ArrayLike,
    n_current: ArrayLike,
    degrees_of_freedom: ArrayLike = np.inf,
    level: float = 0.95,
) -> ScoreInterval:
    r"""Interval for the mean score that a batch of fresh rows will realise.

    .. math:: SE^2 = \sigma^2 \frac{K}{K - 1} \frac{1}{n} + \frac{\sigma^2}{m}

    The first term is the error of the cross-validated mean, whose per-row scores
    are asymptotically uncorrelated for a stable learner (Bayle et al. 2020); the
    factor K/(K-1) covers what the folds share. The second is the batch's own. Rows
    must be independent: for blocks of rows it is far too narrow.

    Parameters
    ----------
    mean, row_variance : array-like
        Mean and variance of the per-row scores of the held-out rows.
    n_reference, n_current : array-like of int
        Rows of training and of the batch.
    n_folds : array-like of int
        Folds, at least 2.
    degrees_of_freedom : array-like of float, default=inf
        Of the estimate `row_variance`: limits are Student's with so many, normal
        with infinitely many.
    level : float, default=0.95
        Coverage.

    Returns
    -------
    ScoreInterval
        Arrays of the broadcast shape; NaN where a sample has no rows.

    Raises
    ------
    ParameterError
        If a variance is negative, or there are fewer than two folds.

    References
    ----------
    Bayle, P., Bayle, A., Janson, L. and Mackey, L. (2020). Cross-validation
    confidence intervals for test error. Advances in Neural Information Processing
    Systems 33.
    """
    upper = 0.5 + 0.5 * check_share(level, "level")
    freedom = np.asarray(degrees_of_freedom, dtype=np.float64)
    quantile = np.where(
        np.isinf(freedom), special.ndtri(upper), special.stdtrit(freedom, upper)
    )
    center, error = _center_and_error(
        mean, row_variance, n_reference, n_folds, n_current
    )
    return ScoreInterval(
        value=center,
        low=center - quantile * error,
        high=center + quantile * error,
        standard_error=error,
    )


def score_pvalue(
    realised: ArrayLike,
    mean: ArrayLike,
    row_variance: ArrayLike,
    n_reference: ArrayLike,
    n_folds: ArrayLike,
    n_current: ArrayLike,
    *,
    degrees_of_freedom: ArrayLike = np.inf,
) -> FloatArray:
    """Probability of a realised mean score this low or lower if nothing changed.

    One-sided: small = the batch scores worse than cross-validation promised. With
    no variance at all it is 0 below the mean and 1 at or above it.

    Parameters
    ----------
    realised : array-like
        Mean score of the batch.
    mean, row_variance, n_reference, n_folds, n_current, degrees_of_freedom
        See `score_interval`.

    Returns
    -------
    ndarray
        P-values; NaN where a sample has no rows.
    """
    center, error = _center_and_error(
        mean, row_variance, n_reference, n_folds, n_current
    )
    difference = np.asarray(realised, dtype=np.float64) - center
    certain = np.where(difference < 0, -np.inf, np.inf)
    z = np.divide(
        difference,
        error,
        out=np.where(np.isnan(difference + error), np.nan, certain),
        where=error > 0,
    )
    freedom = np.asarray(degrees_of_freedom, dtype=np.float64)
    pvalue = np.where(np.isinf(freedom), special.ndtr(z), special.stdtr(freedom, z))
    return np.asarray(pvalue, dtype=np.float64)


def _center_and_error(
    mean: ArrayLike,
    row_variance: ArrayLike,
    n_reference: ArrayLike,
    n_folds: ArrayLike,
    n_current: ArrayLike,
) -> tuple[FloatArray, FloatArray]:
    center, variance, n, k, m = np.broadcast_arrays(
        *(
            np.asarray(value, dtype=np.float64)
            for value in (mean, row_variance, n_reference, n_folds, n_current)
        )
    )
    if (variance < 0).any():
        raise ParameterError(
            f"row_variance must be at least 0, got {variance[variance < 0][:5]}."
        )
    if (k < 2).any():
        raise ParameterError(f"n_folds must be at least 2, got {k[k < 2][:5]}.")
    n = np.where(n > 0, n, np.nan)
    m = np.where(m > 0, m, np.nan)
    return np.array(center), np.sqrt(variance * (k / (k - 1.0) / n + 1.0 / m))
