"""How often a realised score counts as a drop where rows come in blocks.

Run as ``python tests/statistical/measure_score_blocks.py``: prints the tables of
``docs/user_guide/score.md``, section "Rows in blocks". Made rows: each block of 24
rows has its own level of error, groups independently and pieces of the row order as an
AR(1) series; every fit draws training anew. Real rows: whole weeks drawn at random.
Beside the drops: how often the interval, which has two ends, holds the score. It takes
about 20 minutes.
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
from skdrift._core.result import ScoreExpectation
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
PLACES = ("below", "inside", "above")
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


def realised(model: Any, batch: Rows, *, by_rows: bool) -> list[ScoreExpectation]:
    """Scores of a batch beside what was promised."""
    baseline, part = model.baseline_, None
    if not by_rows:
        n_blocks = len(np.unique(batch.codes))
        part = batch_part(baseline, len(batch.y), n_blocks)
    fitted = model.estimator_
    scorers = resolve_scorers(fitted, model.scoring)
    return realised_scores(baseline.scores, scorers, fitted, batch.X, batch.y, part)


def place(score: ScoreExpectation) -> str:
    """Where a score lies: below, inside or above its interval."""
    if score.realised < score.low:
        return "below"
    return "above" if score.realised > score.high else "inside"


def measure(
    n_blocks: int, *, in_order: bool, n_fits: int, seed: int = 0
) -> dict[tuple[str, str, int], float]:
    """Shares of p-values at most alpha, by scorer, what is counted and size.

    And of scores by their place, under the names of `PLACES`.
    """
    memory = MEMORY if in_order else 0.0
    hits: dict[tuple[str, str, int], list[bool]] = {}

    def count(scorer: str, what: str, size: int, hit: bool) -> None:
        hits.setdefault((scorer, what, size), []).append(hit)

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
                for score in realised(model, batch, by_rows=False):
                    count(score.scorer, name, size, score.pvalue <= ALPHA)
                    if name == "still":
                        for end in PLACES:
                            count(score.scorer, end, size, place(score) == end)
            still = draw_blocks(size, rng, memory=memory)
            for score in realised(model, still, by_rows=True):
                count(score.scorer, "rows", size, score.pvalue <= ALPHA)
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
) -> dict[tuple[str, int], np.ndarray]:
    """Whether p is at most alpha for whole weeks, by what is counted and size.

    And whether the score is at each of `PLACES`. Arrays of shape (n_fits, n_batches):
    two batches of each fit, or one where there are too few weeks.
    """
    known = np.isfinite(y)
    rows = Rows(blocked.table[known], y[known], blocked.codes[known])
    names, counts = np.unique(rows.codes, return_counts=True)
    most = len(names) - max(BATCHES)
    n_known = min(round(N_REFERENCE / float(np.median(counts))), most)
    hits: dict[tuple[str, int], list[bool]] = {}
    for trial in range(n_fits):
        rng = np.random.default_rng(trial)
        order = rng.permutation(names)
        train = _taken(rows, order[:n_known])
        wrapped = DriftAwareEstimator(model, scoring=scorer, blocks="auto")
        wrapped.fit(train.X, train.y, groups=train.codes)
        rest = order[n_known:]
        for size in BATCHES:
            # Two batches of each size: a fit is what costs.
            for start in range(0, min(2 * size, len(rest) - size + 1), size):
                batch = _taken(rows, rest[start : start + size])
                (score,) = realised(wrapped, batch, by_rows=False)
                found = {end: place(score) == end for end in PLACES}
                found["blocks"] = score.pvalue <= ALPHA
                (score,) = realised(wrapped, batch, by_rows=True)
                found["rows"] = score.pvalue <= ALPHA
                for name, hit in found.items():
                    hits.setdefault((name, size), []).append(hit)
    return {key: np.reshape(found, (n_fits, -1)) for key, found in hits.items()}


def _taken(rows: Rows, chosen: np.ndarray) -> Rows:
    inside = np.isin(rows.codes, chosen)
    return Rows(rows.X[inside], rows.y[inside], rows.codes[inside])


def print_made(n_fits: int) -> None:
    print(f"| {n_fits} fits, % with p ≤ {ALPHA} | blocks | score |", end="")
    print(" rows: 1 | 4 | 25 | blocks: 1 | 4 | 25 | a drop: 1 | 4 | 25 |")
    print("|---" * 12 + "|")
    inside = []
    for in_order in (False, True):
        name = "pieces of the order" if in_order else "groups"
        for n_blocks in NUMBERS:
            found = measure(n_blocks, in_order=in_order, n_fits=n_fits)
            for scorer in SCORERS:
                shown = scorer.removeprefix("neg_")
                start = f"| {name} | {n_blocks} | {shown} | "
                cells = [
                    f"{100 * found[scorer, what, size]:.1f}"
                    for what in ("rows", "still", "drop")
                    for size in BATCHES
                ]
                print(start + " | ".join(cells) + " |", flush=True)
                shares = {
                    (what, size): np.array([found[scorer, what, size]])
                    for what in PLACES
                    for size in BATCHES
                }
                inside.append(start + " | ".join(_cells_of_places(shares, n_fits)))
    print(f"\n| {n_fits} fits, % inside the interval | blocks | score |", end="")
    print(_PLACES_HEAD + "|---" * 12 + "|")
    print("\n".join(f"{line} |" for line in inside))


_PLACES_HEAD = " inside: 1 | 4 | 25 | below: 1 | 4 | 25 | above: 1 | 4 | 25 |\n"


def _cells_of_places(
    found: dict[tuple[str, int], np.ndarray], n_fits: int
) -> list[str]:
    """Shares in %; those inside with the standard error over fits.

    Parameters
    ----------
    found : dict of (place, size) to ndarray
        Shares of fits, or that of all of them where each has one batch.
    n_fits : int
    """
    cells = []
    for size in BATCHES:
        by_fit = 100 * found["inside", size].reshape(len(found["inside", size]), -1)
        share = by_fit.mean()
        error = np.sqrt(share * (100 - share) / n_fits)
        if len(by_fit) > 1:
            error = by_fit.mean(axis=1).std(ddof=1) / np.sqrt(n_fits)
        cells.append(f"{share:.1f} ± {error:.1f}")
    for what in ("below", "above"):
        cells += [f"{100 * found[what, size].mean():.1f}" for size in BATCHES]
    return cells


def print_real(n_fits: int) -> None:
    print(f"| {n_fits} fits, % with p ≤ {ALPHA} | score |", end="")
    print(" rows: 1 week | 4 | 25 | blocks: 1 week | 4 | 25 |")
    print("|---" * 8 + "|")
    inside = []
    for name, blocked, y, model, scorer in real_rows():
        found = measure_weeks(blocked, y, model, scorer, n_fits)
        start = f"| {name} | {scorer.removeprefix('neg_')} | "
        cells = [
            f"{100 * found[what, size].mean():.1f}"
            for what in ("rows", "blocks")
            for size in BATCHES
        ]
        print(start + " | ".join(cells) + " |", flush=True)
        inside.append(start + " | ".join(_cells_of_places(found, n_fits)))
    print(f"\n| {n_fits} fits, % inside the interval | score |", end="")
    print(_PLACES_HEAD + "|---" * 11 + "|")
    print("\n".join(f"{line} |" for line in inside))


def main() -> None:
    """Print both tables."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--fits", type=int, default=600)
    parser.add_argument("--real-fits", type=int, default=200)
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    start = time.perf_counter()
    print_made(options.fits)
    print()
    print_real(options.real_fits)
    print(f"{time.perf_counter() - start:.0f} s")


if __name__ == "__main__":
    main()
