"""Policies: warn once, raise with the report, ignore, or hand the report on."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
import pytest
from sklearn.dummy import DummyClassifier
from sklearn.linear_model import LinearRegression

from skdrift import DriftAwareEstimator, DriftError, DriftWarning
from skdrift.exceptions import (
    DriftAndInvalidInputWarning,
    InvalidInputError,
    InvalidInputWarning,
    ParameterError,
)

rng = np.random.default_rng(0)
X = rng.normal(size=(600, 4))
Y = X @ [1.0, 2.0, 0.0, -1.0]


def fitted(**settings):
    return DriftAwareEstimator(LinearRegression(), cv=None, **settings).fit(X, Y)


def usual(n=100):
    return np.random.default_rng(1).normal(size=(n, 4))


def moved(n=100):
    return usual(n) * 0.4 + 0.8


def invalid(n=100):
    batch = usual(n)
    batch[0, 2] = 1e6
    return batch


def given(model, batch):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        model.predict(batch)
    return [warning.category for warning in caught]


@pytest.mark.parametrize(
    ("batch", "expected"),
    [
        (usual(), []),
        (usual(1), []),
        (moved(), [DriftWarning]),
        (moved(20), []),
        (invalid(), [InvalidInputWarning]),
        (invalid(1), [InvalidInputWarning]),
        (np.vstack([moved(), invalid(1)]), [DriftAndInvalidInputWarning]),
    ],
)
def test_a_call_gives_at_most_one_warning_of_the_right_class(batch, expected):
    assert given(fitted(), batch) == expected


def test_the_warning_for_both_is_caught_as_either():
    assert issubclass(DriftAndInvalidInputWarning, DriftWarning)
    assert issubclass(DriftAndInvalidInputWarning, InvalidInputWarning)


def test_the_warning_is_short_and_names_codes_columns_and_evidence():
    with pytest.warns(DriftWarning) as caught:
        fitted().predict(moved())
    text = str(caught[0].message)
    assert len(text.splitlines()) <= 5
    for part in ("DA101", "x0", "KS distance", "model.check(X)"):
        assert part in text
    assert caught[0].filename == __file__


def test_ignore_is_silent():
    model = fitted(on_invalid="ignore", on_shift="ignore")
    assert given(model, np.vstack([moved(), invalid(1)])) == []


@pytest.mark.parametrize(
    ("policy", "batch", "error"),
    [
        ("on_shift", moved(), DriftError),
        ("on_invalid", invalid(), InvalidInputError),
    ],
)
def test_raise_raises_with_the_report(policy, batch, error):
    model = fitted(**{policy: "raise"})
    model.predict(usual())
    with pytest.raises(error) as caught:
        model.predict(batch)
    assert isinstance(caught.value, ValueError)
    assert caught.value.report.n_rows == len(batch)
    assert "DA" in str(caught.value)


@pytest.mark.parametrize(
    ("policy", "batch"), [("on_shift", moved()), ("on_invalid", invalid())]
)
def test_a_callable_is_given_the_report_and_nothing_is_warned(policy, batch):
    seen = []
    model = fitted(**{policy: seen.append})
    assert given(model, usual()) == []
    assert seen == []
    assert given(model, batch) == []
    assert len(seen) == 1
    assert seen[0].n_rows == len(batch)


@pytest.mark.parametrize("policy", ["on_shift", "on_invalid"])
@pytest.mark.parametrize("value", ["explode", None, 1])
def test_any_other_policy_is_refused_at_fit(policy, value):
    rule = f"{policy} must be one of .*got {value!r}"
    with pytest.raises(ParameterError, match=rule):
        fitted(**{policy: value})


def test_predict_looks_at_a_systematic_sample_and_check_at_all_rows():
    model = fitted(max_check_rows=50, on_shift="ignore", on_invalid="ignore")
    _, report = model.predict(usual(1000), return_report=True)
    assert report.n_rows == 1000
    assert report.n_checked == 50
    assert model.check(usual(1000)).n_checked == 1000


def test_invalid_rows_outside_the_sample_are_flagged():
    batch = usual(1000)
    batch[777, 1] = np.inf
    model = DriftAwareEstimator(DummyClassifier(), cv=None, max_check_rows=30)
    model.fit(X, Y > 0)
    with pytest.warns(InvalidInputWarning, match="DA404"):
        model.predict(batch)


def test_a_missing_column_that_the_model_does_not_need_is_an_invalid_input():
    frame = pd.DataFrame(X, columns=list("abcd"))
    model = DriftAwareEstimator(DummyClassifier(), cv=None).fit(frame, Y > 0)
    with pytest.warns(InvalidInputWarning, match="DA301"):
        model.predict(frame[["a", "b", "c"]])


def test_an_input_that_cannot_be_read_never_makes_an_answer_fail():
    class Anything(DummyClassifier):
        def predict(self, X):
            return np.zeros(3)

    model = DriftAwareEstimator(Anything(), cv=None).fit(X, Y > 0)
    with pytest.warns(InvalidInputWarning, match="DA406"):
        answer = model.predict("three texts")
    np.testing.assert_array_equal(answer, np.zeros(3))
