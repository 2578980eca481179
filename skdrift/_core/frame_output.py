"""Tables that skdrift hands back, as data frames."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from skdrift.exceptions import MissingDependencyError

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["pandas_frame"]


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
    return pd.DataFrame(dict(columns), copy=True)
