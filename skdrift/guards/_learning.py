"""Learning what each column may hold: limits, categories, typical values."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from skdrift._core.cells import Column, Levels, object_column
from skdrift._core.columns import CodedColumn
from skdrift._core.frame import Table
from skdrift._core.keys import (
    datetime_key,
    display_key,
    duration_key,
    instant,
    is_missing,
    key_number,
    key_value,
    number_key,
    span,
)
from skdrift.exceptions import InputError, ParameterError
from skdrift.guards._column_guard import (
    NUMBERS,
    ColumnGuard,
    GuardRules,
    known_levels,
)
from skdrift.guards._flagging import ColumnRule
from skdrift.guards._settings import (
    OFF,
    GuardSettings,
    by_position,
    check_limits,
    check_overrides,
)
from skdrift.profile._grid import declared_categories
from skdrift.profile._learn import Learned, learn_column
from skdrift.profile._sorted import SortedNumbers, sort_numbers

FEWEST_CELLS = 2
"""The extremes and the median are all that is asked of a column of numbers."""


def learn_rules(table: Table, settings: GuardSettings) -> GuardRules:
    """Learn what each column of training data may hold.

    Raises
    ------
    InputError
        If `table` has no rows, or a column cannot be read.
    ParameterError
        If a setting does not fit the columns.
    """
    if not table.n_rows:
        raise InputError(
            f"X has no rows: 0 sample(s) (shape=(0, {table.n_features})) while a "
            "minimum of 1 is required."
        )
    named = _Named(table, settings)
    declared = declared_categories(table, settings.categorical_features)
    columns = []
    for position in range(table.n_features):
        column = table.column(position)
        known = bool(declared[position]) or position in named.allowed
        columns.append(_learn(column, position, known, settings, named))
    return GuardRules(
        columns=tuple(columns),
        names=table.names,
        schema=settings.schema,
        retyped=_retyped_policy(settings),
        uncastable=settings.uncastable,
        fill=settings.fill,
        otherwise=settings.otherwise,
        similarity=float(settings.similarity),
        add_indicator=bool(settings.add_indicator),
    )


def _retyped_policy(settings: GuardSettings) -> str:
    """What to do about a column of another type, also where no schema is watched."""
    if settings.schema != OFF:
        return settings.schema
    policies = {settings.category, settings.range, settings.missing} - {OFF}
    if policies <= {"ignore"}:
        return "ignore"
    return "warn" if policies <= {"ignore", "warn"} else "raise"


class _Named:
    """Settings of single columns, by position."""

    def __init__(self, table: Table, settings: GuardSettings) -> None:
        names, n = table.names, table.n_features
        self.labels = table.labels
        self.overrides = by_position("overrides", settings.overrides, names, n)
        check_overrides(self.overrides)
        self.limits = {
            **by_position("hard_limits", settings.hard_limits, names, n),
            **self._overridden("limits"),
        }
        self.allowed = {
            **by_position("allowed", settings.allowed, names, n),
            **self._overridden("allowed"),
        }
        self.other = {
            **by_position("other", settings.other, names, n),
            **self._overridden("other"),
        }
        self.fill_value = {
            **by_position("fill_value", settings.fill_value, names, n),
            **self._overridden("fill_value"),
        }

    def _overridden(self, option: str) -> dict[int, Any]:
        return {
            position: options[option]
            for position, options in self.overrides.items()
            if option in options
        }

    def policy(self, settings: GuardSettings, position: int, name: str) -> str:
        """Policy of one column."""
        own = self.overrides.get(position, {})
        return str(own.get(name, getattr(settings, name)))


def _learn(
    column: Column,
    position: int,
    declared: bool,
    settings: GuardSettings,
    named: _Named,
) -> ColumnGuard:
    label = named.labels[position]
    learned = learn_column(
        column,
        position,
        declared=declared,
        n_cells=FEWEST_CELLS,
        min_category_count=1,
        salt="",
    )
    levels = _levels(column, learned, position, settings, named, label)
    category = OFF if levels is None else named.policy(settings, position, "category")
    numbers = _numbers(column, learned) if column.on_line and levels is None else None
    bounds = _bounds(learned, numbers, position, settings, named, label)
    range_policy = named.policy(settings, position, "range") if bounds else OFF
    if range_policy == OFF:
        bounds = None
    lower, upper = bounds or (-np.inf, np.inf)
    hard = position in named.limits
    typical = _typical(column, levels, numbers, (lower, upper))
    missing = named.policy(settings, position, "missing")
    fill, by_imputer = _fill(settings, missing, position, named, column, typical, label)
    other = ""
    if category != OFF and levels is not None:
        other = _other(settings, category, position, named, column, label)
        extra = [key for key in (other, fill) if key and key not in levels]
        levels = [*levels, *extra]
    if fill and numbers is not None and not by_imputer:
        _check_inside(fill, (lower, upper), label)
    infinite = numbers if isinstance(numbers, SortedNumbers) else None
    rule = ColumnRule(
        family=column.family,
        lower=float(lower),
        upper=float(upper),
        levels=known_levels(levels) if category != OFF and levels is not None else None,
        may_miss=_may_miss(settings, missing, learned, fill, by_imputer),
        may_sink=_may_be_infinite(infinite, bounds, -1, hard),
        may_soar=_may_be_infinite(infinite, bounds, +1, hard),
    )
    return ColumnGuard(
        label=label,
        rule=rule,
        category=category,
        range=range_policy,
        missing=missing,
        clip=_clip(range_policy, (lower, upper), numbers, settings),
        typical=typical,
        fill=fill,
        other=other,
        categories=_categories(column),
        by_imputer=by_imputer,
    )


def _levels(
    column: Column,
    learned: Learned,
    position: int,
    settings: GuardSettings,
    named: _Named,
    label: str,
) -> list[str] | None:
    """Keys of the known categories, the most frequent first; None if not of them."""
    reading = learned.readings[0] if learned.readings else None
    counts = reading.counts if isinstance(reading, Levels) else {}
    if position in named.allowed:
        values = named.allowed[position]
        if isinstance(values, str) or not hasattr(values, "__iter__"):
            raise ParameterError(
                f"allowed must list the categories of column {label!r}, got "
                f"{values!r:.100}"
            )
        keys = dict.fromkeys(
            _fitting(value, column, label, "allowed")
            for value in values
            if not is_missing(value)
        )
        return sorted(keys, key=lambda key: -counts.get(key, 0))
    if learned.kind not in {"categorical", "boolean"}:
        return None
    kept = [key for key, n in counts.items() if n >= settings.min_count]
    return sorted(kept, key=lambda key: (-counts[key], key))


def _numbers(column: Column, learned: Learned) -> SortedNumbers:
    reading = learned.readings[0] if learned.readings else None
    if isinstance(reading, SortedNumbers):
        return reading
    return sort_numbers(column.numbers())


def _bounds(
    learned: Learned,
    numbers: SortedNumbers | None,
    position: int,
    settings: GuardSettings,
    named: _Named,
    label: str,
) -> tuple[Any, Any] | None:
    """Smallest and largest number that is accepted, or None if any is."""
    if numbers is None:
        if position in named.limits:
            raise ParameterError(
                f"limits are given for column {label!r}, which holds categories or "
                f"other cells ({learned.family}) and no numbers or times; leave it out"
            )
        return None
    if position in named.limits:
        low, high = check_limits(f"limits of {label!r}", named.limits[position])
        low = -np.inf if low is None else _on_line(low, learned.family, label)
        high = np.inf if high is None else _on_line(high, learned.family, label)
        if not low <= high:
            raise ParameterError(
                f"limits of {label!r} must be in order, got {named.limits[position]!r}"
            )
        return low, high
    if learned.kind != "numeric":
        return None
    low, high = 0.0, 1.0
    if settings.limits == "quantiles":
        low, high = settings.quantiles
    ends = _quantile(numbers, low), _quantile(numbers, high)
    widening = float(settings.margin) * (float(ends[1]) - float(ends[0]))
    if not widening:
        return ends
    if math.isfinite(widening):
        return float(ends[0]) - widening, float(ends[1]) + widening
    return -np.inf, np.inf


def _quantile(numbers: SortedNumbers, share: float) -> Any:
    """The smallest value that at least this share of the values does not exceed."""
    rank = max(math.ceil(share * numbers.n) - 1, 0)
    return numbers.at(np.array([rank]))[0].item()


def _on_line(value: Any, family: str, label: str) -> Any:
    try:
        if family.startswith("datetime"):
            return instant(np.datetime64(value) if isinstance(value, str) else value)
        if family == "duration":
            return span(value)
        as_float = float(value)
        return int(value) if isinstance(value, int) else as_float
    except (TypeError, ValueError, AttributeError, OverflowError) as error:
        raise ParameterError(
            f"limits of {label!r} must be of its type ({family}), got {value!r:.100}"
        ) from error


def _typical(
    column: Column,
    levels: list[str] | None,
    numbers: SortedNumbers | None,
    limits: tuple[Any, Any],
) -> str:
    """Key of the most frequent category or of the (lower) median, within limits."""
    if levels is not None:
        return levels[0] if levels else ""
    if numbers is None:
        counts = column.levels().counts
        return min(counts, key=lambda key: (-counts[key], key)) if counts else ""
    if not numbers.n:
        return ""
    median = _quantile(numbers, 0.5)
    median = min(max(median, limits[0]), limits[1])
    return line_key(median, column.family)


def line_key(number: float, family: str) -> str:
    """Key of a number of a column of some family."""
    if family.startswith("datetime"):
        return datetime_key(int(number))
    return duration_key(int(number)) if family == "duration" else number_key(number)


def _fill(
    settings: GuardSettings,
    missing: str,
    position: int,
    named: _Named,
    column: Column,
    typical: str,
    label: str,
) -> tuple[str, bool]:
    """Key of what replaces missing cells, and whether the imputer does it."""
    if missing != "impute":
        return "", False
    if position in named.fill_value:
        return _fitting(named.fill_value[position], column, label, "fill_value"), False
    if not isinstance(settings.imputer, str):
        return typical, column.family in NUMBERS and bool(typical)
    if settings.imputer == "constant" and not isinstance(settings.fill_value, Mapping):
        return _fitting(settings.fill_value, column, label, "fill_value"), False
    return typical, False


def _other(
    settings: GuardSettings,
    category: str,
    position: int,
    named: _Named,
    column: Column,
    label: str,
) -> str:
    wanted = category == "other" or (
        category == "nearest" and settings.otherwise == "other"
    )
    if not wanted or column.family == "boolean":
        return ""
    default = "other" if isinstance(settings.other, Mapping) else settings.other
    return _fitting(named.other.get(position, default), column, label, "other")


def _fitting(value: Any, column: Column, label: str, name: str) -> str:
    """Key of a value that a column of this type can hold."""
    family = column.family
    key = ""
    if isinstance(value, _SCALARS) and not is_missing(value):
        key = object_column(np.array([value], dtype=object), label).keys()[0] or ""
    fits = {
        "string": isinstance(value, str),
        "boolean": isinstance(value, bool | np.bool_),
        "mixed": bool(key),
        "null": bool(key),
        "bytes": isinstance(value, bytes),
    }
    if family.startswith("datetime"):
        fits[family] = key.startswith("\0t:")
    elif family == "duration":
        fits[family] = key.startswith("\0d:")
    if not fits.get(family, key.startswith("\0n:")):
        raise ParameterError(
            f"{name} must be a value that fits column {label!r}, which holds {family} "
            f"cells, got {value!r:.100}; pass {name} as a mapping from columns to "
            "values"
        )
    return key


_SCALARS = (str, bytes, int, float, np.generic, dt.date, dt.timedelta)


def _check_inside(fill: str, limits: tuple[Any, Any], label: str) -> None:
    number = key_value(fill) if fill.startswith("\0n:") else key_number(fill)
    if not limits[0] <= number <= limits[1]:
        raise ParameterError(
            f"fill_value of column {label!r} must lie within its limits "
            f"{limits[0]:.6g} to {limits[1]:.6g}, got {display_key(fill)}"
        )


def _may_miss(
    settings: GuardSettings,
    missing: str,
    learned: Learned,
    fill: str,
    by_imputer: bool,
) -> bool:
    if missing == OFF:
        return True
    everywhere = settings.scope == "all" or (
        settings.scope == "auto" and missing in {"impute", "flag"}
    )
    if missing == "impute" and not (fill or by_imputer):
        return True
    return learned.n_missing > 0 and not everywhere


def _may_be_infinite(
    numbers: SortedNumbers | None, bounds: Any, sign: int, hard: bool
) -> bool:
    if numbers is None or bounds is None:
        return True
    if hard:
        return math.isinf(bounds[0] if sign < 0 else bounds[1])
    if sign < 0:
        return numbers.n_negative_infinite > 0
    return numbers.n_positive_infinite > 0


def _clip(
    policy: str,
    limits: tuple[Any, Any],
    numbers: SortedNumbers | None,
    settings: GuardSettings,
) -> tuple[Any, Any]:
    if policy != "clip_to_quantiles" or numbers is None or not numbers.n:
        return limits
    ends = [_quantile(numbers, share) for share in settings.quantiles]
    low, high = (min(max(end, limits[0]), limits[1]) for end in ends)
    return low, high


def _categories(column: Column) -> tuple[str, ...]:
    return tuple(column.level_keys) if isinstance(column, CodedColumn) else ()
