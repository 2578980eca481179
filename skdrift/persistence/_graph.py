"""The objects that skops would store of a model, one step at a time.

A child has a place: the link of its parent and a step such as ``.coef_`` or ``[0]``,
put together only for a message.
"""

from __future__ import annotations

import collections
import functools
import pickle
import types
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import sparse

SCALARS = frozenset({type(None), bool, int, float, str, bytes})

_ATOMS = (
    str,
    int,
    float,
    bytes,
    bytearray,
    type,
    types.FunctionType,
    types.BuiltinFunctionType,
    np.generic,
    np.ufunc,
    np.dtype,
    np.random.Generator,
    np.random.RandomState,
    sparse.spmatrix,
    sparse.sparray,
)

_CONTAINERS = (
    dict,
    list,
    tuple,
    set,
    np.ndarray,
    functools.partial,
    types.MethodType,
)

# What taking the state of an object raises where it has none.
STATE_ERRORS = (
    TypeError,
    ValueError,
    AttributeError,
    LookupError,
    RuntimeError,
    pickle.PicklingError,
)


@dataclass(frozen=True, slots=True)
class Place:
    """Where an object is in the model.

    Attributes
    ----------
    parent : Place or None
        None at the top.
    step : str
        Template of the last step of the path, such as ``"[{!r}]"``.
    key : object
        What fills it.
    depth : int
        Nested values that skops stores above this one.
    """

    parent: Place | None
    step: str
    key: object
    depth: int

    def __str__(self) -> str:
        steps: list[str] = []
        place: Place | None = self
        while place is not None:
            steps.append(place.step.format(place.key)[:80])
            place = place.parent
        path = "".join(reversed(steps))
        return path if len(path) <= 400 else f"{path[:200]}…{path[-200:]}"


TOP = Place(None, "model", None, 0)

Steps = list[tuple[str, Iterable[tuple[object, Any]]]]


def children(place: Place, obj: Any) -> Iterator[tuple[Place, Any]]:
    """Yield the children of `obj` that are no scalars, and where they are."""
    for step, items in steps_below(obj):
        # skops stores the state of an object as a dict, a level of its own.
        depth = place.depth + (2 if step.startswith(".") else 1)
        for key, child in items:
            if type(child) not in SCALARS:
                yield Place(place, step, key, depth), child


def is_plain(obj: Any) -> bool:
    """Whether skops stores `obj` by its state, having no form of its own for it."""
    return not isinstance(obj, (*_ATOMS, *_CONTAINERS))


def steps_below(obj: Any) -> Steps:
    """Return the children of `obj`, by the template of the step that leads to them.

    Raises
    ------
    TypeError, ValueError, AttributeError, LookupError, RuntimeError, PicklingError
        If the object does not give its state.
    """
    if isinstance(obj, _ATOMS):
        return []
    if isinstance(obj, dict):
        factory = (
            [("default_factory", obj.default_factory)]
            if isinstance(obj, collections.defaultdict)
            else []
        )
        return [("[{!r}]", obj.items()), (".{}", factory)]
    if isinstance(obj, list | tuple | set):
        return [("[{}]", enumerate(obj))]
    if isinstance(obj, np.ma.MaskedArray):
        return [(".{}", [("data", obj.data), ("mask", obj.mask)])]
    if isinstance(obj, np.ndarray):
        return [(".flat[{}]", enumerate(obj.flat))] if obj.dtype.kind == "O" else []
    if isinstance(obj, functools.partial):
        return [
            (".{}", [("func", obj.func)]),
            (".args[{}]", enumerate(obj.args)),
            (".keywords[{!r}]", obj.keywords.items()),
        ]
    if isinstance(obj, types.MethodType):
        return [(".{}", [("__self__", obj.__self__)])]
    return _steps_of_object(obj)


def making_of(obj: Any) -> tuple[Any, ...]:
    """Return what a plain object is made from beside its state, which skops drops.

    Empty where there is nothing: where the object is of a class written in Python, or
    skops stores the arguments of a call.
    """
    reduced = obj.__reduce__()
    if not isinstance(reduced, tuple) or reduced[0] is type(obj):
        return ()
    return () if reduced[0] is _RECONSTRUCTOR else tuple(reduced[1])


_RECONSTRUCTOR = object().__reduce__()[0]  # it has no public name


def _steps_of_object(obj: Any) -> Steps:
    reduced = obj.__reduce__()
    if isinstance(reduced, str):
        return []  # it is known by its name
    if reduced[0] is type(obj) and all(item is None for item in reduced[2:]):
        # What skops stores is the arguments of the call.
        return [(".__reduce__()[1][{}]", enumerate(reduced[1]))]
    state = obj.__getstate__()
    if isinstance(state, dict):
        return [(".{}", state.items())]
    if isinstance(state, tuple | list):
        return [(".__getstate__()[{}]", enumerate(state))]
    return [(".{}", [("__getstate__()", state)])]
