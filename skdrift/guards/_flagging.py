"""Flagging: which cells hold what training never had. Deterministic, row by row."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from skdrift._core.cells import Column, Numbers
from skdrift._core.frame import Table
from skdrift._core.keys import key_number
from skdrift.guards._flags import (
    ABOVE,
    ABSENT_REASON,
    BELOW,
    FLAG_CODES,
    INFINITE,
    MISSING,
    UNREADABLE,
    UNSEEN,
    Flags,
)
from skdrift.profile._cells import Cells, LevelCells, NumberCells
from skdrift.profile._count import (
    comparable_column,
    match_columns,
    renamed_levels,
)
from skdrift.profile._profile import Profile, cells_by_feature

ColumnFlags = dict[int, np.ndarray]

MARKS = {
    "integer": ("\0n:", "\0b:"),
    "float": ("\0n:", "\0b:"),
    "decimal": ("\0n:", "\0b:"),
    "boolean": ("\0b:",),
    "duration": ("\0d:",),
    "datetime": ("\0t:",),
    "datetime with zone": ("\0t:",),
}
"""How the keys begin that can be read as a type, in a column of several types."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ColumnRule:
    """What the cells of one column may hold.

    Attributes
    ----------
    family : str
        Type of the column in training.
    lower, upper : float
        Smallest and largest number; for datetimes microseconds since 1970.
    levels : LevelCells or None
        Known levels of a column of categories.
    may_miss, may_sink, may_soar : bool
        Whether a cell may be missing, minus infinity, infinity.
    """

    family: str
    lower: float = -np.inf
    upper: float = np.inf
    levels: LevelCells | None = None
    may_miss: bool = True
    may_sink: bool = True
    may_soar: bool = True


def rule_of(reference: Profile, position: int, cells: tuple[Cells, ...]) -> ColumnRule:
    """What training had in a column."""
    grid = reference.grid
    family = grid.families[position]
    if grid.kinds[position] == "empty":
        return ColumnRule(family=family)
    value = cells[0] if cells and cells[0].aspect == "value" else None
    lower, upper = -np.inf, np.inf
    if isinstance(value, NumberCells) and not grid.untested[position]:
        lower, upper = value.lower, value.upper
    return ColumnRule(
        family=family,
        lower=lower,
        upper=upper,
        levels=value if isinstance(value, LevelCells) else None,
        may_miss=bool(reference.n_missing[position]),
        may_sink=bool(reference.n_negative_infinite[position]),
        may_soar=bool(reference.n_positive_infinite[position]),
    )


def flag_columns(
    table: Table, reference: Profile, counted: Profile | None = None
) -> ColumnFlags:
    """Flags of the columns that have any.

    Parameters
    ----------
    table : Table
    reference : Profile
        Of the training data.
    counted : Profile or None
        Of the same rows, if there is one: only columns that it shows to hold
        something new are read again.

    Returns
    -------
    dict of int to ndarray of uint8 of shape (n_rows,)
        By the position of the column in training.
    """
    if counted is None and _all_within(table, reference):
        return {}
    matching = match_columns(table, reference.grid)
    suspects = None if counted is None else _suspects(counted, reference)
    found: ColumnFlags = {}
    cells = cells_by_feature(reference.grid)
    for position, place in enumerate(matching.positions.tolist()):
        if place < 0 or (suspects is not None and not suspects[position]):
            continue
        rule = rule_of(reference, position, cells[position])
        flags = flag_column(table.column(place), rule)
        if flags is not None:
            found[position] = flags
    return found


def flags_of(
    table: Table, reference: Profile, pvalues: np.ndarray | None = None
) -> Flags:
    """Flags of every cell of a batch.

    Parameters
    ----------
    table : Table
    reference : Profile
        Of the training data.
    pvalues : ndarray of float of shape (n_rows,) or None
        How novel each row is as a whole.
    """
    grid = reference.grid
    codes = np.zeros((table.n_rows, grid.n_features), dtype=np.uint8)
    for position, flags in flag_columns(table, reference).items():
        codes[:, position] = flags
    return Flags(
        codes,
        grid.labels,
        index=table.index,
        absent=absent_columns(table, reference),
        pvalues=pvalues,
    )


def absent_columns(table: Table, reference: Profile) -> tuple[str, ...]:
    """Columns of training that a batch does not have."""
    positions = match_columns(table, reference.grid).positions
    labels = reference.grid.labels
    return tuple(labels[place] for place in np.flatnonzero(positions < 0))


def row_reasons(
    flags: ColumnFlags,
    labels: Sequence[str],
    absent: Sequence[str],
    rows: Sequence[int],
) -> list[tuple[str, ...]]:
    """Why each of some rows is flagged, in words.

    Parameters
    ----------
    flags : dict of int to ndarray of uint8 of shape (n_rows,)
        By the position of the column in training.
    labels, absent : sequence of str
        Names of all columns of training, and of those that the batch does not have.
    rows : sequence of int
        Positions.
    """
    whole = [f"{label}: {ABSENT_REASON}" for label in absent]
    columns = [(labels[position], flags[position]) for position in sorted(flags)]
    return [
        (
            *whole,
            *(
                f"{label}: {FLAG_CODES[codes[row]].reason}"
                for label, codes in columns
                if codes[row]
            ),
        )
        for row in rows
    ]


def flag_counts(flags: np.ndarray) -> dict[int, int]:
    """How often each flag occurs in a column that has any."""
    counts = np.bincount(flags, minlength=len(FLAG_CODES))
    numbers = (np.flatnonzero(counts[1:]) + 1).tolist()
    return {number: int(counts[number]) for number in numbers}


def unseen_levels(
    table: Table, reference: Profile, position: int, flags: np.ndarray
) -> Counter[str]:
    """Levels of a column that training did not have, and their counts."""
    place = int(match_columns(table, reference.grid).positions[position])
    rows = np.flatnonzero(flags == UNSEEN)
    keys = table.column(place).keys()
    return Counter(str(keys[row]) for row in rows.tolist())


def _suspects(counted: Profile, reference: Profile) -> np.ndarray:
    """Mask of the columns that hold something that training did not."""
    suspects = (
        ((counted.n_missing > 0) & (reference.n_missing == 0))
        | ((counted.n_positive_infinite > 0) & (reference.n_positive_infinite == 0))
        | ((counted.n_negative_infinite > 0) & (reference.n_negative_infinite == 0))
        | (counted.n_read < counted.n_rows)
    )
    for place, cells in enumerate(counted.grid.cells):
        position = cells.feature
        if isinstance(cells, LevelCells):
            suspects[position] |= bool(counted.unseen[place])
        elif cells.aspect == "value":
            suspects[position] |= bool(
                counted.smallest[position] < cells.lower
                or counted.largest[position] > cells.upper
            )
    return suspects


def _all_within(table: Table, reference: Profile) -> bool:
    """Whether a plain array of numbers lies within all limits: the usual, fast case."""
    block = table.number_block()
    grid = reference.grid
    if block is None or block.shape[1] != grid.n_features or block.size > 100_000:
        return False
    lower = np.full(grid.n_features, np.nan)
    upper = lower.copy()
    for cells in grid.cells:
        if isinstance(cells, NumberCells) and not grid.untested[cells.feature]:
            lower[cells.feature], upper[cells.feature] = cells.lower, cells.upper
    with np.errstate(invalid="ignore"):  # a signalling NaN
        return bool(((block >= lower) & (block <= upper)).all())


def flag_column(column: Column, rule: ColumnRule) -> np.ndarray | None:
    """Flags of one column, or None if it has none."""
    comparable = comparable_column(column, rule.family)
    if comparable is None:
        return _flag_foreign(column, rule)
    column = comparable
    if rule.levels is not None:
        renamed = renamed_levels(rule.family, column.family)
        return _flag_levels(column, rule.levels, renamed, rule.may_miss)
    if column.on_line or column.family == "boolean":
        return _flag_numbers(column.numbers(), rule, column.n_rows)
    return _flag_missing(column, rule.may_miss)


def _flag_foreign(column: Column, rule: ColumnRule) -> np.ndarray:
    """Flags of a column of another type: of cells of several types, the others."""
    flags = np.full(column.n_rows, UNREADABLE, dtype=np.uint8)
    mark = MARKS.get(rule.family)
    if column.family != "mixed" or mark is None:
        return flags
    keys = column.keys()
    own = np.fromiter(
        (key is None or key.startswith(mark) for key in keys), bool, len(keys)
    )
    if rule.levels is None:
        values = [np.nan if key is None else key_number(key) for key in keys]
        part = Numbers(np.array(values)[own])
        found = _flag_numbers(part, rule, len(part.values))
        flags[own] = 0 if found is None else found
        return flags
    for row in np.flatnonzero(own).tolist():
        key = keys[row]
        unknown = key is not None and rule.levels.place(key) == len(rule.levels.keys)
        flags[row] = UNSEEN if unknown else 0
        if key is None and not rule.may_miss:
            flags[row] = MISSING
    return flags


def _flag_missing(column: Column, may_miss: bool) -> np.ndarray | None:
    if may_miss or not column.possible()[1]:
        return None
    return column.where({None}).astype(np.uint8) * np.uint8(MISSING)


def _flag_levels(
    column: Column, cells: LevelCells, renamed: dict[str, str], may_miss: bool
) -> np.ndarray | None:
    possible, some_missing = column.possible()
    strange = possible
    if not renamed:
        strange = [key for key in possible if key not in cells.index]
    last = len(cells.keys)
    unseen: set[str | None] = {
        key for key in strange if cells.place(renamed.get(key, key)) == last
    }
    absent = some_missing and not may_miss
    if not unseen and not absent:
        return None
    flags = np.zeros(column.n_rows, dtype=np.uint8)
    if unseen:
        flags[column.where(unseen)] = UNSEEN
    if absent:
        flags[column.where({None})] = MISSING
    return flags if flags.any() else None


def _flag_numbers(numbers: Numbers, rule: ColumnRule, n_rows: int) -> np.ndarray | None:
    values, absent = numbers.values, numbers.missing
    zeros = _flag_of_zero(rule) if numbers.n_zeros else 0
    # As float64: a limit may lie beyond the range of 32-bit values.
    low, high = np.float64(rule.lower), np.float64(rule.upper)
    with np.errstate(invalid="ignore"):  # a signalling NaN
        inside = (values >= low) & (values <= high)
        if values.dtype.kind == "f" and not np.isfinite([low, high]).all():
            inside &= np.isfinite(values)
    if absent is not None:
        inside &= ~absent
    rows = np.flatnonzero(~inside)
    if not len(rows) and not zeros:
        return None
    found = _flags_outside(values[rows], rule)
    if absent is not None:
        found[absent[rows]] = 0 if rule.may_miss else MISSING
    if numbers.rows is not None:
        rows = numbers.rows[rows]
    flags = np.full(n_rows, zeros, dtype=np.uint8)
    if zeros:
        assert numbers.rows is not None
        flags[numbers.rows] = 0
    flags[rows] = found
    return flags if zeros or found.any() else None


def _flags_outside(values: np.ndarray, rule: ColumnRule) -> np.ndarray:
    """Flags of numbers that are not known to be within the limits."""
    flags = np.zeros(len(values), dtype=np.uint8)
    with np.errstate(invalid="ignore"):
        flags[values < np.float64(rule.lower)] = BELOW
        flags[values > np.float64(rule.upper)] = ABOVE
    if values.dtype.kind == "f":
        flags[np.isneginf(values)] = 0 if rule.may_sink else INFINITE
        flags[np.isposinf(values)] = 0 if rule.may_soar else INFINITE
        flags[np.isnan(values)] = 0 if rule.may_miss else MISSING
    return flags


def _flag_of_zero(rule: ColumnRule) -> int:
    if rule.lower <= 0 <= rule.upper:
        return 0
    return BELOW if rule.lower > 0 else ABOVE
