"""Profile: what was counted on a grid. Profiles on one grid add up exactly."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from skdrift._core.frame import Table, is_chunk_iterator, read_table
from skdrift.exceptions import FormatError, GridMismatchError
from skdrift.profile import _stored as stored_form
from skdrift.profile._cells import first_unseen
from skdrift.profile._count import (
    ColumnCount,
    Novelty,
    count_column,
    count_readings,
    match_columns,
    nothing_counted,
)
from skdrift.profile._grid import Grid, learn_grid
from skdrift.profile._learn import Learned
from skdrift.profile._packing import FORMAT
from skdrift.profile._threads import map_columns, thread_count

INTEGER_FIELDS = (
    "n_read",
    "n_missing",
    "n_negative_infinite",
    "n_positive_infinite",
)
FLOAT_FIELDS = ("mean", "m2", "smallest", "largest")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Profile:
    """What was counted of a set of rows.

    All counts are exact integers, so `merge` is exact, associative and commutative;
    the moments are floats and agree up to rounding. A profile holds no row: for
    numbers, counts between quantiles of the training data and the two extremes; for
    categories, names and counts.

    Attributes
    ----------
    grid : Grid
        What the rows were counted on.
    n_rows : int
        Rows counted.
    counts : tuple of ndarray of int64
        One entry for each of ``grid.cells``.
    unseen : tuple of dict of str to int
        Levels that the grid does not know, one entry for each of ``grid.cells``.
    families : tuple of str
        Types that each column had, joined by ``"|"``; empty if it was never there.
    n_read : ndarray of int64 of shape (n_features,)
        Rows in which the column was there and readable.
    n_missing, n_negative_infinite, n_positive_infinite : ndarray of int64
        Of shape (n_features,).
    mean, m2, smallest, largest : ndarray of float of shape (n_features,)
        Of the finite values of numeric columns: mean, sum of squared deviations
        from it, extremes. NaN for other columns.
    """

    grid: Grid
    n_rows: int
    counts: tuple[np.ndarray, ...]
    unseen: tuple[dict[str, int], ...]
    families: tuple[str, ...]
    n_read: np.ndarray
    n_missing: np.ndarray
    n_negative_infinite: np.ndarray
    n_positive_infinite: np.ndarray
    mean: np.ndarray
    m2: np.ndarray
    smallest: np.ndarray
    largest: np.ndarray

    @classmethod
    def count(cls, X: Any, grid: Grid, *, n_threads: int | None = None) -> Profile:
        """Count the rows of a table on a grid.

        Parameters
        ----------
        X : table of shape (n_rows, n_features), or an iterator of such tables
            Columns are matched by name where both sides have names. A column that is
            missing, or whose type cannot be compared, is counted in no row.
        grid : Grid
        n_threads : int or None
            Threads over columns; None: all cores when there is enough to do.

        Returns
        -------
        Profile

        Raises
        ------
        InputError, InputTypeError
            If `X` is no table.
        """
        if is_chunk_iterator(X):
            total = cls.empty(grid)
            for chunk in X:
                total = total.merge(cls.count(chunk, grid, n_threads=n_threads))
            return total
        profile, _ = count_table(read_table(X, strict=False), grid, n_threads=n_threads)
        return profile

    @classmethod
    def empty(cls, grid: Grid) -> Profile:
        """Profile of no rows, neutral in `merge`."""
        return assemble(
            grid, 0, [nothing_counted(cells, "") for cells in cells_by_feature(grid)]
        )

    def merge(self, other: Profile) -> Profile:
        """Profile of the rows of both.

        Raises
        ------
        GridMismatchError
            If the two were counted on different grids.
        """
        _check_same_grid(self.grid, other.grid)
        mean, m2 = _merge_moments(self, other)
        with np.errstate(invalid="ignore"):
            smallest = np.fmin(self.smallest, other.smallest)
            largest = np.fmax(self.largest, other.largest)
        return Profile(
            grid=self.grid,
            n_rows=self.n_rows + other.n_rows,
            counts=tuple(a + b for a, b in zip(self.counts, other.counts, strict=True)),
            unseen=tuple(map(_add_counts, self.unseen, other.unseen)),
            families=tuple(map(_join_families, self.families, other.families)),
            mean=mean,
            m2=m2,
            smallest=smallest,
            largest=largest,
            **{
                name: getattr(self, name) + getattr(other, name)
                for name in INTEGER_FIELDS
            },
        )

    def n_finite(self) -> np.ndarray:
        """Finite or known values of each column, of shape (n_features,)."""
        infinite = self.n_negative_infinite + self.n_positive_infinite
        finite: np.ndarray = self.n_read - self.n_missing - infinite
        return finite

    def to_dict(self) -> dict[str, Any]:
        """Plain form for JSON, grid included; `from_dict` reads it."""
        return {
            "format": FORMAT,
            "grid": self.grid.to_dict(),
            "n_rows": self.n_rows,
            "counts": [counts.tolist() for counts in self.counts],
            "unseen": [dict(new) for new in self.unseen],
            "families": list(self.families),
            **{name: getattr(self, name).tolist() for name in INTEGER_FIELDS},
            **{
                name: [_plain_float(value) for value in getattr(self, name).tolist()]
                for name in FLOAT_FIELDS
            },
        }

    @classmethod
    def from_dict(cls, stored: dict[str, Any]) -> Profile:
        """Read what `to_dict` gave.

        Raises
        ------
        FormatError
            If `stored` is damaged, or was written by a newer skdrift.
        """
        stored_form.check_format(stored, "profile", FORMAT)
        try:
            grid = Grid.from_dict(stored["grid"])
            parts = zip(stored["counts"], grid.cells, strict=True)
            profile = cls(
                grid=grid,
                n_rows=stored_form.whole(stored["n_rows"]),
                counts=tuple(
                    stored_form.counts(counts, cells.n_cells) for counts, cells in parts
                ),
                unseen=tuple(map(stored_form.count_by_text, stored["unseen"])),
                families=stored_form.texts(stored["families"]),
                **{
                    name: stored_form.counts(stored[name], grid.n_features)
                    for name in INTEGER_FIELDS
                },
                **{
                    name: stored_form.floats(stored[name], grid.n_features)
                    for name in FLOAT_FIELDS
                },
            )
            _check_sums(profile)
        except stored_form.DAMAGE as error:
            if isinstance(error, FormatError):
                raise
            raise stored_form.damaged("profile", error, "count it again") from error
        return profile

    def __getstate__(self) -> dict[str, Any]:
        meta = {
            "n_rows": self.n_rows,
            "unseen": self.unseen,
            "families": self.families,
        }
        flat = np.concatenate([np.zeros(0, dtype=np.int64), *self.counts])
        narrow = flat.astype(np.min_scalar_type(flat.max(initial=0)))
        arrays = {name: getattr(self, name) for name in INTEGER_FIELDS + FLOAT_FIELDS}
        return {
            "format": FORMAT,
            "meta": json.dumps(meta),
            "grid": self.grid,
            "arrays": {"counts": narrow, **arrays},
        }

    def __setstate__(self, state: dict[str, Any]) -> None:
        stored_form.check_format(state, "profile", FORMAT)
        meta, grid, arrays = json.loads(state["meta"]), state["grid"], state["arrays"]
        ends = np.cumsum([cells.n_cells for cells in grid.cells])[:-1]
        flat = arrays["counts"].astype(np.int64)
        fields = {
            "grid": grid,
            "n_rows": meta["n_rows"],
            "counts": tuple(np.split(flat, ends)) if grid.cells else (),
            "unseen": tuple(meta["unseen"]),
            "families": tuple(meta["families"]),
            **{name: arrays[name] for name in INTEGER_FIELDS + FLOAT_FIELDS},
        }
        for name, value in fields.items():
            object.__setattr__(self, name, value)

    def __repr__(self) -> str:
        return f"Profile(n_rows={self.n_rows}, n_features={self.grid.n_features})"


def _plain_float(value: float) -> float | str | None:
    if math.isfinite(value):
        return value
    return None if math.isnan(value) else str(value)


def _check_sums(profile: Profile) -> None:
    grid, finite = profile.grid, profile.n_finite()
    if len(profile.unseen) != len(grid.cells):
        raise ValueError("unseen levels are not stored for each of the cells")
    if len(profile.families) != grid.n_features:
        raise ValueError("types are not stored for each of the columns")
    if (finite < 0).any() or (profile.n_read > profile.n_rows).any():
        raise ValueError("more rows were counted than read")
    for cells, counts, new in zip(
        grid.cells, profile.counts, profile.unseen, strict=True
    ):
        if counts.sum() != finite[cells.feature] or sum(new.values()) > counts[-1]:
            raise ValueError(f"counts of column {cells.feature} do not add up")


def _check_same_grid(a: Grid, b: Grid) -> None:
    if a is not b and a.fingerprint() != b.fingerprint():
        raise GridMismatchError(
            f"profiles can be combined on one grid only, got {a!r} and {b!r} that "
            "differ; count both on the same grid"
        )


def _merge_moments(a: Profile, b: Profile) -> tuple[np.ndarray, np.ndarray]:
    n_a = np.where(np.isnan(a.mean), 0, a.n_finite())
    n_b = np.where(np.isnan(b.mean), 0, b.n_finite())
    share_b = n_b / np.maximum(n_a + n_b, 1)
    with np.errstate(invalid="ignore", over="ignore"):
        apart = b.mean - a.mean
        # Where the difference overflows, the weighted mean does not.
        mean = np.where(
            np.isfinite(apart),
            a.mean + apart * share_b,
            a.mean * (1 - share_b) + b.mean * share_b,
        )
        m2 = a.m2 + b.m2 + apart * apart * (n_a * share_b)
    mean = np.where(n_b == 0, a.mean, np.where(n_a == 0, b.mean, mean))
    return mean, np.where((n_a == 0) | (n_b == 0), a.m2 + b.m2, m2)


def _add_counts(a: dict[str, int], b: dict[str, int]) -> dict[str, int]:
    keys = sorted({*a, *b})
    return first_unseen({key: a.get(key, 0) + b.get(key, 0) for key in keys})


def _join_families(a: str, b: str) -> str:
    return "|".join(sorted({part for part in f"{a}|{b}".split("|") if part}))


def cells_by_feature(grid: Grid) -> list[tuple[Any, ...]]:
    """Cells of each column, in the order of the columns."""
    found: list[list[Any]] = [[] for _ in grid.labels]
    for cells in grid.cells:
        found[cells.feature].append(cells)
    return [tuple(cells) for cells in found]


def assemble(grid: Grid, n_rows: int, columns: Iterable[ColumnCount]) -> Profile:
    """Profile of columns that were counted one by one."""
    columns = list(columns)
    moments = np.array([column.moments for column in columns], dtype=np.float64)
    return Profile(
        grid=grid,
        n_rows=n_rows,
        counts=tuple(counts for column in columns for counts in column.counts),
        unseen=tuple(new for column in columns for new in column.unseen),
        families=tuple(column.family for column in columns),
        **{
            name: np.array([getattr(c, name) for c in columns], dtype=np.int64)
            for name in INTEGER_FIELDS
        },
        **dict(zip(FLOAT_FIELDS, moments.reshape(-1, 4).T.copy(), strict=True)),
    )


def count_table(
    table: Table, grid: Grid, *, n_threads: int | None = None
) -> tuple[Profile, tuple[Novelty, ...]]:
    """Profile of a table and, for each column, values that the grid does not track.

    The latter are of this table alone: they do not add up, so no profile holds them.
    """
    positions = match_columns(table, grid).positions.tolist()
    by_feature = cells_by_feature(grid)

    def count(features: list[int]) -> list[ColumnCount]:
        there = [feature for feature in features if positions[feature] >= 0]
        columns = table.read([positions[feature] for feature in there])
        read = dict(zip(there, columns, strict=True))
        return [
            count_column(read[feature], grid, feature, by_feature[feature])
            if feature in read
            else nothing_counted(by_feature[feature], "")
            for feature in features
        ]

    threads = thread_count(n_threads, table.n_rows * table.n_features)
    columns = map_columns(
        count, grid.n_features, together=table.cluster, n_threads=threads
    )
    novelty = tuple(column.novelty for column in columns)
    return assemble(grid, table.n_rows, columns), novelty


def learn_profile(
    table: Table,
    *,
    categorical_features: Any,
    n_cells: int,
    min_category_count: int,
    n_threads: int | None = None,
) -> Profile:
    """Grid and profile of training data; every column is sorted once."""

    def count(learned: Learned) -> ColumnCount:
        return count_readings(
            learned.cells,
            learned.readings,
            learned.family,
            table.n_rows,
            learned.n_missing,
        )

    grid, columns = learn_grid(
        table,
        count,
        categorical_features=categorical_features,
        n_cells=n_cells,
        min_category_count=min_category_count,
        n_threads=n_threads,
    )
    return assemble(grid, table.n_rows, columns)
