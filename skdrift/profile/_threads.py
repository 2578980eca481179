"""One function over many columns, by threads where that pays."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import joblib
import numpy as np

from skdrift.exceptions import ParameterError

Result = TypeVar("Result")

CELLS_WORTH_A_THREAD = 500_000


def thread_count(n_threads: int | None, n_values: int) -> int:
    """Threads to use: `n_threads`, or every core if there is enough to do.

    Raises
    ------
    ParameterError
        If `n_threads` is neither None nor a positive integer.
    """
    if n_threads is None:
        enough = n_values >= 2 * CELLS_WORTH_A_THREAD
        return int(joblib.cpu_count()) if enough else 1
    whole = isinstance(n_threads, int | np.integer) and not isinstance(n_threads, bool)
    if not whole or n_threads < 1:
        raise ParameterError(
            f"n_threads must be None or an integer of at least 1, got {n_threads!r}"
        )
    return int(n_threads)


def map_columns(
    function: Callable[[list[int]], list[Result]],
    n_columns: int,
    *,
    together: int,
    n_threads: int,
) -> list[Result]:
    """Results of every column, in order; numpy's sorts run side by side.

    Parameters
    ----------
    function : callable
        Given the positions of neighbouring columns, gives the result of each.
    n_columns : int
    together : int
        How many columns are best read together. Threads share them, so that more
        threads do not hold more columns in memory.
    n_threads : int
    """
    size = max(1, together // n_threads)
    groups = [
        list(range(start, min(start + size, n_columns)))
        for start in range(0, n_columns, size)
    ]
    if n_threads <= 1 or len(groups) < 2:
        found = list(map(function, groups))
    else:
        # Sorting numbers releases the interpreter, counting texts holds it, and
        # tables tend to have each kind in one place: so from both ends in turn.
        last = len(groups) - 1
        order = sorted(range(len(groups)), key=lambda place: min(place, last - place))
        with ThreadPoolExecutor(min(n_threads, len(groups))) as pool:
            results = pool.map(function, [groups[place] for place in order])
            by_place = dict(zip(order, results, strict=True))
        found = [by_place[place] for place in range(len(groups))]
    return [result for group in found for result in group]
