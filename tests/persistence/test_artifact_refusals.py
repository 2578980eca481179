"""Either a value comes back as it was, or `dump` refuses it and says where it is."""

from __future__ import annotations

import collections
import contextlib
import dataclasses
import datetime
import decimal
import enum
import fractions
import functools
import math
import operator
import re
import threading
import types
import zoneinfo
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
import skops.io
from scipy import sparse, special
from sklearn.callback import ProgressBar, ScoringMonitor
from sklearn.cluster import Birch
from sklearn.datasets import make_classification
from sklearn.feature_selection import SelectKBest, f_classif
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from sklearn.utils import all_estimators

from skdrift.exceptions import ArtifactWriteError
from skdrift.persistence import dump, load


class Colour(enum.Enum):
    RED = 1


class Number(enum.IntEnum):
    ONE = 1


class Word(enum.StrEnum):
    A = "a"


class Text(str):
    __slots__ = ()


class Count(int):
    pass


class Bytes(bytes):
    pass


class Pair(tuple):
    __slots__ = ()


class Point(NamedTuple):
    x: int
    y: int = 2


class Further(Point):
    pass


class Numbers(list):
    pass


class Factory(collections.defaultdict):
    pass


class Plain:
    def __init__(self) -> None:
        self.value = (1, "a")

    def method(self) -> None:
        pass

    @classmethod
    def of(cls) -> None:
        pass

    class Inner:
        pass


class Slots:
    __slots__ = ("value",)


class StateIsList:
    def __getstate__(self) -> list[int]:
        return [1]


class Frozen(np.ndarray):
    pass


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    value: int = 3


def top_level(X: Any) -> Any:
    return X


def local_things() -> tuple[Any, Any]:
    def within(X: Any) -> Any:
        return X

    class Within:
        pass

    return within, Within


def circle() -> list[Any]:
    values: list[Any] = [1]
    values.append({"again": values})
    return values


def nested(depth: int) -> list[Any]:
    values: list[Any] = []
    for _ in range(depth):
        values = [values]
    return values


def objects(*items: Any, shape: tuple[int, ...] | None = None) -> np.ndarray:
    values = np.empty(len(items), dtype=object)
    for position, item in enumerate(items):
        values[position] = item
    return values if shape is None else values.reshape(shape)


# --- what comes back as it was -------------------------------------------------

STORED: dict[str, Any] = {
    "None": None,
    "bools": [True, False],
    "ints": [0, -1, 10**400],
    "floats": [1.5, math.inf, -math.inf],
    "text": "a\ud800\0é",
    "bytes": [b"", b"ab"],
    "bytearray": bytearray(b"ab"),
    "slice": slice(1, None, 2),
    "set": {1, "a", (1, 2)},
    "frozenset": frozenset([1, 2]),
    "range": range(3),
    "named tuple": Point(1),
    "list type": Numbers([1]),
    "record": Record(),
    "class": LogisticRegression,
    "function": top_level,
    "ufuncs": [np.log, special.expit, np.sum, np.mean],
    "builtin": len,
    "partial": functools.partial(top_level, 1).func,
    "dict of ints": {1: "a", 10**30: "b"},
    "dict of floats": {1.5: 1, math.inf: 2},
    "dict of numpy": {np.int64(3): 1, np.float32(0.1): 2, np.str_("a"): 3},
    "dict of text type": {Text("a"): 1},
    "dict True": {True: 1},
    "ordered": collections.OrderedDict(b=1, a=2),
    "counter": collections.Counter("aab"),
    "default": collections.defaultdict(list, a=[1]),
    "dates": [datetime.datetime(2020, 1, 1, tzinfo=datetime.UTC), datetime.date.max],
    "zone": zoneinfo.ZoneInfo("Europe/Berlin"),
    "numbers": [decimal.Decimal("1.1"), fractions.Fraction(1, 3)],
    "scalars": [np.float64(1.5), np.int8(3), np.bool_(False), np.complex128(1j)],
    "times": [np.datetime64("2020-01-01"), np.timedelta64(3, "s")],
    "dtypes": [np.dtype("f4"), np.dtype([("a", "i4")]), np.dtype(object)],
    "floats array": np.arange(3.0),
    "fortran": np.asfortranarray(np.ones((2, 3))),
    "strided": np.arange(10.0)[::3],
    "empty": np.empty((0, 3)),
    "texts array": np.array(["a", "bc"]),
    "dates array": np.array(["2020", "NaT"], dtype="M8[s]"),
    "fields": np.array([(1, 2.0)], dtype=[("a", "i4"), ("b", "f8")]),
    "complex": np.array([1j]),
    "objects": objects(1, "a", None, 2.5),
    "objects of tuples": objects((1, 2), [3]),
    "objects square": objects(1, "a", None, 2.5, shape=(2, 2)),
    "objects none": objects(),
    "random state": np.random.RandomState(3),
    "csr": sparse.csr_matrix(np.eye(2)),
    "coo": sparse.coo_array(np.eye(2)),
    "nested": nested(140),
}


def assert_same(one: Any, other: Any) -> None:
    assert type(one) is type(other)
    if isinstance(one, np.ndarray):
        assert one.dtype == other.dtype
        assert one.shape == other.shape
        for a, b in zip(one.ravel().tolist(), other.ravel().tolist(), strict=True):
            assert type(a) is type(b)
            assert a == b or a != a
    elif isinstance(one, list | tuple):
        assert len(one) == len(other)
        for a, b in zip(one, other, strict=True):
            assert_same(a, b)
    elif isinstance(one, dict):
        assert_same(list(one.items()), list(other.items()))
    elif sparse.issparse(one):
        assert_same(one.toarray(), other.toarray())
    elif isinstance(one, np.random.RandomState):
        assert one.random_sample() == other.random_sample()
    else:
        assert one == other


@pytest.mark.parametrize("value", STORED.values(), ids=STORED)
def test_what_dump_accepts_comes_back_as_it_was(value: Any, tmp_path: Path) -> None:
    path = tmp_path / "m.skops"
    dump({"value": value}, path)
    trusted = skops.io.get_untrusted_types(file=path)
    assert_same(value, load(path, trusted=trusted)["value"])


# --- what skops loses ----------------------------------------------------------

WITHIN, WITHIN_CLASS = local_things()
REFUSED: dict[str, tuple[Any, str]] = {
    "lambda": (lambda X: X, r"\['value'\] is '<lambda>'"),
    "local function": (WITHIN, "not at the top of the module"),
    "local class": (WITHIN_CLASS, "not at the top of the module"),
    "local instance": (WITHIN_CLASS(), "has a class that is"),
    "inner class": (Plain.Inner(), r"'Plain\.Inner'"),
    "function of a class": (Plain.method, r"'Plain\.method'"),
    "class method": (Plain.of, "is a method that skops"),
    "partial": (functools.partial(lambda X: X, 1), r"\.func is '<lambda>'"),
    "default": (collections.defaultdict(lambda: 0), r"\.default_factory is '<lambda>'"),
    "enum": (Colour.RED, r"Enum member <Colour\.RED: 1>"),
    "int enum": ([1, Number.ONE], r"\['value'\]\[1\] is the Enum member"),
    "text enum": ({"a": Word.A}, r"\['a'\] is the Enum member"),
    "text type": (Text("a"), "comes back as a str"),
    "int type": (Count(1), "comes back as a int"),
    "bytes type": (Bytes(b"a"), "comes back as a bytes"),
    "tuple type": (Pair((1,)), "comes back as a tuple"),
    "named tuple type": (Further(1), "comes back as a tuple"),
    "default type": (Factory(list, a=1), "comes back as a defaultdict"),
    "1 and '1'": ({1: "a", "1": "b"}, "has the keys 1 and '1'"),
    "numpy 1 and '1'": ({np.int64(1): "a", "1": "b"}, "of which a file keeps one"),
    "1.5 and '1.5'": ({1.5: "a", "1.5": "b"}, "of which a file keeps one"),
    "True and 'true'": ({True: "a", "true": "b"}, "of which a file keeps one"),
    "two NaN": ({math.nan: 1, float("nan"): 2}, "of which a file keeps one"),
    "False": ({False: 1}, "has the key False"),
    "numpy False": ({np.False_: 1}, "has the key np.False_"),
    "None key": ({None: 1}, "has the key None"),
    "tuple key": ({(1, 2): 1}, r"has the key \(1, 2\)"),
    "enum key": ({Colour.RED: 1}, "has the key <Colour"),
    "int enum key": ({Number.ONE: 1}, "cannot read"),
    "bytes key": ({b"a": 1}, "has the key b'a'"),
    "date key": ({np.datetime64("2020-01-01"): 1}, "has the key np.datetime64"),
    "default of ints": (collections.defaultdict(int, {1: 2}), "Make it a dict"),
    "property": ({"a": property(len)}, r"\['a'\] is a builtins\.property"),
    "complex": (1j, "Make it a numpy.complex128"),
    "huge int": ([10**5000], "does not store"),
    "view of a dict": (types.MappingProxyType({}), r"dict\(x\)"),
    "deque": (collections.deque([1]), "items would be lost"),
    "slots": (Slots(), "does not give its state"),
    "state is a list": (StateIsList(), "cannot read"),
    "ellipsis": (..., "cannot read"),
    "type of None": (type(None), "not at the top of the module"),
    "pattern": (re.compile("a"), "cannot read"),
    "lock": (threading.Lock(), r"threading|_thread"),
    "module": (math, "does not give its state"),
    "generator": ((i for i in []), "does not give its state"),
    "cached": (functools.lru_cache(top_level), "cannot read"),
    "bound builtin": ([].append, "cannot read"),
    "inherited method": (LogisticRegression().get_params, "cannot read"),
    "StringDType": (np.array(["a"], dtype=np.dtypes.StringDType()), "StringDType"),
    "StringDType alone": (np.dtypes.StringDType(), "StringDType"),
    "fields of objects": (np.zeros(1, [("a", object)]), "an array for each field"),
    "record array": (np.rec.array([(1,)], dtype=[("a", "i4")]), "cannot read"),
    "array type": (np.arange(3.0).view(Frozen), "comes back|cannot read"),
    "numpy bytes": (np.bytes_(b"a"), "comes back as a bytes"),
    "masked": (np.ma.masked, "comes back as a MaskedArray"),
    "objects of no rows": (np.empty((0, 3), object), "comes back with the shape"),
    "objects of tuples": (objects((1, 2), shape=(1, 1)), "comes back with the shape"),
    "object of no axis": (np.array({}, dtype=object), "comes back with the shape"),
    "bit generator": (np.random.PCG64(1), "reading it crashes"),
    "seed sequence": (np.random.SeedSequence(1), "Keep a numpy.random.Generator"),
    "lil": (sparse.lil_matrix((2, 2)), r"x\.tocsr\(\)"),
    "dok": (sparse.dok_array((2, 2)), r"x\.tocsr\(\)"),
    "circle": (circle(), r"\['again'\] contains itself"),
    "deep": (nested(400), "nested more than 150 deep"),
}


@pytest.mark.parametrize(("value", "reason"), REFUSED.values(), ids=REFUSED)
def test_what_skops_loses_is_refused_at_its_place(
    value: Any, reason: str, tmp_path: Path
) -> None:
    with pytest.raises(ArtifactWriteError, match=reason) as got:
        dump({"first": 1, "value": value}, tmp_path / "m.skops")
    assert str(got.value).startswith("model")
    assert str(got.value).endswith("Nothing was written.")
    assert len(str(got.value)) < 1000
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", sorted(REFUSED))
def test_skops_alone_loses_what_is_refused(name: str) -> None:
    """If one of these passes one day, its rule can go."""
    value, _ = REFUSED[name]
    if name in ("bit generator", "deep"):
        pytest.skip("it ends the process, or fails in a deep stack only")
    if name in ("local function", "local class", "local instance"):
        pytest.skip("found by chance, here in the names of this module")
    try:
        data = skops.io.dumps(value)
        trusted = skops.io.get_untrusted_types(data=data)
        copy = skops.io.loads(data, trusted=trusted)
        with np.errstate(all="ignore"):
            assert_same(value, copy)
    except (Exception, AssertionError):
        return
    pytest.fail(f"skops {skops.__version__} stores {name}")


def test_a_memory_map_is_refused(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", np.arange(3.0))
    mapped = np.load(tmp_path / "a.npy", mmap_mode="r")
    model = StandardScaler()
    model.mean_ = mapped
    with pytest.raises(ArtifactWriteError, match=r"^model\.mean_ is mapped"):
        dump(model, tmp_path / "m.skops")


# --- places in models ----------------------------------------------------------


def test_the_place_of_a_lambda_in_a_pipeline_is_given(tmp_path: Path) -> None:
    steps = [("a", StandardScaler()), ("b", FunctionTransformer(lambda X: X))]
    search = GridSearchCV(Pipeline(steps), {"b__validate": [True]})
    place = r"^model\.estimator\.steps\[1\]\[1\]\.func is '.*<lambda>'"
    with pytest.raises(ArtifactWriteError, match=place):
        dump(search, tmp_path / "m.skops")


@pytest.mark.parametrize("callback", [ProgressBar, ScoringMonitor])
def test_callbacks_are_refused_and_the_remedy_works(
    callback: Callable[..., Any], tmp_path: Path
) -> None:
    if callback is ProgressBar:
        pytest.importorskip("rich")
    given = {"scoring": "accuracy"} if callback is ScoringMonitor else {}
    inner = LogisticRegression().set_callbacks(callback(**given))
    model = make_pipeline(StandardScaler(), inner)
    place = r"^model\.steps\[1\]\[1\]\._skl_callbacks .* set_callbacks\(\)"
    with pytest.raises(ArtifactWriteError, match=place):
        dump(model, tmp_path / "m.skops")
    inner.set_callbacks()
    dump(model, tmp_path / "m.skops")


def test_an_estimator_that_skops_does_not_store_is_refused(tmp_path: Path) -> None:
    model = make_pipeline(Birch().fit(np.random.default_rng(0).normal(size=(20, 2))))
    with pytest.raises(ArtifactWriteError, match=r"^model\.steps\[0\]\[1\]"):
        dump(model, tmp_path / "m.skops")


def test_functions_of_libraries_are_no_lambdas(tmp_path: Path) -> None:
    dump(SelectKBest(f_classif), tmp_path / "m.skops")
    dump(operator.attrgetter("a"), tmp_path / "m.skops")


def test_sharing_without_end_is_refused_in_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("skdrift.persistence._refuse._MAX_OBJECTS", 10_000)
    shared: list[Any] = []
    for _ in range(60):
        shared = [shared, shared]
    with pytest.raises(ArtifactWriteError, match="share less"):
        dump(shared, tmp_path / "m.skops")


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(("name", "kind"), all_estimators())
def test_no_estimator_of_scikit_learn_is_refused(
    name: str, kind: Callable[[], Any], tmp_path: Path
) -> None:
    X, y = make_classification(60, 6, random_state=0)
    try:
        model = kind()
    except TypeError:
        pytest.skip("needs an argument")
    if "n_estimators" in model.get_params():
        model.set_params(n_estimators=5)  # the types are those of a hundred
    with contextlib.suppress(ValueError, TypeError, AttributeError):
        model.fit(np.abs(X), y)  # some take other data, and are stored without
    path = tmp_path / "m.skops"
    if name == "Birch":
        with pytest.raises(ArtifactWriteError):
            dump(model, path)
        return
    dump(model, path)
    copy = load(path, trusted=skops.io.get_untrusted_types(file=path))
    assert repr(copy) == repr(model)
    assert vars(copy).keys() == vars(model).keys()
