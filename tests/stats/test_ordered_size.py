"""Level and power of the tests of ordered cells, by simulation."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from skdrift.stats import (
    anderson_darling,
    chi_square,
    distribution_change,
    kolmogorov_smirnov,
    smooth,
)

TESTS = {
    "anderson_darling": anderson_darling,
    "smooth": smooth,
    "distribution_change": distribution_change,
}
SHARES = {
    "hundred cells": np.ones(100),
    "five cells": np.ones(5),
    "two cells": np.array([0.3, 0.7]),
    "rare event": np.array([0.98, 0.02]),
    "few counts": stats.poisson.pmf(np.arange(8), 0.3),
    "mostly zero": np.append(0.95, np.full(50, 0.001)),
    "nearly always zero": np.append(0.995, np.full(50, 0.0001)),
    "atom in the middle": np.concatenate(
        [np.full(25, 0.002), [0.9], np.full(25, 0.002)]
    ),
    "two atoms": np.concatenate([[0.49], np.full(20, 0.001), [0.49]]),
}
SIZES = [(3000, 30), (3000, 200), (300, 300), (3000, 1000), (30, 3000)]
FORMS = {
    "continuous": lambda rng, size: rng.normal(size=size),
    "rounded to 0.1": lambda rng, size: rng.normal(size=size).round(1),
    "rounded to 1": lambda rng, size: rng.normal(size=size).round(),
    "exponential, half zero": lambda rng, size: np.maximum(
        rng.exponential(size=size) - np.log(2), 0.0
    ),
}


def pvalues(function, share, n, m, repeats, seed=0):
    rng = np.random.default_rng(seed)
    share = share / share.sum()
    return np.concatenate(
        [
            function(
                rng.multinomial(n, share, 2000), rng.multinomial(m, share, 2000)
            ).pvalue
            for _ in range(repeats)
        ]
    )


@pytest.mark.parametrize("function", TESTS.values(), ids=TESTS)
@pytest.mark.parametrize("share", SHARES.values(), ids=SHARES)
@pytest.mark.parametrize(("n", "m"), SIZES)
def test_size_is_at_most_the_level_whatever_the_ties(
    function, share, n, m, assert_size
):
    found = pvalues(function, share, n, m, 2)
    for level in (0.1, 0.05, 0.01, 0.001):
        assert_size(found, level)


@pytest.mark.parametrize("share", [SHARES["hundred cells"], SHARES["five cells"]])
@pytest.mark.parametrize(
    ("function", "least"),
    [(anderson_darling, 0.9), (smooth, 0.75), (distribution_change, 0.85)],
)
@pytest.mark.parametrize(("n", "m"), [(3000, 200), (3000, 1000)])
def test_level_is_used(function, least, share, n, m):
    found = pvalues(function, share, n, m, 5)
    for level in (0.1, 0.05):
        assert np.mean(found <= level) >= least * level


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
@pytest.mark.parametrize(("n", "m"), [(3000, 30), (3000, 300), (300, 300)])
def test_size_on_cells_that_the_reference_chose_is_at_most_the_level(
    form, n, m, counts_on_grid, assert_size
):
    rng = np.random.default_rng(1)
    tables = counts_on_grid(form(rng, (800, n)), form(rng, (800, m)))
    for function in TESTS.values():
        for level in (0.1, 0.05, 0.01):
            assert_size(function(*tables).pvalue, level)


@pytest.mark.slow
@pytest.mark.parametrize("share", SHARES.values(), ids=SHARES)
@pytest.mark.parametrize(("n", "m"), SIZES)
def test_size_in_the_far_tail_is_about_the_level(share, n, m, assert_size):
    found = pvalues(distribution_change, share, n, m, 25)
    assert_size(found, 0.001, slack=1.3)
    assert_size(found, 0.0001, slack=2.5)


def shift_of(distance):
    return 2 * stats.norm.ppf(0.5 + distance / 2)


def scale_of(distance):
    x = np.linspace(0.0, 6.0, 6001)
    factors = np.linspace(1.0, 2.5, 15_001)
    # The distance grows with the factor.
    reached = [
        np.abs(stats.norm.cdf(x) - stats.norm.cdf(x / f)).max() for f in factors[::100]
    ]
    return np.interp(distance, reached, factors[::100])


def shares_of(kind, distance):
    quantiles = np.arange(1, 128) / 128
    edges = stats.norm.ppf(quantiles)
    below = {
        "shift": lambda: stats.norm.cdf(edges - shift_of(distance)),
        "scale": lambda: stats.norm.cdf(edges / scale_of(distance)),
        "shift of a uniform": lambda: np.maximum(quantiles - distance, 0.0),
    }[kind]()
    return np.diff(below, prepend=0.0, append=1.0)


def rejected(function, n, m, kind, distance, tolerance, repeats=400):
    rng = np.random.default_rng(2)
    reference = rng.multinomial(n, np.full(128, 1 / 128), repeats)
    current = rng.multinomial(m, shares_of(kind, distance), repeats)
    return np.mean(function(reference, current, tolerance=tolerance).pvalue <= 0.05)


@pytest.mark.parametrize("kind", ["shift", "scale"])
@pytest.mark.parametrize("tolerance", [0.01, 0.05])
@pytest.mark.parametrize(
    ("n", "m"), [(3000, 1000), (100_000, 10_000), (10**6, 10**6), (10**6, 10**4)]
)
@pytest.mark.parametrize("function", TESTS.values(), ids=TESTS)
def test_change_at_the_tolerance_is_not_rejected(function, kind, tolerance, n, m):
    assert rejected(function, n, m, kind, tolerance, tolerance) <= 0.05 + 0.035


@pytest.mark.parametrize("kind", ["shift", "scale", "shift of a uniform"])
@pytest.mark.parametrize("tolerance", [0.005, 0.01, 0.05])
def test_huge_samples_tell_within_the_tolerance_from_beyond(kind, tolerance):
    n = 10**6
    assert rejected(distribution_change, n, n, kind, tolerance, tolerance) <= 0.085
    within, beyond = 0.8 * tolerance, 3 * tolerance
    assert rejected(distribution_change, n, n, kind, within, tolerance) == 0.0
    assert rejected(distribution_change, n, n, kind, beyond, tolerance) == 1.0


CHANGES = {
    "shift 0.15": lambda rng, z: z + 0.15,
    "scale 1.15": lambda rng, z: z * 1.15,
    "5 % at 3 sd": lambda rng, z: np.where(
        rng.random(z.shape) < 0.05, 3 + 0.3 * rng.normal(size=z.shape), z
    ),
    "5 % at one value": lambda rng, z: np.where(rng.random(z.shape) < 0.05, 0.5, z),
}
# At least this share is found at level 0.01 of n = 5000, m = 500.
LEAST = {
    "shift 0.15": {"ks": 0.45, "ad": 0.64, "smooth": 0.40, "both": 0.60},
    "scale 1.15": {"ks": 0.05, "ad": 0.36, "smooth": 0.72, "both": 0.66},
    "5 % at 3 sd": {"ks": 0.10, "ad": 0.70, "smooth": 0.83, "both": 0.80},
    "5 % at one value": {"ks": 0.04, "ad": 0.02, "smooth": 0.04, "both": 0.03},
}


@pytest.mark.slow
@pytest.mark.parametrize("change", CHANGES)
def test_power_is_that_of_the_user_guide(change, counts_on_grid):
    rng = np.random.default_rng(3)
    reference = rng.normal(size=(1000, 5000))
    current = CHANGES[change](rng, rng.normal(size=(1000, 500)))
    tables = counts_on_grid(reference, current)
    found = {
        "ks": kolmogorov_smirnov(*tables).pvalue,
        "ad": anderson_darling(*tables).pvalue,
        "smooth": smooth(*tables).pvalue,
        "both": distribution_change(*tables).pvalue,
    }
    power = {name: np.mean(p <= 0.01) for name, p in found.items()}
    for name, least in LEAST[change].items():
        assert power[name] >= least, power
    if change == "5 % at one value":
        atom = np.array([[5000 - 20, 20]]), np.array([[475, 25]])
        assert chi_square(*atom).pvalue < 1e-10
