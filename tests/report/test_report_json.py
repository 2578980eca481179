from __future__ import annotations

import contextlib
import dataclasses
import json
import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skdrift._core.result import FeatureRow, Finding, ScoreExpectation
from skdrift._version import __version__
from skdrift.exceptions import FormatError
from skdrift.report import DriftReport, RowBlocks


def _refuse_constant(name: str) -> None:
    raise AssertionError(name)


def _strict(text: str) -> Any:
    return json.loads(text, parse_constant=_refuse_constant)


def test_a_report_comes_back_equal(rich_report: DriftReport) -> None:
    assert DriftReport.from_json(rich_report.to_json()) == rich_report
    assert DriftReport.from_json(rich_report.to_json().encode()) == rich_report
    assert DriftReport.from_dict(rich_report.to_dict()) == rich_report


def test_the_text_of_a_report_that_came_back_is_the_same(
    rich_report: DriftReport,
) -> None:
    again = DriftReport.from_json(rich_report.to_json(indent=2))
    assert str(again) == str(rich_report)
    assert again._repr_html_() == rich_report._repr_html_()


def test_a_document_says_what_it_is(rich_report: DriftReport) -> None:
    document = _strict(rich_report.to_json())
    assert document["kind"] == "DriftReport"
    assert document["format"] == 7
    assert document["skdrift"] == __version__


def test_json_is_strict_ascii(
    named_report: Callable[[str], DriftReport], hostile_name: str
) -> None:
    text = named_report(hostile_name).to_json()
    assert text.isascii()
    _strict(text)


def test_names_come_back_exactly_but_for_lone_surrogates(
    named_report: Callable[[str], DriftReport], hostile_name: str
) -> None:
    report = named_report(hostile_name)
    again = DriftReport.from_json(report.to_json())
    safe = hostile_name.encode("utf-8", "backslashreplace").decode()
    assert again == named_report(safe)
    assert DriftReport.from_json(again.to_json()) == again


@given(name=st.text(st.characters(), min_size=1))
def test_a_document_can_be_written_by_any_json_writer(
    name: str, request: pytest.FixtureRequest
) -> None:
    document = request.getfixturevalue("named_report")(name).to_dict()
    text = json.dumps(document, allow_nan=False, ensure_ascii=False)
    assert json.loads(text.encode("utf-8")) == document


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_numbers_that_are_not_finite_are_null_and_come_back(
    make_report: Callable[..., DriftReport],
    make_feature: Callable[..., FeatureRow],
    make_score: Callable[..., ScoreExpectation],
    value: float,
) -> None:
    report = make_report(
        rows_needed=value,
        features=(make_feature(), make_feature(wasserstein=value)),
        expected_score={"r2": make_score(scorer="r2", low=value, reason="one fold")},
    )
    document = _strict(report.to_json())
    assert document["rows_needed"] is None
    assert document["features"][1]["wasserstein"] is None
    assert document["expected_score"][0]["low"] is None
    assert document["expected_score"][0]["reason"] == "one fold"
    sign = {math.inf: "inf", -math.inf: "-inf"}.get(value)
    places = ["/features/1/wasserstein", "/expected_score/0/low", "/rows_needed"]
    assert document["infinite"] == (dict.fromkeys(places, sign) if sign else {})
    assert DriftReport.from_dict(document) == report


def test_numpy_scalars_become_plain_numbers(
    make_report: Callable[..., DriftReport], make_finding: Callable[..., Finding]
) -> None:
    report = make_report(
        ok=np.bool_(False),
        outcome="drift",
        findings=(
            make_finding(
                features=(np.str_("temp"),),
                effect_size=np.float32(0.25),
                pvalue=np.float64(0.5),
                n_rows=np.int64(3),
            ),
        ),
        n_rows=np.int32(5),
        alpha=np.float64("nan"),
    )
    document = report.to_dict()
    assert type(document["ok"]) is bool
    assert type(document["n_rows"]) is int
    assert document["alpha"] is None
    finding = document["findings"][0]
    assert type(finding["features"][0]) is str
    assert type(finding["effect_size"]) is float
    assert type(finding["n_rows"]) is int
    assert DriftReport.from_dict(_strict(report.to_json())) == report


def test_scorers_keep_their_order(
    make_report: Callable[..., DriftReport],
    make_score: Callable[..., ScoreExpectation],
) -> None:
    names = ["r2", "accuracy", "1", "a", "Z"]
    report = make_report(expected_score={n: make_score(scorer=n) for n in names})
    assert list(DriftReport.from_json(report.to_json()).expected_score) == names


def test_a_newer_format_names_both_versions(rich_report: DriftReport) -> None:
    document = {**rich_report.to_dict(), "format": 8, "skdrift": "9.9", "new": 1}
    with pytest.raises(FormatError, match=r"skdrift 9\.9 in format 8.*upgrade"):
        DriftReport.from_dict(document)


def test_a_report_of_format_6_has_scores_that_say_nothing_of_labels(
    rich_report: DriftReport,
) -> None:
    document = {**rich_report.to_dict(), "format": 6}
    new = ("n_labelled", "realised_", "estimated", "detectable_drop", "labels_needed")
    document["expected_score"] = [
        {key: value for key, value in score.items() if not key.startswith(new)}
        for score in document["expected_score"]
    ]
    again = DriftReport.from_dict(document)
    assert all(s.n_labelled == -1 for s in again.expected_score.values())
    assert all(math.isnan(s.estimated) for s in again.expected_score.values())


def test_a_report_of_format_4_has_features_without_a_tolerance(
    rich_report: DriftReport,
) -> None:
    document = {**rich_report.to_dict(), "format": 4}
    document["features"] = [
        {key: value for key, value in row.items() if key != "tolerance"}
        for row in document["features"]
    ]
    again = DriftReport.from_dict(document)
    assert all(math.isnan(row.tolerance) for row in again.features)


def test_a_report_of_format_2_is_one_without_blocks(
    rich_report: DriftReport,
) -> None:
    blocks = RowBlocks(
        n_reference=36, n_current=1, n_like=36, n_needed=99, promised=False
    )
    report = dataclasses.replace(rich_report, blocks=blocks)
    assert DriftReport.from_dict(report.to_dict()) == report
    document = {**report.to_dict(), "format": 2}
    del document["blocks"]
    assert DriftReport.from_dict(document) == dataclasses.replace(report, blocks=None)


def test_a_report_of_format_1_is_one_without_rejected_rows(
    rich_report: DriftReport,
) -> None:
    document = {**rich_report.to_dict(), "format": 1}
    del document["rejected"]
    again = DriftReport.from_dict(document)
    assert again == dataclasses.replace(rich_report, rejected=None)
    assert again != rich_report


def _edited(**changes: Any) -> Callable[[dict[str, Any]], None]:
    def edit(document: dict[str, Any]) -> None:
        document.update(changes)

    return edit


def _without(key: str) -> Callable[[dict[str, Any]], None]:
    def edit(document: dict[str, Any]) -> None:
        del document[key]

    return edit


def _inside(
    table: str, position: int, **changes: Any
) -> Callable[[dict[str, Any]], None]:
    def edit(document: dict[str, Any]) -> None:
        document[table][position].update(changes)

    return edit


DAMAGES = {
    "no kind": (_without("kind"), "kind must be"),
    "other kind": (_edited(kind="Profile"), "kind must be"),
    "no format": (_without("format"), "format must be"),
    "format 0": (_edited(format=0), "format must be"),
    "format true": (_edited(format=True), "format must be"),
    "format text": (_edited(format="1"), "format must be"),
    "field missing": (_without("alpha"), "missing are.*alpha"),
    "field unknown": (_edited(surprise=1), "unknown are.*surprise"),
    "row field missing": (
        lambda document: document["features"][2].pop("psi"),
        "features/2.*missing are.*psi",
    ),
    "row unknown field": (_inside("findings", 1, x=1), r"findings/1.*unknown"),
    "row is a list": (_edited(findings=[[]]), "findings/0 must be an object"),
    "table is text": (_edited(findings="DA101"), "findings must be a list"),
    "table is null": (_edited(features=None), "features must be a list"),
    "number is text": (_edited(alpha="0.01"), "alpha must be a number"),
    "number is true": (_edited(alpha=True), "alpha must be a number"),
    "number is inf": (_edited(alpha=math.inf), "alpha must be a finite"),
    "number is NaN": (_edited(alpha=math.nan), "alpha must be a finite"),
    "number is huge": (_edited(alpha=10**400), "alpha must be a finite"),
    "count is a float": (_edited(n_rows=1.5), "n_rows must be of type int"),
    "count is true": (_edited(n_rows=True), "n_rows must be of type int"),
    "name is a number": (
        _inside("features", 0, feature=3),
        "features/0/feature must be of type str",
    ),
    "unknown outcome": (_edited(outcome="fine"), "outcome must be one of"),
    "unknown severity": (_inside("findings", 0, severity=[]), "severity must be one"),
    "infinite missing": (_without("infinite"), "infinite must be an object"),
    "infinite elsewhere": (_edited(infinite={"/nowhere": "inf"}), "infinite may name"),
    "infinite finite": (_edited(infinite={"/alpha": "inf"}), "infinite may name"),
    "infinite sign": (
        _edited(rows_needed=None, infinite={"/rows_needed": "big"}),
        "infinite/rows_needed must be",
    ),
    "scorer twice": (
        _inside("expected_score", 1, scorer="roc_auc"),
        "each scorer once",
    ),
    "rejected is a list": (_edited(rejected=[]), "rejected must be an object"),
    "rejected is left out": (_without("rejected"), "missing are.*rejected"),
    "rejected of another policy": (
        lambda document: document["rejected"].update(policy="drop"),
        "rejected/policy must be one of",
    ),
    "reasons are texts": (
        lambda document: document["rejected"].update(reasons=["age"]),
        "rejected/reasons/0 must be a list",
    ),
    "rejected without reasons": (
        lambda document: document["rejected"].update(reasons=[]),
        "rejected must have reasons",
    ),
    "ok contradicts": (_edited(ok=True), "ok must be False"),
}


@pytest.mark.parametrize(("damage", "message"), DAMAGES.values(), ids=DAMAGES)
def test_a_damaged_document_is_refused_by_the_name_of_the_place(
    rich_report: DriftReport,
    damage: Callable[[dict[str, Any]], None],
    message: str,
) -> None:
    document = rich_report.to_dict()
    damage(document)
    with pytest.raises(FormatError, match=message) as caught:
        DriftReport.from_dict(document)
    assert len(str(caught.value)) < 700


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "null",
        "[]",
        '"report"',
        "NaN",
        '{"kind": NaN}',
        '{"a": 1, "a": 2}',
        "[" * 100_000,
        "9" * 10_000,
        b"\xff\xfe\x00",
        b"\x80",
        "\ud800",
        None,
        5,
    ],
)
def test_what_is_no_report_is_refused(text: Any) -> None:
    with pytest.raises(FormatError):
        DriftReport.from_json(text)


@pytest.mark.parametrize("document", [None, 5, "x", [], [{}], {}, {1: 2}])
def test_what_is_no_document_is_refused(document: Any) -> None:
    with pytest.raises(FormatError):
        DriftReport.from_dict(document)


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=5,
)


@given(data=st.data())
def test_one_damaged_value_never_leaks_a_foreign_error(
    data: st.DataObject, request: pytest.FixtureRequest
) -> None:
    document = request.getfixturevalue("rich_report").to_dict()
    key = data.draw(st.sampled_from(sorted(document)))
    target, place = document, key
    if isinstance(document[key], list) and document[key] and data.draw(st.booleans()):
        target, place = document[key], 0
        if isinstance(target[0], dict):
            target = target[0]
            place = data.draw(st.sampled_from(sorted(target)))
    target[place] = data.draw(JSON_VALUES)
    with contextlib.suppress(FormatError):
        DriftReport.from_dict(document)


def test_every_cut_of_a_file_is_refused(rich_report: DriftReport) -> None:
    text = rich_report.to_json()
    for end in range(0, len(text), 97):
        with pytest.raises(FormatError):
            DriftReport.from_json(text[:end])


@pytest.mark.parametrize("constant", ["NaN", "Infinity", "-Infinity"])
def test_no_place_of_a_file_may_hold_what_json_lacks(
    rich_report: DriftReport, constant: str
) -> None:
    text = rich_report.to_json().replace(f'"{__version__}"', constant)
    with pytest.raises(FormatError, match=constant):
        DriftReport.from_json(text)


def test_a_key_that_stands_twice_is_refused(rich_report: DriftReport) -> None:
    text = rich_report.to_json().replace('"alpha": ', '"alpha": 0.5, "alpha": ')
    with pytest.raises(FormatError, match="each key once"):
        DriftReport.from_json(text)
