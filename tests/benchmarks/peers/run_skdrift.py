"""Trials of skdrift at alpha 0.05, the other parameters at their defaults."""

from __future__ import annotations

import numpy as np
from runner import Method, run
from sklearn.dummy import DummyRegressor
from trial_tables import Table

from skdrift import DriftAwareEstimator


def fitted(table: Table) -> DriftAwareEstimator:
    model = DriftAwareEstimator(DummyRegressor(), cv=None, alpha=0.05)
    return model.fit(table.frame(), np.zeros(len(table.values)))


def alarms(model: DriftAwareEstimator, batch: Table) -> bool:
    return not model.check(batch.frame()).ok


if __name__ == "__main__":
    run(
        {"skdrift": Method(fitted, alarms)},
        ("numpy", "pandas", "scipy", "scikit-learn"),
    )
