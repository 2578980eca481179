"""The picture of a report: scikit-learn's contract, order, and what is counted."""

from __future__ import annotations

import builtins
import dataclasses

import matplotlib.pyplot as plt
import numpy as np
import pytest
from sklearn.dummy import DummyRegressor

from skdrift import DriftAwareEstimator, DriftOverviewDisplay
from skdrift.exceptions import (
    EstimatorError,
    InputTypeError,
    MissingDependencyError,
    ParameterError,
)
from skdrift.report import DriftReport


@pytest.fixture(scope="module")
def report(model, batch):
    moved = batch.copy()
    moved.loc[:99, "constant"] = np.nan
    moved["many"] = ["new $1$"] * 50 + moved["many"].tolist()[50:]
    return model.check(moved.drop(columns="span"))


def marks(ax):
    """Effects that are drawn, by their height."""
    return {
        int(line.get_ydata()[0]): line.get_xdata()[0]
        for line in ax.lines
        if len(line.get_xdata()) == 1
    }


def texts(ax):
    return [text.get_text() for text in ax.texts]


def test_plot_returns_itself_and_draws_on_the_axes_that_it_is_given(report):
    figure, ax = plt.subplots()
    display = DriftOverviewDisplay.from_report(report, ax=ax)
    assert display.ax_ is ax
    assert display.figure_ is figure
    other = plt.figure().subplots()
    before = plt.get_fignums()
    assert display.plot(other) is display
    assert display.ax_ is other
    assert plt.get_fignums() == before


def test_without_axes_each_plot_makes_one_figure_and_closes_none(report):
    first = DriftOverviewDisplay.from_report(report)
    second = DriftOverviewDisplay.from_report(report)
    assert plt.get_fignums() == [first.figure_.number, second.figure_.number]


def test_every_column_stands_once_with_the_numbers_of_the_report(report):
    display = DriftOverviewDisplay.from_report(report)
    assert set(display.features_) == set(report.features)
    drawn = marks(display.ax_)
    for place, row in enumerate(display.features_):
        if row.outcome != "not tested":
            assert drawn[place] == row.effect_size
    labels = [label.get_text() for label in display.ax_.get_yticklabels()]
    assert labels == [row.feature for row in display.features_]


def test_what_drifted_stands_first_then_other_alarms_then_the_undecided(report):
    display = DriftOverviewDisplay.from_report(report)
    alarmed = {name for alarm in report.alarms for name in alarm.features}
    places = []
    for row in display.features_:
        if row.outcome == "drift":
            places.append(0)
        elif row.feature in alarmed:
            places.append(1)
        else:
            places.append(["undecided", "stable", "not tested"].index(row.outcome) + 2)
    assert places == sorted(places)
    assert {0, 1} < set(places)
    effects = [r.effect_size for r in display.features_ if r.outcome == "drift"]
    assert effects == sorted(effects, reverse=True)


def test_events_are_written_beside_the_column_and_alarms_are_marked(report):
    shown = texts(DriftOverviewDisplay.from_report(report).ax_)
    assert {"missing", "unseen", "20 %", "all", "◆"} <= set(shown)
    n_unseen = {row.feature: row.n_unseen for row in report.features}["many"]
    assert n_unseen >= 50
    assert str(n_unseen) in shown


def test_tolerance_and_bound_are_lines(report):
    ax = DriftOverviewDisplay.from_report(report).ax_
    upright = {
        line.get_xdata()[0]
        for line in ax.lines
        if len(set(line.get_xdata())) == 1 and len(line.get_xdata()) == 2
    }
    assert {report.min_effect, report.stable_bound} <= upright
    labels = [text.get_text() for text in ax.get_legend().get_texts()]
    assert "tolerance 0.01" in labels
    assert "stable bound 0.10" in labels


def test_outcomes_differ_in_shape_not_in_colour_alone(report):
    ax = DriftOverviewDisplay.from_report(report).ax_
    shapes = {line.get_marker() for line in ax.lines if len(line.get_xdata()) == 1}
    assert len(shapes) == len({r.outcome for r in report.features} - {"not tested"})


def test_of_500_columns_40_are_drawn_and_the_rest_is_counted():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(300, 500))
    wrapped = DriftAwareEstimator(DummyRegressor(), cv=None, blocks=None)
    wrapped.fit(X, np.zeros(300))
    moved = X[:100].copy()
    moved[:, 490:] += 3
    display = DriftOverviewDisplay.from_estimator(wrapped, moved)
    assert len(display.features_) == 40
    drifted = [row.feature for row in display.features_ if row.outcome == "drift"]
    assert set(drifted) == {f"x{place}" for place in range(490, 500)}
    assert "460 more columns" in display.ax_.get_xlabel()
    few = DriftOverviewDisplay.from_estimator(wrapped, moved, max_columns=3)
    assert len(few.features_) == 3


@pytest.mark.parametrize("n", [0, 1])
def test_a_batch_of_no_or_one_row_is_drawn(model, batch, n):
    display = DriftOverviewDisplay.from_estimator(model, batch[:n])
    assert marks(display.ax_) == {}
    display.figure_.canvas.draw()


def test_a_report_without_columns_is_drawn(report):
    bare = dataclasses.replace(report, features=(), findings=(), ok=True)
    DriftOverviewDisplay.from_report(bare).figure_.canvas.draw()


def test_a_report_that_was_stored_is_drawn_alike(report):
    again = DriftReport.from_json(report.to_json())
    first, second = map(DriftOverviewDisplay.from_report, (report, again))
    assert marks(first.ax_) == marks(second.ax_)
    assert texts(first.ax_) == texts(second.ax_)


def test_names_are_letters_and_harm_nothing(report, nasty_name):
    features = tuple(
        dataclasses.replace(row, feature=f"{nasty_name}{place}", reason=nasty_name)
        for place, row in enumerate(report.features)
    )
    named = dataclasses.replace(report, features=features)
    display = DriftOverviewDisplay.from_report(named, name=nasty_name)
    display.figure_.canvas.draw()
    labels = [label.get_text() for label in display.ax_.get_yticklabels()]
    assert all(label.isprintable() and len(label) <= 40 for label in labels)
    if nasty_name == "a$":
        assert "a$0" in labels


def test_half_a_surrogate_pair_is_shown_as_its_escape(report):
    features = (dataclasses.replace(report.features[0], feature="\ud800"),)
    named = dataclasses.replace(report, features=features)
    display = DriftOverviewDisplay.from_report(named)
    display.figure_.canvas.draw()
    assert [t.get_text() for t in display.ax_.get_yticklabels()] == [r"\ud800"]


def test_other_arguments_are_refused(report, batch):
    with pytest.raises(InputTypeError, match="report must be a DriftReport"):
        DriftOverviewDisplay.from_report(batch)
    with pytest.raises(EstimatorError, match="must be a DriftAwareEstimator"):
        DriftOverviewDisplay.from_estimator(None, batch)
    with pytest.raises(ParameterError, match="max_columns must be at least 1"):
        DriftOverviewDisplay.from_report(report, max_columns=0)
    with pytest.raises(InputTypeError, match="ax must be one Axes"):
        DriftOverviewDisplay.from_report(report, ax="here")


def test_without_matplotlib_the_error_says_what_to_install(report, monkeypatch):
    found = builtins.__import__

    def without(name, *args, **kwargs):
        if name.partition(".")[0] == "matplotlib":
            raise ImportError("no matplotlib here")
        return found(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(MissingDependencyError, match=r"pip install skdrift\[plot\]"):
        DriftOverviewDisplay.from_report(report)
