"""Folds that part blocks, beside folds of whole blocks: what is kept and said."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from measure_honest import draw_rows
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.linear_model import Ridge
from sklearn.model_selection import (
    GroupKFold,
    KFold,
    LeaveOneOut,
    ShuffleSplit,
    StratifiedKFold,
    TimeSeriesSplit,
)
from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor

from skdrift import (
    BaselineWarning,
    DriftAwareEstimator,
    OptimisticScoreWarning,
    dump,
    load,
)
from skdrift.performance import _optimism
from skdrift.report import DriftReport
from skdrift.stats.jackknife import jackknife_interval

ROWS = draw_rows(60, 20, np.random.default_rng(0), effect=1.5)
SERIES = draw_rows(60, 20, np.random.default_rng(1), effect=1.5, memory=0.9)
SHUFFLED = KFold(5, shuffle=True, random_state=0)
SCORER = "neg_mean_absolute_error"
CLASSES = (ROWS.y > 0).astype(int)


def fitted(estimator: Any = None, y: Any = None, **params: Any) -> DriftAwareEstimator:
    estimator = estimator or KNeighborsRegressor(5)
    params = {"cv": SHUFFLED, "scoring": SCORER, **params}
    model = DriftAwareEstimator(estimator, **params)
    return model.fit(ROWS.X, ROWS.y if y is None else y, groups=ROWS.codes)


def quietly(*args: Any, **params: Any) -> DriftAwareEstimator:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", OptimisticScoreWarning)
        return fitted(*args, **params)


@pytest.fixture(scope="module")
def leaking() -> DriftAwareEstimator:
    return quietly()


def test_fit_warns_with_both_scores_and_the_remedy() -> None:
    with pytest.warns(OptimisticScoreWarning, match="GroupKFold") as caught:
        model = fitted()
    assert caught[0].filename == __file__
    assert not issubclass(OptimisticScoreWarning, BaselineWarning)
    (found,) = model.baseline_.optimism
    text = str(caught[0].message)
    assert f"promises mean_absolute_error {-found.promised:.4g}" in text
    assert f"by folds of whole groups it is {-found.by_blocks:.4g}" in text


def test_a_report_says_it_and_stays_ok(leaking: DriftAwareEstimator) -> None:
    report = leaking.check(ROWS.X, groups=ROWS.codes)
    assert report.ok
    (note,) = report.by_code("DA203")
    (found,) = leaking.baseline_.optimism
    assert note.severity == "note"
    assert note.effect_name == "change of mean_absolute_error"
    assert note.effect_size == pytest.approx(found.promised - found.by_blocks)
    assert 0 < note.low < note.effect_size < note.high
    assert "GroupKFold" in note.advice
    assert "DA203" in str(report)
    assert "DA203" in report._repr_html_()
    assert DriftReport.from_json(report.to_json()) == report


def test_the_promise_is_that_of_an_integer_cv(leaking: DriftAwareEstimator) -> None:
    by_number = fitted(cv=5)
    (kept,), (whole,) = leaking.baseline_.scores, by_number.baseline_.scores
    assert kept == whole
    assert leaking.baseline_.pass_name == "5 folds of whole blocks"
    (found,) = leaking.baseline_.optimism
    by_user = quietly(blocks=None).baseline_.scores[0]
    assert found.folds == by_user.folds
    assert found.promised == pytest.approx(by_user.value, rel=1e-6)
    assert found.by_blocks == pytest.approx(kept.value, rel=1e-6)
    assert (found.n_blocks, found.in_order) == (60, False)


@pytest.mark.parametrize("cv", [5, GroupKFold(5), None, "prefit"])
def test_folds_that_keep_blocks_whole_have_no_second_pass(cv: Any) -> None:
    estimator = KNeighborsRegressor(5)
    if cv == "prefit":
        estimator.fit(ROWS.X, ROWS.y)
    baseline = fitted(estimator, cv=cv).baseline_
    assert baseline.optimism == ()


def test_folds_that_part_few_rows_from_their_block_have_no_second_pass() -> None:
    # 240 rows would be 12 whole blocks; 228 part the blocks at the ends of a fold.
    rows = np.arange(len(ROWS.y))
    tests = np.split(rows, [228, 456, 684, 912])
    splits = [(np.setdiff1d(rows, test), test) for test in tests]
    parted = [np.isin(ROWS.codes[test], ROWS.codes[train]) for train, test in splits]
    assert 0.0 < np.concatenate(parted).mean() < 0.2
    assert fitted(cv=splits).baseline_.optimism == ()


def test_the_interval_holds_those_by_blocks_and_by_folds(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    seen: list[tuple[float, float]] = []

    def recorded(*args: Any) -> tuple[float, float]:
        seen.append(jackknife_interval(*args))
        return seen[-1]

    monkeypatch.setattr(_optimism, "jackknife_interval", recorded)
    (found,) = quietly().baseline_.optimism
    (low, high), (other_low, other_high) = seen
    assert low != other_low
    assert found.low == min(low, other_low)
    assert found.high == max(high, other_high)


def test_without_blocks_there_is_no_second_pass() -> None:
    baseline = fitted(blocks=None).baseline_
    assert baseline.optimism == ()
    assert baseline.pass_name == "5 folds"


@pytest.mark.parametrize("cv", [KFold(5), TimeSeriesSplit(5)])
def test_neighbouring_folds_of_a_series_have_no_second_pass(cv: Any) -> None:
    model = DriftAwareEstimator(KNeighborsRegressor(5), cv=cv, scoring=SCORER)
    assert model.fit(SERIES.X, SERIES.y).baseline_.optimism == ()


@pytest.mark.parametrize(
    ("cv", "n_folds"),
    [
        (KFold(3, shuffle=True, random_state=0), 5),
        (ShuffleSplit(4, test_size=0.5, random_state=0), 5),
        (list(SHUFFLED.split(ROWS.X)), 5),
        (ShuffleSplit(2, test_size=0.05, random_state=0), 10),
    ],
)
def test_folds_by_blocks_are_five_to_ten_and_hold_out_as_many_rows(
    cv: Any, n_folds: int
) -> None:
    baseline = quietly(cv=cv).baseline_
    (found,) = baseline.optimism
    assert found.is_certain
    assert len(baseline.scores[0].folds) == n_folds


def test_pieces_of_the_row_order_name_another_remedy() -> None:
    model = DriftAwareEstimator(KNeighborsRegressor(5), cv=SHUFFLED, scoring=SCORER)
    with pytest.warns(OptimisticScoreWarning, match="KFold without shuffle"):
        model.fit(SERIES.X, SERIES.y)
    (found,) = model.baseline_.optimism
    assert found.in_order


def test_classes_and_scores_that_are_no_means_of_rows() -> None:
    cv = StratifiedKFold(5, shuffle=True, random_state=0)
    model = quietly(
        KNeighborsClassifier(5), CLASSES, cv=cv, scoring=["accuracy", "roc_auc"]
    )
    accuracy, area = model.baseline_.optimism
    assert accuracy.is_certain
    assert accuracy.n_blocks == 60
    assert area.n_blocks == 0
    assert area.promised > area.by_blocks
    assert all(len(score.folds) == 5 for score in model.baseline_.scores)


def test_a_difference_that_is_not_certain_changes_nothing() -> None:
    rows = draw_rows(60, 20, np.random.default_rng(3))
    models = [
        DriftAwareEstimator(Ridge(), cv=SHUFFLED, scoring=SCORER, blocks=blocks)
        for blocks in ("auto", None)
    ]
    one, other = (model.fit(rows.X, rows.y, groups=rows.codes) for model in models)
    (found,) = one.baseline_.optimism
    assert found.low < 0 < found.high
    assert one.baseline_.pass_name == "5 folds"
    assert one.baseline_.scores[0].folds == other.baseline_.scores[0].folds
    assert not one.check(rows.X).by_code("DA203")


class FailsWithoutGroups(RegressorMixin, BaseEstimator):
    """Refuses training rows that lack a whole block."""

    def fit(self, X: np.ndarray, y: np.ndarray) -> FailsWithoutGroups:
        if len(np.unique(np.round(X[:, 0]))) < 60:
            raise ValueError("a block is missing")
        return self

    def predict(self, X: np.ndarray) -> np.ndarray:
        return np.zeros(len(X))


def test_a_second_pass_that_fails_is_a_note_and_no_warning() -> None:
    X = np.column_stack([ROWS.codes + 0.01 * ROWS.X[:, 0], ROWS.X[:, 1]])
    model = DriftAwareEstimator(FailsWithoutGroups(), cv=SHUFFLED, scoring=SCORER)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model.fit(X, ROWS.y, groups=ROWS.codes)
    assert model.baseline_.optimism == ()
    assert model.baseline_.pass_name == "5 folds"
    assert any("a block is missing" in note for note in model.baseline_.notes)


def test_weights_go_into_both_passes() -> None:
    weights = np.where(ROWS.codes < 30, 1.0, 5.0)
    settings: dict[str, Any] = {"scoring": SCORER}
    models = [DriftAwareEstimator(Ridge(), cv=cv, **settings) for cv in (SHUFFLED, 5)]
    fits = []
    for model in models:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", OptimisticScoreWarning)
            model.fit(ROWS.X, ROWS.y, groups=ROWS.codes, sample_weight=weights)
        fits.append(model.baseline_)
    (found,) = fits[0].optimism
    assert found.by_blocks == pytest.approx(fits[1].scores[0].value, rel=1e-6)


def test_jobs_side_by_side_give_the_same(leaking: DriftAwareEstimator) -> None:
    assert quietly(n_jobs=2).baseline_.optimism == leaking.baseline_.optimism


def test_the_comparison_travels_with_the_model(
    leaking: DriftAwareEstimator, tmp_path: Path
) -> None:
    dump(leaking, tmp_path / "model.skops")
    own = [
        "sklearn.metrics._dist_metrics.EuclideanDistance64",
        "sklearn.model_selection._split.KFold",
        "sklearn.neighbors._kd_tree.KDTree",
    ]
    again = load(tmp_path / "model.skops", trusted=own)
    assert again.baseline_.optimism == leaking.baseline_.optimism
    assert again.check(ROWS.X) == leaking.check(ROWS.X)


def test_leaving_out_single_rows_is_compared_with_ten_folds() -> None:
    rows = draw_rows(30, 5, np.random.default_rng(4), effect=2.0)
    model = DriftAwareEstimator(Ridge(), cv=LeaveOneOut(), scoring=SCORER)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", OptimisticScoreWarning)
        model.fit(rows.X, rows.y, groups=rows.codes)
    (found,) = model.baseline_.optimism
    assert found.n_blocks == 30
