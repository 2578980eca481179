"""Bets against a bound of the mean loss: laws that hold exactly, and oracles."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from scipy import stats

from skdrift.exceptions import ParameterError
from skdrift.stats import (
    Evidence,
    bet_sizes,
    follow,
    mean_upper_bound,
    sequential,
    share_upper_bound,
)

RISK = 0.2
BETS = bet_sizes(RISK, RISK * (1 - RISK), [0.02, 0.04, 0.08, 0.16, 0.32])
NOTHING = Evidence.of_nothing(len(BETS))


def followed(losses, evidence=NOTHING, restarts=True, limit=math.inf, bets=BETS):
    losses = np.asarray(losses, dtype=float)
    names = evidence.n_losses + 1 + np.arange(len(losses))
    return follow(
        evidence,
        losses,
        names,
        risk=RISK,
        bets=bets,
        log_limit=limit,
        restarts=restarts,
    )


def start(t: int) -> float:
    """Share of the starts at loss t, as differences."""
    late = 0.5 / math.log2(t + 1) - 0.5 / math.log2(t + 2)
    return late + 0.5 * (t == 1)


def by_recursion(losses, restarts):
    """Average over the bets after each loss, in plain numbers, loss by loss."""
    wealth, found = np.zeros(len(BETS)), []
    for t, loss in enumerate(losses, start=1):
        added = 1.0 if restarts else start(t)
        wealth = (wealth + added) * (1 + BETS * (loss - RISK))
        rest = 0.0 if restarts else 0.5 / math.log2(t + 2)
        found.append(wealth.mean() + rest)
    return np.array(found)


@pytest.mark.parametrize("restarts", [True, False])
@pytest.mark.parametrize("seed", range(3))
def test_the_closed_form_is_the_recursion(restarts, seed):
    losses = np.random.default_rng(seed).exponential(RISK, size=60)
    plain = by_recursion(losses, restarts)
    for n in (1, 2, 17, 60):
        _, value, _ = followed(losses[:n], restarts=restarts)
        assert value == pytest.approx(math.log(plain[n - 1]), abs=1e-12)


@pytest.mark.parametrize("restarts", [True, False])
def test_losses_in_parts_give_what_they_give_at_once(restarts, monkeypatch):
    rng = np.random.default_rng(0)
    losses = rng.exponential(np.r_[np.full(400, 0.2), np.full(300, 0.4)])
    limit = math.log(50.0)
    whole, value, crossing = followed(losses, restarts=restarts, limit=limit)
    monkeypatch.setattr(sequential, "CHUNK", 13)
    chunked, _, at_chunks = followed(losses, restarts=restarts, limit=limit)
    evidence, found = NOTHING, None
    for part in np.split(losses, [1, 2, 2, 90, 433, 640]):
        before = evidence.n_losses
        evidence, _, at = followed(part, evidence, restarts=restarts, limit=limit)
        if at is not None and found is None:
            found = (before + at.index, at.since)
    assert crossing is not None
    assert (crossing.index, crossing.since) == found
    assert (at_chunks.index, at_chunks.since) == found
    for other in (chunked, evidence):
        assert other.since == whole.since
        assert other.n_losses == whole.n_losses == 700
        np.testing.assert_allclose(other.log_wealth, whole.log_wealth, rtol=1e-12)
        np.testing.assert_allclose(other.rises, whole.rises, atol=1e-10)
    assert value == pytest.approx(sequential.value_of(evidence, restarts=restarts))


@pytest.mark.parametrize("values", [(0.0, 1.0), (0.0, 7.0)])
def test_on_average_bets_win_nothing_while_the_mean_is_the_bound(values):
    """Over all paths of n losses: exactly 1, or n for the detector that restarts."""
    n, rate = 9, RISK / values[1]
    bets = bet_sizes(RISK, RISK * (values[1] - RISK), [0.02, 0.32])
    nothing = Evidence.of_nothing(2)
    means = {True: 0.0, False: 0.0}
    for path in itertools.product((0, 1), repeat=n):
        chance = math.prod(rate if hit else 1 - rate for hit in path)
        losses = np.array(values)[list(path)]
        for restarts in means:
            value = followed(losses, nothing, restarts, bets=bets)[1]
            means[restarts] += chance * math.exp(value)
    assert means[False] == pytest.approx(1.0, rel=1e-12)
    assert means[True] == pytest.approx(n, rel=1e-12)


@pytest.mark.parametrize("n_before", [0, 5, 10**6, 10**9])
def test_the_starts_and_what_is_left_for_later_add_up_to_one(n_before):
    logs = sequential._log_starts(n_before, 1_000)
    given = 1.0 if n_before == 0 else 0.5 / math.log2(n_before + 2)
    left = 0.5 / math.log2(n_before + 1_002)
    assert np.exp(logs).sum() == pytest.approx(given - left, rel=1e-7)
    assert (logs < 0).all()


def test_before_the_first_loss_there_is_no_evidence():
    assert sequential.value_of(NOTHING, restarts=False) == 0.0
    assert sequential.value_of(NOTHING, restarts=True) == -math.inf
    same, value, crossing = followed([], limit=1.0)
    assert (same, value, crossing) == (NOTHING, -math.inf, None)


def test_the_rise_is_dated_to_the_last_loss_before_it():
    losses = np.r_[np.full(500, 0.1), np.full(500, 0.4)]
    _, _, crossing = followed(losses, limit=math.log(1e4))
    assert crossing.since == 500
    assert 500 < crossing.index < 600


def test_where_a_bet_was_lowest_is_found_as_by_looking_at_all():
    losses = np.random.default_rng(5).exponential(0.21, size=300)
    evidence, _, _ = followed(losses)
    paths = np.cumsum(np.log1p(BETS * (losses[:, None] - RISK)), axis=0)
    paths = np.vstack([np.zeros(len(BETS)), paths])
    assert evidence.since == tuple(paths.argmin(axis=0))
    np.testing.assert_allclose(evidence.rises, paths[-1] - paths.min(axis=0))


@pytest.mark.parametrize("restarts", [True, False])
@pytest.mark.parametrize("loss", [0.0, RISK, 1.0, 1e100])
def test_no_stream_is_too_long_or_too_large_for_the_numbers(loss, restarts):
    with np.errstate(all="raise", under="ignore"):
        evidence, value, _ = followed(np.full(200_000, loss), restarts=restarts)
    assert np.isfinite([*evidence.log_wealth, *evidence.rises, value]).all()
    assert (value > 100) == (loss > RISK)


def test_a_stake_leaves_a_tenth_however_often_it_loses():
    for risk, variance in ((0.2, 0.16), (1e-6, 0.0), (5.0, 25.0)):
        bets = bet_sizes(risk, variance, [1e-3 * risk, risk, 1e3 * risk])
        assert (bets > 0).all()
        assert (bets * risk <= 0.9 + 1e-12).all()


def test_the_stakes_are_nearly_those_that_win_most():
    """For 0/1 losses the best stake is known: rise over variance."""
    for rise in (0.02, 0.08, 0.16):
        rate, best = RISK + rise, rise / 0.16
        own = bet_sizes(RISK, 0.16, [rise])[0]

        def growth(bet, rate=rate):
            won, lost = math.log1p(bet * (1 - RISK)), math.log1p(-bet * RISK)
            return rate * won + (1 - rate) * lost

        assert growth(own) > 0.97 * growth(best)


@pytest.mark.parametrize(
    ("arguments", "name"),
    [
        ((0.0, 1.0, [0.1]), "risk"),
        ((math.nan, 1.0, [0.1]), "risk"),
        ((0.2, -1.0, [0.1]), "variance"),
        ((0.2, 1.0, [0.1, 0.0]), "effects"),
    ],
)
def test_stakes_of_nonsense_are_refused(arguments, name):
    with pytest.raises(ParameterError, match=name):
        bet_sizes(*arguments)


@pytest.mark.parametrize(("hits", "n"), [(0, 20), (3, 50), (200, 1_000), (49, 50)])
@pytest.mark.parametrize("alpha", [0.005, 0.05])
def test_the_bound_of_a_share_is_clopper_and_pearsons(hits, n, alpha):
    oracle = stats.binomtest(hits, n, alternative="less").proportion_ci(1 - alpha)
    assert share_upper_bound(hits / n, n, alpha) == pytest.approx(oracle.high)


def test_a_share_of_one_has_the_bound_one():
    assert share_upper_bound(1.0, 10, 0.05) == 1.0


@pytest.mark.parametrize(
    ("arguments", "name"),
    [((1.2, 10, 0.1), "share"), ((0.2, 0, 0.1), "n must"), ((0.2, 9, 1.0), "alpha")],
)
def test_a_bound_of_nonsense_is_refused(arguments, name):
    with pytest.raises(ParameterError, match=name):
        share_upper_bound(*arguments)


def test_the_bound_of_a_symmetric_mean_is_students():
    values = np.random.default_rng(0).normal(3.0, 2.0, size=25)
    oracle = stats.ttest_1samp(values, 0.0).confidence_interval(0.9).high
    own = mean_upper_bound(
        values.mean(), values.var(ddof=1), 25, 0.05, degrees_of_freedom=24
    )
    assert own == pytest.approx(oracle)


def test_losses_with_a_tail_have_a_higher_bound():
    plain = mean_upper_bound(1.0, 1.0, 100, 0.01)
    assert mean_upper_bound(1.0, 1.0, 100, 0.01, skewness=2.0) > plain
    assert mean_upper_bound(1.0, 1.0, 100, 0.01, n_folds=5) > plain
    assert mean_upper_bound(1.0, 0.0, 100, 0.01) == 1.0


def test_the_bound_of_exponential_losses_is_seldom_below_the_truth():
    rng = np.random.default_rng(1)
    below = []
    for _ in range(1_000):
        x = rng.exponential(size=200)
        skewness, kurtosis = stats.skew(x), stats.kurtosis(x, fisher=False)
        bound = mean_upper_bound(
            x.mean(),
            x.var(ddof=1),
            200,
            0.05,
            degrees_of_freedom=min(199, 400 / (kurtosis - 1)),
            skewness=skewness,
        )
        below.append(bound < 1.0)
    assert np.mean(below) <= stats.binom.ppf(0.999, 1_000, 0.05) / 1_000
