"""What `fit` does beside fitting: the profile and the K-fold pass."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import sklearn.exceptions
from sklearn.base import clone, is_classifier, is_regressor
from sklearn.frozen import FrozenEstimator
from sklearn.model_selection import GroupKFold, KFold, StratifiedGroupKFold
from sklearn.utils import get_tags
from sklearn.utils.multiclass import type_of_target
from sklearn.utils.validation import check_is_fitted

from skdrift._core.frame import read_table
from skdrift.estimator._baseline import Baseline
from skdrift.estimator._progress import drop_callbacks
from skdrift.estimator._routing import fold_fit_params
from skdrift.estimator._timing import TrainingTimes, standing_columns
from skdrift.exceptions import (
    BaselineWarning,
    InputError,
    InputTypeError,
    NotFittedError,
    OptimisticScoreWarning,
)
from skdrift.guards._novelty import (
    RowNovelty,
    fit_novelty,
    resolve_detector,
    sample_rows,
)
from skdrift.performance._cross_validation import (
    FOLD_ERRORS,
    FoldResult,
    Split,
    cross_validate_folds,
    describe,
    judge,
    resolve_scorers,
    resolve_splits,
)
from skdrift.performance._expectation import fold_scores
from skdrift.performance._loss_models import LossModels
from skdrift.performance._optimism import ScoreOptimism, optimism_text, remedy
from skdrift.performance._outputs import HeldOutOutputs, learn_outputs
from skdrift.performance._reference_rows import ReferenceRows
from skdrift.profile import Profile
from skdrift.profile._blocks import BlockValues
from skdrift.profile._grid import N_CELLS
from skdrift.profile._profile import learn_profile
from skdrift.shift import (
    Dependence,
    FoundBlocks,
    find_blocks,
    learn_dependence,
    learn_dependence_of_blocks,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class PassSettings:
    """Arguments of the K-fold pass."""

    cv: Any
    scoring: Any
    groups: Any
    fit_params: Mapping[str, Any]
    score_params: Mapping[str, Mapping[str, Any]]
    n_jobs: int | None
    seed: int


def is_prefit(estimator: Any, cv: Any) -> bool:
    """Whether the estimator is fitted already, and X and y are a calibration set."""
    return (isinstance(cv, str) and cv == "prefit") or isinstance(
        estimator, FrozenEstimator
    )


def check_prefit(model: Any) -> None:
    """Refuse a model that is said to be fitted and is not.

    Raises
    ------
    NotFittedError
        If `model` is not fitted.
    """
    try:
        check_is_fitted(model)
    except sklearn.exceptions.NotFittedError as error:
        raise NotFittedError(
            f"cv='prefit' takes a fitted estimator, got {model!r:.100}, which is not: "
            "call its fit first"
        ) from error


def is_judged(estimator: Any) -> bool:
    """Whether there is a K-fold pass for such an estimator."""
    return is_classifier(estimator) or is_regressor(estimator)


def reference_profile(
    X: Any, *, categorical_features: Any, min_category_count: int
) -> Profile | InputError | InputTypeError:
    """Profile of the training rows, or the error that says why there is none.

    The error is the caller's to raise, after the model's own if that has one.
    """
    try:
        return learn_profile(
            read_table(X),
            categorical_features=categorical_features,
            n_cells=N_CELLS,
            min_category_count=min_category_count,
        )
    except (InputError, InputTypeError) as error:
        return error


def learn_blocks(
    X: Any, reference: Any, groups: Any, blocks: Any, times: TrainingTimes | None
) -> FoundBlocks:
    """Blocks of training rows; none if the rows could not be read.

    Raises
    ------
    ParameterError
        If `groups` or `blocks` break their rule.
    """
    if isinstance(reference, Exception):
        return FoundBlocks()
    if times is None:
        return find_blocks(X, reference, groups, blocks)
    return find_blocks(
        X, reference, groups, blocks, order=times.order, times=times.rising
    )


def learn_joint(
    X: Any, reference: Any, blocks: FoundBlocks, times: TrainingTimes | None
) -> Dependence | None:
    """Dependence between columns, and how it varies from block to block.

    None if the rows could not be read, or have no two columns to compare.
    """
    if isinstance(reference, Exception):
        return None
    standing = standing_columns(reference, times.trend if times else None)
    if blocks.values is None or blocks.labels is None:
        return learn_dependence(read_table(X), standing)
    return learn_dependence_of_blocks(
        X, standing, blocks.labels, contiguous=blocks.in_order
    )


def learn_novelty(
    novelty: Any, X: Any, reference: Any, seed: int
) -> Callable[[], RowNovelty] | None:
    """What fits the detector of novel rows; the rows are read at once.

    Raises
    ------
    ParameterError
        If `novelty` is no detector, or `X` is sparse.
    InputError
        If no column can be used.
    """
    if novelty is None or isinstance(reference, Exception):
        return None
    detector = resolve_detector(novelty, seed)
    sample = sample_rows(X, reference, seed)
    return lambda: fit_novelty(detector, sample)


def fit_model(
    model: Any, method: str, X: Any, y: Any, params: dict[str, Any], *, prefit: bool
) -> Any:
    """Fit a model, unless it is, and answer for the training rows if `method` does."""
    if prefit:
        answer = method.removeprefix("fit_")
        return None if answer == "fit" else getattr(model, answer)(X)
    fit = getattr(model, method)
    alone = y is None and not get_tags(model).target_tags.required
    return fit(X, **params) if alone else fit(X, y, **params)


def plan_splits(
    estimator: Any,
    X: Any,
    y: Any,
    settings: PassSettings,
    blocks: FoundBlocks,
    times: TrainingTimes | None = None,
) -> tuple[list[Split], str]:
    """Folds of the pass, or none and the reason.

    With pieces of the row order or with times, and without `groups`, an integer `cv`
    means folds of neighbours in that order; for classes, folds of whole pieces.
    """
    if settings.cv is None or is_prefit(estimator, settings.cv):
        return [], ""
    if y is None or not is_judged(estimator):
        return [], ""
    classifier = is_classifier(estimator)
    cv = _grouped(settings, y, classifier=classifier)
    split_params = {} if settings.groups is None else {"groups": settings.groups}
    in_order = blocks.in_order or times is not None
    if in_order and settings.groups is None and _is_number(settings.cv):
        cv = KFold(settings.cv)
        if classifier and type_of_target(y) in {"binary", "multiclass"}:
            cv = StratifiedGroupKFold(settings.cv)
            split_params = {"groups": _piece_labels(blocks, times)}
        elif times is not None:
            cv = _InOrder(cv, times.order)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            splits = resolve_splits(
                cv,
                X,
                y,
                classifier=classifier,
                split_params=split_params,
            )
        except (ValueError, TypeError) as error:
            return [], f"no cross-validated score: {describe(error)}"
    return splits, "" if splits else "no cross-validated score: cv gives no splits"


def _piece_labels(blocks: FoundBlocks, times: TrainingTimes | None) -> Any:
    if blocks.in_order or times is None:
        return blocks.labels
    return times.labels()


@dataclass(frozen=True, slots=True)
class _InOrder:
    """Folds of rows that are neighbours in an order."""

    folds: KFold
    order: np.ndarray

    def split(self, X: Any, y: Any = None, groups: Any = None) -> Iterator[Split]:
        for train, test in self.folds.split(self.order):
            yield np.sort(self.order[train]), np.sort(self.order[test])

    def get_n_splits(self, X: Any = None, y: Any = None, groups: Any = None) -> int:
        return int(self.folds.get_n_splits())


def _grouped(settings: PassSettings, y: Any, *, classifier: bool) -> Any:
    """Number of folds together with groups means folds of whole groups."""
    cv = settings.cv
    if settings.groups is None or not _is_number(cv):
        return cv
    if classifier and type_of_target(y) in {"binary", "multiclass"}:
        return StratifiedGroupKFold(cv)
    return GroupKFold(cv)


def _is_number(cv: Any) -> bool:
    return isinstance(cv, int | np.integer)


def run_pass(
    model: Any,
    X: Any,
    y: Any,
    splits: Sequence[Split],
    settings: PassSettings,
    blocks: FoundBlocks,
    fold_done: Callable[[], None],
) -> tuple[list[FoldResult], str]:
    """Results of the folds, or of the calibration set; and where they come from.

    With `blocks` also of each block.
    """
    if is_prefit(model, settings.cv):
        if y is None or not is_judged(model):
            return [], ""
        scorers = resolve_scorers(model, settings.scoring)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            result = judge(
                model,
                X,
                y,
                scorers,
                score_params=settings.score_params,
                seed=settings.seed,
                labels=blocks.labels,
            )
        return [result], "calibration set"
    if not splits:
        return [], ""
    template = drop_callbacks(clone(getattr(model, "best_estimator_", model)))
    fit_params = fold_fit_params(model, settings.fit_params)
    results = []
    for result in cross_validate_folds(
        template,
        X,
        y,
        splits,
        resolve_scorers(model, settings.scoring),
        fit_params=fit_params,
        score_params=settings.score_params,
        n_jobs=settings.n_jobs,
        seed=settings.seed,
        labels=blocks.labels,
    ):
        results.append(result)
        fold_done()
    return results, f"{len(results)} folds"


def assemble_baseline(
    model: Any,
    reference: Profile,
    results: Sequence[FoldResult],
    splits: Sequence[Split],
    settings: PassSettings,
    *,
    pass_name: str,
    reason: str,
    blocks: FoundBlocks,
    dependence: Dependence | None,
    times: TrainingTimes | None = None,
    optimism: tuple[ScoreOptimism, ...] = (),
    note: str = "",
    losses: LossModels | None = None,
    reference_rows: ReferenceRows | None = None,
) -> Baseline:
    """Put together what was learned; what was not is said in a warning."""
    notes = [reason] if reason else []
    scores = []
    if results:
        names = list(results[0].scores)
        scores = [fold_scores(name, results) for name in names]
        notes += [
            f"score {score.scorer!r}: {score.reason}"
            for score in scores
            if score.reason
        ]
    outputs, problem = _held_out_outputs(model, reference, results, splits, blocks)
    if problem:
        notes.append(problem)
    if notes:
        warnings.warn(
            "fit could not learn all of the baseline. " + "; ".join(notes)[:600],
            BaselineWarning,
            stacklevel=5,
        )
    too_good = [optimism_text(one) for one in optimism if one.is_certain]
    if too_good:
        warnings.warn(
            f"{'; '.join(too_good)[:600]}. Reports expect the score by blocks (DA203); "
            f"{remedy(in_order=blocks.in_order)}",
            OptimisticScoreWarning,
            stacklevel=5,
        )
    return Baseline(
        reference=reference,
        outputs=outputs.profile if outputs else None,
        scores=tuple(scores),
        pass_name=pass_name,
        notes=(
            *notes,
            *filter(None, [note]),
            *(times.notes if times else ()),
            *blocks.notes,
        ),
        blocks=blocks.values,
        dependence=dependence,
        trend=times.trend if times else None,
        output_tolerance=outputs.tolerance if outputs else None,
        output_blocks=_blocks_of_outputs(outputs, blocks),
        optimism=optimism,
        losses=losses,
        reference_rows=reference_rows,
    )


def _held_out_outputs(
    model: Any,
    reference: Profile,
    results: Sequence[FoldResult],
    splits: Sequence[Split],
    blocks: FoundBlocks,
) -> tuple[HeldOutOutputs | None, str]:
    """What was answered for held-out rows, or None and the reason."""
    tests = [test for _, test in splits] or [np.arange(reference.n_rows)]
    answered = [
        (result.outputs, test)
        for result, test in zip(results, tests, strict=False)
        if result.outputs is not None and len(test)
    ]
    if not answered:
        return None, ""
    try:
        found = learn_outputs(
            [outputs for outputs, _ in answered],
            [test for _, test in answered],
            classifier=is_classifier(model),
            same_model=not splits,
            labels=blocks.labels,
        )
    except (*FOLD_ERRORS, InputError) as error:
        return None, f"no profile of the model's outputs: {describe(error)}"
    return found, ""


def _blocks_of_outputs(
    outputs: HeldOutOutputs | None, blocks: FoundBlocks
) -> BlockValues | None:
    if outputs is None or outputs.block_values is None or blocks.values is None:
        return None
    own = blocks.values
    return BlockValues.of(
        outputs.block_values, own.origin, own.n_blocks, own.block_rows
    )
