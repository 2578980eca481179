"""river's detectors and MAPIE's `RiskMonitoring` on the streams, in their environment.

Started as ``python run_peers.py FOLDER RESULT`` by `measure_sequential.py`.
"""

from __future__ import annotations

import json
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from loss_streams import N_BEFORE, RISES, RISK
from mapie.exchangeability_testing import RiskMonitoring
from river.drift import ADWIN, PageHinkley
from river.drift.binary import DDM, HDDMW

FALSE_ALARMS = 0.5  # in 10,000 clean rows
N_STEPS = 9
MOST_MAPIE_RUNS = 30  # it computes the whole history anew


def adwin(setting: float) -> Any:
    return ADWIN(delta=10.0**setting)


def hddm_w(setting: float) -> Any:
    return HDDMW(drift_confidence=10.0**setting)


def ddm(setting: float) -> Any:
    return DDM(drift_threshold=setting)


def page_hinkley(setting: float) -> Any:
    return PageHinkley(mode="up", threshold=setting)


# Detector as it comes, by its setting, and the ends between which that is matched:
# from fewer to more false alarms.
DETECTORS: dict[str, tuple[Callable[[], Any], Callable[[float], Any], float, float]] = {
    "river HDDM_W": (HDDMW, hddm_w, -12.0, -0.5),
    "river ADWIN": (ADWIN, adwin, -12.0, -0.0005),
    "river Page–Hinkley": (PageHinkley, page_hinkley, 500.0, 1.0),
    "river DDM": (DDM, ddm, 10.0, 0.5),
}


def n_alarms(make: Callable[[], Any], runs: np.ndarray) -> float:
    """Alarms in 10,000 rows; a detector starts anew after each."""
    alarms = 0
    for run in runs:
        detector = make()
        for error in run.astype(int).tolist():
            detector.update(error)
            if detector.drift_detected:
                alarms += 1
                detector = make()
    return alarms / runs.size * 1e4


def delays(make: Callable[[], Any], runs: np.ndarray) -> list[float]:
    """Rows from the change to the first alarm after it; infinite if there is none."""
    found = []
    for run in runs:
        detector, delay = make(), np.inf
        for row, error in enumerate(run.astype(int).tolist()):
            detector.update(error)
            if detector.drift_detected:
                if row >= N_BEFORE:
                    delay = row + 1 - N_BEFORE
                    break
                detector = make()
        found.append(float(delay))
    return found


def matched(make: Callable[[float], Any], low: float, high: float, runs: Any) -> float:
    """Setting with half a false alarm in 10,000 rows, by bisection."""
    if n_alarms(lambda: make(high), runs) < FALSE_ALARMS:
        return high
    for _ in range(N_STEPS):
        middle = 0.5 * (low + high)
        if n_alarms(lambda setting=middle: make(setting), runs) > FALSE_ALARMS:
            high = middle
        else:
            low = middle
    return low


def row_of(make: Callable[[], Any], streams: Any) -> dict[str, Any]:
    medians = {
        str(rise): float(np.median(delays(make, streams[f"rise_{rise}"])))
        for rise in RISES
    }
    return {"alarms": n_alarms(make, streams["clean"]), "delays": medians}


def mapie_row(streams: Any, tolerance: float, n_reference: int) -> dict[str, Any]:
    """`RiskMonitoring` at level .01: its bound after each row against its threshold."""
    rng = np.random.default_rng(3)

    def first_alarm(run: np.ndarray, start: int) -> float:
        monitor = RiskMonitoring(
            risk="accuracy", test_level=0.01, tolerance=tolerance, warn=False
        )
        reference = (rng.random(n_reference) < RISK).astype(int)
        monitor.compute_threshold(reference, np.zeros_like(reference))
        errors = run.astype(int)
        monitor.update(errors, np.zeros_like(errors))
        bounds = np.asarray(monitor.online_risk_lower_bound_sequence_history)
        alarms = np.flatnonzero(bounds[start:] > monitor.threshold)
        return float(alarms[0] + 1) if len(alarms) else np.inf

    streams = {name: runs[:MOST_MAPIE_RUNS] for name, runs in streams.items()}
    runs = {rise: streams[f"rise_{rise}"] for rise in RISES}
    medians = {
        str(rise): float(np.median([first_alarm(run, N_BEFORE) for run in own]))
        for rise, own in runs.items()
    }
    false = np.mean([first_alarm(run, 0) < np.inf for run in streams["clean"]])
    return {"alarms": float(false), "delays": medians}


def main() -> None:
    warnings.simplefilter("ignore")
    folder = Path(sys.argv[1])
    with np.load(folder / "streams.npz") as stored:
        streams = dict(stored)
    rows: dict[str, Any] = {}
    for name, (plain, make, low, high) in DETECTORS.items():
        rows[f"{name}, defaults"] = row_of(plain, streams)
        setting = matched(make, low, high, streams["to_match_by"])
        found = row_of(lambda make=make, setting=setting: make(setting), streams)
        rows[f"{name}, matched"] = found | {"setting": setting}
    for tolerance in (0.0, 0.05):
        name = f"MAPIE RiskMonitoring, 5,000 rows, tolerance {tolerance}"
        rows[name] = mapie_row(streams, tolerance, 5_000) | {"ever": True}
    Path(sys.argv[2]).write_text(json.dumps(rows), encoding="utf-8")


if __name__ == "__main__":
    main()
