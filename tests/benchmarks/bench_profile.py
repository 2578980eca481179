"""Speed and memory of learning and counting, as ratios to a floor of the same run.

Run as ``python tests/benchmarks/bench_profile.py [--quick] [--turns 3]``. The floor of
a table is one `numpy.sort` of each numeric column and one hash count
(`pandas.Series.value_counts`) of each other column, in one thread. Each figure is the
smallest of several turns, floor and work in turn: of processor time with one thread,
which other work on the machine disturbs little, of the clock with two. Memory is the
peak of the process over that with the data in it, as a share of the data, each case in
a process of its own.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa

from skdrift._core.frame import read_table
from skdrift.profile import Grid, Profile
from skdrift.profile._profile import count_table, learn_profile

SETTINGS = {
    "categorical_features": None,
    "n_cells": 128,
    "min_category_count": 1,
}
N_LEVELS = np.geomspace(5, 5_000, 20).astype(int)


def floats(n_rows: int, n_columns: int = 50) -> np.ndarray:
    """Independent normal columns, row after row in memory."""
    return np.random.default_rng(0).standard_normal((n_rows, n_columns))


def columns_of_floats(n_rows: int) -> np.ndarray:
    """The same, column after column, without a second copy at any time."""
    X = np.empty((n_rows, 50), order="F")
    rng = np.random.default_rng(0)
    for j in range(50):
        X[:, j] = rng.standard_normal(n_rows)
    return X


def mixed(n_rows: int, dtype: Any) -> pd.DataFrame:
    """Table of 20 numeric columns, and of 20 of 5 to 5,000 categories."""
    rng = np.random.default_rng(0)
    columns: dict[str, Any] = {f"n{j}": rng.standard_normal(n_rows) for j in range(20)}
    for n_levels in N_LEVELS:
        levels = np.array([f"level {k}" for k in range(n_levels)], dtype=object)
        cells = levels[rng.integers(0, n_levels, n_rows)]
        columns[f"c{n_levels}"] = pd.Series(cells, dtype=dtype)
    return pd.DataFrame(columns)


TABLES: dict[str, Callable[[int], Any]] = {
    "floats, C order": floats,
    "floats, Fortran order": columns_of_floats,
    "floats, C order, 32 bits": lambda n: floats(n).astype(np.float32),
    "floats, pandas": lambda n: pd.DataFrame(floats(n)).add_prefix("x"),
    "mixed, pandas str": lambda n: mixed(n, "str"),
    "mixed, pandas object": lambda n: mixed(n, object),
    "mixed, pandas category": lambda n: mixed(n, "category"),
    "mixed, polars": lambda n: pl.from_pandas(mixed(n, "str")),
    "mixed, pyarrow": lambda n: pa.Table.from_pandas(mixed(n, "str")),
}
# (table, rows to learn from, rows to count)
CASES = [
    ("floats, C order", 1_000_000, 100_000),
    ("floats, Fortran order", 1_000_000, 100_000),
    ("floats, C order, 32 bits", 1_000_000, 100_000),
    ("floats, pandas", 1_000_000, 100_000),
    ("mixed, pandas str", 200_000, 200_000),
    ("mixed, pandas object", 200_000, 200_000),
    ("mixed, pandas category", 200_000, 200_000),
    ("mixed, polars", 200_000, 200_000),
    ("mixed, pyarrow", 200_000, 200_000),
]


def floor(X: Any) -> None:
    """One sort or one hash count of each column."""
    if isinstance(X, np.ndarray):
        for j in range(X.shape[1]):
            np.sort(X[:, j])
        return
    for name in X.columns:
        column = X[name]
        if column.dtype.kind == "f":
            np.sort(column.to_numpy())
        else:
            column.value_counts()


def pandas_of(X: Any) -> Any:
    """Table that the floor is measured on: pandas for all data frames."""
    return X.to_pandas() if isinstance(X, pl.DataFrame | pa.Table) else X


def smallest_times(turns: int, *jobs: Callable[[], Any]) -> np.ndarray:
    """Smallest time and processor time of each job, in seconds; jobs take turns."""
    times = np.full((turns, len(jobs), 2), np.inf)
    for turn in range(turns):
        for number, job in enumerate(jobs):
            start = np.array([time.perf_counter(), time.process_time()])
            job()
            times[turn, number] = time.perf_counter(), time.process_time()
            times[turn, number] -= start
    return times.min(axis=0)


def learn(X: Any, n_threads: int) -> Profile:
    """Grid and profile."""
    return learn_profile(read_table(X), n_threads=n_threads, **SETTINGS)


def count(X: Any, grid: Grid, n_threads: int) -> Profile:
    """Profile of a batch."""
    return count_table(read_table(X), grid, n_threads=n_threads)[0]


def head(X: Any, n_rows: int) -> Any:
    """First rows of any of the tables."""
    return X.slice(0, n_rows) if isinstance(X, pa.Table) else X[:n_rows]


def print_speed(turns: int, divisor: int) -> None:
    """Print a line for each case: the floor, then ratios to it."""
    print(f"{'table':26s}{'work':>8s}{'rows':>10s}{'floor ms':>10s}", end="")
    print(f"{'1 thread':>10s}{'2 threads':>10s}")
    for name, n_learn, n_count in CASES:
        X = TABLES[name](n_learn // divisor)
        grid = learn(head(X, n_count), 2).grid
        print_ratios(name, "learn", X, partial(learn, X), turns)
        batch = head(X, n_count // divisor)
        counting = partial(count, batch, grid)
        print_ratios(name, "count", batch, counting, turns)


def print_ratios(
    name: str, work: str, X: Any, job: Callable[[int], Any], turns: int
) -> None:
    """Print one line: processor time with one thread, clock time with two."""
    plain = pandas_of(X)
    jobs = [partial(floor, plain), partial(job, 1), partial(job, 2)]
    base, one, two = smallest_times(turns, *jobs)
    ratios = f"{one[1] / base[1]:10.2f}{two[0] / base[0]:10.2f}"
    print(f"{name:26s}{work:>8s}{len(plain):10,}{base[1] * 1e3:10.0f}{ratios}")
    sys.stdout.flush()


def print_wide(turns: int) -> None:
    """Print times of 5,000 columns and of one row."""
    wide = floats(1_000, 5_000)
    named = pd.DataFrame(wide).add_prefix("x")
    row = mixed(1, "str").iloc[:, 10:30]
    for label, X in (("numpy", wide), ("pandas", named)):
        grid = learn(X, 1).grid
        jobs = [partial(learn, X, 1), partial(count, X, grid, 1)]
        times = np.round(smallest_times(turns, *jobs)[:, 1], 2)
        print(f"1,000 x 5,000 {label}: learn {times[0]} s, count {times[1]} s")

    def read_row() -> None:
        table = read_table(row)
        for position in range(table.n_features):
            table.column(position)

    one_row = smallest_times(200, read_row)[0, 1]
    print(f"one pandas row of 20 columns, read: {one_row * 1e6:.0f} us")


def peak_megabytes(*, anew: bool = False) -> float:
    """Peak of the process (Linux), from now on if it is to be taken anew."""
    if anew:
        Path("/proc/self/clear_refs").write_text("5")
    status = Path("/proc/self/status").read_text()
    line = next(line for line in status.splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1]) / 1024


def print_peak(name: str, n_rows: int, work: str, n_threads: int) -> None:
    """Print the peak over that with the data; to be run in a process of its own."""
    small = head(TABLES[name](2_000), 1_000)
    grid = learn(small, n_threads).grid
    count(small, grid, n_threads)
    X = TABLES[name](n_rows)
    before = peak_megabytes(anew=True)
    if work == "learn":
        learn(X, n_threads)
    else:
        count(X, grid, n_threads)
    print(f"{peak_megabytes() - before:.1f}")


def print_memory(divisor: int) -> None:
    """Print a line for each case and number of threads."""
    print(
        f"\n{'table':26s}{'work':>8s}{'data MB':>9s}{'threads':>8s}{'over data':>11s}"
    )
    for name, n_learn, n_count in CASES[:4]:
        for work, n_rows in (("learn", n_learn), ("count", n_count)):
            for n_threads in (1, 2):
                n_rows_now = n_rows // divisor
                argv = [name, str(n_rows_now), work, str(n_threads)]
                found = subprocess.run(
                    [sys.executable, __file__, "--peak", *argv],
                    capture_output=True,
                    check=True,
                    text=True,
                )
                size = n_rows_now * 50 * (4 if "32" in name else 8) / 2**20
                share = float(found.stdout) / size
                print(f"{name:26s}{work:>8s}{size:9.0f}{n_threads:8d}{share:11.0%}")
                sys.stdout.flush()


def main() -> None:
    """Read the command line and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--turns", type=int, default=3)
    parser.add_argument("--quick", action="store_true", help="a tenth of the rows")
    parser.add_argument("--peak", nargs=4, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.peak:
        name, n_rows, work, n_threads = options.peak
        print_peak(name, int(n_rows), work, int(n_threads))
        return
    divisor = 10 if options.quick else 1
    print_speed(options.turns, divisor)
    print_wide(options.turns)
    print_memory(divisor)


if __name__ == "__main__":
    main()
