"""The axis of values: what part of it is shown, and in which units."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from skdrift.display._shift_data import Distributions
from skdrift.report._numbers import number

_CENTRE: Final = (0.05, 0.95)
_WIDEST: Final = 5.0  # widths of the centre: where all takes more, the ends are cut
_BESIDE: Final = 1.5  # widths of the centre that are shown on either side then
_HUGE: Final = 1e100  # matplotlib adds up what is on an axis
_MARGIN: Final = 0.03
_DAY: Final = 86_400e6
# matplotlib draws the years 1 to 9999; a margin of days is left.
_FIRST_DAY: Final = float(np.datetime64("0001-01-10", "us").astype(np.int64))
_LAST_DAY: Final = float(np.datetime64("9999-12-20", "us").astype(np.int64))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Scale:
    """Axis of values.

    Attributes
    ----------
    values : ndarray of shape (n_points,)
        Those of `Distributions`, in units of the axis (days since 1970 for times).
    low, high : float
        What is shown.
    dates : bool
        Whether the axis is one of time.
    notes : tuple of str
        What is not shown.
    """

    values: np.ndarray
    low: float
    high: float
    dates: bool
    notes: tuple[str, ...]

    def dress(self, ax: Any) -> None:
        """Set limits and, for dates, ticks."""
        if self.dates:
            from matplotlib import dates  # noqa: PLC0415  (optional library)

            locator = dates.AutoDateLocator(tz="UTC", minticks=3, maxticks=7)
            ax.xaxis_date("UTC")
            ax.xaxis.set_major_locator(locator)
            ax.xaxis.set_major_formatter(dates.ConciseDateFormatter(locator, tz="UTC"))
        ax.set_xlim(self.low, self.high)

    def masses(self, shares: np.ndarray, edges: np.ndarray) -> np.ndarray:
        """Mass between the edges, open intervals taken as evenly filled.

        Parameters
        ----------
        shares : ndarray of shape (n_points,)
            At or below each of `values`.
        edges : ndarray of shape (n_bins + 1,)
        """
        after = np.searchsorted(self.values, edges, side="right")
        before = np.clip(after - 1, 0, len(self.values) - 1)
        after = np.clip(after, 0, len(self.values) - 1)
        width = self.values[after] - self.values[before]
        part = (edges - self.values[before]) / np.where(width > 0, width, 1.0)
        inside = np.clip(np.where(width > 0, part, 0.0), 0.0, 1.0)
        at = shares[before] + inside * (shares[after] - shares[before])
        at = np.where(edges < self.values[0], 0.0, at)
        mass: np.ndarray = np.diff(at)
        return mass


def scale_of(shown: Distributions, kind: str) -> Scale:
    """Axis that shows both samples, without values that are far from all others."""
    dates = kind == "datetime" and shown.aspect == "value"
    values = np.clip(shown.values, _FIRST_DAY, _LAST_DAY) if dates else shown.values
    values = values / _DAY if dates else values
    notes = []
    largest = float(np.abs(values).max())
    if largest > _HUGE:
        exponent = int(np.floor(np.log10(largest)))
        values = values / 10.0**exponent
        notes.append(f"values in units of 1e{exponent}")
    low, high = _view(values, shown)
    if (low > values[0] or high < values[-1]) and not dates:
        notes.append(
            f"not shown: values beyond {number(low)} … {number(high)}, which reach"
            f" from {number(float(values[0]))} to {number(float(values[-1]))}"
        )
    elif low > values[0] or high < values[-1]:
        notes.append("not shown: times that are far from all others")
    margin = _MARGIN * (high - low)
    if not margin > 0:
        margin = max(0.5, 0.001 * abs(low))
    low, high = low - margin, high + margin
    if dates:
        low, high = max(low, _FIRST_DAY / _DAY), min(high, _LAST_DAY / _DAY)
    return Scale(
        values=values,
        low=low,
        high=high,
        dates=dates,
        notes=tuple(notes),
    )


def _view(values: np.ndarray, shown: Distributions) -> tuple[float, float]:
    centre = [
        values[min(int(np.searchsorted(shares, share)), len(values) - 1)]
        for shares in (shown.reference, shown.current)
        if np.isfinite(shares).all()
        for share in _CENTRE
    ]
    low, high = float(values[0]), float(values[-1])
    if not centre:
        return low, high
    inner, outer = float(min(centre)), float(max(centre))
    width = outer - inner
    if not 0 < width < (high - low) / _WIDEST:
        return low, high
    return max(low, inner - _BESIDE * width), min(high, outer + _BESIDE * width)
