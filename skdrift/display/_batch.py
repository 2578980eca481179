"""What a picture asks of a model and a batch."""

from __future__ import annotations

from typing import Any

import numpy as np

from skdrift._core.result import FeatureRow
from skdrift.exceptions import (
    EstimatorError,
    InputTypeError,
    NotFittedError,
    ParameterError,
)
from skdrift.report import DriftReport


def checked(model: Any, X: Any, groups: Any = None) -> Any:
    """Report of `model` on a batch.

    Raises
    ------
    EstimatorError, NotFittedError
        If `model` is no fitted `DriftAwareEstimator`.
    """
    return checked_model(model).check(X, groups=groups)


def checked_model(model: Any) -> Any:
    """`model`, if it is one that was fitted.

    Raises
    ------
    EstimatorError, NotFittedError
        If `model` is no fitted `DriftAwareEstimator`.
    """
    if not hasattr(model, "check") or not hasattr(model, "fit"):
        raise EstimatorError(
            "model must be a DriftAwareEstimator, got an object of type"
            f" {type(model).__name__}; of a pipeline pass the step that is one, with"
            " X as that step is given it."
        )
    if not hasattr(model, "baseline_"):
        raise NotFittedError(f"{type(model).__name__} must be fitted first: call fit.")
    return model


def checked_report(report: Any) -> DriftReport:
    """`report`, if it is one.

    Raises
    ------
    InputTypeError
        If it is none.
    """
    if not isinstance(report, DriftReport):
        raise InputTypeError(
            "report must be a DriftReport, as model.check(X) returns, got an object"
            f" of type {type(report).__name__}."
        )
    return report


def position_of(
    labels: tuple[str, ...],
    feature: str | int | None,
    found: tuple[FeatureRow, ...],
) -> int:
    """Position of the column that was asked for; by default of the furthest moved.

    Raises
    ------
    ParameterError
        If there is no such column.
    """
    if feature is None:
        moved = [
            (row.outcome == "drift", np.nan_to_num(row.effect_size, nan=-1.0))
            for row in found
        ]
        return max(range(len(moved)), key=moved.__getitem__)
    if isinstance(feature, str) and feature in labels:
        return labels.index(feature)
    place = feature if isinstance(feature, int | np.integer) else len(labels)
    if not isinstance(feature, bool) and -len(labels) <= place < len(labels):
        return int(place) % len(labels)
    raise ParameterError(
        f"feature must be the name or the position of one of {len(labels)} columns,"
        f" such as {list(labels[:5])}, got {feature!r}."
    )
