"""The table of bad inputs, numbered as in the catalogue of what is expected of them.

One row is one input: good columns changed, the containers that can hold the result,
and what `fit`, `check` and `flag` say to it. What `predict` says is the same for all:
the bare model's own answer or error. The rows are in `INPUTS`.

Left out here: 66-76 and 96-100 are in ``bad_processes.py``, since they are no tables;
77-83 (what a report shows) are tested with the report, and their files and servers
come with the pages and the command line; 84-95 come with the store.
"""

from __future__ import annotations

import datetime as dt
import decimal
import fractions
import tempfile
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cache, partial
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import scipy.sparse as sp
from input_tables import (
    CONTAINERS,
    N_BATCH,
    Columns,
    object_frame,
    pandas_frame,
    plain_array,
)

from skdrift.exceptions import InputError, InputTypeError

FRAMES = ("pandas", "pandas nullable", "pandas arrow", "polars", "pyarrow")
OBJECTS = ("objects", "lists", "pandas objects")
PLAIN = ("array", "lists", "objects", "pandas", "pandas nullable", "polars", "pyarrow")
ALL = ("array", *OBJECTS, *FRAMES)
MIXED = (*OBJECTS, *FRAMES)
NAN, INF = float("nan"), float("inf")


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """A named error of ours, and what its message must say."""

    saying: str
    error: type[Exception] = InputError


@dataclass(frozen=True, slots=True, kw_only=True)
class BadInput:
    """One input.

    Attributes
    ----------
    number : int
        In the catalogue.
    name : str
    containers : tuple of str
        Those that can hold it.
    change : callable
        What makes good columns bad.
    make : callable or None
        Table of the columns, where no container of the list does it alone.
    training : str
        Kind of good table that the wrapper was fitted on.
    trained_in : str
        Container of that table; by default the input's own.
    kinds : dict of str to str
        What `fit` takes columns of the input for, by name.
    fit, check : Refused or None
        What `fit`, and what `check` and `flag`, refuse the input with; None where
        they take it.
    findings : frozenset of str or None
        All findings that `check` has, as ``"code feature,feature"``; None for no
        claim.
    perhaps : frozenset of str
        Findings that `check` may have besides, as a test's power decides.
    says : tuple of str
        Patterns that the printed report matches.
    flags : dict of str to int or None
        How often each flag occurs, as ``"feature flag"``; None for no claim.
    like : callable or None
        What makes columns (for the same container) or a table that must be counted
        exactly like the input.
    """

    number: int
    name: str
    containers: tuple[str, ...]
    change: Callable[[Columns], Columns] = lambda columns: columns
    make: Callable[[Columns], Any] | None = None
    training: str = "numbers"
    trained_in: str = ""
    kinds: dict[str, str] = field(default_factory=dict)
    fit: Refused | None = None
    check: Refused | None = None
    findings: frozenset[str] | None = frozenset()
    perhaps: frozenset[str] = frozenset()
    says: tuple[str, ...] = ()
    flags: dict[str, int] | None = None
    like: Callable[[Columns], Any] | None = None

    def table(self, container: str, columns: Columns) -> Any:
        make = self.make or CONTAINERS[container]
        return make(self.change(columns))


# --- how columns go bad -------------------------------------------------------------

Change = Callable[[Columns], Columns]


def cells(name: str, change: Callable[[list[Any]], list[Any]]) -> Change:
    """One column with other cells."""
    return lambda columns: {**columns, name: change(columns[name])}


def mapped(name: str, change: Callable[[Any], Any]) -> Change:
    """One column with every cell changed."""
    return cells(name, lambda column: [change(cell) for cell in column])


def some(name: str, *values: Any) -> Change:
    """One column whose first cells are replaced."""
    return cells(name, lambda column: [*values, *column[len(values) :]])


def all_are(name: str, value: Any) -> Change:
    """One column of one value."""
    return mapped(name, lambda cell: value)


def renamed(**names: Any) -> Change:
    """Some columns under other names."""
    return lambda columns: {names.get(n, n): cells for n, cells in columns.items()}


def without(*names: str) -> Change:
    return lambda columns: {n: c for n, c in columns.items() if n not in names}


def with_column(name: Any, cell: Callable[[int], Any]) -> Change:
    """One column more."""

    def change(columns: Columns) -> Columns:
        n_rows = len(next(iter(columns.values())))
        return {**columns, name: [cell(row) for row in range(n_rows)]}

    return change


def first_rows(n_rows: int) -> Change:
    return lambda columns: {name: cells[:n_rows] for name, cells in columns.items()}


def cycled(name: str, *values: Any) -> Change:
    """One column that goes round and round through some values."""
    n = len(values)
    return cells(name, lambda column: [values[k % n] for k in range(len(column))])


def named(*names: Any) -> Callable[[Columns], pd.DataFrame]:
    """A pandas frame under any names."""

    def make(columns: Columns) -> pd.DataFrame:
        frame = pandas_frame(columns)
        frame.columns = pd.Index(list(names), dtype=object, tupleize_cols=False)
        return frame

    return make


class Spiteful:
    """A cell that raises at whatever is done with it."""

    __hash__ = None  # type: ignore[assignment]

    def __eq__(self, other: object) -> bool:
        raise RuntimeError("no comparing")

    def __str__(self) -> str:
        raise RuntimeError("no showing")

    __repr__ = __str__


SPITE = Spiteful()


# --- columns ------------------------------------------------------------------------

TWICE = Refused(saying=r"unique.*'a'.*rename or drop")
NO_COLUMNS = Refused(saying="no columns")
EMPTY_NAME = Refused(saying="must have a name.*name them")
NESTED_NAMES = Refused(saying="nested names.*flatten")
ODD_NAMES = (
    "nul\0",
    "line\nbreak",
    "<script>alert(1)</script>",
    "quo'te\"",
    "n" * 10_000,
    "../up",
)
OWN_WORDS = (
    "target",
    "index",
    "n_rows",
    "level",
    "n",
    "row",
    "feature",
    "code",
    "flag",
    "reason",
    "x0",
    "",
)[:-1]


def many_names(names: tuple[str, ...]) -> Change:
    """A column of small numbers under each of some names."""
    return lambda columns: {
        name: [(k * (j + 3)) % 7 for k in range(len(columns["a"]))]
        for j, name in enumerate(names)
    }


COLUMNS = [
    BadInput(
        number=1,
        name="two columns of one name",
        containers=("pandas",),
        make=named("a", "a", "c"),
        fit=TWICE,
        check=TWICE,
    ),
    BadInput(
        number=1,
        name="two columns of one name",
        containers=("pyarrow",),
        make=lambda columns: pa.table(list(columns.values()), names=["a", "a", "c"]),
        fit=TWICE,
        check=TWICE,
    ),
    BadInput(
        number=2,
        name="names of mixed types",
        containers=("pandas",),
        make=named("a", 1, "c"),
        fit=Refused(error=InputTypeError, saying=r"all be texts.*'int'.*astype\(str\)"),
        findings=frozenset({"DA301 b", "DA302 1"}),
    ),
    BadInput(
        number=3,
        name="integer names",
        containers=("pandas",),
        make=named(0, 1, 2),
    ),
    BadInput(
        number=4,
        name="tuple names",
        containers=("pandas",),
        make=named(("a", 1), ("a", 2), ("b", 1)),
        fit=NESTED_NAMES,
        check=NESTED_NAMES,
    ),
    BadInput(
        number=4,
        name="two levels of names",
        containers=("pandas",),
        make=lambda columns: pandas_frame(columns).set_axis(
            pd.MultiIndex.from_product([["a"], [1, 2, 3]]), axis=1
        ),
        fit=NESTED_NAMES,
        check=NESTED_NAMES,
    ),
    *[
        BadInput(
            number=5,
            name=f"the name {name!r}",
            containers=("pandas",),
            make=named("a", name, "c"),
            fit=EMPTY_NAME,
            check=EMPTY_NAME,
        )
        for name in (None, NAN, pd.NA, "")
    ],
    BadInput(
        number=5,
        name="an empty name",
        containers=("polars", "pyarrow"),
        change=renamed(b=""),
        fit=EMPTY_NAME,
        check=EMPTY_NAME,
    ),
    BadInput(
        number=6,
        name="names with NUL, line break, markup, quotes, 10,000 characters, path",
        containers=("pandas", "polars", "pyarrow"),
        change=many_names(ODD_NAMES),
        findings=frozenset({"DA301 a,b,c", f"DA302 {','.join(ODD_NAMES)}"}),
        says=(r"nul\\x00", r"line\\nbreak", "<script>", r"n{40}.*\.\.\."),
    ),
    BadInput(
        number=7,
        name="twins of one name in two Unicode forms",
        containers=FRAMES,
        change=lambda columns: {
            **columns,
            "caf\u00e9": columns["a"],
            "cafe\u0301": columns["b"],
        },
        findings=frozenset(
            {"DA302 caf\u00e9,cafe\u0301", "DA305 caf\u00e9,cafe\u0301"}
        ),
    ),
    BadInput(
        number=8,
        name="a name in capitals and with a blank",
        containers=FRAMES,
        change=renamed(b=" B"),
        findings=frozenset({"DA301 b", "DA302  B"}),
        says=(r"did you mean ' B' for 'b'\?",),
    ),
    BadInput(
        number=9,
        name="a column missing",
        containers=FRAMES,
        change=without("b"),
        findings=frozenset({"DA301 b"}),
        says=("1 column.* of training .* missing: 'b'",),
    ),
    BadInput(
        number=9,
        name="the last column of an array missing",
        containers=("array", "objects", "lists"),
        change=without("c"),
        findings=frozenset({"DA301 c"}),
    ),
    BadInput(
        number=10,
        name="a column more",
        containers=(*FRAMES, "array", "lists"),
        change=with_column("d", lambda row: row % 3),
        findings=frozenset({"DA302 d"}),
    ),
    BadInput(
        number=10,
        name="seven columns more",
        containers=FRAMES,
        change=lambda columns: {**columns, **many_names(tuple("dfghijk"))(columns)},
        findings=frozenset({"DA302 d,f,g,h,i,j,k"}),
        says=("'d', 'f', 'g', 'h', 'i' and 2 more",),
    ),
    BadInput(
        number=11,
        name="columns in another order",
        containers=FRAMES,
        change=lambda columns: {name: columns[name] for name in "bac"},
        findings=frozenset({"DA303 a,b"}),
        says=("'b' where training had 'a'", "'a' where training had 'b'"),
    ),
    BadInput(
        number=12,
        name="no columns",
        containers=("array",),
        make=lambda columns: np.empty((len(columns["a"]), 0)),
        fit=NO_COLUMNS,
        check=NO_COLUMNS,
    ),
    BadInput(
        number=12,
        name="no columns",
        containers=("lists",),
        make=lambda columns: [[] for _ in columns["a"]],
        fit=NO_COLUMNS,
        check=NO_COLUMNS,
    ),
    *[
        BadInput(
            number=12,
            name="no columns",
            containers=(container,),
            make=make,
            fit=NO_COLUMNS,
            check=NO_COLUMNS,
        )
        for container, make in (
            ("pandas", lambda columns: pandas_frame(columns).iloc[:, :0]),
            ("polars", lambda columns: pl.DataFrame()),
            ("pyarrow", lambda columns: pa.table({})),
            ("csr", lambda columns: sp.csr_array((len(columns["a"]), 0))),
        )
    ],
    BadInput(
        number=14,
        name="names that are words of ours",
        containers=FRAMES,
        change=many_names(OWN_WORDS),
        findings=frozenset({"DA301 a,b,c", f"DA302 {','.join(OWN_WORDS)}"}),
    ),
    BadInput(
        number=14,
        name="texts under names that are words of ours",
        containers=FRAMES,
        training="texts",
        change=renamed(a="n", b="index", group="level"),
        findings=frozenset({"DA301 a,b,group", "DA302 n,index,level"}),
    ),
]


# --- cells: numbers -----------------------------------------------------------------

TOO_BIG = Refused(saying=r"'b' holds the integer 36893488147419103232.*64 bits")
TOO_BIG_UNNAMED = Refused(saying=r"'x1' holds the integer 36893488147419103232")
MISSING = frozenset({"DA401 a"})
UNSUPPORTED_FIT = "column '{}' .*: expand|column '{}' has type .*: expand"

NUMBERS = [
    BadInput(
        number=15,
        name="every kind of missing value",
        containers=("pandas objects",),
        change=some("a", NAN, None, pd.NA, pd.NaT, np.datetime64("NaT"), np.nan),
        findings=MISSING,
        flags={"a missing": 6},
    ),
    BadInput(
        number=15,
        name="NaN and None",
        containers=PLAIN,
        change=some("a", NAN, None, NAN),
        findings=MISSING,
        flags={"a missing": 3},
    ),
    BadInput(
        number=15,
        name="NaN beside null",
        containers=("polars", "pyarrow"),
        change=some("a", NAN, None),
        findings=MISSING,
        flags={"a missing": 2},
        says=("2 of 60 rows, missing",),
    ),
    BadInput(
        number=16,
        name="infinities",
        containers=ALL,
        change=some("a", INF, -INF, INF),
        findings=frozenset({"DA404 a"}),
        flags={"a infinite": 3},
        says=("3 of 60 rows, infinite",),
    ),
    BadInput(
        number=17,
        name="all missing",
        containers=("array", *OBJECTS, "pandas"),
        change=all_are("a", NAN),
        kinds={"a": "empty"},
        findings=frozenset({"DA405 a"}),
        flags={"a missing": N_BATCH},
    ),
    BadInput(
        number=17,
        name="all null",
        containers=(*OBJECTS, "pandas", "pandas nullable", "polars", "pyarrow"),
        change=all_are("a", None),
        kinds={"a": "empty"},
        findings=frozenset({"DA405 a"}),
        flags={"a missing": N_BATCH},
    ),
    BadInput(
        number=17,
        name="all missing and of another type",
        containers=("pandas",),
        training="texts",
        change=all_are("group", NAN),
        findings=frozenset({"DA405 group", "DA304 group"}),
        flags={"group missing": N_BATCH},
        says=("from string to float",),
    ),
    BadInput(
        number=18,
        name="constant",
        containers=(*ALL, "csr"),
        change=all_are("b", 2),
        findings=frozenset({"DA101 b"}),
        flags={},
    ),
    BadInput(
        number=18,
        name="constant outside",
        containers=ALL,
        change=all_are("b", 9),
        findings=frozenset({"DA101 b", "DA403 b"}),
        flags={"b above": N_BATCH},
    ),
    BadInput(
        number=19,
        name="negative zeros",
        containers=("array", *OBJECTS, "pandas", "polars"),
        change=mapped("b", lambda cell: -0.0 if cell == 0 else float(cell)),
        like=mapped("b", float),
        flags={},
    ),
    BadInput(
        number=20,
        name="subnormal and huge",
        containers=ALL,
        change=some("a", 5e-324, 1e308, -1e308, 1.7e308, -1.7e308, 1e-310),
        findings=None,
        flags={"a above": 2, "a below": 2},
    ),
    BadInput(
        number=20,
        name="nothing but huge",
        containers=ALL,
        change=cycled("a", 1.7e308, -1.7e308, 1e308),
        findings=None,
    ),
    BadInput(
        number=20,
        name="huge as 32-bit floats",
        containers=("array",),
        trained_in="array",
        change=some("a", 3e38, -3e38, 1e-45),
        make=lambda columns: plain_array(columns).astype(np.float32),
        findings=None,
        flags={"a above": 1, "a below": 1},
    ),
    BadInput(
        number=21,
        name="integers around 2**53",
        containers=(*OBJECTS, "pandas", "polars", "pyarrow"),
        change=cycled("b", 2**53, 2**53 + 1),
        findings=frozenset({"DA101 b", "DA403 b"}),
    ),
    BadInput(
        number=21,
        name="the largest and the smallest integers",
        containers=(*OBJECTS, "pandas", "polars", "pyarrow"),
        change=cycled("b", 2**63 - 1, -(2**63)),
        findings=frozenset({"DA101 b", "DA403 b"}),
    ),
    BadInput(
        number=21,
        name="unsigned integers",
        containers=("pandas",),
        change=cycled("b", 2**64 - 1, 2**64 - 2),
        findings=frozenset({"DA101 b", "DA403 b"}),
        make=lambda columns: pandas_frame(columns).astype({"b": np.uint64}),
    ),
    BadInput(
        number=22,
        name="an integer beyond 64 bits",
        containers=("pandas objects",),
        change=some("b", 2**65),
        fit=TOO_BIG,
        findings=frozenset({"DA406 b"}),
        says=("36893488147419103232",),
        flags={"b unreadable": N_BATCH},
    ),
    BadInput(
        number=22,
        name="an integer beyond 64 bits",
        containers=("objects", "lists"),
        change=some("b", 2**65),
        fit=TOO_BIG_UNNAMED,
        findings=frozenset({"DA406 b"}),
        says=("36893488147419103232",),
        flags={"b unreadable": N_BATCH},
    ),
    BadInput(
        number=23,
        name="Decimal",
        containers=(*OBJECTS, "polars", "pyarrow"),
        change=mapped("a", lambda cell: decimal.Decimal(f"{cell:.6f}")),
        kinds={"a": "numeric"},
        flags={},
    ),
    BadInput(
        number=23,
        name="Decimal, not a number and infinite",
        containers=OBJECTS,
        change=some(
            "a", decimal.Decimal("NaN"), decimal.Decimal("sNaN"), decimal.Decimal("inf")
        ),
        findings=frozenset({"DA401 a", "DA404 a"}),
        flags={"a missing": 2, "a infinite": 1},
    ),
    BadInput(
        number=24,
        name="half precision",
        containers=("array",),
        make=lambda columns: plain_array(columns).astype(np.float16),
        like=lambda columns: plain_array(columns).astype(np.float16).astype(float),
    ),
    BadInput(
        number=24,
        name="extended precision",
        containers=("array",),
        make=lambda columns: plain_array(columns).astype(np.longdouble),
        like=plain_array,
    ),
    BadInput(
        number=25,
        name="complex",
        containers=("array",),
        make=lambda columns: plain_array(columns).astype(complex),
        fit=Refused(error=InputTypeError, saying="[Cc]omplex"),
        check=Refused(error=InputTypeError, saying="Complex data not supported"),
    ),
    BadInput(
        number=25,
        name="one complex column",
        containers=("pandas", "pandas objects"),
        change=mapped("a", complex),
        fit=Refused(error=Exception, saying="'a' .*complex|Complex.*'a'"),
        findings=frozenset({"DA406 a"}),
        flags={"a unreadable": N_BATCH},
    ),
    BadInput(
        number=26,
        name="booleans with missing ones",
        containers=(*OBJECTS, *FRAMES),
        training="booleans",
        change=some("flag", None, None),
        kinds={"flag": "boolean"},
        findings=frozenset({"DA401 flag"}),
        flags={"flag missing": 2},
    ),
    BadInput(
        number=26,
        name="booleans as 0 and 1",
        containers=(*OBJECTS, *FRAMES),
        training="booleans",
        change=mapped("flag", int),
        findings=frozenset({"DA304 flag"}),
        flags={},
    ),
    BadInput(
        number=27,
        name="masked cells",
        containers=("array",),
        change=some("a", 1e9, 1e9),
        make=lambda columns: np.ma.masked_greater(plain_array(columns), 1e8),
        findings=MISSING,
        flags={"a missing": 2},
    ),
    *[
        BadInput(
            number=28,
            name=f"numbers as texts such as {example!r}",
            containers=MIXED,
            change=mapped("a", write),
            findings=frozenset({"DA304 a"}),
            flags={"a unreadable": N_BATCH},
            says=("from float to string, for example",),
        )
        for example, write in (
            ("1,5", lambda cell: f"{cell:.1f}".replace(".", ",")),
            ("1e3", lambda cell: f"{cell:.0e}"),
            (" 7", lambda cell: f" {cell:.2f}"),
        )
    ],
    BadInput(
        number=29,
        name="one value in 99 %, and a tail",
        containers=ALL,
        change=cells("a", lambda column: [*column[:1], *[0.0] * (len(column) - 1)]),
        findings=frozenset({"DA101 a"}),
        flags={},
    ),
]


# --- cells: texts and categories ----------------------------------------------------

OBJECT_TEXTS = (*OBJECTS, "pandas")


def category_frame(categories: list[str], *, ordered: bool = False) -> Any:
    def make(columns: Columns) -> pd.DataFrame:
        kind = pd.CategoricalDtype(categories, ordered=ordered)
        return pandas_frame(columns).astype({"group": kind})

    return make


def dictionary_table(columns: Columns) -> pa.Table:
    encoded = pa.array(columns["group"]).dictionary_encode()
    return pa.table({**columns, "group": encoded})


def polars_cast(dtype: Any) -> Callable[[Columns], pl.DataFrame]:
    return lambda columns: pl.DataFrame(columns).with_columns(
        pl.col("group").cast(dtype)
    )


NEW_TEXTS = ("", "  ", "nan", "None", "NULL", "N/A")
STRANGE = (
    "\U0001f600",
    "\u202egnp",
    "zero\u200bwidth",
    "\x1b[31mred",
    "tab\t",
    "\0nul",
)

TEXTS = [
    BadInput(
        number=31,
        name="1, 1.0, True and '1'",
        containers=OBJECTS,
        training="texts",
        change=cycled("group", 1, 1.0, True, "1"),
        kinds={"group": "categorical"},
        findings=frozenset({"DA102 group", "DA304 group", "DA402 group"}),
        flags={"group unseen": N_BATCH},
    ),
    *[
        BadInput(
            number=number,
            name=name,
            containers=("pandas",),
            training="texts",
            make=category_frame(categories, ordered=ordered),
            like=None if number == 34 else pandas_frame,
            flags={},
        )
        for number, name, categories, ordered in (
            (32, "categories in one order", ["red", "green", "blue"], False),
            (32, "categories in another order", ["blue", "green", "red"], False),
            (
                33,
                "categories that do not occur",
                [*"xyz", "blue", "green", "red"],
                False,
            ),
            (34, "ordered categories", ["red", "green", "blue"], True),
        )
    ],
    *[
        BadInput(
            number=32,
            name=f"polars {dtype!r}",
            containers=("polars",),
            training="texts",
            make=polars_cast(dtype),
            like=pl.DataFrame,
            flags={},
        )
        for dtype in (pl.Categorical(), pl.Enum(["blue", "pink", "red", "green"]))
    ],
    BadInput(
        number=32,
        name="a dictionary",
        containers=("pyarrow",),
        training="texts",
        make=dictionary_table,
        like=pa.table,
        flags={},
    ),
    BadInput(
        number=35,
        name="unseen categories",
        containers=MIXED,
        training="texts",
        change=some("group", *"aabcdefg"),
        findings=frozenset({"DA402 group"}),
        perhaps=frozenset({"DA102 group"}),
        flags={"group unseen": 8},
        says=("8 of 60 rows in categories.*'a', 'b', 'c', 'd', 'e'",),
    ),
    BadInput(
        number=36,
        name="identifiers",
        containers=ALL,
        change=cells("b", lambda column: list(range(len(column)))),
        kinds={"b": "identifier"},
        findings=None,
    ),
    BadInput(
        number=37,
        name="texts that look missing",
        containers=MIXED,
        training="texts",
        change=some("group", *NEW_TEXTS),
        findings=frozenset({"DA402 group"}),
        perhaps=frozenset({"DA102 group"}),
        flags={"group unseen": len(NEW_TEXTS)},
    ),
    BadInput(
        number=38,
        name="a lone surrogate in a cell",
        containers=OBJECTS,
        training="texts",
        change=some("group", "\ud800", "x\udfff"),
        findings=frozenset({"DA402 group"}),
        flags={"group unseen": 2},
        says=(r"\\ud800",),
    ),
    BadInput(
        number=38,
        name="a lone surrogate in a name",
        containers=("pandas objects",),
        change=renamed(b="b\ud800"),
        findings=frozenset({"DA301 b", "DA302 b\ud800"}),
        says=(r"b\\ud800",),
    ),
    BadInput(
        number=39,
        name="bytes",
        containers=(*OBJECTS, "polars", "pyarrow"),
        training="texts",
        change=mapped("group", lambda cell: cell.encode() + b"\xff"),
        kinds={"group": "categorical"},
        findings=frozenset({"DA304 group"}),
        flags={"group unreadable": N_BATCH},
        says=(r"from string to bytes.*red.*\\xff",),
    ),
    BadInput(
        number=39,
        name="an array of bytes",
        containers=("objects",),
        training="texts",
        make=lambda columns: (
            np.array([[cell.encode() for cell in columns["group"]]] * 3).T
        ),
        findings=frozenset({"DA304 a", "DA304 b", "DA304 group"}),
    ),
    BadInput(
        number=40,
        name="emoji, right-to-left, zero width and control characters",
        containers=MIXED,
        training="texts",
        change=some("group", *STRANGE),
        findings=frozenset({"DA402 group"}),
        perhaps=frozenset({"DA102 group"}),
        flags={"group unseen": len(STRANGE)},
        says=(r"\\u202e|\\u200b|\\x1b|\\x00",),
    ),
    BadInput(
        number=41,
        name="an array of StringDType",
        containers=("objects",),
        training="texts",
        make=lambda columns: (
            np.array([columns["group"]] * 3, dtype=np.dtypes.StringDType()).T
        ),
        findings=frozenset({"DA304 a", "DA304 b"}),
        flags={"a unreadable": N_BATCH, "b unreadable": N_BATCH},
    ),
    BadInput(
        number=41,
        name="an array of texts of fixed width",
        containers=("objects",),
        training="texts",
        make=lambda columns: np.array([columns["group"]] * 3).T,
        findings=frozenset({"DA304 a", "DA304 b"}),
    ),
    *[
        BadInput(
            number=42,
            name=f"texts as {name}",
            containers=("pandas", "pandas objects"),
            training="texts",
            change=some("group", None),
            make=make,
            like=lambda columns: object_frame(some("group", None)(columns)),
            findings=frozenset({"DA401 group"}),
            flags={"group missing": 1},
        )
        for name, make in (
            ("objects", object_frame),
            ("str", pandas_frame),
            ("str with NaN", lambda columns: pandas_frame(some("group", NAN)(columns))),
            (
                "string[python]",
                lambda columns: pandas_frame(columns).astype({"group": "string"}),
            ),
            (
                "Arrow strings",
                lambda columns: pandas_frame(columns).astype(
                    {"group": pd.ArrowDtype(pa.string())}
                ),
            ),
            (
                "large Arrow strings",
                lambda columns: pandas_frame(columns).astype(
                    {"group": pd.ArrowDtype(pa.large_string())}
                ),
            ),
        )
    ],
    *[
        BadInput(
            number=43,
            name=f"cells that are a {type(cell).__name__}",
            containers=containers,
            change=all_are("b", cell),
            fit=Refused(saying="column '(b|x1)' .*expand"),
            findings=frozenset({"DA406 b"}),
            flags={"b unreadable": N_BATCH},
        )
        for cell, containers in (
            (
                [1, 2],
                ("objects", "pandas objects", "pandas arrow", "polars", "pyarrow"),
            ),
            ({"x": 1}, ("objects", "pandas objects", "polars", "pyarrow")),
            ((1, 2), ("objects", "pandas objects")),
            ({1}, ("objects", "pandas objects")),
            (np.zeros(2), ("objects", "pandas objects")),
            (pd.DataFrame({"z": [1]}), ("objects", "pandas objects")),
        )
    ],
    BadInput(
        number=44,
        name="integers among texts",
        containers=OBJECTS,
        training="texts",
        change=some("group", 1, 2),
        findings=frozenset({"DA304 group", "DA402 group"}),
        flags={"group unseen": 2},
    ),
    BadInput(
        number=44,
        name="texts among integers",
        containers=OBJECTS,
        change=some("b", "one", "two"),
        findings=frozenset({"DA304 b"}),
        flags={"b unreadable": 2},
        says=("from integer to mixed",),
    ),
    BadInput(
        number=45,
        name="a cell that raises at everything",
        containers=("objects", "pandas objects"),
        change=some("b", SPITE),
        fit=Refused(saying="column '(b|x1)' holds cells of type Spiteful"),
        findings=frozenset({"DA406 b"}),
        flags={"b unreadable": N_BATCH},
    ),
    BadInput(
        number=45,
        name="unhashable cells",
        containers=("objects", "pandas objects"),
        change=some("b", bytearray(b"x"), fractions.Fraction(1, 3)),
        fit=Refused(saying="column '(b|x1)' holds cells of type Fraction, bytearray"),
        findings=frozenset({"DA406 b"}),
        flags={"b unreadable": N_BATCH},
    ),
]


# --- time ---------------------------------------------------------------------------

NEW_YORK, UTC = "America/New_York", "UTC"
PANDAS_TIMES = ("pandas", "pandas objects", "polars", "pyarrow")


def when(change: Callable[[pd.Series], Any]) -> Callable[[Columns], pd.DataFrame]:
    """A pandas frame with its times changed."""

    def make(columns: Columns) -> pd.DataFrame:
        frame = pandas_frame(columns)
        return frame.assign(when=change(frame["when"]))

    return make


def at_zone(zone: str) -> Callable[[Columns], pd.DataFrame]:
    return when(lambda times: times.dt.tz_localize(UTC).dt.tz_convert(zone))


def far_away(container: str, unit: str, columns: Columns) -> Any:
    """A table of times, of which two lie as far away as their type allows."""
    ticks = np.array(columns["when"], f"datetime64[{unit}]").astype(np.int64)
    ticks[:2] = [2**31 - 1, -(2**31)] if unit == "D" else [2**63 - 1, -(2**63) + 1]
    if unit == "D":
        times = pa.array(ticks.astype(np.int32)).view(pa.date32())
    else:
        times = pa.array(ticks).view(pa.timestamp(unit))
    if container == "pandas":
        stamps = pd.Series(ticks.view(f"datetime64[{unit}]"))
        return pandas_frame(columns).assign(when=stamps)
    if container == "pandas arrow":
        held = pd.arrays.ArrowExtensionArray(times)
        return pandas_frame(columns).assign(when=held)
    if container == "polars":
        return pl.DataFrame(columns).with_columns(pl.from_arrow(times).alias("when"))
    return pa.table({**columns, "when": times})


TIMES = [
    BadInput(
        number=46,
        name="times that have a zone",
        containers=("pandas",),
        training="times",
        make=at_zone(UTC),
        findings=frozenset({"DA304 when"}),
        flags={},
        says=("datetime with zone",),
    ),
    BadInput(
        number=46,
        name="times that have a zone",
        containers=("polars",),
        training="times",
        make=lambda columns: pl.DataFrame(columns).with_columns(
            pl.col("when").dt.replace_time_zone(NEW_YORK)
        ),
        findings=frozenset({"DA304 when"}),
        flags={},
    ),
    BadInput(
        number=46,
        name="times that have a zone",
        containers=OBJECTS,
        training="times",
        change=mapped("when", lambda cell: cell.replace(tzinfo=dt.UTC)),
        findings=frozenset({"DA304 when"}),
        flags={},
    ),
    BadInput(
        number=47,
        name="the same instants in another zone",
        containers=("pandas",),
        training="times",
        make=at_zone(NEW_YORK),
        like=at_zone(UTC),
        findings=frozenset({"DA304 when"}),
    ),
    *[
        BadInput(
            number=48,
            name=f"times in units of {unit}",
            containers=("pandas",),
            training="times",
            make=when(lambda times, unit=unit: times.dt.as_unit(unit)),
            like=pandas_frame,
            flags={},
        )
        for unit in ("s", "ms", "us", "ns")
    ],
    *[
        BadInput(
            number=48,
            name=f"times in units of {unit}",
            containers=("polars",),
            training="times",
            make=lambda columns, unit=unit: pl.DataFrame(columns).with_columns(
                pl.col("when").dt.cast_time_unit(unit)
            ),
            like=pl.DataFrame,
            flags={},
        )
        for unit in ("ms", "us", "ns")
    ],
    BadInput(
        number=49,
        name="no time, year 1 and year 9999",
        containers=(*OBJECTS, "pandas", "polars", "pyarrow"),
        training="times",
        change=some("when", None, dt.datetime(1, 1, 1), dt.datetime(9999, 12, 31)),
        kinds={"when": "datetime"},
        findings=frozenset({"DA401 when", "DA403 when"}),
        flags={"when missing": 1, "when below": 1, "when above": 1},
    ),
    BadInput(
        number=49,
        name="dates of year 1 and 9999",
        containers=(*OBJECTS, "polars", "pyarrow"),
        training="times",
        change=cells(
            "when",
            lambda column: [
                dt.date(1, 1, 1),
                dt.date(9999, 12, 31),
                *[cell.date() for cell in column[2:]],
            ],
        ),
        findings=frozenset({"DA403 when"}),
        flags={"when below": 1, "when above": 1},
    ),
    *[
        BadInput(
            number=49,
            name=f"{name} of {unit} that no calendar has",
            containers=(container,),
            training="times",
            make=partial(far_away, container, unit),
            findings=frozenset({"DA403 when"}),
            flags={"when below": 1, "when above": 1},
        )
        for name, unit in (("dates", "D"), ("times", "s"), ("times", "ms"))
        for container in ("pandas", "pandas arrow", "polars", "pyarrow")
        if (container, unit) not in {("polars", "s"), ("pandas", "D")}
    ],
    BadInput(
        number=50,
        name="spans of time",
        containers=(*OBJECTS, "pandas", "polars", "pyarrow"),
        training="times",
        change=mapped("when", lambda cell: cell - dt.datetime(2024, 1, 1)),
        findings=frozenset({"DA304 when"}),
        flags={"when unreadable": N_BATCH},
        says=("from datetime to duration",),
    ),
    BadInput(
        number=50,
        name="periods",
        containers=("pandas",),
        training="times",
        make=when(lambda times: times.dt.to_period("D")),
        fit=Refused(saying="column 'when' .*Period"),
        findings=frozenset({"DA406 when"}),
        flags={"when unreadable": N_BATCH},
    ),
    BadInput(
        number=50,
        name="intervals",
        containers=("pandas",),
        training="times",
        make=when(lambda times: pd.arrays.IntervalArray.from_arrays(times, times)),
        fit=Refused(saying="column 'when' .*Interval"),
        findings=frozenset({"DA406 when"}),
        flags={"when unreadable": N_BATCH},
    ),
]


# --- containers ---------------------------------------------------------------------

NO_TABLE = Refused(error=InputTypeError, saying="X must be")
ONE_COLUMN = Refused(error=InputTypeError, saying=r"make it a frame.*to_frame\(\)")
DIMENSIONS = Refused(saying="2 dimensions")
LAZY = Refused(error=InputTypeError, saying=r"\.collect\(\)")


def quietly(make: Callable[[Columns], Any]) -> Callable[[Columns], Any]:
    """Without what the container's own library thinks of it."""

    def made(columns: Columns) -> Any:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return make(columns)

    return made


class LaterFrame:
    """A frame that is worked out later, in the manner of dask and Spark."""

    columns = ("a", "b", "c")
    shape = (1, 3)

    def compute(self) -> None:
        raise AssertionError("worked out unasked")

    toPandas = compute  # noqa: N815


def one_by_one(columns: Columns) -> Iterator[tuple[Any, ...]]:
    yield from zip(*columns.values(), strict=True)


def sparse_frame(columns: Columns) -> pd.DataFrame:
    return pd.DataFrame.sparse.from_spmatrix(
        sp.csr_array(plain_array(columns)), columns=list(columns)
    )


def explicit_zeros(columns: Columns) -> sp.csr_array:
    values = plain_array(columns)
    rows, places = np.indices(values.shape)
    return sp.csr_array((values.ravel(), (rows.ravel(), places.ravel())))


def halves(columns: Columns) -> sp.coo_array:
    found = sp.coo_array(plain_array(columns))
    half = found.data / 2
    again = np.tile(found.row, 2), np.tile(found.col, 2)
    return sp.coo_array((np.tile(half, 2), again), shape=found.shape)


def read_only(columns: Columns) -> np.ndarray:
    values = plain_array(columns)
    values.flags.writeable = False
    return values


def strided(columns: Columns) -> np.ndarray:
    values = plain_array(columns)
    wide = np.full((2 * len(values), 2 * values.shape[1]), 1e9)
    wide[::2, ::2] = values
    return wide[::2, ::2]


def backwards(columns: Columns) -> np.ndarray:
    return plain_array(columns)[::-1, ::-1].copy()[::-1, ::-1]


@cache
def folder_of_maps() -> tempfile.TemporaryDirectory[str]:
    return tempfile.TemporaryDirectory(ignore_cleanup_errors=True)


def mapped_file(columns: Columns) -> np.ndarray:
    with tempfile.NamedTemporaryFile(
        dir=folder_of_maps().name, suffix=".npy", delete=False
    ) as file:
        np.save(file, plain_array(columns))
    return np.load(file.name, mmap_mode="r")


def structured(columns: Columns) -> np.ndarray:
    return pandas_frame(columns).to_records(index=False).view(np.ndarray)


def arrow_column(array: Callable[[list[Any]], Any]) -> Callable[[Columns], pa.Table]:
    return lambda columns: pa.table({**columns, "group": array(columns["group"])})


class Labelled(pa.ExtensionType):
    """An extension type around texts."""

    def __init__(self) -> None:
        super().__init__(pa.string(), "tests.labelled")

    def __arrow_ext_serialize__(self) -> bytes:
        return b""

    @classmethod
    def __arrow_ext_deserialize__(cls, storage: Any, serialized: bytes) -> Labelled:
        return cls()


def chunked(texts: list[str]) -> pa.ChunkedArray:
    return pa.chunked_array([pa.array(texts[:7]), pa.array(texts[7:])])


def sliced(texts: list[str]) -> pa.Array:
    return pa.array(["hidden", *texts, "hidden"]).slice(1, len(texts))


def polars_column(name: str, series: Callable[[list[Any]], pl.Series]) -> Any:
    return lambda columns: pl.DataFrame(columns).with_columns(
        series(columns[name]).alias(name)
    )


class Opaque:
    """A Python object in a polars column."""


CONTAINER_ROWS = [
    *[
        BadInput(
            number=51,
            name=name,
            containers=("itself",),
            trained_in="array",
            make=make,
            fit=NO_TABLE,
            check=NO_TABLE,
        )
        for name, make in (
            ("a list of numbers", lambda columns: columns["a"]),
            ("a tuple of numbers", lambda columns: tuple(columns["a"])),
            ("an empty list", lambda columns: []),
            ("a generator", one_by_one),
            ("a dict", lambda columns: columns),
            ("a str", lambda columns: "data.csv"),
            ("None", lambda columns: None),
            ("a number", lambda columns: 3.5),
            ("a set", lambda columns: set(columns["a"])),
        )
    ],
    *[
        BadInput(
            number=52,
            name=name,
            containers=("itself",),
            trained_in="array",
            make=make,
            fit=refused,
            check=refused,
        )
        for name, make, refused in (
            ("one dimension", lambda columns: np.array(columns["a"]), DIMENSIONS),
            ("no dimension", lambda columns: np.array(1.5), DIMENSIONS),
            ("three", lambda columns: plain_array(columns)[..., None], DIMENSIONS),
            (
                "ragged rows",
                lambda columns: [[1.0] * (1 + k % 3) for k in range(len(columns["a"]))],
                Refused(error=InputTypeError, saying=r"lengths \[1, 2, 3\]"),
            ),
            (
                "fields",
                structured,
                Refused(error=Exception, saying="structured|dimensions|Expected 2D"),
            ),
            (
                "numpy.matrix",
                quietly(lambda columns: np.asmatrix(plain_array(columns))),
                Refused(error=InputTypeError, saying="numpy.matrix|np.matrix"),
            ),
            (
                "a sparse array of one dimension",
                lambda columns: sp.coo_array(np.array(columns["a"])),
                DIMENSIONS,
            ),
        )
    ],
    *[
        BadInput(
            number=53,
            name=f"a {name} series",
            containers=("itself",),
            trained_in=name,
            make=make,
            fit=ONE_COLUMN,
            check=ONE_COLUMN,
        )
        for name, make in (
            ("pandas", lambda columns: pd.Series(columns["a"])),
            ("polars", lambda columns: pl.Series(columns["a"])),
            ("pyarrow", lambda columns: pa.chunked_array([columns["a"]])),
        )
    ],
    BadInput(
        number=54,
        name="a lazy frame",
        containers=("itself",),
        trained_in="polars",
        make=lambda columns: pl.LazyFrame(columns),
        fit=LAZY,
        check=LAZY,
    ),
    BadInput(
        number=54,
        name="a frame of a cluster",
        containers=("itself",),
        trained_in="pandas",
        make=lambda columns: LaterFrame(),
        fit=Refused(error=InputTypeError, saying=r"\.compute\(\).*\.toPandas\(\)"),
        check=Refused(error=InputTypeError, saying=r"\.compute\(\).*\.toPandas\(\)"),
    ),
    *[
        BadInput(
            number=55,
            name=name,
            containers=("csr",),
            trained_in="array",
            make=make,
            like=plain_array,
        )
        for name, make in (
            *[
                (
                    f"{kind} {form}",
                    quietly(
                        lambda columns, kind=kind, form=form: getattr(
                            sp, f"{kind}_{form}"
                        )(plain_array(columns))
                    ),
                )
                for kind in ("csr", "csc", "coo", "dia", "bsr", "lil", "dok")
                for form in ("array", "matrix")
            ],
            ("explicit zeros", explicit_zeros),
            ("duplicates that add up", halves),
        )
    ],
    BadInput(
        number=55,
        name="a sparse frame",
        containers=("pandas",),
        make=sparse_frame,
        like=pandas_frame,
    ),
    *[
        BadInput(
            number=56,
            name=name,
            containers=("array",),
            make=make,
            like=plain_array,
        )
        for name, make in (
            ("Fortran order", lambda columns: np.asfortranarray(plain_array(columns))),
            ("every other row and column", strided),
            ("negative strides", backwards),
            ("read-only", read_only),
            ("a memory map", mapped_file),
            ("big-endian", lambda columns: plain_array(columns).astype(">f8")),
        )
    ],
    *[
        BadInput(
            number=57,
            name=name,
            containers=("pyarrow",),
            training="texts",
            make=arrow_column(array),
            like=pa.table,
            flags={},
        )
        for name, array in (
            ("a dictionary", lambda texts: pa.array(texts).dictionary_encode()),
            ("chunks", chunked),
            ("a slice", sliced),
            ("large strings", lambda texts: pa.array(texts, pa.large_string())),
            ("string views", lambda texts: pa.array(texts, pa.string_view())),
        )
    ],
    BadInput(
        number=57,
        name="an extension type",
        containers=("pyarrow",),
        training="texts",
        make=arrow_column(
            lambda texts: pa.ExtensionArray.from_storage(Labelled(), pa.array(texts))
        ),
        like=pa.table,
        flags={},
    ),
    BadInput(
        number=57,
        name="a column of the null type",
        containers=("pyarrow",),
        training="texts",
        make=arrow_column(lambda texts: pa.nulls(len(texts))),
        findings=frozenset({"DA405 group"}),
        flags={"group missing": N_BATCH},
    ),
    BadInput(
        number=57,
        name="a record batch",
        containers=("pyarrow",),
        training="texts",
        make=lambda columns: pa.table(columns).combine_chunks().to_batches()[0],
        like=pa.table,
        flags={},
    ),
    BadInput(
        number=58,
        name="a null column",
        containers=("polars",),
        make=polars_column("a", lambda column: pl.Series([None] * len(column))),
        findings=frozenset({"DA405 a"}),
        flags={"a missing": N_BATCH},
    ),
    BadInput(
        number=58,
        name="an object column",
        containers=("polars",),
        make=polars_column(
            "b", lambda column: pl.Series([Opaque() for _ in column], dtype=pl.Object)
        ),
        fit=Refused(saying="column 'b' has type Object"),
        findings=frozenset({"DA406 b"}),
        flags={"b unreadable": N_BATCH},
    ),
    BadInput(
        number=58,
        name="a decimal column",
        containers=("polars",),
        make=polars_column(
            "a", lambda column: pl.Series(column).cast(pl.Decimal(20, 6))
        ),
        flags={},
    ),
    BadInput(
        number=58,
        name="a binary column",
        containers=("polars",),
        training="texts",
        make=polars_column("group", lambda column: pl.Series(column).cast(pl.Binary)),
        findings=frozenset({"DA304 group"}),
        flags={"group unreadable": N_BATCH},
    ),
    BadInput(
        number=58,
        name="integers of 128 bits",
        containers=("polars",),
        make=polars_column("b", lambda column: pl.Series(column).cast(pl.Int128)),
        flags={},
    ),
    BadInput(
        number=58,
        name="integers beyond 64 bits",
        containers=("polars",),
        make=polars_column(
            "b", lambda column: pl.Series([2**65, *column[1:]], dtype=pl.Int128)
        ),
        fit=TOO_BIG,
        findings=frozenset({"DA406 b"}),
        flags={"b unreadable": N_BATCH},
    ),
    BadInput(
        number=58,
        name="a time of day",
        containers=("polars",),
        make=polars_column("b", lambda column: pl.Series([dt.time(1)] * len(column))),
        fit=Refused(saying="column 'b' .*time"),
        findings=frozenset({"DA406 b"}),
        flags={"b unreadable": N_BATCH},
    ),
    *[
        BadInput(
            number=59,
            name=name,
            containers=("pandas",),
            change=some("a", NAN),
            make=lambda columns, labels=labels: pandas_frame(columns).set_axis(
                labels(len(columns["a"])), axis=0
            ),
            like=lambda columns: pandas_frame(some("a", NAN)(columns)),
            findings=MISSING,
            flags={"a missing": 1},
        )
        for name, labels in (
            ("row labels that are texts", lambda n: [f"r{k}" for k in range(n)]),
            ("row labels all the same", lambda n: [7] * n),
            ("row labels backwards", lambda n: range(n)[::-1]),
            (
                "row labels of two levels",
                lambda n: pd.MultiIndex.from_arrays([[0] * n, range(n)]),
            ),
        )
    ],
    BadInput(
        number=61,
        name="no rows",
        containers=("array", "pandas", "pandas nullable", "pandas arrow", "csr"),
        change=first_rows(0),
        fit=Refused(error=Exception, saying="no rows|0 sample|[Ff]ound array with 0"),
        findings=None,
        says=("no rows",),
        flags={},
    ),
    BadInput(
        number=61,
        name="no rows",
        containers=("polars",),
        make=lambda columns: pl.DataFrame(columns).head(0),
        fit=Refused(error=Exception, saying="no rows|0 sample|[Ff]ound array with 0"),
        says=("no rows",),
        flags={},
    ),
    BadInput(
        number=61,
        name="no rows",
        containers=("pyarrow",),
        make=lambda columns: pa.table(columns).slice(0, 0),
        fit=Refused(error=Exception, saying="no rows|0 sample|[Ff]ound array with 0"),
        says=("no rows",),
        flags={},
    ),
    *[
        BadInput(
            number=62,
            name=f"{n_rows} rows",
            containers=ALL,
            change=first_rows(n_rows),
            says=("undecided|[Uu]ndecided|too few",),
            flags={},
        )
        for n_rows in (1, 2, 4)
    ],
]

INPUTS: list[BadInput] = [*COLUMNS, *NUMBERS, *TEXTS, *TIMES, *CONTAINER_ROWS]
UNNAMED = frozenset({"array", "objects", "lists", "csr", "itself"})
