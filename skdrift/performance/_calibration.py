"""Calibration: what a classifier's output says of the probability of each class."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy import special
from sklearn.isotonic import IsotonicRegression

from skdrift._core.rows import spread_evenly

Response = Literal["predict_proba", "decision_function", "predict"]
CalibrationKind = Literal["identity", "sigmoid", "isotonic", "label"]

N_KNOTS = 64
MOST_STEPS = 50
LEAST_GAIN = 1e-14
LEAST_SHARE = 1e-6
RIDGE = 1e-12
LEAST = 1e-6
LEAST_ISOTONIC = 200
"""Rows below which steps are not fitted: a line has to do."""


@dataclass(frozen=True, slots=True, eq=False)
class Calibrator:
    """From outputs to probabilities.

    Attributes
    ----------
    kind : {"identity", "sigmoid", "isotonic", "label"}
    table : ndarray of float
        ``"sigmoid"``: intercept and slope of each output, (n_outputs, 2).
        ``"isotonic"``: knots and their probabilities, (n_outputs, 2, 64).
        ``"label"``: probability of each class given the label that was answered,
        (n_classes, n_classes). ``"identity"``: empty.
    """

    kind: CalibrationKind
    table: np.ndarray


def kinds_for(response: Response, n_rows: int) -> tuple[CalibrationKind, ...]:
    """Calibrations to choose from; the plainest first."""
    if response == "predict":
        return ("label",)
    first: tuple[CalibrationKind, ...] = ("sigmoid",)
    if response == "predict_proba":
        first = ("identity", "sigmoid")
    return first if n_rows < LEAST_ISOTONIC else (*first, "isotonic")


def fit_calibrator(
    kind: CalibrationKind, line: np.ndarray, right: np.ndarray
) -> Calibrator:
    """Fit one output after the other, each to whether its class was right.

    Parameters
    ----------
    kind : str
    line : ndarray of float of shape (n_rows, n_outputs)
        Outputs on a line, see `on_line`; for ``"label"`` which label was answered,
        one column for each class.
    right : ndarray of bool of shape (n_rows, n_classes)
        Two classes have one output, that of the second.
    """
    if kind == "identity":
        return Calibrator(kind, np.zeros(0))
    if kind == "label":
        joint = line.T @ right
        prior = (right.sum(axis=0) + 0.5) / (len(right) + 0.5 * right.shape[1])
        shares = (joint + 2.0 * prior) / (joint.sum(axis=1, keepdims=True) + 2.0)
        return Calibrator(kind, shares)
    hits = right[:, 1:] if line.shape[1] == 1 else right
    fit = _sigmoid if kind == "sigmoid" else _isotonic
    columns = [fit(line[:, j], hits[:, j]) for j in range(line.shape[1])]
    return Calibrator(kind, np.stack(columns))


def calibrated(calibrator: Calibrator, line: np.ndarray) -> np.ndarray:
    """Probability of each class, of shape (n_rows, n_classes); rows sum to 1."""
    if calibrator.kind == "label":
        return np.asarray(line @ calibrator.table)
    if calibrator.kind == "identity":
        found = special.expit(line)
    elif calibrator.kind == "sigmoid":
        found = special.expit(calibrator.table[:, 0] + calibrator.table[:, 1] * line)
    else:
        found = np.column_stack(
            [
                np.interp(line[:, j], knots, shares)
                for j, (knots, shares) in enumerate(calibrator.table)
            ]
        )
    found = np.clip(found, LEAST, 1.0 - LEAST)
    if found.shape[1] == 1:
        return np.hstack([1.0 - found, found])
    return np.asarray(found / found.sum(axis=1, keepdims=True))


def on_line(outputs: np.ndarray, response: Response) -> np.ndarray:
    """Outputs on the scale of log odds; two columns of probabilities become one."""
    if response != "predict_proba":
        return np.nan_to_num(outputs, nan=0.0, posinf=1e30, neginf=-1e30)
    known = np.clip(np.nan_to_num(outputs), LEAST, 1.0 - LEAST)
    if known.shape[1] == 2:
        known = known[:, 1:]
    return np.asarray(special.logit(known))


def _sigmoid(line: np.ndarray, hits: np.ndarray) -> np.ndarray:
    """Intercept and slope of a logistic line, its targets drawn in as by Platt.

    By Newton's method with shortened steps (Lin, Lin and Weng 2007).
    """
    n_hits = float(hits.sum())
    n_rest = len(hits) - n_hits
    target = np.where(hits, (n_hits + 1) / (n_hits + 2), 1 / (n_rest + 2))
    scale = float(np.abs(line).mean()) or 1.0
    scaled = line / scale
    start = np.array([special.logit((n_hits + 1) / (len(hits) + 2)), 0.0])
    at, (loss, slope, curve) = start, _log_loss(start, scaled, target)
    for _ in range(MOST_STEPS):
        step = np.linalg.solve(curve, slope)
        gain = float(slope @ step)
        if gain < LEAST_GAIN:
            break
        share = 1.0
        new = _log_loss(at - step, scaled, target)
        while new[0] > loss - 1e-4 * share * gain and share > LEAST_SHARE:
            share *= 0.5
            new = _log_loss(at - share * step, scaled, target)
        at, (loss, slope, curve) = at - share * step, new
    return start if at[1] <= 0.0 else np.array([at[0], at[1] / scale])


def _log_loss(
    at: np.ndarray, line: np.ndarray, target: np.ndarray
) -> tuple[float, np.ndarray, np.ndarray]:
    """Mean log loss of a logistic line, with gradient and Hessian."""
    z = at[0] + at[1] * line
    surer = 0.5 + 0.5 * np.tanh(0.5 * np.abs(z))
    loss = float((np.maximum(z, 0.0) - target * z - np.log(surer)).mean())
    rest = np.where(z < 0.0, 1.0 - surer, surer) - target
    weights = surer * (1.0 - surer)
    weighted = weights * line
    n = len(line)
    slope = np.array([rest.sum(), rest @ line]) / n
    cross = weighted.sum()
    curve = np.array([[weights.sum(), cross], [cross, weighted @ line]]) / n
    return loss, slope, curve + RIDGE * np.eye(2)


def _isotonic(line: np.ndarray, hits: np.ndarray) -> np.ndarray:
    """At most 64 knots of a rising function, and its value there."""
    steps = IsotonicRegression(out_of_bounds="clip").fit(line, hits)
    knots, shares = steps.X_thresholds_, steps.y_thresholds_
    kept = spread_evenly(len(knots), N_KNOTS)
    knots, shares = knots[kept], shares[kept]
    least = 1.0 / (len(hits) + 2.0)
    shares = np.clip(shares, least, 1.0 - least)
    spare = N_KNOTS - len(knots)
    return np.stack(
        [
            np.pad(knots, (0, spare), mode="edge"),
            np.pad(shares, (0, spare), mode="edge"),
        ]
    )
