"""Laws of correlations within parts of blocks."""

from __future__ import annotations

import numpy as np
import pytest

from skdrift.exceptions import ParameterError
from skdrift.stats import (
    PairMoments,
    part_distances,
    parts_of_blocks,
    standardised_in_blocks,
)
from skdrift.stats.block_dependence import RIDGE

PAIRS = np.array(np.triu_indices(4, 1))


def rows_in_blocks(seed, missing=0.0):
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 12, size=600)
    scores = rng.normal(size=(600, 4)) + rng.normal(size=(12, 4))[labels]
    scores[:, 1] += scores[:, 0]
    scores[rng.random(scores.shape) < missing] = np.nan
    return scores, labels


def known_rows(rows):
    return rows[~np.isnan(rows).any(axis=1)]


@pytest.mark.parametrize("missing", [0.0, 0.2])
def test_a_part_has_the_correlations_of_its_rows(missing):
    scores, labels = rows_in_blocks(0, missing)
    moments = PairMoments.of(scores, labels, 12, PAIRS)
    assert moments.complete == (missing == 0.0)
    parts = parts_of_blocks(12, 3, contiguous=True)
    found = moments.centred().pooled(parts).correlations(np.ones(4))
    for part, own in zip(parts, found, strict=True):
        for (a, b), value in zip(PAIRS.T, own, strict=True):
            apart = [
                own - own.mean(axis=0)
                for block in np.flatnonzero(part)
                for own in [known_rows(scores[labels == block][:, [a, b]])]
            ]
            both = np.vstack(apart)
            spread = np.cov(both.T, bias=True)
            ridged = spread[0, 1] / np.sqrt(np.prod(np.diag(spread) + RIDGE))
            assert np.tanh(value) == pytest.approx(ridged, abs=1e-4)
            plain = np.corrcoef(both.T)[0, 1]
            assert abs(np.tanh(value)) <= abs(plain) + 1e-4


@pytest.mark.parametrize("missing", [0.0, 0.2])
def test_the_ridge_is_taken_off_again(missing):
    scores, labels = rows_in_blocks(1, missing)
    moments = PairMoments.of(scores, labels * 0, 1, PAIRS)
    z = moments.correlations(np.ones(4))[0]
    plain = np.tanh(z) * moments.shrinkage(np.ones(4))[0]
    for (a, b), value in zip(PAIRS.T, plain, strict=True):
        both = scores[~np.isnan(scores[:, [a, b]]).any(axis=1)][:, [a, b]]
        assert value == pytest.approx(np.corrcoef(both.T)[0, 1], abs=1e-4)


def test_means_of_blocks_and_the_order_of_rows_do_not_matter():
    scores, labels = rows_in_blocks(2)
    rng = np.random.default_rng(0)
    moved = scores + 3 * rng.normal(size=(12, 4))[labels]
    order = rng.permutation(len(labels))
    scale = np.ones(4)
    first = PairMoments.of(scores, labels, 12, PAIRS).correlations(scale)
    for rows, own in ((moved, labels), (scores[order], labels[order])):
        again = PairMoments.of(rows, own, 12, PAIRS).correlations(scale)
        np.testing.assert_allclose(again, first, atol=2e-4)


def test_too_few_rows_are_not_known_and_constants_have_no_correlation():
    scores, labels = rows_in_blocks(3)
    scores[labels == 0, 2] = 1.0
    scores[labels == 1, 3] = np.nan
    scores[np.flatnonzero(labels == 2)[2:], 0] = np.nan
    found = PairMoments.of(scores, labels, 13, PAIRS).correlations(np.ones(4))
    with_two = (PAIRS == 2).any(axis=0)
    np.testing.assert_allclose(found[0, with_two], 0.0, atol=1e-3)
    assert np.isnan(found[1, (PAIRS == 3).any(axis=0)]).all()
    assert np.isnan(found[2, (PAIRS == 0).any(axis=0)]).all()
    assert np.isnan(found[12]).all()


def test_pairs_that_vary_in_few_blocks_are_told():
    scores, labels = rows_in_blocks(4)
    scores[labels > 1, 3] = 0.0
    varying = PairMoments.of(scores, labels, 12, PAIRS).varying(np.ones(4))
    assert (varying == ~(PAIRS == 3).any(axis=0)).all()


def test_labels_of_other_rows_are_refused():
    with pytest.raises(ParameterError, match="one entry for each of 600 rows, got 3"):
        PairMoments.of(rows_in_blocks(0)[0], np.zeros(3, dtype=int), 1, PAIRS)


def test_single_blocks_are_compared_with_exactly_the_others():
    rng = np.random.default_rng(0)
    values = rng.normal(size=(10, 3))
    none = np.zeros(3)
    found = part_distances(
        values, none, size=1, n_blocks=10, contiguous=False, limit=0.0
    )
    for block in range(10):
        others = np.delete(values, block, axis=0)
        spread = np.square(others - others.mean(axis=0)).sum(axis=0) / 9
        apart = np.abs(values[block] - others.mean(axis=0)) / np.sqrt(10 / 9)
        np.testing.assert_allclose(
            found.distance[block], apart / np.sqrt(spread), rtol=1e-6
        )


@pytest.mark.parametrize("contiguous", [False, True])
def test_parts_hold_so_many_blocks(contiguous):
    parts = parts_of_blocks(40, 4, contiguous=contiguous)
    assert (parts.sum(axis=1) == 4).all()
    assert len(parts) == (37 if contiguous else 300)
    if contiguous:
        assert (np.diff(parts, axis=1) != 0).sum(axis=1).max() == 2
    assert (parts_of_blocks(5, 1, contiguous=contiguous) == np.eye(5)).all()


def test_a_pair_that_never_varied_has_no_infinite_distance():
    values = np.zeros((30, 2))
    values[:, 0] = np.nan
    values[3, 1] = 1.0
    found = part_distances(
        values, np.full(2, 1e-3), size=1, n_blocks=30, contiguous=False
    )
    assert np.isfinite(found.distance).all()
    assert (found.distance[:, 0] == 0).all()
    assert found.distance[3, 1] < 10


def test_scores_are_standardised_in_their_blocks():
    scores, labels = rows_in_blocks(5, 0.1)
    scores[labels == 2, 1] = 4.0
    scores[labels == 3, 2] = np.nan
    found = standardised_in_blocks(scores, labels, 12, np.zeros(4))
    assert np.isfinite(found).all()
    assert (found[labels == 2, 1] == 0).all()
    assert (found[np.isnan(scores)] == 0).all()
    for block in (0, 7):
        own = scores[labels == block]
        direct = (own - np.nanmean(own, axis=0)) / np.nanstd(own, axis=0)
        np.testing.assert_allclose(
            found[labels == block], np.nan_to_num(direct), atol=1e-5
        )
