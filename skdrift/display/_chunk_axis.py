"""The axis of chunks: where each one stands, and what is written below it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from skdrift.display._canvas import PLAIN, SMALL, characters, shown_name, size_of

_EPOCH: Final = np.datetime64("1970-01-01")
_DAY: Final = np.timedelta64(1, "D")
# matplotlib draws the years 1 to 9999; a margin of days is left.
_DRAWN: Final = (np.datetime64("0001-02-01"), np.datetime64("9999-11-30"))
_LONGEST: Final = 24  # characters of a label
_SLANT: Final = 35.0  # degrees
_SLANTED: Final = 0.22  # inches between labels that are
_BETWEEN: Final = 2  # characters between labels that are not


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ChunkAxis:
    """Places of chunks on the axis.

    Attributes
    ----------
    places : ndarray of float of shape (n_chunks,)
        Ascending: days since 1970 for times, else 0, 1, 2, …
    edges : ndarray of float of shape (n_chunks + 1,)
        Where each chunk begins and ends.
    step : float
        Least distance of two chunks.
    texts : tuple of str
        What the chunks are called; empty for times.
    """

    places: np.ndarray
    edges: np.ndarray
    step: float
    texts: tuple[str, ...]

    def dress(self, ax: Any) -> None:
        """Set limits and ticks."""
        ax.set_xlim(self.edges[0], self.edges[-1])
        if self.texts:
            self._name(ax)
            return
        from matplotlib import dates  # noqa: PLC0415  (optional library)

        locator = dates.AutoDateLocator(tz="UTC", minticks=3, maxticks=9)
        ax.xaxis_date("UTC")
        ax.xaxis.set_major_locator(locator)
        ax.xaxis.set_major_formatter(dates.ConciseDateFormatter(locator, tz="UTC"))
        ax.tick_params(axis="x", labelsize=SMALL)

    def _name(self, ax: Any) -> None:
        width, _ = size_of(ax)
        names = [shown_name(text, _LONGEST) for text in self.texts]
        longest = max(map(len, names)) + _BETWEEN
        n_level = max(1, characters(width, SMALL) // longest)
        n_slanted = max(1, int(width / _SLANTED))
        slanted = n_level < len(names) <= n_slanted
        every = 1 if slanted else math.ceil(len(names) / n_level)
        style: dict[str, Any] = {"fontsize": SMALL, **PLAIN}
        if slanted:
            style |= {"rotation": _SLANT, "ha": "right", "rotation_mode": "anchor"}
        ax.set_xticks(self.places[::every], names[::every], **style)


def axis_of(labels: np.ndarray) -> ChunkAxis:
    """Axis of chunks by their labels: ascending times at their distances, else even."""
    n = len(labels)
    if labels.dtype.kind == "M" and n and _can_be_drawn(labels):
        places: np.ndarray = (labels - _EPOCH) / _DAY
        gaps = np.diff(places)
        step = float(gaps.min()) if n > 1 else 1.0
        middles = places[:-1] + gaps / 2
        # The last chunk is as long as the one before.
        first, last = (gaps[0], gaps[-1]) if n > 1 else (step, step)
        edges = np.array([places[0] - first / 2, *middles, places[-1] + last / 2])
        return ChunkAxis(places=places, edges=edges, step=step, texts=())
    texts = [_named(label) for label in labels.tolist()]
    if labels.dtype.kind == "M":
        texts = [str(x) for x in np.datetime_as_string(labels, unit="auto")]
    return ChunkAxis(
        places=np.arange(n, dtype=np.float64),
        edges=np.arange(n + 1) - 0.5,
        step=1.0,
        texts=tuple(texts),
    )


def _named(label: Any) -> str:
    """A label as a text: a year is 2012, not 2,012 or 2012.0."""
    if not isinstance(label, float):
        return str(label)
    return str(int(label)) if label.is_integer() else f"{label:.6g}"


def _can_be_drawn(labels: np.ndarray) -> bool:
    low, high = _DRAWN
    return bool(
        ((labels > low) & (labels < high)).all()
        and (np.diff(labels) > np.timedelta64(0)).all()
    )
