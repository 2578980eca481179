"""Edited tables: what each container and each type becomes."""

from __future__ import annotations

import datetime as dt
import decimal
import warnings

import narwhals
import narwhals.stable.v2 as nw
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
import scipy.sparse as sp

from skdrift._core.frame_edit import EditedColumn, NewColumn, rebuild_table
from skdrift._core.frame_edit_arrow import rebuild_other
from skdrift.exceptions import InputError

FIRST = np.array([0])
NOON = np.datetime64("2021-01-01T12:00:00", "us")
NANOSECOND = pd.Timestamp("2020-01-01") + pd.Timedelta(1, "ns")


def edited(X, value, rows=FIRST):
    return rebuild_table(X, [EditedColumn(0, np.asarray(rows), value)])


def same(found, expected):
    """Equality under which missing values equal those of their type."""
    assert list(map(type, found)) == list(map(type, expected))
    assert all(
        a is b or a == b or (a != a and b != b)
        for a, b in zip(found, expected, strict=True)
    )


NAN, HUGE = float("nan"), 2**53 + 1


@pytest.mark.parametrize(
    ("dtype", "cells", "value", "result", "first"),
    [
        ("i8", [1, 2], None, "f8", NAN),
        ("i8", [1, 2], np.datetime64("NaT"), "f8", NAN),
        ("i8", [1, HUGE], None, "O", NAN),
        ("i8", [HUGE, 2], None, "f8", NAN),
        ("i4", [1, 2], None, "f8", NAN),
        ("i8", [1, 2], 3.0, "i8", 3),
        ("i8", [1, 2], 2.5, "f8", 2.5),
        ("i8", [1, HUGE], 2.5, "O", 2.5),
        ("i8", [1, 2], decimal.Decimal("2.5"), "f8", 2.5),
        ("i1", [1, 2], 300, "i8", 300),
        ("i1", [1, 2], 300.0, "i8", 300),
        ("u8", [1, 2], -1, "i8", -1),
        ("u8", [1, 2**63], -1, "O", -1),
        ("i8", [1, 2], 2**63, "u8", 2**63),
        ("i8", [1, -2], 2**63, "O", 2**63),
        ("i8", [1, 2], 2**64, "O", 2**64),
        ("i8", [1, 2], 1e300, "f8", 1e300),
        ("i8", [1, 2], float("inf"), "f8", float("inf")),
        ("i8", [1, 2], True, "i8", 1),
        ("i8", [1, 2], "x", "O", "x"),
        (">i4", [1, 2], 3, ">i4", 3),
        ("?", [True, False], None, "f8", NAN),
        ("?", [True, False], False, "?", False),
        ("?", [True, False], 0.0, "?", False),
        ("?", [True, False], 3, "i8", 3),
        ("?", [True, False], 2.5, "f8", 2.5),
        ("?", [True, False], "x", "O", "x"),
        ("f4", [1.0, 2.0], None, "f4", NAN),
        ("f4", [1.0, 2.0], 0.1, "f4", float(np.float32(0.1))),
        ("f4", [1.0, 2.0], 1e300, "f8", 1e300),
        ("f2", [1.0, 2.0], 1e5, "f8", 1e5),
        ("f4", [1.0, 2.0], float("-inf"), "f4", float("-inf")),
        ("f8", [1.0, 2.0], 10**400, "O", 10**400),
        ("f8", [1.0, 2.0], "x", "O", "x"),
        ("f8", [1.0, 2.0], NOON, "O", NOON),
        ("U2", ["a", "b"], None, "O", None),
        ("U2", ["a", "b"], NAN, "O", None),
        ("U2", ["a", "b"], "c", "U2", "c"),
        ("U2", ["a", "b"], "long", "U4", "long"),
        ("U2", ["a", "b"], "z\0", "O", "z\0"),
        ("U2", ["a", "b"], 3, "O", 3),
        ("S2", [b"a", b"b"], b"xyz", "S3", b"xyz"),
        ("S2", [b"a", b"b"], "x", "O", "x"),
        ("O", ["a", 1], None, "O", None),
        ("O", ["a", 1], NAN, "O", NAN),
        ("O", ["a", 1], pd.NA, "O", None),
        ("O", ["a", 1], pd.NaT, "O", None),
        ("O", ["a", 1], 2.5, "O", 2.5),
    ],
)
def test_an_array_takes_the_narrowest_type_that_holds_everything(
    dtype, cells, value, result, first
):
    X = np.array([cells], dtype=dtype).T
    found = edited(X, value)
    assert found.dtype == np.dtype(result)
    expected = X.astype(result).T.tolist()[0][1:] if result != "O" else cells[1:]
    same(found.T.tolist()[0], [first, *expected])


@pytest.mark.parametrize(
    ("dtype", "value", "result"),
    [
        ("M8[s]", None, "M8[s]"),
        ("M8[s]", dt.datetime(2021, 1, 1, 12), "M8[s]"),
        ("M8[D]", dt.date(2021, 1, 1), "M8[D]"),
        ("M8[D]", NOON, "M8[us]"),
        ("M8[Y]", NOON, "M8[us]"),
        ("M8[s]", np.datetime64("2021-01-01T12:00:00.000000001", "ns"), "M8[ns]"),
        ("M8[s]", NANOSECOND, "M8[ns]"),
        ("M8[ns]", np.datetime64("9000-01-01", "s"), "M8[s]"),
        ("m8[s]", dt.timedelta(seconds=3), "m8[s]"),
        ("m8[s]", dt.timedelta(microseconds=3), "m8[us]"),
        ("m8[s]", pd.NaT, "m8[s]"),
    ],
)
def test_times_keep_their_unit_or_take_a_finer_one(dtype, value, result):
    X = np.array([["1970-01-01"], ["2020-01-01"]], dtype=dtype.replace("m8", "M8"))
    X = X.astype("i8").view(dtype)
    found = edited(X, value)
    assert found.dtype == np.dtype(result)
    assert found[1, 0] == X[1, 0]
    if value is None or value is pd.NaT:
        assert np.isnat(found[0, 0])
    else:
        kind = pd.Timestamp if "M" in dtype else pd.Timedelta
        assert kind(found[0, 0]) == kind(value)


@pytest.mark.parametrize("value", ["x", 3, dt.timedelta(3)])
def test_instants_beside_other_values_stay_instants(value):
    X = np.array([["2020-01-01"], ["2021-01-01"]], dtype="M8[ns]")
    found = edited(X, value)
    assert found.dtype == object
    assert found[0, 0] == value
    assert found[1, 0] == X[1, 0]
    assert isinstance(found[1, 0], np.datetime64)


def test_a_zone_is_taken_into_account():
    away = dt.timezone(dt.timedelta(hours=-3, minutes=-30))
    value = dt.datetime(2021, 1, 1, 8, 30, tzinfo=away)
    for X in (
        np.zeros((2, 1), dtype="M8[us]"),
        pd.DataFrame({"a": np.zeros(2, dtype="M8[us]")}),
        pl.DataFrame({"a": [dt.datetime(2020, 1, 1)] * 2}),
    ):
        found = edited(X, value)
        first = found[0, 0] if isinstance(found, np.ndarray) else found["a"][0]
        assert pd.Timestamp(first) == pd.Timestamp(NOON)
    zoned = pd.DataFrame(
        {"a": pd.to_datetime(["2020", "2020"]).tz_localize("Asia/Tokyo")}
    )
    for given in (value, NOON, pd.Timestamp(value)):
        assert edited(zoned, given)["a"][0] == value
        assert edited(zoned, given).dtypes.tolist() == zoned.dtypes.tolist()


@pytest.mark.parametrize(
    ("dtype", "values", "result"),
    [
        ("f4", np.array([True, False]), "f4"),
        ("i8", np.array([True, False]), "i8"),
        ("i8", np.array([1.0, 2.0]), "i8"),
        ("i8", np.array([1.5, np.nan]), "f8"),
        ("?", np.array([True, False]), "?"),
        ("U1", np.array([True, False]), "O"),
        ("O", np.array([True, False]), "O"),
        ("f8", np.array(["a", None], dtype=object), "O"),
        ("U1", np.array(["a", "bcd"], dtype=object), "U3"),
        ("f8", np.array(["2020", "2021"], dtype="M8[D]"), "O"),
    ],
)
def test_a_new_column_joins_the_type_of_an_array(dtype, values, result):
    X = np.ones((2, 3), dtype=dtype)
    found = rebuild_table(X, [2, NewColumn("new", values), 0])
    assert found.dtype == np.dtype(result)
    expected = np.array(values).astype(found.dtype).tolist()
    same(found[:, 1].tolist(), list(values) if values.dtype.kind == "M" else expected)
    assert found[:, [0, 2]].tolist() == X[:, [2, 0]].tolist()


def test_huge_integers_do_not_pass_through_a_float():
    X = np.array([[1, 2], [3, 4]])
    plan = [EditedColumn(0, FIRST, HUGE), EditedColumn(1, FIRST, None)]
    found = rebuild_table(X, plan)
    assert found[0, 0] == HUGE
    assert found.dtype == object
    assert rebuild_table(X, plan[::-1])[0, 1] == HUGE


def test_masked_arrays_stay_masked_and_keep_their_type():
    X = np.ma.MaskedArray([[1, 2], [3, 4]], mask=[[0, 1], [0, 0]], fill_value=7)
    plan = [
        EditedColumn(1, np.array([0, 1]), [5, None]),
        EditedColumn(0, FIRST, np.nan),
        NewColumn("n", np.array([True, False])),
    ]
    found = rebuild_table(X, plan)
    assert found.dtype == X.dtype
    assert found.fill_value == 7
    assert found.tolist() == [[5, None, 1], [None, 3, 0]]
    assert X.tolist() == [[1, None], [3, 4]]
    floats = edited(np.ma.MaskedArray([[1.0], [2.0]]), None)
    assert np.isnan(np.asarray(floats.data)[0, 0])
    plain = np.ma.MaskedArray([[1.0], [2.0]])
    assert edited(plain, 3.0).mask is np.ma.nomask


def test_lists_become_numbers_if_all_cells_are():
    found = rebuild_table([[1, True], [2.5, False]], [0, 1])
    assert found.dtype == np.float64
    assert rebuild_table([[1, True], [2, False]], [0, 1]).dtype == np.int64
    for X in ([[1, None]], [["a", "b"]], ((1, "a"),), [[NOON, 2]]):
        found = rebuild_table(X, [1, 0])
        assert found.dtype == object
        assert found.tolist() == [list(row)[::-1] for row in X]
    arrays = [np.array([1.0, 2.0]), np.array([3.0, 4.0])]
    assert rebuild_table(arrays, [1]).tolist() == [[2.0], [4.0]]


def test_objects_that_are_arrays_become_arrays():
    class Lent:
        def __array__(self, dtype=None, copy=None):
            return np.array([[1.0, 2.0]])

    assert edited(Lent(), 5.0).tolist() == [[5.0]]


@pytest.mark.parametrize("order", ["C", "F"])
def test_an_array_keeps_its_order_and_is_not_shared(order):
    X = np.asarray(np.arange(12.0).reshape(4, 3), order=order)
    X.flags.writeable = False
    found = rebuild_table(X, [0, EditedColumn(1, np.array([1, 3]), -1.0), 2])
    assert found.flags[f"{order}_CONTIGUOUS"]
    assert found.flags.writeable
    assert not np.shares_memory(found, X)
    assert found.tolist() == [[0, 1, 2], [3, -1, 5], [6, 7, 8], [9, -1, 11]]


NO_CHANGE = [0, EditedColumn(1, np.array([], dtype=int), "never written")]


@pytest.mark.parametrize(
    "X",
    [
        np.ones((2, 2)),
        sp.csr_matrix(np.eye(2)),
        pd.DataFrame({"a": [1, 2], "b": [1.5, 2.5]}),
        pl.DataFrame({"a": [1, 2], "b": [1.5, 2.5]}),
        pa.table({"a": [1, 2], "b": [1.5, 2.5]}),
    ],
    ids=lambda X: type(X).__name__,
)
def test_an_edit_of_no_rows_changes_nothing(X):
    found = rebuild_table(X, NO_CHANGE)
    assert type(found) is type(X)
    if sp.issparse(X):
        assert (found != X).nnz == 0
    elif isinstance(X, np.ndarray):
        assert np.array_equal(found, X)
    else:
        assert found.equals(X)


@pytest.mark.parametrize(
    ("dtype", "cells", "value", "result", "first"),
    [
        ("int64", [1, 2], None, "float64", NAN),
        ("int64", [1, HUGE], None, "object", NAN),
        ("int64", [1, 2], 3.0, "int64", 3),
        ("int64", [1, 2], 2.5, "float64", 2.5),
        ("int64", [1, 2], "x", "object", "x"),
        ("bool", [True, False], None, "object", None),
        ("bool", [True, False], 0, "bool", False),
        ("bool", [True, False], 3, "object", 3),
        ("float32", [1.0, 2.0], NAN, "float32", NAN),
        ("float64", [1.0, 2.0], "x", "object", "x"),
        ("object", ["a", 1], None, "object", None),
        ("object", ["a", 1], NAN, "object", NAN),
        ("object", ["a", 1], NOON, "object", pd.Timestamp(NOON)),
        ("Int64", [1, None], None, "Int64", pd.NA),
        ("Int64", [1, None], 2.5, "Float64", 2.5),
        ("Int64", [1, None], "x", "object", "x"),
        ("Int8", [1, None], 300, "Int64", 300),
        ("Float32", [1.0, None], NAN, "Float32", pd.NA),
        ("boolean", [True, None], None, "boolean", pd.NA),
        ("boolean", [True, None], False, "boolean", False),
        ("string", ["a", None], None, "string", pd.NA),
        ("string", ["a", None], "b", "string", "b"),
        ("string", ["a", None], 3, "object", 3),
        ("string", ["a", "b"], "\ud800", "object", "\ud800"),
        ("int64[pyarrow]", [1, None], None, "int64[pyarrow]", pd.NA),
        ("int64[pyarrow]", [1, None], 2.5, "double[pyarrow]", 2.5),
        ("int64[pyarrow]", [1, None], "x", "object", "x"),
        ("category", ["a", "b"], None, "category", NAN),
        ("datetime64[s]", ["2020", "2020"], None, "datetime64[s]", pd.NaT),
        ("datetime64[s]", ["2020", "2020"], NOON, "datetime64[s]", pd.Timestamp(NOON)),
        ("datetime64[ns]", ["2020", "2020"], "x", "object", "x"),
        ("datetime64[s]", ["2020", "2020"], NANOSECOND, "datetime64[ns]", NANOSECOND),
        (
            "timedelta64[s]",
            [1, 2],
            dt.timedelta(1),
            "timedelta64[s]",
            pd.Timedelta("1D"),
        ),
        ("period[M]", ["2020-01", "2020-02"], None, "period[M]", pd.NaT),
    ],
)
def test_a_pandas_column_keeps_its_type_if_it_can(dtype, cells, value, result, first):
    X = pd.DataFrame({"a": pd.Series(cells).astype(dtype), "b": [1, 2]})
    found = rebuild_table(X, [1, EditedColumn(0, FIRST, value)])
    assert found["a"].dtype == result
    assert found["b"].dtype == X["b"].dtype
    same(found["a"].tolist()[:1], [first])
    rest = found["a"].tolist()[1]
    assert rest is X["a"].tolist()[1] or rest == X["a"].tolist()[1]


def test_texts_of_pandas_take_its_own_missing_value():
    X = pd.DataFrame({"a": ["x", "y"]})
    found = edited(X, None)
    assert found["a"].dtype == X["a"].dtype
    assert pd.isna(found["a"][0])


@pytest.mark.parametrize("value", [None, "x"])
def test_a_type_of_an_extension_gives_way_to_objects(value):
    X = pd.DataFrame({"a": pd.interval_range(0, 2)})
    found = edited(X, value)["a"]
    assert found.dtype == object
    assert found[0] == value or pd.isna(found[0])
    assert found[1] == pd.Interval(1, 2)


def test_an_instant_beyond_what_pandas_counts_is_written_as_it_is():
    far = np.datetime64(10**12, "Y")
    found = edited(pd.DataFrame({"a": ["x", "y"]}), far)
    assert found["a"].tolist() == [far, "y"]


def test_times_that_no_unit_holds_together_are_objects():
    far, fine = np.datetime64(10**15, "s"), np.datetime64(1, "ns")
    X = np.zeros((2, 1), dtype="M8[s]")
    found = edited(X, [far, fine], [0, 1])
    assert found.dtype == object
    assert found.ravel().tolist() == [far, fine]
    years = np.array([[1], [2]], dtype="m8[Y]")
    assert edited(years, dt.timedelta(microseconds=3)).dtype == object


@pytest.mark.parametrize("ordered", [False, True])
def test_an_unknown_category_is_added_at_the_end(ordered):
    kind = pd.CategoricalDtype(["z", "a", "unused"], ordered=ordered)
    X = pd.DataFrame({"a": pd.Series(["a", "z", None], dtype=kind)})
    found = edited(X, ["new", "a", "new"], [0, 1, 2])["a"]
    assert found.tolist() == ["new", "a", "new"]
    assert found.cat.categories.tolist() == ["z", "a", "unused", "new"]
    assert found.cat.ordered == ordered
    assert edited(X, "z")["a"].dtype == kind
    assert X["a"].dtype == kind


@pytest.mark.parametrize(
    ("categories", "value", "result"),
    [
        ([1, 2], 1.0, [1, 2]),
        ([1, 2], 3, [1, 2, 3]),
        ([1, 2], "x", [1, 2, "x"]),
        ([1, 2], True, [1, 2]),
        (pd.to_datetime(["2020", "2021"]), NOON, None),
        (pd.to_datetime(["2020", "2021"]).tz_localize("Asia/Tokyo"), NOON, None),
        (pd.interval_range(0, 2), "x", None),
        (pd.Index(["a", "b"], dtype=object), "x", ["a", "b", "x"]),
    ],
)
def test_categories_may_be_anything(categories, value, result):
    X = pd.DataFrame({"a": pd.Categorical(list(categories), categories=categories)})
    found = edited(X, value)["a"]
    if result is not None:
        assert found.cat.categories.tolist() == result
    if value is NOON:
        assert found.cat.categories.dtype.kind == "M"
        zone = getattr(categories, "tz", None)
        assert found[0] == pd.Timestamp(NOON, tz=zone and "UTC")
    else:
        assert found[0] == value
    assert found[1] == X["a"][1]


def test_sparse_columns_stay_sparse():
    X = pd.DataFrame({"a": pd.arrays.SparseArray([0, 0, 3], fill_value=0)})
    assert edited(X, 5)["a"].dtype == pd.SparseDtype("int64", 0)
    assert edited(X, 2.5)["a"].dtype == pd.SparseDtype("float64", 0)
    assert edited(X, None)["a"].tolist()[1:] == [0, 3]
    assert edited(X, "x")["a"].tolist() == ["x", 0, 3]
    assert isinstance(edited(X, "x")["a"].dtype, pd.SparseDtype)


@pytest.mark.parametrize("n_rows", [3, 5_000])
@pytest.mark.parametrize(
    "index",
    [
        lambda n: pd.Index([1] * n, name="i"),
        lambda n: pd.MultiIndex.from_tuples([("a", j // 2) for j in range(n)]),
        lambda n: pd.date_range("2020", periods=n, freq="D"),
        lambda n: pd.RangeIndex(5, 5 + n),
    ],
    ids=["same", "nested", "dates", "range"],
)
def test_rows_of_pandas_keep_their_labels(index, n_rows):
    X = pd.DataFrame(
        {f"c{j}": np.arange(n_rows) + j for j in range(8)}, index=index(n_rows)
    )
    X.attrs, X.columns.name = {"from": ["somewhere"]}, "features"
    text = np.full(n_rows, "t", dtype=object)
    plan = [5, EditedColumn(2, FIRST, "x"), 0, NewColumn("new", text), 1]
    found = rebuild_table(X, plan)
    pd.testing.assert_index_equal(found.index, X.index)
    assert found.attrs == X.attrs
    assert found.columns.tolist() == ["c5", "c2", "c0", "new", "c1"]
    assert found.columns.name == "features"
    assert found["c5"].equals(X["c5"])
    assert found["c2"].tolist() == ["x", *X["c2"].tolist()[1:]]
    assert found["new"].tolist() == text.tolist()
    found.attrs["from"].append("elsewhere")
    assert X.attrs == {"from": ["somewhere"]}


@pytest.mark.parametrize("names", [[3, 1], [2.5, 0.5], [pd.Timestamp("2020"), 0]])
def test_columns_of_pandas_may_have_names_that_are_no_texts(names):
    X = pd.DataFrame([[1, 2], [3, 4]], columns=pd.Index(names, dtype=object))
    found = rebuild_table(X, [1, EditedColumn(0, FIRST, 9)])
    assert found.columns.tolist() == names[::-1]
    assert found.to_numpy().tolist() == [[2, 9], [4, 3]]
    found = rebuild_table(X, [1, NewColumn("new", np.array([5, 6]))])
    assert found.columns.tolist() == [names[1], "new"]


def test_a_subclass_of_a_pandas_frame_stays_one():
    class Special(pd.DataFrame):
        @property
        def _constructor(self):
            return Special

    X = Special({f"c{j}": np.arange(3_000) for j in range(10)})
    assert type(rebuild_table(X, [3, EditedColumn(0, FIRST, 1)])) is Special


@pytest.mark.parametrize("n_rows", [2, 5_000])
def test_wide_pandas_frames_are_not_fragmented(n_rows):
    X = pd.DataFrame(np.zeros((n_rows, 150)), columns=[f"c{j}" for j in range(150)])
    plans = [
        [EditedColumn(j, FIRST, 1.0) for j in range(150)],
        [*range(150), *(NewColumn(f"n{j}", np.ones(n_rows)) for j in range(150))],
        list(range(149, 0, -1)),
    ]
    for plan in plans:
        found = rebuild_table(X, plan)
        found["later"] = 1
    assert not X.to_numpy().any()


def test_columns_that_are_not_edited_are_not_copied():
    X = pd.DataFrame({f"c{j}": np.arange(9_000.0) for j in range(5)})
    for plan in (
        [0, 1, EditedColumn(2, FIRST, 5.0), 3, 4],
        [4, EditedColumn(2, FIRST, 5.0), 0, NewColumn("n", np.zeros(9_000))],
    ):
        found = rebuild_table(X, plan)
        assert np.shares_memory(found["c4"].to_numpy(), X["c4"].to_numpy())
        assert not np.shares_memory(found["c2"].to_numpy(), X["c2"].to_numpy())
        assert X["c2"][0] == 0.0


DAY = dt.date(2020, 1, 1)
START = dt.datetime(2020, 1, 1)
ONE = decimal.Decimal("1.25")
LATER = dt.datetime(2021, 1, 1, 12)


@pytest.mark.parametrize(
    ("dtype", "cells", "value", "result", "first"),
    [
        (pl.Int8, [1, 2], None, pl.Int8, None),
        (pl.Int8, [1, 2], 300, pl.Int64, 300),
        (pl.Int64, [1, 2], 3.0, pl.Int64, 3),
        (pl.Int64, [HUGE, 2], 2.5, pl.Float64, 2.5),
        (pl.Float32, [1.0, 2.0], NAN, pl.Float32, None),
        (pl.Float32, [1.0, 2.0], 1e300, pl.Float64, 1e300),
        (pl.Boolean, [True, False], None, pl.Boolean, None),
        (pl.Boolean, [True, False], 0.0, pl.Boolean, False),
        (pl.String, ["a", "b"], "c", pl.String, "c"),
        (pl.Categorical, ["a", "b"], "new", pl.Categorical, "new"),
        (pl.Categorical, ["a", "b"], None, pl.Categorical, None),
        (pl.Enum(["a", "b"]), ["a", "b"], "b", pl.Enum(["a", "b"]), "b"),
        (pl.Enum(["a", "b"]), ["a", "b"], None, pl.Enum(["a", "b"]), None),
        (pl.Enum(["a", "b"]), ["a", "b"], "new", pl.String, "new"),
        (pl.Date, [DAY, DAY], dt.date(2021, 1, 1), pl.Date, dt.date(2021, 1, 1)),
        (pl.Date, [DAY, DAY], NOON, pl.Datetime("us"), LATER),
        (pl.Datetime("ms"), [START, START], NOON, pl.Datetime("ms"), LATER),
        (pl.Duration("ms"), [dt.timedelta(1)] * 2, None, pl.Duration("ms"), None),
        (pl.Decimal(5, 2), [ONE, ONE], 2.5, pl.Decimal(5, 2), decimal.Decimal("2.50")),
        (
            pl.Decimal(5, 2),
            [ONE, ONE],
            0.125,
            pl.Decimal(5, 2),
            decimal.Decimal("0.12"),
        ),
        (pl.Null, [None, None], "x", pl.String, "x"),
        (pl.Null, [None, None], 3, pl.Int64, 3),
        (pl.Null, [None, None], True, pl.Boolean, True),
        (pl.Null, [None, None], 2.5, pl.Float64, 2.5),
        (pl.Null, [None, None], b"q", pl.Binary, b"q"),
        (pl.Null, [None, None], None, pl.Null, None),
        (pl.UInt64, [1, 2], -1, pl.Int64, -1),
        (pl.List(pl.Int64), [[1], [2]], None, pl.List(pl.Int64), None),
        (pl.Object, ["a", 1], 2.5, pl.Object, 2.5),
    ],
    ids=str,
)
def test_a_polars_column_keeps_its_type_if_it_can(dtype, cells, value, result, first):
    X = pl.DataFrame({"a": pl.Series(cells, dtype=dtype)})
    found = edited(X, value)["a"]
    assert found.dtype == result
    cells = found.to_list()
    assert cells[0] == first
    assert cells[1] == X["a"].to_list()[1] or result == pl.Datetime("us")


@pytest.mark.parametrize(
    ("kind", "cells", "value", "result", "first"),
    [
        (pa.int8(), [1, 2], None, pa.int8(), None),
        (pa.int8(), [1, 2], 300, pa.int64(), 300),
        (pa.int64(), [HUGE, 2], 2.5, pa.float64(), 2.5),
        (pa.float16(), np.ones(2, dtype="f2"), NAN, pa.float16(), None),
        (pa.bool_(), [True, False], None, pa.bool_(), None),
        (pa.large_string(), ["a", "b"], "c", pa.large_string(), "c"),
        (pa.binary(1), [b"a", b"b"], b"c", pa.binary(1), b"c"),
        (
            pa.date64(),
            [DAY, DAY],
            dt.date(2021, 1, 1),
            pa.date64(),
            dt.date(2021, 1, 1),
        ),
        (pa.date32(), [DAY, DAY], NOON, pa.timestamp("us"), LATER),
        (pa.timestamp("s"), [START, START], NOON, pa.timestamp("s"), LATER),
        (pa.decimal128(5, 2), [ONE, ONE], 2.5, None, decimal.Decimal("2.50")),
        (pa.null(), [None, None], NOON, pa.timestamp("us"), LATER),
        (pa.struct({"x": pa.int64()}), [{"x": 1}] * 2, None, None, None),
    ],
    ids=str,
)
def test_an_arrow_column_keeps_its_type_if_it_can(kind, cells, value, result, first):
    for X in (
        pa.table({"a": pa.array(cells, kind)}, metadata={"who": "me"}),
        pa.record_batch({"a": pa.array(cells, kind)}, metadata={"who": "me"}),
    ):
        found = edited(X, value)
        assert type(found) is type(X)
        assert found.schema.field("a").type == (result or kind)
        assert found["a"].to_pylist()[0] == first
        assert found["a"].to_pylist()[1] == X["a"].to_pylist()[1] or kind == pa.date32()
        assert found.schema.metadata == X.schema.metadata


def test_runs_stay_runs():
    runs = pa.RunEndEncodedArray.from_arrays(pa.array([2, 3], pa.int32()), [1, 2])
    for X in (pa.table({"a": runs}), pa.record_batch({"a": runs})):
        found = edited(X, 5, [1])
        assert found["a"].to_pylist() == [1, 5, 2]
        assert found.schema.equals(X.schema)


def test_a_dictionary_keeps_its_levels_and_their_order():
    chunks = [
        pa.array(cells).dictionary_encode() for cells in (["b", "a"], ["c", None])
    ]
    kind = pa.dictionary(pa.int8(), pa.string(), ordered=True)
    arrays = [
        pa.DictionaryArray.from_arrays(
            c.indices.cast("int8"), c.dictionary, ordered=True
        )
        for c in chunks
    ]
    X = pa.table({"a": pa.chunked_array(arrays)})
    found = edited(X, ["new", None], [1, 2])["a"]
    assert found.type == kind
    assert found.to_pylist() == ["b", "new", None, None]
    assert found.chunk(0).dictionary.to_pylist() == ["b", "a", "c", "new"]


def test_a_dictionary_of_more_levels_than_its_codes_count_gets_wider_codes():
    levels = [f"level {j}" for j in range(128)]
    kind = pa.dictionary(pa.int8(), pa.string())
    X = pa.table({"a": pa.array(levels).dictionary_encode().cast(kind)})
    found = edited(X, "new")["a"]
    assert found.to_pylist() == ["new", *levels[1:]]
    assert found.type == pa.dictionary(pa.int32(), pa.string())


def test_a_field_that_had_no_nulls_may_get_some():
    schema = pa.schema([pa.field("a", pa.int64(), nullable=False, metadata={"u": "m"})])
    X = pa.table({"a": [1, 2]}, schema=schema)
    assert not edited(X, 3).schema.field("a").nullable
    field = edited(X, None).schema.field("a")
    assert field.nullable
    assert field.metadata == {b"u": b"m"}


@pytest.mark.parametrize(
    "X",
    [
        pl.DataFrame({"amount": [1, 2]}),
        pa.table({"amount": [1, 2]}),
        pa.record_batch({"amount": [1, 2]}),
        nw.from_native(pl.DataFrame({"amount": [1, 2]})),
    ],
    ids=lambda X: type(X).__name__,
)
@pytest.mark.parametrize(
    "value",
    ["text", b"bytes", NOON, dt.timedelta(1), 2**70, object(), [[1]]],
    ids=lambda value: type(value).__name__,  # the same in every process
)
def test_what_does_not_belong_into_a_column_is_refused(X, value):
    with pytest.raises(
        InputError, match=r"'amount' of type [iI]nt64 cannot hold .*: give"
    ):
        edited(X, value)


@pytest.mark.parametrize(
    ("cells", "value"),
    [
        (["a", "b"], 3),
        (["a", "b"], "\ud800"),
        ([True, False], 3),
        ([ONE, ONE], 10**40),
        ([ONE, ONE], float("inf")),
        ([ONE, ONE], "x"),
        ([START, START], 3),
        ([b"a", b"b"], "x"),
        ([[1], [2]], 3),
        ([HUGE, HUGE], 2.5),
        ([dt.time(1), dt.time(2)], 3),
        ([None, None], "\ud800"),
        ([None, None], 2**70),
        ([None, None], [1, "x"]),
    ],
    ids=str,
)
def test_strict_columns_refuse_with_our_error(cells, value):
    for X in (pl.DataFrame({"a": cells}), pa.table({"a": cells})):
        with pytest.raises(InputError, match=r"column 'a' of type .* cannot hold"):
            edited(X, value, [0, 1] if isinstance(value, list) else FIRST)


def test_a_sparse_matrix_refuses_what_is_no_number():
    X = sp.csr_array(np.eye(3))
    with pytest.raises(InputError, match=r"column 'x0' of type float64 \(sparse\)"):
        edited(X, "x")
    with pytest.raises(InputError, match="column 'new' of type"):
        rebuild_table(X, [NewColumn("new", np.array(["a", "b", "c"], dtype=object))])


def test_a_sparse_matrix_is_never_dense_as_a_whole():
    shape = (100_000, 20_000)
    X = sp.csr_array(([1.0, 2.0], ([0, 5], [3, 19_999])), shape=shape)
    plan = [*range(3), EditedColumn(3, np.array([1]), np.nan), *range(4, 20_000)]
    found = rebuild_table(X, plan)
    assert found.shape == shape
    assert found[5, 19_999] == 2.0
    assert np.isnan(found[1, 3])
    assert found[0, 3] == 1.0


def test_sparse_numbers_keep_their_type_if_they_can():
    X = sp.csc_matrix(np.array([[1, 0], [0, 2]], dtype=np.int8))
    assert edited(X, 3).dtype == np.int8
    assert edited(X, None).dtype == np.float64
    assert edited(X, 2.5).toarray().tolist() == [[2.5], [0.0]]
    flags = sp.coo_array(np.array([[True], [False]]))
    assert edited(flags, False).dtype == bool
    assert edited(flags, 3).dtype == np.int64


@pytest.mark.parametrize("module", [narwhals, narwhals.stable.v1, nw])
def test_frames_of_narwhals_stay_in_their_wrapper(module):
    X = module.from_native(pd.DataFrame({"a": [1, 2]}, index=[5, 5]), eager_only=True)
    found = edited(X, 9)
    assert type(found) is type(X)
    assert found.to_native().index.tolist() == [5, 5]
    assert found["a"].to_list() == [9, 2]


@pytest.mark.parametrize("frame", [pd.DataFrame, pl.DataFrame, pa.table])
def test_a_frame_of_another_library_goes_by_way_of_arrow(frame):
    X = frame({"a": [1, 2], "b": ["x", "y"]})
    plan = [1, EditedColumn(0, FIRST, 9), NewColumn("n", np.array([True, False]))]
    found = rebuild_other(X, plan, None)
    assert type(found) is type(X)
    rows = nw.from_native(found, eager_only=True).rows()
    assert rows == [("x", 9, True), ("y", 2, False)]


FRAMES = [pd.DataFrame, pl.DataFrame, pa.table, pa.RecordBatch.from_pydict]


@pytest.mark.parametrize("frame", FRAMES)
def test_names_are_those_that_were_asked_for(frame):
    X = frame({"a": [1, 2], "b": [3, 4]})
    plan = [1, NewColumn("n", np.array([5, 6])), EditedColumn(0, FIRST, 9)]
    assert nw_names(rebuild_table(X, plan)) == ["b", "n", "a"]
    found = rebuild_table(X, plan, names=["x", "y", "z"])
    assert nw_names(found) == ["x", "y", "z"]
    assert nw_names(X) == ["a", "b"]
    assert nw_names(rebuild_table(X, [0, 1], names=["b", "a"])) == ["b", "a"]


def nw_names(frame):
    return list(frame.schema.names if hasattr(frame, "num_rows") else frame.columns)


@pytest.mark.parametrize("frame", FRAMES)
def test_names_must_be_unique(frame):
    X = frame({"a": [1, 2], "b": [3, 4]})
    new = NewColumn("a", np.array([1, 2]))
    for plan, names in (([0, 0], None), ([0, new], None), ([0, 1], ["q", "q"])):
        with pytest.raises(InputError, match=r"more than one of \['[aq]'\]"):
            rebuild_table(X, plan, names=names)
    with pytest.raises(InputError, match="one name for each of 2 columns, got 1"):
        rebuild_table(X, [0, 1], names=["q"])


@pytest.mark.parametrize("frame", FRAMES)
@pytest.mark.parametrize(
    "values",
    [
        np.array([True, False]),
        np.array([1, 2], dtype=np.int8),
        np.array([1.5, np.nan]),
        np.array(["a", None], dtype=object),
        np.array([None, None], dtype=object),
        np.array(["abc", "d"]),
        np.array(["2020-01-01", "NaT"], dtype="M8[D]"),
        np.array(["2020-01", "NaT"], dtype="M8[M]"),
        np.array(["2020-01-01T00", "NaT"], dtype="M8[h]"),
        np.array([1, 2], dtype="m8[h]"),
        np.array([b"a", None], dtype=object),
    ],
    ids=lambda values: str(values.dtype),
)
def test_new_columns_of_any_type_are_a_copy_of_their_values(frame, values):
    X = frame({"a": [1, 2]})
    given = values.copy()
    found = rebuild_table(X, [0, NewColumn("n", given)])
    given[:] = given[::-1].copy()
    column = found["n"]
    cells = column.to_pylist() if hasattr(column, "to_pylist") else list(column)
    for cell, value in zip(cells, values.tolist(), strict=True):
        if value is None or value != value:
            assert cell is None or pd.isna(cell)
        elif values.dtype.kind in "mM":
            kind = pd.Timestamp if values.dtype.kind == "M" else pd.Timedelta
            assert kind(cell) == kind(value)
        else:
            assert cell == value


def test_a_new_column_may_be_categorical():
    values = np.array(["b", None, "new"], dtype=object)
    new = NewColumn("n", values, categories=("b", "a"))
    levels = ["b", "a", "new"]
    found = rebuild_table(pd.DataFrame({"a": [1, 2, 3]}), [0, new])["n"]
    assert found.cat.categories.tolist() == levels
    assert found.isna().tolist() == [False, True, False]
    found = rebuild_table(pl.DataFrame({"a": [1, 2, 3]}), [0, new])["n"]
    assert found.dtype == pl.Enum(levels)
    assert found.to_list() == values.tolist()
    found = rebuild_table(pa.table({"a": [1, 2, 3]}), [0, new])["n"]
    assert found.chunk(0).dictionary.to_pylist() == levels
    assert found.to_pylist() == values.tolist()
    numbers = NewColumn("n", np.array([2, 1, 2]), categories=(1, 2))
    found = rebuild_table(pd.DataFrame({"a": [1, 2, 3]}), [0, numbers])["n"]
    assert found.cat.categories.tolist() == [1, 2]
    found = rebuild_table(pl.DataFrame({"a": [1, 2, 3]}), [0, numbers])["n"]
    assert found.dtype == pl.Int64
    found = rebuild_table(np.ones((3, 1)), [0, numbers])
    assert found[:, 1].tolist() == [2.0, 1.0, 2.0]


@pytest.mark.parametrize(
    "X", [np.ones((3, 1)), *(frame({"a": [1, 2, 3]}) for frame in FRAMES)]
)
@pytest.mark.parametrize("values", [[1, 2, 3], np.ones((2, 1)), np.array([1])], ids=str)
def test_there_must_be_one_value_for_each_cell(X, values):
    with pytest.raises(
        InputError, match="one value or 2 values are needed for 2 cells"
    ):
        edited(X, values, [0, 2])


def test_values_may_be_a_masked_array_or_a_scalar_of_any_kind():
    X = pd.DataFrame({"a": [1.0, 2.0, 3.0]})
    masked = np.ma.MaskedArray([5.0, 6.0], mask=[True, False])
    assert edited(X, masked, [0, 2])["a"].tolist()[1:] == [2.0, 6.0]
    assert pd.isna(edited(X, masked, [0, 2])["a"][0])
    for one in (
        np.float32(7),
        np.array(7.0),
        np.int8(7),
        decimal.Decimal(7),
        (7.0, 7.0),
    ):
        assert edited(X, one, [0, 2])["a"].tolist() == [7.0, 2.0, 7.0]


def test_old_and_new_columns_of_an_empty_table_are_there():
    new = NewColumn("n", np.array([], dtype=bool))
    edit = EditedColumn(0, np.array([], dtype=int), None)
    for X in (
        np.ones((0, 1)),
        pd.DataFrame({"a": pd.Series([], dtype="int64")}),
        pl.DataFrame({"a": pl.Series([], dtype=pl.Int64)}),
        pa.table({"a": pa.array([], pa.int64())}),
        pa.table({"a": pa.chunked_array([], pa.int64())}),
        sp.csr_array((0, 1)),
    ):
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            assert rebuild_table(X, [edit, new]).shape == (0, 2)
