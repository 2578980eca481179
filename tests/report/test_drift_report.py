from __future__ import annotations

import copy
import dataclasses
import math
import pickle
import sys
from collections.abc import Callable
from typing import Any

import pytest

from skdrift._core.result import FeatureRow, Finding, ScoreExpectation
from skdrift.exceptions import (
    MissingDependencyError,
    ParameterError,
    SkdriftError,
)
from skdrift.report import DriftReport, RejectedRows


def test_a_report_has_no_truth_value_and_says_what_to_ask(
    rich_report: DriftReport,
) -> None:
    with pytest.raises(TypeError, match=r"report\.ok \(here False\)") as caught:
        bool(rich_report)
    assert isinstance(caught.value, SkdriftError)


def test_a_report_cannot_be_changed(rich_report: DriftReport) -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        rich_report.ok = True  # type: ignore[misc]


def test_equality_is_by_value_with_nan_equal_to_nan(
    make_report: Callable[..., DriftReport], make_feature: Callable[..., FeatureRow]
) -> None:
    def build(value: float) -> DriftReport:
        return make_report(
            rows_needed=value, features=(make_feature(wasserstein=value),)
        )

    assert build(float("nan")) == build(float("nan"))
    assert build(1.0) == build(1.0)
    assert build(1.0) != build(2.0)
    assert build(math.nan) != build(math.inf)
    assert build(1.0) != "report"


def rejected(**changes: Any) -> RejectedRows:
    values: dict[str, Any] = {
        "policy": "abstain",
        "n_rows": 2,
        "rows": (4, 9),
        "reasons": (("age: missing",), ("age: missing", "city: unseen")),
    }
    return RejectedRows(**{**values, **changes})


@pytest.mark.parametrize(
    "changes", [{"n_rows": 1}, {"rows": (4,)}, {"reasons": ()}], ids=str
)
def test_rejected_rows_have_one_reason_each_and_are_no_more_than_all(
    make_report: Callable[..., DriftReport], changes: dict[str, Any]
) -> None:
    with pytest.raises(ParameterError, match="rejected must have reasons"):
        make_report(rejected=rejected(**changes))


@pytest.mark.parametrize("field", dataclasses.fields(DriftReport), ids=lambda f: f.name)
def test_every_field_counts_for_equality(
    make_report: Callable[..., DriftReport],
    make_finding: Callable[..., Finding],
    make_score: Callable[..., ScoreExpectation],
    field: Any,
) -> None:
    changes: dict[str, Any] = {
        "ok": {"findings": (make_finding(),)},
        "outcome": {"outcome": "undecided"},
        "findings": {"findings": (make_finding(severity="note"),)},
        "features": {"features": ()},
        "expected_score": {"expected_score": {"r2": make_score(scorer="r2")}},
        "notes": {"notes": ("A note.",)},
        "estimator": {"estimator": "Ridge"},
        "rejected": {"rejected": rejected()},
    }.get(field.name, {field.name: 7})
    assert make_report(**changes) != make_report()


def test_a_report_cannot_be_hashed(rich_report: DriftReport) -> None:
    with pytest.raises(TypeError, match="unhashable"):
        hash(rich_report)


@pytest.mark.parametrize(
    "again",
    [copy.copy, copy.deepcopy, lambda r: pickle.loads(pickle.dumps(r))],
    ids=["copy", "deepcopy", "pickle"],
)
def test_copies_are_equal(
    rich_report: DriftReport, again: Callable[[DriftReport], DriftReport]
) -> None:
    assert again(rich_report) == rich_report


def test_alarms_are_the_findings_that_make_ok_false(rich_report: DriftReport) -> None:
    assert rich_report.alarms == rich_report.findings[:3]


def test_findings_are_found_by_their_code(rich_report: DriftReport) -> None:
    assert rich_report.by_code("DA402") == (rich_report.findings[1],)
    assert rich_report.by_code("DA999") == ()


@pytest.mark.parametrize(
    "code", ["DA4", "da402", "402", "", "DA402 ", "DA40\u0662", None, 5]
)
def test_what_is_no_code_is_refused(rich_report: DriftReport, code: Any) -> None:
    with pytest.raises(ParameterError, match="such as 'DA101'"):
        rich_report.by_code(code)


def test_ok_must_agree_with_the_findings(
    make_report: Callable[..., DriftReport], make_finding: Callable[..., Finding]
) -> None:
    with pytest.raises(ParameterError, match="ok=True with 1 alarm"):
        make_report(ok=True, findings=(make_finding(),))
    with pytest.raises(ParameterError, match="ok=False with 0 alarms"):
        make_report(ok=False, findings=(make_finding(severity="note"),))


def test_alarms_must_stand_before_notes(
    make_report: Callable[..., DriftReport], make_finding: Callable[..., Finding]
) -> None:
    note = make_finding(severity="note")
    with pytest.raises(ParameterError, match=r"\['note', 'alarm'\]"):
        make_report(findings=(note, make_finding()))


def test_scores_must_stand_under_the_name_of_their_scorer(
    make_report: Callable[..., DriftReport],
    make_score: Callable[..., ScoreExpectation],
) -> None:
    with pytest.raises(ParameterError, match=r"\('mae', 'r2'\)"):
        make_report(expected_score={"mae": make_score(scorer="r2")})


def test_the_repr_is_one_line(rich_report: DriftReport) -> None:
    assert repr(rich_report) == (
        "DriftReport(ok=False, outcome='drift', alarms=3, notes=1, features=5,"
        " n_rows=8734, estimator='HistGradientBoostingRegressor')"
    )


@pytest.mark.parametrize(
    ("which", "row_type"), [("features", FeatureRow), ("findings", Finding)]
)
def test_a_frame_has_a_row_for_each_record_and_a_column_for_each_field(
    rich_report: DriftReport, which: Any, row_type: type
) -> None:
    pytest.importorskip("pandas")
    records = getattr(rich_report, which)
    frame = rich_report.to_frame(which)
    assert list(frame.columns) == [f.name for f in dataclasses.fields(row_type)]
    for name in frame.columns:
        expected = [getattr(record, name) for record in records]
        assert [None if x != x else x for x in frame[name]] == [
            None if x != x else x for x in expected
        ]


def test_the_frame_of_an_empty_table_has_its_columns(
    make_report: Callable[..., DriftReport],
) -> None:
    pytest.importorskip("pandas")
    frame = make_report().to_frame("findings")
    assert frame.shape == (0, len(dataclasses.fields(Finding)))


def test_frames_take_any_name(
    named_report: Callable[[str], DriftReport], hostile_name: str
) -> None:
    pytest.importorskip("pandas")
    safe = hostile_name.encode("utf-8", "backslashreplace").decode()
    report = named_report(hostile_name)
    assert report.to_frame()["feature"].tolist() == [safe]
    assert report.to_frame("findings")["features"].tolist()[1] == (safe,)


def test_the_default_frame_is_that_of_the_features(rich_report: DriftReport) -> None:
    pytest.importorskip("pandas")
    assert rich_report.to_frame().equals(rich_report.to_frame("features"))


@pytest.mark.parametrize("which", ["alarms", "", None, 1, []])
def test_an_unknown_table_is_refused(rich_report: DriftReport, which: Any) -> None:
    with pytest.raises(ParameterError, match="which must be one of"):
        rich_report.to_frame(which)


def test_without_pandas_the_frame_names_the_remedy(
    rich_report: DriftReport, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(MissingDependencyError, match=r"to_frame.*pip install pandas"):
        rich_report.to_frame()
