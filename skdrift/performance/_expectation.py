"""The score that cross-validation promises for a batch, and how sure it is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from skdrift._core.result import ScoreExpectation
from skdrift.performance._block_scores import (
    BatchPart,
    BlockKind,
    BlockScores,
    fold_law,
    join_blocks,
    part_law,
)
from skdrift.performance._cross_validation import FoldResult
from skdrift.performance._row_scores import RowScores, Scale, from_scale, to_scale
from skdrift.profile._stored import restore_fields
from skdrift.stats import (
    accuracy_interval,
    accuracy_pvalue,
    score_interval,
    score_pvalue,
)
from skdrift.stats.score_parts import PartLaw

LEVEL = 0.95
LEAST_ROWS = 20
SINGLE: dict[str, type[np.generic]] = {
    "block_terms": np.float32,
    "block_rows": np.float32,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class FoldScores:
    """Scores of one scorer over the folds.

    Stored as the list of its fields: new ones come last and have a default, so that
    what was stored without them still has the law that it had.

    Attributes
    ----------
    scorer : str
    folds : tuple of float
        Score of each fold; NaN where it failed.
    value : float
        Their mean.
    row_variance : float
        Variance of the score of a single row: the score of m independent rows varies
        by ``row_variance / m``.
    degrees_of_freedom : float
        Of the estimate `row_variance`: as many as Student's law needs for it.
    n_rows : int
        Held-out rows in all.
    reason : str
        Why a score is NaN; empty otherwise.
    row_skewness : float
        Third standardised moment of the score of a single row; 0 where single rows
        are unknown.
    row_bias : float
        The score of m rows lies on average ``row_bias / m`` beside that of very many;
        0 for a mean.
    right_score : float
        Score of a row that is answered right, where each row is right or, one lower,
        wrong; else NaN.
    scale : {"plain", "log_rest"}
        Scale of variance, skewness and bias: the score's own, or -log(1 - score).
    block_kind, block_terms, block_rows, within_variance
        Scores of blocks of rows, as `BlockScores`; ``""``, (), () and NaN where rows
        count one by one, or nothing is known of blocks.
    """

    scorer: str
    folds: tuple[float, ...]
    value: float
    row_variance: float
    degrees_of_freedom: float
    n_rows: int
    reason: str = ""
    row_skewness: float = 0.0
    row_bias: float = 0.0
    right_score: float = float("nan")
    scale: Scale = "plain"
    block_kind: BlockKind = ""
    block_terms: np.ndarray | tuple[()] = field(default=(), compare=False)
    block_rows: np.ndarray | tuple[()] = field(default=(), compare=False)
    within_variance: float = field(default=float("nan"), compare=False)

    @property
    def blocks(self) -> BlockScores:
        """Scores of blocks of rows."""
        return BlockScores(
            kind=self.block_kind,
            terms=self.block_terms,
            rows=self.block_rows,
            within=self.within_variance,
        )

    def __setstate__(self, state: Sequence[object]) -> None:
        restore_fields(self, state, SINGLE)


def fold_scores(name: str, results: Sequence[FoldResult]) -> FoldScores:
    """Put the folds of one scorer together.

    A fold that failed is left out of the mean, and its reason is kept.
    """
    folds = np.array([result.scores[name] for result in results])
    known = np.isfinite(folds)
    reasons = [
        f"fold {number}: {result.reasons.get(name) or result.reasons.get('', '')}"
        for number, result in enumerate(results)
        if not known[number]
    ]
    rows = np.array([result.n_rows for result in results])
    if not known.any():
        return FoldScores(
            scorer=name,
            folds=tuple(folds.tolist()),
            value=float("nan"),
            row_variance=float("nan"),
            degrees_of_freedom=float("nan"),
            n_rows=0,
            reason="; ".join(reasons)[:500] or "there was no fold",
        )
    judged = [
        result for result, is_known in zip(results, known, strict=True) if is_known
    ]
    by_row = [result.rows[name] for result in judged if name in result.rows]
    if len(by_row) == len(judged) and rows[known].sum() >= LEAST_ROWS:
        moments, scale = _moments(by_row), by_row[0].scale
    else:
        row_variance, degrees_of_freedom = _row_variance(
            folds[known],
            rows[known],
            np.array([result.variances[name] for result in judged]),
            np.array([result.blocks for result in judged]),
        )
        moments = {
            "row_variance": row_variance,
            "degrees_of_freedom": degrees_of_freedom,
        }
        scale = "plain"
    by_block = [result.by_block.get(name) for result in judged]
    if len(moments) == 2:
        # Without a law of rows there is no scale but the score's own.
        by_block = [b if b is None or b.kind == "score" else None for b in by_block]
    blocks = join_blocks(by_block)
    return FoldScores(
        scorer=name,
        folds=tuple(folds.tolist()),
        value=float(folds[known].mean()),
        n_rows=int(rows[known].sum()),
        reason="; ".join(reasons)[:500],
        scale=scale,
        block_kind=blocks.kind,
        block_terms=blocks.terms,
        block_rows=blocks.rows,
        within_variance=blocks.within,
        **moments,
    )


def _moments(folds: Sequence[RowScores]) -> dict[str, float]:
    """Moments of the score of a single row, by the rows of all folds together.

    The degrees of freedom are those of a chi-square law as variable as the estimate
    of the variance is, given the fourth moment of the rows.
    """
    values = np.concatenate([fold.values for fold in folds])
    weights = [len(fold.values) / len(values) for fold in folds]
    n = len(values)
    centred = values - values.mean()
    second, third, fourth = (float((centred**power).mean()) for power in (2, 3, 4))
    skewness, freedom = 0.0, n - 1.0
    if second > np.finfo(np.float64).eps * float((values**2).mean()):
        bend = float(np.average([fold.bend for fold in folds], weights=weights))
        bias_of_moment = np.sqrt(n * (n - 1.0)) / (n - 2.0)
        skewness = float(bias_of_moment * (third + bend) / second**1.5)
        freedom = min(freedom, 2.0 * n / max(fourth / second**2 - 1.0, 1e-9))
    return {
        "row_variance": second * n / (n - 1.0),
        "degrees_of_freedom": freedom,
        "row_skewness": skewness,
        "row_bias": float(np.average([fold.bias for fold in folds], weights=weights)),
        "right_score": folds[0].right_score,
    }


def _row_variance(
    folds: np.ndarray, rows: np.ndarray, variances: np.ndarray, blocks: np.ndarray
) -> tuple[float, float]:
    """Within folds where there are blocks, else from one fold to the next.

    Returns the variance and its degrees of freedom.
    """
    inside = np.isfinite(variances)
    if inside.any():
        return float(variances[inside].mean()), float((blocks[inside] - 1).sum())
    if len(folds) < 2:
        return float("nan"), float("nan")
    return float(np.var(folds, ddof=1) * rows.mean()), float(len(folds) - 1)


def expected_scores(
    scores: Sequence[FoldScores],
    n_rows: int,
    *,
    level: float = LEVEL,
    part: BatchPart | None = None,
) -> dict[str, ScoreExpectation]:
    """What each scorer promises for a batch; see `expected_score`."""
    return {
        score.scorer: expected_score(score, n_rows, level, part) for score in scores
    }


def folds_behind(score: FoldScores) -> float:
    """Number of folds of the interval; one held-out set shares no row with training,
    as if there were infinitely many folds.
    """
    known = len(_known_folds(score))
    return known if known > 1 else 1e12


def expected_score(
    score: FoldScores, n_rows: float, level: float, part: BatchPart | None = None
) -> ScoreExpectation:
    """What one scorer promises for a batch.

    Parameters
    ----------
    score : FoldScores
    n_rows : float
        Labelled rows that the score is worth.
    level : float
        Coverage.
    part : BatchPart or None
        What the batch is where rows come in blocks: the interval holds both what it
        is for `n_rows` independent rows and what it is for so many blocks.
    """
    low = high = float("nan")
    reason, basis = score.reason, ""
    if n_rows > 0 and has_law(score):
        low, high = _limits(score, n_rows, level)
        if part is not None:
            law = _law_of_part(score, n_rows, part)
            basis = _basis(score, part, law)
            if law is not None:
                ends = from_scale(law.limits(folds_behind(score), level), score.scale)
                low, high = min(low, float(ends[0])), max(high, float(ends[1]))
    elif np.isfinite(score.value):
        reason = reason or "no interval: too few held-out rows to see how scores vary"
    return ScoreExpectation(
        scorer=score.scorer,
        value=score.value,
        low=low,
        high=high,
        level=level,
        n_rows=int(n_rows),
        reason=reason,
        basis=basis,
    )


def _law_of_part(score: FoldScores, n_rows: float, part: BatchPart) -> PartLaw | None:
    value = float(to_scale(_known_folds(score), score.scale).mean())
    if score.block_kind == "folds":
        folds = to_scale(_known_folds(score), score.scale)
        law = fold_law(folds, part, value)
    else:
        n_rows = part.n_rows or n_rows
        found = part_law(score.blocks, part, value, n_rows, score.row_variance)
        if found is None:
            return None
        law = found
    if part.unlabelled:
        added = part.unlabelled * score.row_variance
        law = replace(law, variance=law.variance + added)
    known = np.isfinite([law.center, law.variance, law.of_center, law.skewness])
    return law if known.all() else None


def _basis(score: FoldScores, part: BatchPart, law: PartLaw | None) -> str:
    if law is None:
        return "rows, not blocks: it is not known how the score of a block varies"
    freedom = f"{law.degrees_of_freedom:.0f} degrees of freedom"
    model = f"by the model of Student's t with {freedom}"
    if score.block_kind == "folds":
        n_folds = len(_known_folds(score))
        return f"blocks by the {n_folds} folds, each of whole blocks, {model}"
    n_known = len(score.block_rows)
    counts = f"blocks, {part.n_blocks:,} against {part.n_reference:,}"
    if n_known < part.n_reference:
        counts += f", {n_known:,} of them scored"
    return f"{counts}, {model}"


def _known_folds(score: FoldScores) -> np.ndarray:
    folds = np.array(score.folds)
    return folds[np.isfinite(folds)]


def has_law(score: FoldScores) -> bool:
    """Whether it is known how the score of a batch varies."""
    return bool(np.isfinite([score.value, score.row_variance]).all())


def _limits(score: FoldScores, n_rows: float, level: float) -> tuple[float, float]:
    n_folds = folds_behind(score)
    if np.isfinite(score.right_score):
        wrong = score.right_score - 1.0
        shares = accuracy_interval(
            _share(score.value, wrong), score.n_rows, n_folds, n_rows, level
        )
        return wrong + float(shares.low), wrong + float(shares.high)
    interval = score_interval(
        _center(score, n_rows),
        score.row_variance,
        score.n_rows,
        n_folds,
        n_rows,
        degrees_of_freedom=score.degrees_of_freedom,
        level=level,
        row_skewness=score.row_skewness,
    )
    low, high = from_scale(np.array([interval.low, interval.high]), score.scale)
    return float(low), float(high)


def realised_pvalue(
    score: FoldScores, realised: float, n_rows: float, part: BatchPart | None = None
) -> float:
    """Probability of a score this low or lower if nothing changed.

    By the law of the interval: NaN where there is none or no score. Where rows come
    in blocks, the larger of that of rows and that of blocks.
    """
    if not (np.isfinite(realised) and has_law(score)):
        return float("nan")
    pvalue = _pvalue_of_rows(score, realised, n_rows)
    law = None if part is None else _law_of_part(score, n_rows, part)
    if law is None:
        return pvalue
    at = float(to_scale(realised, score.scale))
    return max(pvalue, law.pvalue(at, folds_behind(score)))


def _pvalue_of_rows(score: FoldScores, realised: float, n_rows: float) -> float:
    n_folds = folds_behind(score)
    if np.isfinite(score.right_score):
        wrong = score.right_score - 1.0
        known = _share(score.value, wrong), score.n_rows, n_folds
        return _pvalue_of_share(realised - wrong, known, n_rows)
    return float(
        score_pvalue(
            to_scale(realised, score.scale),
            _center(score, n_rows),
            score.row_variance,
            score.n_rows,
            n_folds,
            n_rows,
            degrees_of_freedom=score.degrees_of_freedom,
            row_skewness=score.row_skewness,
        )
    )


def _pvalue_of_share(
    share: float, known: tuple[float, int, float], n_rows: float
) -> float:
    """Of a share of right answers among so many rows, which need not be whole."""
    if n_rows == int(n_rows):
        return float(accuracy_pvalue(share, *known, n_rows))
    # Between the two whole numbers of wrong answers, as a law without steps that
    # has the same mass around each.
    wrong = n_rows * (1.0 - share)
    fewer = float(np.floor(wrong + 1e-9))
    ends = accuracy_pvalue(
        1.0 - np.array([fewer, fewer + 1.0]) / n_rows, *known, n_rows
    )
    rest = float(np.clip(wrong - fewer, 0.0, 1.0))
    return float((1.0 - rest) * ends[0] + rest * ends[1])


def _share(value: float, wrong: float) -> float:
    return float(np.clip(value - wrong, 0.0, 1.0))


def _center(score: FoldScores, n_rows: float) -> float:
    """Mean of the scores of batches: the bias of folds off, that of the batch on."""
    folds = _known_folds(score)
    center = float(to_scale(folds, score.scale).mean())
    return center + score.row_bias * (1.0 / n_rows - len(folds) / score.n_rows)
