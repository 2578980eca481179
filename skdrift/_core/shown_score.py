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
    """

    name: str
    value: float
    low: float
    high: float
    realised: float
    place: Place


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
        )
    return ShownScore(
        name=score.scorer.removeprefix("neg_"),
        value=-score.value,
        low=-score.high,
        high=-score.low,
        realised=-score.realised,
        place=_place(score),
    )


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
