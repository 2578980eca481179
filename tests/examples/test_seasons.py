"""The story of the example of seasons is true: the numbers that it is about."""

from __future__ import annotations

import numpy as np


def test_no_further_week_is_one_of_training(told):
    assert set(told["week"][told["train"]]).isdisjoint(told["further"])


def test_tests_of_rows_alarm_on_every_clean_week(told):
    assert all(told["textbook"].values())


def test_ranks_among_weeks_alarm_on_few_clean_weeks(told):
    # Of 14 weeks at level 0.05, three or more are 3 % by chance.
    assert sum(not report.ok for report in told["reports"].values()) <= 2
    assert told["blocks"].promised


def test_the_fault_is_found_in_all_but_the_cold_weeks(told):
    found = [
        any("T" in alarm.features for alarm in told["faults"][w].alarms)
        for w in told["further"]
    ]
    assert sum(found) == told["n_faults"] >= 10
    celsius = [told["X"]["T"][told["week"] == w].median() for w in told["further"]]
    missed = [degrees for degrees, seen in zip(celsius, found, strict=True) if not seen]
    assert max(missed, default=0.0) < np.median(celsius)
    codes = {alarm.code for alarm in told["faults"][told["middle"]].alarms}
    assert codes & {"DA101", "DA403"}
