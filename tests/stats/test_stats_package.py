"""The front of the package: names, records, speed."""

from __future__ import annotations

import dataclasses
import time

import numpy as np
import pytest

from skdrift import stats


def test_public_names_are_unique_exist_and_are_not_collected_by_pytest():
    assert len(stats.__all__) == len(set(stats.__all__))
    for name in stats.__all__:
        assert hasattr(stats, name)
        assert not name.lower().startswith("test")


@pytest.mark.parametrize(
    "record",
    [
        stats.CountTest,
        stats.Effect,
        stats.RateTest,
        stats.ScoreInterval,
        stats.UnseenTest,
    ],
)
def test_results_are_frozen_records_of_documented_fields(record):
    names = [field.name for field in dataclasses.fields(record)]
    empty = record(**dict.fromkeys(names))
    with pytest.raises(dataclasses.FrozenInstanceError):
        setattr(empty, names[0], 1)
    assert not hasattr(empty, "__dict__")
    for name in names:
        assert name in record.__doc__


def test_fifty_columns_of_257_cells_cost_milliseconds():
    rng = np.random.default_rng(0)
    share = rng.dirichlet(np.tile([0.05, 3.0], 129)[:257], 50)
    reference = np.array([rng.multinomial(100_000, s) for s in share])
    current = np.array([rng.multinomial(1_000, s) for s in share])

    def everything():
        stats.distribution_change(reference, current, tolerance=0.01)
        stats.kolmogorov_smirnov(reference, current)
        stats.chi_square(reference, current, tolerance=0.01)
        stats.total_variation(reference, current)
        for distance in stats.DISTANCES.values():
            distance(reference, current)

    durations = []
    for _ in range(7):
        start = time.perf_counter()
        everything()
        durations.append(time.perf_counter() - start)
    # About 10 ms on an idle core; the bound is for a busy machine.
    assert min(durations) < 0.1
