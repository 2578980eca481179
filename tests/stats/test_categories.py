"""Chi-square and total variation: laws, oracles, size."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from skdrift.exceptions import ParameterError
from skdrift.stats import chi_square, total_variation, total_variation_distance

FREQUENT = ([[400, 300, 200, 100]], [[90, 80, 70, 20]])
SHARES = {
    "even": np.ones(8),
    "two rare": np.array([0.05, 0.9, 0.05]),
    "falling": 0.5 ** np.arange(12),
    "hundred": np.ones(100),
    "thousand": 1 / np.arange(1, 1001),
    "one": np.ones(1),
}


def draw(rng, share, n, m, size):
    share = share / share.sum()
    return rng.multinomial(n, share, size), rng.multinomial(m, share, size)


def test_statistic_equals_scipy():
    scipy = stats.chi2_contingency(np.vstack(FREQUENT), correction=False)
    result = chi_square(*FREQUENT)
    np.testing.assert_allclose(result.statistic, scipy.statistic)
    np.testing.assert_allclose(result.pvalue, scipy.pvalue)


@pytest.mark.parametrize(
    ("a", "b"), [([90, 10], [40, 12]), ([7, 3], [2, 9]), ([5, 5], [5, 5])]
)
def test_two_cells_have_the_exact_pvalue(a, b):
    result = chi_square([a], [b], min_expected=1.0)
    np.testing.assert_allclose(result.pvalue, stats.fisher_exact([a, b]).pvalue)


@pytest.mark.parametrize("tolerance", [0.0, 0.02])
def test_order_of_frequent_cells_and_empty_cells_change_nothing(tolerance):
    shuffled = [np.array(c)[:, [2, 0, 3, 1]] for c in FREQUENT]
    padded = [np.insert(c, [0, 2, 4], 0, axis=1) for c in shuffled]
    result, other = (chi_square(*t, tolerance=tolerance) for t in (FREQUENT, padded))
    np.testing.assert_allclose(other.statistic, result.statistic)
    np.testing.assert_allclose(other.pvalue, result.pvalue)


@pytest.mark.parametrize("share", SHARES.values(), ids=SHARES)
def test_samples_can_be_swapped_and_features_do_not_touch(share):
    rng = np.random.default_rng(0)
    reference, current = draw(rng, share, 900, 80, 5)
    current[3] = 0
    result, other = chi_square(reference, current), chi_square(current, reference)
    np.testing.assert_allclose(other.statistic, result.statistic)
    np.testing.assert_allclose(other.pvalue, result.pvalue)
    for i in range(5):
        alone = chi_square(reference[i : i + 1], current[i : i + 1], tolerance=0.01)
        together = chi_square(reference, current, tolerance=0.01)
        np.testing.assert_allclose(together.pvalue[i], alone.pvalue[0])
    assert np.isnan(result.pvalue[3])


def test_rare_cells_are_counted_together():
    # 0 to 9 rows of 40 in 400: each of the last four expects less than 5.
    reference, current = [[300, 60, 9, 9, 9, 9]], [[30, 6, 9, 9, 9, 9]]
    grouped = [[300, 60, 36]], [[30, 6, 36]]
    np.testing.assert_allclose(
        chi_square(reference, current).statistic, chi_square(*grouped).statistic
    )


@pytest.mark.parametrize("others", [[1.0], [0.5, 0.5], [0.6, 0.3, 0.1]])
def test_rare_cell_that_grows_is_found(others):
    # 0.4 % of the reference, 5 % of 500 current rows: it expects 4 of them.
    reference = np.append(np.round(4980 * np.array(others)), 20)[None]
    current = np.append(np.round(475 * np.array(others)), 25)[None]
    assert chi_square(reference, current).pvalue < 1e-8


def test_many_rare_cells_keep_some_power():
    rng = np.random.default_rng(1)
    share = rng.dirichlet(np.ones(2000))
    moved = np.where(np.arange(2000) < 1000, 1.6, 0.4) * share
    reference = rng.multinomial(3000, share, 300)
    current = rng.multinomial(1000, moved / moved.sum(), 300)
    assert np.mean(chi_square(reference, current).pvalue <= 0.01) > 0.65


def test_nothing_to_compare_is_no_evidence():
    assert chi_square([[5, 0]], [[9, 0]]).pvalue == 1.0
    assert chi_square([[1, 1, 1]], [[1, 1, 0]]).pvalue == 1.0


@pytest.mark.parametrize("share", SHARES.values(), ids=SHARES)
@pytest.mark.parametrize(("n", "m"), [(3000, 30), (3000, 200), (300, 300), (100, 2000)])
def test_size_is_at_most_the_level(share, n, m, assert_size):
    rng = np.random.default_rng(2)
    pvalue = np.concatenate(
        [chi_square(*draw(rng, share, n, m, 1000)).pvalue for _ in range(4)]
    )
    for level in (0.1, 0.05, 0.01, 0.001):
        assert_size(pvalue, level)


@pytest.mark.slow
@pytest.mark.parametrize("share", [SHARES["two rare"], np.array([0.05] * 3 + [0.85])])
def test_size_is_at_most_the_level_in_the_far_tail(share, assert_size):
    rng = np.random.default_rng(3)
    pvalue = np.concatenate(
        [chi_square(*draw(rng, share, 3000, 110, 20_000)).pvalue for _ in range(15)]
    )
    for level in (0.01, 0.001, 0.0001):
        assert_size(pvalue, level)


@pytest.mark.parametrize("n", [3_000, 1_000_000])
@pytest.mark.parametrize("cells", [2, 5, 50])
def test_change_within_the_tolerance_is_not_rejected_and_a_larger_one_is(n, cells):
    rng = np.random.default_rng(4)
    share = np.full(cells, 1 / cells)
    step = np.zeros(cells)
    step[:2] = 1.0, -1.0
    delta = min(0.02, 0.5 / cells)
    reference = rng.multinomial(n, share, 400)
    within = chi_square(
        reference, rng.multinomial(n, share + delta * step, 400), tolerance=delta
    )
    assert np.mean(within.pvalue <= 0.05) <= 0.05 + 3 * np.sqrt(0.05 / 400)
    far = 8 if n == 3_000 else 3
    if far * delta < 1 / cells:
        beyond = chi_square(
            reference,
            rng.multinomial(n, share + far * delta * step, 400),
            tolerance=delta,
        )
        assert np.mean(beyond.pvalue <= 0.05) > 0.95


def test_any_change_within_the_tolerance_is_kept_in_huge_samples():
    # A rare cell doubles: far in chi-square, and within the tolerance.
    rng = np.random.default_rng(5)
    reference = rng.multinomial(10**6, [0.005, 0.495, 0.5], 200)
    current = rng.multinomial(10**6, [0.014, 0.486, 0.5], 200)
    kept = chi_square(reference, current, tolerance=0.01).pvalue
    assert np.mean(kept <= 0.05) <= 0.05
    assert (chi_square(reference, current, tolerance=0.002).pvalue < 1e-6).all()


def test_total_variation_noise_is_taken_off():
    rng = np.random.default_rng(6)
    reference, current = draw(rng, np.ones(50), 3000, 500, 500)
    plain = total_variation_distance(reference, current)
    effect = total_variation(reference, current)
    assert plain.mean() > 0.1
    assert effect.value.mean() < 0.015
    assert (effect.low == 0.0).all()


@pytest.mark.parametrize("truth", [0.0, 0.05, 0.2])
@pytest.mark.parametrize("cells", [2, 6, 60])
def test_total_variation_interval_holds_the_truth(truth, cells):
    rng = np.random.default_rng(7)
    p = np.full(cells, 1 / cells)
    q = p + 2 * truth / cells * np.resize([1.0, -1.0], cells)
    effect = total_variation(
        rng.multinomial(3000, p, 1000), rng.multinomial(400, q, 1000)
    )
    assert np.mean((effect.low <= truth) & (truth <= effect.high)) >= 0.95
    assert ((effect.low <= effect.value) & (effect.value <= effect.high)).all()
    assert ((effect.low >= 0.0) & (effect.high <= 1.0)).all()


def test_total_variation_ends():
    apart = total_variation([[500, 0]], [[0, 500]])
    assert apart.high == 1.0
    assert apart.value > 0.95
    same = total_variation([[500, 0]], [[300, 0]])
    assert same.value == same.low == 0.0
    assert 0.0 < same.high < 0.2
    assert np.isnan(total_variation([[0, 0]], [[1, 2]]).value).all()


def test_arguments_out_of_their_range_are_refused():
    with pytest.raises(ParameterError, match="min_expected must be positive, got 0"):
        chi_square(*FREQUENT, min_expected=0)
    with pytest.raises(ParameterError, match="tolerance must be in"):
        chi_square(*FREQUENT, tolerance=2.0)
    with pytest.raises(ParameterError, match="confidence must be in"):
        total_variation(*FREQUENT, confidence=1.0)
