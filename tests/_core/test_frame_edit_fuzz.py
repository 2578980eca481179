"""Random plans over every container, against cells as lists of Python objects."""

from __future__ import annotations

import datetime as dt
import decimal
import random

import narwhals.stable.v2 as nw
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
import scipy.sparse as sp

from skdrift._core.frame import read_table
from skdrift._core.frame_edit import EditedColumn, NewColumn, rebuild_table
from skdrift._core.keys import instant, is_missing, span
from skdrift.exceptions import InputError

N_CASES = 100
SPARSE_FORMATS = ("csr", "csc", "coo", "lil", "dok", "dia", "bsr")
FRAMES = ("pandas", "pandas objects", "polars", "table", "record batch", "narwhals")
CONTAINERS = (
    "array",
    "array by column",
    "masked array",
    "list of lists",
    *FRAMES,
    *(f"{name}_array" for name in SPARSE_FORMATS),
    *(f"{name}_matrix" for name in ("csr", "csc", "dok")),
)
ZONE = "Europe/Berlin"
EPOCH = dt.datetime(2020, 1, 1)


def draw_value(family, rng):
    """A value that every type of the family holds exactly."""
    if family == "boolean":
        return rng.random() < 0.5
    if family == "integer":
        return rng.randrange(0, 100)
    if family == "float":
        return rng.randrange(-200, 200) / 4
    if family == "text":
        return "".join(rng.choices("abcß雪 ", k=rng.randrange(1, 9)))
    if family == "datetime":
        return EPOCH + dt.timedelta(seconds=rng.randrange(10**7))
    if family == "duration":
        return dt.timedelta(seconds=rng.randrange(10**6))
    return bytes(rng.choices(b"xyz", k=3))


FAMILIES = ("boolean", "integer", "float", "text", "datetime", "duration", "bytes")
NUMBERS = {"boolean", "integer", "float"}

# For each library: types of a column, by the family of its values.
PANDAS_TYPES = {
    "boolean": [bool, "boolean", "bool[pyarrow]", object, pd.SparseDtype(bool, False)],
    "integer": [
        "int64",
        "int8",
        "uint16",
        "Int64",
        "UInt8",
        "int32[pyarrow]",
        "category",
        object,
        pd.SparseDtype("int64", 0),
    ],
    "float": [
        "float64",
        "float32",
        "Float64",
        "Float32",
        "double[pyarrow]",
        "category",
        object,
        pd.SparseDtype("float64"),
    ],
    "text": ["str", object, "string", "string[pyarrow]", "category"],
    "datetime": [
        "datetime64[ns]",
        "datetime64[us]",
        "datetime64[s]",
        pd.DatetimeTZDtype("us", ZONE),
        pd.DatetimeTZDtype("s", "UTC"),
        "category",
        object,
        pd.ArrowDtype(pa.timestamp("us", ZONE)),
    ],
    "duration": ["timedelta64[ns]", "timedelta64[s]", object, "duration[us][pyarrow]"],
    "bytes": [object, "binary[pyarrow]"],
}
POLARS_TYPES = {
    "boolean": [pl.Boolean],
    "integer": [pl.Int64, pl.Int8, pl.UInt16, pl.Decimal(10, 2)],
    "float": [pl.Float64, pl.Float32, pl.Decimal(12, 2)],
    "text": [pl.String, pl.Categorical],
    "datetime": [pl.Datetime("us"), pl.Datetime("ns"), pl.Datetime("ms", ZONE)],
    "duration": [pl.Duration("us"), pl.Duration("ms")],
    "bytes": [pl.Binary],
}
if hasattr(pl, "Int128"):
    POLARS_TYPES["integer"].append(pl.Int128)
ARROW_TYPES = {
    "boolean": [pa.bool_()],
    "integer": [pa.int64(), pa.int8(), pa.uint16(), pa.decimal128(10, 2)],
    "float": [pa.float64(), pa.float32(), pa.float16(), pa.decimal256(40, 2)],
    "text": [
        pa.string(),
        pa.large_string(),
        pa.string_view(),
        pa.dictionary(pa.int8(), pa.string()),
    ],
    "datetime": [
        pa.timestamp("us"),
        pa.timestamp("s"),
        pa.timestamp("ms", ZONE),
        pa.timestamp("ns"),
        pa.dictionary(pa.int32(), pa.timestamp("us")),
    ],
    "duration": [pa.duration("us"), pa.duration("s")],
    "bytes": [pa.binary(), pa.large_binary()],
}
ARRAY_TYPES = {
    "boolean": [bool, object],
    "integer": [np.int64, np.int8, np.uint8, np.uint64, ">i4", object],
    "float": [np.float64, np.float32, np.float16, ">f8", np.longdouble, object],
    "text": ["U9", object, np.dtypes.StringDType()],
    "datetime": ["M8[s]", "M8[us]", "M8[ns]", "M8[m]"],
    "duration": ["m8[s]", "m8[ns]"],
    "bytes": ["S3", object],
}


def in_cents(value):
    return decimal.Decimal(str(value)).quantize(decimal.Decimal("0.01"))


def canonical(cell):
    """What a cell is, whatever library it is in."""
    if is_missing(cell) or cell is np.ma.masked:
        return None
    if isinstance(cell, dt.date | np.datetime64):
        return ("instant", instant(cell))
    if isinstance(cell, dt.timedelta | np.timedelta64):
        return ("span", span(cell))
    if isinstance(cell, np.bool_ | bool):
        return int(cell)
    return cell.item() if isinstance(cell, np.generic) else cell


def cells_of_column(X, position):
    """Cells of one column of any container."""
    if isinstance(X, nw.DataFrame):
        X = nw.to_native(X)
    if sp.issparse(X):
        column = X.tocsc()[:, [position]].toarray().ravel().tolist()
    elif isinstance(X, np.ndarray):
        column = list(X[:, position])
    elif isinstance(X, list):
        column = [row[position] for row in X]
    elif isinstance(X, pd.DataFrame):
        column = X.iloc[:, position].tolist()
    elif isinstance(X, pl.DataFrame):
        column = X.to_series(position).to_list()
    else:
        column = X.column(position).to_pylist()
    return [canonical(cell) for cell in column]


class Case:
    """A table, a plan, and the cells that the result must have."""

    def __init__(self, container, seed):
        self.container = container
        self.rng = random.Random(f"{container} {seed}")
        self.n_rows = self.rng.choice([0, 1, 2, 3, 7, 20])
        self.n_columns = self.rng.randrange(1, 6)
        self.is_sparse = container.split("_")[0] in SPARSE_FORMATS
        self.is_array = "array" in container and not self.is_sparse
        self.families = self.draw_families()
        self.columns = [self.draw_column(family) for family in self.families]
        self.X = self.build()
        # Rounding of what was drawn (a text cut, a float narrowed) is not at issue.
        self.before = [cells_of_column(self.X, j) for j in range(self.n_columns)]
        self.plan, self.expected, self.writes = [], [], []
        self.draw_plan()

    def draw_families(self):
        pool = FAMILIES
        if self.is_sparse:
            pool = tuple(NUMBERS)
        if self.container == "list of lists" and self.rng.random() < 0.5:
            pool = tuple(NUMBERS)
        one = self.rng.choice(pool)
        if self.is_array or self.is_sparse:
            return [one] * self.n_columns
        return [self.rng.choice(pool) for _ in range(self.n_columns)]

    def draw_column(self, family):
        return [draw_value(family, self.rng) for _ in range(self.n_rows)]

    def build(self):
        container, rng = self.container, self.rng
        if container == "list of lists":
            self.n_rows = max(self.n_rows, 1)
            self.columns = [self.draw_column(family) for family in self.families]
            return [list(row) for row in zip(*self.columns, strict=True)]
        if self.is_array:
            return self.build_array(rng.choice(ARRAY_TYPES[self.families[0]]))
        if self.is_sparse:
            dtype = {"boolean": [bool], "integer": ["i8", "i1", "u1"]}
            dtype = rng.choice(dtype.get(self.families[0], ["f8", "f4"]))
            dense = np.array(self.columns, dtype=dtype).T
            dense[
                np.random.default_rng(rng.randrange(99)).random(dense.shape) < 0.6
            ] = 0
            if self.n_rows == 0:
                dense = np.zeros((0, self.n_columns), dtype=dtype)
            return getattr(sp, container)(dense)
        names = [f"c{j}" for j in range(self.n_columns)]
        if container.startswith("pandas"):
            return self.build_pandas(names, container == "pandas objects")
        if container in {"polars", "narwhals"}:
            frame = self.build_polars(names)
            return nw.from_native(frame) if container == "narwhals" else frame
        return self.build_arrow(names, container == "record batch")

    def build_array(self, dtype):
        objects = np.empty((self.n_rows, self.n_columns), dtype=object)
        for position, column in enumerate(self.columns):
            objects[:, position] = column
        values = objects.astype(dtype)
        if self.container == "array by column":
            values = np.asfortranarray(values)
        if self.container == "masked array":
            draws = np.random.default_rng(self.rng.randrange(99)).random(values.shape)
            mask = draws < 0.2 if self.rng.random() < 0.7 else np.ma.nomask
            values = np.ma.MaskedArray(values, mask=mask)
        return values

    def with_holes(self, column):
        holes = self.rng.random() < 0.4
        return [None if holes and self.rng.random() < 0.3 else cell for cell in column]

    def build_pandas(self, names, only_objects):
        series = {}
        for name, family, column in zip(
            names, self.families, self.columns, strict=True
        ):
            dtype = object if only_objects else self.rng.choice(PANDAS_TYPES[family])
            holed = column
            if not isinstance(pd.Series(dtype=dtype).dtype, np.dtype | pd.SparseDtype):
                holed = self.with_holes(column)
            if isinstance(dtype, pd.DatetimeTZDtype | pd.ArrowDtype):
                made = pd.to_datetime(pd.Series(holed, dtype="datetime64[us]"))
                made = made.dt.tz_localize("UTC").astype(dtype)
            else:
                made = pd.Series(holed, dtype=dtype)
            series[name] = made
        frame = pd.DataFrame(series)
        kind = self.rng.choice(["default", "same", "nested", "texts"])
        if kind == "same":
            frame.index = pd.Index([5] * len(frame))
        elif kind == "nested":
            pairs = [("a", row) for row in range(len(frame))]
            frame.index = pd.MultiIndex.from_tuples(pairs, names=["u", "v"])
        elif kind == "texts":
            frame.index = pd.Index([f"r{row}" for row in range(len(frame))], dtype=str)
        if self.rng.random() < 0.3:
            frame.columns = range(10, 10 + len(names))
        frame.attrs = {"source": "somewhere"}
        return frame

    def build_polars(self, names):
        series = []
        for name, family, column in zip(
            names, self.families, self.columns, strict=True
        ):
            dtype = self.rng.choice(POLARS_TYPES[family])
            if family == "text" and self.rng.random() < 0.3:
                dtype = pl.Enum(sorted(set(column)) or ["none"])
            holed = self.with_holes(column)
            if dtype == pl.Decimal:
                holed = [c if c is None else in_cents(c) for c in holed]
            if getattr(dtype, "time_zone", None):
                made = pl.Series(name, holed, dtype=pl.Datetime("us"))
                made = made.dt.replace_time_zone("UTC").cast(dtype)
            else:
                made = pl.Series(name, holed, dtype=dtype)
            series.append(made)
        return pl.DataFrame(series)

    def build_arrow(self, names, one_batch):
        arrays = []
        for family, column in zip(self.families, self.columns, strict=True):
            kind = self.rng.choice(ARROW_TYPES[family])
            holed = self.with_holes(column)
            if pa.types.is_decimal(kind):
                holed = [c if c is None else in_cents(c) for c in holed]
            if kind == pa.float16():
                holed = [c if c is None else np.float16(c) for c in holed]
            if pa.types.is_dictionary(kind):
                made = pa.array(holed, kind.value_type).dictionary_encode().cast(kind)
            else:
                made = pa.array(holed, kind)
            arrays.append(made)
        if one_batch:
            return pa.record_batch(arrays, names=names)
        cut = self.n_rows // 2
        chunked = [pa.chunked_array([a[:cut], a[cut:]], a.type) for a in arrays]
        return pa.table(chunked, names=names)

    def draw_plan(self):
        positions = list(range(self.n_columns))
        if self.rng.random() < 0.5:
            self.rng.shuffle(positions)
            positions = positions[: self.rng.randrange(1, self.n_columns + 1)]
        for position in positions:
            if self.rng.random() < 0.5:
                self.plan.append(position)
                self.expected.append(self.before[position])
            else:
                self.draw_edit(position)
        for number in range(self.rng.choice([0, 0, 1, 2])):
            self.draw_new(f"new{number}")

    def draw_edit(self, position):
        rng, family = self.rng, self.families[position]
        if rng.random() < 0.3:
            family = rng.choice(FAMILIES)
        chosen = [row for row in range(self.n_rows) if rng.random() < 0.4]
        values = [self.draw_or_missing(family) for _ in chosen]
        if rng.random() < 0.5:
            one = self.draw_or_missing(family)
            values, given = [one] * len(chosen), one
        else:
            given = self.in_some_form(values, family)
        cells = list(self.before[position])
        for row, value in zip(chosen, values, strict=True):
            cells[row] = canonical(value)
        self.plan.append(EditedColumn(position, np.array(chosen, dtype=int), given))
        self.expected.append(cells)
        present = [value for value in values if not is_missing(value)]
        self.writes += [(self.families[position], family, value) for value in present]

    def draw_or_missing(self, family):
        draw = self.rng.random()
        if draw < 0.25:
            return self.rng.choice([None, np.nan, np.datetime64("NaT"), pd.NaT, pd.NA])
        value = draw_value(family, self.rng)
        if draw < 0.5 and family == "datetime":
            return np.datetime64(value, "us")
        if draw < 0.7 and family == "datetime":
            return value.replace(tzinfo=dt.UTC).astimezone(
                dt.timezone(dt.timedelta(hours=5))
            )
        if draw < 0.5 and family == "duration":
            return np.timedelta64(value, "us")
        return value

    def in_some_form(self, values, family):
        plain = not any(map(is_missing, values)) and self.rng.random() < 0.6
        if not plain or family not in {"boolean", "integer", "float", "text"}:
            return values
        return np.array(values, dtype={"text": "U9"}.get(family))

    def draw_new(self, name):
        family = self.rng.choice(["boolean", "integer", "float", "text"])
        values = [draw_value(family, self.rng) for _ in range(self.n_rows)]
        categories = None
        if family == "text":
            if self.rng.random() < 0.5:
                values = [None if self.rng.random() < 0.3 else text for text in values]
            if self.rng.random() < 0.5:
                categories = tuple(sorted({v for v in values if v is not None}))
            array = np.array(values, dtype=object)
        else:
            kind = {"boolean": bool, "integer": np.int64, "float": np.float64}[family]
            array = np.array(values, dtype=kind)
        self.plan.append(NewColumn(name, array, categories))
        self.expected.append([canonical(value) for value in values])
        if self.is_sparse and len(array) and family == "text":
            present = [value for value in values if value is not None]
            self.writes += [("float", family, value) for value in present]

    @property
    def may_be_refused(self):
        """Whether a value does not belong into its column, for strict containers."""
        strict = self.is_sparse or self.container in {
            "polars",
            "narwhals",
            "table",
            "record batch",
        }
        if self.is_sparse:
            return any(family not in NUMBERS for _, family, _ in self.writes)
        return strict and not all(belongs(*write) for write in self.writes)


def belongs(family, value_family, value):
    if family == value_family:
        return True
    if family == "boolean":
        return value_family in NUMBERS and value in (0, 1)
    return family in NUMBERS and value_family in NUMBERS


def snapshot(X):
    """Everything of a table that an edit might change by mistake."""
    if sp.issparse(X):
        return X.toarray().tobytes()
    if isinstance(X, np.ma.MaskedArray):
        return repr((X.data.tolist(), X.mask.tolist()))
    if isinstance(X, np.ndarray | list):
        return repr(X.tolist() if isinstance(X, np.ndarray) else X)
    if isinstance(X, pd.DataFrame):
        return X.to_dict("tight"), X.dtypes.tolist(), X.attrs
    return (
        repr(nw.to_native(X, pass_through=True).to_pydict())
        if hasattr(X, "to_pydict")
        else repr(nw.from_native(X, eager_only=True).to_dict(as_series=False))
    )


@pytest.mark.parametrize("container", CONTAINERS)
def test_result_holds_the_cells_that_were_asked_for(container):
    n_written = n_refused = 0
    for seed in range(N_CASES):
        case = Case(container, seed)
        before = snapshot(case.X)
        try:
            result = rebuild_table(case.X, case.plan)
        except InputError:
            assert case.may_be_refused, seed
            n_refused += 1
            continue
        finally:
            assert repr(snapshot(case.X)) == repr(before), seed
        assert not case.may_be_refused, seed
        n_written += 1
        assert result.shape == (case.n_rows, len(case.plan)), seed
        found = [cells_of_column(result, j) for j in range(len(case.plan))]
        assert found == case.expected, (seed, case.X, case.plan, result)
        kind = np.ndarray if container == "list of lists" else type(case.X)
        assert type(result) is kind, seed
        read_table(nw.to_native(result, pass_through=True), strict=False)
        check_frame(case, result, seed)
    assert n_written > N_CASES // 3


def check_frame(case, result, seed):
    """Untouched columns keep their type, rows their labels."""
    if case.is_sparse:
        assert result.format == case.X.format, seed
    if case.container not in FRAMES:
        return
    old, new = (nw.to_native(X, pass_through=True) for X in (case.X, result))
    for place, item in enumerate(case.plan):
        if isinstance(item, int) or (
            isinstance(item, EditedColumn) and not len(item.rows)
        ):
            position = item if isinstance(item, int) else item.position
            assert column_type(new, place) == column_type(old, position), seed
    if isinstance(old, pd.DataFrame):
        pd.testing.assert_index_equal(new.index, old.index)
        assert new.attrs == old.attrs


def column_type(frame, position):
    if isinstance(frame, pd.DataFrame):
        return frame.dtypes.iloc[position]
    if isinstance(frame, pl.DataFrame):
        return frame.dtypes[position]
    return frame.schema.field(position).type
