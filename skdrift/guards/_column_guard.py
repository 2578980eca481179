"""What a guard knows of each column, learned once from training data."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from skdrift.exceptions import FormatError
from skdrift.guards._flagging import ColumnRule
from skdrift.guards._settings import OFF
from skdrift.profile._cells import LevelCells

FORMAT = 1
KINDS = ("schema", "category", "range", "missing")
UNREPAIRED = frozenset({OFF, "raise", "warn", "ignore"})
FEW_CELLS = 100_000
WIDE_ROW = 1_000
NUMBERS = frozenset({"integer", "float", "decimal"})


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ColumnGuard:
    """What one column may hold, and what is done about the rest.

    Attributes
    ----------
    label : str
    rule : ColumnRule
    category, range, missing : str
        Policies; ``"off"`` where the column is not watched for it.
    clip : tuple of two numbers
        What too small and too large numbers become; datetimes as microseconds since
        1970.
    typical, fill, other : str
        Keys of the most typical value, of what replaces missing cells and of what
        replaces unseen categories; empty if there is none.
    categories : tuple of str
        Keys of the categories of a column that its container called categorical.
    by_imputer : bool
        Whether missing cells are left to the imputer.
    """

    label: str
    rule: ColumnRule
    category: str = OFF
    range: str = OFF
    missing: str = OFF
    clip: tuple[float, float] = (-np.inf, np.inf)
    typical: str = ""
    fill: str = ""
    other: str = ""
    categories: tuple[str, ...] = ()
    by_imputer: bool = False

    @property
    def is_watched(self) -> bool:
        """Whether some policy is about the cells of this column."""
        return not (self.category == self.range == self.missing == OFF)

    @property
    def is_plain(self) -> bool:
        """Whether two limits and NaN say everything about the column."""
        return self.rule.levels is None and self.rule.family in {"integer", "float"}


class BlockLimits:
    """Limits of all columns at once, for plain arrays of numbers.

    Parameters
    ----------
    columns : sequence of ColumnGuard
    """

    def __init__(self, columns: tuple[ColumnGuard, ...]) -> None:
        rules = [column.rule for column in columns]
        self.plain = all(column.is_plain for column in columns)
        self.lower = np.array([rule.lower for rule in rules])
        self.upper = np.array([rule.upper for rule in rules])

    def suspects(self, block: np.ndarray) -> np.ndarray:
        """Mask of the columns with a cell outside, NaN included.

        Parameters
        ----------
        block : ndarray of shape (n_rows, n_features)
        """
        with np.errstate(invalid="ignore"):  # a signalling NaN
            if block.size <= FEW_CELLS:
                inside = (block >= self.lower) & (block <= self.upper)
                return ~np.asarray(inside.all(axis=0))
            low, high = _extreme(np.minimum, block), _extreme(np.maximum, block)
            inside = (low >= self.lower) & (high <= self.upper)
        return np.asarray(~inside)


def _extreme(least: np.ufunc, block: np.ndarray) -> np.ndarray:
    """Smallest or largest value of each column, NaN where there is one.

    Several rows are put side by side, which numpy takes in longer strides.
    """
    n_rows, n_features = block.shape
    together = WIDE_ROW // n_features
    if together < 2 or not block.flags.c_contiguous or n_rows < together:
        return np.asarray(least.reduce(block))
    whole = n_rows // together * together
    wide = block[:whole].reshape(-1, together * n_features)
    found = least.reduce(least.reduce(wide).reshape(together, n_features))
    return np.asarray(least(found, least.reduce(block[n_rows - together :])))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class GuardRules:
    """What a fitted guard knows: its columns, and what is done about the table.

    Attributes
    ----------
    columns : tuple of ColumnGuard
    names : tuple of str or None
        Names of the columns, where the table had names.
    schema : str
        Policy for columns; ``"off"`` if only a `SchemaGuard` would watch them.
    retyped : str
        Policy for columns that are of another type.
    uncastable, fill, otherwise : str
        What becomes of cells that cannot be cast, of missing columns, and of
        categories that resemble no other.
    similarity : float
        Least similarity of two spellings.
    add_indicator : bool
        Whether what is repaired is flagged, too.
    """

    columns: tuple[ColumnGuard, ...]
    names: tuple[str, ...] | None
    schema: str
    retyped: str
    uncastable: str
    fill: str
    otherwise: str
    similarity: float
    add_indicator: bool
    limits: BlockLimits = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "limits", BlockLimits(self.columns))

    @property
    def n_features(self) -> int:
        """Number of columns."""
        return len(self.columns)

    @property
    def repairs_columns(self) -> bool:
        """Whether the columns become those of training."""
        return self.schema in {"repair", "flag"}

    @property
    def adds_columns(self) -> bool:
        """Whether there are indicator columns."""
        return any(
            self.indicates(column, kind) for column in self.columns for kind in KINDS
        )

    def indicates(self, column: ColumnGuard, kind: str) -> bool:
        """Whether a column has an indicator of some kind."""
        policy = self.schema if kind == "schema" else getattr(column, kind)
        return policy == "flag" or (self.add_indicator and policy not in UNREPAIRED)

    def __getstate__(self) -> dict[str, Any]:
        meta = {name: getattr(self, name) for name in _PLAIN}
        meta["columns"] = [_pack_column(column) for column in self.columns]
        return {"format": FORMAT, "meta": json.dumps(meta)}

    def __setstate__(self, state: dict[str, Any]) -> None:
        if state["format"] > FORMAT:
            raise FormatError(
                f"the guard was stored in format {state['format']}, this skdrift reads "
                f"up to {FORMAT}: upgrade skdrift"
            )
        meta = json.loads(state["meta"])
        columns = tuple(map(_unpack_column, meta.pop("columns")))
        names = meta.pop("names")
        for name, value in meta.items():
            object.__setattr__(self, name, value)
        object.__setattr__(self, "columns", columns)
        object.__setattr__(self, "names", None if names is None else tuple(names))
        self.__post_init__()

    def __repr__(self) -> str:
        return f"GuardRules(n_features={self.n_features})"


_PLAIN = (
    "names",
    "schema",
    "retyped",
    "uncastable",
    "fill",
    "otherwise",
    "similarity",
    "add_indicator",
)
_RULE_PLAIN = ("family", "lower", "upper", "may_miss", "may_sink", "may_soar")
_COLUMN_PLAIN = (
    "label",
    "category",
    "range",
    "missing",
    "clip",
    "typical",
    "fill",
    "other",
    "categories",
    "by_imputer",
)


def _pack_column(column: ColumnGuard) -> dict[str, Any]:
    rule = column.rule
    return {
        **{name: getattr(column, name) for name in _COLUMN_PLAIN},
        "rule": {name: getattr(rule, name) for name in _RULE_PLAIN},
        "levels": None if rule.levels is None else list(rule.levels.keys),
    }


def _unpack_column(stored: dict[str, Any]) -> ColumnGuard:
    stored = dict(stored)
    keys = stored.pop("levels")
    levels = None if keys is None else known_levels(keys)
    rule = ColumnRule(**stored.pop("rule"), levels=levels)
    low, high = stored.pop("clip")
    categories = tuple(stored.pop("categories"))
    return ColumnGuard(rule=rule, clip=(low, high), categories=categories, **stored)


def known_levels(keys: Any) -> LevelCells:
    """Levels that are known, the most frequent first."""
    return LevelCells(feature=0, aspect="value", keys=tuple(keys))
