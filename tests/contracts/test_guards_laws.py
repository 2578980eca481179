"""What holds for every guard, whatever the library, the types and the policies."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
import scipy.sparse as sp
from guard_tables import GOOD, N_ROWS, cells, listed, rows_of, types_of, with_gaps
from input_tables import fingerprint
from sklearn.experimental import enable_iterative_imputer  # noqa: F401
from sklearn.impute import IterativeImputer, KNNImputer, SimpleImputer
from sklearn.pipeline import make_pipeline

from skdrift import CategoryGuard, InputGuard, MissingGuard, RangeGuard, SchemaGuard
from skdrift._core.frame import FrameTable, PandasTable

NAMES = list(cells())
STRICT: dict[str, Callable[[], Any]] = {
    "schema": SchemaGuard,
    "category": CategoryGuard,
    "range": RangeGuard,
    "missing": MissingGuard,
    "input": InputGuard,
    "repairing": lambda: InputGuard(
        "repair", "nearest", "clip", "warn", otherwise="missing"
    ),
    "loose": lambda: InputGuard("ignore", "ignore", "ignore", "ignore"),
}


@pytest.mark.parametrize("guard", STRICT)
@pytest.mark.parametrize("kind", GOOD)
def test_training_data_passes_as_the_very_same_object(kind: str, guard: str) -> None:
    X = GOOD[kind]()
    before = fingerprint(X)
    found, report = STRICT[guard]().fit(X).transform(X, return_report=True)
    assert found is X
    assert fingerprint(X) == before
    assert report.actions == ()


@pytest.mark.parametrize("kind", GOOD)
def test_a_part_of_the_training_data_passes_as_the_very_same_object(kind: str) -> None:
    guard = InputGuard().fit(GOOD[kind]())
    for n_rows in (0, 1, 2, 4, 5, 11):
        part = rows_of(GOOD[kind](), list(range(n_rows)))
        assert guard.transform(part) is part


@pytest.mark.parametrize("kind", GOOD)
def test_what_is_learned_does_not_depend_on_the_order_of_the_rows(kind: str) -> None:
    X = GOOD[kind]()
    order = np.random.default_rng(0).permutation(N_ROWS).tolist()
    one, other = (
        InputGuard("repair", "most_frequent", "clip_to_quantiles", "impute").fit(table)
        for table in (X, rows_of(X, order))
    )
    assert one.rules_.__getstate__() == other.rules_.__getstate__()


def test_lists_become_an_array_of_the_same_cells() -> None:
    X = [[1, 2.5], [3, 4.5]]
    found = InputGuard().fit(X).transform(X)
    assert isinstance(found, np.ndarray)
    assert found.tolist() == X


# --- batches that need repair ------------------------------------------

N_BATCH = 12


def spoilt() -> dict[str, list[Any]]:
    """Cells that break every rule, beside some that break none."""
    good = {name: column[:N_BATCH] for name, column in cells().items()}
    bad: dict[str, list[Any]] = {
        "number": [1e9, -1e9, float("inf"), -float("inf"), None, 1e-3],
        "whole": [0, 2**62, None, -5],
        "flag": [None, True],
        "town": ["oslo ", "Romes", "Quito", None, "", "Lima"],
        "note": [None, "other"],
        "when": [None],
        "took": [None, *[cells()["took"][4] * 1000] * 2],
    }
    return {
        name: [*bad[name], *column[len(bad[name]) :]] for name, column in good.items()
    }


def as_object_array(columns: dict[str, list[Any]]) -> np.ndarray:
    values = np.empty((len(columns["number"]), len(columns)), dtype=object)
    for place, column in enumerate(columns.values()):
        values[:, place] = column
    return values


LIBRARIES: dict[str, Callable[[dict[str, list[Any]]], Any]] = {
    "array of objects": as_object_array,
    "pandas": pd.DataFrame,
    "pandas objects": lambda columns: pd.DataFrame(columns, dtype=object),
    "pandas nullable": lambda columns: pd.DataFrame(columns).convert_dtypes(),
    "pandas Arrow": lambda columns: pd.DataFrame(columns).convert_dtypes(
        dtype_backend="pyarrow"
    ),
    "pandas categories": lambda columns: pd.DataFrame(columns).astype(
        {"town": "category"}
    ),
    "polars": lambda columns: pl.DataFrame(columns, strict=False),
    "pyarrow": lambda columns: pa.table(columns),
}
CATEGORY = ("other", "most_frequent", "missing", "nearest")
RANGE = ("clip", "clip_to_quantiles", "missing")
REPAIRS: list[dict[str, Any]] = [
    {"category": category, "range": range_, "otherwise": otherwise}
    for category, range_, otherwise in [
        ("other", "clip", "raise"),
        ("most_frequent", "clip_to_quantiles", "raise"),
        ("missing", "missing", "raise"),
        ("nearest", "clip", "other"),
        ("nearest", "missing", "missing"),
    ]
]
MORE_REPAIRS: list[dict[str, Any]] = [
    {"limits": "quantiles", "quantiles": (0.25, 0.65)},
    {"limits": "quantiles", "quantiles": (0.25, 0.65), "margin": 0.33},
    {
        "overrides": {
            "number": {"limits": (None, 0.1)},
            "whole": {"limits": (0.5, None)},
        }
    },
    {"imputer": SimpleImputer()},
    {"imputer": KNNImputer(n_neighbors=2)},
    {"imputer": IterativeImputer(max_iter=2, random_state=0)},
    {"imputer": "constant", "fill_value": {"town": "nowhere", "number": 0.5}},
    {"min_count": 11, "category": "missing"},
]


def positions(settings: dict[str, Any], library: str) -> dict[str, Any]:
    """Settings by position, for arrays."""
    if library != "array of objects":
        return settings
    return {
        name: {NAMES.index(key): entry for key, entry in value.items()}
        if isinstance(value, dict)
        else value
        for name, value in settings.items()
    }


@cache
def repairer(number: int, library: str) -> Any:
    settings = [*REPAIRS, *MORE_REPAIRS][number]
    chosen = {
        **{"schema": "repair", "category": "other", "range": "clip"},
        **{"missing": "impute", "uncastable": "missing"},
        **settings,
    }
    guard = InputGuard(**positions(chosen, library))
    columns = cells()
    if library == "pandas nullable":
        columns = with_gaps()
    return guard.fit(LIBRARIES[library](columns))


EVERY = list(
    itertools.product(range(len(REPAIRS) + len(MORE_REPAIRS)), sorted(LIBRARIES))
)


@pytest.mark.parametrize(("number", "library"), EVERY)
def test_a_repaired_table_needs_no_repair(number: int, library: str) -> None:
    guard = repairer(number, library)
    X = LIBRARIES[library](spoilt())
    found, report = guard.transform(X, return_report=True)
    assert report.actions
    assert type(found) is type(X)
    again = guard.check(found)
    assert again.actions == (), str(again)
    assert guard.transform(found) is found


@pytest.mark.parametrize("policy", ["clip", "clip_to_quantiles", "missing"])
@pytest.mark.parametrize("kind", GOOD)
def test_cells_of_every_type_are_repaired_once_and_keep_their_type(
    kind: str, policy: str
) -> None:
    X = GOOD[kind]()
    guard = InputGuard(
        "repair",
        "most_frequent",
        policy,
        "impute",
        limits="quantiles",
        quantiles=(0.25, 0.65),
        min_count=2,
    ).fit(X)
    found, report = guard.transform(X, return_report=True)
    assert guard.check(found).actions == (), str(report)
    assert type(found) is type(X)
    # No text of these is frequent, and an array of texts has none for "missing".
    if kind not in {"array of U5", "array of S5"}:
        assert types_of(found) == types_of(X)
    order = np.random.default_rng(0).permutation(N_ROWS).tolist()
    permuted = guard.transform(rows_of(X, order))
    assert listed(permuted) == listed(rows_of(found, order))


@pytest.mark.parametrize(("number", "library"), EVERY)
def test_the_order_of_the_rows_does_not_matter(number: int, library: str) -> None:
    guard = repairer(number, library)
    X = LIBRARIES[library](spoilt())
    order = np.random.default_rng(number).permutation(N_BATCH).tolist()
    found = guard.transform(rows_of(X, order))
    expected = rows_of(guard.transform(X), order)
    assert listed(found) == listed(expected)
    assert types_of(found) == types_of(expected)


@pytest.mark.parametrize(("number", "library"), EVERY)
def test_a_row_is_guarded_as_it_would_be_alone(number: int, library: str) -> None:
    guard = repairer(number, library)
    X = LIBRARIES[library](spoilt())
    together = listed(guard.transform(X))
    for row in range(N_BATCH):
        (alone,) = listed(guard.transform(rows_of(X, [row])))
        assert alone == together[row], row


@pytest.mark.parametrize(
    "policies",
    [
        ("flag", "flag", "flag", "flag"),
        ("repair", "nearest", "clip", "impute"),
        ("warn", "warn", "warn", "warn"),
        ("ignore", "ignore", "ignore", "ignore"),
        ("repair", "missing", "missing", "ignore"),
    ],
)
@pytest.mark.parametrize("library", sorted(LIBRARIES))
@pytest.mark.filterwarnings("ignore::skdrift.InvalidInputWarning")
def test_a_table_is_never_changed(library: str, policies: Any) -> None:
    guard = InputGuard(*policies, otherwise="other").fit(LIBRARIES[library](cells()))
    X = LIBRARIES[library](spoilt())
    if isinstance(X, np.ndarray):
        X.flags.writeable = False
    before, shown = fingerprint(X), listed(X)
    found, report = guard.transform(X, return_report=True)
    assert guard.check(X).to_dict() == report.to_dict()
    assert fingerprint(X) == before
    assert listed(X) == shown
    assert len(listed(found)) == N_BATCH
    if policies[0] in {"warn", "ignore"}:
        assert found is X


def test_a_memory_map_that_is_read_only_is_guarded(tmp_path: Path) -> None:
    values = np.random.default_rng(0).normal(size=(50, 3))
    np.save(tmp_path / "rows.npy", values)
    mapped = np.load(tmp_path / "rows.npy", mmap_mode="r")
    guard = RangeGuard("clip").fit(mapped[:25])
    found = guard.transform(mapped)
    np.testing.assert_array_equal(
        found, values.clip(values[:25].min(axis=0), values[:25].max(axis=0))
    )
    np.testing.assert_array_equal(np.load(tmp_path / "rows.npy"), values)


@pytest.mark.parametrize("index", ["duplicate", "nested", "names"])
def test_row_labels_of_pandas_are_kept(index: str) -> None:
    X = pd.DataFrame(spoilt())
    X.index = {
        "duplicate": pd.Index([3] * N_BATCH, name="row"),
        "nested": pd.MultiIndex.from_product([[1, 2], list("abcdef")]),
        "names": pd.Index([f"row {row}" for row in range(N_BATCH)]),
    }[index]
    for policy in ("repair", "flag"):
        guard = InputGuard(policy, "other", "clip", "impute").fit(pd.DataFrame(cells()))
        found = guard.transform(X)
        pd.testing.assert_index_equal(found.index, X.index)


@pytest.mark.parametrize("settings", REPAIRS)
@pytest.mark.parametrize("library", sorted(LIBRARIES))
def test_one_pass_does_what_four_guards_do_one_after_the_other(
    library: str, settings: dict[str, Any]
) -> None:
    category, range_, otherwise = settings.values()
    together = InputGuard("repair", category, range_, "impute", otherwise=otherwise)
    apart = make_pipeline(
        SchemaGuard("repair"),
        CategoryGuard(category, otherwise=otherwise),
        RangeGuard(range_),
        MissingGuard("impute"),
    )
    training, X = LIBRARIES[library](cells()), LIBRARIES[library](spoilt())
    if hasattr(X, "columns") and hasattr(X, "drop"):
        X = X.drop(columns="flag") if isinstance(X, pd.DataFrame) else X.drop("flag")
    one, four = together.fit(training).transform(X), apart.fit(training).transform(X)
    assert listed(one) == listed(four)
    # A column that was filled with nothing has no type of its own in between.
    filled = "flag" in getattr(X, "columns", NAMES) or NAMES.index("flag")
    assert [kind for place, kind in enumerate(types_of(one)) if place != filled] == [
        kind for place, kind in enumerate(types_of(four)) if place != filled
    ]


# --- limits that a type cannot hold ------------------------------------------

NUMBER_TYPES = ("f2", "f4", "f8", ">f4", "g", "i1", "i4", "i8", "u1", "u8")
LIMITS: list[Any] = [
    (0.1, 0.7),
    (None, 0.3),
    (0.3, None),
    (-2.5, 2.5),
    (1 / 3, 1e30),
    (-1e30, 2 / 3),
    (0.2, 10**30),
]


@pytest.mark.parametrize("dtype", NUMBER_TYPES)
@pytest.mark.parametrize("limits", LIMITS, ids=str)
def test_a_clipped_cell_lies_within_the_limits(dtype: str, limits: Any) -> None:
    info = np.finfo(dtype) if np.dtype(dtype).kind == "f" else np.iinfo(dtype)
    ends = [info.min, info.max, 0, 1, 3]
    column = np.array(ends * 3, dtype=dtype).reshape(-1, 1)
    low = -np.inf if limits[0] is None else float(limits[0])
    high = np.inf if limits[1] is None else float(limits[1])
    guard = RangeGuard("clip", hard_limits={0: limits}).fit(column)
    tables = [column, pd.DataFrame(column)]
    if dtype not in {"f2", ">f4", "g"}:
        tables.append(sp.csr_array(column))
    for X in tables:
        found = guard.transform(X)
        values = np.array(listed(found), dtype=object).ravel()
        assert all(low <= value <= high for value in values.tolist())
        assert guard.check(found).actions == ()


@pytest.mark.parametrize("library", ["pandas", "polars", "pyarrow", "array of objects"])
@pytest.mark.parametrize("name", ["when", "took"])
@pytest.mark.parametrize("side", [0, 1])
def test_times_are_clipped_to_a_limit_on_one_side(
    library: str, name: str, side: int
) -> None:
    limit = sorted(cells()[name])[N_ROWS // 2]
    limits = (limit, None) if side == 0 else (None, limit)
    key: Any = NAMES.index(name) if library == "array of objects" else name
    X = LIBRARIES[library](cells())
    guard = RangeGuard("clip", hard_limits={key: limits}).fit(X)
    found = guard.transform(X)
    place = NAMES.index(name)
    move = max if side == 0 else min
    expected = [move(cell, limit) for cell in cells()[name]]
    assert [row[place] for row in listed(found)] == expected
    assert types_of(found) == types_of(X)
    assert guard.transform(found) is found


# --- the fast way through a table of few rows -----------------------------------

ODD: list[Any] = [
    *(0, 1, 5, -1, 2**53, 2**53 + 1, 2**63, 2**64, 10**30, True, False),
    *(0.0, 0.5, 1e9, float("nan"), float("inf"), None, pd.NA, pd.NaT, np.float32(0.5)),
    *("Oslo", "Quito", "", "\0n:1", "1", b"x", np.str_("Oslo"), 1j, [1]),
    *(np.datetime64("2024-01-01"), np.timedelta64(3, "ns"), pd.Timestamp("2024")),
]
FAST_TRAINING: dict[str, Any] = {
    "whole": {"a": [0, 1, 5, 2**53 + 1], "b": [0, 1, 2, 3]},
    "floats": {"a": [0.0, 1.5, 5.0, 2.0**53], "b": [0.5, 1.0, 2.0, 3.0]},
    "infinite": {"a": [0.0, float("inf"), 5.0, None], "b": [1.0, 1.0, 1.0, 1.0]},
    "texts": {"a": ["Oslo", "Rome", "Rome", "Oslo"] * 5, "b": [1, 2, 3, 4] * 5},
    "texts and NUL": {"a": ["\0n:1", "1", "1", "\0n:1"] * 5, "b": [1, 2, 3, 4] * 5},
    "categories": {"a": pd.Categorical([1, 2, 1, 2] * 5), "b": [1, 2, 3, 4] * 5},
    "times": {"a": pd.date_range("2024", periods=4), "b": [1, 2, 3, 4]},
}


def few_rows() -> list[Any]:
    rng = np.random.default_rng(0)
    tables: list[Any] = []
    for n_rows in (0, 1, 2, 3, 4):
        for _ in range(40):
            columns = {
                name: [ODD[int(place)] for place in rng.integers(0, len(ODD), n_rows)]
                if rng.random() < 0.5
                else [ODD[int(rng.integers(len(ODD)))]] * n_rows
                for name in "ab"
            }
            for dtype in (object, None):
                try:
                    tables.append(pd.DataFrame(columns, dtype=dtype))
                except (OverflowError, ValueError, TypeError):
                    continue
            try:
                tables.append(pl.DataFrame(columns, strict=False))
            except Exception:
                continue
    for dtype in (
        "datetime64[ns]",
        "timedelta64[ns]",
        "M8[s]",
        "m8[us]",
        "Int64",
        "i1",
    ):
        values = pd.DataFrame({"a": [0, 1], "b": [1, 2]}).astype(dtype)
        tables += [values, values.assign(b=[0.5, 2.0])]
    return tables


@pytest.mark.parametrize("training", FAST_TRAINING)
def test_the_fast_way_through_few_rows_finds_what_the_slow_one_finds(
    training: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    X = pd.DataFrame(FAST_TRAINING[training])
    guards = [kind().fit(X) for kind in (InputGuard, RangeGuard, CategoryGuard)]
    guards.append(MissingGuard("ignore", scope="all").fit(X))
    tables = few_rows()

    def reports() -> list[Any]:
        return [guard.check(table).to_dict() for guard in guards for table in tables]

    fast = reports()
    for kind in (PandasTable, FrameTable):
        monkeypatch.setattr(kind, "few_cells", lambda self: None)
    assert reports() == fast
