"""What the classes are told apart by: learned at `fit`, used where only priors move.

Three things are kept. How the model's out-of-fold answers go with the classes, which
priors are estimated from. A small model of the classes by the columns alone, from
one half of the rows, with a table of what it says of each class in the other half: the
same function answers for training and batch, whatever the wrapped model is, so a
comparison of the two is exact. And means and covariances of the columns in each class.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from typing import Any

import numpy as np
from scipy import optimize, special

from skdrift._core.rows import spread_evenly
from skdrift.performance._boosting import (
    Gradient,
    Trees,
    boost,
    class_shares,
    sum_of_trees,
)
from skdrift.performance._calibration import Calibrator, calibrated
from skdrift.performance._class_moments import ClassMoments, learn_class_moments
from skdrift.performance._column_scores import ColumnScores, recoded
from skdrift.performance._out_of_fold_rows import OutOfFold
from skdrift.profile._stored import restore_fields

N_ROUNDS = 24
N_CELLS = 12
CELLS_OF_A_CLASS = 2
ROUNDS_OF_A_CLASS = 2
MOST_TEMPERED = 2_000
RIDGE = 1e-3
LEAST_IN_TABLE = 2
LARGEST_VALUE = 30.0
DAMPING = 0.25
NOT_LEARNED = "the model was fitted by a version that did not learn them"
SMALL: dict[str, type[np.generic]] = {
    "values": np.float16,
    "moment_means": np.float32,
    "moment_covariances": np.float32,
}
NO_COLUMN = "no column can be told apart by the numbers that fit keeps"


@dataclass(frozen=True, slots=True, eq=False)
class ScoredColumns:
    """Columns whose moments are learned.

    Attributes
    ----------
    columns : ndarray of int of shape (n_columns,)
        Places among the coded columns, the most important first.
    scores : ColumnScores
        Of these.
    fair : ndarray of uint8 of shape (n_used, 48)
        `fair_codes` of the coded columns.
    asked : ndarray of bool of shape (n_rows,)
        Rows whose labels chose the columns: what they say of them is too much.
    """

    columns: np.ndarray
    scores: ColumnScores
    fair: np.ndarray
    asked: np.ndarray


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ClassLaws:
    """How answers and columns go with the classes; no row of training.

    Stored as the list of its fields: new ones come last and have a default.

    Attributes
    ----------
    totals : ndarray of int of shape (n_classes,)
        Training rows of each class.
    confusion : ndarray of int of shape (n_classes, n_classes)
        Out-of-fold rows, by class and by the class that was answered.
    tempers : ndarray of float of shape (8, 1 + n_classes)
        Of the calibrator of each half: a factor of the logarithms of its
        probabilities, and what is added to that of each class.
    priors : ndarray of float of shape (8, n_classes)
        Mean probability that each half's calibration gives to its own rows.
    reason : str
        Why nothing can be tested; empty otherwise, and then:
    base : ndarray of float of shape (n_classes,)
        Logarithms of the class shares that the trees start from.
    features, cuts, values
        `Trees` on the codes of the columns.
    edges : ndarray of float of shape (n_cells - 1,)
        Between cells of what the trees say.
    table : ndarray of int of shape (n_classes, n_cells)
        Rows that the trees were not fitted on, by class and cell.
    moment_columns, moment_kinds, moment_sizes, moment_means, moment_covariances
        `ClassMoments` of the columns.
    moment_reason : str
        Why these cannot be tested; empty otherwise.
    fair : bool
        Whether the trees were grown on `fair_codes`. Older ones take levels in the
        order of their frequency in training.
    """

    totals: np.ndarray
    confusion: np.ndarray
    tempers: np.ndarray
    priors: np.ndarray
    reason: str = ""
    base: np.ndarray = field(default_factory=lambda: np.zeros(0))
    features: np.ndarray = field(default_factory=lambda: np.zeros((0, 3), np.int16))
    cuts: np.ndarray = field(default_factory=lambda: np.zeros((0, 3), np.int16))
    values: np.ndarray = field(default_factory=lambda: np.zeros((0, 8, 1), np.float16))
    edges: np.ndarray = field(default_factory=lambda: np.zeros(0))
    table: np.ndarray = field(default_factory=lambda: np.zeros((0, 0), np.int64))
    moment_columns: np.ndarray = field(default_factory=lambda: np.zeros(0, np.int16))
    moment_kinds: np.ndarray = field(default_factory=lambda: np.zeros(0, np.int8))
    moment_sizes: np.ndarray = field(default_factory=lambda: np.zeros(0, np.int64))
    moment_means: np.ndarray = field(
        default_factory=lambda: np.zeros((0, 0), np.float32)
    )
    moment_covariances: np.ndarray = field(
        default_factory=lambda: np.zeros((0, 0), np.float32)
    )
    moment_reason: str = NOT_LEARNED
    fair: bool = False

    def __getstate__(self) -> list[object]:
        state = [getattr(self, own.name) for own in fields(self)]
        # As in `LossModels`: a copy's pickle has to be that of the original.
        return [
            value.view(np.dtype(SMALL[own.name])) if own.name in SMALL else value
            for own, value in zip(fields(self), state, strict=True)
        ]

    def __setstate__(self, state: Sequence[object]) -> None:
        restore_fields(self, state)

    @property
    def moments(self) -> ClassMoments:
        """Means and covariances of the columns."""
        return ClassMoments(
            columns=self.moment_columns,
            kinds=self.moment_kinds,
            sizes=self.moment_sizes,
            means=self.moment_means,
            covariances=self.moment_covariances,
            reason=self.moment_reason,
        )

    def cells_of(self, codes: np.ndarray) -> np.ndarray:
        """Number of rows in each cell, given their codes, (n_used, n_rows).

        Codes are fair if the trees are.
        """
        trees = Trees(self.features, self.cuts, self.values)
        key = _key(_shares(self.base, codes, trees))
        at = self.edges.searchsorted(key, side="right")
        return np.bincount(at, minlength=len(self.edges) + 1)


def learn_class_laws(
    known: OutOfFold,
    line: np.ndarray,
    calibrators: Sequence[Calibrator],
    halves: np.ndarray,
    codes: np.ndarray,
    totals: np.ndarray,
    scored: ScoredColumns,
    seed: int,
) -> ClassLaws:
    """Learn how answers and columns go with the classes.

    Parameters
    ----------
    known : OutOfFold
        Of a classifier.
    line : ndarray of float of shape (n_rows, n_outputs)
        Its outputs on a line.
    calibrators : sequence of Calibrator
        One for each half.
    halves : ndarray of bool of shape (8, n_rows)
    codes : ndarray of uint8 of shape (n_used, n_rows)
        Of the columns.
    totals : ndarray of int of shape (n_classes,)
        Training rows of each class.
    scored : ScoredColumns
    seed : int
    """
    n_classes, labels = known.n_classes, known.labels
    # Rows of a table are independent: one that several folds hold out counts once.
    _, once = np.unique(known.rows, return_index=True)
    confusion = np.zeros((n_classes, n_classes), dtype=np.int64)
    np.add.at(confusion, (labels, known.answers), 1)
    tempers, priors = [], []
    for calibrator, half in zip(calibrators, halves, strict=True):
        base = np.log(calibrated(calibrator, line[half]))
        temper = _temper(base, labels[half])
        tempers.append(temper)
        priors.append(tempered(base, temper).mean(axis=0))
    return ClassLaws(
        totals=totals.astype(np.int64),
        confusion=confusion,
        tempers=np.stack(tempers),
        priors=np.stack(priors),
        **_moments(codes, labels, n_classes, scored, once),
        fair=True,
        **_learn_table(
            recoded(codes[:, once], scored.fair),
            labels[once],
            n_classes,
            halves[0, once],
            seed,
        ),
    )


def _moments(
    codes: np.ndarray,
    labels: np.ndarray,
    n_classes: int,
    scored: ScoredColumns,
    once: np.ndarray,
) -> dict[str, Any]:
    rows = once[~scored.asked[once]]
    found = learn_class_moments(
        codes.take(rows, axis=1), labels[rows], n_classes, scored.columns, scored.scores
    )
    return {f"moment_{own.name}": getattr(found, own.name) for own in fields(found)}


# --- calibration --------------------------------------------------------------


def tempered(base: np.ndarray, temper: np.ndarray) -> np.ndarray:
    """Probabilities from logarithms of others, both (n_rows, n_classes).

    Bias-corrected temperature scaling: softmax of ``temper[0] * base + temper[1:]``.
    """
    return np.asarray(special.softmax(temper[0] * base + temper[1:], axis=1))


def _temper(base: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Factor and biases of the largest likelihood, drawn slightly to 1 and 0."""
    few = spread_evenly(len(base), MOST_TEMPERED)
    base, labels = base[few], labels[few]
    n, k = base.shape
    at = np.arange(n), labels
    plain = np.r_[1.0, np.zeros(k)]

    def loss(temper: np.ndarray) -> tuple[float, np.ndarray]:
        z = temper[0] * base + temper[1:]
        top = z.max(axis=1)
        slope = np.exp(z - top[:, None])
        total = slope.sum(axis=1)
        value = (np.log(total) + top - z[at]).mean()
        slope /= total[:, None]
        slope[at] -= 1.0
        away = temper - plain
        gradient = np.r_[(slope * base).sum(), slope.sum(axis=0)] / n
        return float(value + RIDGE * away @ away), gradient + 2.0 * RIDGE * away

    found = optimize.minimize(
        loss,
        plain,
        jac=True,
        method="L-BFGS-B",
        bounds=[(0.05, 20.0), *[(-10.0, 10.0)] * k],
    ).x
    return np.asarray(found)


# --- the model that is the same for training and batch --------------------------


def _learn_table(
    codes: np.ndarray,
    labels: np.ndarray,
    n_classes: int,
    half: np.ndarray,
    seed: int,
) -> dict[str, Any]:
    if not len(codes):
        return {"reason": NO_COLUMN}
    right = (labels[None, :] == np.arange(n_classes)[:, None])[:, half]
    base = np.log((right.sum(axis=1) + 0.5) / (right.shape[1] + 0.5 * n_classes))
    grown = boost(
        codes[:, half],
        _gradient(right, base),
        n_classes if n_classes > 2 else 1,
        n_rounds=max(N_ROUNDS, ROUNDS_OF_A_CLASS * n_classes),
        rng=np.random.default_rng([seed, 1]),
    )
    values = np.clip(grown.values, -LARGEST_VALUE, LARGEST_VALUE).astype(np.float16)
    trees = Trees(grown.features, grown.cuts, values)
    others = labels[~half]
    key = _key(_shares(base, codes[:, ~half], trees))
    edges = _even_edges(key, others, max(N_CELLS, CELLS_OF_A_CLASS * n_classes))
    n_cells = len(edges) + 1
    place = others * n_cells + edges.searchsorted(key, side="right")
    table = np.bincount(place, minlength=n_classes * n_cells)
    table = table.reshape(n_classes, n_cells)
    reason = ""
    if n_cells <= n_classes:
        reason = "the columns do not tell the classes apart on so few rows"
    elif (table.sum(axis=1) < LEAST_IN_TABLE).any():
        reason = (
            f"it takes {LEAST_IN_TABLE} rows of each class or more in half of the "
            "out-of-fold rows"
        )
    if reason:
        return {"reason": reason}
    return {
        "base": base,
        "features": trees.features,
        "cuts": trees.cuts,
        "values": trees.values,
        "edges": edges,
        "table": table,
    }


def _gradient(right: np.ndarray, base: np.ndarray) -> Gradient:
    two = len(base) == 2
    step = 1.0 if two else (len(base) - 1.0) / len(base)
    asked = slice(1, 2) if two else slice(None)

    def gradient(total: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        shares = class_shares(base[:, None], total)[asked]
        rest = right[asked] - shares
        # A leaf of one rare class would step too far by the curvature alone.
        return step * rest, shares * (1.0 - shares) + DAMPING * np.abs(rest)

    return gradient


def _shares(base: np.ndarray, codes: np.ndarray, trees: Trees) -> np.ndarray:
    return class_shares(base[:, None], sum_of_trees(codes, trees))


def _key(shares: np.ndarray) -> np.ndarray:
    """One number for each row: the likeliest class, and how far ahead it is.

    Of two classes the probability of the second.
    """
    if len(shares) == 2:
        return np.asarray(shares[1])
    first = shares.argmax(axis=0)
    best = np.partition(shares, -2, axis=0)
    return np.asarray(first + np.minimum(best[-1] - best[-2], 1.0 - 1e-9))


def _even_edges(key: np.ndarray, labels: np.ndarray, n_cells: int) -> np.ndarray:
    """Edges of cells with as many rows each, if all classes had as many."""
    weights = (1.0 / np.maximum(np.bincount(labels), 1))[labels]
    order = key.argsort(kind="stable")
    mass = weights[order].cumsum()
    levels = np.arange(1, n_cells) / n_cells * mass[-1]
    edges = np.unique(key[order][np.minimum(mass.searchsorted(levels), len(key) - 1)])
    return np.asarray(edges[edges > key.min()])
