from __future__ import annotations

import math
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skdrift.report import _numbers as numbers

NAN, INF = math.nan, math.inf


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (0.0, "0"),
        (-0.0, "0"),
        (0.31234, "0.312"),
        (20.849, "20.8"),
        (1234.5, "1,234"),
        (-98765.4, "-98,765"),
        (2.5e-7, "2.5e-7"),
        (3.14e12, "3.14e12"),
        (NAN, "n/a"),
        (INF, "inf"),
        (-INF, "-inf"),
    ],
)
def test_numbers_have_three_significant_digits(value: float, shown: str) -> None:
    assert numbers.number(value) == shown


@pytest.mark.parametrize(
    ("value", "low", "high", "shown"),
    [
        (20.84, 19.93, 21.72, "20.8 [19.9, 21.7]"),
        (0.3123, 0.28, 0.34, "0.312 [0.280, 0.340]"),
        (0.3123, 0.25, 0.37, "0.31 [0.25, 0.37]"),
        (123456.0, 110000.0, 130000.0, "123,456 [110,000, 130,000]"),
        (0.3123, NAN, 0.4, "0.312"),
        (0.3123, 0.2, INF, "0.312 [0.2, inf]"),
        (0.5, 0.5, 0.5, "0.5 [0.5, 0.5]"),
        (-0.0001, -0.1, 0.1, "0.00 [-0.10, 0.10]"),
        (1e-9, 0.0, 2e-9, "1e-9 [0, 2e-9]"),
        (NAN, 0.1, 0.2, "n/a [0.10, 0.20]"),
    ],
)
def test_the_interval_decides_how_many_digits_are_given(
    value: float, low: float, high: float, shown: str
) -> None:
    assert numbers.with_interval(value, low, high) == shown


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (0.0, "p < 1e-16"),
        (9e-17, "p < 1e-16"),
        (1e-16, "p = 1.0e-16"),
        (3.4e-8, "p = 3.4e-8"),
        (0.0123, "p = 0.012"),
        (1.0, "p = 1"),
        (NAN, ""),
    ],
)
def test_pvalues_are_written_without_zeros(value: float, shown: str) -> None:
    assert numbers.pvalue(value) == shown


@given(st.floats(0, 1))
def test_no_pvalue_is_written_as_zero(value: float) -> None:
    written = re.fullmatch(r"p [<=] (.*)", numbers.pvalue(value))
    assert written is not None
    assert float(written[1]) > 0


@given(st.floats(allow_nan=True), st.floats(allow_nan=True), st.floats(allow_nan=True))
def test_any_three_floats_can_be_written(a: float, b: float, c: float) -> None:
    assert len(numbers.with_interval(a, b, c)) < 60


@pytest.mark.parametrize(
    ("value", "shown"), [(0.1, "0.10"), (0.05, "0.05"), (0.125, "0.125"), (1.0, "1.00")]
)
def test_bounds_are_written_as_they_were_set(value: float, shown: str) -> None:
    assert numbers.bound(value) == shown


@pytest.mark.parametrize(
    ("value", "shown"),
    [(0.95, "95 %"), (0.999, "99.9 %"), (0.0, "0 %"), (1e-9, "1e-7 %"), (NAN, "n/a")],
)
def test_shares_are_written_in_percent(value: float, shown: str) -> None:
    assert numbers.percent(value) == shown


@pytest.mark.parametrize(
    ("count", "shown"), [(0, "0 rows"), (1, "1 row"), (8734, "8,734 rows")]
)
def test_one_row_is_singular(count: int, shown: str) -> None:
    assert numbers.rows(count) == shown


def test_a_part_of_a_row_is_a_whole_row() -> None:
    assert numbers.rows(899.2) == "900 rows"
