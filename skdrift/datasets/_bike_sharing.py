"""Hourly bicycle rentals: demand that grew, and seasons."""

from __future__ import annotations

from typing import Any, Literal, overload

import numpy as np
from sklearn.utils import Bunch

from skdrift.datasets._bundled import as_bunch, read_columns

__all__ = ["load_bike_sharing"]

_FEATURES = {
    "season": "i8",
    "mnth": "i8",
    "hr": "i8",
    "holiday": "i8",
    "weekday": "i8",
    "workingday": "i8",
    "weathersit": "i8",
    "temp": "f8",
    "atemp": "f8",
    "hum": "f8",
    "windspeed": "f8",
}


@overload
def load_bike_sharing(
    *, return_X_y: Literal[False] = False, as_frame: bool = False
) -> Bunch: ...
@overload
def load_bike_sharing(
    *, return_X_y: Literal[True], as_frame: bool = False
) -> tuple[Any, Any]: ...
def load_bike_sharing(
    *, return_X_y: bool = False, as_frame: bool = False
) -> Bunch | tuple[Any, Any]:
    """Load the bike sharing data: hourly rentals in Washington D.C., 2011 and 2012.

    The task is regression: how many bicycles are rented in an hour, from the
    calendar and the weather. Demand grew by more than half from the first year to
    the second, so a model of 2011 falls behind in 2012 although the inputs look
    alike (concept drift); and within each year the seasons move the inputs (data
    drift).

    ========  ===================================================================
    Rows      17,379, in the order of time
    Features  11, no missing values
    Target    ``cnt``, rentals in the hour, 1 to 977
    Split     ``train``: 2011 (8,645 rows); the rest is 2012 (8,734 rows)
    ========  ===================================================================

    Parameters
    ----------
    return_X_y : bool, default=False
        Return ``(data, target)`` instead of a Bunch.
    as_frame : bool, default=False
        Return `data` as a pandas DataFrame and `target` and `time` as Series. Needs
        pandas.

    Returns
    -------
    dataset : :class:`~sklearn.utils.Bunch`
        With the attributes

        data : ndarray or DataFrame of shape (17379, 11)
            float64 as an array; in a frame the codes are int64.
        target : ndarray or Series of shape (17379,)
            Rentals in the hour, int64.
        frame : DataFrame of shape (17379, 12) or None
            `data` and `target` together, with ``as_frame=True``.
        time : ndarray of datetime64[s] or Series of shape (17379,)
            Start of the hour, local time.
        train : ndarray of bool of shape (17379,)
            The documented split: true for the rows of 2011, false for 2012.
        feature_names : list of str
            Names of the columns of `data`.
        target_names : list of str
            ``["cnt"]``.
        DESCR : str
            Description, source and licence.
        filename : str
            Path of the bundled file, with all columns of the source.

    (data, target) : tuple
        With ``return_X_y=True``.

    Raises
    ------
    MissingDependencyError
        ``as_frame=True`` and pandas is not installed.

    Notes
    -----
    Left out of the features: ``casual`` and ``registered``, whose sum is the
    target; ``instant``, the number of the row; ``dteday``, which is in `time`; and
    ``yr``, which is one constant in 2011 and another in 2012. A model trained on
    2011 can learn nothing from a constant, and every check of 2012 would alarm on
    it, which says only that a year has passed.

    References
    ----------
    Fanaee-T, H. and Gama, J. (2014). "Event labeling combining ensemble detectors
    and background knowledge". Progress in Artificial Intelligence 2, 113-127.
    The data: UCI Machine Learning Repository, CC BY 4.0.

    Examples
    --------
    >>> from skdrift.datasets import load_bike_sharing
    >>> bikes = load_bike_sharing()
    >>> X_train, y_train = bikes.data[bikes.train], bikes.target[bikes.train]
    >>> X_train.shape
    (8645, 11)
    >>> growth = bikes.target[~bikes.train].mean() / y_train.mean()
    >>> print(f"{growth:.2f}")
    1.63
    """
    columns = read_columns(
        "bike_sharing_hour", {"dteday": "M8[s]", **_FEATURES, "cnt": "i8"}
    )
    day = columns.pop("dteday")
    target = columns.pop("cnt")
    bunch = as_bunch(
        "bike_sharing_hour",
        features=columns,
        target_name="cnt",
        target=target,
        time=day + columns["hr"].astype("m8[h]"),
        train=day < np.datetime64("2012-01-01"),
        as_frame=as_frame,
    )
    return (bunch.data, bunch.target) if return_X_y else bunch
