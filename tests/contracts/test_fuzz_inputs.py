"""Random tables: an answer, or an error of ours, and never another exception."""

from __future__ import annotations

import json
import sys
import warnings
from collections.abc import Callable, Collection
from functools import cache
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest
from input_tables import Recorder
from random_tables import NAMES, PLAIN, random_table
from sklearn.ensemble import HistGradientBoostingClassifier

from skdrift import DriftAwareEstimator, DriftReport, Flags
from skdrift.exceptions import SkdriftError, SkdriftWarning


@pytest.fixture(autouse=True)
def _libraries_may_drop_what_a_hostile_cell_raises(monkeypatch):
    # pandas compares cells in C and drops what they raise ("Exception ignored in"),
    # for the bare model too; pytest would show the cell, which raises once more.
    monkeypatch.setattr(sys, "unraisablehook", lambda unraisable: None)


N_TRAINING = 300
TABLES_A_TEST = 100
N_QUICK_SEEDS = 20  # the slow test has more, by `--fuzz-tables`


@cache
def fitted(kind: str) -> DriftAwareEstimator:
    """Wrappers to look at the tables with: of every kind of column, or of numbers."""
    rng = np.random.default_rng(0)
    columns = {
        name: make(rng, N_TRAINING) for name, make in zip(NAMES, PLAIN, strict=True)
    }
    if kind == "gaps":
        columns["a"][::7] = [float("inf") if k % 2 else None for k in range(43)]
        columns["group"][::9] = [None] * 34
        columns["flag"] = [True] * N_TRAINING
        columns["text"] = [None] * N_TRAINING
        columns["b"] = list(range(N_TRAINING))
    y = np.arange(N_TRAINING) % 2
    if kind == "numbers":
        X: Any = rng.normal(size=(N_TRAINING, 6))
        model: Any = HistGradientBoostingClassifier(max_iter=2)
    else:
        X = pl.DataFrame(columns) if kind == "polars" else pd.DataFrame(columns)
        model = Recorder()
    return DriftAwareEstimator(model, cv=2 if kind == "numbers" else None).fit(X, y)


KINDS = ("pandas", "polars", "gaps", "numbers")


def outcome_of(call: Callable[[], Any]) -> tuple[Any, BaseException | None, set[Any]]:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            value, error = call(), None
        except Exception as raised:
            value, error = None, raised
    foreign = {
        (found.category, str(found.message))
        for found in caught
        if not issubclass(found.category, SkdriftWarning)
    }
    return value, error, foreign


def looked_at(call: Callable[[], Any], known: Collection[Any] = ()) -> Any:
    """What a look gave; None if it refused with an error of ours.

    Of warnings that are not ours only the `known` ones may come: those of the model.
    """
    value, error, foreign = outcome_of(call)
    assert foreign <= set(known)
    if error is not None:
        assert isinstance(error, SkdriftError), repr(error)
        assert isinstance(error, ValueError | TypeError)
        return None
    return value


def assert_answers(kind: str, X: Any) -> None:
    model = fitted(kind)
    bare, bare_error, known = outcome_of(lambda: model.estimator_.predict(X))
    answer, error, foreign = outcome_of(lambda: model.predict(X))
    assert type(error) is type(bare_error), repr(error)
    assert str(error) == str(bare_error)
    np.testing.assert_array_equal(answer, bare)
    assert foreign <= known
    report = looked_at(lambda: model.check(X), known)
    flags = looked_at(lambda: model.flag(X))
    assert (report is None) == (flags is None)
    if report is not None:
        assert_shown(report)
        assert isinstance(flags, Flags)
        assert flags.codes.shape == (report.n_rows, 6)
        assert looked_at(flags.to_frame) is not None


def assert_shown(report: DriftReport) -> None:
    shown = [looked_at(show) for show in (report.__str__, report._repr_html_)]
    assert all(text.encode("utf-8") for text in shown)
    json.loads(looked_at(report.to_json), parse_constant=pytest.fail)
    for row in report.features:
        assert 0.0 <= row.effect_size <= 1.0 or row.reason
        assert 0.0 <= row.pvalue <= 1.0 or row.reason
    for finding in report.findings:
        assert finding.message


def assert_learns(X: Any) -> None:
    model = DriftAwareEstimator(Recorder(), cv=None)
    if looked_at(lambda: model.fit(X)) is not None:
        report = looked_at(lambda: model.check(X))
        assert report is not None
        assert not {"DA301", "DA302", "DA303", "DA304", "DA406"} & {
            finding.code for finding in report.findings
        }
        assert_shown(report)


def assert_tables_hold(seed: int) -> None:
    for number in range(TABLES_A_TEST):
        rng = np.random.default_rng([seed, number])
        X = random_table(rng)
        try:
            assert_answers(KINDS[number % len(KINDS)], X)
            if number % 5 == 0:
                assert_learns(X)
        except Exception as error:
            error.add_note(f"random_table(np.random.default_rng([{seed}, {number}]))")
            raise


@pytest.mark.parametrize("seed", range(N_QUICK_SEEDS))
def test_any_table_gets_an_answer_or_an_error_of_ours(seed: int) -> None:
    assert_tables_hold(seed)


@pytest.mark.slow
def test_any_of_many_tables_gets_an_answer_or_an_error_of_ours(fuzz_seed: int) -> None:
    assert_tables_hold(fuzz_seed)
