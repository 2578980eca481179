"""Pictures of what is known already, in scikit-learn's form of a Display."""

from skdrift.display._dependence import DependenceDisplay
from skdrift.display._overview import DriftOverviewDisplay
from skdrift.display._performance import PerformanceDisplay
from skdrift.display._shift import ShiftDisplay

__all__ = [
    "DependenceDisplay",
    "DriftOverviewDisplay",
    "PerformanceDisplay",
    "ShiftDisplay",
]
