"""Losses of rows: read from what users hold, or computed from labels and answers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

import numpy as np

from skdrift._core.cells import Column
from skdrift._core.times import one_column
from skdrift.exceptions import InputError, InputTypeError, ParameterError

LossName = Literal["", "zero_one", "absolute_error", "squared_error"]

LARGEST_LOSS = 1e100
_NUMBERS = frozenset({"integer", "float", "decimal", "boolean", "null"})


def check_loss(loss: Any) -> LossName:
    """Refuse what is not the name of a loss; ``""`` stands for losses as given.

    Raises
    ------
    ParameterError
    """
    for name in ("", *LOSSES):
        if isinstance(loss, str) and loss == name:
            return name
    options = ", ".join(map(repr, LOSSES))
    raise ParameterError(
        f"loss must be one of {options}, or '' for losses that are given as numbers, "
        f"got {loss!r:.100}"
    )


def read_losses(losses: Any) -> np.ndarray:
    """Losses as floats, NaN where there is none; a number is one row.

    Losses above 1e100, infinite ones included, count as 1e100: a smaller loss is never
    more evidence of a higher risk.

    Raises
    ------
    InputError, InputTypeError
        If there is a negative loss, or something else than numbers.
    """
    values = _numbers(losses, "losses")
    wrong = np.flatnonzero(values < 0)
    if len(wrong):
        raise InputError(
            f"losses must be at least 0 (larger = worse), got "
            f"{values[wrong[:5]].tolist()} in rows {wrong[:5].tolist()}; for a score "
            "that is better when larger pass its distance to the best score"
        )
    return np.asarray(np.minimum(values, LARGEST_LOSS))


def losses_of(loss: LossName, y: Any, y_pred: Any) -> np.ndarray:
    """Losses of rows, NaN where the label or the answer is missing.

    Raises
    ------
    InputError, InputTypeError
        If `y` and `y_pred` are not two columns of one length and of one kind.
    """
    truth, answer = _column(y, "y"), _column(y_pred, "y_pred")
    if truth.n_rows != answer.n_rows:
        raise InputError(
            "y and y_pred must have the same number of rows, got "
            f"{truth.n_rows:,} and {answer.n_rows:,}"
        )
    with np.errstate(over="ignore"):
        return np.asarray(np.minimum(LOSSES[loss](truth, answer), LARGEST_LOSS))


def _zero_one(truth: Column, answer: Column) -> np.ndarray:
    if {truth.family, answer.family} <= _NUMBERS:
        labels, answers = _floats(truth), _floats(answer)
        missing = np.isnan(labels) | np.isnan(answers)
        return np.where(missing, np.nan, labels != answers)
    kinds = {truth.family, answer.family} - {"null"}
    if len(kinds) > 1 and "mixed" not in kinds:
        raise InputError(
            "y and y_pred must hold labels of one kind, got "
            f"{truth.family!r} and {answer.family!r}; convert one of them"
        )
    pairs = zip(truth.keys(), answer.keys(), strict=True)
    return np.array(
        [np.nan if a is None or b is None else float(a != b) for a, b in pairs],
        dtype=np.float64,
    )


def _absolute_error(truth: Column, answer: Column) -> np.ndarray:
    return np.asarray(np.abs(_values(truth, "y") - _values(answer, "y_pred")))


def _squared_error(truth: Column, answer: Column) -> np.ndarray:
    return _absolute_error(truth, answer) ** 2


LOSSES: dict[LossName, Callable[[Column, Column], np.ndarray]] = {
    "zero_one": _zero_one,
    "absolute_error": _absolute_error,
    "squared_error": _squared_error,
}


def _numbers(values: Any, name: str) -> np.ndarray:
    if isinstance(values, int | float | np.number):
        values = np.array([values])
    return _values(_column(values, name), name)


def _values(column: Column, name: str) -> np.ndarray:
    if column.family not in _NUMBERS:
        raise InputTypeError(
            f"{name} must hold numbers, got a column of type {column.family!r}"
        )
    return _floats(column)


def _floats(column: Column) -> np.ndarray:
    return (
        np.full(column.n_rows, np.nan) if column.family == "null" else column.floats()
    )


def _column(values: Any, name: str) -> Column:
    if isinstance(values, np.ndarray) and values.ndim == 2 and values.shape[1] == 1:
        values = values[:, 0]
    column = None if isinstance(values, str | bytes) else one_column(values, name)
    if column is None or column.problem:
        got = column.problem if column else f"a {type(values).__name__}"
        shape = getattr(values, "shape", ())
        if column is None and len(shape) > 0:
            got += f" of shape {shape}"
        raise InputTypeError(
            f"{name} must be one column (an array, a list or a series) with one entry "
            f"for each row, got {got}"
        )
    return column
