"""Streams of losses with a known change, the same for every tool."""

from __future__ import annotations

from pathlib import Path

import numpy as np

RISK = 0.2
RISES = (0.05, 0.1, 0.2)
N_BEFORE, N_AFTER = 2_000, 6_000
N_CLEAN_ROWS = 10_000


def clean(n_runs: int, seed: int) -> np.ndarray:
    """Errors of rows, of shape (n_runs, 10,000), at the promised rate."""
    return np.random.default_rng(seed).random((n_runs, N_CLEAN_ROWS)) < RISK


def risen(n_runs: int, rise: float, seed: int) -> np.ndarray:
    """Errors of 2,000 rows at the promised rate and of 6,000 at a higher one."""
    drawn = np.random.default_rng(seed).random((n_runs, N_BEFORE + N_AFTER))
    rates = np.where(np.arange(N_BEFORE + N_AFTER) < N_BEFORE, RISK, RISK + rise)
    return drawn < rates


def correlated(n_runs: int, n_rows: int, lag_1: float, seed: int) -> np.ndarray:
    """Errors at the promised rate that are a Markov chain, (n_runs, n_rows)."""
    drawn = np.random.default_rng(seed).random((n_rows, n_runs))
    errors = np.empty((n_rows, n_runs), dtype=bool)
    errors[0] = drawn[0] < RISK
    for row in range(1, n_rows):
        errors[row] = drawn[row] < RISK + lag_1 * (errors[row - 1] - RISK)
    return errors.T


def write_streams(folder: Path, n_runs: int) -> None:
    """Write the streams of the table of delays; those to match by have other seeds."""
    streams = {"clean": clean(n_runs, 1), "to_match_by": clean(n_runs // 2, 2)}
    for number, rise in enumerate(RISES):
        streams[f"rise_{rise}"] = risen(n_runs, rise, 10 + number)
    np.savez_compressed(folder / "streams.npz", **streams)
