"""Draw the trials once, from three real tables, and write them for all tools."""

from __future__ import annotations

import csv
import gzip
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
from trial_tables import NEW, place

from skdrift.datasets import load_air_quality, load_bike_sharing

N_REFERENCE = 3000
N_BATCH = 1000
N_LARGE, D_LARGE = 100_000, 50

Change = Callable[[np.ndarray, np.ndarray, np.random.Generator], None]


def real_tables(electricity: Path | None) -> dict[str, np.ndarray]:
    """Tables of numbers by name; the third one where its file is given."""
    tables = {
        "bike sharing": load_bike_sharing().data,
        "air quality": load_air_quality().data,
    }
    if electricity is not None:
        with gzip.open(electricity, "rt", newline="") as file:
            rows = list(csv.reader(file))[1:]
        tables["electricity"] = np.array([row[:-1] for row in rows], dtype=np.float64)
    return tables


def random_column(reference: np.ndarray, rng: np.random.Generator) -> int:
    """Position of a column that is not constant."""
    return int(rng.choice(np.flatnonzero(reference.std(axis=0) > 0)))


def unchanged(
    reference: np.ndarray, batch: np.ndarray, rng: np.random.Generator
) -> None:
    """Leave the batch as it is."""


def shifted(by: float) -> Change:
    """Add `by` standard deviations to one random column."""

    def change(
        reference: np.ndarray, batch: np.ndarray, rng: np.random.Generator
    ) -> None:
        j = random_column(reference, rng)
        batch[:, j] += by * reference[:, j].std()

    return change


def scaled(reference: np.ndarray, batch: np.ndarray, rng: np.random.Generator) -> None:
    """Stretch one random column by 1.5 about its mean."""
    j = random_column(reference, rng)
    mean = reference[:, j].mean()
    batch[:, j] = mean + 1.5 * (batch[:, j] - mean)


def with_missing(
    reference: np.ndarray, batch: np.ndarray, rng: np.random.Generator
) -> None:
    """Make a tenth of one random column missing."""
    j = random_column(reference, rng)
    batch[rng.random(len(batch)) < 0.1, j] = np.nan


def independent(
    reference: np.ndarray, batch: np.ndarray, rng: np.random.Generator
) -> None:
    """Permute each column on its own: only the dependence between them goes."""
    batch[:] = rng.permuted(batch, axis=0)


def with_category(
    reference: np.ndarray, batch: np.ndarray, rng: np.random.Generator
) -> int:
    """Code one random column by its octiles; 2 % of the batch in a new category."""
    j = random_column(reference, rng)
    edges = np.unique(np.quantile(reference[:, j], np.linspace(0, 1, 9)))
    for rows in (reference, batch):
        rows[:, j] = np.searchsorted(edges, rows[:, j])
    batch[rng.random(len(batch)) < 0.02, j] = NEW
    return j


CHANGES: dict[str, Callable[..., int | None]] = {
    "clean": unchanged,
    "+0.1 sd": shifted(0.1),
    "+0.25 sd": shifted(0.25),
    "scale ×1.5": scaled,
    "2 % new category": with_category,
    "missing 0 → 10 %": with_missing,
    "dependence only": independent,
}


def write_cell(
    files: Path, table: np.ndarray, change: Callable[..., int | None], n_trials: int
) -> None:
    rng = np.random.default_rng(20)
    rows = np.empty((n_trials, N_REFERENCE), dtype=np.int64)
    batches = np.empty((n_trials, N_BATCH, table.shape[1]))
    codes = np.zeros((n_trials, N_REFERENCE))
    coded = []
    for i in range(n_trials):
        order = rng.permutation(len(table))[: N_REFERENCE + N_BATCH]
        rows[i] = order[:N_REFERENCE]
        reference, batches[i] = table[rows[i]], table[order[N_REFERENCE:]]
        j = change(reference, batches[i], rng)
        coded.append(None if j is None else {"column": j})
        codes[i] = 0 if j is None else reference[:, j]
    files.mkdir(exist_ok=True)
    np.save(files / "reference_rows.npy", rows)
    np.save(files / "batches.npy", batches)
    np.save(files / "reference_codes.npy", codes)
    (files / "coded.json").write_text(json.dumps(coded), encoding="utf-8")


def write_trials(folder: Path, n_trials: int, electricity: Path | None) -> None:
    """Write the tables, all cells' trials and the large tables."""
    folder.mkdir(exist_ok=True)
    tables = real_tables(electricity)
    names = [f"{name}/{change}" for name in tables for change in CHANGES]
    (folder / "cells.json").write_text(json.dumps(names), encoding="utf-8")
    for name, table in tables.items():
        np.save(folder / f"{name}.npy", table)
        for change, function in CHANGES.items():
            cell = place(folder, f"{name}/{change}")
            write_cell(cell, table, function, n_trials)
    rng = np.random.default_rng(21)
    for part in ("reference", "batch"):
        np.save(folder / f"large_{part}.npy", rng.normal(size=(N_LARGE, D_LARGE)))
