"""Laws of DA104 and DA105: dependence between columns."""

from __future__ import annotations

import pickle

import measure_dependence
import numpy as np
import pandas as pd
import pytest
import scipy.sparse
from real_data import real_tables
from scipy.stats import binom
from sklearn.dummy import DummyRegressor

from skdrift import DriftAwareEstimator
from skdrift._core.frame import read_table
from skdrift.exceptions import FormatError
from skdrift.profile._profile import learn_profile
from skdrift.shift._dependence import Dependence, learn_dependence

JOINT = {"DA104", "DA105"}
TABLES = real_tables()


def fitted(X, **options):
    settings = {"cv": None, "blocks": None} | options
    model = DriftAwareEstimator(DummyRegressor(), **settings)
    return model.fit(X, np.zeros(X.shape[0]))


def joint_alarms(report):
    return [alarm for alarm in report.alarms if alarm.code in JOINT]


def related(n, rho, seed):
    rng = np.random.default_rng(seed)
    a = rng.normal(size=n)
    b = rho * a + np.sqrt(1 - rho**2) * rng.normal(size=n)
    return pd.DataFrame({"a": np.exp(a), "b": b, "c": rng.normal(size=n)})


def test_the_pair_is_named_with_before_and_after():
    report = fitted(related(3000, 0.6, 0)).check(related(1000, 0.05, 1))
    (alarm,) = report.alarms
    assert alarm.code == "DA104"
    assert set(alarm.features) == {"a", "b"}
    assert alarm.low < -0.55 < alarm.high
    assert alarm.pvalue < 1e-6
    before, now = alarm.direction.removeprefix("correlation ").split(" → ")
    assert float(before) == pytest.approx(0.6, abs=0.05)
    assert float(now) == pytest.approx(0.05, abs=0.1)
    assert alarm.message == f"a–b: {alarm.direction}"
    assert report.outcome == "drift"


def test_the_column_of_most_pairs_comes_first():
    rng = np.random.default_rng(0)
    train = rng.normal(size=(3000, 5)) + rng.normal(size=(3000, 1))
    batch = rng.normal(size=(1000, 5)) + rng.normal(size=(1000, 1))
    batch[:, 3] = rng.permutation(batch[:, 3])
    alarms = joint_alarms(fitted(train).check(batch))
    assert len(alarms) == 4
    assert {alarm.features[0] for alarm in alarms} == {"x3"}


def test_many_pairs_are_counted_and_ten_are_named():
    rng = np.random.default_rng(0)
    train = rng.normal(size=(3000, 12)) + rng.normal(size=(3000, 1))
    alarms = joint_alarms(fitted(train).check(rng.normal(size=(1000, 12)) * 2**0.5))
    assert len(alarms) == 10
    assert any("56 more pairs changed" in alarm.message for alarm in alarms)


def test_categories_take_part_by_their_levels():
    def table(n, seed, together):
        rng = np.random.default_rng(seed)
        number = rng.normal(size=n)
        lean = number if together else rng.permutation(number)
        return pd.DataFrame({"n": number, "k": np.where(lean > 0, "up", "down")})

    model = fitted(table(3000, 0, together=True))
    (alarm,) = model.check(table(1000, 1, together=False)).alarms
    assert set(alarm.features) == {"n", "k"}
    assert "k='" in alarm.message
    assert model.check(table(1000, 2, together=True)).ok


def test_a_circle_that_became_a_disc_is_seen_in_the_distances():
    rng = np.random.default_rng(0)
    train, batch = (measure_dependence.circle(n, 2, rng) for n in (3000, 1000))
    model = fitted(train)
    assert model.check(batch).ok
    batch[:, 1] = rng.permutation(batch[:, 1])
    (alarm,) = model.check(batch).alarms
    assert alarm.direction.startswith("correlation of the distances from the median")


def test_what_no_pair_shows_is_an_alarm_without_a_name():
    rng = np.random.default_rng(0)

    def tied(n):
        rows = rng.normal(size=(n, 3))
        rows[:, 2] = np.abs(rows[:, 2]) * np.sign(rows[:, 0] * rows[:, 1])
        return rows

    (alarm,) = fitted(tied(4000)).check(rng.normal(size=(2000, 3))).alarms
    assert (alarm.code, alarm.features) == ("DA105", ())


def test_pairs_of_a_column_that_moved_by_itself_are_not_named():
    train, batch = related(3000, 0.6, 0), related(1000, 0.0, 1)
    batch["b"] += 3
    codes = {alarm.code for alarm in fitted(train).check(batch).alarms}
    assert codes
    assert not codes & JOINT


def test_a_monotone_transform_of_a_column_changes_no_finding():
    train, batch = related(3000, 0.5, 0), related(1000, 0.1, 1)
    plain = joint_alarms(fitted(train).check(batch))
    for table in (train, batch):
        table["b"] = np.sinh(3 * table["b"])
    assert joint_alarms(fitted(train).check(batch)) == plain


def test_two_tables_of_which_nothing_is_left_alone_do_not_share_the_level():
    one = np.random.default_rng(0).normal(size=(500, 1))
    assert fitted(one).baseline_.dependence is None


@pytest.mark.parametrize("change", ["constant", "missing", "dropped", "text"])
def test_a_batch_whose_columns_are_damaged_is_looked_at(change):
    train, batch = related(1000, 0.6, 0), related(500, 0.6, 1)
    if change == "constant":
        batch["a"] = 1.0
    elif change == "missing":
        batch["a"] = np.nan
    elif change == "dropped":
        batch = batch[["b"]]
    else:
        batch["a"] = "x" + batch["a"].astype(str)
    report = fitted(train).check(batch)
    assert not report.ok
    assert not joint_alarms(report)


def test_missing_cells_by_chance_are_no_change_of_dependence():
    rng = np.random.default_rng(0)
    train, batch = related(3000, 0.6, 0), related(1000, 0.6, 1)
    for table in (train, batch):
        table[rng.random(table.shape) < 0.3] = np.nan
    assert fitted(train).check(batch).ok


def test_a_sparse_batch_is_compared():
    rng = np.random.default_rng(0)
    train = scipy.sparse.random(2000, 5, density=0.4, format="csr", random_state=1)
    rows = train[:1000].toarray()
    assert fitted(train).check(scipy.sparse.csr_array(rows)).ok
    rows[:, 1] = rows[:, 0][rng.permutation(1000)]
    batch = np.column_stack([rows[:, 0], rows[:, 0] * 0.999, rows[:, 2:]])
    alarms = joint_alarms(fitted(train).check(scipy.sparse.csr_array(batch)))
    assert {"x0", "x1"} in [set(alarm.features) for alarm in alarms]


def test_few_rows_are_not_compared_and_leave_all_of_the_level_to_the_columns():
    rng = np.random.default_rng(0)
    train, batch = rng.normal(size=(2, 500, 2))
    model = fitted(train)
    without = fitted(train)
    object.__setattr__(without.baseline_, "dependence", None)
    few, all_rows = batch[:90], batch
    assert model.check(few).features == without.check(few).features
    assert model.check(all_rows).features != without.check(all_rows).features


def test_a_stored_one_decides_the_same():
    model = fitted(related(3000, 0.6, 0))
    batch = related(1000, 0.4, 1)
    again = pickle.loads(pickle.dumps(model))
    assert again.check(batch).findings == model.check(batch).findings


def test_what_is_stored_is_small_and_refuses_damage():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(1000, 50))
    dependence = fitted(X).baseline_.dependence
    assert len(pickle.dumps(dependence)) < 100_000
    state = dependence.__getstate__()
    with pytest.raises(FormatError, match="upgrade"):
        Dependence.__new__(Dependence).__setstate__(state | {"format": 99})
    with pytest.raises(FormatError, match="damaged"):
        Dependence.__new__(Dependence).__setstate__(state | {"arrays": {}})
    meta = state["meta"].replace('"x0", ', "")
    with pytest.raises(FormatError, match="damaged"):
        Dependence.__new__(Dependence).__setstate__(state | {"meta": meta})


def test_learning_twice_gives_the_same():
    table = read_table(related(500, 0.3, 0))
    profile = learn_profile(
        table, categorical_features=None, n_cells=128, min_category_count=1
    )
    first, second = (learn_dependence(table, profile) for _ in range(2))
    assert pickle.dumps(first) == pickle.dumps(second)


@pytest.mark.slow
@pytest.mark.parametrize("name", measure_dependence.LAWS)
@pytest.mark.parametrize("m", [100, 1000])
def test_batches_like_training_alarm_at_most_at_the_level(name, m):
    draw, trials = measure_dependence.LAWS[name], 100
    shares = measure_dependence.false_alarm_shares(draw, 2000, m, 6, trials, seed=m)
    for alpha, share in shares.items():
        assert share <= binom.ppf(0.999, trials, alpha) / trials


@pytest.mark.slow
@pytest.mark.parametrize("name", TABLES)
def test_columns_that_are_shuffled_on_their_own_are_found(name):
    found = measure_dependence.permuted_power(TABLES[name], 3000, 1000, 40, 0.01)
    assert found == 1.0


@pytest.mark.slow
def test_one_pair_whose_correlation_changed_is_found():
    found = measure_dependence.one_pair_power(0.0, 0.2, 3000, 1000, 10, 60, 0.05)
    assert found >= 0.7
