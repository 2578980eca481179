"""The same values in any container: the same grid and the same counts."""

from __future__ import annotations

import datetime as dt
import decimal
import pickle
import tracemalloc
from collections import Counter
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
import scipy.sparse as sp

from skdrift._core.frame import read_table
from skdrift.profile import Grid, Profile

N_ROWS = 300
Build = Callable[[], Any]


def columns_of(values: np.ndarray) -> dict[str, np.ndarray]:
    return {f"x{j}": values[:, j] for j in range(values.shape[1])}


def float_values() -> np.ndarray:
    rng = np.random.default_rng(0)
    values = rng.normal(size=(N_ROWS, 4))
    values[:, 1] = rng.integers(0, 6, N_ROWS) / 4
    values[rng.random(values.shape) < 0.3] = 0.0
    values[5, 2], values[6, 2] = np.inf, -np.inf
    return values


def whole_values() -> np.ndarray:
    rng = np.random.default_rng(1)
    values = rng.integers(0, 120, size=(N_ROWS, 3))
    values[rng.random(values.shape) < 0.3] = 0
    return values


def holes() -> np.ndarray:
    return np.random.default_rng(2).random((N_ROWS, 3)) < 0.1


def with_nan(values: np.ndarray, mask: np.ndarray) -> np.ndarray:
    return np.where(mask, np.nan, values.astype(float))


def with_none(values: np.ndarray, mask: np.ndarray, missing: Any = None) -> np.ndarray:
    cells = values.astype(object)
    cells[mask] = missing
    return cells


def frozen(values: np.ndarray) -> np.ndarray:
    values.flags.writeable = False
    return values


def strided(values: np.ndarray) -> np.ndarray:
    wide = np.full((2 * len(values), 3 * values.shape[1]), 9, dtype=values.dtype)
    wide[::2, ::3] = values
    return wide[::2, ::3]


def memmapped(values: np.ndarray, folder: Any) -> np.ndarray:
    path = folder / "values.bin"
    values.tofile(path)
    return np.memmap(path, dtype=values.dtype, mode="r", shape=values.shape)


def twice_stored(values: np.ndarray) -> sp.coo_array:
    """Every entry in two halves, which add up exactly."""
    rows, columns = np.nonzero(values)
    halves = np.concatenate([values[rows, columns] / 2] * 2)
    places = (np.tile(rows, 2), np.tile(columns, 2))
    return sp.coo_array((halves, places), shape=values.shape)


def twice_stored_by_columns(values: np.ndarray) -> sp.csc_array:
    """The same in a form that scipy does not add up by itself."""
    n_rows, n_columns = values.shape
    rows = np.tile(np.repeat(np.arange(n_rows), 2), n_columns)
    halves = np.repeat(values.T.ravel() / 2, 2)
    ends = 2 * n_rows * np.arange(n_columns + 1)
    return sp.csc_array((halves, rows, ends), shape=values.shape)


def with_stored_zeros(values: np.ndarray) -> sp.csc_array:
    everything = sp.csc_array(np.ones_like(values))
    everything.data = values.T.ravel().copy()
    return everything


def by_diagonals(values: np.ndarray) -> sp.dia_array:
    n_rows, n_columns = values.shape
    offsets = np.arange(1 - n_rows, n_columns)
    rows = np.arange(n_columns) - offsets[:, None]
    inside = (rows >= 0) & (rows < n_rows)
    places = np.broadcast_to(np.arange(n_columns), rows.shape)
    stored = np.where(inside, values[np.clip(rows, 0, n_rows - 1), places], 0)
    return sp.dia_array((stored, offsets), shape=values.shape)


def chunked(table: pa.Table) -> pa.Table:
    return pa.concat_tables([table[:100], table[100:101], table[101:]])


def sliced(build: Callable[[dict[str, np.ndarray]], Any], values: np.ndarray) -> Any:
    padded = np.concatenate([values[:7], values, values[:3]])
    return build(columns_of(padded))[7 : 7 + len(values)]


def arrow(columns: dict[str, Any], dtype: Any = None) -> pa.Table:
    return pa.table({k: pa.array(v.tolist(), dtype) for k, v in columns.items()})


def arrow_pandas(columns: dict[str, Any], dtype: pa.DataType) -> pd.DataFrame:
    return pd.DataFrame(
        {
            k: pd.Series(v.tolist(), dtype=pd.ArrowDtype(dtype))
            for k, v in columns.items()
        }
    )


FLOATS, WHOLE, HOLES = float_values(), whole_values(), holes()
PLAIN_ARRAYS: dict[str, Callable[[np.ndarray], Any]] = {
    "C order": np.ascontiguousarray,
    "Fortran order": np.asfortranarray,
    "strides": strided,
    "negative strides": lambda v: v[::-1, ::-1].copy()[::-1, ::-1],
    "read-only": lambda v: frozen(v.copy()),
    "big-endian": lambda v: v.astype(v.dtype.newbyteorder(">")),
    "objects": lambda v: v.astype(object),
    "masked, nothing hidden": np.ma.masked_array,
    "list of lists": lambda v: v.tolist(),
    "tuple of tuples": lambda v: tuple(map(tuple, v.tolist())),
    "list of arrays": list,
    "pandas": lambda v: pd.DataFrame(columns_of(v)),
    "pandas from one array": lambda v: pd.DataFrame(v, columns=list(columns_of(v))),
    "pandas, integer names": pd.DataFrame,
    "pandas, odd row labels": lambda v: pd.DataFrame(columns_of(v), index=[7] * len(v)),
    "pandas objects": lambda v: pd.DataFrame(columns_of(v)).astype(object),
    "polars": lambda v: pl.DataFrame(columns_of(v)),
    "polars slice": lambda v: sliced(pl.DataFrame, v),
    "arrow": lambda v: arrow(columns_of(v)),
    "arrow chunks": lambda v: chunked(arrow(columns_of(v))),
    "arrow slice": lambda v: sliced(arrow, v),
    "arrow batch": lambda v: pa.RecordBatch.from_pylist(
        arrow(columns_of(v)).to_pylist()
    ),
    "csr": sp.csr_array,
    "csc": sp.csc_matrix,
    "coo": sp.coo_matrix,
    "coo, each entry twice": twice_stored,
    "csc, each entry twice": twice_stored_by_columns,
    "csc, zeros stored": with_stored_zeros,
    "dia": by_diagonals,
    "bsr": sp.bsr_matrix,
    "lil": sp.lil_array,
    "dok": sp.dok_array,
}
FLOAT_CONTAINERS: dict[str, Build] = {
    **{name: lambda make=make: make(FLOATS) for name, make in PLAIN_ARRAYS.items()},
    "longdouble": lambda: FLOATS.astype(np.longdouble),
    "pandas Float64": lambda: pd.DataFrame(columns_of(FLOATS)).astype("Float64"),
    "pandas Arrow": lambda: arrow_pandas(columns_of(FLOATS), pa.float64()),
    "pandas sparse": lambda: pd.DataFrame.sparse.from_spmatrix(
        sp.csr_array(FLOATS), columns=list(columns_of(FLOATS))
    ),
}
WHOLE_CONTAINERS: dict[str, Build] = {
    **{name: lambda make=make: make(WHOLE) for name, make in PLAIN_ARRAYS.items()},
    **{
        f"numpy {dtype}": lambda dtype=dtype: WHOLE.astype(dtype)
        for dtype in ("i1", "u1", "i2", ">u2", "i4", "u4", "u8", "f8", "f2", "g")
    },
    "pandas Int64": lambda: pd.DataFrame(columns_of(WHOLE)).astype("Int64"),
    "pandas UInt8": lambda: pd.DataFrame(columns_of(WHOLE)).astype("UInt8"),
    "pandas Arrow": lambda: arrow_pandas(columns_of(WHOLE), pa.int16()),
    "polars Int8": lambda: pl.DataFrame(columns_of(WHOLE)).cast(pl.Int8),
    "polars Decimal": lambda: pl.DataFrame(columns_of(WHOLE)).cast(pl.Decimal(10, 2)),
    "decimal objects": lambda: np.vectorize(decimal.Decimal, otypes=[object])(WHOLE),
    "arrow decimal": lambda: arrow(columns_of(WHOLE), pa.decimal128(10, 2)),
    "arrow decimal256": lambda: arrow(columns_of(WHOLE), pa.decimal256(50, 2)),
    "arrow halffloat": lambda: pa.table(
        {k: pa.array(v) for k, v in columns_of(WHOLE.astype("f2")).items()}
    ),
    "objects of numpy": lambda: np.array(
        [[np.int16(cell) for cell in row] for row in WHOLE], dtype=object
    ),
}
MISSING_CONTAINERS: dict[str, Build] = {
    "numpy": lambda: with_nan(WHOLE, HOLES),
    "masked floats": lambda: np.ma.masked_array(WHOLE * 1.0, HOLES),
    "masked integers": lambda: np.ma.masked_array(WHOLE, HOLES),
    "masked objects": lambda: np.ma.masked_array(WHOLE.astype(object), HOLES),
    "objects with None": lambda: with_none(WHOLE, HOLES),
    "objects with NaN": lambda: with_none(WHOLE, HOLES, np.nan),
    "objects with NA": lambda: with_none(WHOLE, HOLES, pd.NA),
    "lists with None": lambda: with_none(WHOLE, HOLES).tolist(),
    "pandas": lambda: pd.DataFrame(columns_of(with_nan(WHOLE, HOLES))),
    "pandas Int64": lambda: pd.DataFrame(
        columns_of(with_none(WHOLE, HOLES, pd.NA)), dtype="Int64"
    ),
    "pandas Arrow": lambda: arrow_pandas(
        columns_of(with_none(WHOLE, HOLES)), pa.int64()
    ),
    "polars": lambda: pl.DataFrame(
        {k: v.tolist() for k, v in columns_of(with_none(WHOLE, HOLES)).items()}
    ),
    "polars NaN": lambda: pl.DataFrame(columns_of(with_nan(WHOLE, HOLES))),
    "arrow": lambda: arrow(columns_of(with_none(WHOLE, HOLES))),
    "arrow NaN": lambda: arrow(columns_of(with_nan(WHOLE, HOLES))),
    "csr, NaN stored": lambda: sp.csr_array(with_nan(WHOLE, HOLES)),
    "pandas sparse": lambda: pd.DataFrame(columns_of(with_nan(WHOLE, HOLES))).astype(
        "Sparse[float]"
    ),
}

TEXTS = np.array(["ok", "", "nan", "é", "\0", "\0n:1", "ok ", "日本"], dtype=object)[
    np.random.default_rng(3).integers(0, 8, (N_ROWS, 3))
]
TEXTS_WITH_NONE = with_none(TEXTS, HOLES)
# Neither fixed-width numpy texts nor Arrow's C strings keep a NUL at the end.
NUL_FREE = np.where(np.char.find(TEXTS.astype(str), "\0") >= 0, "zero", TEXTS)


def typed_texts(cells: np.ndarray, dtype: Any) -> pd.DataFrame:
    return pd.DataFrame(
        {k: pd.Series(v.tolist(), dtype=dtype) for k, v in columns_of(cells).items()}
    )


def polars_texts(cells: np.ndarray, dtype: Any = pl.String) -> pl.DataFrame:
    return pl.DataFrame(
        {k: pl.Series(v.tolist(), dtype=dtype) for k, v in columns_of(cells).items()}
    )


def categories(cells: np.ndarray, seed: int) -> pd.DataFrame:
    """Categories in some order, one of them never used."""
    levels = np.array(["never", *sorted(set(cells.ravel()) - {None})], dtype=object)
    order = np.random.default_rng(seed).permutation(levels)
    dtype = pd.CategoricalDtype(order, ordered=bool(seed))
    return typed_texts(cells, dtype)


def dictionary(cells: np.ndarray) -> pa.Table:
    return pa.table(
        {
            k: pa.array(v.tolist()).dictionary_encode()
            for k, v in columns_of(cells).items()
        }
    )


TEXT_CONTAINERS: dict[str, Build] = {
    "objects": lambda: TEXTS_WITH_NONE,
    "objects with NaN": lambda: with_none(TEXTS, HOLES, np.nan),
    "objects with NA": lambda: with_none(TEXTS, HOLES, pd.NA),
    "objects of numpy.str_": lambda: with_none(
        np.vectorize(np.str_, otypes=[object])(TEXTS), HOLES
    ),
    "StringDType": lambda: with_none(TEXTS, HOLES).astype(
        np.dtypes.StringDType(na_object=None)
    ),
    "StringDType with NaN": lambda: with_none(TEXTS, HOLES, np.nan).astype(
        np.dtypes.StringDType(na_object=np.nan)
    ),
    "masked StringDType": lambda: np.ma.masked_array(
        TEXTS.astype(np.dtypes.StringDType()), HOLES
    ),
    "masked objects": lambda: np.ma.masked_array(TEXTS, HOLES),
    "lists": TEXTS_WITH_NONE.tolist,
    "pandas str": lambda: typed_texts(TEXTS_WITH_NONE, "str"),
    "pandas object": lambda: typed_texts(TEXTS_WITH_NONE, object),
    "pandas string[python]": lambda: typed_texts(TEXTS_WITH_NONE, "string[python]"),
    "pandas string[pyarrow]": lambda: typed_texts(TEXTS_WITH_NONE, "string[pyarrow]"),
    "pandas Arrow": lambda: arrow_pandas(columns_of(TEXTS_WITH_NONE), pa.string()),
    "pandas Arrow large": lambda: arrow_pandas(
        columns_of(TEXTS_WITH_NONE), pa.large_string()
    ),
    "pandas category": lambda: categories(TEXTS_WITH_NONE, 0),
    "pandas ordered category": lambda: categories(TEXTS_WITH_NONE, 1),
    "pandas Arrow dictionary": lambda: dictionary(TEXTS_WITH_NONE).to_pandas(
        types_mapper=pd.ArrowDtype
    ),
    "polars": lambda: polars_texts(TEXTS_WITH_NONE),
    "polars Categorical": lambda: polars_texts(TEXTS_WITH_NONE, pl.Categorical),
    "polars Enum": lambda: polars_texts(
        TEXTS_WITH_NONE, pl.Enum(["never", *sorted(set(TEXTS.ravel()))])
    ),
    "arrow": lambda: arrow(columns_of(TEXTS_WITH_NONE)),
    "arrow large": lambda: arrow(columns_of(TEXTS_WITH_NONE), pa.large_string()),
    "arrow view": lambda: arrow(columns_of(TEXTS_WITH_NONE), pa.string_view()),
    "arrow chunks": lambda: chunked(arrow(columns_of(TEXTS_WITH_NONE))),
    "arrow slice": lambda: sliced(arrow, TEXTS_WITH_NONE),
    "arrow dictionary": lambda: dictionary(TEXTS_WITH_NONE),
    "arrow dictionary chunks": lambda: pa.concat_tables(
        [dictionary(TEXTS_WITH_NONE[:50]), dictionary(TEXTS_WITH_NONE[50:])]
    ),
}
FIXED_TEXT_CONTAINERS: dict[str, Build] = {
    "objects": lambda: NUL_FREE,
    "numpy U": lambda: NUL_FREE.astype(str),
    "numpy U, Fortran order": lambda: np.asfortranarray(NUL_FREE.astype(str)),
    "numpy U, big-endian": lambda: NUL_FREE.astype(str).astype(">U10"),
}

CODES = np.random.default_rng(4).integers(0, 9, (N_ROWS, 3)) * 3 - 4
CODES_WITH_NONE = with_none(CODES, HOLES)
CODE_CONTAINERS: dict[str, Build] = {
    "numpy": lambda: with_nan(CODES, HOLES),
    "objects": lambda: CODES_WITH_NONE,
    "masked": lambda: np.ma.masked_array(CODES, HOLES),
    "pandas": lambda: pd.DataFrame(columns_of(with_nan(CODES, HOLES))),
    "pandas Int64": lambda: pd.DataFrame(
        columns_of(with_none(CODES, HOLES, pd.NA)), dtype="Int64"
    ),
    "pandas category": lambda: typed_texts(CODES_WITH_NONE, "category"),
    "pandas category of floats": lambda: typed_texts(
        with_nan(CODES, HOLES), "category"
    ),
    "polars": lambda: polars_texts(CODES_WITH_NONE, pl.Int16),
    "arrow": lambda: arrow(columns_of(CODES_WITH_NONE)),
    "arrow dictionary": lambda: dictionary(CODES_WITH_NONE),
    "pandas Arrow dictionary": lambda: dictionary(CODES_WITH_NONE).to_pandas(
        types_mapper=pd.ArrowDtype
    ),
}

TRUTHS = np.random.default_rng(5).random((N_ROWS, 3)) < 0.3
TRUTHS_WITH_NONE = with_none(TRUTHS, HOLES)
TRUTH_CONTAINERS: dict[str, Build] = {
    "numpy": lambda: TRUTHS,
    "strides": lambda: strided(TRUTHS),
    "objects": lambda: TRUTHS.astype(object),
    "lists": TRUTHS.tolist,
    "pandas": lambda: pd.DataFrame(columns_of(TRUTHS)),
    "pandas boolean": lambda: pd.DataFrame(columns_of(TRUTHS)).astype("boolean"),
    "pandas Arrow": lambda: arrow_pandas(columns_of(TRUTHS), pa.bool_()),
    "pandas category": lambda: typed_texts(TRUTHS, "category"),
    "polars": lambda: pl.DataFrame(columns_of(TRUTHS)),
    "arrow": lambda: arrow(columns_of(TRUTHS)),
    "csr": lambda: sp.csr_array(TRUTHS),
}
HOLEY_TRUTH_CONTAINERS: dict[str, Build] = {
    "objects": lambda: TRUTHS_WITH_NONE,
    "objects with NaN": lambda: with_none(TRUTHS, HOLES, np.nan),
    "masked": lambda: np.ma.masked_array(TRUTHS, HOLES),
    "pandas object": lambda: pd.DataFrame(columns_of(TRUTHS_WITH_NONE), dtype=object),
    "pandas boolean": lambda: typed_texts(TRUTHS_WITH_NONE, "boolean"),
    "pandas Arrow": lambda: arrow_pandas(columns_of(TRUTHS_WITH_NONE), pa.bool_()),
    "polars": lambda: polars_texts(TRUTHS_WITH_NONE, pl.Boolean),
    "arrow": lambda: arrow(columns_of(TRUTHS_WITH_NONE)),
}
# Types that the oldest libraries do not have yet.
if hasattr(pl, "Int128"):
    WHOLE_CONTAINERS["polars Int128"] = lambda: pl.DataFrame(columns_of(WHOLE)).cast(
        pl.Int128
    )
if hasattr(pa, "bool8"):
    HOLEY_TRUTH_CONTAINERS["arrow bool8"] = lambda: pa.table(
        {
            name: pa.ExtensionArray.from_storage(
                pa.bool8(), pa.array(cells.tolist()).cast(pa.int8())
            )
            for name, cells in columns_of(TRUTHS_WITH_NONE).items()
        }
    )

MILLISECONDS = np.random.default_rng(6).integers(-(10**12), 10**12, (N_ROWS, 2))
TIMES = MILLISECONDS.astype("datetime64[ms]")
TIMES[3, 0], TIMES[:9, 1] = np.datetime64("NaT"), np.datetime64("NaT")
TIME_CONTAINERS: dict[str, Build] = {
    **{
        f"numpy {unit}": lambda unit=unit: TIMES.astype(f"M8[{unit}]")
        for unit in ("ms", "us", "ns")
    },
    "big-endian": lambda: TIMES.astype(">M8[ns]"),
    "Python objects": lambda: TIMES.astype("M8[us]").astype(object),
    "numpy objects": lambda: np.array([list(row) for row in TIMES], dtype=object),
    **{
        f"pandas {unit}": lambda unit=unit: pd.DataFrame(
            columns_of(TIMES.astype(f"M8[{unit}]"))
        )
        for unit in ("ms", "us", "ns")
    },
    "pandas timestamps": lambda: pd.DataFrame(columns_of(TIMES)).astype(object),
    **{
        f"polars {unit}": lambda unit=unit: pl.DataFrame(
            columns_of(TIMES.astype(f"M8[{unit}]"))
        )
        for unit in ("ms", "us", "ns")
    },
    **{
        f"arrow {unit}": lambda unit=unit: pa.table(
            {
                name: pa.array(cells.astype(f"M8[{unit}]"))
                for name, cells in columns_of(TIMES).items()
            }
        )
        for unit in ("ms", "us", "ns")
    },
    "pandas Arrow": lambda: pd.DataFrame(columns_of(TIMES)).astype(
        pd.ArrowDtype(pa.timestamp("ms"))
    ),
}
ZONED = pd.DataFrame(columns_of(TIMES)).apply(lambda c: c.dt.tz_localize("UTC"))
ZONED_CONTAINERS: dict[str, Build] = {
    "pandas": lambda: ZONED,
    "pandas, other zone": lambda: ZONED.apply(lambda c: c.dt.tz_convert("Asia/Tokyo")),
    "pandas ns": lambda: ZONED.astype("datetime64[ns, America/New_York]"),
    "pandas timestamps": lambda: ZONED.astype(object),
    "pandas Arrow": lambda: ZONED.astype(
        pd.ArrowDtype(pa.timestamp("us", "Europe/Paris"))
    ),
    "polars": lambda: pl.from_pandas(ZONED),
    "polars, other zone": lambda: pl.from_pandas(ZONED).select(
        pl.all().dt.convert_time_zone("Asia/Kolkata")
    ),
    "arrow": lambda: pa.Table.from_pandas(ZONED),
}
DAYS = TIMES.astype("datetime64[D]")
DAY_CONTAINERS: dict[str, Build] = {
    "numpy": lambda: DAYS,
    "numpy ns": lambda: DAYS.astype("M8[ns]"),
    "date objects": lambda: DAYS.astype(object),
    "polars": lambda: pl.DataFrame(columns_of(DAYS)),
    "arrow date32": lambda: pa.table(
        {name: pa.array(cells) for name, cells in columns_of(DAYS).items()}
    ),
    "arrow date64": lambda: arrow(columns_of(DAYS.astype(object)), pa.date64()),
    "pandas Arrow": lambda: arrow_pandas(columns_of(DAYS.astype(object)), pa.date32()),
}
SPANS = (TIMES - np.datetime64("2000-01-01")).astype("timedelta64[ms]")
SPAN_CONTAINERS: dict[str, Build] = {
    **{
        f"numpy {unit}": lambda unit=unit: SPANS.astype(f"m8[{unit}]")
        for unit in ("ms", "us", "ns")
    },
    "Python objects": lambda: SPANS.astype("m8[us]").astype(object),
    "pandas": lambda: pd.DataFrame(columns_of(SPANS)),
    "pandas objects": lambda: pd.DataFrame(columns_of(SPANS)).astype(object),
    "polars": lambda: pl.DataFrame(columns_of(SPANS)),
    "arrow": lambda: pa.table(
        {name: pa.array(cells) for name, cells in columns_of(SPANS).items()}
    ),
}
BYTES = np.array([b"a", b"b\xff", b"c\\xff"], dtype=object)[
    np.random.default_rng(7).integers(0, 3, (N_ROWS, 2))
]
BYTES_CONTAINERS: dict[str, Build] = {
    "objects": lambda: BYTES,
    "numpy S": lambda: BYTES.astype("S6"),
    "pandas": lambda: pd.DataFrame(columns_of(BYTES)),
    "polars": lambda: polars_texts(BYTES, pl.Binary),
    "arrow": lambda: arrow(columns_of(BYTES)),
    "arrow large": lambda: arrow(columns_of(BYTES), pa.large_binary()),
}

ALL_CODES = {"categorical_features": [0, 1, 2]}
FAMILIES: dict[str, tuple[dict[str, Build], dict[str, Any], tuple[str, ...]]] = {
    "floats": (FLOAT_CONTAINERS, {}, ("numeric",) * 4),
    "whole numbers": (WHOLE_CONTAINERS, {}, ("numeric",) * 3),
    "missing": (MISSING_CONTAINERS, {}, ("numeric",) * 3),
    "texts": (TEXT_CONTAINERS, {}, ("categorical",) * 3),
    "texts of one width": (FIXED_TEXT_CONTAINERS, {}, ("categorical",) * 3),
    "coded categories": (CODE_CONTAINERS, ALL_CODES, ("categorical",) * 3),
    "booleans": (TRUTH_CONTAINERS, {}, ("boolean",) * 3),
    "booleans, some missing": (HOLEY_TRUTH_CONTAINERS, {}, ("boolean",) * 3),
    "times": (TIME_CONTAINERS, {}, ("datetime",) * 2),
    "times with zone": (ZONED_CONTAINERS, {}, ("datetime",) * 2),
    "days": (DAY_CONTAINERS, {}, ("datetime",) * 2),
    "spans of time": (SPAN_CONTAINERS, {}, ("numeric",) * 2),
    "bytes": (BYTES_CONTAINERS, {}, ("categorical",) * 2),
}
CASES = [
    pytest.param(family, name, id=f"{family}: {name}")
    for family, (containers, _, _) in FAMILIES.items()
    for name in containers
]


@pytest.mark.parametrize(("family", "name"), CASES)
def test_every_container_of_the_same_values_gives_one_grid_and_one_count(
    family, name, assert_same_counts
):
    containers, settings, kinds = FAMILIES[family]
    first = next(iter(containers.values()))()
    X = containers[name]()
    expected_grid = Grid.learn(first, **settings)
    grid = Grid.learn(X, **settings)
    assert grid.kinds == expected_grid.kinds == kinds
    assert grid.fingerprint() == expected_grid.fingerprint()
    expected = Profile.count(first, expected_grid)
    assert_same_counts(Profile.count(X, grid), expected)
    assert_same_counts(Profile.count(X, expected_grid), expected)
    assert_same_counts(Profile.count(first, grid), expected)


@pytest.mark.parametrize(("family", "name"), CASES)
def test_the_levels_of_a_column_are_the_counts_of_its_keys(family, name):
    table = read_table(FAMILIES[family][0][name]())
    for position in range(table.n_features):
        column = table.column(position)
        counts = Counter(column.keys())
        levels = column.levels()
        assert len(list(column.keys())) == table.n_rows
        assert counts.pop(None, 0) == levels.n_missing
        assert counts == levels.counts


def contents(X: Any) -> list[bytes]:
    """All the data in a container, without what the library caches beside it."""
    if isinstance(X, pd.DataFrame):
        cells = [X.iloc[:, j].to_list() for j in range(X.shape[1])]
        return [pickle.dumps((cells, list(X.index), list(X.columns), str(X.dtypes)))]
    if sp.issparse(X) and X.format in ("csr", "csc", "bsr"):
        return [array.tobytes() for array in (X.data, X.indices, X.indptr)]
    return [pickle.dumps(X)]


@pytest.mark.parametrize(("family", "name"), CASES)
def test_reading_changes_no_bit_of_the_input(family, name):
    containers, settings, _ = FAMILIES[family]
    X = containers[name]()
    before = contents(X)
    Profile.count(X, Grid.learn(X, **settings))
    assert contents(X) == before


def test_a_memory_map_is_read_like_an_array(tmp_path, assert_same_counts):
    mapped = memmapped(FLOATS, tmp_path)
    grid = Grid.learn(mapped)
    assert grid.fingerprint() == Grid.learn(FLOATS).fingerprint()
    assert_same_counts(Profile.count(mapped, grid), Profile.count(FLOATS, grid))
    np.testing.assert_array_equal(mapped, FLOATS)


def test_float16_is_read_as_float64(assert_same_counts):
    half = FLOATS.astype(np.float16)
    grid = Grid.learn(half)
    assert grid.fingerprint() == Grid.learn(half.astype(np.float64)).fingerprint()
    assert_same_counts(
        Profile.count(half, grid), Profile.count(half.astype(np.float64), grid)
    )


def test_a_mask_hides_what_is_under_it():
    values = np.ma.masked_array([[1.0], [1e9], [2.0]], [[False], [True], [False]])
    profile = Profile.count(values, Grid.learn(values))
    assert profile.n_missing.tolist() == [1]
    assert profile.largest.tolist() == [2.0]


def test_a_sparse_table_is_never_made_dense():
    wide = sp.random_array((2_000_000, 40), density=1e-6, format="csc")
    tracemalloc.start()
    profile = Profile.count(wide, Grid.learn(wide))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert profile.n_finite().tolist() == [2_000_000] * 40
    assert peak < 4_000_000  # one dense column of bytes would take half of that


def test_null_columns_of_all_libraries_are_empty():
    for X in (
        pl.DataFrame({"x0": [None, None]}),
        pa.table({"x0": pa.nulls(2)}),
        pd.DataFrame({"x0": pd.Series([None, None], dtype=object)}),
        pd.DataFrame({"x0": pd.Series([pd.NA, pd.NA], dtype="string")}),
        [[None], [None]],
        np.full((2, 1), np.nan),
        pd.DataFrame({"x0": pd.to_datetime([None, None])}),
    ):
        grid = Grid.learn(X)
        assert grid.kinds == ("empty",)
        profile = Profile.count(X, grid)
        assert profile.n_missing.tolist() == [2]
        assert profile.n_read.tolist() == [2]


def test_naive_and_aware_times_are_compared_but_differ_in_type():
    grid = Grid.learn(ZONED)
    naive = Profile.count(pd.DataFrame(columns_of(TIMES)), grid)
    assert grid.families == ("datetime with zone",) * 2
    assert naive.families == ("datetime",) * 2
    np.testing.assert_array_equal(naive.counts[0], Profile.count(ZONED, grid).counts[0])


def test_the_years_1_and_9999_do_not_overflow():
    times = [dt.datetime(1, 1, 1), dt.datetime(9999, 12, 31), dt.datetime(2020, 1, 1)]
    zone = dt.timezone(dt.timedelta(hours=14))
    for X in (
        [[time] for time in times],
        pl.DataFrame({"x0": times}),
        np.array(times, dtype="M8[s]").reshape(-1, 1),
        [[time.replace(tzinfo=zone)] for time in times],
    ):
        profile = Profile.count(X, Grid.learn(X))
        assert profile.smallest[0] < -6.2e16
        assert profile.largest[0] > 2.5e17
        assert profile.counts[0].sum() == 3
