"""Random tables, most of them odd: any cells, any names, any container."""

from __future__ import annotations

import datetime as dt
import decimal
import enum
import fractions
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import scipy.sparse as sp
from bad_inputs import Spiteful

Rng = np.random.Generator
Cells = list[Any]

N_ROWS = (0, 1, 2, 5, 29, 30, 31, 60)
NAMES = ("a", "b", "group", "flag", "when", "text")


class Colour(enum.Enum):
    """Members are no plain cells."""

    RED = 1


class Level(enum.IntEnum):
    """Members are integers."""

    LOW = 0
    HIGH = 1


class Word(str):
    """A text of a class of its own, which shows itself as something else."""

    __slots__ = ()

    def __str__(self) -> str:
        raise RuntimeError("no showing")

    __repr__ = __str__


PARIS = dt.timezone(dt.timedelta(hours=1), "Paris")
MISSING = (None, float("nan"), pd.NA, pd.NaT, np.datetime64("NaT"), np.nan)
SINGLE: tuple[Any, ...] = (
    *MISSING,
    0.0,
    -0.0,
    float("inf"),
    -float("inf"),
    5e-324,
    1.7976931348623157e308,
    -1e308,
    np.float32(3.4e38),
    np.float16(1.5),
    np.longdouble("1e4000"),
    0,
    1,
    2**31,
    2**53 + 1,
    2**63 - 1,
    2**63,
    2**64 - 1,
    -(2**63),
    -(2**63) - 1,
    2**64,
    10**400,
    np.int8(-128),
    np.uint64(2**64 - 1),
    True,
    False,
    np.bool_(True),
    "",
    " ",
    "nan",
    "None",
    "1",
    "1,5",
    "red",
    "\ud800",
    "\0",
    "\0n:1",
    "x" * 5_000,
    "\u202e\u200b\x1b[31m",
    "<script>alert(1)</script>",
    "</title>",
    Word("word"),
    b"",
    b"red",
    b"\xff\xfe\0",
    bytearray(b"x"),
    1j,
    complex("nan"),
    decimal.Decimal("1.5"),
    decimal.Decimal("NaN"),
    decimal.Decimal("sNaN"),
    decimal.Decimal("-Infinity"),
    decimal.Decimal("1E+5000"),
    fractions.Fraction(1, 3),
    dt.datetime(2024, 2, 29, 12),
    dt.datetime(1, 1, 1),
    dt.datetime(9999, 12, 31, 23, 59, 59, 999_999),
    dt.datetime(2024, 2, 29, 12, tzinfo=dt.UTC),
    dt.datetime(1, 1, 1, tzinfo=PARIS),
    dt.date(2024, 2, 29),
    dt.time(12, 30),
    dt.timedelta(days=3),
    dt.timedelta.max,
    dt.timedelta.min,
    np.datetime64("2024-02-29"),
    np.datetime64("2024", "Y"),
    np.datetime64(2**62, "s"),
    np.datetime64(1, "as"),
    np.timedelta64(5, "M"),
    np.timedelta64(2**62, "W"),
    np.timedelta64(7),
    pd.Timestamp("2024-02-29", tz="Asia/Tokyo"),
    pd.Timedelta(days=1),
    pd.Period("2024-02"),
    pd.Interval(0, 1),
    Colour.RED,
    Level.HIGH,
    [],
    [1, [2]],
    (1, 2),
    {},
    {"x": [1]},
    {1, 2},
    frozenset({1}),
    np.zeros(2),
    np.array(1.5),
    np.ma.masked,
    pd.Series([1]),
    range(3),
    object(),
    int,
    len,
    Ellipsis,
    NotImplemented,
    Spiteful(),
)


def numbers(rng: Rng, n: int) -> Cells:
    return (rng.normal(size=n) * 10.0 ** rng.integers(-3, 4)).tolist()


def wholes(rng: Rng, n: int) -> Cells:
    width = int(rng.choice([1, 3, 1000, 2**40, 2**63 - 1]))
    return rng.integers(-width, width, n).tolist()


def categories(rng: Rng, n: int) -> Cells:
    return rng.choice(["red", "green", "blue", "new"], n).tolist()


def booleans(rng: Rng, n: int) -> Cells:
    return (rng.random(n) < 0.5).tolist()


def times(rng: Rng, n: int) -> Cells:
    start = dt.datetime(2024, 1, 1)
    return [start + dt.timedelta(minutes=int(m)) for m in rng.integers(0, 10**6, n)]


def texts(rng: Rng, n: int) -> Cells:
    return [f"AB-{k}-{rng.integers(10**6)}" for k in range(n)]


def one_value(rng: Rng, n: int) -> Cells:
    return [pick(rng, SINGLE)] * n


def anything(rng: Rng, n: int) -> Cells:
    kinds = [pick(rng, SINGLE) for _ in range(int(rng.integers(1, 5)))]
    return [pick(rng, kinds) for _ in range(n)]


PLAIN = (numbers, wholes, categories, booleans, times, texts)


def pick(rng: Rng, values: Any) -> Any:
    return values[int(rng.integers(len(values)))]


def random_cells(rng: Rng, n: int) -> Cells:
    """A column: plain, of one odd value, of several, or plain with odd cells."""
    if rng.random() < 0.2:
        return pick(rng, (one_value, anything))(rng, n)
    cells = pick(rng, PLAIN)(rng, n)
    if rng.random() < 0.5 and n:
        odd = pick(rng, MISSING) if rng.random() < 0.5 else pick(rng, SINGLE)
        for row in rng.integers(0, n, int(rng.integers(1, n + 1))).tolist():
            cells[row] = odd
    return cells


def random_names(rng: Rng, n: int) -> list[Any]:
    names: list[Any] = [NAMES[j] if j < len(NAMES) else f"c{j}" for j in range(n)]
    if rng.random() < 0.2:
        rng.shuffle(names)
    while rng.random() < 0.25 and n:
        names[int(rng.integers(n))] = pick(rng, ODD_NAMES)
    return names


ODD_NAMES = (
    "a",
    "A ",
    "",
    " ",
    "n",
    "index",
    "<b>",
    "new\nline",
    "nul\0",
    "\ud800",
    "caf\u00e9",
    "cafe\u0301",
    "x" * 3_000,
    None,
    float("nan"),
    0,
    1.5,
    True,
    b"a",
    ("a", "b"),
    pd.Timestamp("2024-01-01"),
)


# --- containers ---------------------------------------------------------------------


def objects(rng: Rng, columns: list[Cells], n: int) -> np.ndarray:
    values = np.empty((n, len(columns)), dtype=object)
    for place, cells in enumerate(columns):
        for row, cell in enumerate(cells):
            values[row, place] = cell
    return values


def lists(rng: Rng, columns: list[Cells], n: int) -> Any:
    rows = [[cells[row] for cells in columns] for row in range(n)]
    return pick(rng, (list, tuple))(pick(rng, (list, tuple))(row) for row in rows)


ARRAY_TYPES = (
    *("f2", "f4", "f8", ">f8", "g", "c16", "i1", "u1", "i4", ">i4", "i8", "u8", "?"),
    *("M8[ns]", "M8[us]", "M8[D]", "M8[Y]", "M8[as]", "m8[s]", "m8[M]"),
    *("S5", "U5", "V3", "T", "i4,f4"),
)


def typed(rng: Rng, columns: list[Cells], n: int) -> Any:
    """An array of any type, made of random bytes, in any layout."""
    kind = pick(rng, ARRAY_TYPES)
    shape = (n, len(columns))
    if kind in "T" or kind[0] == "U":
        words = rng.choice(["red", "", "\U0001f600"], shape)
        values = words.astype(np.dtypes.StringDType() if kind == "T" else kind)
    elif kind in ("?", "g", "c16"):
        values = rng.normal(size=shape).astype(kind)
    else:
        dtype = np.dtype(kind)
        values = np.frombuffer(rng.bytes(n * len(columns) * dtype.itemsize), dtype)
        values = values.reshape(shape)
    if rng.random() < 0.3:
        values = np.asfortranarray(values)
    if rng.random() < 0.2:
        values = values[::-1, ::-1]
    if rng.random() < 0.1:
        values = np.ma.array(values, mask=rng.random(shape) < 0.3)
    if rng.random() < 0.1:
        values = pick(rng, (values.ravel(), values[None], values[..., None]))
    return values


def sparse(rng: Rng, columns: list[Cells], n: int) -> Any:
    kind = pick(rng, ("f8", "f4", "i4", "?", "c16"))
    found = sp.random_array((n, len(columns)), density=0.3, rng=rng).astype(kind)
    if found.nnz and kind[0] == "f":
        found.data[0] = pick(rng, (np.nan, np.inf, 0.0, 1e30))
    made = found.asformat(pick(rng, ("csr", "csc", "coo", "lil", "dok", "dia", "bsr")))
    return made if rng.random() < 0.5 else sp.csr_matrix(made)


def pandas(rng: Rng, columns: list[Cells], n: int) -> pd.DataFrame:
    series = [_pandas_series(rng, cells) for cells in columns]
    frame = pd.DataFrame(dict(enumerate(series)), index=range(n))
    frame.columns = _pandas_names(random_names(rng, len(columns)))
    if rng.random() < 0.2:
        frame.index = pd.Index(rng.integers(0, 3, n))
    return frame


def _pandas_names(names: list[Any]) -> pd.Index:
    if all(isinstance(name, tuple) for name in names) and names:
        return pd.MultiIndex.from_tuples(names)
    return pd.Index(names, dtype=object, tupleize_cols=False)


PANDAS_TYPES = (
    *("category", "string", "Float64", "Int64", "boolean", "str", "object"),
    *("Sparse[float]", "int64[pyarrow]", "double[pyarrow]", "string[pyarrow]"),
    *("datetime64[s]", "datetime64[ns, Europe/Paris]", "timedelta64[us]", "period[D]"),
)


def _pandas_series(rng: Rng, cells: Cells) -> pd.Series:
    kind = pick(rng, PANDAS_TYPES) if rng.random() < 0.3 else None
    for dtype in (kind, None, object):
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                found = pd.Series(cells, dtype=dtype if kind or dtype else None)
        except Exception:
            continue
        if len(found) == len(cells):
            return found
    values = np.empty(len(cells), dtype=object)
    for row, cell in enumerate(cells):
        values[row] = cell
    return pd.Series(values, dtype=object)


def polars(rng: Rng, columns: list[Cells], n: int) -> pl.DataFrame:
    names = _distinct_texts(random_names(rng, len(columns)))
    series = [
        _polars_series(rng, cells).alias(name)
        for name, cells in zip(names, columns, strict=True)
    ]
    return pl.DataFrame(series)


POLARS_TYPES: tuple[Any, ...] = (
    *(pl.Float32, pl.Int8, pl.UInt64, pl.Int128, pl.String, pl.Categorical),
    *(pl.Binary, pl.Boolean, pl.Decimal(38, 4), pl.Date, pl.Time, pl.Null, pl.Object),
    *(pl.Datetime("ns"), pl.Datetime("ms", "Asia/Tokyo"), pl.Duration("ms")),
    *(pl.List(pl.Int8), pl.Array(pl.Float64, 2), pl.Struct({"x": pl.Int8})),
    pl.Enum(["red", "green"]),
)


def _upsets_polars(cell: Any) -> bool:
    """Whether polars panics at a cell, or hides the error that it raises."""
    if isinstance(cell, decimal.Decimal):
        return not cell.is_finite()
    return isinstance(cell, Spiteful | Word)


def _polars_series(rng: Rng, cells: Cells) -> pl.Series:
    kind = pick(rng, POLARS_TYPES) if rng.random() < 0.3 else None
    upset = any(map(_upsets_polars, cells))
    for dtype in (pl.Object,) if upset else (kind, None, pl.Object):
        # A panic of the library is a BaseException.
        try:
            return pl.Series(cells, dtype=dtype, strict=False)
        except (Exception, pl.exceptions.PanicException):
            continue
    return pl.Series([None] * len(cells))


def arrow(rng: Rng, columns: list[Cells], n: int) -> pa.Table:
    names = [str(name) for name in _encodable(random_names(rng, len(columns)))]
    arrays = [_arrow_array(rng, cells) for cells in columns]
    if not arrays:
        return pa.table({})
    return pa.Table.from_arrays(arrays, names=names)


ARROW_TYPES = (
    *(pa.null(), pa.int8(), pa.float16(), pa.float32(), pa.large_string()),
    *(pa.string_view(), pa.binary(), pa.decimal128(38, 4), pa.date32()),
    *(pa.time64("ns"), pa.month_day_nano_interval()),
    *(pa.timestamp("s"), pa.timestamp("ns", "Asia/Tokyo"), pa.duration("ms")),
    *(pa.dictionary(pa.int32(), pa.string()), pa.list_(pa.int8()), pa.bool_()),
    *(pa.struct({"x": pa.int8()}), pa.map_(pa.string(), pa.int8()), pa.uint64()),
)


def _arrow_array(rng: Rng, cells: Cells) -> Any:
    kind = pick(rng, ARROW_TYPES) if rng.random() < 0.3 else None
    # pyarrow 26.0 crashes on numpy's times beside other types.
    numpy_times = np.datetime64 | np.timedelta64
    cells = [None if isinstance(cell, numpy_times) else cell for cell in cells]
    for attempt in (
        lambda: pa.array(cells, type=kind),
        lambda: pa.array(cells),
        lambda: pa.nulls(len(cells), kind or pa.null()),
    ):
        try:
            return attempt()
        except Exception:
            continue
    return pa.nulls(len(cells))


def _encodable(names: list[Any]) -> list[str]:
    return [str(name).encode("utf-8", "replace").decode() for name in names]


def _distinct_texts(names: list[Any]) -> list[str]:
    found: list[str] = []
    for name in _encodable(names):
        found.append(name if name not in found else f"{name}{len(found)}")
    return found


NO_TABLES: tuple[Callable[[], Any], ...] = (
    lambda: None,
    lambda: 3,
    lambda: "table.csv",
    lambda: b"bytes",
    lambda: {},
    lambda: {"a": [1]},
    lambda: [],
    lambda: [[]],
    lambda: [1, 2],
    lambda: [[1], [2, 3]],
    lambda: [[1], 2],
    lambda: ["ab", "cd"],
    lambda: (row for row in [[1]]),
    lambda: object(),
    lambda: pd.Series([1.0]),
    lambda: pd.Index([1.0]),
    lambda: pl.Series([1.0]),
    lambda: pl.LazyFrame({"a": [1]}),
    lambda: pa.array([1.0]),
    lambda: pa.chunked_array([[1.0]]),
    lambda: np.float64(1.0),
    lambda: np.array(1.0),
    lambda: pd.DataFrame({"a": [1]}).groupby("a"),
    lambda: pd.DataFrame,
    lambda: memoryview(b"ab"),
    lambda: range(3),
    lambda: {1, 2},
)

CONTAINERS: tuple[Callable[[Rng, list[Cells], int], Any], ...] = (
    *(objects, lists, typed, sparse),
    *(pandas, pandas, pandas, polars, polars, arrow, arrow),
)


def random_table(rng: Rng) -> Any:
    """One table, or something that is none."""
    if rng.random() < 0.03:
        return pick(rng, NO_TABLES)()
    n_rows = pick(rng, N_ROWS)
    n_columns = int(rng.choice([0, 1, 5, 6, 6, 6, 6, 7, 9]))
    columns = [
        random_cells(rng, n_rows)
        if rng.random() < 0.6 or j >= len(PLAIN)
        else (numbers, wholes, categories, booleans, times, texts)[j](rng, n_rows)
        for j in range(n_columns)
    ]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return pick(rng, CONTAINERS)(rng, columns, n_rows)
