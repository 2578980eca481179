"""What shuffled folds promise, what folds of whole blocks do, and what comes true.

``python tests/statistical/measure_honest.py`` prints the tables of the user guide: how
often the difference is found where there is a leak, how often where there is none, and
both promises beside the realised score on real tables.
"""

from __future__ import annotations

import argparse
import time
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.signal import lfilter
from sklearn.base import is_classifier
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import KFold
from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor
from sklearn.tree import DecisionTreeRegressor

from skdrift import DriftAwareEstimator
from skdrift.datasets import load_air_quality, load_bike_sharing

N_FEATURES = 3
SCORERS = ("neg_mean_absolute_error", "neg_root_mean_squared_error", "r2")
OF_CLASSES = ("accuracy", "neg_log_loss", "roc_auc")


@dataclass(frozen=True, slots=True)
class Made:
    """Rows in blocks.

    Attributes
    ----------
    X : ndarray of shape (n_rows, 3)
    y : ndarray of shape (n_rows,)
        The first column, an effect of the block and noise of variance 1.
    codes : ndarray of int of shape (n_rows,)
        Block of each row.
    """

    X: np.ndarray
    y: np.ndarray
    codes: np.ndarray


def draw_rows(
    n_blocks: int,
    block_rows: int,
    rng: np.random.Generator,
    *,
    alike: float = 0.9,
    effect: float = 0.0,
    memory: float = 0.0,
) -> Made:
    """Blocks whose columns are alike, and whose labels are so beyond the columns.

    Parameters
    ----------
    n_blocks, block_rows : int
    rng : Generator
    alike : float, default=0.9
        Share of a column's variance that lies between blocks.
    effect : float, default=0
        Standard deviation of the effect of a block on the label: with 0 blocks
        carry no information on y beyond X.
    memory : float, default=0
        If positive: the blocks are pieces of series, columns and effect, with this
        correlation of neighbouring rows.
    """
    n = n_blocks * block_rows
    codes = np.repeat(np.arange(n_blocks), block_rows)
    if memory > 0:
        noise = rng.normal(size=(n, N_FEATURES + 1)) * np.sqrt(1.0 - memory**2)
        series = lfilter([1.0], [1.0, -memory], noise, axis=0)
        X, levels = series[:, :-1], series[:, -1]
    else:
        between = rng.normal(size=(n_blocks, N_FEATURES))[codes]
        X = np.sqrt(alike) * between
        X = X + np.sqrt(1.0 - alike) * rng.normal(size=(n, N_FEATURES))
        levels = rng.normal(size=n_blocks)[codes]
    return Made(X, X[:, 0] + effect * levels + rng.normal(size=n), codes)


def found_optimism(
    model: Any,
    rows: Made,
    seed: int,
    *,
    in_order: bool,
    scorers: tuple[str, ...] = SCORERS,
) -> dict[str, bool]:
    """By scorer, whether shuffled folds are found to promise too much."""
    own = {scorer: scorer for scorer in scorers}
    y = (rows.y > 0).astype(int) if is_classifier(model) else rows.y
    blocks = int(rows.codes.max()) + 1 if in_order else "auto"
    cv = KFold(5, shuffle=True, random_state=seed)
    wrapped = DriftAwareEstimator(model, cv=cv, scoring=own, blocks=blocks)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        wrapped.fit(rows.X, y, groups=None if in_order else rows.codes)
    found = {one.scorer: one.is_certain for one in wrapped.baseline_.optimism}
    assert set(found) == set(scorers)
    return found


CASES: tuple[tuple[str, Any, dict[str, float], bool], ...] = (
    ("no leak: rows independent, Ridge", Ridge(), {"alike": 0.0}, True),
    (
        "no leak: rows independent, nearest neighbours",
        KNeighborsRegressor(10),
        {"alike": 0.0},
        True,
    ),
    (
        "no leak: rows independent, tree",
        DecisionTreeRegressor(max_depth=5, random_state=0),
        {"alike": 0.0},
        True,
    ),
    ("no leak: groups alike in X, Ridge", Ridge(), {}, False),
    ("no leak: series of X, Ridge", Ridge(), {"memory": 0.9}, True),
    (
        "no leak: groups alike in X, logistic",
        LogisticRegression(),
        {},
        False,
    ),
    (
        "leak: groups, nearest neighbours",
        KNeighborsRegressor(10),
        {"effect": 1.0},
        False,
    ),
    (
        "leak: groups, tree",
        DecisionTreeRegressor(max_depth=5, random_state=0),
        {"effect": 1.0},
        False,
    ),
    (
        "leak: series, nearest neighbours",
        KNeighborsRegressor(10),
        {"effect": 1.0, "memory": 0.9},
        True,
    ),
    (
        "leak: groups, nearest neighbours of classes",
        KNeighborsClassifier(10),
        {"effect": 1.0},
        False,
    ),
)


def measure(
    model: Any,
    settings: dict[str, float],
    n_blocks: int,
    *,
    in_order: bool,
    n_fits: int,
    seed: int = 0,
) -> dict[str, float]:
    """Share of fits that find the difference, by scorer; 20 rows a block."""
    scorers = OF_CLASSES if is_classifier(model) else SCORERS
    hits: dict[str, list[bool]] = {scorer: [] for scorer in scorers}
    for trial in range(seed, seed + n_fits):
        rows = draw_rows(n_blocks, 20, np.random.default_rng(trial), **settings)
        found = found_optimism(model, rows, trial, in_order=in_order, scorers=scorers)
        for scorer, is_certain in found.items():
            hits[scorer].append(is_certain)
    return {scorer: float(np.mean(found)) for scorer, found in hits.items()}


def print_made(n_fits: int) -> None:
    print(f"| {n_fits} fits, % that find a difference | blocks |", end="")
    print(" absolute error, accuracy | root mean square, log loss | R², AUC |")
    print("|---" * 5 + "|")
    for name, model, settings, in_order in CASES:
        for n_blocks in (30, 100):
            found = measure(model, settings, n_blocks, in_order=in_order, n_fits=n_fits)
            cells = " | ".join(f"{100 * share:.1f}" for share in found.values())
            print(f"| {name} | {n_blocks} | {cells} |", flush=True)


def real_tables() -> Iterator[tuple[str, np.ndarray, np.ndarray, np.ndarray, str]]:
    """Tables in the order of time, labels, which rows train, and a scorer."""
    air = load_air_quality()
    known = air.target > 0
    yield (
        "air quality, log of CO",
        air.data[known],
        np.log(air.target[known]),
        air.train[known],
        "neg_root_mean_squared_error",
    )
    bikes = load_bike_sharing()
    yield (
        "bicycles, 2011 to 2012",
        bikes.data,
        bikes.target,
        bikes.train,
        "neg_mean_absolute_error",
    )


def print_real() -> None:
    print("| table | error | KFold, shuffled | blocks | difference | came true |")
    print("|---" * 6 + "|")
    for name, X, y, train, scorer in real_tables():
        model = DriftAwareEstimator(
            HistGradientBoostingRegressor(random_state=0),
            cv=KFold(5, shuffle=True, random_state=0),
            scoring=scorer,
        )
        model.fit(X[train], y[train])
        (found,) = model.baseline_.optimism
        report = model.check(X[~train], y[~train])
        realised = -report.expected_score[scorer].realised
        print(
            f"| {name} | {scorer.removeprefix('neg_')} | {-found.promised:.3g} | "
            f"{-found.by_blocks:.3g} | {found.promised - found.by_blocks:.3g} "
            f"[{found.low:.3g}, {found.high:.3g}] | {realised:.3g} |",
            flush=True,
        )


def main() -> None:
    """Print both tables."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--fits", type=int, default=200)
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    start = time.perf_counter()
    print_real()
    print()
    print_made(options.fits)
    print(f"{time.perf_counter() - start:.0f} s")


if __name__ == "__main__":
    main()
