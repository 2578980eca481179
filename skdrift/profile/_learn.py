"""What one training column teaches: its kind, its cells, its values."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from skdrift._core.cells import NUMBER_LINE, Column, Levels
from skdrift.exceptions import InputError
from skdrift.profile._cells import (
    Cells,
    learn_level_cells,
    learn_number_cells,
    text_aspects,
)
from skdrift.profile._sorted import SortedNumbers, sort_numbers

MOST_LEVELS = 10_000
MOST_SHAPES = 50

Reading = SortedNumbers | Levels


@dataclass(frozen=True, slots=True)
class Learned:
    """What one column taught.

    Attributes
    ----------
    kind, family : str
    untested : str
        Why the distribution of the column is not compared; empty if it is.
    cells : tuple of Cells
    readings : tuple of Reading
        The values that were read, one entry for each of `cells`.
    n_missing : int
    """

    kind: str
    family: str
    untested: str
    cells: tuple[Cells, ...]
    readings: tuple[Reading, ...]
    n_missing: int


def learn_column(
    column: Column,
    position: int,
    *,
    declared: bool,
    n_cells: int,
    min_category_count: int,
    salt: str,
) -> Learned:
    """Decide what kind a column is, and learn its cells.

    Raises
    ------
    InputError
        If the column cannot be read.
    """
    if column.problem:
        raise InputError(column.problem)
    family = column.family
    if family == "null":
        return Learned("empty", family, "no value in training", (), (), column.n_rows)
    on_line = family in NUMBER_LINE or family.startswith("datetime")
    if on_line and not (declared or column.declared):
        return _learn_numbers(column, position, n_cells)
    levels = column.levels()
    if not levels.counts:
        reason = "no value in training"
        return Learned("empty", family, reason, (), (), levels.n_missing)
    if family == "boolean":
        kind = "boolean"
    elif declared or column.declared or not _is_text(levels):
        kind = "categorical"
    else:
        return _learn_text(levels, position, n_cells)
    cells = learn_level_cells(
        levels.counts,
        feature=position,
        aspect="value",
        min_count=min_category_count,
        salt=salt,
    )
    return Learned(kind, family, "", (cells,), (levels,), levels.n_missing)


def _is_text(levels: Levels) -> bool:
    n_levels, n = len(levels.counts), sum(levels.counts.values())
    return n_levels > MOST_LEVELS or (n_levels > 50 and n_levels > n / 2)


def _learn_numbers(column: Column, position: int, n_cells: int) -> Learned:
    numbers = column.numbers()
    values = sort_numbers(numbers)
    kind = "datetime" if column.family.startswith("datetime") else "numeric"
    if not values.n:
        reason = "no finite value in training"
        return Learned("empty", column.family, reason, (), (), values.n_missing)
    if column.family == "integer" and _is_identifier(values):
        reason = "identifier: no two rows share a value"
        return Learned(
            "identifier", column.family, reason, (), (), values.n_missing
        )
    clock = kind == "datetime" and _is_clock(numbers.values, numbers.missing)
    cells = learn_number_cells(
        values, feature=position, aspect="value", n_cells=n_cells
    )
    return Learned(
        kind,
        column.family,
        "clock: training rows are in the order of this column" if clock else "",
        (cells,),
        (values,),
        values.n_missing,
    )


def _learn_text(levels: Levels, position: int, n_cells: int) -> Learned:
    lengths, shapes = text_aspects(levels.counts)
    values = SortedNumbers(np.sort(lengths))
    cells = (
        learn_number_cells(values, feature=position, aspect="length", n_cells=n_cells),
        learn_level_cells(shapes, feature=position, aspect="shape", most=MOST_SHAPES),
    )
    readings = (values, Levels(shapes, levels.n_missing))
    return Learned("text", "string", "", cells, readings, levels.n_missing)


def _is_identifier(values: SortedNumbers) -> bool:
    """Whether integers share no value although chance would make some do.

    Were n integers drawn at random from a range of r, all would differ with
    probability about exp(-n² / 2r), which must be below one in a million.
    """
    n = values.n
    if n < 100 or values.n_zeros or values.runs(2)[0].size:
        return False
    width = float(values.values[-1]) - float(values.values[0]) + 1.0
    return n * n / (2.0 * width) > np.log(1e6)


def _is_clock(values: np.ndarray, missing: np.ndarray | None) -> bool:
    present = values if missing is None else values[~missing]
    if len(present) < 30 or present[0] == present[-1]:
        return False
    return bool((present[1:] >= present[:-1]).all())


