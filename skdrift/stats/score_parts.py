"""How the score of a batch of blocks varies, from the scores of blocks of training."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from skdrift.stats.counts import FloatArray
from skdrift.stats.scores import score_interval, score_pvalue


@dataclass(frozen=True, slots=True, kw_only=True)
class PartLaw:
    """Law of the score of a part of some blocks.

    Attributes
    ----------
    center : float
        Mean of the scores of such parts.
    variance : float
        Of the score of a further part.
    of_center : float
        Variance of `center` as an estimate.
    skewness : float
        Third standardised moment of the score of a part.
    degrees_of_freedom : float
        Of the estimate `variance`; at least 1.
    """

    center: float
    variance: float
    of_center: float
    skewness: float
    degrees_of_freedom: float

    def _given(self, n_folds: float) -> dict[str, float]:
        n_parts = self.variance / self.of_center if self.of_center > 0 else np.inf
        return {
            "mean": self.center,
            "row_variance": self.variance,
            "n_reference": n_parts,
            "n_folds": n_folds,
            "n_current": 1.0,
            "degrees_of_freedom": self.degrees_of_freedom,
            "row_skewness": self.skewness,
        }

    def limits(self, n_folds: float, level: float) -> FloatArray:
        """Low and high limit of the score of a further part; see `score_interval`."""
        found = score_interval(**self._given(n_folds), level=level)
        return np.array([float(found.low), float(found.high)])

    def pvalue(self, realised: float, n_folds: float) -> float:
        """Probability of a score this low or lower; see `score_pvalue`."""
        return float(score_pvalue(realised, **self._given(n_folds)))


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchSize:
    """What is known of a batch that is a part of b blocks.

    Attributes
    ----------
    n_blocks : int
        Blocks b.
    n_rows : float
        Rows m.
    row_variance : float
        Variance of the score of a row within its block.
    """

    n_blocks: int
    n_rows: float
    row_variance: float


def group_law(
    values: FloatArray,
    rows: FloatArray,
    batch: BatchSize,
    *,
    center: float,
    n_groups: int,
    draws: FloatArray | None = None,
) -> PartLaw:
    r"""Law of the score of b further groups, drawn like those of the reference.

    With random effects between groups, the variance s² of the K values, the variance
    :math:`\sigma^2` of rows within groups and
    :math:`s_b^2 = (s^2 - \sigma^2 \overline{1/n_k})_+`,

    .. math:: V = s_b^2 \frac{1 + c (1 - 1/b)}{b} + \frac{\sigma^2}{m}, \qquad
              V_{center} = s_b^2 \frac{1 + c}{G} + \frac{\sigma^2}{G \bar n},

    where c, the squared coefficient of variation of the groups' rows, counts that
    large groups weigh more. The skewness is that of a mean of b values, the degrees
    of freedom are :math:`2K / (\kappa - 1)` with the kurtosis of the values, at most
    K - 1.

    Parameters
    ----------
    values : ndarray of shape (K,)
        Score of each known group, on a scale on which it varies like a mean.
    rows : ndarray of shape (K,)
        Rows of each, at least 1.
    batch : BatchSize
    center : float
        Mean score of such parts.
    n_groups : int
        Groups G behind `center`, at least K.
    draws : ndarray or None
        Scores of parts of b groups drawn with replacement, where the score is no
        mean of the scores of groups.
    """
    total, b = len(values), batch.n_blocks
    variance, skewness, kurtosis = moments_of(values)
    of_rows = batch.row_variance * float((1.0 / rows).mean())
    unequal = float((rows**2).mean() / rows.mean() ** 2) - 1.0
    between = max(variance - of_rows, 0.0)
    of_part = between * (1.0 + unequal * (1.0 - 1.0 / b)) / b
    skewness /= np.sqrt(b)
    if draws is not None:
        drawn, skewness, _ = moments_of(draws)
        of_part = max(drawn * total / (total - 1.0) - of_rows / b, 0.0)
    of_center = between * (1.0 + unequal) + batch.row_variance / float(rows.mean())
    return PartLaw(
        center=center,
        variance=of_part + batch.row_variance / batch.n_rows,
        of_center=of_center / n_groups,
        skewness=skewness,
        degrees_of_freedom=max(
            1.0, min(total - 1.0, 2.0 * total / max(kurtosis - 1.0, 1e-9))
        ),
    )


def run_law(
    values: FloatArray,
    runs: FloatArray,
    rows: FloatArray,
    batch: BatchSize,
    *,
    center: float,
) -> PartLaw:
    r"""Law of the score of a further run of b neighbours in a dependent order.

    With the autocorrelations :math:`\rho_h` of the K values, summed up to the last
    before the first that is not positive (as Geyer 1992),

    .. math:: V_{center} = \frac{\tau}{K} \frac{\sum d^2}{K - \tau}, \qquad
              \tau = 1 + 2 \sum_h \rho_h, \qquad
              V = \overline{(r - \bar r)^2} + V_{center}

    over all overlapping runs r of the reference. Their number R stands for
    :math:`R / (1 + 2 \sum_h \varrho_h^2) - 1` degrees of freedom, with the runs'
    own autocorrelations (Bartlett 1946), at most 1.5 (K/b - 1) (Meketon & Schmeiser
    1984), K - 1 where b is 1. The sampling part of the rows is exchanged for that of
    the batch. For few blocks, less than about ten memories :math:`\tau`, V is too
    small.

    Parameters
    ----------
    values : ndarray of shape (K,)
        Score of each block, in order.
    runs : ndarray of shape (K - b + 1,)
        Score of each run of b neighbours.
    rows : ndarray of shape (K,)
        Rows of each block, at least 1.
    batch : BatchSize
        `n_blocks` is the b of `runs`.
    center : float
        Mean score of such parts.

    References
    ----------
    Bartlett, M. S. (1946). On the theoretical specification and sampling properties of
    autocorrelated time-series. Supplement to the JRSS 8, 27-41.

    Geyer, C. J. (1992). Practical Markov chain Monte Carlo. Statistical Science 7,
    473-483.

    Meketon, M. S. and Schmeiser, B. (1984). Overlapping batch means: something for
    nothing? Proceedings of the Winter Simulation Conference, 226-230.
    """
    total, b = len(values), batch.n_blocks
    deviation = values - values.mean()
    memory, _ = run_memory(deviation)
    known = total - min(memory, 0.5 * total)
    of_center = float(np.square(deviation).sum()) / known * memory / total
    spread = float(runs.var()) + of_center
    of_rows = batch.row_variance * float((1.0 / rows).mean()) / b
    _, overlap = run_memory(runs - runs.mean())
    most = total - 1.0 if b == 1 else 1.5 * (total / b - 1.0)
    return PartLaw(
        center=center,
        variance=max(spread - of_rows, 0.0) + batch.row_variance / batch.n_rows,
        of_center=of_center,
        skewness=moments_of(values)[1] / np.sqrt(b),
        degrees_of_freedom=max(1.0, min(most, len(runs) / overlap - 1.0)),
    )


def moments_of(values: FloatArray) -> tuple[float, float, float]:
    """Variance, skewness and kurtosis; of a constant 0, 0 and 3."""
    n = len(values)
    centred = values - values.mean()
    second, third, fourth = (float((centred**power).mean()) for power in (2, 3, 4))
    if second <= np.finfo(np.float64).eps * float((values**2).mean()) or n < 3:
        return second * n / max(n - 1.0, 1.0), 0.0, 3.0
    skewness = np.sqrt(n * (n - 1.0)) / (n - 2.0) * third / second**1.5
    return second * n / (n - 1.0), float(skewness), fourth / second**2


def run_memory(deviation: FloatArray) -> tuple[float, float]:
    """One and twice the sum of autocorrelations, and of their squares."""
    squares = float(deviation @ deviation)
    plain = squared = 0.0
    if squares > 0:
        for lag in range(1, len(deviation) // 2):
            correlation = float(deviation[lag:] @ deviation[:-lag]) / squares
            if correlation <= 0:
                break
            plain += correlation
            squared += correlation**2
    return 1.0 + 2.0 * plain, 1.0 + 2.0 * squared
