"""
A week is not a sample of hours
===============================

Gas sensors in an Italian city, one row an hour for a year. Hours of one week are alike:
the same weather, the same traffic. A test that takes 168 hours for 168 independent rows
therefore alarms on any week, and soon nobody listens. Here the reference is whole weeks
drawn at random, further weeks of the same draw are clean by construction, and one of
them gets a sensor fault. Who alarms when?
"""

# %%
# Weeks of training, and further weeks
# ------------------------------------
# A quarter of the weeks is set aside at random. They are from the same year and the
# same sensors as training: whoever alarms on them cries wolf.

import matplotlib.pyplot as plt
import numpy as np
from scipy.stats import ks_2samp
from sklearn.ensemble import HistGradientBoostingRegressor

from skdrift import DriftAwareEstimator, ShiftDisplay
from skdrift.datasets import load_air_quality

air = load_air_quality(as_frame=True)
X = air.data.replace(-200, np.nan)  # the mark of the source for "not measured"
week = np.arange(len(X)) // 168
measured = ((air.target != -200) & (week < 55)).to_numpy()  # the last week is not whole
X, y, week = X[measured], air.target[measured], week[measured]

rng = np.random.default_rng(0)
further = np.sort(rng.choice(55, 14, replace=False))
train = ~np.isin(week, further)
print(f"{len(np.unique(week[train]))} weeks of training, {len(further)} further ones")

# %%
# What tests of rows say
# ----------------------
# The textbook: a Kolmogorov–Smirnov test for each column, and Bonferroni's correction,
# at a level of 5 % for the whole week.

alpha = 0.05


def alarmed_columns(batch):
    """Columns of which the Kolmogorov–Smirnov test rejects."""
    pvalues = {
        name: ks_2samp(X[name][train].dropna(), batch[name].dropna()).pvalue
        for name in X.columns
        if batch[name].notna().any()
    }
    return [name for name, pvalue in pvalues.items() if pvalue <= alpha / len(pvalues)]


textbook = {w: alarmed_columns(X[week == w]) for w in further}
n_alarms = sum(bool(columns) for columns in textbook.values())
n_columns = np.mean([len(columns) for columns in textbook.values()])
print(f"alarms in {n_alarms} of {len(further)} clean weeks")
print(f"columns that alarm in a week, of {X.shape[1]}: {n_columns:.1f} on average")

# %%
# What skdrift says
# -----------------
# With ``blocks="auto"`` and the week of each row as `groups`, `fit` finds that weeks
# differ more than as many independent rows would, and keeps a summary of each. A batch
# is then ranked among weeks.

model = DriftAwareEstimator(
    HistGradientBoostingRegressor(max_iter=50, random_state=0),
    cv=None,
    alpha=alpha,
    blocks="auto",
).fit(X[train], y[train], groups=week[train])
print(model.baseline_.notes[0])

reports = {w: model.check(X[week == w], groups=week[week == w]) for w in further}
n_alarms = sum(not report.ok for report in reports.values())
print(f"alarms in {n_alarms} of {len(further)} clean weeks")

# %%
# Is the promise one? By rank, a level of 5 % takes 19 weeks of training or more.

blocks = reports[further[0]].blocks
print(f"{blocks.n_reference} weeks; promised: {blocks.promised}")

# %%
# A fault
# -------
# Silence is cheap. A new firmware sends the temperature in Fahrenheit: in each of the
# further weeks the values are those of before, in another unit, and nothing else
# changes. Is that more than what weeks differ by?


def in_fahrenheit(batch):
    """The same rows with the temperature in another unit."""
    return batch.assign(T=1.8 * batch["T"] + 32)


faults = {
    w: model.check(in_fahrenheit(X[week == w]), groups=week[week == w]) for w in further
}
n_faults = sum(
    any("T" in alarm.features for alarm in report.alarms) for report in faults.values()
)
print(f"the fault is found in {n_faults} of {len(further)} weeks")

# %%
# In summer no training week was as hot as 90. The cold weeks are the hard ones: their
# 50 degrees Fahrenheit could nearly be a summer's Celsius, and 41 weeks do not tell.
# The week in the middle of the further ones is told.

middle = sorted(further, key=lambda w: X["T"][week == w].median())[len(further) // 2]
mild = X[week == middle]
for alarm in faults[middle].alarms:
    print(alarm.code, *alarm.features, f"p = {alarm.pvalue:.3f}")

# %%
# The picture
# -----------
# The blue curve is training, the dashed one the batch. A test of rows asks if they are
# further apart than chance allows independent rows, and they always are. The band is
# what weeks of training look like: nine of ten lie within it, at each value. The
# further week is an ordinary one. The same week in Fahrenheit lies beyond the range of
# training, and that, not the distance, is the alarm.

figure, (above, below) = plt.subplots(2, 1, figsize=(7.5, 8), layout="constrained")
ShiftDisplay.from_estimator(
    model, mild, feature="T", groups=week[week == middle], ax=above, name="further week"
)
ShiftDisplay.from_estimator(
    model,
    in_fahrenheit(mild),
    feature="T",
    groups=week[week == middle],
    ax=below,
    name="in Fahrenheit",
)
plt.show()

# %%
# What it costs
# -------------
# Weeks of one year differ much, so a change that is small beside these differences is
# not seen, however certain it would be for independent rows.

half = 0.5 * X["T"][train].std()
warmer = {w: X[week == w].assign(T=X["T"][week == w] + half) for w in further}
n_found = sum(
    not model.check(batch, groups=week[week == w]).ok for w, batch in warmer.items()
)
print(f"warmer by {half:.1f} °C: found in {n_found} of {len(further)} weeks")

# %%
# No alarm is therefore not "nothing moved". The report has a word for it.

row = next(row for row in reports[middle].features if row.feature == "T")
print(f"{row.feature} in that week: {row.outcome}; {row.reason}")
