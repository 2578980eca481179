"""What mean loss was promised: an upper confidence bound, and how losses vary."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from sklearn.metrics import get_scorer, make_scorer, zero_one_loss

from skdrift.exceptions import (
    EstimatorError,
    InputError,
    NotFittedError,
    ParameterError,
)
from skdrift.monitor._losses import LossName
from skdrift.performance._block_scores import BatchPart, part_law, scores_of_parts
from skdrift.performance._cross_validation import resolve_scorers
from skdrift.performance._expectation import FoldScores, folds_behind
from skdrift.performance._recorded import recordable
from skdrift.stats.score_parts import moments_of, run_memory
from skdrift.stats.sequential import mean_upper_bound, share_upper_bound

LEAST_LOSSES = 20
LEAST_BLOCKS = 10
MEMORIES_OF_A_BLOCK = 5.0
SURE_OF_DEPENDENCE = 2.326  # standard errors: one of a hundred independent series


@dataclass(frozen=True, slots=True, kw_only=True)
class RiskBound:
    """What a stream of losses is held against.

    Attributes
    ----------
    bound : float
        Upper confidence bound of the mean loss.
    mean : float
        Mean loss of the rows that the bound is from; NaN if it was given.
    variance : float
        Of the mean loss of a block.
    scale : float
        Unit of the effects: the range of losses, or their mean if they have none.
    block_rows : int
        Rows of a block.
    """

    bound: float
    mean: float
    variance: float
    scale: float
    block_rows: int

    def raised(self, tolerance: float) -> RiskBound:
        """With a tolerance on top."""
        return replace(self, bound=self.bound + tolerance)


def bound_of_losses(
    losses: np.ndarray,
    alpha: float,
    *,
    n_folds: int | None,
    block_rows: int | None,
    loss_range: float | None,
) -> RiskBound:
    """Bound from losses of rows that the model was not fitted on, in their order.

    Losses that are 0 or one other number have Clopper's and Pearson's bound, others
    Student's with their skewness; where rows are averaged to blocks, with the
    autocorrelation of the blocks.

    Raises
    ------
    InputError
        If there are fewer than 20 losses, or fewer than ten blocks.
    """
    losses = losses[~np.isnan(losses)]
    n = len(losses)
    if n < LEAST_LOSSES:
        raise InputError(
            f"losses must hold at least {LEAST_LOSSES} rows with a loss, got {n}; a "
            "bound from so few would be useless"
        )
    if block_rows is None:
        block_rows = rows_of_a_block(losses)
    if n // block_rows < LEAST_BLOCKS:
        raise InputError(
            f"losses must fill at least {LEAST_BLOCKS} blocks of {block_rows} rows, "
            f"got {n} rows; pass a smaller block_rows, or more losses"
        )
    mean, top = float(losses.mean()), float(losses.max())
    folds = 1e12 if n_folds is None else float(n_folds)
    two_valued = top > 0 and bool(np.isin(losses, (0.0, top)).all())
    scale = loss_range or (top if two_valued else mean)
    effective = n * (1.0 - 1.0 / folds)
    if not top:
        # Not one loss: as if it could be as large as the range, or 1.
        scale = loss_range or 1.0
        two_valued, top = True, scale
    if two_valued and (block_rows == 1 or mean == 0):
        bound = top * share_upper_bound(mean / top, effective / block_rows, alpha)
        # A rate that may be as large as its bound varies as that one does.
        variance = bound * (top - bound)
    else:
        bound, variance = _by_blocks(losses, block_rows, alpha, folds)
    return RiskBound(
        bound=bound, mean=mean, variance=variance, scale=scale, block_rows=block_rows
    )


def rows_of_a_block(losses: np.ndarray) -> int:
    """Rows whose means hardly depend on one another; 1 if neighbours do not.

    Five times the memory of the series (one and twice its positive autocorrelations),
    if that of lag 1 is certain. Doubled while neighbouring blocks are still certain to
    be alike, which a memory that ends with the first swing of the series does not
    show; at most as many as leave ten blocks.
    """
    if not _neighbours_are_alike(losses):
        return 1
    n, memory = len(losses), run_memory(losses - losses.mean())[0]
    size = max(1, min(math.ceil(MEMORIES_OF_A_BLOCK * memory), n // LEAST_BLOCKS))
    while 2 * size * LEAST_BLOCKS <= n and _neighbours_are_alike(_means(losses, size)):
        size *= 2
    return size


def _neighbours_are_alike(values: np.ndarray) -> bool:
    """Whether the lag-1 correlation is certain to be above 0."""
    deviation = values - values.mean()
    squares = float(deviation @ deviation)
    if squares <= 0:
        return False
    lag_1 = float(deviation[1:] @ deviation[:-1]) / squares
    return lag_1 * math.sqrt(len(values)) > SURE_OF_DEPENDENCE


def _means(losses: np.ndarray, block_rows: int) -> np.ndarray:
    n_blocks = len(losses) // block_rows
    blocks = losses[: n_blocks * block_rows].reshape(n_blocks, block_rows)
    return np.asarray(blocks.mean(axis=1))


def _by_blocks(
    losses: np.ndarray, block_rows: int, alpha: float, folds: float
) -> tuple[float, float]:
    """Bound of the mean of all, and variance of the mean of a block."""
    means = _means(losses, block_rows)
    n_blocks, memory = len(means), 1.0
    if block_rows > 1:
        memory = min(run_memory(means - means.mean())[0], 0.5 * n_blocks)
    variance, skewness, kurtosis = moments_of(means)
    known = n_blocks / memory
    freedom = min(known - 1.0, 2.0 * n_blocks / max(kurtosis - 1.0, 1e-9))
    bound = mean_upper_bound(
        float(losses.mean()),
        # as sum d² / (K - memory) in place of K - 1
        variance * (n_blocks - 1.0) / (n_blocks - memory),
        known * len(losses) / (n_blocks * block_rows),
        alpha,
        degrees_of_freedom=max(1.0, freedom),
        skewness=skewness,
        n_folds=folds,
    )
    return bound, variance


# --- from a fitted model ------------------------------------------------------

# Scorers that are minus the mean of a loss (accuracy: 1 minus), and its name where
# labels and answers of `predict` are enough for it.
_SCORERS: tuple[tuple[Any, LossName], ...] = (
    (get_scorer("accuracy"), "zero_one"),
    (make_scorer(zero_one_loss, greater_is_better=False), "zero_one"),
    (get_scorer("neg_mean_absolute_error"), "absolute_error"),
    (get_scorer("neg_mean_squared_error"), "squared_error"),
    (get_scorer("neg_mean_absolute_percentage_error"), ""),
    (get_scorer("neg_log_loss"), ""),
    (get_scorer("neg_brier_score"), ""),
)


def bound_of_model(
    model: Any, scorer: str | None, alpha: float
) -> tuple[RiskBound, LossName]:
    """Bound from the held-out scores that a fitted `DriftAwareEstimator` keeps.

    Raises
    ------
    EstimatorError
        If `model` is no `DriftAwareEstimator`, or knows no score that is the mean of
        losses.
    NotFittedError
        If it is not fitted.
    ParameterError
        If it has no such scorer.
    """
    score, loss = _score_of(model, scorer)
    offset = score.right_score if np.isfinite(score.right_score) else 0.0
    mean, folds = offset - score.value, folds_behind(score)
    two_valued = bool(np.isfinite(score.right_score))
    bound = variance = float("nan")
    if two_valued:
        bound = share_upper_bound(
            min(max(mean, 0.0), 1.0), score.n_rows * (1.0 - 1.0 / folds), alpha
        )
        variance = bound * (1.0 - bound)
    elif np.isfinite([score.value, score.row_variance]).all():
        variance = score.row_variance
        bound = mean_upper_bound(
            mean,
            variance,
            score.n_rows,
            alpha,
            degrees_of_freedom=score.degrees_of_freedom,
            skewness=-score.row_skewness,
            n_folds=folds,
        )
    if not np.isfinite(bound):
        raise EstimatorError(
            f"the scorer {score.scorer!r} has no bound: "
            f"{score.reason or 'too few held-out rows'}; pass losses of held-out rows "
            "to SequentialRisk.from_losses"
        )
    of_rows = RiskBound(
        bound=bound,
        mean=mean,
        variance=variance,
        scale=1.0 if two_valued else mean or bound,
        block_rows=1,
    )
    blocks = model.baseline_.blocks
    return (
        of_rows if blocks is None else _with_blocks(of_rows, score, blocks, alpha)
    ), loss


def _with_blocks(
    of_rows: RiskBound, score: FoldScores, blocks: Any, alpha: float
) -> RiskBound:
    """Where rows come in blocks: the larger bound of rows and of blocks."""
    if score.block_kind != "mean":
        raise EstimatorError(
            f"rows come in blocks ({blocks.origin}), and the losses of blocks are not "
            f"known for the scorer {score.scorer!r}; pass the mean losses of held-out "
            "blocks to SequentialRisk.from_losses, and later ones to update"
        )
    part = BatchPart(
        n_blocks=1,
        n_reference=blocks.n_blocks,
        in_order=blocks.origin == "row order",
    )
    rows = max(1, round(blocks.block_rows))
    law = part_law(score.blocks, part, score.value, rows, score.row_variance)
    if law is None:
        raise EstimatorError(
            "rows come in blocks, and there are too few to know how losses vary; pass "
            "losses of held-out rows to SequentialRisk.from_losses"
        )
    values = scores_of_parts(score.blocks, np.eye(len(score.blocks.rows)))
    bound = mean_upper_bound(
        of_rows.mean,
        law.of_center,
        1.0,
        alpha,
        degrees_of_freedom=law.degrees_of_freedom,
        skewness=-law.skewness / math.sqrt(len(values)),
    )
    # Pieces of an order may still be like their neighbours.
    pieces = rows_of_a_block(values) if part.in_order else 1
    return replace(
        of_rows,
        bound=max(of_rows.bound, bound),
        variance=float(np.var(_means(values, pieces), ddof=1)),
        block_rows=rows * pieces,
    )


def _score_of(model: Any, scorer: str | None) -> tuple[FoldScores, LossName]:
    if not hasattr(model, "min_effect") or not hasattr(model, "scoring"):
        raise EstimatorError(
            "model must be a DriftAwareEstimator, got an object of type "
            f"{type(model).__name__}"
        )
    if not hasattr(model, "baseline_"):
        raise NotFittedError(f"{type(model).__name__} must be fitted first: call fit")
    scores: Sequence[FoldScores] = model.baseline_.scores
    names = [score.scorer for score in scores]
    if scorer is not None and scorer not in names:
        raise ParameterError(
            f"scorer must be one of the scorers of the model, {names[:5]}, got "
            f"{scorer!r:.100}"
        )
    known = resolve_scorers(model.estimator_, model.scoring)
    for score in scores:
        loss = _loss_behind(known.get(score.scorer), model.estimator_)
        # A share of errors that is not known row by row is a weighted or an old one.
        by_row = loss != "zero_one" or np.isfinite(score.right_score)
        if loss is not None and by_row and scorer in (None, score.scorer):
            return score, loss
    asked = f"the scorer {scorer!r}" if scorer else f"none of the scorers {names[:5]}"
    raise EstimatorError(
        f"{asked} is the mean of a loss of each row; fit with such a one (scoring="
        "'accuracy', 'neg_mean_absolute_error', 'neg_mean_squared_error', ...), or "
        "pass losses of held-out rows to SequentialRisk.from_losses"
    )


def _loss_behind(scorer: Any, estimator: Any) -> LossName | None:
    """Name of the loss of which a scorer is the mean; None if of none."""
    text = repr(None if scorer is None else recordable(scorer, estimator))
    return next((loss for known, loss in _SCORERS if repr(known) == text), None)
