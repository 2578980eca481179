"""Shares of the batch are those of equally many rows, however many there are."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import expit

from skdrift.performance._shared_region import shares_of_batch


def coded(rows):
    return np.clip(np.floor(8.0 * rows + 24.0), 1, 47).astype(np.uint8).T


@pytest.mark.parametrize(("n", "m"), [(1_500, 1_500), (3_000, 300), (300, 3_000)])
@pytest.mark.parametrize("shift", [0.0, 0.7])
def test_shares_are_those_of_the_densities_whatever_the_sizes(n, m, shift):
    rng = np.random.default_rng(0)
    reference, batch = rng.normal(size=(n, 3)), rng.normal(size=(m, 3))
    batch[:, :2] += shift
    found = shares_of_batch(coded(reference), coded(batch), np.arange(n), np.arange(m))
    for shares, rows in zip(found, (reference, batch), strict=True):
        wanted = expit(shift * rows[:, :2].sum(axis=1) - shift**2)
        assert np.abs(shares - wanted).mean() < 0.1
    # Both are half the overlap of the densities.
    assert abs(found[0].mean() - (1.0 - found[1]).mean()) < 0.02


def test_without_columns_nothing_tells_them_apart():
    none = np.zeros((0, 5), dtype=np.uint8)
    found = shares_of_batch(none, none[:, :3], np.arange(5), np.arange(3))
    assert [own.tolist() for own in found] == [[0.5] * 5, [0.5] * 3]
