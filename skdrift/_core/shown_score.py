"""A score in the direction that its name promises: errors positive."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from skdrift._core.result import ScoreExpectation

Place = Literal["worse", "inside", "better", "unknown"]

_ASSUMPTION = (
    "The interval is what cross-validation promises for {} distributed"
    " like training. It is no estimate for rows that are distributed otherwise, and"
    " without labels nobody sees whether the target still depends on the columns as"
    " it did."
)


def score_assumption(scores: Sequence[ScoreExpectation]) -> str:
    """What the intervals assume, in two sentences."""
    in_blocks = any(score.basis for score in scores)
    return _ASSUMPTION.format("further blocks" if in_blocks else "independent rows")


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownScore:
    """A `ScoreExpectation` as it is printed.

    Attributes
    ----------
    name : str
        Name of the scorer, without ``neg_`` where the signs were turned.
    value, low, high, realised : float
        As in `ScoreExpectation`; for an error positive, larger = worse, with
        ``low <= high``.
    place : {"worse", "inside", "better", "unknown"}
        Where the realised score lies; ``"unknown"`` without labels or interval.
    realised_low, realised_high, estimated, estimated_low, estimated_high : float
        As in `ScoreExpectation`; for an error positive.
    estimate_place : {"worse", "inside", "better", "unknown"}
        Where the realised score lies in the interval of the estimate without labels,
        widened by that of the realised score; ``"unknown"`` without either.
    """

    name: str
    value: float
    low: float
    high: float
    realised: float
    place: Place
    realised_low: float = math.nan
    realised_high: float = math.nan
    estimated: float = math.nan
    estimated_low: float = math.nan
    estimated_high: float = math.nan
    estimate_place: Place = "unknown"


def shown_score(score: ScoreExpectation) -> ShownScore:
    """Turn a ``neg_*`` score into the error that it stands for."""
    if not is_error(score.scorer, (score.value, score.realised)):
        return ShownScore(
            name=score.scorer,
            value=score.value,
            low=score.low,
            high=score.high,
            realised=score.realised,
            place=_place(score),
            realised_low=score.realised_low,
            realised_high=score.realised_high,
            estimated=score.estimated,
            estimated_low=score.estimated_low,
            estimated_high=score.estimated_high,
            estimate_place=estimate_place(score),
        )
    return ShownScore(
        name=score.scorer.removeprefix("neg_"),
        value=-score.value,
        low=-score.high,
        high=-score.low,
        realised=-score.realised,
        place=_place(score),
        realised_low=-score.realised_high,
        realised_high=-score.realised_low,
        estimated=-score.estimated,
        estimated_low=-score.estimated_high,
        estimated_high=-score.estimated_low,
        estimate_place=estimate_place(score),
    )


def shown_pair(scorer: str, value: float, realised: float) -> ShownScore:
    """Two values of one score, of which there is no interval."""
    nan = math.nan
    return shown_score(
        ScoreExpectation(
            scorer=scorer,
            value=value,
            low=nan,
            high=nan,
            level=nan,
            n_rows=0,
            realised=realised,
        )
    )


def shown_change(
    shown: ShownScore, scorer: str, change: float, low: float, high: float
) -> tuple[float, float, float]:
    """A change of a score and its interval, in the direction of what is shown."""
    turned = shown.name != scorer
    return (-change, -high, -low) if turned else (change, low, high)


def is_error(scorer: str, values: Iterable[float]) -> bool:
    """Whether values of a ``neg_*`` score are those of an error, negated.

    The name alone does not tell (``neg_class_recall`` is nobody's error): no value
    may be positive, and one must be negative.
    """
    known = [x for x in values if not math.isnan(x)]
    return scorer.startswith("neg_") and max(known, default=1.0) <= 0 and min(known) < 0


def _place(score: ScoreExpectation) -> Place:
    if any(math.isnan(x) for x in (score.realised, score.low, score.high)):
        return "unknown"
    if score.realised < score.low:
        return "worse"
    return "better" if score.realised > score.high else "inside"


def estimate_error(score: ScoreExpectation) -> tuple[float, float, float]:
    """Realised score minus the estimate without labels, and its interval.

    The chance of the labels that are missing is added to that of the estimate. NaN
    where there is no realised score or no estimate.
    """
    off = score.realised - score.estimated
    below = score.estimated - score.estimated_low
    above = score.estimated_high - score.estimated
    if not math.isnan(score.realised_low):
        below = math.hypot(below, score.realised_high - score.realised)
        above = math.hypot(above, score.realised - score.realised_low)
    return off, off - above, off + below


def estimate_place(score: ScoreExpectation) -> Place:
    """Where the realised score lies in the interval of its estimate."""
    off, low, high = estimate_error(score)
    if math.isnan(off + low + high):
        return "unknown"
    if high < 0:
        return "worse"
    return "better" if low > 0 else "inside"


def is_partly_labelled(score: ScoreExpectation, n_rows: int) -> bool:
    """Whether a score was realised by some of the batch's rows."""
    return 0 < score.n_labelled < n_rows
