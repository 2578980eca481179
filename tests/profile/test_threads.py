"""Threads change how long it takes, and nothing else."""

from __future__ import annotations

import threading

import numpy as np
import pandas as pd
import pytest

from skdrift.profile import Grid, Profile
from skdrift.profile._threads import CELLS_WORTH_A_THREAD, map_columns, thread_count

N_ROWS = 5_000


def mixed_table() -> pd.DataFrame:
    rng = np.random.default_rng(0)
    numbers = {f"n{j}": rng.normal(size=N_ROWS) for j in range(11)}
    words = {f"w{j}": rng.choice(["a", "b", None], N_ROWS) for j in range(6)}
    texts = {"t": [f"text {row}" for row in range(N_ROWS)]}
    return pd.DataFrame({**numbers, **words, **texts})


TABLES = {
    "pandas": mixed_table,
    "C order": lambda: np.random.default_rng(0).normal(size=(N_ROWS, 21)),
    "C order, 32 bits": lambda: (
        np.random.default_rng(0).normal(size=(N_ROWS, 35)).astype(np.float32)
    ),
    "Fortran order": lambda: np.asfortranarray(
        np.random.default_rng(0).normal(size=(N_ROWS, 5))
    ),
}


@pytest.mark.parametrize("name", TABLES)
@pytest.mark.parametrize("n_threads", [2, 8, 100])
def test_results_do_not_depend_on_the_number_of_threads(
    name, n_threads, assert_identical
):
    X = TABLES[name]()
    one = Grid.learn(X, n_threads=1)
    many = Grid.learn(X, n_threads=n_threads)
    assert many.fingerprint() == one.fingerprint()
    assert_identical(
        Profile.count(X, many, n_threads=n_threads), Profile.count(X, one, n_threads=1)
    )


@pytest.mark.parametrize("n_threads", [1, 2, 3, 16])
@pytest.mark.parametrize("together", [1, 2, 8])
@pytest.mark.parametrize("n_columns", [1, 2, 7, 20])
def test_every_column_is_visited_once_and_results_come_in_order(
    n_columns, together, n_threads
):
    visited = []

    def function(positions):
        visited.extend(positions)
        return [position * 10 for position in positions]

    found = map_columns(function, n_columns, together=together, n_threads=n_threads)
    assert found == [position * 10 for position in range(n_columns)]
    assert sorted(visited) == list(range(n_columns))


def test_threads_share_the_columns_that_are_held_at_once():
    sizes = []
    map_columns(lambda p: sizes.append(len(p)) or p, 16, together=8, n_threads=4)
    assert set(sizes) == {2}


def test_an_error_in_a_thread_comes_out():
    def function(positions):
        raise KeyError(positions[0])

    with pytest.raises(KeyError):
        map_columns(function, 4, together=1, n_threads=2)


def test_a_small_table_starts_no_thread():
    before = threading.active_count()
    seen = set()

    def function(positions):
        seen.add(threading.active_count())
        return positions

    small = thread_count(None, 2 * CELLS_WORTH_A_THREAD - 1)
    map_columns(function, 4, together=1, n_threads=small)
    assert seen == {before}
    assert thread_count(None, 2 * CELLS_WORTH_A_THREAD) >= 1
    assert thread_count(3, 0) == 3


def test_many_threads_may_count_on_one_grid(assert_identical):
    X = mixed_table()
    grid = Grid.learn(X)
    expected = Profile.count(X, grid)
    found = [None] * 8

    def count(place):
        found[place] = Profile.count(X, grid, n_threads=2)

    threads = [threading.Thread(target=count, args=(place,)) for place in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for profile in found:
        assert_identical(profile, expected)
