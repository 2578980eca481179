"""Mean of a batch of which some rows are labelled and all are predicted."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

from skdrift.exceptions import ParameterError
from skdrift.stats.counts import FloatArray, check_share

LEAST_TUNED = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class PoweredMean:
    """Estimate of the mean of all rows.

    Attributes
    ----------
    value : float
    low, high : float
        Interval for the mean of the rows at hand, labelled or not; NaN where there are
        too few labels.
    weight : float
        Of the predictions, in [0, 1]; 0 where the labelled rows stand alone.
    excess : float
        What estimating the weight adds to the variance, in units of that of a residual.
    n_labelled, n_rows : int
    unexplained : float
        Variance of the residuals over that of the labelled rows.
    """

    value: float
    low: float
    high: float
    weight: float
    excess: float
    n_labelled: int
    n_rows: int
    unexplained: float


def powered_mean(
    values: ArrayLike,
    predicted: ArrayLike,
    mean_predicted: float,
    n_rows: int,
    level: float = 0.95,
    *,
    least_variance: float = 0.0,
) -> PoweredMean:
    r"""Prediction-powered mean of m rows, L of them labelled at random.

    With losses :math:`\ell`, predictions f and a weight :math:`\lambda`,

    .. math:: \hat\theta = \lambda \bar f_m + \overline{(\ell - \lambda f)}_L, \qquad
        SE^2 = s_r^2 \Bigl(\frac1L - \frac1m
               + \frac{(\bar f_m - \bar f_L)^2}{\sum_L (f - \bar f_L)^2}\Bigr),

    which is unbiased for the mean of the m rows whatever the predictions are. The
    weight is the least squares slope of the labelled rows, kept in [0, 1]: that of
    the least variance, so that useless predictions cost nothing but the last term
    (the error of the slope). It is the power-tuned estimate of Angelopoulos, Duchi and
    Zrnic (2023), where the labelled rows are among the m, and the regression estimator
    of survey sampling. Limits are Student's with L - 2 degrees of freedom. Below ten
    labels, or where predictions are constant, the weight is 0, with L - 1.

    Parameters
    ----------
    values, predicted : array-like of shape (L,)
        Of the labelled rows.
    mean_predicted : float
        Of all m rows.
    n_rows : int
        m, at least L.
    level : float, default=0.95
        Coverage.
    least_variance : float, default=0
        The variance of the residuals is not taken for less. A few labels of a skewed
        loss show no large one, and alone would make the interval far too narrow.

    Raises
    ------
    ParameterError
        If there is no labelled row, or more than `n_rows`.

    References
    ----------
    Angelopoulos, A. N., Bates, S., Fannjiang, C., Jordan, M. I. and Zrnic, T. (2023).
    Prediction-powered inference. Science 382, 669-674.

    Angelopoulos, A. N., Duchi, J. C. and Zrnic, T. (2023). PPI++: Efficient
    prediction-powered inference. arXiv:2311.01453.
    """
    known = np.asarray(values, dtype=np.float64)
    f = np.asarray(predicted, dtype=np.float64)
    n = len(known)
    if not 0 < n <= n_rows:
        raise ParameterError(
            f"values must hold 1 to n_rows = {n_rows} labelled rows, got {n}."
        )
    weight, excess = _tuned(known, f, mean_predicted)
    residual = known - weight * f
    value = float(residual.mean()) + weight * mean_predicted if weight else known.mean()
    freedom = n - (2.0 if weight else 1.0)
    own = float(((known - known.mean()) ** 2).sum())
    rest = float(((residual - residual.mean()) ** 2).sum())
    low = high = np.nan
    if freedom > 0:
        variance = max(rest / freedom, least_variance)
        error = np.sqrt(variance * (1.0 / n - 1.0 / n_rows + excess))
        upper = 0.5 + 0.5 * check_share(level, "level")
        width = float(special.stdtrit(freedom, upper)) * error if error else 0.0
        low, high = value - width, value + width
    unexplained = rest / freedom / (own / (n - 1.0)) if own > 0 and freedom > 0 else 1.0
    return PoweredMean(
        value=float(value),
        low=float(low),
        high=float(high),
        weight=weight,
        excess=excess,
        n_labelled=n,
        n_rows=n_rows,
        unexplained=float(unexplained),
    )


def _tuned(values: FloatArray, f: FloatArray, mean_f: float) -> tuple[float, float]:
    """Weight of the predictions, and the variance that its error adds."""
    if len(values) < LEAST_TUNED:
        return 0.0, 0.0
    centred = f - f.mean()
    squares = float(centred @ centred)
    if not squares > 1e-18 * float(f @ f):
        return 0.0, 0.0
    weight = float(np.clip(centred @ (values - values.mean()) / squares, 0.0, 1.0))
    return weight, (mean_f - float(f.mean())) ** 2 / squares if weight else 0.0


def equivalent_rows(
    n_labelled: float, n_rows: float, explained: float, excess: float = 0.0
) -> float:
    r"""Labelled rows without predictions that are worth as much: L to m.

    .. math:: \Bigl(\frac1m + (1 - R^2) \bigl(\frac1L - \frac1m + x\bigr)\Bigr)^{-1}

    with the share :math:`R^2` of the variance that predictions explain and the `excess`
    x of a `PoweredMean`. From L to m, but for x.
    """
    missing = 1.0 / n_labelled - 1.0 / n_rows + excess
    return 1.0 / (1.0 / n_rows + (1.0 - explained) * missing)


def powered_share(mean: PoweredMean, level: float = 0.95) -> tuple[float, float]:
    """Interval of Clopper and Pearson for a share, by the rows that it is worth.

    The effective sample size stands in for that of a simple sample (Korn and Graubard
    1998), so that a share of 1 among few labels is not taken for certain.

    Parameters
    ----------
    mean : PoweredMean
        Of zeros and ones.
    level : float, default=0.95
        Coverage.

    References
    ----------
    Korn, E. L. and Graubard, B. I. (1998). Confidence intervals for proportions with
    small expected number of positive counts estimated from survey data. Survey
    Methodology 24, 193-201.
    """
    rest = 0.5 * (1.0 - check_share(level, "level"))
    missing = 1.0 / mean.n_labelled - 1.0 / mean.n_rows + mean.excess
    share = float(np.clip(mean.value, 0.0, 1.0))
    if not missing > 0:
        return share, share
    n = 1.0 / (min(mean.unexplained, 1.0) * missing)
    hits = share * n
    low = special.betaincinv(hits, n - hits + 1.0, rest) if hits > 0 else 0.0
    high = special.betaincinv(hits + 1.0, n - hits, 1.0 - rest) if hits < n else 1.0
    return float(low), float(high)
