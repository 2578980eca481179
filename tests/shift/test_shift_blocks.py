"""Blocks of rows: where they come from, and what they do to an alarm."""

from __future__ import annotations

import numpy as np
import pandas as pd
import polars as pl
import pytest
from scipy.stats import binom

from skdrift._core.frame import read_table
from skdrift.exceptions import ParameterError
from skdrift.profile import Profile
from skdrift.profile._profile import count_table, learn_profile
from skdrift.shift import (
    BatchBlocks,
    FoundBlocks,
    ShiftResult,
    compare_profiles,
    find_blocks,
    group_codes,
)

N_BLOCKS, SIZE = 80, 30
CODES = np.repeat(np.arange(N_BLOCKS), SIZE)


def learned(table: object) -> Profile:
    return learn_profile(
        read_table(table), categorical_features=None, n_cells=128, min_category_count=1
    )


def compared(
    reference: Profile, found: FoundBlocks, batch: object, *, alpha: float = 0.05
) -> tuple[ShiftResult, ShiftResult]:
    """The batch against training, by blocks and by rows."""
    counted, novelty = count_table(read_table(batch, strict=False), reference.grid)
    assert found.values is not None
    blocks = BatchBlocks(values=found.values, n_rows=counted.n_rows)
    by_blocks, by_rows = (
        compare_profiles(
            reference,
            counted,
            novelty,
            alpha=alpha,
            share=1.0,
            min_effect=0.01,
            stable_bound=0.1,
            least_rows=10,
            blocks=each,
        )
        for each in (blocks, None)
    )
    return by_blocks, by_rows


def clustered(rng: np.random.Generator, n_blocks: int = N_BLOCKS) -> pd.DataFrame:
    codes = np.repeat(np.arange(n_blocks), SIZE)
    level = rng.normal(size=n_blocks)[codes]
    rain = (rng.random(n_blocks) < 0.1)[codes] * rng.exponential(size=len(codes))
    return pd.DataFrame(
        {
            "level": level + rng.normal(size=len(codes)),
            "rain": rain,
            "holiday": (rng.random(n_blocks) < 0.05)[codes],
            "weekday": rng.choice(list("abcdefg"), n_blocks)[codes],
            "noise": rng.normal(size=len(codes)),
        }
    )


GROUPS = {
    "integers": CODES,
    "texts": CODES.astype(str),
    "list": CODES.tolist(),
    "dates": np.datetime64("2024-01-01") + CODES.astype("timedelta64[D]"),
    "pandas": pd.Series(CODES, index=CODES[::-1]),
    "pandas categories": pd.Categorical(CODES.astype(str)),
    "pandas instants": pd.Series(
        pd.to_datetime("2024-01-01", utc=True) + pd.to_timedelta(CODES, unit="D")
    ),
    "polars": pl.Series(CODES),
    "mixed": [str(code) if code % 2 else code for code in CODES.tolist()],
}


@pytest.mark.parametrize("kind", GROUPS)
def test_groups_of_any_type_are_the_same_blocks(kind: str) -> None:
    X = clustered(np.random.default_rng(0))
    reference = learned(X)
    found = find_blocks(X, reference, GROUPS[kind], "auto").values
    expected = find_blocks(X, reference, CODES, "auto").values
    assert found is not None
    assert expected is not None
    assert found.n_blocks == N_BLOCKS
    assert found.block_rows == SIZE
    np.testing.assert_array_equal(found.values, expected.values)


BAD_GROUPS = {
    "another length": (CODES[:-1], "one entry for each"),
    "two-dimensional": (CODES[:, None], "one entry for each"),
    "a number": (3, "one entry for each"),
    "NaN": (np.where(CODES == 2, np.nan, CODES), "must not be missing"),
    "NaT": (
        np.where(CODES == 2, np.datetime64("NaT"), np.datetime64("2024-01-01")),
        "must not be missing",
    ),
    "None": ([None, *CODES[1:].tolist()], "must not be missing"),
    "objects": ([object()] * len(CODES), "cannot be read"),
}


@pytest.mark.parametrize("kind", BAD_GROUPS)
def test_bad_groups_are_refused_with_the_rule(kind: str) -> None:
    groups, rule = BAD_GROUPS[kind]
    X = clustered(np.random.default_rng(0))
    with pytest.raises(ParameterError, match=rule):
        find_blocks(X, learned(X), groups, "auto")
    with pytest.raises(ParameterError, match=rule):
        group_codes(groups, len(X), "groups")


@pytest.mark.parametrize("blocks", [0, 4, True, 2.5, "x", 10**9, np.nan])
def test_bad_numbers_of_blocks_are_refused(blocks: object) -> None:
    X = clustered(np.random.default_rng(0))
    with pytest.raises(ParameterError, match="blocks must be"):
        find_blocks(X, learned(X), None, blocks)


@pytest.mark.parametrize(
    ("groups", "says"),
    [
        (np.arange(len(CODES)), "hold one row"),
        (np.zeros(len(CODES)), "got 1"),
        (CODES % 4, "got 4"),
        (np.random.default_rng(1).permutation(CODES), "no more than independent"),
    ],
)
def test_groups_that_are_no_blocks_leave_rows_alone(
    groups: np.ndarray, says: str
) -> None:
    X = clustered(np.random.default_rng(0))
    found = find_blocks(X, learned(X), groups, "auto")
    assert found.values is None
    assert says in found.notes[0]


def test_independent_rows_are_hardly_ever_taken_for_blocks() -> None:
    rng = np.random.default_rng(2)
    found = []
    for _ in range(100):
        X = rng.normal(size=(1000, 6))
        X[:, 3:] = np.round(X[:, 3:])
        reference = learned(X)
        found.append(find_blocks(X, reference, None, "auto").values is not None)
        codes = np.arange(1000) // 20
        found.append(find_blocks(X, reference, codes, "auto").values is not None)
    assert sum(found) <= binom.ppf(0.999, len(found), 0.001)


def test_dependent_rows_are_found_and_said() -> None:
    X = clustered(np.random.default_rng(3))
    found = find_blocks(X, learned(X), None, "auto")
    assert found.values is not None
    assert found.values.origin == "row order"
    assert found.notes[0].startswith("rows depend on their neighbours in 4 of 5")
    assert found.labels is not None
    assert (np.diff(found.labels) >= 0).all()
    assert find_blocks(X, learned(X), None, None).values is None


def test_many_blocks_are_kept_in_little_room() -> None:
    codes = np.repeat(np.arange(1000), 4)
    rng = np.random.default_rng(4)
    X = rng.normal(size=(4000, 5)) + rng.normal(size=(1000, 5))[codes]
    found = find_blocks(X, learned(X), codes, "auto").values
    assert found is not None
    assert found.n_blocks == 1000
    assert len(found.values) == 300


def test_no_pvalue_is_below_that_of_rows() -> None:
    rng = np.random.default_rng(5)
    X = clustered(rng)
    reference = learned(X)
    found = find_blocks(X, reference, CODES, "auto")
    for shift in (0.0, 1.0, 5.0):
        batch = clustered(rng, 1)
        batch["level"] += shift
        by_blocks, by_rows = compared(reference, found, batch)
        for a, b in zip(by_blocks.rows, by_rows.rows, strict=True):
            assert a.pvalue >= b.pvalue
            assert a.pvalue_adjusted >= max(b.pvalue_adjusted, a.pvalue)
            assert a.low <= b.low
            assert a.high >= b.high


def test_rows_of_one_block_do_not_cry_wolf_and_a_shift_is_found() -> None:
    rng = np.random.default_rng(6)
    X = clustered(rng)
    reference = learned(X)
    found = find_blocks(X, reference, CODES, "auto")
    alarms, row_alarms, seen = 0, 0, 0
    for _ in range(60):
        batch = clustered(rng, 1)
        by_blocks, by_rows = compared(reference, found, batch)
        alarms += bool(by_blocks.findings)
        row_alarms += bool(by_rows.findings)
        batch["noise"] += 4.0
        seen += bool(compared(reference, found, batch)[0].findings)
    assert alarms <= binom.ppf(0.999, 60, 0.05)
    assert row_alarms >= 50
    assert seen >= 57


def test_a_value_that_repeats_within_each_block_is_no_alarm() -> None:
    rng = np.random.default_rng(7)
    sticks = rng.normal(size=N_BLOCKS)[CODES]
    X = np.where(np.arange(len(CODES)) % SIZE < 10, sticks, rng.normal(size=len(CODES)))
    reference = learned(X[:, None])
    found = find_blocks(X[:, None], reference, CODES, "auto")
    batch = rng.normal(size=(SIZE, 1))
    batch[:10] = 0.2345
    by_blocks, by_rows = compared(reference, found, batch)
    assert by_rows.findings
    assert not by_blocks.findings


def test_too_few_blocks_for_alpha_name_the_rank_and_the_model() -> None:
    rng = np.random.default_rng(8)
    X = clustered(rng, 20)
    reference = learned(X)
    found = find_blocks(X, reference, np.repeat(np.arange(20), SIZE), "auto")
    batch = clustered(rng, 1)
    batch["noise"] += 50.0
    result, _ = compared(reference, found, batch, alpha=0.01)
    assert result.findings
    assert "p ≥ 1/21 by rank, smaller by a Pareto tail" in result.findings[0].message


def test_half_the_columns_and_a_block_all_missing_are_compared() -> None:
    rng = np.random.default_rng(9)
    X = clustered(rng)
    X.loc[CODES == 3, "level"] = np.nan
    reference = learned(X)
    found = find_blocks(X, reference, CODES, "auto")
    result, _ = compared(reference, found, clustered(rng, 1)[["level", "rain"]])
    assert [row.outcome == "not tested" for row in result.rows] == [
        False,
        False,
        True,
        True,
        True,
    ]


def test_columns_of_every_kind_are_asked_whether_rows_depend_on_neighbours() -> None:
    rng = np.random.default_rng(10)
    n = 600
    X = pd.DataFrame(
        {
            "text": [f"id-{k:0{k % 7 + 1}d}" for k in rng.integers(0, 10**6, n)],
            "letter": np.repeat(list("abcdef"), 100),
            "truth": np.arange(n) % 100 < 50,
            "gaps": np.where(np.arange(n) % 9 == 0, np.nan, np.arange(n) // 60),
            "constant": np.ones(n),
            "nothing": [None] * n,
            "instant": np.datetime64("2024-01-01")
            + rng.integers(0, 10**6, n).astype("timedelta64[s]"),
        }
    )
    found = find_blocks(X, learned(X), None, "auto")
    assert found.notes[0].startswith("rows depend on their neighbours in 3 of 6")
    batch = X[:40]
    assert compared(learned(X), find_blocks(X, learned(X), None, 30), batch)
