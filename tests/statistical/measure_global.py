"""Trials of large tolerances, and of many columns that move together.

Run as ``python tests/statistical/measure_global.py``: prints the tables of
``docs/user_guide/alarms.md``.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Sequence

import numpy as np
from scipy import optimize, stats
from sklearn.dummy import DummyRegressor

from skdrift import DriftAwareEstimator
from skdrift._core.frame import read_table
from skdrift.profile._profile import count_table, learn_profile
from skdrift.shift._compare import nothing_compared
from skdrift.shift._dependence import known_slots, learn_dependence
from skdrift.shift._together import with_together
from skdrift.stats import (
    chi_square_sum_tail,
    combine_pvalues,
    contact_set,
    kolmogorov_smirnov,
    regularized_hotelling,
)
from skdrift.stats.anderson import statistic_and_pvalue as anderson_darling
from skdrift.stats.neyman import statistic_and_pvalue as smooth
from skdrift.stats.pooled import PooledSample
from skdrift.stats.quadratic import noncentral_chi2_sf

EDGES = stats.norm.ppf(np.linspace(0, 1, 129))
UNIFORM = np.full(128, 1 / 128)
TOLERANCES = (0.01, 0.05, 0.1, 0.2)
BATCHES = (500, 2000, 10_000)
N_REFERENCE = 10_000


def shares_of(kind: str, distance: float) -> np.ndarray:
    """Shares of 128 cells, equal in training, at a Kolmogorov-Smirnov distance."""
    if kind == "shift":
        shift = 2 * stats.norm.ppf(0.5 + distance / 2)
        return np.diff(stats.norm.cdf(EDGES - shift))
    low, high = (1e-4, 1.0) if kind == "narrower" else (1.0, 1e4)

    def scaled(factor: float) -> np.ndarray:
        return np.diff(stats.norm.cdf(EDGES / factor))

    def beyond(factor: float) -> float:
        apart = np.cumsum(scaled(factor)) - np.cumsum(UNIFORM)
        return float(np.abs(apart).max()) - distance

    return scaled(optimize.brentq(beyond, low, high))


def quadratic(
    reference: np.ndarray, current: np.ndarray, tolerance: float
) -> np.ndarray:
    """P-values of the combined tests by their noncentral laws alone."""
    pooled = PooledSample.of(reference.astype(float), current.astype(float))
    return combine_pvalues(
        [
            anderson_darling(pooled, tolerance)[1],
            smooth(pooled, 4, tolerance)[1],
        ]
    )


def tolerance_shares(
    kind: str, tolerance: float, m: int, excess: float, level: float, n_trials: int
) -> list[float]:
    """Share found by the quadratic tests, the distance and the contact sets."""
    rng = np.random.default_rng(m)
    size = N_REFERENCE * m / (N_REFERENCE + m)
    now = shares_of(kind, tolerance + excess / np.sqrt(size))
    pair = (
        rng.multinomial(N_REFERENCE, UNIFORM, n_trials),
        rng.multinomial(m, now, n_trials),
    )
    found = (
        quadratic(*pair, tolerance),
        kolmogorov_smirnov(*pair, tolerance=tolerance).pvalue,
        contact_set(*pair, tolerance=tolerance).pvalue,
    )
    return [float(np.mean(pvalues <= level)) for pvalues in found]


def print_tolerance(n_trials: int) -> None:
    print(
        "| tolerance | batch | Nδ² | change | at δ: quadratic | distance | contact "
        "sets | beyond: quadratic | distance | contact sets |"
    )
    print("|---" * 10 + "|")
    for tolerance in TOLERANCES:
        for m in BATCHES:
            size = N_REFERENCE * m / (N_REFERENCE + m)
            for kind in ("shift", "wider", "narrower"):
                shares = tolerance_shares(kind, tolerance, m, 0.0, 0.05, n_trials)
                shares += tolerance_shares(kind, tolerance, m, 2.2, 0.0005, n_trials)
                cells = " | ".join(f"{share:.3f}" for share in shares)
                print(
                    f"| {tolerance} | {m:,} | {size * tolerance**2:.2g} | {kind} "
                    f"| {cells} |",
                    flush=True,
                )


Draw = Callable[[int, int, np.random.Generator], np.ndarray]
ALPHAS = (0.05, 0.01)
TOGETHER = "DA107"


def equicorrelated(correlation: float) -> Draw:
    """Normal columns of which each two have one correlation."""

    def draw(n: int, d: int, rng: np.random.Generator) -> np.ndarray:
        common = np.sqrt(correlation) * rng.normal(size=(n, 1))
        return common + np.sqrt(1 - correlation) * rng.normal(size=(n, d))

    return draw


def t3_copula(n: int, d: int, rng: np.random.Generator) -> np.ndarray:
    """Student's t with three degrees of freedom, correlated, with dependent tails."""
    rows = equicorrelated(0.5)(n, d, rng)
    return rows / np.sqrt(rng.chisquare(3, size=(n, 1)) / 3)


def ties(n: int, d: int, rng: np.random.Generator) -> np.ndarray:
    """Correlated columns: rounded, mostly zero, and of two values."""
    rows = equicorrelated(0.5)(n, d, rng)
    rows[:, ::3] = rows[:, ::3].round()
    rows[:, 1::3] = np.maximum(rows[:, 1::3] - 0.5, 0.0)
    rows[:, 2::3] = rows[:, 2::3] > 1.0
    return rows


def gaps(n: int, d: int, rng: np.random.Generator) -> np.ndarray:
    """Correlated columns with a third of the cells missing."""
    rows = equicorrelated(0.5)(n, d, rng)
    return np.where(rng.random(rows.shape) < 1 / 3, np.nan, rows)


LAWS: dict[str, Draw] = {
    "independent": equicorrelated(0.0),
    "correlation 0.3": equicorrelated(0.3),
    "correlation 0.7": equicorrelated(0.7),
    "correlation 0.95": equicorrelated(0.95),
    "nearly equal": equicorrelated(0.9999),
    "t₃ copula": t3_copula,
    "ties": ties,
    "gaps": gaps,
}


def together_pvalues(
    reference: np.ndarray, batch: np.ndarray, tolerances: Sequence[float]
) -> list[float]:
    """P-values of DA107, all of alpha given to it, by tolerance."""
    profile = learn_profile(
        read_table(reference),
        categorical_features=None,
        n_cells=128,
        min_category_count=1,
    )
    dependence = learn_dependence(read_table(reference), profile)
    counted = count_table(read_table(batch), profile.grid)[0]
    shifts = [
        with_together(
            nothing_compared(profile),
            dependence,
            profile,
            counted,
            alpha=1.0,
            share=1.0,
            tolerance=np.full(profile.grid.n_features, tolerance),
        )
        for tolerance in tolerances
    ]
    return [min((f.pvalue for f in s.findings), default=1.0) for s in shifts]


def together_shares(
    draw: Draw,
    n: int,
    m: int,
    d: int,
    n_trials: int,
    tolerances: Sequence[float] = (0.0,),
    seed: int = 0,
) -> dict[tuple[float, float], float]:
    """Share of batches like training in which all columns together alarm.

    By tolerance and level.
    """
    rng = np.random.default_rng(seed)
    pvalues = np.array(
        [
            together_pvalues(draw(n, d, rng), draw(m, d, rng), tolerances)
            for _ in range(n_trials)
        ]
    )
    return {
        (tolerance, alpha): float(np.mean(pvalues[:, place] <= alpha))
        for place, tolerance in enumerate(tolerances)
        for alpha in ALPHAS
    }


def print_level(n_trials: int) -> None:
    tolerances = (0.0, 0.01)
    header = " | ".join(f"tolerance {t}: {a}" for t in tolerances for a in ALPHAS)
    print(f"| rows like training | training, batch, columns | {header} |")
    print("|---" * 6 + "|")
    for name, draw in LAWS.items():
        for n, m, d in ((2000, 500, 20), (500, 2000, 40)):
            shares = together_shares(draw, n, m, d, n_trials, tolerances)
            cells = " | ".join(f"{share:.3f}" for share in shares.values())
            print(f"| {name} | {n:,}, {m:,}, {d} | {cells} |", flush=True)


def dense(
    draw: Draw, d: int, size: float, aligned: bool, n_trials: int
) -> dict[float, tuple[float, float]]:
    """Share found of batches in which each column moved by `size` standard errors.

    By a single column, and by these or all of them together; for each alpha.
    """
    n, m = 2000, 500
    rng = np.random.default_rng(d)
    by = size / np.sqrt(n * m / (n + m))
    counts = {alpha: np.zeros(2) for alpha in ALPHAS}
    for _ in range(n_trials):
        reference, batch = draw(n, d, rng), draw(m, d, rng)
        signs = 1.0 if aligned else rng.choice([-1.0, 1.0], d)
        batch = batch + by * signs
        model = DriftAwareEstimator(DummyRegressor(), cv=None, blocks=None)
        model.fit(reference, np.zeros(n))
        for alpha, count in counts.items():
            report = model.set_params(alpha=alpha).check(batch)
            codes = {alarm.code for alarm in report.alarms}
            count += "DA101" in codes, bool(codes & {"DA101", TOGETHER})
    return {
        alpha: (float(count[0]) / n_trials, float(count[1]) / n_trials)
        for alpha, count in counts.items()
    }


def print_power(n_trials: int) -> None:
    print(
        "| columns | each moved by | signs | correlation | alpha | a column alarms "
        "| or all together |"
    )
    print("|---" * 7 + "|")
    for d, size in ((20, 1.5), (100, 1.0)):
        for correlation, aligned in ((0.0, False), (0.7, False), (0.7, True)):
            draw = equicorrelated(correlation)
            for alpha, found in dense(draw, d, size, aligned, n_trials).items():
                cells = " | ".join(f"{share:.2f}" for share in found)
                signs = "equal" if aligned else "random"
                print(
                    f"| {d} | {size} se | {signs} | {correlation} | {alpha} "
                    f"| {cells} |",
                    flush=True,
                )


def alternatives(
    d: int, moved: float, correlation: float, aligned: bool, tolerated: float, n: int
) -> list[float]:
    """Share of normal deviates found at level 0.0025, by statistic.

    Bonferroni, Cauchy's combination, the sum of squares by its first three moments,
    and the ridge.
    """
    level = 0.0025
    rng = np.random.default_rng(d)
    matrix = np.full((d, d), correlation) + (1 - correlation) * np.eye(d)
    z = rng.multivariate_normal(np.zeros(d), matrix, n, method="cholesky")
    z += moved * (1.0 if aligned else rng.choice([-1.0, 1.0], z.shape))
    own = noncentral_chi2_sf((z**2).ravel(), 1, tolerated**2).reshape(z.shape)
    values = np.linalg.eigvalsh(matrix)
    moments = [
        float((values**k).sum()) + k * d * tolerated**2 * values.max() ** (k - 1)
        for k in (1, 2, 3)
    ]
    found = (
        own.min(axis=1) * d,
        combine_pvalues(own.T),
        [chi_square_sum_tail(float(row @ row), *moments) for row in z],
        [regularized_hotelling(row, matrix, tolerated=tolerated)[1] for row in z],
    )
    return [float(np.mean(np.array(pvalues) <= level)) for pvalues in found]


def print_alternatives(n_trials: int) -> None:
    print(
        "| columns | moved by | tolerated | correlation | signs | Bonferroni | Cauchy "
        "| sum | ridge |"
    )
    print("|---" * 9 + "|")
    for d, moved in ((20, 1.5), (100, 1.0)):
        for tolerated in (0.0, 0.5):
            for correlation in (0.0, 0.3, 0.7):
                for aligned in (False, True):
                    found = alternatives(
                        d, moved, correlation, aligned, tolerated, n_trials
                    )
                    cells = " | ".join(f"{share:.2f}" for share in found)
                    signs = "equal" if aligned else "random"
                    print(
                        f"| {d} | {moved} | {tolerated} | {correlation} | {signs} "
                        f"| {cells} |",
                        flush=True,
                    )


def print_costs() -> None:
    """Processor time of the test of all columns together."""
    rng = np.random.default_rng(0)
    print("| columns | ms |")
    print("|---" * 2 + "|")
    for d in (10, 50, 500):
        rows = rng.normal(size=(5000, d))
        model = DriftAwareEstimator(DummyRegressor(), cv=None, blocks=None)
        model.fit(rows, np.zeros(len(rows)))
        profile = model.baseline_.reference
        shift = nothing_compared(profile)
        counted = count_table(read_table(rows[:1000]), profile.grid)[0]
        slots = known_slots(model.baseline_.dependence, profile)
        best = np.inf
        for _ in range(5):
            start = time.process_time()
            with_together(
                shift,
                model.baseline_.dependence,
                profile,
                counted,
                alpha=0.01,
                share=0.05,
                tolerance=np.full(d, 0.01),
                slots=slots,
            )
            best = min(best, time.process_time() - start)
        print(f"| {d} | {1e3 * best:.1f} |")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trials", type=int)
    parts = {
        "tolerance": lambda: print_tolerance(arguments.trials or 1000),
        "level": lambda: print_level(arguments.trials or 200),
        "power": lambda: print_power(arguments.trials or 100),
        "alternatives": lambda: print_alternatives(arguments.trials or 400),
        "costs": print_costs,
    }
    parser.add_argument("--only", choices=parts)
    arguments = parser.parse_args()
    for name in [arguments.only] if arguments.only else parts:
        parts[name]()
