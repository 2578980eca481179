"""The three real tables that the level and the power of an alarm are measured on."""

from __future__ import annotations

import csv
import gzip
from pathlib import Path

import numpy as np

from skdrift.datasets import load_air_quality, load_bike_sharing

ELECTRICITY = Path(__file__).parent / "data" / "electricity_elec2.csv.gz"


def real_tables() -> dict[str, np.ndarray]:
    """Tables of numbers by name, each of shape (n_rows, n_features)."""
    return {
        "bike sharing": load_bike_sharing().data,
        "air quality": load_air_quality().data,
        "electricity": _electricity(),
    }


def _electricity() -> np.ndarray:
    with gzip.open(ELECTRICITY, "rt", newline="") as file:
        rows = list(csv.reader(file))
    return np.array([row[:-1] for row in rows[1:]], dtype=np.float64)


def electricity_names() -> list[str]:
    """Names of the columns of the table "electricity"."""
    with gzip.open(ELECTRICITY, "rt", newline="") as file:
        return next(csv.reader(file))[:-1]


def electricity_labels() -> np.ndarray:
    """Whether the price went up, for the rows of the table "electricity"."""
    with gzip.open(ELECTRICITY, "rt", newline="") as file:
        rows = list(csv.reader(file))
    return np.array([row[-1] for row in rows[1:]], dtype=np.int64)
