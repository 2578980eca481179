"""Places of many values among few sorted points."""

from __future__ import annotations

import numpy as np

LEAST_ROWS = 1_000
CHUNK_ROWS = 16_384


def places_among(points: np.ndarray, values: np.ndarray) -> np.ndarray:
    """How many of the points are smaller: ``points.searchsorted(values, "left")``.

    For values in no order four times as fast: all are searched for in step, so no
    branch hangs on a value, which a processor would guess wrong every second time.

    Parameters
    ----------
    points : ndarray of shape (n_points,)
        Numbers in order, without NaN.
    values : ndarray of shape (n_rows,)
        Numbers.

    Returns
    -------
    ndarray of intp of shape (n_rows,)
        `n_points` for NaN.
    """
    n_points, n_rows = len(points), len(values)
    common = np.result_type(points, values)
    if n_rows < LEAST_ROWS or common.kind not in "fiu":
        return np.asarray(points.searchsorted(values, "left"))
    levels = n_points.bit_length()
    largest = np.inf if common.kind == "f" else np.iinfo(common).max
    padded = np.full(2**levels, largest, dtype=common)
    padded[:n_points] = points
    places = np.empty(n_rows, dtype=np.intp)
    for start in range(0, n_rows, CHUNK_ROWS):
        part = values[start : start + CHUNK_ROWS]
        place = np.zeros(len(part), dtype=np.int32)
        for level in reversed(range(levels)):
            # No place is ever beyond the padding: "clip" spares the check.
            larger = padded[2**level - 1 :].take(place, mode="clip") < part
            place += larger.astype(np.int32) << level
        place[np.isnan(part)] = n_points
        places[start : start + CHUNK_ROWS] = place
    return places
