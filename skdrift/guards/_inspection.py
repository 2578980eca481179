"""Inspection: which cells break the rules of their column."""

from __future__ import annotations

from typing import Any

import numpy as np

from skdrift._core.columns import Column
from skdrift._core.frame import Table
from skdrift._core.frame_cells import column_or_cells
from skdrift.guards._column_guard import ColumnGuard, GuardRules
from skdrift.guards._flagging import ColumnRule, flag_column
from skdrift.guards._flags import UNREADABLE
from skdrift.guards._settings import OFF

PLAIN_NUMBERS = frozenset({int, float})
READABLE = 2**63


def flagged_columns(
    table: Table, rules: GuardRules, places: list[int]
) -> dict[int, np.ndarray]:
    """Flags of the columns that have any, by the position of the column in training."""
    suspects = _suspects(table, rules, places)
    if suspects is not None and not suspects.any():
        return {}
    found: dict[int, np.ndarray] = {}
    for position, place in enumerate(places):
        if place < 0 or (suspects is not None and not suspects[position]):
            continue
        guard = rules.columns[position]
        if rules.schema == OFF and not guard.is_watched:
            continue
        column = column_or_cells(table, place)
        flags = flag_column(column, guard.rule)
        if rules.schema != OFF and _has_other_cells(column, guard.rule):
            flags = _other_cells(column, flags)
        if flags is not None:
            found[position] = flags
    return found


def _suspects(table: Table, rules: GuardRules, places: list[int]) -> np.ndarray | None:
    """Mask of the columns that must be read, or None if all of them must."""
    cells = table.few_cells() if min(places) >= 0 else None
    if cells is not None:
        return np.array(
            [
                not _keeps_rule(column, [row[place] for row in cells])
                for column, place in zip(rules.columns, places, strict=True)
            ]
        )
    block = table.number_block() if rules.limits.plain else None
    if block is None or block.shape[1] != rules.n_features:
        return None
    return rules.limits.suspects(block)


def _keeps_rule(column: ColumnGuard, cells: list[Any]) -> bool:
    """Whether a few cells surely keep the rule of their column.

    Asked of Python's own numbers and texts alone; others have to be read.
    """
    rule = column.rule
    if rule.levels is not None:
        known = rule.levels.index
        return all(
            type(cell) is str and cell in known and cell[:1] != "\0" for cell in cells
        )
    return column.is_plain and all(
        type(cell) in PLAIN_NUMBERS
        and rule.lower <= cell <= rule.upper
        and (type(cell) is float or -READABLE <= cell < READABLE)
        for cell in cells
    )


def _has_other_cells(column: Column, rule: ColumnRule) -> bool:
    """Whether there are other cells among texts, which training did not have."""
    return rule.family == "string" and column.family == "mixed"


def _other_cells(column: Column, flags: np.ndarray | None) -> np.ndarray:
    """Flags, with those of the cells that are no texts."""
    found = np.zeros(column.n_rows, dtype=np.uint8) if flags is None else flags.copy()
    others = [
        row
        for row, key in enumerate(column.keys())
        if key is not None and key[:1] == "\0" and not key.startswith("\0s:")
    ]
    found[others] = UNREADABLE
    return found
