"""A report as text of at most 100 terminal columns."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

from skdrift._core.result import Finding, ScoreExpectation
from skdrift._core.shown_score import Place, score_assumption, shown_score
from skdrift.report._numbers import aligned, percent, pvalue, rows, with_interval
from skdrift.report._rejected import RejectedRows
from skdrift.report._score_remarks import score_remarks
from skdrift.report._verdict import (
    answer_count,
    circumstances,
    column_count,
    effect,
    power,
    verdict,
)
from skdrift.report._visible import (
    NAME_LENGTH,
    SENTENCE_LENGTH,
    UNBROKEN,
    cut_to_width,
    display_width,
    name_list,
    visible,
    wrap,
)

if TYPE_CHECKING:
    from skdrift.report._drift_report import DriftReport

WIDTH: Final = 100
MOST_FINDINGS: Final = 20
MOST_NOTES: Final = 20
MOST_REJECTED: Final = 5
_SHORT: Final = 40

PLACE_WORDS: Final[dict[Place, str]] = {
    "worse": "worse than the interval",
    "inside": "inside the interval",
    "better": "better than the interval",
    "unknown": "",
}

REJECTION_WORDS: Final = {
    "abstain": "answered by an abstention",
    "fallback": "answered by the fallback model",
}


def report_text(report: DriftReport) -> str:
    """Write the report for a terminal.

    Parameters
    ----------
    report : DriftReport

    Returns
    -------
    str
        The verdict, the findings in the order of evidence (at most 20), the rows
        that the model was not asked about (at most 5), the expected score and the
        notes. Every line takes at most 100 terminal columns;
        the whole can be encoded as UTF-8.
    """
    sections = [
        _opening(report),
        _findings(report),
        _rejected(report),
        _scores(list(report.expected_score.values()), report.n_rows),
        _notes(report.notes),
    ]
    return "\n\n".join("\n".join(lines) for lines in sections if lines)


def _opening(report: DriftReport) -> list[str]:
    first, around = verdict(report), circumstances(report)
    one_line = f"{first} {around}"
    lines = (
        [one_line]
        if display_width(one_line) <= WIDTH
        else [*_lines(first, indent=""), *_lines(around, indent="  ")]
    )
    model = cut_to_width(visible(report.estimator), WIDTH // 2)
    counts, answers = column_count(report), answer_count(report)
    about = [
        f"Model: {model}" if model else "",
        f"Columns: {counts}" if counts else "",
        f"The model's answers: {answers}" if answers else "",
        power(report),
    ]
    for line in filter(None, about):
        lines += _lines(line, indent="")
    return lines


def _findings(report: DriftReport) -> list[str]:
    if not report.findings:
        return []
    lines = ["Findings (p-values are adjusted for all that was tested)"]
    for position, finding in enumerate(report.findings[:MOST_FINDINGS], start=1):
        lines += _finding(position, finding)
    hidden = len(report.findings) - MOST_FINDINGS
    if hidden > 0:
        lines.append(f"  and {hidden:,} more: report.findings")
    return lines


def _finding(position: int, finding: Finding) -> list[str]:
    mark = "ALARM" if finding.severity == "alarm" else "note "
    head = f"{position:>3}. {mark} {visible(finding.code)}"
    numbers = [
        effect(finding),
        visible(finding.direction, SENTENCE_LENGTH),
        f"in {rows(finding.n_rows)}" if finding.n_rows >= 0 else "",
        pvalue(finding.pvalue),
    ]
    what = _joined(
        ": ", [name_list(finding.features, width=NAME_LENGTH), _joined(", ", numbers)]
    )
    lines = wrap(what, first=f"{head}  ", rest=" " * 5, width=WIDTH)
    if finding.message:
        lines += _lines(visible(finding.message, SENTENCE_LENGTH), indent=" " * 5)
    if finding.advice:
        advice = f"Advice: {visible(finding.advice, SENTENCE_LENGTH)}"
        lines += _lines(advice, indent=" " * 5)
    return lines


def _rejected(report: DriftReport) -> list[str]:
    rejected = report.rejected
    if rejected is None:
        return []
    lines = _lines(rejection(rejected, report.n_rows), indent="")
    shown = zip(rejected.rows, rejected.reasons, strict=True)
    for row, reasons in list(shown)[:MOST_REJECTED]:
        what = visible("; ".join(reasons), SENTENCE_LENGTH)
        lines += wrap(what, first=f"  row {row}: ", rest=" " * 5, width=WIDTH)
    hidden = rejected.n_rows - min(len(rejected.rows), MOST_REJECTED)
    if hidden > 0:
        lines.append(f"  and {hidden:,} more: report.rejected")
    return lines


def rejection(rejected: RejectedRows, n_rows: int) -> str:
    """``"Rejected rows: 3 of 100, answered by the fallback model"``."""
    total = f" of {n_rows:,}" if n_rows >= rejected.n_rows else ""
    answered = REJECTION_WORDS[rejected.policy]
    return f"Rejected rows: {rejected.n_rows:,}{total}, {answered}"


def _scores(scores: list[ScoreExpectation], n_rows: int) -> list[str]:
    if not scores:
        return []
    batches = {(score.level, score.n_rows) for score in scores}
    common = len(batches) == 1
    lines = [f"Expected score{_batch(scores[0]) if common else ''}"]
    names = [_score_name(score) for score in scores]
    widest = max(display_width(name) for name in names)
    for name, score in zip(names, scores, strict=True):
        padded = name + " " * (widest - display_width(name))
        what = _score(score) + ("" if common else _batch(score))
        lines += wrap(what, first=f"  {padded}  ", rest=" " * 5, width=WIDTH)
        for remark in score_remarks(score, n_rows):
            lines += _lines(remark, indent=" " * 5)
    return [*lines, *_lines(score_assumption(scores), indent="  ")]


def _score_name(score: ScoreExpectation) -> str:
    return cut_to_width(visible(shown_score(score).name), WIDTH // 2)


def _batch(score: ScoreExpectation) -> str:
    return f" ({percent(score.level)} interval for a batch of {rows(score.n_rows)})"


def _score(score: ScoreExpectation) -> str:
    shown = shown_score(score)
    reason = visible(score.reason, SENTENCE_LENGTH)
    parts = [with_interval(shown.value, shown.low, shown.high)]
    if not math.isnan(shown.realised):
        realised = aligned(shown.realised, shown.low, shown.high)
        place = PLACE_WORDS[shown.place]
        parts.append(_joined(": ", [f"realised {realised}", place]))
    parts.append(pvalue(score.pvalue))
    basis = f"counts {visible(score.basis, SENTENCE_LENGTH)}" if score.basis else ""
    return _joined(": ", [_joined(", ", parts), _joined("; ", [reason, basis])])


def _notes(notes: tuple[str, ...]) -> list[str]:
    if not notes:
        return []
    lines = ["Notes"]
    for note in notes[:MOST_NOTES]:
        shown = visible(note, SENTENCE_LENGTH)
        lines += wrap(shown, first="  - ", rest="    ", width=WIDTH)
    if len(notes) > MOST_NOTES:
        lines.append(f"  and {len(notes) - MOST_NOTES:,} more: report.notes")
    return lines


def _lines(text: str, *, indent: str) -> list[str]:
    return wrap(text, first=indent, rest=indent, width=WIDTH)


def _joined(mark: str, parts: list[str]) -> str:
    """Join the parts that are not empty; short ones stay on one line."""
    return mark.join(
        part.replace(" ", UNBROKEN) if len(part) <= _SHORT else part
        for part in parts
        if part
    )
