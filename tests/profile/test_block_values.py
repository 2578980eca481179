"""Summaries of blocks say of a block what the profile of its rows says."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from skdrift._core.frame import read_table
from skdrift.profile import Profile
from skdrift.profile._block_statistics import Statistic, block_statistics
from skdrift.profile._blocks import values_of_batch, values_of_blocks
from skdrift.profile._profile import count_table, learn_profile

N_BLOCKS, SIZE = 12, 50
LINEAR = {"score", "share", "mean", "missing", "infinite"}


def table(seed: int = 0) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    n = N_BLOCKS * SIZE
    numbers = rng.normal(size=n)
    return pd.DataFrame(
        {
            "number": numbers,
            "single": rng.normal(size=n).astype(np.float32),
            "whole": rng.integers(0, 12, n),
            "sentinel": np.where(rng.random(n) < 0.1, -200.0, numbers),
            "gaps": np.where(rng.random(n) < 0.2, np.nan, numbers),
            "endless": np.where(rng.random(n) < 0.05, np.inf, numbers),
            "letter": rng.choice(list("abcdefgh"), n),
            "truth": rng.random(n) < 0.3,
            "instant": np.datetime64("2024-01-01")
            + rng.integers(0, 10**6, n).astype("timedelta64[s]"),
            "text": [f"id-{'9' * k}{j}" for j, k in enumerate(rng.integers(1, 9, n))],
        }
    )


def learned(frame: pd.DataFrame) -> Profile:
    return learn_profile(
        read_table(frame), categorical_features=None, n_cells=128, min_category_count=1
    )


def test_a_block_is_summed_up_as_a_batch_that_meets_all_other_blocks() -> None:
    frame = table()
    reference = learned(frame)
    codes = np.repeat(np.arange(N_BLOCKS), SIZE)
    for block in range(N_BLOCKS):
        own = codes == block
        others, _ = count_table(read_table(frame[~own]), reference.grid)
        counted, novelty = count_table(read_table(frame[own]), reference.grid)
        statistics = block_statistics(others)
        batch = values_of_batch(
            counted, others, statistics, [new.count for new in novelty], n_rows=SIZE
        )
        values, sizes = values_of_blocks(read_table(frame), own.astype(int), reference)
        assert sizes.tolist() == [len(frame) - SIZE, SIZE]
        full = block_statistics(reference)
        places = {key_of(each): k for k, each in enumerate(full)}
        compared = set()
        for each, found in zip(statistics, batch, strict=True):
            place = places.get(key_of(each))
            if each.name not in LINEAR or place is None:
                continue
            event = each.name in {"missing", "infinite"}
            expected = values[1, place] - (0.0 if event else values[0, place])
            if each.name == "mean":
                # In standard deviations of what the batch meets.
                found *= each.scale / full[place].scale
            assert found == pytest.approx(expected, rel=1e-6, abs=1e-9)
            compared.add(each.name)
        assert compared == LINEAR


def key_of(statistic: Statistic) -> tuple[object, ...]:
    cell = -1
    if statistic.name == "share":
        assert statistic.scores is not None
        cell = int(statistic.scores.argmax())
    return statistic.name, statistic.position, statistic.aspect, statistic.term, cell


def test_rows_outside_are_those_beyond_all_other_blocks() -> None:
    frame = table(1)[["number"]]
    reference = learned(frame)
    codes = np.repeat(np.arange(N_BLOCKS), SIZE)
    values, _ = values_of_blocks(read_table(frame), codes, reference)
    names = [each.name for each in block_statistics(reference)]
    found = values[:, names.index("outside")]
    numbers = frame["number"].to_numpy()
    for block in range(N_BLOCKS):
        own, others = numbers[codes == block], numbers[codes != block]
        beyond = (own < others.min()) | (own > others.max())
        assert found[block] == pytest.approx(beyond.mean())


def test_unseen_and_repeated_are_what_no_other_block_has() -> None:
    rng = np.random.default_rng(2)
    frame = pd.DataFrame(
        {"letter": rng.choice(list("abc"), 600), "number": rng.normal(size=600)}
    )
    codes = np.repeat(np.arange(N_BLOCKS), SIZE)
    frame.loc[codes == 4, "letter"] = "new"
    frame.loc[np.flatnonzero(codes == 7)[:20], "number"] = 0.123
    reference = learned(frame)
    values, _ = values_of_blocks(read_table(frame), codes, reference)
    names = [each.name for each in block_statistics(reference)]
    unseen, repeated = (values[:, names.index(name)] for name in ("unseen", "repeated"))
    assert np.flatnonzero(unseen).tolist() == [4]
    assert unseen[4] == 1.0
    assert np.flatnonzero(repeated).tolist() == [7]
    assert repeated[7] == pytest.approx(20 / SIZE)


def test_a_block_without_a_value_has_no_summary_of_it() -> None:
    frame = table(3)[["gaps"]].copy()
    codes = np.repeat(np.arange(N_BLOCKS), SIZE)
    frame.loc[codes == 2, "gaps"] = np.nan
    reference = learned(frame)
    values, _ = values_of_blocks(read_table(frame), codes, reference)
    for statistic, column in zip(block_statistics(reference), values.T, strict=True):
        if statistic.name == "missing":
            assert column[2] == 1.0
        elif statistic.name != "infinite":
            assert np.isnan(column[2])
            assert not np.isnan(np.delete(column, 2)).any()
