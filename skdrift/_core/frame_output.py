"""Tables that skdrift hands back, as data frames."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import narwhals.stable.v2 as nw
import numpy as np
import scipy.sparse

from skdrift.exceptions import InputError, MissingDependencyError

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["framed", "pandas_frame"]


def pandas_frame(
    columns: Mapping[str, Any], *, needed_by: str = "a data frame"
) -> pd.DataFrame:
    """Build a pandas data frame from named columns.

    Parameters
    ----------
    columns : mapping of str to array-like of shape (n_rows,)
        The columns, in order. They are copied.
    needed_by : str, default="a data frame"
        What the caller asked for, as they wrote it, for example
        ``"as_frame=True"``; it opens the error's message.

    Returns
    -------
    pandas.DataFrame of shape (n_rows, len(columns))

    Raises
    ------
    MissingDependencyError
        pandas is not installed.
    """
    try:
        import pandas as pd  # noqa: PLC0415  (optional library)
    except ImportError as error:
        raise MissingDependencyError(
            f"{needed_by} needs pandas, which could not be imported ({error}). "
            "Install it with `pip install pandas`."
        ) from error
    kept = {
        name: cells if _encodable(cells) else pd.Series(cells, dtype=object)
        for name, cells in columns.items()
    }
    return pd.DataFrame(kept, copy=True)


def _encodable(cells: Any) -> bool:
    """Whether texts have a form in UTF-8: one with half a surrogate pair has none."""
    if not isinstance(cells, list):
        return True
    try:
        "".join(cell for cell in cells if isinstance(cell, str)).encode()
    except UnicodeEncodeError:
        return False
    return True


def framed(X: Any, library: str, names: Sequence[str], index: Any = None) -> Any:
    """Table as a data frame of a library, its columns renamed.

    Parameters
    ----------
    X : table of shape (n_rows, n_features)
        Whatever `read_table` accepts but lists. It is not changed.
    library : {"pandas", "polars"}
    names : sequence of str of length n_features
    index : object
        Row labels for pandas, where `X` has none.

    Returns
    -------
    pandas.DataFrame or polars.DataFrame
        `X` itself if it is one already, of these names.

    Raises
    ------
    InputError
        If `X` is sparse, or the library cannot hold a column.
    MissingDependencyError
        The library is not installed.
    """
    if scipy.sparse.issparse(X):
        raise InputError(
            f"a sparse table cannot be given as a {library} frame: choose "
            "set_output(transform='default')"
        )
    X = nw.to_native(X, pass_through=True)
    try:
        return (_framed_pandas if library == "pandas" else _framed_polars)(
            X, list(names), index
        )
    except ImportError as error:
        raise MissingDependencyError(
            f"set_output(transform={library!r}) needs {library}, which could not be "
            f"imported ({error}). Install it with `pip install {library}`."
        ) from error
    except (TypeError, ValueError, OverflowError) as error:
        raise InputError(
            f"a column cannot be given as one of {library} ({error}): choose "
            "set_output(transform='default')"
        ) from error


def _framed_pandas(X: Any, names: list[str], index: Any) -> Any:
    import pandas as pd  # noqa: PLC0415  (optional library)

    if isinstance(X, np.ndarray):
        return pd.DataFrame(X, columns=names, index=index, copy=True)
    frame = X
    if not isinstance(X, pd.DataFrame):
        frame = _read(X).to_pandas()
    if list(frame.columns) == names and all(type(n) is str for n in frame.columns):
        return frame
    frame = frame.copy(deep=False)
    frame.columns = names
    return frame


def _framed_polars(X: Any, names: list[str], index: Any) -> Any:
    import polars as pl  # noqa: PLC0415  (optional library)

    if isinstance(X, np.ndarray):
        return pl.DataFrame(X, schema=names, orient="row")
    frame = X
    if not isinstance(X, pl.DataFrame):
        if nw.dependencies.is_pandas_dataframe(X):
            X = _framed_pandas(X, names, index)
        frame = _read(X).to_polars()
    if frame.columns == names:
        return frame
    frame = frame.clone()
    frame.columns = names
    return frame


def _read(X: Any) -> Any:
    if type(X).__name__ == "RecordBatch":
        return nw.from_arrow(X, backend="pyarrow")
    return nw.from_native(X, eager_only=True)
