"""What one training column teaches: its kind, its cells, its values."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from skdrift._core.cells import Column, Levels, Numbers
from skdrift.exceptions import InputError
from skdrift.profile._cells import Cells, learn_level_cells, learn_number_cells
from skdrift.profile._chunks import SampledColumn
from skdrift.profile._sorted import SortedNumbers, sort_numbers
from skdrift.profile._text import is_text, text_aspects

MOST_SHAPES = 50
LEAST_CLOCK_ROWS = 30

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
    declared = declared or column.declared
    if column.on_line and not declared:
        return _learn_numbers(column, position, n_cells)
    if isinstance(column, SampledColumn) and column.is_text:
        return _learn_text(*column.texts(), family, position, n_cells)
    levels = column.levels()
    if not levels.counts:
        reason = "no value in training"
        return Learned("empty", family, reason, (), (), levels.n_missing)
    if family != "boolean" and not declared and is_text(levels.counts):
        lengths, shapes = text_aspects(levels.counts)
        values = SortedNumbers(np.sort(lengths))
        shaped = Levels(shapes, levels.n_missing)
        return _learn_text(values, shaped, family, position, n_cells)
    cells = learn_level_cells(
        levels.counts,
        feature=position,
        aspect="value",
        min_count=min_category_count,
        salt=salt,
    )
    kind = "boolean" if family == "boolean" else "categorical"
    return Learned(kind, family, "", (cells,), (levels,), levels.n_missing)


def _learn_numbers(column: Column, position: int, n_cells: int) -> Learned:
    numbers = column.numbers()
    # Before the sort, which may be done in place.
    clock = column.family.startswith("datetime") and _is_clock(numbers)
    values = sort_numbers(numbers)
    family, n_missing = column.family, values.n_missing
    if not values.n:
        reason = "no finite value in training"
        return Learned("empty", family, reason, (), (), n_missing)
    if family in {"integer", "float", "decimal"} and _is_identifier(values):
        reason = "identifier: no two rows share a value"
        return Learned("identifier", family, reason, (), (), n_missing)
    cells = learn_number_cells(
        values, feature=position, aspect="value", n_cells=n_cells
    )
    kind = "datetime" if family.startswith("datetime") else "numeric"
    untested = "clock: training rows are in the order of this column" if clock else ""
    return Learned(kind, family, untested, (cells,), (values,), n_missing)


def _learn_text(
    lengths: SortedNumbers, shapes: Levels, family: str, position: int, n_cells: int
) -> Learned:
    cells = (
        learn_number_cells(lengths, feature=position, aspect="length", n_cells=n_cells),
        learn_level_cells(
            shapes.counts, feature=position, aspect="shape", most=MOST_SHAPES
        ),
    )
    return Learned("text", family, "", cells, (lengths, shapes), shapes.n_missing)


def _is_identifier(values: SortedNumbers) -> bool:
    """Whether whole numbers share no value although chance would make some do.

    Were n integers drawn at random from a range of r, all would differ with
    probability about exp(-n² / 2r), which must be below one in a million.
    """
    n = values.n
    if n < 100 or values.n_zeros:
        return False
    width = float(values.values[-1]) - float(values.values[0]) + 1.0
    if n * n / (2.0 * width) <= np.log(1e6):
        return False
    return _are_whole(values.values) and not values.runs(2)[0].size


def _are_whole(values: np.ndarray) -> bool:
    if values.dtype.kind != "f":
        return True
    few = values[:: max(1, len(values) // 16)]
    return all(bool((part == np.rint(part)).all()) for part in (few, values))


def _is_clock(numbers: Numbers) -> bool:
    values = numbers.values
    present = values if numbers.missing is None else values[~numbers.missing]
    if len(present) < LEAST_CLOCK_ROWS or present[0] == present[-1]:
        return False
    return bool((present[1:] >= present[:-1]).all())
