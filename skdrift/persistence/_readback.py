"""A file is read back before it replaces another, and compared with the model.

skops loses some things without a word: it reads a subclass of ``str`` or ``tuple``
back as the plain type, an array of objects with another shape.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator

from skdrift.persistence._graph import (
    SCALARS,
    STATE_ERRORS,
    TOP,
    Place,
    Steps,
    children,
    is_plain,
    making_of,
    steps_below,
)


def first_difference(model: Any, copy: Any) -> tuple[Place, str] | None:
    """Where a model and what was read of it differ first, and how.

    Compared are types, keys, lengths, scalars, and the types and shapes of arrays:
    what skops translates. The data of arrays have checksums of their own. An object
    that restores itself (``__setstate__``) may do so in its own way.

    Parameters
    ----------
    model : object
        What was written; without circles.
    copy : object
        What was read.

    Returns
    -------
    difference : tuple of Place and str, or None
        The place, and what it comes back as.
    """
    stack: list[tuple[Place, Any, Any]] = [(TOP, model, copy)]
    while stack:
        place, one, other = stack.pop()
        if type(one) is not type(other):
            return place, f"comes back as a {type(other).__qualname__}"
        if isinstance(one, np.ndarray) and one.shape != other.shape:
            return place, f"comes back with the shape {other.shape}"
        if isinstance(one, np.ndarray) and one.dtype != other.dtype:
            return place, f"comes back with the dtype {other.dtype}"
        if isinstance(one, np.dtype) and one != other:
            return place, f"comes back as {other}"
        if isinstance(one, set | frozenset):
            if Counter(map(type, one)) != Counter(map(type, other)):
                return place, "comes back with members of other types"
            continue  # they are in no order, and may be equal to themselves alone
        if _restores_itself(one):
            continue
        pairs = _paired(place, _all_steps(one), _all_steps(other))
        if pairs is None:
            return place, "comes back with other keys or another length"
        for pair in reversed(pairs):
            if type(pair[1]) not in SCALARS:
                stack.append(pair)
            elif not _is_same(pair[1], pair[2]):
                return pair[0], f"comes back as {pair[2]!r:.80}"
    return None


def first_failing(
    model: Any, error: Callable[[Any], Exception | None]
) -> tuple[Place, Any]:
    """Return the innermost object for which `error` gives an error, and its place.

    `error` must give one for the model itself.
    """
    place, obj = TOP, model
    while True:
        try:
            for place_below, below in children(place, obj):
                if error(below) is not None:
                    place, obj = place_below, below
                    break
            else:
                return place, obj
        except STATE_ERRORS:
            return place, obj


def _restores_itself(obj: Any) -> bool:
    method = getattr(type(obj), "__setstate__", None)
    return is_plain(obj) and method is not None and method != BaseEstimator.__setstate__


def _all_steps(obj: Any) -> Steps:
    steps = steps_below(obj)
    if is_plain(obj):
        steps.append((".__reduce__()[1][{}]", enumerate(making_of(obj))))
    return steps


def _paired(
    place: Place, ones: Steps, others: Steps
) -> list[tuple[Place, Any, Any]] | None:
    """Children of two objects side by side; None if they do not match."""
    pairs = []
    for (step, one), (_, other) in zip(ones, others, strict=True):
        items, items_read = list(one), list(other)
        if len(items) != len(items_read):
            return None
        for (key, child), (key_read, child_read) in zip(items, items_read, strict=True):
            if not _is_same(key, key_read):
                return None
            pairs.append((Place(place, step, key, place.depth + 1), child, child_read))
    return pairs


def _is_same(one: object, other: object) -> bool:
    """Scalars of one type are equal, or both NaN."""
    if type(one) is not type(other):
        return False
    return one == other or (one != one and other != other)
