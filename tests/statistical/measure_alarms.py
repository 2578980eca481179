"""Trials of alarms on real data: how often without drift, how often with it.

Run as ``python tests/statistical/measure_alarms.py``: prints the tables of
``docs/statistical.md``. Every trial draws a reference and a batch without
replacement from all rows of one table, shuffled, so that nothing has moved; for
power the batch is then changed.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from real_data import real_tables
from scipy.stats import binom, ks_2samp
from sklearn.dummy import DummyRegressor

from skdrift import DriftAwareEstimator

N_REFERENCE = 3000
BATCHES = (50, 1000, 10_000)
ALPHAS = (0.01, 0.05)

Change = Callable[[np.ndarray, np.ndarray, np.random.Generator], np.ndarray]


@dataclass(frozen=True)
class Sample:
    """One trial's rows."""

    reference: np.ndarray
    batch: np.ndarray


def draw(table: np.ndarray, n: int, m: int, rng: np.random.Generator) -> Sample:
    """Rows of a reference and of a batch, without replacement."""
    order = rng.permutation(len(table))
    return Sample(table[order[:n]], table[order[n : n + m]])


def fitted(reference: np.ndarray) -> DriftAwareEstimator:
    """A model that knows the reference."""
    model = DriftAwareEstimator(DummyRegressor(), cv=None)
    return model.fit(reference, np.zeros(len(reference)))


def alarms(model: DriftAwareEstimator, batch: np.ndarray, alpha: float) -> bool:
    """Whether the batch alarms; nothing that `fit` learns depends on alpha."""
    return not model.set_params(alpha=alpha).check(batch).ok


def raw_ks_alarms(reference: np.ndarray, batch: np.ndarray, alpha: float) -> bool:
    """Whether two-sample KS on the raw rows rejects, Bonferroni over columns."""
    p = [
        ks_2samp(reference[:, j], batch[:, j], method="asymp").pvalue
        for j in range(reference.shape[1])
    ]
    return min(p) * len(p) <= alpha


def upper_band(n_trials: int, rate: float) -> float:
    """Largest share of alarms that a true rate of `rate` gives in 99 % of runs."""
    return float(binom.ppf(0.99, n_trials, rate)) / n_trials


def false_alarm_shares(
    table: np.ndarray, m: int, n_trials: int, seed: int
) -> dict[float, float]:
    """Share of batches that alarm although nothing moved, by alpha."""
    counts = dict.fromkeys(ALPHAS, 0)
    rng = np.random.default_rng(seed)
    for _ in range(n_trials):
        sample = draw(table, N_REFERENCE, m, rng)
        model = fitted(sample.reference)
        for alpha in ALPHAS:
            counts[alpha] += alarms(model, sample.batch, alpha)
    return {alpha: count / n_trials for alpha, count in counts.items()}


def shifted(by: float) -> Change:
    """Add `by` standard deviations to one random column that varies."""

    def change(
        reference: np.ndarray, batch: np.ndarray, rng: np.random.Generator
    ) -> np.ndarray:
        j = random_column(reference, rng)
        batch[:, j] += by * reference[:, j].std()
        return batch

    return change


def scaled(
    reference: np.ndarray, batch: np.ndarray, rng: np.random.Generator
) -> np.ndarray:
    """Stretch one random column by 1.5 about its mean."""
    j = random_column(reference, rng)
    mean = reference[:, j].mean()
    batch[:, j] = mean + 1.5 * (batch[:, j] - mean)
    return batch


def with_missing(
    reference: np.ndarray, batch: np.ndarray, rng: np.random.Generator
) -> np.ndarray:
    """Make a tenth of one random column missing."""
    j = random_column(reference, rng)
    batch[rng.random(len(batch)) < 0.1, j] = np.nan
    return batch


def random_column(reference: np.ndarray, rng: np.random.Generator) -> int:
    """Position of a column that is not constant."""
    return int(rng.choice(np.flatnonzero(reference.std(axis=0) > 0)))


def power(
    table: np.ndarray, change: Change, n_trials: int, seed: int, alpha: float = 0.05
) -> tuple[float, float]:
    """Share of changed batches of 1,000 rows that alarm; the same for raw KS."""
    rng = np.random.default_rng(seed)
    found = raw = 0
    for _ in range(n_trials):
        sample = draw(table, N_REFERENCE, 1000, rng)
        batch = change(sample.reference, sample.batch.copy(), rng)
        found += alarms(fitted(sample.reference), batch, alpha)
        if not np.isnan(batch).any():
            raw += raw_ks_alarms(sample.reference, batch, alpha)
    return found / n_trials, raw / n_trials


def unseen_power(table: np.ndarray, n_trials: int, seed: int) -> float:
    """Share found of batches with 2 % of rows in a new category of one column."""
    rng = np.random.default_rng(seed)
    found = 0
    for _ in range(n_trials):
        sample = draw(table, N_REFERENCE, 1000, rng)
        j = random_column(sample.reference, rng)
        edges = np.unique(np.quantile(sample.reference[:, j], np.linspace(0, 1, 9)))
        parts = [
            np.searchsorted(edges, rows[:, j]).astype(str)
            for rows in (sample.reference, sample.batch)
        ]
        before, now = (rows.astype(object) for rows in (sample.reference, sample.batch))
        before[:, j], now[:, j] = parts
        now[rng.random(len(now)) < 0.02, j] = "new"
        found += alarms(fitted(before), now, 0.05)
    return found / n_trials


CHANGES: dict[str, Change] = {
    "+0.1 sd in one column": shifted(0.1),
    "+0.25 sd in one column": shifted(0.25),
    "scale ×1.5 in one column": scaled,
    "missing 0 → 10 % in one column": with_missing,
}


def print_false_alarms(n_trials: int) -> None:
    print("| table | batch | alpha 0.01 | alpha 0.05 |")
    print("|---|---|---|---|")
    for name, table in real_tables().items():
        for number, m in enumerate(BATCHES):
            m = min(m, len(table) - N_REFERENCE)
            shares = false_alarm_shares(table, m, n_trials, seed=number)
            cells = " | ".join(f"{shares[alpha]:.4f}" for alpha in ALPHAS)
            print(f"| {name} | {m:,} | {cells} |", flush=True)
    limits = " | ".join(f"{upper_band(n_trials, alpha):.4f}" for alpha in ALPHAS)
    print(f"| largest that chance allows (99 %) | {n_trials} trials | {limits} |")


def print_power(n_trials: int) -> None:
    tables = real_tables()
    names = " | ".join(tables)
    print(f"| change | {names} | pooled | raw KS, Bonferroni |")
    print("|---" * (len(tables) + 3) + "|")
    for label, change in CHANGES.items():
        results = [power(t, change, n_trials, seed=7) for t in tables.values()]
        found = np.array(results)
        cells = " | ".join(f"{share:.3f}" for share in found[:, 0])
        raw = f"{found[:, 1].mean():.3f}" if found[:, 1].any() else "—"
        print(f"| {label} | {cells} | {found[:, 0].mean():.3f} | {raw} |", flush=True)
    found = [unseen_power(t, n_trials, seed=8) for t in tables.values()]
    cells = " | ".join(f"{share:.3f}" for share in found)
    label = "2 % of rows in a new category"
    print(f"| {label} | {cells} | {np.mean(found):.3f} | — |")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trials", type=int, default=400)
    parser.add_argument("--only", choices=["false-alarms", "power"])
    arguments = parser.parse_args()
    if arguments.only != "power":
        print_false_alarms(arguments.trials)
    if arguments.only != "false-alarms":
        print_power(arguments.trials)
