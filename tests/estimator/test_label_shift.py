"""`estimate_label_shift`: what it takes, what it gives, and what it refuses."""

from __future__ import annotations

import copy
import dataclasses

import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.dummy import DummyClassifier
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.naive_bayes import GaussianNB
from sklearn.svm import LinearSVC
from sklearn.tree import DecisionTreeClassifier

import skdrift
from skdrift import DriftAwareEstimator, LabelShiftEstimate
from skdrift.exceptions import (
    EstimatorError,
    NotFittedError,
    ParameterError,
)
from skdrift.performance._class_laws import ClassLaws


def drawn(priors, n, seed=0, names=None):
    rng = np.random.default_rng(seed)
    y = rng.choice(len(priors), n, p=priors)
    means = np.random.default_rng(len(priors)).normal(size=(len(priors), 4))
    X = means[y] + 0.8 * rng.normal(size=(n, 4))
    return X, y if names is None else np.array(names)[y]


@pytest.fixture(scope="module")
def binary():
    X, y = drawn([0.88, 0.12], 2_000, names=["no", "yes"])
    return DriftAwareEstimator(LogisticRegression()).fit(X, y)


def test_priors_that_moved_are_found_and_label_shift_fits(binary):
    X, y = drawn([0.6, 0.4], 1_000, seed=1)
    found = binary.estimate_label_shift(X)
    assert isinstance(found, LabelShiftEstimate)
    assert found.classes == ("no", "yes")
    assert found.training_priors[1] == pytest.approx(0.12, abs=0.02)
    assert found.priors[1] == pytest.approx(y.mean(), abs=0.03)
    assert found.bbse[1] == pytest.approx(y.mean(), abs=0.05)
    assert found.low[1] < found.priors[1] < found.high[1]
    assert sum(found.priors) == pytest.approx(1.0)
    assert found.supports_label_shift is True
    assert found.moved == ("no", "yes")
    assert found.explained > 0.9
    assert "'yes'" in str(found)
    assert "Assumption" in str(found)


def test_priors_that_stand_still_are_said_to(binary):
    found = binary.estimate_label_shift(drawn([0.88, 0.12], 1_000, seed=3)[0])
    assert found.moved == ()
    assert "within chance" in found.conclusion


def test_rows_that_no_class_of_training_has_are_not_label_shift(binary):
    X, _ = drawn([0.88, 0.12], 1_000, seed=1)
    found = binary.estimate_label_shift(2.0 * X)
    assert found.pvalue <= 0.01
    assert found.supports_label_shift is False
    assert found.conclusion.startswith("not label shift")


@pytest.mark.parametrize("model", [GaussianNB(), LinearSVC()])
def test_more_classes_and_decisions_without_probabilities(model):
    wrapped = DriftAwareEstimator(model).fit(*drawn([0.4, 0.3, 0.2, 0.1], 2_000))
    X, y = drawn([0.1, 0.2, 0.3, 0.4], 1_000, seed=1)
    found = wrapped.estimate_label_shift(X)
    truth = np.bincount(y) / len(y)
    assert found.priors == pytest.approx(truth, abs=0.05)
    assert found.bbse == pytest.approx(truth, abs=0.07)
    assert found.supports_label_shift


class OnlyLabels(ClassifierMixin, BaseEstimator):
    """Classifier by a tree that shows no probabilities."""

    def fit(self, X, y):
        self.tree_ = DecisionTreeClassifier(max_depth=4).fit(X, y)
        self.classes_ = self.tree_.classes_
        return self

    def predict(self, X):
        return self.tree_.predict(X)


def test_answered_labels_alone_will_do_and_it_is_said():
    wrapped = DriftAwareEstimator(OnlyLabels()).fit(*drawn([0.8, 0.2], 2_000))
    X, y = drawn([0.5, 0.5], 1_000, seed=1)
    found = wrapped.estimate_label_shift(X)
    assert found.priors[1] == pytest.approx(y.mean(), abs=0.06)
    assert found.bbse[1] == pytest.approx(y.mean(), abs=0.06)
    assert any("labels alone" in note for note in found.notes)


# --- corrected probabilities --------------------------------------------------


def test_corrected_probabilities_are_those_of_bayes_and_nearer_to_the_labels(binary):
    X, y = drawn([0.4, 0.6], 2_000, seed=1)
    found = binary.estimate_label_shift(X)
    proba = binary.estimator_.predict_proba(X)
    better = found.correct(proba)
    ratio = np.array(found.priors) / found.training_priors
    odds = better[:, 1] / better[:, 0]
    assert odds == pytest.approx(proba[:, 1] / proba[:, 0] * ratio[1] / ratio[0])
    assert better.sum(axis=1) == pytest.approx(1.0)

    def log_loss(p):
        return -np.log(p[np.arange(len(y)), y]).mean()

    assert log_loss(better) < log_loss(proba)
    assert np.isnan(found.correct([[np.nan, 1.0]])).all()


def test_what_is_no_table_of_probabilities_is_refused(binary):
    found = binary.estimate_label_shift(drawn([0.5, 0.5], 100)[0])
    with pytest.raises(ParameterError, match="2 classes"):
        found.correct([[0.1, 0.2, 0.7]])
    with pytest.raises(ParameterError, match="logarithm"):
        found.correct([[-0.1, -2.0]])
    nothing = binary.estimate_label_shift(np.zeros((0, 4)))
    with pytest.raises(ParameterError, match="no rows"):
        nothing.correct([[0.5, 0.5]])


# --- in a check ---------------------------------------------------------------


def test_an_alarm_of_the_answers_says_that_label_shift_explains_it(binary):
    X, y = drawn([0.6, 0.4], 1_000, seed=1, names=["no", "yes"])
    report = binary.check(X)
    alarms = report.by_code("DA106")
    told = [alarm for alarm in alarms if "label shift" in alarm.message]
    assert len(told) == 1
    assert "class 'yes' 1" in told[0].message
    assert "correct(proba)" in told[0].advice
    labelled = binary.check(X, y).by_code("DA106")
    assert all("label shift" not in alarm.message for alarm in labelled)
    assert {a.features: a.pvalue for a in alarms} == {
        a.features: a.pvalue for a in look_only(binary, X)
    }


def test_labels_of_some_rows_are_told_beside_the_estimate_of_all(binary):
    X, y = drawn([0.6, 0.4], 1_000, seed=1, names=["no", "yes"])
    some = y.astype(object)
    some[150:] = None
    told = [
        alarm.message
        for alarm in binary.check(X, some).by_code("DA106")
        if "label shift" in alarm.message
    ]
    n_yes = int((y[:150] == "yes").sum())
    assert len(told) == 1
    assert "label shift can explain the batch" in told[0]
    assert f"of 150 of 1,000 rows with a label {n_yes} (" in told[0]
    assert told[0].endswith("are 'yes'")
    without = binary.check(X).by_code("DA106")
    assert any(told[0].startswith(alarm.message) for alarm in without)


def test_labels_that_are_all_missing_or_of_no_class_are_no_labels(binary):
    X, _ = drawn([0.6, 0.4], 1_000, seed=1)
    nothing = np.full(len(X), None, dtype=object)
    found = binary.check(X, nothing).by_code("DA106")
    assert [a.message for a in found] == [
        a.message for a in binary.check(X).by_code("DA106")
    ]
    nothing[:40] = "other"
    found = binary.check(X, nothing).by_code("DA106")
    assert any("0 (0 %) are 'yes'" in alarm.message for alarm in found)


def look_only(model, X):
    """Alarms of the answers of a model that learned no class laws."""
    bare = copy.copy(model)
    bare.baseline_ = copy.copy(model.baseline_)
    object.__setattr__(bare.baseline_, "losses", None)
    return bare.check(X).by_code("DA106")


def test_an_alarm_of_the_answers_says_that_label_shift_does_not_explain_it(binary):
    X, _ = drawn([0.88, 0.12], 2_000, seed=1)
    told = binary.check(2.5 * X).by_code("DA106")
    assert any("not label shift" in alarm.message for alarm in told)
    assert any("do not correct" in alarm.advice for alarm in told)


def test_without_an_alarm_of_the_answers_nothing_is_computed(binary, monkeypatch):
    def refuse(*args, **kwargs):
        raise AssertionError("it was computed")

    name = "skdrift.estimator._label_shifting.estimate_class_priors"
    monkeypatch.setattr(name, refuse)
    assert binary.check(drawn([0.88, 0.12], 500, seed=1)[0]).by_code("DA106") == ()


# --- bad input ----------------------------------------------------------------


def test_regressors_and_models_without_the_pass_say_what_to_do():
    X, y = drawn([0.5, 0.5], 200)
    with pytest.raises(NotFittedError):
        DriftAwareEstimator(LogisticRegression()).estimate_label_shift(X)
    regressor = DriftAwareEstimator(LinearRegression()).fit(X, y.astype(float))
    with pytest.raises(EstimatorError, match="no classifier"):
        regressor.estimate_label_shift(X)
    without = DriftAwareEstimator(LogisticRegression(), performance=None).fit(X, y)
    with pytest.raises(EstimatorError, match="performance='auto'"):
        without.estimate_label_shift(X)
    several = DriftAwareEstimator(DecisionTreeClassifier(max_depth=2))
    several.fit(X, np.column_stack([y, 1 - y]))
    with pytest.raises(EstimatorError, match="2 outputs"):
        several.estimate_label_shift(X)


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_one_class_is_refused():
    X, _ = drawn([0.5, 0.5], 200)
    one = DriftAwareEstimator(DummyClassifier()).fit(X, np.zeros(200))
    with pytest.raises(EstimatorError, match="class"):
        one.estimate_label_shift(X)


def test_models_of_before_say_to_fit_again(binary):
    old = copy.deepcopy(binary)
    object.__setattr__(old.baseline_.losses, "class_laws", None)
    with pytest.raises(EstimatorError, match="fit it again"):
        old.estimate_label_shift(drawn([0.5, 0.5], 50)[0])
    assert old.check(drawn([0.5, 0.5], 500)[0]).by_code("DA106")


def test_a_class_that_is_never_answered_has_no_bbse_and_says_so():
    X, y = drawn([0.97, 0.03], 1_000)
    never = DriftAwareEstimator(DummyClassifier()).fit(X, y)
    found = never.estimate_label_shift(X)
    assert np.isnan(found.bbse).all()
    assert any("never answered" in note and "singular" in note for note in found.notes)


def test_no_row_and_few_rows(binary):
    nothing = binary.estimate_label_shift(np.zeros((0, 4)))
    assert np.isnan([*nothing.priors, nothing.pvalue]).all()
    assert nothing.supports_label_shift is None
    assert "no rows" in str(nothing)
    one = binary.estimate_label_shift(np.zeros((1, 4)))
    assert sum(one.priors) == pytest.approx(1.0)
    assert (one.low, one.high) == ((0.0, 0.0), (1.0, 1.0))
    assert any("too few" in note for note in one.notes)


class NanSometimes(LogisticRegression):
    """Gives NaN where the first column is large."""

    def predict_proba(self, X):
        proba = super().predict_proba(X)
        proba[np.asarray(X)[:, 0] > 50.0] = np.nan
        return proba


def test_rows_without_a_usable_answer_are_left_out():
    X, y = drawn([0.5, 0.5], 1_000)
    wrapped = DriftAwareEstimator(NanSometimes()).fit(X, y)
    clean = wrapped.estimate_label_shift(X)
    more = np.vstack([X, np.full((7, 4), 99.0)])
    found = wrapped.estimate_label_shift(more)
    assert found.priors == pytest.approx(clean.priors, abs=1e-6)
    assert any(note.startswith("7 rows") for note in found.notes)
    every = wrapped.estimate_label_shift(np.full((30, 4), 99.0))
    assert np.isnan(every.priors).all()


def test_fifty_classes():
    rng = np.random.default_rng(0)
    y = rng.integers(0, 50, size=4_000)
    means = 3.0 * rng.normal(size=(50, 4))
    X = means[y] + 0.6 * rng.normal(size=(4_000, 4))
    wrapped = DriftAwareEstimator(GaussianNB(), cv=3).fit(X, y)
    batch = rng.integers(0, 25, size=400)
    found = wrapped.estimate_label_shift(means[batch] + 0.6 * rng.normal(size=(400, 4)))
    truth = np.bincount(batch, minlength=50) / 400
    assert np.abs(np.array(found.priors) - truth).max() < 0.02
    assert found.pvalue > 0.01


def test_blocks_of_the_batch_widen_the_interval(binary):
    X, y = drawn([0.6, 0.4], 1_000, seed=1)
    order = np.argsort(y, kind="stable")
    by_rows = binary.estimate_label_shift(X[order])
    by_blocks = binary.estimate_label_shift(X[order], groups=np.arange(1_000) // 25)
    assert by_blocks.priors == by_rows.priors
    assert by_blocks.high[1] - by_blocks.low[1] > 2 * (by_rows.high[1] - by_rows.low[1])
    with pytest.raises(ParameterError, match="groups"):
        binary.estimate_label_shift(X, groups=[1, 2])


def test_rows_in_blocks_are_spoken_of():
    X, y = drawn([0.5, 0.5], 1_000)
    groups = np.arange(1_000) // 20
    X += np.random.default_rng(1).normal(size=(50, 4))[groups]
    wrapped = DriftAwareEstimator(LogisticRegression()).fit(X, y, groups=groups)
    found = wrapped.estimate_label_shift(X[:200])
    assert any("interval counts rows" in note for note in found.notes)


def test_tables_and_files_give_the_same(binary, tmp_path):
    X, _ = drawn([0.6, 0.4], 300, seed=1)
    names = [f"x{k}" for k in range(4)]
    frame = pd.DataFrame(X, columns=names)
    train, y = drawn([0.88, 0.12], 1_000, names=["no", "yes"])
    wrapped = DriftAwareEstimator(GaussianNB()).fit(
        pd.DataFrame(train, columns=names), y
    )
    before = wrapped.estimate_label_shift(frame)
    skdrift.dump(wrapped, tmp_path / "model.skops")
    again = skdrift.load(tmp_path / "model.skops")
    assert again.estimate_label_shift(frame) == before
    text = wrapped.estimate_label_shift(frame.astype({"x0": str}).astype({"x0": float}))
    assert text == before


def test_laws_without_a_column_or_with_a_lone_row_test_nothing():
    X, y = drawn([0.5, 0.5], 300)
    constant = DriftAwareEstimator(LogisticRegression()).fit(np.ones_like(X), y)
    found = constant.estimate_label_shift(np.ones((50, 4)))
    assert found.supports_label_shift is None
    assert any("not tested" in note for note in found.notes)
    laws = constant.baseline_.losses.class_laws
    assert isinstance(laws, ClassLaws)
    with pytest.raises(ValueError, match="totals"):
        ClassLaws.__new__(ClassLaws).__setstate__([])


# --- the means of columns -----------------------------------------------------


def test_a_column_that_moved_is_found_and_named(binary):
    X, _ = drawn([0.6, 0.4], 1_000, seed=1)
    X[:, 2] += 0.5
    found = binary.estimate_label_shift(X)
    assert found.supports_label_shift is False
    assert found.pvalue < 1e-4
    named = [note for note in found.notes if "fit least" in note]
    assert len(named) == 1


def mixed(n, seed):
    """A table with holes, levels, thousands of names, and columns of hardly a value."""
    rng = np.random.default_rng(seed)
    y = rng.integers(0, 2, n)
    x = rng.normal(size=n) + y
    table = pd.DataFrame(
        {
            "x": x,
            "holes": np.where(rng.random(n) < 0.3, np.nan, x**2),
            "nothing": np.nan,
            "constant": 1.0,
            "level": rng.choice(list("abcde"), n),
            "name": pd.Categorical(rng.integers(0, 5_000, n).astype(str)),
            "mostly": np.where(rng.random(n) < 0.995, 0.0, rng.normal(size=n)),
            "twice": 2.0 * x,
        }
    )
    return table, y


class ByX(ClassifierMixin, BaseEstimator):
    """Logistic regression on one column of a table."""

    def fit(self, X, y):
        self.line_ = LogisticRegression().fit(np.asarray(X["x"])[:, None], y)
        self.classes_ = self.line_.classes_
        return self

    def predict_proba(self, X):
        return self.line_.predict_proba(np.asarray(X["x"])[:, None])

    def predict(self, X):
        return self.line_.predict(np.asarray(X["x"])[:, None])


@pytest.fixture(scope="module")
def of_mixed():
    return DriftAwareEstimator(ByX(), blocks=None).fit(*mixed(1_500, 0))


@pytest.mark.parametrize("n_rows", [1, 5, 40, 800])
def test_tables_of_all_kinds_fit_at_any_size(of_mixed, n_rows):
    """Thousands of names were once sorted by how frequent they are in training."""
    found = of_mixed.estimate_label_shift(mixed(n_rows, 3)[0])
    assert found.pvalue > 0.01


def test_what_moved_in_a_table_of_all_kinds_is_named(of_mixed):
    X, _ = mixed(800, 4)
    for column, values in (
        ("level", np.where(X["level"] == "a", "b", X["level"])),
        ("holes", np.nan),
    ):
        found = of_mixed.estimate_label_shift(X.assign(**{column: values}))
        assert found.supports_label_shift is False
        assert any(f"fit least in '{column}'" in note for note in found.notes)


def test_laws_of_before_are_tested_by_trees_alone(binary):
    old = copy.deepcopy(binary)
    laws = old.baseline_.losses.class_laws
    names = [own.name for own in dataclasses.fields(laws)]
    before = names.index("moment_columns")
    again = ClassLaws.__new__(ClassLaws)
    again.__setstate__(laws.__getstate__()[:before])
    object.__setattr__(old.baseline_.losses, "class_laws", again)
    X, _ = drawn([0.6, 0.4], 1_000, seed=1)
    found = old.estimate_label_shift(X)
    assert 0.0 < found.pvalue <= 1.0
    assert any("did not learn them" in note for note in found.notes)
    assert found.priors == binary.estimate_label_shift(X).priors


def test_many_classes_and_a_class_of_one_row_are_tested_by_trees_or_not_at_all():
    rng = np.random.default_rng(0)
    y = rng.integers(0, 20, 1_000)
    X = rng.normal(size=(1_000, 4)) + 2.0 * y[:, None]
    found = DriftAwareEstimator(GaussianNB(), cv=3).fit(X, y).estimate_label_shift(X)
    assert any("20 classes take 38 moments" in note for note in found.notes)
    y = np.r_[np.zeros(299), 1.0]
    lone = DriftAwareEstimator(DecisionTreeClassifier(max_depth=2)).fit(X[:300], y)
    found = lone.estimate_label_shift(X)
    assert found.supports_label_shift is None
    assert sum("not tested" in note for note in found.notes) == 2


def test_groups_of_the_batch_are_said_not_to_count_in_the_pvalue(binary):
    X, _ = drawn([0.6, 0.4], 400, seed=1)
    found = binary.estimate_label_shift(X, groups=np.arange(400) // 10)
    assert any("p-value counts rows" in note for note in found.notes)
    without = binary.estimate_label_shift(X)
    assert not any("p-value counts rows" in note for note in without.notes)
