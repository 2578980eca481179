"""`python -m skdrift demo`, run once, as a newcomer runs it."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path

import numpy as np
import pytest
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.metrics import mean_absolute_error

import skdrift
from skdrift.datasets import load_bike_sharing

pytestmark = pytest.mark.slow

LONGEST = 60  # seconds
FRAMES = ("pandas", "polars", "pyarrow")
ROW = re.compile(
    r"^(?P<month>2012-\d\d) +(?P<n_rows>[\d,]+)  "
    r"(?P<verdict>ok|(?:DRIFT|ALARM), \d+ alarms?) +"
    r"(?P<promised>[\d.]+) \[(?P<low>[\d.]+), (?P<high>[\d.]+)\] +"
    r"(?P<realised>[\d.]+) +(?P<predicted>\d+) +(?P<came>\d+)$"
)


@dataclass(frozen=True)
class Run:
    status: int
    out: str
    err: str
    litter: list[str]

    @property
    def lines(self) -> list[str]:
        return self.out.splitlines()

    @property
    def months(self) -> list[dict[str, str]]:
        rows = [found.groupdict() for found in map(ROW.match, self.lines) if found]
        assert rows, self.err
        return rows

    def alarms(self, month: str) -> str:
        """What stands below the numbers of a month, on one line or more."""
        place = next(i for i, line in enumerate(self.lines) if line.startswith(month))
        below = takewhile(
            lambda line: line.startswith(" " * 9), self.lines[place + 1 :]
        )
        return " ".join(line.strip() for line in below)

    def section(self, number: int) -> str:
        parts = re.split(r"^(?=\d\. .*\n-+$)", self.out, flags=re.MULTILINE)
        return " ".join(parts[number].split())


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """The demo where no library of data frames can be imported."""
    blocked = tmp_path_factory.mktemp("blocked")
    for name in FRAMES:
        (blocked / f"{name}.py").write_text("raise ImportError(__name__)\n")
    temporary = tmp_path_factory.mktemp("temporary")
    home = Path(skdrift.__file__).parents[1]
    done = subprocess.run(
        [sys.executable, "-m", "skdrift", "demo"],
        env={
            **os.environ,
            "PYTHONPATH": os.pathsep.join([str(blocked), str(home)]),
            "PYTHONIOENCODING": "utf-8",
            "TMPDIR": str(temporary),
            "OMP_NUM_THREADS": "1",
        },
        cwd=temporary,
        capture_output=True,
        encoding="utf-8",
        timeout=LONGEST,
        check=False,
    )
    return Run(done.returncode, done.stdout, done.stderr, os.listdir(temporary))


@pytest.fixture(scope="module")
def errors() -> dict[str, float]:
    """Error of the bare model in each month of 2012: what the demo must find."""
    bikes = load_bike_sharing()
    model = HistGradientBoostingRegressor(random_state=0)
    model.fit(bikes.data[bikes.train], bikes.target[bikes.train])
    names = bikes.time.astype("datetime64[M]")
    return {
        str(name): mean_absolute_error(
            bikes.target[names == name], model.predict(bikes.data[names == name])
        )
        for name in np.unique(names[~bikes.train])
    }


def numbers(run: Run, name: str) -> np.ndarray:
    return np.array([float(row[name].replace(",", "")) for row in run.months])


def test_it_succeeds_silently_and_leaves_nothing_behind(run):
    assert (run.status, run.err, run.litter) == (0, "", [])


def test_every_line_fits_the_terminal(run):
    assert max(map(len, run.lines)) <= 100


def test_every_month_of_2012_has_its_rows_and_its_true_demand(run):
    bikes = load_bike_sharing()
    names = bikes.time.astype("datetime64[M]")
    months = np.unique(names[~bikes.train])
    assert [row["month"] for row in run.months] == [str(name) for name in months]
    assert numbers(run, "n_rows").tolist() == [(names == n).sum() for n in months]
    np.testing.assert_allclose(
        numbers(run, "came"), [bikes.target[names == n].mean() for n in months], atol=1
    )


def test_the_realised_error_is_that_of_the_bare_model(run, errors):
    np.testing.assert_allclose(
        numbers(run, "realised"), list(errors.values()), rtol=0.02
    )


def test_the_promise_lies_in_its_interval_and_the_truth_far_above(run):
    promised, low, high = (numbers(run, n) for n in ("promised", "low", "high"))
    assert (low < promised).all()
    assert (promised < high).all()
    assert (numbers(run, "realised") > high).all()
    assert (numbers(run, "realised") > 2 * promised).all()
    assert (numbers(run, "predicted") < numbers(run, "came")).all()


def test_the_score_and_no_column_alarms_in_every_month(run):
    for row in run.months:
        assert row["verdict"] == "ALARM, 1 alarm"
        assert run.alarms(row["month"]) == "DA201 the score"


def test_it_says_since_when_and_why(run):
    story = run.section(3)
    assert "The score (DA201) alarms since 2012-01, in all 12 months" in story
    assert "demand grew" in story
    assert "concept drift" in story
    falls = numbers(run, "realised") - numbers(run, "promised")
    split = re.search(
        r"takes the (\d+) rentals apart .* too large: (-?\d+) by harder rows, "
        r"(-?\d+) by rows unlike training's, (\d+) by concept drift; most where",
        story,
    )
    change, covariate, new_x, concept = map(int, split.groups())
    assert change == pytest.approx(falls.max(), abs=1)
    assert covariate + new_x + concept == pytest.approx(change, abs=2)
    assert 0.9 <= concept / change <= 1.1
    expected = re.search(r"estimate_score expects errors of (\d+) to (\d+)\.", story)
    assert int(expected[2]) < numbers(run, "realised").min()
    assert not re.search(r"\bx\d+\b", story), "columns have their names"
    assert "No column alarms" in story
    assert "counts rows (blocks=None) has columns alarm: mnth" in story
    assert "all 12 months of 2011 too" in story


def test_the_full_report_is_of_the_month_with_the_largest_fall(run):
    months = [row["month"] for row in run.months]
    falls = numbers(run, "realised") - numbers(run, "promised")
    report = run.section(4)
    assert report.startswith(f"4. The full report of {months[int(falls.argmax())]}")
    assert "ALARM DA201" in report
    assert "Expected score" in report
    assert not re.search(r"\bx\d+\b", report), "columns have their names"
