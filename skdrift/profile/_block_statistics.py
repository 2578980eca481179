"""Which statistics of a column are kept for each block."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from skdrift.profile._cells import LevelCells, NumberCells
from skdrift.profile._profile import Profile, cells_by_feature

N_TERMS = 4
MOST_LEVELS = 6
MOST_ATOMS = 2
EVENT_CODES = {
    "missing": "DA401",
    "unseen": "DA402",
    "outside": "DA403",
    "infinite": "DA404",
}


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Statistic:
    """A mean or a share over the rows of a block.

    Attributes
    ----------
    name : str
        ``"score"`` (a Legendre score of mid-ranks), ``"share"`` (of a level or a
        repeated value), ``"mean"``, ``"repeated"``, or an event: ``"missing"``,
        ``"infinite"``, ``"outside"``, ``"unseen"``.
    position : int
        Of the column.
    aspect : int
        Which of the column's cells.
    scores : ndarray of float of shape (n_cells,), or None
        What a row in each cell counts, where cells say it all.
    limit : float
        Largest possible distance from the mean.
    variance, kurtosis : float
        Of a single row of training; the kurtosis is the excess.
    centre, scale : float
        Of ``"mean"``: what numbers are measured from, and in.
    term : int
        Which score: 1 for location, 2 for spread, 3 and 4; else 0.
    """

    name: str
    position: int
    aspect: int = 0
    scores: np.ndarray | None = None
    limit: float = 1.0
    variance: float = 0.0
    kurtosis: float = 0.0
    centre: float = 0.0
    scale: float = 1.0
    term: int = 0

    @property
    def code(self) -> str:
        """Code of the event; empty for the distribution."""
        return EVENT_CODES.get(self.name, "")


def block_statistics(reference: Profile) -> list[Statistic]:
    """Statistics of all columns of training, always in the same order."""
    found: list[Statistic] = []
    start = 0
    for position, cells in enumerate(cells_by_feature(reference.grid)):
        counts = reference.counts[start : start + len(cells)]
        start += len(cells)
        if not reference.grid.untested[position]:
            for aspect, (each, own) in enumerate(zip(cells, counts, strict=True)):
                if not own.any():
                    continue
                if isinstance(each, NumberCells):
                    found += _of_numbers(reference, position, aspect, each, own)
                else:
                    found += _of_levels(position, aspect, each, own)
        n_read = max(int(reference.n_read[position]), 1)
        infinite = (
            reference.n_negative_infinite[position]
            + reference.n_positive_infinite[position]
        )
        found += [
            _event("missing", position, int(reference.n_missing[position]) / n_read),
            _event("infinite", position, int(infinite) / n_read),
        ]
    return found


def _event(name: str, position: int, share: float) -> Statistic:
    variance, kurtosis = _bernoulli(share)
    return Statistic(name=name, position=position, variance=variance, kurtosis=kurtosis)


def _bernoulli(share: float) -> tuple[float, float]:
    variance = share * (1 - share)
    return variance, (1 - 6 * variance) / variance if variance > 0 else 0.0


def _of_numbers(
    reference: Profile,
    position: int,
    aspect: int,
    cells: NumberCells,
    counts: np.ndarray,
) -> list[Statistic]:
    found = [
        _linear("score", position, aspect, scores, counts, term=k)
        for k, scores in enumerate(legendre_scores(counts), start=1)
    ]
    if not cells.discrete:
        tracked = 2 * np.flatnonzero(cells.tracked) + 1
        for cell in _largest(counts, tracked, MOST_ATOMS):
            found.append(_share(position, aspect, cell, counts))
    if cells.aspect != "value":
        return found
    n = int(counts.sum())
    scale = float(np.sqrt(reference.m2[position] / n))
    centre = float(reference.mean[position])
    if 0 < scale < np.inf and np.isfinite(centre):
        found.append(
            Statistic(
                name="mean",
                position=position,
                limit=float(np.sqrt(3.0)),
                variance=1.0,
                centre=centre,
                scale=scale,
            )
        )
    return [
        *found,
        Statistic(name="repeated", position=position),
        Statistic(name="outside", position=position),
    ]


def _of_levels(
    position: int, aspect: int, cells: LevelCells, counts: np.ndarray
) -> list[Statistic]:
    known = np.arange(len(cells.keys))
    found = [
        _share(position, aspect, cell, counts)
        for cell in _largest(counts, known, MOST_LEVELS)
    ]
    if not cells.pooled:
        found.append(Statistic(name="unseen", position=position, aspect=aspect))
    return found


def _largest(counts: np.ndarray, among: np.ndarray, most: int) -> list[int]:
    order = np.argsort(-counts[among], kind="stable")[:most]
    return [int(cell) for cell in among[order]]


def _share(position: int, aspect: int, cell: int, counts: np.ndarray) -> Statistic:
    scores = np.zeros(len(counts))
    scores[cell] = 1.0
    return _linear("share", position, aspect, scores, counts)


def _linear(
    name: str,
    position: int,
    aspect: int,
    scores: np.ndarray,
    counts: np.ndarray,
    term: int = 0,
) -> Statistic:
    share = counts / counts.sum()
    scores = scores - float(scores @ share)
    variance = float(np.square(scores) @ share)
    fourth = float(np.square(np.square(scores)) @ share)
    return Statistic(
        name=name,
        position=position,
        aspect=aspect,
        scores=scores,
        limit=float(np.sqrt(2 * term + 1)),
        term=term,
        variance=variance,
        kurtosis=fourth / variance**2 - 3 if variance > 1e-12 else 0.0,
    )


def legendre_scores(counts: np.ndarray) -> Sequence[np.ndarray]:
    """First Legendre polynomials of mid-ranks, of variance 1 for continuous ones."""
    x = 2 * (np.cumsum(counts) - counts / 2) / counts.sum() - 1
    terms = [np.ones_like(x), x]
    for k in range(1, N_TERMS):
        terms.append(((2 * k + 1) * x * terms[k] - k * terms[k - 1]) / (k + 1))
    return [np.sqrt(2 * k + 1) * terms[k] for k in range(1, N_TERMS + 1)]
