"""
A sensor writes -200: repair, refuse, or let it through?
========================================================

Five cheap gas sensors and the weather stand in for an expensive analyser of carbon
monoxide. When the station fails it writes -200 and says nothing. The model has never
seen such a number; it answers all the same. What a guard in front of it makes of these
rows depends on what is left of them: a cell can be repaired from the others, a row
that has lost all of them cannot.
"""

# %%
# Training and what came later
# ----------------------------
# The model is trained on the hours of spring and summer in which everything was
# measured. In 217 of the later hours the station was dead: all eight columns are -200.

import matplotlib.pyplot as plt
import numpy as np
from sklearn.dummy import DummyRegressor
from sklearn.impute import KNNImputer
from sklearn.linear_model import Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skdrift import DriftAwareEstimator, InputGuard
from skdrift.datasets import load_air_quality

air = load_air_quality(as_frame=True, target="CO(GT)")
measured = air.target > -200
whole = (air.data > -200).all(axis=1)
X, y = air.data[air.train & measured & whole], air.target[air.train & measured & whole]
later = ~air.train & measured
X_later, y_later = air.data[later], air.target[later]
dead = ~whole[later].to_numpy()
print(
    f"{len(X):,} hours of training, {len(X_later):,} later, {dead.sum()} of them dead"
)

# %%
# What a guard finds
# ------------------
# `check` says what `transform` would find, without doing it. Training saw no winter, so
# the coldest hour of summer would be a poor limit: `overrides` say what a column can
# hold by its nature.

limits = {name: (0, None) for name in X if name.startswith("PT08")}
limits |= {"T": (-25, 50), "RH": (0, 100), "AH": (0, 5)}
rules = {"overrides": {name: {"limits": pair} for name, pair in limits.items()}}
print(InputGuard(range="ignore", missing="ignore", **rules).fit(X).check(X_later))

# %%
# The policies
# ------------
# Each is one line in front of the same model. What is out of range is cut to the limit,
# made missing and filled with the median, or with the mean of the ten hours of training
# that are most alike.


def guarded(**policies):
    guard = InputGuard(**policies, **rules)
    return make_pipeline(guard, StandardScaler(), Ridge()).fit(X, y)


models = {
    "no guard": make_pipeline(StandardScaler(), Ridge()).fit(X, y),
    "cut to the limit": guarded(range="clip", missing="ignore"),
    "median": guarded(range="missing", missing="impute"),
    "ten most alike": guarded(
        range="missing", missing="impute", imputer=KNNImputer(n_neighbors=10)
    ),
}

# %%
# One cell, or all of them
# ------------------------
# For rows that lost a cell, cells of the good hours are broken at random, 2 % of them;
# the dead hours are as they came.

rng = np.random.default_rng(0)
lost = rng.random(X_later[~dead].shape) < 0.02
X_broken = X_later[~dead].mask(lost, -200.0)
some = lost.any(axis=1)

errors = {}
for name, model in models.items():
    broken = np.abs(model.predict(X_broken) - y_later[~dead])[some].mean()
    gone = np.abs(model.predict(X_later[dead]) - y_later[dead]).mean()
    errors[name] = broken, gone
good = np.abs(models["no guard"].predict(X_later[~dead]) - y_later[~dead]).mean()

# %%
# No repair, but an answer
# ------------------------
# A guard is a transformer: it may not drop a row. To keep dead hours from the model is
# the wrapper's part. It answers them by another model, or not at all, and says so. It
# knows no limits but those of training, widened: some winter hours are beyond them too.

fallback = DriftAwareEstimator(
    make_pipeline(StandardScaler(), Ridge()),
    on_invalid="fallback",
    fallback=DummyRegressor(strategy="median"),
    on_shift="ignore",
).fit(X, y)
y_pred, report = fallback.predict(X_later, return_report=True)
errors["fallback: the median of y"] = np.nan, np.abs(y_pred - y_later)[dead].mean()

abstaining = DriftAwareEstimator(
    make_pipeline(StandardScaler(), Ridge()), on_invalid="abstain", on_shift="ignore"
).fit(X, y)
y_pred = abstaining.predict(X_later)
answered = ~np.isnan(y_pred)
print(f"abstains from {(~answered).sum()} of {len(y_pred):,} hours")
print(f"error of the rest: {np.abs(y_pred - y_later)[answered].mean():.2f} mg/m³")

# %%
# The picture
# -----------

blue, vermillion = "#0072B2", "#D55E00"  # of Okabe and Ito
figure, axes = plt.subplots(figsize=(8, 3.8), layout="constrained")
names = list(errors)[::-1]
places = np.arange(len(names))
broken, gone = np.array([errors[name] for name in names]).T
axes.plot(broken, places, "o", ms=9, color=blue, label="rows that lost a cell")
axes.plot(gone, places, "^", ms=9, color=vermillion, label="rows that lost all cells")
for place, pair in zip(places, zip(broken, gone, strict=True), strict=True):
    for value in pair:
        if np.isfinite(value):
            axes.annotate(
                f"{value:.2f}",
                (value, place),
                (0, 8),
                ha="center",
                textcoords="offset points",
                fontsize=9,
            )
axes.axvline(good, color="0.4", ls=":", lw=1)
axes.annotate(
    "good rows",
    (good, len(names) - 0.45),
    (4, 0),
    color="0.4",
    textcoords="offset points",
    va="center",
    fontsize=9,
)
axes.set_yticks(places, names)
axes.set(
    xscale="log",
    xlabel="mean absolute error (mg/m³, log scale)",
    ylim=(-0.6, len(names) - 0.2),
)
axes.set_xticks([0.5, 1, 2, 5, 10], ["0.5", "1", "2", "5", "10"])
axes.minorticks_off()
axes.legend(frameon=False, loc="lower right")
axes.set_title("A guard repairs a cell, not a row", loc="left")
plt.show()

# %%
# A repair that looks like an answer
# ----------------------------------
# For dead hours the best repair is hardly better than to say the median of all hours:
# the guard has made up every column, and the model's answer is a constant. The pipeline
# does not tell, unless ``add_indicator=True`` marks what was made up. So the drift has
# to be looked for where the table still is as it came: with the guard *inside* the
# wrapper, not in front of it.

outside = make_pipeline(
    InputGuard(range="missing", missing="impute", **rules),
    DriftAwareEstimator(Ridge(), on_shift="ignore", on_invalid="ignore"),
).fit(X, y)
inside = DriftAwareEstimator(
    make_pipeline(InputGuard(range="missing", missing="impute", **rules), Ridge()),
    on_shift="ignore",
    on_invalid="ignore",
).fit(X, y)
summer = np.flatnonzero(~dead)[:500]
rows = np.concatenate([summer, np.flatnonzero(dead)[:25]])
_, seen_outside = outside.predict(X_later.iloc[rows], return_report=True)
_, seen_inside = inside.predict(X_later.iloc[rows], return_report=True)
for name, report in (("outside", seen_outside), ("inside", seen_inside)):
    flagged = [f for f in report.findings if f.code == "DA403" and f.n_rows > 0]
    print(f"guard {name:7}: rows out of range in {len(flagged)} columns")
