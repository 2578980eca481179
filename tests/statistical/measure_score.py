"""How often a realised score counts as a drop: nothing changed, and something did.

Run as ``python tests/statistical/measure_score.py``: prints the tables of
``docs/user_guide/score.md``. Every fit draws training rows anew; several batches are
then drawn and judged by what that fit promises.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import Any

import numpy as np
from scipy.special import ndtri
from sklearn.linear_model import Ridge
from sklearn.naive_bayes import GaussianNB

from skdrift import DriftAwareEstimator
from skdrift.performance._cross_validation import resolve_scorers
from skdrift.performance._realised import realised_scores

LEVEL = 0.002
ERRORS = {
    "squared error": "neg_mean_squared_error",
    "absolute error": "neg_mean_absolute_error",
    "R²": "r2",
}
ACCURACIES = {0.8: 0.2, 0.95: 0.08, 0.99: 0.05}
"""Share of right answers, and of labels that are flipped for power."""
LOUDER = 1.4
Draw = Callable[..., tuple[np.ndarray, np.ndarray]]


def draw_classes(
    n: int, rng: np.random.Generator, accuracy: float, flipped: float = 0.0
) -> tuple[np.ndarray, np.ndarray]:
    X = rng.normal(size=(n, 3))
    y = rng.integers(0, 2, n)
    X[:, 0] += ndtri(accuracy) * (2 * y - 1)
    return X, np.where(rng.random(n) < flipped, 1 - y, y)


def draw_values(
    n: int, rng: np.random.Generator, noise: float = 1.0
) -> tuple[np.ndarray, np.ndarray]:
    X = rng.normal(size=(n, 3))
    return X, X @ [1.0, -1.0, 0.5] + noise * rng.normal(size=n)


def judged(
    model: DriftAwareEstimator,
    draw: Draw,
    n: int,
    m: int,
    rng: np.random.Generator,
    *,
    n_fits: int,
    n_batches: int,
    **change: float,
) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """P-values of batches by scorer, and which scores are inside the interval."""
    pvalues: dict[str, list[float]] = {}
    inside: dict[str, list[bool]] = {}
    for _ in range(n_fits):
        model.fit(*draw(n, rng))
        promised, fitted = model.baseline_.scores, model.estimator_
        scorers = resolve_scorers(fitted, model.scoring)
        for _ in range(n_batches):
            batch = draw(m, rng, **change)
            for score in realised_scores(promised, scorers, fitted, *batch):
                pvalues.setdefault(score.scorer, []).append(score.pvalue)
                within = score.low <= score.realised <= score.high
                inside.setdefault(score.scorer, []).append(within)
    return (
        {name: np.array(values) for name, values in pvalues.items()},
        {name: np.array(values) for name, values in inside.items()},
    )


def measured(
    n: int, m: int, *, change: bool, settings: dict[str, int]
) -> dict[str, float]:
    """Share of batches with a p-value at most the level, by what is scored."""
    shares: dict[str, float] = {}
    for accuracy, flipped in ACCURACIES.items():

        def draw(k: int, rng: Any, flipped: float = 0.0, a: float = accuracy) -> Any:
            return draw_classes(k, rng, a, flipped)

        model = DriftAwareEstimator(GaussianNB(), scoring="accuracy")
        changes = {"flipped": flipped} if change else {}
        rng = np.random.default_rng(n + m)
        found, _ = judged(model, draw, n, m, rng, **settings, **changes)
        shares[f"accuracy {accuracy}"] = float((found["accuracy"] <= LEVEL).mean())
    model = DriftAwareEstimator(Ridge(), scoring=list(ERRORS.values()))
    changes = {"noise": LOUDER} if change else {}
    rng = np.random.default_rng(n + m)
    found, _ = judged(model, draw_values, n, m, rng, **settings, **changes)
    for name, scorer in ERRORS.items():
        shares[name] = float((found[scorer] <= LEVEL).mean())
    return shares


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--fits", type=int, default=300)
    parser.add_argument("--batches", type=int, default=10)
    options = parser.parse_args()
    settings = {"n_fits": options.fits, "n_batches": options.batches}
    for change, title in ((False, "nothing changed"), (True, "a drop")):
        sizes = (30, 100, 1_000)
        print(f"| {title}, % with p ≤ {LEVEL:.3f} | training rows | 30 | 100 | 1,000 |")
        print("|---|---|---|---|---|")
        for n in (300, 3_000):
            cells = [measured(n, m, change=change, settings=settings) for m in sizes]
            for name in cells[0]:
                row = " | ".join(f"{100 * cell[name]:.2f}" for cell in cells)
                print(f"| {name} | {n:,} | {row} |")
        print()


if __name__ == "__main__":
    main()
