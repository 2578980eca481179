"""Stored forms of grids and profiles: a format number, plain texts and flat arrays.

The same fields make two forms. The *packed* one (pickle, joblib, skops) has one
JSON text and flat numpy arrays, so that an artifact holds a handful of members
whatever the number of columns. The *plain* one (`to_dict`) is all lists, for JSON.
"""

from __future__ import annotations

import json
from typing import Any

import numpy as np

from skdrift.exceptions import FormatError
from skdrift.profile._cells import Cells, LevelCells, NumberCells

FORMAT = 1


def pack_grid(grid: Any, *, plain: bool = False) -> dict[str, Any]:
    """Stored form of a grid."""
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
            "points": _join([cells.points.view(np.uint64) for cells in numbers]),
            "tracked": _join([cells.tracked for cells in numbers]),
        },
    }


def _join(parts: list[np.ndarray]) -> np.ndarray:
    return np.concatenate(parts) if parts else np.zeros(0, dtype=np.uint64)


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
        "lower": _finite(cells.lower),
        "upper": _finite(cells.upper),
        "single": cells.single,
    }


def _finite(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None


def unpack_grid(stored: Any) -> dict[str, Any]:
    """Fields of a grid from either stored form.

    Raises
    ------
    FormatError
        If `stored` is damaged, or of a newer format.
    """
    check_format(stored, "grid")
    try:
        packed = "meta" in stored
        meta = json.loads(stored["meta"]) if packed else stored
        source = stored["arrays"] if packed else stored
        cells: list[Cells] = []
        start = place = 0
        for entry in meta["cells"]:
            if "keys" in entry:
                cells.append(LevelCells(**{**entry, "keys": tuple(entry["keys"])}))
                continue
            stop = start + entry["n_points"]
            dtype = np.dtype(entry["dtype"])
            if packed:
                points = source["points"][start:stop].view(dtype)
                tracked = source["tracked"][start:stop].astype(bool)
            else:
                points = np.array(source["points"][place], dtype=dtype)
                tracked = np.zeros(len(points), dtype=bool)
                tracked[source["tracked"][place]] = True
            cells.append(_number_cells(entry, points, tracked))
            start, place = stop, place + 1
        labels = tuple(meta["labels"])
        return {
            "labels": labels,
            "names": labels if meta["named"] else None,
            "kinds": tuple(meta["kinds"]),
            "families": tuple(meta["families"]),
            "untested": tuple(meta["untested"]),
            "cells": tuple(cells),
            "n_rows": int(meta["n_rows"]),
        }
    except (KeyError, TypeError, ValueError, IndexError) as error:
        raise FormatError(
            f"the stored grid is damaged ({type(error).__name__}: {error}); learn it "
            "again from the training data"
        ) from error


def _number_cells(
    entry: dict[str, Any], points: np.ndarray, tracked: np.ndarray
) -> NumberCells:
    if len(points) != entry["n_points"] or len(tracked) != len(points):
        raise ValueError(f"{len(points)} points where {entry['n_points']} were stored")
    lower, upper = entry["lower"], entry["upper"]
    return NumberCells(
        feature=entry["feature"],
        aspect=entry["aspect"],
        points=points,
        tracked=tracked,
        untracked=entry["untracked"],
        lower=-np.inf if lower is None else lower,
        upper=np.inf if upper is None else upper,
        single=entry["single"],
    )


def check_format(stored: Any, what: str) -> None:
    """Refuse what is no stored form, or one of a newer format.

    Raises
    ------
    FormatError
    """
    number = stored.get("format") if isinstance(stored, dict) else None
    if not isinstance(number, int) or isinstance(number, bool) or number < 1:
        raise FormatError(
            f"this is no stored {what}: it has no format number (got "
            f"{str(number)[:40]}); pass what to_dict() returned"
        )
    if number > FORMAT:
        raise FormatError(
            f"the stored {what} has format {number}, this skdrift reads formats up to "
            f"{FORMAT}: upgrade skdrift"
        )
