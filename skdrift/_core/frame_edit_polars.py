"""Tables of polars, edited."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from skdrift._core.frame_edit_cells import Cells
from skdrift._core.frame_edit_fit import unwritable
from skdrift._core.frame_edit_plan import NewColumn, Plan, changes_of, source_of
from skdrift._core.frame_edit_series import (
    decimal_values,
    in_known_unit,
    natural_values,
    text_values,
    typed_values,
)

UNITS = frozenset({"ms", "us", "ns"})
HUGE = frozenset({"Int128", "UInt128"})
MOST = 2**63 - 1


def rebuild_polars(X: Any, plan: Plan, names: Sequence[str] | None) -> Any:
    """Frame of another plan."""
    import polars as pl  # noqa: PLC0415  (optional library)

    old = X.get_columns()
    columns: list[Any] = [
        None if isinstance(item, NewColumn) else old[source_of(item)] for item in plan
    ]
    for change in changes_of(plan, X.height):
        item, series = plan[change.place], columns[change.place]
        if isinstance(item, NewColumn):
            edited = _new_series(item, change.cells)
        else:
            edited = _edited(series, change.rows, change.cells)
        columns[change.place] = edited
    if names is not None:
        columns = [
            series if series.name == name else series.alias(name)
            for series, name in zip(columns, names, strict=True)
        ]
    return pl.DataFrame(columns)


def _edited(series: Any, rows: np.ndarray, cells: Cells) -> Any:
    import polars as pl  # noqa: PLC0415  (optional library)

    dtype = series.dtype
    try:
        if dtype == pl.Categorical or dtype == pl.Enum:
            return _edited_categories(series, rows, cells)
        if dtype == pl.Object:
            return _edited_objects(series, rows, cells)
        new = _values(series, rows, cells)
        if new.dtype != dtype:
            series = series.cast(new.dtype, strict=False)
        return _placed(series, rows, new)
    except (pl.exceptions.PolarsError, TypeError, OverflowError) as error:
        raise unwritable(series.name, dtype, cells) from error


def _placed(series: Any, rows: np.ndarray, new: Any) -> Any:
    """Series with new cells; a single one stands for all rows."""
    import polars as pl  # noqa: PLC0415  (optional library)

    sources = np.arange(len(series))
    sources[rows] = np.arange(len(new)) + len(series)
    return pl.concat([series, new.alias(series.name)], rechunk=True).gather(sources)


def _edited_categories(series: Any, rows: np.ndarray, cells: Cells) -> Any:
    import polars as pl  # noqa: PLC0415  (optional library)

    dtype = series.dtype
    texts = text_values(cells, series.name, dtype)
    new = pl.Series(texts, dtype=pl.String)
    edited = _placed(series.cast(pl.String), rows, new)
    if dtype == pl.Enum and not set(texts) <= {None, *dtype.categories.to_list()}:
        return edited
    return edited.cast(dtype)


def _edited_objects(series: Any, rows: np.ndarray, cells: Cells) -> Any:
    import polars as pl  # noqa: PLC0415  (optional library)

    objects = np.empty(len(series), dtype=object)
    for row, cell in enumerate(series.to_list()):
        objects[row] = cell
    objects[rows] = cells.objects(None)
    return pl.Series(series.name, objects.tolist(), dtype=pl.Object)


def _values(series: Any, rows: np.ndarray, cells: Cells) -> Any:
    """Values to write, as a series of the type that the column must have."""
    import polars as pl  # noqa: PLC0415  (optional library)

    dtype, name = series.dtype, series.name
    if not cells.families:
        return pl.Series([None] * len(cells.array), dtype=dtype)
    if dtype == pl.Null:
        return _natural_series(cells, name)
    if dtype == pl.String:
        return pl.Series(text_values(cells, name, dtype), dtype=dtype)
    if dtype == pl.Decimal:
        precision, scale = dtype.precision or 38, dtype.scale or 0
        decimals = decimal_values(cells, precision, scale, name, dtype)
        return pl.Series(decimals, dtype=dtype)
    base = _numpy_type(dtype)
    if base is None:
        if cells.families != {"bytes" if dtype == pl.Binary else "other"}:
            raise unwritable(name, dtype, cells)
        return pl.Series(cells.listed(), dtype=dtype)
    values = typed_values(base, cells, lambda: _kept(series, rows, base))
    if values is None:
        raise unwritable(name, dtype, cells)
    huge = str(dtype) in HUGE and values.dtype.kind in "iu"
    same = huge or values.dtype == base
    return _typed_series(values, cells.missing, dtype, same)


def _kept(series: Any, rows: np.ndarray, base: np.dtype) -> np.ndarray:
    """Cells that are not edited, as integers or times; something where missing."""
    import polars as pl  # noqa: PLC0415  (optional library)

    kept = np.delete(np.arange(len(series)), rows)
    ticks = series.to_physical().gather(kept).fill_null(0)
    if base.kind in "mM":
        return ticks.cast(pl.Int64).to_numpy().view(base)
    if str(series.dtype) in HUGE:
        ticks = ticks.cast(pl.Int64, strict=False).fill_null(MOST)
    return ticks.to_numpy()


def _numpy_type(dtype: Any) -> np.dtype | None:
    """Type in numpy of the values of a type of polars."""
    import polars as pl  # noqa: PLC0415  (optional library)

    if dtype == pl.Datetime:
        return np.dtype(f"M8[{dtype.time_unit}]")
    if dtype == pl.Duration:
        return np.dtype(f"m8[{dtype.time_unit}]")
    if dtype == pl.Date:
        return np.dtype("M8[D]")
    if dtype == pl.Boolean:
        return np.dtype(bool)
    if str(dtype) in HUGE:
        return np.dtype(np.int64)
    return np.dtype(str(dtype).lower()) if dtype.is_numeric() else None


def _typed_series(
    values: np.ndarray, missing: np.ndarray | None, dtype: Any, same: bool
) -> Any:
    """Series of numbers or times: of a type, or of a wider one of its kind."""
    import polars as pl  # noqa: PLC0415  (optional library)

    kind = values.dtype.kind
    if kind in "mM":
        units = UNITS | {"D"} if kind == "M" else UNITS
        known = in_known_unit(values, units)
        if known is None:
            raise TypeError(f"no unit for {values.dtype}")
        unit: Any = np.datetime_data(known.dtype)[0]
        if not same:
            zone = getattr(dtype, "time_zone", None)
            dtype = pl.Date() if unit == "D" else pl.Datetime(unit, zone)
            dtype = pl.Duration(unit) if kind == "m" else dtype
        series = _with_nulls(pl.Series(known.view(np.int64)), missing)
        return (series.cast(pl.Int32) if unit == "D" else series).cast(dtype)
    series = _with_nulls(pl.Series(values), missing)
    return series.cast(dtype) if same else series


def _with_nulls(series: Any, missing: np.ndarray | None) -> Any:
    if missing is None:
        return series
    return series.scatter(np.flatnonzero(missing), None)


def _natural_series(cells: Cells, name: str) -> Any:
    """Series of the type that the values have of themselves."""
    import polars as pl  # noqa: PLC0415  (optional library)

    values = natural_values(cells, name, "Null")
    if isinstance(values, np.ndarray):
        return _typed_series(values, cells.missing, None, same=False)
    dtype = pl.Binary if cells.families == {"bytes"} else pl.String
    return pl.Series(values, dtype=dtype if cells.families else pl.Null)


def _new_series(item: NewColumn, cells: Cells) -> Any:
    import polars as pl  # noqa: PLC0415  (optional library)

    categories = item.categories
    if categories is None or not all(isinstance(level, str) for level in categories):
        return _natural_series(cells, item.name).alias(item.name)
    texts = text_values(cells, item.name, "Enum")
    unknown = [text for text in texts if text is not None]
    levels = list(dict.fromkeys([*categories, *unknown]))
    return pl.Series(item.name, texts, dtype=pl.Enum(levels))
