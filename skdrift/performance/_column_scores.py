"""What codes are compared by where training and batch have to be treated alike.

Codes of levels rise with rarity in training: an order that is chosen by the rows that
are then compared, as is which levels have a code of their own. Scores and fair codes
are free of it. They follow from the profile of the training rows, as the codes do, and
nothing is stored for them.
"""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import blake2b

import numpy as np
from scipy import special

from skdrift.performance._row_codes import MISSING, N_CODES, counts_by_feature
from skdrift.profile import Profile
from skdrift.profile._cells import Cells, LevelCells
from skdrift.profile._profile import cells_by_feature

N_KINDS = 3
MOST_LEVELS = N_CODES - 2
MOST_RARE = 0.01
LEAST_OWN = 1e-3


@dataclass(frozen=True, slots=True, eq=False)
class ColumnScores:
    """Scores of the codes of some columns.

    Attributes
    ----------
    tables : ndarray of float of shape (n_columns, 3, 48)
        Score of each code, of each kind. Over the training rows scores of a column
        have mean 0 and variance 1 and are uncorrelated; where there is none they
        are 0.
    kurtosis : ndarray of float of shape (n_columns, 3)
        Mean fourth power over the training rows; infinite where there is no score.
    """

    tables: np.ndarray
    kurtosis: np.ndarray


def column_scores(
    reference: Profile, positions: np.ndarray, shares: np.ndarray
) -> ColumnScores:
    """Scores of columns.

    Of a number: the normal score of its rank and the square of it, so that the mean
    and the spread tell. Of a level: two normal numbers that follow from its name;
    none for a column with more levels than codes, or of which the next row may well
    bring a new one. Of both: whether the cell is missing.

    Parameters
    ----------
    reference : Profile
        Of the training rows.
    positions : ndarray of int of shape (n_columns,)
    shares : ndarray of float of shape (n_columns, 48)
        Of the training rows at each code, see `RowCodes`.
    """
    cells = _first_cells(reference, positions)
    raw = np.zeros((len(positions), N_KINDS, N_CODES))
    for slot, (first, counts) in enumerate(cells):
        if not isinstance(first, LevelCells):
            raw[slot, 0] = _normal_scores(shares[slot])
            raw[slot, 1] = raw[slot, 0] ** 2
        elif _is_settled(first, counts):
            raw[slot, :2, 1 : len(first.keys) + 1] = _scores_of_names(first.keys)
        else:
            continue
        raw[slot, 2, MISSING] = 1.0
    tables = _uncorrelated(raw, shares)
    fourth = (tables**4 * shares[:, None]).sum(axis=2)
    return ColumnScores(tables, np.where(fourth > 0, fourth, np.inf))


def fair_codes(reference: Profile, positions: np.ndarray) -> np.ndarray:
    """Another code for each code.

    Of a number the same. Of a level by its name, and 0 for all levels of a column that
    has no scores.

    Parameters
    ----------
    reference : Profile
    positions : ndarray of int of shape (n_columns,)

    Returns
    -------
    ndarray of uint8 of shape (n_columns, 48)
    """
    found = np.tile(np.arange(N_CODES, dtype=np.uint8), (len(positions), 1))
    for row, (first, counts) in zip(
        found, _first_cells(reference, positions), strict=True
    ):
        if not isinstance(first, LevelCells):
            continue
        row[:] = MISSING
        if _is_settled(first, counts):
            ranks = _scores_of_names(first.keys)[0].argsort().argsort()
            row[1 : len(ranks) + 1] = ranks + 1
    return found


def recoded(codes: np.ndarray, fair: np.ndarray) -> np.ndarray:
    """Codes of shape (n_columns, n_rows) by `fair_codes`."""
    changed = np.flatnonzero((fair != np.arange(N_CODES)).any(axis=1))
    if not len(changed):
        return codes
    found = codes.copy()
    for place in changed.tolist():
        found[place] = fair[place][codes[place]]
    return found


def _first_cells(
    reference: Profile, positions: np.ndarray
) -> list[tuple[Cells, np.ndarray]]:
    """Cells that the codes of each column are made of, and their counts."""
    cells, counts = cells_by_feature(reference.grid), counts_by_feature(reference)
    return [(cells[place][0], counts[place]) for place in positions.tolist()]


def _normal_scores(shares: np.ndarray) -> np.ndarray:
    """Normal quantile of the middle of each code; 0 where a cell is missing."""
    known = shares.copy()
    known[MISSING] = 0.0
    total = max(known.sum(), np.finfo(np.float64).tiny)
    # A code that training lacks is between two others.
    middle = np.clip((known.cumsum() - known / 2) / total, 1e-4, 1.0 - 1e-4)
    scores = np.asarray(special.ndtri(middle))
    scores[MISSING] = 0.0
    return scores


def _is_settled(cells: LevelCells, counts: np.ndarray) -> bool:
    """Whether each level has a code of its own, and hardly a row a new level.

    As many rows as there are levels that were seen once are new (Good 1953).
    """
    singles = int((counts == 1).sum())
    few = len(cells.keys) <= MOST_LEVELS and not cells.pooled
    return few and singles <= MOST_RARE * max(int(counts.sum()), 1)


def _scores_of_names(keys: tuple[str, ...]) -> np.ndarray:
    """Two normal numbers for each level, of shape (2, n_levels)."""
    digests = [
        blake2b(key.encode("utf-8", "surrogatepass"), digest_size=8).digest()
        for key in keys
    ]
    numbers = np.frombuffer(b"".join(digests), dtype="<u4").reshape(-1, 2)
    return np.asarray(special.ndtri((numbers.T + 0.5) / 2.0**32))


def _uncorrelated(raw: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Each kind without its mean and what the kinds before it tell, with variance 1."""
    found = np.zeros_like(raw)
    for kind in range(N_KINDS):
        own = raw[:, kind] - (raw[:, kind] * weights).sum(axis=1, keepdims=True)
        before = (own**2 * weights).sum(axis=1)
        for other in range(kind):
            along = (own * found[:, other] * weights).sum(axis=1, keepdims=True)
            own = own - along * found[:, other]
        left = (own**2 * weights).sum(axis=1)
        kept = left > LEAST_OWN * np.maximum(before, LEAST_OWN**2)
        size = np.sqrt(np.where(kept, left, 1.0))
        found[:, kind] = np.where(kept[:, None], own / size[:, None], 0.0)
    return found
