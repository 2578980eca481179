"""What of categories can be seen with how many rows, against simulation."""

from __future__ import annotations

import numpy as np
import pytest

from skdrift.exceptions import ParameterError
from skdrift.stats import (
    chi_square,
    detectable_variation,
    rows_needed_for_variation,
)

OPTIONS = {"alpha": 0.008, "n_hypotheses": 10}
SHARES = {
    "two": [0.5, 0.5],
    "a rare one": [0.9, 0.1],
    "three": [0.5, 0.3, 0.2],
    "one and many": [0.7, *[0.3 / 9] * 9],
    "many": [1 / 24] * 24,
}


def least_visible(shares, distance):
    """Half of the mass, or the largest level, loses to the others."""
    order = np.argsort(-shares, kind="stable")
    if shares[order[0]] >= 0.5:
        losing = np.arange(len(shares)) == order[0]
    else:
        losing = np.zeros(len(shares), dtype=bool)
        for place in order:
            if shares[losing].sum() + shares[place] <= 0.5 + 1e-9:
                losing[place] = True
    part = shares[losing].sum()
    return shares * np.where(losing, 1 - distance / part, 1 + distance / (1 - part))


@pytest.mark.parametrize("tolerance", [0.0, 0.01])
@pytest.mark.parametrize(("n", "m"), [(3_000, 1_000), (20_000, 20_000)])
@pytest.mark.parametrize("shares", SHARES.values(), ids=SHARES)
def test_the_least_visible_change_is_found_with_about_the_stated_power(
    shares, n, m, tolerance
):
    shares = np.array(shares)
    counts = np.rint(shares * n).astype(int)
    settings = {**OPTIONS, "tolerance": tolerance}
    distance = float(detectable_variation([counts], m, **settings)[0])
    rng = np.random.default_rng(0)
    result = chi_square(
        rng.multinomial(n, shares, 800),
        rng.multinomial(m, least_visible(shares, distance), 800),
        tolerance=tolerance,
    )
    assert 0.73 <= np.mean(result.pvalue <= 0.0008) <= 0.93


@pytest.mark.parametrize("m", [100, 1_000, 20_000])
@pytest.mark.parametrize("shares", SHARES.values(), ids=SHARES)
def test_rows_needed_are_the_inverse(shares, m):
    counts = np.rint(np.array(shares) * 20_000).astype(int)
    distance = detectable_variation([counts], m, **OPTIONS)
    needed = rows_needed_for_variation(distance, [counts], **OPTIONS)
    # Where levels pass from groups to cells of their own the distance is not smooth.
    assert needed[0] <= m
    assert needed[0] == pytest.approx(m, rel=0.15)


def test_more_rows_and_larger_alpha_see_smaller_changes():
    counts = [[1_500, 1_000, 500]] * 4
    sizes = [50, 200, 1_000, 10_000]
    strict = detectable_variation(counts, sizes, **OPTIONS)
    loose = detectable_variation(counts, sizes, alpha=0.05, n_hypotheses=2)
    assert (np.diff(strict) < 0).all()
    assert (loose < strict).all()
    assert ((strict > 0) & (strict < 1)).all()


def test_no_rows_give_nan_and_few_see_nothing():
    found = detectable_variation([[0, 0], [10, 10], [3, 3]], [5, 0, 3], **OPTIONS)
    assert np.isnan(found[:2]).all()
    assert found[2] == 1.0
    assert np.isnan(rows_needed_for_variation(0.2, [[0, 0]], **OPTIONS)).all()


def test_no_number_of_rows_would_do_beyond_the_reference_or_within_the_tolerance():
    needed = rows_needed_for_variation(
        [0.03, 0.03, 0.005],
        [[60, 40], [60_000, 40_000], [60_000, 40_000]],
        tolerance=0.01,
        **OPTIONS,
    )
    assert np.isfinite(needed).tolist() == [False, True, False]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"alpha": 0.0}, "alpha must be in"),
        ({"power": 1.0}, "power must be in"),
        ({"n_hypotheses": 0}, "n_hypotheses must be at least 1"),
        ({"tolerance": 1.5}, "tolerance must be in"),
    ],
)
def test_arguments_out_of_their_range_are_refused(change, message):
    with pytest.raises(ParameterError, match=message):
        detectable_variation([[50, 50]], 100, **(OPTIONS | change))
    with pytest.raises(ParameterError, match=message):
        rows_needed_for_variation(0.2, [[50, 50]], **(OPTIONS | change))
