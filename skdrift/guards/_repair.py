"""Repair: from the cells that break a rule to the columns of the guarded table."""

from __future__ import annotations

import difflib
import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from skdrift._core.cells import Column, array_column
from skdrift._core.frame import ArrayTable, FrameTable, PandasTable, Table
from skdrift._core.frame_cells import LoneCells, column_or_cells
from skdrift._core.frame_edit import EditedColumn, NewColumn, rebuild_table
from skdrift._core.keys import display_key, key_number, key_value
from skdrift.exceptions import InputError
from skdrift.guards._casting import cast_column, filled_column
from skdrift.guards._column_guard import NUMBERS, ColumnGuard, GuardRules
from skdrift.guards._column_match import ColumnMatch
from skdrift.guards._flagging import flag_column
from skdrift.guards._flags import ABOVE, BELOW, INFINITE, MISSING, UNREADABLE, UNSEEN
from skdrift.guards._guard_report import GuardAction

NO_ROWS = np.zeros(0, dtype=np.intp)
LONGEST_SPELLING = 100
INDICATORS = {
    "schema": "typeindicator_",
    "category": "unseenindicator_",
    "range": "rangeindicator_",
    "missing": "missingindicator_",
}
"""How the names of indicator columns begin, by kind and in this order."""


def indicator_names(rules: GuardRules, names: Sequence[str]) -> list[str]:
    """Names of the indicator columns, given those of training."""
    return [
        prefix + name
        for kind, prefix in INDICATORS.items()
        for column, name in zip(rules.columns, names, strict=True)
        if rules.indicates(column, kind)
    ]


class ColumnRepair:
    """One column on its way: what it held, what it will hold.

    Parameters
    ----------
    guard : ColumnGuard
    place : int
        Position in the table; -1 if the column is missing.
    column : Column
        What its cells are now.
    flags : ndarray or None
    values : ndarray or None
        New values of the whole column, where it was cast or filled.

    Attributes
    ----------
    emptied : ndarray of int
        Rows whose cell was made missing.
    marked : dict of str to ndarray of int
        Rows for the indicator columns, by kind.
    """

    __slots__ = (
        "_codes",
        "_parts",
        "_rows",
        "column",
        "emptied",
        "guard",
        "marked",
        "place",
        "values",
    )

    def __init__(
        self,
        guard: ColumnGuard,
        place: int,
        column: Column,
        flags: np.ndarray | None,
        values: np.ndarray | None = None,
    ) -> None:
        self.guard = guard
        self.place = place
        self.values = values
        self.emptied = NO_ROWS
        self.marked: dict[str, np.ndarray] = {}
        self._parts: list[tuple[np.ndarray, Any]] = []
        self.read(column, flags)

    def read(self, column: Column, flags: np.ndarray | None) -> None:
        """Take cells and their flags."""
        self.column = column
        self._rows = NO_ROWS if flags is None else np.flatnonzero(flags)
        self._codes = NO_ROWS if flags is None else flags[self._rows]

    def rows_flagged(self, *numbers: int) -> np.ndarray:
        """Positions of the rows with one of some flags."""
        chosen = np.zeros(len(self._codes), dtype=bool)
        for number in numbers:
            chosen |= self._codes == number
        return np.asarray(self._rows[chosen])

    def empty(self, rows: np.ndarray) -> None:
        """Make some cells missing."""
        self.emptied = np.union1d(self.emptied, rows)

    def write(self, rows: np.ndarray, values: Any) -> None:
        """Give some cells one new value, or with a list each its own."""
        if len(rows):
            self.emptied = np.setdiff1d(self.emptied, rows)
            self._parts.append((rows, values))

    def edit(self, position: int) -> EditedColumn:
        """What was written, for the column at a position."""
        parts = list(self._parts)
        if len(self.emptied):
            parts.append((self.emptied, None))
        if len(parts) == 1:
            return EditedColumn(position, *parts[0])
        rows = np.concatenate([NO_ROWS, *(rows for rows, _ in parts)])
        values: list[Any] = []
        for part, value in parts:
            values += value if isinstance(value, list) else [value] * len(part)
        order = np.argsort(rows, kind="stable")
        return EditedColumn(
            position, rows[order], [values[place] for place in order.tolist()]
        )


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
        below |= floats_of(repair.column)[rows] == -np.inf
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
            end if np.isinf(end) else time(int(end), "us") for end in (low, high)
        )
    if column.family == "integer":
        # An infinite limit is never written.
        lowest = low if np.isinf(low) else math.ceil(low)
        highest = high if np.isinf(high) else math.floor(high)
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


def floats_of(column: Column) -> np.ndarray:
    """Every cell as a 64-bit float, NaN where there is no number."""
    if column.family == "mixed":
        keys = column.keys()
        return np.array([np.nan if key is None else key_number(key) for key in keys])
    numbers = column.numbers()
    values = numbers.values.astype(np.float64)
    if numbers.missing is not None:
        values[numbers.missing] = np.nan
    if numbers.rows is None:
        return values
    spread = np.zeros(column.n_rows)
    spread[numbers.rows] = values
    return spread


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
        _impute(waiting, repairs, table, rules, match, imputer)
    return actions


def _impute(
    waiting: Sequence[tuple[ColumnRepair, np.ndarray]],
    repairs: Sequence[ColumnRepair],
    table: Table,
    rules: GuardRules,
    match: ColumnMatch,
    imputer: Any,
) -> None:
    """Let the imputer answer for the rows that need it."""
    by_guard = {id(repair.guard): repair for repair in repairs}
    needing = np.unique(np.concatenate([rows for _, rows in waiting]))
    guards = [
        (guard, match.places[position])
        for position, guard in enumerate(rules.columns)
        if guard.by_imputer
    ]
    matrix = np.full((len(needing), len(guards)), np.nan)
    for place, (guard, position) in enumerate(guards):
        repair = by_guard.get(id(guard))
        if repair is not None:
            cells, edit = floats_of(repair.column), repair.edit(0)
            cells[edit.rows] = np.array(edit.values, dtype=np.float64)
        elif position >= 0:
            cells = floats_of(column_or_cells(table, position))
        else:
            continue
        matrix[:, place] = cells[needing]
    answer = imputed(imputer, matrix)
    places = {id(guard): place for place, (guard, _) in enumerate(guards)}
    for repair, rows in waiting:
        found = answer[np.searchsorted(needing, rows), places[id(repair.guard)]]
        rule = repair.guard.rule
        if np.isnan(found).any():
            raise InputError(
                f"imputer {type(imputer).__name__} gave NaN for a missing cell of "
                f"column {repair.guard.label!r}; choose another one"
            )
        found = np.clip(found, rule.lower, rule.upper)
        repair.write(rows, found.tolist())


def imputed(imputer: Any, matrix: np.ndarray) -> np.ndarray:
    """What an imputer makes of numbers, of which the infinite count as missing.

    Raises
    ------
    InputError
        If the imputer fails.
    """
    try:
        with np.errstate(over="ignore", invalid="ignore"):
            answer = imputer.transform(finite_or_missing(matrix))
        return np.asarray(answer, dtype=np.float64)
    except (ValueError, TypeError) as error:
        raise InputError(
            f"imputer {type(imputer).__name__} could not fill the missing cells "
            f"({error}); choose another one"
        ) from error


def finite_or_missing(matrix: np.ndarray) -> np.ndarray:
    """Numbers, NaN where they are infinite."""
    return np.where(np.isfinite(matrix), matrix, np.nan)


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


def _of_one_type(repair: ColumnRepair, rows: np.ndarray) -> np.ndarray | None:
    """Numbers for booleans, or booleans for 0 and 1, as training had; else None.

    What is written into some rows would make a mixture of the column, or a boolean
    of a number.
    """
    families = repair.guard.rule.family, repair.column.family
    if families == ("mixed", "boolean"):
        keys = repair.column.keys()
        return np.array([key and key_value(key) for key in keys], dtype=object)
    if "boolean" not in families or len(set(families) & NUMBERS) != 1:
        return None
    values, failed = cast_column(repair.column, repair.guard)
    return None if np.delete(failed, rows).any() else values


def _examples(column: Column, rows: np.ndarray) -> tuple[str, ...]:
    """What some cells hold, each value once."""
    if column.family in NUMBERS:
        shown = [f"{value:.6g}" for value in floats_of(column)[rows].tolist()]
    else:
        keys = column.keys()
        found = [key for key in (keys[row] for row in rows.tolist()) if key]
        shown = [display_key(key)[:40] for key in found]
    return tuple(dict.fromkeys(shown))


def is_listed(X: Any, table: Table) -> bool:
    """Whether a table came as lists or the like, and is given back as an array."""
    return isinstance(table, ArrayTable) and not isinstance(X, np.ndarray)


def result_names(table: Table, rules: GuardRules, match: ColumnMatch) -> list[str]:
    """Names of the columns of the guarded table, indicators included.

    Those of the table where it has names, else those of training; an indicator is
    called after its column.
    """
    places = match.places
    own = [
        column.label if table.names is None or place < 0 else table.names[place]
        for column, place in zip(rules.columns, places, strict=True)
    ]
    names = own
    if match.differs and not rules.repairs_columns:
        names = list(table.names or ())
    return [*names, *indicator_names(rules, own)]


def rebuilt(
    X: Any,
    table: Table,
    rules: GuardRules,
    match: ColumnMatch,
    repairs: Sequence[ColumnRepair],
) -> Any:
    """The guarded table; `X` itself where nothing changes."""
    by_guard = {id(repair.guard): repair for repair in repairs}
    by_place: dict[int, Any] = {}
    plan: list[Any] = []
    for guard, place in zip(rules.columns, match.places, strict=True):
        repair = by_guard.get(id(guard))
        part = place if repair is None else _planned(repair)
        plan.append(part)
        by_place[place] = part
    if match.differs and not rules.repairs_columns:
        plan = [by_place.get(place, place) for place in range(table.n_features)]
    for kind, prefix in INDICATORS.items():
        for guard in rules.columns:
            if rules.indicates(guard, kind):
                repair = by_guard.get(id(guard))
                mask = np.zeros(table.n_rows, dtype=bool)
                if repair is not None:
                    mask[repair.marked.get(kind, NO_ROWS)] = True
                plan.append(NewColumn(prefix + guard.label, mask))
    if plan == list(range(table.n_features)) and not is_listed(X, table):
        return X
    names: Sequence[Any] | None = None
    if isinstance(table, PandasTable | FrameTable):
        names = result_names(table, rules, match)
        if table.names is None and not rules.adds_columns:
            names = list(table.frame.columns)
    return rebuild_table(X, plan, names=names)


def _planned(repair: ColumnRepair) -> Any:
    guard, edit = repair.guard, repair.edit(max(repair.place, 0))
    if repair.values is None and len(edit.rows):
        repair.values = _of_one_type(repair, edit.rows)
    if repair.values is None:
        return edit if len(edit.rows) else repair.place
    new = repair.values
    if len(edit.rows):
        moved = EditedColumn(0, edit.rows, edit.values)
        new = rebuild_table(new.reshape(-1, 1), [moved])[:, 0]
    categories = tuple(map(key_value, guard.categories)) or None
    return NewColumn(guard.label, new, categories)
