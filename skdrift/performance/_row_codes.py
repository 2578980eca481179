"""Rows as small integers: the cells of a grid, pooled to at most 48 a column.

What a code means follows from the profile of the training rows, so nothing is stored
for it, and how many training rows had a code is known exactly.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from skdrift._core.cells import Column, display_key
from skdrift._core.frame import Table
from skdrift.profile._cells import Cells, LevelCells, NumberCells
from skdrift.profile._count import comparable_column, match_columns, renamed_levels
from skdrift.profile._profile import Profile, cells_by_feature
from skdrift.profile._rows import level_places, number_places
from skdrift.profile._search import places_among

N_CODES = 48
MISSING = 0
USED_KINDS = frozenset({"numeric", "datetime", "boolean", "categorical", "text"})


@dataclass(frozen=True, slots=True, eq=False)
class RowCodes:
    """Coded rows.

    Attributes
    ----------
    codes : ndarray of uint8 of shape (n_used, n_rows)
        0 where a cell is missing, infinite or in a category that training never had;
        else 1 to 47, rising with numbers, and with rarity for categories.
    outside : ndarray of bool of shape (n_rows,)
        Rows with a number outside the training range or an unseen category.
    shares : ndarray of float of shape (n_used, 48)
        Share of the training rows at each code.
    """

    codes: np.ndarray
    outside: np.ndarray
    shares: np.ndarray


def coded_columns(reference: Profile) -> np.ndarray:
    """Positions of the columns that have codes: no identifiers, clocks, constants."""
    grid = reference.grid
    used = [
        position
        for position, (kind, untested) in enumerate(
            zip(grid.kinds, grid.untested, strict=True)
        )
        if kind in USED_KINDS and not untested
    ]
    return np.array(used, dtype=np.int64)


def row_codes(table: Table, reference: Profile, positions: np.ndarray) -> RowCodes:
    """Code the rows of a table.

    Parameters
    ----------
    table : Table
    reference : Profile
        Of the training rows.
    positions : ndarray of int of shape (n_used,)
        Columns to code. One that the table lacks, or that cannot be compared, is
        missing in every row.
    """
    grid = reference.grid
    places = match_columns(table, grid).positions
    cells = cells_by_feature(grid)
    counts = counts_by_feature(reference)
    codes = np.zeros((len(positions), table.n_rows), dtype=np.uint8)
    outside = np.zeros(table.n_rows, dtype=bool)
    shares = np.zeros((len(positions), N_CODES))
    for slot, position in enumerate(positions.tolist()):
        first, counted = cells[position][0], counts[position]
        of_cell = _code_of_cell(first, counted)
        shares[slot] = np.bincount(of_cell, weights=counted, minlength=N_CODES)
        shares[slot, MISSING] += max(reference.n_rows - counted.sum(), 0)
        shares[slot] /= max(shares[slot].sum(), 1.0)
        if places[position] < 0:
            continue
        family = grid.families[position]
        column = comparable_column(table.column(int(places[position])), family)
        if column is None:
            continue
        found = _cells_of_rows(column, grid.kinds[position], first, family)
        codes[slot] = np.append(of_cell, MISSING).astype(np.uint8)[found]
        outside |= _is_outside(found, first)
    return RowCodes(codes, outside, shares)


def number_codes(values: np.ndarray, edges: np.ndarray) -> np.ndarray:
    """Codes of numbers between edges; 0 where a number is not finite."""
    codes = places_among(edges, values) + 1
    return np.where(np.isfinite(values), codes, MISSING).astype(np.uint8)


def code_edges(values: np.ndarray) -> np.ndarray:
    """At most 46 quantiles of finite numbers, closer to each other in both tails."""
    finite = values[np.isfinite(values)]
    if not len(finite):
        return np.zeros(0)
    levels = np.sin(np.linspace(0.0, np.pi / 2, N_CODES)[1:-1]) ** 2
    return np.unique(np.quantile(finite, levels))


def counts_by_feature(reference: Profile) -> list[np.ndarray]:
    """Counts of the first cells of each column; empty if it has none."""
    found = [np.zeros(0, dtype=np.int64)] * reference.grid.n_features
    for cells, counts in zip(
        reversed(reference.grid.cells), reversed(reference.counts), strict=True
    ):
        found[cells.feature] = counts
    return found


def _code_of_cell(cells: Cells, counts: np.ndarray) -> np.ndarray:
    """Code of each cell: in both tails of a number, fewer rows share one."""
    if isinstance(cells, LevelCells):
        codes = np.minimum(np.arange(cells.n_cells) + 1, N_CODES - 1)
        if not cells.pooled:
            codes[-1] = MISSING
        return codes
    total = max(int(counts.sum()), 1)
    middle = (np.cumsum(counts) - counts / 2) / total
    angle = np.arcsin(np.sqrt(np.clip(middle, 0.0, 1.0))) / (np.pi / 2)
    level = np.minimum((angle * (N_CODES - 1)).astype(np.int64), N_CODES - 2)
    return np.asarray(level + 1)


def _cells_of_rows(column: Column, kind: str, cells: Cells, family: str) -> np.ndarray:
    """Cell of each row, or -1."""
    if isinstance(cells, LevelCells):
        renamed = renamed_levels(family, column.family)
        return level_places(column.keys(), cells, renamed)
    values = _lengths(column.keys()) if kind == "text" else column.floats()
    return number_places(values, cells)


def _lengths(texts: Sequence[str | None]) -> np.ndarray:
    lengths = [np.nan if text is None else len(display_key(text)) for text in texts]
    return np.array(lengths, dtype=np.float64)


def _is_outside(found: np.ndarray, cells: Cells) -> np.ndarray:
    last = found == cells.n_cells - 1
    if isinstance(cells, NumberCells):
        return np.asarray(last | (found == 0))
    return np.zeros(len(found), dtype=bool) if cells.pooled else np.asarray(last)
