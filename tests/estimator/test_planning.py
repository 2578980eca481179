"""How many rows a batch needs: against the settings of a model, and simulation."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from sklearn.dummy import DummyRegressor

from skdrift import BatchPlan, DriftAwareEstimator, plan_batch_size
from skdrift.exceptions import EstimatorError, NotFittedError, ParameterError
from skdrift.stats import rows_needed


def fitted(X, **settings):
    wrapped = DriftAwareEstimator(DummyRegressor(), cv=None, blocks=None, **settings)
    return wrapped.fit(X, np.zeros(len(X)))


@pytest.fixture(scope="module")
def model():
    rng = np.random.default_rng(0)
    n = 5_000
    rows = {
        "full": rng.normal(size=n),
        "half": np.where(rng.random(n) < 0.5, np.nan, rng.normal(size=n)),
        "level": rng.choice(["a", "b", "c"], n),
        "empty": np.full(n, np.nan),
    }
    return fitted(pd.DataFrame(rows))


def test_a_column_without_gaps_needs_what_the_statistics_say(model):
    plan = plan_batch_size(model, 0.1)
    expected = rows_needed(0.1, 5_000, alpha=0.008, n_hypotheses=3, tolerance=0.01)
    assert plan.by_feature["full"] == expected


def test_a_column_that_is_half_missing_needs_twice_the_rows_and_more(model):
    plan = plan_batch_size(model, 0.1)
    assert plan.by_feature["half"] > 2 * plan.by_feature["full"]
    assert math.isnan(plan.by_feature["empty"])


def test_the_plan_is_that_of_the_column_that_needs_most(model):
    plan = plan_batch_size(model, 0.1)
    assert plan.n_rows == max(n for n in plan.by_feature.values() if not math.isnan(n))
    alone = plan_batch_size(model, 0.1, features=["full"])
    assert alone.n_rows == plan.by_feature["full"]
    assert plan_batch_size(model, 0.1, features="full") == alone
    assert math.isnan(plan_batch_size(model, 0.1, features=["empty"]).n_rows)


@pytest.mark.parametrize("sd", [0.2, 0.5, 1.0])
def test_standard_deviations_and_distances_are_one_shift(model, sd):
    distance = 2 * stats.norm.cdf(sd / 2) - 1
    first = plan_batch_size(model, sd, unit="sd")
    second = plan_batch_size(model, distance)
    assert first.effect == pytest.approx(distance)
    assert second.sd == pytest.approx(sd)
    assert first.n_rows == pytest.approx(second.n_rows, abs=1)


def test_smaller_shifts_and_more_power_take_more_rows(model):
    sizes = [plan_batch_size(model, effect).n_rows for effect in (0.3, 0.2, 0.1)]
    assert sizes == sorted(sizes)
    strong = plan_batch_size(model, 0.1, power=0.95).n_rows
    assert strong > sizes[-1]


def test_no_plan_is_below_the_rows_that_are_compared(model):
    assert plan_batch_size(model, 0.99, features=["full"]).n_rows == 30


def test_where_training_is_too_small_no_number_does_and_a_note_says_so():
    X = np.random.default_rng(0).normal(size=(300, 5))
    plan = plan_batch_size(fitted(X), 0.05)
    assert plan.n_rows == math.inf
    assert "train with more than 300 rows" in plan.notes[0]


def test_rows_in_blocks_are_noted():
    X = np.repeat(np.random.default_rng(0).normal(size=(60, 2)), 20, axis=0)
    wrapped = DriftAwareEstimator(DummyRegressor(), cv=None, blocks="auto")
    wrapped.fit(X, np.zeros(len(X)), groups=np.repeat(np.arange(60), 20))
    if wrapped.baseline_.blocks is None:
        pytest.fail("groups gave no blocks")
    assert "blocks" in plan_batch_size(wrapped, 0.3).notes[0]


def days(rng: np.random.Generator, n: int, between: float) -> np.ndarray:
    shared, own = rng.normal(size=(n, 1, 3)), rng.normal(size=(n, 24, 3))
    return (between**0.5 * shared + (1 - between) ** 0.5 * own).reshape(-1, 3)


@pytest.mark.parametrize(("between", "shift"), [(0.1, 0.6), (0.5, 1.2)])
def test_a_plan_in_blocks_finds_the_shift_and_half_of_it_may_not(between, shift):
    rng = np.random.default_rng(0)
    X = days(rng, 200, between)
    wrapped = DriftAwareEstimator(DummyRegressor(), cv=None, alpha=0.05)
    wrapped.fit(X, np.zeros(len(X)), groups=np.repeat(np.arange(200), 24))
    plan = plan_batch_size(wrapped, shift, unit="sd", features=["x1"])
    assert plan.n_rows > 3 * plan_batch_size(fitted(X), shift, unit="sd").n_rows
    n_blocks = round(plan.n_rows / 24)
    groups = np.repeat(np.arange(n_blocks), 24)
    found = []
    for _ in range(40):
        batch = days(rng, n_blocks, between)
        batch[:, 1] += shift
        report = wrapped.check(batch, groups=groups)
        found.append(report.features[1].outcome == "drift")
        seen = report.detectable["x1"]
    assert np.mean(found) >= 0.7
    assert 0.3 * plan.effect < seen <= 1.05 * plan.effect


def test_no_plan_for_more_than_a_quarter_of_the_blocks():
    X = days(np.random.default_rng(0), 100, 0.5)
    wrapped = DriftAwareEstimator(DummyRegressor(), cv=None)
    wrapped.fit(X, np.zeros(len(X)), groups=np.repeat(np.arange(100), 24))
    plan = plan_batch_size(wrapped, 0.2, unit="sd")
    assert plan.n_rows == np.inf
    assert plan.notes[0] == "rows come in blocks, and the plan counts these"


def test_a_plan_is_a_frozen_record_of_documented_fields(model):
    plan = plan_batch_size(model, 0.2)
    with pytest.raises(dataclasses.FrozenInstanceError):
        plan.n_rows = 1
    for field in dataclasses.fields(BatchPlan):
        assert field.name in (BatchPlan.__doc__ or "")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"effect": 1.5}, "pass unit='sd'"),
        ({"effect": 0.0}, r"distance in \(0, 1\)"),
        ({"effect": math.nan}, r"distance in \(0, 1\)"),
        ({"effect": -1.0, "unit": "sd"}, "effect must be above 0"),
        ({"effect": 0.1, "unit": "rows"}, "unit must be"),
        ({"effect": 0.1, "power": 1.0}, "power must be in"),
        ({"effect": 0.1, "features": ["x"]}, "features must be names"),
        ({"effect": 0.1, "features": []}, "features must be names"),
    ],
)
def test_arguments_out_of_their_range_are_refused(model, arguments, message):
    with pytest.raises(ParameterError, match=message):
        plan_batch_size(model, **arguments)


def test_what_is_no_fitted_model_is_refused():
    with pytest.raises(EstimatorError, match="must be a DriftAwareEstimator"):
        plan_batch_size(object(), 0.1)
    with pytest.raises(NotFittedError, match="call fit"):
        plan_batch_size(DriftAwareEstimator(DummyRegressor()), 0.1)


@pytest.mark.slow
@pytest.mark.parametrize(("sd", "n_columns"), [(0.3, 4), (0.5, 20)])
def test_a_batch_of_the_planned_size_finds_the_shift_as_often_as_asked(sd, n_columns):
    rng = np.random.default_rng(7)
    found = []
    for _ in range(10):  # training differs, too
        model = fitted(rng.normal(size=(4_000, n_columns)))
        n_rows = int(plan_batch_size(model, sd, unit="sd").n_rows)
        for _ in range(40):
            batch = rng.normal(size=(n_rows, n_columns))
            batch[:, 1] += sd
            outcomes = [row.outcome for row in model.check(batch).features]
            found.append(outcomes[1] == "drift")
    assert 0.75 <= np.mean(found) <= 0.9
