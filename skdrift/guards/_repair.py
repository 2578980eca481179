"""Repair: what the policies make of the cells that break a rule."""

from __future__ import annotations

import difflib
import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from skdrift._core.cells import Column, array_column
from skdrift._core.frame import Table
from skdrift._core.frame_cells import LoneCells, column_or_cells
from skdrift._core.keys import display_key, key_value
from skdrift.guards._casting import cast_column, filled_column
from skdrift.guards._column_guard import NUMBERS, ColumnGuard, GuardRules
from skdrift.guards._column_match import ColumnMatch
from skdrift.guards._column_repair import NO_ROWS, ColumnRepair
from skdrift.guards._flagging import flag_column
from skdrift.guards._flags import ABOVE, BELOW, INFINITE, MISSING, UNREADABLE, UNSEEN
from skdrift.guards._guard_report import GuardAction
from skdrift.guards._imputing import impute

LONGEST_SPELLING = 100


def column_actions(
    match: ColumnMatch, rules: GuardRules, n_rows: int
) -> list[GuardAction]:
    """What is said of columns that are missing, new or moved."""
    repaired = rules.repairs_columns
    filling = "missing cells" if rules.fill == "missing" else "its typical value"
    gone = f"filled with {filling}"
    found = [("DA301", "missing column", name, gone) for name in match.missing]
    found += [("DA302", "extra column", name, "dropped") for name in match.extra]
    if match.reordered:
        found.append(("DA303", "other order", "", "put in the order of training"))
    return [
        GuardAction(
            feature=name,
            code=code,
            problem=problem,
            policy=rules.schema,
            n_rows=n_rows,
            rows=NO_ROWS,
            done=done if repaired else "",
        )
        for code, problem, name, done in found
    ]


def repair_columns(
    table: Table,
    rules: GuardRules,
    match: ColumnMatch,
    flagged: dict[int, np.ndarray],
    imputer: Any,
) -> tuple[list[ColumnRepair], list[GuardAction]]:
    """Carry out the policies of every column that has something to carry out.

    Returns
    -------
    repairs : list of ColumnRepair
        Of the columns with flags, and of those that are missing and are filled.
    actions : list of GuardAction
    """
    repairs: list[ColumnRepair] = []
    actions: list[GuardAction] = []
    filled = rules.repairs_columns
    for position, guard in enumerate(rules.columns):
        place = match.places[position]
        if place < 0 and not filled:
            continue
        if place < 0:
            repair = _fill_column(guard, table.n_rows, rules.fill)
        elif position in flagged:
            column = column_or_cells(table, place)
            repair = ColumnRepair(guard, place, column, flagged[position])
            if len(repair.rows_flagged(UNREADABLE)):
                actions += _retype(repair, rules)
        else:
            continue
        actions += _repair_categories(repair, rules)
        actions += _repair_range(repair)
        repairs.append(repair)
    actions += _repair_missing(repairs, table, rules, match, imputer)
    return repairs, actions


def _fill_column(guard: ColumnGuard, n_rows: int, fill: str) -> ColumnRepair:
    value = key_value(guard.typical) if fill == "typical" and guard.typical else None
    values = filled_column(guard, n_rows, value)
    column = array_column(values, guard.label)
    flags = flag_column(column, guard.rule)
    repair = ColumnRepair(guard, -1, column, flags, values)
    repair.marked["schema"] = np.arange(n_rows)
    return repair


def _retype(repair: ColumnRepair, rules: GuardRules) -> list[GuardAction]:
    """Cast a column of another type, or say that it is one."""
    guard, column = repair.guard, repair.column
    foreign = repair.rows_flagged(UNREADABLE)
    told = f"training had {guard.rule.family} cells, these are {column.family}"
    if isinstance(column, LoneCells):
        told = f"training had {guard.rule.family} cells, {column.reason}"
    if rules.retyped not in {"repair", "flag"}:
        done = "" if rules.retyped == "ignore" else told
        return [_retype_action(guard, column, foreign, rules.retyped, done)]
    repair.values, failed = cast_column(column, guard)
    repair.marked["schema"] = np.flatnonzero(failed)
    cast = array_column(repair.values, guard.label)
    repair.read(cast, flag_column(cast, guard.rule))
    done = f"{told}: cast"
    actions = [_retype_action(guard, column, foreign, rules.retyped, done)]
    if failed.any():
        refused = rules.uncastable == "raise" and rules.retyped == "repair"
        done = f"{told} and cannot be cast" + ("" if refused else ": set to missing")
        policy = "raise" if refused else "missing"
        rows = np.flatnonzero(failed)
        actions.append(_retype_action(guard, column, rows, policy, done))
    return actions


def _retype_action(
    guard: ColumnGuard, column: Column, rows: np.ndarray, policy: str, done: str
) -> GuardAction:
    return GuardAction(
        feature=guard.label,
        code="DA406" if isinstance(column, LoneCells) else "DA304",
        problem="other type",
        policy=policy,
        n_rows=len(rows),
        rows=rows,
        examples=_examples(column, rows[:3]),
        done=done,
    )


def _repair_categories(repair: ColumnRepair, rules: GuardRules) -> list[GuardAction]:
    rows = repair.rows_flagged(UNSEEN)
    guard, policy = repair.guard, repair.guard.category
    if not len(rows):
        return []
    repair.marked["category"] = rows
    if policy != "nearest":
        done = _replace(repair, rows, policy)
        return [_action(repair, rows, "DA402", "unseen", policy, done)]
    keys = repair.column.keys()
    near = _nearest({str(keys[row]) for row in rows.tolist()}, guard, rules.similarity)
    found = np.array([str(keys[row]) in near for row in rows.tolist()], dtype=bool)
    actions = []
    if found.any():
        spellings = [near[str(keys[row])] for row in rows[found].tolist()]
        repair.write(rows[found], list(map(key_value, spellings)))
        done = "set to the nearest spelling"
        actions.append(_action(repair, rows[found], "DA402", "unseen", policy, done))
    if not found.all():
        done = _replace(repair, rows[~found], rules.otherwise)
        actions.append(
            _action(repair, rows[~found], "DA402", "unseen", rules.otherwise, done)
        )
    return actions


def _replace(repair: ColumnRepair, rows: np.ndarray, policy: str) -> str:
    """Write what a policy puts in the place of unseen categories."""
    guard = repair.guard
    if policy == "missing":
        repair.empty(rows)
        return "set to missing"
    if policy not in {"other", "most_frequent"}:
        return ""
    key = guard.other if policy == "other" and guard.other else guard.typical
    if not key:
        repair.empty(rows)
        return "set to missing"
    repair.write(rows, key_value(key))
    return f"set to {display_key(key)[:40]!r}"


def _nearest(unseen: set[str], guard: ColumnGuard, similarity: float) -> dict[str, str]:
    """Known spelling that resembles each unseen one, where there is one."""
    assert guard.rule.levels is not None
    folded: dict[str, str] = {}
    for key in guard.rule.levels.keys:
        if key[:1] != "\0":
            folded.setdefault(_folded(key), key)
    near: dict[str, str] = {}
    for key in unseen:
        text = _folded(key)
        if key[:1] == "\0":
            continue
        if text in folded:
            near[key] = folded[text]
            continue
        close = difflib.get_close_matches(text, list(folded), n=1, cutoff=similarity)
        if close:
            near[key] = folded[close[0]]
    return near


def _folded(text: str) -> str:
    return " ".join(text.split()).casefold()[:LONGEST_SPELLING]


def _repair_range(repair: ColumnRepair) -> list[GuardAction]:
    policy = repair.guard.range
    actions = []
    outside = repair.rows_flagged(BELOW, ABOVE, INFINITE)
    if not len(outside):
        return []
    repair.marked["range"] = outside
    done = ""
    if policy == "missing":
        repair.empty(outside)
        done = "set to missing"
    elif policy in {"clip", "clip_to_quantiles"}:
        low, high = _line_values(repair)
        below = _too_low(repair, outside)
        repair.write(outside[below], low)
        repair.write(outside[~below], high)
        done = "clipped"
    for numbers, code, problem in (
        ((BELOW, ABOVE), "DA403", "out of range"),
        ((INFINITE,), "DA404", "infinite"),
    ):
        rows = repair.rows_flagged(*numbers)
        if len(rows):
            actions.append(_action(repair, rows, code, problem, policy, done))
    return actions


def _too_low(repair: ColumnRepair, rows: np.ndarray) -> np.ndarray:
    """Which of some rows that are out of range lie below it."""
    below = np.isin(rows, repair.rows_flagged(BELOW))
    if len(repair.rows_flagged(INFINITE)):
        below |= repair.column.floats()[rows] == -np.inf
    return below


def _line_values(repair: ColumnRepair) -> tuple[Any, Any]:
    """What too small and too large cells become, in the type of the column.

    Limits are rounded inwards to what the column can hold, so that a clipped cell is
    within them.
    """
    family, column = repair.guard.rule.family, repair.column
    low, high = repair.guard.clip
    if family.startswith("datetime") or family == "duration":
        time = np.timedelta64 if family == "duration" else np.datetime64
        return tuple(  # type: ignore[return-value]
            end if math.isinf(end) else time(int(end), "us") for end in (low, high)
        )
    if column.family == "integer":
        # An infinite limit is never written.
        lowest = low if math.isinf(low) else math.ceil(low)
        highest = high if math.isinf(high) else math.floor(high)
        if lowest <= highest:
            return lowest, highest
    dtype = getattr(getattr(column, "values", None), "dtype", np.dtype(np.float64))
    if dtype.kind == "f" and dtype.itemsize < 8:
        with np.errstate(over="ignore"):
            narrow = dtype.type(low), dtype.type(high)
        nothing = dtype.type(np.inf)
        if float(narrow[0]) < low:
            narrow = np.nextafter(narrow[0], nothing), narrow[1]
        if float(narrow[1]) > high:
            narrow = narrow[0], np.nextafter(narrow[1], -nothing)
        return float(narrow[0]), float(narrow[1])
    return low, high


def _repair_missing(
    repairs: Sequence[ColumnRepair],
    table: Table,
    rules: GuardRules,
    match: ColumnMatch,
    imputer: Any,
) -> list[GuardAction]:
    """Missing cells, those included that another policy made missing."""
    actions: list[GuardAction] = []
    waiting: list[tuple[ColumnRepair, np.ndarray]] = []
    for repair in repairs:
        guard = repair.guard
        rows = repair.rows_flagged(MISSING)
        if not guard.rule.may_miss:
            rows = np.union1d(rows, repair.emptied)
        if not len(rows):
            continue
        repair.marked["missing"] = rows
        done = ""
        if guard.missing == "impute" and guard.by_imputer:
            waiting.append((repair, rows))
            done = f"imputed by {type(imputer).__name__}"
        elif guard.missing == "impute":
            repair.write(rows, key_value(guard.fill))
            done = f"set to {display_key(guard.fill)[:40]!r}"
        actions.append(
            _action(repair, rows, "DA401", "missing", guard.missing, done, named=False)
        )
    if waiting:
        impute(waiting, repairs, table, rules, match, imputer)
    return actions


def _action(
    repair: ColumnRepair,
    rows: np.ndarray,
    code: str,
    problem: str,
    policy: str,
    done: str,
    *,
    named: bool = True,
) -> GuardAction:
    return GuardAction(
        feature=repair.guard.label,
        code=code,
        problem=problem,
        policy=policy,
        n_rows=len(rows),
        rows=rows,
        examples=_examples(repair.column, rows[:3]) if named else (),
        done=done,
    )


def _examples(column: Column, rows: np.ndarray) -> tuple[str, ...]:
    """What some cells hold, each value once."""
    if column.family in NUMBERS:
        shown = [f"{value:.6g}" for value in column.floats()[rows].tolist()]
    else:
        keys = column.keys()
        found = [key for key in (keys[row] for row in rows.tolist()) if key]
        shown = [display_key(key)[:40] for key in found]
    return tuple(dict.fromkeys(shown))
