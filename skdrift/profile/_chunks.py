"""Learning from chunks: a systematic sample that stands for all rows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any

import numpy as np

from skdrift._core.cells import NUMBER_LINE, Column, Levels, Numbers
from skdrift._core.frame import Table, read_table
from skdrift.exceptions import InputError

SAMPLE_ROWS = 200_000


class SampledColumn(Column):
    """A column of many chunks: numbers sampled, levels counted exactly."""

    __slots__ = ("counts", "ends", "families", "n_missing", "parts")

    def __init__(self) -> None:
        super().__init__("null", 0)
        self.families: set[str] = set()
        self.counts: Counter[str] = Counter()
        self.parts: list[np.ndarray] = []
        self.ends: list[np.ndarray] = []
        self.n_missing = 0

    def add(self, column: Column, start: int, stride: int) -> None:
        """Take in one more chunk, whose rows `start`, `start` + `stride`, … are kept."""
        self.n_rows += column.n_rows
        self.problem = self.problem or column.problem
        self.declared = self.declared or column.declared
        self.families.add(column.family)
        self.family = _joint_family(self.families)
        if column.family in NUMBER_LINE or column.family.startswith("datetime"):
            self._add_numbers(column.numbers(), start, stride)
        else:
            levels = column.levels()
            self.counts.update(levels.counts)
            self.n_missing += levels.n_missing

    def _add_numbers(self, numbers: Numbers, start: int, stride: int) -> None:
        values = numbers.values
        absent = np.isnan(values) if values.dtype.kind == "f" else None
        if numbers.missing is not None:
            absent = numbers.missing if absent is None else absent | numbers.missing
        if absent is not None and absent.any():
            self.n_missing += int(absent.sum())
            values = values[~absent]
        if numbers.n_zeros:
            values = np.append(values, np.zeros(numbers.n_zeros, values.dtype))
        finite = values[np.isfinite(values)]
        if len(finite):
            self.ends.append(np.array([finite.min(), finite.max()]))
        self.parts.append(values[start::stride].copy())

    def thin(self) -> None:
        """Keep every other value."""
        self.parts = [np.concatenate(self.parts)[::2].copy()] if self.parts else []
        if self.ends:
            ends = np.concatenate(self.ends)
            self.ends = [np.array([ends.min(), ends.max()])]

    def numbers(self) -> Numbers:
        ends = np.concatenate(self.ends) if self.ends else np.zeros(0)
        extremes = [np.array([ends.min(), ends.max()])] if len(ends) else []
        return Numbers(np.concatenate([*self.parts, *extremes]))

    def levels(self) -> Levels:
        return Levels(dict(self.counts), self.n_missing)


class SampledTable(Table):
    """A table that was seen chunk by chunk."""

    __slots__ = ("columns",)

    def __init__(self, first: Table) -> None:
        super().__init__(0, first.n_features, first.names, first.labels)
        self.columns = [SampledColumn() for _ in range(first.n_features)]

    def column(self, position: int) -> Column:
        return self.columns[position]


def _joint_family(families: set[str]) -> str:
    found = families - {"null"}
    if not found:
        return "null"
    if len(found) == 1:
        return next(iter(found))
    return "float" if found <= {"integer", "float", "decimal"} else "mixed"


def sample_chunks(chunks: Iterable[Any]) -> Table:
    """Table that stands for all rows of an iterator of tables.

    Numbers are a systematic sample of at most twice 200,000 rows, with the exact
    extremes; levels are counted exactly. Memory does not grow with the rows.

    Raises
    ------
    InputError
        If the iterator gives no table, or tables with different columns.
    """
    joint: SampledTable | None = None
    stride, kept = 1, 0
    for chunk in chunks:
        table = read_table(chunk)
        if joint is None:
            joint = SampledTable(table)
        if table.labels != joint.labels:
            raise InputError(
                "all chunks must have the same columns in the same order, got "
                f"{list(table.labels[:5])} after {list(joint.labels[:5])}"
            )
        start = -joint.n_rows % stride
        for position, column in enumerate(joint.columns):
            column.add(table.column(position), start, stride)
        joint.n_rows += table.n_rows
        kept += table.n_rows // stride
        if kept > 2 * SAMPLE_ROWS:
            stride, kept = stride * 2, kept // 2
            for column in joint.columns:
                column.thin()
    if joint is None:
        raise InputError("X is an iterator that gave no table; at least one is needed")
    return joint
