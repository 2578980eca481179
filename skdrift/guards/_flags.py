"""Flags: the answer to "which cells hold what training never had?"."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.stats import false_discovery_control

from skdrift._core.checks import check_share
from skdrift._core.frame_output import pandas_frame
from skdrift.exceptions import ParameterError
from skdrift.guards._quarantine import Quarantine, split_rows

MISSING, INFINITE, UNSEEN, BELOW, ABOVE, UNREADABLE = range(1, 7)
ABSENT_REASON = "a column of training that the batch does not have"
NOVEL_REASON = "unlike the rows of training as a whole"


@dataclass(frozen=True, slots=True)
class FlagCode:
    """One kind of flag: its number in the array, its finding code, its meaning.

    Attributes
    ----------
    number : int
        What stands in ``Flags.codes``; 0 for a cell in which nothing is wrong.
    code : str
        Finding code, such as ``"DA402"``; empty for the number 0.
    name : str
        In one word, such as ``"unseen"``; empty for the number 0.
    reason : str
        What is wrong with the cell, in words.
    """

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
    """Flags of a batch: one small integer for each cell, and what is said of rows.

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
    absent : tuple of str
        Columns of training that the batch does not have: a flag of every row.
    pvalues : ndarray of float of shape (n_rows,) or None
        Conformal p-values of the null hypothesis "this row is distributed like the
        training rows"; smaller = more novel. None unless the model was fitted with
        ``novelty``.

    Notes
    -----
    A p-value counts how many of the n training rows that the novelty detector was
    not fitted on are at least as novel as the row: (1 + count) / (n + 1). If the row
    and those n are exchangeable, it is at most t with probability at most t, whatever
    the detector and with any ties [1]_. The smallest p-value is 1 / (n + 1), so a
    lone outlier among m rows is found at level alpha only if n + 1 >= m / alpha.

    References
    ----------
    .. [1] Bates, S., Candès, E., Lei, L., Romano, Y. and Sesia, M. (2023). Testing
       for outliers with conformal p-values. Annals of Statistics 51(1).
    """

    codes: np.ndarray
    features: tuple[str, ...]
    table: tuple[FlagCode, ...] = FLAG_CODES
    index: Any = None
    absent: tuple[str, ...] = ()
    pvalues: np.ndarray | None = None

    def rows(self) -> np.ndarray:
        """Mask of the rows with at least one flag, of shape (n_rows,).

        All rows, if a column of training is not there. Novel rows are another
        question: see `novel`.
        """
        if self.absent:
            return np.ones(len(self.codes), dtype=bool)
        return np.asarray(self.codes.any(axis=1))

    def novel(self, alpha: float = 0.05) -> np.ndarray:
        """Mask of the rows that are novel as a whole, of shape (n_rows,).

        Benjamini and Hochberg's procedure over the rows of the batch: of the rows it
        names, a share of at most `alpha` is like training, in the mean over batches
        (of independent rows; Bates et al. 2023).

        Parameters
        ----------
        alpha : float, default=0.05
            Bound of that share.

        Raises
        ------
        ParameterError
            If `alpha` is no number in (0, 1), or there are no p-values.
        """
        check_share("alpha", alpha)
        if self.pvalues is None:
            raise ParameterError(
                "novel() needs the p-values of a model that was fitted with novelty, "
                "got none: set novelty='isolation_forest' in DriftAwareEstimator and "
                "fit it again"
            )
        if not len(self.pvalues):
            return np.zeros(0, dtype=bool)
        return np.asarray(false_discovery_control(self.pvalues) <= alpha)

    def reasons(self, row: int, *, alpha: float = 0.05) -> tuple[str, ...]:
        """Reasons for the flags of one row (by position), in words.

        Parameters
        ----------
        row : int
        alpha : float, default=0.05
            Level at which a row counts as novel, where there are p-values.
        """
        novel = self.novel(alpha) if self.pvalues is not None else None
        return self._reasons(row, novel)

    def _reasons(self, row: int, novel: np.ndarray | None) -> tuple[str, ...]:
        whole = [f"{feature}: {ABSENT_REASON}" for feature in self.absent]
        cells = [
            f"{self.features[place]}: {self.table[self.codes[row, place]].reason}"
            for place in np.flatnonzero(self.codes[row])
        ]
        if novel is not None and self.pvalues is not None and novel[row]:
            cells.append(f"row: {NOVEL_REASON} (p = {self.pvalues[row]:.2g})")
        return (*whole, *cells)

    def quarantine(
        self, X: Any, *, reason: str = "reason", include_novel: float | None = None
    ) -> Quarantine:
        """Split a batch into rows without and rows with a flag.

        Parameters
        ----------
        X : table of shape (n_rows, n_features)
            The batch that was flagged.
        reason : str, default="reason"
            Name of the column of reasons that the rejected rows of a data frame get.
        include_novel : float or None, default=None
            Level at which novel rows are rejected too; None: flagged rows alone.

        Returns
        -------
        Quarantine
            ``clean`` and ``rejected`` are of the library and types of `X`, row labels
            included, in the order of the rows (of a DIA matrix: CSR matrices).

        Raises
        ------
        InputError
            If `X` has another number of rows, or a column called `reason` already.
        ParameterError
            If `include_novel` is given and there are no p-values.
        """
        mask, novel = self.rows(), None
        if include_novel is not None:
            novel = self.novel(include_novel)
            mask = mask | novel
        reasons = [
            "; ".join(self._reasons(row, novel))
            for row in np.flatnonzero(mask).tolist()
        ]
        return split_rows(X, mask, reasons, reason)

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
