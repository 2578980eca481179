"""How often shuffled folds are found to promise too much, with a leak and without."""

from __future__ import annotations

from typing import Any

import pytest
from measure_honest import measure
from scipy.stats import binom
from sklearn.linear_model import Ridge
from sklearn.neighbors import KNeighborsRegressor

LEVEL = 0.05


@pytest.mark.slow
@pytest.mark.parametrize(
    ("settings", "in_order"),
    [({"alike": 0.0}, True), ({}, False), ({"memory": 0.9}, True)],
    ids=["independent rows", "groups", "series"],
)
def test_without_a_leak_a_difference_is_rarely_found(
    settings: dict[str, Any], *, in_order: bool
) -> None:
    n_fits = 60
    found = measure(Ridge(), settings, 30, in_order=in_order, n_fits=n_fits, seed=900)
    assert max(found.values()) <= binom.ppf(0.999, n_fits, LEVEL) / n_fits


@pytest.mark.slow
@pytest.mark.parametrize(
    ("settings", "in_order"),
    [({"effect": 1.0}, False), ({"effect": 1.0, "memory": 0.9}, True)],
    ids=["groups", "series"],
)
def test_a_leak_is_found(settings: dict[str, Any], *, in_order: bool) -> None:
    model = KNeighborsRegressor(10)
    found = measure(model, settings, 100, in_order=in_order, n_fits=12, seed=900)
    assert min(found.values()) >= 0.6
