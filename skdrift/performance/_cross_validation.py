"""One K-fold pass: fold scores, how much they vary by row, out-of-fold outputs."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from sklearn.base import clone
from sklearn.metrics import get_scorer
from sklearn.model_selection import check_cv
from sklearn.utils import get_tags
from sklearn.utils.parallel import Parallel, delayed

from skdrift._core.rows import take_rows
from skdrift.exceptions import ParameterError
from skdrift.performance._block_scores import (
    BlockSums,
    block_sums,
    scores_of_blocks,
)
from skdrift.performance._outputs import FoldOutputs, fold_outputs
from skdrift.performance._recorded import OwnScore, RecordedModel, recordable
from skdrift.performance._row_scores import (
    RowScores,
    is_of_scikit_learn,
    row_scores,
)

Scorer = Callable[..., float]
Split = tuple[np.ndarray, np.ndarray]

MOST_BLOCKS = 10
LEAST_BLOCK_ROWS = 20
FOLD_ERRORS = (
    ArithmeticError,
    AssertionError,
    AttributeError,
    LookupError,
    NotImplementedError,
    RuntimeError,
    TypeError,
    ValueError,
    Warning,  # where warnings are errors
)
"""What a fold may fail with: fitting, predicting and scoring are anybody's code."""


@dataclass(frozen=True, slots=True)
class FoldResult:
    """What one fold gave.

    Attributes
    ----------
    scores : dict of str to float
        By scorer; NaN where it failed.
    variances : dict of str to float
        Variance of the score of a single row, by scorer: of what the rows contribute
        to a score of scikit-learn, else from blocks of the held-out rows; NaN where
        there are too few.
    blocks : int
        Blocks behind each variance; 0 if there were too few rows.
    n_rows : int
        Held-out rows.
    outputs : FoldOutputs or None
        What the model answered for them.
    reasons : dict of str to str
        Why a scorer, or with the key ``""`` the whole fold, failed.
    rows : dict of str to RowScores
        What each row contributed, for those scorers where that is known; without
        its terms.
    by_block : dict of str to BlockSums
        What each block of rows gave, where rows come in blocks.
    """

    scores: dict[str, float]
    variances: dict[str, float]
    blocks: int
    n_rows: int
    outputs: FoldOutputs | None
    reasons: dict[str, str]
    rows: dict[str, RowScores] = field(default_factory=dict)
    by_block: dict[str, BlockSums] = field(default_factory=dict)


def resolve_scorers(estimator: Any, scoring: Any) -> dict[str, Scorer]:
    """Scorers by name.

    Parameters
    ----------
    estimator : estimator
    scoring : None, str, callable, sequence of str, or dict of str to scorer
        None stands for the estimator's own `score`.

    Raises
    ------
    ParameterError
        If `scoring` names no scorer.
    """
    try:
        if scoring is None:
            if not hasattr(estimator, "score"):
                return {}
            return {"score": _scorer_of_search(estimator) or OwnScore()}
        if isinstance(scoring, str):
            return {scoring: get_scorer(scoring)}
        if callable(scoring):
            return {"score": scoring}
        if isinstance(scoring, Mapping):
            return {str(n): get_scorer(scorer) for n, scorer in scoring.items()}
        if isinstance(scoring, Iterable):
            return {str(name): get_scorer(name) for name in scoring}
    except (ValueError, TypeError) as error:
        raise ParameterError(
            f"scoring must be None, the name of a scorer, a callable, or several of "
            f"them by name, got {str(scoring)[:200]!r}: {error}"
        ) from error
    raise ParameterError(
        "scoring must be None, the name of a scorer, a callable, or several of them "
        f"by name, got {type(scoring).__name__}"
    )


def _scorer_of_search(estimator: Any) -> Scorer | None:
    """Scorer that a fitted search was told to choose by, if there is one."""
    if not hasattr(estimator, "best_estimator_") or estimator.scoring is None:
        return None
    scorer = estimator.scorer_
    return scorer.get(estimator.refit) if isinstance(scorer, Mapping) else scorer


def resolve_splits(
    cv: Any, X: Any, y: Any, *, classifier: bool, split_params: Mapping[str, Any]
) -> list[Split]:
    """Splits as a list: the splitter is asked once.

    Raises
    ------
    ValueError
        What the splitter raises if the rows do not allow for its folds.
    """
    splitter = check_cv(cv, y, classifier=classifier)
    return [
        (_positions(train), _positions(test))
        for train, test in splitter.split(X, y, **split_params)
    ]


def _positions(rows: Any) -> np.ndarray:
    """Positions of rows that are given as positions or as a mask."""
    rows = np.asarray(rows)
    if rows.ndim != 1:
        raise ValueError(
            "cv must give pairs of two lists of positions (training rows, held-out "
            f"rows), got {rows.tolist()!r:.50} in place of a list"
        )
    return np.flatnonzero(rows) if rows.dtype.kind == "b" else rows


def cross_validate_folds(
    estimator: Any,
    X: Any,
    y: Any,
    splits: Sequence[Split],
    scorers: Mapping[str, Scorer],
    *,
    fit_params: Mapping[str, Any],
    score_params: Mapping[str, Mapping[str, Any]],
    n_jobs: int | None,
    seed: int,
    labels: np.ndarray | None = None,
) -> Iterator[FoldResult]:
    """Fit a clone on each fold's training rows; score and answer its held-out rows.

    With `labels` of shape (n_rows,), the block of each row or -1, also block by block.
    """
    parallel = Parallel(n_jobs=n_jobs, return_as="generator")
    jobs = (
        delayed(run_fold)(
            clone(estimator),
            X,
            y,
            split,
            scorers,
            fit_params=fit_params,
            score_params=score_params,
            seed=seed + number,
            labels=labels,
        )
        for number, split in enumerate(splits)
    )
    yield from parallel(jobs)


def run_fold(
    estimator: Any,
    X: Any,
    y: Any,
    split: Split,
    scorers: Mapping[str, Scorer],
    *,
    fit_params: Mapping[str, Any],
    score_params: Mapping[str, Mapping[str, Any]],
    seed: int,
    labels: np.ndarray | None = None,
) -> FoldResult:
    """Fit on the training rows of a split, then judge on the others."""
    train, test = split
    n = n_rows_of(y)
    pairwise = get_tags(estimator).input_tags.pairwise
    try:
        X_train = take_rows(X, train, columns=train if pairwise else None)
        X_test = take_rows(X, test, columns=train if pairwise else None)
        y_train, y_test = take_rows(y, train), take_rows(y, test)
        estimator.fit(X_train, y_train, **take_aligned(fit_params, train, n))
    except FOLD_ERRORS as error:
        return _failed_fold(scorers, len(test), describe(error))
    return judge(
        estimator,
        X_test,
        y_test,
        scorers,
        score_params={
            name: take_aligned(params, test, n) for name, params in score_params.items()
        },
        seed=seed,
        labels=None if labels is None else labels[test],
    )


def judge(
    estimator: Any,
    X: Any,
    y: Any,
    scorers: Mapping[str, Scorer],
    *,
    score_params: Mapping[str, Mapping[str, Any]],
    seed: int,
    labels: np.ndarray | None = None,
) -> FoldResult:
    """Scores, their variance by row, and outputs of a fitted model on held-out rows.

    With `labels`, the block of each row or -1, also what each block gave.
    """
    scores: dict[str, float] = {}
    variances: dict[str, float] = {}
    reasons: dict[str, str] = {}
    known: dict[str, RowScores] = {}
    by_block: dict[str, BlockSums] = {}
    n = n_rows_of(y)
    blocks = _blocks(n, seed)
    recorded = RecordedModel(estimator, X)
    positions = np.arange(n)
    for name, scorer in scorers.items():
        params = score_params.get(name, {})
        on_record = recordable(scorer, estimator)
        use, model, rows = scorer, estimator, X
        if on_record is not None:
            use, model, rows = on_record, recorded, positions
        scores[name], reason = score_of(use, model, rows, y, params)
        if reason:
            reasons[name] = reason
        apart = on_record is not None and not params
        by_row = None
        if apart and is_of_scikit_learn(on_record):
            by_row = _row_scores(on_record, recorded, y, scores[name], (), ())
        if by_row is not None:
            variances[name] = by_row.row_variance() if blocks else np.nan
        else:
            parts = _block_scores(use, model, rows, y, params, blocks)
            variances[name] = _row_variance(parts, blocks)
            if apart:
                by_row = _row_scores(use, recorded, y, scores[name], parts, blocks)
        if by_row is not None:
            known[name] = replace(by_row, terms=None)
        if labels is not None:
            by_block[name] = _by_block(use, model, rows, y, params, by_row, labels)
    try:
        outputs = fold_outputs(recorded, positions)
    except FOLD_ERRORS as error:
        outputs, reasons[""] = None, describe(error)
    return FoldResult(
        scores, variances, len(blocks), n, outputs, reasons, known, by_block
    )


def score_of(
    scorer: Scorer, estimator: Any, X: Any, y: Any, params: Mapping[str, Any]
) -> tuple[float, str]:
    """A score, or NaN and the reason why there is none."""
    try:
        value = float(scorer(estimator, X, y, **params))
    except FOLD_ERRORS as error:
        return float("nan"), describe(error)
    if not np.isfinite(value):
        return float("nan"), f"the scorer returned {value}"
    return value, ""


def describe(error: BaseException) -> str:
    """An exception in one line of at most 200 characters."""
    text = " ".join(str(error).split())
    return f"{type(error).__name__}: {text}"[:200]


def _failed_fold(scorers: Mapping[str, Scorer], n_rows: int, reason: str) -> FoldResult:
    nothing = dict.fromkeys(scorers, float("nan"))
    return FoldResult(nothing, dict(nothing), 0, n_rows, None, {"": reason})


def _blocks(n: int, seed: int) -> list[np.ndarray]:
    """Random blocks of equal size; none if the rows are too few for two."""
    n_blocks = min(MOST_BLOCKS, n // LEAST_BLOCK_ROWS)
    if n_blocks < 2:
        return []
    order = np.random.default_rng(seed).permutation(n)
    size = n // n_blocks
    return [np.sort(order[k * size : (k + 1) * size]) for k in range(n_blocks)]


def _block_scores(
    scorer: Scorer,
    estimator: Any,
    X: Any,
    y: Any,
    params: Mapping[str, Any],
    blocks: Sequence[np.ndarray],
) -> list[float]:
    return [_score_at(scorer, estimator, X, y, params, block) for block in blocks]


def _score_at(
    scorer: Scorer,
    estimator: Any,
    X: Any,
    y: Any,
    params: Mapping[str, Any],
    positions: np.ndarray,
) -> float:
    return score_of(
        scorer,
        estimator,
        take_rows(X, positions),
        take_rows(y, positions),
        take_aligned(params, positions, n_rows_of(y)),
    )[0]


def _by_block(
    scorer: Scorer,
    estimator: Any,
    X: Any,
    y: Any,
    params: Mapping[str, Any],
    by_row: RowScores | None,
    labels: np.ndarray,
) -> BlockSums:
    """By the contributions of rows, or else by scoring blocks one by one."""
    if by_row is not None:
        return block_sums(by_row, labels)

    def score(positions: np.ndarray) -> float:
        return _score_at(scorer, estimator, X, y, params, positions)

    with warnings.catch_warnings():
        # A block of one class has no AUC; that is no news for the user.
        warnings.simplefilter("ignore")
        return scores_of_blocks(score, labels)


def _row_variance(scores: Sequence[float], blocks: Sequence[np.ndarray]) -> float:
    known = [score for score in scores if score == score]
    if len(known) < 2:
        return float("nan")
    return float(np.var(known, ddof=1)) * len(blocks[0])


def _row_scores(
    scorer: Scorer,
    model: RecordedModel,
    y: Any,
    score: float,
    parts: Sequence[float],
    blocks: Sequence[np.ndarray],
) -> RowScores | None:
    """Contributions of the rows; None where they are unknown or not to be had."""
    try:
        return row_scores(
            scorer, model, y, score, n_rows_of(y), zip(blocks, parts, strict=True)
        )
    except FOLD_ERRORS:
        return None


def n_rows_of(values: Any) -> int:
    """Number of rows of a table or of labels in any container."""
    shape = getattr(values, "shape", None)
    if shape:
        return int(shape[0])
    return len(values if hasattr(values, "__len__") else np.asarray(values))


def take_aligned(
    params: Mapping[str, Any], rows: np.ndarray, n_rows: int
) -> dict[str, Any]:
    """Rows of those parameters that have one entry for each row."""
    return {
        name: take_rows(value, rows) if _is_aligned(value, n_rows) else value
        for name, value in params.items()
    }


def _is_aligned(value: Any, n_rows: int) -> bool:
    if isinstance(value, str | bytes | Mapping) or value is None:
        return False
    shape = getattr(value, "shape", None)
    if shape is not None:
        return len(shape) > 0 and shape[0] == n_rows
    return isinstance(value, Sequence) and len(value) == n_rows
