"""Cell of every row of a column, where counts alone do not do."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from skdrift._core.cells import Column, display_key
from skdrift.profile._cells import LevelCells, NumberCells
from skdrift.profile._count import renamed_levels
from skdrift.profile._search import places_among
from skdrift.profile._text import text_shapes


@dataclass(frozen=True, slots=True, eq=False)
class RowCells:
    """Rows of one column.

    Attributes
    ----------
    values : ndarray of float of shape (n_rows,)
        Numbers; NaN where missing, and everywhere in a column without numbers.
    missing, infinite : ndarray of bool of shape (n_rows,)
    cells : tuple of ndarray of int of shape (n_rows,)
        For each of the column's cells where the row is counted, or -1.
    """

    values: np.ndarray
    missing: np.ndarray
    infinite: np.ndarray
    cells: tuple[np.ndarray, ...]


def row_cells(
    column: Column, family: str, cells: Sequence[NumberCells | LevelCells]
) -> RowCells:
    """Find the cell of every row of a training column.

    Parameters
    ----------
    column : Column
    family : str
        Type of the column in training.
    cells : sequence of NumberCells or LevelCells
        Of the column; empty for one that is not counted.
    """
    if not cells:
        values = column.floats() if column.on_line else _absence(column)
        return RowCells(values, np.isnan(values), np.isinf(values), ())
    first = cells[0]
    if isinstance(first, NumberCells) and first.aspect == "value":
        values = column.floats()
        found = number_places(values, first)
        return RowCells(values, np.isnan(values), np.isinf(values), (found,))
    keys = column.keys()
    missing = np.fromiter((key is None for key in keys), bool, len(keys))
    nothing = np.full(len(keys), np.nan)
    never = np.zeros(len(keys), dtype=bool)
    if isinstance(first, LevelCells):
        places = level_places(keys, first, renamed_levels(family, column.family))
        return RowCells(nothing, missing, never, (places,))
    texts = ["" if key is None else display_key(key) for key in keys]
    lengths = np.array([len(text) for text in texts], dtype=np.float64)
    shapes = [
        None if key is None else shape
        for key, shape in zip(keys, text_shapes(texts), strict=True)
    ]
    shaped = cells[1]
    assert isinstance(shaped, LevelCells)
    by_length = np.where(missing, -1, number_places(lengths, first))
    return RowCells(nothing, missing, never, (by_length, level_places(shapes, shaped)))


def number_places(values: np.ndarray, cells: NumberCells) -> np.ndarray:
    """Cell of each number; -1 for what is not finite."""
    points = cells.points.astype(np.float64)
    if cells.single:
        with np.errstate(over="ignore"):
            points = points.astype(np.float32)
            values = values.astype(np.float32)
    place = places_among(points, values)
    inside = np.minimum(place, len(points) - 1)
    found = 2 * place + ((place < len(points)) & (points[inside] == values))
    return np.where(np.isfinite(values), found, -1)


def level_places(
    keys: Sequence[str | None], cells: LevelCells, renamed: dict[str, str] | None = None
) -> np.ndarray:
    """Cell of each level; -1 for what is missing."""
    names = renamed or {}
    known: dict[str | None, int] = {
        key: cells.place(names.get(key, key)) for key in set(keys) if key is not None
    }
    known[None] = -1
    return np.fromiter((known[key] for key in keys), np.int64, len(keys))


def _absence(column: Column) -> np.ndarray:
    return np.where(column.where({None}), np.nan, 0.0)
