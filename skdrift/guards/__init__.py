"""Cause 4: missing, out-of-range and unseen values, row by row."""

from skdrift.guards._flags import FlagCode, Flags

__all__ = ["FlagCode", "Flags"]
