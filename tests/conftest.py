"""What every test folder shares."""

from __future__ import annotations

import os

from hypothesis import settings

# Derandomized where nobody is there to look at a new counterexample; no deadline,
# since machines that run many tests at once are slow at random moments.
settings.register_profile("ci", derandomize=True, deadline=None, print_blob=True)
settings.register_profile("developer", deadline=None)
settings.load_profile("ci" if os.environ.get("CI") else "developer")
