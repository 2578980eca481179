"""Cause 4: missing, out-of-range and unseen values, row by row."""

from skdrift.guards._flags import FlagCode, Flags
from skdrift.guards._guard_report import GuardAction, GuardReport
from skdrift.guards._input_guard import InputGuard
from skdrift.guards._quarantine import Quarantine
from skdrift.guards._single_guards import (
    CategoryGuard,
    MissingGuard,
    RangeGuard,
    SchemaGuard,
)

__all__ = [
    "CategoryGuard",
    "FlagCode",
    "Flags",
    "GuardAction",
    "GuardReport",
    "InputGuard",
    "MissingGuard",
    "Quarantine",
    "RangeGuard",
    "SchemaGuard",
]
