"""
What score to expect before the labels come
===========================================

Labels come late. Until then there are two answers to "how good is the model now": what
cross-validation promised, which is one number for all times, and what `estimate_score`
makes of the rows that have come in. `PerformanceDisplay` draws both beside what came
true. On bicycle rentals, one picture shows what the estimate cannot see, the next one
what it is good for, and the last one when it says itself not to rely on it.
"""

# %%
# A model of last year
# --------------------
# Hourly rentals of 2011 from the calendar and the weather. The cross-validation pass of
# `fit` gives the score to expect, and its held-out answers teach how large the errors
# are given the columns.

import matplotlib.pyplot as plt
import numpy as np
from sklearn.ensemble import HistGradientBoostingRegressor

from skdrift import DriftAwareEstimator, PerformanceDisplay
from skdrift.datasets import load_bike_sharing

bikes = load_bike_sharing(as_frame=True)
X, y, time = bikes.data, bikes.target, bikes.time
codes = ["season", "mnth", "hr", "holiday", "weekday", "workingday", "weathersit"]


def wrapped():
    return DriftAwareEstimator(
        HistGradientBoostingRegressor(random_state=0),
        cv=5,
        scoring="neg_mean_absolute_error",
        categorical_features=codes,
    )


model = wrapped().fit(X[bikes.train], y[bikes.train])

# %%
# What the estimate cannot see
# ----------------------------
# The months of 2012. The band is what cross-validation promises for a month. The
# diamonds are estimated without labels, the line is what came true when they arrived. A
# triangle is worse than the band, a ring is worse than the interval of the estimate.

new = ~bikes.train
month = time[new].dt.to_period("M").rename("month")
by_month = PerformanceDisplay.from_estimator(model, X[new], y[new], by=month)
plt.show()

# %%
# The diamonds do not move with the errors at all. They know that winter is easier,
# since errors were small in the cold hours of 2011, and they say no more than that:
# where the rows lie, the model was good. In 2012 demand grew, so that the same hour in
# the same weather had far more rentals. No column shows it. This is concept drift,
# every estimate without labels is blind to it, and the line below the axis says so.

means = (by_month.promised, by_month.estimated, by_month.realised)
promised, estimated, realised = (-np.mean(values) for values in means)
print(f"mean error of a month: promised {promised:.0f}, estimated {estimated:.0f}")
print(f"realised: {realised:.0f} rentals an hour")

# %%
# With the labels of January `check(X, y)` alarms, and rightly. A triangle with a ring
# reads: the promise is broken, and the rows that came in do not explain it.

# %%
# What the estimate is good for
# -----------------------------
# Now the opposite: y given X stays, and the rows differ. A quarter of the weeks of both
# years is set aside at random, so that growth is in training, too, and the rows set
# aside are looked at hour by hour.

week = np.arange(len(X)) // 168
rng = np.random.default_rng(0)
aside = np.isin(week, rng.choice(week.max() + 1, week.max() // 4, replace=False))
both_years = wrapped().fit(X[~aside], y[~aside], groups=week[~aside])

by_hour = PerformanceDisplay.from_estimator(
    both_years, X[aside], y[aside], by="hr", groups=week[aside]
)
plt.show()

# %%
# The promise is an average over the day, and no hour is an average. Errors are small
# at night and large when people go to work. The estimate follows, without a label: it
# knows these hours from training. A triangle without a ring reads: bad, and as bad as
# was to be expected. That is no news about the model.

inside = (by_hour.estimated_low <= by_hour.realised) & (
    by_hour.realised <= by_hour.estimated_high
)
print(f"hours within the interval of the estimate: {inside.sum()} of {len(inside)}")
for title, guess in (("promise", by_hour.promised), ("estimate", by_hour.estimated)):
    print(f"{title} is off by {np.abs(guess - by_hour.realised).mean():.0f} on average")

# %%
# A few hours of the rush are worse than their intervals, more than one in 20: the hours
# come from the same few weeks, and err together.

# %%
# When not to rely on it
# ----------------------
# An estimate needs rows of training to speak for a batch. In July somebody sends the
# humidity divided by 100. Hardly any hour of training was as dry as that, so the
# estimate extrapolates. It is drawn hollow, its interval grows, and nobody should quote
# the number. There are no labels yet.

broken = X[new].copy()
july = (month == "2012-07").to_numpy()
broken.loc[july, "hum"] /= 100
faulty = PerformanceDisplay.from_estimator(
    model, broken, by=month, name="humidity broken in July"
)
plt.show()

# %%
# The note of the estimate says why, and `check` says which column it is.

print(*model.estimate_score(broken[july]).notes[0].split(": "), sep=":\n")
for alarm in model.check(broken[july]).alarms[:1]:
    print(alarm.code, *alarm.features)

# %%
# Three questions, then, and none of the answers replaces another: are the columns like
# training (`check` without labels), what error do such rows have (`estimate_score`),
# and is y given X still the same? The last one only labels answer.
