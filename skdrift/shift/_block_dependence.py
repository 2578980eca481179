"""Dependence between columns where rows of training come in blocks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from skdrift._core.rows import spread_evenly
from skdrift.profile._scores import Slot, rows_for_pairs
from skdrift.profile._stored import plain
from skdrift.stats import (
    Correlations,
    PairMoments,
    part_distances,
    parts_of_blocks,
    standardised_in_blocks,
    tail_pvalue,
    wave_features,
)

MOST_ROWS = 30_000
LEAST_ROWS = 6_000
MOST_PRODUCTS = 5e8
LEAST_ROWS_OF_A_BLOCK = 20
LEAST_ROWS_OF_A_PART = 50
MOST_PAIRS = 6_000
STRONG = 0.5
SHRUNK = 0.98
WAVE_VARIANCE = 0.5  # of a wave through independent rows, about
PAIR_WEIGHT, SUM_WEIGHT, WAVE_WEIGHT = 0.8, 0.1, 0.1


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SizeLaw:
    """What parts of training of one size look like.

    Attributes
    ----------
    size : int
        Blocks of a part.
    shifts, deviations : tuple of two ndarrays of float16 of shape (n_pairs,)
        Of Fisher's transform of the correlations within a part, of the scores and of
        the distances from the median: how far its mean is from that of the
        correlation in all of training, and its standard deviation, infinite where a
        pair is not judged.
    waves : ndarray of float32 of shape (2, 128)
        Mean and standard deviation of each wave through scores standardised in blocks.
    largest, squares, whole : ndarray of shape (n_parts,)
        Of each part, compared with the rest: the largest distance of any pair, the
        mean square of all, and that of the waves.
    """

    size: int
    shifts: tuple[np.ndarray, np.ndarray]
    deviations: tuple[np.ndarray, np.ndarray]
    waves: np.ndarray
    largest: np.ndarray
    squares: np.ndarray
    whole: np.ndarray


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class BlockDependence:
    """How the dependence between columns varies from block to block.

    Attributes
    ----------
    n_blocks : int
        Blocks that were compared.
    block_rows : float
        Rows of a block that were used: the median.
    contiguous : bool
        Whether blocks follow one another in the row order.
    even : bool
        Whether blocks have about the same number of rows: those of a batch can then
        be told without groups.
    scales : tuple of two ndarrays
        Variance of each column of scores.
    laws : tuple of SizeLaw
        By increasing size.
    """

    n_blocks: int
    block_rows: float
    contiguous: bool
    even: bool
    scales: tuple[np.ndarray, np.ndarray]
    laws: tuple[SizeLaw, ...]

    def size_of(self, n_blocks: int) -> int:
        """Blocks that a batch of `n_blocks` is compared as."""
        return min(max(n_blocks, self.laws[0].size), self.laws[-1].size)

    def n_like(self, n_blocks: int) -> int:
        """Parts like a batch of `n_blocks` that share no block."""
        return self.n_blocks // max(1, min(n_blocks, self.n_blocks // 4))

    def nearest(self, size: int) -> SizeLaw:
        """Law of the parts of the nearest size."""
        return min(self.laws, key=lambda law: abs(np.log(law.size / size)))

    def moments(self, kind: int, size: int) -> tuple[np.ndarray, np.ndarray]:
        """Shift and variance of transformed correlations in parts of any size."""
        sizes = np.array([law.size for law in self.laws])
        upper = int(np.clip(sizes.searchsorted(size), 0, len(sizes) - 1))
        lower = max(0, upper - 1) if sizes[upper] > size else upper
        low, high = self.laws[lower], self.laws[upper]
        between = [(low, 1.0)]
        if high.size > low.size:
            part = (1 / low.size - 1 / size) / (1 / low.size - 1 / high.size)
            between = [(low, 1.0 - part), (high, part)]
        shift = sum(
            weight * law.shifts[kind].astype(np.float64) for law, weight in between
        )
        variance = sum(
            weight * law.size / size * law.deviations[kind].astype(np.float64) ** 2
            for law, weight in between
        )
        return np.asarray(shift), np.asarray(variance)


@dataclass(frozen=True, slots=True, eq=False)
class Ranked:
    """A distance of the batch among the same of each part of training.

    Attributes
    ----------
    own : float
    null : ndarray of shape (n_parts,)
    weight : float
        Share of the level of the dependence between columns.
    """

    own: float
    null: np.ndarray
    weight: float

    def pvalue(self, distance: float) -> float:
        """Rank of a distance among the parts, by a Pareto tail beyond; weighted."""
        return min(1.0, tail_pvalue(distance, self.null) / self.weight)


@dataclass(frozen=True, slots=True, eq=False)
class PairPart:
    """A batch compared with parts of training, for pairs of one kind of score.

    Attributes
    ----------
    places : ndarray of int of shape (n_pairs,)
        Which pairs are compared.
    before, now : ndarray of shape (n_pairs,)
        Correlation in parts of training and in the batch.
    distance : ndarray of shape (n_pairs,)
        In deviations between parts; NaN where it is not judged.
    """

    places: np.ndarray
    before: np.ndarray
    now: np.ndarray
    distance: np.ndarray


@dataclass(frozen=True, slots=True, eq=False)
class RankedBatch:
    """A batch compared with parts of training of its size.

    Attributes
    ----------
    near, far : ndarray of shape (n_rows, n_slots)
        Scores of its rows.
    pairs : tuple of two PairPart
    n_like : int
        Parts of training of its size that share no block.
    pair, together, waves : Ranked
        The largest distance of any pair, the mean square of all, that of the waves.
    """

    near: np.ndarray
    far: np.ndarray
    pairs: tuple[PairPart, PairPart]
    n_like: int
    pair: Ranked
    together: Ranked
    waves: Ranked


def rows_of_blocks(
    labels: np.ndarray, n_slots: int
) -> tuple[np.ndarray, np.ndarray, float]:
    """Rows of blocks to learn from, one at random of so many neighbours of a block.

    Returns
    -------
    rows : ndarray of int
        In their order; at most 30,000, and less where there are many columns.
    labels : ndarray of int
        Their blocks.
    block_rows : float
        Usual rows of a block among them.
    """
    sizes = np.bincount(labels[labels >= 0])
    many = int(MOST_PRODUCTS / max(n_slots, 1) ** 2)
    most = min(MOST_ROWS, max(LEAST_ROWS, many)) // len(sizes)
    kept = np.minimum(sizes, max(most, LEAST_ROWS_OF_A_BLOCK))
    order = np.argsort(labels, kind="stable")[(labels < 0).sum() :]
    starts = np.append(0, np.cumsum(sizes)[:-1])
    own = labels[order]
    place = np.arange(len(order)) - starts[own]
    # One at random of each stretch of neighbours.
    stretch = place * kept[own] // np.maximum(sizes[own], 1)
    shuffled = np.lexsort((np.random.default_rng(0).random(len(own)), stretch, own))
    pairs = np.column_stack([own, stretch])[shuffled]
    first = np.ones(len(pairs), dtype=bool)
    first[1:] = (np.diff(pairs, axis=0) != 0).any(axis=1)
    rows = np.sort(order[shuffled[first]])
    return rows, labels[rows], float(np.median(kept[kept > 0]))


def compared_pairs(slots: Sequence[Slot], found: Correlations) -> np.ndarray:
    """Places of the pairs to compare: all, or 6,000.

    Half of these are correlated by 0.5 or more, as far as there are so many, the
    others are evenly spread. To take the most correlated ones would be to take those
    that chance made so, and a batch would be nearer to zero.
    """
    one, two = np.triu_indices(len(slots), 1)
    feature = np.array([slot.feature for slot in slots], dtype=np.intp)
    places = np.flatnonzero((feature[one] != feature[two]) & np.isfinite(found.value))
    if len(places) <= MOST_PAIRS:
        return places
    strong = np.abs(found.value[places]) >= STRONG
    strongest, others = places[strong], places[~strong]
    kept = strongest[spread_evenly(len(strongest), MOST_PAIRS // 2)]
    rest = others[spread_evenly(len(others), MOST_PAIRS - len(kept))]
    return np.sort(np.concatenate([kept, rest]))


def _row_variance(
    found: Correlations, places: np.ndarray, mean: np.ndarray
) -> np.ndarray:
    """Variance of a transformed correlation of one of many independent rows."""
    slope = 1.0 / (1.0 - np.tanh(mean) ** 2)
    return np.asarray(found.variance[places] * slope**2)


def part_sizes(n_blocks: int, block_rows: float) -> list[int]:
    """Sizes that are learned: powers of four, and a quarter of the blocks."""
    most = max(1, n_blocks // 4)
    sizes = [4**k for k in range(most.bit_length()) if 2 * 4**k < most] + [most]
    return [s for s in sizes if s * block_rows >= LEAST_ROWS_OF_A_PART] or [most]


def learn_block_dependence(
    scores: tuple[np.ndarray, np.ndarray],
    labels: np.ndarray,
    *,
    slots: tuple[Sequence[Slot], Sequence[Slot]],
    found: tuple[Correlations, Correlations],
    frequencies: np.ndarray,
    n_blocks: int,
    block_rows: float,
    contiguous: bool,
    even: bool,
) -> BlockDependence:
    """Learn how much the dependence differs between parts of training.

    Parameters
    ----------
    scores : tuple of two ndarrays of shape (n_rows, n_slots)
        Of rows of training, and of their distances from the median.
    labels : ndarray of int of shape (n_rows,)
        Blocks of these rows.
    slots, found : tuple
        Slots of both kinds, and the correlations in all of training.
    frequencies : ndarray of shape (n_slots, 64)
        Of the waves.
    n_blocks : int
    block_rows : float
        Usual rows of a block.
    contiguous, even : bool
        Whether blocks follow one another in the row order, and are of about one size.
    """
    scales = tuple(np.nan_to_num(np.nanvar(_some(own), axis=0)) for own in scores)
    places = [compared_pairs(*own) for own in zip(slots, found, strict=True)]
    moments = [
        PairMoments.of(own, labels, n_blocks, _pairs(len(known), chosen)).centred()
        for own, known, chosen in zip(scores, slots, places, strict=True)
    ]
    n_rows = np.bincount(labels, minlength=n_blocks)
    sums = _wave_sums(scores[0], labels, n_blocks, scales[0], frequencies)
    laws: list[SizeLaw] = []
    for size in part_sizes(n_blocks, block_rows):
        parts = parts_of_blocks(n_blocks, size, contiguous=contiguous)
        waves = part_distances(
            parts @ sums / np.maximum(parts @ n_rows, 1.0)[:, None],
            np.full(2 * frequencies.shape[1], WAVE_VARIANCE / (size * block_rows)),
            size=size,
            n_blocks=n_blocks,
            contiguous=contiguous,
        )
        found_of = [
            _learn_pairs(
                moments[kind].pooled(parts),
                scales[kind],
                slots[kind],
                found[kind],
                places[kind],
                kind=kind,
                size=size,
                n_blocks=n_blocks,
                block_rows=block_rows,
                contiguous=contiguous,
            )
            for kind in (0, 1)
        ]
        distance = np.hstack([own[2] for own in found_of])
        laws.append(
            SizeLaw(
                size=size,
                shifts=(found_of[0][0], found_of[1][0]),
                deviations=(found_of[0][1], found_of[1][1]),
                waves=np.array([waves.mean, waves.deviation], dtype=np.float32),
                largest=distance.max(axis=1, initial=0.0),
                squares=(distance**2).sum(axis=1) / max(distance.shape[1], 1),
                whole=(waves.distance**2).mean(axis=1),
            )
        )
    return BlockDependence(
        n_blocks=n_blocks,
        block_rows=block_rows,
        contiguous=contiguous,
        even=even,
        scales=(scales[0], scales[1]),
        laws=tuple(laws),
    )


def _some(scores: np.ndarray) -> np.ndarray:
    """Scores, with one for a column that has none."""
    empty = np.isnan(scores).all(axis=0)
    return np.where(empty, 0.0, scores) if empty.any() else scores


def _pairs(n_slots: int, places: np.ndarray) -> np.ndarray:
    return np.array(np.triu_indices(n_slots, 1))[:, places]


def _wave_sums(
    near: np.ndarray,
    labels: np.ndarray,
    n_blocks: int,
    scale: np.ndarray,
    frequencies: np.ndarray,
) -> np.ndarray:
    """Sums over each block of waves through scores that have no margins to move."""
    rows = standardised_in_blocks(near, labels, n_blocks, scale)
    waves = wave_features(rows, frequencies)
    order = np.argsort(labels, kind="stable")
    ends = np.cumsum(np.bincount(labels, minlength=n_blocks))
    stretches = np.split(waves[order], ends[:-1])
    return np.array([own.sum(axis=0, dtype=np.float64) for own in stretches])


def _learn_pairs(
    moments: PairMoments,
    scale: np.ndarray,
    slots: Sequence[Slot],
    found: Correlations,
    places: np.ndarray,
    *,
    kind: int,
    size: int,
    n_blocks: int,
    block_rows: float,
    contiguous: bool,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Shift and deviation of each pair; distances of the parts for those judged."""
    n_rows = size * block_rows
    values = moments.correlations(scale)
    known = ~np.isnan(values)
    mean = np.where(known, values, 0.0).sum(axis=0) / np.maximum(known.sum(axis=0), 1)
    compared = part_distances(
        values,
        _row_variance(found, places, mean) / n_rows,
        size=size,
        n_blocks=n_blocks,
        contiguous=contiguous,
    )
    judged = n_rows >= rows_for_pairs(slots, kind)[places]
    judged &= moments.varying(scale)
    return (
        (compared.mean - _usual(found, places)).astype(np.float16),
        np.where(judged, compared.deviation, np.inf).astype(np.float16),
        compared.distance[:, judged],
    )


def compare_part(
    learned: BlockDependence,
    scores: tuple[np.ndarray, np.ndarray],
    *,
    slots: tuple[Sequence[Slot], Sequence[Slot]],
    found: tuple[Correlations, Correlations],
    frequencies: np.ndarray,
    labels: np.ndarray,
) -> RankedBatch:
    """Compare the rows of a batch with parts of training of as many blocks.

    Parameters
    ----------
    learned : BlockDependence
    scores : tuple of two ndarrays of shape (n_rows, n_slots)
        Of the batch.
    slots, found, frequencies
        As learned with.
    labels : ndarray of int of shape (n_rows,)
        Blocks of the rows of the batch.
    """
    n_blocks = int(labels.max(initial=0)) + 1
    size = learned.size_of(n_blocks)
    law = learned.nearest(size)
    near, far = (
        _compare_pairs(
            learned,
            own,
            labels,
            slots[kind],
            found[kind],
            kind=kind,
            size=size,
            law=law,
        )
        for kind, own in enumerate(scores)
    )
    distance = np.concatenate([near.distance, far.distance])
    distance = distance[~np.isnan(distance)]
    whole = _compare_waves(learned, scores[0], labels, frequencies, size, law)
    squares = float(np.square(distance).mean()) if len(distance) else 0.0
    return RankedBatch(
        near=scores[0],
        far=scores[1],
        pairs=(near, far),
        n_like=learned.n_like(n_blocks),
        pair=Ranked(float(distance.max(initial=0.0)), law.largest, PAIR_WEIGHT),
        together=Ranked(squares, law.squares, SUM_WEIGHT),
        waves=Ranked(whole, law.whole, WAVE_WEIGHT),
    )


def _compare_pairs(
    learned: BlockDependence,
    scores: np.ndarray,
    labels: np.ndarray,
    slots: Sequence[Slot],
    found: Correlations,
    *,
    kind: int,
    size: int,
    law: SizeLaw,
) -> PairPart:
    places = compared_pairs(slots, found)
    n_blocks = int(labels.max(initial=0)) + 1
    pairs = _pairs(len(slots), places)
    moments = PairMoments.of(scores, labels, n_blocks, pairs).centred()
    moments = moments.pooled(np.ones((1, n_blocks), dtype=np.float32))
    now = moments.correlations(learned.scales[kind])[0]
    shift, variance = learned.moments(kind, size)
    mean = _usual(found, places) + shift
    own = _row_variance(found, places, mean)
    n_rows = max(len(scores), 1)
    fewer = max(0.0, 1 / n_rows - 1 / (size * learned.block_rows))
    variance = np.maximum(variance + own * fewer, own / n_rows)
    distance = np.abs(now - mean) / np.sqrt(variance * (1 + size / learned.n_blocks))
    judged = np.isfinite(variance) & np.isfinite(law.deviations[kind])
    # Shown without the ridge, as it is for the spreads of the batch.
    shrunk = moments.shrinkage(learned.scales[kind])[0]
    shrunk = np.where(np.isfinite(shrunk), shrunk, np.nan)
    before, after = (np.clip(np.tanh(z) * shrunk, -1.0, 1.0) for z in (mean, now))
    return PairPart(places, before, after, np.where(judged, distance, np.nan))


def _compare_waves(
    learned: BlockDependence,
    near: np.ndarray,
    labels: np.ndarray,
    frequencies: np.ndarray,
    size: int,
    law: SizeLaw,
) -> float:
    """Mean squared distance of the waves; 0 if a column has no score."""
    if not len(near) or np.isnan(near).all(axis=0).any():
        return 0.0
    n_blocks = int(labels.max(initial=0)) + 1
    sums = _wave_sums(near, labels, n_blocks, learned.scales[0], frequencies)
    waves = sums.sum(axis=0) / len(near)
    mean, deviation = law.waves.astype(np.float64)
    variance = np.square(deviation) * law.size / size
    distance = np.square(waves - mean) / (variance * (1 + size / learned.n_blocks))
    return float(distance.mean())


def _usual(found: Correlations, places: np.ndarray) -> np.ndarray:
    """Transformed correlation in all of training, shrunk as parts are by the ridge."""
    return np.asarray(np.arctanh(SHRUNK * np.clip(found.value[places], -1.0, 1.0)))


def packed(learned: BlockDependence) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """Stored form: numbers, and arrays by name."""
    arrays: dict[str, np.ndarray] = {}
    for kind in (0, 1):
        arrays[f"blocks_scale{kind}"] = learned.scales[kind].astype(np.float32)
    for law in learned.laws:
        name = f"blocks{law.size}"
        for kind in (0, 1):
            arrays[f"{name}_shift{kind}"] = law.shifts[kind]
            arrays[f"{name}_deviation{kind}"] = law.deviations[kind]
        arrays[f"{name}_waves"] = law.waves
        arrays[f"{name}_null"] = np.array(
            [law.largest, law.squares, law.whole], dtype=np.float32
        )
    meta = {
        "n_blocks": learned.n_blocks,
        "block_rows": learned.block_rows,
        "contiguous": learned.contiguous,
        "even": learned.even,
        "sizes": [law.size for law in learned.laws],
    }
    return meta, arrays


def unpacked(
    meta: Mapping[str, Any], arrays: Mapping[str, np.ndarray]
) -> BlockDependence:
    """What `packed` stored.

    Raises
    ------
    KeyError, TypeError, ValueError
        If it is damaged.
    """
    laws = [_unpacked_law(int(size), arrays) for size in meta["sizes"]]
    if not laws or [law.size for law in laws] != sorted({law.size for law in laws}):
        raise ValueError(f"sizes of parts must increase, got {meta['sizes']}")
    return BlockDependence(
        n_blocks=int(meta["n_blocks"]),
        block_rows=float(meta["block_rows"]),
        contiguous=bool(meta["contiguous"]),
        even=bool(meta["even"]),
        scales=_both(arrays, "blocks_scale", np.float64),
        laws=tuple(laws),
    )


def _unpacked_law(size: int, arrays: Mapping[str, np.ndarray]) -> SizeLaw:
    name = f"blocks{size}"
    largest, squares, whole = arrays[f"{name}_null"].astype(np.float64)
    return SizeLaw(
        size=size,
        shifts=_both(arrays, f"{name}_shift", np.float16),
        deviations=_both(arrays, f"{name}_deviation", np.float16),
        waves=plain(arrays[f"{name}_waves"], np.float32),
        largest=largest,
        squares=squares,
        whole=whole,
    )


def _both(
    arrays: Mapping[str, np.ndarray], name: str, dtype: Any
) -> tuple[np.ndarray, np.ndarray]:
    return plain(arrays[f"{name}0"], dtype), plain(arrays[f"{name}1"], dtype)
