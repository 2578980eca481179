"""Good tables for the tests of guards, in every library and of every type."""

from __future__ import annotations

import datetime as dt
import decimal
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import scipy.sparse as sp

N_ROWS = 30
HUGE = 2**53 + 1
GAPS = [0, 7, 8, 20]


def cells() -> dict[str, list[Any]]:
    """Columns of Python cells, one of each kind, without gaps."""
    rng = np.random.default_rng(0)
    start = dt.datetime(2024, 1, 1)
    return {
        "number": rng.normal(size=N_ROWS).tolist(),
        "whole": (rng.integers(0, 9, N_ROWS) + HUGE).tolist(),
        "flag": (np.arange(N_ROWS) % 3 == 0).tolist(),
        "town": ["Oslo", "Rome", "Lima"] * (N_ROWS // 3),
        "note": [f"note {row} of {row * 7919}" for row in range(N_ROWS)],
        "when": [start + dt.timedelta(minutes=row % 7) for row in range(N_ROWS)],
        "took": [dt.timedelta(seconds=row % 5) for row in range(N_ROWS)],
    }


def with_gaps() -> dict[str, list[Any]]:
    return {
        name: [None if row in GAPS else cell for row, cell in enumerate(column)]
        for name, column in cells().items()
    }


def typed_pandas() -> pd.DataFrame:
    """A column of every type that numpy and pandas have for cells of a table."""
    rng = np.random.default_rng(1)
    whole = rng.integers(0, 100, N_ROWS)
    frame = pd.DataFrame(index=range(N_ROWS))
    for kind in ("int8", "int16", "int32", "int64", "uint8", "uint16", "uint32"):
        frame[kind] = whole.astype(kind)
    frame["uint64"] = whole.astype("uint64") + np.uint64(2**63)
    frame["beyond"] = whole + HUGE
    for kind in ("float16", "float32", "float64"):
        frame[kind] = rng.normal(size=N_ROWS).astype(kind)
    frame["infinite"] = np.where(whole > 50, np.inf, whole)
    frame["Int8"] = pd.array(np.where(whole > 50, None, whole), dtype="Int8")
    frame["UInt64"] = pd.array([2**64 - 1, None, 3] * (N_ROWS // 3), dtype="UInt64")
    frame["Float32"] = pd.array(with_gaps()["number"], dtype="Float32")
    frame["boolean"] = pd.array(with_gaps()["flag"], dtype="boolean")
    frame["bool"] = cells()["flag"]
    frame["string"] = pd.array(with_gaps()["town"], dtype="string")
    frame["str"] = pd.Series(with_gaps()["town"], dtype="str")
    frame["text"] = cells()["note"]
    frame["object"] = pd.Series(with_gaps()["town"], dtype=object)
    frame["mixed"] = pd.Series([1, "1", 2.5, None, True] * (N_ROWS // 5), dtype=object)
    frame["exact"] = pd.Series(map(decimal.Decimal, range(N_ROWS)), dtype=object)
    frame["bytes"] = pd.Series([b"x", b"y"] * (N_ROWS // 2), dtype=object)
    frame["category"] = pd.Categorical(with_gaps()["town"], ["Rome", "Oslo", "Lima"])
    frame["ordered"] = pd.Categorical(whole % 3, ordered=True)
    frame["when"] = pd.Series(with_gaps()["when"], dtype="datetime64[s]")
    frame["nanoseconds"] = frame["when"].astype("datetime64[ns]")
    frame["zoned"] = frame["when"].dt.tz_localize("Europe/Rome")
    frame["took"] = pd.Series(with_gaps()["took"], dtype="timedelta64[ms]")
    frame["sparse"] = pd.arrays.SparseArray(np.where(whole > 80, 1.5, 0.0))
    frame["int64[pyarrow]"] = pd.array(whole, dtype="int64[pyarrow]")
    frame["string[pyarrow]"] = pd.array(cells()["town"], dtype="string[pyarrow]")
    frame["nothing"] = np.nan
    frame["constant"] = 7
    return frame


def typed_polars() -> pl.DataFrame:
    gaps, whole = with_gaps(), np.arange(N_ROWS) % 11
    columns = [
        *(
            pl.Series(str(dtype), whole, dtype=dtype)
            for dtype in (pl.Int8, pl.Int16, pl.Int32, pl.Int64, pl.UInt8, pl.UInt64)
        ),
        pl.Series("beyond", whole + HUGE),
        pl.Series("Float32", gaps["number"], dtype=pl.Float32),
        pl.Series("NaN", np.where(whole > 5, np.nan, whole)),
        pl.Series("flag", gaps["flag"]),
        pl.Series("town", gaps["town"]),
        pl.Series("category", gaps["town"], dtype=pl.Categorical),
        pl.Series("enum", gaps["town"], dtype=pl.Enum(["Rome", "Oslo", "Lima"])),
        pl.Series("note", gaps["note"]),
        pl.Series("when", gaps["when"], dtype=pl.Datetime("ns")),
        pl.Series("zoned", gaps["when"], dtype=pl.Datetime("ms", "Asia/Tokyo")),
        pl.Series("day", [dt.date(2024, 1, 1 + row) for row in range(N_ROWS)]),
        pl.Series("took", gaps["took"], dtype=pl.Duration("ms")),
        pl.Series("exact", whole).cast(pl.Decimal(20, 3)),
        pl.Series("bytes", [b"x", b"y"] * (N_ROWS // 2)),
        pl.Series("nothing", [None] * N_ROWS),
    ]
    return pl.DataFrame(columns)


def typed_arrow() -> pa.Table:
    gaps, whole = with_gaps(), pa.array((np.arange(N_ROWS) % 11).tolist())
    table = typed_polars().drop("enum", "category").to_arrow()
    more = {
        "float16": pa.array(np.linspace(0, 1, N_ROWS).astype(np.float16)),
        "dictionary": pa.array(gaps["town"]).dictionary_encode(),
        "large": pa.array(gaps["town"], pa.large_string()),
        "plain": pa.array(gaps["town"], pa.string()),
        "decimal": whole.cast(pa.decimal128(25, 3)),
        "date64": pa.array([dt.date(2024, 1, 1 + row) for row in range(N_ROWS)]),
    }
    for name, array in more.items():
        table = table.append_column(name, array)
    return table


def objects() -> np.ndarray:
    values = np.empty((N_ROWS, 7), dtype=object)
    for place, column in enumerate(with_gaps().values()):
        values[:, place] = column
    return values


def plain(dtype: Any) -> np.ndarray:
    rng = np.random.default_rng(2)
    return (rng.random((N_ROWS, 4)) * 100).astype(dtype)


def masked() -> np.ma.MaskedArray:
    values = plain("f8")
    return np.ma.array(values, mask=values > 90)


def sparse(kind: Callable[[Any], Any]) -> Any:
    values = plain("f8")
    return kind(np.where(values > 70, values, 0.0))


GOOD: dict[str, Callable[[], Any]] = {
    **{
        f"array of {dtype}": lambda dtype=dtype: plain(dtype)
        for dtype in (
            *("i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "f2", "f4", "f8", "g"),
            *(">f8", "?", "U5", "S5", "M8[s]", "m8[ms]"),
        )
    },
    "array beyond 2**53": lambda: plain("i8") + HUGE,
    "array of uint64": lambda: plain("u8") + np.uint64(2**63),
    "array with NaN": lambda: np.where(plain("f8") > 90, np.nan, plain("f8")),
    "array with infinity": lambda: np.where(plain("f4") > 90, np.inf, plain("f4")),
    "Fortran order": lambda: np.asfortranarray(plain("f8")),
    "masked array": masked,
    "array of objects": objects,
    "array of StringDType": lambda: plain("U2").astype(np.dtypes.StringDType()),
    "pandas": lambda: pd.DataFrame(cells()),
    "pandas with gaps": lambda: pd.DataFrame(with_gaps()),
    "pandas nullable": lambda: pd.DataFrame(with_gaps()).convert_dtypes(),
    "pandas Arrow": lambda: pd.DataFrame(with_gaps()).convert_dtypes(
        dtype_backend="pyarrow"
    ),
    "pandas of every type": typed_pandas,
    "integer names": lambda: pd.DataFrame(plain("f8")),
    "polars": lambda: pl.DataFrame(cells()),
    "polars of every type": typed_polars,
    "pyarrow": lambda: pa.table(cells()),
    "pyarrow of every type": typed_arrow,
    "record batch": lambda: pa.table(cells()).to_batches()[0],
    **{
        kind.__name__: lambda kind=kind: sparse(kind)
        for kind in (sp.csr_array, sp.csc_matrix, sp.coo_array, sp.lil_matrix)
    },
}


def listed(X: Any) -> list[list[Any]]:
    """Cells as Python objects, row by row, None where missing."""
    if sp.issparse(X):
        X = X.toarray()
    if isinstance(X, pl.DataFrame):
        columns = [series.to_list() for series in X.get_columns()]
    elif isinstance(X, pa.Table | pa.RecordBatch):
        columns = [column.to_pylist() for column in X.columns]
    elif isinstance(X, pd.DataFrame):
        columns = [X.iloc[:, place].tolist() for place in range(X.shape[1])]
    else:
        columns = [X[:, place].tolist() for place in range(X.shape[1])]
    return [
        [
            None if cell is None or cell is pd.NA or cell != cell else cell
            for cell in row
        ]
        for row in zip(*columns, strict=True)
    ]


def types_of(X: Any) -> list[str]:
    """Type of each column, in the words of its library."""
    if isinstance(X, pl.DataFrame):
        return list(map(str, X.dtypes))
    if isinstance(X, pa.Table | pa.RecordBatch):
        return list(map(str, X.schema.types))
    return list(map(str, X.dtypes if isinstance(X, pd.DataFrame) else [X.dtype]))


def rows_of(X: Any, rows: list[int]) -> Any:
    """Some rows, in an order."""
    if isinstance(X, pd.DataFrame):
        return X.iloc[rows]
    if isinstance(X, pa.Table | pa.RecordBatch):
        return X.take(pa.array(rows, pa.int64()))
    if sp.issparse(X):
        return X.tocsr()[rows].asformat(X.format)
    return X[rows]
