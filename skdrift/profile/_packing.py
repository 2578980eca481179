"""Stored forms of grids: a format number, plain texts and flat arrays.

The same fields make two forms. The *packed* one (pickle, joblib, skops) has one
JSON text and flat numpy arrays, so that an artifact holds a handful of members
whatever the number of columns. The *plain* one (`to_dict`) is all lists, for JSON.
"""

from __future__ import annotations

import json
from typing import Any

import numpy as np

from skdrift.profile._cells import Cells, LevelCells, NumberCells
from skdrift.profile._stored import (
    DAMAGE,
    check_format,
    damaged,
    flag,
    number,
    one_of,
    text,
    texts,
    whole,
)

ASPECTS_OF_KIND: dict[str, tuple[str, ...]] = {
    "numeric": ("value",),
    "datetime": ("value",),
    "categorical": ("value",),
    "boolean": ("value",),
    "text": ("length", "shape"),
    "identifier": (),
    "empty": (),
}
FORMAT = 1
POINT_DTYPES = ("f8", "i8", "u8")


def pack_grid(grid: Any, *, plain: bool = False) -> dict[str, Any]:
    """Return the stored form of a grid."""
    numbers = [cells for cells in grid.cells if isinstance(cells, NumberCells)]
    meta = {
        "labels": list(grid.labels),
        "named": grid.names is not None,
        "kinds": list(grid.kinds),
        "families": list(grid.families),
        "untested": list(grid.untested),
        "n_rows": int(grid.n_rows),
        "cells": [_cells_meta(cells) for cells in grid.cells],
    }
    if plain:
        points = [cells.points.tolist() for cells in numbers]
        tracked = [np.flatnonzero(cells.tracked).tolist() for cells in numbers]
        return {"format": FORMAT, **meta, "points": points, "tracked": tracked}
    return {
        "format": FORMAT,
        "meta": json.dumps(meta),
        "arrays": {
            "points": _join([c.points.view(np.uint64) for c in numbers], np.uint64),
            "tracked": _join([c.tracked for c in numbers], np.bool_),
        },
    }


def _join(parts: list[np.ndarray], dtype: type[np.generic]) -> np.ndarray:
    return np.concatenate([np.zeros(0, dtype=dtype), *parts])


def _cells_meta(cells: Cells) -> dict[str, Any]:
    common = {"feature": int(cells.feature), "aspect": cells.aspect}
    if isinstance(cells, LevelCells):
        return {
            **common,
            "keys": list(cells.keys),
            "salt": cells.salt,
            "pooled": cells.pooled,
        }
    return {
        **common,
        "n_points": len(cells.points),
        "dtype": cells.points.dtype.str[1:],
        "untracked": int(cells.untracked),
        "lower": float(cells.lower) if np.isfinite(cells.lower) else None,
        "upper": float(cells.upper) if np.isfinite(cells.upper) else None,
        "single": bool(cells.single),
    }


def unpack_grid(stored: Any) -> dict[str, Any]:
    """Fields of a grid from either stored form.

    Raises
    ------
    FormatError
        If `stored` is damaged, or of a newer format.
    """
    check_format(stored, "grid", FORMAT)
    try:
        packed = "meta" in stored
        meta = json.loads(stored["meta"]) if packed else stored
        entries = [dict(entry) for entry in meta["cells"]]
        if packed:
            points, tracked = _packed_points(entries, stored["arrays"])
        else:
            points, tracked = _plain_points(entries, stored)
        labels = texts(meta["labels"])
        fields = {
            "labels": labels,
            "names": labels if flag(meta["named"]) else None,
            "kinds": tuple(one_of(k, *ASPECTS_OF_KIND) for k in meta["kinds"]),
            "families": texts(meta["families"]),
            "untested": texts(meta["untested"]),
            "cells": _cells(entries, points, tracked),
            "n_rows": whole(meta["n_rows"]),
        }
        _check_columns(fields)
    except DAMAGE as error:
        raise damaged("grid", error, "learn it again from the training data") from error
    return fields


def _packed_points(
    entries: list[dict[str, Any]], arrays: dict[str, np.ndarray]
) -> tuple[list[np.ndarray], list[np.ndarray]]:
    numbers = [entry for entry in entries if "keys" not in entry]
    ends = np.cumsum([whole(entry["n_points"]) for entry in numbers])[:-1]
    parts = np.split(arrays["points"], ends)
    points = [
        part.view(one_of(entry["dtype"], *POINT_DTYPES))
        for part, entry in zip(parts, numbers, strict=False)
    ]
    return points, np.split(arrays["tracked"].astype(bool), ends)


def _plain_points(
    entries: list[dict[str, Any]], stored: dict[str, Any]
) -> tuple[list[np.ndarray], list[np.ndarray]]:
    numbers = [entry for entry in entries if "keys" not in entry]
    points, tracked = [], []
    for entry, listed, places in zip(
        numbers, stored["points"], stored["tracked"], strict=True
    ):
        dtype = one_of(entry["dtype"], *POINT_DTYPES)
        read = number if dtype == "f8" else whole_of_any_sign
        points.append(np.array([read(point) for point in listed], dtype=dtype))
        mask = np.zeros(len(listed), dtype=bool)
        mask[[whole(place, most=len(listed) - 1) for place in places]] = True
        tracked.append(mask)
    return points, tracked


def whole_of_any_sign(value: Any) -> int:
    """Integer of 64 bits."""
    return whole(value, least=-(2**63), most=2**64 - 1)


def _cells(
    entries: list[dict[str, Any]], points: list[np.ndarray], tracked: list[np.ndarray]
) -> tuple[Cells, ...]:
    cells: list[Cells] = []
    numbers = iter(zip(points, tracked, strict=True))
    for entry in entries:
        feature = whole(entry["feature"])
        if "keys" in entry:
            level_cells = LevelCells(
                feature=feature,
                aspect=one_of(entry["aspect"], "value", "shape"),
                keys=texts(entry["keys"]),
                salt=text(entry["salt"]),
                pooled=flag(entry["pooled"]),
            )
            if len(level_cells.index) < len(level_cells.keys):
                raise ValueError("a level is listed twice")
            cells.append(level_cells)
        else:
            cells.append(_number_cells(feature, entry, *next(numbers)))
    return tuple(cells)


def _number_cells(
    feature: int, entry: dict[str, Any], points: np.ndarray, tracked: np.ndarray
) -> NumberCells:
    lower, upper = entry["lower"], entry["upper"]
    if not len(points) == len(tracked) == whole(entry["n_points"], least=1):
        raise ValueError(f"{len(points)} points where {entry['n_points']} were stored")
    if not (points[1:] > points[:-1]).all() or not np.isfinite(points).all():
        raise ValueError("points do not increase")
    return NumberCells(
        feature=feature,
        aspect=one_of(entry["aspect"], "value", "length"),
        points=points,
        tracked=tracked,
        untracked=whole(entry["untracked"]),
        lower=-np.inf if lower is None else number(lower),
        upper=np.inf if upper is None else number(upper),
        single=flag(entry["single"]),
    )


def _check_columns(fields: dict[str, Any]) -> None:
    lengths = {
        len(fields[name]) for name in ("labels", "kinds", "families", "untested")
    }
    if len(lengths) != 1:
        raise ValueError(f"columns are described {sorted(lengths)} times")
    kinds = fields["kinds"]
    expected = [
        (feature, aspect, aspect == "length" or kind in ("numeric", "datetime"))
        for feature, kind in enumerate(kinds)
        for aspect in ASPECTS_OF_KIND[kind]
    ]
    found = [
        (cells.feature, cells.aspect, isinstance(cells, NumberCells))
        for cells in fields["cells"]
    ]
    if found != expected:
        raise ValueError("cells do not match the kinds of the columns")
