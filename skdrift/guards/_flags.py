"""Flags: which cells hold what training never had. Deterministic, row by row."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any

import numpy as np

from skdrift._core.cells import Column, Numbers
from skdrift._core.frame import Table
from skdrift._core.frame_output import pandas_frame
from skdrift.profile._cells import LevelCells, NumberCells
from skdrift.profile._count import (
    comparable_column,
    match_columns,
    renamed_levels,
)
from skdrift.profile._profile import Profile, cells_by_feature

MISSING, INFINITE, UNSEEN, BELOW, ABOVE, UNREADABLE = range(1, 7)


@dataclass(frozen=True, slots=True)
class FlagCode:
    """One kind of flag: its number in the array, its finding code, its meaning."""

    number: int
    code: str
    name: str
    reason: str


FLAG_CODES: tuple[FlagCode, ...] = (
    FlagCode(0, "", "", "nothing"),
    FlagCode(MISSING, "DA401", "missing", "missing, never so in training"),
    FlagCode(INFINITE, "DA404", "infinite", "infinite, never so in training"),
    FlagCode(UNSEEN, "DA402", "unseen", "a category that training did not have"),
    FlagCode(BELOW, "DA403", "below", "below the range of training"),
    FlagCode(ABOVE, "DA403", "above", "above the range of training"),
    FlagCode(UNREADABLE, "DA406", "unreadable", "of a type that training did not have"),
)


@dataclass(frozen=True, slots=True, eq=False)
class Flags:
    """Flags of a batch: one small integer for each cell.

    Attributes
    ----------
    codes : ndarray of uint8 of shape (n_rows, n_features)
        0 where nothing is wrong; else the number of a row in `table`. Columns are
        those of training, in training's order.
    features : tuple of str
        Names of the columns.
    table : tuple of FlagCode
        What each number means.
    index : object
        Row labels of the batch, or None.
    """

    codes: np.ndarray
    features: tuple[str, ...]
    table: tuple[FlagCode, ...] = FLAG_CODES
    index: Any = None

    def rows(self) -> np.ndarray:
        """Mask of the rows with at least one flag, of shape (n_rows,)."""
        return np.asarray(self.codes.any(axis=1))

    def reasons(self, row: int) -> tuple[str, ...]:
        """Reasons for the flags of one row (by position), in words."""
        return tuple(
            f"{self.features[place]}: {self.table[self.codes[row, place]].reason}"
            for place in np.flatnonzero(self.codes[row])
        )

    def to_frame(self) -> Any:
        """Flagged cells as a pandas data frame, one row for each.

        Returns
        -------
        DataFrame
            With columns ``row`` (position), ``feature``, ``code`` (of the finding),
            ``flag`` and ``reason``; its index are the row labels of the batch.

        Raises
        ------
        MissingDependencyError
            If pandas is not installed.
        """
        rows, places = np.nonzero(self.codes)
        entries = [self.table[number] for number in self.codes[rows, places].tolist()]
        frame = pandas_frame(
            {
                "row": rows.tolist(),
                "feature": [self.features[place] for place in places.tolist()],
                "code": [entry.code for entry in entries],
                "flag": [entry.name for entry in entries],
                "reason": [entry.reason for entry in entries],
            }
        )
        if self.index is not None:
            frame.index = self.index[rows]
        return frame

    def __repr__(self) -> str:
        n_rows, n_features = self.codes.shape
        return f"Flags(n_rows={n_rows}, n_features={n_features})"


ColumnFlags = dict[int, np.ndarray]

FEW_ROWS = 256


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
        flags = _flag_column(table.column(place), reference, position, cells[position])
        if flags is not None:
            found[position] = flags
    return found


def flags_of(table: Table, reference: Profile) -> Flags:
    """Flags of every cell of a batch."""
    grid = reference.grid
    codes = np.zeros((table.n_rows, grid.n_features), dtype=np.uint8)
    for position, flags in flag_columns(table, reference).items():
        codes[:, position] = flags
    return Flags(codes, grid.labels, index=table.index)


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


def _flag_column(
    column: Column, reference: Profile, position: int, cells: tuple[Any, ...]
) -> np.ndarray | None:
    grid = reference.grid
    comparable = comparable_column(column, grid.families[position])
    if comparable is None:
        return np.full(column.n_rows, UNREADABLE, dtype=np.uint8)
    column = comparable
    if grid.kinds[position] == "empty":
        return None
    never_missing = not reference.n_missing[position]
    value = cells[0] if cells and cells[0].aspect == "value" else None
    if isinstance(value, LevelCells):
        renamed = renamed_levels(grid.families[position], column.family)
        return _flag_levels(column, value, renamed, never_missing)
    if column.on_line or column.family == "boolean":
        limits = value if not grid.untested[position] else None
        return _flag_numbers(column.numbers(), limits, reference, position, column)
    return _flag_missing(column, never_missing)


def _flag_missing(column: Column, never_missing: bool) -> np.ndarray | None:
    if not never_missing or not column.levels().n_missing:
        return None
    keys = column.keys()
    absent = np.fromiter((key is None for key in keys), bool, column.n_rows)
    return absent.astype(np.uint8) * np.uint8(MISSING)


def _flag_levels(
    column: Column, cells: LevelCells, renamed: dict[str, str], never_missing: bool
) -> np.ndarray | None:
    last = len(cells.keys)
    keys = column.keys() if column.n_rows <= FEW_ROWS else None
    distinct = set(keys) if keys is not None else {None, *column.levels().counts}
    numbers: dict[str | None, int] = {
        key: UNSEEN
        for key in distinct
        if key is not None and cells.place(renamed.get(key, key)) == last
    }
    if never_missing:
        numbers[None] = MISSING
    if not numbers or (keys is not None and distinct.isdisjoint(numbers)):
        return None
    flags = np.fromiter(
        (numbers.get(key, 0) for key in (keys or column.keys())),
        dtype=np.uint8,
        count=column.n_rows,
    )
    return flags if flags.any() else None


def _flag_numbers(
    numbers: Numbers,
    limits: NumberCells | None,
    reference: Profile,
    position: int,
    column: Column,
) -> np.ndarray | None:
    values, absent = numbers.values, numbers.missing
    zeros = _flag_of_zero(limits) if numbers.n_zeros else 0
    # As float64: a limit may lie beyond the range of 32-bit values.
    ends = (limits.lower, limits.upper) if limits else (-np.inf, np.inf)
    low, high = np.float64(ends[0]), np.float64(ends[1])
    with np.errstate(invalid="ignore"):  # a signalling NaN
        inside = (values >= low) & (values <= high)
    if absent is None and not zeros and np.isfinite([low, high]).all() and inside.all():
        return None
    flags = np.zeros(len(values), dtype=np.uint8)
    with np.errstate(invalid="ignore"):
        flags[values < low] = BELOW
        flags[values > high] = ABOVE
    if values.dtype.kind == "f":
        known = reference.n_negative_infinite, reference.n_positive_infinite
        flags[np.isneginf(values)] = 0 if known[0][position] else INFINITE
        flags[np.isposinf(values)] = 0 if known[1][position] else INFINITE
        nan = np.isnan(values)
        absent = nan if absent is None else absent | nan
    if absent is not None:
        flags[absent] = 0 if reference.n_missing[position] else MISSING
    if numbers.rows is not None:
        spread = np.full(column.n_rows, zeros, dtype=np.uint8)
        spread[numbers.rows] = flags
        flags = spread
    return flags if flags.any() else None


def _flag_of_zero(limits: NumberCells | None) -> int:
    if limits is None or limits.lower <= 0 <= limits.upper:
        return 0
    return BELOW if limits.lower > 0 else ABOVE
