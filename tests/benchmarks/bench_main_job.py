"""Speed and memory of the main job, as ratios to a floor of the same run.

Run as ``python tests/benchmarks/bench_main_job.py``; prints the tables of
``docs/benchmarks.md``. The floor of a table is one `numpy.sort` of each numeric
column and one hash count (`pandas.Series.value_counts`) of each other column, in one
thread. Each figure is the smallest of several turns, floor and work in turn.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import tracemalloc
import warnings
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from bench_profile import floor, mixed, smallest_times
from sklearn.compose import make_column_transformer
from sklearn.dummy import DummyRegressor
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

import skdrift
from skdrift import DriftAwareEstimator

N_TURNS = 5


def best(turns: int, *jobs: Callable[[], Any]) -> list[float]:
    """Smallest time of each job, in seconds; the jobs take turns."""
    return smallest_times(turns, *jobs)[:, 0].tolist()


def unfitted() -> DriftAwareEstimator:
    return DriftAwareEstimator(DummyRegressor(), cv=None)


def bench_tables(scale: float) -> None:
    rng = np.random.default_rng(0)
    print("| work | rows × columns | floor, s | work, s | ratio |")
    print("|---|---|---|---|---|")
    model = bench_fit(int(1_000_000 * scale), rng)
    batch = rng.normal(size=(int(100_000 * scale), 50))
    low, work = best(N_TURNS, lambda: floor(batch), lambda: model.check(batch))
    print_ratio("`check`", f"{len(batch):,} × 50 floats", low, work)
    model.baseline_ = replace(model.baseline_, dependence=None)
    low, work = best(N_TURNS, lambda: floor(batch), lambda: model.check(batch))
    print_ratio("`check`, columns alone", f"{len(batch):,} × 50 floats", low, work)
    for dtype in ("str", "object", "category"):
        bench_mixed(int(200_000 * scale), dtype)


def bench_fit(n: int, rng: np.random.Generator) -> DriftAwareEstimator:
    X, y = rng.normal(size=(n, 50)), np.zeros(n)
    low, work = best(2, lambda: floor(X), lambda: unfitted().fit(X, y))
    print_ratio("`fit`, cv=None", f"{n:,} × 50 floats", low, work)
    return unfitted().fit(X, y)


def bench_mixed(n: int, dtype: str) -> None:
    frame, batch = mixed(n, dtype), mixed(n, dtype)
    y = np.zeros(n)
    label = f"{n:,} × (20 floats + 20 {dtype})"
    low, work = best(3, lambda: floor(frame), lambda: unfitted().fit(frame, y))
    print_ratio("`fit`, cv=None", label, low, work)
    model = unfitted().fit(frame, y)
    low, work = best(N_TURNS, lambda: floor(batch), lambda: model.check(batch))
    print_ratio("`check`", label, low, work)


def print_ratio(work: str, size: str, low: float, spent: float) -> None:
    print(f"| {work} | {size} | {low:.3f} | {spent:.3f} | {spent / low:.2f} |")


def in_blocks(n: int, d: int, block: int) -> tuple[np.ndarray, np.ndarray]:
    """Normal rows whose blocks differ as much as the rows of one block, and blocks."""
    rng = np.random.default_rng(0)
    blocks = np.arange(n) // block
    means = rng.normal(size=(int(blocks[-1]) + 1, d))
    return rng.normal(size=(n, d)) + means[blocks], blocks


def bench_blocks(scale: float) -> None:
    """Cost of blocks beside `blocks=None`, with and without dependence in them."""
    print("\n| `fit`, cv=None | blocks | None, s | independent | row order | groups |")
    print("|---|---|---|---|---|---|")
    rowwise = DriftAwareEstimator(DummyRegressor(), cv=None, blocks=None)
    for rows, d, block in ((100_000, 50, 500), (100_000, 20, 24), (10_000, 20, 100)):
        n = int(rows * scale)
        X, groups = in_blocks(n, d, block)
        alone, y = np.random.default_rng(1).permutation(X), np.zeros(n)
        none, independent, order, told = best(
            N_TURNS,
            lambda X=X, y=y: rowwise.fit(X, y),
            lambda X=alone, y=y: unfitted().fit(X, y),
            lambda X=X, y=y: unfitted().fit(X, y),
            lambda X=X, y=y, groups=groups: unfitted().fit(X, y, groups=groups),
        )
        ratios = " | ".join(f"{t / none:.2f}" for t in (independent, order, told))
        print(f"| {n:,} × {d} floats | {block} rows | {none:.3f} | {ratios} |")


def bench_memory(scale: float) -> None:
    rng = np.random.default_rng(0)
    n = int(1_000_000 * scale)
    X, y = rng.normal(size=(n, 50)), np.zeros(n)
    print("\n| work | data, MB | peak beside it, MB | share |")
    print("|---|---|---|---|")
    model = unfitted().fit(X[:1000], y[:1000])
    for label, job in (
        ("`fit`, cv=None", lambda: unfitted().fit(X, y)),
        ("`check`", lambda: model.check(X)),
    ):
        tracemalloc.start()
        job()
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        share = f"{100 * peak / X.nbytes:.0f} %"
        print(f"| {label} | {X.nbytes / 1e6:.0f} | {peak / 1e6:.0f} | {share} |")


def per_call(job: Callable[[], Any], n_calls: int) -> Callable[[], None]:
    def calls() -> None:
        for _ in range(n_calls):
            job()

    return calls


def bench_predict() -> None:
    rng = np.random.default_rng(0)
    X = rng.normal(size=(20_000, 10))
    model = DriftAwareEstimator(LinearRegression(), cv=None).fit(X, X[:, 0])
    print("\n| predict | bare, µs | wrapped, µs | overhead |")
    print("|---|---|---|---|")
    row = X[:1]
    bare, ours = best_calls(model, row, 500)
    print(
        f"| one numpy row, 10 columns | {bare:.0f} | {ours:.0f} "
        f"| {ours - bare:.0f} µs a call |"
    )
    frame = pd.DataFrame(X[:, :6], columns=[f"n{j}" for j in range(6)])
    for j in range(4):
        frame[f"c{j}"] = rng.choice(list("abcde"), len(frame))
    columns = make_column_transformer(
        (StandardScaler(), [f"n{j}" for j in range(6)]),
        (OneHotEncoder(), [f"c{j}" for j in range(4)]),
    )
    pipeline = make_pipeline(columns, LogisticRegression())
    framed = DriftAwareEstimator(pipeline, cv=None).fit(frame, X[:, 0] > 0)
    bare, ours = best_calls(framed, frame.iloc[:1], 50)
    print(
        f"| one pandas row, 6 + 4 columns, ColumnTransformer | {bare:.0f} | {ours:.0f} "
        f"| {100 * (ours / bare - 1):.0f} % |"
    )
    batch = rng.normal(size=(100_000, 10))
    bare, ours = best_calls(model, batch, 3)
    print(
        f"| 100,000 numpy rows, 10 columns | {bare:.0f} | {ours:.0f} "
        f"| {(ours - bare) / len(batch):.2f} µs a row |"
    )


def best_calls(model: Any, X: Any, n_calls: int) -> tuple[float, float]:
    """Bare and wrapped call, in microseconds."""
    bare = model.estimator_
    times = best(
        N_TURNS,
        per_call(lambda: bare.predict(X), n_calls),
        per_call(lambda: model.predict(X), n_calls),
    )
    return 1e6 * times[0] / n_calls, 1e6 * times[1] / n_calls


def bench_import() -> None:
    def run(code: str) -> Callable[[], Any]:
        return lambda: subprocess.run([sys.executable, "-c", code], check=True)

    nothing, base, ours = best(
        9,
        run("pass"),
        run("import sklearn.base, scipy.stats"),
        run("import sklearn.base, scipy.stats, skdrift"),
    )
    print("\n| import | s |\n|---|---|")
    print(f"| sklearn.base, scipy.stats | {base - nothing:.3f} |")
    print(f"| and skdrift | {ours - nothing:.3f} |")
    print(f"| more | {100 * ((ours - nothing) / (base - nothing) - 1):.1f} % |")


def bench_artifact() -> None:
    rng = np.random.default_rng(0)
    X = rng.normal(size=(20_000, 50))
    model = DriftAwareEstimator(LinearRegression()).fit(X, X[:, 0])
    rows, groups = in_blocks(20_000, 50, 100)
    blocks = DriftAwareEstimator(LinearRegression()).fit(
        rows, rows[:, 0], groups=groups
    )
    print("\n| artifact, 50 columns | kB |\n|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        for name, saved in (
            ("bare", model.estimator_),
            ("wrapped", model),
            ("wrapped, 200 blocks", blocks),
        ):
            path = Path(folder) / "model.skops"
            skdrift.dump(saved, path)
            print(f"| {name} | {path.stat().st_size / 1e3:.1f} |")


if __name__ == "__main__":
    warnings.simplefilter("ignore", skdrift.SkdriftWarning)
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scale", type=float, default=1.0)
    parts = {
        "tables": lambda: bench_tables(arguments.scale),
        "blocks": lambda: bench_blocks(arguments.scale),
        "memory": lambda: bench_memory(arguments.scale),
        "predict": bench_predict,
        "import": bench_import,
        "artifact": bench_artifact,
    }
    parser.add_argument("--only", choices=parts)
    arguments = parser.parse_args()
    for name in [arguments.only] if arguments.only else parts:
        parts[name]()
