"""What skops would lose, or write and not read: refused by name before it is written.

Each rule was seen to fail with skops 0.16; a reason ends with the remedy. What no
rule knows is found by reading the file back (`skdrift.persistence._readback`).
"""

from __future__ import annotations

import collections
import enum
import json
import sys
import types
from collections.abc import Callable
from typing import Any

import numpy as np
from scipy import sparse

from skdrift.exceptions import ArtifactWriteError
from skdrift.persistence._graph import (
    STATE_ERRORS,
    TOP,
    Place,
    children,
    is_plain,
)
from skdrift.persistence._schema import MAX_DEPTH

_MAX_OBJECTS = 5_000_000


def refuse_unstorable(model: Any) -> None:
    """Visit every object of the model, and raise at the first that a file loses.

    Takes time in proportion to the number of objects, not to the size of arrays.

    Raises
    ------
    ArtifactWriteError
        Names the place of the object, the rule, and what to do.
    """
    above: set[int] = set()  # objects that the present one is inside of
    stack: list[tuple[Place | None, Any]] = [(TOP, model)]
    count = 0
    while stack:
        place, obj = stack.pop()
        if place is None:
            above.discard(id(obj))
            continue
        count += 1
        reason = _reason(obj, place, above, count)
        if reason is not None:
            raise ArtifactWriteError(f"{place} {reason} Nothing was written.")
        above.add(id(obj))
        stack.append((None, obj))
        try:
            stack.extend(reversed(list(children(place, obj))))
        except STATE_ERRORS as error:
            raise ArtifactWriteError(
                f"{place} is a {_name(type(obj))} and does not give its state: "
                f"{error}. Keep what it holds as numbers, str, lists or arrays. "
                "Nothing was written."
            ) from error


def _reason(obj: Any, place: Place, above: set[int], count: int) -> str | None:
    if id(obj) in above:
        return "contains itself, which a file cannot hold. Break the circle."
    if 2 * place.depth > MAX_DEPTH:
        return f"is nested more than {MAX_DEPTH // 2} deep. Flatten what holds it."
    if count > _MAX_OBJECTS:
        return (
            f"is the object after {_MAX_OBJECTS} others; one that is shared counts "
            "each time. Keep them in arrays, or share less."
        )
    if place.key == "_skl_callbacks":
        return "holds callbacks. Call set_callbacks() on the estimator to remove them."
    for kind, rule in _RULES:
        if isinstance(obj, kind):
            return rule(obj)
    return _reason_of_plain(obj) if is_plain(obj) else None


def _reason_of_enum(obj: enum.Enum) -> str:
    return (
        f"is the Enum member {obj!r}, which comes back as something else. Keep a str."
    )


def _reason_of_name(obj: Any) -> str | None:
    module = sys.modules.get(obj.__module__)
    if getattr(module, obj.__name__, None) is obj:
        return None
    return (
        f"is {obj.__qualname__!r}, which is not at the top of the module "
        f"{obj.__module__!r}, so that a file cannot name it. Define it there with a "
        "name of its own, or keep something else."
    )


def _reason_of_dict(obj: dict[Any, Any]) -> str | None:
    if all(type(key) is str for key in obj):
        return None
    if isinstance(obj, collections.defaultdict):
        return "is a defaultdict with keys that are not str. Make it a dict."
    texts: dict[str, object] = {}
    for key in obj:
        text = _text_of_key(key)
        if text is None:
            return (
                f"has the key {_shown(key)} of type {_name(type(key))}; a file keeps "
                "keys that are str or numbers. Use str keys, or lists side by side."
            )
        if text in texts:
            return (
                f"has the keys {_shown(texts[text])} and {_shown(key)}, of which a "
                "file keeps one. Use keys of one type, or lists side by side."
            )
        texts[text] = key
    return None


def _text_of_key(key: object) -> str | None:
    """Return what JSON makes of a key; None if the key is not to be had from it."""
    if isinstance(key, np.generic):
        key = key.item()
    if key is None or key is False:
        return None
    try:
        (text,) = json.loads(json.dumps({key: 0}))
    except (TypeError, ValueError):
        return None
    return str(text)


def _reason_of_array(obj: np.ndarray) -> str | None:
    if isinstance(obj, np.memmap):
        return "is mapped from another file. Copy it into memory: numpy.array(x)."
    if obj.dtype.kind == "O":
        return None
    return _reason_of_dtype(obj.dtype)


def _reason_of_dtype(dtype: np.dtype[Any]) -> str | None:
    if dtype.kind == "T":
        return "has the dtype StringDType, which has no file form. Use object or 'U'."
    if dtype.kind != "O" and dtype.hasobject:
        return "has fields of Python objects. Use an array for each field."
    return None


def _reason_of_plain(obj: Any) -> str | None:
    try:
        reduced = obj.__reduce__()
    except STATE_ERRORS:
        return None  # reported with its cause when its state is taken
    if isinstance(reduced, str):
        return None  # a function of a library, known by its name
    reason = _reason_of_name(type(obj))
    if reason is not None:
        return f"has a class that {reason}"
    if any(item is not None for item in reduced[3:5]):
        return f"is a {_name(type(obj))}, whose items would be lost. Make it a list."
    return None


def _reason_of_sparse(obj: Any) -> str | None:
    if obj.format in ("lil", "dok"):
        return f"is sparse of the format {obj.format!r}. Convert it: x.tocsr()."
    return None


_RULES: tuple[tuple[type | tuple[type, ...], Callable[[Any], str | None]], ...] = (
    (enum.Enum, _reason_of_enum),
    ((sparse.spmatrix, sparse.sparray), _reason_of_sparse),
    ((types.FunctionType, type), _reason_of_name),
    (dict, _reason_of_dict),
    (np.ndarray, _reason_of_array),
    (np.dtype, _reason_of_dtype),
    (
        complex,
        lambda obj: (
            None
            if isinstance(obj, np.generic)
            else "is a complex number. Make it a numpy.complex128."
        ),
    ),
    (
        types.MappingProxyType,
        lambda obj: "is a view of a dict. Make it a dict: dict(x).",
    ),
    (
        (np.random.BitGenerator, np.random.SeedSequence),
        lambda obj: (
            "is the inner part of a random generator, and reading it crashes "
            "or loses its state. Keep a numpy.random.Generator, or the seed as an int."
        ),
    ),
)


def _name(kind: type) -> str:
    return f"{kind.__module__}.{kind.__qualname__}"


def _shown(value: object) -> str:
    return f"{value!r:.80}"
