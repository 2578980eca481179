from __future__ import annotations

import math
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skdrift._core.result import ScoreExpectation
from skdrift._core.shown_score import shown_score

NAN = math.nan


def test_an_error_is_positive_and_its_interval_ordered(
    make_score: Callable[..., ScoreExpectation],
) -> None:
    shown = shown_score(make_score(realised=-35.2))
    assert shown.name == "mean_absolute_error"
    assert (shown.value, shown.low, shown.high) == (20.8, 19.9, 21.7)
    assert shown.realised == 35.2


def test_an_error_larger_than_promised_is_worse(
    make_score: Callable[..., ScoreExpectation],
) -> None:
    assert shown_score(make_score(realised=-35.2)).place == "worse"
    assert shown_score(make_score(realised=-20.0)).place == "inside"
    assert shown_score(make_score(realised=-1.0)).place == "better"


@pytest.mark.parametrize(
    ("scorer", "value", "realised"),
    [
        ("accuracy", 0.9, 0.8),
        ("r2", -0.2, -0.4),
        ("neg_class_recall", 0.8, 0.7),
        ("neg_class_recall", 0.0, NAN),
        ("neg_mean_absolute_error", NAN, NAN),
    ],
)
def test_other_scores_keep_their_sign_and_name(
    make_score: Callable[..., ScoreExpectation],
    scorer: str,
    value: float,
    realised: float,
) -> None:
    score = make_score(scorer=scorer, value=value, realised=realised)
    shown = shown_score(score)
    assert shown.name == scorer
    assert (shown.low, shown.high) == (score.low, score.high)
    assert shown.value == pytest.approx(value, nan_ok=True)
    assert shown.realised == pytest.approx(realised, nan_ok=True)


def test_an_error_is_turned_by_its_realised_value_alone(
    make_score: Callable[..., ScoreExpectation],
) -> None:
    shown = shown_score(make_score(value=NAN, low=NAN, high=NAN, realised=-3.0))
    assert (shown.name, shown.realised) == ("mean_absolute_error", 3.0)
    assert shown.place == "unknown"


@given(low=st.floats(-9, -5), value=st.floats(-5, -3), high=st.floats(-3, -1))
def test_turning_keeps_the_order_of_the_interval(
    low: float, value: float, high: float
) -> None:
    shown = shown_score(
        ScoreExpectation(
            scorer="neg_max_error",
            value=value,
            low=low,
            high=high,
            level=0.95,
            n_rows=10,
        )
    )
    assert 0 < shown.low <= shown.value <= shown.high


@pytest.mark.parametrize("lost", ["low", "high", "realised"])
def test_without_labels_or_interval_the_place_is_unknown(
    make_score: Callable[..., ScoreExpectation], lost: str
) -> None:
    score = make_score(**{"realised": -35.2, lost: NAN})
    assert shown_score(score).place == "unknown"
