"""Checks of stored forms: whatever is damaged ends in a `FormatError`."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import MISSING, fields
from typing import Any, TypeVar

import numpy as np

from skdrift.exceptions import FormatError

DAMAGE = (KeyError, TypeError, ValueError, IndexError, OverflowError, AttributeError)

Choice = TypeVar("Choice", bound=str)


def check_format(stored: Any, what: str, newest: int) -> None:
    """Refuse what is no stored form, or one of a newer format.

    Raises
    ------
    FormatError
    """
    found = stored.get("format") if isinstance(stored, dict) else None
    if not isinstance(found, int) or isinstance(found, bool) or found < 1:
        raise FormatError(
            f"this is no stored {what}: it has no format number (got "
            f"{str(found)[:40]}); pass what to_dict() returned"
        )
    if found > newest:
        raise FormatError(
            f"the stored {what} has format {found}, this skdrift reads formats up to "
            f"{newest}: upgrade skdrift"
        )


def damaged(what: str, error: Exception, remedy: str) -> FormatError:
    """Error of a stored form that cannot be read."""
    reason = f"{type(error).__name__}: {error}"[:200]
    return FormatError(f"the stored {what} is damaged ({reason}); {remedy}")


def whole(value: Any, *, least: int = 0, most: int = 2**63 - 1) -> int:
    """Integer between two limits."""
    if isinstance(value, bool) or not isinstance(value, int | np.integer):
        raise TypeError(f"an integer was stored as {type(value).__name__}")
    if not least <= value <= most:
        raise ValueError(f"{value} is not between {least} and {most}")
    return int(value)


def number(value: Any) -> float:
    """Finite number."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeError(f"a number was stored as {type(value).__name__}")
    if not math.isfinite(value):
        raise ValueError(f"{value} is not finite")
    return float(value)


def text(value: Any) -> str:
    """Text."""
    if not isinstance(value, str):
        raise TypeError(f"a text was stored as {type(value).__name__}")
    return value


def texts(value: Any) -> tuple[str, ...]:
    """Several texts."""
    if not isinstance(value, list | tuple):
        raise TypeError(f"texts were stored as {type(value).__name__}")
    return tuple(map(text, value))


def flag(value: Any) -> bool:
    """Truth value."""
    if not isinstance(value, bool):
        raise TypeError(f"a truth value was stored as {type(value).__name__}")
    return value


def one_of(value: Any, *choices: Choice) -> Choice:
    """Choose one of some texts."""
    for choice in choices:
        if isinstance(value, str) and value == choice:
            return choice
    raise ValueError(f"{value!r:.40} is none of {choices}")


def counts(values: Any, length: int) -> np.ndarray:
    """Array of counts, of a known length."""
    array = np.asarray(values)
    if array.shape != (length,) or (length and array.dtype.kind not in "iu"):
        raise ValueError(
            f"expected {length} counts, got shape {array.shape} of {array.dtype}"
        )
    array = array.astype(np.int64)
    if (array < 0).any():
        raise ValueError("a count is negative")
    return array


def count_by_text(stored: Any) -> dict[str, int]:
    """Return counts by name."""
    if not isinstance(stored, dict):
        raise TypeError(f"counts by name were stored as {type(stored).__name__}")
    return {text(key): whole(n, least=1) for key, n in stored.items()}


def plain(values: Any, dtype: type[np.generic]) -> Any:
    """Array with numpy's own dtype; anything else as it is.

    After a pickle an array has a dtype of its own, and the bytes of the next pickle
    would depend on where it was.
    """
    if not isinstance(values, np.ndarray):
        return values
    array = np.empty(values.shape, dtype=dtype)
    array[...] = values
    return array


def floats(values: Any, length: int) -> np.ndarray:
    """Array of numbers, of a known length; None is NaN, infinity a text."""
    if not isinstance(values, list | tuple) or len(values) != length:
        raise ValueError(f"expected {length} numbers")
    return np.array([_any_float(value) for value in values], dtype=np.float64)


def _any_float(value: Any) -> float:
    if value is None:
        return math.nan
    return float(value) if value in ("inf", "-inf") else number(value)


def restore_fields(
    record: Any,
    state: Sequence[object],
    types: Mapping[str, type[np.generic]] | None = None,
) -> None:
    """Set the fields of a frozen dataclass from the list of them that was stored.

    Parameters
    ----------
    record : dataclass instance
        New fields come last and have a default: an older list does not have them.
    state : sequence
    types : mapping of str to numpy type
        Arrays that get numpy's own type object, see `plain`.

    Raises
    ------
    ValueError
        If the list is too short.
    """
    for position, field in enumerate(fields(record)):
        if position < len(state):
            value = state[position]
        elif field.default is not MISSING:
            value = field.default
        elif field.default_factory is not MISSING:
            value = field.default_factory()
        else:
            name = type(record).__name__
            raise ValueError(f"a stored {name} lacks {field.name!r}")
        if types is not None and field.name in types:
            value = plain(value, types[field.name])
        object.__setattr__(record, field.name, value)
