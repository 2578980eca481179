"""How often a record alarms while nothing changes, and how soon when something does."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import binom

from skdrift import SequentialRisk

RISK, N_ROWS = 0.2, 10_000


def most(n_runs: int, share: float) -> int:
    """Alarms that chance allows in 999 of 1,000 such simulations."""
    return int(binom.ppf(0.999, n_runs, share))


def errors(n: int, seed: int, rate: float = RISK) -> np.ndarray:
    return (np.random.default_rng(seed).random(n) < rate).astype(float)


def correlated(n_runs: int, n_rows: int, seed: int) -> np.ndarray:
    """Errors with a lag-1 correlation of 0.6, of shape (n_runs, n_rows)."""
    drawn = np.random.default_rng(seed).random((n_rows, n_runs))
    found = np.zeros((n_rows, n_runs))
    for row in range(1, n_rows):
        found[row] = drawn[row] < RISK + 0.6 * (found[row - 1] - RISK)
    return found.T[:, n_rows // 10 :]


@pytest.mark.slow
def test_ever_since_deployment_at_most_alpha_of_the_runs_alarm():
    known = SequentialRisk.from_risk(RISK, alpha=0.05, loss="zero_one")
    alarms = sum(known.update(errors(N_ROWS, seed)).alarm for seed in range(300))
    assert 0 < alarms <= most(300, 0.05)


@pytest.mark.slow
@pytest.mark.parametrize("n_learned", [1_000, 5_000])
def test_a_learnt_bound_has_its_part_of_alpha(n_learned):
    alarms = below = 0
    for seed in range(200):
        learned = errors(n_learned, 10_000 + seed)
        record = SequentialRisk.from_losses(learned, alpha=0.05)
        below += record.risk_bound < RISK
        alarms += record.update(errors(N_ROWS, seed)).alarm
    assert alarms <= most(200, 0.05)
    assert below <= most(200, 0.025)


@pytest.mark.slow
def test_losses_alike_to_their_neighbours_alarm_as_seldom_in_blocks():
    learned, later = correlated(150, 2_000, 1), correlated(150, N_ROWS, 2)
    records = [SequentialRisk.from_losses(own, alpha=0.05) for own in learned]
    assert np.mean([record.block_rows for record in records]) > 10
    alarms = sum(r.update(x).alarm for r, x in zip(records, later, strict=True))
    assert alarms <= most(150, 0.05)
    known = SequentialRisk.from_risk(RISK, alpha=0.05, loss_range=1.0, block_rows=20)
    assert sum(known.update(x).alarm for x in later) <= most(150, 0.05)
    rows = SequentialRisk.from_risk(RISK, alpha=0.05, loss_range=1.0)
    assert sum(rows.update(x).alarm for x in later) > 75


@pytest.mark.slow
def test_watching_takes_its_run_length_on_average():
    record = SequentialRisk.from_risk(RISK, run_length=500, loss="zero_one")
    lengths = []
    for seed in range(200):
        found = record.update(errors(20_000, seed))
        lengths.append(found.alarm_row if found.alarm else 20_000)
    error = np.std(lengths) / np.sqrt(len(lengths))
    assert np.mean(lengths) > 500 + 3 * error


@pytest.mark.slow
@pytest.mark.parametrize(("rise", "longest"), [(0.05, 1_500), (0.1, 262), (0.2, 100)])
def test_a_rise_is_found_soon(rise, longest):
    delays = []
    for seed in range(60):
        learned = errors(5_000, 500 + seed)
        record = SequentialRisk.from_losses(learned, run_length=10_000)
        clean = record.update(errors(2_000, seed))
        record = record if clean.alarm else clean
        found = record.update(errors(6_000, 1_000 + seed, RISK + rise))
        delays.append(found.alarm_row - record.n_rows if found.alarm else np.inf)
    assert np.median(delays) < longest
