"""Argument rules: each raises `ParameterError` with argument, rule and value."""

from __future__ import annotations

import numbers
from collections.abc import Collection
from typing import Any

from skdrift.exceptions import ParameterError


def check_share(name: str, value: Any, *, zero: bool = False) -> None:
    """Refuse what is no number strictly between 0 and 1 (0 itself if `zero`)."""
    real = isinstance(value, numbers.Real) and not isinstance(value, bool)
    if not real or not (0 < value < 1 or (zero and value == 0)):
        low = "at least 0" if zero else "above 0"
        raise ParameterError(
            f"{name} must be a number {low} and below 1, got {value!r}"
        )


def check_at_least(name: str, value: Any, least: int) -> None:
    """Refuse what is no integer of at least `least`."""
    whole = isinstance(value, numbers.Integral) and not isinstance(value, bool)
    if not whole or value < least:
        raise ParameterError(
            f"{name} must be an integer of at least {least}, got {value!r}"
        )


def check_policy(name: str, value: Any, choices: Collection[str]) -> None:
    """Refuse what is neither one of the `choices` nor a callable."""
    if not callable(value) and value not in choices:
        options = ", ".join(repr(choice) for choice in sorted(choices))
        raise ParameterError(
            f"{name} must be one of {options} or a callable that takes the report, "
            f"got {value!r}"
        )
