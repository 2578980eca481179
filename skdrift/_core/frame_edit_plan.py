"""Plans: which columns a table is to have, and what is to be written into them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeGuard

import numpy as np

from skdrift._core.frame_edit_cells import Cells, cells_of

EVERY_ROW = slice(None)


@dataclass(frozen=True, slots=True, eq=False)
class EditedColumn:
    """A column of X of which some cells are written.

    Attributes
    ----------
    position : int
        Column of X.
    rows : ndarray of int
        Positions of the cells to write, ascending.
    values : object
        One value for all of them, or a list or array with one for each. None, NaN
        and NaT are missing.
    """

    position: int
    rows: np.ndarray
    values: Any


@dataclass(frozen=True, slots=True, eq=False)
class NewColumn:
    """A column that X does not have.

    Attributes
    ----------
    name : str
    values : ndarray of shape (n_rows,)
        Booleans, numbers, times or objects (texts, None for missing, …).
    categories : tuple, or None
        Make it a categorical column of these categories, in this order, where the
        library has such; None for a plain one.
    """

    name: str
    values: np.ndarray
    categories: tuple[Any, ...] | None = None


Plan = Sequence[int | EditedColumn | NewColumn]


class Change:
    """Cells to write into one column of the result.

    Attributes
    ----------
    place : int
        Column of the result.
    rows : ndarray of int, or slice
    cells : Cells
    """

    __slots__ = ("cells", "place", "rows")

    def __init__(self, place: int, rows: Any, cells: Cells) -> None:
        self.place = place
        self.rows = rows
        self.cells = cells


def changes_of(plan: Plan, n_rows: int) -> list[Change]:
    """Cells to write, for each column of the result that has any."""
    changes = []
    for place, item in enumerate(plan):
        if type(item) is int:
            continue
        if isinstance(item, NewColumn):
            cells = cells_of(item.values, n_rows)
            changes.append(Change(place, EVERY_ROW, cells))
        elif is_edited(item):
            rows = np.asarray(item.rows)
            changes.append(Change(place, rows, cells_of(item.values, len(rows))))
    return changes


def is_edited(item: Any) -> TypeGuard[EditedColumn]:
    """Whether a column is one of X with cells to write."""
    return isinstance(item, EditedColumn) and len(item.rows) > 0


def source_of(item: Any) -> int:
    """Column of X that a column of the result begins with; -1 if it is new."""
    if type(item) is int:  # most of them: one row must cost microseconds
        return item
    if isinstance(item, NewColumn):
        return -1
    return int(item.position if isinstance(item, EditedColumn) else item)


def changes_nothing(plan: Plan, n_columns: int) -> bool:
    """Whether a plan leaves every column as and where it is."""
    return [-1 if is_edited(item) else source_of(item) for item in plan] == list(
        range(n_columns)
    )


def kept_runs(
    plan: Plan, *, with_edited: bool = True
) -> Iterator[tuple[int, int, int]]:
    """Columns of X that stay neighbours: their first and last place, and where from.

    Yields
    ------
    start, stop : int
        Places in the result.
    first : int
        Position in X of the column at `start`.
    """
    start = stop = first = 0
    for place, item in enumerate(plan):
        position = source_of(item)
        if not with_edited and is_edited(item):
            position = -1
        if (
            position >= 0
            and stop == place > start
            and position == first + place - start
        ):
            stop += 1
            continue
        if stop > start:
            yield start, stop, first
        start, first, stop = place, position, place + (position >= 0)
    if stop > start:
        yield start, stop, first
