"""Interval of an estimate from what it is with each part of the sample left out."""

from __future__ import annotations

import numpy as np
from scipy import special

from skdrift.stats.counts import FloatArray


def jackknife_interval(
    value: float, left_out: FloatArray, level: float
) -> tuple[float, float]:
    r"""Interval of an estimate by the delete-one-part jackknife.

    With J parts and the estimate :math:`d_j` without part j,

    .. math:: \text{SE}^2 = \frac{J - 1}{J} \sum_j (d_j - \bar d)^2

    and Student's law with J - 1 degrees of freedom. The parts are taken as
    independent and about equally large; the estimate is a smooth function of means.

    Parameters
    ----------
    value : float
        The estimate from all parts.
    left_out : ndarray of shape (J,)
    level : float
        Coverage, in (0, 1).

    Returns
    -------
    low, high : float
        NaN where there are fewer than two parts, or something is not finite.

    References
    ----------
    Tukey, J. W. (1958). Bias and confidence in not quite large samples (abstract).
    Annals of Mathematical Statistics 29, 614.
    """
    n_parts = len(left_out)
    if n_parts < 2 or not (np.isfinite(left_out).all() and np.isfinite(value)):
        return float("nan"), float("nan")
    squares = float(np.square(left_out - left_out.mean()).sum())
    error = np.sqrt(squares * (n_parts - 1.0) / n_parts)
    half = float(special.stdtrit(n_parts - 1.0, 0.5 + 0.5 * level) * error)
    return value - half, value + half
