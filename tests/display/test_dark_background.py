"""On a dark background everything that is drawn can be told from it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.colors import to_rgb
from sklearn.linear_model import LinearRegression

from skdrift import (
    DependenceDisplay,
    DriftAwareEstimator,
    DriftOverviewDisplay,
    PerformanceDisplay,
    ShiftDisplay,
)


@pytest.fixture(autouse=True)
def _dark() -> Iterator[None]:
    with plt.style.context("dark_background"):
        yield


def too_dark(color: Any) -> bool:
    return max(to_rgb(color)) < 0.3


def unseen(ax: Any) -> list[Any]:
    """Lines, whiskers and texts beside axes that are as dark as these."""
    found = [line for line in ax.lines if too_dark(line.get_color())]
    for container in ax.containers:
        whiskers = container.lines[2] if hasattr(container, "lines") else ()
        found += [bar for bar in whiskers if too_dark(bar.get_colors()[0])]
    legend = ax.get_legend()
    texts = [*ax.texts, *(legend.get_texts() if legend else ())]
    handles = legend.get_lines() if legend else []
    found += [line for line in handles if too_dark(line.get_color())]
    return found + [text for text in texts if too_dark(text.get_color())]


def test_the_overview(model, batch):
    assert not unseen(DriftOverviewDisplay.from_estimator(model, batch).ax_)


@pytest.mark.parametrize("feature", ["number", "level", "many", "text"])
def test_a_column(blocked_model, blocked, feature):
    batch, _ = blocked(1, 3)
    display = ShiftDisplay.from_estimator(blocked_model, batch, feature=feature)
    assert not unseen(display.ax_)


def test_pairs(model, batch):
    assert not unseen(DependenceDisplay.from_estimator(model, batch).ax_)


def test_scores():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(900, 2))
    y = X[:, 0] + rng.normal(size=900)
    model = DriftAwareEstimator(LinearRegression()).fit(X[:600], y[:600])
    moved = y[600:] + 5.0 * (np.arange(300) >= 200)
    display = PerformanceDisplay.from_estimator(model, X[600:], moved, chunk_size=100)
    assert display.below_band_.any()
    assert not unseen(display.ax_)
    assert display.line_.get_color() == "white"
