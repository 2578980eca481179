"""After `fit` nothing changes the wrapper, nor the tables that it is given."""

from __future__ import annotations

import hashlib
import threading
import warnings
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import joblib
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
import scipy.sparse
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.compose import make_column_transformer
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.ensemble import IsolationForest
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from skdrift import DriftAwareEstimator, DriftWarning, SkdriftWarning

N_ROWS = 400
RNG = np.random.default_rng(0)
ROWS = RNG.normal(size=(N_ROWS, 4))
LABELS = np.where(ROWS[:, 0] > 0, "yes", "no")
TABLE = pd.DataFrame(ROWS, columns=list("abcd")).assign(
    town=pd.Categorical(RNG.choice(["Rome", "Oslo"], N_ROWS)),
    note=RNG.choice(["wet", "dry", None], N_ROWS),
)
MOVED = TABLE.assign(a=TABLE["a"] + 1.0, town="Lima", b=np.inf)


def fingerprint(value: Any) -> str:
    """Digest of everything that an object holds, to the last bit of every array."""
    return str(joblib.hash(value, hash_name="sha1"))


def fitted() -> DriftAwareEstimator:
    columns = make_column_transformer(
        (OneHotEncoder(handle_unknown="ignore"), ["town", "note"]),
        (StandardScaler(), list("acd")),
    )
    pipeline = make_pipeline(columns, LinearDiscriminantAnalysis())
    forest = IsolationForest(n_estimators=10, random_state=0)
    return DriftAwareEstimator(pipeline, cv=2, novelty=forest).fit(TABLE, LABELS)


@pytest.fixture(scope="module")
def model() -> DriftAwareEstimator:
    return fitted()


USES: dict[str, Callable[[Any, Any], Any]] = {
    "predict": lambda m, X: m.predict(X),
    "predict with a report": lambda m, X: m.predict(X, return_report=True),
    "predict one row": lambda m, X: m.predict(X[:1]),
    "predict_proba": lambda m, X: m.predict_proba(X),
    "predict_log_proba": lambda m, X: m.predict_log_proba(X),
    "decision_function": lambda m, X: m.decision_function(X),
    "transform": lambda m, X: m.transform(X),
    "check": lambda m, X: m.check(X),
    "check with labels": lambda m, X: m.check(X, LABELS),
    "flag": lambda m, X: m.flag(X).to_frame(),
    "score": lambda m, X: m.score(X, LABELS),
    "estimate_score": lambda m, X: m.estimate_score(X),
    "estimate_label_shift": lambda m, X: m.estimate_label_shift(X),
    "decompose": lambda m, X: m.decompose(X, LABELS),
    "selective_score": lambda m, X: m.selective_score(X, LABELS),
    "score_at_coverage": lambda m, X: m.score_at_coverage(X, LABELS, [0.5, 1.0]),
    "repr": lambda m, X: repr(m),
    "HTML": lambda m, X: m._repr_html_(),
    "repr of the baseline": lambda m, X: repr(m.baseline_),
    "get_params": lambda m, X: m.get_params(deep=True),
    "report as HTML": lambda m, X: m.check(X)._repr_html_(),
    "report as JSON": lambda m, X: m.check(X).to_json(),
    "report as text": lambda m, X: str(m.check(X)),
    "routing": lambda m, X: m.get_metadata_routing(),
    "attributes": lambda m, X: (m.classes_, m.n_features_in_, m.feature_names_in_),
    "names": lambda m, X: dir(m),
}


@pytest.mark.parametrize("batch", [TABLE, MOVED], ids=["like training", "moved"])
@pytest.mark.parametrize("use", USES)
def test_no_use_changes_a_fitted_model(
    model: DriftAwareEstimator, use: str, batch: pd.DataFrame
) -> None:
    before = fingerprint(model)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SkdriftWarning)  # the batch has moved
        USES[use](model, batch)
    assert fingerprint(model) == before


def test_every_public_method_is_among_the_uses() -> None:
    changing = {
        "fit",
        "fit_predict",
        "fit_transform",
        "set_callbacks",
        "set_output",
        "set_params",
    }
    elsewhere = {"get_feature_names_out", "inverse_transform", "score_samples"}
    public = {
        name
        for name in dir(DriftAwareEstimator)
        if not name.startswith("_")
        and callable(getattr(DriftAwareEstimator, name, None))
        and not name.endswith("_request")
    }
    used = {use.split()[0] for use in USES} | {"get_metadata_routing"}
    assert public - changing - elsewhere - used == set()


def test_the_fingerprint_sees_a_single_bit(model: DriftAwareEstimator) -> None:
    other = fitted()
    assert fingerprint(other) == fingerprint(model)
    other.baseline_.reference.mean[2] = np.nextafter(
        other.baseline_.reference.mean[2], np.inf
    )
    assert fingerprint(other) != fingerprint(model)


def raw_bytes(X: Any) -> str:
    """Digest of a table, of the order of its memory and of its labels."""
    if isinstance(X, pl.DataFrame | pa.Table):
        table = X.to_arrow() if isinstance(X, pl.DataFrame) else X
        buffers = [
            bytes(buffer)
            for column in table.columns
            for chunk in column.chunks
            for buffer in chunk.buffers()
            if buffer is not None
        ]
        return hashlib.sha1(b"".join(buffers) + str(table.schema).encode()).hexdigest()
    if isinstance(X, pd.DataFrame):
        return fingerprint((X.index, list(X.columns), [X[c].array for c in X.columns]))
    if scipy.sparse.issparse(X):
        parts = ("data", "indices", "indptr", "row", "col")
        return fingerprint([getattr(X, part, None) for part in parts])
    if isinstance(X, np.ma.MaskedArray):
        return fingerprint((X.data, X.mask))
    return fingerprint(X)


def unsorted_csr() -> scipy.sparse.csr_matrix:
    """Indices out of order, an entry twice, an explicit zero: all as they are."""
    return scipy.sparse.csr_matrix(
        (
            np.array([1.0, 2.0, 0.0, 3.0, 3.0] * 80),
            np.tile([2, 0, 1, 3, 3], 80),
            np.arange(0, 401, 1),
        ),
        shape=(400, 4),
    )


CONTAINERS: dict[str, Callable[[], Any]] = {
    "C order": lambda: ROWS.copy(),
    "Fortran order": lambda: np.asfortranarray(ROWS),
    "strides": lambda: np.repeat(ROWS, 2, axis=1)[:, ::2],
    "big endian": lambda: ROWS.astype(">f8"),
    "missing": lambda: np.where(ROWS > 2, np.nan, ROWS),
    "objects": lambda: ROWS.astype(object),
    "masked": lambda: np.ma.masked_greater(ROWS, 2.0),
    "lists": lambda: ROWS.tolist(),
    "pandas": lambda: pd.DataFrame(ROWS, columns=list("abcd")),
    "pandas, texts": lambda: TABLE.drop(columns="town"),
    "pandas, Arrow": lambda: TABLE.convert_dtypes(dtype_backend="pyarrow"),
    "polars": lambda: pl.DataFrame(ROWS, schema=list("abcd")),
    "pyarrow": lambda: pa.table({name: ROWS[:, j] for j, name in enumerate("abcd")}),
    "CSR": unsorted_csr,
    "CSC": lambda: unsorted_csr().tocsc(),
    "COO": lambda: scipy.sparse.coo_array(np.where(ROWS > 0, ROWS, 0.0)),
}


@pytest.mark.parametrize("container", CONTAINERS)
def test_no_look_changes_a_table(container: str) -> None:
    X = CONTAINERS[container]()
    if isinstance(X, np.ndarray) and container != "masked":
        X.flags.writeable = False
    before = raw_bytes(X)
    model = DriftAwareEstimator(Anything(), cv=None).fit(X)
    assert raw_bytes(X) == before
    model.transform(X)
    model.check(X)
    model.flag(X)
    assert raw_bytes(X) == before


class Anything(StandardScaler):
    """Transformer that takes every table and gives it back."""

    def fit(self, X: Any, y: Any = None) -> Anything:
        self.fitted_ = True
        return self

    def transform(self, X: Any) -> Any:
        return X


def together(n_threads: int, work: Callable[[int], Any]) -> list[Any]:
    """Run `work` in that many threads that all begin at the same moment."""
    gate = threading.Barrier(n_threads)

    def start(number: int) -> Any:
        gate.wait()
        return work(number)

    with ThreadPoolExecutor(n_threads) as pool:
        return list(pool.map(start, range(n_threads)))


def test_sixteen_threads_on_one_model_get_what_one_gets(
    model: DriftAwareEstimator,
) -> None:
    before = fingerprint(model)
    batches = [MOVED, TABLE]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SkdriftWarning)
        alone = [
            (
                model.predict_proba(batch).tobytes(),
                model.check(batch, LABELS).to_json(),
                model.flag(batch).codes.tobytes(),
            )
            for batch in batches
        ]

        def work(number: int) -> bool:
            for turn in range(4):
                batch = batches[(number + turn) % 2]
                answer, report = model.predict_proba(batch, return_report=True)
                got = (
                    answer.tobytes(),
                    model.check(batch, LABELS).to_json(),
                    model.flag(batch).codes.tobytes(),
                )
                if got != alone[(number + turn) % 2] or report.n_rows != N_ROWS:
                    return False
            return True

        assert all(together(16, work))
    assert fingerprint(model) == before


def test_every_call_of_sixteen_threads_gives_its_warning() -> None:
    model = DriftAwareEstimator(LogisticRegression(), cv=2).fit(ROWS, LABELS)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        together(16, lambda number: model.predict(ROWS + 1.0))
    assert len(caught) == 16
    assert all(issubclass(warning.category, DriftWarning) for warning in caught)


class Yes(ClassifierMixin, BaseEstimator):
    """Classifier of one answer, which leaves the filters of warnings alone."""

    def fit(self, X: Any, y: Any) -> Yes:
        self.classes_ = np.array(["no", "yes"])
        return self

    def predict(self, X: Any) -> np.ndarray:
        return np.full(len(X), "yes")


def share_of_yes(estimator: Any, X: Any, y: Any) -> float:
    return float(np.mean(estimator.predict(X) == y))


def test_checks_with_labels_in_threads_leave_the_filters_of_warnings_alone() -> None:
    # They are of the process: threads that change them lose each other's warnings.
    model = DriftAwareEstimator(Yes(), cv=2, scoring=share_of_yes).fit(TABLE, LABELS)
    seen: set[int] = set()

    def work(number: int) -> None:
        for _ in range(5):
            model.check(TABLE, LABELS)
            seen.add(len(warnings.filters))

    before = list(warnings.filters)
    together(16, work)
    assert list(warnings.filters) == before
    assert seen == {len(before)}
