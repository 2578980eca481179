"""Level and power of an alarm on real data, with fewer trials than the tables."""

from __future__ import annotations

import measure_alarms
import numpy as np
import pytest
from real_data import real_tables
from scipy.stats import binom

TABLES = real_tables()
TRIALS = 100

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("name", TABLES)
@pytest.mark.parametrize("m", measure_alarms.BATCHES)
def test_batches_in_which_nothing_moved_alarm_at_most_at_the_level(name, m):
    table = TABLES[name]
    m = min(m, len(table) - measure_alarms.N_REFERENCE)
    shares = measure_alarms.false_alarm_shares(table, m, TRIALS, seed=m)
    for alpha, share in shares.items():
        assert share <= binom.ppf(0.999, TRIALS, alpha) / TRIALS


@pytest.mark.parametrize(
    ("label", "least"),
    [
        ("+0.1 sd in one column", 0.75),
        ("+0.25 sd in one column", 0.97),
        ("scale ×1.5 in one column", 0.99),
        ("missing 0 → 10 % in one column", 0.99),
    ],
)
def test_a_change_of_one_column_is_found(label, least):
    change = measure_alarms.CHANGES[label]
    results = [measure_alarms.power(t, change, TRIALS, seed=1) for t in TABLES.values()]
    found, raw = np.mean(results, axis=0)
    assert found >= least
    assert found >= raw - 0.05


def test_a_new_category_is_found():
    found = [measure_alarms.unseen_power(t, TRIALS, seed=2) for t in TABLES.values()]
    assert np.mean(found) >= 0.99


def test_a_trial_without_change_draws_each_row_at_most_once():
    table = np.arange(5000.0)[:, None]
    sample = measure_alarms.draw(table, 3000, 1000, np.random.default_rng(0))
    both = np.concatenate([sample.reference, sample.batch])
    assert len(np.unique(both)) == 4000
