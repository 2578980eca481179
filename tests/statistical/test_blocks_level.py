"""Level and power on real rows in blocks, with few trials of `measure_blocks`."""

from __future__ import annotations

import pytest
from measure_blocks import ALPHA, blocked_tables, measure
from scipy.stats import binom

N_TRIALS = 60


@pytest.mark.slow
@pytest.mark.parametrize("mode", ["groups", "order"])
@pytest.mark.parametrize("place", [0, 2, 3])
def test_real_blocks_do_not_cry_wolf_and_a_large_shift_is_found(
    place: int, mode: str
) -> None:
    blocked = blocked_tables()[place]
    rate = 2 * ALPHA if "weeks" in blocked.name else ALPHA
    still, _, shifted = measure(blocked, 1, mode, N_TRIALS)
    assert still <= binom.ppf(0.999, N_TRIALS, rate) / N_TRIALS
    assert shifted >= 0.85
