"""What a grid holds for one column: points on a number line, or known levels."""

from __future__ import annotations

from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Literal
from zlib import crc32

import numpy as np

from skdrift.profile._sorted import SortedNumbers

Aspect = Literal["value", "length", "shape"]
HIDDEN = "\0h:"
MOST_UNSEEN = 10_000


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class NumberCells:
    r"""Cells of a column that lives on a number line.

    With points t\ :sub:`0` < … < t\ :sub:`P-1` the ``2 P + 1`` cells are, in order,
    everything below t\ :sub:`0`, the value t\ :sub:`0` itself, the open interval
    up to t\ :sub:`1`, the value t\ :sub:`1`, … and everything above.

    Attributes
    ----------
    feature : int
        Position of the column.
    aspect : {"value", "length"}
        What of the column is counted.
    points : ndarray of shape (n_points,)
        Strictly increasing values of the training data, its extremes included.
    tracked : ndarray of bool of shape (n_points,)
        Points whose value repeats often enough to be compared by itself.
    untracked : int
        Largest number of times that any other value occurs in the data learned
        from; 0 if there is no other value.
    lower, upper : float
        A cell outside is flagged: the training extremes, widened.
    single : bool
        Whether the values were 32-bit floats.
    """

    feature: int
    aspect: Aspect
    points: np.ndarray
    tracked: np.ndarray
    untracked: int
    lower: float
    upper: float
    single: bool

    @property
    def n_cells(self) -> int:
        """Number of cells."""
        return 2 * len(self.points) + 1

    @property
    def discrete(self) -> bool:
        """Whether every value of the data learned from is tracked."""
        return self.untracked == 0 and len(self.points) > 0

    def count(self, values: SortedNumbers) -> np.ndarray:
        """Count sorted values in the cells."""
        points = self.points
        if self.single or values.values.dtype == np.float32:
            values = values.rounded()
            with np.errstate(over="ignore"):
                points = points.astype(np.float32)
        left, right = values.around(points)
        if points is not self.points:
            twins = np.append(points[1:] == points[:-1], False)
            right = np.where(twins[: len(points)], left, right)
        counts = np.empty(self.n_cells, dtype=np.int64)
        counts[1::2] = right - left
        counts[2::2] = np.append(left[1:], values.n) - right
        counts[0] = left[0] if len(points) else values.n
        return counts


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LevelCells:
    """Cells of a column of levels: one for each known level, and one for the rest.

    Attributes
    ----------
    feature : int
        Position of the column.
    aspect : {"value", "shape"}
        What of the column is counted.
    keys : tuple of str
        Known levels, the most frequent first; a hidden level is its hash.
    salt : str
        What hidden levels were hashed with; empty if none is hidden.
    pooled : bool
        Whether the last cell is "any other level" rather than "unseen".
    """

    feature: int
    aspect: Aspect
    keys: tuple[str, ...]
    salt: str = ""
    pooled: bool = False
    index: dict[str, int] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        index = {key: place for place, key in enumerate(self.keys)}
        object.__setattr__(self, "index", index)

    @property
    def n_cells(self) -> int:
        """Number of cells."""
        return len(self.keys) + 1

    def place(self, key: str) -> int:
        """Cell of a level; the last one if it is not known."""
        found = self.index.get(key)
        if found is None and self.salt:
            found = self.index.get(hide(key, self.salt))
        return len(self.keys) if found is None else found

    def count(self, counts: dict[str, int]) -> tuple[np.ndarray, dict[str, int]]:
        """Count levels in the cells; also what is unseen, by level."""
        cells = [0] * self.n_cells
        unseen: dict[str, int] = {}
        index, last = self.index, len(self.keys)
        for key, n in counts.items():
            found = index.get(key)
            if found is None:
                found = self.place(key) if self.salt else last
                if found == last and not self.pooled:
                    unseen[key] = n
            cells[found] += n
        return np.array(cells, dtype=np.int64), first_unseen(unseen)


Cells = NumberCells | LevelCells


def hide(key: str, salt: str) -> str:
    """Key that recognises a level without showing it."""
    digest = blake2b(
        key.encode("utf-8", "surrogatepass"), digest_size=8, key=salt.encode()
    )
    return HIDDEN + digest.hexdigest()


def first_unseen(unseen: dict[str, int]) -> dict[str, int]:
    """Keep at most 10,000 unseen levels, those of the smallest hashes.

    A level that is among them in the union of two sets is among them in each, so
    its count is complete however the rows were split.
    """
    if len(unseen) <= MOST_UNSEEN:
        return unseen
    kept = sorted(
        unseen, key=lambda key: (crc32(key.encode("utf-8", "surrogatepass")), key)
    )
    return {key: unseen[key] for key in kept[:MOST_UNSEEN]}


def learn_number_cells(
    values: SortedNumbers, *, feature: int, aspect: Aspect, n_cells: int
) -> NumberCells:
    """Quantile points, repeated values and the limits of what is not flagged.

    A column is *discrete* if it has at most twice `n_cells` distinct values, each
    five times on average: all of them are tracked. In any other column a value is
    tracked if it stands out: at least 0.2 % of the rows and at least
    c + 6 √c + 6 of them, c being the median count of the ten distinct values on
    either side. To track whatever repeats more often than its neighbours would pick
    the values that training has too many of by chance.
    """
    ranks = np.linspace(0, values.n - 1, min(n_cells + 1, values.n)).round()
    tracked, untracked = _tracked_values(values, n_cells)
    points = np.union1d(values.at(np.unique(ranks.astype(np.int64))), tracked)
    lower, upper = flag_limits(values)
    return NumberCells(
        feature=feature,
        aspect=aspect,
        points=_wide(points),
        tracked=np.isin(points, tracked),
        untracked=_in_all_rows(untracked, values.stride),
        lower=lower,
        upper=upper,
        single=points.dtype == np.float32,
    )


def _tracked_values(values: SortedNumbers, n_cells: int) -> tuple[np.ndarray, int]:
    """Values that are tracked, and the largest count of any other."""
    n = values.n
    enough = max(5, int(np.ceil(0.002 * n)))
    if not len(values.runs(enough)[0]):
        return values.values[:0], int(values.runs(2)[1].max(initial=1))
    distinct, counts = values.runs()
    if len(distinct) <= min(2 * n_cells, n / 5):
        return distinct, 0
    often = np.flatnonzero(counts >= enough)
    around = np.array(
        [np.median(counts[max(place - 10, 0) : place + 11]) for place in often]
    )
    often = often[counts[often] >= around + 6 * np.sqrt(around) + 6]
    if len(often) > n_cells:
        often = np.sort(often[np.argsort(-counts[often], kind="stable")[:n_cells]])
    return distinct[often], int(np.delete(counts, often).max(initial=1))


def _in_all_rows(count: int, stride: int) -> int:
    """Bound of a count in all rows, given the count in every `stride`-th of them."""
    if stride == 1 or not count:
        return count
    return int(np.ceil(stride * (count + 5 * np.sqrt(count) + 10)))


def _wide(points: np.ndarray) -> np.ndarray:
    """Bring points to 64 bits, in one form for each value."""
    if points.dtype.kind == "f":
        return points.astype(np.float64) + 0.0
    if points.dtype == np.uint64 and points[-1] > np.iinfo(np.int64).max:
        return points
    return points.astype(np.int64)


def learn_level_cells(
    counts: dict[str, int],
    *,
    feature: int,
    aspect: Aspect,
    most: int | None = None,
    min_count: int = 1,
    salt: str = "",
) -> LevelCells:
    """Known levels, the most frequent first.

    Parameters
    ----------
    counts : dict of str to int
        How often each level occurs.
    most : int or None
        Keep only so many; all others share the last cell.
    min_count : int
        Levels that occur less often are kept as a salted hash.
    """
    ordered = sorted(counts)
    ordered.sort(key=counts.__getitem__, reverse=True)
    ordered = ordered[:most]
    hidden = bool(ordered) and counts[ordered[-1]] < min_count
    keys = tuple(hide(k, salt) if counts[k] < min_count else k for k in ordered)
    return LevelCells(
        feature=feature,
        aspect=aspect,
        keys=keys,
        salt=salt if hidden else "",
        pooled=most is not None,
    )


RARE_RATE = 1e-6
LIKELY_SHAPE, SHAPE_WEIGHT = 0.2, 100


def flag_limits(values: SortedNumbers) -> tuple[float, float]:
    """Limits outside of which a cell is flagged.

    Each side is the training extreme, widened by a tenth of the range and, in columns
    of three values or more, by the gap between the extreme and the value before it
    (the next whole number of a count is no surprise); or further, to where the
    training tail puts one row in a million: a generalised Pareto tail is fitted to
    the outer tenth of the rows (at least 50 of them, at most 500 and half of all) by
    probability-weighted moments [1]_. Rows that tie with its threshold are no part of
    the tail. Its shape is drawn towards 0.2 as by a hundred further rows, and kept in
    [-0.5, 1]: a tail that few rows show is taken for heavy. Fresh rows of a normal,
    uniform, exponential, lognormal or Student's t (3) column are then outside with a
    probability of at most 3e-4 after 50 training rows, 1e-4 after 300 and 3e-5 after
    3,000.

    References
    ----------
    .. [1] Hosking, J. R. M. and Wallis, J. R. (1987). Parameter and quantile
       estimation for the generalized Pareto distribution. Technometrics 29(3).
    """
    n = values.n
    low, high = (float(end) for end in values.at(np.array([0, n - 1])))
    if low == high:
        return low, high
    k = max(min(max(50, n // 10), 500, n // 2), 1)
    outer = values.at(np.arange(n - k - 1, n)).astype(np.float64)
    inner = values.at(np.arange(k + 1)).astype(np.float64)[::-1]
    with np.errstate(over="ignore", invalid="ignore"):
        upper = _upper_limit(outer, n, high - low)
        lower = -_upper_limit(-inner, n, high - low)
    return (
        lower if np.isfinite(lower) else -np.inf,
        upper if np.isfinite(upper) else np.inf,
    )


def _upper_limit(outer: np.ndarray, n: int, width: float) -> float:
    """Limit above the largest of n values, given the largest of them in order."""
    high, threshold = float(outer[-1]), float(outer[0])
    before = outer[outer < high]
    gap = high - float(before[-1]) if len(before) else 0.0
    widened = high + max(0.1 * width, gap if gap < width else 0.0)
    above = outer[outer > threshold]
    if not len(above):
        return widened
    start = threshold + (float(above[0]) - threshold) / 2
    return max(start + _tail_limit(above - start, n), widened)


def _tail_limit(excess: np.ndarray, n: int) -> float:
    """Excess over a threshold that one row in a million has, given those of n rows."""
    k = len(excess)
    mean = float(excess.mean())
    weighted = float((excess * (k - np.arange(1, k + 1) + 0.35)).mean()) / k
    if not mean > 0 or not mean > 2 * weighted:
        return float(excess[-1])
    estimate = 2 - mean / (mean - 2 * weighted)
    shape = (k * estimate + SHAPE_WEIGHT * LIKELY_SHAPE) / (k + SHAPE_WEIGHT)
    shape = float(np.clip(shape, -0.5, 1.0))
    scale = mean * (1 - min(shape, 0.9))
    growth = k / (n * RARE_RATE)
    if abs(shape) < 1e-6:
        return scale * float(np.log(growth))
    return scale * float(growth**shape - 1) / shape
