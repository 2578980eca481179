"""Cells read one by one, where a column as a whole cannot be read."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import narwhals.stable.v2 as nw
import numpy as np

from skdrift._core.cells import object_column
from skdrift._core.columns import Column, MixedColumn
from skdrift._core.frame import ArrayTable, FrameTable, PandasTable, Table

UNREAD = "\0?:"
"""How the keys of cells begin that cannot be read; their type follows."""


class LoneCells(MixedColumn):
    """Cells of any type; those that cannot be read have the key of their type.

    Attributes
    ----------
    reason : str
        Why the column cannot be read as a whole, and the remedy.
    """

    __slots__ = ("reason",)

    def __init__(self, keys: list[str | None], reason: str) -> None:
        super().__init__(keys, "mixed", declared=False)
        self.reason = reason

    def keys(self) -> Sequence[str | None]:
        return self.cells


def column_or_cells(table: Table, position: int) -> Column:
    """Column of a table, of single cells where it cannot be read as a whole."""
    column = table.column(position)
    if not column.problem:
        return column
    cells = _python_cells(table, position)
    keys = [_lone_key(cell) for cell in cells] if cells else [UNREAD] * table.n_rows
    return LoneCells(list(keys), column.problem)


def _lone_key(cell: Any) -> str | None:
    alone = np.empty(1, dtype=object)
    alone[0] = cell
    column = object_column(alone, "")
    if column.problem:
        return f"{UNREAD}{type(cell).__name__}"
    return column.keys()[0]


def _python_cells(table: Table, position: int) -> list[Any] | None:
    """Cells of a column as Python objects; None if its library cannot give them."""
    if isinstance(table, ArrayTable):
        values = table.values[:, position]
        cells: list[Any] = list(np.ma.getdata(values))
        missing = np.flatnonzero(np.ma.getmaskarray(values)).tolist()
        for row in missing if np.ma.isMaskedArray(values) else ():
            cells[row] = None
        return cells
    if isinstance(table, PandasTable):
        return list(table.frame.iloc[:, position].array)
    if not isinstance(table, FrameTable):
        return None
    series: nw.Series[Any] = table.frame.get_column(table.frame.columns[position])
    try:
        return list(series.to_list())
    except (ValueError, TypeError, OverflowError, NotImplementedError):
        return None
