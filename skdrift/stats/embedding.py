"""Change of a whole distribution: means of random features, ridge-whitened."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from skdrift.exceptions import ParameterError
from skdrift.stats.counts import FloatArray


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class FeatureSums:
    """Sums of features over rows; those of two sets of rows add up.

    Attributes
    ----------
    n : int
        Rows.
    total : ndarray of shape (k,)
        Sum of each feature.
    products : ndarray of shape (k, k)
        Sum of the products of two features.
    """

    n: int
    total: FloatArray
    products: FloatArray

    @classmethod
    def of(cls, features: ArrayLike) -> FeatureSums:
        """Sum features of shape (n_rows, k)."""
        rows = np.asarray(features, dtype=np.float64)
        return cls(n=len(rows), total=rows.sum(axis=0), products=rows.T @ rows)

    def merge(self, other: FeatureSums) -> FeatureSums:
        """Sums over the rows of both."""
        return FeatureSums(
            n=self.n + other.n,
            total=self.total + other.total,
            products=self.products + other.products,
        )


def wave_features(scores: ArrayLike, frequencies: ArrayLike) -> NDArray[np.float32]:
    """Cosine and sine of projections: random Fourier features of a Gaussian kernel.

    Parameters
    ----------
    scores : array-like of shape (n_rows, d)
        Rows; without missing values.
    frequencies : array-like of shape (d, k)
        Drawn once and kept.

    Returns
    -------
    ndarray of float32 of shape (n_rows, 2 k)
        In [-1, 1].

    References
    ----------
    Rahimi, A. and Recht, B. (2007). Random features for large-scale kernel machines.
    Advances in Neural Information Processing Systems 20.
    """
    waves = np.asarray(frequencies, dtype=np.float32)
    phase = np.asarray(scores, dtype=np.float32) @ waves
    features = np.empty((len(phase), 2 * phase.shape[1]), dtype=np.float32)
    np.cos(phase, out=features[:, : phase.shape[1]])
    np.sin(phase, out=features[:, phase.shape[1] :])
    return features


def feature_mean_change(
    reference: FeatureSums, current: FeatureSums, *, tolerance: float = 0.0
) -> tuple[float, float]:
    r"""Test whether the features have the same mean in two samples.

    .. math:: Q = N \sum_i \frac{c_i^2}{\lambda_i + r}, \qquad N = \frac{nm}{n+m},

    with :math:`\lambda_i` the eigenvalues of the pooled covariance, :math:`r` their
    mean and :math:`c` the difference of means in the basis of the eigenvectors. Under
    the null hypothesis of equal distributions :math:`Q` is about
    :math:`\sum_i \frac{\lambda_i}{\lambda_i + r} \chi^2_1`. Without the ridge
    (Hotelling) the small eigenvalues, which few rows do not determine, would decide.

    Parameters
    ----------
    reference, current : FeatureSums
        Of the same k features.
    tolerance : float, default=0
        Share of rows that may lie elsewhere: the mean of :math:`Q` under the null
        hypothesis, times N tolerance², is taken off the statistic.

    Returns
    -------
    statistic, pvalue : float
        Larger = further apart; NaN where a sample has less than two rows.

    Raises
    ------
    ParameterError
        If the numbers of features differ.
    """
    if reference.total.shape != current.total.shape:
        raise ParameterError(
            "reference and current must be sums of the same features, got "
            f"{len(reference.total)} and {len(current.total)}."
        )
    n, m = reference.n, current.n
    if n < 2 or m < 2:
        return float("nan"), float("nan")
    within = sum(
        sums.products - np.outer(sums.total, sums.total) / sums.n
        for sums in (reference, current)
    )
    values, vectors = np.linalg.eigh(within / (n + m - 2))
    values = np.maximum(values, 0.0)
    ridge = float(values.mean())
    if ridge <= 0.0:
        return 0.0, 1.0
    apart = vectors.T @ (reference.total / n - current.total / m)
    size = n * m / (n + m)
    statistic = size * float((apart**2 / (values + ridge)).sum())
    weights = values / (values + ridge)
    moments = [float((weights**k).sum()) for k in (1, 2, 3)]
    # The covariance is that of the same rows: fits them better than fresh ones.
    statistic *= max(0.0, 1.0 - moments[0] / (n + m - 2))
    tolerated = size * tolerance**2 * moments[0]
    return statistic, chi_square_sum_tail(statistic - tolerated, *moments)


def chi_square_sum_tail(
    value: float, first: float, second: float, third: float
) -> float:
    r"""Tail of a weighted sum of independent chi-squares, by three moments.

    Pearson's approximation of :math:`P(\sum_i w_i \chi^2_1 \ge x)`: a chi-square,
    moved and stretched, of the same mean, variance and skewness.

    Parameters
    ----------
    value : float
        x.
    first, second, third : float
        :math:`\sum w_i`, :math:`\sum w_i^2`, :math:`\sum w_i^3`.

    Returns
    -------
    float

    References
    ----------
    Imhof, J. P. (1961). Computing the distribution of quadratic forms in normal
    variables. Biometrika 48, 419-426.
    """
    if second <= 0.0:
        return 1.0
    degrees = second**3 / third**2 if third > 0 else 1e6
    scaled = (value - first) * np.sqrt(degrees / second) + degrees
    return float(special.chdtrc(degrees, max(scaled, 0.0)))
