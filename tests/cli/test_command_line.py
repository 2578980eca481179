"""The command line without the work behind it."""

from __future__ import annotations

import json
import re
from dataclasses import replace

import pytest
from sklearn.linear_model import LinearRegression

import skdrift
from skdrift import DriftAwareEstimator, cli
from skdrift.cli import _demo_text
from skdrift.cli._months import check_months, most_telling, taken_apart, with_names
from skdrift.datasets import load_bike_sharing


@pytest.fixture(scope="module")
def bikes():
    return load_bike_sharing()


@pytest.fixture(scope="module")
def model(bikes):
    model = DriftAwareEstimator(
        LinearRegression(),
        scoring="neg_mean_absolute_error",
        on_shift="ignore",
        on_invalid="ignore",
    )
    return model.fit(bikes.data[bikes.train], bikes.target[bikes.train])


@pytest.fixture(scope="module")
def months(model, bikes):
    return check_months(model, bikes)


def test_version_is_that_of_the_package(capsys):
    with pytest.raises(SystemExit) as stop:
        cli.main(["--version"])
    assert stop.value.code == 0
    assert capsys.readouterr().out.strip() == f"skdrift {skdrift.__version__}"


def test_help_names_every_command(capsys):
    with pytest.raises(SystemExit) as stop:
        cli.main(["--help"])
    assert stop.value.code == 0
    assert "demo" in capsys.readouterr().out


@pytest.mark.parametrize("arguments", [[], ["no such command"], ["demo", "--no-such"]])
def test_wrong_usage_ends_with_status_2(arguments, capsys):
    with pytest.raises(SystemExit) as stop:
        cli.main(arguments)
    assert stop.value.code == 2
    assert "usage: python -m skdrift" in capsys.readouterr().err


def test_an_error_of_ours_is_one_line_and_no_traceback(tmp_path, capsys):
    path = tmp_path / "nothing.skops"
    assert cli.main(["demo", "--load", str(path)]) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("error: ")
    assert str(path) in err
    assert err.count("\n") == 1


def test_columns_of_an_array_get_their_names_and_nothing_else_changes(bikes, model):
    report = model.check(bikes.data[:500])
    named = with_names(report, bikes.feature_names)
    assert [row.feature for row in named.features] == bikes.feature_names
    # In the messages of pairs of columns, too.
    renamed = re.sub(
        r"\bx(\d+)\b",
        lambda label: bikes.feature_names[int(label[1])],
        json.dumps(report.to_dict(), ensure_ascii=False),
    )
    assert named.to_dict() == json.loads(renamed)


def test_the_most_telling_month_has_the_largest_fall(months):
    telling = most_telling(months)
    falls = [month.error.realised - month.error.value for month in months]
    assert telling.error.realised - telling.error.value == max(falls)


def test_where_nothing_alarms_the_text_says_so(bikes, model, months):
    quiet = [
        replace(month, report=replace(month.report, ok=True, findings=()))
        for month in months
    ]
    rows = [
        line
        for line in _demo_text.scoring(quiet, 0.1).splitlines()
        if line.startswith("2012")
    ]
    assert len(rows) == 12
    assert all(" ok " in row for row in rows)
    parts = taken_apart(model, bikes, "2012-03")
    text = _demo_text.explanation(quiet, {"2011-01": ()}, (1.0, 1.0, 1.0), parts)
    story = " ".join(text.split())
    assert "keeps what cross-validation promised in every month" in story
    assert "No column alarms" in story
    assert "demand grew" not in story
    assert "decompose" not in story
