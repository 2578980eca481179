"""`dump` and `load` as the user sees them."""

from __future__ import annotations

import errno
import importlib
import json
import os
import sys
import threading
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pytest
import skops.io
from sklearn.base import BaseEstimator
from sklearn.compose import make_column_transformer
from sklearn.datasets import make_classification
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from skdrift.exceptions import (
    ArtifactError,
    ArtifactNotFoundError,
    ArtifactReadError,
    ArtifactSizeError,
    ArtifactVersionError,
    ArtifactVersionWarning,
    ArtifactWriteError,
    ParameterError,
    UntrustedTypeError,
)
from skdrift.persistence import TRUSTED_TYPES, _artifact, dump, load

TREE = "sklearn.tree._tree.Tree"
PREDICTOR = "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor"


class Marker(BaseEstimator):
    """Tells when one is built."""

    built = 0

    def __init__(self, value: object = None) -> None:
        self.value = value

    def __setstate__(self, state: dict[str, Any]) -> None:
        type(self).built += 1
        super().__setstate__(state)


class Warner:
    def __setstate__(self, state: dict[str, Any]) -> None:
        warnings.warn("the warner is back", RuntimeWarning, stacklevel=1)
        self.__dict__.update(state)


def name_of(kind: type) -> str:
    return f"{kind.__module__}.{kind.__name__}"


# --- what comes back -----------------------------------------------------------


@pytest.mark.parametrize(
    ("estimator", "trusted"),
    [
        (LogisticRegression(), ()),
        (make_pipeline(StandardScaler(), LogisticRegression()), ()),
        (RandomForestClassifier(5, random_state=0), (TREE,)),
        (HistGradientBoostingClassifier(max_iter=5), (PREDICTOR,)),
    ],
    ids=lambda value: type(value).__name__,
)
def test_predictions_are_those_of_the_model_that_was_written(
    estimator: Any, trusted: tuple[str, ...], tmp_path: Path
) -> None:
    X, y = make_classification(200, 6, random_state=0)
    estimator.fit(X, y)
    dump(estimator, tmp_path / "m.skops")
    copy = load(tmp_path / "m.skops", trusted=trusted)
    np.testing.assert_array_equal(estimator.predict_proba(X), copy.predict_proba(X))


def test_categories_come_back_with_their_types(tmp_path: Path) -> None:
    X = np.array([[1.5, "a"], [2.5, None], [0.5, "b"]], dtype=object)
    encoder = make_column_transformer((OneHotEncoder(), [1]), remainder="passthrough")
    encoder.fit(X)
    dump(encoder, tmp_path / "m.skops")
    copy = load(tmp_path / "m.skops")
    assert copy.transform(X).tolist() == encoder.transform(X).tolist()


def test_dump_leaves_the_model_as_it_was(
    model: LogisticRegression, tmp_path: Path
) -> None:
    before = joblib.hash(model)
    dump(model, tmp_path / "m.skops")
    assert joblib.hash(model) == before


def test_plain_skops_reads_what_dump_writes(
    model: LogisticRegression, artifact: Path, same_model: Callable[..., None]
) -> None:
    same_model(model, skops.io.load(artifact))
    assert skops.io.get_untrusted_types(file=artifact) == []


def test_load_reads_what_plain_skops_writes(
    model: LogisticRegression, tmp_path: Path, same_model: Callable[..., None]
) -> None:
    skops.io.dump(model, tmp_path / "plain.skops")
    same_model(model, load(tmp_path / "plain.skops"))


def test_the_record_names_the_format_and_each_library(
    artifact: Path, unzipped: Callable[[bytes], dict[str, bytes]]
) -> None:
    record = json.loads(unzipped(artifact.read_bytes())["skdrift.json"])
    assert record["format"] == 1
    assert set(record["versions"]) == {
        "skdrift",
        "scikit-learn",
        "numpy",
        "scipy",
        "skops",
        "python",
    }


def test_arrays_of_zeros_load_within_the_default_limits(tmp_path: Path) -> None:
    dump({"a": np.zeros(9_000_000)}, tmp_path / "zeros.skops")
    assert load(tmp_path / "zeros.skops")["a"].size == 9_000_000


def test_an_object_used_twice_comes_back_as_one(tmp_path: Path) -> None:
    scaler = StandardScaler().fit([[1.0], [2.0]])
    dump([scaler, {"again": scaler}], tmp_path / "m.skops")
    first, second = load(tmp_path / "m.skops")
    assert first is second["again"]


# --- trust ---------------------------------------------------------------------


def test_nothing_is_built_of_a_file_with_an_untrusted_type(tmp_path: Path) -> None:
    path = tmp_path / "m.skops"
    dump([Marker(), LogisticRegression()], path)
    Marker.built = 0
    with pytest.raises(UntrustedTypeError, match="1 types that are not trusted") as got:
        load(path)
    assert name_of(Marker) in str(got.value)
    assert f"trusted={[name_of(Marker)]}" in str(got.value)
    assert Marker.built == 0
    assert isinstance(load(path, trusted=[name_of(Marker)])[0], Marker)
    assert Marker.built == 1


def test_a_message_lists_five_untrusted_types_and_counts_the_rest(
    tmp_path: Path,
) -> None:
    names = ["Fraction", "Decimal", "UUID", "date", "time", "timedelta", "datetime"]
    modules = ["fractions", "decimal", "uuid", *["datetime"] * 4]
    arguments: list[tuple[Any, ...]] = [(1, 2), ("1.5",), ("0" * 32,), (2020, 1, 1)]
    arguments += [(1,), (1,), (2020, 1, 1)]
    values = [
        getattr(sys.modules[module], name)(*given)
        for module, name, given in zip(modules, names, arguments, strict=True)
    ]
    dump(values, tmp_path / "m.skops")
    with pytest.raises(UntrustedTypeError, match=r"7 types .* and 2 more") as got:
        load(tmp_path / "m.skops")
    assert str(got.value).count("datetime.") + str(got.value).count("uuid.") <= 5


def test_the_allow_list_is_never_taken_from_the_file(
    tmp_path: Path, forge: Callable[..., Path]
) -> None:
    path = tmp_path / "m.skops"
    dump(Marker(), path)
    record = {"format": 1, "versions": {}, "trusted": [name_of(Marker)]}
    with pytest.raises(UntrustedTypeError):
        load(forge(path, {"skdrift.json": json.dumps(record)}))


@pytest.mark.parametrize(
    "trusted", [TREE, b"a.b", True, None, [1], [int], {"a.b"}, {"a.b": 1}, iter([])]
)
def test_trusted_is_a_sequence_of_str(artifact: Path, trusted: Any) -> None:
    with pytest.raises(ParameterError, match="trusted must be a sequence of str"):
        load(artifact, trusted=trusted)


def test_trusted_types_are_our_own_classes() -> None:
    assert len(set(TRUSTED_TYPES)) == len(TRUSTED_TYPES)
    for name in TRUSTED_TYPES:
        module, _, kind = name.rpartition(".")
        assert module.startswith("skdrift.")
        assert isinstance(getattr(importlib.import_module(module), kind), type)


# --- paths ---------------------------------------------------------------------


@pytest.mark.parametrize("path", [3, None, b"m.skops", "", "a\0b", "\ud800", ["m"]])
def test_a_path_is_a_str_or_path_like(path: Any) -> None:
    with pytest.raises(ParameterError, match="path must be"):
        load(path)
    with pytest.raises(ParameterError, match="path must be"):
        dump(1, path)


def test_a_missing_file_is_our_error_and_pythons(tmp_path: Path) -> None:
    with pytest.raises(ArtifactNotFoundError, match=r"no file .*nothing\.skops"):
        load(tmp_path / "nothing.skops")
    with pytest.raises(FileNotFoundError):
        load(tmp_path / "nothing.skops")
    with pytest.raises(ArtifactError):
        load(tmp_path / "nothing.skops")


def test_a_folder_is_not_an_artifact(tmp_path: Path) -> None:
    with pytest.raises(ArtifactReadError, match="is a folder"):
        load(tmp_path)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes on this system")
def test_a_pipe_without_a_writer_does_not_block(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(ArtifactReadError, match="not a regular file"):
        load(tmp_path / "pipe")


@pytest.mark.parametrize("code", [errno.EACCES, errno.EIO, errno.ELOOP])
def test_a_file_that_cannot_be_opened_is_a_read_error(
    artifact: Path, code: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> int:
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr("skdrift.persistence._snapshot.os.open", refuse)
    with pytest.raises(ArtifactReadError, match="cannot be read"):
        load(artifact)


# --- sizes ---------------------------------------------------------------------


@pytest.mark.parametrize("max_size", [0, -1, 1.5, True, "1", np.float64(3)])
def test_max_size_is_a_positive_int(artifact: Path, max_size: Any) -> None:
    with pytest.raises(ParameterError, match="max_size must be"):
        load(artifact, max_size=max_size)


def test_max_size_bounds_the_file_and_what_it_unpacks_to(
    tmp_path: Path, model: LogisticRegression, same_model: Callable[..., None]
) -> None:
    path = tmp_path / "m.skops"
    dump(model, path)
    size = path.stat().st_size
    with pytest.raises(ArtifactSizeError, match="the limit is"):
        load(path, max_size=size - 1)
    with pytest.raises(ArtifactSizeError, match="would unpack to"):
        load(path, max_size=size)
    same_model(model, load(path, max_size=1_000_000))


# --- versions ------------------------------------------------------------------


def test_versions_that_differ_give_one_warning_with_both_and_the_remedy(
    artifact: Path,
    forge: Callable[..., Path],
    unzipped: Callable[[bytes], dict[str, bytes]],
) -> None:
    record = json.loads(unzipped(artifact.read_bytes())["skdrift.json"])
    here = dict(record["versions"])
    record["versions"].update({"numpy": "1.0", "scikit-learn": "0.1"})
    path = forge(artifact, {"skdrift.json": json.dumps(record)})
    with pytest.warns(ArtifactVersionWarning) as got:
        load(path)
    (warning,) = got
    assert warning.filename == __file__
    for part in ("numpy 1.0", "scikit-learn 0.1", f"numpy {here['numpy']}", "install"):
        assert part in str(warning.message)
    assert "scipy" not in str(warning.message)


def test_the_version_that_scikit_learn_keeps_itself_is_in_the_same_warning(
    tmp_path: Path, unzipped: Callable[..., Any], forge: Callable[..., Path]
) -> None:
    X, y = make_classification(50, random_state=0)
    path = tmp_path / "m.skops"
    dump(make_pipeline(StandardScaler(), LogisticRegression()).fit(X, y), path)
    schema = unzipped(path.read_bytes())["schema.json"].decode()
    version = json.loads(unzipped(path.read_bytes())["skdrift.json"])["versions"]
    old = schema.replace(version["scikit-learn"], "1.0.1")
    assert old.count("1.0.1") >= 3
    with pytest.warns(ArtifactVersionWarning, match=r"scikit-learn 1\.0\.1") as got:
        load(forge(path, {"schema.json": old, "skdrift.json": None}))
    assert len(got) == 1


def test_a_newer_format_is_refused_with_both_versions(
    artifact: Path, forge: Callable[..., Path]
) -> None:
    record = {"format": 99, "versions": {"skdrift": "77.0"}, "new": ["field"]}
    path = forge(artifact, {"skdrift.json": json.dumps(record)})
    with pytest.raises(ArtifactVersionError, match=r"format 99 .* skdrift 77\.0"):
        load(path)


@pytest.mark.parametrize(
    "record",
    [
        "",
        "[]",
        "{}",
        "null",
        '{"format": "1"}',
        '{"format": true, "versions": {}}',
        '{"format": 0, "versions": {}}',
        '{"format": 1}',
        '{"format": 1, "versions": {"numpy": 2}}',
        "[" * 100_000,
        " " * 100_000,
        b"\xff\xfe",
    ],
    ids=range(12),
)
def test_a_record_that_skdrift_did_not_write_is_refused(
    artifact: Path, forge: Callable[..., Path], record: str | bytes
) -> None:
    with pytest.raises(ArtifactReadError, match=r"skdrift\.json"):
        load(forge(artifact, {"skdrift.json": record}))


# --- one snapshot, one process -------------------------------------------------


def test_what_was_checked_is_what_is_loaded(
    artifact: Path,
    model: LogisticRegression,
    same_model: Callable[..., None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    inspect = _artifact.inspect

    def inspect_and_swap(*args: Any) -> Any:
        record = inspect(*args)
        skops.io.dump({"another": "model"}, artifact)
        return record

    monkeypatch.setattr(_artifact, "inspect", inspect_and_swap)
    same_model(model, load(artifact))


def test_warnings_of_the_users_classes_are_passed_on_once(tmp_path: Path) -> None:
    warner = Warner()
    warner.value = 1  # type: ignore[attr-defined]
    dump(warner, tmp_path / "m.skops")  # reads back, and keeps quiet
    with pytest.warns(RuntimeWarning, match="the warner is back") as got:
        load(tmp_path / "m.skops", trusted=[name_of(Warner)])
    assert len(got) == 1


def test_threads_that_load_leave_the_warnings_as_they_were(artifact: Path) -> None:
    filters, show = list(warnings.filters), warnings.showwarning
    failures: list[BaseException] = []

    def load_often() -> None:
        try:
            for _ in range(10):
                load(artifact)
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=load_often) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert warnings.filters == filters
    assert warnings.showwarning is show


def test_running_out_of_memory_is_not_called_a_damaged_file(
    artifact: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def run_out(*_: object, **__: object) -> None:
        raise MemoryError

    monkeypatch.setattr(skops.io, "loads", run_out)
    with pytest.raises(MemoryError):
        load(artifact)


def test_a_missing_module_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "vanishing.py").write_text("class Thing: pass\n")
    monkeypatch.syspath_prepend(tmp_path)
    thing = __import__("vanishing").Thing()
    thing.value = 1
    dump(thing, tmp_path / "m.skops")
    (tmp_path / "vanishing.py").unlink()
    del sys.modules["vanishing"]
    importlib.invalidate_caches()
    with pytest.raises(ArtifactReadError, match=r"not here.*vanishing"):
        load(tmp_path / "m.skops", trusted=["vanishing.Thing"])


def test_a_refused_model_leaves_the_old_file(
    artifact: Path, model: LogisticRegression
) -> None:
    before = artifact.read_bytes()
    with pytest.raises(ArtifactWriteError, match="Nothing was written"):
        dump({"model": model, "scorer": lambda y: y}, artifact)
    assert artifact.read_bytes() == before
    assert [path.name for path in artifact.parent.iterdir()] == [artifact.name]
