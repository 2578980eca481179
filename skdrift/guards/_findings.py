"""Flagged cells as findings, put together with what was tested of the same columns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from skdrift._core.cells import display_key
from skdrift._core.frame import Table
from skdrift._core.result import Finding
from skdrift.guards._flagging import ColumnFlags, flag_counts, unseen_levels
from skdrift.guards._flags import ABOVE, BELOW, FLAG_CODES, UNREADABLE, UNSEEN
from skdrift.profile._profile import Profile

ADVICE = {
    "DA401": "look at the join or the sensor that fills this column",
    "DA402": "map them to a known category, or train with them",
    "DA403": "look at units and sensors; the model extrapolates there",
    "DA404": "look at divisions and logarithms before the model",
}


def flag_findings(
    table: Table, reference: Profile, flags: ColumnFlags
) -> list[Finding]:
    """One note for each column and each kind of flag.

    Columns of an unreadable type are left to the schema's findings.
    """
    findings = []
    for position, codes in flags.items():
        counts = flag_counts(codes)
        ranged = counts.pop(BELOW, 0) + counts.pop(ABOVE, 0)
        if ranged:
            detail = _range_text(reference, position)
            findings.append(_note(table, reference, position, "DA403", ranged, detail))
        for number, n in counts.items():
            if number == UNREADABLE:
                continue
            entry = FLAG_CODES[number]
            detail = ", " + entry.reason
            if number == UNSEEN:
                detail = _unseen_text(table, reference, position, codes)
            findings.append(_note(table, reference, position, entry.code, n, detail))
    return findings


def _note(
    table: Table, reference: Profile, position: int, code: str, n: int, detail: str
) -> Finding:
    label = reference.grid.labels[position]
    nan = float("nan")
    return Finding(
        code=code,
        severity="note",
        features=(label,),
        effect_size=n / table.n_rows,
        effect_name="share of rows",
        low=nan,
        high=nan,
        pvalue=nan,
        direction="",
        message=f"{n:,} of {table.n_rows:,} rows{detail}",
        advice=ADVICE[code],
        n_rows=n,
    )


def _range_text(reference: Profile, position: int) -> str:
    low, high = reference.smallest[position], reference.largest[position]
    if reference.grid.kinds[position] == "datetime":
        low, high = np.array([low, high]).astype("datetime64[us]").astype(str)
        return f" outside the range of training, {low} to {high}"
    return f" far outside the range of training, {low:.6g} to {high:.6g}"


def _unseen_text(
    table: Table, reference: Profile, position: int, codes: np.ndarray
) -> str:
    levels = unseen_levels(table, reference, position, codes).most_common(5)
    named = ", ".join(repr(display_key(level))[:40] for level, _ in levels)
    return f" in categories that training did not have: {named}"


def merge_flags(tested: Sequence[Finding], flagged: Sequence[Finding]) -> list[Finding]:
    """Findings of tests, each with the rows that were flagged for the same reason."""
    by_key = {(finding.code, finding.features): finding for finding in flagged}
    merged = []
    for finding in tested:
        code = "DA401" if finding.code == "DA405" else finding.code
        note = by_key.pop((code, finding.features), None)
        if note is not None:
            finding = replace(
                finding,
                n_rows=note.n_rows,
                message=f"{finding.message}; flagged: {note.message}",
            )
        merged.append(finding)
    return [*merged, *by_key.values()]
