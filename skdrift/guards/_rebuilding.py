"""Rebuilding: the guarded table of repaired columns and indicators."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from skdrift._core.frame import ArrayTable, FrameTable, PandasTable, Table
from skdrift._core.frame_edit import EditedColumn, NewColumn, rebuild_table
from skdrift._core.keys import key_value
from skdrift.guards._casting import cast_column
from skdrift.guards._column_guard import NUMBERS, GuardRules
from skdrift.guards._column_match import ColumnMatch
from skdrift.guards._column_repair import NO_ROWS, ColumnRepair

INDICATORS = {
    "schema": "typeindicator_",
    "category": "unseenindicator_",
    "range": "rangeindicator_",
    "missing": "missingindicator_",
}
"""How the names of indicator columns begin, by kind and in this order."""


def indicator_names(rules: GuardRules, names: Sequence[str]) -> list[str]:
    """Names of the indicator columns, given those of training."""
    return [
        prefix + name
        for kind, prefix in INDICATORS.items()
        for column, name in zip(rules.columns, names, strict=True)
        if rules.indicates(column, kind)
    ]


def is_listed(X: Any, table: Table) -> bool:
    """Whether a table came as lists or the like, and is given back as an array."""
    return isinstance(table, ArrayTable) and not isinstance(X, np.ndarray)


def result_names(table: Table, rules: GuardRules, match: ColumnMatch) -> list[str]:
    """Names of the columns of the guarded table, indicators included.

    Those of the table where it has names, else those of training; an indicator is
    called after its column.
    """
    places = match.places
    own = [
        column.label if table.names is None or place < 0 else table.names[place]
        for column, place in zip(rules.columns, places, strict=True)
    ]
    names = own
    if match.differs and not rules.repairs_columns:
        names = list(table.names or ())
    return [*names, *indicator_names(rules, own)]


def rebuilt(
    X: Any,
    table: Table,
    rules: GuardRules,
    match: ColumnMatch,
    repairs: Sequence[ColumnRepair],
) -> Any:
    """The guarded table; `X` itself where nothing changes."""
    by_guard = {id(repair.guard): repair for repair in repairs}
    by_place: dict[int, Any] = {}
    plan: list[Any] = []
    for guard, place in zip(rules.columns, match.places, strict=True):
        repair = by_guard.get(id(guard))
        part = place if repair is None else _planned(repair)
        plan.append(part)
        by_place[place] = part
    if match.differs and not rules.repairs_columns:
        plan = [by_place.get(place, place) for place in range(table.n_features)]
    for kind, prefix in INDICATORS.items():
        for guard in rules.columns:
            if rules.indicates(guard, kind):
                repair = by_guard.get(id(guard))
                mask = np.zeros(table.n_rows, dtype=bool)
                if repair is not None:
                    mask[repair.marked.get(kind, NO_ROWS)] = True
                plan.append(NewColumn(prefix + guard.label, mask))
    if plan == list(range(table.n_features)) and not is_listed(X, table):
        return X
    names: Sequence[Any] | None = None
    if isinstance(table, PandasTable | FrameTable):
        names = result_names(table, rules, match)
        if table.names is None and not rules.adds_columns:
            names = list(table.frame.columns)
    return rebuild_table(X, plan, names=names)


def _planned(repair: ColumnRepair) -> Any:
    guard, edit = repair.guard, repair.edit(max(repair.place, 0))
    if repair.values is None and len(edit.rows):
        repair.values = _of_one_type(repair, edit.rows)
    if repair.values is None and repair.column.family in NUMBERS:
        edit = EditedColumn(edit.position, edit.rows, _without_booleans(edit.values))
    if repair.values is None:
        return edit if len(edit.rows) else repair.place
    new = repair.values
    if len(edit.rows):
        moved = EditedColumn(0, edit.rows, edit.values)
        new = rebuild_table(new.reshape(-1, 1), [moved])[:, 0]
    categories = tuple(map(key_value, guard.categories)) or None
    return NewColumn(guard.label, new, categories)


def _without_booleans(values: Any) -> Any:
    """Values to write among numbers: 0 and 1 for booleans."""
    if isinstance(values, list):
        return [int(cell) if isinstance(cell, bool) else cell for cell in values]
    return int(values) if isinstance(values, bool) else values


def _of_one_type(repair: ColumnRepair, rows: np.ndarray) -> np.ndarray | None:
    """Numbers for booleans, or booleans for 0 and 1, as training had; else None.

    What is written into some rows would make a mixture of the column, or a boolean
    of a number.
    """
    families = repair.guard.rule.family, repair.column.family
    if families == ("mixed", "boolean"):
        keys = repair.column.keys()
        return np.array([key and key_value(key) for key in keys], dtype=object)
    if "boolean" not in families or len(set(families) & NUMBERS) != 1:
        return None
    values, failed = cast_column(repair.column, repair.guard)
    return None if np.delete(failed, rows).any() else values
