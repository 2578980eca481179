"""Many hypotheses: combined p-values and family-wise error."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from skdrift.exceptions import ParameterError
from skdrift.stats.counts import FloatArray

_LARGEST = 0.99
_SAFETY = 1.07


def combine_pvalues(pvalues: ArrayLike) -> FloatArray:
    r"""Combine dependent p-values of one hypothesis, feature by feature.

    Cauchy's combination (Liu and Xie 2020): the p-value of the mean of
    :math:`\cot(\pi p_i)`. It is exact for independent and for equal p-values; in
    between, and with p-values capped at 0.99 (one that is 1, as of a test with
    nothing to compare, would outweigh any evidence), it is up to 7 % too small at
    level 0.05 and 3 % at 0.0001 for Anderson-Darling with the smooth test: hence the
    factor 1.07. It beats twice the smaller one where both tests see something.

    Parameters
    ----------
    pvalues : array-like of shape (k, p)
        P-values of k tests of p features.

    Returns
    -------
    ndarray of shape (p,)
        P-values; NaN where one of the k is; with k = 1 those given.

    Raises
    ------
    ParameterError
        If the shape is not (k, p) with k at least 1.

    References
    ----------
    Liu, Y. and Xie, J. (2020). Cauchy combination test: a powerful test with
    analytic p-value calculation under arbitrary dependency structures. Journal of
    the American Statistical Association 115, 393-402.
    """
    values = np.asarray(pvalues, dtype=np.float64)
    if values.ndim != 2 or values.shape[0] < 1:
        raise ParameterError(
            f"pvalues must have shape (n_tests, n_features), got {values.shape}."
        )
    if values.shape[0] == 1:
        return np.array(values[0])
    mean = (1.0 / np.tan(np.pi * np.clip(values, 1e-300, _LARGEST))).mean(axis=0)
    combined = _SAFETY / np.pi * np.arctan2(1.0, mean)
    return np.asarray(np.minimum(1.0, combined), dtype=np.float64)


def weighted_holm(
    pvalues: ArrayLike,
    weights: ArrayLike,
    *,
    smallest: ArrayLike | None = None,
    alpha: float,
) -> FloatArray:
    """Adjusted p-values that hold the family-wise error rate.

    Holm's step-down procedure with weights, for hypotheses under any dependence.
    With the smallest attainable p-values it first drops, after Tarone, those
    hypotheses that could not be rejected whatever the data: W is the smallest
    number such that the hypotheses with ``smallest <= alpha * weight / W`` weigh no
    more than W together; all others leave the family. What can be attained depends
    on the pooled counts alone, which carry no information on the null hypothesis,
    so the choice of the family costs nothing.

    Parameters
    ----------
    pvalues : array-like of shape (k,)
        NaN leaves the family and stays NaN.
    weights : array-like of shape (k,)
        Positive; only their proportions matter.
    smallest : array-like of shape (k,), optional
        Smallest attainable p-values.
    alpha : float
        Level that the family is tested at.

    Returns
    -------
    ndarray of shape (k,)
        Reject where it is at most `alpha`: the probability of one or more false
        rejections is at most `alpha`. 1 for what left the family by Tarone's rule.

    Raises
    ------
    ParameterError
        If shapes differ, a weight is not positive or alpha is not in (0, 1).

    References
    ----------
    Holm, S. (1979). A simple sequentially rejective multiple test procedure.
    Scandinavian Journal of Statistics 6, 65-70.

    Tarone, R. E. (1990). A modified Bonferroni method for discrete data.
    Biometrics 46, 515-522.
    """
    p = np.asarray(pvalues, dtype=np.float64)
    w = np.asarray(weights, dtype=np.float64)
    if p.ndim != 1 or w.shape != p.shape:
        raise ParameterError(
            "pvalues and weights must be one-dimensional and of one length, got "
            f"shapes {p.shape} and {w.shape}."
        )
    if not 0.0 < alpha < 1.0:
        raise ParameterError(f"alpha must be in (0, 1), got {alpha!r}.")
    if not (w > 0).all():
        raise ParameterError(
            f"weights must be positive, got {w[~(w > 0)][:5].tolist()}."
        )
    family = ~np.isnan(p)
    adjusted = np.where(family, 1.0, np.nan)
    if smallest is not None:
        least = np.asarray(smallest, dtype=np.float64)
        if least.shape != p.shape:
            raise ParameterError(
                f"smallest must have the shape of pvalues, {p.shape}, got "
                f"{least.shape}."
            )
        family[family] = _attainable(least[family], w[family], alpha)
    members = np.flatnonzero(family)
    order = members[np.argsort(p[members] / w[members], kind="stable")]
    remaining = np.cumsum(w[order][::-1])[::-1]
    stepped = np.maximum.accumulate(p[order] * np.maximum(remaining / w[order], 1.0))
    adjusted[order] = np.minimum(stepped, 1.0)
    return adjusted


def _attainable(least: FloatArray, w: FloatArray, alpha: float) -> np.ndarray:
    # A hypothesis is in the family of every W up to its limit, so the families are
    # the first k in the order of limits, and that of the smallest W is the largest
    # of those that weigh no more than the last of their limits.
    limit = np.full(w.shape, np.inf)
    with np.errstate(over="ignore"):
        np.divide(alpha * w, least, out=limit, where=least > 0)
    order = np.argsort(-limit, kind="stable")
    ordered = limit[order]
    family = (np.cumsum(w[order]) <= ordered) & (ordered > np.append(ordered[1:], 0.0))
    family |= np.isinf(ordered)
    size = np.flatnonzero(family)[-1] + 1 if family.any() else 0
    kept = np.zeros(w.shape, dtype=bool)
    kept[order[:size]] = True
    return kept
