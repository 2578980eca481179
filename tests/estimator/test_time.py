"""A model that knows when its rows are from."""

from __future__ import annotations

import pickle
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest
from sklearn.dummy import DummyClassifier, DummyRegressor
from sklearn.linear_model import LinearRegression

from skdrift import DriftAwareEstimator, DriftReport, dump, load
from skdrift.exceptions import ParameterError
from skdrift.shift._trend import cut_in_order

N, M = 2_000, 300
START = np.datetime64("2024-01-01T00", "us")


def table(n: int, start: int = 0, seed: int = 1, slope: float = 1.0) -> pd.DataFrame:
    """Hourly rows: a column that moves by one sd in 2,000 hours, and two that stand."""
    rng = np.random.default_rng([seed, abs(start)])
    hours = np.arange(start, start + n)
    frame = pd.DataFrame(
        {
            "when": START + hours.astype("m8[h]"),
            "moves": rng.normal(size=n) + slope * hours / N,
            "stands": rng.normal(size=n),
            "town": rng.choice(["a", "b", "c"], size=n),
        }
    )
    return frame.sample(frac=1, random_state=seed) if not start else frame


def model(time: Any = "when", X: pd.DataFrame | None = None, **params: Any) -> Any:
    params = {"cv": None, "alpha": 0.05, **params}
    frame = table(N) if X is None else X
    fitted = DriftAwareEstimator(DummyRegressor(), **params)
    return fitted.fit(frame, np.zeros(len(frame)), time=time)


@pytest.fixture(scope="module")
def timed() -> Any:
    return model()


def row(report: DriftReport, feature: str) -> Any:
    return next(row for row in report.features if row.feature == feature)


def test_a_column_that_moves_on_is_no_alarm(timed: Any) -> None:
    later = table(M, start=N + 200)
    report = timed.check(later)
    assert report.ok, str(report)
    assert not model(None, table(N)).check(later).ok
    assert 0.15 < row(report, "moves").tolerance < 0.7
    assert row(report, "stands").tolerance == 0.01
    assert row(report, "when").outcome == "not tested"
    assert np.isnan(row(report, "when").tolerance)
    assert any(
        note.startswith("1 column moves with time: tolerance") for note in report.notes
    )
    assert "not compared (it is the time of the rows): 'when'" in report.notes
    assert not any("when" in finding.features for finding in report.findings)
    assert report == DriftReport.from_json(report.to_json())
    assert "tolerance" in report._repr_html_()


def test_a_jump_beyond_the_trend_is_an_alarm_that_says_so(timed: Any) -> None:
    later = table(M, start=N + 200)
    later["moves"] += 3.0
    alarms = timed.check(later).by_code("DA101")
    assert [alarm.features for alarm in alarms] == [("moves",)]
    assert "the column moves with time, and 0." in alarms[0].message
    later = table(M, start=N + 200)
    later["stands"] += 0.5
    assert {a.features for a in timed.check(later).alarms} == {("stands",)}


def test_tolerance_grows_with_the_lag_and_detectable_effects_do(timed: Any) -> None:
    found = [row(timed.check(table(M, start=N + h)), "moves") for h in (0, 1000, 3000)]
    tolerances = [each.tolerance for each in found]
    assert tolerances == sorted(tolerances)
    assert tolerances[0] < tolerances[-1]
    assert all(each.detectable_effect > each.tolerance for each in found)
    far = timed.check(table(M, start=6 * N))
    assert any("extrapolated very far" in note for note in far.notes)
    early = timed.check(table(M, start=-1000 - M))
    assert row(early, "moves").tolerance == pytest.approx(tolerances[1], abs=0.05)


def test_predict_finds_the_time_by_itself(timed: Any) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        timed.predict(table(M, start=N + 200))
    _, report = timed.predict(table(M, start=N + 200), return_report=True)
    assert row(report, "moves").tolerance > 0.1


CONTAINERS: dict[str, Callable[[pd.Series], Any]] = {
    "numbers": lambda s: s.astype("int64").to_numpy(),
    "datetimes": lambda s: s.to_numpy(),
    "series": lambda s: s,
    "zone": lambda s: s.dt.tz_localize("UTC"),
    "polars": lambda s: pl.Series(s.to_numpy()),
    "list": lambda s: [stamp.to_pydatetime() for stamp in s],
}


@pytest.mark.parametrize("container", CONTAINERS)
def test_times_as_an_array_are_those_of_a_column(container: str, timed: Any) -> None:
    X, later = table(N), table(M, start=N + 200)
    convert = CONTAINERS[container]
    other = model(convert(X["when"]), X.drop(columns="when"))
    report = other.check(later.drop(columns="when"), time=convert(later["when"]))
    expected = row(timed.check(later), "moves").tolerance
    assert row(report, "moves").tolerance == pytest.approx(expected, abs=1e-4)


def test_zones_are_compared_as_instants_and_none_is_an_error() -> None:
    X, later = table(N), table(M, start=N + 200)
    X["when"] = X["when"].dt.tz_localize("UTC")
    zoned = model(X=X)
    utc, tokyo = later.copy(), later.copy()
    utc["when"] = utc["when"].dt.tz_localize("UTC")
    tokyo["when"] = utc["when"].dt.tz_convert("Asia/Tokyo")
    assert zoned.check(utc) == zoned.check(tokyo)
    naive = later["when"].to_numpy()
    with pytest.raises(ParameterError, match=r"tz_localize\('UTC'\)"):
        zoned.check(utc, time=naive)
    with pytest.raises(ParameterError, match="type that fit was given"):
        zoned.check(utc, time=np.arange(M))
    with pytest.raises(ParameterError, match="tz_localize"):
        model().check(later, time=utc["when"])


def test_without_a_time_a_batch_follows_right_after_training(timed: Any) -> None:
    X, later = table(N), table(M, start=N)
    by_array = model(X["when"], X.drop(columns="when"))
    report = by_array.check(later.drop(columns="when"))
    assert any("taken to follow right after training" in n for n in report.notes)
    expected = row(timed.check(later), "moves").tolerance
    assert row(report, "moves").tolerance == pytest.approx(expected, abs=0.01)
    some = later.copy()
    some.loc[some.index[:5], "when"] = pd.NaT
    assert any("missing in 5 rows" in n for n in timed.check(some).notes)
    for wrong in (later.drop(columns="when"), later.assign(when="soon")):
        notes = timed.check(wrong).notes
        assert any("taken to follow right after training" in n for n in notes)
    assert timed.check(later.iloc[:0]).n_rows == 0


BAD: dict[str, tuple[Any, str]] = {
    "unknown": ("then", "X does not have"),
    "text": ("town", "must hold numbers or times"),
    "length": (np.arange(5), r"each of the 2,000 rows, got 5"),
    "square": (np.zeros((N, 2)), "one entry for each"),
    "number": (5, "one entry for each"),
    "nan": (np.r_[np.nan, np.arange(N - 1.0)], r"1 rows .* \[0\]"),
    "inf": (np.r_[np.inf, np.arange(N - 1.0)], r"1 rows .* \[0\]"),
    "nat": (np.full(N, np.datetime64("NaT", "us")), r"2,000 rows"),
    "texts": (["2024-01-01"] * N, "convert texts first"),
    "boolean": (np.ones(N, dtype=bool), "must hold numbers or times"),
}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_time_is_named_at_fit_and_at_check(name: str, timed: Any) -> None:
    bad, message = BAD[name]
    with pytest.raises(ParameterError, match=message):
        model(bad)
    with pytest.raises(ParameterError, match=message):
        timed.check(table(N), time=bad)


def test_a_time_at_check_alone_is_an_error() -> None:
    with pytest.raises(ParameterError, match="fit with time as well"):
        model(None).check(table(M), time="when")


def test_equal_times_and_few_rows_are_said() -> None:
    equal = model(np.zeros(N))
    assert any("all times of training are equal" in n for n in equal.baseline_.notes)
    report = equal.check(table(M, start=N), time=np.ones(M))
    assert row(report, "moves").tolerance == 0.01
    few = model("when", table(100))
    assert any("100 rows, and 200 are needed" in n for n in few.baseline_.notes)
    days = model(np.arange(N) // 500)
    assert any("4 times apart" in n for n in days.baseline_.notes)
    assert model(np.arange(1), table(1)).check(table(M, start=N)).n_rows == M


def test_rows_are_in_the_order_of_time_for_blocks_and_folds() -> None:
    rng = np.random.default_rng(0)
    n = 2_000
    walk = np.convolve(rng.normal(size=n + 30), np.ones(30), "valid")[:n]
    order = rng.permutation(n)
    X, times = walk[order][:, None], order.astype(float)
    shuffled = model(None, pd.DataFrame(X), blocks="auto")
    assert shuffled.baseline_.blocks is None
    timed = model(times, pd.DataFrame(X), blocks="auto")
    assert timed.baseline_.blocks.origin == "row order"
    pieces = model(np.arange(n) // 100, pd.DataFrame(X), blocks=50)
    assert pieces.baseline_.blocks.n_blocks == 20


@pytest.mark.parametrize("classes", [False, True])
def test_an_integer_cv_has_folds_of_neighbours_in_time(
    classes: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    X = table(600)
    y = np.arange(600) % 2 if classes else X["moves"].to_numpy()
    seen: list[Any] = []

    def spy(*args: Any, **kwargs: Any) -> Any:
        seen.extend(args[3])
        return original(*args, **kwargs)

    import skdrift.estimator._learning as learning  # noqa: PLC0415  (to be patched)

    original = learning.cross_validate_folds
    monkeypatch.setattr(learning, "cross_validate_folds", spy)
    dummy = DummyClassifier() if classes else DummyRegressor()
    DriftAwareEstimator(dummy, cv=5).fit(X, y, time="when")
    assert len(seen) == 5
    place = X["when"].rank().to_numpy() - 1
    for _, test in seen:
        runs = 1 + (np.diff(np.sort(place[test])) > 1).sum()
        assert runs == 1 if not classes else runs <= 10
    assert sorted(np.concatenate([test for _, test in seen])) == list(range(600))


def test_answers_are_those_without_a_time() -> None:
    X = table(N)[["moves", "stands"]]
    bare = LinearRegression().fit(X, X["moves"])
    wrapped = DriftAwareEstimator(LinearRegression(), on_shift="ignore")
    wrapped.fit(X, X["moves"], time=np.arange(N))
    np.testing.assert_array_equal(wrapped.predict(X), bare.predict(X))


def test_what_is_learned_is_small_and_travels(timed: Any, tmp_path: Path) -> None:
    later = table(M, start=N + 200)
    dump(timed, tmp_path / "model.skops")
    for again in (load(tmp_path / "model.skops"), pickle.loads(pickle.dumps(timed))):
        assert again.check(later) == timed.check(later)
    assert len(pickle.dumps(timed.baseline_.trend)) < 3_000
    shuffled = table(N).sample(frac=1, random_state=1)
    assert row(model(X=shuffled).check(later), "moves").tolerance == pytest.approx(
        row(timed.check(later), "moves").tolerance, abs=1e-6
    )


def test_range_and_categories_may_move_by_the_tolerance() -> None:
    n = 4_000
    hours = np.arange(n + 600)
    rng = np.random.default_rng(4)
    X = pd.DataFrame({"level": 3.0 * hours / n + 0.3 * rng.random(n + 600)})
    fitted = model(hours[:n], X[:n], blocks=None)
    report = fitted.check(X[n:], time=hours[n:])
    assert not report.by_code("DA403") or all(
        finding.severity == "note" for finding in report.by_code("DA403")
    )
    plain = model(None, X[:n], blocks=None).check(X[n:])
    assert plain.by_code("DA403")[0].severity == "alarm"


@pytest.mark.parametrize("times", [np.arange(50), np.repeat(np.arange(10), 5)])
def test_pieces_never_part_equal_times(times: np.ndarray) -> None:
    for n_pieces in (1, 2, 7, 10, 20):
        labels = cut_in_order(times, n_pieces)
        assert labels[0] == 0
        assert set(np.diff(labels)) <= {0, 1}
        assert labels[-1] < n_pieces
        assert all(len(set(labels[times == time])) == 1 for time in times)
    assert cut_in_order(np.zeros(9), 3).max() == 0
    lopsided = np.r_[np.zeros(90), np.arange(1, 11)]
    assert cut_in_order(lopsided, 5).max() >= 1


def test_columns_of_independent_rows_do_not_move() -> None:
    rng = np.random.default_rng(0)
    X = pd.DataFrame(rng.normal(size=(2_000, 200)))
    X.loc[:, 100:] = np.round(X.loc[:, 100:])
    report = model(np.arange(2_000), X).check(X[:500], time=np.arange(2_000, 2_500))
    tolerances = np.array([each.tolerance for each in report.features])
    assert (tolerances > 0.02).mean() <= 0.03
