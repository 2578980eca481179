"""What every tool's runner does: decide each trial, or time one large check.

A runner is started in its tool's own environment, as
``python run_<tool>.py TRIALS RESULT [--large METHOD]``, and writes JSON.
"""

from __future__ import annotations

import argparse
import json
import platform
import resource
import sys
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from trial_tables import Table, cells, large_tables, trials


@dataclass(frozen=True)
class Method:
    """One decision of a tool: what is made of the reference, then of a batch."""

    prepare: Callable[[Table], Any]
    alarms: Callable[[Any, Table], bool]
    slow: bool = False  # fewer trials
    decides: bool = True  # if not, it is timed only


def peak_mb() -> float:
    """Largest resident memory of this process so far."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / 2**20 if sys.platform == "darwin" else peak / 2**10


def decide(method: Method, folder: Path, cell: str, n_trials: int) -> dict[str, Any]:
    alarms, seconds = [], []
    for reference, batch in trials(folder, cell, n_trials):
        start = time.perf_counter()
        alarms.append(bool(method.alarms(method.prepare(reference), batch)))
        seconds.append(time.perf_counter() - start)
    return {"alarms": alarms, "seconds": seconds}


def measure_large(method: Method, folder: Path) -> dict[str, float]:
    reference, batch = large_tables(folder)
    before = peak_mb()
    start = time.perf_counter()
    state = method.prepare(reference)
    middle = time.perf_counter()
    method.alarms(state, batch)
    end = time.perf_counter()
    return {
        "prepare": middle - start,
        "check": end - middle,
        "before_mb": before,
        "peak_mb": peak_mb(),
    }


def run(methods: dict[str, Method], packages: tuple[str, ...]) -> None:
    """Read the arguments, do the work and write the result."""
    parser = argparse.ArgumentParser()
    parser.add_argument("trials", type=Path)
    parser.add_argument("result", type=Path)
    parser.add_argument("--n-trials", type=int, default=100)
    parser.add_argument("--n-slow", type=int, default=100)
    parser.add_argument("--large", choices=list(methods))
    given = parser.parse_args()
    warnings.simplefilter("ignore")
    versions = {"python": platform.python_version()}
    versions |= {name: version(name) for name in packages}
    result: dict[str, Any] = {"versions": versions}
    if given.large:
        result["large"] = measure_large(methods[given.large], given.trials)
    else:
        result["cells"] = {
            name: {
                cell: decide(
                    method,
                    given.trials,
                    cell,
                    given.n_slow if method.slow else given.n_trials,
                )
                for cell in cells(given.trials)
            }
            for name, method in methods.items()
            if method.decides
        }
    given.result.write_text(json.dumps(result), encoding="utf-8")
