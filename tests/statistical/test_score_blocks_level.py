"""Level and power of a realised score in blocks, few fits of its measurement."""

from __future__ import annotations

import pytest
from measure_score_blocks import ALPHA, BATCHES, SCORERS, measure
from scipy.stats import binom

N_FITS = 60


@pytest.mark.slow
@pytest.mark.parametrize("in_order", [False, True])
@pytest.mark.parametrize("n_blocks", [30, 100])
def test_blocks_keep_the_level_where_rows_do_not(
    n_blocks: int, *, in_order: bool
) -> None:
    found = measure(n_blocks, in_order=in_order, n_fits=N_FITS, seed=1_000)
    for scorer in SCORERS:
        for size in BATCHES:
            limit = binom.ppf(0.999, N_FITS, 1.5 * ALPHA) / N_FITS
            assert found[scorer, "still", size] <= limit
            least = binom.ppf(0.001, N_FITS, 0.9) / N_FITS
            assert found[scorer, "inside", size] >= least
        assert sum(found[scorer, "rows", size] for size in BATCHES) / 3 >= 0.15
    assert found["neg_mean_absolute_error", "drop", 25] >= 0.4
