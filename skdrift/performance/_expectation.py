"""The score that cross-validation promises for a batch, and how sure it is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from skdrift._core.result import ScoreExpectation
from skdrift.performance._cross_validation import FoldResult
from skdrift.stats import score_interval

LEVEL = 0.95


@dataclass(frozen=True, slots=True, kw_only=True)
class FoldScores:
    """Scores of one scorer over the folds.

    Attributes
    ----------
    scorer : str
    folds : tuple of float
        Score of each fold; NaN where it failed.
    value : float
        Their mean.
    row_variance : float
        Variance of the score of a single row: the score of m independent rows varies
        by ``row_variance / m``.
    degrees_of_freedom : float
        Of the estimate `row_variance`; limits are Student's with so many.
    n_rows : int
        Held-out rows in all.
    reason : str
        Why a score is NaN; empty otherwise.
    """

    scorer: str
    folds: tuple[float, ...]
    value: float
    row_variance: float
    degrees_of_freedom: float
    n_rows: int
    reason: str = ""


def fold_scores(name: str, results: Sequence[FoldResult]) -> FoldScores:
    """Put the folds of one scorer together.

    A fold that failed is left out of the mean, and its reason is kept.
    """
    folds = np.array([result.scores[name] for result in results])
    known = np.isfinite(folds)
    reasons = [
        f"fold {number}: {result.reasons.get(name) or result.reasons.get('', '')}"
        for number, result in enumerate(results)
        if not known[number]
    ]
    rows = np.array([result.n_rows for result in results])
    if not known.any():
        return FoldScores(
            scorer=name,
            folds=tuple(folds.tolist()),
            value=float("nan"),
            row_variance=float("nan"),
            degrees_of_freedom=float("nan"),
            n_rows=0,
            reason="; ".join(reasons)[:500] or "there was no fold",
        )
    row_variance, degrees_of_freedom = _row_variance(
        folds[known],
        rows[known],
        np.array([result.variances[name] for result in results])[known],
        np.array([result.blocks for result in results])[known],
    )
    return FoldScores(
        scorer=name,
        folds=tuple(folds.tolist()),
        value=float(folds[known].mean()),
        row_variance=row_variance,
        degrees_of_freedom=degrees_of_freedom,
        n_rows=int(rows[known].sum()),
        reason="; ".join(reasons)[:500],
    )


def _row_variance(
    folds: np.ndarray, rows: np.ndarray, variances: np.ndarray, blocks: np.ndarray
) -> tuple[float, float]:
    """Within folds where there are blocks, else from one fold to the next.

    Returns the variance and its degrees of freedom.
    """
    inside = np.isfinite(variances)
    if inside.any():
        return float(variances[inside].mean()), float((blocks[inside] - 1).sum())
    if len(folds) < 2:
        return float("nan"), float("nan")
    return float(np.var(folds, ddof=1) * rows.mean()), float(len(folds) - 1)


def expected_scores(
    scores: Sequence[FoldScores], n_rows: int, *, level: float = LEVEL
) -> dict[str, ScoreExpectation]:
    """What each scorer promises for a batch of `n_rows` independent rows."""
    return {score.scorer: expected_score(score, n_rows, level) for score in scores}


def folds_behind(score: FoldScores) -> float:
    """Number of folds of the interval; one held-out set shares no row with training,
    as if there were infinitely many folds.
    """
    known = int(np.isfinite(score.folds).sum())
    return known if known > 1 else 1e12


def expected_score(score: FoldScores, n_rows: int, level: float) -> ScoreExpectation:
    """What one scorer promises for a batch of `n_rows` independent rows."""
    n_folds = folds_behind(score)
    low = high = float("nan")
    reason = score.reason
    if n_rows > 0 and np.isfinite(score.value) and np.isfinite(score.row_variance):
        interval = score_interval(
            score.value,
            score.row_variance,
            score.n_rows,
            n_folds,
            n_rows,
            degrees_of_freedom=score.degrees_of_freedom,
            level=level,
        )
        low, high = float(interval.low), float(interval.high)
    elif np.isfinite(score.value):
        reason = reason or "no interval: too few held-out rows to see how scores vary"
    return ScoreExpectation(
        scorer=score.scorer,
        value=score.value,
        low=low,
        high=high,
        level=level,
        n_rows=n_rows,
        reason=reason,
    )
