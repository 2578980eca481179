"""Guards do whatever scikit-learn's transformers do: clone, output, routing, search."""

from __future__ import annotations

import copy
import pickle
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import cloudpickle
import joblib
import narwhals as nw
import numpy as np
import pandas as pd
import polars as pl
import pytest
import scipy.sparse as sp
import sklearn
from guard_tables import GOOD, cells, listed
from sklearn.base import clone
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.impute import KNNImputer, SimpleImputer
from sklearn.linear_model import LinearRegression, Ridge
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import FeatureUnion, make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

import skdrift
from skdrift import (
    TRUSTED_TYPES,
    CategoryGuard,
    DriftAwareEstimator,
    InputGuard,
    MissingGuard,
    RangeGuard,
    SchemaGuard,
)
from skdrift.exceptions import FormatError, InputError, ParameterError

GUARDS: list[Any] = [
    SchemaGuard(),
    SchemaGuard("repair", uncastable="missing", fill="typical"),
    SchemaGuard("flag"),
    CategoryGuard(),
    CategoryGuard("nearest", otherwise="missing", min_count=2),
    CategoryGuard("flag"),
    RangeGuard(),
    RangeGuard("clip", margin=0.1),
    RangeGuard("missing", limits="quantiles"),
    RangeGuard("flag", add_indicator=True),
    MissingGuard(),
    MissingGuard("impute", imputer=SimpleImputer()),
    MissingGuard("flag", scope="all"),
    InputGuard(),
    InputGuard("repair", "other", "clip", "impute", add_indicator=True),
    InputGuard("flag", "flag", "flag", "flag"),
    InputGuard("ignore", "ignore", "ignore", "ignore"),
]


@parametrize_with_checks(GUARDS)
def test_guards_pass_the_checks_of_scikit_learn(estimator: Any, check: Any) -> None:
    check(estimator)


@pytest.mark.parametrize("guard", GUARDS, ids=str)
def test_parameters_survive_clone_and_set_params(guard: Any) -> None:
    copied = clone(guard)
    assert {k: str(v) for k, v in copied.get_params().items()} == {
        k: str(v) for k, v in guard.get_params().items()
    }
    for name, value in guard.get_params(deep=False).items():
        assert getattr(copied.set_params(**{name: value}), name) is value


# --- a fitted guard travels ------------------------------------------

TRAINING = pd.DataFrame(cells()).assign(
    town=pd.Categorical(cells()["town"]),
    zoned=pd.date_range("2024", periods=30, tz="Europe/Rome"),
)
BATCH = TRAINING.head(6).assign(
    number=[1e9, -1e9, np.inf, np.nan, 0.0, 0.1],
    town=["Oslo", "oslo", "Quito", None, "Rome", "Lima"],
    note=None,
    flag=["true", "0", "maybe", None, "1", "1"],
)[["town", "number", "note", "flag", "took", "when", "zoned"]]
REPAIRING = InputGuard(
    "repair",
    "nearest",
    "clip",
    "impute",
    uncastable="missing",
    otherwise="other",
    imputer=KNNImputer(n_neighbors=2),
    overrides={"whole": {"limits": (0, None)}, 0: {"range": "clip_to_quantiles"}},
)
TRAVELLERS: dict[str, Any] = {
    "schema": SchemaGuard("repair", uncastable="missing"),
    "category": CategoryGuard("flag", allowed={"town": ["Oslo", "Rome"]}),
    "range": RangeGuard("flag", hard_limits={"when": ("2024-01-01", None)}),
    "missing": MissingGuard("impute", fill_value={"town": "nowhere"}),
    "input": REPAIRING,
}


def through_a_file(write: Callable[..., Any], read: Callable[..., Any]) -> Any:
    def travel(guard: Any, folder: Path) -> Any:
        write(guard, folder / "guard")
        return read(folder / "guard")

    return travel


TRAVELS: dict[str, Callable[[Any, Path], Any]] = {
    "pickle": lambda guard, folder: pickle.loads(pickle.dumps(guard)),
    "pickle 2": lambda guard, folder: pickle.loads(pickle.dumps(guard, 2)),
    "cloudpickle": lambda guard, folder: pickle.loads(cloudpickle.dumps(guard)),
    "joblib": through_a_file(joblib.dump, joblib.load),
    "deepcopy": lambda guard, folder: copy.deepcopy(guard),
    "dump and load": through_a_file(skdrift.dump, skdrift.load),
}


def batch_for(name: str) -> pd.DataFrame:
    if name in {"schema", "input"}:
        return BATCH
    return TRAINING.head(6).assign(number=BATCH["number"], town=BATCH["town"])


@pytest.mark.parametrize("travel", TRAVELS)
@pytest.mark.parametrize("name", TRAVELLERS)
def test_a_fitted_guard_travels_and_does_the_same(
    name: str, travel: str, tmp_path: Path
) -> None:
    guard, X = clone(TRAVELLERS[name]).fit(TRAINING), batch_for(name)
    arrived = TRAVELS[travel](guard, tmp_path)
    found, report = arrived.transform(X, return_report=True)
    expected, told = guard.transform(X, return_report=True)
    assert report.actions
    assert report.to_dict() == told.to_dict()
    pd.testing.assert_frame_equal(found, expected)
    assert arrived.get_feature_names_out().tolist() == list(expected.columns)
    # A text of numpy would not be read back as the text that it was.
    assert pickle.dumps(arrived.rules_) == pickle.dumps(guard.rules_)


def test_an_estimator_of_a_guarded_pipeline_travels(tmp_path: Path) -> None:
    pipeline = make_pipeline(InputGuard("repair", range="clip"), Ridge())
    model = DriftAwareEstimator(pipeline, cv=2).fit(NUMBERS, TARGET)
    skdrift.dump(model, tmp_path / "model")
    loaded = skdrift.load(tmp_path / "model")
    np.testing.assert_array_equal(loaded.predict(NUMBERS), model.predict(NUMBERS))


def test_the_types_of_guards_that_are_trusted_are_all_that_a_file_needs() -> None:
    kinds = {type(guard) for guard in TRAVELLERS.values()}
    kinds.add(type(REPAIRING.fit(TRAINING).rules_))
    needed = {f"{kind.__module__}.{kind.__qualname__}" for kind in kinds}
    assert needed <= set(TRUSTED_TYPES)


def test_rules_of_a_newer_format_are_refused() -> None:
    state = REPAIRING.fit(TRAINING).rules_.__getstate__()
    rules = object.__new__(type(REPAIRING.rules_))
    with pytest.raises(FormatError, match="upgrade skdrift"):
        rules.__setstate__({**state, "format": 99})


def people(n_rows: int) -> pd.DataFrame:
    rng = np.random.default_rng(0)
    return pd.DataFrame(
        {
            "number": rng.normal(size=n_rows),
            "other": rng.normal(size=n_rows),
            "name": [f"person {row} {rng.integers(10**9)}" for row in range(n_rows)],
            "town": rng.choice(["Oslo", "Rome"], n_rows),
        }
    )


def test_no_row_of_the_training_data_is_kept() -> None:
    X, policies = people(500), ("repair", "other", "clip", "impute")
    guard = InputGuard(*policies).fit(X)
    held = guard.rules_.__getstate__()["meta"]
    assert set(vars(guard)) - set(guard.get_params(deep=False)) == {
        *("rules_", "imputer_", "n_features_in_", "feature_names_in_"),
    }
    assert sum(name in held for name in X["name"]) <= 1  # the typical one
    for name in ("number", "other"):
        # The extremes and the median, of different rows.
        assert sum(repr(value) in held for value in X[name]) <= 3
    larger = InputGuard(*policies).fit(people(10_000))
    assert len(pickle.dumps(larger)) < 1.05 * len(pickle.dumps(guard))


# --- nothing changes after fit ------------------------------------------


def fingerprint(guard: Any) -> str:
    return str(joblib.hash(guard, hash_name="sha1"))


@pytest.mark.parametrize("name", TRAVELLERS)
def test_no_use_changes_a_fitted_guard(name: str) -> None:
    guard, X = clone(TRAVELLERS[name]).fit(TRAINING), batch_for(name)
    before = fingerprint(guard)
    guard.transform(X)
    guard.transform(X, return_report=True)[1].to_frame()
    guard.check(X)
    guard.get_feature_names_out()
    repr(guard)
    guard._repr_html_()
    assert fingerprint(guard) == before
    assert fingerprint(clone(guard).fit(TRAINING)) == before
    assert fingerprint(clone(guard).fit(TRAINING.head(20))) != before


def test_eight_threads_on_one_guard_get_what_one_gets() -> None:
    guard = clone(REPAIRING).fit(TRAINING)
    batches = [BATCH, TRAINING, BATCH.head(2)]
    alone = [guard.transform(X, return_report=True) for X in batches]
    gate = threading.Barrier(8)

    def work(number: int) -> bool:
        gate.wait()
        for turn in range(12):
            place = (number + turn) % len(batches)
            found, report = guard.transform(batches[place], return_report=True)
            if report.to_dict() != alone[place][1].to_dict():
                return False
            if not found.equals(alone[place][0]):
                return False
        return True

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(work, range(8)))


# --- output ------------------------------------------

OUTPUTS = {"pandas": pd.DataFrame, "polars": pl.DataFrame}
NAMED = ("pandas", "pandas nullable", "pandas Arrow", "polars", "pyarrow")
SOURCES = (*NAMED, "array of f8", "Fortran order", "integer names", "record batch")


@pytest.fixture(params=["set_output", "config"])
def output(request: pytest.FixtureRequest) -> Iterator[Callable[[Any, str], Any]]:
    if request.param == "set_output":
        yield lambda guard, library: guard.set_output(transform=library)
        return
    with sklearn.config_context():

        def choose(guard: Any, library: str) -> Any:
            sklearn.set_config(transform_output=library)
            return guard

        yield choose


@pytest.mark.parametrize("library", OUTPUTS)
@pytest.mark.parametrize("kind", SOURCES)
@pytest.mark.parametrize("policy", ["ignore", "flag"])
def test_the_library_of_the_output_can_be_chosen(
    kind: str, library: str, policy: str, output: Any
) -> None:
    X = GOOD[kind]()
    before = [str(name) for name in getattr(X, "columns", ())]
    guard = output(InputGuard("ignore", policy, policy, policy), library).fit(X)
    found = guard.transform(X)
    assert type(found) is OUTPUTS[library]
    assert list(found.columns) == guard.get_feature_names_out().tolist()
    assert all(type(name) is str for name in found.columns)
    width = guard.n_features_in_
    plain = [row[:width] for row in listed(found)]
    if library == ("polars" if "polars" in kind else "pandas"):
        assert plain == listed(X)
    assert len(plain) == 30
    assert [str(name) for name in getattr(X, "columns", ())] == before
    assert type(guard.fit_transform(X)) is OUTPUTS[library]


def test_output_of_another_order_keeps_its_own_names() -> None:
    X = pd.DataFrame({"a": [1.0, 2.0], "b": [5.0, 6.0]})
    guard = InputGuard("ignore", "flag", "flag", "flag").fit(X)
    guard.set_output(transform="pandas")
    found = guard.transform(X[["b", "a"]].assign(c=1.0))
    assert list(found.columns)[:3] == ["b", "a", "c"]
    assert found["b"].tolist() == [5.0, 6.0]


def test_output_of_a_sparse_table_as_a_frame_is_refused() -> None:
    X = sp.csr_array(np.eye(4))
    guard = InputGuard().fit(X).set_output(transform="pandas")
    with pytest.raises(InputError, match="sparse"):
        guard.transform(X)


def test_an_unknown_output_is_refused_and_none_changes_nothing() -> None:
    guard = InputGuard().set_output(transform="polars")
    with pytest.raises(ParameterError, match="'default', 'pandas', 'polars'"):
        guard.set_output(transform="csv")
    X = np.ones((3, 1))
    assert isinstance(guard.set_output().fit_transform(X), pl.DataFrame)
    assert isinstance(clone(guard).fit_transform(X), pl.DataFrame)
    default = guard.set_output(transform="default")
    assert default.fit(X).transform(X) is X


def test_names_of_the_output_follow_those_that_are_given() -> None:
    guard = MissingGuard("flag").fit(np.ones((3, 2)))
    assert guard.get_feature_names_out(["p", "q"]).tolist() == [
        *("p", "q", "missingindicator_p", "missingindicator_q")
    ]
    for given in (["p"], ["p", "q", "r"]):
        with pytest.raises(InputError, match="length"):
            guard.get_feature_names_out(given)
    named = MissingGuard("flag").fit(pd.DataFrame({"a": [1.0], "b": [2.0]}))
    with pytest.raises(InputError, match="feature_names_in_"):
        named.get_feature_names_out(["a", "c"])


def test_a_frame_of_integer_names_is_named_as_the_output_says_once_it_grows() -> None:
    X = pd.DataFrame(np.ones((3, 2)))
    guard = MissingGuard("flag").fit(X)
    found = guard.transform(X)
    assert list(found.columns) == guard.get_feature_names_out().tolist()
    assert list(X.columns) == [0, 1]
    # Without indicators, the frame keeps its own names.
    holes = X.copy()
    holes.iloc[1] = np.nan
    filled = MissingGuard("impute").fit(X).transform(holes)
    assert list(filled.columns) == [0, 1]


def test_a_frame_keeps_its_names_where_the_guard_was_fitted_on_an_array() -> None:
    guard = MissingGuard("flag").fit(np.ones((3, 2)))
    found = guard.transform(pd.DataFrame({"p": [1.0], "q": [np.nan]}))
    assert list(found.columns) == [
        *("p", "q", "missingindicator_p", "missingindicator_q")
    ]
    cast = SchemaGuard("repair").fit(np.ones((3, 1)))
    assert list(cast.transform(pd.DataFrame({"p": ["1.5"]})).columns) == ["p"]


@pytest.mark.parametrize("kind", ["pandas", "polars", "pyarrow"])
def test_a_frame_of_narwhals_comes_back_as_one(kind: str) -> None:
    X = nw.from_native(GOOD[kind]())
    guard = InputGuard("flag", "flag", "flag", "flag").fit(X)
    found = guard.transform(X)
    assert type(found) is type(X)
    assert list(found.columns) == guard.get_feature_names_out().tolist()
    assert type(nw.to_native(found)) is type(nw.to_native(X))
    assert InputGuard().fit(X).transform(X) is X


# --- inside and around other estimators ------------------------------------------

RNG = np.random.default_rng(3)
NUMBERS = pd.DataFrame(RNG.normal(size=(120, 3)), columns=list("abc"))
MIXED = NUMBERS.assign(town=RNG.choice(["Oslo", "Rome"], 120))
TARGET = NUMBERS["a"] - NUMBERS["b"]


@pytest.mark.parametrize("library", ["pandas", "polars"])
def test_guards_work_as_columns_of_a_column_transformer(library: str) -> None:
    X: Any = MIXED if library == "pandas" else pl.from_pandas(MIXED)
    model = make_pipeline(
        ColumnTransformer(
            [
                ("numbers", RangeGuard("clip"), ["a", "b", "c"]),
                (
                    "towns",
                    make_pipeline(
                        CategoryGuard("most_frequent"),
                        OneHotEncoder(sparse_output=False),
                    ),
                    ["town"],
                ),
            ],
            verbose_feature_names_out=False,
        ),
        LinearRegression(),
    ).fit(X, TARGET)
    bad = MIXED.head(3).assign(a=1e9, town=["Quito", "Oslo", "Rome"])
    good = MIXED.head(3).assign(a=NUMBERS["a"].max(), town=["Oslo", "Oslo", "Rome"])
    if MIXED["town"].value_counts().index[0] == "Rome":
        good.loc[0, "town"] = "Rome"
    if library == "polars":
        bad, good = pl.from_pandas(bad), pl.from_pandas(good)
    np.testing.assert_allclose(model.predict(bad), model.predict(good))
    names = model[0].get_feature_names_out().tolist()
    assert names == ["a", "b", "c", "town_Oslo", "town_Rome"]


def test_guards_work_in_a_union() -> None:
    union = FeatureUnion([("flag", MissingGuard("flag")), ("scale", StandardScaler())])
    X = NUMBERS.to_numpy()
    assert union.fit_transform(X).shape == (120, 9)
    assert len(union.get_feature_names_out()) == 9


def test_policies_can_be_searched() -> None:
    pipeline = make_pipeline(
        InputGuard("repair", range="raise", missing="impute"),
        HistGradientBoostingRegressor(max_iter=3),
    )
    grid = {
        "inputguard__range": ["clip", "missing", "ignore", "flag"],
        "inputguard__imputer": ["typical", SimpleImputer()],
    }
    holes = NUMBERS.mask(RNG.random(NUMBERS.shape) < 0.05)
    search = GridSearchCV(pipeline, grid, cv=2, error_score="raise").fit(holes, TARGET)
    assert search.best_params_["inputguard__range"] in grid["inputguard__range"]
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()


def test_a_report_can_be_asked_of_a_pipeline_where_routing_is_on() -> None:
    pipeline = make_pipeline(StandardScaler(), RangeGuard("clip"))
    X = NUMBERS.to_numpy()
    with sklearn.config_context(enable_metadata_routing=True):
        found, report = pipeline.fit(X).transform(X + 100.0, return_report=True)
    assert isinstance(found, np.ndarray)
    assert {action.code for action in report.actions} == {"DA403"}
    pipeline.fit(X)
    with pytest.raises(ValueError, match="return_report"):
        pipeline.transform(X, return_report=True)
    assert isinstance(pipeline.transform(X), np.ndarray)


@pytest.mark.parametrize("kind", [sp.csr_array, sp.csc_matrix, sp.coo_array])
@pytest.mark.parametrize("policy", ["clip", "flag", "missing"])
def test_sparse_tables_stay_sparse_and_equal_dense_ones(kind: Any, policy: str) -> None:
    dense = np.where(RNG.random((40, 4)) < 0.3, RNG.normal(size=(40, 4)), 0.0)
    dense[:, 3] = 0.0
    batch = dense.copy()
    batch[[0, 5, 7], [0, 3, 1]] = [50.0, -2.0, np.inf]
    guard = RangeGuard(policy).fit(kind(dense))
    found = guard.transform(kind(batch))
    assert type(found) is kind
    expected = RangeGuard(policy).fit(dense).transform(batch)
    np.testing.assert_array_equal(found.toarray(), expected)
    clean = kind(dense)
    assert RangeGuard("clip").fit(clean).transform(clean) is clean


def test_inside_an_estimator_a_guard_is_seen_through() -> None:
    """The estimator around the pipeline sees the table as it came: faults and all."""
    model = DriftAwareEstimator(
        make_pipeline(InputGuard("repair", range="clip", missing="impute"), Ridge()),
        cv=2,
        on_invalid="ignore",
        on_shift="ignore",
    ).fit(NUMBERS, TARGET)
    batch = NUMBERS.assign(a=[1e6, *NUMBERS["a"][1:]], b=[None, *NUMBERS["b"][1:]])
    prediction, report = model.predict(batch, return_report=True)
    assert np.isfinite(prediction).all()
    assert {"DA401", "DA403"} <= {finding.code for finding in report.findings}


def test_before_an_estimator_a_guard_hides_what_it_mends() -> None:
    """The estimator behind the guard sees the guarded table, and can judge no other.

    It learns of repairs from the indicators alone.
    """
    settings: dict[str, Any] = {"range": "clip", "missing": "impute"}
    inner = DriftAwareEstimator(Ridge(), cv=2, on_invalid="ignore", on_shift="ignore")
    batch = NUMBERS.assign(a=1e6, b=[None, *NUMBERS["b"][1:]])
    hidden = make_pipeline(InputGuard("repair", **settings), clone(inner))
    hidden.fit(NUMBERS, TARGET)
    guarded, told = hidden[0].transform(batch, return_report=True)
    report = hidden[-1].check(guarded)
    assert {"DA401", "DA403"} == {action.code for action in told.actions}
    assert not {"DA401", "DA403"} & {finding.code for finding in report.findings}
    shown = make_pipeline(
        InputGuard("repair", **settings, add_indicator=True), clone(inner)
    ).fit(NUMBERS, TARGET)
    report = shown[-1].check(shown[0].transform(batch))
    named = {name for finding in report.findings for name in finding.features}
    assert "rangeindicator_a" in named
