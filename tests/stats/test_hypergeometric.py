"""Hypergeometric tails against scipy and exact arithmetic."""

from __future__ import annotations

from fractions import Fraction
from math import comb

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from skdrift.stats import hypergeometric


def floats(*values):
    return [np.atleast_1d(np.asarray(v, dtype=np.float64)) for v in values]


@st.composite
def urns(draw):
    total = draw(st.integers(1, 60))
    marked = draw(st.integers(0, total))
    drawn = draw(st.integers(0, total))
    low, high = max(0, marked + drawn - total), min(marked, drawn)
    return draw(st.integers(low, high)), marked, drawn, total


def exact_pmf(x, marked, drawn, total):
    return Fraction(
        comb(marked, x) * comb(total - marked, drawn - x), comb(total, drawn)
    )


@given(urns())
def test_tails_are_exact(urn):
    x, marked, drawn, total = urn
    support = range(max(0, marked + drawn - total), min(marked, drawn) + 1)
    pmf = {y: exact_pmf(y, marked, drawn, total) for y in support}
    own = pmf[x]
    np.testing.assert_allclose(
        np.exp(hypergeometric.log_pmf(*floats(*urn))), float(own), rtol=1e-9
    )
    np.testing.assert_allclose(
        hypergeometric.upper_tail(*floats(*urn)),
        float(sum(p for y, p in pmf.items() if y >= x)),
        rtol=1e-9,
    )
    np.testing.assert_allclose(
        hypergeometric.two_sided(*floats(*urn)),
        float(sum(p for p in pmf.values() if p <= own)),
        rtol=1e-9,
    )


@given(urns())
def test_tail_is_the_same_seen_from_the_undrawn_rows(urn):
    x, marked, drawn, total = urn
    seen = hypergeometric.two_sided(*floats(x, marked, drawn, total))
    mirrored = hypergeometric.two_sided(
        *floats(marked - x, marked, total - drawn, total)
    )
    np.testing.assert_allclose(seen, mirrored, rtol=1e-9)


@pytest.mark.parametrize(
    ("marked", "drawn", "total"),
    [
        (40_000, 1_000_000, 3_000_000),
        (9_000_000, 10_000_000, 20_000_000),
        (25, 1e7, 2e7),
    ],
)
def test_large_urns_agree_with_the_normal_law_in_the_middle_and_never_underflow(
    marked, drawn, total
):
    mean = marked * drawn / total
    spread = np.sqrt(
        mean * (1 - marked / total) * (1 - drawn / total) * total / (total - 1)
    )
    x = np.floor(mean + spread * np.array([-3.0, -1.0, 0.0, 1.0, 3.0]))
    normal = stats.norm.sf((x - 0.5 - mean) / spread)
    tail = hypergeometric.upper_tail(x, *floats([marked] * 5, [drawn] * 5, [total] * 5))
    np.testing.assert_allclose(tail, normal, atol=0.35 / spread)
    assert (np.diff(tail) < 0).all()


def test_equally_likely_ends_both_count():
    # 5 of 10 marked, 10 of 20 drawn: P(0) = P(5), however large the urn is.
    for half in (10, 1_000, 10_000_000):
        one, both = (
            hypergeometric.upper_tail(*floats(5, 5, half, 2 * half)),
            hypergeometric.two_sided(*floats(5, 5, half, 2 * half)),
        )
        np.testing.assert_allclose(both, 2 * one, rtol=1e-6)


@given(st.integers(0, 40), st.integers(1, 40), st.floats(0.001, 0.999))
def test_binomial_tail_equals_scipy(x, trials, rate):
    np.testing.assert_allclose(
        hypergeometric.binomial_upper_tail(*floats(x, trials), rate),
        stats.binom.sf(x - 1, trials, rate),
        rtol=1e-8,
        atol=1e-300,
    )


@given(st.integers(0, 30), st.integers(1, 30), st.integers(1, 30))
def test_all_drawn_is_a_ratio_of_binomials(k, drawn, rest):
    total = drawn + rest
    exact = Fraction(comb(total - k, rest), comb(total, rest)) if k <= drawn else 0
    log = hypergeometric.log_all_drawn(*floats(k, drawn, total))
    np.testing.assert_allclose(np.exp(log), float(exact), rtol=1e-9)
