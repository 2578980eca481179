"""The second pass of `fit`: folds of whole blocks, where those of `cv` part them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from skdrift.estimator._learning import PassSettings, plan_splits, run_pass
from skdrift.estimator._timing import TrainingTimes
from skdrift.performance._cross_validation import FoldResult, Split
from skdrift.performance._optimism import ScoreOptimism, score_optimism
from skdrift.shift import FoundBlocks

PARTED = 0.5
MOST_SPLITS_LOOKED_AT = 20
LEAST_FOLDS = 5  # whose scores vary by Student's law: with 3, hardly a leak is certain
MOST_FOLDS = 10
NOT_COMPARED = "cv parts blocks, and folds of whole blocks could not be compared"


@dataclass(frozen=True, slots=True, kw_only=True)
class PassPlan:
    """Folds of the passes.

    Attributes
    ----------
    splits : list of (ndarray, ndarray)
        Training rows and held-out rows of each fold that the user asked for.
    by_blocks : list of (ndarray, ndarray)
        Folds of whole blocks, where the others part blocks.
    reason : str
        Why there is no pass at all.
    note : str
        Why there are no folds of whole blocks.
    """

    splits: list[Split]
    by_blocks: list[Split]
    reason: str
    note: str

    @property
    def n_folds(self) -> int:
        """Models that are fitted beside the one on all rows."""
        return len(self.splits) + len(self.by_blocks)


@dataclass(frozen=True, slots=True, kw_only=True)
class Passes:
    """What the passes gave.

    Attributes
    ----------
    results : list of FoldResult
        Of the folds that make the promise.
    splits : list of (ndarray, ndarray)
        Training rows and held-out rows of these.
    pass_name : str
        Which these are.
    optimism : tuple of ScoreOptimism
        One for each scorer that could be compared.
    note : str
        Why scores could not be compared.
    """

    results: list[FoldResult]
    splits: list[Split]
    pass_name: str
    optimism: tuple[ScoreOptimism, ...] = ()
    note: str = ""


def plan_passes(
    estimator: Any,
    X: Any,
    y: Any,
    settings: PassSettings,
    blocks: FoundBlocks,
    times: TrainingTimes | None = None,
) -> PassPlan:
    """Folds of the user's `cv`, and if these part blocks, folds of whole blocks.

    The latter are those of an integer `cv`, as many as hold out the same share of the
    rows, from 5 to 10: models that see fewer rows would look like a promise too good.
    """
    splits, reason = plan_splits(estimator, X, y, settings, blocks, times)
    by_blocks: list[Split] = []
    note = ""
    own = not isinstance(settings.cv, int | np.integer)
    if own and blocks.values is not None and part_blocks(splits, blocks.labels):
        n_folds = _as_many_folds(splits, blocks.values.n_blocks)
        whole = replace(settings, cv=n_folds)
        by_blocks, why = plan_splits(estimator, X, y, whole, blocks, times)
        if why or part_blocks(by_blocks, blocks.labels):
            by_blocks = []
            note = f"{NOT_COMPARED}: {why or 'groups and blocks are not the same'}"
    return PassPlan(splits=splits, by_blocks=by_blocks, reason=reason, note=note)


def part_blocks(splits: Sequence[Split], labels: np.ndarray | None) -> bool:
    """Whether most held-out rows have rows of their block in training.

    Of at most 20 splits; rows that are in no block (-1) do not count.
    """
    if labels is None:
        return False
    n_parted = n_rows = 0
    for train, test in splits[:MOST_SPLITS_LOOKED_AT]:
        known, held_out = labels[train], labels[test]
        held_out = held_out[held_out >= 0]
        n_rows += len(held_out)
        n_parted += int(np.isin(held_out, known[known >= 0]).sum())
    return n_parted > PARTED * n_rows


def _as_many_folds(splits: Sequence[Split], n_blocks: int) -> int:
    shares = [len(test) / max(len(train) + len(test), 1) for train, test in splits]
    wanted = round(1.0 / max(float(np.mean(shares)), 1.0 / MOST_FOLDS))
    return int(np.clip(wanted, LEAST_FOLDS, min(MOST_FOLDS, n_blocks)))


def run_passes(
    model: Any,
    X: Any,
    y: Any,
    plan: PassPlan,
    settings: PassSettings,
    blocks: FoundBlocks,
    fold_done: Callable[[], None],
) -> Passes:
    """Run the pass that the user asked for, and that by blocks; see `run_pass`.

    The promise is that of folds of whole blocks if a score by the others is certainly
    too good; else it is that of the others.
    """
    results, pass_name = run_pass(model, X, y, plan.splits, settings, blocks, fold_done)
    first = Passes(
        results=results, splits=plan.splits, pass_name=pass_name, note=plan.note
    )
    if not plan.by_blocks:
        return first
    by_blocks, name = run_pass(model, X, y, plan.by_blocks, settings, blocks, fold_done)
    failed = _failure(results, by_blocks)
    if failed:
        return replace(first, note=f"{NOT_COMPARED}: {failed}")
    found = [
        score_optimism(scorer, results, by_blocks, in_order=blocks.in_order)
        for scorer in results[0].scores
    ]
    optimism = tuple(one for one in found if one is not None)
    if any(one.is_certain for one in optimism):
        return Passes(
            results=by_blocks,
            splits=plan.by_blocks,
            pass_name=f"{name} of whole blocks",
            optimism=optimism,
        )
    return replace(first, optimism=optimism)


def _failure(results: Sequence[FoldResult], by_blocks: Sequence[FoldResult]) -> str:
    """Reason of the first score that failed by blocks alone; empty if none did."""
    for name in results[0].scores:
        if not np.isfinite([result.scores[name] for result in results]).any():
            continue
        for result in by_blocks:
            if not np.isfinite(result.scores[name]):
                return result.reasons.get(name) or result.reasons.get("", "")
    return ""
