"""The score to expect of a batch without labels: result and orchestration."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from scipy import special
from sklearn.metrics import get_scorer, get_scorer_names

LEVEL = 0.95
LEAST_EFFECTIVE = 100.0
MOST_OUTSIDE = 0.05
LEAST_SHARE = 1e-4
UNLEARNED = 0.15
"""Share of the distance to the plain model that the interval allows for besides: trees
are drawn towards it where training has few rows."""
ASSUMPTION = (
    "assumes that P(y | X) is that of training: concept drift is not seen by this "
    "number, only labels show it"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class EstimatedScore:
    """A score that is expected of a batch without labels.

    Attributes
    ----------
    scorer : str
        Name of the scorer; its values are "greater is better", as in scikit-learn.
    value : float
        Expected score; NaN with a `reason` where it cannot be had.
    low, high : float
        Interval for the score that the batch realises: chance of the labels, and the
        error of what was learned. Valid only under the assumption.
    level : float
        Coverage of the interval.
    plain : float
        What the plain model says, which looks at the model's output alone: calibrated
        confidence, or for regressors the mean error of cross-validation.
    reason : str
        Why a value is NaN; empty otherwise.
    """

    scorer: str
    value: float
    low: float
    high: float
    level: float = LEVEL
    plain: float = float("nan")
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PerformanceEstimate(Mapping[str, EstimatedScore]):
    """Scores that are expected of a batch, by the name of the scorer.

    Attributes
    ----------
    scores : tuple of EstimatedScore
    n_rows : int
        Rows of the batch.
    effective_sample_size : float
        How many training rows the estimate rests on, at most: training rows weighted
        as the batch is distributed, for the column or expected loss that moved most.
    share_outside : float
        Share of the rows with a number outside the training range or a category that
        training never had.
    extrapolates : bool
        Whether the batch lies where training has hardly any row: do not rely on the
        numbers then.
    assumption : str
        What the numbers hold under.
    notes : tuple of str
        What was used, and what limits the answer; one sentence each.
    """

    scores: tuple[EstimatedScore, ...]
    n_rows: int
    effective_sample_size: float
    share_outside: float
    extrapolates: bool
    assumption: str = ASSUMPTION
    notes: tuple[str, ...] = ()

    def __getitem__(self, name: str) -> EstimatedScore:
        for score in self.scores:
            if score.scorer == name:
                return score
        names = [score.scorer for score in self.scores]
        raise KeyError(f"{name!r} is not estimated; there are {names}")

    def __iter__(self) -> Iterator[str]:
        return iter([score.scorer for score in self.scores])

    def __len__(self) -> int:
        return len(self.scores)

    def __str__(self) -> str:
        width = max((len(name) for name in self), default=0)
        rows = "1 row" if self.n_rows == 1 else f"{self.n_rows:,} rows"
        lines = [f"Expected score of {rows}, without labels"]
        for score in self.scores:
            shown = score.reason or (
                f"{score.value:.4g}  ({score.low:.4g} to {score.high:.4g})"
            )
            lines.append(f"  {score.scorer:<{width}}  {shown}")
        lines.append(f"Assumption: {self.assumption}.")
        return "\n".join([*lines, *(f"Note: {note}." for note in self.notes)])


def with_interval(
    name: str,
    value: float,
    *,
    plain: float,
    noise: float,
    halves: np.ndarray,
    bounds: tuple[float, float],
) -> EstimatedScore:
    """A score with the interval that its two errors give.

    Parameters
    ----------
    name : str
    value, plain : float
    noise : float
        Variance of the realised score about the expected one.
    halves : ndarray of float of shape (8,)
        What models of half the rows say, in complementary pairs. They vary about their
        mean as models of all rows do from sample to sample, with four degrees of
        freedom.
    bounds : tuple of float
        Least and largest value that the score can have.
    """
    model = _model_variance(value, halves[np.isfinite(halves)])
    unlearned = (UNLEARNED * (value - plain)) ** 2 if np.isfinite(plain) else 0.0
    total = noise + model + unlearned
    if not np.isfinite([value, total]).all():
        nothing = float("nan")
        return EstimatedScore(
            scorer=name,
            value=value,
            low=nothing,
            high=nothing,
            plain=plain,
            reason="" if np.isfinite(value) else "the scorer gives no finite value",
        )
    freedom = len(halves) / 2 * (total / model) ** 2 if model > 0 else np.inf
    width = float(special.stdtrit(min(freedom, 1e6), 0.5 + LEVEL / 2)) * np.sqrt(total)
    return EstimatedScore(
        scorer=name,
        value=value,
        low=float(max(value - width, bounds[0])),
        high=float(min(value + width, bounds[1])),
        plain=plain,
    )


def _model_variance(value: float, halves: np.ndarray) -> float:
    """Of errors by their logarithms: single halves are then less far off."""
    if not len(halves):
        return float("nan")
    if value < 0 and (halves < 0).all():
        logarithms = np.log(-halves)
        return float(value**2 * np.mean((logarithms - logarithms.mean()) ** 2))
    return float(np.mean((halves - halves.mean()) ** 2))


def score_bounds(scorer: object) -> tuple[float, float]:
    """Least and largest value of a score, by what scikit-learn calls it."""
    name = _NAMES.get(repr(scorer), "")
    if name.startswith("neg_"):
        return -np.inf, 0.0
    known = name.startswith(_SHARES)
    return 0.0 if known else -np.inf, 1.0 if known or name == "r2" else np.inf


_NAMES = {repr(get_scorer(name)): name for name in get_scorer_names()}
_SHARES = (
    "accuracy",
    "average_precision",
    "balanced_accuracy",
    "f1",
    "jaccard",
    "precision",
    "recall",
    "roc_auc",
)


def on_score_line(bounds: tuple[float, float], value: float) -> float:
    """A score without bounds: log odds of a share, logarithm of a size."""
    low, high = bounds
    if high == 0.0:
        return float(-np.log(max(-value, np.finfo(np.float64).tiny)))
    if (low, high) == (0.0, 1.0):
        return float(special.logit(np.clip(value, LEAST_SHARE, 1.0 - LEAST_SHARE)))
    return value


def raised_score(bounds: tuple[float, float], value: float, correction: float) -> float:
    """A score with what is added on its line; itself where that is nothing."""
    if correction == 0.0 or not np.isfinite(value):
        return value
    low, high = bounds
    if high == 0.0:
        return float(value * np.exp(-correction))
    if (low, high) == (0.0, 1.0):
        inside = np.clip(value, 1e-12, 1.0 - 1e-12)
        return float(special.expit(special.logit(inside) + correction))
    return value + correction


def nothing_known(name: str, reason: str) -> EstimatedScore:
    """A score that cannot be had."""
    nothing = float("nan")
    return EstimatedScore(
        scorer=name, value=nothing, low=nothing, high=nothing, reason=reason
    )


def effective_size(shares: np.ndarray, codes: np.ndarray, n_rows: int) -> float:
    """Training rows that count when they are weighted as a batch is distributed.

    With shares q of training and p of the batch over the codes of one column, the
    weights p / q give (sum w)² / sum w² = n / sum p²/q; the least over columns, which
    is an upper bound of what all of them together leave. Codes in which training has
    no row count as half a row.

    Parameters
    ----------
    shares : ndarray of float of shape (n_columns, n_codes)
    codes : ndarray of int of shape (n_columns, n_batch)
    n_rows : int
        Rows of training.
    """
    least = float(n_rows)
    m = codes.shape[1]
    for own, batch in zip(shares, codes, strict=True):
        counts = np.bincount(batch, minlength=len(own)).astype(np.float64)
        # What chance adds to the squares of m rows is taken off.
        squares = counts * (counts - 1.0) / max(m * (m - 1.0), 1.0)
        chance = float((squares / np.maximum(own, 0.5 / n_rows)).sum())
        least = min(least, n_rows / max(chance, 1.0))
    return least


def support_notes(effective: float, share_outside: float) -> tuple[str, ...]:
    """In what way a batch lies outside of what was learned; empty if it does not."""
    notes = []
    if effective < LEAST_EFFECTIVE:
        notes.append(
            f"the batch lies where training has few rows: at most {effective:,.0f} of "
            "them speak for it, so the numbers extrapolate"
        )
    if share_outside > MOST_OUTSIDE:
        notes.append(
            f"{100 * share_outside:.1f} % of the rows have values outside of training, "
            "so the numbers extrapolate"
        )
    return tuple(notes)
