"""What the level of a report counts where rows come in blocks."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class RowBlocks:
    """Blocks of rows that the level counts.

    Attributes
    ----------
    n_reference, n_current : int
        Blocks of training, and those that the batch is taken for.
    n_like : int
        Parts of training of the batch's size that share no block.
    n_needed : int
        Blocks of training that it takes to promise `alpha` by rank.
    promised : bool
        Whether there are so many: without, an alarm needs a model of the tail.
    """

    n_reference: int
    n_current: int
    n_like: int
    n_needed: int
    promised: bool
