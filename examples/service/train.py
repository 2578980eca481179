"""
The model of the service
========================

Train it and save it: ``python train.py model.skops``.
"""

from __future__ import annotations

import sys

from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.pipeline import make_pipeline

import skdrift
from skdrift import DriftAwareEstimator, InputGuard
from skdrift.datasets import load_bike_sharing

CODES = {
    "season": range(1, 5),
    "mnth": range(1, 13),
    "hr": range(24),
    "holiday": range(2),
    "weekday": range(7),
    "workingday": range(2),
    "weathersit": range(1, 5),
}
MEASURES = ("temp", "atemp", "hum", "windspeed")  # scaled: the scale is their limits


def train() -> DriftAwareEstimator:
    """A year of bicycle rentals, behind a guard that knows what a row may hold."""
    bikes = load_bike_sharing(as_frame=True)
    guard = InputGuard(
        overrides={
            **{name: {"allowed": list(codes)} for name, codes in CODES.items()},
            **{name: {"limits": (0, 1)} for name in MEASURES},
        }
    )
    model = DriftAwareEstimator(
        make_pipeline(guard, HistGradientBoostingRegressor(random_state=0)),
        scoring="neg_mean_absolute_error",
        on_invalid="ignore",  # the guard refuses, the service explains
    )
    return model.fit(bikes.data[bikes.train], bikes.target[bikes.train])


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: python train.py model.skops")
    skdrift.dump(train(), sys.argv[1])
    print(f"wrote {sys.argv[1]}")
