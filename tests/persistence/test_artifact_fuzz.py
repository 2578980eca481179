"""Damaged files: each loads as the model it was, or is an error of ours.

Seeds are fixed. The counts are far below what was measured, and above what is left
if a check stops to look.
"""

from __future__ import annotations

import collections
import copy
import functools
import json
import random
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import skops.io
from scipy import sparse
from sklearn.compose import make_column_transformer
from sklearn.linear_model import LogisticRegression, SGDClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from skdrift.exceptions import ArtifactError
from skdrift.persistence import dump, load

Same = Callable[[Any, Any], None]


@pytest.fixture(scope="module")
def rich() -> dict[str, Any]:
    """Something for each of the loaders of skops."""
    rng = np.random.default_rng(0)
    words = rng.integers(0, 3, 40).astype(str)
    X = np.column_stack([rng.normal(size=40), words]).astype(object)
    y = rng.integers(0, 2, 40)
    columns = make_column_transformer((StandardScaler(), [0]), (OneHotEncoder(), [1]))
    pipeline = make_pipeline(columns, LogisticRegression()).fit(X, y)
    state = np.random.RandomState(0)
    return {
        "pipeline": pipeline,
        "sgd": SGDClassifier(random_state=state).fit(rng.normal(size=(40, 2)), y),
        "generator": np.random.default_rng(0),
        "sparse": sparse.csr_matrix(np.eye(3)),
        "masked": np.ma.MaskedArray([1.0, 2.0], [0, 1]),
        "objects": np.array([[1, "a"], [None, 2.5]], dtype=object),
        "row": np.array([1, "a"], dtype=object),
        "default": collections.defaultdict(list, a=[1]),
        "ordered": collections.OrderedDict(a=1),
        "partial": functools.partial(np.log),
        "bytes": [b"abc", bytearray(b"ab")],
        "slice": slice(1, 2),
        "plain": [{1, 2}, (1, "a", None, True, 1.5), {1: 2, 2.5: 3}],
        "method": pipeline.predict,
        "types": [np.dtype("f4"), np.float32(1), int, np.add],
    }


def test_a_flipped_bit_is_refused_or_changes_nothing(
    artifact: Path, model: LogisticRegression, same_model: Same
) -> None:
    rng = random.Random(0)
    data = artifact.read_bytes()
    refused = 0
    for _ in range(400):
        damaged = bytearray(data)
        damaged[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
        artifact.write_bytes(damaged)
        try:
            same_model(model, load(artifact))
        except ArtifactError:
            refused += 1
    assert refused >= 300  # the rest hit what nobody reads, such as dates


def test_a_cut_file_is_refused(artifact: Path) -> None:
    rng = random.Random(0)
    data = artifact.read_bytes()
    for length in [*range(40), *rng.sample(range(40, len(data)), 260)]:
        artifact.write_bytes(data[:length])
        with pytest.raises(ArtifactError):
            load(artifact)


def test_overwritten_blocks_are_refused_or_change_nothing(
    artifact: Path, model: LogisticRegression, same_model: Same
) -> None:
    rng = random.Random(1)
    data = artifact.read_bytes()
    for _ in range(200):
        damaged = bytearray(data)
        start, length = rng.randrange(len(data)), rng.choice([1, 4, 16, 64])
        block = rng.choice([bytes(length), rng.randbytes(length), data[:length]])
        damaged[start : start + length] = block[: len(data) - start]
        artifact.write_bytes(damaged)
        try:
            same_model(model, load(artifact))
        except ArtifactError:
            continue


# --- forged, with true checksums -----------------------------------------------

JUNK = [None, True, False, 0, 1, -1, 10**20, 1.5, float("nan"), "", "a", "1", '"x"']
JUNK += ["null", "[1]", "{}", "\ud800", "1e999", [], {}, [[]], [1], {"a": 1}]
JUNK += ["NaN", "tru", "9" * 5000]
MODULES = ["builtins", "numpy", "collections", "os", "", "nope", "numpy.random", ".x"]
CLASSES = ["list", "dict", "int", "str", "tuple", "ndarray", "float64", "nope", ""]
CLASSES += ["<lambda>", "a.b", "object", "type", "map", "generic", "void", "str_"]
KEYS = ["__id__", "type", "shape", "func", "args", "attrs", "content", "key_types"]


def paths_in(tree: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    yield path
    if isinstance(tree, dict | list):
        items = tree.items() if isinstance(tree, dict) else enumerate(tree)
        for key, value in items:
            yield from paths_in(value, (*path, key))


def at(tree: Any, path: tuple[Any, ...]) -> Any:
    return functools.reduce(lambda value, key: value[key], path, tree)


def without_ids(tree: Any) -> Any:
    if isinstance(tree, dict):
        return {k: without_ids(v) for k, v in tree.items() if k != "__id__"}
    return [without_ids(value) for value in tree] if isinstance(tree, list) else tree


class Mutator:
    """Changes a few places of a schema at random."""

    def __init__(self, schema: Any, files: list[str], seed: int) -> None:
        self.rng = random.Random(seed)
        self.schema = schema
        self.files = files
        self.paths = [path for path in paths_in(schema) if path]
        found = {at(schema, p) for p in self.paths if p[-1] == "__loader__"}
        self.loaders = sorted(found)

    def mutated(self) -> str:
        tree = copy.deepcopy(self.schema)
        for _ in range(self.rng.choice([1, 1, 1, 2, 3])):
            try:
                self._change(tree, self.rng.choice(self.paths))
            except (KeyError, IndexError, TypeError):
                continue  # a place that an earlier change took away
        return json.dumps(tree)

    def _change(self, tree: Any, path: tuple[Any, ...]) -> None:
        rng = self.rng
        parent, key = at(tree, path[:-1]), path[-1]
        _ = parent[key]
        kind = rng.choice(["junk", "delete", "copy", "word", "file", "add", "protocol"])
        if kind == "junk":
            parent[key] = rng.choice([*JUNK, *self.loaders])
        elif kind == "delete":
            del parent[key]
        elif kind == "copy":
            parent[key] = copy.deepcopy(at(tree, rng.choice(self.paths)))
        elif kind == "word":
            word = rng.choice(["__loader__", "__class__", "__module__"])
            words = {"__loader__": self.loaders, "__class__": CLASSES}
            parent[word] = rng.choice(words.get(word, MODULES))
        elif kind == "file":
            parent["file"] = rng.choice(self.files)
        elif kind == "add":
            parent[rng.choice(KEYS)] = rng.choice(JUNK)
        else:
            tree["protocol"] = rng.choice([0, 1, 2])


def outcome_of(path: Path, trusted: list[str]) -> str:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of a version that was changed
            load(path, trusted=trusted)
    except ArtifactError as error:
        return type(error).__name__
    return "loaded"


@pytest.mark.parametrize("ids", [True, False], ids=["ids", "no ids"])
@pytest.mark.parametrize(
    "count", [pytest.param(300), pytest.param(2000, marks=pytest.mark.slow)]
)
def test_a_forged_schema_loads_or_is_an_error_of_ours(
    ids: bool,
    count: int,
    rich: dict[str, Any],
    tmp_path: Path,
    unzipped: Callable[[bytes], dict[str, bytes]],
    rezipped: Callable[[dict[str, bytes]], bytes],
) -> None:
    path = tmp_path / "m.skops"
    dump(rich, path)
    trusted = skops.io.get_untrusted_types(file=path)
    members = unzipped(path.read_bytes())
    schema = json.loads(members["schema.json"])
    mutator = Mutator(schema if ids else without_ids(schema), list(members), seed=0)
    outcomes: collections.Counter[str] = collections.Counter()
    for _ in range(count):
        forged = {**members, "schema.json": mutator.mutated().encode()}
        path.write_bytes(rezipped(forged))
        outcomes[outcome_of(path, trusted)] += 1
    assert outcomes["loaded"] > count // 50  # else nothing reaches skops
    assert outcomes["ArtifactReadError"] > count // 5


@pytest.mark.parametrize(
    "count", [pytest.param(300), pytest.param(2000, marks=pytest.mark.slow)]
)
def test_forged_arrays_load_or_are_an_error_of_ours(
    count: int,
    rich: dict[str, Any],
    tmp_path: Path,
    unzipped: Callable[[bytes], dict[str, bytes]],
    rezipped: Callable[[dict[str, bytes]], bytes],
) -> None:
    rng = random.Random(0)
    path = tmp_path / "m.skops"
    dump(rich, path)
    trusted = skops.io.get_untrusted_types(file=path)
    members = unzipped(path.read_bytes())
    names = [name for name in members if not name.endswith(".json")]
    outcomes: collections.Counter[str] = collections.Counter()
    for _ in range(count):
        name = rng.choice([*names, "skdrift.json"])
        data = bytearray(members[name])
        for _ in range(rng.choice([1, 1, 3])):
            start = rng.randrange(max(1, min(len(data), 200)))
            change = rng.choice([rng.randbytes(1), b"", rng.randbytes(5)])
            data[start : start + rng.choice([0, 1, 1, 1, 5, 50])] = change
        path.write_bytes(rezipped({**members, name: bytes(data)}))
        outcomes[outcome_of(path, trusted)] += 1
    assert outcomes["loaded"] > 0
    assert outcomes["ArtifactReadError"] > count // 2
