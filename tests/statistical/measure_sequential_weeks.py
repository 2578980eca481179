"""False alarms over time on real rows whose weeks are in a random order.

``python tests/statistical/measure_sequential_weeks.py`` prints the table of real rows
of ``docs/user_guide/over_time.md``. Half of the weeks of a real table, drawn at random,
are training, the others come one after the other: nothing moves but what moves from
week to week. A record learns from out-of-fold losses, folds of whole weeks.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator

import numpy as np
from sklearn.base import is_classifier
from sklearn.model_selection import GroupKFold, cross_val_predict

from skdrift import SequentialRisk
from tests.statistical.measure_score_blocks import real_rows

ALPHA = 0.05
N_FOLDS = 5
Losses = tuple[np.ndarray, np.ndarray]


def weeks_of_losses(n_runs: int) -> Iterator[tuple[str, list[tuple[Losses, Losses]]]]:
    """Name of a table; out-of-fold and later losses of each run, with their weeks."""
    done = set()
    for name, blocked, y, model, _ in real_rows():
        if name in done:
            continue
        done.add(name)
        known = np.isfinite(y)
        table, labels, codes = blocked.table[known], y[known], blocked.codes[known]
        places = {code: np.flatnonzero(codes == code) for code in np.unique(codes)}

        def loss(rows: np.ndarray, answers: np.ndarray, y: np.ndarray = labels):
            return np.abs(y[rows] - answers)

        runs = []
        for seed in range(n_runs):
            order = np.random.default_rng(seed).permutation(list(places))
            halves = np.array_split(order, 2)
            first, later = (np.concatenate([places[w] for w in h]) for h in halves)
            folds = {"groups": codes[first], "cv": GroupKFold(N_FOLDS)}
            held_out = cross_val_predict(model, table[first], labels[first], **folds)
            model.fit(table[first], labels[first])
            of_first = loss(first, held_out), codes[first]
            of_later = loss(later, model.predict(table[later])), codes[later]
            runs.append((of_first, of_later))
        yield name + (", 0/1" if is_classifier(model) else ""), runs


def plain(losses: Losses) -> np.ndarray:
    return losses[0]


def by_week(losses: Losses) -> np.ndarray:
    """Mean loss of each week, in the order in which they come."""
    values, codes = losses
    ends = np.flatnonzero(np.diff(codes)) + 1
    return np.array([part.mean() for part in np.split(values, ends)])


WAYS: dict[str, tuple[Callable[[Losses], np.ndarray], int | None]] = {
    "rows one by one": (plain, 1),
    "blocks that are learnt": (plain, None),
    "means of weeks": (by_week, 1),
}


def worse(losses: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Half as much again; of 0/1 losses one in ten of the right answers wrong."""
    if np.isin(losses, (0.0, 1.0)).all():
        return np.maximum(losses, rng.random(len(losses)) < 0.1)
    return 1.5 * losses


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=40)
    given = parser.parse_args()
    print(f"{given.runs} runs, alpha {ALPHA}\n")
    print("| weeks in random order | what counts | block | false | found | week |")
    print("|---|---|---|---|---|---|")
    for name, runs in weeks_of_losses(given.runs):
        for way, (read, block_rows) in WAYS.items():
            false, found, weeks, sizes = [], [], [], []
            for number, (first, later) in enumerate(runs):
                record = SequentialRisk.from_losses(
                    read(first), alpha=ALPHA, n_folds=N_FOLDS, block_rows=block_rows
                )
                rng = np.random.default_rng(number)
                wrong = worse(later[0], rng), later[1]
                alarm = record.update(read(wrong))
                false.append(record.update(read(later)).alarm)
                found.append(alarm.alarm)
                sizes.append(record.block_rows)
                if alarm.alarm and way == "means of weeks":
                    weeks.append(float(alarm.alarm_row))
                elif alarm.alarm:
                    seen = later[1][: alarm.alarm_row]
                    weeks.append(1.0 + np.count_nonzero(np.diff(seen)))
            print(
                f"| {name} | {way} | {np.median(sizes):.0f} | {np.mean(false):.2f} "
                f"| {np.mean(found):.2f} | {np.median(weeks or [np.nan]):.0f} |",
                flush=True,
            )


if __name__ == "__main__":
    main()
