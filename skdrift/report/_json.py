r"""A report as strict JSON, and back.

The form is what the annotations of `DriftReport`, `Finding`, `FeatureRow`,
`ScoreExpectation`, `RejectedRows` and `RowBlocks` say, with three rules on top. NaN
and infinity become null, and the places that were infinite are listed under
``infinite`` as JSON pointers (RFC 6901). Lone surrogates become their escapes
(``\ud800``), so that the text can be encoded as UTF-8. Dicts become lists of records:
keys that differ only in a lone surrogate would collide. Format 1 had no
``rejected``, format 2 no ``blocks`` and no
``detectable_effect`` of features, format 3 no ``basis`` of scores, format 4 no
``tolerance`` of features, format 5 no ``outputs``, format 6 nothing of labels and
estimates of scores.
"""

from __future__ import annotations

import json
import math
import reprlib
import sys
from collections.abc import Mapping, Sequence
from dataclasses import fields, is_dataclass
from functools import cache
from types import NoneType, UnionType
from typing import (
    TYPE_CHECKING,
    Any,
    Final,
    Literal,
    NoReturn,
    get_args,
    get_origin,
    get_type_hints,
)

from skdrift._version import __version__
from skdrift.exceptions import FormatError
from skdrift.report._visible import encodable, visible

if TYPE_CHECKING:
    from skdrift.report._drift_report import DriftReport

FORMAT: Final = 7
_ADDED: Final[Mapping[str, int]] = {"rejected": 2, "blocks": 3, "outputs": 6}
_EMPTY: Final[Mapping[str, Any]] = {"rejected": None, "blocks": None, "outputs": []}
_ADDED_TO_FEATURES: Final[Mapping[str, int]] = {
    "detectable_effect": 3,
    "tolerance": 5,
}
_ADDED_TO_SCORES: Final[Mapping[str, tuple[int, Any]]] = {
    "basis": (4, ""),
    "n_labelled": (7, -1),
    "realised_low": (7, None),
    "realised_high": (7, None),
    "estimated": (7, None),
    "estimated_low": (7, None),
    "estimated_high": (7, None),
    "detectable_drop": (7, None),
    "labels_needed": (7, None),
}
_KIND: Final = "DriftReport"
_HEADER: Final = frozenset(("kind", "format", "skdrift", "infinite"))
_REMEDY: Final = "write the report again with to_json()"
_SHOWN: Final = 200
_REPR: Final = reprlib.Repr()
_REPR.maxlevel = 2
_LARGEST_FLOAT: Final = sys.float_info.max


def document_of(report: DriftReport) -> dict[str, Any]:
    """Give the report as dicts, lists, strings, numbers, booleans and None."""
    infinite: dict[str, str] = {}
    body = _encode(type(report), report, "", infinite)
    return {
        "kind": _KIND,
        "format": FORMAT,
        "skdrift": __version__,
        **body,
        "infinite": infinite,
    }


def fields_of(report_type: type[DriftReport], document: object) -> dict[str, Any]:
    """Return the arguments of `report_type` that `document` was made from.

    Parameters
    ----------
    report_type : type
        `DriftReport`.
    document : object
        What `document_of` gave.

    Raises
    ------
    FormatError
        If the document is damaged or written in a newer format.
    """
    if not isinstance(document, Mapping):
        _refuse("the document", "must be an object", document)
    if document.get("kind") != _KIND:
        _refuse("kind", f"must be {_KIND!r}", document.get("kind"))
    _check_format(document)
    infinite = document.get("infinite")
    if not isinstance(infinite, Mapping):
        _refuse("infinite", "must be an object", infinite)
    body = {key: document[key] for key in document if key not in _HEADER}
    for name, number in _ADDED.items():
        if document["format"] < number:
            body.setdefault(name, _EMPTY[name])
    for name, number in _ADDED_TO_FEATURES.items():
        if document["format"] < number:
            body["features"] = _with_field(body.get("features"), name, None)
    for name, (number, value) in _ADDED_TO_SCORES.items():
        if document["format"] < number:
            scores = body.get("expected_score")
            body["expected_score"] = _with_field(scores, name, value)
    unused = dict(infinite)
    arguments = _decode_fields(report_type, body, "", unused)
    if unused:
        _refuse("infinite", "may name only numbers that are null", list(unused)[:5])
    return arguments


def _with_field(records: object, name: str, value: Any) -> object:
    """`records` with a value where a field of later formats is not there."""
    if not isinstance(records, list):
        return records
    return [
        {**record, name: record.get(name, value)}
        if isinstance(record, Mapping)
        else record
        for record in records
    ]


def parse(text: object) -> Any:
    """Read strict JSON: no NaN, no key twice, no more nesting than Python stands.

    Raises
    ------
    FormatError
        If `text` is anything else.
    """
    if not isinstance(text, str | bytes | bytearray):
        _refuse("the document", "must be str or bytes", text)
    try:
        return json.loads(
            text, parse_constant=_refuse_constant, object_pairs_hook=_unique
        )
    except FormatError:
        raise
    except (ValueError, RecursionError) as error:
        message = f"The report is not valid JSON ({error}); {_REMEDY}."
        raise FormatError(message) from error


def _encode(hint: Any, value: Any, path: str, infinite: dict[str, str]) -> Any:
    if isinstance(hint, UnionType):
        return None if value is None else _encode(_given(hint), value, path, infinite)
    if _is_record(hint):
        hints = _hints(hint)
        return {
            field.name: _encode(
                hints[field.name],
                getattr(value, field.name),
                f"{path}/{field.name}",
                infinite,
            )
            for field in fields(hint)
        }
    if get_origin(hint) in (tuple, dict):
        item = _item_hint(hint)
        items = value.values() if isinstance(value, Mapping) else value
        return [
            _encode(item, part, f"{path}/{position}", infinite)
            for position, part in enumerate(items)
        ]
    if hint is float:
        number = float(value)
        if math.isinf(number):
            infinite[path] = "inf" if number > 0 else "-inf"
        return number if math.isfinite(number) else None
    if hint is bool or hint is int:
        return hint(value)
    return encodable(value)


def _decode(hint: Any, value: object, path: str, infinite: dict[str, Any]) -> Any:
    if isinstance(hint, UnionType):
        return None if value is None else _decode(_given(hint), value, path, infinite)
    if _is_record(hint):
        if not isinstance(value, Mapping):
            _refuse(path, "must be an object", value)
        return hint(**_decode_fields(hint, value, path, infinite))
    origin = get_origin(hint)
    if origin is Literal:
        if value not in get_args(hint):
            _refuse(path, f"must be one of {get_args(hint)}", value)
        return value
    if origin in (tuple, dict):
        return _decode_items(hint, value, path, infinite)
    if hint is float:
        return _decode_float(value, path, infinite)
    if type(value) is not hint:
        _refuse(path, f"must be of type {hint.__name__}", value)
    return value


def _decode_fields(
    hint: Any, record: Mapping[str, Any], path: str, infinite: dict[str, Any]
) -> dict[str, Any]:
    names = [field.name for field in fields(hint)]
    missing = [name for name in names if name not in record]
    if missing:
        _refuse(path, "must have every field; missing are", missing[:5])
    extra = [key for key in record if key not in names]
    if extra:
        _refuse(path, f"has the fields {', '.join(names)}; unknown are", extra[:5])
    hints = _hints(hint)
    return {
        name: _decode(hints[name], record[name], f"{path}/{name}", infinite)
        for name in names
    }


def _decode_items(hint: Any, value: object, path: str, infinite: dict[str, Any]) -> Any:
    if not isinstance(value, Sequence) or isinstance(value, str):
        _refuse(path, "must be a list", value)
    item = _item_hint(hint)
    items = [
        _decode(item, part, f"{path}/{position}", infinite)
        for position, part in enumerate(value)
    ]
    if get_origin(hint) is tuple:
        return tuple(items)
    by_name = {part.scorer: part for part in items}
    if len(by_name) < len(items):
        _refuse(path, "must name each scorer once", [part.scorer for part in items][:5])
    return by_name


def _decode_float(value: object, path: str, infinite: dict[str, Any]) -> float:
    if value is None:
        sign = infinite.pop(path, None)
        if sign not in (None, "inf", "-inf"):
            _refuse(f"/infinite{path}", "must be 'inf' or '-inf'", sign)
        return float(sign or "nan")
    if isinstance(value, bool) or not isinstance(value, int | float):
        _refuse(path, "must be a number or null", value)
    if not abs(value) <= _LARGEST_FLOAT:
        _refuse(path, "must be a finite number or null", value)
    return float(value)


def _is_record(hint: Any) -> bool:
    return is_dataclass(hint)


def _given(hint: UnionType) -> Any:
    """What is there, where None may stand in its place."""
    return next(part for part in get_args(hint) if part is not NoneType)


@cache
def _hints(record_type: type) -> dict[str, Any]:
    return get_type_hints(record_type)


def _item_hint(hint: Any) -> Any:
    arguments = get_args(hint)
    return arguments[0] if get_origin(hint) is tuple else arguments[1]


def _check_format(document: Mapping[str, Any]) -> None:
    number = document.get("format")
    if type(number) is not int or number < 1:
        _refuse("format", "must be a whole number from 1 on", number)
    if number > FORMAT:
        writer = visible(str(document.get("skdrift")), 40)
        message = (
            f"The report was written by skdrift {writer} in format {number}; this is"
            f" skdrift {__version__}, which reads formats up to {FORMAT}:"
            " upgrade skdrift."
        )
        raise FormatError(message)


def _refuse(path: str, rule: str, got: object) -> NoReturn:
    where = path.lstrip("/") or "the document"
    message = f"Damaged report: {where} {rule}, got {_shown(got)}; {_REMEDY}."
    raise FormatError(message)


def _refuse_constant(name: str) -> NoReturn:
    _refuse("a number", "must be finite or null", name)


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    record = dict(pairs)
    if len(record) < len(pairs):
        keys = [key for key, _ in pairs]
        _refuse("an object", "must have each key once", keys[:5])
    return record


def _shown(value: object) -> str:
    text = _REPR.repr(value).encode("ascii", "backslashreplace").decode("ascii")
    return text if len(text) <= _SHOWN else text[: _SHOWN - 3] + "..."
