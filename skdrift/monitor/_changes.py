"""What further losses change in a record."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from skdrift._core.times import array_times
from skdrift.exceptions import ParameterError
from skdrift.monitor._averaging import fill_blocks, joint_mean
from skdrift.monitor._stored_risk import TIME_KINDS, TimeKind
from skdrift.profile._stored import one_of
from skdrift.stats.sequential import follow

if TYPE_CHECKING:
    from skdrift.monitor._sequential_risk import SequentialRisk


def changes(record: SequentialRisk, losses: np.ndarray, times: Any) -> dict[str, Any]:
    """Fields that further losses change, NaN for rows without one."""
    stamps, kind = _stamps(record, times, len(losses))
    labelled = np.flatnonzero(~np.isnan(losses))
    values = losses[labelled]
    # Row number of each labelled row, from 1.
    rows = record.n_rows + 1 + labelled
    blocks = fill_blocks(values, record.block_rows, record.open_rows, record.open_loss)
    ends = rows[blocks.ends]
    evidence, _, crossing = follow(
        record.evidence,
        blocks.means,
        ends,
        risk=record.risk_bound,
        bets=np.array(record.bets),
        log_limit=math.inf if record.alarm else record.log_limit,
        restarts=record.run_length is not None,
    )

    def stamp_of(row: int, before: float) -> float:
        at = row - 1 - record.n_rows
        return before if at < 0 else math.nan if stamps is None else float(stamps[at])

    alarm: dict[str, Any] = {}
    if crossing is not None:
        alarm_row, since_row = int(ends[crossing.index]), crossing.since
        before = dict(zip(record.evidence.since, record.low_stamps, strict=True))
        alarm = {
            "alarm_row": alarm_row,
            "since_row": since_row,
            "alarm_stamp": stamp_of(alarm_row, math.nan),
            "since_stamp": stamp_of(since_row, before.get(since_row, math.nan)),
        }
    lows = zip(evidence.since, record.low_stamps, strict=True)
    return {
        "evidence": evidence,
        "n_rows": record.n_rows + len(losses),
        "n_labelled": record.n_labelled + len(values),
        "mean_loss": joint_mean(record.mean_loss, record.n_labelled, values),
        "open_rows": blocks.open_rows,
        "open_loss": blocks.open_loss,
        "time_kind": kind,
        "low_stamps": tuple(stamp_of(row, stamp) for row, stamp in lows),
        **alarm,
    }


def _stamps(
    record: SequentialRisk, times: Any, n_rows: int
) -> tuple[np.ndarray | None, TimeKind]:
    """Times of the rows as numbers, and what they are."""
    if times is None:
        return None, record.time_kind
    if n_rows == 1 and not hasattr(times, "__len__"):
        times = [times]
    found = array_times(times, n_rows)
    kind = one_of(found.kind, *TIME_KINDS)
    if record.time_kind not in ("", kind):
        raise ParameterError(
            f"times must be of one kind, got those of type {kind!r} after "
            f"{record.time_kind!r}"
        )
    return found.values, kind
