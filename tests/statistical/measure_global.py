"""Trials of large tolerances, and of many columns that move together.

Run as ``python tests/statistical/measure_global.py``: prints the tables of
``docs/user_guide/alarms.md``.
"""

from __future__ import annotations

import argparse

import numpy as np
from scipy import optimize, stats

from skdrift.stats import (
    combine_pvalues,
    contact_set,
    kolmogorov_smirnov,
)
from skdrift.stats.anderson import statistic_and_pvalue as anderson_darling
from skdrift.stats.neyman import statistic_and_pvalue as smooth
from skdrift.stats.pooled import PooledSample

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


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trials", type=int, default=1000)
    parts = {"tolerance": print_tolerance}
    parser.add_argument("--only", choices=parts)
    arguments = parser.parse_args()
    for name in [arguments.only] if arguments.only else parts:
        parts[name](arguments.trials)
