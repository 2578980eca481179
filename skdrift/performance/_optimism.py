"""How much better folds that part blocks score than folds of whole blocks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy import special

from skdrift._core.result import Finding
from skdrift._core.shown_score import ShownScore, shown_change, shown_pair
from skdrift.performance._block_scores import (
    BlockScores,
    BlockSums,
    labelled_blocks,
    scores_of_parts,
)
from skdrift.performance._cross_validation import FoldResult
from skdrift.performance._row_scores import Scale, from_scale
from skdrift.profile._stored import restore_fields
from skdrift.stats.jackknife import jackknife_interval

LEVEL = 0.95
LEAST_BLOCKS = 5
MOST_RUNS = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoreOptimism:
    """A score by folds that part blocks, beside that by folds of whole blocks.

    Stored as the list of its fields: new ones come last and have a default.

    Attributes
    ----------
    scorer : str
    promised : float
        By the folds that part blocks; larger = better.
    by_blocks : float
        By folds of whole blocks, for the same rows.
    low, high : float
        95 % interval of ``promised - by_blocks``; NaN where there is none.
    folds : tuple of float
        Scores of the folds that part blocks.
    n_blocks : int
        Blocks that both scores are of; 0 where only the folds could be compared.
    in_order : bool
        Whether the blocks are pieces of the row order, and no groups.
    """

    scorer: str
    promised: float
    by_blocks: float
    low: float
    high: float
    folds: tuple[float, ...]
    n_blocks: int
    in_order: bool

    @property
    def is_certain(self) -> bool:
        """Whether the whole interval says that the promise is too good."""
        return self.low > 0

    def __setstate__(self, state: Sequence[object]) -> None:
        restore_fields(self, state)


def score_optimism(
    name: str,
    results: Sequence[FoldResult],
    by_blocks: Sequence[FoldResult],
    *,
    in_order: bool,
) -> ScoreOptimism | None:
    """Compare two passes over the same rows; None where one of them has no score.

    Parameters
    ----------
    name : str
        Of the scorer.
    results : sequence of FoldResult
        Of folds that part blocks.
    by_blocks : sequence of FoldResult
        Of folds of whole blocks.
    in_order : bool
        Whether neighbouring blocks may be alike.

    Notes
    -----
    Where the score is one of means of rows, both passes are compared on the same
    blocks, weighted alike. The interval is the union of two by the jackknife: over
    blocks, or where they are in order over at most 20 runs of neighbours; and over
    the folds of whole blocks, whose rows share a model. Other scores: Welch's interval
    of the difference of two means of folds.
    """
    folds = np.array([result.scores[name] for result in results])
    others = np.array([result.scores[name] for result in by_blocks])
    folds = folds[np.isfinite(folds)]
    if not len(folds) or not len(others) or not np.isfinite(others).all():
        return None
    paired = _paired(
        [result.by_block.get(name) for result in results if name in result.by_block],
        [result.by_block.get(name) for result in by_blocks],
        in_order=in_order,
    )
    values = _unpaired(folds, others) if paired is None else paired
    return ScoreOptimism(
        scorer=name,
        promised=values[0],
        by_blocks=values[1],
        low=values[2],
        high=values[3],
        folds=tuple(folds.tolist()),
        n_blocks=int(values[4]),
        in_order=in_order,
    )


def _unpaired(folds: np.ndarray, others: np.ndarray) -> tuple[float, ...]:
    """Both scores, the limits of their difference, and 0 blocks."""
    means = float(folds.mean()), float(others.mean())
    if min(len(folds), len(others)) < 2:
        return *means, float("nan"), float("nan"), 0
    parts = [float(np.var(x, ddof=1)) / len(x) for x in (folds, others)]
    total = sum(parts)
    freedom = 1.0
    if total > 0:
        shares = zip(parts, (folds, others), strict=True)
        freedom = total**2 / sum(part**2 / (len(x) - 1) for part, x in shares)
    half = float(special.stdtrit(freedom, 0.5 + 0.5 * LEVEL) * np.sqrt(total))
    difference = means[0] - means[1]
    return *means, difference - half, difference + half, 0


def _paired(
    one: Sequence[BlockSums | None],
    other: Sequence[BlockSums | None],
    *,
    in_order: bool,
) -> tuple[float, ...] | None:
    """As `_unpaired`, on the blocks that both passes know; None if they are few."""
    first, second = labelled_blocks(one), labelled_blocks(other)
    if first is None or second is None or first[1].kind != second[1].kind:
        return None
    labels, here, there = np.intersect1d(
        first[0], second[0], assume_unique=True, return_indices=True
    )
    n_blocks = len(labels)
    if n_blocks < LEAST_BLOCKS:
        return None
    by_blocks = _taken(second[1], there, there, second[1])
    promised = _taken(first[1], here, there, second[1])
    whole = np.ones((1, n_blocks))
    a, b = float(_scores(promised, whole)[0]), float(_scores(by_blocks, whole)[0])
    if not np.isfinite([a, b]).all():
        return None
    parts = np.arange(n_blocks)
    if in_order:
        parts = parts * min(n_blocks, MOST_RUNS) // n_blocks
    limits = []
    for codes in (parts, _folds_of(labels, other)):
        kept = (codes != np.unique(codes)[:, None]).astype(np.float64)
        left_out = _scores(promised, kept) - _scores(by_blocks, kept)
        limits.append(jackknife_interval(a - b, left_out, LEVEL))
    lows, highs = zip(*limits, strict=True)
    return a, b, float(np.min(lows)), float(np.max(highs)), n_blocks


def _taken(
    blocks: BlockScores, own: np.ndarray, theirs: np.ndarray, weights: BlockScores
) -> BlockScores:
    """Some blocks, weighted by the rows that others have."""
    terms, rows = np.asarray(blocks.terms), np.asarray(weights.rows)
    return replace(blocks, terms=terms[own], rows=rows[theirs])


def _scores(blocks: BlockScores, weights: np.ndarray) -> np.ndarray:
    scale: Scale = "log_rest" if blocks.kind == "determination" else "plain"
    return from_scale(scores_of_parts(blocks, weights), scale)


def _folds_of(labels: np.ndarray, folds: Sequence[BlockSums | None]) -> np.ndarray:
    """Fold that held out most rows of each block."""
    rows = np.zeros((len(folds), int(labels.max()) + 1))
    for number, fold in enumerate(folds):
        if fold is not None:
            inside = np.isin(fold.labels, labels)
            rows[number, fold.labels[inside]] = fold.rows[inside]
    return np.asarray(rows[:, labels].argmax(axis=0))


def optimism_finding(optimism: ScoreOptimism) -> Finding:
    """What a report says of a promise that is too good."""
    shown = _shown(optimism)
    change, low, high = shown_change(
        shown,
        optimism.scorer,
        optimism.by_blocks - optimism.promised,
        -optimism.high,
        -optimism.low,
    )
    return Finding(
        code="DA203",
        severity="note",
        features=(),
        effect_size=change,
        effect_name=f"change of {shown.name}",
        low=low,
        high=high,
        pvalue=float("nan"),
        direction="lower score" if shown.name == optimism.scorer else "larger error",
        message=f"{optimism_text(optimism)}; the report expects the latter",
        advice=remedy(in_order=optimism.in_order),
    )


def optimism_text(optimism: ScoreOptimism) -> str:
    """``"cross-validation promises accuracy 0.9; by folds of whole blocks ..."``."""
    shown = _shown(optimism)
    what = "blocks of neighbouring rows" if optimism.in_order else "groups"
    return (
        f"cross-validation promises {shown.name} {shown.value:.4g}; by folds of whole "
        f"{what} it is {shown.realised:.4g}"
    )


def remedy(*, in_order: bool) -> str:
    """Which splitter keeps blocks whole."""
    if in_order:
        return (
            "use an integer cv or KFold without shuffle, or TimeSeriesSplit if the "
            "model is for later rows"
        )
    return (
        "use an integer cv, which keeps groups whole, or GroupKFold (for classes "
        "StratifiedGroupKFold) with groups=..."
    )


def _shown(optimism: ScoreOptimism) -> ShownScore:
    return shown_pair(optimism.scorer, optimism.promised, optimism.by_blocks)
