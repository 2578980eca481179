"""What a model gains from the rows of a fold, and what could tell without more fits.

Run as ``python tests/statistical/measure_score_gain.py``: prints the table of
``docs/developers/decisions/0018-the-gain-of-all-rows-is-not-estimated.md``. Rows of
known laws; the gain is the score of the model of all rows less that of the models of
folds, on the same fresh rows. Two allowances need no further fit. By the gap: half of
what the model scores better on its training rows than the folds promised, over K - 1,
the gain of a regular parametric model to the first order. And the correction of Burman
(1989), for which the models of folds are scored on all rows.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from typing import Any

import numpy as np
from measure_estimate import Rows, drawn
from sklearn.base import clone
from sklearn.ensemble import (
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics import get_scorer
from sklearn.model_selection import KFold
from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor

N_TRAINING = 1_000
N_FRESH = 20_000
LAWS_SHOWN = ("crossed", "hinged")
SCORES = {"classes": "accuracy", "values": "neg_mean_absolute_error"}


def models(kind: str) -> dict[str, Any]:
    if kind == "classes":
        return {
            "linear": LogisticRegression(),
            "neighbours": KNeighborsClassifier(15),
            "forest": RandomForestClassifier(30, random_state=0),
            "boosted": HistGradientBoostingClassifier(max_iter=50),
        }
    return {
        "linear": Ridge(),
        "neighbours": KNeighborsRegressor(15),
        "forest": RandomForestRegressor(30, random_state=0),
        "boosted": HistGradientBoostingRegressor(max_iter=50),
    }


@dataclass(frozen=True)
class Gain:
    """In units of the score.

    Attributes
    ----------
    gain : float
    by_gap, by_burman : float
        The two allowances.
    """

    gain: float
    by_gap: float
    by_burman: float


def gain_of(model: Any, train: Rows, fresh: Rows, scorer: str, n_folds: int) -> Gain:
    score = get_scorer(scorer)
    X, y = train
    whole = clone(model).fit(X, y)
    held_out, on_all, on_fresh = [], [], []
    for known, other in KFold(n_folds).split(X):
        part = clone(model).fit(X[known], y[known])
        held_out.append(score(part, X[other], y[other]))
        on_all.append(score(part, X, y))
        on_fresh.append(score(part, *fresh))
    own = score(whole, X, y)
    return Gain(
        gain=float(score(whole, *fresh) - np.mean(on_fresh)),
        by_gap=float(own - np.mean(held_out)) / (2 * (n_folds - 1)),
        by_burman=float(own - np.mean(on_all)),
    )


def gains(law: str, kind: str, model: Any, n_folds: int, fits: int) -> list[Gain]:
    found = []
    for fit in range(fits):
        rng = np.random.default_rng(fit)
        train = drawn(kind, law, 0.0, N_TRAINING, rng)
        fresh = drawn(kind, law, 0.0, N_FRESH, rng)
        found.append(gain_of(model, train, fresh, SCORES[kind], n_folds))
    return found


def print_line(name: str, found: list[Gain]) -> None:
    gain = np.array([own.gain for own in found])
    error = gain.std(ddof=1) / np.sqrt(len(gain))
    by_gap = np.mean([own.by_gap for own in found])
    by_burman = np.mean([own.by_burman for own in found])
    cells = f"{gain.mean():.4f} ± {error:.4f} | {by_gap:.4f} | {by_burman:.4f}"
    print(f"| {name} | {cells} |", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--fits", type=int, default=10)
    options = parser.parse_args()
    print("| score | law | model | folds | gain | by the gap | Burman |")
    print("|---" * 7 + "|")
    for n_folds, shown in ((5, LAWS_SHOWN), (10, LAWS_SHOWN[-1:])):
        for kind, scorer in SCORES.items():
            for law in shown:
                for label, model in models(kind).items():
                    found = gains(law, kind, model, n_folds, options.fits)
                    short = scorer.removeprefix("neg_").replace("_", " ")
                    print_line(f"{short} | {law} | {label} | {n_folds}", found)


if __name__ == "__main__":
    main()
