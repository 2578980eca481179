"""Learning from chunks: a systematic sample that stands for all rows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from skdrift._core.cells import Column, Levels, Numbers
from skdrift._core.frame import Table, read_table
from skdrift.exceptions import InputError
from skdrift.profile._sorted import SortedNumbers, sort_numbers
from skdrift.profile._text import MOST_LEVELS, text_aspects

SAMPLE_ROWS = 200_000
SAMPLE_VALUES = 25_000_000
LEAST_SAMPLE_ROWS = 10_000
MOST_PARTS = 100
MOST_SHAPES_SEEN = 20_000


class NumberSample:
    """Every `stride`-th of the values that were added, and the exact extremes.

    Attributes
    ----------
    most : int
        Largest number of values to keep.
    stride : int
        1 until there are more.
    n : int
        Values that were added.
    """

    __slots__ = ("ends", "most", "n", "n_kept", "parts", "stride")

    def __init__(self, most: int) -> None:
        self.most = most
        self.stride = 1
        self.n = 0
        self.n_kept = 0
        self.parts: list[np.ndarray] = []
        self.ends: np.ndarray | None = None

    def add(self, values: np.ndarray) -> None:
        """Take in values, none of them missing."""
        finite = values[np.isfinite(values)]
        if len(finite):
            ends = np.array([finite.min(), finite.max()])
            if self.ends is not None:
                both = np.concatenate([self.ends, ends])
                ends = np.array([both.min(), both.max()])
            self.ends = ends
        start = -self.n % self.stride
        self.parts.append(values[start :: self.stride].copy())
        self.n += len(values)
        self.n_kept += len(self.parts[-1])
        if len(self.parts) > MOST_PARTS:
            self.parts = [np.concatenate(self.parts)]
        while self.n_kept > self.most:
            self.parts = [np.concatenate(self.parts)[::2].copy()]
            self.stride *= 2
            self.n_kept = len(self.parts[0])

    def numbers(self) -> Numbers:
        """Values that were kept, in order, and extremes that are not among them."""
        kept = np.concatenate(self.parts) if self.parts else np.zeros(0)
        if self.stride > 1 and self.ends is not None:
            kept = np.concatenate([kept, self.ends[~np.isin(self.ends, kept)]])
        return Numbers(kept, owned=True, stride=self.stride)


class SampledColumn(Column):
    """A column of many chunks: numbers sampled, levels counted exactly.

    Attributes
    ----------
    label : str
    counted : bool
        Whether the user calls the column categorical, so that all of its levels are
        kept.
    is_text : bool
        Whether it had too many levels to be categorical; from then on texts are
        known by their lengths and shapes.
    """

    __slots__ = (
        "by_level",
        "counted",
        "counts",
        "families",
        "is_text",
        "label",
        "lengths",
        "n_missing",
        "sample",
        "shapes",
    )

    def __init__(self, label: str, *, counted: bool, most: int) -> None:
        super().__init__("null", 0)
        self.label = label
        self.counted = counted
        self.by_level: bool | None = None
        self.families: set[str] = set()
        self.counts: Counter[str] = Counter()
        self.n_missing = 0
        self.sample = NumberSample(most)
        self.is_text = False
        self.lengths = NumberSample(most)
        self.shapes: Counter[str] = Counter()

    def add(self, column: Column) -> None:
        """Take in the column of one more chunk.

        Raises
        ------
        InputError
            If the column cannot be read, or was of another type in other chunks.
        """
        self.n_rows += column.n_rows
        self.problem = self.problem or column.problem
        if column.problem:
            return
        self.declared = self.declared or column.declared
        by_level = self.counted or column.declared or not column.on_line
        added = self._add_levels(column) if by_level else self._add_numbers(column)
        if not added:
            if self.family == "null":
                self.family = column.family
            return
        before, self.by_level = self.by_level, by_level
        self.families.add(column.family)
        joint = joint_family(self.families)
        if not joint or before not in (None, by_level):
            raise InputError(
                f"column {self.label!r} changes its type from chunk to chunk "
                f"({', '.join(sorted(self.families))}); convert it to one type first"
            )
        self.family = joint

    def _add_numbers(self, column: Column) -> bool:
        numbers = column.numbers()
        values = numbers.values
        absent = numbers.missing
        if values.dtype.kind == "f":
            nan = np.isnan(values)
            absent = nan if absent is None else absent | nan
        if absent is not None and absent.any():
            self.n_missing += int(np.count_nonzero(absent))
            values = values[~absent]
        if numbers.n_zeros:
            values = np.append(values, np.zeros(numbers.n_zeros, values.dtype))
        if len(values):
            self.sample.add(values)
        return bool(len(values))

    def _add_levels(self, column: Column) -> bool:
        levels = column.levels()
        self.n_missing += levels.n_missing
        if self.is_text:
            self._add_texts(levels.counts)
            return bool(levels.counts)
        self.counts.update(levels.counts)
        bounded = not (self.counted or self.declared)
        if bounded and len(self.counts) > MOST_LEVELS:
            self.is_text = True
            self._add_texts(dict(self.counts))
            self.counts.clear()
        return bool(levels.counts)

    def _add_texts(self, counts: dict[str, int]) -> None:
        lengths, shapes = text_aspects(counts)
        self.lengths.add(lengths)
        self.shapes.update(shapes)
        if len(self.shapes) > MOST_SHAPES_SEEN:
            common = self.shapes.most_common(MOST_SHAPES_SEEN // 2)
            self.shapes = Counter(dict(common))

    def numbers(self) -> Numbers:
        return self.sample.numbers()

    def levels(self) -> Levels:
        return Levels(dict(self.counts), self.n_missing)

    def texts(self) -> tuple[SortedNumbers, Levels]:
        """Lengths and shapes of the texts."""
        lengths = sort_numbers(self.lengths.numbers())
        return lengths, Levels(dict(self.shapes), self.n_missing)


class SampledTable(Table):
    """A table that was seen chunk by chunk."""

    __slots__ = ("columns",)

    def __init__(self, first: Table, counted: np.ndarray) -> None:
        super().__init__(0, first.n_features, first.names, first.labels)
        bounded = max(SAMPLE_VALUES // first.n_features, LEAST_SAMPLE_ROWS)
        self.columns = [
            SampledColumn(label, counted=bool(by_user), most=min(SAMPLE_ROWS, bounded))
            for label, by_user in zip(first.labels, counted, strict=True)
        ]

    def column(self, position: int) -> Column:
        return self.columns[position]


def joint_family(families: set[str]) -> str:
    """Type of a column that had these types in turn; empty if they do not mix."""
    if len(families) == 1:
        return next(iter(families))
    if families <= {"integer", "float", "decimal"}:
        return "float"
    return "mixed" if families <= {"string", "bytes", "boolean", "mixed"} else ""


def sample_chunks(
    chunks: Iterable[Any], declared: Callable[[Table], np.ndarray]
) -> Table:
    """Table that stands for all rows of an iterator of tables.

    Numbers are a systematic sample of at most 200,000 rows (less in tables of more
    than 125 columns), with the exact extremes; levels are counted exactly. Memory
    does not grow with the rows.

    Parameters
    ----------
    chunks : iterable of tables
    declared : callable
        Given the first table, which columns the user calls categorical.

    Raises
    ------
    InputError
        If the iterator gives no table, or tables with different columns.
    """
    joint: SampledTable | None = None
    for chunk in chunks:
        table = read_table(chunk)
        if joint is None:
            joint = SampledTable(table, declared(table))
        if table.labels != joint.labels:
            raise InputError(
                "all chunks must have the same columns in the same order, got "
                f"{list(table.labels[:5])} after {list(joint.labels[:5])}"
            )
        for position, column in enumerate(joint.columns):
            column.add(table.column(position))
        joint.n_rows += table.n_rows
    if joint is None:
        raise InputError("X is an iterator that gave no table; at least one is needed")
    return joint
