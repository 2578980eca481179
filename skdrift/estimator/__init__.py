"""The wrapper and its baseline: orchestration only."""

from skdrift.estimator._baseline import Baseline
from skdrift.estimator._planning import BatchPlan, plan_batch_size
from skdrift.estimator._wrapper import DriftAwareEstimator

__all__ = ["Baseline", "BatchPlan", "DriftAwareEstimator", "plan_batch_size"]
