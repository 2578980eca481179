"""Correlations within parts of a sample that comes in blocks, and their distances.

A *part* is some blocks together. The means of each block are taken off, since they
move from block to block, and correlations are formed of the sums over the blocks of a
part, so that few rows of a block make no difficulty.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from skdrift.exceptions import ParameterError

Floats = NDArray[np.floating[Any]]

N_PARTS = 300
LEAST_BALANCED = 20
RIDGE = 0.02  # of a column's variance, so that a column nearly constant says little
LEAST_ROWS = 3
LEAST_SPREAD = 0.1
VARYING_SHARE = 0.9
TINY = 1e-12


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PairMoments:
    """Sums over the rows of each block in which both columns of a pair have a score.

    Attributes
    ----------
    pairs : ndarray of int of shape (2, n_pairs)
        Columns of each pair.
    n, a, b, aa, bb : ndarray of shape (n_blocks, n_pairs)
        Rows, sums and sums of squares of the first and the second column. Where no
        score is missing, `n` has one column and the others one for each column of
        scores, `a` and `b` the same.
    ab : ndarray of shape (n_blocks, n_pairs)
        Sums of products.
    complete : bool
        Whether no score is missing.
    """

    pairs: NDArray[np.intp]
    n: Floats
    a: Floats
    b: Floats
    aa: Floats
    bb: Floats
    ab: Floats
    complete: bool

    @classmethod
    def of(
        cls,
        scores: Floats,
        labels: NDArray[np.intp],
        n_blocks: int,
        pairs: NDArray[np.intp],
    ) -> PairMoments:
        """Sum scores of shape (n_rows, d), NaN where missing, by block.

        Raises
        ------
        ParameterError
            If there is not one label for each row.
        """
        if len(labels) != len(scores):
            raise ParameterError(
                f"labels must have one entry for each of {len(scores):,} rows, got "
                f"{len(labels):,}."
            )
        order = np.argsort(labels, kind="stable")
        rows = scores[order].astype(np.float32)
        ends = np.cumsum(np.bincount(labels, minlength=n_blocks))
        known = ~np.isnan(rows)
        complete = bool(known.all())
        first = np.where(known, rows, 0.0)
        second = first * first
        one, two = pairs
        ab = np.zeros((n_blocks, pairs.shape[1]), dtype=np.float32)
        stretches = [
            slice(int(start), int(end))
            for start, end in zip(np.append(0, ends[:-1]), ends, strict=True)
        ]
        for block, at in enumerate(stretches):
            ab[block] = (first[at].T @ first[at])[one, two]
        if complete:
            n = np.diff(ends, prepend=0).astype(np.float32)[:, None]
            a = np.vstack([first[at].sum(axis=0) for at in stretches])
            aa = np.vstack([second[at].sum(axis=0) for at in stretches])
            return cls(pairs=pairs, n=n, a=a, b=a, aa=aa, bb=aa, ab=ab, complete=True)
        there = known.astype(np.float32)
        n, a, b, aa, bb = (np.zeros_like(ab) for _ in range(5))
        for block, at in enumerate(stretches):
            n[block] = (there[at].T @ there[at])[one, two]
            sums, squares = first[at].T @ there[at], second[at].T @ there[at]
            a[block], b[block] = sums[one, two], sums[two, one]
            aa[block], bb[block] = squares[one, two], squares[two, one]
        return cls(pairs=pairs, n=n, a=a, b=b, aa=aa, bb=bb, ab=ab, complete=False)

    def centred(self) -> PairMoments:
        """Sums of scores less their means in the block."""
        one, two = self.pairs if self.complete else (slice(None), slice(None))
        n = np.maximum(self.n, 1.0)
        return PairMoments(
            pairs=self.pairs,
            n=self.n,
            a=np.zeros_like(self.a),
            b=np.zeros_like(self.b),
            aa=np.maximum(self.aa - self.a**2 / n, 0.0),
            bb=np.maximum(self.bb - self.b**2 / n, 0.0),
            ab=self.ab - self.a[:, one] * self.b[:, two] / n,
            complete=self.complete,
        )

    def pooled(self, parts: Floats) -> PairMoments:
        """Sums over parts, of which row S says how often it has each block."""
        a, aa = parts @ self.a, parts @ self.aa
        return PairMoments(
            pairs=self.pairs,
            n=parts @ self.n,
            a=a,
            b=a if self.complete else parts @ self.b,
            aa=aa,
            bb=aa if self.complete else parts @ self.bb,
            ab=parts @ self.ab,
            complete=self.complete,
        )

    def correlations(self, scale: Floats) -> Floats:
        r"""Fisher's transform of the correlations, which a ridge keeps finite.

        .. math:: \operatorname{atanh} \frac{c_{ab}}
            {\sqrt{(c_{aa} + \lambda s_a^2) (c_{bb} + \lambda s_b^2)}},
            \qquad \lambda = 0.02.

        Parameters
        ----------
        scale : ndarray of shape (d,)
            Variance :math:`s^2` of each column of scores in the whole sample.

        Returns
        -------
        ndarray of shape (n_blocks, n_pairs)
            NaN with fewer than three rows, or of a column that never varies.
        """
        one, two = self.pairs
        n = np.where(self.n >= LEAST_ROWS, self.n, np.nan)
        a, b = self.a, self.b
        if self.complete:
            a, b = a[:, one], b[:, two]
        covariance = self.ab / n - (a / n) * (b / n)
        first, second = self._spreads()
        scale32 = scale.astype(np.float32)
        product = (first + RIDGE * scale32[one]) * (second + RIDGE * scale32[two])
        product = np.where(product > TINY, product, np.nan)
        return np.asarray(np.arctanh(covariance / np.sqrt(product)))

    def shrinkage(self, scale: Floats) -> Floats:
        """Correlations without the ridge over those with it; infinite for constants."""
        ridge = RIDGE * scale[self.pairs]
        with np.errstate(divide="ignore", invalid="ignore"):
            first, second = (
                np.sqrt(1.0 + own / spread)
                for own, spread in zip(ridge, self._spreads(), strict=True)
            )
            return np.asarray(first * second)

    def varying(self, scale: Floats) -> NDArray[np.bool_]:
        """Pairs of which both columns vary in nine of ten blocks.

        A column varies in a block if its variance there is at least a tenth of
        `scale`. The correlation with one that hardly ever does is that of a few odd
        blocks.
        """
        least = LEAST_SPREAD * scale[self.pairs]
        first, second = self._spreads()
        vary = (first >= least[0]) & (second >= least[1])
        return np.asarray(vary.mean(axis=0) >= VARYING_SHARE)

    def _spreads(self) -> tuple[Floats, Floats]:
        """Variances of the first and the second column of each pair."""
        n = np.where(self.n >= LEAST_ROWS, self.n, np.nan)
        spreads = [
            np.maximum(squares / n - (sums / n) ** 2, 0.0)
            for squares, sums in ((self.aa, self.a), (self.bb, self.b))
        ]
        if self.complete:
            return spreads[0][:, self.pairs[0]], spreads[1][:, self.pairs[1]]
        return spreads[0], spreads[1]


def parts_of_blocks(n_blocks: int, size: int, *, contiguous: bool) -> Floats:
    """Parts of `size` blocks each: all blocks, 300 random choices, or 300 runs.

    Returns
    -------
    ndarray of shape (n_parts, n_blocks)
        1 where a part has a block.
    """
    if size == 1:
        return np.eye(n_blocks, dtype=np.float32)
    if contiguous:
        starts = np.arange(n_blocks - size + 1)
        if len(starts) > N_PARTS:
            starts = np.linspace(0, starts[-1], N_PARTS).round().astype(np.intp)
        place = np.arange(n_blocks) - starts[:, None]
        return ((place >= 0) & (place < size)).astype(np.float32)
    # The choices of `block_test`, so that parts of both are the same ones.
    rng = np.random.default_rng(0)
    chosen = np.zeros((N_PARTS, n_blocks), dtype=np.float32)
    for row in chosen:
        row[rng.choice(n_blocks, size, replace=False)] = 1.0
    return chosen


def degrees_of_parts(size: int, n_blocks: int, *, contiguous: bool) -> float:
    """Degrees of freedom of the variance between parts."""
    return n_blocks / size - 1 if contiguous else float(n_blocks - size)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PartDistances:
    """How far parts are from the rest.

    Attributes
    ----------
    mean, deviation : ndarray of shape (n_pairs,)
        Of a part; the deviation is also the unit that a batch is measured in.
    distance : ndarray of shape (n_parts, n_pairs)
        Of each part from all blocks outside of it, in deviations between parts.
    """

    mean: Floats
    deviation: Floats
    distance: Floats


def part_distances(
    values: Floats,
    least_variance: Floats,
    *,
    size: int,
    n_blocks: int,
    contiguous: bool,
    limit: float = 1.0,
) -> PartDistances:
    r"""Distances of parts of `size` blocks from the blocks outside of them.

    With :math:`d_S` the deviation of part S from the mean of all parts and
    :math:`c = 1 / (1 - b/K)`,

    .. math:: T_S = \frac{\sqrt{c}\,|d_S|}{s_{-S}}, \qquad
        s_{-S}^2 = \frac{1}{N} \Bigl(N c\,\overline{d^2} - c\,d_S^2
        + \frac{R^2}{2 (h + 1)}\Bigr),

    where N = K - b for random choices and K/b - 1 for runs: exactly leave-one-out
    for single blocks, and about that for parts that overlap. The last term is
    that of `block_test`. With 20 blocks or more, pairs with tails heavier than
    normal ones are measured in units of the second largest of the other parts.

    Parameters
    ----------
    values : ndarray of shape (n_parts, n_pairs)
        NaN where a part has none.
    least_variance : ndarray of shape (n_pairs,)
        Of a part of independent rows.
    size, n_blocks : int
        Blocks b of a part, and all blocks K.
    contiguous : bool
        Whether parts are runs.
    limit : float, default=1
        Largest deviation R that a block may have.
    """
    known = ~np.isnan(values)
    count = np.maximum(known.sum(axis=0), 1)
    mean = np.where(known, values, 0.0).sum(axis=0) / count
    squares = np.where(known, values - mean, 0.0) ** 2 / (1.0 - size / n_blocks)
    n = degrees_of_parts(size, n_blocks, contiguous=contiguous)
    unseen = limit**2 / (1 if contiguous else size)
    second = squares.sum(axis=0) * (n / count)
    fourth = (squares**2).sum(axis=0) * (n / count)

    def variance(second: Floats, fourth: Floats) -> Floats:
        effective = second**2 / np.maximum(fourth, TINY**2)
        found = (second + unseen / (2 * (effective + 1))) / n
        return np.maximum(found, np.maximum(least_variance, TINY))

    others = np.maximum(second - squares, 0.0)
    fourths = np.maximum(fourth - squares**2, others**2 / n)
    distance = np.sqrt(squares / variance(others, fourths))
    deviation = np.sqrt(variance(second, fourth))
    if n_blocks >= LEAST_BALANCED:
        distance, factor = _balanced(distance)
        deviation = deviation * factor
    return PartDistances(mean=mean, deviation=deviation, distance=distance)


def _balanced(distance: Floats) -> tuple[Floats, Floats]:
    """Each pair in units of the second largest of the other parts, if that is large."""
    usual = float(np.sqrt(2.0 * np.log(len(distance))))
    _, second, third = -np.partition(-distance, (0, 1, 2), axis=0)[:3]
    of_others = np.where(distance >= second, third, second)
    return distance / np.maximum(of_others / usual, 1.0), np.maximum(
        second / usual, 1.0
    )


def standardised_in_blocks(
    scores: Floats, labels: NDArray[np.intp], n_blocks: int, scale: Floats
) -> Floats:
    """Scores less their means in the block, in standard deviations in the block.

    Parameters
    ----------
    scores : ndarray of shape (n_rows, d)
        NaN where missing: 0 in the answer.
    labels : ndarray of int of shape (n_rows,)
    n_blocks : int
    scale : ndarray of shape (d,)
        Variances of the columns in the whole sample; two hundredths of them are added
        to those in a block.

    Returns
    -------
    ndarray of float32 of shape (n_rows, d)
    """
    known = ~np.isnan(scores)
    member = sparse.csr_array(
        (np.ones(len(labels)), (labels, np.arange(len(labels)))),
        shape=(n_blocks, len(labels)),
    )
    n = np.maximum(member @ known.astype(np.float64), 1.0)
    filled = np.where(known, scores, 0.0)
    apart = np.where(known, filled - (member @ filled / n)[labels], 0.0)
    spread = member @ np.square(apart) / n + RIDGE * scale
    deviation = np.sqrt(np.where(spread > TINY, spread, 1.0))
    return np.asarray(apart / deviation[labels], dtype=np.float32)
