"""Tilted shares: means are met, the rest is as before, and nothing can harm."""

from __future__ import annotations

import numpy as np
import pytest

from skdrift.exceptions import ParameterError
from skdrift.stats import tilted_shares
from skdrift.stats.tilting import RIDGE


def case(n_cells, n_samples, seed):
    """Shares, scores of about variance 1, and shares of samples to be met."""
    rng = np.random.default_rng(seed)
    shares = rng.dirichlet(np.ones(n_cells))
    x = 2 * (np.cumsum(shares) - shares / 2) - 1
    scores = np.array([np.sqrt(3) * x, np.sqrt(5) * (1.5 * x**2 - 0.5)])
    return shares, scores, rng.dirichlet(np.ones(n_cells), n_samples)


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("n_cells", [1, 2, 3, 40, 300])
def test_shares_sum_to_one_and_have_the_means_that_were_asked_for(n_cells, seed):
    shares, scores, samples = case(n_cells, 50, seed)
    found = tilted_shares(shares, scores, samples @ scores.T)
    assert (found >= 0).all()
    assert found.sum(axis=1) == pytest.approx(1)
    # The ridge takes 1e-4 of a coefficient away, and coefficients stay below 30.
    assert found @ scores.T == pytest.approx(samples @ scores.T, abs=30 * RIDGE)


@pytest.mark.parametrize("n_cells", [2, 3])
def test_of_as_few_cells_as_scores_determine_the_sample_itself_is_found(n_cells):
    shares, scores, samples = case(n_cells, 50, 0)
    found = tilted_shares(shares, scores, samples @ scores.T)
    assert found == pytest.approx(samples, abs=5e-3)


def test_a_normal_law_is_shifted_by_a_tilt_of_its_mean():
    x = np.linspace(-8, 8, 2001)
    normal = np.exp(-(x**2) / 2)
    found = tilted_shares(normal, x[None], [[0.7]])
    shifted = np.exp(-((x - 0.7) ** 2) / 2)
    assert found[0] == pytest.approx(shifted / shifted.sum(), rel=2e-3, abs=1e-12)


def test_means_of_the_shares_themselves_change_nothing():
    shares, scores, _ = case(100, 1, 0)
    found = tilted_shares(7 * shares, scores, [scores @ shares])
    assert found[0] == pytest.approx(shares, abs=1e-9)


def test_no_other_shares_with_these_means_are_nearer():
    shares, scores, samples = case(30, 20, 1)
    means = samples @ scores.T
    found = tilted_shares(shares, scores, means)

    def divergence(q):
        return (q * np.log(q / shares)).sum(axis=1)

    assert (divergence(found) <= divergence(samples) + 1e-3).all()


def test_cells_of_no_share_keep_none_and_do_not_matter():
    shares, scores, samples = case(20, 10, 2)
    means = samples @ scores.T
    wide = np.insert(shares, 5, 0.0)
    found = tilted_shares(wide, np.insert(scores, 5, 99.0, axis=1), means)
    assert (found[:, 5] == 0).all()
    assert np.delete(found, 5, axis=1) == pytest.approx(
        tilted_shares(shares, scores, means), abs=1e-9
    )


@pytest.mark.parametrize("mean", [1.0, 1.001, 5.0, 1e6])
def test_means_that_no_shares_have_lead_to_the_end(mean):
    found = tilted_shares([1, 1], [[-1, 1]], [[mean], [-mean]])
    assert found == pytest.approx(np.array([[0, 1], [1, 0]]), abs=0.03)


def test_no_sample_gives_no_row():
    assert tilted_shares([1, 1], [[-1, 1]], np.zeros((0, 1))).shape == (0, 2)


@pytest.mark.parametrize(
    ("shares", "scores", "means", "rule"),
    [
        ([1, 1], [[0, 1, 2]], [[0]], "must have shapes"),
        ([1, 1], [0, 1], [[0]], "must have shapes"),
        ([1, 1], [[0, 1]], [[0, 1]], "must have shapes"),
        ([1, np.nan], [[0, 1]], [[0]], "must be finite"),
        ([1, 1], [[0, 1]], [[np.inf]], "must be finite"),
        ([1, -1], [[0, 1]], [[0]], r"at least 0 and not all 0, got \[-1.0\]"),
        ([0, 0], [[0, 1]], [[0]], "got zeros only"),
    ],
)
def test_other_arguments_are_refused(shares, scores, means, rule):
    with pytest.raises(ParameterError, match=rule):
        tilted_shares(shares, scores, means)
