"""What a report says of a score beside its interval, one clause each."""

from __future__ import annotations

import math
from typing import Final

from skdrift._core.result import ScoreExpectation
from skdrift._core.shown_score import Place, is_partly_labelled, shown_score
from skdrift.report._numbers import aligned, number, rows, with_interval

_PLACES: Final[dict[Place, str]] = {
    "worse": "the realised score is worse than that",
    "inside": "the realised score is within",
    "better": "the realised score is better than that",
    "unknown": "",
}


def score_remarks(score: ScoreExpectation, n_rows: int) -> list[str]:
    """How sure the realised score is, what was expected of it, what more labels show.

    Parameters
    ----------
    score : ScoreExpectation
    n_rows : int
        Rows of the batch.
    """
    partly = is_partly_labelled(score, n_rows)
    found = [
        _interval(score, n_rows) if partly else "",
        _estimate(score),
        _labels(score) if partly else "",
    ]
    return [remark for remark in found if remark]


def _interval(score: ScoreExpectation, n_rows: int) -> str:
    shown = shown_score(score)
    labels = f"{score.n_labelled:,} of {rows(n_rows)} have a label"
    if math.isnan(shown.realised) or math.isnan(shown.realised_low):
        return labels
    low, high = shown.realised_low, shown.realised_high
    ends = " to ".join(aligned(end, low, high) for end in (low, high))
    return f"{labels}, all rows together score {ends}"


def _estimate(score: ScoreExpectation) -> str:
    shown = shown_score(score)
    if math.isnan(shown.estimated):
        return ""
    ends = shown.estimated_low, shown.estimated_high
    told = f"without labels {with_interval(shown.estimated, *ends)}"
    place = _PLACES[shown.estimate_place]
    return f"{told}: {place}" if place else told


def _labels(score: ScoreExpectation) -> str:
    if math.isnan(score.detectable_drop):
        return ""
    so_many = f"{score.n_labelled:,} labels"
    if math.isinf(score.detectable_drop):
        told = f"{so_many} are too few to show any drop"
    else:
        told = f"{so_many} would show a drop of {number(score.detectable_drop)} or more"
    if math.isnan(score.labels_needed):
        return told
    if math.isinf(score.labels_needed):
        return f"{told}, one as large as this not even the labels of all rows"
    return f"{told}, one as large as this takes {score.labels_needed:,.0f}"
