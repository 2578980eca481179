"""What comparing a batch with training must obey, whatever the columns hold."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.stats import binom

from skdrift._core.frame import read_table
from skdrift.profile import Profile
from skdrift.profile._profile import count_table, learn_profile
from skdrift.shift import ShiftResult, compare_profiles, resolution

N, M = 2000, 500


def compared(
    reference: object, batch: object, *, alpha: float = 0.05, **settings: float
) -> ShiftResult:
    """Compare two tables as `check` does."""
    profile = learn_profile(
        read_table(reference),
        categorical_features=None,
        n_cells=128,
        min_category_count=1,
    )
    counted, novelty = count_table(read_table(batch, strict=False), profile.grid)
    options = {
        "share": 1.0,
        "min_effect": 0.01,
        "stable_bound": 0.1,
        "least_rows": 30,
        **settings,
    }
    return compare_profiles(profile, counted, novelty, alpha=alpha, **options)


def zipf(rng: np.random.Generator, n: int) -> np.ndarray:
    return np.array([f"c{k}" for k in np.minimum(rng.zipf(1.5, n), 3000)], dtype=object)


def day(rng: np.random.Generator, n: int) -> np.ndarray:
    return np.datetime64("2020-01-01") + rng.integers(0, 10**6, n).astype(
        "timedelta64[s]"
    )


COLUMNS = {
    "continuous": lambda rng, n: rng.normal(size=n),
    "heavy tails": lambda rng, n: rng.standard_cauchy(n),
    "rounded": lambda rng, n: rng.normal(0, 100, n).round(),
    "zero-inflated": lambda rng, n: rng.exponential(size=n) * (rng.random(n) < 0.3),
    "few integers": lambda rng, n: rng.integers(0, 24, n),
    "rare integers": lambda rng, n: rng.geometric(0.1, n),
    "with sentinel": lambda rng, n: np.where(
        rng.random(n) < 0.04, -200.0, rng.normal(900, 200, n).round()
    ),
    "zipf prices": lambda rng, n: np.minimum(rng.zipf(1.3, n), 10**6) + 0.99,
    "with missing": lambda rng, n: np.where(
        rng.random(n) < 0.1, np.nan, rng.normal(size=n)
    ),
    "rarely missing": lambda rng, n: np.where(
        rng.random(n) < 0.001, np.nan, rng.normal(size=n)
    ),
    "categories": lambda rng, n: rng.choice(list("abcde"), n).astype(object),
    "zipf categories": zipf,
    "boolean": lambda rng, n: rng.random(n) < 0.2,
    "instants": day,
    "texts": lambda rng, n: np.array(
        [f"id-{k:0{rng.integers(3, 9)}d}" for k in rng.integers(0, 10**9, n)],
        dtype=object,
    ),
}


def frame_of(kind: str, rng: np.random.Generator, n: int, copies: int) -> pd.DataFrame:
    return pd.DataFrame({f"x{j}": COLUMNS[kind](rng, n) for j in range(copies)})


@pytest.mark.parametrize("kind", COLUMNS)
@pytest.mark.parametrize(("n", "m"), [(300, 300), (2000, 100), (300, 6000)])
def test_batches_from_training_alarm_at_most_at_the_level(kind, n, m):
    rng = np.random.default_rng(len(kind) + n)
    trials, alpha = 150, 0.05
    alarms = 0
    for _ in range(trials):
        both = frame_of(kind, rng, n + m, 1)
        alarms += bool(compared(both[:n], both[n:], alpha=alpha).findings)
    assert alarms <= binom.ppf(0.999, trials, alpha)


def shifted(frame):
    return frame + 1.0


def stretched(frame):
    return frame * 1.5


def every_25th(frame, value):
    return frame.apply(lambda c: c.where(c.index % 25 > 0, value))


def with_missing(frame):
    return frame.where(np.random.default_rng(0).random(frame.shape) > 0.2)


CHANGES = [
    ("continuous", shifted, "DA101"),
    ("continuous", stretched, "DA101"),
    ("heavy tails", lambda f: f * 2, "DA101"),
    ("rounded", lambda f: f + 30.5, "DA101"),
    ("few integers", lambda f: f.clip(3), "DA101"),
    ("few integers", lambda f: f + 0.5, "DA101"),
    ("with sentinel", lambda f: f.replace(-200.0, 900.0), "DA101"),
    ("continuous", lambda f: f.where(f < 1.5, 0.123), "DA101"),
    ("instants", lambda f: f + pd.Timedelta("3D"), "DA101"),
    ("categories", lambda f: f.replace("a", "b"), "DA102"),
    ("boolean", lambda f: ~f, "DA102"),
    ("texts", lambda f: f.apply(lambda c: c.str.upper()), "DA103"),
    ("texts", lambda f: f.apply(lambda c: c + "000"), "DA103"),
    ("continuous", with_missing, "DA401"),
    ("with missing", lambda f: f.fillna(0.5), "DA401"),
    ("categories", with_missing, "DA401"),
    ("continuous", lambda f: f * np.nan, "DA405"),
    ("categories", lambda f: every_25th(f, "new"), "DA402"),
    ("continuous", lambda f: every_25th(f, 99.0), "DA403"),
    ("instants", lambda f: f + pd.Timedelta("9000D"), "DA403"),
    ("continuous", lambda f: every_25th(f, np.inf), "DA404"),
]


@pytest.mark.parametrize(("kind", "change", "code"), CHANGES)
def test_each_change_has_its_finding(kind, change, code):
    rng = np.random.default_rng(1)
    reference, batch = frame_of(kind, rng, N, 3), frame_of(kind, rng, M, 3)
    moved = batch.copy()
    moved[["x1"]] = change(batch[["x1"]])
    result = compared(reference, moved, alpha=0.01)
    assert code in {f.code for f in result.findings if f.features == ("x1",)}
    assert {name for f in result.findings for name in f.features} == {"x1"}
    assert all(f.pvalue <= 0.01 and f.message and f.advice for f in result.findings)


@pytest.mark.parametrize("kind", COLUMNS)
def test_the_order_of_rows_and_columns_is_irrelevant(kind):
    rng = np.random.default_rng(2)
    reference, batch = frame_of(kind, rng, 500, 3), frame_of(kind, rng, 200, 3)
    if kind != "texts":
        batch["x0"] = batch["x1"]
    expected = {row.feature: row for row in compared(reference, batch).rows}
    turned = compared(reference.iloc[::-1, ::-1], batch.iloc[::-1, [2, 0, 1]])
    assert {row.feature for row in turned.rows} == set(expected)
    for row in turned.rows:
        assert row.pvalue == pytest.approx(expected[row.feature].pvalue, rel=1e-6)
        assert row.effect_size == pytest.approx(expected[row.feature].effect_size)


@pytest.mark.parametrize("kind", ["continuous", "rounded", "few integers"])
def test_the_unit_of_a_column_is_irrelevant(kind):
    rng = np.random.default_rng(3)
    reference, batch = frame_of(kind, rng, N, 1), frame_of(kind, rng, M, 1)
    batch = batch + 0.1 * batch.std()
    before, after = (
        compared(reference * unit, batch * unit).rows[0] for unit in (1, 1024)
    )
    assert after.pvalue == pytest.approx(before.pvalue, rel=1e-6)
    assert after.wasserstein == pytest.approx(before.wasserstein, rel=1e-6)


@pytest.mark.parametrize("kind", ["continuous", "rounded", "heavy tails"])
def test_the_farther_the_batch_the_smaller_the_p_value(kind):
    rng = np.random.default_rng(4)
    reference, batch = frame_of(kind, rng, N, 1), frame_of(kind, rng, M, 1)
    step = float(np.subtract(*np.quantile(reference, [0.75, 0.25]))) * 0.2
    rows = [compared(reference, batch + k * step).rows[0] for k in (1, 2, 4, 8)]
    pvalues = [row.pvalue for row in rows]
    effects = [row.effect_size for row in rows]
    assert pvalues == sorted(pvalues, reverse=True)
    assert effects == sorted(effects)
    assert pvalues[-1] < 1e-10


def test_a_huge_batch_does_not_alarm_on_a_trifle_but_on_a_large_shift():
    rng = np.random.default_rng(5)
    reference, batch = rng.normal(size=(400_000, 1)), rng.normal(size=(400_000, 1))
    trifle = compared(reference, batch + 0.0125)
    assert trifle.rows[0].outcome == "stable"
    assert trifle.rows[0].effect_size > 0.003
    assert compared(reference, batch + 0.1).findings


@pytest.mark.parametrize(
    ("m", "outcome"), [(29, "undecided"), (31, "undecided"), (2000, "stable")]
)
def test_few_rows_are_undecided_and_many_are_stable(m, outcome):
    rng = np.random.default_rng(6)
    result = compared(rng.normal(size=(5000, 2)), rng.normal(size=(m, 2)))
    assert result.outcome == outcome
    assert all(row.outcome in {outcome, "not tested"} for row in result.rows)
    assert all(row.reason for row in result.rows if row.outcome != "stable")


def test_an_unseen_category_is_natural_where_training_met_new_ones_all_the_time():
    rng = np.random.default_rng(7)
    ids = np.array([f"v{k}" for k in rng.integers(0, 4000, 4000)], dtype=object)
    frame = pd.DataFrame({"c": pd.Categorical(ids)})
    result = compared(frame[:2000], frame[2000:])
    assert result.rows[0].n_unseen > 500
    assert not result.findings


def test_rows_needed_and_detectable_effect_are_inverse():
    settings = {"alpha": 0.01, "min_effect": 0.01, "stable_bound": 0.1}
    _, needed = resolution(50_000, 1, 12, **settings)
    found, _ = resolution(50_000, int(needed), 12, **settings)
    assert found == pytest.approx(0.1, abs=0.003)
    assert np.isnan(resolution(100, 100, 0, **settings)).all()


def test_an_empty_profile_is_not_compared():
    profile = learn_profile(
        read_table(np.zeros((5, 2))),
        categorical_features=None,
        n_cells=8,
        min_category_count=1,
    )
    empty = Profile.empty(profile.grid)
    result = compare_profiles(
        profile,
        empty,
        [],
        alpha=0.01,
        share=1.0,
        min_effect=0.01,
        stable_bound=0.1,
        least_rows=30,
    )
    assert result.outcome == "not tested"
    assert result.findings == ()


def test_fewer_rows_than_are_needed_are_not_compared_however_far_they_moved():
    rng = np.random.default_rng(8)
    reference, batch = rng.normal(size=(500, 2)), rng.normal(9, 1, size=(29, 2))
    result = compared(reference, batch)
    assert result.findings == ()
    assert {row.outcome for row in result.rows} == {"not tested"}
    assert compared(reference, batch, least_rows=29).findings


def test_events_that_cannot_happen_by_chance_cost_the_other_tests_nothing():
    rng = np.random.default_rng(9)
    reference = rng.integers(0, 5, (1000, 1))
    batch = rng.choice(5, (400, 1), p=[0.3, 0.2, 0.2, 0.15, 0.15])
    row = compared(reference, batch).rows[0]
    assert 0 < row.pvalue < 0.5
    assert row.pvalue_adjusted == pytest.approx(row.pvalue)
