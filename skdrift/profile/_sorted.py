"""Sorted values of one column: learned from and counted with binary searches.

Sorting once and searching the grid's points in the sorted column costs little
beside the sort; searching every row in the points would cost several times as much.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from skdrift._core.cells import Numbers

PIECE = 1 << 14


@dataclass(frozen=True, slots=True, eq=False)
class SortedNumbers:
    """Finite values in increasing order, and how many cells are anything else.

    Attributes
    ----------
    values : ndarray of shape (n_stored,)
    n_zeros : int
        Zeros beside `values` that a sparse column does not store.
    n_missing, n_negative_infinite, n_positive_infinite : int
    stride : int
        How many rows each value stands for.
    """

    values: np.ndarray
    n_zeros: int = 0
    n_missing: int = 0
    n_negative_infinite: int = 0
    n_positive_infinite: int = 0
    stride: int = 1

    @property
    def n(self) -> int:
        """Number of finite values."""
        return len(self.values) + self.n_zeros

    def around(self, points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """How many values are smaller than each point, and how many are at most it.

        Exact for every pair of number types, as if compared on the number line.
        """
        values = self.values
        if _comparable(values.dtype, points):
            left = values.searchsorted(points, "left")
            right = values.searchsorted(points, "right")
        elif values.dtype.kind == "f":
            left, right = _floats_around(values, points)
        else:
            left, right = _integers_around(values, points)
        if self.n_zeros:
            left = left + self.n_zeros * (points > 0)
            right = right + self.n_zeros * (points >= 0)
        return left, right

    def rounded(self) -> SortedNumbers:
        """Values as 32-bit floats."""
        if self.values.dtype == np.float32:
            return self
        with np.errstate(over="ignore"):
            return replace(self, values=self.values.astype(np.float32))

    def at(self, ranks: np.ndarray) -> np.ndarray:
        """Values at 0-based ranks."""
        if not self.n_zeros:
            found: np.ndarray = self.values[ranks]
            return found
        n_negative = int(self.values.searchsorted(self.values.dtype.type(0), "left"))
        shifted = np.where(ranks < n_negative, ranks, ranks - self.n_zeros)
        zero = (ranks >= n_negative) & (ranks < n_negative + self.n_zeros)
        padded = np.append(self.values, self.values.dtype.type(0))
        return padded[np.where(zero, len(self.values), shifted)]

    def runs(self, at_least: int = 1) -> tuple[np.ndarray, np.ndarray]:
        """Values that occur `at_least` times, and how often each does."""
        values, counts = _runs(self.values, at_least)
        if not self.n_zeros:
            return values, counts
        left, right = self.around(np.zeros(1, dtype=self.values.dtype))
        total = int(right[0] - left[0])
        keep = values != 0
        values, counts = values[keep], counts[keep]
        if total < at_least:
            return values, counts
        place = int(values.searchsorted(values.dtype.type(0)))
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
        m2 = self.n_zeros * mean * mean
        for start in range(0, len(values), PIECE):
            apart = np.subtract(values[start : start + PIECE], mean, dtype=np.float64)
            # Not a dot product: BLAS would start threads of its own for it.
            m2 += float(np.square(apart, out=apart).sum())
        return mean * scale, m2 * scale * scale, low, high


def _comparable(dtype: np.dtype, points: np.ndarray) -> bool:
    """Whether numpy compares the values with the points without rounding any."""
    if dtype.kind == points.dtype.kind:
        return dtype.itemsize == points.dtype.itemsize or dtype.kind != "f"
    if "f" not in (dtype.kind, points.dtype.kind):
        return dtype != np.uint64 and points.dtype != np.uint64
    whole = dtype if points.dtype.kind == "f" else points.dtype
    if whole.itemsize < 8:
        return dtype != np.float32
    return False


def _floats_around(
    values: np.ndarray, points: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    near = points.astype(values.dtype)
    left, right = values.searchsorted(near, "left"), values.searchsorted(near, "right")
    whole = [int(point) for point in near.tolist()]
    exact = points.tolist()
    under = np.array([a < b for a, b in zip(whole, exact, strict=True)], dtype=bool)
    over = np.array([a > b for a, b in zip(whole, exact, strict=True)], dtype=bool)
    return np.where(under, right, left), np.where(over, left, right)


def _integers_around(
    values: np.ndarray, points: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    up = [math.ceil(point) for point in points.tolist()]
    down = [math.floor(point) for point in points.tolist()]
    return _search(values, up, "left"), _search(values, down, "right")


def _search(
    values: np.ndarray, whole: list[int], side: Literal["left", "right"]
) -> np.ndarray:
    """Search Python integers, which may lie beyond the type of the values."""
    limits = np.iinfo(values.dtype)
    lowest, highest = int(limits.min), int(limits.max)
    inside = np.array([min(max(p, lowest), highest) for p in whole], dtype=values.dtype)
    found = values.searchsorted(inside, side)
    found[np.array([p < lowest for p in whole], dtype=bool)] = 0
    found[np.array([p > highest for p in whole], dtype=bool)] = len(values)
    return found


def _runs(values: np.ndarray, at_least: int) -> tuple[np.ndarray, np.ndarray]:
    n, gap = len(values), at_least - 1
    if n <= gap or (gap and not (values[gap:] == values[:-gap]).any()):
        return values[:0], np.zeros(0, dtype=np.int64)
    # Whether a value equals the one before it, with none before the first and none
    # after the last: a byte for each value, where positions would take eight.
    again = np.zeros(n + 1, dtype=bool)
    np.equal(values[1:], values[:-1], out=again[1:n])
    if not gap:
        starts = np.flatnonzero(~again[:n])
        return values[starts], np.diff(np.append(starts, n))
    edges = np.flatnonzero(again[1:] != again[:-1])
    starts, counts = edges[::2], edges[1::2] - edges[::2] + 1
    keep = counts >= at_least
    return values[starts[keep]], counts[keep]


def sort_numbers(numbers: Numbers) -> SortedNumbers:
    """Sort the values of a column, its missing values taken out."""
    values, owned = numbers.values, numbers.owned
    if numbers.missing is not None:
        values, owned = values[~numbers.missing], True
    n_masked = len(numbers.values) - len(values)
    if owned and values.flags.writeable:
        values.sort()
    else:
        values = np.sort(values)
    found = split_sorted(values, numbers.n_zeros, n_masked)
    return found if numbers.stride == 1 else replace(found, stride=numbers.stride)


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
