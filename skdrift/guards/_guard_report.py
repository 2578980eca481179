"""`GuardReport`: what a guard found in a batch, and what it did about it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from skdrift._core.frame_output import pandas_frame

MOST_ROWS = 1_000
MOST_NAMED = 5


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class GuardAction:
    """One thing that a guard found in one column.

    Attributes
    ----------
    feature : str
        Name of the column.
    code : str
        Code of the finding, such as ``"DA402"``.
    problem : str
        ``"unseen"``, ``"out of range"``, ``"infinite"``, ``"missing"``,
        ``"other type"``, ``"missing column"``, ``"extra column"`` or
        ``"other order"``.
    policy : str
        What the guard was told to do.
    n_rows : int
        Rows that are concerned.
    rows : ndarray of int of shape (n_rows,)
        Their positions; empty where a whole column is concerned.
    examples : tuple of str
        At most three of the values.
    done : str
        What became of the cells, in words; empty if nothing did.
    """

    feature: str
    code: str
    problem: str
    policy: str
    n_rows: int
    rows: np.ndarray
    examples: tuple[str, ...] = ()
    done: str = ""

    def __str__(self) -> str:
        parts = [f"{self.code} {self.feature[:200]!r}: {self.problem}"]
        if len(self.rows):
            shown = ", ".join(map(str, self.rows[:MOST_NAMED].tolist()))
            more = ", …" if len(self.rows) > MOST_NAMED else ""
            parts.append(f"{self.n_rows:,} row(s) ({shown}{more})")
        if self.examples:
            parts.append("for example " + ", ".join(map(repr, self.examples)))
        if self.done:
            parts.append(self.done)
        return "; ".join(parts)

    def to_dict(self) -> dict[str, Any]:
        """Plain form for JSON; at most 1,000 positions of rows."""
        return {
            "feature": self.feature,
            "code": self.code,
            "problem": self.problem,
            "policy": self.policy,
            "n_rows": self.n_rows,
            "rows": self.rows[:MOST_ROWS].tolist(),
            "examples": list(self.examples),
            "done": self.done,
        }


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class GuardReport:
    """What a guard found in a batch, and what it did about it.

    Attributes
    ----------
    guard : str
        Name of the guard's class.
    n_rows : int
        Rows of the batch.
    actions : tuple of GuardAction
        Empty if the batch is like training.
    """

    guard: str
    n_rows: int
    actions: tuple[GuardAction, ...] = ()

    def rows(self) -> np.ndarray:
        """Mask of the rows that are concerned, of shape (n_rows,).

        All of them where a column is missing.
        """
        mask = np.zeros(self.n_rows, dtype=bool)
        for action in self.actions:
            if action.problem == "missing column":
                mask[:] = True
            mask[action.rows] = True
        return mask

    def to_dict(self) -> dict[str, Any]:
        """Plain form for JSON."""
        return {
            "guard": self.guard,
            "n_rows": self.n_rows,
            "actions": [action.to_dict() for action in self.actions],
        }

    def to_frame(self) -> Any:
        """Actions as a pandas data frame, one row for each.

        Raises
        ------
        MissingDependencyError
            If pandas is not installed.
        """
        names = ("feature", "code", "problem", "policy", "n_rows", "done")
        return pandas_frame(
            {name: [getattr(action, name) for action in self.actions] for name in names}
        )

    def __str__(self) -> str:
        if not self.actions:
            return f"{self.guard}: {self.n_rows:,} rows, nothing to do"
        n_rows = int(self.rows().sum())
        head = f"{self.guard}: {n_rows:,} of {self.n_rows:,} rows concerned"
        return "\n".join([head, *(f"- {action}" for action in self.actions)])
