"""What every test folder shares."""

from __future__ import annotations

import math
import os

import pytest
from hypothesis import settings

# Derandomized where nobody is there to look at a new counterexample; no deadline,
# since machines that run many tests at once are slow at random moments.
settings.register_profile("ci", derandomize=True, deadline=None, print_blob=True)
settings.register_profile("developer", deadline=None)
settings.load_profile("ci" if os.environ.get("CI") else "developer")


def count_of_tables(text: str) -> int:
    count = int(text) if text.isdecimal() else 0
    if count < 1:
        raise pytest.UsageError(
            f"--fuzz-tables must be a number of tables, at least 1, got {text!r};"
            " pass for example --fuzz-tables 20000."
        )
    return count


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--fuzz-tables",
        type=count_of_tables,
        default=2_000,
        metavar="N",
        help="random tables that each of the slow fuzzes of tables draws, rounded up"
        " to whole tests (default: 2000)",
    )


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Give a fuzz that takes a `fuzz_seed` as many seeds as it needs for its tables.

    They begin where those of the quick tests of its module end.
    """
    if "fuzz_seed" in metafunc.fixturenames:
        module = metafunc.module
        n_tables = metafunc.config.getoption("fuzz_tables")
        n_seeds = math.ceil(n_tables / module.TABLES_A_TEST)
        seeds = range(module.N_QUICK_SEEDS, module.N_QUICK_SEEDS + n_seeds)
        metafunc.parametrize("fuzz_seed", seeds)
