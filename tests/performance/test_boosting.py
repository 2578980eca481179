"""Laws of boosted oblivious trees."""

from __future__ import annotations

import numpy as np
import pytest

from skdrift.performance._boosting import (
    PRIOR_ROWS,
    Trees,
    boost,
    leaves_of,
    sum_of_trees,
)
from skdrift.performance._row_codes import N_CODES


def squares(target):
    """Gradient of half the squared distance to a target of shape (1, n_rows)."""
    return lambda total: (target - total, np.ones_like(total))


def drawn_codes(n_features, n_rows, seed=0):
    rng = np.random.default_rng(seed)
    return rng.integers(0, N_CODES, size=(n_features, n_rows)).astype(np.uint8)


def test_a_leaf_is_the_number_that_the_answers_spell():
    codes = np.array([[0, 9, 9, 0], [5, 5, 0, 0]], dtype=np.uint8)
    leaves = leaves_of(codes, np.array([0, 1, 0]), np.array([4, 4, 8]))
    assert leaves.tolist() == [0b010, 0b111, 0b101, 0b000]


@pytest.mark.parametrize("seed", range(3))
def test_a_step_of_one_column_is_found_among_others(seed):
    codes = drawn_codes(6, 4_000, seed)
    target = np.where(codes[3] > 20, 1.0, -1.0)[None, :]
    rng = np.random.default_rng(seed)
    trees = boost(codes, squares(target), 1, n_rounds=24, rng=rng)
    fresh = drawn_codes(6, 1_000, seed + 50)
    right = np.where(fresh[3] > 20, 1.0, -1.0)
    assert np.abs(sum_of_trees(fresh, trees)[0] - right).mean() < 0.1


@pytest.mark.parametrize("seed", range(5))
def test_the_first_question_is_the_one_that_gains_most(seed):
    codes, rng = drawn_codes(1, 900, seed), np.random.default_rng(seed)
    steep = rng.standard_cauchy(900) + (codes[0] > rng.integers(5, 40))
    curve = rng.random(900) ** 4

    def gradient(total):
        return steep[None, :], curve[None, :]

    trees = boost(codes, gradient, 1, n_rounds=1, rng=rng)
    prior = PRIOR_ROWS * curve.mean()

    def gain(cut):
        sides = codes[0] > cut, codes[0] <= cut
        return sum(steep[own].sum() ** 2 / (curve[own].sum() + prior) for own in sides)

    best = max(gain(cut) for cut in range(N_CODES))
    assert gain(trees.cuts[0, 0]) >= (1.0 - 1e-3) * best


def test_the_training_loss_falls_and_the_same_seed_gives_the_same_trees():
    codes = drawn_codes(4, 2_000)
    target = np.stack([np.sin(codes[0] / 8.0), codes[1] > 10]).astype(float)

    def fitted(n_rounds):
        rng = np.random.default_rng(1)
        return boost(codes, squares(target), 2, n_rounds=n_rounds, rng=rng)

    losses = [
        ((target - sum_of_trees(codes, fitted(n))) ** 2).mean() for n in (1, 6, 24)
    ]
    assert (target**2).mean() > losses[0] > losses[1] > losses[2]
    assert np.array_equal(fitted(6).values, fitted(6).values)


def test_rows_that_say_nothing_are_left_alone():
    rng = np.random.default_rng(0)
    nothing = boost(
        drawn_codes(3, 50), squares(np.zeros((1, 50))), 1, n_rounds=3, rng=rng
    )
    assert not nothing.values.any()
    for codes in (drawn_codes(0, 50), drawn_codes(3, 1)):
        target = np.ones((1, codes.shape[1]))
        trees = boost(codes, squares(target), 1, n_rounds=3, rng=rng)
        assert not sum_of_trees(codes, trees).any()


def test_few_rows_move_a_leaf_less_than_many():
    def moved(n_rows):
        codes = np.repeat(np.array([[0, 40]], dtype=np.uint8), n_rows, axis=1)
        target = np.where(codes > 20, 1.0, -1.0)
        rng = np.random.default_rng(0)
        trees = boost(codes, squares(target), 1, n_rounds=1, rng=rng)
        return sum_of_trees(codes, trees)[0, -1]

    assert 0.0 < moved(3) < moved(30) < moved(3_000) < 1.0


def test_trees_without_rounds_add_nothing():
    trees = Trees(
        np.zeros((0, 3), np.int16), np.zeros((0, 3), np.uint8), np.zeros((0, 8, 2))
    )
    assert sum_of_trees(drawn_codes(2, 5), trees).tolist() == [[0.0] * 5] * 2


@pytest.mark.parametrize("n_trees", [1, 2, 5])
@pytest.mark.parametrize("n_outputs", [1, 3])
def test_a_sum_of_trees_is_that_of_their_leaves(n_trees, n_outputs):
    rng = np.random.default_rng(n_trees)
    codes = drawn_codes(5, 400)
    trees = Trees(
        rng.integers(5, size=(n_trees, 3)).astype(np.int16),
        rng.integers(N_CODES, size=(n_trees, 3)).astype(np.int16),
        rng.normal(size=(n_trees, 8, n_outputs)).astype(np.float16),
    )
    trees.values[n_trees // 2] = 0.0
    leaves = [
        leaves_of(codes, features, cuts)
        for features, cuts in zip(trees.features, trees.cuts, strict=True)
    ]
    wanted = sum(
        values.astype(float)[own]
        for values, own in zip(trees.values, leaves, strict=True)
    )
    assert np.allclose(sum_of_trees(codes, trees), wanted.T)
