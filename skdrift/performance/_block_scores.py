"""Scores of blocks of rows: what each block gives, and the law of a batch of some.

A fold sums its rows up block by block, so that little travels from worker to worker;
what is stored are at most 300 blocks.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from skdrift.performance._row_scores import Means, RowScores
from skdrift.stats.score_parts import BatchSize, PartLaw, group_law, run_law

BlockKind = Literal["", "mean", "root", "determination", "score", "folds"]

LEAST_BLOCKS = 5
LEAST_ROWS_OF_A_SCORE = 20
MOST_TERMS = 30
N_DRAWS = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class BlockSums:
    """Held-out rows of one fold, block by block.

    Attributes
    ----------
    kind : {"mean", "root", "determination", "score"}
        What the score is of `means`; ``"score"`` where they are scores of blocks.
    labels : ndarray of int of shape (n_blocks,)
        Which block of training each is.
    rows : ndarray of float of shape (n_blocks,)
        Rows of each in this fold.
    means, variances : ndarray of float of shape (n_blocks, n_terms)
        Of the terms of its rows; NaN where a block has no score.
    squares : float
        Squared deviations of the rows' scores from the mean of their block.
    """

    kind: Literal[Means, "score"]
    labels: np.ndarray
    rows: np.ndarray
    means: np.ndarray
    variances: np.ndarray
    squares: float = float("nan")


def block_sums(scores: RowScores, labels: np.ndarray) -> BlockSums:
    """Sum up the contributions of rows, block by block.

    Parameters
    ----------
    scores : RowScores
    labels : ndarray of int of shape (n_rows,)
        Block of each row; -1 for none.
    """
    inside = np.flatnonzero(labels >= 0)
    found, codes, rows = np.unique(
        labels[inside], return_inverse=True, return_counts=True
    )
    values = scores.values[:, None]
    kind, terms = scores.means, scores.terms
    if terms is None or terms.shape[1] > MOST_TERMS:
        kind, terms = "mean", values
    means, variances = _by_block(terms[inside], codes, rows)
    _, own = _by_block(values[inside], codes, rows)
    return BlockSums(
        kind=kind,
        labels=found,
        rows=rows.astype(np.float64),
        means=means,
        variances=variances,
        squares=float(own[:, 0] @ rows),
    )


def _by_block(
    terms: np.ndarray, codes: np.ndarray, rows: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    means, variances = np.empty((2, len(rows), terms.shape[1]))
    for number, term in enumerate(terms.T):
        mean = np.bincount(codes, term, len(rows)) / rows
        means[:, number] = mean
        variances[:, number] = (
            np.bincount(codes, (term - mean[codes]) ** 2, len(rows)) / rows
        )
    return means, variances


def scores_of_blocks(
    score: Callable[[np.ndarray], float], labels: np.ndarray
) -> BlockSums:
    """Score each block by itself, where it has at least 20 rows.

    Parameters
    ----------
    score : callable
        Score of rows at some positions.
    labels : ndarray of int of shape (n_rows,)
        Block of each row; -1 for none.
    """
    found, rows = np.unique(labels[labels >= 0], return_counts=True)
    order = np.argsort(labels, kind="stable")
    ends = np.searchsorted(labels[order], found, side="right")
    means = np.full((len(found), 1), np.nan)
    for place, (end, n_rows) in enumerate(zip(ends, rows, strict=True)):
        if n_rows >= LEAST_ROWS_OF_A_SCORE:
            means[place] = score(order[end - n_rows : end])
    return BlockSums(
        kind="score",
        labels=found,
        rows=rows.astype(np.float64),
        means=means,
        variances=np.zeros_like(means),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class BlockScores:
    """Scores of the blocks of training, of one scorer.

    Attributes
    ----------
    kind : str
        As in `BlockSums`; ``"folds"`` where whole folds have to stand in for blocks,
        ``""`` where nothing is known.
    terms : ndarray of float32 of shape (n_blocks, n_terms), or ()
        Means of the terms of each known block, in the order of the blocks; for R²
        squared errors, labels (without their mean) and variances of the labels.
    rows : ndarray of float32 of shape (n_blocks,), or ()
        Held-out rows of each.
    within : float
        Variance of a row's score within its block; NaN where it is unknown.
    """

    kind: BlockKind = ""
    terms: np.ndarray | tuple[()] = ()
    rows: np.ndarray | tuple[()] = ()
    within: float = float("nan")


def join_blocks(folds: Sequence[BlockSums | None]) -> BlockScores:
    """Put the blocks of all folds together.

    Single blocks if at least five have a score; else whole folds, if no block is in
    two of them.
    """
    known = [fold for fold in folds if fold is not None]
    if not known or len(known) < len(folds):
        return BlockScores()
    kinds = {fold.kind for fold in known}
    if len(kinds) == 1:
        _, found = _joined(known)
        values = scores_of_parts(found, np.eye(len(found.rows)))
        kept = np.isfinite(values)
        if kept.sum() >= LEAST_BLOCKS:
            terms, rows = np.asarray(found.terms), np.asarray(found.rows)
            return replace(found, terms=terms[kept], rows=rows[kept])
    labels = np.concatenate([fold.labels for fold in known])
    whole = len(np.unique(labels)) == len(labels) > 0
    return BlockScores(kind="folds" if whole and len(known) > 1 else "")


def labelled_blocks(
    folds: Sequence[BlockSums | None],
) -> tuple[np.ndarray, BlockScores] | None:
    """All blocks of all folds and their labels, sorted by these.

    None where the score is not one of means of rows in every fold.
    """
    known = [fold for fold in folds if fold is not None and fold.kind != "score"]
    if not known or len(known) < len(folds) or len({fold.kind for fold in known}) > 1:
        return None
    return _joined(known)


def _joined(folds: Sequence[BlockSums]) -> tuple[np.ndarray, BlockScores]:
    """Labels of blocks, sorted, and their scores."""
    labels = np.concatenate([fold.labels for fold in folds])
    means = np.concatenate([fold.means for fold in folds])
    variances = np.concatenate([fold.variances for fold in folds])
    rows = np.concatenate([fold.rows for fold in folds])
    known = np.isfinite(means).all(axis=1)
    labels, means, variances, rows = (
        part[known] for part in (labels, means, variances, rows)
    )
    kind = folds[0].kind
    n_errors = means.shape[1] // 2 if kind == "determination" else means.shape[1]
    if len(rows):
        means[:, n_errors:] -= np.average(means[:, n_errors:], axis=0, weights=rows)
    found, codes = np.unique(labels, return_inverse=True)
    weight = np.zeros((len(found), len(labels)))
    weight[codes, np.arange(len(labels))] = rows
    total = weight.sum(axis=1)
    weight /= np.maximum(total, 1.0)[:, None]
    terms, shift = weight @ means, means[:, n_errors:]
    if kind == "determination":
        square = weight @ (variances[:, n_errors:] + shift**2)
        terms = np.hstack([terms, square - terms[:, n_errors:] ** 2])
    freedom = rows.sum() - len(rows)
    squares = sum(fold.squares for fold in folds)
    return found, BlockScores(
        kind=kind,
        terms=terms.astype(np.float32),
        rows=total.astype(np.float32),
        within=float(squares / freedom) if freedom > 0 else float("nan"),
    )


def scores_of_parts(blocks: BlockScores, weights: np.ndarray) -> np.ndarray:
    """Scores of parts of training, on the scale on which they vary like a mean.

    Parameters
    ----------
    blocks : BlockScores
        With `terms`.
    weights : ndarray of shape (n_parts, n_blocks)
        How often each block is in a part.

    Returns
    -------
    ndarray of shape (n_parts,)
        Not finite where a part has no score.
    """
    weights = weights * np.asarray(blocks.rows, dtype=np.float64)
    weights = weights / weights.sum(axis=1, keepdims=True)
    terms = np.asarray(blocks.terms, dtype=np.float64)
    if blocks.kind == "root":
        return np.asarray(-np.sqrt(weights @ terms).mean(axis=1))
    if blocks.kind != "determination":
        return np.asarray((weights @ terms)[:, 0])
    errors, labels, variances = np.split(terms, 3, axis=1)
    total = weights @ (variances + labels**2) - (weights @ labels) ** 2
    with np.errstate(divide="ignore", invalid="ignore"):
        rest = (weights @ errors) / np.maximum(total, 0.0)
        return np.asarray(-np.log(rest.mean(axis=1)))


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchPart:
    """A batch where rows come in blocks.

    Attributes
    ----------
    n_blocks : int
        Blocks that the batch is taken for.
    n_reference : int
        Blocks of training.
    in_order : bool
        Whether blocks follow one another, so that a batch is a run of neighbours.
    n_rows : int
        Rows of the batch where not all have labels; else 0.
    unlabelled : float
        What missing labels add to the variance of the score, in units of that of a
        row.
    """

    n_blocks: int
    n_reference: int
    in_order: bool
    n_rows: int = 0
    unlabelled: float = 0.0


def part_law(
    blocks: BlockScores,
    part: BatchPart,
    value: float,
    n_rows: float,
    row_variance: float,
) -> PartLaw | None:
    """Law of the score of a batch, on the scale of the scorer; None if there is none.

    Parameters
    ----------
    blocks : BlockScores
        Of single blocks.
    part : BatchPart
    value : float
        Mean of the folds on that scale.
    n_rows : float
        Rows of the batch, at least 1.
    row_variance : float
        Of the score of any row: stands in where that within blocks is unknown.
    """
    total = len(blocks.rows)
    if not total:
        return None
    rows = np.asarray(blocks.rows, dtype=np.float64)
    within = blocks.within if np.isfinite(blocks.within) else row_variance
    values = scores_of_parts(blocks, np.eye(total))
    b = max(1, min(part.n_blocks, total // 4) if part.in_order else part.n_blocks)
    size = BatchSize(n_blocks=b, n_rows=n_rows, row_variance=within)
    linear = blocks.kind in ("mean", "score")
    center = value
    if blocks.kind == "score":
        # Between that of one block and that of a fold, which is many blocks.
        center += (float(values.mean()) - value) / b
    if part.in_order:
        runs = _finite(scores_of_parts(blocks, _runs(total, b)))
        if len(runs) < LEAST_BLOCKS:
            return None
        center = center if linear else float(runs.mean())
        return run_law(values, runs, rows, size, center=center)
    if linear:
        n_groups = max(part.n_reference, total)
        return group_law(values, rows, size, center=center, n_groups=n_groups)
    draws = values
    if b > 1:
        draws = _finite(scores_of_parts(blocks, _drawn(total, b)))
    if len(draws) < LEAST_BLOCKS:
        return None
    center = float(draws.mean())
    return group_law(
        values,
        rows,
        size,
        center=center,
        n_groups=total,
        draws=draws if b > 1 else None,
    )


def _finite(scores: np.ndarray) -> np.ndarray:
    return scores[np.isfinite(scores)]


def _runs(total: int, b: int) -> np.ndarray:
    """Members of each run of b neighbours, as a mask."""
    at = np.arange(total)
    starts = np.arange(total - b + 1)[:, None]
    return ((at >= starts) & (at < starts + b)).astype(np.float64)


def _drawn(total: int, b: int) -> np.ndarray:
    """How often each block is in parts of b blocks, drawn with replacement."""
    rng = np.random.default_rng(0)
    return rng.multinomial(b, np.full(total, 1.0 / total), N_DRAWS).astype(np.float64)


def fold_law(folds: np.ndarray, part: BatchPart, value: float) -> PartLaw:
    """Law of a batch where only the scores of folds are known, each of whole blocks.

    A mean of b blocks varies at most as much as one of the more blocks of a fold,
    times their ratio, also where neighbours are alike.
    """
    n_folds = len(folds)
    variance = float(np.var(folds, ddof=1))
    blocks_of_a_fold = part.n_reference / n_folds
    return PartLaw(
        center=value,
        variance=variance * max(1.0, blocks_of_a_fold / part.n_blocks),
        of_center=variance / n_folds,
        skewness=0.0,
        degrees_of_freedom=n_folds - 1.0,
    )
