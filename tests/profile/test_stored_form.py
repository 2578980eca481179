"""Stored forms: what is written is read back, and damage is one kind of error."""

from __future__ import annotations

import contextlib
import copy
import functools
import json
import pickle

import cloudpickle
import joblib
import numpy as np
import pandas as pd
import pytest
import skops.io
from hypothesis import given, settings
from hypothesis import strategies as st

from skdrift.exceptions import FormatError
from skdrift.profile import Grid, Profile

TRUSTED = ["skdrift.profile._grid.Grid", "skdrift.profile._profile.Profile"]


WORDS = np.array(["a", "\ud800", "\0", "é", ""], dtype=object)


def training() -> pd.DataFrame:
    rng = np.random.default_rng(0)
    n = 300
    return pd.DataFrame(
        {
            "float": rng.normal(size=n),
            "single": rng.normal(size=n).astype(np.float32),
            "atoms": rng.integers(0, 9, n),
            "huge": rng.integers(2**62, 2**63 - 1, n),
            "unsigned": rng.integers(2**63, 2**64 - 1, n, dtype=np.uint64),
            "wide": np.where(np.arange(n) % 2, 1.7e308, -1.7e308),
            "word": pd.Series(rng.choice(WORDS, n), dtype=object),
            "secret": ["once"] + ["often"] * (n - 1),
            "truth": rng.random(n) < 0.5,
            "time": pd.Timestamp("2020-01-01")
            + pd.to_timedelta(rng.random(n), unit="D"),
            "free": [f"text {i} {i % 7}" for i in range(n)],
            "id": rng.permutation(n),
            "nothing": np.full(n, np.nan),
        }
    )


TRAINING = training()
GRID = Grid.learn(TRAINING, min_category_count=2)
PROFILE = Profile.count(
    TRAINING.assign(
        word=pd.Series(["new \udfff"] * 300, dtype=object),
        float=[np.nan, np.inf, -np.inf, *TRAINING["float"][3:]],
    ),
    GRID,
)
SMALL = Profile.count([[0.5, "b"]], Grid.learn([[0.0, "a"], [1.0, "a"], [1.5, None]]))


def through_json(stored):
    return json.loads(
        json.dumps(stored, allow_nan=False).encode("utf-8").decode("utf-8")
    )


COPIES = {
    "pickle": lambda value: pickle.loads(pickle.dumps(value)),
    "oldest pickle": lambda value: pickle.loads(pickle.dumps(value, protocol=2)),
    "copy": copy.copy,
    "deepcopy": copy.deepcopy,
    "cloudpickle": lambda value: cloudpickle.loads(cloudpickle.dumps(value)),
    "skops": lambda value: skops.io.loads(skops.io.dumps(value), trusted=TRUSTED),
    "dict": lambda value: type(value).from_dict(value.to_dict()),
    "JSON": lambda value: type(value).from_dict(through_json(value.to_dict())),
}


@pytest.mark.parametrize("name", COPIES)
@pytest.mark.parametrize("profile", [PROFILE, SMALL, Profile.empty(GRID)], ids=repr)
def test_a_copy_of_a_profile_is_the_profile(name, profile, assert_identical):
    again = COPIES[name](profile)
    assert_identical(again, profile)
    assert again.grid.fingerprint() == profile.grid.fingerprint()
    assert_identical(again.merge(profile), profile.merge(profile))


@pytest.mark.parametrize("name", COPIES)
def test_a_copy_of_a_grid_counts_the_same(name, assert_identical):
    again = COPIES[name](GRID)
    for attribute in ("labels", "names", "kinds", "families", "untested", "n_rows"):
        assert getattr(again, attribute) == getattr(GRID, attribute)
    assert again.fingerprint() == GRID.fingerprint()
    for mine, theirs in zip(again.cells, GRID.cells, strict=True):
        for field in ("lower", "upper", "untracked", "single", "salt", "pooled"):
            assert getattr(mine, field, None) == getattr(theirs, field, None)
    assert_identical(Profile.count(TRAINING, again), Profile.count(TRAINING, GRID))


def test_joblib_keeps_a_profile(tmp_path, assert_identical):
    joblib.dump(PROFILE, tmp_path / "profile.joblib")
    assert_identical(joblib.load(tmp_path / "profile.joblib"), PROFILE)


def test_skops_asks_for_two_types_only():
    assert skops.io.get_untrusted_types(data=skops.io.dumps(PROFILE)) == TRUSTED


@pytest.mark.parametrize("n_rows", [255, 256, 40_000, 70_000])
def test_counts_of_any_size_are_kept(n_rows, assert_identical):
    X = np.zeros((n_rows, 1))
    profile = Profile.count(X, Grid.learn(X))
    for make in COPIES.values():
        assert_identical(make(profile), profile)
    million = functools.reduce(Profile.merge, [profile] * 20)
    assert_identical(pickle.loads(pickle.dumps(million)), million)
    assert pickle.loads(pickle.dumps(million)).counts[0].dtype == np.int64


def test_a_grid_without_any_cells_survives():
    grid = Grid.learn(np.full((3, 1), np.nan))
    for make in COPIES.values():
        assert make(grid).kinds == ("empty",)
        assert make(Profile.empty(grid)).n_rows == 0


def test_the_stored_form_of_50_columns_is_small():
    rng = np.random.default_rng(0)
    X = np.concatenate(
        [rng.normal(size=(20_000, 40)), rng.integers(0, 100, (20_000, 10))], 1
    )
    assert len(pickle.dumps(Profile.count(X, Grid.learn(X)))) < 100_000


@pytest.mark.parametrize("kind", [Grid, Profile])
@pytest.mark.parametrize("number", [2, 99, 10**30])
def test_a_newer_format_asks_for_an_upgrade(kind, number):
    stored = (GRID if kind is Grid else PROFILE).to_dict()
    with pytest.raises(FormatError, match="upgrade skdrift"):
        kind.from_dict({**stored, "format": number})


@pytest.mark.parametrize("kind", [Grid, Profile])
@pytest.mark.parametrize(
    "stored",
    [
        None,
        [],
        "text",
        1,
        {},
        {"format": 0},
        {"format": True},
        {"format": "1"},
        {"format": 1},
    ],
)
def test_what_is_no_stored_form_is_refused(kind, stored):
    with pytest.raises(FormatError):
        kind.from_dict(stored)


def test_a_pickle_of_a_newer_format_is_refused():
    for value in (GRID, PROFILE):
        state = {**value.__getstate__(), "format": 2}
        with pytest.raises(FormatError, match="upgrade skdrift"):
            object.__new__(type(value)).__setstate__(state)


def paths_of(stored, path=()):
    yield path
    if isinstance(stored, dict):
        for key, value in stored.items():
            yield from paths_of(value, (*path, key))
    elif isinstance(stored, list):
        for place in range(min(len(stored), 3)):
            yield from paths_of(stored[place], (*path, place))


STORED = through_json(SMALL.to_dict())
PATHS = [path for path in paths_of(STORED) if path]
anything = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.integers(-3, 10),
    st.sampled_from([2**63, 2**64, -(2**63) - 1, 10**400]),
    st.floats(),
    st.text(max_size=4),
    st.sampled_from(["value", "shape", "numeric", "f8", "i8", "inf", "O", "<M8[s]"]),
    st.lists(st.integers(0, 3), max_size=3),
    st.lists(st.text(max_size=2), max_size=3),
    st.dictionaries(st.text(max_size=2), st.integers(), max_size=2),
    st.just([[[]]]),
    st.just({"keys": []}),
    st.binary(max_size=3),
)


def mutate(stored, path, how, value):
    stored = copy.deepcopy(stored)
    parent = stored
    for step in path[:-1]:
        parent = parent[step]
    last = path[-1]
    if how == "replace":
        parent[last] = value
    elif how == "drop":
        del parent[last]
    elif isinstance(parent, list):
        parent.insert(last, value)
    else:
        parent[str(value)[:5]] = parent.pop(last)
    return stored


@given(
    st.lists(
        st.tuples(
            st.sampled_from(PATHS),
            st.sampled_from(["replace", "drop", "add"]),
            anything,
        ),
        min_size=1,
        max_size=3,
    )
)
@settings(max_examples=1000)
def test_damage_is_a_format_error_or_gives_a_usable_profile(mutations):
    stored = STORED
    for path, how, value in mutations:
        try:
            stored = mutate(stored, path, how, value)
        except (KeyError, IndexError, TypeError, AttributeError):
            continue
    try:
        profile = Profile.from_dict(stored)
    except FormatError:
        return
    usable = profile.merge(Profile.count([[2.0, "c"]], profile.grid))
    assert usable.n_rows == profile.n_rows + 1
    json.dumps(usable.to_dict(), allow_nan=False)
    pickle.loads(pickle.dumps(usable))


@pytest.mark.parametrize("path", PATHS, ids=str)
@pytest.mark.parametrize("value", [None, {}, [], "x", -1, 0.5, True, [None], 10**400])
def test_every_entry_is_checked(path, value):
    stored = mutate(STORED, path, "replace", value)
    with contextlib.suppress(FormatError):
        profile = Profile.from_dict(stored)
        assert profile.merge(profile).n_rows == 2 * profile.n_rows


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("n_rows",), -1),
        (("n_rows",), 0),
        (("counts", 0, 0), -1),
        (("counts", 0, 0), 5),
        (("counts", 0), [1, 2]),
        (("counts",), []),
        (("counts", 0, 0), 1.5),
        (("unseen", 0), {"a": 1}),
        (("unseen", 1), {"b": 0}),
        (("unseen", 1), {"b": 7}),
        (("families",), "ab"),
        (("families",), ["float"]),
        (("n_missing", 0), 3),
        (("n_read", 0), 7),
        (("mean", 0), "nan"),
        (("mean", 0), "1"),
        (("mean",), []),
        (("grid", "labels"), ["a"]),
        (("grid", "labels"), "ab"),
        (("grid", "kinds", 0), "categorical"),
        (("grid", "kinds", 0), "odd"),
        (("grid", "points", 0), [2.0, 1.0, 0.0]),
        (("grid", "points", 0), [0.0, 1.0, float("inf")]),
        (("grid", "points", 0), [0.0, 1.0]),
        (("grid", "tracked", 0), [17]),
        (("grid", "tracked", 0), [-1]),
        (("grid", "cells", 0, "dtype"), "i8"),
        (("grid", "cells", 0, "dtype"), "M8[s]"),
        (("grid", "cells", 0, "feature"), 1),
        (("grid", "cells", 0, "aspect"), "length"),
        (("grid", "cells", 0, "lower"), "0"),
        (("grid", "cells", 0, "single"), 0),
        (("grid", "cells", 1, "keys"), ["a", "a"]),
        (("grid", "cells", 1, "keys"), "a"),
        (("grid", "cells", 1, "keys"), [1]),
        (("grid", "cells"), []),
        (("grid", "format"), 2),
        (("grid",), None),
    ],
    ids=str,
)
def test_damage_that_would_change_an_answer_is_found(path, value):
    with pytest.raises(FormatError, match=r"damaged|upgrade|no stored"):
        Profile.from_dict(mutate(STORED, path, "replace", value))


def test_a_level_that_is_listed_twice_is_damage():
    stored = mutate(STORED["grid"], ("cells", 1, "keys"), "replace", ["a", "b", "a"])
    with pytest.raises(FormatError, match="listed twice"):
        Grid.from_dict(stored)


def test_whole_numbers_written_without_a_point_are_floats():
    """Other writers of JSON write 1.0 as 1."""
    stored = through_json(SMALL.to_dict())
    stored["mean"][0], stored["grid"]["points"][0][0] = 1, 0
    assert Profile.from_dict(stored).mean[0] == 1.0


def test_nothing_of_a_rare_category_is_stored_but_it_is_still_known():
    for stored in (
        json.dumps(PROFILE.to_dict(), ensure_ascii=False).encode(
            "utf-8", "surrogatepass"
        ),
        pickle.dumps(PROFILE),
        pickle.dumps(GRID),
        repr(GRID.cells).encode("utf-8", "surrogatepass"),
        skops.io.dumps(PROFILE),
    ):
        assert b"once" not in stored
    assert b"often" in pickle.dumps(GRID)
    known = Profile.count(TRAINING, GRID)
    place = [cells.feature for cells in GRID.cells].index(
        list(TRAINING).index("secret")
    )
    assert known.unseen[place] == {}
    assert known.counts[place].tolist() == [299, 1, 0]
    new = Profile.count(TRAINING.assign(secret="other"), GRID)
    assert new.unseen[place] == {"other": 300}


def test_every_learned_grid_hides_with_a_salt_of_its_own():
    grids = [Grid.learn([["a"], ["b"], ["b"]], min_category_count=2) for _ in range(2)]
    assert grids[0].cells[0].salt != grids[1].cells[0].salt
    assert grids[0].fingerprint() != grids[1].fingerprint()
    assert Grid.learn([["b"], ["b"]], min_category_count=2).cells[0].salt == ""
