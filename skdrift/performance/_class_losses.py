"""Learning P(y | output, X) from out-of-fold answers of a classifier."""

from __future__ import annotations

from typing import Any

import numpy as np

from skdrift.performance._boosting import Gradient, boost, class_shares
from skdrift.performance._calibration import (
    CalibrationKind,
    Calibrator,
    calibrated,
    fit_calibrator,
    kinds_for,
)
from skdrift.performance._explained_losses import (
    explained_fields,
    strata_of,
)
from skdrift.performance._halves import N_HALVES, of_others
from skdrift.performance._loss_models import uncertainty
from skdrift.performance._out_of_fold_rows import OutOfFold
from skdrift.performance._row_losses import class_values, values_by_class
from skdrift.performance._tree_shares import (
    LEAST_BOOSTED,
    N_ROUNDS,
    best_shares,
    stored_trees,
)

N_JUDGED = 4


def learn_class_losses(
    known: OutOfFold,
    line: np.ndarray,
    codes: np.ndarray,
    halves: np.ndarray,
    groups: np.ndarray,
    rng: np.random.Generator,
) -> dict[str, Any]:
    """Fields of `LossModels` that are learned of classifiers.

    Parameters
    ----------
    known : OutOfFold
    line : ndarray of float of shape (n_known, n_outputs)
        See `output_line`.
    codes : ndarray of uint8 of shape (n_columns, n_known)
        Of the columns, followed by those of the output.
    halves : ndarray of bool of shape (8, n_known)
    groups : ndarray of int of shape (n_known,)
    rng : Generator
    """
    n_classes = known.n_classes
    right = known.labels[:, None] == np.arange(n_classes)
    calibrators = _best_calibration(known, line, right, halves)
    plain = np.stack([np.log(calibrated(own, line)).T for own in calibrators])
    n_rounds = N_ROUNDS if len(line) >= LEAST_BOOSTED else 0
    trees = [
        boost(
            np.compress(half, codes, axis=1),
            _class_gradient(right[half].T, base[:, half]),
            n_classes if n_classes > 2 else 1,
            n_rounds=n_rounds,
            rng=rng,
        )
        for half, base in zip(halves, plain, strict=True)
    ]
    start = of_others(plain, halves)
    at = known.labels, np.arange(len(right))

    def loss(total: np.ndarray) -> np.ndarray:
        shares = class_shares(start, total)
        return -np.log(np.maximum(shares[at], 1e-12))[None, :]

    rounds, weights, total = best_shares(trees, codes, halves, loss, groups, joint=True)
    shares = class_shares(start, total)
    expected = (shares[:, None, :] * values_by_class(known)).sum(axis=0)
    realised = class_values(
        known.labels, known.answers, known.outputs, known.response, n_classes
    )
    return {
        "calibration": calibrators[0].kind,
        "tables": np.stack([own.table for own in calibrators]),
        "weights": weights,
        "strata": strata_of(uncertainty(shares)),
        "half_means": _class_means(known, realised, halves),
        **explained_fields(-np.nan_to_num(realised), -np.nan_to_num(expected)),
        **stored_trees(trees, rounds, weights),
    }


def _best_calibration(
    known: OutOfFold, line: np.ndarray, right: np.ndarray, halves: np.ndarray
) -> list[Calibrator]:
    """Of each half; least log loss on the rows not fitted on, ties to the plainest."""
    kinds = kinds_for(known.response, len(line))
    judged = halves[: N_JUDGED if len(kinds) > 1 else 0]
    best, least = kinds[0], np.inf
    fitted: dict[CalibrationKind, list[Calibrator]] = {}
    for kind in kinds:
        own = [fit_calibrator(kind, line[half], right[half]) for half in judged]
        fitted[kind] = own
        losses = [
            -np.log(calibrated(one, line[~half])[right[~half]]).mean()
            for one, half in zip(own, judged, strict=True)
        ]
        loss = float(np.mean(losses)) if losses else 0.0
        if loss < least:
            best, least = kind, loss
    rest = halves[len(judged) :]
    return fitted[best] + [
        fit_calibrator(best, line[half], right[half]) for half in rest
    ]


def _class_gradient(right: np.ndarray, base: np.ndarray) -> Gradient:
    """Of the log likelihood, with the diagonal curvature of Friedman (2001)."""
    k = len(base)
    if k == 2:
        return _odds_gradient(right[1:], 0.5 * (base[1:] - base[:1]))
    step = (k - 1.0) / k

    def gradient(total: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        shares = class_shares(base, total)
        return step * (right - shares), shares * (1.0 - shares)

    return gradient


def _odds_gradient(right: np.ndarray, half_odds: np.ndarray) -> Gradient:
    """Of two classes, given half the log odds of the second."""

    def gradient(total: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        # The logistic function by a tangent, which numpy has a fast one of.
        shares = 0.5 + 0.5 * np.tanh(half_odds + 0.5 * total)
        return right - shares, shares * (1.0 - shares)

    return gradient


def _class_means(
    known: OutOfFold, values: np.ndarray, halves: np.ndarray
) -> np.ndarray:
    """Share of each class in each half, and means of its rows; see `half_means`."""
    found = np.full((N_HALVES, 1 + len(values), known.n_classes), np.nan)
    for own, half in zip(found, halves, strict=True):
        labels = known.labels[half]
        counts = np.bincount(labels, minlength=known.n_classes)
        own[0] = counts / max(len(labels), 1)
        with np.errstate(invalid="ignore"):
            own[1:] = [
                np.bincount(labels, value[half], known.n_classes) / counts
                for value in values
            ]
    return found.astype(np.float32)
