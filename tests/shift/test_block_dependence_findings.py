"""Laws of DA104 and DA105 where rows come in blocks."""

from __future__ import annotations

import pickle
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import skops.io
from measure_dependence import (
    JOINT,
    autoregressive,
    block_shares,
    pair_in_blocks,
    random_effects,
)
from scipy.stats import binom
from sklearn.dummy import DummyRegressor

from skdrift import DriftAwareEstimator, dump, load
from skdrift.exceptions import FormatError
from skdrift.profile._scores import Slot
from skdrift.shift import BatchBlocks, dependence_share
from skdrift.shift._block_dependence import (
    compared_pairs,
    part_sizes,
    rows_of_blocks,
)
from skdrift.shift._dependence import Dependence
from skdrift.stats import Correlations


def fitted(X, groups=None, **options):
    settings = {"cv": None, "blocks": "auto", "alpha": 0.05} | options
    model = DriftAwareEstimator(DummyRegressor(), **settings)
    model.fit(X, np.zeros(len(X)), groups=groups)
    assert model.baseline_.blocks is not None
    return model


def joint_alarms(report):
    return [alarm for alarm in report.alarms if alarm.code in JOINT]


def trial(seed, now=0.0, n_batch=4):
    return pair_in_blocks(n_batch, 0.6, now, np.random.default_rng(seed))


@pytest.fixture(scope="module")
def model():
    rows = trial(0)
    return fitted(rows.reference, rows.groups)


def test_the_pair_is_named_and_blocks_are_counted(model):
    report = model.check(trial(0).batch)
    (alarm,) = report.alarms
    assert alarm.code == "DA104"
    assert set(alarm.features) == {"x0", "x1"}
    before, now = alarm.direction.removeprefix("correlation ").split(" → ")
    assert alarm.message.startswith(f"x0–x1: {alarm.direction}; counted by blocks")
    assert "15 parts of training that are like the batch" in alarm.message
    assert alarm.low <= float(now) - float(before) <= alarm.high < 0
    assert not any("dependence" in note for note in report.notes)
    rows = model.check(trial(0, now=0.6).batch)
    assert not joint_alarms(rows)


def test_the_interval_is_that_of_blocks(model):
    (alarm,) = model.check(trial(0).batch).alarms
    of_normal_rows = 2 * 1.96 / np.sqrt(4 * 120)
    assert alarm.high - alarm.low > 1.1 * of_normal_rows


def test_margins_that_move_are_no_change_of_dependence():
    rng = np.random.default_rng(0)
    rows = trial(0, now=0.6)
    season = 2 * rng.normal(size=(60, 6))
    alike = fitted(rows.reference + season[rows.groups], rows.groups)
    moved = rows.batch + 2 * rng.normal(size=(4, 6)).repeat(120, axis=0)
    assert not joint_alarms(alike.check(moved))


def test_missing_and_constant_cells_of_blocks_do_not_matter():
    rows = trial(1, now=0.6)
    X = rows.reference.copy()
    X[rows.groups == 3, 0] = np.nan
    X[rows.groups == 4, 1] = 7.0
    X[rows.groups == 5] = np.nan
    X[::7, 2] = np.nan
    model = fitted(X, rows.groups)
    assert not joint_alarms(model.check(rows.batch))
    (alarm,) = joint_alarms(model.check(trial(1, now=0.0).batch))
    assert set(alarm.features) == {"x0", "x1"}
    half = trial(1, now=0.0).batch
    half[:, :3] = np.nan
    assert not joint_alarms(model.check(half))
    half = rows.batch.copy()
    half[np.random.default_rng(0).random(len(half)) < 0.5, 0] = np.nan
    assert not joint_alarms(model.check(half))


def test_names_that_are_no_strings_and_categories():
    rng = np.random.default_rng(0)

    def table(n, together):
        number = rng.normal(size=(n, 100)) + rng.normal(size=(n, 1))
        lean = number if together else rng.permuted(number, axis=1)
        town = np.where(lean > 0, "up", "down").ravel()
        return pd.DataFrame({7: number.ravel(), 8: town, 9: rng.normal(size=n * 100)})

    model = fitted(table(80, True), np.repeat(np.arange(80), 100))
    assert not joint_alarms(model.check(table(3, True)))
    (alarm,) = joint_alarms(model.check(table(3, False)))
    assert set(alarm.features) == {"x0", "x1"}


def test_pieces_of_the_row_order_are_counted():
    rows = autoregressive(6_000, 1_000, np.random.default_rng(3))
    for part in (rows.reference, rows.batch):
        part[:, 1] += 2 * part[:, 0]
    model = fitted(rows.reference)
    assert model.baseline_.dependence.blocks.contiguous
    assert not joint_alarms(model.check(rows.batch))
    rows.batch[:, 1] = rows.batch[::-1, 1].copy()
    (alarm,) = joint_alarms(model.check(rows.batch))
    assert set(alarm.features) == {"x0", "x1"}


def test_a_stored_one_decides_the_same(model, tmp_path):
    batch = trial(0).batch
    report = model.check(batch)
    dump(model, tmp_path / "model.skops")
    assert load(tmp_path / "model.skops").check(batch) == report
    assert pickle.loads(pickle.dumps(model)).check(batch) == report


def test_no_type_is_added_to_an_artifact(model):
    without = fitted(trial(0).reference, trial(0).groups)
    object.__setattr__(without.baseline_.dependence, "blocks", None)
    types = [
        set(skops.io.get_untrusted_types(data=skops.io.dumps(each)))
        for each in (model, without)
    ]
    assert types[0] == types[1]


def test_what_is_stored_refuses_damage_and_older_forms_are_read(model):
    dependence = model.baseline_.dependence
    state = dependence.__getstate__()
    assert state["format"] == 2
    for name in ("blocks15_null", "blocks1_shift0", "blocks_scale1"):
        arrays = {k: v for k, v in state["arrays"].items() if k != name}
        with pytest.raises(FormatError, match="damaged"):
            Dependence.__new__(Dependence).__setstate__(state | {"arrays": arrays})
    old = replace(dependence, blocks=None).__getstate__()
    assert old["format"] == 1
    again = Dependence.__new__(Dependence)
    again.__setstate__(old)
    assert again.blocks is None


def test_columns_keep_what_they_need_to_alarm_by_rank(model):
    dependence, values = model.baseline_.dependence, model.baseline_.blocks

    def share(alpha, n_rows=120):
        blocks = BatchBlocks(values=values, n_rows=n_rows)
        return dependence_share(dependence, n_rows, alpha=alpha, blocks=blocks)

    assert share(0.05) == 0.2
    assert share(0.01) == 0.2  # 60 blocks promise nothing
    assert share(1 / 61) == pytest.approx(0.02)
    assert share(1 / 55) == pytest.approx(1 - 55 / 61)
    assert share(0.05, n_rows=50) == 0.2
    assert share(0.05, n_rows=49) == 0.0


def test_sizes_of_parts():
    assert part_sizes(300, 100) == [1, 4, 16, 75]
    assert part_sizes(36, 168) == [1, 4, 9]
    assert part_sizes(300, 20) == [4, 16, 75]
    assert part_sizes(5, 2) == [1]


def test_rows_are_taken_evenly_from_each_block():
    labels = np.repeat(np.arange(300), 400)
    labels[:200] = -1
    rows, own, block_rows = rows_of_blocks(labels, 10)
    assert (np.bincount(own) == 100).all()
    assert block_rows == 100
    assert (labels[rows] == own).all()
    assert (rows[own == 7] // 4 == np.arange(700, 800)).all()
    few, own, block_rows = rows_of_blocks(labels, 500)
    assert (np.bincount(own) == 20).all()
    assert block_rows == 20
    assert len(few) == 6_000


def test_four_hundred_columns():
    rng = np.random.default_rng(0)
    groups = np.repeat(np.arange(30), 60)

    def rows(n):
        return (rng.normal(size=(n, 1, 400)) + rng.normal(size=(n, 60, 400))).reshape(
            -1, 400
        )

    model = fitted(rows(30), groups)
    batch = rows(2)
    assert not joint_alarms(model.check(batch))


def test_groups_of_many_sizes_are_compared_only_if_they_are_told():
    rng = np.random.default_rng(0)
    sizes = rng.integers(20, 200, size=60)
    groups = np.repeat(np.arange(60), sizes)
    X = rng.normal(size=(60, 3))[groups] + rng.normal(size=(len(groups), 3))
    X[:, 1] += 2 * (X[:, 0] - X[:, 1])
    model = fitted(X, groups)
    told = np.repeat(np.arange(4), [100, 150, 50, 120])
    batch = rng.normal(size=(4, 3))[told] + rng.normal(size=(420, 3))
    report = model.check(batch)
    assert "pass groups to check" in " ".join(report.notes)
    assert not joint_alarms(report)
    report = model.check(batch, groups=told)
    assert not any("dependence" in note for note in report.notes)
    order = rng.permutation(420)
    again = model.check(batch[order], groups=told[order])
    for each in (report, again):
        (alarm,) = joint_alarms(each)
        assert set(alarm.features) == {"x0", "x1"}


def test_rows_that_lost_their_order_are_no_change_if_columns_are_independent():
    rows = random_effects(60, 120, 4, np.random.default_rng(5))
    model = fitted(rows.reference, rows.groups)
    rng = np.random.default_rng(0)
    assert not joint_alarms(model.check(rng.permuted(rows.batch, axis=0)))


@pytest.mark.slow
def test_the_level_is_kept_where_blocks_differ():
    n_trials = 60
    most = binom.ppf(0.999, n_trials, 0.05) / n_trials
    for size, n_batch, mode in ((120, 1, "groups"), (24, 5, "groups told")):
        any_alarm, joint, _ = block_shares(
            lambda rng, size=size, n=n_batch: random_effects(60, size, n, rng),
            mode,
            n_trials,
        )
        assert any_alarm <= most
        assert joint <= binom.ppf(0.999, n_trials, 0.01) / n_trials


@pytest.mark.slow
@pytest.mark.parametrize("n_batch", [1, 4])
def test_a_changed_pair_is_found(n_batch):
    found = block_shares(
        lambda rng: pair_in_blocks(n_batch, 0.6, 0.0, rng), "groups", 40
    )
    assert found[1] >= 0.8


def test_of_very_many_pairs_half_are_strong_ones_spread_evenly():
    slots = [Slot(k, f"x{k}", np.zeros(2), None, (3.0, 3.0)) for k in range(200)]
    n_pairs = 200 * 199 // 2
    strong = np.arange(n_pairs) % 4 == 0
    value = np.where(strong, 0.7, 0.1)
    found = Correlations(n=np.full(n_pairs, 500.0), value=value, variance=value)
    places = compared_pairs(slots, found)
    assert len(places) == 6_000
    assert strong[places].sum() == 3_000
    for kind in (strong, ~strong):
        chosen = np.flatnonzero(np.isin(np.flatnonzero(kind), places))
        steps = np.diff(chosen)
        assert (chosen[0], chosen[-1]) == (0, kind.sum() - 1)
        assert steps.max() - steps.min() == 1
