"""Tables of the trials: `.npy` and JSON, so that every environment reads the same.

Needs numpy and pandas only, in any of the versions of ``versions.toml``.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

NEW = 99  # the code of a category that the reference does not hold


@dataclass(frozen=True)
class Table:
    """Rows of numbers, of which one column may hold codes of categories."""

    values: np.ndarray
    coded: int | None = None

    @property
    def names(self) -> list[str]:
        return [f"x{j}" for j in range(self.values.shape[1])]

    @property
    def categorical(self) -> list[str]:
        return [] if self.coded is None else [self.names[self.coded]]

    @property
    def numeric(self) -> list[str]:
        return [name for name in self.names if name not in self.categorical]

    def levels(self) -> np.ndarray:
        """The coded column as words."""
        words = [
            "new" if code == NEW else f"level {code:.0f}"
            for code in self.values[:, self.coded]
        ]
        return np.array(words, dtype=object)

    def frame(self) -> pd.DataFrame:
        frame = pd.DataFrame(self.values, columns=self.names)
        for name in self.categorical:
            frame[name] = pd.Series(self.levels(), dtype=object)
        return frame

    def objects(self) -> np.ndarray:
        """As an array; of objects where a column is categorical."""
        if self.coded is None:
            return self.values
        cells = self.values.astype(object)
        cells[:, self.coded] = self.levels()
        return cells


def cells(folder: Path) -> list[str]:
    """Names ``set/change`` of all cells, in the order of the tables."""
    return json.loads((folder / "cells.json").read_text(encoding="utf-8"))


def place(folder: Path, cell: str) -> Path:
    """Folder of a cell's files."""
    return folder / f"cell{cells(folder).index(cell):02d}"


def trials(folder: Path, cell: str, n_trials: int) -> Iterator[tuple[Table, Table]]:
    """Reference and batch of each of the first trials of a cell."""
    files = place(folder, cell)
    table = np.load(folder / f"{cell.split('/')[0]}.npy")
    rows = np.load(files / "reference_rows.npy")
    batches = np.load(files / "batches.npy", mmap_mode="r")
    coded = json.loads((files / "coded.json").read_text(encoding="utf-8"))
    codes = np.load(files / "reference_codes.npy") if any(coded) else None
    for i in range(min(n_trials, len(rows))):
        reference = table[rows[i]]
        j = coded[i]["column"] if coded[i] else None
        if j is not None and codes is not None:
            reference[:, j] = codes[i]
        yield Table(reference, j), Table(np.array(batches[i]), j)


def large_tables(folder: Path) -> tuple[Table, Table]:
    """Reference and batch of the table of speed and memory."""
    reference, batch = (
        np.load(folder / f"large_{part}.npy") for part in ("reference", "batch")
    )
    return Table(reference), Table(batch)
