"""The story of the example of concept drift is true: the numbers that it is about."""

from __future__ import annotations

import numpy as np
import pytest


def test_the_terms_of_every_bar_sum_to_the_change(told):
    for found in told["parts"]:
        total = sum(term.value for term in found.terms)
        assert total == pytest.approx(found.realised - found.promised)


def test_the_worst_weeks_have_easier_rows_and_concept_drift(told):
    worst = told["worst"]
    assert worst.covariate.low > 0.0
    assert worst.concept.high < 0.0
    assert worst.concept.value < worst.change.value
    found = [one.segment is not None for one in told["parts"]]
    assert np.mean(np.array(found)[told["certain"]]) > 0.5


def test_the_drift_begins_with_the_wider_market(told):
    concept = np.array([found.concept.value for found in told["parts"]])
    before = told["starts"] + told["four_weeks"] <= told["widened"]
    assert concept[before].min() > -0.15
    year = ~before & (told["place"] < before.sum() + 13)
    assert np.mean([told["certain"][k] for k in np.flatnonzero(year)]) >= 0.8


def test_the_market_was_constant_in_training(told):
    assert "vicprice, vicdemand, transfer" in told["worst"].notes[-1]
