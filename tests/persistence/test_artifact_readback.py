"""What is written is compared with what is read of it."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import skops.io
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

from skdrift.exceptions import ArtifactWriteError
from skdrift.persistence import _container, dump
from skdrift.persistence._graph import STATE_ERRORS
from skdrift.persistence._readback import first_difference, first_failing


class Thing:
    def __init__(self, **values: Any) -> None:
        self.__dict__.update(values)


class RestoresItself(Thing):
    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state, restored=True)


class Stateless:
    def __reduce__(self) -> Any:
        raise TypeError("no state for you")


def objects(*items: Any) -> np.ndarray:
    values = np.empty(len(items), dtype=object)
    values[:] = items
    return values


@pytest.mark.parametrize(
    ("one", "other", "place", "how"),
    [
        ([1], (1,), "model", "a tuple"),
        ([1, [True]], [1, [1]], "model[1][0]", "as 1"),
        ([1.0], [1.5], "model[0]", "as 1.5"),
        ([-1, "a"], [-1, "b"], "model[1]", "as 'b'"),
        ([1, 2], [1], "model", "another length"),
        ({"a": 1}, {"b": 1}, "model", "other keys"),
        ({1: 1}, {True: 1}, "model", "other keys"),
        ({"a": {1: [2]}}, {"a": {1: [3]}}, "model['a'][1][0]", "as 3"),
        ({1, "a"}, {1, 2}, "model", "members of other types"),
        (np.zeros(2), np.zeros(3), "model", "the shape (3,)"),
        (np.zeros(2), np.zeros(2, "f4"), "model", "the dtype float32"),
        (np.dtype("f4"), np.dtype("f8"), "model", "a Float64DType"),
        (np.dtype("U3"), np.dtype("U4"), "model", "as <U4"),
        (objects(1, "a"), objects(1, "b"), "model.flat[1]", "as 'b'"),
        (Thing(a=1), Thing(a=2), "model.a", "as 2"),
        (Thing(a=1), Thing(a=1, b=2), "model", "other keys"),
        (LogisticRegression(C=1.0), LogisticRegression(C=2.0), "model.C", "as 2.0"),
    ],
    ids=range(17),
)
def test_the_first_difference_is_found(
    one: Any, other: Any, place: str, how: str
) -> None:
    found = first_difference(one, other)
    assert found is not None
    assert str(found[0]) == place
    assert how in found[1]


@pytest.mark.parametrize(
    "value",
    [
        float("nan"),
        {float("nan"): [float("nan")]},
        {1, "a", float("nan")},
        frozenset([(1, 2)]),
        objects(1, None, [1, {"a": 2}]),
        Thing(a=[1], b=Thing()),
        {"a": np.arange(3), "b": np.float32(1), "c": slice(1), "d": int},
        make_pipeline(LogisticRegression().fit([[0.0], [1.0]], [0, 1])),
    ],
    ids=range(8),
)
def test_a_copy_does_not_differ(value: Any) -> None:
    assert first_difference([value], copy.deepcopy([value])) is None


def test_members_of_sets_need_not_be_equal_to_their_copies() -> None:
    assert first_difference({Thing(), 1}, {1, Thing()}) is None


def test_what_restores_itself_may_do_so_in_its_own_way() -> None:
    one = RestoresItself(a=1)
    assert first_difference(one, copy.deepcopy(one)) is None


def test_the_innermost_failure_is_found() -> None:
    def error_of(obj: Any) -> Exception | None:
        return TypeError() if "bad" in repr(obj) else None

    place, obj = first_failing({"a": [1, ["good"], [["bad"]]]}, error_of)
    assert str(place) == "model['a'][2][0]"
    assert obj == ["bad"]


def test_an_object_without_state_is_its_own_innermost_failure() -> None:
    assert TypeError in STATE_ERRORS
    value = [Stateless()]
    place, _ = first_failing(value, lambda obj: TypeError())
    assert str(place) == "model[0]"


def test_a_file_that_load_would_refuse_is_not_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_container, "MAX_MEMBERS", 3)
    with pytest.raises(ArtifactWriteError, match="more than 3 members"):
        dump([np.zeros(1) for _ in range(5)], tmp_path / "m.skops")
    assert list(tmp_path.iterdir()) == []


def test_what_skops_stops_to_store_is_refused_at_its_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    dumps = skops.io.dumps

    def choosy(obj: Any, **options: Any) -> bytes:
        if "LogisticRegression" in repr(obj):
            raise NotImplementedError("not any more.")
        return dumps(obj, **options)

    monkeypatch.setattr(skops.io, "dumps", choosy)
    model = {"a": 1, "models": [StopIteration, LogisticRegression()]}
    with pytest.raises(ArtifactWriteError, match=r"not any more\. ") as got:
        dump(model, tmp_path / "m.skops")
    assert str(got.value).startswith("model['models'][1] is a LogisticRegression")
