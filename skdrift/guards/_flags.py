"""Flags: the answer to "which cells hold what training never had?"."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from skdrift._core.frame_output import pandas_frame

MISSING, INFINITE, UNSEEN, BELOW, ABOVE, UNREADABLE = range(1, 7)


@dataclass(frozen=True, slots=True)
class FlagCode:
    """One kind of flag: its number in the array, its finding code, its meaning."""

    number: int
    code: str
    name: str
    reason: str


FLAG_CODES: tuple[FlagCode, ...] = (
    FlagCode(0, "", "", "nothing"),
    FlagCode(MISSING, "DA401", "missing", "missing, never so in training"),
    FlagCode(INFINITE, "DA404", "infinite", "infinite, never so in training"),
    FlagCode(UNSEEN, "DA402", "unseen", "a category that training did not have"),
    FlagCode(BELOW, "DA403", "below", "below the range of training"),
    FlagCode(ABOVE, "DA403", "above", "above the range of training"),
    FlagCode(UNREADABLE, "DA406", "unreadable", "of a type that training did not have"),
)


@dataclass(frozen=True, slots=True, eq=False)
class Flags:
    """Flags of a batch: one small integer for each cell.

    Attributes
    ----------
    codes : ndarray of uint8 of shape (n_rows, n_features)
        0 where nothing is wrong; else the number of a row in `table`. Columns are
        those of training, in training's order.
    features : tuple of str
        Names of the columns.
    table : tuple of FlagCode
        What each number means.
    index : object
        Row labels of the batch, or None.
    """

    codes: np.ndarray
    features: tuple[str, ...]
    table: tuple[FlagCode, ...] = FLAG_CODES
    index: Any = None

    def rows(self) -> np.ndarray:
        """Mask of the rows with at least one flag, of shape (n_rows,)."""
        return np.asarray(self.codes.any(axis=1))

    def reasons(self, row: int) -> tuple[str, ...]:
        """Reasons for the flags of one row (by position), in words."""
        return tuple(
            f"{self.features[place]}: {self.table[self.codes[row, place]].reason}"
            for place in np.flatnonzero(self.codes[row])
        )

    def to_frame(self) -> Any:
        """Flagged cells as a pandas data frame, one row for each.

        Returns
        -------
        DataFrame
            With columns ``row`` (position), ``feature``, ``code`` (of the finding),
            ``flag`` and ``reason``; its index are the row labels of the batch.

        Raises
        ------
        MissingDependencyError
            If pandas is not installed.
        """
        rows, places = np.nonzero(self.codes)
        entries = [self.table[number] for number in self.codes[rows, places].tolist()]
        frame = pandas_frame(
            {
                "row": rows.tolist(),
                "feature": [self.features[place] for place in places.tolist()],
                "code": [entry.code for entry in entries],
                "flag": [entry.name for entry in entries],
                "reason": [entry.reason for entry in entries],
            }
        )
        if self.index is not None:
            frame.index = self.index[rows]
        return frame

    def __repr__(self) -> str:
        n_rows, n_features = self.codes.shape
        return f"Flags(n_rows={n_rows}, n_features={n_features})"
