"""Series of data frames as columns, through narwhals."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence, Set
from typing import Any

import narwhals.stable.v2 as nw
import numpy as np

from skdrift._core.cells import array_column, object_column
from skdrift._core.columns import (
    ArrayColumn,
    Column,
    Levels,
    count_texts,
    distinct_texts,
    text_keys,
)
from skdrift._core.keys import key_value

FEW_ROWS = 2_000
NESTED = (nw.List, nw.Array, nw.Struct, nw.Object)


class SeriesTextColumn(Column):
    """Texts of a series, counted by the library they live in."""

    __slots__ = ("series",)

    def __init__(self, series: Any, declared: bool = False) -> None:
        super().__init__("string", len(series), declared=declared)
        self.series = series

    def levels(self) -> Levels:
        if self.n_rows <= FEW_ROWS:
            counted = Counter(self.series.to_list())
            return count_texts(counted.items(), self.n_rows)
        table = self.series.alias("level").value_counts(sort=False, name="n")
        texts, times = table.get_column("level"), table.get_column("n")
        pairs = zip(texts.to_list(), times.to_list(), strict=True)
        return count_texts(pairs, self.n_rows)

    def keys(self) -> Sequence[str | None]:
        return text_keys(self.series.to_list())

    def possible(self) -> tuple[Collection[str], bool]:
        if self.n_rows <= FEW_ROWS:
            return distinct_texts(set(self.series.to_list()))
        return distinct_texts(self.series.unique().to_list())

    def where(self, wanted: Set[str | None]) -> np.ndarray:
        if self.n_rows <= FEW_ROWS:
            return super().where(wanted)
        texts = [key_value(key) for key in wanted if key is not None]
        found = np.zeros(self.n_rows, dtype=bool)
        if None in wanted:
            found |= np.asarray(self.series.is_null().to_numpy(), dtype=bool)
        if texts:
            found |= self.series.is_in(texts).fill_null(False).to_numpy().astype(bool)
        return found


def series_column(series: Any, label: str) -> Column:
    """Column of a narwhals series."""
    dtype, native = series.dtype, nw.to_native(series)
    if isinstance(getattr(native, "dtype", None), np.dtype):
        return array_column(np.asarray(native), label)
    if dtype == nw.Categorical or dtype == nw.Enum:
        return _category_column(series, native, label)
    if dtype == nw.String:
        return SeriesTextColumn(series)
    if dtype == nw.Int128 or dtype == nw.UInt128:
        return _object_series(series, label)
    if dtype.is_numeric() or dtype == nw.Boolean:
        return _number_series(series)
    if dtype == nw.Datetime or dtype == nw.Date or dtype == nw.Duration:
        return _time_series(series)
    if any(dtype == nested for nested in NESTED):
        return Column(
            "unsupported",
            len(series),
            problem=(
                f"column {label!r} has type {dtype}, which has no order and no levels "
                "to count: expand it, or convert it to numbers, texts or datetimes"
            ),
        )
    return _object_series(series, label)


def _object_series(series: Any, label: str) -> Column:
    if series.null_count() == len(series):
        return Column("null", len(series))
    cells = np.empty(len(series), dtype=object)
    try:
        cells[:] = series.to_list()
    except (ValueError, OverflowError, NotImplementedError) as error:
        return Column(
            "unsupported",
            len(series),
            problem=(
                f"column {label!r} holds what cannot be read ({error}): convert it to "
                "numbers, texts or datetimes"
            ),
        )
    return object_column(cells, label)


def _category_column(series: Any, native: Any, label: str) -> Column:
    library = type(native).__module__
    if library.startswith("pyarrow"):
        decoded = nw.from_native(native.cast(native.type.value_type), series_only=True)
        column = series_column(decoded, label)
    elif library.startswith("polars"):
        column = SeriesTextColumn(series.cast(nw.String))
    else:
        column = _object_series(series, label)
    column.declared = True
    return column


def _number_series(series: Any) -> ArrayColumn:
    family = ""
    if series.dtype.is_decimal():
        series, family = series.cast(nw.Float64), "decimal"
    if not series.null_count():
        return ArrayColumn(_plain(series.to_numpy(), series), family=family)
    missing = np.asarray(series.is_null().to_numpy(), dtype=bool)
    filled = series.fill_null(False if series.dtype == nw.Boolean else 0)
    return ArrayColumn(_plain(filled.to_numpy(), series), missing, family=family)


def _plain(values: np.ndarray, series: Any) -> np.ndarray:
    if values.dtype.kind != "O":
        return values
    return values.astype(bool if series.dtype == nw.Boolean else np.float64)


def _time_series(series: Any) -> Column:
    # As integers: a conversion by the library overflows, raises or panics where the
    # instants lie far away.
    if series.dtype == nw.Date:
        unit, ticks = "D", _number_series(series.cast(nw.Int32))
    else:
        unit, ticks = series.dtype.time_unit, _number_series(series.cast(nw.Int64))
    spans = series.dtype == nw.Duration
    dated = series.dtype == nw.Date
    zoned = not spans and not dated and series.dtype.time_zone is not None
    values = ticks.values.astype(np.int64, copy=False)
    return ArrayColumn(
        values.view(f"{'timedelta64' if spans else 'datetime64'}[{unit}]"),
        ticks.mask,
        family="datetime with zone" if zoned else "",
    )
