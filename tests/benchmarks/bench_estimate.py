"""Cost of what `estimate_score` needs, as ratios to a floor of the same run.

Run as ``python tests/benchmarks/bench_estimate.py``; prints the tables of
``docs/user_guide/expected_score.md``. Of `fit`, all that goes beyond the fits of the
model (one for each fold and one for all rows) is held against one more fit of
HistGradientBoosting on the same rows; `estimate_score`, beyond the model's own
prediction, against two predictions of it. Each figure is the smallest processor time of
several turns, floor and work in turn, in one thread.
"""

from __future__ import annotations

import argparse
import warnings
from typing import Any

import numpy as np
from bench_profile import smallest_times
from scipy.special import expit
from sklearn.ensemble import (
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
)
from sklearn.linear_model import LogisticRegression, Ridge
from threadpoolctl import threadpool_limits

from skdrift import DriftAwareEstimator

N_COLUMNS = 20
N_FOLDS = 5
N_BATCH = 100_000
MODELS = {
    "classifier": (LogisticRegression(), HistGradientBoostingClassifier()),
    "regressor": (Ridge(), HistGradientBoostingRegressor()),
}


def drawn(kind: str, n: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    X = rng.normal(size=(n, N_COLUMNS))
    signal = X[:, 0] + X[:, 1] ** 2 - 1.0 + X[:, 2] * X[:, 3]
    if kind == "classifier":
        return X, (rng.random(n) < expit(signal)).astype(np.int64)
    return X, signal + np.exp(0.3 * X[:, 4]) * rng.normal(size=n)


def fit_costs(kind: str, n: int, turns: int) -> tuple[float, float, float]:
    """Seconds of the floor, of all beyond the model's fits, and without estimates."""
    X, y = drawn(kind, n, np.random.default_rng(0))
    model, trees = MODELS[kind]
    part = np.arange(n) >= n // N_FOLDS

    def own_fits() -> None:
        model.fit(X, y)
        for _ in range(N_FOLDS):
            model.fit(X[part], y[part])

    def wrapped(performance: Any) -> None:
        wrapper = DriftAwareEstimator(model, cv=N_FOLDS, performance=performance)
        wrapper.fit(X, y)

    floor, own, whole, without = smallest_times(
        turns,
        lambda: trees.fit(X, y),
        own_fits,
        lambda: wrapped("auto"),
        lambda: wrapped(None),
    )[:, 1]
    return floor, whole - own, without - own


def estimate_costs(kind: str, n: int, turns: int) -> tuple[float, float, float]:
    """Seconds of two predictions of the floor, of the model's, and of the estimate."""
    rng = np.random.default_rng(0)
    X, y = drawn(kind, n, rng)
    model, trees = MODELS[kind]
    trees.fit(X, y)
    wrapper = DriftAwareEstimator(model).fit(X, y)
    batch, _ = drawn(kind, N_BATCH, rng)

    floor, own, spent = smallest_times(
        turns,
        lambda: trees.predict(batch),
        lambda: wrapper.estimator_.predict(batch),
        lambda: wrapper.estimate_score(batch),
    )[:, 1]
    return 2.0 * floor, own, spent


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--turns", type=int, default=3)
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    sizes = (2_000, 20_000, 100_000)
    with threadpool_limits(1):
        print(
            "| `fit`, beyond the model's fits | rows × 20 | floor, s | all, s | ratio",
            end="",
        )
        print(" | without estimates, s |")
        print("|---|---|---|---|---|---|")
        for kind in MODELS:
            for n in sizes:
                floor, spent, without = fit_costs(kind, n, options.turns)
                ratio = spent / floor
                print(
                    f"| {kind} | {n:,} | {floor:.2f} | {spent:.2f} | {ratio:.2f}",
                    end="",
                )
                print(f" | {without:.2f} |", flush=True)
        print(
            "\n| `estimate_score`, 100,000 rows | learned from | floor, s | beyond",
            end="",
        )
        print(" its prediction, s | ratio |")
        print("|---|---|---|---|---|")
        for kind in MODELS:
            for n in sizes:
                floor, own, spent = estimate_costs(kind, n, options.turns)
                cells = f"{n:,} | {floor:.2f} | {spent - own:.2f}"
                print(f"| {kind} | {cells} | {(spent - own) / floor:.2f} |", flush=True)


if __name__ == "__main__":
    main()
