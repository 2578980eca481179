"""Random labels pass for random, others do not."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import binom

from skdrift.performance import _labelled_sample
from skdrift.performance._labelled_sample import labelled_in_blocks, unlike_the_rest

NAMES = ("a", "b", "rare")


def columns(rng, n=300):
    a = rng.integers(0, 40, size=n)
    return np.stack([a, a + rng.integers(0, 5, size=n), rng.random(n) < 0.01])


def chosen(rng, n, few):
    labelled = np.zeros(n, dtype=bool)
    labelled[rng.choice(n, few, replace=False)] = True
    return labelled


@pytest.mark.parametrize("few", [5, 30, 290])
def test_random_labels_are_seldom_called_otherwise(few):
    rng = np.random.default_rng(0)
    found = [
        unlike_the_rest(columns(rng), NAMES, chosen(rng, 300, few))[0]
        for _ in range(150)
    ]
    assert (np.array(found) <= 0.05).sum() <= binom(150, 0.05).ppf(0.999)


def test_the_columns_that_differ_are_named():
    rng = np.random.default_rng(0)
    values = columns(rng)
    pvalue, names = unlike_the_rest(values, NAMES, values[0] > 30)
    assert pvalue == 1 / 400
    assert set(names) == {"a", "b"}


def test_many_rows_are_judged_by_the_normal_law(monkeypatch):
    rng = np.random.default_rng(0)
    values = columns(rng)
    monkeypatch.setattr(_labelled_sample, "MOST_DRAWN", 0)
    assert unlike_the_rest(values, NAMES, values[0] > 30)[0] < 1e-9
    monkeypatch.setattr(_labelled_sample, "MOST_ROWS", 100)
    assert unlike_the_rest(values, NAMES, values[0] > 30)[0] < 1e-3
    assert unlike_the_rest(values, NAMES, chosen(rng, 300, 100))[0] > 0.01


def test_too_little_to_compare():
    rng = np.random.default_rng(0)
    assert np.isnan(unlike_the_rest(columns(rng), NAMES, chosen(rng, 300, 4))[0])
    assert np.isnan(unlike_the_rest(np.empty((0, 9)), (), np.arange(9) < 5)[0])
    assert unlike_the_rest(np.ones((1, 50)), ("a",), np.arange(50) < 20) == (1.0, ())


def test_labels_for_whole_blocks_are_told_from_labels_for_rows():
    rng = np.random.default_rng(0)
    blocks = np.repeat(np.arange(20), 25)
    assert labelled_in_blocks(blocks, blocks < 4) == 1 / 400
    at_random = [labelled_in_blocks(blocks, chosen(rng, 500, 60)) for _ in range(150)]
    assert (np.array(at_random) <= 0.05).sum() <= binom(150, 0.05).ppf(0.999)
    assert labelled_in_blocks(np.zeros(50, dtype=int), np.arange(50) < 20) == 1.0
