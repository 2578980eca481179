from __future__ import annotations

import math
from collections.abc import Callable

from skdrift._core.result import Finding
from skdrift.report import DriftReport, warning_text

MORE = "report = model.check(X) says more"


def test_a_warning_names_codes_columns_and_the_largest_evidence(
    rich_report: DriftReport,
) -> None:
    assert warning_text(rich_report).split("\n") == [
        "3 alarms in 3 of 5 columns and in the score"
        " (8,734 rows against 8,645 of training, alpha = 0.01)",
        "codes: DA101, DA402, DA201",
        "columns: temp, feel_temp, weather",
        "largest evidence: DA101: temp: KS distance 0.312 [0.280, 0.340],"
        " p < 1e-16, higher",
        MORE,
    ]


def test_a_warning_speaks_of_the_chosen_codes_only(rich_report: DriftReport) -> None:
    text = warning_text(rich_report, codes={"DA402", "DA401"})
    assert text.startswith("1 alarm in 1 of 5 columns (")
    assert "codes: DA402\ncolumns: weather\n" in text
    assert "DA101" not in text


def test_by_default_only_alarms_are_warned_of(rich_report: DriftReport) -> None:
    assert "DA302" not in warning_text(rich_report)
    assert "1 note in 1 column (" in warning_text(rich_report, codes=["DA302"])


def test_findings_can_be_chosen_one_by_one(
    make_report: Callable[..., DriftReport], make_finding: Callable[..., Finding]
) -> None:
    alarm = make_finding(code="DA402", features=("a",))
    note = make_finding(code="DA402", features=("b",), severity="note", n_rows=3)
    report = make_report(findings=(alarm, note))
    assert "columns: b\nlargest evidence: DA402: b: " in warning_text(report, (note,))
    assert ", in 3 rows, " in warning_text(report, (note,))
    both = warning_text(report, (note, alarm))
    assert both.startswith("1 alarm and 1 note in 2 columns (")
    assert both == warning_text(report, ["DA402"])
    assert "columns: a, b\nlargest evidence: DA402: a: " in both


def test_without_such_a_finding_the_verdict_is_said(rich_report: DriftReport) -> None:
    for nothing in (["DA999"], ()):
        assert warning_text(rich_report, codes=nothing).split("\n") == [
            "DRIFT: 3 alarms in 3 of 5 columns and in the score",
            "(8,734 rows against 8,645 of training, alpha = 0.01)",
            MORE,
        ]


def test_at_most_five_codes_and_five_columns_are_named(
    make_report: Callable[..., DriftReport], make_finding: Callable[..., Finding]
) -> None:
    findings = tuple(
        make_finding(code=f"DA4{i:02}", features=(f"x{i}", "same")) for i in range(9)
    )
    text = warning_text(make_report(findings=findings))
    assert "codes: DA400, DA401, DA402, DA403, DA404 and 4 more\n" in text
    assert "columns: x0, same, x1, x2, x3 and 5 more\n" in text


def test_what_is_certain_is_said_by_its_message(
    make_report: Callable[..., DriftReport], make_finding: Callable[..., Finding]
) -> None:
    certain = make_finding(
        code="DA301",
        effect_size=math.nan,
        pvalue=math.nan,
        direction="",
        message="The column is missing.",
    )
    text = warning_text(make_report(findings=(certain,)))
    assert "largest evidence: DA301: temp: The column is missing.\n" in text


def test_a_warning_is_five_lines_of_100_columns_whatever_the_names(
    named_report: Callable[[str], DriftReport],
    hostile_name: str,
    terminal_width: Callable[[str], int],
) -> None:
    lines = warning_text(named_report(hostile_name)).split("\n")
    assert len(lines) <= 5
    assert all(terminal_width(line) <= 100 for line in lines)
    assert all(line.isprintable() for line in lines)
    assert lines[-1] == MORE
