"""``python -m skdrift``."""

from __future__ import annotations

import sys

from skdrift.cli import main

if __name__ == "__main__":
    sys.exit(main())
