"""Many means that moved a little: Hotelling's statistic with a ridge."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from skdrift.exceptions import ParameterError
from skdrift.stats.counts import FloatArray
from skdrift.stats.embedding import chi_square_sum_tail

_RIDGE = 1.0


def regularized_hotelling(
    deviates: ArrayLike,
    correlation: ArrayLike,
    *,
    tolerated: ArrayLike = 0.0,
    n_rows: float = np.inf,
) -> tuple[float, float]:
    r"""Test whether any of many means moved by more than is tolerated.

    .. math:: Q = z^\top (R + I)^{-1} z

    with z the differences of the means in standard errors and R their correlation,
    that of the rows. Under the null hypothesis Q is about
    :math:`\sum_i w_i \chi^2_1`, :math:`w_i = \lambda_i / (\lambda_i + 1)` with
    :math:`\lambda` the eigenvalues of R; its tail is Pearson's by three moments. The
    ridge, the mean of the eigenvalues, keeps directions in which the columns hardly
    vary, and which few rows determine, from deciding. It finds many shifts that are
    each too small to be seen, above all those that do not follow the correlation.

    Parameters
    ----------
    deviates : array-like of shape (d,)
        Differences of the means of two samples, each over its standard error.
    correlation : array-like of shape (d, d)
        Of the rows, from which that of the deviates follows.
    tolerated : array-like of float, broadcast to (d,)
        Largest expectation of each deviate under the null hypothesis, whatever the
        signs. The moments are bounded over all of these expectations, among which
        the worst is a vertex, since the tail is quasi-convex in them (Anderson
        1955).
    n_rows : float, default=inf
        Rows that the correlation is estimated from: it fits them better than others,
        which the factor :math:`1 - \sum w_i / (n-1)` of Q allows for.

    Returns
    -------
    statistic, pvalue : float
        Larger = further apart; 0 and 1 without a column.

    Raises
    ------
    ParameterError
        If the shapes do not fit, or a value is not finite.

    References
    ----------
    Chen, L. S., Paul, D., Prentice, R. L. and Wang, P. (2011). A regularized
    Hotelling's T² test for pathway analysis in proteomic studies. Journal of the
    American Statistical Association 106, 1345-1360.

    Anderson, T. W. (1955). The integral of a symmetric unimodal function over a
    symmetric convex set and some probability inequalities. Proceedings of the
    American Mathematical Society 6, 170-176.

    Examples
    --------
    >>> import numpy as np
    >>> from skdrift.stats import regularized_hotelling
    >>> statistic, pvalue = regularized_hotelling(np.full(20, 1.6), np.eye(20))
    >>> f"{statistic:.1f}, p = {pvalue:.4f}"
    '25.6, p = 0.0001'
    """
    z = np.asarray(deviates, dtype=np.float64)
    matrix = np.asarray(correlation, dtype=np.float64)
    if z.ndim != 1 or matrix.shape != (z.size, z.size):
        raise ParameterError(
            "deviates must have shape (d,) and correlation (d, d), got "
            f"{z.shape} and {matrix.shape}."
        )
    if not (np.isfinite(z).all() and np.isfinite(matrix).all()):
        raise ParameterError(
            "deviates and correlation must be finite, got NaN or infinity; leave out "
            "columns without rows."
        )
    if not z.size:
        return 0.0, 1.0
    limits = np.broadcast_to(np.asarray(tolerated, dtype=np.float64), z.shape)
    values, vectors = np.linalg.eigh(matrix)
    values = np.maximum(values, 0.0)
    inverse = 1.0 / (values + _RIDGE)
    weights = values * inverse
    statistic = float((np.square(z @ vectors) * inverse).sum())
    statistic *= max(0.0, 1.0 - float(weights.sum()) / max(n_rows - 1.0, 1.0))
    moments = [
        float((weights**k).sum())
        + k * _largest(inverse * weights ** (k - 1), vectors, limits)
        for k in (1, 2, 3)
    ]
    return statistic, chi_square_sum_tail(statistic, *moments)


def _largest(values: FloatArray, vectors: FloatArray, limits: FloatArray) -> float:
    """Bound of a quadratic form, given by its eigenvalues, on the box of the limits."""
    if not limits.any():
        return 0.0
    by_length = float(values.max()) * float(limits @ limits)
    form = np.abs((vectors * values) @ vectors.T)
    return min(by_length, float(limits @ form @ limits))
