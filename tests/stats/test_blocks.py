"""Laws of the level of a batch of rows that come in blocks."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from scipy.stats import binom

from skdrift.exceptions import ParameterError
from skdrift.stats.blocks import (
    BlockTest,
    block_test,
    block_variance_pvalue,
    tail_pvalue,
)

N_TRIALS = 400

LAWS: dict[str, Callable[[np.random.Generator, int], np.ndarray]] = {
    "normal": lambda rng, n: rng.normal(size=n),
    "exponential": lambda rng, n: rng.exponential(size=n),
    "heavy tails": lambda rng, n: rng.standard_t(2, n),
    "zero-inflated": lambda rng, n: (rng.random(n) < 0.05) * rng.exponential(size=n),
    "two values": lambda rng, n: (rng.random(n) < 0.03) * 1.0,
    "never but once": lambda rng, n: (rng.random(n) < 0.01) * 1.0,
    "season": lambda rng, n: rng.integers(0, 4, n) * 0.5,
}


def compared(
    values: np.ndarray, batch: np.ndarray, *, n_blocks: int = 1, **settings: object
) -> BlockTest:
    d = values.shape[1]
    options: dict[str, object] = {
        "limits": np.full(d, 2.0),
        "row_variance": np.full(d, 0.1),
        "n_rows": 20 * n_blocks,
        "n_reference": 20 * len(values),
        "block_rows": 20.0,
        "contiguous": False,
        **settings,
    }
    return block_test(values, batch, n_blocks=n_blocks, **options)  # type: ignore[arg-type]


def share_of_alarms(
    law: str, n_blocks: int, total: int, alpha: float, *, contiguous: bool = False
) -> float:
    rng = np.random.default_rng(0)
    alarms = 0
    for _ in range(N_TRIALS):
        drawn = np.stack([LAWS[law](rng, total + n_blocks) for _ in range(6)], axis=1)
        batch = drawn[total:].mean(axis=0)
        test = compared(drawn[:total], batch, n_blocks=n_blocks, contiguous=contiguous)
        alarms += test.pvalue(float(test.statistic.max())) <= alpha
    return alarms / N_TRIALS


def limit(rate: float) -> float:
    return float(binom.ppf(0.999, N_TRIALS, rate)) / N_TRIALS


@pytest.mark.parametrize("law", LAWS)
@pytest.mark.parametrize("total", [30, 100])
def test_one_more_block_alarms_no_more_often_than_alpha(law: str, total: int) -> None:
    assert share_of_alarms(law, 1, total, 0.05) <= limit(0.05)


@pytest.mark.slow
@pytest.mark.parametrize("law", LAWS)
def test_four_more_blocks_alarm_no_more_often_than_alpha(law: str) -> None:
    assert share_of_alarms(law, 4, 100, 0.05) <= limit(0.05)


@pytest.mark.slow
@pytest.mark.parametrize("law", LAWS)
def test_four_more_in_a_row_alarm_at_most_twice_as_often_as_alpha(law: str) -> None:
    assert share_of_alarms(law, 4, 100, 0.05, contiguous=True) <= limit(0.1)


@pytest.mark.parametrize("contiguous", [False, True])
@pytest.mark.parametrize("n_blocks", [1, 4])
def test_a_far_batch_is_beyond_all_blocks(n_blocks: int, contiguous: bool) -> None:
    rng = np.random.default_rng(1)
    values = rng.normal(size=(100, 5))
    test = compared(values, values[0] + 30.0, n_blocks=n_blocks, contiguous=contiguous)
    pvalue = test.pvalue(float(test.statistic.max()))
    assert 0 < pvalue < 1 / (len(test.null) + 1)
    assert test.n_like == 100 // n_blocks


def test_the_order_of_exchangeable_blocks_does_not_matter() -> None:
    rng = np.random.default_rng(2)
    values, batch = rng.exponential(size=(60, 4)), rng.exponential(size=4)
    a = compared(values, batch)
    b = compared(values[rng.permutation(60)], batch)
    np.testing.assert_allclose(a.statistic, b.statistic)
    np.testing.assert_allclose(np.sort(a.largest), np.sort(b.largest))


def test_no_variance_is_below_that_of_independent_rows() -> None:
    values = np.zeros((50, 2))
    test = compared(values, np.array([0.1, 0.1]), limits=np.zeros(2))
    assert (test.inflation >= 1 - 1e-12).all()
    independent = 0.1 * (1 / 20 + 1 / 1000)
    np.testing.assert_allclose(test.statistic, 0.1 / np.sqrt(independent))


def test_blocks_without_a_value_count_for_nothing() -> None:
    rng = np.random.default_rng(3)
    values = rng.normal(size=(40, 2))
    values[:3, 0] = np.nan
    values[:, 1] = np.nan
    test = compared(values, np.array([0.0, 5.0]))
    assert np.isfinite(test.statistic).all()
    assert np.isfinite(test.null).all()


def test_ranks_go_on_in_a_falling_tail() -> None:
    null = np.arange(1.0, 20.0)
    pvalues = [tail_pvalue(value, null) for value in (0.5, 10.0, 19.0, 20.0, 40.0)]
    assert pvalues[:3] == [1.0, 11 / 20, 2 / 20]
    assert 1 / 20 > pvalues[3] > pvalues[4] > 0


def test_too_few_blocks_are_refused() -> None:
    with pytest.raises(ParameterError, match="3 blocks"):
        compared(np.zeros((2, 1)), np.zeros(1))


def test_blocks_of_independent_rows_do_not_differ() -> None:
    rng = np.random.default_rng(4)
    sizes = rng.integers(2, 40, 100)
    codes = np.repeat(np.arange(100), sizes)
    found = []
    for _ in range(N_TRIALS):
        rare = rng.random(len(codes)) < 0.02
        rows = np.column_stack([rng.uniform(-1, 1, len(codes)), rare])
        means = np.stack(
            [np.bincount(codes, weights=row) / sizes for row in rows.T], axis=1
        )
        kurtosis = np.array([-1.2, (1 - 6 * 0.0196) / 0.0196])
        variance = np.array([1 / 3, 0.0196])
        found.append(block_variance_pvalue(means, sizes, variance, kurtosis))
    shares = (np.array(found) <= 0.01).mean(axis=0)
    assert (shares <= limit(0.015)).all()


def test_blocks_that_differ_are_found() -> None:
    rng = np.random.default_rng(5)
    means = rng.normal(0, 0.3, size=(100, 1))
    pvalue = block_variance_pvalue(
        means, np.full(100, 30), np.array([1.0]), np.array([0.0])
    )
    assert pvalue[0] < 1e-6
