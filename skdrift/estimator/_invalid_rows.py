"""Which rows of a batch are invalid, and why."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from skdrift._core.frame import Table, read_table
from skdrift.estimator._reacting import is_invalid_input
from skdrift.exceptions import InvalidInputError, SkdriftError
from skdrift.guards._flagging import (
    ColumnFlags,
    absent_columns,
    flag_columns,
    row_reasons,
)
from skdrift.profile import Profile
from skdrift.report import DriftReport, RejectedRows
from skdrift.report._rejected import MOST_ROWS


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class InvalidRows:
    """Which rows of a batch are invalid, and why.

    Attributes
    ----------
    mask : ndarray of bool of shape (n_rows,)
    flags : dict of int to ndarray of uint8 of shape (n_rows,)
        Flags of the columns that have any.
    absent : tuple of str
        Columns of training that the batch does not have: all rows are invalid.
    labels : tuple of str
        Names of the columns of training.
    table : Table or None
        The batch; None if it cannot be read.
    problem : str
        Why it cannot be read.
    """

    mask: np.ndarray
    flags: ColumnFlags
    absent: tuple[str, ...]
    labels: tuple[str, ...]
    table: Table | None
    problem: str = ""

    @property
    def share(self) -> float:
        """Share of the rows that are invalid; 0 if there is no row."""
        return float(self.mask.mean()) if len(self.mask) else 0.0


def find_invalid_rows(X: Any, reference: Profile) -> InvalidRows:
    """Rows with a flag; all rows if a column of training is missing.

    Raises
    ------
    InputError, InputTypeError
        If `X` cannot be read, and is nothing that has a number of rows.
    """
    labels = reference.grid.labels
    try:
        table = read_table(X, strict=False)
    except SkdriftError as error:
        n_rows = _row_count(X)
        if n_rows is None:
            raise
        return InvalidRows(
            mask=np.ones(n_rows, dtype=bool),
            flags={},
            absent=(),
            labels=labels,
            table=None,
            problem=str(error),
        )
    flags = flag_columns(table, reference)
    absent = absent_columns(table, reference)
    mask = np.full(table.n_rows, bool(absent))
    for column in flags.values():
        mask |= column > 0
    return InvalidRows(
        mask=mask, flags=flags, absent=absent, labels=labels, table=table
    )


def _row_count(X: Any) -> int | None:
    shape = getattr(X, "shape", None)
    plain = isinstance(shape, tuple) and len(shape) == 2 and isinstance(shape[0], int)
    return shape[0] if plain and shape is not None else None


def too_many_invalid(
    report: DriftReport, invalid: InvalidRows, limit: float
) -> InvalidInputError:
    """Error that says how many rows of a batch are invalid."""
    n = int(invalid.mask.sum())
    codes = sorted({f.code for f in report.findings if is_invalid_input(f)})
    return InvalidInputError(
        f"{n:,} of {len(invalid.mask):,} rows ({invalid.share:.1%}) hold what training "
        f"never had, more than max_invalid_share={limit} allows (codes: "
        f"{', '.join(codes)}); flags = model.flag(X) says which, the report of this "
        "error says more",
        report,
    )


def with_rejected(
    report: DriftReport | None, invalid: InvalidRows, policy: Any
) -> DriftReport | None:
    """Report that says which rows the model was not asked about."""
    if report is None:
        return None
    rows = np.flatnonzero(invalid.mask)
    listed = rows[:MOST_ROWS].tolist()
    reasons: list[tuple[str, ...]]
    if invalid.table is None:
        reasons = [(f"the batch cannot be read: {invalid.problem}",)] * len(listed)
    else:
        reasons = row_reasons(invalid.flags, invalid.labels, invalid.absent, listed)
    rejected = RejectedRows(
        policy=policy, n_rows=len(rows), rows=tuple(listed), reasons=tuple(reasons)
    )
    return replace(report, rejected=rejected)
