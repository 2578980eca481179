"""Columns that move with time: how far a batch of a later time may be off."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np

from skdrift._core.frame import Table, read_table
from skdrift._core.rows import take_rows
from skdrift._core.times import Times
from skdrift.exceptions import ParameterError
from skdrift.profile._block_statistics import Statistic, block_statistics
from skdrift.profile._cells import NumberCells
from skdrift.profile._count import comparable_column, match_columns
from skdrift.profile._profile import Profile, cells_by_feature
from skdrift.profile._rows import row_cells
from skdrift.stats.blocks import block_variance_pvalue
from skdrift.stats.trend import (
    Variogram,
    fit_variogram,
    growth_pvalues,
    shift_of_distance,
    slopes_of,
    squared_shifts,
    tolerated_distance,
)

MOST_PIECES = 20
LEAST_PIECES = 10
LEAST_ROWS_OF_A_PIECE = 20
MOST_ROWS = 40_000
DIFFER_LEVEL = 0.001
SLOPE_LEVEL = 0.01
GROWTH_LEVEL = 0.2
LARGEST_TOLERANCE = 0.999
FAR = 2.0


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Trend:
    """When the rows of training are from, and how their columns move.

    Stored as the list of its fields: new ones come last and have a default.

    Attributes
    ----------
    column : str
        Name of the column that holds the time; empty if it was an array.
    kind : {"number", "datetime", "datetime with zone"}
    start, span : float
        First time and the distance to the last, in numbers or microseconds.
    n_rows : int
        Rows of training.
    times : ndarray of float of shape (n_pieces,)
        Mean time of each piece of training, in spans since the start.
    moving : ndarray of int32 of shape (n_moving,)
        Positions of cells in the grid that move with time.
    variograms : ndarray of float32 of shape (n_moving, 4)
        Nugget, walk, trend and largest of each, see `Variogram`.
    """

    column: str
    kind: str
    start: float
    span: float
    n_rows: int
    times: np.ndarray
    moving: np.ndarray
    variograms: np.ndarray

    def __setstate__(self, state: Sequence[object]) -> None:
        for field, value in zip(fields(self), state, strict=True):
            object.__setattr__(self, field.name, value)

    def columns(self, reference: Profile) -> tuple[int, ...]:
        """Positions of the columns that move with time."""
        places = [reference.grid.cells[place].feature for place in self.moving]
        return tuple(sorted(set(places)))

    def lag(self, time: float) -> float:
        """Time since the middle of the pieces of training, in spans."""
        return abs(time - float(self.times.mean()))

    def after(self, n_rows: int) -> float:
        """Mean time of a batch that follows right after training, in spans."""
        return 1.0 + 0.5 * n_rows / max(self.n_rows, 1)

    def mean_time(self, times: Times) -> float:
        """Mean time of a batch, in spans since the start of training.

        Raises
        ------
        ParameterError
            If the times are of another type than those of training.
        """
        if times.kind != self.kind:
            raise ParameterError(
                f"{times.name} must be of the type that fit was given, {self.kind}, "
                f"got {times.kind}; {_remedy(self.kind, times.kind)}"
            )
        mean = float(np.nanmean(times.values - self.start))
        return mean / self.span if self.span > 0 else 0.0


def _remedy(wanted: str, got: str) -> str:
    if wanted == "number":
        return "convert them as they were for fit"
    if got == "number":
        return "convert them to datetimes"
    if wanted == "datetime":
        return "drop the zone: series.dt.tz_convert('UTC').dt.tz_localize(None)"
    return "say which zone they are in: series.dt.tz_localize('UTC')"


@dataclass(frozen=True, slots=True, kw_only=True)
class Tolerance:
    """What is tolerated of each column of a batch.

    Attributes
    ----------
    values : ndarray of float of shape (n_features,)
        Kolmogorov-Smirnov distances, or total variations.
    moving : tuple of int
        Positions of the columns that are allowed more than `min_effect`.
    notes : tuple of str
    """

    values: np.ndarray
    moving: tuple[int, ...] = ()
    notes: tuple[str, ...] = ()


def learn_trend(
    X: Any, reference: Profile, times: Times, order: np.ndarray, column: str
) -> tuple[Trend, tuple[str, ...]]:
    """Learn which columns of training move with time, and how.

    Parameters
    ----------
    X : table of shape (n_rows, n_features)
    reference : Profile
        Of the rows.
    times : Times
        Of the rows; none is missing.
    order : ndarray of int of shape (n_rows,)
        Rows in the order of time.
    column : str
        Name of the column that holds the time; empty if none does.

    Returns
    -------
    trend : Trend
    notes : tuple of str
        What was found.
    """
    n = len(order)
    start = float(times.values[order[0]])
    span = float(times.values[order[-1]] - start)
    in_spans = (times.values[order] - start) / (span if span > 0 else 1.0)
    n_pieces = min(MOST_PIECES, n // LEAST_ROWS_OF_A_PIECE)
    pieces = cut_in_order(in_spans, n_pieces) if n_pieces else np.zeros(n, np.int64)
    n_found = int(pieces[-1]) + 1
    found: dict[int, Variogram] = {}
    means = np.bincount(pieces, weights=in_spans) / np.bincount(pieces)
    if n_found < LEAST_PIECES:
        notes: tuple[str, ...] = (_too_few(n, span, n_found),)
    else:
        rows, labels = _chosen_rows(order, pieces)
        table = read_table(X if len(rows) == n else take_rows(X, rows))
        labels = labels if len(rows) < n else _by_row(labels, rows)
        found = _moving_cells(table, labels, means, reference)
        columns = {reference.grid.cells[place].feature for place in found}
        n_tested = sum(not reason for reason in reference.grid.untested)
        notes = (f"{len(columns):,} of {n_tested:,} columns move with time",)
    trend = Trend(
        column=column,
        kind=times.kind,
        start=start,
        span=span,
        n_rows=n,
        times=means,
        moving=np.array(list(found), dtype=np.int32),
        variograms=np.array(
            [(v.nugget, v.walk, v.trend, v.largest) for v in found.values()],
            dtype=np.float32,
        ).reshape(-1, 4),
    )
    return trend, notes


def _too_few(n_rows: int, span: float, n_pieces: int) -> str:
    if not span > 0:
        return "all times of training are equal: no column is known to move with time"
    least = LEAST_PIECES * LEAST_ROWS_OF_A_PIECE
    if n_rows < least:
        why = f"{n_rows:,} rows, and {least:,} are needed"
    else:
        why = f"{n_pieces} times apart, and {LEAST_PIECES} are needed"
    return f"whether columns move with time cannot be told: {why}"


def cut_in_order(times: np.ndarray, n_pieces: int) -> np.ndarray:
    """Cut rows into pieces of about as many rows, equal times never apart.

    Parameters
    ----------
    times : ndarray of shape (n_rows,)
        Rising.
    n_pieces : int
        The most there may be; equal times leave fewer.

    Returns
    -------
    ndarray of int of shape (n_rows,)
        Number of each row's piece.
    """
    n = len(times)
    wanted = np.arange(1, n_pieces) * n // n_pieces
    possible = np.flatnonzero(np.diff(times) > 0) + 1
    if not len(possible):
        return np.zeros(n, dtype=np.int64)
    after = np.minimum(possible.searchsorted(wanted), len(possible) - 1)
    before = np.maximum(after - 1, 0)
    nearer = possible[after] - wanted < wanted - possible[before]
    cuts = np.unique(
        np.where(nearer | (after == before), possible[after], possible[before])
    )
    labels = np.zeros(n, dtype=np.int64)
    labels[cuts] = 1
    return np.cumsum(labels)


def _chosen_rows(
    order: np.ndarray, pieces: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """At most 40,000 rows, every so many-th in the order of time."""
    step = -(-len(order) // MOST_ROWS)
    return order[::step], pieces[::step]


def _by_row(labels: np.ndarray, rows: np.ndarray) -> np.ndarray:
    placed = np.empty_like(labels)
    placed[rows] = labels
    return placed


def _moving_cells(
    table: Table, labels: np.ndarray, times: np.ndarray, reference: Profile
) -> dict[int, Variogram]:
    """Variograms of the cells that move, by their position in the grid."""
    counts = _piece_counts(table, labels, len(times), reference)
    squares = {
        place: squared_shifts(
            own, ordered=isinstance(reference.grid.cells[place], NumberCells)
        )
        for place, own in counts.items()
    }
    if not squares:
        return {}
    growth = growth_pvalues(np.stack(list(squares.values()), axis=1), times)
    found = {}
    scores = _scores_by_place(reference)
    for (place, own), apart in zip(squares.items(), growth.tolist(), strict=True):
        differs, slope = _piece_tests(counts[place], scores.get(place, []), times)
        grows = slope > 0 or (differs <= DIFFER_LEVEL and apart <= GROWTH_LEVEL)
        if grows or differs <= DIFFER_LEVEL:
            found[place] = fit_variogram(own, times, grows=grows, least_trend=slope**2)
    return found


def _piece_counts(
    table: Table, labels: np.ndarray, n_pieces: int, reference: Profile
) -> dict[int, np.ndarray]:
    """Counts of each piece in the grid's cells that are compared."""
    grid = reference.grid
    places = match_columns(table, grid).positions.tolist()
    counts: dict[int, np.ndarray] = {}
    place = 0
    for position, cells in enumerate(cells_by_feature(grid)):
        start, place = place, place + len(cells)
        if grid.untested[position] or not cells:
            continue
        family = grid.families[position]
        column = comparable_column(table.column(places[position]), family)
        if column is None:
            continue
        rows = row_cells(column, family, cells)
        for aspect, (each, found) in enumerate(zip(cells, rows.cells, strict=True)):
            there = found >= 0
            counts[start + aspect] = np.bincount(
                labels[there] * each.n_cells + found[there],
                minlength=n_pieces * each.n_cells,
            ).reshape(n_pieces, each.n_cells)
    return counts


def _scores_by_place(reference: Profile) -> dict[int, list[Statistic]]:
    first: dict[int, int] = {}
    for place, cells in enumerate(reference.grid.cells):
        first.setdefault(cells.feature, place)
    found: dict[int, list[Statistic]] = {}
    for statistic in block_statistics(reference):
        if statistic.scores is not None and statistic.variance > 0:
            place = first[statistic.position] + statistic.aspect
            found.setdefault(place, []).append(statistic)
    return found


def _piece_tests(
    counts: np.ndarray, statistics: Sequence[Statistic], times: np.ndarray
) -> tuple[float, float]:
    """P-value of "pieces do not differ", and the shift by span of a linear trend.

    The shift is 0 where no score has a trend at level 0.01 for all of them.
    """
    n = counts.sum(axis=1)
    if not statistics or not n.any():
        return 1.0, 0.0
    scores = np.stack([s.scores for s in statistics if s.scores is not None], axis=1)
    variance = np.array([s.variance for s in statistics])
    with np.errstate(invalid="ignore", divide="ignore"):
        values = np.where(n[:, None] > 0, counts @ scores / n[:, None], np.nan)
    differ = block_variance_pvalue(
        values, n, variance, np.array([s.kurtosis for s in statistics])
    )
    k = len(statistics)
    slopes, pvalues = slopes_of(values, times, variance / np.median(n[n > 0]))
    sure = pvalues * k <= SLOPE_LEVEL
    shift = 0.0
    if sure.any() and statistics[0].name == "share":
        shift = float(shift_of_distance(min(np.abs(slopes[sure]).max(), 0.99)))
    elif sure.any():
        deviations = np.where(sure, slopes / np.sqrt(variance), 0.0)
        shift = float(np.sqrt(np.square(deviations).sum()))
    return min(1.0, float(differ.min()) * k), shift


def tolerance_at(
    trend: Trend | None,
    reference: Profile,
    time: float,
    *,
    min_effect: float,
    alpha: float,
    in_blocks: bool,
) -> Tolerance:
    """Tolerance of each column for a batch of a time.

    Parameters
    ----------
    trend : Trend or None
    reference : Profile
    time : float
        Mean time of the batch, in spans since the start of training.
    min_effect : float
        What is tolerated of a column that does not move.
    alpha : float
        Probability that any column that moves leaves its tolerance by itself.
    in_blocks : bool
        Whether the level counts blocks of rows, whose differences at any lag are
        then tolerated already.
    """
    values = np.full(reference.grid.n_features, min_effect)
    if trend is None or not len(trend.moving):
        return Tolerance(values=values)
    level = alpha / len(trend.moving)
    for place, stored in zip(
        trend.moving.tolist(), trend.variograms.tolist(), strict=True
    ):
        nugget, walk, slope, largest = stored
        own = tolerated_distance(
            Variogram(nugget=nugget, walk=walk, trend=slope, largest=largest),
            trend.times,
            time,
            level=level,
            counts_nugget=not in_blocks,
        )
        position = reference.grid.cells[place].feature
        values[position] = max(values[position], min(own, LARGEST_TOLERANCE))
    moving = tuple(np.flatnonzero(values > min_effect).tolist())
    return Tolerance(
        values=values, moving=moving, notes=_notes(trend, values, moving, time)
    )


def _notes(
    trend: Trend, values: np.ndarray, moving: Sequence[int], time: float
) -> tuple[str, ...]:
    if not moving:
        return ()
    n = len(moving)
    what = "1 column moves" if n == 1 else f"{n:,} columns move"
    notes = [
        f"{what} with time: tolerance up to {values[list(moving)].max():.2g} at this "
        f"lag ({trend.lag(time):.2g} spans of training from its middle)"
    ]
    if max(time - 1.0, -time) > FAR:
        notes.append(
            f"the batch is {max(time - 1.0, -time):.2g} spans of training away from "
            "training: how columns move is extrapolated very far"
        )
    return tuple(notes)
