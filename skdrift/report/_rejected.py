"""Which rows the model was not asked about, and why."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

MOST_ROWS: Final = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class RejectedRows:
    """Rows of a batch that the model was not asked about.

    Attributes
    ----------
    policy : {"abstain", "fallback"}
        Whether they were answered by a declared abstention or by another model.
    n_rows : int
        How many.
    rows : tuple of int
        Their positions in the batch, in order: the first 1,000 of them. The mask of
        all is ``model.flag(X).rows()``.
    reasons : tuple of tuple of str
        For each of `rows` what is wrong with it, in words.
    """

    policy: Literal["abstain", "fallback"]
    n_rows: int
    rows: tuple[int, ...]
    reasons: tuple[tuple[str, ...], ...]
