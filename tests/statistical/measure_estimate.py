"""How near the estimate without labels comes to the score that labels then show.

Run as ``python tests/statistical/measure_estimate.py``: prints the tables of
``docs/user_guide/expected_score.md``. A real table is split by a column: rows with
large values are seldom in training and often in the batches, which are chunks of
1,000 rows in the rough order of that column. P(y | X) is then the same in both. Errors
are those of the estimate over those of "the cross-validated score holds".
"""

from __future__ import annotations

import argparse
import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np
from real_data import electricity_labels, real_tables
from scipy.special import expit
from scipy.stats import gmean, rankdata
from sklearn.ensemble import (
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
)
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics import get_scorer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skdrift import DriftAwareEstimator
from skdrift.datasets import load_air_quality, load_bike_sharing

CLASS_SCORES = ("accuracy", "f1", "roc_auc")
ERROR_SCORES = ("neg_root_mean_squared_error", "neg_mean_absolute_error")
CHUNK = 1_000
Rows = tuple[np.ndarray, np.ndarray]


def models(kind: str) -> dict[str, Any]:
    scaled = SimpleImputer(), StandardScaler()
    if kind == "classes":
        return {
            "linear": make_pipeline(*scaled, LogisticRegression()),
            "boosted": HistGradientBoostingClassifier(),
        }
    return {
        "linear": make_pipeline(*scaled, Ridge()),
        "boosted": HistGradientBoostingRegressor(),
    }


def tables(kind: str) -> dict[str, tuple[np.ndarray, np.ndarray, int]]:
    """Rows, labels and the column of the split, by name; none has missing labels."""
    bikes, air = load_bike_sharing(), load_air_quality()
    found = {
        "bikes by hour": (bikes.data, bikes.target, 2),
        "bikes by temperature": (bikes.data, bikes.target, 7),
        "air by sensor": (air.data, air.target, 1),
        "air by temperature": (air.data, air.target, 5),
    }
    if kind == "values":
        return {name: _known(*table) for name, table in found.items()}
    cut = {
        name: _known(X, np.where(np.isnan(y), np.nan, y > np.nanmedian(y)), column)
        for name, (X, y, column) in found.items()
    }
    X, y = real_tables()["electricity"], electricity_labels()
    return {
        **cut,
        "electricity by price": (X, y, 1),
        "electricity by demand": (X, y, 2),
    }


def _known(X: Any, y: Any, column: int) -> tuple[np.ndarray, np.ndarray, int]:
    kept = ~np.isnan(y)
    return np.asarray(X)[kept], np.asarray(y)[kept], column


def split(
    X: np.ndarray, y: np.ndarray, column: int, rng: np.random.Generator, steep: float
) -> tuple[Rows, list[Rows]]:
    """Training rows, and chunks of the others."""
    values = np.nan_to_num(X[:, column], nan=np.nanmedian(X[:, column]))
    rank = rankdata(values) / len(values)
    chosen = rng.random(len(rank)) < expit(steep * (0.5 - rank))
    train, rest = np.flatnonzero(chosen), np.flatnonzero(~chosen)
    train = np.sort(rng.permutation(train)[:10_000])
    rest = rest[np.argsort(rank[rest] + rng.normal(0, 0.2 if steep else 9, len(rest)))]
    ends = range(0, len(rest) - CHUNK + 1, max(CHUNK, len(rest) // 8))
    chunks = [(X[rest[k : k + CHUNK]], y[rest[k : k + CHUNK]]) for k in ends]
    return (X[train], y[train]), chunks


def distances(
    model: Any,
    train: Rows,
    chunks: list[Rows],
    scores: tuple[str, ...],
    keep: int | None = None,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Errors of the estimate and of "holds", and whether the interval covers.

    Each of shape (n_chunks, n_scores).
    """
    wrapped = DriftAwareEstimator(
        model, scoring=list(scores), blocks=None, keep_reference=keep
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        order = np.random.default_rng(0).permutation(len(train[1]))
        wrapped.fit(train[0][order], train[1][order])
    promised = {score.scorer: score.value for score in wrapped.baseline_.scores}
    errors, holds, covered = [], [], []
    for X, y in chunks:
        estimate = wrapped.estimate_score(X)
        real = [get_scorer(name)(wrapped.estimator_, X, y) for name in scores]
        pairs = list(zip(scores, real, strict=True))
        errors.append([abs(estimate[name].value - value) for name, value in pairs])
        holds.append([abs(promised[name] - value) for name, value in pairs])
        covered.append(
            [estimate[n].low <= value <= estimate[n].high for n, value in pairs]
        )
    return np.array(errors), np.array(holds), np.array(covered)


def drawn(
    kind: str,
    shape: str,
    shift: float,
    n: int,
    rng: np.random.Generator,
    together: float = 0.0,
) -> Rows:
    """Rows of a known law.

    One column has moved by `shift` deviations, and its correlation with the next one,
    0 in training, to `together`.
    """
    X = rng.normal(size=(n, 6))
    X[:, 1] = together * X[:, 0] + np.sqrt(1.0 - together**2) * X[:, 1]
    X[:, 0] += shift
    signal, noise = LAWS[shape](X)
    if kind == "classes":
        return X, (rng.random(n) < expit(signal)).astype(int)
    return X, signal + noise * rng.normal(size=n)


def _bent(X: np.ndarray) -> Rows:
    signal = X[:, 0] + 0.7 * X[:, 0] ** 2 - 0.7 + X[:, 2]
    return signal, 0.3 + 0.5 * np.abs(X[:, 0])


def _crossed(X: np.ndarray) -> Rows:
    return X[:, 0] * X[:, 1] - 0.7 + X[:, 2], 0.3 + 0.5 * np.abs(X[:, 0])


def _hinged(X: np.ndarray) -> Rows:
    """Two slopes; louder on one side of a step."""
    rise, fall = np.maximum(X[:, 0] - 0.3, 0.0), np.maximum(-X[:, 0] - 0.5, 0.0)
    return 2.0 * rise - 1.2 * fall + 0.8 * X[:, 1], 0.4 + 0.6 * (X[:, 0] > 0.5)


def _skewed(X: np.ndarray) -> Rows:
    """A lognormal column, which is a slope of another one and a scale of the noise."""
    X[:, 0] = np.exp(0.5 * X[:, 0])
    return 1.5 * np.log1p(X[:, 0]) * X[:, 1] + X[:, 2], 0.6 * X[:, 0]


LAWS = {"bent": _bent, "crossed": _crossed, "hinged": _hinged, "skewed": _skewed}
NEW_LAWS = ("hinged", "skewed")
"""Those that no constant of the method was set on."""
SHIFTS = (1.0, 0.0)
BATCHES_OF_FIT = 5


def rows_of(kind: str, steep: float, seeds: int) -> Iterator[tuple[str, np.ndarray]]:
    """Name of set and model, and the ratio of each score."""
    scores = CLASS_SCORES if kind == "classes" else ERROR_SCORES
    for name, table in tables(kind).items():
        for label, model in models(kind).items():
            errors, holds = [], []
            for seed in range(seeds):
                train, chunks = split(*table, np.random.default_rng(seed), steep)
                error, hold, _ = distances(model, train, chunks, scores)
                errors.append(error)
                holds.append(hold)
            ratio = np.concatenate(errors).mean(0) / np.concatenate(holds).mean(0)
            yield f"{name}, {label}", ratio


def known_law(
    kind: str, fits: int
) -> Iterator[tuple[str, dict[float, tuple[np.ndarray, np.ndarray]]]]:
    """Name of law and model; by shift the ratios and the shares that are covered."""
    scores = CLASS_SCORES if kind == "classes" else ERROR_SCORES
    for shape in NEW_LAWS:
        for label, model in models(kind).items():
            rng = np.random.default_rng(1)
            results = []
            for _ in range(fits):
                train = drawn(kind, shape, 0.0, 4_000, rng)
                chunks = [
                    drawn(kind, shape, shift, CHUNK, rng)
                    for shift in SHIFTS
                    for _ in range(BATCHES_OF_FIT)
                ]
                results.append(distances(model, train, chunks, scores))
            error, hold, covered = (
                np.stack(own).reshape(fits, len(SHIFTS), BATCHES_OF_FIT, -1)
                for own in zip(*results, strict=True)
            )
            ratios = error.mean(axis=(0, 2)) / hold.mean(axis=(0, 2))
            shares = covered.mean(axis=(0, 2))
            found = dict(zip(SHIFTS, zip(ratios, shares, strict=True), strict=True))
            yield f"{shape}, {label}", found


def moved_together(
    kind: str, fits: int
) -> Iterator[tuple[str, tuple[np.ndarray, np.ndarray]]]:
    """Name of law, model and kept rows; ratios, and the shares that are covered."""
    scores = CLASS_SCORES if kind == "classes" else ERROR_SCORES
    for label, model in models(kind).items():
        for keep in (None, 4_000):
            rng, results = np.random.default_rng(2), []
            for _ in range(fits):
                train = drawn(kind, "crossed", 0.0, 4_000, rng)
                chunks = [
                    drawn(kind, "crossed", 0.0, CHUNK, rng, together=0.8)
                    for _ in range(BATCHES_OF_FIT)
                ]
                results.append(distances(model, train, chunks, scores, keep))
            error, hold, covered = map(np.concatenate, zip(*results, strict=True))
            found = error.mean(axis=0) / hold.mean(axis=0), covered.mean(axis=0)
            yield f"{label} | {keep or 'none'}", found


def table_line(name: str, values: np.ndarray) -> str:
    return f"| {name} | " + " | ".join(f"{value:.2f}" for value in values) + " |"


def shown_name(scorer: str) -> str:
    """Name of a score whose words a narrow table can break."""
    return scorer.removeprefix("neg_").replace("_", " ")


def print_tables(kind: str, seeds: int) -> None:
    """Real tables that are split by a column, and at random."""
    scores = CLASS_SCORES if kind == "classes" else ERROR_SCORES
    names = " | ".join(shown_name(score) for score in scores)
    for steep, title in ((6.0, "shifted by a column"), (0.0, "no shift")):
        print(f"\n| {title}: error over that of 'holds' | {names} |")
        print("|---" * (len(scores) + 1) + "|")
        ratios = []
        for name, ratio in rows_of(kind, steep, seeds):
            print(table_line(name, ratio), flush=True)
            ratios.append(ratio)
        print(table_line("geometric mean", gmean(np.array(ratios))))


def print_laws(kind: str, fits: int) -> None:
    scores = CLASS_SCORES if kind == "classes" else ERROR_SCORES
    names = " | ".join(shown_name(score) for score in scores)
    print(f"\n| known law | shift | {names} | covers: {names} |")
    print("|---" * (2 * len(scores) + 2) + "|")
    for name, found in known_law(kind, fits):
        for shift, (ratio, covered) in found.items():
            line = table_line(f"{name} | {shift:.0f}", np.append(ratio, covered))
            print(line, flush=True)


def print_together(kind: str, fits: int) -> None:
    """Two columns that come to go together, with and without kept rows."""
    scores = CLASS_SCORES if kind == "classes" else ERROR_SCORES
    names = " | ".join(shown_name(score) for score in scores)
    print(f"\n| together | rows kept | {names} | covers: {names} |")
    print("|---" * (2 * len(scores) + 2) + "|")
    for name, (ratio, covered) in moved_together(kind, fits):
        print(table_line(name, np.append(ratio, covered)), flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("--fits", type=int, default=40)
    parser.add_argument("--kinds", nargs="+", default=["classes", "values"])
    parser.add_argument("--tables", nargs="+", default=["real", "laws", "kept"])
    options = parser.parse_args()
    for kind in options.kinds:
        if "real" in options.tables:
            print_tables(kind, options.seeds)
        if "laws" in options.tables:
            print_laws(kind, options.fits)
        if "kept" in options.tables:
            print_together(kind, options.fits)


if __name__ == "__main__":
    main()
