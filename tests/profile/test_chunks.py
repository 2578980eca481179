"""Learning from chunks: exact while everything fits, bounded when it does not."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
import scipy.sparse as sp

from skdrift.exceptions import InputError, InputTypeError, ParameterError
from skdrift.profile import Grid, Profile
from skdrift.profile import _chunks as chunks_module
from skdrift.profile._cells import LevelCells, NumberCells
from skdrift.profile._chunks import NumberSample


def training(n: int = 900) -> pd.DataFrame:
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(
        {
            "float": np.where(rng.random(n) < 0.1, np.nan, rng.normal(size=n)),
            "single": rng.normal(size=n).astype(np.float32),
            "whole": rng.integers(-5, 40, n),
            "huge": rng.integers(2**60, 2**63 - 1, n),
            "infinite": np.where(rng.random(n) < 0.1, np.inf, rng.normal(size=n)),
            "word": rng.choice(["a", "b", "c"], n),
            "truth": rng.random(n) < 0.5,
            "clock": pd.date_range("2020-01-01", periods=n, freq="h"),
            "time": rng.permutation(pd.date_range("2020-01-01", periods=n, freq="h")),
            "code": pd.Categorical(rng.integers(0, 4, n)),
            "free": [f"text {i} {i % 7}" for i in range(n)],
            "id": rng.permutation(n),
            "span": pd.to_timedelta(rng.integers(0, 99, n), unit="s"),
            "nothing": np.full(n, np.nan),
            "late": [None] * (n // 2) + ["x", "y"] * (n // 4),
        }
    )
    frame.loc[::17, ["word", "time", "code", "free"]] = None
    return frame


TRAINING = training()


def split(X, size):
    return (X[start : start + size] for start in range(0, len(X), size))


@pytest.mark.parametrize("size", [1, 7, 100, 899, 900, 5000])
def test_the_grid_of_chunks_is_the_grid_of_the_whole(size):
    rows = TRAINING if size > 1 else TRAINING[:200]
    whole, pieces = Grid.learn(rows), Grid.learn(split(rows, size))
    assert pieces.kinds == whole.kinds
    assert pieces.untested == whole.untested
    assert pieces.families == whole.families
    assert pieces.n_rows == whole.n_rows
    assert pieces.fingerprint() == whole.fingerprint()
    for mine, theirs in zip(pieces.cells, whole.cells, strict=True):
        for field in ("lower", "upper", "untracked", "single"):
            assert getattr(mine, field, None) == getattr(theirs, field, None)


@pytest.mark.parametrize(
    "make", [lambda frame: frame.to_numpy(), sp.csr_array, pl.from_pandas, pa.table]
)
def test_chunks_may_come_in_any_container(make):
    numbers = TRAINING[["single", "whole", "infinite"]].astype(float)
    whole = Grid.learn(make(numbers))
    pieces = Grid.learn(make(chunk) for chunk in split(numbers, 50))
    assert pieces.fingerprint() == whole.fingerprint()


def test_a_reader_of_record_batches_is_an_iterator_of_tables():
    table = pa.table(TRAINING[["float", "whole", "word"]])
    grid = Grid.learn(table.to_reader(max_chunksize=100))
    assert grid.fingerprint() == Grid.learn(table).fingerprint()


@pytest.mark.parametrize("chosen", [["whole"], [2], [-13], TRAINING.columns == "whole"])
def test_categories_that_the_user_names_are_counted_from_chunks(chosen):
    pieces = Grid.learn(split(TRAINING, 100), categorical_features=chosen)
    whole = Grid.learn(TRAINING, categorical_features=chosen)
    assert pieces.kinds[2] == "categorical"
    assert pieces.fingerprint() == whole.fingerprint()


def test_unknown_categories_are_refused_before_the_second_chunk():
    def chunks():
        yield TRAINING
        raise AssertionError

    with pytest.raises(ParameterError, match="odd"):
        Grid.learn(chunks(), categorical_features=["odd"])


@pytest.fixture
def small_sample(monkeypatch):
    monkeypatch.setattr(chunks_module, "SAMPLE_ROWS", 1000)


def test_a_sample_keeps_extremes_and_levels_exact_and_quantiles_close(small_sample):
    rng = np.random.default_rng(1)
    n = 50_000
    frame = pd.DataFrame(
        {
            "float": rng.normal(size=n),
            "whole": rng.integers(-(10**15), 10**15, n),
            "word": rng.choice([f"w{k}" for k in range(300)], n),
        }
    )
    frame.loc[123, "float"], frame.loc[124, "float"] = 77.0, -88.0
    grid = Grid.learn(split(frame, 999))
    number, whole, word = grid.cells
    assert (number.points[0], number.points[-1]) == (-88.0, 77.0)
    assert whole.points[0] == frame["whole"].min()
    assert whole.points[-1] == frame["whole"].max()
    assert set(word.keys) == set(frame["word"])
    assert [*word.keys] == [*Grid.learn(frame).cells[2].keys]
    shares = Profile.count(split(frame, 777), grid).counts[0] / n
    assert shares.max() < 0.04
    assert grid.n_rows == n


def test_the_bound_of_an_untracked_value_holds_for_all_rows(small_sample):
    rng = np.random.default_rng(2)
    values = np.where(rng.random(60_000) < 0.9, rng.normal(size=60_000), 0.25)
    values[rng.random(60_000) < 0.001] = 0.75
    cells = Grid.learn(split(values.reshape(-1, 1), 500)).cells[0]
    assert isinstance(cells, NumberCells)
    others = values[~np.isin(values, cells.points[cells.tracked])]
    _, counts = np.unique(others, return_counts=True)
    assert 0.25 in cells.points[cells.tracked]
    assert cells.untracked >= counts.max()


def test_memory_does_not_grow_with_the_rows(small_sample):
    def chunks(n):
        rng = np.random.default_rng(0)
        for number in range(n):
            yield pd.DataFrame(
                {
                    "a": rng.normal(size=2000),
                    "b": rng.integers(0, 10**9, 2000),
                    "id": [f"{number}-{i}" for i in range(2000)],
                }
            )

    peaks = []
    for n in (10, 60):
        tracemalloc.start()
        grid = Grid.learn(chunks(n))
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
        assert grid.kinds == ("numeric", "numeric", "text")
        assert grid.n_rows == 2000 * n
    assert peaks[1] < 1.2 * peaks[0]


def test_texts_are_known_by_length_and_shape_from_10000_levels_on():
    texts = [f"user-{i}" for i in range(12_000)] + [None] * 30
    frame = pd.DataFrame({"id": texts})
    whole, pieces = Grid.learn(frame), Grid.learn(split(frame, 1000))
    assert whole.kinds == pieces.kinds == ("text",)
    assert whole.fingerprint() == pieces.fingerprint()
    declared = Grid.learn(split(frame, 1000), categorical_features=["id"])
    assert declared.kinds == ("categorical",)
    assert len(declared.cells[0].keys) == 12_000


def test_the_most_common_shapes_survive_when_there_are_too_many(monkeypatch):
    monkeypatch.setattr(chunks_module, "MOST_SHAPES_SEEN", 200)
    rng = np.random.default_rng(0)
    marks = list("!§$%&/()=?")
    odd = ["".join(rng.choice(marks, 12)) for _ in range(12_000)]
    texts = pd.DataFrame({"t": [f"user-{i}" for i in range(12_000)] + odd})
    texts = texts.sample(frac=1, random_state=0)
    _, shapes = Grid.learn(split(texts, 500)).cells
    assert isinstance(shapes, LevelCells)
    assert shapes.keys[0] == "a+-9+"


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ([1, 2], ["a", "b"]),
        (["a", "b"], [1, 2]),
        ([True, False], [1, 2]),
        (pd.to_datetime(["2020-01-01"] * 2), [1, 2]),
        (
            pd.to_datetime(["2020-01-01"] * 2),
            pd.to_datetime(["2020-01-01"] * 2, utc=True),
        ),
        (pd.to_timedelta([1, 2], unit="s"), [1.0, 2.0]),
        (pd.Categorical([1, 2]), [1, 2]),
    ],
)
def test_a_column_that_changes_its_type_between_chunks_is_named(first, second):
    with pytest.raises(InputError, match="column 'odd' changes its type"):
        Grid.learn(iter([pd.DataFrame({"odd": first}), pd.DataFrame({"odd": second})]))


@pytest.mark.parametrize(
    ("first", "second", "family"),
    [
        ([1, 2], [1.5, np.nan], "float"),
        ([np.nan, np.nan], ["a", "b"], "string"),
        (["a", "b"], [np.nan, np.nan], "string"),
        ([None, None], [True, False], "boolean"),
        ([np.nan, np.nan], pd.to_datetime(["2020-01-01"] * 2), "datetime"),
        ([1, "a"], ["b", "c"], "mixed"),
        ([None, None], [None, None], "null"),
    ],
)
def test_a_chunk_without_values_or_of_a_narrower_type_is_no_change(
    first, second, family
):
    parts = [pd.DataFrame({"a": first}), pd.DataFrame({"a": second})]
    grid = Grid.learn(iter(parts))
    assert grid.families == (family,)
    # What pandas makes of such parts differs from version to version.
    whole = [list(part["a"]) for part in parts]
    assert grid.kinds == Grid.learn([[cell] for part in whole for cell in part]).kinds


def test_a_column_that_cannot_be_read_in_one_chunk_is_refused():
    parts = [pd.DataFrame({"a": ["x"]}), pd.DataFrame({"a": [[1, 2]]})]
    with pytest.raises(InputError, match="column 'a' holds cells of type list"):
        Grid.learn(iter(parts))


def test_what_is_no_iterator_of_equal_tables_is_refused():
    with pytest.raises(InputError, match="gave no table"):
        Grid.learn(iter([]))
    with pytest.raises(InputError, match="same columns"):
        Grid.learn(iter([TRAINING, TRAINING.iloc[:, ::-1]]))
    with pytest.raises(InputError, match="same columns"):
        Grid.learn(iter([np.ones((2, 2)), np.ones((2, 3))]))
    with pytest.raises(InputTypeError):
        Grid.learn(iter([1, 2]))
    with pytest.raises(InputError, match="no rows"):
        Grid.learn(iter([np.ones((0, 2))]))
    with pytest.raises(InputTypeError):
        Profile.count(iter([1]), Grid.learn(TRAINING))


def test_chunks_without_rows_change_nothing():
    pieces = [TRAINING[:0], TRAINING[:300], TRAINING[:0], TRAINING[300:]]
    assert Grid.learn(iter(pieces)).fingerprint() == Grid.learn(TRAINING).fingerprint()
    assert Profile.count(iter([]), Grid.learn(TRAINING)).n_rows == 0


@pytest.mark.parametrize("most", [1, 10, 37])
@pytest.mark.parametrize("size", [1, 3, 50])
def test_a_sample_is_every_stride_th_value(most, size):
    values = np.random.default_rng(0).permutation(500).astype(float)
    sample = NumberSample(most)
    for start in range(0, 500, size):
        sample.add(values[start : start + size])
    numbers = sample.numbers()
    kept = values[:: sample.stride]
    assert len(kept) <= most
    np.testing.assert_array_equal(numbers.values[: len(kept)], kept)
    assert {0.0, 499.0} <= set(numbers.values)
    assert len(set(numbers.values)) == len(numbers.values)
    assert numbers.stride == sample.stride
