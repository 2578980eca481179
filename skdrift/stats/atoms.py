"""Values that repeat in the batch and did not in the reference."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from skdrift.stats import hypergeometric
from skdrift.stats.counts import FloatArray, check_shares, check_whole


def new_atom(
    count: ArrayLike,
    n_reference: ArrayLike,
    n_current: ArrayLike,
    *,
    at_most_in_reference: ArrayLike,
    tolerance: ArrayLike = 0.0,
) -> FloatArray:
    r"""P-value of the most frequent value that was no repeated one in training.

    Let x be the largest count, in the current sample, of a value that the reference
    has at most a times. Under the null hypothesis that the rows of both samples
    are exchangeable,

    .. math:: P(X \ge x) \le \frac{T}{x} P(H \ge x), \quad T = n + m,

    with H hypergeometric: the current rows among x + a given ones. No assumption is
    made on the distribution: continuous, rounded or discrete.

    *Proof.* Given the pooled sample, take a value that it holds c times, C times in
    the current and R = c - C times in the reference sample. For the event
    {C >= x, R <= a} it must have c >= x. If c <= x + a its probability is at most
    P(C >= x), which grows with c; if c >= x + a it is at most P(R <= a), which falls
    with c; at c = x + a the two are the same number, P(H >= x), so this bounds it
    for every c. At most T / x values have c >= x, and the union bound over them
    gives the inequality. Its right side falls with x, hence it is a p-value.

    Parameters
    ----------
    count : array-like of int, shape (p,)
        Rows of the current sample that hold the value; 0 gives p-value 1.
    n_reference, n_current : array-like of int, shape (p,)
        Rows of the two samples.
    at_most_in_reference : array-like of int, shape (p,)
        Upper bound of the value's count in the reference, known before the current
        sample was looked at.
    tolerance : float or array-like of shape (p,), default=0
        Share of the current rows that a new value may hold; the p-value is then not
        below the binomial tail at this rate.

    Returns
    -------
    ndarray of shape (p,)
        NaN where a sample has no rows.

    Raises
    ------
    ParameterError
        If a count is negative or not whole.
    """
    tolerance = check_shares(tolerance, "tolerance")
    x, n, m, a = np.broadcast_arrays(
        *(
            np.atleast_1d(check_whole(value, name))
            for value, name in (
                (count, "count"),
                (n_reference, "n_reference"),
                (n_current, "n_current"),
                (at_most_in_reference, "at_most_in_reference"),
            )
        )
    )
    known = (n > 0) & (m > 0)
    repeated = known & (x > 0)
    at = np.where(repeated, x, 1.0)
    current = np.where(repeated, m, 1.0)
    total = np.where(repeated, n + m, 2.0)
    pooled = np.minimum(at + np.minimum(a, n), total)
    bound = total / at * hypergeometric.upper_tail(at, pooled, current, total)
    if tolerance.any():
        bound = np.maximum(
            bound, hypergeometric.binomial_upper_tail(at, current, tolerance)
        )
    pvalue = np.where(repeated, np.minimum(bound, 1.0), 1.0)
    return np.where(known, pvalue, np.nan)
