"""Stored form of a record: plain numbers, read back with every rule checked."""

from __future__ import annotations

import json
import math
from typing import Any, Literal

from skdrift.exceptions import FormatError
from skdrift.monitor._losses import check_loss
from skdrift.profile._stored import (
    DAMAGE,
    check_format,
    damaged,
    floats,
    number,
    one_of,
    whole,
)
from skdrift.stats.sequential import Evidence

TimeKind = Literal["", "number", "datetime", "datetime with zone"]
TIME_KINDS: tuple[TimeKind, ...] = ("", "number", "datetime", "datetime with zone")

FORMAT = 1
_WHAT = "record of a risk"
_REMEDY = "pass what to_dict() or to_json() returned"
_MOST_BETS = 100


def packed(record: Any) -> dict[str, Any]:
    """Plain form of a record."""
    evidence = record.evidence
    return {
        "format": FORMAT,
        "risk_bound": record.risk_bound,
        "expected_loss": _plain(record.expected_loss),
        "alpha": record.alpha,
        "run_length": record.run_length,
        "log_limit": record.log_limit,
        "bets": list(record.bets),
        "loss": record.loss,
        "block_rows": record.block_rows,
        "n_rows": record.n_rows,
        "n_labelled": record.n_labelled,
        "mean_loss": _plain(record.mean_loss),
        "open_rows": record.open_rows,
        "open_loss": record.open_loss,
        "alarm_row": record.alarm_row,
        "since_row": record.since_row,
        "time_kind": record.time_kind,
        "alarm_stamp": _plain(record.alarm_stamp),
        "since_stamp": _plain(record.since_stamp),
        "low_stamps": [_plain(stamp) for stamp in record.low_stamps],
        "n_losses": evidence.n_losses,
        "log_wealth": [_plain(value) for value in evidence.log_wealth],
        "rises": list(evidence.rises),
        "since": list(evidence.since),
    }


def _plain(value: float) -> float | str | None:
    """JSON has no NaN and no infinity."""
    if math.isnan(value):
        return None
    return "-inf" if value == -math.inf else value


def parsed(text: str | bytes) -> Any:
    """What a JSON text holds.

    Raises
    ------
    FormatError
    """
    try:
        return json.loads(text, parse_constant=_refused)
    except (ValueError, TypeError, RecursionError) as error:
        raise FormatError(
            f"the stored {_WHAT} is not valid JSON ({str(error)[:200]}); {_REMEDY}"
        ) from error


def _refused(constant: str) -> float:
    raise ValueError(f"{constant} is no JSON")


def unpacked(stored: Any) -> dict[str, Any]:
    """Fields of the record that was stored.

    Raises
    ------
    FormatError
    """
    check_format(stored, _WHAT, FORMAT)
    try:
        return _fields(stored)
    except DAMAGE as error:
        raise damaged(_WHAT, error, _REMEDY) from error


def _fields(stored: dict[str, Any]) -> dict[str, Any]:
    n_bets = len(stored["bets"])
    _require(0 < n_bets <= _MOST_BETS, "there are no bets, or too many")
    n_rows = whole(stored["n_rows"])
    n_labelled = whole(stored["n_labelled"], most=n_rows)
    block_rows = whole(stored["block_rows"], least=1)
    n_losses = whole(stored["n_losses"], most=n_labelled)
    open_rows = whole(stored["open_rows"], most=block_rows - 1)
    _require(
        n_losses * block_rows + open_rows == n_labelled,
        "the blocks and the rows with a label do not agree",
    )
    alarm_row = whole(stored["alarm_row"], most=n_rows)
    run_length = stored["run_length"]
    wealth = floats(stored["log_wealth"], n_bets)
    rises = floats(stored["rises"], n_bets)
    _require(
        not any(map(math.isnan, wealth)) and max(wealth) < math.inf,
        "a bet has no number for what it won",
    )
    _require(all(0 <= rise < math.inf for rise in rises), "a bet has no rise")
    risk_bound = _above_zero(stored["risk_bound"])
    bets = tuple(map(_above_zero, stored["bets"]))
    _require(max(bets) * risk_bound < 1, "a bet is larger than 1 / risk_bound")
    mean_loss = _or_nan(stored["mean_loss"])
    _require(
        mean_loss >= 0 or (math.isnan(mean_loss) and not n_labelled),
        "the mean loss is not that of losses",
    )
    open_loss = number(stored["open_loss"])
    _require(open_loss >= 0, "a mean loss is negative")
    alpha = _above_zero(stored["alpha"])
    _require(alpha < 1, "alpha is not below 1")
    return {
        "risk_bound": risk_bound,
        "expected_loss": _or_nan(stored["expected_loss"]),
        "alpha": alpha,
        "run_length": None if run_length is None else _above_zero(run_length),
        "log_limit": _above_zero(stored["log_limit"]),
        "bets": bets,
        "loss": check_loss(stored["loss"]),
        "block_rows": block_rows,
        "n_rows": n_rows,
        "n_labelled": n_labelled,
        "mean_loss": mean_loss,
        "open_rows": open_rows,
        "open_loss": open_loss,
        "alarm_row": alarm_row,
        "since_row": whole(stored["since_row"], most=max(alarm_row - 1, 0)),
        "time_kind": one_of(stored["time_kind"], *TIME_KINDS),
        "alarm_stamp": _or_nan(stored["alarm_stamp"]),
        "since_stamp": _or_nan(stored["since_stamp"]),
        "low_stamps": tuple(map(_or_nan, _listed(stored["low_stamps"], n_bets))),
        "evidence": Evidence(
            n_losses=n_losses,
            log_wealth=tuple(wealth.tolist()),
            rises=tuple(rises.tolist()),
            since=tuple(
                whole(row, most=n_rows) for row in _listed(stored["since"], n_bets)
            ),
        ),
    }


def _listed(values: Any, length: int) -> list[Any]:
    _require(isinstance(values, list | tuple) and len(values) == length, "too few bets")
    return list(values)


def _require(holds: bool, message: str) -> None:
    if not holds:
        raise ValueError(message)


def _above_zero(value: Any) -> float:
    found = number(value)
    _require(found > 0, f"{found} is not above 0")
    return found


def _or_nan(value: Any) -> float:
    return math.nan if value is None else number(value)
