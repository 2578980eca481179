"""`check(X, y)` where labels have come for some rows."""

from __future__ import annotations

import dataclasses

import numpy as np
import pandas as pd
import polars as pl
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.linear_model import LinearRegression, LogisticRegression

from skdrift import DriftAwareEstimator
from skdrift._core.result import ScoreExpectation
from skdrift.exceptions import InputError, InputTypeError
from skdrift.performance._loss_models import LossModels
from skdrift.performance._realised import estimate_findings

NAN = float("nan")
SCORES = ["accuracy", "neg_log_loss", "roc_auc", "f1"]
ERRORS = ["neg_mean_absolute_error", "neg_root_mean_squared_error", "r2"]


def classes(n, flip=0.0, seed=0):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, 4))
    y = (X[:, 0] + 0.7 * X[:, 1] ** 2 + rng.normal(size=n) > 0.7).astype(int)
    wrong = rng.random(n) < flip
    return X, np.where(wrong, 1 - y, y)


def values(n, noise=1.0, seed=0):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, 4))
    return X, X[:, 0] + noise * np.exp(X[:, 1] / 2) * rng.normal(size=n)


def some(y, n, seed=0):
    """Labels of n rows, as floats with NaN."""
    rng = np.random.default_rng(seed)
    kept = np.full(np.shape(y), NAN)
    rows = rng.choice(len(y), n, replace=False)
    kept[rows] = y[rows]
    return kept


@pytest.fixture(scope="module")
def classifier():
    return DriftAwareEstimator(LogisticRegression(), scoring=SCORES).fit(*classes(3000))


@pytest.fixture(scope="module")
def regressor():
    return DriftAwareEstimator(LinearRegression(), scoring=ERRORS).fit(*values(3000))


def codes(report):
    return [finding.code for finding in report.findings]


@pytest.mark.parametrize("kind", ["classifier", "regressor"])
def test_few_labels_score_the_whole_batch_where_that_can_be(kind, request):
    wrapped = request.getfixturevalue(kind)
    X, y = (classes if kind == "classifier" else values)(1_000, seed=1)
    full, part = wrapped.check(X, y), wrapped.check(X, some(y, 100))
    first = next(iter(part.expected_score.values()))
    assert first.n_labelled == 100
    assert full.expected_score[first.scorer].n_labelled == 1_000
    assert 100 < first.n_rows < 1_000
    assert (
        first.realised_low
        < full.expected_score[first.scorer].realised
        < first.realised_high
    )
    last = list(part.expected_score.values())[-1]
    assert last.n_rows == 100
    assert "100 of 1,000 rows have a label" in str(part)
    assert any(f"alone: {', '.join(sorted(SCORES[2:]))}" in n for n in part.notes) or (
        kind == "regressor"
    )


def test_all_labels_are_what_they_were_but_for_the_estimate(classifier):
    X, y = classes(1_000, seed=1)
    report = classifier.check(X, y)
    blank = {"estimated": NAN, "estimated_low": NAN, "estimated_high": NAN}
    plain = DriftAwareEstimator(
        LogisticRegression(), scoring=SCORES, performance=None
    ).fit(*classes(3000))
    old = plain.check(X, y)
    assert report.findings == old.findings
    assert report.notes == old.notes
    for name, score in report.expected_score.items():
        same = dataclasses.replace(score, **blank)
        assert repr(same) == repr(old.expected_score[name])


@pytest.mark.parametrize(
    "missing",
    [
        lambda y: [None] * len(y),
        lambda y: np.full(len(y), NAN),
        lambda y: pd.Series([pd.NA] * len(y), dtype="Int64"),
        lambda y: pl.Series([None] * len(y), dtype=pl.Int64),
    ],
)
def test_no_label_is_as_without_y_with_a_note(classifier, missing):
    X, y = classes(200, seed=1)
    report, without = classifier.check(X, missing(y)), classifier.check(X)
    assert "no label yet: all 200" in report.notes[0]
    assert dataclasses.replace(report, notes=report.notes[1:]) == without


@pytest.mark.parametrize(
    "held",
    [
        lambda y: [None if v != v else int(v) for v in y],
        lambda y: np.array([None if v != v else int(v) for v in y], dtype=object),
        lambda y: pd.Series(y, index=np.arange(len(y))[::-1]),
        lambda y: pd.Series(y).astype("Int64"),
        lambda y: pl.Series(y).fill_nan(None).cast(pl.Int64),
        lambda y: np.ma.masked_invalid(y),
    ],
)
def test_labels_count_by_their_position_in_any_container(classifier, held):
    X, y = classes(300, seed=1)
    y = some(y, 60)
    assert classifier.check(X, held(y)) == classifier.check(X, y)


def test_labels_that_are_texts():
    X, y = classes(2_000)
    names = np.array(["no", "yes"], dtype=object)
    wrapped = DriftAwareEstimator(LogisticRegression()).fit(X, names[y])
    X, y = classes(400, seed=1)
    given = names[y]
    given[50:] = None
    score = wrapped.check(X, given).expected_score["score"]
    assert score.n_labelled == 50
    assert score.realised == pytest.approx(
        (wrapped.predict(X) == names[y]).mean(), abs=0.2
    )


def test_a_row_of_two_outputs_has_a_label_if_both_are_there():
    X, y = values(1_500)
    wrapped = DriftAwareEstimator(LinearRegression(), scoring=ERRORS[:2])
    wrapped.fit(X, np.column_stack([y, 2 * y]))
    X, y = values(400, seed=1)
    both = np.column_stack([y, 2 * y])
    both[40:, 1] = NAN
    both[:10, 0] = NAN
    score = wrapped.check(X, both).expected_score["neg_mean_absolute_error"]
    assert score.n_labelled == 30
    assert np.isnan(score.estimated)
    known = np.abs(both - wrapped.predict(X))[10:40].mean()
    assert score.realised == pytest.approx(-known)


def test_one_class_among_the_labels_is_a_reason(classifier):
    X, y = classes(300, seed=1)
    given = np.where((y == 1) & (np.arange(300) < 80), 1.0, NAN)
    with pytest.warns(match="one class|Only one"):
        score = classifier.check(X, given).expected_score["roc_auc"]
    assert np.isnan(score.realised)
    assert "labelled rows have one label only" in score.reason


def test_a_label_that_is_no_class_is_wrong_or_a_reason(classifier):
    X, y = classes(300, seed=1)
    given = some(y, 100)
    given[np.flatnonzero(~np.isnan(given))[:3]] = 7.0
    scores = classifier.check(X, given).expected_score
    assert np.isfinite(scores["accuracy"].realised)
    assert scores["neg_log_loss"].reason


@pytest.mark.parametrize("n", [1, 2, 3, 9, 10, 299])
def test_any_number_of_labels(classifier, regressor, n):
    X, y = classes(300, seed=1)
    known = np.zeros(300, dtype=bool)
    known[np.flatnonzero(y == 1)[: (n + 1) // 2]] = True
    known[np.flatnonzero(y == 0)[: n - (n + 1) // 2]] = True
    known[: n - known.sum()] = True
    given = np.where(known, y, NAN)
    if n == 1:
        with pytest.warns(match="one class|Only one"):
            report = classifier.check(X, given)
    else:
        report = classifier.check(X, given)
    assert 0.0 <= report.expected_score["accuracy"].realised <= 1.0
    X, y = values(300, seed=1)
    if n == 1:
        with pytest.warns(match="two samples"):
            report = regressor.check(X, some(y, n))
    else:
        report = regressor.check(X, some(y, n))
    assert report.expected_score["neg_mean_absolute_error"].realised <= 0.0
    assert type(report).from_json(report.to_json()) == report


def test_labels_of_another_shape_or_type_are_errors(classifier):
    X, y = classes(50, seed=1)
    with pytest.raises(InputError, match="same number of rows"):
        classifier.check(X, some(y, 20)[:40])
    with pytest.raises(InputTypeError, match="one label for each row"):
        classifier.check(X, 3)


def test_labels_of_some_kind_of_rows_are_no_random_sample(classifier):
    X, y = classes(1_000, seed=1)
    given = np.where(X[:, 1] > 1.0, y, NAN)
    notes = classifier.check(X, given).notes
    told = [note for note in notes if "not a random sample" in note]
    assert len(told) == 1
    assert "x1" in told[0]
    assert not any("not a random" in n for n in classifier.check(X, some(y, 150)).notes)


def test_the_estimate_is_scored_when_labels_come(classifier):
    X, y = classes(2_000, flip=0.15, seed=1)
    report = classifier.check(X, y)
    accuracy = report.expected_score["accuracy"]
    estimate = classifier.estimate_score(X)["accuracy"]
    assert (accuracy.estimated, accuracy.estimated_low, accuracy.estimated_high) == (
        estimate.value,
        estimate.low,
        estimate.high,
    )
    off = [own for own in report.findings if own.code == "DA204"]
    assert off
    assert {own.severity for own in off} == {"note"}
    assert "the score without labels was off by" in off[0].message
    assert "the realised score is worse than that" in str(report)
    part = classifier.check(X, some(y, 1_000))
    assert "DA204" in codes(part)
    still = classifier.check(*classes(2_000, seed=2))
    assert "DA204" not in codes(still)
    assert "the realised score is within" in str(still)


def test_an_error_is_shown_positive(regressor):
    X, y = values(1_000, noise=3.0, seed=1)
    report = regressor.check(X, some(y, 200))
    assert {"DA201", "DA204"} <= set(codes(report))
    found = next(own for own in report.findings if own.code == "DA204")
    assert found.effect_size > 0
    assert found.low < found.effect_size < found.high
    alarm = next(own for own in report.findings if own.code == "DA201")
    assert "by the labels of 200 of 1,000 rows" in alarm.message


def test_more_labels_show_smaller_drops(classifier):
    X, y = classes(1_000, flip=0.06, seed=4)
    drops, needed = [], []
    for n in (30, 100, 400):
        score = classifier.check(X, some(y, n)).expected_score["accuracy"]
        drops.append(score.detectable_drop)
        needed.append(score.labels_needed)
    assert drops == sorted(drops, reverse=True)
    known = [n for n in needed if np.isfinite(n)]
    assert all(30 < n <= 1_000 for n in known)


def test_a_model_that_learned_no_losses_has_the_labelled_rows_alone():
    X, y = classes(1_500)
    plain = DriftAwareEstimator(LogisticRegression(), performance=None).fit(X, y)
    X, y = classes(500, seed=1)
    given = some(y, 80)
    score = plain.check(X, given).expected_score["score"]
    known = ~np.isnan(given)
    assert score.n_rows == 80
    assert np.isnan(score.estimated)
    assert score.realised == pytest.approx((plain.predict(X)[known] == y[known]).mean())
    assert score.realised_low < score.realised < score.realised_high


def test_a_model_of_before_has_the_labelled_rows_alone(classifier):
    state = classifier.baseline_.losses.__getstate__()
    place = [own.name for own in dataclasses.fields(LossModels)].index("explained")
    old = LossModels.__new__(LossModels)
    old.__setstate__(state[:place])
    assert old.explained.shape == (0,)


class Counting(ClassifierMixin, BaseEstimator):
    """Counts how often it is asked."""

    def fit(self, X, y):
        self.classes_ = np.unique(y)
        self.asked_ = []
        return self

    def predict_proba(self, X):
        self.asked_.append(("predict_proba", len(X)))
        second = 1 / (1 + np.exp(-X[:, 0]))
        return np.column_stack([1 - second, second])

    def predict(self, X):
        self.asked_.append(("predict", len(X)))
        return self.classes_[(X[:, 0] > 0).astype(int)]


def test_the_model_is_asked_once_for_each_answer():
    wrapped = DriftAwareEstimator(Counting(), scoring=["accuracy", "neg_log_loss"])
    wrapped.fit(*classes(1_000))
    X, y = classes(400, seed=1)
    wrapped.estimator_.asked_.clear()
    wrapped.check(X, some(y, 60))
    assert sorted(wrapped.estimator_.asked_) == [
        ("predict", 400),
        ("predict_proba", 400),
    ]


def in_blocks(n_blocks, seed):
    rng = np.random.default_rng(seed)
    groups = np.repeat(np.arange(n_blocks), 25)
    level = rng.normal(size=n_blocks)[groups]
    X = rng.normal(size=(len(groups), 3)) + 1.5 * level[:, None]
    noise = np.exp(0.5 * rng.normal(size=n_blocks))[groups]
    return X, X[:, 0] + noise * rng.normal(size=len(groups)), groups


@pytest.fixture(scope="module")
def grouped():
    X, y, groups = in_blocks(60, 0)
    model = DriftAwareEstimator(LinearRegression(), scoring=ERRORS[:1])
    return model.fit(X, y, groups=groups)


def test_labels_at_random_are_of_the_whole_batch(grouped):
    X, y, groups = in_blocks(20, 1)
    report = grouped.check(X, some(y, 100), groups=groups)
    score = report.expected_score["neg_mean_absolute_error"]
    assert "20 against 60" in score.basis
    assert score.realised_low < score.realised < score.realised_high


def test_labels_of_some_blocks_are_those_blocks(grouped):
    X, y, groups = in_blocks(20, 1)
    given = np.where(groups < 4, y, NAN)
    report = grouped.check(X, given, groups=groups)
    score = report.expected_score["neg_mean_absolute_error"]
    assert "4 against 60" in score.basis
    assert any("whole blocks, 4 of them" in note for note in report.notes)
    one = np.where(groups < 1, y, NAN)
    score = grouped.check(X, one, groups=groups).expected_score
    assert np.isnan(score["neg_mean_absolute_error"].realised_low)


def test_without_groups_a_note_says_how_labels_count(grouped):
    X, y, _ = in_blocks(20, 1)
    notes = grouped.check(X, some(y, 100)).notes
    assert any("labels count row by row" in note for note in notes)


@pytest.mark.parametrize(
    ("extrapolates", "why"),
    [(False, "does not hold for such rows"), (True, "training has few rows")],
)
def test_an_estimate_that_was_off_says_what_may_be_behind_it(extrapolates, why):
    score = ScoreExpectation(
        scorer="accuracy",
        value=0.9,
        low=0.8,
        high=1.0,
        level=0.95,
        n_rows=100,
        realised=0.5,
        estimated=0.9,
        estimated_low=0.85,
        estimated_high=0.95,
    )
    (note,) = estimate_findings([score], extrapolates=extrapolates)
    assert (note.code, note.severity) == ("DA204", "note")
    assert note.message.endswith(why)
    assert (note.low, note.effect_size, note.high) == pytest.approx(
        (-0.45, -0.4, -0.35)
    )
