"""Which part of a drop of the score carries it, where it is known which one has to.

Run as ``python tests/statistical/measure_decomposition.py``: prints the tables of
``docs/user_guide/concept_drift.md``. Three shifts are simulated, one at a time:

- covariate: rows of a hard group, 25 % of training, are 90 % of the batch;
- concept: the labels of the rows with x3 > 0 (half of them) depend on x3 the other
  way round than in training;
- label: the rare class, 15 % of training, is 60 % of the batch, and rows of either
  class are as they were.

At the edge: the first column moves by one standard deviation, and the noise grows with
it, so that many rows lie where training has few.

A part is right that carries 90 to 110 % of the drop. Of covariate shift the right part
is ``covariate + new_x``, of label shift the rival's ``prior``.
"""

from __future__ import annotations

import argparse
import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
from real_data import electricity_labels, electricity_names, real_tables
from scipy.special import expit
from sklearn.ensemble import (
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
)
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skdrift import DriftAwareEstimator, ScoreDecomposition
from skdrift.datasets import load_bike_sharing

N_TRAIN, N_BATCH = 12_000, 6_000
PARTS = ("right", "edge", "coverage", "real")
SCORERS = {
    "classes": "accuracy",
    "values": "neg_mean_absolute_error",
    "edges": "neg_mean_absolute_error",
}
SHIFTS = {
    "classes": ("covariate", "concept", "label"),
    "values": ("covariate", "concept"),
}
Rows = tuple[np.ndarray, np.ndarray]
Shifts = dict[str, tuple[str, ...]]


def models(kind: str) -> dict[str, Any]:
    if kind == "classes":
        return {
            "linear": make_pipeline(StandardScaler(), LogisticRegression()),
            "boosted": HistGradientBoostingClassifier(max_iter=50),
        }
    return {
        "linear": make_pipeline(StandardScaler(), Ridge()),
        "boosted": HistGradientBoostingRegressor(max_iter=50),
    }


def drawn(kind: str, shift: str, n: int, rng: np.random.Generator) -> Rows:
    """Rows of a law that has shifted; ``shift=""`` is training's."""
    if shift == "label" or (shift == "" and kind == "labels"):
        return _by_class(n, 0.6 if shift else 0.15, rng)
    X = rng.normal(size=(n, 5))
    if kind == "edges":
        X[:, 0] += shift == "covariate"
        return X, X[:, 1] + (0.2 + np.abs(X[:, 0])) * rng.normal(size=n)
    hard = rng.random(n) < (0.9 if shift == "covariate" else 0.25)
    X[:, 0] = np.where(hard, 1.0 + rng.random(n), -rng.random(n))
    slope = np.where((shift == "concept") & (X[:, 3] > 0), -1.0, 1.0)
    signal = X[:, 1] - X[:, 2] + 1.5 * slope * X[:, 3]
    if kind == "values":
        return X, signal + np.where(hard, 2.5, 0.5) * rng.normal(size=n)
    steep = np.where(hard, 0.1, 3.0)
    return X, (rng.random(n) < expit(steep * signal)).astype(int)


def _by_class(n: int, prior: float, rng: np.random.Generator) -> Rows:
    y = (rng.random(n) < prior).astype(int)
    X = rng.normal(size=(n, 5))
    X[:, :3] += 0.6 * y[:, None]
    return X, y


def fitted(kind: str, shift: str, model: Any, seed: int, keep: int | None) -> Any:
    """A model of training rows, and the generator that goes on with the batch."""
    rng = np.random.default_rng(seed)
    wrapped = DriftAwareEstimator(
        model, scoring=SCORERS[kind], blocks=None, keep_reference=keep
    )
    return wrapped.fit(
        *drawn("labels" if shift == "label" else kind, "", N_TRAIN, rng)
    ), rng


def right_share(shift: str, found: ScoreDecomposition) -> float:
    """Share of the drop that the right part carries; NaN where it is not reported."""
    if shift == "label":
        rival = found.rival
        return rival.prior.share if rival is not None and rival.supported else np.nan
    if shift == "concept":
        return found.concept.share
    return found.covariate.share + found.new_x.share


def trials(
    kind: str, shift: str, model: Any, n: int, keep: int | None, fits: int
) -> Iterator[ScoreDecomposition]:
    """Decompositions of batches, several for each fit."""
    for fit in range(fits):
        wrapped, rng = fitted(kind, shift, model, fit, keep)
        for _ in range(n // fits):
            yield wrapped.decompose(*drawn(kind, shift, N_BATCH, rng))


def print_right_parts(n: int, fits: int, shifts: Shifts = SHIFTS) -> None:
    print(
        "| drop by | model | rows kept | drop of the score | share of the right part: "
        "median | 5 % to 95 % | right |"
    )
    print("|---" * 7 + "|")
    for kind, own in shifts.items():
        for shift in own:
            for label, model in models(kind).items():
                for keep in (None, 10_000):
                    found = list(trials(kind, shift, model, n, keep, fits))
                    shares = np.array([right_share(shift, one) for one in found])
                    drop = np.mean([one.realised - one.promised for one in found])
                    right = np.mean(np.abs(shares - 1.0) <= 0.1)
                    low, middle, high = np.nanquantile(shares, [0.05, 0.5, 0.95])
                    print(
                        f"| {shift} | {kind}, {label} | {keep or 'none'} | "
                        f"{drop:.3f} | "
                        f"{middle:.2f} | {low:.2f} to {high:.2f} | {right:.2f} |",
                        flush=True,
                    )


def true_terms(kind: str, shift: str, wrapped: Any, n: int, seed: int) -> Rows:
    """Mean losses of many fresh rows: of training's law, and of the batch's."""
    rng = np.random.default_rng(seed)
    return tuple(  # type: ignore[return-value]
        np.mean(_values(kind, wrapped, *drawn(kind, law, n, rng)))
        for law in ("", shift)
    )


def _values(kind: str, wrapped: Any, X: np.ndarray, y: np.ndarray) -> np.ndarray:
    said = wrapped.estimator_.predict(X)
    return (said == y).astype(float) if kind == "classes" else -np.abs(said - y)


def coverage(
    kind: str, shift: str, model: Any, keep: int | None, fits: int
) -> dict[str, float]:
    """How often the intervals hold the concept part and the part of X."""
    held: dict[str, list[bool]] = {"x": [], "concept": []}
    for fit in range(fits):
        wrapped, rng = fitted(kind, shift, model, 1_000 + fit, keep)
        found = wrapped.decompose(*drawn(kind, shift, 1_000, rng))
        before, after = true_terms(kind, shift, wrapped, 100_000, fit)
        true_concept = after - before if shift == "concept" else 0.0
        held["concept"].append(found.concept.low <= true_concept <= found.concept.high)
        if shift != "covariate" or keep is None:
            true_x = after - before if shift == "covariate" else 0.0
            held["x"].append(found.covariate.low <= true_x <= found.covariate.high)
    return {name: float(np.mean(own)) if own else np.nan for name, own in held.items()}


def print_coverage(fits: int) -> None:
    print("\n| shift | model | rows kept | concept covered | covariate covered |")
    print("|---" * 5 + "|")
    for kind in SHIFTS:
        for shift in ("", "covariate", "concept"):
            for label, model in models(kind).items():
                for keep in (None, 2_000):
                    held = coverage(kind, shift, model, keep, fits)
                    x = "" if np.isnan(held["x"]) else f"{held['x']:.2f}"
                    print(
                        f"| {shift or 'none'} | {kind}, {label} | {keep or 'none'} | "
                        f"{held['concept']:.2f} | {x} |",
                        flush=True,
                    )


def bike_months() -> Iterator[tuple[str, ScoreDecomposition]]:
    """Months of 2012 against a model of 2011."""
    bikes = load_bike_sharing(as_frame=True)
    wrapped = DriftAwareEstimator(
        HistGradientBoostingRegressor(),
        scoring="neg_mean_absolute_error",
        keep_reference=4_000,
    ).fit(bikes.data[bikes.train], bikes.target[bikes.train])
    month = bikes.time.to_numpy().astype("M8[M]")
    for own in np.unique(month[~bikes.train]):
        rows = month == own
        yield str(own), wrapped.decompose(bikes.data[rows], bikes.target[rows])


def electricity_pieces() -> Iterator[tuple[str, ScoreDecomposition]]:
    """Pieces of the record against a model of its first 10,000 rows."""
    y = electricity_labels()
    X = pd.DataFrame(real_tables()["electricity"], columns=electricity_names())
    wrapped = DriftAwareEstimator(
        HistGradientBoostingClassifier(), scoring="accuracy", keep_reference=4_000
    ).fit(X[:10_000], y[:10_000])
    for start in range(10_000, 45_000, 5_000):
        rows = slice(start, start + 5_000)
        yield f"{start:,} to {start + 5_000:,}", wrapped.decompose(X[rows], y[rows])


def print_real(title: str, found: Iterator[tuple[str, ScoreDecomposition]]) -> None:
    print(f"\n| {title} | promised | realised | covariate | concept | new x | where |")
    print("|---" * 7 + "|")
    for name, one in found:
        parts = " | ".join(
            f"{term.value:+.3g} [{term.low:+.3g}, {term.high:+.3g}]"
            for term in one.terms
        )
        print(
            f"| {name} | {one.promised:.3g} | {one.realised:.3g} | {parts} | "
            f"{one.segment or ''} |",
            flush=True,
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trials", type=int, default=40)
    parser.add_argument("--fits", type=int, default=20)
    parser.add_argument("--covered", type=int, default=20)
    parser.add_argument(
        "--parts", nargs="+", default=PARTS, choices=PARTS, help="tables to print"
    )
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    if "right" in options.parts:
        print_right_parts(options.trials, options.fits)
    if "edge" in options.parts:
        print_right_parts(options.trials, options.fits, {"edges": ("covariate",)})
    if "coverage" in options.parts:
        print_coverage(options.covered)
    if "real" in options.parts:
        print_real("bicycles", bike_months())
        print_real("electricity", electricity_pieces())


if __name__ == "__main__":
    main()
