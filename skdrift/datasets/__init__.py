"""Small real data sets in which the drift is known."""

from __future__ import annotations

from skdrift.datasets._air_quality import load_air_quality
from skdrift.datasets._bike_sharing import load_bike_sharing

__all__ = ["load_air_quality", "load_bike_sharing"]
