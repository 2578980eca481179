"""What learned losses leave: mean residuals by the code of single columns."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from skdrift.performance._row_codes import N_CODES

LEAST_PRIOR = 8.0
MOST_COLUMNS = 16
WIDTHS = (16, 4, 1)
"""Codes that are taken together, one after the other; missing cells stay alone."""


@dataclass(frozen=True, slots=True, eq=False)
class ColumnResiduals:
    """Mean residuals by code, column after column, each of what those before leave.

    Attributes
    ----------
    columns : ndarray of int64 of shape (k,)
        Rows of the codes that are asked.
    means : ndarray of float of shape (k, 48, n_values)
        Drawn towards 0, as by 8 further rows or more; over all rows their mean is 0.
    counts : ndarray of float of shape (k, 48)
        Rows behind them.
    variances : ndarray of float of shape (n_values,)
        Of what is left in a single row.
    """

    columns: np.ndarray
    means: np.ndarray
    counts: np.ndarray
    variances: np.ndarray

    def of_rows(self, codes: np.ndarray) -> np.ndarray:
        """Sum over columns for each row, of shape (n_values, n_rows)."""
        total = np.zeros((len(self.variances), codes.shape[1]))
        for column, means in zip(self.columns.tolist(), self.means, strict=True):
            total += means[codes[column]].T
        return total

    def variance_of_mean(self, codes: np.ndarray, weights: np.ndarray) -> np.ndarray:
        """Variance of the weighted mean of these sums: (n_values,).

        Weights sum to 1. Where rows have the codes of training it is 0.
        """
        total = np.zeros(len(self.variances))
        for column, counts in zip(self.columns.tolist(), self.counts, strict=True):
            share = np.bincount(codes[column], weights, N_CODES)
            moved = share - counts / max(counts.sum(), 1.0)
            total += self.variances * float((moved**2 / (counts + LEAST_PRIOR)).sum())
        return total


def learn_residuals(
    codes: np.ndarray, residuals: np.ndarray, half: np.ndarray | None
) -> ColumnResiduals:
    """Learn from out-of-fold residuals of what was expected.

    Means are drawn towards 0 by what independent rows would vary, see `_drawn_means`.
    Where rows come in blocks, a column counts for a value only if the means of either
    half of the rows lessen the squares of the other.

    Parameters
    ----------
    codes : ndarray of uint8 of shape (n_columns, n_rows)
    residuals : ndarray of float of shape (n_values, n_rows)
    half : ndarray of bool of shape (n_rows,) or None
        Of whole blocks; None where rows are independent.
    """
    centred = residuals - residuals.mean(axis=1, keepdims=True)
    scale = np.sqrt((centred**2).mean(axis=1, keepdims=True))
    rest = np.divide(centred, scale, out=np.zeros_like(centred), where=scale > 0)
    places = [own.astype(np.intp) for own in codes]  # what counting takes as it is
    gains = [_explained(own, rest) for own in places]
    order = np.argsort(-np.array(gains), kind="stable")[:MOST_COLUMNS]
    columns, means, counts = [], [], []
    for column in order.tolist():
        own = places[column]
        found = _means(own, rest)
        helps = found.any(axis=0) if half is None else _helps(own, rest, half)
        if not helps.any():
            continue
        found *= helps
        columns.append(column)
        means.append(found)
        counts.append(np.bincount(own, minlength=N_CODES).astype(np.float64))
        rest = rest - found.T.take(own, axis=1)
    n_values = len(residuals)
    return ColumnResiduals(
        columns=np.array(columns, dtype=np.int64),
        means=np.reshape(means, (-1, N_CODES, n_values)) * scale[:, 0],
        counts=np.reshape(counts, (-1, N_CODES)),
        variances=(rest**2).mean(axis=1) * scale[:, 0] ** 2,
    )


def _means(codes: np.ndarray, rest: np.ndarray) -> np.ndarray:
    """Of shape (48, n_values), with a mean of 0 over the rows.

    Of many neighbouring codes together, then of fewer what these leave. All follows
    from counts and sums by code, so rows are asked once.
    """
    counts = np.bincount(codes, minlength=N_CODES).astype(np.float64)
    sums = np.stack([np.bincount(codes, value, N_CODES) for value in rest], axis=1)
    squares = np.einsum("ij,ij->i", rest, rest)
    total = np.zeros((N_CODES, len(rest)))
    for width in WIDTHS:
        cells = (np.arange(N_CODES) + width - 1) // width
        left = sums - counts[:, None] * total
        variation = squares - (total * (sums + left)).sum(axis=0)
        total += _drawn_means(counts, left, variation, cells)
    return total


def _drawn_means(
    counts: np.ndarray, sums: np.ndarray, squares: np.ndarray, cells: np.ndarray
) -> np.ndarray:
    """Means of cells of codes, drawn towards 0.

    By as much as they would vary by chance alone: by the variance of rows over that
    between cells, both by moments.

    Parameters
    ----------
    counts : ndarray of float of shape (48,)
    sums : ndarray of float of shape (48, n_values)
    squares : ndarray of float of shape (n_values,)
        Of all rows.
    cells : ndarray of int of shape (48,)
        Cell of each code.
    """
    inside = (cells == np.arange(int(cells[-1]) + 1)[:, None]).astype(np.float64)
    n, counts, sums = counts.sum(), inside @ counts, inside @ sums
    used = max(int((counts > 0).sum()), 1)
    square = (sums**2 / np.maximum(counts, 1.0)[:, None]).sum(axis=0)
    within = np.maximum(squares - square, 0.0) / max(n - used, 1.0)
    between = square - (used - 1) * within
    between /= max(n - float((counts**2).sum()) / n, 1.0)
    prior = np.divide(
        within, between, out=np.full_like(within, np.inf), where=between > 0
    )
    prior = np.maximum(prior, LEAST_PRIOR)
    found = sums / (counts[:, None] + prior)
    return np.asarray((found - counts @ found / n)[cells])


def _explained(codes: np.ndarray, rest: np.ndarray) -> float:
    found = _means(codes, rest)
    return float((np.bincount(codes, minlength=N_CODES) @ found**2).sum())


def _helps(codes: np.ndarray, rest: np.ndarray, half: np.ndarray) -> np.ndarray:
    """For which values means of either half lessen the other's squares: (n_values,)."""
    if half.all() or not half.any():
        return np.zeros(len(rest), dtype=bool)
    guess = np.empty_like(rest)
    for fitted in (half, ~half):
        guess[:, ~fitted] = _means(codes[fitted], rest[:, fitted])[codes[~fitted]].T
    return np.asarray((rest**2 - (rest - guess) ** 2).sum(axis=1) > 0)
