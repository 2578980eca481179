"""Random tables: rejected rows are the flagged ones, and no other exception comes."""

from __future__ import annotations

import sys
import warnings
from functools import cache
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest
from input_tables import Recorder, rows_in
from random_tables import NAMES, PLAIN, random_table

from skdrift import DriftAwareEstimator, DriftReport, SkdriftError

N_TRAINING = 200
TABLES_A_TEST = 60
KINDS = ("pandas", "polars")


@pytest.fixture(autouse=True)
def _libraries_may_drop_what_a_hostile_cell_raises(monkeypatch):
    monkeypatch.setattr(sys, "unraisablehook", lambda unraisable: None)


class Twos(Recorder):
    def predict(self, X: Any) -> np.ndarray:
        return np.full(rows_in(X), 2)


class Sums(Recorder):
    """Detector of nothing in particular that wants finite numbers."""

    def score_samples(self, X: np.ndarray) -> np.ndarray:
        assert np.isfinite(X).all()
        return np.asarray(X.sum(axis=1))


@cache
def fitted(kind: str, policy: str) -> DriftAwareEstimator:
    rng = np.random.default_rng(0)
    columns = {
        name: make(rng, N_TRAINING) for name, make in zip(NAMES, PLAIN, strict=True)
    }
    frame: Any = pl.DataFrame(columns) if kind == "polars" else pd.DataFrame(columns)
    return DriftAwareEstimator(
        Recorder(),
        cv=None,
        on_invalid=policy,
        on_shift="ignore",
        abstain_value=1,
        fallback=Twos(),
        novelty=Sums(),
    ).fit(frame, np.arange(N_TRAINING) % 2)


def got(call: Any) -> Any:
    """What a call gave; None if it refused with an error of ours."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        try:
            return call()
        except SkdriftError:
            return None


def assert_rejects(X: Any, kind: str) -> bool:
    flags = got(lambda: fitted(kind, "abstain").flag(X))
    for policy, label in (("abstain", 1), ("fallback", 2)):
        model = fitted(kind, policy)
        pair = got(lambda model=model: model.predict(X, return_report=True))
        if pair is None:
            assert flags is None
            continue
        answer, report = pair
        assert len(answer) == rows_in(X)
        again = DriftReport.from_json(report.to_json())
        assert (again.rejected is None) == (report.rejected is None)
        if flags is None:
            assert (answer == label).all()
            continue
        np.testing.assert_array_equal(answer, np.where(flags.rows(), label, 0))
        n_rejected = report.rejected.n_rows if report.rejected else 0
        assert n_rejected == flags.rows().sum()
        assert str(report).encode()
    if flags is None:
        return False
    assert ((flags.pvalues > 0) & (flags.pvalues <= 1)).all()
    parted = flags.quarantine(X, reason="why", include_novel=0.2)
    n_rejected = int((flags.rows() | flags.novel(0.2)).sum())
    assert rows_in(parted.rejected) == len(parted.reasons) == n_rejected
    assert rows_in(parted.clean) == rows_in(X) - n_rejected
    if getattr(X, "format", "") != "dia":  # whose rows have no diagonals
        assert type(parted.clean) is type(X)
    return True


@pytest.mark.parametrize("seed", range(6))
def test_any_table_is_rejected_by_its_flags_or_refused_with_an_error_of_ours(seed):
    read = 0
    for number in range(TABLES_A_TEST):
        X = random_table(np.random.default_rng([seed, number]))
        try:
            read += assert_rejects(X, KINDS[number % 2])
        except Exception as error:
            error.add_note(f"random_table(np.random.default_rng([{seed}, {number}]))")
            raise
    assert read > TABLES_A_TEST / 4
