"""Level, power and coverage of scores of which a few rows have labels.

Run as ``python tests/statistical/measure_few_labels.py``: prints the tables of
``docs/user_guide/few_labels.md``. Labels are drawn at random from batches of 1,000
rows. "Alone" are the labelled rows by themselves, "powered" what `check` does with them
and with what is expected of all rows.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import Any

import numpy as np
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.metrics import get_scorer

from skdrift import DriftAwareEstimator
from skdrift._core.frame import read_table
from skdrift.performance._estimating import expected_batch
from skdrift.performance._few_labels import SomeLabels, partly_realised
from skdrift.performance._recorded import RecordedModel

BATCH = 1_000
LABELS = (20, 50, 200)
CLASS_SCORES = ("accuracy", "neg_log_loss", "neg_brier_score")
ERROR_SCORES = (
    "neg_mean_absolute_error",
    "neg_mean_squared_error",
    "neg_root_mean_squared_error",
)
Rows = tuple[np.ndarray, np.ndarray]


def drawn(kind: str, n: int, drift: float, rng: np.random.Generator) -> Rows:
    """Rows whose noise depends on the second column; drift wrongs or spreads labels.

    ``"sure"`` are classes of which about one in 30 is answered wrong.
    """
    X = rng.normal(size=(n, 4))
    size = np.exp(0.6 * X[:, 1])
    if kind == "values":
        return X, X[:, 0] + size * (1.0 + drift) * rng.normal(size=n)
    scale = 0.4 if kind == "classes" else 0.05
    noise = scale * size * rng.logistic(size=n)
    y = (X[:, 0] + noise > 0).astype(int)
    wrong = rng.random(n) < drift
    return X, np.where(wrong, 1 - y, y)


def fitted(kind: str, train: Rows) -> DriftAwareEstimator:
    model: Any = LinearRegression() if kind == "values" else LogisticRegression()
    scoring = list(ERROR_SCORES if kind == "values" else CLASS_SCORES)
    return DriftAwareEstimator(model, scoring=scoring).fit(*train)


def judged(
    wrapped: DriftAwareEstimator, batch: Rows, chosen: Sequence[np.ndarray]
) -> list[list[list[Any]]]:
    """Scores for each choice of labelled rows: of these alone, and powered."""
    X, y = batch
    baseline, model = wrapped.baseline_, RecordedModel(wrapped.estimator_, X)
    expected = expected_batch(
        baseline.losses, baseline.reference, model, np.arange(len(X)), read_table(X)
    )
    scorers = {name: get_scorer(name) for name in wrapped.scoring}

    def scores(rows: np.ndarray, known: Any) -> list[Any]:
        some = SomeLabels(
            estimator=wrapped.estimator_,
            X=X,
            model=model,
            rows=rows,
            labels=y[rows],
            n_rows=len(X),
            expected=known,
        )
        return [own.score for own in partly_realised(baseline.scores, scorers, some)]

    return [[scores(rows, known) for known in (None, expected)] for rows in chosen]


def trials(
    kind: str,
    *,
    n_train: int,
    fits: int,
    batches: int,
    drift: float,
    rng: np.random.Generator,
    labels: Sequence[int] = LABELS,
) -> dict[str, np.ndarray]:
    """P-values, whether intervals cover, and errors.

    Returns
    -------
    dict of ndarray of shape (n_trials, n_labels, 2, n_scores)
        The third axis is: the labelled rows alone, powered.
    """
    found: dict[str, list[Any]] = {"pvalue": [], "covered": [], "error": []}
    for _ in range(fits):
        wrapped = fitted(kind, drawn(kind, n_train, 0.0, rng))
        names = list(wrapped.scoring)
        for _ in range(batches):
            batch = drawn(kind, BATCH, drift, rng)
            truth = np.array(
                [get_scorer(name)(wrapped.estimator_, *batch) for name in names]
            )
            chosen = [np.sort(rng.choice(BATCH, n, replace=False)) for n in labels]
            scores = judged(wrapped, batch, chosen)

            def of(name: str, scores: Any = scores) -> np.ndarray:
                return np.array(
                    [[[getattr(s, name) for s in b] for b in a] for a in scores]
                )

            found["pvalue"].append(of("pvalue"))
            low, high = of("realised_low") - 1e-12, of("realised_high") + 1e-12
            found["covered"].append((low <= truth) & (truth <= high))
            found["error"].append(of("realised") - truth)
    return {name: np.array(part) for name, part in found.items()}


def print_table(title: str, names: Sequence[str], cells: np.ndarray) -> None:
    """Cells of shape (n_labels, 2, n_scores)."""
    heads = [f"{n} labels: alone | powered" for n in LABELS]
    print(f"| {title} | {' | '.join(heads)} |")
    print(f"|---|{'---|' * 2 * len(LABELS)}")
    for place, name in enumerate(names):
        row = " | ".join(f"{value:.3g}" for value in cells[:, :, place].ravel())
        print(f"| {name.removeprefix('neg_')} | {row} |")
    print()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--fits", type=int, default=100)
    parser.add_argument("--batches", type=int, default=10)
    asked = parser.parse_args()
    for kind, drift in (("classes", 0.1), ("sure", 0.08), ("values", 0.4)):
        names = ERROR_SCORES if kind == "values" else CLASS_SCORES
        rng = np.random.default_rng(0)
        given = {"n_train": 2_000, "fits": asked.fits, "batches": asked.batches}
        still = trials(kind, drift=0.0, rng=rng, **given)
        for level in (0.05, 0.01):
            share = 100 * (still["pvalue"] <= level).mean(axis=0)
            print_table(f"{kind}, nothing changed, % with p ≤ {level}", names, share)
        print_table(f"{kind}, coverage, %", names, 100 * still["covered"].mean(axis=0))
        moved = trials(kind, drift=drift, rng=rng, **given)
        share = 100 * (moved["pvalue"] <= 0.01).mean(axis=0)
        print_table(f"{kind}, changed, % with p ≤ 0.01", names, share)
        print_table(
            f"{kind}, changed, coverage, %", names, 100 * moved["covered"].mean(axis=0)
        )
        size = np.sqrt((moved["error"] ** 2).mean(axis=0))
        print_table(f"{kind}, changed, error", names, size)


if __name__ == "__main__":
    main()
