"""Class priors of a batch: asked for, and beside an alarm of the answers."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from sklearn.base import is_classifier

from skdrift._core.frame import Table
from skdrift._core.labelled import known_labels, labelled_rows
from skdrift._core.result import Finding
from skdrift.estimator._baseline import Baseline
from skdrift.estimator._looking import Explanation
from skdrift.exceptions import EstimatorError
from skdrift.performance._answered_batch import class_numbers
from skdrift.performance._class_priors import estimate_class_priors
from skdrift.performance._label_shift import LabelShiftEstimate, prior_text
from skdrift.performance._outputs import FoldOutputs

MOST_SHOWN = 3
UNLEARNED = (
    "the model was fitted by a version that did not learn what the classes look like: "
    "fit it again"
)


def why_no_priors(baseline: Baseline, model: Any) -> str:
    """Why class priors cannot be estimated; empty if they can."""
    if not is_classifier(model):
        return (
            f"{type(model).__name__} is no classifier, and label shift is of classes: "
            "check(X) says whether its answers moved (DA106), estimate_score(X) what "
            "that does to the score"
        )
    losses = baseline.losses
    if losses is None:
        return (
            "fit learned nothing for it; it takes labels, performance='auto', and a "
            "cv that is not None (or a calibration set)"
        )
    return losses.reason or ("" if losses.class_laws is not None else UNLEARNED)


def label_shift_of(
    baseline: Baseline,
    model: Any,
    outputs: FoldOutputs | None,
    table: Table,
    *,
    alpha: float,
    blocks: np.ndarray | None,
) -> LabelShiftEstimate:
    """Class priors of a batch.

    Raises
    ------
    EstimatorError
        If they cannot be estimated; the message says why.
    """
    reason = why_no_priors(baseline, model)
    if reason:
        raise EstimatorError(f"no class priors can be estimated: {reason}")
    assert baseline.losses is not None
    return estimate_class_priors(
        baseline.losses,
        baseline.reference,
        model.classes_,
        outputs,
        table,
        alpha=alpha,
        blocks=blocks,
    )


@dataclass(frozen=True, slots=True, eq=False)
class KnownLabels:
    """Labels that have arrived for some rows of a batch.

    Attributes
    ----------
    counts : ndarray of int of shape (n_classes,)
        Labelled rows of each class.
    n_labelled, n_rows : int
        Rows with a label, of a class or not, and all.
    """

    counts: np.ndarray
    n_labelled: int
    n_rows: int


def labels_of_some(model: Any, y: Any) -> KnownLabels | None:
    """Labels of a batch as `explanation` takes them; None if there are none."""
    labelled = labelled_rows(y)
    rows = np.flatnonzero(labelled)
    classes = getattr(model, "classes_", None)
    if not len(rows) or classes is None or isinstance(classes, list):
        return None
    labels = np.asarray(known_labels(y, rows))
    if labels.shape[:1] != rows.shape:  # sparse
        return None
    numbers = class_numbers(labels.reshape(len(rows), -1)[:, 0], classes)
    counts = np.bincount(numbers[numbers >= 0], minlength=len(classes))
    return KnownLabels(counts, len(rows), len(labelled))


def explanation(
    baseline: Baseline,
    model: Any,
    outputs: FoldOutputs | None,
    table: Table,
    alpha: float,
    blocks: np.ndarray | None,
    y: Any = None,
) -> Explanation | None:
    """What says of alarms of the answers whether label shift explains them.

    None if every row has a label: the shares of the classes are then counted, not
    estimated, and `decompose` tests label shift class by class. Labels of some rows
    are told beside the estimate, which is of all rows.
    """
    if outputs is None or why_no_priors(baseline, model):
        return None
    labels = None if y is None else labels_of_some(model, y)
    if labels is not None and labels.n_labelled == labels.n_rows:
        return None

    def explain(findings: tuple[Finding, ...]) -> tuple[Finding, ...]:
        estimate = label_shift_of(
            baseline, model, outputs, table, alpha=alpha, blocks=blocks
        )
        return with_label_shift(findings, estimate, labels)

    return explain


def with_label_shift(
    findings: Sequence[Finding],
    estimate: LabelShiftEstimate,
    labels: KnownLabels | None = None,
) -> tuple[Finding, ...]:
    """Alarms of the answers, the strongest with what label shift has to do with it."""
    if not findings or estimate.supports_label_shift is None:
        return tuple(findings)
    strongest = min(findings, key=lambda f: (f.pvalue, -abs(f.effect_size)))
    message = f"{strongest.message}; {_message(estimate)}"
    if labels is not None:
        message += f"; {_counted(estimate, labels)}"
    told = replace(
        strongest,
        message=message,
        advice=f"{_advice(estimate)}; {strongest.advice}",
    )
    return tuple(told if own is strongest else own for own in findings)


def _message(estimate: LabelShiftEstimate) -> str:
    if not estimate.supports_label_shift or not estimate.moved:
        return estimate.conclusion
    shown = [
        f"class {estimate.classes[k]!r:.40} {prior_text(estimate, k)}"
        for k in _most_changed(estimate)
    ]
    return f"{estimate.conclusion}: {', '.join(shown)}"


def _most_changed(estimate: LabelShiftEstimate) -> list[int]:
    """Classes to speak of: of two the second."""
    changes = [
        abs(now - was) if math.isfinite(now) else 0.0
        for now, was in zip(estimate.priors, estimate.training_priors, strict=True)
    ]
    if len(changes) == 2:
        return [1]
    most = np.argsort(changes, kind="stable")[::-1][:MOST_SHOWN]
    return [int(place) for place in most]


def _counted(estimate: LabelShiftEstimate, labels: KnownLabels) -> str:
    """What the labels at hand say of the same classes."""
    shown = [
        f"{count:,} ({100 * count / labels.n_labelled:.0f} %) are "
        f"{estimate.classes[k]!r:.40}"
        for k in _most_changed(estimate)
        for count in [int(labels.counts[k])]
    ]
    rows = f"{labels.n_labelled:,} of {labels.n_rows:,} rows"
    return f"of {rows} with a label {', '.join(shown)}"


def _advice(estimate: LabelShiftEstimate) -> str:
    if estimate.supports_label_shift and estimate.moved:
        return (
            "if only the classes' frequency changed, "
            "estimate_label_shift(X).correct(proba) gives probabilities for the new one"
        )
    return "do not correct probabilities for new class priors"
