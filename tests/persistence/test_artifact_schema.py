"""Trees of objects that cost more than they say, or that skops does not write."""

from __future__ import annotations

import json
import time
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import skops.io
from sklearn.datasets import make_classification
from sklearn.ensemble import GradientBoostingClassifier
from sklearn.feature_extraction.text import CountVectorizer

from skdrift.exceptions import ArtifactReadError, ArtifactSizeError, UntrustedTypeError
from skdrift.persistence import dump, load
from skdrift.persistence._schema import survey

MB = 1 << 20
Node = dict[str, Any]


def node(
    loader: str, module: str = "builtins", kind: str = "list", **more: Any
) -> Node:
    return {
        "__class__": kind,
        "__module__": module,
        "__loader__": f"{loader}Node",
        **more,
    }


def scalar(value: object, **more: Any) -> Node:
    return node("Json", kind="int", content=json.dumps(value), **more)


def array(name: str, **more: Any) -> Node:
    return node("NdArray", "numpy", "ndarray", type="numpy", file=name, **more)


def listed(*items: Node, **more: Any) -> Node:
    return node("List", content=list(items), **more)


def grid(*rows: Node) -> Node:
    shape = node("Tuple", kind="tuple", content=[scalar(len(rows)), scalar(1)])
    return node(
        "NdArray", "numpy", "ndarray", type="json", content=list(rows), shape=shape
    )


@pytest.fixture
def written(tmp_path: Path, rezipped: Callable[..., bytes]) -> Callable[..., Path]:
    def write(schema: Any, **members: bytes) -> Path:
        text = schema if isinstance(schema, str) else json.dumps(schema)
        names = {name.replace("_", "."): data for name, data in members.items()}
        path = tmp_path / "m.skops"
        path.write_bytes(rezipped({"schema.json": text, **names}))
        return path

    return write


def topped(tree: Node) -> Node:
    return {**tree, "protocol": 2}


def npy(value: Any) -> bytes:
    data = skops.io.dumps(value)
    start = data.index(b"\x93NUMPY")
    return data[start : start + 128 + value.nbytes]


# --- what is no tree -----------------------------------------------------------


@pytest.mark.parametrize(
    "schema",
    ["", "[]", "null", "{}", "3", '"a"', "{", b"\xff\xfe\x00", '{"__loader__": 3}'],
)
def test_a_schema_that_describes_no_object_is_refused(
    schema: Any, artifact: Path, forge: Callable[..., Path]
) -> None:
    with pytest.raises(ArtifactReadError, match=r"schema\.json"):
        load(forge(artifact, {"schema.json": schema}))


@pytest.mark.parametrize(
    "protocol", [None, "2", True, 999, -1, 2.0, [], {"a": 1}], ids=str
)
def test_an_unknown_protocol_is_refused(
    protocol: Any, written: Callable[..., Path]
) -> None:
    with pytest.raises(ArtifactReadError):
        load(written({**listed(), "protocol": protocol}))


def test_an_unknown_loader_is_refused(written: Callable[..., Path]) -> None:
    with pytest.raises(ArtifactReadError, match="NoSuchNode"):
        load(written(topped(listed(node("NoSuch")))))


def test_a_missing_member_is_refused(written: Callable[..., Path]) -> None:
    with pytest.raises(ArtifactReadError, match=r"nothing\.npy.*missing"):
        load(written(topped(listed(array("nothing.npy")))))


def test_plain_trees_of_these_tests_load(written: Callable[..., Path]) -> None:
    tree = listed(scalar(1), array("a.npy", __id__=3), array("a.npy", __id__=3))
    one, first, second = load(written(topped(tree), a_npy=npy(np.arange(3.0))))
    assert one == 1
    assert first is second
    assert first.tolist() == [0.0, 1.0, 2.0]
    assert load(written(topped(grid(scalar(1), scalar(2))))).tolist() == [1, 2]


# --- depth ---------------------------------------------------------------------


@pytest.mark.parametrize("depth", [160, 1_000, 100_000])
def test_deep_trees_are_refused(depth: int, written: Callable[..., Path]) -> None:
    head = json.dumps(listed())[:-2]
    text = head * depth + "]}" * (depth - 1) + '], "protocol": 2}'
    with pytest.raises(ArtifactReadError, match="nested"):
        load(written(text))


@pytest.mark.parametrize("depth", [1_000, 100_000])
def test_depth_hidden_in_a_text_is_refused(
    depth: int, written: Callable[..., Path]
) -> None:
    text = node("Json", kind="str", content="[" * depth + "]" * depth)
    with pytest.raises(ArtifactReadError, match="in a text"):
        load(written(topped(listed(text))))


def test_what_dump_lets_through_load_reads_from_a_deep_stack(tmp_path: Path) -> None:
    nested: list[Any] = []
    for _ in range(140):
        nested = [nested]
    dump(nested, tmp_path / "m.skops")

    def at_depth(depth: int) -> Any:
        return load(tmp_path / "m.skops") if depth == 0 else at_depth(depth - 1)

    assert at_depth(200) == nested


# --- references ----------------------------------------------------------------


def test_a_tree_that_contains_itself_is_refused(written: Callable[..., Path]) -> None:
    circle = listed(listed(__id__=7), __id__=7)
    with pytest.raises(ArtifactReadError, match="two different objects of one id"):
        load(written(topped(circle)))


def test_references_that_multiply_are_refused(written: Callable[..., Path]) -> None:
    """Sixty lists, each twice the one before, would be visited 2**60 times."""
    levels = [listed(scalar(1), __id__=1)]
    for level in range(2, 61):
        below = node("List", content=[], __id__=level - 1)
        levels.append(listed(below, below, __id__=level))
    start = time.perf_counter()
    with pytest.raises(ArtifactReadError, match="two different objects of one id"):
        load(written(topped(listed(*levels))))
    assert time.perf_counter() - start < 5


def test_an_array_may_not_stand_in_for_a_scalar_of_its_id(
    written: Callable[..., Path],
) -> None:
    tree = listed(array("a.npy", __id__=5), grid(listed(scalar(1, __id__=5))))
    with pytest.raises(ArtifactReadError, match="two different objects of one id"):
        load(written(topped(tree), a_npy=npy(np.arange(3.0))))


@pytest.mark.parametrize("identity", ["a", 1.5, True, [1], {"a": 1}], ids=str)
def test_an_id_is_an_integer(identity: Any, written: Callable[..., Path]) -> None:
    with pytest.raises(ArtifactReadError, match="the id"):
        load(written(topped(listed(scalar(1, __id__=identity)))))


# --- memory --------------------------------------------------------------------


def peak_of(path: Path, expected: type[Exception]) -> int:
    tracemalloc.start()
    with pytest.raises(expected):
        load(path)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return peak


def test_text_that_becomes_many_objects_is_refused_before_it_does(
    written: Callable[..., Path],
) -> None:
    text = json.dumps(topped(listed(scalar(1))))[:-1]
    path = written(text + ', "x": [' + "[]," * 9_000_000 + "[]]}")
    assert peak_of(path, ArtifactSizeError) < 64 * MB


def test_nodes_that_keep_long_lists_are_counted(written: Callable[..., Path]) -> None:
    many = [node("Function", "a", "b")] * 600_000
    path = written(topped(listed(*many)))
    del many
    with pytest.raises(ArtifactSizeError, match="may take"):
        load(path)


def test_one_array_read_many_times_is_counted_each_time(
    written: Callable[..., Path],
) -> None:
    block = np.random.default_rng(0).random(MB)
    tree = listed(*[array("a.npy") for _ in range(300)])
    path = written(topped(tree), a_npy=npy(block))
    assert peak_of(path, ArtifactSizeError) < 64 * MB


def test_arrays_in_an_array_of_objects_are_counted_as_objects(
    written: Callable[..., Path],
) -> None:
    block = np.random.default_rng(0).integers(0, 9, MB, dtype="i1")
    tree = listed(*[grid(array("a.npy", __id__=9)) for _ in range(60)])
    path = written(topped(tree), a_npy=npy(block))
    assert peak_of(path, ArtifactSizeError) < 16 * MB


def test_a_generator_that_takes_days_to_seed_is_refused(
    tmp_path: Path, forge: Callable[..., Path], unzipped: Callable[..., Any]
) -> None:
    path = tmp_path / "m.skops"
    dump({"rng": np.random.default_rng(0)}, path)
    schema = json.loads(unzipped(path.read_bytes())["schema.json"])
    pool = schema["content"]["rng"]["content"]["seed_seq"]["content"]["pool_size"]
    assert pool["content"] == "4"
    pool["content"] = "100000000"
    with pytest.raises(ArtifactReadError, match="a pool of many words"):
        load(forge(path, {"schema.json": json.dumps(schema)}))


@pytest.mark.parametrize("kind", ["vocabulary", "trees"])
def test_the_estimate_is_above_what_loading_takes_and_not_far(
    kind: str, tmp_path: Path
) -> None:
    """A factor above six would refuse models that fit; below one is no bound."""
    path = tmp_path / "m.skops"
    model: Any
    if kind == "vocabulary":
        model = CountVectorizer().fit([f"word{i} other{i}" for i in range(5000)])
    else:
        X, y = make_classification(300, 10, random_state=0)
        model = GradientBoostingClassifier(n_estimators=60).fit(X, y)
    dump(model, path)
    trusted = skops.io.get_untrusted_types(file=path)
    load(path, trusted=trusted)
    tracemalloc.start()
    load(path, trusted=trusted)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    with pytest.raises(ArtifactSizeError):
        load(path, trusted=trusted, max_size=peak // 4)
    load(path, trusted=trusted, max_size=6 * peak)


def test_an_untrusted_file_is_refused_for_its_types_not_its_size(
    written: Callable[..., Path],
) -> None:
    with pytest.raises(UntrustedTypeError, match=r"os\.system"):
        load(written(topped(listed(node("Function", "os", "system")))))


def test_the_survey_finds_each_file_and_who_reads_it() -> None:
    tree = listed(array("a.npy"), node("Bytes", kind="bytes", file="b.bin"))
    found = survey(topped(tree), {"a.npy": 10, "b.bin": 20}, "The file")
    assert found.readers == {"a.npy": {"NdArrayNode"}, "b.bin": {"BytesNode"}}
    more = survey(topped(tree), {"a.npy": 10, "b.bin": 1020}, "The file")
    assert more.cost - found.cost == 1000
