"""Many columns that moved a little: when DA107 is raised, and when it is not."""

from __future__ import annotations

import measure_global
import numpy as np
import pandas as pd
import polars as pl
import pytest
from scipy import stats
from sklearn.dummy import DummyRegressor

from skdrift import DriftAwareEstimator
from skdrift._core.frame import read_table
from skdrift.profile._profile import count_table, learn_profile
from skdrift.profile._scores import score_slots
from skdrift.shift._dependence import learn_dependence
from skdrift.shift._mean_moves import mean_moves
from skdrift.shift._together import TOGETHER_SHARE, together_share

N, M, D = 2000, 500, 20
ERROR = (1 / N + 1 / M) ** 0.5


def fitted(reference, **settings):
    model = DriftAwareEstimator(DummyRegressor(), cv=None, blocks=None, **settings)
    return model.fit(reference, np.zeros(len(reference)))


def codes(model, batch):
    return [alarm.code for alarm in model.check(batch).alarms]


@pytest.fixture(scope="module")
def rows():
    rng = np.random.default_rng(0)
    return rng.normal(size=(N, D)), rng.normal(size=(M, D))


def moved(batch, by):
    """Columns moved up and down in turn, by so many standard errors."""
    return batch + by * ERROR * np.where(np.arange(batch.shape[1]) % 2, 1.0, -1.0)


def test_many_columns_that_moved_a_little_alarm_together(rows):
    reference, batch = rows
    model = fitted(reference)
    assert codes(model, batch) == []
    (alarm,) = model.check(moved(batch, 2.0)).alarms
    assert alarm.code == "DA107"
    assert 1 <= len(alarm.features) <= 5
    assert alarm.pvalue <= 0.01
    assert 1.0 * ERROR < alarm.effect_size < 3.0 * ERROR
    assert "of 20 columns" in alarm.message
    assert alarm.direction.endswith("lower")


def test_many_columns_with_a_little_more_spread_alarm_together(rows):
    reference, batch = rows
    (alarm,) = fitted(reference).check(1.1 * batch).alarms
    assert alarm.code == "DA107"
    assert "wider" in alarm.direction


def test_a_column_that_alarms_by_itself_does_not_bring_the_others(rows):
    reference, batch = rows
    one = batch.copy()
    one[:, 3] += 2.0
    found = codes(fitted(reference), one)
    assert "DA101" in found
    assert "DA107" not in found


def test_both_are_said_where_one_column_moved_much_and_the_others_a_little(rows):
    reference, batch = rows
    both = moved(batch, 2.0)
    both[:, 3] += 2.0
    found = fitted(reference).check(both).alarms
    assert {alarm.code for alarm in found} >= {"DA101", "DA107"}
    (together,) = (alarm for alarm in found if alarm.code == "DA107")
    assert "x3" not in together.features
    assert "of 19 columns" in together.message


def test_what_is_tolerated_in_every_column_is_tolerated_in_all(rows):
    reference, batch = rows
    tolerated = 2.0 * ERROR * stats.norm.pdf(0.0)
    assert codes(fitted(reference, min_effect=tolerated), moved(batch, 2.0)) == []


@pytest.mark.parametrize("table", [pd.DataFrame, pl.DataFrame])
def test_tables_with_categories_and_gaps_alarm_too(table):
    rng = np.random.default_rng(4)

    def draw(n, by):
        columns = {f"n{j}": rng.normal(by, 1.0, n) for j in range(6)}
        columns["n0"] = np.where(rng.random(n) < 0.3, np.nan, columns["n0"])
        for j in range(6):
            share = np.array([0.5, 0.3, 0.2]) + by * np.array([-0.5, 0.3, 0.2])
            columns[f"c{j}"] = rng.choice(list("abc"), n, p=share)
        return table(columns)

    model = fitted(draw(N, 0.0))
    assert codes(model, draw(M, 0.0)) == []
    assert "DA107" in codes(model, draw(M, 0.12))


def test_constant_columns_and_a_column_without_values_take_no_part(rows):
    reference, batch = (part.copy() for part in rows)
    reference[:, 0] = batch[:, 0] = 1.0
    model = fitted(reference)
    changed = moved(batch, 2.2)
    changed[:, 0] = 1.0
    changed[:, 1] = np.nan
    found = model.check(changed).alarms
    (together,) = (alarm for alarm in found if alarm.code == "DA107")
    assert "of 18 columns" in together.message


def test_nothing_is_spent_on_few_rows_few_columns_or_no_dependence(rows):
    reference, _ = rows
    for columns, n_rows, share in (
        (D, M, TOGETHER_SHARE),
        (D, 99, 0.0),
        (4, M, 0.0),
    ):
        table = read_table(reference[:, :columns])
        profile = learn_profile(
            table, categorical_features=None, n_cells=128, min_category_count=1
        )
        dependence = learn_dependence(table, profile)
        assert together_share(dependence, n_rows) == share
    assert together_share(None, M) == 0.0


def profiles(reference, batch):
    profile = learn_profile(
        read_table(reference),
        categorical_features=None,
        n_cells=128,
        min_category_count=1,
    )
    return profile, count_table(read_table(batch), profile.grid)[0]


def test_what_is_tolerated_is_the_shift_of_a_normal_column():
    rng = np.random.default_rng(0)
    rows = np.column_stack([rng.normal(size=9000), rng.random(9000) < 0.2])
    reference, current = profiles(rows[:5000], rows[5000:])
    moves = mean_moves(
        score_slots(reference), "shift", reference, current, np.full(2, 0.01)
    )
    share = rows[:, 1].mean()
    expected = [1 / stats.norm.pdf(0.0), 1 / np.sqrt(share * (1 - share))]
    tolerated = moves.tolerated / np.sqrt(moves.size)
    np.testing.assert_allclose(tolerated, 0.01 * np.array(expected), rtol=0.02)


@pytest.mark.parametrize("kind", ["shift", "change of spread"])
def test_deviates_are_those_of_ranks_in_both_samples(kind):
    rng = np.random.default_rng(0)
    rows = rng.poisson(5, size=(900, 6)).astype(float)
    reference, current = profiles(rows[:600], rows[600:])
    moves = mean_moves(score_slots(reference), kind, reference, current, np.zeros(6))
    expected = []
    for column in rows.T:
        below = (stats.rankdata(column) - 0.5) / 900
        if kind == "change of spread":
            far = np.abs(2 * below - 1).round(9)
            below = (stats.rankdata(far) - 0.5) / 900
        score = stats.norm.ppf(below)
        error = score.std(ddof=1) * np.sqrt(1 / 600 + 1 / 300)
        expected.append((score[600:].mean() - score[:600].mean()) / error)
    np.testing.assert_allclose(moves.deviate, expected, atol=1e-6)


@pytest.mark.parametrize("name", measure_global.LAWS)
def test_batches_like_training_alarm_together_at_most_at_the_level(name):
    trials = 60
    shares = measure_global.together_shares(
        measure_global.LAWS[name], 1000, 400, 12, trials, seed=3
    )
    for (_, alpha), share in shares.items():
        assert share <= stats.binom.ppf(0.9999, trials, alpha) / trials


@pytest.mark.slow
@pytest.mark.parametrize("correlation", [0.0, 0.7])
def test_twenty_columns_at_one_and_a_half_standard_errors_are_found(correlation):
    draw = measure_global.equicorrelated(correlation)
    alone, found = measure_global.dense(draw, 20, 1.5, aligned=False, n_trials=40)[0.05]
    assert found >= 0.5
    assert found >= alone + 0.2
