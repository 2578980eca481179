"""Random tables through every guard: an answer, or an error of ours, nothing else.

A valid answer has the rows of the table and its library and class (lists become an
array); it is the table itself where there was nothing to do; columns that no action
names hold the very same cells; all others are of the kind that they were of, or that
training had. What a repairing policy has repaired, it does not repair again.
"""

from __future__ import annotations

import datetime as dt
import decimal
import json
import pickle
import sys
import warnings
from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
import scipy.sparse as sp
from guard_tables import types_of
from input_tables import fingerprint
from random_tables import (
    ARROW_TYPES,
    MISSING,
    NAMES,
    NO_TABLES,
    PANDAS_TYPES,
    PLAIN,
    POLARS_TYPES,
    SINGLE,
    pick,
    random_cells,
    random_table,
)
from sklearn.impute import KNNImputer, SimpleImputer

from skdrift import CategoryGuard, InputGuard, MissingGuard, RangeGuard, SchemaGuard
from skdrift._core.frame import read_table
from skdrift.exceptions import SkdriftError, SkdriftWarning

Rng = np.random.Generator

N_TRAINING = 40
TABLES_A_TEST = 100
N_QUICK_SEEDS = 15  # the slow test has more, by `--fuzz-tables`
REPAIRS = frozenset(
    {
        *("repair", "other", "most_frequent", "missing", "nearest"),
        *("clip", "clip_to_quantiles", "impute"),
    }
)


@pytest.fixture(autouse=True)
def _libraries_may_drop_what_a_hostile_cell_raises(monkeypatch):
    # pandas compares cells in C and drops what they raise ("Exception ignored in");
    # pytest would show the cell, which raises once more.
    monkeypatch.setattr(sys, "unraisablehook", lambda unraisable: None)


# --- training ------------------------------------------


def with_gaps(cells: list[Any], value: Any) -> list[Any]:
    return [value if row % 5 == 0 else cell for row, cell in enumerate(cells)]


def good_columns() -> dict[str, list[Any]]:
    rng = np.random.default_rng(0)
    return {
        name: make(rng, N_TRAINING) for name, make in zip(NAMES, PLAIN, strict=True)
    }


def nullable() -> pd.DataFrame:
    frame = pd.DataFrame({n: with_gaps(c, None) for n, c in good_columns().items()})
    return frame.convert_dtypes()


def narrow() -> pd.DataFrame:
    frame = pd.DataFrame(good_columns())
    frame["a"] = frame["a"].astype("float32")
    frame["b"] = np.arange(N_TRAINING).astype("uint8") % 7
    frame["group"] = frame["group"].astype("category")
    frame["when"] = frame["when"].dt.tz_localize("Europe/Paris")
    frame["text"] = pd.Categorical(np.arange(N_TRAINING) % 3)
    return frame


def odd() -> pd.DataFrame:
    columns = good_columns()
    n = N_TRAINING
    columns["a"] = with_gaps(with_gaps(columns["a"], float("inf")), float("inf"))
    columns["b"] = [decimal.Decimal(row % 9) / 4 for row in range(n)]
    columns["group"] = [(1, "1", 2.5, None)[row % 4] for row in range(n)]
    columns["flag"] = [None] * n
    columns["when"] = [dt.timedelta(minutes=row % 11) for row in range(n)]
    columns["text"] = [b"x" if row % 2 else b"yy" for row in range(n)]
    return pd.DataFrame({k: pd.Series(v, dtype=object) for k, v in columns.items()})


def numbers() -> np.ndarray:
    return np.random.default_rng(1).normal(size=(N_TRAINING, 6))


TRAINING: dict[str, Callable[[], Any]] = {
    "pandas": lambda: pd.DataFrame(good_columns()),
    "nullable": nullable,
    "narrow": narrow,
    "odd": odd,
    "polars": lambda: pl.DataFrame(good_columns()),
    "pyarrow": lambda: pa.table(good_columns()),
    "objects": lambda: pd.DataFrame(good_columns()).astype(object).to_numpy(),
    "array": numbers,
    "whole numbers": lambda: (numbers() * 10).astype(np.int16),
    "integer names": lambda: pd.DataFrame(numbers()),
    "sparse": lambda: sp.csr_array(np.where(numbers() > 1, numbers(), 0.0)),
}


# --- guards ------------------------------------------

CATEGORY = ("warn", "ignore", "flag", "other", "most_frequent", "missing", "nearest")
RANGE = ("warn", "ignore", "flag", "clip", "clip_to_quantiles", "missing")
OPTIONS: dict[str, tuple[Any, ...]] = {
    "schema": ("raise", "warn", "ignore", "flag", "repair", "repair", "repair"),
    "category": ("raise", *CATEGORY),
    "range": ("raise", *RANGE),
    "missing": ("raise", "warn", "ignore", "flag", "impute", "impute", "impute"),
    "uncastable": ("raise", "missing", "missing"),
    "fill": ("missing", "typical"),
    "min_count": (1, 1, 3),
    "similarity": (0.0, 0.5, 0.8, 1.0),
    "otherwise": ("warn", "ignore", "other", "most_frequent", "missing"),
    "limits": ("observed", "quantiles"),
    "quantiles": ((0.01, 0.99), (0.2, 0.7)),
    "margin": (0.0, 0.0, 0.1, 3.0),
    "scope": ("auto", "new", "all"),
    "imputer": ("typical", "typical", SimpleImputer(), KNNImputer()),
    "add_indicator": (False, False, False, True),
}
GUARDS: dict[Any, tuple[str, ...]] = {
    SchemaGuard: ("schema", "uncastable", "fill", "add_indicator"),
    CategoryGuard: (
        "category",
        "min_count",
        "similarity",
        "otherwise",
        "add_indicator",
    ),
    RangeGuard: ("range", "limits", "quantiles", "margin", "add_indicator"),
    MissingGuard: ("missing", "scope", "imputer", "add_indicator"),
    InputGuard: tuple(OPTIONS),
}
KINDS_OF_POLICY = ("schema", "category", "range", "missing")
N_SETTINGS = 8


@cache
def fitted(kind: type, training: str, number: int) -> Any:
    """A guard of random policies, fitted on a good table."""
    places = list(TRAINING).index(training), list(GUARDS).index(kind)
    rng = np.random.default_rng([*places, number])
    chosen = {name: pick(rng, OPTIONS[name]) for name in GUARDS[kind]}
    if kind is not InputGuard:
        (policy,) = (chosen.pop(p) for p in KINDS_OF_POLICY if p in chosen)
        chosen["policy"] = policy
    if "otherwise" in chosen:
        others = {"odd": {"text": b"z"}, "narrow": {"text": 7}}
        chosen["other"] = others.get(training, "other")
    return kind(**chosen).fit(TRAINING[training]())


# --- tables ------------------------------------------

MORE_SINGLE: tuple[Any, ...] = (
    *SINGLE,
    np.str_("red"),
    np.bytes_(b"x"),
    np.bool_(False),
    np.float64("inf"),
    np.int64(2**62),
    np.complex128(1j),
    decimal.Decimal("0.333"),
    dt.date.max,
    dt.datetime.min,
    dt.time.max,
    (),
    frozenset(),
    lambda: None,
    memoryview(b"x"),
    np.array([], dtype=object),
    pl.Series([1]),
    pa.scalar(1),
    pd.Timestamp.max,
    pd.Timedelta.min,
    pd.Interval(pd.Timestamp("2024"), pd.Timestamp("2025")),
    2**200,
    -(2**65),
    1e300,
    "RED ",
    "gren",
    "AB-1-1",
    "0.5",
    "true",
    "2024-01-05",
    "2024-01-05T00:00:00Z",
    "inf",
    "NaT",
    "1e400",
    "9" * 5_000,
)


def mutated_columns(rng: Rng) -> dict[str, list[Any]]:
    """Columns like those of training, some of them spoilt."""
    n = int(pick(rng, (0, 1, 1, 2, 3, 4, 5, 17, 40)))
    columns = {name: make(rng, n) for name, make in zip(NAMES, PLAIN, strict=True)}
    for name in NAMES:
        draw = rng.random()
        if draw < 0.1:
            columns[name] = random_cells(rng, n)
        elif draw < 0.3 and n:
            odd_cell = pick(rng, MORE_SINGLE if rng.random() < 0.6 else MISSING)
            for row in rng.integers(0, n, int(rng.integers(1, n + 1))).tolist():
                columns[name][row] = odd_cell
        elif draw < 0.35:
            columns[name] = [pick(rng, MORE_SINGLE) for _ in range(n)]
        elif draw < 0.4:
            columns[name] = [str(cell) for cell in columns[name]]
    names = list(columns)
    if rng.random() < 0.1:
        del columns[pick(rng, names)]
    if rng.random() < 0.1:
        columns["extra"] = random_cells(rng, n)
    if rng.random() < 0.1:
        order = list(columns)
        rng.shuffle(order)
        columns = {name: columns[name] for name in order}
    return columns


def as_series(cells: list[Any]) -> pd.Series:
    values = np.empty(len(cells), dtype=object)
    for row, cell in enumerate(cells):
        values[row] = cell
    return pd.Series(values, dtype=object)


def as_pandas(rng: Rng, columns: dict[str, list[Any]]) -> pd.DataFrame:
    found = {}
    for name, cells in columns.items():
        series = as_series(cells)
        kinds = (None, "infer", *PANDAS_TYPES)
        kind = pick(rng, kinds) if rng.random() < 0.5 else "infer"
        try:
            if kind == "infer":
                series = series.infer_objects()
            elif kind is not None:
                series = series.astype(kind)
        except Exception:
            pass
        found[name] = series
    index = range(len(next(iter(columns.values()))))
    frame = pd.DataFrame(found, index=index)
    draw = rng.random()
    if draw < 0.1:
        frame.index = pd.Index([0] * len(frame))
    elif draw < 0.2:
        frame.index = pd.MultiIndex.from_arrays([[0] * len(frame), list(frame.index)])
    elif draw < 0.3:
        frame.columns = range(frame.shape[1])
    return frame


def as_polars(rng: Rng, columns: dict[str, list[Any]]) -> pl.DataFrame:
    found = []
    for name, cells in columns.items():
        kinds = (pick(rng, POLARS_TYPES), None) if rng.random() < 0.4 else (None,)
        series = pl.Series(name, [None] * len(cells))
        strange = any(
            isinstance(cell, decimal.Decimal) or type(cell) not in POLARS_CELLS
            for cell in cells
        )
        for kind in (pl.Object,) if strange else (*kinds, pl.Object):
            try:
                series = pl.Series(name, cells, dtype=kind, strict=False)
                break
            except (Exception, pl.exceptions.PanicException):
                continue
        found.append(series)
    return pl.DataFrame(found)


POLARS_CELLS = frozenset(
    {type(None), bool, int, float, str, bytes, dt.datetime, dt.date, dt.timedelta}
    | {dt.time, list, dict}
)


def as_arrow(rng: Rng, columns: dict[str, list[Any]]) -> Any:
    found = {}
    for name, cells in columns.items():
        numpy_times = np.datetime64 | np.timedelta64
        cells = [None if isinstance(cell, numpy_times) else cell for cell in cells]
        kinds = (pick(rng, ARROW_TYPES), None) if rng.random() < 0.4 else (None,)
        array = pa.nulls(len(cells))
        for kind in kinds:
            try:
                array = pa.array(cells, type=kind)
                break
            except Exception:
                continue
        if rng.random() < 0.1 and pa.types.is_string(array.type):
            array = array.dictionary_encode()
        found[name] = array
    table = pa.table(found)
    return table.to_batches()[0] if rng.random() < 0.1 and len(table) else table


def as_objects(rng: Rng, columns: dict[str, list[Any]]) -> Any:
    series = [as_series(cells).to_numpy() for cells in columns.values()]
    values = np.empty((len(series[0]), len(series)), dtype=object)
    for place, cells in enumerate(series):
        values[:, place] = cells
    draw = rng.random()
    if draw < 0.3:
        return [list(row) for row in values]
    if draw < 0.4:
        return np.ma.array(values, mask=rng.random(values.shape) < 0.2)
    return values


ARRAY_KINDS = ("f8", "f4", "f2", ">f8", "g", "i8", "u8", "i1", "?", "U3", "M8[s]", "m8")


def as_array(rng: Rng) -> Any:
    """Numbers of any type, with what each can hold of NaN, infinity and extremes."""
    shape = (int(pick(rng, (0, 1, 2, 5, 60))), int(pick(rng, (6, 6, 6, 5))))
    values = rng.normal(size=shape) * 10.0 ** rng.integers(-2, 6)
    kind = pick(rng, ARRAY_KINDS)
    values = values.clip(0, 100) if kind in {"u8", "i1", "f2"} else values
    if kind == "U3":
        return values.astype("U3")
    if kind in {"M8[s]", "m8"}:
        return values.astype("i8").astype("m8[s]" if kind == "m8" else kind)
    values = values.astype(kind)
    if values.dtype.kind == "f" and values.size and rng.random() < 0.6:
        rows = rng.integers(0, values.size, 3)
        values.ravel()[rows] = pick(rng, (np.nan, np.inf, -np.inf, 0.0))
    if rng.random() < 0.2:
        return np.ma.array(values, mask=rng.random(shape) < 0.3)
    if rng.random() < 0.2 and values.dtype in ("f8", "f4", "i8", "?"):
        kinds = (sp.csr_array, sp.csc_matrix, sp.coo_array, sp.lil_matrix)
        return pick(rng, kinds)(values)
    if rng.random() < 0.3:
        values.flags.writeable = False
    return values


MORE_NO_TABLES: tuple[Callable[[], Any], ...] = (
    *NO_TABLES,
    lambda: np.zeros(6),
    lambda: np.zeros((2, 3, 2)),
    lambda: np.matrix(np.zeros((2, 6))),
    lambda: np.zeros(2, dtype=[("a", "f8"), ("b", "i4")]),
    lambda: np.zeros((2, 0)),
    lambda: np.zeros((2, 6), dtype=complex),
    lambda: np.ma.masked,
    lambda: pd.DataFrame([[1, 2]], columns=["a", "a"]),
    lambda: pd.DataFrame([[1, 2]], columns=pd.MultiIndex.from_tuples([(1, 2), (3, 4)])),
    lambda: pl.DataFrame({"a": [1]}).lazy(),
    lambda: sp.csr_array(np.zeros((2, 6), dtype=complex)),
    lambda: iter([1]),
    lambda: "abcdef",
    lambda: {name: [1] for name in NAMES},
)


def table_of(rng: Rng) -> Any:
    """One table, or something that is none."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        draw = rng.random()
        if draw < 0.04:
            return pick(rng, MORE_NO_TABLES)()
        if draw < 0.25:
            return random_table(rng)
        if draw < 0.4:
            return as_array(rng)
        make = pick(rng, (as_pandas, as_pandas, as_polars, as_arrow, as_objects))
        return make(rng, mutated_columns(rng))


# --- the rule ------------------------------------------


def answer_of(call: Callable[[], Any]) -> Any:
    """What was answered; None for an error of ours. Nothing else may happen."""
    refusal: SkdriftError | None = None
    answer = None
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            answer = call()
        except SkdriftError as error:
            refusal = error
    if refusal is not None:
        assert isinstance(refusal, ValueError | TypeError)
        assert str(refusal).encode("utf-8", "backslashreplace")
    foreign = [w for w in caught if not issubclass(w.category, SkdriftWarning)]
    assert not foreign, [str(w.message) for w in foreign]
    return answer


GROUPS = {
    "integer": "number",
    "float": "number",
    "decimal": "number",
    "boolean": "number",
    "datetime with zone": "datetime",
}


def group_of(column: Any) -> str:
    return GROUPS.get(column.family, column.family)


def keys_of(column: Any) -> list[Any]:
    keys = column.keys()
    return [ONE_AND_ZERO.get(key, key) for key in keys]


ONE_AND_ZERO = {"\0b:True": "\0n:1", "\0b:False": "\0n:0"}


def snapshot(X: Any) -> Any:
    """What must be the same before and after, without showing any cell."""
    if isinstance(X, np.ndarray):
        mask = np.ma.getmaskarray(X).tobytes() if np.ma.isMaskedArray(X) else b""
        data = np.ma.getdata(X)
        if X.dtype.kind == "T":
            return X.dtype, X.shape, repr(X.tolist())
        if X.dtype.kind == "O":
            return X.dtype, X.shape, mask, list(map(id, data.ravel(order="K")))
        return X.dtype, X.shape, X.strides, mask, data.tobytes()
    if isinstance(X, pd.DataFrame):
        columns = [X.iloc[:, place].array for place in range(X.shape[1])]
        names = list(map(repr, X.columns))
        return id(X.columns), names, id(X.index), list(map(pandas_snapshot, columns))
    if isinstance(X, list | tuple):
        rows = [list(map(id, row)) for row in X if isinstance(row, list | tuple)]
        return list(map(id, X)), rows
    if sp.issparse(X):
        held = ("data", "indices", "indptr", "row", "col", "offsets", "rows")
        return [pickle.dumps(getattr(X, name, None)) for name in held]
    return fingerprint(X) if isinstance(X, pl.DataFrame | pa.Table) else None


def pandas_snapshot(array: Any) -> Any:
    if str(array.dtype) == "object":
        return list(map(id, array))
    if isinstance(array, pd.Categorical):
        return array.codes.tobytes(), id(array.categories)
    if isinstance(array.dtype, pd.ArrowDtype):
        return array.dtype, repr(pa.array(array).to_pylist())
    plain = isinstance(array.dtype, np.dtype) or hasattr(array.dtype, "numpy_dtype")
    return pickle.dumps(array) if plain else len(array)


def assert_answered(guard: Any, X: Any) -> None:
    before = snapshot(X)
    found = answer_of(lambda: guard.transform(X, return_report=True))
    assert snapshot(X) == before
    looked = answer_of(lambda: guard.check(X))
    if looked is not None:
        assert str(looked).encode("utf-8", "backslashreplace")
        assert len(looked.rows()) == looked.n_rows
        assert json.loads(json.dumps(looked.to_dict(), allow_nan=False))
        assert len(answer_of(looked.to_frame)) == len(looked.actions)
    if found is None:
        return
    answer, report = found
    assert str(report) == str(looked)
    table, after = read_table(X, strict=False), read_table(answer, strict=False)
    assert after.n_rows == table.n_rows == report.n_rows
    listed = isinstance(X, list | tuple) or not hasattr(X, "shape")
    assert type(answer) is (np.ndarray if listed else type(X)), type(answer)
    rules = guard.rules_
    if not report.actions and not rules.adds_columns and not listed:
        assert answer is X
    columns = pairs_of(guard, table, after, report)
    types, new_types = types_of(X) if not listed else [], types_of(answer)
    touched = {action.feature for action in report.actions if action.done}
    for rule, place, then in columns:
        old, new = table.column(place), after.column(then)
        if rule.label in touched:
            assert_of_a_kind(old, new, rule.rule.family, rules.repairs_columns)
            continue
        if len(types) > 1:
            assert types[place] == new_types[then]
        # An array has one type for all columns: others may have widened it.
        if not old.problem:
            assert keys_of(old) == keys_of(new), rule.label
    again = answer_of(lambda: guard.check(answer)) if not rules.adds_columns else None
    if again is not None:
        repaired = [
            action
            for action in again.actions
            if action.policy in REPAIRS and not is_one_for_true(rules, action, answer)
        ]
        assert not repaired, (str(report), list(map(str, repaired)))


def is_one_for_true(rules: Any, action: Any, answer: Any) -> bool:
    """Whether an array of booleans holds True for the number 1 that was written."""
    families = {column.label: column.rule.family for column in rules.columns}
    boolean = getattr(answer, "dtype", None) is np.dtype(bool)
    return boolean and families.get(action.feature) == "mixed"


def pairs_of(
    guard: Any, table: Any, after: Any, report: Any
) -> list[tuple[Any, int, int]]:
    """Columns of training, and where each is in the table and in the answer."""
    rules = guard.rules_
    problems = {action.problem for action in report.actions}
    moved = problems & {"missing column", "extra column", "other order"}
    named = table.names is not None and rules.names is not None
    if not moved or rules.repairs_columns:
        names = guard.get_feature_names_out().tolist()
        assert after.n_features == len(names)
        assert not named or list(after.names) == names
    found = []
    for position, rule in enumerate(rules.columns):
        place = position
        if named:
            place = table.names.index(rule.label) if rule.label in table.names else -1
        if place >= 0:
            kept = moved and not rules.repairs_columns
            found.append((rule, place, place if kept else position))
    return found


def assert_of_a_kind(old: Any, new: Any, learned: str, repairing: bool) -> None:
    if "mixed" in (old.family, learned):
        return
    known = {group_of(old), GROUPS.get(learned, learned)}
    kind = group_of(new)
    assert kind in known | {"null", "mixed"}, (old.family, new.family, learned)
    if kind == "mixed":
        # A policy may leave a text, or 7 where training had booleans.
        assert {old.family, learned} & {"string", "null", "boolean"} or not repairing


STRICT = (
    *(SchemaGuard, CategoryGuard, RangeGuard, MissingGuard, InputGuard),
    lambda: InputGuard("repair", "most_frequent", "clip", "warn"),
)


def assert_learns(make: Callable[[], Any], X: Any) -> None:
    """What a guard can learn from passes it unchanged, and can be pickled."""
    guard = make()
    if answer_of(lambda: guard.fit(X)) is None:
        assert not hasattr(guard, "rules_")
        return
    guard = pickle.loads(pickle.dumps(guard))
    found, report = answer_of(lambda: guard.transform(X, return_report=True))
    assert report.actions == (), str(report)
    assert found is X or isinstance(found, np.ndarray)


def assert_guards_answer(seed: int, n_tables: int = TABLES_A_TEST) -> None:
    for number in range(n_tables):
        rng = np.random.default_rng([seed, number])
        X = table_of(rng)
        training = pick(rng, list(TRAINING))
        if number % 3 == 0:
            make = pick(rng, STRICT)
            try:
                assert_learns(make, X)
            except BaseException as error:
                error.add_note(
                    f"fit: table_of(np.random.default_rng([{seed}, {number}]))"
                )
                raise
        for kind in GUARDS:
            choice = int(rng.integers(N_SETTINGS))
            guard = fitted(kind, training, choice)
            try:
                assert_answered(guard, X)
            except BaseException as error:
                error.add_note(
                    f"X = table_of(np.random.default_rng([{seed}, {number}])); guard = "
                    f"fitted({kind.__name__}, {training!r}, {choice}) = {guard}"
                )
                raise


@pytest.mark.parametrize("seed", range(N_QUICK_SEEDS))
def test_any_table_gets_an_answer_or_an_error_of_ours(seed: int) -> None:
    assert_guards_answer(seed)


@pytest.mark.slow
def test_any_of_many_tables_gets_an_answer_or_an_error_of_ours(fuzz_seed: int) -> None:
    assert_guards_answer(fuzz_seed)
