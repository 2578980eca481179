"""Schema: columns that are missing, new, moved or of another type."""

from __future__ import annotations

import difflib
import unicodedata
from collections.abc import Sequence

import numpy as np

from skdrift._core.cells import display_key
from skdrift._core.frame import Table
from skdrift._core.result import Finding, Severity
from skdrift.profile._count import Matching, match_columns, type_change
from skdrift.profile._grid import Grid

MOST_NAMED = 5
LONGEST_NAME = 100


def schema_findings(table: Table, grid: Grid, families: Sequence[str]) -> list[Finding]:
    """What differs between the columns of a batch and those of training.

    These findings are certain: they have no p-value.

    Parameters
    ----------
    table : Table
    grid : Grid
    families : sequence of str
        Types of the batch's columns, in the order of the grid, as they were counted.
    """
    matching = match_columns(table, grid)
    missing = _missing_names(matching, grid)
    findings: list[Finding] = []
    if missing:
        findings.append(_missing_finding(missing, matching.extra))
    if matching.extra:
        names = _listed(matching.extra)
        findings.append(
            _schema_finding(
                "DA302",
                "note",
                matching.extra,
                f"{len(matching.extra)} column(s) that training did not have: {names}",
                "drop them before the model, or train with them",
            )
        )
    if matching.reordered:
        findings.append(_order_finding(table, grid, matching))
    findings += _type_findings(table, grid, matching, families)
    findings += _name_findings(table)
    return findings


def _schema_finding(
    code: str,
    severity: Severity,
    features: tuple[str, ...],
    message: str,
    advice: str,
    direction: str = "",
) -> Finding:
    nan = float("nan")
    return Finding(
        code=code,
        severity=severity,
        features=features,
        effect_size=nan,
        effect_name="",
        low=nan,
        high=nan,
        pvalue=nan,
        direction=direction,
        message=message,
        advice=advice,
    )


def unreadable_finding(reason: str) -> Finding:
    """The whole batch cannot be read; the model answered for it all the same."""
    return _schema_finding(
        "DA406",
        "alarm",
        (),
        f"the batch cannot be looked at: {reason}",
        "pass a table of the kind that fit was given",
        direction="unreadable",
    )


def _listed(names: tuple[str, ...]) -> str:
    shown = ", ".join(map(_quoted, names[:MOST_NAMED]))
    more = len(names) - MOST_NAMED
    return f"{shown} and {more} more" if more > 0 else shown


def _quoted(name: str) -> str:
    shown = repr(name)
    return shown if len(shown) <= LONGEST_NAME else shown[: LONGEST_NAME - 3] + "..."


def _folded(name: str) -> str:
    """Name for looking for similar ones, whose cost grows with the square of it."""
    return name.strip().casefold()[:LONGEST_NAME]


def _missing_names(matching: Matching, grid: Grid) -> tuple[str, ...]:
    places = np.flatnonzero(matching.positions < 0)
    return tuple(grid.labels[place] for place in places)


def _missing_finding(missing: tuple[str, ...], extra: tuple[str, ...]) -> Finding:
    folded = {_folded(name): name for name in extra}
    hints = []
    for name in missing[:MOST_NAMED]:
        close = difflib.get_close_matches(
            _folded(name), list(folded)[:1000], n=1, cutoff=0.8
        )
        if close:
            hints.append(f"{_quoted(folded[close[0]])} for {_quoted(name)}")
    meant = f"; did you mean {', '.join(hints)}?" if hints else ""
    return _schema_finding(
        "DA301",
        "alarm",
        missing,
        f"{len(missing)} column(s) of training are missing: {_listed(missing)}{meant}",
        "look at the query, the join or the renaming before the model",
        direction="missing",
    )


def _order_finding(table: Table, grid: Grid, matching: Matching) -> Finding:
    present = [
        (int(place), label)
        for place, label in zip(matching.positions, grid.labels, strict=True)
        if place >= 0
    ]
    now = [label for _, label in sorted(present)]
    moved = [
        (before, after)
        for (_, before), after in zip(present, now, strict=True)
        if before != after
    ]
    diff = ", ".join(
        f"{_quoted(after)} where training had {_quoted(before)}"
        for before, after in moved[:MOST_NAMED]
    )
    return _schema_finding(
        "DA303",
        "note",
        tuple(before for before, _ in moved),
        f"columns come in another order: {diff}",
        "order the columns as in training; a model that reads by position errs",
        direction="reordered",
    )


def _type_findings(
    table: Table, grid: Grid, matching: Matching, families: Sequence[str]
) -> list[Finding]:
    findings: list[Finding] = []
    for position, place in enumerate(matching.positions.tolist()):
        before, now = grid.families[position], families[position]
        if place < 0 or before == now:
            continue
        label = grid.labels[position]
        if now == "unsupported":
            findings.append(
                _schema_finding(
                    "DA406",
                    "alarm",
                    (label,),
                    table.column(place).problem,
                    f"training had {before}: restore the type",
                    direction=f"{before} → {now}",
                )
            )
            continue
        change = type_change(before, now)
        if change:
            findings.append(
                _schema_finding(
                    "DA304",
                    "alarm" if change == "unreadable" else "note",
                    (label,),
                    f"type changed from {before} to {now}{_example(table, place, now)}",
                    "look at the parser and at the type of the source column",
                    direction=f"{before} → {now}",
                )
            )
    return findings


def _example(table: Table, place: int, family: str) -> str:
    if family not in {"string", "mixed", "bytes"}:
        return ""
    levels = list(table.column(place).levels().counts)[:3]
    return f", for example {', '.join(repr(display_key(k))[:40] for k in levels)}"


def _name_findings(table: Table) -> list[Finding]:
    if table.names is None:
        return []
    by_form: dict[str, list[str]] = {}
    for name in table.names:
        if not name.isascii():
            folded = unicodedata.normalize("NFC", name)
            by_form.setdefault(folded, []).append(name)
    twins = tuple(name for same in by_form.values() if len(same) > 1 for name in same)
    if not twins:
        return []
    return [
        _schema_finding(
            "DA305",
            "note",
            twins,
            f"column names that look the same but differ in bytes: {_listed(twins)}",
            "normalise names to one Unicode form (NFC)",
        )
    ]
