"""Every example that people can read runs."""

from __future__ import annotations

import doctest
import importlib
import os
import pkgutil
import re
import subprocess
import sys
from pathlib import Path

import pytest

import skdrift

ROOT = Path(__file__).parents[2]
HOME = Path(skdrift.__file__).parent
PAGES = sorted((ROOT / "docs" / "user_guide").glob("*.md"))
EXAMPLES = sorted((ROOT / "examples").glob("plot_*.py"))
MODULES = [
    found.name
    for found in pkgutil.walk_packages([str(HOME)], "skdrift.")
    if not found.name.endswith("__main__")
]
OPTIONS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
SLOWEST = 60  # seconds


def failures(test: doctest.DocTest) -> str:
    """What a runner has to complain of; empty if all is well."""
    complaints: list[str] = []
    doctest.DocTestRunner(optionflags=OPTIONS).run(test, out=complaints.append)
    return "".join(complaints)


def page_test(path: Path) -> doctest.DocTest:
    text = path.read_text(encoding="utf-8")
    without_fences = re.sub(r"^```.*$", "", text, flags=re.MULTILINE)
    return doctest.DocTestParser().get_doctest(
        without_fences, {}, path.name, str(path), 0
    )


def has_examples(module: str) -> bool:
    path = HOME.parent / Path(*module.split("."))
    sources = [path.with_suffix(".py"), path / "__init__.py"]
    return any(
        ">>> " in source.read_text(encoding="utf-8")
        for source in sources
        if source.exists()
    )


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_examples_of_a_page_print_what_it_says(path, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    test = page_test(path)
    assert bool(test.examples) == (path.name != "index.md")
    problem = failures(test)
    assert not problem, problem


@pytest.mark.parametrize("module", [name for name in MODULES if has_examples(name)])
def test_examples_of_the_docstrings_of_a_module_print_what_they_say(
    module, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    found = doctest.DocTestFinder().find(importlib.import_module(module))
    tests = [test for test in found if test.examples]
    assert tests
    problem = "".join(map(failures, tests))
    assert not problem, problem


def test_the_blocks_of_pages_are_not_all_skipped():
    blocks = sum(path.read_text(encoding="utf-8").count("```pycon") for path in PAGES)
    assert blocks >= len(PAGES) - 1


def test_there_is_an_example():
    assert "plot_quickstart.py" in {path.name for path in EXAMPLES}


@pytest.mark.slow
@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.name)
def test_an_example_runs_as_a_script_without_a_display(path, tmp_path):
    pytest.importorskip("matplotlib")
    environment = {k: v for k, v in os.environ.items() if k not in {"DISPLAY"}}
    done = subprocess.run(
        [sys.executable, str(path)],
        env={
            **environment,
            "MPLBACKEND": "agg",
            "OMP_NUM_THREADS": "1",
            "PYTHONIOENCODING": "utf-8",
            "PYTHONPATH": str(HOME.parent),
        },
        cwd=tmp_path,
        capture_output=True,
        encoding="utf-8",
        timeout=SLOWEST,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout
    assert os.listdir(tmp_path) == []
