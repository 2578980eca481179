"""The wrapper and its baseline: orchestration only."""

from skdrift.estimator._baseline import Baseline
from skdrift.estimator._wrapper import DriftAwareEstimator

__all__ = ["Baseline", "DriftAwareEstimator"]
