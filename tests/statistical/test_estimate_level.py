"""The estimate follows a shift of known law, and its interval covers what comes."""

from __future__ import annotations

import numpy as np
import pytest
from measure_estimate import CLASS_SCORES, ERROR_SCORES, distances, drawn, models
from scipy.stats import binom

FITS = 20


SCORES = {"classes": CLASS_SCORES, "values": ERROR_SCORES}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("kind", "shape", "model"),
    [
        ("classes", "bent", "linear"),
        ("values", "bent", "linear"),
        ("classes", "hinged", "boosted"),
        ("values", "hinged", "linear"),
    ],
)
def test_the_interval_covers_and_the_error_is_less_than_half(kind, shape, model):
    scores = SCORES[kind]
    rng = np.random.default_rng(3)
    found = []
    for _ in range(FITS):
        train = drawn(kind, shape, 0.0, 4_000, rng)
        chunks = [drawn(kind, shape, 1.0, 1_000, rng)]
        found.append(distances(models(kind)[model], train, chunks, scores))
    error, hold, covered = map(np.concatenate, zip(*found, strict=True))
    assert (error.mean(axis=0) < 0.5 * hold.mean(axis=0)).all()
    # At least as often as a coverage of 93 % would give in 99.9 % of such runs.
    assert (covered.sum(axis=0) >= binom(FITS, 0.93).ppf(0.001)).all()
