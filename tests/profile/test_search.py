"""Places among points are those of numpy's search, value for value."""

from __future__ import annotations

import numpy as np
import pytest

from skdrift.profile._search import CHUNK_ROWS, LEAST_ROWS, places_among


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("n_points", [0, 1, 2, 3, 31, 32, 33, 1_000])
@pytest.mark.parametrize("n_rows", [0, 1, LEAST_ROWS, CHUNK_ROWS + 5])
def test_places_are_those_of_searchsorted(n_points, n_rows, dtype):
    rng = np.random.default_rng(n_points)
    points = np.sort(rng.normal(size=n_points)).astype(dtype)
    values = rng.normal(scale=2.0, size=n_rows).astype(dtype)
    some = min(n_points, n_rows)
    values[:some] = points[:some]
    values[some : some + 4] = [np.nan, np.inf, -np.inf, 0.0][: max(n_rows - some, 0)]
    found = places_among(points, values)
    assert found.dtype == np.intp
    assert np.array_equal(found, points.searchsorted(values, "left"))


def test_points_without_end_and_values_of_another_precision():
    points = np.array([-np.inf, 0.1, 0.5, np.inf], dtype=np.float32)
    values = np.resize([0.1, 0.5, np.inf, -np.inf, 1e300], 2 * LEAST_ROWS)
    assert np.array_equal(places_among(points, values), points.searchsorted(values))


@pytest.mark.parametrize(
    ("points", "values"),
    [
        (np.int64, np.int64),
        (np.int64, np.float64),
        (np.int8, np.int64),
        (np.uint64, np.int64),
        (np.int32, np.float32),
        (np.float64, np.int16),
        (np.uint8, np.uint8),
        (bool, bool),
    ],
)
@pytest.mark.parametrize("n_points", [0, 1, 2, 7, 90])
def test_whole_numbers_have_the_same_places(points, values, n_points):
    rng = np.random.default_rng(n_points)
    known = np.sort(rng.integers(0, 100, size=n_points).astype(points))
    asked = rng.integers(0, 120, size=2 * LEAST_ROWS).astype(values)
    if asked.dtype.kind in "iu":
        asked[:2] = np.iinfo(values).min, np.iinfo(values).max
    elif asked.dtype.kind == "f":
        asked[:5] = -1e30, 1e30, np.inf, np.nan, 0.5
    if known.dtype.kind in "iu" and n_points > 2:
        known[-1] = np.iinfo(points).max
    assert np.array_equal(places_among(known, asked), known.searchsorted(asked))
