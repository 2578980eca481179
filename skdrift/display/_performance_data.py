"""What a picture of scores needs: each chunk's promised, estimated, realised score."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.metrics import get_scorer

from skdrift._core.frame import read_table
from skdrift._core.labelled import known_labels, labelled_rows
from skdrift._core.result import ScoreExpectation
from skdrift._core.rows import take_rows
from skdrift.display._chunks import Chunks
from skdrift.estimator._looking import batch_part
from skdrift.exceptions import EstimatorError, ParameterError
from skdrift.performance._cross_validation import Scorer, resolve_scorers, score_of
from skdrift.performance._estimate import EstimatedScore, PerformanceEstimate
from skdrift.performance._expectation import LEVEL, expected_score
from skdrift.performance._realised import check_rows, realised_scores
from skdrift.report._numbers import rows as counted_rows
from skdrift.shift import group_codes


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ChunkScores:
    """Scores of chunks; arrays of shape (n_chunks,), NaN where a value is not known.

    Values are "greater is better", as in scikit-learn. `compared_low` is the low end
    of the estimate for the rows that have labels; `reason` why nothing is estimated.
    """

    scorer: str
    realised: np.ndarray
    promised: np.ndarray
    promised_low: np.ndarray
    promised_high: np.ndarray
    estimated: np.ndarray
    estimated_low: np.ndarray
    estimated_high: np.ndarray
    compared_low: np.ndarray
    extrapolates: np.ndarray
    reason: str
    notes: tuple[str, ...]


# --- scores -------------------------------------------------------------------


def scores_of_chunks(
    model: Any,
    X: Any,
    y: Any,
    chunks: Chunks,
    *,
    scorer: str | None,
    groups: Any = None,
) -> ChunkScores:
    """Promised, estimated and realised score of each chunk.

    Where a chunk has labels, the promise is for as many rows as have one.

    Raises
    ------
    ParameterError
        If there is no such scorer, or not one group for each row.
    InputError, InputTypeError
        If `y` has not one label for each row.
    """
    n_rows = read_table(X, strict=False).n_rows
    codes = None if groups is None else group_codes(groups, n_rows, "groups")
    known = np.zeros(n_rows, dtype=bool)
    if y is not None:
        check_rows(X, y)
        known = labelled_rows(y)
    estimates, reason = _estimates(model, X, chunks)
    first = next(estimates, None)
    name, chosen = _chosen_scorer(model, scorer, list(first or ()))
    table = np.full((8, len(chunks.rows)), np.nan)
    extrapolates = np.zeros(len(chunks.rows), dtype=bool)
    reasons: list[str] = []
    for place, rows in enumerate(chunks.rows):
        judged = rows[known[rows]]
        found = _expected(model, name, chosen, X, y, rows, judged, codes)
        reasons.append(found.reason)
        table[:4, place] = found.realised, found.value, found.low, found.high
        estimate = first if place == 0 else next(estimates, None)
        if estimate is None or name not in estimate:
            continue
        score = estimate[name]
        extrapolates[place] = estimate.extrapolates
        table[4:7, place] = score.value, score.low, score.high
        table[7, place] = _compared(model, X, judged, rows, score).low
        reason = reason or score.reason
    table[~np.isfinite(table)] = np.nan
    return ChunkScores(
        scorer=name,
        realised=table[0],
        promised=table[1],
        promised_low=table[2],
        promised_high=table[3],
        estimated=table[4],
        estimated_low=table[5],
        estimated_high=table[6],
        compared_low=table[7],
        extrapolates=extrapolates & np.isfinite(table[4]),
        reason="" if np.isfinite(table[4]).any() else reason,
        notes=_notes(known, chunks, reasons),
    )


def _notes(
    known: np.ndarray, chunks: Chunks, reasons: Sequence[str]
) -> tuple[str, ...]:
    """How many rows have labels, where it is some; the first reason of no score."""
    cut_rows = sum(len(rows) for rows in chunks.rows)
    n_known = sum(int(known[rows].sum()) for rows in chunks.rows)
    notes = list(dict.fromkeys(filter(None, reasons)))[:1]
    if 0 < n_known < cut_rows:
        notes.insert(0, f"{n_known:,} of {counted_rows(cut_rows)} have labels")
    return tuple(notes)


def _estimates(
    model: Any, X: Any, chunks: Chunks
) -> tuple[Iterator[PerformanceEstimate], str]:
    """Estimates of the chunks one by one, of an empty table if there is no chunk."""
    try:
        first = model.estimate_score(
            take_rows(X, chunks.rows[0] if chunks.rows else np.arange(0))
        )
    except EstimatorError as error:
        return iter(()), str(error)
    rest = (model.estimate_score(take_rows(X, rows)) for rows in chunks.rows[1:])
    return (estimate for part in ((first,), rest) for estimate in part), ""


def _chosen_scorer(
    model: Any, scorer: str | None, estimated: Sequence[str]
) -> tuple[str, Scorer]:
    scorers = dict(resolve_scorers(model.estimator_, model.scoring))
    scorers |= {name: get_scorer(name) for name in estimated if name not in scorers}
    promised = [score.scorer for score in model.baseline_.scores]
    name = scorer
    if name is None:
        name = next(iter([*promised, *scorers]), None)
    if name is None:
        raise EstimatorError(
            f"{type(model.estimator_).__name__} has no score to draw: pass scoring to "
            "DriftAwareEstimator"
        )
    if not isinstance(name, str) or name not in scorers:
        raise ParameterError(
            f"scorer must be one of {list(scorers)}, got {scorer!r:.100}; for another "
            "one pass it as scoring to DriftAwareEstimator"
        )
    return name, scorers[name]


def _expected(
    model: Any,
    name: str,
    scorer: Scorer,
    X: Any,
    y: Any,
    rows: np.ndarray,
    judged: np.ndarray,
    codes: np.ndarray | None,
) -> ScoreExpectation:
    """Promise for a chunk, and what came true of it."""
    counted = judged if len(judged) else rows
    n_blocks = None if codes is None else len(np.unique(codes[counted]))
    part = batch_part(model.baseline_, len(counted), n_blocks)
    promised = [score for score in model.baseline_.scores if score.scorer == name]
    if promised and not len(judged):
        return expected_score(promised[0], len(counted), LEVEL, part)
    kept = take_rows(X, counted)
    own = known_labels(y, judged) if len(judged) else None
    if promised:
        only = {name: scorer}
        return realised_scores(promised, only, model.estimator_, kept, own, part)[0]
    value, reason = float("nan"), ""
    if len(judged):
        value, reason = score_of(scorer, model.estimator_, kept, own, {})
    return ScoreExpectation(
        scorer=name,
        value=float("nan"),
        low=float("nan"),
        high=float("nan"),
        level=LEVEL,
        n_rows=len(counted),
        realised=value,
        reason=reason,
    )


def _compared(
    model: Any, X: Any, judged: np.ndarray, rows: np.ndarray, score: EstimatedScore
) -> EstimatedScore:
    """Estimate that the realised score is held against: of the rows with labels."""
    if len(judged) in (0, len(rows)):
        return score
    found: EstimatedScore = model.estimate_score(take_rows(X, judged))[score.scorer]
    return found
