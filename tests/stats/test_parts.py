"""Laws of the tolerance that the parts of a sample suggest."""

from __future__ import annotations

import numpy as np
import pytest

from skdrift.exceptions import ParameterError
from skdrift.stats import tolerance_of_parts, variation_of_parts

BOTH = pytest.mark.parametrize("function", [tolerance_of_parts, variation_of_parts])


def parts_of(shifts, n, seed=0, cells=20):
    rng = np.random.default_rng(seed)
    edges = np.linspace(-2.5, 2.5, cells - 1)
    return np.stack(
        [
            np.bincount(np.digitize(rng.normal(shift, 1, n), edges), minlength=cells)
            for shift in shifts
        ]
    )


@BOTH
def test_equal_parts_tolerate_nothing(function):
    assert function(np.full((5, 8), 100)) == 0.0


@BOTH
def test_the_order_of_the_parts_and_empty_cells_and_parts_change_nothing(function):
    parts = parts_of([0, 0.1, 0.2, -0.1, 0.3], 300)
    more = np.pad(parts[::-1], ((0, 2), (0, 3)))
    assert function(more) == pytest.approx(function(parts))


@BOTH
def test_parts_that_are_further_apart_tolerate_more(function):
    found = [
        function(parts_of(np.array([-2, 1, 0, 2, -1]) * d, 2000))
        for d in (0.0, 0.1, 0.3, 1.0, 9.0)
    ]
    assert found == sorted(found)
    assert found[-1] == 0.5


@BOTH
def test_noise_is_tolerated_less_the_more_rows_there_are(function):
    usual = [
        np.mean([function(parts_of([0] * 5, n, seed)) for seed in range(40)])
        for n in (50, 500, 5000)
    ]
    assert usual[0] > 2 * usual[1] > 4 * usual[2]


def test_a_further_part_is_rarely_further_off_than_the_tolerance():
    rng = np.random.default_rng(0)
    beyond = 0
    for seed in range(200):
        shifts = rng.normal(0, 0.3, 6)
        tolerance = tolerance_of_parts(parts_of(shifts[:5], 4000, seed))
        distance = abs(shifts[5] - shifts[:5].mean()) * 0.39
        beyond += distance > tolerance
    # One standard deviation of five squares is no more than four in five.
    assert beyond <= 60


@BOTH
@pytest.mark.parametrize("parts", [np.zeros((0, 3)), np.zeros((4, 3)), [[1, 2, 3]]])
def test_one_part_cannot_tell(function, parts):
    assert np.isnan(function(np.asarray(parts, dtype=int)))


@BOTH
def test_two_parts_tolerate_more_than_their_distance_beyond_noise(function):
    assert function([[50, 50], [50, 50]]) < 0.25
    assert function([[50, 50], [80, 20]]) > 0.3


@BOTH
def test_constant_answers_tolerate_nothing(function):
    assert function([[100], [90], [110]]) == 0.0


@BOTH
@pytest.mark.parametrize("parts", [[1, 2, 3], [[1, -2]], [[0.5, 1.0]]])
def test_what_are_no_counts_of_parts_is_refused(function, parts):
    with pytest.raises(ParameterError):
        function(parts)
