"""Counting one batch of rows on a grid."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from skdrift._core.cells import Column, Levels, boolean_key, number_key
from skdrift._core.frame import Table
from skdrift.profile._cells import Cells, LevelCells, NumberCells
from skdrift.profile._grid import Grid
from skdrift.profile._learn import Reading
from skdrift.profile._sorted import SortedNumbers, sort_numbers
from skdrift.profile._text import read_texts

TypeChange = Literal["", "readable", "unreadable"]
AS_BOOLEANS = {number_key(n): boolean_key(bool(n)) for n in (0, 1)}
AS_NUMBERS = {key: number for number, key in AS_BOOLEANS.items()}
NO_MOMENTS = (np.nan, 0.0, np.nan, np.nan)


@dataclass(frozen=True, slots=True, eq=False)
class Matching:
    """Which column of a table stands for which column of a grid.

    Attributes
    ----------
    positions : ndarray of int of shape (n_features,)
        Position in the table; -1 where the column is missing.
    extra : tuple of str
        Columns that the grid does not know.
    reordered : bool
        Whether the known columns come in another order.
    """

    positions: np.ndarray
    extra: tuple[str, ...]
    reordered: bool


def match_columns(table: Table, grid: Grid) -> Matching:
    """Match by name if both sides have names, else by position."""
    n = grid.n_features
    if table.names is None or grid.names is None:
        positions = np.arange(n)
        positions[table.n_features :] = -1
        return Matching(positions, tuple(table.labels[n:]), False)
    if table.names == grid.names:
        return Matching(np.arange(n), (), False)
    places = {name: place for place, name in enumerate(table.names)}
    positions = np.array([places.get(name, -1) for name in grid.names])
    known = set(grid.names)
    present = positions[positions >= 0]
    return Matching(
        positions,
        tuple(name for name in table.names if name not in known),
        bool((np.diff(present) < 0).any()),
    )


@dataclass(frozen=True, slots=True, eq=False)
class Novelty:
    """Values of one batch's column that the grid does not track.

    Attributes
    ----------
    value : float
        The most frequent of them (that occurs five times); NaN if there is none.
    count : int
        How often it occurs.
    counts : ndarray of int
        How often each of them occurs, where the column is discrete.
    """

    value: float
    count: int
    counts: np.ndarray


NO_NOVELTY = Novelty(np.nan, 0, np.zeros(0, dtype=np.int64))


@dataclass(frozen=True, slots=True, eq=False)
class ColumnCount:
    """Counts of one column of a batch.

    Attributes
    ----------
    family : str
        Type of the column in the batch; empty if it is missing.
    counts : tuple of ndarray
        One entry for each of the column's cells.
    unseen : tuple of dict
        Levels that the grid does not know, one entry for each of the cells.
    moments : tuple of float
        Mean, sum of squared deviations, smallest and largest finite value.
    novelty : Novelty
        Values that the grid does not track.
    """

    family: str
    n_read: int
    n_missing: int
    n_negative_infinite: int
    n_positive_infinite: int
    counts: tuple[np.ndarray, ...]
    unseen: tuple[dict[str, int], ...]
    moments: tuple[float, float, float, float]
    novelty: Novelty


def type_change(learned: str, family: str) -> TypeChange:
    """Whether a column of type `family` is another type than training's.

    ``"readable"`` means that its values can still be compared.
    """
    before, now = _group(learned), _group(family)
    if before == now or "null" in (before, now) or before == "mixed":
        return ""
    pair = {before, now}
    readable = pair == {"number", "boolean"} or (now == "mixed" and before == "string")
    if readable or pair == {"datetime", "datetime with zone"}:
        return "readable"
    return "unreadable"


def _group(family: str) -> str:
    return "number" if family in {"integer", "float", "decimal"} else family


def renamed_levels(learned: str, family: str) -> dict[str, str]:
    """Keys to translate where one side has booleans and the other 0 and 1."""
    pair = (_group(learned), _group(family))
    if pair == ("boolean", "number"):
        return AS_BOOLEANS
    return AS_NUMBERS if pair == ("number", "boolean") else {}


def count_column(
    column: Column, grid: Grid, position: int, cells: tuple[Cells, ...]
) -> ColumnCount:
    """Count one column of a batch."""
    family = grid.families[position]
    comparable = comparable_column(column, family)
    if comparable is None:
        return nothing_counted(cells, column.family)
    readings, n_missing = _read(comparable, family, cells)
    counted = count_readings(cells, readings, column.family, column.n_rows, n_missing)
    first = readings[0] if readings else None
    if not isinstance(first, SortedNumbers) or len(cells) > 1:
        return counted
    assert isinstance(cells[0], NumberCells)
    return replace(counted, novelty=novelty(cells[0], first))


def comparable_column(column: Column, learned: str) -> Column | None:
    """Column that can be compared with a training column of type `learned`, or None.

    Where nothing has a value, the type does not matter.
    """
    if column.problem:
        return None
    if type_change(learned, column.family) != "unreadable":
        return column
    if column.on_line:
        n_missing = sort_numbers(column.numbers()).n_missing
    else:
        n_missing = column.levels().n_missing
    if n_missing < column.n_rows:
        return None
    return Column(column.family, column.n_rows)


def nothing_counted(cells: tuple[Cells, ...], family: str) -> ColumnCount:
    """Return counts of a column that is missing or cannot be read."""
    zeros = tuple(np.zeros(each.n_cells, dtype=np.int64) for each in cells)
    return ColumnCount(
        family, 0, 0, 0, 0, zeros, tuple({} for _ in cells), NO_MOMENTS, NO_NOVELTY
    )


def _read(
    column: Column, learned: str, cells: tuple[Cells, ...]
) -> tuple[tuple[Reading, ...], int]:
    if not cells:
        if column.on_line:
            return (), sort_numbers(column.numbers()).n_missing
        return (), column.levels().n_missing
    if isinstance(cells[0], NumberCells) and cells[0].aspect == "value":
        values = sort_numbers(column.numbers())
        return (values,), values.n_missing
    levels = column.levels()
    if isinstance(cells[0], NumberCells):
        lengths, shapes = read_texts(levels)
        return (SortedNumbers(np.sort(lengths)), shapes), levels.n_missing
    renamed = renamed_levels(learned, column.family)
    if renamed:
        counts = {renamed.get(key, key): n for key, n in levels.counts.items()}
        levels = Levels(counts, levels.n_missing)
    return (levels,), levels.n_missing


def count_readings(
    cells: tuple[Cells, ...],
    readings: tuple[Reading, ...],
    family: str,
    n_rows: int,
    n_missing: int,
) -> ColumnCount:
    """Count values that were read already."""
    counts: list[np.ndarray] = []
    unseen: list[dict[str, int]] = []
    infinite, moments = (0, 0), NO_MOMENTS
    for each, reading in zip(cells, readings, strict=True):
        if isinstance(each, LevelCells):
            assert isinstance(reading, Levels)
            found, new = each.count(reading.counts)
        else:
            assert isinstance(reading, SortedNumbers)
            found, new = each.count(reading), {}
            infinite = (reading.n_negative_infinite, reading.n_positive_infinite)
            moments = reading.moments()
        counts.append(found)
        unseen.append(new)
    return ColumnCount(
        family,
        n_rows,
        n_missing,
        *infinite,
        tuple(counts),
        tuple(unseen),
        moments,
        NO_NOVELTY,
    )


def novelty(cells: NumberCells, values: SortedNumbers) -> Novelty:
    """Values of a batch that the grid does not track."""
    found, counts = values.runs(1 if cells.discrete else 5)
    points = cells.points[cells.tracked]
    if cells.single or found.dtype == np.float32:
        points, found = points.astype(np.float32), found.astype(np.float32)
    new = ~np.isin(found, points)
    if not new.any():
        return NO_NOVELTY
    best = int(np.argmax(np.where(new, counts, 0)))
    return Novelty(
        float(found[best]),
        int(counts[best]),
        counts[new] if cells.discrete else NO_NOVELTY.counts,
    )
