"""Grid: where to look. Learned once from training data and then frozen."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import Any, TypeVar

import numpy as np

from skdrift._core.frame import Table, is_chunk_iterator, read_table
from skdrift.exceptions import InputError, ParameterError
from skdrift.profile._cells import Cells, LevelCells, NumberCells
from skdrift.profile._chunks import sample_chunks
from skdrift.profile._learn import Learned, learn_column
from skdrift.profile._packing import pack_grid, unpack_grid
from skdrift.profile._threads import map_columns, thread_count

N_CELLS = 128

Kept = TypeVar("Kept")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Grid:
    """Where to look: the cells in which rows are counted.

    A grid is learned from training data and never changes. Profiles counted on one
    grid can be added up and compared.

    Attributes
    ----------
    labels : tuple of str
        Names of the columns, or ``"x0"``, ``"x1"``, … for tables without names.
    names : tuple of str or None
        Names of the columns; None for tables without names.
    kinds : tuple of str
        For each column ``"numeric"``, ``"categorical"``, ``"boolean"``,
        ``"datetime"``, ``"text"``, ``"identifier"`` or ``"empty"``.
    families : tuple of str
        For each column the type it had: ``"integer"``, ``"float"``, ``"string"``, …
    untested : tuple of str
        For each column why its distribution is not compared; empty if it is.
    cells : tuple
        What is counted, in the order of the columns. A text column has two
        entries (length, shape); an identifier or an empty column has none.
    n_rows : int
        Rows that were learned from.
    """

    labels: tuple[str, ...]
    names: tuple[str, ...] | None
    kinds: tuple[str, ...]
    families: tuple[str, ...]
    untested: tuple[str, ...]
    cells: tuple[Cells, ...]
    n_rows: int

    @classmethod
    def learn(
        cls,
        X: Any,
        *,
        categorical_features: Any = "from_dtype",
        n_cells: int = N_CELLS,
        min_category_count: int = 1,
        n_threads: int | None = None,
    ) -> Grid:
        """Learn a grid from training data.

        Parameters
        ----------
        X : table of shape (n_rows, n_features), or an iterator of such tables
            From an iterator (data larger than memory) every category is counted;
            quantiles come from a systematic sample of at most 200,000 rows (less in
            tables of more than 125 columns), with the exact extremes.
        categorical_features : "from_dtype", None, or array-like
            Which columns are categories. ``"from_dtype"`` (or None): texts and what
            the table itself calls categorical. Else names, positions or a boolean
            mask of further columns, as in `HistGradientBoostingClassifier`.
        n_cells : int, default=128
            Quantile intervals of a numeric column, and the largest number of
            repeated values tracked beside them.
        min_category_count : int, default=1
            Categories that occur less often are kept as a salted hash, not by name.
        n_threads : int or None
            Threads over columns; None: all cores when there is enough to do.

        Returns
        -------
        Grid

        Raises
        ------
        InputError, InputTypeError
            If `X` is no table, has no rows, or a column cannot be read.
        ParameterError
            If `categorical_features` names a column that is not there.
        """
        if is_chunk_iterator(X):
            table = sample_chunks(
                X, lambda first: declared_categories(first, categorical_features)
            )
        else:
            table = read_table(X)
        grid, _ = learn_grid(
            table,
            lambda learned: None,
            categorical_features=categorical_features,
            n_cells=n_cells,
            min_category_count=min_category_count,
            n_threads=n_threads,
        )
        return grid

    @property
    def n_features(self) -> int:
        """Number of columns."""
        return len(self.labels)

    def fingerprint(self) -> str:
        """Hash of everything that decides where a cell is counted."""
        known = [
            (cells.feature, cells.aspect, cells.keys, cells.salt, cells.pooled)
            if isinstance(cells, LevelCells)
            else (cells.feature, cells.aspect, len(cells.points), cells.single)
            for cells in self.cells
        ]
        named = repr((self.labels, self.kinds, known))
        digest = sha256(named.encode("utf-8", "backslashreplace"))
        for cells in self.cells:
            if isinstance(cells, NumberCells):
                digest.update(_canonical(cells.points).tobytes())
                digest.update(cells.tracked.tobytes())
        return digest.hexdigest()

    def to_dict(self) -> dict[str, Any]:
        """Plain form for JSON; `from_dict` reads it."""
        return pack_grid(self, plain=True)

    @classmethod
    def from_dict(cls, stored: dict[str, Any]) -> Grid:
        """Read what `to_dict` gave.

        Raises
        ------
        FormatError
            If `stored` is damaged, or was written by a newer skdrift.
        """
        return cls(**unpack_grid(stored))

    def __getstate__(self) -> dict[str, Any]:
        return pack_grid(self)

    def __setstate__(self, state: dict[str, Any]) -> None:
        for name, value in unpack_grid(state).items():
            object.__setattr__(self, name, value)

    def __repr__(self) -> str:
        return f"Grid(n_features={self.n_features}, n_rows={self.n_rows})"


def learn_grid(
    table: Table,
    keep: Callable[[Learned], Kept],
    *,
    categorical_features: Any,
    n_cells: int,
    min_category_count: int,
    n_threads: int | None,
) -> tuple[Grid, list[Kept]]:
    """Learn every column, and what to keep of each before its values are dropped.

    Parameters
    ----------
    table : Table
    keep : callable
        Given what a column taught, values included; called once for each column.

    Returns
    -------
    grid : Grid
    kept : list
        Of each column, what `keep` gave.
    """
    _check_at_least("n_cells", n_cells, 2)
    _check_at_least("min_category_count", min_category_count, 1)
    if not table.n_rows:
        raise InputError(
            f"X has no rows (shape {(0, table.n_features)}); a grid needs at least one"
        )
    declared = declared_categories(table, categorical_features)
    salt = secrets.token_hex(8)

    def learn(positions: list[int]) -> list[tuple[Learned, Kept]]:
        results = []
        for position, column in zip(positions, table.read(positions), strict=True):
            learned = learn_column(
                column,
                position,
                declared=bool(declared[position]),
                n_cells=n_cells,
                min_category_count=min_category_count,
                salt=salt,
            )
            results.append((replace(learned, readings=()), keep(learned)))
        return results

    threads = thread_count(n_threads, table.n_rows * table.n_features)
    results = map_columns(
        learn, table.n_features, together=table.cluster, n_threads=threads
    )
    columns = [learned for learned, _ in results]
    grid = Grid(
        labels=table.labels,
        names=table.names,
        kinds=tuple(learned.kind for learned in columns),
        families=tuple(learned.family for learned in columns),
        untested=tuple(learned.untested for learned in columns),
        cells=tuple(cells for learned in columns for cells in learned.cells),
        n_rows=table.n_rows,
    )
    return grid, [kept for _, kept in results]


def _canonical(points: np.ndarray) -> np.ndarray:
    """Points as floats where that loses nothing: 1 and 1.0 count the same rows."""
    floats = points.astype(np.float64)
    same = points.dtype.kind == "f" or bool((np.abs(floats) <= 2.0**53).all())
    return floats if same else points


def _check_at_least(name: str, value: Any, least: int) -> None:
    whole = isinstance(value, int | np.integer) and not isinstance(value, bool)
    if not whole or value < least:
        raise ParameterError(
            f"{name} must be an integer of at least {least}, got {value!r}"
        )


def declared_categories(table: Table, categorical_features: Any) -> np.ndarray:
    """Mask of the columns that the user calls categorical.

    Raises
    ------
    ParameterError
        If a name or a position is not there, or the mask has the wrong length.
    """
    chosen = np.zeros(table.n_features, dtype=bool)
    if categorical_features is None or (
        isinstance(categorical_features, str) and categorical_features == "from_dtype"
    ):
        return chosen
    wanted = _listed(categorical_features)
    if all(isinstance(item, bool | np.bool_) for item in wanted):
        if wanted and len(wanted) != table.n_features:
            raise ParameterError(
                "categorical_features as a mask must have one entry for each of the "
                f"{table.n_features} columns, got {len(wanted)}"
            )
        chosen[: len(wanted)] = wanted
        return chosen
    if all(isinstance(item, str) for item in wanted):
        places = {name: place for place, name in enumerate(table.names or ())}
        _refuse_unknown([item for item in wanted if item not in places], table)
        wanted = [places[item] for item in wanted]
    elif not all(_is_position(item) for item in wanted):
        kinds = sorted({type(item).__name__ for item in wanted})
        raise ParameterError(
            "categorical_features must list names, positions or booleans, all of one "
            f"kind, got {kinds[:5]}"
        )
    n = table.n_features
    _refuse_unknown([int(item) for item in wanted if not -n <= item < n], table)
    chosen[np.array(wanted, dtype=np.intp)] = True
    return chosen


def _listed(categorical_features: Any) -> list[Any]:
    if isinstance(categorical_features, str) or not hasattr(
        categorical_features, "__iter__"
    ):
        raise ParameterError(
            "categorical_features must be 'from_dtype', None, or a list of names, "
            f"positions or booleans, got {categorical_features!r}; pass "
            f"[{categorical_features!r}] for one column"
        )
    return list(categorical_features)


def _is_position(item: Any) -> bool:
    return isinstance(item, int | np.integer) and not isinstance(item, bool)


def _refuse_unknown(unknown: list[Any], table: Table) -> None:
    if unknown:
        raise ParameterError(
            f"categorical_features lists {unknown[:5]}, which X does not have; its "
            f"{table.n_features} columns are {list(table.labels[:5])}"
        )
