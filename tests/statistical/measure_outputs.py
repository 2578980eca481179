"""Trials of alarms about the model's answers.

Run as ``python tests/statistical/measure_outputs.py --trials 200``: prints the tables
of ``docs/user_guide/prediction_drift.md``. The level is that of DA106 with all of
alpha given to it, on batches of which nothing moved; power is that of a whole check.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import Any

import numpy as np
from real_data import real_tables
from scipy.stats import binom
from sklearn.base import is_classifier
from sklearn.ensemble import (
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
)
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

from skdrift import DriftAwareEstimator
from skdrift.performance._outputs import fold_outputs, output_table
from skdrift.profile._profile import count_table
from skdrift.shift import compare_answers

ALPHAS = (0.05, 0.01)
SIZES = (100, 300, 1000)
N_COLUMNS = 6
N_BATCHES = 4
CODE = "DA106"

MODELS: dict[str, Any] = {
    "logistic regression": LogisticRegression(),
    "5 neighbours, classes": KNeighborsClassifier(5),
    "tree, 0/1 probabilities": DecisionTreeClassifier(random_state=0),
    "tree of depth 3, classes": DecisionTreeClassifier(max_depth=3, random_state=0),
    "boosting, classes": HistGradientBoostingClassifier(max_iter=20),
    "ridge": Ridge(),
    "5 neighbours": KNeighborsRegressor(5),
    "tree": DecisionTreeRegressor(random_state=0),
    "tree of depth 3": DecisionTreeRegressor(max_depth=3, random_state=0),
    "boosting": HistGradientBoostingRegressor(max_iter=20),
}


def rows(n: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Normal columns, and a signal with a curve and an interaction."""
    X = rng.normal(size=(n, N_COLUMNS))
    return X, X[:, 0] + 0.7 * np.sin(2 * X[:, 1]) + 0.5 * X[:, 2] * X[:, 3]


def fitted(
    model: Any, n: int, rng: np.random.Generator, **options: Any
) -> DriftAwareEstimator:
    X, signal = rows(n, rng)
    y = signal + rng.normal(size=n)
    if is_classifier(model):
        y = (signal + rng.logistic(size=n) > 0.8).astype(int)
    return DriftAwareEstimator(model, **options).fit(X, y)


def smallest_pvalue(
    model: DriftAwareEstimator, X: np.ndarray, *, learned: bool = True
) -> float:
    """Smallest adjusted p-value of the answers for a batch, all of alpha theirs."""
    baseline = model.baseline_
    table = output_table([fold_outputs(model.estimator_, X)])
    current, novelty = count_table(table, baseline.outputs.grid)
    tolerance = baseline.output_tolerance
    found = compare_answers(
        baseline.outputs,
        tolerance if learned else np.zeros_like(tolerance),
        current,
        novelty,
        alpha=0.999,
        share=1.0,
        min_effect=0.01,
        stable_bound=0.1,
    )
    return min((row.pvalue_adjusted for row in found.rows), default=1.0)


def false_alarm_shares(
    model: Any, n: int, n_trials: int, seed: int = 0
) -> dict[tuple[int, bool], dict[float, float]]:
    """Share of batches like training that alarm, by level.

    For each size of a batch (that of training, and five times as many rows), with
    the learned tolerance and without; each model answers for four batches of each.
    """
    rng = np.random.default_rng(seed)
    smallest: dict[tuple[int, bool], list[float]] = {}
    for _ in range(n_trials):
        wrapped = fitted(model, n, rng)
        for m in (n, 5 * n):
            for batch in (rows(m, rng)[0] for _ in range(N_BATCHES)):
                for learned in (True, False):
                    pvalue = smallest_pvalue(wrapped, batch, learned=learned)
                    smallest.setdefault((m, learned), []).append(pvalue)
    return {
        key: {alpha: float(np.mean(np.array(found) <= alpha)) for alpha in ALPHAS}
        for key, found in smallest.items()
    }


def real_shares(
    table: np.ndarray, model: Any, n: int, m: int, n_trials: int, seed: int = 0
) -> dict[float, float]:
    """The same for rows of a real table; its last column is the target."""
    rng = np.random.default_rng(seed)
    smallest = []
    for _ in range(n_trials):
        chosen = table[rng.permutation(len(table))[: n + m]]
        chosen = np.nan_to_num(chosen)
        wrapped = DriftAwareEstimator(model).fit(chosen[:n, :-1], chosen[:n, -1])
        smallest.append(smallest_pvalue(wrapped, chosen[n:, :-1]))
    return {alpha: float(np.mean(np.array(smallest) <= alpha)) for alpha in ALPHAS}


def moved_columns(
    d: int, shift: float, n_moved: int
) -> Callable[[int, bool, np.random.Generator], np.ndarray]:
    def draw(n: int, moved: bool, rng: np.random.Generator) -> np.ndarray:
        X = rng.normal(size=(n, d))
        X[:, :n_moved] += shift * moved
        return X

    return draw


CHANGES = {
    "+0.25 sd in 1 of 6 columns": moved_columns(6, 0.25, 1),
    "+0.5 sd in 1 of 6 columns": moved_columns(6, 0.5, 1),
    "+0.1 sd in 20 of 20 columns": moved_columns(20, 0.1, 20),
    "+0.15 sd in 20 of 20 columns": moved_columns(20, 0.15, 20),
}


def power(
    draw: Callable[[int, bool, np.random.Generator], np.ndarray],
    model: Any,
    n: int,
    m: int,
    n_trials: int,
    alpha: float = 0.01,
) -> tuple[float, float]:
    """Share of batches found by columns, and by the answers.

    The model's target is the mean of all columns, with as much noise.
    """
    rng = np.random.default_rng(1)
    found = np.zeros(2)
    for _ in range(n_trials):
        X = draw(n, False, rng)
        signal = X.sum(axis=1) / np.sqrt(X.shape[1])
        y = signal + rng.normal(size=n)
        if is_classifier(model):
            y = (y > 0).astype(int)
        wrapped = DriftAwareEstimator(model, alpha=alpha).fit(X, y)
        codes = {alarm.code for alarm in wrapped.check(draw(m, True, rng)).alarms}
        found += ("DA101" in codes, CODE in codes)
    by_columns, by_answers = found / n_trials
    return float(by_columns), float(by_answers)


def block_shares(
    model: Any, n_blocks: int, n_trials: int, alpha: float = 0.05
) -> tuple[float, float]:
    """Share of days like those of training that alarm about answers, and at all."""
    rng = np.random.default_rng(2)
    found = np.zeros(2)
    weights = np.array([1.0, 0.5, 0.0])

    def days(n: int) -> np.ndarray:
        own = rng.normal(size=(n, 1, 3))
        return (own + rng.normal(size=(n, 24, 3))).reshape(-1, 3)

    for _ in range(n_trials):
        X = days(n_blocks)
        y = X @ weights + rng.normal(size=len(X))
        wrapped = DriftAwareEstimator(model, blocks="auto", alpha=alpha)
        wrapped.fit(X, y, groups=np.repeat(np.arange(n_blocks), 24))
        report = wrapped.check(days(1))
        found += (any(a.code == CODE for a in report.alarms), not report.ok)
    by_answers, at_all = found / n_trials
    return float(by_answers), float(at_all)


def print_level(n_trials: int) -> None:
    print("| model | training, batch | alpha 0.05 | 0.01 | 0.05, no tolerance |")
    print("|---|---|---|---|---|")
    for name, model in MODELS.items():
        for n in SIZES:
            shares = false_alarm_shares(model, n, n_trials)
            for m in (n, 5 * n):
                cells = [shares[m, True][alpha] for alpha in ALPHAS]
                cells.append(shares[m, False][0.05])
                shown = " | ".join(f"{cell:.3f}" for cell in cells)
                print(f"| {name} | {n:,}, {m:,} | {shown} |", flush=True)
    for name, table in real_tables().items():
        for label in ("ridge", "boosting"):
            shares = real_shares(table, MODELS[label], 1000, 1000, n_trials)
            cells = " | ".join(f"{shares[alpha]:.3f}" for alpha in ALPHAS)
            print(f"| {name}, {label} | 1,000, 1,000 | {cells} | |", flush=True)
    n = N_BATCHES * n_trials
    limits = [binom.ppf(0.99, n, alpha) / n for alpha in ALPHAS]
    cells = " | ".join(f"{limit:.3f}" for limit in limits)
    print(f"| largest that chance allows (99 %) | {n} batches | {cells} | |")


def print_power(n_trials: int) -> None:
    print("| change, model | training, batch | found by columns | by answers |")
    print("|---|---|---|---|")
    for change, draw in CHANGES.items():
        for label in ("ridge", "logistic regression", "boosting"):
            for n, m in ((1000, 300), (1000, 1000)):
                shares = power(draw, MODELS[label], n, m, n_trials)
                cells = " | ".join(f"{share:.2f}" for share in shares)
                print(f"| {change}, {label} | {n:,}, {m:,} | {cells} |", flush=True)


def print_blocks(n_trials: int) -> None:
    print("| model | days of training | alarms about answers | alarms at all |")
    print("|---|---|---|---|")
    for label in ("ridge", "tree of depth 3"):
        shares = block_shares(MODELS[label], 100, n_trials)
        cells = " | ".join(f"{share:.3f}" for share in shares)
        print(f"| {label} | 100 | {cells} |", flush=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trials", type=int, default=10)
    parser.add_argument("--only", choices=["level", "power", "blocks"])
    arguments = parser.parse_args()
    if arguments.only in {None, "level"}:
        print_level(arguments.trials)
    if arguments.only in {None, "power"}:
        print_power(arguments.trials)
    if arguments.only in {None, "blocks"}:
        print_blocks(arguments.trials)
