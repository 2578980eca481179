"""What a grid learns: kinds of columns, categories, settings."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
import scipy.sparse as sp

from skdrift._core.frame import read_table
from skdrift.exceptions import InputError, InputTypeError, ParameterError
from skdrift.profile import Grid, Profile
from skdrift.profile._cells import LevelCells
from skdrift.profile._count import comparable_column, match_columns, type_change
from skdrift.profile._profile import cells_by_feature, count_table, learn_profile


def kind_of(cells, **settings) -> str:
    values = np.empty((len(cells), 1), dtype=object)
    values[:, 0] = list(cells)
    return Grid.learn(values, **settings).kinds[0]


def levels(n_levels, n_rows) -> list[str]:
    return [f"level {row % n_levels}" for row in range(n_rows)]


@pytest.mark.parametrize(
    ("cells", "kind"),
    [
        (levels(5_000, 200_000), "categorical"),
        (levels(10_000, 200_000), "categorical"),
        (levels(10_001, 200_000), "text"),
        (levels(60, 121), "categorical"),
        (levels(60, 120), "categorical"),
        (levels(60, 119), "text"),
        (levels(50, 50), "categorical"),
        (levels(51, 51), "text"),
        (["one"], "categorical"),
        ([b"a", b"b"] * 30, "categorical"),
        ([bytes([k]) for k in range(80)], "text"),
        ([1, "a", None] * 30, "categorical"),
        ([1.5, 2.5] * 30, "numeric"),
        ([True, False, None] * 30, "boolean"),
        ([True], "boolean"),
        ([None, None], "empty"),
        ([np.nan, np.inf], "empty"),
        (pd.date_range("2020", periods=5), "datetime"),
        (pd.to_timedelta([1, 2], unit="s"), "numeric"),
        ([7] * 500, "numeric"),
    ],
    ids=lambda value: value if isinstance(value, str) else f"{len(value)} cells",
)
def test_kinds(cells, kind):
    assert kind_of(cells) == kind


def test_a_million_distinct_texts_are_no_categories():
    ids = pl.DataFrame({"id": pl.Series(range(1_000_000)).cast(pl.String)})
    grid = Grid.learn(ids)
    assert grid.kinds == ("text",)
    assert sum(cells.n_cells for cells in grid.cells) < 1000


@pytest.mark.parametrize("dtype", ["i8", "f8", "i4", "u8", object])
def test_whole_numbers_that_never_repeat_though_they_should_are_identifiers(dtype):
    numbers = np.random.default_rng(0).permutation(1000).astype(dtype)
    grid = Grid.learn(numbers.reshape(-1, 1))
    assert grid.kinds == ("identifier",)
    assert "identifier" in grid.untested[0]
    profile = Profile.count(numbers.reshape(-1, 1), grid)
    assert (profile.n_read[0], profile.n_missing[0]) == (1000, 0)


@pytest.mark.parametrize(
    "numbers",
    [
        np.arange(99),
        np.append(np.arange(999), 0),
        np.arange(1000) * 10**6,
        np.arange(1000) + 0.5,
        np.random.default_rng(0).normal(size=1000),
        np.random.default_rng(0).integers(0, 10**9, 1000),
        np.random.default_rng(0).integers(0, 2**62, 1000),
    ],
    ids=["few", "one repeats", "sparse", "halves", "normal", "random", "hashes"],
)
def test_numbers_that_differ_by_chance_are_no_identifiers(numbers):
    assert Grid.learn(numbers.reshape(-1, 1)).kinds == ("numeric",)


def test_random_numbers_are_taken_for_identifiers_less_than_once_in_a_million():
    """Draws of n from r repeat with a probability that the rule bounds."""
    rng = np.random.default_rng(0)
    found = [
        Grid.learn(rng.integers(0, 400, (150, 50))).kinds.count("identifier")
        for _ in range(20)
    ]
    assert sum(found) == 0


def test_identifiers_with_missing_values_are_identifiers_in_any_container():
    numbers = np.random.default_rng(0).permutation(1000).astype(object)
    numbers[::10] = None
    for X in (
        numbers.reshape(-1, 1),
        numbers.astype(float).reshape(-1, 1),
        pd.DataFrame({"id": pd.array(numbers, dtype="Int64")}),
        pa.table({"id": numbers.tolist()}),
    ):
        grid = Grid.learn(X)
        assert grid.kinds == ("identifier",)
        assert Profile.count(X, grid).n_missing.tolist() == [100]


def test_times_in_the_order_of_the_rows_are_a_clock():
    times = pd.date_range("2020-01-01", periods=100, freq="h")
    ordered = Grid.learn(pd.DataFrame({"t": times}))
    with_gaps = Grid.learn(pd.DataFrame({"t": times.where(times.hour > 0)}))
    shuffled = Grid.learn(pd.DataFrame({"t": times}).sample(frac=1, random_state=0))
    constant = Grid.learn(pd.DataFrame({"t": times[:1].repeat(100)}))
    few = Grid.learn(pd.DataFrame({"t": times[:29]}))
    assert ordered.untested[0].startswith("clock")
    assert with_gaps.untested[0].startswith("clock")
    assert (shuffled.untested, constant.untested, few.untested) == (("",),) * 3


FRAME = pd.DataFrame(
    {
        "number": [1.0, 2.0, 2.0],
        "whole": [1, 2, 3],
        "word": ["a", "b", "b"],
        "code": pd.Categorical([1, 2, 2]),
        "time": pd.to_datetime(["2020-01-01", "2020-01-02", "2020-01-02"]),
        "truth": [True, False, True],
    }
)
BY_DTYPE = ("numeric", "numeric", "categorical", "categorical", "datetime", "boolean")


@pytest.mark.parametrize(
    ("chosen", "positions"),
    [
        ("from_dtype", []),
        (None, []),
        ([], []),
        (["whole"], [1]),
        (("whole", "number"), [0, 1]),
        (np.array(["whole"]), [1]),
        (np.array(["whole"], dtype=object), [1]),
        (pd.Index(["whole"]), [1]),
        ({"whole": 1}, [1]),
        ([1], [1]),
        ([-5], [1]),
        (np.array([1, 0]), [0, 1]),
        (range(2), [0, 1]),
        ([4], [4]),
        (["word"], [2]),
        (["truth"], []),
        ([False, True, False, False, False, False], [1]),
        (np.arange(6) == 1, [1]),
    ],
    ids=str,
)
def test_categorical_features(chosen, positions):
    grid = Grid.learn(FRAME, categorical_features=chosen)
    expected = list(BY_DTYPE)
    for position in positions:
        expected[position] = "categorical"
    assert grid.kinds == tuple(expected)
    profile = Profile.count(FRAME, grid)
    assert all(counts.sum() == 3 for counts in profile.counts)
    assert profile.unseen == ({},) * 6


@pytest.mark.parametrize(
    ("chosen", "message"),
    [
        (["odd", "whole"], r"\['odd'\], which X does not have.*'number'"),
        ([6], r"\[6\], which X does not have"),
        ([-7], r"\[-7\]"),
        ([True], "one entry for each of the 6 columns, got 1"),
        ("whole", r"pass \['whole'\] for one column"),
        (1, r"pass \[1\] for one column"),
        (1.5, "must be"),
        ([1.0], r"all of one kind, got \['float'\]"),
        ([1, "whole"], r"all of one kind, got \['int', 'str'\]"),
        ([None], "NoneType"),
        ([[1]], "list"),
        (np.array([[True] * 6]), "ndarray"),
    ],
    ids=str,
)
def test_categorical_features_that_are_not_there_are_refused(chosen, message):
    with pytest.raises(ParameterError, match=message):
        Grid.learn(FRAME, categorical_features=chosen)


def test_names_need_a_table_with_names():
    with pytest.raises(ParameterError, match="x0"):
        Grid.learn(np.ones((3, 2)), categorical_features=["x0"])


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("n_cells", [1, 0, -1, 2.0, "128", None, True]),
        ("min_category_count", [0, -1, 1.0, "1", None, True]),
        ("n_threads", [0, -1, 1.0, "1", True]),
    ],
)
def test_settings_out_of_range_are_refused(name, values):
    for value in values:
        with pytest.raises(ParameterError, match=f"{name} must be .*{value!r}"):
            Grid.learn(FRAME, **{name: value})
    with pytest.raises(ParameterError, match="n_threads"):
        Profile.count(FRAME, Grid.learn(FRAME), n_threads=0)


def test_numpy_integers_are_integers():
    grid = Grid.learn(
        FRAME, n_cells=np.int64(4), min_category_count=np.int8(1), n_threads=np.int16(1)
    )
    assert grid.kinds == BY_DTYPE


@pytest.mark.parametrize(
    "X",
    [
        np.ones((0, 2)),
        pd.DataFrame({"a": []}),
        pl.DataFrame({"a": []}),
        pa.table({"a": []}),
        sp.csr_array((0, 3)),
    ],
)
def test_no_rows_are_refused_at_learning_and_counted_later(X):
    with pytest.raises(InputError, match="no rows"):
        Grid.learn(X)
    n_columns = X.shape[1]
    grid = Grid.learn(np.arange(10.0 * n_columns).reshape(-1, n_columns))
    assert Profile.count(np.ones((0, n_columns)), grid).n_rows == 0
    assert Profile.count(X, grid).n_rows == 0


@pytest.mark.parametrize("n_rows", [1, 2])
def test_one_row_is_a_table(n_rows):
    few = FRAME[:n_rows]
    grid = Grid.learn(few)
    assert grid.kinds == BY_DTYPE
    assert Profile.count(few, grid).n_rows == n_rows
    assert Profile.count(FRAME, grid).n_rows == 3


@pytest.mark.parametrize("value", [0.0, -0.0, 1e308, -1e308, 5e-324, 2**53 + 1, -7])
def test_a_constant_column_has_one_value_and_no_slack(value):
    X = np.full((50, 1), value)
    cells = Grid.learn(X).cells[0]
    assert cells.points.tolist() == [value]
    assert (cells.lower, cells.upper) == (float(value), float(value))
    assert cells.discrete
    assert Profile.count(X, Grid.learn(X)).counts[0].tolist() == [0, 50, 0]


def test_columns_that_cannot_be_read_stop_learning_and_are_named():
    with pytest.raises(InputError, match="column 'b' holds cells of type list"):
        Grid.learn(pd.DataFrame({"a": [1], "b": [[1, 2]]}))
    with pytest.raises(InputError, match="column 'x0' holds the integer"):
        Grid.learn([[2**70]])
    with pytest.raises(InputError, match="Complex data not supported: column 'a'"):
        Grid.learn(pd.DataFrame({"a": [1j]}))
    with pytest.raises(InputTypeError, match="Complex data not supported: X"):
        Grid.learn(np.array([[1j]]))


def test_categories_do_not_depend_on_their_order_or_codes():
    words = ["b", "a", "b", "c"]
    grids = [
        Grid.learn(pd.DataFrame({"w": pd.Categorical(words, categories=order)}))
        for order in (["a", "b", "c"], ["c", "b", "a"], ["unused", "c", "a", "b"])
    ]
    assert {grid.fingerprint() for grid in grids} == {grids[0].fingerprint()}
    assert grids[0].cells[0].keys == ("b", "a", "c")
    unused = pd.DataFrame({"w": pd.Categorical(["unused"])})
    assert Profile.count(unused, grids[2]).unseen == ({"unused": 1},)


def test_hidden_categories_are_known_and_new_ones_are_not():
    frame = pd.DataFrame({"w": ["often"] * 5 + ["rare", "rarer"]})
    grid = Grid.learn(frame, min_category_count=2)
    cells = grid.cells[0]
    assert isinstance(cells, LevelCells)
    assert cells.keys[0] == "often"
    assert all(key.startswith("\0h:") for key in cells.keys[1:])
    assert {cells.place("rare"), cells.place("rarer")} == {1, 2}
    assert cells.place("new") == 3
    assert Profile.count(frame, grid).counts[0].tolist() == [5, 1, 1, 0]


def test_two_unicode_forms_of_a_name_are_two_columns():
    frame = pd.DataFrame({"é": [1.0, 2.0], "e\u0301": [3.0, 4.0]})
    profile = Profile.count(frame.iloc[:, ::-1], Grid.learn(frame))
    assert profile.smallest.tolist() == [1.0, 3.0]


@pytest.mark.parametrize(
    ("names", "positions", "extra", "reordered"),
    [
        (["a", "b", "c"], [0, 1, 2], (), False),
        (["c", "b", "a"], [2, 1, 0], (), True),
        (["a", "c"], [0, -1, 1], (), False),
        (["x", "a", "b", "c", "y"], [1, 2, 3], ("x", "y"), False),
        (["y", "c", "a"], [2, -1, 1], ("y",), True),
        (["x"], [-1, -1, -1], ("x",), False),
        ([0, 1, 2], [0, 1, 2], (), False),
        ([0, 1], [0, 1, -1], (), False),
        ([0, 1, 2, 3], [0, 1, 2], ("x3",), False),
    ],
)
def test_columns_are_matched_by_name_else_by_position(
    names, positions, extra, reordered
):
    grid = Grid.learn(pd.DataFrame(np.ones((2, 3)), columns=["a", "b", "c"]))
    table = read_table(pd.DataFrame(np.ones((2, len(names))), columns=names))
    matching = match_columns(table, grid)
    assert matching.positions.tolist() == positions
    assert (matching.extra, matching.reordered) == (extra, reordered)


@pytest.mark.parametrize(
    ("learned", "family", "change"),
    [
        ("integer", "float", ""),
        ("float", "decimal", ""),
        ("boolean", "integer", "readable"),
        ("float", "boolean", "readable"),
        ("string", "mixed", "readable"),
        ("mixed", "integer", ""),
        ("datetime", "datetime with zone", "readable"),
        ("float", "string", "unreadable"),
        ("string", "integer", "unreadable"),
        ("datetime", "duration", "unreadable"),
        ("datetime", "integer", "unreadable"),
        ("string", "bytes", "unreadable"),
        ("null", "string", ""),
        ("string", "null", ""),
    ],
)
def test_changes_of_type(learned, family, change):
    assert type_change(learned, family) == change


def test_a_column_without_values_can_always_be_compared():
    grid = Grid.learn(pd.DataFrame({"a": ["x", "y"]}))
    profile = Profile.count(pd.DataFrame({"a": [np.nan, np.nan]}), grid)
    assert (profile.n_read[0], profile.n_missing[0]) == (2, 2)
    column = read_table(pd.DataFrame({"a": [np.nan, 1.0]})).column(0)
    assert comparable_column(column, "string") is None


def test_counting_never_sorts_what_the_caller_holds():
    """Booleans on a grid of numbers are read as a view of the caller's array."""
    truths = np.random.default_rng(0).random((100, 2)) < 0.5
    frame = pd.DataFrame(truths, columns=["x0", "x1"])
    before = truths.copy()
    grid = Grid.learn(np.random.default_rng(0).normal(size=(100, 2)))
    for X in (truths, np.asfortranarray(truths), frame, pl.from_pandas(frame)):
        assert Profile.count(X, grid).n_read.tolist() == [100, 100]
        np.testing.assert_array_equal(np.asarray(X), before)


def test_learning_and_counting_in_one_go_is_learning_then_counting(assert_identical):
    table = read_table(FRAME)
    profile = learn_profile(
        table, categorical_features=["whole"], n_cells=128, min_category_count=1
    )
    grid = Grid.learn(FRAME, categorical_features=["whole"])
    assert profile.grid.fingerprint() == grid.fingerprint()
    assert_identical(profile, Profile.count(FRAME, grid))


def test_cells_by_feature_lists_the_cells_of_each_column():
    texts = [f"text {k}" for k in range(80)]
    grid = Grid.learn(
        pd.DataFrame({"text": texts, "id": range(80), "n": np.linspace(0, 1, 80)})
    )
    found = cells_by_feature(grid)
    assert [[cells.aspect for cells in each] for each in found] == [
        ["length", "shape"],
        ["value"],
        ["value"],
    ]


def test_novelty_is_what_the_grid_does_not_track():
    rng = np.random.default_rng(0)
    X = np.column_stack([rng.normal(size=500), rng.integers(0, 4, 500)])
    grid = Grid.learn(X)
    batch = X[:100].copy()
    batch[:30, 0], batch[:9, 0] = 5.0, 6.0
    batch[:3, 1], batch[3, 1] = 9, 8
    _, (continuous, discrete) = count_table(read_table(batch), grid)
    assert (continuous.value, continuous.count) == (5.0, 21)
    assert (discrete.value, discrete.count) == (9.0, 3)
    assert sorted(discrete.counts) == [1, 3]
    _, (same, _) = count_table(read_table(X), grid)
    assert (np.isnan(same.value), same.count) == (True, 0)


def test_novelty_of_a_64_bit_batch_is_looked_for_among_32_bit_values():
    tenths = (np.arange(500) % 7) / 10
    single = tenths.astype(np.float32).reshape(-1, 1)
    for one, other in ((single, tenths), (tenths, single)):
        grid = Grid.learn(one.reshape(-1, 1))
        _, (found,) = count_table(read_table(other.reshape(-1, 1)), grid)
        assert found.count == 0


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        (np.repeat([0.0, 1.0], 9), np.repeat([-0.0, 1.0], 9), True),
        (np.arange(9), np.arange(9.0), True),
        (np.repeat(np.arange(5.0), 9), np.arange(5.0), False),
        (np.array([2**53, 2**54]), np.array([2**53 + 1, 2**54]), False),
    ],
    ids=["minus zero", "integers", "other repeated values", "beyond exact floats"],
)
def test_grids_are_the_same_if_they_count_and_compare_the_same(one, other, same):
    prints = [Grid.learn(X.reshape(-1, 1)).fingerprint() for X in (one, other)]
    assert (prints[0] == prints[1]) == same


def test_nothing_warns():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        X = np.array([[np.nan, np.inf, 1e308, 0.0, np.longdouble("1e4000")]] * 40)
        X[::2, 2] = -1e308
        Profile.count(X, Grid.learn(X)).merge(Profile.count(-X, Grid.learn(X)))
