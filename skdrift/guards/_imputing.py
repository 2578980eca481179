"""Imputing: what a scikit-learn imputer makes of the columns of numbers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from skdrift._core.frame import Table
from skdrift._core.frame_cells import column_or_cells
from skdrift.exceptions import InputError
from skdrift.guards._column_guard import GuardRules
from skdrift.guards._column_match import ColumnMatch
from skdrift.guards._column_repair import ColumnRepair


def impute(
    waiting: Sequence[tuple[ColumnRepair, np.ndarray]],
    repairs: Sequence[ColumnRepair],
    table: Table,
    rules: GuardRules,
    match: ColumnMatch,
    imputer: Any,
) -> None:
    """Let the imputer answer for the rows that need it."""
    by_guard = {id(repair.guard): repair for repair in repairs}
    needing = np.unique(np.concatenate([rows for _, rows in waiting]))
    guards = [
        (guard, match.places[position])
        for position, guard in enumerate(rules.columns)
        if guard.by_imputer
    ]
    matrix = np.full((len(needing), len(guards)), np.nan)
    for place, (guard, position) in enumerate(guards):
        repair = by_guard.get(id(guard))
        if repair is not None:
            cells, edit = repair.column.floats(), repair.edit(0)
            cells[edit.rows] = np.array(edit.values, dtype=np.float64)
        elif position >= 0:
            cells = column_or_cells(table, position).floats()
        else:
            continue
        matrix[:, place] = cells[needing]
    answer = imputed(imputer, matrix)
    places = {id(guard): place for place, (guard, _) in enumerate(guards)}
    for repair, rows in waiting:
        found = answer[np.searchsorted(needing, rows), places[id(repair.guard)]]
        rule = repair.guard.rule
        if np.isnan(found).any():
            raise InputError(
                f"imputer {type(imputer).__name__} gave NaN for a missing cell of "
                f"column {repair.guard.label!r}; choose another one"
            )
        found = np.clip(found, rule.lower, rule.upper)
        repair.write(rows, found.tolist())


def imputed(imputer: Any, matrix: np.ndarray) -> np.ndarray:
    """What an imputer makes of numbers, of which the infinite count as missing.

    Raises
    ------
    InputError
        If the imputer fails.
    """
    try:
        with np.errstate(over="ignore", invalid="ignore"):
            answer = imputer.transform(finite_or_missing(matrix))
        return np.asarray(answer, dtype=np.float64)
    except (ValueError, TypeError) as error:
        raise InputError(
            f"imputer {type(imputer).__name__} could not fill the missing cells "
            f"({error}); choose another one"
        ) from error


def finite_or_missing(matrix: np.ndarray) -> np.ndarray:
    """Numbers, NaN where they are infinite."""
    return np.where(np.isfinite(matrix), matrix, np.nan)
