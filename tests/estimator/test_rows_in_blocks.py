"""A model that counts blocks: what it keeps, what it says, how it is cut into folds."""

from __future__ import annotations

import pickle
import warnings
from pathlib import Path

import numpy as np
import pytest
import skops.io
from sklearn.base import clone
from sklearn.dummy import DummyClassifier, DummyRegressor

from skdrift import TRUSTED_TYPES, DriftAwareEstimator, dump, load
from skdrift._core.frame import read_table
from skdrift.estimator._learning import PassSettings, plan_splits
from skdrift.exceptions import ParameterError
from skdrift.profile._profile import learn_profile
from skdrift.shift import find_blocks

N_BLOCKS, SIZE = 100, 24


def days(rng: np.random.Generator, n: int, d: int = 4) -> np.ndarray:
    blocks = rng.normal(size=(n, 1, d)) + rng.normal(size=(n, SIZE, d))
    return blocks.reshape(-1, d)


def moved(batch: np.ndarray, by: float) -> np.ndarray:
    return batch + np.array([0.0, by, 0.0, 0.0])


def fitted(**params: object) -> DriftAwareEstimator:
    X = days(np.random.default_rng(0), N_BLOCKS)
    params = {"blocks": "auto", **params}
    model = DriftAwareEstimator(DummyRegressor(), cv=None, **params)  # type: ignore[arg-type]
    groups = np.repeat(np.arange(N_BLOCKS), SIZE)
    return model.fit(X, X[:, 0], groups=groups)


def test_a_day_is_no_alarm_with_blocks_and_one_without() -> None:
    rng = np.random.default_rng(1)
    with_blocks, without = fitted(alpha=0.05), fitted(alpha=0.05, blocks=None)
    batches = [days(rng, 2) for _ in range(40)]
    groups = np.repeat([0, 1], SIZE)
    alarms = [not with_blocks.check(batch, groups=groups).ok for batch in batches]
    assert sum(alarms) <= 6
    assert sum(not without.check(batch).ok for batch in batches) >= 30
    assert without.baseline_.blocks is None
    assert without.check(batches[0], groups=groups) == without.check(batches[0])


def test_predict_looks_at_a_batch_of_one_short_block() -> None:
    rng = np.random.default_rng(2)
    model = fitted(alpha=0.05)
    model.set_params(on_shift="ignore", on_invalid="ignore")
    _, report = model.predict(moved(days(rng, 1), 9.0), return_report=True)
    assert report.alarms[0].features == ("x1",)
    assert report.blocks.n_reference == N_BLOCKS
    assert report.blocks.n_current == 1
    assert report.blocks.promised


def test_the_report_says_what_is_counted_and_what_would_do() -> None:
    model = fitted(alpha=0.001)
    report = model.check(days(np.random.default_rng(3), 1))
    assert (report.blocks.n_like, report.blocks.promised) == (N_BLOCKS, False)
    assert report.blocks.n_needed == 999
    assert "the alarm level counts 100 groups, not rows" in report.notes
    text = " ".join(str(report).split())
    assert "1 block against 100, alpha = 0.001 is not promised: that takes 999" in text
    assert "is not promised: that takes 999" in report._repr_html_()
    assert type(report).from_json(report.to_json()) == report


def test_groups_of_a_batch_are_checked() -> None:
    model = fitted()
    batch = days(np.random.default_rng(4), 1)
    with pytest.raises(ParameterError, match="one entry for each of the 24 rows"):
        model.check(batch, groups=[1, 2])
    with pytest.raises(ParameterError, match="must not be missing"):
        model.check(batch, groups=[None] * SIZE)


def test_blocks_travel_with_the_model(tmp_path: Path) -> None:
    model = fitted()
    dump(model, tmp_path / "model.skops")
    batch = moved(days(np.random.default_rng(5), 3), 4.0)
    report = model.check(batch)
    assert load(tmp_path / "model.skops").check(batch) == report
    assert pickle.loads(pickle.dumps(model)).check(batch) == report


def test_blocks_are_the_one_type_that_blocks_add() -> None:
    types = [
        set(skops.io.get_untrusted_types(data=skops.io.dumps(model)))
        for model in (fitted(), fitted(blocks=None))
    ]
    assert types[0] - types[1] == {"skdrift.profile._blocks.BlockValues"}
    assert types[0] <= set(TRUSTED_TYPES)


def test_the_artifact_of_many_blocks_and_columns_is_small(tmp_path: Path) -> None:
    X = days(np.random.default_rng(6), 500, 50)
    model = DriftAwareEstimator(DummyRegressor(), cv=None, blocks="auto")
    model.fit(X, X[:, 0], groups=np.repeat(np.arange(500), SIZE))
    dump(model, tmp_path / "model.skops")
    assert (tmp_path / "model.skops").stat().st_size < 400_000


@pytest.mark.parametrize("classifier", [False, True])
def test_an_integer_cv_keeps_pieces_of_the_row_order_whole(*, classifier: bool) -> None:
    labels = np.repeat(np.arange(20), 15)
    X = np.zeros((300, 1))
    y = np.arange(300) % 2 if classifier else np.arange(300.0)
    settings = PassSettings(
        cv=5,
        scoring=None,
        groups=None,
        fit_params={},
        score_params={},
        n_jobs=None,
        seed=0,
    )
    model = DummyClassifier() if classifier else DummyRegressor()
    reference = learn_profile(
        read_table(X), categorical_features=None, n_cells=128, min_category_count=1
    )
    found = find_blocks(X, reference, None, 20)
    assert np.array_equal(found.labels, labels)
    splits, reason = plan_splits(model, X, y, settings, found)
    assert not reason
    assert len(splits) == 5
    for train, test in splits:
        assert not set(labels[train]) & set(labels[test])


def test_rows_in_the_order_of_time_are_found_by_themselves() -> None:
    X = days(np.random.default_rng(7), N_BLOCKS)
    model = DriftAwareEstimator(DummyRegressor(), blocks="auto").fit(X, X[:, 0])
    assert model.baseline_.blocks.origin == "row order"
    assert model.baseline_.notes[0].startswith("rows depend on their neighbours in 4")
    shuffled = np.random.default_rng(8).permutation(X)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        other = clone(model).fit(shuffled, shuffled[:, 0])
    assert other.baseline_.blocks is None
    assert other.check(X[:100]).blocks is None
