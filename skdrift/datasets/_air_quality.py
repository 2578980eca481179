"""Gas sensors beside a certified analyser: sensors that age, and a sentinel."""

from __future__ import annotations

from typing import Any, Literal, overload

import numpy as np
from sklearn.utils import Bunch

from skdrift.datasets._bundled import as_bunch, read_columns
from skdrift.exceptions import ParameterError

__all__ = ["load_air_quality"]

_SENSORS = (
    "PT08.S1(CO)",
    "PT08.S2(NMHC)",
    "PT08.S3(NOx)",
    "PT08.S4(NO2)",
    "PT08.S5(O3)",
    "T",
    "RH",
    "AH",
)
_ANALYSER = ("CO(GT)", "NMHC(GT)", "C6H6(GT)", "NOx(GT)", "NO2(GT)")


@overload
def load_air_quality(
    *,
    return_X_y: Literal[False] = False,
    as_frame: bool = False,
    target: str = "CO(GT)",
) -> Bunch: ...
@overload
def load_air_quality(
    *, return_X_y: Literal[True], as_frame: bool = False, target: str = "CO(GT)"
) -> tuple[Any, Any]: ...
def load_air_quality(
    *, return_X_y: bool = False, as_frame: bool = False, target: str = "CO(GT)"
) -> Bunch | tuple[Any, Any]:
    """Load the air quality data: a year of gas sensors in an Italian city.

    The task is regression: the concentration that a certified analyser measures,
    from five cheap metal-oxide sensors beside it and the weather. The sensors age
    over the year, so the same air gives other readings (upstream drift), the seasons
    move everything (data drift), and a value that was not measured is written as
    ``-200``: a fault of the source that is kept as it is, in the features and in the
    target.

    ========  ===================================================================
    Rows      9,357, in the order of time, one an hour
    Features  8; ``-200`` stands for missing, there is no NaN
    Target    one of five pollutants, ``CO(GT)`` by default
    Split     ``train``: to August 2004 (4,182 rows); the rest is later (5,175 rows)
    ========  ===================================================================

    Parameters
    ----------
    return_X_y : bool, default=False
        Return ``(data, target)`` instead of a Bunch.
    as_frame : bool, default=False
        Return `data` as a pandas DataFrame and `target` and `time` as Series. Needs
        pandas.
    target : {"CO(GT)", "NMHC(GT)", "C6H6(GT)", "NOx(GT)", "NO2(GT)"}, \
default="CO(GT)"
        What the analyser measured: carbon monoxide (mg/m³), non-methane
        hydrocarbons (µg/m³; given up after a few weeks, 90 % are ``-200``), benzene
        (µg/m³), nitrogen oxides (ppb), nitrogen dioxide (µg/m³).

    Returns
    -------
    dataset : :class:`~sklearn.utils.Bunch`
        With the attributes

        data : ndarray or DataFrame of shape (9357, 8)
            Hourly means of five sensors, temperature (°C), relative humidity (%)
            and absolute humidity, float64.
        target : ndarray or Series of shape (9357,)
            The analyser's value, float64.
        frame : DataFrame of shape (9357, 9) or None
            `data` and `target` together, with ``as_frame=True``.
        time : ndarray of datetime64[s] or Series of shape (9357,)
            Start of the hour, local time, March 2004 to April 2005.
        train : ndarray of bool of shape (9357,)
            The documented split: true before September 2004.
        feature_names : list of str
            Names of the columns of `data`.
        target_names : list of str
            ``[target]``.
        DESCR : str
            Description, source and licence.
        filename : str
            Path of the bundled file, with all columns of the source.

    (data, target) : tuple
        With ``return_X_y=True``.

    Raises
    ------
    ParameterError
        `target` is not a column of the analyser.
    MissingDependencyError
        ``as_frame=True`` and pandas is not installed.

    Notes
    -----
    The analyser's other columns are left out of the features: where the sensors are
    used there is no analyser.

    References
    ----------
    De Vito, S., Massera, E., Piga, M., Martinotto, L. and Di Francia, G. (2008). "On
    field calibration of an electronic nose for benzene estimation in an urban
    pollution monitoring scenario". Sensors and Actuators B 129, 750-757.
    The data: UCI Machine Learning Repository, CC BY 4.0.

    Examples
    --------
    >>> from skdrift.datasets import load_air_quality
    >>> air = load_air_quality()
    >>> measured = air.target != -200
    >>> air.data[air.train & measured].shape
    (3258, 8)
    """
    if target not in _ANALYSER:
        raise ParameterError(
            f"`target` must be one of {', '.join(_ANALYSER)}; got {target!r}. Choose "
            "a column of the analyser."
        )
    dtypes = {"Date": "M8[s]", "Time": "U8", **dict.fromkeys(_SENSORS, "f8")}
    columns = read_columns("air_quality_uci", {**dtypes, target: "f8"})
    day = columns.pop("Date")
    hour = np.array([int(clock.partition(":")[0]) for clock in columns.pop("Time")])
    values = columns.pop(target)
    bunch = as_bunch(
        "air_quality_uci",
        features=columns,
        target_name=target,
        target=values,
        time=day + hour.astype("m8[h]"),
        train=day < np.datetime64("2004-09-01"),
        as_frame=as_frame,
    )
    return (bunch.data, bunch.target) if return_X_y else bunch
