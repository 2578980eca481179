"""Blocks of training rows: groups of the user, or pieces of a dependent row order."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from scipy import special

from skdrift._core.cells import array_column, object_column
from skdrift._core.frame import read_table
from skdrift._core.rows import spread_evenly, take_rows
from skdrift.exceptions import ParameterError
from skdrift.profile._block_statistics import block_statistics
from skdrift.profile._blocks import (
    BlockValues,
    middle_ranks,
    values_of_blocks,
)
from skdrift.profile._count import comparable_column, match_columns
from skdrift.profile._profile import Profile
from skdrift.shift._trend import cut_in_order
from skdrift.stats.blocks import block_variance_pvalue

LEAST_BLOCKS = 5
MOST_BLOCKS = 300
MOST_ROWS = 8_000
LEAST_ROWS_OF_A_BLOCK = 20
LEAST_ROWS_IN_ORDER = 200
LAGS = (1, 2, 3, 5, 8, 13, 21)
N_CHUNKS = 20
LEVEL = 0.001
PLAIN_KINDS = "biu"
ROWS_ALONE = "the alarm level counts rows"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class FoundBlocks:
    """Blocks of training rows.

    Attributes
    ----------
    values : BlockValues or None
        None where rows count one by one.
    labels : ndarray of int of shape (n_rows,) or None
        Which of the blocks in `values` each row is in, -1 for rows of a block that is
        not kept; None where rows count one by one.
    notes : tuple of str
        What was found.
    """

    values: BlockValues | None = None
    labels: np.ndarray | None = None
    notes: tuple[str, ...] = ()

    @property
    def in_order(self) -> bool:
        """Whether the blocks are pieces of the row order."""
        return self.values is not None and self.values.origin == "row order"


def find_blocks(
    X: Any,
    reference: Profile,
    groups: Any,
    blocks: int | Literal["auto"] | None,
    *,
    order: np.ndarray | None = None,
    times: np.ndarray | None = None,
) -> FoundBlocks:
    """Blocks that the level of an alarm has to count.

    Parameters
    ----------
    X : table of shape (n_rows, n_features)
        Rows of training.
    reference : Profile
        Of them.
    groups : array-like of shape (n_rows,) or None
    blocks : "auto", int or None
        ``"auto"``: `groups` if they are given and differ more than independent rows
        would; without `groups` pieces of the row order if rows depend on their
        neighbours. An integer: so many pieces of the row order. None: no blocks.
    order, times : ndarray of shape (n_rows,) or None
        Rows in the order of time, and their rising times: the row order is then that
        of time, and pieces do not part equal times.

    Raises
    ------
    ParameterError
        If `groups` or `blocks` break their rule.
    """
    if blocks is None:
        return FoundBlocks()
    n = reference.n_rows
    codes = None if groups is None else group_codes(groups, n, "groups")
    if not (isinstance(blocks, str) and blocks == "auto"):
        _check_number(blocks, n)
        labels = _pieces(n, blocks, order, times)
        found = blocks if times is None else int(labels.max()) + 1
        note = f"the alarm level counts {found:,} blocks of the row order, not rows"
        return _in_order(X, reference, labels, note)
    if codes is not None:
        return _of_groups(X, reference, codes)
    if n < LEAST_ROWS_IN_ORDER:
        return FoundBlocks()
    dependent, compared = dependent_columns(X, reference, order)
    if not dependent:
        return FoundBlocks()
    size = max(LEAST_ROWS_OF_A_BLOCK, -(-n // MOST_BLOCKS))
    note = (
        f"rows depend on their neighbours in {dependent:,} of {compared:,} columns; "
        f"the alarm level counts blocks, not rows"
    )
    return _in_order(X, reference, _pieces(n, n // size, order, times), note)


def _check_number(blocks: Any, n_rows: int) -> None:
    whole = isinstance(blocks, int | np.integer) and not isinstance(blocks, bool)
    if not whole or not LEAST_BLOCKS <= blocks <= n_rows // 2:
        raise ParameterError(
            f"blocks must be 'auto', None or an integer of at least {LEAST_BLOCKS} and "
            f"at most half the rows of X ({n_rows // 2:,}), got {blocks!r:.100}"
        )


def group_codes(groups: Any, n_rows: int, name: str) -> np.ndarray:
    """Number of each row's group, in the order of their first rows.

    Raises
    ------
    ParameterError
        If there is not one group for each row, or a group is missing.
    """
    cells = np.asarray(groups)
    if cells.shape != (n_rows,):
        raise ParameterError(
            f"{name} must have one entry for each of the {n_rows:,} rows, got shape "
            f"{cells.shape}; pass a column of X or an array of that length"
        )
    read = object_column if cells.dtype.kind == "O" else array_column
    if cells.dtype.kind in PLAIN_KINDS:
        return _in_order_of_rows(cells)
    column = read(cells, name)
    if column.problem:
        raise ParameterError(f"{name} cannot be read: {column.problem}")
    keys = column.keys()
    rows = [row for row, key in enumerate(keys) if key is None]
    if rows:
        raise ParameterError(
            f"{name} must not be missing, got {len(rows):,} missing entries, in rows "
            f"{rows[:5]}; give these rows a group of their own, or leave them out"
        )
    numbers = {key: number for number, key in enumerate(dict.fromkeys(keys))}
    return np.fromiter((numbers[key] for key in keys), np.int64, n_rows)


def _in_order_of_rows(cells: np.ndarray) -> np.ndarray:
    _, first, codes = np.unique(cells, return_index=True, return_inverse=True)
    return np.asarray(np.argsort(np.argsort(first))[codes], dtype=np.int64)


def dependent_columns(
    X: Any, reference: Profile, order: np.ndarray | None = None
) -> tuple[int, int]:
    """In how many columns rows are like their neighbours, and of how many.

    Correlation of the mid-ranks with those of 1, 2, 3, 5, 8, 13 and 21 rows before,
    over at most 8,000 rows (20 stretches); one-sided, at level 0.001 for all lags
    and columns together. `order` says in which order the rows are neighbours.
    """
    n = reference.n_rows
    stretches = [np.arange(n)]
    if n > MOST_ROWS:
        length = MOST_ROWS // N_CHUNKS
        starts = np.linspace(0, n - length, N_CHUNKS).astype(np.int64)
        stretches = [np.arange(start, start + length) for start in starts]
    rows = np.concatenate(stretches)
    if order is not None:
        rows = order[rows]
    whole = n <= MOST_ROWS and order is None
    table = read_table(X if whole else take_rows(X, rows))
    places = match_columns(table, reference.grid).positions.tolist()
    pvalues = []
    for position, family in enumerate(reference.grid.families):
        if reference.grid.untested[position] or not reference.n_finite()[position]:
            continue
        column = comparable_column(table.column(places[position]), family)
        ranks = middle_ranks(column, reference, position)
        if len(ranks):
            pvalues.append(_lag_pvalue(ranks.reshape(len(stretches), -1)))
    n_tests = len(pvalues) * len(LAGS)
    return sum(pvalue * n_tests <= LEVEL for pvalue in pvalues), len(pvalues)


def _lag_pvalue(ranks: np.ndarray) -> float:
    ranks = ranks - ranks.mean()
    variance = float(np.square(ranks).mean())
    if variance <= 1e-9:
        return 1.0
    scores = []
    for lag in LAGS:
        products = ranks[:, lag:] * ranks[:, :-lag]
        scores.append(float(products.mean()) / variance * np.sqrt(products.size))
    return float(special.ndtr(-max(scores)))


def _pieces(
    n_rows: int,
    n_blocks: int,
    order: np.ndarray | None,
    times: np.ndarray | None,
) -> np.ndarray:
    """Number of each row's piece of the row order, or of the order of time."""
    n_kept = min(n_blocks, MOST_BLOCKS)
    if order is None or times is None:
        return np.arange(n_rows) * n_kept // n_rows
    labels = np.empty(n_rows, dtype=np.int64)
    labels[order] = cut_in_order(times, n_kept)
    return labels


def _in_order(X: Any, reference: Profile, labels: np.ndarray, note: str) -> FoundBlocks:
    n, n_kept = reference.n_rows, int(labels.max()) + 1
    if n_kept < LEAST_BLOCKS:
        few = (
            f"{ROWS_ALONE}: equal times leave {n_kept} pieces, and blocks take "
            f"{LEAST_BLOCKS}"
        )
        return FoundBlocks(notes=(few,))
    values, _ = _summaries(X, reference, labels, np.arange(n_kept))
    kept = BlockValues.of(values, "row order", n_kept, n / n_kept)
    return FoundBlocks(values=kept, labels=labels, notes=(note,))


def _of_groups(X: Any, reference: Profile, codes: np.ndarray) -> FoundBlocks:
    sizes = np.bincount(codes)
    n_groups, usual = len(sizes), float(np.median(sizes))
    if usual < 2:
        note = f"most groups hold one row: {ROWS_ALONE}"
        return FoundBlocks(notes=(note,))
    if n_groups < LEAST_BLOCKS:
        note = (
            f"{ROWS_ALONE}, and is not promised if rows of a group are alike: it "
            f"takes {LEAST_BLOCKS} groups or more to tell, got {n_groups}"
        )
        return FoundBlocks(notes=(note,))
    chosen = spread_evenly(n_groups, MOST_BLOCKS)
    values, counted = _summaries(X, reference, codes, chosen)
    if not _differ(values, counted, reference):
        note = (
            f"the {n_groups:,} groups differ no more than independent rows would: "
            f"{ROWS_ALONE}"
        )
        return FoundBlocks(notes=(note,))
    number = np.full(n_groups, -1)
    number[chosen] = np.arange(len(chosen))
    return FoundBlocks(
        values=BlockValues.of(values, "groups", n_groups, usual),
        labels=number[codes],
        notes=(f"the alarm level counts {n_groups:,} groups, not rows",),
    )


def _summaries(
    X: Any, reference: Profile, codes: np.ndarray, chosen: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Statistics of the chosen blocks, from at most 8,000 rows of them.

    Drawn at random: rows evenly spread over a day or a week skip some of its hours.
    """
    rng = np.random.default_rng(0)
    most = max(LEAST_ROWS_OF_A_BLOCK, MOST_ROWS // len(chosen))
    order = np.argsort(codes, kind="stable")
    ends = np.cumsum(np.bincount(codes))
    rows, labels = [], []
    for number, code in enumerate(chosen.tolist()):
        own = order[ends[code - 1] if code else 0 : ends[code]]
        if len(own) > most:
            own = np.sort(rng.choice(own, most, replace=False))
        rows.append(own)
        labels.append(np.full(len(own), number))
    taken, numbers = np.concatenate(rows), np.concatenate(labels)
    if len(taken) == reference.n_rows:
        return values_of_blocks(read_table(X), codes, reference)
    table = read_table(take_rows(X, taken))
    return values_of_blocks(table, numbers, reference)


def _differ(values: np.ndarray, sizes: np.ndarray, reference: Profile) -> bool:
    statistics = block_statistics(reference)
    own = [
        number
        for number, statistic in enumerate(statistics)
        if statistic.variance > 0 and statistic.name != "mean"
    ]
    if not own:
        return False
    pvalues = block_variance_pvalue(
        values[:, own],
        sizes,
        np.array([statistics[number].variance for number in own]),
        np.array([statistics[number].kurtosis for number in own]),
    )
    return bool(pvalues.min() * len(own) <= LEVEL)
