"""Scores of a batch of which some rows have labels.

A score that is a mean of rows is that of the whole batch: what the model of losses
expects of all rows, corrected by the labelled ones. Any other score is of the labelled
rows alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from scipy import special
from sklearn.metrics import get_scorer, make_scorer, zero_one_loss

from skdrift._core.result import ScoreExpectation
from skdrift._core.rows import take_rows
from skdrift.performance._block_scores import BatchPart
from skdrift.performance._cross_validation import (
    FOLD_ERRORS,
    Scorer,
    n_rows_of,
    score_of,
)
from skdrift.performance._estimating import ExpectedBatch
from skdrift.performance._expectation import (
    LEVEL,
    FoldScores,
    expected_score,
    has_law,
    realised_pvalue,
)
from skdrift.performance._recorded import RecordedModel, recordable
from skdrift.performance._row_scores import RowScores, from_scale, row_scores
from skdrift.stats.prediction_powered import (
    LEAST_TUNED,
    PoweredMean,
    equivalent_rows,
    powered_mean,
    powered_share,
)

_LOSS_OF = {
    repr(get_scorer("accuracy")): 0,
    repr(make_scorer(zero_one_loss, greater_is_better=False)): 0,
    repr(get_scorer("neg_log_loss")): 1,
    repr(get_scorer("neg_brier_score")): 2,
    repr(get_scorer("neg_mean_absolute_error")): 0,
    repr(get_scorer("neg_mean_squared_error")): 1,
    repr(get_scorer("neg_root_mean_squared_error")): 1,
    repr(get_scorer("neg_mean_absolute_percentage_error")): 2,
}


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SomeLabels:
    """A batch of which some rows have labels.

    Attributes
    ----------
    estimator : fitted estimator
    X : table of shape (n_rows, n_features)
    model : RecordedModel
        The estimator's answers for all rows, by their positions.
    rows : ndarray of int of shape (n_labelled,)
        Positions of the rows with a label, at least one.
    labels : array-like of shape (n_labelled,) or (n_labelled, n_outputs)
    n_rows : int
    expected : ExpectedBatch or None
        What is expected of each row without labels; None if that is not known.
    blocks : ndarray of int of shape (n_labelled,), or None
        Block of each labelled row, where labels come for blocks and not for rows drawn
        at random: they are then a batch of so many blocks.
    """

    estimator: Any
    X: Any
    model: RecordedModel
    rows: np.ndarray
    labels: Any
    n_rows: int
    expected: ExpectedBatch | None = None
    blocks: np.ndarray | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PartlyRealised:
    """One score, and what it was computed from.

    Attributes
    ----------
    score : ScoreExpectation
    promised : FoldScores
    whole : bool
        Whether it is of the whole batch, and not of the labelled rows alone.
    explained : float
        Share of the variance of a row's score that its expectation explains.
    third_left : float
        Share of the third moment that it leaves.
    """

    score: ScoreExpectation
    promised: FoldScores
    whole: bool = False
    explained: float = 0.0
    third_left: float = 1.0


def partly_realised(
    promised: Sequence[FoldScores],
    scorers: Mapping[str, Scorer],
    batch: SomeLabels,
    part: BatchPart | None = None,
) -> list[PartlyRealised]:
    """Score a batch by the labels that have come.

    Parameters
    ----------
    promised : sequence of FoldScores
    scorers : mapping of str to scorer
    batch : SomeLabels
    part : BatchPart or None
        What the batch is where rows come in blocks.
    """
    if part is not None and batch.blocks is not None:
        part = replace(part, n_blocks=len(np.unique(batch.blocks)))
    return [
        _realised(score, scorers.get(score.scorer), batch, part) for score in promised
    ]


def _realised(
    promised: FoldScores,
    scorer: Scorer | None,
    batch: SomeLabels,
    part: BatchPart | None,
) -> PartlyRealised:
    n = len(batch.rows)
    if scorer is None:
        found = expected_score(promised, n, LEVEL, part)
        return PartlyRealised(score=replace(found, n_labelled=n), promised=promised)
    value, reason, by_row = _of_labelled(scorer, batch)
    mean, explained, third = None, 0.0, 1.0
    law = promised
    if by_row is not None and _terms(by_row) is not None:
        known = recordable(scorer, batch.estimator)
        mean, explained, third = _powered(known, by_row, batch, promised)
    if by_row is None or mean is None:
        low, high = _influence_limits(by_row, value, batch)
        worth, own = float(n), part
    else:
        value, low, high = _score_of_mean(mean, by_row, batch)
        worth = float(n)
        own = part
        if batch.blocks is None:
            worth = equivalent_rows(n, batch.n_rows, explained, mean.excess)
            own = _with_missing(part, worth, batch.n_rows)
            law = _skewed(promised, worth, n, batch.n_rows, third)
    expectation = expected_score(law, worth, LEVEL, own)
    return PartlyRealised(
        score=replace(
            expectation,
            realised=value,
            realised_low=low,
            realised_high=high,
            n_labelled=n,
            pvalue=realised_pvalue(law, value, worth, own),
            reason=f"on this batch: {reason}" if reason else expectation.reason,
        ),
        promised=promised,
        whole=mean is not None and batch.blocks is None,
        explained=explained,
        third_left=third,
    )


def _skewed(
    promised: FoldScores, worth: float, n: float, n_rows: float, third_left: float
) -> FoldScores:
    """Law of a score that is worth more rows than there are labels.

    The third moment of a mean of L residuals goes with 1 / L², and not with the rows
    that the score is worth; from what is left of it for few labels to all of it where
    every row has one.
    """
    left = third_left + (1.0 - third_left) * n / n_rows
    ratio = left * (worth / n) ** 2
    return replace(promised, row_skewness=promised.row_skewness * ratio)


def _with_missing(
    part: BatchPart | None, worth: float, n_rows: int
) -> BatchPart | None:
    """A part of which labels are missing: a batch of all rows, and their variance."""
    if part is None:
        return None
    return replace(part, n_rows=n_rows, unlabelled=1.0 / worth - 1.0 / n_rows)


def _of_labelled(
    scorer: Scorer, batch: SomeLabels
) -> tuple[float, str, RowScores | None]:
    """Score of the labelled rows, why there is none, and what single rows give."""
    on_record = recordable(scorer, batch.estimator)
    if on_record is None:
        X = take_rows(batch.X, batch.rows)
        value, reason = score_of(scorer, batch.estimator, X, batch.labels, {})
        return value, _told(reason, batch.labels), None
    n = len(batch.rows)
    model = RecordedModel(batch.model, batch.rows)
    value, reason = score_of(on_record, model, np.arange(n), batch.labels, {})
    if reason:
        return value, _told(reason, batch.labels), None
    try:
        by_row = row_scores(on_record, model, batch.labels, value, n, ())
    except FOLD_ERRORS:
        by_row = None
    return value, "", by_row


def _told(reason: str, labels: Any) -> str:
    """A reason, after what is known to be behind most of them."""
    n = n_rows_of(labels)
    if not reason or n_rows_of(np.shape(labels)) > 1:
        return reason
    try:
        one = len({str(label) for label in np.asarray(labels).tolist()}) == 1
    except (TypeError, ValueError):
        return reason
    return f"the {n:,} labelled rows have one label only; {reason}" if one else reason


def _terms(rows: RowScores) -> np.ndarray | None:
    """What the score is a function of the mean of, larger = better."""
    if rows.means == "mean":
        return rows.values
    single = rows.means == "root" and rows.terms is not None
    if single and rows.terms is not None and rows.terms.shape[1] == 1:
        return np.asarray(-rows.terms[:, 0])
    return None


def _powered(
    scorer: Any, rows: RowScores, batch: SomeLabels, promised: FoldScores
) -> tuple[PoweredMean, float, float]:
    """Mean of the whole batch, and the shares that predictions explain and leave."""
    values = _terms(rows)
    assert values is not None
    known = 0.0
    if has_law(promised):
        # That of a root is of its influence, which is the square's over twice itself.
        slope = 2.0 * promised.value if rows.means == "root" else 1.0
        known = promised.row_variance * slope**2
    predicted, explained, third = _predicted(scorer, rows, batch)
    mean = powered_mean(
        values,
        predicted[batch.rows],
        float(predicted.mean()),
        batch.n_rows,
        LEVEL,
        least_variance=(1.0 - explained) * known,
    )
    impossible = not np.isfinite(rows.right_score) and mean.value > 0
    if not mean.weight or impossible:
        nothing = np.zeros(len(values))
        alone = powered_mean(
            values, nothing, 0.0, batch.n_rows, LEVEL, least_variance=known
        )
        return alone, 0.0, 1.0
    return mean, explained, third


def _predicted(
    scorer: Any, rows: RowScores, batch: SomeLabels
) -> tuple[np.ndarray, float, float]:
    """Expected score of each row; zeros where it is unknown or would not help.

    The error of the weight costs about as much as a share of 1 / L explains.
    """
    nothing = np.zeros(batch.n_rows), 0.0, 1.0
    index = _LOSS_OF.get(repr(scorer))
    n = len(batch.rows)
    if batch.expected is None or index is None or batch.blocks is not None:
        return nothing
    models = batch.expected.models
    if index >= len(models.explained):
        return nothing
    explained = float(models.explained[index])
    if n < LEAST_TUNED or explained * (n - 1.0) <= 1.0:
        return nothing
    losses = batch.expected.losses(index)
    if losses is None or not np.isfinite(losses).all():
        return nothing
    best = rows.right_score if np.isfinite(rows.right_score) else 0.0
    return best - losses, explained, float(models.third_left[index])


def _score_of_mean(
    mean: PoweredMean, rows: RowScores, batch: SomeLabels
) -> tuple[float, float, float]:
    """Score and its interval."""
    value, low, high = mean.value, mean.low, mean.high
    if batch.blocks is not None:
        values = _terms(rows)
        assert values is not None
        low, high = _limits_by_blocks(values, batch.blocks)
    if np.isfinite(rows.right_score):
        wrong = rows.right_score - 1.0
        if batch.blocks is None:
            share = replace(mean, value=mean.value - wrong)
            low, high = (wrong + end for end in powered_share(share, LEVEL))
        ends = np.clip([value, low, high], wrong, rows.right_score)
    else:
        ends = np.minimum([value, low, high], 0.0)
    if rows.means == "root":
        ends = -np.sqrt(-ends)
    return float(ends[0]), float(ends[1]), float(ends[2])


def _limits_by_blocks(values: np.ndarray, blocks: np.ndarray) -> tuple[float, float]:
    """Limits of a mean whose rows come in blocks, Student's with one less of these."""
    _, codes = np.unique(blocks, return_inverse=True)
    sums = np.bincount(codes, values - values.mean())
    n = len(sums)
    if n < 2:
        return float("nan"), float("nan")
    error = np.sqrt((sums**2).sum() * n / (n - 1.0)) / len(values)
    width = float(special.stdtrit(n - 1.0, 0.5 + LEVEL / 2) * error)
    return float(values.mean()) - width, float(values.mean()) + width


def _influence_limits(
    rows: RowScores | None, value: float, batch: SomeLabels
) -> tuple[float, float]:
    """Interval for the score of all rows, by the influence of each labelled one."""
    n = len(batch.rows)
    if rows is None or n < 3 or not np.isfinite(value):
        return float("nan"), float("nan")
    center = float(rows.values.mean())
    if batch.blocks is not None:
        ends = np.array(_limits_by_blocks(rows.values, batch.blocks))
    else:
        missing = 1.0 / n - 1.0 / batch.n_rows
        error = np.sqrt(rows.values.var(ddof=1) * missing)
        ends = center + np.array([-1.0, 1.0]) * error * special.stdtrit(
            n - 1.0, 0.5 + LEVEL / 2
        )
    low, high = from_scale(ends, rows.scale)
    return float(low), float(high)


# --- how many more ------------------------------------------------------------


def with_labels_needed(
    found: Sequence[PartlyRealised],
    batch: SomeLabels,
    part: BatchPart | None,
    *,
    level: float,
    power: float,
) -> list[ScoreExpectation]:
    """Scores, with what so many labels show, and how many it would take.

    Parameters
    ----------
    found : sequence of PartlyRealised
    batch : SomeLabels
    part : BatchPart or None
    level : float
        Of all scores together; each has an equal share.
    power : float
    """
    tested = [own for own in found if own.score.pvalue == own.score.pvalue]
    if not tested:
        return [own.score for own in found]
    own_level = level / len(tested)
    return [_with_needed(own, batch, part, own_level, power) for own in found]


def _with_needed(
    found: PartlyRealised,
    batch: SomeLabels,
    part: BatchPart | None,
    level: float,
    power: float,
) -> ScoreExpectation:
    score, n, total = found.score, len(batch.rows), batch.n_rows
    certain = not score.pvalue > level
    if certain or not has_law(found.promised) or batch.blocks is not None:
        return score
    sizes: dict[int, float] = {}

    def shown(n_labelled: int) -> float:
        if n_labelled not in sizes:
            sizes[n_labelled] = detectable_drop(
                found, n_labelled, total, part, level=level, power=power
            )
        return sizes[n_labelled]

    drop = score.value - score.realised
    needed = float("nan")
    if drop > 0 and shown(total) > drop:
        needed = float("inf")
    elif drop > 0:
        low, high = n, total
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (low, middle) if shown(middle) <= drop else (middle, high)
        needed = float(high)
    return replace(score, detectable_drop=shown(n), labels_needed=needed)


def detectable_drop(
    found: PartlyRealised,
    n_labelled: int,
    n_rows: int,
    part: BatchPart | None,
    *,
    level: float,
    power: float,
) -> float:
    """Smallest drop of a score that so many labels of a batch would show.

    From the promised score to the largest one that is an alarm, and from there as far
    as the chance of a batch reaches with that power. Infinite if no score is an alarm.
    """
    promised = found.promised
    worth, own = float(n_labelled), part
    if found.whole:
        worth = equivalent_rows(n_labelled, n_rows, found.explained)
        own = _with_missing(part, worth, n_rows)
        promised = _skewed(promised, worth, n_labelled, n_rows, found.third_left)
    limit = expected_score(promised, worth, 1.0 - 2.0 * level, own).low
    near = expected_score(promised, worth, abs(2.0 * power - 1.0), own).low
    to_alarm, chance = promised.value - limit, promised.value - near
    if not np.isfinite(promised.right_score):
        return to_alarm + chance
    right = promised.value - promised.right_score + 1.0
    if limit <= promised.right_score - 1.0 or to_alarm >= right:
        return float("inf")
    drop = to_alarm + chance
    for _ in range(5):
        # Shares vary more in the middle than where training had them.
        ratio = _spread(right - drop) / max(_spread(right), 1e-9)
        drop = to_alarm + chance * float(np.sqrt(ratio))
    return drop


def _spread(share: float) -> float:
    share = float(np.clip(share, 0.0, 1.0))
    return share * (1.0 - share)
