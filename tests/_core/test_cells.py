"""Cells of Python objects, and the keys that name their levels."""

from __future__ import annotations

import datetime as dt
import decimal
import enum
import json
import re

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skdrift._core.cells import array_column, object_column
from skdrift._core.columns import CodedColumn, TextColumn
from skdrift._core.keys import (
    boolean_key,
    display_key,
    is_missing,
    key_number,
    number_key,
    text_key,
    value_key,
)


def column_of(*cells, label="a"):
    array = np.empty(len(cells), dtype=object)
    array[:] = cells
    return object_column(array, label)


def counts_of(*cells):
    levels = column_of(*cells).levels()
    return {display_key(key): n for key, n in levels.counts.items()}, levels.n_missing


def test_1_and_1_point_0_are_one_level_true_another_and_the_text_a_third():
    levels = column_of(1, 1.0, np.int8(1), decimal.Decimal(1), True, "1", "\0n:1")
    assert levels.family == "mixed"
    assert sorted(levels.levels().counts.values()) == [1, 1, 1, 4]


scalars = st.one_of(
    st.text(),
    st.booleans(),
    st.integers(-(2**63), 2**64 - 1),
    st.floats(allow_nan=False),
    st.binary(),
    st.datetimes(),
    st.timedeltas(dt.timedelta(-(10**6)), dt.timedelta(10**6)),
)


@given(st.lists(scalars, min_size=1))
def test_keys_tell_apart_what_differs_and_nothing_else(cells):
    """Cells share a key exactly if they are equal and both or neither are booleans."""
    for one in cells:
        for other in cells:
            kinds = [isinstance(cell, bool) for cell in (one, other)]
            same = one == other and kinds[0] == kinds[1]
            assert (value_key(one) == value_key(other)) == same


@given(st.text())
def test_every_key_can_be_written_as_json_and_utf_8(text):
    key = text_key(text)
    json.dumps(key).encode("utf-8")
    assert display_key(key) == text


@given(st.lists(st.one_of(scalars, st.none(), st.just(float("nan"))), min_size=1))
def test_levels_are_the_counts_of_the_keys(cells):
    column = column_of(*cells)
    keys = list(column.keys())
    levels = column.levels()
    assert len(keys) == len(cells) == column.n_rows
    assert levels.n_missing == keys.count(None)
    assert levels.counts == {
        key: keys.count(key) for key in set(keys) if key is not None
    }


@pytest.mark.parametrize(
    "cell",
    [
        None,
        float("nan"),
        np.float32("nan"),
        np.longdouble("nan"),
        pd.NA,
        pd.NaT,
        np.datetime64("NaT"),
        np.timedelta64("NaT"),
        decimal.Decimal("NaN"),
        decimal.Decimal("sNaN"),
    ],
    ids=repr,
)
def test_whatever_means_missing_is_missing_beside_any_type(cell):
    assert is_missing(cell)
    for present in ("a", 1, 2.5, True, b"b", dt.datetime(2020, 1, 1), dt.timedelta(1)):
        levels = column_of(present, cell, present, cell).levels()
        assert (list(levels.counts.values()), levels.n_missing) == ([2], 2)
    assert column_of(cell, cell).family == "null"


@pytest.mark.parametrize(
    "text", ["", " ", "nan", "None", "NULL", "N/A", "NaT", "\ud800"]
)
def test_texts_that_look_missing_are_texts(text):
    assert counts_of(text, None, "a") == ({text: 1, "a": 1}, 1)


def test_numbers_written_as_texts_are_texts():
    column = column_of("1,5", "1e3", " 7")
    assert column.family == "string"
    assert column.levels().counts == {"1,5": 1, "1e3": 1, " 7": 1}


def test_minus_zero_is_zero():
    assert counts_of(0.0, -0.0, 0) == ({"0": 3}, 0)
    array = array_column(np.array([0.0, -0.0]), "a")
    assert array.levels().counts == {number_key(0): 2}
    assert set(array.keys()) == {number_key(0)}


class Refuses:
    """An object that answers nothing."""

    def _refuse(self, *_):
        raise RuntimeError("asked")

    __eq__ = __ne__ = __lt__ = __hash__ = __str__ = __repr__ = __bool__ = _refuse
    __float__ = __int__ = __index__ = __len__ = _refuse


class RefusingText(Refuses, str):
    pass


class RefusingFloat(Refuses, float):
    pass


class RefusingInteger(Refuses, int):
    pass


class RefusingBytes(Refuses, bytes):
    pass


@pytest.mark.parametrize("others", [(), ("a",), (1, None), (b"b",)])
def test_cells_that_refuse_to_be_read_are_named_not_asked(others):
    column = column_of(Refuses(), *others, label="odd one")
    assert column.family == "unsupported"
    assert "'odd one'" in column.problem
    assert "Refuses" in column.problem


@pytest.mark.parametrize(
    ("cell", "family", "shown"),
    [
        (RefusingText("a"), "string", "a"),
        (RefusingFloat(1.5), "float", "1.5"),
        (RefusingInteger(3), "integer", "3"),
        (RefusingBytes(b"b"), "bytes", "b'b'"),
        (enum.StrEnum("S", "a").a, "string", "a"),
        (enum.IntEnum("I", "a").a, "integer", "1"),
        (np.str_("a"), "string", "a"),
        (np.bytes_(b"b"), "bytes", "b'b'"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_a_class_that_derives_from_a_plain_type_is_read_as_that_type(
    cell, family, shown
):
    column = column_of(cell, None, cell)
    assert column.family == family
    levels = column.levels()
    assert {display_key(key): n for key, n in levels.counts.items()} == {shown: 2}
    assert {type(key) for key in levels.counts} == {str}
    assert set(map(type, column.keys())) == {str, type(None)}


@pytest.mark.parametrize(
    "cells", [([1],), ({"a": 1},), ({1, 2},), ((1, 2),), (np.ones(2),), (1, [2])]
)
def test_nested_cells_are_named(cells):
    column = column_of(*cells)
    assert column.family == "unsupported"
    assert type(cells[-1]).__name__ in column.problem


def test_at_most_five_types_are_listed():
    cells = [type(f"Type{number}", (), {})() for number in range(8)]
    assert column_of(*cells).problem.count("Type") == 5


@pytest.mark.parametrize("others", [(), (1.5,), ("a",), (None,), (True,)])
@pytest.mark.parametrize(
    "number",
    [2**64, -(2**63) - 1, 10**30, 10**5000, -(10**5000)],
    ids=["2**64", "-2**63-1", "10**30", "10**5000", "-10**5000"],
)
def test_integers_beyond_64_bits_are_refused_with_the_column_and_the_number(
    number, others
):
    column = column_of(number, *others)
    assert column.family == "unsupported"
    assert re.search(r"column 'a' holds the integer .*64 bits", column.problem)
    assert len(column.problem) < 300


def test_the_limits_of_64_bits_are_exact():
    low, high, top = -(2**63), 2**63 - 1, 2**64 - 1
    signed, unsigned = column_of(low, high, None), column_of(top, 0)
    assert signed.numbers().values[:2].tolist() == [low, high]
    assert unsigned.numbers().values.tolist() == [top, 0]
    assert unsigned.levels().counts == {number_key(top): 1, number_key(0): 1}
    assert "do not fit in 64 bits together" in column_of(low, top).problem


def test_decimals_are_numbers_and_say_that_they_were_decimals():
    column = column_of(decimal.Decimal("1.5"), decimal.Decimal("1e999"), 2, None)
    assert column.family == "decimal"
    assert column.numbers().values[:3].tolist() == [1.5, np.inf, 2.0]


@pytest.mark.parametrize(
    ("cells", "family", "ticks"),
    [
        ([dt.datetime(1970, 1, 1, 0, 0, 1)], "datetime", [10**6]),
        (
            [dt.date(1970, 1, 2), np.datetime64("1970-01-01")],
            "datetime",
            [86400 * 10**6, 0],
        ),
        ([pd.Timestamp("1970-01-01 00:00:01"), pd.NaT], "datetime", [10**6, 0]),
        (
            [
                pd.Timestamp("1970-01-01 09:00", tz="Asia/Tokyo"),
                dt.datetime(1970, 1, 1, tzinfo=dt.UTC),
            ],
            "datetime with zone",
            [0, 0],
        ),
        (
            [dt.timedelta(seconds=-1), np.timedelta64(1, "ms")],
            "duration",
            [-(10**6), 1000],
        ),
        ([pd.Timedelta("1s"), None], "duration", [10**6, 0]),
    ],
)
def test_times_are_microseconds(cells, family, ticks):
    column = column_of(*cells)
    assert column.family == family
    assert column.numbers().values.tolist() == ticks


def test_instants_before_the_year_1_in_utc_do_not_overflow():
    first = dt.datetime(1, 1, 1, tzinfo=dt.timezone(dt.timedelta(hours=14)))
    last = dt.datetime(9999, 12, 31, tzinfo=dt.timezone(-dt.timedelta(hours=14)))
    low, high = column_of(first, last).numbers().values.tolist()
    assert dt.timedelta(microseconds=high - low) == last - first


def test_bytes_that_are_no_utf_8_stay_apart():
    counts, _ = counts_of(b"\xff", b"\\xff", b"\xfe", b"\xff")
    assert sorted(counts.values()) == [1, 1, 2]


@given(st.lists(st.one_of(st.none(), st.text(max_size=3)), min_size=1))
def test_texts_are_counted_alike_as_objects_and_as_texts(cells):
    column = column_of(*cells)
    if column.family == "string":
        assert column.levels() == TextColumn(cells).levels()
        assert list(column.keys()) == list(TextColumn(cells).keys())


def test_codes_may_share_a_level_and_levels_may_be_unused():
    column = CodedColumn(
        np.array([0, 1, -1, 2, 0], dtype=np.int8), ["a", "b", "a", "c"], "string"
    )
    assert column.levels().counts == {"a": 3, "b": 1}
    assert column.levels().n_missing == 1
    assert list(column.keys()) == ["a", "b", None, "a", "a"]


def test_codes_of_numbers_and_times_have_values():
    keys = [
        number_key(5),
        boolean_key(True),
        value_key(dt.datetime(1970, 1, 1, 0, 0, 1)),
        "text",
    ]
    column = CodedColumn(np.array([0, 1, 2, 3, -1], dtype=np.int8), keys, "mixed")
    np.testing.assert_array_equal(column.numbers().values, [5, 1, 1e6, np.nan, np.nan])
    assert key_number(value_key(dt.timedelta(seconds=2))) == 2e6


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_number_survives_its_key(number):
    assert key_number(number_key(number)) == number
