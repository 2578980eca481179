"""Exponential tilting: shares of cells that have given means of scores."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from skdrift.exceptions import ParameterError
from skdrift.stats.counts import FloatArray

RIDGE = 1e-4
MOST_STEPS = 100
MOST_HALVINGS = 30
ENOUGH = 1e-6
ARMIJO = 1e-4
ROUNDING = 1e-12


def tilted_shares(shares: ArrayLike, scores: ArrayLike, means: ArrayLike) -> FloatArray:
    r"""Shares of cells with given means of scores that are nearest to other shares.

    Of all shares q with :math:`\sum_c q_c \varphi_{kc} = a_k` these have the
    smallest Kullback–Leibler divergence from s,

    .. math:: q_c \propto s_c \exp\Bigl(\sum_k \beta_k \varphi_{kc}\Bigr),

    found by Newton's method on the convex dual with a ridge of 1e-4, so that means
    that no shares have (rounded ones, say) are met as nearly as can be.

    Parameters
    ----------
    shares : array-like of shape (n_cells,)
        Shares s; they are scaled to a total of 1. Cells of none keep none.
    scores : array-like of shape (n_scores, n_cells)
        Of about variance 1.
    means : array-like of shape (n_samples, n_scores)
        One row for each sample.

    Returns
    -------
    ndarray of shape (n_samples, n_cells)
        Each row sums to 1.

    Raises
    ------
    ParameterError
        If shapes do not fit, a number is not finite, or `shares` are negative or all
        zero.

    References
    ----------
    Csiszár, I. (1975). "I-divergence geometry of probability distributions and
    minimization problems". Annals of Probability 3, 146-158.

    Examples
    --------
    >>> import numpy as np
    >>> from skdrift.stats import tilted_shares
    >>> tilted_shares([1, 1, 1], [[-1, 0, 1]], [[0.0], [0.5]]).round(2)
    array([[0.33, 0.33, 0.33],
           [0.12, 0.27, 0.62]])
    """
    s, phi, a = _checked(shares, scores, means)
    kept = np.flatnonzero(s)
    logs, phi = np.log(s[kept] / s.sum()), phi[:, kept]
    products = (phi[:, None, :] * phi[None, :, :]).reshape(-1, len(kept))
    beta = np.zeros_like(a)
    q, dual = _tilted(beta, phi, logs, a)
    for _ in range(MOST_STEPS):
        gradient = q @ phi.T - a + RIDGE * beta
        if not (np.abs(gradient) > ENOUGH).any():
            break
        step = _newton_step(q, phi, products, gradient)
        slope = (gradient * step).sum(axis=1)
        part = np.ones(len(a))
        for _ in range(MOST_HALVINGS):
            _, tried = _tilted(beta + part[:, None] * step, phi, logs, a)
            far = tried > dual + ARMIJO * part * slope + ROUNDING
            if not far.any():
                break
            part[far] /= 2
        beta = beta + part[:, None] * step
        q, dual = _tilted(beta, phi, logs, a)
    found = np.zeros((len(a), len(s)))
    found[:, kept] = q
    return found


def _tilted(
    beta: FloatArray, phi: FloatArray, logs: FloatArray, a: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Shares of each sample, and its value of the dual."""
    exponent = beta @ phi + logs
    top = exponent.max(axis=1, keepdims=True, initial=-np.inf)
    weights = np.exp(exponent - top)
    total = weights.sum(axis=1, keepdims=True)
    dual = (np.log(total) + top)[:, 0] - (beta * a).sum(axis=1)
    dual = dual + 0.5 * RIDGE * np.square(beta).sum(axis=1)
    return weights / total, dual


def _newton_step(
    q: FloatArray, phi: FloatArray, products: FloatArray, gradient: FloatArray
) -> FloatArray:
    n_samples, n_scores = gradient.shape
    mean = q @ phi.T
    second = (q @ products.T).reshape(n_samples, n_scores, n_scores)
    second = second - mean[:, :, None] * mean[:, None, :] + RIDGE * np.eye(n_scores)
    step = np.linalg.solve(second, -gradient[:, :, None])[:, :, 0]
    return np.asarray(step, dtype=np.float64)


def _checked(
    shares: ArrayLike, scores: ArrayLike, means: ArrayLike
) -> tuple[FloatArray, FloatArray, FloatArray]:
    s, phi, a = (np.asarray(x, dtype=np.float64) for x in (shares, scores, means))
    fits = s.ndim == 1 and phi.ndim == a.ndim == 2
    if not fits or phi.shape != (a.shape[1], len(s)):
        raise ParameterError(
            "shares, scores and means must have shapes (n_cells,), (n_scores, n_cells)"
            f" and (n_samples, n_scores), got {s.shape}, {phi.shape} and {a.shape}."
        )
    if not all(np.isfinite(x).all() for x in (s, phi, a)):
        raise ParameterError(
            "shares, scores and means must be finite; leave out samples without a mean."
        )
    if (s < 0).any() or not s.any():
        raise ParameterError(
            "shares must be at least 0 and not all 0, got"
            f" {s[s < 0][:5].tolist() or 'zeros only'}."
        )
    return s, phi, a
