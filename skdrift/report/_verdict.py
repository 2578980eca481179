"""The verdict of a report in one sentence; text, HTML and warnings begin with it."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final, Literal

from skdrift._core.result import FeatureRow, Finding, Outcome
from skdrift.report._numbers import bound, counted, number, rows, with_interval
from skdrift.report._visible import cut_to_width, visible

if TYPE_CHECKING:
    from skdrift.report._drift_report import DriftReport

Tone = Literal["alarm", "good", "open"]

EFFECT_NAME_WIDTH: Final = 40
MOST_DETECTABLE: Final = 0.995
ANSWER_CODE: Final = "DA106"
_OUTCOMES: Final[tuple[Outcome, ...]] = ("drift", "undecided", "stable", "not tested")


def tone(report: DriftReport) -> Tone:
    """``"good"`` only for a batch that was tested and found stable."""
    if not report.ok:
        return "alarm"
    return "good" if report.outcome == "stable" else "open"


def verdict(report: DriftReport) -> str:
    """``"DRIFT: 3 alarms in 2 of 12 columns"``: what was found, and how sure it is."""
    if not report.ok:
        word = "DRIFT" if report.outcome == "drift" else "ALARM"
        return f"{word}: {finding_count(report, report.alarms)}"
    n_columns = len(report.features)
    if report.outcome == "stable":
        n_stable = sum(row.outcome == "stable" for row in report.features)
        part = f"{n_stable:,} of " if n_stable < n_columns else ""
        return (
            f"OK: no drift larger than {bound(report.stable_bound)} (KS distance) in"
            f" {part}{counted(n_columns, 'column')}"
        )
    if report.outcome == "drift":
        moved = sum(row.outcome == "drift" for row in report.features)
        return f"OK: no alarm, but {moved:,} of {counted(n_columns, 'column')} moved"
    return f"UNDECIDED: {_why_undecided(report)}"


def circumstances(report: DriftReport) -> str:
    """``"(8,734 rows against 8,645 of training, alpha = 0.01)"``."""
    sampled = (
        f", {report.n_checked:,} of them looked at for shift,"
        if report.n_checked < report.n_rows
        else ""
    )
    return (
        f"({rows(report.n_rows)}{sampled} against {report.n_reference:,} of training,"
        f" {_level(report)})"
    )


def _level(report: DriftReport) -> str:
    """``"1 block against 36, alpha = 0.01 is not promised: that takes 99"``."""
    alpha, blocks = f"alpha = {report.alpha:g}", report.blocks
    if blocks is None:
        return alpha
    counts = f"{counted(blocks.n_current, 'block')} against {blocks.n_reference:,}"
    if blocks.promised:
        return f"{counts}, {alpha}"
    return f"{counts}, {alpha} is not promised: that takes {blocks.n_needed:,}"


def finding_count(report: DriftReport, findings: Sequence[Finding]) -> str:
    """``"3 alarms and 1 note in 2 of 12 columns and in the score"``."""
    n_alarms = sum(finding.severity == "alarm" for finding in findings)
    n_notes = len(findings) - n_alarms
    concerned = set(column_names(findings))
    places = []
    if concerned:
        known = {row.feature for row in report.features}
        total = f" of {len(known):,}" if concerned <= known else ""
        n_named = len(known) if total else len(concerned)
        columns = "column" if n_named == 1 else "columns"
        places.append(f" in {len(concerned):,}{total} {columns}")
    if any(finding.code == ANSWER_CODE for finding in findings):
        places.append(" in the model's answers")
    if any(finding.code.startswith("DA2") for finding in findings):
        places.append(" in the score")
    kinds = [
        counted(n_alarms, "alarm") if n_alarms else "",
        counted(n_notes, "note") if n_notes else "",
    ]
    return " and ".join(filter(None, kinds)) + " and".join(places)


def column_names(findings: Sequence[Finding]) -> list[str]:
    """Columns that findings are about, each once; outputs of the model are none."""
    return list(
        dict.fromkeys(
            name
            for finding in findings
            if finding.code != ANSWER_CODE
            for name in finding.features
        )
    )


def answer_count(report: DriftReport) -> str:
    """``"1 drift, 1 stable"``, of the outputs of the model."""
    return _counts(report.outputs)


def column_count(report: DriftReport) -> str:
    """``"2 drift, 1 undecided, 9 stable"``."""
    return _counts(report.features)


def _counts(rows: Sequence[FeatureRow]) -> str:
    counts = Counter(row.outcome for row in rows)
    return ", ".join(f"{counts[name]:,} {name}" for name in _OUTCOMES if counts[name])


def power(report: DriftReport) -> str:
    """Say what so many rows can show, and how many it takes for ``stable``."""
    if math.isnan(report.detectable_effect):
        return ""
    if _among_blocks(report):
        return (
            f"P{_among_blocks(report)[1:]}: a shift is seen only where it is larger"
            " than all of these differences."
        )
    seen = (
        f"{rows(report.n_checked)} would show a KS distance of"
        f" {number(report.detectable_effect)} or more."
    )
    if math.isnan(report.rows_needed):
        return seen
    limit = bound(report.stable_bound)
    if math.isinf(report.rows_needed):
        return (
            f"{seen} No number of rows can show that a column is within {limit}:"
            f" {rows(report.n_reference)} of training are too few."
        )
    return (
        f"{seen} It takes {rows(report.rows_needed)} to show that a column is within"
        f" {limit}."
    )


def effect(finding: Finding) -> str:
    """``"KS distance 0.31 [0.28, 0.34]"``; empty where nothing was measured."""
    if math.isnan(finding.effect_size):
        return ""
    numbers = with_interval(finding.effect_size, finding.low, finding.high)
    name = cut_to_width(visible(finding.effect_name), EFFECT_NAME_WIDTH)
    return f"{name} {numbers}".strip()


def _why_undecided(report: DriftReport) -> str:
    if report.outcome == "not tested" or report.n_checked == 0:
        looked_at = (
            "the batch has no rows" if report.n_rows == 0 else "no shift was tested"
        )
        return f"no alarm, but {looked_at}"
    few = "row is" if report.n_checked == 1 else "rows are"
    too_few = f"{report.n_checked:,} {few} too few to"
    if math.isnan(report.detectable_effect):
        return f"{too_few} tell"
    if _among_blocks(report):
        return f"no alarm, but {_among_blocks(report)}"
    seen = f"{too_few} see less than {number(report.detectable_effect)} (KS distance)"
    if math.isinf(report.rows_needed):
        return f"{seen}, and training has too few for more to help"
    if report.rows_needed > report.n_checked:
        return f"{seen}; {math.ceil(report.rows_needed):,} would do"
    still_open = sum(row.outcome == "undecided" for row in report.features)
    return (
        f"no alarm, but more than {bound(report.stable_bound)} (KS distance) is not"
        f" ruled out in {still_open:,} of {counted(len(report.features), 'column')}"
    )


def _among_blocks(report: DriftReport) -> str:
    """Why no number of rows would do; empty where rows decide."""
    blocks = report.blocks
    if blocks is None or report.detectable_effect < MOST_DETECTABLE:
        return ""
    return (
        f"parts of training as long as the batch ({blocks.n_current:,} of"
        f" {blocks.n_reference:,} blocks) differ much from each other"
    )
