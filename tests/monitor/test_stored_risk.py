"""What is stored of a record goes on where it was, and damage is one kind of error."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skdrift import SequentialRisk
from skdrift.exceptions import FormatError

RNG = np.random.default_rng(0)
LOSSES = (RNG.random(1_000) < 0.2).astype(float)
LATER = np.where(RNG.random(900) < 0.1, np.nan, RNG.random(900) < 0.35)
TIMES = np.datetime64("2026-01-01", "h") + np.arange(900)
FRESH = SequentialRisk.from_losses(LOSSES, block_rows=3)
RECORDS = (
    FRESH,
    FRESH.update(LATER[:100]),
    FRESH.update(LATER, times=TIMES),
    SequentialRisk.from_risk(0.2, run_length=500.0, loss="zero_one"),
    SequentialRisk.from_risk(0.2, run_length=500.0).update(LATER, times=np.arange(900)),
    SequentialRisk.from_risk(3.0, loss="absolute_error").update([np.nan] * 3),
)


@pytest.mark.parametrize("record", RECORDS)
def test_what_is_stored_goes_on_where_it_was(record):
    for stored in (
        SequentialRisk.from_json(record.to_json()),
        SequentialRisk.from_json(record.to_json().encode()),
        SequentialRisk.from_dict(record.to_dict()),
    ):
        assert stored == record
        assert stored.update(LATER) == record.update(LATER)
        assert stored.since_time == record.since_time


def test_a_record_does_not_grow():
    small = len(FRESH.update(LATER[:50]).to_json())
    large = FRESH.update(np.tile(LATER, 300), times=np.tile(TIMES, 300))
    assert len(large.to_json()) < small + 150 < 1_400


@pytest.mark.parametrize(
    "changes",
    [
        {"format": 2},
        {"format": None},
        {"format": True},
        {"risk_bound": 0.0},
        {"risk_bound": None},
        {"risk_bound": "0.2"},
        {"bets": []},
        {"bets": [0.1] * 101},
        {"bets": [0.1, 0.2, 0.3, 0.4, 5.0]},
        {"bets": 3},
        {"alpha": 1.5},
        {"run_length": -1},
        {"log_limit": 0},
        {"loss": "hinge"},
        {"block_rows": 0},
        {"n_rows": -1},
        {"n_rows": 10},
        {"n_labelled": 3},
        {"n_losses": 4},
        {"open_rows": 3},
        {"open_loss": -1.0},
        {"mean_loss": None},
        {"mean_loss": -0.5},
        {"alarm_row": 10**6},
        {"since_row": 10**6},
        {"time_kind": "date"},
        {"alarm_stamp": "x"},
        {"low_stamps": [None]},
        {"log_wealth": [None] * 5},
        {"log_wealth": ["inf"] * 5},
        {"rises": [-1.0] * 5},
        {"since": [0] * 4},
        {"since": [0.5] * 5},
        {"since": None},
    ],
)
def test_damage_is_a_format_error(changes):
    stored = RECORDS[2].to_dict() | changes
    with pytest.raises(FormatError):
        SequentialRisk.from_dict(stored)


@pytest.mark.parametrize("key", FRESH.to_dict())
def test_a_field_that_is_not_there_is_a_format_error(key):
    stored = {name: value for name, value in FRESH.to_dict().items() if name != key}
    with pytest.raises(FormatError):
        SequentialRisk.from_dict(stored)


@pytest.mark.parametrize("text", ["", "[]", "{", "null", b"\xff", "[" * 100_000, None])
def test_what_is_no_json_of_a_record_is_a_format_error(text):
    with pytest.raises(FormatError):
        SequentialRisk.from_json(text)


def test_constants_that_are_no_json_are_refused():
    text = RECORDS[2].to_json()
    wrong = text.replace(json.dumps(RECORDS[2].mean_loss), "NaN")
    assert wrong != text
    with pytest.raises(FormatError, match="NaN"):
        SequentialRisk.from_json(wrong)


PLAIN = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5)


@given(
    st.sampled_from(sorted(FRESH.to_dict())),
    PLAIN | st.lists(PLAIN, max_size=6) | st.dictionaries(st.text(max_size=3), PLAIN),
)
def test_whatever_is_damaged_is_read_or_refused(key, value):
    try:
        record = SequentialRisk.from_dict(RECORDS[2].to_dict() | {key: value})
    except FormatError:
        return
    record.update(LATER)
    assert SequentialRisk.from_json(record.to_json()) == record


def test_a_record_of_format_1_is_read_and_goes_on():
    path = Path(__file__).parent / "data" / "risk_format_1.json"
    record = SequentialRisk.from_json(path.read_bytes())
    assert (record.alarm_row, record.since_row) == (633, 509)
    assert record.since_time == np.datetime64("2026-01-22T04:00:00.000000")
    assert record.open_rows == record.n_labelled % 3
    later = record.reset().update(np.ones(300))
    assert later.alarm_row < 100
