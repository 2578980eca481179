"""Schema findings: certain, named, at most five of a list."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest

from skdrift._core.frame import read_table
from skdrift.profile import Grid
from skdrift.profile._profile import count_table
from skdrift.upstream._schema import schema_findings


def frame(n: int = 60) -> pd.DataFrame:
    rng = np.random.default_rng(0)
    return pd.DataFrame(
        {
            "age": rng.integers(18, 90, n),
            "Income ": rng.normal(size=n),
            "city": rng.choice(["Rome", "Oslo"], n).astype(object),
            "since": np.datetime64("2024-01-01")
            + rng.integers(0, 999, n).astype("timedelta64[D]"),
        }
    )


def findings_of(batch, reference=None):
    grid = Grid.learn(frame() if reference is None else reference)
    table = read_table(batch, strict=False)
    counted, _ = count_table(table, grid)
    return {f.code: f for f in schema_findings(table, grid, counted.families)}


def test_the_same_columns_have_no_finding():
    assert findings_of(frame(5)) == {}


def test_a_renamed_column_is_missing_extra_and_guessed():
    found = findings_of(frame().rename(columns={"Income ": "income"}))
    assert set(found) == {"DA301", "DA302"}
    assert found["DA301"].severity == "alarm"
    assert found["DA301"].features == ("Income ",)
    assert "did you mean 'income' for 'Income '" in found["DA301"].message
    assert found["DA302"].severity == "note"


def test_another_order_is_told_by_a_short_difference():
    found = findings_of(frame()[["since", "city", "Income ", "age"]])
    assert set(found) == {"DA303"}
    assert "'since' where training had 'age'" in found["DA303"].message
    assert math.isnan(found["DA303"].pvalue)


def test_lists_stop_at_five():
    wide = pd.DataFrame(np.zeros((3, 40)), columns=[f"c{j}" for j in range(40)])
    found = findings_of(wide.iloc[:, :10], reference=wide)
    assert "and 25 more" in found["DA301"].message
    assert len(found["DA301"].features) == 30
    moved = findings_of(wide.iloc[:, ::-1], reference=wide)
    assert moved["DA303"].message.count("where training had") == 5


@pytest.mark.parametrize(
    ("column", "change", "severity"),
    [
        ("age", lambda c: c.astype(str), "alarm"),
        ("Income ", lambda c: c.map("{:.1f}".format), "alarm"),
        ("city", lambda c: c.map({"Rome": 0, "Oslo": 1}), "alarm"),
        ("since", lambda c: c.astype(str), "alarm"),
        ("since", lambda c: c.dt.tz_localize("UTC"), "note"),
        ("Income ", lambda c: c > 0, "note"),
    ],
)
def test_another_type_is_told_with_both_types(column, change, severity):
    batch = frame()
    batch[column] = change(batch[column])
    found = findings_of(batch)
    assert set(found) == {"DA304"}
    assert found["DA304"].severity == severity
    assert found["DA304"].features == (column,)
    assert "→" in found["DA304"].direction


@pytest.mark.parametrize(
    ("column", "change"),
    [
        ("age", lambda c: c.astype(float)),
        ("age", lambda c: c.astype("Int64")),
        ("age", lambda c: c.astype("int8")),
        ("Income ", lambda c: c.astype("float32")),
        ("city", lambda c: c.astype("str")),
        ("city", lambda c: c.astype("string[pyarrow]")),
        ("since", lambda c: c.astype("datetime64[s]")),
    ],
)
def test_another_storage_of_the_same_type_is_no_finding(column, change):
    batch = frame()
    batch[column] = change(batch[column])
    assert findings_of(batch) == {}


def test_an_unreadable_column_is_named_with_the_remedy():
    batch = frame()
    batch["city"] = [["Rome"]] * len(batch)
    found = findings_of(batch)
    assert set(found) == {"DA406"}
    assert "city" in found["DA406"].message
    assert "list" in found["DA406"].message


def test_names_that_look_the_same_are_noted():
    twins = pd.DataFrame({"\u00e9t\u00e9": [1.0], "e\u0301te\u0301": [2.0]})
    found = findings_of(twins, reference=twins)
    assert set(found) == {"DA305"}


def test_arrays_are_matched_by_position():
    X = np.random.default_rng(0).normal(size=(50, 4))
    assert findings_of(X, reference=X) == {}
    assert set(findings_of(X[:, :3], reference=X)) == {"DA301"}
    assert set(findings_of(X, reference=X[:, :3])) == {"DA302"}
