"""Cause 1: data drift, feature by feature."""

from skdrift.shift._answers import (
    AnswerShift,
    answers_beside,
    compare_answers,
    no_answers,
)
from skdrift.shift._blocks import BatchBlocks, BlockLevel, rows_for_effect_in_blocks
from skdrift.shift._blocks_found import FoundBlocks, find_blocks, group_codes
from skdrift.shift._compare import (
    ShiftResult,
    compare_profiles,
    nothing_compared,
    resolution,
)
from skdrift.shift._dependence import (
    Dependence,
    known_slots,
    learn_dependence,
    learn_dependence_of_blocks,
)
from skdrift.shift._dependence_change import dependence_share, with_dependence
from skdrift.shift._together import together_share, with_together
from skdrift.shift._trend import Tolerance, Trend, tolerance_at

__all__ = [
    "AnswerShift",
    "BatchBlocks",
    "BlockLevel",
    "Dependence",
    "FoundBlocks",
    "ShiftResult",
    "Tolerance",
    "Trend",
    "answers_beside",
    "compare_answers",
    "compare_profiles",
    "dependence_share",
    "find_blocks",
    "group_codes",
    "known_slots",
    "learn_dependence",
    "learn_dependence_of_blocks",
    "no_answers",
    "nothing_compared",
    "resolution",
    "rows_for_effect_in_blocks",
    "together_share",
    "tolerance_at",
    "with_dependence",
    "with_together",
]
