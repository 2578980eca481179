"""Values to write into series that mark missing cells themselves."""

from __future__ import annotations

import decimal
from collections.abc import Callable
from typing import Any

import numpy as np

from skdrift._core.frame_edit_cells import NUMBERS, Cells
from skdrift._core.frame_edit_fit import OBJECT, encodable, fitted, unwritable, write

FAR = decimal.Context(prec=400, rounding=decimal.ROUND_HALF_EVEN)


def typed_values(
    dtype: np.dtype, cells: Cells, existing: Callable[[], np.ndarray]
) -> np.ndarray | None:
    """Values to write, of the type that the whole column must have; None if none fits.

    Parameters
    ----------
    dtype : dtype
        Type of the column.
    cells : Cells
    existing : callable
        Gives the cells that stay; called only if they matter.

    Returns
    -------
    ndarray of the shape of ``cells.array``, or None
        What stands at missing cells is arbitrary: the series must mark them.
    """
    wider = fitted(dtype, cells, lambda: [existing()], container_missing=True)
    if wider == OBJECT:
        return None
    values = np.zeros(len(cells.array), dtype=wider)
    write(values, slice(None), cells)
    return values


def text_values(cells: Cells, label: str, kind: Any) -> list[str | None]:
    """Texts to write, None where missing.

    Raises
    ------
    InputError
        If there is anything but texts, or a text that has no form in UTF-8.
    """
    texts = cells.listed()
    if not cells.families <= {"string"}:
        raise unwritable(label, kind, cells)
    if not all(text is None or encodable(text) for text in texts):
        remedy = "half of a surrogate pair is no text; replace or drop it"
        raise unwritable(label, kind, cells, remedy)
    return texts


def decimal_values(
    cells: Cells, precision: int, scale: int, label: str, kind: Any
) -> list[decimal.Decimal | None]:
    """Decimals to write, rounded to the digits that the column keeps.

    Raises
    ------
    InputError
        If there is anything but numbers, or one of too many digits.
    """
    if not cells.families <= NUMBERS:
        raise unwritable(label, kind, cells)
    step = decimal.Decimal(1).scaleb(-scale)
    found: list[decimal.Decimal | None] = []
    for cell in cells.listed():
        if cell is None:
            found.append(None)
            continue
        exact = decimal.Decimal(repr(cell) if isinstance(cell, float) else cell)
        inside = exact.is_finite() and exact.adjusted() < precision - scale
        rounded = exact.quantize(step, context=FAR) if inside or not exact else exact
        if not rounded.is_finite() or rounded.adjusted() >= precision - scale:
            raise unwritable(label, kind, cells, "it has more digits than the column")
        found.append(rounded)
    return found


def natural_values(cells: Cells, label: str, kind: str) -> np.ndarray | list[Any]:
    """Values as one typed array, or a list of texts or bytes.

    Raises
    ------
    InputError
        If they are of no one type.
    """
    families = cells.families
    if cells.array.dtype.kind != "O":
        return cells.array.copy()
    if families <= {"string"}:
        return text_values(cells, label, kind)
    if families == {"bytes"}:
        return cells.listed()
    if families == {"boolean"}:
        return np.array([bool(cell) for cell in cells.objects(False)])
    typed = cells.whole() if families <= {"integer", "boolean"} else cells.floats()
    if not families <= NUMBERS:
        typed = cells.times("M" if "datetime" in families else "m")
    if typed is None:
        raise unwritable(label, kind, cells, "give values of one type")
    return typed


def in_known_unit(times: np.ndarray, units: frozenset[str]) -> np.ndarray | None:
    """Times in one of some units; None if they do not fit."""
    if np.datetime_data(times.dtype)[0] in units:
        return times
    kind = times.dtype.kind
    for unit in ("D", "s", "ms", "us", "ns"):
        if unit in units:
            converted = times.astype(f"{kind}8[{unit}]")
            back = converted.astype(times.dtype)
            if ((back == times) | np.isnat(times)).all():
                return converted
    return None
