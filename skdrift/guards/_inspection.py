"""Inspection: which cells break the rules of their column."""

from __future__ import annotations

import numpy as np

from skdrift._core.columns import Column
from skdrift._core.frame import Table
from skdrift._core.frame_cells import column_or_cells
from skdrift.guards._column_guard import GuardRules
from skdrift.guards._flagging import ColumnRule, flag_column
from skdrift.guards._flags import UNREADABLE
from skdrift.guards._settings import OFF

PLAIN_NUMBERS = frozenset({int, float})


def flagged_columns(
    table: Table, rules: GuardRules, places: list[int]
) -> dict[int, np.ndarray]:
    """Flags of the columns that have any, by the position of the column in training."""
    if _few_within(table, rules, places):
        return {}
    limits = rules.limits
    block = table.number_block() if limits.plain else None
    suspects = None
    if block is not None and block.shape[1] == rules.n_features:
        suspects = limits.suspects(block)
        if suspects is None:
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


def _few_within(table: Table, rules: GuardRules, places: list[int]) -> bool:
    """Whether a table of very few rows keeps all rules: the usual, fast case.

    Asked of Python's own numbers and texts alone; for all others the columns are read.
    """
    cells = table.few_cells() if min(places) >= 0 else None
    if cells is None:
        return False
    for column, place in zip(rules.columns, places, strict=True):
        rule = column.rule
        known = None if rule.levels is None else rule.levels.index
        if known is None and not column.is_plain:
            return False
        for row in cells:
            cell = row[place]
            if known is not None:
                if type(cell) is not str or cell not in known or cell[:1] == "\0":
                    return False
            elif type(cell) not in PLAIN_NUMBERS or not (
                rule.lower <= cell <= rule.upper
            ):
                return False
    return True
