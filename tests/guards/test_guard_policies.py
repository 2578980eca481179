"""What each policy of each guard does, with the exact values."""

from __future__ import annotations

import re
import warnings
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest
from sklearn.experimental import enable_iterative_imputer  # noqa: F401
from sklearn.impute import IterativeImputer, KNNImputer, MissingIndicator, SimpleImputer

from skdrift import (
    CategoryGuard,
    InputGuard,
    InvalidInputError,
    InvalidInputWarning,
    MissingGuard,
    RangeGuard,
    SchemaGuard,
)
from skdrift.exceptions import InputError, NotFittedError, ParameterError

NAN = float("nan")


def outcome(guard: Any, X: Any) -> tuple[str, Any]:
    """What a guard did: its answer, what it raised or what it warned of."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        refusal = None
        try:
            found = guard.transform(X)
        except InvalidInputError as error:
            refusal = error
    if refusal is not None:
        assert refusal.report is not None
        assert refusal.report.actions
        return "raise", str(refusal)
    if caught:
        assert [warning.category for warning in caught] == [InvalidInputWarning]
        assert caught[0].filename == __file__
        assert found is X
        return "warn", str(caught[0].message)
    return "answer", found


def column(found: Any, name: Any = 0) -> list[Any]:
    cells = found[name] if isinstance(found, pd.DataFrame) else found[:, name]
    return [None if pd.isna(cell) else cell for cell in cells.tolist()]


# --- categories ------------------------------------------

TOWNS = pd.DataFrame({"town": ["Berlin"] * 3 + ["Paris"] * 2 + ["Rome"]})
NEW = pd.DataFrame({"town": ["paris ", "Berlinn", "Quito", None, "Rome"]})

TOWN_ANSWERS: list[tuple[dict[str, Any], list[Any]]] = [
    ({"policy": "ignore"}, ["paris ", "Berlinn", "Quito", None, "Rome"]),
    ({"policy": "other"}, ["other", "other", "other", None, "Rome"]),
    ({"policy": "other", "other": "?"}, ["?", "?", "?", None, "Rome"]),
    (
        {"policy": "other", "other": {"town": "elsewhere"}},
        ["elsewhere", "elsewhere", "elsewhere", None, "Rome"],
    ),
    ({"policy": "most_frequent"}, ["Berlin", "Berlin", "Berlin", None, "Rome"]),
    ({"policy": "missing"}, [None, None, None, None, "Rome"]),
    (
        {"policy": "nearest", "otherwise": "ignore"},
        ["Paris", "Berlin", "Quito", None, "Rome"],
    ),
    (
        {"policy": "nearest", "otherwise": "most_frequent"},
        ["Paris", "Berlin", "Berlin", None, "Rome"],
    ),
    (
        {"policy": "nearest", "otherwise": "missing", "similarity": 1.0},
        ["Paris", None, None, None, "Rome"],
    ),
    (
        {"policy": "other", "min_count": 2},
        ["other", "other", "other", None, "other"],
    ),
    (
        {"policy": "missing", "allowed": {"town": ["Quito", "Rome", None]}},
        [None, None, "Quito", None, "Rome"],
    ),
]


@pytest.mark.parametrize("library", ["pandas", "category", "polars"])
@pytest.mark.parametrize(("settings", "expected"), TOWN_ANSWERS, ids=str)
def test_unseen_categories_become_what_the_policy_says(
    settings: dict[str, Any], expected: list[Any], library: str
) -> None:
    training, X = TOWNS, NEW
    if library == "category":
        training, X = training.astype("category"), X.astype("category")
    if library == "polars":
        training, X = pl.from_pandas(training), pl.from_pandas(X)
    found = CategoryGuard(**settings).fit(training).transform(X)
    cells = found["town"].to_list()
    assert [None if pd.isna(cell) else cell for cell in cells] == expected


def test_a_flag_marks_unseen_categories_and_changes_none() -> None:
    found = CategoryGuard("flag").fit(TOWNS).transform(NEW)
    pd.testing.assert_frame_equal(found[["town"]], NEW)
    assert found["unseenindicator_town"].tolist() == [True, True, True, False, False]


@pytest.mark.parametrize("policy", ["raise", "warn"])
def test_unseen_categories_are_named_with_their_rows(policy: str) -> None:
    how, text = outcome(CategoryGuard(policy).fit(TOWNS), NEW)
    assert how == policy
    assert "3 of 5 rows" in text
    assert "'town'" in text
    assert "(0, 1, 2)" in text
    assert "'Quito'" in text
    assert "another policy" in text


def test_nearest_does_what_otherwise_says_where_nothing_is_near() -> None:
    for otherwise in ("raise", "warn"):
        guard = CategoryGuard("nearest", otherwise=otherwise).fit(TOWNS)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            how = None
            try:
                found, report = guard.transform(NEW, return_report=True)
            except InvalidInputError as error:
                how, report = "raise", error.report
        assert [action.policy for action in report.actions] == ["nearest", otherwise]
        assert report.actions[1].rows.tolist() == [2]
        assert how == ("raise" if otherwise == "raise" else None)
        if how is None:
            assert column(found, "town")[:3] == ["Paris", "Berlin", "Quito"]


@pytest.mark.parametrize(
    ("training", "batch", "policy", "expected"),
    [
        ([True, True, True], [False, None, True], "other", [True, None, True]),
        ([True, True, True], [False, None, True], "missing", [None, None, True]),
        ([b"x", b"y", b"x"], [b"z", None, b"y"], "most_frequent", [b"x", None, b"y"]),
        ([1, "1", 1], [1.0, "1", 2], "most_frequent", [1, "1", 1]),
    ],
)
def test_categories_of_any_kind_are_guarded(
    training: list[Any], batch: list[Any], policy: str, expected: list[Any]
) -> None:
    guard = CategoryGuard(policy).fit(pd.DataFrame({"a": training * 4}, dtype=object))
    found = guard.transform(pd.DataFrame({"a": batch}, dtype=object))
    assert column(found, "a") == expected
    assert list(map(type, column(found, "a"))) == list(map(type, expected)) or (
        training[0] == 1
    )


def test_numbers_that_are_declared_categories_are_guarded_as_such() -> None:
    X = np.array([[1.0], [1.0], [2.0]])
    batch = np.array([[3.0], [2.0], [np.nan]])
    for settings in ({"categorical_features": [0]}, {"allowed": {0: [1, 2]}}):
        found = CategoryGuard("other", other=-1, **settings).fit(X).transform(batch)
        assert column(found) == [-1.0, 2.0, None]
    assert CategoryGuard("raise").fit(X).transform(batch) is batch


def test_where_no_category_was_seen_often_enough_all_are_unseen() -> None:
    guard = CategoryGuard("missing", min_count=5).fit(TOWNS)
    assert column(guard.transform(TOWNS), "town") == [None] * 6
    assert guard.check(TOWNS).actions[0].n_rows == 6


def test_five_thousand_categories_and_their_nearest() -> None:
    names = [f"town {k:05d}" for k in range(5_000)]
    guard = CategoryGuard("nearest").fit(pd.DataFrame({"town": names * 2}))
    found = guard.transform(pd.DataFrame({"town": ["Town  00007", names[-1]]}))
    assert column(found, "town") == [names[7], names[-1]]


# --- ranges ------------------------------------------

HUNDRED = np.arange(101.0).repeat(2).reshape(-1, 1)
OUTSIDE = np.array([[-5.0], [0.0], [3.0], [105.0], [np.inf], [-np.inf], [np.nan]])

RANGE_ANSWERS: list[tuple[dict[str, Any], list[Any]]] = [
    ({"policy": "clip"}, [0, 0, 3, 100, 100, 0, None]),
    ({"policy": "clip_to_quantiles"}, [1, 0, 3, 99, 99, 1, None]),
    (
        {"policy": "clip_to_quantiles", "limits": "quantiles", "quantiles": (0.1, 0.9)},
        [10, 10, 10, 90, 90, 10, None],
    ),
    ({"policy": "missing"}, [None, 0, 3, None, None, None, None]),
    ({"policy": "clip", "margin": 0.05}, [-5, 0, 3, 105, 105, -5, None]),
    ({"policy": "clip", "hard_limits": {0: (2, 4)}}, [2, 2, 3, 4, 4, 2, None]),
    (
        {"policy": "clip", "hard_limits": {0: (2, None)}, "margin": 9.0},
        [2, 2, 3, 105, np.inf, 2, None],
    ),
    (
        {"policy": "clip", "hard_limits": {-1: (None, 2.5)}},
        [-5, 0, 2.5, 2.5, 2.5, -np.inf, None],
    ),
    ({"policy": "ignore"}, [-5, 0, 3, 105, np.inf, -np.inf, None]),
]


@pytest.mark.parametrize(("settings", "expected"), RANGE_ANSWERS, ids=str)
def test_numbers_out_of_range_become_what_the_policy_says(
    settings: dict[str, Any], expected: list[Any]
) -> None:
    guard = RangeGuard(**settings).fit(HUNDRED)
    assert column(guard.transform(OUTSIDE)) == expected
    frame = pd.DataFrame(OUTSIDE, columns=["x"])
    assert column(guard.transform(frame), "x") == expected


def test_a_flag_marks_what_is_out_of_range_and_changes_nothing() -> None:
    found = RangeGuard("flag").fit(HUNDRED).transform(OUTSIDE)
    np.testing.assert_array_equal(found[:, :1], OUTSIDE)
    assert found[:, 1].tolist() == [1, 0, 0, 1, 1, 1, 0]


@pytest.mark.parametrize("policy", ["raise", "warn"])
def test_what_is_out_of_range_is_named_with_its_rows(policy: str) -> None:
    how, text = outcome(RangeGuard(policy).fit(HUNDRED), OUTSIDE)
    assert how == policy
    assert "4 of 7 rows" in text
    assert re.search(
        r"DA403 'x0': out of range; 2 row\(s\) \(0, 3\).*'-5', '105'", text
    )
    assert re.search(r"DA404 'x0': infinite; 2 row\(s\) \(4, 5\)", text)


def test_an_infinity_that_training_had_is_in_range() -> None:
    guard = RangeGuard("clip").fit(np.array([[1.0], [np.inf], [5.0]]))
    found = guard.transform(np.array([[np.inf], [-np.inf], [9.0]]))
    assert column(found) == [np.inf, 1.0, 5.0]


def test_identifiers_and_dates_have_a_range_only_if_it_is_given() -> None:
    X = pd.DataFrame({"id": range(200), "day": pd.date_range("2024", periods=200)})
    batch = pd.DataFrame({"id": [-1], "day": pd.to_datetime(["2030-01-01"])})
    assert RangeGuard().fit(X).transform(batch) is batch
    limits = {"id": (0, 1000), "day": ("2024-01-01", "2025-01-01")}
    found = RangeGuard("clip", hard_limits=limits).fit(X).transform(batch)
    assert found["id"].tolist() == [0]
    assert found["day"].tolist() == [pd.Timestamp("2025-01-01")]
    assert found.dtypes.tolist() == batch.dtypes.tolist()


def test_whole_numbers_stay_whole() -> None:
    X = np.arange(10).repeat(2).reshape(-1, 1)
    found = RangeGuard("clip", hard_limits={0: (0.5, 7.5)}).fit(X).transform(X)
    assert found.dtype == X.dtype
    assert (found.min(), found.max()) == (1, 7)


# --- missing cells ------------------------------------------

PEOPLE = pd.DataFrame(
    {
        "age": [30.0, 40.0, 50.0, 41.0],
        "town": ["a", "b", "b", None],
        "day": pd.to_datetime(["2024-01-01", "2024-01-02", "2024-01-03", None]),
        "right": [True, False, True, True],
    }
)
HOLES = PEOPLE.iloc[[0]].astype(object).map(lambda cell: None)


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({}, [40.0, "b", pd.Timestamp("2024-01-02"), True]),
        (
            {"imputer": "constant", "fill_value": {"age": 0, "town": "?"}},
            [0, "?", pd.Timestamp("2024-01-02"), True],
        ),
        (
            {"imputer": SimpleImputer()},
            [40.25, "b", pd.Timestamp("2024-01-02"), True],
        ),
        ({"scope": "new"}, [40.0, None, None, True]),
    ],
)
def test_missing_cells_become_what_the_imputer_says(
    settings: dict[str, Any], expected: list[Any]
) -> None:
    found = MissingGuard("impute", **settings).fit(PEOPLE).transform(HOLES)
    cells = [None if pd.isna(cell) else cell for cell in found.iloc[0].tolist()]
    assert cells == expected


def test_a_constant_fills_every_column_that_it_fits() -> None:
    guard = MissingGuard("impute", imputer="constant", fill_value=-1)
    found = guard.fit(np.ones((3, 2))).transform(np.full((1, 2), np.nan))
    assert found.tolist() == [[-1.0, -1.0]]
    with pytest.raises(ParameterError, match=r"fill_value .*'town'.*string.*mapping"):
        guard.fit(PEOPLE)


@pytest.mark.parametrize(
    ("policy", "scope", "n_columns"),
    [
        *(("flag", "auto", 4), ("flag", "new", 2), ("raise", "auto", 2)),
        *(("raise", "all", 4), ("warn", "new", 2), ("warn", "all", 4)),
    ],
)
def test_the_scope_says_which_columns_are_watched(
    policy: str, scope: str, n_columns: int
) -> None:
    report = MissingGuard(policy, scope=scope).fit(PEOPLE).check(HOLES)
    assert len(report.actions) == n_columns


@pytest.mark.parametrize("policy", ["raise", "warn"])
def test_missing_cells_are_named_with_their_rows(policy: str) -> None:
    X = PEOPLE.assign(age=[30.0, NAN, 50.0, NAN])
    how, text = outcome(MissingGuard(policy).fit(PEOPLE), X)
    assert how == policy
    assert "DA401 'age': missing; 2 row(s) (1, 3)" in text


@pytest.mark.parametrize(
    "imputer",
    [
        SimpleImputer(),
        KNNImputer(n_neighbors=1),
        IterativeImputer(random_state=0),
    ],
)
def test_an_imputer_fills_as_it_would_alone(imputer: Any) -> None:
    rng = np.random.default_rng(0)
    X = rng.normal(size=(60, 3))
    batch = np.where(rng.random((20, 3)) < 0.3, np.nan, X[:20])
    found = MissingGuard("impute", imputer=imputer).fit(X).transform(batch)
    np.testing.assert_allclose(found, imputer.fit(X).transform(batch))


def test_an_imputer_is_kept_within_the_limits_and_sees_no_infinity() -> None:
    X = np.array([[1.0, 0.0], [2.0, np.inf], [3.0, 2.0], [2.0, 1.0]])
    guard = InputGuard(
        range="clip",
        missing="impute",
        imputer=SimpleImputer(strategy="constant", fill_value=99),
    ).fit(X)
    assert guard.transform(np.array([[np.nan, np.inf]])).tolist() == [[3.0, np.inf]]


def test_a_column_that_was_all_missing_is_left_alone() -> None:
    X = pd.DataFrame({"a": [NAN, NAN], "b": [1.0, 2.0]})
    for policy in ("impute", "raise", "warn"):
        guard = MissingGuard(policy).fit(X)
        assert guard.transform(X) is X


# --- columns ------------------------------------------

GOOD = pd.DataFrame({"a": [1, 2, 2], "b": ["x", "y", "y"], "c": [0.5, 1.5, 2.5]})
CHANGES: dict[str, Any] = {
    "missing": lambda X: X.drop(columns="a"),
    "extra": lambda X: X.assign(new=0),
    "reordered": lambda X: X[list(reversed(X.columns))],
    "retyped": lambda X: X.assign(c=X["c"].astype(str)),
}
CODES = {"missing": "DA301", "extra": "DA302", "reordered": "DA303", "retyped": "DA304"}
COMBINATIONS = [
    [name for place, name in enumerate(CHANGES) if number >> place & 1]
    for number in range(1, 16)
]


@pytest.mark.parametrize("combination", COMBINATIONS, ids="+".join)
@pytest.mark.parametrize("policy", ["raise", "warn", "ignore", "repair", "flag"])
def test_columns_that_differ_in_any_way_are_handled_or_refused(
    policy: str, combination: list[str]
) -> None:
    X = GOOD
    for name in combination:
        X = CHANGES[name](X)
    guard = SchemaGuard(policy).fit(GOOD)
    assert {a.code for a in guard.check(X).actions} == {CODES[c] for c in combination}
    how, found = outcome(guard, X)
    if policy in {"raise", "warn"}:
        assert how == policy
        # scikit-learn's words say it where only the order differs
        words = {"missing": "'a'", "extra": "'new'", "reordered": "order"}
        assert all(words.get(name, "'c'") in found for name in combination)
        return
    if policy == "ignore":
        assert found is X
        return
    assert how == "answer"
    expected = GOOD
    if "missing" in combination:
        expected = GOOD.assign(a=np.nan)
    pd.testing.assert_frame_equal(found[list("abc")], expected)
    names = ["typeindicator_a", "typeindicator_b", "typeindicator_c"]
    assert list(found.columns) == [*"abc", *(names if policy == "flag" else [])]
    if policy == "flag":
        assert found["typeindicator_a"].tolist() == ["missing" in combination] * 3
        assert not found["typeindicator_c"].any()


def test_a_missing_column_can_be_filled_with_its_typical_value() -> None:
    guard = SchemaGuard("repair", fill="typical").fit(GOOD)
    found = guard.transform(GOOD[["c"]])
    assert found.to_dict("list") == {
        "a": [2, 2, 2],
        "b": ["y"] * 3,
        "c": [0.5, 1.5, 2.5],
    }
    assert [str(dtype) for dtype in found.dtypes] == ["int64", "str", "float64"]


CASTS: list[tuple[list[Any], list[Any], list[Any]]] = [
    ([1.5, 2.5], ["3", " 4e1", "", "n/a", None], [3.0, 40.0, None, None, None]),
    ([1, 2], ["3", "4"], [3, 4]),
    ([1, 2], [pd.Timestamp("2024"), "7"], [None, 7.0]),
    (["x", "y"], [1, 2.0, 2.5, b"z", True], ["1", "2", "2.5", "z", "True"]),
    ([True, False], ["true", "0", "maybe"], [True, False, None]),
    (
        [pd.Timestamp("2024-01-01")] * 2,
        ["2024-02-03", "2024-02-03T04:05:06Z", "2024-02-03T01:00:00+01:00", "soon"],
        [
            pd.Timestamp("2024-02-03"),
            pd.Timestamp("2024-02-03 04:05:06"),
            pd.Timestamp("2024-02-03"),
            None,
        ],
    ),
    ([1.5, 2.5], [[1], {}, 7, "8"], [None, None, 7.0, 8.0]),
    ([1, 2], [2**64, 10**400, "1e400", 3], [None, None, float("inf"), 3.0]),
]


@pytest.mark.parametrize(("training", "batch", "expected"), CASTS, ids=str)
def test_cells_of_another_type_are_cast_one_by_one(
    training: list[Any], batch: list[Any], expected: list[Any]
) -> None:
    guard = SchemaGuard("repair", uncastable="missing")
    guard.fit(pd.DataFrame({"a": training * 10}))
    X = pd.DataFrame({"a": pd.Series(batch, dtype=object)})
    assert column(guard.transform(X), "a") == expected
    for row, cell in enumerate(expected):
        (alone,) = column(guard.transform(X.iloc[[row]]), "a")
        assert alone == cell


@pytest.mark.parametrize("uncastable", ["raise", "missing"])
def test_cells_that_cannot_be_cast_are_refused_or_missing(uncastable: str) -> None:
    guard = SchemaGuard("repair", uncastable=uncastable).fit(GOOD)
    X = GOOD.assign(c=["1", "n/a?", "2"])
    how, found = outcome(guard, X)
    if uncastable == "missing":
        assert column(found, "c") == [1.0, None, 2.0]
        return
    assert how == "raise"
    assert "1 of 3 rows" in found
    assert "'c'" in found
    assert "'n/a?'" in found
    assert "(1)" in found
    flagged = SchemaGuard("flag").fit(GOOD).transform(X)
    assert flagged["typeindicator_c"].tolist() == [False, True, False]


def test_one_cell_of_another_type_is_named_among_many() -> None:
    guard = SchemaGuard().fit(GOOD)
    for cell, code in (("x", "DA304"), ([1], "DA406")):
        X = GOOD.assign(c=pd.Series([1.0, cell, 2.0], dtype=object))
        (action,) = guard.check(X).actions
        assert (action.code, action.rows.tolist()) == (code, [1])
    X = GOOD.assign(b=pd.Series(["x", 1, "y"], dtype=object))
    (action,) = guard.check(X).actions
    assert (action.feature, action.rows.tolist()) == ("b", [1])


def test_guards_of_cells_refuse_other_columns_in_the_words_of_scikit_learn() -> None:
    for guard in (CategoryGuard(), RangeGuard("clip"), MissingGuard("impute")):
        guard.fit(GOOD)
        with pytest.raises(InputError, match="seen at fit time, yet now missing:\n- a"):
            guard.transform(GOOD[["b", "c"]])
        with pytest.raises(InputError, match="same order as they were in fit"):
            guard.transform(GOOD[["c", "b", "a"]])
        with pytest.raises(InputError, match=r"has 2 features, but .* is expecting 3"):
            guard.transform(np.ones((1, 2)))


def test_a_guard_looks_at_the_types_of_its_own_columns_alone() -> None:
    X = GOOD.assign(b=[1.0, 2.0, 3.0])
    assert RangeGuard().fit(GOOD).transform(X) is X
    Y = GOOD.assign(c=["x", "y", "z"])
    assert CategoryGuard().fit(GOOD).transform(Y) is Y
    with pytest.raises(InvalidInputError, match="DA304 'c'"):
        RangeGuard("clip").fit(GOOD).transform(Y)


# --- shapes ------------------------------------------


@pytest.mark.parametrize("library", ["pandas", "polars", "array"])
def test_no_rows_come_back_as_they_are_with_indicators_where_asked(
    library: str,
) -> None:
    X: Any = {"pandas": GOOD, "polars": pl.from_pandas(GOOD), "array": np.ones((3, 2))}[
        library
    ]
    empty = X[:0]
    assert InputGuard("repair", "other", "clip", "impute").fit(X).transform(empty) is (
        empty
    )
    guard = InputGuard("flag", "flag", "flag", "flag").fit(X)
    found = guard.transform(empty)
    assert found.shape == (0, len(guard.get_feature_names_out()))
    if library == "pandas":
        assert list(found.columns) == guard.get_feature_names_out().tolist()
        assert found.dtypes.tolist()[:3] == GOOD.dtypes.tolist()


def test_five_hundred_columns_one_row_and_a_constant_column() -> None:
    X = np.random.default_rng(0).normal(size=(30, 500))
    X[:, 7] = 1.0
    guard = InputGuard("repair", range="clip", missing="impute").fit(X)
    row = np.full((1, 500), np.nan)
    row[0, 7] = 2.0
    found = guard.transform(row)
    assert found[0, 7] == 1.0
    assert found.shape == (1, 500)
    np.testing.assert_array_equal(found[0], np.sort(X, axis=0)[14])  # the lower median
    frame = pd.DataFrame(X).add_prefix("c")
    holes = pd.DataFrame(row).add_prefix("c")
    assert guard.fit(frame).transform(holes).to_numpy().tolist() == found.tolist()


@pytest.mark.parametrize(
    "X",
    [
        pd.DataFrame([[1.0, 2.0]], columns=["a", "a"]),
        pd.DataFrame({"a": [[1], [2]]}),
        np.ones(3),
        np.ones((0, 2)),
        np.ones((2, 0)),
        None,
        "text",
    ],
    ids=str,
)
def test_no_guard_learns_from_what_is_no_table(X: Any) -> None:
    for guard in (SchemaGuard(), CategoryGuard(), RangeGuard(), MissingGuard()):
        with pytest.raises((InputError, TypeError)):
            guard.fit(X)


def test_a_guard_must_be_fitted() -> None:
    for use in ("transform", "check"):
        with pytest.raises(NotFittedError, match="InputGuard instance is not fitted"):
            getattr(InputGuard(), use)(GOOD)
    with pytest.raises(NotFittedError):
        InputGuard().get_feature_names_out()


def test_indicators_never_take_the_name_of_a_column() -> None:
    X = pd.DataFrame({"a": [1.0], "missingindicator_a": [True]})
    with pytest.raises(ParameterError, match=r"\['missingindicator_a'\]; rename"):
        MissingGuard("flag").fit(X)
    guard = InputGuard("ignore", missing="flag").fit(X[["a"]])
    with pytest.raises(InputError, match="unique"):
        guard.transform(X)


# --- a report of what was done ------------------------------------------


def test_the_report_says_what_was_done_and_where() -> None:
    guard = InputGuard(
        category="most_frequent",
        missing="impute",
        overrides={"c": {"range": "clip", "limits": (0, 2)}},
    ).fit(GOOD)
    X = pd.DataFrame({"a": [2, 2], "b": ["q", "y"], "c": [9.0, NAN]})
    _, report = guard.transform(X, return_report=True)
    assert report.rows().tolist() == [True, True]
    frame = report.to_frame()
    assert frame["code"].tolist() == ["DA402", "DA403", "DA401"]
    assert frame["done"].tolist() == ["set to 'y'", "clipped", "set to '1.5'"]
    assert report.to_dict()["actions"][1]["rows"] == [0]
    assert str(report).startswith("InputGuard: 2 of 2 rows concerned\n- DA402 'b'")
    clean = guard.check(GOOD.assign(c=1.0))
    assert str(clean) == "InputGuard: 3 rows, nothing to do"
    assert not clean.rows().any()


def test_warnings_come_once_and_point_at_the_caller() -> None:
    guard = InputGuard("warn", "warn", "warn", "warn").fit(GOOD)
    X = GOOD.assign(b="q", c=[1e9, NAN, 1.0], new=1)
    how, text = outcome(guard, X)
    assert how == "warn"
    assert text.count("\n- DA") == 4


# --- parameters ------------------------------------------

BAD_PARAMETERS: list[tuple[Any, str]] = [
    (SchemaGuard("clip"), "schema must be one of 'raise'"),
    (SchemaGuard(None), "schema must be one of"),
    (SchemaGuard(uncastable="drop"), "uncastable must be one of"),
    (SchemaGuard(fill="mean"), "fill must be one of"),
    (CategoryGuard("clip"), "category must be one of"),
    (CategoryGuard(min_count=0), "min_count"),
    (CategoryGuard(min_count=1.5), "min_count"),
    (CategoryGuard(similarity=1.5), "similarity must be a number from 0 to 1"),
    (CategoryGuard(similarity="high"), "similarity"),
    (CategoryGuard(otherwise="nearest"), "otherwise must be one of"),
    (CategoryGuard(allowed=["x"]), "allowed must be a mapping"),
    (CategoryGuard(allowed={"b": "x"}), "allowed must list the categories of"),
    (CategoryGuard(allowed={"b": [["x"]]}), "allowed must be a value that fits"),
    (CategoryGuard(allowed={"q": ["x"]}), "names the column 'q', which X does not"),
    (CategoryGuard("other", other=5), "other must be a value that fits column 'b'"),
    (CategoryGuard("other", other=None), "other must be a value that fits column 'b'"),
    (CategoryGuard("other", other={"b": []}), "other must be a value that fits"),
    (CategoryGuard(categorical_features=["q"]), "categorical_features"),
    (RangeGuard("other"), "range must be one of"),
    (RangeGuard(limits="exact"), "limits must be one of"),
    (RangeGuard(quantiles=(0.9, 0.1)), "quantiles must be two numbers"),
    (RangeGuard(quantiles=("a", "b")), "quantiles must be two numbers"),
    (RangeGuard(quantiles=(None, 1)), "quantiles must be two numbers"),
    (RangeGuard(quantiles=0.5), "quantiles must be two values"),
    (RangeGuard(margin=-1), "margin must be a number"),
    (RangeGuard(margin=NAN), "margin must be a number"),
    (RangeGuard(hard_limits=(0, 1)), "hard_limits must be a mapping"),
    (RangeGuard(hard_limits={"c": 5}), "limits of 'c' must be two values"),
    (RangeGuard(hard_limits={"c": (2, 1)}), "limits of 'c' must be in order"),
    (RangeGuard(hard_limits={"c": (NAN, 1)}), "limits of 'c' must be two limits"),
    (RangeGuard(hard_limits={"c": ("low", 1)}), "limits of 'c' must be of its type"),
    (RangeGuard(hard_limits={"c": (0, 10**400)}), "limits of 'c' must be of its type"),
    (RangeGuard(hard_limits={"b": (0, 1)}), "no numbers or times; leave it out"),
    (RangeGuard(hard_limits={"c": (0, 1), 2: (0, 1)}), "twice"),
    (RangeGuard(hard_limits={7: (0, 1)}), "names the column 7"),
    (MissingGuard("clip"), "missing must be one of"),
    (MissingGuard(scope="some"), "scope must be one of"),
    (MissingGuard(imputer="mean"), "imputer must be one of"),
    (MissingGuard(imputer=SimpleImputer), "imputer must be"),
    (MissingGuard(imputer=3), "imputer must be"),
    (MissingGuard("impute", imputer="constant"), "needs fill_value"),
    (MissingGuard("impute", fill_value={"c": "x"}), "fill_value must be a value that"),
    (MissingGuard("impute", fill_value={"c": NAN}), "fill_value must be a value that"),
    (
        MissingGuard("impute", imputer=SimpleImputer(add_indicator=True)),
        "imputer must give back the 2 columns",
    ),
    (
        MissingGuard("impute", imputer=KNNImputer(n_neighbors=-1)),
        "imputer KNN.* could not be fitted",
    ),
    (MissingGuard("impute", imputer=MissingIndicator()), "imputer"),
    (InputGuard(overrides=[1]), "overrides must be a mapping"),
    (InputGuard(overrides={"a": "clip"}), "mapping of options"),
    (InputGuard(overrides={"a": {"margin": 1}}), r"has \['margin'\]; options are"),
    (InputGuard(overrides={"a": {"range": "x"}}), r"overrides\[0\]\['range'\] must be"),
    (InputGuard(overrides={"q": {}}), "names the column 'q'"),
    (
        InputGuard(missing="impute", overrides={"c": {"fill_value": 99}}),
        "fill_value of column 'c' must lie within its limits",
    ),
]


@pytest.mark.parametrize(("guard", "message"), BAD_PARAMETERS, ids=str)
def test_a_parameter_that_breaks_its_rule_is_refused(guard: Any, message: str) -> None:
    X = GOOD
    if isinstance(guard.get_params().get("imputer"), SimpleImputer):
        X = GOOD.assign(c=[NAN, 1.5, 2.5])
    with pytest.raises(ParameterError, match=message):
        guard.fit(X)
    assert not hasattr(guard, "rules_")


def test_overrides_win_in_their_columns_alone() -> None:
    X = pd.DataFrame({"a": [1.0, 2.0, 3.0], "b": [1.0, 2.0, 3.0], "t": ["x", "y", "y"]})
    guard = InputGuard(
        category="missing",
        range="clip",
        missing="ignore",
        overrides={
            "a": {"range": "missing", "missing": "impute", "fill_value": 1.5},
            1: {"limits": (0, 10)},
            -1: {"category": "other", "other": "?", "allowed": ["x", "z"]},
        },
    ).fit(X)
    batch = pd.DataFrame({"a": [9.0, NAN], "b": [9.0, 99.0], "t": ["y", "z"]})
    found = guard.transform(batch)
    assert found.to_dict("list") == {
        "a": [1.5, 1.5],
        "b": [9.0, 10.0],
        "t": ["?", "z"],
    }


# --- large arrays ---------------------------------------------------------------


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("n_features", [3, 50, 700])
@pytest.mark.parametrize("bad", [2.0, -2.0, np.nan])
def test_one_bad_cell_of_a_large_array_is_found_wherever_it_is(
    bad: float, n_features: int, order: Any
) -> None:
    n_rows = 100_001 // n_features + 5
    clean = np.random.default_rng(0).uniform(-1.0, 1.0, (n_rows, n_features))
    guard = InputGuard(range="ignore", missing="ignore").fit(clean)
    for row in (0, n_rows // 2, n_rows - 2, n_rows - 1):
        X = np.array(clean, order=order)
        X[row, -1] = bad
        (action,) = guard.check(X).actions
        assert (action.feature, action.rows.tolist()) == (f"x{n_features - 1}", [row])
