"""The decision: every column's tests, one family, three outcomes."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from operator import attrgetter

import numpy as np

from skdrift._core.result import FeatureRow, Finding, Outcome
from skdrift.profile._cells import LevelCells
from skdrift.profile._count import Novelty
from skdrift.profile._profile import Profile
from skdrift.shift._blocks import BatchBlocks, BlockLevel, Rank, block_level
from skdrift.shift._distribution import Comparison, compare_distributions
from skdrift.shift._events import Event, events_of
from skdrift.stats import detectable_effect, rows_needed, weighted_holm
from skdrift.stats.counts import FloatArray

DISTRIBUTION_SHARE = 0.8


@dataclass(frozen=True, slots=True, kw_only=True)
class ShiftResult:
    """What comparing a batch with training gave.

    Attributes
    ----------
    rows : tuple of FeatureRow
        One for each column.
    findings : tuple of Finding
        Alarms.
    outcome : {"drift", "stable", "undecided", "not tested"}
    n_rows : int
        Rows compared.
    n_compared : int
        Columns compared.
    notes : tuple of str
        What was not compared, and why.
    level : BlockLevel or None
        Where the level counts blocks, not rows.
    """

    rows: tuple[FeatureRow, ...]
    findings: tuple[Finding, ...]
    outcome: Outcome
    n_rows: int
    n_compared: int
    notes: tuple[str, ...]
    level: BlockLevel | None = None


@dataclass(frozen=True, slots=True)
class Tested:
    """Tests of a batch with their adjusted p-values."""

    compared: dict[int, list[tuple[int, Comparison]]]
    pvalues: dict[int, float]
    adjusted: dict[int, float]
    events: list[tuple[Event, float]]
    level: BlockLevel | None = None


def compare_profiles(
    reference: Profile,
    current: Profile,
    novelty: Sequence[Novelty],
    *,
    alpha: float,
    share: float,
    min_effect: float,
    stable_bound: float,
    least_rows: int,
    blocks: BatchBlocks | None = None,
    tolerance: FloatArray | None = None,
) -> ShiftResult:
    """Compare a batch with training, column by column.

    Parameters
    ----------
    reference, current : Profile
        On one grid.
    novelty : sequence of Novelty
        Of each column of the batch, values that the grid does not track.
    alpha : float
        Probability of any alarm if nothing moved.
    share : float
        Part of `alpha` that is spent here.
    min_effect : float
        Tolerated difference, in probability mass.
    stable_bound : float
        What "stable" rules out.
    least_rows : int
        Batches with fewer rows are not compared.
    blocks : BatchBlocks or None
        Where rows of training come in blocks.
    tolerance : ndarray of float of shape (n_features,) or None
        Tolerated difference of each column, where columns move with time; None:
        `min_effect` of all.
    """
    if current.n_rows < least_rows:
        return nothing_compared(reference, current, least_rows)
    if tolerance is None:
        tolerance = np.full(reference.grid.n_features, min_effect)
    tested = _test(
        reference,
        current,
        novelty,
        alpha=alpha * share,
        min_effect=min_effect,
        tolerance=tolerance,
    )
    if blocks is not None:
        level = block_level(reference, current, novelty, blocks)
        tested = by_blocks(tested, level)
    scaled = rescaled(tested, share)
    rows = tuple(
        feature_row(
            reference,
            current,
            position,
            scaled,
            alpha,
            stable_bound,
            float(tolerance[position]),
        )
        for position in range(reference.grid.n_features)
    )
    moving = {
        position: float(tolerance[position])
        for position in np.flatnonzero(tolerance > min_effect).tolist()
    }
    findings = (
        *_shift_findings(reference, scaled, alpha, moving),
        *_event_findings(reference, current, scaled, alpha, moving),
    )
    return ShiftResult(
        rows=rows,
        findings=findings,
        outcome=_outcome(rows, findings),
        n_rows=current.n_rows,
        n_compared=len(scaled.pvalues),
        notes=_notes(reference),
        level=tested.level,
    )


@lru_cache(maxsize=256)
def resolution(
    n_reference: int,
    n_rows: int,
    n_compared: int,
    *,
    alpha: float,
    min_effect: float,
    stable_bound: float,
) -> tuple[float, float]:
    """What so many rows can show.

    Returns
    -------
    detectable_effect : float
        Kolmogorov–Smirnov distance that would be found in four of five batches.
    rows_needed : float
        Rows of a batch in which `stable_bound` would be.
    """
    if not n_compared:
        return float("nan"), float("nan")
    level = alpha * DISTRIBUTION_SHARE
    detectable = detectable_effect(
        n_reference, n_rows, alpha=level, n_hypotheses=n_compared, tolerance=min_effect
    )
    needed = rows_needed(
        max(stable_bound, min_effect),
        n_reference,
        alpha=level,
        n_hypotheses=n_compared,
        tolerance=min_effect,
    )
    return float(detectable), float(needed)


def nothing_compared(
    reference: Profile, current: Profile | None = None, least_rows: int = 0
) -> ShiftResult:
    """Result for a batch with too few rows, or none that can be read."""
    if current is None:
        current, reason = Profile.empty(reference.grid), "the batch cannot be read"
        note = "nothing was compared: the batch cannot be read"
    else:
        reason = f"{current.n_rows} rows; {least_rows} are needed"
        note = f"not compared: {reason}"
        if not current.n_rows:
            note = "the batch has no rows"
    n_rows = current.n_rows
    rows = tuple(
        measured_row(reference, current, position, None, "not tested", reason)
        for position in range(reference.grid.n_features)
    )
    return ShiftResult(
        rows=rows,
        findings=(),
        outcome="undecided" if n_rows else "not tested",
        n_rows=n_rows,
        n_compared=0,
        notes=(note, *_notes(reference)),
    )


def _test(
    reference: Profile,
    current: Profile,
    novelty: Sequence[Novelty],
    *,
    alpha: float,
    min_effect: float,
    tolerance: FloatArray,
) -> Tested:
    found = compare_distributions(reference, current, novelty, tolerance=tolerance)
    compared = by_column(reference, found)
    pvalues = {
        position: joint_pvalue([c.pvalue for _, c in parts])
        for position, parts in compared.items()
    }
    events = events_of(reference, current, min_effect=min_effect, tolerance=tolerance)
    adjusted = _adjust(list(pvalues.values()), events, alpha)
    return Tested(
        compared,
        pvalues,
        dict(zip(pvalues, adjusted, strict=False)),
        list(zip(events, adjusted[len(pvalues) :], strict=True)),
    )


def by_blocks(tested: Tested, level: BlockLevel) -> Tested:
    """P-values and intervals that count blocks; no p-value is below that of rows."""
    adjusted, pvalues, compared = {}, {}, {}
    for position, parts in tested.compared.items():
        rank = level.columns[position]
        adjusted[position] = max(tested.adjusted[position], rank.pvalue)
        own = max(tested.pvalues[position], rank.own)
        pvalues[position] = min(own, adjusted[position])
        compared[position] = [(place, _widened(part, rank)) for place, part in parts]
    events = [
        (_widened_event(event, rank), max(pvalue, rank.pvalue))
        for event, pvalue in tested.events
        for rank in [level.events[event.code, event.position]]
    ]
    return Tested(compared, pvalues, adjusted, events, level)


def _widened(part: Comparison, rank: Rank) -> Comparison:
    wider = rank.inflation**0.5
    return replace(
        part,
        low=max(0.0, part.effect - wider * (part.effect - part.low)),
        high=min(1.0, part.effect + wider * (part.high - part.effect)),
    )


def _widened_event(event: Event, rank: Rank) -> Event:
    wider = rank.inflation**0.5
    return replace(
        event,
        low=max(-1.0, event.difference - wider * (event.difference - event.low)),
        high=min(1.0, event.difference + wider * (event.high - event.difference)),
    )


def by_column(
    reference: Profile, found: Mapping[int, Comparison]
) -> dict[int, list[tuple[int, Comparison]]]:
    """Comparisons by the position of their column, from those by place in the grid."""
    compared: dict[int, list[tuple[int, Comparison]]] = {}
    for place in sorted(found):
        position = reference.grid.cells[place].feature
        compared.setdefault(position, []).append((place, found[place]))
    return compared


def joint_pvalue(pvalues: list[float]) -> float:
    return min(1.0, min(pvalues) * len(pvalues))


def _adjust(pvalues: list[float], events: list[Event], alpha: float) -> list[float]:
    n, k = len(pvalues), len(events)
    if not n + k:
        return []
    weights = [DISTRIBUTION_SHARE / max(n, 1)] * n
    weights += [(1 - DISTRIBUTION_SHARE) / max(k, 1)] * k
    smallest = [0.0] * n + [event.smallest for event in events]
    adjusted = weighted_holm(
        np.array(pvalues + [event.pvalue for event in events]),
        np.array(weights),
        smallest=np.array(smallest),
        alpha=alpha,
    )
    return [float(value) for value in adjusted]


def rescaled(tested: Tested, share: float) -> Tested:
    """Adjusted p-values against the whole alpha, of which only a share was spent."""

    def scale(pvalue: float) -> float:
        return min(1.0, pvalue / share)

    return Tested(
        tested.compared,
        tested.pvalues,
        {position: scale(p) for position, p in tested.adjusted.items()},
        [(event, scale(p)) for event, p in tested.events],
        tested.level,
    )


def feature_row(
    reference: Profile,
    current: Profile,
    position: int,
    tested: Tested,
    alpha: float,
    stable_bound: float,
    tolerance: float,
) -> FeatureRow:
    parts = tested.compared.get(position)
    if not parts:
        reason = reference.grid.untested[position] or "no value in the batch"
        if not current.families[position]:
            reason = "the column is missing"
        elif not current.n_read[position]:
            reason = f"the column is of another type ({current.families[position]})"
        return measured_row(reference, current, position, None, "not tested", reason)
    shown = strongest(parts)
    adjusted = tested.adjusted[position]
    outcome: Outcome = "undecided"
    reason = ""
    if adjusted <= alpha:
        outcome = "drift"
    elif shown.high <= stable_bound:
        outcome = "stable"
    else:
        reason = f"a shift of up to {shown.high:.2g} cannot be ruled out"
    return measured_row(
        reference,
        current,
        position,
        shown,
        outcome,
        reason,
        pvalue=tested.pvalues[position],
        adjusted=adjusted,
        tolerance=tolerance,
    )


def strongest(parts: Sequence[tuple[int, Comparison]]) -> Comparison:
    """Comparison with the smallest p-value, of those of one column."""
    return min((compared for _, compared in parts), key=lambda c: c.pvalue)


def measured_row(
    reference: Profile,
    current: Profile,
    position: int,
    shown: Comparison | None,
    outcome: Outcome,
    reason: str,
    *,
    pvalue: float = float("nan"),
    adjusted: float = float("nan"),
    tolerance: float = float("nan"),
) -> FeatureRow:
    nan = float("nan")
    psi, jensen, hellinger, variation, moved = shown.distances if shown else [nan] * 5
    unseen, below, above = _outside(current, position)
    infinite = (
        current.n_negative_infinite[position] + current.n_positive_infinite[position]
    )
    return FeatureRow(
        feature=reference.grid.labels[position],
        kind=reference.grid.kinds[position],
        outcome=outcome,
        effect_size=shown.effect if shown else nan,
        effect_name=shown.effect_name if shown else "",
        low=shown.low if shown else nan,
        high=shown.high if shown else nan,
        pvalue=pvalue,
        pvalue_adjusted=adjusted,
        direction=shown.direction if shown else "",
        psi=psi,
        jensen_shannon=jensen,
        hellinger=hellinger,
        total_variation=variation,
        wasserstein=moved,
        missing_reference=_share(reference, position),
        missing_current=_share(current, position),
        n_unseen=unseen,
        n_below=below,
        n_above=above,
        n_infinite=int(infinite),
        reason=reason,
        tolerance=tolerance,
    )


def _share(profile: Profile, position: int) -> float:
    n = int(profile.n_read[position])
    return int(profile.n_missing[position]) / n if n else float("nan")


def _outside(current: Profile, position: int) -> tuple[int, int, int]:
    all_cells = current.grid.cells
    place = bisect_left(all_cells, position, key=attrgetter("feature"))
    if place == len(all_cells):
        return 0, 0, 0
    cells, counts = all_cells[place], current.counts[place]
    if cells.feature != position or cells.aspect != "value":
        return 0, 0, 0
    if isinstance(cells, LevelCells):
        return int(counts[-1]), 0, 0
    return 0, int(counts[0]), int(counts[-1])


def _shift_findings(
    reference: Profile, tested: Tested, alpha: float, moving: Mapping[int, float]
) -> list[Finding]:
    code = {"categorical": "DA102", "boolean": "DA102", "text": "DA103"}
    return [
        shift_finding(
            reference,
            tested,
            position,
            alpha,
            code=code.get(reference.grid.kinds[position], "DA101"),
            tolerated=_tolerance_text(moving.get(position)),
            advice="look at what feeds this column, and at whom the batch is from",
        )
        for position in alarmed(tested, alpha)
    ]


def alarmed(tested: Tested, alpha: float) -> list[int]:
    """Positions of the columns whose adjusted p-value is at most `alpha`."""
    return [p for p in tested.compared if tested.adjusted[p] <= alpha]


def shift_finding(
    reference: Profile,
    tested: Tested,
    position: int,
    alpha: float,
    *,
    code: str,
    tolerated: str,
    advice: str,
) -> Finding:
    """Alarm of one column: how far it moved, and among what that is far."""
    shown, level = strongest(tested.compared[position]), tested.level
    rank = level.columns[position] if level else None
    return Finding(
        code=code,
        severity="alarm",
        features=(reference.grid.labels[position],),
        effect_size=shown.effect,
        effect_name=shown.effect_name,
        low=shown.low,
        high=shown.high,
        pvalue=tested.adjusted[position],
        direction=shown.direction or _SIGNS[shown.sign],
        message=_distance_text(shown) + tolerated + _rank_text(level, rank, alpha),
        advice=advice,
    )


def _distance_text(shown: Comparison) -> str:
    psi, jensen, _, _, moved = shown.distances
    text = f"PSI {psi:.2g}, Jensen–Shannon distance {jensen:.2g}"
    if moved == moved:
        text += f", Wasserstein-1 distance {moved:.2g} standard deviations"
    return text


def _tolerance_text(tolerance: float | None) -> str:
    if tolerance is None:
        return ""
    return f"; the column moves with time, and {tolerance:.2g} is tolerated"


def _rank_text(level: BlockLevel | None, rank: Rank | None, alpha: float) -> str:
    if level is None or rank is None:
        return ""
    what = f"all {level.n_like:,} parts of training that are like the batch"
    if not rank.beyond:
        return "; among blocks of training as few are so far off as the p-value says"
    text = f"; further off than {what}"
    if alpha * (level.n_like + 1) >= 1:
        return text
    return (
        f"{text}: p ≥ 1/{level.n_like + 1:,} by rank, smaller by a Pareto tail beyond"
    )


_MOVED = ("DA402", "DA403")
_SIGNS = {1: "higher", -1: "lower", 0: "different"}

_EVENTS = {
    "DA401": ("missing", "look at the join or the sensor that fills this column"),
    "DA402": ("in unseen categories", "map them to known ones, or train with them"),
    "DA403": (
        "outside the range of training",
        "look at units and sensors; the model extrapolates there",
    ),
    "DA404": ("infinite", "look at divisions and logarithms before the model"),
}


def _event_findings(
    reference: Profile,
    current: Profile,
    tested: Tested,
    alpha: float,
    moving: Mapping[int, float],
) -> list[Finding]:
    return [
        _event_finding(reference, current, event, adjusted, tested.level, alpha, moving)
        for event, adjusted in tested.events
        if adjusted <= alpha
    ]


def _event_finding(
    reference: Profile,
    current: Profile,
    event: Event,
    adjusted: float,
    level: BlockLevel | None,
    alpha: float,
    moving: Mapping[int, float],
) -> Finding:
    what, advice = _EVENTS[event.code]
    n = int(current.n_read[event.position])
    now = event.counts[1]
    direction = f"{'more' if event.sign > 0 else 'fewer'} {what}"
    if event.code == "DA403":
        direction = "above the range" if event.sign > 0 else "below the range"
    rank = level.events[event.code, event.position] if level else None
    all_missing = event.code == "DA401" and now == n
    return Finding(
        code="DA405" if all_missing else event.code,
        severity="alarm",
        features=(reference.grid.labels[event.position],),
        effect_size=event.difference,
        effect_name="change of share of rows",
        low=event.low,
        high=event.high,
        pvalue=adjusted,
        direction=direction,
        message=(
            f"{100 * now / n:.3g} % of rows are {what}; "
            f"{100 * event.expected / n:.3g} % would be as in training"
            + _tolerance_text(
                moving.get(event.position) if event.code in _MOVED else None
            )
            + _rank_text(level, rank, alpha)
        ),
        advice=advice,
    )


def _outcome(rows: tuple[FeatureRow, ...], findings: tuple[Finding, ...]) -> Outcome:
    outcomes = {row.outcome for row in rows} - {"not tested"}
    if findings:
        return "drift"
    if not outcomes:
        return "not tested"
    return "stable" if outcomes == {"stable"} else "undecided"


def _notes(reference: Profile) -> tuple[str, ...]:
    grid = reference.grid
    reasons: dict[str, list[str]] = {}
    for label, reason in zip(grid.labels, grid.untested, strict=True):
        if reason:
            reasons.setdefault(reason, []).append(label)
    return tuple(
        f"not compared ({reason}): {', '.join(map(repr, labels[:5]))}"
        + (f" and {len(labels) - 5} more" if len(labels) > 5 else "")
        for reason, labels in reasons.items()
    )
