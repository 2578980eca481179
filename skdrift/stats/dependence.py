"""Change of the dependence between columns: correlations of scores, pair by pair.

Scores are any numbers of which the mean and four moments exist, one column each and
NaN where missing; every pair is judged on the rows that have both.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

from skdrift.exceptions import ParameterError
from skdrift.stats.counts import FloatArray
from skdrift.stats.embedding import chi_square_sum_tail

_LARGEST_CORRELATION = 0.9999
_LEAST_VARIANCE = 0.25
_DEGREES_OF_A_ROW = 0.25  # of the estimated variance of a product of scores
_ROWS_OF_TRACES = 200
_LEAST_ROWS_OF_TRACES = 80
_MANY_PAIRS = 10_000
_MOST_CELLS = 2_000_000


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PairSums:
    """Sums over the rows in which both of two columns have a score.

    Those of two sets of rows add up. All are of shape (d, d); entry (i, j) of
    ``a2b`` is the sum of the squared score of column i times that of column j.

    Attributes
    ----------
    n : ndarray
        Rows.
    a, a2, a3, a4 : ndarray
        Sums of powers of the score of column i where column j has one.
    ab, a2b, a3b, a2b2 : ndarray
        Sums of products.
    """

    n: FloatArray
    a: FloatArray
    a2: FloatArray
    a3: FloatArray
    a4: FloatArray
    ab: FloatArray
    a2b: FloatArray
    a3b: FloatArray
    a2b2: FloatArray

    @classmethod
    def of(cls, scores: ArrayLike) -> PairSums:
        """Sum scores of shape (n_rows, d).

        Raises
        ------
        ParameterError
            If the scores are no matrix.
        """
        s = np.asarray(scores, dtype=np.float64)
        if s.ndim != 2:
            raise ParameterError(
                f"scores must have shape (n_rows, n_columns), got {s.shape}."
            )
        known = ~np.isnan(s)
        first = np.where(known, s, 0.0)
        second = first * first
        third = second * first
        powers = (first, second, third, second * second)
        if known.all():
            shape = (s.shape[1], s.shape[1])
            n = np.full(shape, float(len(s)))
            alone = [
                np.repeat(power.sum(axis=0)[:, None], s.shape[1], axis=1)
                for power in powers
            ]
        else:
            there = known.astype(np.float64)
            n = there.T @ there
            alone = [power.T @ there for power in powers]
        return cls(
            n=n,
            a=alone[0],
            a2=alone[1],
            a3=alone[2],
            a4=alone[3],
            ab=first.T @ first,
            a2b=second.T @ first,
            a3b=third.T @ first,
            a2b2=second.T @ second,
        )

    def merge(self, other: PairSums) -> PairSums:
        """Sums over the rows of both."""
        return PairSums(
            **{
                f.name: getattr(self, f.name) + getattr(other, f.name)
                for f in fields(self)
            }
        )

    def correlations(self) -> Correlations:
        """Correlation of every pair, each once."""
        n = np.where(self.n > 1, self.n, np.nan)
        p = self.a / n
        q = p.T
        e20, e30, e40, e11 = (x / n for x in (self.a2, self.a3, self.a4, self.ab))
        e21, e31, e22 = (x / n for x in (self.a2b, self.a3b, self.a2b2))
        m20 = e20 - p**2
        m11 = e11 - p * q
        m40 = e40 - 4 * p * e30 + 6 * p**2 * e20 - 3 * p**4
        m31 = e31 - q * e30 - 3 * p * (e21 - q * e20) + 3 * p**2 * (e11 - p * q)
        m22 = e22 - 2 * q * e21 - 2 * p * e21.T + q**2 * e20 + p**2 * e20.T
        m22 = m22 + 4 * p * q * e11 - 3 * p**2 * q**2
        varies = (m20 > 1e-9 * e20) & (m20 > 0)
        scale = np.sqrt(np.where(varies & varies.T, m20, np.nan))
        r = np.clip(m11 / (scale * scale.T), -1.0, 1.0)
        ratio = scale / scale.T
        cross = m31 / scale**4 * ratio  # of scores with variance 1
        fourth = m40 / scale**4
        both = m22 / (scale**2 * scale.T**2)
        variance = both - r * (cross + cross.T)
        variance = variance + 0.25 * r**2 * (fourth + fourth.T + 2 * both)
        upper = np.triu_indices(len(n), 1)
        return Correlations(
            n=self.n[upper],
            value=r[upper],
            variance=np.maximum(variance[upper], 0.0),
        )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Correlations:
    """Correlations of the pairs (0, 1), (0, 2), …, (1, 2), … of d columns.

    Attributes
    ----------
    n : ndarray of shape (d (d - 1) / 2,)
        Rows in which both columns have a score.
    value : ndarray
        Correlation; NaN where a column does not vary in these rows.
    variance : ndarray
        Of sqrt(n) times the correlation, whatever the distribution is.
    """

    n: FloatArray
    value: FloatArray
    variance: FloatArray


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class CorrelationChange:
    """Test of every pair; entries are those of `Correlations`.

    Attributes
    ----------
    difference, low, high : ndarray
        Correlation in the current sample minus that in the reference, with its
        interval.
    statistic : ndarray
        The difference of Fisher's transforms in standard errors.
    tolerated : ndarray
        The part of it that the tolerance allows for.
    degrees : ndarray
        Degrees of freedom of the law of the statistic, Student's t.
    pvalue : ndarray
        Two-sided; NaN where a correlation is.
    """

    difference: FloatArray
    low: FloatArray
    high: FloatArray
    statistic: FloatArray
    tolerated: FloatArray
    degrees: FloatArray
    pvalue: FloatArray


def correlation_change(
    reference: Correlations,
    current: Correlations,
    *,
    tolerance: float = 0.0,
    confidence: float = 0.95,
) -> CorrelationChange:
    r"""Test whether the correlation of each pair differs by more than is tolerated.

    .. math::

       z = \frac{\operatorname{atanh} r_C - \operatorname{atanh} r_R}
                {\sqrt{v/n + v/m}},
       \qquad v = \max(v_R, v_C), \quad v_S = \frac{\sigma_S^2}{(1-r_S^2)^2},

    with :math:`\sigma^2` the variance of
    :math:`\psi = ab - \tfrac{r}{2}(a^2 + b^2)`, the influence of one row on the
    correlation of scores a and b of mean 0 and variance 1, from mixed fourth
    moments: nothing is assumed of the distribution. The larger of the two variances
    is used for both, since a few rows that weigh most may be missing in a small
    sample. (Fisher's :math:`1/(n-3)` is for normal data and far too small where
    volatility is shared.) The law is Student's t with Welch's degrees of freedom, n/4
    and m/4 for the two variances. Null hypothesis: the correlations differ by at most
    `tolerance`.

    Parameters
    ----------
    reference, current : Correlations
        Of the same columns.
    tolerance : float, default=0
        Tolerated difference of correlations, in [0, 1).
    confidence : float, default=0.95
        Level of the intervals.

    Returns
    -------
    CorrelationChange

    Raises
    ------
    ParameterError
        If the numbers of pairs differ.
    """
    if reference.value.shape != current.value.shape:
        raise ParameterError(
            "reference and current must be of the same columns, got "
            f"{len(reference.value)} and {len(current.value)} pairs."
        )
    before, variance = _transformed(reference)
    now, variance_now = _transformed(current)
    # Rows that weigh most may be missing in the smaller sample by chance.
    variance = np.maximum(variance, variance_now)
    spread_before, spread_now = (
        variance / np.maximum(found.n, 1.0) for found in (reference, current)
    )
    before_df, now_df = (
        np.maximum(found.n * _DEGREES_OF_A_ROW, 1.0) for found in (reference, current)
    )
    error = np.sqrt(spread_before + spread_now)
    difference = np.tanh(now) - np.tanh(before)
    statistic = (now - before) / error
    apart = np.abs(difference) > 1e-6
    slope = np.where(
        apart,
        np.abs(now - before) / np.where(apart, np.abs(difference), 1.0),
        1.0 / (1.0 - np.tanh(now) ** 2),
    )
    tolerated = tolerance * slope / error
    beyond = np.maximum(np.abs(statistic) - tolerated, 0.0)
    degrees = error**4 / (spread_before**2 / before_df + spread_now**2 / now_df)
    half = special.stdtrit(degrees, 0.5 + 0.5 * confidence) * error
    half = half / slope
    return CorrelationChange(
        difference=difference,
        low=np.maximum(difference - half, -2.0),
        high=np.minimum(difference + half, 2.0),
        statistic=statistic,
        tolerated=tolerated,
        degrees=degrees,
        pvalue=np.minimum(1.0, 2.0 * special.stdtr(degrees, -beyond)),
    )


def _transformed(found: Correlations) -> tuple[FloatArray, FloatArray]:
    """Fisher's transform of correlations, and its variance times the rows."""
    limit = _LARGEST_CORRELATION
    r = np.clip(found.value, -limit, limit)
    variance = np.maximum(found.variance / (1.0 - r**2) ** 2, _LEAST_VARIANCE)
    return np.arctanh(r), variance


def sum_of_changes(
    change: CorrelationChange, scores: ArrayLike, current: Correlations, used: ArrayLike
) -> float:
    r"""Test of many small changes of correlation together.

    The statistic is the sum of the squared statistics of the pairs. They depend on
    each other, so it is no chi-square: its null law is a weighted sum of chi-squares
    whose weights are the eigenvalues of the correlation matrix of the influences
    :math:`\psi` of the pairs. The second and third moment of these weights are
    unbiased sums over distinct rows of the current sample.

    Parameters
    ----------
    change : CorrelationChange
    scores : array-like of shape (n_rows, d)
        Of the current sample, or of some rows of it.
    current : Correlations
        Of the current sample.
    used : array-like of bool
        Which pairs count.

    Returns
    -------
    float
        P-value; NaN where nothing can be said.
    """
    rows = np.asarray(scores, dtype=np.float64)
    chosen = np.flatnonzero(np.asarray(used) & np.isfinite(change.statistic))
    if not chosen.size or len(rows) < _ROWS_OF_TRACES:
        return float("nan")
    most = _ROWS_OF_TRACES if chosen.size < _MANY_PAIRS else _LEAST_ROWS_OF_TRACES
    gram = _influence_products(rows[:: -(-len(rows) // most)], current, chosen)
    second, third = _traces(gram)
    first = float(chosen.size)
    second = min(max(second, first), first**2)
    third = min(max(third, second**2 / first), second**1.5)
    tail = special.stdtr(change.degrees[chosen], -np.abs(change.statistic[chosen]))
    squares = float((special.ndtri(np.maximum(tail, 1e-300)) ** 2).sum())
    tolerated = float((change.tolerated[chosen] ** 2).sum())
    return chi_square_sum_tail(squares - tolerated, first, second, third)


def _influence_products(
    rows: FloatArray, current: Correlations, chosen: np.ndarray
) -> FloatArray:
    """Sum over pairs of the products of the influences of two rows."""
    scaled = _standardised(rows).astype(np.float32)
    half = np.float32(0.5)
    values = current.value.astype(np.float32)
    first, second = np.triu_indices(rows.shape[1], 1)
    gram = np.zeros((len(rows), len(rows)))
    step = max(1, _MOST_CELLS // len(rows))
    for start in range(0, chosen.size, step):
        part = chosen[start : start + step]
        a, b = scaled[:, first[part]], scaled[:, second[part]]
        influence = a * b - half * values[part] * (a * a + b * b)
        influence = np.nan_to_num(influence)
        influence -= influence.mean(axis=0)
        norm = np.sqrt((influence**2).mean(axis=0))
        influence /= np.where(norm > 1e-9, norm, np.inf)
        gram += influence @ influence.T
    return gram


def _standardised(rows: FloatArray) -> FloatArray:
    """Scores with mean 0 and variance 1 in each column, as far as they are known."""
    known = ~np.isnan(rows)
    n = np.maximum(known.sum(axis=0), 1)
    apart = np.where(known, rows - np.where(known, rows, 0.0).sum(axis=0) / n, np.nan)
    spread = np.sqrt(np.where(known, apart**2, 0.0).sum(axis=0) / n)
    return np.asarray(apart / np.where(spread > 0, spread, np.inf))


def _traces(gram: FloatArray) -> tuple[float, float]:
    """Traces of the square and the cube of the matrix that the products estimate."""
    k = len(gram)
    apart = gram - np.diag(np.diag(gram))
    second = float((apart**2).sum()) / (k * (k - 1))
    third = float(((apart @ apart) * apart).sum()) / (k * (k - 1) * (k - 2))
    return second, third
