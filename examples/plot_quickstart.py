"""
Is last year's model still good?
================================

A model of hourly bicycle rentals is trained on 2011, saved, loaded, and met by 2012.
skdrift says for every month what moved, and whether the score is still the one that
cross-validation promised. It has to tell two things apart that look alike in a
dashboard: seasons, which move the columns and are no fault, and demand, which grew and
moves no column at all.

``python -m skdrift demo`` prints the same story in a terminal.
"""

# %%
# Train and save
# --------------
# The wrapper goes around any scikit-learn estimator. Beside fitting it, `fit` runs one
# cross-validation pass for the score to expect, and counts what the columns look like.
# For a regressor ``cv=5`` means five stretches of the year, each left out once: with
# rows in the order of time that is more honest than shuffled folds. That hours are like
# the hours before them is found by `fit` itself.

import tempfile
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.frozen import FrozenEstimator

import skdrift
from skdrift import DriftAwareEstimator
from skdrift.datasets import load_bike_sharing

bikes = load_bike_sharing(as_frame=True)
codes = ["season", "mnth", "hr", "holiday", "weekday", "workingday", "weathersit"]

model = DriftAwareEstimator(
    HistGradientBoostingRegressor(random_state=0),
    cv=5,
    scoring="neg_mean_absolute_error",
    categorical_features=codes,
).fit(bikes.data[bikes.train], bikes.target[bikes.train])

# %%
# The baseline travels inside the model. skops builds no type that is not trusted, and
# the trees of this model are one that it asks for by name.

with tempfile.TemporaryDirectory() as folder:
    path = Path(folder, "bikes.skops")
    skdrift.dump(model, path)
    print(f"{path.stat().st_size / 1000:.0f} kB")
    model = skdrift.load(
        path,
        trusted=["sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor"],
    )

# %%
# The first month
# ---------------
# `predict` returns what the bare model returns, and warns once if the input is not like
# training: of January it does not.

month = bikes.time.dt.strftime("%Y-%m")
january = month == "2012-01"
y_pred = model.predict(bikes.data[january])

# %%
# `check` says more. Once the labels have arrived it also says whether the score came
# true.

print(model.check(bikes.data[january], bikes.target[january]))

# %%
# All months
# ----------
# What to keep of each report: the promised error with its interval, and the realised
# one.

new = sorted(month[~bikes.train].unique())
reports = {
    name: model.check(bikes.data[month == name], bikes.target[month == name])
    for name in new
}
scores = [
    report.expected_score["neg_mean_absolute_error"] for report in reports.values()
]
promised = -np.array([score.value for score in scores])
low = -np.array([score.high for score in scores])
high = -np.array([score.low for score in scores])
realised = -np.array([score.realised for score in scores])
fallen = np.array([bool(report.by_code("DA201")) for report in reports.values()])

# %%
# Is it the growth of demand? One factor for each month, put on the predictions, shows
# how much of the error is left without it.

model.set_params(on_shift="ignore", on_invalid="ignore")  # the reports have it all
scaled = []
for name in new:
    y, y_pred = bikes.target[month == name], model.predict(bikes.data[month == name])
    scaled.append(np.abs(y - y_pred * y.sum() / y_pred.sum()).mean())

# %%
# And the columns? For comparison, a test that takes hours as independent, of the months
# of both years, those of 2011 against their own year, which holds them. A
# `FrozenEstimator` is not fitted again.

by_rows = DriftAwareEstimator(
    FrozenEstimator(model.estimator_), cv=None, blocks=None, categorical_features=codes
).fit(bikes.data[bikes.train], bikes.target[bikes.train])


def alarmed_columns(checked: DriftAwareEstimator, name: str) -> set[str]:
    alarms = checked.check(bikes.data[month == name]).alarms
    # DA104 and DA107 are of several columns, none of which alarms by itself
    alone = [alarm for alarm in alarms if alarm.code not in ("DA104", "DA107")]
    return {feature for alarm in alone for feature in alarm.features}


old = sorted(month[bikes.train].unique())
alarmed = {name: alarmed_columns(model, name) for name in old + new}
alarmed_by_rows = {name: alarmed_columns(by_rows, name) for name in old + new}
for title, found in (("blocks", alarmed), ("rows", alarmed_by_rows)):
    n_old, n_new = (sum(bool(found[name]) for name in names) for names in (old, new))
    print(f"counting {title}: columns alarm in {n_old} months of 2011, {n_new} of 2012")

# %%
# The picture
# -----------

blue, vermillion, grey = "#0072B2", "#D55E00", "0.4"  # of Okabe and Ito
x = np.arange(24)
figure, (above, below) = plt.subplots(
    2, 1, sharex=True, figsize=(8.5, 6.6), height_ratios=[3, 2.4], layout="constrained"
)

above.fill_between(x[12:], low, high, color=blue, alpha=0.25, lw=0)
above.plot(
    x[12:], promised, color=blue, label="promised by cross-validation,\n95 % interval"
)
above.plot(
    x[12:],
    scaled,
    color=grey,
    ls="--",
    label="realised, if predictions are\nscaled for growth",
)
above.plot(x[12:], realised, color="black", lw=1, label="realised")
above.plot(x[12:][~fallen], realised[~fallen], "o", color="black")
above.plot(
    x[12:][fallen], realised[fallen], "^", color=vermillion, ms=9, label="alarm: DA201"
)
above.set(ylabel="mean absolute error\n(rentals an hour)", ylim=(0, 120))
above.set_title("The score: every month of 2012 breaks the promise", loc="left")
above.legend(loc="center left", frameon=False)

features = sorted(
    bikes.feature_names,
    key=lambda name: sum(name in found for found in alarmed_by_rows.values()),
)
below.plot([], [], "s", color=vermillion, ms=7, label="alarm")
below.plot([], [], "s", color="none", mec=grey, ms=6, label="only if rows count")
for place, feature in enumerate(features):
    moved, thought = (
        np.array([feature in found[name] for name in old + new])
        for found in (alarmed, alarmed_by_rows)
    )
    y = np.full(24, place)
    below.plot(x[moved], y[moved], "s", color=vermillion, ms=7)
    rest = thought & ~moved
    below.plot(x[rest], y[rest], "s", color="none", mec=grey, ms=6)
    below.plot(x[~moved & ~thought], y[~moved & ~thought], ".", color=grey, ms=3)
below.set_yticks(range(len(features)), features)
below.legend(loc="lower right", ncols=2, bbox_to_anchor=(1.0, 1.0), frameon=False)
ticks = [name[5:] for name in old + new]
ticks[5] += "\n2011 (training)"
ticks[17] += "\n2012"
below.set_xticks(x, ticks)
below.set(xlabel="month", ylabel="column")
below.set_title("The columns: seasons", loc="left")
for axes in (above, below):
    axes.axvline(11.5, color="black", lw=0.8, ls=":")
plt.show()

# %%
# Two kinds of drift
# ------------------
# **The columns move because a month is not a year.** The calendar and the weather of a
# month are not those of twelve. That is true and no fault, and it says nothing about
# 2012: counted by rows the months of 2011 alarm just so. Counted by blocks they do not,
# since other parts of the year are as far from the whole.
#
# **The score fell because demand grew.** The same hours in the same weather had far
# more rentals; with one factor a month most of the excess error is gone. No column
# shows such a change. It is one of the target given the columns, concept drift, and
# only labels tell.

grown = bikes.target[~bikes.train].mean() / bikes.target[bikes.train].mean()
print(f"mean rentals an hour, 2012 over 2011: {grown:.2f}")

# %%
# Neither is it deaf. A humidity that was divided by 100 once too often is further off
# than any part of the year.

broken = bikes.data[january].assign(hum=bikes.data.loc[january, "hum"] / 100)
for alarm in model.check(broken).alarms:
    print(alarm.code, *alarm.features, f"{alarm.effect_name} {alarm.effect_size:.3g}")
