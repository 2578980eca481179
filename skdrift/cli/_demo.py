"""The demo: a model of one year meets the next, in two processes."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from contextlib import AbstractContextManager
from typing import Any

import numpy as np
from sklearn.ensemble import HistGradientBoostingRegressor
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from skdrift.cli import _demo_text
from skdrift.cli._months import (
    SCORER,
    alarms_by_rows,
    check_months,
    most_telling,
    taken_apart,
)
from skdrift.datasets import load_bike_sharing
from skdrift.estimator import DriftAwareEstimator
from skdrift.persistence import dump, load

CODES = ("season", "mnth", "hr", "holiday", "weekday", "workingday", "weathersit")
TREES = "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor"
"""The type that skops does not build unasked: the trees of the model."""


def run_demo() -> int:
    """Train and save a model here, then load and check it in another process.

    Returns
    -------
    int
        Exit status of the other process.
    """
    bikes = load_bike_sharing()
    X, y = bikes.data[bikes.train], bikes.target[bikes.train]
    model = DriftAwareEstimator(
        HistGradientBoostingRegressor(random_state=0),
        cv=5,
        scoring=SCORER,
        categorical_features=[bikes.feature_names.index(name) for name in CODES],
    )
    start = time.perf_counter()
    with one_thread():
        model.fit(X, y)
    seconds = time.perf_counter() - start
    with tempfile.TemporaryDirectory(prefix="skdrift-demo-") as folder:
        path = os.path.join(folder, "bikes.skops")
        dump(model, path)
        promise = promised_errors(model)
        size = os.path.getsize(path)
        print(_demo_text.training(X.shape, promise, seconds, size), flush=True)
        command = [sys.executable, "-m", "skdrift", "demo", "--load", path]
        return subprocess.run(command, check=False).returncode


def score_saved_model(path: str) -> int:
    """Load the model that `run_demo` saved, and print how it does in 2012.

    Returns
    -------
    int
        Exit status: 0.
    """
    start = time.perf_counter()
    model = load(path, trusted=[TREES])
    seconds = time.perf_counter() - start
    # What predict would warn of is in the reports of check.
    model.set_params(on_invalid="ignore", on_shift="ignore")
    bikes = load_bike_sharing()
    with one_thread():
        months = check_months(model, bikes)
        by_rows = alarms_by_rows(model, bikes)
        worst = most_telling(months)
        parts = taken_apart(model, bikes, worst.name)
    print(_demo_text.scoring(months, seconds))
    print(_demo_text.explanation(months, by_rows, promised_errors(model), parts))
    print(_demo_text.full_report(worst))
    return 0


def one_thread() -> AbstractContextManager[Any]:
    """Keep OpenMP to one thread: on a busy machine more of them wait for each other.

    With all cores, fitting took 2 to 50 seconds on a machine that others used; with
    one thread 1 to 3.
    """
    limits: AbstractContextManager[Any] = threadpool_limits(1, user_api="openmp")
    return limits


def promised_errors(model: DriftAwareEstimator) -> _demo_text.Promise:
    """Mean absolute error over the folds, and that of the best and the worst fold."""
    (score,) = model.baseline_.scores
    folds = -np.array(score.folds)
    return -score.value, float(folds.min()), float(folds.max())
