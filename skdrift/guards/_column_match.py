"""Columns of a table against those that a guard was fitted with."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from skdrift._core.frame import Table
from skdrift.exceptions import InputError
from skdrift.guards._column_guard import GuardRules

MOST_NAMED = 5


@dataclass(frozen=True, slots=True, eq=False)
class ColumnMatch:
    """Which column of a table stands for which column of training.

    Attributes
    ----------
    places : list of int
        Position in the table of each column of training; -1 where it is missing.
    missing, extra : tuple of str
    reordered : bool
    """

    places: list[int]
    missing: tuple[str, ...] = ()
    extra: tuple[str, ...] = ()
    reordered: bool = False

    @property
    def differs(self) -> bool:
        """Whether the columns are not those of training."""
        return bool(self.missing or self.extra or self.reordered)


def match_to(table: Table, rules: GuardRules, guard: str) -> ColumnMatch:
    """Match by name if both sides have names, else by position.

    Raises
    ------
    InputError
        If there are no names to match by and the number of columns differs.
    """
    n = rules.n_features
    if table.names is None or rules.names is None:
        if table.n_features != n:
            raise InputError(
                f"X has {table.n_features} features, but {guard} is expecting {n} "
                "features as input."
            )
        return ColumnMatch(list(range(n)))
    if table.names == rules.names:
        return ColumnMatch(list(range(n)))
    found = {name: place for place, name in enumerate(table.names)}
    places = [found.get(name, -1) for name in rules.names]
    known = set(rules.names)
    present = np.array([place for place in places if place >= 0])
    return ColumnMatch(
        places,
        missing=tuple(name for name in rules.names if name not in found),
        extra=tuple(name for name in table.names if name not in known),
        reordered=bool((np.diff(present) < 0).any()),
    )


def mismatch_text(match: ColumnMatch) -> str:
    """What is wrong with the columns, in scikit-learn's words."""
    lines = ["The feature names should match those that were passed during fit."]
    if match.extra:
        lines += ["Feature names unseen at fit time:", *_listed(match.extra)]
    if match.missing:
        lines += [
            "Feature names seen at fit time, yet now missing:",
            *_listed(match.missing),
        ]
    if match.reordered and not match.extra and not match.missing:
        lines.append("Feature names must be in the same order as they were in fit.")
    return "\n".join(lines)


def _listed(names: tuple[str, ...]) -> list[str]:
    shown = [f"- {name[:200]}" for name in sorted(names)[:MOST_NAMED]]
    return [*shown, "- ..."] if len(names) > MOST_NAMED else shown
