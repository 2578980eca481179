from __future__ import annotations

import math
import re
from collections.abc import Callable
from typing import Any

import pytest

from skdrift._core.result import FeatureRow, Finding
from skdrift.report import DriftReport
from skdrift.report._verdict import circumstances, power, tone, verdict

FEW = {
    "outcome": "undecided",
    "n_rows": 40,
    "n_checked": 40,
    "detectable_effect": 0.31,
}


def test_drift_counts_alarms_and_distinct_columns(
    make_report: Callable[..., DriftReport],
    make_finding: Callable[..., Finding],
    make_feature: Callable[..., FeatureRow],
) -> None:
    report = make_report(
        outcome="drift",
        findings=(
            make_finding(features=("a", "b")),
            make_finding(code="DA401", features=("b",)),
            make_finding(code="DA305", severity="note", features=("c",)),
        ),
        features=tuple(make_feature(feature=name) for name in "abcd"),
    )
    assert verdict(report) == "DRIFT: 2 alarms in 2 of 4 columns"
    assert tone(report) == "alarm"


def test_a_column_that_training_never_had_is_none_of_its_columns(
    make_report: Callable[..., DriftReport], make_finding: Callable[..., Finding]
) -> None:
    report = make_report(findings=(make_finding(code="DA302", features=("new",)),))
    assert verdict(report) == "ALARM: 1 alarm in 1 column"


def test_the_score_is_named_where_it_alarms(
    make_report: Callable[..., DriftReport], make_finding: Callable[..., Finding]
) -> None:
    score_alone = (make_finding(code="DA201", features=()),)
    both = (make_finding(), *score_alone)
    assert verdict(make_report(findings=score_alone)) == "ALARM: 1 alarm in the score"
    assert verdict(make_report(findings=both)) == (
        "ALARM: 2 alarms in 1 of 1 column and in the score"
    )


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, "OK: no drift larger than 0.10 (KS distance) in 1 column"),
        (
            FEW,
            "UNDECIDED: 40 rows are too few to see less than 0.31 (KS distance);"
            " 900 would do",
        ),
        (
            {**FEW, "rows_needed": math.inf},
            "UNDECIDED: 40 rows are too few to see less than 0.31 (KS distance),"
            " and training has too few for more to help",
        ),
        (
            {**FEW, "n_rows": 1, "n_checked": 1, "detectable_effect": math.nan},
            "UNDECIDED: 1 row is too few to tell",
        ),
        (
            {"outcome": "undecided"},
            "UNDECIDED: no alarm, but more than 0.10 (KS distance) is not ruled out"
            " in 0 of 1 column",
        ),
        (
            {"outcome": "undecided", "n_rows": 0, "n_checked": 0},
            "UNDECIDED: no alarm, but the batch has no rows",
        ),
        ({"outcome": "not tested"}, "UNDECIDED: no alarm, but no shift was tested"),
        ({"outcome": "drift"}, "OK: no alarm, but 0 of 1 column moved"),
    ],
)
def test_every_outcome_has_its_verdict(
    make_report: Callable[..., DriftReport], changes: dict[str, Any], expected: str
) -> None:
    report = make_report(**changes)
    assert verdict(report) == expected
    assert (tone(report) == "good") == (report.outcome == "stable")


def test_columns_that_were_not_tested_are_not_called_stable(
    make_report: Callable[..., DriftReport], make_feature: Callable[..., FeatureRow]
) -> None:
    features = (make_feature(), make_feature(feature="id", outcome="not tested"))
    report = make_report(features=features)
    assert verdict(report).endswith("in 1 of 2 columns")


def test_a_sample_is_named(make_report: Callable[..., DriftReport]) -> None:
    assert circumstances(make_report(n_rows=200_000, n_checked=10_000)) == (
        "(200,000 rows, 10,000 of them looked at for shift, against 8,645 of"
        " training, alpha = 0.01)"
    )
    assert circumstances(make_report()) == (
        "(8,734 rows against 8,645 of training, alpha = 0.01)"
    )


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"detectable_effect": math.nan}, ""),
        ({"rows_needed": math.nan}, ".* KS distance of 0.037 or more."),
        ({"rows_needed": math.inf}, ".*No number of rows.* 8,645 rows of training.*"),
        ({"rows_needed": 900.5}, ".* takes 901 rows to show .* within 0.10."),
    ],
)
def test_power_says_only_what_is_known(
    make_report: Callable[..., DriftReport], changes: dict[str, Any], expected: str
) -> None:
    assert re.fullmatch(expected, power(make_report(**changes)))
