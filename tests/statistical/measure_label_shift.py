"""How near class priors are estimated without labels, and how label shift is told.

Run as ``python tests/statistical/measure_label_shift.py``: prints the tables of
``docs/user_guide/label_shift.md``. Classes are normal laws in five columns that
overlap; the first class is wider in one of them. ``--trials`` is the number of fits,
each with one batch of every size.
"""

from __future__ import annotations

import argparse
import warnings
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from real_data import electricity_labels, real_tables
from sklearn.base import clone
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier

from skdrift import DriftAwareEstimator, LabelShiftEstimate
from skdrift.datasets import load_bike_sharing
from skdrift.performance._class_laws import _even_edges
from skdrift.stats import mixture_test

Rows = tuple[np.ndarray, np.ndarray]
MODELS: dict[str, Any] = {
    "LogisticRegression": LogisticRegression(),
    "RandomForest": RandomForestClassifier(50, min_samples_leaf=3, random_state=0),
    "HistGradientBoosting": HistGradientBoostingClassifier(max_iter=50),
}
SMALL_TREE = {"tree of depth 3": DecisionTreeClassifier(max_depth=3)}
PRIORS = (
    ((0.5, 0.5), (0.2, 0.8)),
    ((0.9, 0.1), (0.7, 0.3)),
    ((0.99, 0.01), (0.95, 0.05)),
)
LEVELS = (
    ((0.5, 0.5), (0.2, 0.8)),
    ((0.9, 0.1), (0.7, 0.3)),
    ((0.99, 0.01), (0.95, 0.05)),
    ((0.25, 0.25, 0.25, 0.25), (0.4, 0.3, 0.2, 0.1)),
    ((0.69, 0.2, 0.1, 0.01), (0.4, 0.3, 0.2, 0.1)),
)
SIZES = (100, 1_000, 5_000)
N_TRAIN = 2_000
PARTS = ("errors", "real", "level", "models", "power", "answers")


def drawn(priors: Sequence[float], n: int, rng: np.random.Generator) -> Rows:
    """Rows of classes with these shares; the laws are the same in every call."""
    means = np.random.default_rng(len(priors)).normal(size=(len(priors), 5)) * 0.8
    y = rng.choice(len(priors), n, p=np.asarray(priors))
    X = means[y] + rng.normal(size=(n, 5))
    X[:, 0] *= np.where(y == 0, 1.5, 1.0)
    return X, y


def moved(X: np.ndarray, y: np.ndarray, how: str) -> np.ndarray:
    """The same rows, drifted otherwise than by their labels."""
    X = X.copy()
    name, _, size = how.rpartition(" ")
    if name == "all rows, two columns by":
        X[:, :2] += float(size) * np.array([1.0, -1.0])
    elif name == "all rows, spread by":
        X *= float(size)
    else:
        X[y == y.max(), :2] -= float(size)
    return X


KINDS = (
    "all rows, two columns by 0.5",
    "all rows, two columns by 1.0",
    "all rows, spread by 1.5",
    "one class, two columns by 0.5",
    "one class, two columns by 1.0",
)


def fitted(model: Any, X: np.ndarray, y: np.ndarray) -> DriftAwareEstimator:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        seed = int(1e6 * abs(X[0, 0])) % 2**31
        return DriftAwareEstimator(model, blocks=None, random_state=seed).fit(X, y)


def estimated(wrapped: DriftAwareEstimator, X: np.ndarray) -> LabelShiftEstimate:
    return wrapped.estimate_label_shift(X)


def resampled(
    y: np.ndarray, priors: Sequence[float], n: int, rng: np.random.Generator
) -> np.ndarray:
    """Positions of rows whose classes have these shares."""
    wanted = rng.choice(len(priors), n, p=np.asarray(priors))
    pools = [rng.permutation(np.flatnonzero(y == c)) for c in range(len(priors))]
    counts = np.bincount(wanted, minlength=len(priors))
    return np.concatenate([pool[:m] for pool, m in zip(pools, counts, strict=True)])


def real(name: str) -> Rows:
    if name == "bikes":
        bikes = load_bike_sharing()
        X, y = np.asarray(bikes.data, dtype=np.float64), np.asarray(bikes.target)
        return X, (y > np.quantile(y, 0.5)).astype(np.int64)
    return real_tables()["electricity"], electricity_labels()


def batches(
    source: str,
    was: Sequence[float],
    now: Sequence[float],
    n_rows: int,
    rng: np.random.Generator,
) -> tuple[Rows, Rows]:
    """Rows of training and of a batch."""
    if source == "known law":
        return drawn(was, N_TRAIN, rng), drawn(now, n_rows, rng)
    X, y = real(source)
    order = rng.permutation(len(y))
    half = len(y) // 2
    train, test = order[:half], order[half:]
    first = train[resampled(y[train], was, N_TRAIN, rng)]
    later = test[resampled(y[test], now, n_rows, rng)]
    return (X[first], y[first]), (X[later], y[later])


def errors(source: str, trials: int) -> Iterator[str]:
    """Mean absolute error of the share of the second class, and coverage."""
    yield (
        f"| {source} | prior | EM | BBSE | 'priors hold' | EM covers | "
        "fits (p > 0.05) |"
    )
    yield "|---|---|---|---|---|---|---|"
    for name, model in MODELS.items():
        if source != "known law" and name == "LogisticRegression":
            model = make_pipeline(StandardScaler(), model)
        for place, (was, now) in enumerate(PRIORS):
            found = []
            for seed in range(trials):
                rng = np.random.default_rng([seed, 7, place])
                (X, y), (later, labels) = batches(source, was, now, 1_000, rng)
                one = estimated(fitted(model, X, y), later)
                truth = labels.mean()
                found.append(
                    (
                        abs(one.priors[1] - truth),
                        abs(one.bbse[1] - truth),
                        abs(one.training_priors[1] - truth),
                        one.low[1] <= now[1] <= one.high[1],
                        one.pvalue > 0.05,
                    )
                )
            table = np.array(found, dtype=np.float64)
            lost = int(np.isnan(table[:, 1]).sum())
            em, bbse, hold, covers, fits = np.nan_to_num(table).mean(axis=0)
            bbse *= trials / max(trials - lost, 1)
            shown = f"{bbse:.3f}" if lost < trials else "none"
            shown += f" (none in {lost} of {trials})" if 0 < lost < trials else ""
            yield (
                f"| {name} | {was[1]} → {now[1]} | {em:.3f} | {shown} | {hold:.3f} | "
                f"{covers:.2f} | {fits:.2f} |"
            )


def levels(trials: int, models: dict[str, Any]) -> Iterator[str]:
    """Share of rejections where only the priors move."""
    yield "| model | priors | batch | p ≤ 0.01 | p ≤ 0.05 | p ≤ 0.2 |"
    yield "|---|---|---|---|---|---|"
    for name, model in models.items():
        for place, (was, now) in enumerate(LEVELS):
            found: dict[int, list[float]] = {size: [] for size in SIZES}
            for seed in range(trials):
                rng = np.random.default_rng([seed, 11, place])
                wrapped = fitted(model, *drawn(was, N_TRAIN, rng))
                for size in SIZES:
                    later = drawn(now, size, rng)[0]
                    found[size].append(estimated(wrapped, later).pvalue)
            for size, pvalues in found.items():
                p = np.array(pvalues)
                shares = [f"{(p <= level).mean():.3f}" for level in (0.01, 0.05, 0.2)]
                text = " ".join(f"{x:g}" for x in was)
                then = " ".join(f"{x:g}" for x in now)
                yield (
                    f"| {name} | {text} → {then} | {size:,} | {' | '.join(shares)} |"
                )


def answers(trials: int) -> Iterator[str]:
    """Rejections if the model's own answers out of fold were the reference."""
    yield "| model | priors | batch | p ≤ 0.05 |"
    yield "|---|---|---|---|"
    for name, model in (MODELS | SMALL_TREE).items():
        for was, now in LEVELS[:3]:
            found: dict[int, list[float]] = {size: [] for size in SIZES}
            for seed in range(trials):
                rng = np.random.default_rng([seed, 29])
                X, y = drawn(was, N_TRAIN, rng)
                held_out = cross_val_predict(model, X, y, method="predict_proba")[:, 1]
                edges = _even_edges(held_out, y, 12)
                table = [_counts(held_out[y == c], edges) for c in (0, 1)]
                final = clone(model).fit(X, y)
                for size in SIZES:
                    later = final.predict_proba(drawn(now, size, rng)[0])[:, 1]
                    test = mixture_test(
                        table, _counts(later, edges), n_draws=199, rng=rng
                    )
                    found[size].append(test.pvalue)
            for size, pvalues in found.items():
                share = (np.array(pvalues) <= 0.05).mean()
                yield f"| {name} | {was[1]} → {now[1]} | {size:,} | {share:.2f} |"


def _counts(values: np.ndarray, edges: np.ndarray) -> np.ndarray:
    return np.bincount(edges.searchsorted(values, "right"), minlength=len(edges) + 1)


def powers(trials: int) -> Iterator[str]:
    """Share of batches of 1,000 rows in which label shift is rejected."""
    yield "| what moved | priors | p ≤ 0.05 |"
    yield "|---|---|---|"
    n = np.zeros((len(KINDS), len(LEVELS)), dtype=np.int64)
    for place, (was, _) in enumerate(LEVELS):
        for seed in range(trials):
            rng = np.random.default_rng([seed, 13, place])
            wrapped = fitted(LogisticRegression(), *drawn(was, N_TRAIN, rng))
            X, y = drawn(was, 1_000, rng)
            found = [estimated(wrapped, moved(X, y, kind)).pvalue for kind in KINDS]
            n[:, place] += np.array(found) <= 0.05
    for kind, of_kind in zip(KINDS, n, strict=True):
        for (was, _), count in zip(LEVELS, of_kind, strict=True):
            text = " ".join(f"{x:g}" for x in was)
            yield f"| {kind} | {text} | {count / trials:.2f} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trials", type=int, default=100)
    parser.add_argument("--only", choices=PARTS, default=None)
    asked = parser.parse_args()
    parts = {
        "errors": lambda: errors("known law", asked.trials),
        "real": lambda: (
            line
            for source in ("bikes", "electricity")
            for line in (*errors(source, asked.trials), "")
        ),
        "level": lambda: levels(
            asked.trials, {"LogisticRegression": MODELS["LogisticRegression"]}
        ),
        "models": lambda: levels(
            asked.trials,
            {
                k: v
                for k, v in (MODELS | SMALL_TREE).items()
                if k != "LogisticRegression"
            },
        ),
        "power": lambda: powers(asked.trials),
        "answers": lambda: answers(asked.trials),
    }
    for name, part in parts.items():
        if asked.only in (None, name):
            for line in part():
                print(line, flush=True)
            print()


if __name__ == "__main__":
    main()
