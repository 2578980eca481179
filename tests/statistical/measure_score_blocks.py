"""How often a realised score counts as a drop where rows come in blocks.

Run as ``python tests/statistical/measure_score_blocks.py``: prints the tables of
``docs/user_guide/score.md``, section "Rows in blocks". Made rows: each block of 24
rows has its own level of error, groups independently and pieces of the row order as an
AR(1) series; every fit draws training anew. Real rows: whole weeks drawn at random.
"""

from __future__ import annotations

import argparse
import time
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from measure_blocks import Blocked, blocked_tables
from real_data import ELECTRICITY
from sklearn.ensemble import HistGradientBoostingClassifier as ClassifierOfTrees
from sklearn.ensemble import HistGradientBoostingRegressor as RegressorOfTrees
from sklearn.linear_model import Ridge

from skdrift import DriftAwareEstimator
from skdrift.datasets import load_air_quality, load_bike_sharing
from skdrift.estimator._looking import batch_part
from skdrift.performance._cross_validation import resolve_scorers
from skdrift.performance._realised import realised_scores

ALPHA = 0.05
SIZE = 24
NUMBERS = (30, 100, 300)
BATCHES = (1, 4, 25)
MEMORY = 0.6
LOUDER = 1.5
SCORERS = ["neg_mean_absolute_error", "r2"]
N_REFERENCE = 6_000


@dataclass(frozen=True)
class Rows:
    """Rows with labels, and the block of each."""

    X: np.ndarray
    y: np.ndarray
    codes: np.ndarray


def draw_blocks(
    n: int, rng: np.random.Generator, *, memory: float = 0.0, noise: float = 1.0
) -> Rows:
    """Blocks with an error of their own, like their neighbours if there is memory."""
    own = rng.normal(size=n)
    for place in range(1, n):
        own[place] *= np.sqrt(1.0 - memory**2)
        own[place] += memory * own[place - 1]
    X = rng.normal(size=(n, 1, 3)) + rng.normal(size=(n, SIZE, 3))
    error = own[:, None] + rng.normal(size=(n, SIZE))
    y = X @ [1.0, -1.0, 0.5] + noise * error
    return Rows(X.reshape(-1, 3), y.ravel(), np.repeat(np.arange(n), SIZE))


def pvalues(model: Any, batch: Rows, *, by_rows: bool) -> dict[str, float]:
    """One-sided p-values of a batch by scorer."""
    baseline, part = model.baseline_, None
    if not by_rows:
        n_blocks = len(np.unique(batch.codes))
        part = batch_part(baseline, len(batch.y), n_blocks)
    fitted = model.estimator_
    scorers = resolve_scorers(fitted, model.scoring)
    found = realised_scores(baseline.scores, scorers, fitted, batch.X, batch.y, part)
    return {score.scorer: score.pvalue for score in found}


def measure(
    n_blocks: int, *, in_order: bool, n_fits: int, seed: int = 0
) -> dict[tuple[str, str, int], float]:
    """Shares of p-values at most alpha, by scorer, what is counted and size."""
    memory = MEMORY if in_order else 0.0
    hits: dict[tuple[str, str, int], list[bool]] = {}
    for trial in range(n_fits):
        rng = np.random.default_rng(seed + trial)
        rows = draw_blocks(n_blocks, rng, memory=memory)
        model = DriftAwareEstimator(
            Ridge(), scoring=SCORERS, blocks=n_blocks if in_order else "auto"
        )
        model.fit(rows.X, rows.y, groups=None if in_order else rows.codes)
        for size in BATCHES:
            for name, noise in (("still", 1.0), ("drop", LOUDER)):
                batch = draw_blocks(size, rng, memory=memory, noise=noise)
                for scorer, pvalue in pvalues(model, batch, by_rows=False).items():
                    hits.setdefault((scorer, name, size), []).append(pvalue <= ALPHA)
            still = draw_blocks(size, rng, memory=memory)
            for scorer, pvalue in pvalues(model, still, by_rows=True).items():
                hits.setdefault((scorer, "rows", size), []).append(pvalue <= ALPHA)
    return {key: float(np.mean(found)) for key, found in hits.items()}


def real_rows() -> Iterator[tuple[str, Blocked, np.ndarray, Any, str]]:
    """Tables by weeks, with labels, a model and a scorer."""
    tables = {blocked.name: blocked for blocked in blocked_tables()}
    trees = {"max_iter": 30, "random_state": 0}
    classes = np.loadtxt(ELECTRICITY, delimiter=",", skiprows=1, usecols=6)
    yield (
        "bicycles",
        tables["bike, weeks"],
        load_bike_sharing().target,
        RegressorOfTrees(**trees),
        "neg_mean_absolute_error",
    )
    air = tables["air, weeks"]
    yield (
        "air",
        air,
        load_air_quality().target,
        RegressorOfTrees(**trees),
        "neg_mean_absolute_error",
    )
    power = tables["electricity, weeks"]
    for scorer in ("accuracy", "roc_auc"):
        yield "electricity", power, classes, ClassifierOfTrees(**trees), scorer


def measure_weeks(
    blocked: Blocked, y: np.ndarray, model: Any, scorer: str, n_fits: int
) -> dict[tuple[str, int], float]:
    """Shares of p-values at most alpha for whole weeks, by what is counted."""
    known = np.isfinite(y)
    rows = Rows(blocked.table[known], y[known], blocked.codes[known])
    names, counts = np.unique(rows.codes, return_counts=True)
    n_known = min(round(N_REFERENCE / float(np.median(counts))), len(names) - 8)
    hits: dict[tuple[str, int], list[bool]] = {}
    for trial in range(n_fits):
        rng = np.random.default_rng(trial)
        order = rng.permutation(names)
        train = _taken(rows, order[:n_known])
        wrapped = DriftAwareEstimator(model, scoring=scorer, blocks="auto")
        wrapped.fit(train.X, train.y, groups=train.codes)
        rest = order[n_known:]
        for size in (1, 4):
            # Two batches of each size: a fit is what costs.
            for chosen in (rest[:size], rest[size : 2 * size]):
                batch = _taken(rows, chosen)
                for name, by_rows in (("blocks", False), ("rows", True)):
                    (pvalue,) = pvalues(wrapped, batch, by_rows=by_rows).values()
                    hits.setdefault((name, size), []).append(pvalue <= ALPHA)
    return {key: float(np.mean(found)) for key, found in hits.items()}


def _taken(rows: Rows, chosen: np.ndarray) -> Rows:
    inside = np.isin(rows.codes, chosen)
    return Rows(rows.X[inside], rows.y[inside], rows.codes[inside])


def print_made(n_fits: int) -> None:
    print(f"| {n_fits} fits, % with p ≤ {ALPHA} | blocks | score |", end="")
    print(" rows: 1 | 4 | 25 | blocks: 1 | 4 | 25 | a drop: 1 | 4 | 25 |")
    print("|---" * 12 + "|")
    for in_order in (False, True):
        name = "pieces of the order" if in_order else "groups"
        for n_blocks in NUMBERS:
            found = measure(n_blocks, in_order=in_order, n_fits=n_fits)
            for scorer in SCORERS:
                cells = " | ".join(
                    f"{100 * found[scorer, what, size]:.1f}"
                    for what in ("rows", "still", "drop")
                    for size in BATCHES
                )
                shown = scorer.removeprefix("neg_")
                print(f"| {name} | {n_blocks} | {shown} | {cells} |", flush=True)


def print_real(n_fits: int) -> None:
    print(f"| {n_fits} fits, % with p ≤ {ALPHA} | score |", end="")
    print(" rows: 1 week | 4 weeks | blocks: 1 week | 4 weeks |")
    print("|---" * 6 + "|")
    for name, blocked, y, model, scorer in real_rows():
        found = measure_weeks(blocked, y, model, scorer, n_fits)
        cells = " | ".join(
            f"{100 * found[what, size]:.1f}"
            for what in ("rows", "blocks")
            for size in (1, 4)
        )
        shown = scorer.removeprefix("neg_")
        print(f"| {name} | {shown} | {cells} |", flush=True)


def main() -> None:
    """Print both tables."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--fits", type=int, default=200)
    parser.add_argument("--real-fits", type=int, default=15)
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    start = time.perf_counter()
    print_made(options.fits)
    print()
    print_real(options.real_fits)
    print(f"{time.perf_counter() - start:.0f} s")


if __name__ == "__main__":
    main()
