"""What every count statistic takes and gives."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from skdrift.exceptions import ParameterError

FloatArray: TypeAlias = NDArray[np.float64]
IntArray: TypeAlias = NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class CountTest:
    """Result of a two-sample test on counts, one entry a feature.

    Attributes
    ----------
    statistic : ndarray of shape (p,)
        Larger = further apart; NaN where a sample has no rows.
    pvalue : ndarray of shape (p,)
        Probability, under the null hypothesis, of a statistic at least as large.
    n_reference, n_current : ndarray of shape (p,)
        Rows of the two samples.
    """

    statistic: FloatArray
    pvalue: FloatArray
    n_reference: IntArray
    n_current: IntArray


@dataclass(frozen=True, slots=True, kw_only=True)
class Effect:
    """Size of a difference with its confidence interval, one entry a feature.

    Attributes
    ----------
    value : ndarray of shape (p,)
        The estimate; larger = further apart.
    low, high : ndarray of shape (p,)
        Two-sided confidence limits.
    direction : ndarray of shape (p,), int8
        1 where the current sample is higher, -1 where it is lower, 0 where the
        difference has no sign.
    pvalue : ndarray of shape (p,)
        Of the hypothesis that the effect is at most the tolerance; NaN for an
        effect that carries no test of its own.
    """

    value: FloatArray
    low: FloatArray
    high: FloatArray
    direction: NDArray[np.int8]
    pvalue: FloatArray


def check_counts(
    reference: ArrayLike, current: ArrayLike
) -> tuple[FloatArray, FloatArray]:
    """Give two matrices of counts as floats, checked.

    Parameters
    ----------
    reference, current : array-like of shape (p, c)
        Non-negative counts; rows are features, columns are cells.

    Returns
    -------
    reference, current : ndarray of shape (p, c)

    Raises
    ------
    ParameterError
        If the shapes differ or are not two-dimensional, or a count is negative,
        not finite or not a whole number.
    """
    checked = []
    for name, counts in (("reference", reference), ("current", current)):
        array = np.asarray(counts)
        if array.ndim != 2:
            raise ParameterError(
                f"{name} must have shape (n_features, n_cells), got shape "
                f"{array.shape}; give a single feature as one row."
            )
        checked.append(check_whole(array, name))
    if checked[0].shape != checked[1].shape:
        raise ParameterError(
            "reference and current must have the same shape, got "
            f"{checked[0].shape} and {checked[1].shape}; count both on one grid."
        )
    return checked[0], checked[1]


def check_whole(values: Any, name: str) -> FloatArray:
    """Give non-negative whole numbers as floats, or say which is not one."""
    array = np.asarray(values)
    if array.dtype.kind in "bu":
        return array.astype(np.float64)
    if array.dtype.kind not in "if":
        raise ParameterError(
            f"{name} must hold whole numbers, got dtype {array.dtype}; count first."
        )
    as_float = array.astype(np.float64)
    bad = as_float < 0
    if array.dtype.kind == "f":
        bad |= ~np.isfinite(as_float) | (as_float != np.floor(as_float))
    if bad.any():
        raise ParameterError(
            f"{name} must hold whole numbers of at least 0, got "
            f"{as_float[bad].ravel()[:5].tolist()}; use counts, not shares."
        )
    return as_float


def check_share(value: float, name: str) -> float:
    """Give a number in [0, 1), or say that it is not one."""
    if not 0.0 <= value < 1.0:
        raise ParameterError(
            f"{name} must be in [0, 1), got {value!r}; give it as a share."
        )
    return float(value)


def check_shares(values: ArrayLike, name: str) -> FloatArray:
    """Give numbers in [0, 1) as an array, one or one a feature, or name what is not.

    Raises
    ------
    ParameterError
        If a number is not in [0, 1), or the array has two dimensions.
    """
    array = np.asarray(values, dtype=np.float64)
    wrong = ~((array >= 0.0) & (array < 1.0))
    if array.ndim > 1 or wrong.any():
        got = array[wrong].ravel()[:5].tolist() if wrong.any() else array.shape
        raise ParameterError(
            f"{name} must be in [0, 1), one number or one a feature, got {got!r}; "
            "give it as a share."
        )
    return array


def shares(counts: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Row sums, and each row divided by its sum; NaN where the sum is 0."""
    total = counts.sum(axis=1)
    divisor = np.where(total > 0, total, np.nan)
    return total, counts / divisor[:, None]
