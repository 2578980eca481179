"""Numbers as the report writes them: as many digits as they are known to."""

from __future__ import annotations

import math
from typing import Final

_SMALLEST_PVALUE: Final = 1e-16
_LARGEST_PLAIN: Final = 1e9
_MOST_DECIMALS: Final = 6


def number(value: float) -> str:
    """`value` to three significant digits; ``"n/a"`` for NaN."""
    if math.isnan(value):
        return "n/a"
    if math.isinf(value):
        return "inf" if value > 0 else "-inf"
    if 1000 <= abs(value) < _LARGEST_PLAIN:
        return f"{value:,.0f}"
    return _tidy(f"{value:.3g}")


def bound(value: float) -> str:
    """Write a bound that the user set: two decimals where they are exact."""
    return f"{value:.2f}" if round(value, 2) == value else number(value)


def with_interval(value: float, low: float, high: float) -> str:
    """``"0.31 [0.25, 0.37]"``: two digits of the width of the interval are given.

    Parameters
    ----------
    value, low, high : float
        Estimate and ends of its interval; without an interval (a NaN end) the
        value stands alone.
    """
    if math.isnan(low) or math.isnan(high):
        return number(value)
    shown = [aligned(part, low, high) for part in (value, low, high)]
    return f"{shown[0]} [{shown[1]}, {shown[2]}]"


def aligned(value: float, low: float, high: float) -> str:
    """`value` to the decimals that the interval from `low` to `high` warrants."""
    width = high - low
    largest = max(abs(value), abs(low), abs(high))
    if not (math.isfinite(largest) and width > 0 and largest < _LARGEST_PLAIN):
        return number(value)
    decimals = max(0, 1 - math.floor(math.log10(width)))
    if decimals > _MOST_DECIMALS:
        return _tidy(f"{value:.{_MOST_DECIMALS}g}")
    return _without_minus_zero(f"{value:,.{decimals}f}")


def pvalue(value: float, name: str = "p") -> str:
    """``"p = 0.012"`` or ``"p < 1e-16"``, never 0; empty for NaN."""
    if math.isnan(value):
        return ""
    if value < _SMALLEST_PVALUE:
        return f"{name} < 1e-16"
    return f"{name} = " + _tidy(f"{value:.2g}" if value >= 1e-3 else f"{value:.1e}")


def percent(share: float) -> str:
    """``"95 %"`` for 0.95; ``"n/a"`` for NaN."""
    return "n/a" if math.isnan(share) else f"{_tidy(f'{100 * share:.3g}')} %"


def rows(count: float) -> str:
    """``"1 row"``, ``"8,734 rows"``; parts of a row count as a whole one."""
    return counted(math.ceil(count), "row")


def counted(count: int, noun: str) -> str:
    """``"1 alarm"``, ``"3 alarms"``."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def _tidy(text: str) -> str:
    mantissa, mark, exponent = _without_minus_zero(text).partition("e")
    return f"{mantissa}e{int(exponent)}" if mark else mantissa


def _without_minus_zero(text: str) -> str:
    return text.removeprefix("-") if not text.strip("-0.,") else text
