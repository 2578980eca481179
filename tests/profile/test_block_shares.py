"""What is stored of blocks says how their cells are filled, as nearly as it can."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from real_data import real_tables

from skdrift.profile import Grid, Profile
from skdrift.profile._block_shares import block_shares, part_means
from skdrift.shift import find_blocks


def learned(X, groups, blocks="auto"):
    reference = Profile.count(X, Grid.learn(X))
    return reference, find_blocks(X, reference, groups, blocks).values


def counted(X, groups, reference, place):
    """Shares of the cells in each group."""
    counts = [
        Profile.count(X[groups == group], reference.grid).counts[place]
        for group in np.unique(groups)
    ]
    return np.array([count / count.sum() for count in counts])


@pytest.fixture(scope="module")
def days():
    rng = np.random.default_rng(0)
    groups = np.repeat(np.arange(60), 40)
    tilt = rng.normal(size=60)[groups]
    X = pd.DataFrame(
        {
            "number": rng.normal(size=len(groups)) + tilt,
            "grade": np.clip((rng.normal(2, 1, len(groups)) + tilt).round(), 0, 4),
            "level": np.where(rng.normal(size=len(groups)) < tilt, "a", "b"),
        }
    )
    return X, groups, *learned(X, groups)


def test_of_five_values_the_shares_of_each_block_are_found(days):
    X, groups, reference, blocks = days
    found = block_shares(reference, blocks, 1)
    assert found.smooth
    assert (found.n_blocks, found.n_together) == (60, 1)
    assert found.shares == pytest.approx(counted(X, groups, reference, 1), abs=0.01)


def test_the_shares_of_levels_are_those_that_are_stored(days):
    X, groups, reference, blocks = days
    found = block_shares(reference, blocks, 2)
    assert not found.smooth
    true = counted(X, groups, reference, 2)
    assert found.shares[:, :2] == pytest.approx(true[:, :2], abs=1e-3)
    assert np.isnan(found.shares[:, 2:]).all()


def test_blocks_of_a_number_are_near_what_they_are_and_their_mean_is_training(days):
    X, groups, reference, blocks = days
    found = np.cumsum(block_shares(reference, blocks, 0).shares, axis=1)
    true = np.cumsum(counted(X, groups, reference, 0), axis=1)
    apart = np.abs(found - true).max(axis=1)
    assert np.median(apart) < 0.1  # 40 rows of a day: their own noise is 0.13
    whole = np.cumsum(reference.counts[0]) / reference.counts[0].sum()
    assert found.mean(axis=0) == pytest.approx(whole, abs=0.02)


def test_ends_of_the_weeks_of_real_columns_are_found():
    X = real_tables()["air quality"]
    X = np.where(X == -200, np.nan, X)[: 55 * 168]
    weeks = np.repeat(np.arange(55), 168)
    reference, blocks = learned(X, weeks)
    for place in range(X.shape[1]):
        known = [
            week for week in range(55) if np.isfinite(X[weeks == week, place]).any()
        ]
        rows = np.isin(weeks, known)
        true = np.cumsum(counted(X[rows], weeks[rows], reference, place), axis=1)
        found = np.cumsum(block_shares(reference, blocks, place).shares, axis=1)
        for share in (0.05, 0.95):
            ends = [np.quantile(x, share, axis=0) for x in (found, true)]
            assert np.abs(ends[0] - ends[1]).max() < 0.06


def test_a_column_that_nothing_is_stored_of_has_none(days):
    X, groups, *_ = days
    reference, blocks = learned(X, groups)
    gone = X.assign(number=np.nan)
    empty, values = learned(gone, groups)
    assert block_shares(reference, blocks, 0) is not None
    names = [empty.grid.labels[cells.feature] for cells in empty.grid.cells]
    assert all(
        (block_shares(empty, values, place) is None) == (name == "number")
        for place, name in enumerate(names)
    )


def test_blocks_without_a_value_are_left_out(days):
    X, groups, *_ = days
    holes = X.assign(number=X["number"].where(groups % 3 > 0))
    reference, blocks = learned(holes, groups)
    found = block_shares(reference, blocks, 0)
    assert len(found.shares) == 40
    assert np.isfinite(found.shares).all()


def test_parts_of_several_blocks_scatter_less_and_runs_are_neighbours():
    rng = np.random.default_rng(0)
    values = rng.normal(size=(200, 2))
    parts = part_means(values, 4, contiguous=False)
    assert parts.shape == (500, 2)
    assert parts.std(axis=0) == pytest.approx(0.5 * values.std(axis=0), rel=0.1)
    runs = part_means(values, 4, contiguous=True)
    assert len(runs) == 197
    assert runs[3] == pytest.approx(values[3:7].mean(axis=0))
    assert part_means(values, 1, contiguous=True) is values


def test_no_part_has_more_than_a_quarter_of_the_blocks(days):
    _, _, reference, blocks = days
    assert block_shares(reference, blocks, 0, 10**6).n_together == 15
