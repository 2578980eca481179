"""Reading the files that travel in the package, and giving them scikit-learn's form."""

from __future__ import annotations

import gzip
import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.utils import Bunch

from skdrift._core.frame_output import pandas_frame

__all__ = ["as_bunch", "read_columns"]

_FOLDER = Path(__file__).parent / "data"


def read_columns(name: str, dtypes: Mapping[str, str]) -> dict[str, NDArray[Any]]:
    """Read some columns of the bundled file ``<name>.csv.gz``.

    Parameters
    ----------
    name : str
        Name of the file without its ending.
    dtypes : mapping of str to str
        The wanted columns and the dtype of each.

    Returns
    -------
    dict of str to ndarray of shape (n_rows,)
        In the order of `dtypes`.
    """
    text = gzip.decompress((_FOLDER / f"{name}.csv.gz").read_bytes())
    header, _, body = text.partition(b"\n")
    positions = {column: i for i, column in enumerate(header.decode().split(","))}
    table = np.loadtxt(
        io.BytesIO(body),
        delimiter=",",
        comments=None,
        usecols=[positions[column] for column in dtypes],
        dtype=np.dtype(list(dtypes.items())),
    )
    return {column: np.ascontiguousarray(table[column]) for column in dtypes}


def as_bunch(
    name: str,
    *,
    features: Mapping[str, NDArray[Any]],
    target_name: str,
    target: NDArray[Any],
    time: NDArray[np.datetime64],
    train: NDArray[np.bool_],
    as_frame: bool,
) -> Bunch:
    """Put a data set together the way that scikit-learn's loaders do."""
    if as_frame:
        frame = pandas_frame(
            {**features, target_name: target, "time": time}, needed_by="as_frame=True"
        )
        shown_time = frame.pop("time")
        shown_target = frame[target_name]
        data = frame[list(features)]
    else:
        frame, shown_time, shown_target = None, time, target
        data = np.column_stack(list(features.values())).astype(np.float64, copy=False)
    return Bunch(
        data=data,
        target=shown_target,
        frame=frame,
        time=shown_time,
        train=train,
        feature_names=list(features),
        target_names=[target_name],
        DESCR=(_FOLDER / f"{name}.rst").read_text(encoding="utf-8"),
        filename=str(_FOLDER / f"{name}.csv.gz"),
    )
