"""What the README and the pages tell people to run exists."""

from __future__ import annotations

import importlib.util
import re
import sys
from pathlib import Path

import pytest
from sklearn.preprocessing import StandardScaler

from skdrift import cli
from skdrift.datasets import load_bike_sharing
from skdrift.estimator import DriftAwareEstimator

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
ROWS_SCRIPT = ROOT / "docs" / "scripts" / "how_many_rows.py"


def commands(text: str) -> list[str]:
    """Lines of the console blocks of a page, without the prompt."""
    blocks = re.findall(r"```console\n(.*?)```", text, flags=re.DOTALL)
    lines = [line.removeprefix("$ ") for block in blocks for line in block.splitlines()]
    return [part.strip() for line in lines for part in line.split("&&")]


def test_the_readme_has_the_demo_and_the_tests():
    ends = [command.split("/python ", 1)[-1] for command in commands(README)]
    assert "-m skdrift demo" in ends
    assert '-m pytest -m "not slow"' in ends


def test_the_demo_is_a_command(capsys):
    with pytest.raises(SystemExit) as stop:
        cli.main(["demo", "--help"])
    assert stop.value.code == 0
    assert "month by month" in capsys.readouterr().out


def test_relative_links_of_the_readme_lead_to_files():
    links = re.findall(r"\]\((?!https?://)([^)#]+)\)", README)
    assert links
    assert [link for link in links if not (ROOT / link).exists()] == []


@pytest.mark.parametrize("page", sorted((ROOT / "docs").rglob("*.md")), ids=str)
def test_scripts_that_a_page_quotes_exist(page):
    text = page.read_text(encoding="utf-8")
    scripts = [
        word
        for command in commands(text)
        for word in command.split()
        if word.endswith(".py")
    ]
    assert [script for script in scripts if not (ROOT / script).exists()] == []


@pytest.fixture(scope="module")
def how_many_rows():
    spec = importlib.util.spec_from_file_location("how_many_rows", ROWS_SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_tables_of_how_many_rows_are_what_its_script_prints(
    how_many_rows, monkeypatch, capsys
):
    monkeypatch.setattr(sys, "argv", ["how_many_rows.py"])
    how_many_rows.main()
    printed = capsys.readouterr().out
    page = how_many_rows.PAGE.read_text(encoding="utf-8")
    rows = [line for line in printed.splitlines() if line.startswith("|")]
    assert len(rows) == len(re.findall(r"^\|.*\|$", page, flags=re.MULTILINE))
    assert [row for row in rows if row not in page] == []
    assert how_many_rows.with_tables(page) == page


def test_the_script_knows_what_a_report_says(how_many_rows):
    bikes = load_bike_sharing()
    model = DriftAwareEstimator(StandardScaler(), blocks=None)
    model.fit(bikes.data[bikes.train])
    report = model.check(bikes.data[:1_000])
    n, columns = int(bikes.train.sum()), bikes.data.shape[1]
    assert report.detectable_effect == how_many_rows.detectable(n, 1_000, columns)
    assert report.rows_needed == how_many_rows.needed(0.1, n, columns)
