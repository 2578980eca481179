"""What a guard was told to do, checked against its rules."""

from __future__ import annotations

import numbers
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from skdrift._core.checks import check_at_least
from skdrift._core.keys import is_missing
from skdrift.exceptions import ParameterError

OFF = "off"
COMMON = ("raise", "warn", "ignore", "flag")
SCHEMA_POLICIES = (*COMMON, "repair")
CATEGORY_POLICIES = (*COMMON, "other", "most_frequent", "missing", "nearest")
RANGE_POLICIES = (*COMMON, "clip", "clip_to_quantiles", "missing")
MISSING_POLICIES = (*COMMON, "impute")
OTHERWISE = ("raise", "warn", "ignore", "other", "most_frequent", "missing")
LIMITS = ("observed", "quantiles")
SCOPES = ("auto", "new", "all")
FILLS = ("missing", "typical")

COLUMN_OPTIONS = frozenset(
    {"category", "range", "missing", "limits", "allowed", "other", "fill_value"}
)
"""What `overrides` may say of one column."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GuardSettings:
    """Everything that the five guards can be told; ``"off"`` is not watched."""

    schema: str = OFF
    category: str = OFF
    range: str = OFF
    missing: str = OFF
    categorical_features: Any = "from_dtype"
    uncastable: str = "raise"
    fill: str = "missing"
    min_count: int = 1
    allowed: Any = None
    other: Any = "other"
    similarity: float = 0.85
    otherwise: str = "raise"
    limits: str = "observed"
    quantiles: tuple[float, float] = (0.01, 0.99)
    margin: float = 0.0
    hard_limits: Any = None
    scope: str = "auto"
    imputer: Any = "typical"
    fill_value: Any = None
    overrides: Any = None
    add_indicator: bool = False


def check_settings(settings: GuardSettings) -> GuardSettings:
    """Check every setting, and give them back.

    Raises
    ------
    ParameterError
    """
    _check_choice("schema", settings.schema, (*SCHEMA_POLICIES, OFF))
    _check_choice("category", settings.category, (*CATEGORY_POLICIES, OFF))
    _check_choice("range", settings.range, (*RANGE_POLICIES, OFF))
    _check_choice("missing", settings.missing, (*MISSING_POLICIES, OFF))
    _check_choice("uncastable", settings.uncastable, ("raise", "missing"))
    _check_choice("fill", settings.fill, FILLS)
    _check_choice("otherwise", settings.otherwise, OTHERWISE)
    _check_choice("limits", settings.limits, LIMITS)
    _check_choice("scope", settings.scope, SCOPES)
    check_at_least("min_count", settings.min_count, 1)
    _check_number("similarity", settings.similarity, 0.0, 1.0)
    _check_number("margin", settings.margin, 0.0, np.inf)
    low, high = _check_pair("quantiles", settings.quantiles)
    real = isinstance(low, numbers.Real) and isinstance(high, numbers.Real)
    if not real or not 0 <= low < high <= 1:
        raise ParameterError(
            "quantiles must be two numbers with 0 <= low < high <= 1, got "
            f"{settings.quantiles!r}"
        )
    _check_imputer(settings.imputer, settings.fill_value)
    for name in ("allowed", "hard_limits", "overrides"):
        value = getattr(settings, name)
        if value is not None and not isinstance(value, Mapping):
            raise ParameterError(
                f"{name} must be a mapping from columns (names or positions), got "
                f"{value!r:.100}"
            )
    return settings


def _check_choice(name: str, value: Any, choices: tuple[str, ...]) -> None:
    if not isinstance(value, str) or value not in choices:
        options = ", ".join(repr(choice) for choice in choices if choice != OFF)
        raise ParameterError(f"{name} must be one of {options}, got {value!r:.100}")


def _check_number(name: str, value: Any, low: float, high: float) -> None:
    real = isinstance(value, numbers.Real) and not isinstance(value, bool)
    if not real or not low <= value <= high:
        raise ParameterError(
            f"{name} must be a number from {low:g} to {high:g}, got {value!r:.100}"
        )


def _check_pair(name: str, value: Any) -> tuple[Any, Any]:
    if not isinstance(value, tuple | list | np.ndarray) or len(value) != 2:
        raise ParameterError(f"{name} must be two values, got {value!r:.100}")
    return value[0], value[1]


def _check_imputer(imputer: Any, fill_value: Any) -> None:
    if isinstance(imputer, str):
        _check_choice("imputer", imputer, ("typical", "constant"))
        if imputer == "constant" and fill_value is None:
            raise ParameterError(
                "imputer='constant' needs fill_value, a value or a mapping from "
                "columns to values, got None"
            )
    elif isinstance(imputer, type) or not (
        hasattr(imputer, "fit") and hasattr(imputer, "transform")
    ):
        raise ParameterError(
            "imputer must be 'typical', 'constant' or a scikit-learn imputer, got "
            f"{imputer!r:.100}"
        )


def by_position(
    name: str, mapping: Any, names: tuple[str, ...] | None, n_features: int
) -> dict[int, Any]:
    """Entries of a mapping from columns, by position.

    Raises
    ------
    ParameterError
        If it names a column that training did not have, or one column twice.
    """
    if not isinstance(mapping, Mapping):
        return {}
    places = {label: place for place, label in enumerate(names or ())}
    found: dict[int, Any] = {}
    for column, value in mapping.items():
        whole = isinstance(column, int | np.integer) and not isinstance(column, bool)
        place = int(column) if whole else places.get(column, n_features)
        if not -n_features <= place < n_features:
            raise ParameterError(
                f"{name} names the column {column!r}, which X does not have; its "
                f"{n_features} columns are {list(names or range(n_features))[:5]}"
            )
        place %= n_features
        if place in found:
            raise ParameterError(f"{name} names the column {column!r} twice")
        found[place] = value
    return found


def check_overrides(overrides: Mapping[int, Any]) -> None:
    """Check what is said of single columns.

    Raises
    ------
    ParameterError
    """
    choices = {
        "category": CATEGORY_POLICIES,
        "range": RANGE_POLICIES,
        "missing": MISSING_POLICIES,
    }
    for position, options in overrides.items():
        if not isinstance(options, Mapping):
            raise ParameterError(
                f"overrides must map each column to a mapping of options, got "
                f"{options!r:.100} for column {position}"
            )
        unknown = sorted(str(name) for name in options if name not in COLUMN_OPTIONS)
        if unknown:
            raise ParameterError(
                f"overrides of column {position} has {unknown[:5]}; options are "
                f"{sorted(COLUMN_OPTIONS)}"
            )
        for name, policies in choices.items():
            if name in options:
                _check_choice(
                    f"overrides[{position}][{name!r}]", options[name], policies
                )


def check_limits(name: str, value: Any) -> tuple[Any, Any]:
    """Two limits, of which either may be None: no limit on that side.

    Raises
    ------
    ParameterError
    """
    low, high = _check_pair(name, value)
    for end in (low, high):
        if end is not None and is_missing(end):
            raise ParameterError(
                f"{name} must be two limits (None for no limit on a side), got "
                f"{value!r:.100}"
            )
    return low, high
