"""The picture of scores over chunks: the contract of Displays, the model's numbers."""

from __future__ import annotations

import builtins

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import polars as pl
import pytest
from sklearn.cluster import KMeans
from sklearn.dummy import DummyRegressor
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.preprocessing import StandardScaler

from skdrift import DriftAwareEstimator, PerformanceDisplay
from skdrift.exceptions import (
    EstimatorError,
    InputError,
    InputTypeError,
    MissingDependencyError,
    NotFittedError,
    ParameterError,
)

MAE = "neg_mean_absolute_error"
N_CHUNKS = 6


def sample(n, seed):
    rng = np.random.default_rng(seed)
    X = pd.DataFrame(rng.normal(size=(n, 3)), columns=list("abc"))
    noise = (0.2 + np.abs(X["a"])) * rng.normal(size=n)
    return X, (X["a"] + noise).to_numpy()


@pytest.fixture(scope="module")
def regressor():
    model = DriftAwareEstimator(LinearRegression(), scoring=[MAE, "r2"])
    return model.fit(*sample(2_000, 0))


@pytest.fixture(scope="module")
def rows():
    """Six chunks of 100 rows, the last three of which have another y given X."""
    X, y = sample(600, 1)
    chunk = np.repeat(np.arange(N_CHUNKS), 100)
    return X, y + 3.0 * (chunk >= 3), chunk


def texts_of(display):
    ax, legend = display.ax_, display.ax_.get_legend()
    return [
        ax.get_title(loc="left"),
        ax.get_xlabel(),
        ax.get_ylabel(),
        *(label.get_text() for label in ax.get_xticklabels()),
        *(text.get_text() for text in ax.texts),
        *(text.get_text() for text in (legend.get_texts() if legend else ())),
    ]


def drawn_estimates(display):
    """Middle, low and high end of each estimate, as drawn."""
    line, _, (bars,) = display.estimated_.lines
    ends = np.array([segment[:, 1] for segment in bars.get_segments()])
    return line.get_ydata(), ends[:, 0], ends[:, 1]


def test_what_is_drawn_is_what_check_and_estimate_score_say(regressor, rows):
    X, y, chunk = rows
    display = PerformanceDisplay.from_estimator(regressor, X, y, by=chunk)
    middle, low, high = drawn_estimates(display)
    band = display.band_.get_data()
    for number in range(N_CHUNKS):
        mine = chunk == number
        told = regressor.check(X[mine], y[mine]).expected_score[MAE]
        assert display.line_.get_ydata()[number] == pytest.approx(-told.realised)
        assert band.values[number] == pytest.approx(-told.low)
        assert band.baseline[number] == pytest.approx(-told.high)
        assert display.promised_.get_data().values[number] == pytest.approx(-told.value)
        assert display.below_band_[number] == (told.realised < told.low)
        estimate = regressor.estimate_score(X[mine])[MAE]
        found = -np.array([estimate.value, estimate.high, estimate.low])
        assert [middle[number], low[number], high[number]] == pytest.approx(found)
        assert display.below_estimate_[number] == (told.realised < estimate.low)
    assert display.below_band_.tolist() == [False] * 3 + [True] * 3
    assert display.below_estimate_.tolist() == [False] * 3 + [True] * 3
    assert display.ax_.get_title(loc="left").startswith("3 of 6 realised scores")


def test_the_axis_has_the_name_and_the_direction_of_the_score(regressor, rows):
    X, y, chunk = rows
    for scorer, name, better in (
        (None, "mean_absolute_error", "lower"),
        ("r2", "r2", "higher"),
        ("neg_root_mean_squared_error", "root_mean_squared_error", "lower"),
    ):
        display = PerformanceDisplay.from_estimator(
            regressor, X, y, by=chunk, scorer=scorer
        )
        assert display.ax_.get_ylabel() == f"{name}\n({better} is better)"


def test_an_error_that_is_drawn_is_positive_and_a_score_is_as_it_is(regressor, rows):
    X, y, chunk = rows
    errors = PerformanceDisplay.from_estimator(regressor, X, y, by=chunk)
    assert (errors.line_.get_ydata() > 0).all()
    assert (errors.realised < 0).all()
    scores = PerformanceDisplay.from_estimator(regressor, X, y, by=chunk, scorer="r2")
    assert (scores.line_.get_ydata() == scores.realised).all()


def test_a_scorer_that_is_only_estimated_has_no_band(regressor, rows):
    X, y, chunk = rows
    display = PerformanceDisplay.from_estimator(
        regressor, X, y, by=chunk, scorer="neg_mean_squared_error"
    )
    assert display.band_ is None
    assert display.promised_ is None
    told = -np.mean((y[chunk == 0] - regressor.predict(X[chunk == 0])) ** 2)
    assert display.realised[0] == pytest.approx(told)
    assert display.ax_.get_title(loc="left") == (
        "3 of 6 realised scores worse than estimated"
    )


def test_without_labels_there_is_no_realised_score(regressor, rows):
    X, _, chunk = rows
    display = PerformanceDisplay.from_estimator(regressor, X, by=chunk)
    assert display.line_ is None
    assert display.band_ is not None
    assert not display.below_band_.any()
    assert not display.below_estimate_.any()


@pytest.mark.parametrize("missing", [np.nan, None])
def test_rows_without_a_label_are_left_out_and_promises_are_for_the_others(
    regressor, rows, missing
):
    X, y, chunk = rows
    some = np.array(y, dtype=object)
    some[chunk == 1] = missing
    some[60:100] = missing
    display = PerformanceDisplay.from_estimator(
        regressor, X, some.astype(float) if missing else some, by=chunk
    )
    told = regressor.check(X[:60], y[:60]).expected_score[MAE]
    assert display.realised[0] == pytest.approx(told.realised)
    assert display.promised_low[0] == pytest.approx(told.low)
    assert display.compared_low[0] == pytest.approx(
        regressor.estimate_score(X[:60])[MAE].low
    )
    whole = regressor.estimate_score(X[:100])[MAE]
    assert display.estimated[0] == pytest.approx(whole.value)
    assert np.isnan(display.realised[1])
    assert np.isfinite(display.realised[2:]).all()
    assert np.isnan(display.line_.get_ydata()[1])
    assert "460 of 600 rows have labels" in display.ax_.get_xlabel()


@pytest.mark.parametrize(
    "classes", [[0, 1], [False, True], ["no", "yes"], [0, 1, 2]], ids=str
)
@pytest.mark.parametrize("missing", [np.nan, None, pd.NA])
def test_labels_of_classes_may_be_missing(classes, missing):
    X, y = sample(900, 2)
    labels = np.array(classes)[np.digitize(y, [0, 1][: len(classes) - 1])]
    model = DriftAwareEstimator(LogisticRegression(), scoring="accuracy")
    model.fit(X[:600], labels[:600])
    some = labels[600:].astype(object)
    some[::3] = missing
    display = PerformanceDisplay.from_estimator(
        model, X[600:], pd.Series(some), chunk_size=300
    )
    kept = np.arange(600, 900) % 3 != 0
    told = model.score(X[600:][kept], labels[600:][kept])
    assert display.realised.tolist() == [pytest.approx(told)]


def test_where_the_estimate_extrapolates_it_is_hollow(regressor, rows):
    X, y, chunk = rows
    far = X.assign(a=X["a"] + 30.0 * (chunk == 2))
    display = PerformanceDisplay.from_estimator(regressor, far, y, by=chunk)
    assert display.extrapolates.tolist() == [n == 2 for n in range(N_CHUNKS)]
    assert display.extrapolated_.get_ydata().tolist() == [-display.estimated[2]]
    assert display.extrapolated_.get_markerfacecolor() == display.ax_.get_facecolor()
    filled = display.estimated_.lines[0].get_markevery()
    assert filled == [0, 1, 3, 4, 5]


def test_without_what_estimates_need_the_title_says_why(rows):
    X, y, chunk = rows
    model = DriftAwareEstimator(LinearRegression(), scoring=MAE, performance=None)
    model.fit(*sample(600, 0))
    display = PerformanceDisplay.from_estimator(model, X, y, by=chunk)
    assert display.estimated_ is None
    assert display.band_ is not None
    title = display.ax_.get_title(loc="left").replace("\n", " ")
    assert "no score can be estimated without labels" in title
    assert "assumes" not in display.ax_.get_xlabel()


def test_without_a_pass_the_realised_scores_are_drawn_alone(rows):
    X, y, chunk = rows
    model = DriftAwareEstimator(LinearRegression(), scoring=MAE, cv=None)
    model.fit(*sample(600, 0))
    display = PerformanceDisplay.from_estimator(model, X, y, by=chunk)
    assert display.band_ is None
    assert display.estimated_ is None
    assert np.isfinite(display.line_.get_ydata()).all()
    empty = PerformanceDisplay.from_estimator(model, X, by=chunk)
    assert "no score can be estimated" in "".join(texts_of(empty)).replace("\n", " ")
    empty.figure_.canvas.draw()


def test_blocks_widen_the_band_as_in_check():
    X, y = sample(3_000, 3)
    group = np.repeat(np.arange(60), 50)
    moved = np.random.default_rng(0).normal(size=60)[group]
    X, y = X.assign(b=X["b"] + moved), y + 2.0 * moved**2
    model = DriftAwareEstimator(LinearRegression(), scoring=MAE)
    model.fit(X[:2_000], y[:2_000], groups=group[:2_000])
    new = slice(2_000, 3_000)
    display = PerformanceDisplay.from_estimator(
        model, X[new], y[new], chunk_size=200, groups=group[new]
    )
    for number in range(5):
        mine = slice(2_000 + 200 * number, 2_200 + 200 * number)
        told = model.check(X[mine], y[mine], groups=group[mine]).expected_score[MAE]
        assert told.basis
        assert display.promised_low[number] == pytest.approx(told.low)
        assert display.promised_high[number] == pytest.approx(told.high)


# --- chunks -------------------------------------------------------------------


def test_rows_are_cut_in_their_order_and_the_last_chunk_has_the_rest(regressor, rows):
    X, y, _ = rows
    display = PerformanceDisplay.from_estimator(regressor, X, y, chunk_size=250)
    assert display.chunks.tolist() == [0, 250, 500]
    last = regressor.check(X[500:], y[500:]).expected_score[MAE]
    assert display.realised[2] == pytest.approx(last.realised)
    assert display.promised_low[2] == pytest.approx(last.low)
    assert len(PerformanceDisplay.from_estimator(regressor, X, y).chunks) == 2


def test_numbers_and_times_ascend_and_texts_stand_by_their_first_rows(regressor, rows):
    X, y, _ = rows
    places = np.random.default_rng(0).permutation(np.repeat([2, 0, 1], 200))
    days = np.datetime64("2024-05-01") + places * np.timedelta64(30, "D")
    as_number = PerformanceDisplay.from_estimator(regressor, X, y, by=places / 2)
    assert as_number.chunks.tolist() == [0.0, 0.5, 1.0]
    as_time = PerformanceDisplay.from_estimator(regressor, X, y, by=days)
    assert as_time.chunks.astype("M8[D]").tolist() == sorted(set(days.tolist()))
    names = np.array(["old", "new", "middle"])[places]
    as_text = PerformanceDisplay.from_estimator(regressor, X, y, by=names)
    assert as_text.chunks.tolist() == list(dict.fromkeys(names.tolist()))
    for display, label in ((as_number, places / 2), (as_time, days), (as_text, names)):
        for number, chunk in enumerate(display.chunks):
            mine = label == chunk
            told = -np.abs(y[mine] - regressor.predict(X[mine])).mean()
            assert display.realised[number] == pytest.approx(told)


def test_numbers_are_named_as_they_are(regressor, rows):
    X, y, chunk = rows
    by = np.array([2012.0, 0.125, 123456.75, np.inf, 20120101, -3])[chunk]
    ax = PerformanceDisplay.from_estimator(regressor, X, y, by=by).ax_
    labels = [label.get_text() for label in ax.get_xticklabels()]
    assert labels == ["-3", "0.125", "2012", "123457", "20120101", "inf"]


def test_months_are_readable_dates(regressor, rows):
    X, y, _ = rows
    hours = pd.Series(pd.date_range("2024-01-15", periods=600, freq="7h"), name="month")
    for by in (hours.dt.to_period("M"), hours.to_numpy().astype("M8[M]")):
        display = PerformanceDisplay.from_estimator(regressor, X, y, by=by)
        display.figure_.canvas.draw()
        assert display.chunks.astype("M8[M]").astype(str).tolist() == [
            f"2024-0{month}" for month in range(1, 8)
        ]
        labels = [label.get_text() for label in display.ax_.get_xticklabels()]
        assert {"Feb", "Mar", "Jul"} & set(labels)
    assert display.ax_.get_xlabel().startswith("the estimate assumes")
    named = PerformanceDisplay.from_estimator(
        regressor, X, y, by=hours.dt.to_period("M")
    )
    assert named.ax_.get_xlabel().startswith("month\n")


def test_times_that_matplotlib_cannot_draw_stand_side_by_side(regressor, rows):
    X, y, chunk = rows
    years = np.where(chunk < 3, "2020", "20000").astype("M8[Y]")
    display = PerformanceDisplay.from_estimator(regressor, X, y, by=years)
    display.figure_.canvas.draw()
    labels = [label.get_text() for label in display.ax_.get_xticklabels()]
    assert labels == ["2020-01-01", "20000-01-01"]


def test_rows_without_a_label_of_by_are_left_out_and_counted(regressor, rows):
    X, y, chunk = rows
    by = chunk.astype(float)
    by[:50] = np.nan
    display = PerformanceDisplay.from_estimator(regressor, X, y, by=by)
    assert "50 rows without a label are left out" in display.ax_.get_xlabel()
    told = regressor.check(X[50:100], y[50:100]).expected_score[MAE]
    assert display.realised[0] == pytest.approx(told.realised)


@pytest.mark.parametrize("library", ["pandas", "polars"])
def test_a_column_of_the_table_cuts_it_whether_the_model_knows_it_or_not(
    regressor, rows, library
):
    X, y, chunk = rows
    wide = X.assign(site=np.array(list("pqrstu"))[chunk])
    expected = PerformanceDisplay.from_estimator(regressor, X, y, by=chunk)
    given = pl.from_pandas(wide) if library == "polars" else wide
    display = PerformanceDisplay.from_estimator(regressor, given, y, by="site")
    assert display.chunks.tolist() == list("pqrstu")
    assert display.realised == pytest.approx(expected.realised)
    assert display.estimated == pytest.approx(expected.estimated)
    assert display.ax_.get_xlabel().startswith("site\n")
    known = PerformanceDisplay.from_estimator(
        regressor, X.assign(a=np.repeat([0.0, 1.0], 300)), y, by="a"
    )
    assert known.chunks.tolist() == [0.0, 1.0]


@pytest.mark.parametrize("n", [0, 1, 2])
def test_few_rows_are_drawn(regressor, rows, n):
    X, y, _ = rows
    times = np.datetime64("2024-01-01", "h") + np.arange(n)
    for by in (None, times, times.astype(str)):
        display = PerformanceDisplay.from_estimator(regressor, X[:n], y[:n], by=by)
        display.figure_.canvas.draw()
        assert (display.line_ is None) == (n == 0)


def test_two_hundred_chunks_are_drawn(regressor, rows):
    X, y, _ = rows
    display = PerformanceDisplay.from_estimator(regressor, X, y, chunk_size=3)
    assert len(display.chunks) == 200
    display.figure_.canvas.draw()
    assert len(display.ax_.get_xticklabels()) < 30


# --- contract -----------------------------------------------------------------


def test_plot_returns_itself_and_draws_on_the_axes_that_it_is_given(regressor, rows):
    X, y, chunk = rows
    figure, ax = plt.subplots()
    display = PerformanceDisplay.from_estimator(regressor, X, y, by=chunk, ax=ax)
    assert display.ax_ is ax
    assert display.figure_ is figure
    other = plt.figure().subplots()
    before = plt.get_fignums()
    assert display.plot(other) is display
    assert display.ax_ is other
    assert plt.get_fignums() == before
    assert display.plot().figure_ is not other.figure


def test_it_is_built_from_arrays_and_numbers_alone():
    display = PerformanceDisplay(
        scorer="accuracy",
        chunks=["a", "b", "c"],
        realised=[0.9, 0.6, np.nan],
        promised=0.9,
        promised_low=0.8,
        promised_high=0.95,
        estimated=[0.9, 0.62, 0.7],
        estimated_low=[0.8, 0.5, 0.6],
        estimated_high=[0.95, 0.7, 0.8],
        extrapolates=[False, False, True],
        notes=["three sites"],
    ).plot(name="spring")
    assert display.below_band_.tolist() == [False, True, False]
    assert display.below_estimate_.tolist() == [False, False, False]
    assert display.band_.get_data().values.tolist() == [0.95] * 3
    assert display.ax_.get_title(loc="left").startswith("spring: 1 of 2")
    assert "three sites" in display.ax_.get_xlabel()
    assert display.ax_.get_ylabel() == "accuracy\n(higher is better)"
    bare = PerformanceDisplay(scorer="accuracy", chunks=[1, 2], realised=[0.5, 0.6])
    assert bare.plot().band_ is None
    with pytest.raises(ParameterError, match="chunks must be one label for each"):
        PerformanceDisplay(scorer="r2", chunks="abc", realised=1.0).plot()
    with pytest.raises(ParameterError, match=r"realised must .* shape \(2,\)"):
        PerformanceDisplay(scorer="r2", chunks=[1, 2, 3], realised=[1, 2]).plot()
    with pytest.raises(ParameterError, match="estimated must hold numbers"):
        PerformanceDisplay(scorer="r2", chunks=[1], estimated=["much"]).plot()


def test_the_legend_stands_above_what_is_drawn(regressor, rows):
    X, y, chunk = rows
    for size in ((8.5, 4.8), (4.0, 4.0)):
        _, ax = plt.subplots(figsize=size, layout="constrained")
        display = PerformanceDisplay.from_estimator(regressor, X, y, by=chunk, ax=ax)
        display.figure_.canvas.draw()
        bottom = ax.get_legend().get_window_extent().y0
        highest = np.nanmax([-display.realised, -display.estimated_low])
        assert ax.transData.transform((0, highest))[1] < bottom


def test_names_are_letters_and_harm_nothing(regressor, rows, nasty_name):
    X, y, chunk = rows
    by = pd.Series(np.where(chunk < 3, nasty_name, "b"), name=nasty_name)
    display = PerformanceDisplay.from_estimator(regressor, X, y, by=by, name=nasty_name)
    display.figure_.canvas.draw()
    for text in texts_of(display):
        assert all(len(line) <= 120 for line in text.split("\n"))
        assert all(char.isprintable() or char == "\n" for char in text)


def test_other_arguments_are_refused(regressor, rows):
    X, y, chunk = rows
    draw = PerformanceDisplay.from_estimator
    with pytest.raises(ParameterError, match=rf"scorer must be one of \['{MAE}', 'r2'"):
        draw(regressor, X, y, scorer="accuracy")
    with pytest.raises(ParameterError, match=r"got \['r2'\]"):
        draw(regressor, X, y, scorer=["r2"])
    with pytest.raises(EstimatorError, match="must be a DriftAwareEstimator"):
        draw(LinearRegression(), X, y)
    with pytest.raises(NotFittedError, match="call fit"):
        draw(DriftAwareEstimator(DummyRegressor()), X, y)
    with pytest.raises(ParameterError, match="by must be the name of a column"):
        draw(regressor, X, y, by="month")
    with pytest.raises(ParameterError, match=r"each of the 600 rows, got 599 labels"):
        draw(regressor, X, y, by=chunk[1:])
    with pytest.raises(ParameterError, match="by cannot be read"):
        draw(regressor, X, y, by=[[1, 2]] * 600)
    with pytest.raises(ParameterError, match="cannot both be given"):
        draw(regressor, X, y, by=chunk, chunk_size=9)
    with pytest.raises(ParameterError, match="chunk_size must be an integer"):
        draw(regressor, X, y, chunk_size=0)
    with pytest.raises(ParameterError, match=r"at most 1,000 chunks .* 1,200"):
        draw(regressor, pd.concat([X, X]), np.tile(y, 2), by=np.arange(1_200))
    with pytest.raises(ParameterError, match=r"at most 1,000 .* take larger chunks"):
        draw(regressor, pd.concat([X, X]), np.tile(y, 2), chunk_size=1)
    with pytest.raises(InputError, match="same number of rows"):
        draw(regressor, X, y[1:], by=chunk)
    with pytest.raises(InputTypeError, match="ax must be one Axes"):
        draw(regressor, X, y, by=chunk, ax="here")
    with pytest.raises(ParameterError, match="groups must have one entry"):
        draw(regressor, X, y, by=chunk, groups=chunk[1:])


def test_a_model_without_a_score_is_refused():
    X, _ = sample(100, 0)
    model = DriftAwareEstimator(StandardScaler()).fit(X)
    with pytest.raises(EstimatorError, match="StandardScaler has no score"):
        PerformanceDisplay.from_estimator(model, X)
    clusters = DriftAwareEstimator(KMeans(2, n_init=1)).fit(X)
    PerformanceDisplay.from_estimator(clusters, X).figure_.canvas.draw()


def test_what_a_scorer_fails_with_is_said(regressor, rows):
    X, y, chunk = rows
    lost = y.copy()
    lost[:] = np.inf
    display = PerformanceDisplay.from_estimator(regressor, X, lost, by=chunk)
    assert display.line_ is None
    assert "on this batch" in display.ax_.get_xlabel().replace("\n", " ")


def test_without_matplotlib_the_error_says_what_to_install(
    regressor, rows, monkeypatch
):
    X, y, chunk = rows
    found = builtins.__import__

    def without(name, *args, **kwargs):
        if name.partition(".")[0] == "matplotlib":
            raise ImportError("no matplotlib here")
        return found(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(MissingDependencyError, match=r"pip install skdrift\[plot\]"):
        PerformanceDisplay.from_estimator(regressor, X, y, by=chunk)
