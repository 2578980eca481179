"""A report as one self-contained piece of HTML for notebooks.

No script, no link, nothing loaded; colours are laid over whatever background the
notebook has, so that light and dark themes both work.
"""

from __future__ import annotations

import html
import math
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Final

from skdrift._core.result import FeatureRow, Finding, ScoreExpectation
from skdrift._core.shown_score import score_assumption, shown_score
from skdrift.report._numbers import (
    aligned,
    counted,
    number,
    percent,
    pvalue,
    rows,
    with_interval,
)
from skdrift.report._score_remarks import score_remarks
from skdrift.report._text import PLACE_WORDS, rejection
from skdrift.report._verdict import (
    EFFECT_NAME_WIDTH,
    answer_count,
    circumstances,
    column_count,
    power,
    tone,
    verdict,
)
from skdrift.report._visible import (
    LISTED,
    SENTENCE_LENGTH,
    cut_to_width,
    visible,
    visible_name,
)

if TYPE_CHECKING:
    from skdrift.report._drift_report import DriftReport

MOST_FINDINGS: Final = 100
MOST_FEATURES: Final = 100
MOST_NOTES: Final = 20
MOST_REJECTED: Final = 100
_NAME_WIDTH: Final = 60
_WORST_FIRST: Final = ("drift", "undecided", "stable", "not tested")

_STYLE: Final = """
.skdrift-report{font-family:system-ui,sans-serif;font-size:13px;line-height:1.45;
color:inherit;max-width:72rem;overflow-wrap:anywhere;--line:rgba(128,128,128,.35);--soft:rgba(128,128,128,.1)}
.skdrift-report .verdict{border-left:5px solid var(--tone);border-radius:3px;
background:var(--soft);padding:.6em .9em;margin:0 0 .8em}
.skdrift-report .alarm{--tone:#d1483f}.skdrift-report .good{--tone:#2e9e5b}
.skdrift-report .open{--tone:#c98a12}
.skdrift-report .verdict strong{display:block;font-size:1.2em}
.skdrift-report .verdict span{display:block;opacity:.8}
.skdrift-report .scroll{overflow-x:auto;margin:0 0 .8em}
.skdrift-report table{border-collapse:collapse;width:100%;margin:0;border:0;
font-size:1em;color:inherit;background:none}
.skdrift-report caption{text-align:left;font-weight:600;padding:.2em 0;
color:inherit;caption-side:top}
.skdrift-report th,.skdrift-report td{text-align:left;vertical-align:top;
padding:.35em .7em .35em 0;border:0;border-bottom:1px solid var(--line);
background:none;color:inherit;white-space:normal;min-width:6em;max-width:26rem}
.skdrift-report thead th{font-weight:600;opacity:.75;min-width:0;
overflow-wrap:normal}
.skdrift-report tbody th{font-weight:600;min-width:8em}
.skdrift-report .num{white-space:nowrap;min-width:0;font-variant-numeric:tabular-nums}
.skdrift-report .tag{display:inline-block;white-space:nowrap;border-radius:3px;
padding:0 .45em;background:var(--soft);border:1px solid var(--tone,var(--line))}
.skdrift-report .advice{display:block;opacity:.8}
.skdrift-report p,.skdrift-report ul{margin:0 0 .8em}
.skdrift-report summary{cursor:pointer;font-weight:600;padding:.2em 0}
"""

_TAG_CLASS: Final = {"drift": "alarm", "stable": "good", "undecided": "open"}


def report_html(report: DriftReport) -> str:
    """Write the report for a notebook.

    Parameters
    ----------
    report : DriftReport

    Returns
    -------
    str
        A ``<div>`` with its own ``<style>``. Every string of the report is cut and
        escaped; at most 100 findings, 100 rejected rows and the 100 worst columns
        are shown.
    """
    parts = [
        f"<style>{_STYLE}</style>",
        _banner(report),
        _findings(report.findings),
        _rejected(report),
        _scores(list(report.expected_score.values()), report.n_rows),
        _notes(report.notes),
        _answers(report),
        _features(report),
    ]
    return f'<div class="skdrift-report">{"".join(parts)}</div>'


def _banner(report: DriftReport) -> str:
    model = cut_to_width(visible(report.estimator), _NAME_WIDTH)
    columns, answers = column_count(report), answer_count(report)
    lines = [
        circumstances(report).strip("()"),
        f"Model: {model}" if model else "",
        f"Columns: {columns}" if columns else "",
        f"The model's answers: {answers}" if answers else "",
        power(report),
    ]
    below = "".join(f"<span>{_escape(line)}</span>" for line in lines if line)
    return (
        f'<div class="verdict {tone(report)}">'
        f"<strong>{_escape(verdict(report))}</strong>{below}</div>"
    )


def _findings(findings: Sequence[Finding]) -> str:
    if not findings:
        return ""
    body = [_finding_row(finding) for finding in findings[:MOST_FINDINGS]]
    return _table(
        "Findings",
        ("Code", "Columns", "Difference", "Adjusted p", "What it is"),
        body,
    ) + _more(len(findings) - MOST_FINDINGS, "report.findings")


def _finding_row(finding: Finding) -> str:
    names = [_name(name) for name in finding.features[:LISTED]]
    if len(finding.features) > LISTED:
        names.append(f"and {len(finding.features) - LISTED:,} more")
    kind = "alarm" if finding.severity == "alarm" else "note"
    code = f'<span class="tag {kind}">{_escape(visible(finding.code))}</span> {kind}'
    what = [_sentence(finding.direction), _sentence(finding.message)]
    advice = (
        f'<span class="advice">Advice: {_sentence(finding.advice)}</span>'
        if finding.advice
        else ""
    )
    return _row(
        code,
        _cell("<br>".join(names)),
        _cell(_effect(finding), numeric=True),
        _pvalue_cell(finding.pvalue),
        _cell("<br>".join(part for part in what if part) + advice),
    )


def _effect(finding: Finding) -> str:
    lines = []
    if not math.isnan(finding.effect_size):
        lines.append(_effect_name(finding))
        lines.append(with_interval(finding.effect_size, finding.low, finding.high))
    if finding.n_rows >= 0:
        lines.append(rows(finding.n_rows))
    return "<br>".join(lines)


def _rejected(report: DriftReport) -> str:
    rejected = report.rejected
    if rejected is None:
        return ""
    pairs = list(zip(rejected.rows, rejected.reasons, strict=True))[:MOST_REJECTED]
    table = _table(
        rejection(rejected, report.n_rows),
        ("Row", "Why"),
        [_row(f"{row:d}", _cell(_sentence("; ".join(why)))) for row, why in pairs],
    )
    return table + _more(rejected.n_rows - len(pairs), "report.rejected")


def _scores(scores: Sequence[ScoreExpectation], n_rows: int) -> str:
    if not scores:
        return ""
    table = _table(
        "Expected score",
        ("Score", "Expected", "Interval for", "Realised", "One-sided p", "Remark"),
        [_score_row(score, n_rows) for score in scores],
    )
    return f"{table}<p>{_escape(score_assumption(scores))}</p>"


def _score_row(score: ScoreExpectation, n_rows: int) -> str:
    shown = shown_score(score)
    realised = (
        ""
        if math.isnan(shown.realised)
        else aligned(shown.realised, shown.low, shown.high)
    )
    basis = f"counts {score.basis}" if score.basis else ""
    remarks = [
        PLACE_WORDS[shown.place],
        _sentence(score.reason),
        _sentence(basis),
        *map(_sentence, score_remarks(score, n_rows)),
    ]
    return _row(
        _name(shown.name),
        _cell(with_interval(shown.value, shown.low, shown.high), numeric=True),
        _cell(f"{percent(score.level)}, {rows(score.n_rows)}"),
        _cell(realised, numeric=True),
        _pvalue_cell(score.pvalue),
        _cell("<br>".join(remark for remark in remarks if remark)),
    )


def _notes(notes: Sequence[str]) -> str:
    if not notes:
        return ""
    items = "".join(f"<li>{_sentence(note)}</li>" for note in notes[:MOST_NOTES])
    return f"<strong>Notes</strong><ul>{items}</ul>" + _more(
        len(notes) - MOST_NOTES, "report.notes"
    )


_HEADS: Final = (
    "Kind",
    "Outcome",
    "Difference",
    "Adjusted p",
    "Change",
    "PSI",
    "Wasserstein (sd)",
    "Missing",
    "Unseen",
    "Below / above range",
    "Infinite",
    "Reason",
)


def _answers(report: DriftReport) -> str:
    if not report.outputs:
        return ""
    table = _table(
        "The model's answers, against those for rows held out of training",
        ("Output", *_HEADS),
        [
            _feature_row(row, report.min_effect)
            for row in sorted(report.outputs, key=_badness)
        ],
    )
    return f"<details><summary>The model's answers</summary>{table}</details>"


def _features(report: DriftReport) -> str:
    if not report.features:
        return ""
    worst = sorted(report.features, key=_badness)[:MOST_FEATURES]
    total = counted(len(report.features), "column")
    title = (
        f"The {MOST_FEATURES} worst of {total}"
        if len(report.features) > MOST_FEATURES
        else total
    )
    table = _table(
        "Columns, worst first (missing: share in training and in the batch)",
        ("Column", *_HEADS),
        [_feature_row(row, report.min_effect) for row in worst],
    )
    more = _more(len(report.features) - MOST_FEATURES, "report.features")
    return f"<details><summary>{title}</summary>{table}{more}</details>"


def _badness(row: FeatureRow) -> tuple[int, float, float]:
    adjusted = 2.0 if math.isnan(row.pvalue_adjusted) else row.pvalue_adjusted
    effect = 0.0 if math.isnan(row.effect_size) else row.effect_size
    return _WORST_FIRST.index(row.outcome), adjusted, -effect


def _feature_row(row: FeatureRow, min_effect: float) -> str:
    shade = _TAG_CLASS.get(row.outcome, "note")
    tag = f'<span class="tag {shade}">{_escape(row.outcome)}</span>'
    effect = (
        ""
        if math.isnan(row.effect_size)
        else f"{_effect_name(row)}<br>"
        + with_interval(row.effect_size, row.low, row.high)
    )
    if effect and row.tolerance > min_effect:
        effect += f"<br>tolerance {row.tolerance:.2g}"
    missing = f"{percent(row.missing_reference)} → {percent(row.missing_current)}"
    return _row(
        _name(row.feature),
        _cell(_escape(visible(row.kind))),
        _cell(tag),
        _cell(effect, numeric=True),
        _pvalue_cell(row.pvalue_adjusted),
        _cell(_sentence(row.direction)),
        _cell(_known(row.psi), numeric=True),
        _cell(_known(row.wasserstein), numeric=True),
        _cell(missing, numeric=True),
        _cell(f"{row.n_unseen:,}", numeric=True),
        _cell(f"{row.n_below:,} / {row.n_above:,}", numeric=True),
        _cell(f"{row.n_infinite:,}", numeric=True),
        _cell(_sentence(row.reason)),
    )


def _table(caption: str, heads: Iterable[str], body: Iterable[str]) -> str:
    """`body` rows and all arguments are markup already, but for the caption."""
    columns = "".join(f'<th scope="col">{head}</th>' for head in heads)
    title = _escape(caption)
    return (
        f'<div class="scroll" tabindex="0" role="region" aria-label="{title}">'
        f"<table><caption>{title}</caption>"
        f"<thead><tr>{columns}</tr></thead><tbody>{''.join(body)}</tbody></table></div>"
    )


def _row(head: str, *cells: str) -> str:
    return f'<tr><th scope="row">{head}</th>{"".join(cells)}</tr>'


def _cell(markup: str, *, numeric: bool = False) -> str:
    return f'<td class="num">{markup}</td>' if numeric else f"<td>{markup}</td>"


def _pvalue_cell(value: float) -> str:
    return _cell(
        _escape(pvalue(value).removeprefix("p ").removeprefix("= ")), numeric=True
    )


def _more(hidden: int, where: str) -> str:
    return f"<p>and {hidden:,} more: {where}</p>" if hidden > 0 else ""


def _known(value: float) -> str:
    return "" if math.isnan(value) else number(value)


def _name(name: str) -> str:
    return f"<bdi>{_escape(cut_to_width(visible_name(name), _NAME_WIDTH))}</bdi>"


def _effect_name(measured: Finding | FeatureRow) -> str:
    return _escape(cut_to_width(visible(measured.effect_name), EFFECT_NAME_WIDTH))


def _sentence(text: str) -> str:
    return _escape(visible(text, SENTENCE_LENGTH))


def _escape(text: str) -> str:
    return html.escape(text, quote=True)
