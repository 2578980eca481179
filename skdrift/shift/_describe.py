"""Direction and distances of a column, from its two count vectors."""

from __future__ import annotations

import numpy as np

from skdrift._core.cells import display_key
from skdrift.profile._cells import LevelCells, NumberCells

N_BINS = 10
MOST_LEVELS_NAMED = 3


def coarse_bins(reference: np.ndarray, current: np.ndarray) -> np.ndarray:
    """Counts of both samples in at most ten bins of equal reference mass.

    Parameters
    ----------
    reference, current : ndarray of shape (n_columns, n_cells)

    Returns
    -------
    ndarray of shape (2, n_columns, 10)
    """
    below = np.cumsum(reference, axis=1) - reference / 2
    total = np.maximum(reference.sum(axis=1, keepdims=True), 1)
    bins = np.minimum(N_BINS * below / total, N_BINS - 1).astype(np.int64)
    flat = (bins + N_BINS * np.arange(len(bins))[:, None]).ravel()
    size = N_BINS * len(bins)
    return np.stack(
        [
            np.bincount(flat, weights=counts.ravel(), minlength=size)
            .reshape(-1, N_BINS)
            .astype(np.int64)
            for counts in (reference, current)
        ]
    )


def cell_values(cells: NumberCells, lowest: float, highest: float) -> np.ndarray:
    """A value that stands for each cell: the point, or the middle of the interval.

    Parameters
    ----------
    cells : NumberCells
    lowest, highest : float
        Extremes of both samples together, for the two outer cells.
    """
    points = cells.points.astype(np.float64)
    ends = np.concatenate([[points[0]], points, [points[-1]]])
    values = np.empty(cells.n_cells)
    values[1::2] = points
    values[0::2] = ends[:-1] / 2 + ends[1:] / 2
    values[0] = min(points[0], lowest) / 2 + points[0] / 2
    values[-1] = max(points[-1], highest) / 2 + points[-1] / 2
    return values


QUARTERS = (0.25, 0.5, 0.75)


def quartiles(counts: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Values below which a quarter, a half and three quarters of the rows lie.

    Parameters
    ----------
    counts, values : ndarray of shape (n_columns, n_cells)

    Returns
    -------
    ndarray of shape (n_columns, 3)
    """
    upper = np.cumsum(counts, axis=1)
    places = [(upper < share * upper[:, -1:]).sum(axis=1) for share in QUARTERS]
    return np.take_along_axis(values, np.stack(places, axis=1), axis=1)


def number_direction(before: np.ndarray, now: np.ndarray, kind: str) -> str:
    """Median and spread of both samples, in words.

    Parameters
    ----------
    before, now : ndarray of shape (3,)
        Quartiles of the reference and of the batch.
    kind : str
        Of the column.
    """
    text = f"median {format_value(before[1], kind)} → {format_value(now[1], kind)}"
    with np.errstate(over="ignore"):
        spreads = before[2] - before[0], now[2] - now[0]
        if spreads[0] > 0 and np.isfinite(spreads).all():
            ratio = spreads[1] / spreads[0]
            if not 0.9 < ratio < 1.1:
                text += f", spread ×{ratio:.2g}"
    return text


def format_value(value: float, kind: str) -> str:
    """A number, or an instant where the column is one."""
    if kind == "datetime":
        if not np.isfinite(value):
            return str(value)
        return str(np.datetime64(int(value), "us").astype("datetime64[s]"))
    return f"{value:.4g}"


def level_direction(
    reference: np.ndarray, current: np.ndarray, cells: LevelCells
) -> str:
    """Levels whose share changed most, in words."""
    n_known = len(cells.keys)
    shares = [counts / max(counts.sum(), 1) for counts in (reference, current)]
    change = np.abs(shares[1] - shares[0])[:n_known]
    largest = np.argsort(-change, kind="stable")[:MOST_LEVELS_NAMED]
    return ", ".join(
        f"{display_key(cells.keys[place])[:40]!r} "
        f"{100 * shares[0][place]:.3g} % → {100 * shares[1][place]:.3g} %"
        for place in largest
        if change[place] > 0
    )
