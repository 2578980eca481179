"""The picture of one column: scikit-learn's contract, and the report's numbers."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from sklearn.dummy import DummyRegressor

from skdrift import DriftAwareEstimator, ShiftDisplay
from skdrift.exceptions import (
    EstimatorError,
    InputTypeError,
    NotFittedError,
    ParameterError,
)

NUMBERS = ["number", "count", "skewed", "huge", "when", "constant", "span"]
LEVELS = ["level", "many", "yes"]
COLUMNS = [*NUMBERS, *LEVELS, "text"]


def texts_of(display):
    ax = display.ax_
    legend = ax.get_legend()
    return [
        ax.get_title(loc="left"),
        ax.get_xlabel(),
        *(label.get_text() for label in ax.get_yticklabels()),
        *(text.get_text() for text in (legend.get_texts() if legend else ())),
    ]


@pytest.mark.parametrize("style", ["distribution", "histogram"])
@pytest.mark.parametrize("feature", COLUMNS)
def test_every_kind_of_column_is_drawn(model, batch, feature, style):
    display = ShiftDisplay.from_estimator(model, batch, feature=feature, style=style)
    assert display.figure_ is display.ax_.figure
    assert display.row.feature == feature
    assert display.reference_ is not None
    assert display.current_ is not None
    display.figure_.canvas.draw()


@pytest.mark.parametrize("feature", COLUMNS)
@pytest.mark.parametrize("n", [0, 1, 40])
def test_few_rows_are_drawn(model, batch, feature, n):
    display = ShiftDisplay.from_estimator(model, batch[:n], feature=feature)
    assert (display.current_ is None) == (n == 0)
    display.figure_.canvas.draw()


def test_plot_returns_itself_and_draws_on_the_axes_that_it_is_given(model, batch):
    figure, ax = plt.subplots()
    display = ShiftDisplay.from_estimator(model, batch, feature="number", ax=ax)
    assert display.ax_ is ax
    assert display.figure_ is figure
    other = plt.figure().subplots()
    before = plt.get_fignums()
    assert display.plot(other) is display
    assert display.ax_ is other
    assert plt.get_fignums() == before


def test_without_axes_each_plot_makes_one_figure_and_closes_none(model, batch):
    display = ShiftDisplay.from_estimator(model, batch, feature="level")
    first = display.figure_
    display.plot()
    assert display.figure_ is not first
    assert plt.get_fignums() == [first.number, display.figure_.number]


@pytest.mark.parametrize("feature", NUMBERS)
def test_the_largest_gap_of_the_curves_is_the_effect_of_the_report(
    model, batch, feature
):
    report = model.check(batch)
    row = next(row for row in report.features if row.feature == feature)
    display = ShiftDisplay.from_estimator(model, batch, feature=feature)
    before, now = (line.get_ydata() for line in (display.reference_, display.current_))
    assert np.abs(now - before).max() == pytest.approx(row.effect_size, abs=1e-12)
    start, end = display.gap_.get_ydata()
    assert abs(end - start) == pytest.approx(row.effect_size, abs=1e-12)
    assert (np.diff(before) >= 0).all()
    assert (before[0], before[-1]) == (0, pytest.approx(1))


@pytest.mark.parametrize("feature", ["number", "count", "constant", "when"])
def test_the_steps_of_a_histogram_hold_all_rows(model, batch, feature):
    display = ShiftDisplay.from_estimator(
        model, batch, feature=feature, style="histogram"
    )
    for artist in (display.reference_, display.current_):
        assert artist.get_data().values.sum() == pytest.approx(1)


def test_bars_are_the_shares_of_the_rows(model, batch):
    display = ShiftDisplay.from_estimator(model, batch, feature="yes")
    widths = [bar.get_width() for bar in display.current_]
    share = batch["yes"].mean()
    assert widths == pytest.approx([1 - share, share])


def test_a_new_level_is_drawn_and_named_new(model, batch):
    moved = batch.assign(level=["brand new"] * 100 + batch["level"].tolist()[100:])
    display = ShiftDisplay.from_estimator(model, moved, feature="level")
    labels = [label.get_text() for label in display.ax_.get_yticklabels()]
    place = labels.index("brand new (new)")
    assert list(display.reference_)[place].get_width() == 0
    assert list(display.current_)[place].get_width() == pytest.approx(0.2)
    assert "100 rows in categories" in display.ax_.get_xlabel()


def test_levels_that_are_not_drawn_are_counted(model, batch):
    display = ShiftDisplay.from_estimator(model, batch, feature="many")
    drawn = len(display.ax_.get_yticklabels())
    (text,) = [text.get_text() for text in display.ax_.texts]
    assert text.startswith(f"{200 - drawn} others together")


def test_what_is_missing_outside_or_infinite_is_said(model, batch):
    moved = batch.copy()
    moved.loc[:49, "number"] = np.nan
    moved.loc[50, "number"] = np.inf
    moved.loc[51:53, "number"] = 1e6
    label = ShiftDisplay.from_estimator(model, moved, feature="number").ax_.get_xlabel()
    for part in (
        "missing 0 % → 10 %",
        "above the range",
        "1 row infinite",
        "to 1,000,000",
    ):
        assert part in label.replace("\n", " ")


def test_one_far_value_does_not_squeeze_the_others(model, batch):
    moved = batch.copy()
    moved.loc[0, "number"] = 1e12
    ax = ShiftDisplay.from_estimator(model, moved, feature="number").ax_
    assert ax.get_xlim()[1] < 30


@pytest.mark.parametrize("gone", ["all missing", "no column"])
@pytest.mark.parametrize("feature", ["number", "level", "when", "yes"])
def test_a_column_that_is_gone_shows_training_alone(model, batch, feature, gone):
    moved = batch.drop(columns=feature)
    if gone == "all missing":
        moved = batch.assign(**{feature: pd.Series([None] * len(batch), dtype=object)})
    display = ShiftDisplay.from_estimator(model, moved, feature=feature)
    assert display.current_ is None
    assert display.reference_ is not None
    assert display.gap_ is None


def test_a_column_that_nothing_is_known_of_says_why():
    rows = pd.DataFrame({"a": np.arange(50.0), "empty": [np.nan] * 50})
    wrapped = DriftAwareEstimator(DummyRegressor(), cv=None, blocks=None)
    wrapped.fit(rows, np.zeros(50))
    display = ShiftDisplay.from_estimator(wrapped, rows, feature="empty")
    assert [text.get_text() for text in display.ax_.texts] != [""]
    display.figure_.canvas.draw()


def test_dates_before_the_year_one_thousand_and_after_nine_thousand_are_drawn():
    times = np.array(["0500-01-01", "2020-01-01", "9999-12-31"], dtype="datetime64[s]")
    rows = pd.DataFrame({"when": np.repeat(times, 20), "x": np.arange(60.0)})
    wrapped = DriftAwareEstimator(DummyRegressor(), cv=None, blocks=None)
    wrapped.fit(rows, np.zeros(60))
    ShiftDisplay.from_estimator(wrapped, rows, feature="when").figure_.canvas.draw()


def test_names_are_letters_and_harm_nothing(nasty_name, batch):
    rows = pd.DataFrame(
        {
            nasty_name: batch["number"].to_numpy(),
            "level": [nasty_name, "b"] * (len(batch) // 2),
        }
    )
    wrapped = DriftAwareEstimator(DummyRegressor(), cv=None, blocks=None)
    wrapped.fit(rows, np.zeros(len(rows)))
    for feature in (0, "level"):
        display = ShiftDisplay.from_estimator(
            wrapped, rows, feature=feature, name=nasty_name
        )
        display.figure_.canvas.draw()
        for text in texts_of(display):
            assert all(len(line) <= 120 for line in text.split("\n"))
            assert all(char.isprintable() or char == "\n" for char in text)
    if "$" in nasty_name:
        assert any(nasty_name in text for text in texts_of(display))


def test_the_column_that_moved_furthest_is_drawn_unless_one_is_named(model, batch):
    display = ShiftDisplay.from_estimator(model, batch)
    drifted = [r for r in model.check(batch).features if r.outcome == "drift"]
    assert display.row.effect_size == max(row.effect_size for row in drifted)


def test_styles_reach_matplotlib(model, batch):
    display = ShiftDisplay.from_estimator(
        model, batch, feature="number", current_kwargs={"color": "green", "lw": 5}
    )
    assert display.current_.get_color() == "green"
    assert display.current_.get_linewidth() == 5


@pytest.mark.parametrize("feature", ["nothing", 99, -99, True, 1.5])
def test_a_column_that_there_is_not_is_refused(model, batch, feature):
    with pytest.raises(ParameterError, match="feature must be the name"):
        ShiftDisplay.from_estimator(model, batch, feature=feature)


def test_other_arguments_are_refused(model, batch):
    with pytest.raises(EstimatorError, match="must be a DriftAwareEstimator"):
        ShiftDisplay.from_estimator(object(), batch)
    with pytest.raises(NotFittedError, match="call fit"):
        ShiftDisplay.from_estimator(DriftAwareEstimator(DummyRegressor()), batch)
    with pytest.raises(ParameterError, match="style must be"):
        ShiftDisplay.from_estimator(model, batch, style="pie")
    with pytest.raises(InputTypeError, match="ax must be one Axes"):
        ShiftDisplay.from_estimator(model, batch, ax=plt.subplots(1, 2)[1])


def band_of(display, style):
    """Ends of the band at the values of the reference's curve or bins."""
    if style == "histogram":
        high, _, low = display.band_.get_data()
        return low, high
    low, high = display.band.ends(display.band.parts)
    path = display.band_.get_paths()[0].vertices
    assert path[:, 1].min() == low.min()
    assert path[:, 1].max() == pytest.approx(high.max())
    return low, high


@pytest.mark.parametrize("style", ["distribution", "histogram"])
@pytest.mark.parametrize("feature", COLUMNS)
def test_where_blocks_count_every_column_is_drawn_with_what_is_stored_of_them(
    blocked_model, blocked, feature, style
):
    batch, _ = blocked(1, 3)
    display = ShiftDisplay.from_estimator(
        blocked_model, batch, feature=feature, style=style
    )
    display.figure_.canvas.draw()
    if feature == "many":  # the levels that moved most are none of the frequent ones
        assert display.band is not None
        return
    assert display.band_ is not None
    labels = [text.get_text() for text in display.ax_.get_legend().get_texts()]
    assert labels[1].startswith("90 % of its 60 blocks")
    assert labels[1].endswith("smoothed") == (not display.distributions.levels)


def test_where_rows_count_there_is_no_band(model, batch):
    display = ShiftDisplay.from_estimator(model, batch, feature="number")
    assert display.band is None
    assert display.band_ is None


@pytest.mark.parametrize("style", ["distribution", "histogram"])
def test_training_lies_within_the_band_and_a_far_batch_does_not(
    blocked_model, blocked, style
):
    batch, _ = blocked(1, 3)
    display = ShiftDisplay.from_estimator(
        blocked_model,
        batch.assign(number=batch["number"] + 9),
        feature="number",
        style=style,
    )
    low, high = band_of(display, style)
    shown = display.distributions
    if style == "histogram":
        before, now = (
            artist.get_data().values
            for artist in (display.reference_, display.current_)
        )
    else:
        before, now = shown.reference, shown.current
    assert (before >= low - 1e-9).all()
    assert (before <= high + 1e-9).all()
    assert (now > high + 0.05).any() or (now < low - 0.05).any()


def test_nine_of_ten_further_blocks_lie_within_the_band(blocked_model, blocked):
    rows, groups = blocked(40, 4)
    inside = []
    for group in range(40):
        display = ShiftDisplay.from_estimator(
            blocked_model, rows[groups == group], feature="number"
        )
        plt.close(display.figure_)
        low, high = display.band.ends(display.band.parts)
        now = display.distributions.current
        middle = np.searchsorted(display.distributions.reference, 0.5)
        inside.append(low[middle] <= now[middle] <= high[middle])
    assert 0.75 < np.mean(inside) <= 1.0


def test_the_band_of_a_batch_of_several_blocks_is_narrower(blocked_model, blocked):
    one, _ = blocked(1, 3)
    many, groups = blocked(9, 3)
    widths = []
    for batch, told in ((one, None), (many, groups)):
        display = ShiftDisplay.from_estimator(
            blocked_model, batch, feature="number", groups=told
        )
        low, high = display.band.ends(display.band.parts)
        widths.append((high - low).max())
    assert widths[1] < 0.5 * widths[0]
    assert display.band.n_together == 9
    labels = [text.get_text() for text in display.ax_.get_legend().get_texts()]
    assert "90 % of 9 of its 60 blocks, smoothed" in labels


def test_ranges_are_of_the_levels_whose_shares_are_stored(blocked_model, blocked):
    batch, _ = blocked(1, 3)
    moved = batch.assign(level=["brand new"] * 10 + batch["level"].tolist()[10:])
    display = ShiftDisplay.from_estimator(blocked_model, moved, feature="level")
    labels = [label.get_text() for label in display.ax_.get_yticklabels()]
    line = display.band_.lines[2][0]
    assert len(line.get_segments()) == len(labels) - 1
    for bar, (start, end) in zip(display.reference_, line.get_segments(), strict=False):
        assert start[0] <= bar.get_width() <= end[0]
    many = ShiftDisplay.from_estimator(blocked_model, batch, feature="many")
    assert np.isfinite(many.band.parts).all(axis=0).sum() == 6
