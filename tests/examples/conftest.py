"""Examples, run once: what `test_<story>.py` asks is what `plot_<story>.py` left."""

from __future__ import annotations

import runpy
from pathlib import Path
from typing import Any

import pytest

EXAMPLES = Path(__file__).parents[2] / "examples"


@pytest.fixture(scope="module")
def told(request: pytest.FixtureRequest) -> dict[str, Any]:
    """Names of the example that the module is about."""
    matplotlib = pytest.importorskip("matplotlib")
    matplotlib.use("agg")
    story = request.module.__name__.rpartition("test_")[2]
    names = runpy.run_path(str(EXAMPLES / f"plot_{story}.py"))
    names["plt"].close("all")
    return names
