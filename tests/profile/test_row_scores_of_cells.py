"""Laws of the scores of rows on training's cells."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import scipy.sparse
from scipy.stats import norm, rankdata

from skdrift._core.frame import read_table
from skdrift.profile._profile import learn_profile
from skdrift.profile._scores import MOST_SLOTS, score_rows, score_slots


def profile_of(X, **options):
    settings = {"categorical_features": None, "n_cells": 128, "min_category_count": 1}
    return learn_profile(read_table(X), **settings | options)


def scores_of(train, batch):
    profile = profile_of(train)
    return score_rows(read_table(batch), profile, score_slots(profile))


def numbers(n=600, d=3, seed=0):
    return np.random.default_rng(seed).normal(size=(n, d))


def test_scores_are_normal_scores_of_ranks_up_to_the_width_of_a_cell():
    rows = numbers()
    near, far = scores_of(rows, rows)
    ranks = (rankdata(rows[:, 0]) - 0.5) / len(rows)
    np.testing.assert_allclose(norm.cdf(near[:, 0]), ranks, atol=1 / 128)
    distance = (rankdata(np.abs(ranks - 0.5)) - 0.5) / len(rows)
    np.testing.assert_allclose(norm.cdf(far[:, 0]), distance, atol=2 / 128)
    assert np.isfinite(near).all()


@pytest.mark.parametrize("transform", [np.exp, lambda x: 5 * x - 3, np.cbrt])
def test_a_monotone_transform_of_a_column_changes_no_score(transform):
    rows, batch = numbers(), numbers(200, seed=1)
    plain = scores_of(rows, batch)
    moved = scores_of(transform(rows), transform(batch))
    for a, b in zip(plain, moved, strict=True):
        np.testing.assert_array_equal(a, b)


def test_rows_in_another_order_have_the_same_scores():
    rows, batch = numbers(), numbers(200, seed=1)
    order = np.random.default_rng(2).permutation(200)
    near, _ = scores_of(rows, batch)
    again, _ = scores_of(rows, batch[order])
    np.testing.assert_array_equal(again, near[order])


def test_a_sparse_table_has_the_scores_of_the_dense_one():
    rows = numbers() * (np.random.default_rng(3).random((600, 3)) < 0.5)
    dense = scores_of(rows, rows)
    sparse = scores_of(scipy.sparse.csr_array(rows), scipy.sparse.csr_array(rows))
    for a, b in zip(dense, sparse, strict=True):
        np.testing.assert_array_equal(a, b)


def test_cells_without_a_value_have_no_score_and_others_keep_theirs():
    rows, batch = numbers(), numbers(50, seed=1)
    near, _ = scores_of(rows, batch)
    batch[0, 0], batch[1, 1], batch[2, 2] = np.nan, np.inf, -np.inf
    holed, _ = scores_of(rows, batch)
    gone = np.zeros((50, 3), dtype=bool)
    gone[[0, 1, 2], [0, 1, 2]] = True
    np.testing.assert_array_equal(np.isnan(holed), gone)
    np.testing.assert_array_equal(holed[~gone], near[~gone])


def test_a_missing_column_has_no_scores():
    frame = pd.DataFrame(numbers(), columns=["a", "b", "c"])
    near, far = scores_of(frame, frame[["c", "a"]])
    assert np.isnan(near).all(axis=0).tolist() == [False, True, False]
    assert np.isnan(far).all(axis=0).tolist() == [False, True, False]


def test_values_beyond_training_have_the_scores_of_its_ends():
    near, _ = scores_of(numbers(d=1), np.array([[-1e9], [1e9]]))
    assert near[0, 0] < -3
    assert near[1, 0] > 3


def test_frequent_levels_are_indicators_and_one_that_the_others_tell_is_left_out():
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(
        {
            "three": rng.choice(list("abc"), 600),
            "rare": rng.choice(["x", "y"], 600, p=[0.995, 0.005]),
            "flag": rng.random(600) < 0.4,
        }
    )
    profile = profile_of(frame)
    slots = score_slots(profile)
    assert [slot.feature for slot in slots] == [0, 0, 2]
    near, far = score_rows(read_table(frame), profile, slots)
    assert far.shape == (600, 0)
    np.testing.assert_allclose(near.mean(axis=0), 0, atol=1e-9)
    np.testing.assert_allclose(near.std(axis=0), 1)
    level = slots[0].label.split("=")[1].strip("'")
    np.testing.assert_array_equal(near[:, 0] > 0, frame["three"] == level)


def test_levels_that_training_hides_have_no_slot():
    frame = pd.DataFrame({"k": np.repeat(list("abcd"), [400, 300, 200, 100])})
    slots = score_slots(profile_of(frame, min_category_count=250))
    assert [slot.label for slot in slots] == ["k='a'", "k='b'"]


def test_constant_and_empty_columns_have_no_slot():
    rows = numbers(d=4)
    rows[:, 1], rows[:, 2] = 3.0, np.nan
    assert [slot.feature for slot in score_slots(profile_of(rows))] == [0, 3]


def test_two_values_have_no_second_score():
    rows = (numbers(d=2) > 0).astype(float)
    assert [slot.far is None for slot in score_slots(profile_of(rows))] == [True, True]


def test_there_are_no_more_slots_than_can_be_paired():
    rows = numbers(40, MOST_SLOTS + 5)
    assert len(score_slots(profile_of(rows))) == MOST_SLOTS
