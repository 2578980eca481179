"""A record of a risk: what it makes of rows, however they come."""

from __future__ import annotations

import copy
import dataclasses
import math
import pickle
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.preprocessing import StandardScaler

from skdrift import DriftAwareEstimator, SequentialRisk
from skdrift.exceptions import (
    EstimatorError,
    InputError,
    InputTypeError,
    NotFittedError,
    ParameterError,
)

RNG = np.random.default_rng(0)
TRAINING = (RNG.random(3_000) < 0.2).astype(float)
LATER = (RNG.random(4_000) < np.where(np.arange(4_000) < 2_000, 0.2, 0.4)).astype(float)
PROMISES = ({}, {"run_length": 10_000})
WATCHING = SequentialRisk.from_losses(TRAINING, run_length=10_000)


def correlated(n: int, lag_1: float, seed: int) -> np.ndarray:
    drawn = np.random.default_rng(seed).random(n)
    errors = np.zeros(n)
    for row in range(1, n):
        errors[row] = drawn[row] < 0.2 + lag_1 * (errors[row - 1] - 0.2)
    return errors


def alike(a: SequentialRisk, b: SequentialRisk) -> None:
    """The same but for the last digits."""
    first, second = a.to_dict(), b.to_dict()
    for key, value in first.items():
        if key in ("log_wealth", "rises"):
            np.testing.assert_allclose(value, second[key], rtol=1e-9, atol=1e-9)
        elif key in ("mean_loss", "open_loss"):
            assert value == pytest.approx(second[key], rel=1e-12, nan_ok=True)
        else:
            assert value == second[key], key


# --- rows, however they come --------------------------------------------------


@pytest.mark.parametrize("promise", PROMISES)
@pytest.mark.parametrize("block_rows", [1, 7])
def test_rows_in_parts_give_what_they_give_at_once(promise, block_rows):
    losses = LATER[1_500:2_600].copy()
    losses[RNG.random(len(losses)) < 0.2] = np.nan
    times = np.datetime64("2026-01-01", "h") + np.arange(len(losses))
    record = SequentialRisk.from_losses(TRAINING, block_rows=block_rows, **promise)
    whole = record.update(losses, times=times)
    parts = record
    for rows in np.split(np.arange(len(losses)), [0, 1, 2, 9, 10, 400, 401, 900]):
        parts = parts.update(losses[rows], times=times[rows])
    singly = record
    for loss, time in zip(losses, times, strict=True):
        singly = singly.update(loss, times=time)
    assert whole.alarm
    alike(whole, parts)
    alike(whole, singly)


def test_an_update_leaves_the_record_as_it_was():
    before = WATCHING.to_json()
    later = WATCHING.update(LATER)
    assert WATCHING.to_json() == before
    assert later.n_rows == 4_000
    assert WATCHING.update([]) == WATCHING
    with pytest.raises(AttributeError):
        WATCHING.n_rows = 3


def test_one_record_serves_many_threads():
    batches = [LATER[start : start + 500] for start in range(0, 4_000, 50)]
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(WATCHING.update, batches))
    assert found == [WATCHING.update(batch) for batch in batches]


def test_rows_without_a_label_are_counted_and_decide_nothing():
    mixed = np.full(2 * len(LATER), np.nan)
    mixed[::2] = LATER
    plain, found = WATCHING.update(LATER), WATCHING.update(mixed)
    assert (found.n_rows, found.n_labelled) == (8_000, 4_000)
    assert found.evidence.log_wealth == plain.evidence.log_wealth
    assert found.alarm_row == 2 * plain.alarm_row - 1
    nothing = WATCHING.update(np.full(10, np.nan))
    assert math.isnan(nothing.mean_loss)
    assert not nothing.alarm


@pytest.mark.parametrize(
    "container",
    [
        list,
        tuple,
        np.asarray,
        lambda x: x.astype(object),
        lambda x: x[:, None],
        pd.Series,
        lambda x: pd.Series(x, dtype="Float64"),
        pl.Series,
        pa.array,
        lambda x: pa.chunked_array([x[:50], x[50:]]),
        lambda x: x.astype(np.float32),
    ],
)
def test_losses_come_in_any_container(container):
    losses = LATER[:200].copy()
    losses[3] = np.nan
    assert WATCHING.update(container(losses)) == WATCHING.update(losses)


def test_booleans_and_integers_are_losses():
    wrong = LATER[:300] > 0
    assert WATCHING.update(wrong) == WATCHING.update(wrong.astype(int))
    assert WATCHING.update(True) == WATCHING.update(1) == WATCHING.update([1.0])


# --- the alarm ----------------------------------------------------------------


@pytest.mark.parametrize("promise", PROMISES)
def test_a_rise_is_found_and_dated_and_the_alarm_stays(promise):
    record = SequentialRisk.from_losses(TRAINING, **promise)
    assert not record.update(LATER[:2_000]).alarm
    found = record.update(LATER)
    assert 2_000 < found.alarm_row < 2_300
    assert abs(found.since_row - 2_000) < 100
    good = found.update(np.zeros(50_000))
    assert good.alarm
    assert good.log_evidence < good.log_limit
    assert (good.alarm_row, good.since_row) == (found.alarm_row, found.since_row)
    fresh = good.reset()
    assert fresh == record
    assert not fresh.alarm


def test_the_times_of_the_alarm_are_those_of_its_rows():
    times = pd.date_range("2026-01-01", periods=4_000, freq="h")
    found = WATCHING.update(LATER, times=times)
    assert found.alarm_time == times[found.alarm_row - 1]
    assert found.since_time == times[found.since_row - 1]
    assert str(times[found.since_row - 1].date()) in str(found)
    number = WATCHING.update(LATER, times=np.arange(4_000) + 10.0)
    assert number.since_time == found.since_row + 9.0
    assert WATCHING.update(LATER).since_time is None
    with pytest.raises(ParameterError, match="one kind"):
        number.update([0.0], times=times[:1])
    with pytest.raises(ParameterError, match="one entry for each"):
        WATCHING.update(LATER, times=times[:5])


def test_the_text_says_what_is_known():
    assert "no alarm" in str(WATCHING.update(LATER[:1_000]))
    text = str(WATCHING.update(LATER))
    assert "ALARM at row 2," in text
    assert "rose after row" in text
    assert "mean loss nan over 0 rows" in str(WATCHING)


def test_a_larger_loss_is_more_evidence():
    base = WATCHING.update(LATER[:500]).log_evidence
    more = LATER[:500].copy()
    more[100] += 0.5
    assert WATCHING.update(more).log_evidence > base


def test_an_infinite_loss_alarms_and_does_no_harm():
    record = SequentialRisk.from_losses(RNG.exponential(size=500), loss="squared_error")
    found = record.update([1.0, math.inf, 1e300, 0.0])
    assert found.alarm_row == 2
    assert SequentialRisk.from_json(found.to_json()) == found
    assert record.update_labels([1e300], [-1e300]).alarm


@pytest.mark.parametrize("scale", [1e-9, 1.0, 1e9])
def test_the_unit_of_losses_without_a_range_changes_nothing(scale):
    training = np.random.default_rng(3).exponential(size=800)
    later = np.random.default_rng(4).exponential(1.3, size=3_000)
    plain = SequentialRisk.from_losses(training).update(later)
    other = SequentialRisk.from_losses(training * scale).update(later * scale)
    assert plain.alarm_row == other.alarm_row > 0
    assert plain.since_row == other.since_row
    assert other.risk_bound == pytest.approx(plain.risk_bound * scale)


# --- blocks -------------------------------------------------------------------


def test_losses_that_depend_on_their_neighbours_are_averaged():
    assert SequentialRisk.from_losses(TRAINING).block_rows == 1
    record = SequentialRisk.from_losses(correlated(5_000, 0.6, 0))
    assert 12 <= record.block_rows <= 40
    few = SequentialRisk.from_losses(correlated(300, 0.6, 0))
    assert few.block_rows <= 30
    independent = SequentialRisk.from_losses(correlated(5_000, 0.6, 0), block_rows=1)
    assert record.risk_bound > independent.risk_bound


def test_blocks_grow_until_a_slow_swing_is_inside_them():
    """A daily swing ends the positive autocorrelations; weeks differ all the same."""
    rng = np.random.default_rng(6)
    day = 1.0 + np.sin(2 * np.pi * np.arange(8_400) / 24)
    week = np.repeat(np.exp(0.5 * rng.normal(size=50)), 168)
    losses = day * week * rng.exponential(size=8_400)
    assert SequentialRisk.from_losses(losses).block_rows > 100
    assert SequentialRisk.from_losses(day * rng.exponential(size=8_400)).block_rows < 60


def test_a_block_counts_when_it_is_full():
    record = SequentialRisk.from_risk(0.2, block_rows=4, loss_range=1.0)
    found = record.update([1.0, np.nan, 0.0, 1.0])
    assert (found.open_rows, found.evidence.n_losses) == (3, 0)
    assert found.open_loss == pytest.approx(2 / 3)
    full = found.update([0.0, 1.0])
    assert (full.open_rows, full.evidence.n_losses) == (1, 1)
    one = SequentialRisk.from_risk(0.2, block_rows=4, loss_range=1.0).update([0.5] * 4)
    assert full.evidence.log_wealth == one.evidence.log_wealth


# --- where the bound comes from -----------------------------------------------


def test_the_bound_is_higher_for_fewer_rows_and_for_a_smaller_alpha():
    def bound(n, alpha, **others):
        return SequentialRisk.from_losses(
            TRAINING[:n], alpha=alpha, **others
        ).risk_bound

    mean = TRAINING.mean()
    assert mean < bound(3_000, 0.05) < bound(3_000, 0.01)
    assert bound(300, 0.05) - TRAINING[:300].mean() > bound(3_000, 0.05) - mean
    assert bound(3_000, 0.05, n_folds=2) > bound(3_000, 0.05)
    assert bound(3_000, 0.05, run_length=100) < bound(3_000, 0.05)
    assert bound(3_000, 0.05, tolerance=0.1) == pytest.approx(bound(3_000, 0.05) + 0.1)


def test_no_error_in_training_is_no_certainty():
    record = SequentialRisk.from_losses(np.zeros(500), alpha=0.02)
    assert record.risk_bound == pytest.approx(1 - 0.01 ** (1 / 500))
    blocks = SequentialRisk.from_losses(np.zeros(500), alpha=0.02, block_rows=5)
    assert blocks.risk_bound > record.risk_bound
    assert record.expected_loss == 0.0
    assert not record.update([1.0]).alarm
    assert record.update(np.ones(6)).alarm


def test_equal_losses_are_a_bound_of_their_own():
    record = SequentialRisk.from_losses(np.full(50, 0.25), loss_range=1.0)
    assert record.risk_bound >= 0.25
    assert not record.update(np.full(1_000, 0.25)).alarm
    assert record.update(np.full(1_000, 0.9)).alarm


CLASSES = RNG.normal(size=(1_500, 3))
LABELS = np.where(CLASSES[:, 0] + 0.5 * RNG.normal(size=1_500) > 0, "yes", "no")


@pytest.fixture(scope="module")
def classifier():
    return DriftAwareEstimator(LogisticRegression()).fit(CLASSES, LABELS)


def test_a_classifier_promises_its_share_of_errors(classifier):
    record = SequentialRisk.from_estimator(classifier)
    score = classifier.baseline_.scores[0]
    assert record.loss == "zero_one"
    assert record.expected_loss == pytest.approx(1 - score.value)
    errors = np.r_[np.ones(round(1_500 * record.expected_loss)), np.zeros(1_500)]
    own = SequentialRisk.from_losses(errors[:1_500], n_folds=5, block_rows=1)
    assert record.risk_bound == pytest.approx(own.risk_bound, rel=1e-3)
    answers = classifier.predict(CLASSES)
    assert not record.update_labels(LABELS, answers).alarm
    swapped = np.where(LABELS == "yes", "no", "yes")
    assert record.update_labels(swapped, answers).alarm


def test_a_regressor_promises_its_mean_error():
    y = CLASSES[:, 0] + RNG.normal(size=1_500)
    scoring = ["r2", "neg_mean_squared_error", "neg_mean_absolute_error"]
    model = DriftAwareEstimator(Ridge(), scoring=scoring).fit(CLASSES, y)
    first = SequentialRisk.from_estimator(model)
    named = SequentialRisk.from_estimator(model, scorer="neg_mean_absolute_error")
    assert (first.loss, named.loss) == ("squared_error", "absolute_error")
    errors = np.abs(y - model.predict(CLASSES))
    own = SequentialRisk.from_losses(errors, n_folds=5, block_rows=1)
    assert named.risk_bound == pytest.approx(own.risk_bound, rel=0.02)
    assert not named.update_labels(y, model.predict(CLASSES)).alarm
    assert named.update_labels(3 * y, model.predict(CLASSES)).alarm
    with pytest.raises(EstimatorError, match="'r2' is the mean of a loss"):
        SequentialRisk.from_estimator(model, scorer="r2")


def test_scores_of_probabilities_promise_losses_that_are_given():
    model = DriftAwareEstimator(LogisticRegression(), scoring="neg_log_loss")
    record = SequentialRisk.from_estimator(model.fit(CLASSES, LABELS))
    assert record.loss == ""
    assert 0.2 < record.expected_loss < record.risk_bound < 0.6
    with pytest.raises(ParameterError, match="loss is named"):
        record.update_labels(LABELS, LABELS)


@pytest.mark.parametrize("grouped", [True, False])
def test_where_rows_come_in_blocks_so_do_the_losses(grouped):
    rng = np.random.default_rng(2)
    spread = np.repeat(np.exp(rng.normal(size=100)), 20)
    rows = np.column_stack([rng.normal(size=(2_000, 2)), spread])
    y = rows[:, 0] + spread * rng.normal(size=2_000)
    groups = {"groups": np.repeat(np.arange(100), 20)} if grouped else {}
    settings = {"scoring": "neg_mean_absolute_error", "n_jobs": None}
    model = DriftAwareEstimator(Ridge(), blocks="auto", **settings)
    found = SequentialRisk.from_estimator(model.fit(rows, y, **groups))
    model = DriftAwareEstimator(Ridge(), blocks=None, **settings)
    plain = SequentialRisk.from_estimator(model.fit(rows, y))
    assert found.block_rows == 20
    assert plain.block_rows == 1
    assert found.risk_bound > plain.risk_bound


def test_pieces_of_the_order_that_are_alike_count_several_as_one():
    rng = np.random.default_rng(3)
    noise = rng.normal(size=100)
    for day in range(1, 100):
        noise[day] = 0.6 * noise[day - 1] + 0.8 * noise[day]
    spread = np.repeat(np.exp(0.4 * noise), 24)
    rows = np.column_stack([rng.normal(size=(2_400, 2)), spread])
    y = rows[:, 0] + spread * rng.normal(size=2_400)
    scoring = "neg_mean_absolute_error"
    model = DriftAwareEstimator(Ridge(), blocks="auto", scoring=scoring).fit(rows, y)
    piece = round(model.baseline_.blocks.block_rows)
    found = SequentialRisk.from_estimator(model)
    assert found.block_rows > 2 * piece
    assert found.block_rows % piece == 0


def test_what_is_no_model_with_a_loss_is_refused(classifier):
    with pytest.raises(EstimatorError, match="must be a DriftAwareEstimator"):
        SequentialRisk.from_estimator(LogisticRegression())
    with pytest.raises(NotFittedError):
        SequentialRisk.from_estimator(DriftAwareEstimator(LogisticRegression()))
    with pytest.raises(ParameterError, match="one of the scorers"):
        SequentialRisk.from_estimator(classifier, scorer="f1")
    scaler = DriftAwareEstimator(StandardScaler()).fit(CLASSES)
    with pytest.raises(EstimatorError, match="none of the scorers"):
        SequentialRisk.from_estimator(scaler)
    area = DriftAwareEstimator(LogisticRegression(), scoring="roc_auc")
    with pytest.raises(EstimatorError, match="mean of a loss"):
        SequentialRisk.from_estimator(area.fit(CLASSES, LABELS))
    nothing = DriftAwareEstimator(LogisticRegression(), cv=None)
    with pytest.raises(EstimatorError):
        SequentialRisk.from_estimator(nothing.fit(CLASSES, LABELS))


# --- labels -------------------------------------------------------------------

ANSWERS = ["a", "b", "a", "a"]


@pytest.mark.parametrize(
    ("y", "y_pred", "losses"),
    [
        (["a", None, "b", "a"], ANSWERS, [0, None, 1, 0]),
        (pd.Series(["a", pd.NA, "b", "a"], dtype="string"), ANSWERS, [0, None, 1, 0]),
        (pd.Categorical(["a", None, "b", "a"]), ANSWERS, [0, None, 1, 0]),
        (pl.Series(["a", None, "b", "a"]), np.array(ANSWERS), [0, None, 1, 0]),
        ([1, 0, None], np.array([1, 1, 1]), [0, 1, None]),
        (np.array([1.0, np.nan, 0.0]), np.array([1, 0, 0]), [0, None, 0]),
        ([True, None, False], np.array([True, True, True]), [0, None, 1]),
        (pd.array([1, None, 0], dtype="Int64"), [1, 1, 1], [0, None, 1]),
        ([1, "1"], [1, 1], [0, 1]),
        ([None, None], ["a", "b"], [None, None]),
        (np.array([[1], [0]]), [1, 1], [0, 1]),
        ([0, 1], [0.5, None], [1, None]),
    ],
)
def test_labels_and_answers_are_compared_whatever_holds_them(y, y_pred, losses):
    record = SequentialRisk.from_risk(0.2, loss="zero_one")
    assert record.update_labels(y, y_pred) == record.update(losses)


def test_errors_are_those_of_labels_and_answers():
    absolute = SequentialRisk.from_risk(1.0, loss="absolute_error")
    squared = SequentialRisk.from_risk(1.0, loss="squared_error")
    y, y_pred = [1, 2, None, 4.0], np.array([1.5, 0.0, 1.0, np.nan])
    assert absolute.update_labels(y, y_pred) == absolute.update([0.5, 2, None, None])
    assert squared.update_labels(y, y_pred) == squared.update([0.25, 4, None, None])


# --- nonsense -----------------------------------------------------------------


@pytest.mark.parametrize(
    ("y", "y_pred", "error", "message"),
    [
        ([1, 2], [1], InputError, "same number of rows"),
        (["a"], [1], InputError, "one kind"),
        (np.zeros((2, 2)), [1, 2], InputTypeError, r"shape \(2, 2\)"),
        ("yes", "yes", InputTypeError, "one column"),
        (None, [1], InputTypeError, "one column"),
    ],
)
def test_labels_that_do_not_belong_together_are_refused(y, y_pred, error, message):
    record = SequentialRisk.from_risk(0.2, loss="zero_one")
    with pytest.raises(error, match=message):
        record.update_labels(y, y_pred)


@pytest.mark.parametrize(
    ("losses", "error", "message"),
    [
        ([0.1, -0.2], InputError, "at least 0"),
        (-0.5, InputError, "at least 0"),
        (["a"], InputTypeError, "numbers"),
        (np.zeros((2, 2)), InputTypeError, "one column"),
        (None, InputTypeError, "one column"),
        (np.array([1j]), InputTypeError, "complex"),
        ([pd.Timestamp("2026-01-01")], InputTypeError, "numbers"),
    ],
)
def test_what_is_no_loss_is_refused(losses, error, message):
    with pytest.raises(error, match=message):
        WATCHING.update(losses)


@pytest.mark.parametrize(
    ("arguments", "name"),
    [
        ({"alpha": 0}, "alpha"),
        ({"alpha": 1.0}, "alpha"),
        ({"alpha": "a"}, "alpha"),
        ({"run_length": 1}, "run_length"),
        ({"run_length": math.inf}, "run_length"),
        ({"run_length": True}, "run_length"),
        ({"tolerance": -0.1}, "tolerance"),
        ({"tolerance": math.nan}, "tolerance"),
        ({"n_folds": 1}, "n_folds"),
        ({"block_rows": 0}, "block_rows"),
        ({"block_rows": 2.5}, "block_rows"),
        ({"loss_range": 0}, "loss_range"),
        ({"loss": "hinge"}, "loss"),
        ({"loss": None}, "loss"),
    ],
)
def test_settings_that_break_their_rule_are_named(arguments, name):
    with pytest.raises(ParameterError, match=f"^{name} must"):
        SequentialRisk.from_losses(TRAINING, **arguments)


@pytest.mark.parametrize(
    ("arguments", "name"),
    [
        ({"risk": 0.0}, "risk"),
        ({"risk": math.nan}, "risk"),
        ({"risk": "low"}, "risk"),
        ({"risk": 1.0, "loss": "zero_one"}, "risk"),
        ({"risk": 0.2, "block_rows": 0}, "block_rows"),
        ({"risk": 0.2, "loss_range": -1}, "loss_range"),
    ],
)
def test_a_risk_that_breaks_its_rule_is_named(arguments, name):
    with pytest.raises(ParameterError, match=f"^{name} must"):
        SequentialRisk.from_risk(**arguments)


@pytest.mark.parametrize(
    ("losses", "others", "message"),
    [
        ([], {}, "at least 20"),
        ([0.1] * 19, {}, "at least 20"),
        ([np.nan] * 100, {}, "at least 20"),
        (np.ones(100), {"block_rows": 11}, "at least 10 blocks"),
    ],
)
def test_too_few_losses_are_no_bound(losses, others, message):
    with pytest.raises(InputError, match=message):
        SequentialRisk.from_losses(losses, **others)


def test_a_record_is_copied_and_compared():
    found = WATCHING.update(LATER)
    for other in (pickle.loads(pickle.dumps(found)), copy.deepcopy(found)):
        assert other == found
        assert hash(other) == hash(found)
    assert found != WATCHING
    assert found != "a record"


def test_a_weighted_share_of_errors_is_no_mean_of_losses(classifier):
    model = copy.copy(classifier)
    (score,) = classifier.baseline_.scores
    weighted = dataclasses.replace(score, right_score=math.nan)
    model.baseline_ = dataclasses.replace(classifier.baseline_, scores=(weighted,))
    with pytest.raises(EstimatorError, match="mean of a loss"):
        SequentialRisk.from_estimator(model)
