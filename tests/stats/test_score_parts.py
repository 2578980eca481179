"""Laws of the score of a batch of blocks."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats
from scipy.stats import binom

from skdrift.stats.score_parts import BatchSize, PartLaw, group_law, run_law

RNG = np.random.default_rng(0)
ONE_FOLD = 1e12


def of_groups(values, b=1, rows=24.0, n_rows=24, within=0.0, **others):
    size = BatchSize(n_blocks=b, n_rows=n_rows, row_variance=within)
    counts = np.broadcast_to(np.asarray(rows, dtype=float), values.shape)
    given = {"center": float(values.mean()), "n_groups": len(values), **others}
    return group_law(values, counts, size, **given)


def of_runs(values, b=1, within=0.0, n_rows=24):
    size = BatchSize(n_blocks=b, n_rows=n_rows, row_variance=within)
    sums = np.concatenate([[0.0], np.cumsum(values)])
    runs = (sums[b:] - sums[:-b]) / b
    rows = np.full(len(values), 24.0)
    return run_law(values, runs, rows, size, center=float(values.mean()))


def series(n, memory, rng):
    values = rng.normal(size=n + 50)
    for place in range(1, len(values)):
        values[place] *= np.sqrt(1 - memory**2)
        values[place] += memory * values[place - 1]
    return values[50:]


@pytest.mark.parametrize("b", [1, 4, 50])
def test_symmetric_groups_have_the_two_sample_t(b: int) -> None:
    half = RNG.normal(size=20)
    values = np.concatenate([half, -half])
    law = of_groups(values, b)
    t = -1.0 / np.sqrt(values.var(ddof=1) * (1 / b + 1 / 40))
    expected = stats.t.cdf(t, law.degrees_of_freedom)
    assert law.pvalue(-1.0, ONE_FOLD) == pytest.approx(expected)
    assert law.degrees_of_freedom <= 39


def test_limits_leave_the_two_halves_of_the_rest() -> None:
    law = of_groups(-RNG.gamma(2.0, size=60), 4)
    low, high = law.limits(5, 0.9)
    assert law.pvalue(low, 5) == pytest.approx(0.05)
    assert law.pvalue(high, 5) == pytest.approx(0.95)
    assert law.center - low > high - law.center


def test_groups_that_differ_by_their_rows_alone_vary_as_rows_do() -> None:
    values = RNG.normal(size=(300, 24)).mean(axis=1)
    law = of_groups(values, 1, n_rows=96, within=1.0)
    assert law.variance == pytest.approx(1 / 96, abs=0.01)
    assert law.of_center == pytest.approx(1 / 7200, rel=0.3)


def test_unequal_groups_vary_more() -> None:
    values = RNG.normal(size=100)
    equal = of_groups(values, 10)
    unequal = of_groups(values, 10, rows=np.tile([10.0, 100.0], 50))
    assert unequal.variance > 1.3 * equal.variance
    single = of_groups(values, 1, rows=np.tile([10.0, 100.0], 50))
    assert single.variance == pytest.approx(of_groups(values, 1).variance)


def test_runs_of_alike_neighbours_vary_more_and_are_known_worse() -> None:
    plain, alike = of_runs(series(300, 0.0, RNG), 5), of_runs(series(300, 0.8, RNG), 5)
    assert alike.variance > 2 * plain.variance
    assert alike.of_center > 3 * plain.of_center
    assert alike.degrees_of_freedom < plain.degrees_of_freedom
    assert plain.degrees_of_freedom <= 1.5 * (300 / 5 - 1)


@pytest.mark.parametrize("law", [of_groups, of_runs])
def test_equal_blocks_are_no_error(law) -> None:
    found = law(np.full(30, -2.0), 3)
    assert found.variance == 0.0
    assert found.pvalue(-2.1, 5) == 0.0
    assert found.pvalue(-2.0, 5) == 1.0


def shares(law: str, memory: float, b: int, n: int, skewed: bool) -> np.ndarray:
    rng = np.random.default_rng(b + n)
    found = []
    for _ in range(600):
        values, batch = series(n, memory, rng), series(b, memory, rng)
        if skewed:
            values, batch = -np.exp(0.5 * values), -np.exp(0.5 * batch)
        make = of_groups if law == "groups" else of_runs
        own: PartLaw = make(values, b)
        found.append(own.pvalue(float(batch.mean()), ONE_FOLD))
    pvalues = np.array(found)
    return np.array([(pvalues <= 0.05).sum(), (pvalues <= 0.002).sum()])


@pytest.mark.slow
@pytest.mark.parametrize("skewed", [False, True])
@pytest.mark.parametrize("n", [30, 100, 300])
@pytest.mark.parametrize("b", [1, 4, 25])
def test_groups_keep_the_level(b: int, n: int, *, skewed: bool) -> None:
    often, rarely = shares("groups", 0.0, b, n, skewed)
    slack = 1.4 if skewed else 1.0
    assert often <= binom.ppf(0.999, 600, 0.05 * slack)
    assert rarely <= binom.ppf(0.999, 600, 0.002 * (4.0 if skewed else 1.0))


@pytest.mark.slow
@pytest.mark.parametrize("memory", [0.0, 0.5, 0.8])
@pytest.mark.parametrize("n", [100, 300])
@pytest.mark.parametrize("b", [1, 4, 25])
def test_runs_keep_the_level(b: int, n: int, memory: float) -> None:
    often, rarely = shares("runs", memory, b, n, False)
    assert often <= binom.ppf(0.999, 600, 0.05 * 1.2)
    assert rarely <= binom.ppf(0.999, 600, 0.002 * 2.0)
