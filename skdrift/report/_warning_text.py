"""The few lines of a `DriftWarning` or an `InvalidInputWarning`."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING, Final

from skdrift._core.result import Finding
from skdrift.report._numbers import pvalue, rows
from skdrift.report._text import WIDTH
from skdrift.report._verdict import (
    circumstances,
    column_names,
    effect,
    finding_count,
    verdict,
)
from skdrift.report._visible import cut_to_width, name_list, visible

if TYPE_CHECKING:
    from skdrift.report._drift_report import DriftReport

_MORE: Final = "report = model.check(X) says more"


def warning_text(
    report: DriftReport, codes: Collection[str] | Collection[Finding] | None = None
) -> str:
    """Tell of a report in a warning, in at most five lines.

    Parameters
    ----------
    report : DriftReport
    codes : collection of str or of Finding, default=None
        What is spoken of: the findings with one of these codes, or these findings
        themselves (a code alone does not tell a flagged row from a shift), notes
        included. None for all alarms.

    Returns
    -------
    str
        How many findings in how many columns, their codes and columns (at most five
        of each), the largest evidence, and where to read on. Without such a finding
        the verdict of the report.
    """
    findings = _chosen(report, codes)
    around = circumstances(report)
    if not findings:
        lines = [verdict(report), around]
    else:
        seen = list(dict.fromkeys(finding.code for finding in findings))
        columns = column_names(findings)
        lines = [
            f"{finding_count(report, findings)} {around}",
            f"codes: {name_list(seen)}",
            f"columns: {name_list(columns)}" if columns else "",
            f"largest evidence: {_evidence(findings[0])}",
        ]
    return "\n".join(cut_to_width(line, WIDTH) for line in [*lines, _MORE] if line)


def _chosen(
    report: DriftReport, codes: Collection[str] | Collection[Finding] | None
) -> list[Finding]:
    if codes is None:
        return list(report.alarms)
    places = {id(finding): place for place, finding in enumerate(report.findings)}
    given = [item for item in codes if isinstance(item, Finding)]
    names = {item for item in codes if isinstance(item, str)}
    named = [finding for finding in report.findings if finding.code in names]
    return sorted(given + named, key=lambda f: places.get(id(f), len(places)))


def _evidence(finding: Finding) -> str:
    numbers = [
        effect(finding),
        f"in {rows(finding.n_rows)}" if finding.n_rows >= 0 else "",
        pvalue(finding.pvalue),
        visible(finding.direction),
    ]
    parts = [
        visible(finding.code),
        name_list(finding.features[:1]),
        ", ".join(filter(None, numbers)) or visible(finding.message),
    ]
    return ": ".join(filter(None, parts))
