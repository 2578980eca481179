"""Grid and Profile: where to look, and what was counted there."""

from skdrift.profile._grid import Grid
from skdrift.profile._profile import Profile

__all__ = ["Grid", "Profile"]
