"""The story of the example of expected scores is true: the numbers that it is about."""

from __future__ import annotations

import numpy as np


def test_every_month_is_worse_than_promised_and_than_estimated(told):
    display = told["by_month"]
    assert len(display.chunks) == 12
    assert display.below_band_.all()
    assert display.below_estimate_.all()


def test_the_estimates_do_not_see_that_demand_grew(told):
    display = told["by_month"]
    assert (display.estimated > display.promised_low).all()
    assert not display.extrapolates.any()
    assert told["realised"] > 2 * told["estimated"]
    winter = np.isin(display.chunks.astype("M8[M]").astype(int) % 12, [0, 1])
    assert display.estimated[winter].min() > display.estimated[~winter].max()


def test_where_y_given_x_stays_the_estimate_follows_the_hours(told):
    display = told["by_hour"]
    off = {
        name: np.abs(guess - display.realised).mean()
        for name, guess in (
            ("promise", display.promised),
            ("estimate", display.estimated),
        )
    }
    assert off["estimate"] < off["promise"] / 3
    assert told["inside"].sum() >= 20
    below, ringed = display.below_band_, display.below_estimate_
    assert (below & ~ringed).sum() > ringed.sum()


def test_the_broken_month_alone_is_outside_of_training(told):
    display = told["faulty"]
    months = display.chunks.astype("M8[M]").astype(str)
    assert months[display.extrapolates].tolist() == ["2012-07"]
    assert "hum" in told["alarm"].features
