"""A fitted wrapper travels: copies report the same, grow little and hold no row."""

from __future__ import annotations

import copy
import io
import os
import pickle
import struct
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import cloudpickle
import joblib
import numpy as np
import pandas as pd
import pytest
import skops.io
from sklearn.base import clone, is_classifier
from sklearn.cluster import KMeans
from sklearn.compose import make_column_transformer
from sklearn.ensemble import RandomForestRegressor
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LinearRegression, LogisticRegression, Ridge
from sklearn.model_selection import GridSearchCV, GroupKFold
from sklearn.multioutput import MultiOutputClassifier
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

import skdrift
from skdrift import TRUSTED_TYPES, DriftAwareEstimator

RNG = np.random.default_rng(0)
N_ROWS = 300
ROWS = RNG.normal(size=(N_ROWS, 4))
LABELS = np.where(ROWS[:, 0] + RNG.normal(size=N_ROWS) > 0, "yes", "no")
VALUES = ROWS[:, 0] - ROWS[:, 1]
LABEL_SETS = np.column_stack([ROWS[:, 0] > 0, ROWS[:, 1] > 0]).astype(int)
TABLE = pd.DataFrame(ROWS, columns=["a", "b", "c", "d"]).assign(
    town=pd.Categorical(RNG.choice(["Rome", "Oslo", "Lima"], N_ROWS)),
    mixed=np.array([1, "1", 1.5, None], dtype=object)[RNG.integers(0, 4, N_ROWS)],
    note=[f"note {k} of {k * 7919}" for k in range(N_ROWS)],
    day=pd.date_range("2026-01-01", periods=N_ROWS, freq="h"),
    zoned=pd.date_range("2026-01-01", periods=N_ROWS, freq="h", tz="Europe/Rome"),
    took=pd.to_timedelta(np.arange(N_ROWS), "s"),
    right=RNG.random(N_ROWS) > 0.5,
    nothing=np.full(N_ROWS, np.nan),
    maybe=pd.array(RNG.choice([1, 2, None], N_ROWS), dtype="Int64"),
)
MOVED = TABLE.assign(a=TABLE["a"] + 1.0, b=np.inf, note="", town="Bonn").drop(
    columns="c"
)

columns = make_column_transformer(
    (OneHotEncoder(handle_unknown="ignore"), ["town"]), ("passthrough", ["a", "b"])
)
MODELS: dict[str, Callable[[], tuple[Any, Any, Any]]] = {
    "classifier": lambda: (LogisticRegression(), ROWS, LABELS),
    "regressor": lambda: (RandomForestRegressor(4, random_state=0), ROWS, VALUES),
    "pipeline": lambda: (make_pipeline(columns, GaussianNB()), TABLE, LABELS),
    "label sets": lambda: (
        MultiOutputClassifier(LogisticRegression()),
        ROWS,
        LABEL_SETS,
    ),
    "search": lambda: (GridSearchCV(Ridge(), {"alpha": [1, 2]}, cv=2), ROWS, VALUES),
    "frozen": lambda: (
        FrozenEstimator(LogisticRegression().fit(ROWS, LABELS)),
        ROWS,
        LABELS,
    ),
    "transformer": lambda: (StandardScaler(), ROWS, None),
    "clusterer": lambda: (KMeans(2, n_init=1, random_state=0), ROWS, None),
    "of wrappers": lambda: (
        make_pipeline(StandardScaler(), DriftAwareEstimator(Ridge(), cv=2)),
        ROWS,
        VALUES,
    ),
}


def fitted(name: str) -> tuple[DriftAwareEstimator, Any, Any]:
    estimator, X, y = MODELS[name]()
    scoring = "accuracy" if name == "pipeline" else None
    wrapper = DriftAwareEstimator(estimator, cv=2, scoring=scoring, on_shift="ignore")
    return wrapper.set_params(on_invalid="ignore").fit(X, y), X, y


def through_a_file(write: Callable[..., Any], read: Callable[..., Any]) -> Any:
    def travel(model: Any, folder: Path) -> Any:
        write(model, folder / "model")
        return read(folder / "model")

    return travel


TRAVELS: dict[str, Callable[[Any, Path], Any]] = {
    **{
        f"pickle {protocol}": lambda model, folder, protocol=protocol: pickle.loads(
            pickle.dumps(model, protocol)
        )
        for protocol in range(2, pickle.HIGHEST_PROTOCOL + 1)
    },
    "cloudpickle": lambda model, folder: pickle.loads(cloudpickle.dumps(model)),
    "joblib": through_a_file(joblib.dump, joblib.load),
    "joblib, mapped": through_a_file(
        joblib.dump, lambda path: joblib.load(path, mmap_mode="r")
    ),
    "deepcopy": lambda model, folder: copy.deepcopy(model),
    "copy": lambda model, folder: copy.copy(model),
    "dump and load": through_a_file(
        skdrift.dump, lambda path: skdrift.load(path, trusted=OF_SCIKIT_LEARN)
    ),
}

# Of scikit-learn's own types, those here that skops does not trust by itself.
OF_SCIKIT_LEARN = [
    "sklearn.metrics._scorer._PassthroughScorer",
    "sklearn.model_selection._split.KFold",
    "sklearn.tree._tree.Tree",
]


def assert_same_reports(one: Any, other: Any, batches: Iterable[Any], y: Any) -> None:
    for batch in batches:
        assert one.check(batch) == other.check(batch)
        np.testing.assert_array_equal(one.flag(batch).codes, other.flag(batch).codes)
        assert repr(one.flag(batch)) == repr(other.flag(batch))
    if y is not None:
        assert one.check(batch, y[: len(batch)]) == other.check(batch, y[: len(batch)])


@pytest.mark.parametrize("travel", TRAVELS)
@pytest.mark.parametrize("name", MODELS)
def test_a_copy_reports_and_answers_as_the_original(
    name: str, travel: str, tmp_path: Path
) -> None:
    model, X, y = fitted(name)
    again = TRAVELS[travel](model, tmp_path)
    moved = MOVED if name == "pipeline" else X + 0.5
    assert_same_reports(model, again, [moved, X[:40], X[:1], X], y)
    answer = "predict" if hasattr(model, "predict") else "transform"
    np.testing.assert_array_equal(getattr(again, answer)(X), getattr(model, answer)(X))
    assert repr(again) == repr(model)
    assert again.baseline_.pass_name == model.baseline_.pass_name
    if travel not in {"copy", "deepcopy"}:
        assert pickle.dumps(again.baseline_) == pickle.dumps(
            pickle.loads(pickle.dumps(again.baseline_))
        )


@pytest.mark.parametrize("name", MODELS)
def test_a_clone_is_unfitted_and_fits_to_the_same_report(name: str) -> None:
    model, X, y = fitted(name)
    again = clone(model)
    assert not hasattr(again, "estimator_")
    assert not hasattr(again, "baseline_")
    assert_same_reports(model, again.fit(X, y), [X], y)


def test_a_copy_of_a_copy_of_a_copy_is_the_first_one(tmp_path: Path) -> None:
    model, X, y = fitted("pipeline")
    again = model
    for travel in ("dump and load", "pickle 5", "deepcopy", "joblib", "dump and load"):
        again = TRAVELS[travel](again, tmp_path)
    assert_same_reports(model, again, [MOVED, X], y)


@pytest.mark.parametrize("seed", ["1", "2"])
def test_another_process_reports_the_same(tmp_path: Path, seed: str) -> None:
    model, _, _ = fitted("pipeline")
    skdrift.dump(model, tmp_path / "model.skops")
    MOVED.to_pickle(tmp_path / "batch.pickle")
    code = (
        "import pandas, skdrift, sys\n"
        "model = skdrift.load(sys.argv[1])\n"
        "print(model.check(pandas.read_pickle(sys.argv[2])).to_json())"
    )
    # Other kernels of linear algebra would differ in the last digits of a p-value.
    kernels = {k: v for k, v in os.environ.items() if k.startswith("OPENBLAS_")}
    done = subprocess.run(
        [
            sys.executable,
            "-c",
            code,
            str(tmp_path / "model.skops"),
            str(tmp_path / "batch.pickle"),
        ],
        capture_output=True,
        text=True,
        check=True,
        cwd=Path(skdrift.__file__).parents[1],
        env={
            **kernels,
            "PYTHONHASHSEED": seed,
            "TZ": "Asia/Tokyo",
            "OMP_NUM_THREADS": "1",
        },
    )
    assert done.stdout.strip() == model.check(MOVED).to_json()


# --- what skops has to trust --------------------------------------------------


@pytest.mark.parametrize("name", MODELS)
def test_the_wrapper_adds_the_trusted_types_and_no_other(name: str) -> None:
    model, _, _ = fitted(name)
    stored = skops.io.dumps(model)
    bare = skops.io.dumps(model.estimator_)
    of_the_model = set(skops.io.get_untrusted_types(data=bare)) - set(TRUSTED_TYPES)
    found = set(skops.io.get_untrusted_types(data=stored)) - of_the_model
    on_request = {kind for kind in TRUSTED_TYPES if kind.startswith("skdrift.guards.")}
    not_of_every_model = {
        "skdrift.performance._optimism.ScoreOptimism",
        "skdrift.performance._reference_rows.ReferenceRows",
        "skdrift.profile._blocks.BlockValues",
        "skdrift.shift._dependence.Dependence",
        "skdrift.shift._trend.Trend",
    }
    losses = getattr(model.baseline_, "losses", None)
    if not is_classifier(model.estimator_) or losses.reason:
        not_of_every_model |= {"skdrift.performance._class_laws.ClassLaws"}
    on_request |= not_of_every_model
    without_scores = {"transformer", "clusterer"}
    if name in without_scores:
        assert found - not_of_every_model < set(TRUSTED_TYPES) - on_request
    else:
        assert found - not_of_every_model == set(TRUSTED_TYPES) - on_request
    again = skops.io.loads(stored, trusted=[*TRUSTED_TYPES, *of_the_model])
    assert again.check(MODELS[name]()[1]) == model.check(MODELS[name]()[1])


def test_a_splitter_as_cv_is_written_and_read(tmp_path: Path) -> None:
    model = DriftAwareEstimator(LogisticRegression(), cv=GroupKFold(3))
    model.fit(ROWS, LABELS, groups=np.arange(N_ROWS) // 10)
    skdrift.dump(model, tmp_path / "model.skops")
    trusted = ["sklearn.model_selection._split.GroupKFold"]
    again = skdrift.load(tmp_path / "model.skops", trusted=trusted)
    assert again.check(ROWS) == model.check(ROWS)


# --- how much it grows --------------------------------------------------------


def wide_numbers(rng: np.random.Generator) -> pd.DataFrame:
    return pd.DataFrame(rng.normal(size=(20_000, 50)), columns=range(50)).add_prefix(
        "measured quantity "
    )


def wide_mixture(rng: np.random.Generator) -> pd.DataFrame:
    n = 20_000
    return pd.DataFrame(
        {
            **{f"float {k}": rng.normal(size=n) for k in range(10)},
            **{f"count {k}": rng.poisson(50, n) for k in range(10)},
            **{f"flag {k}": rng.random(n) > 0.5 for k in range(10)},
            **{
                f"level {k}": rng.choice([f"level {j}" for j in range(30)], n)
                for k in range(10)
            },
            **{
                f"text {k}": pd.Series(rng.integers(0, 10**9, n)).map("id-{}".format)
                for k in range(10)
            },
        }
    )


@pytest.mark.parametrize("make", [wide_numbers, wide_mixture])
def test_fifty_columns_add_less_than_200_kb_to_the_artifact(
    make: Callable[[np.random.Generator], pd.DataFrame], tmp_path: Path
) -> None:
    X = make(np.random.default_rng(0))
    numbers = X.select_dtypes("number").columns[:10]
    y = X[numbers[0]].to_numpy()
    estimator = make_pipeline(
        make_column_transformer(("passthrough", list(numbers))), LinearRegression()
    )
    bare = clone(estimator).fit(X, y)
    model = DriftAwareEstimator(estimator, cv=2).fit(X, y)
    for saved in (model, bare):
        skdrift.dump(saved, tmp_path / type(saved).__name__)
    sizes = {path.name: path.stat().st_size for path in tmp_path.iterdir()}
    assert sizes["DriftAwareEstimator"] - sizes["Pipeline"] < 200_000


# --- what it holds of the training data ---------------------------------------


def bytes_of(model: Any, folder: Path) -> dict[str, bytes]:
    """Everything that is written of a model, uncompressed, by each way of writing."""
    skdrift.dump(model, folder / "model.skops")
    with zipfile.ZipFile(io.BytesIO((folder / "model.skops").read_bytes())) as archive:
        members = [archive.read(name) for name in archive.namelist()]
    return {"skops": b"\n".join(members), "pickle": pickle.dumps(model)}


def forms_of(value: Any) -> tuple[bytes, ...]:
    """Ways in which a value could stand in a file."""
    if isinstance(value, float):
        single = struct.pack("<f", value)
        return (struct.pack("<d", value), single, repr(value).encode())
    if isinstance(value, int):
        return (struct.pack("<q", value), str(value).encode())
    return (value.encode(), value.encode("utf-16-le"))


def held(blob: bytes, values: Iterable[Any]) -> int:
    """How many of the values stand in the bytes, in any form."""
    return sum(any(form in blob for form in forms_of(value)) for value in values)


N_LONG = 4_000
MOST_KEPT = 129 + 2  # 129 quantiles of a column, and its two extremes


@pytest.fixture(scope="module")
def long_table() -> pd.DataFrame:
    rng = np.random.default_rng(1)
    return pd.DataFrame(
        {
            "a": rng.normal(size=N_LONG),
            "b": np.exp(rng.normal(size=N_LONG)),
            "id": rng.permutation(N_LONG) * 1_000_003 + 2**40,
            "name": [f"person {k}" for k in rng.permutation(N_LONG) + 10**6],
            "town": rng.choice(["Rome", "Oslo"], N_LONG),
        }
    )


@pytest.fixture(scope="module")
def long_model(long_table: pd.DataFrame) -> DriftAwareEstimator:
    return fit_long(long_table)


def fit_long(table: pd.DataFrame, **settings: Any) -> DriftAwareEstimator:
    estimator = make_pipeline(
        make_column_transformer(("passthrough", ["a", "b"])), LinearRegression()
    )
    y = table["a"].to_numpy() * 3 + table["b"].to_numpy() / 7 + 0.123456789
    return DriftAwareEstimator(estimator, cv=2, **settings).fit(table, y)


def test_of_numbers_only_quantiles_and_extremes_are_kept(
    long_model: DriftAwareEstimator, long_table: pd.DataFrame, tmp_path: Path
) -> None:
    for blob in bytes_of(long_model, tmp_path).values():
        for name in ("a", "b", "id"):
            values = long_table[name].tolist()
            assert held(blob, [min(values), max(values)]) == 2
            assert held(blob, values) <= MOST_KEPT


def test_no_row_is_kept(
    long_model: DriftAwareEstimator, long_table: pd.DataFrame, tmp_path: Path
) -> None:
    for blob in bytes_of(long_model, tmp_path).values():
        found = np.column_stack(
            [
                [held(blob, [value]) for value in long_table[name].tolist()]
                for name in ("a", "b", "id")
            ]
        )
        # Each column keeps one value in 30: by chance, no row is kept in all three.
        assert found.all(axis=1).sum() <= 1


def test_no_target_is_kept(
    long_model: DriftAwareEstimator, long_table: pd.DataFrame, tmp_path: Path
) -> None:
    y = long_table["a"] * 3 + long_table["b"] / 7 + 0.123456789
    noisy = y + np.random.default_rng(2).normal(size=N_LONG)
    model = clone(long_model).fit(long_table, noisy)
    for blob in bytes_of(model, tmp_path).values():
        assert held(blob, noisy.tolist()) == 0


def test_of_texts_that_identify_a_row_none_is_kept(
    long_model: DriftAwareEstimator, long_table: pd.DataFrame, tmp_path: Path
) -> None:
    for blob in bytes_of(long_model, tmp_path).values():
        assert held(blob, long_table["name"]) == 0


def test_names_of_categories_are_kept_and_rare_ones_can_be_hidden(
    long_table: pd.DataFrame, tmp_path: Path
) -> None:
    towns = long_table["town"].to_numpy().copy()
    towns[:3] = "Atlantis"
    table = long_table.assign(town=towns)
    open_, hiding = fit_long(table), fit_long(table, min_category_count=5)
    for blob in bytes_of(open_, tmp_path).values():
        assert held(blob, ["Rome", "Oslo", "Atlantis"]) == 3
    for blob in bytes_of(hiding, tmp_path).values():
        assert held(blob, ["Rome", "Oslo"]) == 2
        assert held(blob, ["Atlantis"]) == 0
    assert not hiding.flag(table).codes.any()  # hidden, and known all the same


def test_a_model_that_keeps_its_rows_is_found_out(
    long_table: pd.DataFrame, tmp_path: Path
) -> None:
    # The search itself can fail: a model that keeps the table is found to do so.
    model = fit_long(long_table)
    model.estimator_.rows_ = long_table["a"].to_numpy()
    for blob in bytes_of(model, tmp_path).values():
        assert held(blob, long_table["a"].tolist()) == N_LONG


def test_what_is_kept_does_not_grow_with_the_rows() -> None:
    rng = np.random.default_rng(0)
    sizes = [
        len(
            pickle.dumps(
                DriftAwareEstimator(LogisticRegression(), cv=2)
                .fit(rng.normal(size=(n, 5)), rng.integers(0, 2, n))
                .baseline_
            )
        )
        for n in (2_000, 40_000)
    ]
    assert sizes[1] < 1.25 * sizes[0]  # of twenty times as many rows
