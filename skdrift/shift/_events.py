"""Events that are rare in training: missing, infinite, out of range, unseen."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from skdrift.profile._cells import LevelCells, NumberCells
from skdrift.profile._profile import Profile
from skdrift.stats import out_of_range, rate_change, unseen
from skdrift.stats.counts import FloatArray

SMALL_ABSOLUTE = 0.0005


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One kind of event in one column, tested.

    Attributes
    ----------
    code : str
        ``"DA401"`` missing, ``"DA402"`` unseen, ``"DA403"`` out of range or
        ``"DA404"`` infinite.
    position : int
        Of the column.
    pvalue, smallest : float
        The p-value, and the smallest one that the pooled counts leave possible.
    difference, low, high : float
        Share of rows beyond what is natural, with its interval.
    sign : int
        1 where the event became more frequent (out of range: above), -1 less.
    counts : tuple of int
        Events in the reference and in the batch.
    expected : float
        Events in the batch that would be natural.
    """

    code: str
    position: int
    pvalue: float
    smallest: float
    difference: float
    low: float
    high: float
    sign: int
    counts: tuple[int, int]
    expected: float


def events_of(
    reference: Profile,
    current: Profile,
    *,
    min_effect: float,
    tolerance: FloatArray,
) -> list[Event]:
    """Test every kind of event in every column that was read.

    A column whose `tolerance`, of shape (n_features,), is above `min_effect` may leave
    the range and the categories of training by so much: a change of a distance has
    no more mass there. Missing and infinite values are not part of that distance.
    """
    return [
        *_rate_events("DA401", reference, current, min_effect),
        *_rate_events("DA404", reference, current, min_effect),
        *_range_events(reference, current, min_effect, tolerance),
        *_unseen_events(reference, current, min_effect, tolerance),
    ]


def _rate_events(
    code: str, reference: Profile, current: Profile, tolerance: float
) -> list[Event]:
    if code == "DA401":
        before, now = reference.n_missing, current.n_missing
    else:
        before = reference.n_negative_infinite + reference.n_positive_infinite
        now = current.n_negative_infinite + current.n_positive_infinite
    test = rate_change(
        before, reference.n_read, now, current.n_read, tolerance=tolerance
    )
    positions = np.flatnonzero((before + now > 0) & (current.n_read > 0))
    return [
        Event(
            code=code,
            position=position,
            pvalue=float(test.pvalue[position]),
            smallest=float(test.smallest[position]),
            difference=float(test.difference[position]),
            low=float(test.low[position]),
            high=float(test.high[position]),
            sign=int(test.direction[position]),
            counts=(int(before[position]), int(now[position])),
            expected=float(
                before[position] / reference.n_read[position] * current.n_read[position]
            ),
        )
        for position in positions.tolist()
    ]


def _range_events(
    reference: Profile, current: Profile, min_effect: float, tolerance: FloatArray
) -> list[Event]:
    places = [
        place
        for place, cells in enumerate(reference.grid.cells)
        if isinstance(cells, NumberCells)
        and cells.aspect == "value"
        and not reference.grid.untested[cells.feature]
        and current.counts[place].any()
    ]
    if not places:
        return []
    before = [reference.counts[place] for place in places]
    now = [current.counts[place] for place in places]
    below = np.array([counts[0] for counts in now])
    above = np.array([counts[-1] for counts in now])
    n = np.array([counts.sum() for counts in before])
    m = np.array([counts.sum() for counts in now])
    ties = np.array(
        [(a[1] + b[1], a[-2] + b[-2]) for a, b in zip(before, now, strict=True)]
    )
    own = tolerance[[reference.grid.cells[place].feature for place in places]]
    test = out_of_range(
        below,
        above,
        n,
        m,
        ties_below=ties[:, 0],
        ties_above=ties[:, 1],
        tolerance=own,
        small_absolute=np.where(own > min_effect, own, SMALL_ABSOLUTE),
    )
    return [
        Event(
            code="DA403",
            position=reference.grid.cells[place].feature,
            pvalue=float(test.pvalue[row]),
            smallest=float(test.smallest[row]),
            difference=float(test.difference[row]),
            low=float(test.low[row]),
            high=float(test.high[row]),
            sign=int(test.direction[row]),
            counts=(0, int(below[row] + above[row])),
            expected=float(2 * m[row] / (n[row] + 1)),
        )
        for row, place in enumerate(places)
    ]


def _unseen_events(
    reference: Profile, current: Profile, min_effect: float, tolerance: FloatArray
) -> list[Event]:
    events = []
    for place, cells in enumerate(reference.grid.cells):
        if not isinstance(cells, LevelCells) or cells.pooled:
            continue
        now = current.counts[place]
        if not now.any():
            continue
        new = np.array(list(current.unseen[place].values()), dtype=np.int64)
        own = float(tolerance[cells.feature])
        test = unseen(
            np.concatenate([reference.counts[place][:-1], np.zeros_like(new)]),
            np.concatenate([now[:-1], new]),
            tolerance=own,
            small_absolute=own if own > min_effect else SMALL_ABSOLUTE,
        )
        events.append(
            Event(
                code="DA402",
                position=cells.feature,
                pvalue=float(test.pvalue),
                smallest=float(test.smallest),
                difference=float(test.rate),
                low=float(test.low),
                high=float(test.high),
                sign=1,
                counts=(0, int(now[-1])),
                expected=float(test.expected),
            )
        )
    return events
