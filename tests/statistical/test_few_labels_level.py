"""Scores of a few labels keep their level, and see what labels alone do."""

from __future__ import annotations

import numpy as np
import pytest
from measure_few_labels import trials
from scipy.stats import binom

ALPHA = 0.05


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["classes", "values"])
def test_the_level_holds_and_intervals_cover(kind):
    rng = np.random.default_rng(5)
    fits, batches = 30, 5
    still = trials(kind, drift=0.0, n_train=1_500, fits=fits, batches=batches, rng=rng)
    # Batches of one fit share its error, which is small beside that of 200 labels.
    law = binom(fits * batches, ALPHA)
    rejected = (still["pvalue"] <= ALPHA).sum(axis=0)
    assert (rejected <= law.ppf(0.9995)).all()
    missed = (~still["covered"]).sum(axis=0)
    assert (missed <= binom(fits * batches, 0.06).ppf(0.9995)).all()


@pytest.mark.slow
def test_what_is_expected_of_rows_finds_more_and_is_nearer():
    rng = np.random.default_rng(6)
    moved = trials("values", drift=0.4, n_train=1_500, fits=12, batches=6, rng=rng)
    alone, powered = np.moveaxis((moved["pvalue"] <= ALPHA).sum(axis=0), 1, 0)
    assert powered.sum() > alone.sum()
    error = np.sqrt((moved["error"] ** 2).mean(axis=0))
    assert error[:, 1].sum() < error[:, 0].sum()
