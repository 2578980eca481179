"""Cause 1: data drift, feature by feature."""

from skdrift.shift._compare import (
    ShiftResult,
    compare_profiles,
    nothing_compared,
    resolution,
)

__all__ = ["ShiftResult", "compare_profiles", "nothing_compared", "resolution"]
