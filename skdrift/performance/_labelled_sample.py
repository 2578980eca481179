"""Whether the rows with a label are a random sample of a batch."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy import special

LEVEL = 0.01
N_DRAWS = 399
LEAST_ROWS = 5
MOST_DRAWN = 20_000_000
MOST_ROWS = 50_000
MOST_NAMED = 3


def unlike_the_rest(
    columns: np.ndarray, names: Sequence[str], labelled: np.ndarray
) -> tuple[float, tuple[str, ...]]:
    """Test whether labelled rows are drawn at random.

    The largest standardised difference of mean ranks over the columns, among those
    of random draws of as many rows: exact whatever the columns are. Where there are
    too many rows to draw, by the normal law and Bonferroni.

    Parameters
    ----------
    columns : ndarray of numbers of shape (n_columns, n_rows)
    names : sequence of str
        Of the columns.
    labelled : ndarray of bool of shape (n_rows,)

    Returns
    -------
    pvalue : float
        NaN where there are fewer than five rows with, or without, a label.
    names : tuple of str
        At most three columns that differ most, most first.
    """
    n = int(labelled.sum())
    few = min(n, len(labelled) - n)
    if few < LEAST_ROWS or not len(columns):
        return float("nan"), ()
    rng = np.random.default_rng(0)
    if len(labelled) > MOST_ROWS:
        kept = np.sort(rng.choice(len(labelled), MOST_ROWS, replace=False))
        return unlike_the_rest(columns[:, kept], names, labelled[kept])
    ranks = np.stack([_standard_ranks(column) for column in columns])
    varied = ranks.any(axis=1)
    if not varied.any():
        return 1.0, ()
    ranks, total = ranks[varied], len(labelled)
    error = np.sqrt((1.0 / few - 1.0 / total) * total / (total - 1.0))
    chosen = np.flatnonzero(labelled if n == few else ~labelled)
    found = np.abs(ranks[:, chosen].mean(axis=1)) / error
    order = np.argsort(-found, kind="stable")[:MOST_NAMED]
    known = np.flatnonzero(varied)
    largest = tuple(names[known[place]] for place in order if found[place] > 2.0)
    if N_DRAWS * few * len(ranks) > MOST_DRAWN:
        pvalue = min(1.0, 2.0 * len(ranks) * float(special.ndtr(-found.max())))
        return pvalue, largest
    draws = [rng.choice(total, few, replace=False) for _ in range(N_DRAWS)]
    most = [np.abs(ranks[:, drawn].mean(axis=1)).max() / error for drawn in draws]
    as_large = int((np.array(most) >= found.max() * (1.0 - 1e-9)).sum())
    return (1.0 + as_large) / (1.0 + N_DRAWS), largest


def labelled_in_blocks(blocks: np.ndarray, labelled: np.ndarray) -> float:
    """P-value for labels that come at random, whatever the block of a row.

    The chi-square distance of the numbers of labels of the blocks from what their
    sizes give, among those of random draws of as many rows.

    Parameters
    ----------
    blocks : ndarray of int of shape (n_rows,)
        Block of each row.
    labelled : ndarray of bool of shape (n_rows,)
    """
    _, codes = np.unique(blocks, return_inverse=True)
    sizes = np.bincount(codes)
    counts = np.bincount(codes[labelled], minlength=len(sizes))
    n = int(counts.sum())
    if len(sizes) < 2 or n in (0, len(labelled)):
        return 1.0
    expected = sizes * n / len(labelled)
    rng = np.random.default_rng(0)
    drawn = rng.multivariate_hypergeometric(sizes, n, size=N_DRAWS, method="marginals")
    distance = ((drawn - expected) ** 2 / expected).sum(axis=1)
    own = float(((counts - expected) ** 2 / expected).sum())
    as_large = int((distance >= own * (1.0 - 1e-9)).sum())
    return (1.0 + as_large) / (1.0 + N_DRAWS)


def _standard_ranks(column: np.ndarray) -> np.ndarray:
    """Mid-ranks with mean 0 and variance 1; zeros for a constant."""
    _, codes, counts = np.unique(column, return_inverse=True, return_counts=True)
    middle = np.cumsum(counts) - (counts - 1.0) / 2.0
    ranks = middle[codes]
    ranks = ranks - ranks.mean()
    spread = ranks.std()
    return np.asarray(ranks / spread if spread > 0 else np.zeros(len(ranks)))
