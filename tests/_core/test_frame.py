"""The door for tables: what comes in, under which names, and what is refused."""

from __future__ import annotations

import decimal
import warnings

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
import scipy.sparse as sp
from scipy.stats import chisquare

from skdrift._core.frame import is_chunk_iterator, read_table
from skdrift.exceptions import InputError, InputTypeError, SkdriftError

TWO_ROWS = [[1.0, 2.0], [3.0, 4.0]]


def families(X):
    table = read_table(X)
    return [table.column(j).family for j in range(table.n_features)]


def problem(X, position=0):
    return read_table(X).column(position).problem


@pytest.mark.parametrize(
    "X",
    [
        "text",
        b"bytes",
        None,
        3,
        2.5,
        {"a": [1, 2]},
        {1, 2},
        (row for row in TWO_ROWS),
        [],
        (),
        [1, 2],
        ["ab", "cd"],
        [[1, 2], [3]],
        [[1, 2], 3],
        [{"a": 1}],
        [np.float64(1)],
        [np.array(1.0)],
        [np.ones((2, 2))],
        pd.Series([1, 2]),
        pl.Series([1, 2]),
        pa.chunked_array([[1, 2]]),
        pl.LazyFrame({"a": [1]}),
        np.ones((1, 2)).view(np.matrix),
        np.ones((2, 2), dtype=complex),
        sp.csr_array(np.ones((2, 2), dtype=complex)),
        object(),
        object,
        np.ndarray,
    ],
    ids=lambda X: f"{type(X).__name__} {str(X)[:20]}",
)
def test_what_is_no_table_is_a_type_error(X):
    with pytest.raises(InputTypeError):
        read_table(X)


@pytest.mark.parametrize(
    ("X", "message"),
    [
        (np.ones(3), r"2 dimensions .* got shape \(3,\)"),
        (np.ones((2, 2, 2)), r"got shape \(2, 2, 2\)"),
        (np.float64(1), r"got shape \(\)"),
        (pd.Index([1, 2]), r"got shape \(2,\)"),
        (pa.array([1, 2]), r"got shape \(2,\)"),
        (sp.coo_array([1, 2]), "sparse 1-D"),
        (np.zeros(2, dtype=[("a", int), ("b", float)]), "structured"),
        (np.zeros((2, 1), dtype="V4"), "structured"),
        (np.ones((3, 0)), r"no columns: 0 feature\(s\) \(shape=\(3, 0\)\)"),
        ([[], []], r"no columns: 0 feature\(s\) \(shape=\(2, 0\)\)"),
        (pd.DataFrame(index=[1, 2]), "no columns"),
        (pl.DataFrame(), "no columns"),
        (pa.table({}), "no columns"),
        (sp.csr_array((3, 0)), "no columns"),
    ],
)
def test_a_table_of_the_wrong_shape_is_a_value_error(X, message):
    with pytest.raises(InputError, match=message):
        read_table(X)


def test_the_remedy_fits_the_input():
    with pytest.raises(InputTypeError, match="to_frame"):
        read_table(pd.Series([1.0]))
    with pytest.raises(InputTypeError, match=r"\.collect\(\)"):
        read_table(pl.LazyFrame({"a": [1]}))
    with pytest.raises(InputTypeError, match=r"builtins\.str") as caught:
        read_table("text")
    assert "collect" not in str(caught.value)


@pytest.mark.parametrize("strict", [True, False])
@pytest.mark.parametrize(
    ("names", "message"),
    [
        (["a", "a", "b", "b"], r"more than one of \['a', 'b'\]"),
        ([1, 1, 2, 3], r"more than one of \['1'\]"),
        ([("a", 1), ("a", 2), ("b", 1), ("b", 2)], "nested names .* flatten"),
        (["a", None, "b", "c"], r"every column must have a name.*\[1\]"),
        (["a", np.nan, "b", "c"], r"every column must have a name.*\[1\]"),
        (["a", pd.NA, "b", "c"], r"every column must have a name.*\[1\]"),
        (["a", pd.NaT, "b", "c"], r"every column must have a name.*\[1\]"),
        (["a", "b", "", "c"], r"every column must have a name.*\[2\]"),
    ],
)
def test_names_that_name_nothing_or_two_things_are_refused(names, message, strict):
    frame = pd.DataFrame([[1, 2, 3, 4]])
    frame.columns = pd.Index(names, dtype=object, tupleize_cols=False)
    with pytest.raises(InputError, match=message):
        read_table(frame, strict=strict)


def test_nested_names_are_refused_as_a_multiindex():
    frame = pd.DataFrame(
        [[1, 2]], columns=pd.MultiIndex.from_tuples([("a", 1), ("a", 2)])
    )
    with pytest.raises(InputError, match="flatten"):
        read_table(frame)


def test_at_most_five_duplicates_are_listed():
    frame = pd.DataFrame(np.ones((1, 20)), columns=[f"c{j // 2}" for j in range(20)])
    with pytest.raises(InputError) as caught:
        read_table(frame)
    assert str(caught.value).count("'c") == 5


def test_duplicate_names_of_an_arrow_table_are_our_error():
    with pytest.raises(InputError, match="more than one of"):
        read_table(pa.table([[1], [2]], names=["a", "a"]))


def test_mixed_names_are_refused_at_fit_and_read_as_texts_later():
    frame = pd.DataFrame([[1, 2, 3]], columns=["a", 1, 2.5])
    with pytest.raises(InputTypeError, match=r"\['float', 'int', 'str'\]"):
        read_table(frame)
    assert read_table(frame, strict=False).names == ("a", "1", "2.5")


@pytest.mark.parametrize(
    "columns", [range(2), [0.5, 1.5], pd.to_datetime(["2020-01-01", "2020-01-02"])]
)
def test_names_that_are_no_texts_are_positions(columns):
    table = read_table(pd.DataFrame(TWO_ROWS, columns=columns))
    assert table.names is None
    assert table.labels == ("x0", "x1")


ODD_NAMES = (
    "\0",
    "\n",
    "a\nb",
    "<script>",
    "../x",
    "'; drop table x; --",
    " ",
    "x" * 10_000,
    "é",
    "e\u0301",
    "target",
    "index",
    "n_rows",
    "\ud800",
)


def test_odd_names_are_kept_exactly():
    names = pd.Index(ODD_NAMES, dtype=object)
    frame = pd.DataFrame(np.zeros((2, len(ODD_NAMES))), columns=names)
    assert read_table(frame).names == ODD_NAMES


def test_names_of_the_two_unicode_forms_are_two_columns():
    for frame in (pd.DataFrame, pl.DataFrame, pa.table):
        assert read_table(frame({"é": [1], "e\u0301": [2]})).names == ("é", "e\u0301")


def test_names_are_plain_texts_even_where_the_index_holds_subclasses():
    frame = pd.DataFrame(TWO_ROWS, columns=pd.Index([np.str_("a"), np.str_("b")]))
    assert [type(name) for name in read_table(frame).names] == [str, str]


@pytest.mark.parametrize(
    ("X", "found"),
    [
        (np.zeros((2, 1), dtype=np.int8), ["integer"]),
        (np.zeros((2, 1), dtype=np.float16), ["float"]),
        (np.zeros((2, 1), dtype=bool), ["boolean"]),
        (np.zeros((2, 1), dtype="M8[s]"), ["datetime"]),
        (np.zeros((2, 1), dtype="m8[s]"), ["duration"]),
        (np.zeros((2, 1), dtype="m8[M]"), ["duration"]),
        (np.array([["a"], ["b"]]), ["string"]),
        (np.array([[b"a"], [b"b"]]), ["bytes"]),
        ([[1], ["a"]], ["mixed"]),
        ([[1], [None]], ["integer"]),
        ([[1], [2.5]], ["float"]),
        ([[True], [None]], ["boolean"]),
        ([[True], [1]], ["mixed"]),
        ([[decimal.Decimal(1)], [2]], ["decimal"]),
        (pl.DataFrame({"a": [decimal.Decimal("1.5")]}), ["decimal"]),
        (pa.table({"a": [decimal.Decimal("1.5")]}), ["decimal"]),
        (
            pd.DataFrame({"a": pd.to_datetime(["2020-01-01"], utc=True)}),
            ["datetime with zone"],
        ),
        (pd.DataFrame({"a": pd.cut([1, 2, 3], 2)}), ["interval"]),
        (
            pd.DataFrame(
                {"a": pd.Categorical(pd.period_range("2020", periods=2, freq="M"))}
            ),
            ["period"],
        ),
        (sp.csr_array([[1.5]]), ["float"]),
        (sp.csr_array([[True]]), ["boolean"]),
    ],
)
def test_families(X, found):
    assert families(X) == found


@pytest.mark.parametrize(
    ("X", "word"),
    [
        (pl.DataFrame({"a": pl.Series([object()], dtype=pl.Object)}), "Object"),
        (pl.DataFrame({"a": pl.Series([1], dtype=pl.Object)}), "Object"),
        (pl.DataFrame({"a": [[1, 2]]}), "List"),
        (pl.DataFrame({"a": [{"b": 1}]}), "Struct"),
        (pa.table({"a": [[1, 2]]}), "List"),
        (pa.table({"a": [{"b": 1}]}), "Struct"),
        (pl.DataFrame({"a": pl.Series([None], dtype=pl.List(pl.Int8))}), "List"),
        (pd.DataFrame({"a": [[1, 2]]}), "list"),
        (pd.DataFrame({"a": [{"b": 1}]}), "dict"),
        (pd.DataFrame({"a": [np.ones(2)]}), "ndarray"),
        ([[(1, 2)]], "tuple"),
        ([[{1}]], "set"),
        ([[object()]], "object"),
        ([[1j]], "complex"),
        (pd.DataFrame({"a": pd.period_range("2020", periods=2, freq="M")}), "Period"),
        (pd.DataFrame({"a": pd.interval_range(0, 2)}), "Interval"),
        (pl.DataFrame({"a": [pd.Timestamp("2020").time()]}), "time"),
        (pd.DataFrame({"a": pd.Categorical([(1, 2), (3, 4)])}), "tuple"),
    ],
)
def test_columns_that_cannot_be_read_say_why_and_what_to_do(X, word):
    said = problem(X)
    assert word in said
    assert "convert" in said


def test_a_complex_column_among_others_says_so():
    table = read_table(pd.DataFrame({"a": [1 + 2j], "b": [1.0]}))
    assert "Complex data not supported: column 'a'" in table.column(0).problem
    assert table.column(1).problem == ""


def test_a_sparse_table_of_objects_is_refused():
    odd = sp.csr_array(np.ones((2, 2)))
    odd.data = odd.data.astype(object)
    with pytest.raises(InputTypeError, match="dtype object"):
        read_table(odd)


def test_lists_are_not_read_as_columns_of_their_cells():
    table = read_table([["ab", 1], ["cd", None]])
    assert (table.n_rows, table.n_features) == (2, 2)
    assert table.column(0).levels().counts == {"ab": 1, "cd": 1}


@pytest.mark.parametrize(
    "make",
    [
        np.array,
        lambda rows: pd.DataFrame(rows, columns=["a", "b"]),
        lambda rows: pl.DataFrame(rows, schema=["a", "b"], orient="row"),
        lambda rows: pa.table(pd.DataFrame(rows, columns=["a", "b"])),
        sp.csr_array,
        sp.coo_matrix,
        list,
    ],
)
@pytest.mark.parametrize("step", [1, 2, 3, 100])
def test_one_of_takes_a_row_of_each_step_neighbours(make, step):
    rows = np.array([[float(i + 1), float(i % 3)] for i in range(10)])
    thinned = read_table(make(rows.tolist())).one_of(step)
    taken = thinned.column(0).numbers().values - 1
    assert (taken // step).tolist() == list(range(len(range(0, 10, step))))
    kept = read_table(rows[taken.astype(int)])
    for j in (0, 1):
        assert thinned.column(j).levels() == kept.column(j).levels()


def test_one_of_shows_all_hours_of_the_day():
    hours = np.arange(24_000.0)[:, None] % 24
    counts = np.bincount(read_table(hours).one_of(24).values[:, 0].astype(int))
    assert len(counts) == 24
    assert chisquare(counts).pvalue > 0.001


def test_columns_read_together_are_those_read_one_by_one():
    rng = np.random.default_rng(0)
    for dtype in (np.float64, np.float32, np.int16):
        values = (rng.normal(size=(10_000, 21)) * 100).astype(dtype)
        for X in (
            values,
            values[:, ::2],
            values[::2],
            values.T.copy().T,
            values[:, ::-1],
        ):
            table = read_table(X)
            for positions in (range(table.n_features), [3, 1, 7], [2]):
                for position, column in zip(
                    positions, table.read(positions), strict=True
                ):
                    np.testing.assert_array_equal(
                        column.numbers().values, X[:, position]
                    )


def test_columns_that_share_cache_lines_are_read_together():
    values = np.zeros((10_000, 20))
    assert read_table(values).cluster == 8
    assert read_table(values.astype(np.float32)).cluster == 8
    assert read_table(values[:, ::4]).cluster == 2
    assert read_table(np.asfortranarray(values)).cluster == 1
    assert read_table(values.astype(object)).cluster == 1
    assert read_table(values[:100]).cluster == 1
    assert read_table(values[:, 0][:, None]).cluster == 1
    assert read_table(np.broadcast_to(values[:, :1], (10_000, 3))).cluster == 1


def test_a_plain_array_is_one_block_and_nothing_else_is():
    plain = np.ones((3, 2))
    assert read_table(plain).number_block() is plain
    for X in (
        plain.astype(">f8"),
        plain.astype(np.longdouble),
        plain.astype(np.float16),
        plain.astype(bool),
        plain.astype(object),
        np.ma.masked_array(plain),
        pd.DataFrame(plain),
        sp.csr_array(plain),
    ):
        assert read_table(X).number_block() is None


def test_row_labels_are_kept_and_never_used():
    labels = pd.MultiIndex.from_tuples([("a", 1), ("a", 1)])
    table = read_table(pd.DataFrame(TWO_ROWS, index=labels, columns=["a", "b"]))
    assert table.index is not None
    assert list(table.index) == list(labels)
    assert read_table(TWO_ROWS).index is None
    assert read_table(pl.DataFrame({"a": [1]})).index is None


def test_iterators_of_tables_are_told_from_tables():
    assert is_chunk_iterator(iter([TWO_ROWS]))
    assert is_chunk_iterator(pa.table({"a": [1]}).to_reader())
    for X in (
        TWO_ROWS,
        np.ones((2, 2)),
        pd.DataFrame(TWO_ROWS),
        pl.DataFrame(TWO_ROWS),
    ):
        assert not is_chunk_iterator(X)


def test_a_subclass_of_a_data_frame_is_a_data_frame():
    class Frame(pd.DataFrame):
        pass

    assert families(Frame({"a": ["x"], "b": [1]})) == ["string", "integer"]


def test_reading_never_warns():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for X in (np.array([[1e308], [-1e308]]), np.array([[np.longdouble("1e4000")]])):
            table = read_table(X)
            table.column(0).numbers()
            table.column(0).levels()


def test_our_errors_are_caught_by_code_that_knows_scikit_learn_only():
    for X, kind in ((None, TypeError), (np.ones(3), ValueError)):
        with pytest.raises(kind) as caught:
            read_table(X)
        assert isinstance(caught.value, SkdriftError)
