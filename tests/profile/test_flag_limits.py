"""Limits of what is not flagged: wide enough for fresh rows, never too narrow."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.stats
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from skdrift.profile._cells import flag_limits
from skdrift.profile._sorted import SortedNumbers

LAWS = {
    "normal": scipy.stats.norm,
    "uniform": scipy.stats.uniform,
    "exponential": scipy.stats.expon,
    "lognormal": scipy.stats.lognorm(1),
    "t3": scipy.stats.t(3),
}
HEAVY = ("lognormal", "t3")


def limits(values, **changes):
    return flag_limits(SortedNumbers(np.sort(np.asarray(values)), **changes))


def share_outside(law, n, n_trials=120):
    """Mean probability that a fresh row is outside, over training sets of n rows."""
    rng = np.random.default_rng(n)
    outside = []
    for _ in range(n_trials):
        lower, upper = limits(law.rvs(size=n, random_state=rng))
        outside.append(law.cdf(lower) + law.sf(upper))
    return np.mean(outside)


@pytest.mark.parametrize("name", LAWS)
@pytest.mark.parametrize(
    ("n", "documented", "light"),
    [(50, 3e-4, 1e-5), (300, 1e-4, 1e-5), (3000, 3e-5, 1e-5)],
)
def test_fresh_rows_are_outside_as_rarely_as_documented(name, n, documented, light):
    found = share_outside(LAWS[name], n)
    assert found <= documented
    if name not in HEAVY:
        assert found <= light


@pytest.mark.parametrize("name", ["normal", "uniform", "exponential"])
def test_limits_of_light_tails_come_close_as_rows_come_in(name):
    """A limit that is never reached would flag nothing."""
    rng = np.random.default_rng(0)
    values = LAWS[name].rvs(size=30_000, random_state=rng)
    lower, upper = limits(values)
    assert upper - lower < 2.2 * np.ptp(values)


numbers = hnp.arrays(
    np.float64,
    st.integers(1, 80),
    elements=st.floats(-1e6, 1e6, allow_subnormal=False) | st.integers(-3, 3),
)


@given(numbers)
def test_limits_are_never_narrower_than_the_extremes(values):
    lower, upper = limits(values)
    tenth = 0.1 * np.ptp(values)
    assert lower <= values.min() - 0.999 * tenth
    assert upper >= values.max() + 0.999 * tenth
    assert np.isfinite([lower, upper]).all()


@given(numbers)
def test_limits_turn_with_the_values(values):
    lower, upper = limits(values)
    scale = np.ptp(values) + 1e-300
    mirrored = limits(-values)
    assert mirrored == pytest.approx((-upper, -lower), abs=1e-6 * scale, rel=1e-6)


@given(numbers, st.sampled_from([0.5, 8.0, 1024.0]))
def test_limits_scale_with_the_values(values, factor):
    lower, upper = limits(values)
    assert limits(values * factor) == (lower * factor, upper * factor)


@given(
    hnp.arrays(
        np.float64,
        st.integers(1, 30),
        elements=st.sampled_from([1.7e308, -1.7e308, 1e308, 5e-324, 0.0, 1.0, -1.0]),
    )
)
def test_no_value_is_too_large_or_too_small(values):
    lower, upper = limits(values)
    assert lower <= values.min()
    assert upper >= values.max()


@given(numbers, st.integers(0, 50))
def test_zeros_that_are_not_stored_are_values(values, n_zeros):
    stored = values[values != 0]
    full = np.concatenate([stored, np.zeros(n_zeros)])
    if len(full):
        assert limits(stored, n_zeros=n_zeros) == limits(full)


@pytest.mark.parametrize("dtype", ["i1", "u1", "i8", "u8", "f4"])
def test_limits_are_floats_for_every_type(dtype):
    values = (np.arange(100) % 90).astype(dtype)
    assert limits(values) == pytest.approx(limits(values.astype(float)))


@pytest.mark.parametrize(
    "values",
    [
        np.repeat([0.0, 1.0], [990, 10]),
        np.repeat([0.0, 1.0, 2.0, 5.0], [700, 200, 90, 10]),
        np.append(np.zeros(9999), 1.0),
        np.random.default_rng(0).poisson(0.1, 3000).astype(float),
        np.random.default_rng(0).geometric(0.3, 3000).astype(float),
    ],
    ids=["two values", "four values", "one in 10000", "poisson", "geometric"],
)
def test_ties_give_limits_of_the_order_of_the_range(values):
    lower, upper = limits(values)
    assert np.ptp(values) * 1.2 <= upper - lower <= np.ptp(values) * 4


def test_one_value_is_both_limits():
    assert limits([3.0]) == limits([3.0] * 100) == (3.0, 3.0)


def test_counts_beyond_the_training_maximum_are_inside_as_often_as_they_come():
    """Discrete tails: fresh rows of a Poisson column."""
    rng = np.random.default_rng(0)
    for rate in (0.1, 1, 3, 30):
        law, outside = scipy.stats.poisson(rate), []
        for _ in range(100):
            lower, upper = limits(rng.poisson(rate, 3000))
            outside.append(law.sf(np.floor(upper)) + law.cdf(np.ceil(lower) - 1))
        assert np.mean(outside) < 1e-4


def test_a_third_value_of_a_column_of_two_is_outside():
    lower, upper = limits(np.repeat([0, 1], [500, 500]))
    assert -1 < lower < 0
    assert 1 < upper < 2
