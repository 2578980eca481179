"""With labels: the realised score beside the one that was promised."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from skdrift._core.frame import read_table
from skdrift._core.result import Finding, ScoreExpectation
from skdrift._core.shown_score import (
    estimate_error,
    estimate_place,
    is_partly_labelled,
    shown_change,
    shown_score,
)
from skdrift.exceptions import InputError, InputTypeError
from skdrift.performance._block_scores import BatchPart
from skdrift.performance._cross_validation import Scorer, n_rows_of, score_of
from skdrift.performance._estimate import EstimatedScore
from skdrift.performance._expectation import (
    LEVEL,
    FoldScores,
    expected_score,
    realised_pvalue,
)


def check_rows(X: Any, y: Any) -> int:
    """Number of rows that a table and its labels have.

    Raises
    ------
    InputError, InputTypeError
        If `X` is no table, or `y` has another number of rows.
    """
    n_rows = read_table(X, strict=False).n_rows
    try:
        n_labels = n_rows_of(y)
    except TypeError as error:
        raise InputTypeError(
            f"y must hold one label for each row, got {type(y).__name__}"
        ) from error
    if n_labels != n_rows:
        raise InputError(
            f"X and y must have the same number of rows, got {n_rows} and {n_labels}"
        )
    return n_rows


def realised_scores(
    promised: Sequence[FoldScores],
    scorers: Mapping[str, Scorer],
    estimator: Any,
    X: Any,
    y: Any,
    part: BatchPart | None = None,
) -> list[ScoreExpectation]:
    """Realised scores of a labelled batch.

    With `part` where rows come in blocks: see `expected_score`.

    Raises
    ------
    InputError, InputTypeError
        If `X` is no table, `y` has no rows, or they have different numbers of rows.
    """
    n_rows = check_rows(X, y)
    results = []
    for score in promised:
        expectation = expected_score(score, n_rows, LEVEL, part)
        if not n_rows or score.scorer not in scorers:
            results.append(replace(expectation, n_labelled=n_rows))
            continue
        value, reason = score_of(scorers[score.scorer], estimator, X, y, {})
        results.append(
            replace(
                expectation,
                realised=value,
                n_labelled=n_rows,
                pvalue=realised_pvalue(score, value, n_rows, part),
                reason=f"on this batch: {reason}" if reason else expectation.reason,
            )
        )
    return results


def score_findings(
    scores: Sequence[ScoreExpectation], *, alpha: float, share: float, n_rows: int
) -> list[Finding]:
    """Scores that came out below what cross-validation promised.

    Parameters
    ----------
    scores : sequence of ScoreExpectation
    alpha : float
        Level for the whole batch.
    share : float
        Part of `alpha` that all scores together may spend (Bonferroni).
    n_rows : int
        Rows of the batch.
    """
    tested = [score for score in scores if score.pvalue == score.pvalue]
    findings = []
    for score in scores:
        if score.realised == score.realised and score.pvalue == score.pvalue:
            adjusted = min(1.0, score.pvalue * len(tested) / share)
            if adjusted <= alpha:
                findings.append(_below(score, adjusted, n_rows))
        elif score.reason:
            findings.append(_failed(score))
    return findings


def _below(score: ScoreExpectation, adjusted: float, n_rows: int) -> Finding:
    shown = shown_score(score)
    by = ""
    if is_partly_labelled(score, n_rows):
        by = f" by the labels of {score.n_labelled:,} of {n_rows:,} rows"
    ends = sorted((shown.realised - shown.low, shown.realised - shown.high))
    return Finding(
        code="DA201",
        severity="alarm",
        features=(),
        effect_size=shown.realised - shown.value,
        effect_name=f"change of {shown.name}",
        low=ends[0],
        high=ends[1],
        pvalue=adjusted,
        direction="lower score" if shown.name == score.scorer else "larger error",
        message=(
            f"{shown.name} is {shown.realised:.4g}{by}, cross-validation promised "
            f"{shown.value:.4g} [{shown.low:.4g}, {shown.high:.4g}]{_counted(score)}"
        ),
        advice="retrain on recent labelled rows; if no column moved, y given X changed",
    )


def _counted(score: ScoreExpectation) -> str:
    return f"; the interval counts {score.basis}" if score.basis else ""


def _failed(score: ScoreExpectation) -> Finding:
    nan = float("nan")
    return Finding(
        code="DA202",
        severity="note",
        features=(),
        effect_size=nan,
        effect_name="",
        low=nan,
        high=nan,
        pvalue=nan,
        direction="",
        message=f"{score.scorer} has no answer: {score.reason}",
        advice="look at the labels and at the scorer",
    )


def with_estimates(
    scores: Sequence[ScoreExpectation], estimates: Sequence[EstimatedScore]
) -> list[ScoreExpectation]:
    """Put beside realised scores what was expected without labels."""
    known = {estimate.scorer: estimate for estimate in estimates}
    return [
        replace(
            score,
            estimated=known[score.scorer].value,
            estimated_low=known[score.scorer].low,
            estimated_high=known[score.scorer].high,
        )
        if score.scorer in known
        else score
        for score in scores
    ]


def estimate_findings(
    scores: Sequence[ScoreExpectation], *, extrapolates: bool
) -> list[Finding]:
    """Scores that came out otherwise than they were estimated without labels.

    Parameters
    ----------
    scores : sequence of ScoreExpectation
    extrapolates : bool
        Whether the batch lies where training has few rows.
    """
    off = [s for s in scores if estimate_place(s) in ("worse", "better")]
    return [_off(score, extrapolates) for score in off]


def _off(score: ScoreExpectation, extrapolates: bool) -> Finding:
    shown = shown_score(score)
    change, low, high = shown_change(shown, score.scorer, *estimate_error(score))
    why = "P(y | X) has changed, or the estimate does not hold for such rows"
    if extrapolates:
        why = "P(y | X) has changed, or the batch lies where training has few rows"
    worse = shown.estimate_place == "worse"
    return Finding(
        code="DA204",
        severity="note",
        features=(),
        effect_size=change,
        effect_name=f"{shown.name}, realised minus estimated",
        low=low,
        high=high,
        pvalue=float("nan"),
        direction="worse than estimated" if worse else "better than estimated",
        message=(
            f"the score without labels was off by {abs(change):.4g}: {shown.name} was "
            f"estimated as {shown.estimated:.4g} [{shown.estimated_low:.4g}, "
            f"{shown.estimated_high:.4g}] and is {shown.realised:.4g}: {why}"
        ),
        advice=(
            "do not rely on estimate_score for such batches; if the score is worse, "
            "retrain on recent labelled rows"
        ),
    )
