"""Whether the model's answers for a batch are distributed as its held-out ones."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from skdrift._core.result import FeatureRow, Finding
from skdrift.profile._block_statistics import Statistic
from skdrift.profile._cells import NumberCells
from skdrift.profile._count import Novelty
from skdrift.profile._profile import Profile, cells_by_feature
from skdrift.shift._blocks import BatchBlocks, block_level, largest_of_parts
from skdrift.shift._compare import (
    Tested,
    alarmed,
    by_blocks,
    by_column,
    feature_row,
    joint_pvalue,
    measured_row,
    rescaled,
    shift_finding,
    strongest,
)
from skdrift.shift._distribution import Comparison, compare_distributions
from skdrift.stats import weighted_holm

ANSWER_SHARE = 0.05
ANSWER_CODE = "DA106"
PROBABILITY = "predict_proba["


@dataclass(frozen=True, slots=True)
class AnswerShift:
    """What comparing the model's answers with held-out ones gave.

    Attributes
    ----------
    rows : tuple of FeatureRow
        One for each output.
    findings : tuple of Finding
        Alarms.
    """

    rows: tuple[FeatureRow, ...] = ()
    findings: tuple[Finding, ...] = ()


def answers_beside(reference: Profile, blocks: BatchBlocks) -> np.ndarray:
    """Largest statistic of the answers in each part of training."""
    return largest_of_parts(reference, blocks, used_by_answers(reference))


def used_by_answers(reference: Profile) -> Callable[[Statistic], bool]:
    """Statistics in which the answers of a batch are ranked among blocks.

    The final model has repeated values and extremes of its own, which no held-out
    answer can have.
    """
    cells = cells_by_feature(reference.grid)

    def used(statistic: Statistic) -> bool:
        if statistic.name in ("score", "mean"):
            return True
        own = cells[statistic.position][statistic.aspect :]
        return statistic.name == "share" and not isinstance(own[0], NumberCells)

    return used


def shown_answers(reference: Profile, current: Profile | None = None) -> list[int]:
    """Positions of the outputs that are compared.

    Of the probabilities of two classes, which say the same, only the second.
    """
    labels = reference.grid.labels
    two = [p for p, name in enumerate(labels) if name.startswith(PROBABILITY)]
    left_out = two[:1] if len(two) == 2 else []
    return [
        p
        for p in range(len(labels))
        if p not in left_out and (current is None or current.families[p])
    ]


def no_answers(reference: Profile, reason: str) -> AnswerShift:
    """Rows of outputs of which the batch has none."""
    nothing = Profile.empty(reference.grid)
    return AnswerShift(
        tuple(
            measured_row(reference, nothing, position, None, "not tested", reason)
            for position in shown_answers(reference)
        )
    )


def compare_answers(
    reference: Profile,
    tolerance: np.ndarray | None,
    current: Profile,
    novelty: Sequence[Novelty],
    *,
    reason: str = "",
    alpha: float,
    share: float,
    min_effect: float,
    stable_bound: float,
    blocks: BatchBlocks | None = None,
) -> AnswerShift:
    """Compare the model's answers for a batch with those held out of training.

    Only distributions are compared, and no repeated values: each model has its own.

    Parameters
    ----------
    reference, current : Profile
        Of the outputs, on one grid.
    tolerance : ndarray of shape (n_outputs,) or None
        How far the answers of one fold's model are from those of others, in
        probability mass; NaN or None where that is not known: shown, not tested.
    novelty : sequence of Novelty
        Of each output of the batch.
    reason : str
        Why outputs without a tolerance are not tested.
    alpha : float
        Probability of any alarm of the batch if nothing moved.
    share : float
        Part of `alpha` that is spent here.
    min_effect : float
        Least that is tolerated.
    stable_bound : float
        What "stable" rules out.
    blocks : BatchBlocks or None
        Where rows of training come in blocks.
    """
    shown = shown_answers(reference, current)
    known = np.full(reference.grid.n_features, np.nan)
    if tolerance is not None:
        known = tolerance
    tolerated = np.fmax(np.where(np.isnan(known), 0.0, known), min_effect)
    found = compare_distributions(
        reference, current, novelty, tolerance=tolerated, columns=shown, repeated=False
    )
    compared = by_column(reference, found)
    tests = {p: parts for p, parts in compared.items() if not np.isnan(known[p])}
    tested = _tested(tests, alpha * share)
    if blocks is not None and tests:
        used = used_by_answers(reference)
        level = block_level(reference, current, novelty, blocks, used)
        tested = by_blocks(tested, level)
    scaled = rescaled(tested, share)
    rows = tuple(
        measured_row(
            reference, current, p, strongest(compared[p]), "not tested", reason
        )
        if p in compared and p not in tests
        else feature_row(
            reference, current, p, scaled, alpha, stable_bound, float(tolerated[p])
        )
        for p in shown
    )
    return AnswerShift(rows, tuple(_findings(reference, scaled, tolerated, alpha)))


def _tested(compared: dict[int, list[tuple[int, Comparison]]], alpha: float) -> Tested:
    pvalues = {
        position: joint_pvalue([part.pvalue for _, part in parts])
        for position, parts in compared.items()
    }
    n = len(pvalues)
    if not n:
        return Tested({}, {}, {}, [])
    adjusted = weighted_holm(
        np.array(list(pvalues.values())),
        np.full(n, 1.0 / n),
        smallest=np.zeros(n),
        alpha=alpha,
    )
    return Tested(
        compared, pvalues, dict(zip(pvalues, adjusted.tolist(), strict=True)), []
    )


def _findings(
    reference: Profile, tested: Tested, tolerated: np.ndarray, alpha: float
) -> list[Finding]:
    return [
        shift_finding(
            reference,
            tested,
            position,
            alpha,
            code=ANSWER_CODE,
            tolerated=(
                f"; {tolerated[position]:.2g} is tolerated, as models of single folds "
                "differ"
            ),
            advice=(
                "look at the columns that moved, and with labels at the score: "
                "answers that moved may be right"
            ),
        )
        for position in alarmed(tested, alpha)
    ]
