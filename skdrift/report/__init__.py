"""What a look at a batch has found, and how it is written down."""

from __future__ import annotations

from skdrift._core.result import FeatureRow, ScoreExpectation
from skdrift.report._drift_report import DriftReport
from skdrift.report._rejected import RejectedRows
from skdrift.report._row_blocks import RowBlocks
from skdrift.report._warning_text import warning_text

__all__ = [
    "DriftReport",
    "FeatureRow",
    "RejectedRows",
    "RowBlocks",
    "ScoreExpectation",
    "warning_text",
]
