"""Laws of the distances of count vectors, and their oracles in scipy."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats
from scipy.spatial.distance import jensenshannon

from skdrift.exceptions import ParameterError
from skdrift.stats import (
    DISTANCES,
    hellinger,
    jensen_shannon,
    population_stability_index,
    total_variation_distance,
    wasserstein,
)


@pytest.fixture(params=sorted(DISTANCES))
def distance(request):
    return DISTANCES[request.param]


@pytest.fixture
def counts():
    rng = np.random.default_rng(0)
    reference = rng.integers(0, 50, size=(20, 15))
    current = rng.integers(0, 20, size=(20, 15))
    reference[0], current[0, 3:] = 0, 0
    reference[0, 2] = 5
    return reference, current


def test_distance_of_a_sample_to_itself_is_zero(distance, counts):
    np.testing.assert_allclose(distance(counts[0], counts[0]), 0.0, atol=1e-12)


def test_distance_is_symmetric(distance, counts):
    np.testing.assert_allclose(distance(*counts), distance(*counts[::-1]))


def test_order_of_cells_and_empty_cells_change_nothing(distance, counts):
    order = np.random.default_rng(1).permutation(15)
    moved = [np.insert(c[:, order], [0, 4, 15], 0, axis=1) for c in counts]
    np.testing.assert_allclose(distance(*moved), distance(*counts))


def test_distance_grows_with_the_mixture(distance):
    reference = np.array([[1000, 1000, 0]])
    values = [
        distance(reference, [[1000 - k, 1000 - k, 2 * k]])[0]
        for k in (0, 50, 300, 1000)
    ]
    assert (np.diff(values) > 0).all()


def test_distances_are_in_their_bounds(distance, counts):
    values = distance(*counts)
    assert (values >= 0.0).all()
    if distance is not population_stability_index:
        assert (values <= 1.0).all()
        assert distance([[10, 0]], [[0, 4]]) == pytest.approx(1.0)


def test_no_rows_give_nan(distance):
    assert np.isnan(distance([[0, 0], [1, 1]], [[1, 2], [0, 0]])).all()


def test_jensen_shannon_equals_scipy(counts):
    for row, (a, b) in enumerate(zip(*counts, strict=True)):
        assert jensen_shannon(*counts)[row] == pytest.approx(
            jensenshannon(a, b, base=2)
        )


def test_hellinger_and_total_variation_equal_their_definitions(counts):
    p, q = (c / c.sum(axis=1, keepdims=True) for c in counts)
    np.testing.assert_allclose(
        hellinger(*counts), np.linalg.norm(np.sqrt(p) - np.sqrt(q), axis=1) / np.sqrt(2)
    )
    np.testing.assert_allclose(
        total_variation_distance(*counts), 1 - np.minimum(p, q).sum(axis=1)
    )


def test_population_stability_index_equals_its_definition():
    reference, current = np.array([[700, 200, 100, 0]]), np.array([[100, 200, 700, 0]])
    p = (reference[0, :3] + 0.5) / 1001.5
    q = (current[0, :3] + 0.5) / 1001.5
    index = ((q - p) * np.log(q / p)).sum() - 2 * (1 / 1000 + 1 / 1000)
    np.testing.assert_allclose(population_stability_index(reference, current), index)


def test_population_stability_index_is_about_zero_when_nothing_changed():
    rng = np.random.default_rng(2)
    share = np.full(20, 0.05)
    index = population_stability_index(
        rng.multinomial(3000, share, 2000), rng.multinomial(300, share, 2000)
    )
    # The noise of 19 degrees of freedom is 0.07.
    assert index.mean() < 0.012


def test_wasserstein_equals_scipy(counts):
    rng = np.random.default_rng(3)
    points = np.sort(rng.normal(size=(20, 15)), axis=1)
    moved = wasserstein(points, *counts, scale=np.full(20, 2.0))
    for row, (x, a, b) in enumerate(zip(points, *counts, strict=True)):
        assert moved[row] == pytest.approx(stats.wasserstein_distance(x, x, a, b) / 2)


def test_wasserstein_of_a_shift_is_the_shift_in_its_unit():
    reference, current = [[0, 3, 4, 0]], [[0, 0, 3, 4]]
    assert wasserstein([[0.0, 1.0, 2.0, 3.0]], reference, current, scale=2.0) == 0.5


def test_wasserstein_does_not_look_at_points_of_empty_cells(counts):
    points = np.tile(np.arange(15.0), (20, 1))
    places = [0, 7, 15]
    padded = [np.insert(c, places, 0, axis=1) for c in counts]
    for foreign in (np.nan, -np.inf, 1e9):
        np.testing.assert_allclose(
            wasserstein(np.insert(points, places, foreign, axis=1), *padded),
            wasserstein(points, *counts),
        )


def test_wasserstein_without_a_unit_is_nan_unless_nothing_moved():
    points = [[0.0, 1.0], [0.0, 1.0]]
    moved = wasserstein(points, [[1, 2], [3, 0]], [[2, 1], [9, 0]], scale=0.0)
    assert np.isnan(moved[0])
    assert moved[1] == 0.0


def test_points_that_fall_or_do_not_fit_are_refused():
    with pytest.raises(ParameterError, match="must not fall"):
        wasserstein([[1.0, 0.0]], [[1, 1]], [[1, 2]])
    with pytest.raises(ParameterError, match="shape of the counts"):
        wasserstein([0.0, 1.0], [[1, 1]], [[1, 2]])
