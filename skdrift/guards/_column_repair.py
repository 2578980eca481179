"""`ColumnRepair`: one column on its way through a guard."""

from __future__ import annotations

from typing import Any

import numpy as np

from skdrift._core.cells import Column
from skdrift._core.frame_edit import EditedColumn
from skdrift.guards._column_guard import ColumnGuard

NO_ROWS = np.zeros(0, dtype=np.intp)


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
