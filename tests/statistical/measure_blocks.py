"""Trials of alarms on rows in blocks: how often without drift, how often with it.

Run as ``python tests/statistical/measure_blocks.py``: prints the table of
``docs/statistical.md``. Every trial draws whole blocks (days, weeks) of one real table
at random, about 6,000 rows of training, and one or four more for the batch, in the
order of time; for power one column that varies within blocks is then shifted. With
``--csv FILE --block COLUMN`` the trials are of the numeric columns of another table.
"""

from __future__ import annotations

import argparse
import time
import warnings
from dataclasses import dataclass

import numpy as np
import pandas as pd
from real_data import real_tables
from scipy.stats import binom
from sklearn.dummy import DummyRegressor

from skdrift import DriftAwareEstimator
from skdrift.datasets import load_bike_sharing

N_REFERENCE = 6000
ALPHA = 0.05


@dataclass(frozen=True)
class Blocked:
    """A table and the block of each row."""

    name: str
    table: np.ndarray
    codes: np.ndarray


def blocked_tables() -> list[Blocked]:
    """Three tables in the order of time, cut into days and weeks."""
    tables = real_tables()
    bike, air, power = (
        tables[name] for name in ("bike sharing", "air quality", "electricity")
    )
    days = np.array(load_bike_sharing().time).astype("datetime64[D]").astype(int)
    days -= days[0]
    return [
        Blocked("bike, days", bike, days),
        Blocked("bike, weeks", bike, days // 7),
        Blocked("air, weeks", air, np.arange(len(air)) // 168),
        Blocked("electricity, days", power, np.arange(len(power)) // 48),
        Blocked("electricity, weeks", power, np.arange(len(power)) // 336),
    ]


def table_of_file(path: str, block: str) -> list[Blocked]:
    """A table whose rows stand in the order of their blocks."""
    frame = pd.read_csv(path)
    codes = pd.factorize(frame[block])[0]
    numbers = frame.drop(columns=block).select_dtypes("number")
    return [Blocked(path, numbers.to_numpy(np.float64), codes)]


@dataclass(frozen=True)
class Trial:
    """Rows of one trial, in the order of time."""

    reference: np.ndarray
    groups: np.ndarray
    batch: np.ndarray
    batch_groups: np.ndarray


def draw(blocked: Blocked, n_batch: int, rng: np.random.Generator) -> Trial:
    """Whole blocks for training and for a batch, without replacement."""
    codes = blocked.codes
    names, counts = np.unique(codes, return_counts=True)
    n_blocks = min(round(N_REFERENCE / float(np.median(counts))), len(names) - n_batch)
    order = rng.permutation(names)
    known = np.isin(codes, order[:n_blocks])
    new = np.isin(codes, order[n_blocks : n_blocks + n_batch])
    return Trial(blocked.table[known], codes[known], blocked.table[new], codes[new])


def varying_columns(blocked: Blocked) -> np.ndarray:
    """Columns of which a tenth of the variance or more is within blocks."""
    found = []
    for column in blocked.table.T:
        known = ~np.isnan(column)
        values, codes = column[known], blocked.codes[known]
        sizes = np.bincount(codes)
        means = np.bincount(codes, weights=values) / np.maximum(sizes, 1)
        within = np.square(values - means[codes]).mean()
        found.append(within >= 0.1 * values.var() > 0)
    return np.flatnonzero(found)


def one_trial(
    blocked: Blocked, n_batch: int, mode: str, shifts: tuple[float, ...], seed: int
) -> list[bool]:
    """Whether the batch alarms as it is, and with each shift."""
    rng = np.random.default_rng(seed)
    trial = draw(blocked, n_batch, rng)
    column = rng.choice(varying_columns(blocked))
    model = DriftAwareEstimator(
        DummyRegressor(),
        cv=None,
        alpha=ALPHA,
        blocks=None if mode == "rows" else "auto",
    )
    groups = trial.groups if mode in ("groups", "groups told") else None
    told = trial.batch_groups if mode == "groups told" else None
    model.fit(trial.reference, np.zeros(len(trial.reference)), groups=groups)
    if mode != "rows":
        assert model.baseline_.blocks is not None
    found = []
    for shift in (0.0, *shifts):
        batch = trial.batch.copy()
        batch[:, column] += shift * np.nanstd(trial.reference[:, column])
        found.append(not model.check(batch, groups=told).ok)
    return found


def measure(
    blocked: Blocked, n_batch: int, mode: str, n_trials: int, seed: int = 0
) -> np.ndarray:
    """Shares of alarms: as it is, +2 sd, +4 sd."""
    found = [
        one_trial(blocked, n_batch, mode, (2.0, 4.0), seed + trial)
        for trial in range(n_trials)
    ]
    return np.mean(found, axis=0)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--trials", type=int, default=400)
    parser.add_argument("--modes", default="rows,groups,groups told,order")
    parser.add_argument("--only", default="")
    parser.add_argument("--csv", help="another table")
    parser.add_argument("--block", help="its column that names the block of a row")
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    band = binom.ppf(0.99, options.trials, ALPHA) / options.trials
    print(f"{options.trials} trials, alpha {ALPHA}: 5 % reach up to {band:.3f}")
    print("| table | blocks | batch | level counts | no drift | +2 sd | +4 sd |")
    print("|---|---|---|---|---|---|---|")
    start = time.perf_counter()
    tables = blocked_tables()
    if options.csv:
        tables = table_of_file(options.csv, options.block)
    for blocked in tables:
        if options.only not in blocked.name:
            continue
        sizes = np.unique(blocked.codes, return_counts=True)[1]
        n_blocks = round(N_REFERENCE / float(np.median(sizes)))
        for n_batch in (1, 4):
            for mode in options.modes.split(","):
                shares = measure(blocked, n_batch, mode, options.trials)
                row = " | ".join(f"{share:.3f}" for share in shares)
                print(
                    f"| {blocked.name} | {n_blocks} | {n_batch} | {mode} | {row} |",
                    flush=True,
                )
    print(f"{time.perf_counter() - start:.0f} s")


if __name__ == "__main__":
    main()
