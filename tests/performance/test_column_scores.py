"""Laws of the scores of codes."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from skdrift import Profile
from skdrift._core.frame import read_table
from skdrift.performance._column_scores import column_scores, fair_codes, recoded
from skdrift.performance._row_codes import N_CODES, coded_columns, row_codes
from skdrift.profile import Grid


def frame(n=600, seed=0):
    rng = np.random.default_rng(seed)
    number = rng.normal(size=n)
    return pd.DataFrame(
        {
            "number": number,
            "count": rng.poisson(2.0, size=n),
            "holes": np.where(rng.random(n) < 0.2, np.nan, number**3),
            "level": rng.choice(["a", "b", "c"], p=[0.6, 0.3, 0.1], size=n),
            "flag": rng.random(n) < 0.3,
            "many": pd.Categorical(rng.integers(0, 200, size=n).astype(str)),
            "rare": pd.Categorical(np.where(rng.random(n) < 0.05, range(n), 0)),
        }
    )


def scored(X):
    reference = Profile.count(X, Grid.learn(X))
    positions = coded_columns(reference)
    coded = row_codes(read_table(X), reference, positions)
    names = [str(reference.grid.labels[k]) for k in positions]
    return names, coded, column_scores(reference, positions, coded.shares)


def test_scores_have_mean_0_and_variance_1_and_are_uncorrelated():
    _, coded, found = scored(frame())
    for codes, tables, fourth in zip(
        coded.codes, found.tables, found.kurtosis, strict=True
    ):
        values = tables[:, codes]
        known = np.isfinite(fourth)
        assert not values[~known].any()
        assert values.mean(axis=1) == pytest.approx(0.0, abs=1e-9)
        gram = values @ values.T / values.shape[1]
        assert gram[np.ix_(known, known)] == pytest.approx(np.eye(known.sum()))
        assert fourth[known] == pytest.approx((values[known] ** 4).mean(axis=1))


def test_which_kinds_a_column_has():
    names, _, found = scored(frame())
    kinds = dict(zip(names, np.isfinite(found.kurtosis).tolist(), strict=True))
    assert kinds["number"] == [True, True, False]
    assert kinds["count"] == [True, True, False]
    assert kinds["holes"] == [True, True, True]
    assert kinds["level"] == [True, True, False]
    assert kinds["flag"] == [True, False, False]
    # More levels than codes; and levels seen once: the next rows bring others.
    assert not any(kinds["many"])
    assert not any(kinds["rare"])


def test_a_number_is_scored_by_its_rank_alone():
    X = frame()
    names, coded, found = scored(X)
    _, coded_again, again = scored(X.assign(number=np.exp(X["number"])))
    place = names.index("number")
    values = found.tables[place, 0, coded.codes[place]]
    assert (np.diff(values[np.argsort(X["number"])]) >= -1e-12).all()
    other = again.tables[place, 0, coded_again.codes[place]]
    assert other == pytest.approx(values, abs=0.1)


def test_levels_are_scored_by_name_and_not_by_how_frequent_they_are():
    X = frame()
    swapped = X.assign(level=X["level"].map({"a": "c", "b": "b", "c": "a"}))
    names, coded, found = scored(X)
    _, coded_again, again = scored(swapped)
    place = names.index("level")
    spread = []
    for own, table, levels in (
        (coded, found, X["level"]),
        (coded_again, again, swapped["level"]),
    ):
        values = table.tables[place, 0, own.codes[place]]
        mean = {name: values[levels == name].mean() for name in "abc"}
        spread.append((mean["b"] - mean["a"]) / (mean["c"] - mean["a"]))
    assert spread[0] == pytest.approx(spread[1])


def test_no_column_and_no_known_cell():
    reference = Profile.count(frame(), Grid.learn(frame()))
    nothing = column_scores(reference, np.zeros(0, int), np.zeros((0, N_CODES)))
    assert nothing.tables.shape == (0, 3, N_CODES)
    empty = column_scores(reference, np.array([0]), np.zeros((1, N_CODES)))
    assert not empty.tables.any()
    assert np.isinf(empty.kurtosis).all()


def test_fair_codes_are_those_of_numbers_and_follow_the_names_of_levels():
    X = frame()
    swapped = X.assign(level=X["level"].map({"a": "c", "b": "b", "c": "a"}))
    found = []
    for table in (X, swapped):
        reference = Profile.count(table, Grid.learn(table))
        positions = coded_columns(reference)
        coded = row_codes(read_table(table), reference, positions)
        names = [str(reference.grid.labels[k]) for k in positions]
        fair = recoded(coded.codes, fair_codes(reference, positions))
        found.append(dict(zip(names, fair, strict=True)))
        same = [name in ("number", "count", "holes") for name in names]
        assert (fair[same] == coded.codes[same]).all()
    first, second = found
    assert not first["many"].any()
    assert len(np.unique(first["level"])) == 3
    of_a = {
        int(first["level"][X["level"] == "a"][0]),
        int(second["level"][swapped["level"] == "a"][0]),
    }
    assert len(of_a) == 1
