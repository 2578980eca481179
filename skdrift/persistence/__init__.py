"""Artifacts: a fitted model and its baseline, written whole and read with suspicion."""

from __future__ import annotations

from skdrift.persistence._artifact import dump, load
from skdrift.persistence._trusted import TRUSTED_TYPES

__all__ = ["TRUSTED_TYPES", "dump", "load"]
