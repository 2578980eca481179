"""How often the interval of cross-validation holds the score of real rows.

Run as ``python tests/statistical/measure_score_tables.py``: prints the table of
``docs/user_guide/score.md``, section "Real rows". Training rows are drawn from a real
table without its order, batches independently from the rows that are left: nothing
changed. Batches share a fit, so the standard error is that of the means of fits.
"""

from __future__ import annotations

import argparse
import warnings
from typing import Any

import numpy as np
from measure_estimate import tables
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skdrift import DriftAwareEstimator
from skdrift.performance._cross_validation import resolve_scorers
from skdrift.performance._realised import realised_scores

TABLES = {
    "bikes": "bikes by hour",
    "air": "air by sensor",
    "electricity": "electricity by price",
}
SIZES = (200, 1_000, 5_000)
SCORERS = ["accuracy", "roc_auc"]
N_TRAINING = 3_000


def models() -> dict[str, Any]:
    scaled = SimpleImputer(), StandardScaler()
    return {
        "linear": make_pipeline(*scaled, LogisticRegression()),
        "forest": make_pipeline(
            SimpleImputer(), RandomForestClassifier(50, random_state=0)
        ),
        "boosted": HistGradientBoostingClassifier(max_iter=50),
    }


def covered(
    X: np.ndarray, y: np.ndarray, model: Any, fits: int, batches: int
) -> np.ndarray:
    """Whether the interval holds the score: (n_fits, n_batches, n_sizes, n_scores)."""
    found = []
    for fit in range(fits):
        rng = np.random.default_rng(fit)
        order = rng.permutation(len(y))
        train, rest = order[:N_TRAINING], order[N_TRAINING:]
        wrapped = DriftAwareEstimator(
            model, scoring=SCORERS, blocks=None, performance=None
        ).fit(X[train], y[train])
        scorers = resolve_scorers(wrapped.estimator_, SCORERS)
        of_fit = [
            [_inside(wrapped, scorers, X, y, rng.choice(rest, size)) for size in SIZES]
            for _ in range(batches)
        ]
        found.append(of_fit)
    return np.array(found, dtype=np.float64)


def _inside(
    wrapped: Any, scorers: Any, X: np.ndarray, y: np.ndarray, rows: np.ndarray
) -> list[bool]:
    promised = wrapped.baseline_.scores
    found = realised_scores(promised, scorers, wrapped.estimator_, X[rows], y[rows])
    by_name = {score.scorer: score for score in found}
    scores = [by_name[name] for name in SCORERS]
    return [score.low <= score.realised <= score.high for score in scores]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--fits", type=int, default=40)
    parser.add_argument("--batches", type=int, default=5)
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    sizes = " | ".join(f"{size:,}" for size in SIZES)
    print(f"| % inside the interval | accuracy: {sizes} | area: {sizes} |")
    print("|---" * 7 + "|")
    known, every = tables("classes"), []
    for name, table in TABLES.items():
        X, y, _ = known[table]
        for label, model in models().items():
            inside = covered(X, y, model, options.fits, options.batches)
            every.append(inside)
            print_line(f"{name}, {label}", inside)
    print_line("mean", np.concatenate(every))


def print_line(name: str, inside: np.ndarray) -> None:
    by_fit = 100 * inside.mean(axis=1)
    mean, error = by_fit.mean(0), by_fit.std(0, ddof=1) / np.sqrt(len(by_fit))
    cells = [
        f"{mean[size, score]:.1f} ± {error[size, score]:.1f}"
        for score in range(len(SCORERS))
        for size in range(len(SIZES))
    ]
    print(f"| {name} | " + " | ".join(cells) + " |", flush=True)


if __name__ == "__main__":
    main()
