"""What the demo measures: each month of the second year, and of the first."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from sklearn.base import clone
from sklearn.frozen import FrozenEstimator
from sklearn.metrics import mean_absolute_error

from skdrift._core.shown_score import ShownScore, shown_score
from skdrift.performance._decomposition import ScoreDecomposition
from skdrift.report import DriftReport

SCORER = "neg_mean_absolute_error"
OF_SEVERAL = frozenset({"DA104", "DA106", "DA107"})  # of no single column


@dataclass(frozen=True, slots=True, kw_only=True)
class Month:
    """What one month of 2012 showed.

    Attributes
    ----------
    name : str
        For example ``"2012-03"``.
    report : DriftReport
        With the realised score.
    error : ShownScore
        Promised and realised mean absolute error, in rentals an hour.
    predicted, came : float
        Mean rentals an hour.
    scaled_error : float
        Realised error if one factor for the whole month makes the predictions'
        mean right.
    """

    name: str
    report: DriftReport
    error: ShownScore
    predicted: float
    came: float
    scaled_error: float


def check_months(model: Any, bikes: Any) -> list[Month]:
    """Check the months of 2012 one by one, as if each had just ended."""
    names = bikes.time.astype("datetime64[M]")
    return [
        _check_month(model, bikes, str(name), names == name)
        for name in np.unique(names[~bikes.train])
    ]


def _check_month(model: Any, bikes: Any, name: str, rows: np.ndarray) -> Month:
    X, y = bikes.data[rows], bikes.target[rows]
    y_pred = model.predict(X)
    report = with_names(model.check(X, y), bikes.feature_names)
    predicted, came = float(y_pred.mean()), float(y.mean())
    return Month(
        name=name,
        report=report,
        error=shown_score(report.expected_score[SCORER]),
        predicted=predicted,
        came=came,
        scaled_error=float(mean_absolute_error(y, y_pred * (came / predicted))),
    )


def taken_apart(model: Any, bikes: Any, name: str) -> ScoreDecomposition:
    """What the change of the score in one month is made of."""
    rows = bikes.time.astype("datetime64[M]") == np.datetime64(name)
    parts = model.decompose(bikes.data[rows], bikes.target[rows])
    if parts.segment is None:
        return parts
    rule = in_words(parts.segment.rule, bikes.feature_names)
    return replace(parts, segment=replace(parts.segment, rule=rule))


def alarms_by_rows(model: Any, bikes: Any) -> dict[str, tuple[str, ...]]:
    """Columns that alarm in each month of both years if hours count one by one.

    Parameters
    ----------
    model : DriftAwareEstimator
        Fitted on 2011, whose months are thus compared with a year that holds them.
    bikes : BikeSharing
    """
    by_rows = clone(model).set_params(
        estimator=FrozenEstimator(model.estimator_), cv=None, blocks=None
    )
    by_rows.fit(bikes.data[bikes.train], bikes.target[bikes.train])
    names = bikes.time.astype("datetime64[M]")
    return {
        str(name): alarmed_columns(
            with_names(by_rows.check(bikes.data[names == name]), bikes.feature_names)
        )
        for name in np.unique(names)
    }


def alarmed_columns(report: DriftReport) -> tuple[str, ...]:
    """Columns with an alarm of their own, in the order of evidence."""
    return tuple(
        dict.fromkeys(
            name
            for alarm in report.alarms
            if alarm.code not in OF_SEVERAL
            for name in alarm.features
        )
    )


def most_telling(months: Sequence[Month]) -> Month:
    """Month whose realised error is furthest above the promised one."""
    return max(months, key=lambda month: month.error.realised - month.error.value)


def with_names(report: DriftReport, names: Sequence[str]) -> DriftReport:
    """Report that names its columns; those of an array are called x0, x1, ….

    The demo uses arrays, since it must run where no data frame library is.
    """
    named = _names_by_label(names)
    return replace(
        report,
        features=tuple(replace(r, feature=named[r.feature]) for r in report.features),
        findings=tuple(
            replace(
                f,
                features=tuple(named.get(name, name) for name in f.features),
                message=in_words(f.message, names),
            )
            for f in report.findings
        ),
    )


def in_words(text: str, names: Sequence[str]) -> str:
    """Text in which columns of an array have their names."""
    named = _names_by_label(names)
    return re.sub(r"\bx\d+\b", lambda found: named[found[0]], text)


def _names_by_label(names: Sequence[str]) -> dict[str, str]:
    return {f"x{place}": name for place, name in enumerate(names)}
