"""Level and power where columns move with time, and what real years look like.

``python tests/statistical/measure_trend.py`` prints two tables. In the first, training
has 3,000 rows of ten columns over one span of time, of which three move, and a batch
of 500 rows comes 1/10 or 1/2 of the span later; the jump is of one standard deviation,
in a column that moves and in one that does not. In the second, models learn from the
first part of a real table, in the order of time, and look at the pieces of the rest.
"""

from __future__ import annotations

import argparse
import time
import warnings
from dataclasses import dataclass

import numpy as np
from scipy.stats import binom
from sklearn.dummy import DummyRegressor

from skdrift import DriftAwareEstimator
from skdrift.datasets import load_bike_sharing
from tests.statistical.real_data import real_tables

ALPHA = 0.05
N_REFERENCE, N_BATCH = 3_000, 500
N_COLUMNS, N_MOVING = 10, 3
KINDS = ("no trend", "walk", "trend", "walk and trend")
LAGS = (0.1, 0.5)


@dataclass(frozen=True, slots=True)
class Trial:
    """Rows of training and of a batch, and when they are from."""

    reference: np.ndarray
    batch: np.ndarray
    times: np.ndarray
    batch_times: np.ndarray


def draw(kind: str, lag: float, rng: np.random.Generator) -> Trial:
    """One trial: the first three columns move by one standard deviation in a span."""
    n_all = round(N_REFERENCE * (1 + lag)) + N_BATCH
    times = np.arange(n_all) / N_REFERENCE
    rows = rng.normal(size=(n_all, N_COLUMNS))
    moved = np.zeros((n_all, N_MOVING))
    if "walk" in kind:
        steps = rng.normal(size=(n_all, N_MOVING)) / np.sqrt(N_REFERENCE)
        moved += np.cumsum(steps, axis=0)
    if "trend" in kind and kind != "no trend":
        moved += times[:, None] * rng.choice([-1.0, 1.0], size=N_MOVING)
    rows[:, :N_MOVING] += moved
    return Trial(
        rows[:N_REFERENCE], rows[-N_BATCH:], times[:N_REFERENCE], times[-N_BATCH:]
    )


def wrapped(
    reference: np.ndarray, times: np.ndarray | None, blocks: str | None = None
) -> DriftAwareEstimator:
    """Model of the rows, with their times or without."""
    model = DriftAwareEstimator(DummyRegressor(), cv=None, alpha=ALPHA, blocks=blocks)
    return model.fit(reference, np.zeros(len(reference)), time=times)


def one_trial(kind: str, lag: float, timed: bool, seed: int) -> list[bool]:
    """Alarm as it is, and with a jump in a column that moves or in one that stands."""
    trial = draw(kind, lag, np.random.default_rng(seed))
    model = wrapped(trial.reference, trial.times if timed else None)
    found = []
    for column in (None, 0, N_COLUMNS - 1):
        batch = trial.batch.copy()
        if column is not None:
            batch[:, column] += 1.0 if column == 0 else 0.2
        report = model.check(batch, time=trial.batch_times if timed else None)
        name = None if column is None else f"x{column}"
        found.append(
            not report.ok
            if name is None
            else any(name in alarm.features for alarm in report.alarms)
        )
    return found


def real_pieces() -> list[tuple[str, np.ndarray, np.ndarray, list[np.ndarray]]]:
    """Name, rows and times, and the rows of each batch, of real tables in order."""
    bike = load_bike_sharing(as_frame=True).frame
    year = bike["year"].to_numpy() if "year" in bike else None
    found = []
    for name, rows in real_tables().items():
        times = np.arange(len(rows), dtype=np.float64)
        cut = len(rows) // 2
        if name == "bike sharing" and year is not None:
            cut = int((year == year.min()).sum())
        batches = np.array_split(np.arange(cut, len(rows)), 12)
        found.append((name, rows, times, [np.arange(cut), *batches]))
    return found


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--trials", type=int, default=200)
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    start = time.perf_counter()
    band = binom.ppf(0.99, options.trials, ALPHA) / options.trials
    print(f"{options.trials} trials, alpha {ALPHA}: 5 % reach up to {band:.3f}\n")
    print("| columns | lag | time | no jump | 1 sd, moves | 0.2 sd, stands |")
    print("|---|---|---|---|---|---|")
    for kind in KINDS:
        for lag in LAGS:
            for timed in (False, True):
                trials = [
                    one_trial(kind, lag, timed, seed) for seed in range(options.trials)
                ]
                row = " | ".join(f"{share:.3f}" for share in np.mean(trials, axis=0))
                given = "given" if timed else "none"
                print(f"| {kind} | {lag} | {given} | {row} |", flush=True)
    print()
    print("| table | columns | blocks | time | columns that alarm, by batch |")
    print("|---|---|---|---|---|")
    for name, rows, times, (first, *batches) in real_pieces():
        for blocks in (None, "auto"):
            for timed in (False, True):
                model = wrapped(rows[first], times[first] if timed else None, blocks)
                counts = [
                    len(
                        {
                            feature
                            for alarm in model.check(
                                rows[batch], time=times[batch] if timed else None
                            ).alarms
                            for feature in alarm.features
                        }
                    )
                    for batch in batches
                ]
                given = "given" if timed else "none"
                listed = " ".join(map(str, counts))
                counted = "rows" if blocks is None else "auto"
                print(
                    f"| {name} | {rows.shape[1]} | {counted} | {given} | {listed} |",
                    flush=True,
                )
    print(f"\n{time.perf_counter() - start:.0f} s")


if __name__ == "__main__":
    main()
