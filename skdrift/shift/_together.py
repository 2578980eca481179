"""Whether many columns moved a little, none of them enough to alarm by itself."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy import special

from skdrift._core.result import Finding
from skdrift.profile import Profile
from skdrift.profile._scores import Slot
from skdrift.shift._compare import ShiftResult
from skdrift.shift._dependence import Dependence, known_slots
from skdrift.shift._mean_moves import LEAST_ROWS, Kind, Moves, mean_moves
from skdrift.stats import Correlations, combine_pvalues, regularized_hotelling
from skdrift.stats.counts import FloatArray

TOGETHER_SHARE = 0.05
TOGETHER_CODE = "DA107"
LEAST_SCORES = 5
MOST_NAMED = 5
OWN_LEVEL = 0.1


@dataclass(frozen=True, slots=True, eq=False)
class TogetherTest:
    """One of the two tests: of the scores, or of the distances from the median."""

    kind: Kind
    slots: tuple[Slot, ...]
    moves: Moves
    pvalue: float


def together_share(dependence: Dependence | None, n_rows: int) -> float:
    """Part of alpha for the columns together; 0 where they are not compared.

    Nor where rows come in blocks: columns of one block move together anyway.
    """
    if dependence is None or dependence.blocks is not None:
        return 0.0
    if min(n_rows, dependence.features.n) < LEAST_ROWS:
        return 0.0
    return TOGETHER_SHARE if len(dependence.slots) >= LEAST_SCORES else 0.0


def with_together(
    shift: ShiftResult,
    dependence: Dependence | None,
    reference: Profile,
    current: Profile,
    *,
    alpha: float,
    share: float,
    tolerance: FloatArray,
    slots: Sequence[Slot] | None = None,
) -> ShiftResult:
    """What was found column by column, and of the other columns together.

    Parameters
    ----------
    shift : ShiftResult
        Columns that alarm in it take no part. The level holds all the same: unless
        one of them alarms falsely, which has its own part of alpha, the others are
        either exactly the columns within the tolerance, or one of them is beyond.
    dependence : Dependence or None
        Of training; None where it is not known.
    reference, current : Profile
        On one grid.
    alpha : float
        Probability of any alarm of the batch if nothing moved.
    share : float
        Part of `alpha` that is spent here.
    tolerance : ndarray of float of shape (n_features,)
        Tolerated difference of each column, in probability mass.
    slots : sequence of Slot or None
        Of training, where they are known already.
    """
    if dependence is None or not share:
        return shift
    if slots is None:
        slots = known_slots(dependence, reference)
    if slots is None:
        return shift
    moved = {name for finding in shift.findings for name in finding.features}
    tests = _tests(slots, dependence, reference, current, moved, tolerance)
    if not tests:
        return shift
    pvalue = float(combine_pvalues([[test.pvalue] for test in tests])[0])
    adjusted = min(1.0, pvalue / share)
    if adjusted > alpha:
        return shift
    strongest = min(tests, key=lambda test: test.pvalue)
    found = _finding(strongest, adjusted, reference)
    return replace(shift, findings=(*shift.findings, found), outcome="drift")


def _tests(
    slots: Sequence[Slot],
    dependence: Dependence,
    reference: Profile,
    current: Profile,
    moved: Collection[str],
    tolerance: FloatArray,
) -> list[TogetherTest]:
    with_far = tuple(slot for slot in slots if slot.far is not None)
    kinds: tuple[tuple[Kind, tuple[Slot, ...], Correlations], ...] = (
        ("shift", tuple(slots), dependence.near),
        ("change of spread", with_far, dependence.far),
    )
    labels = reference.grid.labels
    found = []
    for kind, members, correlations in kinds:
        if len(members) < LEAST_SCORES:
            continue
        moves = mean_moves(members, kind, reference, current, tolerance)
        used = np.isfinite(moves.deviate)
        used &= np.array([labels[slot.feature] not in moved for slot in members])
        if used.sum() < LEAST_SCORES:
            continue
        n_known = moves.known * dependence.features.n
        matrix, n_rows = _matrix(correlations, used, n_known)
        chosen = Moves(
            *(values[used] for values in (moves.deviate, moves.tolerated)),
            *(values[used] for values in (moves.size, moves.known)),
        )
        _, pvalue = regularized_hotelling(
            chosen.deviate, matrix, tolerated=chosen.tolerated, n_rows=n_rows
        )
        slots_used = tuple(s for s, use in zip(members, used, strict=True) if use)
        found.append(TogetherTest(kind, slots_used, chosen, pvalue))
    return found


def _matrix(
    correlations: Correlations, used: np.ndarray, n_known: np.ndarray
) -> tuple[np.ndarray, float]:
    """Correlation of the deviates of the slots that are used; rows it comes from.

    Two columns that are rarely known in the same rows have nearly independent means.
    """
    k = len(used)
    upper = np.triu_indices(k, 1)
    matrix, n = np.zeros((k, k)), np.zeros((k, k))
    matrix[upper], n[upper] = np.nan_to_num(correlations.value), correlations.n
    matrix, n = matrix + matrix.T, n + n.T
    own = np.maximum(n_known, 1.0)
    matrix *= np.minimum(1.0, n / np.sqrt(np.outer(own, own)))
    np.fill_diagonal(matrix, 1.0)
    chosen = np.ix_(used, used)
    apart = ~np.eye(int(used.sum()), dtype=bool)
    return matrix[chosen], float(n[chosen][apart].mean())


def _finding(test: TogetherTest, pvalue: float, reference: Profile) -> Finding:
    moves = test.moves
    size = np.abs(moves.deviate)
    features: dict[int, None] = {}
    for slot in np.argsort(-size, kind="stable"):
        features.setdefault(test.slots[slot].feature)
    own = 2.0 * special.ndtr(-size)
    squares = (moves.deviate**2 - 1.0) / moves.size
    typical = float(np.sqrt(max(0.0, float(squares.mean()))))
    n_scores, n_own = len(size), int((own <= OWN_LEVEL).sum())
    n_up = int((moves.deviate > 0).sum())
    up, down = ("higher", "lower") if test.kind == "shift" else ("wider", "narrower")
    nan = float("nan")
    return Finding(
        code=TOGETHER_CODE,
        severity="alarm",
        features=tuple(
            reference.grid.labels[feature] for feature in list(features)[:MOST_NAMED]
        ),
        effect_size=typical,
        effect_name=f"typical {test.kind} in standard deviations",
        low=nan,
        high=nan,
        pvalue=pvalue,
        direction=f"{n_up} {up}, {n_scores - n_up} {down}",
        message=(
            f"many of {len(features)} columns moved a little, none enough to alarm by "
            f"itself: {n_own} of {n_scores} scores have a p-value of at most "
            f"{OWN_LEVEL:g}, {OWN_LEVEL * n_scores:.2g} would by chance; named are "
            "those that moved most"
        ),
        advice="look at what all these columns share, and at whom the batch is from",
    )
