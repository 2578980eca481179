"""Sorted values of one column: learned from and counted with binary searches.

Sorting once and searching the grid's points in the sorted column costs little
beside the sort; searching every row in the points would cost several times as much.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from skdrift._core.cells import Numbers


@dataclass(frozen=True, slots=True, eq=False)
class SortedNumbers:
    """Finite values in increasing order, and how many cells are anything else.

    Attributes
    ----------
    values : ndarray of shape (n_stored,)
    n_zeros : int
        Zeros beside `values` that a sparse column does not store.
    n_missing, n_negative_infinite, n_positive_infinite : int
    """

    values: np.ndarray
    n_zeros: int = 0
    n_missing: int = 0
    n_negative_infinite: int = 0
    n_positive_infinite: int = 0

    @property
    def n(self) -> int:
        """Number of finite values."""
        return len(self.values) + self.n_zeros

    def below(self, points: np.ndarray) -> np.ndarray:
        """How many values are smaller than each point."""
        found = self.values.searchsorted(points, "left")
        return found + self.n_zeros * (points > 0) if self.n_zeros else found

    def up_to(self, points: np.ndarray) -> np.ndarray:
        """How many values are at most each point."""
        found = self.values.searchsorted(points, "right")
        return found + self.n_zeros * (points >= 0) if self.n_zeros else found

    def at(self, ranks: np.ndarray) -> np.ndarray:
        """Values at 0-based ranks."""
        if not self.n_zeros:
            return self.values[ranks]
        n_negative = int(self.values.searchsorted(0, "left"))
        shifted = np.where(ranks < n_negative, ranks, ranks - self.n_zeros)
        zero = (ranks >= n_negative) & (ranks < n_negative + self.n_zeros)
        padded = np.append(self.values, self.values.dtype.type(0))
        return padded[np.where(zero, len(self.values), shifted)]

    def runs(self, at_least: int = 1) -> tuple[np.ndarray, np.ndarray]:
        """Values that occur `at_least` times, and how often each does."""
        values, counts = _runs(self.values, at_least)
        if not self.n_zeros:
            return values, counts
        stored = int(
            self.values.searchsorted(0, "right") - self.values.searchsorted(0, "left")
        )
        keep = values != 0
        values, counts = values[keep], counts[keep]
        total = self.n_zeros + stored
        if total < at_least:
            return values, counts
        place = int(values.searchsorted(0))
        return np.insert(values, place, 0), np.insert(counts, place, total)

    def moments(self) -> tuple[float, float, float, float]:
        """Mean, sum of squared deviations, smallest and largest value."""
        if not self.n:
            return np.nan, 0.0, np.nan, np.nan
        ends = self.at(np.array([0, self.n - 1]))
        low, high = float(ends[0]), float(ends[1])
        scale = max(abs(low), abs(high))
        scale = scale if scale > 1e150 else 1.0
        values = self.values if scale == 1.0 else self.values / scale
        mean = float(values.sum(dtype=np.float64)) / self.n
        apart = values - mean
        if apart.dtype != np.float64:
            apart = apart.astype(np.float64)
        m2 = float(apart @ apart) + self.n_zeros * mean * mean
        with np.errstate(over="ignore"):
            return mean * scale, float(np.float64(m2) * scale * scale), low, high


def _runs(values: np.ndarray, at_least: int) -> tuple[np.ndarray, np.ndarray]:
    gap = at_least - 1
    if len(values) <= gap or (gap and not (values[gap:] == values[:-gap]).any()):
        return values[:0], np.zeros(0, dtype=np.int64)
    starts = np.flatnonzero(values[1:] != values[:-1]) + 1
    starts = np.concatenate([[0], starts])
    counts = np.diff(np.append(starts, len(values)))
    keep = counts >= at_least
    return values[starts[keep]], counts[keep]


def sort_numbers(numbers: Numbers) -> SortedNumbers:
    """Sort the values of a column, its missing values taken out."""
    values = numbers.values
    n_masked = 0
    if numbers.missing is not None:
        values = values[~numbers.missing]
        n_masked = len(numbers.values) - len(values)
    return split_sorted(np.sort(values), numbers.n_zeros, n_masked)


def split_sorted(
    values: np.ndarray, n_zeros: int = 0, n_missing: int = 0
) -> SortedNumbers:
    """Take missing and infinite values off the ends of sorted values.

    Parameters
    ----------
    values : ndarray of shape (n,)
        Sorted as numpy sorts: NaN last.
    n_zeros, n_missing : int
        Cells that are not in `values`.
    """
    if not len(values) or values.dtype.kind != "f":
        return SortedNumbers(values, n_zeros, n_missing)
    n = len(values)
    stop = n if values[-1] == values[-1] else int(values.searchsorted(np.nan, "left"))
    n_missing += n - stop
    first, last = 0, stop
    if stop and values[0] == -np.inf:
        first = int(values.searchsorted(-np.inf, "right"))
    if stop and values[stop - 1] == np.inf:
        last = int(values[:stop].searchsorted(np.inf, "left"))
    return SortedNumbers(
        values[first:last], n_zeros, n_missing, first, stop - max(last, first)
    )
