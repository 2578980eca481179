"""False alarms and delays of `SequentialRisk`, beside river's detectors and MAPIE's.

``python tests/benchmarks/sequential/measure_sequential.py`` prints the tables of
``docs/user_guide/over_time.md``. It makes a virtual environment for the other tools,
with the versions of ``versions.toml``; ``--folder`` keeps it and what was measured
there, ``--level-only`` and ``--delays-only`` print a part.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import subprocess
import sys
import tempfile
import time
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from loss_streams import (
    N_BEFORE,
    N_CLEAN_ROWS,
    RISES,
    RISK,
    clean,
    correlated,
    risen,
    write_streams,
)
from scipy.stats import binom

from skdrift import SequentialRisk

HERE = Path(__file__).parent
ALPHAS = (0.01, 0.05)
LAG_1 = 0.6
ALWAYS = {"alarms": 1e4, "delays": dict.fromkeys(map(str, RISES), 1.0)}
Maker = Callable[[int], SequentialRisk]


# --- false alarms -------------------------------------------------------------


def drawn(kind: str, n_rows: int, n_runs: int, seed: int) -> np.ndarray:
    """Losses whose mean is RISK, of shape (n_runs, n_rows)."""
    rng = np.random.default_rng(seed)
    if kind == "0/1":
        return (rng.random((n_runs, n_rows)) < RISK).astype(float)
    if kind == "0/1, correlated":
        return correlated(n_runs, n_rows, LAG_1, seed).astype(float)
    if kind == "squared error":
        return RISK * rng.standard_normal((n_runs, n_rows)) ** 2
    return RISK * rng.exponential(size=(n_runs, n_rows))


def maker(kind: str, n_learned: int, alpha: float, losses: np.ndarray) -> Maker:
    """Record for each run: of a known risk, or learnt from that run's own losses."""
    rows = 20 if kind == "0/1, correlated" else 1
    if n_learned:
        return lambda run: SequentialRisk.from_losses(losses[run], alpha=alpha)
    top = 1.0 if kind.startswith("0/1") else None
    known = SequentialRisk.from_risk(RISK, alpha=alpha, loss_range=top, block_rows=rows)
    return lambda run: known


def print_level(n_runs: int) -> None:
    chance = [int(binom.ppf(0.99, n_runs, alpha)) / n_runs for alpha in ALPHAS]
    print(f"{n_runs} runs; chance allows up to {chance[0]:.3f} and {chance[1]:.3f}\n")
    print("| losses | bound | alpha .01 | alpha .05 | bound below the risk, .05 |")
    print("|---|---|---|---|---|")
    chunk = min(n_runs, 100)
    for kind in ("0/1", "0/1, correlated", "exponential", "squared error"):
        for n_learned in (0, 1_000, 5_000):
            alarms, below = np.zeros(2), 0
            for start in range(0, n_runs, chunk):
                losses = drawn(kind, N_CLEAN_ROWS, chunk, 100 + start)
                learned = drawn(kind, max(n_learned, 1), chunk, 50_000 + start)
                for number, alpha in enumerate(ALPHAS):
                    make = maker(kind, n_learned, alpha, learned)
                    for run in range(chunk):
                        record = make(run)
                        alarms[number] += record.update(losses[run]).alarm
                        below += number == 1 and record.risk_bound < RISK
            shares = " | ".join(f"{count / n_runs:.3f}" for count in alarms)
            bound = f"learnt from {n_learned:,}" if n_learned else "the risk itself"
            last = f"{below / n_runs:.3f}" if n_learned else ""
            print(f"| {kind} | {bound} | {shares} | {last} |", flush=True)
    print_contrasts(n_runs)


def print_contrasts(n_runs: int) -> None:
    """What happens without the bound, and without blocks."""
    losses = drawn("0/1", N_CLEAN_ROWS, n_runs, 7)
    for n_learned in (1_000, 5_000):
        learned = drawn("0/1", n_learned, n_runs, 8).mean(axis=1)
        alarms = [
            SequentialRisk.from_risk(mean, loss_range=1.0).update(run).alarm
            for mean, run in zip(learned, losses, strict=True)
        ]
        print(f"| 0/1 | mean of {n_learned:,}, no bound | {np.mean(alarms):.3f} | | |")
    losses = drawn("0/1, correlated", N_CLEAN_ROWS, n_runs, 9)
    known = SequentialRisk.from_risk(RISK, loss_range=1.0)
    share = np.mean([known.update(run).alarm for run in losses])
    print(f"| 0/1, correlated | the risk itself, no blocks | {share:.3f} | | |")


# --- delays -------------------------------------------------------------------


def delay(record: SequentialRisk, run: np.ndarray) -> float:
    """Rows from the change to the first alarm after it; a false one is reset."""
    errors, at = run.astype(float), 0
    while True:
        found = record.update(errors[at:])
        if not found.alarm:
            return math.inf
        at += found.alarm_row
        if at > N_BEFORE:
            return at - N_BEFORE
        record = record.reset()


def n_alarms(record: SequentialRisk, run: np.ndarray) -> int:
    errors, at, count = run.astype(float), 0, 0
    while True:
        found = record.update(errors[at:])
        if not found.alarm:
            return count
        at, count, record = at + found.alarm_row, count + 1, record.reset()


def own_row(make: Maker, n_runs: int, ever: bool) -> dict[str, Any]:
    runs = clean(n_runs, 1)
    counts = [n_alarms(make(number), run) for number, run in enumerate(runs)]
    medians = {}
    for number, rise in enumerate(RISES):
        streams = risen(n_runs, rise, 10 + number)
        found = [delay(make(number), run) for number, run in enumerate(streams)]
        medians[str(rise)] = float(np.median(found))
    alarms = np.minimum(counts, 1) if ever else counts
    return {"alarms": float(np.mean(alarms)), "delays": medians, "ever": ever}


def from_the_first_row(n_runs: int) -> dict[str, Any]:
    """The textbook's e-process: all that is bet is bet at the first row."""
    learned = drawn("0/1", 5_000, n_runs, 77)

    def first_alarm(number: int, run: np.ndarray) -> float:
        record = SequentialRisk.from_losses(learned[number], alpha=0.01)
        factors = (run[:, None] - record.risk_bound) * np.array(record.bets)
        wealth = np.cumsum(np.log1p(factors), axis=0)
        values = np.logaddexp.reduce(wealth, axis=1) - np.log(len(record.bets))
        alarms = np.flatnonzero(values >= record.log_limit)
        return float(alarms[0] + 1) if len(alarms) else math.inf

    false = [first_alarm(k, run) < math.inf for k, run in enumerate(clean(n_runs, 1))]
    medians = {}
    for number, rise in enumerate(RISES):
        streams = risen(n_runs, rise, 10 + number)
        found = [first_alarm(k, run) - N_BEFORE for k, run in enumerate(streams)]
        medians[str(rise)] = float(np.median(found))
    return {"alarms": float(np.mean(false)), "delays": medians, "ever": True}


def own_rows(n_runs: int) -> dict[str, dict[str, Any]]:
    rows = {}
    for ever, settings in (
        (False, {"run_length": 10_000}),
        (False, {"run_length": 5_000}),
        (False, {"run_length": 1_000}),
        (True, {"alpha": 0.01}),
    ):
        known = SequentialRisk.from_risk(RISK, loss="zero_one", **settings)
        name = "ever, alpha .01" if ever else f"watching, {settings['run_length']:,}"
        rows[f"skdrift {name}, risk known"] = own_row(
            lambda _, r=known: r, n_runs, ever
        )
        for n_learned in (5_000, 1_000):
            learned = drawn("0/1", n_learned, n_runs, 77)

            def make(run: int, learned: Any = learned, given: Any = settings) -> Any:
                return SequentialRisk.from_losses(learned[run], **given)

            rows[f"skdrift {name}, {n_learned:,} rows"] = own_row(make, n_runs, ever)
    rows["all at the first row, alpha .01, 5,000 rows"] = from_the_first_row(n_runs)
    return rows


def peers(folder: Path, n_runs: int) -> dict[str, Any]:
    """Rows of the other tools, measured in their own environment, or read again."""
    result = folder / f"peers-{n_runs}.json"
    if result.exists():
        return json.loads(result.read_text(encoding="utf-8"))
    place = folder / "environment"
    python = place / ("Scripts" if os.name == "nt" else "bin") / "python"
    if not (place / "installed").exists():
        pins = tomllib.loads((HERE / "versions.toml").read_text(encoding="utf-8"))
        subprocess.run([sys.executable, "-m", "venv", place], check=True)
        install = [python, "-m", "pip", "install", "--quiet", *pins["packages"]]
        subprocess.run(install, check=True)
        (place / "installed").touch()
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"}
    partial = folder / "peers-partial.json"
    run = [python, HERE / "run_peers.py", folder, partial]
    subprocess.run(run, check=True, env=environment)
    partial.replace(result)  # the name of one that is whole
    return json.loads(result.read_text(encoding="utf-8"))


def print_delays(folder: Path, n_runs: int) -> None:
    write_streams(folder, n_runs)
    rows = {
        "always alarms": ALWAYS,
        "always alarms, ever": ALWAYS | {"alarms": 1.0, "ever": True},
        **own_rows(n_runs),
        **peers(folder, n_runs),
    }
    head = " | ".join(f"+{rise:g}" for rise in RISES)
    print(f"{n_runs} runs\n")
    for ever, title in ((False, "alarms in 10⁴ clean rows"), (True, "clean runs")):
        print(f"| detector | {title} | {head} | setting |\n|---|---|---|---|---|---|")
        for name, row in rows.items():
            if row.get("ever", False) is not ever:
                continue
            shown = " | ".join(
                "never" if math.isinf(value) else f"{value:.0f}"
                for value in row["delays"].values()
            )
            setting = f"{row['setting']:.4g}" if "setting" in row else ""
            print(f"| {name} | {row['alarms']:.2f} | {shown} | {setting} |", flush=True)
        print()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--runs", type=int, default=1_000)
    parser.add_argument("--delay-runs", type=int, default=100)
    parser.add_argument("--level-only", action="store_true")
    parser.add_argument("--delays-only", action="store_true")
    given = parser.parse_args()
    start = time.perf_counter()
    if not given.delays_only:
        print_level(given.runs)
        print()
    if not given.level_only:
        folder = (
            given.folder or Path(tempfile.mkdtemp(prefix="sequential-"))
        ).resolve()
        folder.mkdir(exist_ok=True)
        print_delays(folder, given.delay_runs)
    print(f"{time.perf_counter() - start:.0f} s")


if __name__ == "__main__":
    main()
