"""The jackknife of a mean is its standard error, with Student's law."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from skdrift.stats.jackknife import jackknife_interval


def without_each(values: np.ndarray) -> np.ndarray:
    return (values.sum() - values) / (len(values) - 1)


@pytest.mark.parametrize("n", [2, 5, 100])
def test_of_a_mean_it_is_the_interval_of_students_t(n: int) -> None:
    values = np.random.default_rng(n).normal(size=n)
    expected = stats.ttest_1samp(values, 0.0).confidence_interval(0.9)
    found = jackknife_interval(float(values.mean()), without_each(values), 0.9)
    np.testing.assert_allclose(found, expected)


def test_a_constant_has_an_interval_of_no_width() -> None:
    assert jackknife_interval(2.0, np.full(5, 2.0), 0.95) == (2.0, 2.0)


@pytest.mark.parametrize("left_out", [[], [1.0], [1.0, np.nan], [1.0, -np.inf]])
def test_what_cannot_be_known_is_nan(left_out: list[float]) -> None:
    found = jackknife_interval(1.0, np.array(left_out), 0.95)
    assert np.isnan(found).all()
