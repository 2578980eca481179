from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skdrift._core.result import Finding, ScoreExpectation
from skdrift.report import DriftReport, RejectedRows, warning_text

ABSTAINED = "answered by an abstention"

RICH = """\
DRIFT: 3 alarms in 3 of 5 columns and in the score
  (8,734 rows against 8,645 of training, alpha = 0.01)
Model: HistGradientBoostingRegressor
Columns: 2 drift, 1 undecided, 1 stable, 1 not tested
8,734 rows would show a KS distance of 0.037 or more. It takes 900 rows to show that a column is
within 0.10.

Findings (p-values are adjusted for all that was tested)
  1. ALARM DA101  temp, feel_temp: KS distance 0.312 [0.280, 0.340], higher, p < 1e-16
     The median went from 12.1 to 14.9.
     Advice: look at the unit and the sensor of this column
  2. ALARM DA402  weather: share of rows 0.0034 [0.0023, 0.0049], 3 unseen categories, in 30 rows,
     p = 3.4e-8
     Categories that training never had: 'hail', 'fog', 'dust'.
     Advice: look whether upstream spells these categories in another way
  3. ALARM DA201  mean_absolute_error -14.4, worse, p < 1e-16
     The error is 35.2; cross-validation promised 20.8.
     Advice: look whether the target is still measured in the same way
  4. note  DA302  station
     The model does not know this column and does not use it.

Rejected rows: 7 of 8,734, answered by the fallback model
  row 0: temp: missing, never so in training
  row 3: temp: above the range of training; weather: unseen
  row 4: weather: a category that training did not have
  row 17: weather: a category that training did not have
  row 90: weather: a category that training did not have
  and 2 more: report.rejected

Expected score (95 % interval for a batch of 8,734 rows)
  mean_absolute_error  20.8 [19.9, 21.7], realised 35.2: worse than the interval, p < 1e-16
  r2                   0.944 [0.931, 0.957], realised 0.950: inside the interval
  roc_auc              n/a: one of 5 folds has a single class
  The interval is what cross-validation promises for independent rows distributed like training. It
  is no estimate for rows that are distributed otherwise, and without labels nobody sees whether the
  target still depends on the columns as it did.

Notes
  - Rows depend on their neighbours in 3 of 5 columns."""  # noqa: E501


def test_the_text_of_a_rich_report(rich_report: DriftReport) -> None:
    assert str(rich_report) == RICH


def test_of_rejected_rows_five_are_shown_and_the_others_counted(
    make_report: Callable[..., DriftReport],
) -> None:
    def shown(n: int) -> list[str]:
        rejected = RejectedRows(
            policy="abstain",
            n_rows=n,
            rows=tuple(range(min(n, 8))),
            reasons=(("a: missing",),) * min(n, 8),
        )
        lines = str(make_report(rejected=rejected)).splitlines()
        return lines[lines.index(f"Rejected rows: {n:,} of 8,734, {ABSTAINED}") + 1 :]

    assert shown(1) == ["  row 0: a: missing"]
    assert len(shown(5)) == 5
    assert shown(6)[5:] == ["  and 1 more: report.rejected"]
    assert shown(2_000)[5:] == ["  and 1,995 more: report.rejected"]


def test_a_report_without_rejected_rows_does_not_speak_of_them(
    make_report: Callable[..., DriftReport],
) -> None:
    assert "eject" not in str(make_report())
    assert "eject" not in make_report()._repr_html_()


def test_the_words_of_the_report_itself_are_ascii(rich_report: DriftReport) -> None:
    assert str(rich_report).isascii()


def _assert_lines_fit(text: str, terminal_width: Callable[[str], int]) -> None:
    text.encode("utf-8")
    for line in text.split("\n"):
        assert terminal_width(line) <= 100, line
        assert line.isprintable()


def test_lines_fit_whatever_the_names(
    named_report: Callable[[str], DriftReport],
    hostile_name: str,
    terminal_width: Callable[[str], int],
) -> None:
    report = named_report(hostile_name)
    _assert_lines_fit(str(report), terminal_width)
    assert str(report).count("ALARM DA") == 2
    assert terminal_width(repr(report)) <= 200
    assert repr(report).isprintable()


@given(name=st.text(st.characters(), min_size=1))
def test_lines_fit_for_any_name(name: str, request: pytest.FixtureRequest) -> None:
    report = request.getfixturevalue("named_report")(name)
    terminal_width = request.getfixturevalue("terminal_width")
    _assert_lines_fit(str(report), terminal_width)
    _assert_lines_fit(warning_text(report), terminal_width)


def test_short_names_are_not_cut(named_report: Callable[[str], DriftReport]) -> None:
    assert "..." not in str(named_report("temperature of the air"))


def test_at_most_twenty_findings_are_written(
    make_report: Callable[..., DriftReport], make_finding: Callable[..., Finding]
) -> None:
    findings = tuple(make_finding(features=(f"x{i}",)) for i in range(57))
    text = str(make_report(outcome="drift", findings=findings))
    assert text.count("ALARM DA101") == 20
    assert "\n  and 37 more: report.findings" in text
    assert "more:" not in str(make_report(outcome="drift", findings=findings[:20]))


def test_at_most_twenty_notes_are_written(
    make_report: Callable[..., DriftReport],
) -> None:
    text = str(make_report(notes=tuple(f"note {i}" for i in range(25))))
    assert text.count("  - note") == 20
    assert text.endswith("\n  and 5 more: report.notes")


def test_findings_keep_their_order(
    make_report: Callable[..., DriftReport], make_finding: Callable[..., Finding]
) -> None:
    codes = ["DA402", "DA101", "DA301"]
    findings = tuple(make_finding(code=code) for code in codes)
    text = str(make_report(outcome="drift", findings=findings))
    assert [line[11:16] for line in text.split("\n") if "ALARM DA" in line] == codes


def test_a_report_without_findings_has_no_empty_section(
    make_report: Callable[..., DriftReport],
) -> None:
    text = str(make_report())
    assert "Findings" not in text
    assert "Expected score" not in text
    assert "Notes" not in text
    assert not text.endswith("\n")


def test_batches_of_two_sizes_are_told_apart(
    make_report: Callable[..., DriftReport],
    make_score: Callable[..., ScoreExpectation],
) -> None:
    scores = {
        "r2": make_score(scorer="r2", n_rows=100),
        "accuracy": make_score(scorer="accuracy", n_rows=1),
    }
    text = str(make_report(expected_score=scores))
    assert "\nExpected score\n" in text
    assert "(95 % interval for a batch of 100 rows)" in text
    assert "(95 % interval for a batch of 1 row)" in text
