"""Counts for the tests of `skdrift.stats`."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from scipy import stats


def _counts_of_values(*samples: np.ndarray) -> list[np.ndarray]:
    """Counts of each sample, one row, over the pooled distinct values."""
    values = np.unique(np.concatenate(samples))
    return [
        np.bincount(np.searchsorted(values, s), minlength=values.size)[None]
        for s in samples
    ]


def _counts_on_grid(
    reference: np.ndarray, current: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Counts over points and intervals, as of a column whose grid is learned.

    Points are 129 quantiles of the reference and its frequent values, rows are
    features.
    """
    tables: list[tuple[np.ndarray, np.ndarray]] = []
    for x, y in zip(np.sort(reference), np.sort(current), strict=True):
        places = np.unique(np.linspace(0, x.size - 1, 129).round().astype(int))
        values, repeats = np.unique(x, return_counts=True)
        frequent = values[repeats >= max(3, x.size / 200)]
        points = np.unique(np.concatenate([x[places], frequent]))
        tables.append((_point_counts(x, points), _point_counts(y, points)))
    width = max(a.size for a, _ in tables)
    padded = [[np.pad(row, (0, width - row.size)) for row in pair] for pair in tables]
    return np.array([a for a, _ in padded]), np.array([b for _, b in padded])


def _point_counts(values: np.ndarray, points: np.ndarray) -> np.ndarray:
    left = np.searchsorted(values, points, "left")
    right = np.searchsorted(values, points, "right")
    counts = np.empty(2 * points.size + 1, dtype=np.int64)
    counts[1::2] = right - left
    counts[::2] = np.append(left, values.size) - np.insert(right, 0, 0)
    return counts


def _assert_size(pvalues: np.ndarray, level: float, *, slack: float = 1.0) -> None:
    """Rejections at a level are not more than it allows, but for chance (1e-5)."""
    rejected = int(np.count_nonzero(pvalues <= level))
    most = stats.binom.isf(1e-5, pvalues.size, min(slack * level, 1.0))
    assert rejected <= most, f"{rejected / pvalues.size:.5f} at level {level}"


@pytest.fixture(scope="session")
def counts_of_values() -> Callable[..., list[np.ndarray]]:
    return _counts_of_values


@pytest.fixture(scope="session")
def counts_on_grid() -> Callable[..., tuple[np.ndarray, np.ndarray]]:
    return _counts_on_grid


@pytest.fixture(scope="session")
def assert_size() -> Callable[..., None]:
    return _assert_size
