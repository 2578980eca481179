"""Level and power where columns move with time, and what real years look like.

``python tests/statistical/measure_trend.py`` prints two tables. In the first, training
has 3,000 rows of ten columns over one span of time, of which three move, and a batch
of 500 rows comes 1/10 or 1/2 of the span later; a jump is of three standard deviations
in a column that moves, and of 0.2 in one that does not. In the second, models learn
from the first half of a real table (the first year of the bicycles), in the order of
time, and look at twelve batches of the rest, as they are and with four standard
deviations added to one column.
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
from tests.statistical.real_data import real_tables

ALPHA = 0.05
N_REFERENCE, N_BATCH = 3_000, 500
N_COLUMNS, N_MOVING = 10, 3
KINDS = ("no trend", "walk", "trend", "walk and trend")
LAGS = (0.1, 0.5)
HOURS_OF_2011 = 8_645


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
            batch[:, column] += 3.0 if column == 0 else 0.2
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
    found = []
    for name, rows in real_tables().items():
        times = np.arange(len(rows), dtype=np.float64)
        cut = HOURS_OF_2011 if name == "bike sharing" else len(rows) // 2
        batches = np.array_split(np.arange(cut, len(rows)), 12)
        found.append((name, rows, times, [np.arange(cut), *batches]))
    return found


def look_at_batches(
    rows: np.ndarray,
    times: np.ndarray | None,
    batches: list[np.ndarray],
    blocks: str | None,
) -> str:
    """Columns that alarm by batch, median tolerance, and share of the faults found."""
    first, *later = batches
    model = wrapped(rows[first], None if times is None else times[first], blocks)
    counts, tolerances, faults = [], [], []
    for number, batch in enumerate(later):
        own = None if times is None else times[batch]
        report = model.check(rows[batch], time=own)
        counts.append(len({name for a in report.alarms for name in a.features}))
        tolerances += [row.tolerance for row in report.features]
        column = number % rows.shape[1]
        wrong = rows[batch].copy()
        wrong[:, column] += 4 * rows[first, column].std()
        alarms = model.check(wrong, time=own).alarms
        faults.append(any(f"x{column}" in a.features for a in alarms))
    listed = " ".join(map(str, counts))
    return f"{listed} | {np.nanmedian(tolerances):.2g} | {np.mean(faults):.2f}"


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--trials", type=int, default=200)
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    start = time.perf_counter()
    band = binom.ppf(0.99, options.trials, ALPHA) / options.trials
    print(f"{options.trials} trials, alpha {ALPHA}: 5 % reach up to {band:.3f}\n")
    print("| columns | lag | time | no jump | 3 sd, moves | 0.2 sd, stands |")
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
    print("| table | level counts | time | columns that alarm | tolerance | +4 sd |")
    print("|---|---|---|---|---|---|")
    for name, rows, times, batches in real_pieces():
        for blocks in (None, "auto"):
            for timed in (False, True):
                found = look_at_batches(rows, times if timed else None, batches, blocks)
                counted = "rows" if blocks is None else "auto"
                given = "given" if timed else "none"
                print(f"| {name} | {counted} | {given} | {found} |", flush=True)
    print(f"\n{time.perf_counter() - start:.0f} s")


if __name__ == "__main__":
    main()
