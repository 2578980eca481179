"""`report.detectable`: by column, the smallest effect that a batch could have shown."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pandas as pd
import pytest
from sklearn.dummy import DummyRegressor

from skdrift import DriftAwareEstimator
from skdrift.exceptions import FormatError
from skdrift.report import DriftReport


def table(n, seed, sd=0.0):
    rng = np.random.default_rng(seed)
    return pd.DataFrame(
        {
            "number": rng.normal(sd, 1.0, n),
            "gaps": np.where(rng.random(n) < 0.9, np.nan, rng.normal(size=n)),
            "level": rng.choice(["a", "b", "c"], n),
            "yes": rng.random(n) < 0.1,
            "text": ["w" * k + " é!" for k in rng.integers(1, 60, n)],
            "empty": np.nan,
        }
    )


@pytest.fixture(scope="module")
def model():
    rows = table(4_000, 0)
    wrapped = DriftAwareEstimator(DummyRegressor(), cv=None, blocks=None)
    return wrapped.fit(rows, np.zeros(len(rows)))


def test_every_column_that_is_tested_has_one(model):
    report = model.check(table(500, 1))
    assert list(report.detectable) == [row.feature for row in report.features]
    for row in report.features:
        assert math.isnan(row.detectable_effect) == (row.outcome == "not tested")
    assert math.isnan(report.detectable["empty"])


def test_a_number_without_gaps_has_that_of_the_report(model):
    report = model.check(table(500, 1))
    assert report.detectable["number"] == pytest.approx(report.detectable_effect)


def test_missing_values_and_tests_that_share_the_level_make_it_larger(model):
    detectable = model.check(table(500, 1)).detectable
    assert detectable["gaps"] > 2 * detectable["number"]
    assert detectable["text"] > detectable["number"]
    assert detectable["level"] > detectable["yes"]


def test_more_rows_see_less(model):
    few, many = (model.check(table(n, 1)).detectable for n in (60, 2_000))
    for name in ("number", "gaps", "level", "yes", "text"):
        assert 0 < many[name] < few[name] <= 1


def test_it_is_in_json_and_in_the_frame(model):
    report = model.check(table(500, 1))
    again = DriftReport.from_json(report.to_json())
    assert again == report
    assert again.detectable["level"] == report.detectable["level"]
    assert "detectable_effect" in report.to_frame().columns


def test_a_report_of_an_older_format_has_none(model):
    report = model.check(table(500, 1))
    document = report.to_dict()
    document["format"] = 2
    for record in document["features"]:
        del record["detectable_effect"]
    again = DriftReport.from_dict(document)
    assert all(math.isnan(value) for value in again.detectable.values())
    features = tuple(
        dataclasses.replace(row, detectable_effect=math.nan) for row in report.features
    )
    assert again == dataclasses.replace(report, features=features)


@pytest.mark.parametrize("features", [None, 5, ["x"], {"a": 1}])
def test_a_damaged_report_of_an_older_format_is_refused(model, features):
    document = {**model.check(table(40, 1)).to_dict(), "format": 2}
    document["features"] = features
    with pytest.raises(FormatError):
        DriftReport.from_dict(document)


def test_forty_rows_that_moved_a_fifth_of_a_deviation_are_undecided_and_say_so():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(5_000, 5))
    wrapped = DriftAwareEstimator(DummyRegressor(), cv=None, blocks=None)
    wrapped.fit(X, np.zeros(len(X)))
    for _ in range(20):
        report = wrapped.check(rng.normal(0.2, 1.0, size=(40, 5)))
        if report.ok:
            break
    assert report.outcome == "undecided"
    assert 40 < report.rows_needed < 2_000
    assert min(report.detectable.values()) > 0.08  # 0.2 standard deviations
    assert "40 rows are too few" in str(report)
    assert f"{math.ceil(report.rows_needed):,} would do" in str(report)
