"""One function over many columns, by threads where that pays."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import joblib

Item = TypeVar("Item")
Result = TypeVar("Result")

CELLS_WORTH_A_THREAD = 500_000


def thread_count(n_threads: int | None, n_values: int) -> int:
    """Threads to use: `n_threads`, or every core if there is enough to do."""
    if n_threads is not None:
        return n_threads
    return joblib.cpu_count() if n_values >= 2 * CELLS_WORTH_A_THREAD else 1


def thread_map(
    function: Callable[[Item], Result], items: Iterable[Item], n_threads: int
) -> list[Result]:
    """``[function(item) for item in items]``, in order; numpy's sorts run side by side."""
    if n_threads <= 1:
        return [function(item) for item in items]
    with ThreadPoolExecutor(n_threads) as pool:
        return list(pool.map(function, items))
