"""What `fit` learns to estimate scores without labels."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from sklearn.base import is_classifier

from skdrift.estimator._by_blocks import Passes
from skdrift.estimator._learning import PassSettings, is_judged, is_prefit
from skdrift.estimator._timing import TrainingTimes
from skdrift.performance._cross_validation import Split
from skdrift.performance._loss_models import LossModels
from skdrift.performance._out_of_fold import (
    CodedRows,
    code_training_rows,
    learn_from_pass,
)
from skdrift.performance._reference_rows import ReferenceRows
from skdrift.shift import FoundBlocks


def code_rows(
    X: Any,
    y: Any,
    reference: Any,
    splits: Sequence[Split],
    settings: PassSettings,
    estimator: Any,
    performance: str | None,
) -> CodedRows | None:
    """Rows that scores without labels are learned from; None if they are not."""
    unknown = y is None or isinstance(reference, Exception)
    if performance is None or unknown or not is_judged(estimator):
        return None
    if not splits and not is_prefit(estimator, settings.cv):
        return None
    held_out = [np.where(test < 0, test + reference.n_rows, test) for _, test in splits]
    return code_training_rows(X, y, reference, held_out, settings.seed)


def learn_expected(
    coded: CodedRows | None,
    model: Any,
    y: Any,
    passes: Passes,
    settings: PassSettings,
    blocks: FoundBlocks,
    times: TrainingTimes | None,
    keep: int | None = None,
) -> tuple[LossModels | None, ReferenceRows | None]:
    """What estimates scores without labels, and the rows that are kept.

    Halves are of whole blocks.
    """
    if coded is None or not passes.results:
        return None, None
    groups = blocks.labels
    if groups is None and times is not None:
        groups = times.labels()
    classes = getattr(model, "classes_", None) if is_classifier(model) else None
    if is_classifier(model) and classes is None:
        return LossModels(reason="the fitted classifier has no classes_"), None
    return learn_from_pass(
        coded, y, passes.splits, passes.results, classes, groups, settings.seed, keep
    )
