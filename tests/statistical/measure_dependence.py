"""Trials of alarms about the dependence between columns.

Run as ``python tests/statistical/measure_dependence.py``: prints the tables of
``docs/user_guide/joint_drift.md``. The level is that of DA104 and DA105 together,
with all of alpha given to them, on tables of which nothing moved. With ``--blocks``:
the tables for rows in blocks, where alpha is that of the whole check.
"""

from __future__ import annotations

import argparse
import time
import warnings
from collections.abc import Callable, Sequence

import numpy as np
from measure_blocks import Blocked, Trial, blocked_tables, draw
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

Make = Callable[[np.random.Generator], Trial]
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


def random_effects(
    n_blocks: int, size: int, n_batch: int, rng: np.random.Generator
) -> Trial:
    """Six independent columns, of which half the variance is between blocks."""

    def rows(n: int) -> np.ndarray:
        both = rng.normal(size=(n, 1, 6)) + rng.normal(size=(n, size, 6))
        return both.reshape(-1, 6)

    codes = np.repeat(np.arange(n_blocks + n_batch), size)
    n = n_blocks * size
    return Trial(rows(n_blocks), codes[:n], rows(n_batch), codes[n:])


def autoregressive(n: int, n_batch: int, rng: np.random.Generator) -> Trial:
    """Six independent columns, each like its neighbours (0.9); the batch is later."""
    noise = rng.normal(size=(n + n_batch + 200, 6))
    rows = noise.copy()
    for at in range(1, len(rows)):
        rows[at] = 0.9 * rows[at - 1] + noise[at]
    codes = np.zeros(len(rows), dtype=np.intp)
    return Trial(rows[:n], codes[:n], rows[-n_batch:], codes[-n_batch:])


def pair_in_blocks(
    n_batch: int, before: float, now: float, rng: np.random.Generator
) -> Trial:
    """Random effects in 60 blocks; two columns are correlated within blocks.

    Fisher's transform of the correlation has deviation 0.1 from block to block.
    """
    trial = random_effects(60, 120, n_batch, rng)
    for rows, usual in ((trial.reference, before), (trial.batch, now)):
        n = len(rows) // 120
        rho = np.tanh(np.arctanh(usual) + 0.1 * rng.normal(size=n)).repeat(120)
        a, b = rng.normal(size=(2, len(rows)))
        effects = rng.normal(size=(n, 2)).repeat(120, axis=0)
        rows[:, 0] = effects[:, 0] + a
        rows[:, 1] = effects[:, 1] + rho * a + np.sqrt(1 - rho**2) * b
    return trial


def block_alarms(trial: Trial, mode: str) -> list[bool]:
    """Any alarm, one of dependence, and one of dependence if columns are shuffled."""
    model = DriftAwareEstimator(DummyRegressor(), cv=None, alpha=0.05, blocks="auto")
    groups = None if mode == "order" else trial.groups
    model.fit(trial.reference, np.zeros(len(trial.reference)), groups=groups)
    assert model.baseline_.blocks is not None
    told = trial.batch_groups if mode == "groups told" else None
    shuffled = np.random.default_rng(0).permuted(trial.batch, axis=0)
    reports = [model.check(rows, groups=told) for rows in (trial.batch, shuffled)]
    joint = [any(alarm.code in JOINT for alarm in r.alarms) for r in reports]
    return [not reports[0].ok, *joint]


def block_shares(make: Make, mode: str, n_trials: int, seed: int = 0) -> np.ndarray:
    """Shares of trials: any alarm, dependence, dependence of shuffled columns."""
    trials = (make(np.random.default_rng(seed + trial)) for trial in range(n_trials))
    return np.mean([block_alarms(trial, mode) for trial in trials], axis=0)


def block_laws() -> list[tuple[str, str, str, Make]]:
    """Name, what the level counts, batch and trials; real rows after made ones."""
    found: list[tuple[str, str, str, Make]] = []
    for n in (1, 4):
        found += [
            (
                "random effects, 60 × 120 rows",
                "groups",
                str(n),
                lambda rng, n=n: random_effects(60, 120, n, rng),
            ),
            (
                "random effects, 150 × 24 rows",
                "groups told",
                str(5 * n),
                lambda rng, n=n: random_effects(150, 24, 5 * n, rng),
            ),
            (
                "autoregressive, 3,600 rows",
                "order",
                str(6 * n),
                lambda rng, n=n: autoregressive(3_600, 120 * n, rng),
            ),
        ]
    for blocked in blocked_tables():
        for n in (4,) if "days" in blocked.name else (1, 4):
            for mode in ("groups", "order"):
                found.append((blocked.name, mode, str(n), _drawn(blocked, n)))
    return found


def _drawn(blocked: Blocked, n_batch: int) -> Make:
    return lambda rng: draw(blocked, n_batch, rng)


def print_blocks(n_trials: int, only: str) -> None:
    warnings.simplefilter("ignore")
    print(
        "| rows | level counts | blocks of the batch | any alarm | dependence |", end=""
    )
    print(" dependence, shuffled |\n|---|---|---|---|---|---|")
    for name, mode, batch, make in block_laws():
        if only in name:
            shares = block_shares(make, mode, n_trials)
            row = " | ".join(f"{share:.3f}" for share in shares)
            print(f"| {name} | {mode} | {batch} | {row} |", flush=True)
    limit = binom.ppf(0.99, n_trials, 0.05) / n_trials
    print(f"{n_trials} trials: 5 % reach up to {limit:.3f}")


def print_pair_in_blocks(n_trials: int) -> None:
    print("| one pair of 6 columns within blocks | 1 block | 4 blocks |")
    print("|---|---|---|")
    for before, now in ((0.6, 0.6), (0.6, 0.4), (0.6, 0.2), (0.6, 0.0), (0.0, 0.6)):
        cells = []
        for n in (1, 4):

            def make(rng: np.random.Generator, n: int = n) -> Trial:
                return pair_in_blocks(n, before, now, rng)  # noqa: B023

            cells.append(f"{block_shares(make, 'groups', n_trials)[1]:.3f}")
        print(f"| {before} → {now} | {' | '.join(cells)} |", flush=True)


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
    parser.add_argument("--blocks", nargs="?", const="", help="of such rows only")
    arguments = parser.parse_args()
    if arguments.blocks is not None:
        print_blocks(arguments.trials, arguments.blocks)
        if arguments.blocks in ("", "pair"):
            print_pair_in_blocks(arguments.trials)
        raise SystemExit
    if arguments.only in {None, "level"}:
        print_level(arguments.trials, arguments.laws)
    if arguments.only in {None, "power"}:
        print_power(arguments.trials)
    if arguments.only in {None, "cost"}:
        print_costs()
