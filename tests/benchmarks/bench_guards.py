"""Speed of `InputGuard.transform`, as ratios to a floor of the same run.

Run as ``python tests/benchmarks/bench_guards.py``; prints a table of
``docs/benchmarks.md``. The floor of numbers is `numpy.isnan`, the smallest and the
largest value of the table; that of categories `pandas.factorize` of each column. Each
figure is the smallest of several turns, floor and work in turn.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
from bench_profile import smallest_times

from skdrift import InputGuard

N_TURNS = 9


def best(*jobs: Callable[[], Any]) -> list[float]:
    return smallest_times(N_TURNS, *jobs)[:, 0].tolist()


def number_floor(X: np.ndarray) -> None:
    np.isnan(X)
    X.min()
    X.max()


def category_floor(frame: pd.DataFrame) -> None:
    for name in frame:
        pd.factorize(frame[name])


def print_ratio(work: str, size: str, low: float, spent: float) -> None:
    ms = f"{1e3 * low:.2f} | {1e3 * spent:.2f}"
    print(f"| {work} | {size} | {ms} | {spent / low:.2f} |")


def bench_numbers(n: int) -> None:
    rng = np.random.default_rng(0)
    X = rng.normal(size=(n, 50))
    frame = pd.DataFrame(X, columns=[f"c{j}" for j in range(50)])
    size = f"{n:,} × 50 floats"
    for library, table in (
        ("numpy", X),
        ("pandas", frame),
        ("polars", pl.from_pandas(frame)),
    ):
        guard = InputGuard().fit(table)
        low, work = best(lambda: number_floor(X), partial(guard.transform, table))
        print_ratio(f"clean, {library}", size, low, work)
    guard = InputGuard(range="clip", missing="impute").fit(X)
    one = X.copy()
    one[::100, 3] = np.nan
    low, work = best(lambda: number_floor(X), lambda: guard.transform(one))
    print_ratio("1 % missing in one column, imputed", size, low, work)
    every = X.copy()
    every[rng.random(X.shape) < 0.01] = np.nan
    low, work = best(lambda: number_floor(X), lambda: guard.transform(every))
    print_ratio("1 % missing in every column, imputed", size, low, work)


def bench_categories(n: int) -> None:
    rng = np.random.default_rng(0)
    for dtype in ("object", "str", "category"):
        for n_levels in (5, 500, 5_000):
            clean = pd.DataFrame(
                {
                    f"c{j}": pd.Series(rng.integers(0, n_levels, n).astype(str))
                    for j in range(5)
                }
            )
            unseen = clean.copy()
            unseen.iloc[::100, 0] = "new"
            clean, unseen = clean.astype(dtype), unseen.astype(dtype)
            guard = InputGuard(category="other").fit(clean)
            size = f"{n:,} × 5 of {n_levels:,} levels, {dtype}"
            low, work, repair = best(
                partial(category_floor, clean),
                partial(guard.transform, clean),
                partial(guard.transform, unseen),
            )
            print_ratio("clean", size, low, work)
            print_ratio("1 % unseen in one column, set to other", size, low, repair)


def bench_row() -> None:
    rng = np.random.default_rng(0)
    X = rng.normal(size=(3_000, 20))
    numbers = pd.DataFrame(X, columns=[f"c{j}" for j in range(20)])
    mixed = numbers.copy()
    for j in range(10):
        mixed[f"c{j}"] = pd.Series(rng.integers(0, 20, len(X)).astype(str))
    print("\n| one row of 20 columns | as it should be, µs | one cell repaired, µs |")
    print("|---|---|---|")
    for label, table in (
        ("numpy, numbers", X),
        ("pandas, numbers", numbers),
        ("pandas, 10 numbers and 10 categories", mixed),
        ("polars, numbers", pl.from_pandas(numbers)),
        ("polars, 10 numbers and 10 categories", pl.from_pandas(mixed)),
    ):
        guard = InputGuard(range="clip").fit(table)
        good = table[:1]
        bad = good.clone() if isinstance(good, pl.DataFrame) else good.copy()
        if isinstance(bad, pd.DataFrame):
            bad["c19"] = 1e6
        elif isinstance(bad, pl.DataFrame):
            bad = bad.with_columns(c19=1e6)
        else:
            bad[0, 19] = 1e6
        times = [
            1e6 * smallest_times(500, partial(guard.transform, row))[0, 0]
            for row in (good, bad)
        ]
        print(f"| {label} | {times[0]:.0f} | {times[1]:.0f} |")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=100_000)
    n = parser.parse_args().rows
    print("| work | size | floor, ms | work, ms | ratio |")
    print("|---|---|---|---|---|")
    bench_numbers(n)
    bench_categories(n)
    bench_row()


if __name__ == "__main__":
    main()
