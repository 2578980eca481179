"""skdrift beside evidently, nannyml, alibi-detect and deepchecks on the same trials.

Run as ``python tests/benchmarks/peers/compare.py --electricity
tests/statistical/data/electricity_elec2.csv.gz``: makes a virtual environment for each
tool, which downloads some gigabytes, and prints the tables of ``docs/peers.md``.
With ``--folder`` everything is kept there: trials, environments and results that are
there already are used again; ``--again`` measures the named tools anew.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path
from typing import Any

from peer_tables import print_tables
from write_trials import write_trials

HERE = Path(__file__).parent
PINS = tomllib.loads((HERE / "versions.toml").read_text(encoding="utf-8"))
OWN = ("skdrift", "textbook")  # in this environment
TOOLS = (*OWN, *PINS)

LARGE = {
    "skdrift": ["skdrift"],
    "textbook": ["KS (chi-square), Bonferroni"],
    "evidently": ["evidently: data set drift", "evidently: whole DataDriftPreset"],
    "nannyml": [
        "nannyml: univariate, default chunks",
        "nannyml: reconstruction, default chunks",
    ],
    "alibi_detect": ["alibi-detect: TabularDrift"],
    "deepchecks": [
        "deepchecks: FeatureDrift",
        "deepchecks: feature, multivariate, new category",
    ],
}


def quiet(folder: Path) -> dict[str, str]:
    """Environment without telemetry, and with a home that leaves the user's alone."""
    home = folder / "home"
    home.mkdir(exist_ok=True)
    return os.environ | {
        "DO_NOT_TRACK": "1",  # evidently
        "NML_DISABLE_USAGE_LOGGING": "1",  # nannyml
        "NML_DISABLE_USER_ANALYTICS": "1",  # nannyml
        "DISABLE_DEEPCHECKS_ANONYMOUS_TELEMETRY": "True",
        "DISABLE_LATEST_VERSION_CHECK": "True",  # deepchecks
        "HOME": str(home),
        "XDG_CONFIG_HOME": str(home / "config"),
        "XDG_CACHE_HOME": str(home / "cache"),
    }


def interpreter(tool: str, folder: Path) -> Path:
    """Python of a tool's environment, which is made if it is not there."""
    if tool in OWN:
        return Path(sys.executable)
    place = folder / f"environment-{tool}"
    python = place / ("Scripts" if os.name == "nt" else "bin") / "python"
    installed = place / "installed"
    if not installed.exists():
        subprocess.run([sys.executable, "-m", "venv", place], check=True)
        install = [python, "-m", "pip", "install", "--quiet", "--only-binary", ":all:"]
        packages = PINS[tool]["packages"]
        subprocess.run(
            [*install, *packages], check=True, stderr=subprocess.PIPE, text=True
        )
        installed.touch()
    return python


def start(
    python: Path, tool: str, folder: Path, result: Path, *options: str
) -> dict[str, Any]:
    """Run a tool's runner and read what it wrote."""
    environment = quiet(folder)
    if tool not in OWN:
        environment.pop("PYTHONPATH", None)
    command = [python, HERE / f"run_{tool}.py", folder / "trials", result, *options]
    log = result.with_suffix(".log")
    with log.open("w", encoding="utf-8") as output:
        done = subprocess.run(
            command, env=environment, stdout=output, stderr=subprocess.STDOUT
        )
    if done.returncode:
        tail = log.read_text(encoding="utf-8").strip().splitlines()[-1:]
        return {"failure": " ".join(tail) or f"exit {done.returncode}"}
    return json.loads(result.read_text(encoding="utf-8"))


def measure(tool: str, folder: Path, counts: list[str]) -> dict[str, Any]:
    """Decisions of a tool in all cells, and the cost of its large checks."""
    try:
        python = interpreter(tool, folder)
    except subprocess.CalledProcessError as error:
        lines = (error.stderr or "").splitlines()
        reasons = [line for line in lines if line.startswith("ERROR")]
        return {"failure": f"not installed: {' '.join(reasons)}"}
    result = folder / f"part-{tool}.json"
    found = start(python, tool, folder, result, *counts)
    found["large"] = {
        method: smaller(
            start(python, tool, folder, result, "--large", method),
            start(python, tool, folder, result, "--large", method),
        )
        for method in LARGE[tool]
    }
    return found


def smaller(first: dict[str, Any], second: dict[str, Any]) -> dict[str, Any]:
    """Smaller figures of two measurements; a failure stays one."""
    if "failure" in first or "failure" in second:
        return first if "failure" in first else second
    pairs = first["large"], second["large"]
    return {"large": {name: min(part[name] for part in pairs) for name in pairs[0]}}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--electricity", type=Path)
    parser.add_argument("--tools", nargs="+", choices=TOOLS, default=TOOLS)
    parser.add_argument("--again", action="store_true")
    parser.add_argument("--n-trials", type=int, default=100)
    parser.add_argument("--n-slow", type=int, default=100)
    given = parser.parse_args()
    folder = (given.folder or Path(tempfile.mkdtemp(prefix="peers-"))).resolve()
    folder.mkdir(exist_ok=True)
    if not (folder / "trials" / "cells.json").exists():
        write_trials(folder / "trials", given.n_trials, given.electricity)
    counts = ["--n-trials", str(given.n_trials), "--n-slow", str(given.n_slow)]
    results = {}
    for tool in TOOLS:
        kept = folder / f"result-{tool}.json"
        if tool in given.tools and (given.again or not kept.exists()):
            kept.write_text(json.dumps(measure(tool, folder, counts)), "utf-8")
            print(f"{tool}: measured", file=sys.stderr, flush=True)
        if kept.exists():
            results[tool] = json.loads(kept.read_text("utf-8"))
    print_tables(results)


if __name__ == "__main__":
    main()
