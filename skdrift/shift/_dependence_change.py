"""Whether the columns of a batch depend on each other as those of training do."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

import numpy as np

from skdrift._core.frame import Table
from skdrift._core.result import Finding
from skdrift._core.rows import one_of_neighbours
from skdrift.profile import Profile
from skdrift.profile._scores import Slot, rows_for_pairs, score_rows
from skdrift.shift._block_dependence import (
    BlockDependence,
    PairPart,
    RankedBatch,
    compare_part,
)
from skdrift.shift._blocks import BatchBlocks
from skdrift.shift._compare import ShiftResult
from skdrift.shift._dependence import (
    MOST_ROWS,
    Dependence,
    both_kinds,
    known_slots,
    thinned,
    wave_sums,
)
from skdrift.shift._together import TOGETHER_CODE
from skdrift.stats import (
    CorrelationChange,
    Correlations,
    PairSums,
    correlation_change,
    feature_mean_change,
    sum_of_changes,
    weighted_holm,
)

DEPENDENCE_SHARE = 0.1
SHARE_OF_BLOCKS = 0.2
LEAST_SHARE_OF_BLOCKS = 0.02
LEAST_ROWS = 100
LEAST_ROWS_IN_BLOCKS = 50
LEAST_ROWS_TOGETHER = 200
PAIR_SHARE = 0.7
NEAR_WEIGHT = 3.0
MOST_NAMED = 10
UNKNOWN_BLOCKS = (
    "dependence between columns is not compared: groups differ in size, and the batch "
    "is several; pass groups to check"
)
NEAR, FAR = "correlation", "correlation of the distances from the median"


@dataclass(frozen=True, slots=True, eq=False)
class PairTest:
    """Tests of all pairs of one kind of score.

    Attributes
    ----------
    kind : str
        ``"correlation"``, or that of the distances from the median.
    slots : tuple of Slot
    pairs : ndarray of int of shape (2, n_pairs)
        Slots of each pair.
    used : ndarray of bool of shape (n_pairs,)
        Whether there are rows enough to judge it.
    before : ndarray of float of shape (n_pairs,)
        Correlation in training.
    change : CorrelationChange
    together : float
        P-value of the sum over the pairs.
    distance : ndarray of float of shape (n_pairs,), or None
        From parts of training, where rows come in blocks.
    """

    kind: str
    slots: tuple[Slot, ...]
    pairs: np.ndarray
    used: np.ndarray
    before: np.ndarray
    change: CorrelationChange
    together: float
    distance: np.ndarray | None = None


def dependence_share(
    dependence: Dependence | None,
    n_rows: int,
    *,
    alpha: float,
    blocks: BatchBlocks | None,
) -> float:
    """Part of alpha for the dependence between columns; 0 where it is not compared.

    Parameters
    ----------
    dependence : Dependence or None
    n_rows : int
        Rows of the batch.
    alpha : float
        Probability of any alarm of the batch if nothing changed.
    blocks : BatchBlocks or None
        Where rows come in blocks. The columns then keep as much as they need to
        alarm by rank alone, if there are blocks enough for that.
    """
    if dependence is None:
        return 0.0
    least = LEAST_ROWS if dependence.blocks is None else LEAST_ROWS_IN_BLOCKS
    if min(n_rows, dependence.features.n) < least:
        return 0.0
    if blocks is None or dependence.blocks is None:
        return DEPENDENCE_SHARE
    if not _knows_blocks(dependence, blocks):
        return 0.0
    n_like = dependence.blocks.n_like(blocks.assumed())
    left = 1.0 - 1.0 / (alpha * (n_like + 1))
    if left < 0.0:
        return SHARE_OF_BLOCKS
    return min(SHARE_OF_BLOCKS, max(left, LEAST_SHARE_OF_BLOCKS))


def _knows_blocks(dependence: Dependence, blocks: BatchBlocks | None) -> bool:
    """Whether the blocks of a batch can be told, where they count."""
    if blocks is None or dependence.blocks is None or dependence.blocks.even:
        return True
    return blocks.told or blocks.assumed() == 1


def compare_dependence(
    dependence: Dependence,
    reference: Profile,
    table: Table,
    *,
    alpha: float,
    share: float,
    min_effect: float,
    moved: Collection[str],
    together: bool = False,
    slots: Sequence[Slot] | None = None,
    blocks: BatchBlocks | None = None,
) -> tuple[Finding, ...]:
    """Compare the dependence between the columns of a batch with training's.

    Parameters
    ----------
    dependence : Dependence
    reference : Profile
        That it was learned with.
    table : Table
        The batch.
    alpha : float
        Probability of any alarm of the batch if nothing changed.
    share : float
        Part of `alpha` that is spent here.
    min_effect : float
        Tolerated change of a correlation.
    moved : collection of str
        Columns that alarm by themselves: their pairs are not named, since scores on
        training's cells change with the column.
    together : bool, default=False
        Whether the columns alarm together: they are then distributed otherwise.
    slots : sequence of Slot or None
        Of training, where they are known already.
    blocks : BatchBlocks or None
        Where rows come in blocks: the batch is then ranked among parts of training.

    Returns
    -------
    tuple of Finding
    """
    if slots is None:
        slots = known_slots(dependence, reference)
    if slots is None:
        return ()
    part = None
    if dependence.blocks is None or blocks is None:
        near, far = score_rows(thinned(table, len(slots)), reference, slots)
    else:
        part = _batch_part(
            dependence, dependence.blocks, reference, table, slots, blocks
        )
        near, far = part.near, part.far
    of_blocks = (None, None) if part is None else part.pairs
    with_near, with_far = both_kinds(slots)
    tests = (
        _test(NEAR, with_near, dependence.near, near, min_effect, of_blocks[0]),
        _test(FAR, with_far, dependence.far, far, min_effect, of_blocks[1]),
    )
    joint = float("nan")
    enough = min(len(near), dependence.features.n) >= LEAST_ROWS_TOGETHER
    if enough and not np.isnan(near).all(axis=0).any():
        waves = wave_sums(near, dependence.frequencies)
        joint = feature_mean_change(dependence.features, waves, tolerance=min_effect)[1]
    adjusted = _adjusted(tests, joint, alpha * share) / share
    if part is not None:
        adjusted = np.maximum(adjusted, _ranks(tests, part) / share)
    ends = np.cumsum([test.used.sum() for test in tests])
    found = [
        (float(p), test, int(place))
        for test, pvalues in zip(tests, np.split(adjusted[:-3], ends[:-1]), strict=True)
        for p, place in zip(pvalues, np.flatnonzero(test.used), strict=True)
        if p <= alpha
    ]
    counted = _rank_text(part, alpha * share)
    named = _pair_findings(found, reference, moved, counted)
    if named or moved or together:
        return named
    return _joint_finding(adjusted[-3:], alpha, counted)


def _batch_part(
    dependence: Dependence,
    learned: BlockDependence,
    reference: Profile,
    table: Table,
    slots: Sequence[Slot],
    blocks: BatchBlocks,
) -> RankedBatch:
    """The batch compared with parts of training of as many blocks."""
    labels = blocks.labels_of(table.n_rows)
    # As many rows of a block as were learned from: fewer rows differ more.
    rows = max(
        (int(labels.max(initial=0)) + 1) * learned.block_rows, LEAST_ROWS_IN_BLOCKS
    )
    step = max(1, int(table.n_rows / min(rows, MOST_ROWS)))
    if step > 1:
        labels = np.unique(
            labels[one_of_neighbours(table.n_rows, step)], return_inverse=True
        )[1]
        table = table.one_of(step)
    return compare_part(
        learned,
        score_rows(table, reference, slots),
        slots=both_kinds(slots),
        found=(dependence.near, dependence.far),
        frequencies=dependence.frequencies,
        labels=labels,
    )


def _ranks(tests: Sequence[PairTest], part: RankedBatch) -> np.ndarray:
    """P-values by blocks, in the order of `_adjusted`; the sums have one in common."""
    pairs = [
        part.pair.pvalue(float(distance))
        for test in tests
        if test.distance is not None
        for distance in test.distance[test.used]
    ]
    together, waves = (
        ranked.pvalue(ranked.own) for ranked in (part.together, part.waves)
    )
    return np.array([*pairs, together, together, waves])


def _test(
    kind: str,
    slots: tuple[Slot, ...],
    before: Correlations,
    scores: np.ndarray,
    min_effect: float,
    part: PairPart | None = None,
) -> PairTest:
    now = PairSums.of(scores).correlations()
    distance = None
    if part is not None:
        # Within parts, and not over all of training, from block to block.
        before, now = _within(before, part, part.before), _within(now, part, part.now)
        distance = np.full(before.value.shape, np.nan)
        distance[part.places] = part.distance
    change = correlation_change(before, now, tolerance=min_effect)
    pairs = np.array(np.triu_indices(len(slots), 1))
    rows = np.minimum(before.n, now.n)
    least = LEAST_ROWS if part is None else LEAST_ROWS_IN_BLOCKS
    used = np.isfinite(change.pvalue) & (rows >= least)
    used &= rows >= rows_for_pairs(slots, int(kind == FAR))
    if distance is not None:
        used &= np.isfinite(distance)
        change = _widened(change, distance)
    together = float("nan")
    if len(scores) >= LEAST_ROWS_TOGETHER:
        together = sum_of_changes(change, scores, now, used)
    return PairTest(kind, slots, pairs, used, before.value, change, together, distance)


def _widened(change: CorrelationChange, distance: np.ndarray) -> CorrelationChange:
    """Intervals of the width that parts of training have, if these differ more."""
    known = (distance > 0) & np.isfinite(change.statistic)
    ratio = np.abs(change.statistic) / np.where(known, distance, 1.0)
    wider = np.where(known, np.maximum(ratio, 1.0), 1.0)
    low = change.difference - wider * (change.difference - change.low)
    high = change.difference + wider * (change.high - change.difference)
    return replace(change, low=np.maximum(low, -2.0), high=np.minimum(high, 2.0))


def _within(found: Correlations, part: PairPart, values: np.ndarray) -> Correlations:
    inside = np.full(found.value.shape, np.nan)
    inside[part.places] = values
    return replace(found, value=inside)


def _adjusted(tests: Sequence[PairTest], joint: float, alpha: float) -> np.ndarray:
    """Adjusted p-values of the pairs of both tests, then of the three global tests."""
    near, far = (int(test.used.sum()) for test in tests)
    pvalues = [p for test in tests for p in test.change.pvalue[test.used]]
    pvalues += [test.together for test in tests] + [joint]
    weights = np.array([NEAR_WEIGHT] * near + [1.0] * far)
    weights *= PAIR_SHARE / max(weights.sum(), 1.0)
    rest = (1 - PAIR_SHARE) / 4
    return weighted_holm(
        np.array(pvalues), np.append(weights, [rest, rest, 2 * rest]), alpha=alpha
    )


def _pair_findings(
    found: Sequence[tuple[float, PairTest, int]],
    reference: Profile,
    moved: Collection[str],
    counted: str,
) -> tuple[Finding, ...]:
    """One finding for each pair of columns, the most certain ones."""
    labels = reference.grid.labels
    strongest: dict[frozenset[int], tuple[float, float, PairTest, int]] = {}
    for pvalue, test, place in found:
        features = [test.slots[slot].feature for slot in test.pairs[:, place]]
        if any(labels[feature] in moved for feature in features):
            continue
        size = -abs(float(test.change.statistic[place]))
        candidate = (pvalue, size, test, place)
        known = strongest.get(frozenset(features))
        if known is None or candidate[:2] < known[:2]:
            strongest[frozenset(features)] = candidate
    ordered = sorted(strongest.values(), key=lambda candidate: candidate[:2])
    often = Counter(feature for pair in strongest for feature in pair)
    more = len(ordered) - MOST_NAMED
    return tuple(
        _pair_finding(
            pvalue, test, place, labels, often, more if not rank else 0, counted
        )
        for rank, (pvalue, _, test, place) in enumerate(ordered[:MOST_NAMED])
    )


def _pair_finding(
    pvalue: float,
    test: PairTest,
    place: int,
    labels: Sequence[str],
    often: Counter[int],
    more: int,
    counted: str,
) -> Finding:
    pair = [test.slots[slot] for slot in test.pairs[:, place]]
    features = sorted((slot.feature for slot in pair), key=lambda f: -often[f])
    before = float(test.before[place])
    difference = float(test.change.difference[place])
    direction = f"{test.kind} {before:.2f} → {before + difference:.2f}"
    message = f"{pair[0].label}–{pair[1].label}: {direction}{counted}"
    if more > 0:
        message += f"; {more} more pairs changed"
    return Finding(
        code="DA104",
        severity="alarm",
        features=tuple(labels[feature] for feature in features),
        effect_size=difference,
        effect_name="change of correlation",
        low=float(test.change.low[place]),
        high=float(test.change.high[place]),
        pvalue=pvalue,
        direction=direction,
        message=message,
        advice="look at how these columns are joined and computed, and at who is new",
    )


def _rank_text(part: RankedBatch | None, level: float) -> str:
    """What blocks have to do with it; and whether rank decides, or a tail beyond."""
    if part is None:
        return ""
    n = part.n_like
    text = f"; counted by blocks, among {n:,} parts of training that are like the batch"
    if level * part.pair.weight * (n + 1) >= 1:
        return text
    return f"{text}: p ≥ 1/{n + 1:,} by rank, smaller by a Pareto tail beyond"


def _joint_finding(
    adjusted: np.ndarray, alpha: float, counted: str
) -> tuple[Finding, ...]:
    pvalue = float(np.nanmin(np.append(adjusted, 1.0)))
    if pvalue > alpha:
        return ()
    nan = float("nan")
    return (
        Finding(
            code="DA105",
            severity="alarm",
            features=(),
            effect_size=nan,
            effect_name="",
            low=nan,
            high=nan,
            pvalue=pvalue,
            direction="different together",
            message=(
                "the columns together are distributed otherwise, though no column and "
                f"no pair of columns can be named{counted}"
            ),
            advice="look at combinations of columns, and at whom the batch is from",
        ),
    )


def with_dependence(
    shift: ShiftResult,
    dependence: Dependence | None,
    reference: Profile,
    table: Table,
    *,
    alpha: float,
    share: float,
    min_effect: float,
    slots: Sequence[Slot] | None = None,
    blocks: BatchBlocks | None = None,
) -> ShiftResult:
    """What was found column by column, and between the columns."""
    if dependence is not None and not _knows_blocks(dependence, blocks):
        return replace(shift, notes=(*shift.notes, UNKNOWN_BLOCKS))
    if dependence is None or not share:
        return shift
    alone = [f for f in shift.findings if f.code != TOGETHER_CODE]
    moved = {name for finding in alone for name in finding.features}
    found = compare_dependence(
        dependence,
        reference,
        table,
        alpha=alpha,
        share=share,
        min_effect=min_effect,
        moved=moved,
        slots=slots,
        together=len(alone) < len(shift.findings),
        blocks=blocks,
    )
    if not found:
        return shift
    return replace(shift, findings=(*shift.findings, *found), outcome="drift")
