"""Cause 1: data drift, feature by feature."""

from skdrift.shift._blocks import BatchBlocks, BlockLevel, rows_for_effect_in_blocks
from skdrift.shift._blocks_found import FoundBlocks, count_groups, find_blocks
from skdrift.shift._compare import (
    ShiftResult,
    compare_profiles,
    nothing_compared,
    resolution,
)
from skdrift.shift._dependence import Dependence, learn_dependence
from skdrift.shift._dependence_change import dependence_share, with_dependence
from skdrift.shift._trend import Tolerance, Trend, tolerance_at

__all__ = [
    "BatchBlocks",
    "BlockLevel",
    "Dependence",
    "FoundBlocks",
    "ShiftResult",
    "Tolerance",
    "Trend",
    "compare_profiles",
    "count_groups",
    "dependence_share",
    "find_blocks",
    "learn_dependence",
    "nothing_compared",
    "resolution",
    "rows_for_effect_in_blocks",
    "tolerance_at",
    "with_dependence",
]
