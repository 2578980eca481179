"""One model of every kind of column, and batches for it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from sklearn.dummy import DummyRegressor

from skdrift import DriftAwareEstimator

mpl.use("agg")
import matplotlib.pyplot as plt

NASTY = {
    "dollars": "cost_$x^{2}$_in_$",
    "one dollar": "a$",
    "newline": "a\nb\x1b[31m",
    "underscore": "_hidden",
    "backslash": r"\frac{1}{0} \$",
    "glyphs": "気温\u202e",
    "long": "x" * 400,
    "blank": " ",
}


@pytest.fixture(autouse=True)
def _closed_figures() -> Iterator[None]:
    yield
    plt.close("all")


def _table(n: int, moved: float, seed: int) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    start = pd.Timestamp("2020-01-01")
    return pd.DataFrame(
        {
            "number": rng.normal(moved, 1.0, n),
            "count": rng.poisson(3 + moved, n),
            "skewed": rng.lognormal(moved, 2.0, n),
            "huge": rng.normal(moved, 1.0, n) * 1e307,
            "level": rng.choice(["a$b$", "_low", "x" * 300, "ok"], n),
            "many": rng.choice([f"level {place}" for place in range(200)], n),
            "yes": rng.random(n) < 0.3 + moved / 5,
            "when": start + pd.to_timedelta(rng.uniform(0, 300 + 99 * moved, n), "D"),
            "text": [
                "w" * k + " $e$ " + "v" * k
                for k in rng.integers(1 + int(3 * moved), 60, n)
            ],
            "constant": np.ones(n),
            "span": pd.to_timedelta(rng.uniform(0, 9, n), "h"),
        }
    )


@pytest.fixture(scope="session")
def table() -> Callable[..., pd.DataFrame]:
    return _table


@pytest.fixture(scope="session")
def model() -> Any:
    rows = _table(1_500, 0.0, 0)
    wrapped = DriftAwareEstimator(DummyRegressor(), cv=None, blocks=None)
    return wrapped.fit(rows, np.zeros(len(rows)))


@pytest.fixture(scope="session")
def batch() -> pd.DataFrame:
    return _table(500, 1.0, 1)


@pytest.fixture(params=NASTY.values(), ids=NASTY)
def nasty_name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="session")
def blocked_model() -> Any:
    """Fitted on 60 groups whose rows are alike."""
    rows, groups = _blocked(60, 2)
    wrapped = DriftAwareEstimator(
        DummyRegressor(), cv=None, blocks="auto", alpha=0.05
    ).fit(rows, np.zeros(len(rows)), groups=groups)
    assert wrapped.baseline_.blocks is not None
    return wrapped


def _blocked(n_groups: int, seed: int) -> tuple[pd.DataFrame, np.ndarray]:
    groups = np.repeat(np.arange(n_groups), 40)
    rows = _table(len(groups), 0.0, seed)
    moved = np.random.default_rng(seed).normal(size=n_groups)[groups]
    rows["number"] += moved
    rows["yes"] = moved + rows["number"] > 0
    rows["text"] = [
        "w" * k for k in np.clip(20 + 5 * moved + rows["number"], 1, 60).astype(int)
    ]
    return rows, groups


@pytest.fixture(scope="session")
def blocked() -> Callable[..., tuple[pd.DataFrame, np.ndarray]]:
    return _blocked
