"""Trials of alarms about the dependence between columns.

Run as ``python tests/statistical/measure_dependence.py``: prints the tables of
``docs/user_guide/joint_drift.md``. The level is that of DA104 and DA105 together,
with all of alpha given to them, on tables of which nothing moved.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Sequence

import numpy as np
from real_data import real_tables
from scipy.stats import binom
from sklearn.dummy import DummyRegressor

from skdrift import DriftAwareEstimator
from skdrift._core.frame import read_table
from skdrift.profile._profile import learn_profile
from skdrift.shift._dependence import learn_dependence
from skdrift.shift._dependence_change import compare_dependence

ALPHAS = (0.05, 0.01)
JOINT = frozenset({"DA104", "DA105"})

Draw = Callable[[int, int, np.random.Generator], np.ndarray]


def gaussian(n: int, d: int, rng: np.random.Generator) -> np.ndarray:
    """Columns that share one factor: correlation 0.64 of the first half."""
    rows = rng.normal(size=(n, d))
    half = d // 2
    rows[:, :half] = 0.8 * rng.normal(size=(n, 1)) + 0.6 * rows[:, :half]
    return rows


def t3_copula(n: int, d: int, rng: np.random.Generator) -> np.ndarray:
    """Student's t with three degrees of freedom, with dependent tails."""
    return gaussian(n, d, rng) / np.sqrt(rng.chisquare(3, size=(n, 1)) / 3)


def common_volatility(n: int, d: int, rng: np.random.Generator) -> np.ndarray:
    """Uncorrelated columns that are all wide in the same rows."""
    return rng.normal(size=(n, d)) * np.exp(rng.normal(size=(n, 1)))


def circle(n: int, d: int, rng: np.random.Generator) -> np.ndarray:
    """Pairs of columns on a circle: uncorrelated, and not independent."""
    angle = rng.uniform(0, 2 * np.pi, size=(n, d // 2))
    rows = np.hstack([np.cos(angle), np.sin(angle)])
    return rows + 0.05 * rng.normal(size=rows.shape)


LAWS: dict[str, Draw] = {
    "Gaussian": gaussian,
    "t₃ copula": t3_copula,
    "common volatility": common_volatility,
    "circle": circle,
}


def rows_of(table: np.ndarray) -> Draw:
    """Rows of a table, drawn without replacement within one call."""

    def draw(n: int, d: int, rng: np.random.Generator) -> np.ndarray:
        return table[rng.permutation(len(table))[:n]]

    return draw


def smallest_pvalue(reference: np.ndarray, batch: np.ndarray) -> float:
    """Smallest adjusted p-value of the tests of dependence, all of alpha theirs."""
    profile = learn_profile(
        read_table(reference),
        categorical_features=None,
        n_cells=128,
        min_category_count=1,
    )
    dependence = learn_dependence(read_table(reference), profile)
    if dependence is None:
        return 1.0
    found = compare_dependence(
        dependence,
        profile,
        read_table(batch),
        alpha=0.999,
        share=1.0,
        min_effect=0.01,
        moved=(),
    )
    return min((finding.pvalue for finding in found), default=1.0)


def false_alarm_shares(
    draw: Draw, n: int, m: int, d: int, n_trials: int, seed: int = 0
) -> dict[float, float]:
    """Share of batches like training that alarm, by level."""
    rng = np.random.default_rng(seed)
    smallest = [
        smallest_pvalue(draw(n, d, rng), draw(m, d, rng)) for _ in range(n_trials)
    ]
    return {alpha: float(np.mean(np.array(smallest) <= alpha)) for alpha in ALPHAS}


def model_of(reference: np.ndarray, alpha: float) -> DriftAwareEstimator:
    model = DriftAwareEstimator(DummyRegressor(), cv=None, alpha=alpha, blocks=None)
    return model.fit(reference, np.zeros(len(reference)))


def joint_alarm(reference: np.ndarray, batch: np.ndarray, alpha: float) -> bool:
    """Whether the whole check alarms about the dependence between columns."""
    report = model_of(reference, alpha).check(batch)
    return any(alarm.code in JOINT for alarm in report.alarms)


def permuted_power(
    table: np.ndarray, n: int, m: int, n_trials: int, alpha: float
) -> float:
    """Share found of batches of which every column is shuffled on its own."""
    rng = np.random.default_rng(1)
    found = 0
    for _ in range(n_trials):
        order = rng.permutation(len(table))
        batch = rng.permuted(table[order[n : n + m]], axis=0)
        found += joint_alarm(table[order[:n]], batch, alpha)
    return found / n_trials


def one_pair_power(
    before: float, now: float, n: int, m: int, d: int, n_trials: int, alpha: float
) -> float:
    """Share found of batches with another correlation of one pair."""
    rng = np.random.default_rng(2)
    found = 0
    for _ in range(n_trials):
        samples = []
        for size, rho in ((n, before), (m, now)):
            rows = rng.normal(size=(size, d))
            rows[:, 1] = rho * rows[:, 0] + np.sqrt(1 - rho**2) * rows[:, 1]
            samples.append(rows)
        found += joint_alarm(samples[0], samples[1], alpha)
    return found / n_trials


def costs(n: int, d: int) -> tuple[float, float]:
    """Processor seconds of a check without and with the tests of dependence."""
    rng = np.random.default_rng(3)
    model = model_of(rng.normal(size=(n, d)), 0.01)
    batch = rng.normal(size=(n, d))
    alone = model_of(rng.normal(size=(n, d)), 0.01)
    object.__setattr__(alone.baseline_, "dependence", None)
    return best(lambda: alone.check(batch)), best(lambda: model.check(batch))


def best(run: Callable[[], object]) -> float:
    """Least processor time of five runs."""
    seconds = []
    for _ in range(5):
        start = time.process_time()
        run()
        seconds.append(time.process_time() - start)
    return min(seconds)


def print_level(n_trials: int, laws: Sequence[str]) -> None:
    print("| law | training, batch, columns | alpha 0.05 | alpha 0.01 |")
    print("|---|---|---|---|")
    for name in laws:
        for n, m, d in ((3000, 1000, 10), (3000, 100, 10), (500, 500, 10)):
            shares = false_alarm_shares(LAWS[name], n, m, d, n_trials)
            cells = " | ".join(f"{shares[alpha]:.4f}" for alpha in ALPHAS)
            print(f"| {name} | {n:,}, {m:,}, {d} | {cells} |", flush=True)
    for name, table in real_tables().items():
        for n, m in ((3000, 1000), (3000, 100)):
            shares = false_alarm_shares(rows_of(table), n, m, 0, n_trials)
            cells = " | ".join(f"{shares[alpha]:.4f}" for alpha in ALPHAS)
            columns = table.shape[1]
            print(f"| {name} | {n:,}, {m:,}, {columns} | {cells} |", flush=True)
    limits = [binom.ppf(0.99, n_trials, alpha) / n_trials for alpha in ALPHAS]
    cells = " | ".join(f"{limit:.4f}" for limit in limits)
    print(f"| largest that chance allows (99 %) | {n_trials} trials | {cells} |")


def print_power(n_trials: int) -> None:
    print("| change | alpha 0.05 | alpha 0.01 |")
    print("|---|---|---|")
    for name, table in real_tables().items():
        found = [permuted_power(table, 3000, 1000, n_trials, a) for a in ALPHAS]
        cells = " | ".join(f"{share:.3f}" for share in found)
        print(f"| {name}: each column shuffled | {cells} |", flush=True)
    for before, now in ((0.0, 0.2), (0.2, 0.0), (0.5, 0.3), (0.8, 0.6)):
        found = [
            one_pair_power(before, now, 3000, 1000, 10, n_trials, a) for a in ALPHAS
        ]
        cells = " | ".join(f"{share:.3f}" for share in found)
        print(f"| one pair of 10 columns: {before} → {now} | {cells} |", flush=True)


def print_costs() -> None:
    print("| rows | columns | column by column | with dependence | more |")
    print("|---|---|---|---|---|")
    for n, d in ((1_000, 10), (10_000, 50), (100_000, 50), (20_000, 500)):
        alone, joint = costs(n, d)
        ratio = joint / alone - 1
        print(f"| {n:,} | {d} | {alone:.3f} s | {joint:.3f} s | {ratio:+.0%} |")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trials", type=int, default=400)
    parser.add_argument("--only", choices=["level", "power", "cost"])
    parser.add_argument("--laws", nargs="*", default=[*LAWS])
    arguments = parser.parse_args()
    if arguments.only in {None, "level"}:
        print_level(arguments.trials, arguments.laws)
    if arguments.only in {None, "power"}:
        print_power(arguments.trials)
    if arguments.only in {None, "cost"}:
        print_costs()
