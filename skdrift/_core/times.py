"""When each row is from: a column or an array of numbers or times."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import narwhals.stable.v2 as nw
import numpy as np

from skdrift._core.cells import Column, array_column
from skdrift._core.frame import Table, read_table
from skdrift.exceptions import InputError, InputTypeError, ParameterError

NUMBERS = frozenset({"integer", "float", "decimal"})
FAMILIES = (*sorted(NUMBERS), "datetime", "datetime with zone")


@dataclass(frozen=True, slots=True, eq=False)
class Times:
    """When each row is from.

    Attributes
    ----------
    values : ndarray of float of shape (n_rows,)
        Numbers, or microseconds since 1970 (UTC); NaN where a row does not say.
    kind : {"number", "datetime", "datetime with zone"}
    name : str
        What to call them in a message.
    """

    values: np.ndarray
    kind: str
    name: str

    def refuse_missing(self) -> None:
        """Refuse rows without a time.

        Raises
        ------
        ParameterError
            If a time is missing or infinite.
        """
        rows = np.flatnonzero(~np.isfinite(self.values))
        if len(rows):
            raise ParameterError(
                f"{self.name} must say of every row when it is from, got "
                f"{len(rows):,} rows with a missing or infinite time, the first of "
                f"them {rows[:5].tolist()}; leave these rows out, or fill them in"
            )


def time_position(table: Table, time: str) -> int:
    """Position of the column that `time` names.

    Raises
    ------
    ParameterError
        If `X` has no such column.
    """
    if time not in table.labels:
        raise ParameterError(
            f"time must be the name of a column of X or an array, got {time!r:.100}, "
            f"which X does not have; its columns are {list(table.labels[:5])}"
        )
    return table.labels.index(time)


def column_times(column: Column, name: str) -> Times:
    """Times of the rows of a column.

    Raises
    ------
    ParameterError
        If the column holds neither numbers nor times.
    """
    if column.problem or column.family not in FAMILIES:
        got = column.problem or f"a column of type {column.family!r}"
        raise ParameterError(
            f"{name} must hold numbers or times, got {got}; convert texts first, for "
            "example with pandas.to_datetime"
        )
    kind = "number" if column.family in NUMBERS else column.family
    values = column.floats()
    values[~np.isfinite(values)] = np.nan
    return Times(values, kind, name)


def array_times(time: Any, n_rows: int) -> Times:
    """Times given as an array or a series, one for each row.

    Raises
    ------
    ParameterError
        If there is not one for each row, or they are neither numbers nor times.
    """
    column = one_column(time, "time")
    if column is None or column.n_rows != n_rows:
        got = f"{column.n_rows:,}" if column else f"a {type(time).__name__}"
        raise ParameterError(
            f"time must be the name of a column of X, or have one entry for each of "
            f"the {n_rows:,} rows, got {got}; pass a column of X or an array of that "
            "length"
        )
    return column_times(column, "time")


def one_column(values: Any, label: str) -> Column | None:
    """The single column that an array, a list or a series is; None if it is none."""
    if isinstance(values, list | tuple):
        cells = np.empty(len(values), dtype=object)
        cells[:] = values
        return array_column(cells, label)
    if isinstance(values, np.ndarray):
        return array_column(values, label) if values.ndim == 1 else None
    series = nw.from_native(values, series_only=True, pass_through=True)
    if isinstance(series, nw.Series):
        values = nw.to_native(series.alias(label).to_frame())
    elif hasattr(values, "to_frame"):
        values = values.to_frame()
    elif hasattr(values, "__array__"):
        found = np.asarray(values)
        return array_column(found, label) if found.ndim == 1 else None
    try:
        table = read_table(values, strict=False)
    except (InputError, InputTypeError):
        return None
    return table.column(0) if table.n_features == 1 else None
