"""
The market changed, not the hours
=================================

Half-hourly prices of electricity in New South Wales, 1996 to 1998: will the price be
above its mean of the last day? A model of the first seven months is right in four of
five half hours, then in fewer and fewer. Are the new half hours harder, are they of a
kind that training never had, or is the answer another one for the same columns?
`decompose` takes each loss of accuracy apart.
"""

# %%
# A model of the first months
# ---------------------------
# The record is Harries' Elec2 in the form of Gama et al. (2004), as OpenML has it under
# the name "electricity"; its copy lies beside the tests of skdrift.

from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from sklearn.ensemble import HistGradientBoostingClassifier

from skdrift import DriftAwareEstimator

# The gallery of the documentation runs this in its folder, without a name.
here = Path(__file__).resolve().parent if "__file__" in globals() else Path.cwd()
folder = here.parent / "tests" / "statistical" / "data"
X = pd.read_csv(folder / "electricity_elec2.csv.gz")
y = X.pop("class")
n_train, four_weeks = 10_000, 28 * 48

model = DriftAwareEstimator(
    HistGradientBoostingClassifier(random_state=0), scoring="accuracy"
).fit(X[:n_train], y[:n_train])
print(model.baseline_.notes[0])

# %%
# Half hours depend on their neighbours. The folds of the pass are therefore pieces of
# the record, and so are the rows that every interval below counts.
#
# Four weeks after the other
# --------------------------
# Each time the labels have come. The three terms sum to the change of the score.

starts = np.arange(n_train, len(X) - four_weeks + 1, four_weeks)
parts = [
    model.decompose(X[start : start + four_weeks], y[start : start + four_weeks])
    for start in starts
]
worst = min(parts, key=lambda found: found.realised)
print(worst)

# %%
# The rows of these four weeks are easier than those of training: their columns are such
# that the model was seldom wrong with them, and it should have gained accuracy. Instead
# it lost most of it, on the same kind of rows. That is concept drift.
#
# The picture
# -----------
# Each bar is the change of four weeks: what the rows themselves would make of the
# score in blue, what P(y|X) takes away in red, what rows outside of training add in
# grey. The line is the sum of them, the change that a look at the score alone would
# show. Whiskers are the intervals of the red part.

widened = 17_424  # from here on vicprice, vicdemand and transfer are not constant
place = np.arange(len(starts))
figure, axes = plt.subplots(figsize=(8.5, 4.5), layout="constrained")
above, below = np.zeros(len(parts)), np.zeros(len(parts))
for name, color, words in (
    ("covariate", "tab:blue", "covariate: harder or easier x"),
    ("concept", "tab:red", "concept: another P(y|X)"),
    ("new_x", "tab:grey", "new x"),
):
    value = np.array([getattr(found, name).value for found in parts])
    base = np.where(value > 0, above, below)
    axes.bar(place, value, bottom=base, color=color, alpha=0.75, label=words)
    if name == "concept":
        ends = np.array([(found.concept.low, found.concept.high) for found in parts])
        axes.vlines(place, base + ends[:, 0], base + ends[:, 1], color="black", lw=0.8)
    above, below = above + np.maximum(value, 0), below + np.minimum(value, 0)
change = [found.change.value for found in parts]
axes.plot(place, change, "o-", color="black", ms=4, label="change of the accuracy")
axes.axhline(0.0, color="black", lw=0.8)
axes.axvline((widened - n_train) / four_weeks - 0.5, color="black", ls=":")
axes.annotate(
    "the market is widened",
    ((widened - n_train) / four_weeks - 0.4, 0.97),
    xycoords=("data", "axes fraction"),
    va="top",
)
axes.set(xlabel="four weeks after training", ylabel="change of the accuracy")
axes.legend(loc="lower left", fontsize="small")
plt.show()

# %%
# Before the market is widened the red part is mostly small. Afterwards it is far below
# zero for a year, while the blue one says that all should be well: whatever looks at
# the columns alone, and an estimate of the score without labels too, would have called
# these months good. The change of the score itself shows but a part of the drift, since
# the easier rows make up for some of it.

certain = np.array([found.concept.high < 0 for found in parts])
print(f"concept drift costs accuracy for certain in {certain.sum()} of {len(parts)}")

# %%
# Where?
# ------
# A rule that was found on one half of the rows, and holds on the other.

for start, found in zip(starts[certain], np.array(parts)[certain], strict=True):
    print(f"rows from {start:,}: {found.segment or 'no rule is certain'}")

# %%
# Where no rule is certain there is none. Columns that were constant in training cannot
# be asked by the model, and the result says that they are no part of x: a market that
# opens is, for this model, another P(y|X). The cure is a new model that has seen it,
# not more rows of the old kind.

print(worst.notes[-1])
