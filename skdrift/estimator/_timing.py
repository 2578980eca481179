"""When rows are from: at `fit`, and what a batch of a later time is allowed."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from skdrift._core.frame import Table, read_table
from skdrift._core.times import Times, array_times, column_times, time_position
from skdrift.exceptions import ParameterError
from skdrift.profile import Profile
from skdrift.profile._count import match_columns
from skdrift.shift._trend import Trend, cut_in_order, learn_trend

UNTESTED = "it is the time of the rows"
ROWS_OF_A_PIECE = 20
LEAST_PIECES = 10
MOST_PIECES = 300
FOLLOWS = "the batch is taken to follow right after training"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class TrainingTimes:
    """Times of the rows of training.

    Attributes
    ----------
    order : ndarray of int of shape (n_rows,)
        Rows in the order of time; equal times in the order of rows.
    rising : ndarray of float of shape (n_rows,)
        Their times.
    trend : Trend
    notes : tuple of str
        What was found.
    """

    order: np.ndarray
    rising: np.ndarray
    trend: Trend
    notes: tuple[str, ...]

    def labels(self) -> np.ndarray:
        """Number of each row's piece: at most 300, of 20 rows each where they do.

        Equal times are parted only where fewer than 10 differ.
        """
        n = len(self.order)
        enough = max(n // ROWS_OF_A_PIECE, min(n // 2, LEAST_PIECES), 1)
        n_pieces = min(MOST_PIECES, enough)
        pieces = cut_in_order(self.rising, n_pieces)
        if pieces[-1] + 1 < min(n_pieces, LEAST_PIECES):
            pieces = np.arange(n) * n_pieces // n
        labels = np.empty(n, dtype=np.int64)
        labels[self.order] = pieces
        return labels


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchTime:
    """When a batch is from.

    Attributes
    ----------
    value : float
        Mean time of its rows, in spans of training since its start.
    notes : tuple of str
        What had to be assumed.
    """

    value: float
    notes: tuple[str, ...] = ()


def learn_times(X: Any, reference: Any, time: Any) -> tuple[Any, TrainingTimes | None]:
    """Times of the rows of training, and how its columns move with them.

    Parameters
    ----------
    X : table of shape (n_rows, n_features)
    reference : Profile or Exception
        Of the rows; an exception if they could not be read.
    time : str, array-like of shape (n_rows,) or None

    Returns
    -------
    reference : Profile or Exception
        With the column that holds the time no longer tested.
    times : TrainingTimes or None
        None without `time`, or if the rows could not be read.

    Raises
    ------
    ParameterError
        If `time` breaks its rule.
    """
    if time is None or isinstance(reference, Exception):
        return reference, None
    column = time if isinstance(time, str) else ""
    if column:
        table = read_table(X)
        position = time_position(table, column)
        times = column_times(table.column(position), f"time column {column!r}")
        reference = _untested(reference, (position,), UNTESTED)
    else:
        times = array_times(time, reference.n_rows)
    times.refuse_missing()
    order = np.argsort(times.values, kind="stable")
    trend, notes = learn_trend(X, reference, times, order, column)
    found = TrainingTimes(
        order=order, rising=times.values[order], trend=trend, notes=notes
    )
    return reference, found


def _untested(reference: Profile, positions: tuple[int, ...], reason: str) -> Profile:
    reasons = list(reference.grid.untested)
    for position in positions:
        reasons[position] = reasons[position] or reason
    grid = replace(reference.grid, untested=tuple(reasons))
    return replace(reference, grid=grid)


def standing_columns(reference: Profile, trend: Trend | None) -> Profile:
    """Profile in which the columns that move with time are not tested.

    A pooled training set correlates whatever moves with time, and a batch, which is
    of one time, does not: the dependence of such columns is not compared.
    """
    if trend is None or not len(trend.moving):
        return reference
    return _untested(reference, trend.columns(reference), "it moves with time")


def given_time(trend: Trend | None, table: Table, time: Any) -> BatchTime | None:
    """Time that the user says a batch is from; None if nothing is said.

    Raises
    ------
    ParameterError
        If `time` breaks its rule, or `fit` was not given one.
    """
    if time is None:
        return None
    if trend is None:
        raise ParameterError(
            "time was given to check and not to fit, which has to learn how columns "
            f"move with it: fit with time as well, or leave it out; got {time!r:.100}"
        )
    if isinstance(time, str):
        position = time_position(table, time)
        times = column_times(table.column(position), f"time column {time!r}")
    else:
        times = array_times(time, table.n_rows)
    times.refuse_missing()
    if not table.n_rows:
        return None
    return BatchTime(value=trend.mean_time(times))


def found_time(trend: Trend, reference: Profile, table: Table) -> BatchTime:
    """Time that a batch says itself it is from; where it does not, an assumption."""
    after = trend.after(table.n_rows)
    if not trend.column:
        return BatchTime(value=after, notes=(f"time was not given: {FOLLOWS}",))
    place = reference.grid.labels.index(trend.column)
    position = int(match_columns(table, reference.grid).positions[place])
    if position < 0 or not table.n_rows:
        why = f"the time column {trend.column!r} is missing"
        return BatchTime(value=after, notes=(f"{why}: {FOLLOWS}",))
    name = f"time column {trend.column!r}"
    try:
        times = column_times(table.column(position), name)
        return _known_rows(trend, times, after)
    except ParameterError as error:
        return BatchTime(value=after, notes=(f"{error}; {FOLLOWS}",))


def _known_rows(trend: Trend, times: Times, after: float) -> BatchTime:
    n_missing = int((~np.isfinite(times.values)).sum())
    if n_missing == len(times.values):
        return BatchTime(value=after, notes=(f"{times.name} is empty: {FOLLOWS}",))
    notes: tuple[str, ...] = ()
    if n_missing:
        notes = (f"{times.name} is missing in {n_missing:,} rows, which do not count",)
    return BatchTime(value=trend.mean_time(times), notes=notes)
