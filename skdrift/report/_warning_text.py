"""The few lines of a `DriftWarning` or an `InvalidInputWarning`."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING, Final

from skdrift._core.result import Finding
from skdrift.report._numbers import pvalue
from skdrift.report._text import WIDTH
from skdrift.report._verdict import alarm_count, circumstances, effect, verdict
from skdrift.report._visible import cut_to_width, name_list, visible

if TYPE_CHECKING:
    from skdrift.report._drift_report import DriftReport

_MORE: Final = "report = model.check(X) says more"


def warning_text(report: DriftReport, codes: Collection[str] | None = None) -> str:
    """Tell of a report in a warning, in at most five lines.

    Parameters
    ----------
    report : DriftReport
    codes : collection of str, default=None
        Only alarms with one of these codes are spoken of, for example the codes of
        shift in a `DriftWarning`; None for all.

    Returns
    -------
    str
        How many alarms in how many columns, their codes and columns (at most five
        of each), the largest evidence, and where to read on. Without such an alarm
        the verdict of the report.
    """
    alarms = [a for a in report.alarms if codes is None or a.code in codes]
    around = circumstances(report)
    codes_seen = list(dict.fromkeys(alarm.code for alarm in alarms))
    columns = list(dict.fromkeys(name for alarm in alarms for name in alarm.features))
    if not alarms:
        lines = [verdict(report), around]
    else:
        lines = [
            f"{alarm_count(report, alarms)} {around}",
            f"codes: {name_list(codes_seen)}",
            f"columns: {name_list(columns)}" if columns else "",
            f"largest evidence: {_evidence(alarms[0])}",
        ]
    return "\n".join(cut_to_width(line, WIDTH) for line in [*lines, _MORE] if line)


def _evidence(finding: Finding) -> str:
    numbers = [effect(finding), pvalue(finding.pvalue), visible(finding.direction)]
    parts = [
        visible(finding.code),
        name_list(finding.features[:1]),
        ", ".join(filter(None, numbers)) or visible(finding.message),
    ]
    return ": ".join(filter(None, parts))
