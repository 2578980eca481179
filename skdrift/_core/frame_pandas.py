"""pandas tables, read without a detour: one row must cost microseconds."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence, Set
from typing import Any, cast

import narwhals.stable.v2 as nw
import numpy as np

from skdrift._core.cells import array_column, object_column
from skdrift._core.columns import (
    ArrayColumn,
    CodedColumn,
    Column,
    Levels,
    count_texts,
    distinct_texts,
    text_keys,
)
from skdrift._core.frame_series import FEW_ROWS, series_column
from skdrift._core.keys import key_value

COUNTABLE_CATEGORIES = {"Interval": "interval", "Period": "period"}


class PandasTextColumn(Column):
    """Texts of a pandas series."""

    __slots__ = ("series",)

    def __init__(self, series: Any) -> None:
        super().__init__("string", len(series))
        self.series = series

    def levels(self) -> Levels:
        if self.n_rows <= FEW_ROWS:
            return count_texts(Counter(self.series.tolist()).items(), self.n_rows)
        counted = self.series.value_counts(sort=False)
        pairs = zip(counted.index.tolist(), counted.tolist(), strict=True)
        return count_texts(pairs, self.n_rows)

    def keys(self) -> Sequence[str | None]:
        return text_keys(self.series.tolist())

    def possible(self) -> tuple[Collection[str], bool]:
        if self.n_rows <= FEW_ROWS:
            return distinct_texts(set(self.series.tolist()))
        return distinct_texts(self.series.unique().tolist())

    def where(self, wanted: Set[str | None]) -> np.ndarray:
        if self.n_rows <= FEW_ROWS:
            return super().where(wanted)
        found = np.zeros(self.n_rows, dtype=bool)
        if None in wanted:
            found |= self.series.isna().to_numpy(dtype=bool)
        texts = [key_value(key) for key in wanted if key is not None]
        if texts:
            found |= self.series.isin(texts).to_numpy(dtype=bool)
        return found


def pandas_column(series: Any, label: str) -> Column:
    """Column of a pandas series."""
    dtype = series.dtype
    if isinstance(dtype, np.dtype):
        return array_column(series.to_numpy(), label)
    name = type(dtype).__name__
    if name == "StringDtype":
        return PandasTextColumn(series)
    if name == "CategoricalDtype":
        return _categorical_column(series.array, label)
    if name == "DatetimeTZDtype":
        instants = np.asarray(series, dtype=f"datetime64[{dtype.unit}]")
        return ArrayColumn(instants, family="datetime with zone")
    if name == "SparseDtype":
        return array_column(np.asarray(series), label)
    return series_column(nw.from_native(series, series_only=True), label)


def _categorical_column(array: Any, label: str) -> Column:
    categories = np.asarray(array.categories, dtype=object)
    found = object_column(categories, label)
    if not found.problem:
        return CodedColumn(array.codes, cast("list[str]", found.keys()), found.family)
    kinds = {type(category).__name__ for category in categories.tolist()}
    if len(kinds) == 1 and kinds <= COUNTABLE_CATEGORIES.keys():
        tag = kinds.pop()
        keys = [f"\0{tag}:{category}" for category in categories.tolist()]
        return CodedColumn(array.codes, keys, COUNTABLE_CATEGORIES[tag])
    return Column("unsupported", len(array), problem=found.problem)
