"""Rows come back in the container they were in."""

from __future__ import annotations

import narwhals.stable.v2 as nw
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
import scipy.sparse as sp

from skdrift._core.frame import read_table
from skdrift._core.rows import take_rows

CELLS = np.arange(20.0).reshape(10, 2)
NAMED = {"a": CELLS[:, 0], "b": CELLS[:, 1]}
TABLES = [
    CELLS,
    np.asfortranarray(CELLS),
    np.ma.MaskedArray(CELLS, mask=CELLS == 3),
    CELLS.tolist(),
    pd.DataFrame(NAMED),
    pd.DataFrame(NAMED, index=[7] * 10),
    pd.DataFrame(NAMED, index=pd.MultiIndex.from_product([[1, 2], range(5)])),
    pl.DataFrame(NAMED),
    pa.table(NAMED),
    pa.record_batch(NAMED),
    nw.from_native(pl.DataFrame(NAMED)),
    *(
        getattr(sp, f"{form}_{kind}")(CELLS)
        for form in ("csr", "csc", "coo", "lil", "dok", "dia", "bsr")
        for kind in ("array", "matrix")
    ),
]


def cells(X):
    X = nw.to_native(X, pass_through=True)
    if sp.issparse(X):
        return X.toarray().tolist()
    if isinstance(X, pa.RecordBatch):
        X = pa.table(X)
    table = read_table(X)
    columns = [table.column(j).numbers().values for j in range(table.n_features)]
    return np.array(columns).T.tolist()


@pytest.mark.parametrize("rows", [[0], [9, 0, 3], [2, 2], [], list(range(10))], ids=str)
@pytest.mark.parametrize("X", TABLES, ids=lambda X: type(X).__name__)
def test_rows_are_those_at_the_positions_in_the_same_container(X, rows):
    kept = take_rows(X, np.array(rows, dtype=int))
    # Rows of a few diagonals are many diagonals: they come in the rows' own format.
    csr = {sp.dia_array: sp.csr_array, sp.dia_matrix: sp.csr_matrix}
    assert type(kept) is csr.get(type(X), type(X))
    if rows or not isinstance(X, list):
        assert cells(kept) == CELLS[rows].tolist()
    if isinstance(X, pd.DataFrame):
        pd.testing.assert_index_equal(kept.index, X.index[rows])


@pytest.mark.parametrize(
    "labels",
    [
        np.arange(10),
        list(range(10)),
        pd.Series(range(10), index=[3] * 10),
        pl.Series(range(10)),
        pa.chunked_array([range(4), range(4, 10)]),
        nw.from_native(pl.Series(range(10)), series_only=True),
    ],
    ids=lambda labels: type(labels).__name__,
)
def test_labels_are_those_at_the_positions(labels):
    kept = take_rows(labels, np.array([9, 0, 3]))
    assert type(kept) is type(labels)
    assert np.asarray(kept).tolist() == [9, 0, 3]


def test_masked_cells_stay_masked():
    kept = take_rows(TABLES[2], np.array([1, 0]))
    assert kept.mask.tolist() == [[False, True], [False, False]]


def test_columns_of_a_kernel_are_taken_with_its_rows():
    kernel = np.arange(9.0).reshape(3, 3)
    rows = np.array([2, 0])
    expected = [[8.0, 6.0], [2.0, 0.0]]
    assert take_rows(kernel, rows, rows).tolist() == expected
    assert take_rows(sp.csc_array(kernel), rows, rows).toarray().tolist() == expected
