"""The memory over time: what came in since deployment, in records of fixed size."""

from skdrift.monitor._sequential_risk import SequentialRisk

__all__ = ["SequentialRisk"]
