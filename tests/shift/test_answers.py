"""Laws of DA106: the model's answers against those held out of training."""

from __future__ import annotations

import warnings

import measure_outputs
import numpy as np
import pandas as pd
import polars as pl
import pytest
import scipy.sparse
from scipy.stats import binom
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.decomposition import PCA
from sklearn.dummy import DummyRegressor
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LinearRegression, LogisticRegression, RidgeClassifier
from sklearn.model_selection import LeaveOneOut, RepeatedKFold, ShuffleSplit
from sklearn.naive_bayes import GaussianNB

from skdrift import DriftAwareEstimator, dump, load
from skdrift.exceptions import DriftError, DriftWarning
from skdrift.report import DriftReport

CODE = "DA106"


def table(n, seed, shift=0.0, d=3):
    return np.random.default_rng(seed).normal(shift, 1.0, size=(n, d))


def labels(X, names=("no", "yes"), seed=9):
    noise = np.random.default_rng(seed).logistic(size=len(X))
    return np.where(X.sum(axis=1) + noise > 0, names[1], names[0])


def classifier(n=1000, estimator=None, **options):
    X = table(n, 0)
    model = DriftAwareEstimator(estimator or LogisticRegression(), **options)
    return model.fit(X, labels(X))


def regressor(n=1000, **options):
    X = table(n, 0)
    noise = np.random.default_rng(1).normal(size=n)
    return DriftAwareEstimator(LinearRegression(), **options).fit(X, X[:, 0] + noise)


def answers_of(report):
    return [alarm for alarm in report.alarms if alarm.code == CODE]


def test_answers_that_moved_are_named_with_effect_interval_and_direction():
    report = regressor().check(table(500, 1, shift=0.7))
    (alarm,) = answers_of(report)
    assert alarm.features == ("predict",)
    assert alarm.effect_name == "KS distance"
    assert 0 < alarm.low < alarm.effect_size < alarm.high < 1
    assert alarm.pvalue <= 0.01
    assert alarm.direction.startswith("median")
    (row,) = report.outputs
    assert (row.feature, row.outcome) == ("predict", "drift")
    assert row.pvalue_adjusted == alarm.pvalue
    assert report.outcome == "drift"


def test_many_small_moves_of_columns_are_seen_in_the_answers():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(1500, 30))
    model = DriftAwareEstimator(LinearRegression())
    model.fit(X, X.sum(axis=1) + rng.normal(size=1500))
    report = model.check(rng.normal(0.08, 1.0, size=(700, 30)))
    assert {alarm.code for alarm in report.alarms} <= {CODE, "DA105", "DA107"}
    assert answers_of(report)
    assert "and in the model's answers" in str(report).splitlines()[0]
    assert "The model's answers: 1 drift" in str(report)
    assert "The model's answers" in report._repr_html_()


def test_of_two_classes_only_one_probability_is_compared():
    report = classifier().check(table(500, 1))
    names = [row.feature for row in report.outputs]
    assert names == ["predict", "predict_proba[yes]"]
    assert [row.kind for row in report.outputs] == ["categorical", "numeric"]


def test_of_three_classes_each_probability_is_compared():
    X = table(600, 0)
    y = np.digitize(X[:, 0], [-0.5, 0.5])
    report = DriftAwareEstimator(GaussianNB()).fit(X, y).check(table(300, 1))
    names = [row.feature for row in report.outputs]
    assert names == ["predict", *(f"predict_proba[{label}]" for label in range(3))]


def test_without_probabilities_the_decision_function_is_compared():
    report = classifier(estimator=RidgeClassifier()).check(table(500, 1))
    names = [row.feature for row in report.outputs]
    assert names == ["predict", "decision_function[0]"]


def test_several_targets_are_an_output_each():
    X = table(600, 0)
    model = DriftAwareEstimator(LinearRegression()).fit(X, X[:, :2])
    report = model.check(table(300, 1))
    assert [row.feature for row in report.outputs] == ["predict[0]", "predict[1]"]


def test_each_method_looks_at_its_own_answer_and_asks_the_model_once():
    class Counting(LogisticRegression):
        asked = 0

        def predict_proba(self, X):
            Counting.asked += 1
            return super().predict_proba(X)

        def predict(self, X):
            Counting.asked += 1
            return super().predict(X)

    model = classifier(estimator=Counting())
    batch = table(500, 1)
    for method, name in (
        ("predict", "predict"),
        ("predict_proba", "predict_proba[yes]"),
    ):
        Counting.asked = 0
        _, report = getattr(model, method)(batch, return_report=True)
        assert Counting.asked == 1
        assert [row.feature for row in report.outputs] == [name]
    _, report = model.decision_function(batch, return_report=True)
    assert report.outputs == ()


def test_a_warning_and_an_error_tell_of_answers_that_moved():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(1500, 30))
    y = X.sum(axis=1) + rng.normal(size=1500)
    batch = rng.normal(0.08, 1.0, size=(700, 30))
    model = DriftAwareEstimator(LinearRegression()).fit(X, y)
    with pytest.warns(DriftWarning, match="in the model's answers") as caught:
        plain = model.predict(batch)
    lines = str(caught[0].message).splitlines()
    assert not any("predict" in line for line in lines if line.startswith("columns"))
    np.testing.assert_array_equal(plain, model.estimator_.predict(batch))
    with pytest.raises(DriftError):
        model.set_params(on_shift="raise").predict(batch)


def test_without_folds_and_for_transformers_there_are_no_answers_to_compare():
    X = table(400, 0)
    without = DriftAwareEstimator(LinearRegression(), cv=None).fit(X, X[:, 0])
    assert without.check(table(200, 1)).outputs == ()
    report = DriftAwareEstimator(PCA()).fit(X).check(table(200, 1))
    assert report.outputs == ()
    assert "answers" not in str(report)


def test_a_model_that_fails_on_the_batch_is_a_note_of_the_report():
    frame = pd.DataFrame(table(500, 0), columns=list("abc"))
    model = DriftAwareEstimator(LinearRegression()).fit(frame, frame["a"])
    report = model.check(frame[["a", "b"]])
    assert "DA301" in {alarm.code for alarm in report.alarms}
    assert any("answers are not compared" in note for note in report.notes)
    assert [row.outcome for row in report.outputs] == ["not tested"]
    assert "ValueError" in report.outputs[0].reason


class Odd(RegressorMixin, BaseEstimator):
    """A model whose answers are not one number for each row."""

    def __init__(self, answer="short"):
        self.answer = answer

    def fit(self, X, y):
        self.n_features_in_ = X.shape[1]
        self.fitted_ = len(X)
        return self

    def predict(self, X):
        plain = np.asarray(X)[:, 0].astype(float)
        if len(X) != 77:
            return plain
        if self.answer == "short":
            return plain[:-1]
        if self.answer == "complex":
            return plain + 1j
        if self.answer == "nan":
            return np.full(len(X), np.nan)
        if self.answer == "infinite":
            return np.full(len(X), np.inf)
        if self.answer == "text":
            return np.full(len(X), "x")
        return np.array(1.0)


@pytest.mark.parametrize(
    "answer", ["short", "complex", "nan", "infinite", "text", "single"]
)
def test_odd_answers_do_not_stop_the_check(answer):
    X = table(400, 0)
    model = DriftAwareEstimator(Odd(answer)).fit(X, X[:, 0])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        report = model.check(table(77, 1))
        same = model.predict(table(77, 1))
    assert [row.outcome for row in report.outputs] == ["not tested"]
    assert report.outputs[0].reason
    np.testing.assert_array_equal(same, model.estimator_.predict(table(77, 1)))


@pytest.mark.parametrize("n", [0, 1, 29])
def test_batches_of_few_rows_do_not_ask_the_model(n):
    report = classifier().check(table(n, 1))
    assert report.outputs == ()


def test_a_constant_model_has_nothing_that_moves():
    X = table(400, 0)
    model = DriftAwareEstimator(DummyRegressor()).fit(X, np.ones(400))
    report = model.check(table(200, 1))
    assert not answers_of(report)


@pytest.mark.parametrize("kind", ["pandas", "polars", "sparse"])
def test_any_container_is_answered(kind):
    make = {
        "pandas": pd.DataFrame,
        "polars": lambda X: pl.DataFrame(X, schema=["a", "b", "c"]),
        "sparse": scipy.sparse.csr_array,
    }[kind]
    X = table(400, 0)
    model = DriftAwareEstimator(LogisticRegression()).fit(make(X), labels(X))
    assert len(model.check(make(table(200, 1))).outputs) == 2


def test_many_classes_of_which_folds_miss_some():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(300, 3))
    y = rng.integers(0, 60, 300)
    y[0] = 99
    model = DriftAwareEstimator(GaussianNB(var_smoothing=0.1))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model.fit(X, y)
        report = model.check(rng.normal(size=(200, 3)))
    assert not answers_of(report)


def test_a_calibration_set_was_answered_by_the_model_itself():
    X = table(1000, 0)
    frozen = FrozenEstimator(LogisticRegression().fit(X, labels(X)))
    fresh = table(800, 1)
    model = DriftAwareEstimator(frozen).fit(fresh, labels(fresh))
    np.testing.assert_array_equal(model.baseline_.output_tolerance, 0.0)
    assert len(model.check(table(500, 2)).outputs) == 2


def test_one_fold_shows_answers_and_tests_nothing():
    model = regressor(cv=ShuffleSplit(1, random_state=0))
    assert np.isnan(model.baseline_.output_tolerance).all()
    report = model.check(table(500, 1, shift=1.0))
    (row,) = report.outputs
    assert (row.outcome, row.effect_name) == ("not tested", "KS distance")
    assert not answers_of(report)


def test_a_row_counts_once_however_often_it_is_held_out():
    model = regressor(300, cv=RepeatedKFold(n_splits=3, n_repeats=4, random_state=0))
    assert model.baseline_.outputs.n_rows == 300


def test_folds_of_one_row_still_tell_how_far_models_differ():
    model = regressor(60, cv=LeaveOneOut(), scoring="neg_mean_absolute_error")
    assert 0 <= model.baseline_.output_tolerance[0] < 0.5


def test_models_of_folds_that_differ_are_tolerated():
    spread = {}
    for name in ("ridge", "tree of depth 3"):
        rng = np.random.default_rng(0)
        model = measure_outputs.fitted(measure_outputs.MODELS[name], 1000, rng)
        spread[name] = model.baseline_.output_tolerance[0]
    assert spread["ridge"] < 0.08 < spread["tree of depth 3"]


class Memory(ClassifierMixin, BaseEstimator):
    """A model that knows its training rows, and guesses all others."""

    def fit(self, X, y):
        self.classes_ = np.unique(y)
        self.n_features_in_ = X.shape[1]
        self.known_ = {row.tobytes(): label for row, label in zip(X, y, strict=True)}
        return self

    def predict(self, X):
        first = self.classes_[0]
        return np.array([self.known_.get(row.tobytes(), first) for row in X])


def test_answers_for_training_rows_are_not_what_is_compared_with():
    X = table(500, 0)
    model = DriftAwareEstimator(Memory()).fit(X, labels(X))
    assert not answers_of(model.check(table(300, 1)))
    assert answers_of(model.check(X))


def test_a_batch_with_rejected_rows_is_not_compared():
    model = regressor(on_invalid="abstain")
    batch = table(300, 1)
    batch[0, 0] = np.nan
    _, report = model.predict(batch, return_report=True)
    assert report.outputs == ()
    assert report.rejected is not None


def test_columns_and_answers_alone_keep_their_part_of_alpha():
    batch = table(500, 1)
    with_folds, without = regressor(), regressor(cv=None)
    first = with_folds.check(batch).features[0].pvalue_adjusted
    second = without.check(batch).features[0].pvalue_adjusted
    assert first == pytest.approx(min(1.0, second / 0.95))


def test_reports_with_outputs_come_back_from_json_and_old_ones_still_do():
    report = classifier().check(table(500, 1, shift=1.0))
    assert DriftReport.from_json(report.to_json()) == report
    assert list(report.to_frame("outputs")["feature"]) == [
        "predict",
        "predict_proba[yes]",
    ]
    old = report.to_dict() | {"format": 5}
    del old["outputs"]
    assert DriftReport.from_dict(old).outputs == ()


def test_saved_models_compare_answers_as_before(tmp_path):
    model = classifier()
    batch = table(500, 1, shift=0.5)
    dump(model, tmp_path / "model.skops")
    again = load(tmp_path / "model.skops")
    assert again.check(batch) == model.check(batch)


def test_models_saved_before_show_their_answers_and_do_not_test_them():
    model = classifier()
    object.__setattr__(model.baseline_, "output_tolerance", None)
    report = model.check(table(500, 1, shift=1.0))
    assert [row.outcome for row in report.outputs] == ["not tested"] * 2
    assert all(row.effect_size > 0 for row in report.outputs)
    assert not answers_of(report)
    assert any("shown, not tested" in note for note in report.notes)


def days(n, rng, shift=0.0):
    own = rng.normal(shift, 1.0, size=(n, 1, 3))
    return (own + rng.normal(size=(n, 24, 3))).reshape(-1, 3)


def by_days(rng, n=100, **options):
    X = days(n, rng)
    y = X[:, 0] + rng.normal(size=len(X))
    model = DriftAwareEstimator(LinearRegression(), blocks="auto", **options)
    return model.fit(X, y, groups=np.repeat(np.arange(n), 24))


def test_where_rows_come_in_blocks_answers_are_ranked_among_blocks():
    rng = np.random.default_rng(0)
    model = by_days(rng, alpha=0.05)
    assert model.baseline_.output_blocks.n_blocks == 100
    alarms = [bool(answers_of(model.check(days(1, rng)))) for _ in range(30)]
    assert sum(alarms) <= binom.ppf(0.999, 30, 0.05)
    report = model.check(days(1, rng, shift=6.0))
    (alarm,) = answers_of(report)
    assert "among blocks of training" in alarm.message


def test_blocks_of_columns_and_answers_are_ranked_together():
    rng = np.random.default_rng(0)
    model = by_days(rng, alpha=0.05)
    batch = days(1, rng, shift=1.5)
    together = model.check(batch).features
    object.__setattr__(model.baseline_, "output_blocks", None)
    alone = model.check(batch)
    for row, before in zip(together, alone.features, strict=True):
        assert row.pvalue_adjusted >= before.pvalue_adjusted
    assert [row.outcome for row in alone.outputs] == ["not tested"]


@pytest.mark.slow
@pytest.mark.parametrize("name", ["logistic regression", "tree of depth 3", "ridge"])
def test_batches_like_training_alarm_at_most_at_the_level(name):
    trials = 25
    shares = measure_outputs.false_alarm_shares(
        measure_outputs.MODELS[name], 300, trials, seed=3
    )
    for (_, learned), by_level in shares.items():
        if learned:
            # Four batches share one model: as if they were one.
            for alpha, share in by_level.items():
                assert share <= binom.ppf(0.999, trials, alpha) / trials


def test_where_columns_move_with_time_answers_are_shown_and_not_tested():
    rng = np.random.default_rng(0)
    time = np.arange(1000.0)
    X = rng.normal(size=(1000, 3)) + time[:, None] / 300
    model = DriftAwareEstimator(LinearRegression())
    model.fit(X, X[:, 0] + rng.normal(size=1000), time=time)
    assert len(model.baseline_.trend.moving)
    report = model.check(rng.normal(size=(300, 3)) + 3.5)
    assert [row.outcome for row in report.outputs] == ["not tested"]
    assert any("so do answers" in note for note in report.notes)


class UnheardOfError(Exception):
    """What no library of models is known to raise."""


class Talking(LinearRegression):
    """Warns whenever it answers, and fails on a batch of 40 rows."""

    def predict(self, X):
        warnings.warn("I talk", UserWarning, stacklevel=2)
        if len(X) == 40:
            raise UnheardOfError("no")
        return super().predict(X)


def test_a_check_passes_on_warnings_and_reports_whatever_the_model_does():
    X = np.random.default_rng(0).normal(size=(300, 2))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = DriftAwareEstimator(Talking()).fit(X, X[:, 0])
    with warnings.catch_warnings(record=True) as given:
        warnings.simplefilter("always")
        assert model.check(X).outputs[0].outcome != "not tested"
        report = model.check(X[:40])
    assert {str(warning.message) for warning in given} == {"I talk"}
    assert report.outputs[0].outcome == "not tested"
    assert any("UnheardOfError: no" in note for note in report.notes)
