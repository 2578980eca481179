"""The picture of pairs: scikit-learn's contract, and the report's numbers."""

from __future__ import annotations

import dataclasses

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from sklearn.dummy import DummyRegressor

from skdrift import DependenceDisplay, DriftAwareEstimator
from skdrift.exceptions import (
    EstimatorError,
    InputTypeError,
    NotFittedError,
    ParameterError,
)
from skdrift.report import DriftReport


def rows_of(n, seed, *, broken=False, moved=0.0):
    """Two pairs that belong together, one by their extremes, and a category."""
    rng = np.random.default_rng(seed)
    a, b, c = rng.normal(size=(3, n))
    volatile = np.exp(rng.normal(size=n))
    rows = pd.DataFrame(
        {
            "a": a + moved,
            "b": a + b,
            "wild": volatile * rng.normal(size=n),
            "storm": volatile * rng.normal(size=n),
            "alone": c,
            "level": np.where(c + rng.normal(size=n) > 0, "high", "low"),
        }
    )
    if broken:
        for name in ("b", "storm", "level"):
            rows[name] = rng.permutation(rows[name])
    return rows


def fitted(rows, **settings):
    wrapped = DriftAwareEstimator(DummyRegressor(), cv=None, blocks=None, **settings)
    return wrapped.fit(rows, np.zeros(len(rows)))


@pytest.fixture(scope="module")
def paired():
    return fitted(rows_of(4_000, 0))


@pytest.fixture(scope="module")
def broken():
    return rows_of(1_500, 1, broken=True)


@pytest.fixture(scope="module")
def report(paired, broken):
    return paired.check(broken)


def marks(ax):
    """Changes that are drawn, by their height."""
    return {
        int(line.get_ydata()[0]): line.get_xdata()[0]
        for line in ax.lines
        if len(line.get_xdata()) == 1
    }


def texts(ax):
    return [text.get_text() for text in ax.texts]


def frames(display):
    return [patch for patch in display.ax_.patches if not patch.get_fill()]


def test_plot_returns_itself_and_draws_on_the_axes_that_it_is_given(paired, broken):
    figure, ax = plt.subplots()
    display = DependenceDisplay.from_estimator(paired, broken, ax=ax)
    assert display.ax_ is ax
    assert display.figure_ is figure
    other = plt.figure().subplots()
    before = plt.get_fignums()
    assert display.plot(other, style="matrix") is display
    assert display.ax_ is other
    assert plt.get_fignums() == before


def test_without_axes_each_plot_makes_one_figure_and_closes_none(report):
    first = DependenceDisplay.from_report(report)
    second = DependenceDisplay.from_report(report)
    assert plt.get_fignums() == [first.figure_.number, second.figure_.number]


def test_what_is_drawn_is_what_the_findings_say(report):
    display = DependenceDisplay.from_report(report)
    found = report.by_code("DA104")
    assert len(found) >= 3
    drawn = marks(display.ax_)
    for place, finding in enumerate(found):
        assert drawn[place] == finding.effect_size
    shown = texts(display.ax_)
    levels = [finding.direction.split("correlation ")[-1] for finding in found]
    far = "of the distances from the median "
    expected = [level.removeprefix(far).replace("-0.00", "0.00") for level in levels]
    assert [text for text in shown if "0." in text] == expected
    title = display.ax_.get_title(loc="left")
    assert title.startswith(f"The correlation of {len(found)} pairs")


def test_pairs_of_the_report_come_first_and_the_others_by_their_evidence(
    paired, broken, report
):
    display = DependenceDisplay.from_estimator(paired, broken)
    n = len(report.by_code("DA104"))
    assert [row.state for row in display.pairs_[:n]] == ["alarm"] * n
    assert {row.state for row in display.pairs_[n:]} == {"no alarm"}
    named = DependenceDisplay.from_report(report).pairs_
    assert display.pairs_[:n] == named


def test_each_pair_of_columns_stands_once(paired, broken):
    display = DependenceDisplay.from_estimator(paired, broken)
    features = [row.features for row in display.pairs_]
    assert len(set(features)) == len(features) == 15
    assert display.n_pairs == 15


def test_a_pair_that_the_report_does_not_name_has_the_numbers_of_the_columns(paired):
    batch = rows_of(1_500, 2)
    display = DependenceDisplay.from_estimator(paired, batch)
    (row,) = [r for r in display.pairs_ if r.label in ("a–b", "|a|–|b|")]
    if row.label == "a–b":
        now = batch[["a", "b"]].rank().corr().loc["a", "b"]
        # Normal scores against ranks: 0.71 is 0.69.
        assert float(row.levels.split()[-1]) == pytest.approx(now, abs=0.04)
    assert row.low < row.change < row.high
    before, after = (float(level) for level in row.levels.split(" → "))
    assert after - before == pytest.approx(row.change, abs=0.011)


def test_distances_from_the_median_are_written_as_such(report):
    display = DependenceDisplay.from_report(report)
    labels = {row.label for row in display.pairs_}
    assert labels & {"|wild|–|storm|", "|storm|–|wild|"}
    assert any("=" in label for label in labels)  # the level that moved
    assert "distances from the median" in display.ax_.get_xlabel()


def test_pairs_of_a_column_that_moved_by_itself_are_told_apart(paired):
    batch = rows_of(1_500, 1, moved=2.0, broken=True)
    display = DependenceDisplay.from_estimator(paired, batch)
    states = {row.features: row.state for row in display.pairs_}
    assert states[frozenset("ab")] == "column moved"
    assert states[frozenset(("wild", "storm"))] == "alarm"
    labels = [text.get_text() for text in display.ax_.get_legend().get_texts()]
    assert labels == [
        "alarm: DA104",
        "a column alarms by itself",
        "no alarm",
        "tolerance 0.01",
    ]


def test_without_a_change_nothing_alarms_and_the_matrix_has_no_frame(paired):
    batch = rows_of(1_000, 3)
    display = DependenceDisplay.from_estimator(paired, batch, style="matrix")
    assert display.ax_.get_title(loc="left").startswith("No pair of columns alarms")
    assert frames(display) == []
    assert display.pairs_ == ()


def test_a_matrix_has_training_below_and_the_change_above(paired, broken):
    display = DependenceDisplay.from_estimator(paired, broken, style="matrix")
    shown = display.table_
    image = display.image_.get_array()
    k = len(shown.labels)
    for row in range(k):
        for column in range(k):
            if shown.features[row] == shown.features[column]:
                assert image.mask[row, column]
            elif row > column:
                assert image[row, column] == shown.reference[row, column]
            else:
                change = shown.current - shown.reference
                assert image[row, column] == change[row, column]
    a, b = shown.labels.index("a"), shown.labels.index("b")
    assert image[b, a] == pytest.approx(0.7, abs=0.03)
    assert image[a, b] == pytest.approx(-0.7, abs=0.06)


def test_pairs_that_alarm_are_framed_on_both_sides(paired, broken, report):
    display = DependenceDisplay.from_estimator(paired, broken, style="matrix")
    assert len(frames(display)) == 2 * len(report.by_code("DA104"))
    assert "dashed" in display.ax_.get_xlabel()


def test_many_columns_are_drawn_as_many_as_fit_and_the_rest_is_counted():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(400, 120))
    X[:, 100] += 2 * X[:, 101]
    wrapped = fitted(X)
    batch = X[:200].copy()
    batch[:, 100] = rng.permutation(batch[:, 100])
    pairs = DependenceDisplay.from_estimator(wrapped, batch)
    assert len(pairs.pairs_) == 20
    assert pairs.pairs_[0].label == "x100–x101"
    assert "7,120 more pairs" in pairs.ax_.get_xlabel()
    matrix = DependenceDisplay.from_estimator(wrapped, batch, style="matrix")
    assert len(matrix.table_.labels) == 16
    assert {"x100", "x101"} < set(matrix.table_.labels)
    assert "104 more columns" in matrix.ax_.get_xlabel()
    few = DependenceDisplay.from_estimator(
        wrapped, batch, style="matrix", max_columns=2
    )
    assert set(few.table_.labels) == {"x100", "x101"}
    small = DependenceDisplay.from_estimator(
        wrapped, batch, ax=plt.figure(figsize=(3, 3)).subplots()
    )
    assert 3 <= len(small.pairs_) < 20


@pytest.mark.parametrize("style", ["pairs", "matrix"])
@pytest.mark.parametrize("n", [0, 1, 99])
def test_of_too_few_rows_the_picture_says_so(paired, n, style):
    display = DependenceDisplay.from_estimator(paired, rows_of(99, 1)[:n], style=style)
    assert display.pairs_ == ()
    assert display.image_ is None
    (text,) = texts(display.ax_)
    assert "from 100 rows on" in text.replace("\n", " ")
    display.figure_.canvas.draw()


@pytest.mark.parametrize("style", ["pairs", "matrix"])
def test_a_column_that_is_gone_constant_or_empty_is_left_out(paired, broken, style):
    moved = broken.drop(columns="alone").assign(a=1.0, wild=np.nan)
    display = DependenceDisplay.from_estimator(paired, moved, style=style)
    display.figure_.canvas.draw()
    shown = {name for row in display.pairs for name in row.features}
    assert shown == {"b", "storm", "level"}


def test_where_nothing_is_learned_of_pairs_the_reason_is_drawn(broken):
    alone = fitted(broken[["a"]])
    display = DependenceDisplay.from_estimator(alone, broken[["a"]])
    assert texts(display.ax_) == ["the report names no pair"]
    assert DependenceDisplay.from_report(alone.check(broken[["a"]])).pairs_ == ()


def test_columns_that_changed_together_are_said_to_have(report):
    (first, *_) = report.findings
    together = dataclasses.replace(first, code="DA105", features=())
    joint = dataclasses.replace(report, findings=(together,))
    display = DependenceDisplay.from_report(joint)
    assert "DA105" in display.ax_.get_title(loc="left")
    assert texts(display.ax_) == ["no pair can be named"]


def test_a_report_that_was_stored_is_drawn_alike(report):
    again = DriftReport.from_json(report.to_json())
    first, second = map(DependenceDisplay.from_report, (report, again))
    assert marks(first.ax_) == marks(second.ax_)
    assert texts(first.ax_) == texts(second.ax_)


@pytest.mark.parametrize("container", ["pandas", "polars"])
def test_the_container_does_not_matter(paired, broken, report, container):
    batch = broken
    if container == "polars":
        batch = pytest.importorskip("polars").from_pandas(broken)
    display = DependenceDisplay.from_estimator(paired, batch)
    n = len(report.by_code("DA104"))
    assert [row.state for row in display.pairs_].count("alarm") == n


@pytest.mark.parametrize("style", ["pairs", "matrix"])
def test_names_are_letters_and_harm_nothing(nasty_name, style):
    rows = rows_of(1_500, 0)[["a", "b", "level"]].rename(columns={"a": nasty_name})
    rows["level"] = rows["level"].replace("high", nasty_name)
    batch = rows.copy()
    batch["b"] = np.sort(batch["b"])
    display = DependenceDisplay.from_estimator(
        fitted(rows), batch, style=style, name=nasty_name
    )
    display.figure_.canvas.draw()
    labels = [label.get_text() for label in display.ax_.get_yticklabels()]
    assert all(label.isprintable() and len(label) <= 40 for label in labels)
    if style == "pairs" and nasty_name == "a$":
        assert labels[0] == "a$–b"


def test_names_that_look_like_what_a_message_says_are_read_as_names(report):
    odd = "x: correlation 0.10 → 0.90"
    rows = rows_of(1_500, 0)[["a", "b"]].rename(columns={"a": odd})
    batch = rows.assign(b=np.sort(rows["b"]))
    named = DependenceDisplay.from_report(fitted(rows).check(batch)).pairs_
    assert [row.label for row in named] == [f"{odd}–b"]
    assert named[0].features == {odd, "b"}


@pytest.mark.parametrize(
    ("settings", "rule"),
    [
        ({"style": "pie"}, "style must be one of"),
        ({"max_pairs": 0}, "max_pairs must be at least 1, got 0"),
        ({"max_columns": 1}, "max_columns must be at least 2, got 1"),
    ],
)
def test_other_settings_are_refused(paired, broken, settings, rule):
    with pytest.raises(ParameterError, match=rule):
        DependenceDisplay.from_estimator(paired, broken, **settings)


def test_other_arguments_are_refused(report, broken):
    with pytest.raises(InputTypeError, match="report must be a DriftReport"):
        DependenceDisplay.from_report(broken)
    with pytest.raises(EstimatorError, match="must be a DriftAwareEstimator"):
        DependenceDisplay.from_estimator(None, broken)
    with pytest.raises(NotFittedError, match="call fit"):
        DependenceDisplay.from_estimator(DriftAwareEstimator(DummyRegressor()), broken)
    with pytest.raises(InputTypeError, match="ax must be one Axes"):
        DependenceDisplay.from_report(report, ax="here")
    with pytest.raises(ParameterError, match="call from_estimator"):
        DependenceDisplay.from_report(report).plot(style="matrix")
