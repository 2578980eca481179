"""Answers for a batch of which some rows are kept from the model."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import scipy.sparse

from skdrift._core.rows import take_rows
from skdrift.exceptions import EstimatorError
from skdrift.performance._cross_validation import take_aligned

Answer = Any
"""An array, or a list or tuple of arrays, with one entry for each row."""

NUMBERS = "fiu"


def answer_around(
    method: str,
    model: Any,
    X: Any,
    params: Mapping[str, Any],
    invalid: np.ndarray,
    empty: Answer | None,
    substitute: Callable[[Any, Answer], Answer],
    *,
    labels: bool,
) -> Answer:
    """Answer of the model for the valid rows and of `substitute` for the others.

    Parameters
    ----------
    method : str
        Method of the model.
    X : table of shape (n_rows, n_features)
    params : mapping
        What else the method is given; entries by row are cut like `X`.
    invalid : ndarray of bool of shape (n_rows,)
    empty : array, list or tuple of arrays, or None
        The model's answer for no row, which stands in where every row is invalid;
        None if it is not known.
    substitute : callable
        Given the invalid rows and the model's answer for the others, which says of
        what form its own has to be.
    labels : bool
        Whether the answers are labels, which are never converted to another value.

    Returns
    -------
    array, list or tuple of arrays
        One entry for each row, in order.

    Raises
    ------
    EstimatorError
        If the parts do not fit together, or `empty` is needed and not known.
    """
    valid = np.flatnonzero(~invalid)
    kept = X if invalid.all() else take_rows(X, np.flatnonzero(invalid))
    if len(valid):
        aligned = take_aligned(params, valid, len(invalid))
        answer = getattr(model, method)(take_rows(X, valid), **aligned)
        known = _parts(method, answer)
    elif empty is None:
        raise EstimatorError(
            f"every row is invalid, and fit could not learn the form of {method}: "
            f"{type(model).__name__} failed on two rows of training"
        )
    else:
        known = (empty, empty) if params.get("return_std") else empty
    return _joined(known, _parts(method, substitute(kept, known)), invalid, labels)


def _parts(method: str, answer: Answer) -> Answer:
    """An answer as arrays."""
    several = isinstance(answer, tuple) or (
        isinstance(answer, list) and method != "predict"
    )
    if several:
        return type(answer)([_parts("predict", part) for part in answer])
    return answer.toarray() if scipy.sparse.issparse(answer) else np.asarray(answer)


def _joined(known: Answer, other: Answer, invalid: np.ndarray, labels: bool) -> Answer:
    if isinstance(known, list | tuple):
        pairs = zip(known, other, strict=True)
        return type(known)([_joined(*pair, invalid, labels) for pair in pairs])
    n_invalid = int(invalid.sum())
    for part, n_rows in ((known, len(invalid) - n_invalid), (other, n_invalid)):
        if part.shape[:1] != (n_rows,):
            raise EstimatorError(
                f"an answer must have one entry for each of {n_rows} rows, got an "
                f"array of shape {part.shape}"
            )
    if other.shape[1:] != known.shape[1:]:
        if other.size != n_invalid * int(np.prod(known.shape[1:])):
            raise EstimatorError(
                "the fallback must answer in the form of the estimator, got arrays of "
                f"shape {other.shape} and {known.shape}"
            )
        other = other.reshape(n_invalid, *known.shape[1:])
    whole = np.empty(
        (len(invalid), *known.shape[1:]),
        _common_dtype(known.dtype, other.dtype, labels),
    )
    whole[~invalid] = known
    whole[invalid] = other
    return whole


def _common_dtype(known: np.dtype, other: np.dtype, labels: bool) -> np.dtype:
    """Type that holds both, and where they are labels, as they are."""
    same_kind = known.kind == other.kind
    if not labels and {known.kind, other.kind} <= set(NUMBERS + "b"):
        return np.result_type(known, other)
    numbers = known.kind in NUMBERS and other.kind in NUMBERS
    if same_kind or numbers:
        found = np.result_type(known, other)
        if found.kind == known.kind or (known.kind in "iu" and found.kind in "iu"):
            return found
    return np.dtype(object)


def abstention(
    method: str, known: Answer, n_rows: int, *, value: Any, prior: Any
) -> Answer:
    """Declared answers for rows that are not answered.

    Parameters
    ----------
    method : str
    known : array, list or tuple of arrays
        The model's answer for other rows, whose form is taken.
    n_rows : int
    value : object
        For `predict`: a label, or a number (None: NaN).
    prior : ndarray of shape (n_classes,), or list of them
        For `predict_proba` and its logarithm.
    """
    if method.endswith("proba"):
        return _priors(known, n_rows, prior, logarithm="log" in method)
    fill = np.nan if value is None or method != "predict" else value
    if isinstance(known, tuple):
        first, *others = known
        return (
            _filled(first, n_rows, fill),
            *(_filled(other, n_rows, np.nan) for other in others),
        )
    if isinstance(known, list):
        return [_filled(part, n_rows, fill) for part in known]
    return _filled(known, n_rows, fill)


def _filled(known: np.ndarray, n_rows: int, fill: Any) -> np.ndarray:
    return np.full((n_rows, *known.shape[1:]), fill, _type_of(fill, known.dtype))


def _type_of(fill: Any, known: np.dtype) -> np.dtype:
    """Narrowest type of a value that stands among values of a known type."""
    if isinstance(fill, bool | np.bool_ | str | bytes):
        return np.asarray(fill).dtype
    if isinstance(fill, float | np.floating) and known.kind == "f":
        return known
    if isinstance(fill, int | np.integer):
        if known.kind == "f":
            return known
        found = np.min_scalar_type(fill)
        signed = found.kind == "u" and known.kind == "i"
        fits = signed and int(fill) <= np.iinfo(known).max
        return known if fits else found
    return np.asarray(fill).dtype


def _priors(known: Answer, n_rows: int, prior: Any, *, logarithm: bool) -> Answer:
    if isinstance(known, list):
        pairs = zip(known, prior, strict=True)
        return [_priors(part, n_rows, own, logarithm=logarithm) for part, own in pairs]
    row = np.array([p[-1] for p in prior]) if isinstance(prior, list) else prior
    if row.shape != known.shape[1:]:
        raise EstimatorError(
            f"the class priors of {row.shape[0]} classes do not fit probabilities of "
            f"shape {known.shape[1:]} a row: use on_invalid='fallback'"
        )
    with np.errstate(divide="ignore"):
        row = np.log(row) if logarithm else row
    return np.tile(row.astype(known.dtype), (n_rows, 1))


def fallback_answer(
    method: str, fallback: Any, model: Any, X: Any, known: Answer
) -> Answer:
    """Answers of the fallback, in the form and the order of classes of the model.

    Parameters
    ----------
    method : str
    fallback, model : estimator
        Fitted.
    X : table of shape (n_rows, n_features)
        Rows to answer.
    known : array, list or tuple of arrays
        The model's answer for other rows. What it holds beside the first entry of a
        tuple (a standard deviation) a fallback does not say: NaN.

    Raises
    ------
    EstimatorError
        If the fallback has no such method, or other classes than the model.
    """
    if not hasattr(fallback, method):
        raise EstimatorError(
            f"the fallback {type(fallback).__name__} has no {method}, which is asked "
            "for invalid rows: choose a fallback that has, or on_invalid='abstain'"
        )
    answer = _parts(method, getattr(fallback, method)(X))
    if method != "predict":
        ours = getattr(model, "classes_", None)
        return _aligned(method, answer, getattr(fallback, "classes_", None), ours)
    if isinstance(known, tuple):
        unsaid = [_filled(part, len(answer), np.nan) for part in known[1:]]
        return (answer, *unsaid)
    return answer


def _aligned(method: str, answer: Answer, theirs: Any, ours: Any) -> Answer:
    """Columns of an answer in the order of the model's classes."""
    if theirs is None or ours is None:
        return answer
    if isinstance(answer, list):
        several = isinstance(theirs, list) and isinstance(ours, list)
        parts = zip(answer, theirs, ours, strict=True) if several else ()
        return [_aligned(method, *part) for part in parts] or answer
    if isinstance(theirs, list) or isinstance(ours, list):
        return answer
    theirs, ours = np.asarray(theirs).tolist(), np.asarray(ours).tolist()
    if theirs == ours:
        return answer
    unknown = [label for label in theirs if label not in ours]
    if unknown or method == "decision_function" or answer.shape[1:] != (len(theirs),):
        raise EstimatorError(
            "the fallback must know the classes of the estimator in "
            f"{method}, got {theirs[:5]} and {ours[:5]}: fit both on the same labels"
        )
    nothing = -np.inf if "log" in method else 0.0
    whole = np.full((len(answer), len(ours)), nothing, dtype=answer.dtype)
    whole[:, [ours.index(label) for label in theirs]] = answer
    return whole


def emptied(method: str, answer: Answer) -> Answer:
    """An answer of the same form, without a row."""
    parts = _parts(method, answer)
    if isinstance(parts, list | tuple):
        return type(parts)([emptied("predict", part) for part in parts])
    return np.empty((0, *parts.shape[1:]), dtype=parts.dtype)
