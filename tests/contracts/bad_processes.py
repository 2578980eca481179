"""The catalogue's rows that are no tables: labels, weights, artifacts and processes.

Artifacts (66-76) are tested in depth in ``tests/persistence``: here stands one row for
each number, as seen by someone who saves and loads a wrapped model.
"""

from __future__ import annotations

import errno
import json
import os
import pickle
import re
import subprocess
import sys
import threading
import warnings
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from input_tables import Recorder, columns_of, labels_of, plain_array
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin, clone
from sklearn.dummy import DummyClassifier
from sklearn.linear_model import LinearRegression, LogisticRegression, Ridge
from sklearn.neighbors import KNeighborsClassifier
from sklearn.preprocessing import FunctionTransformer

import skdrift
from skdrift import DriftAwareEstimator, DriftReport
from skdrift.exceptions import (
    ArtifactError,
    ArtifactReadError,
    ArtifactSizeError,
    ArtifactVersionError,
    ArtifactVersionWarning,
    ArtifactWriteError,
    BaselineWarning,
    InputError,
    NotFittedError,
    SkdriftError,
    UntrustedTypeError,
)

N_TRAINING = 200


@dataclass(frozen=True, slots=True)
class Process:
    """One row: its number in the catalogue (0: in no part of it), and what is tried."""

    number: int
    name: str
    run: Callable[[Path], None]


def good_data() -> tuple[np.ndarray, np.ndarray]:
    return plain_array(columns_of("numbers", N_TRAINING, 0)), np.array(
        labels_of("numbers")
    )


def good_model(**params: Any) -> DriftAwareEstimator:
    X, y = good_data()
    return DriftAwareEstimator(LogisticRegression(), cv=2, **params).fit(X, y)


def error_of(call: Callable[[], Any]) -> BaseException | None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            call()
        except Exception as error:
            return error
    return None


def assert_fit_errs_alike(bare: Any, X: Any, y: Any, **params: Any) -> bool:
    """Whether both fit; else they must raise the same."""
    alone = error_of(lambda: clone(bare).fit(X, y, **params))
    wrapped = error_of(lambda: DriftAwareEstimator(bare, cv=2).fit(X, y, **params))
    assert type(wrapped) is type(alone), repr(wrapped)
    assert str(wrapped) == str(alone)
    return alone is None


# --- columns, weights, rows and labels ----------------------------------------------


def many_columns(folder: Path) -> None:
    rng = np.random.default_rng(0)
    names = [f"column {j}" for j in range(5000)]
    X = pd.DataFrame(rng.normal(size=(200, 5000)), columns=names)
    model = DriftAwareEstimator(Recorder(), cv=None).fit(X, np.zeros(200))
    report = model.check(X + 3.0)
    assert len(report.alarms) >= 5000
    assert str(report).count("\n") < 200
    page = report._repr_html_()
    table = page[page.index("The 100 worst of 5,000") :]
    assert len(re.findall(r"column \d+", table)) in range(100, 120)


def odd_weights(folder: Path) -> None:
    X, y = good_data()
    for odd in (0.0, -1.0, np.nan, np.inf):
        weights = np.ones(len(y))
        weights[:50] = odd
        for bare in (LogisticRegression(), Ridge(), LinearRegression()):
            if not assert_fit_errs_alike(bare, X, y, sample_weight=weights):
                continue
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                alone = clone(bare).fit(X, y, sample_weight=weights)
                wrapped = DriftAwareEstimator(bare, cv=2)
                wrapped.fit(X, y, sample_weight=weights)
                answers = [model.predict(X) for model in (alone, wrapped)]
            np.testing.assert_array_equal(*answers)


def changed_under_way(folder: Path) -> None:
    """What comes out is not defined, but it is a report or an error of ours."""
    model = good_model()
    X = np.vstack([good_data()[0]] * 50)
    stop = threading.Event()

    def change() -> None:
        rng = np.random.default_rng(0)
        while not stop.is_set():
            X[rng.integers(0, len(X), 100), rng.integers(0, 3)] = rng.choice(
                [np.nan, np.inf, 1e308, 0.0]
            )

    thread = threading.Thread(target=change)
    thread.start()
    try:
        for _ in range(20):
            try:
                assert isinstance(model.check(X), DriftReport)
                model.flag(X)
            except SkdriftError:
                pass
    finally:
        stop.set()
        thread.join()


def one_class(folder: Path) -> None:
    X, y = good_data()
    assert not assert_fit_errs_alike(LogisticRegression(), X, np.zeros_like(y))
    model = DriftAwareEstimator(DummyClassifier(), cv=2).fit(X, np.zeros_like(y))
    assert model.check(X, np.zeros_like(y)).expected_score["score"].realised == 1.0


def class_of_one_row(folder: Path) -> None:
    X, y = good_data()
    y = np.where(np.arange(len(y)) == 7, 2, y)
    bare = LogisticRegression().fit(X, y)
    model = DriftAwareEstimator(LogisticRegression(), cv=5).fit(X, y)
    np.testing.assert_array_equal(model.predict(X), bare.predict(X))
    np.testing.assert_array_equal(model.classes_, [0, 1, 2])
    assert np.isfinite(model.check(X).expected_score["score"].value)


def class_missing_from_a_fold(folder: Path) -> None:
    X, y = good_data()
    y = np.repeat([0, 1, 2, 3], 50)
    rows = np.arange(200)
    folds = [(np.delete(rows, part), part) for part in np.split(rows, 4)]
    for scoring in (None, "neg_log_loss", "roc_auc_ovr"):
        model = DriftAwareEstimator(LogisticRegression(), cv=folds, scoring=scoring)
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            model.fit(X, y)
        assert {found.category for found in caught} <= {BaselineWarning}
        (score,) = model.check(X).expected_score.values()
        assert np.isfinite(score.value) or score.reason
        assert np.isfinite(score.value) or len(caught) == 1


def labels_unseen(folder: Path) -> None:
    model = good_model(scoring=["accuracy", "neg_log_loss"])
    X, y = good_data()
    report = model.check(X, np.full_like(y, 7))
    assert report.expected_score["accuracy"].realised == 0.0
    failed = report.expected_score["neg_log_loss"]
    assert np.isnan(failed.realised)
    assert failed.reason
    assert {found.code for found in report.findings} >= {"DA201", "DA202"}


def labels_of_any_form(folder: Path) -> None:
    X, y = good_data()
    texts = np.array(["no", "yes"])[y]
    forms: list[Any] = [
        texts,
        texts.astype(object),
        texts.tolist(),
        pd.Series(texts),
        pd.Series(texts, dtype="category"),
        y.astype(float),
        y.astype(bool),
        np.column_stack([y, 1 - y]),
        np.column_stack([texts, texts[::-1]]),
        pd.DataFrame({"one": y, "two": y[::-1]}),
        y.reshape(-1, 1),
        np.where(y == 1, np.nan, 0.0),
        np.where(y == 1, None, "no"),
        y + 0.5,
        np.array([{}] * len(y)),
    ]
    for form in forms:
        for bare in (KNeighborsClassifier(), LinearRegression(), Recorder()):
            if not assert_fit_errs_alike(bare, X, form):
                continue
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                alone = clone(bare).fit(X, form)
                model = DriftAwareEstimator(bare, cv=2).fit(X, form)
                expected = alone.predict(X)
                np.testing.assert_array_equal(model.predict(X), expected)
            report = model.check(X, form)
            assert isinstance(report, DriftReport)
            json.loads(report.to_json())


def lengths_differ(folder: Path) -> None:
    X, y = good_data()
    assert not assert_fit_errs_alike(LogisticRegression(), X, y[:-1])
    assert not assert_fit_errs_alike(LogisticRegression(), pd.DataFrame(X), y[:-1])
    model = good_model()
    for table in (X, X.tolist(), pd.DataFrame(X)):
        with pytest.raises(InputError, match="same number of rows, got 200 and 199"):
            model.check(table, y[:-1])
    for table, labels in (
        (None, y),
        (3.5, y),
        ((row for row in X), y),
        ({"a": [1.0]}, y),
        (X, 3.5),
        (X, (label for label in y)),
    ):
        with pytest.raises(SkdriftError):
            model.check(table, labels)


def few_rows_for_the_folds(folder: Path) -> None:
    X, _ = good_data()
    model = DriftAwareEstimator(LogisticRegression(), cv=5)
    with pytest.warns(BaselineWarning, match="no cross-validated score"):
        model.fit(X[:4], [0, 1, 0, 1])
    assert model.check(X[:4]).outcome == "undecided"
    assert model.check(X).expected_score == {}


class _FailsTheSecondTime:
    def __init__(self) -> None:
        self.calls = 0

    def __call__(self, estimator: Any, X: Any, y: Any) -> float:
        self.calls += len(y) == N_TRAINING // 2
        if self.calls == 2:
            raise ValueError("no positive label in this fold")
        return 0.5


def failing_scorer(folder: Path) -> None:
    X, y = good_data()
    model = DriftAwareEstimator(Recorder(), cv=2, scoring=_FailsTheSecondTime())
    with pytest.warns(BaselineWarning, match="no positive label in this fold"):
        model.fit(X, y)
    (score,) = model.baseline_.scores
    assert np.isnan(score.folds).tolist() == [False, True]
    assert "no positive label in this fold" in score.reason
    assert "no positive label in this fold" in str(model.check(X))


def unfitted(folder: Path) -> None:
    X, y = good_data()
    model = DriftAwareEstimator(LogisticRegression())
    for call in (
        lambda: model.predict(X),
        lambda: model.predict(X, return_report=True),
        lambda: model.predict_proba(X),
        lambda: model.check(X),
        lambda: model.flag(X),
        lambda: model.score(X, y),
    ):
        with pytest.raises(NotFittedError, match="not fitted yet"):
            call()


# --- artifacts ----------------------------------------------------------------------


def saved(folder: Path) -> Path:
    path = folder / "model.skops"
    skdrift.dump(good_model(), path)
    return path


def forged(path: Path, change: Callable[[dict[str, bytes]], dict[str, bytes]]) -> None:
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in change(members).items():
            archive.writestr(name, content)


def with_record(**entries: Any) -> Callable[[dict[str, bytes]], dict[str, bytes]]:
    def change(members: dict[str, bytes]) -> dict[str, bytes]:
        record = {**json.loads(members["skdrift.json"]), **entries}
        return {**members, "skdrift.json": json.dumps(record).encode()}

    return change


def damaged_files(folder: Path) -> None:
    good = saved(folder).read_bytes()
    flipped = bytearray(good)
    flipped[len(good) // 3] ^= 1
    bad = folder / "bad.skops"
    for content in (
        b"",
        good[: len(good) // 2],
        bytes(flipped),
        pickle.dumps({"a": 1}),
        b"\x89PNG\r\n\x1a\n",
        b"model",
    ):
        bad.write_bytes(content)
        with pytest.raises(ArtifactReadError, match=r"bad\.skops"):
            skdrift.load(bad)
    with pytest.raises(ArtifactError):
        skdrift.load(folder)
    with pytest.raises(ArtifactError, match="nowhere"):
        skdrift.load(folder / "nowhere.skops")


def newer_format(folder: Path) -> None:
    path = saved(folder)
    forged(path, with_record(format=99))
    with pytest.raises(ArtifactVersionError, match=r"newer"):
        skdrift.load(path)


def same_format(folder: Path) -> None:
    X, _ = good_data()
    copy = skdrift.load(saved(folder))
    assert copy.check(X + 1.0) == good_model().check(X + 1.0)


def foreign_type(folder: Path) -> None:
    path = folder / "model.skops"
    skdrift.dump(
        DriftAwareEstimator(FunctionTransformer(os.path.join), cv=None).fit([[1.0]]),
        path,
    )
    with pytest.raises(UntrustedTypeError, match=r"posixpath\.join|ntpath\.join"):
        skdrift.load(path)


def bomb(folder: Path) -> None:
    path = saved(folder)
    forged(path, lambda members: {**members, "big.npy": bytes(300 << 20)})
    with pytest.raises(ArtifactError):
        skdrift.load(path)
    with pytest.raises(ArtifactSizeError):
        skdrift.load(saved(folder), max_size=1000)


def bytes_around(folder: Path) -> None:
    path = saved(folder)
    good = path.read_bytes()
    for content in (b"x" + good, good + b"x"):
        path.write_bytes(content)
        with pytest.raises(ArtifactReadError):
            skdrift.load(path)
    path.write_bytes(good)
    with warnings.catch_warnings(), zipfile.ZipFile(path, "a") as archive:
        warnings.simplefilter("ignore")
        archive.writestr("schema.json", b"{}")
    with pytest.raises(ArtifactReadError):
        skdrift.load(path)


def full_disk(folder: Path) -> None:
    path = saved(folder)
    before = path.read_bytes()

    def full(*args: Any, **kwargs: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fsync", full)
        with pytest.raises(ArtifactWriteError, match="No space left"):
            skdrift.dump(good_model(), path)
    assert path.read_bytes() == before
    assert os.listdir(folder) == [path.name]


def linked_target(folder: Path) -> None:
    target = saved(folder)
    link = folder / "latest.skops"
    link.symlink_to(target)
    skdrift.dump(good_model(), link)
    assert link.is_symlink()
    assert isinstance(skdrift.load(target), DriftAwareEstimator)


def unstorable(folder: Path) -> None:
    model = good_model(on_shift=lambda report: None)
    with pytest.raises(ArtifactWriteError, match="on_shift"):
        skdrift.dump(model, folder / "model.skops")
    assert os.listdir(folder) == []


def other_versions(folder: Path) -> None:
    path = saved(folder)
    forged(path, with_record(versions={"scikit-learn": "1.0", "numpy": "1.0"}))
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        skdrift.load(path)
    assert [found.category for found in caught] == [ArtifactVersionWarning]
    assert "scikit-learn 1.0" in str(caught[0].message)


def dumped_twice(folder: Path) -> None:
    X, _ = good_data()
    one, other = skdrift.load(saved(folder)), skdrift.load(saved(folder))
    assert one.check(X) == other.check(X)
    np.testing.assert_array_equal(one.predict_proba(X), other.predict_proba(X))


# --- processes ----------------------------------------------------------------------


class Interrupted(ClassifierMixin, BaseEstimator):
    """Fits once, and is interrupted in the first fold."""

    def __init__(self, error: type[BaseException] = KeyboardInterrupt) -> None:
        self.error = error

    def fit(self, X: Any, y: Any) -> Interrupted:
        if len(X) < N_TRAINING:
            raise self.error
        self.classes_ = np.unique(y)
        return self

    def predict(self, X: Any) -> np.ndarray:
        return np.zeros(len(X))


def interrupted(folder: Path, error: type[BaseException] = KeyboardInterrupt) -> None:
    X, y = good_data()
    model = DriftAwareEstimator(Interrupted(error), cv=2)
    with pytest.raises(error):
        model.fit(X, y)
    assert not [name for name in vars(model) if name.endswith("_")]
    model = good_model()
    before = dict(vars(model))
    model.estimator = Interrupted(error)
    with pytest.raises(error):
        model.fit(X, y)
    model.estimator = before["estimator"]
    assert vars(model) == before

    def stop(*args: Any) -> float:
        raise error

    model.scoring = {"score": stop}
    with pytest.raises(error):
        model.check(X, y)
    assert vars(model) == {**before, "scoring": {"score": stop}}


def out_of_memory(folder: Path) -> None:
    interrupted(folder, MemoryError)


def warnings_as_errors(folder: Path) -> None:
    X, y = good_data()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model = DriftAwareEstimator(
            LogisticRegression(), cv=2, on_shift="ignore", on_invalid="ignore"
        ).fit(X, y)
        bad = X + np.where(np.arange(len(X)) % 9 == 0, np.inf, 5.0)[:, None]
        assert not model.check(bad).ok
        assert model.flag(bad).rows()[::9].all()
        model.predict(X)


PROGRAM = """
import json, sys
import numpy as np
import skdrift
from sklearn.linear_model import LogisticRegression
rng = np.random.default_rng(0)
X = np.column_stack([rng.normal(size=(300, 2)), rng.integers(0, 4, 300)])
y = (X[:, 0] > 0).astype(int)
groups = np.array(["red", "gr\u00fcn", "blau"])[rng.integers(0, 3, 300)]
table = np.column_stack([X.astype(object), groups])
model = skdrift.DriftAwareEstimator(LogisticRegression(), cv=3).fit(X, y)
texts = skdrift.Grid.learn(table)
found = model.check(X + [0.0, 1.0, 0.0], y).to_dict()
found["text"] = str(model.check(X * 2))
found["flags"] = model.flag(X * 9).codes.tolist()
found["grid"] = {**texts.to_dict(), "salt": None}
open(sys.argv[1], "w", encoding="utf-8").write(json.dumps(found, sort_keys=True))
"""


def odd_environments(folder: Path) -> None:
    home = folder / "home"
    home.mkdir()
    home.chmod(0o500)
    paths = [path for path in sys.path if path]
    plain = {"PATH": os.environ["PATH"], "PYTHONPATH": os.pathsep.join(paths)}
    odd = {"HOME": str(home), "LC_ALL": "C", "TZ": "Pacific/Kiritimati"}
    found = []
    for place, (options, more) in enumerate(
        (
            ([], {"PYTHONHASHSEED": "1"}),
            (["-OO", "-W", "error"], {**odd, "PYTHONHASHSEED": "2"}),
        )
    ):
        path = folder / f"{place}.json"
        done = subprocess.run(
            [sys.executable, *options, "-c", _without_stdout(PROGRAM), str(path)],
            env={**plain, **more},
            stderr=subprocess.PIPE,
            check=False,
        )
        assert done.returncode == 0, done.stderr.decode()
        found.append(path.read_text(encoding="utf-8"))
    assert found[0] == found[1]


def _without_stdout(program: str) -> str:
    return "import os, sys\nos.close(1)\nsys.stdout = None\n" + program


class Faulty(RegressorMixin, BaseEstimator):
    """Answers with what its test gave it, and changes its input in place."""

    def __init__(self, answer: Any = None, meddles: bool = False) -> None:
        self.answer = answer
        self.meddles = meddles

    def fit(self, X: Any, y: Any) -> Faulty:
        if self.meddles:
            X[:] = 0.0
        self.fitted_ = True
        return self

    def predict(self, X: Any) -> Any:
        if isinstance(self.answer, Exception):
            raise self.answer
        if self.meddles:
            X[:] = 0.0
        return self.answer(len(X))


def faulty_models(folder: Path) -> None:
    X, y = good_data()
    for answer in (
        lambda n: np.full(n, np.nan),
        lambda n: np.zeros(n + 1),
        lambda n: np.zeros((n, 2, 2)),
        lambda n: None,
        lambda n: np.array(["a"] * n),
        lambda n: [1.0] * n,
        lambda n: 3.0,
    ):
        model = DriftAwareEstimator(Faulty(answer), cv=2)
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            model.fit(X, y)
        assert {found.category for found in caught} <= {BaselineWarning}
        np.testing.assert_array_equal(model.predict(X), answer(len(X)))
        report = model.check(X, y)
        score = report.expected_score["score"]
        assert np.isfinite(score.realised) or score.reason
        json.loads(report.to_json())


def raising_models(folder: Path) -> None:
    X, y = good_data()
    error = ValueError("no answer today")
    model = DriftAwareEstimator(Faulty(error), cv=2)
    with pytest.warns(BaselineWarning, match="no answer today"):
        model.fit(X, y)
    with pytest.raises(ValueError, match="no answer today") as raised:
        model.predict(X)
    assert str(raised.value) == str(error)
    assert not model.check(X, y).by_code("DA101")


def meddling_models(folder: Path) -> None:
    X, y = good_data()
    untouched = X.copy()
    model = DriftAwareEstimator(Faulty(np.zeros, meddles=True), cv=None).fit(X, y)
    reference = model.baseline_.reference
    np.testing.assert_allclose(reference.mean, untouched.mean(axis=0))
    _, report = model.predict(untouched.copy(), return_report=True)
    assert report.findings == ()


PROCESSES: list[Process] = [
    Process(13, "5,000 columns", many_columns),
    Process(30, "weights of 0, negative, NaN and infinite", odd_weights),
    Process(60, "a table changed by another thread", changed_under_way),
    Process(62, "fewer rows than folds", few_rows_for_the_folds),
    Process(63, "one class only", one_class),
    Process(63, "a class of one row", class_of_one_row),
    Process(63, "a class missing from a fold", class_missing_from_a_fold),
    Process(63, "labels unseen at fit", labels_unseen),
    Process(64, "labels of any form", labels_of_any_form),
    Process(65, "X and y of different lengths", lengths_differ),
    Process(66, "empty, cut, flipped, foreign, folder, nothing", damaged_files),
    Process(67, "a newer format", newer_format),
    Process(68, "the oldest format, which is this one", same_format),
    Process(69, "a type that is not trusted", foreign_type),
    Process(70, "a bomb", bomb),
    Process(71, "duplicate members, bytes before and after", bytes_around),
    Process(72, "a full disk", full_disk),
    Process(73, "a link for a target", linked_target),
    Process(74, "a lambda in the model", unstorable),
    Process(75, "other versions", other_versions),
    Process(76, "the same model twice", dumped_twice),
    Process(96, "interrupted", interrupted),
    Process(97, "out of memory", out_of_memory),
    Process(98, "warnings as errors", warnings_as_errors),
    Process(99, "-OO, hash seed, locale, zone, HOME, no stdout", odd_environments),
    Process(100, "a model that answers with nonsense", faulty_models),
    Process(100, "a model that raises", raising_models),
    Process(100, "a model that changes its input", meddling_models),
    Process(0, "a scorer that fails on a fold", failing_scorer),
    Process(0, "used before fit", unfitted),
]
