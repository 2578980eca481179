"""How often the interval of cross-validation holds the score of real rows.

Run as ``python tests/statistical/measure_score_tables.py``: prints the tables of
``docs/user_guide/score.md``, section "Real rows". Training rows and each batch are
disjoint parts of a real table, drawn at random without replacement: together they are
exchangeable, as independent rows of one law are, and nothing changed. Batches share a
fit, so the standard error is that of the means of fits.
"""

from __future__ import annotations

import argparse
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from measure_estimate import tables
from scipy.stats import binom
from scipy.stats import t as student
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skdrift import DriftAwareEstimator
from skdrift.performance._cross_validation import MOST_BLOCKS, resolve_scorers
from skdrift.performance._expectation import LEVEL, expected_score
from skdrift.performance._recorded import RecordedModel
from skdrift.stats import accuracy_interval

TABLES = {
    "bikes": "bikes by hour",
    "air": "air by sensor",
    "electricity": "electricity by price",
}
SIZES = (200, 1_000, 5_000)
SCORERS = ["accuracy", "roc_auc"]
N_TRAINING = 3_000


def models() -> dict[str, Any]:
    scaled = SimpleImputer(), StandardScaler()
    return {
        "linear": make_pipeline(*scaled, LogisticRegression()),
        "forest": make_pipeline(
            SimpleImputer(), RandomForestClassifier(50, random_state=0)
        ),
        "boosted": HistGradientBoostingClassifier(max_iter=50),
    }


@dataclass(frozen=True)
class Trials:
    """What some fits promised, and what came true.

    Attributes
    ----------
    limits : ndarray of shape (n_fits, n_sizes, n_scores, 2)
        Of the interval.
    realised : ndarray of shape (n_fits, n_batches, n_sizes, n_scores)
    promised, of_rest, error : ndarray of shape (n_fits, n_scores)
        The centre; the score of all rows that are left; and what the law gives for
        the standard error of their difference.
    """

    limits: np.ndarray
    realised: np.ndarray
    promised: np.ndarray
    of_rest: np.ndarray
    error: np.ndarray

    @property
    def below(self) -> np.ndarray:
        """Shares of (n_fits, n_sizes, n_scores): the score is below the interval."""
        return np.mean(self.realised < self.limits[:, None, ..., 0], axis=1)

    @property
    def above(self) -> np.ndarray:
        return np.mean(self.realised > self.limits[:, None, ..., 1], axis=1)


def trials(
    X: np.ndarray, y: np.ndarray, model: Any, *, fits: int, batches: int, cv: int = 5
) -> Trials:
    found = [_of_fit(X, y, model, fit, batches, cv) for fit in range(fits)]
    return Trials(*map(np.array, zip(*found, strict=True)))


def _of_fit(
    X: np.ndarray, y: np.ndarray, model: Any, fit: int, batches: int, cv: int
) -> tuple[np.ndarray, ...]:
    order = np.random.default_rng(fit).permutation(len(y))
    train, rest = order[:N_TRAINING], order[N_TRAINING:]
    wrapped = DriftAwareEstimator(
        model, scoring=SCORERS, cv=cv, blocks=None, performance=None
    ).fit(X[train], y[train])
    scorers = resolve_scorers(wrapped.estimator_, SCORERS)
    # Each row is answered once, for all batches and scorers.
    answers = RecordedModel(wrapped.estimator_, X)

    def score(rows: np.ndarray) -> list[float]:
        return [scorers[name](answers, rows, y[rows]) for name in SCORERS]

    by_name = {promise.scorer: promise for promise in wrapped.baseline_.scores}
    promises = [by_name[name] for name in SCORERS]
    intervals = [[expected_score(p, size, LEVEL) for p in promises] for size in SIZES]
    rng = np.random.default_rng(10_000 + fit)
    realised = [
        [score(rng.choice(rest, size, replace=False)) for size in SIZES]
        for _ in range(batches)
    ]
    shares = cv / (cv - 1) / N_TRAINING + 1.0 / len(rest)
    return (
        np.array([[(i.low, i.high) for i in of_size] for of_size in intervals]),
        np.array(realised),
        np.array([promise.value for promise in promises]),
        np.array(score(rest)),
        np.sqrt([promise.row_variance * shares for promise in promises]),
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--fits", type=int, default=80)
    parser.add_argument("--batches", type=int, default=5)
    parser.add_argument("--cv", type=int, default=5)
    parser.add_argument("--tables", nargs="+", default=list(TABLES))
    parser.add_argument("--models", nargs="+", default=list(models()))
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    known, found = tables("classes"), {}
    sizes = " | ".join(f"{size:,}" for size in SIZES)
    print_head(f"% inside the interval | accuracy: {sizes} | area: {sizes}")
    for name in options.tables:
        X, y, _ = known[TABLES[name]]
        for label in options.models:
            own = trials(
                X,
                y,
                models()[label],
                fits=options.fits,
                batches=options.batches,
                cv=options.cv,
            )
            found[f"{name}, {label}"] = own
            print_inside(f"{name}, {label}", [own])
    print_inside("mean", list(found.values()))
    print_due(options.cv)
    print()
    columns = "below | above | gain | in SE | spread"
    print_head(f"why | accuracy: {columns} | area: {columns}")
    for name, own in found.items():
        print_why(name, own)


def due(size: int, cv: int) -> tuple[float, float]:
    """Shares inside if the score of a row does not depend on who answers it.

    Of accuracy where 15 % are wrong, exactly; of the area by Student's law with the
    degrees of freedom of the blocks.
    """
    wrong, n = 0.15, N_TRAINING
    known = np.arange(n // 4)
    interval = accuracy_interval(1.0 - known / n, n, cv, size)
    least = np.round(size * (1.0 - np.asarray(interval.high)))
    most = np.round(size * (1.0 - np.asarray(interval.low)))
    held = binom.cdf(most, size, wrong) - binom.cdf(least - 1, size, wrong)
    accuracy = float(binom.pmf(known, n, wrong) @ held)
    freedom = cv * (MOST_BLOCKS - 1)
    wider = (cv / (cv - 1) / n + 1 / size) / (1 / n + 1 / size)
    limit = student.ppf(0.5 + 0.5 * LEVEL, freedom) * np.sqrt(wider)
    return accuracy, float(1.0 - 2.0 * student.sf(limit, freedom))


def print_due(cv: int) -> None:
    shares = np.array([due(size, cv) for size in SIZES])
    cells = " | ".join(f"{100 * share:.1f}" for share in shares.T.ravel())
    print(f"| due without a gain | {cells} |")


def print_head(columns: str) -> None:
    line = f"| {columns} |"
    print(line)
    print("|---" * (line.count("|") - 1) + "|")


def print_inside(name: str, parts: Sequence[Trials]) -> None:
    """Shares in %, accuracy by size and then area by size."""
    by_fit = 100 * np.concatenate([1.0 - part.below - part.above for part in parts])
    mean, error = by_fit.mean(0), by_fit.std(0, ddof=1) / np.sqrt(len(by_fit))
    cells = [
        f"{mean[size, score]:.1f} ± {error[size, score]:.1f}"
        for score in range(len(SCORERS))
        for size in range(len(SIZES))
    ]
    print(f"| {name} | " + " | ".join(cells) + " |", flush=True)


def print_why(name: str, own: Trials) -> None:
    """By the largest batches; the gain is of the model of all rows over the folds'."""
    gain = own.of_rest - own.promised
    width = np.diff(own.limits[:, -1], axis=-1)[..., 0].mean(0) / (2 * 1.96)
    spread = gain.std(0, ddof=1) / np.sqrt(np.mean(own.error**2, axis=0))
    below, above = 100 * own.below[:, -1].mean(0), 100 * own.above[:, -1].mean(0)
    error = gain.std(0, ddof=1) / np.sqrt(len(gain))
    cells = [
        f"{below[k]:.1f} | {above[k]:.1f} | {gain.mean(0)[k]:.4f} ± {error[k]:.4f} | "
        f"{gain.mean(0)[k] / width[k]:.2f} | {spread[k]:.2f}"
        for k in range(len(SCORERS))
    ]
    print(f"| {name} | " + " | ".join(cells) + " |", flush=True)


if __name__ == "__main__":
    main()
